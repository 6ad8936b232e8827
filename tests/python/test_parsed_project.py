"""The parsed project is kept between runs, and never used where something of it has changed."""

from __future__ import annotations

import os
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from unified_iso import dbt_run, parsed_project
from unified_iso.parsed_project import Ingredients, ingredients_of, keep, read_kept
from unified_iso.workspace import Workspace

ENVIRONMENT = {"UNIFIED_ISO_OUT": "out", "SOME_COLOR": "red", "HOME": "/root"}
FILES = {
    "dbt_project.yml": "{name: tiny, version: '1.0', profile: tiny, model-paths: [models, more]}",
    "profiles.yml": (
        "tiny: {target: one, outputs: {one: {type: duckdb, schema: main,"
        " path: \"{{ env_var('UNIFIED_ISO_OUT') }}/work.duckdb\"}}}"
    ),
    "models/prices.sql": "select '{{ env_var('SOME_COLOR', 'none') }}' as color",
    "models/_prices.yml": "models: [{name: prices, description: Prices.}]",
    "more/names.sql": "select 1 as one",
    "macros/words.sql": "{% macro words() %}1{% endmacro %}",
    "seeds/markets.csv": "iso\npjm\n",
    "tests/generic/sane.sql": "{% test sane(model) %}select 1 where false{% endtest %}",
    "tests/python/test_it.py": "assert True",
    "README.md": "A project.",
    "sample/pjm/prices.csv": "1\n",
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        path = tmp_path / "project" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path / "project"


def digest_of(root: Path, environ: dict[str, str] | None = None) -> bytes:
    made_of = ingredients_of(root, ENVIRONMENT | (environ or {}))
    assert made_of is not None
    return made_of.digest


READ = [name for name in FILES if not name.startswith(("tests/python", "README", "sample"))]


@pytest.mark.parametrize("name", READ)
def test_every_file_that_dbt_reads_decides_the_digest(root: Path, name: str) -> None:
    before = digest_of(root)
    (root / name).write_text(FILES[name] + "\n")
    assert digest_of(root) != before
    (root / name).write_text(FILES[name])
    assert digest_of(root) == before


def move(root: Path) -> None:
    (root / "models" / "prices.sql").rename(root / "models" / "cost.sql")


def add(root: Path) -> None:
    (root / "more" / "below").mkdir()
    (root / "more" / "below" / "new.sql").write_text("select 2")


def remove(root: Path) -> None:
    (root / "macros" / "words.sql").unlink()


def swap(root: Path) -> None:
    (root / "models" / "prices.sql").write_text(FILES["more/names.sql"])
    (root / "more" / "names.sql").write_text(FILES["models/prices.sql"])


def install(root: Path) -> None:
    (root / "dbt_packages" / "utils" / "macros").mkdir(parents=True)
    (root / "dbt_packages" / "utils" / "macros" / "words.sql").write_text("select 3")


@pytest.mark.parametrize("change", [move, add, remove, swap, install])
def test_a_file_more_or_less_or_elsewhere_decides_the_digest(
    root: Path, change: Callable[[Path], None]
) -> None:
    before = digest_of(root)
    change(root)
    assert digest_of(root) != before


@pytest.mark.parametrize(
    ("variables", "is_other"),
    [
        ({"SOME_COLOR": "blue"}, True),
        ({"DBT_TARGET": "two"}, True),
        ({"UNIFIED_ISO_OUT": "elsewhere"}, False),
        ({"HOME": "elsewhere"}, False),
    ],
)
def test_variables_that_the_project_names_decide_the_digest(
    root: Path, variables: dict[str, str], is_other: bool
) -> None:
    assert (digest_of(root, variables) != digest_of(root)) == is_other


def test_a_variable_of_a_run_decides_the_digest_where_more_than_the_profile_names_it(
    root: Path,
) -> None:
    (root / "models" / "folder.sql").write_text("select '{{ env_var('UNIFIED_ISO_OUT') }}'")
    assert digest_of(root, {"UNIFIED_ISO_OUT": "elsewhere"}) != digest_of(root)


@pytest.mark.parametrize("name", ["unified-iso", "dbt-core", "dbt-duckdb"])
def test_versions_decide_the_digest(root: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    before = digest_of(root)
    monkeypatch.setattr(
        parsed_project, "version", lambda asked: "99" if asked == name else version(asked)
    )
    assert digest_of(root) != before


def test_what_dbt_does_not_read_leaves_the_digest_as_it_is(root: Path) -> None:
    before = digest_of(root)
    (root / "tests" / "python" / "test_it.py").write_text("assert 1")
    (root / "README.md").write_text("Another.")
    (root / "sample" / "pjm" / "prices.csv").write_text("2\n")
    os.utime(root / "models" / "prices.sql", (1, 1))
    assert digest_of(root) == before


@pytest.mark.parametrize(
    "settings", ["{model-paths: [\"{{ env_var('X') }}\"]}", "{not yaml", "[a, list]", ""]
)
def test_of_a_project_that_can_not_be_told_nothing_is_kept(root: Path, settings: str) -> None:
    (root / "dbt_project.yml").write_text(settings)
    assert ingredients_of(root, ENVIRONMENT) is None


MADE_OF = Ingredients(b"d" * 32, frozenset())
PAYLOAD = bytes(range(256))


def test_what_is_kept_is_read_again(tmp_path: Path) -> None:
    place = tmp_path / "new" / "kept"
    keep([place], MADE_OF, PAYLOAD)
    assert read_kept([tmp_path / "nothing", place], MADE_OF) == PAYLOAD
    assert [path.name for path in place.parent.iterdir()] == ["kept"]


def test_other_ingredients_read_nothing(tmp_path: Path) -> None:
    keep([tmp_path / "kept"], MADE_OF, PAYLOAD)
    assert read_kept([tmp_path / "kept"], Ingredients(b"e" * 32, frozenset())) is None


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: content[:-1],
        lambda content: content + b"x",
        lambda content: content[:200] + b"x" + content[201:],
        lambda content: b"x" + content[1:],
        lambda content: content[:40],
        lambda content: b"",
    ],
)
def test_a_damaged_file_is_not_read(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    place = tmp_path / "kept"
    keep([place], MADE_OF, PAYLOAD)
    place.write_bytes(damage(place.read_bytes()))
    assert read_kept([place], MADE_OF) is None


def test_where_one_place_can_not_be_written_it_is_kept_in_the_next(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    places = [tmp_path / "file" / "kept", tmp_path / "kept"]
    keep(places, MADE_OF, PAYLOAD)
    assert read_kept(places, MADE_OF) == PAYLOAD
    keep(places[:1], MADE_OF, PAYLOAD)


def test_a_write_that_fails_leaves_what_was_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "kept"
    keep([place], MADE_OF, PAYLOAD)

    def full(self: Path, target: Path) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(Path, "replace", full)
    keep([place], MADE_OF, b"other")
    assert read_kept([place], MADE_OF) == PAYLOAD
    assert list(tmp_path.iterdir()) == [place]


def parsed(root: Path, out: Path) -> dict[str, Any]:
    """Names of the models of the project, with their SQL and description."""
    content = dbt_run.parsed_manifest(Workspace(raw=out / "raw", out=out))
    assert isinstance(content, bytes)
    nodes = parsed_project.nodes_of(content)["nodes"].values()
    return {
        node["name"]: (node["raw_code"], node["description"])
        for node in nodes
        if node["resource_type"] == "model"
    }


@pytest.mark.builds
def test_it_is_parsed_once_for_all_outputs_and_again_when_it_changes(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import dbt.cli.main

    monkeypatch.setattr(dbt_run, "ROOT", root)
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    runs: list[str] = []
    invoke = dbt.cli.main.dbtRunner.invoke

    def counted(self: Any, arguments: list[str]) -> Any:
        runs.append(arguments[0])
        return invoke(self, arguments)

    monkeypatch.setattr(dbt.cli.main.dbtRunner, "invoke", counted)
    prices, names = FILES["models/prices.sql"], FILES["more/names.sql"]
    whole = {"prices": (prices, "Prices."), "names": (names, "")}
    assert parsed(root, tmp_path / "out") == whole
    monkeypatch.setenv("UNIFIED_ISO_OUT", "elsewhere")
    assert parsed(root, tmp_path / "other") == whole
    assert runs == ["parse"]
    (root / "models" / "prices.sql").write_text("select 5 as five")
    whole["prices"] = ("select 5 as five", "Prices.")
    assert parsed(root, tmp_path / "out") == whole
    assert runs == ["parse"] * 2
    kept = root / "target" / parsed_project.NAME
    kept.write_bytes(kept.read_bytes()[:-5])
    assert parsed(root, tmp_path / "out") == whole
    assert runs == ["parse"] * 3
    (root / "models" / "prices.sql").write_text("{% if true %} select 1")
    failed = dbt_run.parsed_manifest(Workspace(raw=tmp_path / "raw", out=tmp_path / "out"))
    assert not isinstance(failed, bytes)
    assert "endif" in str(failed.exception)
