"""ISO-NE's prices of reserve, daasreservedata and fiveminreserveprice, and of regulation."""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta

from ._ancillary import ANCILLARY, Service, service_curve, service_places, wide_sql
from ._common import FIVE_MINUTES, Interval, noise
from ._isone_clock import daily_label
from ._isone_frame import head, trailer
from ._isone_locations import ISO
from ._isone_smd import CELLS as WORKBOOK_CELLS
from ._isone_smd import FIRST_RENAMED_YEAR, POOL, SHEETS
from ._market import Curve, Dataset, File, Line, Span

DAILY, FIVE_MINUTE_FILES = "daasreservedata", "fiveminreserveprice"
# Before, the day-ahead report has no lines.
DAY_AHEAD_SINCE = date(2025, 3, 1)
SPINNING = "Ten Minute Spinning Reserve"
_RESERVES = {SPINNING: "SPIN", "Ten Minute Reserve": "NON_SPIN", "Total Thirty Reserve": "SUPP"}
_ZONE_IDS = {"ROS": 7000, "SWCT": 7001, "CT": 7002, "NEMABSTN": 7003}
_REGULATION = {"Reg_Service_Price": "service bigint", "Reg_Capacity_Price": "capacity bigint"}

_DAY_AHEAD = tuple(
    Service(product=product, standard=standard, region="7000", first_day=DAY_AHEAD_SINCE)
    for product, standard in (*_RESERVES.items(), ("FER", "FER"))
)
_REAL_TIME = tuple(
    Service(product=product, standard=standard, region=zone)
    for product, standard in _RESERVES.items()
    for zone in _ZONE_IDS
)
# Before, the workbook has regulation prices of another market, which are not read.
REGULATION_SINCE = date(FIRST_RENAMED_YEAR, 1, 1)
_OF_THE_POOL = (
    Service(
        product="Reg_Service_Price",
        standard="REG_MILEAGE",
        region=SHEETS[POOL],
        unit="$/MW-mile",
        first_day=REGULATION_SINCE,
    ),
    Service(
        product="Reg_Capacity_Price",
        standard="REG",
        region=SHEETS[POOL],
        first_day=REGULATION_SINCE,
    ),
)
PLACES = service_places("services", _DAY_AHEAD)
ZONES = service_places(
    "zonal_services",
    _REAL_TIME,
    {"zone_id integer": lambda service: _ZONE_IDS[service.region]},
)
# The workbook's files tell the location whose sheet they are.
REGULATION = service_places("regulation", _OF_THE_POOL, {"location_id integer": lambda _: POOL})
DAY_AHEAD = service_curve(ISO, _DAY_AHEAD, cent=1, has_quantities=True)
REAL_TIME = service_curve(
    ISO, _REAL_TIME, cent=1, market_type="RT", length=FIVE_MINUTES, has_quantities=True
)


def _regulation(hour: Interval, revised: bool) -> tuple[object, ...]:
    """What the workbook prints of the hour, in the parts of a dollar that it has them in."""
    return [WORKBOOK_CELLS[cell](Line(hour)) for cell in _REGULATION.values()], [None, None]


REGULATION_HOURS = Curve(
    family=ANCILLARY,
    columns="prices bigint[], quantities bigint[]",
    values=_regulation,
    market_type="RT",
)
# Of what has no price of its own the megawatts are no quantity of a price.
_QUANTITY = {"cleared_quantity_mw": f"if(product = '{SPINNING}', quantity / 10, null)"}
HOURLY = Dataset(
    name="as_hourly",
    columns={
        **_QUANTITY,
        "market_clearing_price": (
            f"if(region = '{SHEETS[POOL]}', round(price / 120, 10), price / 100)"
        ),
    },
)
FIVE_MINUTE = Dataset(name="as_5min", columns=_QUANTITY)

CELLS: dict[str, Callable[[Line], object]] = {
    # The second 02 of the fall day has no mark.
    "hour_label varchar": lambda line: daily_label(line.interval)[:2],
    "required bigint": lambda line: noise(600, 2400, "required", line.interval.utc),
}
_MEGAWATTS = f"max(quantity / 10) filter (where product = '{SPINNING}')"
_DAY_AHEAD_HEADING = {
    "Local Date": "Date",
    "Hour Ending": "HE",
    "Location ID": "String",
    "Ten Minute Spinning Reserve Requirement": "MW",
    "Total Ten Minute Reserve Requirement": "MW",
    "Total Thirty Minute Reserve Requirement": "MW",
    "Forecasted MW Requirement": "MW",
    "Ten Minute Spinning Reserve Clearing Price": "$",
    "Ten Minute Reserve Clearing Price": "$",
    "Total Thirty Reserve Clearing Price": "$",
    "FER Price": "$",
    "TMSR Designated MW": "MW",
    "TMNSR Designated MW": "MW",
    "TMOR Designated MW": "MW",
    "EIR Designated MW": "MW",
}
_REAL_TIME_HEADING = {
    "Local Time": "Time",
    " Reserve Zone ID": "ID",
    " Reserve Zone Name": "Name",
    " Ten-Minute Spinning Requirement": "MW",
    " Ten-Minute Requirement": "MW",
    " Total Requirement": "MW",
    " Ten Minute Spinning Reserve Designated MW": "MW",
    " Ten Minute Non Spinning Reserve Designated MW": "MW",
    " Thirty Minute OperatingReserve Designated MW": "MW",
    " Ten-Minute Spinning Reserve Clearing Price": "$",
    " Ten-Minute Reserve Clearing Price": "$",
    " Total Reserve Clearing Price": "$",
}


def _prices_sql(products: Mapping[str, str]) -> str:
    return wide_sql("price / 100", {product: f"product = '{product}'" for product in products})


_DAY_AHEAD_SQL = f"""
    select
        strftime(local_start, '"D","%m/%d/%Y","') || hour_label || '","' || region || '"',
        required,
        required * 2,
        required * 3,
        required * 9,
        {_prices_sql({**_RESERVES, "FER": "FER"})},
        {_MEGAWATTS},
        required / 4,
        required / 5,
        required / 10
    from prices
    group by
        start_us,
        local_start,
        hour_label,
        region,
        required
    order by start_us
"""
_REAL_TIME_SQL = f"""
    select
        strftime(local_start, '"D","%m/%d/%Y %H:%M:%S","') || zone_id || '","' || region || '"',
        required,
        required * 2,
        required * 3,
        {_MEGAWATTS},
        required / 4,
        required / 5,
        {_prices_sql(_RESERVES)}
    from prices
    group by
        start_us,
        local_start,
        zone_id,
        region,
        required
    order by
        start_us,
        zone_id
"""


def daily_files(span: Span) -> Iterator[File]:
    """A file for each day of day-ahead prices, without a line before there were any."""
    title = "Day-Ahead Ancillary Services Reserve Data"
    for day, of_day in span.by_day():
        lines = of_day if day >= DAY_AHEAD_SINCE else []
        generated = datetime.combine(day, time(), UTC) - timedelta(hours=7)
        name = f"{DAILY}_{day:%Y%m%d}.csv"
        yield File(
            name=name,
            archive=f"{DAILY}_{day:%Y%m}.zip",
            select=_DAY_AHEAD_SQL,
            lines=lines,
            above=head(title, name, day, generated, _DAY_AHEAD_HEADING),
            below=trailer(len(lines)),
        )


def five_minute_files(span: Span) -> Iterator[File]:
    """A file for each day of real-time prices."""
    title = "Five-Minute Reserve Zone Prices & Designation final version"
    for day, lines in span.by_day(FIVE_MINUTES):
        generated = datetime.combine(day, time(), UTC) + timedelta(hours=40)
        name = f"{FIVE_MINUTE_FILES}_{day:%Y%m%d}.csv"
        yield File(
            name=name,
            archive=f"{FIVE_MINUTE_FILES}_{day:%Y%m}.zip",
            select=_REAL_TIME_SQL,
            lines=lines,
            above=head(title, name, day, generated, _REAL_TIME_HEADING),
            below=trailer(len(lines) * len(_ZONE_IDS)),
        )
