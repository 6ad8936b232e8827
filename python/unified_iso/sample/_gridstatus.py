"""Price files as the gridstatus library prints them: its current layout, with UTC offsets.

The prices are those of a market's own reports, so that a row from either says the same.
"""

from datetime import date, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from ._common import CONGESTION_SQL, LOSS_SQL, TOTAL_SQL, Interval
from ._output import LF, Member

REPORT = "gridstatus_lmp"

# Columns of a table of intervals, as `stamps` fills them.
STAMP_COLUMNS = "gridstatus_start varchar, gridstatus_end varchar"

Market = Literal["DAY_AHEAD_HOURLY", "REAL_TIME_HOURLY", "REAL_TIME_15_MIN", "REAL_TIME_5_MIN"]


def stamps(interval: Interval, length: timedelta, zone: ZoneInfo) -> tuple[str, str]:
    """Values for STAMP_COLUMNS: each end of the interval has the offset of its own instant."""
    start = interval.utc.astimezone(zone)
    end = (interval.utc + length).astimezone(zone)
    return start.isoformat(sep=" "), end.isoformat(sep=" ")


def member(iso: str, market: Market, location_type: str, start: date, select: str) -> Member:
    """A file of one call of the library, named as people name them."""
    name = f"{iso}_{market.lower()}_{location_type}_{start:%Y%m%d}"
    return Member(f"{iso}/{REPORT}", f"{name}.csv", f"{name}.zip", select, LF)


def lmp_sql(
    intervals: str,
    locations: str,
    market: Market,
    *,
    ticks: int,
    total: str = TOTAL_SQL,
    ghg: str | None = None,
    negative_zeros: bool = False,
) -> str:
    """SQL of the rows of a file, in time order.

    intervals: table with STAMP_COLUMNS and PRICE_COLUMNS. locations: SQL giving location,
        location_kind and SENSITIVITY_COLUMNS. ticks: ticks to the dollar.
    total, ghg: SQL of the total and the greenhouse-gas price in ticks, over the columns of both.
    negative_zeros: the library has turned the sign of congestion, of zeros too.
    """
    congestion = f"-1.0 * (-congestion / {ticks})" if negative_zeros else f"congestion / {ticks}"
    ghg_column = f', ({ghg}) / {ticks} as "GHG"' if ghg else ""
    return f"""
        select
            gridstatus_start as "Time",
            gridstatus_start as "Interval Start",
            gridstatus_end as "Interval End",
            '{market}' as "Market",
            location as "Location",
            location_kind as "Location Type",
            ({total}) / {ticks} as "LMP",
            energy / {ticks} as "Energy",
            {congestion} as "Congestion",
            loss / {ticks} as "Loss"
            {ghg_column}
        from (
            select
                *,
                {CONGESTION_SQL} as congestion,
                {LOSS_SQL} as loss
            from {intervals}
            cross join ({locations})
        )
        order by
            start_us,
            location
    """
