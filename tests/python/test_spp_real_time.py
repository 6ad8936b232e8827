"""SPP's real-time prices and their hourly means: generated, written by hand, and real."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
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
from unified_iso.sample import Packaging, SampleOptions, write_sample

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
    packaging: Packaging = "csv"


CASES = {
    "turn of the year, zipped": Case(date(2022, 12, 31), 2, "zip"),
    "spring": Case(date(2020, 3, 8), 1),
    "fall": Case(date(2020, 10, 31), 3, "csv.gz"),
    "the west joins": Case(date(2026, 3, 31), 2),
}
# Intervals of the days that have not 288 of them.
LENGTHS = {date(2020, 3, 8): 276, date(2020, 11, 1): 300}


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
    assert years == {(name, year) for name in (PRICES, MEANS) for year in (2020, 2022, 2023, 2026)}


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
    """Publish what is written by hand, with the real files: each has years of its own."""
    folder = tmp_path_factory.mktemp("by_hand")
    raw = folder / "raw"
    write_hours(raw)
    write_wrong_price(raw)
    write_hour_to_complete(raw)
    if REAL_FILES.is_dir():
        shutil.copytree(
            REAL_FILES,
            raw / "spp" / BY_INTERVAL,
            copy_function=shutil.copyfile,
            dirs_exist_ok=True,
        )
    published = publish(folder)
    # The output folder goes on to change in the story below.
    shutil.copytree(published.out, folder / "kept")
    return replace(published, out=folder / "kept")


def write_hours(raw: Path) -> None:
    """Hours of 1 June 2014 with and without gaps, in both reports, and files that are none."""
    # A has a whole hour from 08:00 local; of B one file lacks the price.
    for number, end in enumerate(ends(datetime(2014, 6, 1, 13, 5), 12)):
        of_b = [] if number == 4 else [line(end, "B", 10 + number)]
        write_interval(raw, end, line(end, "A", 20 + number), *of_b)
    # By day the hour from 09:00, and again one price of the hour before, of another value.
    day = [line(end, "A", 40) for end in ends(datetime(2014, 6, 1, 14, 5), 12)]
    day += [
        line(datetime(2014, 6, 1, 13, 10), "A", 99),
        line(datetime(2014, 6, 1, 13, 15), "A", 22),
    ]
    write(raw, f"{BY_DAY}/RTBM-LMP-DAILY-SL-20140601.csv", OF_DAY + "".join(day))
    # The last interval of a day stands in a file of the next one.
    write_interval(raw, datetime(2014, 6, 2, 5), line(datetime(2014, 6, 2, 5), "A", 50))
    # Both passes of the repeated hour, with one file name twice but for its last letter.
    for hours_behind, first, suffix in (
        (5, datetime(2014, 11, 2, 6, 5), ""),
        (6, datetime(2014, 11, 2, 7, 5), "d"),
    ):
        for end in ends(first, 12):
            path = write_interval(
                raw, end, line(end, "A", 60 + hours_behind, hours_behind), hours_behind=hours_behind
            )
            path.rename(path.with_name(f"again{suffix}-{path.stem}{suffix}.csv"))
    hours = [datetime(2014, 7, 1, hour) for hour in (13, 14, 15)]
    write(raw, f"{BY_INTERVAL}/july.csv", HEADER + "".join(line(end, "A", 1) for end in hours))
    write(raw, f"{BY_INTERVAL}/RTBM-LMP-SL-201407020005.csv", "")
    for report, name, header in (
        (BY_INTERVAL, "WEIS-RTBM-LMP-SL-201407030005.csv", HEADER),
        (BY_DAY, "WEIS-RTBM-LMP-DAILY-SL-20140703.csv", OF_DAY),
        (BY_INTERVAL, "DA-LMP-SL-201407030100.csv", HEADER),
    ):
        write(raw, f"{report}/{name}", header + line(datetime(2014, 7, 3, 5, 5), "A", 1))


def test_nothing_else_is_left_out(by_hand: Published) -> None:
    told = status(by_hand.out)
    assert {entry["year"] for entry in told["unpublished"]} == {WRONG}
    assert told["rejected"] == []


def test_an_hour_is_published_where_a_location_has_all_its_intervals(by_hand: Published) -> None:
    found = by_hand.rows(
        MEANS,
        "datetime_utc, settlement_location_id, lmp_total, lmp_energy, dst_flag, delivery_hour,"
        " parse_filename(data_source)",
        2014,
    )
    assert found == [
        # 20 to 31 $/MWh.
        (utc(2014, 6, 1, 13), "A", 25.5, 25.5, "Y", 9, "RTBM-LMP-SL-201406010900.csv"),
        (utc(2014, 6, 1, 14), "A", 40.0, 40.0, "Y", 10, "RTBM-LMP-DAILY-SL-20140601.csv"),
        (utc(2014, 11, 2, 6), "A", 65.0, 65.0, "Y", 2, "again-RTBM-LMP-SL-201411020200.csv"),
        (utc(2014, 11, 2, 7), "A", 66.0, 66.0, "N", 2, "againd-RTBM-LMP-SL-201411020200d.csv"),
    ]


def utc(year: int, month: int, day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=UTC)


def test_an_interval_in_both_reports_has_one_row(by_hand: Published) -> None:
    rows = by_hand.rows(
        PRICES, "datetime_utc, lmp_total, data_source, settlement_location_id", 2014
    )
    assert [row[:3] for row in rows if row[3] == "A" and row[0] < utc(2014, 6, 1, 13, 15)] == [
        (
            utc(2014, 6, 1, 13, minute),
            price,
            f"spp/{BY_INTERVAL}/RTBM-LMP-SL-201406010{805 + minute}.csv",
        )
        for minute, price in ((0, 20.0), (5, 21.0), (10, 22.0))
    ]
    assert any("unequal" in text or "tells which" in text for text in by_hand.ran.says)


def test_the_last_interval_of_a_day_is_of_that_day(by_hand: Published) -> None:
    [row] = [
        row
        for row in by_hand.rows(PRICES, "lmp_total, datetime_local, delivery_hour", 2014)
        if row[0] == 50
    ]
    assert row == (50.0, datetime(2014, 6, 1, 23, 55), 24)


def test_each_row_of_a_file_is_accounted_for_in_the_means(by_hand: Published) -> None:
    def means(name: str) -> set[tuple[str, str | None, int]]:
        return by_hand.accounts(MEANS, f"%/{name}.csv")

    lacking = ("filtered", "its hour lacks intervals")
    assert means("RTBM-LMP-SL-201406010805") == {
        ("parsed", None, 2),
        ("merged", "averaged into their hour", 1),
        (*lacking, 1),
    }
    assert means("RTBM-LMP-SL-201406010900") == {
        ("parsed", None, 2),
        ("published", None, 1),
        (*lacking, 1),
    }
    assert means("RTBM-LMP-DAILY-SL-20140601") == {
        ("parsed", None, 14),
        ("published", None, 1),
        ("merged", "averaged into their hour", 11),
        ("merged", "equal to the published row", 1),
        ("superseded", "unequal, no version tells which is right", 1),
    }
    assert means("RTBM-LMP-SL-201406020000") == {("parsed", None, 1), (*lacking, 1)}


def test_a_file_that_is_no_such_report_is_refused_by_what_it_is(by_hand: Published) -> None:
    reasons = {entry["file"]: entry["reason"] for entry in status(by_hand.out)["refused"]}
    weis = "is called as files of spp/weis-rtbm-lmp-sl are"
    expected = {
        f"spp/{BY_INTERVAL}/july.csv": "is another report: all its stamps are on the hour"
        " (GMTIntervalEnd 2014-07-01 13:00:00 is the first): move it to spp/da-lmp-sl",
        f"spp/{BY_INTERVAL}/RTBM-LMP-SL-201407020005.csv": "is empty",
        f"spp/{BY_INTERVAL}/WEIS-RTBM-LMP-SL-201407030005.csv": weis,
        f"spp/{BY_DAY}/WEIS-RTBM-LMP-DAILY-SL-20140703.csv": weis,
        f"spp/{BY_INTERVAL}/DA-LMP-SL-201407030100.csv": "is called as files of spp/da-lmp-sl are",
    }
    assert reasons.keys() == expected.keys()
    for name, reason in expected.items():
        assert reason in reasons[name]


GRIDSTATUS = "Interval Start,Interval End,Market,Location,Location Type,LMP,Energy,Congestion,Loss"


def gridstatus_line(end: datetime, name: str, price: float) -> str:
    local = end - timedelta(hours=5)
    start, stop = (f"{at:%Y-%m-%d %H:%M}:00-05:00" for at in (local - timedelta(minutes=5), local))
    return f"{start},{stop},REAL_TIME_5_MIN,{name},Hub,{price},{price},0.0,0.0\n"


# Years of the hour that is completed later and of one beside it, and of a wrong and a sound price.
LATER, BESIDE = 2017, 2016
WRONG, SOUND = 2018, 2019


def write_hour_to_complete(raw: Path) -> None:
    """An hour that lacks its last interval, and one of another year that lacks none."""
    for year, count, price in ((LATER, 11, 20), (BESIDE, 12, 30)):
        for end in ends(datetime(year, 6, 1, 13, 5), count):
            write_interval(raw, end, line(end, "A", price))


def test_a_file_that_comes_later_completes_its_hour_alone(by_hand: Published) -> None:
    """It is one of gridstatus, whose prices stand where SPP's own reports have none."""
    raw, folder = by_hand.raw, by_hand.raw.parent
    told = status(by_hand.out)["datasets"]
    assert {(e["dataset"], e["year"]) for e in told if e["year"] in (LATER, BESIDE)} == {
        *((PRICES, BESIDE), (PRICES, LATER), (MEANS, BESIDE))
    }
    before = file_states(folder / "out")
    first, *_, last = ends(datetime(LATER, 6, 1, 13, 5), 12)
    rows = [gridstatus_line(first, "A", 99), gridstatus_line(last, "A", 32)]
    write(raw, "gridstatus_lmp/june.csv", f"{GRIDSTATUS}\n" + "".join(rows))
    second = publish(folder)
    assert second.rows(MEANS, "datetime_utc, lmp_total, data_source", LATER) == [
        (utc(LATER, 6, 1, 13), 21.0, "spp/gridstatus_lmp/june.csv")
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
    assert changed == {f"{PRICES}_{LATER}", f"{MEANS}_{LATER}"}
    (raw / "spp" / BY_INTERVAL / f"RTBM-LMP-SL-{LATER}06010820.csv").unlink()
    third = publish(folder, "--prune")
    assert not (third.out / f"parquet/spp/{MEANS}/{MEANS}_{LATER}.parquet").exists()
    assert len(third.rows(PRICES, "datetime_utc", LATER)) == 11


def write_wrong_price(raw: Path) -> None:
    for year, total in ((WRONG, 20.0006), (SOUND, 20.0)):
        for number, end in enumerate(ends(datetime(year, 6, 1, 13, 5), 12)):
            text = line(end, "A", 20)
            if number == 5:
                text = text.replace(",A_P,20.0000", f",A_P,{total:.4f}")
            write_interval(raw, end, text)


def test_a_wrong_price_that_the_mean_hides_stops_its_hours_too(by_hand: Published) -> None:
    """Parts of one price of twelve are 0.0006 $/MWh off, which is 0.00005 in the mean."""
    assert by_hand.ran.exit_code == 1
    reasons = {
        (entry["model"], entry["year"]): entry["reason"]
        for entry in status(by_hand.out)["unpublished"]
    }
    assert reasons.keys() == {(f"spp_{PRICES}", WRONG), (f"spp_{MEANS}", WRONG)}
    assert reasons[f"spp_{MEANS}", WRONG] == (
        "it is made of spp_rt_energy_5min, of which this year is not published"
    )
    assert by_hand.rows(MEANS, "lmp_total", SOUND) == [(20.0,)]


# --- Real files -----------------------------------------------------------------------------------


needs_samples = pytest.mark.skipif(
    not REAL_FILES.is_dir(), reason="no real files beside the repository (shared/samples)"
)


@pytest.fixture
def real(by_hand: Published) -> Published:
    return by_hand


@needs_samples
def test_real_files_are_published_line_by_line(real: Published) -> None:
    printed = set()
    for path in sorted(REAL_FILES.rglob("*.csv")):
        for row in read_rows(path):
            end = datetime.strptime(row["GMTIntervalEnd"], "%m/%d/%Y %H:%M:%S")
            prices = (float(row[name]) for name in ("LMP", "MEC", "MCC", "MLC"))
            start = end.replace(tzinfo=UTC) - timedelta(minutes=5)
            source = f"spp/{BY_INTERVAL}/{path.relative_to(REAL_FILES).as_posix()}"
            printed.add((start, row["Settlement Location"], *prices, source))
    columns = (
        "datetime_utc, settlement_location, lmp_total, lmp_energy, lmp_congestion, lmp_loss,"
        " data_source"
    )
    found = real.rows(PRICES, columns, 2025)
    assert set(found) == printed
    assert len(found) == len(printed) == 2 * 1234


@needs_samples
def test_real_files_of_two_intervals_make_no_hour(real: Published) -> None:
    assert not (real.out / f"parquet/spp/{MEANS}/{MEANS}_2025.parquet").exists()
    with work_database(real.out) as con:
        years = con.execute(
            "select distinct delivery_year"
            f" from main_audit.energy_is_uniform_spp_{PRICES}_0_0002__zone"
        ).fetchall()
    # The prices of the hours that were written by hand are all energy, and differ.
    assert years == [(2014,)]
