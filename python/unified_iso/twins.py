"""Year files sorted by location, each a twin of a published one: where they lie, whose they are."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from unified_iso.row_groups.footer import NotParquet
from unified_iso.row_groups.seal import read_seal
from unified_iso.workspace import Workspace

# Its value is the seal of the year file.
TWIN_KEY = "unified_iso_twin_of"


def twin_of(workspace: Workspace, entry: Mapping[str, Any]) -> Path:
    """Return where the twin of the year file of an entry lies, if it has one."""
    place = workspace.place_of(entry).relative_to(workspace.parquet)
    return workspace.by_location / place


def twin_files(workspace: Workspace) -> list[Path]:
    """Return every file that lies where twins do, sorted."""
    return sorted(path for path in workspace.by_location.glob("*/*/*.parquet") if path.is_file())


def is_twin(twin: Path, year_file: Path) -> bool:
    """Whether a file is the twin of a year file as that is now, by what both footers say."""
    try:
        told = read_seal(twin, TWIN_KEY)
        return told is not None and told == read_seal(year_file)
    except (NotParquet, OSError):
        return False
