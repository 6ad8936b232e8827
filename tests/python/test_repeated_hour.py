"""The two passes of a repeated hour, told by the order of a file: the truth, or a rejection.

Each file holds locations of its own, so that one build judges all orders at once.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from building import build, query, status

pytestmark = pytest.mark.builds

HEADER = (
    "Time Stamp,Name,PTID,LBMP ($/MWHr),Marginal Cost Losses ($/MWHr),"
    "Marginal Cost Congestion ($/MWHr)"
)
NEW_YORK = ZoneInfo("America/New_York")
MIDNIGHT = datetime(2024, 11, 2, 4, tzinfo=UTC)
REPEATED = (datetime(2024, 11, 3, 5, tzinfo=UTC), datetime(2024, 11, 3, 6, tzinfo=UTC))
DAYS = (24, 25, 24)
# The same in every hour, so that only the order of the lines tells the passes.
ENERGY = 20.0
SEEDS = range(6)


@dataclass(frozen=True)
class Line:
    """A price as a line of a file tells it, with the start of its hour, which the line doesn't."""

    start: datetime
    ptid: int
    price: float

    @property
    def stamp(self) -> datetime:
        """What the clock in New York showed."""
        return self.start.astimezone(NEW_YORK).replace(tzinfo=None)

    def __str__(self) -> str:
        stamp, congestion = f"{self.stamp:%m/%d/%Y %H:%M}", ENERGY - self.price
        return f"{stamp},UNIT {self.ptid},{self.ptid},{self.price:.2f},0.00,{congestion:.2f}"


Order = Callable[[list[Line], random.Random], list[list[Line]]]


def _published(first_ptid: int, locations: int, rng: random.Random) -> list[Line]:
    """Lines of three days around the repeated hour, in the order of the operator."""
    ptids = range(first_ptid, first_ptid + locations)
    starts = [MIDNIGHT + timedelta(hours=hour) for hour in range(sum(DAYS))]
    return [Line(start, ptid, rng.randint(100, 9999) / 100) for start in starts for ptid in ptids]


def _by_day(lines: list[Line]) -> list[list[Line]]:
    return [list(day) for _, day in groupby(lines, key=lambda line: line.stamp.date())]


def _joined(parts: list[list[Line]]) -> list[Line]:
    return [line for part in parts for line in part]


def _by_location(lines: list[Line]) -> list[Line]:
    return sorted(lines, key=lambda line: line.ptid)


def _cut(lines: list[Line], start: datetime) -> tuple[list[Line], list[Line]]:
    return [x for x in lines if x.start < start], [x for x in lines if x.start >= start]


def _mixed_hours(lines: list[Line], rng: random.Random) -> list[Line]:
    """Sort by the stamp alone, as a sort does that keeps no order of equal ones."""
    return sorted(lines, key=lambda line: (line.stamp, rng.random()))


TOLD: dict[str, Order] = {
    "as published": lambda lines, _: [lines],
    "upside down": lambda lines, _: [lines[::-1]],
    "by location": lambda lines, _: [_by_location(lines)],
    "by location, upside down": lambda lines, _: [_by_location(lines)[::-1]],
    "sorted by stamp": lambda lines, _: [sorted(lines, key=lambda line: line.stamp)],
    "days in any order": lambda lines, rng: [_joined(rng.sample(_by_day(lines), len(DAYS)))],
    "day by day, newest first": lambda lines, _: [_joined(_by_day(lines)[::-1])],
    "twice": lambda lines, _: [lines * 2],
    "cut in the hour": lambda lines, _: list(_cut(lines, REPEATED[1])),
    "cut in the hour, upside down": lambda lines, _: [p[::-1] for p in _cut(lines, REPEATED[1])],
    "cut in the hour and joined": lambda lines, _: [_joined(list(_cut(lines, REPEATED[1])[::-1]))],
    "the long day alone": lambda lines, _: [_by_day(lines)[1]],
}
UNTOLD: dict[str, Order] = {
    "shuffled": lambda lines, rng: [rng.sample(lines, len(lines))],
    "hours mixed": lambda lines, rng: [_mixed_hours(lines, rng)],
    "forwards and backwards": lambda lines, _: [lines + lines[::-1]],
    "line by line twice": lambda lines, _: [[line for line in lines for _ in range(2)]],
    "the hour alone": lambda lines, _: [[x for x in lines if x.start in REPEATED]],
    "the first pass alone": lambda lines, _: [[x for x in lines if x.start != REPEATED[1]]],
    "the second pass alone": lambda lines, _: [[x for x in lines if x.start != REPEATED[0]]],
    "sorted, newest first": lambda lines, _: [
        sorted(lines, key=lambda line: line.stamp, reverse=True)
    ],
}


# What sorting does to equal stamps shows where there are several locations.
SORTED = ("hours mixed", "sorted, newest first")


@dataclass(frozen=True)
class Case:
    """An order, and the lines that were brought into it."""

    order: str
    lines: tuple[Line, ...]


def _cases() -> Iterator[tuple[Case, list[list[Line]]]]:
    first_ptid = 400_000
    for order, bring in (TOLD | UNTOLD).items():
        for seed in SEEDS:
            rng = random.Random(f"{order} {seed}")
            fewest = 2 if order in SORTED else 1
            lines = _published(first_ptid, rng.randint(fewest, 4), rng)
            first_ptid += 10
            yield Case(order, tuple(lines)), bring(lines, rng)


@dataclass(frozen=True)
class Built:
    """What each order came to: the published prices by location and hour."""

    cases: tuple[Case, ...]
    prices: dict[tuple[int, datetime], float]
    reasons: frozenset[str]

    def of(self, order: str) -> Iterator[Case]:
        """Cases of one order."""
        return (case for case in self.cases if case.order == order)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    folder = tmp_path_factory.mktemp("repeated_hour")
    raw, out = folder / "raw", folder / "out"
    reports = raw / "nyiso" / "damlbmp_gen"
    reports.mkdir(parents=True)
    cases = []
    for number, (case, files) in enumerate(_cases()):
        cases.append(case)
        for part, lines in enumerate(files):
            text = "\n".join([HEADER, *map(str, lines)])
            (reports / f"{number:03} {part}.csv").write_text(text + "\n")
    build(raw, out, "nyiso", "--allow-rejects", check=None)
    (path,) = (out / "parquet/nyiso/da_energy_hourly").glob("*.parquet")
    prices = {
        (int(ptid), start): price
        for ptid, start, price in query(
            "select settlement_location_id, interval_start_utc, lmp_total from read_parquet($1)",
            str(path),
        )
    }
    return Built(tuple(cases), prices, _reasons(out))


def _reasons(out: Path) -> frozenset[str]:
    return frozenset(row["reason"] for row in status(out)["rejected"])


@pytest.mark.parametrize("order", TOLD)
def test_the_passes_are_the_truth_where_the_order_tells_them(built: Built, order: str) -> None:
    for case in built.of(order):
        expected = [line for line in case.lines if "long day" not in order or _is_long(line)]
        assert {(x.ptid, x.start): x.price for x in expected} == {
            key: price for key, price in built.prices.items() if key[0] in _ptids(case)
        }


@pytest.mark.parametrize("order", UNTOLD)
def test_no_other_number_is_published_where_the_order_tells_nothing(
    built: Built, order: str
) -> None:
    for case in built.of(order):
        truth = {(x.ptid, x.start): x.price for x in case.lines}
        found = {key: price for key, price in built.prices.items() if key[0] in _ptids(case)}
        assert found.items() <= truth.items()
        if order != "the hour alone":
            assert {key for key in truth if key[1] not in REPEATED} <= found.keys()


@pytest.mark.parametrize("order", UNTOLD)
def test_both_rows_of_the_hour_are_rejected_where_nothing_tells_them(
    built: Built, order: str
) -> None:
    for case in built.of(order):
        assert not built.prices.keys() & {(x, start) for x in _ptids(case) for start in REPEATED}


def _ptids(case: Case) -> set[int]:
    return {line.ptid for line in case.lines}


def _is_long(line: Line) -> bool:
    return line.stamp.date() == REPEATED[0].astimezone(NEW_YORK).date()


def test_the_rejection_says_why(built: Built) -> None:
    assert built.reasons == {
        "Time Stamp 2024-11-03 01:00:00 comes twice on this day and the order of the file does not "
        "tell which is the first"
    }
