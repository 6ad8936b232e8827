"""Running out of disk: an output folder on a small file system that is filled to some level."""

from __future__ import annotations

import os
import shutil
import subprocess
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

from harness import Attack, Ran, build, manifest, published, unsound_now
from kill import Scene, set_scene
from unified_iso.sample import SampleOptions, write_sample

MEGABYTES = 96
LEVELS = 12
OPTIONS = SampleOptions(truth=False, overlap=False, revisions=False)


class NotPermitted(Exception):
    """This machine does not let us mount a file system."""


@contextmanager
def small_disk(folder: Path, megabytes: int = MEGABYTES) -> Iterator[Path]:
    """Mount a file system in memory of that size.

    Raises:
        NotPermitted: mounting is not permitted here.
    """
    folder.mkdir(parents=True, exist_ok=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise NotPermitted("mounting a file system is not permitted here") from error
    try:
        yield folder
    finally:
        # What a child has left behind may hold the folder for a moment longer.
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(folder: Path, free_kilobytes: int) -> Path:
    """Write a file that leaves so much space; remove it to have the space back."""
    status = os.statvfs(folder)
    left = status.f_bavail * status.f_frsize - free_kilobytes * 1024
    filler = folder / "filler"
    with filler.open("wb") as stream:
        while left > 0:
            stream.write(b"\1" * min(left, 1 << 20))
            left -= 1 << 20
    return filler


def _archive(raw: Path, first: date, days: int) -> None:
    """A month of NYISO as the operator packs it, so that the cache needs space too."""
    aside = raw.with_name(f"aside_{first:%m}")
    write_sample(aside, isos=["nyiso"], start=first, days=days, nodes=30, options=OPTIONS)
    folder = raw / "nyiso" / "damlbmp_gen"
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(
        folder / f"{first:%Y%m%d}damlbmp_gen_csv.zip", "w", zipfile.ZIP_DEFLATED
    ) as opened:
        for member in sorted((aside / "nyiso" / "damlbmp_gen").iterdir()):
            opened.write(member, member.name)


def _first(raw: Path) -> None:
    write_sample(raw, isos=["nyiso"], start=date(2024, 3, 8), days=2, nodes=30, options=OPTIONS)
    _archive(raw, date(2024, 2, 1), 15)


def _step(raw: Path) -> None:
    write_sample(raw, isos=["nyiso"], start=date(2024, 3, 12), days=2, nodes=30, options=OPTIONS)
    _archive(raw, date(2024, 4, 1), 20)


def attack(report: Attack, work: Path, quick: bool, seed: int) -> None:
    """Fill the disk to several levels; each time a build, then space, then another build."""
    mounted = work / "disk"
    try:
        with small_disk(mounted) as disk:
            scene = _scene(work, disk)
            needed = _kilobytes(scene.twin) - _kilobytes(scene.before)
            report.figures["the build needs KiB"] = str(needed)
            levels = [needed * 5 * n // (4 * (LEVELS - 1)) for n in range(LEVELS)]
            for number, free in enumerate(levels if not quick else levels[1::4]):
                for prune in (False, True):
                    _one(report, scene, disk, free, prune, cold=number % 2 == 1)
    except NotPermitted as error:
        report.skipped = str(error)


def _scene(work: Path, disk: Path) -> Scene:
    """The output folder lies on the small disk; what it is compared with lies beside it."""
    return set_scene(work, _first, _step, "nyiso", out=disk / "out")


def _kilobytes(folder: Path) -> int:
    return sum(p.lstat().st_size for p in folder.rglob("*") if p.is_file()) // 1024


def _one(report: Attack, scene: Scene, disk: Path, free: int, prune: bool, cold: bool) -> None:
    report.cases += 1
    shutil.rmtree(scene.out, ignore_errors=True)
    scene.restart()
    if cold:
        shutil.rmtree(scene.out / ".unified-iso" / "cache")
    filler = fill(disk, free)
    options = ["nyiso", *(["--prune"] if prune else [])]
    where = f"{free} KiB free{', --prune' if prune else ''}{', no cache' if cold else ''}"
    # The full disk has no room for what the build says.
    log = scene.before.with_name("log")
    ran = build(scene.raw, scene.out, *options, log=log)
    report.says(f"{where}: exit code {ran.exit_code}")
    for fault in _faults(scene, ran):
        report.found(f"{where}: {fault}")
    filler.unlink()
    again = build(scene.raw, scene.out, *options, log=log)
    if again.exit_code:
        report.found(f"{where}: with space again, {again.end}")
    if published(scene.out) != scene.new:
        report.found(f"{where}: with space again, the files differ from a clean build's")


def _faults(scene: Scene, ran: Ran) -> Iterator[str]:
    yield from unsound_now(scene.out, scene.old, scene.new)
    complete = published(scene.out) == scene.new
    if ran.exit_code not in ((0, 1) if complete else (1,)):
        yield f"exit code {ran.exit_code}, {'complete' if complete else 'not complete'}"
    if ran.exit_code and not complete and "space" not in ran.output:
        yield f"the full disk is not told of: {ran.output[-200:]}"
    if ran.has_traceback:
        yield "a traceback is shown"
    if len(ran.output.splitlines()) > 60:
        yield f"{len(ran.output.splitlines())} lines are printed"
    named = [line for line in ran.output.splitlines() if line.startswith("refused")]
    if named:
        yield f"a sound file is refused: {named[0][:200]}"
    try:
        if manifest(scene.out)["refused"]:
            yield "the manifest lists a sound file as refused"
    except (OSError, ValueError) as error:
        yield f"the manifest can't be read: {error}"
