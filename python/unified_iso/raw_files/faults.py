"""Tells what keeps a file from being read from what is wrong with the machine."""

from __future__ import annotations

from pathlib import Path

from unified_iso.limits import Exceeded
from unified_iso.machine import MachineError, is_of_machine
from unified_iso.raw_files.archives import BadArchive, words_of
from unified_iso.raw_files.refusals import Refused


def unreadable(error: BaseException) -> str:
    """Say that a file or folder can't be read, and why."""
    return f"can't be read ({reason_of(error)}): check the file and its rights"


def reason_of(error: BaseException) -> str:
    """Words of an error; those of the system without its number."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return words_of(error)


def stop_if_of_machine(error: BaseException, path: Path | str) -> None:
    """Raise MachineError where an error tells of the machine and judges no file."""
    if not is_of_machine(error):
        return
    words = str(error) if isinstance(error, MachineError) else reason_of(error)
    raise MachineError(
        f"{path} could not be read: {words}. This says nothing about the file: see to the machine "
        "(free space, memory, open files, disks) and build again"
    ) from error


def refusal_of(error: Exception) -> str:
    """Say why a file is refused, whatever went wrong with it."""
    if isinstance(error, Refused | Exceeded | BadArchive):
        return str(error)
    if isinstance(error, OSError) and error.errno is not None:
        return unreadable(error)
    return f"can't be read ({words_of(error)}): download it again"
