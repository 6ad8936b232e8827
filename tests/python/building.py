"""Running the command on a raw folder, and looking at what it published."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import logging
import os
import subprocess
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
from dbt.artifacts.schemas import base
from dbt.cli.main import dbtRunner
from dbt.contracts.graph.manifest import Manifest
from dbt_common.clients.system import write_file
from dbt_common.utils.encoding import JSONEncoder
from typer.testing import CliRunner

from unified_iso import dbt_inside, parsed_project, progress
from unified_iso.cli import app
from unified_iso.dbt_run import parsed_manifest
from unified_iso.lock import release_lock
from unified_iso.root import ROOT
from unified_iso.sample import SampleOptions, write_sample
from unified_iso.workspace import Workspace

REPOSITORY = Path(__file__).parents[2]
# Real files, which stay outside the repository.
SAMPLES = REPOSITORY.parent / "shared" / "samples"
BAD_SAMPLES = SAMPLES.with_name("samples_bad")
OPERATORS = ("pjm", "nyiso")
DAY_AHEAD = ("pjm/da_hrl_lmps", "nyiso/damlbmp_zone", "nyiso/damlbmp_gen")
# Tables of a captured output are laid out for this width: wide enough not to break any cell.
WIDTH = "400"
ENERGY_COLUMNS = {
    "datetime_utc": "TIMESTAMP WITH TIME ZONE",
    "datetime_local": "TIMESTAMP",
    "interval_start_utc": "TIMESTAMP WITH TIME ZONE",
    "interval_end_utc": "TIMESTAMP WITH TIME ZONE",
    "delivery_date": "DATE",
    "delivery_hour": "UTINYINT",
    "delivery_interval": "UTINYINT",
    "interval_minutes": "UTINYINT",
    "iso": "VARCHAR",
    "market_type": "VARCHAR",
    "settlement_location": "VARCHAR",
    "settlement_location_type": "VARCHAR",
    "settlement_location_id": "VARCHAR",
    "zone": "VARCHAR",
    "voltage_kv": "DOUBLE",
    "lmp_total": "DOUBLE",
    "lmp_energy": "DOUBLE",
    "lmp_congestion": "DOUBLE",
    "lmp_loss": "DOUBLE",
    "system_lambda": "DOUBLE",
    "dst_flag": "VARCHAR",
    "data_source": "VARCHAR",
    "version": "UINTEGER",
    "is_current": "BOOLEAN",
}

LONGEST_RUN_SECONDS = 600

Row = dict[str, str]
FileStates = dict[str, tuple[int, str]]


@dataclass(frozen=True)
class Ran:
    """What one run of a command said."""

    exit_code: int
    stdout: str
    stderr: str

    @property
    def output(self) -> str:
        """Everything it said."""
        return f"{self.stdout}\n{self.stderr}"

    @property
    def says(self) -> list[str]:
        """Lines of standard error."""
        return self.stderr.splitlines()


@dataclass(frozen=True)
class Built:
    """A raw folder, with the truth beside it, and the folder it was published in."""

    raw: Path
    out: Path


def build(
    raw: Path,
    out: Path,
    *options: str,
    check: int | None = 0,
    project: Path = REPOSITORY,
    in_process: bool = True,
) -> Ran:
    """Run `unified-iso build`; `check` is the exit code it must have, None for any.

    It runs in this process, which spares the seconds in which a new one imports its packages,
    unless it is to be a process of its own or to run another project, which is read at import.
    """
    if in_process and project == REPOSITORY:
        arguments = build_command(raw, out, *options)[3:]
        return checked(arguments, _in_this_process(out, lambda: _invoke_command(arguments)), check)
    return run_command(build_command(raw, out, *options), environment(project), check)


def build_command(raw: Path, out: Path, *options: str) -> list[str]:
    """Return the command line of a build."""
    folders = ("--raw", str(raw), "--out", str(out))
    return [sys.executable, "-m", "unified_iso", "build", *options, *folders]


def run_dbt(
    raw: Path,
    out: Path,
    *arguments: str,
    check: int | None = 0,
    in_process: bool = True,
    with_json: bool = False,
) -> Ran:
    """Run plain dbt on the project, with its own files kept below `out`.

    In this process it runs with the kept manifest, and only `parse` parses.

    with_json: let dbt write down its manifest and its results, as `dbt retry` reads them; it takes
        half a second of each run.
    """
    written = () if with_json or not in_process else ("--no-write-json",)
    own = [
        *arguments,
        *("--project-dir", str(REPOSITORY), "--profiles-dir", str(REPOSITORY)),
        *("--target-path", str(out / "target"), "--log-path", str(out / "dbt-logs")),
        *written,
    ]
    folders = {"UNIFIED_ISO_RAW": str(raw), "UNIFIED_ISO_OUT": str(out)}
    if in_process:
        return checked(own, _in_this_process(out, lambda: _invoke_dbt(own), folders), check)
    command = [sys.executable, "-c", "from dbt.cli.main import cli; cli()", *own]
    return run_command(command, environment() | folders, check)


def _invoke_command(arguments: list[str]) -> int:
    result = CliRunner().invoke(app, arguments)
    sys.stdout.write(result.stdout)
    sys.stderr.write(result.stderr)
    if result.exception and not isinstance(result.exception, SystemExit):
        traceback.print_exception(result.exception)
    return result.exit_code


def _write_json(path: str, data: dict[str, Any]) -> bool:
    """Encode a file of dbt in one piece, for a tenth of the CPU: dbt does it bit by bit."""
    return bool(write_file(path, json.dumps(data, cls=JSONEncoder)))


def _invoke_dbt(arguments: list[str]) -> int:
    base.write_json = _write_json  # type: ignore[attr-defined]  # imported there
    is_parsed = arguments[0] != "parse"
    result = dbtRunner(kept_manifest() if is_parsed else None).invoke(arguments)
    if result.exception:
        print(result.exception)
        return 2
    return 0 if result.success else 1


def kept_manifest() -> Manifest:
    """Return the project as dbt parsed it, which a run may change."""
    with TemporaryDirectory() as folder:
        content = parsed_manifest(Workspace(raw=Path(folder), out=Path(folder)))
    assert isinstance(content, bytes), content
    return dbt_inside.manifest_from_bytes(content)


def kept_nodes(project: Path = REPOSITORY) -> dict[str, dict[str, Any]]:
    """Return the nodes of a project by unique id, as its last build has read them."""
    kept = (project / "target" / parsed_project.NAME).read_bytes()
    _, payload = parsed_project._take_apart(kept)
    nodes: dict[str, dict[str, Any]] = parsed_project.nodes_of(payload)["nodes"]
    return nodes


def _in_this_process(
    out: Path, run: Callable[[], int], variables: Mapping[str, str] | None = None
) -> Ran:
    """Run with the environment of a new process, and leave nothing of it behind."""
    assert ROOT == REPOSITORY, f"{ROOT} is the project of this process: set UNIFIED_ISO_PROJECT"
    before, raises, folder = dict(os.environ), logging.raiseExceptions, Path.cwd()
    stdout, stderr = io.StringIO(), io.StringIO()
    inherited = {**environment(), **(variables or {})}
    try:
        os.environ.clear()
        os.environ.update(inherited)
        with redirect_stdout(stdout), redirect_stderr(stderr):
            exit_code = run()
    finally:
        dbt_inside.close_database()
        dbt_inside.close_logs()
        progress.listen(None)
        release_lock(Workspace(raw=Path(), out=out.absolute()).lock_file)
        os.chdir(folder)
        os.environ.clear()
        os.environ.update(before)
        logging.raiseExceptions = raises
    return Ran(exit_code, stdout.getvalue(), stderr.getvalue())


def run_python(code: str, *arguments: str, check: int | None = None) -> Ran:
    """Run a script that changes the package before it calls the command with these arguments."""
    return run_command([sys.executable, "-c", code, *arguments], environment(), check)


def environment(project: Path = REPOSITORY) -> dict[str, str]:
    """Return the variables of a run: the package of this checkout, no settings from outside."""
    inherited = {
        name: value for name, value in os.environ.items() if not name.startswith("UNIFIED_ISO_")
    }
    return inherited | {
        "PYTHONPATH": str(REPOSITORY / "python"),
        "UNIFIED_ISO_PROJECT": str(project),
        "COLUMNS": WIDTH,
        "NO_COLOR": "1",
    }


def run_command(command: list[str], variables: dict[str, str], check: int | None) -> Ran:
    done = subprocess.run(
        command,
        env=variables,
        capture_output=True,
        text=True,
        timeout=LONGEST_RUN_SECONDS,
        check=False,
    )
    return checked(command, Ran(done.returncode, done.stdout, done.stderr), check)


def checked(command: Sequence[str], ran: Ran, check: int | None) -> Ran:
    """Return `ran`, whose exit code must be `check`, None for any."""
    assert check is None or ran.exit_code == check, (
        f"exit code {ran.exit_code} instead of {check}: {' '.join(command)}\n{ran.output}"
    )
    return ran


def status(out: Path) -> dict[str, Any]:
    """Return what `status --json` tells. In this process: it starts no dbt."""
    result = CliRunner().invoke(app, ["status", "--out", str(out), "--json"])
    assert result.exit_code == 0, result.output
    told: dict[str, Any] = json.loads(result.stdout)
    return told


def work_database(out: Path) -> duckdb.DuckDBPyConnection:
    """Open the database in which a build keeps its accounts; the caller closes it."""
    return duckdb.connect(str(out / ".unified-iso" / "work.duckdb"))


def file_states(out: Path) -> FileStates:
    """Return modification time and hash of every published file, by its path below `out`."""
    return {
        path.relative_to(out).as_posix(): (
            path.stat().st_mtime_ns,
            hashlib.sha256(path.read_bytes()).hexdigest(),
        )
        for path in sorted((out / "parquet").rglob("*"))
        if path.is_file()
    }


def checksums(states: FileStates) -> dict[str, str]:
    """Leave out when the files were written."""
    return {path: checksum for path, (_, checksum) in states.items()}


def published(out: Path) -> dict[str, str]:
    """Return the hash of every published file, by its path below the output folder."""
    return checksums(file_states(out))


def query(sql: str, *parameters: object) -> list[tuple[Any, ...]]:
    """Return the rows of a query on files."""
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        return connection.execute(sql, parameters).fetchall()


def rows_as_text(year_file: Path, columns: int) -> list[tuple[str, ...]]:
    """Rows in the order of a year file, under the names and types of its so many columns."""
    with duckdb.connect(config={"threads": 1}) as con:
        con.execute("set TimeZone = 'UTC'")
        relation = f"read_parquet('{year_file}')"
        described = [row[:2] for row in con.execute(f"describe from {relation}").fetchall()]
        assert len(described) == columns
        return [*described, *con.execute(f"select columns(*)::varchar from {relation}").fetchall()]


def sample_day(raw: Path, day: date, days: int = 1, nodes: int = 2) -> list[Path]:
    """Write sound day-ahead files of both operators, without their truth."""
    reports = tuple(Path(report).name for report in DAY_AHEAD)
    options = SampleOptions(truth=False, reports=reports)
    return write_sample(raw, isos=OPERATORS, start=day, days=days, nodes=nodes, options=options)


def read_rows(path: Path) -> list[Row]:
    """Return the rows of a raw csv with one header line."""
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def write_rows(path: Path, rows: Sequence[Row]) -> None:
    """Write rows under their header."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def edit_rows(path: Path, edit: Callable[[list[Row]], object]) -> None:
    """Change the rows of a raw csv in place."""
    rows = read_rows(path)
    edit(rows)
    write_rows(path, rows)
