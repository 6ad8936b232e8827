"""ERCOT's settlement point prices, day-ahead and real-time, and its yearly workbooks of both.

Shapes a reader must get right: hour ending labels with 24:00 on the same date, a flag on the second
pass of the repeated hour, a blank before each price, no components; hubs and load zones stand in
the daily file and in the workbook; a day can be posted twice. In real time there is a file for each
quarter of an hour, load zones and DC ties have two prices, and system lambda comes by SCED run.
Capacity prices come by day, in a line for each product, and by year, with a column for each.

By name also gridstatus_lmp, the real-time prices as the gridstatus library prints them.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime, time, timedelta
from functools import partial
from itertools import groupby
from zoneinfo import ZoneInfo

from . import _ercot_services as services
from . import _gridstatus
from ._common import FIVE_MINUTES, HOUR, SECOND, Interval, market_intervals, noise
from ._energy import ENERGY, PRICE_COLUMNS, day_ahead, hour_prices, real_time, real_time_prices
from ._ercot_points import ISO, LIST_HEADERS, POINTS, REAL_TIME_POINTS, list_tables
from ._market import Book, Curve, Dataset, File, Line, Market, Report, Span
from ._output import decimal_sql, short_sql

ZONE = ZoneInfo("America/Chicago")
TICKS = 100
LAMBDA_TICKS = 1_000_000

DAILY = "np4-190-cd"
YEARLY = "np4-180-er"
LAMBDA = "np4-523-cd"
LIST = "np4-160-sg"
QUARTERLY = "np6-905-cd"
YEARLY_QUARTERS = "np6-785-er"
RUNS = "np6-322-cd"
DAILY_SERVICES = "np4-188-cd"
YEARLY_SERVICES = "np4-181-er"

QUARTER = timedelta(minutes=15)
# Files come with one lambda and with a capped and an uncapped one, and the day of the change is not
# known: here it is the day on which real-time prices of services begin.
TWO_LAMBDAS_SINCE = date(2025, 12, 5)

SHEETS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def _system_lambda(hour: Interval) -> int:
    energy = hour_prices(ISO, hour, cent=1).energy
    return energy * LAMBDA_TICKS // TICKS + noise(-4_000, 4_000, ISO, "lambda", hour.utc)


def _runs(interval: Interval) -> list[tuple[timedelta, int]]:
    """How long after the start of five minutes SCED runs, and the lambda of each run.

    Some five minutes have two runs. Lambdas are even in their fifth decimal, so that the mean of a
    quarter is never half-way between two numbers of six.
    """
    energy = real_time_prices(ISO, interval, cent=1).energy * LAMBDA_TICKS // TICKS
    seconds = [noise(8, 50, ISO, "run", interval.utc)]
    if noise(0, 5, ISO, "extra run", interval.utc) == 0:
        seconds.append(seconds[0] + noise(60, 200, ISO, "later", interval.utc))
    return [
        (second * SECOND, energy + 20 * noise(-50_000, 50_000, ISO, "run", interval.utc, second))
        for second in seconds
    ]


def _mean_lambda(quarter: Interval) -> int:
    """The mean over the seconds of a quarter of the last run at each of them."""
    runs = [run for steps in range(-1, 3) for run in _runs_from(quarter.utc + steps * FIVE_MINUTES)]
    prices = [
        max(run for run in runs if run[0] <= quarter.utc + second * SECOND)[1]
        for second in range(QUARTER // SECOND)
    ]
    return (2 * sum(prices) + len(prices)) // (2 * len(prices))


def _runs_from(utc: datetime) -> list[tuple[datetime, int]]:
    """Start and lambda of the runs in five minutes from an instant."""
    local = utc.astimezone(ZONE).replace(tzinfo=None, fold=0)
    interval = Interval(utc, local, "N")
    return [(utc + after, price) for after, price in _runs(interval)]


def _run_cells(interval: Interval, _revised: bool) -> tuple[object, ...]:
    """Stamp and lambda of the first run of five minutes, and of the second one or nulls."""
    cells = [
        (f"{interval.local + after:%m/%d/%Y %H:%M:%S}", price) for after, price in _runs(interval)
    ]
    first, second = (*cells, (None, None))[:2]
    return (*first, *second)


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
# The runs belong to no place; each line of their report is five minutes.
SCED = Curve(
    family=ENERGY,
    columns="stamp varchar, run_lambda bigint, second_stamp varchar, second_lambda bigint",
    values=_run_cells,
    market_type="RT",
    length=FIVE_MINUTES,
)
REAL_TIME = Curve(
    family=ENERGY,
    columns=PRICE_COLUMNS,
    values=real_time(ISO, cent=1),
    market_type="RT",
    length=QUARTER,
    more={"system_lambda bigint": _mean_lambda},
    formulas={"total": "energy + congestion"},
)
QUARTERS = Dataset(
    name="rt_energy_15min",
    columns=HOURLY.columns,
    beside={
        RUNS: {"system_lambda": f"system_lambda / {LAMBDA_TICKS}"},
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


QUARTER_CELLS = {
    "date_text varchar": CELLS["date_text varchar"],
    "hour_number varchar": lambda line: str(line.interval.local.hour + 1),
    "quarter_number varchar": lambda line: str(line.interval.local.minute // 15 + 1),
    "repeated varchar": CELLS["repeated varchar"],
}
QUARTER_SQL = f"""
    select
        date_text as DeliveryDate,
        hour_number as DeliveryHour,
        quarter_number as DeliveryInterval,
        printed_name as SettlementPointName,
        printed_type as SettlementPointType,
        {short_sql("total", 2)} as SettlementPointPrice,
        repeated as DSTFlag
    from prices
    order by
        printed_name,
        md5(printed_type || start_us)
"""


def _runs_sql(names: Sequence[str]) -> str:
    prices = ", ".join(f"{short_sql('price', 6)} as {name}" for name in names)
    return f"""
        select
            printed as SCEDTimeStamp,
            repeated as RepeatedHourFlag,
            {prices}
        from (
            select start_us, stamp as printed, repeated, run_lambda as price
            from lines
            union all
            select start_us, second_stamp, repeated, second_lambda
            from lines
            where second_stamp is not null
        )
        order by
            start_us,
            printed
    """


def _quarters(span: Span) -> Iterator[File]:
    """A file for each quarter of an hour, posted after it; some are posted again."""
    for line in span.lines(QUARTER):
        interval = line.interval
        end = interval.local + QUARTER
        first = end + noise(120, 170, ISO, QUARTERLY, interval.utc) * SECOND
        is_posted_twice = span.request.options.overlap and noise(0, 39, ISO, interval.utc) == 0
        again = ((first + timedelta(minutes=4), "_retry"),) if is_posted_twice else ()
        for posted, retry in ((first, ""), *again):
            tag = f"SPPHLZNP6905{retry}_{end:%Y%m%d_%H%M}{'xhr' if interval.is_second_pass else ''}"
            number = 820_000_000 + noise(0, 999_999, ISO, posted)
            yield File(
                name=f"cdr.00012301.0000000000000000.{posted:%Y%m%d.%H%M%S}.{tag}.csv",
                archive=f"00012301_{posted:%Y%m%d_%H%M%S}412_{number}.zip",
                select=QUARTER_SQL,
                lines=[line],
                stamp=f"{posted:%Y%m%d.%H%M%S}",
            )


def _merged_runs(span: Span) -> Iterator[File]:
    """The runs of a day in a file each, as people merge them.

    The first has the last run of the day before, which is in force when the day begins.
    """
    *_, before = market_intervals(span.zone, span.request.start - timedelta(1), 1, FIVE_MINUTES)
    carried = [Line(before)]
    for day, lines in span.by_day(FIVE_MINUTES):
        names = ("CappedSystemLambda", "UncappedSystemLambda")
        name = f"np6-322-cd {day:%Y-%m-%d}"
        yield File(
            name=f"{name}.csv",
            archive=f"{name}.zip",
            select=_runs_sql(names if day >= TWO_LAMBDAS_SINCE else ("SystemLambda",)),
            lines=[*carried, *lines],
        )
        carried = []


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


def _yearly(
    length: timedelta, stem: str, saved_as: str, sheet_sql: Callable[[str], str], span: Span
) -> Iterator[File]:
    """A book of twelve sheets a year, and sheets as people save them.

    All are saved where no book is written, which is under packaging csv.gz, else the first where
    files overlap. Months without rows have a header only, as in a year to come.
    """
    months = [
        (month, [line for _, lines in days for line in lines])
        for month, days in groupby(span.by_day(length), key=lambda of_day: of_day[0].replace(day=1))
    ]
    if span.packaging == "csv.gz":
        saved = months
    else:
        saved = months[:1] if span.packaging == "csv" and span.request.options.overlap else []
    in_csv = sheet_sql(decimal_sql("total", 2))
    yield from (_saved_sheet(f"{saved_as}-{month:%Y-%m}", in_csv, lines) for month, lines in saved)
    if span.packaging != "csv.gz":
        held = dict(months)
        for year in sorted({month.year for month in held}):
            for number, sheet in enumerate(SHEETS, start=1):
                yield File(
                    name=sheet,
                    book=Book(f"rpt.{stem}_{year}", number_format="#,##0.00"),
                    select=sheet_sql(f"total / {TICKS}"),
                    lines=held.get(date(year, number, 1), []),
                    where="is_in_book",
                )


def _saved_sheet(name: str, select: str, lines: list[Line]) -> File:
    return File(
        name=f"{name}.csv", archive=f"{name}.zip", select=select, lines=lines, where="is_in_book"
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


def _quarter_sheet_sql(price: str) -> str:
    return f"""
        select
            date_text as "Delivery Date",
            hour_number::bigint as "Delivery Hour",
            quarter_number::bigint as "Delivery Interval",
            repeated as "Repeated Hour Flag",
            printed_name as "Settlement Point Name",
            printed_type as "Settlement Point Type",
            {price} as "Settlement Point Price"
        from prices
        order by
            start_us,
            printed_name,
            printed_type
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


_LIBRARY_TYPE = """
    case point_type
        when 'HUB' then 'Trading Hub'
        when 'ZONE' then 'Load Zone'
        when 'DC_TIE' then 'Load Zone DC Tie'
        else 'Resource Node'
    end || if(ends_with(name, '_EW'), ' Energy Weighted', '')
"""


def _gridstatus_report() -> Report:
    """The library names its price as ERCOT does, and has the columns in another order."""
    market, location, location_type = _gridstatus.PLACED_BY_NAME.items()
    return _gridstatus.report(
        ISO,
        ZONE,
        REAL_TIME_POINTS,
        REAL_TIME,
        (QUARTERS,),
        (
            _gridstatus.Kind("zone", "is_in_book", _LIBRARY_TYPE, "hosted"),
            _gridstatus.Kind("node", "not is_in_book", _LIBRARY_TYPE),
        ),
        {**dict((location, location_type, market)), "SPP": f"total / {TICKS}"},
    )


# nodes counts settlement points of all types.
MARKET = Market(
    iso=ISO,
    zone=ZONE,
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
            files=partial(_yearly, HOUR, "00013060.0000000000000000.DAMLZHBSPP", "DAM", _sheet_sql),
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
        Report(
            name=QUARTERLY,
            files=_quarters,
            places=REAL_TIME_POINTS,
            curve=REAL_TIME,
            datasets=(QUARTERS,),
            cells=QUARTER_CELLS,
            by_default=False,
        ),
        Report(
            name=YEARLY_QUARTERS,
            files=partial(
                _yearly,
                QUARTER,
                "00013061.0000000000000000.RTMLZHBSPP",
                "RTM",
                _quarter_sheet_sql,
            ),
            places=REAL_TIME_POINTS,
            curve=REAL_TIME,
            datasets=(QUARTERS,),
            cells=QUARTER_CELLS,
            by_default=False,
        ),
        Report(
            name=RUNS,
            files=_merged_runs,
            places=REAL_TIME_POINTS,
            curve=SCED,
            cells={"repeated varchar": CELLS["repeated varchar"]},
            by_default=False,
        ),
        Report(
            name=DAILY_SERVICES,
            files=partial(
                _postings,
                DAILY_SERVICES,
                "00012329",
                "DAMCPCNP4188",
                time(12, 30),
                services.DAILY_SQL,
            ),
            places=services.PLACES,
            curve=services.DAY_AHEAD,
            datasets=(services.HOURLY,),
            cells=CELLS,
            by_default=False,
        ),
        Report(
            name=YEARLY_SERVICES,
            files=services.yearly_files,
            places=services.PLACES,
            curve=services.DAY_AHEAD,
            datasets=(services.HOURLY,),
            cells=CELLS,
            by_default=False,
        ),
        Report(
            name=services.QUARTERLY,
            files=services.quarter_files,
            places=services.PLACES,
            curve=services.REAL_TIME,
            datasets=(services.QUARTERS,),
            cells=QUARTER_CELLS,
            by_default=False,
        ),
        _gridstatus_report(),
        Report(name=LIST, files=_list, places=POINTS, tables=list_tables),
    ),
)
