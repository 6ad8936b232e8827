"""Facts in seeds are tested before a dataset is built on them: each test finds its fault.

All faults are in one copy of the project, of which one run loads and tests the seeds.
"""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from building import (
    REPOSITORY,
    Built,
    build,
    environment,
    published,
    read_rows,
    run_command,
    sample_day,
    work_database,
)

# Commands of plain dbt, one after another, with a project that is parsed only if it was not before.
RUN_PARSED = """
import json, sys
from dbt.cli.main import dbtRunner
from building import kept_manifest
from unified_iso.dbt_inside import close_database
for arguments, must_end_well in json.loads(sys.argv[1]):
    done = dbtRunner(kept_manifest()).invoke([*arguments, *sys.argv[2:]])
    close_database()
    if must_end_well and not done.success:
        sys.exit(1)
"""
PROJECT = ("models", "macros", "seeds", "tests/generic", "dbt_project.yml", "profiles.yml")
DATASET = "nyiso_da_energy_hourly"


@dataclass(frozen=True)
class Fault:
    """A line that is added to a seed, and the test that finds it.

    of: what the test is about: its columns, or the beginning of its condition.
    found: a value in the rows that the test finds.
    """

    seed: str
    test: str
    of: str
    line: str
    found: str


FAULTS = [
    Fault("markets", "is_keyed_by", "iso", "pjm,Again,America/New_York,-5,s,1998-04-01,s", "pjm"),
    Fault("markets", "filled", "operator", "aiso,A,America/New_York,-5,,2000-01-01,s", "aiso"),
    Fault("markets", "every_row", "timezone", "biso,B,America/Chicago,-5,s,2000-01-01,s", "biso"),
    Fault("market_info", "is_keyed_by", "iso", "pjm,Again,r,USD,PA,s,,,http:a,http:b", "pjm"),
    Fault("market_info", "filled", "full_name", "ciso,C,r,,PA,s,,,http:a,http:b", "ciso"),
    Fault("market_info", "every_row", "(terms", "diso,D,r,USD,PA,s,t,,http:a,http:b", "diso"),
    Fault("market_info", "every_row", "regexp", "eiso,E,r,USD,Pa,s,,,http:a,http:b", "eiso"),
    Fault("market_info", "relationships", "iso", "fiso,F,r,USD,PA,s,,,http:a,http:b", "fiso"),
    Fault("location_files", "is_keyed_by", "settlement_location_type", "HUB,zones,s", "HUB"),
    Fault("location_files", "filled", "file", "PNODE,nodes,", "PNODE"),
    Fault("location_files", "in_domain", "settlement_location_type", "HUBB,hubs,s", "HUBB"),
    Fault("location_files", "accepted_values", "file", "NODE,hub,s", "hub"),
    Fault("reports", "is_keyed_by", "iso, report", "pjm,pnode,2,true,", "pnode"),
    Fault("reports", "filled", "rank, seen", "pjm,unranked,,true,", "unranked"),
    Fault("reports", "accepted_values", "rank", "pjm,fourth,4,true,", "4"),
    Fault("reports", "relationships", "iso", "qiso,lmp,2,true,", "qiso"),
    Fault("location_types", "is_keyed_by", "iso, priority", "pjm,6,BUS,%,NODE", "6"),
    Fault("location_types", "is_keyed_by", "iso, published_type", "pjm,7,HUB,%,ZONE", "HUB"),
    Fault("location_types", "every_row", "iso not in", "nyiso,8,NAMED,N%,NODE", "NAMED"),
    Fault("location_types", "in_domain", "settlement_location_type", "pjm,9,X,%,PNDOE", "PNDOE"),
    Fault("location_types", "relationships", "iso", "qiso,1,*,%,NODE", "qiso"),
    Fault("locations", "is_keyed_by", "iso, settlement_location_id", "nyiso,61752,A,ZONE", "61752"),
    Fault("locations", "is_keyed_by", "iso, settlement_location", "nyiso,1,GENESE,ZONE", "GENESE"),
    Fault("locations", "filled", "published_type", "nyiso,2,UNTYPED,", "UNTYPED"),
    Fault("locations", "relationships", "iso", "qiso,3,B,ZONE", "qiso"),
    Fault("locations", "relationships", "published_type", "nyiso,4,C,ZOEN", "ZOEN"),
    Fault("interval_stamps", "is_keyed_by", "iso, report", "miso,5min_lmp,start,a,b,s", "5min_lmp"),
    Fault("interval_stamps", "filled", "stamp", "miso,unsaid,,a,b,s", "unsaid"),
    Fault("interval_stamps", "every_row", "stamp", "miso,between,middle,a,b,s", "between"),
    Fault("smd_sheets", "is_keyed_by", "sheet", "ME,61752", "ME"),
    Fault(
        "price_bounds",
        "is_keyed_by",
        "family, iso, market_type",
        "energy_prices,spp,DA,2000-01-01,-1,1,s",
        "spp",
    ),
    Fault(
        "price_bounds", "filled", "low, high", "energy_prices,pjm,RT,2020-01-01,-1,1,", "2020-01-01"
    ),
    Fault(
        "price_bounds",
        "every_row",
        "-50000",
        "energy_prices,pjm,RT,2021-01-01,1,-1,s",
        "2021-01-01",
    ),
    Fault(
        "price_bounds", "in_domain", "market_type", "energy_prices,pjm,AD,2022-01-01,-1,1,s", "AD"
    ),
    Fault(
        "price_bounds", "relationships", "iso", "energy_prices,qiso,DA,2000-01-01,-1,1,s", "qiso"
    ),
    Fault("component_tolerances", "is_keyed_by", "iso, market_type", "spp,DA,0.01,0,s,", "spp"),
    Fault("component_tolerances", "filled", "tolerance", "nyiso,RT,,0,s,", "nyiso"),
    Fault("component_tolerances", "every_row", "tolerance", "isone,RT,5,0,s,", "isone"),
    Fault("component_tolerances", "in_domain", "market_type", "isone,AD,0,0,s,", "AD"),
    Fault("component_tolerances", "relationships", "iso", "qiso,DA,0,0,s,", "qiso"),
    Fault(
        "gridstatus_markets",
        "is_keyed_by",
        "market",
        "REAL_TIME_5_MIN,RT,5,1,,s",
        "REAL_TIME_5_MIN",
    ),
    Fault("gridstatus_markets", "filled", "version", "UNSEEN,DA,60,1,,", "UNSEEN"),
    Fault("gridstatus_markets", "in_domain", "market_type", "AHEAD,AD,60,1,,s", "AD"),
    Fault("gridstatus_markets", "accepted_values", "version", "THIRD,DA,60,3,,s", "3"),
    Fault("domains", "is_keyed_by", "column_name, value", "dst_flag,Y,again", "Y"),
    Fault("domains", "filled", "meaning", "dst_flag,U,", "U"),
    Fault("domains", "accepted_values", "column_name", "colour,RED,red", "colour"),
    Fault(
        "as_products",
        "is_keyed_by",
        "iso, as_product",
        "spp,Spin,SPIN,reserve,up,,$/MW,,,d,s",
        "Spin",
    ),
    Fault("as_products", "filled", "type", "spp,Idle,SPIN,,up,,$/MW,,,d,s", "Idle"),
    Fault("as_products", "relationships", "iso", "riso,Spin,SPIN,reserve,up,,$/MW,,,d,s", "riso"),
    Fault(
        "as_products",
        "in_domain",
        "as_product_standard",
        "spp,Odd,SPUN,reserve,up,,$/MW,,,d,s",
        "SPUN",
    ),
    Fault("as_products", "in_domain", "unit", "spp,Each,SPIN,reserve,up,,$/lot,,,d,s", "$/lot"),
    Fault("as_products", "accepted_values", "type", "spp,Kind,SPIN,kind,up,,$/MW,,,d,s", "kind"),
    Fault(
        "as_products",
        "accepted_values",
        "direction",
        "spp,Side,SPIN,reserve,aside,,$/MW,,,d,s",
        "aside",
    ),
    Fault("as_product_names", "is_keyed_by", "iso, published_product", "spp,Spin,Spin,,s", "Spin"),
    Fault("as_product_names", "filled", "as_product", "spp,Unsaid,,,s", "Unsaid"),
    Fault("as_product_names", "relationships", "iso", "siso,Spin,Spin,,s", "siso"),
    Fault("as_product_names", "relationships", "as_product", "spp,Lost,Gone,,s", "Gone"),
    Fault("as_region_names", "is_keyed_by", "iso, published_region", "pjm,MAD,MAD,s", "MAD"),
    Fault("as_region_names", "filled", "as_region", "pjm,Nowhere,,s", "Nowhere"),
    Fault("as_region_names", "relationships", "iso", "tiso,MAD,MAD,s", "tiso"),
    Fault(
        "as_region_parts",
        "is_keyed_by",
        "iso, resource_region, as_region",
        "caiso,AS_CAISO_EXP,AS_CAISO_EXP,s",
        "AS_CAISO_EXP",
    ),
    Fault("as_region_parts", "filled", "resource_region", "caiso,,AS_ELSE,s", "AS_ELSE"),
    Fault("as_region_parts", "relationships", "iso", "uiso,AS_X,AS_Y,s", "uiso"),
]


def name_of(fault: Fault) -> str:
    return f"{fault.seed} {fault.test} {fault.of}"


@dataclass(frozen=True)
class Outcome:
    """A test of a seed: its status, and all values in the rows that it found."""

    seed: str
    test: str
    of: str
    status: str
    values: frozenset[str]


def copied_project(folder: Path) -> Path:
    for name in PROJECT:
        source, target = REPOSITORY / name, folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(source, target) if source.is_dir() else shutil.copy(source, target)
    return folder


def add_line(project: Path, seed: str, line: str) -> None:
    with (project / "seeds" / f"{seed}.csv").open("a") as stream:
        stream.write(line + "\n")


def run_dbt_in(project: Path, raw: Path, out: Path, *arguments: str) -> None:
    command = [sys.executable, "-c", "from dbt.cli.main import cli; cli()", *arguments]
    run_command([*command, *folders_of_dbt(project, out)], variables(project, raw, out), None)


def folders_of_dbt(project: Path, out: Path) -> list[str]:
    return [
        *("--project-dir", str(project), "--profiles-dir", str(project)),
        *("--target-path", str(out / "target"), "--log-path", str(out / "dbt-logs")),
    ]


def variables(project: Path, raw: Path, out: Path) -> dict[str, str]:
    return environment(project) | {"UNIFIED_ISO_RAW": str(raw), "UNIFIED_ISO_OUT": str(out)}


@pytest.fixture(scope="module")
def tested(tmp_path_factory: pytest.TempPathFactory) -> list[Outcome]:
    """Every test of a seed, after one run on seeds that have all faults."""
    folder = tmp_path_factory.mktemp("seeds")
    project = copied_project(folder / "project")
    for fault in FAULTS:
        add_line(project, fault.seed, fault.line)
    (folder / "raw" / "nyiso").mkdir(parents=True)
    kinds = ("--resource-type", "seed", "--resource-type", "test")
    run_dbt_in(project, folder / "raw", folder, "build", "--select", "path:seeds", *kinds)
    statuses = {
        result["unique_id"]: result["status"]
        for result in json.loads((folder / "target" / "run_results.json").read_text())["results"]
    }
    with work_database(folder) as database:
        return [
            Outcome(
                seed=node["attached_node"].rpartition(".")[2],
                test=node["test_metadata"]["name"],
                of=subject_of(node["test_metadata"]["kwargs"]),
                status=statuses[node["unique_id"]],
                values=frozenset(
                    str(value)
                    for row in database.execute(f"from {node['relation_name']}").fetchall()
                    for value in row
                ),
            )
            for node in seed_tests(folder)
        ]


def seed_tests(folder: Path) -> Iterator[dict[str, Any]]:
    manifest = json.loads((folder / "target" / "manifest.json").read_text())
    for node in manifest["nodes"].values():
        if node["resource_type"] == "test" and (node["attached_node"] or "").startswith("seed."):
            yield node


def subject_of(arguments: dict[str, Any]) -> str:
    """Return the columns that a test is about, or its condition."""
    if "columns" in arguments:
        return ", ".join(arguments["columns"])
    return str(arguments.get("condition") or arguments["column_name"])


def finds(test: Outcome, fault: Fault) -> bool:
    return (test.seed, test.test) == (fault.seed, fault.test) and test.of.startswith(fault.of)


@pytest.mark.builds
@pytest.mark.parametrize("fault", FAULTS, ids=name_of)
def test_a_fault_in_a_seed_is_found(fault: Fault, tested: list[Outcome]) -> None:
    found = {test.of: test for test in tested if finds(test, fault)}
    # Of two tests that begin alike, the shorter is meant.
    test = found[min(found, key=len)]
    assert test.status == "fail"
    assert fault.found in test.values


@pytest.mark.builds
def test_every_test_of_a_seed_has_a_fault(tested: list[Outcome]) -> None:
    assert len(tested) == len(FAULTS)
    assert {test.status for test in tested} == {"fail"}


@pytest.mark.builds
def test_every_seed_has_a_key(tested: list[Outcome]) -> None:
    seeds = {path.stem for path in (REPOSITORY / "seeds").glob("*.csv")}
    assert {test.seed for test in tested if test.test == "is_keyed_by"} == seeds


def test_sheets_are_of_locations_that_there_are() -> None:
    """It is no test of dbt, because a run of other operators loads only one of the two seeds."""
    seeds = REPOSITORY / "seeds"
    known = {
        row["settlement_location_id"]
        for row in read_rows(seeds / "locations.csv")
        if row["iso"] == "isone"
    }
    sheets = {row["settlement_location_id"] for row in read_rows(seeds / "smd_sheets.csv")}
    assert sheets and sheets - known == set()


# --- What a fault stops ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def published_day(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """A published day, and raw files of the next one."""
    folder = tmp_path_factory.mktemp("new_day")
    built = Built(folder / "raw", folder / "out")
    sample_day(built.raw, date(2024, 3, 1))
    build(built.raw, built.out, "nyiso")
    sample_day(built.raw, date(2024, 3, 2))
    return built


@pytest.fixture
def new_day(published_day: Built, tmp_path: Path) -> Built:
    """The same, with an output folder to change."""
    shutil.copytree(published_day.out, tmp_path / "out", symlinks=True)
    return Built(published_day.raw, tmp_path / "out")


@pytest.fixture(scope="module")
def spoiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with a tolerance so wide that no price of NYISO could fail its own tests."""
    project = copied_project(tmp_path_factory.mktemp("spoiled") / "project")
    path = project / "seeds" / "component_tolerances.csv"
    path.write_text(path.read_text().replace("nyiso,DA,0.02,", "nyiso,DA,500,"))
    return project


@pytest.mark.builds
def test_a_fault_in_a_seed_stops_what_is_built_on_it(new_day: Built, spoiled: Path) -> None:
    before = published(new_day.out)
    assert before
    ran = build(new_day.raw, new_day.out, "nyiso", check=1, project=spoiled)
    assert "failed component_tolerances: Tolerances are negative, or so wide" in ran.stderr
    assert published(new_day.out) == before


@pytest.mark.builds
def test_seeds_that_have_passed_are_not_tested_again_for_another_output(
    published_day: Built, tmp_path: Path
) -> None:
    """Whether they are sound depends on the project, and not on what is read or written."""
    build(published_day.raw, tmp_path)
    log = (tmp_path / "logs" / "dbt.log").read_text()
    assert "is_keyed_by_markets" not in log and "physically_sorted_nyiso" in log
    with work_database(tmp_path) as database:
        seeds = "select seed from inventory.sound_seeds"
        assert ("markets",) in database.execute(seeds).fetchall()


@pytest.mark.builds
def test_a_seed_that_was_loaded_and_not_tested_stops_what_is_built_on_it(
    new_day: Built, spoiled: Path
) -> None:
    before = published(new_day.out)
    commands = [
        (["seed", "--select", "component_tolerances"], True),
        (["build", "--select", DATASET], False),
    ]
    run_command(
        [
            *(sys.executable, "-c", RUN_PARSED, json.dumps(commands)),
            *folders_of_dbt(spoiled, new_day.out),
        ],
        variables(spoiled, new_day.raw, new_day.out)
        | {"PYTHONPATH": f"{REPOSITORY / 'python'}:{Path(__file__).parent}"},
        check=0,
    )
    assert published(new_day.out) == before


# --- Domains --------------------------------------------------------------------------------------


def domain_of(column: str) -> set[str]:
    if column == "iso":
        return {row["iso"].upper() for row in read_rows(REPOSITORY / "seeds" / "markets.csv")}
    rows = read_rows(REPOSITORY / "seeds" / "domains.csv")
    return {row["value"] for row in rows if row["column_name"] == column}


@pytest.mark.parametrize("column", ["iso", "market_type", "settlement_location_type", "dst_flag"])
def test_the_documentation_of_a_column_names_its_domain(column: str) -> None:
    docs = (REPOSITORY / "models" / "unified" / "_unified__docs.md").read_text()
    text = docs.split(f"{{% docs {column} %}}")[1].split("{% enddocs %}")[0]
    named = set(re.findall(r"\b[A-Z_]+\b", text))
    assert domain_of(column)
    assert named == domain_of(column)
