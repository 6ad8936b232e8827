"""A run in the process of the tests is as one in its own: it leaves nothing behind."""

from __future__ import annotations

import gc
import logging
import os
import re
import signal
import subprocess
import sys
from datetime import date
from pathlib import Path

import duckdb
import pytest
from dbt.adapters.duckdb.connections import DuckDBConnectionManager

from building import Built, build, environment, published, run_dbt, sample_day
from unified_iso import progress
from unified_iso.dbt_run import kept_project
from unified_iso.lock import Locked, release_lock, take_lock
from unified_iso.project import dataset_models
from unified_iso.workspace import Workspace

pytestmark = pytest.mark.builds

TRY_THE_LOCK = """
import sys
from pathlib import Path
from unified_iso.lock import Locked, take_lock
try:
    take_lock(Path(sys.argv[1]))
    print("free")
except Locked:
    print("held")
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    folder = tmp_path_factory.mktemp("built")
    sample_day(folder / "raw", date(2024, 6, 1))
    return Built(folder / "raw", folder / "out")


def lock_as_others_see_it(lock_file: Path) -> str:
    command = [sys.executable, "-c", TRY_THE_LOCK, str(lock_file)]
    ran = subprocess.run(command, env=environment(), capture_output=True, text=True, check=True)
    return ran.stdout.strip()


def state() -> object:
    """What a process has, and a run could change."""
    handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    streams = (sys.stdout, sys.stderr, [*logging.getLogger().handlers])
    collector = (gc.isenabled(), gc.get_threshold(), gc.get_freeze_count())
    return Path.cwd(), dict(os.environ), handlers, logging.raiseExceptions, streams, collector


@pytest.fixture
def own_state(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Folder, variables and settings of this process that are not those of a new one."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("UNIFIED_ISO_PRUNE", "1")
    monkeypatch.setattr(logging, "raiseExceptions", True)


def test_a_build_leaves_the_process_as_it_was(built: Built, own_state: None) -> None:
    before = state()
    ran = build(built.raw, built.out, "nyiso", "--dataset", "da_energy_hourly")
    assert [line.split()[:3] for line in ran.stdout.splitlines()[1:]] == [
        ["nyiso", "da_energy_hourly", "2024"]
    ]
    assert "reading raw files" in ran.stderr
    assert DuckDBConnectionManager._ENV is None
    assert progress._listener is progress._silent
    assert lock_as_others_see_it(built.out / ".unified-iso" / "lock") == "free"
    with duckdb.connect(str(built.out / ".unified-iso" / "work.duckdb"), read_only=True):
        assert state() == before


def test_plain_dbt_leaves_the_process_as_it_was(built: Built, own_state: None) -> None:
    before = state()
    ran = run_dbt(built.raw, built.out, "seed", "--select", "markets")
    assert "markets" in ran.stdout
    assert state() == before
    assert DuckDBConnectionManager._ENV is None
    assert lock_as_others_see_it(built.out / ".unified-iso" / "lock") == "free"


def test_plain_dbt_ends_with_the_exit_codes_of_dbt(built: Built) -> None:
    assert run_dbt(built.raw, built.out, "seed", "--vars", "{", check=None).exit_code == 2
    wrong = run_dbt(built.raw / "nyiso", built.out, "build", "--select", "markets", check=None)
    assert wrong.exit_code in (1, 2)


def test_a_process_publishes_what_a_build_in_this_one_does(built: Built, tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    ran = build(built.raw, here, "pjm", "--dataset", "da_energy_hourly_nodal")
    other = build(built.raw, there, "pjm", "--dataset", "da_energy_hourly_nodal", in_process=False)
    assert (ran.exit_code, ran.stdout) == (0, other.stdout)
    assert without_seconds(ran.stderr) == without_seconds(other.stderr)
    assert published(here) == published(there)


def without_seconds(told: str) -> str:
    """Leave out how long the build took."""
    said, took = told.rsplit("; ", 1)
    assert re.fullmatch(r"\d+:\d\d min\n", took)
    return said


def test_the_lock_is_held_until_it_is_released(tmp_path: Path) -> None:
    lock_file = tmp_path / "out" / ".unified-iso" / "lock"
    lock_file.parent.mkdir(parents=True)
    take_lock(lock_file)
    take_lock(lock_file)
    assert lock_as_others_see_it(lock_file) == "held"
    release_lock(lock_file)
    release_lock(lock_file)
    assert lock_as_others_see_it(lock_file) == "free"


def test_a_lock_that_another_holds_is_not_released(tmp_path: Path) -> None:
    lock_file = tmp_path / "out" / ".unified-iso" / "lock"
    lock_file.parent.mkdir(parents=True)
    holds = TRY_THE_LOCK + "sys.stdout.flush()\nsys.stdin.read()\n"
    command = [sys.executable, "-c", holds, str(lock_file)]
    with subprocess.Popen(
        command, env=environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as rival:
        assert rival.stdin and rival.stdout
        assert rival.stdout.readline() == "free\n"
        release_lock(lock_file)
        with pytest.raises(Locked, match=f"process {rival.pid}"):
            take_lock(lock_file)
        rival.stdin.close()


def test_the_kept_project_is_known_without_dbt(built: Built) -> None:
    run_dbt(built.raw, built.out, "seed", "--select", "markets")
    project = kept_project(Workspace(built.raw, built.out))
    assert project is not None
    models = {node["name"] for node in project["nodes"].values()}
    assert set(dataset_models()) <= models


def test_nothing_of_a_run_is_in_the_parsed_project(built: Built, tmp_path: Path) -> None:
    """What is kept for all outputs was parsed with the folders of one."""
    kept = kept_project(Workspace(built.raw, built.out))
    text = repr({key: value for key, value in (kept or {}).items() if key != "files"})
    assert "work.duckdb" not in text
    assert "parsed_project" not in text
    assert str(built.out) not in text
