"""Running the command on a raw folder, and looking at what it published."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
from typer.testing import CliRunner

from unified_iso.cli import app
from unified_iso.sample import SampleOptions, write_sample

REPOSITORY = Path(__file__).parents[2]
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
_SETTINGS = {f"UNIFIED_ISO_{name}" for name in ("RAW", "OUT", "MEMORY_LIMIT", "THREADS", "PROJECT")}

Row = dict[str, str]


@dataclass(frozen=True)
class Ran:
    """What one run of the command said."""

    exit_code: int
    stdout: str
    stderr: str

    @property
    def says(self) -> list[str]:
        """Lines of standard error."""
        return self.stderr.splitlines()


def run(*arguments: str | Path, project: Path = REPOSITORY) -> Ran:
    """Run `unified-iso` with the given arguments, in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "unified_iso", *map(str, arguments)],
        env=environment(project),
        capture_output=True,
        text=True,
        check=False,
    )
    return Ran(done.returncode, done.stdout, done.stderr)


def environment(project: Path = REPOSITORY) -> dict[str, str]:
    """Return the variables of a run: the package of this checkout, no settings from outside."""
    inherited = {name: value for name, value in os.environ.items() if name not in _SETTINGS}
    return inherited | {
        "PYTHONPATH": str(REPOSITORY / "python"),
        "UNIFIED_ISO_PROJECT": str(project),
        "COLUMNS": WIDTH,
        "NO_COLOR": "1",
    }


def build(raw: Path, out: Path, *options: str, project: Path = REPOSITORY) -> Ran:
    """Build every dataset of the operators that the tests have raw files of."""
    return run("build", *OPERATORS, "--raw", raw, "--out", out, *options, project=project)


def status(out: Path) -> dict[str, Any]:
    """Return what `status --json` tells."""
    ran = CliRunner().invoke(app, ["status", "--out", str(out), "--json"])
    told: dict[str, Any] = json.loads(ran.stdout)
    return told


def work_database(out: Path) -> duckdb.DuckDBPyConnection:
    """Open the database in which a build keeps its accounts; the caller closes it."""
    return duckdb.connect(str(out / ".unified-iso" / "work.duckdb"))


def published(out: Path) -> dict[str, str]:
    """Return the published year files, by their path below the output folder, and their hashes."""
    return {
        path.relative_to(out).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted((out / "parquet").rglob("*"))
        if path.is_file()
    }


def query(sql: str, *parameters: object) -> list[tuple[Any, ...]]:
    """Return the rows of a query on files."""
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        return connection.execute(sql, parameters).fetchall()


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


def edit_rows(path: Path, edit: Callable[[list[Row]], None]) -> None:
    """Change the rows of a raw csv in place."""
    rows = read_rows(path)
    edit(rows)
    write_rows(path, rows)
