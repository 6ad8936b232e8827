"""Workbooks with a sheet a month, as ERCOT publishes a year's prices of hubs and load zones."""

import re
from collections.abc import Iterable, Mapping, Sequence
from io import BytesIO
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell

from ._output import UNIX

SHEETS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_PRICE_FORMAT = "#,##0.00"
_PROPERTIES = "docProps/core.xml"
_CLOCK = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
_FIXED_CLOCK = b"1980-01-01T00:00:00Z"

Row = tuple[str | float, ...]


def write_book(
    path: Path, name: str, header: Sequence[str], rows: Mapping[str, Iterable[Row]]
) -> None:
    """Write workbook `name` to `path`, inside an archive if `path` is a zip.

    rows: by sheet; a sheet without any has a header only, as in a year that is not over. Text stays
    text, dates too, and the last cell of a row is a price. The same rows give the same bytes.
    """
    content = _book(header, rows)
    if path.suffix == ".zip":
        with ZipFile(path, "w") as archive:
            archive.writestr(_entry(name), content)
    else:
        path.write_bytes(content)


def _book(header: Sequence[str], rows: Mapping[str, Iterable[Row]]) -> bytes:
    book = Workbook(write_only=True)
    for name in SHEETS:
        sheet = book.create_sheet(name)
        sheet.append(header)
        for *texts, price in rows.get(name, ()):
            cell = WriteOnlyCell(sheet, price)
            cell.number_format = _PRICE_FORMAT
            sheet.append([*texts, cell])
    saved = BytesIO()
    book.save(saved)
    return _without_clock(saved)


def _without_clock(saved: BytesIO) -> bytes:
    """Return a saved workbook without the moment it was saved at."""
    timeless = BytesIO()
    with ZipFile(saved) as source, ZipFile(timeless, "w") as target:
        for name in source.namelist():
            content = source.read(name)
            if name == _PROPERTIES:
                content = _CLOCK.sub(_FIXED_CLOCK, content)
            target.writestr(_entry(name), content)
    return timeless.getvalue()


def _entry(name: str) -> ZipInfo:
    """Member of an archive with the date that ZipInfo has where none is given."""
    entry = ZipInfo(name)
    entry.compress_type = ZIP_DEFLATED
    entry.create_system = UNIX
    return entry
