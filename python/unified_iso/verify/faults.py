"""What verifying finds, and how it is written as JSON."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from unified_iso.footers import Entry

JSON_VERSION = 1
# Every check, and what a fault of it means.
CHECKS = {
    "manifest": "the manifest is gone or damaged, so that files could be compared with nothing",
    "missing": "a file of the manifest is gone",
    "added": "a file is there that the manifest does not tell of",
    "bytes": "a file has other bytes than were published, or is no whole Parquet file",
    "footer": "what a file says of itself is not what the manifest says of it",
    "place": "a file lies at another place than that of its operator, dataset and year",
    "schema": "columns, their types, order or nullability are not those of the contract",
    "sort": "rows do not stand in the order of the family",
    "grain": "a key has more than one row",
    "nulls": "a column that must have a value in every row lacks some",
    "values": "a value can't be read, or a price is no finite number",
    "calendar": "times do not agree with each other, with the market's clock or with the year",
    "counts": "rows, series or missing intervals are not as many as the manifest says",
    "twin": "a file sorted by location has other rows than its year file, or belongs to none",
    "catalog": "the catalog can't be opened, or lacks a view, or a view lacks rows",
}


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """One thing that is wrong.

    path: of the file, below the output folder.
    check: one of `CHECKS`.
    text: what was found, in words for the user.
    """

    path: str
    check: str
    text: str


@dataclass(slots=True)
class Verified:
    """What came of verifying a tree.

    files: entries of the files that were looked at, in order of their paths.
    faults: all that was found, in order of the paths.
    notes: what could not be checked, and why.
    seconds: how long it took.
    """

    files: list[Entry] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def is_sound(self) -> bool:
        """Whether there is something published, and nothing is wrong with it."""
        return bool(self.files) and not self.faults

    def of(self, path: str) -> list[Fault]:
        """Return the faults of one file."""
        return [fault for fault in self.faults if fault.path == path]

    def as_json(self, out: str) -> dict[str, Any]:
        """Return what `docs/verify.schema.json` describes."""
        return {
            "json_version": JSON_VERSION,
            "out": out,
            "is_sound": self.is_sound,
            "seconds": round(self.seconds, 3),
            "files": [
                {name: entry.get(name) for name in _SHOWN}
                | {"faults": [{"check": f.check, "text": f.text} for f in self.of(entry["path"])]}
                for entry in self.files
            ],
            "faults": [{"path": f.path, "check": f.check, "text": f.text} for f in self.faults],
            "notes": self.notes,
        }


_SHOWN = ("path", "model", "iso", "dataset", "year", "rows", "bytes", "sha256")
