"""Joining: the parts of a delivery year become one candidate file, checked and sealed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb

from unified_iso.descriptions import Description
from unified_iso.families import Family
from unified_iso.footers import (
    SCHEMA_VERSION,
    Account,
    Entry,
    contract_of,
    footer_texts,
    told_series,
)
from unified_iso.inputs import told_by_accounts
from unified_iso.machine import machine_named
from unified_iso.manifest import read_manifest
from unified_iso.row_groups.join import JoinResult, OtherBytes, Part, join_row_groups
from unified_iso.row_groups.seal import read_seal
from unified_iso.sql import sql_text
from unified_iso.workspace import Workspace
from unified_iso.year_files import gaps_of, summary_of

# What a part is called in an entry and in the query of the parts of a year, in its order.
_PART_FIELDS = ("part", "digest", "rows", "row_groups", "first_interval", "last_interval")


class LostRows(ValueError):
    """A joined file has not the rows of its parts; the message names the file and both counts."""


@dataclass(frozen=True, kw_only=True, slots=True)
class YearOf:
    """One delivery year of a dataset, and what its file says of how it was made.

    model: the dataset's name in dbt.
    iso, dataset: its folders below the published files.
    step_minutes: length of its intervals in minutes.
    fingerprint: of the SQL and the settings that wrote its parts.
    may_lack_ids: whether names may stand for the ids of locations.
    own_ends: whether intervals differ in length.
    unchecked_reports: reports in it of which no real file was ever seen.
    description: what the project says of its rows and columns; it decides no row.
    """

    model: str
    iso: str
    dataset: str
    year: int
    family: Family
    step_minutes: int
    fingerprint: str
    may_lack_ids: bool = False
    own_ends: bool = False
    unchecked_reports: Sequence[str] = ()
    description: Description = field(default_factory=Description)


def join_year(workspace: Workspace, cursor: duckdb.DuckDBPyConnection, year: YearOf) -> None:
    """Write the candidate of one year from its new parts and the published row groups of the rest.

    A year that has no part left gets a candidate without a file: publishing removes the old one.
    One that can't be joined without losing rows, or stands on a damaged file, is blocked.

    Raises:
        MachineError: the disk is full, or the like; the year is not judged by it.
    """
    target = workspace.year_file(year.iso, year.dataset, year.year)
    parts = _parts_of_year(cursor, year, target)
    if not parts:
        _add_candidate(cursor, year, None, target, {})
        return
    entry = _entry(year, [part for part, _ in parts])
    candidate = workspace.candidates / year.model / target.name
    try:
        with machine_named(workspace.candidates):
            contract = contract_of(year.model, year.family, year.description, year.family.order)
            entry |= _join_parts(workspace, cursor, entry, contract, parts, candidate, target)
            _leave_parts(cursor, year, parts, candidate)
            _add_candidate(cursor, year, candidate, target, entry)
    except (ValueError, FileNotFoundError) as error:
        candidate.unlink(missing_ok=True)
        advice = (
            f"build the year anew with --full-refresh --year {year.year} "
            f"(dbt build: --full-refresh --vars '{{year: {year.year}}}')"
        )
        block_year(cursor, year.model, year.year, f"{error}: {advice}")


def accounts_of_year(cursor: duckdb.DuckDBPyConnection, model: str, year: int) -> list[Account]:
    """Return the accounts of the parts that a year will have: those just written and those kept."""
    rows = cursor.execute(sql_text("accounts_of_year"), {"model": model, "year": year}).fetchall()
    return [Account(*row) for row in rows]


def block_year(cursor: duckdb.DuckDBPyConnection, model: str, year: int, message: str) -> None:
    """Leave a year as it is published, and say why; other years and datasets go on."""
    cursor.execute("insert into inventory.blocked values ($1, $2, $3)", [model, year, message])
    for table in ("new_parts", "dropped_parts", "candidates"):
        cursor.execute(
            f"delete from inventory.{table} where model = $1 and year = $2", [model, year]
        )
    cursor.execute(
        "delete from inventory.new_accounts where model = $1 and year(part) = $2", [model, year]
    )


def _parts_of_year(
    cursor: duckdb.DuckDBPyConnection, year: YearOf, published: Path
) -> list[tuple[Entry, Part]]:
    """Return the entry of each part, and where its row groups are."""
    rows = cursor.execute(
        sql_text("parts_of_year"), {"model": year.model, "year": year.year}
    ).fetchall()
    return [
        (
            dict(zip(_PART_FIELDS, fields, strict=True)),
            Part(Path(path) if path else published, first, fields[3]),
        )
        for *fields, path, first in rows
    ]


def entry_of_part(workspace: Workspace, year: YearOf, part: Entry) -> Entry:
    """Return an entry that has one part of a year, before any part is joined.

    part: its first day, digest and rows.
    """
    path = workspace.name_of(workspace.year_file(year.iso, year.dataset, year.year))
    return _facts_of(year) | {"path": path, "parts": [part]}


def _entry(year: YearOf, parts: Sequence[Entry]) -> Entry:
    """Return what stands in the footer: all of an entry that can be told before the file is."""
    return _facts_of(year) | {
        "first_interval": parts[0]["first_interval"],
        "last_interval": parts[-1]["last_interval"],
        "input_digest": _digest(part["digest"] for part in parts),
        "parts": list(parts),
    }


def _facts_of(year: YearOf) -> Entry:
    return {
        "iso": year.iso,
        "dataset": year.dataset,
        "model": year.model,
        "family": year.family.name,
        **told_series(year.family.series),
        "year": year.year,
        "schema_version": SCHEMA_VERSION,
        "fingerprint": year.fingerprint,
        "engine": f"duckdb {duckdb.__version__}",
        "step_minutes": year.step_minutes,
        "may_lack_ids": year.may_lack_ids,
        **({"own_ends": True} if year.own_ends else {}),
        "unchecked_reports": list(year.unchecked_reports),
    }


def _digest(texts: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()


def _join_parts(
    workspace: Workspace,
    cursor: duckdb.DuckDBPyConnection,
    entry: Entry,
    contract: Mapping[str, Any],
    parts: Sequence[tuple[Entry, Part]],
    candidate: Path,
    target: Path,
) -> Entry:
    """Write the candidate, and return what only the finished file tells of itself."""
    candidate.parent.mkdir(parents=True, exist_ok=True)
    path = workspace.name_of(target)
    accounts = accounts_of_year(cursor, entry["model"], entry["year"])
    try:
        # No fsync here, because publishing does it; the system writes the file while tests run.
        joined = join_row_groups(
            [source for _, source in parts],
            candidate,
            footer_texts(entry, accounts, contract),
            sync=False,
            sealed=True,
            checked=_files_to_check(workspace, parts, target),
        )
    except OtherBytes as error:
        raise OtherBytes(
            f"{path} has other bytes than were published, so nothing is built on it"
        ) from error
    _require_all_rows(path, parts, joined)
    summary = summary_of(cursor, candidate, entry)
    _require_rows_read_back(cursor, path, parts, candidate, summary["rows"])
    return {
        "path": path,
        "bytes": joined.bytes,
        "sha256": joined.sha256,
        "seal": joined.seal,
        **summary,
        "gaps": gaps_of(cursor, candidate, entry),
        **told_by_accounts(entry, accounts),
    }


def _files_to_check(
    workspace: Workspace, parts: Sequence[tuple[Entry, Part]], target: Path
) -> dict[Path, str | None]:
    """Return the published file if parts of it are kept, with its checksum if it has no seal."""
    if all(source.path != target for _, source in parts):
        return {}
    if read_seal(target) is not None:
        return {target: None}
    path = workspace.name_of(target)
    known = (entry for entry in read_manifest(workspace)["files"] if entry["path"] == path)
    return {target: next((entry["sha256"] for entry in known), None)}


def _require_all_rows(path: str, parts: Sequence[tuple[Entry, Part]], joined: JoinResult) -> None:
    expected = {part["part"]: part["rows"] for part, _ in parts}
    if len(joined.rows_of_part) != len(expected):
        raise LostRows(
            f"{path} was joined from {len(joined.rows_of_part)} parts instead of {len(expected)}: "
            f"{_total(parts)} rows were expected and {joined.rows} found"
        )
    for (part, rows), found in zip(expected.items(), joined.rows_of_part, strict=True):
        if rows != found:
            raise LostRows(
                f"{path}: {rows} rows were expected and {found} found in its part of {part}"
            )


def _require_rows_read_back(
    cursor: duckdb.DuckDBPyConnection,
    path: str,
    parts: Sequence[tuple[Entry, Part]],
    candidate: Path,
    counted: int,
) -> None:
    """Compare what the parts should have with what the footer says and with what can be read."""
    expected = _total(parts)
    [(stated,)] = cursor.execute(
        "select num_rows from parquet_file_metadata($1)", [str(candidate)]
    ).fetchall()
    for found in (stated, counted):
        if found != expected:
            raise LostRows(f"{path}: {expected} rows were expected and {found} found")


def _total(parts: Sequence[tuple[Entry, Part]]) -> int:
    return sum(part["rows"] for part, _ in parts)


def _leave_parts(
    cursor: duckdb.DuckDBPyConnection,
    year: YearOf,
    parts: Sequence[tuple[Entry, Part]],
    candidate: Path,
) -> None:
    """Remove the files of new parts: their rows are in the candidate now."""
    for _, source in parts:
        if source.path.parent == candidate.parent:
            source.path.unlink()
    cursor.execute(
        "update inventory.new_parts set path = null where model = $1 and year = $2",
        [year.model, year.year],
    )


def _add_candidate(
    cursor: duckdb.DuckDBPyConnection, year: YearOf, path: Path | None, target: Path, entry: Entry
) -> None:
    told = json.dumps(entry, sort_keys=True)
    cursor.execute(
        "insert into inventory.candidates values ($1, $2, $3, $4, $5)",
        [year.model, year.year, str(path) if path else None, str(target), told],
    )
