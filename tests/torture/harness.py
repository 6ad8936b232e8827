"""What the attacks share: builds in forked children, an audit of an output folder, and findings.

Every build runs in a child that is forked from a process that has imported dbt and done nothing
else, because an import costs more than a small build. The caller itself is not forked: a thread of
its own, such as those of Arrow's pool and of an open database, may hold a lock at that moment, and
a child has the lock but not the thread that would let it go, so that it would wait forever.
"""

from __future__ import annotations

import atexit
import hashlib
import json
import multiprocessing
import os
import shutil
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import dbt.adapters.duckdb.impl
import dbt.task.build  # noqa: F401
import duckdb
from typer.testing import CliRunner

from unified_iso import cli

LONGEST_BUILD_SECONDS = 600
POLL_SECONDS = 0.005
CRASHED = 99
STOPPED = "stopped"
Files = dict[str, str]


@dataclass
class Attack:
    """What one attack did and found; findings are printed as they come."""

    name: str
    cases: int = 0
    findings: list[str] = field(default_factory=list)
    figures: dict[str, str] = field(default_factory=dict)
    skipped: str | None = None
    seconds: float = 0.0

    def found(self, text: str) -> None:
        """Note a finding."""
        self.findings.append(text)
        print(f"finding: {self.name}: {' '.join(text.split())}", flush=True)

    def says(self, text: str) -> None:
        """Tell how far the attack is."""
        print(f"{self.name}: {text}", flush=True)


@dataclass(frozen=True)
class Ran:
    """How a child ended; a negative exit code is the signal that ended it."""

    exit_code: int
    output: str
    seconds: float

    @property
    def end(self) -> str:
        """The last words, for a finding."""
        return f"exit code {self.exit_code}: {self.output[-400:]}"

    @property
    def has_traceback(self) -> bool:
        """Whether the user was shown the inside of the program."""
        return "Traceback (most recent call last)" in self.output or self.exit_code == CRASHED


def build(raw: Path, out: Path, *options: str, log: Path | None = None, **how: Any) -> Ran:
    """Run `unified-iso build` in a forked child; `how` as for `run_child`.

    log: where its output goes, beside the output folder without.
    """
    task = partial(build_here, raw, out, *options)
    return run_child(task, log=log or out.with_name(f"{out.name}.log"), **how)


def build_here(raw: Path, out: Path, *options: str) -> int:
    """Run `unified-iso build` in this process and return its exit code."""
    arguments = ["build", *options, "--raw", str(raw), "--out", str(out)]
    sys.argv = ["unified-iso", *arguments]
    try:
        cli.main()
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    return 0


def start_child(
    task: Callable[[], int], log: Path, variables: Mapping[str, str] | None = None
) -> int:
    """Fork a child that leads its own process group and writes to `log`; return its number."""
    log.parent.mkdir(parents=True, exist_ok=True)
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if child:
        return child
    code = CRASHED
    try:
        os.setsid()
        _redirect(log)
        os.environ.update({"NO_COLOR": "1", "COLUMNS": "400", **(variables or {})})
        if hasattr(time, "tzset"):
            time.tzset()
        code = task()
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _redirect(log: Path) -> None:
    written = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((nothing, 0), (written, 1), (written, 2)):
        os.dup2(source, target)
    sys.stdin = os.fdopen(0, closefd=False)
    sys.stdout = os.fdopen(1, "w", errors="surrogateescape", closefd=False)
    sys.stderr = os.fdopen(2, "w", errors="surrogateescape", closefd=False)


def run_child(
    task: Callable[[], int],
    *,
    log: Path,
    kill_after: float | None = None,
    timeout: float = LONGEST_BUILD_SECONDS,
    variables: Mapping[str, str] | None = None,
    on_stop: Callable[[], None] | None = None,
) -> Ran:
    """Run `task`, which can be pickled, in a forked child and wait for it.

    kill_after: seconds after which its process group is killed.
    on_stop: called whenever the child has stopped itself; the child goes on afterwards.
    """
    server = _server()
    server.send((task, log, kill_after, timeout, variables, on_stop is not None))
    while (said := server.recv()) == STOPPED:
        assert on_stop is not None
        on_stop()
        server.send(None)
    if isinstance(said, BaseException):
        raise said
    assert isinstance(said, Ran)
    return said


@cache
def _server() -> Connection:
    """Start the process that forks the children; it ends with this one."""
    ours, theirs = multiprocessing.Pipe()
    # A process of the method `fork` would inherit the locks that it is there to avoid.
    process = multiprocessing.get_context("spawn").Process(
        target=_serve, args=(theirs,), daemon=True
    )
    process.start()
    theirs.close()
    atexit.register(ours.close)
    return ours


def _serve(asked: Connection) -> None:
    """Run the children that are asked for, one after another, until nobody is there to ask."""

    def stopped() -> None:
        asked.send(STOPPED)
        asked.recv()

    while True:
        try:
            task, log, kill_after, timeout, variables, tells_stops = asked.recv()
        except (EOFError, KeyboardInterrupt):
            return
        on_stop = stopped if tells_stops else None
        try:
            asked.send(_run_child(task, log, kill_after, timeout, variables, on_stop))
        except Exception as error:
            asked.send(error)


def _run_child(
    task: Callable[[], int],
    log: Path,
    kill_after: float | None,
    timeout: float,
    variables: Mapping[str, str] | None,
    on_stop: Callable[[], None] | None,
) -> Ran:
    start = time.monotonic()
    child = start_child(task, log, variables)
    while True:
        ended, status = os.waitpid(child, os.WNOHANG | os.WUNTRACED)
        if ended and os.WIFSTOPPED(status):
            if on_stop is not None:
                on_stop()
            os.kill(child, signal.SIGCONT)
            continue
        seconds = time.monotonic() - start
        if ended:
            text = log.read_text(errors="replace")
            return Ran(os.waitstatus_to_exitcode(status), text, seconds)
        if seconds > timeout or (kill_after is not None and seconds > kill_after):
            kill_after = None
            os.killpg(child, signal.SIGKILL)
        time.sleep(POLL_SECONDS if on_stop is None else POLL_SECONDS / 20)


# --- Looking at an output folder ------------------------------------------------------------------


def sha256(path: Path) -> str:
    """Return the hash of a file's bytes."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def published(out: Path) -> Files:
    """Return the hash of everything below the folder of published files, by path."""
    return {
        path.relative_to(out).as_posix(): sha256(path)
        for path in sorted((out / "parquet").rglob("*"))
        if path.is_file()
    }


def accounts(out: Path) -> list[tuple[Any, ...]]:
    """Return the accounts that the working database keeps of published parts."""
    with duckdb.connect(str(out / ".unified-iso" / "work.duckdb"), read_only=True) as database:
        return database.execute(
            "select model, part, data_source, content_hash, term, reason, rows"
            " from inventory.accounts order by all"
        ).fetchall()


def manifest(out: Path) -> dict[str, Any]:
    """Return the manifest."""
    told: dict[str, Any] = json.loads((out / "metadata" / "manifest.json").read_text())
    return told


def tree(out: Path) -> list[str]:
    """List the files of an output folder, but for logs and what dbt keeps for itself."""
    own = (out / "logs", out / ".unified-iso" / "target")
    return sorted(
        path.relative_to(out).as_posix()
        for path in out.rglob("*")
        if not path.is_dir() and not any(path.is_relative_to(folder) for folder in own)
    )


def unsound_now(out: Path, old: Files, new: Files) -> Iterator[str]:
    """Faults of an output folder somewhere between two states; none where it is sound.

    Every published file must be the old or the new one, and what is there must be usable: `verify`
    passes and each view of the catalog can be read.
    """
    now = published(out)
    for path in sorted({*old, *new, *now}):
        if now.get(path) not in (old.get(path), new.get(path)):
            yield f"{path} is neither the old file nor the new one"
    verified = CliRunner().invoke(cli.app, ["verify", "--quick", "--out", str(out)])
    if verified.exit_code and (old or now):
        bad = [line for line in verified.output.splitlines() if "as published" not in line]
        yield f"verify fails: {'; '.join(bad)[:200]} {verified.exception or ''}"
    yield from _unsound_catalog(out, must_be_there=bool(old))


def _unsound_catalog(out: Path, must_be_there: bool) -> Iterator[str]:
    path = out / "catalog.duckdb"
    if not path.exists():
        if must_be_there:
            yield "the catalog is gone"
        return
    try:
        with duckdb.connect(str(path), read_only=True) as catalog:
            views = catalog.execute(
                "select schema_name, view_name from duckdb_views() where not internal"
            ).fetchall()
            for schema, view in views:
                catalog.execute(f'select count(columns(*)) from "{schema}"."{view}"').fetchall()
    except duckdb.Error as error:
        yield f"the catalog can't be read: {str(error).splitlines()[0]}"


def unlike(out: Path, twin: Path) -> Iterator[str]:
    """Ways in which a healed output folder differs from that of an undisturbed run."""
    expected = published(twin)
    found = published(out)
    yield from unsound_now(out, expected, expected)
    if found != expected:
        paths = sorted(p for p in {*found, *expected} if found.get(p) != expected.get(p))
        yield f"published files differ from the twin's: {paths}"
    told, wanted = manifest(out)["files"], manifest(twin)["files"]
    if told != wanted:
        yield "the manifest's list of files differs from the twin's"
    kept, due = accounts(out), accounts(twin)
    if kept != due:
        lacking = [row for row in due if row not in kept]
        more = [row for row in kept if row not in due]
        yield (
            f"accounts differ from the twin's: {len(lacking)} lacking, {len(more)} too many, "
            f"such as {(lacking or more)[:1]}"
        )
    strays = sorted({*tree(out)} - {*tree(twin)})
    if strays:
        yield f"leftovers: {strays[:5]}"


def put_back(kept: Path, out: Path) -> None:
    """Replace a folder by a copy of another, times of files included."""
    shutil.rmtree(out, ignore_errors=True)
    shutil.copytree(kept, out, symlinks=True)
