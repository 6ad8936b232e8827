-- Prices are counted by tenths of their unit, so that quantiles need no sorting and are the same in each run,
-- which approximate ones are not where several threads count.
create or replace temp table price_groups as
select
    date_trunc('month', delivery_date)::date as month,
    market_type,
    unit,
    local_hour,
    round(price * 10)::bigint as tenths,
    count(*) as rows,
    count(*) filter (where price < 0) as negative_rows,
    sum(price::decimal(18, 6)) as total,
    min(price) as low,
    max(price) as high
from year_rows
where
    delivery_date between $first_day and $last_day
    and isfinite(price)
group by all
