"""CAISO's locations: real hubs and default areas, and invented nodes."""

from collections.abc import Iterator
from dataclasses import astuple, dataclass
from itertools import count, islice

from ._common import noise
from ._energy import PUBLISHED_BY_NAME, SENSITIVITY_COLUMNS, sensitivity
from ._market import Places

ISO = "CAISO"

HUBS = ("TH_NP15_GEN-APND", "TH_SP15_GEN-APND", "TH_ZP26_GEN-APND")
DEFAULT_AREAS = ("DLAP_PGAE-APND", "DLAP_SCE-APND", "DLAP_SDGE-APND", "DLAP_VEA-APND")

_AREAS = ("NP15", "SP15", "ZP26")
_PLACES = (
    *("ADOBE", "BURRO", "CALLA", "DUNES", "ESTER", "FUENT", "GAVIO", "HONDO", "INYOS", "JOLLA"),
    *("KERNS", "LOMAS", "MESAS", "NARAN", "OCOTI", "PALOS", "QUAIL", "ROBLE", "SALTO", "TULAR"),
)
_SITES = ("CK", "FD", "GT", "HT", "MT", "PV", "RA", "SD", "TP", "VW")
_KINDS = ("_N", "_B", "_N", "_GN")
_WESTERN_EVERY = 12
_AGGREGATE_EVERY = 16


@dataclass(frozen=True, slots=True)
class Location:
    """A location by its published name, and the area whose congestion it shares.

    ghg_percent: how much of the price of greenhouse gas it feels, none inside California.
    """

    name: str
    type: str
    area: str
    ghg_percent: int = 0
    pocket: bool = False

    def row(self, number: int) -> tuple[object, ...]:
        """The location's row of LOCATIONS, as number `number` of them."""
        is_aggregate = self.name.endswith("-APND")
        return (
            number,
            self.name,
            self.type,
            "ALL_APNODES" if is_aggregate else "ALL",
            0 if is_aggregate else 1,
            self.ghg_percent,
            *astuple(sensitivity(ISO, self.area, self.name, pocket=self.pocket)),
        )


def locations() -> Iterator[Location]:
    """All locations there could be, the indispensable ones first; each has a name of its own."""
    yield from (Location(name, "HUB", name[3:7]) for name in HUBS)
    yield from (Location(name, "ZONE", name) for name in DEFAULT_AREAS)
    yield Location("SLAP_ADOBE-APND", "ZONE", "NP15")
    yield Location("ELAP_SAGE-APND", "ZONE", "SAGE", ghg_percent=80)
    yield Location("DGAP_SAGE-APND", "AGGREGATE", "SAGE", ghg_percent=100)
    yield Location("SAGE_7_GNODE1", "PNODE", "SAGE", ghg_percent=100)
    yield Location("WINDY_1_UNITS-APND", "AGGREGATE", "ZP26", pocket=True)
    yield from map(_other, count())


def _other(number: int) -> Location:
    unit, station = divmod(number, len(_PLACES) * len(_SITES))
    site, place = divmod(station, len(_PLACES))
    stem = f"{_PLACES[place]}{_SITES[site]}"
    area = _AREAS[noise(0, len(_AREAS) - 1, "station", station)]
    if number % _WESTERN_EVERY == 5:
        return Location(f"{stem}_7_GNODE{unit + 1}", "PNODE", "SAGE", ghg_percent=70 + number % 31)
    if number % _AGGREGATE_EVERY == 3:
        return Location(f"{stem}_{unit + 1}_UNITS-APND", "AGGREGATE", area)
    kind = _KINDS[number % len(_KINDS)]
    is_windy = noise(1, 20, "wind", number) == 1
    return Location(f"{stem}_{1 + unit % 7}{kind}{unit + 1:03}", "PNODE", area, pocket=is_windy)


def _rows(number: int) -> Iterator[tuple[object, ...]]:
    """The first `number` locations, stored by name."""
    chosen = sorted(islice(locations(), number), key=lambda location: location.name)
    return (location.row(place) for place, location in enumerate(chosen))


LOCATIONS = Places(
    columns=f"""
        number integer, name varchar, location_type varchar, grp_type varchar, pos integer,
        ghg_percent integer, {SENSITIVITY_COLUMNS}
    """,
    rows=_rows,
    least=len(HUBS),
    published=PUBLISHED_BY_NAME,
)
