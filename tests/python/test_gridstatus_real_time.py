"""Real-time prices in the shapes of the gridstatus library and its hosted API, to year files.

Row by row they are what the generator's model says. One build treats the spring and the fall day of
all operators.
"""

from __future__ import annotations

import shutil
from collections import defaultdict
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import pytest

from building import Ran, build, query, rows_as_text
from unified_iso.sample import SampleOptions, available_isos, write_sample

GRIDSTATUS = "gridstatus_lmp"
SPRING, FALL = date(2024, 3, 10), date(2023, 11, 5)
ONE_DAY = timedelta(days=1)
DATASETS = {
    "pjm": ("rt_energy_hourly_nodal", "rt_energy_hourly_hub", "rt_energy_5min_nodal"),
    "caiso": ("rt_energy_15min_nodal", "rt_energy_5min_nodal"),
    "ercot": ("rt_energy_15min",),
    "nyiso": ("rt_energy_hourly", "rt_energy_5min"),
    "miso": ("rt_energy_hourly_nodal", "rt_energy_5min_nodal"),
    "isone": ("rt_energy_hourly", "rt_energy_5min"),
    "spp": ("rt_energy_5min", "rt_energy_hourly"),
}
# Least that has places of both layouts.
NODES = {"pjm": 44, "ercot": 27, "caiso": 12, "nyiso": 4, "miso": 20, "isone": 20, "spp": 8}


@dataclass(frozen=True)
class Case:
    """Days of an operator; the years of the cases of one differ.

    hours: in all together, which tell that the clock changes.
    """

    iso: str
    start: date
    days: int
    hours: int
    beside: tuple[str, ...] = ()


# Runs of NYISO before the first day of a sample are not known, and MISO's final prices come later.
SPRING_AND_FALL = (
    *(Case(iso, SPRING, 1, 23) for iso in ("pjm", "caiso", "isone", "spp")),
    *(Case(iso, FALL, 1, 25) for iso in ("pjm", "caiso", "isone", "spp")),
    # A list belongs to no day, so that one that stands beside a day tells zones of all days.
    Case("ercot", SPRING, 1, 23, ("np4-160-sg",)),
    Case("ercot", FALL, 1, 25, ("np4-160-sg",)),
    Case("nyiso", SPRING - ONE_DAY, 2, 47),
    Case("nyiso", FALL - ONE_DAY, 2, 49),
    Case("miso", SPRING - ONE_DAY, 2, 48),
    Case("miso", FALL - ONE_DAY, 2, 48),
)
CASES = (
    *SPRING_AND_FALL,
    # A second balancing area joins between the days.
    Case("spp", date(2026, 3, 31), 2, 48),
    # A report that has both names and ids, or system lambda, stands beside.
    Case("isone", date(2022, 11, 6), 1, 25, ("ww_dalmp_iso",)),
    Case("ercot", date(2022, 11, 6), 1, 25, ("np4-160-sg", "np6-322-cd")),
    # Of the second day there are preliminary prices of the library alone.
    Case("miso", date(2022, 11, 5), 2, 48, ("rt_lmp_final",)),
    # What the operator publishes itself goes before the same in another shape.
    Case("nyiso", date(2021, 11, 7), 1, 25, ("realtime_zone", "rtlbmp_gen")),
)
EXPECTED = [(case, dataset) for case in CASES for dataset in DATASETS[case.iso]]


def _name(value: object) -> str:
    return f"{value.iso}_{value.start.year}" if isinstance(value, Case) else str(value)


def _sample(folder: Path, case: Case) -> list[Path]:
    options = SampleOptions(reports=(GRIDSTATUS, *case.beside), real_time=True)
    return write_sample(
        folder,
        isos=[case.iso],
        start=case.start,
        days=case.days,
        nodes=NODES[case.iso],
        options=options,
    )


@dataclass(frozen=True)
class Made:
    """What the build told, its output folder, and the truth of each case below one folder."""

    ran: Ran
    out: Path
    truth: Path


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("gridstatus_real_time")
    raw, truth = folder / "raw", folder / "truth"
    truth.mkdir()
    for case in CASES:
        _sample(raw, case)
        (raw / "truth" / case.iso).rename(truth / _name(case))
    shutil.rmtree(raw / "truth")
    names = [f"{iso}_{name}" for iso, datasets in DATASETS.items() for name in datasets]
    chosen = (word for name in names for word in ("--dataset", name))
    return Made(build(raw, folder / "out", *chosen, check=None), folder / "out", truth)


@pytest.mark.builds
def test_nothing_is_left_out(made: Made) -> None:
    assert made.ran.exit_code == 0, made.ran.stderr


@pytest.mark.builds
@pytest.mark.parametrize(("case", "dataset"), EXPECTED, ids=_name)
def test_what_is_published_is_the_truth(made: Made, case: Case, dataset: str) -> None:
    """Rows in their order with all columns, the file that a row stands in among them."""
    year_file = made.out / f"parquet/{case.iso}/{dataset}/{dataset}_{case.start.year}.parquet"
    truth = made.truth / _name(case) / f"{dataset}.parquet"

    assert rows_as_text(year_file, 24) == rows_as_text(truth, 24)
    (hours,) = query(
        "select count(distinct date_trunc('hour', datetime_utc)) from read_parquet($1)",
        str(year_file),
    )
    assert hours == (case.hours,)


def test_every_operator_has_real_time_files_of_both_shapes(tmp_path: Path) -> None:
    options = SampleOptions(reports=(GRIDSTATUS,), real_time=True, truth=False)
    shapes = defaultdict(set)
    for iso in available_isos():
        written = write_sample(
            tmp_path, isos=[iso], start=FALL, days=1, nodes=NODES[iso], options=options
        )
        for path in written:
            if "_real_time_" in path.name:
                header, first = path.read_text().splitlines()[:2]
                shapes[iso].add(header.partition(",")[0])
                assert first
    assert set(shapes) == set(DATASETS) == set(available_isos())
    assert all(found == {"Time", "interval_start_local"} for found in shapes.values())


def test_both_switches_ask_for_real_time_files_of_gridstatus(tmp_path: Path) -> None:
    """Whoever wants all of real time gets what operators publish, whoever names them, all days."""
    for folder, options in (
        ("named", SampleOptions(reports=(GRIDSTATUS,))),
        ("real time", SampleOptions(real_time=True)),
    ):
        write_sample(
            tmp_path / folder, isos=["nyiso"], start=FALL, days=1, nodes=4, options=options
        )
    named = sorted(path.name for path in (tmp_path / "named/nyiso").rglob("*.csv"))
    assert named == [
        "nyiso_day_ahead_hourly_generator_20231105.csv",
        "nyiso_day_ahead_hourly_zone_20231105.csv",
    ]
    assert not (tmp_path / "real time/nyiso" / GRIDSTATUS).exists()
