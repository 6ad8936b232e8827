-- Delivery years of a dataset, with the path of the candidate where there is one.
select
    year,
    path
from inventory.candidates
where
    model = $model
    and path is not null
union all
select distinct
    year,
    null as path
from inventory.parts
where
    model = $model
    and year not in (
        select candidates.year
        from inventory.candidates as candidates
        where candidates.model = $model
    )
order by year
