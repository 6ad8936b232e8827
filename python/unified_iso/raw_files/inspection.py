"""Opens a raw file, whatever it is packed in, and tells what each csv in it is."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import xxhash

from unified_iso.limits import DEFAULT, Budget, Limits
from unified_iso.machine import is_of_machine
from unified_iso.raw_files.archives import is_workbook, unpack
from unified_iso.raw_files.content import hash_file
from unified_iso.raw_files.copies import linked
from unified_iso.raw_files.csv_files import Opening, inspect_csv, name_of, unnumbered
from unified_iso.raw_files.faults import refusal_of, stop_if_of_machine
from unified_iso.raw_files.lines import is_packed
from unified_iso.raw_files.listing import REPLY_ENDINGS, beginning_of, nearest_of, why_irregular
from unified_iso.raw_files.records import Inspected, Listed, Report
from unified_iso.raw_files.refusals import Refused
from unified_iso.raw_files.replies import describe_reply
from unified_iso.raw_files.shapes import FIRST_BYTES, GZIP, ZIP, fold, kind_of

READABLE = (".csv", ".csv.gz")


def inspect(
    raw: Path,
    cache: Path,
    listed: Listed,
    report: Report | None,
    others: Sequence[Report],
    limits: Limits = DEFAULT,
) -> list[Inspected]:
    """Open one raw file and tell what it holds: one result per csv inside it.

    A file that can't be used gives one result whose `refusal` says why; nothing is raised for
    what a file is or contains.

    Raises:
        MachineError: the machine failed while the file was read, unpacked or copied.
    """
    path = raw / listed.path
    try:
        return _inspect(path, cache, listed, report, others, limits)
    except Exception as error:
        stop_if_of_machine(error, path)
        return [Inspected(listed, listed.path, refusal=refusal_of(error))]


def _inspect(
    path: Path,
    cache: Path,
    listed: Listed,
    report: Report | None,
    others: Sequence[Report],
    limits: Limits,
) -> list[Inspected]:
    if not _is_unicode(listed.path):
        raise Refused("its name is not valid UTF-8: rename it")
    if listed.refusal:
        raise Refused(listed.refusal)
    if report is None:
        raise Refused(_unknown_folder(listed, others))
    status = path.stat()
    if why := why_irregular(status.st_mode):
        raise Refused(why)
    if path.name.lower().endswith(REPLY_ENDINGS):
        raise Refused(describe_reply(beginning_of(path)))
    opening = Opening(listed, report, others, cache, Budget(limits, status.st_size))
    return _csvs_in(path, listed.path, opening)


def _csvs_in(path: Path, data_source: str, opening: Opening) -> list[Inspected]:
    """Open what a file is by its first bytes, whatever it is called."""
    with path.open("rb") as stream:
        kind = kind_of(stream.read(FIRST_BYTES), path.name.lower())
    if kind == ZIP:
        return _csvs_in_container(path, data_source, opening)
    if is_packed(path) != (kind == GZIP) or not path.name.lower().endswith(READABLE):
        # A file with another ending is read through a link with the right one, because DuckDB's
        # reader tells by the name whether a file is packed.
        path = linked(path, data_source, ".csv.gz" if kind == GZIP else ".csv", opening.cache)
    return [inspect_csv(path, data_source, opening)]


def _is_unicode(path: str) -> bool:
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True


def _unknown_folder(listed: Listed, others: Sequence[Report]) -> str:
    reports = sorted(report.name for report in others if report.iso == listed.iso)
    where = f"{listed.iso}/{listed.report}" if listed.report else listed.iso
    nearest = nearest_of(fold(listed.report), reports)
    advice = f"rename the folder to {nearest} if that is meant, or " if nearest else ""
    known = ", ".join(reports)
    return f"lies in {where}, which is no report folder: {advice}move it to one of {known}"


def _csvs_in_container(path: Path, data_source: str, opening: Opening) -> list[Inspected]:
    """Open a zip or a workbook: one result per csv or sheet in it."""
    report, budget = opening.report, opening.budget
    if data_source.removeprefix(opening.listed.path).count("!") >= budget.limits.depth:
        raise Refused(f"nests archives deeper than {budget.limits.depth}: unpack it")
    is_book = is_workbook(path)
    if is_book and not report.books:
        raise Refused(
            "is an Excel workbook (.xlsx), which is not read for this report: save it as csv"
        )
    # The key contains the path, because two identical zips are two data sources.
    key = f"{data_source} {hash_file(path)}"
    folder = opening.cache / "members" / xxhash.xxh3_128_hexdigest(key.encode())
    members = unpack(path, folder, with_books=report.books, budget=budget, is_book=is_book)
    results = [
        result
        for member in members
        if not report.leaves_out(unnumbered(member.name))
        for result in _csvs_in_member(member.cached, f"{data_source}!{member.name}", opening)
    ]
    sheets = {member.name for member in members if member.is_sheet}
    results = _without_foreign_sheets(results, sheets, data_source)
    return _with_blanks_allowed(_without_rollups(results, report))


def _csvs_in_member(path: Path, data_source: str, opening: Opening) -> list[Inspected]:
    """Open a member of an archive; one that can't be used stops no other."""
    try:
        return _csvs_in(path, data_source, opening)
    except Exception as error:
        if is_of_machine(error):
            raise
        return [Inspected(opening.listed, data_source, refusal=refusal_of(error))]


def _with_blanks_allowed(results: list[Inspected]) -> list[Inspected]:
    """Take members without rows as they are where others of the container have some.

    Workbooks have a sheet for each month of the year, those to come included.
    """
    if any(not result.refusal and result.lines > 0 for result in results):
        for result in results:
            if result.is_blank:
                result.refusal = None
    return results


def _without_foreign_sheets(
    results: list[Inspected], sheets: set[str], container: str
) -> list[Inspected]:
    """Leave out sheets that are something else where another sheet of the container is a report."""
    names = {f"{container}!{sheet}" for sheet in sheets}
    if not any(result.data_source in names and not result.refusal for result in results):
        return results
    return [r for r in results if not (r.data_source in names and r.is_foreign)]


def _without_rollups(results: list[Inspected], report: Report) -> list[Inspected]:
    """Leave out rollups in another layout where another member of the archive is a report."""
    if not report.rollups or all(result.refusal for result in results):
        return results
    return [
        result
        for result in results
        if not (result.is_foreign and re.search(report.rollups, name_of(result.data_source)))
    ]
