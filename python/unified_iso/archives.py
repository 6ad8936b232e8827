"""Zip archives and workbooks: their members go to a cache once, where DuckDB can read them."""

from __future__ import annotations

import csv
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, time
from pathlib import Path, PurePosixPath
from typing import IO

from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException

from unified_iso.replies import describe_reply, is_reply

READABLE = (".csv", ".csv.gz")
BOOK = ".xlsx"
REPLY = ".xml"
LONGEST_REPLY = 1 << 16
DEEPEST_NESTING = 4


class BadArchive(Exception):
    """The archive can't be used; the message says why and what to do."""


@dataclass(frozen=True)
class Member:
    """One csv of an archive or sheet of a workbook, and its cached copy.

    name: name inside; nested zips, and a workbook and its sheet, are joined by `!`.
    """

    name: str
    cached: Path
    is_sheet: bool = False


def unpack(container: Path, folder: Path, with_books: bool = False) -> list[Member]:
    """Put every csv of `container`, a zip (also of zips) or a workbook, into `folder`.

    The folder appears complete or not at all: members are written beside it first. Workbooks are
    read only `with_books`, each sheet as a csv.

    Raises:
        BadArchive: not a zip or workbook, damaged, encrypted, without a csv, or a member name that
            would leave the folder.
    """
    beside = folder.with_name(folder.name + ".partial")
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir(parents=True)
    try:
        if container.name.lower().endswith(BOOK):
            found = list(_sheets_into(container, beside, prefix=""))
        else:
            found = list(_unpack_into(container, beside, "", 1, with_books))
        if not found:
            raise BadArchive(_nothing_to_read(container))
        members = [
            Member(member.name, folder / member.cached.relative_to(beside), member.is_sheet)
            for member in found
        ]
        shutil.rmtree(folder, ignore_errors=True)
        beside.rename(folder)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return members


def _unpack_into(
    archive: Path | IO[bytes], folder: Path, prefix: str, depth: int, with_books: bool
) -> Iterator[Member]:
    try:
        with zipfile.ZipFile(archive) as opened:
            for info in opened.infolist():
                if info.is_dir():
                    continue
                name = _safe_name(info.filename)
                suffix = name.lower()
                if suffix.endswith(".zip"):
                    if depth == DEEPEST_NESTING:
                        raise BadArchive(f"nests zips deeper than {DEEPEST_NESTING}: unpack {name}")
                    with tempfile.TemporaryFile(dir=folder) as inner, opened.open(info) as stream:
                        shutil.copyfileobj(stream, inner, 1 << 20)
                        inner.seek(0)
                        inside = f"{prefix}{name}!"
                        yield from _unpack_into(inner, folder, inside, depth + 1, with_books)
                elif with_books and suffix.endswith(BOOK):
                    with tempfile.TemporaryFile(dir=folder) as inner, opened.open(info) as stream:
                        shutil.copyfileobj(stream, inner, 1 << 20)
                        yield from _sheets_into(inner, folder, prefix=f"{prefix}{name}!")
                elif suffix.endswith(READABLE):
                    ending = next(end for end in READABLE if suffix.endswith(end))
                    cached = _next_in(folder, ending)
                    with opened.open(info) as stream, cached.open("xb") as copy:
                        shutil.copyfileobj(stream, copy, 1 << 20)
                    yield Member(prefix + name, cached)
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        if isinstance(archive, Path) and is_reply(text := _beginning(archive)):
            raise BadArchive(f"is not a sound zip file: it {describe_reply(text)}") from error
        raise BadArchive(f"is not a sound zip file ({error}): download it again") from error
    except RuntimeError as error:
        raise BadArchive(f"can't be unpacked ({error}): unpack it by hand") from error


def _beginning(path: Path) -> str:
    with path.open("rb") as stream:
        return stream.read(LONGEST_REPLY).decode("utf-8-sig", "replace")


def _safe_name(name: str) -> str:
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or ":" in path.parts[0]:
        raise BadArchive(
            f"has a member whose name leaves the folder ({name!r}): remove it from the archive"
        )
    return str(path)


def _next_in(folder: Path, ending: str) -> Path:
    return folder / f"{sum(1 for _ in folder.iterdir()):05d}{ending}"


def _sheets_into(book: Path | IO[bytes], folder: Path, prefix: str) -> Iterator[Member]:
    """Write each sheet of a workbook as csv."""
    try:
        opened = load_workbook(book, read_only=True, data_only=True)
        for sheet in opened.worksheets:
            # The written size of a sheet can be wrong.
            sheet.reset_dimensions()
            cached = _next_in(folder, ".csv")
            with cached.open("x", encoding="utf-8", newline="") as stream:
                writer = csv.writer(stream, lineterminator="\n")
                for row in sheet.iter_rows(values_only=True):
                    if any(value is not None for value in row):
                        writer.writerow([_cell(value) for value in row])
            yield Member(f"{prefix}{sheet.title}", cached, is_sheet=True)
        opened.close()
    except (zipfile.BadZipFile, InvalidFileException, KeyError, ValueError, EOFError) as error:
        raise BadArchive(f"is not a sound workbook ({error}): download it again") from error


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
    with zipfile.ZipFile(archive) as opened:
        names = sorted(info.filename for info in opened.infolist() if not info.is_dir())
        for name in names:
            if name.lower().endswith(REPLY):
                with opened.open(name) as stream:
                    text = stream.read(LONGEST_REPLY).decode("utf-8-sig", "replace")
                return f"holds no csv file, but {name}, which {describe_reply(text)}"
    contents = "it holds " + ", ".join(names[:3]) if names else "it is empty"
    return f"holds no csv file ({contents}): download the report again"
