-- Prices are counted by tenths of their unit, so that quantiles need no sorting and are the same in each run,
-- which approximate ones are not where several threads count. Sums are of whole millionths, and so they are
-- the same in each order of rows. Months are numbers while rows are grouped, which is quicker than dates.
create or replace temp table price_groups as
with grouped as (
    select
        (year(delivery_date) * 12 + month(delivery_date) - 1)::uinteger as month_number,
        market_type,
        unit,
        local_hour,
        round(price * 10)::bigint as tenths,
        count(*) as rows,
        count(*) filter (where price < 0) as negative_rows,
        sum(round(price * 1000000)::bigint) as millionths,
        min(price) as low,
        max(price) as high
    from year_rows
    where
        delivery_date between $first_day and $last_day
        and isfinite(price)
    group by all
)

select
    make_date((month_number // 12)::integer, (month_number % 12 + 1)::integer, 1) as month,
    market_type,
    unit,
    local_hour,
    tenths,
    rows,
    negative_rows,
    millionths::decimal(32, 0) * 0.000001 as total,
    low,
    high
from grouped
