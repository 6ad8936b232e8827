"""CAISO's LMPs in the CSV form of OASIS: prc_lmp, prc_rtpd_lmp and prc_intvl_lmp.

Shapes a reader must get right: one line per component, in one file or one file each; lines in no
order of time; stamps in UTC that end in -00:00, beside trade hours whose 25 is the third of its
day, with two digits in real time; a price column with three names at two places; downloads that
begin and end inside a trade date and share an interval; totals off by the last digit.

By name also gridstatus_lmp, the same prices as the gridstatus library prints them.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import astuple, dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from itertools import groupby, pairwise
from zoneinfo import ZoneInfo

from . import _caiso_services as services
from . import _gridstatus
from ._caiso_locations import ISO, LOCATIONS
from ._common import FIVE_MINUTES, HOUR, Interval, noise
from ._energy import ENERGY, PRICE_COLUMNS, Prices, hour_prices, real_time_prices
from ._market import EVERYWHERE, Curve, Dataset, File, Line, Market, Report, Span
from ._output import decimal_sql, short_sql

ZONE = ZoneInfo("America/Los_Angeles")
CENT = 1_000
TICKS = 100_000

# Files of 2018 to 2020 have no greenhouse-gas lines, one of 2024 has; the day between is unknown.
GHG_SINCE = date(2021, 1, 1)
GHG_SQL = "-(ghg_price * ghg_percent // 100)"
QUARTER = timedelta(minutes=15)
MICROSECOND = timedelta(microseconds=1)


def _values(
    prices_of: Callable[..., Prices], name: str, interval: Interval, revised: bool
) -> tuple[int, ...]:
    """Prices of an interval; unlike elsewhere the energy price has all five decimals.

    name: of the last three, so that no two reports have the same price.
    """
    prices = prices_of(ISO, interval, cent=CENT, revised=revised)
    energy = prices.energy + noise(-499, 499, ISO, name, interval.utc)
    return astuple(replace(prices, energy=energy))


def _ghg_price(interval: Interval) -> int:
    """What greenhouse gas takes from prices outside California, in ticks."""
    if interval.day < GHG_SINCE:
        return 0
    return max(0, noise(-500 * CENT, 1500 * CENT, ISO, "ghg", interval.utc))


def _formulas(length: timedelta) -> dict[str, str]:
    """The total; the prime spreads those that miss the sum over intervals and locations."""
    last_digit = f"if((start_us // {length // MICROSECOND} + number) % 13 = 0, 1, 0)"
    return {"total": f"energy + congestion + loss + {GHG_SQL} + {last_digit}"}


def _real_time(length: timedelta) -> Curve:
    return Curve(
        family=ENERGY,
        columns=PRICE_COLUMNS,
        values=partial(_values, real_time_prices, f"energy of {length}"),
        market_type="RT",
        length=length,
        more={"ghg_price bigint": _ghg_price},
        formulas=_formulas(length),
    )


DAY_AHEAD = Curve(
    family=ENERGY,
    columns=PRICE_COLUMNS,
    values=partial(_values, hour_prices, "energy"),
    more={"ghg_price bigint": _ghg_price},
    formulas=_formulas(HOUR),
)
NODAL = Dataset(name="da_energy_hourly_nodal")


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """A report: what its files and its column of prices are called, and what its lines print.

    query, market_run, price: words of OASIS, in names of files and in lines.
    version, group_version: those of the interface, of a download and of a GroupZip.
    label: form of OPR_HR.
    is_real_time: OPR_INTERVAL stands behind the price and counts from 1, and a GroupZip has an
        operating hour.
    printed: SQL of a price of so many decimals.
    """

    query: str
    market_run: str
    price: str
    version: int
    group_version: int
    curve: Curve
    dataset: Dataset
    label: str = "d"
    is_real_time: bool = False
    printed: Callable[[str, int], str] = short_sql

    @property
    def length(self) -> timedelta:
        """Length of an interval."""
        return self.curve.length

    @property
    def columns(self) -> dict[str, str]:
        """SQL of the columns but GROUP, in their order."""
        interval, price = {"OPR_INTERVAL": "opr_interval"}, {self.price: self.printed("ticks", 5)}
        return {
            "INTERVALSTARTTIME_GMT": "interval_start",
            "INTERVALENDTIME_GMT": "interval_end",
            "OPR_DT": "delivery_date",
            "OPR_HR": "opr_hr",
            **({} if self.is_real_time else interval),
            "NODE_ID_XML": "name",
            "NODE_ID": "name",
            "NODE": "name",
            "MARKET_RUN_ID": f"'{self.market_run}'",
            "LMP_TYPE": "lmp_type",
            "XML_DATA_ITEM": "item",
            "PNODE_RESMRID": "name",
            "GRP_TYPE": "grp_type",
            "POS": "pos",
            **price,
            **(interval if self.is_real_time else {}),
        }


HOURLY = Form(
    query="PRC_LMP",
    market_run="DAM",
    price="MW",
    version=1,
    group_version=12,
    curve=DAY_AHEAD,
    dataset=NODAL,
)
QUARTERLY = Form(
    query="PRC_RTPD_LMP",
    market_run="RTPD",
    price="PRC",
    version=2,
    group_version=3,
    curve=_real_time(QUARTER),
    dataset=Dataset(name="rt_energy_15min_nodal"),
    label="02d",
    is_real_time=True,
)
# The three lines of this report that somebody quoted have all five decimals.
FIVE_MINUTELY = Form(
    query="PRC_INTVL_LMP",
    market_run="RTM",
    price="VALUE",
    version=3,
    group_version=3,
    curve=_real_time(FIVE_MINUTES),
    dataset=Dataset(name="rt_energy_5min_nodal"),
    label="02d",
    is_real_time=True,
    printed=decimal_sql,
)


@dataclass(frozen=True, slots=True)
class Component:
    """A part of the price: what its lines are labelled, and SQL of its value in ticks."""

    lmp_type: str
    item: str
    value: str


COMPONENTS = (
    Component("LMP", "LMP_PRC", "total"),
    Component("MCC", "LMP_CONG_PRC", "congestion"),
    Component("MCE", "LMP_ENE_PRC", "energy"),
    Component("MCL", "LMP_LOSS_PRC", "loss"),
    Component("MGHG", "LMP_GHG_PRC", GHG_SQL),
)


@dataclass(frozen=True, slots=True)
class Download:
    """What one request to OASIS returns: its intervals, and the local date its range ends on."""

    intervals: Sequence[Interval]
    until: date

    @property
    def dates(self) -> str:
        """The two dates that begin the name of every file of the download."""
        return f"{self.intervals[0].day:%Y%m%d}_{self.until:%Y%m%d}"

    @property
    def days(self) -> list[date]:
        """Trade dates it has intervals of, most often not all of them."""
        return sorted({interval.day for interval in self.intervals})


def _files(form: Form, span: Span) -> Iterator[File]:
    """Zips of one day are GroupZips, one csv per component; other files have all components."""
    if span.packaging == "zip" and span.request.options.days_per_file == 1:
        for day, lines in span.by_day(form.length):
            intervals = [line.interval for line in lines]
            if form.is_real_time:
                for _, of_hour in groupby(intervals, key=lambda interval: interval.hour):
                    yield from _group(form, Download(list(of_hour), day), span.places)
            else:
                yield from _group(form, Download(intervals, day), span.places)
    else:
        for download in _windows(form, span):
            yield _single(form, download, span.places)


def _windows(form: Form, span: Span) -> Iterator[Download]:
    """Downloads of days_per_file days that follow each other and together hold whole days.

    Those that overlap go from midnight to midnight of UTC, inside a trade date, and have the
    interval that begins at their end too; the others follow the market's clock.
    """
    intervals, options = span.intervals(form.length), span.request.options
    inner = range(options.days_per_file, span.request.days, options.days_per_file)
    zone = UTC if options.overlap else ZONE
    borders = [
        intervals[0].utc,
        *(datetime.combine(span.request.start + timedelta(day), time(), zone) for day in inner),
        intervals[-1].utc + form.length,
    ]
    for first, end in pairwise(borders):
        last = end if options.overlap else end - form.length
        kept = [interval for interval in intervals if first <= interval.utc <= last]
        yield Download(kept, end.astimezone(ZONE).date())


def _single(form: Form, download: Download, locations: int) -> File:
    """The csv of a download with all components; its name ends with the time of the download."""
    midnight = datetime.combine(download.until + timedelta(1), time())
    taken = midnight + timedelta(seconds=noise(0, 86_399, "download", download.dates))
    stem = (
        f"{download.dates}_{form.query}_{form.market_run}_{taken:%Y%m%d_%H_%M_%S}_v{form.version}"
    )
    return File(
        name=f"{stem}.csv",
        archive=f"{stem}.zip",
        select=_select(form, download, COMPONENTS, locations),
        lines=[Line(interval) for interval in download.intervals],
    )


def _group(form: Form, download: Download, locations: int) -> Iterator[File]:
    """The csvs of a GroupZip, of which the one of the totals counts.

    Those of real time are named by their operating hour. A day-ahead member for MGHG and the names
    of real-time members are assumptions; real-time GroupZips have five members.
    """
    hour = _trade_hour(form, download.intervals[0]) if form.is_real_time else ""
    version = f"v{form.group_version}"
    archive = f"{download.dates}_{form.market_run}_LMP_GRP_{hour or 'N'}_N_{version}_csv.zip"
    for component in _published(download.days[-1], COMPONENTS):
        is_total = component.lmp_type == "LMP"
        words = (form.query, form.market_run, *filter(None, [hour]), component.lmp_type, version)
        yield File(
            name=f"{download.dates}_{'_'.join(words)}.csv",
            archive=archive,
            select=_select(form, download, (component,), locations),
            lines=[Line(interval, counts=is_total) for interval in download.intervals],
        )


def _published(day: date, components: Sequence[Component]) -> list[Component]:
    return [one for one in components if one.lmp_type != "MGHG" or day >= GHG_SINCE]


def _place_of_day(length: timedelta, interval: Interval) -> int:
    midnight = datetime.combine(interval.day, time(), ZONE)
    return (interval.utc - midnight.astimezone(UTC)) // length


def _stamp(utc: datetime) -> str:
    return f"{utc:%Y-%m-%dT%H:%M:%S}-00:00"


def _trade_hour(form: Form, interval: Interval) -> str:
    """Hour ending by the wall clock; the repeated hour has the label 25."""
    return format(25 if interval.is_second_pass else interval.local.hour + 1, form.label)


def _place_of_hour(form: Form, interval: Interval) -> int:
    return interval.local.minute // form.curve.minutes + 1 if form.is_real_time else 0


def _select(form: Form, download: Download, components: Sequence[Component], locations: int) -> str:
    """SQL of a csv: by trade date, then location, then component, each with its times shuffled.

    GROUP counts these groups.
    """
    groups = 0
    branches = []
    for day in download.days:
        kept = _published(day, components)
        branches.append(_day_sql(form, day, kept, groups))
        groups += locations * len(kept)
    return " union all ".join(branches)


def _day_sql(form: Form, day: date, components: Sequence[Component], groups: int) -> str:
    values = " ".join(f"when '{one.lmp_type}' then {one.value}" for one in components)
    names = ", ".join(
        f"({place}, '{one.lmp_type}', '{one.item}')" for place, one in enumerate(components)
    )
    columns = ", ".join(f'{sql} as "{name}"' for name, sql in form.columns.items())
    # No two intervals of the longest day share a place, because the factor is a prime that does not
    # divide their number.
    place = f"(place * 157 + component * 5) % {25 * (HOUR // form.length)}"
    # Locations are stored by name, and unnesting the lines of a location row by row streams them in
    # their final order: a day of all locations is too much to sort.
    return f"""
        select
            {columns},
            {groups} + number * {len(components)} + component + 1 as "GROUP"
        from (
            select
                *,
                {form.curve.formulas_sql},
                case lmp_type {values} end as ticks
            from (
                select
                    location.*,
                    unnest(every.line, max_depth := 2)
                from places as location
                cross join (
                    select list(line order by component, {place}) as line
                    from (
                        from lines
                        cross join (values {names}) as kind (component, lmp_type, item)
                        where delivery_date = date '{day}'
                    ) as line
                ) as every
            )
        )
    """


def _cells(form: Form) -> dict[str, Callable[[Line], object]]:
    return {
        "place integer": lambda line: _place_of_day(form.length, line.interval),
        "interval_start varchar": lambda line: _stamp(line.interval.utc),
        "interval_end varchar": lambda line: _stamp(line.interval.utc + form.length),
        "opr_hr varchar": lambda line: _trade_hour(form, line.interval),
        "opr_interval integer": lambda line: _place_of_hour(form, line.interval),
    }


def _report(form: Form) -> Report:
    return Report(
        name=form.query.lower(),
        files=partial(_files, form),
        places=LOCATIONS,
        curve=form.curve,
        datasets=(form.dataset,),
        cells=_cells(form),
        by_default=not form.is_real_time,
    )


_LIBRARY_TYPE = """
    case
        when starts_with(name, 'TH_') then 'Trading Hub'
        when starts_with(name, 'DLAP_') then 'DLAP'
        when ends_with(name, '-APND') then 'AP Node'
        else 'Node'
    end
"""


def _gridstatus_report(form: Form, *kinds: _gridstatus.Kind) -> Report:
    return _gridstatus.report(
        ISO,
        ZONE,
        LOCATIONS,
        form.curve,
        (form.dataset,),
        kinds,
        {
            **_gridstatus.PLACED_BY_NAME,
            **_gridstatus.priced(TICKS),
            "GHG": f"({GHG_SQL}) / {TICKS}",
        },
    )


# nodes counts locations of all types; the three trading hubs are written even if it is smaller.
MARKET = Market(
    iso=ISO,
    zone=ZONE,
    ticks=TICKS,
    reports=(
        _report(HOURLY),
        _report(QUARTERLY),
        _report(FIVE_MINUTELY),
        Report(
            name=services.DAY_AHEAD_REPORT,
            files=services.day_ahead_files,
            places=services.PLACES,
            curve=services.DAY_AHEAD,
            datasets=(services.HOURLY,),
            cells=_cells(HOURLY),
            by_default=False,
        ),
        Report(
            name=services.REAL_TIME_REPORT,
            files=services.real_time_files,
            places=services.PLACES,
            curve=services.REAL_TIME,
            datasets=(services.QUARTERS,),
            cells=_cells(QUARTERLY),
            by_default=False,
        ),
        _gridstatus_report(HOURLY, _gridstatus.Kind("all", EVERYWHERE, _LIBRARY_TYPE)),
        *(
            _gridstatus_report(
                form,
                _gridstatus.Kind("hub", "location_type = 'HUB'", _LIBRARY_TYPE, "hosted"),
                _gridstatus.Kind("node", "location_type <> 'HUB'", _LIBRARY_TYPE),
            )
            for form in (QUARTERLY, FIVE_MINUTELY)
        ),
    ),
)
