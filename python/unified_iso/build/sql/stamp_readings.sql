-- How far hourly means of twelve prices are from the published hourly prices, as stamps are read and in the
-- other way: the mean distance over hubs and hours of the last week that both datasets have. Prices are
-- decimals, because a mean of doubles depends on the order in which threads come to them.
with last_hours as (
    select max(hourly.interval_start_utc) as last_hour
    from read_parquet($hourly_files, hive_partitioning = false) as hourly
    where
        hourly.interval_start_utc <= (
            select max(prices.interval_start_utc)
            from read_parquet($files, hive_partitioning = false) as prices
        )
),

intervals as (
    select
        prices.settlement_location_id,
        prices.lmp_total,
        unnest([
            struct_pack(is_other := false, start_us := epoch_us(prices.interval_start_utc)),
            struct_pack(
                is_other := true,
                start_us := epoch_us(prices.interval_start_utc) + $minutes_to_other * 60000000
            )
        ]) as reading
    from read_parquet($files, hive_partitioning = false) as prices
    cross join last_hours
    where
        prices.settlement_location_type = 'HUB'
        and prices.interval_start_utc > last_hours.last_hour - interval 7 day
),

hours as (
    select
        intervals.settlement_location_id,
        intervals.reading.is_other as is_read_otherwise,
        make_timestamptz(intervals.reading.start_us // 3600000000 * 3600000000) as hour_utc,
        avg(intervals.lmp_total::decimal(18, 8)) as mean_price
    from intervals
    group by all
    having count(*) = 12
),

distances as (
    select
        hours.is_read_otherwise,
        abs(hours.mean_price - hourly.lmp_total)::decimal(18, 8) as distance
    from hours
    inner join read_parquet($hourly_files, hive_partitioning = false) as hourly
        on
            hours.hour_utc = hourly.interval_start_utc
            and hours.settlement_location_id = hourly.settlement_location_id
)

select
    count(*) filter (where not is_read_otherwise) as hours_compared,
    avg(distance) filter (where not is_read_otherwise) as distance,
    avg(distance) filter (where is_read_otherwise) as distance_of_other
from distances
