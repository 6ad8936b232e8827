"""CAISO's real-time prices of 15 and of five minutes: generated, written by hand, and real."""

from __future__ import annotations

import csv
import io
import re
import shutil
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from building import SAMPLES, Ran, build, query, status, work_database
from test_round_trip import assert_equals_truth, texts_of
from unified_iso.sample import SampleOptions, write_sample

pytestmark = pytest.mark.builds

PACIFIC = ZoneInfo("America/Los_Angeles")
QUARTERS, FIVES = "rt_energy_15min_nodal", "rt_energy_5min_nodal"
REPORTS = {QUARTERS: "prc_rtpd_lmp", FIVES: "prc_intvl_lmp"}
MINUTES = {QUARTERS: 15, FIVES: 5}
MERGED = "merged: equal to the published row"
JOINED = "merged: its components stand in the row with the LMP"
both = pytest.mark.parametrize("dataset", [QUARTERS, FIVES])


@dataclass(frozen=True)
class Published:
    """A raw folder, what a build of it said, and where it was published."""

    raw: Path
    out: Path
    ran: Ran

    def year_file(self, dataset: str, year: int) -> Path:
        return self.out / f"parquet/caiso/{dataset}/{dataset}_{year}.parquet"

    def prices(self, dataset: str, year: int) -> list[tuple[object, ...]]:
        """Instant, location, total, energy, congestion, loss and file of each row."""
        rows = query(
            """
            select
                datetime_utc, settlement_location_id, lmp_total, lmp_energy, lmp_congestion,
                lmp_loss, data_source
            from read_parquet($1)
            order by all
            """,
            str(self.year_file(dataset, year)),
        )
        return [
            (utc.astimezone(UTC), *values, source.removeprefix("caiso/"))
            for utc, *values, source in rows
        ]

    def counted(self, dataset: str, source: str) -> dict[str, int]:
        """Rows of a raw file by term and reason."""
        with work_database(self.out) as con:
            rows = con.execute(
                """
                select term || coalesce(': ' || reason, ''), sum(rows)::bigint
                from inventory.accounts
                where model = $1 and data_source = $2
                group by all
                """,
                [f"caiso_{dataset}", f"caiso/{source}"],
            ).fetchall()
        return dict(rows)


def publish(folder: Path, *options: str) -> Published:
    raw, out = folder / "raw", folder / "out"
    return Published(raw, out, build(raw, out, "caiso", *options, check=None))


# Generated files


@dataclass(frozen=True)
class Case:
    """Days of a sample; cases are told apart by year."""

    start: date
    days: int
    options: SampleOptions


ONLY = tuple(REPORTS.values())
CASES = (
    Case(date(2018, 3, 10), 3, SampleOptions(reports=ONLY)),
    Case(date(2024, 11, 2), 3, SampleOptions(reports=ONLY, packaging="csv.gz")),
    Case(date(2021, 11, 7), 1, SampleOptions(reports=ONLY, packaging="zip")),
    Case(date(2022, 3, 12), 2, SampleOptions(reports=ONLY, packaging="zip", days_per_file=2)),
    Case(date(2020, 10, 31), 2, SampleOptions(reports=ONLY, overlap=False)),
)
CLOCK_CHANGES = {
    date(2020, 11, 1): 25,
    date(2022, 3, 13): 23,
    date(2021, 11, 7): 25,
    date(2024, 11, 3): 25,
    date(2018, 3, 11): 23,
}
NODES = 4


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Published:
    """Publish everything at once: each case has delivery years of its own."""
    folder = tmp_path_factory.mktemp("real_time")
    for case in CASES:
        plain = folder / str(case.start.year)
        write_sample(
            plain,
            isos=["caiso"],
            start=case.start,
            days=case.days,
            nodes=NODES,
            options=case.options,
        )
        shutil.copytree(plain / "caiso", folder / "raw" / "caiso", dirs_exist_ok=True)
    write_typed(folder / "raw" / "caiso")
    copy_real_files(folder / "raw" / "caiso")
    return publish(folder)


@pytest.fixture
def generated(published: Published) -> Published:
    return published


def test_nothing_is_left_out_but_what_cannot_be_right(published: Published) -> None:
    told = status(published.out)
    stopped = {(entry["model"], entry["year"]) for entry in told["unpublished"]}
    assert stopped == {(f"caiso_{dataset}", year) for dataset, year, _ in STOPPED}
    rejected = {entry["file"].removeprefix("caiso/") for entry in told["rejected"]}
    assert rejected == {"prc_rtpd_lmp/off grid.csv", "prc_intvl_lmp/second pass.csv"}


@both
@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case.start.year))
def test_what_is_published_is_the_truth(generated: Published, dataset: str, case: Case) -> None:
    year = case.start.year
    truth = generated.raw.parent / str(year) / "truth" / "caiso" / f"{dataset}.parquet"
    assert_equals_truth(generated.year_file(dataset, year), truth)


@both
@pytest.mark.parametrize("day", CLOCK_CHANGES)
def test_a_change_of_the_clock_has_23_and_25_hours(
    generated: Published, dataset: str, day: date
) -> None:
    count = CLOCK_CHANGES[day] * 60 // MINUTES[dataset]
    rows = query(
        """
        select
            count(*), count(distinct datetime_utc), count(distinct (datetime_local, dst_flag)),
            min(datetime_local), max(delivery_interval), any_value(interval_minutes)
        from read_parquet($1)
        where delivery_date = $2
        """,
        str(generated.year_file(dataset, day.year)),
        day,
    )
    minutes = MINUTES[dataset]
    midnight = datetime(day.year, day.month, day.day)
    assert rows == [(count * NODES, count, count, midnight, 60 // minutes, minutes)]


@both
def test_rows_of_a_group_zip_are_merged_into_the_one_with_the_lmp(
    generated: Published, dataset: str
) -> None:
    """The zip of the repeated hour is a zip of its own."""
    run, query_name = {QUARTERS: ("RTPD", "PRC_RTPD_LMP"), FIVES: ("RTM", "PRC_INTVL_LMP")}[dataset]
    folder = f"{REPORTS[dataset]}/20211107_20211107_{run}_LMP_GRP_25_N_v3_csv.zip"
    rows = NODES * 60 // MINUTES[dataset]
    for component in ("LMP", "MCC", "MCE", "MCL", "MGHG"):
        member = f"20211107_20211107_{query_name}_{run}_25_{component}_v3.csv"
        assert generated.counted(dataset, f"{folder}!{member}") == {
            "parsed": rows,
            "published" if component == "LMP" else JOINED: rows,
        }


@both
def test_the_interval_that_windows_share_is_merged(generated: Published, dataset: str) -> None:
    (first,) = (generated.raw / "caiso" / REPORTS[dataset]).glob("20180310_20180310_*")
    # From 00:00 of the Pacific day to 00:00 of UTC, which is 16 hours later, and that interval.
    before = NODES * 16 * 60 // MINUTES[dataset]
    assert generated.counted(dataset, f"{REPORTS[dataset]}/{first.name}") == {
        "parsed": before + NODES,
        "published": before,
        MERGED: NODES,
    }


def test_every_line_is_used(generated: Published) -> None:
    with work_database(generated.out) as con:
        found = con.execute(
            "select data_source, lines, lines_used from inventory.raw_files"
        ).fetchall()
    texts: dict[str, str] = {}
    for report in ONLY:
        texts |= texts_of(generated.raw, f"caiso/{report}")
    expected = {
        source: text.count("\n") - 1 for source, text in texts.items() if is_generated(source)
    }
    assert {source: lines for source, lines, _ in found if is_generated(source)} == expected
    assert {source: used for source, _, used in found if is_generated(source)} == expected


def is_generated(source: str) -> bool:
    """Whether the generator wrote a file: its name begins with a day of a case."""
    years = "|".join(str(case.start.year) for case in CASES)
    return re.search(rf"/({years})\d{{4}}_[^/]*$", source) is not None


# Files typed from the description of the format


HEADER = (
    "INTERVALSTARTTIME_GMT,INTERVALENDTIME_GMT,OPR_DT,OPR_HR,NODE_ID_XML,NODE_ID,NODE,"
    "MARKET_RUN_ID,LMP_TYPE,XML_DATA_ITEM,PNODE_RESMRID,GRP_TYPE,POS,{},OPR_INTERVAL,GROUP\n"
)
FIVE = {"LMP": 20.5, "MCE": 18.0, "MCC": 1.5, "MCL": -1.0, "MGHG": 2.0}
FOUR = {"LMP": 18.5, "MCE": 18.0, "MCC": 1.5, "MCL": -1.0}
RUNS = {QUARTERS: "RTPD", FIVES: "RTM"}


def lines(dataset: str, start: str, label: str, prices: Mapping[str, float], node: str) -> str:
    """Lines of an interval that starts at `start` in UTC; the Pacific day is that of the label."""
    utc = datetime.fromisoformat(f"{start}+00:00")
    end = utc + timedelta(minutes=MINUTES[dataset])
    day = utc.astimezone(PACIFIC).date()
    return "".join(
        f"{utc:%Y-%m-%dT%H:%M:%S}-00:00,{end:%Y-%m-%dT%H:%M:%S}-00:00,{day},{label},x,x,{node},"
        f"{RUNS[dataset]},{component},x,x,ALL,1,{price},1,1\n"
        for component, price in prices.items()
    )


def file(dataset: str, *texts: str, price: str) -> str:
    return HEADER.format(price) + "".join(texts)


LIBRARY = (
    "Time,Interval Start,Interval End,Market,Location,Location Type,LMP,Energy,Congestion,Loss,GHG"
)
SERVICE = (
    "interval_start_utc,interval_end_utc,market,location,location_type,lmp,energy,congestion,loss,"
    "ghg"
)
TYPED: dict[str, str] = {
    # 2019: what each report calls its price, and what another report or version calls it.
    "prc_rtpd_lmp/a.csv": file(
        QUARTERS,
        lines(QUARTERS, "2019-11-03T08:45", "02", FIVE, "TH_A-APND"),
        lines(QUARTERS, "2019-11-03T09:00", "25", FIVE, "TH_A-APND"),
        lines(QUARTERS, "2019-11-03T10:00", "03", FIVE, "TH_A-APND"),
        price="PRC",
    ),
    "prc_rtpd_lmp/b.csv": file(
        QUARTERS, lines(QUARTERS, "2019-06-01T07:00", "01", FOUR, "A_1"), price="VALUE"
    ),
    "prc_intvl_lmp/a.csv": file(
        FIVES,
        lines(FIVES, "2019-03-10T09:55", "02", FIVE, "TH_A-APND"),
        lines(FIVES, "2019-03-10T10:00", "04", FIVE, "TH_A-APND"),
        price="VALUE",
    ),
    "prc_intvl_lmp/first version.csv": file(
        FIVES, lines(FIVES, "2019-06-01T07:00", "01", FOUR, "A_1"), price="MW"
    ),
    # 2017: the own report counts before what gridstatus prints of the same interval.
    "prc_rtpd_lmp/own.csv": file(
        QUARTERS, lines(QUARTERS, "2017-06-01T07:15", "01", FOUR, "A_1"), price="PRC"
    ),
    "gridstatus_lmp/quarters.csv": f"""{LIBRARY}
2017-06-01 00:00:00-07:00,2017-06-01 00:00:00-07:00,2017-06-01 00:15:00-07:00,REAL_TIME_15_MIN,\
A_1,Node,30.5,30.0,1.0,0.5,-1.0
2017-06-01 00:15:00-07:00,2017-06-01 00:15:00-07:00,2017-06-01 00:30:00-07:00,REAL_TIME_15_MIN,\
A_1,Node,31.5,31.0,1.0,0.5,-1.0
""",
    "gridstatus_lmp/fives.csv": f"""{LIBRARY}
2017-11-05 01:55:00-07:00,2017-11-05 01:55:00-07:00,2017-11-05 01:00:00-08:00,REAL_TIME_5_MIN,\
A_1,Node,40.5,40.0,1.0,0.5,-1.0
2017-11-05 01:00:00-08:00,2017-11-05 01:00:00-08:00,2017-11-05 01:05:00-08:00,REAL_TIME_5_MIN,\
A_1,Node,41.5,41.0,1.0,0.5,-1.0
""",
    # 2016: rows of three markets in one export of the hosted service.
    "gridstatus_lmp/hosted.csv": f"""{SERVICE}
2016-09-06 17:00:00,2016-09-06 17:05:00,REAL_TIME_5_MIN,A_1,Node,50.5,50.0,1.0,-0.5,0
2016-09-06 17:00:00,2016-09-06 17:15:00,REAL_TIME_15_MIN,A_1,Node,51.5,51.0,1.0,-0.5,0
2016-09-06 17:00:00,2016-09-06 18:00:00,DAY_AHEAD_HOURLY,A_1,Node,52.5,52.0,1.0,-0.5,0
""",
    # What cannot be right, each in a year of its own.
    "prc_rtpd_lmp/off grid.csv": file(
        QUARTERS,
        lines(QUARTERS, "2010-06-01T07:15", "01", FOUR, "A_1"),
        lines(QUARTERS, "2010-06-01T07:20", "01", FOUR, "A_1"),
        price="PRC",
    ),
    "prc_intvl_lmp/second pass.csv": file(
        FIVES,
        lines(FIVES, "2010-11-07T09:00", "25", FOUR, "A_1"),
        lines(FIVES, "2010-11-07T09:05", "02", FOUR, "A_1"),
        price="VALUE",
    ),
    "prc_intvl_lmp/gas.csv": file(
        FIVES,
        lines(FIVES, "2015-06-01T07:00", "01", FIVE | {"MGHG": 1.99}, "A_1"),
        price="VALUE",
    ),
    # Another market's file is another report.
    "prc_intvl_lmp/quarters.csv": file(
        QUARTERS, lines(QUARTERS, "2014-06-01T07:00", "01", FOUR, "A_1"), price="PRC"
    ),
    "prc_rtpd_lmp/fives.csv": file(
        FIVES, lines(FIVES, "2014-06-01T07:00", "01", FOUR, "A_1"), price="VALUE"
    ),
}


def write_typed(folder: Path) -> None:
    for name, text in TYPED.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


@pytest.fixture
def typed(published: Published) -> Published:
    return published


def test_prices_are_found_by_any_of_three_names(typed: Published) -> None:
    """Labels of two digits, 25 third in autumn and no 3 in spring, agree with the GMT column."""
    five, four = (20.5, 18.0, 1.5, -1.0), (18.5, 18.0, 1.5, -1.0)
    assert typed.prices(QUARTERS, 2019) == [
        (datetime(2019, 6, 1, 7, tzinfo=UTC), "A_1", *four, "prc_rtpd_lmp/b.csv"),
        (datetime(2019, 11, 3, 8, 45, tzinfo=UTC), "TH_A-APND", *five, "prc_rtpd_lmp/a.csv"),
        (datetime(2019, 11, 3, 9, tzinfo=UTC), "TH_A-APND", *five, "prc_rtpd_lmp/a.csv"),
        (datetime(2019, 11, 3, 10, tzinfo=UTC), "TH_A-APND", *five, "prc_rtpd_lmp/a.csv"),
    ]
    assert typed.prices(FIVES, 2019) == [
        (datetime(2019, 3, 10, 9, 55, tzinfo=UTC), "TH_A-APND", *five, "prc_intvl_lmp/a.csv"),
        (datetime(2019, 3, 10, 10, tzinfo=UTC), "TH_A-APND", *five, "prc_intvl_lmp/a.csv"),
        (datetime(2019, 6, 1, 7, tzinfo=UTC), "A_1", *four, "prc_intvl_lmp/first version.csv"),
    ]


def test_both_passes_of_the_repeated_hour_have_the_same_clock(typed: Published) -> None:
    assert query(
        """
        select datetime_local, dst_flag, delivery_date, delivery_hour, delivery_interval
        from read_parquet($1)
        where settlement_location_type = 'HUB'
        order by datetime_utc
        """,
        str(typed.year_file(QUARTERS, 2019)),
    ) == [
        (datetime(2019, 11, 3, 1, 45), "Y", date(2019, 11, 3), 2, 4),
        (datetime(2019, 11, 3, 1), "N", date(2019, 11, 3), 2, 1),
        (datetime(2019, 11, 3, 2), "N", date(2019, 11, 3), 3, 1),
    ]


def test_rows_of_gridstatus_stand_in_the_dataset_of_their_length(typed: Published) -> None:
    library, hosted = "gridstatus_lmp/{}.csv".format, "gridstatus_lmp/hosted.csv"
    assert typed.prices(QUARTERS, 2017) == [
        (datetime(2017, 6, 1, 7, tzinfo=UTC), "A_1", 30.5, 30.0, 1.0, 0.5, library("quarters")),
        (
            *(datetime(2017, 6, 1, 7, 15, tzinfo=UTC), "A_1"),
            *(18.5, 18.0, 1.5, -1.0, "prc_rtpd_lmp/own.csv"),
        ),
    ]
    assert typed.prices(FIVES, 2017) == [
        (datetime(2017, 11, 5, 8, 55, tzinfo=UTC), "A_1", 40.5, 40.0, 1.0, 0.5, library("fives")),
        (datetime(2017, 11, 5, 9, tzinfo=UTC), "A_1", 41.5, 41.0, 1.0, 0.5, library("fives")),
    ]
    hour = datetime(2016, 9, 6, 17, tzinfo=UTC)
    assert typed.prices(FIVES, 2016) == [(hour, "A_1", 50.5, 50.0, 1.0, -0.5, hosted)]
    assert typed.prices(QUARTERS, 2016) == [(hour, "A_1", 51.5, 51.0, 1.0, -0.5, hosted)]
    assert typed.prices("da_energy_hourly_nodal", 2016) == [
        (hour, "A_1", 52.5, 52.0, 1.0, -0.5, hosted)
    ]


def test_a_row_of_gridstatus_gives_way_to_the_own_report(typed: Published) -> None:
    assert typed.counted(QUARTERS, "gridstatus_lmp/quarters.csv") == {
        "parsed": 2,
        "published": 1,
        "superseded: unequal, no version tells which is right": 1,
    }


STOPPED = [
    (
        *(QUARTERS, 2010),
        "off grid.csv line 6: INTERVALSTARTTIME_GMT 2010-06-01 07:20:00 is not the start of"
        " 15 minutes",
    ),
    (
        *(FIVES, 2010),
        "second pass.csv line 6: OPR_DT 2010-11-07 and OPR_HR 2 are not the local time of"
        " INTERVALSTARTTIME_GMT 2010-11-07 09:05:00",
    ),
    (FIVES, 2015, "2015: tests: components_add_up"),
]


@pytest.mark.parametrize(("dataset", "year", "told"), STOPPED)
def test_what_cannot_be_right_stops_its_year_by_name(
    typed: Published, dataset: str, year: int, told: str
) -> None:
    assert typed.ran.exit_code == 1
    assert told in typed.ran.stderr
    assert not typed.year_file(dataset, year).exists()


def test_a_file_of_another_market_is_told_its_folder(typed: Published) -> None:
    reasons = {entry["file"]: entry["reason"] for entry in status(typed.out)["refused"]}
    expected = {
        "caiso/prc_intvl_lmp/quarters.csv": "is another report: MARKET_RUN_ID is RTPD and RTM in"
        " no line: move it to caiso/prc_lmp if that is DAM, or to caiso/prc_rtpd_lmp if RTPD",
        "caiso/prc_rtpd_lmp/fives.csv": "is another report: MARKET_RUN_ID is RTM and RTPD in no"
        " line: move it to caiso/prc_lmp if that is DAM, or to caiso/prc_intvl_lmp if RTM",
    }
    assert reasons.keys() == expected.keys()
    assert {name: text for name, text in expected.items() if text not in reasons[name]} == {}
    assert not typed.year_file(QUARTERS, 2014).exists()
    assert not typed.year_file(FIVES, 2014).exists()


# Files without a greenhouse gas part


GAS_FREE: dict[str, str] = {
    # The day before the market of other areas began, and that day: the sum of FOUR misses 20.5.
    "prc_intvl_lmp/before.csv": file(
        FIVES,
        lines(FIVES, "2014-11-01T06:55", "24", FOUR | {"LMP": 20.5}, "A_1"),
        lines(FIVES, "2014-11-01T07:00", "01", FOUR | {"LMP": 20.5}, "A_1"),
        price="MW",
    ),
    "prc_rtpd_lmp/after.csv": file(
        QUARTERS,
        lines(QUARTERS, "2014-11-01T07:00", "01", FOUR | {"LMP": 20.5}, "A_1"),
        lines(QUARTERS, "2014-11-01T07:00", "01", FOUR, "B_1"),
        price="PRC",
    ),
    "gridstatus_lmp/day ahead.csv": f"""{LIBRARY.removesuffix(",GHG")}
2026-04-30 23:00:00-07:00,2026-04-30 23:00:00-07:00,2026-05-01 00:00:00-07:00,DAY_AHEAD_HOURLY,\
A_1,Node,30.5,20.0,1.0,0.5
2026-05-01 00:00:00-07:00,2026-05-01 00:00:00-07:00,2026-05-01 01:00:00-07:00,DAY_AHEAD_HOURLY,\
A_1,Node,30.5,20.0,1.0,0.5
""",
    "gridstatus_lmp/fives.csv": f"""{LIBRARY.removesuffix(",GHG")}
2022-06-01 00:00:00-07:00,2022-06-01 00:00:00-07:00,2022-06-01 00:05:00-07:00,REAL_TIME_5_MIN,\
A_1,Node,30.5,20.0,1.0,0.5
""",
}


def test_a_sum_without_the_part_is_unknown_once_other_areas_are_in_the_market(
    tmp_path: Path,
) -> None:
    """Before, the part is zero, so that three parts that miss the price are wrong."""
    for name, text in GAS_FREE.items():
        path = tmp_path / "raw/caiso" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    built = publish(tmp_path)
    refused = "{}: tests: components_add_up found 1 rows"
    assert {
        (entry["model"], entry["year"]): refused.format(entry["year"]) in built.ran.stderr
        for entry in status(built.out)["unpublished"]
    } == {("caiso_da_energy_hourly_nodal", 2026): True, (f"caiso_{FIVES}", 2014): True}
    assert "2026-05-01 06:00:00" in built.ran.stderr
    assert "2014-11-01 06:55:00" in built.ran.stderr
    after = (datetime(2014, 11, 1, 7, tzinfo=UTC), "prc_rtpd_lmp/after.csv")
    assert built.prices(QUARTERS, 2014) == [
        (after[0], "A_1", 20.5, 18.0, 1.5, -1.0, after[1]),
        (after[0], "B_1", 18.5, 18.0, 1.5, -1.0, after[1]),
    ]
    assert [row[2:6] for row in built.prices(FIVES, 2022)] == [(30.5, 20.0, 1.0, 0.5)]


# Real files


needs_samples = pytest.mark.skipif(
    not all((SAMPLES / "caiso" / report).is_dir() for report in ONLY),
    reason="no real files beside the repository (shared/samples)",
)


def copy_real_files(folder: Path) -> None:
    """Lay the real files beside the others, if they are there."""
    for report in ONLY:
        if (SAMPLES / "caiso" / report).is_dir():
            shutil.copytree(
                SAMPLES / "caiso" / report,
                folder / report,
                copy_function=shutil.copyfile,
                dirs_exist_ok=True,
            )


@pytest.fixture
def real(published: Published) -> Published:
    return published


@needs_samples
def test_each_quarter_of_the_real_file_is_a_row(real: Published) -> None:
    expected: dict[tuple[datetime, str, str], dict[str, float]] = defaultdict(dict)
    for source, text in texts_of(real.raw, "caiso/prc_rtpd_lmp").items():
        if not Path(source).name.startswith("2023"):
            continue
        for cells in csv.DictReader(io.StringIO(text)):
            utc = datetime.fromisoformat(cells["INTERVALSTARTTIME_GMT"])
            key = (utc, cells["NODE"], source.removeprefix("caiso/"))
            expected[key][cells["LMP_TYPE"]] = float(cells["PRC"])
    found = {
        (utc, node, source): prices for utc, node, *prices, source in real.prices(QUARTERS, 2023)
    }
    assert found == {
        key: [prices[name] for name in ("LMP", "MCE", "MCC", "MCL")]
        for key, prices in expected.items()
    }
    assert len(found) == 192


@needs_samples
def test_quarters_of_the_real_file_are_those_read_by_eye(real: Published) -> None:
    """The first and the last interval of the file, and those around Pacific midnight."""
    found = query(
        """
        select
            datetime_utc, datetime_local, delivery_hour, delivery_interval, lmp_total, lmp_energy,
            lmp_congestion, lmp_loss
        from read_parquet($1)
        order by datetime_utc
        """,
        str(real.year_file(QUARTERS, 2023)),
    )
    rows = {utc.astimezone(UTC).replace(tzinfo=None): tuple(row) for utc, *row in found}
    assert min(rows) == datetime(2023, 9, 18)
    assert max(rows) == datetime(2023, 9, 19, 23, 45)
    assert [rows[utc] for utc in (min(rows), max(rows))] == [
        (datetime(2023, 9, 17, 17), 18, 1, 23.9984, 24.13477, 0.0012, -0.13758),
        (datetime(2023, 9, 19, 16, 45), 17, 4, 34.25605, 37.3364, -3.03182, -0.04854),
    ]
    assert rows[datetime(2023, 9, 18, 6, 45)] == (
        *(datetime(2023, 9, 17, 23, 45), 24, 4),
        *(32.616, 32.47192, 0.0012, 0.14288),
    )
    assert rows[datetime(2023, 9, 18, 7)] == (
        *(datetime(2023, 9, 18), 1, 1),
        *(32.5862, 32.41965, 0.0012, 0.16535),
    )


@needs_samples
def test_quoted_lines_of_five_minutes_are_a_row_without_loss(real: Published) -> None:
    assert real.prices(FIVES, 2025) == [
        (
            *(datetime(2025, 7, 18, 7, tzinfo=UTC), "TH_NP15_GEN-APND"),
            *(50.48609, 48.9464, -1.68082, None),
            "prc_intvl_lmp/quoted/20250718_PRC_INTVL_LMP_RTM_v3.csv",
        )
    ]
    assert "has 1 rows without loss: they are published without" in real.ran.stderr
