-- A series that has a row on a day should cover the whole of it, be it 23, 24 or 25 hours long. What it has
-- too much of, as where intervals overlap, makes up for no gap of another series. DuckDB groups by a small
-- number in half the time that it takes for a date.
insert into inventory.day_figures
with by_number as (
    select
        (delivery_date - $first_day)::usmallint as day_number,
        market_type,
        series,
        count(*) as rows,
        sum(seconds) as seconds
    from year_rows
    where delivery_date between $first_day and $last_day
    group by
        (delivery_date - $first_day)::usmallint,
        market_type,
        series
),

per_series as (
    select
        $first_day + day_number::integer as delivery_date,
        market_type,
        rows,
        seconds
    from by_number
),

calendar as (
    select
        delivery_date,
        date_diff(
            'second',
            timezone($time_zone, delivery_date::timestamp),
            timezone($time_zone, (delivery_date + 1)::timestamp)
        ) as seconds
    from per_series
    group by delivery_date
)

select
    $path as path,
    date_trunc('month', per_series.delivery_date)::date as month,
    per_series.delivery_date,
    per_series.market_type,
    sum(per_series.rows) as rows,
    count(*) as series,
    sum(least(per_series.seconds, calendar.seconds)) as seconds_covered,
    sum(calendar.seconds) as seconds_expected,
    any_value(calendar.seconds) as seconds_of_day
from per_series
inner join calendar on per_series.delivery_date = calendar.delivery_date
group by
    per_series.delivery_date,
    per_series.market_type
