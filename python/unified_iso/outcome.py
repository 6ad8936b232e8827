"""What has come of a build: what is published, what is not, and why."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from unified_iso.build.judge import JUDGED_BY_YEAR, NOT_PUBLISHED, NOTHING
from unified_iso.dbt_run import NothingNew
from unified_iso.footers import Entry
from unified_iso.machine import in_words, is_of_machine, shortage_in
from unified_iso.manifest import read_manifest
from unified_iso.project import Choice, dataset_models, operators
from unified_iso.workspace import Workspace

if TYPE_CHECKING:
    from dbt.cli.main import dbtRunnerResult

# How dbt begins what it says of a model without columns whose contract is enforced.
_NO_CONTRACT = "Contract enforcement failed"
_PASSED = ("success", "pass", "skipped", "no-op")
# What every later statement says once DuckDB could not write its own file.
_CLOSED = "database has been invalidated because of a previous fatal error"

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
        if operator_of(entry["file"]) in isos or operator_of(entry["file"]) not in operators()
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


def operator_of(file: str) -> str:
    """Folder of the operator; a file that belongs to none concerns every build."""
    return file.partition("/")[0]


def is_judged_by_year(test: Any) -> bool:
    """Tell whether what a test finds stops delivery years, though dbt is told of a warning."""
    return JUDGED_BY_YEAR in test.tags and str(test.config.severity).lower() == "error"


def _in_one_line(text: str) -> str:
    return " ".join(text.split())


def _of(entries: Iterable[Entry], isos: Sequence[str], key: str) -> list[Entry]:
    return [entry for entry in entries if str(entry[key]).startswith(tuple(isos))]


def failures_of(outcome: Outcome) -> list[str]:
    """Return what has failed in a build, in words, one text for each."""
    failed = [f"{found.dataset}: {found.text}" for found in outcome.findings if found.is_error]
    failed += [f"not published: {text}" for text in outcome.absent]
    failed += [f"not built: {name}" for name in outcome.not_built]
    return [*failed, outcome.stopped] if outcome.stopped else failed
