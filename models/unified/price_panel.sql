-- Day-ahead beside real-time prices, one row per operator, settlement location and hour.
-- The delivery date is taken from the year files as it is, so that a filter on it reads few row groups.
with prices as (

    select
        iso,
        settlement_location_id,
        settlement_location,
        settlement_location_type,
        delivery_date,
        datetime_local,
        dst_flag,
        market_type,
        interval_minutes,
        interval_start_utc,
        interval_end_utc,
        lmp_total,
        {{ start_of_step('interval_start_utc', 60) }} as hour_utc,
        {{ plus_minutes(start_of_step('interval_start_utc', 60), 60) }} as next_hour_utc
    from {{ ref('energy_prices') }}

),

-- An interval that ends in the next hour counts there too, for the time that it lasts in it. Only dispatch
-- runs off the five-minute grid do.
pieces as (

    select
        *,
        true as begins_here,
        {{ seconds_from('interval_start_utc', 'least(interval_end_utc, next_hour_utc)') }} as seconds
    from prices
    union all by name
    select
        * replace (
            next_hour_utc as hour_utc,
            (datetime_local + interval 1 hour)::date as delivery_date
        ),
        false as begins_here,
        {{ seconds_from('next_hour_utc', 'interval_end_utc') }} as seconds
    from prices
    where interval_end_utc > next_hour_utc

),

-- An operator may publish real-time prices of several resolutions.
by_resolution as (

    select
        iso,
        settlement_location_id,
        delivery_date,
        hour_utc,
        market_type,
        interval_minutes,
        max(settlement_location) as settlement_location,
        max(settlement_location_type) as settlement_location_type,
        min(datetime_local) filter (where begins_here) as first_local,
        max(dst_flag) filter (where begins_here) as dst_flag,
        sum(lmp_total * seconds) / sum(seconds) as lmp_mean,
        min(lmp_total) as lmp_min,
        max(lmp_total) as lmp_max,
        count(*) filter (where begins_here) as intervals,
        sum(seconds) as seconds
    from pieces
    group by
        iso,
        settlement_location_id,
        delivery_date,
        hour_utc,
        market_type,
        interval_minutes
    having bool_or(begins_here)

),

-- Of real time the finest resolution that has prices of the hour counts.
by_hour as (

    select
        iso,
        settlement_location_id,
        delivery_date,
        hour_utc,
        max(settlement_location) as settlement_location,
        max(settlement_location_type) as settlement_location_type,
        date_trunc('hour', min(first_local)) as hour_local,
        max(dst_flag) as dst_flag,
        arg_min(lmp_mean, interval_minutes) filter (where market_type = 'DA') as lmp_da,
        arg_min(lmp_mean, interval_minutes) filter (where market_type = 'RT') as lmp_rt_mean,
        arg_min(lmp_min, interval_minutes) filter (where market_type = 'RT') as lmp_rt_min,
        arg_min(lmp_max, interval_minutes) filter (where market_type = 'RT') as lmp_rt_max,
        min(interval_minutes) filter (where market_type = 'RT') as rt_interval_minutes,
        arg_min(intervals, interval_minutes) filter (where market_type = 'RT') as rt_intervals,
        arg_min(seconds, interval_minutes) filter (where market_type = 'RT') as rt_seconds
    from by_resolution
    group by
        iso,
        settlement_location_id,
        delivery_date,
        hour_utc

)

select
    hour_utc,
    hour_local,
    delivery_date,
    (hour(hour_local) + 1)::utinyint as delivery_hour,
    dst_flag,
    iso,
    settlement_location,
    settlement_location_type,
    settlement_location_id,
    lmp_da,
    lmp_rt_mean,
    lmp_rt_min,
    lmp_rt_max,
    lmp_da - lmp_rt_mean as lmp_da_minus_rt,
    rt_interval_minutes,
    coalesce(rt_intervals, 0)::utinyint as rt_intervals,
    coalesce(rt_seconds = 3600, false) as has_whole_rt_hour
from by_hour
