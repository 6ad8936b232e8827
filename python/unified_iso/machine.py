"""Errors of the machine: a full disk or too little memory says nothing about any raw file."""

from __future__ import annotations

import errno
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_ERRNOS = frozenset(
    (
        errno.ENOSPC,
        errno.EDQUOT,
        errno.EIO,
        errno.EMFILE,
        errno.ENFILE,
        errno.ENOMEM,
        errno.EROFS,
    )
)
# DuckDB gives the text of the system's error and no number.
_TEXTS = tuple(os.strerror(number) for number in sorted(_ERRNOS))


class MachineError(Exception):
    """The machine could not do what was asked; the run stops and judges no file by it."""


def is_of_machine(error: BaseException) -> bool:
    """Whether an error, or what caused it, tells of the machine and not of a file's content."""
    # Here and below, because commands that open no database need not wait for it.
    import duckdb

    for found in _with_causes(error):
        if isinstance(found, MachineError | MemoryError | duckdb.OutOfMemoryException):
            return True
        if isinstance(found, OSError) and found.errno in _ERRNOS:
            return True
        if isinstance(found, duckdb.Error) and str(found).endswith(_TEXTS):
            return True
    return False


def _with_causes(error: BaseException) -> Iterator[BaseException]:
    found: BaseException | None = error
    while found is not None:
        yield found
        found = found.__cause__ or found.__context__


_ADVICE = {
    errno.ENOSPC: "free some space",
    errno.EDQUOT: "free some space or have the quota raised",
    errno.EIO: "check the disk and its cable",
    errno.EMFILE: "raise the limit, for example with `ulimit -n 4096`,",
    errno.ENFILE: "end other programs",
    errno.ENOMEM: "raise --memory-limit, or end other programs,",
    errno.EROFS: "make it writable",
}
# The system's words end a line, or something follows that is no part of a file's name.
_SAID = {
    number: re.compile(rf"(^\s*|: |\] ){re.escape(os.strerror(number))}(?=[\s\"';:]|$)", re.M)
    for number in sorted(_ERRNOS)
}
_NO_MEMORY = re.compile(r"Out of Memory Error|MemoryError|bad_alloc|bad allocation")
# DuckDB calls a full disk a lack of memory, because it can't move memory there.
_NO_ROOM_TO_SPILL = "max_temp_directory_size"


def shortage_in(said: str) -> int | None:
    """Return the number of the system error that a message tells of, if it is one of the machine's.

    It is for messages whose exception is gone; with an exception, ask `is_of_machine`.
    """
    if _NO_ROOM_TO_SPILL in said:
        return errno.ENOSPC
    if _NO_MEMORY.search(said):
        return errno.ENOMEM
    return next((number for number, words in _SAID.items() if words.search(said)), None)


def in_words(error: BaseException | str, folder: Path) -> str:
    """Say in one line what the machine lacked, where, how much there is, and what to do.

    `error` is one for which `is_of_machine` holds, or a message for which `shortage_in` does;
    `folder` is where the run writes.
    """
    said = error if isinstance(error, str) else _told(error)
    number = shortage_in(said)
    if number is None:
        return f"{error}: see to it"
    name, advice = os.strerror(number), _ADVICE[number]
    for line in map(str.strip, said.splitlines()):
        if line.startswith(name) and line.endswith(advice):
            return line
    return f"{name}{_details(number, folder, said)}: {advice}"


def _told(error: BaseException) -> str:
    return "\n".join(f"{type(found).__name__}: {found}" for found in _with_causes(error))


def _details(number: int, folder: Path, said: str) -> str:
    if number == errno.ENOMEM:
        used = re.search(r"\(([^()]+ used)\)", said)
        return f" ({used[1]})" if used else ""
    if number in (errno.EMFILE, errno.ENFILE):
        return ""
    named = re.search(r"""["'](/[^"'\n]+)["']""", said)
    place = f": {named[1] if named else folder}"
    try:
        return f"{place} ({shutil.disk_usage(folder).free / 1000**2:,.1f} MB free)"
    except OSError:
        return place


@contextmanager
def machine_named(folder: Path) -> Iterator[None]:
    """Turn an error of the machine into one that says where it came up and what to do.

    Raises:
        MachineError: in place of what tells of a full disk and the like.
    """
    import duckdb

    try:
        yield
    except MachineError:
        raise
    except (OSError, MemoryError, duckdb.Error) as error:
        if not is_of_machine(error):
            raise
        raise MachineError(advice_for(error, folder)) from error


def advice_for(error: BaseException, folder: Path) -> str:
    """Say what the machine lacked while `folder` was written, and what to do."""
    reason = error.strerror if isinstance(error, OSError) else str(error).splitlines()[0]
    return (
        f"{reason} in {folder}: what is published is whole; see to the space and the disk of that "
        "folder, then build again"
    )
