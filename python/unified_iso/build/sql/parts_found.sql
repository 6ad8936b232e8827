-- Rows that a test has found, by delivery year and part; null where the rows tell no time, so that nobody
-- knows in which part of the year they are.
with parts as (
    select
        part,
        year,
        first_interval
    from inventory.current_parts
    where model = $model
),

timed as (
    select
        found.delivery_year,
        coalesce(
            found.part,
            (
                select max(parts.part)
                from parts
                where
                    parts.year = found.delivery_year
                    and (parts.first_interval <= found.at_time or parts.part <= found.on_day)
            )
        ) as part
    from rows_found as found
)

select
    delivery_year,
    strftime(part, '%Y-%m-%d') as part,
    count(*) as found_rows
from timed
where delivery_year is not null
group by
    delivery_year,
    part
order by
    delivery_year,
    part
