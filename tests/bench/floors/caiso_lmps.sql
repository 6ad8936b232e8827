with pivoted as (
    select
        INTERVALSTARTTIME_GMT as interval_start,
        NODE as node,
        max(case when LMP_TYPE = 'LMP' then MW end) as lmp_total,
        max(case when LMP_TYPE = 'MCE' then MW end) as lmp_energy,
        max(case when LMP_TYPE = 'MCC' then MW end) as lmp_congestion,
        max(case when LMP_TYPE = 'MCL' then MW end) as lmp_loss,
        any_value(raw_file) as raw_file
    from read_csv(
        $files,
        columns = {
            'INTERVALSTARTTIME_GMT': 'timestamp',
            'INTERVALENDTIME_GMT': 'varchar',
            'OPR_DT': 'varchar',
            'OPR_HR': 'varchar',
            'OPR_INTERVAL': 'varchar',
            'NODE_ID_XML': 'varchar',
            'NODE_ID': 'varchar',
            'NODE': 'varchar',
            'MARKET_RUN_ID': 'varchar',
            'LMP_TYPE': 'varchar',
            'XML_DATA_ITEM': 'varchar',
            'PNODE_RESMRID': 'varchar',
            'GRP_TYPE': 'varchar',
            'POS': 'varchar',
            'MW': 'double',
            'GROUP': 'varchar'
        },
        auto_detect = false,
        header = true,
        delim = ',',
        quote = '"',
        escape = '"',
        timestampformat = '%Y-%m-%dT%H:%M:%S-00:00',
        filename = 'raw_file'
    )
    group by
        INTERVALSTARTTIME_GMT,
        NODE
),

local as (
    select
        *,
        make_timestamptz(epoch_us(interval_start)) as datetime_utc,
        timezone('America/Los_Angeles', datetime_utc) as datetime_local
    from pivoted
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
    'CAISO' as iso,
    'DA' as market_type,
    node as settlement_location,
    case
        when starts_with(node, 'TH_') then 'HUB'
        when node[2:5] = 'LAP_' then 'ZONE'
        when ends_with(node, '-APND') then 'AGGREGATE'
        else 'PNODE'
    end as settlement_location_type,
    node as settlement_location_id,
    null::varchar as zone,
    null::double as voltage_kv,
    lmp_total,
    lmp_energy,
    lmp_congestion,
    lmp_loss,
    lmp_energy as system_lambda,
    case
        when datetime_local - interval_start > interval '-8 hours' then 'Y' else 'N'
    end as dst_flag,
    raw_file as data_source,
    1::uinteger as version,
    true as is_current
from local
