"""ERCOT's settlement points, real hubs, load zones and DC ties beside invented resource nodes.

Also the files of the settlement points list, report np4-160-sg.
"""

from collections.abc import Iterable, Iterator
from dataclasses import astuple, dataclass, replace
from itertools import islice

from ._common import noise
from ._energy import SENSITIVITY_COLUMNS, sensitivity
from ._market import Places, Table

ISO = "ERCOT"

HUBS = (
    *("HB_BUSAVG", "HB_HOUSTON", "HB_HUBAVG", "HB_NORTH", "HB_PAN", "HB_SOUTH"),
    "HB_WEST",
)
LOAD_ZONES = (
    *("LZ_AEN", "LZ_CPS", "LZ_HOUSTON", "LZ_LCRA", "LZ_NORTH", "LZ_RAYBN", "LZ_SOUTH"),
    "LZ_WEST",
)
DC_TIES = ("DC_E", "DC_L", "DC_N", "DC_R")
NODE_ZONES = ("LZ_HOUSTON", "LZ_NORTH", "LZ_SOUTH", "LZ_WEST")

COMBINED_CYCLE = "_CC1"
_WIND = "_WND_RN"
# A node of each ending is always written: names of combined cycles are logical ones without a bus.
ENDINGS = ("_RN", "_ALL", "_UNIT1", _WIND, "", COMBINED_CYCLE, "_SLR_RN", "_ESR1")
_FIRST = (
    *("7BRANCH", "ALAMOSA", "BLUFF", "CADDO", "DRYFORK", "ELMHILL", "FLATROCK", "GUADA", "HICKORY"),
    *("INDIGO", "JUNIPER", "KNOX", "LLANERA", "MESQUITE", "NUECITA", "OCOTILLO", "PECANGAP"),
    *("QUEMADO", "RIOVISTA", "SABINAL", "TULOSA", "UVALDINA", "VERDE", "WINKLERTON", "YUCCA"),
)
_KILOVOLTS = ("13.8", "18", "34.5", "69", "138", "345")

LIST_HEADERS = {
    "Settlement_Points": (
        *("ELECTRICAL_BUS", "NODE_NAME", "PSSE_BUS_NAME", "VOLTAGE_LEVEL", "SUBSTATION"),
        *("SETTLEMENT_LOAD_ZONE", "RESOURCE_NODE", "HUB_BUS_NAME", "HUB", "PSSE_BUS_NUMBER"),
    ),
    "CCP_Resource_Names": ("CCP_NAME", "LOGICALREOURCENODENAME"),
    "Hub_Name_AND_DC_Ties": ("NAME",),
    "NOIE_Mapping": ("PHYSICAL_LOAD", "NOIE", "VOLTAGE_NAME", "SUBSTATION", "ELECTRICAL_BUS"),
    "Resource_Node_to_Unit": ("RESOURCE_NODE", "UNIT_SUBSTATION", "UNIT_NAME"),
}


@dataclass(frozen=True, slots=True)
class Point:
    """A settlement point, the area whose congestion it shares, and its zone in the list."""

    name: str
    type: str
    area: str
    zone: str | None = None

    @property
    def row(self) -> tuple[object, ...]:
        """The point's row of POINTS."""
        is_in_book = self.type in ("HUB", "ZONE")
        factors = sensitivity(ISO, self.area, self.name, pocket=self.name.endswith(_WIND))
        return (self.name, self.type, self.zone, is_in_book, *astuple(factors))

    @property
    def station(self) -> str:
        """Substation the point lies in."""
        return self.name.partition("_")[0]


def points() -> Iterator[Point]:
    """All points there could be, the public ones first; names are unique."""
    yield from (Point(name, "HUB", name) for name in HUBS)
    yield from (Point(name, "ZONE", name) for name in LOAD_ZONES)
    yield from (Point(name, "DC_TIE", name) for name in DC_TIES)
    number = 0
    while True:
        yield _node(number)
        number += 1


def _node(number: int) -> Point:
    turn, kind = divmod(number, len(ENDINGS))
    series, first = divmod(turn, len(_FIRST))
    zone = NODE_ZONES[noise(0, len(NODE_ZONES) - 1, "node", number)]
    name = f"{_FIRST[first]}{series + 1 if series else ''}{ENDINGS[kind]}"
    listed_zone = None if ENDINGS[kind] == COMBINED_CYCLE else zone
    return Point(name, "RESOURCE_NODE", zone, listed_zone)


def _buses(nodes: list[Point]) -> Iterator[tuple[object, ...]]:
    """Rows of Settlement_Points: one or two buses of each node, load buses, buses of hubs."""
    for number, node in enumerate(node for node in nodes if node.zone):
        kilovolts = _KILOVOLTS[number % len(_KILOVOLTS)]
        for bus in range(1 + number % 2):
            code = f"{number:04}"
            yield (
                *(f"{code}_EB{bus + 1}", code, f"{node.station}_{bus + 1}", kilovolts),
                *(node.station, node.zone, node.name, None, None, str(110_000 + 2 * number + bus)),
            )
        yield (
            *(f"{number:04}LD", f"{number:04}", f"{node.station}_L", "138", node.station),
            *(node.zone, None, None, None, str(5_000 + number)),
        )
    for number, hub in enumerate(("HB_HOUSTON", "HB_NORTH", "HB_SOUTH", "HB_WEST", "HB_PAN")):
        zone = NODE_ZONES[number % len(NODE_ZONES)]
        hub_bus = f"{hub[3:]}HUBBUS"
        yield (
            *(f"{9000 + number}", "01", hub_bus, "345", hub_bus),
            *(zone, None, hub_bus, hub, f"{number + 1}"),
        )


# The public points and a node of each kind are there whatever number is asked for.
POINTS = Places(
    columns=f"""
        name varchar, point_type varchar, zone varchar, is_in_book boolean, {SENSITIVITY_COLUMNS}
    """,
    rows=lambda number: (point.row for point in islice(points(), number)),
    least=len(HUBS) + len(LOAD_ZONES) + len(DC_TIES) + len(ENDINGS),
    published={
        "settlement_location": "name",
        "settlement_location_type": "point_type",
        "settlement_location_id": "name",
    },
)


def _type_word(point: Point) -> str:
    """The type that the real-time report prints of a point."""
    if point.type == "HUB":
        return {"HB_BUSAVG": "SH", "HB_HUBAVG": "AH"}.get(point.name, "HU")
    if point.type == "RESOURCE_NODE":
        return "PCCRN" if point.name.endswith(COMBINED_CYCLE) else "RN"
    return {"ZONE": "LZ", "DC_TIE": "LZ_DC"}[point.type]


def _real_time_rows(number: int) -> Iterator[tuple[object, ...]]:
    """Rows of the first `number` points, and of the second prices of zones and ties."""
    for point in islice(points(), number):
        word = _type_word(point)
        yield (point.name, word, *point.row)
        if point.type in ("ZONE", "DC_TIE"):
            weighted = replace(point, name=f"{point.name}_EW")
            yield (point.name, f"{word}EW", *weighted.row)


# In real time load zones and DC ties have a second price, weighted by energy.
REAL_TIME_POINTS = Places(
    columns=f"printed_name varchar, printed_type varchar, {POINTS.columns}",
    rows=_real_time_rows,
    least=POINTS.least,
    published=POINTS.published,
    table="real_time_points",
)


def list_tables(number: int) -> dict[str, Table]:
    """The files of the list of the first `number` points, as tables by the name of the file."""
    nodes = [point for point in islice(points(), number) if point.type == "RESOURCE_NODE"]
    rows: dict[str, Iterable[tuple[object, ...]]] = {
        "Settlement_Points": _buses(nodes),
        "CCP_Resource_Names": ((node.name, node.name) for node in nodes if node.zone is None),
        "Hub_Name_AND_DC_Ties": ((name,) for name in (*DC_TIES, *HUBS)),
        "NOIE_Mapping": (
            (f"{zone[3:]}_T{load}", zone, "138", f"{zone[3:]}SUB", f"{zone[3:]}BUS{load}")
            for zone in ("LZ_AEN", "LZ_CPS", "LZ_LCRA", "LZ_RAYBN")
            for load in (1, 2)
        ),
        "Resource_Node_to_Unit": ((node.name, node.station, "UNIT1") for node in nodes),
    }
    return {
        name: Table(f"{' varchar, '.join(header)} varchar", rows[name])
        for name, header in LIST_HEADERS.items()
    }
