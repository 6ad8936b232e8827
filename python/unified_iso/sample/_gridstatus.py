"""Price files as the gridstatus library and its hosted API print them, with UTC offsets.

The library's layout is its current one. The prices are those of a market's own reports, so that a
row from either says the same. Day-ahead files have the library's layout; in real time some places
come from the hosted API and the others from the library.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from functools import partial
from typing import Literal
from zoneinfo import ZoneInfo

from ._market import EVERYWHERE, Curve, Dataset, File, Line, Places, Report, Span

REPORT = "gridstatus_lmp"
SERVICES_REPORT = "gridstatus_as"

# SQL of whether a row of truth is from such a file.
IS_SOURCE = f"contains(data_source, '/{REPORT}/')"

_MARKET, _TYPE = "market_word", "location_word"


def placed_by(place: Mapping[str, str], behind: Mapping[str, str] | None = None) -> dict[str, str]:
    """Columns and SQL of what a row is a price of; `behind` are columns behind the type."""
    return {"Market": _MARKET, **place, "Location Type": _TYPE, **(behind or {})}


PLACED_BY_NAME = placed_by({"Location": "name"})


def priced(ticks: int, *, negative_zeros: bool = False) -> dict[str, str]:
    """Columns and SQL of the prices.

    negative_zeros: the library has turned the sign of congestion, of zeros too.
    """
    congestion = f"-1.0 * (-congestion / {ticks})" if negative_zeros else f"congestion / {ticks}"
    return {
        "LMP": f"total / {ticks}",
        "Energy": f"energy / {ticks}",
        "Congestion": congestion,
        "Loss": f"loss / {ticks}",
    }


@dataclass(frozen=True, slots=True)
class Kind:
    """One download: SQL of the places it gives, and of what it says they are, and its layout."""

    name: str
    where: str
    location_type: str
    layout: Literal["library", "hosted"] = "library"


@dataclass(frozen=True, slots=True)
class Edition:
    """Lines under one word of the market, and SQL of the places that have them."""

    market: str
    lines: Sequence[Line]
    where: str = EVERYWHERE


def report(
    iso: str,
    zone: ZoneInfo,
    places: Places,
    curve: Curve,
    datasets: tuple[Dataset, ...],
    kinds: Sequence[Kind],
    columns: Mapping[str, str],
    *,
    order: str = "name",
    editions: Callable[[Span], Iterable[Edition]] | None = None,
) -> Report:
    """The prices of all intervals of a sample, in a file for each of `kinds` and `editions`.

    columns: SQL of the library's columns behind the times.
    order: SQL of what the rows of an interval are sorted by.
    editions: one with all intervals without.
    """
    found = editions or partial(_whole, curve)

    def files(span: Span) -> Iterator[File]:
        for edition in found(span):
            first = edition.lines[0].interval.day
            for kind in kinds:
                name = f"{iso}_{edition.market}_{kind.name}_{first:%Y%m%d}".lower()
                yield File(
                    name=f"{name}.csv",
                    archive=f"{name}.zip",
                    select=_select(edition.market, kind, columns, order),
                    lines=edition.lines,
                    where=_both(kind.where, edition.where),
                )

    return Report(
        name=REPORT,
        files=files,
        places=places,
        curve=curve,
        datasets=datasets,
        cells=time_cells(zone, curve),
        by_default=False,
        needs_real_time=curve.market_type == "RT",
        gives_way=True,
    )


def _whole(curve: Curve, span: Span) -> Iterator[Edition]:
    yield Edition(word_of(curve), span.lines(curve.length))


def word_of(curve: Curve) -> str:
    """The library's word for a market and the length of its intervals."""
    names = {("DA", 60): "DAY_AHEAD_HOURLY", ("RT", 60): "REAL_TIME_HOURLY"}
    return names.get((curve.market_type, curve.minutes), f"REAL_TIME_{curve.minutes}_MIN")


def _both(left: str, right: str) -> str:
    if EVERYWHERE in (left, right):
        return right if left == EVERYWHERE else left
    return f"({left}) and ({right})"


def _select(market: str, kind: Kind, columns: Mapping[str, str], order: str) -> str:
    times = {
        "Time": "gridstatus_start",
        "Interval Start": "gridstatus_start",
        "Interval End": "gridstatus_end",
    }
    if kind.layout == "hosted":
        times = {
            "interval_start_local": "replace(gridstatus_start, ' ', 'T')",
            "interval_start_utc": "gridstatus_start_utc",
            "interval_end_local": "replace(gridstatus_end, ' ', 'T')",
            "interval_end_utc": "gridstatus_end_utc",
        }
        columns = {_hosted_name(name): sql for name, sql in columns.items()}
    items = (f'{sql} as "{name}"' for name, sql in {**times, **columns}.items())
    return f"""
        select {", ".join(items)}
        from (
            select
                *,
                '{market}' as {_MARKET},
                {kind.location_type} as {_TYPE}
            from prices
        )
        order by
            start_us,
            {order}
    """


# The API has the name of a place as its location, whatever stands beside it.
def _hosted_name(name: str) -> str:
    return "location" if name == "Location Name" else name.lower().replace(" ", "_")


def time_cells(zone: ZoneInfo, curve: Curve) -> Mapping[str, Callable[[Line], object]]:
    """Columns of a line with the start and the end of its interval.

    Where intervals differ in length, the library goes back by the usual one from their end.
    """

    def end(line: Line) -> datetime:
        return line.interval.end or line.interval.utc + curve.length

    def start(line: Line) -> datetime:
        return end(line) - curve.length

    # Each end of an interval has the offset of its own instant.
    return {
        "gridstatus_start varchar": lambda line: _printed(start(line), zone),
        "gridstatus_end varchar": lambda line: _printed(end(line), zone),
        "gridstatus_start_utc varchar": lambda line: _printed(start(line), UTC),
        "gridstatus_end_utc varchar": lambda line: _printed(end(line), UTC),
    }


def _printed(instant: datetime, zone: tzinfo) -> str:
    return instant.astimezone(zone).isoformat(sep=" ")
