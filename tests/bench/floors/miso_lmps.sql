with lines as (
    select
        raw_file,
        Node as node,
        Type as type,
        Value as value,
        $prices as prices
    from read_csv(
        $files,
        columns = {'Node': 'varchar', 'Type': 'varchar', 'Value': 'varchar', $columns},
        auto_detect = false,
        header = true,
        skip = 4,
        delim = ',',
        quote = '"',
        escape = '"',
        filename = 'raw_file'
    )
),

hours as (
    select
        raw_file,
        strptime(regexp_extract(raw_file, '([0-9]{8})_', 1), '%Y%m%d') as day,
        node,
        lmps.type,
        unnest(range(24)) as hour,
        unnest(lmps.prices) as lmp,
        unnest(mccs.prices) as mcc,
        unnest(mlcs.prices) as mlc
    from (from lines where value = 'LMP') as lmps
    inner join (from lines where value = 'MCC') as mccs using (raw_file, node)
    inner join (from lines where value = 'MLC') as mlcs using (raw_file, node)
),

typed as (
    select
        *,
        day + to_hours(hour) as datetime_local,
        make_timestamptz(epoch_us(day) + (hour + 5) * 3600000000) as datetime_utc
    from hours
)

select
    datetime_utc,
    datetime_local,
    datetime_utc as interval_start_utc,
    make_timestamptz(epoch_us(datetime_utc) + 3600000000) as interval_end_utc,
    day::date as delivery_date,
    (hour + 1)::utinyint as delivery_hour,
    0::utinyint as delivery_interval,
    60::utinyint as interval_minutes,
    'MISO' as iso,
    'DA' as market_type,
    node as settlement_location,
    case
        when node like '%.HUB' then 'HUB'
        when type = 'Hub' then 'AGGREGATE'
        when type = 'Loadzone' then 'ZONE'
        when type = 'Interface' then 'INTERFACE'
        else 'NODE'
    end as settlement_location_type,
    node as settlement_location_id,
    null::varchar as zone,
    null::double as voltage_kv,
    lmp as lmp_total,
    round(lmp - mcc - mlc, 2) as lmp_energy,
    mcc as lmp_congestion,
    mlc as lmp_loss,
    round(lmp - mcc - mlc, 2) as system_lambda,
    'N' as dst_flag,
    raw_file as data_source,
    1::uinteger as version,
    true as is_current
from typed
