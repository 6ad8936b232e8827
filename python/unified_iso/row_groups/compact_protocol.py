"""Apache Thrift's compact protocol, as far as a Parquet footer needs it.

It carries field ids and types, so a struct can be taken apart and put together again without its
Thrift definition. A shape says which of its fields are kept, and how: only those that have to
change are decoded, all others are copied as raw bytes.

Source: Apache Thrift compact protocol specification.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cache
from itertools import groupby
from typing import Any, cast

# Type codes of the compact protocol.
_STOP, _TRUE, _FALSE, _BYTE, _I16, _I32, I64 = range(7)
_DOUBLE, BINARY, LIST, _SET, _MAP, STRUCT, _UUID = range(7, 14)

# As a field, a boolean is all in its type code.
_FIXED_WIDTHS = {_TRUE: 0, _FALSE: 0, _BYTE: 1, _DOUBLE: 8, _UUID: 16}
_LONG_LIST = 15
_MAX_VARINT_BITS = 64


class Role(Enum):
    """How a field's value is decoded."""

    COPY = "raw bytes, written as they were read"
    NUMBER = "64-bit integer"
    OFFSET = "64-bit integer, absolute offset of data inside the row group"
    TEXT = "string"


@dataclass(frozen=True, slots=True)
class Nested:
    """A field that holds a struct, or a list of structs, to take apart in turn."""

    kind: int
    shape: Shape
    build: Callable[[list[Field]], Any] | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """A field whose presence means that the file cannot be joined by copying."""

    reason: str


# By field id. A field that is missing here is dropped.
Shape = Mapping[int, Role | Nested | Refused]

# Field id, type code, and the value decoded as its role says.
Field = tuple[int, int, Any]


class Malformed(ValueError):
    """The footer is not what the format says; becomes `NotParquet` once the file is known."""


def read_struct(buffer: bytes, position: int, shape: Shape) -> tuple[list[Field], int]:
    """Decode the struct at `position`; return its fields and the position after it."""
    fields: list[Field] = []
    field_id = 0
    while True:
        field_id, kind, position = _read_field_header(buffer, position, field_id)
        if kind == _STOP:
            return fields, position
        role = shape.get(field_id)
        start = position
        if role is Role.COPY or role is None:
            position = _skip(buffer, position, kind)
            if role is not None:
                fields.append((field_id, kind, buffer[start:position]))
        else:
            value, position = _read_value(buffer, position, kind, role)
            fields.append((field_id, kind, value))


def _read_value(
    buffer: bytes, position: int, kind: int, role: Role | Nested | Refused
) -> tuple[Any, int]:
    if isinstance(role, Refused):
        raise Malformed(role.reason)
    if isinstance(role, Nested):
        _require_kind(kind, role.kind)
        if kind == LIST:
            return _read_structs(buffer, position, role.shape, role.build)
        return read_struct(buffer, position, role.shape)
    if role is Role.TEXT:
        _require_kind(kind, BINARY)
        return _read_text(buffer, position)
    _require_kind(kind, I64)
    return _read_zigzag(buffer, position)


def _read_structs(
    buffer: bytes,
    position: int,
    shape: Shape,
    build: Callable[[list[Field]], Any] | None = None,
) -> tuple[list[Any], int]:
    count, kind, position = read_list_header(buffer, position)
    if count and kind != STRUCT:
        raise Malformed("a list holds something else than structs")
    elements = []
    for _ in range(count):
        fields, position = read_struct(buffer, position, shape)
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
        raise Malformed("a field has no type")
    if head > 15:
        return last_id + (head >> 4), kind, position
    field_id, position = _read_zigzag(buffer, position)
    return field_id, kind, position


def read_list_header(buffer: bytes, position: int) -> tuple[int, int, int]:
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
            raise Malformed("a number is too long")


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
    if _I16 <= kind <= I64:
        while buffer[position] > 127:
            position += 1
        return position + 1
    if kind == BINARY:
        length, position = _read_varint(buffer, position)
        return position + length
    if kind == STRUCT:
        return _skip_struct(buffer, position)
    if kind in (LIST, _SET):
        count, element, position = read_list_header(buffer, position)
        return _skip_elements(buffer, position, count, (element,))
    if kind == _MAP:
        return _skip_map(buffer, position)
    if kind not in _FIXED_WIDTHS:
        raise Malformed(f"unknown type code {kind}")
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
        if _I16 <= kind <= I64:
            while buffer[position] > 127:
                position += 1
            position += 1
        elif kind == BINARY and buffer[position] < 128:
            position += buffer[position] + 1
        elif kind > _FALSE:
            position = _skip(buffer, position, kind)
        elif kind == _STOP:
            raise Malformed("a field has no type")


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
            raise Malformed("a list runs past the end")
    return position


def _require_kind(kind: int, expected: int) -> None:
    if kind != expected:
        raise Malformed(f"a field has type code {kind} instead of {expected}")


def required_value(fields: Sequence[Field], field_id: int) -> Any:
    """Return the value of a field that the format requires."""
    value = optional_value(fields, field_id)
    if value is None:
        raise Malformed(f"required field {field_id} is missing")
    return value


def optional_value(fields: Sequence[Field], field_id: int) -> Any:
    """Return the value of a field, None where the struct does not have it."""
    for found, _, value in fields:
        if found == field_id:
            return value
    return None


# Encoded structs: text, and between it offsets that are still to be moved.
Pieces = list[bytes | int]


def encoded_struct(fields: Sequence[Field], shape: Shape) -> Pieces:
    """Encode a struct; text between two offsets is one piece, for moving them joins the pieces."""
    pieces: Pieces = []
    _encode_struct(fields, shape, pieces)
    merged: Pieces = []
    for kind, run in groupby(pieces, key=type):
        same = list(run)
        merged += same if kind is int else [b"".join(cast("list[bytes]", same))]
    return merged


def _encode_struct(fields: Sequence[Field], shape: Shape, pieces: Pieces) -> None:
    last_id = 0
    for field_id, kind, value in fields:
        pieces.append(_field_header(last_id, field_id, kind))
        last_id = field_id
        role = shape[field_id]
        if role is Role.COPY:
            pieces.append(value)
        elif role is Role.TEXT:
            pieces.append(_encode_text(value))
        elif isinstance(role, Nested):
            _encode_nested(value, role, pieces)
        else:
            # Writers put zero where they have no offset; moving it would invent one.
            pieces.append(value if role is Role.OFFSET and value else _zigzag(value))
    pieces.append(b"\0")


def _encode_nested(value: Sequence[Any], role: Nested, pieces: Pieces) -> None:
    if role.kind == STRUCT:
        _encode_struct(value, role.shape, pieces)
        return
    pieces.append(list_header(len(value)))
    for fields in value:
        _encode_struct(fields, role.shape, pieces)


def rendered(pieces: Pieces, shift: int = 0) -> bytes:
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


def list_header(count: int) -> bytes:
    """Encode how a list of that many structs begins."""
    if count < _LONG_LIST:
        return bytes((count << 4 | STRUCT,))
    return bytes((_LONG_LIST << 4 | STRUCT,)) + _varint(count)
