"""NYISO LBMPs in the CSV form of the public archive: by default damlbmp_zone and damlbmp_gen.

Shapes a reader must get right: congestion has the opposite sign, there is no energy price, local
stamps alone tell the time (01:00 is printed twice in autumn, one whole pass after the other), and
one location stands in both reports.

By name also rtlbmp_zone and rtlbmp_gen, hours in real time, and realtime_zone and realtime_gen,
whose stamps end intervals: dispatch runs off the five-minute grid make some of them shorter or
longer, a day's first one starts where the file of the day before ends, a few are missing, and the
last day comes once more as it was before it was over, with advisory prices at its end.

By name also gridstatus_lmp, the same prices as the gridstatus library prints them (names without
PTID, congestion with the usual sign, runs as the five minutes before their end), and generator, the
list that has both name and PTID; and the prices of ancillary services, damasp by hour of the day
ahead and rtasp by dispatch run.
"""

from collections.abc import Callable, Iterator
from dataclasses import astuple, dataclass, replace
from functools import partial
from typing import Literal

from . import _gridstatus
from . import _nyiso_services as services
from ._common import FIVE_MINUTES, HOUR, noise
from ._energy import (
    ENERGY,
    PRICE_COLUMNS,
    SENSITIVITY_COLUMNS,
    Sensitivity,
    day_ahead,
    real_time,
    sensitivity,
)
from ._market import (
    CRLF,
    LF,
    Curve,
    Dataset,
    File,
    Line,
    Market,
    Places,
    Report,
    Span,
)
from ._nyiso_runs import ZONE, dispatched, end_us, run_files, stamp_of_end
from ._nyiso_services import ZONES
from ._output import decimal_sql

ISO = "NYISO"
TICKS = 100

# The two reports of one market.
Kind = Literal["zone", "gen"]
GENERATOR = "generator"

PROXIES = {61844: "H Q", 61845: "NPX", 61846: "O H", 61847: "PJM"}
IN_BOTH_REPORTS = 61846
REFERENCE = (24008, "NYISO_LBMP_REFERENCE")
INVENTED_PTIDS = 390_001

_PLACES = (
    *("ALDER", "BIRCH", "CLEAR", "DEER", "EAGLE", "FALLEN", "GREEN", "HERON", "INDIGO", "JAY"),
    *("KETTLE", "LONG", "MOOSE", "NINE MI.", "OTTER", "PEBBLE", "QUIET", "RAVEN", "SILVER"),
)
_WATERS = ("BAY", "BROOK", "FALLS", "LAKE", "POND", "POINT", "RAPIDS", "SHORE")
_PLANTS = ("___1", "___2", "_WT_PWR", "___HYD", "_GT_1", "___COGEN", "__IC")


@dataclass(frozen=True, slots=True)
class Location:
    """A location, the reports it stands in, and the area whose congestion it shares."""

    ptid: int
    name: str
    type: str
    area: str
    reports: tuple[Kind, ...]
    pocket: bool = False

    @property
    def row(self) -> tuple[object, ...]:
        """The location's row of LOCATIONS."""
        return (
            self.ptid,
            self.name,
            self.type,
            self.area,
            "zone" in self.reports,
            "gen" in self.reports,
            *astuple(self._sensitivity()),
        )

    def _sensitivity(self) -> Sensitivity:
        if self.ptid == REFERENCE[0]:
            return Sensitivity(0, 0, 0, 0)
        return sensitivity(ISO, self.area, self.ptid, pocket=self.pocket)


def _locations(generators: int) -> Iterator[Location]:
    for ptid, name in ZONES.items():
        yield Location(ptid, name, "ZONE", name, ("zone",))
    for ptid, name in PROXIES.items():
        reports: tuple[Kind, ...] = ("zone", "gen") if ptid == IN_BOTH_REPORTS else ("zone",)
        yield Location(ptid, name, "INTERFACE", name, reports)
    yield Location(*REFERENCE, "NODE", "", ("gen",))
    yield from (_generator(number) for number in range(generators))


def _generator(number: int) -> Location:
    areas = tuple(ZONES.values())
    plant = _PLANTS[number % len(_PLANTS)]
    return Location(
        ptid=INVENTED_PTIDS + number,
        name=_generator_name(number, plant),
        type="NODE",
        area=areas[noise(0, len(areas) - 1, "generator", number)],
        reports=("gen",),
        pocket=plant == "_WT_PWR",
    )


def _generator_name(number: int, plant: str) -> str:
    rest, place = divmod(number, len(_PLACES))
    series, water = divmod(rest, len(_WATERS))
    return f"{_PLACES[place]} {_WATERS[water]}{plant}" + (f"_{series + 1}" if series else "")


LOCATIONS = Places(
    columns=f"""
        ptid bigint, name varchar, location_type varchar, area varchar, in_zone_report boolean,
        in_gen_report boolean, {SENSITIVITY_COLUMNS}
    """,
    rows=lambda generators: (location.row for location in _locations(generators)),
    published={
        "settlement_location": "name",
        "settlement_location_type": "location_type",
        "settlement_location_id": "ptid::varchar",
    },
)
DAY_AHEAD = Curve(family=ENERGY, columns=PRICE_COLUMNS, values=day_ahead(ISO, cent=1))

# Only zones, proxies and the reference bus have known PTIDs where a row comes from gridstatus;
# generators have theirs if the list is there, and in all reports their zone.
_IS_LISTED = f"ptid >= {INVENTED_PTIDS}"
_UNKNOWN = f"{_IS_LISTED} and {_gridstatus.IS_SOURCE}"
_PUBLISHED_ID = {"settlement_location_id": f"if({_UNKNOWN}, name, ptid::varchar)"}
_BESIDE_THE_LIST = {
    GENERATOR: {
        "settlement_location_id": "ptid::varchar",
        "zone": f"if({_IS_LISTED}, area, null)",
    }
}
HOURLY = Dataset(name="da_energy_hourly", columns=_PUBLISHED_ID, beside=_BESIDE_THE_LIST)
REAL_TIME = Dataset(name="rt_energy_hourly", columns=_PUBLISHED_ID, beside=_BESIDE_THE_LIST)
DISPATCHED = Dataset(
    name="rt_energy_5min",
    columns={**_PUBLISHED_ID, "interval_end_utc": "make_timestamptz(end_us)"},
    beside=_BESIDE_THE_LIST,
)
HOURS = Curve(family=ENERGY, columns=PRICE_COLUMNS, values=real_time(ISO, cent=1), market_type="RT")
RUNS = Curve(
    family=ENERGY,
    columns=PRICE_COLUMNS,
    values=real_time(ISO, cent=1),
    market_type="RT",
    length=FIVE_MINUTES,
    more={"end_us bigint": end_us},
)


def _select(in_quotes: bool) -> str:
    """SQL of the rows; real-time reports have texts and header in quotes."""
    quote = '"' if in_quotes else ""

    def quoted(text: str) -> str:
        return f"'{quote}' || {text} || '{quote}'"

    def header(name: str) -> str:
        return f'"{quote * 2}{name}{quote * 2}"'

    return f"""
        select
            {quoted("stamp")} as {header("Time Stamp")},
            {quoted("name")} as {header("Name")},
            ptid as {header("PTID")},
            {decimal_sql("total", 2)} as {header("LBMP ($/MWHr)")},
            {decimal_sql("loss", 2)} as {header("Marginal Cost Losses ($/MWHr)")},
            {decimal_sql("-congestion", 2)} as {header("Marginal Cost Congestion ($/MWHr)")}
        from prices
        order by
            start_us,
            name
    """


def _hourly_files(name: str, kind: Kind, in_quotes: bool, span: Span) -> Iterator[File]:
    """A day each whatever days_per_file says, as the archive has them; its zips hold a month."""
    for day, lines in span.by_day(HOUR):
        yield File(
            name=f"{day:%Y%m%d}{name}_{kind}.csv",
            archive=f"{day:%Y%m}01{name}_{kind}_csv.zip",
            select=_select(in_quotes),
            lines=lines,
            where=f"in_{kind}_report",
        )


def _generator_list(span: Span) -> Iterator[File]:
    yield File(
        name="generator.csv",
        archive="generator.zip",
        select="""
            select
                name as "Generator Name",
                ptid as "PTID",
                area as "Subzone",
                area as "Zone",
                42.5 as "Latitude",
                -75.25 as "Longitude"
            from places
            order by name
        """,
        where=_IS_LISTED,
    )


def _hourly_report(
    name: str, kind: Kind, curve: Curve, dataset: Dataset, line_end: str, by_default: bool = True
) -> Report:
    return Report(
        name=f"{name}_{kind}",
        files=partial(_hourly_files, name, kind, curve.market_type == "RT"),
        places=LOCATIONS,
        curve=curve,
        datasets=(dataset,),
        cells={"stamp varchar": lambda line: f"{line.interval.local:%m/%d/%Y %H:%M}"},
        line_end=line_end,
        by_default=by_default,
    )


def _dispatch_report(kind: Kind) -> Report:
    return Report(
        name=f"realtime_{kind}",
        files=partial(run_files, f"realtime_{kind}", _select(in_quotes=True), f"in_{kind}_report"),
        places=LOCATIONS,
        curve=RUNS,
        datasets=(DISPATCHED,),
        cells={"stamp varchar": stamp_of_end},
        line_end=CRLF,
        by_default=False,
    )


_ZONES = _gridstatus.Kind("zone", "in_zone_report", "'Zone'")
_GENERATORS = _gridstatus.Kind(
    "generator", "in_gen_report", f"if(name = '{REFERENCE[1]}', 'Reference Bus', 'Generator')"
)


def _gridstatus_report(
    curve: Curve,
    dataset: Dataset,
    layout: Literal["library", "hosted"] = "hosted",
    editions: Callable[[Span], Iterator[_gridstatus.Edition]] | None = None,
) -> Report:
    return _gridstatus.report(
        ISO,
        ZONE,
        LOCATIONS,
        curve,
        (dataset,),
        (replace(_ZONES, layout=layout), _GENERATORS),
        {**_gridstatus.PLACED_BY_NAME, **_gridstatus.priced(TICKS, negative_zeros=True)},
        editions=editions,
    )


def _dispatched_edition(span: Span) -> Iterator[_gridstatus.Edition]:
    lines = [Line(run) for run in dispatched(span)]
    yield _gridstatus.Edition(_gridstatus.word_of(RUNS), lines)


# nodes counts generators, beside the reference bus. The archive has both line ends.
MARKET = Market(
    iso=ISO,
    zone=ZONE,
    ticks=TICKS,
    reports=(
        _hourly_report("damlbmp", "zone", DAY_AHEAD, HOURLY, CRLF),
        _hourly_report("damlbmp", "gen", DAY_AHEAD, HOURLY, LF),
        _hourly_report("rtlbmp", "zone", HOURS, REAL_TIME, LF, by_default=False),
        _hourly_report("rtlbmp", "gen", HOURS, REAL_TIME, CRLF, by_default=False),
        _dispatch_report("zone"),
        _dispatch_report("gen"),
        _gridstatus_report(DAY_AHEAD, HOURLY, layout="library"),
        _gridstatus_report(HOURS, REAL_TIME),
        _gridstatus_report(RUNS, DISPATCHED, editions=_dispatched_edition),
        Report(
            name=services.DAILY,
            files=services.daily_files,
            places=services.PLACES,
            curve=services.DAY_AHEAD,
            datasets=(services.HOURLY,),
            cells=services.CELLS,
            by_default=False,
        ),
        Report(
            name=services.RUNS,
            files=services.dispatch_files,
            places=services.REAL_TIME_PLACES,
            curve=services.REAL_TIME,
            datasets=(services.DISPATCHED,),
            cells=services.RUN_CELLS,
            by_default=False,
        ),
        Report(name=GENERATOR, files=_generator_list, places=LOCATIONS, by_default=False),
    ),
)
