-- Products of one year file: only the columns that describe them are read, once.
insert into inventory.seen_products
select
    $path as path,
    market_type,
    as_product,
    as_product_standard,
    as_region,
    unit,
    min(datetime_utc) as first_interval,
    max(datetime_utc) as last_interval,
    count(*) as rows
from read_parquet($file, hive_partitioning = false)
group by all
