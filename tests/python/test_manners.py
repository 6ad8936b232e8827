"""How the command behaves: wrong values, waiting for the lock, and what it says at its end."""

from __future__ import annotations

import io
import threading
import time
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import pytest
from filelock import FileLock
from rich.console import Console
from typer.testing import CliRunner

from unified_iso import cli
from unified_iso.lock import release_lock
from unified_iso.manifest import read_manifest
from unified_iso.outcome import Finding, Outcome, gather
from unified_iso.outcome_text import build_summary, show
from unified_iso.status import keep_last_run
from unified_iso.workspace import Workspace


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Calls of the build, which does nothing and tells of success."""
    calls: list[Any] = []

    def run_build(*asked: Any) -> Any:
        calls.append(asked)
        return SimpleNamespace(result=None, exception=None, success=True)

    monkeypatch.setattr(cli, "run_build", run_build)
    return calls


def invoke(folder: Path, *arguments: str) -> Any:
    (folder / "raw" / "pjm").mkdir(parents=True, exist_ok=True)
    folders = ("--raw", str(folder / "raw"), "--out", str(folder / "out"))
    ran = CliRunner().invoke(cli.app, ["build", *arguments, *folders], env={"COLUMNS": "400"})
    release_lock(folder / "out" / ".unified-iso" / "lock")
    return ran


@pytest.mark.parametrize("command", ["build", "verify"])
@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--memory-limit", "lots"], "'lots' is no size: write it like 2GB"),
        (["--memory-limit", "0GB"], "'0GB' is no size"),
        (["--threads", "0"], "Input should be greater than or equal to 1"),
        (["--threads", "-2"], "Input should be greater than or equal to 1"),
    ],
)
def test_a_wrong_limit_is_refused_before_anything_is_touched(
    command: str, arguments: list[str], says: str, built: list[Any], tmp_path: Path
) -> None:
    out = ["--out", str(tmp_path / "out")]
    ran = CliRunner().invoke(cli.app, [command, *arguments, *out], env={"COLUMNS": "400"})
    assert (ran.exit_code, built) == (2, [])
    assert says in ran.stderr
    assert not (tmp_path / "out").exists()


def test_the_version_is_that_of_the_package() -> None:
    ran = CliRunner().invoke(cli.app, ["--version"])
    assert (ran.exit_code, ran.stdout) == (0, f"unified-iso {version('unified-iso')}\n")


# --- The lock -------------------------------------------------------------------------------------


@pytest.fixture
def held(tmp_path: Path) -> FileLock:
    """The lock of the output folder, held as by another run."""
    state = tmp_path / "out" / ".unified-iso"
    state.mkdir(parents=True)
    (state / "lock.owner").write_text("4711")
    lock = FileLock(state / "lock", thread_local=False)
    lock.acquire()
    return lock


def test_another_run_is_waited_for(held: FileLock, built: list[Any], tmp_path: Path) -> None:
    threading.Timer(0.5, held.release).start()
    began = time.monotonic()
    invoke(tmp_path, "--wait", "60")
    assert len(built) == 1
    assert 0.4 < time.monotonic() - began < 30


def test_another_run_is_not_waited_for_longer(
    held: FileLock, built: list[Any], tmp_path: Path
) -> None:
    for arguments in ([], ["--wait", "0.2"]):
        ran = invoke(tmp_path, *arguments)
        assert (ran.exit_code, built) == (1, [])
        assert "another run (process 4711) is working on" in ran.stderr
        assert "--wait SECONDS" in ran.stderr
    held.release()


# --- The end of a build ---------------------------------------------------------------------------


def row(model: str, year: int, rows: int) -> dict[str, Any]:
    return {"model": model, "year": year, "rows": rows}


@pytest.mark.parametrize(
    ("lists", "says"),
    [
        ({}, "2 datasets, 3 year files, 1,205 rows published; 1:05 min"),
        (
            {
                "unpublished": [{"model": "a", "year": 2023, "reason": "x"}],
                "refused": [{"file": "a/b.csv", "reason": "x"}],
                "rejected": [{"file": "a/c.csv", "line": 1, "reason": "x", "rows": 2}],
            },
            "2 datasets, 3 year files, 1,205 rows published; 1 not published; 1 file refused; "
            "2 lines rejected; 1:05 min",
        ),
    ],
)
def test_a_build_ends_with_one_line(lists: dict[str, Any], says: str, tmp_path: Path) -> None:
    rows = [row("a", 2023, 5), row("a", 2024, 200), row("b", 2024, 1000)]
    assert build_summary(Outcome(tmp_path, **lists), rows, 64.7) == says


def test_rows_of_a_failed_test_come_with_the_command_that_shows_all(tmp_path: Path) -> None:
    workspace = Workspace(raw=tmp_path / "raw", out=tmp_path / "it's out")
    workspace.prepare()
    with duckdb.connect(str(workspace.database)) as connection:
        connection.execute('create schema "audit"')
        connection.execute('create table "audit"."odd rows" as select range as n from range(12)')
    finding = Finding("d", "Odd.", True, table='"work"."audit"."odd rows"', found=12)
    stream = io.StringIO()
    show(Console(file=stream, width=400), workspace, Outcome(tmp_path, findings=[finding]))
    last = stream.getvalue().splitlines()[-1]
    assert last.startswith("and 2 more: duckdb -readonly ")
    query = last.partition(" -c ")[2].strip("'")
    with duckdb.connect(str(workspace.database), read_only=True) as connection:
        assert connection.execute(query).fetchall() == [(n,) for n in range(12)]


@pytest.mark.parametrize("width", [80, 120])
def test_rows_of_a_failed_test_are_whole_at_any_width(width: int, tmp_path: Path) -> None:
    workspace = Workspace(raw=tmp_path / "raw", out=tmp_path)
    workspace.prepare()
    names = ["ALDER BROOK___COGENERATION_UNIT_1", "ALDER BROOK___COGENERATION_UNIT_2"]
    with duckdb.connect(str(workspace.database)) as connection:
        connection.execute(
            "create table t (name varchar, since timestamptz, file varchar, n bigint)"
        )
        for name in names:
            connection.execute(
                "insert into t values ($1, '2024-03-08 12:05:00+00', 'pjm/da_hrl_lmps/a.csv', 1)",
                [name],
            )
    finding = Finding("d", "Odd.", True, table="t", found=2)
    stream = io.StringIO()
    show(Console(file=stream, width=width), workspace, Outcome(tmp_path, findings=[finding]))
    for whole in (*names, "2024-03-08 12:05:00+00:00", "pjm/da_hrl_lmps/a.csv"):
        assert whole in stream.getvalue()


@pytest.mark.parametrize(
    ("years", "of_file", "code"),
    [
        ((), [2023], 3),
        ((2023,), [2023], 3),
        ((2023,), [2022, 2023], 3),
        ((2024,), [2023], 0),
        # Nobody knows what it covers.
        ((2024,), [], 3),
        ((2024,), None, 3),
    ],
)
def test_rejected_lines_of_other_years_are_listed_and_no_fault(
    years: tuple[int, ...], of_file: list[int] | None, code: int, tmp_path: Path
) -> None:
    workspace = Workspace(raw=tmp_path / "raw", out=tmp_path)
    entry: dict[str, Any] = {"file": "pjm/a.csv", "line": 3, "reason": "x", "rows": 1}
    if of_file is not None:
        entry["years"] = of_file
    workspace.manifest.parent.mkdir(parents=True)
    workspace.manifest.write_text(f'{{"rejected": [{entry!r}]}}'.replace("'", '"'))
    result: Any = SimpleNamespace(result=None, exception=None, success=True)
    outcome = gather(workspace, result, ["pjm"], years)
    assert outcome.exit_code == code
    assert outcome.rejected == [entry] == read_manifest(workspace)["rejected"]


def test_the_last_run_is_no_reason_to_fail(tmp_path: Path) -> None:
    workspace = Workspace(raw=tmp_path / "raw", out=tmp_path / "not there")
    now = datetime.now(UTC)
    keep_last_run(workspace, at=now, seconds=1, exit_code=0, asked={}, failures=())
    assert not workspace.last_run.exists()
