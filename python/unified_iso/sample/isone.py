"""ISO-NE's hourly day-ahead LMPs: the daily report WW_DALMP_ISO and the yearly SMD workbook.

Shapes a reader must get right: the daily report frames its rows in C, H and T lines and labels the
fall day's second 02 as 02X; the workbook has one sheet per location and another way of labelling
the spring day.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta

from . import _isone_smd
from ._energy import ENERGY, PRICE_COLUMNS, day_ahead
from ._isone_clock import ZONE, daily_label
from ._isone_locations import ISO, LOCATIONS
from ._market import Curve, Dataset, File, Line, Market, Report, Span

TICKS = 100

_NAMES = (
    *("Date", "Hour Ending", "Location ID", "Location Name", "Location Type"),
    *("Locational Marginal Price", "Energy Component", "Congestion Component"),
    "Marginal Loss Component",
)
_KINDS = ("Date", "HE", *("String",) * 3, *("Number",) * 4)

DAY_AHEAD = Curve(family=ENERGY, columns=PRICE_COLUMNS, values=day_ahead(ISO, cent=1))
HOURLY = Dataset(name="da_energy_hourly")

# The shortest text of a double is the operator's: 34.2, 0.0.
_SELECT = f"""
    select
        hour_cells,
        location_cells,
        total / {TICKS},
        energy / {TICKS},
        congestion / {TICKS},
        loss / {TICKS}
    from prices
    order by
        start_us,
        location_id
"""


def _files(span: Span) -> Iterator[File]:
    """A day each, whatever days_per_file says.

    The operator packs neither report: zips hold a month of daily files, or a workbook.
    """
    for day, lines in span.by_day():
        name = f"WW_DALMP_ISO_{day:%Y%m%d}.csv"
        yield File(
            name=name,
            archive=f"WW_DALMP_ISO_{day:%Y%m}.zip",
            select=_SELECT,
            lines=lines,
            above=_head(name, day),
            below=f'\n"T","{len(lines) * span.places} lines"',
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


def _hour_cells(line: Line) -> str:
    hour = line.interval
    return f'"D","{hour.day:%m/%d/%Y}","{daily_label(hour)}"'


# nodes counts locations of all types.
MARKET = Market(
    iso=ISO,
    zone=ZONE,
    ticks=TICKS,
    reports=(
        Report(
            name="ww_dalmp_iso",
            files=_files,
            places=LOCATIONS,
            curve=DAY_AHEAD,
            datasets=(HOURLY,),
            cells={"hour_cells varchar": _hour_cells},
        ),
        Report(
            name=_isone_smd.REPORT,
            files=_isone_smd.files,
            places=LOCATIONS,
            curve=DAY_AHEAD,
            datasets=(HOURLY,),
            cells=_isone_smd.CELLS,
            by_default=False,
        ),
    ),
)
