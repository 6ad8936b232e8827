"""Ways in which people's tools save a raw file again: one small function a way.

A way says the same as the file before it, in other letters. `WAYS` holds them all by name; adding a
way is adding a function with one of the three decorators:

`on_sheet` changes a table, `on_sheets` the tables of several days together, and `on_bytes` the
text or its container. A way that has nothing to change in a file returns None.
"""

from __future__ import annotations

import csv
import gzip
import io
import random
import re
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import PurePosixPath
from typing import Any, Literal, TypeVar
from zoneinfo import ZoneInfo

from openpyxl import Workbook

# What a column of stamps tells: an instant in UTC, one with its offset, the market's clock, a day.
Kind = Literal["utc", "offset", "local", "day"]
Row = list[str]
# Name and content of each file that a table is saved as.
Files = list[tuple[str, bytes]]


@dataclass(frozen=True)
class Report:
    """What a table tool knows of a report when it prints its cells.

    columns: header to look for, as the generator writes it.
    stamps: columns of stamps and what each of them tells.
    forms: how the generator writes stamps.
    hours: column with labels of hours, which say when a day's price is for.
    prices, ids: columns of numbers, and of numbers that are names.
    optional: columns that place no price.
    location: column that tells locations apart.
    dear: columns that rise together when the price of energy does.
    part: column that tells components of a price from each other, and those that rise so.
    instant: column that tells the instant of a row whose other stamps are local.
    aspects: the aspects of ways that are tried; None for all.
    """

    folder: str
    dataset: str
    zone: ZoneInfo
    stamps: Mapping[str, Kind]
    prices: tuple[str, ...]
    location: str
    dear: tuple[str, ...]
    forms: tuple[str, ...] = ("%m/%d/%Y",)
    hours: str | None = None
    ids: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    part: tuple[str, tuple[str, ...]] | None = None
    instant: str | None = None
    aspects: tuple[str, ...] | None = None

    @property
    def iso(self) -> str:
        """The operator."""
        return self.folder.partition("/")[0]


@dataclass(frozen=True)
class Sheet:
    """A csv as a table: its header and rows, and the lines around them as they stand.

    above, between, below: lines above the header, below it, and behind the rows.
    """

    report: Report
    name: str
    above: tuple[str, ...]
    header: Row
    between: tuple[str, ...]
    rows: list[Row]
    below: tuple[str, ...] = ()
    quoting: Literal[0, 1] = csv.QUOTE_MINIMAL
    delimiter: str = ","

    def index(self, column: str) -> int | None:
        """Place of a column, None where the table has none of this name."""
        return self.header.index(column) if column in self.header else None

    def text(self) -> str:
        """The csv, with plain line feeds."""
        stream = io.StringIO()
        writer = csv.writer(
            stream, quoting=self.quoting, lineterminator="\n", delimiter=self.delimiter
        )
        for line in self.above:
            stream.write(f"{line}\n")
        writer.writerow(self.header)
        for line in self.between:
            stream.write(f"{line}\n")
        writer.writerows(self.rows)
        for line in self.below:
            stream.write(f"{line}\n")
        return stream.getvalue()

    def edited(self, columns: Sequence[str], edit: Callable[[str], str]) -> Sheet:
        """The table with every cell of these columns changed."""
        places = {self.header.index(name) for name in columns if name in self.header}
        rows = [
            [edit(cell) if place in places else cell for place, cell in enumerate(row)]
            for row in self.rows
        ]
        return replace(self, rows=rows)

    def bare(self) -> Sheet:
        """The table without what stands around it, as a tool for tables reads it."""
        return replace(self, above=(), between=(), below=())


SheetWay = Callable[[Sheet, random.Random], Sheet | list[Sheet] | None]
AnySheetWay = TypeVar("AnySheetWay", bound=SheetWay)
SheetsWay = Callable[[list[Sheet], random.Random], list[Sheet] | None]
BytesWay = Callable[[Files, random.Random], Files | None]


@dataclass(frozen=True)
class Way:
    """A way of saving again.

    aspect: what it changes; two ways of one aspect can't be combined.
    is_read: every price must be published. Else the file, its lines or its year may be left out,
        as long as it is said.
    unless: folders of reports that may leave out what others must read.
    on_fall_day: the same for the day on which an hour comes twice, where no column tells it apart.
    days: delivery days, a file each, that it needs.
    from_day: earliest day of a month on which it tells what it says.
    is_drawn: whether it may be combined with others.
    drops: whether rows are gone from the file itself, so that only wrong ones can be looked for.
    """

    name: str
    aspect: str
    is_read: bool
    unless: tuple[str, ...] = ()
    on_fall_day: bool = True
    days: int = 1
    from_day: int = 1
    is_drawn: bool = True
    drops: bool = False
    sheet: SheetWay | None = field(default=None, compare=False)
    sheets: SheetsWay | None = field(default=None, compare=False)
    content: BytesWay | None = field(default=None, compare=False)

    def is_read_in(self, report: Report, is_fall_day: bool) -> bool:
        """Whether every price of such a file must be published."""
        told = self.on_fall_day or not is_fall_day or not _tells_by_order(report)
        return self.is_read and report.folder not in self.unless and told


WAYS: dict[str, Way] = {}


def on_sheet(
    aspect: str, is_read: bool = True, **more: Any
) -> Callable[[AnySheetWay], AnySheetWay]:
    """Name a way that changes one table."""

    def add(change: AnySheetWay) -> AnySheetWay:
        WAYS[change.__name__] = Way(change.__name__, aspect, is_read, sheet=change, **more)
        return change

    return add


def on_sheets(aspect: str, is_read: bool = True, **more: Any) -> Callable[[SheetsWay], SheetsWay]:
    """Name a way that changes the tables of several days."""

    def add(change: SheetsWay) -> SheetsWay:
        WAYS[change.__name__] = Way(change.__name__, aspect, is_read, sheets=change, **more)
        return change

    return add


def on_bytes(aspect: str, is_read: bool = True, **more: Any) -> Callable[[BytesWay], BytesWay]:
    """Name a way that changes text or container."""

    def add(change: BytesWay) -> BytesWay:
        WAYS[change.__name__] = Way(change.__name__, aspect, is_read, content=change, **more)
        return change

    return add


def save_again(sheets: Sequence[Sheet], ways: Sequence[Way], rng: random.Random) -> Files:
    """Save tables of consecutive days in these ways, in the order in which `WAYS` has them."""
    kept = list(sheets)
    ways = [way for way in WAYS.values() if way in ways]
    for way in ways:
        if way.sheet is not None:
            kept = [changed for one in kept for changed in _as_list(way.sheet(one, rng), one)]
    for way in ways:
        if way.sheets is not None:
            kept = way.sheets(kept, rng) or kept
    files = [(sheet.name, sheet.text().encode()) for sheet in kept]
    for way in ways:
        if way.content is not None:
            files = way.content(files, rng) or files
    return files


def _as_list(changed: Sheet | list[Sheet] | None, sheet: Sheet) -> list[Sheet]:
    if changed is None:
        return [sheet]
    return changed if isinstance(changed, list) else [changed]


def read_sheet(report: Report, name: str, text: str) -> Sheet:
    """Take a generated file apart."""
    lines = text.splitlines()
    first_column = next(iter(report.stamps), report.prices[0])
    at = next(
        place
        for place, line in enumerate(lines)
        if {report.location, report.prices[-1]} <= set(next(csv.reader([line]), []))
    )
    header = next(csv.reader([lines[at]]))
    rows = list(csv.reader(lines[at + 1 :]))
    assert first_column in header or report.iso == "miso", header
    if header[0] != "H":
        return Sheet(report, name, tuple(lines[:at]), header, (), rows)
    kinds = [row[0] for row in rows]
    return Sheet(
        report,
        name,
        above=tuple(lines[:at]),
        header=header,
        between=tuple(lines[at + 1 : at + 1 + kinds.count("H")]),
        rows=[row for row in rows if row[0] == "D"],
        below=tuple(line for line, row in zip(lines[at + 1 :], rows, strict=True) if row[0] == "T"),
    )


# --- Stamps ---------------------------------------------------------------------------------------

# A stamp with what can be told of it, as (naive, aware); a day has no instant.
Moment = tuple[datetime, datetime | None]


def moments(sheet: Sheet, column: str) -> Iterator[Moment]:
    """What each row of a column of stamps tells, in the order in which the generator wrote them.

    A local stamp that comes twice at a location is the first time in daylight time, the second time
    in standard time.
    """
    report = sheet.report
    kind, place = report.stamps[column], sheet.header.index(column)
    location = sheet.header.index(report.location)
    instant = sheet.index(report.instant) if report.instant else None
    seen: Counter[tuple[str, str]] = Counter()
    for row in sheet.rows:
        read = _parsed(row[place], report.forms)
        naive = read.replace(tzinfo=None)
        if kind == "offset":
            yield naive, read
        elif kind == "utc":
            yield naive, naive.replace(tzinfo=UTC)
        elif kind == "day":
            yield naive, None
        elif instant is not None:
            told = _parsed(row[instant], report.forms).replace(tzinfo=UTC)
            yield naive, told.astimezone(report.zone)
        else:
            key = (row[place], row[location])
            yield naive, naive.replace(tzinfo=report.zone, fold=seen[key])
            seen[key] += 1


def _parsed(cell: str, forms: Sequence[str]) -> datetime:
    for form in forms:
        try:
            return datetime.strptime(cell, form)
        except ValueError:
            continue
    return datetime.fromisoformat(cell)


def _with_stamps(
    sheet: Sheet, timed: Callable[[Moment], str], dated: Callable[[datetime], str] | None
) -> Sheet | None:
    """The table with its stamps printed anew; `dated` prints days, which have no time."""
    sheet = _with_day_column(sheet) if dated is not None else sheet
    rows = [list(row) for row in sheet.rows]
    for column, kind in sheet.report.stamps.items():
        place = sheet.index(column)
        if place is None or (kind == "day" and dated is None):
            continue
        for row, moment in zip(rows, list(moments(sheet, column)), strict=True):
            row[place] = dated(moment[0]) if kind == "day" and dated else timed(moment)
    return replace(sheet, rows=rows) if rows != sheet.rows else None


def _with_day_column(sheet: Sheet) -> Sheet:
    """A table whose day stands above its header gets it into a column, as people who merge do."""
    (first, kind), *_ = sheet.report.stamps.items()
    if kind != "day" or first.casefold() in {name.strip().casefold() for name in sheet.header}:
        return sheet
    day = f"{datetime.strptime(sheet.name[:8], '%Y%m%d'):%m/%d/%Y}"
    rows = [[day, *row] for row in sheet.rows]
    return replace(sheet.bare(), header=[first, *sheet.header], rows=rows)


def _short(moment: datetime, year: str) -> str:
    return f"{moment.month}/{moment.day}/{moment:{year}}"


@on_sheet("stamps")
def iso_stamps(sheet: Sheet, rng: random.Random) -> Sheet | None:
    """`2024-06-01 05:00:00`, as pandas and databases print."""
    return _with_stamps(sheet, _iso, lambda day: f"{day:%Y-%m-%d}")


def _iso(moment: Moment, sep: str = " ", timespec: str = "auto") -> str:
    """A stamp without its offset; one that was written with an offset keeps it."""
    naive, aware = moment
    written = aware is not None and isinstance(aware.tzinfo, timezone) and aware.tzinfo is not UTC
    return (aware if aware and written else naive).isoformat(sep, timespec)


@on_sheet("stamps")
def iso_stamps_with_t(sheet: Sheet, rng: random.Random) -> Sheet | None:
    """`2024-06-01T05:00:00`, as JSON has them."""
    return _with_stamps(sheet, lambda moment: _iso(moment, "T"), lambda day: day.isoformat())


@on_sheet("stamps")
def iso_stamps_with_fractions(sheet: Sheet, rng: random.Random) -> Sheet | None:
    """`2024-06-01 05:00:00.000`, as SQL Server prints."""
    return _with_stamps(
        sheet,
        lambda moment: _iso(moment, timespec="milliseconds"),
        lambda day: day.isoformat(" ", "milliseconds"),
    )


@on_sheet("stamps")
def days_with_midnight(sheet: Sheet, rng: random.Random) -> Sheet | None:
    """A day becomes `2024-06-01 00:00:00` in a column that a tool took for stamps."""
    if "day" not in sheet.report.stamps.values():
        return None
    return _with_stamps(sheet, _iso, lambda day: day.isoformat(" "))


# A stamp that lost its offset tells no instant, so a report that has nothing else may refuse it.
_NO_OFFSET = ("caiso/gridstatus_lmp",)


@on_sheet("stamps", unless=_NO_OFFSET)
def excel_stamps(sheet: Sheet, rng: random.Random) -> Sheet | None:
    """`6/1/2024 5:00`, as Excel shows them."""
    return _with_stamps(
        sheet,
        lambda moment: f"{_short(moment[0], '%Y')} {moment[0].hour}:{moment[0]:%M}",
        lambda day: _short(day, "%Y"),
    )


@on_sheet("stamps", unless=_NO_OFFSET)
def two_digit_years(sheet: Sheet, rng: random.Random) -> Sheet | None:
    """`6/1/24 5:00`, as Excel on a Mac shows them."""
    return _with_stamps(
        sheet,
        lambda moment: f"{_short(moment[0], '%y')} {moment[0].hour}:{moment[0]:%M}",
        lambda day: _short(day, "%y"),
    )


@on_sheet("stamps", unless=_NO_OFFSET)
def am_and_pm(sheet: Sheet, rng: random.Random) -> Sheet | None:
    """`6/1/2024 5:00:00 AM`, the long form of Windows."""
    return _with_stamps(
        sheet,
        lambda moment: f"{_short(moment[0], '%Y')} {_hour_of_12(moment[0])}:{moment[0]:%M:%S %p}",
        lambda day: f"{_short(day, '%Y')} 12:00:00 AM",
    )


@on_sheet("stamps", unless=_NO_OFFSET)
def am_and_pm_without_seconds(sheet: Sheet, rng: random.Random) -> Sheet | None:
    """`06/01/2024 05:00 AM`."""
    return _with_stamps(
        sheet,
        lambda moment: f"{moment[0]:%m/%d/%Y %I:%M %p}",
        lambda day: f"{day:%m/%d/%Y}",
    )


def _hour_of_12(moment: datetime) -> int:
    return moment.hour % 12 or 12


@on_sheet("stamps")
def with_offsets(sheet: Sheet, rng: random.Random) -> Sheet | None:
    """`2024-06-01 01:00:00-04:00`: pandas prints the offset of a column that has a zone."""
    return _with_stamps(
        sheet, lambda moment: moment[1].isoformat(" ") if moment[1] else _iso(moment), None
    )


@on_sheet("stamps")
def in_utc_with_offset(sheet: Sheet, rng: random.Random) -> Sheet | None:
    """`2024-06-01 05:00:00+00:00`, whatever the column's clock was."""
    return _with_stamps(
        sheet,
        lambda moment: moment[1].astimezone(UTC).isoformat(" ") if moment[1] else _iso(moment),
        None,
    )


@on_sheet("stamps")
def in_utc_with_z(sheet: Sheet, rng: random.Random) -> Sheet | None:
    """`2024-06-01T05:00:00Z`, whatever the column's clock was."""
    return _with_stamps(
        sheet,
        lambda moment: (
            f"{moment[1].astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" if moment[1] else _iso(moment)
        ),
        None,
    )


@on_sheet("stamps", is_read=False)
def midnight_without_time(sheet: Sheet, rng: random.Random) -> Sheet | None:
    """R leaves the time of midnight out, and only there."""
    return _with_stamps(sheet, lambda moment: _iso(moment).replace(" 00:00:00", ""), None)


@on_sheet("stamps", is_read=False, from_day=13, is_drawn=False)
def day_first(sheet: Sheet, rng: random.Random) -> Sheet | None:
    """`13/06/2024 05:00`, as the rest of the world writes."""
    return _with_stamps(
        sheet, lambda moment: f"{moment[0]:%d/%m/%Y %H:%M}", lambda day: f"{day:%d/%m/%Y}"
    )


@on_sheet("stamps", is_read=False, from_day=5, is_drawn=False)
def day_first_up_to_the_twelfth(sheet: Sheet, rng: random.Random) -> Sheet | None:
    """`05/06/2024 05:00` for the fifth of June, under a name that has the day."""
    has_day = re.search(r"20\d{6}", sheet.name)
    return day_first(sheet, rng) if has_day else None


@on_sheet("stamps", is_read=False)
def times_without_date(sheet: Sheet, rng: random.Random) -> Sheet | None:
    """`00:00.0`: Excel shows minutes and seconds of a stamp with fractions."""
    return _with_stamps(sheet, lambda moment: f"{moment[0]:%M:%S}.0", lambda day: "00:00.0")


@on_sheet("stamps", is_read=False)
def serial_days(sheet: Sheet, rng: random.Random) -> Sheet | None:
    """`45444.2083333333`: days since 1900, as Excel keeps them."""
    return _with_stamps(sheet, lambda moment: _serial(moment[0]), _serial)


def _serial(moment: datetime) -> str:
    days = (moment - datetime(1899, 12, 30)) / timedelta(days=1)
    return f"{days:.10f}".rstrip("0").rstrip(".")


@on_sheet("stamps", is_read=False)
def epoch_milliseconds(sheet: Sheet, rng: random.Random) -> Sheet | None:
    """`1717214400000`, as JavaScript counts."""

    def count(moment: datetime) -> str:
        return str(int(moment.timestamp() * 1000))

    return _with_stamps(
        sheet,
        lambda moment: count(moment[1] or moment[0].replace(tzinfo=UTC)),
        lambda day: count(day.replace(tzinfo=UTC)),
    )


@on_sheet("stamps", is_read=False)
def month_names(sheet: Sheet, rng: random.Random) -> Sheet | None:
    """`01-Jun-24 05:00`, as Oracle and SAS print."""
    return _with_stamps(
        sheet, lambda moment: f"{moment[0]:%d-%b-%y %H:%M}", lambda day: f"{day:%d-%b-%y}"
    )


@on_sheet("hours")
def hours_of_one_digit(sheet: Sheet, rng: random.Random) -> Sheet | None:
    """`1:00` or `1` for the hour ending 01:00."""
    if sheet.report.hours is None:
        return None
    return sheet.edited([sheet.report.hours], lambda label: label.removeprefix("0"))


@on_sheet("hours", is_read=False)
def hours_as_times(sheet: Sheet, rng: random.Random) -> Sheet | None:
    """`01:00:00`, and the hour ending 24:00 as midnight."""
    if sheet.report.hours is None:
        return None
    return sheet.edited(
        [sheet.report.hours],
        lambda label: f"{label[:2].replace('24', '00')}:00:00" if "X" not in label else label,
    )


@on_sheet("hours", is_read=False)
def hours_as_decimals(sheet: Sheet, rng: random.Random) -> Sheet | None:
    """`1.0` for the hour ending 01:00."""
    if sheet.report.hours is None:
        return None
    return sheet.edited(
        [sheet.report.hours], lambda label: f"{int(label[:2])}.0" if "X" not in label else label
    )


# --- Numbers and names ----------------------------------------------------------------------------


def _with_prices(sheet: Sheet, edit: Callable[[str], str]) -> Sheet:
    return sheet.edited(
        sheet.report.prices, lambda cell: edit(cell.strip()) if cell.strip() else ""
    )


def _plain(cell: str) -> str:
    """A number without an exponent."""
    return f"{Decimal(cell):f}"


@on_sheet("numbers")
def more_zeros(sheet: Sheet, rng: random.Random) -> Sheet | None:
    """`23.5000000000`, as a format with fixed decimals prints."""
    return _with_prices(sheet, lambda cell: f"{Decimal(cell):.10f}")


@on_sheet("numbers")
def blanks_around_numbers(sheet: Sheet, rng: random.Random) -> Sheet | None:
    """Columns of one width."""
    return _with_prices(sheet, lambda cell: f"{cell:>14} ")


@on_sheet("numbers", is_read=False)
def decimal_commas(sheet: Sheet, rng: random.Random) -> Sheet | None:
    """`"23,50"`: half the world's decimal sign."""
    return _with_prices(sheet, lambda cell: _plain(cell).replace(".", ","))


@on_sheet("numbers", is_read=False)
def decimal_commas_before_three_digits(sheet: Sheet, rng: random.Random) -> Sheet | None:
    """`"23,500"`, which looks like a thousand."""
    return _with_prices(sheet, lambda cell: _of_three(_plain(cell)).replace(".", ","))


def _of_three(number: str) -> str:
    whole, _, decimals = number.partition(".")
    return f"{whole}.{decimals.ljust(3, '0')}"


@on_sheet("numbers", is_read=False)
def thousands_in_groups(sheet: Sheet, rng: random.Random) -> Sheet | None:
    """`"1,023.50"`: prices of a dear day, as Excel shows them."""
    dear = dear_day(sheet)
    return _with_prices(dear, lambda cell: f"{Decimal(cell):,f}")


def dear_day(sheet: Sheet) -> Sheet:
    """The table with 1,000 $/MWh more in total and energy; its truth rises with it."""
    part, risen = sheet.report.part or ("", ())
    place = sheet.index(part)
    columns = [sheet.header.index(name) for name in sheet.report.dear]
    rows = [
        [
            f"{Decimal(cell) + 1000}"
            if at in columns and cell.strip() and (place is None or row[place] in risen)
            else cell
            for at, cell in enumerate(row)
        ]
        for row in sheet.rows
    ]
    return replace(sheet, rows=rows)


@on_sheet("numbers", is_read=False)
def exponents(sheet: Sheet, rng: random.Random) -> Sheet | None:
    """`2.35e+01`."""
    return _with_prices(sheet, lambda cell: f"{Decimal(cell):.9e}")


@on_sheet("numbers", is_read=False)
def dollars(sheet: Sheet, rng: random.Random) -> Sheet | None:
    """`$23.50`."""
    return _with_prices(sheet, lambda cell: f"${cell}")


@on_sheet("numbers", is_read=False)
def negatives_in_brackets(sheet: Sheet, rng: random.Random) -> Sheet | None:
    """`(23.50)` for -23.50, as accountants write."""
    return _with_prices(sheet, lambda cell: f"({cell[1:]})" if cell.startswith("-") else cell)


@on_sheet("numbers", is_read=False)
def minus_behind(sheet: Sheet, rng: random.Random) -> Sheet | None:
    """`23.50-` for -23.50, as SAP writes."""
    return _with_prices(sheet, lambda cell: f"{cell[1:]}-" if cell.startswith("-") else cell)


@on_sheet("numbers", is_read=False)
def some_prices_missing(sheet: Sheet, rng: random.Random) -> Sheet | None:
    """Blank cells and marks of missing values among the prices."""
    marks = ("", "NA", "NaN", "#N/A", "null", "-", ".")
    return _with_prices(sheet, lambda cell: rng.choice(marks) if rng.random() < 0.05 else cell)


@on_sheet("ids")
def ids_as_decimals(sheet: Sheet, rng: random.Random) -> Sheet | None:
    """`51288.0`: pandas prints a column of whole numbers with a gap so."""
    return sheet.edited(sheet.report.ids, lambda cell: f"{cell}.0" if cell else "")


@on_sheet("ids", is_read=False)
def ids_in_groups(sheet: Sheet, rng: random.Random) -> Sheet | None:
    """`"51,288"`."""
    return sheet.edited(sheet.report.ids, lambda cell: f"{int(cell):,}" if cell else "")


@on_sheet("ids", is_read=False)
def ids_with_exponents(sheet: Sheet, rng: random.Random) -> Sheet | None:
    """`1.16E+08`: Excel shortens long numbers, and several become one."""
    return sheet.edited(sheet.report.ids, lambda cell: f"{int(cell):.2E}" if cell else "")


@on_sheet("names")
def blanks_around_names(sheet: Sheet, rng: random.Random) -> Sheet | None:
    """Names of one width."""
    return sheet.edited([sheet.report.location], lambda cell: f" {cell:<30}")


# --- Columns --------------------------------------------------------------------------------------


@on_sheet("columns")
def index_column(sheet: Sheet, rng: random.Random) -> Sheet | None:
    """An unnamed leading column of row numbers."""
    bare = sheet.bare()
    rows = [[str(number), *row] for number, row in enumerate(bare.rows)]
    return replace(bare, header=["", *bare.header], rows=rows)


@on_sheet("columns")
def shuffled_columns(sheet: Sheet, rng: random.Random) -> Sheet | None:
    """The columns in another order."""
    places = list(range(len(sheet.header)))
    # Tables that are merged later have their columns in one order.
    random.Random(str(sheet.header)).shuffle(places)
    return _with_columns(sheet.bare(), places)


def _with_columns(sheet: Sheet, places: Sequence[int]) -> Sheet:
    rows = [[row[place] for place in places] for row in sheet.rows]
    return replace(sheet, header=[sheet.header[place] for place in places], rows=rows)


@on_sheet("columns")
def more_columns(sheet: Sheet, rng: random.Random) -> Sheet | None:
    """Columns that somebody computed: year, month, a remark."""
    bare = sheet.bare()
    rows = [["7", *row, "2024", "a, b"] for row in bare.rows]
    return replace(bare, header=["my id", *bare.header, "Year", "remark"], rows=rows)


@on_sheet("columns")
def without_optional_columns(sheet: Sheet, rng: random.Random) -> Sheet | None:
    """Only what places a price."""
    left_out = set(sheet.report.optional)
    places = [at for at, name in enumerate(sheet.header) if name not in left_out]
    return None if len(places) == len(sheet.header) else _with_columns(sheet.bare(), places)


@on_sheet("columns", is_read=False)
def without_location(sheet: Sheet, rng: random.Random) -> Sheet | None:
    """A column is lost that places a price."""
    key = sheet.report.ids[0] if sheet.report.ids else sheet.report.location
    places = [at for at, name in enumerate(sheet.header) if name != key]
    return _with_columns(sheet.bare(), places)


@on_sheet("columns", is_read=False)
def without_utc(sheet: Sheet, rng: random.Random) -> Sheet | None:
    """The column in UTC is lost, and local stamps are left."""
    if sheet.report.instant is None:
        return None
    places = [at for at, name in enumerate(sheet.header) if name != sheet.report.instant]
    return _with_columns(sheet, places)


@on_sheet("columns")
def without_frame(sheet: Sheet, rng: random.Random) -> Sheet | None:
    """What stands above, between and below the rows is lost, as with every tool for tables."""
    bare = sheet.bare()
    return None if bare == sheet else bare


# --- Order ----------------------------------------------------------------------------------------


@on_sheet("order")
def newest_first(sheet: Sheet, rng: random.Random) -> Sheet | None:
    """The rows from the last to the first."""
    return replace(sheet, rows=sheet.rows[::-1])


@on_sheet("order", on_fall_day=False)
def shuffled_rows(sheet: Sheet, rng: random.Random) -> Sheet | None:
    """The rows in no order."""
    return replace(sheet, rows=rng.sample(sheet.rows, len(sheet.rows)))


@on_sheet("order")
def by_location(sheet: Sheet, rng: random.Random) -> Sheet | None:
    """Sorted by location, each in the order of time."""
    place = sheet.header.index(sheet.report.location)
    return replace(sheet, rows=sorted(sheet.rows, key=lambda row: row[place]))


@on_sheet("order", on_fall_day=False)
def by_price(sheet: Sheet, rng: random.Random) -> Sheet | None:
    """Sorted by price, as the text that it is."""
    place = sheet.header.index(sheet.report.dear[0])
    return replace(sheet, rows=sorted(sheet.rows, key=lambda row: row[place]))


@on_sheet("order", on_fall_day=False)
def by_stamp_as_text(sheet: Sheet, rng: random.Random) -> Sheet | None:
    """Sorted by the text of stamps, as Excel does where it takes none for a time."""
    place = sheet.index(next(iter(sheet.report.stamps)))
    if place is None:
        return None
    return replace(sheet, rows=sorted(sheet.rows, key=lambda row: row[place]))


def _by_stamp(sheet: Sheet) -> list[list[Row]]:
    """The rows of each stamp, in the order in which the stamps first come."""
    place = sheet.index(next(iter(sheet.report.stamps)))
    groups: dict[str, list[Row]] = {}
    for row in sheet.rows:
        groups.setdefault("" if place is None else row[place], []).append(row)
    return list(groups.values())


@on_sheet("order", on_fall_day=False)
def newest_stamp_first(sheet: Sheet, rng: random.Random) -> Sheet | None:
    """Sorted from the last stamp to the first; rows of one stamp stay as they were."""
    groups = _by_stamp(sheet)
    return replace(sheet, rows=[row for group in reversed(groups) for row in group])


@on_sheet("order", on_fall_day=False)
def sorted_unstably(sheet: Sheet, rng: random.Random) -> Sheet | None:
    """Sorted by stamp with an algorithm that mixes the rows of one stamp."""
    groups = _by_stamp(sheet)
    return replace(sheet, rows=[row for group in groups for row in rng.sample(group, len(group))])


@on_sheet("order", is_read=False, drops=True, is_drawn=False)
def last_of_equal_stamps(sheet: Sheet, rng: random.Random) -> Sheet | None:
    """Of rows with one stamp and location the last is kept: one of the hour that comes twice."""
    kept = {_key(sheet, row): row for row in sheet.rows}
    return replace(sheet.bare(), rows=list(kept.values()))


def _key(sheet: Sheet, row: Row) -> tuple[str, ...]:
    """What tells a row from others for those who think that a local stamp does."""
    report = sheet.report
    names = [name for name, kind in report.stamps.items() if kind != "utc"]
    names += [report.location, *([report.part[0]] if report.part else [])]
    return tuple(row[sheet.header.index(name)] for name in names if name in sheet.header)


@on_sheet("order", on_fall_day=False)
def each_row_twice(sheet: Sheet, rng: random.Random) -> Sheet | None:
    """Each row comes twice, one below the other; a number of rows is no longer true."""
    return replace(sheet.bare(), rows=[row for row in sheet.rows for _ in range(2)])


# --- Several files, several days ------------------------------------------------------------------


# Parts of a price stand in lines of their own, and so in both files.
@on_sheet("files", on_fall_day=False, unless=("miso/da_expost_lmp",))
def cut_in_two(sheet: Sheet, rng: random.Random) -> list[Sheet] | None:
    """Two files, each with the header, cut between any two rows."""
    return _cut(sheet, rng.randrange(1, len(sheet.rows)))


def _cut(sheet: Sheet, at: int) -> list[Sheet]:
    path = PurePosixPath(sheet.name)
    bare = sheet.bare() if sheet.below else sheet
    return [
        replace(bare, name=f"{path.stem}_part{number}{path.suffix}", rows=rows)
        for number, rows in enumerate((bare.rows[:at], bare.rows[at:]))
    ]


@on_sheet("files", is_read=False, is_drawn=False)
def cut_in_the_repeated_hour(sheet: Sheet, rng: random.Random) -> list[Sheet] | None:
    """Two files, and the second begins with the hour that comes again."""
    seen: set[tuple[str, ...]] = set()
    for at, row in enumerate(sheet.rows):
        if _key(sheet, row) in seen:
            return _cut(sheet, at)
        seen.add(_key(sheet, row))
    return None


@on_sheet("files")
def saved_twice(sheet: Sheet, rng: random.Random) -> list[Sheet] | None:
    """The same file under two names."""
    path = PurePosixPath(sheet.name)
    return [sheet, replace(sheet, name=f"{path.stem} (1){path.suffix}")]


@on_sheets("files", days=2)
def merged(sheets: list[Sheet], rng: random.Random) -> list[Sheet] | None:
    """The rows of several files in one table; a day that stood above each becomes a column."""
    with_days = [_with_day_column(sheet).bare() for sheet in sheets]
    assert len({tuple(sheet.header) for sheet in with_days}) == 1, with_days[0].header
    rows = [row for sheet in with_days for row in sheet.rows]
    return [replace(with_days[0], name="merged.csv", rows=rows)]


@on_sheets("files", is_read=False, days=2, from_day=12, is_drawn=False)
def merged_day_first(sheets: list[Sheet], rng: random.Random) -> list[Sheet] | None:
    """A table with the days 12 and 13, day first: only the second can't be a month."""
    return merged([day_first(sheet, rng) or sheet for sheet in sheets], rng)


@on_sheets("files", is_read=False, days=2)
def merged_without_days(sheets: list[Sheet], rng: random.Random) -> list[Sheet] | None:
    """The rows of several files in one table under the name of the first."""
    bare = [sheet.bare() for sheet in sheets]
    return [replace(bare[0], rows=[row for sheet in bare for row in sheet.rows])]


@on_sheets("files", is_read=False, days=2)
def first_frame_around_all(sheets: list[Sheet], rng: random.Random) -> list[Sheet] | None:
    """The rows of several files below the heading of the first."""
    rows = [row for sheet in sheets for row in sheet.rows]
    return [replace(sheets[0], rows=rows)]


@on_bytes("files", days=2, unless=("miso/da_expost_lmp",))
def concatenated(files: Files, rng: random.Random) -> Files | None:
    """`cat *.csv > all.csv`: the second header stands in the middle."""
    return [("all.csv", b"".join(content for _, content in files))]


@on_bytes("files", is_read=False, days=2)
def concatenated_under_a_day(files: Files, rng: random.Random) -> Files | None:
    """`cat *.csv` into a file that has the name of the last."""
    return [(files[-1][0], b"".join(content for _, content in files))]


# --- The header ----------------------------------------------------------------------------------


@on_sheet("header")
def upper_case_header(sheet: Sheet, rng: random.Random) -> Sheet | None:
    """Names of columns in capitals, as databases give them."""
    return replace(sheet, header=[name.upper() for name in sheet.header])


@on_sheet("header")
def lower_case_header(sheet: Sheet, rng: random.Random) -> Sheet | None:
    """Names of columns in small letters."""
    return replace(sheet, header=[name.lower() for name in sheet.header])


@on_sheet("header")
def blanks_around_header(sheet: Sheet, rng: random.Random) -> Sheet | None:
    """Blanks around the names of columns."""
    return replace(sheet, header=[f" {name} " for name in sheet.header])


@on_sheet("header")
def header_of_r(sheet: Sheet, rng: random.Random) -> Sheet | None:
    """`Time.Stamp` and `LBMP....MWHr.`: R's read.csv gives columns names of its own."""
    bare = sheet.bare()
    return replace(bare, header=[re.sub(r"[^\w.]", ".", name) for name in bare.header])


# --- Lines and letters ----------------------------------------------------------------------------


def _each(files: Files, change: Callable[[bytes], bytes]) -> Files:
    return [(name, change(content)) for name, content in files]


@on_sheet("quotes")
def all_quoted(sheet: Sheet, rng: random.Random) -> Sheet | None:
    """Every cell in quotes."""
    return replace(sheet, quoting=csv.QUOTE_ALL)


@on_sheet("delimiter", is_read=False)
def semicolons(sheet: Sheet, rng: random.Random) -> Sheet | None:
    """Semicolons between cells, as Excel has them where commas are decimal signs."""
    return replace(sheet, delimiter=";")


@on_sheet("delimiter", is_read=False)
def tabs(sheet: Sheet, rng: random.Random) -> Sheet | None:
    """Tabs between cells."""
    return replace(sheet, delimiter="\t")


# Where no line tells its day, a second heading may begin another one.
@on_sheet("middle", unless=("miso/da_expost_lmp",))
def header_in_the_middle(sheet: Sheet, rng: random.Random) -> Sheet | None:
    """The header comes again between two rows."""
    at = rng.randrange(1, len(sheet.rows))
    return replace(sheet.bare(), rows=[*sheet.rows[:at], list(sheet.header), *sheet.rows[at:]])


@on_sheet("commas")
def padded_lines(sheet: Sheet, rng: random.Random) -> Sheet | None:
    """Excel pads the lines around a table with commas to the table's width."""
    width = len(sheet.header)

    def pad(line: str) -> str:
        return line + "," * (width - len(next(csv.reader([line]), [""])))

    padded = replace(
        sheet,
        above=tuple(map(pad, sheet.above)),
        between=tuple(map(pad, sheet.between)),
        below=tuple(map(pad, sheet.below)),
    )
    return None if padded == sheet else padded


@on_sheet("commas")
def trailing_commas(sheet: Sheet, rng: random.Random) -> Sheet | None:
    """Two more commas behind each line, the header too."""
    return replace(
        sheet,
        above=tuple(f"{line},," for line in sheet.above),
        header=[*sheet.header, "", ""],
        between=tuple(f"{line},," for line in sheet.between),
        rows=[[*row, "", ""] for row in sheet.rows],
        below=tuple(f"{line},," for line in sheet.below),
    )


@on_sheet("commas", is_read=False)
def commas_behind_rows_only(sheet: Sheet, rng: random.Random) -> Sheet | None:
    """A comma more behind each row than behind the header."""
    return replace(sheet, rows=[[*row, ""] for row in sheet.rows])


@on_bytes("ends")
def line_ends_of_windows(files: Files, rng: random.Random) -> Files | None:
    """Carriage return and line feed."""
    return _each(files, lambda text: text.replace(b"\n", b"\r\n"))


@on_bytes("ends")
def line_ends_of_old_macs(files: Files, rng: random.Random) -> Files | None:
    """Carriage returns alone."""
    return _each(files, lambda text: text.replace(b"\n", b"\r"))


@on_bytes("ends")
def line_ends_mixed(files: Files, rng: random.Random) -> Files | None:
    """Each line ends as the tool that wrote it does."""

    def mix(text: bytes) -> bytes:
        lines = text.split(b"\n")[:-1]
        return b"".join(line + rng.choice((b"\n", b"\r\n")) for line in lines)

    return _each(files, mix)


@on_bytes("blank lines")
def blank_lines_at_the_end(files: Files, rng: random.Random) -> Files | None:
    """Blank lines behind the last one."""
    return _each(files, lambda text: text + b"\n\n\n")


@on_bytes("blank lines")
def blank_lines_between(files: Files, rng: random.Random) -> Files | None:
    """A blank line behind each line: carriage returns were doubled."""
    return _each(files, lambda text: text.replace(b"\n", b"\n\n"))


@on_bytes("blank lines")
def no_last_line_end(files: Files, rng: random.Random) -> Files | None:
    """The last line has no end."""
    return _each(files, lambda text: text.rstrip(b"\r\n"))


@on_bytes("letters")
def byte_order_mark(files: Files, rng: random.Random) -> Files | None:
    """The mark of `CSV UTF-8`."""
    return _each(files, lambda text: b"\xef\xbb\xbf" + text)


@on_bytes("letters", is_read=False)
def two_bytes_a_letter(files: Files, rng: random.Random) -> Files | None:
    """UTF-16, which Excel calls Unicode text."""
    return _each(files, lambda text: text.decode().encode("utf-16"))


# --- Containers -----------------------------------------------------------------------------------

# The reports that come as workbooks too.
_NO_BOOKS = (
    *("pjm/da_hrl_lmps", "caiso/prc_lmp", "caiso/gridstatus_lmp", "ercot/np4-190-cd"),
    *("nyiso/damlbmp_zone", "miso/da_expost_lmp", "isone/ww_dalmp_iso", "spp/da-lmp-sl"),
)


@on_bytes("container")
def gzipped(files: Files, rng: random.Random) -> Files | None:
    """A gzip under its own name."""
    return [(f"{name}.gz", gzip.compress(text, mtime=0)) for name, text in files]


@on_bytes("container")
def gzipped_under_the_name_of_a_csv(files: Files, rng: random.Random) -> Files | None:
    """A gzip that is called .csv."""
    return _each(files, lambda text: gzip.compress(text, mtime=0))


@on_bytes("container")
def csv_under_the_name_of_a_gzip(files: Files, rng: random.Random) -> Files | None:
    """Plain text that a browser unpacked and called .csv.gz all the same."""
    return [(f"{name}.gz", text) for name, text in files]


@on_bytes("container")
def zipped(files: Files, rng: random.Random) -> Files | None:
    """All files in one zip."""
    return [("archive.zip", _zip(files))]


@on_bytes("container")
def zipped_under_the_name_of_a_csv(files: Files, rng: random.Random) -> Files | None:
    """A zip that is called .csv."""
    return [(name, _zip([(name, text)])) for name, text in files]


def _zip(files: Files) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files:
            archive.writestr(zipfile.ZipInfo(name), text)
    return stream.getvalue()


@on_bytes("container", unless=_NO_BOOKS)
def book_under_the_name_of_a_csv(files: Files, rng: random.Random) -> Files | None:
    """A workbook that is called .csv; its cells are text."""
    return [(name, _book(text)) for name, text in files]


def _book(text: bytes) -> bytes:
    book = Workbook(write_only=True)
    sheet = book.create_sheet("Sheet1")
    for row in csv.reader(io.StringIO(text.decode("utf-8-sig", "replace"), newline="")):
        sheet.append([cell.replace("\x00", "") for cell in row])
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


@on_bytes("container")
def csv_under_the_name_of_a_book(files: Files, rng: random.Random) -> Files | None:
    """Text that is called .xlsx."""
    return [(f"{PurePosixPath(name).stem}.xlsx", text) for name, text in files]


@on_bytes("container")
def capitals_in_the_ending(files: Files, rng: random.Random) -> Files | None:
    """A file that is called .CSV."""
    return [(f"{PurePosixPath(name).stem}.CSV", text) for name, text in files]


def _tells_by_order(report: Report) -> bool:
    """Whether only the order of rows tells the two passes of the repeated hour apart."""
    return report.hours is None and set(report.stamps.values()) == {"local"}


# --- The reports ----------------------------------------------------------------------------------

NEW_YORK, CHICAGO, LOS_ANGELES, STANDARD = (
    ZoneInfo("America/New_York"),
    ZoneInfo("America/Chicago"),
    ZoneInfo("America/Los_Angeles"),
    ZoneInfo("Etc/GMT+5"),
)

REPORTS = {
    report.folder: report
    for report in (
        Report(
            folder="pjm/da_hrl_lmps",
            dataset="da_energy_hourly_nodal",
            zone=NEW_YORK,
            stamps={"datetime_beginning_utc": "utc", "datetime_beginning_ept": "local"},
            forms=("%m/%d/%Y %I:%M:%S %p",),
            prices=(
                *("system_energy_price_da", "total_lmp_da"),
                *("congestion_price_da", "marginal_loss_price_da"),
            ),
            ids=("pnode_id", "version_nbr"),
            location="pnode_name",
            instant="datetime_beginning_utc",
            optional=(
                *("datetime_beginning_ept", "voltage", "equipment", "zone"),
                *("system_energy_price_da", "congestion_price_da", "marginal_loss_price_da"),
                *("row_is_current", "version_nbr"),
            ),
            dear=("total_lmp_da", "system_energy_price_da"),
        ),
        Report(
            folder="caiso/prc_lmp",
            dataset="da_energy_hourly_nodal",
            zone=LOS_ANGELES,
            stamps={
                "INTERVALSTARTTIME_GMT": "utc",
                "INTERVALENDTIME_GMT": "utc",
                "OPR_DT": "day",
            },
            forms=("%Y-%m-%dT%H:%M:%S-00:00", "%Y-%m-%d"),
            prices=("MW",),
            location="NODE",
            optional=(
                *("INTERVALENDTIME_GMT", "OPR_DT", "OPR_HR", "OPR_INTERVAL", "NODE_ID_XML"),
                *("NODE_ID", "XML_DATA_ITEM", "PNODE_RESMRID", "GRP_TYPE", "POS", "GROUP"),
            ),
            dear=("MW",),
            part=("LMP_TYPE", ("LMP", "MCE")),
        ),
        Report(
            folder="caiso/gridstatus_lmp",
            dataset="da_energy_hourly_nodal",
            zone=LOS_ANGELES,
            stamps={"Time": "offset", "Interval Start": "offset", "Interval End": "offset"},
            forms=(),
            prices=("LMP", "Energy", "Congestion", "Loss", "GHG"),
            location="Location",
            optional=("Time", "Interval End", "Location Type", "Energy", "Congestion", "Loss"),
            dear=("LMP", "Energy"),
        ),
        Report(
            folder="ercot/np4-190-cd",
            dataset="da_energy_hourly",
            zone=CHICAGO,
            stamps={"DeliveryDate": "day"},
            prices=("SettlementPointPrice",),
            hours="HourEnding",
            location="SettlementPoint",
            dear=("SettlementPointPrice",),
        ),
        # Sheets of a yearly workbook, saved as csv: its prices may come with commas in thousands.
        Report(
            folder="ercot/np4-180-er",
            dataset="da_energy_hourly",
            zone=CHICAGO,
            stamps={"Delivery Date": "day"},
            prices=("Settlement Point Price",),
            hours="Hour Ending",
            location="Settlement Point",
            dear=("Settlement Point Price",),
            aspects=("stamps", "numbers", "files", "container"),
        ),
        Report(
            folder="nyiso/damlbmp_zone",
            dataset="da_energy_hourly",
            zone=NEW_YORK,
            stamps={"Time Stamp": "local"},
            forms=("%m/%d/%Y %H:%M",),
            prices=(
                "LBMP ($/MWHr)",
                "Marginal Cost Losses ($/MWHr)",
                "Marginal Cost Congestion ($/MWHr)",
            ),
            ids=("PTID",),
            location="Name",
            optional=("Marginal Cost Losses ($/MWHr)", "Marginal Cost Congestion ($/MWHr)"),
            dear=("LBMP ($/MWHr)",),
        ),
        Report(
            folder="miso/da_expost_lmp",
            dataset="da_energy_hourly_nodal",
            zone=STANDARD,
            stamps={"MARKET_DAY": "day"},
            prices=tuple(f"HE {hour}" for hour in range(1, 25)),
            location="Node",
            dear=tuple(f"HE {hour}" for hour in range(1, 25)),
            part=("Value", ("LMP",)),
        ),
        Report(
            folder="isone/ww_dalmp_iso",
            dataset="da_energy_hourly",
            zone=NEW_YORK,
            stamps={"Date": "day"},
            prices=(
                *("Locational Marginal Price", "Energy Component"),
                *("Congestion Component", "Marginal Loss Component"),
            ),
            hours="Hour Ending",
            ids=("Location ID",),
            location="Location Name",
            optional=(
                *("H", "Location Type", "Energy Component"),
                *("Congestion Component", "Marginal Loss Component"),
            ),
            dear=("Locational Marginal Price", "Energy Component"),
        ),
        Report(
            folder="spp/da-lmp-sl",
            dataset="da_energy_hourly",
            zone=CHICAGO,
            stamps={"GMTIntervalEnd": "utc", "Interval": "local"},
            forms=("%m/%d/%Y %H:%M:%S", "%m/%d/%Y %H:%M"),
            prices=("LMP", "MLC", "MCC", "MEC"),
            location="Settlement Location",
            instant="GMTIntervalEnd",
            optional=("Interval", "Pnode", "MLC", "MCC", "MEC"),
            dear=("LMP", "MEC"),
        ),
    )
}
