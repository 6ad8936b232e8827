"""A model of one's own, made as the README says: its rows, and what the catalog makes of it."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from datetime import date
from pathlib import Path

import duckdb
import pytest

from building import LONGEST_RUN_SECONDS, REPOSITORY, Built, environment

pytestmark = pytest.mark.builds

PROJECT = ("models", "macros", "seeds", "tests/generic", "dbt_project.yml", "profiles.yml")
HEADER = (
    '"Time Stamp","Name","PTID","LBMP ($/MWHr)","Marginal Cost Losses ($/MWHr)",'
    '"Marginal Cost Congestion ($/MWHr)"'
)
# Energy is 10 $/MWh at midnight and a dollar more each hour. CAPITL has no loss, so that its day
# costs 10 + 23 / 2 on average; N.Y.C. has one of 5 $/MWh, and the plant one that would be noticed.
ZONES = [("CAPITL", 61757, 0), ("N.Y.C.", 61761, 5)]
GENERATORS = [("ALDER BAY___1", 390001, 400)]
OWN = {
    "zone_prices": """
        select
            delivery_date,
            settlement_location,
            count(*) as hours,
            avg(lmp_total) as lmp_mean
        {from_energy_prices}
        where settlement_location_type = 'ZONE'
        group by all
    """,
    "city_prices": """
        select *
        from {{{{ ref('nyiso_da_energy_hourly') }}}}
        where settlement_location = 'N.Y.C.'
    """,
}


def as_the_readme_says() -> tuple[str, str]:
    """Return the command and the `from` of a model of one's own."""
    text = " ".join((REPOSITORY / "README.md").read_text().split())
    said = re.search(
        r"run `(dbt build [^`]+)`; a model of your own is a file in `models/` that says"
        r" `(from [^`]+)`\. It is in `OUT/.unified-iso/work.duckdb`, schema `main`",
        text,
    )
    assert said is not None, "the README says otherwise how a model of one's own is made"
    return said[1], said[2]


def write_raw(raw: Path) -> None:
    """Write a day of NYISO by hand."""
    for report, places in (("damlbmp_zone", ZONES), ("damlbmp_gen", GENERATORS)):
        lines = [
            f'"03/08/2024 {hour:02}:00","{name}",{ptid},{10 + hour + loss}.00,{loss}.00,0.00'
            for hour in range(24)
            for name, ptid, loss in places
        ]
        path = raw / "nyiso" / report / f"20240308{report}.csv"
        path.parent.mkdir(parents=True)
        path.write_text("\n".join([HEADER, *lines, ""]))


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """Build a copy of the project that has two views of an analyst's, by the README's command."""
    folder = tmp_path_factory.mktemp("own")
    built, project = Built(folder / "raw", folder / "out"), folder / "project"
    write_raw(built.raw)
    for name in PROJECT:
        source, target = REPOSITORY / name, project / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(source, target) if source.is_dir() else shutil.copy(source, target)
    command, from_energy_prices = as_the_readme_says()
    for name, sql in OWN.items():
        path = project / "models" / f"{name}.sql"
        path.write_text(sql.format(from_energy_prices=from_energy_prices))
    done = subprocess.run(
        [
            *(sys.executable, "-c", "from dbt.cli.main import cli; cli()"),
            *command.removeprefix("dbt ").split(),
            # The other operators have no raw file here, and their tests would take a minute.
            *("--select", "+nyiso_da_energy_hourly", "energy_prices", *OWN),
            *("--exclude-resource-type", "unit_test"),
        ],
        cwd=project,
        env=environment(project)
        | {"UNIFIED_ISO_RAW": str(built.raw), "UNIFIED_ISO_OUT": str(built.out)},
        capture_output=True,
        text=True,
        timeout=LONGEST_RUN_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return built


def test_a_model_of_ones_own_has_its_rows(built: Built) -> None:
    with duckdb.connect(str(built.out / ".unified-iso" / "work.duckdb"), read_only=True) as work:
        rows = work.execute("select * from main.zone_prices order by all").fetchall()
        prices = work.execute("select sum(lmp_total) from main.city_prices").fetchall()
    assert rows == [
        (date(2024, 3, 8), "CAPITL", 24, 21.5),
        (date(2024, 3, 8), "N.Y.C.", 24, 26.5),
    ]
    assert prices == [(24 * 26.5,)]


def test_the_catalog_has_datasets_and_families_and_no_view_of_ones_own(built: Built) -> None:
    """A view that leaves rows out must not stand there with all of them."""
    with duckdb.connect(str(built.out / "catalog.duckdb"), read_only=True) as catalog:
        views = catalog.execute(
            "select schema_name, view_name from duckdb_views() where not internal order by all"
        ).fetchall()
        assert views == [
            ("main", "energy_prices"),
            ("main", "locations"),
            ("main", "nyiso_da_energy_hourly"),
            ("nyiso", "da_energy_hourly"),
        ]
        counted = catalog.execute(
            "select settlement_location, count(*) from energy_prices group by all order by all"
        ).fetchall()
    assert counted == [("ALDER BAY___1", 24), ("CAPITL", 24), ("N.Y.C.", 24)]
