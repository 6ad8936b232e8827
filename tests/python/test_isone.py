"""ISO-NE's prices: daily reports, five-minute files and workbooks in, what they say published."""

from __future__ import annotations

import csv
import gzip
import io
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from building import BAD_SAMPLES, SAMPLES, Ran, query, status, work_database
from building import build as run_build
from test_round_trip import assert_equals_truth
from unified_iso.sample import SampleOptions, write_sample
from unified_iso.sample._common import Packaging

pytestmark = pytest.mark.builds

DATASET = "isone_da_energy_hourly"
REAL_TIME, FIVE_MINUTE = "isone_rt_energy_hourly", "isone_rt_energy_5min"
DAILY = "isone/ww_dalmp_iso"
FINAL, PRELIMINARY = "isone/lmp_rt_final", "isone/lmp_rt_prelim"
FIVE_MINUTE_FILES = "isone/lmp_5min"
GRIDSTATUS = "isone/gridstatus_lmp"
WORKBOOK = "isone/smd_hourly"
# The folder of real files, below that of a report.
REAL = "real"
# Prices of which another report tells the names, later.
FIVE_MINUTES_TO_NAME = f"{FIVE_MINUTE_FILES}/lmp_5min_20210314_00-04.csv"
READ_FOR_NAMES = "filtered: joined to the prices for names and ids of locations"
FORCED = "the workbook of this year forces clock-change days into 24 rows"


@dataclass(frozen=True)
class Built:
    """A raw folder, with the truth of each year beside it, and what was published of it."""

    raw: Path
    out: Path
    ran: Ran

    def year_file(self, year: int, model: str = DATASET) -> Path:
        dataset = model.removeprefix("isone_")
        return self.out / "parquet/isone" / dataset / f"{dataset}_{year}.parquet"

    def truth(self, year: int, model: str = DATASET) -> Path:
        return self.raw.parent / truth_of(year, model)

    def counted(self, source: str, model: str = DATASET) -> dict[str, int]:
        """Rows of a raw file by term."""
        with work_database(self.out) as connection:
            rows = connection.execute(
                """
                select term, coalesce(': ' || reason, ''), sum(rows)::bigint
                from inventory.accounts
                where model = $1 and data_source = $2
                group by all
                """,
                [model, source],
            ).fetchall()
        return {term + reason: number for term, reason, number in rows}


def truth_of(when: object, model: str) -> str:
    """Name of the file beside a raw folder that says what has to be published."""
    return f"{model}_truth_{when}.parquet"


def build(raw: Path, out: Path, *options: str) -> Built:
    ran = run_build(raw, out, "isone", *options, check=None)
    return Built(raw, out, ran)


# Generated files: a case per year.


def write_year(folder: Path, starts: list[date], packaging: Packaging, *reports: str) -> None:
    """Add days from each start to the raw folder, and their truth beside it."""
    truths: dict[str, list[Path]] = {}
    for start in starts:
        options = SampleOptions(packaging=packaging, reports=reports)
        write_sample(folder / "raw", isos=["isone"], start=start, days=3, nodes=20, options=options)
        for path in sorted((folder / "raw/truth/isone").iterdir()):
            model = f"isone_{path.stem}"
            moved = path.rename(folder / truth_of(f"{start:%Y%m%d}", model))
            truths.setdefault(model, []).append(moved)
    for model, paths in truths.items():
        merge(paths, folder / truth_of(starts[0].year, model))
    shutil.rmtree(folder / "raw/truth")


def merge(truths: list[Path], into: Path, keep: str = "true") -> None:
    names = ", ".join(f"'{path}'" for path in truths)
    query(f"copy (from read_parquet([{names}]) where {keep}) to '{into}'")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    folder = tmp_path_factory.mktemp("isone")
    write_year(folder, [date(2025, 3, 8), date(2025, 11, 1)], "csv", "ww_dalmp_iso")
    write_year(folder, [date(2020, 10, 31)], "zip", "ww_dalmp_iso")
    write_year(folder, [date(2024, 3, 9)], "csv", "smd_hourly")
    write_year(folder, [date(2026, 10, 31)], "zip", "smd_hourly")
    write_year(folder, [date(2023, 3, 11)], "zip", "smd_hourly")
    write_year(folder, [date(2022, 11, 5)], "csv.gz", "smd_hourly")
    # Until 2015 sheets and columns have other names.
    write_year(folder, [date(2015, 3, 7)], "zip", "smd_hourly")
    write_year(folder, [date(2014, 11, 1)], "csv.gz", "smd_hourly")
    write_day_from_the_workbook(folder)
    write_real_time(folder)
    raw = folder / "raw"
    # "0" stands before "W": the copy is no better than the file it is a copy of.
    (raw / DAILY / "0").mkdir()
    name = "WW_DALMP_ISO_20251102.csv"
    shutil.copyfile(raw / DAILY / name, raw / DAILY / "0" / name)
    return build(raw, folder / "out")


def write_day_from_the_workbook(folder: Path) -> None:
    """Of three days of 2021 with both reports, the daily report of the second one is missing."""
    start, lost = date(2021, 6, 29), date(2021, 6, 30)
    write_year(folder, [start], "csv.gz", "smd_hourly")
    workbook = (folder / truth_of(2021, DATASET)).rename(folder / "workbook.parquet")
    write_year(folder, [start], "csv.gz", "ww_dalmp_iso")
    daily = (folder / truth_of(2021, DATASET)).rename(folder / "daily.parquet")
    (folder / "raw" / DAILY / f"WW_DALMP_ISO_{lost:%Y%m%d}.csv.gz").unlink()
    parts = [folder / "kept.parquet", folder / "filled.parquet"]
    merge([daily], parts[0], f"delivery_date <> date '{lost}'")
    merge([workbook], parts[1], f"delivery_date = date '{lost}'")
    merge(parts, folder / truth_of(2021, DATASET))


def write_real_time(folder: Path) -> None:
    """Years of real time: each report alone, and a day that has its preliminary prices only."""
    five_minute = ("lmp_5min", "ww_dalmp_iso")
    write_year(folder, [date(2019, 3, 9), date(2019, 11, 2)], "csv", *five_minute)
    write_year(folder, [date(2018, 11, 3)], "zip", "lmp_5min", "lmp_rt_final")
    write_year(folder, [date(2017, 3, 11), date(2017, 11, 4)], "csv", "lmp_rt_prelim")
    start, lost = date(2016, 11, 5), date(2016, 11, 6)
    write_year(folder, [start], "csv", "lmp_rt_prelim")
    preliminary = (folder / truth_of(2016, REAL_TIME)).rename(folder / "preliminary.parquet")
    write_year(folder, [start], "csv", "lmp_rt_prelim", "lmp_rt_final")
    final = (folder / truth_of(2016, REAL_TIME)).rename(folder / "final.parquet")
    (folder / "raw" / FINAL / f"lmp_rt_final_{lost:%Y%m%d}.csv").unlink()
    # The final reports of its month tell the ids of the day that has none.
    query(
        f"""
        copy (
            select * from read_parquet('{final}') where delivery_date <> date '{lost}'
            union all
            select preliminary.* replace (ids.settlement_location_id as settlement_location_id)
            from read_parquet('{preliminary}') as preliminary
            inner join (
                select distinct settlement_location, settlement_location_id
                from read_parquet('{final}')
            ) as ids using (settlement_location)
            where delivery_date = date '{lost}'
        ) to '{folder / truth_of(2016, REAL_TIME)}'
        """
    )


@pytest.mark.parametrize(
    ("model", "year"),
    [
        *((FIVE_MINUTE, year) for year in (2018, 2019)),
        *((REAL_TIME, year) for year in (2014, 2015, 2016, 2017, 2018, 2021)),
        *((REAL_TIME, year) for year in (2022, 2023, 2024, 2026)),
    ],
)
def test_what_is_published_of_real_time_is_the_truth(built: Built, model: str, year: int) -> None:
    assert_equals_truth(built.year_file(year, model), built.truth(year, model))


def test_final_prices_replace_preliminary_ones(built: Built) -> None:
    assert built.counted(f"{PRELIMINARY}/lmp_rt_prelim_20161105.csv", REAL_TIME) == {
        "parsed": 24 * 20,
        "superseded: lower version": 24 * 20,
    }
    assert query(
        "select delivery_date, version, count(*) from read_parquet($1) group by all order by all",
        str(built.year_file(2016, REAL_TIME)),
    ) == [
        (date(2016, 11, 5), 2, 24 * 20),
        (date(2016, 11, 6), 1, 25 * 20),
        (date(2016, 11, 7), 2, 24 * 20),
    ]


def test_files_read_for_names_make_no_parts_and_are_counted(built: Built) -> None:
    assert built.counted(f"{DAILY}/WW_DALMP_ISO_20191103.csv", FIVE_MINUTE) == {
        "parsed": 25 * 20,
        READ_FOR_NAMES: 25 * 20,
    }
    assert built.counted(f"{DAILY}/WW_DALMP_ISO_20251102.csv", FIVE_MINUTE) == {}
    assert built.counted(f"{DAILY}/WW_DALMP_ISO_20251102.csv", REAL_TIME) == {}


@pytest.mark.parametrize("year", [2014, 2015, *range(2020, 2027)])
def test_what_is_published_is_the_truth(built: Built, year: int) -> None:
    assert built.ran.exit_code == 0, built.ran.stderr
    assert_equals_truth(built.year_file(year), built.truth(year))


def test_a_change_of_the_clock_has_23_and_25_hours(built: Built) -> None:
    for year, day, hours in (
        (2025, date(2025, 3, 9), 23),
        (2025, date(2025, 11, 2), 25),
        (2024, date(2024, 3, 10), 23),
        (2026, date(2026, 11, 1), 25),
    ):
        assert query(
            "select count(distinct datetime_utc) from read_parquet($1) where delivery_date = $2",
            str(built.year_file(year)),
            day,
        ) == [(hours,)]


def test_rows_that_repeat_the_daily_report_are_merged(built: Built) -> None:
    assert built.counted(f"{DAILY}/0/WW_DALMP_ISO_20251102.csv") == {
        "parsed": 25 * 20,
        "merged: equal to the published row": 25 * 20,
    }
    assert built.counted(f"{WORKBOOK}/2021_smd_hourly_ME.csv.gz") == {
        "parsed": 72,
        "published": 24,
        "merged: equal to the published row": 48,
    }


def test_days_forced_into_24_rows_are_counted(built: Built) -> None:
    expected = {"parsed": 72, "published": 48, f"filtered: {FORCED}": 24}
    assert built.counted(f"{WORKBOOK}/2022_smd_hourly_ISO_NE_CA.csv.gz") == expected
    assert built.counted(f"{WORKBOOK}/2023_smd_hourly.zip!2023_smd_hourly.xlsx!VT") == expected
    assert built.counted(f"{WORKBOOK}/2014_smd_hourly_ISONE_CA.csv.gz") == expected
    assert built.counted(f"{WORKBOOK}/2015_smd_hourly.zip!2015_smd_hourly.xlsx!SEMASS") == expected


def test_the_notes_of_a_workbook_are_no_report(built: Built) -> None:
    assert status(built.out)["refused"] == []


# Files typed from the description of the format.


NAMES = (
    '"H","Date","Hour Ending","Location ID","Location Name","Location Type",'
    '"Locational Marginal Price","Energy Component","Congestion Component",'
    '"Marginal Loss Component"'
)
KINDS = '"H","Date","HE","String","String","String","Number","Number","Number","Number"'
TITLE = '"C","Day-Ahead Energy Market Hourly LMP Report"'
REAL_TIME_TITLE = '"C","Real-Time Energy Market Hourly LMP Report"'


def daily_file(
    day: str, labels: list[str], title: str = TITLE, quote: str = '"', end: str = ""
) -> str:
    """Two locations; the price tells the place of the hour in the file."""
    lines = [
        f'"D","{day}",{quote}{label}{quote},"{id_}","{name}","{kind}",{hour}.5,{hour}.0,0.75,-0.25'
        for hour, label in enumerate(labels)
        for id_, name, kind in (
            ("4000", ".H.INTERNAL_HUB", "HUB"),
            ("6380", "HC.SOMEWHRE13.8    ", "HUB NODE"),
        )
    ]
    comments = [title, f'"C","Report for: {day} - {day}"', '"C","Report generated: the day before"']
    return "\n".join([*comments, NAMES, KINDS, *lines, f'"T","{len(lines)} lines"']) + end


def preliminary_file(day: str, labels: list[str]) -> str:
    """The same two locations by their names."""
    text = daily_file(day, labels, REAL_TIME_TITLE, quote="")
    for cells in ('"4000",".H.INTERNAL_HUB","HUB"', '"6380","HC.SOMEWHRE13.8    ","HUB NODE"'):
        text = text.replace(cells, cells.split(",")[1])
    return text.replace('"Location ID","Location Name","Location Type"', '"Location"')


def five_minute_file(clocks: list[str], day: str | None = None) -> str:
    """The same two locations by their ids; the price tells the place of the clock in the file."""
    lines = [
        f'"D","{clock}","{id_}",{step}.5,{step}.0,0.75,-0.25'
        for step, clock in enumerate(clocks)
        for id_ in ("4000", "6380")
    ]
    told = [f'"C","Report for: {day} - {day}"'] if day else []
    made = '"C","Report generated: 04/01/2018 12:36:13 EDT"'
    names = '"H","Local Time","Location ID","LMP","Energy Component","Congestion Component",'
    names += '"Marginal Loss Component"'
    kinds = '"H","HH:MM:SS","String","Number","Number","Number","Number"'
    return "\n".join([*told, made, names, kinds, *lines, f'"T","{len(lines)} lines"'])


def fall_clocks() -> list[str]:
    """Four hours of the clock, of which the second comes twice."""
    return [f"{hour:02}:{minute:02}:00" for hour in (0, 1, 1, 2, 3) for minute in range(0, 60, 5)]


def gridstatus_file(day: str, hub_energy: float, zone_energy: float) -> str:
    """The hour after noon of two locations."""
    hour = f"{day} 12:00:00-04:00,{day} 13:00:00-04:00,REAL_TIME_HOURLY"
    return "\n".join(
        [
            "Interval Start,Interval End,Market,Location,Location Type,LMP,Energy,Congestion,Loss",
            f"{hour},.H.INTERNAL_HUB,HUB,{hub_energy + 0.5},{hub_energy},0.75,-0.25",
            f"{hour},.Z.MAINE,LOAD ZONE,{zone_energy + 0.5},{zone_energy},0.75,-0.25",
        ]
    )


def labels(*odd: str) -> list[str]:
    return [*odd, *(f"{hour:02}" for hour in range(5, 25))]


def sheet(day: str, *labels: str) -> str:
    rows = [
        f"{day},{label},9,9,{hour}.500000000000004,{hour}.0,0.5,0.0,8,8,8,8,50,40"
        for hour, label in enumerate(labels)
    ]
    return "\n".join(
        [
            "Date,Hr_End,DA_Demand,RT_Demand,DA_LMP,DA_EC,DA_CC,DA_MLC,RT_LMP,RT_EC,RT_CC,RT_MLC,"
            "Dry_Bulb,Dew_Point",
            *rows,
        ]
    )


@pytest.fixture(scope="module")
def typed(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """Publish typed files and real ones; they are looked at in a copy, because a story goes on."""
    folder = tmp_path_factory.mktemp("typed")
    fall = labels("01", "02", "02X", "03", "04")
    spring = labels("01", "02", "04")
    files = {
        f"{DAILY}/fall.csv": daily_file("11/05/2017", fall),
        f"{DAILY}/bare labels.csv": daily_file("11/04/2018", fall, quote="", end="\n"),
        f"{DAILY}/spring.csv": daily_file("03/11/2018", spring).replace("\n", "\r\n"),
        f"{DAILY}/no lines.csv": daily_file("06/04/2018", []),
        f"{DAILY}/rt.csv": daily_file("06/05/2018", ["01"], REAL_TIME_TITLE),
        f"{DAILY}/offers.csv": (
            '"C","Day-Ahead Energy Market Historical Offer Report"\n"C","Report for: 06/04/2018"\n'
            '"H","Day","Trading Interval","Masked Lead Participant ID"\n'
            '"H","Date","String","Number"\n"D","06/04/2018","01",7\n"T","1 lines"'
        ),
        f"{DAILY}/cut.csv": daily_file("06/06/2018", fall)[:1500],
        f"{DAILY}/lines lost.csv": daily_file("06/07/2018", fall).replace("50 lines", "60 lines"),
        f"{DAILY}/nothing.csv": "No data exists for this period.",
        f"{DAILY}/prelim.csv": daily_file("06/08/2018", ["01"]).replace(
            '"Location ID","Location Name","Location Type"', '"Location"'
        ),
        f"{FINAL}/fall.csv": daily_file("11/05/2017", fall, REAL_TIME_TITLE, quote=""),
        f"{FINAL}/da.csv": daily_file("11/06/2017", ["01"]),
        f"{PRELIMINARY}/spring.csv": preliminary_file("03/11/2018", spring),
        f"{PRELIMINARY}/final.csv": daily_file("03/12/2018", spring, REAL_TIME_TITLE),
        f"{FIVE_MINUTE_FILES}/lmp_5min_20171105_00-04.csv": five_minute_file(fall_clocks()),
        f"{FIVE_MINUTE_FILES}/march.csv": five_minute_file(["00:00:00"], "03/11/2018"),
        f"{FIVE_MINUTE_FILES}/lmp_5min_20180311_20-24.csv": five_minute_file(["23:55:00"]),
        f"{FIVE_MINUTE_FILES}/first.csv": five_minute_file(["00:00:00"]),
        f"{FIVE_MINUTE_FILES}/lmp_5min_20180312_00-04.csv": five_minute_file(
            ["00:00:00"], "03/13/2018"
        ),
        f"{FIVE_MINUTE_FILES}/lmp_5min_20180314_00-04.csv": five_minute_file(
            ["00:00:00", "00:05:00", "00:00:00"]
        ),
        f"{FIVE_MINUTE_FILES}/lmp_5min_20180315_00-04.csv": five_minute_file(["00:00:00"])
        + "\n"
        + five_minute_file(["00:00:00"]),
        # A year of its own: what can't be right stops it.
        f"{DAILY}/spring with 03.csv": daily_file("03/10/2019", labels("01", "02", "03", "04")),
        f"{WORKBOOK}/2024_smd_hourly_ME.csv": sheet("3/10/2024", "01", "03", "04"),
        f"{WORKBOOK}/2020_smd_hourly_HOME.csv": sheet("2020-06-01", "01", "02"),
        FIVE_MINUTES_TO_NAME: five_minute_file(["00:00:00"]),
        # Energy was another one when the other file was made. The file of 2013 has two of its own.
        f"{PRELIMINARY}/noon.csv": preliminary_file("06/04/2012", ["13"]),
        f"{GRIDSTATUS}/later.csv": gridstatus_file("2012-06-04", 20.5, 20.5),
        f"{GRIDSTATUS}/askew.csv": gridstatus_file("2013-06-04", 20.5, 21.5),
    }
    for name, text in files.items():
        path = folder / "raw" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
    copy_real_files(folder / "raw")
    built = build(folder / "raw", folder / "out")
    shutil.copytree(built.out, folder / "kept")
    return replace(built, out=folder / "kept")


def test_only_what_cannot_be_right_is_left_out(typed: Built) -> None:
    told = status(typed.out)
    assert {(entry["model"], entry["year"]) for entry in told["unpublished"]} == {
        *((DATASET, 2019), (DATASET, 2020), (REAL_TIME, 2020), ("isone_as_hourly", 2020)),
        # The real-time prices of the typed sheet don't add up.
        (REAL_TIME, 2024),
        (REAL_TIME, 2013),
    }


def test_energy_may_differ_between_reports_and_not_within_a_file(typed: Built) -> None:
    assert query(
        "select settlement_location, lmp_energy, data_source from read_parquet($1) order by all",
        str(typed.year_file(2012, REAL_TIME)),
    ) == [
        (".H.INTERNAL_HUB", 0.0, f"{PRELIMINARY}/noon.csv"),
        (".Z.MAINE", 20.5, f"{GRIDSTATUS}/later.csv"),
        ("HC.SOMEWHRE13.8", 0.0, f"{PRELIMINARY}/noon.csv"),
    ]
    found = {
        (entry["model"], entry["year"]): entry["reason"]
        for entry in status(typed.out)["unpublished"]
    }
    assert found[REAL_TIME, 2013].startswith("tests: energy_is_uniform found 1 row")
    told = "Energy differs between locations whose prices are of different files"
    assert [line for line in typed.ran.says if told in line]


def hours_of(
    built: Built, year: int, source: str, location: str, model: str = DATASET
) -> list[tuple[object, ...]]:
    rows = query(
        """
        select datetime_utc, lmp_total, lmp_energy, lmp_congestion, lmp_loss
        from read_parquet($1)
        where data_source = $2 and settlement_location_id = $3
        order by lmp_total
        """,
        str(built.year_file(year, model)),
        source,
        location,
    )
    return [(utc.astimezone(UTC), *prices) for utc, *prices in rows]


@pytest.mark.parametrize(
    ("name", "first", "hours"),
    [
        ("fall.csv", datetime(2017, 11, 5, 4, tzinfo=UTC), 25),
        ("bare labels.csv", datetime(2018, 11, 4, 4, tzinfo=UTC), 25),
        ("spring.csv", datetime(2018, 3, 11, 5, tzinfo=UTC), 23),
    ],
)
@pytest.mark.parametrize("location", ["4000", "6380"])
def test_the_hours_of_a_day_follow_each_other(
    typed: Built, name: str, first: datetime, hours: int, location: str
) -> None:
    assert hours_of(typed, first.year, f"{DAILY}/{name}", location) == [
        (first + timedelta(hours=hour), hour + 0.5, float(hour), 0.75, -0.25)
        for hour in range(hours)
    ]


@pytest.mark.parametrize(
    ("model", "source", "first", "steps", "minutes"),
    [
        (REAL_TIME, f"{FINAL}/fall.csv", datetime(2017, 11, 5, 4, tzinfo=UTC), 25, 60),
        (REAL_TIME, f"{PRELIMINARY}/spring.csv", datetime(2018, 3, 11, 5, tzinfo=UTC), 23, 60),
        (
            FIVE_MINUTE,
            f"{FIVE_MINUTE_FILES}/lmp_5min_20171105_00-04.csv",
            datetime(2017, 11, 5, 4, tzinfo=UTC),
            60,
            5,
        ),
        (
            FIVE_MINUTE,
            f"{FIVE_MINUTE_FILES}/march.csv",
            datetime(2018, 3, 11, 5, tzinfo=UTC),
            1,
            5,
        ),
        (
            FIVE_MINUTE,
            f"{FIVE_MINUTE_FILES}/lmp_5min_20180311_20-24.csv",
            datetime(2018, 3, 12, 3, 55, tzinfo=UTC),
            1,
            5,
        ),
    ],
)
@pytest.mark.parametrize("location", ["4000", "6380"])
def test_real_time_intervals_of_a_day_follow_each_other(
    typed: Built,
    model: str,
    source: str,
    first: datetime,
    steps: int,
    minutes: int,
    location: str,
) -> None:
    assert hours_of(typed, first.year, source, location, model) == [
        (first + timedelta(minutes=minutes * step), step + 0.5, float(step), 0.75, -0.25)
        for step in range(steps)
    ]


@pytest.mark.parametrize("model", [REAL_TIME, FIVE_MINUTE])
@pytest.mark.parametrize("year", [2017, 2018])
def test_what_a_report_does_not_tell_of_a_location_others_do(
    typed: Built, model: str, year: int
) -> None:
    """The five-minute report has no name, the preliminary one no id."""
    assert query(
        "select distinct settlement_location, settlement_location_id, settlement_location_type "
        "from read_parquet($1) order by all",
        str(typed.year_file(year, model)),
    ) == [(".H.INTERNAL_HUB", "4000", "HUB"), ("HC.SOMEWHRE13.8", "6380", "NODE")]


def test_names_come_with_the_report_that_tells_them(typed: Built) -> None:
    """A fault of that report stops its own year alone, and with nothing new nothing is done."""
    raw, out = typed.raw, typed.raw.with_name("out")
    daily = raw / DAILY / "WW_DALMP_ISO_20210314.csv"
    other_day = raw / DAILY / "WW_DALMP_ISO_20210315.csv"
    names = "select settlement_location from read_parquet($1) order by all"
    first = str(typed.year_file(2021, FIVE_MINUTE))
    assert query(names, first) == [(".H.INTERNAL_HUB",), ("6380",)]
    daily.write_text(daily_file("03/14/2021", labels("01", "02", "03", "04")))
    other_day.write_text(daily_file("03/15/2021", ["01"]))
    built = build(raw, out)
    assert built.ran.exit_code == 1
    assert not built.year_file(2021).exists()
    published = str(built.year_file(2021, FIVE_MINUTE))
    assert query(names, published) == [(".H.INTERNAL_HUB",), ("HC.SOMEWHRE13.8",)]
    assert built.counted(f"{DAILY}/{daily.name}", FIVE_MINUTE) == {
        "parsed": 48,
        READ_FOR_NAMES: 46,
        "rejected: this hour does not exist on the spring clock-change day": 2,
    }
    assert built.counted(f"{DAILY}/{other_day.name}", FIVE_MINUTE) == {}
    daily.write_text(daily_file("03/14/2021", labels("01", "02", "04")))
    of_year = ("--year", "2021")
    # All of the year is published; files of other years stay refused.
    built = build(raw, out, *of_year)
    assert built.ran.exit_code == 3
    assert built.counted(f"{DAILY}/{daily.name}", FIVE_MINUTE) == {
        "parsed": 46,
        READ_FOR_NAMES: 46,
    }
    again = build(raw, out, *of_year)
    assert not [line for line in again.ran.says if line.endswith(" lines done")]


def test_names_lose_their_padding(typed: Built) -> None:
    assert query(
        "select distinct settlement_location, settlement_location_type from read_parquet($1) "
        "order by all",
        str(typed.year_file(2018)),
    ) == [(".H.INTERNAL_HUB", "HUB"), ("HC.SOMEWHRE13.8", "NODE")]


def test_a_saved_sheet_is_read_where_nothing_else_is(typed: Built) -> None:
    first = datetime(2024, 3, 10, 5, tzinfo=UTC)
    assert hours_of(typed, 2024, f"{WORKBOOK}/2024_smd_hourly_ME.csv", "4001") == [
        (first + timedelta(hours=hour), hour + 0.5, float(hour), 0.5, 0.0) for hour in range(3)
    ]


def test_what_cannot_be_right_stops_its_year_by_name(typed: Built) -> None:
    assert typed.ran.exit_code == 1
    told = " ".join(typed.ran.says)
    assert "spring with 03.csv line 10: this hour does not exist on the spring" in told
    assert "2020_smd_hourly_HOME.csv line 2: neither sheet nor file is named after" in told
    assert not typed.year_file(2019).exists()
    assert not typed.year_file(2020).exists()


def test_files_that_are_no_report_are_refused_as_what_they_are(typed: Built) -> None:
    reasons = {
        entry["file"].removeprefix(f"{DAILY}/"): entry["reason"]
        for entry in status(typed.out)["refused"]
        if f"/{REAL}/" not in entry["file"]
    }
    expected = {
        "rt.csv": "Real-Time Energy Market Hourly LMP Report",
        "offers.csv": "Day-Ahead Energy Market Historical Offer Report",
        "cut.csv": "is incomplete",
        "lines lost.csv": "its trailer speaks of 60 lines, but 50 are there",
        "nothing.csv": "No data exists for this period.",
        "prelim.csv": "line 1 is the header of isone/lmp_rt_prelim: move it to that folder",
        f"{FINAL}/da.csv": "Day-Ahead Energy Market Hourly LMP Report",
        f"{PRELIMINARY}/final.csv": "line 1 is the header of isone/lmp_rt_final: move it",
        f"{FIVE_MINUTE_FILES}/first.csv": "has no delivery date, neither above its header nor in",
        f"{FIVE_MINUTE_FILES}/lmp_5min_20180312_00-04.csv": "is of 2018-03-13 by the lines above"
        " its header and of 2018-03-12 by its name",
        f"{FIVE_MINUTE_FILES}/lmp_5min_20180314_00-04.csv": "has several prices for location 4000"
        " at 00:00:00",
        f"{FIVE_MINUTE_FILES}/lmp_5min_20180315_00-04.csv": "is a second heading, so the file is"
        " several reports in one",
    }
    assert reasons.keys() == expected.keys()
    assert {name: text for name, text in expected.items() if text not in reasons[name]} == {}


# Real files


REAL_DAY = "WW_DALMP_ISO_20260604.csv"

needs_samples = pytest.mark.skipif(
    not ((SAMPLES / DAILY).is_dir() and BAD_SAMPLES.is_dir()),
    reason="no real files beside the repository (shared/samples, shared/samples_bad)",
)


@pytest.fixture
def real(typed: Built) -> Built:
    return typed


def copy_real_files(raw: Path) -> None:
    """Lay the real files beside the others, if they are there, and some into a wrong folder."""
    if not ((SAMPLES / DAILY).is_dir() and BAD_SAMPLES.is_dir()):
        return
    copies = {path: DAILY for path in BAD_SAMPLES.glob("isone_*.csv")}
    copies |= {path: DAILY for path in (SAMPLES / FINAL).rglob("*.gz")}
    for report in (DAILY, WORKBOOK):
        copies |= {path: report for path in (SAMPLES / report).rglob("*.csv")}
    final = [(path, FINAL) for path in (SAMPLES / FINAL).rglob("*.gz")]
    for path, report in [*copies.items(), *final]:
        copy = raw / report / REAL / path.name
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(path.read_bytes())


def real_lines(path: Path) -> Iterator[list[str]]:
    data = path.read_bytes()
    text = (gzip.decompress(data) if path.suffix == ".gz" else data).decode()
    yield from (cells for cells in csv.reader(io.StringIO(text)) if cells[0] == "D")


@needs_samples
@pytest.mark.parametrize(
    ("model", "file", "lines"),
    [
        (DATASET, f"{DAILY}/{REAL}/{REAL_DAY}", 29_016),
        (REAL_TIME, f"{FINAL}/{REAL}/lmp_rt_final_20260602.csv.gz", 29_064),
    ],
)
def test_each_line_of_the_real_daily_files_is_a_row(
    real: Built, model: str, file: str, lines: int
) -> None:
    expected = {
        (
            datetime.strptime(cells[1], "%m/%d/%Y") + timedelta(hours=int(cells[2]) - 1),
            cells[3],
            cells[4].strip(),
            *map(float, cells[6:]),
        )
        for cells in real_lines(real.raw / file)
    }
    rows = query(
        """
        select
            datetime_local, settlement_location_id, settlement_location, lmp_total, lmp_energy,
            lmp_congestion, lmp_loss
        from read_parquet($1)
        """,
        str(real.year_file(2026, model)),
    )
    assert len(rows) == len(expected) == lines
    assert set(rows) == expected


@needs_samples
def test_values_of_the_real_daily_file(real: Built) -> None:
    assert query(
        """
        select lmp_total, lmp_energy, lmp_congestion, lmp_loss, settlement_location_type, dst_flag
        from read_parquet($1)
        where (datetime_utc, settlement_location) in (
            (timestamptz '2026-06-04 04:00+00', 'HC.VERNONHL13.8'),
            (timestamptz '2026-06-05 03:00+00', '.H.INTERNAL_HUB')
        )
        order by datetime_utc
        """,
        str(real.year_file(2026)),
    ) == [
        (48.23, 47.56, 0.0, 0.67, "NODE", "Y"),
        (44.09, 43.85, 0.0, 0.24, "HUB", "Y"),
    ]
    assert query(
        """
        select settlement_location_type, count(distinct settlement_location_id)
        from read_parquet($1)
        group by all
        order by all
        """,
        str(real.year_file(2026)),
    ) == [("AGGREGATE", 20), ("HUB", 1), ("INTERFACE", 7), ("NODE", 1173), ("ZONE", 8)]


@needs_samples
def test_values_of_the_real_final_file(real: Built) -> None:
    """Its first line, its last one and the hub's in the hour ending 13."""
    assert query(
        """
        select
            datetime_utc at time zone 'UTC', settlement_location, lmp_total, lmp_energy,
            lmp_congestion, lmp_loss, settlement_location_type, dst_flag, version
        from read_parquet($1)
        where (delivery_hour, settlement_location_id) in ((1, '321'), (13, '4000'), (24, '77305'))
        order by datetime_utc
        """,
        str(real.year_file(2026, REAL_TIME)),
    ) == [
        (
            *(datetime(2026, 6, 2, 4), "UN.FRNKLNSQ13.810CC", 34.49, 34.72, 0.0, -0.23),
            *("NODE", "Y", 2),
        ),
        (
            *(datetime(2026, 6, 2, 16), ".H.INTERNAL_HUB", 30.95, 30.92, 0.0, 0.03),
            *("HUB", "Y", 2),
        ),
        (
            *(datetime(2026, 6, 3, 3), "UN.TASKERFM34.5NUTS", 42.43, 41.85, 0.0, 0.58),
            *("NODE", "Y", 2),
        ),
    ]


@needs_samples
def test_the_real_sheet_has_real_time_prices_too(real: Built) -> None:
    rows = query(
        """
        select datetime_utc, lmp_total, lmp_energy, lmp_congestion, lmp_loss
        from read_parquet($1)
        where settlement_location = '.H.INTERNAL_HUB'
        """,
        str(real.year_file(2025, REAL_TIME)),
    )
    found = {f"{utc.astimezone(UTC):%m-%d %H}": prices for utc, *prices in rows}
    assert len(rows) == len(found) == 12
    assert found["03-09 05"] == [42.35, 41.83, 0.04, 0.48]
    assert found["03-09 06"] == [71.95, 69.68, 1.51, 0.76]
    assert found["03-09 07"] == [63.79, 62.71, 0.43, 0.65]
    assert found["11-02 05"] == [36.58, 36.3, 0.0, 0.28]
    assert found["11-02 06"] == [36.55, 36.27, 0.0, 0.28]
    assert found["11-03 04"] == [37.69, 37.6, 0.0, 0.09]


@needs_samples
def test_the_real_sheet_has_its_clock_changes(real: Built) -> None:
    rows = query(
        """
        select datetime_utc, lmp_total, lmp_energy, lmp_congestion, lmp_loss
        from read_parquet($1)
        where settlement_location = '.H.INTERNAL_HUB'
        """,
        str(real.year_file(2025)),
    )
    found = {f"{utc.astimezone(UTC):%m-%d %H}": prices for utc, *prices in rows}
    assert len(rows) == len(found) == 12
    assert found["03-09 06"] == [56.36, 54.75, 1.06, 0.55]
    assert found["03-09 07"] == [40.3, 39.84, 0.03, 0.43]
    assert found["11-02 05"] == [33.89, 33.59, 0.0, 0.3]
    assert found["11-02 06"] == [31.96, 31.69, 0.0, 0.27]
    assert found["11-03 04"] == [42.88, 42.75, 0.0, 0.13]


@needs_samples
def test_real_files_of_other_kinds_are_refused(real: Built) -> None:
    reasons = {
        Path(e["file"]).name: e["reason"]
        for e in status(real.out)["refused"]
        if f"/{REAL}/" in e["file"]
    }
    for name, reason in {
        "isone_da_truncated_WW_DALMP_ISO_20260604.csv": "is incomplete",
        "isone_energy_offers_not_prices.csv": "Day-Ahead Energy Market Historical Offer Report",
        "isone_node_list_hand_made.csv": "",
        "lmp_rt_final_20260602.csv.gz": "Real-Time Energy Market Hourly LMP Report",
    }.items():
        assert reason in reasons.pop(name)
    assert reasons == {}
