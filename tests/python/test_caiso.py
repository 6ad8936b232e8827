"""CAISO's day-ahead prices: OASIS downloads in, what they say published."""

from __future__ import annotations

import csv
import io
import re
import shutil
import zipfile
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

import building
from building import BAD_SAMPLES, SAMPLES, Ran, query, status, work_database
from test_round_trip import Winners, assert_equals_truth, texts_of, unpacked
from unified_iso.sample import SampleOptions, write_sample

pytestmark = pytest.mark.builds

DATASET = "caiso_da_energy_hourly_nodal"
REPORT = "caiso/prc_lmp"
# The folder of real files, below that of the report.
REAL = "real"
MERGED = "merged: equal to the published row"
JOINED = "merged: its components stand in the row with the LMP"
UNEQUAL = "superseded: unequal, no version tells which is right"


@dataclass(frozen=True)
class Built:
    """A raw folder, with the truth of each year beside it, and what was published of it."""

    raw: Path
    out: Path
    ran: Ran

    def year_file(self, year: int) -> Path:
        folder = self.out / "parquet/caiso/da_energy_hourly_nodal"
        return folder / f"da_energy_hourly_nodal_{year}.parquet"

    def truth(self, year: int) -> Path:
        return self.raw.parent / f"truth_{year}.parquet"

    def counted(self, source: str) -> dict[str, int]:
        """Rows of a raw file by term and reason."""
        with work_database(self.out) as connection:
            rows = connection.execute(
                """
                select term || coalesce(': ' || reason, ''), sum(rows)::bigint
                from inventory.accounts
                where model = $1 and data_source = $2
                group by all
                """,
                [DATASET, f"{REPORT}/{source}"],
            ).fetchall()
        return dict(rows)

    def prices(self, year: int, node: str) -> list[tuple[Any, ...]]:
        """Hour, total, energy, congestion, loss and file of a node's rows."""
        rows = query(
            """
            select datetime_utc, lmp_total, lmp_energy, lmp_congestion, lmp_loss, data_source
            from read_parquet($1)
            where settlement_location_id = $2
            order by all
            """,
            str(self.year_file(year)),
            node,
        )
        return [
            (utc.astimezone(UTC), *values, source.removeprefix(f"{REPORT}/"))
            for utc, *values, source in rows
        ]


def build(raw: Path, out: Path, *options: str) -> Built:
    return Built(raw, out, building.build(raw, out, "caiso", *options, check=None))


# Generated files: a case per year.


def write_year(folder: Path, starts: list[date], options: SampleOptions) -> None:
    """Add three days from each start to the raw folder, and their truth beside it."""
    truths = []
    for start in starts:
        write_sample(folder / "raw", isos=["caiso"], start=start, days=3, nodes=20, options=options)
        truths.append(folder / f"truth_{start:%Y%m%d}.parquet")
        (folder / "raw/truth/caiso/da_energy_hourly_nodal.parquet").rename(truths[-1])
    names = ", ".join(f"'{path}'" for path in truths)
    target = folder / f"truth_{starts[0].year}.parquet"
    query(f"copy (from read_parquet([{names}])) to '{target}'")
    shutil.rmtree(folder / "raw/truth")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """Publish everything at once: each case has delivery years of its own."""
    folder = tmp_path_factory.mktemp("caiso")
    write_year(folder, [date(2025, 3, 8), date(2025, 11, 1)], SampleOptions())
    write_year(folder, [date(2021, 11, 6)], SampleOptions(packaging="zip"))
    write_year(folder, [date(2016, 3, 12)], SampleOptions(packaging="zip", days_per_file=2))
    write_year(folder, [date(2015, 10, 31)], SampleOptions(packaging="csv.gz"))
    # The same days three times: as windows, as GroupZips, and once more in another folder.
    write_year(folder, [date(2026, 10, 31)], SampleOptions(packaging="zip"))
    write_year(folder, [date(2026, 10, 31)], SampleOptions(overlap=False))
    shutil.copytree(folder / "raw" / REPORT, folder / "copies", ignore=not_of_2026)
    shutil.move(folder / "copies", folder / "raw" / REPORT / "copies")
    write_typed(folder / "raw" / REPORT)
    copy_real_files(folder / "raw" / REPORT / REAL)
    return build(folder / "raw", folder / "out")


def not_of_2026(folder: str, names: list[str]) -> list[str]:
    return [name for name in names if not name.startswith("2026")]


@pytest.mark.parametrize("year", [2015, 2016, 2021, 2025])
def test_what_is_published_is_the_truth(built: Built, year: int) -> None:
    assert_equals_truth(built.year_file(year), built.truth(year))


def test_nothing_is_left_out_but_what_cannot_be_right(built: Built) -> None:
    told = status(built.out)
    stopped = {year for year, _ in STOPPED}
    assert {entry["year"] for entry in told["unpublished"]} == {2017, *stopped}
    rejected = {entry["file"].removeprefix(f"{REPORT}/") for entry in told["rejected"]}
    assert rejected == {"unknown.csv", "real time.csv", "no lmp.csv"}
    assert not [entry for entry in told["refused"] if is_generated(entry["file"])]


def test_of_equal_files_the_greatest_path_with_the_lmp_is_the_source(built: Built) -> None:
    winners: Winners = {}
    for source, line in lines_of_year(built.raw, "2026"):
        if line["LMP_TYPE"] == "LMP":
            utc = datetime.fromisoformat(line["INTERVALSTARTTIME_GMT"])
            winners["caiso", utc, line["NODE"]] = (1, source)
    assert {Path(source).parts[2] for _, source in winners.values()} == {"copies"}
    assert_equals_truth(built.year_file(2026), built.truth(2026), winners)


def lines_of_year(raw: Path, year: str) -> Iterator[tuple[str, dict[str, str]]]:
    for source, text in sorted(generated_texts(raw).items()):
        if f"/{year}" in source:
            yield from ((source, line) for line in csv.DictReader(io.StringIO(text)))


def test_a_change_of_the_clock_has_23_and_25_hours(built: Built) -> None:
    for day, hours in (
        (date(2015, 11, 1), 25),
        (date(2026, 11, 1), 25),
        (date(2016, 3, 13), 23),
        (date(2021, 11, 7), 25),
        (date(2025, 3, 9), 23),
        (date(2025, 11, 2), 25),
    ):
        assert query(
            "select count(distinct datetime_utc) from read_parquet($1) where delivery_date = $2",
            str(built.year_file(day.year)),
            day,
        ) == [(hours,)]


def test_rows_of_a_group_zip_are_merged_into_the_one_with_the_lmp(built: Built) -> None:
    member = "{0}_{0}_DAM_LMP_GRP_N_N_v12_csv.zip!{0}_{0}_PRC_LMP_DAM_{1}_v12.csv"
    for component in ("MCC", "MCE", "MCL", "MGHG"):
        assert built.counted(member.format("20211107", component)) == {
            "parsed": 500,
            JOINED: 500,
        }
        assert built.counted(member.format("20261101", component)) == {
            "parsed": 500,
            JOINED: 500,
        }
    assert built.counted(member.format("20211107", "LMP")) == {"parsed": 500, "published": 500}
    assert built.counted(member.format("20261101", "LMP")) == {"parsed": 500, MERGED: 500}


def test_the_hour_that_windows_share_is_merged(built: Built) -> None:
    (first,) = (built.raw / REPORT).glob("20251101_20251101_*")
    assert built.counted(first.name) == {"parsed": 18 * 20, "published": 17 * 20, MERGED: 20}


def test_every_line_is_used(built: Built) -> None:
    with work_database(built.out) as connection:
        found = connection.execute(
            "select data_source, lines, lines_used from inventory.raw_files order by all"
        ).fetchall()
    expected = {source: text.count("\n") - 1 for source, text in generated_texts(built.raw).items()}
    assert {source: used for source, _, used in found if is_generated(source)} == expected
    assert {source: lines for source, lines, _ in found if is_generated(source)} == expected


def generated_texts(raw: Path) -> dict[str, str]:
    texts: dict[str, str] = {}
    for path in (raw / REPORT).rglob("*"):
        source = path.relative_to(raw).as_posix()
        if is_generated(source):
            texts |= unpacked(source, path.read_bytes())
    return texts


def is_generated(source: str) -> bool:
    """Whether the generator wrote a file: it lies in no folder of its own, and is named by days."""
    return re.match(rf"{REPORT}/(copies/)?\d{{8}}_", source) is not None


# Files typed from the description of the format.


DAY_AHEAD = (
    "INTERVALSTARTTIME_GMT,INTERVALENDTIME_GMT,OPR_DT,OPR_HR,OPR_INTERVAL,NODE_ID_XML,NODE_ID,NODE,"
    "MARKET_RUN_ID,LMP_TYPE,XML_DATA_ITEM,PNODE_RESMRID,GRP_TYPE,POS,MW,GROUP"
)
REAL_TIME = (
    "INTERVALSTARTTIME_GMT,INTERVALENDTIME_GMT,OPR_DT,OPR_HR,NODE_ID_XML,NODE_ID,NODE,"
    "MARKET_RUN_ID,LMP_TYPE,XML_DATA_ITEM,PNODE_RESMRID,GRP_TYPE,POS,PRC,OPR_INTERVAL,GROUP"
)
FIVE = {"LMP": 20.5, "MCE": 18.0, "MCC": 1.5, "MCL": -1.0, "MGHG": 2.0}
FOUR = {"LMP": 18.5, "MCE": 18.0, "MCC": 1.5, "MCL": -1.0}


def line(stamp: str, node: str, component: str, price: object, market: str = "DAM") -> str:
    """A line of the day-ahead header; only what a reader should look at is true."""
    start = datetime.fromisoformat(f"{stamp}:00:00+00:00")
    local, before = (
        moment.astimezone(ZoneInfo("America/Los_Angeles")).replace(tzinfo=None)
        for moment in (start, start - timedelta(hours=1))
    )
    label = 25 if local == before else local.hour + 1
    end = start + timedelta(hours=1)
    return (
        f"{stamp}:00:00-00:00,{end:%Y-%m-%dT%H:%M:%S}-00:00,{local:%Y-%m-%d},{label},0,x,x,"
        f"{node},{market},{component},x,x,ALL,1,{price},7"
    )


def lines(stamp: str, node: str, prices: Mapping[str, object]) -> list[str]:
    return [line(stamp, node, component, price) for component, price in prices.items()]


def table(*rows: str, header: str = DAY_AHEAD, end: str = "\n") -> str:
    return "\n".join([header, *rows]) + end


def zipped(members: Mapping[str, str | bytes]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    return content.getvalue()


ERROR = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<m:OASISReport xmlns:m="http://www.caiso.com/soa/OASISReport_v1.xsd">\n'
    + 12
    * "<m:DISCLAIMER>subject to change</m:DISCLAIMER>\n"
    + "<m:ERROR>\n<m:ERR_CODE>{}</m:ERR_CODE>\n<m:ERR_DESC>{}</m:ERR_DESC>\n</m:ERROR>\n"
    "</m:OASISReport>\n"
)
NO_DATA = ERROR.format(1000, "No data returned for the specified selection")
QUEUED = ERROR.format(1015, "GroupZip DownLoad is in Processing, Please Submit request after")
THROTTLE = (
    "<html><body><p>CAISO Acceptable Use Policy Violation. Please retry your request after 5 "
    "seconds.</p></body></html>"
)
FALL = {7: 1, 8: 2, 9: 25, 10: 3}

TYPED: dict[str, str | bytes] = {
    # 2013: the header of another report, prices as it writes them, and clock changes.
    "fall.csv": table(
        *(
            line(f"2013-11-03T{utc:02}", "FALL_1_N001", "LMP", f"{label}.5")
            for utc, label in reversed(FALL.items())
        )
    ),
    "other header.csv": table(
        "2013-06-01T07:00:00-00:00,2013-06-01T08:00:00-00:00,2013-06-01,01,x,x,TH_A_GEN-APND,DAM,"
        "MCC,LMP_CONG_PRC,x,ALL_APNODES,0,-1.68082,1,1",
        "2013-06-01T07:00:00-00:00,2013-06-01T08:00:00-00:00,2013-06-01,01,x,x,TH_A_GEN-APND,DAM,"
        "LMP,LMP_PRC,x,ALL_APNODES,0,48.94640,1,1",
        header=REAL_TIME,
        end="",
    ),
    "value.csv": table(
        "2013-06-01T07:00:00-00:00,2013-06-01T08:00:00-00:00,2013-06-01,01,x,x,DLAP_A-APND,DAM,"
        "LMP,LMP_PRC,x,ALL_APNODES,0,0,1,1",
        header=REAL_TIME.replace("PRC,OPR", "VALUE,OPR"),
    ),
    # 2012: components of one node-hour in many files, some of them missing.
    "group.zip": zipped(
        {
            f"part_{component}.csv": table(
                line("2012-06-01T07", "ALL_1_N001", component, price),
                *([line("2012-06-01T07", "SOME_1_N001", component, price)] * (component != "MCL")),
            )
            for component, price in FIVE.items()
        }
    ),
    "only lmp.csv": table(line("2012-06-01T08", "ALL_1_N001", "LMP", 30)),
    "a/download.csv": table(
        *lines("2012-06-02T07", "EQUAL_1_N001", FOUR),
        *lines("2012-06-02T07", "OTHER_1_N001", FOUR),
        *lines("2012-06-02T07", "TWICE_1_N001", FOUR | {"LMP": 99, "MCE": 98.5}),
        *lines("2012-06-02T07", "TWICE_1_N001", FOUR),
        *lines("2012-06-02T08", "EQUAL_1_N001", FOUR)[:1] * 2,
    ),
    "b/later download.csv": table(
        *lines("2012-06-02T07", "EQUAL_1_N001", FOUR)[::-1],
        *lines("2012-06-02T07", "OTHER_1_N001", {"LMP": 19.5, "MCC": 2.5}),
    ),
    # What can't be right, each in a year of its own.
    "unknown.csv": table(
        *lines("2010-06-01T07", "GOOD_1_N001", FOUR),
        line("2010-06-01T07", "GOOD_1_N001", "MCX", 4),
    ),
    "real time.csv": table(
        *lines("2014-06-01T07", "GOOD_1_N001", FOUR),
        line("2014-06-01T07", "GOOD_1_N001", "LMP", 4, market="RTPD"),
    ),
    "no lmp.csv": table(
        *lines("2011-06-01T07", "GOOD_1_N001", FOUR),
        line("2011-06-01T08", "GOOD_1_N001", "MCE", 4),
    ),
    "gas.csv": table(*lines("2017-06-01T07", "GOOD_1_N001", FIVE | {"MGHG": 1.99})),
    # A part that one node lacks.
    "lacking gas.csv": table(
        *lines("2018-06-01T07", "GOOD_1_N001", FIVE),
        *lines("2018-06-01T07", "A", {name: FIVE[name] for name in FIVE if name != "MGHG"}),
    ),
    # No reports.
    "no data.zip": zipped({"20210215_20210215_PRC_LMP_DAM_v1.xml": NO_DATA}),
    "no data.csv": NO_DATA,
    "queued.zip": zipped({"INVALID_REQUEST.xml": QUEUED}),
    "queued.xml": QUEUED,
    "throttle.html": THROTTLE,
    "throttle.csv": THROTTLE,
    "throttle.zip": THROTTLE.encode(),
    "too wide.zip": zipped({}),
    "empty.csv": "",
    "no times.csv": table(
        "2018-06-01 07:00,1,0,x,x,A_1_N001,DAM,LMP,x,x,ALL,1,20.5,7",
        header=DAY_AHEAD.replace("INTERVALSTARTTIME_GMT,INTERVALENDTIME_GMT,OPR_DT", "timestamp"),
    ),
    "renamed.csv": table(
        "0," + line("2018-06-01T07", "A_1_N001", "LMP", 20.5),
        header="," + DAY_AHEAD.replace("MW", "$_MWH"),
    ),
    "map.csv": "node_id,lat,lon,price_dp\nA_1_N001,38.1,-121.2,20.5\n",
}


def write_typed(folder: Path) -> None:
    for name, content in TYPED.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)


@pytest.fixture
def typed(built: Built) -> Built:
    return built


def test_the_25th_label_is_the_third_hour(typed: Built) -> None:
    assert [(utc.hour, total) for utc, total, *_ in typed.prices(2013, "FALL_1_N001")] == [
        (utc, label + 0.5) for utc, label in FALL.items()
    ]


def test_the_value_column_has_three_names(typed: Built) -> None:
    hour = datetime(2013, 6, 1, 7, tzinfo=UTC)
    assert typed.prices(2013, "TH_A_GEN-APND") == [
        (hour, 48.9464, None, -1.68082, None, "other header.csv")
    ]
    assert typed.prices(2013, "DLAP_A-APND") == [(hour, 0.0, None, None, None, "value.csv")]
    assert query(
        "select settlement_location, settlement_location_type from read_parquet($1) "
        "where settlement_location like '%-APND' order by all",
        str(typed.year_file(2013)),
    ) == [("DLAP_A-APND", "ZONE"), ("TH_A_GEN-APND", "HUB")]


def test_components_come_together_and_a_missing_one_is_null(typed: Built) -> None:
    hour = datetime(2012, 6, 1, 7, tzinfo=UTC)
    lmp = "group.zip!part_LMP.csv"
    assert typed.prices(2012, "ALL_1_N001") == [
        (hour, 20.5, 18.0, 1.5, -1.0, lmp),
        (hour + timedelta(hours=1), 30.0, None, None, None, "only lmp.csv"),
    ]
    assert typed.prices(2012, "SOME_1_N001") == [(hour, 20.5, 18.0, 1.5, None, lmp)]
    assert typed.counted("group.zip!part_MCL.csv") == {"parsed": 1, JOINED: 1}
    assert typed.counted("group.zip!part_MCE.csv") == {"parsed": 2, JOINED: 2}


def rows_without_components(out: Path) -> dict[str, tuple[int, ...]]:
    """By file: rows that lack one, and those that lack energy, congestion, loss, greenhouse gas."""
    with work_database(out) as connection:
        warned = connection.execute(
            "select * exclude (delivery_year)"
            " from main_audit.components_are_complete_caiso_da_energy_hourly_nodal_"
        ).fetchall()
    return {source.removeprefix(f"{REPORT}/"): tuple(numbers) for source, *numbers in warned}


def test_files_with_missing_components_are_listed(typed: Built) -> None:
    found = rows_without_components(typed.out)
    assert found["group.zip!part_LMP.csv"] == (1, 0, 0, 1, 0)
    assert found["only lmp.csv"] == (1, 1, 1, 1, 0)
    assert found["other header.csv"] == (1, 1, 0, 1, 0)
    assert "b/later download.csv" not in found


def test_a_later_download_counts_component_by_component(typed: Built) -> None:
    hour = datetime(2012, 6, 2, 7, tzinfo=UTC)
    later = "b/later download.csv"
    assert typed.prices(2012, "EQUAL_1_N001")[:1] == [(hour, 18.5, 18.0, 1.5, -1.0, later)]
    assert typed.prices(2012, "OTHER_1_N001") == [(hour, 19.5, 18.0, 2.5, -1.0, later)]


def test_of_a_line_that_comes_twice_the_later_one_counts(typed: Built) -> None:
    hour = datetime(2012, 6, 2, 7, tzinfo=UTC)
    assert typed.prices(2012, "TWICE_1_N001") == [(hour, 18.5, 18.0, 1.5, -1.0, "a/download.csv")]


def test_what_repeats_is_counted_as_what_it_is(typed: Built) -> None:
    # TWICE: the spoilt first copy; OTHER: what the later file changed.
    assert typed.counted("a/download.csv") == {"parsed": 6, "published": 2, MERGED: 2, UNEQUAL: 2}
    assert typed.counted("b/later download.csv") == {"parsed": 2, "published": 2}
    with work_database(typed.out) as connection:
        assert connection.execute(
            "select lines, lines_used from inventory.raw_files where data_source like '%/a/%'"
        ).fetchall() == [(18, 18)]


STOPPED = (
    (2010, "unknown.csv line 6: unknown LMP_TYPE MCX: mend the file"),
    (2014, "real time.csv line 6: MARKET_RUN_ID RTPD is not DAM: mend the file"),
    (2011, "no lmp.csv line 6: no line with the LMP: mend the file"),
)


@pytest.mark.parametrize(("year", "told"), STOPPED)
def test_what_cannot_be_right_stops_its_year_by_name(typed: Built, year: int, told: str) -> None:
    assert typed.ran.exit_code == 1
    assert told in typed.ran.stderr
    assert not typed.year_file(year).exists()


def test_a_sum_without_its_greenhouse_gas_part_is_not_published(typed: Built) -> None:
    assert typed.ran.exit_code == 1
    assert "2017: tests: components_add_up" in typed.ran.stderr
    assert not typed.year_file(2017).exists()


def test_a_greenhouse_gas_part_that_one_node_lacks_is_missing_and_counted(typed: Built) -> None:
    hour = datetime(2018, 6, 1, 7, tzinfo=UTC)
    assert typed.prices(2018, "A") == [(hour, 20.5, 18.0, 1.5, -1.0, "lacking gas.csv")]
    assert rows_without_components(typed.out)["lacking gas.csv"] == (1, 0, 0, 0, 1)


def test_the_rest_of_a_year_is_published_when_allowed(typed: Built) -> None:
    again = build(typed.raw, typed.out, "--allow-rejects", "--year", "2010")
    assert again.ran.exit_code == 3
    hour = datetime(2010, 6, 1, 7, tzinfo=UTC)
    assert again.prices(2010, "GOOD_1_N001") == [(hour, 18.5, 18.0, 1.5, -1.0, "unknown.csv")]
    assert again.counted("unknown.csv") == {
        "parsed": 2,
        "published": 1,
        "rejected: unknown LMP_TYPE MCX": 1,
    }


def test_files_that_are_no_report_are_refused_as_what_they_are(typed: Built) -> None:
    reasons = {
        entry["file"].removeprefix(f"{REPORT}/"): entry["reason"]
        for entry in status(typed.out)["refused"]
        if not entry["file"].startswith(f"{REPORT}/{REAL}/")
    }
    expected = {
        "no data.zip": "1000: No data returned for the specified selection",
        "no data.csv": "1000: No data returned for the specified selection",
        "queued.zip": "1015: GroupZip DownLoad is in Processing",
        "queued.xml": "1015: GroupZip DownLoad is in Processing",
        "throttle.html": "CAISO Acceptable Use Policy Violation",
        "throttle.csv": "CAISO Acceptable Use Policy Violation",
        "throttle.zip": "CAISO Acceptable Use Policy Violation",
        "too wide.zip": "it is empty",
        "empty.csv": "is empty",
        "no times.csv": "it has timestamp and no INTERVALSTARTTIME_GMT in line 1",
        "renamed.csv": "it has $_MWH and no MW in line 1",
        "map.csv": "no header of prc_lmp",
    }
    assert reasons.keys() == expected.keys()
    assert {name: text for name, text in expected.items() if text not in reasons[name]} == {}


# Real files


needs_samples = pytest.mark.skipif(
    not ((SAMPLES / REPORT).is_dir() and BAD_SAMPLES.is_dir()),
    reason="no real files beside the repository (shared/samples, shared/samples_bad)",
)


def copy_real_files(folder: Path) -> None:
    """Lay the real files beside the others, if they are there, with some of other reports."""
    if not ((SAMPLES / REPORT).is_dir() and BAD_SAMPLES.is_dir()):
        return
    folder.mkdir()
    rtpd = sorted((SAMPLES / "caiso/prc_rtpd_lmp").rglob("*.csv"))
    for path in [*(SAMPLES / REPORT).rglob("*.csv"), *rtpd, *BAD_SAMPLES.glob("caiso_*")]:
        (folder / path.name).write_bytes(path.read_bytes())
    (folder / "real time.csv").write_bytes(rtpd[-1].read_bytes())


@pytest.fixture
def real(built: Built) -> Built:
    return built


@needs_samples
def test_each_hour_of_a_real_file_is_a_row(real: Built) -> None:
    expected: dict[tuple[datetime, str, str], dict[str, float]] = defaultdict(dict)
    for source, text in texts_of(real.raw, f"{REPORT}/{REAL}").items():
        for cells in csv.DictReader(io.StringIO(text)):
            if cells.get("MARKET_RUN_ID") == "DAM":
                utc = datetime.fromisoformat(cells["INTERVALSTARTTIME_GMT"])
                key = (utc, cells["NODE"], source)
                expected[key][cells["LMP_TYPE"]] = float(cells["MW"])
    rows = query(
        """
        select
            datetime_utc, settlement_location_id, data_source, lmp_total, lmp_energy,
            lmp_congestion, lmp_loss
        from read_parquet($1)
        where data_source like $2
        """,
        str(real.year_file(2019).with_stem("*")),
        f"{REPORT}/{REAL}/%",
    )
    names = ("LMP", "MCE", "MCC", "MCL")
    assert {(utc.astimezone(UTC), *key): prices for utc, *key, prices in map(split, rows)} == {
        key: tuple(prices[name] for name in names) for key, prices in expected.items()
    }
    assert len(rows) == 4_993 + 1_800 + 144 + 25


def split(row: tuple[Any, ...]) -> tuple[Any, ...]:
    return (*row[:3], row[3:])


@needs_samples
def test_values_of_real_files(real: Built) -> None:
    march = f"{REAL}/20190301_20190401_PRC_LMP_DAM_20200603_09_21_36_v1.csv"
    found = real.prices(2019, "NP15SLAK_5_N001")
    assert (datetime(2019, 3, 1, 17, tzinfo=UTC), march) in [(r[0], r[5]) for r in found]
    hours = {utc: prices for utc, *prices in found}
    assert hours[datetime(2019, 3, 1, 17, tzinfo=UTC)][0] == 41.57641
    assert hours[datetime(2019, 11, 2, 6, tzinfo=UTC)][0] == 39.69493
    day = real.prices(2024, "BAYSHOR2_1_N001")
    assert len(day) == 25
    assert day[0][:5] == (
        datetime(2024, 3, 12, 6, tzinfo=UTC),
        *(39.02539, 38.39948, 0.0, 0.62591),
    )
    labels = query(
        """
        select datetime_local::time::varchar, dst_flag
        from read_parquet($1)
        where delivery_date = date '2019-11-03' and settlement_location = 'NP15SLAK_5_N001'
        order by datetime_utc
        limit 4
        """,
        str(real.year_file(2019)),
    )
    assert labels == [
        ("00:00:00", "Y"),
        ("01:00:00", "Y"),
        ("01:00:00", "N"),
        ("02:00:00", "N"),
    ]


@needs_samples
def test_real_files_of_other_kinds_are_told(real: Built) -> None:
    reasons = {
        Path(e["file"]).name: e["reason"]
        for e in status(real.out)["refused"]
        if e["file"].startswith(f"{REPORT}/{REAL}/")
    }
    for name, reason in {
        "caiso_no_data.xml": "1000: No data returned",
        "caiso_groupzip_queued.xml": "1015: GroupZip DownLoad is in Processing",
        "caiso_throttle.html": "CAISO Acceptable Use Policy Violation",
        "20230917_20230919_PRC_RTPD_LMP_RTPD_20230921_11_49_39_v2.csv": "of caiso/prc_rtpd_lmp are",
    }.items():
        assert reason in reasons.pop(name)
    ((name, reason),) = reasons.items()
    assert name.endswith("real time.csv")
    assert "is another report: MARKET_RUN_ID is RTPD and DAM in no line" in reason
    assert not real.year_file(2023).exists()
