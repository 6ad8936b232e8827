"""Asks each year file once what it holds, and keeps the answers in the working database."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from unified_iso.database import transaction
from unified_iso.footers import Entry
from unified_iso.machine import is_of_machine
from unified_iso.sql import sql_text
from unified_iso.workspace import Workspace

# By question the columns that a file must have to be asked it.
_QUESTIONS = {
    "seen_locations": {
        *("datetime_utc", "settlement_location_id", "settlement_location"),
        *("settlement_location_type", "zone", "voltage_kv"),
    },
    "seen_products": {
        *("datetime_utc", "market_type", "as_product", "as_product_standard"),
        *("as_region", "unit"),
    },
}


def identity_of(entry: Entry) -> str:
    """What tells a year file from all others at its path: its seal, or its checksum without one."""
    return str(entry.get("seal") or entry["sha256"])


def learn(
    workspace: Workspace, cursor: duckdb.DuckDBPyConnection, entries: Sequence[Entry]
) -> None:
    """Let what is known of year files be what those of these entries hold.

    A file is read if nothing is known of it as it is now. One that can't be read is known to hold
    nothing, and is asked again by the next run that looks.

    Raises:
        duckdb.Error: the machine failed, as on a full disk.
    """
    wanted = {entry["path"]: identity_of(entry) for entry in entries}
    rows = cursor.execute("select path, seal from inventory.asked_files").fetchall()
    known = dict(rows)
    for path in sorted(known.keys() - wanted.keys()):
        with transaction(cursor):
            _forget(cursor, path)
    for entry in entries:
        if known.get(entry["path"]) != wanted[entry["path"]]:
            with transaction(cursor):
                _forget(cursor, entry["path"])
            _ask(workspace, cursor, entry)


def _ask(workspace: Workspace, cursor: duckdb.DuckDBPyConnection, entry: Entry) -> None:
    path = entry["path"]
    file = str(workspace.out / path)
    try:
        with transaction(cursor):
            for question in _questions_for(cursor, file):
                cursor.execute(sql_text(question), {"path": path, "file": file})
            cursor.execute(
                "insert into inventory.asked_files values ($1, $2, $3, $4)",
                [path, identity_of(entry), entry["iso"], entry["dataset"]],
            )
    except duckdb.Error as error:
        if is_of_machine(error) or isinstance(error, duckdb.InterruptException):
            raise


def _questions_for(cursor: duckdb.DuckDBPyConnection, file: str) -> list[str]:
    [(columns,)] = cursor.execute(sql_text("columns_of_file"), {"file": file}).fetchall()
    return [question for question, needed in _QUESTIONS.items() if needed <= set(columns)]


def _forget(cursor: duckdb.DuckDBPyConnection, path: str) -> None:
    for table in ("asked_files", *_QUESTIONS):
        cursor.execute(f"delete from inventory.{table} where path = $1", [path])
