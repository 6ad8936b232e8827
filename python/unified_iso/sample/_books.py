"""Excel workbooks whose bytes depend on nothing but their cells."""

import io
import re
from pathlib import Path
from zipfile import ZipFile

from openpyxl import Workbook

from ._output import undated

_PROPERTIES = "docProps/core.xml"
_CLOCK = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
_FIXED = b"2000-01-01T00:00:00Z"


def save_book(book: Workbook, path: Path) -> None:
    """Write a workbook to `path`; if that is a zip, as its only member, named like it."""
    saved = io.BytesIO()
    book.save(saved)
    content = _undated_copy(saved)
    path.parent.mkdir(parents=True, exist_ok=True)
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
