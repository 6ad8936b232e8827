"""The project describes itself: every model, column, seed, source, macro and argument."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from building import run_dbt

OURS = "unified_iso"


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("parse")
    run_dbt(folder / "raw", folder, "parse")
    return json.loads((folder / "target" / "manifest.json").read_text())


def described(manifest: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Names of everything that should have a description, with it."""
    nodes = [*manifest["nodes"].values(), *manifest["sources"].values()]
    for node in nodes:
        if node["resource_type"] not in ("model", "seed", "source"):
            continue
        yield node["unique_id"], node["description"]
        for column in node["columns"].values():
            yield f"{node['unique_id']}.{column['name']}", column["description"]
    for macro in manifest["macros"].values():
        if macro["package_name"] == OURS:
            yield macro["unique_id"], macro["description"]
            for argument in macro["arguments"]:
                yield f"{macro['unique_id']}({argument['name']})", argument["description"]


def test_everything_is_described(manifest: dict[str, Any]) -> None:
    assert [name for name, text in described(manifest) if not text.strip()] == []


def test_every_argument_of_a_macro_is_described(manifest: dict[str, Any]) -> None:
    for macro in manifest["macros"].values():
        if macro["package_name"] != OURS or macro["name"].startswith("materialization_"):
            continue
        opening = macro["macro_sql"].split("%}", 1)[0]
        inside = opening[opening.index("(") + 1 : opening.rindex(")")]
        names = [part.split("=")[0].strip() for part in inside.split(",") if part.strip()]
        assert [argument["name"] for argument in macro["arguments"]] == names, macro["name"]


def test_datasets_state_their_grain_and_enforce_their_contract(manifest: dict[str, Any]) -> None:
    datasets = [
        node
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model" and node["config"]["materialized"] == "year_files"
    ]
    assert datasets
    for node in datasets:
        assert "One row per" in node["description"], node["name"]
        assert node["config"]["contract"]["enforced"], node["name"]
        assert len(node["columns"]) == 24, node["name"]


def test_sources_reach_the_exposure(manifest: dict[str, Any]) -> None:
    reached = {"exposure.unified_iso.year_files"}
    frontier = list(reached)
    while frontier:
        for parent in manifest["parent_map"][frontier.pop()]:
            if parent not in reached:
                reached.add(parent)
                frontier.append(parent)
    assert set(manifest["sources"]) <= reached


def test_every_dataset_has_the_same_columns_and_the_same_guarantees(
    manifest: dict[str, Any],
) -> None:
    datasets = [n for n in manifest["nodes"].values() if is_dataset(n)]
    guarantees: dict[str, set[str]] = {dataset["unique_id"]: set() for dataset in datasets}
    for node in manifest["nodes"].values():
        if node["resource_type"] == "test" and node["attached_node"] in guarantees:
            severity = node["config"]["severity"].lower()
            guarantees[node["attached_node"]].add(f"{severity} {node['test_metadata']['name']}")
    shared = set.intersection(*guarantees.values())
    assert {g for g in shared if g.startswith("error")} == {
        "error accounts_balance",
        "error components_add_up",
        "error grain_is_unique",
        "error intervals_on_grid",
        "error local_time_agrees_with_utc",
        "error physically_sorted",
        "error prices_are_sane",
        "error required_columns_filled",
        "error values_in_domain",
        "error within_market_time",
    }
    assert {g for g in shared if g.startswith("warn")} == {
        "warn locations_continue",
        "warn no_conflicting_rows",
        "warn on_calendar",
        "warn prices_within_bounds",
    }
    columns = [
        [(c["name"], c["data_type"], c["description"]) for c in dataset["columns"].values()]
        for dataset in datasets
    ]
    assert all(each == columns[0] for each in columns)
    assert len(columns[0]) == 24


def is_dataset(node: dict[str, Any]) -> bool:
    return node["resource_type"] == "model" and node["config"]["materialized"] == "year_files"


def test_queries_of_the_benchmark_are_no_tests(manifest: dict[str, Any]) -> None:
    tests = [node for node in manifest["nodes"].values() if node["resource_type"] == "test"]
    assert tests
    assert not [test["path"] for test in tests if test["path"].startswith("bench")]
