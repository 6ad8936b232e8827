-- Rows of a twin that do not stand after the one before them, by location and time.
-- A window without an order takes rows as they stand in the file.
select count(*) as breaks
from (
    select
        settlement_location_id,
        datetime_utc,
        lag(settlement_location_id) over () as location_before,
        lag(datetime_utc) over () as time_before
    from read_parquet([$path], hive_partitioning = false)
) as in_file_order
where
    location_before is not null
    and (settlement_location_id, datetime_utc) < (location_before, time_before)
