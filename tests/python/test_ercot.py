"""ERCOT: raw files in, published Parquet out, with every layout that people have of its reports.

One build serves most tests: each case lies in a delivery year of its own.
"""

from __future__ import annotations

import csv
import shutil
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from building import SAMPLES, build, query, status, work_database
from ercot_case import Published, at, publish, publish_cases, rows, write
from test_round_trip import assert_equals_truth
from unified_iso.sample import SampleOptions

pytestmark = pytest.mark.builds

NAME = "da_energy_hourly"
DATASET = f"ercot_{NAME}"
CONFLICTS = "lambdas_agree"
REAL_FILES = SAMPLES / "ercot"

DAILY, YEARLY, LAMBDA = "ercot/np4-190-cd", "ercot/np4-180-er", "ercot/np4-523-cd"
LIST = "ercot/np4-160-sg"
DAILY_HEADER = "DeliveryDate,HourEnding,SettlementPoint,SettlementPointPrice,DSTFlag"
YEARLY_HEADER = (
    "Delivery Date,Hour Ending,Repeated Hour Flag,Settlement Point,Settlement Point Price"
)
LAMBDA_HEADER = "DeliveryDate,HourEnding,SystemLambda,DSTFlag"

# Generated cases: first day, days and options. Each spans a clock change.
GENERATED = {
    2014: (date(2014, 11, 1), 3, SampleOptions()),
    2013: (date(2013, 3, 9), 3, SampleOptions(packaging="zip")),
    2017: (date(2017, 11, 4), 2, SampleOptions(packaging="csv.gz", overlap=False)),
}


def daily(posted: str) -> str:
    return f"cdr.00012331.0000000000000000.{posted}.DAMSPNP4190.csv"


def system_lambda(posted: str) -> str:
    return f"cdr.00013113.0000000000000000.{posted}.DAMSYSLAMNP4523.csv"


def api_reply(raw: Path) -> None:
    """A csv that a script made of the public API's reply: the API's names, dates and words."""
    write(
        raw / DAILY / "api/hubs 2016.csv",
        "deliveryDate,hourEnding,settlementPoint,settlementPointPrice,DSTFlag",
        "2016-11-06,24:00,HB_HOUSTON,30.5,False",
        "2016-11-06,02:00,HB_HOUSTON,14.11,True",
        "2016-11-06,03:00,HB_HOUSTON,9.54,False",
        "2016-11-06,02:00,HB_HOUSTON,11.63,False",
        "2016-11-06,01:00,HB_HOUSTON,-0,False",
    )


def postings(raw: Path) -> None:
    """Postings of a day that differ; their paths sort against the time they were posted at."""
    hour = "06/15/2020,01:00"
    write(
        raw / DAILY / "a" / daily("20200614.140000"),
        DAILY_HEADER,
        f"{hour},HB_NORTH, 20.25,N",
        f"{hour},OAK_RN, 21,N",
    )
    write(
        raw / DAILY / "b" / daily("20200614.123000"),
        DAILY_HEADER,
        f"{hour},HB_NORTH, 10.5,N",
        f"{hour},OAK_RN, 11,N",
        f"{hour},DC_E, 12,N",
    )
    write(raw / DAILY / "c/unstamped.csv", DAILY_HEADER, f"{hour},HB_NORTH, 5,N")
    write(
        raw / YEARLY / "DAM-2020-06.csv",
        YEARLY_HEADER,
        f"{hour},N,HB_NORTH,7.00",
        f'{hour},N,LZ_RAYBN,"1,008.10"',
    )
    write(raw / LAMBDA / "a" / system_lambda("20200614.140500"), LAMBDA_HEADER, f"{hour},21.5,N")
    write(raw / LAMBDA / "b" / system_lambda("20200614.123500"), LAMBDA_HEADER, f"{hour},19.75,N")
    # A month for which there is no price.
    write(raw / LAMBDA / system_lambda("20200731.123500"), LAMBDA_HEADER, "08/01/2020,01:00,18.5,N")


def workbook(raw: Path) -> None:
    """A yearly book as someone saved it again: real dates, a sheet of notes; and two of one day."""
    book = openpyxl.Workbook()
    notes = book.worksheets[0]
    notes.title = "About"
    notes.append(["Saved for a study of hubs"])
    for name in ("Jan_1", "Feb_2"):
        book.create_sheet(name).append(YEARLY_HEADER.split(","))
    for day, hour, flag, price in (
        ("01/31/2019", "24:00", "N", 25),
        (datetime(2019, 1, 31), "01:00", "N", -1.5),
    ):
        sheet = book["Jan_1"] if isinstance(day, str) else book.create_sheet("Jan again")
        if sheet.title == "Jan again":
            sheet.append(YEARLY_HEADER.split(","))
        sheet.append([day, hour, flag, "HB_WEST", price])
    content = BytesIO()
    book.save(content)
    (raw / YEARLY).mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(raw / YEARLY / "2019.zip", "w") as archive:
        archive.writestr("DAMLZHBSPP_2019.xlsx", content.getvalue())


# The years of the real files, which may not be redistributed and lie beside the repository.
REAL_YEARS = (2021, 2023, 2024, 2025, 2026)
needs_samples = pytest.mark.skipif(
    not REAL_FILES.is_dir(), reason="no real files beside the repository (shared/samples)"
)


def real_files(raw: Path) -> None:
    """Lay the real files beside the others, if they are there."""
    for report in (DAILY, YEARLY, LIST):
        if (REAL_FILES.parent / report).is_dir():
            target = raw / report / "real"
            shutil.copytree(REAL_FILES.parent / report, target, copy_function=shutil.copyfile)


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Published:
    """Publish what is sound; it is looked at in a copy, because the story below goes on."""
    folder = tmp_path_factory.mktemp("ercot")
    arranges = (api_reply, postings, workbook, real_files)
    published = publish_cases(folder, NAME, GENERATED, arranges)
    shutil.copytree(published.out, folder / "kept")
    return replace(published, out=folder / "kept")


def test_everything_is_published_and_nothing_refused(published: Published) -> None:
    told = status(published.out)
    assert told["refused"] == told["rejected"] == told["unpublished"] == []
    years = {entry["year"] for entry in told["datasets"]}
    assert years - {*REAL_YEARS} == {2013, 2014, 2016, 2017, 2019, 2020}
    assert len(told["datasets"]) == len(years)


@pytest.mark.parametrize("year", GENERATED)
def test_published_rows_are_the_truth(published: Published, year: int) -> None:
    assert_equals_truth(Path(published.year(year)), published.truth[year])
    hours = {2014: 73, 2013: 71, 2017: 49}[year]
    assert rows(published.year(year), "count(*), count(distinct datetime_utc)") == [
        (30 * hours, hours)
    ]


def test_a_csv_of_the_public_api_is_read(published: Published) -> None:
    found = rows(
        published.year(2016), "datetime_utc, lmp_total, system_lambda, delivery_hour, dst_flag"
    )
    assert found == [
        (at("2016-11-06 05:00"), 0.0, None, 1, "Y"),
        (at("2016-11-06 06:00"), 11.63, None, 2, "Y"),
        (at("2016-11-06 07:00"), 14.11, None, 2, "N"),
        (at("2016-11-06 08:00"), 9.54, None, 3, "N"),
        (at("2016-11-07 05:00"), 30.5, None, 24, "N"),
    ]
    assert not rows(published.year(2016), "1", "lmp_total = 0 and signbit(lmp_total)")


def test_the_posting_with_the_later_stamp_stands(published: Published) -> None:
    late, early = f"{DAILY}/a/{daily('20200614.140000')}", f"{DAILY}/b/{daily('20200614.123000')}"
    assert rows(
        published.year(2020), "settlement_location, lmp_total, data_source, system_lambda"
    ) == [
        ("DC_E", 12.0, early, 21.5),
        ("HB_NORTH", 20.25, late, 21.5),
        ("LZ_RAYBN", 1008.1, f"{YEARLY}/DAM-2020-06.csv", 21.5),
        ("OAK_RN", 21.0, late, 21.5),
    ]


def test_workbooks_are_read_whatever_cells_hold_a_date(published: Published) -> None:
    book = f"{YEARLY}/2019.zip!DAMLZHBSPP_2019.xlsx"
    assert rows(
        published.year(2019), "datetime_utc, lmp_total, settlement_location_type, data_source"
    ) == [
        (at("2019-01-31 06:00"), -1.5, "HUB", f"{book}!Jan again"),
        (at("2019-02-01 05:00"), 25.0, "HUB", f"{book}!Jan_1"),
    ]


def test_every_row_is_accounted_for(published: Published) -> None:
    with work_database(published.out) as database:
        terms = database.execute(
            """
            select term, reason, sum(rows)::bigint
            from inventory.accounts
            where model = $1 and year(part) = 2020 and part < date '2020-08-01'
            group by all
            order by all
            """,
            [DATASET],
        ).fetchall()
    assert terms == [
        ("filtered", "joined to the prices as system_lambda", 2),
        ("parsed", None, 10),
        ("published", None, 4),
        ("superseded", "unequal, no version tells which is right", 4),
    ]


def test_unequal_system_lambdas_of_an_hour_are_told(published: Published) -> None:
    told = [entry for entry in status(published.out)["findings"] if entry["test"] == CONFLICTS]
    assert [(entry["model"], entry["part"], entry["rows"]) for entry in told] == [
        (DATASET, "2020-06-01", 1)
    ]
    with work_database(published.out) as database:
        [(relation,)] = database.execute(
            "select relation from inventory.test_results where name = $1 and node = $2",
            [CONFLICTS, DATASET],
        ).fetchall()
        found = database.execute(f"select columns(* exclude (delivery_year)) from {relation}")
        assert found.fetchall() == [
            (
                at("2020-06-15 05:00"),
                21.5,
                19.75,
                f"{LAMBDA}/b/{system_lambda('20200614.123500')}",
            )
        ]


# A story that goes on where everything was published: bad files come beside more of the sound ones,
# then a list and a book that reaches further.


def book_to(raw: Path, last_month: int, price: float) -> None:
    """A yearly book that has come as far as this month, with a sheet and a price for each."""
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for month in range(1, last_month + 1):
        sheet = book.create_sheet(f"{month}")
        sheet.append(YEARLY_HEADER.split(","))
        sheet.append([f"{month:02}/15/2022", "01:00", "N", "HB_NORTH", price + month])
    (raw / YEARLY).mkdir(parents=True, exist_ok=True)
    book.save(raw / YEARLY / "DAMLZHBSPP_2022.xlsx")


SAVED = f"{YEARLY}/saved 2022-01-15.csv"


def books_of_a_year(raw: Path) -> None:
    # By its name alone it is of January, and later than the workbook.
    write(
        raw / SAVED,
        YEARLY_HEADER,
        "01/15/2022,01:00,N,HB_NORTH,51",
        "02/15/2022,01:00,N,HB_NORTH,52",
        # A row that is rejected tells no last day.
        "12/15/2022,01:00,N,HB_NORTH,n/a",
    )
    # These reach as far as each other: the stamp tells, and then the path.
    for name, price in (
        ("a/rpt.00013060.0000000000000000.20180220.120000.DAM.csv", 61),
        ("b/rpt.00013060.0000000000000000.20180220.110000.DAM.csv", 62),
        ("c.csv", 63),
        ("d.csv", 64),
    ):
        hours = ("01:00", "02:00") if price < 63 else ("02:00", "03:00")
        lines = [f"02/15/2018,{hour},N,HB_NORTH,{price}" for hour in hours]
        write(raw / YEARLY / name, YEARLY_HEADER, *lines)
    # A book of another year takes no part.
    write(raw / YEARLY / "zz.csv", YEARLY_HEADER, "03/15/2011,01:00,N,HB_NORTH,71")
    book_to(raw, 1, 40)


def bad_files(raw: Path) -> None:
    """Bad files beside a sound one, and a sound file with rows that can't be right."""
    write(
        raw / DAILY / "sound.csv",
        DAILY_HEADER,
        "03/11/2012,02:00,HB_WEST, 20,N",
        "03/11/2012,03:00,HB_WEST, 21,N",
        "03/11/2012,04:00,HB_WEST, 22,Y",
        "03/11/2012,05:00,HB_WEST, 23,N",
    )
    write(
        raw / DAILY / "no flag.csv",
        DAILY_HEADER.removesuffix(",DSTFlag"),
        "03/11/2012,06:00,HB_WEST, 24",
    )
    write(
        raw / DAILY / "real time.csv",
        "DeliveryDate,DeliveryHour,DeliveryInterval,SettlementPointName,SettlementPointType,"
        "SettlementPointPrice,DSTFlag",
        "03/11/2012,12,1,LZ_AEN,LZEW,21.71,N",
    )
    write(raw / YEARLY / "daily.csv", DAILY_HEADER, "03/11/2012,07:00,HB_WEST, 25,N")
    write(raw / YEARLY / "broken.xlsx", "no workbook")
    write(raw / DAILY / "book.xlsx", "no workbook")
    write(raw / LIST / "NOIE_Mapping_07172021_144918.csv", "PHYSICAL_LOAD,NOIE", "A,LZ_AEN")
    write(raw / LIST / "Other_07172021_144918.csv", "PHYSICAL_LOAD,NOIE", "A,LZ_AEN")


@dataclass(frozen=True)
class Story:
    """The build with nothing new, and copies of what the two after it published."""

    again: Published
    spoiled: Published
    further: Published


@pytest.fixture(scope="module")
def story(published: Published) -> Story:
    raw = published.raw

    def kept(name: str, *options: str, check: int) -> Published:
        told = publish(raw, {}, NAME, *options, check=check)
        shutil.copytree(told.out, raw.with_name(name))
        return replace(told, out=raw.with_name(name))

    again = kept("again", check=0)
    write(
        raw / LAMBDA / "c" / system_lambda("20200614.150500"),
        LAMBDA_HEADER,
        "06/15/2020,01:00,23.5,N",
    )
    books_of_a_year(raw)
    bad_files(raw)
    spoiled = kept("spoiled", "--allow-rejects", check=3)
    write(
        raw / LIST / "Settlement_Points_06012020_101500.csv",
        "ELECTRICAL_BUS,NODE_NAME,SETTLEMENT_LOAD_ZONE,RESOURCE_NODE,HUB",
        "0001,01,LZ_WEST,OAK_RN,",
    )
    # The sheet of January is what it was, but its book now reaches further.
    book_to(raw, 3, 40)
    return Story(again, spoiled, kept("further", "--allow-rejects", check=3))


@pytest.fixture
def spoiled(story: Story) -> Published:
    return story.spoiled


def test_what_stands_beside_the_prices_rebuilds_them(published: Published, story: Story) -> None:
    assert not [line for line in story.again.ran.says if line.startswith(DATASET)]
    assert rows(story.spoiled.year(2020), "count(*), min(system_lambda), max(system_lambda)") == [
        (4, 23.5, 23.5)
    ]
    unchanged = [Path(told.year(2019)).stat().st_mtime_ns for told in (published, story.spoiled)]
    assert unchanged[0] == unchanged[1]
    # A list belongs to no month: prices that were published without it get their zones.
    zoned = "zone = 'LZ_WEST'"
    assert rows(story.spoiled.year(2020), "settlement_location", zoned) == []
    assert rows(story.further.year(2020), "settlement_location", zoned) == [("OAK_RN",)]


def test_of_two_books_of_a_year_the_one_that_reaches_further_stands(
    story: Story, tmp_path: Path
) -> None:
    columns = "month(datetime_utc), lmp_total"
    first = story.spoiled
    assert rows(first.year(2022), columns) == [(1, 51.0), (2, 52.0)]
    assert rows(first.year(2018), "delivery_hour, lmp_total") == [(1, 61.0), (2, 61.0), (3, 64.0)]
    assert rows(story.further.year(2022), columns) == [(1, 41.0), (2, 42.0), (3, 43.0)]
    anew = replace(story.further, out=tmp_path)
    build(anew.raw, anew.out, "ercot", "--year", "2022", "--allow-rejects", check=3)
    assert Path(anew.year(2022)).read_bytes() == Path(story.further.year(2022)).read_bytes()


def test_bad_files_are_refused_for_what_they_are(spoiled: Published) -> None:
    refused = {entry["file"]: entry["reason"] for entry in status(spoiled.out)["refused"]}
    for file, words in (
        (f"{DAILY}/no flag.csv", "lacks dst_flag"),
        (f"{DAILY}/real time.csv", "header of ercot/np6-905-cd"),
        (f"{YEARLY}/daily.csv", "header of ercot/np4-190-cd"),
        (f"{YEARLY}/broken.xlsx", "no header of np4-180-er (found 'no workbook')"),
        (f"{DAILY}/book.xlsx", "no header of np4-190-cd (found 'no workbook')"),
        (f"{LIST}/Other_07172021_144918.csv", "np4-160-sg"),
    ):
        assert words in refused.pop(file), file
    assert refused == {}


def test_hours_that_cannot_be_are_rejected_with_their_line(spoiled: Published) -> None:
    (rejected,) = (entry for entry in status(spoiled.out)["rejected"] if entry["file"] != SAVED)
    assert (rejected["file"], rejected["line"], rejected["rows"]) == (f"{DAILY}/sound.csv", 3, 2)
    assert "does not exist on the spring" in rejected["reason"]
    assert rows(spoiled.year(2012), "datetime_utc, lmp_total") == [
        (at("2012-03-11 07:00"), 20.0),
        (at("2012-03-11 09:00"), 23.0),
    ]


# Real files.


@pytest.fixture
def real(published: Published) -> Published:
    return published


def raw_rows(raw: Path) -> Iterator[tuple[Any, ...]]:
    """Day, hour ending, flag, point and price of all real files, by Python's own readers."""
    for path in sorted((raw / YEARLY / "real").rglob("*.xlsx")):
        for sheet in openpyxl.load_workbook(path).worksheets:
            yield from list(sheet.iter_rows(values_only=True))[1:]
    for report in (DAILY, YEARLY):
        for path in sorted((raw / report / "real").rglob("*")):
            if path.suffix == ".zip":
                with zipfile.ZipFile(path) as archive:
                    text = archive.read(archive.namelist()[0]).decode()
            elif path.suffix == ".csv":
                text = path.read_text()
            else:
                continue
            for cells in list(csv.reader(text.splitlines()))[1:]:
                day, hour, *rest = cells
                point, price, flag = rest if report == DAILY else (*rest[1:], rest[0])
                yield day, hour, flag, point, float(str(price).replace(",", ""))


@needs_samples
def test_real_files_are_published_whole(real: Published) -> None:
    told = status(real.out)
    assert told["refused"] == told["rejected"] == told["unpublished"] == []
    expected = {
        (day[6:], day, hour, flag, point): price
        for day, hour, flag, point, price in raw_rows(real.raw)
    }
    years = {entry["year"]: entry["rows"] for entry in told["datasets"]}
    assert {year: years[year] for year in REAL_YEARS} == {
        year: sum(key[0] == str(year) for key in expected) for year in REAL_YEARS
    }
    assert {key[0] for key in expected} == {str(year) for year in REAL_YEARS}
    found = query(
        """
        select
            strftime(delivery_date, '%Y'),
            strftime(delivery_date, '%m/%d/%Y'),
            printf('%02d:00', delivery_hour),
            case
                when row_number() over (
                    partition by settlement_location, datetime_local order by datetime_utc
                ) = 2 then 'Y'
                else 'N'
            end,
            settlement_location,
            lmp_total
        from read_parquet($1)
        where data_source like '%/real/%'
        """,
        real.year(2025).replace("2025", "*"),
    )
    assert {row[:5]: row[5] for row in found} == expected


@pytest.mark.parametrize(
    ("day", "hours"),
    [
        (date(2023, 3, 12), 23),
        (date(2023, 11, 5), 25),
        (date(2024, 3, 10), 23),
        (date(2024, 11, 3), 25),
        (date(2025, 3, 9), 23),
    ],
)
@needs_samples
def test_real_clock_change_days_have_their_hours(real: Published, day: date, hours: int) -> None:
    found = rows(
        real.year(day.year),
        "settlement_location, count(*), count(distinct datetime_utc)",
        f"delivery_date = date '{day}' group by all",
    )
    assert len(found) == 15
    assert {row[1:] for row in found} == {(hours, hours)}


@needs_samples
def test_the_real_repeated_hour_is_told_by_the_flag(real: Published) -> None:
    # Typed from the sheet of November 2024: 7.87 stands beside N, 12.46 beside Y.
    assert rows(
        real.year(2024),
        "datetime_utc, lmp_total, dst_flag",
        "settlement_location = 'HB_PAN' and datetime_local = timestamp '2024-11-03 01:00'",
    ) == [(at("2024-11-03 06:00"), 7.87, "Y"), (at("2024-11-03 07:00"), 12.46, "N")]


@needs_samples
def test_real_nodes_have_the_zone_of_the_list(real: Published) -> None:
    (listed,) = (real.raw / LIST / "real").rglob("Settlement_Points_*.csv")
    with listed.open(newline="") as stream:
        zones = {
            row["RESOURCE_NODE"]: row["SETTLEMENT_LOAD_ZONE"]
            for row in csv.DictReader(stream)
            if row["RESOURCE_NODE"]
        }
    found = rows(real.year(2025), "distinct settlement_location, zone")
    assert {name: zone for name, zone in found if zone} == {
        name: zones[name] for name, _ in found if name in zones
    }
    assert sum(zone is not None for _, zone in found) == 14
