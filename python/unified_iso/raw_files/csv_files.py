"""Tells what one csv is: its report, its layout, its lines, or why it is refused."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from unified_iso.limits import Budget
from unified_iso.machine import is_of_machine
from unified_iso.raw_files.content import SAMPLED, Content, read_through
from unified_iso.raw_files.copies import (
    END_MARK,
    in_utf8,
    new_copy,
    plainly_named,
    unused_link,
    with_line_feeds,
    with_one_line_end,
    with_plain_heading,
    with_plain_numbers,
    without_end_mark,
)
from unified_iso.raw_files.days import (
    day_of_report,
    has_days,
    hinted_days,
    publication_stamp_of,
    refuse_days_first,
)
from unified_iso.raw_files.faults import refusal_of
from unified_iso.raw_files.layouts import find_layout, line_at, matched_names
from unified_iso.raw_files.lines import (
    check_grouped_digits,
    opened,
    pieces_of_lines,
    refuse_control_bytes,
    refuse_open_quote,
)
from unified_iso.raw_files.records import Inspected, Layout, Listed, Report
from unified_iso.raw_files.refusals import Blank, Foreign, OtherColumns, Refused
from unified_iso.raw_files.shapes import (
    FIRST_BYTES,
    Copying,
    Heading,
    Rules,
    incomplete,
    is_utf16,
    may_need_copy,
    refuse_row_names,
    refuse_unreadable,
)


@dataclass(frozen=True)
class Opening:
    """A raw file that is opened, with what every csv in it is read for.

    others: all reports, whose headers tell files in a wrong folder.
    """

    listed: Listed
    report: Report
    others: Sequence[Report]
    cache: Path
    budget: Budget


def name_of(data_source: str) -> str:
    """Name of a file, or of a member of an archive, without its folders."""
    return PurePosixPath(unnumbered(data_source.rpartition("!")[2])).name


def unnumbered(member: str) -> str:
    """Name of a member without the number that tells it from others of its name."""
    return re.sub(r"#\d+$", "", member)


def inspect_csv(path: Path, data_source: str, opening: Opening) -> Inspected:
    """Tell what a csv is that lies at a path; a fault of it becomes its refusal.

    data_source: what it is published as: the path below the raw folder, of a member with its name.

    Raises:
        MachineError: the machine failed.
    """
    result = Inspected(opening.listed, data_source)
    try:
        _read(path, result, opening)
    except Exception as error:
        if is_of_machine(error):
            raise
        result.refusal = refusal_of(error)
        result.is_foreign = isinstance(error, Foreign)
        result.is_blank = isinstance(error, Blank)
    return result


def _read(path: Path, result: Inspected, opening: Opening) -> None:
    """Fill in what a csv is, through a copy where the reader can't read it as it is."""
    report, cache, budget = opening.report, opening.cache, opening.budget
    data_source = result.data_source
    name = name_of(data_source)
    content = read_through(path, budget, report)
    result.content_hash = content.content_hash
    refuse_unreadable(content.head[:FIRST_BYTES])
    if is_utf16(content.head):
        path = in_utf8(path, data_source, cache)
        content = read_through(path, budget, report)
    if content.tail.endswith(END_MARK):
        path = without_end_mark(path, data_source, cache)
        content = read_through(path, budget, report)
    result.layout = _layout_of(content.head, data_source, report, opening.others)
    refuse_days_first(result.layout.first_stamps, name)
    if content.has_returns_only:
        path = with_line_feeds(path, data_source, cache)
        content = read_through(path, budget, report)
    heading = _heading(content.head, result.layout, report)
    result.lines = content.lines - result.layout.header_line - 1
    if content.quotes % 2:
        _refuse_cut_off(content, report)
        refuse_open_quote(path, result.layout)
    if content.has_control_bytes:
        refuse_control_bytes(path)
    if content.may_group_digits:
        check_grouped_digits(path, result.layout, report)
    if report.dated and not has_days(result.layout, report):
        result.report_date = day_of_report(result.layout.above, name, report.day_above)
    if heading.header.count(b'"') % 2:
        path = with_plain_heading(path, data_source, cache, heading)
    if report.grouped_numbers and content.quotes:
        path = with_plain_numbers(path, data_source, cache)
    if content.mixes_line_ends:
        path = with_one_line_end(path, data_source, cache)
    refuse_row_names(heading, content.head[:SAMPLED])
    if report.trailer and _ends_with_trailer(content, result.layout, heading, report):
        result.trailer_line = content.lines
        result.lines -= 1
    elif report.trailer or _may_need_copy(content, heading):
        path = _in_shape(path, result, cache, heading, report)
    if report.footer:
        _leave_out_footer(result, content, report.footer)
    if not (report.trailer or result.trailer_line or content.tail.endswith(b"\n")):
        # A download that broke off may have cut the number at its end.
        cut = (
            "does not end its last line, so that nobody knows whether it is complete: download "
            "it again"
        )
        result.warning = "; ".join(filter(None, (result.warning, cut)))
    result.read_path = str(plainly_named(path, data_source, cache))
    result.publication_stamp = publication_stamp_of(report, name, result.listed.path)
    result.hinted = hinted_days(name)
    if result.lines <= 0 and not report.trailer:
        raise Blank("has a header and no rows: download it again, or remove it if there are none")


def _layout_of(head: bytes, data_source: str, report: Report, others: Sequence[Report]) -> Layout:
    """Layout of a file whose name agrees with its header.

    Raises:
        Refused: it is no file of the report, by its header or by what the operator calls it.
    """
    sibling = _called_like_sibling(data_source, report)
    if sibling:
        # Of reports that share a header, the one that the file is called like is the likelier.
        others = sorted(others, key=lambda other: other.folder != sibling)
    try:
        layout = find_layout(head, report, others)
    except (Foreign, OtherColumns):
        if sibling:
            raise _of_sibling(sibling) from None
        raise
    if sibling and _may_be_of(sibling, head, report, others):
        raise _of_sibling(sibling)
    return layout


def _called_like_sibling(data_source: str, report: Report) -> str | None:
    """Folder of the other report whose files are called like this one, if any are.

    The name of a member tells before that of its archive; folders tell nothing.
    """
    for inner in reversed(data_source.split("!")):
        name = PurePosixPath(unnumbered(inner)).name
        if report.file_names and re.search(report.file_names, name, re.IGNORECASE):
            return None
        for folder, pattern in report.siblings:
            if re.search(pattern, name, re.IGNORECASE):
                return folder
    return None


def _may_be_of(folder: str, head: bytes, report: Report, others: Sequence[Report]) -> bool:
    """Whether a file may be of the report of that folder by its header, as far as it is known."""
    for other in others:
        if other.folder == folder and other.older_columns_of != report.name:
            try:
                find_layout(head, other, ())
            except Refused:
                return False
    return True


def _of_sibling(folder: str) -> Refused:
    return Refused(
        f"is called as files of {folder} are: move it to that folder (rename it if it is what "
        "this folder is for)"
    )


def _heading(head: bytes, layout: Layout, report: Report) -> Heading:
    at = len(layout.above)
    return Heading(
        header=line_at(head, at),
        names=layout.names,
        known=report.known,
        lines=layout.header_line + 1,
        above=layout.above,
        has_types=layout.header_line > at,
        names_of=lambda cells: matched_names(cells, report),
    )


def _rules(layout: Layout, report: Report) -> Rules:
    clocks = {c.name for c in report.columns if c.data_type.startswith(("timestamp", "date"))}
    return Rules(
        trailer=report.trailer,
        title=report.title,
        has_types=report.rows_below_header > 0,
        has_one_day=report.dated and not clocks & set(layout.names),
        has_two_tables=bool(report.unnamed_columns),
    )


def _may_need_copy(content: Content, heading: Heading) -> bool:
    """Whether a file may have a second heading, or cells that a tool has added."""
    return content.marks > content.marks_of(heading) or may_need_copy(
        heading, content.head[:SAMPLED], content.tail
    )


def _last_line(content: Content) -> str:
    return content.tail.decode("utf-8", "replace").rstrip("\r\n").rpartition("\n")[2].strip()


def _refuse_cut_off(content: Content, report: Report) -> None:
    """Refuse a file that ends inside quotes, where its last line should be a trailer."""
    last = _last_line(content)
    if report.trailer and not re.search(report.trailer, last):
        raise Refused(incomplete(last))


def _ends_with_trailer(content: Content, layout: Layout, heading: Heading, report: Report) -> bool:
    """Whether a file is plainly one report, down to a trailer that agrees."""
    found = re.search(report.trailer or "", _last_line(content))
    return (
        found is not None
        and int(found.group(1)) == content.lines - layout.header_line - 2
        and heading.has_types
        and not _may_need_copy(content, heading)
    )


def _leave_out_footer(result: Inspected, content: Content, footer: str) -> None:
    """Leave out the lines at the end of a file that are no data, and blank ones among them."""
    assert result.layout is not None
    lines = content.tail.decode("utf-8", "replace").removesuffix("\n").split("\n")
    # The first line of the tail may be the end of a line.
    data = (line for line in reversed(lines[1:]) if line.strip() and not re.search(footer, line))
    last = next(data, None)
    if last is None:
        return
    left_out = lines[::-1].index(last)
    if left_out:
        result.lines -= left_out
        result.trailer_line = result.layout.header_line + result.lines + 2


def _in_shape(path: Path, result: Inspected, cache: Path, heading: Heading, report: Report) -> Path:
    """Path of a copy without what tools have added, if they have; counts the data lines."""
    assert result.layout is not None
    copying = Copying(heading, _rules(result.layout, report))
    copy = unused_link(result.data_source, ".csv", cache, "shape")
    with opened(path) as stream, new_copy(copy) as write:
        for line in copying.copy(pieces_of_lines(stream)):
            write(line)
    result.lines = copying.lines
    result.warning = copying.warning
    if not copying.is_changed:
        copy.unlink()
        return path
    result.skipped_lines = tuple(copying.skipped)
    return copy
