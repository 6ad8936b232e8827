"""Where the dbt project lies: in the folder that is named, in the package or around it."""

from __future__ import annotations

import os
from pathlib import Path

from unified_iso.workspace import WorkspaceError

# The build of the wheel copies the project here; a checkout has no such folder.
INSTALLED = Path(__file__).parent / "dbt_project"
_CHECKOUT = Path(__file__).parents[2]


class NoProject(WorkspaceError):
    """The dbt project can't be found; the message says where it was looked for and what to do."""


def _root() -> Path:
    if named := os.environ.get("UNIFIED_ISO_PROJECT"):
        return Path(named)
    return INSTALLED if INSTALLED.is_dir() else _CHECKOUT


ROOT = _root()


def in_project(*parts: str) -> Path:
    """Return the path of a file or folder of the project.

    Raises:
        NoProject: it is not there.
    """
    path = ROOT.joinpath(*parts)
    if not path.exists():
        raise NoProject(
            f"there is no dbt project in {ROOT.absolute()}, because it lacks {'/'.join(parts)}: "
            "set UNIFIED_ISO_PROJECT to the folder of dbt_project.yml, or install unified-iso again"
        )
    return path


def clone() -> Path:
    """Return the project where it may be changed.

    Raises:
        NoProject: it is that of an installed package.
    """
    if ROOT == INSTALLED:
        raise NoProject(
            "the project of an installed package is not to be changed: clone the repository, and "
            "name its folder with UNIFIED_ISO_PROJECT"
        )
    return ROOT
