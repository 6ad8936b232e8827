"""SQL that stands in files of its own, and text that is quoted to stand in SQL."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from pathlib import PurePath

_FOLDER = files("unified_iso").joinpath("build", "sql")


class UnknownQuery(LookupError):
    """No file has a query of this name; the message lists those that there are."""


@cache
def sql_text(name: str) -> str:
    """Return the SQL of `build/sql/<name>.sql`, whose parameters are given by name, as `$name`.

    Raises:
        UnknownQuery: there is no such file.
    """
    known = {file.name.removesuffix(".sql"): file for file in _FOLDER.iterdir()}
    if name not in known:
        raise UnknownQuery(f"no query {name!r} in {_FOLDER}: there are {', '.join(sorted(known))}")
    return known[name].read_text(encoding="utf-8")


def quoted_text(value: str | PurePath) -> str:
    """Return a value as a text literal of SQL."""
    return "'" + str(value).replace("'", "''") + "'"


def quoted_name(name: str) -> str:
    """Return the name of a table, view or column as SQL that keeps its case and every character."""
    return '"' + name.replace('"', '""') + '"'
