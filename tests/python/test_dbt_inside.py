"""What is used of dbt without its promise is still as it was; if not, one test here says what."""

from __future__ import annotations

import inspect
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.cli.main import dbtRunner
from dbt.contracts.graph.manifest import Manifest

from unified_iso import dbt_inside
from unified_iso.build import judge

PROJECT = "{name: tiny, version: '1.0', profile: tiny}"
PROFILE = (
    "tiny: {target: one, outputs: {one: {type: duckdb, schema: main,"
    " path: \"{{ env_var('TINY_OUT') }}/work.duckdb\"}}}"
)
MODEL = "select {{ graph.nodes | length if execute else 0 }} as models"


@pytest.fixture
def arguments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    (tmp_path / "models").mkdir()
    (tmp_path / "dbt_project.yml").write_text(PROJECT)
    (tmp_path / "profiles.yml").write_text(PROFILE)
    (tmp_path / "models" / "tiny.sql").write_text(MODEL)
    monkeypatch.setenv("TINY_OUT", str(tmp_path))
    return [
        *("--project-dir", str(tmp_path), "--profiles-dir", str(tmp_path)),
        *("--log-path", str(tmp_path / "logs"), "--log-level", "none"),
        *("--log-level-file", "debug"),
    ]


def run(arguments: list[str], manifest: Manifest | None = None) -> Any:
    done = dbtRunner(manifest).invoke(arguments)
    assert done.success, f"dbt does not {arguments[0]} a project any more: {done.exception}"
    return done.result


@pytest.mark.builds
def test_a_manifest_that_was_kept_runs_without_a_parse(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parsed = run(["parse", *arguments])
    dbt_inside.close_database()
    content = dbt_inside.manifest_to_bytes(parsed)
    other = tmp_path / "other"
    other.mkdir()
    monkeypatch.setenv("TINY_OUT", str(other))
    monkeypatch.setattr(
        "dbt.cli.requires.parse_manifest",
        lambda *_: pytest.fail("dbt parses although it is given a manifest"),
    )
    results = run(["run", *arguments], dbt_inside.manifest_from_bytes(content)).results
    dbt_inside.close_database()
    assert [(result.node.name, str(result.status)) for result in results] == [("tiny", "success")]
    assert (other / "work.duckdb").exists(), "the profile is not read anew for each run"
    assert "select 1 as models" in results[0].node.compiled_code, "graph is empty in macros"


@pytest.mark.builds
def test_what_is_kept_has_no_unit_tests_and_no_files(arguments: list[str], tmp_path: Path) -> None:
    tested = "{name: one, model: tiny, given: [], expect: {rows: [{models: 0}]}}"
    (tmp_path / "models" / "tiny.yml").write_text(f"{{unit_tests: [{tested}]}}")
    parsed = run(["parse", *arguments])
    dbt_inside.close_database()
    assert parsed.unit_tests and parsed.files
    kept = dbt_inside.manifest_from_bytes(dbt_inside.manifest_to_bytes(parsed))
    assert not kept.unit_tests and not kept.files
    assert kept.nodes.keys() == parsed.nodes.keys()
    assert kept.flat_graph["nodes"].keys() == parsed.nodes.keys()
    assert parsed.unit_tests, "the manifest that was given is changed"


@pytest.mark.builds
def test_a_model_can_be_left_out_with_all_of_its_tests(
    arguments: list[str], tmp_path: Path
) -> None:
    (tmp_path / "models" / "other.sql").write_text("select 1 as models")
    tests = "[not_null, {relationships: {arguments: {to: ref('tiny'), field: models}}}]"
    (tmp_path / "models" / "other.yml").write_text(
        f"{{models: [{{name: other, columns: [{{name: models, data_tests: {tests}}}]}}]}}"
    )
    content = dbt_inside.manifest_to_bytes(run(["parse", *arguments]))
    dbt_inside.close_database()
    manifest = dbt_inside.manifest_from_bytes(content, without=["other"])
    left_out = ("--exclude", "other", "--indirect-selection", "cautious")
    results = run(["build", *arguments, *left_out], manifest).results
    dbt_inside.close_database()
    assert [result.node.name for result in results] == ["tiny"], (
        "dbt runs tests that are not in the manifest it is given"
    )


@pytest.mark.builds
def test_the_database_is_closed_after_a_run(arguments: list[str]) -> None:
    run(["run", *arguments])
    assert DuckDBConnectionManager._ENV is not None, "dbt-duckdb keeps its connection elsewhere"
    dbt_inside.close_database()
    assert DuckDBConnectionManager._ENV is None, "close_all_connections does not close it any more"


@pytest.mark.builds
def test_variables_that_were_read_are_known(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "models" / "tiny.sql").write_text("select '{{ env_var('TINY_COLOR') }}'")
    monkeypatch.setenv("TINY_COLOR", "red")
    parsed = run(["parse", *arguments])
    dbt_inside.close_database()
    assert dbt_inside.variables_of(parsed) == {"TINY_COLOR"}, "manifest.env_vars is no more"


@pytest.mark.builds
def test_a_result_can_be_turned_into_an_error(arguments: list[str]) -> None:
    result = run(["run", *arguments]).results[0]
    dbt_inside.close_database()
    dbt_inside.fail(result, "not published")
    assert (str(result.status), result.message) == ("error", "not published")
    only = SimpleNamespace(status="success", message="")
    dbt_inside.fail(only, "too")
    assert (str(only.status), only.message) == ("error", "too"), "RunStatus.Error has another text"


@pytest.mark.builds
def test_lines_are_told_in_the_log_of_the_run(arguments: list[str], tmp_path: Path) -> None:
    run(["run", *arguments])
    dbt_inside.close_database()
    dbt_inside.tell("a line for the user")
    assert dbt_inside.log_file() == tmp_path / "logs" / "dbt.log", "flags.LOG_PATH is no more"
    assert "a line for the user" in dbt_inside.log_file().read_text()


@pytest.mark.builds
def test_nothing_is_written_to_the_log_of_a_run_that_is_over(
    arguments: list[str], tmp_path: Path
) -> None:
    run(["run", *arguments])
    dbt_inside.close_database()
    dbt_inside.close_logs()
    dbt_inside.tell("a line too late")
    log = (tmp_path / "logs" / "dbt.log").read_text()
    assert "a line too late" not in log, "cleanup_event_logger leaves the log open"


def test_everything_inside_has_its_reason() -> None:
    public = [
        member
        for name, member in inspect.getmembers(dbt_inside, inspect.isfunction)
        if member.__module__ == dbt_inside.__name__ and not name.startswith("_")
    ]
    assert public
    assert [f.__name__ for f in public if not inspect.getdoc(f)] == []


@pytest.mark.builds
def test_nodes_tell_when_they_have_run(arguments: list[str]) -> None:
    ended: list[str] = []
    callback = dbt_inside.when_a_node_has_run(ended.append)
    assert dbtRunner(callbacks=[callback]).invoke(["run", *arguments]).success
    dbt_inside.close_database()
    assert ended == ["model.tiny.tiny"], "dbt tells in another event that a node has run"


@pytest.mark.builds
def test_a_run_tells_what_came_of_its_nodes_in_the_words_of_a_judge(
    arguments: list[str], tmp_path: Path
) -> None:
    (tmp_path / "seeds").mkdir()
    tested = []
    for name, rows in {"sound": "1\n2", "faulty": "1\n1", "untested": "1"}.items():
        (tmp_path / "seeds" / f"{name}.csv").write_text(f"id\n{rows}\n")
        if name != "untested":
            tested.append(
                f"{{name: {name}, columns: [{{name: id, data_tests: [unique, not_null]}}]}}"
            )
    (tmp_path / "seeds" / "seeds.yml").write_text(f"{{seeds: [{', '.join(tested)}]}}")
    manifest = run(["parse", *arguments])
    ended = dbtRunner(manifest).invoke(["build", *arguments])
    dbt_inside.close_database()
    statuses = dbt_inside.statuses_of(ended)
    nodes = [node.to_dict() for node in manifest.nodes.values()]
    assert judge.proven_seeds(nodes, statuses) == {"sound"}
    assert {type(status) for status in statuses.values()} == {str}
    assert dbt_inside.statuses_of(dbtRunner().invoke(["no-command"])) == {}
