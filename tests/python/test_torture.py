"""The attacks of tests/torture in their short form: few cases, fixed seeds."""

from __future__ import annotations

import json
import os
import random
import shutil
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path

import duckdb
import pytest

if not hasattr(os, "fork"):
    pytest.skip("the attacks fork their builds", allow_module_level=True)

from determinism import PLACES
from disk import NotPermitted, fill, small_disk
from fuzz import Judgement, Subject, damage, original_of, put, readings_of, unread_truth
from harness import (
    Files,
    Ran,
    accounts,
    build,
    published,
    put_back,
    run_child,
    sha256,
    unlike,
    unsound_now,
)
from kill import Scene, State, Stops, set_scene, stopped_states
from mutations import wrap
from oddities import ODDITIES, Oddity, Texts, meet, path_of, refusals, sound_texts
from oracle import SHAPES, SHARED_SHAPES, Broken, Shape, number, unwrapped
from unified_iso.inventory import SCHEMA
from unified_iso.machine import is_of_machine
from unified_iso.sample import SampleOptions, write_sample

pytestmark = pytest.mark.builds

SINGLE = SampleOptions(truth=False, overlap=False, revisions=False, reports=("damlbmp_zone",))
ZONE = SHAPES[1]
WRAPPED = 60
SECONDS = 8


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> Texts:
    """Sound texts of the reports that the table has odd files of."""
    return sound_texts(tmp_path_factory.mktemp("sound"))


@pytest.fixture(scope="module")
def sound(texts: Texts) -> bytes:
    """Text of a sound day of NYISO's zones."""
    return texts[ZONE.folder]


# Odd files, one by one.


@pytest.mark.parametrize(
    "oddity", [odd for odd in ODDITIES if not odd.is_large], ids=lambda oddity: oddity.name
)
def test_an_odd_file_stops_no_other(oddity: Oddity, texts: Texts) -> None:
    assert meet(oddity, texts, SECONDS) is None


def test_the_table_of_odd_files_has_no_name_twice() -> None:
    places = [path_of(Path(), oddity) for oddity in ODDITIES]
    assert len(set(places)) == len(places)


def test_damaged_archives_are_read_or_refused_by_name(tmp_path: Path, sound: bytes) -> None:
    rng = random.Random(20)
    folder = tmp_path / "raw" / ZONE.folder
    folder.mkdir(parents=True)
    (folder / "20240501damlbmp_zone.csv").write_bytes(sound)
    unreadable = set()
    for nth in range(WRAPPED):
        name, content = f"2024{nth:04d}.csv", sound
        while name.endswith(".csv"):
            name, content, _ = wrap(rng, name, sound)
        (folder / name).write_bytes(content)
        if unwrapped(name, content) is None:
            unreadable.add(name)
    told = tmp_path / "told"
    task = partial(_look, tmp_path / "raw", tmp_path / "cache", told)
    ran = run_child(task, log=tmp_path / "log", timeout=SECONDS)
    assert ran.exit_code == 0, ran.end
    refused = {Path(line.partition("!")[0]).name for line in told.read_text().splitlines()}
    assert len(unreadable) > WRAPPED // 4
    assert unreadable <= refused
    assert "20240501damlbmp_zone.csv" not in refused


def _look(raw: Path, cache: Path, told: Path) -> int:
    told.write_text("\n".join(refusals(raw, cache)))
    return 0


# A full disk.


def test_a_full_disk_is_no_fault_of_a_file(tmp_path: Path, sound: bytes) -> None:
    folder = tmp_path / "raw" / ZONE.folder
    folder.mkdir(parents=True)
    archive = folder / "20240501damlbmp_zone_csv.zip"
    shutil.make_archive(str(archive.with_suffix("")), "zip", _with_csv(tmp_path / "one", sound))
    try:
        with small_disk(tmp_path / "disk", megabytes=1) as disk:
            filler = fill(disk, free_kilobytes=8)
            with pytest.raises(Exception) as raised:
                told = refusals(tmp_path / "raw", disk / "cache")
                pytest.fail(f"no error of the machine, but {told}")
            assert is_of_machine(raised.value), raised.value
            filler.unlink()
            shutil.rmtree(disk / "cache")
            assert refusals(tmp_path / "raw", disk / "cache") == {}
    except NotPermitted as error:
        pytest.skip(str(error))


def _with_csv(folder: Path, text: bytes) -> Path:
    folder.mkdir()
    (folder / "20240501damlbmp_zone.csv").write_bytes(text * 4)
    return folder


# Kills.


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    """A day of NYISO's zones is published; a second day and another year are new."""

    def write(raw: Path, day: date) -> None:
        write_sample(raw, isos=["nyiso"], start=day, days=1, options=SINGLE)

    def step(raw: Path) -> None:
        write(raw, date(2024, 3, 9))
        write(raw, date(2023, 6, 1))

    folder = tmp_path_factory.mktemp("kill")
    return set_scene(folder, lambda raw: write(raw, date(2024, 3, 8)), step, "nyiso")


@pytest.fixture(scope="module")
def stops(scene: Scene) -> Stops:
    """What is seen of the step where it is stopped at every line."""
    return stopped_states(scene, scene.raw.parent / "states")


@pytest.fixture(scope="module")
def states(stops: Stops) -> list[State]:
    """What a kill leaves on disk, at every line of the step that changes it."""
    return stops.states


def test_no_file_that_readers_see_is_written_in_its_place(stops: Stops) -> None:
    """A kill may come at any moment of a write, also where a line has stopped too often to show."""
    assert stops.written_in_place == []


def test_a_kill_at_any_line_leaves_old_or_new_files(scene: Scene, states: list[State]) -> None:
    old, new = scene.old, scene.new
    assert _kinds_of_files(scene, states) >= {tuple(old.items()), tuple(new.items())}
    faults = []
    # Most lines change what only the program looks at, and a reader finds what another state has.
    for state in {_shown(state.folder): state for state in reversed(states)}.values():
        put_back(state.folder, scene.out)
        faults += [f"{state.line}: {fault}" for fault in unsound_now(scene.out, old, new)]
    assert faults == []


def _shown(out: Path) -> tuple[tuple[str, int, str], ...]:
    """Everything that a reader of the folder finds, with its time and bytes."""
    seen = [path for path in out.iterdir() if path.name not in (".unified-iso", "logs")]
    below = [path for folder in seen if folder.is_dir() for path in folder.rglob("*")]
    return tuple(
        (str(path.relative_to(out)), path.stat().st_mtime_ns, sha256(path))
        if path.is_file()
        else (str(path.relative_to(out)), 0, "")
        for path in sorted(seen + below)
    )


def _kinds_of_files(scene: Scene, states: list[State]) -> set[tuple[tuple[str, str], ...]]:
    return {tuple(sorted(published(state.folder).items())) for state in states}


def test_the_next_build_heals_what_a_kill_has_left(scene: Scene, states: list[State]) -> None:
    torn = _state_with_new_files_and_old_accounts(scene, states)
    put_back(torn.folder, scene.out)
    ran = scene.run()
    assert ran.exit_code == 0, ran.end
    assert list(unlike(scene.out, scene.twin)) == []


def _state_with_new_files_and_old_accounts(scene: Scene, states: list[State]) -> State:
    """The state in which most could be lost: all files are renamed and no account is kept."""
    new: Files = scene.new
    kept = accounts(scene.twin)
    for state in states:
        if published(state.folder) != new:
            continue
        put_back(state.folder, scene.out)
        try:
            if accounts(scene.out) != kept:
                return state
        except duckdb.Error:
            return state
    return next(state for state in states if published(state.folder) == new)


# The steps before anything is published, told by what the working database knows of the parts.
PART_FILES = "select count(*) from glob('{candidates}/*/????-??-??.parquet')"
STEPS = {
    "after a load": """
        select not exists (from inventory.new_parts)
            and (select bool_and(lines_used is not null) from inventory.raw_files)
            and (select count(*) = 1 from inventory.parts)
    """,
    "between a part and its note": f"""
        select ({PART_FILES}) > (select count(*) from inventory.new_parts where path is not null)
    """,
    "between the note of a part and its accounts": """
        select exists (
            from inventory.new_parts as parts
            anti join inventory.new_accounts as accounts on parts.part = accounts.part
        )
    """,
    "within the accounts of a part": """
        select exists (
            from inventory.new_accounts as accounts
            anti join (from inventory.new_accounts where term = 'published') as written
                on accounts.part = written.part
        )
    """,
}


@dataclass(frozen=True)
class Known:
    """What the working database of a state tells; nothing where it can't be opened."""

    steps: frozenset[str] = frozenset()
    views: tuple[str, ...] = ()


@pytest.fixture(scope="module")
def known(states: list[State]) -> list[Known]:
    """What each state's database knows, looked up once: to open it takes most of the time."""
    return [_known(state.folder / ".unified-iso") for state in states]


def _known(work: Path) -> Known:
    try:
        with duckdb.connect(str(work / "work.duckdb"), read_only=True) as database:
            views = database.execute("select sql from duckdb_views() where not internal")
            texts = tuple(sql for (sql,) in views.fetchall())
            return Known(frozenset(step for step in STEPS if _is_at(step, database, work)), texts)
    except duckdb.Error:
        return Known()


def _is_at(step: str, database: duckdb.DuckDBPyConnection, work: Path) -> bool:
    question = STEPS[step].format(candidates=work / "candidates")
    try:
        return bool(database.execute(question).fetchall()[0][0])
    except duckdb.Error:
        return False


@pytest.mark.parametrize("step", STEPS)
def test_a_kill_within_a_step_leaves_old_files_and_the_next_build_finishes(
    scene: Scene, states: list[State], known: list[Known], step: str
) -> None:
    at_step = [state for state, told in zip(states, known, strict=True) if step in told.steps]
    assert at_step, "no line stands between"
    assert {tuple(published(state.folder).items()) for state in at_step} == {
        tuple(scene.old.items())
    }
    put_back(at_step[0].folder, scene.out)
    ran = scene.run()
    assert ran.exit_code == 0, ran.end
    assert list(unlike(scene.out, scene.twin)) == []


def test_no_kill_leaves_a_staging_view_of_loaded_rows(known: list[Known]) -> None:
    """While a part is written the views stand for loaded rows, which are gone with the process."""
    seen = 0
    for told in known:
        seen += any("stg_nyiso__damlbmp_zone" in text for text in told.views)
        assert [text for text in told.views if "load__" in text or "load_files" in text] == []
    assert seen > 1


# Same input, same bytes.


def test_place_threads_and_steps_change_no_byte(scene: Scene, tmp_path: Path) -> None:
    out = tmp_path / "out"
    ran = build(scene.raw, out, "nyiso", "--threads", "1", variables=PLACES[1])
    assert ran.exit_code == 0, ran.end
    assert published(out) == scene.new


# Damaged texts.


@pytest.mark.parametrize(
    "shape", [*SHAPES, *SHARED_SHAPES], ids=lambda shape: shape.folder.replace("/", " ")
)
def test_the_oracle_reads_sound_files_as_the_generator_means_them(
    shape: Shape, tmp_path: Path
) -> None:
    year = shape.first_year + 1
    original = original_of(tmp_path, shape, date(year, 5, 9))
    assert len(original.truth) > 20
    assert unread_truth(original) is None


@pytest.mark.parametrize(
    ("text", "price"),
    [
        *(("16.30", 16.3), (" -5 ", -5.0), ("1,016.30", 1016.3), ("1e2", 100.0), (".5", 0.5)),
        *(("16,30", None), ("1,01", None), ("NaN", None), ("1e309", None), ("", None)),
        *(("-", None), ("1.2.3", None), ("1_000", None), ("\u0661", None)),
    ],
)
def test_the_oracle_reads_prices_as_people_do(text: str, price: float | None) -> None:
    if price is None:
        with pytest.raises(Broken):
            number(text)
    else:
        assert number(text) == price


def test_the_oracle_knows_no_negative_zero() -> None:
    assert str(number("-0.00")) == "0.0"


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ("select * from truth", []),
        ("select * replace (lmp_total + 0.01 as lmp_total) from truth", ["lmp_total is"]),
        ("select * replace (settlement_location || 'X' as settlement_location) from truth", ["X"]),
        ("select * replace (-0.0::double as lmp_congestion) from truth", ["-0.0"]),
        ("select * from truth limit 359", ["lost without a word"]),
        (
            "select * replace (datetime_utc + interval 1 hour as datetime_utc) from truth",
            ["read as nothing"],
        ),
    ],
)
def test_the_judge_sees_rows_that_are_not_true(
    change: str, expected: list[str], tmp_path: Path
) -> None:
    original = original_of(tmp_path / "raw", ZONE, date(2010, 5, 9))
    subject = Subject(original, f"{ZONE.folder}/{original.name}", original.text, "")
    subject.readings = readings_of(subject)
    out = tmp_path / "out"
    folder = out / "parquet" / "nyiso" / ZONE.dataset
    for made in (folder, out / "metadata", out / ".unified-iso"):
        made.mkdir(parents=True)
    lists: dict[str, list[str]] = {"files": [], "refused": [], "rejected": [], "unpublished": []}
    (out / "metadata" / "manifest.json").write_text(json.dumps(lists))
    truth = tmp_path / "raw" / "truth" / "nyiso" / f"{ZONE.dataset}.parquet"
    with duckdb.connect(str(out / ".unified-iso" / "work.duckdb")) as database:
        database.execute(SCHEMA)
        database.execute(f"create temp view truth as from read_parquet('{truth}')")
        database.execute(f"copy ({change}) to '{folder}/year.parquet' (format parquet)")
    found = list(Judgement([subject], out, Ran(0, "", 0.0)).of(subject))
    assert bool(found) == bool(expected)
    assert all(any(words in fault for fault in found) for words in expected)


def test_damaged_files_become_right_rows_or_are_told_of(tmp_path: Path) -> None:
    given = [
        original_of(tmp_path / str(year), ZONE, date(year, 5, 9)) for year in range(2010, 2018)
    ]
    subjects = damage(given, random.Random(7))
    assert sum(bool(subject.done) for subject in subjects) == len(given) - 2
    raw, out = tmp_path / "raw", tmp_path / "out"
    put(subjects, raw)
    ran = build(raw, out, "nyiso", "--allow-rejects")
    assert not ran.has_traceback, ran.end
    judgement = Judgement(subjects, out, ran)
    faults = list(judgement.of_sound_years())
    for subject in subjects:
        faults += [f"{subject.path} ({subject.done}): {text}" for text in judgement.of(subject)]
    assert faults == []
