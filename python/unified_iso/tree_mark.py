"""The mark of a tree: a file of a name that no other tree has, by which a catalog knows its own."""

from __future__ import annotations

import re
import secrets
from io import BytesIO

import pyarrow as pa

from unified_iso.machine import machine_named
from unified_iso.replacing import replace_file
from unified_iso.workspace import Workspace

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
            replace_file(path, _content())
    return workspace.name_of(path)


def _content() -> bytes:
    """Return a Parquet file of one row, because views open the mark where no folder is listed."""
    # It is made once for a tree, and every build would import this.
    from pyarrow.parquet import write_table

    content = BytesIO()
    write_table(pa.table({"mark": [1]}), content)
    return content.getvalue()
