"""NYISO day-ahead LBMPs in the CSV form of the public archive: damlbmp_zone and damlbmp_gen.

Shapes a reader must get right: congestion has the opposite sign, there is no energy price, local
stamps alone tell the time (01:00 is printed twice in autumn, one whole pass after the other), and
one location stands in both reports.
"""

from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass, replace
from datetime import date
from typing import Literal
from zoneinfo import ZoneInfo

import duckdb

from ._common import (
    CONGESTION_SQL,
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
REPORTS = tuple(f"damlbmp_{report}" for report in LINE_ENDS)

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
    if not reports:
        return []
    hours = list(market_hours(ZONE, request.start, request.days))
    packaging = request.options.packaging
    _load_locations(con, request.nodes or DEFAULT_NODES, reports)
    _load_hours(con, hours, packaging)
    days = sorted({hour.day for hour in hours})
    members = [_member(report, day) for report in reports for day in days]
    raw = raw_tasks(request.out, members, packaging)
    return [*_truth_tasks(request), *raw]


def _load_locations(
    con: duckdb.DuckDBPyConnection, generators: int, reports: Sequence[Report]
) -> None:
    columns = f"""
        ptid bigint, name varchar, location_type varchar, in_zone_report boolean,
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
        version uinteger, {PRICE_COLUMNS}
    """
    rows = (
        (
            *hour.row,
            f"{hour.local:%m/%d/%Y %H:%M}",
            _member("zone", hour.day).source(packaging),
            _member("gen", hour.day).source(packaging),
            1,
            *astuple(hour_prices(ISO, hour, cent=1)),
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


def _truth_tasks(request: Request) -> list[Task]:
    if not request.options.truth:
        return []
    locations = """
        select
            name as settlement_location,
            ptid::varchar as settlement_location_id,
            location_type as settlement_location_type,
            null::varchar as zone,
            null::double as voltage_kv,
            in_zone_report,
            in_gen_report,
            shift_1,
            shift_2,
            shift_3,
            loss_ppm
        from nyiso_locations
    """
    data_source = """
        case
            when in_zone_report and in_gen_report then greatest(zone_source, gen_source)
            when in_zone_report then zone_source
            else gen_source
        end
    """
    truth = EnergyTruth(ISO, "nyiso_hours", locations, TICKS, data_source=data_source)
    path = request.out / "truth" / "nyiso" / "da_energy_hourly.parquet"
    return [energy_truth_task(path, truth)]


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
