"""Where things lie: the raw folder, the output folder and what is kept between runs."""

from __future__ import annotations

import shutil
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


class WorkspaceError(Exception):
    """The output folder can't be used; the message says which and what to do."""


@dataclass(frozen=True)
class Workspace:
    """The folders of one raw folder and one output folder."""

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
    def database(self) -> Path:
        """What is known of raw files and published parts; all of it can be found out anew."""
        return self.state / "work.duckdb"

    @property
    def lock_file(self) -> Path:
        """Held by the one process that may write."""
        return self.state / "lock"

    @property
    def raw_files_seen(self) -> Path:
        """Every raw file that the last run has seen, and what became of it."""
        return self.state / "raw_files.parquet"

    @property
    def last_run(self) -> Path:
        """What the last build of the command line came to."""
        return self.state / "last_run.json"

    @property
    def parquet(self) -> Path:
        """The published year files."""
        return self.out / "parquet"

    @property
    def by_location(self) -> Path:
        """Twins of the published year files, sorted by location and time."""
        return self.out / "parquet_by_location"

    @property
    def manifest(self) -> Path:
        """What is published, in one JSON file."""
        return self.out / "metadata" / "manifest.json"

    @property
    def locations(self) -> Path:
        """One row for each operator, dataset and location."""
        return self.out / "metadata" / "locations.parquet"

    @property
    def logs(self) -> Path:
        """What dbt says of its runs."""
        return self.out / "logs"

    @property
    def catalog(self) -> Path:
        """A DuckDB database of views over the published files."""
        return self.out / "catalog.duckdb"

    @property
    def catalog_digest(self) -> Path:
        """What the catalog was made of, and the checksum of its file."""
        return self.state / "catalog.sha256"

    @property
    def report(self) -> Path:
        """The quality report, one HTML file."""
        return self.out / "report.html"

    def year_file(self, iso: str, dataset: str, year: int) -> Path:
        """Path of the published file of one delivery year."""
        return self.parquet / iso / dataset / f"{dataset}_{year}.parquet"

    def place_of(self, entry: Mapping[str, Any]) -> Path:
        """Path at which the year file of an entry of the manifest has to lie."""
        return self.year_file(entry["iso"], entry["dataset"], entry["year"])

    def year_files(self) -> list[Path]:
        """Every file that lies where year files do, sorted."""
        return sorted(path for path in self.parquet.glob("*/*/*.parquet") if path.is_file())

    def name_of(self, path: Path) -> str:
        """Path of a published file below the output folder, as the manifest has it."""
        return path.relative_to(self.out).as_posix()

    def clear_spill(self) -> None:
        """Remove what a killed run had spilled to disk."""
        shutil.rmtree(self.state / "tmp", ignore_errors=True)
        (self.state / "tmp").mkdir()

    def require_apart(self, operators: Collection[str]) -> None:
        """Check that nothing of the one folder lies where the program works in the other.

        `operators` name the folders of the raw folder that are searched for files.

        Raises:
            WorkspaceError: the raw folder lies in a folder that the program clears or writes, or
                the output folder lies among the raw files.
        """
        raw, out = self.raw.resolve(), self.out.resolve()
        for own in (self.state, self.parquet, self.by_location, self.manifest.parent, self.logs):
            if raw.is_relative_to(own.resolve()):
                raise WorkspaceError(
                    f"the raw folder {self.raw} lies in {own}, which is the program's own: "
                    "keep raw files elsewhere, and name their folder with --raw or UNIFIED_ISO_RAW"
                )
        for operator in operators:
            if out.is_relative_to((raw / operator).resolve()):
                raise WorkspaceError(
                    f"the output folder {self.out} lies among the raw files of {operator}: "
                    "choose another with --out or UNIFIED_ISO_OUT"
                )

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


def beside(path: Path) -> Path:
    """Where a file is written before it takes the place of the one at `path`."""
    return path.with_name(path.name + ".partial")


def log_of(database: Path) -> Path:
    """Where DuckDB keeps changes that are not in a database yet."""
    return database.with_name(database.name + ".wal")
