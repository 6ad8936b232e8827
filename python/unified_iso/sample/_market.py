"""What a market's module says of it: its clock and its places, its reports and their datasets.

All of these are records; `_plan` makes files and truth of them. Texts called SQL are expressions
over the columns of the relations named beside them, and values of prices are in the market's ticks.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import groupby
from typing import Literal
from zoneinfo import ZoneInfo

from ._common import HOUR, Interval, Packaging, Request, market_intervals

LF = r"\n"
CRLF = r"\r\n"
# SQL of the places of a file or dataset that has them all.
EVERYWHERE = "true"
# Family of the prices of ancillary services.
SERVICES = "ancillary_services"


@dataclass(frozen=True, slots=True, kw_only=True)
class FamilyModel:
    """How the rows of a family of datasets are made up, and what they look like when published.

    name: the family's record in the project file, which says how rows are sorted.
    formulas: name and SQL of prices in ticks, over a curve's columns and those of a place; each may
        use those before it.
    columns: the published columns in their order, and SQL over all of these. The words in braces
        are iso, market_type, ticks, minutes and delivery_interval.
    has_row: SQL, over curve, place and formulas, of whether there is a row at all.
    """

    name: str
    formulas: Mapping[str, str]
    columns: Mapping[str, str]
    has_row: str = EVERYWHERE


# The first and the last columns of every family.
CLOCK_COLUMNS = {
    "datetime_utc": "make_timestamptz(start_us)",
    "datetime_local": "local_start",
    "interval_start_utc": "make_timestamptz(start_us)",
    "interval_end_utc": "make_timestamptz(start_us + {minutes} * 60000000::bigint)",
    "delivery_date": "delivery_date",
    "delivery_hour": "delivery_hour",
    "delivery_interval": "({delivery_interval})::utinyint",
    "interval_minutes": "{minutes}::utinyint",
    "iso": "'{iso}'",
    "market_type": "'{market_type}'",
}
SOURCE_COLUMNS = {
    "dst_flag": "dst_flag",
    "data_source": "data_source",
    "version": "version",
    "is_current": "true",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """What all places share in each interval of a market: the model behind reports and truth.

    columns: SQL of the names and types of `values`, which are called with the interval and with
        whether the version asked for is one that a later one replaced.
    more: further columns, name and type, with their values.
    formulas: in place of the family's, or beside them.
    """

    family: FamilyModel
    columns: str
    values: Callable[[Interval, bool], tuple[object, ...]]
    market_type: Literal["DA", "RT"] = "DA"
    length: timedelta = HOUR
    more: Mapping[str, Callable[[Interval], object]] = field(default_factory=dict)
    formulas: Mapping[str, str] = field(default_factory=dict)

    @property
    def minutes(self) -> int:
        """Length of an interval."""
        return self.length // timedelta(minutes=1)

    @property
    def table(self) -> str:
        """SQL of the names and types of `row`."""
        return ", ".join((self.columns, *self.more))

    def row(self, interval: Interval, revised: bool = False) -> tuple[object, ...]:
        """What the places share in an interval."""
        return (*self.values(interval, revised), *(value(interval) for value in self.more.values()))

    @property
    def formulas_sql(self) -> str:
        """SQL of the select items that work out the prices of a place."""
        formulas = {**self.family.formulas, **self.formulas}
        return ", ".join(f"{sql} as {name}" for name, sql in formulas.items())


@dataclass(frozen=True, slots=True)
class Table:
    """Rows, and SQL of the names and types of their columns."""

    columns: str
    rows: Iterable[tuple[object, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """What a market has prices of, most often its locations.

    columns: SQL of the names and types of the rows that `rows` gives when asked for a number of
        places, which is at least `least`.
    published: SQL of the published columns that tell the place.
    table: name of their table.
    """

    columns: str
    rows: Callable[[int], Iterable[tuple[object, ...]]]
    published: Mapping[str, str]
    least: int = 1
    table: str = "locations"


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """A published dataset that has its truth from the reports that name it.

    Those of one market share their curve and places.

    where: SQL of which places it has.
    columns: published columns that differ from the family's and the places', over all columns of
        the model and data_source.
    beside: the same by the name of a report, where that is written too.
    """

    name: str
    where: str = EVERYWHERE
    columns: Mapping[str, str] = field(default_factory=dict)
    beside: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """A published dataset of hours that are made of the intervals of another one.

    of: name of that dataset, which has `intervals` of them in an hour.
    averaged: the published columns that are means; the others are those of the last interval.
    """

    name: str
    of: str
    intervals: int
    averaged: Sequence[str]


@dataclass(frozen=True, slots=True)
class Version:
    """One published state of an interval; `revised` prices are those a later version replaced."""

    number: int
    is_current: bool
    revised: bool


ONLY = Version(1, True, False)


@dataclass(frozen=True, slots=True)
class Line:
    """An interval, in one version, as one file has it for all its places.

    counts: whether rows of truth come from here.
    tag: what else the cells of the report are made of.
    """

    interval: Interval
    version: Version = ONLY
    counts: bool = True
    tag: object = None


@dataclass(frozen=True, slots=True)
class Book:
    """A workbook: the stem of its name, the one line of its first sheet, the form of numbers."""

    stem: str
    notes: str = ""
    number_format: str = ""

    def container(self, packaging: Packaging) -> str:
        """Name of the file that the operator offers."""
        return f"{self.stem}.{'zip' if packaging == 'zip' else 'xlsx'}"


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """One csv of a report, or one sheet of a workbook.

    name: of the csv or of the sheet.
    archive: name of the zip that the csv is packed into.
    select: SQL whose column names are the header. `lines` are those of this file, `places` those of
        `where`, and `prices` has both with the prices in ticks. Text with a comma or quote is
        written as it is, so a report that quotes its cells has the quotes in them.
    where: SQL of the places the file has.
    stamp: the time of publication in its name; of files with the same row the latest counts, then
        the one of greatest path.
    above, below: text around the rows of a report that frames them, in place of the header line and
        of the line end of the last row; both or neither.
    resaved: somebody has saved the csv from a workbook, with an ordinary tool.
    """

    name: str
    select: str
    archive: str = ""
    book: Book | None = None
    lines: Sequence[Line] = ()
    where: str = EVERYWHERE
    stamp: str = ""
    above: str = ""
    below: str = ""
    resaved: bool = False

    def container(self, packaging: Packaging) -> str:
        """Name of the file on disk."""
        if self.book:
            return self.book.container(packaging)
        return {"csv": self.name, "csv.gz": f"{self.name}.gz", "zip": self.archive}[packaging]

    def source(self, packaging: Packaging) -> str:
        """What data_source says of a row after the folder: the container, and what is inside it."""
        inside = []
        if packaging == "zip":
            inside.append(f"{self.book.stem}.xlsx" if self.book else self.name)
        if self.book:
            inside.append(self.name)
        return "!".join((self.container(packaging), *inside))


@dataclass(frozen=True, slots=True)
class Span:
    """What the files of a report are planned from; `places` is the number of its places."""

    request: Request
    zone: ZoneInfo
    places: int

    @property
    def packaging(self) -> Packaging:
        """How files are packed."""
        return self.request.options.packaging

    def intervals(
        self, length: timedelta, first: int = 0, days: int | None = None
    ) -> list[Interval]:
        """The intervals of `days` days, all without, from day number `first` on."""
        start = self.request.start + timedelta(first)
        left = self.request.days - first
        return list(market_intervals(self.zone, start, min(days or left, left), length))

    def lines(self, length: timedelta = HOUR) -> list[Line]:
        """A line for each interval."""
        return [Line(interval) for interval in self.intervals(length)]

    def by_day(self, length: timedelta = HOUR) -> list[tuple[date, list[Line]]]:
        """The lines of each delivery day."""
        days = groupby(self.lines(length), key=lambda line: line.interval.day)
        return [(day, list(lines)) for day, lines in days]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A report as the operator publishes it, by the name of its raw folder.

    files: the files of a sample, those of one container next to each other.
    curve: the prices it prints; None for a list of places.
    cells: columns of a line, name and type, that the files print beside those of the model.
    tables: further tables that files are selected from, by name, for a number of places.
    by_default: written where the caller names no reports.
    needs_real_time: written where the caller names it and wants real time too.
    gives_way: a row of another report of the dataset counts, whatever the paths.
    is_written: False where another record of this name writes the files, and this one tells what
        they hold of another curve.
    """

    name: str
    files: Callable[[Span], Iterable[File]]
    places: Places
    curve: Curve | None = None
    datasets: tuple[Dataset, ...] = ()
    cells: Mapping[str, Callable[[Line], object]] = field(default_factory=dict)
    tables: Callable[[int], Mapping[str, Table]] | None = None
    line_end: str = LF
    by_default: bool = True
    needs_real_time: bool = False
    gives_way: bool = False
    is_written: bool = True

    @property
    def is_real_time(self) -> bool:
        """Whether it has real-time prices of energy."""
        return self.curve is not None and self.curve.market_type == "RT" and not self.is_of_services

    @property
    def is_of_services(self) -> bool:
        """Whether it has prices of ancillary services."""
        return self.curve is not None and self.curve.family.name == SERVICES

    @property
    def table(self) -> str:
        """Table of the lines of its files, of one market and length of intervals."""
        suffix = f"_{self.curve.market_type}_{self.curve.minutes}" if self.curve else ""
        return f"lines_of_{self.name.replace('-', '_')}{suffix}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Market:
    """A market operator; ticks: ticks to the dollar; means: datasets that no report has."""

    iso: str
    zone: ZoneInfo
    ticks: int
    reports: tuple[Report, ...]
    means: tuple[Means, ...] = ()
