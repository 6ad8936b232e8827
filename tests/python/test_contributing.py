"""What a contributor meets: the guide's lists of files, `new-report`, and refusals by name."""

from __future__ import annotations

import csv
import re
import shutil
import subprocess
import sys
from collections.abc import Collection
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from dbt_common.exceptions import DbtRuntimeError

from building import LONGEST_RUN_SECONDS, REPOSITORY, build, environment, query, read_rows
from unified_iso.build.complete import GUARANTEES, Incomplete, require_complete
from unified_iso.build.spec import Project
from unified_iso.families import Family
from unified_iso.outcome import Outcome
from unified_iso.project import UnknownName, choose
from unified_iso.skeleton import NoSkeleton, left_to_do, write_report

PROJECT = ("models", "macros", "seeds", "tests/generic", "dbt_project.yml", "profiles.yml")
GUIDE = (REPOSITORY / "CONTRIBUTING.md").read_text()
FAMILY = Family(
    name="tiny_prices",
    key=("interval_start_utc", "point"),
    order=("datetime_utc", "point"),
    compared=("version", "price"),
    price="price",
    parts=("energy", "loss"),
    texts=("point",),
    series=("point",),
)
DATASET = "model.small.xiso_prices"


def listed(title: str) -> list[str]:
    """Return the paths in the first cells of the table of a section of the guide."""
    section = GUIDE[GUIDE.index(f"## {title}\n") :]
    section = section[: section.index("\n## ")]
    cells = re.findall(r"^\| (`.+?) \|", section, re.MULTILINE)
    return [path for cell in cells for path in re.findall(r"`([\w<>*./-]+)`", cell)]


def pattern_of(path: str, iso: str) -> re.Pattern[str]:
    """Return what matches the files that a path of the guide stands for."""
    named = re.escape(path).replace(r"\*", "[^/]*").replace("<iso>", iso)
    return re.compile(re.sub(r"<\w+>", "[^/]+", named) + (".*" if path.endswith("/") else ""))


def files_of(iso: str) -> list[str]:
    """Return the files of the repository that are an operator's by their name."""
    named = re.compile(rf"(^|[/_]){iso}([_./]|$)")
    roots = ("macros", "models", "python/unified_iso", "seeds", "tests")
    paths = (path for root in roots for path in (REPOSITORY / root).rglob("*"))
    names = (p.relative_to(REPOSITORY).as_posix() for p in paths if p.is_file())
    return [n for n in names if named.search(n) and "__pycache__" not in n]


@pytest.mark.parametrize("iso", [row["iso"] for row in read_rows(REPOSITORY / "seeds/markets.csv")])
def test_the_guide_lists_every_file_and_seed_of_an_operator(iso: str) -> None:
    paths = listed("Add an operator")
    patterns = [pattern_of(path, iso) for path in paths]
    files = files_of(iso)
    assert len(files) > 20
    assert [file for file in files if not any(p.fullmatch(file) for p in patterns)] == []
    seeds = [
        path.relative_to(REPOSITORY).as_posix()
        for path in (REPOSITORY / "seeds").glob("*.csv")
        if any(row.get("iso") == iso for row in read_rows(path))
    ]
    assert set(seeds) <= set(paths)


def test_what_the_guide_lists_is_there() -> None:
    for title in ("Add an operator", "Add a report"):
        for path in listed(title):
            if "<" not in path:
                assert (REPOSITORY / path).exists(), path


def test_what_is_left_to_do_is_in_the_guide() -> None:
    paths = [pattern_of(path, "nyiso") for path in listed("Add a report")]
    for line in left_to_do("nyiso", "new-prices"):
        for path in line.partition(": ")[0].split(", "):
            assert any(p.fullmatch(path.replace("<dataset>", "x")) for p in paths), path


def small_project() -> Project:
    """Return a sound dataset with its view, as dbt's nodes have them."""
    column = {"name": "price", "data_type": "double", "config": {"meta": {}}}
    dataset = {
        "resource_type": "model",
        "unique_id": DATASET,
        "name": "xiso_prices",
        "original_file_path": "models/unified/xiso_prices.sql",
        "database": "d",
        "schema": "main",
        "columns": {"price": column},
        "config": {
            "materialized": "year_files",
            "family": "tiny_prices",
            "iso": "xiso",
            "minutes": 60,
            "contract": {"enforced": True},
        },
        "depends_on": {"nodes": ["model.small.stg_xiso__prices"], "macros": []},
    }
    staging = {
        "resource_type": "model",
        "unique_id": "model.small.stg_xiso__prices",
        "name": "stg_xiso__prices",
        "original_file_path": "models/staging/xiso/stg_xiso__prices.sql",
        "database": "d",
        "schema": "staging",
        "columns": {},
        "config": {"materialized": "view"},
        "depends_on": {"nodes": ["source.small.xiso.prices"], "macros": []},
    }
    union = deepcopy(staging) | {
        "unique_id": "model.small.tiny_prices",
        "name": "tiny_prices",
        "config": {"materialized": "view", "meta": {"family_union": True}},
        "depends_on": {"nodes": [DATASET], "macros": []},
    }
    source = deepcopy(staging) | {
        "resource_type": "source",
        "unique_id": "source.small.xiso.prices",
        "source_name": "xiso",
        "name": "prices",
        "identifier": "da-prices",
    }
    tests = [
        {
            "resource_type": "test",
            "unique_id": f"test.small.{name}",
            "name": name,
            "attached_node": DATASET,
            "test_metadata": {"name": name},
        }
        for name in (*GUARANTEES, "components_add_up")
    ]
    nodes = {node["unique_id"]: node for node in (dataset, staging, union, *tests)}
    return Project.of_graph({"nodes": nodes, "sources": {source["unique_id"]: source}})


def faults(project: Project, selected: Collection[str] = (DATASET,)) -> str:
    """Return what is said of the project, empty where it is sound."""
    reports = [("xiso", "da-prices"), ("xiso", "other")]
    try:
        require_complete(project, {"tiny_prices": FAMILY}, ["xiso"], reports, selected)
    except Incomplete as error:
        return str(error)
    return ""


def config(project: Project) -> dict[str, Any]:
    found: dict[str, Any] = project.nodes[DATASET]["config"]
    return found


def test_a_sound_dataset_is_not_refused() -> None:
    assert faults(small_project()) == ""


def test_a_model_with_a_family_that_is_no_dataset_is_refused() -> None:
    project = small_project()
    config(project)["materialized"] = "view"
    assert faults(project) == (
        "models/unified/xiso_prices.sql: is no dataset, because its config lacks "
        "materialized='year_files': add it"
    )


def test_a_model_without_any_config_is_told_by_its_macro() -> None:
    project = small_project()
    project.nodes[DATASET]["config"].clear()
    config(project)["materialized"] = "view"
    assert faults(project) == ""
    project.nodes[DATASET]["depends_on"]["macros"] = ["macro.small.tiny_prices_from"]
    assert "lacks materialized='year_files'" in faults(project)


def test_a_dataset_without_its_contract_is_refused() -> None:
    project = small_project()
    config(project)["contract"] = {"enforced": False}
    assert faults(project) == (
        "models/unified/xiso_prices.sql: nothing holds its columns to their types: add "
        "`config: {contract: {enforced: true}}` to its entry in the yml of tiny_prices, beside "
        "those of other datasets"
    )


def test_a_dataset_without_an_entry_is_refused() -> None:
    project = small_project()
    project.nodes[DATASET]["columns"].clear()
    assert "models/unified/xiso_prices.sql: has no columns: add them and `config" in faults(project)


@pytest.mark.parametrize("lost", [*GUARANTEES, "components_add_up"])
def test_a_dataset_without_a_test_is_refused(lost: str) -> None:
    project = small_project()
    dict.pop(project.nodes, f"test.small.{lost}")  # type: ignore[call-overload]
    assert f"lacks the tests {lost}: add the data_tests of its family" in faults(project)
    assert faults(project, selected=[]) == "", "a build leaves datasets out with their tests"


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("minutes", None, "its config lacks minutes: add it"),
        ("family", "no_prices", "there is no family no_prices: name one of tiny_prices"),
        ("iso", "yiso", "there is no operator yiso: add its row to seeds/markets.csv"),
    ],
)
def test_a_dataset_that_lacks_something_in_its_config_is_refused(
    key: str, value: object, said: str
) -> None:
    project = small_project()
    config(project)[key] = value
    assert said in faults(project)


def test_a_dataset_that_the_view_of_its_family_leaves_out_is_refused() -> None:
    project = small_project()
    project.nodes["model.small.tiny_prices"]["depends_on"]["nodes"].clear()
    assert "the view tiny_prices lacks xiso_prices: add" in faults(project)


def test_a_report_without_its_row_in_the_seed_is_refused() -> None:
    project = small_project()
    source = project.source_nodes["source.small.xiso.prices"]
    assert isinstance(source, dict)
    source["identifier"] = "new-prices"
    assert "seeds/reports.csv has no row for xiso,new-prices: add" in faults(project)


def test_words_of_the_parser_are_followed_by_what_to_do(tmp_path: Path) -> None:
    said = "Contract enforcement failed for: (models/unified/xiso_prices.sql) Constraints must be"
    outcome = Outcome(tmp_path)
    outcome.note(DbtRuntimeError(said))
    [finding] = outcome.findings
    assert "models/unified/xiso_prices.sql" in finding.text
    assert finding.text.endswith(
        " Add the model with its columns and data_tests to the yml of its family."
    )


def test_a_dataset_by_name_that_is_none_yet_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for part in ("models/unified", "seeds"):
        shutil.copytree(REPOSITORY / part, tmp_path / part)
    shutil.copy(REPOSITORY / "dbt_project.yml", tmp_path)
    model = tmp_path / "models" / "unified" / "nyiso_da_energy_new.sql"
    model.write_text("{{ energy_prices_from(iso='nyiso', market='DA', minutes=60) }}")
    monkeypatch.setattr("unified_iso.root.ROOT", tmp_path)
    monkeypatch.setattr("unified_iso.project.ROOT", tmp_path)
    for asked in ("da_energy_new", "nyiso_da_energy_new"):
        with pytest.raises(UnknownName, match=r"nyiso_da_energy_new\.sql is no dataset, because"):
            choose([], [asked])


@pytest.mark.parametrize(
    ("report", "said"),
    [
        ("damasp", "nyiso has a report damasp already"),
        ("../x", "'../x' is no folder name"),
        ("New Prices", "'New Prices' is no folder name"),
    ],
)
def test_no_report_is_written_over_another_or_elsewhere(
    tmp_path: Path, report: str, said: str
) -> None:
    with pytest.raises(NoSkeleton, match=re.escape(said)):
        write_report(tmp_path, "nyiso", report, ["damasp"])
    assert list(tmp_path.rglob("*")) == []


def test_a_report_is_not_written_twice(tmp_path: Path) -> None:
    [model, _] = write_report(tmp_path, "nyiso", "new-prices", [])
    model.write_text("changed")
    with pytest.raises(NoSkeleton, match="is there already"):
        write_report(tmp_path, "nyiso", "new-prices", [])
    assert model.read_text() == "changed"


def run(project: Path, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "unified_iso", *arguments],
        env=environment(project),
        capture_output=True,
        text=True,
        timeout=LONGEST_RUN_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def add(project: Path, seed: str, *row: object) -> None:
    """Add a row to a seed, as the guide says."""
    with (project / "seeds" / f"{seed}.csv").open("a", newline="") as stream:
        csv.writer(stream, lineterminator="\n").writerow(row)


@pytest.mark.builds
def test_an_operator_made_by_the_guide_is_published(tmp_path: Path) -> None:
    project, raw, out = tmp_path / "project", tmp_path / "raw", tmp_path / "out"
    for name in PROJECT:
        source, target = REPOSITORY / name, project / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(source, target) if source.is_dir() else shutil.copy(source, target)
    folder = raw / "xiso" / "new-prices"
    folder.mkdir(parents=True)
    # The spring day of New York begins at 05:00 UTC and has 23 hours.
    hours = [f"2024-03-10 {hour:02}:00" for hour in range(5, 24)]
    hours += [f"2024-03-11 {hour:02}:00" for hour in range(4)]
    lines = [f"{hour},PLACE,{10 + i}.25" for i, hour in enumerate(hours)]
    (folder / "day.csv").write_text("\n".join(["interval_start,location,price", *lines, ""]))

    add(project, "markets", "xiso", "X", "America/New_York", -5, "typed", "2020-01-01", "typed")
    add(project, "location_types", "xiso", 1, "*", "%", "NODE")
    add(project, "price_bounds", "energy_prices", "xiso", "DA", "2020-01-01", -100, 500, "typed")
    add(project, "component_tolerances", "xiso", "DA", 0, 0, "typed", None)
    said = run(project, "new-report", "xiso", "new-prices")
    assert "models/staging/xiso/stg_xiso__new_prices.sql" in said
    assert "to do: seeds/reports.csv: add the row xiso,new-prices,2,false," in said

    add(project, "reports", "xiso", "new-prices", 2, "false", None)
    models = project / "models" / "unified"
    (models / "xiso_da_energy_new.sql").write_text(
        "{% set dataset = {'iso': 'xiso', 'market': 'DA', 'minutes': 60, 'hourly': true,"
        " 'staging': ['stg_xiso__new_prices']} %}\n"
        "{{ config(materialized='year_files', family='energy_prices', components=false,"
        " **dataset) }}\n"
        "{{ energy_prices_from(**dataset) }}\n"
    )
    half_made = build(raw, out, "xiso", project=project, in_process=False, check=1)
    assert "xiso_da_energy_new.sql: has no columns: add them" in half_made.stderr
    assert "xiso_da_energy_new.sql: lacks the tests required_columns_filled" in half_made.stderr

    entries = models / "_energy__datasets.yml"
    entries.write_text(
        f"{entries.read_text()}\n"
        "  - name: xiso_da_energy_new\n"
        "    description: New prices. One row per location and hour.\n"
        "    config: {contract: {enforced: true}}\n"
        "    columns: *energy_columns\n"
        "    data_tests: *tests_without_components\n"
    )
    union = models / "energy_prices.sql"
    union.write_text(
        f"{union.read_text().rstrip()}\nunion all\nselect * from "
        "{{ ref('xiso_da_energy_new') }}\n"
    )
    build(raw, out, "xiso", project=project, in_process=False)
    published = out / "parquet" / "xiso" / "da_energy_new" / "da_energy_new_2024.parquet"
    assert query(
        "select count(*), min(datetime_utc)::varchar, max(lmp_total), any_value(data_source),"
        f" count(distinct delivery_date) from '{published}'"
    ) == [(23, "2024-03-10 05:00:00+00", 32.25, "xiso/new-prices/day.csv", 1)]
