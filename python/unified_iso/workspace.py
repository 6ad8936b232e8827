"""Where things lie: the raw folder, the output folder and what is kept between runs."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path


class WorkspaceError(Exception):
    """The output folder can't be used; the message says which and what to do."""


@dataclass(frozen=True)
class Workspace:
    """The folders of one raw folder and one output folder, all on the output's file system."""

    raw: Path
    out: Path

    @property
    def state(self) -> Path:
        """What only the program needs: working database, cache, candidates, lock."""
        return self.out / ".unified-iso"

    @property
    def cache(self) -> Path:
        """Unpacked archive members and plainly named links to oddly named files."""
        return self.state / "cache"

    @property
    def candidates(self) -> Path:
        """Parts and year files that the tests have not passed yet."""
        return self.state / "candidates"

    @property
    def lock_file(self) -> Path:
        """Held by the one process that may write."""
        return self.state / "lock"

    @property
    def parquet(self) -> Path:
        """The published year files."""
        return self.out / "parquet"

    @property
    def manifest(self) -> Path:
        """What is published, in one JSON file."""
        return self.out / "metadata" / "manifest.json"

    @property
    def catalog(self) -> Path:
        """A DuckDB database of views over the published files."""
        return self.out / "catalog.duckdb"

    def year_file(self, iso: str, dataset: str, year: int) -> Path:
        """Path of the published file of one delivery year."""
        return self.parquet / iso / dataset / f"{dataset}_{year}.parquet"

    def clear_spill(self) -> None:
        """Remove what a killed run had spilled to disk."""
        shutil.rmtree(self.state / "tmp", ignore_errors=True)
        (self.state / "tmp").mkdir()

    def prepare(self) -> None:
        """Create the folders.

        Raises:
            WorkspaceError: the output folder can't be created or written.
        """
        try:
            for folder in (self.cache, self.candidates, self.state / "tmp", self.manifest.parent):
                folder.mkdir(parents=True, exist_ok=True)
            probe = self.state / "write-probe"
            probe.write_bytes(b"")
            probe.unlink()
        except OSError as error:
            raise WorkspaceError(
                f"the output folder {self.out} can't be written ({error.strerror}): "
                "choose another with --out or UNIFIED_ISO_OUT"
            ) from error
