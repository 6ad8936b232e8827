"""The project describes itself: every model, column, seed, source, macro and argument."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from building import REPOSITORY, read_rows, run_dbt
from unified_iso.build.spec import Project
from unified_iso.families import families
from unified_iso.project import dataset_models

pytestmark = pytest.mark.builds

OURS = "unified_iso"
COLUMNS = {"energy_prices": 24, "ancillary_services": 18}
GUARANTEES_OF_ALL = {
    "error accounts_balance",
    "error grain_is_unique",
    "error intervals_on_grid",
    "error local_time_agrees_with_utc",
    "error physically_sorted",
    "error prices_are_sane",
    "error required_columns_filled",
    "error values_in_domain",
    "error within_market_time",
    "warn locations_continue",
    "warn no_conflicting_rows",
    "warn on_calendar",
    "warn prices_within_bounds",
}


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("parse")
    # In this process dbt runs with a manifest that is given, and writes none.
    run_dbt(folder / "raw", folder, "parse", in_process=False)
    found: dict[str, Any] = json.loads((folder / "target" / "manifest.json").read_text())
    return found


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
        assert len(node["columns"]) == COLUMNS[node["config"]["family"]], node["name"]


def test_sources_reach_an_exposure(manifest: dict[str, Any]) -> None:
    reached = {*manifest["exposures"]}
    frontier = list(reached)
    while frontier:
        for parent in manifest["parent_map"][frontier.pop()]:
            if parent not in reached:
                reached.add(parent)
                frontier.append(parent)
    assert set(manifest["sources"]) <= reached


def test_datasets_of_a_family_have_the_same_columns_and_the_same_guarantees(
    manifest: dict[str, Any],
) -> None:
    datasets = [n for n in manifest["nodes"].values() if is_dataset(n)]
    guarantees: dict[str, set[str]] = {dataset["unique_id"]: set() for dataset in datasets}
    for node in manifest["nodes"].values():
        if node["resource_type"] == "test" and node["attached_node"] in guarantees:
            severity = node["config"]["severity"].lower()
            guarantees[node["attached_node"]].add(f"{severity} {node['test_metadata']['name']}")
    for name, family in families(REPOSITORY).items():
        of_family = [dataset for dataset in datasets if dataset["config"]["family"] == name]
        shared = set.intersection(*(guarantees[dataset["unique_id"]] for dataset in of_family))
        sums = {"error components_add_up"} if family.parts else set()
        assert shared == GUARANTEES_OF_ALL | sums, name
        columns = [
            [(c["name"], c["data_type"], c["description"]) for c in dataset["columns"].values()]
            for dataset in of_family
        ]
        assert all(each == columns[0] for each in columns), name
        assert len(columns[0]) == COLUMNS[name]


def test_a_record_names_columns_of_its_family(manifest: dict[str, Any]) -> None:
    for node in filter(is_dataset, manifest["nodes"].values()):
        family = families(REPOSITORY)[node["config"]["family"]]
        named = {family.price, *family.names, *family.names.values()}
        for columns in (family.key, family.order, family.compared, family.parts, family.beside):
            named |= set(columns)
        for columns in (family.texts, family.series, family.required, family.words):
            named |= set(columns)
        assert named <= set(node["columns"]), node["name"]


def test_each_family_has_one_view_over_its_datasets(manifest: dict[str, Any]) -> None:
    unions = Project.of_graph(manifest).unions()
    assert set(unions) == set(families(REPOSITORY))
    for name, united in unions.items():
        whole = {
            node["name"]
            for node in manifest["nodes"].values()
            if is_dataset(node)
            and node["config"]["family"] == name
            and not node["config"].get("subset_where")
        }
        assert sorted(united) == sorted(whole)


def test_what_is_made_of_a_dataset_has_parts_of_the_same_length(
    manifest: dict[str, Any],
) -> None:
    """A part is made of the same part of the other one."""
    project = Project.of_graph(manifest)
    derived = [dataset for dataset in project.datasets() if dataset.parent]
    assert {dataset.model for dataset in derived} >= {"spp_rt_energy_hourly"}
    for dataset in derived:
        assert dataset.part == project.dataset(dataset.parent or "").part, dataset.model


def is_dataset(node: dict[str, Any]) -> bool:
    return bool(node["resource_type"] == "model" and node["config"]["materialized"] == "year_files")


def test_datasets_are_of_a_known_operator_and_market(manifest: dict[str, Any]) -> None:
    """A row is compared with the operator and market of its dataset, which nothing else checks."""
    operators = {row["iso"] for row in read_rows(REPOSITORY / "seeds" / "markets.csv")}
    domains = read_rows(REPOSITORY / "seeds" / "domains.csv")
    markets = {row["value"] for row in domains if row["column_name"] == "market_type"}
    configs = [node["config"] for node in manifest["nodes"].values() if is_dataset(node)]
    assert {config["iso"] for config in configs} <= operators
    for config in configs:
        of_dataset = config["market"]
        assert ({of_dataset} if isinstance(of_dataset, str) else {*of_dataset}) <= markets


def test_a_dataset_names_its_reports_of_several_markets(manifest: dict[str, Any]) -> None:
    """Its SQL has their rows of other markets otherwise, though a build leaves them out."""
    for dataset in Project.of_graph(manifest).datasets():
        told = manifest["nodes"][dataset.unique_id]["config"].get("of_several_markets") or []
        reports = [s for s in dataset.staging if s.name not in dataset.names_from]
        assert set(told) == {s.name for s in reports if s.is_of_several_markets}, dataset.model


def test_intervals_that_start_where_one_ended_are_read_beside_the_day_before(
    manifest: dict[str, Any],
) -> None:
    """The first interval of a day starts where the last one of the day before ended."""
    for dataset in Project.of_graph(manifest).datasets():
        assert dataset.reads_day_before == dataset.own_ends, dataset.model


def test_queries_of_the_benchmark_are_no_tests(manifest: dict[str, Any]) -> None:
    tests = [node for node in manifest["nodes"].values() if node["resource_type"] == "test"]
    assert tests
    assert not [test["path"] for test in tests if test["path"].startswith("bench")]


def test_a_mart_named_after_an_operator_is_no_dataset() -> None:
    models = dataset_models()

    assert models["caiso_as_hourly"] == ("caiso", "as_hourly")
    assert "caiso_as_resource_prices" not in models
