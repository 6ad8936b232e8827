"""What a year file is made of: its raw files, and what became of their rows."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from unified_iso.footers import Account, Entry


def inputs_name(entry: Entry) -> str:
    """Where the raw files of a year file are listed, relative to the output folder."""
    return f"metadata/inputs/{entry['iso']}/{entry['dataset']}_{entry['year']}.json"


def told_by_accounts(entry: Entry, accounts: Sequence[Account] | None) -> Entry:
    """Return what the manifest says of the raw files of a year file; None: nobody knows them.

    The files themselves are listed elsewhere, because a year of five-minute files has a hundred
    thousand, and every command reads the manifest.
    """
    if not accounts:
        return {}
    terms: dict[str, int] = {}
    for account in accounts:
        terms[account.term] = terms.get(account.term, 0) + account.rows
    files = sorted({(account.data_source, account.content_hash) for account in accounts})
    lines = "\n".join(f"{data_source} {content_hash}" for data_source, content_hash in files)
    return {
        "accounts": {term: rows for term, rows in sorted(terms.items()) if rows},
        "inputs": {
            "raw_files": len(files),
            "sha256": hashlib.sha256(lines.encode()).hexdigest(),
            "listed_in": inputs_name(entry),
        },
    }
