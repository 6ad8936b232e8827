"""The views over year files, in the catalog and in the working database."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from unified_iso.catalog import STORAGE_VERSION, dataset_view_sql, sql_of_views, write_catalog
from unified_iso.descriptions import DescribedColumn, Description
from unified_iso.footers import is_file_entry
from unified_iso.places import VARIABLE, pattern_of_family
from unified_iso.sql import quoted_text
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


def write_manifest_of(
    workspace: Workspace, *files: tuple[str, int], families: dict[str, str] | None = None
) -> None:
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
            "family": (families or {}).get(dataset),
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
            "select view_name from duckdb_views()"
            " where not internal and schema_name = 'main' order by all"
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


@pytest.fixture
def tree(workspace: Workspace) -> Workspace:
    """Two datasets of one family, of two years and one, and one of another family."""
    write_file(workspace, "da_energy", 2023, ("A", 1.5))
    write_file(workspace, "da_energy", 2024, ("A", 2.5))
    write_file(workspace, "rt_energy", 2024, ("B", 7.0))
    write_file(workspace, "as_hourly", 2024, ("R", 9.0))
    write_manifest_of(
        workspace,
        *(("da_energy", 2023), ("da_energy", 2024), ("rt_energy", 2024), ("as_hourly", 2024)),
        families={"da_energy": "energy", "rt_energy": "energy", "as_hourly": "services"},
    )
    described = Description("Prices of x.", (DescribedColumn("price", "double", "In $/MWh."),))
    write_catalog(
        workspace,
        {"energy": ["x_da_energy", "x_rt_energy"], "services": ["x_as_hourly"]},
        views={"dear": "select * from main.energy where price > 2"},
        descriptions={"x_da_energy": described, "energy": Description("All of it.")},
    )
    return workspace


ALL_ROWS = [("A", 1.5), ("A", 2.5), ("B", 7.0)]


def read(catalog: Path | str, view: str, *statements: str) -> list[tuple[Any, ...]]:
    """Read a view of a catalog that a session was opened with."""
    with duckdb.connect(str(catalog), read_only=True) as session:
        for statement in statements:
            session.execute(statement)
        return session.execute(f"select zone, price from {view} order by all").fetchall()


def read_attached(catalog: Path | str, view: str, tree: Path | str | None) -> list[Any]:
    """Read a view of a catalog that is attached, under a name of its own, to another database."""
    with duckdb.connect() as session:
        session.execute(f"attach {quoted_text(str(catalog))} as prices (read_only)")
        if tree is not None:
            session.execute(f"set variable {VARIABLE} = {quoted_text(str(tree))}")
        return session.execute(f"select zone, price from prices.{view} order by all").fetchall()


def test_every_duckdb_since_the_first_can_open_the_catalog(tree: Workspace) -> None:
    with duckdb.connect(str(tree.catalog), read_only=True) as session:
        tags = session.execute("select tags from duckdb_databases() where not internal").fetchall()
    assert STORAGE_VERSION == "v1.0.0"
    assert tags == [({"storage_version": "v1.0.0+"},)]
    # The version of the storage stands at byte 12 of the first header: 64 is that of DuckDB 1.0.
    assert int.from_bytes(tree.catalog.read_bytes()[12:20], "little") == 64


@pytest.mark.parametrize("folder", ["elsewhere", "a copy [2] of it's*", "x/zone=south/y"])
def test_a_moved_tree_reads_its_own_files(
    tree: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: str
) -> None:
    moved = tmp_path / folder
    moved.parent.mkdir(parents=True, exist_ok=True)
    tree.out.rename(moved)
    monkeypatch.chdir("/")
    assert read(moved / "catalog.duckdb", "energy") == ALL_ROWS
    assert read(moved / "catalog.duckdb", "dear") == [("A", 2.5), ("B", 7.0)]
    monkeypatch.chdir(moved)
    assert read("catalog.duckdb", "x.da_energy") == [("A", 1.5), ("A", 2.5)]


def test_a_copied_tree_does_not_read_the_files_of_the_original(
    tree: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(tree.out, copy)
    (copy / "catalog.duckdb").rename(copy / "prices of x.db")
    write_file(tree, "da_energy", 2024, ("A", 1000.0))
    monkeypatch.chdir(tree.out)
    assert read(copy / "prices of x.db", "energy") == ALL_ROWS
    assert read(copy / "prices of x.db", "x_da_energy") == [("A", 1.5), ("A", 2.5)]


def test_an_attached_catalog_reads_the_tree_that_the_session_names(
    tree: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(tree.out, copy)
    write_file(tree, "da_energy", 2024, ("A", 1000.0))
    monkeypatch.chdir(tree.out)
    for named in (copy, f"{copy}/"):
        assert read_attached(copy / "catalog.duckdb", "energy", named) == ALL_ROWS
    assert read_attached(copy / "catalog.duckdb", "x.rt_energy", copy) == [("B", 7.0)]
    assert read_attached(copy / "catalog.duckdb", "dear", copy) == [("A", 2.5), ("B", 7.0)]


def test_an_attached_catalog_says_what_it_needs_and_never_reads_the_working_folder(
    tree: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tree.out)
    with pytest.raises(duckdb.Error, match="say SET VARIABLE unified_iso_tree = "):
        read_attached(tree.catalog, "energy", None)
    with pytest.raises(duckdb.Error, match="say SET VARIABLE unified_iso_tree = "):
        read(tree.catalog, "energy", "set temp_directory = '/tmp/spill'")


@pytest.fixture
def other_tree(tree: Workspace, tmp_path: Path) -> Workspace:
    """A tree of the same datasets with other prices, whose catalog was written for itself."""
    other = Workspace(raw=tmp_path / "raw", out=tmp_path / "other")
    other.prepare()
    shutil.copytree(tree.parquet, other.parquet)
    shutil.copy(tree.manifest, other.manifest)
    for dataset in ("da_energy", "rt_energy", "as_hourly"):
        write_file(other, dataset, 2024, ("A", 8.5))
    shutil.copy(other.year_file("x", "as_hourly", 2024), other.locations)
    shutil.copy(other.year_file("x", "as_hourly", 2024), tree.locations)
    for of in (tree, other):
        write_catalog(
            of,
            {"energy": ["x_da_energy", "x_rt_energy"], "services": ["x_as_hourly"]},
            views={"dear": "select * from main.energy where price > 2"},
        )
    return other


def views_with_schema(workspace: Workspace) -> list[str]:
    with duckdb.connect(str(workspace.catalog), read_only=True) as session:
        return [
            f"{schema}.{name}"
            for schema, name in session.execute(
                "select schema_name, view_name from duckdb_views() where not internal order by all"
            ).fetchall()
        ]


@pytest.mark.parametrize("is_named", [False, True])
def test_no_view_ever_reads_the_files_of_another_tree(
    tree: Workspace, other_tree: Workspace, is_named: bool
) -> None:
    """Be it beside the database that the session was opened with, or named by the variable."""
    names = views_with_schema(tree)
    assert {"main.energy", "main.dear", "main.locations", "x.da_energy"} < set(names)
    with duckdb.connect(":memory:" if is_named else str(other_tree.catalog)) as session:
        session.execute(f"attach {quoted_text(tree.catalog)} as prices (read_only)")
        if is_named:
            session.execute(f"set variable {VARIABLE} = {quoted_text(other_tree.out)}")
        for name in names:
            for more in ("", " where false", " limit 0"):
                with pytest.raises(duckdb.IOException, match=r"metadata/tree_of_catalog_\w+\.parq"):
                    session.execute(f"select count(*) from (from prices.{name}{more})").fetchall()
        session.execute(f"set variable {VARIABLE} = {quoted_text(tree.out)}")
        read = session.execute("select zone, price from prices.energy order by all").fetchall()
        assert read == ALL_ROWS


def test_two_trees_are_compared_by_saying_before_each_query_which_one_is_meant(
    tree: Workspace, other_tree: Workspace
) -> None:
    with duckdb.connect() as session:
        found = []
        for name, of in (("a", tree), ("b", other_tree)):
            session.execute(f"attach {quoted_text(of.catalog)} as {name} (read_only)")
            session.execute(f"set variable {VARIABLE} = {quoted_text(of.out)}")
            sql = f"create table of_{name} as select max(price) as price from {name}.energy"
            session.execute(sql)
            found += session.execute(f"from of_{name}").fetchall()
    assert found == [(7.0,), (8.5,)]


def test_the_mark_of_a_tree_stays_whatever_is_built(tree: Workspace) -> None:
    marks = list(tree.manifest.parent.glob("tree_of_catalog_*"))
    assert len(marks) == 1
    with duckdb.connect(str(tree.catalog), read_only=True) as session:
        write_file(tree, "da_energy", 2025, ("A", 9.5))
        write_manifest_of(tree, ("da_energy", 2023), ("da_energy", 2024), ("da_energy", 2025))
        write_catalog(tree, {})
        # The session has the old catalog, and reads what is there now.
        assert session.execute("select max(price) from energy").fetchall() == [(9.5,)]
    assert list(tree.manifest.parent.glob("tree_of_catalog_*")) == marks
    assert read(tree.catalog, "x_da_energy") == [("A", 1.5), ("A", 2.5), ("A", 9.5)]


def test_a_lost_mark_is_replaced_and_the_catalog_with_it(tree: Workspace) -> None:
    [mark] = tree.manifest.parent.glob("tree_of_catalog_*")
    mark.unlink()
    with pytest.raises(duckdb.IOException, match=mark.name):
        read(tree.catalog, "x_da_energy")
    write_catalog(tree, {})
    assert read(tree.catalog, "x_da_energy") == [("A", 1.5), ("A", 2.5)]


@pytest.mark.parametrize("view", ["x_da_energy", "energy"])
def test_a_query_is_planned_as_if_there_were_no_mark(tree: Workspace, view: str) -> None:
    """Else DuckDB would no longer answer from the figures that Parquet files have of themselves."""
    with duckdb.connect(str(tree.catalog), read_only=True) as session:
        [(_, plan)] = session.execute(
            f"explain (format json) select max(price) from {view} where zone = 'A'"
        ).fetchall()
    operators = re.findall(r'"name": "([^"]*)"', plan)
    assert "READ_PARQUET" in " ".join(operators).upper().replace(" ", "_")
    assert not [name for name in operators if "JOIN" in name.upper() or "CROSS" in name.upper()]


@pytest.mark.parametrize(
    ("gone", "left"),
    [
        ("da_energy/da_energy_2023.parquet", [("A", 2.5), ("B", 7.0)]),
        ("da_energy", [("B", 7.0)]),
        ("rt_energy", [("A", 1.5), ("A", 2.5)]),
    ],
)
def test_a_union_has_the_rows_that_are_there(
    tree: Workspace, gone: str, left: list[tuple[str, float]]
) -> None:
    """Whoever keeps some years or datasets alone can still read them all together."""
    path = tree.parquet / "x" / gone
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    assert read(tree.catalog, "energy") == left
    assert read(tree.catalog, "services") == [("R", 9.0)]


def test_a_dataset_without_a_file_is_no_empty_one(tree: Workspace) -> None:
    shutil.rmtree(tree.parquet / "x" / "rt_energy")
    with pytest.raises(duckdb.IOException, match=r"No files found.*rt_energy"):
        read(tree.catalog, "x_rt_energy")


def test_files_of_other_names_are_no_year_files(tree: Workspace) -> None:
    folder = tree.parquet / "x" / "da_energy"
    for name in ("da_energy_2024 (1).parquet", "da_energy_2024.parquet.staged", "2024.parquet"):
        shutil.copy(folder / "da_energy_2024.parquet", folder / name)
    assert read(tree.catalog, "x_da_energy") == [("A", 1.5), ("A", 2.5)]
    assert read(tree.catalog, "energy") == ALL_ROWS


@pytest.mark.parametrize("content", [b"PAR1 cut off", b""])
def test_a_damaged_file_holds_back_no_catalog(tree: Workspace, content: bytes) -> None:
    """It is in no manifest, and its name comes first among those that a pattern matches."""
    (tree.parquet / "x" / "da_energy" / "da_energy_2022.parquet").write_bytes(content)
    write_catalog(tree, {"energy": ["x_da_energy", "x_rt_energy"]})
    assert read(tree.catalog, "x_da_energy") == [("A", 1.5), ("A", 2.5)]
    assert read(tree.catalog, "energy") == ALL_ROWS


def test_views_and_columns_tell_what_they_are(tree: Workspace) -> None:
    with duckdb.connect(str(tree.catalog), read_only=True) as session:
        views = session.execute(
            "select schema_name, view_name, comment from duckdb_views()"
            " where comment is not null order by all"
        ).fetchall()
        columns = session.execute(
            "select schema_name, table_name, column_name, comment from duckdb_columns()"
            " where comment is not null order by all"
        ).fetchall()
    assert views == [
        ("main", "energy", "All of it."),
        ("main", "x_da_energy", "Prices of x."),
        ("x", "da_energy", "Prices of x."),
    ]
    assert columns == [
        ("main", "x_da_energy", "price", "In $/MWh."),
        ("x", "da_energy", "price", "In $/MWh."),
    ]


def test_a_catalog_that_would_say_the_same_is_left_alone(tree: Workspace) -> None:
    write_catalog(tree, {"energy": ["x_da_energy"]})
    written = tree.catalog.stat().st_ino
    write_catalog(tree, {"energy": ["x_da_energy"]})
    assert tree.catalog.stat().st_ino == written
    write_catalog(tree, {"energy": ["x_rt_energy"]})
    assert read(tree.catalog, "energy") == [("B", 7.0)]
    tree.catalog.write_bytes(b"damaged")
    write_catalog(tree, {"energy": ["x_rt_energy"]})
    assert read(tree.catalog, "energy") == [("B", 7.0)]


def test_locations_are_a_view_where_their_file_is_there(tree: Workspace) -> None:
    assert "locations" not in views_of(tree)
    duckdb.execute(
        f"copy (select 'x' as iso, 'A' as zone, 1.0 as price)"
        f" to {quoted_text(tree.locations)} (format parquet)"
    )
    write_catalog(tree, {})
    assert read(tree.catalog, "locations") == [("A", 1.0)]


@pytest.mark.parametrize(
    ("datasets", "others", "pattern"),
    [
        (["da_energy", "rt_energy"], ["as_hourly"], "*_energy*"),
        (["da", "rt"], [], "*"),
        (["da_energy_hourly", "rt_energy_5min"], ["as_hourly", "as_5min"], "*_energy_*"),
        (["da", "rt"], ["as"], None),
    ],
)
def test_a_family_has_the_narrowest_pattern_that_no_other_one_matches(
    datasets: list[str], others: list[str], pattern: str | None
) -> None:
    assert pattern_of_family(datasets, others) == pattern


def test_a_family_without_a_pattern_of_its_own_is_united_all_the_same(
    workspace: Workspace,
) -> None:
    for dataset, price in (("da", 2.5), ("rt", 7.0), ("as", 9.0)):
        write_file(workspace, dataset, 2024, ("A", price))
    write_manifest_of(
        workspace,
        *(("da", 2024), ("rt", 2024), ("as", 2024)),
        families={"da": "energy", "rt": "energy", "as": "services"},
    )
    write_catalog(workspace, {"energy": ["x_da", "x_rt"]})
    assert read(workspace.catalog, "energy") == [("A", 2.5), ("A", 7.0)]
    with duckdb.connect(str(workspace.catalog), read_only=True) as session:
        [(sql,)] = session.execute(
            "select sql from duckdb_views() where view_name = 'energy'"
        ).fetchall()
    # Over HTTP each file is named once.
    assert sql.count("x/da/da_2024.parquet") == sql.count("x/rt/rt_2024.parquet") == 1


@pytest.fixture
def served(tree: Workspace) -> Iterator[Any]:
    pytest.importorskip("fsspec", reason="the package fsspec is not installed here")
    from web_files import Served

    made = Served(tree.out)
    yield made
    made.stop()


def read_served(catalog: str, view: str, tree: str) -> list[Any]:
    """Read a view of a catalog on a web server, without httpfs, with which alone ATTACH is http."""
    from web_files import Web

    with duckdb.connect() as session:
        session.register_filesystem(Web())
        session.execute(f"attach 'web://{catalog}/catalog.duckdb' as prices (read_only)")
        session.execute(f"set variable {VARIABLE} = {quoted_text(tree)}")
        return session.execute(f"select zone, price from prices.{view} order by all").fetchall()


def test_a_tree_can_be_read_over_http(served: Any) -> None:
    for address in (f"http://{served.place}", f"http://{served.place}/"):
        assert read_served(served.place, "energy", address) == ALL_ROWS
        assert read_served(served.place, "x_rt_energy", address) == [("B", 7.0)]
        assert read_served(served.place, "x.da_energy", address) == [("A", 1.5), ("A", 2.5)]
    assert "/parquet/x/rt_energy/rt_energy_2024.parquet" in served.asked
    # A pattern would be asked for as it is, and files of other families are not wanted.
    assert not [path for path in served.asked if "[" in path or "*" in path or "as_h" in path]


def test_another_tree_is_never_read_over_http(served: Any, tree: Workspace, tmp_path: Path) -> None:
    from web_files import Served

    other = tmp_path / "other"
    shutil.copytree(tree.out, other)
    [mark] = (other / "metadata").glob("tree_of_catalog_*")
    mark.rename(mark.with_name("tree_of_catalog_of_another_one.parquet"))
    elsewhere = Served(other)
    with pytest.raises(duckdb.Error, match=mark.name):
        read_served(served.place, "energy", f"http://{elsewhere.place}")
    elsewhere.stop()


def test_the_extension_reads_the_same_over_http(served: Any) -> None:
    with duckdb.connect() as session:
        try:
            session.execute("load httpfs")
        except duckdb.Error:
            pytest.skip("DuckDB's extension httpfs is not installed here")
    address = f"http://{served.place}"
    assert read_attached(f"{address}/catalog.duckdb", "energy", address) == ALL_ROWS
    assert read_attached(f"{address}/catalog.duckdb", "x_rt_energy", address) == [("B", 7.0)]


def test_over_http_files_are_named_because_no_pattern_can_be_matched(tree: Workspace) -> None:
    """It is the address of a file that is asked for, which only the extension could answer."""
    with pytest.raises(duckdb.Error) as error:
        read_attached(tree.catalog, "x_rt_energy", "http://127.0.0.1:9/prices/")
    assert "http://127.0.0.1:9/prices/parquet/x/rt_energy/rt_energy_2024.parquet" in str(
        error.value
    ) or "httpfs" in str(error.value)
