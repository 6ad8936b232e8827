insert into inventory.blocked
with known as (
    select year from inventory.candidates
    where model = $model
    union
    select year from inventory.parts
    where model = $model
    union
    select year from inventory.blocked_years
    where model = $model
)

select
    $model as model,
    candidates.year,
    $before_rows || coalesce(sum(found.rows)::bigint::varchar, '') || $after_rows as message
from inventory.candidates as candidates
inner join rows_found as found
    on
        candidates.year = found.delivery_year
        or found.delivery_year is null
        or found.delivery_year not in (select known.year from known)
where candidates.model = $model
group by candidates.year
