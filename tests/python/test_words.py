"""What a user reads when names are hostile, the machine gives out, or a signal comes."""

from __future__ import annotations

import errno
import io
import json
import logging
import os
import pty
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import pytest
from dbt_common.events.event_manager_client import get_event_manager
from dbt_common.exceptions import DbtRuntimeError
from rich.console import Console
from typer.testing import CliRunner

from building import LONGEST_RUN_SECONDS, REPOSITORY, build, environment, run_dbt, sample_day
from small_project import START_OF_NOTHING
from unified_iso import cli, console, machine, progress
from unified_iso.console import say
from unified_iso.endings import PATIENCE_SECONDS
from unified_iso.outcome import Finding, Outcome, gather
from unified_iso.outcome_text import show, show_left_out
from unified_iso.plugin import Plugin
from unified_iso.project import Choice
from unified_iso.status_table import show_status
from unified_iso.words import visible
from unified_iso.workspace import Workspace

DAY = date(2024, 5, 14)
# Ends in time on a busy machine too, and far from the hour that the queries would take.
PROMPT_SECONDS = 10
# All that the plugin reads of what dbt hands it.
START: Any = SimpleNamespace(config=START_OF_NOTHING)
UNTOUCHED = "what was published is untouched"
FORGED = "day.csv\nrefused pjm/other.csv: is empty\x1b[1A\u202e.csv"
SHOWN = r"day.csv\nrefused pjm/other.csv: is empty\x1b[1A\u202e.csv"


# --- Names from outside ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain name [x] \\n.csv", "plain name [x] \\n.csv"),
        ("Zürich 東京 ñandú", "Zürich 東京 ñandú"),
        ("\x1b[2K\r\n\t\x00\x7f", r"\x1b[2K\r\n\t\x00\x7f"),
        ("\x85\x9b31m", r"\x85\x9b31m"),
        ("\u202a\u202b\u202c\u202d\u202e", r"\u202a\u202b\u202c\u202d\u202e"),
        ("\u2066\u2067\u2068\u2069\u200f", r"\u2066\u2067\u2068\u2069\u200f"),
        ("\u2028\u2029\u00a0", r"\u2028\u2029\xa0"),
        (os.fsdecode(b"caf\xe9.csv"), r"caf\udce9.csv"),
    ],
)
def test_only_what_a_terminal_obeys_is_escaped(text: str, shown: str) -> None:
    assert visible(text) == shown


def printed(action: Callable[[Console], object]) -> str:
    """What `action` prints on a terminal, colours left out."""
    stream = io.StringIO()
    action(Console(file=stream, force_terminal=True, width=400, color_system=None))
    return stream.getvalue()


def test_a_name_prints_as_one_line_and_commands_nothing() -> None:
    refused = [{"file": FORGED, "reason": FORGED}]
    rejected = [{"file": FORGED, "line": 3, "reason": FORGED, "rows": 2}]
    unpublished = [{"model": "pjm_x", "year": 2024, "reason": FORGED}]
    said = printed(lambda console: show_left_out(console, refused, rejected, unpublished))
    assert said.splitlines() == [
        f"refused {SHOWN}: {SHOWN}",
        f"rejected {SHOWN} line 3: {SHOWN} (and 1 more)",
        f"not published pjm_x 2024: {SHOWN}",
    ]
    assert printed(lambda console: say(console, "[red]a[/red]", FORGED)) == f"a {SHOWN}\n"


def test_rows_of_a_failed_test_command_nothing(tmp_path: Path) -> None:
    workspace = Workspace(raw=tmp_path / "raw", out=tmp_path)
    workspace.prepare()
    with duckdb.connect(str(workspace.state / "work.duckdb")) as connection:
        connection.execute('create table t (data_source varchar, "a\x1bb" varchar)')
        connection.execute("insert into t values ($1, 'x')", [FORGED])
    outcome = Outcome(tmp_path, findings=[Finding("d", FORGED, True, table="t", found=1)])
    said = printed(lambda console: show(console, workspace, outcome))
    assert "\x1b" not in said
    assert [line.strip() for line in said.splitlines()] == [
        f"failed d: {SHOWN}",
        f"{'data_source':{len(SHOWN)}}  a\\x1bb",
        f"{SHOWN}  x",
    ]


def entry(**changes: object) -> dict[str, Any]:
    return {
        "iso": "pjm",
        "dataset": "da",
        "model": "pjm_da",
        "family": "energy_prices",
        "schema_version": 2,
        "fingerprint": "",
        "engine": "",
        "step_minutes": 60,
        "may_lack_ids": False,
        "input_digest": "",
        "parts": [],
        "year": 2024,
        "rows": 1,
        "series": 1,
        "locations": 1,
        "first_interval": "a",
        "last_interval": "b",
        "missing_intervals": 0,
        "locations_without_id": 0,
        "unchecked_reports": [],
        "bytes": 1,
        "path": "parquet/x",
        "sha256": "",
        "state": "published",
    } | changes


def test_the_table_of_datasets_commands_nothing() -> None:
    hostile = {name: FORGED for name in ("iso", "dataset", "first_interval", "last_interval")}
    said = printed(
        lambda console: show_status(
            Console(file=console.file, width=1000),
            [entry(**hostile, unchecked_reports=["[red]x", FORGED])],
        )
    )
    assert "\x1b" not in said
    assert "[red]x" in said
    assert len(said.splitlines()) == 2


def test_series_are_called_locations_where_all_are() -> None:
    reserves = entry(series=7)
    del reserves["locations"], reserves["locations_without_id"]
    rows = [entry(series=7, locations=7)]

    def shown(told: list[dict[str, Any]]) -> str:
        return printed(lambda console: show_status(Console(file=console.file, width=1000), told))

    of_energy, of_both = shown(rows), shown([*rows, reserves])
    assert "locations" in of_energy.splitlines()[0] and "series" not in of_energy
    assert "series" in of_both.splitlines()[0] and "locations" not in of_both
    assert [line.split()[3:5] for line in of_both.splitlines()[1:]] == [["1", "7"], ["1", "7"]]


def test_commands_on_a_folder_print_its_names_in_one_line(tmp_path: Path) -> None:
    out = tmp_path / "out"
    (out / "metadata").mkdir(parents=True)
    path = f"parquet/pjm/{FORGED}/{FORGED}_2024.parquet"
    gone = entry(dataset=FORGED, path=path)
    manifest = {"files": [gone], "refused": [{"file": FORGED, "reason": "x"}]}
    (out / "metadata" / "manifest.json").write_text(json.dumps(manifest))
    verified = CliRunner().invoke(cli.app, ["verify", "--out", str(out)])
    assert verified.stdout.splitlines() == [
        "catalog.duckdb: is gone",
        f"parquet/pjm/{SHOWN}/{SHOWN}_2024.parquet: is gone",
    ]
    status = CliRunner().invoke(cli.app, ["status", "--out", str(out)])
    assert status.stdout.splitlines()[-1] == f"refused {SHOWN}: x"


@pytest.mark.builds
def test_lines_of_plain_dbt_name_files_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []

    def hear(event: Any) -> None:
        if event.info.level == "info":
            said.append(event.info.msg)

    monkeypatch.setattr(get_event_manager(), "callbacks", [hear])
    plugin = Plugin("unified_iso", {"raw": str(tmp_path), "out": str(tmp_path)})
    plugin._connection = duckdb.connect()
    monkeypatch.setattr(
        "unified_iso.plugin.start", lambda run: run.tell(f"refused {FORGED}: is empty")
    )
    plugin.store(START)
    assert said == [f"refused {SHOWN}: is empty"]
    for macro in (REPOSITORY / "macros").rglob("*.sql"):
        assert not re.search(r"\blog\(.*info", macro.read_text()), f"{macro.name} prints as it is"


@pytest.mark.builds
def test_a_build_of_hostile_names_forges_no_line(tmp_path: Path) -> None:
    sample_day(tmp_path / "raw", DAY)
    folder = tmp_path / "raw" / "nyiso" / "damlbmp_zone"
    (folder / FORGED.replace("/", "|")).write_bytes(b"")
    shown = SHOWN.replace("/", "|")
    chosen = ("--select", "+nyiso_da_energy_hourly", "--exclude-resource-type", "unit_test")
    plain = run_dbt(tmp_path / "raw", tmp_path / "out", "build", *chosen)
    told = [line for line in plain.stdout.splitlines() if "refused" in line]
    assert len(told) == 1
    assert f"refused nyiso/damlbmp_zone/{shown}: " in told[0]
    assert "\x1b[1A" not in plain.output
    status = CliRunner().invoke(cli.app, ["status", "--out", str(tmp_path / "out")])
    refused = [line for line in status.stdout.splitlines() if "refused" in line]
    assert len(refused) == 1
    assert refused[0].startswith(f"refused nyiso/damlbmp_zone/{shown}: ")


# --- What the machine lacks -----------------------------------------------------------------

SPILL = (
    "Out of Memory Error: failed to offload data block of size 256.0 KiB (0 bytes/0 bytes used).\n"
    "This limit was set by the 'max_temp_directory_size' setting."
)


@pytest.mark.parametrize(
    ("said", "number"),
    [
        ("[Errno 28] No space left on device: '/x/y'", errno.ENOSPC),
        ("Runtime Error in model m (m.sql)\n  [Errno 28] No space left on device", errno.ENOSPC),
        ('IO Error: Could not write file "/x/y": No space left on device', errno.ENOSPC),
        ('FATAL Error: failed: "Could not write /x: No space left on device"', errno.ENOSPC),
        (SPILL, errno.ENOSPC),
        ("Out of Memory Error: failed to pin block (1 KiB/2 KiB used)", errno.ENOMEM),
        ("Exception on worker thread. std::bad_alloc", errno.ENOMEM),
        ('IO Error: Cannot open file "/x": Too many open files', errno.EMFILE),
        ("[Errno 5] Input/output error", errno.EIO),
        ("[Errno 30] Read-only file system: 'x'", errno.EROFS),
        ("[Errno 122] Disk quota exceeded", errno.EDQUOT),
        ("[Errno 2] No such file or directory: 'x'", None),
        ("x.csv: line 3: No space left on device-7 is no price", None),
        ("Got 3 results, configured to fail if != 0", None),
    ],
)
def test_messages_that_tell_of_the_machine(said: str, number: int | None) -> None:
    assert machine.shortage_in(said) == number


def test_words_name_the_place_what_is_free_and_what_to_do(tmp_path: Path) -> None:
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/some/file")
    free = r"\([\d,]+\.\d MB free\)"
    assert re.fullmatch(
        f"No space left on device: /some/file {free}: free some space",
        machine.in_words(full, tmp_path),
    )
    unnamed = machine.in_words(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), tmp_path)
    assert re.fullmatch(f"No space left on device: {tmp_path} {free}: free some space", unnamed)
    # Said once, it is found again in whatever dbt wraps around it.
    named = machine.in_words(full, tmp_path)
    assert machine.in_words(f"Runtime Error in model m (m.sql)\n  {named}", tmp_path) == named
    assert machine.shortage_in(f"Runtime Error\n  {unnamed}") == errno.ENOSPC
    spilled = machine.in_words(SPILL, tmp_path)
    assert spilled.startswith(f"No space left on device: {tmp_path}")
    little = duckdb.OutOfMemoryException("Out of Memory Error: failed to pin (1 KiB/2 KiB used)")
    assert machine.in_words(little, tmp_path) == (
        "Cannot allocate memory (1 KiB/2 KiB used): raise --memory-limit, or end other programs,"
    )
    assert "raise --memory-limit" in machine.in_words(MemoryError(), tmp_path)
    assert machine.in_words(machine.MachineError("the tape is torn"), tmp_path) == (
        "the tape is torn: see to it"
    )


def run_result(name: str, message: str, kind: str = "model", status: str = "error") -> Any:
    node = SimpleNamespace(
        resource_type=kind, name=name, relation_name="t", attached_node=None, tags=[]
    )
    return SimpleNamespace(node=node, status=status, message=message, failures=None)


def result(*runs: Any, exception: BaseException | None = None) -> Any:
    return SimpleNamespace(
        result=SimpleNamespace(results=list(runs)) if runs else None,
        exception=exception,
        success=False,
    )


def test_one_line_for_a_full_disk_and_exit_code_1_though_others_published(tmp_path: Path) -> None:
    workspace = Workspace(raw=tmp_path, out=tmp_path)
    full = 'IO Error: Could not write file "/x/y": No space left on device'
    closed = "FATAL Error: database has been invalidated because of a previous fatal error."
    runs = (
        run_result("pjm_da", "OK", status="success"),
        run_result("pjm_rt", f"Runtime Error in model pjm_rt (x.sql)\n  {full}"),
        run_result("spp_da", f"Runtime Error in model spp_da (x.sql)\n  {closed}"),
        run_result("unified_iso-on-run-end-0", f"Runtime Error\n  {closed}", kind="operation"),
    )
    outcome = gather(workspace, result(*runs), ["pjm", "spp"])
    assert outcome.exit_code == 1
    said = printed(lambda console: show(console, workspace, outcome)).splitlines()
    assert said[0] == "not built pjm_rt, spp_da"
    assert re.fullmatch(
        r"stopped No space left on device: /x/y \(.* MB free\): free some space and build again: "
        f"{UNTOUCHED}",
        said[1],
    )
    assert len(said) == 2


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), "stopped No space left on device: "),
        (MemoryError(), "stopped Cannot allocate memory: raise"),
        (DbtRuntimeError("odd\nrefused x"), "failed run: Runtime Error odd refused x"),
        (KeyError("x"), "failed run: KeyError: 'x' (a fault of the program; see {out}/logs)"),
        (PermissionError(13, "Permission denied", "/x"), "failed run: [Errno 13] Permission"),
    ],
)
def test_what_ended_dbt_is_told_though_the_years_of_an_earlier_run_are_listed(
    error: BaseException, says: str, tmp_path: Path
) -> None:
    workspace = Workspace(raw=tmp_path, out=tmp_path)
    workspace.prepare()
    blocked = {"model": "pjm_da", "year": 2024, "reason": "x"}
    workspace.manifest.write_text(json.dumps({"unpublished": [blocked]}))
    outcome = gather(workspace, result(exception=error), ["pjm"])
    said = printed(lambda console: show(console, workspace, outcome)).splitlines()
    assert "not published pjm_da 2024: x" in said
    told = [line for line in said if line.startswith(says.format(out=tmp_path))]
    assert len(said) == 2
    assert len(told) == 1
    assert outcome.exit_code == 1


def test_what_can_not_be_read_hides_nothing(tmp_path: Path) -> None:
    workspace = Workspace(raw=tmp_path, out=tmp_path)
    workspace.prepare()
    workspace.manifest.mkdir()
    (workspace.state / "work.duckdb").write_bytes(b"no database" * 1000)
    failed = run_result("prices", "Got 2 results", kind="test", status="fail")
    failed.failures = 2
    outcome = gather(workspace, result(failed), ["pjm"])
    said = printed(lambda console: show(console, workspace, outcome))
    assert "failed prices: Got 2 results\n" in said
    assert "its rows can't be shown: " in said
    assert str(workspace.manifest) in said
    assert outcome.exit_code == 1


def test_an_error_of_the_machine_in_a_step_is_told_to_plain_dbt_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging, "raiseExceptions", True)
    plugin = Plugin("unified_iso", {"raw": str(tmp_path), "out": str(tmp_path)})
    plugin._connection = duckdb.connect()

    def raised(error: Exception) -> str:
        def fails(*arguments: object, **named: object) -> None:
            raise error

        monkeypatch.setattr("unified_iso.plugin.start", fails)
        with pytest.raises(DbtRuntimeError) as told:
            plugin.store(START)
        return str(told.value)

    assert f"No space left on device: {tmp_path}" in raised(
        OSError(errno.ENOSPC, "No space left on device")
    )
    assert "raise --memory-limit" in raised(duckdb.OutOfMemoryException("Out of Memory Error: x"))
    assert "the tape is torn" in raised(machine.MachineError("the tape is torn"))
    assert "KeyError: 'x' (a fault of the program in start; see " in raised(KeyError("x"))
    assert raised(ValueError("no such day")).endswith("no such day")
    assert f"interrupted: {UNTOUCHED}" in raised(RuntimeError("Query interrupted"))
    assert f"interrupted: {UNTOUCHED}" in raised(
        duckdb.InterruptException("INTERRUPT Error: Interrupted!")
    )
    assert logging.raiseExceptions is False


# --- A run of the command with something wrong in it -----------------------------------------

PATCHED = """
import errno, sys, time
import duckdb
from unified_iso.endings import end_in_words
end_in_words()
from unified_iso import cli
from unified_iso.build import builder, finish, start

def no_space(*given, **named):
    raise OSError(errno.ENOSPC, "No space left on device")

def endless_query(*given, **named):
    (cursor,) = (one for one in given if isinstance(one, duckdb.DuckDBPyConnection))
    print("ready", flush=True)
    cursor.execute("select count(*) from range(1000000000000) as a(i) where hash(i) = 1")

[module] = (one for one in (start, builder, finish) if hasattr(one, sys.argv[1]))
setattr(module, sys.argv[1], globals()[sys.argv[2]])
sys.argv[1:] = sys.argv[3:]
cli.main()
"""


def patched(step: str, by: str, tmp_path: Path) -> list[str]:
    """Return the command line of a build in which a step of the run does something else."""
    sample_day(tmp_path / "raw", DAY)
    folders = ("--raw", str(tmp_path / "raw"), "--out", str(tmp_path / "out"))
    return [sys.executable, "-c", PATCHED, step, by, "build", "nyiso", *folders]


def run(command: list[str]) -> tuple[int, list[str], list[str]]:
    done = subprocess.run(
        command,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=LONGEST_RUN_SECONDS,
        check=False,
    )
    return done.returncode, done.stdout.splitlines(), done.stderr.splitlines()


@pytest.mark.builds
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_one_line_though_the_log_is_on_it(tmp_path: Path) -> None:
    (tmp_path / "out" / "logs").mkdir(parents=True)
    (tmp_path / "out" / "logs" / "dbt.log").symlink_to("/dev/full")
    code, stdout, stderr = run(patched("update_inventory", "no_space", tmp_path))
    assert code == 1
    assert stdout == ["nothing is published"]
    assert len(stderr) == 1
    assert stderr[0].startswith(f"stopped No space left on device: {tmp_path / 'out'} (")
    assert stderr[0].endswith(f"free some space and build again: {UNTOUCHED}")


@pytest.mark.builds
def test_too_little_memory_is_one_line_and_names_what_was_not_built(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_memory(*given: object, **named: object) -> None:
        raise duckdb.OutOfMemoryException("Out of Memory Error: failed to pin (1 KiB/2 KiB used)")

    monkeypatch.setattr("unified_iso.build.builder.join_year", no_memory)
    sample_day(tmp_path / "raw", DAY)
    ran = build(tmp_path / "raw", tmp_path / "out", "nyiso", check=1)
    assert ran.stdout.splitlines() == ["nothing is published"]
    assert ran.says[-2] == "not built nyiso_da_energy_hourly"
    assert ran.says[-1].startswith("stopped Cannot allocate memory (1 KiB/2 KiB used): ")
    assert ran.says[-1].endswith(f"and build again: {UNTOUCHED}")
    assert [line for line in ran.says if "done" not in line] == ran.says[-2:]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 12 MB; taken off again afterwards."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", str(disk)],
        capture_output=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip("mounting a small file system is not allowed here")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


@pytest.mark.builds
@pytest.mark.parametrize("free", [0, 1_500_000])
def test_a_disk_that_is_really_full(small_disk: Path, tmp_path: Path, free: int) -> None:
    sample_day(tmp_path / "raw", DAY)
    filler = small_disk / "filler"
    filler.write_bytes(b"x" * (12 * 1024**2 - free - 200_000))
    with filler.open("ab", buffering=0) as stream:
        while os.statvfs(small_disk).f_bavail * os.statvfs(small_disk).f_frsize > free:
            stream.write(b"x" * 4096)
    folders = ("--raw", str(tmp_path / "raw"), "--out", str(small_disk / "out"))
    code, _, stderr = run([sys.executable, "-m", "unified_iso", "build", "nyiso", *folders])
    assert code == 1
    assert stderr[-1].startswith(f"stopped No space left on device: {small_disk}/out")
    assert stderr[-1].endswith(f"MB free): free some space and build again: {UNTOUCHED}")
    assert [line for line in stderr[:-1] if "done" not in line and "not built" not in line] == []


# --- A fault of the program ------------------------------------------------------------------


def test_a_fault_of_the_program_is_one_line_and_its_traceback_is_in_the_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run_build(workspace: Workspace, choice: Choice, *options: object) -> None:
        (workspace.out / "logs").mkdir()
        raise KeyError("da\x1b")

    monkeypatch.setattr(cli, "run_build", run_build)
    (tmp_path / "raw").mkdir()
    out = tmp_path / "out"
    ran = CliRunner().invoke(cli.app, ["build", "--raw", str(tmp_path / "raw"), "--out", str(out)])
    log = out / "logs" / "dbt.log"
    assert ran.exit_code == 1
    assert re.fullmatch(
        r"stopped KeyError: 'da\\x1b' \(a fault of the program, in test_words.py line \d+\); "
        rf"its traceback is in {re.escape(str(log))}\n",
        ran.stderr,
    )
    assert "Traceback" in log.read_text()


def test_a_sample_on_a_full_disk_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write_sample(folder: Path, **options: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder / "a.csv"))

    monkeypatch.setattr("unified_iso.sample.write_sample", write_sample)
    ran = CliRunner().invoke(cli.app, ["sample", str(tmp_path)])
    assert ran.exit_code == 1
    assert re.fullmatch(
        rf"stopped No space left on device: {tmp_path}/a.csv \(.* free\): "
        r"free some space and try again\n",
        ran.stderr,
    )


def test_a_folder_that_can_not_be_read_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    ran = CliRunner().invoke(cli.app, ["status", "--out", str(tmp_path / "file")])
    assert ran.exit_code == 1
    assert ran.stderr.startswith("stopped [Errno 20] Not a directory: ")
    assert ran.stderr.endswith(": check the path and its rights\n")
    assert len(ran.stderr.splitlines()) == 1


# --- Signals ---------------------------------------------------------------------------------

PROMISE = f"interrupted: {UNTOUCHED}; the next build goes on from there"


def interrupted(process: subprocess.Popen[str], *numbers: int) -> tuple[int, str, float]:
    """Send signals once a process says it is ready; return its exit code, stderr and seconds."""
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == "ready\n"
        time.sleep(0.2)
        start = time.monotonic()
        for number in numbers:
            process.send_signal(number)
            time.sleep(0.05)
        _, stderr = process.communicate(timeout=LONGEST_RUN_SECONDS)
    finally:
        process.kill()
    return process.returncode, stderr, time.monotonic() - start


def started(command: list[str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


@pytest.mark.builds
@pytest.mark.parametrize(
    ("number", "step", "code"),
    [(signal.SIGINT, "update_inventory", 130), (signal.SIGTERM, "join_year", 143)],
    ids=["in a hook", "in a model"],
)
def test_a_signal_ends_a_query_in_one_line(
    number: int, step: str, code: int, tmp_path: Path
) -> None:
    process = started(patched(step, "endless_query", tmp_path))
    ended, stderr, seconds = interrupted(process, number)
    assert ended == code
    assert stderr.splitlines()[-1] == PROMISE
    assert [line for line in stderr.splitlines() if " done" not in line] == [PROMISE]
    assert seconds < PROMPT_SECONDS


WAITING = """
import signal, sys, time
from unified_iso import endings
{before}
endings.end_in_words()
print("ready", flush=True)
time.sleep({seconds})
"""


def waiting(before: str = "", seconds: float = LONGEST_RUN_SECONDS) -> subprocess.Popen[str]:
    return started([sys.executable, "-c", WAITING.format(before=before, seconds=seconds)])


@pytest.mark.builds
def test_other_commands_promise_nothing() -> None:
    assert interrupted(waiting(), signal.SIGTERM)[:2] == (143, "interrupted\n")


@pytest.mark.builds
def test_the_second_signal_does_not_wait_for_the_words() -> None:
    stuck = f"endings.do_first(lambda: time.sleep({LONGEST_RUN_SECONDS}))"
    code, stderr, seconds = interrupted(waiting(stuck), signal.SIGINT, signal.SIGTERM)
    assert (code, stderr) == (143, "")
    assert seconds < PROMPT_SECONDS


@pytest.mark.builds
def test_words_that_nobody_takes_delay_the_end_a_little_only() -> None:
    stuck = f"endings.do_first(lambda: time.sleep({LONGEST_RUN_SECONDS}))"
    code, stderr, seconds = interrupted(waiting(stuck), signal.SIGINT)
    assert (code, stderr) == (130, "")
    assert seconds < PATIENCE_SECONDS + PROMPT_SECONDS


@pytest.mark.builds
def test_a_signal_that_the_caller_ignores_stays_ignored() -> None:
    ignored = "signal.signal(signal.SIGINT, signal.SIG_IGN)"
    assert interrupted(waiting(ignored, seconds=1), signal.SIGINT)[:2] == (0, "")


@pytest.mark.builds
def test_signals_end_the_command_in_words_before_its_parts_are_imported() -> None:
    imported = (
        "import sys, unified_iso.__main__; print({'dbt', 'duckdb', 'rich'} & set(sys.modules))"
    )
    code, stdout, _ = run([sys.executable, "-c", imported])
    assert (code, stdout) == (0, ["set()"])


BARS = """
import sys, time
from unified_iso import console, endings, progress
endings.end_in_words()
with console.shown_progress(console.console_of_command(stderr=True)):
    progress.report("reading [x]\\x1b", 1, 3)
    time.sleep(0.3)
    # Below the bars, print() would go to the terminal.
    print("ready", file=sys.__stdout__, flush=True)
    time.sleep(60)
"""


@pytest.mark.builds
def test_words_stand_on_a_line_of_their_own_below_the_bars() -> None:
    above, terminal = pty.openpty()
    variables = environment() | {"TERM": "xterm"}
    variables.pop("NO_COLOR")
    process = subprocess.Popen(
        [sys.executable, "-c", BARS],
        env=variables,
        stdout=subprocess.PIPE,
        stderr=terminal,
        text=True,
    )
    os.close(terminal)
    chunks: list[bytes] = []
    reader = threading.Thread(target=lambda: chunks.extend(iter(lambda: _read(above), b"")))
    reader.start()
    assert interrupted(process, signal.SIGINT)[0] == 130
    reader.join(LONGEST_RUN_SECONDS)
    said = b"".join(chunks)
    lines = re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", said.decode()).replace("\r", "").splitlines()
    assert lines[-1] == "interrupted"
    assert "1/3" in lines[-2]
    assert lines[-2].startswith(r"reading [x]\x1b")
    # The cursor, hidden under the bars, is there again.
    assert said.rindex(b"\x1b[?25h") > said.rindex(b"\x1b[?25l")


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 1 << 16)
    except OSError:
        # Linux says so when nobody has the other side open any more.
        return b""


@pytest.mark.builds
def test_a_reader_that_goes_away_is_no_error(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    nothing = f"nothing is published in {tmp_path}\n"
    for command, says in (("status", ""), ("verify", nothing)):
        done = subprocess.run(
            [sys.executable, "-m", "unified_iso", command, "--out", str(tmp_path)],
            env=environment(),
            stdout=writer,
            stderr=subprocess.PIPE,
            text=True,
            timeout=LONGEST_RUN_SECONDS,
            check=False,
        )
        assert done.stderr == says
    os.close(writer)


def test_a_reader_that_goes_away_ends_no_build() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    broken = console._Console(file=os.fdopen(writer, "w"))
    with console.shown_progress(broken):
        for done in (1, 2, 3):
            progress.report("reading", done, done)
