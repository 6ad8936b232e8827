"""One writer at a time in an output folder."""

from __future__ import annotations

import os
from pathlib import Path

from filelock import FileLock, Timeout

_held: dict[Path, FileLock] = {}


class Locked(Exception):
    """Another process is writing to the output folder; the message names it."""


def take_lock(lock_file: Path, wait: float = 0) -> None:
    """Hold the lock until `release_lock` or the end of this process; taking it twice is fine.

    wait: seconds to wait for another process to end.

    The operating system lets go of it when the process dies, however it dies.

    Raises:
        Locked: another process holds it.
    """
    if lock_file in _held:
        return
    # dbt takes it in a thread of its own, and the main one releases it.
    lock = FileLock(lock_file, thread_local=False)
    owner = lock_file.with_suffix(".owner")
    try:
        lock.acquire(timeout=wait)
    except Timeout as error:
        who = owner.read_text() if owner.exists() else "unknown"
        raise Locked(
            f"another run (process {who}) is working on {lock_file.parent.parent}: "
            "wait until it has ended (--wait SECONDS does), or choose another output folder"
        ) from error
    owner.write_text(str(os.getpid()))
    _held[lock_file] = lock


def release_lock(lock_file: Path) -> None:
    """Let other processes write again, for callers that live on after a run.

    Without effect where this process doesn't hold the lock.
    """
    if lock := _held.pop(lock_file, None):
        lock_file.with_suffix(".owner").unlink(missing_ok=True)
        lock.release()
