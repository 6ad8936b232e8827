"""Run as plain SQL, the SQL of a dataset gives the rows that a build publishes, in their order."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from building import Built, build, edit_rows, query, read_rows, run_dbt, work_database, write_rows
from unified_iso.sample import write_sample

pytestmark = pytest.mark.builds

OPERATORS = ("pjm", "nyiso", "ercot")
DATASETS = (
    "ercot_da_energy_hourly",
    "nyiso_da_energy_hourly",
    "pjm_da_energy_hourly_hub",
    "pjm_da_energy_hourly_nodal",
)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """Two days, one of them of 25 hours; a second file of PJM has some of the prices again."""
    folder = tmp_path_factory.mktemp("plain")
    built = Built(folder / "raw", folder / "out")
    write_sample(built.raw, isos=OPERATORS, start=date(2024, 11, 3), days=2, nodes=3)
    first = sorted((built.raw / "pjm" / "da_hrl_lmps").rglob("*.csv"))[0]
    corrected = first.with_name("corrected.csv")
    write_rows(corrected, read_rows(first)[:100])
    edit_rows(corrected, lambda rows: [row.update(version_nbr="9") for row in rows[:50]])
    build(built.raw, built.out, *OPERATORS)
    run_dbt(built.raw, built.out, "compile", "--select", *DATASETS)
    return built


def published_rows(out: Path, dataset: str) -> list[tuple[Any, ...]]:
    iso, _, name = dataset.partition("_")
    file = out / "parquet" / iso / name / f"{name}_2024.parquet"
    return query("select * from read_parquet($1) order by file_row_number", str(file))


def rows_of_plain_sql(out: Path, dataset: str) -> list[tuple[Any, ...]]:
    compiled = out / "target/compiled/unified_iso/models/unified" / f"{dataset}.sql"
    with work_database(out) as connection:
        connection.execute("set TimeZone = 'UTC'")
        return connection.execute(compiled.read_text()).fetchall()


@pytest.mark.parametrize("dataset", DATASETS)
def test_plain_sql_gives_the_rows_that_are_published(built: Built, dataset: str) -> None:
    rows = rows_of_plain_sql(built.out, dataset)
    assert rows
    assert rows == published_rows(built.out, dataset)


def test_the_build_had_repeats_to_settle(built: Built) -> None:
    """The second file repeats 50 rows and corrects 50; the sample corrects 36 on either day."""
    with work_database(built.out) as connection:
        terms = connection.execute(
            "select term, reason, sum(rows) from inventory.accounts"
            " where model = 'pjm_da_energy_hourly_nodal' and term in ('merged', 'superseded')"
            " group by all order by all"
        ).fetchall()
    assert terms == [
        ("merged", "equal to the published row", 50),
        ("superseded", "lower version", 122),
    ]
