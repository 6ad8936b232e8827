"""ISO-NE's yearly SMD workbook, a sheet for the hub and each load zone; sheets saved as csv."""

import csv
import gzip
import io
from collections.abc import Iterator, Sequence
from dataclasses import astuple
from functools import partial
from itertools import groupby
from pathlib import Path

import duckdb
from openpyxl import Workbook

from ._books import save_book
from ._common import (
    CONGESTION_SQL,
    INTERVAL_COLUMNS,
    LOSS_SQL,
    PRICE_COLUMNS,
    Interval,
    Packaging,
    Request,
    noise,
    real_time_prices,
)
from ._isone_clock import workbook_labels
from ._isone_locations import ISO
from ._output import Task, load_table

REPORT = "smd_hourly"
SHEETS = {
    4000: "ISO NE CA",
    4001: "ME",
    4002: "NH",
    4003: "VT",
    4004: "CT",
    4005: "RI",
    4006: "SEMA",
    4007: "WCMA",
    4008: "NEMA",
}
POOL = 4000
HEADER = (
    *("Date", "Hr_End", "DA_Demand", "RT_Demand", "DA_LMP", "DA_EC", "DA_CC", "DA_MLC"),
    *("RT_LMP", "RT_EC", "RT_CC", "RT_MLC", "Dry_Bulb", "Dew_Point"),
)
POOL_HEADER = (
    *("System_Load", "Reg_Service_Price", "Reg_Capacity_Price"),
    *("Min_5min_RSP", "Max_5min_RSP", "Min_5min_RCP", "Max_5min_RCP"),
)

# Sheets that people saved as csv beside or instead of the workbook.
_SAVED: dict[Packaging, tuple[int, ...]] = {"csv": (POOL,), "csv.gz": tuple(SHEETS), "zip": ()}

Cells = tuple[object, ...]
Cents = tuple[int, int, int]


def smd_tasks(
    con: duckdb.DuckDBPyConnection, request: Request, hours: Sequence[Interval]
) -> list[Task]:
    """Load the real-time prices and return the tasks writing a workbook a year, with its sheets.

    Packaging csv writes the workbook and the pool's sheet saved beside it, csv.gz all sheets saved
    and no workbook, zip the workbook in an archive.
    """
    _load_real_time(con, hours)
    packaging = request.options.packaging
    folder = request.out / "isone" / REPORT
    tasks: list[Task] = []
    for year, group in groupby(hours, key=lambda hour: hour.day.year):
        of_year = list(group)
        for id_ in _SAVED[packaging]:
            name = _saved_name(year, id_, packaging)
            tasks.append(partial(_write_sheet, folder / name, id_, of_year))
        if packaging != "csv.gz":
            suffix = "zip" if packaging == "zip" else "xlsx"
            tasks.append(partial(_write_book, folder / f"{year}_{REPORT}.{suffix}", of_year))
    return tasks


def sheet_source(packaging: Packaging) -> str:
    """SQL over delivery_date and location_id: what data_source says of a row of a sheet."""
    book = f"_{REPORT}.zip!%year_{REPORT}.xlsx!" if packaging == "zip" else f"_{REPORT}.xlsx!"
    cases = (
        f"when {id_} then "
        + (
            f"'{_saved_name('%year', id_, packaging)}'"
            if id_ in _SAVED[packaging]
            else f"'%year{book}{sheet}'"
        )
        for id_, sheet in SHEETS.items()
    )
    name = f"case location_id {' '.join(cases)} end"
    return f"'isone/{REPORT}/' || replace({name}, '%year', year(delivery_date)::varchar)"


def _saved_name(year: int | str, id_: int, packaging: Packaging) -> str:
    return f"{year}_{REPORT}_{SHEETS[id_].replace(' ', '_')}.{packaging}"


def _load_real_time(con: duckdb.DuckDBPyConnection, hours: Sequence[Interval]) -> None:
    rows = ((*hour.row, *astuple(real_time_prices(ISO, hour, cent=1))) for hour in hours)
    load_table(con, "isone_real_time", f"{INTERVAL_COLUMNS}, {PRICE_COLUMNS}", rows)


def _write_sheet(
    path: Path, id_: int, hours: Sequence[Interval], con: duckdb.DuckDBPyConnection
) -> Path:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(_sheet(con, id_, hours))
    data = text.getvalue().encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(data, mtime=0) if path.suffix == ".gz" else data)
    return path


def _write_book(path: Path, hours: Sequence[Interval], con: duckdb.DuckDBPyConnection) -> Path:
    book = Workbook(write_only=True)
    notes = book.create_sheet("Notes")
    notes.append(["Hourly demand, prices and weather of the control area and its load zones"])
    for id_, sheet in SHEETS.items():
        page = book.create_sheet(sheet)
        for cells in _sheet(con, id_, hours):
            page.append(cells)
    save_book(book, path)
    return path


def _sheet(con: duckdb.DuckDBPyConnection, id_: int, hours: Sequence[Interval]) -> Iterator[Cells]:
    """Header and rows of a sheet."""
    yield HEADER + (POOL_HEADER if id_ == POOL else ())
    day_ahead = _prices(con, "isone_hours", id_, hours)
    real_time = _prices(con, "isone_real_time", id_, hours)
    for hour, planned, settled in zip(hours, day_ahead, real_time, strict=True):
        prices = (*_dollars(planned), *_dollars(settled))
        for label in workbook_labels(hour):
            yield (hour.day, label, *_demand(id_, hour), *prices, *_weather_and_pool(id_, hour))


def _prices(
    con: duckdb.DuckDBPyConnection, table: str, id_: int, hours: Sequence[Interval]
) -> list[Cents]:
    return con.execute(
        f"""
        select
            energy,
            {CONGESTION_SQL},
            {LOSS_SQL}
        from {table}
        cross join isone_locations
        where location_id = $1 and delivery_date between $2 and $3
        order by start_us
        """,
        [id_, hours[0].day, hours[-1].day],
    ).fetchall()


def _dollars(cents: Cents) -> tuple[float, float, float, float]:
    energy, congestion, loss = (part / 100 for part in cents)
    # Summed as floats, as in the real workbook, so that 40.300000000000004 stands for 40.30.
    return energy + congestion + loss, energy, congestion, loss


def _demand(id_: int, hour: Interval) -> tuple[float, float]:
    megawatts = noise(8000, 16000, "demand", id_, hour.utc)
    return megawatts / 10, megawatts / 10 + noise(-999_999, 999_999, "miss", id_, hour.utc) / 1000


def _weather_and_pool(id_: int, hour: Interval) -> Cells:
    dry_bulb = noise(10, 95, "weather", id_, hour.day)
    weather = (dry_bulb, dry_bulb - noise(0, 9, "dew", id_, hour.utc))
    if id_ != POOL:
        return weather
    service, capacity = noise(0, 50, "service", hour.utc), noise(0, 9000, "capacity", hour.utc)
    spread = (0.0, service / 50, 0.0, capacity / 50)
    return (*weather, noise(9000, 24_000, "load", hour.utc), service / 120, capacity / 120, *spread)
