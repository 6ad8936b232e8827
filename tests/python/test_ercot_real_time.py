"""ERCOT in real time: quarters of an hour, two prices of a zone, and lambda by run of the dispatch.

One build serves most tests: each case lies in a delivery year of its own.
"""

from __future__ import annotations

import csv
import re
import shutil
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import openpyxl
import pytest

from building import SAMPLES, build, status, work_database
from ercot_case import Published, at, publish, publish_cases, rows, write
from test_round_trip import assert_equals_truth
from unified_iso.sample import SampleOptions

pytestmark = pytest.mark.builds

NAME = "rt_energy_15min"
DATASET = f"ercot_{NAME}"
REAL_FILES = SAMPLES / "ercot"
CHICAGO = ZoneInfo("America/Chicago")

QUARTERLY, YEARLY, RUNS = "ercot/np6-905-cd", "ercot/np6-785-er", "ercot/np6-322-cd"
LIST, GRIDSTATUS = "ercot/np4-160-sg", "ercot/gridstatus_lmp"
REPORTS = tuple(folder.partition("/")[2] for folder in (QUARTERLY, YEARLY, RUNS, LIST))
QUARTERLY_HEADER = (
    "DeliveryDate,DeliveryHour,DeliveryInterval,SettlementPointName,SettlementPointType,"
    "SettlementPointPrice,DSTFlag"
)
YEARLY_HEADER = (
    "Delivery Date,Delivery Hour,Delivery Interval,Repeated Hour Flag,Settlement Point Name,"
    "Settlement Point Type,Settlement Point Price"
)
RUNS_HEADER = "SCEDTimeStamp,RepeatedHourFlag,SystemLambda"
CAPPED_HEADER = "SCEDTimeStamp,RepeatedHourFlag,CappedSystemLambda,UncappedSystemLambda"

# Generated cases: first day, days and options. Each spans a clock change.
GENERATED = {
    2014: (date(2014, 11, 1), 3, SampleOptions(reports=REPORTS)),
    2013: (date(2013, 3, 9), 3, SampleOptions(reports=REPORTS, packaging="zip")),
    2017: (
        date(2017, 11, 4),
        2,
        SampleOptions(reports=REPORTS, packaging="csv.gz", overlap=False),
    ),
}


def quarterly(posted: str, ending: str) -> str:
    return f"cdr.00012301.0000000000000000.{posted}.SPPHLZNP6905_{ending}.csv"


def api_reply(raw: Path) -> None:
    """A csv that a script made of the public API's reply: its names, dates, words and order."""
    write(
        raw / QUARTERLY / "api/west 2016.csv",
        "deliveryDate,deliveryHour,deliveryInterval,settlementPoint,settlementPointType,"
        "settlementPointPrice,DSTFlag",
        "2016-11-06,3,1,LZ_WEST,LZ,9.54,false",
        "2016-11-06,2,1,LZ_WEST,LZEW,14.12,true",
        "2016-11-06,2,1,LZ_WEST,LZ,14.11,true",
        "2016-11-06,2,4,LZ_WEST,LZ,11.63,false",
        "2016-11-06,1,1,LZ_WEST,LZ,-0,false",
    )


def postings(raw: Path) -> None:
    """A quarter posted twice, a book and a row of gridstatus beside it, and runs of two days."""
    quarter = "06/15/2020,24,4"
    write(
        raw / QUARTERLY / "a" / quarterly("20200616.000600", "retry_20200616_0000"),
        QUARTERLY_HEADER,
        f"{quarter},HB_NORTH,HU,20.25,N",
        f"{quarter},LZ_RAYBN,LZEW,21,N",
    )
    write(
        raw / QUARTERLY / "b" / quarterly("20200616.000206", "20200616_0000"),
        QUARTERLY_HEADER,
        f"{quarter},HB_NORTH,HU,10.5,N",
        f"{quarter},DC_E,LZ_DC,12,N",
        f"{quarter},DC_E,LZ_DCEW,13,N",
    )
    write(
        raw / YEARLY / "RTM-2020-06.csv",
        YEARLY_HEADER,
        f"{quarter},N,HB_NORTH,HU,7.00",
        f'{quarter},N,LZ_RAYBN,LZ,"1,008.10"',
        "06/16/2020,1,1,N,HB_NORTH,HU,8.00",
    )
    write(
        raw / GRIDSTATUS / "2020.csv",
        "Time,Interval Start,Interval End,Location,Location Type,Market,SPP",
        "2020-06-15 23:45:00-05:00,2020-06-15 23:45:00-05:00,2020-06-16 00:00:00-05:00,"
        "LZ_RAYBN_EW,Load Zone Energy Weighted,REAL_TIME_15_MIN,99.5",
        "2020-06-15 23:45:00-05:00,2020-06-15 23:45:00-05:00,2020-06-16 00:00:00-05:00,"
        "LZ_AEN_EW,Load Zone Energy Weighted,REAL_TIME_15_MIN,31.5",
    )
    write(
        raw / GRIDSTATUS / "hosted.csv",
        "interval_start_utc,interval_end_utc,location,location_type,market,spp",
        "2020-06-16T05:15:00Z,2020-06-16T05:30:00Z,DC_E_EW,Load Zone DC Tie Energy Weighted,"
        "REAL_TIME_15_MIN,32.5",
    )
    # 300 seconds of 10, 300 of 20 and 283 of 30; then 17 seconds of 30 and 883 of 50 and 60.
    write(
        raw / RUNS / "20200615.csv",
        RUNS_HEADER,
        "06/15/2020 23:45:17,N,10",
        "06/15/2020 23:50:17,N,20",
        "06/15/2020 23:55:17,N,30",
    )
    # Runs that came before, one of them with another lambda.
    write(
        raw / RUNS / "20200614.csv",
        RUNS_HEADER,
        "06/15/2020 23:45:17,N,10",
        "06/15/2020 23:50:17,N,19.5",
    )
    write(
        raw / RUNS / "20200616.csv",
        RUNS_HEADER,
        "06/16/2020 00:00:17,N,50",
        "06/16/2020 00:10:00,N,60",
    )


def workbook(raw: Path) -> None:
    """A yearly book with a blank row, one of a day, one below the data, and months to come."""
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    sheet.title = "Jan"
    sheet.append(YEARLY_HEADER.split(","))
    sheet.append(["01/31/2019", 24, 4, "N", "LZ_WEST", "LZ", 25])
    sheet.append([None] * 7)
    sheet.append(["01/31/2019"])
    sheet.append(["01/31/2019", 24, 4, "N", "LZ_WEST", "LZEW", -1.5])
    sheet.append(["01/01/2019", 1, 1, "N", "LZ_WEST", "LZ", 1])
    sheet.append([datetime(2019, 2, 1, 8, 18, 29), None, None, 2976, None, None, time(8, 18, 29)])
    book.create_sheet("Feb").append(YEARLY_HEADER.split(","))
    (raw / YEARLY).mkdir(parents=True, exist_ok=True)
    book.save(raw / YEARLY / "rpt.00013061.0000000000000000.RTMLZHBSPP_2019.xlsx")


# The years of the real files, which may not be redistributed and lie beside the repository.
REAL_YEARS = {2021: 3799, 2022: 10153, 2025: 1000, 2026: 28}
needs_samples = pytest.mark.skipif(
    not REAL_FILES.is_dir(), reason="no real files beside the repository (shared/samples)"
)


def real_files(raw: Path) -> None:
    """Lay the real files beside the others, if they are there."""
    for report in (QUARTERLY, YEARLY, RUNS, LIST):
        if (REAL_FILES.parent / report).is_dir():
            target = raw / report / "real"
            shutil.copytree(REAL_FILES.parent / report, target, copy_function=shutil.copyfile)


def turn_of_a_year(raw: Path) -> None:
    """Quarters before and after it, and the first run of the new year."""
    quarters = [
        f"{day},{hour},{quarter},HB_NORTH,HU,{number},N"
        for number, (day, hour, quarter) in enumerate(
            [("12/30/2011", 24, 4), ("12/31/2011", 24, 4), ("01/01/2012", 1, 1)], start=1
        )
    ]
    write(raw / QUARTERLY / "merged.csv", QUARTERLY_HEADER, *quarters)
    write(raw / RUNS / "a.csv", RUNS_HEADER, "01/01/2012 00:05:00,N,20")


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Published:
    """Publish what is sound; it is looked at in a copy, because the story below goes on."""
    folder = tmp_path_factory.mktemp("ercot")
    arranges = (api_reply, postings, workbook, turn_of_a_year, real_files)
    published = publish_cases(folder, NAME, GENERATED, arranges)
    shutil.copytree(published.out, folder / "kept")
    return replace(published, out=folder / "kept")


def test_everything_is_published_and_nothing_refused(published: Published) -> None:
    told = status(published.out)
    assert told["refused"] == told["rejected"] == told["unpublished"] == []
    years = {entry["year"] for entry in told["datasets"]}
    assert years - {*REAL_YEARS} == {2011, 2012, 2013, 2014, 2016, 2017, 2019, 2020}
    assert len(told["datasets"]) == len(years)


@pytest.mark.parametrize("year", GENERATED)
def test_published_rows_are_the_truth(published: Published, year: int) -> None:
    """Of 30 points eight zones and four ties come twice."""
    assert_equals_truth(Path(published.year(year)), published.truth[year])
    quarters = 4 * {2014: 73, 2013: 71, 2017: 49}[year]
    columns = "count(*), count(distinct datetime_utc), count(system_lambda)"
    assert rows(published.year(year), columns) == [(42 * quarters, quarters, 42 * quarters)]


def test_each_line_is_read_once(published: Published) -> None:
    """A book of days is one reading, though each of its days is a part."""
    with work_database(published.out) as database:
        [(lines,)] = database.execute(
            "select sum(lines)::bigint from inventory.raw_files where report <> 'np4-160-sg'"
        ).fetchall()
    (said,) = [line for line in published.ran.says if re.match(f"{DATASET}: .* lines done", line)]
    assert said == f"{DATASET}: {lines:,} lines done"


def test_a_csv_of_the_public_api_is_read(published: Published) -> None:
    columns = "datetime_utc, settlement_location, lmp_total, delivery_hour, delivery_interval"
    assert rows(published.year(2016), columns) == [
        (at("2016-11-06 05:00"), "LZ_WEST", 0.0, 1, 1),
        (at("2016-11-06 06:45"), "LZ_WEST", 11.63, 2, 4),
        (at("2016-11-06 07:00"), "LZ_WEST", 14.11, 2, 1),
        (at("2016-11-06 07:00"), "LZ_WEST_EW", 14.12, 2, 1),
        (at("2016-11-06 08:00"), "LZ_WEST", 9.54, 3, 1),
    ]
    assert not rows(published.year(2016), "1", "lmp_total = 0 and signbit(lmp_total)")


def test_the_posting_with_the_later_stamp_stands(published: Published) -> None:
    """Own reports go before gridstatus; lambda of a day goes on with the last run of the other.

    Of the first quarter 883 of 900 seconds have a run: (3000 + 6000 + 8490) / 883. The second has
    (510 + 583 * 50 + 300 * 60) / 900, and 10 minutes of 60 end within the third.
    """
    late = f"{QUARTERLY}/a/{quarterly('20200616.000600', 'retry_20200616_0000')}"
    early = f"{QUARTERLY}/b/{quarterly('20200616.000206', '20200616_0000')}"
    book = f"{YEARLY}/RTM-2020-06.csv"
    first, second, third = at("2020-06-16 04:45"), at("2020-06-16 05:00"), at("2020-06-16 05:15")
    columns = "datetime_utc, settlement_location, lmp_total, data_source, system_lambda"
    assert rows(published.year(2020), columns) == [
        (first, "DC_E", 12.0, early, 19.807475),
        (first, "DC_E_EW", 13.0, early, 19.807475),
        (first, "HB_NORTH", 20.25, late, 19.807475),
        (first, "LZ_AEN_EW", 31.5, f"{GRIDSTATUS}/2020.csv", 19.807475),
        (first, "LZ_RAYBN", 1008.1, book, 19.807475),
        (first, "LZ_RAYBN_EW", 21.0, late, 19.807475),
        (second, "HB_NORTH", 8.0, book, 52.955556),
        (third, "DC_E_EW", 32.5, f"{GRIDSTATUS}/hosted.csv", None),
    ]


def test_a_blank_row_of_a_book_is_no_price(published: Published) -> None:
    book = f"{YEARLY}/rpt.00013061.0000000000000000.RTMLZHBSPP_2019.xlsx!Jan"
    assert rows(published.year(2019), "datetime_utc, settlement_location, lmp_total") == [
        (at("2019-01-01 06:00"), "LZ_WEST", 1.0),
        (at("2019-02-01 05:45"), "LZ_WEST", 25.0),
        (at("2019-02-01 05:45"), "LZ_WEST_EW", -1.5),
    ]
    assert accounts(published, 2019) == [
        ("filtered", "blank row of a yearly book", 2),
        ("parsed", None, 5),
        ("published", None, 3),
    ]
    assert rows(published.year(2019), "distinct data_source") == [(book,)]


def accounts(published: Published, year: int) -> list[tuple[str, str | None, int]]:
    with work_database(published.out) as database:
        return database.execute(
            """
            select term, reason, sum(rows)::bigint
            from inventory.accounts
            where model = $1 and year(part) = $2
            group by all
            order by all
            """,
            [DATASET, year],
        ).fetchall()


def test_every_row_is_accounted_for(published: Published) -> None:
    """A run is two rows; the last one of the first day stands in a part of the next day too."""
    assert accounts(published, 2020) == [
        ("filtered", "joined to the prices as system_lambda", 14),
        ("parsed", None, 25),
        ("published", None, 8),
        ("superseded", "unequal, no version tells which is right", 3),
    ]


def test_unequal_lambdas_of_a_run_are_told_once(published: Published) -> None:
    told = [e for e in status(published.out)["findings"] if e["test"] == "lambdas_agree"]
    assert [(e["model"], e["part"], e["rows"]) for e in told] == [(DATASET, "2020-06-15", 1)]
    with work_database(published.out) as database:
        [(relation,)] = database.execute(
            "select relation from inventory.test_results where name = $1 and node = $2",
            ["lambdas_agree", DATASET],
        ).fetchall()
        found = database.execute(f"select columns(* exclude (delivery_year)) from {relation}")
        assert found.fetchall() == [(at("2020-06-16 04:50:17"), 20.0, 19.5, f"{RUNS}/20200614.csv")]


# A story that goes on where everything was published: runs come, with bad files beside them.


def bad_files(raw: Path) -> None:
    """Bad files beside a sound one, and a sound file with rows that can't be right."""
    write(
        raw / QUARTERLY / "sound.csv",
        QUARTERLY_HEADER,
        "03/11/2018,2,4,HB_WEST,HU,20,N",
        "03/11/2018,3,1,HB_WEST,HU,21,N",
        "03/11/2018,4,1,LZ_WEST,LZXX,22,N",
        "03/11/2018,4,1,HB_WEST,HU,23,N",
    )
    write(
        raw / QUARTERLY / "no type.csv",
        QUARTERLY_HEADER.replace("SettlementPointType,", ""),
        "03/11/2018,12,1,LZ_AEN,21.71,N",
    )
    write(
        raw / QUARTERLY / "day-ahead.csv",
        "DeliveryDate,HourEnding,SettlementPoint,SettlementPointPrice,DSTFlag",
        "03/11/2018,06:00,HB_WEST, 24,N",
    )
    write(
        raw / RUNS / "adders.csv",
        "SCEDTimestamp,RepeatedHourFlag,SettlementPoint,LMP",
        "03/11/2018 00:40:18,N,APPALOSA_ALL,      -38.25",
    )


@pytest.fixture(scope="module")
def story(published: Published) -> list[Published]:
    """Copies of what two builds published, and what one more with nothing new said."""
    raw, options = published.raw, ("--allow-rejects",)
    told = []
    # The last run of a year is in force as the next one begins; of its two lambdas one is capped.
    for name, run in (("b", "23:55:00,N,10,5000"), ("c", "23:45:30,N,40,40")):
        write(raw / RUNS / f"{name}.csv", CAPPED_HEADER, f"12/31/2011 {run}")
        bad_files(raw)
        ran = publish(raw, {}, NAME, *options, check=3)
        shutil.copytree(ran.out, raw.with_name(name))
        told.append(replace(ran, out=raw.with_name(name)))
    return [*told, publish(raw, {}, NAME, *options, check=3)]


def test_runs_that_come_later_rebuild_the_quarters_they_reach_into(
    published: Published, story: list[Published], tmp_path: Path
) -> None:
    columns = "lmp_total, system_lambda"
    assert rows(published.year(2012), columns) == [(3.0, 20.0)]
    assert rows(published.year(2011), columns) == [(1.0, None), (2.0, None)]
    second, third, again = story
    # 300 seconds of 10 and 600 of 20.
    assert rows(second.year(2012), columns) == [(3.0, 16.666667)]
    assert rows(second.year(2011), columns) == [(1.0, None), (2.0, None)]
    # 570 seconds of 40 and 300 of 10.
    assert rows(third.year(2011), columns) == [(1.0, None), (2.0, 29.655172)]
    assert not [line for line in again.ran.says if line.startswith(DATASET)]
    anew = replace(third, out=tmp_path)
    years = ("--years", "2011-2012")
    build(anew.raw, anew.out, "ercot", *years, "--allow-rejects", check=3)
    for year in (2011, 2012):
        assert Path(anew.year(year)).read_bytes() == Path(third.year(year)).read_bytes()


@pytest.fixture
def spoiled(story: list[Published]) -> Published:
    return story[0]


def test_bad_files_are_refused_for_what_they_are(spoiled: Published) -> None:
    refused = {entry["file"]: entry["reason"] for entry in status(spoiled.out)["refused"]}
    for file, words in (
        (f"{QUARTERLY}/no type.csv", "lacks settlement_point_type"),
        (f"{QUARTERLY}/day-ahead.csv", "header of ercot/np4-190-cd"),
        (f"{RUNS}/adders.csv", "is another report"),
    ):
        assert words in refused.pop(file), file
    assert refused == {}


def test_rows_that_cannot_be_are_rejected_with_their_line(spoiled: Published) -> None:
    (rejected,) = status(spoiled.out)["rejected"]
    assert (rejected["file"], rejected["line"], rejected["rows"]) == (
        *(f"{QUARTERLY}/sound.csv", 3, 2),
    )
    assert "does not exist on the spring" in rejected["reason"]
    assert rows(spoiled.year(2018), "datetime_utc, lmp_total") == [
        (at("2018-03-11 07:45"), 20.0),
        (at("2018-03-11 08:00"), 23.0),
    ]


# Real files.


@pytest.fixture
def real(published: Published) -> Published:
    return published


def raw_rows(raw: Path) -> Iterator[tuple[tuple[datetime, str], float]]:
    """Start, name and price of all lines of the real files, none of them of a repeated hour."""
    for report in (QUARTERLY, YEARLY):
        for path in sorted((raw / report / "real").rglob("*")):
            if path.suffix == ".zip":
                with zipfile.ZipFile(path) as archive:
                    text = archive.read(archive.namelist()[0]).decode()
            elif path.suffix == ".csv":
                text = path.read_text()
            else:
                continue
            for cells in list(csv.reader(text.splitlines()))[1:]:
                day, hour, quarter, *rest = cells
                flag = rest.pop(0) if report == YEARLY else rest.pop()
                name, kind, price = rest
                assert flag == "N"
                local = datetime.strptime(day, "%m/%d/%Y") + timedelta(
                    hours=int(hour) - 1, minutes=15 * (int(quarter) - 1)
                )
                weighted = "_EW" if kind.endswith("EW") else ""
                yield (
                    (local.replace(tzinfo=CHICAGO).astimezone(UTC), name + weighted),
                    float(price.replace(",", "")),
                )


@needs_samples
def test_real_files_are_published_whole(real: Published) -> None:
    told = status(real.out)
    assert told["refused"] == told["rejected"] == told["unpublished"] == []
    expected = dict(raw_rows(real.raw))
    found = rows(
        real.year(2025).replace("2025", "*"),
        "datetime_utc, settlement_location_id, lmp_total",
        "data_source like '%/real/%'",
    )
    assert {(start, name): price for start, name, price in found} == expected
    assert len(found) == len(expected) == len(list(raw_rows(real.raw)))
    counted = {entry["year"]: entry["rows"] for entry in told["datasets"]}
    assert {year: counted[year] for year in REAL_YEARS} == REAL_YEARS


@needs_samples
def test_real_prices_typed_from_the_files(real: Published) -> None:
    """First and last lines of files, and the two prices of a zone."""
    columns = "datetime_utc, lmp_total, settlement_location_type, system_lambda"
    for year, name, start, price, kind in (
        (2021, "HB_BUSAVG", "2021-02-01 06:00", 19.23, "HUB"),
        (2021, "LZ_WEST", "2021-03-01 05:45", -27.31, "ZONE"),
        (2021, "LZ_WEST_EW", "2021-03-01 05:45", -27.3, "ZONE"),
        (2022, "AEEC", "2022-01-31 05:45", 22.92, "RESOURCE_NODE"),
        (2022, "X443ESRN", "2022-02-01 05:30", 5.6, "RESOURCE_NODE"),
        (2025, "7RNCHSLR_ALL", "2025-04-10 23:15", 33.53, "RESOURCE_NODE"),
        (2026, "HB_HOUSTON", "2026-09-29 16:00", 29.0, "HUB"),
        (2026, "LZ_WEST_EW", "2026-09-29 16:00", 20.12, "ZONE"),
    ):
        condition = f"settlement_location = '{name}' and datetime_utc = timestamptz '{start}+00'"
        assert rows(real.year(year), columns, condition) == [(at(start), price, kind, None)]


@needs_samples
def test_real_ties_have_two_prices(real: Published) -> None:
    condition = "settlement_location_type = 'DC_TIE'"
    assert [name for (name,) in rows(real.year(2025), "settlement_location", condition)] == [
        *("DC_E", "DC_E_EW", "DC_L", "DC_L_EW", "DC_N", "DC_N_EW", "DC_R", "DC_R_EW"),
    ]
