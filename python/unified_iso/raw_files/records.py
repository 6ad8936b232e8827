"""What a report, a listed file, its layout and a csv in it are."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from pathlib import PurePosixPath

from unified_iso.raw_files.shapes import fold, name_in_r

# A column that the report does not have is called so, with its place.
UNKNOWN = "unknown_"


@dataclass(frozen=True)
class Column:
    """A column of a report: its name in the model, its type, and the names files give it.

    optional: whether a file may lack it.
    any_of: name of a group of columns of which a file must have one.
    layouts: those of the report that must have it, where the report has had several; none for all.
    tells_day: whether it has the delivery day of each line, so that the file needs none.
    tells: what nothing but this column tells, for who has a file without it.
    is_day: whether its stamps tell a day and no time of day.
    """

    name: str
    data_type: str
    aliases: tuple[str, ...] = ()
    optional: bool = False
    any_of: str | None = None
    layouts: tuple[str, ...] = ()
    tells_day: bool = False
    tells: str | None = None
    is_day: bool = False

    @cached_property
    def spellings(self) -> frozenset[str]:
        """Every accepted header cell, folded as `fold` does."""
        names = (self.name, *self.aliases)
        return frozenset(fold(spelled) for name in names for spelled in (name, name_in_r(name)))


# Of each group one column is enough.
Groups = list[list[Column]]


@dataclass(frozen=True)
class Report:
    """A published report as its dbt source describes it.

    timestamp_formats: forms of stamps in the operator's own files, beside those of every report.
    title: pattern that the lines above the header match, where there are any.
    rows_below_header: lines between the header and the data.
    trailer: pattern of the last line; its group is the number of data lines.
    footer: pattern of the lines below the data, which are not read.
    side_files: pattern of names of files that come along and are not read.
    rollups: pattern of names of members in which the operator adds the prices of an archive once
        more, in a layout that is not read.
    books: whether it also comes as Excel workbooks.
    grouped_numbers: whether files may have commas in thousands, where a decimal point follows.
    dated: whether a file has one delivery day, written above its header or in its name.
    day_above: pattern of the line above the header that has this day, where other lines have days
        too; the day in the name must then be the same.
    other_columns: published columns that are not read.
    older_columns_of: name of another report of the operator whose columns older files of this one
        may have, which are not read.
    unnamed_columns: the first columns, which one of the two tables of a file leaves without names.
    file_names: pattern of what the operator calls its files.
    siblings: folders of the operator's other reports, with the pattern of their files' names.
    """

    iso: str
    name: str
    columns: tuple[Column, ...]
    timestamp_formats: tuple[str, ...] = ()
    publication_stamp: str | None = None
    title: str | None = None
    rows_below_header: int = 0
    trailer: str | None = None
    footer: str | None = None
    side_files: str | None = None
    rollups: str | None = None
    books: bool = False
    grouped_numbers: bool = False
    dated: bool = False
    day_above: str | None = None
    other_columns: tuple[str, ...] = ()
    older_columns_of: str | None = None
    unnamed_columns: tuple[str, ...] = ()
    file_names: str | None = None
    siblings: tuple[tuple[str, str], ...] = ()

    @property
    def folder(self) -> str:
        """Folder of its files, relative to the raw folder."""
        return f"{self.iso}/{self.name}"

    @cached_property
    def by_spelling(self) -> Mapping[str, Column]:
        """Its columns by each accepted header cell, folded; of two the first is meant."""
        return {name: column for column in reversed(self.columns) for name in column.spellings}

    @cached_property
    def known(self) -> frozenset[str]:
        """The accepted header cells, folded."""
        return frozenset(self.by_spelling)

    @cached_property
    def needed(self) -> tuple[Groups, ...]:
        """Groups of columns of which a file must have one each, for each of its layouts."""
        layouts = dict.fromkeys(layout for column in self.columns for layout in column.layouts)
        return tuple(map(self._needed_in, layouts or (None,)))

    def _needed_in(self, layout: str | None) -> Groups:
        groups: dict[str, list[Column]] = {}
        for column in self.columns:
            if not column.optional and (not column.layouts or layout in column.layouts):
                groups.setdefault(column.any_of or column.name, []).append(column)
        return list(groups.values())

    def leaves_out(self, name: str) -> bool:
        """Whether a file or member of this name only comes along with the report."""
        return bool(self.side_files and re.search(self.side_files, PurePosixPath(name).name))


@dataclass(frozen=True)
class Listed:
    """A file in the raw folder before anyone has opened it. Size in bytes, times in ns.

    iso: empty for what belongs to no operator.
    refusal: why it is not to be opened, if so.
    is_folder: whether it is a folder that could not be listed, so that nobody knows what is there.
    """

    iso: str
    report: str
    path: str
    size: int
    mtime_ns: int
    ctime_ns: int = 0
    refusal: str | None = None
    is_folder: bool = False


@dataclass(frozen=True)
class Layout:
    """How to read one file: its columns in file order, lines above the data, stamp format.

    timestamp_format: the one form of all its stamps, or `AS_TEXT`; None where it has no stamps.
    header_line: lines before the last line of the heading, which is the header or a line below it.
    first_stamps: the stamps of the first rows.
    """

    names: tuple[str, ...]
    header_line: int
    timestamp_format: str | None
    above: tuple[str, ...] = ()
    first_stamps: tuple[str, ...] = field(default=(), compare=False)

    def key(self) -> str:
        """Text that is equal for files that one reader can read together."""
        return "\x1f".join((str(self.header_line), self.timestamp_format or "", *self.names))


@dataclass
class Inspected:
    """What is inside one csv: a plain file or a member of an archive.

    warning: what can't be known of a file that is read.
    skipped_lines: lines of the copy it is read through that begin no record.
    """

    listed: Listed
    data_source: str
    read_path: str | None = None
    content_hash: str | None = None
    lines: int = 0
    layout: Layout | None = None
    publication_stamp: str | None = None
    report_date: date | None = None
    trailer_line: int | None = None
    refusal: str | None = None
    warning: str | None = None
    skipped_lines: tuple[int, ...] = ()
    is_foreign: bool = False
    is_blank: bool = False
    hinted: list[date] = field(default_factory=list)
