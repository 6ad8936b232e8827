"""A small published tree without a build: rows by hand, joined and published as a build does it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb

from building import REPOSITORY
from unified_iso.build.join import YearOf, join_year
from unified_iso.build.publish import publish
from unified_iso.build.recover import recover
from unified_iso.families import families
from unified_iso.inventory import SCHEMA
from unified_iso.row_groups.seal import digest_of, read_seal
from unified_iso.workspace import Workspace

FAMILIES = families(REPOSITORY)
NODAL, SERVICES = "pjm_da_energy_hourly_nodal", "ercot_as_hourly"
UNIONS = {"energy_prices": [NODAL], "ancillary_services": [SERVICES]}
# By part: the first UTC hour and how many there are. 10 March 2024 has 23 hours, 3 November 25.
MARCH = ("2024-03-01", "2024-03-09 05:00:00", 24 + 23 + 24)
NOVEMBER = ("2024-11-01", "2024-11-02 04:00:00", 24 + 25 + 24)
DECEMBER = ("2023-12-01", "2023-12-31 05:00:00", 24)
APRIL = ("2024-04-01", "2024-04-01 05:00:00", 24)
ENERGY_ROWS = """
    with clocks as (
        select
            utc as datetime_utc,
            timezone('America/New_York', utc) as local,
            timezone('America/New_York', utc) - timezone('UTC', utc) as utc_offset
        from (
            select '{start}+00'::timestamptz + to_hours(hour) as utc
            from range({hours}) as hours(hour)
        )
    )

    select
        datetime_utc,
        local as datetime_local,
        datetime_utc as interval_start_utc,
        datetime_utc + interval 1 hour as interval_end_utc,
        local::date as delivery_date,
        (hour(local) + 1)::utinyint as delivery_hour,
        0::utinyint as delivery_interval,
        60::utinyint as interval_minutes,
        'PJM' as iso,
        'DA' as market_type,
        name as settlement_location,
        kind as settlement_location_type,
        id as settlement_location_id,
        null::varchar as zone,
        null::double as voltage_kv,
        20.5::double + hour(local) as lmp_total,
        20.0::double + hour(local) as lmp_energy,
        0.25::double as lmp_congestion,
        0.25::double as lmp_loss,
        20.0::double + hour(local) as system_lambda,
        case when utc_offset > to_hours(-5) then 'Y' else 'N' end as dst_flag,
        'pjm/da_hrl_lmps/a.csv' as data_source,
        1::uinteger as version,
        true as is_current
    from clocks,
        (values ('AEP', 'ZONE', '8445784'), ('WESTERN HUB', 'HUB', '51288'))
            as places(name, kind, id)
"""
SERVICE_ROWS = """
    with clocks as (
        select
            utc as datetime_utc,
            timezone('America/Chicago', utc) as local
        from (
            select '{start}+00'::timestamptz + to_hours(hour) as utc
            from range({hours}) as hours(hour)
        )
    )

    select
        datetime_utc,
        local as datetime_local,
        datetime_utc as interval_start_utc,
        datetime_utc + interval 1 hour as interval_end_utc,
        local::date as delivery_date,
        (hour(local) + 1)::utinyint as delivery_hour,
        60::utinyint as interval_minutes,
        'ERCOT' as iso,
        'DA' as market_type,
        product as as_product,
        standard as as_product_standard,
        'ERCOT' as as_region,
        4.5::double as market_clearing_price,
        null::double as cleared_quantity_mw,
        '$/MW' as unit,
        'ercot/np4-188-cd/a.csv' as data_source,
        1::uinteger as version,
        true as is_current
    from clocks, (values ('REGUP', 'REG_UP'), ('RRS', 'SPIN')) as products(product, standard)
"""
# By model: its rows, its family, its operator and its parts.
DATASETS = {
    NODAL: (ENERGY_ROWS, "energy_prices", "pjm", (DECEMBER, MARCH, NOVEMBER)),
    SERVICES: (SERVICE_ROWS, "ancillary_services", "ercot", (APRIL,)),
}


def make_tree(out: Path, spoil: Mapping[tuple[str, str], str] | None = None) -> Workspace:
    """Publish both datasets in `out`.

    spoil: by model and part, statements on the table `part_rows`, which has the rows with their
        place `n`; the parts then have what is in it, in order of `n`.
    """
    workspace = Workspace(raw=out.parent / "raw", out=out)
    workspace.prepare()
    with duckdb.connect(str(workspace.database), config={"threads": 1}) as connection:
        connection.execute("set TimeZone = 'UTC'")
        connection.execute(SCHEMA)
        recover(workspace, connection)
        for model, (rows, family, iso, parts) in DATASETS.items():
            for part in parts:
                statements = (spoil or {}).get((model, part[0]), "")
                _write_part(workspace, connection, model, rows, family, part, statements)
            for year in sorted({int(part[0][:4]) for part in parts}):
                _join(workspace, connection, model, family, iso, year)
        assert connection.execute("select * from inventory.blocked").fetchall() == []
        publish(workspace, connection, list(DATASETS), UNIONS)
    return workspace


def _write_part(
    workspace: Workspace,
    cursor: duckdb.DuckDBPyConnection,
    model: str,
    rows: str,
    family: str,
    part: tuple[str, str, int],
    spoil: str,
) -> None:
    day, start, hours = part
    file = workspace.candidates / model / f"{day}.parquet"
    file.parent.mkdir(parents=True, exist_ok=True)
    order = ", ".join(FAMILIES[family].order)
    cursor.execute(
        "create or replace temp table part_rows as select *, row_number() over () as n"
        f" from ({rows.format(start=start, hours=hours)} order by {order})"
    )
    cursor.execute(spoil)
    # With rows that might be null, every column of every part may be, as in a build.
    nulls = "select nullif(columns(*), columns(*)) from part_rows where random() > 2"
    cursor.execute(
        f"copy (select * exclude (n) from (from part_rows union all {nulls}) order by n)"
        f" to '{file}' (format parquet)"
    )
    cursor.execute(
        """
        insert into inventory.new_parts
        select $1, $2::date, year($2::date), md5($2), 'made so', count(*), 1,
            min(datetime_utc), max(datetime_utc), $3
        from part_rows
        """,
        [model, day, str(file)],
    )
    for term in ("parsed", "published"):
        cursor.execute(
            "insert into inventory.new_accounts select $1, $2::date, min(data_source), 'hash', $3,"
            " null, count(*) from part_rows",
            [model, day, term],
        )


def _join(
    workspace: Workspace,
    cursor: duckdb.DuckDBPyConnection,
    model: str,
    family: str,
    iso: str,
    year: int,
) -> None:
    join_year(
        workspace,
        cursor,
        YearOf(
            model=model,
            iso=iso,
            dataset=model.removeprefix(f"{iso}_"),
            year=year,
            family=FAMILIES[family],
            step_minutes=60,
            fingerprint="made so",
        ),
    )


def told(workspace: Workspace) -> dict[str, Any]:
    """Return the manifest as it stands in its file."""
    manifest: dict[str, Any] = json.loads(workspace.manifest.read_bytes())
    return manifest


def tell_anew(workspace: Workspace, path: Path) -> None:
    """Let the manifest tell of the bytes that a file has now."""
    manifest = told(workspace)
    for entry in manifest["files"]:
        if entry["path"] == workspace.name_of(path):
            entry |= {
                "bytes": path.stat().st_size,
                "sha256": digest_of(path).sha256,
                "seal": read_seal(path),
            }
    workspace.manifest.write_text(json.dumps(manifest))
