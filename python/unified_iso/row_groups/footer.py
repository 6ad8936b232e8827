"""The footer of a Parquet file, taken apart as far as its row groups have to be told apart.

Source: Apache Parquet format, FileMetaData, RowGroup, ColumnChunk and ColumnMetaData
(parquet.thrift).
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path

from unified_iso.row_groups.compact_protocol import (
    BINARY,
    I64,
    LIST,
    STRUCT,
    Field,
    Malformed,
    Nested,
    Pieces,
    Refused,
    Role,
    Shape,
    encoded_struct,
    list_header,
    optional_value,
    read_list_header,
    read_struct,
    rendered,
    required_value,
)

MAGIC = b"PAR1"
_ENCRYPTED_MAGIC = b"PARE"
LENGTH_BYTES = 4
_TAIL_BYTES = LENGTH_BYTES + len(MAGIC)


class NotParquet(ValueError):
    """A file is not a Parquet file this module can copy; the message names the file and why."""


@dataclass(frozen=True)
class FooterMetadata:
    """What the footer of a Parquet file says; an entry without a value has the empty string."""

    num_rows: int
    row_group_count: int
    rows_per_row_group: list[int]
    key_value_metadata: dict[str, str]


def read_footer_metadata(path: Path) -> FooterMetadata:
    """Read row counts and key/value metadata of a Parquet file from its footer alone.

    Raises:
        NotParquet: The file is not a Parquet file, or is encrypted, damaged or cut off.
        OSError: The file cannot be read.
    """
    footer = read_footer(path)
    rows = [group.rows for group in footer.row_groups]
    return FooterMetadata(
        num_rows=sum(rows),
        row_group_count=len(rows),
        rows_per_row_group=rows,
        key_value_metadata=footer.key_value_metadata,
    )


_ENCRYPTED = Refused("the file is encrypted")
_ELSEWHERE = Refused("a column chunk's data is in another file")
_CHUNK_BYTES, _DATA_PAGE_OFFSET, _INDEX_PAGE_OFFSET, _DICTIONARY_PAGE_OFFSET = 7, 9, 10, 11
_COLUMN_META_DATA: Shape = {
    1: Role.COPY,  # type
    2: Role.COPY,  # encodings
    3: Role.COPY,  # path_in_schema
    4: Role.COPY,  # codec
    5: Role.COPY,  # num_values
    6: Role.COPY,  # total_uncompressed_size
    _CHUNK_BYTES: Role.NUMBER,
    8: Role.COPY,  # key_value_metadata
    _DATA_PAGE_OFFSET: Role.OFFSET,
    _INDEX_PAGE_OFFSET: Role.OFFSET,
    _DICTIONARY_PAGE_OFFSET: Role.OFFSET,
    12: Role.COPY,  # statistics
    13: Role.COPY,  # encoding_stats
    16: Role.COPY,  # size_statistics
    17: Role.COPY,  # geospatial_statistics
}
_META_DATA = 3
_COLUMN_CHUNK: Shape = {
    1: _ELSEWHERE,  # file_path
    2: Role.OFFSET,  # file_offset
    _META_DATA: Nested(STRUCT, _COLUMN_META_DATA),
    8: _ENCRYPTED,  # crypto_metadata
    9: _ENCRYPTED,  # encrypted_column_metadata
}
_COLUMNS, _GROUP_ROWS, _GROUP_OFFSET = 1, 3, 5
_ROW_GROUP: Shape = {
    _COLUMNS: Nested(LIST, _COLUMN_CHUNK),
    2: Role.COPY,  # total_byte_size
    _GROUP_ROWS: Role.NUMBER,
    4: Role.COPY,  # sorting_columns
    _GROUP_OFFSET: Role.OFFSET,
    6: Role.COPY,  # total_compressed_size
}


@dataclass(frozen=True, slots=True)
class RowGroup:
    """A row group: its rows, its bytes from `start` up to `stop`, and its entry in a footer."""

    rows: int
    start: int
    stop: int
    encoded: Pieces


def _row_group(fields: list[Field]) -> RowGroup:
    chunks = [
        _chunk_range(required_value(chunk, _META_DATA))
        for chunk in required_value(fields, _COLUMNS)
    ]
    ranges = [(start, stop) for start, stop in chunks if start != stop]
    return RowGroup(
        rows=required_value(fields, _GROUP_ROWS),
        start=min((start for start, _ in ranges), default=len(MAGIC)),
        stop=max((stop for _, stop in ranges), default=len(MAGIC)),
        encoded=encoded_struct(fields, _ROW_GROUP),
    )


def _chunk_range(fields: list[Field]) -> tuple[int, int]:
    """Return where a column chunk's pages start and stop, as absolute offsets."""
    pages = (
        optional_value(fields, _DATA_PAGE_OFFSET),
        optional_value(fields, _DICTIONARY_PAGE_OFFSET),
    )
    # A chunk without values may have a dictionary page only, and zero for its data pages.
    start = min(filter(None, pages), default=0)
    return start, start + int(required_value(fields, _CHUNK_BYTES))


_KEY, _VALUE = 1, 2
_KEY_VALUE: Shape = {_KEY: Role.TEXT, _VALUE: Role.TEXT}
_NAME = 4
_SCHEMA_ELEMENT: Shape = {_NAME: Role.TEXT}
_VERSION, SCHEMA, _FILE_ROWS, _ROW_GROUPS, _KEY_VALUES, _CREATED_BY, COLUMN_ORDERS = range(1, 8)
_FILE_META_DATA: Shape = {
    _VERSION: Role.COPY,
    SCHEMA: Role.COPY,
    _FILE_ROWS: Role.NUMBER,
    # Row groups are built one by one, so that only one at a time exists as a tree of fields.
    _ROW_GROUPS: Nested(LIST, _ROW_GROUP, build=_row_group),
    _KEY_VALUES: Nested(LIST, _KEY_VALUE),
    _CREATED_BY: Role.COPY,
    COLUMN_ORDERS: Role.COPY,
    8: _ENCRYPTED,  # encryption_algorithm
    9: _ENCRYPTED,  # footer_signing_key_metadata
}


@dataclass(frozen=True, slots=True)
class Footer:
    """A footer taken apart; its head has the fields that a joined file takes over as they are."""

    head: list[Field]
    row_groups: list[RowGroup]
    key_value_metadata: dict[str, str]


def read_footer(path: Path) -> Footer:
    """Read the footer of a Parquet file.

    Raises:
        NotParquet: the file is not a Parquet file, or is encrypted, damaged or cut off.
    """
    buffer, data_end = footer_bytes(path)
    try:
        return _parse_footer(buffer, data_end)
    except Malformed as error:
        raise NotParquet(f"{path}: {error}") from error
    except IndexError as error:
        raise NotParquet(f"{path}: the footer ends in the middle of a struct") from error
    except RecursionError as error:
        raise NotParquet(f"{path}: the footer is nested too deeply") from error


def footer_bytes(path: Path) -> tuple[bytes, int]:
    """Return the encoded FileMetaData and the offset at which it starts."""
    with path.open("rb") as stream:
        size = stream.seek(0, os.SEEK_END)
        if size < len(MAGIC) + _TAIL_BYTES:
            raise NotParquet(f"{path}: {size} bytes are too few for a Parquet file")
        stream.seek(0)
        head = stream.read(len(MAGIC))
        stream.seek(size - _TAIL_BYTES)
        tail = stream.read(_TAIL_BYTES)
        if tail.endswith(_ENCRYPTED_MAGIC):
            raise NotParquet(f"{path}: {_ENCRYPTED.reason}")
        if head != MAGIC or not tail.endswith(MAGIC):
            raise NotParquet(f"{path}: does not start and end with {MAGIC.decode()}")
        start = size - _TAIL_BYTES - int.from_bytes(tail[:LENGTH_BYTES], "little")
        if start < len(MAGIC):
            raise NotParquet(f"{path}: is shorter than its footer")
        stream.seek(start)
        return stream.read(size - _TAIL_BYTES - start), start


def _parse_footer(buffer: bytes, data_end: int) -> Footer:
    fields, _ = read_struct(buffer, 0, _FILE_META_DATA)
    row_groups: list[RowGroup] = required_value(fields, _ROW_GROUPS)
    for number, group in enumerate(row_groups):
        if not len(MAGIC) <= group.start <= group.stop <= data_end:
            raise Malformed(f"row group {number} lies outside the data")
    if sum(group.rows for group in row_groups) != required_value(fields, _FILE_ROWS):
        raise Malformed("the row counts of the row groups do not add up to the file's")
    head = [field for field in fields if _FILE_META_DATA[field[0]] is Role.COPY]
    required_value(head, _VERSION)
    schema_elements(head)
    return Footer(head, row_groups, _key_values(fields))


def _key_values(fields: list[Field]) -> dict[str, str]:
    entries = optional_value(fields, _KEY_VALUES) or []
    return {required_value(entry, _KEY): optional_value(entry, _VALUE) or "" for entry in entries}


def encode_footer(
    head: Sequence[Field],
    chosen: Sequence[Sequence[RowGroup]],
    key_value_metadata: Mapping[str, str],
) -> bytes:
    """Encode the footer of a file that has the chosen row groups one after the other."""
    row_groups = [group for groups in chosen for group in groups]
    fields = [
        *head,
        (_FILE_ROWS, I64, sum(group.rows for group in row_groups)),
        (_ROW_GROUPS, LIST, _encode_row_groups(row_groups)),
    ]
    if key_value_metadata:
        pairs = sorted(key_value_metadata.items())
        entries = [[(_KEY, BINARY, key), (_VALUE, BINARY, value)] for key, value in pairs]
        fields.append((_KEY_VALUES, LIST, entries))
    shape = {**_FILE_META_DATA, _ROW_GROUPS: Role.COPY}
    return rendered(encoded_struct(sorted(fields, key=itemgetter(0)), shape))


def _encode_row_groups(row_groups: Sequence[RowGroup]) -> bytes:
    encoded = [list_header(len(row_groups))]
    position = len(MAGIC)
    for group in row_groups:
        encoded.append(rendered(group.encoded, shift=position - group.start))
        position += group.stop - group.start
    return b"".join(encoded)


def schema_elements(head: Sequence[Field]) -> list[tuple[str, bytes]]:
    """Return name and encoded form of every schema element."""
    encoded: bytes = required_value(head, SCHEMA)
    count, kind, position = read_list_header(encoded, 0)
    if count == 0 or kind != STRUCT:
        raise Malformed("the schema is no list of structs")
    elements = []
    for _ in range(count):
        start = position
        fields, position = read_struct(encoded, start, _SCHEMA_ELEMENT)
        elements.append((repr(required_value(fields, _NAME)), encoded[start:position]))
    return elements
