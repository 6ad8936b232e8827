"""What a run says at its end: failed tests in plain words, refused files, the table of datasets."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import duckdb
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from unified_iso.build.judge import JUDGED_BY_YEAR, NOT_PUBLISHED, NOTHING
from unified_iso.footers import Entry
from unified_iso.machine import in_words, is_of_machine, shortage_in
from unified_iso.manifest import read_manifest
from unified_iso.project import Choice, NothingNew, dataset_models, operators
from unified_iso.stamp_readings import stamp_readings
from unified_iso.words import visible
from unified_iso.workspace import Workspace
from unified_iso.year_files import is_sound, published_entries

if TYPE_CHECKING:
    from dbt.cli.main import dbtRunnerResult

ROWS_SHOWN = 10
UNTOUCHED = "what was published is untouched"

T = TypeVar("T")


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
    """What came of a build; where the machine lacked something, `stopped` says what in one line."""

    out: Path
    stopped: str | None = None
    not_built: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    refused: list[Entry] = field(default_factory=list)
    rejected: list[Entry] = field(default_factory=list)
    unpublished: list[Entry] = field(default_factory=list)
    no_dataset: list[Entry] = field(default_factory=list)
    left_out: list[Entry] = field(default_factory=list)
    warnings: list[Entry] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)
    absent: list[str] = field(default_factory=list)
    is_empty: bool = False

    @property
    def exit_code(self) -> int:
        """0: all published; 1: something was not; 3: published, but not from every row."""
        if self.stopped or self.unpublished or self.absent or self.is_empty:
            return 1
        if any(found.is_error for found in self.findings):
            return 1
        return 3 if self.refused or self.rejected else 0

    def note(self, error: BaseException) -> None:
        """Keep an error that belongs to no dataset."""
        # Here and not above, because the other commands need nothing of dbt, which is slow to load.
        from dbt_common.exceptions import DbtBaseException

        said = str(error)
        if is_of_machine(error) or shortage_in(said) is not None:
            self.stopped = self.stopped or in_words(error, self.out)
            return
        if not isinstance(error, DbtBaseException | OSError | duckdb.Error):
            said = f"{type(error).__name__}: {said} (a fault of the program; see {self.out}/logs)"
        self.findings.append(Finding("run", _in_one_line(said), is_error=True))

    def read(self, read: Callable[[], T], otherwise: T) -> T:
        """Return what `read` returns; if it fails, keep why and tell the rest all the same."""
        try:
            return read()
        except (OSError, ValueError, duckdb.Error) as error:
            self.note(error)
            return otherwise


def gather(
    workspace: Workspace,
    result: dbtRunnerResult | NothingNew,
    isos: Sequence[str],
    years: Collection[int] = (),
) -> Outcome:
    """Collect the outcome of a build from dbt's results, the manifest and the working database.

    Years that an earlier build left unpublished count if this one was to build them, those among
    `years` only where there are any.
    """
    outcome = Outcome(workspace.out)
    results = list(getattr(result.result, "results", None) or [])
    for run in results:
        if str(run.status) not in _PASSED and not str(run.message).endswith(
            (NOT_PUBLISHED, NOTHING)
        ):
            _add(outcome, run)
    if result.exception is not None:
        outcome.note(result.exception)
    nothing: dict[str, Any] = {}
    manifest = outcome.read(lambda: read_manifest(workspace), nothing)
    ran = {run.node.name for run in results}
    outcome.unpublished = [
        entry
        for entry in _of(manifest.get("unpublished", []), isos, "model")
        if not results or (entry["model"] in ran and (not years or entry["year"] in years))
        if not isinstance(result, NothingNew)
    ]
    outcome.refused = [
        entry
        for entry in manifest.get("refused", [])
        if _top(entry["file"]) in isos or _top(entry["file"]) not in operators()
    ]
    outcome.rejected = _of(manifest.get("rejected", []), isos, "file")
    outcome.no_dataset = _of(manifest.get("no_dataset", []), isos, "file")
    outcome.left_out = _of(manifest.get("left_out", []), isos, "file")
    outcome.warnings = _of(manifest.get("warnings", []), isos, "file")
    outcome.is_empty = any(str(run.message).endswith(NOTHING) for run in results)
    if not result.success and outcome.exit_code != 1:
        outcome.findings.append(Finding("run", "the run failed; see its log", is_error=True))
    if results or isinstance(result, NothingNew):
        outcome.unread = outcome.read(lambda: _unread(workspace), [])
    return outcome


def _unread(workspace: Workspace) -> list[str]:
    database = workspace.state / "work.duckdb"
    if not database.exists():
        return []
    with duckdb.connect(str(database), read_only=True) as connection:
        rows = connection.execute(
            "select folder, files from inventory.unread order by folder"
        ).fetchall()
    return [f"{folder} ({files} files)" for folder, files in rows]


def note_absent(
    outcome: Outcome,
    workspace: Workspace,
    choice: Choice,
    years: Collection[int],
    rows: Sequence[Entry],
) -> None:
    """Note what was asked for by name and is not among `rows`, what is published, and why.

    Of an operator whose files were refused or rejected that is said already, beside published data
    of others. Where something else kept an operator from being published, nothing is added.
    """
    if outcome.stopped or any(_is_of_run(finding) for finding in outcome.findings):
        return
    for year in years or (None,):
        for dataset in choice.datasets or (None,):
            of_year = [row for row in rows if year in (None, row["year"])]
            outcome.absent += _absences(outcome, workspace, choice, dataset, year, of_year)


def _absences(
    outcome: Outcome,
    workspace: Workspace,
    choice: Choice,
    dataset: str | None,
    year: int | None,
    rows: Sequence[Entry],
) -> Iterator[str]:
    """Tell what is not published of one dataset, or of any, in one year, or in any."""
    found = [
        row
        for row in rows
        if f"{row['iso']}_{row['dataset']}" in choice.models and dataset in (None, row["dataset"])
    ]
    told = [str(entry["model"]) for entry in outcome.unpublished]
    told += [finding.dataset for finding in outcome.findings if finding.is_error]
    if found:
        told += [entry["file"] for entry in (*outcome.refused, *outcome.rejected)]
    elif not choice.named and not told:
        yield _absence("", dataset, year, _why_nothing(outcome))
    for iso in choice.named_for(dataset):
        why = None
        if not (workspace.raw / iso).is_dir():
            why = f"{workspace.raw} has no folder {iso}"
        elif not any(row["iso"] == iso for row in found) and not any(
            name.startswith(iso) for name in told
        ):
            why = _why_nothing(outcome)
        if why:
            yield _absence(iso, dataset, year, why)


def _is_of_run(finding: Finding) -> bool:
    """Whether an error belongs to the run as a whole."""
    return finding.is_error and finding.dataset not in dataset_models()


def _absence(iso: str, dataset: str | None, year: int | None, why: str) -> str:
    asked = [name for name in (iso, dataset, year and str(year)) if name]
    return f"{' '.join(asked) or 'anything'}: {why}"


def _why_nothing(outcome: Outcome) -> str:
    if outcome.refused or outcome.rejected or outcome.no_dataset or outcome.left_out:
        return "no raw file has rows of it beside what is told above"
    return "no raw file has rows of it"


_PASSED = ("success", "pass", "skipped", "no-op")


# What every later statement says once DuckDB could not write its own file.
_CLOSED = "database has been invalidated because of a previous fatal error"


def _add(outcome: Outcome, run: Any) -> None:
    finding, said = _finding(run), str(run.message)
    if shortage_in(said) is None and not (outcome.stopped and _CLOSED in said):
        outcome.findings.append(finding)
        return
    outcome.stopped = outcome.stopped or in_words(said, outcome.out)
    if run.node.resource_type in ("model", "test") and finding.dataset not in outcome.not_built:
        outcome.not_built.append(finding.dataset)


def _finding(run: Any) -> Finding:
    node = run.node
    is_test = node.resource_type == "test"
    dataset = node.name
    # A test in a file of its own is not attached to any model.
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
        text=_in_one_line(text),
        is_error=is_judged or str(run.status) != "warn",
        table=node.relation_name if is_test and run.failures else None,
        found=run.failures or 0,
    )


def _top(file: str) -> str:
    """Folder of the operator; a file that belongs to none concerns every build."""
    return file.partition("/")[0]


def is_judged_by_year(test: Any) -> bool:
    """Tell whether what a test finds stops delivery years, though dbt is told of a warning."""
    return JUDGED_BY_YEAR in test.tags and str(test.config.severity).lower() == "error"


def _in_one_line(text: str) -> str:
    return " ".join(text.split())


def _of(entries: Iterable[Entry], isos: Sequence[str], key: str) -> list[Entry]:
    return [entry for entry in entries if str(entry[key]).startswith(tuple(isos))]


def say(console: Console, mark: str, text: str) -> None:
    """Print a line: `mark` is markup, `text` is data (file names hold brackets, and worse)."""
    console.print(f"{mark} {shown(text)}".strip(), highlight=False, soft_wrap=True)


def shown(value: object) -> str:
    """Return data as markup that shows it as it is, and in one line."""
    return escape(visible(str(value)))


def show(console: Console, workspace: Workspace, outcome: Outcome) -> None:
    """Print what the user has to know, worst last."""
    for folder in outcome.unread:
        say(console, "[dim]not read[/dim]", f"{folder}: no dataset uses this report")
    for finding in sorted(outcome.findings, key=lambda finding: finding.is_error):
        mark = "[red]failed[/red]" if finding.is_error else "[yellow]warning[/yellow]"
        say(console, mark, f"{finding.dataset}: {finding.text}")
        if finding.table:
            try:
                _show_rows(console, workspace, finding)
            except duckdb.Error as error:
                say(console, "  and", f"its rows can't be shown: {error}")
    show_unused(console, outcome.no_dataset, outcome.left_out, outcome.warnings)
    show_left_out(console, outcome.refused, outcome.rejected, outcome.unpublished)
    for text in outcome.absent:
        say(console, "[red]not published[/red]", text)
    if outcome.not_built:
        say(console, "[red]not built[/red]", ", ".join(outcome.not_built))
    if outcome.stopped:
        say_stopped(console, outcome.stopped)


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
        by_market.setdefault((_top(entry["file"]), entry["of"]), []).append(entry)
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
    with duckdb.connect(str(workspace.state / "work.duckdb"), read_only=True) as connection:
        connection.execute("set TimeZone = 'UTC'")
        cursor = connection.execute(f"select * from {finding.table} limit {ROWS_SHOWN}")
        names = [column[0] for column in cursor.description]
        rows = cursor.fetchall()
    table = Table(box=None, pad_edge=True)
    for name in names:
        table.add_column(shown(name), overflow="fold")
    for row in rows:
        table.add_row(*("" if value is None else shown(value) for value in row))
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
    entries = entries_in_place(workspace)
    states = [_state_of(workspace, entry) for entry in entries]
    published = [e for e, state in zip(entries, states, strict=True) if state == _PUBLISHED]
    readings = stamp_readings(workspace, published)
    rows = []
    for entry, state in zip(entries, states, strict=True):
        kept = {name: entry[name] for name in _KEPT if name in entry}
        if reading := readings.get((entry["model"], entry["year"])):
            kept["stamp_reading"] = reading.record | {"said": reading.said}
        rows.append(kept | {"state": state, "path": entry["path"]})
    return rows


_PUBLISHED = "published"


def _state_of(workspace: Workspace, entry: Entry) -> str:
    path = workspace.out / entry["path"]
    if not path.exists():
        return "file is gone"
    return _PUBLISHED if path.stat().st_size == entry["bytes"] else "changed outside"


# A family without locations has entries without them.
_KEPT = (
    *("iso", "dataset", "year", "rows", "series", "locations", "first_interval", "last_interval"),
    *("missing_intervals", "locations_without_id", "unchecked_reports", "bytes"),
)


def status_table(rows: Sequence[Entry]) -> Table:
    """Lay the rows of `status_rows` out for a terminal."""
    table = Table(box=None)
    series = "locations" if all("locations" in row for row in rows) else "series"
    for name in ("dataset", "year", "rows", series, "first interval", "last interval"):
        table.add_column(name, justify="right" if name in ("year", "rows", series) else "left")
    for name in ("missing", "bytes"):
        table.add_column(name, justify="right")
    table.add_column("state")
    table.add_column("note", overflow="fold")
    for row in rows:
        table.add_row(
            shown(f"{row['iso']} {row['dataset']}"),
            shown(row["year"]),
            f"{row['rows']:,}",
            f"{row['series']:,}",
            shown(row["first_interval"]),
            shown(row["last_interval"]),
            f"{row['missing_intervals']:,}",
            f"{row['bytes']:,}",
            row["state"],
            "\n".join(map(shown, _notes(row))),
        )
    return table


def _notes(row: Entry) -> Iterator[str]:
    if row["unchecked_reports"]:
        yield f"never checked against a real file: {', '.join(row['unchecked_reports'])}"
    if row.get("locations_without_id"):
        yield f"locations whose name stands for their id: {row['locations_without_id']:,}"
    if "stamp_reading" in row:
        yield row["stamp_reading"]["said"]
