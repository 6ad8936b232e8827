"""The first files of a report that the project does not read yet: `unified-iso new-report`.

What they read is made up: a stamp in UTC, a location and a price. They are parsed and built as they
are, so that a contributor changes something that works.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from importlib.resources import files
from pathlib import Path
from string import Template

from unified_iso.workspace import beside

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")


class NoSkeleton(ValueError):
    """The files can't be written; the message says why."""


def write_report(root: Path, iso: str, report: str, known: Collection[str]) -> list[Path]:
    """Write staging model and yml of a report into the project in `root`.

    known: folders of the reports that the operator has already.

    Returns the files. Raises NoSkeleton where the report has a model or a name that no folder of
    raw files has.
    """
    if not _NAME.fullmatch(report):
        raise NoSkeleton(f"{report!r} is no folder name: use a-z, 0-9, - and _")
    if report in known:
        raise NoSkeleton(f"{iso} has a report {report} already, see seeds/reports.csv")
    name = report.replace("-", "_")
    folder = root / "models" / "staging" / iso
    words = {
        "iso": iso,
        "report": report,
        "name": name,
        "model": f"stg_{iso}__{name}",
        "title": f"Prices of {iso.upper()}'s report {report}",
    }
    content = {
        folder / f"{words['model']}.sql": _filled("staging", words),
        folder / f"_{iso}__{name}.yml": _filled("yml", words),
    }
    for path in content:
        if path.exists():
            raise NoSkeleton(f"{path} is there already")
    folder.mkdir(parents=True, exist_ok=True)
    for path, text in content.items():
        written = beside(path)
        written.write_text(text)
        written.replace(path)
    return [*content]


def left_to_do(iso: str, report: str) -> list[str]:
    """Return what the report needs beside its files, a line each."""
    model = f"stg_{iso}__{report.replace('-', '_')}"
    return [
        f"seeds/reports.csv: add the row {iso},{report},2,false,",
        f"models/unified/{iso}_<dataset>.sql: add '{model}' to `staging` of its record",
        f"models/staging/{iso}/_{iso}__unit_tests.yml: tell its spring day, fall day and quirks",
        f"python/unified_iso/sample/{iso}.py: add its Report, so that round trips cover it",
        "docs/raw_files.md, docs/known_limits.md, README.md: add it to the tables",
    ]


def _filled(name: str, words: dict[str, str]) -> str:
    return Template((files(__name__) / f"{name}.template").read_text()).substitute(words)
