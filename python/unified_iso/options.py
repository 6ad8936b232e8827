"""What a run was asked for beside datasets and folders, from the environment and dbt's `--vars`.

The command line sets the environment, because dbt parses the whole project anew where `--vars`
differ from those of the run before.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any

PREFIX = "UNIFIED_ISO_"
COMPRESSIONS = ("zstd", "snappy")
_HIGHEST_LEVEL = 22
_YES, _NO = ("1", "true", "yes", "on"), ("0", "false", "no", "off")
_YEAR = re.compile(r"(\d{4})(?:-(\d{4}))?")


@dataclass(frozen=True)
class Options:
    """What a run was asked for; the defaults build every year as the project publishes it.

    years: delivery years to build, ascending; all that the raw files have where there are none.
    prune: rows of raw files go that vanished or were written over with other days.
    allow_rejects: what is sound in a file with malformed rows is published.
    full_refresh: what is there already is built anew.
    dry_run: the plan is made, and nothing is built.
    compression: of the published Parquet files, one of `COMPRESSIONS`.
    compression_level: of zstd.
    row_group_size: rows of a Parquet row group.
    by_location: each year file of locations gets a twin that is sorted by them.
    """

    years: tuple[int, ...] = ()
    prune: bool = False
    allow_rejects: bool = False
    full_refresh: bool = False
    dry_run: bool = False
    compression: str = "zstd"
    compression_level: int = 1
    row_group_size: int = 122_880
    by_location: bool = False

    def parquet(self, row_group_size: int) -> str:
        """Return the options of a `copy` that writes a file with row groups of so many rows."""
        level = (
            f"compression_level {self.compression_level}, " if self.compression == "zstd" else ""
        )
        return (
            f"(format parquet, compression {self.compression}, {level}"
            f"row_group_size {row_group_size})"
        )

    @classmethod
    def from_environment(
        cls, environ: Mapping[str, str], variables: Mapping[str, Any] | None = None
    ) -> Options:
        """Read `UNIFIED_ISO_YEARS` and its like; what `variables` have set goes before them.

        An option that is empty or missing, or null among the variables, has its default.
        `variables` are those that a caller of dbt gave, not the defaults of the project, which
        would go before the environment too.

        Raises:
            ValueError: a value is none of its option; the message names option and value.
        """
        given: dict[str, tuple[str, Any]] = {}
        for option in fields(cls):
            name = PREFIX + option.name.upper()
            if environ.get(name, "").strip():
                given[option.name] = (name, environ[name])
        for name, value in _variables_that_are_set(variables or {}):
            given["years" if name == "year" else name] = (f"the variable {name}", value)
        return cls(**{name: _READ[name](said, value) for name, (said, value) in given.items()})

    def to_environment(self) -> dict[str, str]:
        """Return the variables that `from_environment` reads as these options.

        Every option has its variable, so that none of an outer environment shines through.
        """
        return {PREFIX + f.name.upper(): _text(getattr(self, f.name)) for f in fields(self)}


def read_years(said: str, value: Any) -> tuple[int, ...]:
    """Read years such as `2021-2023, 2025`, a number or a list; `said` is how the option is called.

    Returns the years ascending, each once.

    Raises:
        ValueError: one of them is no year of four digits, or a range runs backwards.
    """
    words = value if isinstance(value, Iterable) and not isinstance(value, str) else [value]
    years: set[int] = set()
    for word in re.split(r"[\s,]+", " ".join(map(str, words))):
        if word:
            years.update(_range(said, word))
    return tuple(sorted(years))


def _range(said: str, word: str) -> range:
    match = _YEAR.fullmatch(word)
    if match is None:
        raise ValueError(f"{said}: {word!r} is no year: write them like 2023 or 2021-2024")
    first, last = int(match[1]), int(match[2] or match[1])
    if last < first:
        raise ValueError(f"{said}: {word!r} ends before it begins")
    return range(first, last + 1)


def _variables_that_are_set(variables: Mapping[str, Any]) -> list[tuple[str, Any]]:
    known = {"year", *(option.name for option in fields(Options))}
    given = [(name, value) for name, value in variables.items() if name in known]
    given = [(name, value) for name, value in given if value not in (None, "")]
    if {"year", "years"} <= {name for name, _ in given}:
        raise ValueError("the variables year and years exclude each other")
    return given


def _read_flag(said: str, value: Any) -> bool:
    word = str(value).strip().lower()
    if word in (*_YES, *_NO):
        return word in _YES
    raise ValueError(f"{said} is {value!r}: write 1 or 0")


def _read_compression(said: str, value: Any) -> str:
    word = str(value).strip().lower()
    if word in COMPRESSIONS:
        return word
    raise ValueError(f"{said} is {value!r}: there are {', '.join(COMPRESSIONS)}")


def _whole_number(most: int) -> Callable[[str, Any], int]:
    def read(said: str, value: Any) -> int:
        word = str(value).strip()
        if re.fullmatch(r"\d{1,18}", word) and 1 <= int(word) <= most:
            return int(word)
        raise ValueError(f"{said} is {value!r}: write a whole number from 1 to {most}")

    return read


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "1" if value else "0"
    return " ".join(map(str, value)) if isinstance(value, tuple) else str(value)


_READ: dict[str, Callable[[str, Any], Any]] = {
    "years": read_years,
    "prune": _read_flag,
    "allow_rejects": _read_flag,
    "full_refresh": _read_flag,
    "dry_run": _read_flag,
    "compression": _read_compression,
    "compression_level": _whole_number(_HIGHEST_LEVEL),
    "row_group_size": _whole_number(2**31),
    "by_location": _read_flag,
}
