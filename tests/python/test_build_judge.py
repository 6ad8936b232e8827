"""Judging: the years that are not published, by what tests have found of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from small_project import DATASET, HUB, MODEL, SUBSET, Small
from unified_iso.build import judge
from unified_iso.build.judge import Result
from unified_iso.build.spec import Project

TEST, OTHER = "test.small.prices_are_sane.1", "test.small.own_test.2"
FOUND = "audit.found"


def _test(unique_id: str, name: str, severity: str = "ERROR", **rest: Any) -> dict[str, Any]:
    return {
        "unique_id": unique_id,
        "resource_type": "test",
        "name": f"{name}_{MODEL}",
        "test_metadata": {"name": name},
        "description": f"Rows whose {name} is wrong.\n",
        "tags": ["judged_by_year"],
        "config": {"severity": severity, "materialized": "test"},
        "depends_on": {"nodes": [DATASET]},
        "attached_node": DATASET,
        **rest,
    }


@pytest.fixture
def small(tmp_path: Path) -> Small:
    """The dataset has candidates for three years, and 2021 is published; it has one test."""
    small = Small(tmp_path)
    _add(small, _test(TEST, "prices_are_sane"))
    for year in (2022, 2023, 2024):
        small.cursor.execute(
            "insert into inventory.candidates values ($1, $2, 'path', 'target', '{}')",
            [MODEL, year],
        )
    small.cursor.execute(
        "insert into inventory.parts values ($1, '2021-01-01', 2021, '', '', 1, 1, now(), now())",
        [MODEL],
    )
    small.cursor.execute("create schema audit")
    return small


def _add(small: Small, *tests: dict[str, Any]) -> None:
    small.graph["nodes"] |= {test["unique_id"]: test for test in tests}
    small.project = Project.of_graph(small.graph)


def _judged(
    small: Small,
    *results: Result,
    models: tuple[str, ...] = (DATASET,),
    proven: tuple[str, ...] = (),
) -> list[Any]:
    given = [*(Result(model, "success") for model in models), *results]
    built = judge.block_years(
        small.cursor, small.project, {r.unique_id: r for r in given}, small.options, proven
    )
    assert {dataset.unique_id for dataset in built} == set(models)
    return small.rows("select model, year, message from inventory.blocked order by all")


def _found(small: Small, *years: int | None) -> None:
    listed = ", ".join(f"({year or 'null'}::integer)" for year in years)
    small.cursor.execute(
        f"create or replace table {FOUND} as from (values {listed}) as rows(delivery_year)"
    )


def test_nothing_is_blocked_where_all_pass(small: Small) -> None:
    assert _judged(small, Result(TEST, "pass", 0)) == []


@pytest.mark.parametrize("status", ["fail", "warn"])
def test_a_test_blocks_the_years_of_the_rows_it_found(small: Small, status: str) -> None:
    _found(small, 2022, 2024, 2024)
    said = "rows: Rows whose prices_are_sane is wrong."
    assert _judged(small, Result(TEST, status, 3, FOUND)) == [
        (MODEL, 2022, f"tests: prices_are_sane found 1 {said}"),
        (MODEL, 2024, f"tests: prices_are_sane found 2 {said}"),
    ]


def test_rows_of_a_year_that_is_only_published_block_no_other(small: Small) -> None:
    _found(small, 2021)
    assert _judged(small, Result(TEST, "fail", 1, FOUND)) == []


def _years(blocked: list[Any]) -> list[int]:
    return [year for _, year, _ in blocked]


def test_rows_of_a_year_that_the_dataset_does_not_have_block_all(small: Small) -> None:
    _found(small, 1970)
    assert _years(_judged(small, Result(TEST, "fail", 1, FOUND))) == [2022, 2023, 2024]


def test_a_row_without_a_year_blocks_all(small: Small) -> None:
    _found(small, 2022, None)
    blocked = _judged(small, Result(TEST, "fail", 2, FOUND))
    assert _years(blocked) == [2022, 2023, 2024]
    assert [message.split(" rows")[0] for _, _, message in blocked] == [
        "tests: prices_are_sane found 2",
        "tests: prices_are_sane found 1",
        "tests: prices_are_sane found 1",
    ]


def test_a_test_that_tells_no_years_blocks_all(small: Small) -> None:
    small.cursor.execute(f"create table {FOUND} as select 1 as price")
    assert _years(_judged(small, Result(TEST, "fail", 1, FOUND))) == [2022, 2023, 2024]


def test_a_test_whose_rows_were_not_kept_blocks_all(small: Small) -> None:
    blocked = _judged(small, Result(TEST, "fail", 5))
    assert _years(blocked) == [2022, 2023, 2024]
    assert blocked[0][2].startswith("tests: prices_are_sane found 5 rows: ")


def test_a_test_in_error_blocks_all(small: Small) -> None:
    assert _judged(small, Result(TEST, "error")) == [
        (MODEL, year, "tests: prices_are_sane could not be run") for year in (2022, 2023, 2024)
    ]


@pytest.mark.parametrize("results", [[], [Result(TEST, "skipped")]], ids=["absent", "skipped"])
def test_a_test_that_did_not_run_blocks_all(small: Small, results: list[Result]) -> None:
    assert _judged(small, *results) == [
        (
            MODEL,
            year,
            "tests: prices_are_sane did not run: publish with dbt build, which runs them",
        )
        for year in (2022, 2023, 2024)
    ]


def test_a_test_that_only_warns_blocks_nothing_and_need_not_run(small: Small) -> None:
    _add(small, _test(OTHER, "on_calendar", severity="warn"))
    _found(small, 2022)
    assert _judged(small, Result(TEST, "pass"), Result(OTHER, "warn", 1, FOUND)) == []
    assert _judged(small, Result(TEST, "pass")) == []


def test_a_test_of_no_one_dataset_guards_each_that_it_reads(small: Small) -> None:
    _add(small, _test(OTHER, "own", attached_node=None))
    assert _years(_judged(small, Result(TEST, "pass"))) == [2022, 2023, 2024]


def test_a_test_of_another_dataset_guards_only_its_own(small: Small) -> None:
    above = {"nodes": [SUBSET, DATASET]}
    _add(small, _test(OTHER, "accounts_balance", attached_node=SUBSET, depends_on=above))
    assert _judged(small, Result(TEST, "pass")) == []


def test_a_warning_of_a_test_of_ones_own_has_not_failed() -> None:
    warned = Result(TEST, "warn", 1)
    assert judge.has_failed_unsaid(_test(TEST, "sane"), warned)
    assert not judge.has_failed_unsaid(_test(TEST, "sane", tags=[]), warned)
    assert not judge.has_failed_unsaid(_test(TEST, "sane", severity="warn"), warned)
    assert not judge.has_failed_unsaid(_test(TEST, "sane"), Result(TEST, "pass"))


def test_a_dataset_that_was_not_built_is_not_judged(small: Small) -> None:
    given = {DATASET: Result(DATASET, "error")}
    assert judge.block_years(small.cursor, small.project, given, small.options) == []
    assert small.rows("select * from inventory.blocked") == []


# A subset whose dataset was not built.


def test_a_subset_is_blocked_where_only_its_dataset_would_have_read_new_files(
    small: Small,
) -> None:
    small.file(1, "a.csv", lines_used=None)
    small.file(2, "b.csv", lines_used=None)
    blocked = _judged(small, models=(SUBSET,))
    assert blocked == [
        (
            HUB,
            None,
            "2 raw files are new, and xiso_prices that reads them was not built:"
            " select +xiso_prices_hub",
        )
    ]


def test_a_subset_names_the_year_that_was_asked_for(small: Small) -> None:
    small.file(1, "a.csv", lines_used=None)
    small.tell(years=(2023,))
    assert [(model, year) for model, year, _ in _judged(small, models=(SUBSET,))] == [(HUB, 2023)]


def test_a_subset_is_not_blocked_where_nothing_is_new_or_its_dataset_was_built(
    small: Small,
) -> None:
    small.file(1, "a.csv")
    assert _judged(small, models=(SUBSET,)) == []
    small.file(2, "b.csv", lines_used=None)
    assert _judged(small, Result(TEST, "pass"), models=(DATASET, SUBSET)) == []


# Means, in which a wrong price may be lost.


def _means(small: Small) -> None:
    """Let what was a subset be made by means, with candidates for two years."""
    del small.graph["nodes"][SUBSET]["config"]["subset_where"]
    small.project = Project.of_graph(small.graph)
    for year in (2023, 2024):
        small.cursor.execute(
            "insert into inventory.candidates values ($1, $2, 'path', 'target', '{}')", [HUB, year]
        )


def test_means_are_stopped_in_the_years_in_which_a_test_has_found_rows_of_their_dataset(
    small: Small,
) -> None:
    _means(small)
    small.cursor.execute(
        f"create table {FOUND} as select 2023 as delivery_year union all select 2022"
    )
    blocked = _judged(small, Result(TEST, "fail", 2, FOUND), models=(DATASET, SUBSET))
    assert [row for row in blocked if row[0] == HUB] == [
        (HUB, 2023, "it is made of xiso_prices, of which this year is not published")
    ]
    assert {year for model, year, _ in blocked if model == MODEL} == {2022, 2023}


def test_a_subset_is_judged_by_its_own_tests_alone(small: Small) -> None:
    _means(small)
    small.graph["nodes"][SUBSET]["config"]["subset_where"] = "point = 'HUB'"
    small.project = Project.of_graph(small.graph)
    small.cursor.execute(f"create table {FOUND} as select 2023 as delivery_year")
    blocked = _judged(small, Result(TEST, "fail", 1, FOUND), models=(DATASET, SUBSET))
    assert [(model, year) for model, year, _ in blocked] == [(MODEL, 2023)]


# Seeds that a dataset stands on.

SEED, KEY, FILLED = "seed.small.markets", "test.small.is_keyed_by.3", "test.small.filled.4"
PASSED = Result(TEST, "pass")
UNTESTED = "tests: the seed markets has not been tested since it changed: select +xiso_prices"


def _of_seed(unique_id: str, name: str, **rest: Any) -> dict[str, Any]:
    return _test(unique_id, name, attached_node=SEED, depends_on={"nodes": [SEED]}, **rest)


@pytest.fixture
def seeded(small: Small) -> Small:
    """The seed of markets, which both datasets stand on, has two tests."""
    _add(small, _of_seed(KEY, "is_keyed_by"), _of_seed(FILLED, "filled"))
    return small


def _messages(blocked: list[Any]) -> set[str]:
    return {message for _, _, message in blocked}


def test_a_seed_of_which_every_test_passes_is_sound_until_it_changes(seeded: Small) -> None:
    assert _judged(seeded, PASSED, Result(KEY, "pass"), Result(FILLED, "pass")) == []
    assert seeded.rows("from inventory.sound_seeds") == [("markets", "sum of markets")]
    assert _judged(seeded, PASSED) == []
    seeded.graph["nodes"][SEED]["checksum"] = {"checksum": "another sum"}
    assert _judged(seeded, PASSED) == [(MODEL, year, UNTESTED) for year in (2022, 2023, 2024)]


@pytest.mark.parametrize("status", ["fail", "error"])
def test_a_seed_that_fails_a_test_blocks_all_that_stands_on_it(seeded: Small, status: str) -> None:
    seeded.cursor.execute("insert into inventory.sound_seeds values ('markets', 'sum of markets')")
    found = [PASSED, Result(KEY, status, 1), Result(FILLED, "pass")]
    message = "tests: the seed markets fails is_keyed_by: mend seeds/markets.csv"
    assert _judged(seeded, *found) == [(MODEL, year, message) for year in (2022, 2023, 2024)]
    seeded.cursor.execute("delete from inventory.blocked")
    # Another run that doesn't look at it again doesn't take it for sound.
    assert _messages(_judged(seeded, PASSED)) == {UNTESTED}


def test_a_seed_that_was_loaded_with_other_content_is_not_sound_when_it_is_put_back(
    seeded: Small,
) -> None:
    """Its table has the other content until it is loaded again."""
    seeded.cursor.execute("insert into inventory.sound_seeds values ('markets', 'sum of markets')")
    judge.forget_changed_seeds(seeded.cursor, seeded.project)
    assert _judged(seeded, PASSED) == []
    seeded.graph["nodes"][SEED]["checksum"] = {"checksum": "another sum"}
    judge.forget_changed_seeds(seeded.cursor, seeded.project)
    seeded.graph["nodes"][SEED]["checksum"] = {"checksum": "sum of markets"}
    assert _messages(_judged(seeded, PASSED)) == {UNTESTED}


@pytest.mark.parametrize("loaded", ["success", "error", None])
def test_a_proven_seed_is_sound_here_once_it_is_loaded(small: Small, loaded: str | None) -> None:
    """Its tests are left out of the run."""
    loading = [Result(SEED, loaded)] if loaded else []
    assert _judged(small, PASSED, *loading, proven=("markets",)) == []
    is_sound = small.rows("from inventory.sound_seeds") == [("markets", "sum of markets")]
    assert is_sound == (loaded == "success")


def test_a_proven_seed_that_may_be_loaded_with_other_content_is_sound_no_more(small: Small) -> None:
    small.cursor.execute("insert into inventory.sound_seeds values ('markets', 'another sum')")
    judge.forget_changed_seeds(small.cursor, small.project)
    assert small.rows("from inventory.sound_seeds") == []


def test_a_seed_blocks_the_subset_too(seeded: Small) -> None:
    seeded.cursor.execute("delete from inventory.candidates")
    seeded.cursor.execute(
        "insert into inventory.candidates values ($1, 2024, 'path', 'target', '{}')", [HUB]
    )
    assert _judged(seeded, models=(SUBSET,)) == [(HUB, 2024, f"{UNTESTED}_hub")]


@pytest.mark.parametrize("rest", [[], [Result(FILLED, "skipped")]], ids=["absent", "skipped"])
def test_a_seed_of_which_one_test_did_not_run_is_not_sound(
    seeded: Small, rest: list[Result]
) -> None:
    blocked = _judged(seeded, PASSED, Result(KEY, "pass"), *rest)
    assert _years(blocked) == [2022, 2023, 2024]
    assert _messages(blocked) == {UNTESTED}
    assert seeded.rows("from inventory.sound_seeds") == []


@pytest.mark.parametrize(
    ("key", "filled", "is_sound", "is_proven"),
    [
        ("pass", "pass", True, True),
        ("pass", "warn", True, False),
        ("warn", "pass", True, False),
        ("pass", None, True, False),
        ("pass", "skipped", True, False),
        ("pass", "error", True, False),
        (None, "pass", False, False),
        ("skipped", "pass", False, False),
        ("fail", "pass", False, False),
    ],
)
def test_a_seed_is_proven_where_it_is_sound_and_no_test_of_it_has_anything_to_say(
    small: Small, key: str | None, filled: str | None, is_sound: bool, is_proven: bool
) -> None:
    """Tests of a proven seed are left out, and with them what they warn of."""
    _add(small, _of_seed(KEY, "is_keyed_by"), _of_seed(FILLED, "filled", severity="warn"))
    results = [Result(test, status) for test, status in ((KEY, key), (FILLED, filled)) if status]
    _judged(small, PASSED, *results)
    assert small.rows("select seed from inventory.sound_seeds") == [("markets",)] * is_sound
    statuses = {result.unique_id: result.status for result in results}
    nodes = small.graph["nodes"].values()
    assert judge.proven_seeds(nodes, statuses) == ({"markets"} if is_proven else set())


def test_a_seed_without_a_test_that_could_stop_it_blocks_nothing(small: Small) -> None:
    _add(small, _of_seed(KEY, "is_keyed_by", severity="warn"))
    assert _judged(small, PASSED) == []
    assert _judged(small, PASSED, Result(KEY, "warn", 1)) == []


def test_a_seed_that_a_dataset_does_not_stand_on_blocks_nothing(small: Small) -> None:
    _add(small, _test(KEY, "is_keyed_by", attached_node="seed.small.reports"))
    small.graph["nodes"][KEY]["depends_on"] = {"nodes": ["seed.small.reports"]}
    assert _judged(small, PASSED, Result(KEY, "fail", 1)) == []
