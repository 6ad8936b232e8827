"""What tests warn of: the manifest keeps it until it is mended, because runs test new rows only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import duckdb

from unified_iso.build.judge import Result, has_failed_unsaid, name_of_test
from unified_iso.build.spec import Dataset, Project
from unified_iso.footers import Entry
from unified_iso.sql import quoted_name, sql_text

# The manifest counts missing intervals of each file whenever it changes, wherever they are.
_TOLD_OF_FILES = ("on_calendar",)
# Columns of found rows that tell when they are, the first of them that there is.
_TIMES = ("datetime_utc", "interval_start_utc", "missing_from")


def findings_now(
    cursor: duckdb.DuckDBPyConnection,
    project: Project,
    built: Sequence[Dataset],
    results: Mapping[str, Result],
    known: Sequence[Entry],
) -> list[Entry]:
    """Return what tests warn of in what will be published: what was known, and what is new.

    What was known of a part, or of a year where the part is not known, goes when that was built
    and tested anew, and when it is published no more. To be called before new parts are published.
    """
    models = {dataset.model for dataset in built}
    new = {
        (model, year, part)
        for model, year, part in cursor.execute(
            "select model, year, strftime(part, '%Y-%m-%d') from inventory.new_parts"
            " where (model, year) not in (select (model, year) from inventory.blocked_years)"
        ).fetchall()
    }
    years = {(model, year) for model, year, _ in new}
    kept = [
        entry
        for entry in known
        if entry["model"] not in models
        or (
            (entry["model"], entry["year"]) not in years
            if entry["part"] is None
            else (entry["model"], entry["year"], entry["part"]) not in new
        )
    ]
    for dataset in built:
        for entry in _warnings_of(cursor, project, dataset, results):
            is_new = (dataset.model, entry["year"]) in years
            if is_new and entry not in kept:
                kept.append(entry)
    return sorted(_merged(_published(cursor, kept)), key=_place)


def _place(entry: Entry) -> tuple[str, str, int, str]:
    return entry["model"], entry["test"], entry["year"], entry["part"] or ""


def _published(cursor: duckdb.DuckDBPyConnection, entries: Sequence[Entry]) -> Iterator[Entry]:
    parts = set(
        cursor.execute(
            "select model, year, strftime(part, '%Y-%m-%d') from inventory.current_parts"
        ).fetchall()
    )
    years = {(model, year) for model, year, _ in parts}
    for entry in entries:
        place = (entry["model"], entry["year"])
        if place in years and (entry["part"] is None or (*place, entry["part"]) in parts):
            yield entry


def _merged(entries: Iterator[Entry]) -> list[Entry]:
    """Keep one entry of each place: rows found by a later run at the border of a part add up."""
    found: dict[tuple[str, str, int, str], Entry] = {}
    for entry in entries:
        known = found.get(_place(entry))
        found[_place(entry)] = entry | {"rows": max(entry["rows"], known["rows"] if known else 0)}
    return list(found.values())


def _warnings_of(
    cursor: duckdb.DuckDBPyConnection,
    project: Project,
    dataset: Dataset,
    results: Mapping[str, Result],
) -> Iterator[Entry]:
    for node in project.nodes.values():
        result = results.get(node["unique_id"])
        if (
            result is None
            or node["resource_type"] != "test"
            or node.get("attached_node") != dataset.unique_id
            or result.status != "warn"
            or has_failed_unsaid(node, result)
            or name_of_test(node) in _TOLD_OF_FILES
        ):
            continue
        said = " ".join((node.get("description") or result.relation or "").split())
        for year, part, rows in _rows_by_part(cursor, dataset.model, result):
            yield {
                "model": dataset.model,
                "test": name_of_test(node),
                "year": year,
                "part": part,
                "rows": rows,
                "message": said,
            }


def _rows_by_part(
    cursor: duckdb.DuckDBPyConnection, model: str, result: Result
) -> list[tuple[int, str | None, int]]:
    """Count found rows by year and part; of a test of somebody else that tells no year, none."""
    if not result.relation:
        return []
    columns = [row[0] for row in cursor.execute(f"describe {result.relation}").fetchall()]
    if "delivery_year" not in columns:
        return []
    time = next((name for name in _TIMES if name in columns), None)
    told = {
        "part": "part::date" if "part" in columns else "null::date",
        "at_time": f"{quoted_name(time)}::timestamptz" if time else "null::timestamptz",
        "on_day": "delivery_date::date" if "delivery_date" in columns else "null::date",
    }
    listed = ", ".join(f"{sql} as {name}" for name, sql in told.items())
    cursor.execute(
        "create or replace temp table rows_found as"
        f" select delivery_year, {listed} from {result.relation}"
    )
    return cursor.execute(sql_text("parts_found"), {"model": model}).fetchall()
