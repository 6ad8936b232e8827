"""The catalog: a DuckDB database of views over the published files, for everybody to open."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import duckdb
import pyarrow as pa

from unified_iso.machine import machine_named
from unified_iso.manifest import read_manifest
from unified_iso.sql import quoted_name, quoted_text
from unified_iso.workspace import Workspace, beside, log_of


def write_catalog(
    workspace: Workspace,
    unions: Mapping[str, Sequence[str]],
    views: Mapping[str, str] | None = None,
    tables: Mapping[tuple[str, str], pa.Table] | None = None,
) -> None:
    """Replace `catalog.duckdb`: a view per published dataset and one per family of datasets.

    `unions` maps the name of the view over a family to the datasets that it unites whole: a view
    that selects or changes rows is none. `views` has the SQL of views over those, which are left
    out where nothing of the family is published. `tables` has by schema and name the rows of the
    seeds that these views read. Readers of the old catalog keep it until they open
    the new one.

    Raises:
        MachineError: the disk is full, or the like.
    """
    files: dict[str, list[Path]] = {}
    for entry in read_manifest(workspace)["files"]:
        files.setdefault(entry["model"], []).append(workspace.out / entry["path"])
    new = beside(workspace.catalog)
    for leftover in (new, log_of(new)):
        leftover.unlink(missing_ok=True)
    with machine_named(workspace.out):
        with duckdb.connect(str(new)) as catalog:
            for model, paths in sorted(files.items()):
                catalog.execute(dataset_view_sql(quoted_name(model), (), sorted(paths)))
            for name, models in sorted(unions.items()):
                if published := [model for model in models if model in files]:
                    catalog.execute(_union_view_sql(name, published))
            for (schema, name), rows in sorted((tables or {}).items()):
                catalog.register("rows_of_seed", rows)
                table = f"{quoted_name(schema)}.{quoted_name(name)}"
                catalog.execute(f"create schema if not exists {quoted_name(schema)}")
                catalog.execute(f"create table {table} as select * from rows_of_seed")
                catalog.unregister("rows_of_seed")
            for name, sql in sorted((views or {}).items()):
                # It reads a family of which nothing is published.
                with suppress(duckdb.CatalogException):
                    catalog.execute(f"create view {quoted_name(name)} as {sql}")
        # The log of a session that died belongs to the catalog that goes: beside the new one it
        # would keep everybody from opening it. Without its log the old one still can be opened.
        log_of(workspace.catalog).unlink(missing_ok=True)
        new.replace(workspace.catalog)


def sql_of_views(
    cursor: duckdb.DuckDBPyConnection, names: Mapping[str, tuple[str, str]]
) -> dict[str, str]:
    """Return the SQL of views of the working database, of those that it has.

    DuckDB keeps it with the schema in front of each relation, and the catalog has the same schema.

    names: schema and name there, by the name that the view is to have.
    """
    found = cursor.execute(
        "select schema_name, view_name, sql from duckdb_views()"
        " where database_name = current_database() and not internal"
    ).fetchall()
    kept = {(schema, view): sql for schema, view, sql in found}
    return {
        name: kept[there].partition(" AS ")[2].rstrip(";")
        for name, there in names.items()
        if there in kept
    }


def tables_of_views(
    cursor: duckdb.DuckDBPyConnection, views: Mapping[str, str]
) -> dict[tuple[str, str], pa.Table]:
    """Return by schema and name the rows of tables of the working database that views read.

    They are seeds, and so they are small.

    views: SQL of the views, with the schema in front of each relation.
    """
    tables = cursor.execute(
        "select schema_name, table_name from duckdb_tables()"
        " where database_name = current_database() and not internal"
    ).fetchall()
    read = [
        (schema, name)
        for schema, name in tables
        if any(re.search(rf"\b{re.escape(f'{schema}.{name}')}\b", sql) for sql in views.values())
    ]
    return {
        (schema, name): cursor.sql(
            f"select * from {quoted_name(schema)}.{quoted_name(name)}"
        ).to_arrow_table()
        for schema, name in read
    }


def dataset_view_sql(
    relation: str, columns: Sequence[tuple[str, str]], files: Sequence[str | Path]
) -> str:
    """Return the statement that makes `relation` the view over the year files of a dataset.

    `relation` is its name as SQL has it, quoted where need be. `columns` are names and types, as
    SQL has them, of a dataset that has no file yet; a view over files has the columns of the files.

    Raises:
        ValueError: there are neither files nor columns.
    """
    if files:
        rows = f"select * from {year_files_sql(files)}"
    elif columns:
        nulls = ", ".join(f"null::{kind} as {quoted_name(name)}" for name, kind in columns)
        rows = f"select {nulls} where false"
    else:
        raise ValueError(f"the view {relation} has neither files nor columns")
    return f"create or replace view {relation} as {rows}"


def year_files_sql(files: Sequence[str | Path]) -> str:
    """Return what reads year files in a `from` clause.

    A folder named key=value, anywhere in their path, would else be a column that replaces theirs.
    """
    listed = ", ".join(map(quoted_text, files))
    return f"read_parquet([{listed}], hive_partitioning = false)"


def _union_view_sql(name: str, models: Sequence[str]) -> str:
    union = " union all ".join(f"select * from {quoted_name(model)}" for model in models)
    return f"create view {quoted_name(name)} as {union}"
