-- The mean price by local clock hour, one row per dataset, market, unit and hour, over all days and series.
select
    files.dataset,
    files.model,
    prices.market_type,
    prices.unit,
    prices.local_hour,
    sum(prices.rows) as rows,
    (sum(prices.total) / sum(prices.rows))::double as mean_price,
    sum(prices.negative_rows) / sum(prices.rows) as share_negative
from {{ source('inventory', 'hour_figures') }} as prices
inner join {{ ref('quality_files') }} as files on prices.path = files.path
group by
    files.dataset,
    files.model,
    prices.market_type,
    prices.unit,
    prices.local_hour
