"""The first step of a run: what is there."""

from __future__ import annotations

import duckdb

from unified_iso import progress
from unified_iso.build import judge, raw, views
from unified_iso.build.facts import empty_answers, keep_told_by_dbt, tell_facts
from unified_iso.build.recover import recover
from unified_iso.build.reports import known_reports, reports_of
from unified_iso.build.run import PUBLISHING, Run
from unified_iso.build.spec import Source
from unified_iso.inventory import update_inventory
from unified_iso.raw_files.listing import why_no_operator
from unified_iso.workspace import WorkspaceError


def start(run: Run) -> None:
    """Recover from a killed run, take the inventory, and give every relation a shape.

    Each command works in any state of the output folder then.

    Raises:
        WorkspaceError: the raw folder is missing, or has no operator's folder.
    """
    with run.session() as cursor:
        recover(run.workspace, cursor)
        empty_answers(cursor, run.families.values())
        tell_facts(cursor, run.project, run.options, run.command == "test")
        keep_told_by_dbt(cursor, run.project, run.audit_schema)
        judge.forget_changed_seeds(cursor, run.project)
        _forget_views_of_others(run, cursor)
        run.opened.extend(_sources_to_open(run, cursor))
        cursor.execute("delete from inventory.left_open")
        raw.empty_relations(cursor, run.opened)
        directly = run.sources_read_directly()
        if not run.is_empty and (run.command in PUBLISHING or directly):
            take_inventory(run, cursor)
            read = [source for source in run.opened if source.unique_id in directly]
            raw.open_present(cursor, run.project, read, directly)
        if run.command == "test":
            views.make_missing_staging_views(cursor, run.project.staging_models())
        run.make_views(cursor)


def _sources_to_open(run: Run, cursor: duckdb.DuckDBPyConnection) -> list[Source]:
    """Return the sources whose relations this run empties at its begin and opens at its end.

    Those of operators that it doesn't look at are as a run of the same project has left them.
    """
    left = cursor.execute("select project from inventory.left_open").fetchall()
    looked_at = _operators_of(run)
    return [
        source
        for source in run.project.sources()
        if not run.digest or left != [(run.digest,)] or source.iso in looked_at
    ]


def take_inventory(run: Run, cursor: duckdb.DuckDBPyConnection) -> None:
    """Bring the inventory of the operators of a run up to date with the raw folder.

    Raises:
        WorkspaceError: the raw folder is missing, or has no operator's folder.
    """
    raw_folder = run.workspace.raw
    if not raw_folder.is_dir():
        raise WorkspaceError(
            f"the raw folder {raw_folder} does not exist: name it with --raw or UNIFIED_ISO_RAW"
        )
    known = known_reports(cursor)
    if why := why_no_operator(raw_folder, list(known)):
        raise WorkspaceError(why)
    unread = update_inventory(
        cursor,
        raw_folder,
        run.workspace.cache,
        _operators_of(run),
        reports_of(run.project, known),
        list(known),
        lambda label, done, total: progress.report(label, done, total, "bytes"),
        limits=run.limits,
        rehash=run.options.full_refresh,
    )
    # What is known of operators that this run does not look at stays.
    cursor.execute(
        "delete from inventory.unread where list_contains($1, split_part(folder, '/', 1))",
        [_operators_of(run)],
    )
    for folder, files in sorted(unread.items()):
        cursor.execute("insert into inventory.unread values ($1, $2)", [folder, files])


def _operators_of(run: Run) -> list[str]:
    isos = [
        dataset.iso
        for dataset in run.project.datasets()
        if dataset.unique_id in run.selected or not run.selected
    ]
    isos += [run.project.source_nodes[i]["source_name"] for i in run.sources_read_directly()]
    return list(dict.fromkeys(isos))


def _forget_views_of_others(run: Run, cursor: duckdb.DuckDBPyConnection) -> None:
    """Forget views that dbt has made of another project, because this run may make some anew.

    Plain dbt doesn't tell which project it runs.
    """
    cursor.execute(
        "delete from inventory.views where project is distinct from $1", [run.digest or None]
    )
