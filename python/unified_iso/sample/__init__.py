"""Generated raw files in the shape the market operators publish, and the rows they must become.

One module per operator, named like its raw folder, offers `MARKET`: records of `_market` that say
which reports it publishes and how. An operator is added as a module, a report as a record in one.
"""

from collections.abc import Callable, Sequence
from datetime import date
from functools import partial
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

from ._common import Packaging, Request, SampleOptions
from ._market import Market
from ._output import database, run_tasks
from ._plan import plan

__all__ = ["Packaging", "SampleOptions", "available_isos", "write_sample"]


def available_isos() -> list[str]:
    """Names of the markets a sample can be written for, in lower case, sorted."""
    names = (module.name for module in iter_modules(__path__))
    return sorted(name for name in names if not name.startswith("_"))


def write_sample(
    out: Path,
    *,
    isos: Sequence[str] | None = None,
    start: date,
    days: int,
    nodes: int | None = None,
    options: SampleOptions | None = None,
    progress: Callable[[str, int, int], None] | None = None,
) -> list[Path]:
    """Write raw files as `out/<iso>/<report>/...`, truth as `out/truth/<iso>/<dataset>.parquet`.

    isos: names from `available_isos`, in any case; None for all.
    start, days: market-local delivery days, of 23, 24 or 25 hours.
    nodes: locations per interval; what is counted, the least and the default are the market's.
    progress: called with the market, its files written so far and its files in all.

    Files of the same name are replaced and others left alone; truth covers this call only. The same
    arguments give the same bytes. Prices are invented, in $/MWh.

    Returns the files written, per market in the order of `isos`. Raises ValueError for an unknown
    market, an unknown report or a count below one, OSError or duckdb.Error where a file can't be
    written.
    """
    if days < 1 or (nodes is not None and nodes < 1):
        raise ValueError("days and nodes must be at least 1")
    request = Request(out, start, days, nodes, options or SampleOptions())
    chosen = _known(isos)
    _refuse_unknown_reports(request.options)
    report = progress or _silent
    return [path for iso in chosen for path in _write_iso(iso, request, partial(report, iso))]


def _known(isos: Sequence[str] | None) -> list[str]:
    available = available_isos()
    chosen = available if isos is None else list(dict.fromkeys(iso.lower() for iso in isos))
    unknown = [iso for iso in chosen if iso not in available]
    if unknown:
        raise ValueError(f"no sample for {', '.join(unknown)}; available: {', '.join(available)}")
    return chosen


def _refuse_unknown_reports(options: SampleOptions) -> None:
    if options.reports is None:
        return
    known = sorted(report.name for iso in available_isos() for report in _market(iso).reports)
    unknown = [name for name in options.reports if name not in known]
    if unknown:
        raise ValueError(f"no sample of {', '.join(unknown)}; available: {', '.join(known)}")


def _market(iso: str) -> Market:
    market: Market = import_module(f"{__name__}.{iso}").MARKET
    return market


def _write_iso(iso: str, request: Request, progress: Callable[[int, int], None]) -> list[Path]:
    with database(request.options) as con:
        tasks = plan(con, _market(iso), request)
        return run_tasks(con, tasks, request.options.threads, progress)


def _silent(iso: str, done: int, total: int) -> None:
    pass
