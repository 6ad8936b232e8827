"""PJM's hourly day-ahead, hourly real-time and 5-minute LMPs in the CSV form of Data Miner 2.

Shapes a reader must get right: an export's inclusive end puts the first interval of a day in two
files; some intervals stand there as a superseded and a current version; bus names repeat under
other ids; a real-time total need not be the sum of its parts; a revised day of hourly real-time
prices comes whole in both versions, most of which have equal prices.

By name also gridstatus_lmp, the real-time prices as the gridstatus library prints them.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from itertools import chain
from typing import Literal
from zoneinfo import ZoneInfo

from . import _gridstatus
from . import _pjm_services as services
from ._common import FIVE_MINUTES, HOUR, Interval, SampleOptions
from ._energy import ENERGY, PRICE_COLUMNS, day_ahead, real_time
from ._market import (
    CRLF,
    EVERYWHERE,
    ONLY,
    Curve,
    Dataset,
    File,
    Line,
    Market,
    Places,
    Report,
    Span,
    Version,
)
from ._output import decimal_sql
from ._pjm_locations import ISO, LOCATIONS

ZONE = ZoneInfo("America/New_York")
CENT = 10_000
TICKS = 1_000_000
# Of all versions, in one export.
EXPORT_ROWS = 1_000_000

# A quarter of the real-time totals miss the sum of their parts by up to half a cent. The prime
# spreads them over intervals and locations, and versions of equal prices keep equal totals.
_SPREAD_SQL = "start_us // 300000000 * pnode_id % 40009"
_MISS_SQL = f"if({_SPREAD_SQL} <= 10000, {_SPREAD_SQL} - 5000, 0)"

DAY_AHEAD = Curve(family=ENERGY, columns=PRICE_COLUMNS, values=day_ahead(ISO, CENT))
REAL_TIME_TOTAL = {"total": f"energy + congestion + loss + {_MISS_SQL}"}
REAL_TIME = Curve(
    family=ENERGY,
    columns=PRICE_COLUMNS,
    values=real_time(ISO, CENT),
    market_type="RT",
    formulas=REAL_TIME_TOTAL,
)
FIVE_MINUTE = Curve(
    family=ENERGY,
    columns=PRICE_COLUMNS,
    values=real_time(ISO, CENT),
    market_type="RT",
    length=FIVE_MINUTES,
    formulas=REAL_TIME_TOTAL,
)

ONLY_FIRST = (Version(1, True, True),)
CHANGED = (Version(1, False, True), Version(2, True, False))
REPEATED = (Version(1, False, False), Version(2, True, False))


def _select(market: str, energy: str) -> str:
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
            {energy} as system_energy_price_{market},
            {decimal_sql("total", 6)} as total_lmp_{market},
            {decimal_sql("congestion", 6)} as congestion_price_{market},
            {decimal_sql("loss", 6)} as marginal_loss_price_{market},
            row_is_current,
            version as version_nbr
        from prices
        order by
            start_us,
            pnode_id,
            version
    """


def _files(
    name: str, select: str, length: timedelta, in_exports: bool, span: Span, where: str = EVERYWHERE
) -> Iterator[File]:
    """Files of days_per_file days; `in_exports` of one, or the part of it that an export holds."""
    size = 1 if in_exports else span.request.options.days_per_file
    ranges = [span.intervals(length, first, size) for first in range(0, span.request.days, size)]
    for position, intervals in enumerate(ranges):
        lines = list(_lines(ranges, position, span.request.options))
        fitting = max(1, EXPORT_ROWS // span.places) if in_exports else len(lines)
        parts = [lines[first : first + fitting] for first in range(0, len(lines), fitting)]
        for number, part in enumerate(parts, start=1):
            suffix = f"_{number:02}" if len(parts) > 1 else ""
            stem = f"{name}_{intervals[0].day:%Y%m%d}{suffix}"
            yield File(
                name=f"{stem}.csv",
                archive=f"{stem}.zip",
                select=select,
                lines=part,
                where=where,
            )


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
    return [Line(interval, version) for version in by_hour.get(interval.utc.hour, (ONLY,))]


def _border_lines(
    interval: Interval, file: Literal["earlier", "later"], options: SampleOptions
) -> list[Line]:
    """Lines of a shared interval: on two days of three only one of its files saw the revision.

    It is the earlier or the later one by turns, for the file with the greater name need not be the
    one downloaded last.
    """
    revised_in = {0: "later", 1: "earlier"}.get(interval.local.toordinal() % 3)
    if not options.revisions or revised_in is None:
        return [Line(interval)]
    versions = CHANGED if file == revised_in else ONLY_FIRST
    return [Line(interval, version) for version in versions]


def _days_of_versions(span: Span) -> Iterator[File]:
    """A day each; every other day was revised, and has one hour of other prices in its versions."""
    for day, lines in span.by_day():
        is_revised = span.request.options.revisions and day.toordinal() % 2 == 0
        yield File(
            name=f"rt_hrl_lmps_{day:%Y%m%d}.csv",
            archive=f"rt_hrl_lmps_{day:%Y%m%d}.zip",
            select=_select("rt", decimal_sql("energy", 6)),
            lines=[
                Line(line.interval, version)
                for line in lines
                for version in (_versions_of(line.interval) if is_revised else (ONLY,))
            ],
        )


def _versions_of(hour: Interval) -> tuple[Version, ...]:
    return CHANGED if hour.local.hour == 17 else REPEATED


def _clock(moment: datetime) -> str:
    hour = moment.hour % 12 or 12
    half = "AM" if moment.hour < 12 else "PM"
    return f"{moment.month}/{moment.day}/{moment.year} {hour}:{moment:%M:%S} {half}"


CELLS: dict[str, Callable[[Line], object]] = {
    "datetime_beginning_utc varchar": lambda line: _clock(line.interval.utc),
    "datetime_beginning_ept varchar": lambda line: _clock(line.interval.local),
    "row_is_current varchar": lambda line: str(line.version.is_current),
}


def _report(
    name: str,
    curve: Curve,
    energy: str,
    datasets: tuple[Dataset, ...],
    in_exports: bool = False,
    by_default: bool = True,
) -> Report:
    select = _select(curve.market_type.lower(), energy)
    return Report(
        name=name,
        files=partial(_files, name, select, curve.length, in_exports),
        places=LOCATIONS,
        curve=curve,
        datasets=datasets,
        cells=CELLS,
        line_end=CRLF,
        by_default=by_default,
    )


def _services_report(
    name: str,
    files: Callable[[Span], Iterable[File]],
    places: Places,
    curve: Curve,
    dataset: Dataset,
) -> Report:
    return Report(
        name=name,
        files=files,
        places=places,
        curve=curve,
        datasets=(dataset,),
        cells=CELLS,
        line_end=CRLF,
        by_default=False,
    )


# Files of gridstatus tell neither zone nor voltage of a pnode.
_RT_COLUMNS = {
    "zone": f"if({_gridstatus.IS_SOURCE}, null, zone)",
    "voltage_kv": f"if({_gridstatus.IS_SOURCE}, null, voltage_kv)",
}
_RT_HOURLY = (
    Dataset(name="rt_energy_hourly_nodal", columns=_RT_COLUMNS),
    Dataset(name="rt_energy_hourly_hub", where="type = 'HUB'", columns=_RT_COLUMNS),
)
_RT_FIVE_MINUTE = (Dataset(name="rt_energy_5min_nodal", columns=_RT_COLUMNS),)


def _gridstatus_report(curve: Curve, datasets: tuple[Dataset, ...]) -> Report:
    place = {
        "Location Id": "pnode_id",
        "Location Name": "pnode_name",
        "Location Short Name": "pnode_name",
    }
    return _gridstatus.report(
        ISO,
        ZONE,
        LOCATIONS,
        curve,
        datasets,
        (
            _gridstatus.Kind("hub", "type = 'HUB'", "type", "hosted"),
            _gridstatus.Kind("node", "type <> 'HUB'", "type"),
        ),
        {**_gridstatus.placed_by(place), **_gridstatus.priced(TICKS)},
        order="pnode_id",
    )


# nodes counts locations of all types; the twelve hubs are written even if it is smaller.
MARKET = Market(
    iso=ISO,
    zone=ZONE,
    ticks=TICKS,
    reports=(
        _report(
            "da_hrl_lmps",
            DAY_AHEAD,
            energy=decimal_sql(f"energy // {CENT}", 2),
            datasets=(
                Dataset(name="da_energy_hourly_nodal"),
                Dataset(name="da_energy_hourly_hub", where="type = 'HUB'"),
            ),
        ),
        replace(
            _report(
                "rt_hrl_lmps",
                REAL_TIME,
                energy=decimal_sql("energy", 6),
                datasets=_RT_HOURLY,
                by_default=False,
            ),
            files=_days_of_versions,
        ),
        _report(
            "rt_fivemin_hrl_lmps",
            FIVE_MINUTE,
            energy=decimal_sql("energy", 6),
            datasets=_RT_FIVE_MINUTE,
            in_exports=True,
            by_default=False,
        ),
        _gridstatus_report(REAL_TIME, _RT_HOURLY),
        _gridstatus_report(FIVE_MINUTE, _RT_FIVE_MINUTE),
        _services_report(
            services.HOURLY_FEED,
            partial(
                _files,
                services.HOURLY_FEED,
                services.feed_sql("Price", services.IN_ORDER, has_ratio=True),
                HOUR,
                False,
                where=services.HAS_LONG_NAME,
            ),
            services.PLACES,
            services.REAL_TIME,
            services.HOURLY,
        ),
        _services_report(
            services.RESULTS,
            services.hourly_results_files,
            services.PLACES,
            services.REAL_TIME,
            services.HOURLY,
        ),
        _services_report(
            services.DAY_AHEAD_FEED,
            services.day_ahead_files,
            services.DAY_AHEAD_PLACES,
            services.DAY_AHEAD,
            services.HOURLY,
        ),
        _services_report(
            services.DAY_AHEAD_RESULTS,
            services.day_ahead_results_files,
            services.DAY_AHEAD_PLACES,
            services.DAY_AHEAD,
            services.HOURLY,
        ),
        _services_report(
            services.FIVE_MINUTE_FEED,
            services.five_minute_files,
            services.FIVE_MINUTE_PLACES,
            services.FIVE_MINUTE,
            services.FIVE_MINUTES_DATASET,
        ),
        _services_report(
            services.RESULTS,
            services.results_files,
            services.FIVE_MINUTE_PLACES,
            services.FIVE_MINUTE,
            services.FIVE_MINUTES_DATASET,
        ),
        _services_report(
            services.REGULATION_FEED,
            services.regulation_files,
            services.FIVE_MINUTE_PLACES,
            services.FIVE_MINUTE,
            services.FIVE_MINUTES_DATASET,
        ),
    ),
)
