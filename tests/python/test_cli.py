"""What the command line makes of its options, and what a dry run prints."""

from __future__ import annotations

import subprocess
import sys
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import pytest
from typer.testing import CliRunner

from building import environment
from unified_iso import cli
from unified_iso.options import Options
from unified_iso.project import Choice, UnknownName, choose
from unified_iso.workspace import Workspace

HUB, NODAL, NYISO = (
    "pjm_da_energy_hourly_hub",
    "pjm_da_energy_hourly_nodal",
    "nyiso_da_energy_hourly",
)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Choice, Options]]:
    """What the build was called with: it does nothing, and tells of success."""
    calls: list[tuple[Choice, Options]] = []

    def run_build(workspace: Workspace, choice: Choice, options: Options) -> Any:
        calls.append((choice, options))
        return SimpleNamespace(result=None, exception=None, success=True)

    monkeypatch.setattr(cli, "run_build", run_build)
    return calls


def invoke(folder: Path, *arguments: str) -> Any:
    (folder / "raw" / "pjm").mkdir(parents=True, exist_ok=True)
    folders = ("--raw", str(folder / "raw"), "--out", str(folder / "out"))
    return CliRunner().invoke(cli.app, ["build", *arguments, *folders], env={"COLUMNS": "400"})


@pytest.mark.parametrize(
    ("arguments", "options"),
    [
        ([], Options()),
        (["--all"], Options()),
        (["--year", "2023"], Options(years=(2023,))),
        (["--years", "2024,2023"], Options(years=(2023, 2024))),
        (["--years", "2020-2022", "--years", "2024"], Options(years=(2020, 2021, 2022, 2024))),
        (["--prune", "--allow-rejects"], Options(prune=True, allow_rejects=True)),
        (["--full-refresh"], Options(full_refresh=True)),
    ],
)
def test_options_reach_the_build(
    arguments: list[str], options: Options, asked: list[Any], tmp_path: Path
) -> None:
    invoke(tmp_path, *arguments)
    assert [given for _, given in asked] == [options]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--year", "2023", "--years", "2024"], "--year and --years exclude each other"),
        (["--years", "2023", "--all"], "--years and --all exclude each other"),
        (["--years", "last"], "--years: 'last' is no year: write them like 2023 or 2021-2024"),
        (["--years", "2024-2021"], "--years: '2024-2021' ends before it begins"),
        (["--dataset", "da_energy_hourly", "--dataset", "x"], "no dataset x for any operator"),
    ],
)
def test_a_wrong_command_line_is_told_before_anything_is_touched(
    arguments: list[str], says: str, asked: list[Any], tmp_path: Path
) -> None:
    ran = invoke(tmp_path, *arguments)
    assert (ran.exit_code, asked) == (2, [])
    assert says in ran.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("isos", "datasets", "models", "named"),
    [
        (["pjm"], ["da_energy_hourly_hub", "da_energy_hourly_nodal"], {HUB, NODAL}, ("pjm",)),
        ([], [HUB, NYISO], {HUB, NYISO}, ("pjm", "nyiso")),
        ([], [HUB, "DA_Energy_Hourly_Nodal"], {HUB, NODAL}, ()),
        (["nyiso", "pjm"], [HUB, "da_energy_hourly"], {HUB, NYISO}, ("nyiso", "pjm")),
        ([], [HUB, HUB], {HUB}, ("pjm",)),
    ],
)
def test_several_datasets_are_chosen_at_once(
    isos: list[str], datasets: list[str], models: set[str], named: tuple[str, ...]
) -> None:
    choice = choose(isos, datasets)
    assert {model for model in choice.models if model.startswith(("pjm", "nyiso"))} == models
    assert choice.named == named
    assert not choice.everything


@pytest.mark.parametrize(
    ("isos", "datasets", "says"),
    [
        (["nyiso"], [NYISO, HUB], f"{HUB} is a dataset of pjm, not of nyiso"),
        (["pjm", "nyiso"], [HUB, NODAL], "no dataset da_energy_hourly_hub or "),
        (["pjm"], [HUB, "weather"], "no dataset weather for pjm: there are as_5min, as_hourly, "),
    ],
)
def test_a_dataset_that_one_of_several_has_not_is_told(
    isos: list[str], datasets: list[str], says: str
) -> None:
    with pytest.raises(UnknownName) as raised:
        choose(isos, datasets)
    assert str(raised.value).startswith(says)


PLAN = """
    create schema inventory;
    create table inventory.plan (
        model varchar,
        part date,
        year int,
        state varchar,
        why varchar,
        files bigint,
        lines bigint,
        memory_bytes bigint
    );
"""
ROWS = [
    (NODAL, date(2024, 2, 1), 2024, "stale", "2 raw files are new", 29, 1_234_567, 512_400_000),
    (NODAL, date(2023, 12, 1), 2023, "dropped", "its raw files have gone [a]", 0, None, None),
    (NODAL, date(2024, 1, 1), 2024, "kept", None, 31, 50, 60),
    (HUB, date(2024, 2, 1), 2024, "kept", None, 31, 50, 60),
    (NYISO, date(2024, 2, 1), 2024, "stale", "never built", 1, 24, 1_000_000),
]


def planned(folder: Path, rows: list[tuple[Any, ...]]) -> None:
    workspace = Workspace(raw=folder / "raw", out=folder / "out")
    workspace.prepare()
    with duckdb.connect(str(workspace.database)) as connection:
        connection.execute(PLAN)
        for row in rows:
            connection.execute("insert into inventory.plan values (?, ?, ?, ?, ?, ?, ?, ?)", row)


def test_a_dry_run_prints_the_parts_and_why(asked: list[Any], tmp_path: Path) -> None:
    planned(tmp_path, ROWS)
    ran = invoke(tmp_path, "--dry-run")
    assert ran.exit_code == 0
    assert [options.dry_run for _, options in asked] == [True]
    lines = [" ".join(line.split()) for line in ran.stdout.splitlines() if line.strip()]
    assert lines == [
        "nyiso_da_energy_hourly: 1 part, 24 lines, up to 1 MB",
        "part state why files lines memory",
        "2024-02-01 stale never built 1 24 1 MB",
        "pjm_da_energy_hourly_nodal: 2 parts, 1,234,567 lines, up to 512 MB, 1 part as before",
        "part state why files lines memory",
        "2023-12-01 dropped its raw files have gone [a] 0 0 0 MB",
        "2024-02-01 stale 2 raw files are new 29 1,234,567 512 MB",
        "nothing to build: pjm_da_energy_hourly_hub",
        "dry run: nothing was built",
    ]
    assert list((tmp_path / "out" / "metadata").iterdir()) == []


def test_a_dry_run_of_nothing_says_so(asked: list[Any], tmp_path: Path) -> None:
    planned(tmp_path, [])
    ran = invoke(tmp_path, "--dry-run")
    assert (ran.exit_code, ran.stdout.splitlines()) == (
        0,
        ["no raw file has rows of what was asked for", "dry run: nothing was built"],
    )


def test_a_dry_run_that_fails_is_told_like_a_build(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed = SimpleNamespace(result=None, exception=OSError("the disk went away"), success=False)
    monkeypatch.setattr(cli, "run_build", lambda *_: failed)
    ran = invoke(tmp_path, "--dry-run")
    assert ran.exit_code == 1
    assert "the disk went away" in ran.stderr
    assert "dry run" not in ran.output


@pytest.mark.builds
def test_importing_the_command_line_imports_no_dbt() -> None:
    code = "import sys, unified_iso.cli; print('dbt' in sys.modules, 'agate' in sys.modules)"
    ran = subprocess.run(
        [sys.executable, "-c", code], env=environment(), capture_output=True, text=True, check=True
    )
    assert ran.stdout == "False False\n"
