"""Location lists of operators, read by what the columns of their sources are marked to tell."""

from __future__ import annotations

import re
from collections.abc import Sequence

import duckdb

from unified_iso.build import raw
from unified_iso.build.spec import Column, Project, Source
from unified_iso.machine import is_of_machine
from unified_iso.sql import quoted_name, quoted_text, sql_text

# What a column may tell; every other one that is marked is a detail.
_ROLES = (
    *("settlement_location_id", "settlement_location", "location_type", "zone", "voltage_kv"),
    *("effective_date", "retirement_date", "latitude", "longitude"),
)
_DETAIL = "detail"


def tells_locations(source: Source) -> bool:
    """Whether a source is a list whose columns are marked."""
    return any("location" in column.meta for column in source.columns)


def read_lists(
    cursor: duckdb.DuckDBPyConnection, project: Project, lists: Sequence[Source]
) -> bool:
    """Put into `listed_locations` what the lists that are present say; return whether all did.

    If one can't be read, none is told of.

    Raises:
        duckdb.Error: the machine failed, or the run was interrupted.
    """
    rows = cursor.execute(
        "select distinct iso || '/' || report from inventory.raw_files"
        " where is_present and refusal is null"
    ).fetchall()
    present = {folder for (folder,) in rows}
    found = [source for source in lists if source.report_key in present]
    raw.open_present(cursor, project, found, ())
    try:
        keep_lists(cursor, found)
    except duckdb.Error as error:
        if is_of_machine(error) or isinstance(error, duckdb.InterruptException):
            raise
        keep_lists(cursor, [])
        return False
    return True


def keep_lists(cursor: duckdb.DuckDBPyConnection, lists: Sequence[Source]) -> None:
    """Put into `listed_locations` what the relations of lists hold now."""
    nothing = ", ".join(f"null::varchar as {name}" for name in _ROLES)
    rows = " union all by name ".join(
        [
            "select null::varchar as iso, null::varchar as report, null::uinteger as raw_file,"
            f" {nothing}, null::map(varchar, varchar) as details, null::varchar as open_end"
            " where false",
            *map(_rows_of, lists),
        ]
    )
    cursor.execute(f"create or replace temp table list_rows as {rows}")
    cursor.execute(sql_text("listed_locations"))


def _rows_of(source: Source) -> str:
    told = [
        f"{quoted_name(column.name)}::varchar as {column.meta['location']}"
        for column in source.columns
        if column.meta.get("location") in _ROLES
    ]
    details = ", ".join(
        f"{{k: {quoted_text(_snake(column))}, v: nullif(trim({quoted_name(column.name)}), '')}}"
        for column in source.columns
        if column.meta.get("location") == _DETAIL
    )
    kept = (
        f"map_from_entries(list_filter([{details}], lambda entry: entry.v is not null))"
        if details
        else "map {}::map(varchar, varchar)"
    )
    ends = [str(column.meta["open_end"]) for column in source.columns if "open_end" in column.meta]
    open_end = quoted_text(ends[0]) if ends else "null::varchar"
    return (
        f"select {quoted_text(source.iso)} as iso, {quoted_text(source.report)} as report,"
        f" raw_file, {', '.join(told)}, {kept} as details, {open_end} as open_end"
        f" from {source.relation}"
    )


def _snake(column: Column) -> str:
    return re.sub("[^a-z0-9]+", "_", column.name.lower()).strip("_")
