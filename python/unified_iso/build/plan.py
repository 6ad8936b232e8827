"""What is to be done: which days files cover, which parts are stale, what is loaded at once."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date

import duckdb

from unified_iso.build.spec import Dataset, Project, relation_of
from unified_iso.options import Options
from unified_iso.sql import sql_text

# A row in the load table and in the sort takes so many bytes together, as measured.
BYTES_PER_ROW = 300
FEWEST_ROWS = 100_000
# One statement opens so many files at most, because their paths stand in it and the reader keeps
# something of each until it ends. A part with more comes alone.
MOST_FILES = 2_000


@dataclass(frozen=True)
class Part:
    """A part to build: its first day, its delivery year, and what it is to be made of.

    first_instant, end_instant: its bounds in UTC, as text that DuckDB reads; the end is excluded.
    """

    part: date
    year: int
    digest: str
    first_instant: str
    end_instant: str

    @property
    def within(self) -> str:
        """Condition that an interval lies in the part."""
        return self.bounds("interval_start_utc")

    def bounds(self, column: str) -> str:
        """Condition that an instant lies in the part."""
        return (
            f"{column} >= timestamptz '{self.first_instant}'"
            f" and {column} < timestamptz '{self.end_instant}'"
        )


def fingerprint(
    cursor: duckdb.DuckDBPyConnection,
    project: Project,
    dataset: Dataset,
    sql: str,
    options: Options,
    digest: str | None,
) -> str:
    """Return a digest of everything but raw files that decides the bytes of a dataset, and keep it.

    That is its SQL, the views and seeds above it, the location lists and the form of the files.

    digest: of the project, if it is known; a run without dbt tells by it that nothing has changed.
    """
    form = [options.compression, str(options.compression_level), str(options.row_group_size)]
    seeds, views = [], []
    for node in project.above(dataset):
        if node["resource_type"] == "seed":
            seeds.append(node["checksum"]["checksum"])
        else:
            views.append(relation_of(node).replace('"', ""))
    definitions = cursor.execute(sql_text("definitions"), {"relations": views}).fetchall()
    lists = [source.report_key for source in dataset.sources if source.is_location_list]
    files = location_lists(cursor, lists)
    parts = [sql, *form, *seeds, *(text for (text,) in definitions), files]
    found = hashlib.md5("\n".join(parts).encode()).hexdigest()
    cursor.execute(
        "insert or replace into inventory.fingerprints values ($1, $2, $3, $4)",
        [dataset.model, found, digest, files],
    )
    return found


def location_lists(cursor: duckdb.DuckDBPyConnection, folders: Sequence[str]) -> str:
    """Return the files of location lists that are read beside prices, with their contents."""
    rows = cursor.execute(sql_text("location_lists"), {"location_lists": folders}).fetchall()
    return "\n".join(file for (file,) in rows)


def rows_at_once(cursor: duckdb.DuckDBPyConnection, workers: int) -> int:
    """Return how many rows a load may have, so that it can be sorted in memory beside itself."""
    [(limit,)] = cursor.execute("select current_setting('memory_limit')").fetchall()
    return max(_bytes_of_setting(limit) // BYTES_PER_ROW // workers, FEWEST_ROWS)


def _bytes_of_setting(text: str) -> int:
    """Return the bytes of one of DuckDB's settings, such as `1.4 GiB`."""
    number, _, unit = text.partition(" ")
    power = ("bytes", "KiB", "MiB", "GiB", "TiB").index(unit)
    return int(float(number) * 1024**power)


def files_without_days(
    cursor: duckdb.DuckDBPyConnection, dataset: Dataset, options: Options, lines: int
) -> bool:
    """Choose files whose exact days are to be found, so many lines at most; return whether any are.

    Files with a likely name wait until they are read anyway, unless a published part depends on
    them, they may reach into a year that is asked for and lie beside it, or their days tell which
    of two books stands.
    """
    wanting = [
        file_id
        for (file_id,) in cursor.execute(
            sql_text("files_without_days"),
            {"model": dataset.model, "years": list(options.years)},
        ).fetchall()
    ]
    return choose_files(cursor, wanting, lines)


def choose_files(
    cursor: duckdb.DuckDBPyConnection,
    file_ids: Collection[int],
    lines: int | None,
    beside: Collection[int] = (),
) -> bool:
    """Put files in the table `load_files`, numbered by precedence; return whether there are any.

    lines: most of them, in which one file always fits, in `MOST_FILES` at most; None: all files.
    beside: ids of files that are opened too, because rows of the others depend on theirs.
    """
    cursor.execute(
        sql_text("load_files"),
        {
            "file_ids": list(file_ids),
            "beside_ids": list(beside),
            "lines": lines,
            "files": MOST_FILES,
        },
    )
    cursor.execute(
        "create or replace temp table load_files as"
        " select * exclude (is_beside) from opened_files where not is_beside order by number"
    )
    return bool(cursor.execute("select 1 from load_files limit 1").fetchall())


def look(cursor: duckdb.DuckDBPyConnection, dataset: Dataset) -> None:
    """Note how the parts of a dataset stand now, which is what the functions below tell of.

    Another look is needed where a file has changed, or is found to cover other days.
    """
    for query in ("parts_now", "files_now"):
        cursor.execute(sql_text(query), {"model": dataset.model})


def planned(cursor: duckdb.DuckDBPyConnection, dataset: Dataset, state: str) -> list[Part]:
    """Return the parts of a dataset in one state of `inventory.planned_parts`, in their order.

    Those of blocked years are left out.
    """
    rows = cursor.execute(
        sql_text("parts_in_state"),
        {"model": dataset.model, "iso": dataset.iso, "state": state, "length": dataset.part},
    ).fetchall()
    return [Part(*row) for row in rows]


def stale_parts(
    cursor: duckdb.DuckDBPyConnection, dataset: Dataset, busy: Collection[date]
) -> list[Part]:
    """Return the stale parts of a dataset, in order, but for those that somebody builds now."""
    return [part for part in planned(cursor, dataset, "stale") if part.part not in busy]


def next_group(
    cursor: duckdb.DuckDBPyConnection, dataset: Dataset, lines: int, stale: Collection[Part]
) -> list[Part]:
    """Return the first stale parts that can be loaded together; one that is too large comes alone.

    Each raw file counts where it first comes: a yearly file brings its twelve months in one
    reading. Their files are put in `load_files`.
    """
    if not stale:
        return []
    last = cursor.execute(
        sql_text("end_of_group"),
        {
            "parts": [part.part for part in stale],
            "lines": lines,
            "files": MOST_FILES,
        },
    ).fetchall()[0][0]
    group = [part for part in stale if part.part <= last]
    cursor.execute(
        "create or replace temp table group_parts as select unnest($1::usmallint[]) as year",
        [[part.year for part in group]],
    )
    files = files_of(cursor, group)
    choose_files(cursor, files, None, files_beside(cursor, dataset, files))
    return group


def files_of(cursor: duckdb.DuckDBPyConnection, group: Collection[Part]) -> list[int]:
    """Return the ids of the files that cover parts, as far as that is known."""
    rows = cursor.execute(
        "select distinct file_id from temp.files_now where list_contains($1, part)",
        [[part.part for part in group]],
    ).fetchall()
    return [file_id for (file_id,) in rows]


def files_beside(
    cursor: duckdb.DuckDBPyConnection, dataset: Dataset, files: Collection[int]
) -> list[int]:
    """Return the ids of other files that rows of these depend on.

    They are those of the day before each day of a file, be that day built anew or not: which days a
    file covers is kept whenever it is loaded, and has to be right.
    """
    if not dataset.reads_day_before:
        return []
    rows = cursor.execute(
        sql_text("files_beside"), {"model": dataset.model, "file_ids": list(files)}
    ).fetchall()
    return [file_id for (file_id,) in rows]


def still_wanted(
    cursor: duckdb.DuckDBPyConnection, dataset: Dataset, group: Collection[Part]
) -> list[Part]:
    """Return the parts of a group that are still stale once their files have been read.

    Their digests may have changed with the days that the files turned out to cover.
    """
    # The sheets of a book may change places also where each covers the days that it covered.
    if any(staging.is_cumulative for staging in dataset.staging) or _have_moved(cursor, dataset):
        look(cursor, dataset)
    chosen = {part.part for part in group}
    return [part for part in planned(cursor, dataset, "stale") if part.part in chosen]


def _have_moved(cursor: duckdb.DuckDBPyConnection, dataset: Dataset) -> bool:
    """Whether files of the load cover other parts than was known when it was chosen."""
    [(first, last)] = cursor.execute("select min(file_id), max(file_id) from load_files").fetchall()
    bounds = {"first_file": first, "last_file": last}
    return bool(
        cursor.execute(sql_text("moved_files"), {"model": dataset.model} | bounds).fetchall()
    )


def block_vanished(cursor: duckdb.DuckDBPyConnection, dataset: Dataset, options: Options) -> None:
    """Block the years of stale parts whose rebuilding would lose rows of files that are gone."""
    cursor.execute(sql_text("block_vanished"), {"model": dataset.model, "prune": options.prune})


def keep_overwritten(cursor: duckdb.DuckDBPyConnection, models: Sequence[str]) -> None:
    """Note which files were written over with other days than those of published parts.

    It takes a look at all files, and so it is asked once for all datasets.
    """
    for query in ("forget_overwritten", "keep_overwritten"):
        cursor.execute(sql_text(query), {"models": list(models)})


def lines_to_read(cursor: duckdb.DuckDBPyConnection) -> int:
    """Return how many lines of raw files this run has read for a dataset and will read."""
    [(lines,)] = cursor.execute(sql_text("lines_to_read")).fetchall()
    return int(lines)
