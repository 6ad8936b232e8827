"""What every market's sample needs: options, a calendar and repeatable noise."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from hashlib import blake2b
from pathlib import Path
from typing import Literal, get_args
from zoneinfo import ZoneInfo

Packaging = Literal["csv", "csv.gz", "zip"]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
FIVE_MINUTES = timedelta(minutes=5)
SECOND = timedelta(seconds=1)
MICROSECOND = timedelta(microseconds=1)

# How a row of Interval looks as columns of a table.
INTERVAL_COLUMNS = (
    "start_us bigint, local_start timestamp, delivery_date date, delivery_hour utinyint, "
    "dst_flag varchar"
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
    real_time: write the real-time reports of energy too, where no reports are named; where files
        in the shape of gridstatus are, those of real time too.
    ancillary_services: write the reports of ancillary services too, of all markets, where no
        reports are named.

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
    real_time: bool = False
    ancillary_services: bool = False

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
    """An interval by its start: aware in UTC, naive on the market's clock, Y in daylight time.

    is_second_pass: the clock shows this hour for the second time, on the day it is set back.
    end: where intervals differ in length.
    """

    utc: datetime
    local: datetime
    dst_flag: Literal["Y", "N"]
    is_second_pass: bool = False
    end: datetime | None = None

    @property
    def day(self) -> date:
        """The delivery date."""
        return self.local.date()

    @property
    def hour(self) -> "Interval":
        """The hour this interval lies in."""
        utc, local = (clock.replace(minute=0, second=0) for clock in (self.utc, self.local))
        return replace(self, utc=utc, local=local)

    def shifted(self, after: timedelta, end: datetime) -> "Interval":
        """The interval that begins so long after this one, within its hour, and ends at `end`."""
        return replace(self, utc=self.utc + after, local=self.local + after, end=end)

    @property
    def row(self) -> tuple[object, ...]:
        """Values for INTERVAL_COLUMNS; start_us counts microseconds since 1970-01-01 UTC."""
        start_us = (self.utc - EPOCH) // MICROSECOND
        return (start_us, self.local, self.day, self.local.hour + 1, self.dst_flag)


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
        daylight: Literal["Y", "N"] = "Y" if local.dst() else "N"
        yield Interval(utc, local.replace(tzinfo=None, fold=0), daylight, local.fold == 1)
        utc += length


def _midnight(zone: ZoneInfo, day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=zone).astimezone(UTC)


def noise(low: int, high: int, *key: object) -> int:
    """An integer from `low` to `high`, both possible, fixed by `key` on every machine."""
    digest = blake2b("|".join(map(str, key)).encode(), digest_size=8).digest()
    return low + int.from_bytes(digest, "big") % (high - low + 1)
