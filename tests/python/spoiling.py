"""Putting faults into year files, between joining and testing, as no sound build makes them."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb

from unified_iso.build import builder, views
from unified_iso.build.join import YearOf, join_year
from unified_iso.row_groups.footer import read_footer_metadata
from unified_iso.workspace import Workspace

# Ending of the file that a fault was put into, as it was.
SOUND = ".sound"


def build_spoilt(sql_of: Callable[[str, int], str | None]) -> None:
    """Run the command with faults; its arguments are those of the script.

    sql_of: returns what is done to the rows of a model and year, in the table `year_rows` with
        their place in the file as `n`, or to the database; `{model}`, `{year}` and `{file}`, a raw
        file of the year, are filled in.
    """
    year_files = views.year_files

    def join_and_spoil(workspace: Workspace, cursor: Any, year: YearOf) -> None:
        join_year(workspace, cursor, year)
        if sql := sql_of(year.model, year.year):
            _spoil(cursor, year.model, year.year, sql)

    def sound_files(*arguments: Any) -> list[views.YearFile]:
        files = year_files(*arguments)
        return [(y, path + SOUND if Path(path + SOUND).exists() else path) for y, path in files]

    builder.join_year = join_and_spoil  # type: ignore[attr-defined]  # imported there
    views.year_files = sound_files  # type: ignore[assignment]  # its arguments have no names
    from unified_iso.cli import main

    main()


def _spoil(cursor: duckdb.DuckDBPyConnection, model: str, year: int, sql: str) -> None:
    """Put a fault into the candidate of a year; the footer stays what it was.

    The sound file is kept beside it, because a subset has the fault only if it is cut from it.
    """
    (path,) = cursor.execute(
        "select path from inventory.candidates where model = $1 and year = $2", [model, year]
    ).fetchall()[0]
    shutil.copy(path, path + SOUND)
    source = f"read_parquet('{path}', hive_partitioning = false)"
    (file,) = cursor.execute(f"select max(data_source) from {source}").fetchall()[0]
    cursor.execute(
        "create or replace temp table year_rows as"
        f" select *, row_number() over () as n from {source}"
    )
    cursor.execute(sql.format(model=model, year=year, file=file))
    footer = read_footer_metadata(Path(path)).key_value_metadata["unified_iso"].replace("'", "''")
    cursor.execute(
        f"copy (select * exclude (n) from year_rows order by n) to '{path}'"
        f" (format parquet, kv_metadata {{unified_iso: '{footer}'}})"
    )
