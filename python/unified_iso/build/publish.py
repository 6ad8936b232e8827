"""Publishing: candidates that passed go into their place, by one rename each."""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from unified_iso.build.by_location import (
    TwinError,
    Twins,
    drop_stale_twins,
    lacking_twins,
    make_twin,
)
from unified_iso.build.join import accounts_of_year
from unified_iso.build.metadata import Metadata
from unified_iso.build.recover import keep_parts, replace_accounts
from unified_iso.catalog import Figures, sql_of_views, tables_of_views, write_catalog
from unified_iso.descriptions import Description
from unified_iso.footers import Entry
from unified_iso.machine import MachineError, advice_for, is_of_machine, machine_named
from unified_iso.manifest import read_manifest, told_of_raw_files, unpublished_now, write_manifest
from unified_iso.sql import quoted_text, sql_text
from unified_iso.stamp_readings import readings_now
from unified_iso.twins import twin_of
from unified_iso.workspace import Workspace, beside


@dataclass(frozen=True)
class Companions:
    """What is published beside the year files.

    views: schema and name in the working database of views over families, by their names.
    descriptions: what becomes the comments of the catalog.
    metadata: writes the files of the metadata beside the manifest.
    twins: what files sorted by location are made with; none are made without.
    findings: what tests warn of, if any were run.
    figures: returns those of the quality report for the catalog, once the manifest is written.
    """

    views: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    descriptions: Mapping[str, Description] | None = None
    metadata: Metadata | None = None
    twins: Twins | None = None
    findings: Sequence[Entry] | None = None
    figures: Callable[[duckdb.DuckDBPyConnection], Figures | None] = lambda _: None


class PublishError(OSError):
    """Some candidates could not be moved into place; the message names them."""


@dataclass
class _Moved:
    """What became of the candidates.

    files: entries of all that is published now, by path.
    emptied: model, year and path of the files that have to go.
    failed: paths that could not be changed, and why.
    """

    files: dict[str, Entry]
    emptied: list[tuple[str, int, Path]] = field(default_factory=list)
    failed: list[tuple[str, OSError]] = field(default_factory=list)


def publish(
    workspace: Workspace,
    cursor: duckdb.DuckDBPyConnection,
    models: Sequence[str],
    unions: Mapping[str, Sequence[str]] | None = None,
    years: Sequence[int] = (),
    companions: Companions | None = None,
) -> None:
    """Move the candidates of `models` into place, one rename each, then tell what is published.

    That is told by the manifest, by its companions and by the catalog.

    `unions` are the views of families for the catalog; `years` are those that were built, if not
    all were asked for. The file of a year that has no row left goes last, when nothing points at
    it. A twin of a file that is no more goes in any case.

    Raises:
        PublishError: some could not be moved; the others are published all the same.
        MachineError: the same, because of a full disk or the like.
    """
    told = companions or Companions()
    manifest = read_manifest(workspace)
    moved = _Moved({entry["path"]: entry for entry in manifest["files"]})
    _move_candidates(workspace, cursor, models, moved)
    manifest["files"] = [moved.files[path] for path in sorted(moved.files)]
    manifest |= told_of_raw_files(cursor)
    if told.findings is not None:
        manifest["findings"] = list(told.findings)
    manifest["stamp_readings"] = readings_now(
        workspace, manifest["files"], manifest["stamp_readings"]
    )
    manifest["unpublished"] = unpublished_now(cursor, manifest["unpublished"], models, years)
    write_manifest(workspace, manifest)
    if told.metadata:
        told.metadata.write(cursor, manifest["files"])
    drop_stale_twins(workspace, manifest["files"])
    if told.twins is not None:
        lacking = lacking_twins(workspace, manifest["files"], models, years)
        _make_twins(workspace, cursor, lacking, told.twins, moved)
    found = sql_of_views(cursor, told.views)
    seeds = tables_of_views(cursor, found)
    if moved.emptied:
        write_catalog(workspace, unions or {}, found, seeds, told.descriptions)
        _remove_emptied(workspace, cursor, moved)
    # While the emptied files were there its views had to name the others, and figures knew them.
    write_catalog(workspace, unions or {}, found, seeds, told.descriptions, told.figures(cursor))
    with machine_named(workspace.state):
        keep_parts(cursor, manifest["files"])
        keep_raw_files_seen(workspace, cursor)
    if moved.failed:
        _raise_failed(workspace, moved.failed)


def keep_raw_files_seen(workspace: Workspace, cursor: duckdb.DuckDBPyConnection) -> None:
    """Write down what became of every raw file, for `status`, which may come during another run."""
    new = beside(workspace.raw_files_seen)
    cursor.execute(f"copy ({sql_text('raw_files_seen')}) to {quoted_text(new)} (format parquet)")
    new.replace(workspace.raw_files_seen)


def _move_candidates(
    workspace: Workspace, cursor: duckdb.DuckDBPyConnection, models: Sequence[str], moved: _Moved
) -> None:
    for model, year, path, target, entry in cursor.execute(
        sql_text("candidates_to_publish"), {"models": list(models)}
    ).fetchall():
        name = workspace.name_of(Path(target))
        if path is None:
            moved.files.pop(name, None)
            moved.emptied.append((model, year, Path(target)))
            continue
        try:
            # It must not be taken for that of the new file, whenever the run ends.
            twin_of(workspace, json.loads(entry)).unlink(missing_ok=True)
            _move(Path(path), Path(target))
        except OSError as error:
            moved.failed.append((name, error))
            continue
        moved.files[name] = json.loads(entry)
        with machine_named(workspace.state):
            _keep_accounts(cursor, model, year, moved.files[name]["seal"])


def _make_twins(
    workspace: Workspace,
    cursor: duckdb.DuckDBPyConnection,
    entries: Sequence[Entry],
    twins: Twins,
    moved: _Moved,
) -> None:
    for entry in entries:
        place = twin_of(workspace, entry)
        try:
            with machine_named(workspace.by_location):
                _move(make_twin(workspace, cursor, entry, twins), place)
        except OSError as error:
            moved.failed.append((workspace.name_of(place), error))


def _remove_emptied(workspace: Workspace, cursor: duckdb.DuckDBPyConnection, moved: _Moved) -> None:
    for model, year, target in moved.emptied:
        try:
            target.unlink(missing_ok=True)
        except OSError as error:
            moved.failed.append((workspace.name_of(target), error))
            continue
        with machine_named(workspace.state):
            _keep_accounts(cursor, model, year, None)


def _raise_failed(workspace: Workspace, failed: Sequence[tuple[str, OSError]]) -> None:
    names = ", ".join(path for path, _ in failed)
    for _, error in failed:
        if is_of_machine(error):
            advice = advice_for(error, workspace.parquet)
            raise MachineError(f"could not publish {names}: {advice}") from error
    for _, error in failed:
        if isinstance(error, TwinError):
            raise PublishError(f"could not publish {names}: {error}") from error
    reasons = ", ".join(dict.fromkeys(str(error.strerror or error) for _, error in failed))
    raise PublishError(
        f"could not publish {names} ({reasons}): see to the rights of their folders in "
        f"{workspace.parquet} and close what holds the files, then build again"
    ) from failed[0][1]


def _move(candidate: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    _sync(candidate, os.O_RDWR)
    try:
        candidate.replace(target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        _move_across(candidate, target)
    if os.name != "nt":
        _sync(target.parent, os.O_RDONLY)


def _move_across(candidate: Path, target: Path) -> None:
    """Move a file to another file system: a rename there is still what publishes it."""
    staged = target.with_name(f".{target.name}.staged")
    try:
        shutil.copyfile(candidate, staged)
        _sync(staged, os.O_RDWR)
        staged.replace(target)
    except BaseException:
        staged.unlink(missing_ok=True)
        raise
    candidate.unlink()


def _sync(path: Path, mode: int) -> None:
    descriptor = os.open(path, mode)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _keep_accounts(
    cursor: duckdb.DuckDBPyConnection, model: str, year: int, seal: str | None
) -> None:
    """Take over the accounts that the footer of a year's file has; None: the file is gone."""
    replace_accounts(cursor, model, year, accounts_of_year(cursor, model, year), seal)
