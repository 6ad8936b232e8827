"""What tests warn of stays in the manifest until the part it was found in is built anew."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from small_project import DATASET, MODEL, Small
from unified_iso.build.findings import findings_now
from unified_iso.build.judge import Result
from unified_iso.build.spec import Project

TEST = "test.small.prices_within_bounds.1"
FOUND = "audit.found"


@pytest.fixture
def small(tmp_path: Path) -> Small:
    """January and February of 2024 were just built, and December of 2023 is published."""
    small = Small(tmp_path)
    add_test(small, "prices_within_bounds")
    for part in ("2024-01-01", "2024-02-01"):
        build_anew(small, part)
    small.cursor.execute(
        "insert into inventory.parts values ($1, '2023-12-01', 2023, '', '', 1, 1,"
        " '2023-12-01 00:00:00+00', '2023-12-31 23:00:00+00')",
        [MODEL],
    )
    small.cursor.execute("create schema audit")
    return small


def add_test(small: Small, name: str, severity: str = "WARN") -> None:
    small.graph["nodes"][TEST] = {
        "unique_id": TEST,
        "resource_type": "test",
        "name": f"{name}_{MODEL}",
        "test_metadata": {"name": name},
        "description": "Prices are\nodd.\n",
        "tags": ["judged_by_year"],
        "config": {"severity": severity, "materialized": "test"},
        "depends_on": {"nodes": [DATASET]},
        "attached_node": DATASET,
    }
    small.project = Project.of_graph(small.graph)


def build_anew(small: Small, part: str) -> None:
    small.cursor.execute(
        "insert into inventory.new_parts"
        " select $1, $2::date, year($2::date), '', '', 1, 1, $2::timestamp at time zone 'UTC',"
        " ($2::timestamp + interval 27 day) at time zone 'UTC', 'path'",
        [MODEL, part],
    )


def publish_parts(small: Small) -> None:
    """Let the new parts be published ones, as at the end of a run."""
    small.cursor.execute(
        "insert into inventory.parts by name select * exclude (path) from inventory.new_parts"
    )
    small.cursor.execute("delete from inventory.new_parts")


def found(small: Small, columns: str) -> None:
    small.cursor.execute(f"create or replace table {FOUND} as {columns}")


def now(small: Small, known: list[dict[str, Any]], status: str = "warn") -> list[dict[str, Any]]:
    dataset = small.project.dataset(DATASET)
    results = {TEST: Result(TEST, status, 1, FOUND if status == "warn" else None)}
    return findings_now(small.cursor, small.project, [dataset], results, known)


def finding(year: int, part: str | None, rows: int = 1) -> dict[str, Any]:
    return {
        "model": MODEL,
        "test": "prices_within_bounds",
        "year": year,
        "part": part,
        "rows": rows,
        "message": "Prices are odd.",
    }


IN_FEBRUARY = "select 2024 as delivery_year, timestamptz '2024-02-03 04:00:00+00' as datetime_utc"


@pytest.mark.parametrize(
    ("rows", "part"),
    [
        (IN_FEBRUARY, "2024-02-01"),
        ("select 2024 as delivery_year, date '2024-01-31' as delivery_date", "2024-01-01"),
        ("select 2024 as delivery_year, date '2024-02-01' as part", "2024-02-01"),
        ("select 2024 as delivery_year, 'HUB' as point", None),
    ],
)
def test_a_warning_is_kept_with_its_part(rows: str, part: str | None, small: Small) -> None:
    found(small, f"{rows} from range(3)")
    assert now(small, []) == [finding(2024, part, 3)]


def test_a_warning_stays_while_other_parts_are_built(small: Small) -> None:
    found(small, IN_FEBRUARY)
    known = now(small, [])
    publish_parts(small)
    build_anew(small, "2024-03-01")
    assert now(small, known, "pass") == known == [finding(2024, "2024-02-01")]


def test_a_warning_goes_when_its_part_was_built_anew_and_found_sound(small: Small) -> None:
    known = [finding(2024, "2024-02-01"), finding(2023, "2023-12-01")]
    assert now(small, known, "pass") == [finding(2023, "2023-12-01")]


def test_a_warning_of_a_year_goes_when_any_part_of_it_was_built_anew(small: Small) -> None:
    known = [finding(2024, None), finding(2023, None)]
    assert now(small, known, "pass") == [finding(2023, None)]


def test_a_warning_goes_with_the_rows_that_it_is_of(small: Small) -> None:
    known = [finding(2022, None), finding(2023, "2023-11-01")]
    assert now(small, known, "pass") == []


def test_what_is_held_back_is_not_told_of(small: Small) -> None:
    found(small, IN_FEBRUARY)
    small.cursor.execute("insert into inventory.blocked values ($1, 2024, 'x')", [MODEL])
    known = [finding(2024, "2024-01-01", 7)]
    small.cursor.execute(
        "insert into inventory.parts values ($1, '2024-01-01', 2024, '', '', 1, 1,"
        " '2024-01-01 00:00:00+00', '2024-01-31 23:00:00+00')",
        [MODEL],
    )
    assert now(small, known) == known


def test_other_datasets_keep_their_warnings(small: Small) -> None:
    found(small, IN_FEBRUARY)
    other = finding(2023, "2023-12-01") | {"model": "other"}
    small.cursor.execute(
        "insert into inventory.parts select 'other', * exclude (model) from inventory.parts"
    )
    assert now(small, [other]) == [other, finding(2024, "2024-02-01")]


@pytest.mark.parametrize(("name", "severity"), [("on_calendar", "WARN"), ("prices", "ERROR")])
def test_what_is_told_elsewhere_is_not_told_twice(name: str, severity: str, small: Small) -> None:
    """Gaps stand with each file, and what an error-level test finds is not published."""
    add_test(small, name, severity)
    found(small, IN_FEBRUARY)
    assert now(small, []) == []
