"""PJM day-ahead hourly LMPs in the CSV form of Data Miner 2's feed da_hrl_lmps.

Shapes a reader must get right: an export's inclusive end puts the first hour of a day in two files;
some hours stand there as a superseded and a current version; bus names repeat under other ids.
"""

from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass
from datetime import date, datetime, timedelta
from itertools import count, islice
from typing import Literal, TypeVar
from zoneinfo import ZoneInfo

import duckdb

from ._common import (
    CONGESTION_SQL,
    HOUR_COLUMNS,
    HOUR_PRICE_COLUMNS,
    LOSS_SQL,
    SENSITIVITY_COLUMNS,
    Hour,
    HourPrices,
    Request,
    SampleOptions,
    Sensitivity,
    hour_prices,
    market_hours,
    noise,
    sensitivity,
)
from ._output import (
    CRLF,
    Member,
    Task,
    decimal_sql,
    energy_truth_task,
    load_table,
    raw_tasks,
)

ISO = "PJM"
ZONE = ZoneInfo("America/New_York")
REPORT = "da_hrl_lmps"
FOLDER = f"pjm/{REPORT}"
DEFAULT_NODES = 40
CENT = 10_000
TICKS = 1_000_000

HUBS = {
    51217: "EASTERN HUB",
    51287: "WEST INT HUB",
    51288: "WESTERN HUB",
    4669664: "NEW JERSEY HUB",
    33092311: "CHICAGO GEN HUB",
    33092313: "CHICAGO HUB",
    33092315: "N ILLINOIS HUB",
    34497125: "AEP GEN HUB",
    34497127: "AEP-DAYTON HUB",
    34497151: "OHIO HUB",
    35010337: "DOMINION HUB",
    116013751: "ATSI GEN HUB",
}
RTO = {1: "PJM-RTO"}
TRANSMISSION_ZONES = {
    51291: "AECO",
    51292: "BGE",
    51293: "DPL",
    51295: "JCPL",
    51296: "METED",
    51297: "PECO",
    51298: "PEPCO",
    51299: "PPL",
    51300: "PENELEC",
    51301: "PSEG",
    7633629: "RECO",
    8394954: "APS",
    8445784: "AEP",
    33092371: "COMED",
    34508503: "DAY",
    34964545: "DOM",
    37737283: "DUQ",
    116013753: "ATSI",
    124076095: "DEOK",
    970242670: "EKPC",
    1709725933: "OVEC",
}
INTERFACES = ("NYIS", "NEPTUNE", "LINDENVFT", "HUDSONTP", "SOUTH", "NORTHWEST")
LOCATION_TYPES = {
    "HUB": "HUB",
    "ZONE": "ZONE",
    "INTERFACE": "INTERFACE",
    "AGGREGATE": "AGGREGATE",
    "RESIDUAL_METERED_EDC": "AGGREGATE",
}

# Most locations of the market are load buses, and few stations have a single bus.
_BUS_KINDS = (*("LOAD",) * 12, *("GEN",) * 5, *("EHV",) * 3, *("TIE",) * 2)
_KINDS = ("AGGREGATE", "INTERFACE", "RESIDUAL_METERED_EDC", *_BUS_KINDS)
_BUSES_PER_STATION = 3
_KILOVOLTS = {"LOAD": (12, 34, 69, 138), "GEN": (13, 18, 115, 230), "EHV": (345, 500, 765)}
_FIRST = (
    *("ALDER", "BRAM", "CLAY", "DUNN", "ELK", "FERN", "GLEN", "HOLLY", "IRON", "JUNI", "KEEL"),
    *("LIND", "MAPLE", "NOR", "OAK", "PINE", "QUARRY", "RIDGE", "STONE", "THORN", "UPPER", "VALE"),
    *("WILLOW", "YEW", "02ASH", "05BEECH", "17CEDAR"),
)
_LAST = (
    *("BERRY", "BURG", "CREEK", " CITY", "DALE", "FIELD", "FORD", " GROVE", "HAVEN", "HURST"),
    *("LAND", "MERE", " MILLS", "MONT", "PORT", " RUN", "SIDE", "TON", "VILLE", "WOOD"),
)


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Location:
    """A pricing node as the feed lists it; only buses have voltage, equipment and zone."""

    pnode_id: int
    pnode_name: str
    type: str
    area: str
    kilovolts: int | None = None
    equipment: str | None = None
    pocket: bool = False

    @property
    def row(self) -> tuple[object, ...]:
        """The location's row in the table pjm_locations."""
        published_zone = self.area if self.kilovolts else None
        voltage = f"{self.kilovolts} KV" if self.kilovolts else None
        return (
            self.pnode_id,
            self.pnode_name,
            voltage,
            self.equipment,
            self.type,
            published_zone,
            LOCATION_TYPES.get(self.type, "PNODE"),
            self.kilovolts,
            *astuple(self._sensitivity()),
        )

    def _sensitivity(self) -> Sensitivity:
        return sensitivity(ISO, self.area, self.pnode_id, pocket=self.pocket)


@dataclass(frozen=True, slots=True)
class Version:
    """One published state of an hour; `revised` prices are those a later version replaced."""

    number: int
    is_current: bool
    revised: bool


ONLY = (Version(1, True, False),)
ONLY_FIRST = (Version(1, True, True),)
CHANGED = (Version(1, False, True), Version(2, True, False))
REPEATED = (Version(1, False, False), Version(2, True, False))


@dataclass(frozen=True, slots=True)
class Line:
    """An hour, in one version, as one file has it for every location."""

    file: int
    source: str
    hour: Hour
    version: Version

    @property
    def prices(self) -> HourPrices:
        """Prices of the hour in this version, in micro-dollars."""
        return hour_prices(ISO, self.hour, cent=CENT, revised=self.version.revised)


def plan(con: duckdb.DuckDBPyConnection, request: Request) -> list[Task]:
    """Load PJM's model and return the tasks writing da_hrl_lmps and the two truths.

    nodes counts locations of all types; the twelve hubs are written even if it is smaller.
    """
    exports = _exports(request)
    members = [_member(number, hours[0].day) for number, hours in enumerate(exports)]
    sources = [member.source(request.options.packaging) for member in members]
    lines = list(_lines(exports, sources, request.options))
    _load_locations(con, max(request.nodes or DEFAULT_NODES, len(HUBS)))
    _load_lines(con, lines)
    raw = raw_tasks(request.out, members, request.options.packaging)
    return [*_truth_tasks(con, request, lines), *raw]


def _exports(request: Request) -> list[list[Hour]]:
    size = request.options.days_per_file
    return [
        list(market_hours(ZONE, request.start + timedelta(first), min(size, request.days - first)))
        for first in range(0, request.days, size)
    ]


def _member(number: int, first: date) -> Member:
    stem = f"{REPORT}_{first:%Y%m%d}"
    return Member(FOLDER, f"{stem}.csv", f"{stem}.zip", _raw_sql(number), CRLF)


def _lines(
    exports: Sequence[Sequence[Hour]], sources: Sequence[str], options: SampleOptions
) -> Iterator[Line]:
    """Lines of all files. The last file ends with its day, so that a sample holds whole days."""
    for file, hours in enumerate(exports):
        shared_start = options.overlap and file > 0
        for position, hour in enumerate(hours):
            versions = (
                _border_versions(hour, "later", options)
                if shared_start and position == 0
                else _versions(hour, options)
            )
            yield from (Line(file, sources[file], hour, version) for version in versions)
        if options.overlap and file + 1 < len(exports):
            end = exports[file + 1][0]
            versions = _border_versions(end, "earlier", options)
            yield from (Line(file, sources[file], end, version) for version in versions)


def _versions(hour: Hour, options: SampleOptions) -> tuple[Version, ...]:
    if not options.revisions:
        return ONLY
    return {17: CHANGED, 18: REPEATED}.get(hour.utc.hour, ONLY)


def _border_versions(
    hour: Hour, file: Literal["earlier", "later"], options: SampleOptions
) -> tuple[Version, ...]:
    """Versions of a shared hour: on two days of three only one of its files saw the revision.

    It is the earlier or the later one by turns, for the file with the greater name need not be the
    one downloaded last.
    """
    revised_in = {0: "later", 1: "earlier"}.get(hour.local.toordinal() % 3)
    if not options.revisions or revised_in is None:
        return ONLY
    return CHANGED if file == revised_in else ONLY_FIRST


def _published(lines: Sequence[Line]) -> list[Line]:
    """Of each hour the line with the highest version, then in the file with the greatest path."""
    best: dict[datetime, Line] = {}
    for line in sorted(lines, key=lambda line: (line.version.number, line.source)):
        best[line.hour.utc] = line
    return [best[utc] for utc in sorted(best)]


def _load_locations(con: duckdb.DuckDBPyConnection, number: int) -> None:
    columns = f"""
        pnode_id bigint, pnode_name varchar, voltage varchar, equipment varchar, type varchar,
        zone varchar, location_type varchar, voltage_kv double, {SENSITIVITY_COLUMNS}
    """
    rows = (location.row for location in islice(_locations(), number))
    load_table(con, "pjm_locations", columns, rows)


def _load_lines(con: duckdb.DuckDBPyConnection, lines: Sequence[Line]) -> None:
    columns = f"""
        file integer, datetime_beginning_utc varchar, datetime_beginning_ept varchar,
        row_is_current varchar, version_nbr integer, {HOUR_COLUMNS}, {HOUR_PRICE_COLUMNS}
    """
    rows = (
        (
            line.file,
            _clock(line.hour.utc),
            _clock(line.hour.local),
            str(line.version.is_current),
            line.version.number,
            *line.hour.row,
            *astuple(line.prices),
        )
        for line in lines
    )
    load_table(con, "pjm_lines", columns, rows)


def _clock(moment: datetime) -> str:
    hour = moment.hour % 12 or 12
    half = "AM" if moment.hour < 12 else "PM"
    return f"{moment.month}/{moment.day}/{moment.year} {hour}:{moment:%M:%S} {half}"


def _raw_sql(file: int) -> str:
    return f"""
        select
            datetime_beginning_utc,
            datetime_beginning_ept,
            pnode_id,
            pnode_name,
            voltage,
            equipment,
            type,
            zone,
            {decimal_sql(f"energy // {CENT}", 2)} as system_energy_price_da,
            {decimal_sql("energy + congestion + loss", 6)} as total_lmp_da,
            {decimal_sql("congestion", 6)} as congestion_price_da,
            {decimal_sql("loss", 6)} as marginal_loss_price_da,
            row_is_current,
            version_nbr
        from (
            select
                *,
                {CONGESTION_SQL} as congestion,
                {LOSS_SQL} as loss
            from pjm_lines
            cross join pjm_locations
            where file = {file}
        )
        order by
            start_us,
            pnode_id,
            version_nbr
    """


def _truth_tasks(
    con: duckdb.DuckDBPyConnection, request: Request, lines: Sequence[Line]
) -> list[Task]:
    if not request.options.truth:
        return []
    _load_truth_hours(con, _published(lines))
    filters = {"da_energy_hourly_nodal": "true", "da_energy_hourly_hub": "type = 'HUB'"}
    return [
        energy_truth_task(
            request.out / "truth" / "pjm" / f"{dataset}.parquet",
            iso=ISO,
            hours="pjm_truth_hours",
            locations=_settlement_locations_sql(condition),
            ticks=TICKS,
        )
        for dataset, condition in filters.items()
    ]


def _load_truth_hours(con: duckdb.DuckDBPyConnection, lines: Sequence[Line]) -> None:
    columns = f"""
        {HOUR_COLUMNS}, data_source varchar, version uinteger, {HOUR_PRICE_COLUMNS}
    """
    rows = (
        (
            *line.hour.row,
            line.source,
            line.version.number,
            *astuple(line.prices),
        )
        for line in lines
    )
    load_table(con, "pjm_truth_hours", columns, rows)


def _settlement_locations_sql(condition: str) -> str:
    return f"""
        select
            pnode_name as settlement_location,
            pnode_id::varchar as settlement_location_id,
            location_type as settlement_location_type,
            zone,
            voltage_kv,
            shift_1,
            shift_2,
            shift_3,
            loss_ppm
        from pjm_locations
        where {condition}
    """


def _locations() -> Iterator[Location]:
    """All locations there could be, the indispensable ones first; each has an id of its own."""
    yield from (Location(id_, name, "HUB", name) for id_, name in HUBS.items())
    zones = {**RTO, **TRANSMISSION_ZONES}
    yield from (Location(id_, name, "ZONE", name) for id_, name in zones.items())
    yield from _one_of_each()
    yield from map(_other, count())


def _one_of_each() -> Iterator[Location]:
    """One of every remaining shape, so that the default sample has them all."""
    yield Location(5_000_001, "MISO", "INTERFACE", "MISO")
    yield Location(5_000_002, "ALDERBURG 1 AGG", "AGGREGATE", "PPL")
    yield Location(5_000_003, "PPL_RESID_AGG", "RESIDUAL_METERED_EDC", "PPL")
    yield Location(48588, "ADAMS", "LOAD", "PSEG", 230, "T-1")
    yield Location(48589, "ADAMS", "LOAD", "PSEG", 230, "T-2")
    yield Location(2_156_111_970, "PRAIRIE WIND", "GEN", "COMED", 34, "UNIT 1", pocket=True)


def _other(number: int) -> Location:
    turn, place = divmod(number, len(_KINDS))
    kind = _KINDS[place]
    areas = [area for area in TRANSMISSION_ZONES.values() if area != "PPL"]
    if kind == "INTERFACE" and turn < len(INTERFACES):
        return Location(5_100_000 + number, INTERFACES[turn], kind, INTERFACES[turn])
    if kind == "RESIDUAL_METERED_EDC" and turn < len(areas):
        return Location(5_100_000 + number, f"{areas[turn]}_RESID_AGG", kind, areas[turn])
    if kind in _BUS_KINDS:
        return _bus(number, kind)
    area = _pick(areas, "aggregate", number)
    return Location(5_100_000 + number, f"{_station_name(number)} AGG", "AGGREGATE", area)


def _bus(number: int, kind: str) -> Location:
    station = number // _BUSES_PER_STATION
    return Location(
        pnode_id=60_000 + 3 * number if number % 5 else 2_156_200_000 + number,
        pnode_name=_station_name(station),
        type=kind,
        area=_pick(tuple(TRANSMISSION_ZONES.values()), "station", station),
        kilovolts=_pick(_KILOVOLTS.get(kind, (138, 230, 345)), "voltage", number),
        equipment=_equipment(kind, number),
        pocket=kind == "GEN" and noise(1, 6, "wind", number) == 1,
    )


def _equipment(kind: str, number: int) -> str:
    label = {"LOAD": "T-", "GEN": "UNIT ", "EHV": "BUS", "TIE": "LINE "}[kind]
    return f"{label}{1 + number % 9}"


def _station_name(number: int) -> str:
    rest, first = divmod(number, len(_FIRST))
    series, last = divmod(rest, len(_LAST))
    return _FIRST[first] + _LAST[last] + (f" {series + 1}" if series else "")


def _pick(choices: Sequence[T], *key: object) -> T:
    return choices[noise(0, len(choices) - 1, *key)]
