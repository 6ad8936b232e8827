"""CAISO's day-ahead LMPs, report prc_lmp, in the CSV form of OASIS.

Shapes a reader must get right: one line per component, in one file or one file each; lines in no
order of time; stamps in UTC that end in -00:00, beside trade hours whose 25 is the third of its
day; downloads that begin and end inside a trade date and share an hour; totals off by the last
digit.

By name also gridstatus_lmp, the same prices as the gridstatus library prints them.
"""

from collections.abc import Sequence
from dataclasses import astuple, dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import duckdb

from . import _gridstatus
from ._caiso_locations import HUBS, ISO, load_locations
from ._common import (
    CONGESTION_SQL,
    HOUR,
    INTERVAL_COLUMNS,
    LOSS_SQL,
    PRICE_COLUMNS,
    TOTAL_SQL,
    Interval,
    Prices,
    Request,
    hour_prices,
    market_hours,
    noise,
)
from ._output import (
    LF,
    EnergyTruth,
    Member,
    Task,
    decimal_sql,
    energy_truth_task,
    load_table,
    locations_by_name_sql,
    raw_tasks,
)

ZONE = ZoneInfo("America/Los_Angeles")
DEFAULT_NODES = 40
CENT = 1_000
TICKS = 100_000

REPORT = "prc_lmp"
REPORTS = (REPORT, _gridstatus.REPORT)
FOLDER = f"caiso/{REPORT}"

# Files of 2018 to 2020 have no greenhouse-gas lines, one of 2024 has; the day between is unknown.
GHG_SINCE = date(2021, 1, 1)
GHG_SQL = "-(ghg_price * ghg_percent // 100)"
# The prime spreads totals that miss the sum of their parts over hours and locations.
_LAST_DIGIT_SQL = "if((start_us // 3600000000 + number) % 13 = 0, 1, 0)"
LMP_SQL = f"{TOTAL_SQL} + {GHG_SQL} + {_LAST_DIGIT_SQL}"


@dataclass(frozen=True, slots=True)
class Component:
    """A part of the price: what its lines are labelled, and SQL of its value in ticks."""

    lmp_type: str
    item: str
    value: str


COMPONENTS = (
    Component("LMP", "LMP_PRC", LMP_SQL),
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


def plan(con: duckdb.DuckDBPyConnection, request: Request) -> list[Task]:
    """Load CAISO's model and return the tasks writing its report and its truth.

    nodes counts locations of all types; the three trading hubs are written even if it is smaller.
    Zips of one day are GroupZips, one CSV per component; other files have all components.
    """
    has_own = request.writes(REPORT)
    has_gridstatus = request.writes(_gridstatus.REPORT, default=False)
    if not (has_own or has_gridstatus):
        return []
    locations = max(request.nodes or DEFAULT_NODES, len(HUBS))
    hours = list(market_hours(ZONE, request.start, request.days))
    packaging = request.options.packaging
    if packaging == "zip" and request.options.days_per_file == 1:
        downloads = _trade_dates(hours)
        files = [_group(download, locations) for download in downloads]
    else:
        downloads = _windows(hours, request)
        files = [[_single(download, locations)] for download in downloads]
    shared = _gridstatus_member(request.start)
    sources = [(members[0] if has_own else shared).source(packaging) for members in files]
    load_locations(con, locations)
    _load_hours(con, hours, downloads, sources)
    written = [member for members in files for member in members] if has_own else []
    raw = raw_tasks(request.out, [*written, *([shared] if has_gridstatus else [])], packaging)
    return [*_truth_tasks(request), *raw]


def _trade_dates(hours: Sequence[Interval]) -> list[Download]:
    days = sorted({hour.day for hour in hours})
    return [Download([hour for hour in hours if hour.day == day], day) for day in days]


def _windows(hours: Sequence[Interval], request: Request) -> list[Download]:
    """Downloads of days_per_file days that follow each other and together hold whole days.

    Those that overlap go from midnight to midnight of UTC, inside a trade date, and have the hour
    that begins at their end too; the others follow the market's clock.
    """
    overlap = request.options.overlap
    inner = range(request.options.days_per_file, request.days, request.options.days_per_file)
    zone = UTC if overlap else ZONE
    borders = [
        hours[0].utc,
        *(datetime.combine(request.start + timedelta(day), time(), zone) for day in inner),
        hours[-1].utc + HOUR,
    ]
    downloads = []
    for first, end in pairwise(borders):
        last = end if overlap else end - HOUR
        kept = [hour for hour in hours if first <= hour.utc <= last]
        downloads.append(Download(kept, end.astimezone(ZONE).date()))
    return downloads


def _single(download: Download, locations: int) -> Member:
    """The CSV of a download with all components; its name ends with the time of the download."""
    midnight = datetime.combine(download.until + timedelta(1), time())
    taken = midnight + timedelta(seconds=noise(0, 86_399, "download", download.dates))
    stem = f"{download.dates}_PRC_LMP_DAM_{taken:%Y%m%d_%H_%M_%S}_v1"
    select = _raw_sql(download, COMPONENTS, locations)
    return Member(FOLDER, f"{stem}.csv", f"{stem}.zip", select, LF)


def _group(download: Download, locations: int) -> list[Member]:
    """The CSVs of a GroupZip; a member for MGHG is an assumption, real-time GroupZips have it."""
    archive = f"{download.dates}_DAM_LMP_GRP_N_N_v12_csv.zip"
    return [
        Member(
            folder=FOLDER,
            name=f"{download.dates}_PRC_LMP_DAM_{component.lmp_type}_v12.csv",
            archive=archive,
            select=_raw_sql(download, (component,), locations),
            line_end=LF,
        )
        for component in _published(download.days[-1], COMPONENTS)
    ]


def _gridstatus_member(start: date) -> Member:
    """The prices of all hours in one file, with the words of gridstatus for kinds of locations."""
    locations = """
        select
            *,
            name as location,
            case
                when starts_with(name, 'TH_') then 'Trading Hub'
                when starts_with(name, 'DLAP_') then 'DLAP'
                when ends_with(name, '-APND') then 'AP Node'
                else 'Node'
            end as location_kind
        from caiso_locations
    """
    select = _gridstatus.lmp_sql(
        "caiso_hours", locations, "DAY_AHEAD_HOURLY", ticks=TICKS, total=LMP_SQL, ghg=GHG_SQL
    )
    return _gridstatus.member("caiso", "DAY_AHEAD_HOURLY", "all", start, select)


def _published(day: date, components: Sequence[Component]) -> list[Component]:
    return [one for one in components if one.lmp_type != "MGHG" or day >= GHG_SINCE]


def _load_hours(
    con: duckdb.DuckDBPyConnection,
    hours: Sequence[Interval],
    downloads: Sequence[Download],
    sources: Sequence[str],
) -> None:
    columns = f"""
        place integer, interval_start varchar, interval_end varchar, opr_hr integer,
        {INTERVAL_COLUMNS}, data_source varchar, version uinteger, ghg_price bigint,
        {PRICE_COLUMNS}, {_gridstatus.STAMP_COLUMNS}
    """
    found = {
        hour.utc: source
        for source, download in sorted(zip(sources, downloads, strict=True), key=_by_source)
        for hour in download.hours
    }
    rows = (
        (
            _place_of_day(hour),
            _stamp(hour.utc),
            _stamp(hour.utc + HOUR),
            _trade_hour(hour),
            *hour.row,
            found[hour.utc],
            1,
            _ghg_price(hour),
            *astuple(_prices(hour)),
            *_gridstatus.stamps(hour, HOUR, ZONE),
        )
        for hour in hours
    )
    load_table(con, "caiso_hours", columns, rows)


def _by_source(pair: tuple[str, Download]) -> str:
    return pair[0]


def _place_of_day(hour: Interval) -> int:
    midnight = datetime.combine(hour.day, time(), ZONE)
    return (hour.utc - midnight.astimezone(UTC)) // HOUR


def _stamp(utc: datetime) -> str:
    return f"{utc:%Y-%m-%dT%H:%M:%S}-00:00"


def _trade_hour(hour: Interval) -> int:
    """Hour ending by the wall clock; the repeated hour has the label 25."""
    before = (hour.utc - HOUR).astimezone(ZONE).replace(tzinfo=None)
    return 25 if before == hour.local else hour.local.hour + 1


def _prices(hour: Interval) -> Prices:
    """Prices in ticks; unlike elsewhere the energy price has all five decimals."""
    prices = hour_prices(ISO, hour, cent=CENT)
    return replace(prices, energy=prices.energy + noise(-499, 499, ISO, "energy", hour.utc))


def _ghg_price(hour: Interval) -> int:
    """What greenhouse gas takes from prices outside California, in ticks."""
    if hour.day < GHG_SINCE:
        return 0
    return max(0, noise(-500 * CENT, 1500 * CENT, ISO, "ghg", hour.utc))


def _raw_sql(download: Download, components: Sequence[Component], locations: int) -> str:
    """SQL of a CSV: by trade date, then location, then component, each with its hours shuffled.

    GROUP counts these groups.
    """
    groups = 0
    branches = []
    for day in download.days:
        kept = _published(day, components)
        branches.append(_day_sql(download, day, kept, groups))
        groups += locations * len(kept)
    return " union all ".join(branches)


def _day_sql(download: Download, day: date, components: Sequence[Component], groups: int) -> str:
    values = " ".join(f"when '{one.lmp_type}' then {one.value}" for one in components)
    names = ", ".join(
        f"({place}, '{one.lmp_type}', '{one.item}')" for place, one in enumerate(components)
    )
    ticks = decimal_sql("ticks", 5)
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
            rtrim(rtrim(({ticks})::varchar, '0'), '.') as "MW",
            {groups} + number * {len(components)} + component + 1 as "GROUP"
        from (
            select
                *,
                case lmp_type {values} end as ticks
            from (
                select
                    *,
                    {CONGESTION_SQL} as congestion,
                    {LOSS_SQL} as loss
                from (
                    select
                        location.*,
                        unnest(every.line, max_depth := 2)
                    from caiso_locations as location
                    cross join (
                        select list(
                            line order by component, (place * 7 + component * 5) % 25
                        ) as line
                        from (
                            from caiso_hours
                            cross join (values {names}) as kind (component, lmp_type, item)
                            where delivery_date = date '{day}'
                            and start_us between {_first_us(download)} and {_last_us(download)}
                        ) as line
                    ) as every
                )
            )
        )
    """


def _first_us(download: Download) -> object:
    return download.hours[0].row[0]


def _last_us(download: Download) -> object:
    return download.hours[-1].row[0]


def _truth_tasks(request: Request) -> list[Task]:
    if not request.options.truth:
        return []
    locations = locations_by_name_sql("caiso_locations", "number", "ghg_percent")
    truth = EnergyTruth(ISO, "caiso_hours", locations, TICKS, total=LMP_SQL)
    path = request.out / "truth" / "caiso" / "da_energy_hourly_nodal.parquet"
    return [energy_truth_task(path, truth)]
