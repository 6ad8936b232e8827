"""Running `dbt build` in this process, on what has anything to do."""

from __future__ import annotations

import gc
import logging
import os
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unified_iso import parsed_project, progress
from unified_iso.families import families
from unified_iso.limits import limits_of_environment
from unified_iso.options import Options
from unified_iso.parsed_project import Ingredients
from unified_iso.project import Choice, dataset_models, report_folders
from unified_iso.root import INSTALLED, ROOT
from unified_iso.workspace import Workspace, WorkspaceError

# dbt takes longer to import than all else that a command needs: only what runs it imports it.
if TYPE_CHECKING:
    from dbt.cli.main import dbtRunnerResult
    from dbt.contracts.graph.manifest import Manifest

    from unified_iso.build.spec import Dataset, Project

# Tells the plugin which state of the project a run is of.
DIGEST = "UNIFIED_ISO_PROJECT_DIGEST"
PROVEN_SEEDS = "UNIFIED_ISO_PROVEN_SEEDS"
_FAMILIES, _QUALITY = "models/unified/", "models/quality/"
FAMILY_VIEWS = f"path:{_FAMILIES},config.materialized:view"
# Views of the catalog with what they read, which may be seeds that no dataset reads.
CATALOG_VIEWS = "1+config.meta.catalog_view:true"
# What the quality report shows.
QUALITY_VIEWS = f"path:{_QUALITY}"


@dataclass(frozen=True)
class NothingNew:
    """What a build comes to for datasets that have nothing to do; it reads like a result of dbt."""

    success: bool = True
    exception: BaseException | None = None
    result: None = None


def run_build(
    workspace: Workspace, choice: Choice, options: Options
) -> dbtRunnerResult | NothingNew:
    """Build what has anything to do of what was chosen, by running `dbt build` in this process.

    Raises:
        WorkspaceError: the raw folder has no operator's folder.
    """
    # It reads Parquet's and Excel's libraries, which take longer to import than most commands run.
    from unified_iso.raw_files.listing import why_no_operator

    if why := why_no_operator(workspace.raw, report_folders()):
        raise WorkspaceError(why)
    os.environ |= options.to_environment()
    # On a full disk dbt's log can't be written, and Python would print how, line by line.
    logging.raiseExceptions = False
    made_of = parsed_project.ingredients_of(ROOT, os.environ)
    os.environ[DIGEST] = made_of.digest.hex() if made_of else ""
    is_first = not workspace.database.exists() and not workspace.manifest.exists()
    idle = _never_seen(workspace, choice, made_of) if is_first else ()
    work: _Work | None = _all_of(choice, idle)
    if made_of and not options.dry_run and not is_first:
        work = _work_to_do(workspace, choice, options, made_of)
    if work is None:
        return NothingNew()
    return _run_dbt(workspace, work, options, made_of)


@dataclass(frozen=True)
class _Work:
    """What dbt is to run: selectors, none for all nodes, and how tests are selected with them."""

    select: tuple[str, ...]
    tests: str = "cautious"
    exclude: tuple[str, ...] = ()


def _all_of(choice: Choice, idle: Collection[str] = ()) -> _Work:
    """Return what was chosen with all that it stands on, without models that are `idle`."""
    if choice.everything:
        return _Work((), exclude=tuple(idle))
    built = (model for model in choice.models if model not in idle)
    return _Work((*(f"+{model}" for model in built), FAMILY_VIEWS, CATALOG_VIEWS, QUALITY_VIEWS))


def _never_seen(workspace: Workspace, choice: Choice, made_of: Ingredients | None) -> set[str]:
    """Return the datasets of the choice that have no files, where no build has run before.

    With them are the views that are read for them alone; a model of one's own may read any other.
    Until the project is parsed these datasets are known by operator alone, and their views are not.
    """
    from unified_iso.build.spec import Project

    absent = _absent(workspace, choice)
    models = dataset_models()
    idle = {model for model in choice.models if models[model][0] in absent}
    nodes = kept_project(workspace, made_of)
    if nodes is None:
        return idle
    project = Project.of_graph(nodes)
    present = [d for d in project.datasets() if d.model in choice.models and d.model not in idle]
    idle |= {d.model for d in _without_folder(workspace, choice, project, present)}
    return idle.union(project.views_for([d for d in project.datasets() if d.model in idle]))


def _without_folder(
    workspace: Workspace,
    choice: Choice,
    project: Project,
    datasets: Sequence[Dataset],
    seen: Collection[tuple[str, str]] = (),
) -> list[Dataset]:
    """Return those of `datasets` that have no folder of their reports and nothing published.

    A dataset that was asked for by name is never among them. Where it would be all datasets of an
    operator, none is, because a build has to tell what else lies in the operator's folder.

    seen: operator and report of every file that was ever seen, though its folder may be gone.
    """
    if choice.datasets:
        return []
    folders = _folders_of(workspace, {dataset.iso for dataset in datasets})
    idle = [
        dataset
        for dataset in datasets
        if not _may_have_rows(workspace, project.descent(dataset), folders, seen)
    ]
    busy = {dataset.iso for dataset in datasets if dataset not in idle}
    return [dataset for dataset in idle if dataset.iso in busy]


def _folders_of(workspace: Workspace, isos: Collection[str]) -> dict[str, set[str]]:
    """Return what lies in the raw folder of each operator, but for folders that can't be listed."""
    found: dict[str, set[str]] = {}
    for iso in isos:
        with suppress(OSError):
            found[iso] = {path.name for path in (workspace.raw / iso).iterdir()}
    return found


def _may_have_rows(
    workspace: Workspace,
    descent: Sequence[Dataset],
    folders: Mapping[str, Collection[str]],
    seen: Collection[tuple[str, str]],
) -> bool:
    """Whether a dataset, the first of its `descent`, may have rows now or is published.

    Reports that it reads for names of locations give it none. Nobody knows what is in a folder that
    can't be listed, nor where a dataset without reports has its rows from: both may have rows.
    """
    if any(os.path.lexists(workspace.parquet / d.iso / d.name) for d in descent):
        return True
    reports = [(source.iso, source.report) for source in descent[-1].own_sources]
    return not reports or any(
        iso not in folders or report in folders[iso] or (iso, report) in seen
        for iso, report in reports
    )


def _absent(workspace: Workspace, choice: Choice) -> set[str]:
    """Return the operators that have neither a raw folder nor anything published.

    One that was asked for by name is not among them, nor is any where all of the choice would be.
    """
    absent = {
        iso
        for iso in choice.isos
        if iso not in choice.named
        and not os.path.lexists(workspace.raw / iso)
        and not os.path.lexists(workspace.parquet / iso)
    }
    return absent if absent < set(choice.isos) else set()


def _work_to_do(
    workspace: Workspace, choice: Choice, options: Options, made_of: Ingredients
) -> _Work | None:
    """Return what of the choice has anything to do, None for nothing; the rest is as good as built.

    Everything has where this can't be told without dbt, as in the first run of a project.
    """
    from unified_iso.build import news
    from unified_iso.build.facts import reports_with_files, what_dbt_told
    from unified_iso.build.run import Run
    from unified_iso.build.spec import Project
    from unified_iso.database import damage_of, working_database

    nodes, digest = kept_project(workspace, made_of), made_of.digest.hex()
    # A run of dbt sets a damaged database aside, and says so in its log.
    if nodes is None or damage_of(workspace.database):
        return _all_of(choice)
    environ = os.environ
    memory_limit = environ.get("UNIFIED_ISO_MEMORY_LIMIT", "2GB")
    threads = environ.get("UNIFIED_ISO_THREADS", "")
    with working_database(workspace, memory_limit, threads) as connection:
        told = what_dbt_told(connection)
        if told is None:
            return _all_of(choice)
        stamps, audit_schema = told
        project = Project.of_graph(nodes, stamps)
        seen = reports_with_files(connection)
        absent = _absent(workspace, choice) - {iso for iso, _ in seen}
        present = [
            dataset
            for dataset in project.datasets()
            if dataset.model in choice.models and dataset.iso not in absent
        ]
        idle = _without_folder(workspace, choice, project, present, seen)
        chosen = [dataset for dataset in present if dataset not in idle]
        # Only the dataset that a subset is cut from reads raw files.
        parents = {dataset.parent for dataset in chosen if dataset.parent}
        selected = [*parents, *(dataset.unique_id for dataset in chosen)]
        run = Run(
            connection=connection,
            workspace=workspace,
            limits=limits_of_environment(environ),
            project=project,
            families=families(ROOT),
            options=options,
            command="build",
            selected=selected,
            is_empty=False,
            audit_schema=audit_schema,
            tell=lambda line: None,
            note=lambda line: None,
        )
        busy = news.busy_datasets(run, digest)
        done = [d for d in project.datasets() if d.unique_id in selected and d not in busy]
        if done:
            news.leave_in_place(run, done)
        if not busy:
            news.end_without_dbt(run)
            return None
        if news.has_sound_seeds(run, busy):
            views = news.views_to_make(run, busy, digest, (_FAMILIES, _QUALITY))
            return _Work((*(dataset.model for dataset in busy), *views), tests="buildable")
    return _Work(
        (*(f"+{dataset.model}" for dataset in busy), FAMILY_VIEWS, CATALOG_VIEWS, QUALITY_VIEWS)
    )


def _run_dbt(
    workspace: Workspace, work: _Work, options: Options, made_of: Ingredients | None
) -> dbtRunnerResult:
    from dbt.cli.main import dbtRunner

    from unified_iso import dbt_inside
    from unified_iso.build import judge

    project = parsed_manifest(workspace, made_of)
    if not isinstance(project, bytes):
        return project
    left = ("unit_test", "test") if options.dry_run else ("unit_test",)
    arguments = [
        *("build", *_folders(workspace)),
        *("--exclude-resource-type", *left),
        *("--indirect-selection", work.tests),
    ]
    if options.full_refresh:
        arguments.append("--full-refresh")
    if work.select:
        arguments += ["--select", *work.select]
    if work.exclude:
        arguments += ["--exclude", *work.exclude]
    sound = _sound_seeds(workspace, made_of)
    os.environ[PROVEN_SEEDS] = " ".join(sorted(sound))
    # dbt's modules and the parsed project last as long as the run, so that a search for garbage
    # among them, which Python begins again and again, is in vain.
    gc.freeze()
    try:
        manifest = dbt_inside.manifest_from_bytes(project, without={*work.exclude, *sound})
        gc.freeze()
        tests = {} if options.dry_run else dbt_inside.tests_of(manifest)
        with progress.tested(tests.values()) as test_ended:
            ended = dbt_inside.when_a_node_has_run(
                lambda i: test_ended(tests[i]) if i in tests else None
            )
            result = dbtRunner(manifest, callbacks=[ended]).invoke(arguments)
        dbt_inside.close_database()
        nodes = parsed_project.nodes_of(project)["nodes"].values()
    finally:
        gc.unfreeze()
    if more := judge.proven_seeds(nodes, dbt_inside.statuses_of(result)) - sound:
        _keep_sound_seeds(workspace, made_of, sound | more)
    return result


def _sound_seeds(workspace: Workspace, made_of: Ingredients | None) -> set[str]:
    """Return the seeds whose tests have all passed on this very project, whatever was read then."""
    places = _places(workspace, parsed_project.SOUND_SEEDS)
    kept = parsed_project.read_kept(places, made_of) if made_of else None
    return set((kept or b"").decode().split())


def _keep_sound_seeds(
    workspace: Workspace, made_of: Ingredients | None, seeds: Collection[str]
) -> None:
    if made_of:
        places = _places(workspace, parsed_project.SOUND_SEEDS)
        parsed_project.keep(places, made_of, "\n".join(sorted(seeds)).encode())


def _folders(workspace: Workspace) -> list[str]:
    """Arguments of every dbt command of a run: where it reads and writes, and what it prints."""
    return [
        *("--project-dir", str(ROOT), "--profiles-dir", str(ROOT)),
        *("--target-path", str(workspace.state / "target"), "--log-path", str(workspace.logs)),
        *("--log-level", "none", "--log-level-file", "debug"),
        # Nothing reads dbt's manifest.json and its results, which take a sixth of a short run.
        *("--no-use-colors", "--no-write-json"),
    ]


def kept_project(workspace: Workspace, made_of: Ingredients | None = None) -> dict[str, Any] | None:
    """Return the parsed project as dbt's manifest.json has it, None where it has to be parsed.

    It needs no dbt, which takes seconds to import.

    made_of: what decides it, where that is known already.
    """
    _, kept = _kept(workspace, made_of)
    return parsed_project.nodes_of(kept) if kept is not None else None


def _kept(
    workspace: Workspace, made_of: Ingredients | None
) -> tuple[Ingredients | None, bytes | None]:
    """Return what decides the parsed project now, and the kept one if it is made of that."""
    made_of = made_of or parsed_project.ingredients_of(ROOT, os.environ)
    return made_of, parsed_project.read_kept(_places(workspace), made_of) if made_of else None


def _places(workspace: Workspace, name: str = parsed_project.NAME) -> tuple[Path, ...]:
    """Where the parsed project is kept; an installed package is nothing to write into."""
    kept_with = None if ROOT == INSTALLED else ROOT
    return parsed_project.places(kept_with, workspace.state, name)


def parsed_manifest(
    workspace: Workspace, made_of: Ingredients | None = None
) -> bytes | dbtRunnerResult:
    """Return the project as it is kept, parsed anew where it has changed; or how parsing failed.

    made_of: what decides it, where that is known already.
    """
    from dbt.cli.main import dbtRunner

    from unified_iso import dbt_inside

    made_of, kept = _kept(workspace, made_of)
    if kept is not None:
        return kept
    parsed = dbtRunner().invoke(["parse", "--no-partial-parse", *_folders(workspace)])
    dbt_inside.close_database()
    if not parsed.success:
        return parsed
    manifest: Manifest = parsed.result  # type: ignore[assignment]
    content = dbt_inside.manifest_to_bytes(manifest)
    # A file that was saved while dbt read the project may be in it or not.
    is_unchanged = made_of == parsed_project.ingredients_of(ROOT, os.environ)
    if made_of and is_unchanged and dbt_inside.variables_of(manifest) <= made_of.variables:
        parsed_project.keep(_places(workspace), made_of, content)
    return content
