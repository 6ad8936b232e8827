"""The quality report of an output folder: kept up to date by builds, and written on demand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import duckdb

from unified_iso.build.judge import Result
from unified_iso.build.spec import Node
from unified_iso.database import transaction
from unified_iso.families import Family
from unified_iso.machine import in_words, is_of_machine
from unified_iso.manifest import read_manifest
from unified_iso.quality.figures import digest_of_manifest, keep_figures
from unified_iso.quality.page import NoFigures, write_page
from unified_iso.quality.told import keep_manifest, keep_test_results
from unified_iso.workspace import Workspace

__all__ = ["NoFigures", "keep_results", "not_written", "report_of", "update_report"]

# Why the last build of this process has left the page as it was, for the command line to say.
not_written: list[str] = []


def keep_results(
    cursor: duckdb.DuckDBPyConnection,
    nodes: Mapping[str, Node],
    results: Mapping[str, Result],
) -> None:
    """Keep what came of the tests of a run; the report shows it until they run again."""
    keep_test_results(cursor, nodes, results)


def update_report(
    workspace: Workspace,
    cursor: duckdb.DuckDBPyConnection,
    families: Mapping[str, Family],
    tell: Callable[[str], None],
    go_on: Callable[[], None],
) -> None:
    """Bring the figures up to date and write the page, if it would say something new.

    The data are published by then, so that no failure is raised: `tell` says it.
    """
    not_written.clear()
    try:
        update_figures(workspace, cursor, families, go_on)
        write_page(workspace, cursor, workspace.report)
    except duckdb.InterruptException:
        raise
    except Exception as error:
        why = in_words(error, workspace.out) if is_of_machine(error) else str(error)
        not_written.append(f"{workspace.report.name} is not up to date: {why}")
        tell(not_written[-1])


def update_figures(
    workspace: Workspace,
    cursor: duckdb.DuckDBPyConnection,
    families: Mapping[str, Family],
    go_on: Callable[[], None],
) -> None:
    """Let the database have the figures of what is published, which it most often has.

    Raises:
        duckdb.Error: the machine lacks something, or the run was interrupted.
    """
    digest = digest_of_manifest(workspace, families)
    known = cursor.execute("select digest from inventory.figured_manifest").fetchall()
    if known == [(digest,)]:
        return
    manifest = read_manifest(workspace)
    keep_manifest(cursor, manifest)
    keep_figures(workspace, cursor, manifest["files"], families, go_on)
    with transaction(cursor):
        cursor.execute("delete from inventory.figured_manifest")
        cursor.execute("insert into inventory.figured_manifest values ($1)", [digest])


def report_of(workspace: Workspace, html: Path) -> None:
    """Write the page of a published tree from what its last build has kept.

    Raises:
        NoFigures: there is no working database, a build holds it, or it is of a version without
            this report.
        duckdb.Error: the working database can't be opened.
        OSError: the page can't be written.
    """
    if not workspace.database.is_file():
        raise NoFigures(f"{workspace.out} has no working database: build first")
    with _opened(workspace) as connection, connection.cursor() as cursor:
        cursor.execute("set TimeZone = 'UTC'")
        write_page(workspace, cursor, html)


def _opened(workspace: Workspace) -> duckdb.DuckDBPyConnection:
    try:
        return duckdb.connect(str(workspace.database), read_only=True)
    except duckdb.IOException as error:
        # DuckDB has no error class of its own for a lock.
        if "lock" not in str(error):
            raise
        raise NoFigures(
            f"a build holds {workspace.database}: it writes the report when it ends"
        ) from error
