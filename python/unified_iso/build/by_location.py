"""Twins: the rows of a published year file, sorted by location and time, for who reads few of many.

A year file is sorted by time, so that each of its row groups has every location. Its twin has the
same rows, which is checked, and is of no other file than the one whose seal it names.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil
from pathlib import Path

import duckdb

from unified_iso import progress
from unified_iso.build import plan
from unified_iso.catalog import year_files_sql
from unified_iso.descriptions import Description
from unified_iso.families import Family
from unified_iso.footers import CONTRACT_KEY, Entry, contract_of, counts_locations
from unified_iso.options import Options
from unified_iso.row_groups.join import Part, join_row_groups
from unified_iso.sql import quoted_name, quoted_text, sql_text
from unified_iso.twins import TWIN_KEY, is_twin, twin_files, twin_of
from unified_iso.workspace import Workspace
from unified_iso.year_files import is_sound

# A location-year is to be less than a hundredth of a file, and lies across two row groups at most
# where it is smaller than one.
_ROW_GROUPS = 300
# Rows that DuckDB handles at once: smaller row groups, or parts of one, only cost.
_VECTOR = 2048
# Each pass reads the whole file; what doesn't fit into memory in so many is sorted on disk.
_MOST_PASSES = 12


class TwinError(OSError):
    """A twin can't be made, or has not the rows of its year file; the message says why."""


@dataclass(frozen=True)
class Twins:
    """What is needed to write twins: families and descriptions by name, and the form of files."""

    families: Mapping[str, Family]
    descriptions: Mapping[str, Description] = field(default_factory=dict)
    options: Options = field(default_factory=Options)


def drop_stale_twins(workspace: Workspace, entries: Sequence[Entry]) -> None:
    """Remove every twin that is not of a published year file as that is now."""
    known = {twin_of(workspace, entry): workspace.place_of(entry) for entry in entries}
    for twin in twin_files(workspace):
        if twin not in known or not is_twin(twin, known[twin]):
            twin.unlink()


def lacking_twins(
    workspace: Workspace, entries: Sequence[Entry], models: Sequence[str], years: Sequence[int]
) -> list[Entry]:
    """Return the entries of `models`, in `years` if any are given, whose twins are to be made.

    Only a file with locations has one. All twins that are there are of their files.
    """
    return [
        entry
        for entry in entries
        if entry["model"] in models
        and (not years or entry["year"] in years)
        and counts_locations(entry)
        and not twin_of(workspace, entry).exists()
    ]


def make_twin(
    workspace: Workspace, cursor: duckdb.DuckDBPyConnection, entry: Entry, twins: Twins
) -> Path:
    """Write the twin of a published year file among the candidates, and return its path.

    Rows are sorted some locations at a time, so that they fit into memory.

    Raises:
        TwinError: the year file has other bytes than its seal says, or the twin other rows than it.
    """
    source = workspace.place_of(entry)
    if entry.get("seal") is None or not is_sound(workspace, entry):
        raise TwinError(f"{entry['path']} doesn't agree with its seal: build its year anew")
    family = twins.families[entry.get("family", "energy_prices")]
    order = (*family.series, *(name for name in family.order if name not in family.series))
    folder = workspace.candidates / f"by_location__{entry['model']}"
    folder.mkdir(parents=True, exist_ok=True)
    passes = list(_passes(cursor, source, entry["rows"]))
    parts = [Part(folder / f"{number}.parquet") for number in range(len(passes))]
    rows_per_group = _rows_per_group(entry["rows"], twins.options)
    for number, (within, part) in enumerate(zip(passes, parts, strict=True)):
        rows = f"select * from {year_files_sql([source])} where {within}"
        _write_sorted(cursor, rows, order, part.path, rows_per_group, twins.options)
        progress.report(f"{entry['model']} {entry['year']} by location", number + 1, len(parts))
    twin = folder / source.name
    description = twins.descriptions.get(entry["model"], Description())
    contract = contract_of(entry["model"], family, description, order)
    texts = {CONTRACT_KEY: json.dumps(contract), TWIN_KEY: str(entry["seal"])}
    join_row_groups(parts, twin, texts, sync=False, sealed=True)
    for part in parts:
        part.path.unlink()
    _require_same_rows(cursor, entry["path"], source, twin)
    return twin


def _passes(cursor: duckdb.DuckDBPyConnection, source: Path, rows: int) -> Iterator[str]:
    """Return conditions that part a file by location, in order, so that each fits into memory."""
    locations = cursor.execute(sql_text("rows_by_location"), {"path": str(source)}).fetchall()
    wanted = min(ceil(rows / plan.rows_at_once(cursor, 1)), _MOST_PASSES)
    first, found = None, 0
    for number, (location, of_location) in enumerate(locations, start=1):
        first = location if first is None else first
        found += of_location
        if found * wanted >= rows or number == len(locations):
            name = quoted_name("settlement_location_id")
            yield f"{name} >= {quoted_text(first)} and {name} <= {quoted_text(location)}"
            first, found = None, 0


def _rows_per_group(rows: int, options: Options) -> int:
    whole = rows // _ROW_GROUPS // _VECTOR * _VECTOR
    return max(_VECTOR, min(whole, options.row_group_size))


def _write_sorted(
    cursor: duckdb.DuckDBPyConnection,
    rows: str,
    order: Sequence[str],
    part: Path,
    rows_per_group: int,
    options: Options,
) -> None:
    cursor.execute(
        f"copy ({rows} order by {', '.join(map(quoted_name, order))}) to {quoted_text(part)}"
        f" {options.parquet(rows_per_group)}"
    )


def _require_same_rows(
    cursor: duckdb.DuckDBPyConnection, name: str, source: Path, twin: Path
) -> None:
    """Compare the rows of both files whatever their order, and the order of the twin."""
    published, sorted_ = (
        cursor.execute(sql_text("digest_of_rows"), {"path": str(path)}).fetchall()
        for path in (source, twin)
    )
    if published != sorted_:
        raise TwinError(f"the rows of {name} sorted by location are not those of {name}")
    [(breaks,)] = cursor.execute(sql_text("breaks_by_location"), {"path": str(twin)}).fetchall()
    if breaks:
        raise TwinError(f"{name} could not be sorted by location: {breaks} rows are out of order")
