"""From a market's records to the tasks that write its files and its truth, for all markets."""

from collections.abc import Iterable, Iterator, Sequence
from functools import cache

import duckdb

from unified_iso.families import families
from unified_iso.root import ROOT

from ._common import INTERVAL_COLUMNS, Request, SampleOptions
from ._market import Dataset, File, Market, Report, Span
from ._output import Selected, Task, load_table, raw_tasks, truth_task
from ._truth import Planned, curve_of, means_sql, truth_sql

DEFAULT_NODES = 40


def plan(con: duckdb.DuckDBPyConnection, market: Market, request: Request) -> list[Task]:
    """Load the market's model for `request`; return the tasks that write its files and its truth.

    Raises FamilyError or ValueError where the model and the family's record don't fit.
    """
    chosen = _chosen(market, request)
    spans = _load_places(con, market, chosen, request)
    planned = [Planned(report, list(report.files(spans[id(report.places)]))) for report in chosen]
    truth = _truth_tasks(con, market, planned, request) if request.options.truth else []
    raw = (_report_tasks(con, market, each, request) for each in planned if each.report.is_written)
    return [*truth, *(task for tasks in raw for task in tasks)]


def _chosen(market: Market, request: Request) -> list[Report]:
    """The reports of the sample; what only tells more of files is one of them if these are."""
    chosen = [report for report in market.reports if _is_chosen(report, request)]
    written = {report.name for report in chosen if report.is_written}
    return [report for report in chosen if report.name in written]


def _is_chosen(report: Report, request: Request) -> bool:
    if report.needs_real_time:
        return request.options.real_time and request.writes(report.name, default=False)
    return request.writes(report.name, _is_switched_on(report, request.options))


def _is_switched_on(report: Report, options: SampleOptions) -> bool:
    return (
        report.by_default
        or (options.real_time and report.is_real_time)
        or (options.ancillary_services and report.is_of_services)
    )


def _load_places(
    con: duckdb.DuckDBPyConnection, market: Market, reports: Iterable[Report], request: Request
) -> dict[int, Span]:
    """Load the places and the further tables of `reports`; return spans by id of the places."""
    found: dict[int, Span] = {}
    for report in reports:
        places = report.places
        number = max(request.nodes or DEFAULT_NODES, places.least)
        if id(places) not in found:
            rows = list(places.rows(number))
            load_table(con, places.table, places.columns, rows)
            found[id(places)] = Span(request, market.zone, len(rows))
        for name, table in report.tables(number).items() if report.tables else ():
            load_table(con, name, table.columns, table.rows)
    return found


# The tests write hundreds of samples, and reading YAML takes as long as a small one.
_families = cache(families)


def _truth_tasks(
    con: duckdb.DuckDBPyConnection, market: Market, planned: Sequence[Planned], request: Request
) -> Iterator[Task]:
    records = _families(ROOT)
    datasets: dict[str, Dataset] = {}
    for dataset in (one for each in planned for one in each.report.datasets):
        if datasets.setdefault(dataset.name, dataset) != dataset:
            raise ValueError(f"reports say of {dataset.name} different things")
    folder = request.out / "truth" / market.iso.lower()
    for name, dataset in datasets.items():
        select = truth_sql(con, market, dataset, planned, records, request.options.packaging)
        if select is not None:
            yield truth_task(folder / f"{name}.parquet", select)
            for means in (found for found in market.means if found.of == name):
                hours = means_sql(means, select, curve_of(dataset, planned), records)
                yield truth_task(folder / f"{means.name}.parquet", hours)


def _report_tasks(
    con: duckdb.DuckDBPyConnection, market: Market, planned: Planned, request: Request
) -> list[Task]:
    report, files = planned.report, planned.files
    _load_lines(con, report, files)
    found = [
        Selected(file, _select_sql(report, number, file), report.line_end)
        for number, file in enumerate(files)
    ]
    folder = request.out / market.iso.lower() / report.name
    return raw_tasks(folder, found, request.options.packaging)


def _load_lines(con: duckdb.DuckDBPyConnection, report: Report, files: Sequence[File]) -> None:
    if report.curve is None:
        return
    columns = ("file integer", INTERVAL_COLUMNS, "version uinteger", *report.cells)
    curve = report.curve
    rows = (
        (
            number,
            *line.interval.row,
            line.version.number,
            *(cell(line) for cell in report.cells.values()),
            *curve.row(line.interval, line.version.revised),
        )
        for number, file in enumerate(files)
        for line in file.lines
    )
    load_table(con, report.table, ", ".join((*columns, curve.table)), rows)


def _select_sql(report: Report, number: int, file: File) -> str:
    """SQL of a file's rows, with the relations that its own SQL may name."""
    relations = {"places": f"from {report.places.table} where {file.where}"}
    if report.curve:
        relations |= {
            "lines": f"from {report.table} where file = {number}",
            "prices": f"select *, {report.curve.formulas_sql} from lines cross join places",
        }
    named = (f"{name} as not materialized ({sql})" for name, sql in relations.items())
    return f"with {', '.join(named)} {file.select}"
