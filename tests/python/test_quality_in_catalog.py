"""The figures of the quality report in the catalog, for whoever receives a published folder."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from building import Built, build, work_database
from unified_iso.catalog import Figures, write_catalog
from unified_iso.quality import tables
from unified_iso.quality.tables import current_figures
from unified_iso.sample import SampleOptions, write_sample
from unified_iso.workspace import Workspace

DATASET = "nyiso da_energy_hourly"
TABLES = (
    *("accounts", "completeness", "datasets", "days", "files"),
    *("findings", "gaps", "prices_by_hour", "prices_by_month", "tests"),
)


def rows_of(catalog: Path, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(catalog), read_only=True) as session:
        return session.execute(sql).fetchall()


# --- A catalog of hand-made figures ---------------------------------------------------------------


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    made = Workspace(tmp_path / "raw", tmp_path / "out")
    made.prepare()
    return made


def figures(made_of: str, *names: str) -> Figures:
    return Figures("quality", made_of, lambda: {"files": pa.table({"dataset": list(names)})})


def test_figures_are_tables_of_a_schema_of_their_own(workspace: Workspace) -> None:
    write_catalog(workspace, {}, figures=figures("a", "x da", "x rt"))
    assert rows_of(workspace.catalog, "from quality.files") == [("x da",), ("x rt",)]


def test_figures_are_read_again_only_where_they_are_made_of_something_else(
    workspace: Workspace,
) -> None:
    write_catalog(workspace, {}, figures=figures("a", "x da"))
    write_catalog(workspace, {}, figures=figures("a", "is not read"))
    assert rows_of(workspace.catalog, "from quality.files") == [("x da",)]
    write_catalog(workspace, {}, figures=figures("b", "x rt"))
    assert rows_of(workspace.catalog, "from quality.files") == [("x rt",)]


def test_figures_that_cannot_be_had_leave_none_of_the_build_before(workspace: Workspace) -> None:
    write_catalog(workspace, {}, figures=figures("a", "x da"))
    write_catalog(workspace, {}, figures=None)
    with pytest.raises(duckdb.CatalogException, match="quality"):
        rows_of(workspace.catalog, "from quality.files")


def test_equal_figures_make_equal_bytes(workspace: Workspace) -> None:
    """One of DuckDB's ways to store these texts gives other bytes each time."""
    names = [f"iso{n} {market}_energy_hourly_nodal" for n in range(40) for market in ("da", "rt")]
    names = sorted(names * 24)
    written = set()
    for _ in range(6):
        workspace.catalog_digest.unlink(missing_ok=True)
        write_catalog(workspace, {}, figures=figures("a", *names))
        written.add(workspace.catalog.read_bytes())
    assert len(written) == 1
    # In blocks of the usual size each column alone would have 256 KiB.
    assert len(written.pop()) < 100_000


# --- A build --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """Three days around the spring change of clocks."""
    folder = tmp_path_factory.mktemp("figures")
    built = Built(folder / "raw", folder / "out")
    options = SampleOptions(truth=False, overlap=False, reports=("damlbmp_zone",))
    write_sample(built.raw, isos=["nyiso"], start=date(2024, 3, 9), days=3, options=options)
    build(built.raw, built.out, "nyiso", "--dataset", "da_energy_hourly")
    return built


@pytest.mark.builds
def test_a_received_folder_tells_the_quality_of_its_data(built: Built, tmp_path: Path) -> None:
    received = tmp_path / "received"
    shutil.copytree(built.out, received, ignore=shutil.ignore_patterns(".unified-iso"))
    days = rows_of(
        received / "catalog.duckdb",
        "select delivery_date::varchar, hours_of_day, rows, series, state from quality.days"
        f" where dataset = '{DATASET}' order by 1",
    )
    # Eleven zones and four neighbours.
    assert days == [
        ("2024-03-09", 24, 24 * 15, 15, "complete"),
        ("2024-03-10", 23, 23 * 15, 15, "complete"),
        ("2024-03-11", 24, 24 * 15, 15, "complete"),
    ]


@pytest.mark.builds
def test_each_table_has_the_rows_of_its_view(built: Built) -> None:
    catalog = built.out / "catalog.duckdb"
    found = rows_of(
        catalog, "select table_name from duckdb_tables() where schema_name = 'quality' order by 1"
    )
    assert [name for (name,) in found] == list(TABLES)
    with work_database(built.out) as connection:
        connection.execute("set TimeZone = 'UTC'")
        for name in TABLES:
            rows = connection.execute(f"from main_quality.quality_{name} order by all").fetchall()
            assert rows_of(catalog, f"from quality.{name} order by all") == rows, name
            assert rows or name in ("findings", "gaps"), name


@pytest.mark.builds
def test_each_table_and_column_says_what_it_is(built: Built) -> None:
    without = rows_of(
        built.out / "catalog.duckdb",
        "select table_name, null from duckdb_tables()"
        " where schema_name = 'quality' and comment is null"
        " union all select table_name, column_name from duckdb_columns()"
        " where schema_name = 'quality' and comment is null",
    )
    assert without == []
    [(told,)] = rows_of(
        built.out / "catalog.duckdb",
        "select comment from duckdb_tables() where table_name = 'files'",
    )
    assert told.startswith("What is published")


@pytest.mark.builds
def test_figures_that_fail_hold_no_build_back(
    built: Built, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise duckdb.InvalidInputException("no figures today")

    shutil.copytree(built.out, tmp_path / "out")
    workspace = Workspace(built.raw, tmp_path / "out")
    with work_database(workspace.out) as connection, connection.cursor() as cursor:
        known = current_figures(workspace, cursor, {})
        assert known is not None
        monkeypatch.setattr(tables, "update_figures", fails)
        assert current_figures(workspace, cursor, {}) is None
        monkeypatch.undo()
        cursor.execute("drop schema main_quality cascade")
        assert current_figures(workspace, cursor, {}) is None
