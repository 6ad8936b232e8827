"""Errors of the machine are told from those of a file, whoever reports them."""

from __future__ import annotations

import errno
from pathlib import Path

import duckdb
import pytest

from small_project import Small
from unified_iso.build.load import Loader
from unified_iso.machine import MachineError, is_of_machine

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
def small(tmp_path: Path) -> Small:
    """Two sound files that are about to be read on a session of little memory."""
    small = Small(tmp_path)
    small.cursor.execute("set memory_limit = '100MB'")
    small.cursor.execute("set temp_directory = ''")
    for number in (1, 2):
        small.write(f"{number}.csv", ["2024-03-04 00:00:00,HUB,1.5,1"])
    small.look()
    small.choose()
    return small


def _refused(small: Small) -> list[tuple[str, str]]:
    return small.rows(
        "select data_source, refusal from inventory.raw_files where refusal is not null"
    )


def test_what_the_reader_says_of_a_file_is_noted(small: Small) -> None:
    (small.raw / "xiso" / "da-prices" / "1.csv").unlink()
    assert small.loader.parse() is False
    [(file, reason)] = _refused(small)
    assert file == "xiso/da-prices/1.csv"
    assert reason.startswith("can't be read as csv (IO Error: No files found")


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
    small: Small, monkeypatch: pytest.MonkeyPatch, statement: str, error: type[Exception]
) -> None:
    monkeypatch.setattr(Loader, "_parsed", lambda *_: statement)
    with pytest.raises(error):
        small.loader.parse()
    assert _refused(small) == []
