"""Whether stamps that nothing published tells the meaning of are read in the way that fits."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any

from unified_iso.footers import Entry
from unified_iso.root import ROOT
from unified_iso.sql import sql_text
from unified_iso.workspace import Workspace

OTHER = {"start": "end", "end": "start"}


@dataclass(frozen=True)
class StampReading:
    """How stamps of a report are read, beside the other way.

    stamp: what they are taken for, `start` or `end` of an interval.
    hours: location-hours that were compared with hourly prices.
    distance, distance_of_other: mean distance of hourly means from the hourly prices, in $/MWh, as
        stamps are read, and if they were read in the other way.
    """

    report: str
    stamp: str
    hours: int
    distance: float
    distance_of_other: float

    @property
    def fits(self) -> str:
        """The reading that is nearer to the hourly prices."""
        return OTHER[self.stamp] if self.distance_of_other < self.distance else self.stamp

    @property
    def record(self) -> dict[str, Any]:
        """What the JSON of `status` says."""
        return asdict(self) | {"fits": self.fits}

    @property
    def said(self) -> str:
        """What the table of `status` says."""
        found = (
            f"stamps of {self.report} are read as interval {self.stamp}: hourly means are "
            f"{self.distance:.4f} $/MWh from the hourly prices, and would be "
            f"{self.distance_of_other:.4f} read as {OTHER[self.stamp]} "
            f"({self.hours:,} hours of hubs compared)"
        )
        if self.fits == self.stamp:
            return f"{found}: {self.stamp} fits"
        return f"{found}: {self.fits} fits better, set it in seeds/interval_stamps.csv"


def stamp_readings(
    workspace: Workspace, entries: Sequence[Entry]
) -> dict[tuple[str, int], StampReading]:
    """Compare five-minute prices of unsettled stamps with hourly prices, by dataset model and year.

    entries: the published year files. Of each dataset the last year that has both is looked at.
    """
    paths = {
        (entry["model"], entry["year"]): str(workspace.out / entry["path"]) for entry in entries
    }
    found: dict[tuple[str, int], StampReading] = {}
    for setting in _settings():
        model, hourly = setting["dataset"], setting["hourly_dataset"]
        years = [year for name, year in paths if name == model and (hourly, year) in paths]
        if years:
            year = max(years)
            reading = _reading(setting, paths[model, year], paths[hourly, year])
            if reading:
                found[model, year] = reading
    return found


def readings_now(
    workspace: Workspace, entries: Sequence[Entry], known: Sequence[Entry]
) -> list[Entry]:
    """Return the comparisons as the manifest keeps them; files that are as before are not read.

    entries: the published year files.
    known: the comparisons of the manifest.
    """
    by_files = {tuple(entry["files"]): entry for entry in known}
    sums = {(entry["model"], entry["year"]): entry["sha256"] for entry in entries}
    wanted = list(_compared(sums))
    if all(files in by_files for _, _, files in wanted):
        return [by_files[files] for _, _, files in wanted]
    found = stamp_readings(workspace, entries)
    return [
        {
            "model": model,
            "year": year,
            "files": list(files),
            "reading": asdict(found[model, year]) if (model, year) in found else None,
        }
        for model, year, files in wanted
    ]


def kept_readings(
    workspace: Workspace, entries: Sequence[Entry], known: Sequence[Entry]
) -> dict[tuple[str, int], StampReading]:
    """Return the comparisons that the manifest keeps; others are made now."""
    return {
        (told["model"], told["year"]): StampReading(**told["reading"])
        for told in readings_now(workspace, entries, known)
        if told["reading"]
    }


def _compared(
    sums: Mapping[tuple[str, int], str],
) -> Iterator[tuple[str, int, tuple[str, str]]]:
    """Yield model, year and checksums of both files of each comparison that can be made."""
    for setting in _settings():
        model, hourly = setting["dataset"], setting["hourly_dataset"]
        years = [year for name, year in sums if name == model and (hourly, year) in sums]
        if years:
            year = max(years)
            yield model, year, (sums[model, year], sums[hourly, year])


def _settings() -> list[dict[str, str]]:
    with (ROOT / "seeds" / "interval_stamps.csv").open(newline="") as stream:
        return list(csv.DictReader(stream))


def _reading(setting: Mapping[str, str], file: str, hourly_file: str) -> StampReading | None:
    """Return the comparison, None where no hour can be compared or a file can't be read."""
    import duckdb

    parameters = {
        "files": [file],
        "hourly_files": [hourly_file],
        "minutes_to_other": 5 if setting["stamp"] == "end" else -5,
    }
    with duckdb.connect() as connection, suppress(duckdb.Error):
        connection.execute("set TimeZone = 'UTC'")
        [(hours, distance, of_other)] = connection.execute(
            sql_text("stamp_readings"), parameters
        ).fetchall()
        if hours and of_other is not None:
            return StampReading(setting["report"], setting["stamp"], hours, distance, of_other)
    return None
