"""The catalog of a tree: does it open, and does it have every dataset with all of its rows?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

import duckdb

from unified_iso.footers import Entry
from unified_iso.machine import is_of_machine
from unified_iso.sql import quoted_name
from unified_iso.verify.faults import Fault
from unified_iso.workspace import Workspace


def faults_of_catalog(
    workspace: Workspace, entries: Iterable[Entry], families: Iterable[str]
) -> Iterator[Fault]:
    """Compare the views of the catalog with what is published.

    entries: of the files that are in place and whole.
    families: names of the views over families.

    Raises:
        duckdb.Error: the machine has failed.
    """
    name = workspace.name_of(workspace.catalog)
    if not workspace.catalog.is_file():
        yield Fault(name, "catalog", "is gone")
        return
    try:
        with duckdb.connect(str(workspace.catalog), read_only=True) as catalog:
            for text in _wrong_views(catalog, list(entries), list(families)):
                yield Fault(name, "catalog", text)
    except duckdb.Error as error:
        if is_of_machine(error):
            raise
        yield Fault(name, "catalog", f"can't be opened: {str(error).splitlines()[0]}")


def _wrong_views(
    catalog: duckdb.DuckDBPyConnection, entries: list[Entry], families: list[str]
) -> Iterator[str]:
    rows: dict[str, int] = defaultdict(int)
    united: dict[str, int] = defaultdict(int)
    for entry in entries:
        rows[entry["model"]] += entry["rows"]
        if entry.get("family") in families:
            united[entry["family"]] += entry["rows"]
    views = {
        view
        for (view,) in catalog.execute(
            "select view_name from duckdb_views()"
            " where not internal and schema_name = current_schema()"
        ).fetchall()
    }
    lacking = [view for view in sorted(rows | united) if view not in views]
    if lacking:
        yield f"lacks {', '.join(lacking)}"
    # A union view counts what those of its datasets have counted already.
    for view in sorted(rows.keys() & views):
        yield from _wrong_count(catalog, view, rows[view])
    for view in sorted(united.keys() & views):
        yield from _unreadable(catalog, view)


def _wrong_count(catalog: duckdb.DuckDBPyConnection, view: str, rows: int) -> Iterator[str]:
    try:
        [(found,)] = catalog.execute(f"select count(*) from {quoted_name(view)}").fetchall()
    except duckdb.Error as error:
        if is_of_machine(error):
            raise
        yield f"{view} can't be read: {str(error).splitlines()[0]}"
        return
    if found != rows:
        yield f"{view} has {found:,} rows, {rows:,} are published"


def _unreadable(catalog: duckdb.DuckDBPyConnection, view: str) -> Iterator[str]:
    try:
        catalog.execute(f"select * from {quoted_name(view)} limit 0").fetchall()
    except duckdb.Error as error:
        if is_of_machine(error):
            raise
        yield f"{view} can't be read: {str(error).splitlines()[0]}"
