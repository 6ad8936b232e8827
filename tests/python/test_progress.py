"""How far long work is, in few lines where there is no terminal and in bars where there is one."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator

import pytest
from rich.console import Console

from unified_iso import progress
from unified_iso.console import shown_progress
from unified_iso.progress import Teller, amount, report


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(autouse=True)
def silence() -> Iterator[None]:
    yield
    progress.listen(None)


def test_a_line_comes_at_most_every_ten_seconds_and_one_when_all_is_done(clock: Clock) -> None:
    teller = Teller(clock)
    lines = []
    for second in range(26):
        clock.now = 100.0 + second
        lines.append(teller.line("pjm", second * 40, 1000, "rows"))
    assert [(second, line) for second, line in enumerate(lines) if line] == [
        (10, "pjm: 400 rows of 1,000 rows (40 %), 0:00:15 left"),
        (20, "pjm: 800 rows of 1,000 rows (80 %), 0:00:05 left"),
        (25, "pjm: 1,000 rows done"),
    ]


def test_each_label_has_its_own_lines(clock: Clock) -> None:
    teller = Teller(clock)
    assert teller.line("pjm", 1, 10, "files") is None
    clock.now += 9
    assert teller.line("spp", 0, 10, "files") is None
    clock.now += 1
    assert teller.line("pjm", 5, 10, "files") == "pjm: 5 files of 10 files (50 %), 0:00:10 left"
    clock.now += 9
    assert teller.line("spp", 0, 10, "files") == "spp: 0 files of 10 files (0 %)"


def test_a_label_that_is_used_again_begins_anew(clock: Clock) -> None:
    teller = Teller(clock)
    teller.line("pjm", 1, 10, "")
    clock.now += 5000
    assert teller.line("pjm", 10, 10, "") == "pjm: 10 done"
    assert teller.line("pjm", 1, 10, "") is None
    clock.now += 20
    assert teller.line("pjm", 2, 10, "") == "pjm: 2 of 10 (20 %), 0:01:20 left"
    assert teller.line("pjm", 1, 10, "") is None
    clock.now += 3600
    assert teller.line("pjm", 5, 10, "") == "pjm: 5 of 10 (50 %), 1:00:00 left"


def test_nothing_to_do_is_done(clock: Clock) -> None:
    assert Teller(clock).line("pjm", 0, 0, "rows") == "pjm: 0 rows done"


@pytest.mark.parametrize(
    ("count", "unit", "text"),
    [
        (1_234_567, "", "1,234,567"),
        (1_234_567, "rows", "1,234,567 rows"),
        (6_912_000_000, "bytes", "6.9 GB"),
        (12_000_000, "bytes", "12.0 MB"),
        (1_500, "bytes", "1.5 kB"),
        (999, "bytes", "999 bytes"),
        (0, "bytes", "0 bytes"),
    ],
)
def test_amounts_have_their_unit(count: int, unit: str, text: str) -> None:
    assert amount(count, unit) == text


def reported(console: Console) -> None:
    with shown_progress(console):
        report("reading", 1_000_000, 2_000_000, "bytes")
        report("reading", 2_000_000, 2_000_000, "bytes")
        report("writing", 5, 5)
    report("later", 1, 1)


def test_where_there_is_no_terminal_a_line_tells_what_is_done() -> None:
    file = io.StringIO()
    reported(Console(file=file, width=100))
    assert file.getvalue().splitlines() == ["reading: 2.0 MB done", "writing: 5 done"]


def test_a_terminal_shows_one_bar_for_each_label() -> None:
    file = io.StringIO()
    reported(Console(file=file, width=100, force_terminal=True, color_system=None))
    shown = re.sub(r"\x1b\[[0-9?;]*[A-Za-z]", "", file.getvalue())
    last = [line.split() for line in shown.replace("\r", "\n").splitlines() if line.strip()][-2:]
    bars = [[word for word in line if not word.startswith("━")] for line in last]
    assert bars == [["reading", "2.0", "MB/2.0", "MB", "0:00:00"], ["writing", "5/5", "0:00:00"]]
    assert "later" not in shown


def test_work_that_is_tested_ends_with_its_tests() -> None:
    told: list[tuple[str, int, int]] = []
    progress.listen(lambda label, done, total, unit: told.append((label, done, total)))
    with progress.tested(["nyiso", "nyiso", "spp"]) as test_ended:
        report("reading", 7, 7, "bytes")
        report("nyiso", 50, 100, "lines")
        report("nyiso", 100, 100, "lines")
        test_ended("nyiso")
        test_ended("spp")
        test_ended("nyiso")
    assert told == [
        ("reading", 7, 7),
        ("nyiso", 45, 100),
        ("nyiso", 90, 100),
        ("nyiso", 95, 100),
        ("nyiso", 100, 100),
    ]


def test_work_ends_though_some_of_its_tests_were_not_run() -> None:
    told: list[tuple[str, int, int]] = []
    progress.listen(lambda label, done, total, unit: told.append((label, done, total)))
    with progress.tested(["nyiso", "nyiso", "spp"]) as test_ended:
        report("nyiso", 100, 100, "lines")
        test_ended("nyiso")
    report("nyiso", 1, 1, "lines")
    assert told == [("nyiso", 90, 100), ("nyiso", 95, 100), ("nyiso", 100, 100), ("nyiso", 1, 1)]
