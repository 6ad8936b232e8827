"""Price files as the gridstatus library prints them: its current layout, with UTC offsets.

The prices are those of a market's own reports, so that a row from either says the same.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from zoneinfo import ZoneInfo

from ._market import Curve, Dataset, File, Line, Places, Report, Span

REPORT = "gridstatus_lmp"
SERVICES_REPORT = "gridstatus_as"


@dataclass(frozen=True, slots=True)
class Kind:
    """One call of the library: SQL of the places it gives, and of what it says they are."""

    name: str
    where: str
    location_type: str


def report(
    iso: str,
    zone: ZoneInfo,
    places: Places,
    curve: Curve,
    datasets: tuple[Dataset, ...],
    kinds: Sequence[Kind],
    *,
    ticks: int,
    ghg: str | None = None,
    negative_zeros: bool = False,
) -> Report:
    """The prices of all intervals of a sample, in a file for each of `kinds`.

    ghg: SQL of the greenhouse-gas price in ticks.
    negative_zeros: the library has turned the sign of congestion, of zeros too.
    """
    names = {("DA", 60): "DAY_AHEAD_HOURLY", ("RT", 60): "REAL_TIME_HOURLY"}
    market = names.get((curve.market_type, curve.minutes), f"REAL_TIME_{curve.minutes}_MIN")
    congestion = f"-1.0 * (-congestion / {ticks})" if negative_zeros else f"congestion / {ticks}"
    ghg_column = f', ({ghg}) / {ticks} as "GHG"' if ghg else ""

    def files(span: Span) -> Iterator[File]:
        for kind in kinds:
            name = f"{iso}_{market}_{kind.name}_{span.request.start:%Y%m%d}".lower()
            yield File(
                name=f"{name}.csv",
                archive=f"{name}.zip",
                select=f"""
                    select
                        gridstatus_start as "Time",
                        gridstatus_start as "Interval Start",
                        gridstatus_end as "Interval End",
                        '{market}' as "Market",
                        name as "Location",
                        {kind.location_type} as "Location Type",
                        total / {ticks} as "LMP",
                        energy / {ticks} as "Energy",
                        {congestion} as "Congestion",
                        loss / {ticks} as "Loss"
                        {ghg_column}
                    from prices
                    order by
                        start_us,
                        name
                """,
                lines=span.lines(curve.length),
                where=kind.where,
            )

    return Report(
        name=REPORT,
        files=files,
        places=places,
        curve=curve,
        datasets=datasets,
        cells=time_cells(zone, curve),
        by_default=False,
        gives_way=True,
    )


def time_cells(zone: ZoneInfo, curve: Curve) -> Mapping[str, Callable[[Line], object]]:
    """Columns of a line with the start and the end of its interval."""
    return {
        "gridstatus_start varchar": partial(_start, zone),
        "gridstatus_end varchar": partial(_end, zone, curve),
    }


# Each end of an interval has the offset of its own instant.
def _start(zone: ZoneInfo, line: Line) -> str:
    return line.interval.utc.astimezone(zone).isoformat(sep=" ")


def _end(zone: ZoneInfo, curve: Curve, line: Line) -> str:
    return (line.interval.utc + curve.length).astimezone(zone).isoformat(sep=" ")
