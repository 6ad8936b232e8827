-- Delivery years of all datasets, with the path of the candidate where there is one.
select
    model,
    year,
    path
from inventory.candidates
where
    path is not null
union all
select distinct
    parts.model,
    parts.year,
    null as path
from inventory.parts as parts
anti join inventory.candidates as candidates
    on
        parts.model = candidates.model
        and parts.year = candidates.year
order by
    model,
    year
