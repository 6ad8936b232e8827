"""ERCOT's day-ahead settlement point prices: daily files and yearly workbooks, with system lambda.

Shapes a reader must get right: hour ending labels with 24:00 on the same date, a flag on the second
pass of the repeated hour, a blank before each price, no components; hubs and load zones stand in
the daily file and in the workbook; a day can be posted twice.
"""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from functools import partial
from itertools import groupby
from zoneinfo import ZoneInfo

from ._common import Interval, noise
from ._energy import ENERGY, PRICE_COLUMNS, day_ahead, hour_prices
from ._ercot_points import ISO, LIST_HEADERS, POINTS, list_tables
from ._market import Book, Curve, Dataset, File, Line, Market, Report, Span
from ._output import decimal_sql, short_sql

TICKS = 100
LAMBDA_TICKS = 1_000_000

DAILY = "np4-190-cd"
YEARLY = "np4-180-er"
LAMBDA = "np4-523-cd"
LIST = "np4-160-sg"

SHEETS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def _system_lambda(hour: Interval) -> int:
    energy = hour_prices(ISO, hour, cent=1).energy
    return energy * LAMBDA_TICKS // TICKS + noise(-4_000, 4_000, ISO, "lambda", hour.utc)


# ERCOT publishes no split of a price, and none of its prices holds losses.
DAY_AHEAD = Curve(
    family=ENERGY,
    columns=PRICE_COLUMNS,
    values=day_ahead(ISO, cent=1),
    more={"system_lambda bigint": _system_lambda},
    formulas={"total": "energy + congestion"},
)
HOURLY = Dataset(
    name="da_energy_hourly",
    columns={
        "lmp_energy": "null::double",
        "lmp_congestion": "null::double",
        "lmp_loss": "null::double",
        "system_lambda": "null::double",
    },
    beside={
        LAMBDA: {"system_lambda": f"system_lambda / {LAMBDA_TICKS}"},
        LIST: {"zone": "zone"},
    },
)
CELLS = {
    "date_text varchar": lambda line: f"{line.interval.day:%m/%d/%Y}",
    "hour_ending varchar": lambda line: f"{line.interval.local.hour + 1:02}:00",
    "repeated varchar": lambda line: "Y" if line.interval.is_second_pass else "N",
}

PRICES_SQL = f"""
    select
        date_text as DeliveryDate,
        hour_ending as HourEnding,
        name as SettlementPoint,
        ' ' || {short_sql("total", 2)} as SettlementPointPrice,
        repeated as DSTFlag
    from prices
    order by
        start_us,
        name
"""
LAMBDA_SQL = f"""
    select
        date_text as DeliveryDate,
        hour_ending as HourEnding,
        {short_sql("system_lambda", 6)} as SystemLambda,
        repeated as DSTFlag
    from lines
    order by start_us
"""


def _postings(
    report: str, type_id: str, tag: str, posted_from: time, select: str, span: Span
) -> Iterator[File]:
    """A day each, whatever days_per_file says, posted the day before; every third day twice."""
    stem = f"cdr.{type_id}.0000000000000000"
    for day, lines in span.by_day():
        seconds = noise(0, 280, ISO, report, day)
        first = datetime.combine(day - timedelta(1), posted_from) + timedelta(seconds=seconds)
        is_posted_twice = span.request.options.overlap and day.toordinal() % 3 == 0
        again = (first + timedelta(minutes=47),) if is_posted_twice else ()
        for posted in (first, *again):
            stamp = f"{posted:%Y%m%d.%H%M%S}"
            packed = posted + timedelta(seconds=1)
            thousandths = noise(0, 999, ISO, report, posted)
            yield File(
                name=f"{stem}.{stamp}.{tag}.csv",
                archive=f"{stem}.{packed:%Y%m%d.%H%M%S}{thousandths:03}.{tag}_csv.zip",
                select=select,
                lines=lines,
                stamp=stamp,
            )


def _yearly(span: Span) -> Iterator[File]:
    """A book of twelve sheets a year, and sheets as people save them.

    All are saved where no book is written, which is under packaging csv.gz, else the first where
    files overlap. Months without rows have a header only, as in a year to come.
    """
    months = [
        (month, [line for _, lines in days for line in lines])
        for month, days in groupby(span.by_day(), key=lambda of_day: of_day[0].replace(day=1))
    ]
    if span.packaging == "csv.gz":
        saved = months
    else:
        saved = months[:1] if span.packaging == "csv" and span.request.options.overlap else []
    yield from (_saved_sheet(month, lines) for month, lines in saved)
    if span.packaging != "csv.gz":
        held = dict(months)
        for year in sorted({month.year for month in held}):
            for number, sheet in enumerate(SHEETS, start=1):
                yield _sheet(sheet, year, held.get(date(year, number, 1), []))


def _saved_sheet(month: date, lines: list[Line]) -> File:
    name = f"DAM-{month:%Y-%m}"
    select = _sheet_sql(decimal_sql("total", 2))
    return File(
        name=f"{name}.csv", archive=f"{name}.zip", select=select, lines=lines, where="is_in_book"
    )


def _sheet(name: str, year: int, lines: list[Line]) -> File:
    stem = f"rpt.00013060.0000000000000000.DAMLZHBSPP_{year}"
    return File(
        name=name,
        book=Book(stem, number_format="#,##0.00"),
        select=_sheet_sql(f"total / {TICKS}"),
        lines=lines,
        where="is_in_book",
    )


def _sheet_sql(price: str) -> str:
    return f"""
        select
            date_text as "Delivery Date",
            hour_ending as "Hour Ending",
            repeated as "Repeated Hour Flag",
            name as "Settlement Point",
            {price} as "Settlement Point Price"
        from prices
        order by
            start_us,
            name
    """


def _list(span: Span) -> Iterator[File]:
    posted = datetime.combine(span.request.start, time(14, 49, 18)) - timedelta(days=10)
    for name in LIST_HEADERS:
        yield File(
            name=f"{name}_{posted:%m%d%Y_%H%M%S}.csv",
            archive=f"rpt.00010008.0000000000000000.{posted:%Y%m%d.%H%M%S}482"
            ".SP_LIST_EB_MAPPING.zip",
            select=f"from {name}",
        )


# nodes counts settlement points of all types.
MARKET = Market(
    iso=ISO,
    zone=ZoneInfo("America/Chicago"),
    ticks=TICKS,
    reports=(
        Report(
            name=DAILY,
            files=partial(_postings, DAILY, "00012331", "DAMSPNP4190", time(12, 30), PRICES_SQL),
            places=POINTS,
            curve=DAY_AHEAD,
            datasets=(HOURLY,),
            cells=CELLS,
        ),
        Report(
            name=YEARLY,
            files=_yearly,
            places=POINTS,
            curve=DAY_AHEAD,
            datasets=(HOURLY,),
            cells=CELLS,
        ),
        Report(
            name=LAMBDA,
            files=partial(
                _postings, LAMBDA, "00013113", "DAMSYSLAMNP4523", time(12, 35), LAMBDA_SQL
            ),
            places=POINTS,
            curve=DAY_AHEAD,
            cells=CELLS,
        ),
        Report(name=LIST, files=_list, places=POINTS, tables=list_tables),
    ),
)
