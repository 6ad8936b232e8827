"""Tells the working database what the manifest says and what came of tests, for the models."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import duckdb
import pyarrow as pa

from unified_iso.build.judge import Result, has_failed_unsaid
from unified_iso.build.spec import Node
from unified_iso.database import transaction
from unified_iso.footers import Entry

# Where each list of the manifest tells what it is about: subject, year, line, reason and rows.
_FINDINGS: Mapping[str, tuple[str, str | None, str | None, str | None, str | None]] = {
    "refused": ("file", None, None, "reason", None),
    "rejected": ("file", None, "line", "reason", "rows"),
    "unpublished": ("model", "year", None, "reason", None),
    "no_dataset": ("file", None, None, "of", "rows"),
    "left_out": ("file", None, None, "reason", "rows"),
    "warnings": ("file", None, None, "message", None),
}
_FILES = {
    "path": pa.string(),
    "model": pa.string(),
    "iso": pa.string(),
    "dataset": pa.string(),
    "family": pa.string(),
    "year": pa.uint16(),
    "rows": pa.uint64(),
    "bytes": pa.uint64(),
    "series": pa.uint64(),
    "step_minutes": pa.uint32(),
    "missing_intervals": pa.uint64(),
    "first_interval": pa.string(),
    "last_interval": pa.string(),
    "sha256": pa.string(),
    "unchecked_reports": pa.list_(pa.string()),
}
_FINDING_FIELDS = {
    "kind": pa.string(),
    "subject": pa.string(),
    "year": pa.uint16(),
    "line": pa.uint64(),
    "reason": pa.string(),
    "rows": pa.uint64(),
}
_TEST_FIELDS = {
    "test": pa.string(),
    "node": pa.string(),
    "name": pa.string(),
    "column_name": pa.string(),
    "severity": pa.string(),
    "status": pa.string(),
    "failures": pa.uint64(),
    "relation": pa.string(),
}


def keep_manifest(cursor: duckdb.DuckDBPyConnection, manifest: Mapping[str, Any]) -> None:
    """Let the tables of published files and of findings be what the manifest says."""
    files = [{name: entry.get(name) for name in _FILES} for entry in manifest["files"]]
    _replace(cursor, "published_files", _FILES, files)
    _replace(cursor, "findings", _FINDING_FIELDS, list(_findings(manifest)))


def _findings(manifest: Mapping[str, Any]) -> Iterable[Entry]:
    fields = ("subject", "year", "line", "reason", "rows")
    for kind, keys in _FINDINGS.items():
        for entry in manifest.get(kind, []):
            told = {field: entry.get(key) for field, key in zip(fields, keys, strict=True) if key}
            yield {"kind": kind} | told


def keep_test_results(
    cursor: duckdb.DuckDBPyConnection,
    nodes: Mapping[str, Node],
    results: Mapping[str, Result],
) -> None:
    """Keep what came of the tests that ran, and forget those that the project has no more.

    Seeds that have passed are not tested again for the same project, whatever the output folder, so
    that a count of their passed tests would tell which output came first.

    nodes: of the project, by unique id.
    """
    tests = {i: node for i, node in nodes.items() if node["resource_type"] == "test"}
    known = cursor.execute("select test from inventory.test_results").fetchall()
    gone = [test for (test,) in known if test not in tests or test in results]
    rows = [
        _test_row(unique_id, node, results[unique_id])
        for unique_id, node in tests.items()
        if unique_id in results
        and results[unique_id].status != "skipped"
        and not (results[unique_id].status == "pass" and _is_of_seed(node))
    ]
    with transaction(cursor):
        cursor.execute("delete from inventory.test_results where list_contains($1, test)", [gone])
        _insert(cursor, "test_results", _TEST_FIELDS, rows)


def _is_of_seed(test: Node) -> bool:
    return str(test.get("attached_node") or "").startswith("seed.")


def _test_row(unique_id: str, node: Node, result: Result) -> dict[str, object]:
    metadata = node.get("test_metadata") or {}
    return {
        "test": unique_id,
        "node": str(node.get("attached_node") or "").rpartition(".")[2],
        "name": metadata.get("name") or node["name"],
        "column_name": node.get("column_name"),
        "severity": str(node["config"]["severity"]).lower(),
        "status": "fail" if has_failed_unsaid(node, result) else result.status,
        "failures": result.failures,
        "relation": result.relation,
    }


def _replace(
    cursor: duckdb.DuckDBPyConnection,
    table: str,
    fields: Mapping[str, pa.DataType],
    rows: Sequence[Mapping[str, object]],
) -> None:
    with transaction(cursor):
        cursor.execute(f"delete from inventory.{table}")
        _insert(cursor, table, fields, rows)


def _insert(
    cursor: duckdb.DuckDBPyConnection,
    table: str,
    fields: Mapping[str, pa.DataType],
    rows: Sequence[Mapping[str, object]],
) -> None:
    cursor.register(
        "told", pa.Table.from_pylist(list(rows), schema=pa.schema(list(fields.items())))
    )
    cursor.execute(f"insert into inventory.{table} by name select * from told")
    cursor.unregister("told")
