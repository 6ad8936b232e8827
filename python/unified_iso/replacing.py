"""Files that are replaced whole by one rename."""

from __future__ import annotations

import os
from pathlib import Path

from unified_iso.machine import machine_named
from unified_iso.workspace import beside


def replace_if_changed(path: Path, content: bytes) -> bool:
    """Let a file have this content; one that has it already is not touched.

    Returns whether the file was replaced.

    Raises:
        MachineError: the disk is full, or the like.
    """
    if path.is_file() and path.read_bytes() == content:
        return False
    with machine_named(path.parent):
        replace_file(path, content)
    return True


def replace_file(path: Path, content: bytes) -> None:
    """Let a file have this content, whatever it had; where that fails nothing is left beside it.

    Raises:
        OSError: it can't be written, and is as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    new = beside(path)
    try:
        with new.open("wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        new.replace(path)
    except BaseException:
        new.unlink(missing_ok=True)
        raise
