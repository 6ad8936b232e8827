"""NYISO's real-time prices: intervals that differ in length and start in another file."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from building import SAMPLES, Ran, build, published, query, status, work_database
from test_round_trip import assert_equals_truth
from unified_iso.sample import Packaging, SampleOptions, write_sample

pytestmark = pytest.mark.builds

HEADER = (
    '"Time Stamp","Name","PTID","LBMP ($/MWHr)",'
    '"Marginal Cost Losses ($/MWHr)","Marginal Cost Congestion ($/MWHr)"'
)
DATASET = ("nyiso", "--dataset", "rt_energy_5min")
DATASETS = (*DATASET[1:], "--dataset", "rt_energy_hourly")
YEAR_FILE = "parquet/nyiso/rt_energy_5min/rt_energy_5min_{}.parquet"
FIRST, SECOND, THIRD = "20250601", "20250602", "20250603"
# The stamps of three days, which are written for other years too, each with its price. The first
# day ends on the minute, and the second one starts off it: its first interval starts at midnight,
# whether the first day is known or not. The second day was cut before its last stamp: the first
# interval of the third day starts in it, if it is known.
DAYS: Mapping[str, Mapping[str, float]] = {
    FIRST: {"06/01/2025 00:05:00": 1, "06/01/2025 23:55:00": 2, "06/02/2025 00:00:00": 3},
    SECOND: {"06/02/2025 00:03:20": 4, "06/02/2025 00:05:00": 5, "06/02/2025 23:58:00": 6},
    THIRD: {"06/03/2025 00:04:00": 7, "06/03/2025 00:05:00": 8, "06/04/2025 00:00:00": 9},
}
# What WEST is published as: start and end in UTC, delivery day and price.
INTERVALS = [
    ("06-01 04:00:00", "06-01 04:05:00", "06-01", 1),
    ("06-02 03:50:00", "06-02 03:55:00", "06-01", 2),
    ("06-02 03:55:00", "06-02 04:00:00", "06-01", 3),
    ("06-02 04:00:00", "06-02 04:03:20", "06-02", 4),
    ("06-02 04:03:20", "06-02 04:05:00", "06-02", 5),
    ("06-03 03:53:00", "06-03 03:58:00", "06-02", 6),
    ("06-03 03:58:00", "06-03 04:04:00", "06-02", 7),
    ("06-03 04:04:00", "06-03 04:05:00", "06-03", 8),
    ("06-04 03:55:00", "06-04 04:00:00", "06-03", 9),
]


def write_day(raw: Path, day: str, year: int, stamps: Mapping[str, float] | None = None) -> Path:
    """Write the zonal report of a day of a year: WEST and, one dollar above it, CENTRL."""
    path = raw / "nyiso" / "realtime_zone" / f"{day.replace('2025', str(year))}realtime_zone.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    zones = (("CENTRL", 61754, 1), ("WEST", 61752, 0))
    lines = [
        f'"{stamp.replace("2025", str(year))}","{name}",{ptid},{price + more},{more},0.00'
        for stamp, price in (stamps or DAYS[day]).items()
        for name, ptid, more in zones
    ]
    path.write_text("\n".join([HEADER, *lines, ""]))
    return path


def intervals(out: Path, year: int) -> list[tuple[Any, ...]]:
    """Return the published intervals of WEST in order."""
    return query(
        "select strftime(datetime_utc, '%m-%d %H:%M:%S'),"
        " strftime(interval_end_utc, '%m-%d %H:%M:%S'),"
        " strftime(delivery_date, '%m-%d'), lmp_total::integer"
        f" from '{out / YEAR_FILE.format(year)}' where settlement_location = 'WEST'"
        " and year(delivery_date) = ? order by datetime_utc",
        year,
    )


def write_custom_report(raw: Path, year: int) -> None:
    """Write the three days of a year as a custom report, of which one price was corrected."""
    columns = ("LBMP", "Losses", "Congestion", "Price Version")
    names = ("RTD End Time Stamp", "Zone Name", "Zone PTID", *(f"RTD Zonal {c}" for c in columns))
    stamps = {stamp: price for day in DAYS.values() for stamp, price in day.items()}
    corrected = next(iter(stamps))
    lines = [(stamp, price, 1) for stamp, price in stamps.items()]
    lines[0] = (corrected, stamps[corrected] + 50, 1)
    lines.insert(0, (corrected, stamps[corrected], 2))
    rows = [
        (f"{year}/{stamp[:5]} {stamp[11:]}", "WEST", "61752", f"{price:g}", "0", "0", f"{version}")
        for stamp, price, version in lines
    ]
    path = raw / "nyiso" / "realtime_zone" / "OASIS_Real_Time_Dispatch_Zonal_LBMP (1).csv"
    path.write_text("".join(",".join(f'"{cell}"' for cell in row) + "\n" for row in (names, *rows)))


# Stories of the same three days, each in a year of its own, told by builds that follow each other.
AT_ONCE, WITHIN, CUSTOM = 2023, 2022, 2012
ORDERS = {
    2018: ("as-they-come", (FIRST, SECOND, THIRD)),
    2020: ("the-second-first", (SECOND, FIRST, THIRD)),
    2021: ("backwards", (THIRD, SECOND, FIRST)),
}
CHANGED, GONE, OVERLAPPING = 2015, 2014, 2013


@dataclass(frozen=True)
class Told:
    """What a build said, what was published then, and the parts that it wrote."""

    ran: Ran
    published: dict[str, str]
    intervals: dict[int, list[tuple[Any, ...]]]
    parts: list[str]


def tell(folder: Path, *options: str, check: int = 0) -> Told:
    """Build, and look at the years of the stories."""
    out = folder / "out"
    before = len(parts_written(out))
    ran = build(folder / "raw", out, *DATASET, *options, check=check)
    there = [year for year in (*ORDERS, CHANGED, GONE) if (out / YEAR_FILE.format(year)).exists()]
    return Told(
        ran,
        published(out),
        {year: intervals(out, year) for year in there},
        parts_written(out)[before:],
    )


def parts_written(out: Path) -> list[str]:
    """Return the days of the parts that were written so far, one by one."""
    logs = "\n".join(path.read_text() for path in sorted((out / "logs").glob("*.log")))
    return [
        line.partition("nyiso_rt_energy_5min ")[2][:10]
        for line in logs.splitlines()
        if "wrote part nyiso_rt_energy_5min" in line
    ]


@pytest.fixture(scope="module")
def at_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Publish in one build what the stories below come to, with the samples and the real files."""
    folder = tmp_path_factory.mktemp("at_once")
    for year in (AT_ONCE, *ORDERS):
        for day in DAYS:
            write_day(folder / "raw", day, year)
    # The file that was downloaded before the day was over ends with advisory prices.
    early = {"06/01/2025 00:05:00": 5, "06/01/2025 12:15:00": 6, "06/01/2025 12:30:00": 7}
    path = write_day(folder / "raw", FIRST, WITHIN, early)
    shutil.move(path, path.with_name("later.csv"))
    write_day(folder / "raw", FIRST, WITHIN)
    write_custom_report(folder / "raw", CUSTOM)
    write_samples(folder)
    copy_real_files(folder / "raw")
    build(folder / "raw", folder / "out", "nyiso", *DATASETS)
    return folder


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Told]]:
    """Let days come, change and vanish, build after build."""
    folder = tmp_path_factory.mktemp("story")
    raw = folder / "raw"
    for year in (CHANGED, GONE):
        for day in DAYS:
            write_day(raw, day, year)
    write_day(raw, THIRD, GONE).unlink()
    told = []
    for step in range(len(DAYS)):
        for year, (_, order) in ORDERS.items():
            write_day(raw, order[step], year)
        if step == 1:
            cut = {"06/01/2025 00:05:00": 1, "06/01/2025 23:55:00": 2, "06/01/2025 23:59:00": 10}
            write_day(raw, FIRST, CHANGED, cut)
            write_day(raw, FIRST, GONE).unlink()
        if step == 2:
            write_day(raw, SECOND, GONE, {**DAYS[SECOND], "06/02/2025 23:59:00": 11})
            overlap(raw)
        told.append(tell(folder, check=int(step == 2)))
    # Without the report that has overlapped.
    shutil.rmtree(raw / "nyiso" / "realtime_gen")
    told.append(tell(folder, "--prune"))
    return folder, told


def overlap(raw: Path) -> None:
    """Put WEST into a report that lacks the runs before one, so that this one begins too soon."""
    for day in (FIRST, SECOND):
        write_day(raw, day, OVERLAPPING)
    lone = {"06/02/2025 00:06:00": 5}
    beside = write_day(raw.with_name("other"), SECOND, OVERLAPPING, lone)
    (raw / "nyiso" / "realtime_gen").mkdir()
    shutil.move(beside, raw / "nyiso" / "realtime_gen" / beside.name.replace("zone", "gen"))


def test_an_interval_starts_where_the_file_of_the_day_before_ends(at_once: Path) -> None:
    assert intervals(at_once / "out", AT_ONCE) == INTERVALS


def test_a_custom_report_is_published_in_its_latest_version(at_once: Path) -> None:
    assert intervals(at_once / "out", CUSTOM) == INTERVALS


def test_holes_are_a_warning_and_are_counted(at_once: Path) -> None:
    [row] = [
        row
        for row in status(at_once / "out")["datasets"]
        if (row["dataset"], row["year"]) == (DATASET[2], AT_ONCE)
    ]
    # 06-01 00:05 to 23:50, 06-02 00:05 to 23:53 and 06-03 00:05 to 23:55: 285, 285.6 and 286.
    assert row["missing_intervals"] == 2 * 857
    assert row["state"] == "published"


def test_a_build_with_nothing_new_writes_nothing(at_once: Path) -> None:
    before, parts = published(at_once / "out"), parts_written(at_once / "out")
    build(at_once / "raw", at_once / "out", "nyiso", *DATASETS)
    assert published(at_once / "out") == before
    assert parts_written(at_once / "out") == parts
    assert len([part for part in parts if part.startswith(f"{AT_ONCE}-06-")]) == len(DAYS)


@pytest.mark.parametrize("year", ORDERS, ids=lambda year: ORDERS[year][0])
def test_the_order_in_which_days_come_changes_no_byte(
    at_once: Path, story: tuple[Path, list[Told]], year: int
) -> None:
    _, told = story
    assert told[2].intervals[year] == INTERVALS
    path = YEAR_FILE.format(year)
    assert told[2].published[path] == published(at_once / "out")[path]


def test_a_day_follows_the_end_of_the_day_before(story: tuple[Path, list[Told]]) -> None:
    """It is built anew though none of its own files has changed, and no other day is."""
    _, (first, second, *_) = story
    assert first.intervals[CHANGED] == INTERVALS
    assert second.intervals[CHANGED][1:5] == [
        ("06-02 03:50:00", "06-02 03:55:00", "06-01", 2),
        ("06-02 03:55:00", "06-02 03:59:00", "06-01", 10),
        ("06-02 03:59:00", "06-02 04:03:20", "06-01", 4),
        ("06-02 04:03:20", "06-02 04:05:00", "06-02", 5),
    ]
    again = sorted(part for part in second.parts if part.startswith(f"{CHANGED}-"))
    assert again == [f"{CHANGED}-06-01", f"{CHANGED}-06-02"]


def test_a_day_whose_day_before_is_gone_keeps_what_it_was_made_of(
    story: tuple[Path, list[Told]],
) -> None:
    _, (first, second, third, pruned) = story
    path = YEAR_FILE.format(GONE)
    assert first.published[path] == second.published[path] == third.published[path]
    assert f"would lose the rows of nyiso/realtime_zone/{GONE}0601" in third.ran.output
    assert pruned.intervals[GONE][0] == ("06-02 04:00:00", "06-02 04:03:20", "06-02", 4)


def test_rows_from_within_a_day_give_way_and_are_counted(at_once: Path) -> None:
    out = at_once / "out"
    assert intervals(out, WITHIN) == INTERVALS[:3]
    with work_database(out) as work:
        accounts = work.execute(
            "select term, reason, sum(rows)::integer from inventory.accounts"
            " where data_source like '%later.csv' group by all order by all"
        ).fetchall()
    assert accounts == [
        ("filtered", "advisory price ahead of dispatch", 4),
        ("parsed", None, 6),
        ("superseded", "from before the day was over", 2),
    ]


def test_overlapping_intervals_are_not_published(story: tuple[Path, list[Told]]) -> None:
    """A generator report with WEST lacks the runs before one, which begins too soon."""
    _, (*_, third, pruned) = story
    assert "Intervals of a location start before the one before has ended" in third.ran.output
    path = YEAR_FILE.format(OVERLAPPING)
    assert path not in third.published
    assert path in pruned.published


SAMPLED: dict[date, Packaging] = {date(2024, 11, 2): "csv", date(2017, 3, 11): "zip"}


def write_samples(folder: Path) -> None:
    """Add generated files around both days on which clocks change; those of spring in zips."""
    reports = ("realtime_zone", "realtime_gen", "rtlbmp_zone", "rtlbmp_gen")
    for start, packaging in SAMPLED.items():
        written = folder / str(start.year)
        options = SampleOptions(reports=reports, packaging=packaging)
        write_sample(written, isos=["nyiso"], start=start, days=3, nodes=3, options=options)
        shutil.copytree(written / "nyiso", folder / "raw" / "nyiso", dirs_exist_ok=True)


@pytest.mark.parametrize("year", [day.year for day in SAMPLED])
@pytest.mark.parametrize("dataset", ["rt_energy_5min", "rt_energy_hourly"])
def test_a_sample_is_published_as_its_truth(at_once: Path, dataset: str, year: int) -> None:
    truth = at_once / str(year) / "truth" / "nyiso" / f"{dataset}.parquet"
    path = at_once / "out" / f"parquet/nyiso/{dataset}/{dataset}_{year}.parquet"
    assert_equals_truth(path, truth)


@dataclass(frozen=True)
class Real:
    """What was published of the real files."""

    out: Path

    def intervals(self, first: str, last: str, location: str) -> list[tuple[Any, ...]]:
        """Return intervals of a location that start between two instants, in UTC."""
        return query(
            "select strftime(datetime_utc, '%H:%M:%S'), strftime(interval_end_utc, '%H:%M:%S'),"
            " delivery_hour, delivery_interval, lmp_total, lmp_congestion, lmp_loss, dst_flag"
            f" from '{self.out / YEAR_FILE.format('*')}' where settlement_location = ?"
            " and datetime_utc >= ?::timestamptz and datetime_utc < ?::timestamptz"
            " order by datetime_utc",
            *(location, f"{first}+00", f"{last}+00"),
        )


REAL_REPORTS = [SAMPLES / "nyiso" / report for report in ("realtime_zone", "rtlbmp_zone")]


def copy_real_files(raw: Path) -> None:
    """Lay the real files of dispatch runs and of hours beside the others, if they are there."""
    for report in filter(Path.is_dir, REAL_REPORTS):
        for path in filter(Path.is_file, report.rglob("*")):
            target = raw / "nyiso" / report.name / "real" / path.relative_to(report)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)


@pytest.fixture(scope="module")
def real(request: pytest.FixtureRequest) -> Real:
    if not all(report.is_dir() for report in REAL_REPORTS):
        pytest.skip("no real files beside the repository (shared/samples)")
    at_once: Path = request.getfixturevalue("at_once")
    return Real(at_once / "out")


# Whole days, one that was cut; by their first and last instant: runs, and the time they fill.
REAL_DAYS = [
    ("2016-10-23 04:00", "2016-10-24 04:00", 288),
    ("2016-10-24 04:00", "2016-10-25 04:00", 292),
    ("2019-03-10 05:00", "2019-03-11 04:00", 282),
    ("2019-11-03 04:00", "2019-11-04 05:00", 300),
    ("2025-11-02 04:00", "2025-11-02 07:30", 42),
]


@pytest.mark.parametrize(("first", "last", "runs"), REAL_DAYS)
def test_intervals_of_real_days_fill_the_day(real: Real, first: str, last: str, runs: int) -> None:
    rows = real.intervals(first, last, "CAPITL")
    assert len(rows) == runs
    assert rows[0][0] == f"{first[11:]}:00" and rows[-1][1] == f"{last[11:]}:00"
    assert all(before[1] == after[0] for before, after in pairwise(rows))


def test_real_runs_off_the_grid_have_the_prices_of_their_stamps(real: Real) -> None:
    # Read in the files of 24 October 2016 and 10 March 2019, the stamps 04:18:02 and 03:06:50.
    assert real.intervals("2016-10-24 08:15", "2016-10-24 08:20", "CAPITL") == [
        ("08:15:00", "08:18:02", 5, 4, 2.2, 0.0, 0.13, "Y"),
        ("08:18:02", "08:20:00", 5, 4, 2.18, 0.0, 0.13, "Y"),
    ]


def test_real_passes_of_the_repeated_hour_follow_each_other(real: Real) -> None:
    # Read in the file of 3 November 2019: the first 01:00:00 and 01:05:00, the second two.
    rows = real.intervals("2019-11-03 04:55", "2019-11-03 07:00", "CAPITL")
    assert rows[:2] == [
        ("04:55:00", "05:00:00", 1, 12, 27.23, 11.84, 1.02, "Y"),
        ("05:00:00", "05:05:00", 2, 1, 27.23, 11.78, 1.01, "Y"),
    ]
    assert rows[13:15] == [
        ("06:00:00", "06:05:00", 2, 1, -11.28, 0.0, -0.73, "N"),
        ("06:05:00", "06:10:00", 2, 2, 24.57, 26.87, -0.15, "N"),
    ]
    assert rows[12] == ("05:55:00", "06:00:00", 2, 12, 29.48, 18.18, 0.75, "Y")
    assert rows[24] == ("06:55:00", "07:00:00", 2, 12, 18.86, 0.0, 1.22, "N")


def test_real_hours_begin_at_their_stamps(real: Real) -> None:
    # Read in the files of 9 March and 2 November 2025.
    path = real.out / "parquet/nyiso/rt_energy_hourly/rt_energy_hourly_2025.parquet"
    rows = query(
        "select strftime(datetime_utc, '%m-%d %H:%M'), delivery_hour, lmp_total, lmp_loss, dst_flag"
        f" from '{path}' where settlement_location = 'WEST' order by datetime_utc"
    )
    assert [row[:2] for row in rows[:3]] == [
        ("03-09 05:00", 1),
        ("03-09 06:00", 2),
        ("03-09 07:00", 4),
    ]
    assert rows[5:9] == [
        ("11-02 04:00", 1, 62.7, -1.1, "Y"),
        ("11-02 05:00", 2, 54.28, -0.46, "Y"),
        ("11-02 06:00", 2, 35.99, -0.65, "N"),
        ("11-02 07:00", 3, 45.07, -0.61, "N"),
    ]
