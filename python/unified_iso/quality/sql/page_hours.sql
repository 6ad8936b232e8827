select
    dataset,
    market_type,
    unit,
    local_hour,
    mean_price,
    share_negative
from quality_prices_by_hour
order by
    dataset,
    market_type,
    unit,
    local_hour
