"""Excel workbooks whose bytes depend on nothing but their cells, and sheets saved as csv."""

import csv
import gzip
import io
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import duckdb
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.worksheet._write_only import WriteOnlyWorksheet

from ._market import Book

_PROPERTIES = "docProps/core.xml"
_CLOCK = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
_FIXED = b"2000-01-01T00:00:00Z"

UNIX = 3


def write_book(
    path: Path, book: Book, sheets: Iterable[tuple[str, duckdb.DuckDBPyConnection]]
) -> None:
    """Write results, by the name of their sheet, as a workbook with a header on each sheet.

    Text stays text and dates are dates; the numbers of columns of doubles have the book's form.
    """
    workbook = Workbook(write_only=True)
    if book.notes:
        workbook.create_sheet("Notes").append([book.notes])
    for name, result in sheets:
        sheet = workbook.create_sheet(name)
        sheet.append(_header(result))
        for row in result.fetchall():
            formed = _formed(sheet, row, book.number_format) if book.number_format else row
            sheet.append(list(formed))
    _save(workbook, path)


def write_resaved(path: Path, result: duckdb.DuckDBPyConnection) -> None:
    """Write a result as a csv, gzipped if `path` says so, as a tool of a user's does."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_header(result))
    writer.writerows(result.fetchall())
    data = text.getvalue().encode()
    path.write_bytes(gzip.compress(data, mtime=0) if path.suffix == ".gz" else data)


def undated(name: str) -> ZipInfo:
    """An archive's entry with a fixed date: the same sample has the same bytes."""
    info = ZipInfo(name)
    info.compress_type = ZIP_DEFLATED
    info.create_system = UNIX
    return info


def _header(result: duckdb.DuckDBPyConnection) -> list[str]:
    return [column[0] for column in result.description or ()]


def _formed(
    sheet: WriteOnlyWorksheet, row: tuple[object, ...], number_format: str
) -> Iterator[object]:
    for value in row:
        if isinstance(value, float):
            cell = WriteOnlyCell(sheet, value)
            cell.number_format = number_format
            yield cell
        else:
            yield value


def _save(workbook: Workbook, path: Path) -> None:
    """Save to `path`; if that is a zip, as its only member, named like it."""
    saved = io.BytesIO()
    workbook.save(saved)
    content = _undated_copy(saved)
    if path.suffix == ".zip":
        with ZipFile(path, "w") as archive:
            archive.writestr(undated(f"{path.stem}.xlsx"), content)
    else:
        path.write_bytes(content)


def _undated_copy(book: io.BytesIO) -> bytes:
    """The workbook without the times of its making."""
    copy = io.BytesIO()
    with ZipFile(book) as source, ZipFile(copy, "w") as target:
        for name in source.namelist():
            content = source.read(name)
            if name == _PROPERTIES:
                content = _CLOCK.sub(_FIXED, content)
            target.writestr(undated(name), content)
    return copy.getvalue()
