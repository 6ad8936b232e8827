"""The figures of the quality report as tables of the catalog, for whoever receives a tree."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping

import duckdb
import pyarrow as pa

from unified_iso.catalog import Figures
from unified_iso.families import Family
from unified_iso.quality.page import found_views, told_beside_manifest
from unified_iso.quality.report import update_figures
from unified_iso.sql import quoted_name
from unified_iso.workspace import Workspace

# Schema of the catalog that they stand in, under the names of their views without it.
SCHEMA = "quality"


def current_figures(
    workspace: Workspace,
    cursor: duckdb.DuckDBPyConnection,
    families: Mapping[str, Family],
    go_on: Callable[[], None] = lambda: None,
) -> Figures | None:
    """Bring the figures up to date with the manifest and return them.

    Returns None where they can't be had, because those of other data would be wrong ones. The
    report, which is written next, meets the same and says it.

    Raises:
        InterruptException: the run was interrupted.
    """
    try:
        update_figures(workspace, cursor, families, go_on)
        found = found_views(cursor)
        told = found.definitions + told_beside_manifest(cursor)
    except duckdb.InterruptException:
        raise
    except Exception:
        return None
    return Figures(
        SCHEMA,
        hashlib.sha256(workspace.manifest.read_bytes() + told.encode()).hexdigest(),
        lambda: {
            name.removeprefix(f"{SCHEMA}_"): _rows(cursor, found.schema, name)
            for name in found.names
        },
    )


def _rows(cursor: duckdb.DuckDBPyConnection, schema: str, view: str) -> pa.Table:
    """Return the rows of a view, without integers of 128 bits, which few clients have."""
    relation = f"{quoted_name(schema)}.{quoted_name(view)}"
    described = cursor.execute(f"describe {relation}").fetchall()
    sums = [quoted_name(name) for name, kind, *_ in described if kind == "HUGEINT"]
    casts = ", ".join(f"{name}::bigint as {name}" for name in sums)
    items = f"* replace ({casts})" if sums else "*"
    return cursor.sql(f"select {items} from {relation} order by all").to_arrow_table()
