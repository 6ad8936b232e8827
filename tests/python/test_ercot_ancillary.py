"""ERCOT's ancillary services, from hand-written files of each quirk and from real ones."""

from __future__ import annotations

import shutil
import zipfile
from datetime import date, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from building import SAMPLES, Ran, build, query

pytestmark = pytest.mark.builds

DATASETS = ("--dataset", "ercot_as_hourly", "--dataset", "ercot_as_15min")
REPORTS = ("np4-181-er", "np4-188-cd", "np6-331-cd")
WIDE = "Delivery Date,Hour Ending,Repeated Hour Flag,REGDN,REGUP ,RRS,NSPIN"
LONG = "DeliveryDate,HourEnding,AncillaryType,MCPC,DSTFlag"
YEAR = "rpt.00013091.0000000000000000.20261004.080005.DAMASMCPC_2026.xlsx"
BOOK = "rpt.00025570.0000000000000000.20261206.100041.HIST_15Min_RTM_MCPC_2026.xlsx"
FILES = {
    # A Mac's spreadsheet has saved it: lines end in CR, and days and hours have other forms.
    "np4-181-er/ercot_as_2014_mod.csv": (
        "Delivery Date,Hour Ending,Repeated Hour Flag,REGDN,REGUP,RRS,NSPIN\r"
        "8/1/14,1:00,N,3.1,4.2,5.3,6.4\r8/1/14,24:00:00,N,3.5,4.6,5.7,6.8\r"
    ),
    "np4-181-er/DAMASMCPC_2021.csv": f"{WIDE}\n07/01/2021,01:00,N,1,2,3,4\n",
    "np4-188-cd/day.csv": f"{LONG}\n07/01/2021,01:00,RRS,3,N\n",
    "np4-188-cd/unknown.csv": f"{LONG}\n07/01/2020,01:00,RRS,3,N\n07/01/2020,01:00,DRRS,3,N\n",
    "np6-331-cd/trial.csv": (
        "deliveryDate,deliveryHour,deliveryInt,repeatHourFlag,ASType,MCPC\n"
        "2025-12-04,24,4,false,RRS,9\n2025-12-05,1,1,false,RRS,0.5\n"
    ),
}


def workbook(folder: Path) -> None:
    """The yearly book of quarter-hourly prices: notes, a title above each month, real dates."""
    book = openpyxl.Workbook()
    notes = book.worksheets[0]
    notes.title = "Report Info"
    notes.append(["Historical RTM Clearing Prices for Capacity", None, None])
    for month, rows in (
        (
            "Mar",
            [
                (datetime(2026, 3, 8), 2, 4, "RRS", 1.25, "N"),
                (datetime(2026, 3, 8), 4, 1, "RRS", 2, "N"),
            ],
        ),
        ("Nov", [(datetime(2026, 11, 1), 2, 1, "ECRS", 0.02, flag) for flag in ("N", "Y")]),
        ("Dec", []),
    ):
        sheet = book.create_sheet(month)
        sheet.append([f"Historical RTM Clearing Prices for Capacity - {month} 2026"])
        sheet.append(
            [
                "Delivery Date",
                "Delivery Hour",
                "Delivery Interval",
                "AS Type",
                "MCPC",
                "Repeated Hour Flag",
            ]
        )
        for row in rows:
            sheet.append(row)
    book.save(folder / BOOK)


def zipped_workbook(folder: Path) -> None:
    """A year as it is posted since October 2026: a logo's empty rows, a title, then the header."""
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    for _ in range(5):
        sheet.append([])
    sheet.append([None, "Historical DAM Clearing Prices for Capacity"])
    sheet.append([])
    sheet.append([*WIDE.replace("REGUP ", "REGUP").split(","), "ECRS"])
    sheet.append(["03/08/2026", "02:00", "N", 1.5, 2, 3, 0, 0.19])
    sheet.append(["03/08/2026", "04:00", "N", 1.6, 2, 3, 0, None])
    content = BytesIO()
    book.save(content)
    with zipfile.ZipFile(folder / "DAMASMCPC_2026.zip", "w") as archive:
        archive.writestr(YEAR, content.getvalue())


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Ran]:
    folder = tmp_path_factory.mktemp("written")
    for name, text in FILES.items():
        path = folder / "raw/ercot" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
    workbook(folder / "raw/ercot/np6-331-cd")
    zipped_workbook(folder / "raw/ercot/np4-181-er")
    return folder / "out", build(folder / "raw", folder / "out", *DATASETS, check=1)


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not SAMPLES.is_dir():
        pytest.skip("no real files beside the repository (shared/samples)")
    folder = tmp_path_factory.mktemp("real")
    for report in REPORTS:
        # The samples are read-only; what is copied of them must not be.
        shutil.copytree(
            SAMPLES / "ercot" / report,
            folder / "raw/ercot" / report,
            copy_function=shutil.copyfile,
        )
    build(folder / "raw", folder / "out", *DATASETS)
    return folder / "out"


def rows(out: Path, dataset: str, year: int, columns: str, rest: str = "") -> list[tuple[Any, ...]]:
    path = out / f"parquet/ercot/{dataset}/{dataset}_{year}.parquet"
    return query(f"select {columns} from read_parquet($1) {rest}", str(path))


def test_a_year_saved_by_a_mac_is_read(made: tuple[Path, Ran]) -> None:
    assert rows(
        made[0], "as_hourly", 2014, "datetime_utc::varchar, as_product, market_clearing_price"
    ) == [
        ("2014-08-01 05:00:00+00", "NSPIN", 6.4),
        ("2014-08-01 05:00:00+00", "REGDN", 3.1),
        ("2014-08-01 05:00:00+00", "REGUP", 4.2),
        ("2014-08-01 05:00:00+00", "RRS", 5.3),
        ("2014-08-02 04:00:00+00", "NSPIN", 6.8),
        ("2014-08-02 04:00:00+00", "REGDN", 3.5),
        ("2014-08-02 04:00:00+00", "REGUP", 4.6),
        ("2014-08-02 04:00:00+00", "RRS", 5.7),
    ]


def test_a_price_of_both_reports_is_one_row(made: tuple[Path, Ran]) -> None:
    columns = "as_product, market_clearing_price, data_source"
    assert rows(made[0], "as_hourly", 2021, columns) == [
        ("NSPIN", 4.0, "ercot/np4-181-er/DAMASMCPC_2021.csv"),
        ("REGDN", 1.0, "ercot/np4-181-er/DAMASMCPC_2021.csv"),
        ("REGUP", 2.0, "ercot/np4-181-er/DAMASMCPC_2021.csv"),
        ("RRS", 3.0, "ercot/np4-188-cd/day.csv"),
    ]


def test_an_unknown_product_stops_its_year_by_name(made: tuple[Path, Ran]) -> None:
    out, ran = made
    assert "the product DRRS is unknown" in ran.output
    assert not (out / "parquet/ercot/as_hourly/as_hourly_2020.parquet").exists()


def test_market_trials_are_left_out(made: tuple[Path, Ran]) -> None:
    columns = "datetime_utc::varchar, market_type, market_clearing_price"
    assert rows(made[0], "as_15min", 2025, columns) == [("2025-12-05 06:00:00+00", "RT", 0.5)]


def test_a_year_in_a_workbook_is_read(made: tuple[Path, Ran]) -> None:
    columns = "datetime_utc::varchar, as_product, market_clearing_price, data_source"
    book = f"ercot/np4-181-er/DAMASMCPC_2026.zip!{YEAR}!Sheet"
    assert rows(made[0], "as_hourly", 2026, columns) == [
        ("2026-03-08 07:00:00+00", "ECRS", 0.19, book),
        ("2026-03-08 07:00:00+00", "NSPIN", 0.0, book),
        ("2026-03-08 07:00:00+00", "REGDN", 1.5, book),
        ("2026-03-08 07:00:00+00", "REGUP", 2.0, book),
        ("2026-03-08 07:00:00+00", "RRS", 3.0, book),
        ("2026-03-08 08:00:00+00", "NSPIN", 0.0, book),
        ("2026-03-08 08:00:00+00", "REGDN", 1.6, book),
        ("2026-03-08 08:00:00+00", "REGUP", 2.0, book),
        ("2026-03-08 08:00:00+00", "RRS", 3.0, book),
    ]


def test_a_yearly_book_of_real_time_is_read(made: tuple[Path, Ran]) -> None:
    columns = "datetime_utc::varchar, as_product, market_clearing_price, data_source"
    book = f"ercot/np6-331-cd/{BOOK}"
    assert rows(made[0], "as_15min", 2026, columns) == [
        ("2026-03-08 07:45:00+00", "RRS", 1.25, f"{book}!Mar"),
        ("2026-03-08 08:00:00+00", "RRS", 2.0, f"{book}!Mar"),
        ("2026-11-01 06:00:00+00", "ECRS", 0.02, f"{book}!Nov"),
        ("2026-11-01 07:00:00+00", "ECRS", 0.02, f"{book}!Nov"),
    ]
    assert "refused ercot/np6-331-cd" not in made[1].output


def test_real_years_have_all_hours_of_their_products(real: Path) -> None:
    for year, ecrs in ((2015, 0), (2022, 0), (2023, 4921)):
        counts = rows(real, "as_hourly", year, "as_product, count(*)", "group by all order by all")
        four = [(name, 8760) for name in ("NSPIN", "REGDN", "REGUP", "RRS")]
        assert counts == ([("ECRS", ecrs)] if ecrs else []) + four
        days = "delivery_date, count(distinct datetime_utc)"
        odd = "group by 1 having count(distinct datetime_utc) <> 24 order by 1"
        clocks = {
            2015: [(date(2015, 3, 8), 23), (date(2015, 11, 1), 25)],
            2022: [(date(2022, 3, 13), 23), (date(2022, 11, 6), 25)],
            2023: [(date(2023, 3, 12), 23), (date(2023, 11, 5), 25)],
        }
        assert rows(real, "as_hourly", year, days, odd) == clocks[year]
    first_ecrs = rows(
        real, "as_hourly", 2023, "min(datetime_utc)::varchar", "where as_product = 'ECRS'"
    )
    assert first_ecrs == [("2023-06-10 05:00:00+00",)]


def test_real_prices_are_those_of_the_files(real: Path) -> None:
    columns = "as_product, market_clearing_price"
    first = "where datetime_utc = timestamptz '2022-01-01 06:00:00+00'"
    assert rows(real, "as_hourly", 2022, columns, first) == [
        *(("NSPIN", 1.0), ("REGDN", 6.0), ("REGUP", 5.65), ("RRS", 5.65)),
    ]
    first = "where datetime_utc = timestamptz '2023-01-01 06:00:00+00'"
    assert rows(real, "as_hourly", 2023, columns, first) == [
        *(("NSPIN", 0.97), ("REGDN", 4.69), ("REGUP", 1.95), ("RRS", 1.45)),
    ]
    assert rows(real, "as_15min", 2026, f"datetime_utc::varchar, {columns}", "limit 2") == [
        ("2026-09-29 16:00:00+00", "ECRS", 0.02),
        ("2026-09-29 16:00:00+00", "NSPIN", 0.05),
    ]
