"""The catalog: a DuckDB database of views over the published files, for everybody to open."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa

from unified_iso.descriptions import Description
from unified_iso.footers import Entry
from unified_iso.machine import machine_named
from unified_iso.manifest import read_manifest
from unified_iso.places import (
    VARIABLE,
    files_sql,
    only_in_tree,
    pattern_of_family,
    year_files_pattern,
)
from unified_iso.sql import quoted_name, quoted_text, sql_text
from unified_iso.tree_mark import mark_of
from unified_iso.twins import twin_of
from unified_iso.workspace import Workspace, beside, log_of

# What every DuckDB since 1.1 opens. Each column of a table has blocks of its own, so that small
# tables are small in small blocks.
STORAGE_VERSION = "v1.0.0"
BLOCK_SIZE = 16_384


@dataclass(frozen=True)
class Figures:
    """Tables that are read only where the catalog is written.

    schema: of all of them.
    made_of: digest of all that decides their rows.
    read: returns the rows by the name of the table, always in the same order.
    """

    schema: str
    made_of: str
    read: Callable[[], Mapping[str, pa.Table]]


def write_catalog(
    workspace: Workspace,
    unions: Mapping[str, Sequence[str]],
    views: Mapping[str, str] | None = None,
    tables: Mapping[tuple[str, str], pa.Table] | None = None,
    descriptions: Mapping[str, Description] | None = None,
    figures: Figures | None = None,
) -> None:
    """Replace `catalog.duckdb`: a view per published dataset and one per family of datasets.

    A dataset also has a view in the schema of its operator, and one over its twins in the schema
    `by_location` where each of its files has one. No view reads another one of these,
    so that each holds under whatever name the catalog is attached.

    `unions` maps the name of the view over a family to the datasets that it unites whole: a view
    that selects or changes rows is none. `views` has the SQL of views over those, which are left
    out where nothing of the family is published. `tables` has by schema and name the rows of the
    seeds that these views read. `descriptions` become comments on views and their columns, by the
    name of the view. `figures` are those of the quality report, which become tables, because
    what they are views of is in the working database alone. Readers of the old catalog keep it
    until they open the new one, which is written only where it says something else.

    Raises:
        MachineError: the disk is full, or the like.
    """
    published = [
        entry
        for entry in read_manifest(workspace)["files"]
        if (workspace.out / entry["path"]).is_file()
    ]
    content = _Content(
        views_of_files=_views_of_files(workspace, published, unions, mark_of(workspace)),
        tables=tables or {},
        views=views or {},
        descriptions=descriptions or {},
        figures=figures,
    )
    digest = content.digest([entry.get("seal") for entry in published])
    if not _stands(workspace, digest):
        with machine_named(workspace.out):
            _replace(workspace, content, digest)


@dataclass(frozen=True)
class _Content:
    """What a catalog has, by schema and name, or by name where the schema is main."""

    views_of_files: Mapping[tuple[str, str], str]
    tables: Mapping[tuple[str, str], pa.Table]
    views: Mapping[str, str]
    descriptions: Mapping[str, Description]
    figures: Figures | None

    def digest(self, seals: Sequence[str | None]) -> str:
        """Return a digest of all that decides a catalog over files with these seals."""
        rows = {name: table.to_pylist() for name, table in sorted(self.tables.items())}
        told = (
            *(duckdb.__version__, self.views_of_files, self.views, self.descriptions, rows, seals),
            self.figures and self.figures.made_of,
        )
        return hashlib.sha256(repr(told).encode()).hexdigest()

    def all_tables(self) -> dict[tuple[str, str], pa.Table]:
        """Return the rows of each table by its schema and name."""
        if self.figures is None:
            return dict(self.tables)
        schema, figures = self.figures.schema, self.figures.read()
        return {**self.tables, **{(schema, name): rows for name, rows in figures.items()}}


def _stands(workspace: Workspace, digest: str) -> bool:
    """Whether the catalog is the one that was written last, and of the same content."""
    if log_of(workspace.catalog).exists():
        return False
    try:
        known = workspace.catalog_digest.read_text().split()
        return known == [digest, hashlib.sha256(workspace.catalog.read_bytes()).hexdigest()]
    except (OSError, ValueError):
        return False


def _replace(workspace: Workspace, content: _Content, digest: str) -> None:
    new = beside(workspace.catalog)
    for leftover in (new, log_of(new)):
        leftover.unlink(missing_ok=True)
    with duckdb.connect() as session:
        # What it makes of equal texts differs from run to run.
        session.execute("set disabled_compression_methods = 'fsst'")
        session.execute(
            f"attach {quoted_text(new)} as catalog"
            f" (storage_version '{STORAGE_VERSION}', block_size {BLOCK_SIZE})"
        )
        session.execute("use catalog")
        session.execute(f"set variable {VARIABLE} = $1", [str(workspace.out)])
        _fill(session, content)
        session.execute("use memory")
        session.execute("detach catalog")
    written = hashlib.sha256(new.read_bytes()).hexdigest()
    # The log of a session that died belongs to the catalog that goes: beside the new one it
    # would keep everybody from opening it. Without its log the old one still can be opened.
    log_of(workspace.catalog).unlink(missing_ok=True)
    new.replace(workspace.catalog)
    workspace.catalog_digest.parent.mkdir(parents=True, exist_ok=True)
    workspace.catalog_digest.write_text(f"{digest} {written}")


def _fill(session: duckdb.DuckDBPyConnection, content: _Content) -> None:
    # Each statement of its own would wait for the disk, and there are thousands of comments.
    session.begin()
    for (schema, name), sql in content.views_of_files.items():
        session.execute(f"create schema if not exists {quoted_name(schema)}")
        session.execute(f"create view {quoted_name(schema)}.{quoted_name(name)} as {sql}")
    for (schema, name), rows in sorted(content.all_tables().items()):
        session.register("rows_of_table", rows)
        session.execute(f"create schema if not exists {quoted_name(schema)}")
        session.execute(
            f"create table {quoted_name(schema)}.{quoted_name(name)} as select * from rows_of_table"
        )
        session.unregister("rows_of_table")
    session.commit()
    for name, sql in sorted(content.views.items()):
        # It reads a family of which nothing is published.
        with suppress(duckdb.CatalogException):
            session.execute(f"create view {quoted_name(name)} as {sql}")
    session.begin()
    _comment(session, content.descriptions)
    session.commit()


def _views_of_files(
    workspace: Workspace,
    published: Sequence[Entry],
    unions: Mapping[str, Sequence[str]],
    mark: str,
) -> dict[tuple[str, str], str]:
    """Return the SQL of each view over published files, by its schema and name."""
    found: dict[tuple[str, str], str] = {}
    models: dict[str, list[Entry]] = {}
    for entry in published:
        models.setdefault(entry["model"], []).append(entry)
    odd = _with_unknown_files(workspace, published)
    for model, entries in sorted(models.items()):
        iso, dataset = entries[0]["iso"], entries[0]["dataset"]
        pattern = None if model in odd else year_files_pattern(iso, dataset)
        rows = _rows_of(pattern, [entry["path"] for entry in entries], mark)
        found["main", model] = rows
        found[iso, dataset] = rows
        twins = [twin_of(workspace, entry) for entry in entries]
        # With years missing it would have fewer rows than the dataset, and not tell.
        if all(twin.is_file() for twin in twins):
            pattern = year_files_pattern(iso, dataset, workspace.by_location.name)
            names = [workspace.name_of(twin) for twin in twins]
            found["by_location", model] = _rows_of(pattern, names, mark)
    for name, united in sorted(unions.items()):
        members = [entry for entry in published if entry["model"] in united]
        if members:
            found["main", name] = _rows_of_family(members, published, odd, mark)
    found |= _other_views(workspace, mark)
    return found


def _with_unknown_files(workspace: Workspace, published: Sequence[Entry]) -> set[str]:
    """Return the datasets beside whose files others lie, which may be damaged or somebody's own.

    A view that matched them by a pattern could not even be made where one is no Parquet file.
    """
    known = {entry["path"] for entry in published}
    unknown = [path for path in workspace.year_files() if workspace.name_of(path) not in known]
    return {f"{path.parent.parent.name}_{path.parent.name}" for path in unknown}


def _rows_of(pattern: str | None, names: Sequence[str], mark: str) -> str:
    read = f"read_parquet({files_sql(pattern, sorted(names))}, hive_partitioning = false)"
    return f"select * from {only_in_tree(read, mark)}"


def _rows_of_family(
    members: Sequence[Entry], published: Sequence[Entry], odd: Collection[str], mark: str
) -> str:
    """Return the SQL that unites datasets, also where the folder of one of them is gone.

    DuckDB refuses a pattern that matches no file, so that there is one for all of them, and files
    of others that match it are left out by their names, before any is opened.
    """
    families = {entry.get("family") for entry in members}
    datasets = {entry["dataset"] for entry in members}
    others = {entry["dataset"] for entry in published if entry.get("family") not in families}
    names = sorted(entry["path"] for entry in members)
    folders = sorted({(entry["iso"], entry["dataset"]) for entry in members})
    if odd:
        return _rows_of(None, names, mark)
    if (folder := pattern_of_family(datasets, others)) is None:
        return " union all ".join(
            _rows_of(
                year_files_pattern(iso, dataset),
                [n for n in names if f"/{iso}/{dataset}/" in n],
                mark,
            )
            for iso, dataset in folders
        )
    files = files_sql(year_files_pattern("*", folder).replace(f"{folder}_", "*_"), names)
    united = "|".join(rf"{re.escape(iso)}[/\\]{re.escape(dataset)}" for iso, dataset in folders)
    ends = quoted_text(rf"[/\\]({united})[/\\][^/\\]+$")
    read = f"read_parquet({files}, filename = true, hive_partitioning = false)"
    return (
        f"select * exclude (filename) from {only_in_tree(read, mark)}"
        f" where regexp_matches(filename, {ends})"
    )


def _other_views(workspace: Workspace, mark: str) -> dict[tuple[str, str], str]:
    """Return the views over what lies in the tree beside the year files, where it does."""
    name = workspace.name_of(workspace.locations)
    if not workspace.locations.is_file():
        return {}
    return {("main", "locations"): _rows_of(name, [name], mark)}


def _comment(session: duckdb.DuckDBPyConnection, descriptions: Mapping[str, Description]) -> None:
    """Say of each view, table and column of the new catalog what the project says of it."""
    comments: list[str] = []
    for schema, name, kind, columns in session.execute(sql_text("relations_of_catalog")).fetchall():
        known = descriptions.get(f"{schema}_{name}") or descriptions.get(name) or Description()
        relation = f"{quoted_name(schema)}.{quoted_name(name)}"
        if known.text:
            comments.append(f"comment on {kind} {relation} is {quoted_text(known.text)}")
        comments += [
            f"comment on column {relation}.{quoted_name(column.name)}"
            f" is {quoted_text(column.description)}"
            for column in known.columns
            if column.name in columns and column.description
        ]
    if comments:
        session.execute(";\n".join(comments))


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
