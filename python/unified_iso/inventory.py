"""The inventory: what every raw file is, kept in the working database between runs."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from itertools import groupby
from pathlib import Path

import duckdb
import pyarrow as pa

from unified_iso.limits import DEFAULT, Limits
from unified_iso.raw_files.inspection import inspect
from unified_iso.raw_files.lines import BLOCK
from unified_iso.raw_files.listing import LINK_TO_NOTHING, list_raw_files, list_strays
from unified_iso.raw_files.records import Inspected, Listed, Report
from unified_iso.sql import sql_text

Progress = Callable[[str, int, int], None]

SCHEMA = sql_text("schema")


def update_inventory(
    connection: duckdb.DuckDBPyConnection,
    raw: Path,
    cache: Path,
    isos: Sequence[str],
    reports: Sequence[Report],
    known_folders: Iterable[tuple[str, str]],
    progress: Progress,
    limits: Limits = DEFAULT,
    rehash: bool = False,
) -> dict[str, int]:
    """Bring the inventory of the given operators up to date with the raw folder.

    Only files whose size, mtime or ctime differ are opened, all of them with `rehash`, and of those
    only the ones whose content differs count as changed; a refused file is opened every time,
    unless its rows have refused it. Files that are gone are marked, not forgotten. What lies at the
    top of the raw folder and belongs to no operator is refused whatever operators are given.

    A file is absent where `is_present` is false. One that can't be looked at, because the folder or
    the archive it is in can't be opened, stays present with a refusal; `behind` is that folder or
    archive, whose own row tells the same.

    Returns the number of files in each known report folder that no dataset reads.

    Raises:
        MachineError: the machine failed; the inventory is as it was.
    """
    folders = {(report.iso, report.name): report for report in reports}
    known_folders = set(known_folders) | set(folders)
    unread = known_folders - set(folders)
    operators = {iso for iso, _ in known_folders}
    found = list_raw_files(raw, isos, known_folders) + list_strays(raw, operators)
    isos = [*isos, ""]
    listed = [
        file
        for file in _without_idle_links(connection, found)
        if (file.iso, file.report) not in unread and not _comes_along(file, folders)
    ]
    alongside = [
        file
        for file in found
        if (file.iso, file.report) not in unread and _comes_along(file, folders)
    ]
    changed = listed if rehash else _changed(connection, listed, isos, folders, raw, cache)
    results = _inspect_all(raw, cache, changed, folders, list(reports), progress, limits)
    connection.begin()
    try:
        _mark_present(connection, listed, isos)
        _replace(connection, changed, results, folders, raw)
        _keep_alongside(connection, alongside, isos)
        connection.commit()
    except BaseException:
        connection.rollback()
        raise
    _sweep(connection, cache)
    return Counter(
        f"{file.iso}/{file.report}" for file in found if (file.iso, file.report) in unread
    )


def _without_idle_links(
    connection: duckdb.DuckDBPyConnection, found: Sequence[Listed]
) -> list[Listed]:
    """Leave out links to nothing behind which no raw files were ever seen."""
    return [
        file
        for file in found
        if file.refusal != LINK_TO_NOTHING
        or connection.execute(
            "select 1 from inventory.raw_files where starts_with(path, $1) limit 1",
            [_text(file.path) + "/"],
        ).fetchall()
    ]


def _keep_alongside(
    connection: duckdb.DuckDBPyConnection, files: Sequence[Listed], isos: Sequence[str]
) -> None:
    connection.execute(
        "delete from inventory.files_alongside where list_contains($1, iso)", [list(isos)]
    )
    rows = [(file.iso, _text(file.path)) for file in files]
    if rows:
        connection.executemany("insert into inventory.files_alongside values ($1, $2)", rows)


def _comes_along(file: Listed, folders: Mapping[tuple[str, str], Report]) -> bool:
    report = folders.get((file.iso, file.report))
    return report is not None and report.leaves_out(file.path)


def _sweep(connection: duckdb.DuckDBPyConnection, cache: Path) -> None:
    """Remove cached members and links that no raw file is read through any more."""
    used = {
        read_path
        for (read_path,) in connection.execute(
            "select read_path from inventory.raw_files where starts_with(read_path, $1)",
            [str(cache)],
        ).fetchall()
    }
    # A link may lead to a member, or to a copy that stands beside it.
    links = str(cache / "links")
    used |= {str(Path(path).resolve()) for path in used if path.startswith(links)}
    used |= {path.rpartition(os.sep)[0] for path in used}
    for folder in ("members", "links"):
        for entry in _entries(cache / folder):
            if entry.path not in used:
                is_folder = entry.is_dir(follow_symlinks=False)
                shutil.rmtree(entry.path) if is_folder else Path(entry.path).unlink()


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except FileNotFoundError:
        return []


def _changed(
    connection: duckdb.DuckDBPyConnection,
    listed: Sequence[Listed],
    isos: Sequence[str],
    folders: Mapping[tuple[str, str], Report],
    raw: Path,
    cache: Path,
) -> list[Listed]:
    known = {
        path: rest
        for path, *rest in connection.execute(
            "select path, max(size), max(mtime_ns), max(ctime_ns), max(definition)"
            " from inventory.raw_files where list_contains($1, iso)"
            " group by path having count(refusal) filter (where refused_under is null) = 0",
            [list(isos)],
        ).fetchall()
    }
    lost = {
        path
        for path, read_path in connection.execute(
            "select path, read_path from inventory.raw_files where starts_with(read_path, $1)",
            [str(cache)],
        ).fetchall()
        if not Path(read_path).exists()
    }
    definitions = {
        folder: _definition(folders.get(folder), raw)
        for folder in {(file.iso, file.report) for file in listed}
    }
    return [
        file
        for file in listed
        if file.path in lost
        or known.get(_text(file.path))
        != [file.size, file.mtime_ns, file.ctime_ns, definitions[file.iso, file.report]]
    ]


@lru_cache
def _definition(report: Report | None, raw: Path) -> str:
    """Digest of what a file's entry depends on beside the file."""
    return hashlib.sha256(f"{raw} {report!r}".encode()).hexdigest()


def _inspect_all(
    raw: Path,
    cache: Path,
    changed: Sequence[Listed],
    folders: dict[tuple[str, str], Report],
    reports: Sequence[Report],
    progress: Progress,
    limits: Limits,
) -> list[Inspected]:
    def read(file: Listed) -> list[Inspected]:
        return inspect(raw, cache, file, folders.get((file.iso, file.report)), reports, limits)

    total = sum(file.size for file in changed)
    done = 0
    results: list[Inspected] = []
    for is_large, of_size in groupby(changed, key=lambda file: file.size >= BLOCK):
        files = list(of_size)
        # Reading a small file is Python's work for the most part. Two threads would wait for each
        # other then, which takes them half as much CPU again and no less time.
        with ThreadPoolExecutor(max_workers=2 if is_large else 1) as workers:
            tasks = [workers.submit(read, file) for file in files]
            try:
                for file, task in zip(files, tasks, strict=True):
                    results.extend(task.result())
                    done += file.size
                    progress("reading raw files", done, total)
            except BaseException:
                # What stops one of them stops the run, so that the others are not read any more.
                workers.shutdown(wait=False, cancel_futures=True)
                raise
    return results


def _mark_present(
    connection: duckdb.DuckDBPyConnection, listed: Sequence[Listed], isos: Sequence[str]
) -> None:
    connection.register("listed", pa.table({"path": [_text(file.path) for file in listed]}))
    connection.execute(
        "update inventory.raw_files set is_present = path in (select path from listed)"
        " where list_contains($1, iso)",
        [list(isos)],
    )
    connection.unregister("listed")
    _keep_what_is_behind(connection, [file for file in listed if file.is_folder])


def _keep_what_is_behind(connection: duckdb.DuckDBPyConnection, closed: Collection[Listed]) -> None:
    """Let known files below folders that can't be listed stay present, with a refusal.

    Nobody knows whether they are there; to take them for absent would let their rows go.
    """
    for folder in closed:
        path = _text(folder.path)
        connection.execute(
            """
            update inventory.raw_files
            set
                is_present = true,
                behind = case when refusal is null then $1 else behind end,
                refusal = coalesce(refusal, 'lies in ' || $1 || ', which ' || $2)
            where starts_with(path, $1 || '/')
            """,
            [path, _text(folder.refusal or "")],
        )


_OF_A_FILE = ("coverage", "rejected_lines", "skipped_lines", "file_rows", "file_warnings")
_IS_AS_BEFORE = """
    known.data_source = inspected.data_source
    and known.content_hash = inspected.content_hash
    and known.layout is not distinct from inspected.layout
    and known.report_date is not distinct from inspected.report_date
    and known.trailer_line is not distinct from inspected.trailer_line
    and (
        known.refusal is not distinct from inspected.refusal
        or known.behind is not null
        or (known.refused_under is not null and inspected.refusal is null)
    )
"""
_IS_IN_CLOSED_ARCHIVE = """
    known.path = inspected.path
    and known.data_source <> known.path
    and inspected.data_source = inspected.path
    and inspected.refusal is not null
"""


def _replace(
    connection: duckdb.DuckDBPyConnection,
    changed: Sequence[Listed],
    results: Sequence[Inspected],
    folders: Mapping[tuple[str, str], Report],
    raw: Path,
) -> None:
    """Put the inspected files in; a file whose content is as before keeps its id and coverage."""
    connection.register("opened", pa.table({"path": [_text(file.path) for file in changed]}))
    connection.register("inspected", _table(results, folders, raw))
    connection.execute(
        f"""
        update inventory.raw_files as known
        set
            size = inspected.size,
            mtime_ns = inspected.mtime_ns,
            ctime_ns = inspected.ctime_ns,
            read_path = inspected.read_path,
            definition = inspected.definition,
            -- What its rows have told of a file of this content is still true.
            refusal = case
                when known.refused_under is null then inspected.refusal
                else coalesce(inspected.refusal, known.refusal)
            end,
            warning = inspected.warning,
            behind = null
        from inspected
        where {_IS_AS_BEFORE}
        """
    )
    # Members of an archive that can't be opened any more stay, because they may still be in it.
    connection.execute(
        f"""
        update inventory.raw_files as known
        set
            behind = case when known.refusal is null then known.path else known.behind end,
            refusal = coalesce(
                known.refusal, 'lies in ' || known.path || ', which ' || inspected.refusal
            )
        from inspected
        where {_IS_IN_CLOSED_ARCHIVE}
        """
    )
    connection.execute(
        f"""
        create or replace temp table outdated as
        select file_id
        from inventory.raw_files as known
        semi join opened using (path)
        anti join inspected
            on ({_IS_AS_BEFORE})
            or ({_IS_IN_CLOSED_ARCHIVE})
        """
    )
    for table in (*_OF_A_FILE, "raw_files"):
        connection.execute(
            f"delete from inventory.{table} where file_id in (select file_id from outdated)"
        )
    connection.execute(
        """
        insert into inventory.raw_files by name
        select * exclude (hinted, skipped_lines), true as is_present
        from inspected
        anti join inventory.raw_files as known using (data_source)
        order by data_source
        """
    )
    connection.execute(
        """
        insert into inventory.coverage
        select files.file_id, unnest(inspected.hinted), null, true
        from inspected
        inner join inventory.raw_files as files using (data_source)
        where files.refusal is null
            and files.file_id not in (select file_id from inventory.coverage)
        """
    )
    connection.execute(
        """
        delete from inventory.skipped_lines
        where file_id in (
            select files.file_id
            from inventory.raw_files as files
            inner join inspected using (data_source)
            where inspected.skipped_lines is not null
        )
        """
    )
    connection.execute(
        """
        insert into inventory.skipped_lines
        select files.file_id, unnest(inspected.skipped_lines)
        from inspected
        inner join inventory.raw_files as files using (data_source)
        """
    )
    connection.execute("drop table outdated")
    connection.unregister("opened")
    connection.unregister("inspected")


def _table(
    results: Sequence[Inspected], folders: Mapping[tuple[str, str], Report], raw: Path
) -> pa.Table:
    schema = pa.schema(
        [
            ("iso", pa.string()),
            ("report", pa.string()),
            ("path", pa.string()),
            ("data_source", pa.string()),
            ("size", pa.uint64()),
            ("mtime_ns", pa.uint64()),
            ("ctime_ns", pa.uint64()),
            ("content_hash", pa.string()),
            ("read_path", pa.string()),
            ("lines", pa.uint64()),
            ("header_line", pa.uint32()),
            ("timestamp_format", pa.string()),
            ("column_names", pa.list_(pa.string())),
            ("layout", pa.string()),
            ("publication_stamp", pa.string()),
            ("report_date", pa.date32()),
            ("trailer_line", pa.uint64()),
            ("refusal", pa.string()),
            ("warning", pa.string()),
            ("definition", pa.string()),
            ("hinted", pa.list_(pa.date32())),
            ("skipped_lines", pa.list_(pa.uint64())),
        ]
    )
    return pa.Table.from_pylist([_row(result, folders, raw) for result in results], schema=schema)


def _row(
    result: Inspected, folders: Mapping[tuple[str, str], Report], raw: Path
) -> dict[str, object]:
    layout = result.layout
    report = folders.get((result.listed.iso, result.listed.report))
    return {
        "iso": result.listed.iso,
        "report": _text(result.listed.report),
        "path": _text(result.listed.path),
        "data_source": _text(result.data_source),
        "size": result.listed.size,
        "mtime_ns": result.listed.mtime_ns,
        "ctime_ns": result.listed.ctime_ns,
        "content_hash": result.content_hash,
        "read_path": result.read_path,
        "lines": max(result.lines, 0),
        "header_line": layout.header_line if layout else None,
        "timestamp_format": layout.timestamp_format if layout else None,
        "column_names": list(layout.names) if layout else None,
        "layout": layout.key() if layout else None,
        "publication_stamp": result.publication_stamp,
        "report_date": result.report_date,
        "trailer_line": result.trailer_line,
        "refusal": None if result.refusal is None else _text(result.refusal),
        "warning": result.warning,
        "definition": _definition(report, raw),
        "hinted": result.hinted,
        "skipped_lines": list(result.skipped_lines) or None,
    }


def _text(path: str) -> str:
    """Path as the database can hold it: bytes that are no UTF-8 are shown escaped."""
    return path.encode("utf-8", "backslashreplace").decode()
