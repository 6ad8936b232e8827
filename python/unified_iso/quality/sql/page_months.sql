select
    dataset,
    market_type,
    unit,
    strftime(month, '%Y-%m') as month,
    low,
    p5,
    median,
    p95,
    high,
    share_negative
from quality_prices_by_month
order by
    dataset,
    market_type,
    unit,
    month
