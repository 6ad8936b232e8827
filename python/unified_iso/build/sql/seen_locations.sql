-- Locations of one year file: only the columns that describe them are read, once.
insert into inventory.seen_locations
select
    $path as path,
    settlement_location_id,
    settlement_location,
    settlement_location_type,
    zone,
    voltage_kv,
    min(datetime_utc) as first_interval,
    max(datetime_utc) as last_interval,
    count(*) as rows
from read_parquet($file, hive_partitioning = false)
group by all
