"""NYISO day-ahead LBMPs in the CSV form of the public archive: damlbmp_zone and damlbmp_gen.

Shapes a reader must get right: congestion has the opposite sign, there is no energy price, local
stamps alone tell the time (01:00 is printed twice in autumn, one whole pass after the other), and
one location stands in both reports.

By name also gridstatus_lmp, the same prices as the gridstatus library prints them (names without
PTID, congestion with the usual sign), and generator, the list that has both name and PTID.
"""

from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass, replace
from datetime import date
from typing import Literal
from zoneinfo import ZoneInfo

import duckdb

from . import _gridstatus
from ._common import (
    CONGESTION_SQL,
    HOUR,
    INTERVAL_COLUMNS,
    LOSS_SQL,
    PRICE_COLUMNS,
    SENSITIVITY_COLUMNS,
    Interval,
    Packaging,
    Request,
    Sensitivity,
    hour_prices,
    market_hours,
    noise,
    sensitivity,
)
from ._output import (
    CRLF,
    LF,
    EnergyTruth,
    Member,
    Task,
    decimal_sql,
    energy_truth_task,
    load_table,
    raw_tasks,
)

ISO = "NYISO"
ZONE = ZoneInfo("America/New_York")
DEFAULT_NODES = 40
TICKS = 100

Report = Literal["zone", "gen"]
# The archive has both line ends.
LINE_ENDS: dict[Report, str] = {"zone": CRLF, "gen": LF}
GENERATOR = "generator"
REPORTS = (*(f"damlbmp_{report}" for report in LINE_ENDS), _gridstatus.REPORT, GENERATOR)
# gridstatus's own words for the two.
LOCATION_TYPES: dict[Report, str] = {"zone": "Zone", "gen": "Generator"}

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
    reports: tuple[Report, ...]
    pocket: bool = False

    @property
    def row(self) -> tuple[object, ...]:
        """The location's row in the table nyiso_locations."""
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


def plan(con: duckdb.DuckDBPyConnection, request: Request) -> list[Task]:
    """Load NYISO's model and return the tasks writing its reports and the truth.

    nodes counts generators, beside the reference bus. Files hold one day whatever days_per_file
    says, as the archive has them; its zips hold a month.
    """
    reports = [report for report in LINE_ENDS if request.writes(f"damlbmp_{report}")]
    has_gridstatus = request.writes(_gridstatus.REPORT, default=False)
    has_list = request.writes(GENERATOR, default=False)
    if not (reports or has_gridstatus or has_list):
        return []
    hours = list(market_hours(ZONE, request.start, request.days))
    packaging = request.options.packaging
    named = list(LINE_ENDS) if has_gridstatus or has_list else reports
    _load_locations(con, request.nodes or DEFAULT_NODES, named)
    _load_hours(con, hours, packaging)
    days = sorted({hour.day for hour in hours})
    members = [_member(report, day) for report in reports for day in days]
    if has_gridstatus:
        members += [_gridstatus_member(report, request.start) for report in LINE_ENDS]
    if has_list:
        members.append(_generator_list())
    raw = raw_tasks(request.out, members, packaging)
    has_prices = reports or has_gridstatus
    return [*(_truth_tasks(request, reports, has_list) if has_prices else []), *raw]


def _load_locations(
    con: duckdb.DuckDBPyConnection, generators: int, reports: Sequence[Report]
) -> None:
    columns = f"""
        ptid bigint, name varchar, location_type varchar, area varchar, in_zone_report boolean,
        in_gen_report boolean, {SENSITIVITY_COLUMNS}
    """
    rows = (
        replace(location, reports=written).row
        for location in _locations(generators)
        if (written := tuple(report for report in location.reports if report in reports))
    )
    load_table(con, "nyiso_locations", columns, rows)


def _load_hours(
    con: duckdb.DuckDBPyConnection, hours: list[Interval], packaging: Packaging
) -> None:
    columns = f"""
        {INTERVAL_COLUMNS}, stamp varchar, zone_source varchar, gen_source varchar,
        version uinteger, {PRICE_COLUMNS}, {_gridstatus.STAMP_COLUMNS}
    """
    rows = (
        (
            *hour.row,
            f"{hour.local:%m/%d/%Y %H:%M}",
            _member("zone", hour.day).source(packaging),
            _member("gen", hour.day).source(packaging),
            1,
            *astuple(hour_prices(ISO, hour, cent=1)),
            *_gridstatus.stamps(hour, HOUR, ZONE),
        )
        for hour in hours
    )
    load_table(con, "nyiso_hours", columns, rows)


def _member(report: Report, day: date) -> Member:
    return Member(
        folder=f"nyiso/damlbmp_{report}",
        name=f"{day:%Y%m%d}damlbmp_{report}.csv",
        archive=f"{day:%Y%m}01damlbmp_{report}_csv.zip",
        select=_raw_sql(report, day),
        line_end=LINE_ENDS[report],
    )


def _raw_sql(report: Report, day: date) -> str:
    return f"""
        select
            stamp as "Time Stamp",
            name as "Name",
            ptid as "PTID",
            {decimal_sql("energy + congestion + loss", 2)} as "LBMP ($/MWHr)",
            {decimal_sql("loss", 2)} as "Marginal Cost Losses ($/MWHr)",
            {decimal_sql("-congestion", 2)} as "Marginal Cost Congestion ($/MWHr)"
        from (
            select
                *,
                {CONGESTION_SQL} as congestion,
                {LOSS_SQL} as loss
            from nyiso_hours
            cross join nyiso_locations
            where delivery_date = date '{day}'
            and in_{report}_report
        )
        order by
            start_us,
            name
    """


def _gridstatus_member(report: Report, start: date) -> Member:
    kind = LOCATION_TYPES[report]
    locations = f"""
        select
            *,
            name as location,
            case when name = '{REFERENCE[1]}' then 'Reference Bus' else '{kind}' end
                as location_kind
        from nyiso_locations
        where in_{report}_report
    """
    select = _gridstatus.lmp_sql(
        "nyiso_hours", locations, "DAY_AHEAD_HOURLY", ticks=TICKS, negative_zeros=True
    )
    return _gridstatus.member("nyiso", "DAY_AHEAD_HOURLY", kind.lower(), start, select)


def _generator_list() -> Member:
    select = f"""
        select
            name as "Generator Name",
            ptid as "PTID",
            area as "Subzone",
            area as "Zone",
            42.5 as "Latitude",
            -75.25 as "Longitude"
        from nyiso_locations
        where ptid >= {INVENTED_PTIDS}
        order by name
    """
    return Member(f"nyiso/{GENERATOR}", "generator.csv", "generator.zip", select, LF)


def _truth_tasks(request: Request, reports: Sequence[Report], has_list: bool) -> list[Task]:
    """The task that writes the truth.

    An own report goes before a file of gridstatus. Of what only the latter has, zones, proxies and
    the reference bus have known PTIDs; generators have theirs if the list is there.
    """
    if not request.options.truth:
        return []
    own = " or ".join(["false", *(f"in_{report}_report" for report in reports)])
    known = f"ptid < {INVENTED_PTIDS} or {own} or {has_list}"
    locations = f"""
        select
            name as settlement_location,
            case when {known} then ptid::varchar else name end as settlement_location_id,
            location_type as settlement_location_type,
            case when {has_list} and ptid >= {INVENTED_PTIDS} and not ({own}) then area end as zone,
            null::double as voltage_kv,
            in_zone_report,
            in_gen_report,
            shift_1,
            shift_2,
            shift_3,
            loss_ppm
        from nyiso_locations
    """
    truth = EnergyTruth(
        ISO, "nyiso_hours", locations, TICKS, data_source=_data_source(request, reports)
    )
    path = request.out / "truth" / "nyiso" / "da_energy_hourly.parquet"
    return [energy_truth_task(path, truth)]


def _data_source(request: Request, reports: Sequence[Report]) -> str:
    """SQL of the file a row stands in: an own report's first, then the one of greater path."""
    branches = [f"when in_{report}_report then {report}_source" for report in reports]
    if len(reports) > 1:
        both = "when in_zone_report and in_gen_report then greatest(zone_source, gen_source)"
        branches.insert(0, both)
    for report in LINE_ENDS:
        source = _gridstatus_member(report, request.start).source(request.options.packaging)
        branches.append(f"when in_{report}_report then '{source}'")
    return f"case {' '.join(branches)} end"


def _locations(generators: int) -> Iterator[Location]:
    for ptid, name in ZONES.items():
        yield Location(ptid, name, "ZONE", name, ("zone",))
    for ptid, name in PROXIES.items():
        reports: tuple[Report, ...] = ("zone", "gen") if ptid == IN_BOTH_REPORTS else ("zone",)
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
