"""Killing a build: at random moments, and at every line that publishes.

A kill leaves on disk what stood there at that moment. So for the lines no process is killed: it is
stopped with all its threads at each line, and where the disk differs from the stop before, a copy
of the output folder is taken, which is what a kill at that line would have left. One build thus
shows every state, and each state is then treated as after a kill.

A line that runs often stops the first few times only, so that a file which is written where it
stands, and not moved into its place, may be whole at every stop. It is told by itself: it keeps its
place on disk, whatever the number of stops.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import sys
import threading
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

import duckdb

import unified_iso
from harness import (
    Attack,
    Files,
    Ran,
    accounts,
    build,
    build_here,
    published,
    put_back,
    run_child,
    unlike,
    unsound_now,
)
from unified_iso.sample import SampleOptions, write_sample

PACKAGE = str(Path(unified_iso.__file__).parent) + os.sep
# Everything of the package that runs in a build is traced, but for the command around it, and for
# what only reads raw files.
COMMAND = {
    *("cli.py", "console.py", "outcome.py", "outcome_text.py", "status_table.py"),
    *("progress.py", "project.py", "dbt_run.py", "__main__.py"),
}
RAW_FILES = f"{PACKAGE}raw_files{os.sep}"
STOPS_PER_LINE = 3
PLAIN = SampleOptions(truth=False)
SINGLE = SampleOptions(truth=False, overlap=False, revisions=False)


@dataclass(frozen=True)
class Scene:
    """An old state, a step of the raw folder beyond it, and what an undisturbed run makes of it."""

    raw: Path
    out: Path
    before: Path
    twin: Path
    options: tuple[str, ...]
    seconds: float

    @property
    def old(self) -> Files:
        """Files published before the step."""
        return published(self.before)

    @property
    def new(self) -> Files:
        """Files published after it."""
        return published(self.twin)

    def restart(self) -> None:
        """Put the output folder back before the step."""
        put_back(self.before, self.out)

    def run(self, **how: Any) -> Ran:
        """Run the step."""
        return build(self.raw, self.out, *self.options, **how)


def _settled(ran: Ran) -> Ran:
    if ran.exit_code:
        raise RuntimeError(f"an undisturbed build failed, {ran.end}")
    return ran


def set_scene(
    work: Path,
    first: Callable[[Path], None],
    step: Callable[[Path], None],
    *options: str,
    out: Path | None = None,
) -> Scene:
    """Build what `first` writes, keep it, and build once more after `step`, undisturbed."""
    raw, out = work / "raw", out or work / "out"
    first(raw)
    _settled(build(raw, out, *options))
    put_back(out, work / "before")
    step(raw)
    ran = _settled(build(raw, out, *options))
    put_back(out, work / "twin")
    return Scene(raw, out, work / "before", work / "twin", options, ran.seconds)


def _add(raw: Path, iso: str, day: date, days: int = 1, nodes: int = 3) -> None:
    write_sample(raw, isos=[iso], start=day, days=days, nodes=nodes, options=PLAIN)


def _first(raw: Path) -> None:
    _add(raw, "nyiso", date(2024, 3, 8), 2)
    _add(raw, "nyiso", date(2023, 12, 31))
    _add(raw, "pjm", date(2024, 3, 8), 2)
    _add(raw, "isone", date(2023, 6, 1))
    _add(raw, "isone", date(2024, 3, 8))


def _step(raw: Path) -> None:
    """New days and years, an archive, a changed file and one that is gone with its whole year."""
    _add(raw, "nyiso", date(2024, 3, 11))
    _add(raw, "pjm", date(2025, 1, 1))
    aside = raw.with_name("aside")
    _add(aside, "nyiso", date(2024, 4, 2), 2)
    archive = raw / "nyiso" / "damlbmp_zone" / "20240401damlbmp_zone_csv.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as opened:
        for member in sorted((aside / "nyiso" / "damlbmp_zone").iterdir()):
            opened.write(member, member.name)
    changed = raw / "pjm" / "da_hrl_lmps" / "da_hrl_lmps_20240309.csv"
    changed.write_text(changed.read_text().replace(",True,1", ",True,3"))
    for gone in (raw / "isone" / "ww_dalmp_iso").glob("*2023*"):
        gone.unlink()


def attack(report: Attack, work: Path, quick: bool, seed: int) -> None:
    """Kill at random moments, then at every line, then let raw files vanish after a kill."""
    scene = set_scene(work / "step", _first, _step, "nyiso", "pjm", "isone", "--prune")
    kills = 12 if quick else 200
    _kill_at_random(report, scene, random.Random(seed), kills)
    stops = stopped_states(scene, work / "states")
    for told in stops.written_in_place:
        report.found(told)
    states = stops.states
    report.figures["states on disk at every line"] = str(len(states))
    report.says(f"{kills} times at random; {len(states)} states at every line")
    for state in states if not quick else states[:: max(1, len(states) // 12)]:
        judge(report, scene, state)
    lose_raw_files(report, work / "vanish")


def _kill_at_random(report: Attack, scene: Scene, rng: random.Random, kills: int) -> None:
    report.figures["random kills"] = str(kills)
    for number in range(kills):
        moment = rng.uniform(0, scene.seconds)
        scene.restart()
        ran = scene.run(kill_after=moment)
        report.cases += 1
        where = f"killed after {moment:.2f} s (number {number})"
        if ran.exit_code not in (0, -signal.SIGKILL):
            report.found(f"{where}: {ran.end}")
        _judge_after_kill(report, scene, where)


def _judge_after_kill(report: Attack, scene: Scene, where: str) -> None:
    for fault in unsound_now(scene.out, scene.old, scene.new):
        report.found(f"{where}: {fault}")
    ran = scene.run()
    if ran.exit_code:
        report.found(f"{where}: the next build ends with {ran.end}")
        return
    for fault in unlike(scene.out, scene.twin):
        report.found(f"{where}: after the next build {fault}")


# --- At every line --------------------------------------------------------------------------------


@dataclass(frozen=True)
class State:
    """A copy of the output folder as it stood before a line, and which line that was."""

    folder: Path
    line: str


@dataclass(frozen=True)
class Stops:
    """What the stops of a build have shown.

    states: of the output folder, equal ones once.
    written_in_place: which files that readers see were written where they stand, in words.
    """

    states: list[State]
    written_in_place: list[str]


def stop_at_lines(told: Path) -> None:
    """Make this process stop itself before each line of the package that runs in a build.

    A line that runs often stops the first few times. The name of the line goes to `told` first.
    """
    stops: dict[tuple[str, int], int] = {}
    lock = threading.Lock()

    def at_line(frame: FrameType, event: str, argument: object) -> Callable[..., Any]:
        if event != "line":
            return at_line
        place = (frame.f_code.co_filename, frame.f_lineno)
        with lock:
            stops[place] = stops.get(place, 0) + 1
            if stops[place] <= STOPS_PER_LINE:
                name = f"{Path(place[0]).name}:{place[1]} in {frame.f_code.co_name}"
                told.write_text(name)
                os.kill(os.getpid(), signal.SIGSTOP)
        return at_line

    def at_call(frame: FrameType, event: str, argument: object) -> Callable[..., Any] | None:
        name = frame.f_code.co_filename
        is_left_out = name.startswith(RAW_FILES) or Path(name).name in COMMAND
        is_ours = name.startswith(PACKAGE) and not is_left_out
        return at_line if is_ours else None

    threading.settrace(at_call)
    sys.settrace(at_call)


def stopped_states(scene: Scene, folder: Path) -> Stops:
    """Run the step once; return what each line would have left on disk."""
    folder.mkdir(parents=True)
    scene.restart()
    pins = _pinned(scene.out, folder / "pins")
    told = folder / "line"
    states: list[State] = []
    in_place: list[str] = []
    seen = [_look_of(scene.out)]

    def keep() -> None:
        look = _look_of(scene.out)
        if look == seen[-1]:
            return
        for path in sorted(_grown(scene.out, seen[-1], look)):
            in_place.append(f"{path} was written in its place before {told.read_text()}")
        seen.append(look)
        copy = folder / f"{len(states):04d}"
        shutil.copytree(scene.out, copy, symlinks=True)
        states.append(State(copy, told.read_text()))

    task = partial(_build_in_stops, scene, told)
    _settled(run_child(task, log=folder / "log", on_stop=keep))
    for path, pin in pins.items():
        if pin.read_bytes() != (scene.before / path).read_bytes():
            in_place.append(f"{path} was written in its place")
    return Stops(states, in_place)


def _pinned(out: Path, folder: Path) -> dict[str, Path]:
    """Link each file that readers see to a name of its own, so that what is written to it shows."""
    pins: dict[str, Path] = {}
    folder.mkdir()
    for path in sorted(out.rglob("*")):
        if path.is_file() and _is_shown(path, out):
            pin = folder / f"{len(pins):04d}"
            os.link(path, pin)
            pins[str(path.relative_to(out))] = pin
    return pins


def _grown(out: Path, before: Look, after: Look) -> Iterator[str]:
    """Files that readers see and that have changed between two stops, but were not replaced."""
    was = {path: rest for path, *rest in before}
    for path, *rest in after:
        place, *_, is_file = rest
        then = was.get(path)
        if is_file and then and then[0] == place and then != rest and _is_shown(Path(path), out):
            yield str(Path(path).relative_to(out))


def _is_shown(path: Path, out: Path) -> bool:
    top = path.relative_to(out).parts[0]
    return top not in (".unified-iso", "logs") and ".partial" not in path.suffixes


def _build_in_stops(scene: Scene, told: Path) -> int:
    stop_at_lines(told)
    return build_here(scene.raw, scene.out, *scene.options)


Look = tuple[tuple[str, int, int, int, bool], ...]


def _look_of(out: Path) -> Look:
    """What tells one state of a folder from another without reading it."""
    return tuple(sorted(_looks(out, {str(out / "logs"), str(out / ".unified-iso" / "target")})))


def _looks(folder: Path | str, skipped: set[str]) -> Iterator[tuple[str, int, int, int, bool]]:
    """Look at every stop, so that folders which are skipped are not even listed."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.path in skipped:
                continue
            status = entry.stat(follow_symlinks=False)
            is_folder = entry.is_dir(follow_symlinks=False)
            yield entry.path, status.st_ino, status.st_size, status.st_mtime_ns, not is_folder
            if is_folder:
                yield from _looks(entry.path, skipped)


def judge(report: Attack, scene: Scene, state: State) -> None:
    """Treat a state as after a kill: it must be sound, and the next build must heal it."""
    put_back(state.folder, scene.out)
    report.cases += 1
    _judge_after_kill(report, scene, f"killed at {state.line}")


# --- Raw files that vanish after a kill -----------------------------------------------------------


def lose_raw_files(report: Attack, work: Path) -> None:
    """After a kill the accounts must still tell which rows would go with a vanished raw file.

    A second day is added and the build killed at every line; of the states those are taken in
    which files and accounts differ from each other in another way. Then the second day's raw files
    vanish, a third day comes, and without --prune nothing published may go.
    """

    def second(raw: Path) -> None:
        write_sample(raw, isos=["nyiso"], start=date(2024, 3, 9), days=1, nodes=3, options=SINGLE)

    def first(raw: Path) -> None:
        write_sample(raw, isos=["nyiso"], start=date(2024, 3, 8), days=1, nodes=3, options=SINGLE)

    scene = set_scene(work, first, second, "nyiso")
    for state in _kinds(scene, stopped_states(scene, work / "states").states):
        put_back(state.folder, scene.out)
        report.cases += 1
        if scene.run().exit_code:
            report.found(f"killed at {state.line}: the next build fails")
            continue
        held = _rows_by_file(scene.out)
        hidden = work / "hidden"
        shutil.copytree(scene.raw, hidden)
        for path in scene.raw.rglob("*20240309*"):
            path.unlink()
        write_sample(
            scene.raw, isos=["nyiso"], start=date(2024, 3, 10), days=1, nodes=3, options=SINGLE
        )
        ran = scene.run()
        left = _rows_by_file(scene.out)
        lost = {name: rows for name, rows in held.items() if left.get(name, 0) < rows}
        if lost:
            report.found(
                f"killed at {state.line}, then a raw file vanished: without --prune the build "
                f"ends with exit code {ran.exit_code} and rows are gone: {lost}"
            )
        elif ran.exit_code == 0:
            report.found(f"killed at {state.line}: a vanished raw file is not told of")
        shutil.rmtree(scene.raw)
        hidden.rename(scene.raw)


def _kinds(scene: Scene, states: list[State]) -> list[State]:
    found: dict[Any, State] = {}
    for state in states:
        put_back(state.folder, scene.out)
        files = tuple(sorted(published(scene.out).items()))
        try:
            kind: tuple[object, ...] = (files, tuple(accounts(scene.out)))
        except duckdb.Error as error:
            kind = (files, str(error)[:20])
        found.setdefault(kind, state)
    return list(found.values())


def _rows_by_file(out: Path) -> dict[str, int]:
    with duckdb.connect() as connection:
        return dict(
            connection.execute(
                "select data_source, count(*) from read_parquet($1, hive_partitioning = false)"
                " group by all",
                [f"{out}/parquet/*/*/*.parquet"],
            ).fetchall()
        )
