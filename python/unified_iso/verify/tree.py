"""The files of a tree: which there are, what each has to be, and checking them on all cores."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import duckdb

from unified_iso.contracts import Clock, clocks, contracts
from unified_iso.families import Family, FamilyError, families
from unified_iso.footers import Entry, read_footer
from unified_iso.limits import duckdb_memory_limit
from unified_iso.machine import is_of_machine
from unified_iso.manifest import read_manifest
from unified_iso.root import ROOT
from unified_iso.row_groups.footer import NotParquet, read_footer_metadata
from unified_iso.verify.catalog import faults_of_catalog
from unified_iso.verify.content import Promise, faults_of_rows, faults_of_schema, schema_of
from unified_iso.verify.faults import Fault, Verified
from unified_iso.verify.twins import faults_of_twins
from unified_iso.workspace import Workspace
from unified_iso.year_files import fault_of, is_sound, unsummarised_entry

Progress = Callable[[str, int, int, str], None]
_LABEL = "checking files"


@dataclass(frozen=True, slots=True)
class _Project:
    """What the project promises of its datasets, by model, family and operator."""

    columns: Mapping[str, Sequence[tuple[str, str]]]
    families: Mapping[str, Family]
    clocks: Mapping[str, Clock]

    def promise(self, entry: Entry) -> Promise:
        return Promise(
            columns=self.columns.get(entry["model"]),
            family=self.families.get(entry.get("family", "")),
            clock=self.clocks.get(entry["iso"]),
        )


def verify_tree(
    workspace: Workspace,
    *,
    memory_limit: str = "2GB",
    threads: int | None = None,
    quick: bool = False,
    progress: Progress = lambda label, done, total, unit: None,
) -> Verified:
    """Check a published tree from its files alone; nothing of it is changed.

    Every file is read once for its bytes and then, unless `quick`, for its rows. A file that the
    manifest does not tell of is a fault, but for `quick` one that is whole and in its place: that
    is what a build leaves until its manifest is written.

    threads: at most so many cores work; all of them without.

    Raises:
        ValueError: the memory limit is no size.
        duckdb.Error, OSError: the machine has failed, or the folder can't be read.
    """
    began = time.monotonic()
    found = Verified()
    cores = threads or os.cpu_count() or 1
    with tempfile.TemporaryDirectory(prefix="unified-iso-verify-") as spill:
        config: dict[str, str | bool | int | float | list[str]] = {
            "memory_limit": duckdb_memory_limit(memory_limit),
            "threads": cores,
            "temp_directory": spill,
        }
        with duckdb.connect(config=config) as connection:
            connection.execute("set global TimeZone = 'UTC'")
            _verify(workspace, connection, found, cores, quick, progress)
    found.faults.sort()
    found.seconds = time.monotonic() - began
    return found


def _verify(
    workspace: Workspace,
    connection: duckdb.DuckDBPyConnection,
    found: Verified,
    cores: int,
    quick: bool,
    progress: Progress,
) -> None:
    project = _read_project(connection, found)
    told = {entry["path"]: entry for entry in read_manifest(workspace)["files"]}
    there = {workspace.name_of(path): path for path in workspace.year_files()}
    entries = dict(told)
    displaced = set()
    for name, path in there.items():
        entry, faults = _entry_and_faults(workspace, name, path, told.get(name), quick)
        found.faults += faults
        if any(fault.check == "place" for fault in faults):
            displaced.add(name)
        if entry:
            entries[name] = entry
    found.faults += [Fault(name, "missing", "is gone") for name in told.keys() - there.keys()]
    found.faults += _strangers(workspace, there.values())
    if there and not workspace.manifest.is_file():
        manifest = workspace.name_of(workspace.manifest)
        found.faults.append(Fault(manifest, "manifest", "is gone"))
    found.files = [entries[name] for name in sorted(entries)]
    # What a file that is another one holds says nothing of the one that belongs there.
    in_place = [entries[name] for name in sorted(entries) if name in there.keys() - displaced]
    _tell_unknown(found, in_place, project)
    found.faults += _checked(workspace, connection, in_place, project, cores, quick, progress)
    found.faults += faults_of_twins(workspace, in_place, quick)
    if entries and not quick:
        # The catalog reads whatever lies in the folder of a dataset: what is wrong there is told.
        unsure = {str(PurePosixPath(fault.path).parent) for fault in found.faults}
        by_folder = {name: str(PurePosixPath(name).parent) for name in entries}
        sure = [entry for entry in in_place if by_folder[entry["path"]] not in unsure]
        doubted = {entries[name].get("family") for name in entries if by_folder[name] in unsure}
        families_to_read = [name for name in project.families if name not in doubted]
        found.faults += faults_of_catalog(workspace, sure, families_to_read)


def _read_project(connection: duckdb.DuckDBPyConnection, found: Verified) -> _Project:
    try:
        of_project = families(ROOT)
    except (OSError, FamilyError) as error:
        found.notes.append(f"the project can't be read, so that rows are not judged: {error}")
        return _Project({}, {}, {})
    columns = contracts(ROOT)
    kinds = sorted({kind for named in columns.values() for _, kind in named if kind})
    names = {
        kind: str(connection.execute(f"select typeof(null::{kind})").fetchall()[0][0])
        for kind in kinds
    }
    typed = {
        model: [(name, names.get(kind, kind)) for name, kind in named]
        for model, named in columns.items()
    }
    return _Project(typed, of_project, clocks(ROOT))


def _entry_and_faults(
    workspace: Workspace, name: str, path: Path, told: Entry | None, quick: bool
) -> tuple[Entry | None, list[Fault]]:
    """Return the entry that a file is held to, the manifest's or its own, and what disagrees."""
    try:
        footer = read_footer(path)
    except NotParquet as error:
        return told, [] if told else [Fault(name, "bytes", str(error))]
    if footer is None:
        what = "is no year file of this program"
        return told, [Fault(name, "footer" if told else "added", what)]
    if path != workspace.place_of(footer.entry):
        says = f"{footer.entry['iso']} {footer.entry['dataset']} {footer.entry['year']}"
        return told, [Fault(name, "place", f"says of itself that it is {says}")]
    own = unsummarised_entry(workspace, path, footer.entry)
    if told is None:
        text = (
            "is not in the manifest: somebody has put it there, or a build has been ended before "
            "its manifest was written, which the next build mends"
        )
        return own, [] if quick else [Fault(name, "added", text)]
    differing = sorted(key for key, value in footer.entry.items() if told.get(key) != value)
    if not differing:
        return told, []
    # The manifest is of the file that stood here before, where a build was ended too early.
    if quick and is_sound(workspace, own):
        return own, []
    # Other bytes are told of themselves, and explain why the footer is another.
    if fault_of(workspace, told):
        return told, []
    text = f"the manifest and the file itself disagree on {', '.join(differing)}"
    return told, [Fault(name, "footer", text)]


def _strangers(workspace: Workspace, known: Collection[Path]) -> Iterator[Fault]:
    """Find what lies among the year files and can't be one; hidden files are the system's."""
    for path in sorted(set(workspace.parquet.rglob("*")) - set(known)):
        if path.is_file() and not path.name.startswith("."):
            yield Fault(workspace.name_of(path), "added", "lies where no year file has its place")


def _tell_unknown(found: Verified, entries: Sequence[Entry], project: _Project) -> None:
    """Note for which datasets the project has no contract, family or clock."""
    if not project.families:
        return
    for model in sorted({entry["model"] for entry in entries}):
        entry = next(entry for entry in entries if entry["model"] == model)
        promise = project.promise(entry)
        lacking = [
            name
            for name, known in (
                ("contract", promise.columns),
                ("family", promise.family),
                ("market", promise.clock),
            )
            if known is None
        ]
        if lacking:
            found.notes.append(
                f"{model}: this project has no {', '.join(lacking)} of it, so that its rows are "
                "judged without"
            )


def _checked(
    workspace: Workspace,
    connection: duckdb.DuckDBPyConnection,
    entries: Sequence[Entry],
    project: _Project,
    cores: int,
    quick: bool,
    progress: Progress,
) -> Iterator[Fault]:
    """Check bytes and rows of all files, the largest first, and tell how far it is."""
    passes = 1 if quick else 2
    total = passes * sum(entry["bytes"] for entry in entries)
    done = 0
    schemas: dict[str, list[tuple[str, str]]] = {}
    with ThreadPoolExecutor(max_workers=cores) as workers:
        tasks: dict[Future[list[Fault]], Entry] = {}
        for entry in sorted(entries, key=lambda entry: -entry["bytes"]):
            tasks[workers.submit(_faults_of_bytes, workspace, entry)] = entry
            if not quick:
                # Made here, because a connection is not to be shared by threads.
                cursor = connection.cursor()
                tasks[
                    workers.submit(_faults_of_content, workspace, cursor, entry, project, schemas)
                ] = entry
        try:
            for task in as_completed(tasks):
                yield from task.result()
                done += tasks[task]["bytes"]
                progress(_LABEL, done, total, "bytes")
        except BaseException:
            workers.shutdown(wait=False, cancel_futures=True)
            raise
    yield from _unlike_years(entries, schemas)


def _faults_of_bytes(workspace: Workspace, entry: Entry) -> list[Fault]:
    fault = fault_of(workspace, entry)
    return [Fault(entry["path"], "bytes", fault)] if fault else []


def _faults_of_content(
    workspace: Workspace,
    cursor: duckdb.DuckDBPyConnection,
    entry: Entry,
    project: _Project,
    schemas: dict[str, list[tuple[str, str]]],
) -> list[Fault]:
    path, promise = workspace.out / entry["path"], project.promise(entry)
    with cursor:
        try:
            read_footer_metadata(path)
            columns = schema_of(cursor, path)
        except NotParquet:
            # The bytes tell of it.
            return []
        except duckdb.Error as error:
            if is_of_machine(error):
                raise
            return [Fault(entry["path"], "schema", f"can't be read: {str(error).splitlines()[0]}")]
        schemas[entry["path"]] = [(name, nullable) for name, _, nullable in columns]
        faults = list(faults_of_schema(entry, columns, promise))
        if not faults:
            names = [name for name, _, _ in columns]
            faults = faults_of_rows(cursor, path, entry, names, promise)
    return faults


def _unlike_years(
    entries: Sequence[Entry], schemas: Mapping[str, list[tuple[str, str]]]
) -> Iterator[Fault]:
    """Find years of a dataset whose columns may be null where those of most years may not."""
    by_model: dict[str, list[str]] = {}
    for entry in entries:
        if entry["path"] in schemas:
            by_model.setdefault(entry["model"], []).append(entry["path"])
    for paths in by_model.values():
        kinds = [schemas[path] for path in paths]
        usual = max(kinds, key=kinds.count)
        example = paths[kinds.index(usual)]
        for path in paths:
            other = [name for name, kind in schemas[path] if (name, kind) not in usual]
            if other and sorted(n for n, _ in usual) == sorted(n for n, _ in schemas[path]):
                text = f"whether {', '.join(other)} may be null is not as in {example}"
                yield Fault(path, "schema", text)
