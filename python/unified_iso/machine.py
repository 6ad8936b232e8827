"""Errors of the machine: a full disk or too little memory says nothing about any raw file."""

from __future__ import annotations

import errno
import os

import duckdb

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
    found: BaseException | None = error
    while found is not None:
        if isinstance(found, MachineError | MemoryError | duckdb.OutOfMemoryException):
            return True
        if isinstance(found, OSError) and found.errno in _ERRNOS:
            return True
        if isinstance(found, duckdb.Error) and str(found).endswith(_TEXTS):
            return True
        found = found.__cause__ or found.__context__
    return False
