"""Copies of files that DuckDB's reader can't read as they are."""

from __future__ import annotations

import codecs
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import xxhash

from unified_iso.raw_files.archives import into_cache, new_in_cache, words_of
from unified_iso.raw_files.lines import BLOCK, LONGEST_LINE, is_packed, opened, pieces_of_lines
from unified_iso.raw_files.refusals import Refused
from unified_iso.raw_files.shapes import Heading

# Windows joins files with `copy *.csv all.csv`, which ends the text with this byte.
END_MARK = b"\x1a"
# A comma can't be a decimal sign where a point follows.
_THOUSANDS = re.compile(
    rb'(?<![^,])"[ \t]*(-?[0-9]{1,3}(?:,[0-9]{3})+[.][0-9]+)[ \t]*"(?![^,\r\n])'
)
_WITHOUT_GLOB_CHARACTERS = re.compile(r"^[^*?\[\]\\]*$")


def plainly_named(path: Path, data_source: str, cache: Path) -> Path:
    """Path for DuckDB's reader, which takes every name as a pattern.

    A name with pattern characters gets a plainly named link (a copy where links can't be made).
    """
    absolute = path.absolute()
    if _WITHOUT_GLOB_CHARACTERS.match(str(absolute)):
        return absolute
    return linked(path, data_source, ".csv.gz" if is_packed(path) else ".csv", cache)


def linked(path: Path, data_source: str, ending: str, cache: Path) -> Path:
    """Path of a link to a file (of a copy where links can't be made) with another ending."""
    link = unused_link(data_source, ending, cache)
    try:
        link.symlink_to(path.absolute())
    except OSError:
        with path.open("rb") as stream, into_cache(link), link.open("wb") as copy:
            shutil.copyfileobj(stream, copy, BLOCK)
    return link


@contextmanager
def new_copy(copy: Path) -> Iterator[Callable[[bytes], None]]:
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


def in_utf8(path: Path, data_source: str, cache: Path) -> Path:
    """Path of a copy of a UTF-16 text in UTF-8."""
    copy = unused_link(data_source, ".csv", cache, "utf8")
    decode = codecs.getincrementaldecoder("utf-16")().decode
    with opened(path) as stream, new_copy(copy) as write:
        try:
            while block := stream.read(BLOCK):
                write(decode(block).encode())
            write(decode(b"", final=True).encode())
        except UnicodeError as error:
            raise Refused(
                f"is not sound UTF-16 text ({words_of(error)}): save it as UTF-8 csv"
            ) from error
    return copy


def without_end_mark(path: Path, data_source: str, cache: Path) -> Path:
    """Path of a copy of a text without the mark of its end."""
    copy = unused_link(data_source, ".csv", cache, "marked")
    held = b""
    with opened(path) as stream, new_copy(copy) as write:
        while block := stream.read(BLOCK):
            write(held)
            held = block
        write(held.rstrip(END_MARK))
    return copy


def with_line_feeds(path: Path, data_source: str, cache: Path) -> Path:
    """Path of a copy of a text whose lines end in carriage returns only, with line feeds."""
    copy = unused_link(data_source, ".csv", cache, "feeds")
    with opened(path) as stream, new_copy(copy) as write:
        while block := stream.read(BLOCK):
            write(block.replace(b"\r", b"\n"))
    return copy


def with_plain_heading(path: Path, data_source: str, cache: Path, heading: Heading) -> Path:
    """Path of a copy whose heading has no quotes: the reader looks below for the like of one."""
    copy = unused_link(data_source, ".csv", cache, "heading")
    with opened(path) as stream, new_copy(copy) as write:
        for number, line in enumerate(pieces_of_lines(stream), start=1):
            write(line.replace(b'"', b"") if number <= heading.lines else line)
    return copy


def with_plain_numbers(path: Path, data_source: str, cache: Path) -> Path:
    """Path of a copy without commas in thousands, if there are any."""
    copy = unused_link(data_source, ".csv", cache, "plain")
    changed = 0
    with opened(path) as stream, new_copy(copy) as write:
        for line in pieces_of_lines(stream):
            plain, found = _THOUSANDS.subn(lambda cell: cell[1].replace(b",", b""), line)
            changed += found
            write(plain)
    if changed:
        return copy
    copy.unlink()
    return path


def with_one_line_end(path: Path, data_source: str, cache: Path) -> Path:
    """Path of a copy with plain line feeds: DuckDB's reader gives up where line ends differ."""
    copy = unused_link(data_source, ".csv", cache, "ends")
    with opened(path) as stream, new_copy(copy) as write:
        for number, line in enumerate(pieces_of_lines(stream), start=1):
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


def unused_link(data_source: str, ending: str, cache: Path, kind: str = "link") -> Path:
    """Path in the cache for a link to a file or a copy of it; of each kind there is one."""
    name = xxhash.xxh3_128_hexdigest(f"{kind} {data_source}".encode())
    link = cache / "links" / (name + ending)
    with into_cache(link):
        link.parent.mkdir(parents=True, exist_ok=True)
        link.unlink(missing_ok=True)
    return link.absolute()
