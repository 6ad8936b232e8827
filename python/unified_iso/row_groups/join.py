"""Writes one Parquet file of row groups of others, copied byte for byte."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from io import FileIO
from itertools import zip_longest
from pathlib import Path

from unified_iso.row_groups.compact_protocol import Field, optional_value, required_value
from unified_iso.row_groups.footer import (
    COLUMN_ORDERS,
    LENGTH_BYTES,
    MAGIC,
    SCHEMA,
    Footer,
    RowGroup,
    encode_footer,
    read_footer,
    schema_elements,
)
from unified_iso.row_groups.seal import (
    BLOCK_BYTES,
    NO_SEAL,
    SEAL_KEY,
    FileDigest,
    HashedFile,
    read_on,
    seal_in,
    with_seal,
)


class SchemaMismatch(ValueError):
    """A part's schema differs from the first part's; the message names the part."""


class OtherBytes(ValueError):
    """A file's bytes are not those that were written once; the message names the file."""


@dataclass(frozen=True)
class Part:
    """A run of consecutive row groups of the Parquet file `path`; None takes all that follow."""

    path: Path
    first_row_group: int = 0
    row_groups: int | None = None


@dataclass(frozen=True)
class JoinResult:
    """What `join_row_groups` wrote; what is told of each part is in the order of the parts."""

    rows: int
    row_groups: int
    rows_of_part: list[int]
    row_groups_of_part: list[int]
    bytes: int
    sha256: str
    seal: str | None


def join_row_groups(
    parts: Sequence[Part],
    out: Path,
    key_value_metadata: Mapping[str, str],
    *,
    sync: bool = True,
    sealed: bool = False,
    checked: Mapping[Path, str | None] | None = None,
) -> JoinResult:
    """Write one Parquet file that holds the row groups of all parts, in the order given.

    The same parts and metadata always give the same bytes. All footers are read and checked
    before `out` is created; memory use grows with the footers, not with the data. Schema, format
    version, writer name and column orders are those of the first part, the metadata stands in
    order of its keys. An existing `out` is overwritten, and deleted if writing fails. With `sync`
    its content is on disk on return; a caller that sees to that later can go on meanwhile.

    A `sealed` file tells by itself whether its bytes are those that were written: its metadata
    gains `SEAL_KEY`, the SHA-256 of the file with the digits of the seal as zeros.

    The files in `checked` are hashed whole while they are copied, and compared with their seal;
    one without a seal with the SHA-256 that is given here, if any. Their row groups have to be
    asked for in the order in which they stand.

    Raises:
        ValueError: There are no parts, a part asks for row groups its file does not have, or
            `out` is one of the parts.
        OtherBytes: A checked file is not what was written once.
        SchemaMismatch: A part's schema or column orders are not byte for byte the first part's.
        NotParquet: A part is not a Parquet file, or is encrypted, damaged or cut off.
        OSError: A file cannot be read or written.
    """
    if not parts:
        raise ValueError("no parts to join")
    _require_out_is_no_part(parts, out)
    footer_of = {path: read_footer(path) for path in dict.fromkeys(part.path for part in parts)}
    footers = [footer_of[part.path] for part in parts]
    _require_equal_schemas(parts, footers)
    chosen = [_chosen(part, footer) for part, footer in zip(parts, footers, strict=True)]
    metadata = {**key_value_metadata, **({SEAL_KEY: NO_SEAL} if sealed else {})}
    footer = encode_footer(footers[0].head, chosen, metadata)
    written = _write(out, _blocks(parts, chosen, checked or {}), footer, sync)
    rows_of_part = [sum(group.rows for group in groups) for groups in chosen]
    return JoinResult(
        rows=sum(rows_of_part),
        row_groups=sum(map(len, chosen)),
        rows_of_part=rows_of_part,
        row_groups_of_part=[len(groups) for groups in chosen],
        bytes=written.bytes,
        sha256=written.sha256,
        seal=written.seal,
    )


def _require_out_is_no_part(parts: Sequence[Part], out: Path) -> None:
    if not out.exists():
        return
    for number, part in enumerate(parts, start=1):
        if out.samefile(part.path):
            raise ValueError(f"{_label(number, part)} is the file to write")


def _require_equal_schemas(parts: Sequence[Part], footers: Sequence[Footer]) -> None:
    first = footers[0].head
    for number, (part, footer) in enumerate(zip(parts, footers, strict=True), start=1):
        if required_value(footer.head, SCHEMA) != required_value(first, SCHEMA):
            difference = _schema_difference(first, footer.head)
            raise SchemaMismatch(f"{_label(number, part)} has another schema: {difference}")
        if optional_value(footer.head, COLUMN_ORDERS) != optional_value(first, COLUMN_ORDERS):
            # The orders say how to read the statistics that are copied with the row groups.
            raise SchemaMismatch(f"{_label(number, part)} has other column orders")


def _schema_difference(first: Sequence[Field], other: Sequence[Field]) -> str:
    pairs = zip_longest(schema_elements(first), schema_elements(other), fillvalue=("none", b""))
    numbered = list(enumerate(pairs))
    # The root differs whenever the number of columns does; the column says more.
    for number, (expected, found) in numbered[1:] + numbered[:1]:
        if expected[0] != found[0]:
            return f"element {number} is {found[0]}, in the first part {expected[0]}"
        if expected != found:
            return f"element {number}, {found[0]}, has another type, nullability or annotation"
    return "its list is encoded in another way"


def _chosen(part: Part, footer: Footer) -> list[RowGroup]:
    available = len(footer.row_groups)
    first = part.first_row_group
    count = available - first if part.row_groups is None else part.row_groups
    if first < 0 or count < 0 or first + count > available:
        raise ValueError(f"{part} asks for row groups that are not among the {available} there are")
    return footer.row_groups[first : first + count]


def _label(number: int, part: Part) -> str:
    return f"part {number} ({part.path})"


@dataclass(frozen=True)
class _Written:
    bytes: int
    sha256: str
    seal: str | None


def _write(out: Path, blocks: Iterator[bytes | memoryview], footer: bytes, sync: bool) -> _Written:
    """Write the blocks and the footer, which is sealed if it has a place for a seal."""
    size, digest = 0, hashlib.sha256()
    with out.open("wb") as stream, _deleted_on_failure(out):
        for block in blocks:
            stream.write(block)
            digest.update(block)
            size += len(block)
        end = footer + len(footer).to_bytes(LENGTH_BYTES, "little") + MAGIC
        seal = None
        if seal_in(end) is not None:
            sealing = digest.copy()
            sealing.update(end)
            seal = sealing.hexdigest()
            end = with_seal(end, seal)
        stream.write(end)
        digest.update(end)
        stream.flush()
        if sync:
            os.fsync(stream.fileno())
    return _Written(size + len(end), digest.hexdigest(), seal)


def _blocks(
    parts: Sequence[Part],
    chosen: Sequence[Sequence[RowGroup]],
    checked: Mapping[Path, str | None],
) -> Iterator[bytes | memoryview]:
    """Yield what stands before the footer; what is yielded is overwritten after the next step."""
    buffer = memoryview(bytearray(BLOCK_BYTES))
    yield MAGIC
    with ExitStack() as opened:
        hashed = {path: opened.enter_context(HashedFile(path)) for path in checked}
        for part, groups in zip(parts, chosen, strict=True):
            if part.path in hashed:
                for group in groups:
                    yield from hashed[part.path].copied(group)
                continue
            with part.path.open("rb", buffering=0) as source:
                for group in groups:
                    yield from _copied(source, group, buffer)
        for path, file in hashed.items():
            _require_same_bytes(path, file.finish(), checked[path])


def _require_same_bytes(path: Path, found: FileDigest, sha256: str | None) -> None:
    agrees = found.agrees_with_seal
    if agrees is None and sha256 is not None:
        agrees = found.sha256 == sha256
    if agrees is False:
        raise OtherBytes(f"{path}: has other bytes than were written")


def _copied(source: FileIO, group: RowGroup, buffer: memoryview) -> Iterator[memoryview]:
    source.seek(group.start)
    yield from read_on(source, group.stop - group.start, buffer)


@contextmanager
def _deleted_on_failure(path: Path) -> Iterator[None]:
    try:
        yield
    except BaseException:
        path.unlink(missing_ok=True)
        raise
