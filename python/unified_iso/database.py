"""The working database: opened, or set aside where it is damaged, as it can be made anew."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from unified_iso.limits import duckdb_memory_limit
from unified_iso.machine import is_of_machine
from unified_iso.sql import sql_text
from unified_iso.workspace import Workspace

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

# Databases that this process has read whole, as the files were when it had last used them: a build
# that looks for news before it runs dbt reads them once.
_sound: dict[Path, list[object]] = {}


@contextmanager
def transaction(cursor: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Keep all that is changed within, or none of it."""
    cursor.begin()
    try:
        yield
    except BaseException:
        cursor.rollback()
        raise
    cursor.commit()


@contextmanager
def working_database(
    workspace: Workspace, memory_limit: str, threads: str
) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open the working database as a run of dbt does, for work that needs no dbt.

    Raises:
        ValueError: the memory limit is no size.
        duckdb.Error: it can't be opened.
    """
    workspace.clear_spill()
    config: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": duckdb_memory_limit(memory_limit),
        "temp_directory": str(workspace.state / "tmp"),
    }
    if threads:
        config["threads"] = threads
    was_sound = _is_known_as_sound(workspace.database)
    with duckdb.connect(str(workspace.database), config=config) as connection:
        connection.execute("set global TimeZone = 'UTC'")
        connection.execute(sql_text("schema"))
        yield connection
    if was_sound:
        _sound[workspace.database] = _state_of(workspace.database)


def set_aside_if_damaged(database: Path) -> str | None:
    """Rename a database, and its log of changes, that can't be read whole.

    Returns what is the matter with it, None where nothing is. A database that somebody else holds,
    or that the machine can't read, stays.
    """
    damage = damage_of(database)
    if damage:
        aside = database.with_name(database.name + ".damaged")
        # The log goes first: left behind, it would be taken for that of the new database.
        for suffix in (".wal", ""):
            found = Path(f"{database}{suffix}")
            if found.exists():
                found.replace(f"{aside}{suffix}")
    return damage


def damage_of(database: Path) -> str | None:
    """Return why a database can't be read whole, None where it can or where it isn't its fault."""
    if not database.is_file() or _is_known_as_sound(database):
        return None
    try:
        _read_inventory(database)
    except duckdb.Error as error:
        if not is_of_machine(error) and _tells_of_damage(error):
            return str(error)
    else:
        _sound[database] = _state_of(database)
    return None


def _is_known_as_sound(database: Path) -> bool:
    return database in _sound and _sound[database] == _state_of(database)


def _state_of(database: Path) -> list[object]:
    """What tells that a database, or its log of changes, is another one or was written to."""
    found: list[object] = []
    for path in (database, Path(f"{database}.wal")):
        try:
            status = path.stat()
        except FileNotFoundError:
            found.append(None)
        else:
            found.append((status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns))
    return found


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
