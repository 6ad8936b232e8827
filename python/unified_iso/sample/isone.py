"""ISO-NE's LMPs: daily reports of both markets, five-minute files and the yearly SMD workbook.

Shapes a reader must get right: the daily reports frame their rows in C, H and T lines and label the
fall day's second 02 as 02X; preliminary real-time files have names without ids; a five-minute file
has ids without names and clocks without a day; the workbook has one sheet per location and another
way of labelling the spring day.

By name also gridstatus_lmp, the real-time prices as the gridstatus library prints them, with names
alone. By name also the prices of reserve: daasreservedata, whose fall day has 02 twice, and
fiveminreserveprice. Those of regulation stand in the workbook's sheet of the control area.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from functools import partial
from itertools import groupby

from . import _gridstatus, _isone_smd
from . import _isone_services as services
from ._common import FIVE_MINUTES
from ._energy import ENERGY, PRICE_COLUMNS, day_ahead, real_time
from ._isone_clock import ZONE, daily_label
from ._isone_frame import head, trailer
from ._isone_locations import FIRST_UNLISTED_ID, ISO, LOCATIONS
from ._market import ONLY, Curve, Dataset, File, Line, Market, Report, Span, Version

TICKS = 100
DAILY, FINAL, PRELIMINARY = "ww_dalmp_iso", "lmp_rt_final", "lmp_rt_prelim"
FIVE_MINUTE_FILES = "lmp_5min"
HOURS_PER_FILE = 4

_LOCATION = {"Location ID": "String", "Location Name": "String", "Location Type": "String"}
_PARTS = {
    "Energy Component": "Number",
    "Congestion Component": "Number",
    "Marginal Loss Component": "Number",
}

DAY_AHEAD = Curve(family=ENERGY, columns=PRICE_COLUMNS, values=day_ahead(ISO, cent=1))
HOURLY = Dataset(name="da_energy_hourly")
REAL_TIME = Curve(
    family=ENERGY, columns=PRICE_COLUMNS, values=real_time(ISO, cent=1), market_type="RT"
)


def _published_id(is_from_names: str) -> dict[str, str]:
    """The published id; names of some locations alone don't tell it."""
    unknown = f"location_id >= {FIRST_UNLISTED_ID} and ({is_from_names})"
    return {"settlement_location_id": f"if({unknown}, trim(name), location_id::varchar)"}


_WITH_ID = {"settlement_location_id": "location_id::varchar"}
_WHERE_IDS_ARE = {FINAL: _WITH_ID, DAILY: _WITH_ID}
REAL_TIME_HOURLY = Dataset(
    name="rt_energy_hourly",
    columns=_published_id(f"contains(data_source, '/{PRELIMINARY}/') or {_gridstatus.IS_SOURCE}"),
    beside=_WHERE_IDS_ARE,
)
FIVE_MINUTE = Curve(
    family=ENERGY,
    columns=PRICE_COLUMNS,
    values=real_time(ISO, cent=1),
    market_type="RT",
    length=FIVE_MINUTES,
)
# Truth has the names, which only an hourly report beside the five-minute files tells.
REAL_TIME_5MIN = Dataset(
    name="rt_energy_5min", columns=_published_id(_gridstatus.IS_SOURCE), beside=_WHERE_IDS_ARE
)

ONLY_PRELIMINARY = Version(1, False, True)
SETTLED = Version(2, True, False)


@dataclass(frozen=True, slots=True)
class _Daily:
    """A report of a file a day: how it is titled and called, and how it prints a location.

    generated: when a file is made, after the beginning of its day in UTC.
    """

    title: str
    stem: str
    location: str
    columns: dict[str, str]
    generated: timedelta
    version: Version = ONLY
    hour_in_quotes: bool = True

    @property
    def heading(self) -> dict[str, str]:
        return {
            "Date": "Date",
            "Hour Ending": "HE",
            **self.columns,
            "Locational Marginal Price": "Number",
            **_PARTS,
        }

    def cells(self, line: Line) -> str:
        hour = line.interval
        quote = '"' if self.hour_in_quotes else ""
        return f'"D","{hour.day:%m/%d/%Y}",{quote}{daily_label(hour)}{quote}'


# The market closes about noon of the day before.
_DAY_AHEAD_REPORT = _Daily(
    title="Day-Ahead Energy Market Hourly LMP Report",
    stem="WW_DALMP_ISO",
    location="location_cells",
    columns=_LOCATION,
    generated=timedelta(hours=-7, minutes=-2, seconds=-48),
)
_FINAL_REPORT = _Daily(
    title="Real-Time Energy Market Hourly LMP Report",
    stem=FINAL,
    location="location_cells",
    columns=_LOCATION,
    generated=timedelta(hours=40, minutes=36, seconds=13),
    version=SETTLED,
    hour_in_quotes=False,
)
_PRELIMINARY_REPORT = _Daily(
    title="Preliminary Real-Time Energy Market Hourly LMP Report",
    stem=PRELIMINARY,
    location="""'"' || name || '"'""",
    columns={"Location": "String"},
    generated=timedelta(hours=31, minutes=5),
    version=ONLY_PRELIMINARY,
    hour_in_quotes=False,
)


# The shortest text of a double is the operator's: 34.2, 0.0.
def _select(cells: str, location: str) -> str:
    return f"""
        select
            {cells},
            {location},
            total / {TICKS},
            energy / {TICKS},
            congestion / {TICKS},
            loss / {TICKS}
        from prices
        order by
            start_us,
            location_id
    """


def _daily_files(report: _Daily, span: Span) -> Iterator[File]:
    """A day each, whatever days_per_file says.

    The operator packs no report: zips hold a month of daily files, or a workbook.
    """
    for day, intervals in span.by_day():
        lines = [Line(line.interval, report.version) for line in intervals]
        name = f"{report.stem}_{day:%Y%m%d}.csv"
        generated = datetime.combine(day, time(), UTC) + report.generated
        yield File(
            name=name,
            archive=f"{report.stem}_{day:%Y%m}.zip",
            select=_select("hour_cells", report.location),
            lines=lines,
            above=head(report.title, name, day, generated, report.heading),
            below=trailer(len(lines) * span.places),
        )


def _five_minute_files(span: Span) -> Iterator[File]:
    """Six files a day, of four hours of the clock each."""
    heading = {"Local Time": "HH:MM:SS", "Location ID": "String", "LMP": "Number", **_PARTS}
    for day, of_day in span.by_day(FIVE_MINUTES):
        for number, group in groupby(of_day, lambda line: line.interval.local.hour // 4):
            lines = list(group)
            first = number * HOURS_PER_FILE
            name = f"{FIVE_MINUTE_FILES}_{day:%Y%m%d}_{first:02}-{first + HOURS_PER_FILE:02}.csv"
            generated = datetime.combine(day, time(), UTC) + timedelta(hours=first + 9)
            yield File(
                name=name,
                archive=f"{FIVE_MINUTE_FILES}_{day:%Y%m}.zip",
                select=_select("clock_cells", """'"' || location_id || '"'"""),
                lines=lines,
                above=head("Real-Time Five-Minute LMP Report", name, day, generated, heading),
                below=trailer(len(lines) * span.places),
            )


def _clock_cells(line: Line) -> str:
    return f'"D","{line.interval.local:%H:%M:%S}"'


def _daily_report(
    name: str, report: _Daily, curve: Curve, dataset: Dataset, by_default: bool = True
) -> Report:
    return Report(
        name=name,
        files=partial(_daily_files, report),
        places=LOCATIONS,
        curve=curve,
        datasets=(dataset,),
        cells={"hour_cells varchar": report.cells},
        by_default=by_default,
    )


def _gridstatus_report(curve: Curve, dataset: Dataset) -> Report:
    return _gridstatus.report(
        ISO,
        ZONE,
        LOCATIONS,
        curve,
        (dataset,),
        (
            _gridstatus.Kind(
                "zone", "location_type in ('HUB', 'ZONE')", "published_type", "hosted"
            ),
            _gridstatus.Kind("node", "location_type not in ('HUB', 'ZONE')", "published_type"),
        ),
        {**_gridstatus.PLACED_BY_NAME, **_gridstatus.priced(TICKS)},
    )


# nodes counts locations of all types.
MARKET = Market(
    iso=ISO,
    zone=ZONE,
    ticks=TICKS,
    reports=(
        _daily_report(DAILY, _DAY_AHEAD_REPORT, DAY_AHEAD, HOURLY),
        _daily_report(FINAL, _FINAL_REPORT, REAL_TIME, REAL_TIME_HOURLY, by_default=False),
        _daily_report(
            PRELIMINARY, _PRELIMINARY_REPORT, REAL_TIME, REAL_TIME_HOURLY, by_default=False
        ),
        Report(
            name=FIVE_MINUTE_FILES,
            files=_five_minute_files,
            places=LOCATIONS,
            curve=FIVE_MINUTE,
            datasets=(REAL_TIME_5MIN,),
            cells={"clock_cells varchar": _clock_cells},
            by_default=False,
        ),
        _gridstatus_report(REAL_TIME, REAL_TIME_HOURLY),
        _gridstatus_report(FIVE_MINUTE, REAL_TIME_5MIN),
        Report(
            name=_isone_smd.REPORT,
            files=_isone_smd.files,
            places=LOCATIONS,
            curve=DAY_AHEAD,
            datasets=(HOURLY,),
            cells=_isone_smd.CELLS,
            by_default=False,
        ),
        Report(
            name=_isone_smd.REPORT,
            files=_isone_smd.files,
            places=LOCATIONS,
            curve=REAL_TIME,
            datasets=(REAL_TIME_HOURLY,),
            by_default=False,
            gives_way=True,
            is_written=False,
        ),
        Report(
            name=services.DAILY,
            files=services.daily_files,
            places=services.PLACES,
            curve=services.DAY_AHEAD,
            datasets=(services.HOURLY,),
            cells=services.CELLS,
            by_default=False,
        ),
        Report(
            name=services.FIVE_MINUTE_FILES,
            files=services.five_minute_files,
            places=services.ZONES,
            curve=services.REAL_TIME,
            datasets=(services.FIVE_MINUTE,),
            cells=services.CELLS,
            by_default=False,
        ),
        Report(
            name=_isone_smd.REPORT,
            files=_isone_smd.files,
            places=services.REGULATION,
            curve=services.REGULATION_HOURS,
            datasets=(services.HOURLY,),
            by_default=False,
            is_written=False,
        ),
    ),
)
