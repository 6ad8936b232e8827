"""What a run says at its end: failed tests in plain words, refused files, the table of datasets."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from rich.console import Console
from rich.markup import escape

from unified_iso.build.judge import JUDGED_BY_YEAR, NOT_PUBLISHED, NOTHING
from unified_iso.footers import Entry
from unified_iso.machine import in_words, is_of_machine, shortage_in
from unified_iso.manifest import read_manifest
from unified_iso.progress import amount
from unified_iso.project import Choice, NothingNew, dataset_models, operators
from unified_iso.stamp_readings import kept_readings
from unified_iso.tables import Column, fitting, print_rows
from unified_iso.twins import is_twin, twin_of
from unified_iso.words import visible
from unified_iso.workspace import Workspace
from unified_iso.year_files import is_sound, published_entries

if TYPE_CHECKING:
    from dbt.cli.main import dbtRunnerResult

    from unified_iso.verify import Verified

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
    unread: list[Entry] = field(default_factory=list)
    vanished: list[Entry] = field(default_factory=list)
    kept_findings: list[Entry] = field(default_factory=list)
    years: Collection[int] = ()
    absent: list[str] = field(default_factory=list)
    removed: list[Entry] = field(default_factory=list)
    is_empty: bool = False

    @property
    def exit_code(self) -> int:
        """0: all published; 1: something was not; 3: published, but not from every row."""
        if self.stopped or self.unpublished or self.absent or self.is_empty:
            return 1
        if any(found.is_error for found in self.findings):
            return 1
        return 3 if self.refused or any(map(self._is_of_years, self.rejected)) else 0

    def _is_of_years(self, entry: Entry) -> bool:
        """Whether rejected lines are of a file that may be of the years that were asked for."""
        years = entry.get("years") or ()
        return not self.years or not years or not set(self.years).isdisjoint(years)

    def note(self, error: BaseException) -> None:
        """Keep an error that belongs to no dataset."""
        # Here and not above, because the other commands need nothing of dbt, which is slow to load.
        import duckdb
        from dbt_common.exceptions import DbtBaseException

        said = str(error)
        if is_of_machine(error) or shortage_in(said) is not None:
            self.stopped = self.stopped or in_words(error, self.out)
            return
        if not isinstance(error, DbtBaseException | OSError | duckdb.Error):
            said = f"{type(error).__name__}: {said} (a fault of the program; see {self.out}/logs)"
        if _NO_CONTRACT in said:
            said += " Add the model with its columns and data_tests to the yml of its family."
        self.findings.append(Finding("run", _in_one_line(said), is_error=True))

    def read(self, read: Callable[[], T], otherwise: T) -> T:
        """Return what `read` returns; if it fails, keep why and tell the rest all the same."""
        import duckdb

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
    outcome = Outcome(workspace.out, years=years)
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
        outcome.unread = _of(manifest.get("unread", []), isos, "folder")
    outcome.vanished = _of(manifest.get("vanished", []), isos, "file")
    outcome.kept_findings = _kept_findings(manifest, isos, results)
    return outcome


def _kept_findings(
    manifest: Mapping[str, Any], isos: Sequence[str], results: Sequence[Any]
) -> list[Entry]:
    """Return the warnings of earlier runs, which this run does not tell of itself."""
    told = {_finding(run).text for run in results if str(run.status) not in _PASSED}
    return [
        entry
        for entry in _of(manifest.get("findings", []), isos, "model")
        if entry["message"] not in told
    ]


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


# How dbt begins what it says of a model without columns whose contract is enforced.
_NO_CONTRACT = "Contract enforcement failed"
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


def failures_of(outcome: Outcome) -> list[str]:
    """Return what has failed in a build, in words, one text for each."""
    failed = [f"{found.dataset}: {found.text}" for found in outcome.findings if found.is_error]
    failed += [f"not published: {text}" for text in outcome.absent]
    failed += [f"not built: {name}" for name in outcome.not_built]
    return [*failed, outcome.stopped] if outcome.stopped else failed


def say(console: Console, mark: str, text: str) -> None:
    """Print a line: `mark` is markup, `text` is data (file names hold brackets, and worse)."""
    console.print(f"{mark} {shown(text)}".strip(), highlight=False, soft_wrap=True)


def shown(value: object) -> str:
    """Return data as markup that shows it as it is, and in one line."""
    return escape(visible(str(value)))


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
    """Print in one line which files are gone though their rows are published."""
    if vanished:
        text = (
            f"{listed([str(entry['file']) for entry in vanished])}: gone from the raw folder, "
            "and their rows stay published: put them back, or let the rows go with --prune "
            "(dbt: --vars '{prune: true}')"
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


FILES_LISTED = 5


def listed(names: Sequence[str]) -> str:
    """Return the first names in one line, and how many more there are."""
    more = len(names) - FILES_LISTED
    text = ", ".join(names[:FILES_LISTED])
    return f"{text} (and {more:,} more)" if more > 0 else text


def counted(count: int, what: str) -> str:
    """Return a count with its noun, such as `1 file` or `1,200 files`."""
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"


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


def entries_in_place(workspace: Workspace, files: Sequence[Entry] | None = None) -> list[Entry]:
    """Return what the manifest says of the year files, corrected by those that are in place.

    A run that was killed has published files that the manifest does not tell of yet. Of a file
    that does not agree with its own seal the manifest knows better.

    files: of the manifest, where it has been read already.
    """
    import duckdb

    if files is None:
        files = read_manifest(workspace)["files"]
    entries = {entry["path"]: entry for entry in files}
    with duckdb.connect() as connection:
        in_place = published_entries(workspace, connection, list(entries.values()))
    for entry in in_place:
        known = entries.get(entry["path"])
        if known is None or (known != entry and is_sound(workspace, entry)):
            entries[entry["path"]] = entry
    return [entries[path] for path in sorted(entries)]


def status_rows(workspace: Workspace, manifest: Mapping[str, Any] | None = None) -> list[Entry]:
    """Describe every published year file as the manifest knows it, with the state of the file."""
    manifest = manifest or read_manifest(workspace)
    entries = entries_in_place(workspace, manifest["files"])
    states = [_state_of(workspace, entry) for entry in entries]
    published = [e for e, state in zip(entries, states, strict=True) if state == _PUBLISHED]
    readings = kept_readings(workspace, published, manifest["stamp_readings"])
    rows = []
    for entry, state in zip(entries, states, strict=True):
        kept = {name: entry[name] for name in _KEPT if name in entry}
        if "gaps" in entry:
            kept["gaps"] = {name: entry["gaps"][name] for name in ("runs", "intervals")}
        if reading := readings.get((entry["model"], entry["year"])):
            kept["stamp_reading"] = reading.record | {"said": reading.said}
        rows.append(kept | {"state": state, "path": entry["path"]} | _twin_in(workspace, entry))
    return rows


def _twin_in(workspace: Workspace, entry: Entry) -> Entry:
    """Describe the twin of a year file that is sorted by location, if it has one."""
    twin = twin_of(workspace, entry)
    if not twin.is_file():
        return {}
    is_of_it = is_twin(twin, workspace.place_of(entry))
    size = twin.stat().st_size
    return {"by_location": {"path": workspace.name_of(twin), "bytes": size, "is_twin": is_of_it}}


_PUBLISHED = "published"


def _state_of(workspace: Workspace, entry: Entry) -> str:
    path = workspace.out / entry["path"]
    if not path.exists():
        return "file is gone"
    return _PUBLISHED if path.stat().st_size == entry["bytes"] else "changed outside"


# A family without locations has entries without them.
_KEPT = (
    *(
        "model",
        "iso",
        "dataset",
        "year",
        "rows",
        "series",
        "locations",
        "first_interval",
        "last_interval",
    ),
    *("missing_intervals", "locations_without_id", "unchecked_reports", "bytes"),
    *("accounts",),
)


HELD_BACK = "held back"


def show_status(console: Console, rows: Sequence[Entry], unpublished: Sequence[Entry] = ()) -> None:
    """Print a table of year files, those that are not published among them.

    rows: of `status_rows`.
    unpublished: entries of the manifest; a file that is there is what was published before.
    """
    told = list(_with_held_back(rows, unpublished))
    columns = _columns(rows)
    if "state" not in {column.name for column in fitting(columns, told, console.width)}:
        columns = _columns(rows, by_day=True)
    shown_columns = {column.name for column in print_rows(console, columns, told, escape)}
    if "state" not in shown_columns:
        for row in told:
            if row["state"] not in (_PUBLISHED, HELD_BACK):
                say(console, f"[red]{row['state']}[/red]", f"{_name_of(row)} {row['year']}")
    if "note" not in shown_columns:
        for row in rows:
            for note in _notes(row):
                say(console, "[dim]note[/dim]", f"{_name_of(row)} {row['year']}: {note}")
    if twins := [row["by_location"] for row in rows if "by_location" in row]:
        size = amount(sum(twin["bytes"] for twin in twins), "bytes")
        say(console, "[dim]twins[/dim]", f"{len(twins)} files are also sorted by location: {size}")


def _with_held_back(rows: Sequence[Entry], unpublished: Sequence[Entry]) -> Iterator[Entry]:
    held_back = {(entry["model"], entry["year"]) for entry in unpublished}
    new = held_back - {(_model_of(row), row["year"]) for row in rows}
    lines = [
        row | {"state": HELD_BACK} if (_model_of(row), row["year"]) in held_back else row
        for row in rows
    ]
    lines += [
        {"model": model, "year": "" if year is None else year, "state": HELD_BACK}
        for model, year in new
    ]
    yield from sorted(lines, key=lambda row: (_model_of(row), str(row["year"])))


def _model_of(row: Entry) -> str:
    return str(row["model"] if "model" in row else f"{row['iso']}_{row['dataset']}")


def _name_of(row: Entry) -> str:
    """Operator and dataset, as the folders have them."""
    if "iso" in row:
        return f"{row['iso']} {row['dataset']}"
    iso, _, dataset = str(row["model"]).partition("_")
    return f"{iso} {dataset}"


def _columns(rows: Sequence[Entry], by_day: bool = False) -> list[Column]:
    """Return the columns of year files; `by_day` leaves out the time of intervals."""
    series = "locations" if all("locations" in row for row in rows) else "series"

    def number(name: str) -> Callable[[Entry], str]:
        return lambda row: f"{row[name]:,}" if name in row else ""

    def instant(name: str) -> Callable[[Entry], str]:
        return lambda row: short(row.get(name, "")).partition(" " if by_day else "\n")[0]

    first, last = ("first (UTC)", "last (UTC)") if by_day else ("first interval", "last interval")

    return [
        Column("dataset", lambda row: visible(_name_of(row))),
        Column("year", lambda row: str(row["year"]), is_number=True),
        Column("rows", number("rows"), 5, is_number=True),
        Column(series, number("series"), 3, is_number=True),
        Column(first, instant("first_interval")),
        Column(last, instant("last_interval")),
        Column("missing", number("missing_intervals"), 4, is_number=True),
        Column("bytes", number("bytes"), 2, is_number=True),
        Column("state", lambda row: str(row["state"]), 6),
        Column("note", lambda row: "\n".join(map(visible, _notes(row))), 1),
    ]


def short(instant: str) -> str:
    """Return an instant to the minute; what is none stays as it is."""
    if re.fullmatch(r"\d{4,}-\d\d-\d\dT\d\d:\d\d:00Z", instant):
        return f"{instant[:-4].replace('T', ' ')}Z"
    return visible(instant)


def _notes(row: Entry) -> Iterator[str]:
    if row.get("unchecked_reports"):
        yield f"never checked against a real file: {', '.join(row['unchecked_reports'])}"
    if row.get("locations_without_id"):
        yield f"locations whose name stands for their id: {row['locations_without_id']:,}"
    if (twin := row.get("by_location")) and not twin["is_twin"]:
        yield f"{twin['path']} is of other rows: build --by-location"
    if "stamp_reading" in row:
        yield row["stamp_reading"]["said"]


def verified_lines(found: Verified) -> Iterator[str]:
    """Say of every file what is wrong with it, or that nothing is; a fault has a line."""
    paths = {entry["path"] for entry in found.files} | {fault.path for fault in found.faults}
    for path in sorted(paths):
        for text in [fault.text for fault in found.of(path)] or ["as published"]:
            yield f"{path}: {text}"


def verified_summary(found: Verified, workspace: Workspace) -> str:
    """Say in one line what came of verifying a tree; notes stand in lines before it."""
    if not found.files and not found.faults:
        return f"nothing is published in {workspace.out}"
    rows = sum(entry["rows"] for entry in found.files)
    size = amount(sum(entry["bytes"] for entry in found.files), "bytes")
    looked = f"{len(found.files):,} files, {rows:,} rows, {size}"
    bad = len({fault.path for fault in found.faults})
    count = len(found.faults)
    faults = f"{count:,} fault{'s' if count > 1 else ''} in {bad:,} of them" if count else "sound"
    return "\n".join([*found.notes, f"{looked} in {found.seconds:.1f} s: {faults}"])
