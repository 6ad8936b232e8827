"""How far a dataset is while its statements run, in lines of raw files."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from itertools import groupby, pairwise
from threading import Thread

import duckdb
import pytest

from unified_iso import progress
from unified_iso.build import advance
from unified_iso.build.advance import Advance

LABEL = "xiso_prices"
LONGEST_WAIT_SECONDS = 30


class Told:
    """What a listener is told."""

    def __init__(self) -> None:
        self.reports: list[tuple[str, int, int, str]] = []
        self.times: list[float] = []

    def __call__(self, label: str, done: int, total: int, unit: str) -> None:
        self.reports.append((label, done, total, unit))
        self.times.append(time.monotonic())

    @property
    def done(self) -> list[int]:
        """How many lines were done, a number that is told again counted once."""
        return [done for done, _ in groupby(done for _, done, _, _ in self.reports)]

    def wait(self, more: int = 2) -> None:
        """Wait for further reports; the first may tell what was before."""
        wanted = len(self.reports) + more
        wait_until(lambda: len(self.reports) >= wanted)


def wait_until(is_so: Callable[[], bool]) -> None:
    end = time.monotonic() + LONGEST_WAIT_SECONDS
    while not is_so():
        assert time.monotonic() < end, "nothing was told"
        time.sleep(0.005)


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Iterator[Told]:
    """Reports that come more often than in a build."""
    monkeypatch.setattr(advance, "SECONDS_BETWEEN_REPORTS", 0.02)
    told = Told()
    progress.listen(told)
    yield told
    progress.listen(None)


@pytest.fixture
def half(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every statement that runs is half done."""
    monkeypatch.setattr(advance, "_share", lambda cursor: 0.5)


@pytest.fixture
def cursor() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        yield connection


def test_steps_add_up_with_what_has_run_of_the_statements(
    told: Told, half: None, cursor: duckdb.DuckDBPyConnection
) -> None:
    with Advance(LABEL) as lines, cursor.cursor() as other:
        lines.expect(1000)
        told.wait()
        with lines.step(cursor, 400):
            told.wait()
            with lines.step(other, 100):
                told.wait()
            told.wait()
        told.wait()
        # A share of all that there are.
        with lines.step(cursor, lines.total * 0.1):
            told.wait()
        told.wait()
    assert told.done == [0, 200, 250, 300, 500, 550, 600, 1000]
    assert set(told.reports) == {(LABEL, done, 1000, "lines") for done in told.done}


def test_all_is_done_only_when_the_dataset_is(
    told: Told, cursor: duckdb.DuckDBPyConnection
) -> None:
    with Advance(LABEL) as lines:
        lines.expect(100)
        with lines.step(cursor, 250):
            pass
        told.wait()
        assert told.done[-1] == 99
    assert told.reports[-1] == (LABEL, 100, 100, "lines")


def test_files_that_cover_more_than_was_thought_raise_the_total(told: Told) -> None:
    with Advance(LABEL) as lines:
        lines.expect(100)
        told.wait()
        lines.expect(300)
        told.wait()
    assert {total for _, _, total, _ in told.reports} == {100, 300}
    assert told.reports[-1] == (LABEL, 300, 300, "lines")


def test_where_nothing_is_read_nothing_is_told(told: Told) -> None:
    with Advance(LABEL) as lines:
        time.sleep(0.1)
        lines.expect(0)
    assert told.reports == []


def test_it_is_told_again_after_each_interval(told: Told) -> None:
    with Advance(LABEL) as lines:
        lines.expect(10)
        told.wait(4)
    steps = [later - earlier for earlier, later in pairwise(told.times[:4])]
    assert len(steps) == 3
    assert min(steps) >= 0.02


def test_a_build_tells_it_every_second() -> None:
    assert advance.SECONDS_BETWEEN_REPORTS == 1


def test_an_error_ends_the_telling_and_is_not_called_done(
    told: Told, half: None, cursor: duckdb.DuckDBPyConnection
) -> None:
    def fail() -> None:
        with Advance(LABEL) as lines:
            lines.expect(1000)
            with lines.step(cursor, 400):
                told.wait()
                raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    count = len(told.reports)
    time.sleep(0.1)
    assert len(told.reports) == count
    assert 1000 not in told.done


# What DuckDB tells of a statement.


def test_a_session_without_a_statement_or_that_is_closed_has_done_nothing(
    cursor: duckdb.DuckDBPyConnection,
) -> None:
    assert advance._share(cursor) == 0
    closed = cursor.cursor()
    closed.close()
    assert advance._share(closed) == 0


def test_a_statement_tells_how_far_it_is_while_it_runs(
    told: Told, cursor: duckdb.DuckDBPyConnection
) -> None:
    cursor.execute("create table numbers as select range as n from range(2000000)")
    cursor.execute("set threads = 1")
    with Advance(LABEL) as lines:
        lines.expect(1_000_000)
        with lines.step(cursor, 1_000_000):
            query = Thread(
                target=lambda: cursor.execute(
                    "select max(md5(md5(md5(n::varchar)))) from numbers"
                ).fetchall()
            )
            query.start()
            query.join()
    running = [done for done in told.done if 0 < done < 999_999]
    assert running
    assert running == sorted(running)
