"""Raw files: what lies in the raw folder, and what one file is (content hash, lines, header)."""

from __future__ import annotations

import codecs
import gzip
import os
import re
import shutil
import stat
import zlib
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from difflib import get_close_matches
from functools import cached_property, lru_cache, partial
from pathlib import Path, PurePosixPath
from typing import IO, cast

import pyarrow as pa
import pyarrow.compute as pc
import xxhash

from unified_iso.archives import (
    BadArchive,
    into_cache,
    is_left_behind,
    is_workbook,
    new_in_cache,
    unpack,
    words_of,
)
from unified_iso.byte_counts import count_below, count_pairs, found_at, in_words
from unified_iso.limits import DEFAULT, Budget, Exceeded, Limits
from unified_iso.machine import MachineError, is_of_machine
from unified_iso.refusals import Blank, Foreign, OtherColumns, Refused
from unified_iso.replies import describe_reply, is_reply
from unified_iso.shapes import (
    FIRST_BYTES,
    GZIP,
    MOST_SKIPPED,
    SEPARATORS,
    ZIP,
    Copying,
    Heading,
    Rules,
    cells_of,
    fold,
    in_short,
    incomplete,
    is_line_of_types,
    is_utf16,
    kind_of,
    marks_of,
    may_need_copy,
    name_in_r,
    refuse_row_names,
    refuse_unreadable,
    without_empty_end,
)

READABLE = (".csv", ".csv.gz")
RAW_ENDINGS = (".csv", ".gz", ".zip", ".xlsx")
# A failed download may leave a reply of the server in such a file. It is refused if it holds one,
# and passed over otherwise.
REPLY_ENDINGS = (".xml", ".html", ".htm")
CONTAINER_ENDINGS = (".zip", ".xlsx")
# Bytes that are read at once: what is computed of them still lies in the processor's cache when it
# is used, and they are enough that two threads seldom wait for Python's lock.
BLOCK = 1 << 20
# Packed bytes that are unpacked at once. They are few, because zlib copies what is left of them for
# each piece.
PACKED_BLOCK = 1 << 16
LONGEST_LINE = 1 << 24
GZIP_WINDOW = 31
HEAD_LINES = 12
HEADER_SHOWN = 200
TAIL = 512
# DuckDB's reader takes 1_000 for a number, and 19_25 too. The first pattern is looked for before
# the second, because it takes a fifth of the time and few cells match it.
_ENDS_IN_DIGITS = r'_[0-9.]+[,"\r\n]'
_IS_GROUPED = r'[,"\n][-+ ]*[0-9.]*[0-9]_[0-9_.]*[,"\r\n]'
_GROUPED = re.compile(r"[-+]?[0-9.]*[0-9]_[0-9_.eE]*")
_TEXT_TYPES = ("varchar", "date", "timestamp")
# A column that the report does not have is called so, with its place.
UNKNOWN = "unknown_"
# Forms that DuckDB's reader takes without help, where all stamps of a file have the same one. Files
# with other forms, or several, are read as text, and their stamps by the macro `stamp_of`.
TIMESTAMP_FORMATS = (
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%dT%H:%M:%S",
    "%-m/%-d/%Y %-H:%M",
    "%-m/%-d/%Y %-H:%M:%S",
    "%-m/%-d/%Y %-I:%M:%S %p",
    "%Y-%m-%d",
    "%-m/%-d/%Y",
)
DATE_FORMAT = "%Y-%m-%d"
AS_TEXT = "text"
SEAM = 64
# First bytes of a file among which lines are looked at one by one.
SAMPLED = 1 << 16
# Windows joins files with `copy *.csv all.csv`, which ends the text with this byte.
_END_MARK = b"\x1a"
# A comma can't be a decimal sign where a point follows.
_THOUSANDS = re.compile(
    rb'(?<![^,])"[ \t]*(-?[0-9]{1,3}(?:,[0-9]{3})+[.][0-9]+)[ \t]*"(?![^,\r\n])'
)
_CONTROL = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]")
LONGEST_HINT_DAYS = 400
STRAYS_SHOWN = 5
# Least likeness of a misspelt name, as difflib measures it: pjn is near enough to pjm, nyiso is not
# to miso.
LIKENESS = 0.66
_DATE_IN_NAME = re.compile(r"(?<!\d)((?:19|20)\d{2})[-_]?(0[1-9]|1[0-2])[-_]?(0[1-9]|[12]\d|3[01])")
_MIDNIGHT_IN_NAME = re.compile(rf"{_DATE_IN_NAME.pattern}[-_. T]?00[-_.:]?00(?:[-_.:]?00)?(?!\d)")
_DATE_AT_START = re.compile(r"(\d{1,2})[/.-](\d{1,2})[/.-](\d{4}|\d{2})(?!\d)")
_YEAR_AT_START = re.compile(r"(\d{4})[/-](\d{1,2})[/-](\d{1,2})(?!\d)")
_DATE_ABOVE_HEADER = re.compile(r"(?<!\d)(\d{1,2})/(\d{1,2})/(\d{4})(?!\d)")
# What pandas calls the column of its row numbers.
_INDEX = re.compile(r"Unnamed: \d+")
_WITHOUT_GLOB_CHARACTERS = re.compile(r"^[^*?\[\]\\]*$")


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


def list_raw_files(
    raw: Path, isos: Iterable[str], known_folders: Collection[tuple[str, str]] = ()
) -> list[Listed]:
    """List the raw files below `raw/<iso>` for the given operators, without opening them.

    Files of other kinds are left out: only .csv, .gz, .zip and .xlsx count. What has such an ending
    and is no regular file is listed with a refusal, as is a folder that can't be listed.

    known_folders: operator and name of every report, to tell a file that stands in a folder's
        place.

    Raises:
        MachineError: the machine failed, not the file system's content.
    """
    found = [
        file
        for iso in isos
        for file in _walk(raw, iso, {name for known, name in known_folders if known == iso})
    ]
    containers = {file.path for file in found if file.path.lower().endswith(CONTAINER_ENDINGS)}
    return sorted(
        (_not_like_a_member(file, containers) for file in found), key=lambda file: file.path
    )


def list_strays(raw: Path, operators: Collection[str]) -> list[Listed]:
    """List what lies at the top of the raw folder, looks like raw files and has no operator.

    A folder is listed once, whatever is in it; hidden ones don't count.
    """
    found = []
    for name in sorted(path.name for path in raw.iterdir()):
        refusal = None if name in operators else _why_stray(raw, name, operators)
        if refusal:
            found.append(Listed("", "", name, 0, 0, refusal=refusal))
    return found


def _why_stray(raw: Path, name: str, operators: Collection[str]) -> str | None:
    path = raw / name
    named = name.casefold()
    if not _is_folder(path):
        if not named.endswith(RAW_ENDINGS):
            return None
        return f"belongs to no operator: move it to a report folder of {_one_of(operators)}"
    # On a file system where case doesn't count this is the operator's own folder, which is read.
    if name.startswith(".") or (named in operators and _is_same(path, raw / named)):
        return None
    if path.is_symlink() and _holds(path, raw):
        return _LEADS_BACK
    first = _first_raw_file(path)
    if first is None:
        return None
    if named in operators:
        return f"is no operator's folder and is not read: rename it to {named}"
    nearest = _nearest(named, operators)
    advice = f"rename it to {nearest} if that is meant, or " if nearest else ""
    return (
        f"is no operator's folder and is not read (it holds {first}): {advice}move its files to "
        f"the report folders of {_one_of(operators)}"
    )


def why_no_operator(raw: Path, known_folders: Collection[tuple[str, str]]) -> str | None:
    """Tell why nothing can be read where the raw folder has no operator's folder.

    Folders one level off are recognised by their names.

    known_folders: operator and name of every report.
    """
    operators = {iso for iso, _ in known_folders}
    if any(os.path.lexists(raw / iso) for iso in operators):
        return None
    if whole := _raw_folder_above(raw, known_folders):
        of = "one operator" if whole == raw.parent else "one report"
        return f"{raw} looks like the folder of {of}: name {whole} with --raw or UNIFIED_ISO_RAW"
    expected = f"raw files lie in <operator>/<report>/ of it, the operator {_one_of(operators)}"
    for folder in _folders_in(raw):
        if any(_is_folder(folder / iso) for iso in operators):
            return (
                f"the raw folder {raw} has no operator's folder, but {folder} has: "
                "name that with --raw or UNIFIED_ISO_RAW"
            )
    strays = [f"{stray.path} {stray.refusal}" for stray in list_strays(raw, operators)]
    if strays:
        return f"the raw folder {raw} has no operator's folder; {'; '.join(strays[:STRAYS_SHOWN])}"
    what = "has no operator's folder" if any(raw.iterdir()) else "is empty"
    return f"the raw folder {raw} {what}: {expected}"


def _raw_folder_above(raw: Path, known_folders: Collection[tuple[str, str]]) -> Path | None:
    """The folder that was meant if this is an operator's or a report's folder below it."""
    operators = {iso for iso, _ in known_folders}
    reports = {name for _, name in known_folders}
    if raw.parent.name.casefold() in operators and raw.name in reports:
        return raw.parent.parent
    if any(folder.name in reports for folder in _folders_in(raw)):
        return raw.parent
    return None


def _folders_in(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if _is_folder(path))


def _one_of(operators: Collection[str]) -> str:
    return "one of " + ", ".join(sorted(operators))


def _nearest(name: str, names: Collection[str]) -> str | None:
    """The one of `names` that was probably meant."""
    return next(iter(get_close_matches(name, sorted(names), n=1, cutoff=LIKENESS)), None)


def _is_same(path: Path, other: Path) -> bool:
    try:
        return path.samefile(other)
    except OSError:
        return False


def _first_raw_file(folder: Path) -> str | None:
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if name.lower().endswith(RAW_ENDINGS):
                return (Path(parent) / name).relative_to(folder).as_posix()
    return None


_LEADS_BACK = "is a link to a folder that holds the raw folder, and is not followed: remove it"
LINK_TO_NOTHING = "is a link to nothing that can be read: bring it back, or remove the link"


def _walk(raw: Path, iso: str, reports: Collection[str]) -> Iterator[Listed]:
    top = raw / iso
    if not os.path.lexists(top):
        return
    if not _is_folder(top):
        refusal = "is no folder: the operator's raw files belong there"
        yield _listed_as_folder(raw, iso, top, refusal)
        return
    # Links are followed last, so that a folder is listed under its own name if it has one here.
    folders, links = [top], list[Path]()
    seen: set[Path] = set()
    while folders or links:
        folder = folders.pop() if folders else links.pop(0)
        try:
            real = folder.resolve(strict=True)
            if _holds(folder, raw):
                yield _listed_as_folder(raw, iso, folder, _LEADS_BACK)
                continue
            # A link that leads back up would be followed without end.
            if real in seen:
                continue
            seen.add(real)
            with os.scandir(folder) as scanned:
                entries = sorted(scanned, key=lambda entry: entry.name)
        except (OSError, RuntimeError) as error:
            _stop_if_of_machine(error, folder)
            refusal = f"can't be listed ({_reason(error)}): check the folder and its rights"
            yield _listed_as_folder(raw, iso, folder, refusal)
            continue
        # A folder may have 100,000 files, so that no path is taken apart for each of them.
        below = folder.relative_to(raw).as_posix()
        for entry in entries:
            if _is_folder(entry):
                (links if entry.is_symlink() else folders).append(Path(entry.path))
            elif folder == top and entry.name in reports:
                refusal = "is no folder: the report's raw files belong there"
                yield _listed_as_folder(raw, iso, Path(entry.path), refusal)
            else:
                yield from _raw_file(raw, iso, below, entry)


def _holds(folder: Path, raw: Path) -> bool:
    """Whether a folder is the raw folder or lies above it."""
    return raw.resolve().is_relative_to(folder.resolve())


def _is_folder(entry: os.DirEntry[str] | Path) -> bool:
    try:
        return entry.is_dir()
    except OSError as error:
        _stop_if_of_machine(error, os.fspath(entry))
        return False


def _is_reachable(entry: os.DirEntry[str]) -> bool:
    try:
        Path(entry.path).stat()
    except OSError as error:
        _stop_if_of_machine(error, entry.path)
        return False
    return True


def _raw_file(raw: Path, iso: str, below: str, entry: os.DirEntry[str]) -> Iterator[Listed]:
    """The file as it is listed, if it is of a kind that counts; it lies in the folder `below`."""
    name = entry.name.lower()
    if name.endswith(RAW_ENDINGS):
        listed = _listed(iso, below, entry)
        if listed.refusal or not is_left_behind(name, partial(_first_bytes, Path(entry.path))):
            yield listed
    elif entry.is_symlink() and not _is_reachable(entry):
        yield _listed_as_folder(raw, iso, Path(entry.path), LINK_TO_NOTHING)
    elif name.endswith(REPLY_ENDINGS):
        listed = _listed(iso, below, entry)
        if listed.refusal or _is_saved_reply(Path(entry.path)):
            yield listed


def _is_saved_reply(path: Path) -> bool:
    """Whether this is a web page or an error message that was saved in place of a report."""
    try:
        return is_reply(_beginning(path))
    except OSError as error:
        _stop_if_of_machine(error, path)
        return False


def _beginning(path: Path) -> str:
    with path.open("rb") as stream:
        return stream.read(BLOCK).decode("utf-8-sig", "replace")


def _first_bytes(path: Path) -> bytes:
    """The first bytes of a file, none where it can't be read, which opening it will tell."""
    try:
        with path.open("rb") as stream:
            return stream.read(FIRST_BYTES)
    except OSError as error:
        _stop_if_of_machine(error, path)
        return b""


def _listed(iso: str, below: str, entry: os.DirEntry[str]) -> Listed:
    relative = f"{below}/{entry.name}"
    report = below.split("/", 2)[1] if "/" in below else ""
    try:
        status = entry.stat()
    except OSError as error:
        _stop_if_of_machine(error, entry.path)
        return Listed(iso, report, relative, 0, 0, refusal=_unreadable(error))
    return Listed(
        iso,
        report,
        relative,
        status.st_size,
        status.st_mtime_ns,
        status.st_ctime_ns,
        refusal=_why_irregular(status.st_mode),
    )


def _listed_as_folder(raw: Path, iso: str, path: Path, refusal: str) -> Listed:
    relative = path.relative_to(raw).as_posix()
    below = PurePosixPath(relative).parts
    report = below[1] if len(below) > 1 else ""
    return Listed(iso, report, relative, 0, 0, refusal=refusal, is_folder=True)


_KINDS = {stat.S_IFIFO: "pipe", stat.S_IFSOCK: "socket", stat.S_IFDIR: "folder"}


def _why_irregular(mode: int) -> str | None:
    """Why something is not opened that is no regular file: reading it might never end."""
    if stat.S_ISREG(mode):
        return None
    kind = _KINDS.get(stat.S_IFMT(mode), "device")
    return f"is a {kind}, and no file: put the file itself there"


def _not_like_a_member(file: Listed, containers: Collection[str]) -> Listed:
    """Refuse a file whose name is what a member of an archive beside it is called."""
    if "!" not in file.path:
        return file
    parts = file.path.split("!")
    for end in range(1, len(parts)):
        if "!".join(parts[:end]) in containers:
            return replace(file, refusal="is named like a member of an archive: rename it")
    return file


def _unreadable(error: BaseException) -> str:
    return f"can't be read ({_reason(error)}): check the file and its rights"


def _reason(error: BaseException) -> str:
    """Words of an error; those of the system without its number."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return words_of(error)


def _stop_if_of_machine(error: BaseException, path: Path | str) -> None:
    """Raise MachineError where an error tells of the machine and judges no file."""
    if not is_of_machine(error):
        return
    words = str(error) if isinstance(error, MachineError) else _reason(error)
    raise MachineError(
        f"{path} could not be read: {words}. This says nothing about the file: see to the machine "
        "(free space, memory, open files, disks) and build again"
    ) from error


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
        _stop_if_of_machine(error, path)
        return [Inspected(listed, listed.path, refusal=_refusal(error))]


def _refusal(error: Exception) -> str:
    """Say why a file is refused, whatever went wrong with it."""
    if isinstance(error, Refused | Exceeded | BadArchive):
        return str(error)
    if isinstance(error, OSError) and error.errno is not None:
        return _unreadable(error)
    return f"can't be read ({words_of(error)}): download it again"


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
    if why := _why_irregular(status.st_mode):
        raise Refused(why)
    budget = Budget(limits, status.st_size)
    suffix = path.name.lower()
    if suffix.endswith(REPLY_ENDINGS):
        raise Refused(describe_reply(_beginning(path)))
    return _inspect_content(path, listed.path, cache, listed, report, others, budget)


def _inspect_content(
    path: Path,
    data_source: str,
    cache: Path,
    listed: Listed,
    report: Report,
    others: Sequence[Report],
    budget: Budget,
) -> list[Inspected]:
    """Open what a file is by its first bytes, whatever it is called."""
    with path.open("rb") as stream:
        kind = kind_of(stream.read(FIRST_BYTES), path.name.lower())
    if kind == ZIP:
        return _inspect_container(path, data_source, cache, listed, report, others, budget)
    is_named_gzip = path.name.lower().endswith(".gz")
    if is_named_gzip != (kind == GZIP) or not path.name.lower().endswith(READABLE):
        # A file with another ending is read through a link with the right one, because DuckDB's
        # reader tells by the name whether a file is packed.
        path = _linked(path, data_source, ".csv.gz" if kind == GZIP else ".csv", cache)
    return [_inspect_csv(path, data_source, cache, listed, report, others, budget)]


def _is_unicode(path: str) -> bool:
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True


def _unknown_folder(listed: Listed, others: Sequence[Report]) -> str:
    reports = sorted(report.name for report in others if report.iso == listed.iso)
    where = f"{listed.iso}/{listed.report}" if listed.report else listed.iso
    nearest = _nearest(fold(listed.report), reports)
    advice = f"rename the folder to {nearest} if that is meant, or " if nearest else ""
    known = ", ".join(reports)
    return f"lies in {where}, which is no report folder: {advice}move it to one of {known}"


def _inspect_container(
    path: Path,
    data_source: str,
    cache: Path,
    listed: Listed,
    report: Report,
    others: Sequence[Report],
    budget: Budget,
) -> list[Inspected]:
    """Open a zip or a workbook: one result per csv or sheet in it."""
    if data_source.removeprefix(listed.path).count("!") >= budget.limits.depth:
        raise Refused(f"nests archives deeper than {budget.limits.depth}: unpack it")
    is_book = is_workbook(path)
    if is_book and not report.books:
        raise Refused(
            "is an Excel workbook (.xlsx), which is not read for this report: save it as csv"
        )
    # The key contains the path, because two identical zips are two data sources.
    key = f"{data_source} {_hash_file(path)}"
    folder = cache / "members" / xxhash.xxh3_128_hexdigest(key.encode())
    members = unpack(path, folder, with_books=report.books, budget=budget, is_book=is_book)
    results = [
        result
        for member in members
        if not report.leaves_out(_unnumbered(member.name))
        for result in _inspect_member(
            member.cached, f"{data_source}!{member.name}", cache, listed, report, others, budget
        )
    ]
    sheets = {member.name for member in members if member.is_sheet}
    results = _without_foreign_sheets(results, sheets, data_source)
    return _with_blanks_allowed(_without_rollups(results, report))


def _inspect_member(
    path: Path,
    data_source: str,
    cache: Path,
    listed: Listed,
    report: Report,
    others: Sequence[Report],
    budget: Budget,
) -> list[Inspected]:
    """Open a member of an archive; one that can't be used stops no other."""
    try:
        return _inspect_content(path, data_source, cache, listed, report, others, budget)
    except Exception as error:
        if is_of_machine(error):
            raise
        return [Inspected(listed, data_source, refusal=_refusal(error))]


def _unnumbered(member: str) -> str:
    """Name of a member without the number that tells it from others of its name."""
    return re.sub(r"#\d+$", "", member)


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
        if not (result.is_foreign and re.search(report.rollups, _name_of(result.data_source)))
    ]


def _name_of(data_source: str) -> str:
    """Name of a file, or of a member of an archive, without its folders."""
    return PurePosixPath(_unnumbered(data_source.rpartition("!")[2])).name


def _inspect_csv(
    path: Path,
    data_source: str,
    cache: Path,
    listed: Listed,
    report: Report,
    others: Sequence[Report],
    budget: Budget,
) -> Inspected:
    result = Inspected(listed, data_source)
    name = _name_of(data_source)
    try:
        content = _read_through(path, budget, report)
        result.content_hash = content.content_hash
        refuse_unreadable(content.head[:FIRST_BYTES])
        if is_utf16(content.head):
            path = _in_utf8(path, data_source, cache)
            content = _read_through(path, budget, report)
        if content.tail.endswith(_END_MARK):
            path = _without_end_mark(path, data_source, cache)
            content = _read_through(path, budget, report)
        result.layout = _layout_of(content.head, data_source, report, others)
        _refuse_days_first(result.layout.first_stamps, name)
        if content.has_returns_only:
            path = _with_line_feeds(path, data_source, cache)
            content = _read_through(path, budget, report)
        heading = _heading(content.head, result.layout, report)
        result.lines = content.lines - result.layout.header_line - 1
        if content.quotes % 2:
            _refuse_cut_off(content, report)
            _refuse_open_quote(path, result.layout)
        if content.has_control_bytes:
            _refuse_control_bytes(path)
        if content.may_group_digits:
            _check_grouped_digits(path, result.layout, report)
        if report.dated and not _has_days(result.layout, report):
            result.report_date = _report_date(result.layout.above, name, report.day_above)
        if heading.header.count(b'"') % 2:
            path = _with_plain_heading(path, data_source, cache, heading)
        if report.grouped_numbers and content.quotes:
            path = _with_plain_numbers(path, data_source, cache)
        if content.mixes_line_ends:
            path = _with_one_line_end(path, data_source, cache)
        refuse_row_names(heading, content.head[:SAMPLED])
        if report.trailer and _ends_with_trailer(content, result.layout, heading, report):
            result.trailer_line = content.lines
            result.lines -= 1
        elif report.trailer or _may_need_copy(content, heading):
            path = _in_shape(path, data_source, cache, heading, report, result)
        if report.footer:
            _leave_out_footer(result, content, report.footer)
        if not (report.trailer or result.trailer_line or content.tail.endswith(b"\n")):
            # A download that broke off may have cut the number at its end.
            result.warning = (
                "does not end its last line, so that nobody knows whether it is complete: download "
                "it again"
            )
        result.read_path = str(_plainly_named(path, data_source, cache))
        result.publication_stamp = _publication_stamp(report, name, listed.path)
        result.hinted = hinted_days(name)
        if result.lines <= 0 and not report.trailer:
            raise Blank(
                "has a header and no rows: download it again, or remove it if there are none"
            )
    except Exception as error:
        if is_of_machine(error):
            raise
        result.refusal = _refusal(error)
        result.is_foreign = isinstance(error, Foreign)
        result.is_blank = isinstance(error, Blank)
    return result


def _layout_of(head: bytes, data_source: str, report: Report, others: Sequence[Report]) -> Layout:
    """Layout of a file whose name agrees with its header.

    Raises:
        Refused: it is no file of the report, by its header or by what the operator calls it.
    """
    sibling = _called_like_sibling(data_source, report)
    try:
        layout = find_layout(head, report, others)
    except (Foreign, OtherColumns):
        if sibling:
            raise _of_sibling(sibling) from None
        raise
    if sibling and _may_be_of(sibling, head, others):
        raise _of_sibling(sibling)
    return layout


def _called_like_sibling(data_source: str, report: Report) -> str | None:
    """Folder of the other report whose files are called like this one, if any are.

    The name of a member tells before that of its archive; folders tell nothing.
    """
    for inner in reversed(data_source.split("!")):
        name = PurePosixPath(_unnumbered(inner)).name
        if report.file_names and re.search(report.file_names, name, re.IGNORECASE):
            return None
        for folder, pattern in report.siblings:
            if re.search(pattern, name, re.IGNORECASE):
                return folder
    return None


def _may_be_of(folder: str, head: bytes, others: Sequence[Report]) -> bool:
    """Whether a file may be of the report of that folder by its header, as far as it is known."""
    for other in others:
        if other.folder == folder:
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
        header=_line_at(head, at),
        names=layout.names,
        known=report.known,
        lines=layout.header_line + 1,
        above=layout.above,
        has_types=layout.header_line > at,
        names_of=lambda cells: _match(cells, report),
    )


def _line_at(head: bytes, number: int) -> bytes:
    """A line without its end; lines count from 0, and end in a line feed."""
    lines = head.split(b"\n", number + 1)
    return lines[number].rstrip(b"\r") if number < len(lines) else b""


def _rules(layout: Layout, report: Report) -> Rules:
    clocks = {c.name for c in report.columns if c.data_type.startswith(("timestamp", "date"))}
    return Rules(
        trailer=report.trailer,
        title=report.title,
        has_types=report.rows_below_header > 0,
        has_one_day=report.dated and not clocks & set(layout.names),
        has_two_tables=bool(report.unnamed_columns),
    )


def _may_need_copy(content: _Content, heading: Heading) -> bool:
    """Whether a file may have a second heading, or cells that a tool has added."""
    return content.marks > content.marks_of(heading) or may_need_copy(
        heading, content.head[:SAMPLED], content.tail
    )


def _last_line(content: _Content) -> str:
    return content.tail.decode("utf-8", "replace").rstrip("\r\n").rpartition("\n")[2].strip()


def _refuse_cut_off(content: _Content, report: Report) -> None:
    """Refuse a file that ends inside quotes, where its last line should be a trailer."""
    last = _last_line(content)
    if report.trailer and not re.search(report.trailer, last):
        raise Refused(incomplete(last))


def _ends_with_trailer(content: _Content, layout: Layout, heading: Heading, report: Report) -> bool:
    """Whether a file is plainly one report, down to a trailer that agrees."""
    found = re.search(report.trailer or "", _last_line(content))
    return (
        found is not None
        and int(found.group(1)) == content.lines - layout.header_line - 2
        and heading.has_types
        and not _may_need_copy(content, heading)
    )


def _leave_out_footer(result: Inspected, content: _Content, footer: str) -> None:
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


def _in_shape(
    path: Path,
    data_source: str,
    cache: Path,
    heading: Heading,
    report: Report,
    result: Inspected,
) -> Path:
    """Path of a copy without what tools have added, if they have; counts the data lines."""
    assert result.layout is not None
    copying = Copying(heading, _rules(result.layout, report))
    copy = _unused_link(data_source, ".csv", cache, "shape")
    with _opened(path) as stream, _new_copy(copy) as write:
        for line in copying.copy(_pieces_of_lines(stream)):
            write(line)
    result.lines = copying.lines
    result.warning = copying.warning
    if not copying.is_changed:
        copy.unlink()
        return path
    result.skipped_lines = tuple(copying.skipped)
    return copy


@dataclass(frozen=True)
class _Content:
    content_hash: str
    lines: int
    head: bytes
    tail: bytes
    mixes_line_ends: bool
    has_returns_only: bool
    may_group_digits: bool
    quotes: int
    has_control_bytes: bool
    marks: int
    marked: tuple[bytes, ...]

    def marks_of(self, heading: Heading) -> int:
        """How often the heading has what marks a header."""
        lines = self.head.split(b"\n", heading.lines)[: heading.lines]
        return sum(line.count(mark) for line in lines for mark in self.marked)


def _read_through(path: Path, budget: Budget, report: Report | None = None) -> _Content:
    """Read a file once for its hash (of the bytes on disk), its lines and its first lines.

    report: report whose further headings are counted.
    """
    digest = xxhash.xxh3_128()
    text = _Text(report)
    inflate = _Inflate(text, budget) if path.name.lower().endswith(".gz") else None
    with path.open("rb", buffering=0) as stream:
        # Most files are far smaller than a block, and to clear one takes as long as to read them.
        buffer = bytearray(min(BLOCK, os.fstat(stream.fileno()).st_size + 1))
        view = memoryview(buffer)
        while size := stream.readinto(buffer):
            block = view[:size]
            digest.update(block)
            if inflate:
                inflate.add(block)
            else:
                text.add(block)
    if inflate and not inflate.is_at_end:
        raise EOFError("the compressed file ends too early")
    if not text.last:
        raise Foreign("is empty: download it again")
    lines = text.newlines + (text.last != b"\n")
    # A return at the very end doesn't count: the file may have been cut before its line feed.
    whole_returns = text.returns - (text.last == b"\r")
    mixes_line_ends = text.returns > 0 and not whole_returns == text.pairs == text.newlines
    return _Content(
        digest.hexdigest(),
        lines,
        text.head,
        text.tail,
        mixes_line_ends,
        has_returns_only=whole_returns > 0 and not text.newlines,
        may_group_digits=text.may_group_digits or _may_group_digits(text.tail[-SEAM:] + b"\n"),
        quotes=text.quotes,
        has_control_bytes=text.has_control_bytes,
        marks=text.marks,
        marked=text.marked,
    )


def _marks(head: bytes, report: Report) -> tuple[bytes, ...]:
    """What a second heading of a file would have, told by its first lines.

    Whatever else is wrong with these refuses the file when its layout is found.
    """
    first = head[:SAMPLED]
    whole = first if len(head) <= SAMPLED else first[: first.rfind(b"\n") + 1]
    text, flaw = _decoded(whole)
    lines = _first_lines(text)
    at = next(
        (n for n, line in enumerate(lines) if _match(cells_of(line), report) is not None), None
    )
    return () if flaw or at is None else marks_of(_line_at(whole, at), report.known)


class _Inflate:
    """Unpacks gzip, one member after another, into a text, in pieces of bounded size."""

    def __init__(self, text: _Text, budget: Budget) -> None:
        self._text = text
        self._budget = budget
        self._member = zlib.decompressobj(wbits=GZIP_WINDOW)

    @property
    def is_at_end(self) -> bool:
        """Whether the member that was begun last is complete."""
        return self._member.eof

    def add(self, block: memoryview) -> None:
        """Unpack the next bytes of the file."""
        for start in range(0, block.nbytes, PACKED_BLOCK):
            packed = block[start : start + PACKED_BLOCK].tobytes()
            while packed:
                if self._member.eof:
                    self._member = zlib.decompressobj(wbits=GZIP_WINDOW)
                piece = self._member.decompress(packed, BLOCK)
                self._budget.add_bytes(len(piece))
                self._text.add(memoryview(piece))
                packed = self._member.unconsumed_tail or self._member.unused_data


class _Text:
    """Lines of a text that comes in blocks, its first megabyte and its end."""

    def __init__(self, report: Report | None = None) -> None:
        self.marks = 0
        self.marked: tuple[bytes, ...] = ()
        self._report = report
        self.newlines = 0
        self.returns = 0
        self.pairs = 0
        self.head = b""
        self.last = b""
        self.tail = b""
        self.may_group_digits = False
        self.quotes = 0
        self.has_control_bytes = False

    def add(self, block: memoryview) -> None:
        """Take the next block."""
        if not block.nbytes:
            return
        if len(self.head) < BLOCK:
            self.head += block[: BLOCK - len(self.head)].tobytes()
        content = block.tobytes()
        if self._report and not self.last:
            self.marked = _marks(content, self._report)
        self._count_marks(content)
        words = in_words(content)
        newline_at = found_at(words, b"\n")
        newlines = newline_at.true_count
        returns = 0
        if b"\r" in content:
            return_at = found_at(words, b"\r")
            returns = return_at.true_count
            self.pairs += count_pairs(return_at, newline_at)
        self.newlines += newlines
        self.returns += returns
        self.quotes += content.count(b'"') if b'"' in content else 0
        self.pairs += self.last == b"\r" and content.startswith(b"\n")
        if count_below(words, b" ") > newlines + returns:
            self.has_control_bytes |= _CONTROL.search(content) is not None
        seam = self.tail[-SEAM:]
        if not self.may_group_digits and (b"_" in content or b"_" in seam):
            self.may_group_digits = _may_group_digits(seam + content)
        self.last = block[-1:].tobytes()
        self.tail = (self.tail + block[-TAIL:].tobytes())[-TAIL:]

    def _count_marks(self, content: bytes) -> None:
        for mark in self.marked:
            over = len(mark) - 1
            seam = self.tail[-over:] + content[:over] if over else b""
            self.marks += content.count(mark) + seam.count(mark)


def _may_group_digits(text: bytes) -> bool:
    """Whether a cell of some lines looks like a number with its digits in groups."""
    if b"_" not in text:
        return False
    lines = pa.array([text], pa.binary())
    return all(
        pc.match_substring_regex(lines, pattern=pattern)[0].as_py()
        for pattern in (_ENDS_IN_DIGITS, _IS_GROUPED)
    )


def _check_grouped_digits(path: Path, layout: Layout, report: Report) -> None:
    """Refuse a file that has digits in groups where the report has a number."""
    texts = {c.name for c in report.columns if c.data_type.startswith(_TEXT_TYPES)}
    known = {c.name for c in report.columns}
    numbers = [
        (position, name)
        for position, name in enumerate(layout.names)
        if name in known and name not in texts
    ]
    with _opened(path) as stream:
        for number, line in enumerate(_pieces_of_lines(stream), start=1):
            if number <= layout.header_line + 1 or b"_" not in line:
                continue
            cells = cells_of(line.decode("utf-8", "replace"))
            for position, name in numbers:
                if position < len(cells) and _GROUPED.fullmatch(cells[position].strip()):
                    raise Refused(
                        f"line {number} has {cells[position][:HEADER_SHOWN]!r} for {name}: write "
                        "numbers without underscores"
                    )


def open_quote_at(line: int) -> str:
    """Say why a file is refused that has a quote without its like, first in this line."""
    return f"line {line} has a quote that is not closed: mend it, or download it again"


def _refuse_open_quote(path: Path, layout: Layout) -> None:
    """Refuse a file with a quote that stands alone.

    DuckDB's reader takes one inside a cell for a letter, and may lose the lines behind one that
    begins a cell without a word.
    """
    line = count_records(path, after=layout.header_line + 1).unbalanced_line
    if line is not None:
        raise Refused(open_quote_at(line))


def _refuse_control_bytes(path: Path) -> None:
    with _opened(path) as stream:
        for number, line in enumerate(_pieces_of_lines(stream), start=1):
            if found := _CONTROL.search(line):
                raise Refused(
                    f"line {number} holds the byte {found[0][0]:#04x}, which no text has: "
                    "download it again"
                )


def _has_days(layout: Layout, report: Report) -> bool:
    """Whether each line tells its day, which counts whatever the heading or the name says."""
    return any(column.tells_day and column.name in layout.names for column in report.columns)


def _report_date(above: Sequence[str], name: str, day_above: str | None) -> date:
    """The delivery day of a file.

    Raises:
        Refused: nothing tells it, or its name tells another day than the line that has it.
    """
    told = _day_above(above, day_above)
    named = next(iter(_days_in_name(name)), None)
    if day_above and told and named and told != named:
        raise Refused(
            f"is of {told} by the lines above its header and of {named} by its name: mend the one "
            "that is wrong"
        )
    if day := told or named:
        return day
    raise Refused(
        "has no delivery date, neither above its header nor in its name: put it into the name, "
        "as YYYYMMDD"
    )


def _day_above(above: Sequence[str], pattern: str | None) -> date | None:
    for line in above:
        if pattern is None or re.search(pattern, line):
            for month, day, year in _DATE_ABOVE_HEADER.findall(line):
                if _is_date((year, month, day)):
                    return date(int(year), int(month), int(day))
    return None


_FIELD = rb'(?:[ \t]*+"[^"]*+(?:""[^"]*+)*+"[ \t]*+|[^",]*+)'
# This pattern is tried first, because most lines are sound and it is the fastest way to see it.
_BALANCED = re.compile(_FIELD + rb"(?:," + _FIELD + rb")*+\r?\n?")


@dataclass(frozen=True)
class Records:
    """What a csv holds when it is read by its quotes.

    records: logical records that are not blank; a line break inside quotes ends none. From the
        first quote that is out of place on, lines are counted instead.
    unbalanced_line: line of the file, from 1, of the first quote that is out of place: the one that
        opens a field that is not closed, or is closed before the field ends, or one inside a field
        that does not begin with it. None if there is none.
    skipped_lines: lines of the file that begin no record, being blank or inside quotes, up to
        the first `MOST_SKIPPED`.
    """

    records: int
    unbalanced_line: int | None
    skipped_lines: tuple[int, ...] = field(default=(), compare=False)


def count_records(path: Path, after: int, before: int | None = None) -> Records:
    """Count the records after the first `after` lines, and find the first quote out of place.

    Lines from number `before` on don't count.

    Fields are quoted as in RFC 4180; blanks around the quotes don't count. A line longer than
    `LONGEST_LINE` is judged in pieces of that length, by the number of quotes alone.
    """
    records = lines_since = opened_at = 0
    skipped: list[int] = []
    with _opened(path) as stream:
        for number, line in enumerate(_pieces_of_lines(stream), start=1):
            if number <= after:
                continue
            if number == before:
                break
            is_blank = not line.strip()
            if (is_blank or opened_at) and len(skipped) < MOST_SKIPPED:
                skipped.append(number)
            if b'"' not in line:
                if opened_at:
                    lines_since += not is_blank
                else:
                    records += not is_blank
                continue
            if not opened_at and _BALANCED.fullmatch(line):
                records += 1
                continue
            closes = _closes(b'"' + line if opened_at else line)
            opened_at = opened_at or number
            lines_since += 1
            if closes is None:
                left = _count_lines(stream)
                return Records(records + lines_since + left, opened_at, tuple(skipped))
            if closes:
                records += 1
                lines_since = opened_at = 0
    return Records(records + lines_since, opened_at or None, tuple(skipped))


def _closes(line: bytes) -> bool | None:
    """Whether each quote of a line is closed in it; None if one is out of place."""
    parts = line.split(b'"')
    outside = parts[::2]
    closes = len(parts) % 2 == 1
    first, last = outside[0].strip(b" \t"), outside[-1].strip()
    if first and not first.endswith(b","):
        return None
    if closes and last and not last.startswith(b","):
        return None
    between = outside[1:-1] if closes else outside[1:]
    # A comma lies between two quoted fields. Two quotes with nothing between them are one quote
    # within a field.
    if between.count(b",") < len(between) and not all(map(_is_between, between)):
        return None
    return closes


def _is_between(part: bytes) -> bool:
    part = part.strip(b" \t")
    return not part or (part.startswith(b",") and part.endswith(b","))


def _pieces_of_lines(stream: IO[bytes]) -> Iterator[bytes]:
    return iter(lambda: stream.readline(LONGEST_LINE), b"")


def _count_lines(stream: IO[bytes]) -> int:
    return sum(1 for line in _pieces_of_lines(stream) if line.strip())


def _is_packed(path: Path) -> bool:
    return path.name.lower().endswith(".gz")


def _opened(path: Path) -> IO[bytes]:
    # A stream of gzip can do all that is asked of a file here, but its type stubs don't say so.
    return cast("IO[bytes]", gzip.open(path)) if _is_packed(path) else path.open("rb")


def _hash_file(path: Path) -> str:
    digest = xxhash.xxh3_128()
    with path.open("rb") as stream:
        while block := stream.read(BLOCK):
            digest.update(block)
    return digest.hexdigest()


def find_layout(head: bytes, report: Report, others: Sequence[Report]) -> Layout:
    """Find the header line of `report` among the first lines of a file.

    Columns may stand in any order and case, quoted or not; columns the report doesn't know are
    read past. The stamp format is the first that fits all of the first data lines.

    Raises:
        Refused: no line is the report's header; the message says what the file looks like.
    """
    text, flaw = _decoded(head)
    lines = _first_lines(text)
    rows = [cells_of(line) for line in lines]
    for number, cells in enumerate(rows):
        names = _match(cells, report)
        if names is not None:
            if flaw:
                raise Refused(f"is not UTF-8 text ({flaw}): save it as UTF-8 csv")
            _refuse_prices_of_sibling(cells, names, report, others)
            above = tuple(lines[:number])
            _check_title(above, report)
            below = _next_written(rows, number + 1)
            has_types = report.rows_below_header > 0 and is_line_of_types(rows[below], cells)
            last = below if has_types else number
            first = _stamps(report, names, [_as_wide(row, cells) for row in rows[last + 1 :]])
            printed = tuple(stamp for _, stamp in first)
            return Layout(names, last, _timestamp_format(report, first), above, printed)
    reply = Refused(describe_reply(text)) if is_reply(text) else None
    why = reply or _why_not(lines, rows, report, others)
    raise type(why)(f"is not UTF-8 text ({flaw}), and {why}" if flaw else str(why))


def _first_lines(text: str) -> list[str]:
    """The first lines of a text, among which its header is looked for."""
    beginning = "\n".join(text.split("\n", HEAD_LINES + 1)[: HEAD_LINES + 1])
    return beginning.splitlines()[: HEAD_LINES + 1]


def _next_written(rows: Sequence[Sequence[str]], start: int) -> int:
    """Place of the first row from `start` on that is not blank; the last row if none is."""
    written = (at for at in range(start, len(rows)) if any(cell.strip() for cell in rows[at]))
    return next(written, len(rows) - 1)


def _refuse_prices_of_sibling(
    cells: Sequence[str], names: Sequence[str], report: Report, others: Sequence[Report]
) -> None:
    """Refuse a table that has prices of another report of the operator beside those of this one.

    Reports whose name several operators share are left out: they are shapes of tables, and people
    give their columns to others.
    """
    shared = {other.name for other in others if other.iso != report.iso}
    for other in others:
        if other.iso != report.iso or other.name == report.name or other.name in shared:
            continue
        prices = [c for c in other.columns if c.data_type == "double" and not c.optional]
        for cell, name in zip(cells, names, strict=True):
            if name.startswith(UNKNOWN) and any(fold(cell) in c.spellings for c in prices):
                raise OtherColumns(
                    f"is another report (it has {cell.strip()[:HEADER_SHOWN]}, as {other.folder} "
                    "has): move it out of this folder"
                )


def _as_wide(cells: list[str], header: Sequence[str]) -> list[str]:
    """Cells of a line with as many empty ones at the end as the header has, if others agree."""
    width, named = len(header), len(without_empty_end(header))
    if len(cells) < named or any(cell.strip() for cell in cells[width:]):
        return cells
    return [*cells, *[""] * (width - len(cells))][:width]


def _decoded(head: bytes) -> tuple[str, str | None]:
    """Text of the first lines and what keeps it from being UTF-8, if anything does."""
    try:
        return head.decode("utf-8-sig", errors="strict" if len(head) < BLOCK else "ignore"), None
    except UnicodeDecodeError as error:
        return head.decode("latin-1"), error.reason


def _check_title(above: Sequence[str], report: Report) -> None:
    written = [line for line in above if line.strip(" ,\r")]
    if report.title and written and not re.search(report.title, "\n".join(written)):
        raise Refused(
            f"line 1 is titled {written[0].strip()[:HEADER_SHOWN]!r}, which is not {report.name}: "
            "move it out of this folder"
        )


def _match(cells: Sequence[str], report: Report) -> tuple[str, ...] | None:
    names: list[str] = []
    for position, cell in enumerate(_with_names(cells, report.unnamed_columns)):
        column = report.by_spelling.get(fold(cell))
        names.append(column.name if column else f"{UNKNOWN}{position + 1}")
    missing = _missing(names, report)
    return tuple(names) if not missing and len(set(names)) == len(names) else None


def _with_names(cells: Sequence[str], unnamed: Sequence[str]) -> list[str]:
    """Cells of a header with the names of its first columns, where it has none for all of them."""
    count = len(unnamed)
    is_unnamed = not any(cell.strip() for cell in cells[:count])
    return [*unnamed, *cells[count:]] if is_unnamed else list(cells)


def _missing(names: Iterable[str], report: Report) -> list[str]:
    """Columns a file must have beside `names`; those of a group are told together."""
    present = set(names)
    lacking = _lacking(_needed_by(present, report), present)
    return [" or ".join(map(_described, group)) for group in lacking]


def _needed_by(present: set[str], report: Report) -> Groups:
    """Groups of columns that a file must have, of several layouts those of the nearest one.

    That is one whose columns are all present, else the one with the most of them.
    """

    def distance(groups: Groups) -> tuple[bool, int]:
        lacking = _lacking(groups, present)
        return bool(lacking), len(lacking) - len(groups)

    return min(report.needed, key=distance)


def _lacking(groups: Groups, present: set[str]) -> Groups:
    return [group for group in groups if present.isdisjoint(column.name for column in group)]


def _described(column: Column) -> str:
    if column.tells is None:
        return column.name
    return f"{column.name} (nothing else tells {column.tells})"


def _stamps(
    report: Report, names: Sequence[str], rows: Sequence[Sequence[str]]
) -> tuple[tuple[Column, str], ...]:
    """The stamps in some rows, each with its column."""
    columns = {c.name: c for c in report.columns if c.data_type.startswith(("timestamp", "date"))}
    return tuple(
        (columns[name], value.strip())
        for row in rows
        if len(row) == len(names)
        for name, value in zip(names, row, strict=True)
        if name in columns and value.strip()
    )


def _timestamp_format(report: Report, stamps: Sequence[tuple[Column, str]]) -> str | None:
    """The one format of all these stamps, or `AS_TEXT` where there is none."""
    if not any(c.data_type.startswith(("timestamp", "date")) for c in report.columns):
        return None
    written = {(value, c.data_type == "date", c.is_day) for c, value in stamps}
    for candidate in (*report.timestamp_formats, *TIMESTAMP_FORMATS):
        if all(_fits(*stamp, candidate) for stamp in written):
            return candidate
    return AS_TEXT


def _refuse_days_first(stamps: Sequence[str], name: str) -> None:
    """Refuse a file whose first stamps are of the days in its name only where the day comes first.

    Up to the twelfth nothing else tells, and its rows would be published in other months. Behind a
    year they come so where a tool took the month of a published stamp for its day.
    """
    printed = [_DATE_AT_START.match(stamp) or _YEAR_AT_START.match(stamp) for stamp in stamps]
    named = _days_in_name(name)
    if not named or not printed or not all(printed):
        return
    parts = {_month_day_year(found) for found in printed if found}
    month_first = {_day_of(year, first, second) for first, second, year in parts}
    day_first = {_day_of(year, second, first) for first, second, year in parts}
    near = {day for end in (min(named), max(named)) for day in _around(end)}
    if day_first <= near and not month_first & near:
        raise Refused(
            f"has dates with the day first ({stamps[0][:HEADER_SHOWN]!r}), as the day in its name "
            f"tells ({min(named)}): write dates as 2024-12-31, or mend the name if it is wrong"
        )


def _month_day_year(found: re.Match[str]) -> tuple[int, int, int]:
    first, second, third = map(int, found.groups())
    return (second, third, first) if found.re is _YEAR_AT_START else (first, second, third)


def _day_of(year: int, month: int, day: int) -> date | None:
    try:
        return date(year + 2000 if year < 100 else year, month, day)
    except ValueError:
        return None


def _around(day: date) -> Iterator[date]:
    return (day + timedelta(days=days) for days in (-1, 0, 1))


# Files of intervals repeat the days of their stamps, and strptime keeps five formats at most.
@lru_cache(maxsize=4096)
def _fits(value: str, is_date: bool, is_day: bool, timestamp_format: str) -> bool:
    if is_date:
        timestamp_format = DATE_FORMAT
    elif not is_day and "%M" not in timestamp_format:
        return False
    try:
        datetime.strptime(value, timestamp_format.replace("%-", "%"))
    except ValueError:
        return False
    return True


def _why_not(
    lines: Sequence[str], rows: Sequence[Sequence[str]], report: Report, others: Sequence[Report]
) -> Refused:
    # Reports of the same operator come first, because operators share layouts and their own are the
    # likelier ones. A report of the same name is left out, because its layout is the same.
    for other in sorted(others, key=lambda other: other.iso != report.iso):
        if other.name != report.name and any(_match(cells, other) for cells in rows):
            return Refused(f"line 1 is the header of {other.folder}: move it to that folder")
    if separated := _other_separator(lines, report):
        return Refused(f"separates its cells by {separated}: save it with commas between them")
    if any(len(cells) == 1 and _match(cells_of(cells[0]), report) for cells in rows):
        return Refused(
            "has each line in quotes, as one cell: save it with quotes around no more than a cell"
        )
    found = max(rows, key=lambda cells: _hits(cells, report), default=[])
    if found:
        # The title decides, because reports of one operator share most cells of their headings.
        _check_title(lines[: rows.index(found)], report)
    present = {c.name for c in report.columns if any(fold(cell) in c.spellings for cell in found)}
    needed = len(_needed_by(present, report))
    missing = _missing(present, report)
    if len(missing) == needed:
        return Foreign(
            f"line 1 is no header of {report.name} (found {', '.join(rows[0])[:120]!r}): "
            "move it out of this folder"
        )
    kind = OtherColumns if 2 * len(missing) <= needed else Foreign
    line = rows.index(found) + 1
    if (unknown := _unknown_cells(found, report)) and missing:
        return kind(
            f"is another report (it has {in_short(unknown)} and no {in_short(missing)} in line "
            f"{line}): move it out of this folder"
        )
    if not missing:
        twice = in_short(_repeated(found, report))
        return kind(
            f"line {line}: the header of {report.name} has {twice} more than once "
            f"(found {', '.join(found)[:200]}): restore the published header"
        )
    # A published file of one market may lack its column, so that there is nothing to restore.
    told_by_it = {_described(column) for column in report.columns if column.tells}
    advice = "add that column" if set(missing) <= told_by_it else "restore the published header"
    return kind(
        f"line {line}: the header of {report.name} lacks {', '.join(missing)} "
        f"(found {', '.join(found)[:200]}): {advice}"
    )


def _repeated(cells: Sequence[str], report: Report) -> list[str]:
    """Columns of the report for which a header has several cells."""
    named = _with_names(cells, report.unnamed_columns)
    known = (report.by_spelling.get(fold(cell)) for cell in named)
    counts = Counter(column.name for column in known if column)
    return [name for name, count in counts.items() if count > 1]


def _unknown_cells(cells: Sequence[str], report: Report) -> list[str]:
    """Cells of a header that are no published columns of the report."""
    known = {*report.by_spelling, *map(fold, report.other_columns)}
    return [
        cell
        for cell in cells
        if cell.strip() and fold(cell) not in known and not _INDEX.fullmatch(cell.strip())
    ]


def _other_separator(lines: Sequence[str], report: Report) -> str | None:
    """What separates the cells of a file instead of commas, by its name."""
    for separator, name in SEPARATORS.items():
        if any(_match(cells_of(line, separator), report) for line in lines):
            return name
    return None


def _hits(cells: Sequence[str], report: Report) -> int:
    return sum(any(fold(cell) in c.spellings for cell in cells) for c in report.columns)


def _plainly_named(path: Path, data_source: str, cache: Path) -> Path:
    """Path for DuckDB's reader, which takes every name as a pattern.

    A name with pattern characters gets a plainly named link (a copy where links can't be made).
    """
    absolute = path.absolute()
    if _WITHOUT_GLOB_CHARACTERS.match(str(absolute)):
        return absolute
    return _linked(path, data_source, ".csv.gz" if _is_packed(path) else ".csv", cache)


def _linked(path: Path, data_source: str, ending: str, cache: Path) -> Path:
    """Path of a link to a file (of a copy where links can't be made) with another ending."""
    link = _unused_link(data_source, ending, cache)
    try:
        link.symlink_to(path.absolute())
    except OSError:
        with path.open("rb") as stream, into_cache(link), link.open("wb") as copy:
            shutil.copyfileobj(stream, copy, BLOCK)
    return link


@contextmanager
def _new_copy(copy: Path) -> Iterator[Callable[[bytes], None]]:
    """Give what writes to a new copy in the cache, which is gone where an error is raised."""
    try:
        with new_in_cache(copy) as copied:

            def write(piece: bytes) -> None:
                with into_cache(copy):
                    copied.write(piece)

            yield write
    except BaseException:
        copy.unlink(missing_ok=True)
        raise


def _in_utf8(path: Path, data_source: str, cache: Path) -> Path:
    """Path of a copy of a UTF-16 text in UTF-8."""
    copy = _unused_link(data_source, ".csv", cache, "utf8")
    decode = codecs.getincrementaldecoder("utf-16")().decode
    with _opened(path) as stream, _new_copy(copy) as write:
        try:
            while block := stream.read(BLOCK):
                write(decode(block).encode())
            write(decode(b"", final=True).encode())
        except UnicodeError as error:
            raise Refused(
                f"is not sound UTF-16 text ({words_of(error)}): save it as UTF-8 csv"
            ) from error
    return copy


def _without_end_mark(path: Path, data_source: str, cache: Path) -> Path:
    """Path of a copy of a text without the mark of its end."""
    copy = _unused_link(data_source, ".csv", cache, "marked")
    held = b""
    with _opened(path) as stream, _new_copy(copy) as write:
        while block := stream.read(BLOCK):
            write(held)
            held = block
        write(held.rstrip(_END_MARK))
    return copy


def _with_line_feeds(path: Path, data_source: str, cache: Path) -> Path:
    """Path of a copy of a text whose lines end in carriage returns only, with line feeds."""
    copy = _unused_link(data_source, ".csv", cache, "feeds")
    with _opened(path) as stream, _new_copy(copy) as write:
        while block := stream.read(BLOCK):
            write(block.replace(b"\r", b"\n"))
    return copy


def _with_plain_heading(path: Path, data_source: str, cache: Path, heading: Heading) -> Path:
    """Path of a copy whose heading has no quotes: the reader looks below for the like of one."""
    copy = _unused_link(data_source, ".csv", cache, "heading")
    with _opened(path) as stream, _new_copy(copy) as write:
        for number, line in enumerate(_pieces_of_lines(stream), start=1):
            write(line.replace(b'"', b"") if number <= heading.lines else line)
    return copy


def _with_plain_numbers(path: Path, data_source: str, cache: Path) -> Path:
    """Path of a copy without commas in thousands, if there are any."""
    copy = _unused_link(data_source, ".csv", cache, "plain")
    changed = 0
    with _opened(path) as stream, _new_copy(copy) as write:
        for line in _pieces_of_lines(stream):
            plain, found = _THOUSANDS.subn(lambda cell: cell[1].replace(b",", b""), line)
            changed += found
            write(plain)
    if changed:
        return copy
    copy.unlink()
    return path


def _with_one_line_end(path: Path, data_source: str, cache: Path) -> Path:
    """Path of a copy with plain line feeds: DuckDB's reader gives up where line ends differ."""
    copy = _unused_link(data_source, ".csv", cache, "ends")
    with _opened(path) as stream, _new_copy(copy) as write:
        for number, line in enumerate(_pieces_of_lines(stream), start=1):
            write(_with_line_feed(line, number))
    return copy


def _with_line_feed(line: bytes, number: int) -> bytes:
    if len(line) == LONGEST_LINE:
        raise Refused(f"has a line without end, line {number}: download it again")
    # Python on Windows ends lines with two returns and a feed where a csv is written as text.
    text = line.removesuffix(b"\n").rstrip(b"\r")
    if b"\r" in text:
        raise Refused(
            f"has a carriage return inside line {number}: download it again, or save it with line "
            "feeds"
        )
    return text + b"\n" * line.endswith(b"\n")


def _unused_link(data_source: str, ending: str, cache: Path, kind: str = "link") -> Path:
    """Path in the cache for a link to a file or a copy of it; of each kind there is one."""
    name = xxhash.xxh3_128_hexdigest(f"{kind} {data_source}".encode())
    link = cache / "links" / (name + ending)
    with into_cache(link):
        link.parent.mkdir(parents=True, exist_ok=True)
        link.unlink(missing_ok=True)
    return link.absolute()


def _publication_stamp(report: Report, member: str, container: str) -> str | None:
    if report.publication_stamp is None:
        return None
    for name in (member, PurePosixPath(container).name):
        if found := re.search(report.publication_stamp, name):
            return "".join(found.groups())
    return None


def hinted_days(name: str) -> list[date]:
    """Delivery days that a file's name suggests: a guess that orders reading, never a fact.

    One date stands for itself and the days around it, two for the days between. Midnight ends the
    day before it as well as it begins its own.
    """
    found = _days_in_name(name)
    if not found:
        return []
    first = found[0]
    last = found[1] if len(found) > 1 else first
    if not timedelta(0) <= last - first <= timedelta(days=LONGEST_HINT_DAYS):
        last = first
    if first == last and first in _days_in_name(name, _MIDNIGHT_IN_NAME):
        first -= timedelta(days=1)
    span = (last - first).days + 2
    return [first + timedelta(days=offset) for offset in range(-1, span)]


def _days_in_name(name: str, pattern: re.Pattern[str] = _DATE_IN_NAME) -> list[date]:
    return [date(*map(int, match)) for match in pattern.findall(name) if _is_date(match)]


def _is_date(match: Mapping[int, str] | tuple[str, str, str]) -> bool:
    try:
        date(int(match[0]), int(match[1]), int(match[2]))
    except ValueError:
        return False
    return True
