"""What the quality report keeps of tests."""

from __future__ import annotations

import duckdb

from unified_iso.build.judge import Result
from unified_iso.inventory import SCHEMA
from unified_iso.quality.told import keep_test_results


def test_passed_tests_of_seeds_are_not_kept_since_only_the_first_output_runs_them() -> None:
    outcomes = {
        "seed.markets": {"unique": "pass", "is_odd": "warn"},
        "model.prices": {"grain_is_unique": "pass"},
    }
    nodes = {
        f"test.{name}": {
            "resource_type": "test",
            "name": name,
            "attached_node": f"{kind}.unified_iso.{tested}",
            "tags": [],
            "config": {"severity": "error"},
        }
        for (kind, tested), tests in ((k.split("."), t) for k, t in outcomes.items())
        for name in tests
    }
    results = {
        f"test.{name}": Result(f"test.{name}", status, failures=0)
        for tests in outcomes.values()
        for name, status in tests.items()
    }
    with duckdb.connect() as connection:
        connection.execute(SCHEMA)
        keep_test_results(connection, nodes, results)
        kept = connection.execute(
            "select node, name, status from inventory.test_results"
        ).fetchall()
    assert sorted(kept) == [("markets", "is_odd", "warn"), ("prices", "grain_is_unique", "pass")]
