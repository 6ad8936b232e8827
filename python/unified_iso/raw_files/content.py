"""Reads a file once: its hash, its lines, and what of it needs a closer look."""

from __future__ import annotations

import os
import zlib
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import xxhash

from unified_iso.limits import Budget
from unified_iso.raw_files.byte_counts import count_below, count_pairs, found_at, in_words
from unified_iso.raw_files.layouts import decoded, first_lines, line_at, matched_names
from unified_iso.raw_files.lines import BLOCK, CONTROL, is_packed
from unified_iso.raw_files.records import Report
from unified_iso.raw_files.refusals import Foreign
from unified_iso.raw_files.shapes import Heading, cells_of, marks_of

# Packed bytes that are unpacked at once. They are few, because zlib copies what is left of them for
# each piece.
PACKED_BLOCK = 1 << 16
GZIP_WINDOW = 31
TAIL = 512
# DuckDB's reader takes 1_000 for a number, and 19_25 too. The first pattern is looked for before
# the second, because it takes a fifth of the time and few cells match it.
_ENDS_IN_DIGITS = r'_[0-9.]+[,"\r\n]'
_IS_GROUPED = r'[,"\n][-+ ]*[0-9.]*[0-9]_[0-9_.]*[,"\r\n]'
SEAM = 64
# First bytes of a file among which lines are looked at one by one.
SAMPLED = 1 << 16


@dataclass(frozen=True)
class Content:
    """What one reading of a file has found. Lines and marks are counted, and so are quotes.

    head, tail: its first `BLOCK` and its last `TAIL` bytes, unpacked.
    mixes_line_ends: whether some lines end in a carriage return and a line feed, and others not.
    has_returns_only: whether lines end in carriage returns alone.
    may_group_digits: whether a cell looks like a number with underscores between its digits.
    marked: texts of which a line like the header has one; `marks` is how often they come.
    """

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


def read_through(path: Path, budget: Budget, report: Report | None = None) -> Content:
    """Read a file once for its hash (of the bytes on disk), its lines and its first lines.

    report: report whose further headings are counted.
    """
    digest = xxhash.xxh3_128()
    text = _Text(report)
    inflate = _Inflate(text, budget) if is_packed(path) else None
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
    return Content(
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
    text, flaw = decoded(whole)
    lines = first_lines(text)
    at = next(
        (n for n, line in enumerate(lines) if matched_names(cells_of(line), report) is not None),
        None,
    )
    return () if flaw or at is None else marks_of(line_at(whole, at), report.known)


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
            self.has_control_bytes |= CONTROL.search(content) is not None
        # Both sides of the seam are put together, because the block put behind it would be copied.
        seam = self.tail[-SEAM:] + content[:SEAM] if self.tail else b""
        self.may_group_digits = self.may_group_digits or any(
            map(_may_group_digits, (seam, content))
        )
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
    ends = pa.array([0, len(text)], pa.int32())
    lines = pa.Array.from_buffers(pa.binary(), 1, [None, ends.buffers()[1], pa.py_buffer(text)])
    return all(
        pc.match_substring_regex(lines, pattern=pattern)[0].as_py()
        for pattern in (_ENDS_IN_DIGITS, _IS_GROUPED)
    )


def hash_file(path: Path) -> str:
    """Return the hash of a file as it lies on the disk."""
    digest = xxhash.xxh3_128()
    with path.open("rb") as stream:
        while block := stream.read(BLOCK):
            digest.update(block)
    return digest.hexdigest()
