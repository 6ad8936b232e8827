"""PJM's hourly day-ahead and 5-minute real-time LMPs in the CSV form of Data Miner 2.

Shapes a reader must get right: an export's inclusive end puts the first interval of a day in two
files; some intervals stand there as a superseded and a current version; bus names repeat under
other ids; a real-time total need not be the sum of its parts.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass
from datetime import date, datetime, timedelta
from itertools import chain, count
from typing import Literal
from zoneinfo import ZoneInfo

import duckdb

from ._common import (
    CONGESTION_SQL,
    FIVE_MINUTES,
    HOUR,
    INTERVAL_COLUMNS,
    LOSS_SQL,
    PRICE_COLUMNS,
    TOTAL_SQL,
    Interval,
    Prices,
    Request,
    SampleOptions,
    hour_prices,
    market_intervals,
    real_time_prices,
)
from ._output import (
    CRLF,
    EnergyTruth,
    Member,
    Task,
    decimal_sql,
    energy_truth_task,
    load_table,
    raw_tasks,
)
from ._pjm_locations import HUBS, ISO, load_locations, settlement_locations_sql

ZONE = ZoneInfo("America/New_York")
DEFAULT_NODES = 40
CENT = 10_000
TICKS = 1_000_000
EXPORT_ROWS = 1_000_000

# A quarter of the real-time totals miss the sum of their parts by up to half a cent. The prime
# spreads them over intervals and locations, and versions of equal prices keep equal totals.
_SPREAD_SQL = "start_us // 300000000 * pnode_id % 40009"
RT_TOTAL_SQL = f"{TOTAL_SQL} + if({_SPREAD_SQL} <= 10000, {_SPREAD_SQL} - 5000, 0)"


@dataclass(frozen=True, slots=True)
class Report:
    """A feed and the datasets its rows become, each with the SQL condition on its locations.

    prices: prices of an interval, called like `hour_prices`.
    energy_text: SQL of the energy price as printed. total: SQL of the total, in micro-dollars.
    row_limit: rows, of all versions, in a file of at most one day; None where a file holds
        days_per_file days whole.
    """

    name: str
    market_type: Literal["DA", "RT"]
    length: timedelta
    prices: Callable[..., Prices]
    energy_text: str
    total: str
    datasets: Mapping[str, str]
    row_limit: int | None = None
    by_default: bool = False

    @property
    def lines_table(self) -> str:
        """Table of the intervals of the files."""
        return f"pjm_{self.name}_lines"

    @property
    def truth_table(self) -> str:
        """Table of the intervals of the truth."""
        return f"pjm_{self.name}_truth"


DAY_AHEAD = Report(
    name="da_hrl_lmps",
    market_type="DA",
    length=HOUR,
    prices=hour_prices,
    energy_text=decimal_sql(f"energy // {CENT}", 2),
    total=TOTAL_SQL,
    datasets={"da_energy_hourly_nodal": "true", "da_energy_hourly_hub": "type = 'HUB'"},
    by_default=True,
)
FIVE_MINUTE = Report(
    name="rt_fivemin_hrl_lmps",
    market_type="RT",
    length=FIVE_MINUTES,
    prices=real_time_prices,
    energy_text=decimal_sql("energy", 6),
    total=RT_TOTAL_SQL,
    datasets={"rt_energy_5min_nodal": "true"},
    row_limit=EXPORT_ROWS,
)
_REPORTS = (DAY_AHEAD, FIVE_MINUTE)
REPORTS = tuple(report.name for report in _REPORTS)


@dataclass(frozen=True, slots=True)
class Version:
    """One published state of an interval; `revised` prices are those a later version replaced."""

    number: int
    is_current: bool
    revised: bool


ONLY = (Version(1, True, False),)
ONLY_FIRST = (Version(1, True, True),)
CHANGED = (Version(1, False, True), Version(2, True, False))
REPEATED = (Version(1, False, False), Version(2, True, False))


@dataclass(frozen=True, slots=True)
class Line:
    """An interval, in one version, as one file has it for every location."""

    interval: Interval
    version: Version


@dataclass(frozen=True, slots=True)
class File:
    """One CSV, numbered within its report; `source` is what data_source says of its rows."""

    number: int
    member: Member
    source: str
    lines: Sequence[Line]


def plan(con: duckdb.DuckDBPyConnection, request: Request) -> list[Task]:
    """Load PJM's model and return the tasks writing its reports and their truth.

    nodes counts locations of all types; the twelve hubs are written even if it is smaller.
    A file of rt_fivemin_hrl_lmps holds one day whatever days_per_file says, or the part of a day
    that fits into one export.
    """
    reports = [report for report in _REPORTS if request.writes(report.name, report.by_default)]
    if not reports:
        return []
    locations = max(request.nodes or DEFAULT_NODES, len(HUBS))
    load_locations(con, locations)
    return [task for report in reports for task in _report_tasks(con, report, request, locations)]


def _report_tasks(
    con: duckdb.DuckDBPyConnection, report: Report, request: Request, locations: int
) -> list[Task]:
    files = list(_files(report, request, locations))
    _load_lines(con, report, files)
    members = [file.member for file in files]
    raw = raw_tasks(request.out, members, request.options.packaging)
    return [*_truth_tasks(con, report, request, files), *raw]


def _files(report: Report, request: Request, locations: int) -> Iterator[File]:
    exports = _exports(report, request)
    numbers = count()
    for position in range(len(exports)):
        lines = list(_lines(exports, position, request.options))
        size = max(1, report.row_limit // locations) if report.row_limit else len(lines)
        parts = [lines[first : first + size] for first in range(0, len(lines), size)]
        for part, kept in enumerate(parts, start=1):
            suffix = f"_{part:02}" if len(parts) > 1 else ""
            number = next(numbers)
            member = _member(report, number, exports[position][0].day, suffix)
            yield File(number, member, member.source(request.options.packaging), kept)


def _exports(report: Report, request: Request) -> list[list[Interval]]:
    size = 1 if report.row_limit else request.options.days_per_file
    return [
        list(
            market_intervals(
                ZONE,
                request.start + timedelta(first),
                min(size, request.days - first),
                report.length,
            )
        )
        for first in range(0, request.days, size)
    ]


def _member(report: Report, number: int, first: date, suffix: str) -> Member:
    stem = f"{report.name}_{first:%Y%m%d}{suffix}"
    folder = f"pjm/{report.name}"
    return Member(folder, f"{stem}.csv", f"{stem}.zip", _raw_sql(report, number), CRLF)


def _lines(
    exports: Sequence[Sequence[Interval]], position: int, options: SampleOptions
) -> Iterator[Line]:
    """Lines of one export. The last one ends with its day, so that a sample holds whole days."""
    first, *rest = exports[position]
    shared_start = options.overlap and position > 0
    yield from (
        _border_lines(first, "later", options) if shared_start else _inner_lines(first, options)
    )
    yield from chain.from_iterable(_inner_lines(interval, options) for interval in rest)
    if options.overlap and position + 1 < len(exports):
        yield from _border_lines(exports[position + 1][0], "earlier", options)


def _inner_lines(interval: Interval, options: SampleOptions) -> list[Line]:
    by_hour = {17: CHANGED, 18: REPEATED} if options.revisions else {}
    return [Line(interval, version) for version in by_hour.get(interval.utc.hour, ONLY)]


def _border_lines(
    interval: Interval, file: Literal["earlier", "later"], options: SampleOptions
) -> list[Line]:
    """Lines of a shared interval: on two days of three only one of its files saw the revision.

    It is the earlier or the later one by turns, for the file with the greater name need not be the
    one downloaded last.
    """
    revised_in = {0: "later", 1: "earlier"}.get(interval.local.toordinal() % 3)
    if not options.revisions or revised_in is None:
        versions = ONLY
    else:
        versions = CHANGED if file == revised_in else ONLY_FIRST
    return [Line(interval, version) for version in versions]


def _published(files: Sequence[File]) -> list[tuple[Line, str]]:
    """Of each interval the line with the highest version, then of the greatest path."""
    best: dict[datetime, tuple[Line, str]] = {}
    found = [(line, file.source) for file in files for line in file.lines]
    for line, source in sorted(found, key=lambda pair: (pair[0].version.number, pair[1])):
        best[line.interval.utc] = (line, source)
    return [best[utc] for utc in sorted(best)]


def _load_lines(con: duckdb.DuckDBPyConnection, report: Report, files: Sequence[File]) -> None:
    columns = f"""
        file integer, datetime_beginning_utc varchar, datetime_beginning_ept varchar,
        row_is_current varchar, version_nbr integer, {INTERVAL_COLUMNS}, {PRICE_COLUMNS}
    """
    rows = (
        (
            file.number,
            _clock(line.interval.utc),
            _clock(line.interval.local),
            str(line.version.is_current),
            line.version.number,
            *line.interval.row,
            *astuple(_prices(report, line)),
        )
        for file in files
        for line in file.lines
    )
    load_table(con, report.lines_table, columns, rows)


def _prices(report: Report, line: Line) -> Prices:
    """Prices of the interval in this version, in micro-dollars."""
    return report.prices(ISO, line.interval, cent=CENT, revised=line.version.revised)


def _clock(moment: datetime) -> str:
    hour = moment.hour % 12 or 12
    half = "AM" if moment.hour < 12 else "PM"
    return f"{moment.month}/{moment.day}/{moment.year} {hour}:{moment:%M:%S} {half}"


def _raw_sql(report: Report, file: int) -> str:
    market = report.market_type.lower()
    return f"""
        select
            datetime_beginning_utc,
            datetime_beginning_ept,
            pnode_id,
            pnode_name,
            voltage,
            equipment,
            type,
            zone,
            {report.energy_text} as system_energy_price_{market},
            {decimal_sql(report.total, 6)} as total_lmp_{market},
            {decimal_sql("congestion", 6)} as congestion_price_{market},
            {decimal_sql("loss", 6)} as marginal_loss_price_{market},
            row_is_current,
            version_nbr
        from (
            select
                *,
                {CONGESTION_SQL} as congestion,
                {LOSS_SQL} as loss
            from {report.lines_table}
            cross join pjm_locations
            where file = {file}
        )
        order by
            start_us,
            pnode_id,
            version_nbr
    """


def _truth_tasks(
    con: duckdb.DuckDBPyConnection, report: Report, request: Request, files: Sequence[File]
) -> list[Task]:
    if not request.options.truth:
        return []
    _load_truth_intervals(con, report, files)
    return [
        energy_truth_task(
            request.out / "truth" / "pjm" / f"{dataset}.parquet",
            EnergyTruth(
                iso=ISO,
                intervals=report.truth_table,
                locations=settlement_locations_sql(condition),
                ticks=TICKS,
                market_type=report.market_type,
                minutes=report.length // timedelta(minutes=1),
                total=report.total,
            ),
        )
        for dataset, condition in report.datasets.items()
    ]


def _load_truth_intervals(
    con: duckdb.DuckDBPyConnection, report: Report, files: Sequence[File]
) -> None:
    columns = f"""
        {INTERVAL_COLUMNS}, data_source varchar, version uinteger, {PRICE_COLUMNS}
    """
    rows = (
        (*line.interval.row, source, line.version.number, *astuple(_prices(report, line)))
        for line, source in _published(files)
    )
    load_table(con, report.truth_table, columns, rows)
