"""SPP's market clearing prices of operating reserve: da-mcp, rtbm-mcp and rtbm-mcp-daily."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date

from ._ancillary import Service, service_curve, service_places, wide_sql
from ._common import FIVE_MINUTES
from ._market import Dataset, File, Line, Span
from ._output import decimal_sql
from ._spp_clock import printed_end

ISO = "SPP"
STAMP = "%m/%d/%Y %H:%M:%S"
ZONES = ("1", "2", "3", "4", "5", "SPP")
# Ramp had columns a few days before it had prices.
RAMP_COLUMNS_SINCE, RAMP_SINCE = date(2022, 2, 25), date(2022, 3, 1)
UNCERTAINTY_SINCE = date(2023, 7, 6)

# The products by their names, each with its standard one and the delivery day of its first price.
_RESERVE = {"Spin": ("SPIN", date.min), "Supp": ("NON_SPIN", date.min)}
_RAMP = {"RampUP": ("RAMP_UP", RAMP_SINCE), "RampDN": ("RAMP_DOWN", RAMP_SINCE)}
_UNCERTAINTY = {"UncUP": ("UNCERTAINTY_UP", UNCERTAINTY_SINCE)}
_DAY_AHEAD = {
    "RegUP": ("REG_UP", date.min),
    "RegDN": ("REG_DOWN", date.min),
    **_RESERVE,
    **_RAMP,
    **_UNCERTAINTY,
}
_REAL_TIME = {
    "RegUPService": ("REG_UP", date.min),
    "RegDNService": ("REG_DOWN", date.min),
    "RegUpMile": ("REG_MILEAGE_UP", date.min),
    "RegDNMile": ("REG_MILEAGE_DOWN", date.min),
    **_RAMP,
    **_RESERVE,
    **_UNCERTAINTY,
}
_COLUMNS_SINCE = {
    **dict.fromkeys(_RAMP, RAMP_COLUMNS_SINCE),
    **dict.fromkeys(_UNCERTAINTY, UNCERTAINTY_SINCE),
}
# Names of columns that are not those of their products.
_HEADINGS = {"RegDNMile": " RegDNMile"}


def _services(products: Mapping[str, tuple[str, date]]) -> tuple[Service, ...]:
    return tuple(
        Service(
            product=product,
            standard=standard,
            region=zone,
            unit="$/MW-mile" if "MILEAGE" in standard else "$/MW",
            first_day=first_day,
        )
        for product, (standard, first_day) in products.items()
        for zone in ZONES
    )


_SERVICES = _services(_DAY_AHEAD)
_REAL_TIME_SERVICES = _services(_REAL_TIME)
PLACES = service_places("services", _SERVICES)
REAL_TIME_PLACES = service_places("real_time_services", _REAL_TIME_SERVICES)
DAY_AHEAD = service_curve(ISO, _SERVICES, cent=100)
REAL_TIME = service_curve(ISO, _REAL_TIME_SERVICES, cent=100, market_type="RT", length=FIVE_MINUTES)
HOURLY = Dataset(name="as_hourly")
FIVE_MINUTE = Dataset(name="as_5min")


def daily_files(span: Span) -> Iterator[File]:
    """Day-ahead prices, a file for each day."""
    for day, lines in span.by_day():
        stamp = f"{day:%Y%m%d}0100"
        yield _file(f"DA-MCP-{stamp}.csv", day, _DAY_AHEAD, lines, stamp)


def interval_files(span: Span) -> Iterator[File]:
    """A file for each interval of the first day and every second one; the others come by day only.

    It is named by its local end, with a `d` behind it when the clock shows that for the second
    time.
    """
    for day, lines in span.by_day(FIVE_MINUTES)[::2]:
        for line in lines:
            end = printed_end(line.interval, FIVE_MINUTES)
            again = "d" if line.interval.is_second_pass else ""
            yield _file(f"RTBM-MCP-{end:%Y%m%d%H%M}{again}.csv", day, _REAL_TIME, [line])


def real_time_daily_files(span: Span) -> Iterator[File]:
    """A file for each day, so that the prices of every second day come twice."""
    for day, lines in span.by_day(FIVE_MINUTES):
        yield _file(f"RTBM-MCP-DAILY-{day:%Y%m%d}.csv", day, _REAL_TIME, lines)


def _file(
    name: str,
    day: date,
    products: Mapping[str, object],
    lines: Sequence[Line],
    stamp: str = "",
) -> File:
    return File(
        name=name,
        archive=f"{day:%Y}.zip",
        select=_select(product for product in products if _has_column(product, day)),
        lines=lines,
        stamp=stamp,
    )


def _has_column(product: str, day: date) -> bool:
    return _COLUMNS_SINCE.get(product, date.min) <= day


def _select(products: Iterable[str]) -> str:
    columns = {_HEADINGS.get(product, product): f"product = '{product}'" for product in products}
    return f"""
        select
            strftime(local_end, '{STAMP}') as "Interval",
            strftime(gmt_end, '{STAMP}') as "GMTIntervalEnd",
            region as "Reserve Zone",
            {wide_sql(decimal_sql("price", 4), columns)}
        from prices
        group by
            start_us,
            local_end,
            gmt_end,
            region
        order by
            start_us,
            region
    """
