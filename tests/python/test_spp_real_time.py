"""SPP's real-time prices and their hourly means: generated, written by hand, and real."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from building import (
    ENERGY_COLUMNS,
    SAMPLES,
    Ran,
    build,
    file_states,
    query,
    read_rows,
    run_dbt,
    status,
    work_database,
)
from unified_iso.sample import SampleOptions, write_sample

pytestmark = pytest.mark.builds

BY_INTERVAL, BY_DAY = "rtbm-lmp-sl", "rtbm-lmp-daily-sl"
PRICES, MEANS = "rt_energy_5min", "rt_energy_hourly"
REAL_FILES = SAMPLES / "spp" / BY_INTERVAL


@dataclass(frozen=True)
class Published:
    """A raw folder, what a build of it said, and where it was published."""

    raw: Path
    out: Path
    ran: Ran

    def rows(self, dataset: str, select: str, year: int) -> list[tuple[Any, ...]]:
        path = self.out / f"parquet/spp/{dataset}/{dataset}_{year}.parquet"
        return query(f"select {select} from read_parquet($1) order by all", str(path))

    def accounts(self, dataset: str, source: str) -> set[tuple[str, str | None, int]]:
        """Return the terms of the files whose names match, with reasons and rows."""
        with work_database(self.out) as con:
            rows = con.execute(
                """
                select term, reason, sum(rows)::bigint
                from inventory.accounts
                where model = $1 and data_source like $2
                group by all
                """,
                [f"spp_{dataset}", source],
            ).fetchall()
        return set(rows)


def publish(folder: Path, *options: str) -> Published:
    raw, out = folder / "raw", folder / "out"
    return Published(raw, out, build(raw, out, "spp", *options, check=None))


# --- Generated files ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Case:
    """Days of a sample; the first one and every second one come by interval too."""

    start: date
    days: int
    packaging: str = "csv"


CASES = {
    "turn of the year, zipped": Case(date(2022, 12, 31), 2, "zip"),
    "spring": Case(date(2025, 3, 9), 1),
    "fall": Case(date(2025, 11, 1), 3, "csv.gz"),
    "the west joins": Case(date(2026, 3, 31), 2),
}
# Intervals of the days that have not 288 of them.
LENGTHS = {date(2025, 3, 9): 276, date(2025, 11, 2): 300}


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Published:
    """Publish all cases at once."""
    folder = tmp_path_factory.mktemp("real_time")
    for name, case in CASES.items():
        options = SampleOptions(packaging=case.packaging, reports=(BY_INTERVAL, BY_DAY))
        write_sample(
            folder / name,
            isos=["spp"],
            start=case.start,
            days=case.days,
            nodes=4,
            options=options,
        )
        shutil.copytree(folder / name / "spp", folder / "raw" / "spp", dirs_exist_ok=True)
    published = publish(folder)
    run_dbt(published.raw, published.out, "compile", "--select", f"spp_{PRICES}", f"spp_{MEANS}")
    return published


def test_all_that_is_generated_is_published(generated: Published) -> None:
    assert generated.ran.exit_code == 0, generated.ran.stderr
    years = {(entry["dataset"], entry["year"]) for entry in status(generated.out)["datasets"]}
    assert years == {(name, year) for name in (PRICES, MEANS) for year in (2022, 2023, 2025, 2026)}


@pytest.mark.parametrize("dataset", [PRICES, MEANS])
def test_rows_are_those_of_the_truth(generated: Published, dataset: str) -> None:
    columns = ", ".join(ENERGY_COLUMNS)
    truth = [
        str(generated.raw.parent / name / "truth" / "spp" / f"{dataset}.parquet") for name in CASES
    ]
    with duckdb.connect() as con:
        con.execute("set TimeZone = 'UTC'")
        found = generated.out / f"parquet/spp/{dataset}/*.parquet"
        con.execute(f"create table truth as select {columns} from read_parquet({truth})")
        con.execute(f"create table found as select {columns} from read_parquet('{found}')")
        assert con.execute("from truth except all from found").fetchall() == []
        assert con.execute("from found except all from truth").fetchall() == []
        counts = con.execute("select count(*) from truth").fetchone()
    # Four locations, and three of the west on 1 April 2026.
    intervals = 4 * (2 * 288 + 276 + 288 + 300 + 288 + 288) + 7 * 288
    assert counts == (intervals // 12 if dataset == MEANS else intervals,)


@pytest.mark.parametrize("day", LENGTHS)
def test_a_local_day_has_the_intervals_that_its_clock_shows(
    generated: Published, day: date
) -> None:
    for dataset, count in ((PRICES, LENGTHS[day]), (MEANS, LENGTHS[day] // 12)):
        path = generated.out / f"parquet/spp/{dataset}/{dataset}_{day.year}.parquet"
        rows = query(
            """
            select
                count(distinct datetime_utc), count(distinct (datetime_local, dst_flag)),
                count(*) // count(distinct settlement_location_id), min(datetime_local)
            from read_parquet($1)
            where delivery_date = $2
            """,
            str(path),
            day,
        )
        assert rows == [(count, count, count, datetime(day.year, day.month, day.day))]


@pytest.mark.parametrize("dataset", [f"spp_{PRICES}", f"spp_{MEANS}"])
def test_plain_sql_gives_the_rows_that_are_published(generated: Published, dataset: str) -> None:
    compiled = generated.out / "target/compiled/unified_iso/models/unified" / f"{dataset}.sql"
    name = dataset.removeprefix("spp_")
    with work_database(generated.out) as con:
        con.execute("set TimeZone = 'UTC'")
        found = con.execute(compiled.read_text()).fetchall()
    folder = generated.out / f"parquet/spp/{name}"
    published = query(
        "select * from read_parquet($1) order by datetime_utc, settlement_location",
        f"{folder}/*.parquet",
    )
    assert found == published
    assert found


# --- Files written by hand ------------------------------------------------------------------------

HEADER = "Interval,GMTIntervalEnd,Settlement Location,Pnode,LMP,MLC,MCC,MEC\n"
OF_DAY = "Interval, GMT Interval, Settlement Location Name, PNODE Name, LMP, MLC, MCC, MEC\n"


def line(end: datetime, name: str, price: float, hours_behind: int = 5) -> str:
    """A price that is all energy; `end` is in UTC."""
    stamp = "%m/%d/%Y %H:%M:%S"
    local = end - timedelta(hours=hours_behind)
    return f"{local:{stamp}},{end:{stamp}},{name},{name}_P,{price:.4f},0.0000,0.0000,{price:.4f}\n"


def ends(first: datetime, count: int) -> Iterator[datetime]:
    return (first + timedelta(minutes=5 * number) for number in range(count))


def write(raw: Path, name: str, text: str) -> Path:
    path = raw / "spp" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def write_interval(raw: Path, end: datetime, *lines: str, hours_behind: int = 5) -> Path:
    local = end - timedelta(hours=hours_behind)
    return write(raw, f"{BY_INTERVAL}/RTBM-LMP-SL-{local:%Y%m%d%H%M}.csv", HEADER + "".join(lines))


@pytest.fixture(scope="module")
def by_hand(tmp_path_factory: pytest.TempPathFactory) -> Published:
    """Hours of 1 June 2025 with and without gaps, in both reports, and files that are none."""
    folder = tmp_path_factory.mktemp("by_hand")
    raw = folder / "raw"
    # A has a whole hour from 08:00 local; of B one file lacks the price.
    for number, end in enumerate(ends(datetime(2025, 6, 1, 13, 5), 12)):
        of_b = [] if number == 4 else [line(end, "B", 10 + number)]
        write_interval(raw, end, line(end, "A", 20 + number), *of_b)
    # By day the hour from 09:00, and again one price of the hour before, of another value.
    day = [line(end, "A", 40) for end in ends(datetime(2025, 6, 1, 14, 5), 12)]
    day += [
        line(datetime(2025, 6, 1, 13, 10), "A", 99),
        line(datetime(2025, 6, 1, 13, 15), "A", 22),
    ]
    write(raw, f"{BY_DAY}/RTBM-LMP-DAILY-SL-20250601.csv", OF_DAY + "".join(day))
    # The last interval of a day stands in a file of the next one.
    write_interval(raw, datetime(2025, 6, 2, 5), line(datetime(2025, 6, 2, 5), "A", 50))
    # Both passes of the repeated hour, with one file name twice but for its last letter.
    for hours_behind, first, suffix in (
        (5, datetime(2025, 11, 2, 6, 5), ""),
        (6, datetime(2025, 11, 2, 7, 5), "d"),
    ):
        for end in ends(first, 12):
            path = write_interval(
                raw, end, line(end, "A", 60 + hours_behind, hours_behind), hours_behind=hours_behind
            )
            path.rename(path.with_name(f"again{suffix}-{path.stem}{suffix}.csv"))
    hours = [datetime(2025, 7, 1, hour) for hour in (13, 14, 15)]
    write(raw, f"{BY_INTERVAL}/july.csv", HEADER + "".join(line(end, "A", 1) for end in hours))
    write(raw, f"{BY_INTERVAL}/RTBM-LMP-SL-202507020005.csv", "")
    for report, name, header in (
        (BY_INTERVAL, "WEIS-RTBM-LMP-SL-202507030005.csv", HEADER),
        (BY_DAY, "WEIS-RTBM-LMP-DAILY-SL-20250703.csv", OF_DAY),
        (BY_INTERVAL, "DA-LMP-SL-202507030100.csv", HEADER),
    ):
        write(raw, f"{report}/{name}", header + line(datetime(2025, 7, 3, 5, 5), "A", 1))
    return publish(folder)


def test_an_hour_is_published_where_a_location_has_all_its_intervals(by_hand: Published) -> None:
    assert by_hand.ran.exit_code == 3, by_hand.ran.stderr
    found = by_hand.rows(
        MEANS,
        "datetime_utc, settlement_location_id, lmp_total, lmp_energy, dst_flag, delivery_hour,"
        " parse_filename(data_source)",
        2025,
    )
    assert found == [
        # 20 to 31 $/MWh.
        (utc(2025, 6, 1, 13), "A", 25.5, 25.5, "Y", 9, "RTBM-LMP-SL-202506010900.csv"),
        (utc(2025, 6, 1, 14), "A", 40.0, 40.0, "Y", 10, "RTBM-LMP-DAILY-SL-20250601.csv"),
        (utc(2025, 11, 2, 6), "A", 65.0, 65.0, "Y", 2, "again-RTBM-LMP-SL-202511020200.csv"),
        (utc(2025, 11, 2, 7), "A", 66.0, 66.0, "N", 2, "againd-RTBM-LMP-SL-202511020200d.csv"),
    ]


def utc(*time: int) -> datetime:
    return datetime(*time, tzinfo=UTC)


def test_an_interval_in_both_reports_has_one_row(by_hand: Published) -> None:
    rows = by_hand.rows(
        PRICES, "datetime_utc, lmp_total, data_source, settlement_location_id", 2025
    )
    assert [row[:3] for row in rows if row[3] == "A" and row[0] < utc(2025, 6, 1, 13, 15)] == [
        (
            utc(2025, 6, 1, 13, minute),
            price,
            f"spp/{BY_INTERVAL}/RTBM-LMP-SL-202506010{805 + minute}.csv",
        )
        for minute, price in ((0, 20.0), (5, 21.0), (10, 22.0))
    ]
    assert any("unequal" in text or "tells which" in text for text in by_hand.ran.says)


def test_the_last_interval_of_a_day_is_of_that_day(by_hand: Published) -> None:
    [row] = [
        row
        for row in by_hand.rows(PRICES, "lmp_total, datetime_local, delivery_hour", 2025)
        if row[0] == 50
    ]
    assert row == (50.0, datetime(2025, 6, 1, 23, 55), 24)


def test_each_row_of_a_file_is_accounted_for_in_the_means(by_hand: Published) -> None:
    def means(name: str) -> set[tuple[str, str | None, int]]:
        return by_hand.accounts(MEANS, f"%/{name}.csv")

    lacking = ("filtered", "its hour lacks intervals")
    assert means("RTBM-LMP-SL-202506010805") == {
        ("parsed", None, 2),
        ("merged", "averaged into their hour", 1),
        (*lacking, 1),
    }
    assert means("RTBM-LMP-SL-202506010900") == {
        ("parsed", None, 2),
        ("published", None, 1),
        (*lacking, 1),
    }
    assert means("RTBM-LMP-DAILY-SL-20250601") == {
        ("parsed", None, 14),
        ("published", None, 1),
        ("merged", "averaged into their hour", 11),
        ("merged", "equal to the published row", 1),
        ("superseded", "unequal, no version tells which is right", 1),
    }
    assert means("RTBM-LMP-SL-202506020000") == {("parsed", None, 1), (*lacking, 1)}


def test_a_file_that_is_no_such_report_is_refused_by_what_it_is(by_hand: Published) -> None:
    reasons = {entry["file"]: entry["reason"] for entry in status(by_hand.out)["refused"]}
    weis = "is called as files of spp/weis-rtbm-lmp-sl are"
    expected = {
        f"spp/{BY_INTERVAL}/july.csv": "is another report: all its stamps are on the hour"
        " (GMTIntervalEnd 2025-07-01 13:00:00 is the first): move it to spp/da-lmp-sl",
        f"spp/{BY_INTERVAL}/RTBM-LMP-SL-202507020005.csv": "is empty",
        f"spp/{BY_INTERVAL}/WEIS-RTBM-LMP-SL-202507030005.csv": weis,
        f"spp/{BY_DAY}/WEIS-RTBM-LMP-DAILY-SL-20250703.csv": weis,
        f"spp/{BY_INTERVAL}/DA-LMP-SL-202507030100.csv": "is called as files of spp/da-lmp-sl are",
    }
    assert reasons.keys() == expected.keys()
    for name, reason in expected.items():
        assert reason in reasons[name]


GRIDSTATUS = "Interval Start,Interval End,Market,Location,Location Type,LMP,Energy,Congestion,Loss"


def gridstatus_line(end: datetime, name: str, price: float) -> str:
    local = end - timedelta(hours=5)
    start, stop = (f"{at:%Y-%m-%d %H:%M}:00-05:00" for at in (local - timedelta(minutes=5), local))
    return f"{start},{stop},REAL_TIME_5_MIN,{name},Hub,{price},{price},0.0,0.0\n"


def test_a_file_that_comes_later_completes_its_hour_alone(tmp_path: Path) -> None:
    """It is one of gridstatus, whose prices stand where SPP's own reports have none."""
    raw = tmp_path / "raw"
    of_hour = list(ends(datetime(2025, 6, 1, 13, 5), 12))
    for end in of_hour[:-1]:
        write_interval(raw, end, line(end, "A", 20))
    for end in ends(datetime(2024, 6, 1, 13, 5), 12):
        write_interval(raw, end, line(end, "A", 30))
    first = publish(tmp_path)
    assert first.ran.exit_code == 0, first.ran.stderr
    assert {(e["dataset"], e["year"]) for e in status(first.out)["datasets"]} == {
        *((PRICES, 2024), (PRICES, 2025), (MEANS, 2024))
    }
    before = file_states(first.out)
    rows = [gridstatus_line(of_hour[0], "A", 99), gridstatus_line(of_hour[-1], "A", 32)]
    write(raw, "gridstatus_lmp/june.csv", f"{GRIDSTATUS}\n" + "".join(rows))
    second = publish(tmp_path)
    assert second.ran.exit_code == 0, second.ran.stderr
    assert second.rows(MEANS, "datetime_utc, lmp_total, data_source", 2025) == [
        (utc(2025, 6, 1, 13), 21.0, "spp/gridstatus_lmp/june.csv")
    ]
    assert second.accounts(MEANS, "spp/gridstatus_lmp/june.csv") == {
        ("parsed", None, 2),
        ("published", None, 1),
        ("superseded", "unequal, no version tells which is right", 1),
    }
    changed = {
        Path(name).stem
        for name, state in file_states(second.out).items()
        if before.get(name) != state and name.endswith(".parquet")
    }
    assert changed == {f"{PRICES}_2025", f"{MEANS}_2025"}
    (raw / "spp" / BY_INTERVAL / "RTBM-LMP-SL-202506010820.csv").unlink()
    third = publish(tmp_path, "--prune")
    assert not (third.out / f"parquet/spp/{MEANS}/{MEANS}_2025.parquet").exists()
    assert len(third.rows(PRICES, "datetime_utc", 2025)) == 11


def test_a_wrong_price_that_the_mean_hides_stops_its_hours_too(tmp_path: Path) -> None:
    """Parts of one price of twelve are 0.0006 $/MWh off, which is 0.00005 in the mean."""
    raw = tmp_path / "raw"
    for year, total in ((2024, 20.0006), (2025, 20.0)):
        for number, end in enumerate(ends(datetime(year, 6, 1, 13, 5), 12)):
            text = line(end, "A", 20)
            if number == 5:
                text = text.replace(",A_P,20.0000", f",A_P,{total:.4f}")
            write_interval(raw, end, text)
    published = publish(tmp_path)
    assert published.ran.exit_code == 1
    reasons = {
        (entry["model"], entry["year"]): entry["reason"]
        for entry in status(published.out)["unpublished"]
    }
    assert reasons.keys() == {(f"spp_{PRICES}", 2024), (f"spp_{MEANS}", 2024)}
    assert reasons[f"spp_{MEANS}", 2024] == (
        "it is made of spp_rt_energy_5min, of which this year is not published"
    )
    assert published.rows(MEANS, "lmp_total", 2025) == [(20.0,)]


# --- Real files -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Published:
    """Publish the real files."""
    if not REAL_FILES.is_dir():
        pytest.skip("no real files beside the repository (shared/samples)")
    folder = tmp_path_factory.mktemp("real")
    shutil.copytree(REAL_FILES, folder / "raw" / "spp" / BY_INTERVAL, copy_function=shutil.copyfile)
    for path in (folder / "raw").rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    return publish(folder)


def test_real_files_are_published_line_by_line(real: Published) -> None:
    assert real.ran.exit_code == 0, real.ran.stderr
    printed = set()
    for path in sorted((real.raw / "spp").rglob("*.csv")):
        for row in read_rows(path):
            end = datetime.strptime(row["GMTIntervalEnd"], "%m/%d/%Y %H:%M:%S")
            prices = (float(row[name]) for name in ("LMP", "MEC", "MCC", "MLC"))
            start = end.replace(tzinfo=UTC) - timedelta(minutes=5)
            source = path.relative_to(real.raw).as_posix()
            printed.add((start, row["Settlement Location"], *prices, source))
    columns = (
        "datetime_utc, settlement_location, lmp_total, lmp_energy, lmp_congestion, lmp_loss,"
        " data_source"
    )
    found = real.rows(PRICES, columns, 2025)
    assert set(found) == printed
    assert len(found) == len(printed) == 2 * 1234


def test_real_files_of_two_intervals_make_no_hour(real: Published) -> None:
    assert not (real.out / "parquet" / "spp" / MEANS).exists()
    assert [line for line in real.ran.says if "Energy, one number" in line] == []
