"""Tells the working database what the project says of operators, reports and datasets."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import duckdb
import pyarrow as pa

from unified_iso.build.spec import Dataset, Project
from unified_iso.families import Family
from unified_iso.options import Options
from unified_iso.sql import quoted_name, sql_text


def tell_facts(
    cursor: duckdb.DuckDBPyConnection,
    project: Project,
    options: Options,
    tests_everything: bool = False,
) -> None:
    """Fill the tables that the views of `views.sql` ask, and make those views.

    Seeds are read from their files, because dbt loads them only after a run has begun.

    tests_everything: whether tests look at all that is published, not at what is new.
    """
    cursor.execute(sql_text("facts"))
    for table, columns in (("markets", "iso, time_zone"), ("reports", _REPORT_COLUMNS)):
        cursor.execute(
            f"insert into inventory.{table} select {columns} from read_csv("
            "$1, header = true, all_varchar = true, hive_partitioning = false)",
            [str(project.seed_file(table))],
        )
    datasets = project.datasets()
    _fill(cursor, "datasets", _DATASETS, [_row(dataset, datasets) for dataset in datasets])
    _fill(cursor, "dataset_reports", _DATASET_REPORTS, _report_rows(datasets))
    cursor.execute(
        "insert into inventory.run_options"
        " values ($years, $prune, $full_refresh, $allow_rejects, $tests_everything)",
        {
            "years": list(options.years),
            "prune": options.prune,
            "full_refresh": options.full_refresh,
            "allow_rejects": options.allow_rejects,
            "tests_everything": tests_everything,
        },
    )
    cursor.execute(sql_text("views"))


def keep_told_by_dbt(
    cursor: duckdb.DuckDBPyConnection, project: Project, audit_schema: str
) -> None:
    """Keep what only dbt can tell, for runs without it.

    That is how printed stamps are read, and the schema of what tests read.
    """
    cursor.execute(
        "create or replace table inventory.told_by_dbt as select $1 as stamps, $2 as audit_schema",
        [json.dumps(project.stamps), audit_schema],
    )


def what_dbt_told(connection: duckdb.DuckDBPyConnection) -> tuple[dict[str, Any], str] | None:
    """Return the stamps and the schema that the last run with dbt has kept, None without any."""
    try:
        [(stamps, audit_schema)] = connection.execute(
            "select stamps, audit_schema from inventory.told_by_dbt"
        ).fetchall()
    except (duckdb.CatalogException, ValueError):
        return None
    return json.loads(stamps), audit_schema


def reports_with_files(connection: duckdb.DuckDBPyConnection) -> set[tuple[str, str]]:
    """Return operator and report of which a raw file was ever seen, be it gone by now."""
    rows = connection.execute("select distinct iso, report from inventory.raw_files").fetchall()
    return {(iso, report) for iso, report in rows}


def empty_answers(cursor: duckdb.DuckDBPyConnection, families: Iterable[Family]) -> None:
    """Make the tables anew in which a run keeps the answers to what families ask of loaded rows."""
    for family in families:
        for question, columns in family.questions.items():
            told = ", ".join(f"{quoted_name(name)} {kind}" for name, kind in columns.items())
            cursor.execute(
                f"create or replace table inventory.{quoted_name(question)} (model varchar, {told})"
            )


_REPORT_COLUMNS = "iso, report, rank::integer, seen::boolean, file_names"
_DATASETS = ("model", "iso", "part_length", "parent", "reads_day_before")
_DATASET_REPORTS = ("model", "iso", "report", "is_cumulative", "gives_rows")


def _row(dataset: Dataset, datasets: list[Dataset]) -> tuple[object, ...]:
    parents = {found.unique_id: found.model for found in datasets}
    parent = parents.get(dataset.parent or "")
    return (dataset.model, dataset.iso, dataset.part, parent, dataset.reads_day_before)


def _report_rows(datasets: list[Dataset]) -> list[tuple[object, ...]]:
    return [
        (
            dataset.model,
            source.iso,
            source.report,
            source.is_cumulative,
            source in dataset.own_sources,
        )
        for dataset in datasets
        for source in dataset.price_sources
    ]


def _fill(
    cursor: duckdb.DuckDBPyConnection,
    table: str,
    columns: tuple[str, ...],
    rows: list[tuple[object, ...]],
) -> None:
    if rows:
        cursor.register(
            "told", pa.table({name: [row[i] for row in rows] for i, name in enumerate(columns)})
        )
        cursor.execute(f"insert into inventory.{table} select * from told")
        cursor.unregister("told")
