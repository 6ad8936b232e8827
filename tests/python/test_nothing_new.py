"""A build runs only what has news; where nothing has, it runs no dbt and says the same."""

from __future__ import annotations

import json
import re
import shutil
from datetime import date
from pathlib import Path

import pytest

from building import (
    Built,
    build,
    edit_rows,
    file_states,
    kept_manifest,
    published,
    sample_day,
    status,
    write_rows,
)
from test_seeds import copied_project
from unified_iso import project
from unified_iso.build.spec import Project
from unified_iso.project import dataset_models
from unified_iso.sample import SampleOptions, write_sample
from unified_iso.workspace import Workspace

pytestmark = pytest.mark.builds

FAMILY_VIEWS = {
    f"model.unified_iso.{name}"
    for name in (
        *("energy_prices", "price_panel"),
        *("ancillary_services", "caiso_as_resource_prices"),
        *("quality_files", "quality_days", "quality_completeness", "quality_gaps"),
        *("quality_accounts", "quality_prices_by_month", "quality_prices_by_hour"),
        *("quality_tests", "quality_findings", "quality_datasets"),
    )
}
NODAL, HUB = "pjm_da_energy_hourly_nodal", "pjm_da_energy_hourly_hub"


@pytest.fixture
def built(tmp_path: Path) -> Built:
    """One published day of two operators."""
    built = Built(tmp_path / "raw", tmp_path / "out")
    sample_day(built.raw, date(2024, 3, 1))
    build(built.raw, built.out)
    return built


class Log:
    """What dbt has written to its log since this was made."""

    def __init__(self, out: Path) -> None:
        self._path = out / "logs" / "dbt.log"
        self._length = len(self._path.read_bytes())

    @property
    def text(self) -> str:
        return self._path.read_bytes()[self._length :].decode()

    @property
    def nodes(self) -> set[str]:
        """Unique ids of the nodes that dbt has run."""
        return set(re.findall(r"Began running node (\S+)", self.text))


def of_kind(nodes: set[str], kind: str) -> set[str]:
    return {node for node in nodes if node.startswith(f"{kind}.")}


def days_of(built: Built, dataset: str) -> str:
    [row] = [row for row in status(built.out)["datasets"] if row["dataset"] == dataset]
    return str(row["last_interval"])


def test_a_build_without_news_runs_no_dbt_and_says_the_same(built: Built) -> None:
    before, files, log = status(built.out), file_states(built.out), Log(built.out)
    first = build(built.raw, built.out)
    assert log.text == ""
    after = status(built.out)
    # The build is told of, though it has changed nothing.
    assert after.pop("last_run")["at"] > before.pop("last_run")["at"]
    assert after == before
    assert file_states(built.out) == files
    assert "nyiso da_energy_hourly " in first.stdout
    build(built.raw, built.out, "pjm", "--year", "2024")
    assert log.text == ""


def test_a_file_that_is_refused_is_told_each_time_without_dbt(built: Built) -> None:
    log = Log(built.out)
    odd = built.raw / "pjm" / "da_hrl_lmps" / "odd.csv"
    write_rows(odd, [{"colour": "red"}])
    for _ in range(2):
        ran = build(built.raw, built.out, check=3)
        assert "refused pjm/da_hrl_lmps/odd.csv: line 1 is no header" in ran.stderr
    assert [entry["file"] for entry in status(built.out)["refused"]] == ["pjm/da_hrl_lmps/odd.csv"]
    build(built.raw, built.out, "nyiso")
    odd.unlink()
    build(built.raw, built.out)
    assert log.text == ""


def test_one_new_file_selects_its_datasets_and_no_seed(built: Built) -> None:
    log = Log(built.out)
    sample_day(built.raw, date(2024, 3, 2))
    build(built.raw, built.out, "pjm")
    datasets = {f"model.unified_iso.{name}" for name in (NODAL, HUB)}
    staging = {node for node in of_kind(log.nodes, "model") if ".stg_pjm__" in node}
    assert staging
    assert of_kind(log.nodes, "model") == datasets | staging | FAMILY_VIEWS
    assert of_kind(log.nodes, "seed") == set()
    tests = of_kind(log.nodes, "test")
    assert {test for test in tests if NODAL in test} and {test for test in tests if HUB in test}
    assert {test for test in tests if "pjm_da_energy" not in test} == set()
    assert days_of(built, "da_energy_hourly_nodal") == "2024-03-03T04:00:00Z"
    assert days_of(built, "da_energy_hourly") == "2024-03-02T04:00:00Z"
    log = Log(built.out)
    build(built.raw, built.out)
    assert of_kind(log.nodes, "model") & datasets == set()
    assert days_of(built, "da_energy_hourly") == "2024-03-03T04:00:00Z"


def test_a_subset_that_is_asked_for_alone_has_the_news_of_its_dataset(built: Built) -> None:
    sample_day(built.raw, date(2024, 3, 2))
    build(built.raw, built.out, "--dataset", HUB)
    assert days_of(built, "da_energy_hourly_hub") == "2024-03-03T04:00:00Z"


def test_a_year_that_another_build_left_out_is_told_only_where_it_is_asked_for(
    built: Built,
) -> None:
    def spoil(rows: list[dict[str, str]]) -> None:
        rows[0]["total_lmp_da"] = "much"

    [path] = [p for p in sample_day(built.raw, date(2023, 3, 1)) if "da_hrl_lmps" in str(p)]
    edit_rows(path, spoil)
    assert "2023" in build(built.raw, built.out, "pjm", check=1).stderr
    log = Log(built.out)
    ran = build(built.raw, built.out, "pjm", "--year", "2024", check=None)
    assert log.text == ""
    assert "not published" not in ran.stderr
    # The line of the other year stays rejected and told, but nobody has asked for that year.
    assert "1 line rejected" in ran.stderr
    assert ran.exit_code == 0
    build(built.raw, built.out, "pjm", check=1)


def test_a_changed_seed_or_macro_selects_everything(tmp_path: Path) -> None:
    project = copied_project(tmp_path / "project")
    built = Built(tmp_path / "raw", tmp_path / "out")
    sample_day(built.raw, date(2024, 3, 1))
    build(built.raw, built.out, "nyiso", project=project)
    for changed in ("seeds/domains.csv", "macros/unified/energy_prices.sql"):
        log = Log(built.out)
        build(built.raw, built.out, "nyiso", project=project)
        assert log.text == ""
        path = project / changed
        new = "dst_flag,X,none\n" if path.suffix == ".csv" else "\n"
        path.write_text(path.read_text() + new)
        build(built.raw, built.out, "nyiso", project=project)
        assert "model.unified_iso.nyiso_da_energy_hourly" in log.nodes
        assert "seed.unified_iso.domains" in log.nodes
        assert {node for node in of_kind(log.nodes, "test") if "is_keyed_by_domains" in node}
    log = Log(built.out)
    build(built.raw, built.out, "nyiso", project=project)
    assert log.text == ""


def built_operators(out: Path) -> set[str]:
    """Return the operators of which dbt has run a dataset in the last run."""
    models = dataset_models()
    return {models[name][0] for name in built_datasets(out)}


def built_datasets(out: Path) -> set[str]:
    """Return the datasets that dbt has run in the last run."""
    told = json.loads((out / ".unified-iso" / "target" / "run_results.json").read_text())
    return {result["unique_id"].split(".")[-1] for result in told["results"]} & {*dataset_models()}


def datasets_under_test(out: Path) -> set[str]:
    """Return the datasets of which dbt has run a test in the last run."""
    target = out / ".unified-iso" / "target"
    nodes = json.loads((target / "manifest.json").read_text())["nodes"]
    told = json.loads((target / "run_results.json").read_text())["results"]
    attached = {nodes.get(r["unique_id"], {}).get("attached_node") or "" for r in told}
    return {name.rpartition(".")[2] for name in attached} & {*dataset_models()}


def test_a_dataset_without_a_folder_of_its_reports_costs_nothing_until_it_has_one(
    tmp_path: Path,
) -> None:
    """One whose folder is empty, or was there before, is not passed over."""
    raw, out = tmp_path / "raw", tmp_path / "out"
    sample_day(raw, date(2024, 6, 1))
    (raw / "nyiso" / "realtime_zone").mkdir()
    first = {
        *("pjm_da_energy_hourly_nodal", "pjm_da_energy_hourly_hub"),
        *("nyiso_da_energy_hourly", "nyiso_rt_energy_5min"),
    }
    build(raw, out)
    assert built_datasets(out) == first
    assert datasets_under_test(out) == first
    options = SampleOptions(truth=False, reports=("rt_hrl_lmps",))
    write_sample(raw, isos=["pjm"], start=date(2024, 6, 1), days=1, nodes=2, options=options)
    build(raw, out)
    later = {"pjm_rt_energy_hourly_nodal", "pjm_rt_energy_hourly_hub"}
    assert built_datasets(out) - {"nyiso_rt_energy_5min"} == later
    before = {path.split("/")[2] for path in published(out) if path.split("/")[1] == "pjm"}
    assert before == {model.removeprefix("pjm_") for model in first | later if "pjm" in model}
    shutil.rmtree(raw / "pjm" / "rt_hrl_lmps")
    build(raw, out, "--prune", check=None)
    left = {path.split("/")[2] for path in published(out) if path.split("/")[1] == "pjm"}
    assert left == {"da_energy_hourly_nodal", "da_energy_hourly_hub"}


def not_passed_over(raw: Path, *published: str, choice: project.Choice | None = None) -> set[str]:
    """Return the datasets that the first build of a raw folder runs, if these are published."""
    kept_manifest()
    workspace = Workspace(raw=raw, out=raw.with_name("out"))
    for folder in published:
        (workspace.parquet / folder).mkdir(parents=True)
    choice = choice or project.choose([])
    return {*choice.models} - project._never_seen(workspace, choice)


def models_of(iso: str) -> set[str]:
    return {model for model, (of, _) in dataset_models().items() if of == iso}


@pytest.mark.parametrize(
    ("folders", "published", "expected"),
    [
        (["spp/rtbm-lmp-sl"], [], ["spp_rt_energy_5min", "spp_rt_energy_hourly"]),
        (
            ["nyiso/gridstatus_lmp"],
            [],
            ["nyiso_da_energy_hourly", "nyiso_rt_energy_5min", "nyiso_rt_energy_hourly"],
        ),
        (
            ["pjm/da_hrl_lmps", "pjm/pnode"],
            [],
            ["pjm_da_energy_hourly_nodal", "pjm_da_energy_hourly_hub"],
        ),
        # Real-time prices take names from the report of day-ahead ones, but no rows.
        (["isone/ww_dalmp_iso"], [], ["isone_da_energy_hourly"]),
        (
            ["isone/ww_dalmp_iso"],
            ["isone/rt_energy_5min"],
            ["isone_da_energy_hourly", "isone_rt_energy_5min"],
        ),
        (
            ["spp/da-lmp-sl"],
            ["spp/rt_energy_5min"],
            ["spp_da_energy_hourly", "spp_rt_energy_5min", "spp_rt_energy_hourly"],
        ),
    ],
)
def test_a_dataset_is_not_passed_over_that_has_a_folder_or_is_published(
    tmp_path: Path, folders: list[str], published: list[str], expected: list[str]
) -> None:
    for folder in folders:
        (tmp_path / "raw" / folder).mkdir(parents=True)
    assert not_passed_over(tmp_path / "raw", *published) == {*expected}


def test_an_operator_with_none_but_unknown_folders_is_not_passed_over(tmp_path: Path) -> None:
    """A build has to tell that no dataset reads them."""
    raw = tmp_path / "raw"
    (raw / "pjm" / "da_hrl_lmps").mkdir(parents=True)
    (raw / "nyiso" / "odd").mkdir(parents=True)
    expected = {"pjm_da_energy_hourly_nodal", "pjm_da_energy_hourly_hub"}
    assert not_passed_over(raw) == expected | models_of("nyiso")


def test_an_unknown_folder_beside_a_report_is_told(tmp_path: Path) -> None:
    raw, out = tmp_path / "raw", tmp_path / "out"
    [path, *_] = sample_day(raw, date(2024, 6, 1))
    shutil.rmtree(raw / "nyiso")
    odd = raw / "pjm" / "odd" / "odd.csv"
    odd.parent.mkdir()
    shutil.copy(path, odd)
    ran = build(raw, out, check=3)
    assert built_datasets(out) == {"pjm_da_energy_hourly_nodal", "pjm_da_energy_hourly_hub"}
    assert "refused pjm/odd/odd.csv: " in ran.stderr


def test_a_folder_that_can_not_be_listed_is_not_taken_for_one_without_reports(
    tmp_path: Path,
) -> None:
    raw = tmp_path / "raw"
    (raw / "pjm" / "da_hrl_lmps").mkdir(parents=True)
    (raw / "nyiso").symlink_to(raw / "nyiso")
    expected = {"pjm_da_energy_hourly_nodal", "pjm_da_energy_hourly_hub"}
    assert not_passed_over(raw, "nyiso/da_energy_hourly") == expected | models_of("nyiso")


def test_a_dataset_of_which_a_file_was_seen_is_not_passed_over(tmp_path: Path) -> None:
    """Its folder may be gone by now."""
    workspace = Workspace(raw=tmp_path / "raw", out=tmp_path / "out")
    (workspace.raw / "pjm" / "da_hrl_lmps").mkdir(parents=True)
    kept_manifest()
    nodes = project.kept_project(workspace)
    assert nodes is not None
    known = Project.of_graph(nodes)
    of_pjm = [dataset for dataset in known.datasets() if dataset.iso == "pjm"]
    choice, seen = project.choose([]), {("pjm", "rt_hrl_lmps")}
    idle = project._without_folder(workspace, choice, known, of_pjm, seen)
    assert models_of("pjm") - {dataset.model for dataset in idle} == {
        *("pjm_da_energy_hourly_nodal", "pjm_da_energy_hourly_hub"),
        *("pjm_rt_energy_hourly_nodal", "pjm_rt_energy_hourly_hub"),
    }


def test_a_dataset_that_is_asked_for_by_name_is_not_passed_over(tmp_path: Path) -> None:
    raw = tmp_path / "raw"
    (raw / "pjm" / "da_hrl_lmps").mkdir(parents=True)
    asked = project.choose(["pjm"], ["da_energy_hourly_nodal", "rt_energy_5min_nodal"])
    assert not_passed_over(raw, choice=asked) == {*asked.models}
    of_operator = {"pjm_da_energy_hourly_nodal", "pjm_da_energy_hourly_hub"}
    assert not_passed_over(raw, choice=project.choose(["pjm"])) == of_operator


def test_operators_without_files_cost_nothing_until_they_have_some(tmp_path: Path) -> None:
    """One that had files is not forgotten when its folder is gone."""
    raw, out = tmp_path / "raw", tmp_path / "out"
    sample_day(raw, date(2024, 6, 1))
    shutil.move(raw / "nyiso", tmp_path / "nyiso")
    build(raw, out)
    assert built_operators(out) == {"pjm"}
    shutil.move(tmp_path / "nyiso", raw / "nyiso")
    build(raw, out)
    assert built_operators(out) == {"nyiso"}
    before = published(out)
    assert {path.split("/")[1] for path in before} == {"pjm", "nyiso"}
    shutil.rmtree(raw / "nyiso")
    pruned = build(raw, out, "--prune", check=None)
    assert {path.split("/")[1] for path in published(out)} == {"pjm"}, pruned.output
