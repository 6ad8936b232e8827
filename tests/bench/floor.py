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

REPORTS = {
    "da_hrl_lmps": ("pjm", PJM_LMPS, {"market": "da", "minutes": "60"}),
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
