"""What the project says of operators, reports and datasets, in the tables that views ask."""

from __future__ import annotations

from pathlib import Path

import pytest

from small_project import DATASET, HUB, MODEL, PRICES, STAGING, SUBSET, Small
from unified_iso.build.spec import NoDataset


@pytest.fixture
def small(tmp_path: Path) -> Small:
    return Small(tmp_path, cumulative=True)


def test_facts_are_those_of_the_project(small: Small) -> None:
    assert small.rows("from inventory.markets") == [("xiso", "America/Chicago")]
    assert small.rows("from inventory.reports order by all") == [
        ("xiso", "da-prices", 2, True, None),
        ("xiso", "points", 3, True, None),
    ]
    assert small.rows("from inventory.datasets order by model") == [
        (MODEL, "xiso", "day", None, False),
        (HUB, "xiso", "day", MODEL, False),
    ]
    # The list of points gives no rows, so no file of it is waited for.
    assert small.rows("from inventory.dataset_reports") == [
        (MODEL, "xiso", "da-prices", True, True)
    ]


def test_options_are_those_of_the_run_and_told_anew_by_each(small: Small) -> None:
    assert small.rows("from inventory.run_options") == [([], False, False, False, False)]
    small.tell(years=(2023, 2024), prune=True, full_refresh=True, allow_rejects=True)
    assert small.rows("from inventory.run_options") == [([2023, 2024], True, True, True, False)]
    assert small.rows("select count(*) from inventory.datasets") == [(2,)]


def test_fingerprints_outlive_a_run(small: Small) -> None:
    small.fingerprint("sql", digest="project", lists="lists")
    small.tell()
    assert small.rows("from inventory.fingerprints") == [(MODEL, "sql", "project", "lists")]


def test_a_dataset_is_read_from_its_node(small: Small) -> None:
    dataset, subset = small.project.datasets()
    assert (dataset.model, dataset.name, dataset.iso, dataset.part) == (
        *(MODEL, "prices", "xiso"),
        "day",
    )
    assert (dataset.parent, subset.parent) == (None, DATASET)
    assert (subset.subset_where, subset.staging) == ("point = 'HUB'", ())
    [staging] = dataset.staging
    assert (staging.relation, staging.load_table, staging.line_order) == (
        '"memory"."staging"."stg_xiso__prices"',
        '"load__stg_xiso__prices"',
        "raw_row",
    )
    [source] = dataset.price_sources
    assert (source.report_key, source.wanted, source.stamps) == (
        *("xiso/da-prices", ("version",)),
        ("starts",),
    )


def test_what_stands_above_a_dataset_leaves_other_datasets_out(small: Small) -> None:
    def above(unique_id: str) -> list[str]:
        return [n["unique_id"] for n in small.project.above(small.project.dataset(unique_id))]

    assert above(DATASET) == ["model.small.stg_xiso__prices", "seed.small.markets", PRICES]
    assert above(SUBSET) == ["seed.small.markets"]


def test_what_is_no_dataset_is_named(small: Small) -> None:
    with pytest.raises(NoDataset, match=r"stg_xiso__prices is no dataset"):
        small.project.dataset(STAGING)
    with pytest.raises(LookupError, match="no seed bounds"):
        small.project.seed_file("bounds")
