"""What `verify` prints: a line for each fault, and one that sums up."""

from __future__ import annotations

from collections.abc import Iterator

from unified_iso.progress import amount
from unified_iso.verify import Verified
from unified_iso.workspace import Workspace


def verified_lines(found: Verified) -> Iterator[str]:
    """Say of every file what is wrong with it, or that nothing is; a fault has a line."""
    paths = {entry["path"] for entry in found.files} | {fault.path for fault in found.faults}
    for path in sorted(paths):
        for text in [fault.text for fault in found.of(path)] or ["as published"]:
            yield f"{path}: {text}"


def verified_summary(found: Verified, workspace: Workspace) -> str:
    """Say in one line what came of verifying a tree; notes stand in lines before it."""
    if not found.files and not found.faults:
        return f"nothing is published in {workspace.out}"
    rows = sum(entry["rows"] for entry in found.files)
    size = amount(sum(entry["bytes"] for entry in found.files), "bytes")
    looked = f"{len(found.files):,} files, {rows:,} rows, {size}"
    bad = len({fault.path for fault in found.faults})
    count = len(found.faults)
    faults = f"{count:,} fault{'s' if count > 1 else ''} in {bad:,} of them" if count else "sound"
    return "\n".join([*found.notes, f"{looked} in {found.seconds:.1f} s: {faults}"])
