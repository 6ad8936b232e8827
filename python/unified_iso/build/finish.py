"""The last step of a run: what its tests have passed is published."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import duckdb

from unified_iso.build import judge, raw
from unified_iso.build.facts import empty_answers
from unified_iso.build.findings import findings_now
from unified_iso.build.judge import NOT_PUBLISHED, NOTHING
from unified_iso.build.publish import publish
from unified_iso.build.recover import discard_candidates
from unified_iso.build.run import Run
from unified_iso.build.spec import is_view
from unified_iso.footers import Entry
from unified_iso.manifest import read_manifest
from unified_iso.quality.report import keep_results, update_report
from unified_iso.sql import sql_text

Fail = Callable[[Sequence[str], str], None]


def finish(run: Run, results: Mapping[str, judge.Result], fail: Fail) -> str | None:
    """Publish the candidates of the years that all error-level tests have passed.

    Then only views of published files are left behind.

    fail: lets dbt know that what it has built of some datasets is not published, with why;
        otherwise `dbt retry` would find nothing to do, and call that a success.

    Returns what the run as a whole has failed of, if it has.

    Raises:
        PublishError: some files could not be moved into place; the others are published.
    """
    failure = None
    with run.session() as cursor:
        built = judge.block_years(cursor, run.project, results, run.options, run.proven_seeds)
        stopped = cursor.execute("select distinct model, year from inventory.blocked").fetchall()
        _tell_what_is_left_out(run, cursor)
        keep_results(cursor, run.project.nodes, results)
        _keep_views_made(run, cursor, results)
        if run.is_publishing:
            models = [dataset.model for dataset in built]
            is_dropped = _has_dropped_parts(cursor, models)
            known = read_manifest(run.workspace)["findings"]
            findings = findings_now(cursor, run.project, built, results, known)
            _publish(run, cursor, models, fail, findings)
            update_report(run.workspace, cursor, run.families, run.tell, run.require_going_on)
            # Where vanished files were let go, nothing may be left on purpose.
            is_emptied = run.options.prune and is_dropped
            if models and not is_emptied and not _is_any_published(run, cursor, models):
                failure = NOTHING
                fail(models, failure)
        discard_candidates(run.workspace, cursor)
        empty_answers(cursor, run.families.values())
        run.make_views(cursor)
        raw.open_present(cursor, run.project, run.opened, run.sources_read_directly())
        if run.digest:
            cursor.execute("insert into inventory.left_open values ($1)", [run.digest])
    if stopped or any(_has_failed_unsaid(run, result) for result in results.values()):
        failure = f"{len(stopped)} {NOT_PUBLISHED}"
    return failure


def _publish(
    run: Run,
    cursor: duckdb.DuckDBPyConnection,
    models: Sequence[str],
    fail: Fail,
    findings: Sequence[Entry],
) -> None:
    try:
        unions, years = run.project.unions(), run.options.years
        publish(run.workspace, cursor, models, unions, years, run.companions(findings))
    except BaseException:
        fail(models, "could not be published")
        raise
    blocked = cursor.execute("select distinct model from inventory.blocked").fetchall()
    fail([model for (model,) in blocked], NOT_PUBLISHED)


def _has_failed_unsaid(run: Run, result: judge.Result) -> bool:
    node = run.project.nodes.get(result.unique_id)
    return node is not None and judge.has_failed_unsaid(node, result)


def _has_dropped_parts(cursor: duckdb.DuckDBPyConnection, models: Sequence[str]) -> bool:
    """Whether published parts of datasets go because no raw file has rows of them any more."""
    rows = cursor.execute(
        "select 1 from inventory.dropped_parts where list_contains($1, model) limit 1",
        [list(models)],
    ).fetchall()
    return bool(rows)


def _is_any_published(run: Run, cursor: duckdb.DuckDBPyConnection, models: Sequence[str]) -> bool:
    rows = cursor.execute(
        "select 1 from inventory.parts where list_contains($models, model)"
        " and (len($years::usmallint[]) = 0 or list_contains($years::usmallint[], year)) limit 1",
        {"models": list(models), "years": list(run.options.years)},
    ).fetchall()
    return bool(rows)


def _tell_what_is_left_out(run: Run, cursor: duckdb.DuckDBPyConnection) -> None:
    """Say at the end of a run which files are refused, because some are only when they are read."""
    if run.is_publishing:
        for file, refusal in cursor.execute(sql_text("refused")).fetchall():
            run.tell(f"refused {file}: {refusal}")
    for model, year, message in cursor.execute(sql_text("unpublished")).fetchall():
        run.tell(f"not published: {model}{f' {year}' if year else ''}: {message}")


def _keep_views_made(
    run: Run, cursor: duckdb.DuckDBPyConnection, results: Mapping[str, judge.Result]
) -> None:
    made = [
        unique_id
        for unique_id, result in results.items()
        if is_view(run.project.nodes.get(unique_id, {})) and result.status == "success"
    ]
    if run.digest:
        cursor.execute(
            "insert or replace into inventory.views select unnest($1::varchar[]), $2",
            [made, run.digest],
        )
