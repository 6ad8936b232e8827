"""How SPP prints the two clocks of its reports, which both tell the end of an interval."""

from collections.abc import Callable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from ._common import Interval
from ._market import Line

ZONE = ZoneInfo("America/Chicago")


def printed_end(interval: Interval, length: timedelta) -> datetime:
    """The local end as SPP prints it: 02:00 twice in autumn, never in spring."""
    wall_clock = (interval.utc + length).astimezone(ZONE).replace(tzinfo=None)
    return max(interval.local + length, wall_clock)


def clock_cells(length: timedelta) -> dict[str, Callable[[Line], object]]:
    """The two columns that tell the end of an interval."""
    return {
        "local_end timestamp": lambda line: printed_end(line.interval, length),
        "gmt_end timestamp": lambda line: (line.interval.utc + length).replace(tzinfo=None),
    }
