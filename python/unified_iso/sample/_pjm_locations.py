"""PJM's pricing nodes: real hubs and zones, and invented buses."""

from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass
from itertools import count, islice
from typing import TypeVar

from ._common import noise
from ._energy import SENSITIVITY_COLUMNS, sensitivity
from ._market import Places

ISO = "PJM"

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
        """The location's row of LOCATIONS."""
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
            *astuple(sensitivity(ISO, self.area, self.pnode_id, pocket=self.pocket)),
        )


def locations() -> Iterator[Location]:
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


LOCATIONS = Places(
    columns=f"""
        pnode_id bigint, pnode_name varchar, voltage varchar, equipment varchar, type varchar,
        zone varchar, location_type varchar, voltage_kv double, {SENSITIVITY_COLUMNS}
    """,
    rows=lambda number: (location.row for location in islice(locations(), number)),
    least=len(HUBS),
    published={
        "settlement_location": "pnode_name",
        "settlement_location_type": "location_type",
        "settlement_location_id": "pnode_id::varchar",
        "zone": "zone",
        "voltage_kv": "voltage_kv",
    },
)
