with typed as (
    select
        *,
        timezone('America/New_York', datetime_local) as datetime_utc
    from read_csv(
        $files,
        columns = {
            'datetime_local': 'timestamp',
            'name': 'varchar',
            'ptid': 'uinteger',
            'lbmp': 'double',
            'losses': 'double',
            'congestion': 'double'
        },
        auto_detect = false,
        header = true,
        delim = ',',
        quote = '"',
        escape = '"',
        timestampformat = '%m/%d/%Y %H:%M',
        filename = 'raw_file'
    )
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
    'NYISO' as iso,
    'DA' as market_type,
    trim(name) as settlement_location,
    case
        when ptid between 61752 and 61762 then 'ZONE'
        when ptid between 61844 and 61847 then 'INTERFACE'
        else 'NODE'
    end as settlement_location_type,
    ptid::varchar as settlement_location_id,
    null::varchar as zone,
    null::double as voltage_kv,
    lbmp as lmp_total,
    round(lbmp - losses + congestion, 2) as lmp_energy,
    0 - congestion as lmp_congestion,
    losses as lmp_loss,
    round(lbmp - losses + congestion, 2) as system_lambda,
    case
        when datetime_local - timezone('UTC', datetime_utc) > interval '-5 hours' then 'Y' else 'N'
    end as dst_flag,
    raw_file as data_source,
    1::uinteger as version,
    true as is_current
from typed
