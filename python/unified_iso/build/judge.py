"""Judges by the results of tests which delivery years are published, and why others are not."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from unified_iso.build.spec import Dataset, Node, Project
from unified_iso.options import Options
from unified_iso.sql import sql_text

if TYPE_CHECKING:
    import duckdb

JUDGED_BY_YEAR = "judged_by_year"
# How the last hook fails a run that has left years as they were; the manifest names them.
NOT_PUBLISHED = "dataset-years were not published, see above"
# How it fails one after which nothing is published; the command says what was asked for by name.
NOTHING = "nothing of what was asked for is published: no raw file has rows of it"


@dataclass(frozen=True)
class Result:
    """What came of one node of a run.

    status: `success` of a model; `pass`, `warn`, `fail` or `error` of a test.
    failures: rows that a test found.
    relation: table of those rows, if they were kept.
    """

    unique_id: str
    status: str
    failures: int | None = None
    relation: str | None = None


def has_failed_unsaid(test: Node, result: Result) -> bool:
    """Whether an error-level test has found rows, though dbt was told to warn of it.

    dbt would skip every dataset that stands on this one, sound years and all, so that it is told of
    a warning until all tests have run, see dbt_project.yml.
    """
    return (
        test["resource_type"] == "test"
        and result.status == "warn"
        and JUDGED_BY_YEAR in test["tags"]
        and _is_guard(test)
    )


def block_years(
    cursor: duckdb.DuckDBPyConnection,
    project: Project,
    results: Mapping[str, Result],
    options: Options,
    proven: Collection[str] = (),
) -> list[Dataset]:
    """Block years that tests have found rows of, or have not looked at; return what was built.

    proven: seeds whose tests are left out, because all have passed on this very content.
    """
    built = [
        dataset
        for dataset in project.datasets()
        if (result := results.get(dataset.unique_id)) and result.status == "success"
    ]
    _keep_sound_seeds(cursor, project, results, proven)
    for dataset in built:
        guards = _guards_of(project, dataset)
        for test in guards:
            if test["unique_id"] in results:
                _block_years_found(cursor, dataset, test, results[test["unique_id"]])
        _block_on_unsound_seeds(cursor, project, dataset, results)
        _block_untested(cursor, dataset, guards, results)
        if dataset.parent and dataset.parent not in results:
            _block_without_parent(cursor, dataset, project.dataset(dataset.parent), options)
        if dataset.parent and not dataset.subset_where:
            _block_with_parent(cursor, dataset, project.dataset(dataset.parent))
    return built


def _guards_of(project: Project, dataset: Dataset) -> list[Node]:
    """Return the error-level tests that a dataset must pass: its own, and those of no dataset."""
    return [
        node
        for node in project.nodes.values()
        if node["resource_type"] == "test"
        and dataset.unique_id in node["depends_on"]["nodes"]
        and _is_guard(node)
        and node.get("attached_node") in (dataset.unique_id, None)
    ]


def name_of_test(test: Node) -> str:
    """Return the name of a generic test without the name of what it tests."""
    return str((test.get("test_metadata") or test)["name"])


def _block_years_found(
    cursor: duckdb.DuckDBPyConnection, dataset: Dataset, test: Node, result: Result
) -> None:
    """Stop the years that a failed test has found rows of.

    A test that was itself at fault, or that tells no year the dataset has, stops all.
    """
    parameters = {"model": dataset.model, "before_rows": f"tests: {name_of_test(test)} found "}
    if result.status == "fail" or has_failed_unsaid(test, result):
        _list_found(cursor, result)
        said = (test.get("description") or "it has no description").strip()
        parameters["after_rows"] = f" rows: {said}"
    elif result.status == "error":
        _list_no_year(cursor, None)
        parameters |= {
            "before_rows": f"tests: {name_of_test(test)} could not be run",
            "after_rows": "",
        }
    else:
        return
    cursor.execute(sql_text("block_years_found"), parameters)


def _list_found(cursor: duckdb.DuckDBPyConnection, result: Result) -> None:
    """Count what a test has found by delivery year; a test of somebody else may not tell a year."""
    if result.relation:
        columns = cursor.execute(f"describe {result.relation}").fetchall()
        if "delivery_year" in [column[0] for column in columns]:
            cursor.execute(
                "create or replace temp table rows_found as"
                f" select delivery_year, count(*) as rows from {result.relation}"
                " group by delivery_year"
            )
            return
    _list_no_year(cursor, result.failures)


def _list_no_year(cursor: duckdb.DuckDBPyConnection, rows: int | None) -> None:
    cursor.execute(
        "create or replace temp table rows_found as"
        " select null::integer as delivery_year, $1::bigint as rows",
        [rows],
    )


def _block_untested(
    cursor: duckdb.DuckDBPyConnection,
    dataset: Dataset,
    guards: Sequence[Node],
    results: Mapping[str, Result],
) -> None:
    """Block what was built if a test has not run: rows no test has looked at aren't published."""
    missing = [
        f"{name_of_test(test)} did not run"
        for test in guards
        if test["unique_id"] not in results or results[test["unique_id"]].status not in _RAN
    ]
    if missing:
        message = f"tests: {', '.join(missing)}: publish with dbt build, which runs them"
        _block_candidates(cursor, dataset, message)


_RAN = ("pass", "warn", "fail", "error")


def unsound_seeds(
    cursor: duckdb.DuckDBPyConnection, project: Project, seeds: Iterable[Node]
) -> list[Node]:
    """Return the seeds that have changed since all their tests have passed."""
    sound = _sound_seeds(cursor)
    return [
        seed
        for seed in seeds
        if sound.get(seed["name"]) != _checksum_of(seed)
        and any(map(_is_guard, _tests_of_seed(project.nodes.values(), seed)))
    ]


def forget_changed_seeds(cursor: duckdb.DuckDBPyConnection, project: Project) -> None:
    """Call seeds sound no more whose content has changed, because this run may load them untested.

    If the old content is put back afterwards, their tables have the other one all the same.
    """
    sound = _sound_seeds(cursor)
    for seed in project.nodes.values():
        if seed["resource_type"] == "seed" and sound.get(seed["name"]) != _checksum_of(seed):
            _forget_seed(cursor, seed)


def _sound_seeds(cursor: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """Return the checksum of each seed as it was when all its tests had passed."""
    return dict(cursor.execute("select seed, checksum from inventory.sound_seeds").fetchall())


def _forget_seed(cursor: duckdb.DuckDBPyConnection, seed: Node) -> None:
    cursor.execute("delete from inventory.sound_seeds where seed = $1", [seed["name"]])


def _checksum_of(seed: Node) -> str:
    return str(seed["checksum"]["checksum"])


def _tests_of_seed(nodes: Collection[Node], seed: Node) -> list[Node]:
    return [
        node
        for node in nodes
        if node["resource_type"] == "test" and node.get("attached_node") == seed["unique_id"]
    ]


def _keep_sound_seeds(
    cursor: duckdb.DuckDBPyConnection,
    project: Project,
    results: Mapping[str, Result],
    proven: Collection[str],
) -> None:
    """Remember seeds of which every test has passed; one that has failed is sound no more.

    One that is proven is sound here once it is loaded.
    """
    statuses = {unique_id: result.status for unique_id, result in results.items()}
    for seed in project.nodes.values():
        if seed["resource_type"] != "seed":
            continue
        tested = _tested(_tests_of_seed(project.nodes.values(), seed), statuses)
        is_loaded = statuses.get(seed["unique_id"]) == "success"
        if tested.is_sound or (seed["name"] in proven and is_loaded):
            cursor.execute(
                "insert or replace into inventory.sound_seeds values ($1, $2)",
                [seed["name"], _checksum_of(seed)],
            )
        elif tested.failed:
            _forget_seed(cursor, seed)


def proven_seeds(nodes: Collection[Node], statuses: Mapping[str, str]) -> set[str]:
    """Return the names of seeds whose tests need not be run again while the project is the same.

    They are sound, and no test of theirs has anything to say that would be left out with it.

    nodes: of the project.
    statuses: what came of each node of a run, by unique id.
    """
    tested = {
        seed["name"]: _tested(_tests_of_seed(nodes, seed), statuses)
        for seed in nodes
        if seed["resource_type"] == "seed"
    }
    return {name for name, tests in tested.items() if tests.is_silent}


@dataclass(frozen=True)
class _Tested:
    """What came of the tests of a seed.

    is_sound: each that could stop what stands on the seed has run, and has not.
    is_silent: each has passed, those that warn included.
    failed: those that stop what stands on the seed.
    """

    is_sound: bool
    is_silent: bool
    failed: Sequence[Node]


def _tested(tests: Sequence[Node], statuses: Mapping[str, str]) -> _Tested:
    found = [statuses.get(test["unique_id"]) for test in tests]
    guards = [test for test in tests if _is_guard(test)]
    of_guards = [statuses.get(test["unique_id"]) for test in guards]
    return _Tested(
        is_sound=bool(guards) and all(status in ("pass", "warn") for status in of_guards),
        is_silent=bool(tests) and all(status == "pass" for status in found),
        failed=[
            test
            for test, status in zip(guards, of_guards, strict=True)
            if status in ("fail", "error")
        ],
    )


def _is_guard(test: Node) -> bool:
    """Whether a test can stop what stands on what it tests."""
    return str(test["config"]["severity"]).lower() == "error"


def _block_on_unsound_seeds(
    cursor: duckdb.DuckDBPyConnection,
    project: Project,
    dataset: Dataset,
    results: Mapping[str, Result],
) -> None:
    """Block what was built on seeds that have failed a test, or have changed and were not tested.

    A second row of an operator in a seed would double every price of it.
    """
    seeds = [node for node in project.above(dataset) if node["resource_type"] == "seed"]
    statuses = {unique_id: result.status for unique_id, result in results.items()}
    for seed in unsound_seeds(cursor, project, seeds):
        name = seed["name"]
        tested = _tested(_tests_of_seed(project.nodes.values(), seed), statuses)
        failed = [name_of_test(test) for test in tested.failed]
        why = (
            f"fails {', '.join(failed)}: mend seeds/{name}.csv"
            if failed
            else (f"has not been tested since it changed: select +{dataset.model}")
        )
        _block_candidates(cursor, dataset, f"tests: the seed {name} {why}")


def _block_candidates(cursor: duckdb.DuckDBPyConnection, dataset: Dataset, message: str) -> None:
    cursor.execute(
        "insert into inventory.blocked"
        " select model, year, $2 from inventory.candidates where model = $1",
        [dataset.model, message],
    )


def _block_without_parent(
    cursor: duckdb.DuckDBPyConnection, dataset: Dataset, parent: Dataset, options: Options
) -> None:
    """Block what is made of a dataset that was not built, if rows are new that only that reads."""
    cursor.execute(
        sql_text("block_without_parent"),
        {
            "model": dataset.model,
            "parent": parent.model,
            "year": options.years[0] if options.years else None,
        },
    )


def _block_with_parent(
    cursor: duckdb.DuckDBPyConnection, dataset: Dataset, parent: Dataset
) -> None:
    """Block years of means whose prices are not published.

    A wrong price may be lost in the mean, so that no test of the mean would find it. In a subset it
    stands as it is.
    """
    cursor.execute(sql_text("block_with_parent"), {"model": dataset.model, "parent": parent.model})
