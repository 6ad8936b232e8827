"""SPP's day-ahead prices: what is generated, written by hand and real, and what is published."""

from __future__ import annotations

import shutil
import zipfile
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from building import (
    ENERGY_COLUMNS,
    SAMPLES,
    Ran,
    build,
    query,
    read_rows,
    status,
    work_database,
)
from unified_iso.sample import Packaging, SampleOptions, write_sample

pytestmark = pytest.mark.builds

REPORT = "spp/da-lmp-sl"
MODEL = "spp_da_energy_hourly"
REAL_FILES = SAMPLES / REPORT


@dataclass(frozen=True)
class Published:
    """A raw folder, what a build of it said, and where it was published."""

    raw: Path
    out: Path
    ran: Ran

    def year_file(self, year: int) -> str:
        return str(self.out / f"parquet/spp/da_energy_hourly/da_energy_hourly_{year}.parquet")


def publish(folder: Path, *options: str) -> Published:
    raw, out = folder / "raw", folder / "out"
    return Published(raw, out, build(raw, out, "spp", *options, check=None))


# --- Generated files ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Case:
    """Days of a sample, in a year of their own unless they are there for the turn of one."""

    start: date
    days: int
    packaging: Packaging = "csv"


CASES = {
    "turn of the year": Case(date(2021, 12, 30), 4),
    "fall": Case(date(2023, 11, 4), 3, "csv.gz"),
    "spring, in a yearly zip": Case(date(2024, 2, 28), 13, "zip"),
    "spring": Case(date(2025, 3, 8), 3),
    "the west joins": Case(date(2026, 3, 30), 8),
}


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Published:
    """Publish all cases at once."""
    folder = tmp_path_factory.mktemp("spp")
    for name, case in CASES.items():
        sample = folder / name
        options = SampleOptions(packaging=case.packaging)
        write_sample(
            sample, isos=["spp"], start=case.start, days=case.days, nodes=30, options=options
        )
        shutil.copytree(sample / "spp", folder / "raw" / "spp", dirs_exist_ok=True)
    return publish(folder)


def test_all_that_is_generated_is_published(generated: Published) -> None:
    assert generated.ran.exit_code == 0, generated.ran.stderr
    years = {entry["year"] for entry in status(generated.out)["datasets"]}
    assert years == {2021, 2022, 2023, 2024, 2025, 2026}


@pytest.mark.parametrize("name", CASES)
def test_rows_are_those_of_the_truth(generated: Published, name: str) -> None:
    case = CASES[name]
    last = case.start + timedelta(case.days - 1)
    files = sorted({generated.year_file(case.start.year), generated.year_file(last.year)})
    columns = ", ".join(ENERGY_COLUMNS)
    with duckdb.connect() as con:
        con.execute("set TimeZone = 'UTC'")
        truth = generated.raw.with_name(name) / "truth" / "spp" / "da_energy_hourly.parquet"
        con.execute(f"create table truth as select {columns} from read_parquet('{truth}')")
        con.execute(f"create table found as select {columns} from read_parquet({files})")
        assert con.execute("from truth except all from found").fetchall() == []
        assert con.execute("from found except all from truth").fetchall() == []
        assert con.execute("select count(*) > 0 from truth").fetchone() == (True,)


def test_a_local_day_has_the_hours_that_its_clock_shows(generated: Published) -> None:
    for day, hours in {(2023, 11, 5): 25, (2024, 3, 10): 23, (2025, 3, 9): 23}.items():
        rows = query(
            """
            select
                count(distinct datetime_utc), count(distinct (datetime_local, dst_flag)),
                count(*) // count(distinct settlement_location_id), min(datetime_local)
            from read_parquet($1)
            where delivery_date = $2
            """,
            generated.year_file(day[0]),
            date(*day),
        )
        assert rows == [(hours, hours, hours, datetime(*day))]


def accounts(published: Published, source: str) -> dict[tuple[str, str], int]:
    """Return how many rows of the files whose names match went where, by file and term."""
    with work_database(published.out) as con:
        rows = con.execute(
            """
            select parse_filename(data_source), term, sum(rows)::bigint
            from inventory.accounts
            where model = $1 and data_source like $2
            group by all
            """,
            [MODEL, f"{REPORT}/{source}"],
        ).fetchall()
    return {(name, term): count for name, term, count in rows}


def test_monthly_files_of_a_zip_are_left_out(generated: Published) -> None:
    with zipfile.ZipFile(generated.raw / REPORT / "2024.zip") as archive:
        assert any("MONTHLY" in name for name in archive.namelist())
    assert "MONTHLY" not in generated.ran.stdout + generated.ran.stderr
    counts = accounts(generated, "2024.zip!%")
    terms: Counter[str] = Counter()
    for (_, term), rows in counts.items():
        terms[term] += rows
    rows = (13 * 24 - 1) * 30
    assert terms == {"parsed": rows, "published": rows}


# --- Files written by hand ------------------------------------------------------------------------

PLAIN = "Interval,GMTIntervalEnd,Settlement Location,Pnode,LMP,MLC,MCC,MEC\n"
WITH_BAA = "Interval,GMTIntervalEnd,BAA,Settlement Location,Pnode,LMP,MLC,MCC,MEC\n"
GOOD = {
    "DA-LMP-SL-202506010100.csv": PLAIN
    + "06/01/2025 01:00:00,06/01/2025 06:00:00,SPPNORTH_HUB,SPPNORTH_H,-3.2500,0.2500,-14.0000,"
    "10.5000\n"
    "06/02/2025 00:00:00,06/02/2025 05:00:00,SPPNORTH_HUB,SPPNORTH_H,7.0000,0.0000,0.0000,7.0000\n",
    "DA-LMP-SL-202605010100.csv": WITH_BAA
    + "5/1/2026 1:00,5/1/2026 6:00,SPP,ERCOTN,ERCOTN,11.794,0.294,1,10.5\n"
    "5/2/2026 0:00,5/2/2026 5:00,SWPW,LAP_HUB,LAP_H,7,0,0,7\n",
    "DA-LMP-SL-202605020100.csv": WITH_BAA.upper().replace(" ", "_").replace("\n", "\r\n")
    + "5/2/2026 1:00,5/2/2026 6:00,SWPW,PEAK_LOAD,PEAK_LA,12,0.5,1.5,10\r\n",
    "DA-LMP-SL-202605030100.csv": PLAIN.replace("\n", ",BAA\n")
    + "05/03/2026 01:00:00,05/03/2026 06:00:00,PEAK_LOAD,PEAK_LA,12.0000,0.5000,1.5000,10.0000,"
    "SWPW\n",
    "RePrice/DA-LMP-SL-202506010100.csv": PLAIN
    + "06/02/2025 00:00:00,06/02/2025 05:00:00,SPPNORTH_HUB,SPPNORTH_H,8.0000,1.0000,0.0000,"
    "7.0000\n",
}
REFUSED = {
    "empty.csv": ("", "is empty"),
    "DA-LMP-B-202506010100.csv": (
        PLAIN.replace("Settlement Location,", "")
        + "06/01/2025 01:00:00,06/01/2025 06:00:00,A_BUS,1.0000,0.0000,0.0000,1.0000\n",
        "is called as files of spp/da-lmp-b are: move it to that folder",
    ),
    "RTBM-LMP-DAILY-SL-20250601.csv": (
        "Interval,GMT Interval,Settlement Location Name,PNODE Name,LMP,MLC,MCC,MEC\n"
        "06/01/2025 00:05:00,06/01/2025 05:05:00,A_LOAD,A_LA,1.0000,0.0000,0.0000,1.0000\n",
        "line 1 is the header of spp/rtbm-lmp-daily-sl: move it to that folder",
    ),
    "RTBM-LMP-SL-202406010200.csv": (
        PLAIN + "06/01/2024 02:00:00,06/01/2024 07:00:00,A_LOAD,A_LA,1.0000,0.0000,0.0000,1.0000\n",
        "is called as files of spp/rtbm-lmp-sl are: move it to that folder",
    ),
    "weis.csv": (
        PLAIN.replace("Settlement Location", "Settlement Location Name")
        + "06/01/2024 02:00:00,06/01/2024 07:00:00,A_LOAD,A_LA,1.0000,0.0000,0.0000,1.0000\n",
        "is another report (it has Settlement Location Name and no Settlement Location in line 1)",
    ),
    # The stamp of the second line is none of the day-ahead market: so is no price of the file.
    "june.csv": (
        PLAIN + "06/01/2024 01:00:00,06/01/2024 06:00:00,A_LOAD,A_LA,1.0000,0.0000,0.0000,1.0000\n"
        "06/01/2024 01:05:00,06/01/2024 06:05:00,A_LOAD,A_LA,1.0000,0.0000,0.0000,1.0000\n",
        "is another report: it has stamps off the hour (GMTIntervalEnd 2024-06-01 06:05:00): move"
        " it to spp/rtbm-lmp-sl",
    ),
    "error.csv": ("<html><body>Not found</body></html>\n", "web page"),
}
# By year: a file with a row that can't be right, and what is said of its line.
REJECTED = {
    2018: (
        "DA-LMP-SL-201806010100.csv",
        WITH_BAA
        + "06/01/2018 01:00:00,06/01/2018 06:00:00,SPP,EAST,EAST_LA,1.0000,0.0000,0.0000,1.0000\n"
        "06/01/2018 01:00:00,06/01/2018 06:00:00,SPP,BOTH,BOTH_LA,1.0000,0.0000,0.0000,1.0000\n"
        "06/01/2018 01:00:00,06/01/2018 06:00:00,SWPW,BOTH,BOTH_LA,2.0000,0.0000,0.0000,2.0000\n"
        "06/01/2018 01:00:00,06/01/2018 06:00:00,SWPW,WEST,WEST_LA,2.0000,0.0000,0.0000,2.0000\n",
        "line 3: Settlement Location in two balancing areas in this hour",
    ),
}


@pytest.fixture(scope="module")
def by_hand(tmp_path_factory: pytest.TempPathFactory) -> Published:
    """Publish good and bad files together."""
    folder = tmp_path_factory.mktemp("by_hand")
    contents = GOOD | {name: text for name, (text, _) in REFUSED.items()}
    contents |= {name: text for name, text, _ in REJECTED.values()}
    for name, text in contents.items():
        path = folder / "raw" / REPORT / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
    return publish(folder)


@pytest.fixture(scope="module")
def allowed(by_hand: Published) -> Published:
    """Publish what is sound in the bad files too."""
    return publish(by_hand.raw.parent, "--allow-rejects")


def test_each_header_and_both_ways_to_print_are_read(by_hand: Published) -> None:
    rows = query(
        """
        select
            datetime_utc, datetime_local, settlement_location_id, settlement_location_type, zone,
            lmp_total, lmp_energy, lmp_congestion, lmp_loss, system_lambda, dst_flag, data_source
        from read_parquet($1)
        order by all
        """,
        [by_hand.year_file(2025), by_hand.year_file(2026)],
    )
    expected = [
        ((2025, 6, 1, 5), "SPPNORTH_HUB", "HUB", None, (-3.25, 10.5, -14, 0.25), "202506010100"),
        ((2025, 6, 2, 4), "SPPNORTH_HUB", "HUB", None, (8, 7, 0, 1), "202506010100"),
        ((2026, 5, 1, 5), "ERCOTN", "INTERFACE", "SPP", (11.794, 10.5, 1, 0.294), "202605010100"),
        ((2026, 5, 2, 4), "LAP_HUB", "HUB", "SWPW", (7, 7, 0, 0), "202605010100"),
        ((2026, 5, 2, 5), "PEAK_LOAD", "NODE", "SWPW", (12, 10, 1.5, 0.5), "202605020100"),
        ((2026, 5, 3, 5), "PEAK_LOAD", "NODE", "SWPW", (12, 10, 1.5, 0.5), "202605030100"),
    ]
    assert [(row[0], row[1], *row[2:5], row[5:9], *row[9:11]) for row in rows] == [
        (
            datetime(*utc, tzinfo=UTC),
            datetime(*utc) - timedelta(hours=5),
            *place,
            prices,
            prices[1],
            "Y",
        )
        for utc, *place, prices, _ in expected
    ]
    assert [Path(row[-1]).stem for row in rows] == [f"DA-LMP-SL-{stem}" for *_, stem in expected]


def test_a_corrected_price_in_a_later_path_stands_and_is_counted(by_hand: Published) -> None:
    name = "DA-LMP-SL-202506010100.csv"
    assert query(
        "select lmp_total, data_source from read_parquet($1) where lmp_energy = 7",
        by_hand.year_file(2025),
    ) == [(8.0, f"{REPORT}/RePrice/{name}")]
    assert accounts(by_hand, name) == {
        (name, "parsed"): 2,
        (name, "published"): 1,
        (name, "superseded"): 1,
    }


@pytest.mark.parametrize("name", REFUSED)
def test_a_file_that_is_no_such_report_is_refused_by_what_it_is(
    by_hand: Published, name: str
) -> None:
    reasons = {entry["file"]: entry["reason"] for entry in status(by_hand.out)["refused"]}
    assert set(reasons) == {f"{REPORT}/{refused}" for refused in REFUSED}
    assert REFUSED[name][1] in reasons[f"{REPORT}/{name}"]


@pytest.mark.parametrize("year", REJECTED)
def test_a_row_that_cannot_be_right_stops_its_year(by_hand: Published, year: int) -> None:
    name, _, reason = REJECTED[year]
    assert by_hand.ran.exit_code == 1
    reasons = [
        entry["reason"] for entry in status(by_hand.out)["unpublished"] if entry["year"] == year
    ]
    assert any(found.startswith(f"{REPORT}/{name} {reason}") for found in reasons), reasons
    assert not Path(by_hand.year_file(year)).exists()


def test_of_a_name_in_two_areas_neither_price_is_published(allowed: Published) -> None:
    assert allowed.ran.exit_code == 3, allowed.ran.stderr
    assert query(
        "select settlement_location, zone, lmp_total from read_parquet($1) order by all",
        allowed.year_file(2018),
    ) == [("EAST", "SPP", 1.0), ("WEST", "SWPW", 2.0)]
    name, _, _ = REJECTED[2018]
    assert accounts(allowed, name) == {
        (name, "parsed"): 4,
        (name, "published"): 2,
        (name, "rejected"): 2,
    }


def test_of_a_file_of_another_market_no_price_is_published(allowed: Published) -> None:
    assert not Path(allowed.year_file(2024)).exists()


# --- Real files -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Published:
    """Publish the real files."""
    if not REAL_FILES.is_dir():
        pytest.skip("no real files beside the repository (shared/samples)")
    folder = tmp_path_factory.mktemp("real")
    shutil.copytree(REAL_FILES, folder / "raw" / REPORT, copy_function=shutil.copyfile)
    for path in (folder / "raw").rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    return publish(folder)


def test_real_files_are_published_line_by_line(real: Published) -> None:
    assert real.ran.exit_code == 0, real.ran.stderr
    printed = {}
    for path in sorted((real.raw / REPORT).rglob("*.csv")):
        for row in read_rows(path):
            end = datetime.strptime(row["GMTIntervalEnd"], "%m/%d/%Y %H:%M:%S")
            key = (end.replace(tzinfo=UTC) - timedelta(hours=1), row["Settlement Location"])
            assert key not in printed
            prices = (float(row[name]) for name in ("LMP", "MEC", "MCC", "MLC"))
            printed[key] = (row.get("BAA"), *prices, path.relative_to(real.raw).as_posix())
    found = {
        tuple(row[:2]): tuple(row[2:])
        for row in query(
            """
            select
                datetime_utc, settlement_location, zone, lmp_total, lmp_energy, lmp_congestion,
                lmp_loss, data_source
            from read_parquet($1)
            """,
            [real.year_file(2025), real.year_file(2026)],
        )
    }
    assert found == printed
    assert len(found) == 1234 * 24 + 24 + 12


def test_real_hubs_and_interfaces_are_found(real: Published) -> None:
    counts = query(
        """
        select settlement_location_type, count(distinct settlement_location)
        from read_parquet($1)
        where delivery_date = date '2025-03-19'
        group by all
        order by all
        """,
        real.year_file(2025),
    )
    assert counts == [("HUB", 2), ("INTERFACE", 23), ("NODE", 1209)]


@pytest.mark.parametrize("files", ["generated", "real"])
def test_no_energy_price_differs_within_its_area(
    request: pytest.FixtureRequest, files: str
) -> None:
    published: Published = request.getfixturevalue(files)
    assert [line for line in published.ran.says if "Energy, one number" in line] == []
