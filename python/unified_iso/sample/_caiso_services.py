"""CAISO's prices of ancillary services: its products by region, and the lines of prc_as and others.

Shapes a reader must get right: a day-ahead file has one product and is cut in Greenwich time, so in
summer it ends within a trade date; hours and regions are in no order; trade hour 25 is the third of
its day; the item of a line has other words for some products than the column of the product.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import groupby

from ._ancillary import Service, service_curve, service_places
from ._caiso_locations import ISO
from ._common import HOUR, noise
from ._market import Curve, Dataset, File, Line, Span
from ._output import short_sql

CENT = 1_000
QUARTER = timedelta(minutes=15)
DAY_AHEAD_REPORT = "prc_as"
REAL_TIME_REPORT = "prc_intvl_as"
# Files begin and end at midnight of Pacific Standard Time, summer and winter.
CUT = time(8, tzinfo=UTC)

REGIONS = ("AS_CAISO", "AS_CAISO_EXP", "AS_NP26", "AS_NP26_EXP", "AS_SP26", "AS_SP26_EXP")
# Product with its unified name, the item of its lines, its unit and its highest price in cents.
PRODUCTS = (
    ("RU", "REG_UP", "RU_CLR_PRC", "$/MW", 3000),
    ("RD", "REG_DOWN", "RD_CLR_PRC", "$/MW", 2000),
    ("SR", "SPIN", "SP_CLR_PRC", "$/MW", 1500),
    ("NR", "NON_SPIN", "NS_CLR_PRC", "$/MW", 600),
    ("RMU", "REG_MILEAGE_UP", "RMU_CLR_PRC", "$/MW-mile", 30),
    ("RMD", "REG_MILEAGE_DOWN", "RMD_CLR_PRC", "$/MW-mile", 30),
)
SERVICES = tuple(
    Service(product=product, standard=standard, region=region, unit=unit, highest=highest)
    for product, standard, _, unit, highest in PRODUCTS
    for region in REGIONS
)
_ITEMS = {product: item for product, _, item, _, _ in PRODUCTS}
PLACES = service_places(
    "services", SERVICES, {"item varchar": lambda service: _ITEMS[service.product]}
)
# Prices have up to five decimals, unless they are 0; those of an hour are spread by a prime.
_FORMULAS = {
    "price": "if(prices[service_number] = 0, 0, prices[service_number]"
    " + start_us // 900000000 * service_number % 997)"
}


def _curve(curve: Curve) -> Curve:
    return replace(curve, formulas=_FORMULAS)


DAY_AHEAD = _curve(service_curve(ISO, SERVICES, cent=CENT))
REAL_TIME = _curve(service_curve(ISO, SERVICES, cent=CENT, market_type="RT", length=QUARTER))
HOURLY = Dataset(name="as_hourly")
QUARTERS = Dataset(name="as_15min")

_SCRAMBLED = "md5(start_us || region || product)"


def _day_ahead_sql(first: date) -> str:
    return f"""
        select
            interval_start as "INTERVALSTARTTIME_GMT",
            interval_end as "INTERVALENDTIME_GMT",
            delivery_date as "OPR_DT",
            opr_hr as "OPR_HR",
            0 as "OPR_INTERVAL",
            'Hourly' as "OPR_TYPE",
            product as "ANC_TYPE",
            region as "ANC_REGION",
            'DAM' as "MARKET_RUN_ID",
            item as "XML_DATA_ITEM",
            {short_sql("price", 5)} as "MW",
            delivery_date - date '{first}' + 1 as "GROUP"
        from prices
        order by
            delivery_date,
            {_SCRAMBLED}
    """


# What OPR_TYPE says in real time was seen nowhere, and nothing reads it.
_REAL_TIME_SQL = f"""
    select
        interval_start as "INTERVALSTARTTIME_GMT",
        interval_end as "INTERVALENDTIME_GMT",
        delivery_date as "OPR_DT",
        opr_hr as "OPR_HR",
        'Interval' as "OPR_TYPE",
        product as "ANC_TYPE",
        item as "XML_DATA_ITEM",
        'RTM' as "MARKET_RUN_ID",
        {short_sql("price", 5)} as "MW",
        region as "ANC_REGION",
        opr_interval as "OPR_INTERVAL",
        1 as "GROUP"
    from prices
    order by {_SCRAMBLED}
"""


def day_ahead_files(span: Span) -> Iterator[File]:
    """A file for each product and window of days_per_file days in Greenwich time."""
    lines = span.lines()
    days = span.request.options.days_per_file

    def window(line: Line) -> int:
        cut = datetime.combine(span.request.start, CUT)
        # In summer an hour lies before the first cut, and the first window has it too.
        return max(0, (line.interval.utc - cut) // timedelta(days))

    for _, held in groupby(lines, key=window):
        kept = list(held)
        first, last = kept[0].interval, kept[-1].interval
        dates = f"{first.utc:%Y%m%d}_{last.utc + HOUR:%Y%m%d}"
        for number, (product, *_) in enumerate(PRODUCTS):
            stem = f"{dates}_PRC_AS_DAM_{_taken(last.day, product, number)}_v12"
            yield File(
                name=f"{stem}.csv",
                archive=f"{stem}.zip",
                select=_day_ahead_sql(first.day),
                lines=kept,
                where=f"product = '{product}'",
            )


def _taken(day: date, name: str, number: int) -> str:
    """When a file was downloaded; those of a day one after the other, for names tell them apart."""
    midnight = datetime.combine(day + timedelta(1), time())
    seconds = 10_000 * number + noise(0, 9_999, ISO, "services", day, name)
    return f"{midnight + timedelta(seconds=seconds):%Y%m%d_%H_%M_%S}"


def real_time_files(span: Span) -> Iterator[File]:
    """A file for each operating hour."""
    for utc, held in groupby(span.lines(QUARTER), key=lambda line: line.interval.hour.utc):
        lines = list(held)
        first = lines[0].interval
        hour = 25 if first.is_second_pass else first.local.hour + 1
        dates = f"{first.day:%Y%m%d}_{first.day:%Y%m%d}"
        stem = f"{dates}_PRC_INTVL_AS_RTM_{hour:02}_{_taken(first.day, f'{utc}', 0)}_v1"
        yield File(name=f"{stem}.csv", archive=f"{stem}.zip", select=_REAL_TIME_SQL, lines=lines)
