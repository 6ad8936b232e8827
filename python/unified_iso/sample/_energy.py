"""Energy prices: the model they are made from, and the rows of the energy family they become.

Prices are integers in the market's own tick (a micro-dollar or a cent per MWh), so that the printed
decimals and the truth are two exact readings of one number.
"""

from collections.abc import Callable
from dataclasses import astuple, dataclass

from ._common import Interval, noise
from ._market import CLOCK_COLUMNS, SOURCE_COLUMNS, FamilyModel

# How the rows of Prices and Sensitivity look as columns of a table.
PRICE_COLUMNS = (
    "energy bigint, shadow_1 bigint, shadow_2 bigint, shadow_3 bigint, loss_percent bigint"
)
SENSITIVITY_COLUMNS = "shift_1 bigint, shift_2 bigint, shift_3 bigint, loss_ppm bigint"


def congestion_sql(prefix: str = "") -> str:
    """SQL of a place's congestion in ticks, from columns of Prices that begin with `prefix`."""
    flows = (f"shift_{number} * {prefix}shadow_{number}" for number in (1, 2, 3))
    return f"({' + '.join(flows)}) // 1000000"


def loss_sql(prefix: str = "") -> str:
    """SQL of a place's loss in ticks, from columns of Prices that begin with `prefix`."""
    return f"{prefix}energy * {prefix}loss_percent // 100 * loss_ppm // 1000000"


ENERGY = FamilyModel(
    name="energy_prices",
    formulas={
        "congestion": congestion_sql(),
        "loss": loss_sql(),
        "local_energy": "energy",
        "total": "local_energy + congestion + loss",
    },
    columns={
        **CLOCK_COLUMNS,
        "settlement_location": "",
        "settlement_location_type": "",
        "settlement_location_id": "",
        "zone": "null::varchar",
        "voltage_kv": "null::double",
        "lmp_total": "total / {ticks}",
        "lmp_energy": "local_energy / {ticks}",
        "lmp_congestion": "congestion / {ticks}",
        "lmp_loss": "loss / {ticks}",
        "system_lambda": "local_energy / {ticks}",
        **SOURCE_COLUMNS,
    },
)
# Of places whose name is also their id.
PUBLISHED_BY_NAME = {
    "settlement_location": "name",
    "settlement_location_type": "location_type",
    "settlement_location_id": "name",
}

_MONTH_CENTS = (4800, 4200, 3000, 2700, 2900, 3300, 4500, 4200, 3400, 3000, 3200, 4000)
_SHAPE_PERCENT = (
    *(74, 70, 67, 66, 68, 75, 92, 106, 108, 104, 101, 100),
    *(99, 98, 98, 101, 108, 125, 134, 128, 116, 104, 92, 82),
)


@dataclass(frozen=True, slots=True)
class Prices:
    """What all locations share in an interval: prices in ticks, the level of losses in percent.

    energy is the system's price; the others are shadow prices of three transmission constraints.
    """

    energy: int
    shadow_1: int
    shadow_2: int
    shadow_3: int
    loss_percent: int


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """What a location feels of prices: shift factors and marginal loss factor, in millionths."""

    shift_1: int
    shift_2: int
    shift_3: int
    loss_ppm: int


def hour_prices(iso: str, hour: Interval, *, cent: int, revised: bool = False) -> Prices:
    """The prices of an hour in ticks, `cent` ticks to the cent; the energy price is in whole cents.

    They depend on the market and the hour alone, so samples of overlapping ranges agree.
    `revised` gives the differing prices of a superseded first version.
    """
    key = (iso, hour.utc, revised)
    correction = noise(1, 200, "revision", *key) if revised else 0
    return Prices(
        energy=(_energy_cents(iso, hour) + correction) * cent,
        shadow_1=noise(0, 1500 * cent, "flow", *key) if 7 <= hour.local.hour <= 22 else 0,
        shadow_2=noise(3000 * cent, 9000 * cent, "pocket", *key) if hour.local.hour <= 5 else 0,
        shadow_3=noise(-150 * cent, 150 * cent, "local", *key) if hour.local.hour < 23 else 0,
        loss_percent=noise(70, 130, "loss", *key),
    )


def real_time_prices(iso: str, interval: Interval, *, cent: int, revised: bool = False) -> Prices:
    """Like `hour_prices` for an interval within an hour, whose prices it scatters around."""
    hour = hour_prices(iso, interval.hour, cent=cent, revised=revised)
    key = (iso, "real time", interval.utc)
    return Prices(
        energy=hour.energy + noise(-900, 900, "energy", *key) * cent,
        shadow_1=hour.shadow_1 * noise(0, 200, "flow", *key) // 100,
        shadow_2=hour.shadow_2 * noise(50, 120, "pocket", *key) // 100,
        shadow_3=hour.shadow_3 * noise(0, 300, "local", *key) // 100,
        loss_percent=hour.loss_percent,
    )


def day_ahead(iso: str, cent: int) -> Callable[[Interval, bool], tuple[int, ...]]:
    """Values of a curve: the prices of its hours."""
    return lambda hour, revised: astuple(hour_prices(iso, hour, cent=cent, revised=revised))


def real_time(iso: str, cent: int) -> Callable[[Interval, bool], tuple[int, ...]]:
    """Values of a curve: the prices of its intervals, within the hour."""
    return lambda part, revised: astuple(real_time_prices(iso, part, cent=cent, revised=revised))


def _energy_cents(iso: str, hour: Interval) -> int:
    local = hour.local
    level = _MONTH_CENTS[local.month - 1] * noise(70, 140, "day", iso, hour.day)
    shaped = level * _SHAPE_PERCENT[local.hour] * noise(95, 105, "hour", iso, hour.utc)
    sunny_surplus = local.month in (4, 5) and local.weekday() >= 5 and 11 <= local.hour <= 14
    return shaped // 1_000_000 - (4000 if sunny_surplus else 0)


def sensitivity(iso: str, area: str, location: object, *, pocket: bool = False) -> Sensitivity:
    """A location's factors: those of its area, spread a little by location.

    In an export-constrained `pocket` nightly congestion pushes prices below zero.
    """
    key = (iso, area, location)
    least, most = (-1_000_000, -800_000) if pocket else (-9_000, 9_000)
    return Sensitivity(
        shift_1=noise(-800_000, 800_000, "flow", iso, area) + noise(-60_000, 60_000, "flow", *key),
        shift_2=noise(least, most, "pocket", *key),
        shift_3=noise(-1_000_000, 1_000_000, "local", *key),
        loss_ppm=noise(-40_000, 50_000, "loss", iso, area) + noise(-9_000, 9_000, "loss", *key),
    )
