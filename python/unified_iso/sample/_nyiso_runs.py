"""The dispatch runs of NYISO, whose reports are stamped with the ends of their intervals."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import groupby
from zoneinfo import ZoneInfo

from ._common import EPOCH, FIVE_MINUTES, MICROSECOND, Interval
from ._market import ONLY, File, Line, Span, Version

ZONE = ZoneInfo("America/New_York")
# Five-minute intervals by the clock at which they begin: those that have a run in the middle, so
# long after they begin, those that end a minute late, and those that no run is for.
RUN_IN_THE_MIDDLE = {
    (0, 0): timedelta(minutes=2, seconds=40),
    (1, 0): timedelta(minutes=2, seconds=48),
    (1, 55): timedelta(minutes=2, seconds=48),
    (14, 35): timedelta(minutes=3, seconds=46),
}
ENDS_LATE = (4, 20)
WITHOUT_A_RUN = {(7, 5), (9, 15), (9, 20)}
MINUTE = timedelta(minutes=1)
# When the copy of an unfinished day was downloaded, and how many advisory prices it has.
DOWNLOADED = (12, 5)
ADVISORY = 4
QUARTER = timedelta(minutes=15)
CORRECTED = Version(1, False, True)


def dispatched(span: Span) -> Iterator[Interval]:
    """Intervals of dispatch runs. Nothing stands before the first one of a sample."""
    first = span.request.start
    for interval in span.intervals(FIVE_MINUTES):
        clock = (interval.local.hour, interval.local.minute)
        end = interval.utc + FIVE_MINUTES
        middle = RUN_IN_THE_MIDDLE.get(clock)
        if clock in WITHOUT_A_RUN:
            continue
        if middle and (interval.day > first or clock > (0, 0)):
            yield interval.shifted(timedelta(), interval.utc + middle)
            yield interval.shifted(middle, end)
        elif clock == ENDS_LATE:
            yield interval.shifted(timedelta(), end + MINUTE)
        elif clock == (ENDS_LATE[0], ENDS_LATE[1] + 5):
            yield interval.shifted(MINUTE, end)
        else:
            yield interval.shifted(timedelta(), end)


def end_of(interval: Interval) -> datetime:
    """The end of the interval of a run."""
    assert interval.end, "intervals of dispatch runs have an end"
    return interval.end


def end_us(interval: Interval) -> int:
    """Its end in microseconds since 1970-01-01 UTC."""
    return (end_of(interval) - EPOCH) // MICROSECOND


def stamp_of_end(line: Line) -> str:
    """The end of its interval, on the clock."""
    return f"{end_of(line.interval).astimezone(ZONE):%m/%d/%Y %H:%M:%S}"


def run_files(name: str, select: str, where: str, span: Span) -> Iterator[File]:
    """A day each, and the last one as it was before it was over, under a name that sorts behind."""
    days = [(day, list(runs)) for day, runs in groupby(dispatched(span), lambda run: run.day)]
    for day, runs in days:
        yield File(
            name=f"{day:%Y%m%d}{name}.csv",
            archive=f"{day:%Y%m}01{name}_csv.zip",
            select=select,
            lines=[Line(run) for run in runs],
            where=where,
        )
    day, runs = days[-1]
    yield File(
        name=f"{day:%Y%m%d}{name}_early.csv",
        archive=f"{day:%Y%m%d}{name}_early.zip",
        select=select,
        lines=list(_early_lines(runs)),
        where=where,
    )


def _early_lines(runs: list[Interval]) -> Iterator[Line]:
    """Runs until noon, some with prices that were corrected since, and advisory quarter-hours."""
    *_, noon = (run for run in runs if (run.local.hour, run.local.minute) < DOWNLOADED)
    first_advisory = end_of(noon) + 2 * FIVE_MINUTES
    for run in runs:
        if run.utc <= noon.utc:
            yield Line(run, CORRECTED if run.local.hour == 10 else ONLY, counts=False)
    for number in range(ADVISORY):
        later = number * QUARTER
        advisory = noon.shifted(FIVE_MINUTES + later, first_advisory + later)
        yield Line(advisory, counts=False)
