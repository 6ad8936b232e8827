"""What a run says at its end: failed tests in plain words, refused files, the table of datasets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import duckdb
from dbt.cli.main import dbtRunnerResult
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from unified_iso.project import operators
from unified_iso.publish import Entry, is_sound, published_entries, read_manifest
from unified_iso.workspace import Workspace

ROWS_SHOWN = 10


@dataclass
class Finding:
    """One test or step that did not pass: what it says, and the rows it found."""

    dataset: str
    text: str
    is_error: bool
    table: str | None = None
    found: int = 0


@dataclass
class Outcome:
    """What came of a build."""

    findings: list[Finding] = field(default_factory=list)
    refused: list[Entry] = field(default_factory=list)
    rejected: list[Entry] = field(default_factory=list)
    unpublished: list[Entry] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)

    @property
    def exit_code(self) -> int:
        """0: all published; 1: something was not; 3: published, but not from every row."""
        if self.unpublished or any(finding.is_error for finding in self.findings):
            return 1
        return 3 if self.refused or self.rejected else 0


def gather(workspace: Workspace, result: dbtRunnerResult, isos: Sequence[str]) -> Outcome:
    """Collect the outcome of a build from dbt's results, the manifest and the working database."""
    outcome = Outcome()
    results = list(getattr(result.result, "results", None) or [])
    outcome.findings = [
        _finding(run)
        for run in results
        if str(run.status) not in _PASSED and not str(run.message).endswith(_LISTED)
    ]
    manifest = read_manifest(workspace)
    outcome.unpublished = _of(manifest["unpublished"], isos, "model")
    outcome.refused = [
        entry
        for entry in manifest["refused"]
        if _top(entry["file"]) in isos or _top(entry["file"]) not in operators()
    ]
    outcome.rejected = _of(manifest["rejected"], isos, "file")
    if not result.success and not outcome.findings and not outcome.unpublished:
        reason = str(result.exception or "the run failed; see its log")
        outcome.findings.append(Finding("run", reason, is_error=True))
    database = workspace.state / "work.duckdb"
    if database.exists() and results:
        with duckdb.connect(str(database), read_only=True) as connection:
            outcome.unread = [
                f"{folder} ({files} files)"
                for folder, files in connection.execute(
                    "select folder, files from inventory.unread order by folder"
                ).fetchall()
            ]
    return outcome


_PASSED = ("success", "pass", "skipped", "no-op")
# How the last hook fails a run that left years unpublished: the manifest names them with reasons.
_LISTED = "dataset-years were not published, see above"


def _finding(run: Any) -> Finding:
    node = run.node
    is_test = node.resource_type == "test"
    dataset = node.name
    # A test that stands in a file of its own is attached to nothing.
    if is_test and getattr(node, "attached_node", None):
        dataset = node.attached_node.rpartition(".")[2]
    if dataset == "unified_iso-on-run-end-0":
        dataset = "publishing"
    text = (getattr(node, "description", "") if is_test else "") or (run.message or "failed")
    if is_test and run.failures is None:
        text = f"{text} (the test itself failed: {run.message})"
    is_judged = is_test and bool(run.failures) and is_judged_by_year(node)
    if is_judged:
        text = f"{text.strip()} Only the years of these rows are not published."
    return Finding(
        dataset=dataset,
        text=text.strip(),
        is_error=is_judged or str(run.status) != "warn",
        table=node.relation_name if is_test and run.failures else None,
        found=run.failures or 0,
    )


def _top(file: str) -> str:
    """Folder of the operator; a file that belongs to none concerns every build."""
    return file.partition("/")[0]


def is_judged_by_year(test: Any) -> bool:
    """Tell whether what a test finds stops delivery years, though dbt is told of a warning."""
    return "judged_by_year" in test.tags and str(test.config.severity).lower() == "error"


def _of(entries: Iterable[Entry], isos: Sequence[str], key: str) -> list[Entry]:
    return [entry for entry in entries if str(entry[key]).startswith(tuple(isos))]


def say(console: Console, mark: str, text: str) -> None:
    """Print a line: `mark` is markup, `text` is data (file names hold brackets)."""
    console.print(f"{mark} {escape(text)}".strip(), highlight=False, soft_wrap=True)


def show(console: Console, workspace: Workspace, outcome: Outcome) -> None:
    """Print what the user has to know, worst last."""
    for folder in outcome.unread:
        say(console, "[dim]not read[/dim]", f"{folder}: no dataset uses this report")
    for finding in sorted(outcome.findings, key=lambda finding: finding.is_error):
        mark = "[red]failed[/red]" if finding.is_error else "[yellow]warning[/yellow]"
        say(console, mark, f"{finding.dataset}: {finding.text}")
        if finding.table:
            _show_rows(console, workspace, finding)
    show_left_out(console, outcome.refused, outcome.rejected, outcome.unpublished)


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
        text = f"{entry['model']} {entry['year']}: {entry['reason']}"
        say(console, "[red]not published[/red]", text)


def _show_rows(console: Console, workspace: Workspace, finding: Finding) -> None:
    with duckdb.connect(str(workspace.state / "work.duckdb"), read_only=True) as connection:
        connection.execute("set TimeZone = 'UTC'")
        cursor = connection.execute(f"select * from {finding.table} limit {ROWS_SHOWN}")
        names = [column[0] for column in cursor.description]
        rows = cursor.fetchall()
    table = Table(box=None, pad_edge=True)
    for name in names:
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*("" if value is None else escape(str(value)) for value in row))
    console.print(table)
    if finding.found > len(rows):
        say(console, "  and", f"{finding.found - len(rows)} more in {finding.table}")


def entries_in_place(workspace: Workspace) -> list[Entry]:
    """Return what the manifest says of the year files, corrected by those that are in place.

    A run that was killed has published files that the manifest does not tell of yet. Of a file
    that does not agree with its own seal the manifest knows better.
    """
    entries = {entry["path"]: entry for entry in read_manifest(workspace)["files"]}
    with duckdb.connect() as connection:
        in_place = published_entries(workspace, connection, list(entries.values()))
    for entry in in_place:
        known = entries.get(entry["path"])
        if known is None or (known != entry and is_sound(workspace, entry)):
            entries[entry["path"]] = entry
    return [entries[path] for path in sorted(entries)]


def status_rows(workspace: Workspace) -> list[Entry]:
    """Describe every published year file as the manifest knows it, with the state of the file."""
    rows = []
    for entry in entries_in_place(workspace):
        path = workspace.out / entry["path"]
        if not path.exists():
            state = "file is gone"
        elif path.stat().st_size != entry["bytes"]:
            state = "changed outside"
        else:
            state = "published"
        rows.append({name: entry[name] for name in _KEPT} | {"state": state, "path": entry["path"]})
    return rows


_KEPT = (
    *("iso", "dataset", "year", "rows", "locations", "first_interval", "last_interval"),
    *("missing_intervals", "locations_without_id", "unchecked_reports", "bytes"),
)


def status_table(rows: Sequence[Entry]) -> Table:
    """Lay the rows of `status_rows` out for a terminal."""
    table = Table(box=None)
    for name in ("dataset", "year", "rows", "locations", "first interval", "last interval"):
        table.add_column(name, justify="right" if name in ("year", "rows", "locations") else "left")
    for name in ("missing", "bytes"):
        table.add_column(name, justify="right")
    table.add_column("state")
    table.add_column("note", overflow="fold")
    for row in rows:
        table.add_row(
            f"{row['iso']} {row['dataset']}",
            str(row["year"]),
            f"{row['rows']:,}",
            f"{row['locations']:,}",
            row["first_interval"],
            row["last_interval"],
            f"{row['missing_intervals']:,}",
            f"{row['bytes']:,}",
            row["state"],
            "\n".join(_notes(row)),
        )
    return table


def _notes(row: Entry) -> Iterator[str]:
    if row["unchecked_reports"]:
        yield f"never checked against a real file: {', '.join(row['unchecked_reports'])}"
    if row["locations_without_id"]:
        yield f"locations whose name stands for their id: {row['locations_without_id']:,}"
