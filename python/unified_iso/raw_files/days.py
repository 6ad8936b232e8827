"""Days that a file's name, the lines above its header and its first stamps tell."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from pathlib import PurePosixPath

from unified_iso.raw_files.lines import HEADER_SHOWN
from unified_iso.raw_files.records import Layout, Report
from unified_iso.raw_files.refusals import Refused

LONGEST_HINT_DAYS = 400
_DATE_IN_NAME = re.compile(r"(?<!\d)((?:19|20)\d{2})[-_]?(0[1-9]|1[0-2])[-_]?(0[1-9]|[12]\d|3[01])")
_MIDNIGHT_IN_NAME = re.compile(rf"{_DATE_IN_NAME.pattern}[-_. T]?00[-_.:]?00(?:[-_.:]?00)?(?!\d)")
_DATE_AT_START = re.compile(
    r"(?P<first>\d{1,2})[/.-](?P<second>\d{1,2})[/.-](?P<year>\d{4}|\d{2})(?!\d)"
)
_YEAR_AT_START = re.compile(r"(?P<year>\d{4})[/-](?P<first>\d{1,2})[/-](?P<second>\d{1,2})(?!\d)")
_DATE_ABOVE_HEADER = re.compile(r"(?<!\d)(\d{1,2})/(\d{1,2})/(\d{4})(?!\d)")


def has_days(layout: Layout, report: Report) -> bool:
    """Whether each line tells its day, which counts whatever the heading or the name says."""
    return any(column.tells_day and column.name in layout.names for column in report.columns)


def day_of_report(above: Sequence[str], name: str, day_above: str | None) -> date:
    """The delivery day of a file.

    Raises:
        Refused: nothing tells it, or its name tells another day than the line that has it.
    """
    told = _day_above(above, day_above)
    named = next(iter(_days_in_name(name)), None)
    if day_above and told and named and told != named:
        raise Refused(
            f"is of {told} by the lines above its header and of {named} by its name: mend the one "
            "that is wrong"
        )
    if day := told or named:
        return day
    raise Refused(
        "has no delivery date, neither above its header nor in its name: put it into the name, "
        "as YYYYMMDD"
    )


def _day_above(above: Sequence[str], pattern: str | None) -> date | None:
    for line in above:
        if pattern is None or re.search(pattern, line):
            for month, day, year in _DATE_ABOVE_HEADER.findall(line):
                if _is_date((year, month, day)):
                    return date(int(year), int(month), int(day))
    return None


def refuse_days_first(stamps: Sequence[str], name: str) -> None:
    """Refuse a file whose first stamps are of the days in its name only where the day comes first.

    Up to the twelfth nothing else tells, and its rows would be published in other months. Behind a
    year they come so where a tool took the month of a published stamp for its day.
    """
    printed = [_DATE_AT_START.match(stamp) or _YEAR_AT_START.match(stamp) for stamp in stamps]
    named = _days_in_name(name)
    if not named or not printed or not all(printed):
        return
    parts = {
        (int(found["first"]), int(found["second"]), int(found["year"]))
        for found in printed
        if found
    }
    month_first = {_day_of(year, first, second) for first, second, year in parts}
    day_first = {_day_of(year, second, first) for first, second, year in parts}
    near = {day for end in (min(named), max(named)) for day in _around(end)}
    if day_first <= near and not month_first & near:
        raise Refused(
            f"has dates with the day first ({stamps[0][:HEADER_SHOWN]!r}), as the day in its name "
            f"tells ({min(named)}): write dates as 2024-12-31, or mend the name if it is wrong"
        )


def _day_of(year: int, month: int, day: int) -> date | None:
    try:
        return date(year + 2000 if year < 100 else year, month, day)
    except ValueError:
        return None


def _around(day: date) -> Iterator[date]:
    return (day + timedelta(days=days) for days in (-1, 0, 1))


def publication_stamp_of(report: Report, member: str, container: str) -> str | None:
    """Return the time of publication in the name of a file or of its archive, if it has one."""
    if report.publication_stamp is None:
        return None
    for name in (member, PurePosixPath(container).name):
        if found := re.search(report.publication_stamp, name):
            return "".join(found.groups())
    return None


def hinted_days(name: str) -> list[date]:
    """Delivery days that a file's name suggests: a guess that orders reading, never a fact.

    One date stands for itself and the days around it, two for the days between. Midnight ends the
    day before it as well as it begins its own.
    """
    found = _days_in_name(name)
    if not found:
        return []
    first = found[0]
    last = found[1] if len(found) > 1 else first
    if not timedelta(0) <= last - first <= timedelta(days=LONGEST_HINT_DAYS):
        last = first
    if first == last and first in _days_in_name(name, _MIDNIGHT_IN_NAME):
        first -= timedelta(days=1)
    span = (last - first).days + 2
    return [first + timedelta(days=offset) for offset in range(-1, span)]


def _days_in_name(name: str, pattern: re.Pattern[str] = _DATE_IN_NAME) -> list[date]:
    return [date(*map(int, match)) for match in pattern.findall(name) if _is_date(match)]


def _is_date(match: Mapping[int, str] | tuple[str, str, str]) -> bool:
    try:
        date(int(match[0]), int(match[1]), int(match[2]))
    except ValueError:
        return False
    return True
