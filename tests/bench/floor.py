"""The floor a build is measured against: one unsorted COPY of the same 24 columns.

`python floor.py REPORT RAW OUT`: typed read_csv of the raw files, zstd, row groups of 122,880, no
order, insertion order off, in a process of its own.
"""

from __future__ import annotations

import sys
from pathlib import Path
from string import Template

import duckdb

PJM_LMPS = """
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
"""

# Comments and headings are skipped by their number, and the trailer is a line that doesn't fit.
ISONE_DAILY = """
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
"""

MISO_LMPS = """
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
"""
HOURS = [f"HE {hour}" for hour in range(1, 25)]
MISO_HOURS = {
    "columns": ", ".join(f"'{hour}': 'double'" for hour in HOURS),
    "prices": "[" + ", ".join(f'"{hour}"' for hour in HOURS) + "]",
}

ERCOT_SPP = """
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
"""

REPORTS = {
    "da_expost_lmp": ("miso", MISO_LMPS, MISO_HOURS),
    "da_hrl_lmps": ("pjm", PJM_LMPS, {"market": "da", "minutes": "60"}),
    "np4-190-cd": ("ercot", ERCOT_SPP, {}),
    "ww_dalmp_iso": ("isone", ISONE_DAILY, {}),
    "rt_fivemin_hrl_lmps": ("pjm", PJM_LMPS, {"market": "rt", "minutes": "5"}),
}


def main() -> None:
    """Write the floor's file."""
    report, raw, out = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    iso, template, names = REPORTS[report]
    files = sorted(str(path) for path in (raw / iso / report).rglob("*.csv"))
    listed = "[" + ", ".join("'" + file.replace("'", "''") + "'" for file in files) + "]"
    with duckdb.connect(config={"memory_limit": "1600MB", "threads": 2}) as connection:
        connection.execute("set TimeZone = 'UTC'")
        connection.execute("set preserve_insertion_order = false")
        connection.execute(f"set temp_directory = '{out}.tmp'")
        query = Template(template).substitute(names, files=listed)
        connection.execute(
            f"copy ({query}) to '{out}' (format parquet, compression zstd, row_group_size 122880)"
        )


if __name__ == "__main__":
    main()
