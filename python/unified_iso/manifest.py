"""The manifest: what is published, what was left out and why, in one JSON file for everybody."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from unified_iso.footers import SCHEMA_VERSION, Entry, is_file_entry
from unified_iso.replacing import replace_if_changed
from unified_iso.sql import sql_text
from unified_iso.workspace import Workspace

if TYPE_CHECKING:
    import duckdb

# How staging begins what it says of rows that no dataset takes.
NO_DATASET = "filtered: belongs to no dataset yet: "
# Rows of a report that is joined to the prices of others are used, though they give no row.
_JOINED = "filtered: joined "

# What the manifest lists beside files, and what is read of an entry.
_LISTED = {
    "refused": ("file", "reason"),
    "rejected": ("file", "line", "reason", "rows"),
    "unpublished": ("model", "year", "reason"),
    "no_dataset": ("file", "of", "rows"),
    "left_out": ("file", "rows", "reason"),
    "warnings": ("file", "message"),
    "unread": ("folder", "files"),
    "vanished": ("file", "rows"),
    "findings": ("model", "test", "year", "part", "rows", "message"),
    "stamp_readings": ("model", "year", "files", "reading"),
}


# What an entry has beside, if it was written by this version.
_BESIDE = {"rejected": ("years",)}


def read_manifest(workspace: Workspace) -> dict[str, Any]:
    """Return the manifest, empty where there is none yet or it is damaged.

    Entries that lack what is read of them are left out: their files are described anew.
    """
    try:
        manifest = json.loads(workspace.manifest.read_bytes())
    except (FileNotFoundError, ValueError, RecursionError):
        manifest = None
    if not isinstance(manifest, dict):
        manifest = {}
    return manifest | {
        "schema_version": SCHEMA_VERSION,
        "files": list(_files(workspace, manifest)),
        **{
            name: [
                entry
                for entry in _list(manifest, name)
                if isinstance(entry, dict) and entry.keys() >= set(keys)
            ]
            for name, keys in _LISTED.items()
        },
    }


def _files(workspace: Workspace, manifest: Mapping[str, Any]) -> Iterator[Entry]:
    for entry in _list(manifest, "files"):
        # Before there were families, every series was a location.
        if isinstance(entry, dict) and "series" not in entry and "locations" in entry:
            entry = entry | {"series": entry["locations"]}
        if is_file_entry(entry) and workspace.out / entry["path"] == workspace.place_of(entry):
            yield entry


def _list(manifest: Mapping[str, Any], name: str) -> list[Any]:
    found = manifest.get(name)
    return found if isinstance(found, list) else []


def write_manifest(workspace: Workspace, manifest: Mapping[str, Any]) -> None:
    """Replace the manifest by one rename, if it says something new.

    Raises:
        MachineError: the disk is full, or the like.
    """
    text = json.dumps(manifest, indent=1, sort_keys=True).encode()
    replace_if_changed(workspace.manifest, text)


def told_of_raw_files(cursor: duckdb.DuckDBPyConnection) -> dict[str, list[Entry]]:
    """Return the lists of the manifest that tell of raw files as the inventory knows them now."""
    return {
        "refused": _entries(cursor, "refused"),
        "rejected": _entries(cursor, "rejected"),
        "no_dataset": _entries(cursor, "no_dataset", no_dataset=NO_DATASET),
        "left_out": _entries(cursor, "left_out", no_dataset=NO_DATASET, joined=_JOINED),
        "warnings": _entries(cursor, "warnings"),
        "unread": _entries(cursor, "unread"),
        "vanished": _entries(cursor, "vanished"),
    }


def unpublished_now(
    cursor: duckdb.DuckDBPyConnection,
    known: Sequence[Entry],
    models: Sequence[str],
    years: Sequence[int],
) -> list[Entry]:
    """Return the years that stay unpublished, with why.

    `known` are those of earlier runs: of `models`, in `years` where some are given, this run
    knows better.
    """
    others = [
        entry
        for entry in known
        if entry["model"] not in models or (years and entry["year"] not in years)
    ]
    return others + _entries(cursor, "unpublished")


def _entries(cursor: duckdb.DuckDBPyConnection, name: str, **parameters: str) -> list[Entry]:
    rows = cursor.execute(sql_text(name), parameters).fetchall()
    names = (*_LISTED[name], *_BESIDE.get(name, ()))
    return [dict(zip(names, row, strict=True)) for row in rows]
