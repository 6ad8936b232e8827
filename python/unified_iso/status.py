"""What `status` tells of a tree: what is published, what is not and why, from metadata alone.

The files are not read, and the working database is not opened, because a run may be writing to it:
the manifest has what a received tree needs, and a file beside the database has the raw files.
"""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from unified_iso.contracts import clocks
from unified_iso.footers import Entry
from unified_iso.manifest import read_manifest
from unified_iso.root import ROOT
from unified_iso.status_table import status_rows
from unified_iso.workspace import Workspace

JSON_VERSION = 1
# What the manifest lists of raw files, by the key that names the file or its folder.
_OF_FILES = {
    "refused": "file",
    "rejected": "file",
    "no_dataset": "file",
    "left_out": "file",
    "warnings": "file",
    "unread": "folder",
    "vanished": "file",
}
_OF_MODELS = ("unpublished", "findings")
# States of raw files that the next build has to do with, or that it can't do anything with.
WAITING = ("new", "changed", "gone", "waiting")
_WHY = {
    "new": "new since the last build",
    "changed": "changed since the last build",
    "gone": "gone since the last build",
    "waiting": "seen by a build that did not publish its years: build again without --year and "
    "--dataset, or see what is told of them",
}


@dataclass(frozen=True, slots=True)
class Filter:
    """What is asked about; empty ones ask about all.

    isos, models: operators, and datasets by the names of their models.
    years: delivery years.
    """

    isos: Collection[str] = ()
    models: Collection[str] = ()
    years: Collection[int] = ()

    def takes(self, model: str, year: int | None) -> bool:
        """Whether a dataset-year is asked about; a message that tells no year is of all."""
        of_model = not self.models or model in self.models
        return of_model and (not self.years or year is None or year in self.years)

    def takes_file(self, name: str) -> bool:
        """Whether a raw file is asked about; what belongs to no operator always is."""
        iso = name.partition("/")[0]
        return not self.isos or iso in self.isos or iso not in clocks(ROOT)


@dataclass(slots=True)
class Status:
    """All that is told, as the JSON has it.

    datasets: year files with what they hold; `held_back` says why one is not what it should be.
    gaps: runs of missing intervals of whole datasets, in UTC and in local time.
    raw: the raw folder that was looked at and its files that are not published as they are.
    told: lists of the manifest by name, see `docs/status.schema.json`.
    last_run: what the last build of the command line came to, if one was run here.
    notes: what could not be told, and why.
    """

    out: str
    datasets: list[Entry] = field(default_factory=list)
    gaps: list[Entry] = field(default_factory=list)
    raw: Entry | None = None
    told: dict[str, list[Entry]] = field(default_factory=dict)
    last_run: Entry | None = None
    is_running: bool = False
    notes: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """Return what `docs/status.schema.json` describes."""
        return {
            "json_version": JSON_VERSION,
            "out": self.out,
            "datasets": self.datasets,
            "gaps": self.gaps,
            "raw": self.raw,
            **self.told,
            "last_run": self.last_run,
            "is_running": self.is_running,
            "notes": self.notes,
        }


def status_of(workspace: Workspace, raw: Path | None, asked: Filter) -> Status:
    """Gather what is known of a tree, and compare the raw folder with what the last run has seen.

    raw: the raw folder; that of the last build without, if one was run here.

    Raises:
        OSError: a folder can't be read.
    """
    found = Status(str(workspace.out))
    manifest = read_manifest(workspace)
    found.last_run = _last_run(workspace)
    found.is_running = is_running(workspace)
    if found.is_running:
        found.notes.append("a build is running: this is what was known before it ends")
    found.told = _told(manifest, asked)
    held_back = {(e["model"], e["year"]): e["reason"] for e in manifest["unpublished"]}
    rows = [
        row for row in status_rows(workspace, manifest) if asked.takes(row["model"], row["year"])
    ]
    found.datasets = [
        row | {"held_back": held_back.get((row["model"], row["year"]))} for row in rows
    ]
    entries = [e for e in manifest["files"] if asked.takes(e["model"], e["year"])]
    found.gaps = list(_gaps(entries))
    if any("gaps" not in entry for entry in entries):
        found.notes.append("some files were made before gaps were noted: --full-refresh notes them")
    folder = raw or _raw_of_last_run(found.last_run)
    if folder and folder.is_dir():
        unread = {str(entry["folder"]) for entry in manifest["unread"]}
        found.raw = _compare_raw(workspace, folder, asked, found, unread)
    elif folder:
        found.notes.append(f"the raw folder {folder} does not exist: raw files are not compared")
    else:
        found.notes.append("no raw folder is known: name it with --raw to compare its files")
    return found


def _told(manifest: Mapping[str, Any], asked: Filter) -> dict[str, list[Entry]]:
    told = {
        name: [entry for entry in manifest[name] if asked.takes_file(str(entry[key]))]
        for name, key in _OF_FILES.items()
    }
    return told | {
        name: [entry for entry in manifest[name] if asked.takes(entry["model"], entry["year"])]
        for name in _OF_MODELS
    }


def _last_run(workspace: Workspace) -> Entry | None:
    with suppress(OSError, ValueError):
        told = json.loads(workspace.last_run.read_bytes())
        if isinstance(told, dict):
            return told
    return None


def _raw_of_last_run(last_run: Entry | None) -> Path | None:
    raw = (last_run or {}).get("raw")
    return Path(raw) if isinstance(raw, str) else None


def is_running(workspace: Workspace) -> bool:
    """Whether the process that took the lock last is still alive, and is not this one."""
    try:
        process = int(workspace.lock_file.with_suffix(".owner").read_text())
        # On Windows this would not ask after the process but interrupt it.
        if process == os.getpid() or os.name == "nt":
            return False
        os.kill(process, 0)
    except PermissionError:
        # It belongs to somebody else, and so it is there.
        return True
    except (OSError, ValueError, OverflowError):
        return False
    return True


def _gaps(entries: Sequence[Entry]) -> Iterator[Entry]:
    """Tell the gaps within files, and those between the files of a dataset."""
    zones = {iso: ZoneInfo(clock.time_zone) for iso, clock in clocks(ROOT).items()}
    by_model: dict[str, list[Entry]] = {}
    for entry in sorted(entries, key=lambda entry: (entry["model"], entry["year"])):
        by_model.setdefault(entry["model"], []).append(entry)
    for model, files in by_model.items():
        zone = zones.get(files[0]["iso"])
        found: list[tuple[str, str, int]] = []
        for entry in files:
            runs = entry.get("gaps", {}).get("listed", [])
            found += [(run["from"], run["to"], run["intervals"]) for run in runs]
        found += _between(files)
        for first, end, intervals in sorted(found):
            yield {
                "model": model,
                "from_utc": first,
                "to_utc": end,
                "from_local": _local(first, zone),
                "to_local": _local(end, zone),
                "intervals": intervals,
            }


def _between(files: Sequence[Entry]) -> Iterator[tuple[str, str, int]]:
    """Find what is missing between the last interval of a file and the first of the next one."""
    for before, after in pairwise(files):
        step = 60 * before["step_minutes"]
        end = _instant(before["last_interval"]).timestamp() + step
        first = _instant(after["first_interval"]).timestamp()
        # Intervals of unequal length may take longer than their nominal one.
        if first - end >= (2 * step if before.get("own_ends") else 1):
            missing_from = datetime.fromtimestamp(end, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            yield missing_from, after["first_interval"], round((first - end) / step)


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _local(instant: str, zone: ZoneInfo | None) -> str | None:
    """Return local time with its offset, which tells both passes of the repeated hour apart."""
    return _instant(instant).astimezone(zone).isoformat() if zone else None


def _compare_raw(
    workspace: Workspace,
    folder: Path,
    asked: Filter,
    found: Status,
    unread: Collection[str],
) -> Entry:
    """List the raw files that are not published as they are now, by size and time of change.

    unread: folders of reports that no dataset reads.
    """
    # It takes longer to import than all else here.
    from unified_iso.raw_files.listing import LINK_TO_NOTHING, list_raw_files, list_strays

    seen = _raw_files_seen(workspace)
    if seen is None:
        found.notes.append("what the last build has seen is not known here: all raw files are new")
        seen = {}
    reports = _reports()
    operators = list(dict.fromkeys(iso for iso, _ in reports))
    listed = list_raw_files(folder, operators, reports) + list_strays(folder, operators)
    files = []
    there = set()
    for file in listed:
        name = file.path.encode("utf-8", "backslashreplace").decode()
        there.add(name)
        state, why = _state_of_raw(seen.get(name), file.size, file.mtime_ns, file.refusal)
        is_idle = file.refusal == LINK_TO_NOTHING and name not in seen
        if state and not is_idle and f"{file.iso}/{file.report}" not in unread:
            files.append({"file": name, "state": state, "why": why})
    for name, (_, _, state, _) in seen.items():
        if name not in there and state != "alongside":
            files.append({"file": name, "state": "gone", "why": _WHY["gone"]})
    files = [file for file in files if asked.takes_file(str(file["file"]))]
    return {
        "folder": str(folder),
        "files": len(there),
        "unpublished": sorted(files, key=lambda file: str(file["file"])),
    }


def _state_of_raw(
    seen: tuple[int, int, str, str | None] | None, size: int, mtime_ns: int, refusal: str | None
) -> tuple[str | None, str | None]:
    """Return the state of a raw file and why, none of one that is published as it is."""
    if refusal is not None:
        return "refused", refusal
    if seen is None:
        return "new", _WHY["new"]
    known_size, known_time, state, why = seen
    if state == "alongside":
        return None, None
    if (known_size, known_time) != (size, mtime_ns):
        return "changed", _WHY["changed"]
    if state in ("refused", "waiting", "rejected"):
        return state, why or _WHY.get(state, "has rejected lines or rows, see `rejected`")
    return None, None


def _raw_files_seen(
    workspace: Workspace,
) -> dict[str, tuple[int, int, str, str | None]] | None:
    """Return size, time of change, state and why of every file that the last run has seen."""
    import duckdb

    if not workspace.raw_files_seen.is_file():
        return None
    with suppress(duckdb.Error):
        rows = duckdb.execute(
            "select path, size, mtime_ns, state, why"
            " from read_parquet($1, hive_partitioning = false)",
            [str(workspace.raw_files_seen)],
        ).fetchall()
        return {path: (size, time, state, why) for path, size, time, state, why in rows}
    return None


def _reports() -> list[tuple[str, str]]:
    with (ROOT / "seeds" / "reports.csv").open(newline="") as stream:
        return [(row["iso"], row["report"]) for row in csv.DictReader(stream)]


def keep_last_run(
    workspace: Workspace,
    *,
    at: datetime,
    seconds: float,
    exit_code: int,
    asked: Mapping[str, Any],
    failures: Iterable[str],
) -> None:
    """Write down what a build came to, for `status`; where that fails, the build counts still.

    asked: what the build was asked for.
    failures: what failed, in words, one text for each.
    """
    told = {
        "at": at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "seconds": round(seconds, 1),
        "exit_code": exit_code,
        "raw": str(workspace.raw),
        "asked": dict(asked),
        "failures": list(failures),
    }
    new = workspace.last_run.with_name(workspace.last_run.name + ".partial")
    with suppress(OSError):
        new.write_text(json.dumps(told, indent=1))
        new.replace(workspace.last_run)
