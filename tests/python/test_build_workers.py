"""How many workers build the parts of a dataset, and what becomes of the fault of one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest

from small_project import DATASET, DATASET_SQL, MODEL
from test_build_news import NO_REPEATS, Published
from unified_iso.build import plan, write
from unified_iso.build.builder import build
from unified_iso.build.run import Run
from unified_iso.build.spec import Dataset
from unified_iso.build.start import start
from unified_iso.options import Options

DAYS = [f"2024-03-{day:02}" for day in range(5, 9)]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A run that finds a new file for each of four days, which are a part each."""
    published = Published(tmp_path)
    for day in DAYS:
        published.small.write(f"{day.replace('-', '')}.csv", [f"{day} 00:00:00,HUB,20.5,1"])
    run = published.run()
    start(run)
    return run


@pytest.fixture
def sessions(monkeypatch: pytest.MonkeyPatch) -> list[Run]:
    """The run of each session that is opened."""
    opened: list[Run] = []
    session = Run.session

    @contextmanager
    def counted(run: Run) -> Iterator[duckdb.DuckDBPyConnection]:
        opened.append(run)
        with session(run) as cursor:
            yield cursor

    monkeypatch.setattr(Run, "session", counted)
    return opened


def parts_of(run: Run) -> list[str]:
    rows = run.connection.execute(
        "select part::varchar from inventory.new_parts where model = $1 order by all", [MODEL]
    ).fetchall()
    return [part for (part,) in rows]


def load_each_day_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, "rows_at_once", lambda cursor, workers: 1)


def test_one_worker_builds_what_is_loaded_at_once(run: Run, sessions: list[Run]) -> None:
    build(run, DATASET, DATASET_SQL, {"repeats": NO_REPEATS})
    assert parts_of(run) == DAYS
    assert len(sessions) == 1


def test_another_worker_helps_with_several_loads(
    run: Run, sessions: list[Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    load_each_day_alone(monkeypatch)
    build(run, DATASET, DATASET_SQL, {"repeats": NO_REPEATS})
    assert parts_of(run) == DAYS
    assert len(sessions) == 2


@pytest.mark.parametrize("day", DAYS)
def test_a_fault_of_either_worker_ends_the_build(
    run: Run, monkeypatch: pytest.MonkeyPatch, day: str
) -> None:
    load_each_day_alone(monkeypatch)
    write_part = write.write_part

    def fail(
        cursor: duckdb.DuckDBPyConnection, dataset: Dataset, sql: str, file: Path, options: Options
    ) -> None:
        if file.stem == day:
            raise OSError(28, "No space left on device")
        write_part(cursor, dataset, sql, file, options)

    monkeypatch.setattr(write, "write_part", fail)
    with pytest.raises(OSError, match="No space left"):
        build(run, DATASET, DATASET_SQL, {"repeats": NO_REPEATS})
    assert day not in parts_of(run)
