"""MISO's hourly and five-minute LMPs in the CSV form of its market reports.

Shapes a reader must get right: a line of an hourly report holds the 24 hours of a day, which all
days have, for the clock never changes; the three prices of a node stand thousands of lines apart
and the energy price nowhere; the date stands above the header only; day-ahead numbers go without
zeros that tell nothing, such as the one before the point; the preliminary and the final real-time
report have one title; the weekly five-minute report stamps the end of an interval and has lines
below its data.

By name also gridstatus_lmp, the real-time prices as the gridstatus library prints them.
"""

from collections.abc import Callable, Iterator
from dataclasses import astuple, dataclass, replace
from datetime import date, timedelta
from functools import partial
from itertools import count, groupby, islice
from zoneinfo import ZoneInfo

from . import _gridstatus
from . import _miso_services as services
from ._common import FIVE_MINUTES, Interval, noise
from ._energy import (
    ENERGY,
    PRICE_COLUMNS,
    PUBLISHED_BY_NAME,
    SENSITIVITY_COLUMNS,
    day_ahead,
    real_time,
    real_time_prices,
    sensitivity,
)
from ._market import CRLF, LF, Curve, Dataset, File, Line, Market, Places, Report, Span, Version
from ._output import decimal_sql, short_sql

ISO = "MISO"
ZONE = ZoneInfo("Etc/GMT+5")
TICKS = 100
TITLE = "Day Ahead Market ExPost LMPs"
REAL_TIME_TITLE = "Realtime Market LMPs"
CLOCK_NOTE = ",,,All Hours-Ending are Eastern Standard Time (EST)"

HUBS = (
    *("ARKANSAS.HUB", "ILLINOIS.HUB", "INDIANA.HUB", "LOUISIANA.HUB", "MICHIGAN.HUB"),
    *("MINN.HUB", "MS.HUB", "TEXAS.HUB"),
)
INTERFACES = (
    *("AECI", "AEP", "AP", "CE", "CPLE", "CPLW", "CSWS", "DEOK", "DLCO", "DPL", "DUK", "EDE"),
    *("EKPC", "FE", "GRDA", "INDN", "ITCI", "KACY", "KCPL", "LES", "LGEE", "MHEB", "MPS"),
    *("NPPD", "NYISO", "OKGE", "ONT", "ONT.DECO.PSOUT", "ONT_W", "OPPD", "PJMC", "PSEG", "SCEG"),
    *("SECI", "SOCO", "SPA", "SPC", "SPRM", "SPS", "SWPP", "TVA", "VAP", "WAUE", "WFEC", "WR"),
    "YAD",
)

# Most of what the report calls a hub is an aggregate of one of these kinds.
_AGGREGATES = ("AZ", "ARR", "AZ", "AGG", "AZ", "ARR", "MVP", "AZ", "NU")
_KINDS = (*("Gennode",) * 12, *("Loadzone",) * 4, *("Hub",) * 4)
_AREAS = ("ALDR", "BIRC", "CYPR", "DOGW", "ELMS", "FIRS", "GUMT", "HAZL", "IRWD", "JUNP", "LARC")
_FIRST = ("ASH", "BAR", "COL", "DEL", "EAST", "FOX", "GOLD", "HAW", "LIM", "MAR", "NOR", "OAK")
_LAST = ("BN", "CR", "DA", "FL", "HI", "LK", "MI", "PR", "RD", "VA")
# So that a small sample has more than interfaces.
_BEFORE_OTHER_INTERFACES = 60


@dataclass(frozen=True, slots=True)
class Location:
    """A node with its type as the report prints it, and the area whose congestion it shares."""

    name: str
    published_type: str
    area: str
    pocket: bool = False

    @property
    def settlement_location_type(self) -> str:
        """The unified type."""
        if self.published_type == "Hub":
            return "HUB" if self.name.endswith(".HUB") else "AGGREGATE"
        return {"Gennode": "NODE", "Loadzone": "ZONE", "Interface": "INTERFACE"}[
            self.published_type
        ]

    @property
    def row(self) -> tuple[object, ...]:
        """The location's row of LOCATIONS."""
        factors = sensitivity(ISO, self.area, self.name, pocket=self.pocket)
        return (self.name, self.published_type, self.settlement_location_type, *astuple(factors))


def locations() -> Iterator[Location]:
    """All locations there could be, the indispensable ones first; each has a name of its own."""
    yield from (Location(name, "Hub", name) for name in HUBS)
    yield from (Location(name, "Interface", name) for name in INTERFACES[:3])
    yield from (Location(f"{area}.{area}", "Loadzone", area) for area in _AREAS[:3])
    yield from (
        Location(f"{area}.{kind}", "Hub", area)
        for area, kind in zip(_AREAS, dict.fromkeys(_AGGREGATES), strict=False)
    )
    yield Location("ALDR.PRAIRWND1", "Gennode", "ALDR", pocket=True)
    yield from map(_other, range(_BEFORE_OTHER_INTERFACES))
    yield from (Location(name, "Interface", name) for name in INTERFACES[3:])
    yield from map(_other, count(_BEFORE_OTHER_INTERFACES))


def _other(number: int) -> Location:
    rest, last = divmod(number, len(_LAST))
    series, first = divmod(rest, len(_FIRST))
    area = _AREAS[noise(0, len(_AREAS) - 1, "location", number)]
    kind = _KINDS[noise(0, len(_KINDS) - 1, "kind", number)]
    station = f"{area}.{_FIRST[first]}{_LAST[last]}{series + 1}"
    if kind == "Hub":
        aggregate = _AGGREGATES[number % len(_AGGREGATES)]
        return Location(f"{station}.{aggregate}", kind, area)
    if kind == "Loadzone":
        return Location(f"{station}_L", kind, area)
    return Location(station, kind, area, pocket=noise(1, 12, "wind", number) == 1)


LOCATIONS = Places(
    columns=f"""
        name varchar, published_type varchar, location_type varchar, {SENSITIVITY_COLUMNS}
    """,
    rows=lambda number: (location.row for location in islice(locations(), number)),
    least=len(HUBS),
    published=PUBLISHED_BY_NAME,
)


PRELIMINARY, FINAL = Version(1, False, True), Version(2, True, False)


def _files(span: Span) -> Iterator[File]:
    """A day each whatever days_per_file says, as the operator has them; its zips hold a month."""
    for day, lines in span.by_day():
        yield File(
            name=f"{day:%Y%m%d}_da_expost_lmp.csv",
            archive=f"{day:%Y%m}_da_expost_lmp_csv.zip",
            select=_select(TITLE, f"{day:%m/%d/%Y}", "\n", _shortest_sql),
            lines=lines,
        )


def _real_time_days(version: Version, span: Span) -> Iterator[tuple[date, list[Line]]]:
    """The lines of each day; the last one has preliminary prices alone, not yet replaced."""
    days = span.by_day()
    last_day = days[-1][0]
    for day, lines in days:
        stands = version if day != last_day else replace(PRELIMINARY, is_current=True)
        if version is not FINAL or stands is FINAL:
            yield day, [replace(line, version=stands) for line in lines]


def _real_time_files(name: str, version: Version, span: Span) -> Iterator[File]:
    """A day each."""
    for day, lines in _real_time_days(version, span):
        yield File(
            name=f"{day:%Y%m%d}_{name}.csv",
            archive=f"{day:%Y%m%d}_{name}.zip",
            select=_select(
                REAL_TIME_TITLE, f"{day.month}/{day.day}/{day.year}", "\r\n", _with_cents_sql
            ),
            lines=lines,
        )


def _select(title: str, day: str, line_end: str, printed: Callable[[str], str]) -> str:
    # Nothing is quoted, so what the name of the first column begins with are lines of their own.
    above_header = "".join(line + line_end for line in (title, day, "", CLOCK_NOTE))
    hours = ", ".join(f'prices[{hour}] as "HE {hour}"' for hour in range(1, 25))
    return f"""
        select
            name as "{above_header}Node",
            published_type as "Type",
            value as "Value",
            {hours}
        from (
            select
                name,
                published_type,
                value,
                list({printed("price")} order by start_us) as prices
            from (
                select
                    name,
                    published_type,
                    start_us,
                    unnest(['LMP', 'MCC', 'MLC']) as value,
                    unnest([total, congestion, loss]) as price
                from prices
            )
            group by
                name,
                published_type,
                value
        )
        order by
            value,
            name
    """


def _shortest_sql(cents: str) -> str:
    """SQL that prints cents as dollars without a zero that could be left out: `15`, `.2`, `0`."""
    return rf"regexp_replace({short_sql(cents, 2)}, '^(-?)0\.', '\1.')"


def _with_cents_sql(cents: str) -> str:
    """SQL that prints cents as dollars with two decimals: `15.00`, `0.20`."""
    return f"({decimal_sql(cents, 2)})::varchar"


_FIVE_MINUTE_HEADER = "MKTHOUR_EST,PNODENAME,LMP,CON_LMP,LOSS_LMP"
_FIVE_MINUTE_SELECT = f"""
    select
        stamp,
        name,
        {decimal_sql("total", 2)},
        {decimal_sql("congestion", 2)},
        {decimal_sql("loss", 2)}
    from prices
    order by
        start_us,
        name
"""


def _weekly_files(span: Span) -> Iterator[File]:
    """Weeks from Monday on, named after the Monday two weeks later."""
    by_week = groupby(span.lines(FIVE_MINUTES), key=lambda line: _monday(line.interval.day))
    for monday, lines in by_week:
        posted = monday + timedelta(weeks=2)
        head = ("Real-Time 5 Minute LMPs", f"{monday:%m/%d/%Y}", "", "All times are EST")
        yield File(
            name=f"{posted:%Y%m%d}_5MIN_LMP.csv",
            archive=f"{posted:%Y%m%d}_5MIN_LMP.zip",
            select=_FIVE_MINUTE_SELECT,
            lines=list(lines),
            above="".join(f"{line}\n" for line in (*head, _FIVE_MINUTE_HEADER)),
            below='\n\n*END*\n"Prices are final, and subject to correction"\n',
        )


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def _end(line: Line) -> str:
    return f"{line.interval.local + FIVE_MINUTES:%m/%d/%Y %H:%M}"


def _hour_means(hour: Interval, revised: bool) -> tuple[int, ...]:
    """Means of what the five-minute prices of an hour are made of, dearer before the revision."""
    starts = (number * FIVE_MINUTES for number in range(12))
    parts = [
        astuple(
            real_time_prices(
                ISO, replace(hour, utc=hour.utc + start, local=hour.local + start), cent=1
            )
        )
        for start in starts
    ]
    energy, *others = (sum(values) // 12 for values in zip(*parts, strict=True))
    return (energy + 100 * revised, *others)


REAL_TIME = Curve(family=ENERGY, columns=PRICE_COLUMNS, values=_hour_means, market_type="RT")
FIVE_MINUTE = Curve(
    family=ENERGY,
    columns=PRICE_COLUMNS,
    values=real_time(ISO, cent=1),
    market_type="RT",
    length=FIVE_MINUTES,
)
REAL_TIME_HOURLY = Dataset(name="rt_energy_hourly_nodal")
# Names do not tell load zones; the types that gridstatus prints do.
FIVE_MINUTELY = Dataset(
    name="rt_energy_5min_nodal",
    columns={
        "settlement_location_type": (
            f"if({_gridstatus.IS_SOURCE}, location_type, replace(location_type, 'ZONE', 'NODE'))"
        )
    },
)


def _real_time_report(name: str, version: Version) -> Report:
    return Report(
        name=name,
        files=partial(_real_time_files, name, version),
        places=LOCATIONS,
        curve=REAL_TIME,
        datasets=(REAL_TIME_HOURLY,),
        line_end=CRLF,
        by_default=False,
    )


def _services_report(
    name: str, files: Callable[[Span], Iterator[File]], curve: Curve, line_end: str
) -> Report:
    return Report(
        name=name,
        files=files,
        places=services.PLACES,
        curve=curve,
        datasets=(services.HOURLY,),
        line_end=line_end,
        by_default=False,
    )


def _services_of_api(files: Callable[[Span], Iterator[File]], curve: Curve) -> Report:
    report = _services_report(_gridstatus.SERVICES_REPORT, files, curve, LF)
    return replace(report, cells=_gridstatus.time_cells(ZONE, curve))


def _hourly_editions(span: Span) -> Iterator[_gridstatus.Edition]:
    """A file of each version; one of final prices where there are any."""
    for word, version in (("FINAL", FINAL), ("PRELIM", PRELIMINARY)):
        lines = [line for _, of_day in _real_time_days(version, span) for line in of_day]
        if lines:
            yield _gridstatus.Edition(f"REAL_TIME_HOURLY_{word}", lines)


# The library works the energy price out, and what a subtraction of doubles leaves it prints.
_LIBRARY_PRICES = _gridstatus.priced(TICKS) | {
    "Energy": f"total / {TICKS} - congestion / {TICKS} - loss / {TICKS}"
}


def _gridstatus_report(
    curve: Curve,
    dataset: Dataset,
    editions: Callable[[Span], Iterator[_gridstatus.Edition]] | None = None,
) -> Report:
    return _gridstatus.report(
        ISO,
        ZONE,
        LOCATIONS,
        curve,
        (dataset,),
        (
            _gridstatus.Kind("hub", "published_type = 'Hub'", "published_type", "hosted"),
            _gridstatus.Kind("node", "published_type <> 'Hub'", "published_type"),
        ),
        {**_gridstatus.PLACED_BY_NAME, **_LIBRARY_PRICES},
        editions=editions,
    )


# nodes counts locations of all types; the eight hubs are written even if it is smaller.
MARKET = Market(
    iso=ISO,
    zone=ZONE,
    ticks=TICKS,
    reports=(
        Report(
            name="da_expost_lmp",
            files=_files,
            places=LOCATIONS,
            curve=Curve(family=ENERGY, columns=PRICE_COLUMNS, values=day_ahead(ISO, cent=1)),
            datasets=(Dataset(name="da_energy_hourly_nodal"),),
        ),
        _real_time_report("rt_lmp_final", FINAL),
        _real_time_report("rt_lmp_prelim", PRELIMINARY),
        Report(
            name="5min_lmp",
            files=_weekly_files,
            places=LOCATIONS,
            curve=FIVE_MINUTE,
            datasets=(FIVE_MINUTELY,),
            cells={"stamp varchar": _end},
            by_default=False,
        ),
        _gridstatus_report(REAL_TIME, REAL_TIME_HOURLY, _hourly_editions),
        _gridstatus_report(FIVE_MINUTE, FIVE_MINUTELY),
        _services_report(
            services.DAY_AHEAD_REPORT, services.day_ahead_files, services.DAY_AHEAD, LF
        ),
        _services_report(services.FINAL_REPORT, services.final_files, services.REAL_TIME, CRLF),
        _services_report(
            services.PRELIMINARY_REPORT, services.preliminary_files, services.REAL_TIME, CRLF
        ),
        _services_of_api(services.day_ahead_files_of_api, services.DAY_AHEAD),
        _services_of_api(services.real_time_files_of_api, services.REAL_TIME),
    ),
)
