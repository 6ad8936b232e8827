"""The page of the quality report: one HTML file with its data as JSON, its charts and its scripts.

It holds no time of writing and no path of the machine, so that equal builds have equal pages.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import duckdb

from unified_iso.quality.queries import query
from unified_iso.replacing import replace_file
from unified_iso.words import visible
from unified_iso.workspace import Workspace

Row = dict[str, Any]

# Longer lists are cut, and the page says so: it is for looking at, the views have them whole.
MOST_GAPS = 200
MOST_FINDINGS = 100
_LIBRARIES = ("vega", "vega-lite", "vega-embed")
_PACKAGE = files("unified_iso").joinpath("quality")
# How much of a page is read to learn what it was made of.
_HEAD_BYTES = 1000


class NoFigures(Exception):
    """The working database has nothing to show; the message says what to do."""


@dataclass(frozen=True)
class FoundViews:
    """The views that the report shows: their schema, their names and their SQL."""

    schema: str
    names: tuple[str, ...]
    definitions: str


def write_page(workspace: Workspace, cursor: duckdb.DuckDBPyConnection, html: Path) -> None:
    """Write the page by one rename, unless the one in its place was made of the same.

    Raises:
        NoFigures: the views that it shows are not in the working database.
        OSError: it can't be written.
    """
    with _views(cursor) as definitions:
        made_of = _made_of(workspace, cursor, definitions)
        if _tells_of(html, made_of):
            return
        text = render(read_views(cursor), made_of)
    replace_file(html, text.encode())


@contextmanager
def _views(cursor: duckdb.DuckDBPyConnection) -> Iterator[str]:
    """Let the views be found by their names, and return what they are."""
    found = found_views(cursor)
    cursor.execute("set schema = $1", [found.schema])
    try:
        yield found.definitions
    finally:
        cursor.execute("reset schema")


def found_views(cursor: duckdb.DuckDBPyConnection) -> FoundViews:
    """Return the views that the report shows, as they are in the working database.

    Raises:
        NoFigures: they are not there.
    """
    found = cursor.execute(query("schema_of_views")).fetchall()
    if not found:
        raise NoFigures(
            "the views that the report shows are not built yet: build anything with unified-iso,"
            " or dbt build --select path:models/quality"
        )
    schema, names, definitions = found[0]
    return FoundViews(schema, tuple(names), definitions)


def told_beside_manifest(cursor: duckdb.DuckDBPyConnection) -> str:
    """Return what decides the rows of the views and stands neither in manifest nor year files."""
    return str(cursor.execute(query("told_beside_manifest")).fetchall())


def _made_of(workspace: Workspace, cursor: duckdb.DuckDBPyConnection, definitions: str) -> str:
    """Return a digest of all that decides the page."""
    texts = (definitions, told_beside_manifest(cursor), *_own_texts())
    digest = hashlib.sha256(workspace.manifest.read_bytes())
    for text in texts:
        digest.update(hashlib.sha256(text.encode()).digest())
    return digest.hexdigest()


@cache
def _own_texts() -> tuple[str, ...]:
    """Return everything of this package that decides the page."""
    own = [_PACKAGE.joinpath("page.py"), *_PACKAGE.joinpath("assets").iterdir()]
    own += [file for file in _PACKAGE.joinpath("sql").iterdir() if file.name.startswith("page_")]
    return tuple(
        file.read_text(encoding="utf-8") for file in sorted(own, key=lambda file: file.name)
    ) + tuple(_vendored(f"{name}.min.js") for name in _LIBRARIES)


def _tells_of(html: Path, made_of: str) -> bool:
    try:
        with html.open("rb") as stream:
            return made_of.encode() in stream.read(_HEAD_BYTES)
    except FileNotFoundError:
        return False


def read_views(cursor: duckdb.DuckDBPyConnection) -> dict[str, list[Row]]:
    """Return the rows of what the page shows, by the name of its query."""
    limits = {"gaps": {"most": MOST_GAPS}, "findings": {"most": MOST_FINDINGS}}
    names = (
        *("datasets", "files", "completeness", "gaps", "accounts"),
        *("months", "hours", "tests", "findings"),
    )
    return {name: _rows(cursor, f"page_{name}", limits.get(name, {})) for name in names}


def _rows(
    cursor: duckdb.DuckDBPyConnection, name: str, parameters: Mapping[str, object]
) -> list[Row]:
    cursor.execute(query(name), dict(parameters))
    columns = [column[0] for column in cursor.description or []]
    return [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]


def render(views: Mapping[str, list[Row]], made_of: str) -> str:
    """Return the page as text.

    views: rows by the name of their query, as `read_views` returns them.
    made_of: digest that tells later whether the page is up to date.
    """
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"number": _number, "size": _size, "percent": _percent, "shown": _shown}
    template = environment.from_string(_asset("page.html"))
    findings = _by_kind(views["findings"])
    page = template.render(
        made_of=made_of,
        style=Markup(_asset("page.css")),
        script=Markup(_asset("page.js")),
        libraries=[(name, Markup(_library(name)), Markup(_licence(name))) for name in _LIBRARIES],
        charts=Markup(_json(json.loads(_asset("charts.json")))),
        data=Markup(_json(chart_data(views))),
        total=_totals(views, findings),
        sections=_unit_sections(views),
        period=views["completeness"][0]["period"] if views["completeness"] else "day",
        datasets=views["datasets"],
        files=views["files"],
        gaps=views["gaps"],
        grid=_grid(views["tests"]),
        findings=findings,
        most_gaps=MOST_GAPS,
        most_findings=MOST_FINDINGS,
    )
    return page + "\n"


# --- The data of the charts -----------------------------------------------------------------------


def chart_data(views: Mapping[str, list[Row]]) -> dict[str, Any]:
    """Return the data of the charts; texts that repeat are named by their place in a list."""
    panels = _panels(views)
    of_panel = {(p["dataset"], p["market"], p["unit"]): i for i, p in enumerate(panels)}
    label = _labels(views["completeness"])
    days = [(label(row), row) for row in views["completeness"]]
    labels = _places(name for name, _ in days)
    states = _places(row["state"] for _, row in days)
    datasets = _places(row["dataset"] for row in views["accounts"])
    return {
        "completeness": {
            "period": days[0][1]["period"] if days else "day",
            "labels": list(labels),
            "states": list(states),
            "rows": [
                [
                    labels[name],
                    row["first_day"],
                    row["days"],
                    row["complete_days"],
                    row["incomplete_days"],
                    row["missing_days"],
                    row["share_covered"],
                    states[row["state"]],
                ]
                for name, row in days
            ],
        },
        "accounts": {
            "datasets": list(datasets),
            "rows": [
                [datasets[row["dataset"]], row["term"], row["reason"], row["rows"]]
                for row in views["accounts"]
            ],
        },
        "panels": panels,
        "months": [
            [
                of_panel[_key(row)],
                row["month"],
                *(_price(row[name]) for name in ("low", "p5", "median", "p95", "high")),
                _share(row["share_negative"]),
            ]
            for row in views["months"]
        ],
        "hours": [
            [
                of_panel[_key(row)],
                row["local_hour"],
                _price(row["mean_price"]),
                _share(row["share_negative"]),
            ]
            for row in views["hours"]
        ],
    }


def _panels(views: Mapping[str, list[Row]]) -> list[Row]:
    """Return what has prices of its own: a dataset, of one market, in one unit."""
    rows = [*views["months"], *views["hours"]]
    label = _labels(rows)
    labels = {_key(row): label(row) for row in rows}
    keys = sorted(labels, key=lambda key: tuple(map(str, key)))
    return [
        {"dataset": key[0], "market": key[1], "unit": key[2], "label": labels[key]} for key in keys
    ]


def _key(row: Row) -> tuple[str, str | None, str | None]:
    return row["dataset"], row["market_type"], row["unit"]


def _labels(rows: Iterable[Row]) -> Callable[[Row], str]:
    """Return what names the dataset of a row, and its market where the dataset has several."""
    markets: dict[str, set[str | None]] = {}
    for row in rows:
        markets.setdefault(row["dataset"], set()).add(row["market_type"])

    def label(row: Row) -> str:
        several = len(markets[row["dataset"]]) > 1 and row["market_type"]
        return f"{row['dataset']} {row['market_type']}" if several else str(row["dataset"])

    return label


def _places(names: Iterable[str]) -> dict[str, int]:
    """Number names in the order in which they first come."""
    return {name: place for place, name in enumerate(dict.fromkeys(names))}


def _price(value: float) -> float:
    """Round to what is drawn; adding zero makes a zero of minus zero."""
    return round(value, 2) + 0.0


def _share(value: float) -> float:
    return round(value, 5)


def _json(value: object) -> str:
    """Return JSON that may stand in a script element, whatever the texts in it hold."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=True)
    for sign in "<>&":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return text


# --- What stands in the page as text --------------------------------------------------------------


def _totals(views: Mapping[str, list[Row]], findings: Mapping[str, list[Row]]) -> Row:
    datasets = views["datasets"]
    counted = (
        *("files", "rows", "days", "incomplete_days", "missing_days", "rejected_rows"),
        *("missing_intervals", "unpublished_years"),
    )
    total: Row = {name: sum(row[name] for row in datasets) for name in counted}
    total |= {
        name: sum(row[name] for row in views["tests"]) for name in ("tests", "failed", "warned")
    }
    total |= {kind: rows[0]["found"] if rows else 0 for kind, rows in findings.items()}
    published = [row for row in datasets if row["files"]]
    total |= {
        "datasets": len(datasets),
        "published": len(published),
        "first": min((row["first_interval"] for row in published), default=None),
        "last": max((row["last_interval"] for row in published), default=None),
    }
    total["is_bad"] = bool(total["failed"] or total["unpublished"] or total["unread"])
    asks = ("incomplete_days", "missing_days", "rejected_rows", "rejected", "refused", "warned")
    total["is_odd"] = any(total[name] for name in (*asks, "warnings", "left_out", "no_dataset"))
    return total


_KINDS = ("unpublished", "unread", "refused", "rejected", "warnings", "left_out", "no_dataset")


def _by_kind(rows: Iterable[Row]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {kind: [] for kind in _KINDS}
    for row in rows:
        found[row["kind"]].append(row)
    return found


def _grid(tests: Sequence[Row]) -> Row:
    """Lay tests out by dataset and name."""
    cells: dict[str, dict[str, Row]] = {}
    for row in tests:
        cells.setdefault(row["dataset"], {})[row["test"]] = row
    project = cells.pop("seeds and project", {})
    names = sorted({name for of_dataset in cells.values() for name in of_dataset})
    return {"names": names, "datasets": cells, "project": list(project.values())}


def _unit_sections(views: Mapping[str, list[Row]]) -> list[Row]:
    """Return the units with the panels in each; prices of unlike units are not compared."""
    panels = _panels(views)
    units = list(dict.fromkeys(panel["unit"] for panel in panels))
    first = ("$/MWh", "$/MW")
    units.sort(key=lambda unit: (first.index(unit) if unit in first else len(first), str(unit)))
    return [
        {
            "unit": unit,
            "panels": [
                {"id": i} | panel for i, panel in enumerate(panels) if panel["unit"] == unit
            ],
        }
        for unit in units
    ]


def _number(value: int | None) -> str:
    return "" if value is None else f"{value:,}"


def _percent(value: float) -> str:
    """Show a share that was rounded down to four decimals; one that is not whole is never 100 %."""
    return f"{value * 100:.2f} %" if value < 1 else "100 %"


def _size(value: int) -> str:
    return f"{value / 1000**2:,.2f} MB"


def _shown(value: object) -> str:
    """Show text from outside in one line, with signs that can't be seen in words."""
    return "" if value is None else visible(str(value))


def _asset(name: str) -> str:
    return _PACKAGE.joinpath("assets", name).read_text(encoding="utf-8")


def _vendored(name: str) -> str:
    return _PACKAGE.joinpath("vendor", name).read_text(encoding="utf-8")


def _library(name: str) -> str:
    return _vendored(f"{name}.min.js").replace("</script", "<\\/script")


def _licence(name: str) -> str:
    return _vendored(f"{name}.LICENSE").strip()
