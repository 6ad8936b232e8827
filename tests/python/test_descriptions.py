"""What the project says of its datasets, and the text of it in the footer of a year file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb

from building import REPOSITORY
from small_project import DATASET, Small
from unified_iso.build import plan
from unified_iso.build.spec import Project
from unified_iso.descriptions import DescribedColumn, Description, descriptions_of
from unified_iso.families import families
from unified_iso.footers import CONTRACT_KEY, contract_of, footer_texts
from unified_iso.row_groups.footer import read_footer_metadata
from unified_iso.row_groups.join import Part, join_row_groups
from unified_iso.row_groups.seal import read_seal

NODES: dict[str, dict[str, Any]] = {
    "model.p.x_da": {
        "resource_type": "model",
        "name": "x_da",
        "description": "Prices of x.\nOne row per hour.\n",
        "columns": {
            "at": {"name": "at", "data_type": "timestamptz", "description": "Start."},
            "lmp_total": {
                "name": "lmp_total",
                "data_type": "double",
                "description": "Price in\n$/MWh.",
                "config": {"meta": {"unit": "$/MWh"}},
            },
        },
    },
    "seed.p.facts": {"resource_type": "seed", "name": "facts", "description": None, "columns": {}},
    "test.p.t": {"resource_type": "test", "name": "t", "description": "No relation."},
}
DESCRIBED = Description(
    "Prices of x. One row per hour.",
    (
        DescribedColumn("at", "timestamptz", "Start."),
        DescribedColumn("lmp_total", "double", "Price in $/MWh.", "$/MWh"),
    ),
)


def test_models_and_seeds_are_described_with_types_and_units() -> None:
    assert descriptions_of(NODES) == {"x_da": DESCRIBED, "facts": Description()}


def test_a_year_file_tells_what_its_rows_and_columns_mean(tmp_path: Path) -> None:
    part = tmp_path / "part.parquet"
    duckdb.execute(f"copy (select 1.0 as lmp_total) to '{part}' (format parquet)")
    family = families(REPOSITORY)["energy_prices"]
    contract = contract_of("x_da", family, DESCRIBED, family.order)
    year_file = tmp_path / "x_2024.parquet"
    join_row_groups([Part(part)], year_file, footer_texts({}, [], contract), sealed=True)
    assert read_seal(year_file) is not None
    assert json.loads(read_footer_metadata(year_file).key_value_metadata[CONTRACT_KEY]) == {
        "dataset": "x_da",
        "family": "energy_prices",
        "schema_version": 2,
        "description": "Prices of x. One row per hour.",
        "grain": ["interval_start_utc", "market_type", "settlement_location_id"],
        "sort_order": ["datetime_utc", "settlement_location", "settlement_location_id"],
        "columns": [
            {"name": "at", "type": "timestamptz", "description": "Start.", "unit": None},
            {
                "name": "lmp_total",
                "type": "double",
                "description": "Price in $/MWh.",
                "unit": "$/MWh",
            },
        ],
    }


def test_a_reworded_description_makes_nothing_anew(tmp_path: Path) -> None:
    small = Small(tmp_path)
    nodes = small.project.nodes
    reworded = {**nodes, DATASET: {**nodes[DATASET], "description": "In other words."}}
    found = {
        plan.fingerprint(
            small.cursor, project, project.dataset(DATASET), "select 1", small.options, "digest"
        )
        for project in (small.project, Project(reworded, small.project.source_nodes, {}))
    }
    assert len(found) == 1
