"""What a year file says of itself: its manifest entry, the accounts of its parts, and its seal.

All three stand in the footer, so that a file is whole by one rename: the manifest and the working
database can be made anew from the files alone. A fourth text tells whoever has nothing but the file
what its rows and columns mean.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

from unified_iso.descriptions import Description
from unified_iso.families import Family
from unified_iso.row_groups.footer import read_footer_metadata

SCHEMA_VERSION = 2
FOOTER_KEY = "unified_iso"
ACCOUNTS_KEY = "unified_iso_accounts"
CONTRACT_KEY = "unified_iso_contract"

Entry = dict[str, Any]

_FOOTER_FIELDS: Mapping[str, type] = {
    "iso": str,
    "dataset": str,
    "model": str,
    "year": int,
    "fingerprint": str,
    "step_minutes": int,
    "may_lack_ids": bool,
    "unchecked_reports": list,
    "first_interval": str,
    "last_interval": str,
    "parts": list,
}
_FILE_FIELDS: Mapping[str, type] = {
    "path": str,
    "bytes": int,
    "sha256": str,
    "rows": int,
    "series": int,
    "missing_intervals": int,
}
# A file whose series are locations counts them by this name, and those known by name only.
_LOCATION_FIELDS: Mapping[str, type] = {"locations": int, "locations_without_id": int}
# Columns of the series of a file that doesn't tell them: files were of locations before families.
_SERIES_OF_LOCATIONS = ("settlement_location_id",)
_PART_FIELDS: Mapping[str, type] = {
    "part": str,
    "digest": str,
    "rows": int,
    "row_groups": int,
    "first_interval": str,
    "last_interval": str,
}


class Account(NamedTuple):
    """What became of some rows that a raw file has for a part."""

    part: str
    data_source: str
    content_hash: str
    term: str
    reason: str | None
    rows: int


@dataclass(frozen=True)
class Footer:
    """What the footer of a year file says; `accounts` is None where it was written without any."""

    entry: Entry
    accounts: list[Account] | None


def footer_texts(
    entry: Entry, accounts: Sequence[Account], contract: Mapping[str, Any]
) -> dict[str, str]:
    """Return the key/value metadata of a year file; `accounts` are sorted."""
    return {
        FOOTER_KEY: json.dumps(entry, sort_keys=True),
        ACCOUNTS_KEY: _packed(accounts),
        CONTRACT_KEY: json.dumps(contract),
    }


def contract_of(
    model: str, family: Family, description: Description, sort_order: Sequence[str]
) -> dict[str, Any]:
    """Return what a file says of the meaning of its rows: as the project words it now."""
    return {
        "dataset": model,
        "family": family.name,
        "schema_version": SCHEMA_VERSION,
        "description": description.text,
        "grain": list(family.key),
        "sort_order": list(sort_order),
        "columns": [asdict(column) for column in description.columns],
    }


def read_footer(path: Path) -> Footer | None:
    """Read what a year file says of itself; None: it is a Parquet file of somebody else.

    Raises:
        NotParquet: The file is not a Parquet file, or is damaged or cut off.
        OSError: The file cannot be read.
    """
    texts = read_footer_metadata(path).key_value_metadata
    try:
        entry = json.loads(texts[FOOTER_KEY])
    except (KeyError, ValueError):
        return None
    if not _has(entry, _FOOTER_FIELDS) or not _has_parts(entry) or not _has_series(entry):
        return None
    return Footer(entry, _unpacked(texts.get(ACCOUNTS_KEY)))


def is_file_entry(entry: object) -> bool:
    """Whether an entry of a manifest has what is read of it."""
    return (
        isinstance(entry, dict)
        and _has(entry, _FOOTER_FIELDS)
        and _has(entry, _FILE_FIELDS)
        and _has_parts(entry)
        and _has_series(entry)
        and (not counts_locations(entry) or _has(entry, _LOCATION_FIELDS))
    )


def told_series(series: Sequence[str]) -> Entry:
    """Return what an entry says of the columns of its series: nothing where they are locations."""
    return {} if tuple(series) == _SERIES_OF_LOCATIONS else {"series_columns": list(series)}


def series_of(entry: Entry) -> list[str]:
    """Return the columns that tell the series of a year file, each of which has its intervals."""
    return list(entry.get("series_columns", _SERIES_OF_LOCATIONS))


def counts_locations(entry: Entry) -> bool:
    """Whether the series of a year file are settlement locations."""
    return "series_columns" not in entry


def _has(entry: object, fields: Mapping[str, type]) -> bool:
    return isinstance(entry, dict) and all(
        isinstance(entry.get(name), kind) for name, kind in fields.items()
    )


def _has_parts(entry: Entry) -> bool:
    return all(_has(part, _PART_FIELDS) for part in entry["parts"])


def _has_series(entry: Entry) -> bool:
    columns = series_of(entry) if isinstance(entry.get("series_columns", []), list) else []
    return bool(columns) and all(isinstance(column, str) for column in columns)


def _packed(accounts: Sequence[Account]) -> str:
    """Name each part once, and each raw file once in a part: most of the text is their names."""
    parts = {
        part: [
            [*file, [[account.term, account.reason, account.rows] for account in of_file]]
            for file, of_file in groupby(of_part, key=lambda a: (a.data_source, a.content_hash))
        ]
        for part, of_part in groupby(accounts, key=lambda account: account.part)
    }
    return json.dumps(parts, separators=(",", ":"))


def _unpacked(text: str | None) -> list[Account] | None:
    if text is None:
        return None
    try:
        return [
            Account(part, data_source, content_hash, term, reason, int(rows))
            for part, files in json.loads(text).items()
            for data_source, content_hash, terms in files
            for term, reason, rows in terms
        ]
    except (ValueError, TypeError, AttributeError):
        return None
