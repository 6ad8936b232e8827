"""ISO-NE's hourly day-ahead LMPs: the daily report WW_DALMP_ISO and the yearly SMD workbook.

Shapes a reader must get right: the daily report frames its rows in C, H and T lines and labels the
fall day's second 02 as 02X; the workbook has one sheet per location and another way of labelling
the spring day.
"""

from collections.abc import Sequence
from dataclasses import astuple
from datetime import UTC, date, datetime, time, timedelta
from itertools import groupby

import duckdb

from ._common import (
    CONGESTION_SQL,
    INTERVAL_COLUMNS,
    LOSS_SQL,
    PRICE_COLUMNS,
    Interval,
    Packaging,
    Request,
    hour_prices,
    market_hours,
)
from ._isone_clock import ZONE, daily_label, is_in_order
from ._isone_locations import INDISPENSABLE, ISO, load_locations, settlement_locations_sql
from ._isone_smd import SHEETS, sheet_source, smd_tasks
from ._output import (
    LF,
    EnergyTruth,
    Member,
    Task,
    energy_truth_task,
    load_table,
    raw_tasks,
)

DEFAULT_NODES = 40
TICKS = 100

DAILY = "ww_dalmp_iso"
WORKBOOK = "smd_hourly"
REPORTS = (DAILY, WORKBOOK)

_NAMES = (
    *("Date", "Hour Ending", "Location ID", "Location Name", "Location Type"),
    *("Locational Marginal Price", "Energy Component", "Congestion Component"),
    "Marginal Loss Component",
)
_KINDS = ("Date", "HE", *("String",) * 3, *("Number",) * 4)


def plan(con: duckdb.DuckDBPyConnection, request: Request) -> list[Task]:
    """Load ISO-NE's model and return the tasks writing its reports and the truth.

    nodes counts locations of all types; hub, zones and ties are written even if it is smaller.
    A daily file holds one day whatever days_per_file says. The operator packs neither report: zips
    hold a month of daily files, or a workbook.

    The workbook is written only if asked for. Where both are, the truth is the daily report's.
    """
    daily, workbook = request.writes(DAILY), request.writes(WORKBOOK, default=False)
    if not (daily or workbook):
        return []
    hours = list(market_hours(ZONE, request.start, request.days))
    load_locations(con, max(request.nodes or DEFAULT_NODES, INDISPENSABLE))
    _load_hours(con, "isone_hours", hours, request.options.packaging)
    tasks = _truth_tasks(con, request, hours, daily)
    if daily:
        tasks += _daily_tasks(con, request, hours)
    if workbook:
        tasks += smd_tasks(con, request, hours)
    return tasks


def _load_hours(
    con: duckdb.DuckDBPyConnection, table: str, hours: Sequence[Interval], packaging: Packaging
) -> None:
    columns = f"""
        {INTERVAL_COLUMNS}, hour_cells varchar, daily_source varchar, version uinteger,
        {PRICE_COLUMNS}
    """
    rows = (
        (
            *hour.row,
            f'"D","{hour.day:%m/%d/%Y}","{daily_label(hour)}"',
            _member(hour.day, lines=0).source(packaging),
            1,
            *astuple(hour_prices(ISO, hour, cent=1)),
        )
        for hour in hours
    )
    load_table(con, table, columns, rows)


def _daily_tasks(
    con: duckdb.DuckDBPyConnection, request: Request, hours: Sequence[Interval]
) -> list[Task]:
    ((locations,),) = con.execute("select count(*) from isone_locations").fetchall()
    members = [
        _member(day, lines=len(list(group)) * locations)
        for day, group in groupby(hours, key=lambda hour: hour.day)
    ]
    return raw_tasks(request.out, members, request.options.packaging)


def _member(day: date, lines: int) -> Member:
    name = f"WW_DALMP_ISO_{day:%Y%m%d}.csv"
    return Member(
        folder=f"isone/{DAILY}",
        name=name,
        archive=f"WW_DALMP_ISO_{day:%Y%m}.zip",
        select=_daily_sql(day),
        line_end=LF,
        above=_head(name, day),
        below=f'\n"T","{lines} lines"',
    )


def _head(name: str, day: date) -> str:
    # The market closes about noon of the day before.
    generated = datetime.combine(day - timedelta(1), time(16, 57, 12), UTC).astimezone(ZONE)
    lines = (
        ("C", "Day-Ahead Energy Market Hourly LMP Report"),
        ("C", f"Filename: {name}"),
        ("C", f"Report for: {day:%m/%d/%Y} - {day:%m/%d/%Y}"),
        ("C", f"Report generated: {generated:%m/%d/%Y %H:%M:%S %Z}"),
        ("H", *_NAMES),
        ("H", *_KINDS),
    )
    return "".join(",".join(f'"{cell}"' for cell in cells) + "\n" for cells in lines)


def _daily_sql(day: date) -> str:
    # The shortest text of a double is the operator's: 34.2, 0.0.
    return f"""
        select
            hour_cells,
            location_cells,
            (energy + congestion + loss) / {TICKS},
            energy / {TICKS},
            congestion / {TICKS},
            loss / {TICKS}
        from (
            select
                *,
                {CONGESTION_SQL} as congestion,
                {LOSS_SQL} as loss
            from isone_hours
            cross join isone_locations
            where delivery_date = date '{day}'
        )
        order by
            start_us,
            location_id
    """


def _truth_tasks(
    con: duckdb.DuckDBPyConnection, request: Request, hours: Sequence[Interval], daily: bool
) -> list[Task]:
    if not request.options.truth:
        return []
    if daily:
        intervals, condition, source = "isone_hours", "true", "daily_source"
    else:
        intervals, condition = "isone_smd_hours", f"location_id in ({', '.join(map(str, SHEETS))})"
        source = sheet_source(request.options.packaging)
        kept = [hour for hour in hours if is_in_order(hour)]
        if not kept:
            return []
        _load_hours(con, intervals, kept, request.options.packaging)
    locations = settlement_locations_sql(condition)
    truth = EnergyTruth(ISO, intervals, locations, TICKS, data_source=source)
    path = request.out / "truth" / "isone" / "da_energy_hourly.parquet"
    return [energy_truth_task(path, truth)]
