"""What one raw file may cost: one that is beyond is refused, so that no file fills the machine."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace

BYTES_IN = {
    "": 1,
    "k": 1000,
    "m": 1000**2,
    "g": 1000**3,
    "t": 1000**4,
    "ki": 1024,
    "mi": 1024**2,
    "gi": 1024**3,
    "ti": 1024**4,
}


class Exceeded(Exception):
    """The file is beyond a limit; the message says which, and the option that raises it."""


@dataclass(frozen=True)
class Limits:
    """Limits of one raw file, all far beyond what the operators publish.

    unpacked: most bytes that may come out of it.
    ratio: most bytes that may come out for each byte of it.
    small: bytes below which no ratio is judged.
    members: most members, those of inner archives included.
    seconds: longest time its workbooks may take.
    depth: most archives within each other.
    in_memory: most bytes of a workbook's part that is held in memory whole.
    """

    unpacked: float = 64 * 1000**3
    ratio: float = 250
    small: int = 64 * 1000**2
    members: int = 100_000
    seconds: float = 600
    depth: int = 4
    in_memory: int = 64 * 1000**2


DEFAULT = Limits()
PYTHON_SHARE_MB = 500
_WHOLE = {"ratio": "ratio", "members": "members", "seconds": "seconds", "nesting": "depth"}


class Budget:
    """What one raw file has cost so far, against its limits. Sizes in bytes."""

    def __init__(self, limits: Limits, packed: int) -> None:
        """Begin with a file of `packed` bytes; its time runs from now."""
        self.limits = limits
        self._packed = max(packed, 1)
        self._unpacked = 0
        self._members = 0
        self._started = time.monotonic()

    def add_bytes(self, size: int) -> None:
        """Count bytes that came out of the file.

        Raises:
            Exceeded: they are too many, by themselves or for its size.
        """
        self._unpacked += size
        self.expect(0)

    def expect(self, size: int) -> None:
        """Judge what a file says is still to come, without counting it.

        Raises:
            Exceeded: with it there would be too many bytes.
        """
        unpacked = self._unpacked + size
        if unpacked > self.limits.unpacked:
            raise Exceeded(
                f"unpacks to more than {_size(self.limits.unpacked)}: check it, or raise "
                "--max-unpacked (dbt: UNIFIED_ISO_MAX_UNPACKED)"
            )
        if unpacked > max(self.limits.small, self.limits.ratio * self._packed):
            raise Exceeded(
                f"unpacks to more than {self.limits.ratio:,.0f} times its size: check it, or raise "
                "--max-ratio (dbt: UNIFIED_ISO_MAX_RATIO)"
            )

    def add_members(self, count: int) -> None:
        """Count members of an archive.

        Raises:
            Exceeded: they are too many.
        """
        self._members += count
        if self._members > self.limits.members:
            raise Exceeded(
                f"holds more than {self.limits.members:,} members: check it, or raise "
                "--max-members (dbt: UNIFIED_ISO_MAX_MEMBERS)"
            )

    def check_time(self) -> None:
        """Look at the clock.

        Raises:
            Exceeded: the file has taken too long.
        """
        if time.monotonic() - self._started > self.limits.seconds:
            raise Exceeded(
                f"takes longer than {self.limits.seconds:,.0f} seconds to read: check it, save it "
                "as csv, or raise --max-file-seconds (dbt: UNIFIED_ISO_MAX_SECONDS)"
            )


def bytes_of(text: str) -> float:
    """Return the bytes that a size such as `2GB` stands for.

    Raises:
        ValueError: it is no size.
    """
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([kmgt]?i?)b?\s*", text.lower())
    if not match or match[2] not in BYTES_IN or not float(match[1]):
        raise ValueError(f"{text!r} is no size: write it like 2GB")
    return float(match[1]) * BYTES_IN[match[2]]


def duckdb_memory_limit(limit: str) -> str:
    """Return DuckDB's part of the user's memory limit: what Python and dbt leave of it.

    Raises:
        ValueError: the limit is no size such as `2GB`.
    """
    megabytes = bytes_of(limit) / 1000**2
    return f"{max(megabytes - PYTHON_SHARE_MB, megabytes / 2):.0f}MB"


def limits_of_environment(environ: Mapping[str, str]) -> Limits:
    """Return the limits that `UNIFIED_ISO_MAX_UNPACKED` and its like give.

    Raises:
        ValueError: one of them is no positive number, or no size.
    """
    names = ("unpacked", "ratio", "members", "seconds", "nesting")
    return read_limits({name: environ.get(f"UNIFIED_ISO_MAX_{name.upper()}", "") for name in names})


def read_limits(texts: Mapping[str, object]) -> Limits:
    """Return the limits that a profile or the command line gives; empty ones are the defaults.

    Raises:
        ValueError: one of them is no positive number, or no size.
    """
    given = {name: str(text) for name, text in texts.items() if str(text).strip()}
    limits = DEFAULT
    for name, text in given.items():
        if name == "unpacked":
            limits = replace(limits, unpacked=bytes_of(text))
        elif name in _WHOLE:
            limits = replace(limits, **{_WHOLE[name]: _positive(name, text)})
        else:
            raise ValueError(f"no limit {name!r}: there are unpacked, {', '.join(_WHOLE)}")
    return limits


def _positive(name: str, text: str) -> int:
    if not re.fullmatch(r"\s*\d{1,18}\s*", text) or not int(text):
        raise ValueError(f"the limit of {name} is {text!r}: write a whole number above 0")
    return int(text)


def _size(size: float) -> str:
    for unit, name in ((1000**3, "GB"), (1000**2, "MB"), (1000, "kB")):
        if size >= unit:
            return f"{size / unit:,.4g} {name}"
    return f"{size:,.0f} bytes"
