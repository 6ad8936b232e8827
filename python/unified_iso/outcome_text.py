"""What a build prints at its end: failed tests in plain words, files and years left out."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from operator import itemgetter

from rich.console import Console
from rich.markup import escape

from unified_iso.console import say
from unified_iso.footers import Entry
from unified_iso.outcome import Finding, Outcome, operator_of
from unified_iso.tables import Column, print_rows
from unified_iso.words import counted, listed, visible
from unified_iso.workspace import Workspace

ROWS_SHOWN = 10
UNTOUCHED = "what was published is untouched"


def build_summary(outcome: Outcome, rows: Sequence[Entry], seconds: float) -> str:
    """Say in one line what is published of what was asked for, what was not used, and the time."""
    datasets = len({row["model"] for row in rows})
    told = [
        f"{counted(datasets, 'dataset')}, {counted(len(rows), 'year file')}, "
        f"{counted(sum(row['rows'] for row in rows), 'row')} published"
    ]
    told += [f"{len(outcome.unpublished):,} not published"] if outcome.unpublished else []
    told += [f"{counted(len(outcome.refused), 'file')} refused"] if outcome.refused else []
    lines = sum(entry["rows"] for entry in outcome.rejected)
    told += [f"{counted(lines, 'line')} rejected"] if lines else []
    return f"{'; '.join(told)}; {round(seconds) // 60}:{round(seconds) % 60:02} min"


def show(console: Console, workspace: Workspace, outcome: Outcome) -> None:
    """Print what the user has to know, worst last."""
    import duckdb

    show_unread(console, outcome.unread)
    for finding in sorted(outcome.findings, key=lambda finding: finding.is_error):
        mark = "[red]failed[/red]" if finding.is_error else "[yellow]warning[/yellow]"
        say(console, mark, f"{finding.dataset}: {finding.text}")
        if finding.table:
            try:
                _show_rows(console, workspace, finding)
            except duckdb.Error as error:
                say(console, "  and", f"its rows can't be shown: {error}")
    for entry in outcome.removed:
        text = f"{entry['model']} {entry['year']}: no raw file has rows of it any more (--prune)"
        say(console, "[yellow]removed[/yellow]", text)
    show_findings(console, outcome.kept_findings)
    show_vanished(console, outcome.vanished)
    show_unused(console, outcome.no_dataset, outcome.left_out, outcome.warnings)
    show_left_out(console, outcome.refused, outcome.rejected, outcome.unpublished)
    for text in outcome.absent:
        say(console, "[red]not published[/red]", text)
    if outcome.not_built:
        say(console, "[red]not built[/red]", ", ".join(outcome.not_built))
    if outcome.stopped:
        say_stopped(console, outcome.stopped)


def show_unread(console: Console, unread: Sequence[Entry]) -> None:
    """Print in one line which reports no dataset reads."""
    if unread:
        files = sum(entry["files"] for entry in unread)
        folders = ", ".join(str(entry["folder"]) for entry in unread)
        text = f"{counted(files, 'file')} of reports that no dataset uses: {folders}"
        say(console, "[dim]not read[/dim]", text)


def show_vanished(console: Console, vanished: Sequence[Entry]) -> None:
    """Print in one line which files are gone, or have other days, though rows stay published."""
    if vanished:
        text = (
            f"{listed([str(entry['file']) for entry in vanished])}: gone from the raw folder, or "
            "written over with other days, and their rows stay published: put them back, or let "
            "the rows go with --prune (dbt: --vars '{prune: true}')"
        )
        say(console, "[yellow]warning[/yellow]", text)


def show_findings(console: Console, findings: Sequence[Entry]) -> None:
    """Print what tests warn of in published rows, a line for each dataset and test."""
    by_test: dict[tuple[str, str], list[Entry]] = {}
    for entry in findings:
        by_test.setdefault((entry["model"], entry["message"]), []).append(entry)
    for (model, message), entries in by_test.items():
        years = ", ".join(str(year) for year in sorted({entry["year"] for entry in entries}))
        rows = counted(sum(entry["rows"] for entry in entries), "row")
        say(console, "[yellow]warning[/yellow]", f"{model} {years}: {message} ({rows} found)")


def say_stopped(console: Console, lack: str, then: str = f"build again: {UNTOUCHED}") -> None:
    """Print what the machine lacked, and what to do once it has it."""
    say(console, "[red]stopped[/red]", f"{lack} and {then}")


def show_unused(
    console: Console,
    no_dataset: Iterable[Entry],
    left_out: Iterable[Entry],
    warnings: Iterable[Entry],
) -> None:
    """Print what is odd about files that are read, and what of them no dataset takes."""
    for entry in warnings:
        say(console, "[yellow]warning[/yellow]", f"{entry['file']}: {entry['message']}")
    by_market: dict[tuple[str, str], list[Entry]] = {}
    for entry in no_dataset:
        by_market.setdefault((operator_of(entry["file"]), entry["of"]), []).append(entry)
    for (_, market), entries in sorted(by_market.items()):
        rows = sum(entry["rows"] for entry in entries)
        belong = f"{rows:,} rows of {market} belong" if rows > 1 else f"1 row of {market} belongs"
        more = f" (and {len(entries) - 1} more)" if len(entries) > 1 else ""
        text = f"{belong} to no dataset yet: {entries[0]['file']}{more}"
        say(console, "[yellow]left out[/yellow]", text)
    for entry in left_out:
        text = f"{entry['file']}: nothing of it is published: {entry['reason']}"
        say(console, "[yellow]left out[/yellow]", text)


def show_left_out(
    console: Console,
    refused: Iterable[Entry],
    rejected: Iterable[Entry],
    unpublished: Iterable[Entry],
) -> None:
    """Print the files refused, those with rejected rows, and the years not published."""
    for entry in refused:
        say(console, "[red]refused[/red]", f"{entry['file']}: {entry['reason']}")
    for entry in rejected:
        line = "" if entry["line"] is None else f" line {entry['line']}"
        more = f" (and {entry['rows'] - 1} more)" if entry["rows"] > 1 else ""
        say(console, "[red]rejected[/red]", f"{entry['file']}{line}: {entry['reason']}{more}")
    for entry in unpublished:
        year = "" if entry["year"] is None else f" {entry['year']}"
        text = f"{entry['model']}{year}: {entry['reason']}"
        say(console, "[red]not published[/red]", text)


def _show_rows(console: Console, workspace: Workspace, finding: Finding) -> None:
    import duckdb

    with duckdb.connect(str(workspace.state / "work.duckdb"), read_only=True) as connection:
        connection.execute("set TimeZone = 'UTC'")
        cursor = connection.execute(f"select * from {finding.table} limit {ROWS_SHOWN}")
        names = [column[0] for column in cursor.description]
        rows = cursor.fetchall()
    cells = [{n: "" if v is None else visible(str(v)) for n, v in enumerate(row)} for row in rows]
    columns = [Column(visible(name), itemgetter(place)) for place, name in enumerate(names)]
    print_rows(console, columns, cells, escape)
    left = finding.found - len(rows)
    if left > 0:
        # The command has let go of the database by then.
        command = f"duckdb -readonly {shlex.quote(str(workspace.database))}"
        say(console, "  and", f"{left:,} more: {command} -c {shlex.quote(f'from {finding.table}')}")
