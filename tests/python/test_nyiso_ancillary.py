"""NYISO's ancillary services: files written by hand, and real ones."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from building import SAMPLES, Built, Ran, build, query, status, work_database

pytestmark = pytest.mark.builds

HOURLY, DISPATCH = "damasp", "rtasp"
PRODUCTS = (
    "10 Min Spinning Reserve ($/MWHr),10 Min Non-Synchronous Reserve ($/MWHr),"
    "30 Min Operating Reserve ($/MWHr),NYCA Regulation Capacity ($/MWHr)"
)
HEADER = f"Time Stamp,Time Zone,Name,PTID,{PRODUCTS}"
MOVEMENT = f"{HEADER},NYCA Regulation Movement ($/MW)"
# Headings of the years before prices came by zone, as public readers name them: those of the
# day-ahead report lack some of their brackets.
BY_REGION = ",".join(
    ["Time Stamp"]
    + [
        f"{region} {heading}"
        for region in ("East", "West")
        for heading in (
            "10 Min Spinning Reserve ($/MWHr",
            "10 Min Non-Synchronous Reserve",
            "30 Min Operating Reserve ($/MWH",
            "Regulation ($/MWHr)",
        )
    ]
)
RUNS_BY_REGION = (
    BY_REGION.replace("MWHr,", "MWHr),").replace("MWH,", "MWH),")
    + ", NYCA Regulation Movement ($/MW)"
)
OF_AREA = (
    "Time Stamp,10 Min Spinning Reserve ($/MWHr,10 Min Non-Synchronous Reserve,"
    "30 Min Operating Reserve ($/MWH,Regulation ($/MWHr)"
)
# Headings of the custom reports that NYISO's site makes.
CUSTOM_HOURS = (
    '"Eastern Date Hour","Eastern Date Hour Time Zone","Zone Name","Zone PTID","DAM 10 Min Sync",'
    '"DAM 10 Min Non Sync","DAM 30 Min Non Sync","DAM NYCA Regulation Capacity",'
    '"DAM AS Price Version"'
)
CUSTOM_RUNS = (
    '"RTD End Time Stamp","Zone Name","Zone PTID","RTD 10 Min Sync","RTD 10 Min Non Sync",'
    '"RTD 30 Min Non Sync","RTD NYCA Regulation Capacity","RTD NYCA Regulation Movement",'
    '"RTD AS Price Version"'
)
INCOMPLETE = "Time Stamp,East 10 Min Spinning Reserve ($/MWHr"
needs_samples = pytest.mark.skipif(
    not (SAMPLES / "nyiso" / HOURLY).is_dir(), reason="real files are not at hand"
)


def write(raw: Path, report: str, name: str, header: str, lines: Iterable[str]) -> None:
    path = raw / "nyiso" / report / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([header, *lines, ""]))


def hours(day: str, marks: str) -> list[str]:
    """Lines of WEST: for each hour its clock and D or S; the price of spin is its number."""
    return [
        f"{day} {mark[:2]}:00,E{mark[2]}T,WEST,61752,{number},,0.00,1.50"
        for number, mark in enumerate(marks.split())
    ]


def hours_by_region(day: str, marks: str) -> list[str]:
    """Lines without a mark; the price of spin is the number of the hour, in the west with .5."""
    return [
        f"{day} {mark[:2]}:00,{number},,0.00,31.00,{number}.5,,0.00,31.00"
        for number, mark in enumerate(marks.split())
    ]


SPRING = " ".join(f"{hour:02}{'S' if hour < 2 else 'D'}" for hour in range(24) if hour != 2)
FALL = " ".join(["00D", "01D", "01S", *(f"{hour:02}S" for hour in range(2, 24))])


def runs(stamps: Iterable[str], zone: str = "WEST") -> list[str]:
    return [
        f"{stamp},EDT,{zone},61752,{number},0.00,0.00,3.00,0.15"
        for number, stamp in enumerate(stamps, start=1)
    ]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Built, Ran]:
    folder = tmp_path_factory.mktemp("nyiso_ancillary")
    raw = folder / "raw"
    write(raw, HOURLY, "20250309damasp.csv", HEADER, hours("03/09/2025", SPRING))
    write(raw, HOURLY, "20251102damasp.csv", HEADER, hours("11/02/2025", FALL))
    write(raw, HOURLY, "20220601damasp.csv", HEADER, hours("06/01/2022", "00D 01D 02S"))
    bad = [f"06/01/2023 0{hour}:00,EDT,WEST,1,{price},,," for hour, price in ((3, 1), (4, "n/a"))]
    write(raw, HOURLY, "20230601damasp.csv", HEADER, bad)
    write(raw, HOURLY, "20140601damasp.csv", INCOMPLETE, ["06/01/2014 00:00,1.00"])
    write(raw, HOURLY, "20100314damasp.csv", BY_REGION, hours_by_region("03/14/2010", SPRING))
    write(raw, HOURLY, "20101107damasp.csv", BY_REGION, hours_by_region("11/07/2010", FALL))
    write(raw, HOURLY, "20000201damasp.csv", OF_AREA, ["02/01/2000 00:00,2.50,1.25,0.00,14.00"])
    runs_by_region = [
        f"07/18/2013 {clock},9.00,8.00,7.00,6.00,5.00,4.00,3.00,6.00,0.15"
        for clock in ("00:05:00", "00:09:40", "23:55:00")
    ] + ["07/19/2013 00:00:00,9.50,,,6.00,5.00,,,6.00,"]
    write(raw, DISPATCH, "20130718rtasp.csv", RUNS_BY_REGION, runs_by_region)
    write(raw, HOURLY, "moved_by_region.csv", RUNS_BY_REGION, runs_by_region)
    write(raw, HOURLY, "moved.csv", MOVEMENT, runs(["06/01/2025 00:05:00"]))
    first = ("06/01/2025 00:05:00", "06/01/2025 23:55:00", "06/02/2025 00:00:00")
    second = ("06/02/2025 00:03:20", "06/02/2025 00:05:00", "06/03/2025 00:00:00")
    write(raw, DISPATCH, "20250601rtasp.csv", MOVEMENT, runs(first))
    write(raw, DISPATCH, "20250602rtasp.csv", MOVEMENT, runs(second))
    write(raw, DISPATCH, "20250603rtasp.csv", HEADER, ["06/03/2025 00:05:00,EDT,WEST,1,1,1,1,1"])
    custom_hours = [
        f'"2019/11/03 {hour}:00:00","E{mark}T","WEST","61752","{price}","0.5","0.25","9.75","1"'
        for hour, mark, price in (("00", "D", 1), ("01", "D", 2), ("01", "S", 3), ("02", "S", 4))
    ]
    custom_runs = [
        f'"2019/07/{stamp}:00","WEST","61752","{price}","0.5","0.25","9.75","0.15","1"'
        for stamp, price in (("18 00:05", 1), ("18 00:10", 2), ("19 00:00", 3), ("19 00:05", 4))
    ]
    write(raw, HOURLY, "custom.csv", CUSTOM_HOURS, custom_hours)
    write(raw, DISPATCH, "custom.csv", CUSTOM_RUNS, custom_runs)
    write(raw, DISPATCH, "custom_hours.csv", CUSTOM_HOURS, custom_hours)
    write(raw, HOURLY, "custom_runs.csv", CUSTOM_RUNS, custom_runs)
    for report in (HOURLY, DISPATCH):
        if (SAMPLES / "nyiso" / report).is_dir():
            shutil.copytree(SAMPLES / "nyiso" / report, raw / "nyiso" / report, dirs_exist_ok=True)
    datasets = ("--dataset", "as_hourly", "--dataset", "as_5min")
    ran = build(raw, folder / "out", "nyiso", *datasets, check=1)
    return Built(raw, folder / "out"), ran


def rows(built: tuple[Built, Ran], dataset: str, select: str, where: str) -> list[tuple[Any, ...]]:
    path = built[0].out / f"parquet/nyiso/{dataset}/{dataset}_*.parquet"
    return query(f"select {select} from '{path}' where {where} order by all")


@pytest.mark.parametrize(
    ("day", "count", "second_hours"),
    [
        (date(2025, 3, 9), 23, [("06:00", "01:00", 1.0), ("07:00", "03:00", 2.0)]),
        (date(2025, 11, 2), 25, [("05:00", "01:00", 1.0), ("06:00", "01:00", 2.0)]),
    ],
    ids=["spring", "fall"],
)
def test_days_have_the_hours_of_their_clock(
    built: tuple[Built, Ran], day: date, count: int, second_hours: list[tuple[str, str, float]]
) -> None:
    select = (
        "strftime(datetime_utc, '%H:%M'), strftime(datetime_local, '%H:%M'), market_clearing_price"
    )
    found = rows(
        built,
        "as_hourly",
        f"datetime_utc, {select}",
        f"as_product = '10 Min Spinning Reserve' and delivery_date = '{day}'",
    )
    assert len(found) == count
    assert [row[1:] for row in found[1:3]] == second_hours


@pytest.mark.parametrize(
    ("day", "count", "second_hours"),
    [
        (date(2010, 3, 14), 23, [("06:00", "01:00", 1.0), ("07:00", "03:00", 2.0)]),
        (date(2010, 11, 7), 25, [("05:00", "01:00", 1.0), ("06:00", "01:00", 2.0)]),
    ],
    ids=["spring", "fall"],
)
def test_days_by_region_have_the_hours_of_their_clock(
    built: tuple[Built, Ran], day: date, count: int, second_hours: list[tuple[str, str, float]]
) -> None:
    select = (
        "strftime(datetime_utc, '%H:%M'), strftime(datetime_local, '%H:%M'), market_clearing_price"
    )
    where = f"as_product = '10 Min Spinning Reserve' and delivery_date = '{day}'"
    east = f"{where} and as_region = 'East'"
    found = rows(built, "as_hourly", f"datetime_utc, {select}", east)
    assert len(found) == count
    assert [row[1:] for row in found[1:3]] == second_hours
    west = rows(built, "as_hourly", f"datetime_utc, {select}", f"{where} and as_region = 'West'")
    assert [row[3] for row in west] == [row[3] + 0.5 for row in found]


def test_prices_by_region_are_of_the_products_of_later_years(built: tuple[Built, Ran]) -> None:
    select = "as_product, as_product_standard, as_region, market_clearing_price"
    hour = rows(built, "as_hourly", select, "datetime_local = '2010-11-07 23:00'")
    assert hour == [
        ("10 Min Spinning Reserve", "SPIN", "East", 24.0),
        ("10 Min Spinning Reserve", "SPIN", "West", 24.5),
        ("30 Min Operating Reserve", "SUPP", "East", 0.0),
        ("30 Min Operating Reserve", "SUPP", "West", 0.0),
        ("NYCA Regulation Capacity", "REG", "East", 31.0),
        ("NYCA Regulation Capacity", "REG", "West", 31.0),
    ]
    assert rows(built, "as_hourly", select, "delivery_date = '2000-02-01'") == [
        ("10 Min Non-Synchronous Reserve", "NON_SPIN", "NYCA", 1.25),
        ("10 Min Spinning Reserve", "SPIN", "NYCA", 2.5),
        ("30 Min Operating Reserve", "SUPP", "NYCA", 0.0),
        ("NYCA Regulation Capacity", "REG", "NYCA", 14.0),
    ]


def test_dispatch_runs_by_region(built: tuple[Built, Ran]) -> None:
    select = (
        "strftime(datetime_utc, '%d %H:%M:%S'), strftime(interval_end_utc, '%d %H:%M:%S'),"
        " market_clearing_price"
    )
    where = "delivery_date = '2013-07-18' and as_product = '10 Min Spinning Reserve'"
    assert rows(built, "as_5min", select, f"{where} and as_region = 'East'") == [
        ("18 04:00:00", "18 04:05:00", 9.0),
        ("18 04:05:00", "18 04:09:40", 9.0),
        ("19 03:50:00", "19 03:55:00", 9.0),
        ("19 03:55:00", "19 04:00:00", 9.5),
    ]
    count = rows(built, "as_5min", "as_region, count(*)", "year(delivery_date) = 2013 group by 1")
    assert count == [("East", 14), ("NYCA", 3), ("West", 14)]


def test_custom_reports_are_read(built: tuple[Built, Ran]) -> None:
    instant = "strftime(datetime_utc, '%d %H:%M'), market_clearing_price"
    spin = "as_product = '10 Min Spinning Reserve' and as_region = 'WEST'"
    assert rows(built, "as_hourly", instant, f"{spin} and year(delivery_date) = 2019") == [
        ("03 04:00", 1.0),
        ("03 05:00", 2.0),
        ("03 06:00", 3.0),
        ("03 07:00", 4.0),
    ]
    assert rows(built, "as_5min", instant, f"{spin} and year(delivery_date) = 2019") == [
        ("18 04:00", 1.0),
        ("18 04:05", 2.0),
        ("19 03:55", 3.0),
        ("19 04:00", 4.0),
    ]
    found = "distinct as_product, market_clearing_price"
    others = "year(delivery_date) = 2019 and as_product not like '10 Min Spin%'"
    products = [
        ("10 Min Non-Synchronous Reserve", 0.5),
        ("30 Min Operating Reserve", 0.25),
        ("NYCA Regulation Capacity", 9.75),
    ]
    assert rows(built, "as_hourly", found, others) == products
    assert rows(built, "as_5min", found, others) == [*products, ("NYCA Regulation Movement", 0.15)]


def test_an_empty_cell_is_no_row(built: tuple[Built, Ran]) -> None:
    where = "delivery_date = '2025-11-02'"
    found = rows(built, "as_hourly", "distinct as_product, as_product_standard, unit", where)
    assert found == [
        ("10 Min Spinning Reserve", "SPIN", "$/MW"),
        ("30 Min Operating Reserve", "SUPP", "$/MW"),
        ("NYCA Regulation Capacity", "REG", "$/MW"),
    ]


def test_an_interval_starts_where_the_file_of_the_day_before_ends(
    built: tuple[Built, Ran],
) -> None:
    select = (
        "strftime(datetime_utc, '%d %H:%M:%S'), strftime(interval_end_utc, '%d %H:%M:%S'),"
        " market_clearing_price"
    )
    where = "as_product = '10 Min Spinning Reserve' and delivery_date >= '2025-06-01'"
    assert rows(built, "as_5min", select, where) == [
        ("01 04:00:00", "01 04:05:00", 1.0),
        ("02 03:50:00", "02 03:55:00", 2.0),
        ("02 03:55:00", "02 04:00:00", 3.0),
        ("02 04:00:00", "02 04:03:20", 1.0),
        ("02 04:03:20", "02 04:05:00", 2.0),
        ("03 03:55:00", "03 04:00:00", 3.0),
    ]
    movement = rows(built, "as_5min", "distinct as_product_standard, unit", "unit <> '$/MW'")
    assert movement == [("REG_MILEAGE", "$/MW-mile")]


def test_a_bad_line_stops_its_year_alone(built: tuple[Built, Ran]) -> None:
    output = built[1].output
    assert "Time Zone EST contradicts Time Stamp 2022-06-01 02:00:00" in output
    assert "not published nyiso_as_hourly 2023: nyiso/damasp/20230601damasp.csv line 3" in output
    years = {path.stem for path in (built[0].out / "parquet/nyiso/as_hourly").glob("*")}
    assert "as_hourly_2025" in years
    assert years.isdisjoint({"as_hourly_2022", "as_hourly_2023"})


def test_other_layouts_are_refused_by_name(built: tuple[Built, Ran]) -> None:
    reasons = {entry["file"]: entry["reason"] for entry in status(built[0].out)["refused"]}
    assert reasons.keys() == {
        "nyiso/damasp/20140601damasp.csv",
        "nyiso/damasp/custom_runs.csv",
        "nyiso/damasp/moved.csv",
        "nyiso/damasp/moved_by_region.csv",
        "nyiso/rtasp/20250603rtasp.csv",
        "nyiso/rtasp/custom_hours.csv",
    }
    assert "West 10 Min Spinning Reserve" in reasons["nyiso/damasp/20140601damasp.csv"]
    assert "nyiso/rtasp" in reasons["nyiso/damasp/moved.csv"]
    assert "nyiso/rtasp" in reasons["nyiso/damasp/moved_by_region.csv"]
    assert "nyiso/damasp" in reasons["nyiso/rtasp/20250603rtasp.csv"]
    assert "nyiso/rtasp" in reasons["nyiso/damasp/custom_runs.csv"]
    assert "nyiso/damasp" in reasons["nyiso/rtasp/custom_hours.csv"]


@needs_samples
def test_the_real_day_ahead_file(built: tuple[Built, Ran]) -> None:
    where = "delivery_date = '2024-04-13'"
    count = "count(*), count(distinct as_region), count(distinct as_product)"
    # 264 lines of four prices.
    assert rows(built, "as_hourly", count, where) == [(1056, 11, 4)]
    select = "strftime(datetime_utc, '%d %H:%M'), as_product, market_clearing_price"
    first = "datetime_local = '2024-04-13 00:00' and as_region = 'WEST'"
    last = "datetime_local = '2024-04-13 23:00' and as_region = 'N.Y.C.'"
    assert rows(built, "as_hourly", select, first) == [
        ("13 04:00", "10 Min Non-Synchronous Reserve", 2.99),
        ("13 04:00", "10 Min Spinning Reserve", 2.99),
        ("13 04:00", "30 Min Operating Reserve", 2.99),
        ("13 04:00", "NYCA Regulation Capacity", 5.0),
    ]
    assert rows(built, "as_hourly", select, last) == [
        ("14 03:00", "10 Min Non-Synchronous Reserve", 5.0),
        ("14 03:00", "10 Min Spinning Reserve", 5.0),
        ("14 03:00", "30 Min Operating Reserve", 2.5),
        ("14 03:00", "NYCA Regulation Capacity", 4.98),
    ]


@needs_samples
def test_the_real_dispatch_runs_fill_their_day(built: tuple[Built, Ran]) -> None:
    where = "delivery_date = '2024-04-13'"
    found = rows(
        built,
        "as_5min",
        "as_product, as_region, count(*), sum(date_diff('second', datetime_utc, interval_end_utc))",
        f"{where} group by all",
    )
    assert len(found) == 55
    assert {row[2:] for row in found} == {(290, 86400)}
    capacity = f"{where} and as_product = 'NYCA Regulation Capacity' and as_region = 'WEST'"
    spans = rows(
        built, "as_5min", "datetime_local, interval_end_utc, market_clearing_price", capacity
    )
    starts = [row[0] for row in spans]
    ends = [row[1].replace(tzinfo=None) - timedelta(hours=4) for row in spans]
    assert starts == [datetime(2024, 4, 13), *ends[:-1]]
    assert ends[-1] == datetime(2024, 4, 14)
    extra = {datetime(2024, 4, 13, 13, 6, 38): 5.25, datetime(2024, 4, 13, 13, 9, 32): 5.25}
    assert {row[0]: row[2] for row in spans if row[0].second} == extra
    assert (spans[0][2], spans[-1][2]) == (0.0, 3.0)
    spin = f"{where} and as_region = 'N.Y.C.' and interval_end_utc = '2024-04-14 04:00:00+00'"
    assert rows(built, "as_5min", "as_product, market_clearing_price", spin) == [
        ("10 Min Non-Synchronous Reserve", 0.0),
        ("10 Min Spinning Reserve", 0.45),
        ("30 Min Operating Reserve", 0.0),
        ("NYCA Regulation Capacity", 3.0),
        ("NYCA Regulation Movement", 0.15),
    ]


def test_every_row_is_accounted_for(built: tuple[Built, Ran]) -> None:
    with work_database(built[0].out) as con:
        found = con.execute(
            "select term, sum(rows)::int from inventory.accounts where model = 'nyiso_as_5min'"
            " and data_source like '%202506%' group by all order by all"
        ).fetchall()
    assert found == [("parsed", 30), ("published", 30)]
