"""What every market's sample needs: options, a calendar, repeatable noise, a price model.

Prices are integers in the market's own tick (a micro-dollar or a cent per MWh), so that the printed
decimals and the truth are two exact readings of one number.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from hashlib import blake2b
from pathlib import Path
from typing import Literal, get_args
from zoneinfo import ZoneInfo

Packaging = Literal["csv", "csv.gz", "zip"]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
FIVE_MINUTES = timedelta(minutes=5)
MICROSECOND = timedelta(microseconds=1)

# Integer formulas over the columns of Prices and Sensitivity, all in ticks, usual sign; the total
# is over the results of the other two.
CONGESTION_SQL = "(shift_1 * shadow_1 + shift_2 * shadow_2 + shift_3 * shadow_3) // 1000000"
LOSS_SQL = "energy * loss_percent // 100 * loss_ppm // 1000000"
TOTAL_SQL = "energy + congestion + loss"

# How the rows of Interval, Prices and Sensitivity look as columns of a table.
INTERVAL_COLUMNS = (
    "start_us bigint, local_start timestamp, delivery_date date, delivery_hour utinyint, "
    "dst_flag varchar"
)
PRICE_COLUMNS = (
    "energy bigint, shadow_1 bigint, shadow_2 bigint, shadow_3 bigint, loss_percent bigint"
)
SENSITIVITY_COLUMNS = "shift_1 bigint, shift_2 bigint, shift_3 bigint, loss_ppm bigint"

_MONTH_CENTS = (4800, 4200, 3000, 2700, 2900, 3300, 4500, 4200, 3400, 3000, 3200, 4000)
_SHAPE_PERCENT = (
    *(74, 70, 67, 66, 68, 75, 92, 106, 108, 104, 101, 100),
    *(99, 98, 98, 101, 108, 125, 134, 128, 116, 104, 92, 82),
)


@dataclass(frozen=True, slots=True)
class SampleOptions:
    """What is written and how; every default gives the shape people meet in real downloads.

    overlap: exports of adjacent ranges share the interval at their border, where the market's
        download tool includes the end of the range.
    revisions: some intervals come as a superseded and a current version, where the market numbers
        them.
    truth: write the expected rows beside the raw files.
    days_per_file: delivery days in one file, where the user of the market's tool can choose and a
        file has room for several.
    packaging: plain files, each file gzipped, or the market's zip archives.
    memory_limit: DuckDB's limit, in DuckDB's notation.
    threads: files written at the same time. The bytes do not depend on it.
    reports: names of reports, of any market; a market that has none of them writes nothing. None
        for the hourly day-ahead reports.

    Raises ValueError for a number below one or an unknown packaging.
    """

    overlap: bool = True
    revisions: bool = True
    truth: bool = True
    days_per_file: int = 1
    packaging: Packaging = "csv"
    memory_limit: str = "1GB"
    threads: int = 2
    reports: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        if self.days_per_file < 1 or self.threads < 1:
            raise ValueError("days_per_file and threads must be at least 1")
        if self.packaging not in get_args(Packaging):
            raise ValueError(f"packaging {self.packaging!r} is none of {get_args(Packaging)}")


@dataclass(frozen=True, slots=True)
class Request:
    """One market's share of a sample: `days` market-local delivery days from `start`, under `out`.

    nodes is what the market counts as its locations; None is the market's small default.
    """

    out: Path
    start: date
    days: int
    nodes: int | None
    options: SampleOptions

    def writes(self, report: str, default: bool = True) -> bool:
        """Whether `report` is part of the sample; `default` where the caller names no reports."""
        chosen = self.options.reports
        return default if chosen is None else report in chosen


@dataclass(frozen=True, slots=True)
class Interval:
    """An interval by its start: aware in UTC, naive on the market's clock, Y in daylight time."""

    utc: datetime
    local: datetime
    dst_flag: Literal["Y", "N"]

    @property
    def day(self) -> date:
        """The delivery date."""
        return self.local.date()

    @property
    def hour(self) -> "Interval":
        """The hour this interval lies in."""
        return Interval(self.utc.replace(minute=0), self.local.replace(minute=0), self.dst_flag)

    @property
    def row(self) -> tuple[object, ...]:
        """Values for INTERVAL_COLUMNS; start_us counts microseconds since 1970-01-01 UTC."""
        start_us = (self.utc - EPOCH) // MICROSECOND
        return (start_us, self.local, self.day, self.local.hour + 1, self.dst_flag)


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


def market_hours(zone: ZoneInfo, start: date, days: int) -> Iterator[Interval]:
    """The hours of `days` delivery days in time order: 24 a day, 23 or 25 where clocks change."""
    return market_intervals(zone, start, days, HOUR)


def market_intervals(
    zone: ZoneInfo, start: date, days: int, length: timedelta
) -> Iterator[Interval]:
    """The intervals of `length`, an hour or a part of it, that the hours of `days` days hold."""
    utc = _midnight(zone, start)
    end = _midnight(zone, start + timedelta(days=days))
    while utc < end:
        local = utc.astimezone(zone)
        yield Interval(utc, local.replace(tzinfo=None, fold=0), "Y" if local.dst() else "N")
        utc += length


def _midnight(zone: ZoneInfo, day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=zone).astimezone(UTC)


def noise(low: int, high: int, *key: object) -> int:
    """An integer from `low` to `high`, both possible, fixed by `key` on every machine."""
    digest = blake2b("|".join(map(str, key)).encode(), digest_size=8).digest()
    return low + int.from_bytes(digest, "big") % (high - low + 1)


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
