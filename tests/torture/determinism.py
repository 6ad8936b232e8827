"""Same input, same bytes: whatever the machine, the order of files and the number of steps."""

from __future__ import annotations

import os
import random
import shutil
from datetime import date
from pathlib import Path
from typing import Any

from harness import Attack, Ran, accounts, build, manifest, published
from unified_iso.sample import SampleOptions, write_sample

PLACES = (
    {"TZ": "Asia/Kathmandu", "LC_ALL": "C"},
    {"TZ": "America/St_Johns", "LC_ALL": "de_DE.UTF-8", "LANG": "de_DE.UTF-8"},
    {"TZ": "UTC", "PYTHONHASHSEED": "7", "LC_ALL": "tr_TR.UTF-8"},
)


def _sample(raw: Path, quick: bool) -> list[Path]:
    options = SampleOptions(truth=False)
    files: list[Path] = []
    for start in (date(2023, 12, 30), date(2024, 3, 8)):
        files += write_sample(raw, start=start, days=3, nodes=4 if quick else 40, options=options)
    return sorted({*files})


def attack(report: Attack, work: Path, quick: bool, seed: int) -> None:
    """Build the same raw files in many ways and compare bytes, manifest and accounts."""
    raw = work / "raw"
    files = _sample(raw, quick)
    report.figures["raw files"] = str(len(files))
    # The first build stands for all: one thread, so that nothing runs side by side.
    first = work / "first"
    _build(report, raw, first, "--threads", "1")

    def compare(name: str, out: Path) -> None:
        report.cases += 1
        for fault in _differences(first, out):
            report.found(f"{name}: {fault}")
        shutil.rmtree(out)

    for threads in ("4",) if quick else ("1", "2", "4"):
        _build(report, raw, work / "out", "--threads", threads)
        compare(f"{threads} threads", work / "out")
    for limit in ("900MB",) if quick else ("700MB", "1GB", "4GB"):
        _build(report, raw, work / "out", "--memory-limit", limit)
        compare(f"memory limit {limit}", work / "out")
    for place in PLACES[:1] if quick else PLACES:
        _build(report, raw, work / "out", variables=place)
        compare(f"{place}", work / "out")
    shuffled = _shuffled(files, raw, work / "shuffled", random.Random(seed))
    _build(report, shuffled, work / "out")
    compare("files written in another order and at other times", work / "out")
    _in_steps(report, files, raw, work, 2 if quick else 6, random.Random(seed))
    compare("in steps", work / "out")


def _build(report: Attack, raw: Path, out: Path, *options: str, **how: Any) -> Ran:
    ran = build(raw, out, *options, **how)
    if ran.exit_code:
        report.found(f"{options} {how}: {ran.end}")
    return ran


def _differences(first: Path, out: Path) -> list[str]:
    expected, found = published(first), published(out)
    faults = [
        f"{path} has other bytes"
        for path in sorted({*expected, *found})
        if expected.get(path) != found.get(path)
    ]
    if manifest(first) != manifest(out):
        faults.append("the manifest differs")
    if accounts(first) != accounts(out):
        faults.append("the accounts differ")
    return faults


def _shuffled(files: list[Path], raw: Path, folder: Path, rng: random.Random) -> Path:
    """A copy whose files were written in another order, with times that tell another one."""
    order = rng.sample(files, len(files))
    for number, path in enumerate(order):
        copy = folder / path.relative_to(raw)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)
        moment = 1_000_000_000 + 3600 * rng.randrange(10_000) + number
        os.utime(copy, (moment, moment))
    return folder


def _in_steps(
    report: Attack, files: list[Path], raw: Path, work: Path, steps: int, rng: random.Random
) -> None:
    """Give the files to several builds, some to each, in an order by chance."""
    order = rng.sample(files, len(files))
    for step in range(steps):
        for path in order[step::steps]:
            copy = work / "stepwise" / path.relative_to(raw)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)
        build(work / "stepwise", work / "out")
    ran = build(work / "stepwise", work / "out")
    if ran.exit_code:
        report.found(f"in steps: {ran.end}")
