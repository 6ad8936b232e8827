with typed as (
    select
        make_timestamptz(epoch_us(datetime_beginning_utc)) as datetime_utc,
        *
    from read_csv(
        $files,
        columns = {
            'datetime_beginning_utc': 'timestamp',
            'datetime_beginning_ept': 'varchar',
            'pnode_id': 'ubigint',
            'pnode_name': 'varchar',
            'voltage': 'varchar',
            'equipment': 'varchar',
            'type': 'varchar',
            'zone': 'varchar',
            'system_energy_price_$market': 'double',
            'total_lmp_$market': 'double',
            'congestion_price_$market': 'double',
            'marginal_loss_price_$market': 'double',
            'row_is_current': 'varchar',
            'version_nbr': 'uinteger'
        },
        auto_detect = false,
        header = true,
        delim = ',',
        quote = '"',
        escape = '"',
        timestampformat = '%-m/%-d/%Y %-I:%M:%S %p',
        filename = 'raw_file'
    )
),

local as (
    select
        *,
        timezone('America/New_York', datetime_utc) as datetime_local
    from typed
)

select
    datetime_utc,
    datetime_local,
    datetime_utc as interval_start_utc,
    datetime_utc + to_minutes($minutes) as interval_end_utc,
    datetime_local::date as delivery_date,
    (hour(datetime_local) + 1)::utinyint as delivery_hour,
    (minute(datetime_local) // $minutes)::utinyint as delivery_interval,
    $minutes::utinyint as interval_minutes,
    'PJM' as iso,
    upper('$market') as market_type,
    pnode_name as settlement_location,
    type as settlement_location_type,
    pnode_id::varchar as settlement_location_id,
    zone,
    try_cast(replace(voltage, 'KV', '') as double) as voltage_kv,
    total_lmp_$market as lmp_total,
    system_energy_price_$market as lmp_energy,
    congestion_price_$market as lmp_congestion,
    marginal_loss_price_$market as lmp_loss,
    system_energy_price_$market as system_lambda,
    case
        when datetime_local - datetime_beginning_utc > interval '-5 hours' then 'Y' else 'N'
    end as dst_flag,
    raw_file as data_source,
    version_nbr as version,
    true as is_current
from local
