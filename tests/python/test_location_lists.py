"""What location lists say of locations, with columns marked as in the sources of the project."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import duckdb
import pytest
import yaml

from building import REPOSITORY
from unified_iso.build.location_lists import keep_lists, tells_locations
from unified_iso.build.spec import Column, Source

Row = dict[str, Any]


@pytest.fixture
def cursor() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        yield connection


def source_of(iso: str, name: str) -> Source:
    path = REPOSITORY / "models" / "staging" / iso / f"_{iso}__sources.yml"
    [found] = yaml.safe_load(path.read_text())["sources"]
    [table] = [table for table in found["tables"] if table["name"] == name]
    return Source(
        unique_id=f"source.{iso}.{name}",
        iso=iso,
        name=name,
        report=table.get("identifier", name),
        relation=name,
        schema="main",
        columns=tuple(
            Column(c["name"], c["data_type"], c.get("config", {}).get("meta", {}))
            for c in table["columns"]
        ),
        raw={},
        is_location_list=True,
    )


def listed(cursor: duckdb.DuckDBPyConnection, iso: str, name: str, rows: Sequence[Row]) -> Any:
    """Return what a list of these rows says, as a row for each entry."""
    source = source_of(iso, name)
    columns = ", ".join(f'"{c.name}" varchar' for c in source.columns)
    cursor.execute(f"create table {name} ({columns}, raw_file uinteger)")
    for row in rows:
        named = {"raw_file": 1} | row
        cells = [named.get(key) for key in (*(c.name for c in source.columns), "raw_file")]
        marks = ", ".join("?" for _ in cells)
        cursor.execute(f"insert into {name} values ({marks})", cells)
    keep_lists(cursor, [source])
    told = cursor.execute("select * from listed_locations order by all")
    names = [column[0] for column in told.description]
    return [dict(zip(names, map(plain, row), strict=True)) for row in told.fetchall()]


def plain(value: Any) -> Any:
    return str(value) if hasattr(value, "isoformat") else value


@pytest.mark.parametrize(
    ("iso", "name"),
    [
        *(("pjm", "pnode"), ("nyiso", "generator"), ("ercot", "np4_160_sg")),
        *(("caiso", "atl_pnode"), ("caiso", "atl_pnode_map"), ("caiso", "atl_tac_area_map")),
    ],
)
def test_every_list_has_marked_columns_with_an_id(iso: str, name: str) -> None:
    source = source_of(iso, name)
    assert tells_locations(source)
    roles = [column.meta.get("location") for column in source.columns]
    assert roles.count("settlement_location_id") == 1


def test_a_generator_has_its_place(cursor: duckdb.DuckDBPyConnection) -> None:
    row = {
        "Generator Name": " ALBANY___1 ",
        "PTID": "23571.0",
        "Zone": "CAPITL",
        "Subzone": "CAPITAL",
        "Latitude": "42.59",
        "Longitude": "-73.76",
        "Active": "N",
    }
    assert listed(cursor, "nyiso", "generator", [row, row]) == [
        {
            "iso": "nyiso",
            "report": "generator",
            "settlement_location_id": "23571",
            "listed_name": "ALBANY___1",
            "listed_type": None,
            "listed_zone": "CAPITL",
            "latitude": 42.59,
            "longitude": -73.76,
            "details": {"subzone": "CAPITAL", "active": "N"},
            "voltage_kv": None,
            "effective_date": None,
            "retirement_date": None,
        }
    ]


@pytest.mark.parametrize(
    ("start", "end", "days"),
    [
        ("2014-08-28T00:00:00", "2030-12-31T23:59:59", ("2014-08-28", None)),
        ("8/28/2014 12:00:00 AM", "6/1/2024 11:59:59 PM", ("2014-08-28", "2024-06-01")),
        ("8/28/2014", "9999-12-31", ("2014-08-28", None)),
        ("8/28/2014 0:00", "12/31/9999 0:00", ("2014-08-28", None)),
        ("08/28/2014 00:00:00", "6/1/2024 23:59", ("2014-08-28", "2024-06-01")),
        ("some day", "", (None, None)),
    ],
)
def test_days_are_read_in_any_form(
    cursor: duckdb.DuckDBPyConnection, start: str, end: str, days: tuple[str | None, str | None]
) -> None:
    row = {"PNODE_ID": "ALDER_1", "EFF_START_DT": start, "EFF_END_DT": end}
    [found] = listed(cursor, "caiso", "atl_pnode", [row])
    assert (found["effective_date"], found["retirement_date"]) == days


def test_the_last_file_that_has_a_location_tells_of_it(cursor: duckdb.DuckDBPyConnection) -> None:
    rows = [
        {"pnode_id": "1", "pnode_name": "OLD", "voltage_level": "230 KV", "raw_file": 1},
        {"pnode_id": "2", "pnode_name": "GONE", "voltage_level": "13.8 KV", "raw_file": 1},
        {"pnode_id": "1", "pnode_name": "NEW", "voltage_level": "medium", "raw_file": 2},
        {"pnode_id": "", "pnode_name": "NOBODY", "raw_file": 2},
    ]
    found = listed(cursor, "pjm", "pnode", rows)
    assert [(f["settlement_location_id"], f["listed_name"], f["voltage_kv"]) for f in found] == [
        *(("1", "NEW", None), ("2", "GONE", 13.8)),
    ]


def test_without_a_list_there_is_nothing(cursor: duckdb.DuckDBPyConnection) -> None:
    keep_lists(cursor, [])
    assert cursor.execute("select count(*) from listed_locations").fetchall() == [(0,)]
