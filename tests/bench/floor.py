"""The floor a build is measured against: one unsorted COPY of the same 24 columns.

`python floor.py ISO RAW OUT`: typed read_csv of the raw files, zstd, row groups of 122,880, no
order, insertion order off, in a process of its own.
"""

from __future__ import annotations

import sys
from pathlib import Path

import duckdb

QUERIES = {
    "pjm": """
        with typed as (
            select
                make_timestamptz(epoch_us(datetime_beginning_utc)) as datetime_utc,
                *
            from read_csv(
                $files,
                columns = {
                    'datetime_beginning_utc': 'timestamp',
                    'datetime_beginning_ept': 'varchar',
                    'pnode_id': 'varchar',
                    'pnode_name': 'varchar',
                    'voltage': 'varchar',
                    'equipment': 'varchar',
                    'type': 'varchar',
                    'zone': 'varchar',
                    'system_energy_price_da': 'double',
                    'total_lmp_da': 'double',
                    'congestion_price_da': 'double',
                    'marginal_loss_price_da': 'double',
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
            datetime_utc + interval 1 hour as interval_end_utc,
            datetime_local::date as delivery_date,
            (hour(datetime_local) + 1)::utinyint as delivery_hour,
            0::utinyint as delivery_interval,
            60::utinyint as interval_minutes,
            'PJM' as iso,
            'DA' as market_type,
            pnode_name as settlement_location,
            type as settlement_location_type,
            pnode_id as settlement_location_id,
            zone,
            try_cast(replace(voltage, 'KV', '') as double) as voltage_kv,
            total_lmp_da as lmp_total,
            system_energy_price_da as lmp_energy,
            congestion_price_da as lmp_congestion,
            marginal_loss_price_da as lmp_loss,
            system_energy_price_da as system_lambda,
            case
                when datetime_local - datetime_beginning_utc > interval '-5 hours' then 'Y' else 'N'
            end as dst_flag,
            raw_file as data_source,
            version_nbr as version,
            true as is_current
        from local
    """,
}


def main() -> None:
    """Write the floor's file."""
    iso, raw, out = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    files = sorted(str(path) for path in (raw / iso).rglob("*.csv"))
    listed = "[" + ", ".join("'" + file.replace("'", "''") + "'" for file in files) + "]"
    with duckdb.connect(config={"memory_limit": "1600MB", "threads": 2}) as connection:
        connection.execute("set TimeZone = 'UTC'")
        connection.execute("set preserve_insertion_order = false")
        connection.execute(f"set temp_directory = '{out}.tmp'")
        query = QUERIES[iso].replace("$files", listed)
        connection.execute(
            f"copy ({query}) to '{out}' (format parquet, compression zstd, row_group_size 122880)"
        )


if __name__ == "__main__":
    main()
