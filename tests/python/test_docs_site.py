"""The documentation site: one page in which everything has a text and a lineage can be read."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from building import LONGEST_RUN_SECONDS, REPOSITORY, environment, read_rows
from small_project import Small
from unified_iso.docs_site import DocsError, inlined, layer_of, make_readable, operator_of

OVERVIEW = REPOSITORY / "models" / "unified" / "_unified__docs.md"
RAW_DOCS = REPOSITORY / "models" / "staging" / "_raw__docs.md"
PLACES = '<script>var n={manifest:"MANIFEST.JSON INLINE DATA",catalog:"CATALOG.JSON INLINE DATA"}'


def node(unique_id: str, **rest: Any) -> dict[str, Any]:
    kind, package, *path = unique_id.split(".")
    return {
        "unique_id": unique_id,
        "resource_type": kind,
        "package_name": package,
        "fqn": [package, *path],
        "tags": [],
        "columns": {},
        "config": {"materialized": "view"},
        **rest,
    }


def described() -> tuple[dict[str, Any], dict[str, Any]]:
    """Return a project of a few nodes as dbt describes it."""
    dataset = {"materialized": "year_files", "iso": "xiso", "family": "tiny_prices"}
    nodes = [
        node("model.small.staging.xiso.stg_xiso__prices"),
        node("model.small.unified.xiso_prices", config=dataset),
        node("seed.small.markets"),
        node("test.small.sorted"),
        node("operation.small.on-run-start-0"),
    ]
    source = node("source.small.xiso.prices", source_name="xiso", columns={"price": {}})
    edges = {"model.small.unified.xiso_prices": ["test.small.sorted", "unit_test.small.story"]}
    manifest = {
        "nodes": {n["unique_id"]: n for n in nodes},
        "sources": {source["unique_id"]: source},
        "exposures": {"exposure.small.files": node("exposure.small.files")},
        "unit_tests": {"unit_test.small.story": {}},
        "child_map": edges | {"unit_test.small.story": []},
        "parent_map": {"unit_test.small.story": ["model.small.unified.xiso_prices"]},
        "docs": {"doc.small.raw_file": {"name": "raw_file", "block_contents": "Its number."}},
    }
    catalog: dict[str, Any] = {
        "nodes": {"test.small.sorted": {}, "seed.small.markets": {}},
        "sources": {},
    }
    return manifest, catalog


def test_unit_tests_and_hooks_are_no_nodes() -> None:
    manifest, catalog = described()
    make_readable(manifest, catalog)
    assert manifest["unit_tests"] == {}
    assert "operation.small.on-run-start-0" not in manifest["nodes"]
    assert manifest["child_map"] == {"model.small.unified.xiso_prices": ["test.small.sorted"]}
    assert manifest["parent_map"] == {}
    assert list(catalog["nodes"]) == ["seed.small.markets"]


def test_nodes_are_tagged_by_layer_operator_and_family() -> None:
    manifest, catalog = described()
    make_readable(manifest, catalog)
    tags = {i: n["tags"] for i, n in {**manifest["nodes"], **manifest["sources"]}.items()}
    assert tags == {
        "model.small.staging.xiso.stg_xiso__prices": ["staging", "xiso"],
        "model.small.unified.xiso_prices": ["dataset", "xiso", "tiny_prices"],
        "seed.small.markets": ["facts"],
        "test.small.sorted": [],
        "source.small.xiso.prices": ["raw", "xiso"],
    }
    assert manifest["exposures"]["exposure.small.files"]["tags"] == ["exposure"]


def test_columns_of_the_reader_get_their_text() -> None:
    manifest, catalog = described()
    make_readable(manifest, catalog)
    columns = manifest["sources"]["source.small.xiso.prices"]["columns"]
    assert columns == {"price": {}, "raw_file": {"name": "raw_file", "description": "Its number."}}


def test_what_the_program_knows_is_of_no_operator() -> None:
    own = node("source.small.inventory.raw_files", source_name="inventory")
    assert (layer_of(own), operator_of(own)) == ("engine", None)


def test_each_column_of_the_reader_has_a_text(tmp_path: Path) -> None:
    small = Small(tmp_path)
    found = small.rows("select column_name from (describe xiso.prices)")
    added = {name for (name,) in found} - {"starts", "point", "price", "version"}
    assert added == {"raw_fault", "raw_lacks", "raw_instant", "raw_file", "raw_row"}
    assert set(re.findall(r"{% docs (\w+) %}", RAW_DOCS.read_text())) == added


def test_a_text_can_not_end_the_script() -> None:
    html = inlined(PLACES, {"manifest": {"text": "</script>"}, "catalog": {}})
    assert html == '<script>var n={manifest:{"text":"<\\/script>"},catalog:{}}'


def test_a_page_of_another_shape_is_no_site() -> None:
    with pytest.raises(DocsError, match="no single place for its catalog"):
        inlined('"MANIFEST.JSON INLINE DATA"', {"manifest": {}, "catalog": {}})


def test_the_page_of_limits_lists_what_no_real_file_was_checked_for() -> None:
    text = (REPOSITORY / "docs" / "known_limits.md").read_text()
    listed = dict(re.findall(r"^\| (\w+) \| (.+) \|$", text, re.MULTILINE))
    listed.pop("operator")
    sources = (REPOSITORY / "models" / "staging").rglob("*sources.yml")
    read = {
        (source["name"], table.get("identifier") or table["name"])
        for path in sources
        for source in yaml.safe_load(path.read_text())["sources"]
        for table in source["tables"]
    }
    unseen: dict[str, set[str]] = {}
    for row in read_rows(REPOSITORY / "seeds" / "reports.csv"):
        if row["seen"] == "false" and (row["iso"], row["report"]) in read:
            unseen.setdefault(row["iso"], set()).add(row["report"])
    assert {iso: set(reports.split(", ")) for iso, reports in listed.items()} == unseen


def test_the_page_of_limits_has_a_section_for_each_operator() -> None:
    text = (REPOSITORY / "docs" / "known_limits.md").read_text()
    sections = dict(re.findall(r"^## (.+?)\n(.*?)(?=^## )", text, re.MULTILINE | re.DOTALL))
    operators = [row["iso"] for row in read_rows(REPOSITORY / "seeds" / "markets.csv")]
    assert {name.casefold().replace("-", "") for name in sections} == set(operators)
    for name, section in sections.items():
        for topic in ("Retention", "Missing parts"):
            assert f"**{topic}" in section, (name, topic)


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the site of a fresh clone, in which nothing is built, as `make docs` does."""
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "unified_iso.docs_site", str(folder / "docs.html")],
        env=environment()
        | {"UNIFIED_ISO_OUT": str(folder / "out"), "DBT_TARGET_PATH": str(folder / "target")},
        capture_output=True,
        text=True,
        timeout=LONGEST_RUN_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"the documentation is in {folder / 'docs.html'}" in done.stdout
    return folder / "docs.html"


def manifest_in(page: Path) -> dict[str, Any]:
    """Read the project out of the page."""
    text = page.read_text()
    start = text.index("{manifest:{") + len("{manifest:")
    found: dict[str, Any] = json.JSONDecoder().raw_decode(text, start)[0]
    return found


@pytest.mark.builds
def test_everything_that_the_site_shows_has_a_text(page: Path) -> None:
    manifest = manifest_in(page)
    lacking = []
    for section in ("nodes", "sources", "exposures", "macros"):
        for unique_id, shown in manifest[section].items():
            if shown["package_name"] != "unified_iso":
                continue
            parts = [shown, *shown.get("columns", {}).values(), *shown.get("arguments", [])]
            lacking += [(unique_id, p["name"]) for p in parts if not p["description"].strip()]
    assert lacking == []
    exposures = {exposure["name"] for exposure in manifest["exposures"].values()}
    assert exposures >= {"year_files", "metadata"}
    assert ("quality_report" in exposures) == (REPOSITORY / "models" / "quality").exists()


@pytest.mark.builds
def test_the_selections_of_the_overview_name_what_there_is(page: Path) -> None:
    manifest = manifest_in(page)
    nodes = [*manifest["nodes"].values(), *manifest["sources"].values()]
    nodes += manifest["exposures"].values()
    tags = {tag for shown in nodes for tag in shown["tags"]}
    text = OVERVIEW.read_text()
    named = set(re.findall(r"tag:(\w+)", text))
    assert {"facts", "engine", "dataset", "view", "nyiso", "energy_prices"} <= named <= tags
    assert "model.unified_iso.nyiso_da_energy_hourly" in manifest["nodes"]
    assert "source.unified_iso.pjm.da_hrl_lmps" in manifest["sources"]
    assert not [shown for shown in nodes if shown["resource_type"] == "unit_test"]
    macros = {macro["name"] for macro in manifest["macros"].values()}
    tests = {macro.removeprefix("test_") for macro in macros}
    rules = text[text.index("## Where the time rules are") : text.index("## What else")]
    for word in re.findall(r"`(\w+)`", rules):
        assert word in macros | tests | {"markets"}, word
    for path in re.findall(r"`((?:macros|docs|models)/[\w/.]+)`", text):
        assert (REPOSITORY / path).exists(), path


@pytest.mark.builds
def test_a_browser_shows_the_overview_from_disk(page: Path, tmp_path: Path) -> None:
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("no Chromium here")
    done = subprocess.run(
        [
            *(browser, "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom"),
            *("--virtual-time-budget=30000", f"--user-data-dir={tmp_path}"),
            f"{page.as_uri()}#!/overview",
        ],
        capture_output=True,
        text=True,
        timeout=LONGEST_RUN_SECONDS,
        check=False,
    )
    assert "Where the time rules are" in done.stdout
    assert "Lineage of one dataset" in done.stdout
