"""Join Parquet files by copying row groups byte for byte, without decoding a value.

A row group is stored as one run of bytes, and the footer at the end of the file says where each
run starts. Joining files therefore means copying the runs one after the other and writing one new
footer in which every absolute offset is moved by the distance its row group has moved.

The footer is an Apache Thrift structure in the compact protocol. That protocol carries field ids
and types, so a footer can be taken apart and put together again without its Thrift definition.
Only the fields that have to change are decoded; all others, such as statistics, are copied as raw
bytes.

What a joined file does not have, because it lives outside the row groups:

* page indexes and Bloom filters: their fields are dropped from the footer, as readers treat both
  as optional;
* `RowGroup.ordinal`, which only encrypted files need;
* the parts' key/value metadata, which the caller's mapping replaces. This includes the
  `ARROW:schema` entry, from which Arrow readers restore types that Parquet itself does not know;
* footer fields that the Parquet format did not define when this module was written, as they might
  hold offsets too.

Source: Apache Parquet format, FileMetaData, RowGroup, ColumnChunk and ColumnMetaData
(parquet.thrift); Apache Thrift compact protocol specification.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from enum import Enum
from functools import cache
from io import FileIO
from itertools import groupby, zip_longest
from operator import itemgetter
from pathlib import Path
from typing import Any, cast

_MAGIC = b"PAR1"
_ENCRYPTED_MAGIC = b"PARE"
_LENGTH_BYTES = 4
_TAIL_BYTES = _LENGTH_BYTES + len(_MAGIC)
_BLOCK_BYTES = 4 * 1024 * 1024

SEAL_KEY = "unified_iso_seal"
_SEAL_DIGITS = 64
_NO_SEAL = "0" * _SEAL_DIGITS

# Type codes of the compact protocol.
_STOP, _TRUE, _FALSE, _BYTE, _I16, _I32, _I64 = range(7)
_DOUBLE, _BINARY, _LIST, _SET, _MAP, _STRUCT, _UUID = range(7, 14)
# As a field, a boolean is all in its type code.
_FIXED_WIDTHS = {_TRUE: 0, _FALSE: 0, _BYTE: 1, _DOUBLE: 8, _UUID: 16}
_LONG_LIST = 15
_MAX_VARINT_BITS = 64


class SchemaMismatch(ValueError):
    """A part's schema differs from the first part's; the message names the part."""


class NotParquet(ValueError):
    """A file is not a Parquet file this module can copy; the message names the file and why."""


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


@dataclass(frozen=True)
class FileDigest:
    """SHA-256 of a file as it is, and whether it agrees with its seal; None: it has no seal."""

    sha256: str
    agrees_with_seal: bool | None


@dataclass(frozen=True)
class FooterMetadata:
    """What the footer of a Parquet file says; an entry without a value has the empty string."""

    num_rows: int
    row_group_count: int
    rows_per_row_group: list[int]
    key_value_metadata: dict[str, str]


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
    footer_of = {path: _read_footer(path) for path in dict.fromkeys(part.path for part in parts)}
    footers = [footer_of[part.path] for part in parts]
    _require_equal_schemas(parts, footers)
    chosen = [_chosen(part, footer) for part, footer in zip(parts, footers, strict=True)]
    metadata = {**key_value_metadata, **({SEAL_KEY: _NO_SEAL} if sealed else {})}
    footer = _encode_footer(footers[0].head, chosen, metadata)
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


def read_footer_metadata(path: Path) -> FooterMetadata:
    """Read row counts and key/value metadata of a Parquet file from its footer alone.

    Raises:
        NotParquet: The file is not a Parquet file, or is encrypted, damaged or cut off.
        OSError: The file cannot be read.
    """
    footer = _read_footer(path)
    rows = [group.rows for group in footer.row_groups]
    return FooterMetadata(
        num_rows=sum(rows),
        row_group_count=len(rows),
        rows_per_row_group=rows,
        key_value_metadata=footer.key_value_metadata,
    )


def read_seal(path: Path, key: str = SEAL_KEY) -> str | None:
    """Read the seal of a Parquet file without taking its footer apart; None: it has none.

    Under another `key` stands the seal of another file.

    Raises:
        NotParquet: The file is not a Parquet file, or is encrypted or cut off.
        OSError: The file cannot be read.
    """
    return _seal_in(_footer_bytes(path)[0], key)


def digest_of(path: Path) -> FileDigest:
    """Hash a Parquet file once, as it is and as its seal was made.

    Raises:
        NotParquet: The file is not a Parquet file, or is encrypted or cut off.
        OSError: The file cannot be read.
    """
    with _HashedFile(path) as file:
        return file.finish()


# --- Shapes: which fields of a struct are kept, and how -------------------------------------------


class _Role(Enum):
    """How a field's value is decoded."""

    COPY = "raw bytes, written as they were read"
    NUMBER = "64-bit integer"
    OFFSET = "64-bit integer, absolute offset of data inside the row group"
    TEXT = "string"


@dataclass(frozen=True, slots=True)
class _Nested:
    """A field that holds a struct, or a list of structs, to take apart in turn."""

    kind: int
    shape: _Shape
    build: Callable[[list[_Field]], Any] | None = None


@dataclass(frozen=True, slots=True)
class _Refused:
    """A field whose presence means that the file cannot be joined by copying."""

    reason: str


# By field id. A field that is missing here is dropped.
_Shape = Mapping[int, _Role | _Nested | _Refused]
# Field id, type code, and the value decoded as its role says.
_Field = tuple[int, int, Any]


# --- Reading the compact protocol -----------------------------------------------------------------


class _Malformed(ValueError):
    """The footer is not what the format says; becomes `NotParquet` once the file is known."""


def _read_struct(buffer: bytes, position: int, shape: _Shape) -> tuple[list[_Field], int]:
    """Decode the struct at `position`; return its fields and the position after it."""
    fields: list[_Field] = []
    field_id = 0
    while True:
        field_id, kind, position = _read_field_header(buffer, position, field_id)
        if kind == _STOP:
            return fields, position
        role = shape.get(field_id)
        start = position
        if role is _Role.COPY or role is None:
            position = _skip(buffer, position, kind)
            if role is not None:
                fields.append((field_id, kind, buffer[start:position]))
        else:
            value, position = _read_value(buffer, position, kind, role)
            fields.append((field_id, kind, value))


def _read_value(
    buffer: bytes, position: int, kind: int, role: _Role | _Nested | _Refused
) -> tuple[Any, int]:
    if isinstance(role, _Refused):
        raise _Malformed(role.reason)
    if isinstance(role, _Nested):
        _require_kind(kind, role.kind)
        if kind == _LIST:
            return _read_structs(buffer, position, role.shape, role.build)
        return _read_struct(buffer, position, role.shape)
    if role is _Role.TEXT:
        _require_kind(kind, _BINARY)
        return _read_text(buffer, position)
    _require_kind(kind, _I64)
    return _read_zigzag(buffer, position)


def _read_structs(
    buffer: bytes,
    position: int,
    shape: _Shape,
    build: Callable[[list[_Field]], Any] | None = None,
) -> tuple[list[Any], int]:
    count, kind, position = _read_list_header(buffer, position)
    if count and kind != _STRUCT:
        raise _Malformed("a list holds something else than structs")
    elements = []
    for _ in range(count):
        fields, position = _read_struct(buffer, position, shape)
        elements.append(build(fields) if build else fields)
    return elements, position


def _read_field_header(buffer: bytes, position: int, last_id: int) -> tuple[int, int, int]:
    """Return field id, type code and the position after the header."""
    head = buffer[position]
    position += 1
    if head == _STOP:
        return last_id, _STOP, position
    kind = head & 15
    if kind == _STOP:
        raise _Malformed("a field has no type")
    if head > 15:
        return last_id + (head >> 4), kind, position
    field_id, position = _read_zigzag(buffer, position)
    return field_id, kind, position


def _read_list_header(buffer: bytes, position: int) -> tuple[int, int, int]:
    """Return element count, element type code and the position after the header."""
    head = buffer[position]
    position += 1
    count = head >> 4
    if count == _LONG_LIST:
        count, position = _read_varint(buffer, position)
    return count, head & 15, position


def _read_varint(buffer: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = buffer[position]
        position += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, position
        shift += 7
        if shift > _MAX_VARINT_BITS:
            raise _Malformed("a number is too long")


def _read_zigzag(buffer: bytes, position: int) -> tuple[int, int]:
    value, position = _read_varint(buffer, position)
    return (value >> 1) ^ -(value & 1), position


def _read_text(buffer: bytes, position: int) -> tuple[str, int]:
    length, position = _read_varint(buffer, position)
    end = position + length
    # Surrogates carry bytes that are no UTF-8 through a read and a write unchanged.
    return buffer[position:end].decode("utf-8", "surrogateescape"), end


def _skip(buffer: bytes, position: int, kind: int) -> int:
    """Return the position after a field value of the given type.

    A length that points past the end of the buffer needs no check of its own: every struct has to
    end with a stop byte, and reading that raises IndexError.
    """
    if _I16 <= kind <= _I64:
        while buffer[position] > 127:
            position += 1
        return position + 1
    if kind == _BINARY:
        length, position = _read_varint(buffer, position)
        return position + length
    if kind == _STRUCT:
        return _skip_struct(buffer, position)
    if kind in (_LIST, _SET):
        count, element, position = _read_list_header(buffer, position)
        return _skip_elements(buffer, position, count, (element,))
    if kind == _MAP:
        return _skip_map(buffer, position)
    if kind not in _FIXED_WIDTHS:
        raise _Malformed(f"unknown type code {kind}")
    return position + _FIXED_WIDTHS[kind]


def _skip_struct(buffer: bytes, position: int) -> int:
    # Integers and short strings are read inline, because statistics are most of a footer and a call
    # for each of them would take longer.
    while True:
        head = buffer[position]
        position += 1
        if head == _STOP:
            return position
        kind = head & 15
        if head < 16:
            _, position = _read_varint(buffer, position)
        if _I16 <= kind <= _I64:
            while buffer[position] > 127:
                position += 1
            position += 1
        elif kind == _BINARY and buffer[position] < 128:
            position += buffer[position] + 1
        elif kind > _FALSE:
            position = _skip(buffer, position, kind)
        elif kind == _STOP:
            raise _Malformed("a field has no type")


def _skip_map(buffer: bytes, position: int) -> int:
    count, position = _read_varint(buffer, position)
    if count == 0:
        return position
    kinds = buffer[position]
    return _skip_elements(buffer, position + 1, count, (kinds >> 4, kinds & 15))


def _skip_elements(buffer: bytes, position: int, count: int, kinds: tuple[int, ...]) -> int:
    for _ in range(count):
        for kind in kinds:
            # Unlike a field, an element has no header that could hold a boolean.
            position = position + 1 if kind in (_TRUE, _FALSE) else _skip(buffer, position, kind)
        if position > len(buffer):
            raise _Malformed("a list runs past the end")
    return position


def _require_kind(kind: int, expected: int) -> None:
    if kind != expected:
        raise _Malformed(f"a field has type code {kind} instead of {expected}")


def _required(fields: Sequence[_Field], field_id: int) -> Any:
    """Return the value of a field that the format requires."""
    value = _optional(fields, field_id)
    if value is None:
        raise _Malformed(f"required field {field_id} is missing")
    return value


def _optional(fields: Sequence[_Field], field_id: int) -> Any:
    for found, _, value in fields:
        if found == field_id:
            return value
    return None


# --- Writing the compact protocol -----------------------------------------------------------------

# Encoded structs: text, and between it offsets that are still to be moved.
_Pieces = list[bytes | int]


def _encoded(fields: Sequence[_Field], shape: _Shape) -> _Pieces:
    """Encode a struct; text between two offsets is one piece, for moving them joins the pieces."""
    pieces: _Pieces = []
    _encode_struct(fields, shape, pieces)
    merged: _Pieces = []
    for kind, run in groupby(pieces, key=type):
        same = list(run)
        merged += same if kind is int else [b"".join(cast("list[bytes]", same))]
    return merged


def _encode_struct(fields: Sequence[_Field], shape: _Shape, pieces: _Pieces) -> None:
    last_id = 0
    for field_id, kind, value in fields:
        pieces.append(_field_header(last_id, field_id, kind))
        last_id = field_id
        role = shape[field_id]
        if role is _Role.COPY:
            pieces.append(value)
        elif role is _Role.TEXT:
            pieces.append(_encode_text(value))
        elif isinstance(role, _Nested):
            _encode_nested(value, role, pieces)
        else:
            # Writers put zero where they have no offset; moving it would invent one.
            pieces.append(value if role is _Role.OFFSET and value else _zigzag(value))
    pieces.append(b"\0")


def _encode_nested(value: Sequence[Any], role: _Nested, pieces: _Pieces) -> None:
    if role.kind == _STRUCT:
        _encode_struct(value, role.shape, pieces)
        return
    pieces.append(_list_header(len(value)))
    for fields in value:
        _encode_struct(fields, role.shape, pieces)


def _rendered(pieces: _Pieces, shift: int = 0) -> bytes:
    """Return an encoded struct with every offset moved by `shift` bytes."""
    return b"".join(_zigzag(piece + shift) if isinstance(piece, int) else piece for piece in pieces)


@cache
def _field_header(last_id: int, field_id: int, kind: int) -> bytes:
    # The result is kept, because a footer is made of many structs of few shapes.
    distance = field_id - last_id
    if 0 < distance < 16:
        return bytes((distance << 4 | kind,))
    return bytes((kind,)) + _zigzag(field_id)


def _varint(value: int) -> bytes:
    if value < 128:
        return bytes((value,))
    encoded = bytearray()
    while value > 127:
        encoded.append(value & 127 | 128)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def _zigzag(value: int) -> bytes:
    return _varint(value << 1 if value >= 0 else ~(value << 1))


def _encode_text(text: str) -> bytes:
    encoded = text.encode("utf-8", "surrogateescape")
    return _varint(len(encoded)) + encoded


def _list_header(count: int) -> bytes:
    if count < _LONG_LIST:
        return bytes((count << 4 | _STRUCT,))
    return bytes((_LONG_LIST << 4 | _STRUCT,)) + _varint(count)


# --- Row groups -----------------------------------------------------------------------------------

_ENCRYPTED = _Refused("the file is encrypted")
_ELSEWHERE = _Refused("a column chunk's data is in another file")

_CHUNK_BYTES, _DATA_PAGE_OFFSET, _INDEX_PAGE_OFFSET, _DICTIONARY_PAGE_OFFSET = 7, 9, 10, 11
_COLUMN_META_DATA: _Shape = {
    1: _Role.COPY,  # type
    2: _Role.COPY,  # encodings
    3: _Role.COPY,  # path_in_schema
    4: _Role.COPY,  # codec
    5: _Role.COPY,  # num_values
    6: _Role.COPY,  # total_uncompressed_size
    _CHUNK_BYTES: _Role.NUMBER,
    8: _Role.COPY,  # key_value_metadata
    _DATA_PAGE_OFFSET: _Role.OFFSET,
    _INDEX_PAGE_OFFSET: _Role.OFFSET,
    _DICTIONARY_PAGE_OFFSET: _Role.OFFSET,
    12: _Role.COPY,  # statistics
    13: _Role.COPY,  # encoding_stats
    16: _Role.COPY,  # size_statistics
    17: _Role.COPY,  # geospatial_statistics
}

_META_DATA = 3
_COLUMN_CHUNK: _Shape = {
    1: _ELSEWHERE,  # file_path
    2: _Role.OFFSET,  # file_offset
    _META_DATA: _Nested(_STRUCT, _COLUMN_META_DATA),
    8: _ENCRYPTED,  # crypto_metadata
    9: _ENCRYPTED,  # encrypted_column_metadata
}

_COLUMNS, _GROUP_ROWS, _GROUP_OFFSET = 1, 3, 5
_ROW_GROUP: _Shape = {
    _COLUMNS: _Nested(_LIST, _COLUMN_CHUNK),
    2: _Role.COPY,  # total_byte_size
    _GROUP_ROWS: _Role.NUMBER,
    4: _Role.COPY,  # sorting_columns
    _GROUP_OFFSET: _Role.OFFSET,
    6: _Role.COPY,  # total_compressed_size
}


@dataclass(frozen=True, slots=True)
class _RowGroup:
    """A row group: its rows, its bytes from `start` up to `stop`, and its entry in a footer."""

    rows: int
    start: int
    stop: int
    encoded: _Pieces


def _row_group(fields: list[_Field]) -> _RowGroup:
    chunks = [_chunk_range(_required(chunk, _META_DATA)) for chunk in _required(fields, _COLUMNS)]
    ranges = [(start, stop) for start, stop in chunks if start != stop]
    return _RowGroup(
        rows=_required(fields, _GROUP_ROWS),
        start=min((start for start, _ in ranges), default=len(_MAGIC)),
        stop=max((stop for _, stop in ranges), default=len(_MAGIC)),
        encoded=_encoded(fields, _ROW_GROUP),
    )


def _chunk_range(fields: list[_Field]) -> tuple[int, int]:
    """Return where a column chunk's pages start and stop, as absolute offsets."""
    pages = (_optional(fields, _DATA_PAGE_OFFSET), _optional(fields, _DICTIONARY_PAGE_OFFSET))
    # A chunk without values may have a dictionary page only, and zero for its data pages.
    start = min(filter(None, pages), default=0)
    return start, start + int(_required(fields, _CHUNK_BYTES))


# --- Footers --------------------------------------------------------------------------------------

_KEY, _VALUE = 1, 2
_KEY_VALUE: _Shape = {_KEY: _Role.TEXT, _VALUE: _Role.TEXT}

_NAME = 4
_SCHEMA_ELEMENT: _Shape = {_NAME: _Role.TEXT}

_VERSION, _SCHEMA, _FILE_ROWS, _ROW_GROUPS, _KEY_VALUES, _CREATED_BY, _COLUMN_ORDERS = range(1, 8)
_FILE_META_DATA: _Shape = {
    _VERSION: _Role.COPY,
    _SCHEMA: _Role.COPY,
    _FILE_ROWS: _Role.NUMBER,
    # Row groups are built one by one, so that only one at a time exists as a tree of fields.
    _ROW_GROUPS: _Nested(_LIST, _ROW_GROUP, build=_row_group),
    _KEY_VALUES: _Nested(_LIST, _KEY_VALUE),
    _CREATED_BY: _Role.COPY,
    _COLUMN_ORDERS: _Role.COPY,
    8: _ENCRYPTED,  # encryption_algorithm
    9: _ENCRYPTED,  # footer_signing_key_metadata
}


@dataclass(frozen=True, slots=True)
class _Footer:
    head: list[_Field]
    row_groups: list[_RowGroup]
    key_value_metadata: dict[str, str]


def _read_footer(path: Path) -> _Footer:
    buffer, data_end = _footer_bytes(path)
    try:
        return _parse_footer(buffer, data_end)
    except _Malformed as error:
        raise NotParquet(f"{path}: {error}") from error
    except IndexError as error:
        raise NotParquet(f"{path}: the footer ends in the middle of a struct") from error
    except RecursionError as error:
        raise NotParquet(f"{path}: the footer is nested too deeply") from error


def _footer_bytes(path: Path) -> tuple[bytes, int]:
    """Return the encoded FileMetaData and the offset at which it starts."""
    with path.open("rb") as stream:
        size = stream.seek(0, os.SEEK_END)
        if size < len(_MAGIC) + _TAIL_BYTES:
            raise NotParquet(f"{path}: {size} bytes are too few for a Parquet file")
        stream.seek(0)
        head = stream.read(len(_MAGIC))
        stream.seek(size - _TAIL_BYTES)
        tail = stream.read(_TAIL_BYTES)
        if tail.endswith(_ENCRYPTED_MAGIC):
            raise NotParquet(f"{path}: {_ENCRYPTED.reason}")
        if head != _MAGIC or not tail.endswith(_MAGIC):
            raise NotParquet(f"{path}: does not start and end with {_MAGIC.decode()}")
        start = size - _TAIL_BYTES - int.from_bytes(tail[:_LENGTH_BYTES], "little")
        if start < len(_MAGIC):
            raise NotParquet(f"{path}: is shorter than its footer")
        stream.seek(start)
        return stream.read(size - _TAIL_BYTES - start), start


def _parse_footer(buffer: bytes, data_end: int) -> _Footer:
    fields, _ = _read_struct(buffer, 0, _FILE_META_DATA)
    row_groups: list[_RowGroup] = _required(fields, _ROW_GROUPS)
    for number, group in enumerate(row_groups):
        if not len(_MAGIC) <= group.start <= group.stop <= data_end:
            raise _Malformed(f"row group {number} lies outside the data")
    if sum(group.rows for group in row_groups) != _required(fields, _FILE_ROWS):
        raise _Malformed("the row counts of the row groups do not add up to the file's")
    head = [field for field in fields if _FILE_META_DATA[field[0]] is _Role.COPY]
    _required(head, _VERSION)
    _schema_elements(head)
    return _Footer(head, row_groups, _key_values(fields))


def _key_values(fields: list[_Field]) -> dict[str, str]:
    entries = _optional(fields, _KEY_VALUES) or []
    return {_required(entry, _KEY): _optional(entry, _VALUE) or "" for entry in entries}


def _encode_footer(
    head: Sequence[_Field],
    chosen: Sequence[Sequence[_RowGroup]],
    key_value_metadata: Mapping[str, str],
) -> bytes:
    row_groups = [group for groups in chosen for group in groups]
    fields = [
        *head,
        (_FILE_ROWS, _I64, sum(group.rows for group in row_groups)),
        (_ROW_GROUPS, _LIST, _encode_row_groups(row_groups)),
    ]
    if key_value_metadata:
        pairs = sorted(key_value_metadata.items())
        entries = [[(_KEY, _BINARY, key), (_VALUE, _BINARY, value)] for key, value in pairs]
        fields.append((_KEY_VALUES, _LIST, entries))
    shape = {**_FILE_META_DATA, _ROW_GROUPS: _Role.COPY}
    return _rendered(_encoded(sorted(fields, key=itemgetter(0)), shape))


def _encode_row_groups(row_groups: Sequence[_RowGroup]) -> bytes:
    encoded = [_list_header(len(row_groups))]
    position = len(_MAGIC)
    for group in row_groups:
        encoded.append(_rendered(group.encoded, shift=position - group.start))
        position += group.stop - group.start
    return b"".join(encoded)


# --- Checking parts -------------------------------------------------------------------------------


def _require_out_is_no_part(parts: Sequence[Part], out: Path) -> None:
    if not out.exists():
        return
    for number, part in enumerate(parts, start=1):
        if out.samefile(part.path):
            raise ValueError(f"{_label(number, part)} is the file to write")


def _require_equal_schemas(parts: Sequence[Part], footers: Sequence[_Footer]) -> None:
    first = footers[0].head
    for number, (part, footer) in enumerate(zip(parts, footers, strict=True), start=1):
        if _required(footer.head, _SCHEMA) != _required(first, _SCHEMA):
            difference = _schema_difference(first, footer.head)
            raise SchemaMismatch(f"{_label(number, part)} has another schema: {difference}")
        if _optional(footer.head, _COLUMN_ORDERS) != _optional(first, _COLUMN_ORDERS):
            # The orders say how to read the statistics that are copied with the row groups.
            raise SchemaMismatch(f"{_label(number, part)} has other column orders")


def _schema_difference(first: Sequence[_Field], other: Sequence[_Field]) -> str:
    pairs = zip_longest(_schema_elements(first), _schema_elements(other), fillvalue=("none", b""))
    numbered = list(enumerate(pairs))
    # The root differs whenever the number of columns does; the column says more.
    for number, (expected, found) in numbered[1:] + numbered[:1]:
        if expected[0] != found[0]:
            return f"element {number} is {found[0]}, in the first part {expected[0]}"
        if expected != found:
            return f"element {number}, {found[0]}, has another type, nullability or annotation"
    return "its list is encoded in another way"


def _schema_elements(head: Sequence[_Field]) -> list[tuple[str, bytes]]:
    """Return name and encoded form of every schema element."""
    encoded: bytes = _required(head, _SCHEMA)
    count, kind, position = _read_list_header(encoded, 0)
    if count == 0 or kind != _STRUCT:
        raise _Malformed("the schema is no list of structs")
    elements = []
    for _ in range(count):
        start = position
        fields, position = _read_struct(encoded, start, _SCHEMA_ELEMENT)
        elements.append((repr(_required(fields, _NAME)), encoded[start:position]))
    return elements


def _chosen(part: Part, footer: _Footer) -> list[_RowGroup]:
    available = len(footer.row_groups)
    first = part.first_row_group
    count = available - first if part.row_groups is None else part.row_groups
    if first < 0 or count < 0 or first + count > available:
        raise ValueError(f"{part} asks for row groups that are not among the {available} there are")
    return footer.row_groups[first : first + count]


def _label(number: int, part: Part) -> str:
    return f"part {number} ({part.path})"


# --- Writing the file -----------------------------------------------------------------------------


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
        end = footer + len(footer).to_bytes(_LENGTH_BYTES, "little") + _MAGIC
        seal = None
        if _seal_in(end) is not None:
            sealing = digest.copy()
            sealing.update(end)
            seal = sealing.hexdigest()
            end = _with_seal(end, seal)
        stream.write(end)
        digest.update(end)
        stream.flush()
        if sync:
            os.fsync(stream.fileno())
    return _Written(size + len(end), digest.hexdigest(), seal)


def _blocks(
    parts: Sequence[Part],
    chosen: Sequence[Sequence[_RowGroup]],
    checked: Mapping[Path, str | None],
) -> Iterator[bytes | memoryview]:
    """Yield what stands before the footer; what is yielded is overwritten after the next step."""
    buffer = memoryview(bytearray(_BLOCK_BYTES))
    yield _MAGIC
    with ExitStack() as opened:
        hashed = {path: opened.enter_context(_HashedFile(path)) for path in checked}
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


def _copied(source: FileIO, group: _RowGroup, buffer: memoryview) -> Iterator[memoryview]:
    source.seek(group.start)
    yield from _read_on(source, group.stop - group.start, buffer)


def _read_on(source: FileIO, left: int, buffer: memoryview) -> Iterator[memoryview]:
    while left:
        count = source.readinto(buffer[:left])
        if not count:
            raise NotParquet(f"{source.name!s}: became shorter while it was copied")
        yield buffer[:count]
        left -= count


# --- Seals ----------------------------------------------------------------------------------------


def _seal_head(key: str) -> bytes:
    """Return how a key/value entry begins whose value is a seal: key, value and their lengths."""
    return b"".join(
        (
            bytes([1 << 4 | _BINARY, len(key)]),
            key.encode(),
            bytes([1 << 4 | _BINARY, _SEAL_DIGITS]),
        )
    )


def _seal_place(end: bytes, key: str = SEAL_KEY) -> int | None:
    """Return where the digits of the seal stand in a footer; None: there is no seal."""
    head = _seal_head(key)
    # The search begins at the end, because texts of keys before it may hold the same characters.
    found = end.rfind(head)
    place = found + len(head)
    return None if found < 0 or place + _SEAL_DIGITS > len(end) else place


def _seal_in(end: bytes, key: str = SEAL_KEY) -> str | None:
    place = _seal_place(end, key)
    return None if place is None else end[place : place + _SEAL_DIGITS].decode("ascii", "replace")


def _with_seal(end: bytes, seal: str) -> bytes:
    place = _seal_place(end)
    assert place is not None
    return end[:place] + seal.encode() + end[place + _SEAL_DIGITS :]


class _HashedFile:
    """A file that is read once from its start to its end, so that it can be hashed on the way."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stop = _footer_bytes(path)[1]
        self._position = 0
        self._digest = hashlib.sha256()
        self._buffer = memoryview(bytearray(_BLOCK_BYTES))

    def __enter__(self) -> _HashedFile:
        self._source = self._path.open("rb", buffering=0)
        return self

    def __exit__(self, *error: object) -> None:
        self._source.close()

    def copied(self, group: _RowGroup) -> Iterator[memoryview]:
        """Yield the bytes of a row group, once those before it are hashed."""
        if group.start < self._position:
            raise ValueError(f"{self._path}: its row groups are not asked for in their order")
        self._pass_to(group.start)
        yield from self._read_to(group.stop)

    def finish(self) -> FileDigest:
        """Hash the rest of the file."""
        self._pass_to(self._stop)
        end = b"".join(iter(lambda: self._source.read(_BLOCK_BYTES), b""))
        seal = _seal_in(end)
        sealing = self._digest.copy()
        self._digest.update(end)
        if seal is None:
            return FileDigest(self._digest.hexdigest(), None)
        sealing.update(_with_seal(end, _NO_SEAL))
        return FileDigest(self._digest.hexdigest(), sealing.hexdigest() == seal)

    def _pass_to(self, stop: int) -> None:
        for _ in self._read_to(stop):
            pass

    def _read_to(self, stop: int) -> Iterator[memoryview]:
        for block in _read_on(self._source, stop - self._position, self._buffer):
            self._digest.update(block)
            self._position += len(block)
            yield block


@contextmanager
def _deleted_on_failure(path: Path) -> Iterator[None]:
    try:
        yield
    except BaseException:
        path.unlink(missing_ok=True)
        raise
