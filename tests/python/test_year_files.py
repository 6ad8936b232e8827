"""Year files of any family: what is counted of them, and what they tell of themselves."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from building import REPOSITORY
from unified_iso.build.join import YearOf, join_year
from unified_iso.build.publish import publish
from unified_iso.build.recover import recover
from unified_iso.families import Family, families
from unified_iso.footers import read_footer
from unified_iso.inventory import SCHEMA
from unified_iso.manifest import read_manifest
from unified_iso.workspace import Workspace
from unified_iso.year_files import summary_of

Cursor = duckdb.DuckDBPyConnection
ENERGY = families(REPOSITORY)["energy_prices"]
RESERVES = Family(
    name="reserves",
    key=("datetime_utc", "product", "region"),
    order=("datetime_utc", "product", "region"),
    compared=("price",),
    price="price",
    parts=(),
    texts=("product", "region"),
    series=("product", "region"),
)
# Spinning reserve of the east lacks 02:00; of the west it begins at 03:00 and lacks nothing.
RESERVE_ROWS = """
    select
        make_timestamptz(2024, 1, 1, hour, 0, 0) as datetime_utc,
        product,
        region,
        1.5 as price,
        'x/reserves/x.csv' as data_source
    from (
        values
            (0, 'spin', 'east'), (1, 'spin', 'east'), (3, 'spin', 'east'),
            (3, 'spin', 'west'), (4, 'spin', 'west'),
            (0, 'regulation', 'east')
    ) as rows(hour, product, region)
    order by all
"""
# Node 2 is known by its name only and lacks 01:00 and 02:00; node 3 has a name that others have.
ENERGY_ROWS = """
    select
        make_timestamptz(2024, 1, 1, hour, 0, 0) as datetime_utc,
        name as settlement_location,
        id as settlement_location_id,
        20.5 as lmp_total,
        'x/prices/x.csv' as data_source
    from (
        values
            (0, 'ALDER', '17'), (1, 'ALDER', '17'),
            (0, 'BIRCH', 'BIRCH'), (3, 'BIRCH', 'BIRCH'),
            (0, 'ALDER', '18')
    ) as rows(hour, name, id)
    order by all
"""


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    made = Workspace(raw=tmp_path / "raw", out=tmp_path / "out")
    made.prepare()
    return made


@pytest.fixture
def cursor(workspace: Workspace) -> Iterator[Cursor]:
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        connection.execute(SCHEMA)
        recover(workspace, connection)
        yield connection


def publish_rows(
    workspace: Workspace, cursor: Cursor, rows: str, family: Family, may_lack_ids: bool = False
) -> dict[str, Any]:
    """Publish rows of 2024 as a dataset x_prices; return its entry in the manifest."""
    model = "x_prices"
    file = workspace.candidates / model / "2024-01-01.parquet"
    file.parent.mkdir(parents=True, exist_ok=True)
    cursor.execute(f"copy ({rows}) to '{file}' (format parquet)")
    [(count,)] = cursor.execute(f"select count(*) from '{file}'").fetchall()
    cursor.execute(
        """
        insert into inventory.new_parts
        values ($1, '2024-01-01', 2024, 'digest', 'print', $2, 1, $3, $4, $5)
        """,
        [model, count, "2024-01-01 00:00:00+00", "2024-01-01 04:00:00+00", str(file)],
    )
    year = YearOf(
        model=model,
        iso="x",
        dataset="prices",
        year=2024,
        family=family,
        step_minutes=60,
        fingerprint="print",
        may_lack_ids=may_lack_ids,
    )
    join_year(workspace, cursor, year)
    assert cursor.execute("select message from inventory.blocked").fetchall() == []
    publish(workspace, cursor, [model])
    entries: list[dict[str, Any]] = read_manifest(workspace)["files"]
    (entry,) = entries
    return entry


def counts(entry: dict[str, Any]) -> dict[str, Any]:
    names = ("rows", "series", "locations", "locations_without_id", "missing_intervals")
    return {name: entry[name] for name in names if name in entry}


def test_series_of_energy_are_locations(workspace: Workspace, cursor: Cursor) -> None:
    entry = publish_rows(workspace, cursor, ENERGY_ROWS, ENERGY, may_lack_ids=True)
    assert counts(entry) == {
        "rows": 5,
        "series": 3,
        "locations": 3,
        "locations_without_id": 1,
        "missing_intervals": 2,
    }
    footer = read_footer(workspace.year_file("x", "prices", 2024))
    assert footer is not None
    assert "series_columns" not in footer.entry, "files of energy stay as they have been"


def test_names_are_not_compared_where_none_stands_for_an_id(
    workspace: Workspace, cursor: Cursor
) -> None:
    entry = publish_rows(workspace, cursor, ENERGY_ROWS, ENERGY)
    assert entry["locations_without_id"] == 0


@pytest.mark.parametrize("may_lack_ids", [False, True])
def test_another_family_counts_its_own_series_and_no_locations(
    workspace: Workspace, cursor: Cursor, may_lack_ids: bool
) -> None:
    entry = publish_rows(workspace, cursor, RESERVE_ROWS, RESERVES, may_lack_ids)
    assert counts(entry) == {"rows": 6, "series": 3, "missing_intervals": 1}
    assert (entry["family"], entry["series_columns"]) == ("reserves", ["product", "region"])


@pytest.mark.parametrize(("rows", "family"), [(ENERGY_ROWS, ENERGY), (RESERVE_ROWS, RESERVES)])
def test_a_file_tells_what_it_takes_to_describe_it_anew(
    workspace: Workspace, cursor: Cursor, rows: str, family: Family
) -> None:
    entry = publish_rows(workspace, cursor, rows, family, may_lack_ids=True)
    workspace.manifest.unlink()
    recover(workspace, cursor)
    assert read_manifest(workspace)["files"] == [entry]


def test_a_file_that_can_not_be_counted_is_described_by_its_entry(
    workspace: Workspace, cursor: Cursor
) -> None:
    publish_rows(workspace, cursor, RESERVE_ROWS, RESERVES)
    path = workspace.year_file("x", "prices", 2024)
    [(offset,)] = cursor.execute(
        "select data_page_offset from parquet_metadata($1) where path_in_schema = 'product'",
        [str(path)],
    ).fetchall()
    content = bytearray(path.read_bytes())
    content[offset : offset + 8] = b"\xff" * 8
    path.write_bytes(content)
    workspace.manifest.unlink()
    recover(workspace, cursor)
    [entry] = read_manifest(workspace)["files"]
    assert counts(entry) == {"rows": 6, "series": 0, "missing_intervals": 0}


def test_locations_of_an_older_manifest_are_its_series(
    workspace: Workspace, cursor: Cursor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The files are not read for it."""
    entry = publish_rows(workspace, cursor, ENERGY_ROWS, ENERGY)
    manifest = json.loads(workspace.manifest.read_text())
    del manifest["files"][0]["series"]
    workspace.manifest.write_text(json.dumps(manifest))
    monkeypatch.setattr(
        "unified_iso.year_files.digest_of", lambda path: pytest.fail(f"{path} was read")
    )
    recover(workspace, cursor)
    assert json.loads(workspace.manifest.read_text())["files"] == [entry]


@pytest.mark.parametrize(
    ("family", "rows", "lacking"),
    [
        (ENERGY, ENERGY_ROWS, "locations_without_id"),
        (RESERVES, RESERVE_ROWS, "series"),
        (RESERVES, RESERVE_ROWS, "missing_intervals"),
    ],
)
def test_an_entry_that_lacks_a_count_is_made_anew(
    workspace: Workspace, cursor: Cursor, family: Family, rows: str, lacking: str
) -> None:
    entry = publish_rows(workspace, cursor, rows, family)
    manifest = json.loads(workspace.manifest.read_text())
    del manifest["files"][0][lacking]
    workspace.manifest.write_text(json.dumps(manifest))
    assert read_manifest(workspace)["files"] == []
    recover(workspace, cursor)
    assert read_manifest(workspace)["files"] == [entry]


@pytest.mark.parametrize("told", ["product", [], [7], None])
def test_series_that_are_no_names_of_columns_are_not_believed(
    workspace: Workspace, cursor: Cursor, told: object
) -> None:
    publish_rows(workspace, cursor, RESERVE_ROWS, RESERVES)
    manifest = json.loads(workspace.manifest.read_text())
    manifest["files"][0]["series_columns"] = told
    workspace.manifest.write_text(json.dumps(manifest))
    assert read_manifest(workspace)["files"] == []


def test_what_unequal_intervals_lack_is_told_by_the_time_they_fill(
    cursor: Cursor, tmp_path: Path
) -> None:
    """A has holes of five and of seven minutes, twelve together, and B none."""
    cursor.execute(
        f"""
        copy (
            select
                location as settlement_location_id,
                make_timestamptz(2024, 6, 1, 0, first // 60, first % 60) as datetime_utc,
                make_timestamptz(2024, 6, 1, 0, last // 60, last % 60) as interval_end_utc
            from (
                values
                    ('A', 0, 200), ('A', 200, 300), ('A', 600, 900), ('A', 1320, 1500),
                    ('B', 0, 360), ('B', 360, 600)
            ) as intervals (location, first, last)
        ) to '{tmp_path / "unequal.parquet"}'
        """
    )
    entry = {"own_ends": True, "step_minutes": 5, "may_lack_ids": False}
    told = summary_of(cursor, tmp_path / "unequal.parquet", entry)
    assert counts(told) == {
        "rows": 6,
        "series": 2,
        "locations": 2,
        "locations_without_id": 0,
        "missing_intervals": 3,
    }
