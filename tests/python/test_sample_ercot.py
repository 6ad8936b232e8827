"""ERCOT's generated sample: bytes as published, truth as the rules demand."""

import csv
import gzip
import io
import re
import zipfile
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import openpyxl
import pytest

from building import ENERGY_COLUMNS
from unified_iso.sample import SampleOptions, write_sample
from unified_iso.sample._ercot_points import LIST_HEADERS

CHICAGO = ZoneInfo("America/Chicago")
FALL = date(2025, 11, 2)
SPRING = date(2025, 3, 9)
DAYS = 4

DAY = r"(0[1-9]|1[0-2])/(0[1-9]|[12]\d|3[01])/\d{4}"
HOUR = r"(0[1-9]|1\d|2[0-4]):00"
# A number as the daily reports print it: no trailing zero, no point without digits after it.
NUMBER = r"-?\d+(\.\d*[1-9])?"
LINES = {
    "np4-190-cd": (
        "DeliveryDate,HourEnding,SettlementPoint,SettlementPointPrice,DSTFlag",
        re.compile(rf"{DAY},{HOUR},[A-Z0-9_]+, {NUMBER},[NY]"),
    ),
    "np4-523-cd": (
        "DeliveryDate,HourEnding,SystemLambda,DSTFlag",
        re.compile(rf"{DAY},{HOUR},{NUMBER},[NY]"),
    ),
    "np4-180-er": (
        "Delivery Date,Hour Ending,Repeated Hour Flag,Settlement Point,Settlement Point Price",
        re.compile(rf"{DAY},{HOUR},[NY],(HB|LZ)_[A-Z]+,-?\d+\.\d\d"),
    ),
}
NAMES = {
    "np4-190-cd": r"cdr\.00012331\.0{16}\.\d{8}\.12\d{4}\.DAMSPNP4190\.csv",
    "np4-523-cd": r"cdr\.00013113\.0{16}\.\d{8}\.12\d{4}\.DAMSYSLAMNP4523\.csv",
    "np4-180-er": r"rpt\.00013060\.0{16}\.DAMLZHBSPP_2025\.xlsx",
    "np4-160-sg": "("
    + "|".join(LIST_HEADERS)
    + r")_(0[1-9]|1[0-2])([0-2]\d|3[01])2025_144918\.csv",
}

Rows = dict[tuple[datetime, str], tuple[float, str]]


def write(out: Path, start: date, days: int, **options: Any) -> Path:
    write_sample(out, isos=["ercot"], start=start, days=days, options=SampleOptions(**options))
    return out


@pytest.fixture(scope="module")
def fall(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("fall"), FALL - timedelta(1), DAYS)


@pytest.fixture(scope="module")
def spring(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("spring"), SPRING, 1, overlap=False)


def texts(out: Path, report: str) -> Iterator[tuple[str, str]]:
    """Every csv of a report with the name data_source must have for it."""
    for path in sorted((out / "ercot" / report).iterdir()):
        source = path.relative_to(out).as_posix()
        if path.suffix == ".zip":
            with zipfile.ZipFile(path) as archive:
                for name in archive.namelist():
                    if name.endswith(".csv"):
                        yield f"{source}!{name}", archive.read(name).decode()
        elif path.suffix == ".gz":
            yield source, gzip.decompress(path.read_bytes()).decode()
        elif path.suffix == ".csv":
            yield source, path.read_bytes().decode()


def book_rows(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    book = openpyxl.load_workbook(path)
    return {sheet.title: list(sheet.iter_rows(values_only=True)) for sheet in book}


def instant(day: str, hour_ending: str, repeated: str) -> datetime:
    """UTC start of an hour, by the rule that the flag marks the second pass."""
    start = datetime.strptime(day, "%m/%d/%Y") + timedelta(hours=int(hour_ending[:2]) - 1)
    return start.replace(tzinfo=CHICAGO, fold=int(repeated == "Y")).astimezone(UTC)


def daily_prices(out: Path) -> Rows:
    """Price and source of each hour and point; the later posting of a day replaces the earlier."""
    found: Rows = {}
    for source, text in sorted(texts(out, "np4-190-cd")):
        for row in csv.DictReader(io.StringIO(text)):
            utc = instant(row["DeliveryDate"], row["HourEnding"], row["DSTFlag"])
            found[utc, row["SettlementPoint"]] = (float(row["SettlementPointPrice"]), source)
    return found


def truth(out: Path, columns: str) -> list[tuple[Any, ...]]:
    with duckdb.connect() as con:
        con.execute("set TimeZone = 'UTC'")
        path = out / "truth/ercot/da_energy_hourly.parquet"
        return con.execute(f"select {columns} from '{path}'").fetchall()


@pytest.mark.parametrize("report", LINES)
def test_lines_are_printed_as_published(fall: Path, report: str) -> None:
    header, line = LINES[report]
    for _, text in texts(fall, report):
        first, *rest = text.removesuffix("\n").split("\n")
        assert first == header
        assert rest
        assert not [row for row in rest if not line.fullmatch(row)]


@pytest.mark.parametrize("report", NAMES)
def test_files_are_named_as_posted(spring: Path, report: str) -> None:
    names = [path.name for path in (spring / "ercot" / report).iterdir()]
    assert names
    assert not [name for name in names if not re.fullmatch(NAMES[report], name)]


def test_a_file_is_posted_the_day_before(spring: Path) -> None:
    ((source, text),) = texts(spring, "np4-190-cd")
    assert "20250308." in source
    assert {line[:10] for line in text.splitlines()[1:]} == {"03/09/2025"}


def test_the_spring_day_has_no_hour_ending_at_three(spring: Path) -> None:
    for report in ("np4-190-cd", "np4-523-cd"):
        ((_, text),) = texts(spring, report)
        hours = {line.split(",")[1] for line in text.splitlines()[1:]}
        assert hours == {f"{hour:02}:00" for hour in range(1, 25) if hour != 3}
    assert len(set(truth(spring, "datetime_utc"))) == 23


def test_only_the_second_pass_of_the_fall_hour_is_flagged(fall: Path) -> None:
    for report in ("np4-190-cd", "np4-523-cd"):
        for _, text in texts(fall, report):
            rows = list(csv.DictReader(io.StringIO(text)))
            hours = [(row["HourEnding"], row["DSTFlag"]) for row in rows]
            hours = list(dict.fromkeys(hours))
            if rows[0]["DeliveryDate"] == "11/02/2025":
                assert hours[:4] == [("01:00", "N"), ("02:00", "N"), ("02:00", "Y"), ("03:00", "N")]
                assert len(hours) == 25
            else:
                assert len(hours) == 24
            assert sum(flag == "Y" for _, flag in hours) == len(hours) - 24
            assert hours[-1] == ("24:00", "N")


def test_a_workbook_has_a_sheet_a_month_and_cells_as_published(fall: Path) -> None:
    (path,) = (fall / "ercot/np4-180-er").glob("*.xlsx")
    sheets = book_rows(path)
    assert tuple(sheets) == (
        *("Jan", "Feb", "Mar", "Apr", "May", "Jun"),
        *("Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
    )
    header = tuple(LINES["np4-180-er"][0].split(","))
    assert all(rows[0] == header for rows in sheets.values())
    assert {name: len(rows) - 1 for name, rows in sheets.items() if len(rows) > 1} == {
        "Nov": 15 * (24 * DAYS + 1)
    }
    day, hour, flag, point, price = sheets["Nov"][1]
    assert (day, hour, flag, point) == ("11/01/2025", "01:00", "N", "HB_BUSAVG")
    assert isinstance(price, float)


def test_all_reports_and_the_truth_agree(fall: Path) -> None:
    daily = daily_prices(fall)
    assert len(daily) == 40 * (24 * DAYS + 1)
    assert daily == {
        (utc.astimezone(UTC), name): (price, source)
        for utc, name, price, source in truth(
            fall, "datetime_utc, settlement_location, lmp_total, data_source"
        )
    }
    (path,) = (fall / "ercot/np4-180-er").glob("*.xlsx")
    in_book = book_rows(path)["Nov"][1:]
    ((_, saved),) = texts(fall, "np4-180-er")
    in_csv = list(csv.reader(io.StringIO(saved)))[1:]
    assert [(*row[:4], float(row[4])) for row in in_csv] == in_book
    for day, hour, flag, name, price in in_book:
        assert daily[instant(day, hour, flag), name][0] == price


def test_system_lambda_is_that_of_its_report(fall: Path) -> None:
    printed = {
        instant(row["DeliveryDate"], row["HourEnding"], row["DSTFlag"]): float(row["SystemLambda"])
        for _, text in texts(fall, "np4-523-cd")
        for row in csv.DictReader(io.StringIO(text))
    }
    rows = set(truth(fall, "datetime_utc, system_lambda, lmp_energy, lmp_congestion, lmp_loss"))
    assert rows == {(utc, value, None, None, None) for utc, value in printed.items()}


def test_zones_of_nodes_are_those_of_the_list(fall: Path) -> None:
    (listed,) = [
        text for source, text in texts(fall, "np4-160-sg") if "/Settlement_Points" in source
    ]
    zones = {
        row["RESOURCE_NODE"]: row["SETTLEMENT_LOAD_ZONE"]
        for row in csv.DictReader(io.StringIO(listed))
        if row["RESOURCE_NODE"]
    }
    found = set(truth(fall, "settlement_location, settlement_location_type, zone"))
    assert {(name, zone) for name, _, zone in found if zone} == set(zones.items())
    kinds = {"HB": "HUB", "LZ": "ZONE", "DC": "DC_TIE"}
    assert all(kind == kinds.get(name[:2], "RESOURCE_NODE") for name, kind, _ in found)
    # Names of combined cycles are logical ones, which have no bus.
    assert {name for name, kind, zone in found if kind == "RESOURCE_NODE" and not zone} == {
        name for name, *_ in found if name.endswith("_CC1")
    }


def test_every_third_day_is_posted_twice(fall: Path) -> None:
    for report in ("np4-190-cd", "np4-523-cd"):
        first, second = [text for _, text in texts(fall, report) if "\n11/02/2025" in text]
        assert first == second
        assert len(list(texts(fall, report))) == DAYS + 1


def test_packed_files_hold_the_same_and_truth_knows_them(fall: Path, tmp_path: Path) -> None:
    packed = write(tmp_path, FALL - timedelta(1), DAYS, packaging="zip")
    for report in ("np4-190-cd", "np4-523-cd", "np4-160-sg"):
        inside = [(source.rpartition("!")[2], text) for source, text in texts(packed, report)]
        plain = [(Path(source).name, text) for source, text in texts(fall, report)]
        assert sorted(inside) == sorted(plain)
    (archive,) = (packed / "ercot/np4-180-er").iterdir()
    (plain_book,) = (fall / "ercot/np4-180-er").glob("*.xlsx")
    with zipfile.ZipFile(archive) as opened:
        assert opened.read(plain_book.name) == plain_book.read_bytes()
    assert {source for _, source in daily_prices(packed).values()} == {
        source for (source,) in truth(packed, "data_source")
    }
    name = r"ercot/np4-190-cd/cdr\.00012331\.0{16}\.\d{8}\.\d{9}\.DAMSPNP4190_csv\.zip!cdr.*\.csv"
    assert all(re.fullmatch(name, source) for (source,) in truth(packed, "data_source"))


def test_without_the_daily_report_the_books_are_the_truth(tmp_path: Path) -> None:
    options = {"reports": ("np4-180-er",)}
    plain = write(tmp_path / "csv", date(2024, 12, 31), 2, **options)
    assert set(truth(plain, "data_source, delivery_date, system_lambda, zone")) == {
        (
            f"ercot/np4-180-er/rpt.00013060.{0:016}.DAMLZHBSPP_{day:%Y}.xlsx!{day:%b}",
            day,
            None,
            None,
        )
        for day in (date(2024, 12, 31), date(2025, 1, 1))
    }
    assert len(truth(plain, "*")) == 15 * 48
    saved = write(tmp_path / "gz", date(2024, 12, 31), 2, packaging="csv.gz", **options)
    assert {source for (source,) in truth(saved, "data_source")} == {
        source for source, _ in texts(saved, "np4-180-er")
    }


def test_lists_alone_have_no_truth(tmp_path: Path) -> None:
    write(tmp_path, FALL, 1, reports=("np4-160-sg", "np4-523-cd"))
    assert not (tmp_path / "truth").exists()


@pytest.mark.parametrize("packaging", ["csv", "zip"])
def test_same_arguments_same_bytes_on_any_number_of_threads(tmp_path: Path, packaging: str) -> None:
    once = write(tmp_path / "1", FALL, 2, packaging=packaging)
    again = write(tmp_path / "2", FALL, 2, packaging=packaging, threads=1)
    names = [path.relative_to(once) for path in once.rglob("*") if path.is_file()]
    assert names
    assert all((once / name).read_bytes() == (again / name).read_bytes() for name in names)


def test_nodes_counts_all_points(tmp_path: Path) -> None:
    options = SampleOptions(reports=("np4-190-cd",))
    for nodes, points in ((1, 27), (400, 400)):
        out = tmp_path / str(nodes)
        write_sample(out, isos=["ercot"], start=FALL, days=1, nodes=nodes, options=options)
        ids = [name for (name,) in truth(out, "distinct settlement_location_id")]
        assert len(ids) == points
    with duckdb.connect() as con:
        path = out / "truth/ercot/da_energy_hourly.parquet"
        types = {name: kind for name, kind, *_ in con.execute(f"describe '{path}'").fetchall()}
    assert types == ENERGY_COLUMNS


# Real time.

REAL_TIME = ("np6-905-cd", "np6-785-er", "np6-322-cd")
REAL_TIME_LINES = {
    "np6-905-cd": (
        "DeliveryDate,DeliveryHour,DeliveryInterval,SettlementPointName,SettlementPointType,"
        "SettlementPointPrice,DSTFlag",
        re.compile(rf"{DAY},([1-9]|1\d|2[0-4]),[1-4],[A-Z0-9_]+,[A-Z_]+,{NUMBER},[NY]"),
    ),
    "np6-785-er": (
        "Delivery Date,Delivery Hour,Delivery Interval,Repeated Hour Flag,Settlement Point Name,"
        "Settlement Point Type,Settlement Point Price",
        re.compile(
            rf"{DAY},([1-9]|1\d|2[0-4]),[1-4],[NY],(HB|LZ)_[A-Z]+,(HU|SH|AH|LZ|LZEW),-?\d+\.\d\d"
        ),
    ),
    "np6-322-cd": (
        "SCEDTimeStamp,RepeatedHourFlag,SystemLambda",
        re.compile(rf"{DAY} \d\d:\d\d:\d\d,[NY],{NUMBER}"),
    ),
}


@pytest.fixture(scope="module")
def quarters(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("quarters"), FALL, 1, reports=REAL_TIME)


def quarter_truth(out: Path, columns: str) -> list[tuple[Any, ...]]:
    with duckdb.connect() as con:
        con.execute("set TimeZone = 'UTC'")
        path = out / "truth/ercot/rt_energy_15min.parquet"
        return con.execute(f"select {columns} from '{path}'").fetchall()


@pytest.mark.parametrize("report", REAL_TIME_LINES)
def test_real_time_lines_are_printed_as_published(quarters: Path, report: str) -> None:
    header, line = REAL_TIME_LINES[report]
    for _, text in texts(quarters, report):
        first, *rest = text.removesuffix("\n").split("\n")
        assert first == header
        assert rest
        assert not [row for row in rest if not line.fullmatch(row)]


def test_a_quarter_is_a_file_and_some_are_posted_again(quarters: Path) -> None:
    name = re.compile(
        r"cdr\.00012301\.0{16}\.2025110[23]\.\d{6}\.SPPHLZNP6905(_retry)?_2025110[23]_\d{4}(xhr)?\.csv"
    )
    names = [path.name for path in (quarters / "ercot/np6-905-cd").iterdir()]
    assert not [one for one in names if not name.fullmatch(one)]
    assert len([one for one in names if "_retry_" not in one]) == 100
    assert len([one for one in names if "_retry_" in one]) > 0


def test_real_time_prices_and_the_truth_agree(quarters: Path) -> None:
    """A zone and a tie have two prices; the book has those of zones and hubs alone."""
    found: Rows = {}
    for source, text in sorted(texts(quarters, "np6-905-cd")):
        for row in csv.DictReader(io.StringIO(text)):
            start = instant(row["DeliveryDate"], f"{row['DeliveryHour']:0>2}", row["DSTFlag"])
            start += timedelta(minutes=15 * (int(row["DeliveryInterval"]) - 1))
            name = row["SettlementPointName"] + "_EW" * row["SettlementPointType"].endswith("EW")
            found[start, name] = (float(row["SettlementPointPrice"]), source)
    assert len(found) == 52 * 100
    columns = "datetime_utc, settlement_location, lmp_total, data_source"
    assert found == {
        (utc.astimezone(UTC), name): (price, source)
        for utc, name, price, source in quarter_truth(quarters, columns)
    }
    (path,) = (quarters / "ercot/np6-785-er").glob("*.xlsx")
    in_book = book_rows(path)["Nov"][1:]
    assert len(in_book) == 23 * 100
    for day, hour, quarter, flag, name, kind, price in in_book:
        start = instant(day, f"{hour:02}", flag) + timedelta(minutes=15 * (quarter - 1))
        assert found[start, name + "_EW" * (kind == "LZEW")][0] == price


def test_real_time_lambda_is_the_mean_of_the_runs_by_time(quarters: Path) -> None:
    runs = sorted(
        (
            datetime.strptime(row["SCEDTimeStamp"], "%m/%d/%Y %H:%M:%S")
            .replace(tzinfo=CHICAGO, fold=int(row["RepeatedHourFlag"] == "Y"))
            .astimezone(UTC),
            float(row["SystemLambda"]),
        )
        for _, text in texts(quarters, "np6-322-cd")
        for row in csv.DictReader(io.StringIO(text))
    )
    assert runs[0][0] < datetime(2025, 11, 2, 5, tzinfo=UTC) < runs[1][0]
    ends = [start for start, _ in runs[1:]] + [runs[-1][0] + timedelta(minutes=10)]
    for utc, value in set(quarter_truth(quarters, "datetime_utc, system_lambda")):
        left, right = utc, utc + timedelta(minutes=15)
        mean = sum(
            price * max(0.0, (min(end, right) - max(start, left)).total_seconds())
            for (start, price), end in zip(runs, ends, strict=True)
        )
        assert value == pytest.approx(mean / 900, abs=1e-6)


# Ancillary services.


def test_capacity_prices_come_by_day_and_by_year(tmp_path: Path) -> None:
    reports = ("np4-188-cd", "np4-181-er")
    write(tmp_path, date(2022, 12, 31), 1, reports=reports)
    write(tmp_path, date(2023, 6, 9), 2, reports=reports, overlap=False)

    of_days = dict(texts(tmp_path, "np4-188-cd"))
    of_years = dict(texts(tmp_path, "np4-181-er"))

    name = r"ercot/np4-188-cd/cdr\.00012329\.0{16}\.\d{8}\.12\d{4}\.DAMCPCNP4188\.csv"
    assert len(of_days) == 3
    assert all(re.fullmatch(name, source) for source in of_days)
    line = re.compile(rf"{DAY},{HOUR},(REGUP|REGDN|RRS|NSPIN|ECRS),\d+(\.\d*[1-9])?,[NY]")
    orders = set()
    for text in of_days.values():
        header, *lines = text.splitlines()
        assert header == "DeliveryDate,HourEnding,AncillaryType,MCPC,DSTFlag"
        assert not [row for row in lines if not line.fullmatch(row)]
        hours = [
            [row.split(",")[2] for row in lines if f",{hour:02}:00," in row] for hour in (1, 2)
        ]
        orders |= {tuple(products) for products in hours}
    assert len(orders) > 2
    early, late = (
        of_years[f"ercot/np4-181-er/DAMASMCPC_{year}.csv"].splitlines() for year in (2022, 2023)
    )
    products = "REGDN,REGUP ,RRS,NSPIN"
    assert early[0] == f"Delivery Date,Hour Ending,Repeated Hour Flag,{products}"
    assert late[0] == f"{early[0]},ECRS"
    assert [row[-1] == "," for row in late[1:]] == [True] * 24 + [False] * 24
    assert len({row.count(",") for row in late}) == 1


def test_the_year_and_its_days_have_the_same_prices(tmp_path: Path) -> None:
    write(tmp_path, FALL, 1, reports=("np4-188-cd", "np4-181-er"))
    of_days = {
        (row["HourEnding"], row["DSTFlag"], row["AncillaryType"]): row["MCPC"]
        for _, text in texts(tmp_path, "np4-188-cd")
        for row in csv.DictReader(io.StringIO(text))
    }
    ((_, text),) = texts(tmp_path, "np4-181-er")
    of_year = {
        (row["Hour Ending"], row["Repeated Hour Flag"], heading.strip()): row[heading]
        for row in csv.DictReader(io.StringIO(text))
        for heading in ("REGDN", "REGUP ", "RRS", "NSPIN", "ECRS")
    }
    assert len(of_days) == 25 * 5
    assert of_year == of_days


def test_services_are_written_where_asked_for(tmp_path: Path) -> None:
    day = date(2025, 12, 5)
    plain = write(tmp_path / "plain", day, 1)
    asked = write(tmp_path / "asked", day, 1, ancillary_services=True)

    services = {path.name for path in (asked / "ercot").iterdir()} - {
        path.name for path in (plain / "ercot").iterdir()
    }
    assert services == {"np4-188-cd", "np4-181-er", "np6-331-cd"}
