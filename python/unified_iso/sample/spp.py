"""SPP's day-ahead LMPs in the CSV form of its portal: da-lmp-sl.

Shapes a reader must get right: four headers, two ways to print stamps and prices, a local column
that is not the wall clock on clock-change days, and from April 2026 a western balancing area with
an energy price of its own.
"""

from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass
from datetime import date, datetime
from itertools import chain, count, groupby, islice, repeat
from zoneinfo import ZoneInfo

import duckdb

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
    hour_prices,
    market_hours,
    sensitivity,
)
from ._output import (
    LF,
    EnergyTruth,
    Member,
    Task,
    decimal_sql,
    energy_truth_task,
    load_table,
    locations_by_name_sql,
    raw_tasks,
)

ISO = "SPP"
ZONE = ZoneInfo("America/Chicago")
REPORT = "da-lmp-sl"
REPORTS = (REPORT,)
DEFAULT_NODES = 40
CENT = 100
TICKS = 10_000

EAST, WEST = "SPP", "SWPW"
WEST_JOINS = date(2026, 4, 1)
# The west has about a quarter of the locations of the other area.
WEST_SHARE = 4

HUBS = {"SPPNORTH_HUB": "SPPNORTH_H", "SPPSOUTH_HUB": "SPPSOUTH_H"}
WEST_HUBS = {"SWPW_HUB": "SWPW_H", "CRSP_HUB": "CRSP_H", "LAP_HUB": "LAP_H"}
INTERFACES = (
    *("AECI", "ALTW", "AMRN", "BLKW", "CLEC", "DPC", "EDDY", "EES", "ERCOTE", "ERCOTN", "GRE"),
    *("LAM345", "MCWEST", "MDU", "MEC", "MISO", "NSP", "OTP", "RCEAST", "SCSE", "SGE", "SPA"),
    "SPC",
)

_OWNERS = {
    EAST: ("ALDR", "BIRC", "CEDR", "DUNE", "ELMW", "FLNT", "GRNT"),
    WEST: ("HIGH", "IRON", "JUNP", "KNOB", "LODE"),
}
_PLACES = (
    *("ANTLER", "BADGER", "COTTON", "DRYFORK", "EAGLE", "FOXHILL", "GOOSE", "HARVEST", "IBIS"),
    *("JACKRABBIT", "KESTREL", "LARK", "MESA", "NEEDLE", "OSAGE", "PRAIRIE", "QUAIL"),
)
# Participants name hubs of their own, which are no trading hubs.
_KINDS = ("_WIND", "_HUB", "_LA", "_GEN1", "HUB17", "_CT2", ".HUB.PY2018", "_SOLAR", "_CC", "UN1")
_SHARES_A_PNODE = 24
_SUBAREAS = 9

# Published energy prices of one hour and area are a ten-thousandth or two apart.
ENERGY_SQL = f"if(baa = '{WEST}', west_energy, energy) + (start_us // 3600000000 + number) % 3 - 1"
TOTAL_SQL = f"{ENERGY_SQL} + congestion + loss"

PLAIN = ("Interval", "GMTIntervalEnd", "Settlement Location", "Pnode", "LMP", "MLC", "MCC", "MEC")
BAA_THIRD = (*PLAIN[:2], "BAA", *PLAIN[2:])
BAA_LAST = (*PLAIN, "BAA")
UPPER_CASE = tuple(name.upper().replace(" ", "_") for name in BAA_THIRD)


@dataclass(frozen=True, slots=True)
class Form:
    """A header, and whether stamps come unpadded and prices without trailing zeros."""

    header: tuple[str, ...]
    short: bool = False

    @property
    def select(self) -> str:
        """SQL of the columns, as printed."""
        stamp = "%-m/%-d/%Y %-H:%M" if self.short else "%m/%d/%Y %H:%M:%S"
        sql = {
            "INTERVAL": f"strftime(local_end, '{stamp}')",
            "GMTINTERVALEND": f"strftime(gmt_end, '{stamp}')",
            "SETTLEMENT_LOCATION": "name",
            "LMP": self._price(TOTAL_SQL),
            "MLC": self._price("loss"),
            "MCC": self._price("congestion"),
            "MEC": self._price(ENERGY_SQL),
        }
        keys = (name.upper().replace(" ", "_") for name in self.header)
        columns = (sql.get(key, key.lower()) for key in keys)
        pairs = zip(columns, self.header, strict=True)
        return ", ".join(f'{column} as "{name}"' for column, name in pairs)

    def _price(self, ticks: str) -> str:
        printed = decimal_sql(ticks, 4)
        return f"rtrim(rtrim(({printed})::varchar, '0'), '.')" if self.short else printed


# Taken in turn, one a day.
FORMS_BEFORE_WEST = (*(Form(PLAIN),) * 4, Form(PLAIN, short=True))
FORMS_WITH_WEST = (
    Form(BAA_THIRD, short=True),
    Form(BAA_THIRD),
    Form(BAA_LAST),
    Form(BAA_THIRD),
    Form(UPPER_CASE, short=True),
)


@dataclass(frozen=True, slots=True)
class Location:
    """A settlement location; `number` counts them within its balancing area."""

    name: str
    pnode: str
    type: str
    baa: str
    number: int

    @property
    def row(self) -> tuple[object, ...]:
        """The location's row in the table spp_locations."""
        area = f"{self.baa} {self.number % _SUBAREAS}"
        factors = sensitivity(ISO, area, self.name, pocket="_WIND" in self.name)
        return (*astuple(self), *astuple(factors))


def plan(con: duckdb.DuckDBPyConnection, request: Request) -> list[Task]:
    """Load SPP's model and return the tasks writing its report and the truth.

    nodes counts locations of the area SPP, its two trading hubs first; the western area adds a
    quarter as many, and its three hubs at least. Files hold one day whatever days_per_file says;
    zips hold a year, each day once in its own file and once in that of its month.
    """
    if not request.writes(REPORT):
        return []
    hours = list(market_hours(ZONE, request.start, request.days))
    packaging = request.options.packaging
    _load_locations(con, max(request.nodes or DEFAULT_NODES, len(HUBS)))
    _load_hours(con, hours, packaging)
    days = sorted({hour.day for hour in hours})
    raw = raw_tasks(request.out, _members(days, packaging), packaging)
    return [*_truth_tasks(request), *raw]


def _load_locations(con: duckdb.DuckDBPyConnection, nodes: int) -> None:
    columns = f"""
        name varchar, pnode varchar, location_type varchar, baa varchar, number bigint,
        {SENSITIVITY_COLUMNS}
    """
    west = max(nodes // WEST_SHARE, len(WEST_HUBS))
    locations = chain(islice(_locations(EAST), nodes), islice(_locations(WEST), west))
    load_table(con, "spp_locations", columns, (location.row for location in locations))


def _load_hours(
    con: duckdb.DuckDBPyConnection, hours: Sequence[Interval], packaging: Packaging
) -> None:
    columns = f"""
        {INTERVAL_COLUMNS}, local_end timestamp, gmt_end timestamp, data_source varchar,
        version uinteger, west_energy bigint, {PRICE_COLUMNS}
    """
    rows = (
        (
            *hour.row,
            _printed_end(hour),
            (hour.utc + HOUR).replace(tzinfo=None),
            _day_member(hour.day).source(packaging),
            1,
            hour_prices(WEST, hour, cent=CENT).energy,
            *astuple(hour_prices(ISO, hour, cent=CENT)),
        )
        for hour in hours
    )
    load_table(con, "spp_hours", columns, rows)


def _printed_end(hour: Interval) -> datetime:
    """The local end as SPP prints it: 02:00 twice in autumn, never in spring."""
    wall_clock = (hour.utc + HOUR).astimezone(ZONE).replace(tzinfo=None)
    return max(hour.local + HOUR, wall_clock)


def _members(days: Sequence[date], packaging: Packaging) -> Iterator[Member]:
    for _, group in groupby(days, key=lambda day: day.year):
        of_year = list(group)
        yield from map(_day_member, of_year)
        if packaging == "zip":
            yield from (_month_member(day) for day in of_year if _is_first(day, of_year))


def _is_first(day: date, days: Sequence[date]) -> bool:
    return day == min(other for other in days if other.month == day.month)


def _day_member(day: date) -> Member:
    turn = (day - WEST_JOINS).days % len(FORMS_WITH_WEST)
    forms = FORMS_WITH_WEST if day >= WEST_JOINS else FORMS_BEFORE_WEST
    condition = f"delivery_date = date '{day}'"
    return _member(f"DA-LMP-SL-{day:%Y%m%d}0100.csv", day, forms[turn], condition)


def _month_member(day: date) -> Member:
    form = Form(BAA_THIRD if day >= WEST_JOINS else PLAIN)
    condition = f"date_trunc('month', delivery_date) = date '{day.replace(day=1)}'"
    return _member(f"DA-LMP-MONTHLY-SL-{day:%Y%m}.csv", day, form, condition)


def _member(name: str, day: date, form: Form, condition: str) -> Member:
    areas = "true" if day >= WEST_JOINS else f"baa = '{EAST}'"
    select = f"""
        select {form.select}
        from (
            select
                *,
                {CONGESTION_SQL} as congestion,
                {LOSS_SQL} as loss
            from spp_hours
            cross join spp_locations
            where {condition}
            and {areas}
        )
        order by
            start_us,
            name
    """
    return Member(f"spp/{REPORT}", name, f"{day:%Y}.zip", select, LF)


def _truth_tasks(request: Request) -> list[Task]:
    if not request.options.truth:
        return []
    path = request.out / "truth" / "spp" / "da_energy_hourly.parquet"
    before = _truth("<", f"baa = '{EAST}'", zone="null::varchar")
    since = _truth(">=", "true", zone="baa")
    return [energy_truth_task(path, before, since)]


def _truth(compared: str, where: str, zone: str) -> EnergyTruth:
    locations = locations_by_name_sql("spp_locations", "baa", "number", zone=zone, where=where)
    hours = f"(select * from spp_hours where delivery_date {compared} date '{WEST_JOINS}')"
    return EnergyTruth(ISO, hours, locations, TICKS, total=TOTAL_SQL, energy=ENERGY_SQL)


def _locations(area: str) -> Iterator[Location]:
    """Hubs, then interfaces and invented resources by turns: few locations are of every type."""
    numbers = count()
    hubs = WEST_HUBS if area == WEST else HUBS
    for name, pnode in hubs.items():
        yield Location(name, pnode, "HUB", area, next(numbers))
    resources = map(_resource, repeat(area), numbers)
    for name in INTERFACES if area == EAST else ():
        yield Location(name, name, "INTERFACE", area, next(numbers))
        yield next(resources)
    yield from resources


def _resource(area: str, number: int) -> Location:
    pnode = number - (number % _SHARES_A_PNODE == _SHARES_A_PNODE - 1)
    return Location(
        _resource_name(area, number), f"{_resource_name(area, pnode)}_RA", "NODE", area, number
    )


def _resource_name(area: str, number: int) -> str:
    rest, place = divmod(number, len(_PLACES))
    series, owner = divmod(rest, len(_OWNERS[area]))
    kind = _KINDS[number % len(_KINDS)]
    name = f"{_OWNERS[area][owner]}_{_PLACES[place]}{kind}"
    return f"{name}_{series + 1}" if series else name
