"""NYISO's prices of ancillary services by zone: damasp by hour, rtasp by dispatch run."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from ._ancillary import Service, service_curve, service_places, wide_sql
from ._common import FIVE_MINUTES
from ._market import EVERYWHERE, Dataset, File, Line, Span
from ._nyiso_runs import ZONE, end_of, end_us, run_files, stamp_of_end
from ._output import decimal_sql

ISO = "NYISO"
DAILY, RUNS = "damasp", "rtasp"
ZONES = {
    61752: "WEST",
    61753: "GENESE",
    61754: "CENTRL",
    61755: "NORTH",
    61756: "MHK VL",
    61757: "CAPITL",
    61758: "HUD VL",
    61759: "MILLWD",
    61760: "DUNWOD",
    61761: "N.Y.C.",
    61762: "LONGIL",
}
# Zones that have the prices of reserve of another one.
_RESERVE_OF = {
    **dict.fromkeys(("GENESE", "CENTRL", "NORTH", "MHK VL"), "WEST"),
    **dict.fromkeys(("MILLWD", "DUNWOD", "LONGIL"), "HUD VL"),
}
_CONTROL_AREA = "NYCA"


def _services(product: str, standard: str, unit: str = "$/MW") -> tuple[Service, ...]:
    """A product in all zones; regulation has one price, which is repeated in each."""
    return tuple(
        Service(
            product=product,
            standard=standard,
            region=zone,
            unit=unit,
            priced_in=_CONTROL_AREA
            if product.startswith(_CONTROL_AREA)
            else _RESERVE_OF.get(zone, zone),
        )
        for zone in ZONES.values()
    )


_SERVICES = (
    *_services("10 Min Spinning Reserve", "SPIN"),
    *_services("10 Min Non-Synchronous Reserve", "NON_SPIN"),
    *_services("30 Min Operating Reserve", "SUPP"),
    *_services("NYCA Regulation Capacity", "REG"),
)
_REAL_TIME_SERVICES = (
    *_SERVICES,
    *_services("NYCA Regulation Movement", "REG_MILEAGE", "$/MW-mile"),
)
_PTIDS = {zone: ptid for ptid, zone in ZONES.items()}
_PTID: Mapping[str, Callable[[Service], object]] = {
    "ptid bigint": lambda service: _PTIDS[service.region]
}
PLACES = service_places("services", _SERVICES, _PTID)
REAL_TIME_PLACES = service_places("real_time_services", _REAL_TIME_SERVICES, _PTID)
DAY_AHEAD = service_curve(ISO, _SERVICES, cent=1)
REAL_TIME = replace(
    service_curve(ISO, _REAL_TIME_SERVICES, cent=1, market_type="RT", length=FIVE_MINUTES),
    more={"end_us bigint": end_us},
)
HOURLY = Dataset(name="as_hourly")
DISPATCHED = Dataset(name="as_5min", columns={"interval_end_utc": "make_timestamptz(end_us)"})

CELLS: dict[str, Callable[[Line], object]] = {
    "stamp varchar": lambda line: f"{line.interval.local:%m/%d/%Y %H:%M}",
    "mark varchar": lambda line: f"{line.interval.utc.astimezone(ZONE):%Z}",
}
# The mark is that of the end, as the stamp is.
RUN_CELLS: dict[str, Callable[[Line], object]] = {
    "stamp varchar": stamp_of_end,
    "mark varchar": lambda line: f"{end_of(line.interval).astimezone(ZONE):%Z}",
}


def _select(services: Sequence[Service]) -> str:
    units = {"REG_MILEAGE": "$/MW"}
    columns = {
        f"{service.product} ({units.get(service.standard, '$/MWHr')})": (
            f"product = '{service.product}'"
        )
        for service in services
    }
    return f"""
        select
            stamp as "Time Stamp",
            mark as "Time Zone",
            region as "Name",
            ptid as "PTID",
            {wide_sql(decimal_sql("price", 2), columns)}
        from prices
        group by
            start_us,
            stamp,
            mark,
            region,
            ptid
        order by
            start_us,
            region
    """


def daily_files(span: Span) -> Iterator[File]:
    """A day each, as the archive has them; its zips hold a month."""
    for day, lines in span.by_day():
        yield File(
            name=f"{day:%Y%m%d}{DAILY}.csv",
            archive=f"{day:%Y%m}01{DAILY}_csv.zip",
            select=_select(_SERVICES),
            lines=lines,
        )


def dispatch_files(span: Span) -> Iterator[File]:
    """A day each, and the last one once more as it was before it was over."""
    return run_files(RUNS, _select(_REAL_TIME_SERVICES), EVERYWHERE, span)
