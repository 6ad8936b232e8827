"""Staging views between runs, and models of one's own on them: the present files, or an error."""

from __future__ import annotations

import json
import shutil
import sys
from datetime import date
from pathlib import Path

import pytest

from building import REPOSITORY, Built, Ran, build, environment, run_command, run_dbt
from unified_iso.sample import write_sample

pytestmark = pytest.mark.builds

COUNT = """
select count(*) as hours, max(lmp_total) as highest from {{ ref('stg_nyiso__damlbmp_zone') }}
"""
OWN = "{{ config(materialized='table') }}" + COUNT
# What dbt ends with when a statement of its own fails.
DBT_ERROR = 2


def show(built: Built, query: str, check: int = 0) -> Ran:
    arguments = ("--inline", query, "--output", "json", "--quiet")
    return run_dbt(built.raw, built.out, "show", *arguments, check=check)


def shown_rows(ran: Ran) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = json.loads(ran.stdout)["show"]
    return rows


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """Three days of one operator, published."""
    folder = tmp_path_factory.mktemp("built")
    found = Built(folder / "raw", folder / "out")
    write_sample(found.raw, isos=["nyiso"], start=date(2024, 1, 1), days=3, nodes=2)
    build(found.raw, found.out, "nyiso", "--dataset", "da_energy_hourly")
    return found


@pytest.fixture(scope="module")
def truth(built: Built) -> tuple[int, float]:
    """Rows and highest price of the zones' raw files, counted by Python."""
    prices = [
        float(line.split(",")[3])
        for path in (built.raw / "nyiso" / "damlbmp_zone").rglob("*.csv")
        for line in path.read_text().splitlines()[1:]
    ]
    return len(prices), max(prices)


def test_a_staging_view_shows_the_present_files(built: Built, truth: tuple[int, float]) -> None:
    hours, highest = truth
    rows = shown_rows(show(built, COUNT))
    assert rows == [{"hours": hours, "highest": highest}]


def test_an_operator_that_no_build_has_looked_for_is_an_error(built: Built) -> None:
    ran = show(built, "select * from {{ source('spp', 'da_lmp_sl') }}", check=DBT_ERROR)
    assert "spp/da-lmp-sl can't be read (no build has looked for raw files" in ran.output


def test_a_file_that_is_gone_is_an_error(built: Built, tmp_path: Path) -> None:
    gone = next((built.raw / "nyiso" / "damlbmp_zone").rglob("*.csv"))
    elsewhere = gone.rename(tmp_path / gone.name)
    try:
        ran = show(built, COUNT, check=DBT_ERROR)
    finally:
        elsewhere.rename(gone)
    assert gone.name in ran.output


def test_a_table_of_ones_own_reads_the_present_files(
    built: Built, tmp_path: Path, truth: tuple[int, float]
) -> None:
    """The model stands beside the datasets, in the same run, and changes nothing of theirs."""
    project = tmp_path / "project"
    for name in ("dbt_project.yml", "profiles.yml", "models", "macros", "seeds", "tests/generic"):
        source = REPOSITORY / name
        target = project / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(source, target) if source.is_dir() else shutil.copy(source, target)
    own = project / "models" / "own"
    own.mkdir()
    (own / "own_hours.sql").write_text(OWN)
    before = {path: path.stat().st_mtime_ns for path in (built.out / "parquet").rglob("*.parquet")}
    ran = run_command(
        [
            *(sys.executable, "-c", "from dbt.cli.main import cli; cli()", "build"),
            *("--select", "+own_hours", "nyiso_da_energy_hourly"),
            *("--exclude-resource-type", "unit_test"),
            *("--project-dir", str(project), "--profiles-dir", str(project)),
            *("--target-path", str(tmp_path / "target"), "--log-path", str(tmp_path / "logs")),
        ],
        environment(project)
        | {"UNIFIED_ISO_RAW": str(built.raw), "UNIFIED_ISO_OUT": str(built.out)},
        check=0,
    )
    assert "own_hours" in ran.output
    hours, highest = truth
    rows = shown_rows(show(built, "select * from {{ target.schema }}.own_hours"))
    assert rows == [{"hours": hours, "highest": highest}]
    after = {path: path.stat().st_mtime_ns for path in (built.out / "parquet").rglob("*.parquet")}
    assert before == after
