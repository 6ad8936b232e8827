"""Reads a file line by line: how many records it has, and which line has what no file may have."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, cast

from unified_iso.raw_files.records import Layout, Report
from unified_iso.raw_files.refusals import Refused
from unified_iso.raw_files.shapes import MOST_SKIPPED, cells_of

# Bytes that are read at once: what is computed of them still lies in the processor's cache when it
# is used, and they are enough that two threads seldom wait for Python's lock.
BLOCK = 1 << 20
LONGEST_LINE = 1 << 24
HEADER_SHOWN = 200
_GROUPED = re.compile(r"[-+]?[0-9.]*[0-9]_[0-9_.eE]*")
_TEXT_TYPES = ("varchar", "date", "timestamp")
CONTROL = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]")


def check_grouped_digits(path: Path, layout: Layout, report: Report) -> None:
    """Refuse a file that has digits in groups where the report has a number."""
    texts = {c.name for c in report.columns if c.data_type.startswith(_TEXT_TYPES)}
    known = {c.name for c in report.columns}
    numbers = [
        (position, name)
        for position, name in enumerate(layout.names)
        if name in known and name not in texts
    ]
    with opened(path) as stream:
        for number, line in enumerate(pieces_of_lines(stream), start=1):
            if number <= layout.header_line + 1 or b"_" not in line:
                continue
            cells = cells_of(line.decode("utf-8", "replace"))
            for position, name in numbers:
                if position < len(cells) and _GROUPED.fullmatch(cells[position].strip()):
                    raise Refused(
                        f"line {number} has {cells[position][:HEADER_SHOWN]!r} for {name}: write "
                        "numbers without underscores"
                    )


def open_quote_at(line: int) -> str:
    """Say why a file is refused that has a quote without its like, first in this line."""
    return f"line {line} has a quote that is not closed: mend it, or download it again"


def refuse_open_quote(path: Path, layout: Layout) -> None:
    """Refuse a file with a quote that stands alone.

    DuckDB's reader takes one inside a cell for a letter, and may lose the lines behind one that
    begins a cell without a word.
    """
    line = count_records(path, after=layout.header_line + 1).unbalanced_line
    if line is not None:
        raise Refused(open_quote_at(line))


def refuse_control_bytes(path: Path) -> None:
    """Refuse a file with a byte that no text has."""
    with opened(path) as stream:
        for number, line in enumerate(pieces_of_lines(stream), start=1):
            if found := CONTROL.search(line):
                raise Refused(
                    f"line {number} holds the byte {found[0][0]:#04x}, which no text has: "
                    "download it again"
                )


_FIELD = rb'(?:[ \t]*+"[^"]*+(?:""[^"]*+)*+"[ \t]*+|[^",]*+)'
# This pattern is tried first, because most lines are sound and it is the fastest way to see it.
_BALANCED = re.compile(_FIELD + rb"(?:," + _FIELD + rb")*+\r?\n?")


@dataclass(frozen=True)
class Records:
    """What a csv holds when it is read by its quotes.

    records: logical records that are not blank; a line break inside quotes ends none. From the
        first quote that is out of place on, lines are counted instead.
    unbalanced_line: line of the file, from 1, of the first quote that is out of place: the one that
        opens a field that is not closed, or is closed before the field ends, or one inside a field
        that does not begin with it. None if there is none.
    skipped_lines: lines of the file that begin no record, being blank or inside quotes, up to
        the first `MOST_SKIPPED`.
    """

    records: int
    unbalanced_line: int | None
    skipped_lines: tuple[int, ...] = field(default=(), compare=False)


def count_records(path: Path, after: int, before: int | None = None) -> Records:
    """Count the records after the first `after` lines, and find the first quote out of place.

    Lines from number `before` on don't count.

    Fields are quoted as in RFC 4180; blanks around the quotes don't count. A line longer than
    `LONGEST_LINE` is judged in pieces of that length, by the number of quotes alone.
    """
    records = lines_since = opened_at = 0
    skipped: list[int] = []
    with opened(path) as stream:
        for number, line in enumerate(pieces_of_lines(stream), start=1):
            if number <= after:
                continue
            if number == before:
                break
            is_blank = not line.strip()
            if (is_blank or opened_at) and len(skipped) < MOST_SKIPPED:
                skipped.append(number)
            if b'"' not in line:
                if opened_at:
                    lines_since += not is_blank
                else:
                    records += not is_blank
                continue
            if not opened_at and _BALANCED.fullmatch(line):
                records += 1
                continue
            closes = _closes(b'"' + line if opened_at else line)
            opened_at = opened_at or number
            lines_since += 1
            if closes is None:
                left = _count_lines(stream)
                return Records(records + lines_since + left, opened_at, tuple(skipped))
            if closes:
                records += 1
                lines_since = opened_at = 0
    return Records(records + lines_since, opened_at or None, tuple(skipped))


def _closes(line: bytes) -> bool | None:
    """Whether each quote of a line is closed in it; None if one is out of place."""
    parts = line.split(b'"')
    outside = parts[::2]
    closes = len(parts) % 2 == 1
    first, last = outside[0].strip(b" \t"), outside[-1].strip()
    if first and not first.endswith(b","):
        return None
    if closes and last and not last.startswith(b","):
        return None
    between = outside[1:-1] if closes else outside[1:]
    # A comma lies between two quoted fields. Two quotes with nothing between them are one quote
    # within a field.
    if between.count(b",") < len(between) and not all(map(_is_between, between)):
        return None
    return closes


def _is_between(part: bytes) -> bool:
    part = part.strip(b" \t")
    return not part or (part.startswith(b",") and part.endswith(b","))


def pieces_of_lines(stream: IO[bytes]) -> Iterator[bytes]:
    """Yield the lines of a file with their ends, one without end in pieces of `LONGEST_LINE`."""
    return iter(lambda: stream.readline(LONGEST_LINE), b"")


def _count_lines(stream: IO[bytes]) -> int:
    return sum(1 for line in pieces_of_lines(stream) if line.strip())


def is_packed(path: Path) -> bool:
    """Whether a file is packed by gzip, as its name tells."""
    return path.name.lower().endswith(".gz")


def opened(path: Path) -> IO[bytes]:
    """Open a file, unpacked if it is packed."""
    # A stream of gzip can do all that is asked of a file here, but its type stubs don't say so.
    return cast("IO[bytes]", gzip.open(path)) if is_packed(path) else path.open("rb")
