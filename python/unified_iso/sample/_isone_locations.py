"""ISO-NE's pricing locations: the public hub, zones and ties, and invented nodes."""

from collections.abc import Iterator
from dataclasses import astuple, dataclass
from itertools import count, islice

from ._common import noise
from ._energy import SENSITIVITY_COLUMNS, sensitivity
from ._market import Places

ISO = "ISONE"

HUB = {4000: ".H.INTERNAL_HUB"}
ZONES = {
    4001: ".Z.MAINE",
    4002: ".Z.NEWHAMPSHIRE",
    4003: ".Z.VERMONT",
    4004: ".Z.CONNECTICUT",
    4005: ".Z.RHODEISLAND",
    4006: ".Z.SEMASS",
    4007: ".Z.WCMASS",
    4008: ".Z.NEMASSBOST",
}
TIES = {
    4010: ".I.SALBRYNB345 1",
    4011: ".I.ROSETON 345 1",
    4012: ".I.HQ_P1_P2345 5",
    4013: ".I.HQHIGATE120 2",
    4014: ".I.SHOREHAM138 99",
    4017: ".I.NRTHPORT138 5",
    4018: ".I.HQMRL_RD345 1",
}
LOCATION_TYPES = {
    "HUB": "HUB",
    "LOAD ZONE": "ZONE",
    "EXT. NODE": "INTERFACE",
    "DRRAZ": "AGGREGATE",
    "HUB NODE": "NODE",
    "NETWORK NODE": "NODE",
}

# Reports list the hub, zones and ties below it, and so does every list of locations.
FIRST_UNLISTED_ID = 4100

_INVENTED_IDS = 90_001

_STATIONS = (
    *("ALDR", "BIRC", "CLAM", "DUNE", "EEL_", "FERN", "GULL", "HEMP", "ISLE", "JUNC"),
    *("KELP", "LOON", "MOOR", "NORD", "OTTR", "PEAT", "QUAY", "REED", "SALT", "TERN"),
)
_PLACES = ("BAY", "COVE", "HL", "LDG", "MTN", "PD", "PT", "RD")
_KILOVOLTS = ("13.8", "34.5", "115 ", "23  ", "345 ", "4.16", "46  ")
_UNITS = ("GEN1", "HYD2", "WIND", "SOLR", "CC  ")


@dataclass(frozen=True, slots=True)
class _Group:
    """Locations with consecutive ids that stand among the invented ones: number, + distance, ..."""

    first_id: int
    members: int
    number: int
    distance: int

    def id_of(self, number: int) -> int | None:
        """Id of the member that stands at `number`, None where none does."""
        turn, rest = divmod(number - self.number, self.distance)
        return self.first_id + turn if rest == 0 and 0 <= turn < self.members else None


# All of them stand among the market's 1,200 locations, and one of each among the default's.
_DEMAND_RESPONSE = _Group(7600, members=20, number=4, distance=56)
_HUB_NODES = _Group(6352, members=32, number=3, distance=37)


@dataclass(frozen=True, slots=True)
class Location:
    """A location as the reports list it; names are of fixed width and may end in blanks."""

    id: int
    name: str
    type: str
    area: str
    pocket: bool = False

    @property
    def row(self) -> tuple[object, ...]:
        """The location's row of LOCATIONS."""
        return (
            self.id,
            self.name,
            self.type,
            LOCATION_TYPES[self.type],
            f'"{self.id}","{self.name}","{self.type}"',
            *astuple(sensitivity(ISO, self.area, self.id, pocket=self.pocket)),
        )


def locations() -> Iterator[Location]:
    """All locations there could be, the indispensable ones first; each has an id of its own."""
    for published_type, names in (("HUB", HUB), ("LOAD ZONE", ZONES), ("EXT. NODE", TIES)):
        yield from (Location(id_, name, published_type, name) for id_, name in names.items())
    yield from map(_node, count())


def _node(number: int) -> Location:
    area = tuple(ZONES.values())[noise(0, len(ZONES) - 1, "node", number)]
    station = _station(number)
    kilovolts = _KILOVOLTS[number % len(_KILOVOLTS)]
    if (id_ := _DEMAND_RESPONSE.id_of(number)) is not None:
        return Location(id_, f"DR.{station.strip().title()} Area", "DRRAZ", area)
    if (id_ := _HUB_NODES.id_of(number)) is not None:
        return Location(id_, f"HC.{station}{kilovolts}    ", "HUB NODE", area)
    id_ = _INVENTED_IDS + number
    if number % 3:
        return Location(id_, f"LD.{station}{kilovolts}", "NETWORK NODE", area)
    unit = _UNITS[number // 3 % len(_UNITS)]
    name = f"UN.{station}{kilovolts}{unit}"
    return Location(id_, name, "NETWORK NODE", area, pocket=unit == "WIND")


def _station(number: int) -> str:
    rest, first = divmod(number, len(_STATIONS))
    series, place = divmod(rest, len(_PLACES))
    name = f"{_STATIONS[first]}{_PLACES[place]}"
    return f"{name if not series else f'{name[:6]}{series + 1}':<8}"


# Hub, zones and ties are there whatever number is asked for.
LOCATIONS = Places(
    columns=f"""
        location_id bigint, name varchar, published_type varchar, location_type varchar,
        location_cells varchar, {SENSITIVITY_COLUMNS}
    """,
    rows=lambda number: (place.row for place in islice(locations(), number)),
    least=len(HUB) + len(ZONES) + len(TIES),
    published={
        "settlement_location": "trim(name)",
        "settlement_location_type": "location_type",
        "settlement_location_id": "location_id::varchar",
    },
)
