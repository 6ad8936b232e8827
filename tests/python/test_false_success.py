"""A build that leaves out what it was asked for says so, and never ends with 0."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import pytest
from rich.console import Console
from typer.testing import CliRunner

from building import REPOSITORY, Built, Ran, build, file_states, run_dbt, sample_day, status
from unified_iso.build.publish import publish
from unified_iso.build.recover import discard_candidates
from unified_iso.cli import app
from unified_iso.inventory import SCHEMA
from unified_iso.manifest import read_manifest
from unified_iso.outcome import Outcome, gather, note_absent
from unified_iso.outcome_text import show, show_unused
from unified_iso.project import UnknownName, choose, operators, report_folders
from unified_iso.raw_files.inspection import inspect
from unified_iso.raw_files.listing import list_strays, why_no_operator
from unified_iso.raw_files.records import Listed, Report
from unified_iso.workspace import Workspace

DAY = date(2024, 5, 14)
HEADER = (
    "interval_start_utc,interval_end_utc,market,location,location_type,lmp,energy,congestion,loss\n"
)
# CAISO has no hourly real-time dataset.
REAL_TIME = HEADER + (
    "2024-12-06 13:00:00,2024-12-06 14:00:00,REAL_TIME_HOURLY,ACORN_6_N001,Node,41.5,40.25,0,1.25\n"
    "2024-12-06 14:00:00,2024-12-06 15:00:00,REAL_TIME_HOURLY,ACORN_6_N001,Node,42.5,41.25,0,1.25\n"
)
HOURS = HEADER + (
    "2024-12-06 13:00:00,2024-12-06 14:00:00,DAY_AHEAD_HOURLY,ACORN_6_N001,Node,31.5,30,0.5,1\n"
)
NO_DATASET = "left out 2 rows of REAL_TIME_HOURLY (60 minutes) belong to no dataset yet: "
REAL_TIME_FILE = "caiso/gridstatus_lmp/real_time.csv"
KNOWN = (("nyiso", "damlbmp_zone"), ("nyiso", "realtime_zone"), ("pjm", "da_hrl_lmps"))


def written(path: Path, text: str = "a,b\n1,2\n") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def printed(*show_it: Any) -> list[str]:
    """Lines that `show_it` prints, given a console and what follows it."""
    console = Console(width=400, color_system=None)
    with console.capture() as captured:
        show_it[0](console, *show_it[1:])
    return captured.get().splitlines()


# --- Raw folders one off --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("file", "named", "says"),
    [
        ("nyiso/damlbmp_zone/a.csv", "", None),
        ("nyiso/damlbmp_zone/a.csv", "nyiso", "{raw}/nyiso looks like the folder of one operator: "
         "name {raw} with --raw or UNIFIED_ISO_RAW"),
        ("nyiso/realtime_zone/a.csv", "nyiso", "name {raw} with --raw"),
        ("nyiso/damlbmp_zone/a.csv", "nyiso/damlbmp_zone", "{raw}/nyiso/damlbmp_zone looks like "
         "the folder of one report: name {raw} with --raw or UNIFIED_ISO_RAW"),
        ("in/nyiso/damlbmp_zone/a.csv", "", "the raw folder {raw} has no operator's folder, but "
         "{raw}/in has: name that with --raw or UNIFIED_ISO_RAW"),
        ("notes/a.txt", "", "the raw folder {raw} has no operator's folder: raw files lie in "
         "<operator>/<report>/ of it, the operator one of nyiso, pjm"),
        ("nysio/damlbmp_zone/a.csv", "", "the raw folder {raw} has no operator's folder; nysio is "
         "no operator's folder and is not read (it holds damlbmp_zone/a.csv): rename it to nyiso "
         "if that is meant, or move its files to the report folders of one of nyiso, pjm"),
        ("PJM/da_hrl_lmps/a.csv", "", "PJM is no operator's folder and is not read: rename it to "
         "pjm"),
        ("x.csv", "", "x.csv belongs to no operator: move it to a report folder of one of nyiso"),
    ],
)  # fmt: skip
def test_a_raw_folder_one_off_is_told_apart(
    file: str, named: str, says: str | None, tmp_path: Path
) -> None:
    raw = tmp_path / "raw"
    written(raw / file)
    why = why_no_operator(raw / named, KNOWN)
    if says is None:
        assert why is None
    else:
        assert why is not None
        assert says.format(raw=raw) in why


def test_an_empty_raw_folder_is_told(tmp_path: Path) -> None:
    assert (why_no_operator(tmp_path, KNOWN) or "").startswith(
        f"the raw folder {tmp_path} is empty: raw files lie in <operator>/<report>/"
    )


@pytest.mark.parametrize("options", [[], ["nyiso"], ["--prune"]])
def test_a_build_of_nothing_stops_before_it_starts(options: list[str], tmp_path: Path) -> None:
    """With --prune, too: a disk that is not mounted looks like files that have vanished."""
    (tmp_path / "raw").mkdir()
    folders = ("--raw", str(tmp_path / "raw"), "--out", str(tmp_path / "out"))
    ran = CliRunner().invoke(app, ["build", *options, *folders])
    assert ran.exit_code == 1
    assert ran.stderr.startswith(f"stopped the raw folder {tmp_path / 'raw'} is empty: ")
    assert len(ran.stderr.splitlines()) == 1


def test_the_nearest_operator_is_named_and_no_other(tmp_path: Path) -> None:
    for name in ("nysio", "pjn", "weather"):
        written(tmp_path / name / "a.csv")
    told = {file.path: file.refusal or "" for file in list_strays(tmp_path, operators())}
    assert "rename it to nyiso if that is meant, or move its files" in told["nysio"]
    assert "rename it to pjm if that is meant, or move its files" in told["pjn"]
    assert "(it holds a.csv): move its files to the report folders" in told["weather"]


@pytest.mark.parametrize(
    ("folder", "says"),
    [
        ("damlbmp_zones", "rename the folder to damlbmp_zone if that is meant, or move it to one"),
        ("DAMLBMP-ZONE", "rename the folder to damlbmp_zone if that is meant, or move it to one"),
        ("weather", "which is no report folder: move it to one of damlbmp_zone"),
        ("", "lies in nyiso, which is no report folder: move it to one of damlbmp_zone"),
    ],
)
def test_the_nearest_report_is_named(folder: str, says: str, tmp_path: Path) -> None:
    path = written(tmp_path / "nyiso" / folder / "a.csv").relative_to(tmp_path).as_posix()
    listed = Listed("nyiso", folder, path, 8, 0)
    (found,) = inspect(tmp_path, tmp_path, listed, None, [Report("nyiso", "damlbmp_zone", ())])
    assert says in (found.refusal or "")


# --- What is asked for by name --------------------------------------------------------------------


def test_names_are_taken_in_any_case() -> None:
    for isos, dataset in ((["NYISO"], "DA_Energy_Hourly"), ([], "nyiso_DA_energy_hourly")):
        choice = choose(isos, [dataset])
        assert choice.models == ("nyiso_da_energy_hourly",)
        assert choice.named == ("nyiso",)
        assert choice.datasets == ("da_energy_hourly",)
    everything = choose([])
    assert (everything.everything, everything.named) == (True, ())
    assert everything.isos == tuple(dict.fromkeys(everything.isos))


@pytest.mark.parametrize(
    ("isos", "dataset", "says"),
    [
        (["nysio"], None, "no operator 'nysio' (is nyiso meant?): there are pjm, nyiso, "),
        (["weather"], None, "no operator 'weather': there are pjm, nyiso, "),
        (["pjm"], "nyiso_da_energy_hourly", "da_energy_hourly is a dataset of nyiso, not of pjm"),
        (
            ["pjm", "ercot"],
            "da_energy_hourly_nodal",
            "for ercot: there are as_15min, as_hourly, da_e",
        ),
        ([], "weather", "no dataset weather for any operator: there are as_15min, as_5min, "),
    ],
)
def test_names_that_there_are_none_of_are_told(
    isos: list[str], dataset: str | None, says: str
) -> None:
    with pytest.raises(UnknownName, match=re.escape(says)):
        choose(isos, [dataset] if dataset else [])


def test_the_help_lists_operators_and_datasets() -> None:
    shown = CliRunner().invoke(app, ["build", "--help"], env={"COLUMNS": "400"}).output
    assert all(f"{iso}" in shown for iso in operators())
    assert "da_energy_hourly, da_energy_hourly_hub, da_energy_hourly_nodal, rt_energy" in shown


def test_all_report_folders_are_known() -> None:
    assert set(KNOWN) <= set(report_folders())


def row(iso: str = "nyiso", dataset: str = "da_energy_hourly", year: int = 2024) -> dict[str, Any]:
    return {"iso": iso, "dataset": dataset, "year": year}


NOTHING = "no raw file has rows of it"


@pytest.mark.parametrize(
    ("isos", "dataset", "year", "rows", "says"),
    [
        ([], None, None, [row()], []),
        ([], None, None, [], [f"anything: {NOTHING}"]),
        ([], None, 2031, [row()], [f"2031: {NOTHING}"]),
        ([], "da_energy_hourly", None, [row()], []),
        ([], "da_energy_hourly_hub", None, [row()], [f"da_energy_hourly_hub: {NOTHING}"]),
        (["nyiso"], None, 2024, [row()], []),
        (["nyiso"], None, 2031, [row()], [f"nyiso 2031: {NOTHING}"]),
        (["nyiso"], None, 2024, [row("pjm", "da_energy_hourly_nodal")], [f"nyiso 2024: {NOTHING}"]),
        (["nyiso", "pjm"], None, None, [row()], ["pjm: {raw} has no folder pjm"]),
        (["pjm"], None, None, [row("pjm", "x")], ["pjm: {raw} has no folder pjm"]),
    ],
)  # fmt: skip
def test_what_was_asked_for_by_name_and_is_not_published_is_told(
    isos: list[str],
    dataset: str | None,
    year: int | None,
    rows: list[dict[str, Any]],
    says: list[str],
    tmp_path: Path,
) -> None:
    (tmp_path / "nyiso").mkdir()
    workspace = Workspace(raw=tmp_path, out=tmp_path / "out")
    outcome = Outcome(workspace.out)
    note_absent(
        outcome, workspace, choose(isos, [dataset] if dataset else []), [year] if year else [], rows
    )
    assert outcome.absent == [text.format(raw=tmp_path) for text in says]
    assert outcome.exit_code == (1 if says else 0)
    shown = printed(show, workspace, outcome)
    assert shown == [f"not published {text}" for text in outcome.absent]


def test_each_year_and_dataset_that_was_asked_for_and_is_not_published_is_told(
    tmp_path: Path,
) -> None:
    (tmp_path / "pjm").mkdir()
    (tmp_path / "nyiso").mkdir()
    workspace = Workspace(raw=tmp_path, out=tmp_path / "out")
    outcome = Outcome(workspace.out)
    choice = choose(["pjm", "nyiso"], ["da_energy_hourly_hub", "da_energy_hourly"])
    rows = [row("pjm", "da_energy_hourly_hub", 2023), row("nyiso", year=2024)]
    note_absent(outcome, workspace, choice, [2023, 2024], rows)
    assert outcome.absent == [
        f"nyiso da_energy_hourly 2023: {NOTHING}",
        f"pjm da_energy_hourly_hub 2024: {NOTHING}",
    ]


def test_an_operator_of_which_all_is_refused_is_told_once_beside_published_data(
    tmp_path: Path,
) -> None:
    for iso in ("nyiso", "spp"):
        (tmp_path / iso).mkdir()
    workspace = Workspace(raw=tmp_path, out=tmp_path / "out")
    refused = [{"file": "nyiso/damlbmp_zone/a.csv", "reason": "is empty"}]
    beside, alone = (Outcome(workspace.out, refused=refused) for _ in range(2))
    note_absent(beside, workspace, choose(["spp", "nyiso"]), [], [row("spp")])
    assert (beside.absent, beside.exit_code) == ([], 3)
    note_absent(alone, workspace, choose(["nyiso"]), [], [])
    assert alone.absent == [f"nyiso: {NOTHING} beside what is told above"]
    assert alone.exit_code == 1


def ran_dbt(*models: str) -> Any:
    """Results of a run that built these models."""
    runs = [
        SimpleNamespace(
            node=SimpleNamespace(resource_type="model", name=model), status="success", message="OK"
        )
        for model in models
    ]
    return SimpleNamespace(result=SimpleNamespace(results=runs), exception=None, success=True)


def test_years_that_an_earlier_build_left_count_where_they_were_asked_for(tmp_path: Path) -> None:
    workspace = Workspace(raw=tmp_path, out=tmp_path)
    workspace.prepare()
    left = [{"model": "pjm_da_energy_hourly_nodal", "year": 2023, "reason": "x"}]
    workspace.manifest.write_text(f'{{"unpublished": {left!r}}}'.replace("'", '"'))
    nodal, hub = "pjm_da_energy_hourly_nodal", "pjm_da_energy_hourly_hub"
    assert gather(workspace, ran_dbt(hub), ["pjm"]).exit_code == 0
    assert gather(workspace, ran_dbt(nodal), ["pjm"], [2024]).exit_code == 0
    assert gather(workspace, ran_dbt(nodal), ["pjm"], [2023]).exit_code == 1
    assert gather(workspace, ran_dbt(nodal, hub), ["pjm"]).exit_code == 1


# --- What the manifest tells ----------------------------------------------------------------------

RAW_FILE = """
    insert into inventory.raw_files (
        file_id, iso, report, path, data_source, size, mtime_ns, lines, is_present, refusal
    )
    values ($1, 'caiso', 'gridstatus_lmp', $2, $2, 1, 1, 1, $3, $4)
"""


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    made = Workspace(raw=tmp_path / "raw", out=tmp_path / "out")
    made.prepare()
    return made


@pytest.fixture
def cursor(workspace: Workspace) -> Any:
    with duckdb.connect() as connection:
        connection.execute(SCHEMA)
        discard_candidates(workspace, connection)
        yield connection


def test_what_is_known_of_other_datasets_and_years_stays_told(
    workspace: Workspace, cursor: duckdb.DuckDBPyConnection
) -> None:
    def told() -> list[tuple[str, int]]:
        return [(e["model"], e["year"]) for e in read_manifest(workspace)["unpublished"]]

    cursor.execute("insert into inventory.blocked values ('a', 2023, 'x'), ('b', 2023, 'x')")
    publish(workspace, cursor, ["a", "b"])
    assert told() == [("a", 2023), ("b", 2023)]
    cursor.execute("delete from inventory.blocked")
    publish(workspace, cursor, ["b"], years=(2024, 2022))
    assert told() == [("a", 2023), ("b", 2023)]
    publish(workspace, cursor, ["b"], years=(2024, 2023))
    assert told() == [("a", 2023)]
    publish(workspace, cursor, ["a", "b"])
    assert told() == []


def test_rows_of_no_dataset_and_files_of_which_nothing_is_published_are_listed(
    workspace: Workspace, cursor: duckdb.DuckDBPyConnection
) -> None:
    market = "filtered: belongs to no dataset yet: REAL_TIME_5_MIN (5 minutes)"
    other = "filtered: of another market or resolution than this dataset"
    forced = "filtered: the workbook of this year forces clock-change days into 24 rows"
    files: list[tuple[str, bool, str | None, list[tuple[str, str | None, int]]]] = [
        ("used.csv", True, None, [("a", None, 3), ("a", market, 2), ("b", market, 2)]),
        ("other.csv", True, None, [("a", market, 7)]),
        ("own market.csv", True, None, [("a", other, 4), ("b", None, 4)]),
        ("forced.csv", True, None, [("a", forced, 24)]),
        ("rejected.csv", True, None, [("a", "rejected: no price", 1), ("a", forced, 1)]),
        ("joined.csv", True, None, [("a", "filtered: joined to the prices as x", 24)]),
        ("gone.csv", False, None, [("a", market, 2)]),
        ("refused.csv", True, "is empty", [("a", market, 2)]),
    ]
    for number, (name, is_present, refusal, kept) in enumerate(files):
        cursor.execute(RAW_FILE, [number, name, is_present, refusal])
        for model, set_aside, rows in kept:
            cursor.execute(
                "insert into inventory.file_rows values ($1, $2, $3, $4)",
                [model, number, set_aside, rows],
            )
        cursor.execute(
            "insert into inventory.file_warnings select unnest(['a', 'b']), $1, 'lacks Zone'",
            [number],
        )
    publish(workspace, cursor, [])
    told = read_manifest(workspace)
    assert told["no_dataset"] == [
        {"file": "other.csv", "of": "REAL_TIME_5_MIN (5 minutes)", "rows": 7},
        {"file": "used.csv", "of": "REAL_TIME_5_MIN (5 minutes)", "rows": 2},
    ]
    assert told["left_out"] == [
        {
            "file": "forced.csv",
            "rows": 24,
            "reason": "the workbook of this year forces clock-change days into 24 rows",
        }
    ]
    assert [entry["file"] for entry in told["warnings"]] == sorted(
        ["used.csv", "other.csv", "own market.csv", "forced.csv", "rejected.csv", "joined.csv"]
    )
    assert {entry["message"] for entry in told["warnings"]} == {"lacks Zone"}


def test_what_no_dataset_takes_is_shown_by_market() -> None:
    market, week = "REAL_TIME_5_MIN (5 minutes)", "REAL_TIME_WEIS (of unknown length)"
    assert printed(
        show_unused,
        [
            {"file": "miso/a.csv", "of": market, "rows": 1000},
            {"file": "miso/b.csv", "of": market, "rows": 440},
            {"file": "spp/a.csv", "of": week, "rows": 1},
        ],
        [{"file": "isone/a.xlsx!x", "rows": 24, "reason": "forced"}],
        [{"file": "[x].csv", "message": "lacks Zone"}],
    ) == [
        "warning [x].csv: lacks Zone",
        f"left out 1,440 rows of {market} belong to no dataset yet: miso/a.csv (and 1 more)",
        f"left out 1 row of {week} belongs to no dataset yet: spp/a.csv",
        "left out isone/a.xlsx!x: nothing of it is published: forced",
    ]


# --- Builds ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def quarters(tmp_path_factory: pytest.TempPathFactory) -> tuple[Built, Ran, Ran]:
    """Build rows of a market without a dataset alone, twice."""
    folder = tmp_path_factory.mktemp("quarters")
    raw, out = folder / "raw", folder / "out"
    written(raw / REAL_TIME_FILE, REAL_TIME)
    first, second = (build(raw, out, "CAISO", check=None) for _ in range(2))
    return Built(raw, out), first, second


@pytest.mark.builds
def test_nothing_published_is_no_success_though_no_file_is_bad(
    quarters: tuple[Built, Ran, Ran],
) -> None:
    built, *runs = quarters
    for ran in runs:
        assert ran.exit_code == 1
        assert ran.stdout.strip() == "nothing is published"
        assert [line for line in ran.says if " done" not in line] == [
            NO_DATASET + REAL_TIME_FILE,
            f"not published caiso: {NOTHING} beside what is told above",
        ]
    assert status(built.out)["no_dataset"] == [
        {"file": REAL_TIME_FILE, "of": "REAL_TIME_HOURLY (60 minutes)", "rows": 2}
    ]
    shown = CliRunner().invoke(app, ["status", "--out", str(built.out)])
    assert shown.stdout.splitlines()[-1] == NO_DATASET + REAL_TIME_FILE


@pytest.fixture(scope="module")
def beside(quarters: tuple[Built, Ran, Ran]) -> Built:
    """The same with an hour beside it, and another operator's day."""
    built, *_ = quarters
    written(built.raw / "caiso/gridstatus_lmp/hours.csv", HOURS)
    sample_day(built.raw, DAY)
    return built


@pytest.mark.builds
def test_rows_of_no_dataset_are_no_fault_beside_published_ones(beside: Built) -> None:
    ran = build(beside.raw, beside.out, "Caiso", "NYISO", check=0)
    assert NO_DATASET + REAL_TIME_FILE in ran.says
    rows = {(row["iso"], row["year"]): row["rows"] for row in status(beside.out)["datasets"]}
    assert rows[("caiso", 2024)] == 1


@pytest.mark.builds
def test_strays_beside_sound_folders_are_named_with_what_was_expected(beside: Built) -> None:
    said = {
        "NYISO": "is no operator's folder and is not read: rename it to nyiso",
        "nysio": "rename it to nyiso if that is meant, or move its files",
        "x.csv": "belongs to no operator: move it to a report folder of one of caiso",
        "nyiso/damlbmp_zones/a.csv": "rename the folder to damlbmp_zone if that is meant",
    }
    strays = ["NYISO/damlbmp_zone/a.csv", "nysio/damlbmp_zone/a.csv", "x.csv"]
    for stray in (*strays, "nyiso/damlbmp_zones/a.csv"):
        written(beside.raw / stray)
    ran = build(beside.raw, beside.out, "nyiso", check=3)
    for name, words in said.items():
        (line,) = [line for line in ran.says if line.startswith(f"refused {name}: ")]
        assert words in line


@pytest.mark.builds
def test_a_year_and_an_operator_that_no_file_is_of_are_no_success(beside: Built) -> None:
    ran = build(beside.raw, beside.out, "ercot", "nyiso", "--year", "2031", check=1)
    assert f"not published ercot 2031: {beside.raw} has no folder ercot" in ran.says
    assert any(line.startswith(f"not published nyiso 2031: {NOTHING}") for line in ran.says)


# --- Plain dbt ------------------------------------------------------------------------------------

ZONE = "nyiso/damlbmp_zone"
BUILD = ("build", "--exclude-resource-type", "unit_test", "--select")


@pytest.fixture(scope="module")
def mended(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """Raw files of two operators; of one a line is mended after it was refused publication."""
    folder = tmp_path_factory.mktemp("mended")
    raw, out = folder / "raw", folder / "out"
    sample_day(raw, DAY)
    (file,) = (raw / ZONE).glob("*.csv")
    sound = file.read_text()
    file.write_text(sound + "no,line\n")
    built = run_dbt(raw, out, *BUILD, "+nyiso_da_energy_hourly", check=1, with_json=True)
    assert "--allow-rejects (dbt: --vars '{allow_rejects: true}')" in built.stdout
    file.write_text(sound)
    return Built(raw, out)


@pytest.mark.builds
def test_a_retry_does_not_call_a_mended_file_published(mended: Built) -> None:
    raw, out = mended.raw, mended.out
    retried = run_dbt(raw, out, "retry", check=1)
    assert file_states(out) == {}
    assert "did not run: publish with dbt build, which runs them" in retried.stdout
    run_dbt(raw, out, "run", "--select", "stg_nyiso__damlbmp_zone", check=0)
    run_dbt(raw, out, *BUILD, "nyiso_da_energy_hourly", check=0)
    assert list(file_states(out)) == [
        "parquet/nyiso/da_energy_hourly/da_energy_hourly_2024.parquet"
    ]
    of_no_year = (*BUILD, "nyiso_da_energy_hourly", "--vars", "{year: 2031}")
    nothing = run_dbt(raw, out, *of_no_year, check=1, with_json=True)
    assert "nothing of what was asked for is published" in nothing.stdout
    again = run_dbt(raw, out, "retry", check=1)
    assert "nothing of what was asked for is published" in again.stdout


@pytest.mark.builds
def test_a_subset_is_not_published_without_what_its_parent_would_read(mended: Built) -> None:
    ran = run_dbt(mended.raw, mended.out, *BUILD, "pjm_da_energy_hourly_hub", check=1)
    assert (
        "not published: pjm_da_energy_hourly_hub 2024: 1 raw files are new, and "
        "pjm_da_energy_hourly_nodal that reads them was not built: select "
        "+pjm_da_energy_hourly_hub"
    ) in ran.stdout


@pytest.mark.builds
def test_dbt_names_a_raw_folder_one_off(tmp_path: Path) -> None:
    sample_day(tmp_path / "raw", DAY)
    ran = run_dbt(tmp_path / "raw" / "nyiso", tmp_path / "out", "build", check=2)
    assert "raw/nyiso looks like the folder of one operator: name " in ran.stdout


def test_advice_names_the_form_for_dbt_too() -> None:
    """Whoever runs dbt has none of the command's flags."""
    flags = r"with --(allow-rejects|prune)|(raise|build the year anew with)\s[f\"\s]*--"
    code = [
        path
        for folder, suffix in (("python", "py"), ("python", "sql"), ("macros", "sql"))
        for path in (REPOSITORY / folder).rglob(f"*.{suffix}")
        if path.name != "cli.py"
    ]
    advice = [
        (path.name, text[found.start() : found.start() + 250])
        for path in code
        for text in (path.read_text(),)
        for found in re.finditer(flags, text)
    ]
    assert len(advice) >= 9
    for name, text in advice:
        assert "dbt" in text or "--memory-limit" in text, f"{name}: {text}"
