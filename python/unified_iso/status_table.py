"""The table of year files, of those that are published and of those that are held back."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape

from unified_iso.console import say
from unified_iso.footers import Entry
from unified_iso.manifest import read_manifest
from unified_iso.progress import amount
from unified_iso.stamp_readings import kept_readings
from unified_iso.tables import Column, fitting, print_rows
from unified_iso.twins import is_twin, twin_of
from unified_iso.words import visible
from unified_iso.workspace import Workspace
from unified_iso.year_files import is_sound, published_entries

HELD_BACK = "held back"
_PUBLISHED = "published"
# A family without locations has entries without them.
_KEPT = (
    *(
        "model",
        "iso",
        "dataset",
        "year",
        "rows",
        "series",
        "locations",
        "first_interval",
        "last_interval",
    ),
    *("missing_intervals", "locations_without_id", "unchecked_reports", "bytes"),
    *("accounts",),
)


def entries_in_place(workspace: Workspace, files: Sequence[Entry] | None = None) -> list[Entry]:
    """Return what the manifest says of the year files, corrected by those that are in place.

    A run that was killed has published files that the manifest does not tell of yet. Of a file
    that does not agree with its own seal the manifest knows better.

    files: of the manifest, where it has been read already.
    """
    import duckdb

    if files is None:
        files = read_manifest(workspace)["files"]
    entries = {entry["path"]: entry for entry in files}
    with duckdb.connect() as connection:
        in_place = published_entries(workspace, connection, list(entries.values()))
    for entry in in_place:
        known = entries.get(entry["path"])
        if known is None or (known != entry and is_sound(workspace, entry)):
            entries[entry["path"]] = entry
    return [entries[path] for path in sorted(entries)]


def status_rows(workspace: Workspace, manifest: Mapping[str, Any] | None = None) -> list[Entry]:
    """Describe every published year file as the manifest knows it, with the state of the file."""
    manifest = manifest or read_manifest(workspace)
    entries = entries_in_place(workspace, manifest["files"])
    states = [_state_of(workspace, entry) for entry in entries]
    published = [e for e, state in zip(entries, states, strict=True) if state == _PUBLISHED]
    readings = kept_readings(workspace, published, manifest["stamp_readings"])
    rows = []
    for entry, state in zip(entries, states, strict=True):
        kept = {name: entry[name] for name in _KEPT if name in entry}
        if "gaps" in entry:
            kept["gaps"] = {name: entry["gaps"][name] for name in ("runs", "intervals")}
        if reading := readings.get((entry["model"], entry["year"])):
            kept["stamp_reading"] = reading.record | {"said": reading.said}
        rows.append(kept | {"state": state, "path": entry["path"]} | _twin_in(workspace, entry))
    return rows


def _twin_in(workspace: Workspace, entry: Entry) -> Entry:
    """Describe the twin of a year file that is sorted by location, if it has one."""
    twin = twin_of(workspace, entry)
    if not twin.is_file():
        return {}
    is_of_it = is_twin(twin, workspace.place_of(entry))
    size = twin.stat().st_size
    return {"by_location": {"path": workspace.name_of(twin), "bytes": size, "is_twin": is_of_it}}


def _state_of(workspace: Workspace, entry: Entry) -> str:
    path = workspace.out / entry["path"]
    if not path.exists():
        return "file is gone"
    return _PUBLISHED if path.stat().st_size == entry["bytes"] else "changed outside"


def show_status(console: Console, rows: Sequence[Entry], unpublished: Sequence[Entry] = ()) -> None:
    """Print a table of year files, those that are not published among them.

    rows: of `status_rows`.
    unpublished: entries of the manifest; a file that is there is what was published before.
    """
    told = list(_with_held_back(rows, unpublished))
    columns = _columns(rows)
    if "state" not in {column.name for column in fitting(columns, told, console.width)}:
        columns = _columns(rows, by_day=True)
    shown_columns = {column.name for column in print_rows(console, columns, told, escape)}
    if "state" not in shown_columns:
        for row in told:
            if row["state"] not in (_PUBLISHED, HELD_BACK):
                say(console, f"[red]{row['state']}[/red]", f"{_name_of(row)} {row['year']}")
    if "note" not in shown_columns:
        for row in rows:
            for note in _notes(row):
                say(console, "[dim]note[/dim]", f"{_name_of(row)} {row['year']}: {note}")
    if twins := [row["by_location"] for row in rows if "by_location" in row]:
        size = amount(sum(twin["bytes"] for twin in twins), "bytes")
        say(console, "[dim]twins[/dim]", f"{len(twins)} files are also sorted by location: {size}")


def _with_held_back(rows: Sequence[Entry], unpublished: Sequence[Entry]) -> Iterator[Entry]:
    held_back = {(entry["model"], entry["year"]) for entry in unpublished}
    new = held_back - {(_model_of(row), row["year"]) for row in rows}
    lines = [
        row | {"state": HELD_BACK} if (_model_of(row), row["year"]) in held_back else row
        for row in rows
    ]
    lines += [
        {"model": model, "year": "" if year is None else year, "state": HELD_BACK}
        for model, year in new
    ]
    yield from sorted(lines, key=lambda row: (_model_of(row), str(row["year"])))


def _model_of(row: Entry) -> str:
    return str(row["model"] if "model" in row else f"{row['iso']}_{row['dataset']}")


def _name_of(row: Entry) -> str:
    """Operator and dataset, as the folders have them."""
    if "iso" in row:
        return f"{row['iso']} {row['dataset']}"
    iso, _, dataset = str(row["model"]).partition("_")
    return f"{iso} {dataset}"


def _columns(rows: Sequence[Entry], by_day: bool = False) -> list[Column]:
    """Return the columns of year files; `by_day` leaves out the time of intervals."""
    series = "locations" if all("locations" in row for row in rows) else "series"

    def number(name: str) -> Callable[[Entry], str]:
        return lambda row: f"{row[name]:,}" if name in row else ""

    def instant(name: str) -> Callable[[Entry], str]:
        return lambda row: short(row.get(name, "")).partition(" " if by_day else "\n")[0]

    first, last = ("first (UTC)", "last (UTC)") if by_day else ("first interval", "last interval")

    return [
        Column("dataset", lambda row: visible(_name_of(row))),
        Column("year", lambda row: str(row["year"]), is_number=True),
        Column("rows", number("rows"), 5, is_number=True),
        Column(series, number("series"), 3, is_number=True),
        Column(first, instant("first_interval")),
        Column(last, instant("last_interval")),
        Column("missing", number("missing_intervals"), 4, is_number=True),
        Column("bytes", number("bytes"), 2, is_number=True),
        Column("state", lambda row: str(row["state"]), 6),
        Column("note", lambda row: "\n".join(map(visible, _notes(row))), 1),
    ]


def short(instant: str) -> str:
    """Return an instant to the minute; what is none stays as it is."""
    if re.fullmatch(r"\d{4,}-\d\d-\d\dT\d\d:\d\d:00Z", instant):
        return f"{instant[:-4].replace('T', ' ')}Z"
    return visible(instant)


def _notes(row: Entry) -> Iterator[str]:
    if row.get("unchecked_reports"):
        yield f"never checked against a real file: {', '.join(row['unchecked_reports'])}"
    if row.get("locations_without_id"):
        yield f"locations whose name stands for their id: {row['locations_without_id']:,}"
    if (twin := row.get("by_location")) and not twin["is_twin"]:
        yield f"{twin['path']} is of other rows: build --by-location"
    if "stamp_reading" in row:
        yield row["stamp_reading"]["said"]
