with typed as (
    select
        *,
        date + to_hours(try_cast(rtrim(hour_ending, 'X') as integer) - 1) as datetime_local
    from read_csv(
        $files,
        columns = {
            'record': 'varchar',
            'date': 'timestamp',
            'hour_ending': 'varchar',
            'location_id': 'varchar',
            'location_name': 'varchar',
            'location_type': 'varchar',
            'lmp': 'double',
            'energy': 'double',
            'congestion': 'double',
            'loss': 'double'
        },
        auto_detect = false,
        header = false,
        skip = 6,
        ignore_errors = true,
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
        timezone('America/New_York', datetime_local) as datetime_utc
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
    'ISONE' as iso,
    'DA' as market_type,
    trim(location_name) as settlement_location,
    location_type as settlement_location_type,
    location_id as settlement_location_id,
    null::varchar as zone,
    null::double as voltage_kv,
    lmp as lmp_total,
    energy as lmp_energy,
    congestion as lmp_congestion,
    loss as lmp_loss,
    energy as system_lambda,
    case
        when datetime_local - timezone('UTC', datetime_utc) > interval '-5 hours' then 'Y' else 'N'
    end as dst_flag,
    raw_file as data_source,
    1::uinteger as version,
    true as is_current
from timed
