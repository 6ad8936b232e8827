"""Accounts for every row of a part: published, merged, superseded, filtered or rejected."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import duckdb
import pyarrow as pa

from unified_iso.build.plan import Part
from unified_iso.build.spec import Dataset
from unified_iso.catalog import year_files_sql
from unified_iso.sql import sql_text


def account_for_part(
    cursor: duckdb.DuckDBPyConnection,
    dataset: Dataset,
    part: Part,
    file: Path,
    count_repeats: Callable[[], pa.Table],
) -> None:
    """Write one account per raw file and term, each term counted on its own.

    count_repeats: returns raw_file, term, reason and rows of repeated rows that were not
        published. It is asked only where rows that were parsed are missing in the file.
    """
    parameters = {"model": dataset.model, "part": part.part}
    bounds = {"first_instant": part.first_instant, "end_instant": part.end_instant}
    cursor.execute(
        sql_text("account_for_loaded_rows"), parameters | bounds | {"length": dataset.part}
    )
    cursor.execute(sql_text("account_for_written_rows"), parameters | {"file": str(file)})
    if cursor.execute(sql_text("unaccounted_rows"), parameters).fetchall():
        cursor.register("repeats_found", count_repeats())
        cursor.execute(sql_text("account_for_repeats"), parameters)
        cursor.unregister("repeats_found")


def account_for_subset_part(
    cursor: duckdb.DuckDBPyConnection,
    dataset: Dataset,
    parent: Dataset,
    part: Part,
    file: Path,
    parent_files: list[str],
) -> None:
    """Take over the accounts of the dataset; what the subset leaves out of it is filtered."""
    cursor.execute(
        f"""
        create or replace temp table left_out as
        select data_source, count(*) as rows
        from {year_files_sql(parent_files)}
        where not coalesce({dataset.subset_where}, false) and {part.bounds("datetime_utc")}
        group by all
        """
    )
    cursor.execute(
        sql_text("account_for_subset_part"),
        {
            "model": dataset.model,
            "parent": parent.model,
            "part": part.part,
            "file": str(file),
            "why": f"not in this subset: {dataset.subset_where}",
        },
    )
