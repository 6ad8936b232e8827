"""The year files in their place: what each one holds, and whether it is as it was published."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from unified_iso.footers import Entry, counts_locations, read_footer, series_of
from unified_iso.inputs import told_by_accounts
from unified_iso.machine import is_of_machine
from unified_iso.row_groups.footer import NotParquet, read_footer_metadata
from unified_iso.row_groups.seal import digest_of, read_seal
from unified_iso.sql import sql_text
from unified_iso.workspace import Workspace

if TYPE_CHECKING:
    import duckdb


def published_entries(
    workspace: Workspace, connection: duckdb.DuckDBPyConnection, files: Sequence[Entry]
) -> list[Entry]:
    """Return an entry for each year file in its place: that of `files` where it tells of this file.

    All others are described anew from their footers.
    """
    known = {entry["path"]: entry for entry in files}
    entries = [
        _described(workspace, connection, path, known.get(workspace.name_of(path)))
        for path in workspace.year_files()
    ]
    return [entry for entry in entries if entry is not None]


def fault_of(workspace: Workspace, entry: Entry) -> str | None:
    """Tell what is wrong with the year file of an entry of `published_entries` or the manifest.

    Its bytes are compared with the checksum of the entry and with the seal in its footer.
    """
    path = workspace.out / entry["path"]
    if not path.exists():
        return "is gone"
    try:
        found = read_footer_metadata(path).num_rows
        digest = digest_of(path)
    except NotParquet as error:
        return str(error)
    for published in (entry["rows"], sum(part["rows"] for part in entry["parts"])):
        if found != published:
            return f"has {found} rows, {published} were published"
    if digest.sha256 != entry["sha256"] or digest.agrees_with_seal is False:
        return "has other bytes than were published"
    return None


def unsummarised_entry(workspace: Workspace, path: Path, entry: Entry) -> Entry:
    """Return the entry of a file that only its footer tells of, without what reading rows tells.

    Raises:
        NotParquet: the file is not a Parquet file, or is damaged or cut off.
    """
    return entry | {
        "path": workspace.name_of(path),
        "bytes": path.stat().st_size,
        "sha256": digest_of(path).sha256,
        "seal": read_seal(path),
        "rows": read_footer_metadata(path).num_rows,
    }


def is_sound(workspace: Workspace, entry: Entry) -> bool:
    """Whether the file of an entry agrees with the seal in its footer."""
    return digest_of(workspace.out / entry["path"]).agrees_with_seal is True


def summary_of(connection: duckdb.DuckDBPyConnection, year_file: Path, entry: Entry) -> Entry:
    """Count rows, series and missing intervals of a year file, and locations where it has any.

    A series has a row in every interval between its first and its last, or misses it. Where
    intervals differ in length, what it misses is counted in nominal intervals.
    """
    query = "summary_of_unequal_intervals" if entry.get("own_ends") else "summary_of_file"
    [(rows, series, missing)] = connection.execute(
        sql_text(query),
        {
            "path": str(year_file),
            "series": series_of(entry),
            "step_minutes": entry["step_minutes"],
        },
    ).fetchall()
    summary = {"rows": rows, "series": series, "missing_intervals": missing}
    if counts_locations(entry):
        without_id = _locations_without_id(connection, year_file, entry)
        summary |= {"locations": series, "locations_without_id": without_id}
    return summary


# The longest runs of a file with more are told, so that a manifest stays small.
GAPS_LISTED = 100


def gaps_of(connection: duckdb.DuckDBPyConnection, year_file: Path, entry: Entry) -> Entry:
    """Find the runs of intervals between the first and the last of which no series has a row.

    Returns how many runs there are, how many intervals they have together, and under `listed` the
    longest of them in order of time, each from its first missing interval to the next row's.
    """
    query = "gaps_of_unequal_intervals" if entry.get("own_ends") else "gaps_of_file"
    asked = {"path": str(year_file), "step_minutes": entry["step_minutes"]}
    runs = connection.execute(sql_text(query), asked).fetchall()
    longest = sorted(runs, key=lambda run: (-run[2], run[0]))[:GAPS_LISTED]
    return {
        "runs": len(runs),
        "intervals": sum(run[2] for run in runs),
        "listed": [
            {"from": first, "to": end, "intervals": count} for first, end, count in sorted(longest)
        ],
    }


def _locations_without_id(
    connection: duckdb.DuckDBPyConnection, year_file: Path, entry: Entry
) -> int:
    """Count the locations known by name only; names are not read where none stands for an id."""
    if not entry["may_lack_ids"]:
        return 0
    [(count,)] = connection.execute(
        sql_text("locations_without_id"), {"path": str(year_file)}
    ).fetchall()
    return int(count)


def _described(
    workspace: Workspace,
    connection: duckdb.DuckDBPyConnection,
    path: Path,
    known: Entry | None,
) -> Entry | None:
    """Return what is known of a year file if it is of this file, else what its footer says.

    A file that has lost its seal's agreement keeps its place, its accounts and its parts: `verify`
    tells of it, and nothing is built on it.
    """
    size = path.stat().st_size
    try:
        seal = read_seal(path)
        if known is not None and known["bytes"] == size and known.get("seal") == seal:
            return known if "inputs" in known else known | _told_by_footer(path, known)
        footer = read_footer(path)
        if footer is None or path != workspace.place_of(footer.entry):
            return None
        entry = unsummarised_entry(workspace, path, footer.entry)
    except NotParquet:
        return None
    told = told_by_accounts(entry, footer.accounts)
    return entry | _summary_of_any(connection, path, entry) | told


def _told_by_footer(path: Path, entry: Entry) -> Entry:
    """Return what a manifest of an earlier version did not say of a file."""
    footer = read_footer(path)
    return told_by_accounts(entry, footer.accounts) if footer else {}


def _summary_of_any(connection: duckdb.DuckDBPyConnection, path: Path, entry: Entry) -> Entry:
    """Summarise a file that may be damaged: what can't be counted is told by the entry, or zero."""
    import duckdb

    try:
        return summary_of(connection, path, entry) | {"gaps": gaps_of(connection, path, entry)}
    except duckdb.Error as error:
        if is_of_machine(error):
            raise
        rows = sum(part["rows"] for part in entry["parts"])
        counts = {"rows": rows, "series": 0, "missing_intervals": 0}
        if counts_locations(entry):
            counts |= {"locations": 0, "locations_without_id": 0}
        return counts
