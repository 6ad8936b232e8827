"""What `status` tells: what is published, what is not and why, from metadata alone."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import duckdb
import jsonschema
import pytest
from rich.console import Console
from typer.testing import CliRunner

from building import REPOSITORY
from published_tree import NODAL, SERVICES, make_tree, told
from unified_iso import cli
from unified_iso.project import dataset_models
from unified_iso.status import Filter, is_running
from unified_iso.status_table import show_status
from unified_iso.workspace import Workspace

SCHEMA = json.loads((REPOSITORY / "docs" / "status.schema.json").read_text())
# Hours of 10 and 11 March and of 3 November 2024 in which the whole dataset has no row.
GAPS = """
    delete from part_rows where datetime_utc between '2024-03-10 06:00:00+00'
        and '2024-03-10 08:00:00+00';
    delete from part_rows where datetime_utc = '2024-03-11 12:00:00+00';
"""
REPEATED_HOUR = "delete from part_rows where datetime_utc = '2024-11-03 06:00:00+00'"


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A tree with gaps, which no test changes."""
    spoil = {(NODAL, "2024-03-01"): GAPS, (NODAL, "2024-11-01"): REPEATED_HOUR}
    return make_tree(tmp_path_factory.mktemp("published") / "out", spoil)


@pytest.fixture
def tree(published: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    # A build of another test in this process leaves it.
    monkeypatch.delenv("UNIFIED_ISO_RAW", raising=False)
    shutil.copytree(published.out, tmp_path / "out")
    return Workspace(raw=tmp_path / "raw", out=tmp_path / "out")


def status(workspace: Workspace, *options: str) -> dict[str, Any]:
    ran = CliRunner().invoke(cli.app, ["status", "--out", str(workspace.out), "--json", *options])
    assert ran.exit_code == 0, ran.output
    found: dict[str, Any] = json.loads(ran.stdout)
    jsonschema.validate(found, SCHEMA)
    return found


def printed(workspace: Workspace, width: int = 400, *options: str) -> list[str]:
    ran = CliRunner().invoke(
        cli.app, ["status", "--out", str(workspace.out), *options], env={"COLUMNS": str(width)}
    )
    assert ran.exit_code == 0, ran.output
    return ran.stdout.splitlines()


def change_manifest(workspace: Workspace, **lists: Any) -> None:
    workspace.manifest.write_text(json.dumps(told(workspace) | lists))


# --- Gaps -----------------------------------------------------------------------------------------


def test_gaps_are_told_by_the_clock_of_the_market(tree: Workspace) -> None:
    """In UTC each is a run of hours; by the clock one begins at 01:00 and ends at 05:00."""
    march, monday, november = (
        gap for gap in status(tree)["gaps"] if gap["from_utc"] > "2024" and gap["intervals"] < 9
    )
    assert march == {
        "model": NODAL,
        "from_utc": "2024-03-10T06:00:00Z",
        "to_utc": "2024-03-10T09:00:00Z",
        "from_local": "2024-03-10T01:00:00-05:00",
        "to_local": "2024-03-10T05:00:00-04:00",
        "intervals": 3,
    }
    assert (monday["from_local"], monday["intervals"]) == ("2024-03-11T08:00:00-04:00", 1)
    # The second pass of 01:00.
    assert (november["from_local"], november["intervals"]) == ("2024-11-03T01:00:00-05:00", 1)


def test_what_lies_between_the_files_of_a_dataset_is_a_gap_too(tree: Workspace) -> None:
    """The file of 2023 ends with the year, that of 2024 begins on 9 March."""
    first = status(tree)["gaps"][0]
    assert (first["from_local"], first["to_local"]) == (
        "2024-01-01T00:00:00-05:00",
        "2024-03-09T00:00:00-05:00",
    )
    # 31 + 29 + 8 days.
    assert first["intervals"] == 68 * 24


def test_gaps_stand_in_a_line_for_each_dataset(tree: Workspace) -> None:
    [line] = [line for line in printed(tree) if line.startswith("gaps")]
    # Beside the three of the spring and the one of autumn, March to November has none by itself.
    assert line.startswith(f"gaps {NODAL}: 5 gaps, ")
    assert "the longest 2024-03-12 04:00Z to 2024-11-02 04:00Z" in line
    assert "(2024-03-12 00:00-04:00 to 2024-11-02 00:00-04:00)" in line


def test_a_file_that_tells_no_gaps_is_no_file_without_gaps(tree: Workspace) -> None:
    manifest = told(tree)
    for entry in manifest["files"]:
        entry.pop("gaps")
    tree.manifest.write_text(json.dumps(manifest))
    assert any("made before gaps were noted" in note for note in status(tree)["notes"])


# --- Raw files ------------------------------------------------------------------------------------


def write(raw: Path, name: str, text: str = "x") -> None:
    path = raw / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def remember(workspace: Workspace, **states: tuple[str, str | None]) -> None:
    """Let the last run have seen all files as they are, `published` but for those in `states`."""
    rows = []
    for path in sorted(workspace.raw.rglob("*.csv")):
        state, why = states.get(path.stem, ("published", None))
        stat = path.stat()
        name = path.relative_to(workspace.raw).as_posix()
        rows.append((name, stat.st_size, stat.st_mtime_ns, state, why))
    with duckdb.connect() as connection:
        connection.execute(
            "create table seen (path varchar, size ubigint, mtime_ns ubigint, state varchar,"
            " why varchar)"
        )
        connection.executemany("insert into seen values (?, ?, ?, ?, ?)", rows)
        connection.execute(f"copy seen to '{workspace.raw_files_seen}' (format parquet)")


def raw_states(workspace: Workspace, *options: str) -> dict[str, str]:
    found = status(workspace, "--raw", str(workspace.raw), *options)["raw"]["unpublished"]
    return {file["file"]: file["state"] for file in found}


def test_raw_files_are_compared_by_size_and_time(tree: Workspace) -> None:
    for name in ("same", "bigger", "touched", "gone", "bad", "odd", "late", "names"):
        write(tree.raw, f"pjm/da_hrl_lmps/{name}.csv")
    remember(
        tree,
        bad=("rejected", None),
        odd=("refused", "is empty"),
        late=("waiting", None),
        names=("alongside", None),
    )
    write(tree.raw, "pjm/da_hrl_lmps/bigger.csv", "xy")
    os.utime(tree.raw / "pjm/da_hrl_lmps/touched.csv", (1, 1))
    (tree.raw / "pjm/da_hrl_lmps/gone.csv").unlink()
    write(tree.raw, "pjm/da_hrl_lmps/added.csv")
    write(tree.raw, "misc/added.csv")
    found = raw_states(tree)
    stray = found.pop("misc")
    lines = printed(tree, 400, "--raw", str(tree.raw))
    assert any(re.match("refused misc: .* no operator", line) for line in lines)
    assert stray == "refused"
    assert {name.removeprefix("pjm/da_hrl_lmps/"): state for name, state in found.items()} == {
        "added.csv": "new",
        "bigger.csv": "changed",
        "touched.csv": "changed",
        "gone.csv": "gone",
        "bad.csv": "rejected",
        "odd.csv": "refused",
        "late.csv": "waiting",
    }


def test_raw_files_of_the_last_build_are_looked_at_without_asking(tree: Workspace) -> None:
    write(tree.raw, "pjm/da_hrl_lmps/a.csv")
    assert status(tree)["raw"] is None
    assert any("name it with --raw" in note for note in status(tree)["notes"])
    last = {"at": "x", "seconds": 1.5, "exit_code": 3, "raw": str(tree.raw)}
    failures = ["pjm_x: y"]
    tree.last_run.write_text(json.dumps(last | {"asked": {}, "failures": failures}))
    assert status(tree)["raw"]["folder"] == str(tree.raw)
    assert status(tree)["last_run"]["failures"] == failures
    lines = [line.strip() for line in printed(tree)]
    at = lines.index("last build x: exit code 3")
    assert lines[at + 1] == "failed pjm_x: y"


def test_a_build_that_holds_the_database_stops_nothing(tree: Workspace) -> None:
    write(tree.raw, "pjm/da_hrl_lmps/a.csv")
    remember(tree)
    tree.lock_file.with_suffix(".owner").write_text(str(os.getppid()))
    with duckdb.connect(str(tree.database)) as connection:
        connection.execute("begin")
        found = status(tree, "--raw", str(tree.raw))
    assert found["is_running"]
    assert found["notes"] == ["a build is running: this is what was known before it ends"]
    assert found["raw"]["unpublished"] == []
    tree.lock_file.with_suffix(".owner").write_text(str(2**22 + 1))
    assert not is_running(tree)


# --- What is held back, and what stays told -------------------------------------------------------


def test_a_year_that_is_held_back_is_not_called_published(tree: Workspace) -> None:
    unpublished = [
        {"model": NODAL, "year": 2024, "reason": "a.csv line 7: no price"},
        {"model": SERVICES, "year": 2025, "reason": "b.csv line 8: no price"},
    ]
    change_manifest(tree, unpublished=unpublished)
    states = {
        tuple(line.split()[:3]): line for line in printed(tree) if re.match(r" (pjm|ercot) ", line)
    }
    assert "published" in states["pjm", "da_energy_hourly_nodal", "2023"]
    assert states["pjm", "da_energy_hourly_nodal", "2024"].rstrip().endswith("held back")
    assert states["ercot", "as_hourly", "2025"].split() == [
        *("ercot", "as_hourly", "2025", "held", "back")
    ]
    held_back = {(row["model"], row["year"]): row["held_back"] for row in status(tree)["datasets"]}
    assert held_back == {
        (NODAL, 2023): None,
        (NODAL, 2024): "a.csv line 7: no price",
        (SERVICES, 2024): None,
    }
    assert printed(tree)[-2:] == [
        f"not published {NODAL} 2024: a.csv line 7: no price",
        f"not published {SERVICES} 2025: b.csv line 8: no price",
    ]


def test_warnings_stay_in_one_line_each(tree: Workspace) -> None:
    finding = {
        "model": NODAL,
        "test": "t",
        "year": 2024,
        "part": None,
        "message": "Prices are odd.",
    }
    change_manifest(
        tree,
        unread=[{"folder": f"pjm/report_{n}", "files": n} for n in (1, 2, 3)],
        vanished=[{"file": f"pjm/x/{n}.csv", "rows": 24} for n in range(7)],
        findings=[finding | {"rows": 2}, finding | {"year": 2023, "rows": 1}],
    )
    lines = printed(tree)
    assert (
        "not read 6 files of reports that no dataset uses: pjm/report_1, pjm/report_2, pjm/report_3"
        in lines
    )
    assert f"warning {NODAL} 2023, 2024: Prices are odd. (3 rows found)" in lines
    [gone] = [line for line in lines if "gone from the raw folder" in line]
    assert gone.startswith("warning pjm/x/0.csv, ") and "pjm/x/4.csv (and 2 more): gone" in gone
    assert [entry["rows"] for entry in status(tree)["findings"]] == [2, 1]


# --- Filters --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "files"),
    [
        (["PJM"], [(NODAL, 2023), (NODAL, 2024)]),
        (["--dataset", "as_hourly"], [(SERVICES, 2024)]),
        (["--dataset", NODAL, "--year", "2023"], [(NODAL, 2023)]),
        (["--year", "2020-2023"], [(NODAL, 2023)]),
        (["nyiso"], []),
    ],
)
def test_only_what_is_asked_about_is_told(
    options: list[str], files: list[tuple[str, int]], tree: Workspace
) -> None:
    unpublished = [{"model": NODAL, "year": 2022, "reason": "x"}]
    refused = [{"file": "pjm/x.csv", "reason": "x"}, {"file": "notes", "reason": "x"}]
    change_manifest(tree, unpublished=unpublished, refused=refused)
    found = status(tree, *options)
    assert [(row["model"], row["year"]) for row in found["datasets"]] == files
    is_pjm = (NODAL, 2023) in files
    assert len(found["unpublished"]) == (is_pjm and "2023" not in options)
    # What belongs to no operator concerns everybody.
    assert {entry["file"] for entry in found["refused"]} >= {"notes"}
    assert {gap["model"] for gap in found["gaps"]} <= {model for model, _ in files}


@pytest.mark.parametrize("options", [["pjn"], ["--dataset", "x"], ["--year", "last"]])
def test_a_filter_that_takes_nothing_is_a_wrong_command_line(
    options: list[str], tmp_path: Path
) -> None:
    assert CliRunner().invoke(cli.app, ["status", "--out", str(tmp_path), *options]).exit_code == 2


# --- Fitting a terminal ---------------------------------------------------------------------------


def rows_of_all() -> list[dict[str, Any]]:
    return [
        {
            "model": model,
            "iso": iso,
            "dataset": dataset,
            "year": 2024,
            "rows": 660_123_456,
            "series": 12_345,
            "locations": 12_345,
            "first_interval": "2024-01-01T05:00:00Z",
            "last_interval": "2025-01-01T04:55:00Z",
            "missing_intervals": 1_023_840,
            "locations_without_id": 3,
            "unchecked_reports": ["rt_fivemin_hrl_lmps"],
            "bytes": 12_345_678_901,
            "state": "published",
        }
        for model, (iso, dataset) in dataset_models().items()
    ]


@pytest.mark.parametrize("width", [60, 80, 120, 160])
def test_names_and_dates_are_whole_at_any_width(width: int) -> None:
    stream = io.StringIO()
    rows = rows_of_all()
    show_status(Console(file=stream, width=width), rows)
    text = stream.getvalue()
    table = text[: text.index("note")]
    if width >= 80:
        assert max(map(len, table.splitlines())) <= width
    for row in rows:
        assert f"{row['iso']} {row['dataset']} " in table or width < 80
        assert f"{row['iso']} {row['dataset']}" in table
    first, last = "2024-01-01", "2025-01-01"
    if width >= 120:
        first, last = f"{first} 05:00Z", f"{last} 04:55Z"
    assert table.count(first) == table.count(last) == len(rows)
    assert ("published" in table) == (width >= 80)
    assert "…" not in text
    assert ("missing" in table, "bytes" in table) == (width >= 120, width >= 160)
    assert "locations whose name stands for their id: 3" in text


# --- Time -----------------------------------------------------------------------------------------


@pytest.mark.builds
def test_a_tree_of_all_datasets_and_ten_years_is_told_within_two_seconds(tmp_path: Path) -> None:
    """CPU seconds count, because other tests may run beside this one."""
    tree = make_tree(tmp_path / "out")
    manifest = told(tree)
    sample = next(entry for entry in manifest["files"] if entry["model"] == NODAL)
    source = tree.out / sample["path"]
    files = []
    for model, (iso, dataset) in dataset_models().items():
        for year in range(2015, 2025):
            path = tree.year_file(iso, dataset, year)
            path.parent.mkdir(parents=True, exist_ok=True)
            if path != source:
                shutil.copy(source, path)
            entry = {"model": model, "iso": iso, "dataset": dataset, "year": year}
            parts = sample["parts"] * 365
            files.append(sample | entry | {"path": tree.name_of(path), "parts": parts})
    tree.manifest.write_text(json.dumps(manifest | {"files": files}))
    for number in range(5_000):
        write(tree.raw, f"pjm/da_hrl_lmps/{number}.csv")
    remember(tree)
    command = [sys.executable, "-m", "unified_iso", "status", "--out", str(tree.out)]
    before = os.times()

    ran = subprocess.run([*command, "--raw", str(tree.raw)], capture_output=True, text=True)
    after = os.times()
    spent = sum(after[2:4]) - sum(before[2:4])
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.count("published") >= len(files)
    assert spent <= 2


def test_filters_of_nothing_take_all() -> None:
    assert Filter().takes("x", None) and Filter().takes_file("x/y.csv")
