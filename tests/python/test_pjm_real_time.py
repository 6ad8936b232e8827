"""PJM's hourly real-time prices from raw file to year file: versions, hubs, clock-change days."""

from __future__ import annotations

import csv
import shutil
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from building import ENERGY_COLUMNS, SAMPLES, Built, build, query, work_database
from unified_iso.sample import Packaging, SampleOptions, write_sample

pytestmark = pytest.mark.builds

REPORT = "rt_hrl_lmps"
NODAL, HUB = "rt_energy_hourly_nodal", "rt_energy_hourly_hub"
HEADER = (
    "datetime_beginning_utc,datetime_beginning_ept,pnode_id,pnode_name,voltage,equipment,type,zone,"
    "system_energy_price_rt,total_lmp_rt,congestion_price_rt,marginal_loss_price_rt,"
    "row_is_current,version_nbr"
)


def line(hour: int, total: str, current: bool, version: int, energy: str = "20.000000") -> str:
    """A line of 1 June 2022 for hour `hour` of Eastern daylight time."""
    clock = f"{hour % 12 or 12}:00:00 {'AM' if hour < 12 else 'PM'}"
    utc = f"6/1/2022 {hour + 4}:00:00 AM"
    return (
        f"{utc},6/1/2022 {clock},51288,WESTERN HUB,,,HUB,,{energy},{total},1.000000,0.500000,"
        f"{current},{version}"
    )


# The whole day came again: one price has changed, the others are the same in both versions.
REVISED = "\n".join(
    (
        HEADER,
        line(0, "21.500000", False, 1),
        line(0, "21.500000", True, 2),
        line(1, "22.500000", False, 1, "21.000000"),
        line(1, "23.500000", True, 2, "22.000000"),
        "",
    )
)
# Somebody exported current rows alone, and this file's path is the lesser one.
CURRENT = "\n".join((HEADER, line(2, "24.500000", True, 2, "23.000000"), ""))
EARLIER = "\n".join((HEADER, line(2, "30.500000", True, 1, "29.000000"), ""))


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """A spring and a fall of generated days, a year of hand-written versions, and real files."""
    folder = tmp_path_factory.mktemp("pjm")
    raw, out = folder / "raw", folder / "out"
    starts: dict[date, Packaging] = {date(2023, 3, 11): "csv", date(2021, 11, 6): "zip"}
    for start, packaging in starts.items():
        options = SampleOptions(reports=(REPORT,), packaging=packaging)
        write_sample(raw, isos=["pjm"], start=start, days=3, nodes=20, options=options)
        shutil.move(raw / "truth", folder / f"truth_{start.year}")
    typed = {"2022/a_current.csv": CURRENT, "2022/b.csv": REVISED, "2022/c.csv": EARLIER}
    for name, text in typed.items():
        path = raw / "pjm" / REPORT / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    if (SAMPLES / "pjm" / REPORT).is_dir():
        shutil.copytree(SAMPLES / "pjm" / REPORT, raw / "pjm" / REPORT, dirs_exist_ok=True)
    build(raw, out, "pjm")
    return Built(raw, out)


def year_file(out: Path, dataset: str, year: int) -> str:
    return str(out / "parquet" / "pjm" / dataset / f"{dataset}_{year}.parquet")


@pytest.mark.parametrize(("year", "hours"), [(2023, 71), (2021, 73)])
@pytest.mark.parametrize(("dataset", "locations"), [(NODAL, 20), (HUB, 12)])
def test_published_is_the_truth(
    built: Built, dataset: str, locations: int, year: int, hours: int
) -> None:
    columns = ", ".join(ENERGY_COLUMNS)
    truth = built.raw.parent / f"truth_{year}" / "pjm" / f"{dataset}.parquet"
    expected, found = (
        query(f"select {columns} from read_parquet($1)", path)
        for path in (str(truth), year_file(built.out, dataset, year))
    )
    assert len(found) == hours * locations
    assert found == expected


@pytest.mark.parametrize("dataset", [NODAL, HUB])
def test_the_highest_version_is_published(built: Built, dataset: str) -> None:
    found = query(
        "select datetime_utc, lmp_total, lmp_energy, version, data_source from read_parquet($1)",
        year_file(built.out, dataset, 2022),
    )
    folder = f"pjm/{REPORT}/2022"
    assert found == [
        (datetime(2022, 6, 1, 4, tzinfo=UTC), 21.5, 20, 2, f"{folder}/b.csv"),
        (datetime(2022, 6, 1, 5, tzinfo=UTC), 23.5, 22, 2, f"{folder}/b.csv"),
        # The greater path has the lower version.
        (datetime(2022, 6, 1, 6, tzinfo=UTC), 24.5, 23, 2, f"{folder}/a_current.csv"),
    ]


def test_rows_of_lower_versions_are_counted(built: Built) -> None:
    with work_database(built.out) as con:
        found = con.execute(
            "select parse_filename(data_source), term, reason, rows from inventory.accounts"
            " where model = 'pjm_rt_energy_hourly_nodal' and part = date '2022-06-01'"
            " order by all"
        ).fetchall()
    assert found == [
        ("a_current.csv", "parsed", None, 1),
        ("a_current.csv", "published", None, 1),
        ("b.csv", "parsed", None, 4),
        ("b.csv", "published", None, 2),
        ("b.csv", "superseded", "lower version", 2),
        ("c.csv", "parsed", None, 1),
        ("c.csv", "superseded", "lower version", 1),
    ]


def test_real_rows_are_those_of_the_lines(request: pytest.FixtureRequest) -> None:
    source = SAMPLES / "pjm" / REPORT
    if not source.is_dir():
        pytest.skip("no real files beside the repository (shared/samples)")
    built: Built = request.getfixturevalue("built")
    printed: dict[tuple[datetime, str], tuple[int, tuple[float, ...]]] = {}
    for path in sorted(source.rglob("*.csv")):
        for cells in csv.DictReader(path.open(newline="")):
            utc = datetime.strptime(cells["datetime_beginning_utc"], "%m/%d/%Y %I:%M:%S %p")
            key = (utc.replace(tzinfo=UTC), cells["pnode_id"])
            names = ("total_lmp_rt", "system_energy_price_rt", "congestion_price_rt")
            prices = tuple(float(cells[name]) for name in (*names, "marginal_loss_price_rt"))
            version = int(cells["version_nbr"])
            if key not in printed or printed[key][0] <= version:
                printed[key] = (version, prices)
    found = {
        (utc, pnode): (version, tuple(prices))
        for year in (2019, 2024, 2025, 2026)
        for utc, pnode, version, *prices in query(
            "select datetime_utc, settlement_location_id, version, lmp_total, lmp_energy,"
            " lmp_congestion, lmp_loss from read_parquet($1)",
            year_file(built.out, NODAL, year),
        )
    }
    assert found == printed
    # The first line of the file of January 2024.
    first = found[datetime(2024, 1, 1, 5, tzinfo=UTC), "1"]
    assert first == (1, (31.197257, 31.14, 0.044997, 0.01726))
