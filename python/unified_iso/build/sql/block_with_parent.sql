-- Years that were made of candidates of another dataset which are not published.
insert into inventory.blocked
select distinct
    candidates.model,
    candidates.year,
    'it is made of ' || $parent || ', of which this year is not published' as message
from inventory.candidates as candidates
inner join inventory.candidates as of_parent
    on
        of_parent.model = $parent
        and candidates.year = of_parent.year
inner join inventory.blocked_years as blocked
    on
        of_parent.model = blocked.model
        and of_parent.year = blocked.year
where candidates.model = $model
