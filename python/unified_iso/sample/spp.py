"""SPP's LMPs in the CSV form of its portal: da-lmp-sl, rtbm-lmp-sl and rtbm-lmp-daily-sl.

Shapes a reader must get right: five headers, two ways to print stamps and prices, a local column
that is not the wall clock on clock-change days, from April 2026 a western balancing area with an
energy price of its own, real-time prices that come twice, by interval and by day, and yearly zips
with a file for each month in which the hours stand beside each other.

By name also the prices of operating reserve, da-mcp, rtbm-mcp and rtbm-mcp-daily, and
gridstatus_lmp, the real-time prices as the gridstatus library prints them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass
from datetime import date
from itertools import chain, count, groupby, islice, repeat

from . import _gridstatus
from . import _spp_services as services
from ._common import FIVE_MINUTES, HOUR
from ._energy import (
    ENERGY,
    PRICE_COLUMNS,
    PUBLISHED_BY_NAME,
    SENSITIVITY_COLUMNS,
    day_ahead,
    hour_prices,
    real_time,
    real_time_prices,
    sensitivity,
)
from ._market import EVERYWHERE, Curve, Dataset, File, Line, Market, Means, Places, Report, Span
from ._output import decimal_sql, short_sql
from ._spp_clock import ZONE, clock_cells, printed_end

ISO = "SPP"
CENT = 100

TICKS = 10_000

EAST, WEST = "SPP", "SWPW"
_IN_EAST = f"baa = '{EAST}'"
WEST_JOINS = date(2026, 4, 1)
# The west has about a quarter of the locations of the other area.
WEST_SHARE = 4

HUBS = {"SPPNORTH_HUB": "SPPNORTH_H", "SPPSOUTH_HUB": "SPPSOUTH_H"}
WEST_HUBS = {"SWPW_HUB": "SWPW_H", "CRSP_HUB": "CRSP_H", "LAP_HUB": "LAP_H"}
INTERFACES = (
    *("AECI", "ALTW", "AMRN", "BLKW", "CLEC", "DPC", "EDDY", "EES", "ERCOTE", "ERCOTN", "GRE"),
    *("LAM345", "MCWEST", "MDU", "MEC", "MISO", "NSP", "OTP", "RCEAST", "SCSE", "SGE", "SPA"),
    "SPC",
)

_OWNERS = {
    EAST: ("ALDR", "BIRC", "CEDR", "DUNE", "ELMW", "FLNT", "GRNT"),
    WEST: ("HIGH", "IRON", "JUNP", "KNOB", "LODE"),
}
_PLACES = (
    *("ANTLER", "BADGER", "COTTON", "DRYFORK", "EAGLE", "FOXHILL", "GOOSE", "HARVEST", "IBIS"),
    *("JACKRABBIT", "KESTREL", "LARK", "MESA", "NEEDLE", "OSAGE", "PRAIRIE", "QUAIL"),
)
# Participants name hubs of their own, which are no trading hubs.
_KINDS = ("_WIND", "_HUB", "_LA", "_GEN1", "HUB17", "_CT2", ".HUB.PY2018", "_SOLAR", "_CC", "UN1")
_SHARES_A_PNODE = 24
_SUBAREAS = 9

PLAIN = ("Interval", "GMTIntervalEnd", "Settlement Location", "Pnode", "LMP", "MLC", "MCC", "MEC")
BAA_THIRD = (*PLAIN[:2], "BAA", *PLAIN[2:])
BAA_LAST = (*PLAIN, "BAA")
UPPER_CASE = tuple(name.upper().replace(" ", "_") for name in BAA_THIRD)
# Readers of the daily real-time report strip blanks from its names.
DAILY = (
    *("Interval", " GMT Interval", " Settlement Location Name", " PNODE Name"),
    *(" LMP", " MLC", " MCC", " MEC"),
)


@dataclass(frozen=True, slots=True)
class Form:
    """A header, and whether stamps come unpadded and prices without trailing zeros."""

    header: tuple[str, ...]
    short: bool = False

    @property
    def select(self) -> str:
        """SQL of the rows, as printed."""
        stamp = "%-m/%-d/%Y %-H:%M" if self.short else "%m/%d/%Y %H:%M:%S"
        sql = {
            "INTERVAL": f"strftime(local_end, '{stamp}')",
            "GMTINTERVALEND": f"strftime(gmt_end, '{stamp}')",
            "GMT_INTERVAL": f"strftime(gmt_end, '{stamp}')",
            "SETTLEMENT_LOCATION": "name",
            "SETTLEMENT_LOCATION_NAME": "name",
            "PNODE_NAME": "pnode",
            "LMP": self._price("total"),
            "MLC": self._price("loss"),
            "MCC": self._price("congestion"),
            "MEC": self._price("local_energy"),
        }
        keys = (name.strip().upper().replace(" ", "_") for name in self.header)
        columns = (sql.get(key, key.lower()) for key in keys)
        pairs = zip(columns, self.header, strict=True)
        items = ", ".join(f'{column} as "{name}"' for column, name in pairs)
        return f"select {items} from prices order by start_us, name"

    def _price(self, ticks: str) -> str:
        return short_sql(ticks, 4) if self.short else decimal_sql(ticks, 4)


def _month_sql() -> str:
    """SQL of a row for each date, location and kind of price, with the hours beside each other.

    Readers disagree about the clock of these files. That it is GMT is an assumption.
    """
    kinds = {"LMP": "total", "MCC": "congestion", "MLC": "loss"}
    ticks = ", ".join(kinds.values())
    hours = ", ".join(
        f"max({decimal_sql('ticks', 4)}) filter (where hour(gmt_start) = {hour})"
        f' as " HE{hour + 1:02}"'
        for hour in range(24)
    )
    return f"""
        select
            strftime(gmt_start, '%Y/%m/%d') as "Date", name as " Settlement Location Name",
            pnode as " PNODE Name", price_type as " Price Type", {hours}
        from (
            select
                gmt_end - interval 1 hour as gmt_start, name, pnode,
                unnest({list(kinds)}) as price_type, unnest([{ticks}]) as ticks
            from prices
        )
        group by "Date", name, pnode, price_type
        order by "Date", name, price_type
    """


MONTH = _month_sql()
# Taken in turn, one a day.
FORMS_BEFORE_WEST = (*(Form(PLAIN),) * 4, Form(PLAIN, short=True))
FORMS_WITH_WEST = (
    Form(BAA_THIRD, short=True),
    Form(BAA_THIRD),
    Form(BAA_LAST),
    Form(BAA_THIRD),
    Form(UPPER_CASE, short=True),
)


@dataclass(frozen=True, slots=True)
class Location:
    """A settlement location; `number` counts them within its balancing area."""

    name: str
    pnode: str
    type: str
    baa: str
    number: int

    @property
    def row(self) -> tuple[object, ...]:
        """The location's row of LOCATIONS."""
        area = f"{self.baa} {self.number % _SUBAREAS}"
        factors = sensitivity(ISO, area, self.name, pocket="_WIND" in self.name)
        return (*astuple(self), *astuple(factors))


def _locations(area: str) -> Iterator[Location]:
    """Hubs, then interfaces and invented resources by turns: few locations are of every type."""
    numbers = count()
    hubs = WEST_HUBS if area == WEST else HUBS
    for name, pnode in hubs.items():
        yield Location(name, pnode, "HUB", area, next(numbers))
    resources = map(_resource, repeat(area), numbers)
    for name in INTERFACES if area == EAST else ():
        yield Location(name, name, "INTERFACE", area, next(numbers))
        yield next(resources)
    yield from resources


def _resource(area: str, number: int) -> Location:
    pnode = number - (number % _SHARES_A_PNODE == _SHARES_A_PNODE - 1)
    return Location(
        _resource_name(area, number), f"{_resource_name(area, pnode)}_RA", "NODE", area, number
    )


def _resource_name(area: str, number: int) -> str:
    rest, place = divmod(number, len(_PLACES))
    series, owner = divmod(rest, len(_OWNERS[area]))
    kind = _KINDS[number % len(_KINDS)]
    name = f"{_OWNERS[area][owner]}_{_PLACES[place]}{kind}"
    return f"{name}_{series + 1}" if series else name


def _rows(nodes: int) -> Iterator[tuple[object, ...]]:
    """Locations of the area SPP, and a quarter as many of the west, its three hubs at least."""
    west = max(nodes // WEST_SHARE, len(WEST_HUBS))
    found = chain(islice(_locations(EAST), nodes), islice(_locations(WEST), west))
    return (location.row for location in found)


LOCATIONS = Places(
    columns=f"""
        name varchar, pnode varchar, location_type varchar, baa varchar, number bigint,
        {SENSITIVITY_COLUMNS}
    """,
    rows=_rows,
    least=len(HUBS),
    published=PUBLISHED_BY_NAME,
)
# Published energy prices of one interval and area are a ten-thousandth or two apart.
_SPREAD_SQL = "(start_us // {microseconds} + number) % 3 - 1"
_LOCAL_ENERGY_SQL = f"if(baa = '{WEST}', west_energy, energy) + {_SPREAD_SQL}"
DAY_AHEAD = Curve(
    family=ENERGY,
    columns=PRICE_COLUMNS,
    values=day_ahead(ISO, CENT),
    more={"west_energy bigint": lambda hour: hour_prices(WEST, hour, cent=CENT).energy},
    formulas={"local_energy": _LOCAL_ENERGY_SQL.format(microseconds=3_600_000_000)},
)
REAL_TIME = Curve(
    family=ENERGY,
    columns=PRICE_COLUMNS,
    values=real_time(ISO, CENT),
    market_type="RT",
    length=FIVE_MINUTES,
    more={"west_energy bigint": lambda part: real_time_prices(WEST, part, cent=CENT).energy},
    formulas={"local_energy": _LOCAL_ENERGY_SQL.format(microseconds=300_000_000)},
)


def _files(span: Span) -> Iterator[File]:
    """A day each, whatever days_per_file says.

    Zips hold a year, each day once in its own file and once more in that of its month.
    """
    for _, year in groupby(span.by_day(), key=lambda of_day: of_day[0].year):
        days = list(year)
        yield from (_day_file(day, lines) for day, lines in days)
        if span.packaging == "zip":
            for _, month in groupby(days, key=lambda of_day: of_day[0].month):
                yield _month_file(list(month))


def _day_file(day: date, lines: Sequence[Line]) -> File:
    turn = (day - WEST_JOINS).days % len(FORMS_WITH_WEST)
    forms = FORMS_WITH_WEST if day >= WEST_JOINS else FORMS_BEFORE_WEST
    stamp = f"{day:%Y%m%d}0100"
    return _file(f"DA-LMP-SL-{stamp}.csv", day, forms[turn].select, lines, stamp)


def _month_file(days: Sequence[tuple[date, Sequence[Line]]]) -> File:
    day = days[0][0]
    lines = [line for _, of_day in days for line in of_day]
    return _file(f"DA-LMP-MONTHLY-SL-{day:%Y%m}.csv", day, MONTH, lines)


def _file(name: str, day: date, select: str, lines: Sequence[Line], stamp: str = "") -> File:
    return File(
        name=name,
        archive=f"{day:%Y}.zip",
        select=select,
        lines=lines,
        where=EVERYWHERE if day >= WEST_JOINS else _IN_EAST,
        stamp=stamp,
    )


def _interval_files(span: Span) -> Iterator[File]:
    """A file for each interval of the first day and every second one; the others come by day only.

    It is named by its local end, with a `d` behind it when the clock shows that for the second
    time.
    """
    for number, (day, lines) in enumerate(span.by_day(FIVE_MINUTES)):
        if number % 2 == 0:
            form = Form(BAA_LAST if day >= WEST_JOINS else PLAIN)
            for line in lines:
                end = printed_end(line.interval, FIVE_MINUTES)
                again = "d" if line.interval.is_second_pass else ""
                yield _file(f"RTBM-LMP-SL-{end:%Y%m%d%H%M}{again}.csv", day, form.select, [line])


def _daily_files(span: Span) -> Iterator[File]:
    """A file for each day, so that the prices of every second day come twice."""
    for day, lines in span.by_day(FIVE_MINUTES):
        form = Form((*DAILY, " BAA") if day >= WEST_JOINS else DAILY)
        yield _file(f"RTBM-LMP-DAILY-SL-{day:%Y%m%d}.csv", day, form.select, lines)


_AREA = {"zone": f"if(delivery_date >= date '{WEST_JOINS}', baa, null)"}
_RT_DATASETS = (Dataset(name="rt_energy_5min", columns=_AREA),)

_LIBRARY_TYPE = """
    case location_type
        when 'HUB' then 'Hub'
        when 'INTERFACE' then 'Interface'
        else 'Settlement Location'
    end
"""


def _library_editions(span: Span) -> Iterator[_gridstatus.Edition]:
    """The days of one area, and those of two."""
    by_areas = groupby(span.lines(FIVE_MINUTES), lambda line: line.interval.day >= WEST_JOINS)
    for has_west, lines in by_areas:
        yield _gridstatus.Edition(
            _gridstatus.word_of(REAL_TIME), list(lines), EVERYWHERE if has_west else _IN_EAST
        )


def _gridstatus_report() -> Report:
    place = {
        # Whoever joins files with and without the column leaves it empty.
        "BAA": f"if(delivery_date >= date '{WEST_JOINS}', baa, null)",
        "Location": "name",
    }
    return _gridstatus.report(
        ISO,
        ZONE,
        LOCATIONS,
        REAL_TIME,
        _RT_DATASETS,
        (
            _gridstatus.Kind("hub", "location_type = 'HUB'", _LIBRARY_TYPE, "hosted"),
            _gridstatus.Kind("location", "location_type <> 'HUB'", _LIBRARY_TYPE),
        ),
        {
            **_gridstatus.placed_by(place, {"PNode": "pnode"}),
            **_gridstatus.priced(TICKS),
            "Energy": f"local_energy / {TICKS}",
        },
        editions=_library_editions,
    )


# nodes counts locations of the area SPP, its two trading hubs first.
MARKET = Market(
    iso=ISO,
    zone=ZONE,
    ticks=TICKS,
    reports=(
        Report(
            name="da-lmp-sl",
            files=_files,
            places=LOCATIONS,
            curve=DAY_AHEAD,
            datasets=(Dataset(name="da_energy_hourly", columns=_AREA),),
            cells=clock_cells(HOUR),
        ),
        Report(
            name="rtbm-lmp-sl",
            files=_interval_files,
            places=LOCATIONS,
            curve=REAL_TIME,
            datasets=_RT_DATASETS,
            cells=clock_cells(FIVE_MINUTES),
            by_default=False,
        ),
        Report(
            name="rtbm-lmp-daily-sl",
            files=_daily_files,
            places=LOCATIONS,
            curve=REAL_TIME,
            datasets=_RT_DATASETS,
            cells=clock_cells(FIVE_MINUTES),
            by_default=False,
        ),
        _gridstatus_report(),
        Report(
            name="da-mcp",
            files=services.daily_files,
            places=services.PLACES,
            curve=services.DAY_AHEAD,
            datasets=(services.HOURLY,),
            cells=clock_cells(HOUR),
            by_default=False,
        ),
        Report(
            name="rtbm-mcp",
            files=services.interval_files,
            places=services.REAL_TIME_PLACES,
            curve=services.REAL_TIME,
            datasets=(services.FIVE_MINUTE,),
            cells=clock_cells(FIVE_MINUTES),
            by_default=False,
        ),
        Report(
            name="rtbm-mcp-daily",
            files=services.real_time_daily_files,
            places=services.REAL_TIME_PLACES,
            curve=services.REAL_TIME,
            datasets=(services.FIVE_MINUTE,),
            cells=clock_cells(FIVE_MINUTES),
            by_default=False,
        ),
    ),
    means=(
        Means(
            name="rt_energy_hourly",
            of="rt_energy_5min",
            intervals=12,
            averaged=("lmp_total", "lmp_energy", "lmp_congestion", "lmp_loss", "system_lambda"),
        ),
    ),
)
