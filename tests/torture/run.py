"""Attack the program: `run.py [NAME ...] [--quick] [--seed N] [--rounds N] [--work DIR]`.

Each finding is printed in a line when it is found, and at the end a table that tells what every
attack did. The exit code is 1 where there is a finding.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path

import determinism
import disk
import fuzz
import kill
import memory
import oddities
from harness import Attack

ATTACKS: dict[str, Callable[[Attack, Path, bool, int], None]] = {
    "kill": kill.attack,
    "disk": disk.attack,
    "fuzz": fuzz.attack,
    "oddities": oddities.attack,
    "determinism": determinism.attack,
    "memory": memory.attack,
}


def main(arguments: Sequence[str]) -> int:
    """Run the attacks asked for; return the exit code."""
    parser = argparse.ArgumentParser(description="Attack the program.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(ATTACKS)}; all")
    parser.add_argument("--quick", action="store_true", help="few cases of each")
    parser.add_argument("--seed", type=int, default=1, help="of everything drawn by chance")
    parser.add_argument("--rounds", type=int, help="of the fuzzer")
    parser.add_argument("--work", type=Path, help="folder for its files, emptied first")
    chosen = parser.parse_args(arguments)
    unknown = [name for name in chosen.names if name not in ATTACKS]
    if unknown:
        parser.error(f"no attack {', '.join(unknown)}: there are {', '.join(ATTACKS)}")
    reports = []
    for name in chosen.names or ATTACKS:
        report = Attack(name)
        reports.append(report)
        work = chosen.work / name if chosen.work else Path(tempfile.mkdtemp(prefix="torture-"))
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir(parents=True)
        start = time.monotonic()
        try:
            if name == "fuzz":
                fuzz.attack(report, work, chosen.quick, chosen.seed, chosen.rounds)
            else:
                ATTACKS[name](report, work, chosen.quick, chosen.seed)
        except Exception as error:
            traceback.print_exc()
            report.found(f"the attack itself broke off: {type(error).__name__}: {error}")
        report.seconds = time.monotonic() - start
        shutil.rmtree(work, ignore_errors=True)
    print("\n".join(table(reports)), flush=True)
    return 1 if any(report.findings for report in reports) else 0


def table(reports: Sequence[Attack]) -> list[str]:
    """Lay the summary out as a table of Markdown."""
    lines = [
        "| attack | cases | findings | minutes | figures |",
        "|---|---|---|---|---|",
    ]
    for report in reports:
        figures = "; ".join(f"{name}: {value}" for name, value in report.figures.items())
        told = report.skipped or figures or "-"
        lines.append(
            f"| {report.name} | {report.cases} | {len(report.findings)} |"
            f" {report.seconds / 60:.1f} | {told} |"
        )
    return lines


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
