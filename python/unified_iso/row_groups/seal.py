"""The seal of a Parquet file: a key of its footer that tells whether its bytes are as written."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from io import FileIO
from pathlib import Path

from unified_iso.row_groups.compact_protocol import BINARY
from unified_iso.row_groups.footer import NotParquet, RowGroup, footer_bytes

BLOCK_BYTES = 4 * 1024 * 1024
SEAL_KEY = "unified_iso_seal"
_SEAL_DIGITS = 64
NO_SEAL = "0" * _SEAL_DIGITS


@dataclass(frozen=True)
class FileDigest:
    """SHA-256 of a file as it is, and whether it agrees with its seal; None: it has no seal."""

    sha256: str
    agrees_with_seal: bool | None


def read_seal(path: Path, key: str = SEAL_KEY) -> str | None:
    """Read the seal of a Parquet file without taking its footer apart; None: it has none.

    Under another `key` stands the seal of another file.

    Raises:
        NotParquet: The file is not a Parquet file, or is encrypted or cut off.
        OSError: The file cannot be read.
    """
    return seal_in(footer_bytes(path)[0], key)


def digest_of(path: Path) -> FileDigest:
    """Hash a Parquet file once, as it is and as its seal was made.

    Raises:
        NotParquet: The file is not a Parquet file, or is encrypted or cut off.
        OSError: The file cannot be read.
    """
    with HashedFile(path) as file:
        return file.finish()


def read_on(source: FileIO, left: int, buffer: memoryview) -> Iterator[memoryview]:
    """Yield the next bytes of a file, `left` in all; each piece is overwritten by the next one.

    Raises:
        NotParquet: the file ends before them.
    """
    while left:
        count = source.readinto(buffer[:left])
        if not count:
            raise NotParquet(f"{source.name!s}: became shorter while it was copied")
        yield buffer[:count]
        left -= count


def _seal_head(key: str) -> bytes:
    """Return how a key/value entry begins whose value is a seal: key, value and their lengths."""
    return b"".join(
        (
            bytes([1 << 4 | BINARY, len(key)]),
            key.encode(),
            bytes([1 << 4 | BINARY, _SEAL_DIGITS]),
        )
    )


def _seal_place(end: bytes, key: str = SEAL_KEY) -> int | None:
    """Return where the digits of the seal stand in a footer; None: there is no seal."""
    head = _seal_head(key)
    # The search begins at the end, because texts of keys before it may hold the same characters.
    found = end.rfind(head)
    place = found + len(head)
    return None if found < 0 or place + _SEAL_DIGITS > len(end) else place


def seal_in(end: bytes, key: str = SEAL_KEY) -> str | None:
    """Return the seal in the encoded end of a file, None where it has none."""
    place = _seal_place(end, key)
    return None if place is None else end[place : place + _SEAL_DIGITS].decode("ascii", "replace")


def with_seal(end: bytes, seal: str) -> bytes:
    """Return the encoded end of a file with other digits for its seal."""
    place = _seal_place(end)
    assert place is not None
    return end[:place] + seal.encode() + end[place + _SEAL_DIGITS :]


class HashedFile:
    """A file that is read once from its start to its end, so that it can be hashed on the way."""

    def __init__(self, path: Path) -> None:
        """Take a Parquet file; it is opened by `with`."""
        self._path = path
        self._stop = footer_bytes(path)[1]
        self._position = 0
        self._digest = hashlib.sha256()
        self._buffer = memoryview(bytearray(BLOCK_BYTES))

    def __enter__(self) -> HashedFile:
        """Open the file."""
        self._source = self._path.open("rb", buffering=0)
        return self

    def __exit__(self, *error: object) -> None:
        """Close the file."""
        self._source.close()

    def copied(self, group: RowGroup) -> Iterator[memoryview]:
        """Yield the bytes of a row group, once those before it are hashed."""
        if group.start < self._position:
            raise ValueError(f"{self._path}: its row groups are not asked for in their order")
        self._pass_to(group.start)
        yield from self._read_to(group.stop)

    def finish(self) -> FileDigest:
        """Hash the rest of the file."""
        self._pass_to(self._stop)
        end = b"".join(iter(lambda: self._source.read(BLOCK_BYTES), b""))
        seal = seal_in(end)
        sealing = self._digest.copy()
        self._digest.update(end)
        if seal is None:
            return FileDigest(self._digest.hexdigest(), None)
        sealing.update(with_seal(end, NO_SEAL))
        return FileDigest(self._digest.hexdigest(), sealing.hexdigest() == seal)

    def _pass_to(self, stop: int) -> None:
        for _ in self._read_to(stop):
            pass

    def _read_to(self, stop: int) -> Iterator[memoryview]:
        for block in read_on(self._source, stop - self._position, self._buffer):
            self._digest.update(block)
            self._position += len(block)
            yield block
