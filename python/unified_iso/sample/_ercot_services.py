"""ERCOT's capacity prices: its products, and the lines of the reports that print them."""

from collections.abc import Iterator
from datetime import date, timedelta

from ._ancillary import Service, service_curve, service_places, wide_sql
from ._common import SECOND, noise
from ._market import Dataset, File, Line, Span
from ._output import short_sql

ISO = "ercot"
QUARTER = timedelta(minutes=15)
ECRS_SINCE = date(2023, 6, 10)
# Real time has had prices of its own since then.
REAL_TIME_SINCE = date(2025, 12, 5)
QUARTERLY = "np6-331-cd"

SERVICES = (
    Service(product="REGUP", standard="REG_UP", region="ERCOT"),
    Service(product="REGDN", standard="REG_DOWN", region="ERCOT", highest=1500),
    Service(product="RRS", standard="SPIN", region="ERCOT"),
    Service(product="NSPIN", standard="NON_SPIN", region="ERCOT", highest=900_000),
    Service(product="ECRS", standard="ECRS", region="ERCOT", first_day=ECRS_SINCE),
)
PLACES = service_places("services", SERVICES)
DAY_AHEAD = service_curve(ISO, SERVICES, cent=1)
REAL_TIME = service_curve(ISO, SERVICES, cent=1, market_type="RT", length=QUARTER)
HOURLY = Dataset(name="as_hourly")
QUARTERS = Dataset(name="as_15min")

_PRICE = short_sql("price", 2)
# Products of an hour come in an order of its own.
DAILY_SQL = f"""
    select
        date_text as DeliveryDate,
        hour_ending as HourEnding,
        product as AncillaryType,
        {_PRICE} as MCPC,
        repeated as DSTFlag
    from prices
    where price is not null
    order by
        start_us,
        md5(product || start_us)
"""
_QUARTER_SQL = f"""
    select
        date_text as DeliveryDate,
        hour_number as DeliveryHour,
        quarter_number as DeliveryInterval,
        repeated as RepeatedHourFlag,
        product as ASType,
        {_PRICE} as MCPC
    from prices
    order by product
"""


def yearly_files(span: Span) -> Iterator[File]:
    """A csv for each year, with a column for each product that has been traded in it."""
    years: dict[int, list[Line]] = {}
    for day, lines in span.by_day():
        years.setdefault(day.year, []).extend(lines)
    for year, lines in years.items():
        yield File(
            name=f"DAMASMCPC_{year}.csv",
            archive=f"rpt.00013091.0000000000000000.DAMASMCPC_{year}.zip",
            select=_year_sql(year),
            lines=lines,
        )


def _year_sql(year: int) -> str:
    headings = {"REGDN": "REGDN", "REGUP ": "REGUP", "RRS": "RRS", "NSPIN": "NSPIN"}
    if year >= ECRS_SINCE.year:
        headings["ECRS"] = "ECRS"
    columns = {heading: f"product = '{product}'" for heading, product in headings.items()}
    return f"""
        select
            date_text as "Delivery Date",
            hour_ending as "Hour Ending",
            repeated as "Repeated Hour Flag",
            {wide_sql(_PRICE, columns)}
        from prices
        group by
            date_text,
            hour_ending,
            repeated,
            start_us
        order by start_us
    """


def quarter_files(span: Span) -> Iterator[File]:
    """A file for each quarter of an hour since real time has prices, posted after it."""
    for line in span.lines(QUARTER):
        interval = line.interval
        if interval.day < REAL_TIME_SINCE:
            continue
        end = interval.local + QUARTER
        posted = end + noise(20, 70, ISO, QUARTERLY, interval.utc) * SECOND
        repeat = "xhr" if interval.is_second_pass else ""
        stem = f"00024898.0000000000000000.{posted:%Y%m%d.%H%M%S}.RTMCPCNP6331_{end:%Y%m%d_%H%M}"
        yield File(
            name=f"cdr.{stem}{repeat}.csv",
            archive=f"cdr.{stem}{repeat}_csv.zip",
            select=_QUARTER_SQL,
            lines=[line],
            stamp=f"{posted:%Y%m%d.%H%M%S}",
        )
