with typed as (
    select
        *,
        delivery_date + to_hours(left(hour_ending, 2)::integer - 1) as datetime_local
    from read_csv(
        $files,
        columns = {
            'delivery_date': 'timestamp',
            'hour_ending': 'varchar',
            'settlement_point': 'varchar',
            'settlement_point_price': 'double',
            'dst_flag': 'varchar'
        },
        auto_detect = false,
        header = true,
        delim = ',',
        quote = '"',
        escape = '"',
        timestampformat = '%m/%d/%Y',
        filename = 'raw_file'
    )
),

timed as (
    select
        *,
        timezone('America/Chicago', datetime_local) as datetime_utc
    from typed
)

select
    datetime_utc,
    datetime_local,
    datetime_utc as interval_start_utc,
    datetime_utc + to_hours(1) as interval_end_utc,
    datetime_local::date as delivery_date,
    (hour(datetime_local) + 1)::utinyint as delivery_hour,
    0::utinyint as delivery_interval,
    60::utinyint as interval_minutes,
    'ERCOT' as iso,
    'DA' as market_type,
    settlement_point as settlement_location,
    case left(settlement_point, 3)
        when 'HB_' then 'HUB'
        when 'LZ_' then 'ZONE'
        when 'DC_' then 'DC_TIE'
        else 'RESOURCE_NODE'
    end as settlement_location_type,
    settlement_point as settlement_location_id,
    null::varchar as zone,
    null::double as voltage_kv,
    settlement_point_price as lmp_total,
    null::double as lmp_energy,
    null::double as lmp_congestion,
    null::double as lmp_loss,
    null::double as system_lambda,
    case
        when datetime_local - timezone('UTC', datetime_utc) > interval '-6 hours' then 'Y' else 'N'
    end as dst_flag,
    raw_file as data_source,
    1::uinteger as version,
    true as is_current
from timed
