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

from building import SAMPLES, Built, Ran, build, published, query, status, work_database
from test_round_trip import assert_equals_truth
from unified_iso.sample import SampleOptions, write_sample

pytestmark = pytest.mark.builds

HEADER = (
    '"Time Stamp","Name","PTID","LBMP ($/MWHr)",'
    '"Marginal Cost Losses ($/MWHr)","Marginal Cost Congestion ($/MWHr)"'
)
DATASET = ("nyiso", "--dataset", "rt_energy_5min")
YEAR_FILE = "parquet/nyiso/rt_energy_5min/rt_energy_5min_{}.parquet"
FIRST, SECOND, THIRD = "20250601", "20250602", "20250603"
# The stamps of three days, each with its price. The first day ends on the minute, and the second
# one starts off it, so that its first interval starts at midnight only if the first day is known.
# The second day was cut before its last stamp: the first interval of the third day starts in it.
DAYS: Mapping[str, Mapping[str, float]] = {
    FIRST: {"06/01/2025 00:05:00": 1, "06/01/2025 23:55:00": 2, "06/02/2025 00:00:00": 3},
    SECOND: {"06/02/2025 00:03:20": 4, "06/02/2025 00:05:00": 5, "06/02/2025 23:58:00": 6},
    THIRD: {"06/03/2025 00:04:00": 7, "06/03/2025 00:05:00": 8, "06/04/2025 00:00:00": 9},
}
# What WEST is published as: start and end in UTC, delivery day and price.
INTERVALS = [
    ("06-01 04:00:00", "06-01 04:05:00", "2025-06-01", 1),
    ("06-02 03:50:00", "06-02 03:55:00", "2025-06-01", 2),
    ("06-02 03:55:00", "06-02 04:00:00", "2025-06-01", 3),
    ("06-02 04:00:00", "06-02 04:03:20", "2025-06-02", 4),
    ("06-02 04:03:20", "06-02 04:05:00", "2025-06-02", 5),
    ("06-03 03:53:00", "06-03 03:58:00", "2025-06-02", 6),
    ("06-03 03:58:00", "06-03 04:04:00", "2025-06-02", 7),
    ("06-03 04:04:00", "06-03 04:05:00", "2025-06-03", 8),
    ("06-04 03:55:00", "06-04 04:00:00", "2025-06-03", 9),
]


def write_day(raw: Path, day: str, stamps: Mapping[str, float] | None = None) -> Path:
    """Write the zonal report of a day: WEST and, one dollar above it, CENTRL."""
    path = raw / "nyiso" / "realtime_zone" / f"{day}realtime_zone.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    zones = (("CENTRL", 61754, 1), ("WEST", 61752, 0))
    lines = [
        f'"{stamp}","{name}",{ptid},{price + more},{more},0.00'
        for stamp, price in (stamps or DAYS[day]).items()
        for name, ptid, more in zones
    ]
    path.write_text("\n".join([HEADER, *lines, ""]))
    return path


def intervals(out: Path, where: str = "settlement_location = 'WEST'") -> list[tuple[Any, ...]]:
    """Return the published intervals of WEST in order."""
    return query(
        "select strftime(datetime_utc, '%m-%d %H:%M:%S'),"
        " strftime(interval_end_utc, '%m-%d %H:%M:%S'), delivery_date::varchar, lmp_total::integer"
        f" from '{out / YEAR_FILE.format('*')}' where {where} order by datetime_utc"
    )


@pytest.fixture(scope="module")
def at_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Publish the three days in one build."""
    folder = tmp_path_factory.mktemp("at_once")
    for day in DAYS:
        write_day(folder / "raw", day)
    build(folder / "raw", folder / "out", *DATASET)
    return folder


def test_an_interval_starts_where_the_file_of_the_day_before_ends(at_once: Path) -> None:
    assert intervals(at_once / "out") == INTERVALS


def test_holes_are_a_warning_and_are_counted(at_once: Path) -> None:
    [row] = status(at_once / "out")["datasets"]
    # 06-01 00:05 to 23:50, 06-02 00:05 to 23:53 and 06-03 00:05 to 23:55: 285, 285.6 and 286.
    assert row["missing_intervals"] == 2 * 857
    assert row["state"] == "published"


def test_a_build_with_nothing_new_writes_nothing(at_once: Path) -> None:
    before = published(at_once / "out")
    build(at_once / "raw", at_once / "out", *DATASET)
    assert published(at_once / "out") == before
    assert parts_written(at_once / "out")[len(DAYS) :] == []


def parts_written(out: Path) -> list[str]:
    """Return the days of the parts that were written so far, one by one."""
    logs = "\n".join(path.read_text() for path in sorted((out / "logs").glob("*.log")))
    return [
        line.partition("nyiso_rt_energy_5min ")[2][:10]
        for line in logs.splitlines()
        if "wrote part nyiso_rt_energy_5min" in line
    ]


@pytest.mark.parametrize(
    "order",
    [(FIRST, SECOND, THIRD), (SECOND, FIRST, THIRD), (THIRD, SECOND, FIRST)],
    ids=["as-they-come", "the-second-first", "backwards"],
)
def test_the_order_in_which_days_come_changes_no_byte(
    at_once: Path, tmp_path: Path, order: tuple[str, ...]
) -> None:
    for day in order:
        write_day(tmp_path / "raw", day)
        build(tmp_path / "raw", tmp_path / "out", *DATASET)
    assert intervals(tmp_path / "out") == INTERVALS
    assert published(tmp_path / "out") == published(at_once / "out")


def test_a_day_follows_the_end_of_the_day_before(tmp_path: Path) -> None:
    """It is built anew though none of its own files has changed, and no other day is."""
    raw, out = tmp_path / "raw", tmp_path / "out"
    for day in DAYS:
        write_day(raw, day)
    build(raw, out, *DATASET)
    write_day(
        raw, FIRST, {"06/01/2025 00:05:00": 1, "06/01/2025 23:55:00": 2, "06/01/2025 23:59:00": 10}
    )
    build(raw, out, *DATASET)
    assert intervals(out)[1:5] == [
        ("06-02 03:50:00", "06-02 03:55:00", "2025-06-01", 2),
        ("06-02 03:55:00", "06-02 03:59:00", "2025-06-01", 10),
        ("06-02 03:59:00", "06-02 04:03:20", "2025-06-01", 4),
        ("06-02 04:03:20", "06-02 04:05:00", "2025-06-02", 5),
    ]
    assert sorted(parts_written(out)[3:]) == ["2025-06-01", "2025-06-02"]


def test_a_day_whose_day_before_is_gone_keeps_what_it_was_made_of(tmp_path: Path) -> None:
    raw, out = tmp_path / "raw", tmp_path / "out"
    first = write_day(raw, FIRST)
    write_day(raw, SECOND)
    build(raw, out, *DATASET)
    before = published(out)
    first.unlink()
    build(raw, out, *DATASET)
    assert published(out) == before
    write_day(raw, SECOND, {**DAYS[SECOND], "06/02/2025 23:59:00": 11})
    ran = build(raw, out, *DATASET, check=1)
    assert f"would lose the rows of nyiso/realtime_zone/{first.name}" in ran.output
    assert published(out) == before
    build(raw, out, *DATASET, "--prune")
    assert intervals(out)[0] == ("06-02 03:58:20", "06-02 04:03:20", "2025-06-01", 4)


def test_rows_from_within_a_day_give_way_and_are_counted(tmp_path: Path) -> None:
    """The file that was downloaded before the day was over ends with advisory prices."""
    raw, out = tmp_path / "raw", tmp_path / "out"
    write_day(raw, FIRST)
    early = {"06/01/2025 00:05:00": 5, "06/01/2025 12:15:00": 6, "06/01/2025 12:30:00": 7}
    shutil.move(write_day(raw, FIRST, early), raw / "nyiso" / "realtime_zone" / "later.csv")
    write_day(raw, FIRST)
    build(raw, out, *DATASET)
    assert intervals(out) == INTERVALS[:3]
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


def test_overlapping_intervals_are_not_published(tmp_path: Path) -> None:
    """WEST stands in a generator report whose day before is not at hand; its first run is late."""
    raw, out = tmp_path / "raw", tmp_path / "out"
    for day in (FIRST, SECOND):
        write_day(raw, day)
    beside = write_day(tmp_path / "other", SECOND)
    (raw / "nyiso" / "realtime_gen").mkdir()
    shutil.move(beside, raw / "nyiso" / "realtime_gen" / f"{SECOND}realtime_gen.csv")
    ran = build(raw, out, *DATASET, check=1)
    assert "Intervals of a location start before the one before has ended" in ran.output
    assert published(out) == {}


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """Publish generated files around both days on which clocks change; those of spring in zips."""
    folder = tmp_path_factory.mktemp("sample")
    reports = ("realtime_zone", "realtime_gen", "rtlbmp_zone", "rtlbmp_gen")
    for start, options in (
        (date(2024, 11, 2), SampleOptions(reports=reports)),
        (date(2025, 3, 8), SampleOptions(reports=reports, packaging="zip")),
    ):
        written = folder / str(start.year)
        write_sample(written, isos=["nyiso"], start=start, days=3, nodes=3, options=options)
        shutil.copytree(written / "nyiso", folder / "raw" / "nyiso", dirs_exist_ok=True)
    build(folder / "raw", folder / "out", "nyiso")
    return Built(folder, folder / "out")


@pytest.mark.parametrize("year", [2024, 2025])
@pytest.mark.parametrize("dataset", ["rt_energy_5min", "rt_energy_hourly"])
def test_a_sample_is_published_as_its_truth(sample: Built, dataset: str, year: int) -> None:
    truth = sample.raw / str(year) / "truth" / "nyiso" / f"{dataset}.parquet"
    assert_equals_truth(sample.out / f"parquet/nyiso/{dataset}/{dataset}_{year}.parquet", truth)


@dataclass(frozen=True)
class Real:
    """What was published of the real files."""

    out: Path
    ran: Ran

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


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Real:
    """Publish the real files of dispatch runs and of hours."""
    reports = ("realtime_zone", "rtlbmp_zone")
    if not all((SAMPLES / "nyiso" / report).is_dir() for report in reports):
        pytest.skip("no real files beside the repository (shared/samples)")
    folder = tmp_path_factory.mktemp("real")
    for report in reports:
        shutil.copytree(
            SAMPLES / "nyiso" / report, folder / "raw/nyiso" / report, copy_function=shutil.copyfile
        )
    for path in [folder / "raw", *(folder / "raw").rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)
    datasets = ("--dataset", "rt_energy_5min", "--dataset", "rt_energy_hourly")
    return Real(folder / "out", build(folder / "raw", folder / "out", "nyiso", *datasets))


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
