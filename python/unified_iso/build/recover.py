"""Recovering: what a killed run left goes, and the year files tell what is published and from what.

The footer of every year file carries what the manifest and the working database say of it, so that
a file is whole by its rename alone, and the other two can be made to agree with it at any time.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from pathlib import Path

import duckdb
import pyarrow as pa

from unified_iso.database import transaction
from unified_iso.footers import Account, Entry, read_footer
from unified_iso.machine import machine_named
from unified_iso.manifest import read_manifest, write_manifest
from unified_iso.sql import sql_text
from unified_iso.workspace import Workspace, beside, log_of
from unified_iso.year_files import published_entries


def recover(workspace: Workspace, cursor: duckdb.DuckDBPyConnection) -> None:
    """Remove what a killed run left and tell the manifest and the database what is published.

    A year file that the manifest doesn't describe (killed between the rename and the manifest, or
    put there by hand) is described anew from its footer, and what it was made of is learnt from
    there; one that is gone is forgotten. Of files that have not changed only the seals are read.

    Raises:
        MachineError: the disk is full, or the like.
    """
    with machine_named(workspace.out):
        discard_candidates(workspace, cursor)
        _remove_leftovers(workspace)
        manifest = read_manifest(workspace)
        manifest["files"] = published_entries(workspace, cursor, manifest["files"])
        write_manifest(workspace, manifest)
        keep_parts(cursor, manifest["files"])
        _recover_accounts(workspace, cursor, manifest["files"])


def discard_candidates(workspace: Workspace, cursor: duckdb.DuckDBPyConnection) -> None:
    """Forget everything that was built and not published."""
    shutil.rmtree(workspace.candidates, ignore_errors=True)
    workspace.candidates.mkdir(parents=True)
    cursor.execute(sql_text("candidates"))


def replace_accounts(
    cursor: duckdb.DuckDBPyConnection,
    model: str,
    year: int,
    accounts: Sequence[Account],
    seal: str | None,
) -> None:
    """Let a year have these accounts, and say in the same transaction which file they belong to."""
    cursor.register("told", _accounts_table(accounts))
    with transaction(cursor):
        cursor.execute(
            "delete from inventory.accounts where model = $1 and year(part) = $2", [model, year]
        )
        cursor.execute(sql_text("keep_told_accounts"), {"model": model})
        cursor.execute(
            "delete from inventory.year_files where model = $1 and year = $2", [model, year]
        )
        if seal is not None:
            cursor.execute(
                "insert into inventory.year_files values ($1, $2, $3)", [model, year, seal]
            )
    cursor.unregister("told")


def keep_parts(cursor: duckdb.DuckDBPyConnection, entries: Sequence[Entry]) -> None:
    """Let the published parts be those of these entries, and no others."""
    cursor.register("told", _parts_table(entries))
    with transaction(cursor):
        cursor.execute("delete from inventory.parts")
        cursor.execute(sql_text("keep_told_parts"))
    cursor.unregister("told")


def _remove_leftovers(workspace: Workspace) -> None:
    """Remove what a killed run has left half written: names of the program's own, no others."""
    for path in (
        *map(beside, (workspace.manifest, workspace.catalog, workspace.report)),
        log_of(beside(workspace.catalog)),
        *workspace.manifest.parent.rglob("*.json.partial"),
        *workspace.manifest.parent.glob("*.parquet.partial"),
        *(
            path
            for folder in (workspace.parquet, workspace.by_location)
            for path in folder.glob("*/*/.*")
            if _is_staged(path)
        ),
    ):
        if path.is_file() or path.is_symlink():
            path.unlink()
    for folder in (workspace.cache / "members").glob("*.partial"):
        shutil.rmtree(folder)


def _is_staged(path: Path) -> bool:
    """Whether publishing across file systems would write under this name."""
    dataset = re.escape(path.parent.name)
    return re.fullmatch(rf"\.{dataset}_\d+\.parquet\.staged", path.name) is not None


def _recover_accounts(
    workspace: Workspace, cursor: duckdb.DuckDBPyConnection, entries: Sequence[Entry]
) -> None:
    """Make the accounts of each published part those that its file tells, and forget all others."""
    seals = {
        (model, year): seal
        for model, year, seal in cursor.execute(
            "select model, year, seal from inventory.year_files"
        ).fetchall()
    }
    for entry in entries:
        year = (entry["model"], entry["year"])
        if entry.get("seal") == seals.get(year):
            continue
        if entry.get("seal") is None:
            # Somebody has put an older file back: the accounts are of the file that stood here.
            replace_accounts(cursor, *year, [], None)
            continue
        footer = read_footer(workspace.out / entry["path"])
        if footer is not None and footer.accounts is not None:
            replace_accounts(cursor, *year, footer.accounts, entry["seal"])
    _forget_accounts(workspace, cursor, entries)
    _restore_accounts(workspace, cursor, entries)


def _forget_accounts(
    workspace: Workspace, cursor: duckdb.DuckDBPyConnection, entries: Sequence[Entry]
) -> None:
    """Forget the accounts of parts that no published file has.

    A file that is there and can't be read keeps what is known of it: its rows are in no part any
    more, and without its accounts they would be made anew without those of vanished raw files.
    """
    readable = {entry["path"] for entry in entries}
    unreadable = [
        _model_and_year(path)
        for path in workspace.year_files()
        if workspace.name_of(path) not in readable
    ]
    cursor.execute(sql_text("forget_accounts"), {"unreadable": unreadable})
    cursor.execute(sql_text("forget_year_files"))


def _model_and_year(path: Path) -> str:
    """Tell from its place what a year file is of: the model, a blank and the year."""
    return f"{path.parent.parent.name}_{path.parent.name} {path.stem.rpartition('_')[2]}"


def _restore_accounts(
    workspace: Workspace, cursor: duckdb.DuckDBPyConnection, entries: Sequence[Entry]
) -> None:
    """Learn from the rows of files which raw files they hold, where their footers don't tell.

    Without it a lost working database would let a rebuild drop the rows of vanished raw files.
    """
    unknown = set(
        cursor.execute(
            "select distinct model, year from inventory.parts"
            " anti join inventory.accounts using (model, part)"
        ).fetchall()
    )
    for entry in entries:
        if (entry["model"], entry["year"]) in unknown:
            parameters = {name: entry[name] for name in ("model", "year")}
            path = str(workspace.out / entry["path"])
            cursor.execute(sql_text("restore_accounts"), parameters | {"path": path})


def _accounts_table(accounts: Sequence[Account]) -> pa.Table:
    kinds = [pa.string()] * 5 + [pa.uint64()]
    return pa.Table.from_pylist(
        [account._asdict() for account in accounts],
        schema=pa.schema(list(zip(Account._fields, kinds, strict=True))),
    )


def _parts_table(entries: Sequence[Entry]) -> pa.Table:
    fields = [
        *((name, pa.string()) for name in ("model", "part", "digest", "fingerprint")),
        *((name, pa.int64()) for name in ("year", "rows", "row_groups")),
        *((name, pa.string()) for name in ("first_interval", "last_interval")),
    ]
    rows = [
        part | {name: entry[name] for name in ("model", "year", "fingerprint")}
        for entry in entries
        for part in entry["parts"]
    ]
    return pa.Table.from_pylist(rows, schema=pa.schema(fields))
