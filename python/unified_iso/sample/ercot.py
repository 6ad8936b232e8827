"""ERCOT's day-ahead settlement point prices: daily files and yearly workbooks, with system lambda.

Shapes a reader must get right: hour ending labels with 24:00 on the same date, a flag on the second
pass of the repeated hour, a blank before each price, no components; hubs and load zones stand in
the daily file and in the workbook; a day can be posted twice.
"""

from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass
from datetime import date, datetime, time, timedelta
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell

from ._books import save_book
from ._common import (
    CONGESTION_SQL,
    INTERVAL_COLUMNS,
    PRICE_COLUMNS,
    Interval,
    Packaging,
    Request,
    hour_prices,
    market_hours,
    noise,
)
from ._ercot_points import ISO, LIST_HEADERS, list_table, load_points
from ._output import (
    LF,
    EnergyTruth,
    Member,
    Task,
    decimal_sql,
    energy_truth_task,
    load_table,
    locations_by_name_sql,
    raw_tasks,
)

ZONE = ZoneInfo("America/Chicago")
DEFAULT_NODES = 40
TICKS = 100
LAMBDA_TICKS = 1_000_000

DAILY = "np4-190-cd"
YEARLY = "np4-180-er"
LAMBDA = "np4-523-cd"
LIST = "np4-160-sg"
REPORTS = (DAILY, YEARLY, LAMBDA, LIST)

SHEETS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
BOOK_HEADER = (
    *("Delivery Date", "Hour Ending", "Repeated Hour Flag", "Settlement Point"),
    "Settlement Point Price",
)
# ERCOT publishes no split of a price, and none of its prices holds losses.
TOTAL_SQL = "energy + congestion"


@dataclass(frozen=True, slots=True)
class Product:
    """A report posted once a day: its number and the tag in its file names, and its rows in SQL."""

    report: str
    type_id: str
    tag: str
    posted_from: time
    select: str


def _prices_sql(price: str, condition: str) -> str:
    """SQL of the prices of all points and hours that meet `condition`, in order."""
    return f"""
        select
            *,
            {price} as price
        from (
            select
                *,
                {CONGESTION_SQL} as congestion
            from ercot_hours
            cross join ercot_points
            where {condition}
        )
        order by
            start_us,
            name
    """


def _without_trailing_zeros(number: str) -> str:
    return f"rtrim(rtrim(({number})::varchar, '0'), '.')"


_PRINTED_PRICE = f"' ' || {_without_trailing_zeros(decimal_sql(TOTAL_SQL, 2))}"
_DAY = "delivery_date = date '{day}'"

PRICES = Product(
    report=DAILY,
    type_id="00012331",
    tag="DAMSPNP4190",
    posted_from=time(12, 30),
    select=f"""
        select
            date_text as DeliveryDate,
            hour_ending as HourEnding,
            name as SettlementPoint,
            price as SettlementPointPrice,
            repeated as DSTFlag
        from ({_prices_sql(_PRINTED_PRICE, _DAY)})
    """,
)
SYSTEM_LAMBDA = Product(
    report=LAMBDA,
    type_id="00013113",
    tag="DAMSYSLAMNP4523",
    posted_from=time(12, 35),
    select=f"""
        select
            date_text as DeliveryDate,
            hour_ending as HourEnding,
            {_without_trailing_zeros(decimal_sql("system_lambda", 6))} as SystemLambda,
            repeated as DSTFlag
        from ercot_hours
        where {_DAY}
        order by start_us
    """,
)


def plan(con: duckdb.DuckDBPyConnection, request: Request) -> list[Task]:
    """Load ERCOT's model and return the tasks writing its reports and the truth.

    nodes counts settlement points of all types; the public ones and a few resource nodes are
    written even if it is smaller. Files hold a day or a year whatever days_per_file says, as they
    are posted. overlap: every third day is posted twice, the same prices in both, and a month of
    the yearly book is there as csv too. Under packaging csv.gz all months of the book are.
    """
    if not any(request.writes(report) for report in REPORTS):
        return []
    hours = list(market_hours(ZONE, request.start, request.days))
    load_points(con, request.nodes or DEFAULT_NODES)
    _load_hours(con, hours, request)
    days = sorted({hour.day for hour in hours})
    packaging = request.options.packaging
    members = [
        posting
        for product in (PRICES, SYSTEM_LAMBDA)
        if request.writes(product.report)
        for day in days
        for posting in _postings(product, day, request)
    ]
    if request.writes(YEARLY):
        members += _saved_sheets(days, request)
    if request.writes(LIST):
        members += _list_members(request.start)
    has_books = request.writes(YEARLY) and packaging != "csv.gz"
    years = sorted({day.year for day in days}) if has_books else []
    return [
        *_truth_tasks(request),
        *raw_tasks(request.out, members, packaging),
        *(partial(_write_book, request.out / _book(year, packaging), year) for year in years),
    ]


def _load_hours(
    con: duckdb.DuckDBPyConnection, hours: Sequence[Interval], request: Request
) -> None:
    columns = f"""
        {INTERVAL_COLUMNS}, date_text varchar, hour_ending varchar, repeated varchar,
        system_lambda bigint, daily_source varchar, yearly_source varchar, version uinteger,
        {PRICE_COLUMNS}
    """
    load_table(con, "ercot_hours", columns, _hour_rows(hours, request))


def _hour_rows(hours: Sequence[Interval], request: Request) -> Iterator[tuple[object, ...]]:
    seen: set[datetime] = set()
    for hour in hours:
        prices = hour_prices(ISO, hour, cent=1)
        yield (
            *hour.row,
            f"{hour.day:%m/%d/%Y}",
            f"{hour.local.hour + 1:02}:00",
            "Y" if hour.local in seen else "N",
            prices.energy * LAMBDA_TICKS // TICKS + noise(-4_000, 4_000, ISO, "lambda", hour.utc),
            _daily_source(hour.day, request),
            _yearly_source(hour.day, request),
            1,
            *astuple(prices),
        )
        seen.add(hour.local)


def _daily_source(day: date, request: Request) -> str | None:
    if not request.writes(DAILY):
        return None
    return _postings(PRICES, day, request)[-1].source(request.options.packaging)


def _yearly_source(day: date, request: Request) -> str | None:
    """Source of a day's hubs and zones in the yearly report: no name is stamped, so the path tells.

    The book's name is greater than that of a sheet saved as csv.
    """
    if not request.writes(YEARLY):
        return None
    packaging = request.options.packaging
    if packaging == "csv.gz":
        return _saved_sheet(day.replace(day=1)).source(packaging)
    book = _book(day.year, packaging)
    inside = f"{Path(book).stem}.xlsx!" if packaging == "zip" else ""
    return f"{book}!{inside}{SHEETS[day.month - 1]}"


def _postings(product: Product, day: date, request: Request) -> list[Member]:
    """Files of a delivery day in order of posting, which happens the day before."""
    seconds = noise(0, 280, ISO, product.report, day)
    first = datetime.combine(day - timedelta(1), product.posted_from) + timedelta(seconds=seconds)
    is_posted_twice = request.options.overlap and day.toordinal() % 3 == 0
    again = (first + timedelta(minutes=47),) if is_posted_twice else ()
    return [_posting(product, day, posted) for posted in (first, *again)]


def _posting(product: Product, day: date, posted: datetime) -> Member:
    stem = f"cdr.{product.type_id}.0000000000000000"
    packed = posted + timedelta(seconds=1)
    thousandths = noise(0, 999, ISO, product.report, posted)
    return Member(
        folder=f"ercot/{product.report}",
        name=f"{stem}.{posted:%Y%m%d.%H%M%S}.{product.tag}.csv",
        archive=f"{stem}.{packed:%Y%m%d.%H%M%S}{thousandths:03}.{product.tag}_csv.zip",
        select=product.select.format(day=day),
        line_end=LF,
    )


def _book(year: int, packaging: Packaging) -> str:
    """Path of a year's workbook, relative to the raw folder."""
    suffix = "zip" if packaging == "zip" else "xlsx"
    return f"ercot/{YEARLY}/rpt.00013060.0000000000000000.DAMLZHBSPP_{year}.{suffix}"


def _write_book(path: Path, year: int, con: duckdb.DuckDBPyConnection) -> Path:
    """Write all twelve sheets; months without rows have a header only, as in a year to come.

    Text stays text, dates too; the last cell of a row is a number.
    """
    book = Workbook(write_only=True)
    for month, name in enumerate(SHEETS, start=1):
        sheet = book.create_sheet(name)
        sheet.append(BOOK_HEADER)
        for *labels, price in _book_rows(con, date(year, month, 1)):
            cell = WriteOnlyCell(sheet, price)
            cell.number_format = "#,##0.00"
            sheet.append([*labels, cell])
    save_book(book, path)
    return path


def _book_rows(con: duckdb.DuckDBPyConnection, month: date) -> list[tuple[str | float, ...]]:
    return con.execute(
        f"""
        select
            date_text,
            hour_ending,
            repeated,
            name,
            price
        from ({_prices_sql(f"({TOTAL_SQL}) / {TICKS}", _in_book(month))})
        """
    ).fetchall()


def _in_book(month: date) -> str:
    return f"is_in_book and date_trunc('month', delivery_date) = date '{month}'"


def _saved_sheets(days: Sequence[date], request: Request) -> list[Member]:
    """Sheets of the book as people save them: all where no book is written, else the first."""
    months = sorted({day.replace(day=1) for day in days})
    if request.options.packaging == "csv.gz":
        return [_saved_sheet(month) for month in months]
    if request.options.packaging == "csv" and request.options.overlap:
        return [_saved_sheet(months[0])]
    return []


def _saved_sheet(month: date) -> Member:
    name = f"DAM-{month:%Y-%m}"
    return Member(
        folder=f"ercot/{YEARLY}",
        name=f"{name}.csv",
        archive=f"{name}.zip",
        select=f"""
            select
                date_text as "Delivery Date",
                hour_ending as "Hour Ending",
                repeated as "Repeated Hour Flag",
                name as "Settlement Point",
                price as "Settlement Point Price"
            from ({_prices_sql(decimal_sql(TOTAL_SQL, 2), _in_book(month))})
        """,
        line_end=LF,
    )


def _list_members(start: date) -> list[Member]:
    posted = datetime.combine(start, time(14, 49, 18)) - timedelta(days=10)
    return [
        Member(
            folder=f"ercot/{LIST}",
            name=f"{name}_{posted:%m%d%Y_%H%M%S}.csv",
            archive=f"rpt.00010008.0000000000000000.{posted:%Y%m%d.%H%M%S}482"
            ".SP_LIST_EB_MAPPING.zip",
            select=f"select * from {list_table(name)}",
            line_end=LF,
        )
        for name in LIST_HEADERS
    ]


def _truth_tasks(request: Request) -> list[Task]:
    if not request.options.truth or not (request.writes(DAILY) or request.writes(YEARLY)):
        return []
    locations = locations_by_name_sql(
        "ercot_points",
        location_type="point_type",
        zone="zone" if request.writes(LIST) else "null::varchar",
        where="true" if request.writes(DAILY) else "is_in_book",
    )
    known_lambda = f"system_lambda / {LAMBDA_TICKS}"
    truth = EnergyTruth(
        iso=ISO,
        intervals="ercot_hours",
        locations=locations,
        ticks=TICKS,
        total=TOTAL_SQL,
        has_components=False,
        system_lambda=known_lambda if request.writes(LAMBDA) else "null::double",
        # The daily file's name is stamped and the yearly one's is not, so the daily file stands.
        data_source="coalesce(daily_source, yearly_source)",
    )
    return [energy_truth_task(request.out / "truth" / "ercot" / "da_energy_hourly.parquet", truth)]
