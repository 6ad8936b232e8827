"""CAISO's day-ahead LMPs, report prc_lmp, in the CSV form of OASIS.

Shapes a reader must get right: one line per component, in one file or one file each; lines in no
order of time; stamps in UTC that end in -00:00, beside trade hours whose 25 is the third of its
day; downloads that begin and end inside a trade date and share an hour; totals off by the last
digit.

By name also gridstatus_lmp, the same prices as the gridstatus library prints them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from . import _gridstatus
from ._caiso_locations import ISO, LOCATIONS
from ._common import HOUR, Interval, noise
from ._energy import ENERGY, PRICE_COLUMNS, hour_prices
from ._market import EVERYWHERE, Curve, Dataset, File, Line, Market, Report, Span
from ._output import short_sql

ZONE = ZoneInfo("America/Los_Angeles")
CENT = 1_000
TICKS = 100_000

# Files of 2018 to 2020 have no greenhouse-gas lines, one of 2024 has; the day between is unknown.
GHG_SINCE = date(2021, 1, 1)
GHG_SQL = "-(ghg_price * ghg_percent // 100)"
# The prime spreads totals that miss the sum of their parts over hours and locations.
_LAST_DIGIT_SQL = "if((start_us // 3600000000 + number) % 13 = 0, 1, 0)"


def _values(hour: Interval, revised: bool) -> tuple[int, ...]:
    """Prices of an hour; unlike elsewhere the energy price has all five decimals."""
    prices = hour_prices(ISO, hour, cent=CENT, revised=revised)
    energy = prices.energy + noise(-499, 499, ISO, "energy", hour.utc)
    return astuple(replace(prices, energy=energy))


def _ghg_price(hour: Interval) -> int:
    """What greenhouse gas takes from prices outside California, in ticks."""
    if hour.day < GHG_SINCE:
        return 0
    return max(0, noise(-500 * CENT, 1500 * CENT, ISO, "ghg", hour.utc))


DAY_AHEAD = Curve(
    family=ENERGY,
    columns=PRICE_COLUMNS,
    values=_values,
    more={"ghg_price bigint": _ghg_price},
    formulas={"total": f"energy + congestion + loss + {GHG_SQL} + {_LAST_DIGIT_SQL}"},
)
NODAL = Dataset(name="da_energy_hourly_nodal")


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
    """What one request to OASIS returns: its hours, and the local date its range ends on."""

    hours: Sequence[Interval]
    until: date

    @property
    def dates(self) -> str:
        """The two dates that begin the name of every file of the download."""
        return f"{self.hours[0].day:%Y%m%d}_{self.until:%Y%m%d}"

    @property
    def days(self) -> list[date]:
        """Trade dates it has hours of, most often not all of them."""
        return sorted({hour.day for hour in self.hours})


def _files(span: Span) -> Iterator[File]:
    """Zips of one day are GroupZips, one csv per component; other files have all components."""
    if span.packaging == "zip" and span.request.options.days_per_file == 1:
        for day, lines in span.by_day():
            yield from _group(Download([line.interval for line in lines], day), span.places)
    else:
        for download in _windows(span):
            yield _single(download, span.places)


def _windows(span: Span) -> Iterator[Download]:
    """Downloads of days_per_file days that follow each other and together hold whole days.

    Those that overlap go from midnight to midnight of UTC, inside a trade date, and have the hour
    that begins at their end too; the others follow the market's clock.
    """
    hours, options = span.intervals(HOUR), span.request.options
    inner = range(options.days_per_file, span.request.days, options.days_per_file)
    zone = UTC if options.overlap else ZONE
    borders = [
        hours[0].utc,
        *(datetime.combine(span.request.start + timedelta(day), time(), zone) for day in inner),
        hours[-1].utc + HOUR,
    ]
    for first, end in pairwise(borders):
        last = end if options.overlap else end - HOUR
        kept = [hour for hour in hours if first <= hour.utc <= last]
        yield Download(kept, end.astimezone(ZONE).date())


def _single(download: Download, locations: int) -> File:
    """The csv of a download with all components; its name ends with the time of the download."""
    midnight = datetime.combine(download.until + timedelta(1), time())
    taken = midnight + timedelta(seconds=noise(0, 86_399, "download", download.dates))
    stem = f"{download.dates}_PRC_LMP_DAM_{taken:%Y%m%d_%H_%M_%S}_v1"
    return File(
        name=f"{stem}.csv",
        archive=f"{stem}.zip",
        select=_select(download, COMPONENTS, locations),
        lines=[Line(hour) for hour in download.hours],
    )


def _group(download: Download, locations: int) -> Iterator[File]:
    """The csvs of a GroupZip, of which the one of the totals counts.

    A member for MGHG is an assumption, real-time GroupZips have it.
    """
    for component in _published(download.days[-1], COMPONENTS):
        is_total = component.lmp_type == "LMP"
        yield File(
            name=f"{download.dates}_PRC_LMP_DAM_{component.lmp_type}_v12.csv",
            archive=f"{download.dates}_DAM_LMP_GRP_N_N_v12_csv.zip",
            select=_select(download, (component,), locations),
            lines=[Line(hour, counts=is_total) for hour in download.hours],
        )


def _published(day: date, components: Sequence[Component]) -> list[Component]:
    return [one for one in components if one.lmp_type != "MGHG" or day >= GHG_SINCE]


def _place_of_day(line: Line) -> int:
    midnight = datetime.combine(line.interval.day, time(), ZONE)
    return (line.interval.utc - midnight.astimezone(UTC)) // HOUR


def _stamp(utc: datetime) -> str:
    return f"{utc:%Y-%m-%dT%H:%M:%S}-00:00"


def _trade_hour(line: Line) -> int:
    """Hour ending by the wall clock; the repeated hour has the label 25."""
    return 25 if line.interval.is_second_pass else line.interval.local.hour + 1


def _select(download: Download, components: Sequence[Component], locations: int) -> str:
    """SQL of a csv: by trade date, then location, then component, each with its hours shuffled.

    GROUP counts these groups.
    """
    groups = 0
    branches = []
    for day in download.days:
        kept = _published(day, components)
        branches.append(_day_sql(day, kept, groups))
        groups += locations * len(kept)
    return " union all ".join(branches)


def _day_sql(day: date, components: Sequence[Component], groups: int) -> str:
    values = " ".join(f"when '{one.lmp_type}' then {one.value}" for one in components)
    names = ", ".join(
        f"({place}, '{one.lmp_type}', '{one.item}')" for place, one in enumerate(components)
    )
    # Locations are stored by name, and unnesting the lines of a location row by row streams them in
    # their final order: a day of all locations is too much to sort.
    return f"""
        select
            interval_start as "INTERVALSTARTTIME_GMT",
            interval_end as "INTERVALENDTIME_GMT",
            delivery_date as "OPR_DT",
            opr_hr as "OPR_HR",
            0 as "OPR_INTERVAL",
            name as "NODE_ID_XML",
            name as "NODE_ID",
            name as "NODE",
            'DAM' as "MARKET_RUN_ID",
            lmp_type as "LMP_TYPE",
            item as "XML_DATA_ITEM",
            name as "PNODE_RESMRID",
            grp_type as "GRP_TYPE",
            pos as "POS",
            {short_sql("ticks", 5)} as "MW",
            {groups} + number * {len(components)} + component + 1 as "GROUP"
        from (
            select
                *,
                {DAY_AHEAD.formulas_sql},
                case lmp_type {values} end as ticks
            from (
                select
                    location.*,
                    unnest(every.line, max_depth := 2)
                from places as location
                cross join (
                    select list(
                        line order by component, (place * 7 + component * 5) % 25
                    ) as line
                    from (
                        from lines
                        cross join (values {names}) as kind (component, lmp_type, item)
                        where delivery_date = date '{day}'
                    ) as line
                ) as every
            )
        )
    """


# nodes counts locations of all types; the three trading hubs are written even if it is smaller.
MARKET = Market(
    iso=ISO,
    zone=ZONE,
    ticks=TICKS,
    reports=(
        Report(
            name="prc_lmp",
            files=_files,
            places=LOCATIONS,
            curve=DAY_AHEAD,
            datasets=(NODAL,),
            cells={
                "place integer": _place_of_day,
                "interval_start varchar": lambda line: _stamp(line.interval.utc),
                "interval_end varchar": lambda line: _stamp(line.interval.utc + HOUR),
                "opr_hr integer": _trade_hour,
            },
        ),
        _gridstatus.report(
            ISO,
            ZONE,
            LOCATIONS,
            DAY_AHEAD,
            (NODAL,),
            [
                _gridstatus.Kind(
                    name="all",
                    where=EVERYWHERE,
                    location_type="""
                        case
                            when starts_with(name, 'TH_') then 'Trading Hub'
                            when starts_with(name, 'DLAP_') then 'DLAP'
                            when ends_with(name, '-APND') then 'AP Node'
                            else 'Node'
                        end
                    """,
                )
            ],
            ticks=TICKS,
            ghg=GHG_SQL,
        ),
    ),
)
