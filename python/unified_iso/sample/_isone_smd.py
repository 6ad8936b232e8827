"""ISO-NE's yearly SMD workbook, a sheet for the hub and each load zone; sheets saved as csv."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby

from ._common import Interval, Packaging, noise
from ._energy import Prices, congestion_sql, loss_sql, real_time_prices
from ._isone_clock import FIRST_LABELLED_YEAR, is_in_order, workbook_labels
from ._isone_locations import ISO
from ._market import Book, File, Line, Span

REPORT = "smd_hourly"
SHEETS = {
    4000: "ISO NE CA",
    4001: "ME",
    4002: "NH",
    4003: "VT",
    4004: "CT",
    4005: "RI",
    4006: "SEMA",
    4007: "WCMA",
    4008: "NEMA",
}
POOL = 4000
FIRST_RENAMED_YEAR = 2016
# Sheets and columns until 2015, where they had other names.
OLD_SHEETS = SHEETS | {
    POOL: "ISONE CA",
    4006: "SEMASS",
    4007: "WCMASS",
    4008: "NEMASSBOST",
}
_OLD_COLUMNS = {
    "Hr_End": "Hour",
    "DA_Demand": "DA_DEMD",
    "RT_Demand": "DEMAND",
    "Dry_Bulb": "DryBulb",
    "Dew_Point": "DewPnt",
    "System_Load": "SYSLoad",
}
NOTES = "Hourly demand, prices and weather of the control area and its load zones"

# Sheets that people saved as csv beside or instead of the workbook.
_SAVED: dict[Packaging, tuple[int, ...]] = {"csv": (POOL,), "csv.gz": tuple(SHEETS), "zip": ()}


@dataclass(frozen=True, slots=True)
class Row:
    """What tells a row of a sheet from others of its hour: the location and the label."""

    location_id: int
    label: str


def files(span: Span) -> Iterator[File]:
    """A workbook a year and the pool's sheet saved beside it.

    Under packaging csv.gz all sheets are saved and there is no workbook, zip packs the workbook.
    """
    for year, group in groupby(span.lines(), key=lambda line: line.interval.day.year):
        hours = [line.interval for line in group]
        sheets = SHEETS if year >= FIRST_RENAMED_YEAR else OLD_SHEETS
        for id_ in _SAVED[span.packaging]:
            name = f"{year}_{REPORT}_{sheets[id_].replace(' ', '_')}.csv"
            yield _sheet(name, id_, year, hours, None)
        if span.packaging != "csv.gz":
            book = Book(f"{year}_{REPORT}", notes=NOTES)
            for id_, name in sheets.items():
                yield _sheet(name, id_, year, hours, book)


def _sheet(name: str, id_: int, year: int, hours: Sequence[Interval], book: Book | None) -> File:
    lines = [
        Line(hour, counts=is_in_order(hour), tag=Row(id_, str(label)))
        for hour in hours
        for label in workbook_labels(hour)
    ]
    return File(
        name=name,
        book=book,
        resaved=book is None,
        select=_select(year, has_pool=id_ == POOL),
        lines=lines,
        where=f"location_id = {id_}",
    )


def _select(year: int, has_pool: bool) -> str:
    label = "label" if year >= FIRST_LABELLED_YEAR else "label::integer"
    renamed = year >= FIRST_RENAMED_YEAR

    def called(name: str) -> str:
        return f'"{name if renamed else _OLD_COLUMNS[name]}"'

    regulation = """
        service / 120 as "Reg_Service_Price",
        capacity / 120 as "Reg_Capacity_Price",
        0.0::double as "Min_5min_RSP",
        service / 50 as "Max_5min_RSP",
        0.0::double as "Min_5min_RCP",
        capacity / 50 as "Max_5min_RCP"
    """
    old_regulation = 'service / 100 as "RegSP", capacity / 100 as "RegCP"'
    pool = f"load as {called('System_Load')}, {regulation if renamed else old_regulation}"
    return f"""
        select
            delivery_date as "Date",
            {label} as {called("Hr_End")},
            demand / 10 as {called("DA_Demand")},
            demand / 10 + miss / 1000 as {called("RT_Demand")},
            {_dollars_sql("DA", "energy", "congestion", "loss")},
            {_dollars_sql("RT", "rt_energy", congestion_sql("rt_"), loss_sql("rt_"))},
            dry_bulb as {called("Dry_Bulb")},
            dry_bulb - dew_distance as {called("Dew_Point")}
            {f", {pool}" if has_pool else ""}
        from prices
        order by
            start_us,
            label
    """


def _dollars_sql(market: str, energy: str, congestion: str, loss: str) -> str:
    parts = [f"({part}) / 100" for part in (energy, congestion, loss)]
    # Summed as doubles, as in the real workbook, so that 40.300000000000004 stands for 40.30.
    return f"""
        {" + ".join(parts)} as "{market}_LMP",
        {parts[0]} as "{market}_EC",
        {parts[1]} as "{market}_CC",
        {parts[2]} as "{market}_MLC"
    """


def _row(line: Line) -> Row:
    assert isinstance(line.tag, Row)
    return line.tag


@lru_cache(maxsize=32)
def _settled(hour: Interval) -> Prices:
    return real_time_prices(ISO, hour, cent=1)


def _hourly(low: int, high: int, key: str) -> Callable[[Line], int]:
    """A number of the whole control area."""
    return lambda line: noise(low, high, key, line.interval.utc)


def _local(low: int, high: int, key: str) -> Callable[[Line], int]:
    """A number of a location."""
    return lambda line: noise(low, high, key, _row(line).location_id, line.interval.utc)


CELLS: dict[str, Callable[[Line], object]] = {
    "label varchar": lambda line: _row(line).label,
    "demand bigint": _local(8000, 16000, "demand"),
    "miss bigint": _local(-999_999, 999_999, "miss"),
    "rt_energy bigint": lambda line: _settled(line.interval).energy,
    "rt_shadow_1 bigint": lambda line: _settled(line.interval).shadow_1,
    "rt_shadow_2 bigint": lambda line: _settled(line.interval).shadow_2,
    "rt_shadow_3 bigint": lambda line: _settled(line.interval).shadow_3,
    "rt_loss_percent bigint": lambda line: _settled(line.interval).loss_percent,
    "dry_bulb bigint": lambda line: noise(
        10, 95, "weather", _row(line).location_id, line.interval.day
    ),
    "dew_distance bigint": _local(0, 9, "dew"),
    "load bigint": _hourly(9000, 24_000, "load"),
    "service bigint": _hourly(0, 50, "service"),
    "capacity bigint": _hourly(0, 9000, "capacity"),
}
