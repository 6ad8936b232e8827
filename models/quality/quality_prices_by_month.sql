-- The band of prices, one row per dataset, market, unit and month, over all series together.
select
    files.dataset,
    files.model,
    prices.market_type,
    prices.unit,
    prices.month,
    prices.rows,
    prices.low,
    prices.p5,
    prices.median,
    prices.p95,
    prices.high,
    prices.negative_rows,
    prices.negative_rows / prices.rows as share_negative
from {{ source('inventory', 'price_figures') }} as prices
inner join {{ ref('quality_files') }} as files on prices.path = files.path
