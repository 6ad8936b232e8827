"""How ISO-NE's reports label the hours of a day, which is not the same in all of them."""

from datetime import timedelta
from zoneinfo import ZoneInfo

from ._common import HOUR, Interval

ZONE = ZoneInfo("America/New_York")
FIRST_LABELLED_YEAR = 2024


def daily_label(hour: Interval) -> str:
    """The daily reports' label: clock hour + 1, with X for the second pass. Spring has no 03."""
    return f"{hour.local.hour + 1:02}" + ("X" if hour.is_second_pass else "")


def workbook_labels(hour: Interval) -> list[int | str]:
    """The SMD workbook's labels of an hour, one a row.

    From 2024 they are text, and the spring day's hour before the jump is labelled by the clock at
    its end: 01, 03, 04. Before, they are numbers from 1 to 24 on every day: here the spring day's
    hour before the jump comes twice and the second pass of the fall day not at all, though what
    the operator filled these rows with is not known.
    """
    if hour.day.year >= FIRST_LABELLED_YEAR:
        return ["03" if _is_before_jump(hour) else daily_label(hour)]
    if hour.is_second_pass:
        return []
    return [2, 3] if _is_before_jump(hour) else [hour.local.hour + 1]


def is_in_order(hour: Interval) -> bool:
    """Whether the workbook's row of this hour can be trusted: not on a day forced to 24 rows."""
    midday = hour.local.replace(hour=12, tzinfo=ZONE)
    begins_like_noon = midday.replace(hour=0).utcoffset() == midday.utcoffset()
    return hour.day.year >= FIRST_LABELLED_YEAR or begins_like_noon


def _is_before_jump(hour: Interval) -> bool:
    end = (hour.utc + HOUR).astimezone(ZONE).replace(tzinfo=None)
    return end - hour.local == timedelta(hours=2)
