"""Accounts for every row of a part: published, merged, superseded, filtered or rejected."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import duckdb
import pyarrow as pa

from unified_iso.build.plan import Part
from unified_iso.build.spec import Dataset
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
    if dataset.reads_day_before:
        cursor.execute(sql_text("account_for_files_beside"), parameters)
    cursor.execute(sql_text("account_for_written_rows"), parameters | {"file": str(file)})
    if cursor.execute(sql_text("unaccounted_rows"), parameters).fetchall():
        cursor.register("repeats_found", count_repeats())
        cursor.execute(sql_text("account_for_repeats"), parameters)
        cursor.unregister("repeats_found")


def account_for_derived_part(
    cursor: duckdb.DuckDBPyConnection,
    dataset: Dataset,
    parent: Dataset,
    part: Part,
    file: Path,
    left_out: pa.Table,
) -> None:
    """Take over the accounts of the dataset that a part was made of, but for what was published.

    left_out: data_source, term, reason and rows of that dataset's rows that are not in the part.
    """
    parameters = {"model": dataset.model, "part": part.part}
    cursor.register("rows_left_out", left_out)
    cursor.execute(sql_text("account_for_rows_of_parent"), parameters | {"parent": parent.model})
    cursor.unregister("rows_left_out")
    cursor.execute(sql_text("account_for_written_rows"), parameters | {"file": str(file)})
