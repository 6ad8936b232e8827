"""Points raw relations, the views that sources are, at no raw files, those of a load, or all."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import duckdb

from unified_iso.build.spec import Column, Project, Source
from unified_iso.database import transaction
from unified_iso.machine import is_of_machine
from unified_iso.raw_files.layouts import AS_TEXT
from unified_iso.sql import quoted_name, quoted_text, sql_text

# By column: how a printed stamp is read, what is wrong with it, and its instant.
Stamps = Mapping[str, Mapping[str, str | None]]


@dataclass(frozen=True)
class Layout:
    """Files that one reader can read together, as parallel lists.

    numbers: what their rows have as `raw_file`.
    header_line: lines above the last line of the heading.
    timestamp_format: the one form of all stamps, `AS_TEXT`, or None where there are none.
    """

    column_names: tuple[str, ...]
    header_line: int
    timestamp_format: str | None
    paths: tuple[str, ...]
    numbers: tuple[int, ...]
    dates: tuple[str | None, ...]
    names: tuple[str, ...]


def empty_relations(cursor: duckdb.DuckDBPyConnection, sources: Iterable[Source]) -> None:
    """Let raw relations have no rows, but their columns.

    A dataset's definition must not depend on the files that happened to be open.
    """
    with transaction(cursor):
        for source in sources:
            cursor.execute(f"create schema if not exists {source.schema}")
            cursor.execute(raw_view(source, rows_of(source, [], {})))


def open_load(
    cursor: duckdb.DuckDBPyConnection,
    project: Project,
    sources: Sequence[Source],
    with_numbers: bool,
) -> set[str]:
    """Point raw relations at the files of `opened_files`; return the ids of those that have any.

    Who only looks for days needs no line numbers, because the order of lines moves no row to
    another day, and without them only the columns are read that days are told by.

    Raises:
        duckdb.Error: a file can't be read; numbering lines reads them.
    """
    lists = [source.report_key for source in sources if source.is_location_list]
    layouts = _layouts(cursor, "files_of_load", location_lists=lists)
    opened = set()
    for source in sources:
        found = layouts.get(source.report_key, [])
        rows = rows_of(source, found, project.stamps.get(source.unique_id, {}))
        if found:
            opened.add(source.unique_id)
            if with_numbers and source.is_numbered:
                rows = _numbered_rows(cursor, source, rows, max(max(f.numbers) for f in found))
        cursor.execute(raw_view(source, rows))
    return opened


def drop_raw_tables(cursor: duckdb.DuckDBPyConnection, sources: Iterable[Source]) -> None:
    """Free the memory of raw rows that were numbered."""
    for source in sources:
        if source.is_numbered:
            cursor.execute(f"drop table if exists temp.{_raw_table(source)}")


def open_present(
    cursor: duckdb.DuckDBPyConnection,
    project: Project,
    sources: Sequence[Source],
    read_directly: Collection[str],
) -> None:
    """Point raw relations at all usable files that are present.

    It is for tables of one's own while a run lasts, and for whoever looks at staging rows between
    runs, as `dbt show` does, which calls no hooks. Lines of all reports are numbered, because the
    SQL of a dataset tells repeated rows apart by their line. A relation of an operator whose files
    no build has looked for, and one that can't be opened, raises an error when it is read.

    read_directly: unique ids of sources that this run reads without a dataset.
    """
    if not sources:
        return
    layouts = _layouts(cursor, "files_present")
    known = {
        iso for (iso,) in cursor.execute("select distinct iso from inventory.raw_files").fetchall()
    }
    for source in sources:
        rows = rows_of(
            source, layouts.get(source.report_key, []), project.stamps.get(source.unique_id, {})
        )
        if source.iso not in known and source.unique_id not in read_directly:
            why = "no build has looked for raw files of this operator, or it found none"
            cursor.execute(_view_of_nothing(source, why))
            continue
        try:
            cursor.execute(raw_view(source, rows if source.is_location_list else _in_order(rows)))
        except duckdb.Error as error:
            if is_of_machine(error):
                raise
            cursor.execute(_view_of_nothing(source, str(error).strip().partition("\n")[0]))


def raw_view(source: Source, rows: str) -> str:
    """Return the statement that makes a source's relation these rows."""
    return f"create or replace view {source.relation} as {rows}"


def _view_of_nothing(source: Source, why: str) -> str:
    """Return a view that raises an error; without a row the error would be planned away."""
    said = f"{source.report_key} can't be read ({why}): build it, so that its files are looked at"
    return raw_view(
        source,
        "select rows.* from (select 1) as once "
        f"left join ({rows_of(source, [], {})}) as rows on true where error({quoted_text(said)})",
    )


def _in_order(rows: str) -> str:
    """Number lines while they are read, on one thread only, which a build can't afford."""
    return f"select * replace (row_number() over () - 1 as raw_row) from ({rows})"


def _raw_table(source: Source) -> str:
    return quoted_name(f"raw__{source.iso}__{source.name}")


def _numbered_rows(cursor: duckdb.DuckDBPyConnection, source: Source, rows: str, files: int) -> str:
    """Read rows into a table, which knows their places, and number those of each file from 0.

    Counting while reading would leave all but one thread idle.
    """
    table = f"temp.{_raw_table(source)}"
    cursor.execute(
        f"create or replace temp table {_raw_table(source)} as"
        f" select * exclude (raw_row) from ({rows})"
    )
    first_rows = dict(
        cursor.execute(f"select raw_file, min(rowid) from {table} group by raw_file").fetchall()
    )
    starts = ", ".join(str(first_rows.get(number, 0)) for number in range(1, files + 1))
    return f"select *, rowid - ([{starts}]::bigint[])[raw_file] as raw_row from {table}"


def _layouts(
    cursor: duckdb.DuckDBPyConnection, files: str, **parameters: object
) -> dict[str, list[Layout]]:
    """Return by report folder the layouts of the files that a query puts in `files_to_open`."""
    cursor.execute(sql_text(files), parameters or None)
    found: dict[str, list[Layout]] = {}
    for folder, names, header_line, form, *lists in cursor.execute(sql_text("layouts")).fetchall():
        layout = Layout(tuple(names), header_line, form, *map(tuple, lists))
        found.setdefault(folder, []).append(layout)
    return found


def rows_of(source: Source, layouts: Sequence[Layout], stamps: Stamps) -> str:
    """Return the query that reads the files of all layouts of a report, or no row without any.

    Beside the columns of the source each row has: raw_fault, what keeps its stamps from being read;
    raw_lacks, the wanted columns and those of other layouts that its file lacks, as `|name|name|`;
    raw_instant, the instant of a stamp with an offset; raw_file, the number of its file; raw_row,
    null without line numbers.
    """
    typed = [f"null::{c.data_type} as {quoted_name(c.name)}" for c in source.columns]
    readings = "".join(
        f"\nunion all by name\n{_read_layout(source, layout, stamps)}" for layout in layouts
    )
    return f"""
select
    {_listed([*(quoted_name(c.name) for c in source.columns), *_OF_EACH_ROW])},
    null::bigint as raw_row
from (
    select
        {_listed([*typed, *_NO_ROW])}
    where false{readings}
)"""


_OF_EACH_ROW = ("raw_fault", "raw_lacks", "raw_instant", "raw_file")
_NO_ROW = (
    "null::varchar as raw_fault",
    "null::varchar as raw_lacks",
    "null::timestamptz as raw_instant",
    "null::uinteger as raw_file",
)


def _read_layout(source: Source, layout: Layout, stamps: Stamps) -> str:
    """Return the reading of one layout; a line with a stamp that can't be read has no time."""
    of_text = {
        name: stamps[name]
        for name in source.stamps
        if layout.timestamp_format == AS_TEXT and name in layout.column_names
    }
    lacking = [name for name in source.lacking_told if name not in layout.column_names]
    instants = [found["instant"] for found in of_text.values() if found["instant"]]
    lacks = quoted_text(f"|{'|'.join(lacking)}|") if lacking else "null::varchar"
    columns = [
        _replaced("*", {name: found["value"] for name, found in of_text.items()}),
        f"{_first_of([found['fault'] for found in of_text.values()])} as raw_fault",
        f"{lacks} as raw_lacks",
        f"{instants[0] if instants else 'null::timestamptz'} as raw_instant",
        f"{_list(layout.numbers, 'uinteger')}[file_index::bigint + 1] as raw_file",
        *(_of_file(column, layout) for column in source.columns if column.of_file),
    ]
    reading = f"select {_listed(columns)}\nfrom {_reader(source, layout, set(of_text))}"
    if not of_text:
        return reading
    known = {name: f"case when raw_fault is null then {quoted_name(name)} end" for name in of_text}
    return f"select {_replaced('*', known)} from (\n{reading}\n)"


def _reader(source: Source, layout: Layout, as_text: set[str]) -> str:
    """Return the call that reads the files.

    The reader's index counts the paths given to it, as each is one file: a path with wildcards in
    it is read through a link without. A folder named key=value would become a column if guessing
    partitions were left on.
    """
    types = {c.name: "varchar" if c.name in as_text else c.data_type for c in source.in_file}
    columns = ", ".join(
        f"{quoted_text(name)}: {quoted_text(types.get(name, 'varchar'))}"
        for name in layout.column_names
    )
    form = layout.timestamp_format
    stamp_format = f"timestampformat = {quoted_text(form)}, " if form and not as_text else ""
    return (
        f"read_csv({_list(layout.paths, 'varchar')}, columns = {{{columns}}}, auto_detect = false, "
        f"header = true, skip = {layout.header_line}, delim = ',', quote = '\"', escape = '\"', "
        f"{stamp_format}store_rejects = true, hive_partitioning = false)"
    )


def _of_file(column: Column, layout: Layout) -> str:
    values = {"date": (layout.dates, "date"), "name": (layout.names, "varchar")}[
        column.of_file or ""
    ]
    return f"{_list(*values)}[file_index::bigint + 1] as {quoted_name(column.name)}"


def _replaced(columns: str, expressions: Mapping[str, str | None]) -> str:
    if not expressions:
        return columns
    replaced = ", ".join(f"{sql} as {quoted_name(name)}" for name, sql in expressions.items())
    return f"{columns} replace ({replaced})"


def _first_of(expressions: Sequence[str | None]) -> str:
    return f"coalesce({', '.join(map(str, expressions))})" if expressions else "null::varchar"


def _list(values: Iterable[object], data_type: str) -> str:
    texts = ", ".join("null" if value is None else quoted_text(str(value)) for value in values)
    return f"([{texts}]::{data_type}[])"


def _listed(columns: Iterable[str]) -> str:
    return ",\n    ".join(columns)
