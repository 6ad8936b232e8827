"""What the dbt project says of its datasets, views and seeds, for those who open the tree alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Node = Mapping[str, Any]


@dataclass(frozen=True)
class DescribedColumn:
    """A column: its type in DuckDB, what it means, and the unit of its numbers if they have one."""

    name: str
    type: str | None
    description: str
    unit: str | None = None


@dataclass(frozen=True)
class Description:
    """A relation: what a row of it is, and its columns in their order."""

    text: str = ""
    columns: tuple[DescribedColumn, ...] = ()


def descriptions_of(nodes: Mapping[str, Node]) -> dict[str, Description]:
    """Return what dbt's nodes say of each model and seed, by its name."""
    return {
        node["name"]: Description(
            text=_line(node.get("description")),
            columns=tuple(
                DescribedColumn(
                    name=column["name"],
                    type=column.get("data_type"),
                    description=_line(column.get("description")),
                    unit=_meta_of(column).get("unit"),
                )
                for column in (node.get("columns") or {}).values()
            ),
        )
        for node in nodes.values()
        if node.get("resource_type") in ("model", "seed")
    }


def _line(text: str | None) -> str:
    """Return a description without the line breaks of the file that it stands in."""
    return " ".join((text or "").split())


def _meta_of(column: Mapping[str, Any]) -> Mapping[str, Any]:
    return (column.get("config") or {}).get("meta") or column.get("meta") or {}
