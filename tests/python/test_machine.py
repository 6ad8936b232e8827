"""Errors of the machine are told from those of a file, whoever reports them."""

from __future__ import annotations

import errno
from pathlib import Path

import duckdb
import pytest

from unified_iso.inventory import SCHEMA
from unified_iso.machine import MachineError, is_of_machine
from unified_iso.plugin import Plugin

FULL = OSError(errno.ENOSPC, "No space left on device")


def _caused(error: Exception, cause: BaseException) -> Exception:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    "error",
    [
        FULL,
        OSError(errno.EIO, "Input/output error"),
        OSError(errno.EMFILE, "Too many open files"),
        MemoryError(),
        MachineError("no space"),
        duckdb.OutOfMemoryException("could not allocate"),
        duckdb.IOException('Could not write file "x": No space left on device'),
        _caused(ValueError("is no workbook"), FULL),
    ],
    ids=repr,
)
def test_what_the_machine_lacks_is_of_the_machine(error: BaseException) -> None:
    assert is_of_machine(error)


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.EACCES, "Permission denied"),
        OSError(errno.ENOENT, "No such file or directory"),
        ValueError("no number"),
        duckdb.InvalidInputException("CSV Error on Line: 3"),
        duckdb.IOException('No files found that match the pattern "x.csv"'),
        _caused(ValueError("is no workbook"), KeyError("sheet1.xml")),
    ],
    ids=repr,
)
def test_what_a_file_is_or_holds_is_not(error: BaseException) -> None:
    assert not is_of_machine(error)


@pytest.fixture
def session(tmp_path: Path) -> duckdb.DuckDBPyConnection:
    """A session as dbt opens it, with the plugin that knows it."""
    connection = duckdb.connect(config={"memory_limit": "100MB", "threads": 1})
    connection.execute("set temp_directory = ''")
    connection.execute(SCHEMA)
    return connection


@pytest.fixture
def plugin(session: duckdb.DuckDBPyConnection, tmp_path: Path) -> Plugin:
    config = {"raw": str(tmp_path / "raw"), "out": str(tmp_path / "out")}
    plugin = Plugin("unified_iso", config)
    plugin.configure_cursor(session)
    return plugin


def _noted(session: duckdb.DuckDBPyConnection) -> list[str]:
    rows = session.execute("select message from inventory.failed_attempts").fetchall()
    return [message for (message,) in rows]


def test_what_the_reader_says_of_a_file_is_noted(
    plugin: Plugin, session: duckdb.DuckDBPyConnection
) -> None:
    read = "create temp table rows as from read_csv('{}', hive_partitioning = false)"
    plugin._attempt(session.cursor(), [read.format("/no/such/file.csv")])
    assert "No files found" in _noted(session)[0]
    plugin._attempt(session.cursor(), ["create temp table rows as select 1 as x", "select 2"])
    assert _noted(session) == []
    assert session.execute("select x from temp.rows").fetchall() == [(1,)]


@pytest.mark.parametrize(
    ("statement", "error"),
    [
        (
            "create temp table big as select x, x::varchar as y from range(20000000) as r(x)",
            duckdb.OutOfMemoryException,
        ),
        ("selekt 1", duckdb.ParserException),
        ("select no_such_column", duckdb.BinderException),
    ],
    ids=["memory", "syntax", "column"],
)
def test_no_file_is_blamed_for_other_errors(
    plugin: Plugin, session: duckdb.DuckDBPyConnection, statement: str, error: type[Exception]
) -> None:
    with pytest.raises(error):
        plugin._attempt(session.cursor(), [statement])
