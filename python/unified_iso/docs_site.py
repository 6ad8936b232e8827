"""Writes the documentation site: `python -m unified_iso.docs_site [PAGE]`.

dbt's own static page is taken, with a project that is made readable first: unit tests are no nodes
of it, the columns that each raw file gets from its reader have their text, and every node is tagged
and coloured by operator and layer.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from unified_iso.build.spec import INVENTORY, is_dataset
from unified_iso.replacing import replace_file
from unified_iso.root import ROOT
from unified_iso.workspace import WorkspaceError

Node = dict[str, Any]
_PLACES = {"manifest": '"MANIFEST.JSON INLINE DATA"', "catalog": '"CATALOG.JSON INLINE DATA"'}
_COLOURS = {
    "raw": "#8a6d3b",
    "staging": "#3b6e8a",
    "dataset": "#2e7d4f",
    "view": "#6a4c93",
    "facts": "#777777",
    "engine": "#aaaaaa",
    "exposure": "#c0562f",
}


class DocsError(WorkspaceError):
    """The site can't be written; the message says why."""


def write_site(page: Path, target: Path) -> None:
    """Let dbt describe the project and write all of it into one HTML file.

    page: the file, which is replaced at once.
    target: folder in which dbt leaves what it generates.

    Raises:
        DocsError: dbt could not describe the project, or its page has changed its shape.
    """
    from dbt.cli.main import dbtRunner

    folders = ["--project-dir", str(ROOT), "--profiles-dir", str(ROOT)]
    where = ["--target-path", str(target), "--log-path", str(target / "logs")]
    # The working database lies in a folder that a fresh clone doesn't have yet.
    Path(os.environ.get("UNIFIED_ISO_OUT", "out"), ".unified-iso").mkdir(
        parents=True, exist_ok=True
    )
    result = dbtRunner().invoke(["--quiet", "docs", "generate", *folders, *where])
    if not result.success:
        raise DocsError(f"dbt could not describe the project: {result.exception or 'see its log'}")
    parts = {name: json.loads((target / f"{name}.json").read_text()) for name in _PLACES}
    make_readable(parts["manifest"], parts["catalog"])
    replace_file(page, inlined((target / "index.html").read_text(), parts).encode())


def inlined(html: str, parts: Mapping[str, Any]) -> str:
    """Return dbt's page with its data in it, so that it opens from disk.

    Raises:
        DocsError: the page has no place for them.
    """
    for name, place in _PLACES.items():
        if html.count(place) != 1:
            raise DocsError(f"dbt's page has no single place for its {name}: its version is new")
        # A text that ends the script would end the page.
        data = json.dumps(parts[name], separators=(",", ":")).replace("</", "<\\/")
        html = html.replace(place, data)
    return html


def make_readable(manifest: dict[str, Any], catalog: dict[str, Any]) -> None:
    """Change what dbt wrote of the project into what people are to see of it."""
    _leave_out(manifest, manifest["unit_tests"])
    _leave_out(manifest, [i for i, n in manifest["nodes"].items() if _is_hook(n)])
    shown = {i for i, n in manifest["nodes"].items() if n["resource_type"] != "test"}
    catalog["nodes"] = {i: n for i, n in catalog["nodes"].items() if i in shown}
    of_reader = {
        doc["name"]: doc["block_contents"]
        for doc in manifest["docs"].values()
        if doc["name"].startswith("raw_")
    }
    for section in ("nodes", "sources", "exposures"):
        for node in manifest[section].values():
            _mark(node)
            if layer_of(node) == "raw":
                _describe(node, of_reader)


def layer_of(node: Node) -> str | None:
    """Return where a node stands on the way from raw file to reader, None for a test."""
    kind = node["resource_type"]
    if kind == "exposure":
        return "exposure"
    if kind == "source":
        return "engine" if node["source_name"] == INVENTORY else "raw"
    if kind == "seed":
        return "facts"
    if kind == "model":
        if is_dataset(node):
            return "dataset"
        return "staging" if "staging" in node["fqn"][1:-1] else "view"
    return None


def operator_of(node: Node) -> str | None:
    """Return the operator that a node is of, None where it is of all of them."""
    layer = layer_of(node)
    if layer == "raw":
        return str(node["source_name"])
    if layer == "staging":
        return str(node["fqn"][-2])
    return str(node["config"]["iso"]) if layer == "dataset" else None


def _is_hook(node: Node) -> bool:
    return bool(node["resource_type"] == "operation")


def _leave_out(manifest: dict[str, Any], left_out: Collection[str]) -> None:
    gone = set(left_out)
    for section in ("nodes", "unit_tests", "parent_map", "child_map"):
        manifest[section] = {i: n for i, n in manifest[section].items() if i not in gone}
    for section in ("parent_map", "child_map"):
        for unique_id, others in manifest[section].items():
            manifest[section][unique_id] = [other for other in others if other not in gone]


def _mark(node: Node) -> None:
    layer = layer_of(node)
    if layer is None:
        return
    found = filter(None, (layer, operator_of(node), node["config"].get("family")))
    node["tags"] = [*dict.fromkeys([*node["tags"], *found])]
    node["docs"] = {"show": True, "node_color": _COLOURS[layer]}


def _describe(node: Node, of_reader: Mapping[str, str]) -> None:
    """Give text to the columns that the reader of raw files adds to those of the report."""
    for name, text in of_reader.items():
        node["columns"].setdefault(name, {"name": name, "description": text})


def main() -> None:
    """Write the site and say where it is."""
    target = Path(os.environ.get("DBT_TARGET_PATH", "target"))
    page = Path(sys.argv[1]) if len(sys.argv) > 1 else target / "static_index.html"
    try:
        write_site(page.absolute(), target.absolute())
    except DocsError as error:
        sys.exit(f"stopped: {error}")
    print(f"the documentation is in {page.absolute()}")
    print(f"open {page.absolute().as_uri()}")


if __name__ == "__main__":
    main()
