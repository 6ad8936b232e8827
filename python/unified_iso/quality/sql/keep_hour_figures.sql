insert into inventory.hour_figures
select
    $path as path,
    month,
    market_type,
    unit,
    local_hour,
    sum(rows) as rows,
    sum(negative_rows) as negative_rows,
    sum(total) as total
from price_groups
where local_hour is not null
group by
    month,
    market_type,
    unit,
    local_hour
