"""What the raw files of each report look like, as the sources of the project describe it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import duckdb

from unified_iso.build.spec import Project, Source
from unified_iso.raw_files.records import Column, Report


def known_reports(cursor: duckdb.DuckDBPyConnection) -> dict[tuple[str, str], str | None]:
    """Return every report folder that the project knows, with the pattern of its files' names.

    They stand in the order of the seed that lists them.
    """
    rows = cursor.execute(
        "select iso, report, file_names from inventory.reports order by rowid"
    ).fetchall()
    return {(iso, report): file_names for iso, report, file_names in rows}


def reports_of(project: Project, known: Mapping[tuple[str, str], str | None]) -> list[Report]:
    """Return the reports that sources read, with what their operators call other reports' files.

    They stand in the order of `known`, because a header that several reports have is told to be
    that of the first one.
    """
    places = {f"{iso}/{report}": place for place, (iso, report) in enumerate(known)}
    sources = sorted(
        project.sources(), key=lambda source: places.get(source.report_key, len(places))
    )
    return [_report(source, known) for source in sources]


def _report(source: Source, known: Mapping[tuple[str, str], str | None]) -> Report:
    names = {
        f"{iso}/{report}": found for (iso, report), found in known.items() if iso == source.iso
    }
    return Report(
        iso=source.iso,
        name=source.report,
        columns=tuple(
            Column(
                name=column.name,
                data_type=column.data_type,
                aliases=tuple(column.meta.get("aliases", ())),
                optional=bool(column.meta.get("optional"))
                or bool(column.meta.get("wanted") and not column.meta.get("any_of")),
                any_of=column.meta.get("any_of"),
                layouts=tuple(column.meta.get("layouts", ())),
                tells_day=bool(column.meta.get("tells_day")),
                tells=column.meta.get("tells"),
                is_day=bool(column.meta.get("is_day")),
            )
            for column in source.in_file
        ),
        dated=any(column.of_file == "date" for column in source.columns),
        file_names=names.get(source.report_key),
        siblings=tuple(
            (folder, found)
            for folder, found in sorted(names.items())
            if found and folder != source.report_key
        ),
        **_options(source),
    )


def _options(source: Source) -> dict[str, Any]:
    """Return what of a report is about its raw files alone, as the source's yml has it."""
    known = {field.name for field in fields(Report)}
    return {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in sorted(source.raw.items())
        if name in known
    }
