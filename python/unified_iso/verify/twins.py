"""The files sorted by location: is each the twin of the year file that it says it is of?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from unified_iso.footers import Entry
from unified_iso.row_groups.footer import NotParquet
from unified_iso.row_groups.seal import digest_of
from unified_iso.twins import is_twin, twin_files, twin_of
from unified_iso.verify.faults import Fault
from unified_iso.workspace import Workspace


def faults_of_twins(workspace: Workspace, entries: Iterable[Entry], quick: bool) -> Iterator[Fault]:
    """Compare each twin with its own seal, and the seal it was made of with that of its year file.

    That its rows are those of the year file was proved when it was made, and is as its seal says.

    entries: of the year files that are in place.
    quick: don't read the bytes.

    Raises:
        OSError: a file can't be read.
    """
    year_files = {twin_of(workspace, entry): workspace.out / entry["path"] for entry in entries}
    for twin in twin_files(workspace):
        name = workspace.name_of(twin)
        if twin not in year_files:
            yield Fault(name, "twin", "belongs to no year file")
        elif not is_twin(twin, year_files[twin]):
            yield Fault(name, "twin", "is of other rows than its year file: build --by-location")
        elif not quick and not _is_as_sealed(workspace, name):
            yield Fault(name, "bytes", "has other bytes than were published")


def _is_as_sealed(workspace: Workspace, name: str) -> bool:
    try:
        return digest_of(workspace.out / name).agrees_with_seal is True
    except NotParquet:
        return False
