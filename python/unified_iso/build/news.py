"""Finds which datasets have anything to do, so that a run costs what is new. It needs no dbt."""

from __future__ import annotations

from collections.abc import Collection, Iterable

import duckdb

from unified_iso.build import plan, raw
from unified_iso.build.facts import tell_facts
from unified_iso.build.judge import unsound_seeds
from unified_iso.build.publish import publish
from unified_iso.build.recover import discard_candidates, recover
from unified_iso.build.run import Run
from unified_iso.build.spec import Dataset, is_view
from unified_iso.build.start import take_inventory
from unified_iso.quality.report import update_report


def busy_datasets(run: Run, digest: str) -> list[Dataset]:
    """Take the inventory, and return the datasets among those selected that have anything to do.

    A dataset has if a part of it is stale, if the days of one of its files are unknown, if the
    project has changed since it was built, or if everything is to be built anew. A subset has if
    its dataset has.

    digest: of the project as it is now.

    Raises:
        WorkspaceError: the raw folder is missing, or has no operator's folder.
    """
    with run.connection.cursor() as cursor:
        recover(run.workspace, cursor)
        tell_facts(cursor, run.project, run.options)
        take_inventory(run, cursor)
        chosen = [d for d in run.project.datasets() if d.unique_id in run.selected]
        busy: list[Dataset] = []
        for dataset in chosen:
            parents = {found.unique_id for found in busy}
            if dataset.parent in parents or _has_news(cursor, run, dataset, digest):
                busy.append(dataset)
        return busy


def has_sound_seeds(run: Run, datasets: Iterable[Dataset]) -> bool:
    """Whether every seed that datasets stand on is as it was when all its tests have passed."""
    above = (node for dataset in datasets for node in run.project.above(dataset))
    seeds = [node for node in above if node["resource_type"] == "seed"]
    with run.connection.cursor() as cursor:
        return not unsound_seeds(cursor, run.project, seeds)


def _has_news(cursor: duckdb.DuckDBPyConnection, run: Run, dataset: Dataset, digest: str) -> bool:
    if run.options.full_refresh or not _is_made_with(cursor, dataset, digest):
        return True
    if not dataset.parent and plan.files_without_days(cursor, dataset, run.options, 1):
        return True
    return bool(
        cursor.execute(
            "select 1 from inventory.planned_parts"
            " where model = $1 and state in ('stale', 'dropped') limit 1",
            [dataset.model],
        ).fetchall()
    )


def _is_made_with(cursor: duckdb.DuckDBPyConnection, dataset: Dataset, digest: str) -> bool:
    """Whether the fingerprint that is kept of a dataset is that of the project as it is now."""
    lists = [source.report_key for source in dataset.sources if source.is_location_list]
    known = cursor.execute(
        "select project, location_lists from inventory.fingerprints where model = $1",
        [dataset.model],
    ).fetchall()
    return known == [(digest, plan.location_lists(cursor, lists))]


def views_to_make(
    run: Run, datasets: Iterable[Dataset], digest: str, folders: Collection[str]
) -> list[str]:
    """Name the views that a run of datasets is to make: staging ones, and those in `folders`.

    One that dbt has made of the project as it is now is left out, because it would be the same,
    unless a test reads it, which dbt runs only with what it reads.

    digest: of the project as it is now.
    """
    staging = {staging.name for dataset in datasets for staging in dataset.staging}
    nodes = run.project.nodes.values()
    tests = [node for node in nodes if node["resource_type"] == "test"]
    tested = {unique_id for test in tests for unique_id in test["depends_on"]["nodes"]}
    with run.connection.cursor() as cursor:
        made = dict(cursor.execute("select unique_id, project from inventory.views").fetchall())
    return [
        node["name"]
        for node in nodes
        if is_view(node)
        and (node["name"] in staging or node["original_file_path"].startswith(tuple(folders)))
        and (made.get(node["unique_id"]) != digest or node["unique_id"] in tested)
    ]


def leave_in_place(run: Run, idle: Collection[Dataset]) -> None:
    """Let the manifest tell what is known now of datasets that have nothing to do."""
    with run.connection.cursor() as cursor:
        models = [dataset.model for dataset in idle]
        plan.keep_overwritten(cursor, models)
        unions, years = run.project.unions(), run.options.years
        publish(run.workspace, cursor, models, unions, years, run.companions())


def end_without_dbt(run: Run) -> None:
    """Leave behind what a run of dbt leaves, where no dataset has anything to do."""
    with run.connection.cursor() as cursor:
        update_report(run.workspace, cursor, run.families, run.tell, run.require_going_on)
        discard_candidates(run.workspace, cursor)
        run.make_views(cursor)
        raw.open_present(cursor, run.project, run.project.sources(), [])
