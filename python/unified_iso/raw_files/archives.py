"""Zip archives and workbooks: their members go to a cache once, where DuckDB can read them."""

from __future__ import annotations

import bz2
import csv
import itertools
import lzma
import shutil
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import datetime, time
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO

from openpyxl import load_workbook

from unified_iso.limits import DEFAULT, Budget, Exceeded, Limits
from unified_iso.machine import MachineError, is_of_machine
from unified_iso.raw_files.replies import describe_reply, is_reply

READABLE = (".csv", ".csv.gz")
BOOK = ".xlsx"
REPLY = ".xml"
LONGEST_REPLY = 1 << 16
DEEPEST_NESTING = Limits.depth
PIECE = 1 << 20
WORDS_SHOWN = 200
# Excel's own limit; a row number beyond it only makes empty rows without end.
ROWS_OF_A_SHEET = 1 << 20
# The largest dictionary is held in memory whole, and its size is the word of the file.
LARGEST_DICTIONARY = 1 << 28
# The list of members is read whole: an entry has 46 bytes and a name.
DIRECTORY_BYTES_PER_MEMBER = 256
# macOS keeps attributes of a file in one beside it, `._name`, which zips made there have too, below
# `__MACOSX`; Excel keeps the name of whoever has a workbook open in `~$name`.
_ATTRIBUTES = b"\x00\x05\x16\x07"
_START_OF_ARCHIVE = b"PK"
_END_OF_ARCHIVE = b"PK\x05\x06"
_END_OF_LARGE_ARCHIVE = b"PK\x06\x06"
_END_SIZE = 22
_LONGEST_COMMENT = 1 << 16
_LOCAL_HEADER_SIZE = 30
_UNKNOWN_SIZE = 0xFFFFFFFF
_ENCRYPTED = 1


class BadArchive(Exception):
    """The archive can't be used; the message says why and what to do."""


@dataclass(frozen=True)
class Member:
    """One csv of an archive or sheet of a workbook, and its cached copy.

    name: name inside; nested zips, and a workbook and its sheet, are joined by `!`. Of equal names
        the second and later ones are numbered (`a.csv#2`), so that each is a file of its own.
    """

    name: str
    cached: Path
    is_sheet: bool = False


def words_of(error: BaseException) -> str:
    """Kind and words of an error, on one line and shortened."""
    words = " ".join(str(error).split())
    # The errors of zlib and struct are called `error`, which tells a user nothing.
    kind = "" if type(error).__name__ == "error" else f"{type(error).__name__}: "
    return f"{kind}{words}"[:WORDS_SHOWN].removesuffix(": ")


def is_left_behind(name: str, first_bytes: Callable[[], bytes]) -> bool:
    """Whether a system or a program has left this file beside a raw file, and no user."""
    base = PurePosixPath(name).name
    if base.startswith("._"):
        return first_bytes().startswith(_ATTRIBUTES)
    is_of_book = base.startswith("~$") and base.lower().endswith(BOOK)
    return is_of_book and not first_bytes().startswith(_START_OF_ARCHIVE)


@contextmanager
def into_cache(path: Path) -> Iterator[None]:
    """Tell an error of writing to the cache from one of the file that is read.

    Raises:
        MachineError: the cache can't be written.
    """
    try:
        yield
    except OSError as error:
        raise MachineError(
            f"the cache {error.filename or path} can't be written ({error.strerror or error})"
        ) from error


@contextmanager
def new_in_cache(path: Path) -> Iterator[IO[bytes]]:
    """Create a file in the cache and close it; `into_cache` is for writing to it.

    Raises:
        MachineError: it can't be created, or what is left to write can't be written.
    """
    with into_cache(path):
        created = path.open("xb")
    try:
        yield created
    finally:
        with into_cache(path):
            created.close()


class _Unpacking:
    """Where the members of one raw file go, how they are named, and what they may cost."""

    def __init__(self, folder: Path, with_books: bool, budget: Budget) -> None:
        self.folder = folder
        self.with_books = with_books
        self.budget = budget
        self._numbers = itertools.count()
        self._names: set[str] = set()

    def next_file(self, ending: str) -> Path:
        return self.folder / f"{next(self._numbers):05d}{ending}"

    def unused(self, name: str) -> str:
        """The name, numbered where an earlier member has it."""
        number, unused = 1, name
        while unused in self._names:
            number += 1
            unused = f"{name}#{number}"
        self._names.add(unused)
        return unused

    def copy(self, pieces: Iterator[bytes], copy: IO[bytes]) -> None:
        for piece in pieces:
            self.budget.add_bytes(len(piece))
            with into_cache(self.folder):
                copy.write(piece)

    @contextmanager
    def inner(self, pieces: Iterator[bytes]) -> Iterator[IO[bytes]]:
        """A nameless copy of an archive within the archive."""
        with into_cache(self.folder):
            inner = tempfile.TemporaryFile(dir=self.folder)  # noqa: SIM115
        with inner:
            self.copy(pieces, inner)
            # Going back to the start writes what the buffer holds, which a full disk may not take.
            with into_cache(self.folder):
                inner.seek(0)
            yield inner


def is_workbook(path: Path) -> bool:
    """Whether a zip is an Excel workbook; the name tells where its members can't be listed."""
    try:
        with path.open("rb") as stream:
            _check_directory(stream, Budget(DEFAULT, path.stat().st_size))
            with zipfile.ZipFile(stream) as opened:
                return "xl/workbook.xml" in opened.namelist()
    except (zipfile.BadZipFile, Exceeded, UnicodeDecodeError, ValueError, struct.error):
        return path.name.lower().endswith(BOOK)


def unpack(
    container: Path,
    folder: Path,
    with_books: bool = False,
    budget: Budget | None = None,
    is_book: bool | None = None,
) -> list[Member]:
    """Put every csv of `container`, a zip (also of zips) or a workbook, into `folder`.

    The folder appears complete or not at all: members are written beside it first. Workbooks are
    read only `with_books`, each sheet as a csv; without `is_book` the name tells whether the
    container is one. The declared sizes of members are not trusted: what comes out is counted.

    Raises:
        BadArchive: not a zip or workbook, damaged, encrypted, without a csv, or a member name that
            would leave the folder.
        Exceeded: it is beyond a limit of `budget`.
        MachineError: the cache can't be written.
        OSError: the container can't be read.
    """
    budget = budget or Budget(DEFAULT, container.stat().st_size)
    beside = folder.with_name(folder.name + ".partial")
    with into_cache(beside):
        shutil.rmtree(beside, ignore_errors=True)
        beside.mkdir(parents=True)
    unpacking = _Unpacking(beside, with_books, budget)
    try:
        if container.name.lower().endswith(BOOK) if is_book is None else is_book:
            found = list(_sheets_into(container, unpacking, prefix=""))
        else:
            found = list(_unpack_into(container, unpacking, "", 1))
        if not found:
            raise BadArchive(_nothing_to_read(container))
        members = [
            Member(member.name, folder / member.cached.relative_to(beside), member.is_sheet)
            for member in found
        ]
        with into_cache(folder):
            shutil.rmtree(folder, ignore_errors=True)
            beside.rename(folder)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return members


def _unpack_into(
    archive: Path | IO[bytes], unpacking: _Unpacking, prefix: str, depth: int
) -> Iterator[Member]:
    with _faults_of_a_zip(archive, prefix), _opened(archive) as stream:
        _check_directory(stream, unpacking.budget)
        with zipfile.ZipFile(stream) as opened:
            unpacking.budget.add_members(len(opened.infolist()))
            for info in opened.infolist():
                if info.filename.endswith("/"):
                    continue
                name = _safe_name(info.filename)
                suffix = name.lower()
                pieces = _pieces(opened, info, stream)
                if is_left_behind(name, partial(next, _pieces(opened, info, stream), b"")):
                    continue
                if suffix.endswith(".zip"):
                    if depth == unpacking.budget.limits.depth:
                        raise BadArchive(
                            f"nests zips deeper than {depth}: unpack {name}, or raise "
                            "--max-nesting (dbt: UNIFIED_ISO_MAX_NESTING)"
                        )
                    unpacking.budget.expect(info.file_size)
                    inside = unpacking.unused(prefix + name) + "!"
                    with unpacking.inner(pieces) as inner:
                        yield from _unpack_into(inner, unpacking, inside, depth + 1)
                elif unpacking.with_books and suffix.endswith(BOOK):
                    unpacking.budget.expect(info.file_size)
                    inside = unpacking.unused(prefix + name) + "!"
                    with unpacking.inner(pieces) as inner:
                        yield from _sheets_into(inner, unpacking, prefix=inside)
                elif suffix.endswith(READABLE):
                    unpacking.budget.expect(info.file_size)
                    ending = next(end for end in READABLE if suffix.endswith(end))
                    cached = unpacking.next_file(ending)
                    with new_in_cache(cached) as copy:
                        unpacking.copy(pieces, copy)
                    yield Member(unpacking.unused(prefix + name), cached)


def _opened(archive: Path | IO[bytes]) -> IO[bytes] | nullcontext[IO[bytes]]:
    return archive.open("rb") if isinstance(archive, Path) else nullcontext(archive)


@contextmanager
def _faults_of_a_zip(archive: Path | IO[bytes], prefix: str = "") -> Iterator[None]:
    """Turn whatever a damaged zip makes fail into words about that zip."""
    try:
        yield
    except (BadArchive, Exceeded):
        raise
    except UnicodeDecodeError as error:
        raise BadArchive(
            "has a member whose name is not valid UTF-8: unpack it by hand, or pack it again"
        ) from error
    except Exception as error:
        if is_of_machine(error) or _is_of_file_system(error):
            raise
        if isinstance(error, RuntimeError):
            raise BadArchive(f"can't be unpacked ({words_of(error)}): unpack it by hand") from error
        if isinstance(archive, Path) and is_reply(text := _beginning(archive)):
            raise BadArchive(f"is not a sound zip file: it {describe_reply(text)}") from error
        which = f"holds {prefix.removesuffix('!')}, which " if prefix else ""
        raise BadArchive(
            f"{which}is not a sound zip file ({words_of(error)}): download it again"
        ) from error


def _is_of_file_system(error: Exception) -> bool:
    """Whether the system gave the error: decompressors raise OSError without a number."""
    return isinstance(error, OSError) and error.errno is not None


def _beginning(path: Path) -> str:
    with path.open("rb") as stream:
        return stream.read(LONGEST_REPLY).decode("utf-8-sig", "replace")


def _check_directory(stream: IO[bytes], budget: Budget) -> None:
    """Refuse a list of members that is too long to be read, before it is."""
    size = stream.seek(0, 2)
    stream.seek(max(size - _LONGEST_COMMENT - _END_SIZE, 0))
    end = stream.read()
    at = end.rfind(_END_OF_ARCHIVE)
    if at < 0 or len(end) < at + _END_SIZE:
        return
    (length,) = struct.unpack_from("<L", end, at + 12)
    large = end.rfind(_END_OF_LARGE_ARCHIVE, 0, at)
    if length == _UNKNOWN_SIZE and large >= 0:
        (length,) = struct.unpack_from("<Q", end, large + 40)
    if length > budget.limits.members * DIRECTORY_BYTES_PER_MEMBER:
        budget.add_members(budget.limits.members + 1)


def _pieces(opened: zipfile.ZipFile, info: zipfile.ZipInfo, stream: IO[bytes]) -> Iterator[bytes]:
    """Content of a member, in pieces of bounded size whatever it was packed with."""
    if info.flag_bits & _ENCRYPTED:
        raise BadArchive(f"can't be unpacked ({info.filename} is encrypted): unpack it by hand")
    with opened.open(info) as member:
        if info.compress_type not in (zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
            while piece := member.read(PIECE):
                yield piece
            return
    # The standard library unpacks these two without a bound, a few bytes to gigabytes.
    yield from _checked(_inflated(info, stream), info)


def _inflated(info: zipfile.ZipInfo, stream: IO[bytes]) -> Iterator[bytes]:
    stream.seek(info.header_offset)
    name, extra = struct.unpack_from("<HH", stream.read(_LOCAL_HEADER_SIZE), 26)
    at = info.header_offset + _LOCAL_HEADER_SIZE + name + extra
    left = info.compress_size
    inflate: bz2.BZ2Decompressor | lzma.LZMADecompressor = bz2.BZ2Decompressor()
    if info.compress_type == zipfile.ZIP_LZMA:
        stream.seek(at)
        head = stream.read(9)
        at, left = at + len(head), left - len(head)
        inflate = _lzma(head)
    while not inflate.eof:
        block = b""
        if inflate.needs_input:
            stream.seek(at)
            block = stream.read(min(left, PIECE))
            at, left = at + len(block), left - len(block)
            if not block:
                return
        if piece := inflate.decompress(block, PIECE):
            yield piece


def _lzma(head: bytes) -> lzma.LZMADecompressor:
    """Decompressor for a member that begins so: version, length of properties, properties."""
    _, length, properties, dictionary = struct.unpack("<HHBL", head)
    if length != 5 or dictionary > LARGEST_DICTIONARY:
        raise BadArchive("is packed in a way that can't be unpacked (LZMA): unpack it by hand")
    positions, literals = divmod(properties, 9)
    return lzma.LZMADecompressor(
        lzma.FORMAT_RAW,
        filters=[
            {
                "id": lzma.FILTER_LZMA1,
                "dict_size": dictionary,
                "lc": literals,
                "lp": positions % 5,
                "pb": positions // 5,
            }
        ],
    )


def _checked(pieces: Iterator[bytes], info: zipfile.ZipInfo) -> Iterator[bytes]:
    """Pass the pieces of a member on, none beyond its declared size, and compare its checksum."""
    left, checksum = info.file_size, 0
    for piece in pieces:
        piece = piece[:left]
        left -= len(piece)
        checksum = zlib.crc32(piece, checksum)
        yield piece
        if not left:
            break
    if left or checksum != info.CRC:
        raise zipfile.BadZipFile(f"Bad CRC-32 for file {info.filename!r}")


def _safe_name(name: str) -> str:
    path = PurePosixPath(name.replace("\\", "/"))
    if not path.parts:
        raise BadArchive(f"has a member without a name ({name!r}): unpack it by hand")
    if path.is_absolute() or ".." in path.parts or ":" in path.parts[0]:
        raise BadArchive(
            f"has a member whose name leaves the folder ({name!r}): remove it from the archive"
        )
    return str(path)


def _sheets_into(book: Path | IO[bytes], unpacking: _Unpacking, prefix: str) -> Iterator[Member]:
    """Write each sheet of a workbook as csv."""
    with _faults_of_a_workbook(), _opened(book) as stream:
        _check_directory(stream, unpacking.budget)
        rows_of = _check_parts(stream, unpacking.budget)
        opened = load_workbook(_Timed(stream, unpacking.budget), read_only=True, data_only=True)
        if not opened.worksheets:
            raise BadArchive(_NO_CELLS)
        for sheet in opened.worksheets:
            # The size that the workbook gives of the sheet is forgotten, because it can be wrong.
            sheet.reset_dimensions()
            cached = unpacking.next_file(".csv")
            with new_in_cache(cached) as copy:
                writer = csv.writer(_Counted(copy, unpacking), lineterminator="\n")
                number = width = 0
                for number, row in enumerate(sheet.iter_rows(values_only=True), start=1):
                    if number > ROWS_OF_A_SHEET:
                        raise BadArchive(_TOO_MANY_ROWS)
                    if any(value is not None for value in row):
                        # A workbook may leave out the empty cells at the end of a row.
                        width = max(width, len(row))
                        writer.writerow([*map(_cell, row), *[""] * (width - len(row))])
            # The path of a sheet has no public name in openpyxl, and its type stubs have no other.
            part: str = sheet._worksheet_path  # type: ignore[attr-defined]
            # The reader passes over rows whose number does not grow.
            if number < rows_of.get(part, 0):
                raise BadArchive(f"has rows out of order in its sheet {sheet.title}: save it anew")
            yield Member(unpacking.unused(f"{prefix}{sheet.title}"), cached, is_sheet=True)
        opened.close()


@contextmanager
def _faults_of_a_workbook() -> Iterator[None]:
    """Turn whatever a damaged workbook makes fail into words about that workbook."""
    try:
        yield
    except (BadArchive, Exceeded):
        raise
    except Exception as error:
        if is_of_machine(error) or _is_of_file_system(error):
            raise
        raise BadArchive(
            f"is not a sound workbook ({words_of(error)}): download it again"
        ) from error


class _Timed:
    """A file that looks at the clock at each read, because loading a workbook never does."""

    def __init__(self, stream: IO[bytes], budget: Budget) -> None:
        self._stream = stream
        self._budget = budget

    def read(self, size: int = -1) -> bytes:
        self._budget.check_time()
        return self._stream.read(size)

    def __getattr__(self, name: str) -> object:
        return getattr(self._stream, name)


class _Counted:
    """A text file whose bytes count as what comes out of the raw file."""

    def __init__(self, stream: IO[bytes], unpacking: _Unpacking) -> None:
        self._stream = stream
        self._unpacking = unpacking

    def write(self, text: str) -> None:
        self._unpacking.budget.check_time()
        encoded = text.encode()
        self._unpacking.budget.add_bytes(len(encoded))
        with into_cache(self._unpacking.folder):
            self._stream.write(encoded)


_NO_CELLS = "is a workbook without a sheet of cells: download it again"
_TOO_MANY_ROWS = (
    f"has a sheet of more than {ROWS_OF_A_SHEET:,} rows, which no workbook can have: save it as csv"
)


def _check_parts(stream: IO[bytes], budget: Budget) -> dict[str, int]:
    """Unpack each part of a workbook to nowhere, to see that it may be loaded.

    Returns the number of rows in the part of each sheet.
    """
    rows_of = {}
    with zipfile.ZipFile(stream) as opened:
        budget.add_members(len(opened.infolist()))
        for info in opened.infolist():
            if info.filename.lower().endswith((".xml", ".rels")):
                if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                    raise BadArchive("is packed as no workbook is: save it anew")
                budget.expect(info.file_size)
                rows = _check_part(info.filename, _pieces(opened, info, stream), budget)
                if "/worksheets/" in info.filename:
                    rows_of[info.filename] = rows
        if not rows_of and "xl/workbook.xml" in opened.namelist():
            raise BadArchive(_NO_CELLS)
    return rows_of


def _check_part(name: str, pieces: Iterator[bytes], budget: Budget) -> int:
    """Count the rows of a part. Sheets are read row by row, all else is held in memory whole."""
    rows = held = 0
    for number, piece in enumerate(pieces):
        budget.check_time()
        budget.add_bytes(len(piece))
        if number == 0 and b"<!DOCTYPE" in piece:
            raise BadArchive(f"declares entities in {name}, which no workbook does: save it anew")
        found = piece.count(b"<row ")
        rows += found
        held = 0 if found and "/worksheets/" in name else held + len(piece)
        if rows > ROWS_OF_A_SHEET:
            raise BadArchive(_TOO_MANY_ROWS)
        if held > budget.limits.in_memory:
            raise BadArchive(
                f"has a part that is too large to be held in memory ({name}): save its sheets as "
                "csv"
            )
    return rows


def _cell(value: object) -> str:
    """Text of a cell: dates in ISO form, whole numbers without decimals."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        is_day = value.time() == time()
        return f"{value:%Y-%m-%d}" if is_day else f"{value:%Y-%m-%d %H:%M:%S}"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _nothing_to_read(archive: Path) -> str:
    """Say what an archive without a csv holds; an error reply in it tells what went wrong."""
    with _faults_of_a_zip(archive), archive.open("rb") as stream, zipfile.ZipFile(stream) as opened:
        members = [info for info in opened.infolist() if not info.filename.endswith("/")]
        for info in sorted(members, key=lambda info: info.filename):
            if info.filename.lower().endswith(REPLY):
                text = next(_pieces(opened, info, stream), b"")[:LONGEST_REPLY]
                words = describe_reply(text.decode("utf-8-sig", "replace"))
                return f"holds no csv file, but {info.filename}, which {words}"
    names = sorted(info.filename for info in members)
    contents = "it holds " + ", ".join(names[:3]) if names else "it is empty"
    return f"holds no csv file ({contents}): download the report again"
