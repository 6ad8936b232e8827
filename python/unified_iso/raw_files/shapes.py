"""Shapes of raw text files: what tools add to a report when they save or join it, taken out again.

A changed file is read through a copy in which every line stands in its old place, so that the
number of a line is the same in both.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from itertools import islice

from unified_iso.raw_files.refusals import Refused

ZIP = "zip"
GZIP = "gzip"
TEXT = "text"
FIRST_BYTES = 512
SHOWN = 120
COLUMNS_SHOWN = 4
MOST_SKIPPED = 100_000
# Headings, their titles and notes are no longer than this.
MOST_HELD = 12
SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "bars"}
_ZIPS = (b"PK\x03\x04", b"PK\x05\x06")
_GZIP = b"\x1f\x8b"
_TAR_AT = 257
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_ENDS_IN_EMPTY_CELL = re.compile(rb',[ \t\r"]*(?:\n|\Z)')
_BINARY = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_NO_READER = {
    b"\xd0\xcf\x11\xe0": (
        "is an old Excel workbook (.xls), or one with a password: save it as .xlsx or csv"
    ),
    b"PAR1": "is a Parquet file: save it as csv",
    b"%PDF": "is a PDF document: download the report as csv",
    b"ARROW1": "is an Arrow file: save it as csv",
    b"FEA1": "is a Feather file: save it as csv",
    b"\x89HDF": "is an HDF5 file: save it as csv",
    b"SQLite format 3": "is an SQLite database: save its table as csv",
    b"7z\xbc\xaf": "is a 7z archive: unpack it",
    b"Rar!": "is a RAR archive: unpack it",
    b"BZh": "is packed with bzip2: unpack it, or pack it with gzip",
    b"\xfd7zXZ": "is packed with xz: unpack it, or pack it with gzip",
    b"\x28\xb5\x2f\xfd": "is packed with zstd: unpack it, or pack it with gzip",
}


def kind_of(first: bytes, name: str) -> str:
    """Tell what a file is by its first bytes: ZIP (a workbook is one, too), GZIP or TEXT.

    name: name of the file, in lower case, which tells only of bytes that tell nothing.

    Raises:
        Refused: it is something that no reader opens.
    """
    refuse_unreadable(first)
    if first.startswith(_ZIPS):
        return ZIP
    if first.startswith(_GZIP):
        return GZIP
    is_text = first.startswith(_UTF16) or not _BINARY.search(first)
    if not is_text and name.endswith((".zip", ".xlsx")):
        return ZIP
    return GZIP if not is_text and name.endswith(".gz") else TEXT


def refuse_unreadable(first: bytes) -> None:
    """Refuse what no reader opens by its first bytes.

    Raises:
        Refused: the message says what it is and what to save it as.
    """
    for start, words in _NO_READER.items():
        if first.startswith(start):
            raise Refused(words)
    if first[_TAR_AT : _TAR_AT + 5] == b"ustar":
        raise Refused("is a tar archive: unpack it")
    pairs = first[: len(first) // 2 * 2]
    if any(pairs[::2]) != any(pairs[1::2]):
        raise Refused("is UTF-16 text without its mark: save it as UTF-8 csv")


def is_utf16(first: bytes) -> bool:
    """Whether a text begins with the mark of UTF-16, as Excel's "Unicode text" does."""
    return first.startswith(_UTF16)


def cells_of(line: str, separator: str = ",") -> list[str]:
    """Cells of one line; a line that is no csv is one cell."""
    try:
        return next(csv.reader([line], delimiter=separator), [])
    except csv.Error:
        return [line]


def without_empty_end(cells: Sequence[str]) -> list[str]:
    """Cells without the empty ones at the end."""
    kept = list(cells)
    while kept and not kept[-1].strip():
        kept.pop()
    return kept


# Files of a report repeat their headings, of which a folder may have a hundred thousand.
@lru_cache(maxsize=4096)
def fold(name: str) -> str:
    """Header cell as it is compared: case, blanks, quotes and underscores don't count."""
    return re.sub(r"[\s_\"]+", "", name).casefold()


def name_in_r(name: str) -> str:
    """Name of a column as R's read.csv changes it: `LBMP ($/MWHr)` becomes `LBMP....MWHr.`."""
    dotted = re.sub(r"[^\w.]", ".", name)
    return dotted if re.match(r"[^\W\d_]|\.(?!\d)", dotted) else f"X{dotted}"


def is_line_of_types(cells: Sequence[str], header: Sequence[str]) -> bool:
    """Whether a line below a header names types or units.

    It begins like the header, because both are marked as headings, or it has no digits, which a
    line of data has. The number that a tool gave to the line does not count.
    """
    unnumbered = int(bool(cells) and cells[0].strip().isdigit())
    named = cells[unnumbered:]
    if not any(cell.strip() for cell in named):
        return False
    mark = fold(named[0])
    begins_alike = bool(mark) and [mark] == [fold(cell) for cell in header[unnumbered:][:1]]
    return begins_alike or not any(re.search(r"\d", cell) for cell in named)


def incomplete(last: str) -> str:
    """Say that a file has lost its end, whose last line is not the trailer."""
    return (
        f"is incomplete: its last line is {last[:SHOWN]!r}, not the trailer with the number of "
        "lines: download it again"
    )


def in_short(names: Sequence[str]) -> str:
    """The first of some names, joined by commas."""
    shown = ", ".join(name.strip()[:SHOWN] for name in names[:COLUMNS_SHOWN])
    return shown + (", ..." if len(names) > COLUMNS_SHOWN else "")


@dataclass(frozen=True)
class Heading:
    """The heading of a file, by which another one further down is known.

    header: the header line as the file has it, without its line end.
    names: columns of the header in file order, as the report calls them; unknown_N for others.
    known: folded spellings of the report's columns.
    lines: lines of the file before its data.
    above: lines before the header.
    has_types: whether a line of types stands below the header.
    names_of: gives the columns of a line that is a header of the report, else None.
    """

    header: bytes
    names: tuple[str, ...]
    known: frozenset[str]
    lines: int
    above: tuple[str, ...]
    has_types: bool
    names_of: Callable[[Sequence[str]], tuple[str, ...] | None]

    @property
    def written_above(self) -> tuple[str, ...]:
        """Lines above the header that are not blank."""
        return tuple(line for line in self.above if line.strip(' ,\t\r"'))

    @property
    def cells(self) -> list[str]:
        """Cells of the header."""
        return header_cells(self.header)

    @property
    def named(self) -> int:
        """Number of cells of the header, without empty ones at its end."""
        return len(without_empty_end(self.cells))


def header_cells(header: bytes) -> list[str]:
    """Cells of a header as a file has it."""
    return cells_of(header.decode("utf-8", "replace").lstrip("\ufeff"))


@lru_cache
def marks_of(header: bytes, known: frozenset[str]) -> tuple[bytes, ...]:
    """Texts of which a line like a header has one, whatever its quotes and its order.

    known: folded spellings of the report's columns.
    """
    longest = max(
        (cell for cell in header_cells(header) if fold(cell) in known), key=len, default=""
    )
    spelled = {longest.strip(), longest.strip().upper(), longest.strip().lower()}
    return tuple(sorted(cell.encode() for cell in spelled if cell))


@dataclass(frozen=True)
class Rules:
    """What a report says about the lines of its files.

    trailer: pattern of the last line; its group is the number of data lines.
    title: pattern of the lines above a header.
    has_one_day: whether all lines of a file are of one day, which no column tells.
    has_two_tables: whether a second table stands below the first, whose header leaves columns
        without names that the header of the second names.
    """

    trailer: str | None = None
    title: str | None = None
    has_types: bool = False
    has_one_day: bool = False
    has_two_tables: bool = False


def may_need_copy(heading: Heading, head: bytes, tail: bytes) -> bool:
    """Whether lines at the beginning or the end of a file have cells without a name, or none."""
    if heading.named < len(heading.names):
        return True
    if not _ENDS_IN_EMPTY_CELL.search(head) and not _ENDS_IN_EMPTY_CELL.search(tail):
        return False
    lines = [*head.split(b"\n")[heading.lines : -1], *tail.split(b"\n")[1:]]
    most = len(heading.names) - 1
    return any(
        line.rstrip(b' \t\r"').endswith(b",")
        and (line.count(b",") > most or not line.strip(b' \t\r",'))
        for line in lines
    )


def refuse_row_names(heading: Heading, head: bytes) -> None:
    """Refuse a file all of whose first lines have one cell more than the header has names.

    Raises:
        Refused: the message says how R writes a name for each column.
    """
    below = islice(BytesIO(head), heading.lines, None)
    lines = islice((line for line in below if line.endswith(b"\n") and line.strip()), 20)
    names = len(heading.names)

    def has_one_more(line: bytes) -> bool:
        cells = cells_of(line.decode("utf-8", "replace").rstrip("\r\n"))
        return len(cells) == names + 1 and bool(cells[-1].strip())

    first = next(lines, None)
    if first is not None and has_one_more(first) and all(map(has_one_more, lines)):
        raise Refused(
            f"line {heading.lines - heading.has_types} names {names} columns, but the lines below "
            f"have {names + 1} cells: save it with a name for each column (in R: write.csv with "
            "row.names = FALSE)"
        )


class Copying:
    """Copies a file line for line, and blanks or cuts what tools have added.

    lines: data lines so far.
    skipped: numbers of lines below the heading that begin no record, the first `MOST_SKIPPED`.
    is_changed: whether any line differs in the copy.
    warning: what can't be known of the file any more, if anything.
    """

    def __init__(self, heading: Heading, rules: Rules) -> None:
        """Begin at the first line of the file that has this heading."""
        self.lines = 0
        self.skipped: list[int] = []
        self.is_changed = False
        self.warning: str | None = None
        self._heading = heading
        self._rules = rules
        self._named = heading.named
        self._names = heading.names[: self._named]
        self._has_index = not "".join(heading.cells[:1]).strip()
        self._folded = [
            fold(cell).encode() for cell in heading.cells if fold(cell) in heading.known
        ]
        self._held: list[tuple[int, bytes]] = []
        self._in_quotes = False
        self._below_heading = False
        self._has_second_table = False
        self._has_frame = heading.has_types or bool(heading.written_above)
        self._title = "".join(heading.written_above[:1]).lstrip("\ufeff").strip().encode()
        self._lines_of_section = 0
        self._trailer_at: int | None = None
        self._last = b""

    def copy(self, lines: Iterable[bytes]) -> Iterator[bytes]:
        """Give the lines of the copy.

        Raises:
            Refused: the file is several reports in one, or is incomplete.
        """
        for number, line in enumerate(lines, start=1):
            if number <= self._heading.lines:
                yield line
            else:
                yield from self._taken(number, line)
        yield from self._end()

    def _taken(self, number: int, line: bytes) -> Iterator[bytes]:
        if self._in_quotes or line.count(b'"') % 2:
            yield from self._taken_in_quotes(number, line)
            return
        body = line.rstrip(b"\r\n")
        if not body.strip(b' \t",'):
            if self._held:
                self._held.append((number, line))
            else:
                yield self._blank(number, line)
            return
        self._last = body
        if self._is_like_heading(body):
            yield from self._headed(number, line, body)
            return
        if (trailer := self._trailer_before_title(body)) is not None:
            yield from self._released()
            self._below_heading = False
            self._close(number, trailer)
            # The title stands for the line, which is blanked with those above the next heading.
            self._held.append((number, self._title + _end_of(line)))
            return
        was_below_heading, self._below_heading = self._below_heading, False
        cells = _width(body)
        may_be_types = was_below_heading and self._rules.has_types
        if may_be_types and is_line_of_types(_text_cells(body), self._heading.cells):
            self._has_frame = True
            yield self._blank(number, line)
        elif cells >= self._named and not self._is_short(body, cells):
            yield from self._released()
            yield self._data(number, line, body, cells)
        elif (told := self._trailer_of(body)) is not None:
            yield from self._released()
            self._close(number, told)
            yield self._blank(number, line)
        else:
            self._held.append((number, line))
            if len(self._held) > MOST_HELD:
                yield from self._released()

    def _taken_in_quotes(self, number: int, line: bytes) -> Iterator[bytes]:
        yield from self._released()
        if self._in_quotes:
            self._skip(number)
        else:
            self._count(number)
        if line.count(b'"') % 2:
            self._in_quotes = not self._in_quotes
        self._last = line.rstrip(b"\r\n")
        yield line

    def _is_short(self, body: bytes, cells: int) -> bool:
        """Whether a line that ends in empty cells has fewer cells than columns without them.

        Rows of data may end in empty cells, so this matters only where a report has a trailer.
        """
        if self._rules.trailer is None or not body.rstrip(b' \t"').endswith(b","):
            return False
        return self._trailer_of(body) is not None or (
            self._trailer_at is not None and len(without_empty_end(_text_cells(body))) < self._named
        )

    def _is_like_heading(self, body: bytes) -> bool:
        text = body.lower().translate(None, b" \t_")
        hits = sum(name in text for name in self._folded)
        if hits * 2 < len(self._folded):
            return False
        cells = {fold(cell) for cell in _text_cells(body)}
        known = len(cells & self._heading.known)
        return 2 * known >= max(len(self._folded), 2) or self._before_glued(body) is not None

    def _before_glued(self, body: bytes) -> bytes | None:
        """The line of data that a header follows, where a joined file ended without a line end."""
        header = self._heading.header.removeprefix(b"\xef\xbb\xbf")
        data = body.removesuffix(header).removesuffix(b"\xef\xbb\xbf")
        is_glued = self._rules.trailer is None and data and body.endswith(header)
        return data if is_glued else None

    def _other_heading(self, number: int, body: bytes, names: tuple[str, ...] | None) -> str:
        found = in_short([cell for cell in _text_cells(body) if cell.strip()])
        why = "has other columns" if names is None else "names its columns in another order"
        return (
            f"line {number} is a second heading that {why} (found {found}), so the file is several "
            "reports in one: split it at that line"
        )

    def _headed(self, number: int, line: bytes, body: bytes) -> Iterator[bytes]:
        """Blank a heading, and what belongs to it above."""
        if self._begins_second_table(body):
            self._has_second_table = True
        elif self._rules.has_one_day:
            raise Refused(
                f"line {number} is a second heading, so the file is several reports in one, and "
                "nothing tells the day of each line: split it at its headings"
            )
        if (names := self._named_by(body)) != self._names:
            if (data := self._before_glued(body)) is None:
                raise Refused(self._other_heading(number, body, names))
            yield from self._released()
            self.is_changed = True
            yield self._data(number, data + _end_of(line), data, _width(data))
            return
        if self._rules.trailer:
            yield from self._begin_section(number)
        elif self._is_held_as_above():
            yield from self._dropped()
        yield from self._released()
        self._below_heading = True
        yield self._blank(number, line)

    def _begins_second_table(self, body: bytes) -> bool:
        """Whether a heading names what the first leaves without names, and no title is above it."""
        cells = _text_cells(body)
        return (
            self._rules.has_two_tables
            and not self._has_second_table
            and not self._held
            and not self._heading.cells[0].strip()
            and bool(cells[0].strip())
        )

    def _named_by(self, body: bytes) -> tuple[str, ...] | None:
        cells = _text_cells(body.removeprefix(b"\xef\xbb\xbf"))
        names = self._heading.names_of(without_empty_end(cells))
        return None if names is None else names[: len(without_empty_end(cells))]

    def _is_held_as_above(self) -> bool:
        """Whether the lines held back are those above the first header, but for their numbers."""
        held = [
            line.decode("utf-8", "replace") for _, line in self._held if line.strip(b' \t\r\n",')
        ]
        return bool(held) and [*map(_without_digits, held)] == [
            *map(_without_digits, self._heading.written_above)
        ]

    def _begin_section(self, number: int) -> Iterator[bytes]:
        if self._trailer_at is None:
            if self._has_frame:
                raise Refused(
                    f"is incomplete: line {number} begins another report before the trailer of the "
                    "one above, which tells its number of lines: download that one again"
                )
            self._warn()
            self._has_frame = False
        else:
            notes = [line.decode("utf-8", "replace") for _, line in self._held if line.strip()]
            title = self._rules.title
            if title and notes and not re.search(title, "\n".join(notes)):
                raise Refused(
                    f"line {self._held[0][0]} begins another report ({notes[0].strip()[:SHOWN]!r}):"
                    " split the file at that line"
                )
            self._has_frame = bool(notes)
            yield from self._dropped()
        self._trailer_at = None
        self._lines_of_section = 0

    def _close(self, number: int, told: int) -> None:
        if self._trailer_at is not None:
            raise Refused(
                f"line {number} is a second trailer below that in line {self._trailer_at}: "
                "download it again"
            )
        if told != self._lines_of_section:
            raise Refused(
                f"is incomplete: its trailer speaks of {told} lines, but {self._lines_of_section} "
                f"are there (line {number}): download it again"
            )
        self._trailer_at = number

    def _trailer_of(self, body: bytes) -> int | None:
        """Number of lines that a trailer tells; empty cells behind it and an index don't count."""
        if self._rules.trailer is None:
            return None
        cells = [cell.strip() for cell in without_empty_end(_text_cells(body))]
        rows = [cells, cells[1:]] if self._has_index else [cells]
        for row in rows:
            texts = (",".join(row), ",".join(f'"{cell}"' for cell in row))
            for text in (body.decode("utf-8", "replace").strip(), *texts):
                if found := re.search(self._rules.trailer, text):
                    return int(found.group(1))
        return None

    def _trailer_before_title(self, body: bytes) -> int | None:
        """What a trailer tells that the title of the next report follows without a line end."""
        if not self._title or not body.endswith(self._title):
            return None
        return self._trailer_of(body.removesuffix(self._title).removesuffix(b"\xef\xbb\xbf"))

    def _data(self, number: int, line: bytes, body: bytes, cells: int) -> bytes:
        self._count(number)
        fitted = _fitted(body, cells, self._named, len(self._heading.names))
        if fitted is body:
            return line
        self.is_changed = True
        return fitted + _end_of(line)

    def _count(self, number: int) -> None:
        if self._trailer_at is not None:
            raise Refused(
                f"line {number} stands below the trailer in line {self._trailer_at} without a "
                "heading of its own: download it again"
            )
        self.lines += 1
        self._lines_of_section += 1

    def _blank(self, number: int, line: bytes) -> bytes:
        self._skip(number)
        self.is_changed |= bool(line.strip())
        return _end_of(line)

    def _skip(self, number: int) -> None:
        if len(self.skipped) < MOST_SKIPPED:
            self.skipped.append(number)

    def _released(self) -> Iterator[bytes]:
        """Give the lines held back as they are: they belong to no heading."""
        held, self._held = self._held, []
        for number, line in held:
            body = line.rstrip(b"\r\n")
            if body.strip(b' \t",'):
                yield self._data(number, line, body, _width(body))
            else:
                yield self._blank(number, line)

    def _dropped(self) -> Iterator[bytes]:
        held, self._held = self._held, []
        for number, line in held:
            yield self._blank(number, line)

    def _end(self) -> Iterator[bytes]:
        if self._rules.trailer and self._trailer_at is None:
            if self._has_frame:
                raise Refused(incomplete(self._last.decode("utf-8", "replace").strip()))
            self._warn()
        yield from self._released()

    def _warn(self) -> None:
        self.warning = (
            "has lost its comments and its trailer, which tells the number of lines, so that "
            "nobody knows whether it is complete"
        )


def _end_of(line: bytes) -> bytes:
    return line[len(line.rstrip(b"\r\n")) :]


def _text_cells(body: bytes) -> list[str]:
    return cells_of(body.decode("utf-8", "replace"))


def _width(body: bytes) -> int:
    """Cells of a line, empty ones at its end included."""
    return len(_text_cells(body)) if b'"' in body else body.count(b",") + 1


def _without_digits(line: str) -> str:
    return re.sub(r"\d+", "0", line).strip(' ,\t\r\n"')


def _fitted(body: bytes, cells: int, named: int, wanted: int) -> bytes:
    """A line with the cells of its header: empty ones too many are cut, unnamed ones added."""
    if named <= cells < wanted:
        return body + b"," * (wanted - cells)
    cut = body
    while cells > wanted:
        shorter = cut.rstrip(b" \t").removesuffix(b'""').rstrip(b" \t")
        if not shorter.endswith(b","):
            return body
        cut = shorter[:-1]
        cells -= 1
    return cut
