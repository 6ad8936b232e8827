"""The SQL of the quality report, which stands in files of its own beside this one."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

_FOLDER = files("unified_iso").joinpath("quality", "sql")


@cache
def query(name: str) -> str:
    """Return the SQL of `quality/sql/<name>.sql`, whose parameters are given by name, as `$name`.

    Raises:
        FileNotFoundError: there is no such file.
    """
    return _FOLDER.joinpath(f"{name}.sql").read_text(encoding="utf-8")
