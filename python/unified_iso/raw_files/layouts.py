"""Finds the header of a report in a file, and how its stamps are written."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import lru_cache

from unified_iso.raw_files.lines import BLOCK, HEADER_SHOWN
from unified_iso.raw_files.records import UNKNOWN, Column, Groups, Layout, Report
from unified_iso.raw_files.refusals import Foreign, OtherColumns, Refused
from unified_iso.raw_files.replies import describe_reply, is_reply
from unified_iso.raw_files.shapes import (
    SEPARATORS,
    cells_of,
    fold,
    in_short,
    is_line_of_types,
    without_empty_end,
)

HEAD_LINES = 12
# Forms that DuckDB's reader takes without help, where all stamps of a file have the same one. Files
# with other forms, or several, are read as text, and their stamps by the macro `stamp_of`.
TIMESTAMP_FORMATS = (
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%dT%H:%M:%S",
    "%-m/%-d/%Y %-H:%M",
    "%-m/%-d/%Y %-H:%M:%S",
    "%-m/%-d/%Y %-I:%M:%S %p",
    "%Y-%m-%d",
    "%-m/%-d/%Y",
)
DATE_FORMAT = "%Y-%m-%d"
AS_TEXT = "text"
# What pandas calls the column of its row numbers.
_INDEX = re.compile(r"Unnamed: \d+")
# What pandas, polars and R add to the names of columns that both of two joined tables have, or that
# one table has twice.
_OF_JOIN = re.compile(r"(?:[_.](?:x|y|left|right)|\.\d+)$")


def line_at(head: bytes, number: int) -> bytes:
    """A line without its end; lines count from 0, and end in a line feed."""
    lines = head.split(b"\n", number + 1)
    return lines[number].rstrip(b"\r") if number < len(lines) else b""


def find_layout(head: bytes, report: Report, others: Sequence[Report]) -> Layout:
    """Find the header line of `report` among the first lines of a file.

    Columns may stand in any order and case, quoted or not; columns the report doesn't know are
    read past. The stamp format is the first that fits all of the first data lines.

    Raises:
        Refused: no line is the report's header; the message says what the file looks like.
    """
    text, flaw = decoded(head)
    lines = first_lines(text)
    rows = [cells_of(line) for line in lines]
    for number, cells in enumerate(rows):
        names = matched_names(cells, report)
        if names is not None:
            if flaw:
                raise Refused(f"is not UTF-8 text ({flaw}): save it as UTF-8 csv")
            _refuse_prices_of_sibling(cells, names, report, others)
            if refusal := _renamed_by_join(cells, number, report):
                raise refusal
            above = tuple(lines[:number])
            _check_title(above, report)
            below = _next_written(rows, number + 1)
            has_types = report.rows_below_header > 0 and is_line_of_types(rows[below], cells)
            last = below if has_types else number
            first = _stamps(report, names, [_as_wide(row, cells) for row in rows[last + 1 :]])
            printed = tuple(stamp for _, stamp in first)
            return Layout(names, last, _timestamp_format(report, first), above, printed)
    reply = Refused(describe_reply(text)) if is_reply(text) else None
    why = reply or _why_not(lines, rows, report, others)
    raise type(why)(f"is not UTF-8 text ({flaw}), and {why}" if flaw else str(why))


def first_lines(text: str) -> list[str]:
    """The first lines of a text, among which its header is looked for."""
    beginning = "\n".join(text.split("\n", HEAD_LINES + 1)[: HEAD_LINES + 1])
    return beginning.splitlines()[: HEAD_LINES + 1]


def _next_written(rows: Sequence[Sequence[str]], start: int) -> int:
    """Place of the first row from `start` on that is not blank; the last row if none is."""
    written = (at for at in range(start, len(rows)) if any(cell.strip() for cell in rows[at]))
    return next(written, len(rows) - 1)


def _refuse_prices_of_sibling(
    cells: Sequence[str], names: Sequence[str], report: Report, others: Sequence[Report]
) -> None:
    """Refuse a table that has prices of another report of the operator beside those of this one.

    Reports whose name several operators share are left out: they are shapes of tables, and people
    give their columns to others.
    """
    shared = {other.name for other in others if other.iso != report.iso}
    for other in others:
        if other.iso != report.iso or other.name == report.name or other.name in shared:
            continue
        prices = [c for c in other.columns if c.data_type == "double" and not c.optional]
        for cell, name in zip(cells, names, strict=True):
            if name.startswith(UNKNOWN) and any(fold(cell) in c.spellings for c in prices):
                raise OtherColumns(
                    f"is another report (it has {cell.strip()[:HEADER_SHOWN]}, as {other.folder} "
                    "has): move it out of this folder"
                )


def _renamed_by_join(cells: Sequence[str], line: int, report: Report) -> Refused | None:
    """Say why a header is refused that has a number's column under a name that a join has made."""
    published = [_OF_JOIN.sub("", cell.strip()) for cell in cells]
    # Nearly every header is as it was published, and it is looked at for each file.
    if published == [cell.strip() for cell in cells]:
        return None
    numbers = {column.name for column in report.columns if column.data_type == "double"}
    columns, without = _columns_of(cells, report), _columns_of(published, report)
    renamed = {
        column.name
        for known, column in zip(columns, without, strict=True)
        if known is None and column is not None and column.name in numbers
    }
    if not renamed:
        return None
    told = [
        cell.strip()
        for cell, column in zip(cells, without, strict=True)
        if column is not None and column.name in renamed
    ]
    return Refused(
        f"line {line + 1} has {in_short(told)}, which a join of two tables makes of columns that "
        "both have, so that nothing tells which is right: keep one of each, by its published name"
    )


def _as_wide(cells: list[str], header: Sequence[str]) -> list[str]:
    """Cells of a line with as many empty ones at the end as the header has, if others agree."""
    width, named = len(header), len(without_empty_end(header))
    if len(cells) < named or any(cell.strip() for cell in cells[width:]):
        return cells
    return [*cells, *[""] * (width - len(cells))][:width]


def decoded(head: bytes) -> tuple[str, str | None]:
    """Text of the first lines and what keeps it from being UTF-8, if anything does."""
    try:
        return head.decode("utf-8-sig", errors="strict" if len(head) < BLOCK else "ignore"), None
    except UnicodeDecodeError as error:
        return head.decode("latin-1"), error.reason


def _may_be_titled(above: Sequence[str], report: Report) -> bool:
    """Whether the lines above a header do not speak against the report."""
    written = _written(above)
    return not (report.title and written and not re.search(report.title, "\n".join(written)))


def _written(lines: Sequence[str]) -> list[str]:
    return [line for line in lines if line.strip(" ,\r")]


def _check_title(above: Sequence[str], report: Report) -> None:
    if not _may_be_titled(above, report):
        written = _written(above)
        raise Refused(
            f"line 1 is titled {written[0].strip()[:HEADER_SHOWN]!r}, which is not {report.name}: "
            "move it out of this folder"
        )


def matched_names(cells: Sequence[str], report: Report) -> tuple[str, ...] | None:
    """Return the report's names of the columns of a header, None where it is not its header."""
    names = [
        column.name if column else f"{UNKNOWN}{position}"
        for position, column in enumerate(_columns_of(cells, report), start=1)
    ]
    missing = _missing(names, report)
    return tuple(names) if not missing and len(set(names)) == len(names) else None


def _columns_of(cells: Sequence[str], report: Report) -> list[Column | None]:
    """The column of the report that each cell of a header names, None where it names none."""
    named = _with_names(cells, report.unnamed_columns)
    return [report.by_spelling.get(fold(cell)) for cell in named]


def _with_names(cells: Sequence[str], unnamed: Sequence[str]) -> list[str]:
    """Cells of a header with the names of its first columns, where it has none for all of them."""
    count = len(unnamed)
    is_unnamed = not any(cell.strip() for cell in cells[:count])
    return [*unnamed, *cells[count:]] if is_unnamed else list(cells)


def _missing(names: Iterable[str], report: Report) -> list[str]:
    """Columns a file must have beside `names`; those of a group are told together."""
    present = set(names)
    lacking = _lacking(_needed_by(present, report), present)
    return [" or ".join(map(_described, group)) for group in lacking]


def _needed_by(present: set[str], report: Report) -> Groups:
    """Groups of columns that a file must have, of several layouts those of the nearest one.

    That is one whose columns are all present, else the one with the most of them.
    """

    def distance(groups: Groups) -> tuple[bool, int]:
        lacking = _lacking(groups, present)
        return bool(lacking), len(lacking) - len(groups)

    return min(report.needed, key=distance)


def _lacking(groups: Groups, present: set[str]) -> Groups:
    return [group for group in groups if present.isdisjoint(column.name for column in group)]


def _described(column: Column) -> str:
    if column.tells is None:
        return column.name
    return f"{column.name} (nothing else tells {column.tells})"


def _stamps(
    report: Report, names: Sequence[str], rows: Sequence[Sequence[str]]
) -> tuple[tuple[Column, str], ...]:
    """The stamps in some rows, each with its column."""
    columns = {c.name: c for c in report.columns if c.data_type.startswith(("timestamp", "date"))}
    return tuple(
        (columns[name], value.strip())
        for row in rows
        if len(row) == len(names)
        for name, value in zip(names, row, strict=True)
        if name in columns and value.strip()
    )


def _timestamp_format(report: Report, stamps: Sequence[tuple[Column, str]]) -> str | None:
    """The one format of all these stamps, or `AS_TEXT` where there is none."""
    if not any(c.data_type.startswith(("timestamp", "date")) for c in report.columns):
        return None
    written = {(value, c.data_type == "date", c.is_day) for c, value in stamps}
    for candidate in (*report.timestamp_formats, *TIMESTAMP_FORMATS):
        if all(_fits(*stamp, candidate) for stamp in written):
            return candidate
    return AS_TEXT


# Files of intervals repeat the days of their stamps, and strptime keeps five formats at most.
@lru_cache(maxsize=4096)
def _fits(value: str, is_date: bool, is_day: bool, timestamp_format: str) -> bool:
    if is_date:
        timestamp_format = DATE_FORMAT
    elif not is_day and "%M" not in timestamp_format:
        return False
    try:
        datetime.strptime(value, timestamp_format.replace("%-", "%"))
    except ValueError:
        return False
    return True


def _report_of_header(
    lines: Sequence[str], rows: Sequence[Sequence[str]], report: Report, others: Sequence[Report]
) -> Report | None:
    """Another report whose header a file has, the likeliest of several.

    The title counts first, because day-ahead and real-time reports share their header. Reports of
    the same operator come before others, because operators share layouts, too. A report of the same
    name is left out, because its layout is the same.
    """
    found: list[tuple[bool, bool, Report]] = []
    for other in others:
        if other.name == report.name:
            continue
        for number, cells in enumerate(rows):
            if matched_names(cells, other):
                is_otherwise_titled = not _may_be_titled(lines[:number], other)
                found.append((is_otherwise_titled, other.iso != report.iso, other))
                break
    return min(found, key=lambda rank: rank[:2])[-1] if found else None


def _why_not(
    lines: Sequence[str], rows: Sequence[Sequence[str]], report: Report, others: Sequence[Report]
) -> Refused:
    if other := _report_of_header(lines, rows, report, others):
        moved = f"line 1 is the header of {other.folder}: move it to that folder"
        if other.iso == report.iso and other.name == report.older_columns_of:
            return Refused(
                f"{moved} if it is of that report; older files of {report.folder} may have the "
                "same columns, and are not read"
            )
        return Refused(moved)
    if separated := _other_separator(lines, report):
        return Refused(f"separates its cells by {separated}: save it with commas between them")
    if any(len(cells) == 1 and matched_names(cells_of(cells[0]), report) for cells in rows):
        return Refused(
            "has each line in quotes, as one cell: save it with quotes around no more than a cell"
        )
    found = max(rows, key=lambda cells: _hits(cells, report), default=[])
    if found:
        # The title decides, because reports of one operator share most cells of their headings.
        _check_title(lines[: rows.index(found)], report)
    present = {c.name for c in report.columns if any(fold(cell) in c.spellings for cell in found)}
    needed = len(_needed_by(present, report))
    missing = _missing(present, report)
    if len(missing) == needed:
        return Foreign(
            f"line 1 is no header of {report.name} (found {', '.join(rows[0])[:120]!r}): "
            "move it out of this folder"
        )
    if renamed := _renamed_by_join(found, rows.index(found), report):
        return renamed
    kind = OtherColumns if 2 * len(missing) <= needed else Foreign
    line = rows.index(found) + 1
    if (unknown := _unknown_cells(found, report)) and missing:
        return kind(
            f"is another report (it has {in_short(unknown)} and no {in_short(missing)} in line "
            f"{line}): move it out of this folder"
        )
    if not missing:
        twice = in_short(_repeated(found, report))
        return kind(
            f"line {line}: the header of {report.name} has {twice} more than once "
            f"(found {', '.join(found)[:200]}): restore the published header"
        )
    # A published file of one market may lack its column, so that there is nothing to restore.
    told_by_it = {_described(column) for column in report.columns if column.tells}
    advice = "add that column" if set(missing) <= told_by_it else "restore the published header"
    return kind(
        f"line {line}: the header of {report.name} lacks {', '.join(missing)} "
        f"(found {', '.join(found)[:200]}): {advice}"
    )


def _repeated(cells: Sequence[str], report: Report) -> list[str]:
    """Columns of the report for which a header has several cells."""
    counts = Counter(column.name for column in _columns_of(cells, report) if column)
    return [name for name, count in counts.items() if count > 1]


def _unknown_cells(cells: Sequence[str], report: Report) -> list[str]:
    """Cells of a header that are no published columns of the report."""
    known = {*report.by_spelling, *map(fold, report.other_columns)}
    return [
        cell
        for cell in cells
        if cell.strip() and fold(cell) not in known and not _INDEX.fullmatch(cell.strip())
    ]


def _other_separator(lines: Sequence[str], report: Report) -> str | None:
    """What separates the cells of a file instead of commas, by its name."""
    for separator, name in SEPARATORS.items():
        if any(matched_names(cells_of(line, separator), report) for line in lines):
            return name
    return None


def _hits(cells: Sequence[str], report: Report) -> int:
    return sum(any(fold(cell) in c.spellings for cell in cells) for c in report.columns)
