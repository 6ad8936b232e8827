with typed as (

    select
        make_timestamptz(epoch_us(interval_end) - 3600000000) as datetime_utc,
        *
    from read_csv(
        $padded,
        columns = {
            'interval_local': 'varchar',
            'interval_end': 'timestamp',
            'settlement_location': 'varchar',
            'pnode': 'varchar',
            'lmp': 'double',
            'mlc': 'double',
            'mcc': 'double',
            'mec': 'double'
        },
        auto_detect = false,
        header = true,
        delim = ',',
        quote = '"',
        escape = '"',
        timestampformat = '%m/%d/%Y %H:%M:%S',
        filename = 'raw_file'
    )

    union all

    select
        make_timestamptz(epoch_us(interval_end) - 3600000000) as datetime_utc,
        *
    from read_csv(
        $unpadded,
        columns = {
            'interval_local': 'varchar',
            'interval_end': 'timestamp',
            'settlement_location': 'varchar',
            'pnode': 'varchar',
            'lmp': 'double',
            'mlc': 'double',
            'mcc': 'double',
            'mec': 'double'
        },
        auto_detect = false,
        header = true,
        delim = ',',
        quote = '"',
        escape = '"',
        timestampformat = '%-m/%-d/%Y %-H:%M',
        filename = 'raw_file'
    )

),

local as (
    select
        *,
        timezone('America/Chicago', datetime_utc) as datetime_local
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
    'SPP' as iso,
    'DA' as market_type,
    trim(settlement_location) as settlement_location,
    case
        when settlement_location in ('SPPNORTH_HUB', 'SPPSOUTH_HUB') then 'HUB' else 'NODE'
    end as settlement_location_type,
    trim(settlement_location) as settlement_location_id,
    null::varchar as zone,
    null::double as voltage_kv,
    lmp as lmp_total,
    mec as lmp_energy,
    mcc as lmp_congestion,
    mlc as lmp_loss,
    mec as system_lambda,
    case
        when datetime_local - timezone('UTC', datetime_utc) > interval '-6 hours' then 'Y' else 'N'
    end as dst_flag,
    raw_file as data_source,
    1::uinteger as version,
    true as is_current
from local
