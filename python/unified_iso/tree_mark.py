"""The mark of a tree: a file of a name that no other tree has, by which a catalog knows its own."""

from __future__ import annotations

import re
import secrets
from pathlib import Path

import duckdb

from unified_iso.machine import machine_named
from unified_iso.sql import quoted_text
from unified_iso.workspace import Workspace, beside

_NAME = re.compile(r"tree_of_catalog_[0-9a-f]{16}\.parquet")


def mark_of(workspace: Workspace) -> str:
    """Return the path of the mark below the output folder, and make one where there is none.

    It stays for ever, whatever is built: sessions that opened an older catalog look for it too. A
    copy of the tree has the same one.

    Raises:
        MachineError: the disk is full, or the like.
    """
    folder = workspace.manifest.parent
    marks = sorted(path for path in folder.glob("*.parquet") if _NAME.fullmatch(path.name))
    path = marks[0] if marks else folder / f"tree_of_catalog_{secrets.token_hex(8)}.parquet"
    if not marks:
        with machine_named(folder):
            _write(path)
    return workspace.name_of(path)


def _write(path: Path) -> None:
    # Views have to open it where no folder can be listed, and so it is a file that DuckDB opens.
    path.parent.mkdir(parents=True, exist_ok=True)
    new = beside(path)
    with duckdb.connect() as session:
        session.execute(f"copy (select 1 as mark) to {quoted_text(new)} (format parquet)")
    new.replace(path)
