"""Measures builds against the floor: one unsorted COPY of the same raw files.

Each run is a process, measured whole: wall seconds, CPU seconds of it and its children, and peak
memory. The floor runs before and after the build, and the mean counts: machines have moods. Beside
them runs what polars needs to sort the same rows without checking any.

`python tests/bench/measure.py FOLDER [pjm-year | isone-month | ancillary-year | ...]` generates the
raw files once, takes turns and prints a Markdown table. Needs about 25 GB of disk for the PJM
year. Read the seconds as ratios within one run.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from statistics import mean, median

import duckdb

import polars_sorted
from unified_iso.sample import Packaging, SampleOptions, write_sample

MEMORY_LIMIT = "2GB"
THREADS = 2
BENCH = Path(__file__).parent
NOTHING_NEW = "nothing-new"
ANCILLARY_YEAR = "ancillary-year"
TIMES_NOTHING_NEW = 5


@dataclass(frozen=True)
class Case:
    """A generated amount of raw files and the dataset made of it.

    report: a plus stands between reports. posted_before: days from the date in the name of a file
    to the delivery day it holds. times: how often each run is repeated, for the median; of half a
    second once is no measure. packaging: that of the sample; zips have no floor. has_each_day: each
    day is a sample of its own, because the sample has files of intervals for some days only.
    joined: the files of a day are joined into one.
    """

    iso: str
    dataset: str
    report: str
    start: date
    days: int
    nodes: int
    posted_before: int = 0
    times: int = 1
    packaging: Packaging = "csv"
    has_each_day: bool = False
    joined: bool = False


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
    "pjm-real-time-ten-days": Case(
        "pjm", "rt_energy_hourly_nodal", "rt_hrl_lmps", date(2024, 3, 1), 10, 6265, times=3
    ),
    "caiso-15min-two-days": Case(
        "caiso", "rt_energy_15min_nodal", "prc_rtpd_lmp", date(2024, 3, 7), 2, 8000
    ),
    "caiso-5min-two-days": Case(
        "caiso", "rt_energy_5min_nodal", "prc_intvl_lmp", date(2024, 3, 7), 2, 3000
    ),
    "ercot-15min-month": Case("ercot", "rt_energy_15min", "np6-905-cd", date(2024, 3, 1), 31, 1000),
    "nyiso-5min-week": Case(
        "nyiso", "rt_energy_5min", "realtime_gen+realtime_zone", date(2024, 3, 1), 7, 560, times=3
    ),
    "nyiso-real-time-month": Case(
        "nyiso", "rt_energy_hourly", "rtlbmp_gen+rtlbmp_zone", date(2024, 3, 1), 31, 560, times=5
    ),
    "miso-real-time-month": Case(
        "miso", "rt_energy_hourly_nodal", "rt_lmp_final", date(2024, 3, 1), 31, 2600, times=3
    ),
    "miso-5min-week": Case("miso", "rt_energy_5min_nodal", "5min_lmp", date(2024, 3, 4), 7, 1000),
    "isone-real-time-month": Case(
        "isone", "rt_energy_hourly", "lmp_rt_final", date(2024, 3, 1), 31, 1210, times=5
    ),
    "isone-5min-week": Case("isone", "rt_energy_5min", "lmp_5min", date(2024, 3, 1), 7, 1210),
    # The same rows in a file for each interval and in a file for each day.
    "spp-5min-small-files": Case(
        *("spp", "rt_energy_5min", "rtbm-lmp-sl", date(2024, 5, 1), 31, 1240), has_each_day=True
    ),
    "spp-5min-daily-files": Case(
        "spp", "rt_energy_5min", "rtbm-lmp-daily-sl", date(2024, 5, 1), 31, 1240
    ),
    "ercot-15min-small-files": Case(
        *("ercot", "rt_energy_15min", "np6-905-cd", date(2024, 5, 1), 31, 1000), packaging="zip"
    ),
    "ercot-15min-daily-files": Case(
        *("ercot", "rt_energy_15min", "np6-905-cd", date(2024, 5, 1), 31, 1000), joined=True
    ),
    # Time grows with the days and memory does not.
    "pjm-5min-3-days": Case(
        "pjm", "rt_energy_5min_nodal", "rt_fivemin_hrl_lmps", date(2024, 3, 1), 3, 6265
    ),
    "pjm-5min-10-days": Case(
        "pjm", "rt_energy_5min_nodal", "rt_fivemin_hrl_lmps", date(2024, 3, 1), 10, 6265
    ),
}


# What each operator publishes of ancillary services for a year; SPP's five minutes as daily files.
SERVICES = {
    "pjm": (
        "ancillary_services",
        "da_ancillary_services",
        "da_reserve_market_results",
        "reserve_market_results",
        "ancillary_services_fivemin_hrl",
        "reg_prices",
    ),
    "caiso": ("prc_as", "prc_intvl_as"),
    "ercot": ("np4-188-cd", "np6-331-cd"),
    "nyiso": ("damasp", "rtasp"),
    "miso": ("asm_expost_damcp", "asm_rtmcp_final"),
    "isone": ("daasreservedata", "smd_hourly", "fiveminreserveprice"),
    "spp": ("da-mcp", "rtbm-mcp-daily"),
}
# ERCOT's prices of 15 minutes begin in December 2025.
SERVICE_YEAR = (date(2025, 11, 1), 365)


@dataclass(frozen=True)
class Run:
    """One measured process: wall seconds, CPU seconds with its children, peak resident GB.

    test_seconds: how many of the wall seconds dbt spent in tests, None where there were none.
    """

    name: str
    seconds: float
    cpu_seconds: float
    peak_gb: float
    test_seconds: float | None = None


def main() -> None:
    """Generate, run and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("cases", nargs="*", default=[*CASES, ANCILLARY_YEAR, NOTHING_NEW])
    options = parser.parse_args()
    bench = options.folder.absolute()
    for name in options.cases:
        folder = bench / name
        if name == NOTHING_NEW:
            runs = median_runs(measure_nothing_new(folder))
            print(f"\n{name}: the sample of all operators\n")
        elif name == ANCILLARY_YEAR:
            runs = list(measure_ancillary_year(folder))
            print(f"\n{name}: {amounts(folder / 'raw', folder / 'out/parquet')}\n")
        else:
            case = CASES[name]
            raw = generate(case, folder)
            runs = median_runs(measure(case, raw, folder / "out", bench / "polars"))
            published = folder / "out/parquet" / case.iso / case.dataset
            print(f"\n{name}: {amounts(raw / case.iso, published)}\n")
        print_table(runs)


def generate(case: Case, folder: Path) -> Path:
    """Write the raw files of a case once; a finished folder is used again."""
    raw, done = folder / "raw", folder / "generated"
    if not done.exists():
        shutil.rmtree(folder, ignore_errors=True)
        length = 1 if case.has_each_day else case.days
        reports = case.report.split("+")
        for first in range(0, case.days, length):
            start = case.start + timedelta(days=first)
            write_report(raw, case.iso, reports, start, length, case.nodes, case.packaging)
        if case.joined:
            join_by_day(raw / case.iso / case.report)
        done.touch()
    return raw


def write_report(
    raw: Path,
    iso: str,
    reports: Iterable[str],
    start: date,
    days: int,
    nodes: int,
    packaging: Packaging = "csv",
) -> None:
    """Write raw files of reports of an operator, each price once."""
    options = SampleOptions(
        truth=False,
        overlap=False,
        revisions=False,
        threads=THREADS,
        reports=tuple(reports),
        packaging=packaging,
    )
    write_sample(raw, isos=[iso], start=start, days=days, nodes=nodes, options=options)


def join_by_day(folder: Path) -> None:
    """Join ERCOT's files of an interval into one for each day, which their rows begin with."""
    for path in sorted(folder.iterdir()):
        header, _, rows = path.read_text().partition("\n")
        month, day, year = rows.partition(",")[0].split("/")
        joined = folder / f"{folder.name} {year}{month}{day}.csv"
        is_first = not joined.exists()
        with joined.open("a") as stream:
            stream.write(f"{header}\n{rows}" if is_first else rows)
        path.unlink()


def measure(case: Case, raw: Path, out: Path, polars: Path) -> Iterator[Run]:
    """Run floor, full build and polars, builds with nothing new, one new file and one new day."""
    file = out.with_name("contender.parquet")
    floor = [sys.executable, str(BENCH / "floor.py"), case.report, str(raw), str(file)]
    has_floor = case.packaging == "csv"
    others = list(contenders(case, raw, file, polars))
    command = build_command(raw, out, case.iso)
    last = case.start + timedelta(days=case.days - 1 - case.posted_before)
    newest = {path: path.with_suffix(".aside") for path in named_after(raw, last)}
    news = {"day": newest}
    if len(newest) > 1:
        news = {"file": dict([*newest.items()][:1])} | news
    for _ in range(case.times):
        shutil.rmtree(out, ignore_errors=True)
        if has_floor:
            yield run("floor", floor)
        yield build("full build", command, out)
        for name, other in others:
            yield run(name, other)
        if has_floor:
            yield run("floor again", floor)
            file.unlink()
        yield build("nothing new", command, out)
        for what, files in news.items():
            for path, aside in files.items():
                path.rename(aside)
            yield build(f"without the last {what}", [*command, "--prune"], out)
            for path, aside in files.items():
                aside.rename(path)
            yield build(f"one new {what}", command, out)


def measure_nothing_new(folder: Path) -> Iterator[Run]:
    """Build the sample that `make build` makes, then all of it again with nothing new."""
    raw, out = folder / "raw", folder / "out"
    shutil.rmtree(folder, ignore_errors=True)
    program = [sys.executable, "-m", "unified_iso"]
    run("sample", [*program, "sample", str(raw)])
    command = build_command(raw, out)
    yield build("full build", command, out)
    for _ in range(TIMES_NOTHING_NEW):
        yield build("nothing new", command, out)


def measure_ancillary_year(folder: Path) -> Iterator[Run]:
    """Build a year of the ancillary services of all operators: each one, all, and all again."""
    raw, out, done = folder / "raw", folder / "out", folder / "generated"
    if not done.exists():
        shutil.rmtree(folder, ignore_errors=True)
        for iso, reports in SERVICES.items():
            write_report(raw, iso, reports, *SERVICE_YEAR, 4)
        done.touch()
    for name, isos in {**{iso: [iso] for iso in SERVICES}, "all seven": []}.items():
        shutil.rmtree(out, ignore_errors=True)
        yield build(name, build_command(raw, out, *isos), out)
    yield build("nothing new", build_command(raw, out), out)


def build_command(raw: Path, out: Path, *isos: str) -> list[str]:
    """Return the command line of a build."""
    return [
        *(sys.executable, "-m", "unified_iso", "build", *isos),
        *("--raw", str(raw), "--out", str(out)),
        *("--memory-limit", MEMORY_LIMIT, "--threads", str(THREADS)),
    ]


def contenders(case: Case, raw: Path, file: Path, polars: Path) -> Iterator[tuple[str, list[str]]]:
    """Yield what else sorts the rows of a case, if it can be installed; print why it can't be."""
    if case.report not in polars_sorted.MARKETS:
        return
    try:
        python = polars_sorted.python_with_polars(polars)
    except polars_sorted.NotInstalled as why:
        print(f"polars is skipped: {why}", file=sys.stderr)
        return
    # Polars takes all cores unless it is told before it is imported.
    threads = f"POLARS_MAX_THREADS={THREADS}"
    script = str(BENCH / "polars_sorted.py")
    yield "polars, sorted", ["env", threads, str(python), script, case.report, str(raw), str(file)]


def median_runs(runs: Iterable[Run]) -> list[Run]:
    """One run per name, each figure the median of those with that name."""
    by_name: dict[str, list[Run]] = {}
    for item in runs:
        by_name.setdefault(item.name, []).append(item)
    return [
        Run(
            name,
            median(item.seconds for item in same),
            median(item.cpu_seconds for item in same),
            median(item.peak_gb for item in same),
            median(tests) if tests else None,
        )
        for name, same in by_name.items()
        for tests in ([item.test_seconds for item in same if item.test_seconds is not None],)
    ]


def named_after(raw: Path, day: date) -> Iterator[Path]:
    """Files whose name has the day for its first date; a second one may be the end of a range."""
    for path in sorted([*raw.rglob("*.csv"), *raw.rglob("*.zip")]):
        found = re.search(r"(?<!\d)20\d{6}", path.name)
        if found and found[0] == f"{day:%Y%m%d}":
            yield path


def build(name: str, command: list[str], out: Path) -> Run:
    """Run a build; its tests' seconds are told by what dbt has added to its log."""
    log = out / "logs" / "dbt.log"
    known = log.stat().st_size if log.exists() else 0
    built = run(name, command)
    told = log.read_bytes()[known:].decode() if log.exists() else ""
    tests = re.findall(r"\d+ of \d+ (?:PASS|WARN|FAIL|ERROR) .*\[\w+.* in ([\d.]+)s\]", told)
    return replace(built, test_seconds=sum(map(float, tests)) if tests else None)


def run(name: str, command: list[str]) -> Run:
    """Run a command to its end and measure it with all children that it waited for."""
    started = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.monotonic() - started
    if os.waitstatus_to_exitcode(status):
        raise SystemExit(f"{' '.join(command)} failed")
    return Run(name, seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1e6)


def amounts(raw: Path, published: Path) -> str:
    """Say how much was read and published."""
    files = [path for path in raw.rglob("*") if path.is_file()]
    rows = duckdb.execute(
        "select sum(num_rows) from parquet_file_metadata($1)", [f"{published}/**/*.parquet"]
    ).fetchall()[0][0]
    size = sum(path.stat().st_size for path in files)
    disk = sum(path.stat().st_size for path in published.rglob("*.parquet"))
    read = f"{len(files)} files, {size / 1e9:.2f} GB, {rows:,} rows"
    return f"{read}, {disk / 1e9:.2f} GB published"


def print_table(runs: list[Run]) -> None:
    """Print one Markdown table with ratios to the floor, where there is one."""
    floors = [item for item in runs if item.name.startswith("floor")]
    print("| run | wall s | of the floor | CPU s | of the floor | tests s | peak GB |")
    print("|---" * 7 + "|")
    for item in runs:
        wall = ratio(item.seconds, [floor.seconds for floor in floors])
        cpu = ratio(item.cpu_seconds, [floor.cpu_seconds for floor in floors])
        tests = "-" if item.test_seconds is None else f"{item.test_seconds:.1f}"
        print(
            f"| {item.name} | {item.seconds:.1f} | {wall} | {item.cpu_seconds:.1f} | {cpu} "
            f"| {tests} | {item.peak_gb:.2f} |",
            flush=True,
        )


def ratio(figure: float, floors: list[float]) -> str:
    """Return a figure as a multiple of the floors' mean."""
    return f"{figure / mean(floors):.2f}" if floors else "-"


if __name__ == "__main__":
    main()
