-- A quantile is the lowest price that has at least this share of the rows at or below it. A tenth may lie
-- beyond the prices that it stands for.
insert into inventory.price_figures
with by_price as (
    select
        month,
        market_type,
        unit,
        tenths,
        sum(rows) as rows,
        sum(negative_rows) as negative_rows,
        min(low) as low,
        max(high) as high
    from price_groups
    group by
        month,
        market_type,
        unit,
        tenths
),

placed as (
    select
        *,
        sum(rows) over (
            partition by month, market_type, unit
            order by tenths
        ) / sum(rows) over (partition by month, market_type, unit) as reached
    from by_price
)

select
    $path as path,
    month,
    market_type,
    unit,
    sum(rows) as rows,
    sum(negative_rows) as negative_rows,
    min(low) as low,
    greatest(min(low), least(max(high), min(tenths) filter (where reached >= 0.05) / 10)) as p5,
    greatest(min(low), least(max(high), min(tenths) filter (where reached >= 0.5) / 10)) as median,
    greatest(min(low), least(max(high), min(tenths) filter (where reached >= 0.95) / 10)) as p95,
    max(high) as high
from placed
group by
    month,
    market_type,
    unit
