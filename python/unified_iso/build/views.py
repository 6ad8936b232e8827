"""Views over year files: a dataset as it will stand, and what its tests read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import duckdb

from unified_iso.build.spec import Dataset, Staging
from unified_iso.catalog import dataset_view_sql, year_files_sql
from unified_iso.sql import quoted_name, quoted_text, sql_text
from unified_iso.workspace import Workspace

YearFile = tuple[int, str]
# By model its years in order, each with the path of its candidate if it has one.
Places = Mapping[str, Sequence[tuple[int, str | None]]]
# The statements that have made views in this run, by relation. One is not run twice, because there
# are three views of each dataset, and a run looks after all of them at its begin and at its end.
Made = dict[str, str]


def year_files(
    cursor: duckdb.DuckDBPyConnection, workspace: Workspace, dataset: Dataset
) -> list[YearFile]:
    """Return the year files of a dataset as it stands: candidates, or else published ones."""
    return _files_of(workspace, dataset, years_in_place(cursor))


def years_in_place(cursor: duckdb.DuckDBPyConnection) -> Places:
    """Return the years of all datasets as they stand."""
    found: dict[str, list[tuple[int, str | None]]] = {}
    for model, year, path in cursor.execute(sql_text("years_in_place")).fetchall():
        found.setdefault(model, []).append((year, path))
    return found


def _files_of(workspace: Workspace, dataset: Dataset, places: Places) -> list[YearFile]:
    return [
        (year, path or str(workspace.year_file(dataset.iso, dataset.name, year)))
        for year, path in places.get(dataset.model, ())
    ]


def make_missing_staging_views(
    cursor: duckdb.DuckDBPyConnection, staging_models: Iterable[Staging]
) -> None:
    """Give staging models that no run has made yet their columns, which unit tests look up there.

    Whoever reads such a view gets an error, because no rows would look like an empty report.
    """
    for staging in staging_models:
        nulls = ", ".join(
            f"null::{kind} as {quoted_name(name)}" for name, kind in staging.columns.items()
        )
        why = f"no build has made {staging.name} yet: build a dataset that reads it"
        schema = staging.relation.rpartition(".")[0]
        cursor.execute(f"create schema if not exists {schema}")
        cursor.execute(
            f"create view if not exists {staging.relation} as"
            f" select {nulls} where error({quoted_text(why)})"
        )


def make_dataset_view(
    cursor: duckdb.DuckDBPyConnection,
    workspace: Workspace,
    dataset: Dataset,
    places: Places,
    made: Made,
) -> None:
    """Let a dataset's relation be its year files."""
    files = [path for _, path in _files_of(workspace, dataset, places)]
    sql = dataset_view_sql(dataset.relation, dataset.columns, files)
    _make(cursor, dataset.relation, sql, made)


def make_audit_views(
    cursor: duckdb.DuckDBPyConnection,
    workspace: Workspace,
    dataset: Dataset,
    places: Places,
    schema: str,
    everything: bool,
    made: Made,
) -> None:
    """Make the relations that tests read; each row has the year of its file, `delivery_year`.

    `new__<model>` has the new parts as they stand in the candidates, and the published interval on
    either side of them, so that nothing is lost or doubled at a seam; `files__<model>` the whole
    files that they stand in. Without a candidate both are empty.

    everything: test all that is published instead, as `dbt test` does.
    """
    if everything:
        files = _files_of(workspace, dataset, places)
    else:
        files = [(year, path) for year, path in places.get(dataset.model, ()) if path]
    whole = [_rows_of_year(year, f"select * from {year_files_sql([path])}") for year, path in files]
    rows = whole if everything or not files else _new_rows(cursor, dataset)
    for prefix, selects in (("new__", rows), ("files__", whole)):
        relation = f"{quoted_name(schema)}.{quoted_name(prefix + dataset.model)}"
        union = " union all ".join(selects) or _no_row(dataset.columns)
        _make(cursor, relation, f"create or replace view {relation} as {union}", made)


def _make(cursor: duckdb.DuckDBPyConnection, relation: str, sql: str, made: Made) -> None:
    if made.get(relation) == sql:
        return
    cursor.execute(f"create schema if not exists {relation.rpartition('.')[0]}")
    cursor.execute(sql)
    made[relation] = sql


def _new_rows(cursor: duckdb.DuckDBPyConnection, dataset: Dataset) -> list[str]:
    ranges = cursor.execute(sql_text("audited_ranges"), {"model": dataset.model}).fetchall()
    return [
        _rows_of_year(
            year,
            f"select * from {year_files_sql([path])} where datetime_utc >= timestamptz"
            f" '{first}' and datetime_utc <= timestamptz '{last}'",
        )
        for year, path, first, last in ranges
    ]


def _rows_of_year(year: int, rows: str) -> str:
    return f"select *, {year}::integer as delivery_year from ({rows})"


def _no_row(columns: Sequence[tuple[str, str]]) -> str:
    nulls = ", ".join(f"null::{kind} as {quoted_name(name)}" for name, kind in columns)
    return f"select {nulls}, null::integer as delivery_year where false"
