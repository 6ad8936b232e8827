"""A build runs only what has news; where nothing has, it runs no dbt and says the same."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest

from building import (
    Built,
    Ran,
    build,
    edit_rows,
    file_states,
    kept_manifest,
    kept_nodes,
    published,
    sample_day,
    status,
    write_rows,
)
from test_seeds import copied_project
from unified_iso import dbt_run
from unified_iso.build.spec import Project
from unified_iso.project import Choice, choose, dataset_models
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
NYISO = "nyiso_da_energy_hourly"


class Log:
    """What dbt has written to its log since this was made."""

    def __init__(self, out: Path) -> None:
        self._path = out / "logs" / "dbt.log"
        self._length = self._path.stat().st_size if self._path.exists() else 0

    @property
    def text(self) -> str:
        return self._path.read_bytes()[self._length :].decode()

    @property
    def nodes(self) -> set[str]:
        """Unique ids of the nodes that dbt has run."""
        return set(re.findall(r"Began running node (\S+)", self.text))


def of_kind(nodes: set[str], kind: str) -> set[str]:
    return {node for node in nodes if node.startswith(f"{kind}.")}


def models_named(*names: str) -> set[str]:
    return {f"model.unified_iso.{name}" for name in names}


def built_datasets(nodes: set[str]) -> set[str]:
    """Return the datasets among nodes."""
    return {node.rpartition(".")[2] for node in nodes} & {*dataset_models()}


def datasets_under_test(nodes: set[str]) -> set[str]:
    """Return the datasets of which a test is among nodes."""
    known = kept_nodes()
    return built_datasets({known.get(node, {}).get("attached_node") or "" for node in nodes})


def staging_views(nodes: set[str]) -> set[str]:
    """Return the staging views among nodes."""
    return {node for node in of_kind(nodes, "model") if node.rpartition(".")[2].startswith("stg_")}


def views_above(*models: str) -> set[str]:
    """Return the staging views that datasets read."""
    known = kept_nodes()
    above = {i for name in models_named(*models) for i in known[name]["depends_on"]["nodes"]}
    return staging_views(above)


def published_datasets(out: Path) -> set[str]:
    """Return the models of which files are published."""
    return {"_".join(path.split("/")[1:3]) for path in published(out)}


# --- A raw folder that grows and shrinks, build by build ------------------------------------------

ODD = "pjm/odd/odd.csv"
LATER = {"pjm_rt_energy_hourly_nodal", "pjm_rt_energy_hourly_hub"}


@dataclass(frozen=True)
class Step:
    """What a build said, what dbt did in it, and what was published and told afterwards."""

    built: Built
    ran: Ran
    log: str
    nodes: set[str]
    datasets: set[str]
    under_test: set[str]
    published: set[str]
    last_intervals: dict[str, str]


def step(built: Built, *options: str, check: int | None = 0) -> Step:
    log, out = Log(built.out), built.out
    ran = build(built.raw, out, *options, check=check)
    return Step(
        built=built,
        ran=ran,
        log=log.text,
        nodes=log.nodes,
        datasets=built_datasets(log.nodes),
        under_test=datasets_under_test(log.nodes),
        published=published_datasets(out),
        last_intervals={
            f"{row['iso']}_{row['dataset']}": row["last_interval"]
            for row in status(out)["datasets"]
        },
    )


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Step:
    """A day of one operator, beside a folder that no report is of."""
    folder = tmp_path_factory.mktemp("grows")
    built = Built(folder / "raw", folder / "out")
    [path, *_] = sample_day(built.raw, date(2024, 3, 1))
    shutil.move(built.raw / "nyiso", folder / "nyiso")
    (built.raw / ODD).parent.mkdir()
    shutil.copy(path, built.raw / ODD)
    return step(built, check=3)


@pytest.fixture(scope="module")
def joined(alone: Step) -> Step:
    """Then the other operator, with an empty folder of another report; the odd one is gone."""
    raw = alone.built.raw
    shutil.rmtree((raw / ODD).parent)
    shutil.move(raw.with_name("nyiso"), raw / "nyiso")
    (raw / "nyiso" / "realtime_zone").mkdir()
    after = step(alone.built)
    shutil.copytree(raw, raw.parent / "kept" / "raw")
    shutil.copytree(after.built.out, raw.parent / "kept" / "out")
    return after


@pytest.fixture
def built(joined: Step, tmp_path: Path) -> Built:
    """One published day of two operators, for a test to change."""
    kept = joined.built.raw.with_name("kept")
    built = Built(tmp_path / "raw", tmp_path / "out")
    shutil.copytree(kept / "raw", built.raw)
    shutil.copytree(kept / "out", built.out)
    return built


@pytest.fixture(scope="module")
def left_out(joined: Step) -> tuple[Step, Step, Step]:
    """Then a new day of both, and one of another year that has a bad line, for one operator.

    It is asked for whole, without that year, and whole again.
    """

    def spoil(rows: list[dict[str, str]]) -> None:
        rows[0]["total_lmp_da"] = "much"

    built = joined.built
    sample_day(built.raw, date(2024, 3, 2))
    last_year = sample_day(built.raw, date(2023, 3, 1))
    [path] = [path for path in last_year if "da_hrl_lmps" in str(path)]
    edit_rows(path, spoil)
    steps = (
        step(built, "pjm", check=1),
        step(built, "pjm", "--year", "2024"),
        step(built, "pjm", check=1),
    )
    for path in last_year:
        path.unlink()
    return steps


@pytest.fixture(scope="module")
def grown(left_out: tuple[Step, Step, Step]) -> Step:
    """Then real-time prices of one operator in its place; the day of the other one is still new."""
    built = left_out[0].built
    options = SampleOptions(truth=False, reports=("rt_hrl_lmps",))
    write_sample(built.raw, isos=["pjm"], start=date(2024, 3, 1), days=1, nodes=2, options=options)
    return step(built)


@pytest.fixture(scope="module")
def shrunk(grown: Step) -> Step:
    """At last folders go: one of an operator, one of a report."""
    for gone in ("nyiso", "pjm/rt_hrl_lmps"):
        shutil.rmtree(grown.built.raw / gone)
    return step(grown.built, "--prune", check=None)


def test_an_unknown_folder_beside_a_report_is_told(alone: Step) -> None:
    assert alone.datasets == {NODAL, HUB}
    assert f"refused {ODD}: " in alone.ran.stderr


def test_operators_and_datasets_without_a_folder_cost_nothing_until_they_have_one(
    alone: Step, joined: Step, grown: Step
) -> None:
    """One whose folder is empty is not passed over. Its views are made as soon as it is built."""
    assert alone.under_test == alone.datasets == alone.published == {NODAL, HUB}
    assert joined.under_test == joined.datasets == {NYISO, "nyiso_rt_energy_5min"}
    assert staging_views(alone.nodes) == views_above(*alone.datasets)
    assert staging_views(joined.nodes) == views_above(*joined.datasets)
    assert joined.published == {NODAL, HUB, NYISO}
    assert grown.datasets - {"nyiso_rt_energy_5min"} == LATER | {NYISO}
    assert grown.published == {NODAL, HUB, NYISO} | LATER


def test_operators_and_datasets_that_had_files_are_not_forgotten_without_their_folders(
    shrunk: Step,
) -> None:
    assert shrunk.published == {NODAL, HUB}, shrunk.ran.output


def test_a_build_without_news_runs_no_dbt_and_says_the_same(built: Built) -> None:
    # Status tells of the folder of the last build, and this is a copy of it.
    build(built.raw, built.out)
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


def test_one_new_file_selects_its_datasets_and_no_seed(
    left_out: tuple[Step, Step, Step], grown: Step
) -> None:
    first, *_ = left_out
    datasets = models_named(NODAL, HUB)
    assert of_kind(first.nodes, "model") == datasets
    assert of_kind(first.nodes, "seed") == set()
    tests = of_kind(first.nodes, "test")
    assert {test for test in tests if NODAL in test} and {test for test in tests if HUB in test}
    assert {test for test in tests if "pjm_da_energy" not in test} == set()
    assert first.last_intervals[NODAL] == "2024-03-03T04:00:00Z"
    assert first.last_intervals[NYISO] == "2024-03-02T04:00:00Z"
    assert of_kind(grown.nodes, "model") & datasets == set()
    assert grown.last_intervals[NYISO] == "2024-03-03T04:00:00Z"


def test_a_subset_that_is_asked_for_alone_has_the_news_of_its_dataset(built: Built) -> None:
    sample_day(built.raw, date(2024, 3, 2))
    assert step(built, "--dataset", HUB).last_intervals[HUB] == "2024-03-03T04:00:00Z"


def test_a_year_that_another_build_left_out_is_told_only_where_it_is_asked_for(
    left_out: tuple[Step, Step, Step],
) -> None:
    first, of_another_year, again = left_out
    assert "2023" in first.ran.stderr
    assert of_another_year.log == ""
    assert "not published" not in of_another_year.ran.stderr
    # The line of the other year stays rejected and told, but nobody has asked for that year.
    assert "1 line rejected" in of_another_year.ran.stderr
    assert (of_another_year.ran.exit_code, again.ran.exit_code) == (0, 1)


# --- Another project ------------------------------------------------------------------------------


def test_a_changed_seed_or_macro_selects_everything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copied = copied_project(tmp_path / "project")
    monkeypatch.setattr(dbt_run, "ROOT", copied)
    built = Built(tmp_path / "raw", tmp_path / "out")
    sample_day(built.raw, date(2024, 3, 1))
    build(built.raw, built.out, "nyiso")
    for changed in ("seeds/domains.csv", "macros/unified/energy_prices.sql"):
        log = Log(built.out)
        path = copied / changed
        new = "dst_flag,X,none\n" if path.suffix == ".csv" else "\n"
        path.write_text(path.read_text() + new)
        build(built.raw, built.out, "nyiso")
        assert "model.unified_iso.nyiso_da_energy_hourly" in log.nodes
        assert "seed.unified_iso.domains" in log.nodes
        assert log.nodes >= FAMILY_VIEWS
        assert {node for node in of_kind(log.nodes, "test") if "is_keyed_by_domains" in node}
    log = Log(built.out)
    build(built.raw, built.out, "nyiso")
    assert log.text == ""


# --- What the first build passes over -------------------------------------------------------------


def not_passed_over(raw: Path, *published: str, choice: Choice | None = None) -> set[str]:
    """Return the datasets that the first build of a raw folder runs, if these are published."""
    kept_manifest()
    workspace = Workspace(raw=raw, out=raw.with_name("out"))
    for folder in published:
        (workspace.parquet / folder).mkdir(parents=True)
    choice = choice or choose([])
    return {*choice.models} - dbt_run._never_seen(workspace, choice, None)


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
    nodes = dbt_run.kept_project(workspace)
    assert nodes is not None
    known = Project.of_graph(nodes)
    of_pjm = [dataset for dataset in known.datasets() if dataset.iso == "pjm"]
    choice, seen = choose([]), {("pjm", "rt_hrl_lmps")}
    idle = dbt_run._without_folder(workspace, choice, known, of_pjm, seen)
    assert models_of("pjm") - {dataset.model for dataset in idle} == {
        *("pjm_da_energy_hourly_nodal", "pjm_da_energy_hourly_hub"),
        *("pjm_rt_energy_hourly_nodal", "pjm_rt_energy_hourly_hub"),
    }


def test_a_dataset_that_is_asked_for_by_name_is_not_passed_over(tmp_path: Path) -> None:
    raw = tmp_path / "raw"
    (raw / "pjm" / "da_hrl_lmps").mkdir(parents=True)
    asked = choose(["pjm"], ["da_energy_hourly_nodal", "rt_energy_5min_nodal"])
    assert not_passed_over(raw, choice=asked) == {*asked.models}
    of_operator = {"pjm_da_energy_hourly_nodal", "pjm_da_energy_hourly_hub"}
    assert not_passed_over(raw, choice=choose(["pjm"])) == of_operator
