"""The working database: set aside where it is damaged, for all it knows can be found out again."""

from __future__ import annotations

from pathlib import Path

import duckdb

from unified_iso.machine import is_of_machine

# DuckDB has no error class of its own for a damaged file; a lock held by another process and a
# file that may not be read are told by the same class.
_TELLS_OF_DAMAGE = (
    "corrupt",
    "failure while replaying wal",
    "wal does not match",
    "wal file does not match",
    "not a valid duckdb database file",
    "could not read enough bytes",
)
_ERRORS_OF_DAMAGE = (
    duckdb.SerializationException,
    duckdb.InternalException,
    duckdb.FatalException,
)


def set_aside_if_damaged(database: Path) -> str | None:
    """Rename a database, and its log of changes, that can't be read whole.

    Returns what is the matter with it, None where nothing is. A database that somebody else holds,
    or that the machine can't read, stays.
    """
    if not database.is_file():
        return None
    try:
        _read_inventory(database)
    except duckdb.Error as error:
        if is_of_machine(error) or not _tells_of_damage(error):
            return None
        aside = database.with_name(database.name + ".damaged")
        # The log goes first: left behind, it would be taken for that of the new database.
        for suffix in (".wal", ""):
            found = Path(f"{database}{suffix}")
            if found.exists():
                found.replace(f"{aside}{suffix}")
        return str(error)
    return None


def _read_inventory(database: Path) -> None:
    """Read each value that is kept from run to run; everything else is made anew by each run."""
    with duckdb.connect(str(database), read_only=True) as connection:
        tables = connection.execute(
            "select table_name from duckdb_tables() where schema_name = 'inventory'"
        ).fetchall()
        for (table,) in tables:
            connection.execute(
                f'select bit_xor(hash(kept)) from inventory."{table}" as kept'
            ).fetchall()


def _tells_of_damage(error: duckdb.Error) -> bool:
    text = str(error).lower()
    return isinstance(error, _ERRORS_OF_DAMAGE) or any(told in text for told in _TELLS_OF_DAMAGE)
