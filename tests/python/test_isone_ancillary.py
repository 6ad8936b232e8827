"""ISO-NE's ancillary services: files written by hand, and a real sheet of the workbook."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from building import SAMPLES, Built, Ran, build, query, status, work_database

pytestmark = pytest.mark.builds

DAY_AHEAD, REAL_TIME, WORKBOOK = "daasreservedata", "fiveminreserveprice", "smd_hourly"
SHEET = SAMPLES / "isone" / WORKBOOK
needs_samples = pytest.mark.skipif(not SHEET.is_dir(), reason="real files are not at hand")

# A blank before a name and quotes inside it, as public readers say of these reports.
DAY_AHEAD_NAMES = (
    '"H","Local Date","Hour Ending", "Location ID","Ten Minute Spinning Reserve Requirement",'
    '"Total Ten Minute Reserve Requirement","Total Thirty Minute Reserve Requirement",'
    '"Forecasted MW Requirement", "Ten Minute Spinning Reserve Clearing Price",'
    '"Ten Minute Reserve Clearing Price","Total Thirty Reserve Clearing Price","FER Price",'
    '"TMSR Designated MW","TMNSR Designated MW","TMOR Designated MW","EIR Designated MW"'
)
DAY_AHEAD_UNITS = '"H","Date","HE","String","MW","MW","MW","MW","$","$","$","$","MW","MW","MW","MW"'
REAL_TIME_NAMES = (
    '"H","Local Time", "Reserve Zone ID", "Reserve Zone Name", "Ten-Minute Spinning Requirement",'
    ' "Ten-Minute Requirement", "Total Requirement",'
    ' "Ten Minute Spinning Reserve Designated MW",'
    ' "Ten Minute Non Spinning Reserve Designated MW",'
    ' "Thirty Minute OperatingReserve Designated MW",'
    ' "Ten-Minute Spinning Reserve Clearing Price", "Ten-Minute Reserve Clearing Price",'
    ' "Total Reserve Clearing Price"'
)
REAL_TIME_UNITS = '"H","Time","ID","Name","MW","MW","MW","MW","MW","MW","$","$","$"'
VERMONT = "Date,Hr_End,DA_LMP,DA_EC,DA_CC,DA_MLC\n2025-03-09,01,42.19,41.72,0.04,0.43\n"
FORCED = (
    "Date,Hr_End,DA_LMP,DA_EC,DA_CC,DA_MLC,Reg_Service_Price,Reg_Capacity_Price\n"
    "2023-11-05,1,1,1,0,0,0.25,9.5\n2023-11-06,1,1,1,0,0,0.5,\n"
)


def write(raw: Path, report: str, name: str, text: str) -> None:
    path = raw / "isone" / report / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def framed(names: str, units: str, lines: Iterable[str]) -> str:
    """A report in the frame of comments, names, units, data and their number."""
    data = [f'"D",{line}' for line in lines]
    above = ['"C","A report"', '"C","Filename: a.csv"', '"C","Report for: a day"', '"C","Made"']
    return "\n".join([*above, names, units, *data, f'"T","{len(data)} lines"'])


def day_ahead(date: str, labels: str) -> str:
    """The price of spinning reserve is the number of the line."""
    lines = [
        f'"{date}","{label}","7000",1,2,3,4,{number},0.5,,1.75,900.5,11,12,13'
        for number, label in enumerate(labels.split(), start=1)
    ]
    return framed(DAY_AHEAD_NAMES, DAY_AHEAD_UNITS, lines)


def real_time(lines: Iterable[str]) -> str:
    return framed(REAL_TIME_NAMES, REAL_TIME_UNITS, lines)


SPRING = " ".join(f"{hour:02}" for hour in range(1, 25) if hour != 3)
FALL = " ".join(["01", "02", "02", *(f"{hour:02}" for hour in range(3, 25))])


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Built, Ran]:
    folder = tmp_path_factory.mktemp("isone_ancillary")
    raw = folder / "raw"
    write(raw, DAY_AHEAD, "spring.csv", day_ahead("03/09/2025", SPRING))
    write(raw, DAY_AHEAD, "fall.csv", day_ahead("11/02/2025", FALL))
    write(raw, DAY_AHEAD, "bad.csv", day_ahead("06/01/2026", "01 2 noon"))
    write(raw, DAY_AHEAD, "empty.csv", framed(DAY_AHEAD_NAMES, DAY_AHEAD_UNITS, []))
    short = day_ahead("06/01/2025", "01").replace('"FER Price"', '"Fair Price"')
    write(raw, DAY_AHEAD, "another.csv", short)
    write(
        raw,
        REAL_TIME,
        "a.csv",
        real_time(
            f'"11/02/2025 {clock}:00","{zone}","{name}",1,2,3,100,5,6,{price},1.0,0.0'
            for clock, price in (("00:55", 1), ("01:00", 2), ("01:55", 3), ("01:00", 4))
            for zone, name in (("7000", "ROS"), ("7001", "SWCT"))
        ),
    )
    write(raw, WORKBOOK, "2025_smd_hourly_VT.csv", VERMONT)
    write(raw, WORKBOOK, "2023_smd_hourly_ISO_NE_CA.csv", FORCED)
    if SHEET.is_dir():
        shutil.copytree(SHEET, raw / "isone" / WORKBOOK, dirs_exist_ok=True)
    datasets = ("--dataset", "as_hourly", "--dataset", "as_5min")
    ran = build(raw, folder / "out", "isone", *datasets, check=1)
    return Built(raw, folder / "out"), ran


def rows(built: tuple[Built, Ran], dataset: str, select: str, where: str) -> list[tuple[Any, ...]]:
    path = built[0].out / f"parquet/isone/{dataset}/{dataset}_*.parquet"
    return query(f"select {select} from '{path}' where {where} order by all")


CLOCKS = (
    "strftime(datetime_utc, '%d %H:%M'), strftime(datetime_local, '%H:%M'), market_clearing_price"
)


@pytest.mark.parametrize(
    ("date", "count", "jump"),
    [
        ("2025-03-09", 23, [("09 06:00", "01:00", 2.0), ("09 07:00", "03:00", 3.0)]),
        ("2025-11-02", 25, [("02 05:00", "01:00", 2.0), ("02 06:00", "01:00", 3.0)]),
    ],
    ids=["spring", "fall"],
)
def test_days_have_the_hours_of_their_clock(
    built: tuple[Built, Ran], date: str, count: int, jump: list[tuple[str, str, float]]
) -> None:
    spin = f"as_product = 'Ten Minute Spinning Reserve' and delivery_date = '{date}'"
    found = rows(built, "as_hourly", CLOCKS, spin)
    assert len(found) == count
    assert found[1:3] == jump


def test_a_price_has_the_quantity_of_its_own_product_alone(built: tuple[Built, Ran]) -> None:
    select = (
        "as_product, as_product_standard, as_region, market_type, unit, market_clearing_price,"
        " cleared_quantity_mw"
    )
    hour = "datetime_utc = '2025-11-02 04:00:00+00' and market_type = 'DA'"
    assert rows(built, "as_hourly", select, hour) == [
        ("FER", "FER", "7000", "DA", "$/MW", 1.75, None),
        ("Ten Minute Reserve", "NON_SPIN", "7000", "DA", "$/MW", 0.5, None),
        ("Ten Minute Spinning Reserve", "SPIN", "7000", "DA", "$/MW", 1.0, 900.5),
    ]


def test_five_minute_reserves_have_the_names_of_the_day_ahead_ones(
    built: tuple[Built, Ran],
) -> None:
    spin = "as_product = 'Ten Minute Spinning Reserve'"
    assert rows(built, "as_5min", f"as_region, {CLOCKS}, cleared_quantity_mw", spin) == [
        (zone, *row, 100.0)
        for zone in ("ROS", "SWCT")
        for row in (
            ("02 04:55", "00:55", 1.0),
            ("02 05:00", "01:00", 2.0),
            ("02 05:55", "01:55", 3.0),
            ("02 06:00", "01:00", 4.0),
        )
    ]
    assert rows(built, "as_5min", "distinct as_product", "true") == [
        ("Ten Minute Reserve",),
        ("Ten Minute Spinning Reserve",),
        ("Total Thirty Reserve",),
    ]


def counted(built: tuple[Built, Ran], name: str) -> dict[str, int]:
    with work_database(built[0].out) as connection:
        found = connection.execute(
            """
            select term, coalesce(': ' || reason, ''), sum(rows)::bigint
            from inventory.accounts
            where term <> 'parsed' and model like 'isone_as_%' and data_source like '%' || $1
            group by all
            """,
            [name],
        ).fetchall()
    return {term + reason: number for term, reason, number in found}


def test_lines_without_regulation_are_counted(built: tuple[Built, Ran]) -> None:
    assert counted(built, "2025_smd_hourly_VT.csv") == {
        "filtered: only the sheet ISO NE CA has regulation prices": 1
    }
    assert counted(built, "2023_smd_hourly_ISO_NE_CA.csv") == {
        "filtered: the workbook of this year forces clock-change days into 24 rows": 2,
        "published": 1,
    }
    assert rows(built, "as_hourly", f"as_product, {CLOCKS}", "year(delivery_date) = 2023") == [
        ("Reg_Service_Price", "06 05:00", "00:00", 0.5)
    ]


def test_a_bad_label_holds_back_its_year_alone(built: tuple[Built, Ran]) -> None:
    ran = built[1]
    assert "no Hour Ending from 01 to 24" in ran.output
    assert rows(built, "as_hourly", "count(*)", "year(delivery_date) = 2026") == [(0,)]
    assert rows(built, "as_hourly", "count(*) > 0", "year(delivery_date) = 2025") == [(True,)]


def test_a_file_without_a_price_column_is_refused_by_name(built: tuple[Built, Ran]) -> None:
    refused = [entry["file"] for entry in status(built[0].out)["refused"]]
    assert "isone/daasreservedata/another.csv" in refused
    assert "isone/daasreservedata/bad.csv" not in refused


@needs_samples
def test_a_real_sheet_has_regulation_prices(built: tuple[Built, Ran]) -> None:
    path = "erw/2025_smd_hourly_ISO_NE_CA.csv"
    found = rows(
        built,
        "as_hourly",
        f"{CLOCKS}, as_product, as_region, unit",
        f"data_source like '%{path}' and delivery_date = '2025-03-09'",
    )
    assert found[:4] == [
        ("09 05:00", "00:00", 0.1, "Reg_Service_Price", "ISO NE CA", "$/MW-mile"),
        ("09 05:00", "00:00", 15.9883333333, "Reg_Capacity_Price", "ISO NE CA", "$/MW"),
        ("09 06:00", "01:00", 0.0083333333, "Reg_Service_Price", "ISO NE CA", "$/MW-mile"),
        ("09 06:00", "01:00", 3.685, "Reg_Capacity_Price", "ISO NE CA", "$/MW"),
    ]
    assert counted(built, path) == {"published": 24}
