"""Measures a build against the floor: one unsorted COPY of the same raw files.

The floor runs before and after the build, and the mean of its COPY counts: machines have moods. A
build is timed as a whole process, and from its inventory to its last rename, which leaves out dbt's
start. Its conversion is what DuckDB works on the datasets and the joining of year files: it leaves
out what dbt does between statements, about a second for each dataset whatever its size.

`python tests/bench/measure.py FOLDER [pjm-year | isone-month | ...]` generates the raw files once,
runs floor and build in turn and prints a Markdown table. Needs about 25 GB of disk for the PJM
year. Times are wall seconds; read them as ratios within one run.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from datetime import date, timedelta
from pathlib import Path
from statistics import median

import duckdb

from unified_iso.sample import SampleOptions, write_sample

MEMORY_LIMIT = "2GB"
THREADS = 2
BENCH = Path(__file__).parent
CLOCK = r"(\d\d:\d\d:\d\d\.\d+)"


@dataclass(frozen=True)
class Case:
    """A generated amount of raw files and the dataset made of it.

    report: a plus stands between reports. posted_before: days from the date in the name of a file
    to the delivery day it holds. times: how often floor and full build are run, for the median; of
    half a second once is no measure.
    """

    iso: str
    dataset: str
    report: str
    start: date
    days: int
    nodes: int
    posted_before: int = 0
    times: int = 1


CASES = {
    "pjm-year": Case("pjm", "da_energy_hourly_nodal", "da_hrl_lmps", date(2024, 1, 1), 366, 6265),
    "pjm-5min-week": Case(
        "pjm", "rt_energy_5min_nodal", "rt_fivemin_hrl_lmps", date(2024, 3, 7), 7, 6265
    ),
    "pjm-month": Case("pjm", "da_energy_hourly_nodal", "da_hrl_lmps", date(2024, 3, 1), 31, 6265),
    "caiso-ten-days": Case(
        "caiso", "da_energy_hourly_nodal", "prc_lmp", date(2024, 3, 7), 10, 16_000
    ),
    "ercot-month": Case(
        "ercot", "da_energy_hourly", "np4-190-cd", date(2024, 3, 1), 31, 1000, 1, times=5
    ),
    "nyiso-month": Case(
        "nyiso", "da_energy_hourly", "damlbmp_gen+damlbmp_zone", date(2024, 3, 1), 31, 560, times=5
    ),
    "miso-month": Case(
        "miso", "da_energy_hourly_nodal", "da_expost_lmp", date(2024, 3, 1), 31, 2600, times=5
    ),
    "isone-month": Case(
        "isone", "da_energy_hourly", "ww_dalmp_iso", date(2024, 3, 1), 31, 1210, times=5
    ),
    "spp-month": Case("spp", "da_energy_hourly", "da-lmp-sl", date(2024, 3, 1), 31, 1240, times=5),
}


@dataclass(frozen=True)
class Run:
    """One measured command: wall seconds and peak resident GB of its process.

    work_seconds: of a build from inventory to rename, of a floor in its COPY. Those of them in
    tests, and in the conversion, are told apart.
    """

    name: str
    seconds: float
    peak_gb: float
    work_seconds: float
    test_seconds: float = 0.0
    conversion_seconds: float = 0.0


def main() -> None:
    """Generate, run and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("cases", nargs="*", default=list(CASES))
    options = parser.parse_args()
    for name in options.cases:
        case = CASES[name]
        folder = options.folder.absolute() / name
        raw = generate(case, folder)
        runs = median_runs(measure(case, raw, folder / "out"))
        print_table(name, case, raw, folder / "out", runs)


def generate(case: Case, folder: Path) -> Path:
    """Write the raw files of a case once; a finished folder is used again."""
    raw = folder / "raw"
    done = folder / "generated"
    if not done.exists():
        shutil.rmtree(folder, ignore_errors=True)
        write_sample(
            raw,
            isos=[case.iso],
            start=case.start,
            days=case.days,
            nodes=case.nodes,
            options=SampleOptions(
                truth=False,
                overlap=False,
                revisions=False,
                threads=THREADS,
                reports=tuple(case.report.split("+")),
            ),
        )
        done.touch()
    return raw


def measure(case: Case, raw: Path, out: Path) -> Iterator[Run]:
    """Run the floor, a full build, a build with nothing new and one with one new day."""
    floor_file = out.with_name("floor.parquet")
    floor = [sys.executable, str(BENCH / "floor.py"), case.report, str(raw), str(floor_file)]
    command = [
        *(sys.executable, "-m", "unified_iso", "build", case.iso),
        *("--raw", str(raw), "--out", str(out)),
        *("--memory-limit", MEMORY_LIMIT, "--threads", str(THREADS)),
    ]
    for _ in range(case.times):
        shutil.rmtree(out, ignore_errors=True)
        yield measured_floor("floor", floor)
        yield build("full build", command, case, out)
        yield measured_floor("floor again", floor)
    yield build("nothing new", command, case, out)
    last = case.start + timedelta(days=case.days - 1 - case.posted_before)
    newest = {path: path.with_suffix(".aside") for path in named_after(raw, last)}
    for path, aside in newest.items():
        path.rename(aside)
    build("without the last day", [*command, "--prune"], case, out)
    for path, aside in newest.items():
        aside.rename(path)
    yield build("one new day", command, case, out)


def median_runs(runs: Iterable[Run]) -> list[Run]:
    """One run per name, each figure the median of those with that name."""
    by_name: dict[str, list[Run]] = {}
    for item in runs:
        by_name.setdefault(item.name, []).append(item)
    figures = [field.name for field in fields(Run) if field.name != "name"]
    return [
        Run(name, **{f: median(getattr(item, f) for item in same) for f in figures})
        for name, same in by_name.items()
    ]


def named_after(raw: Path, day: date) -> Iterator[Path]:
    """Files whose name has the day for its first date; a second one may be the end of a range."""
    for path in list(raw.rglob("*.csv")):
        found = re.search(r"(?<!\d)20\d{6}", path.name)
        if found and found[0] == f"{day:%Y%m%d}":
            yield path


def measured_floor(name: str, command: list[str]) -> Run:
    """Run a floor, which prints the seconds of its COPY."""
    printed, seconds, peak_gb = run(command)
    return Run(name, seconds, peak_gb, float(printed))


def build(name: str, command: list[str], case: Case, out: Path) -> Run:
    """Run a build and take the time its tests and its conversion took from dbt's results."""
    _, seconds, peak_gb = run(command)
    results = json.loads((out / ".unified-iso/target/run_results.json").read_text())["results"]
    log = (out / "logs/dbt.log").read_text().rpartition("update_inventory begins")
    began = seconds_of_day(re.findall(CLOCK, log[0]))
    ended = seconds_of_day(re.findall(CLOCK + ".*: publish ends", log[2]))
    return Run(
        name,
        seconds,
        peak_gb,
        (ended - began) % 86_400,
        sum(r["execution_time"] for r in results if r["unique_id"].startswith("test.")),
        seconds_of_conversion(log[2], case.iso),
    )


def seconds_of_conversion(log: str, iso: str) -> float:
    """Seconds in statements of the operator's datasets and in joining their parts."""
    model = rf"On model\.unified_iso\.{iso}_"
    statements = re.findall(model + r".*?SQL status: OK in ([\d.]+) seconds", log, re.DOTALL)
    joins = zip(
        re.findall(CLOCK + ".*: join_year begins", log),
        re.findall(CLOCK + ".*: join_year ends", log),
        strict=True,
    )
    return sum(map(float, statements)) + sum(
        (seconds_of_day([end]) - seconds_of_day([start])) % 86_400 for start, end in joins
    )


def seconds_of_day(clocks: list[str]) -> float:
    """Seconds since midnight of the last of the clocks."""
    hours, minutes, seconds = clocks[-1].split(":")
    return int(hours) * 3600 + int(minutes) * 60 + float(seconds)


def run(command: list[str]) -> tuple[str, float, float]:
    """Run a command to its end; return what it printed, wall seconds and peak resident GB."""
    started = time.monotonic()
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert process.stdout
    printed = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.monotonic() - started
    if os.waitstatus_to_exitcode(status):
        raise SystemExit(f"{' '.join(command)} failed")
    return printed, seconds, usage.ru_maxrss / 1e6


def print_table(name: str, case: Case, raw: Path, out: Path, runs: list[Run]) -> None:
    """Print one Markdown table with ratios to the floor."""
    floors = [item.work_seconds for item in runs if item.name.startswith("floor")]
    floor = sum(floors) / len(floors)
    files = [path for path in (raw / case.iso).rglob("*") if path.is_file()]
    published = out / "parquet" / case.iso / case.dataset
    rows = duckdb.execute(
        "select sum(num_rows) from parquet_file_metadata($1)", [f"{published}/*.parquet"]
    ).fetchall()[0][0]
    size = sum(path.stat().st_size for path in files)
    disk = sum(path.stat().st_size for path in published.glob("*.parquet"))
    print(f"\n{name}: {len(files)} files, {size / 1e9:.2f} GB, {rows:,} rows, ", end="")
    print(f"{disk / 1e9:.2f} GB published\n")
    print(
        "| run | process s | inventory to rename s | of the floor | without tests "
        "| conversion s | of the floor | peak GB |"
    )
    print("|---" * 8 + "|")
    for item in runs:
        without_tests = item.work_seconds - item.test_seconds
        print(
            f"| {item.name} | {item.seconds:.1f} | {item.work_seconds:.2f} "
            f"| {item.work_seconds / floor:.2f} | {without_tests / floor:.2f} "
            f"| {item.conversion_seconds:.2f} | {item.conversion_seconds / floor:.2f} "
            f"| {item.peak_gb:.2f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
