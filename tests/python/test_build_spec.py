"""What a dataset is, where families, markets and views differ."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import duckdb

from unified_iso.build.load import _is_of_market
from unified_iso.build.spec import Dataset, Project

COLUMNS = ("datetime_utc", "iso", "market_type", "price")


def model(name: str, *parents: str, columns: tuple[str, ...] = (), **config: Any) -> dict[str, Any]:
    return {
        "unique_id": f"model.x.{name}",
        "resource_type": "model",
        "name": name,
        "database": "work",
        "schema": "unified",
        "alias": name,
        "config": {"materialized": "view"} | config,
        "columns": {column: {"name": column, "data_type": "varchar"} for column in columns},
        "depends_on": {"nodes": [f"model.x.{parent}" for parent in parents]},
        "checksum": {"checksum": name},
    }


def dataset(
    name: str, iso: str, family: str, market: object, columns: tuple[str, ...] = COLUMNS
) -> dict[str, Any]:
    config = {"iso": iso, "family": family, "minutes": 60, "materialized": "year_files"}
    return model(name, columns=columns, **config, market=market)


MEANS: dict[str, Any] = {
    "iso": "a",
    "family": "prices",
    "minutes": 60,
    "materialized": "year_files",
}
NODES = (
    dataset("a_da", "a", "prices", "DA"),
    dataset("a_rt", "a", "prices", "RT"),
    dataset("a_reserves", "a", "reserves", ["DA", "RT"]),
    dataset("a_carbon", "a", "carbon", None, ("datetime_utc", "iso", "price")),
    dataset("b_da", "b", "prices", "DA"),
    model("a_means", "a_rt", **MEANS),
    model("prices", "a_da", "a_rt", "b_da", meta={"family_union": True}),
    model("reserves", "a_reserves", meta={"family_union": True}),
    model("zones", "a_da"),
    model("both", "prices", "reserves"),
)
PROJECT = Project.of_graph({"nodes": {node["unique_id"]: node for node in NODES}, "sources": {}})


def of(name: str) -> Dataset:
    return PROJECT.dataset(f"model.x.{name}")


def of_views(own: str | None = None, tested: str | None = None) -> list[str]:
    """Return the views that are read for the dataset `b_da` alone.

    It reads `own_b`, which reads `list_b`, and `own_b` and `other` beside it read `of_two`.

    own: a view that a table of somebody's own reads.
    tested: a model whose test reads `list_b` too.
    """
    nodes = [
        *(model("list_b"), model("of_two"), model("unread"), model("own_b", "list_b", "of_two")),
        model("b_da", "own_b", **MEANS),
        model("other", "of_two", **MEANS),
        model("prices", "b_da", "other"),
    ]
    if own:
        nodes.append(model("own_table", own, materialized="table"))
    if tested:
        test = model("a_test", tested, "list_b") | {"resource_type": "test"}
        nodes.append(test | {"attached_node": f"model.x.{tested}"})
    project = Project.of_graph(
        {"nodes": {node["unique_id"]: node for node in nodes}, "sources": {}}
    )
    return project.views_for([project.dataset("model.x.b_da")])


def test_views_of_a_dataset_are_those_that_nothing_else_reads() -> None:
    assert of_views() == ["list_b", "own_b"]
    assert of_views(own="list_b") == ["own_b"]
    assert of_views(own="own_b") == []
    assert of_views(tested="b_da") == ["list_b", "own_b"]
    assert of_views(tested="other") == ["own_b"]


def test_a_market_is_one_word_or_several_or_none() -> None:
    assert [of(name).markets for name in ("a_da", "a_reserves", "a_carbon")] == [
        ("DA",),
        ("DA", "RT"),
        (),
    ]


def test_words_are_of_columns_that_a_dataset_has() -> None:
    assert of("a_reserves").words == {"iso": ("A",), "market_type": ("DA", "RT")}
    assert of("a_carbon").words == {"iso": ("A",)}


def test_a_subset_has_its_words_as_they_stand_in_its_dataset() -> None:
    """Cast to words once more they would be optional in its files."""
    assert replace(of("a_da"), subset_where="price > 0").words == {}


def test_siblings_are_of_the_same_operator_and_family() -> None:
    """A row of day-ahead prices is none of a dataset of reserves, though that has its market."""
    assert [found.model for found in PROJECT.siblings(of("a_da"))] == ["a_da", "a_rt"]
    assert [found.model for found in PROJECT.siblings(of("a_reserves"))] == ["a_reserves"]


def test_what_is_made_of_a_dataset_takes_no_rows_of_files() -> None:
    """Rows of a market of which only means are published are in no dataset, and have to be told."""
    assert of("a_means").parent == "model.x.a_rt"
    assert "a_means" not in [found.model for found in PROJECT.siblings(of("a_rt"))]


def test_the_descent_of_a_dataset_ends_with_the_one_of_raw_files() -> None:
    assert [found.model for found in PROJECT.descent(of("a_means"))] == ["a_means", "a_rt"]
    assert [found.model for found in PROJECT.descent(of("a_rt"))] == ["a_rt"]


def test_rows_belong_to_any_market_of_a_dataset() -> None:
    rows = (
        "(values ('DA', 60), ('RT', 60), ('RT', 5), (null, 60)) as r(market_type, interval_minutes)"
    )
    with duckdb.connect() as connection:
        found = connection.execute(
            f"select {_is_of_market([of('a_reserves')])} from {rows}"
        ).fetchall()
    assert [belongs for (belongs,) in found] == [True, True, False, None]


def test_only_views_that_are_marked_unite_a_family() -> None:
    assert PROJECT.unions() == {"prices": ["a_da", "a_rt", "b_da"], "reserves": ["a_reserves"]}
