-- Runs of new parts within a year, from the last interval before them to the first one after.
with bordered as (
    select
        *,
        lag(last_interval) over by_year as last_before,
        lead(first_interval) over by_year as first_after,
        count(*) filter (where not is_new) over by_year as run
    from inventory.current_parts
    where model = $model
    window by_year as (
        partition by year
        order by part
    )
)

select
    candidates.year,
    candidates.path,
    strftime(
        coalesce(first(bordered.last_before order by bordered.part), min(bordered.first_interval)),
        '%Y-%m-%d %H:%M:%S+00'
    ) as first_instant,
    strftime(
        coalesce(last(bordered.first_after order by bordered.part), max(bordered.last_interval)),
        '%Y-%m-%d %H:%M:%S+00'
    ) as last_instant
from bordered
inner join inventory.candidates as candidates on candidates.model = $model and bordered.year = candidates.year
where
    bordered.is_new
    and candidates.path is not null
group by
    candidates.year,
    candidates.path,
    bordered.run
order by
    min(bordered.part)
