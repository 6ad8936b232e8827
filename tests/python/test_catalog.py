"""The views over year files, in the catalog and in the working database."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb
import pytest

from unified_iso.catalog import dataset_view_sql, sql_of_views, write_catalog
from unified_iso.footers import is_file_entry
from unified_iso.workspace import Workspace

COLUMNS = [("datetime_utc", "timestamptz"), ("Price $/MWh", "double"), ("dst_flag", "varchar")]


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    # DuckDB takes a folder of this form for a column, and a quote ends a text.
    made = Workspace(raw=tmp_path / "raw", out=tmp_path / "zone=north" / "it's")
    made.prepare()
    return made


def write_file(workspace: Workspace, dataset: str, year: int, *rows: tuple[str, float]) -> Path:
    """Write a year file of operator x whose rows are zone and price."""
    path = workspace.year_file("x", dataset, year)
    path.parent.mkdir(parents=True, exist_ok=True)
    values = ", ".join(map(str, rows))
    literal = str(path).replace("'", "''")
    duckdb.execute(
        f"copy (select * from (values {values}) as rows(zone, price)) to '{literal}'"
        " (format parquet)"
    )
    return path


def write_manifest_of(workspace: Workspace, *files: tuple[str, int]) -> None:
    """Write the manifest of these datasets and years."""
    entries: list[dict[str, Any]] = [
        {
            "iso": "x",
            "dataset": dataset,
            "model": f"x_{dataset}",
            "year": year,
            "path": f"parquet/x/{dataset}/{dataset}_{year}.parquet",
            **dict.fromkeys(("fingerprint", "first_interval", "last_interval", "sha256"), "told"),
            **dict.fromkeys(("bytes", "rows", "series", "missing_intervals"), 1),
            **dict.fromkeys(("locations", "locations_without_id", "step_minutes"), 1),
            "may_lack_ids": False,
            "unchecked_reports": [],
            "parts": [],
        }
        for dataset, year in files
    ]
    assert all(map(is_file_entry, entries))
    workspace.manifest.write_text(json.dumps({"files": entries}))


def rows_of(workspace: Workspace, view: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(workspace.catalog), read_only=True) as catalog:
        return catalog.execute(f'select zone, price from "{view}" order by all').fetchall()


def views_of(workspace: Workspace) -> list[str]:
    with duckdb.connect(str(workspace.catalog), read_only=True) as catalog:
        found = catalog.execute(
            "select view_name from duckdb_views() where not internal order by all"
        ).fetchall()
    return [name for (name,) in found]


def test_a_dataset_is_a_view_of_all_its_years(workspace: Workspace) -> None:
    write_file(workspace, "da", 2023, ("A", 1.5))
    write_file(workspace, "da", 2024, ("A", 2.5), ("B", 3.0))
    write_manifest_of(workspace, ("da", 2023), ("da", 2024))
    write_catalog(workspace, {})
    assert views_of(workspace) == ["x_da"]
    assert rows_of(workspace, "x_da") == [("A", 1.5), ("A", 2.5), ("B", 3.0)]


def test_a_union_has_the_rows_of_its_published_datasets_and_no_others(
    workspace: Workspace,
) -> None:
    write_file(workspace, "da", 2024, ("A", 2.5))
    write_file(workspace, "rt", 2024, ("A", 7.0))
    write_file(workspace, "hub", 2024, ("A", 2.5))
    write_manifest_of(workspace, ("da", 2024), ("hub", 2024), ("rt", 2024))
    unions = {
        "all_prices": ["x_rt", "x_not_published_yet", "x_da"],
        "nothing_yet": ["x_not_published_yet"],
    }
    write_catalog(workspace, unions)
    assert rows_of(workspace, "all_prices") == [("A", 2.5), ("A", 7.0)]
    assert views_of(workspace) == ["all_prices", "x_da", "x_hub", "x_rt"]


def test_a_catalog_without_files_is_empty(workspace: Workspace) -> None:
    write_catalog(workspace, {"all_prices": ["x_da"]})
    assert views_of(workspace) == []


@pytest.mark.parametrize("is_text", [False, True])
def test_a_view_over_files_has_their_rows_and_columns(workspace: Workspace, is_text: bool) -> None:
    """Also where the path has a folder named like a column, or a quote."""
    paths = [
        write_file(workspace, "da", 2023, ("A", 1.5)),
        write_file(workspace, "da", 2024, ("B", 3.0)),
    ]
    files = [str(path) for path in paths] if is_text else paths
    with duckdb.connect() as connection:
        connection.execute(dataset_view_sql('"The View"', COLUMNS, files))
        found = connection.execute('select * from "The View" order by all')
        assert [column[0] for column in found.description] == ["zone", "price"]
        assert found.fetchall() == [("A", 1.5), ("B", 3.0)]


def test_a_view_without_files_has_the_columns_and_no_row() -> None:
    with duckdb.connect() as connection:
        connection.execute("create schema unified")
        connection.execute(dataset_view_sql("unified.da", COLUMNS, []))
        found = connection.execute("select * from unified.da")
        assert [(column[0], str(column[1])) for column in found.description] == [
            ("datetime_utc", "TIMESTAMP WITH TIME ZONE"),
            ("Price $/MWh", "DOUBLE"),
            ("dst_flag", "VARCHAR"),
        ]
        assert found.fetchall() == []


def test_a_view_is_replaced(workspace: Workspace) -> None:
    path = write_file(workspace, "da", 2024, ("A", 2.5))
    with duckdb.connect() as connection:
        connection.execute(dataset_view_sql("da", COLUMNS, []))
        connection.execute(dataset_view_sql("da", COLUMNS, [path]))
        assert connection.execute("select * from da").fetchall() == [("A", 2.5)]


def test_a_view_of_nothing_is_a_fault_of_the_caller() -> None:
    with pytest.raises(ValueError, match="the view x_da has neither files nor columns"):
        dataset_view_sql("x_da", [], [])


def test_a_view_over_a_family_stands_with_its_own_sql(workspace: Workspace) -> None:
    write_file(workspace, "da", 2024, ("A", 2.5), ("B", 3.0))
    write_manifest_of(workspace, ("da", 2024))
    with duckdb.connect(":memory:") as working:
        working.execute("create view prices as select 'C' as zone, 1.0 as price")
        working.execute(
            'create view "over them" as select zone, price * 2 as price'
            " from memory.main.prices where price < 3"
        )
        views = sql_of_views(
            working, {"doubled": ("main", "over them"), "never_made": ("main", "never_made")}
        )
    write_catalog(workspace, {"prices": ["x_da"]}, views)
    assert views_of(workspace) == ["doubled", "prices", "x_da"]
    assert rows_of(workspace, "doubled") == [("A", 5.0)]


def test_a_view_over_a_family_is_left_out_where_nothing_of_it_is_published(
    workspace: Workspace,
) -> None:
    write_manifest_of(workspace)
    write_catalog(workspace, {"prices": ["x_da"]}, {"doubled": "select * from main.prices"})
    assert views_of(workspace) == []
