select
    year,
    path
from inventory.candidates
where
    model = $model
    and path is not null
order by year
