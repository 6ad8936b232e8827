"""MISO's day-ahead ex-post LMPs in the CSV form of its market reports: da_expost_lmp.

Shapes a reader must get right: a line holds the 24 hours of a day, which all days have, for the
clock never changes; the three prices of a node stand thousands of lines apart and the energy price
nowhere; the date stands above the header only; numbers go without zeros that tell nothing, such as
the one before the point.
"""

from collections.abc import Iterator
from dataclasses import astuple, dataclass
from datetime import date
from itertools import count, islice
from zoneinfo import ZoneInfo

from ._common import noise
from ._energy import (
    ENERGY,
    PRICE_COLUMNS,
    PUBLISHED_BY_NAME,
    SENSITIVITY_COLUMNS,
    day_ahead,
    sensitivity,
)
from ._market import Curve, Dataset, File, Market, Places, Report, Span
from ._output import short_sql

ISO = "MISO"
TITLE = "Day Ahead Market ExPost LMPs"
CLOCK_NOTE = ",,,All Hours-Ending are Eastern Standard Time (EST)"

HUBS = (
    *("ARKANSAS.HUB", "ILLINOIS.HUB", "INDIANA.HUB", "LOUISIANA.HUB", "MICHIGAN.HUB"),
    *("MINN.HUB", "MS.HUB", "TEXAS.HUB"),
)
INTERFACES = (
    *("AECI", "AEP", "AP", "CE", "CPLE", "CPLW", "CSWS", "DEOK", "DLCO", "DPL", "DUK", "EDE"),
    *("EKPC", "FE", "GRDA", "INDN", "ITCI", "KACY", "KCPL", "LES", "LGEE", "MHEB", "MPS"),
    *("NPPD", "NYISO", "OKGE", "ONT", "ONT.DECO.PSOUT", "ONT_W", "OPPD", "PJMC", "PSEG", "SCEG"),
    *("SECI", "SOCO", "SPA", "SPC", "SPRM", "SPS", "SWPP", "TVA", "VAP", "WAUE", "WFEC", "WR"),
    "YAD",
)

# Most of what the report calls a hub is an aggregate of one of these kinds.
_AGGREGATES = ("AZ", "ARR", "AZ", "AGG", "AZ", "ARR", "MVP", "AZ", "NU")
_KINDS = (*("Gennode",) * 12, *("Loadzone",) * 4, *("Hub",) * 4)
_AREAS = ("ALDR", "BIRC", "CYPR", "DOGW", "ELMS", "FIRS", "GUMT", "HAZL", "IRWD", "JUNP", "LARC")
_FIRST = ("ASH", "BAR", "COL", "DEL", "EAST", "FOX", "GOLD", "HAW", "LIM", "MAR", "NOR", "OAK")
_LAST = ("BN", "CR", "DA", "FL", "HI", "LK", "MI", "PR", "RD", "VA")
# So that a small sample has more than interfaces.
_BEFORE_OTHER_INTERFACES = 60


@dataclass(frozen=True, slots=True)
class Location:
    """A node with its type as the report prints it, and the area whose congestion it shares."""

    name: str
    published_type: str
    area: str
    pocket: bool = False

    @property
    def settlement_location_type(self) -> str:
        """The unified type."""
        if self.published_type == "Hub":
            return "HUB" if self.name.endswith(".HUB") else "AGGREGATE"
        return {"Gennode": "NODE", "Loadzone": "ZONE", "Interface": "INTERFACE"}[
            self.published_type
        ]

    @property
    def row(self) -> tuple[object, ...]:
        """The location's row of LOCATIONS."""
        factors = sensitivity(ISO, self.area, self.name, pocket=self.pocket)
        return (self.name, self.published_type, self.settlement_location_type, *astuple(factors))


def locations() -> Iterator[Location]:
    """All locations there could be, the indispensable ones first; each has a name of its own."""
    yield from (Location(name, "Hub", name) for name in HUBS)
    yield from (Location(name, "Interface", name) for name in INTERFACES[:3])
    yield from (Location(f"{area}.{area}", "Loadzone", area) for area in _AREAS[:3])
    yield from (
        Location(f"{area}.{kind}", "Hub", area)
        for area, kind in zip(_AREAS, dict.fromkeys(_AGGREGATES), strict=False)
    )
    yield Location("ALDR.PRAIRWND1", "Gennode", "ALDR", pocket=True)
    yield from map(_other, range(_BEFORE_OTHER_INTERFACES))
    yield from (Location(name, "Interface", name) for name in INTERFACES[3:])
    yield from map(_other, count(_BEFORE_OTHER_INTERFACES))


def _other(number: int) -> Location:
    rest, last = divmod(number, len(_LAST))
    series, first = divmod(rest, len(_FIRST))
    area = _AREAS[noise(0, len(_AREAS) - 1, "location", number)]
    kind = _KINDS[noise(0, len(_KINDS) - 1, "kind", number)]
    station = f"{area}.{_FIRST[first]}{_LAST[last]}{series + 1}"
    if kind == "Hub":
        aggregate = _AGGREGATES[number % len(_AGGREGATES)]
        return Location(f"{station}.{aggregate}", kind, area)
    if kind == "Loadzone":
        return Location(f"{station}_L", kind, area)
    return Location(station, kind, area, pocket=noise(1, 12, "wind", number) == 1)


LOCATIONS = Places(
    columns=f"""
        name varchar, published_type varchar, location_type varchar, {SENSITIVITY_COLUMNS}
    """,
    rows=lambda number: (location.row for location in islice(locations(), number)),
    least=len(HUBS),
    published=PUBLISHED_BY_NAME,
)


def _files(span: Span) -> Iterator[File]:
    """A day each whatever days_per_file says, as the operator has them; its zips hold a month."""
    for day, lines in span.by_day():
        yield File(
            name=f"{day:%Y%m%d}_da_expost_lmp.csv",
            archive=f"{day:%Y%m}_da_expost_lmp_csv.zip",
            select=_select(day),
            lines=lines,
        )


def _select(day: date) -> str:
    # Nothing is quoted, so what the name of the first column begins with are lines of their own.
    above_header = f"{TITLE}\n{day:%m/%d/%Y}\n\n{CLOCK_NOTE}\n"
    hours = ", ".join(f'prices[{hour}] as "HE {hour}"' for hour in range(1, 25))
    return f"""
        select
            name as "{above_header}Node",
            published_type as "Type",
            value as "Value",
            {hours}
        from (
            select
                name,
                published_type,
                value,
                list({_shortest_sql("price")} order by start_us) as prices
            from (
                select
                    name,
                    published_type,
                    start_us,
                    unnest(['LMP', 'MCC', 'MLC']) as value,
                    unnest([total, congestion, loss]) as price
                from prices
            )
            group by
                name,
                published_type,
                value
        )
        order by
            value,
            name
    """


def _shortest_sql(cents: str) -> str:
    """SQL that prints cents as dollars without a zero that could be left out: `15`, `.2`, `0`."""
    return rf"regexp_replace({short_sql(cents, 2)}, '^(-?)0\.', '\1.')"


# nodes counts locations of all types; the eight hubs are written even if it is smaller.
MARKET = Market(
    iso=ISO,
    zone=ZoneInfo("Etc/GMT+5"),
    ticks=100,
    reports=(
        Report(
            name="da_expost_lmp",
            files=_files,
            places=LOCATIONS,
            curve=Curve(family=ENERGY, columns=PRICE_COLUMNS, values=day_ahead(ISO, cent=1)),
            datasets=(Dataset(name="da_energy_hourly_nodal"),),
        ),
    ),
)
