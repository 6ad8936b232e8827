"""JSON Schemas of the published tables, told by the contracts of their datasets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from unified_iso.build.spec import Node, Project, is_dataset
from unified_iso.families import Family
from unified_iso.footers import SCHEMA_VERSION

DRAFT = "https://json-schema.org/draft/2020-12/schema"
Schema = dict[str, Any]

# How DuckDB's types look in JSON, as `to_json` prints them but for instants, which end in `Z`.
_TYPES: Mapping[str, Schema] = {
    "timestamptz": {"type": "string", "format": "date-time"},
    "timestamp": {"type": "string"},
    "date": {"type": "string", "format": "date"},
    "utinyint": {"type": "integer", "minimum": 0, "maximum": 255},
    "uinteger": {"type": "integer", "minimum": 0},
    "double": {"type": "number"},
    "boolean": {"type": "boolean"},
    "varchar": {"type": "string"},
}


def table_schemas(
    project: Project,
    families: Mapping[str, Family],
    domains: Mapping[str, Sequence[str]],
) -> dict[str, Schema]:
    """Return by family the JSON Schema of a row of its table.

    A family without a dataset in the project has none. What JSON Schema has no word for stands
    in keywords that begin with `x-`.

    domains: by column the words that the seeds list for it.
    """
    found: dict[str, Schema] = {}
    for node in sorted(project.nodes.values(), key=lambda node: str(node["name"])):
        if is_dataset(node) and (name := node["config"]["family"]) not in found:
            found[name] = _schema(project, families[name], node, domains)
    return found


def _schema(
    project: Project, family: Family, node: Node, domains: Mapping[str, Sequence[str]]
) -> Schema:
    columns = node["columns"].values()
    return {
        "$schema": DRAFT,
        "title": family.name,
        "description": _text(_description_of(project, family.name)),
        "type": "object",
        "properties": {c["name"]: _property(family, c, domains) for c in columns},
        "required": [c["name"] for c in columns],
        "additionalProperties": False,
        "x-schema-version": SCHEMA_VERSION,
        "x-column-order": [c["name"] for c in columns],
        "x-grain": list(family.key),
        "x-sort-order": list(family.order),
        "x-datasets": sorted(
            other["name"]
            for other in project.nodes.values()
            if is_dataset(other) and other["config"]["family"] == family.name
        ),
    }


def _property(family: Family, column: Node, domains: Mapping[str, Sequence[str]]) -> Schema:
    """Describe a column; one that a row may lack has null among its types and words."""
    name, data_type = column["name"], str(column["data_type"]).lower()
    schema: Schema = dict(_TYPES.get(data_type, {}))
    words: list[str | None] = list(domains.get(name, ()))
    if name not in family.required:
        if "type" in schema:
            schema["type"] = [schema["type"], "null"]
        words += [None] if words else []
    if words:
        schema["enum"] = words
    meta = (column.get("config") or {}).get("meta") or column.get("meta") or {}
    return schema | {
        "description": _text(column["description"]),
        "x-duckdb-type": data_type,
        "x-unit": meta.get("unit"),
    }


def _description_of(project: Project, model: str) -> str:
    found = (
        str(node.get("description") or "")
        for node in project.nodes.values()
        if node["resource_type"] == "model" and node["name"] == model
    )
    return next(found, "")


def _text(description: str) -> str:
    """Return a description on one line."""
    return " ".join(str(description).split())
