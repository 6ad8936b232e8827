"""One writer at a time in an output folder."""

from __future__ import annotations

import os
from pathlib import Path

from filelock import FileLock, Timeout

_held: dict[Path, FileLock] = {}


class Locked(Exception):
    """Another process is writing to the output folder; the message names it."""


def take_lock(lock_file: Path) -> None:
    """Hold the lock until this process ends; taking it again in the same process is fine.

    The operating system lets go of it when the process dies, however it dies.

    Raises:
        Locked: another process holds it.
    """
    if lock_file in _held:
        return
    lock = FileLock(lock_file)
    owner = lock_file.with_suffix(".owner")
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        who = owner.read_text() if owner.exists() else "unknown"
        raise Locked(
            f"another run (process {who}) is working on {lock_file.parent.parent}: "
            "wait until it has ended, or choose another output folder"
        ) from error
    owner.write_text(str(os.getpid()))
    _held[lock_file] = lock
