"""Year files: joining parts into a candidate, and publishing it by one rename.

Nothing in the output folder changes until a candidate has passed its tests. The footer of every
year file carries what the manifest and the working database say of it, so that a file is whole by
its rename alone: `recover` makes the other two agree with the files, wherever a run was killed.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from unified_iso.footers import (
    SCHEMA_VERSION,
    Account,
    Entry,
    footer_texts,
    is_file_entry,
    read_footer,
)
from unified_iso.machine import MachineError, is_of_machine
from unified_iso.row_groups import (
    JoinResult,
    NotParquet,
    OtherBytes,
    Part,
    digest_of,
    join_row_groups,
    read_footer_metadata,
    read_seal,
)
from unified_iso.workspace import Workspace

# Which file the accounts of a year belong to, by the seal of its footer.
_YEAR_FILES = """
    create table if not exists inventory.year_files (
        model varchar not null,
        year usmallint not null,
        seal varchar not null
    )
"""


class PublishError(OSError):
    """Some candidates could not be moved into place; the message names them."""


class LostRows(ValueError):
    """A joined file has not the rows of its parts; the message names the file and both counts."""


def recover(workspace: Workspace, cursor: duckdb.DuckDBPyConnection) -> None:
    """Remove what a killed run left and tell the manifest and the database what is published.

    A year file that the manifest doesn't describe (killed between the rename and the manifest, or
    put there by hand) is described anew from its footer, and what it was made of is learnt from
    there; one that is gone is forgotten. Of files that have not changed only the seals are read.
    """
    with _machine_named(workspace.out):
        discard_candidates(workspace, cursor)
        _remove_leftovers(workspace)
        manifest = read_manifest(workspace)
        manifest["files"] = published_entries(workspace, cursor, manifest["files"])
        write_manifest(workspace, manifest)
        _fill_parts(cursor, manifest["files"])
        _recover_accounts(workspace, cursor, manifest["files"])


def _remove_leftovers(workspace: Workspace) -> None:
    """Remove what a killed run has left half written: names of the program's own, no others."""
    for path in (
        *map(_beside, (workspace.manifest, workspace.catalog)),
        _log_of(_beside(workspace.catalog)),
        *(path for path in workspace.parquet.glob("*/*/.*") if _is_staged(path)),
    ):
        if path.is_file() or path.is_symlink():
            path.unlink()
    for folder in (workspace.cache / "members").glob("*.partial"):
        shutil.rmtree(folder)


def _is_staged(path: Path) -> bool:
    """Whether `_move_across` would write under this name."""
    dataset = re.escape(path.parent.name)
    return re.fullmatch(rf"\.{dataset}_\d+\.parquet\.staged", path.name) is not None


def _beside(path: Path) -> Path:
    """Where a file is written before it takes the place of the one at `path`."""
    return path.with_name(path.name + ".partial")


def _log_of(database: Path) -> Path:
    """Where DuckDB keeps changes that are not in the database yet."""
    return database.with_name(database.name + ".wal")


def published_entries(
    workspace: Workspace, connection: duckdb.DuckDBPyConnection, files: Sequence[Entry]
) -> list[Entry]:
    """Return an entry for each year file in its place: that of `files` where it tells of this file.

    All others are described anew from their footers.
    """
    known = {entry["path"]: entry for entry in files}
    entries = [
        _described(workspace, connection, path, known.get(_relative(workspace, path)))
        for path in _files_in_place(workspace)
    ]
    return [entry for entry in entries if entry is not None]


def fault_of(workspace: Workspace, entry: Entry) -> str | None:
    """Tell what is wrong with the year file of an entry of `published_entries` or the manifest.

    Its bytes are compared with the checksum of the entry and with the seal in its footer.
    """
    path = workspace.out / entry["path"]
    if not path.exists():
        return "is gone"
    try:
        found = read_footer_metadata(path).num_rows
        digest = digest_of(path)
    except NotParquet as error:
        return str(error)
    for published in (entry["rows"], sum(part["rows"] for part in entry["parts"])):
        if found != published:
            return f"has {found} rows, {published} were published"
    if digest.sha256 != entry["sha256"] or digest.agrees_with_seal is False:
        return "has other bytes than were published"
    return None


def unreadable_files(workspace: Workspace) -> list[tuple[str, str]]:
    """Return the files among the year files that are no whole Parquet files, and why."""
    found = []
    for path in _files_in_place(workspace):
        try:
            read_seal(path)
        except NotParquet as error:
            found.append((_relative(workspace, path), str(error)))
    return found


def is_sound(workspace: Workspace, entry: Entry) -> bool:
    """Whether the file of an entry agrees with the seal in its footer."""
    return digest_of(workspace.out / entry["path"]).agrees_with_seal is True


def _files_in_place(workspace: Workspace) -> list[Path]:
    return sorted(path for path in workspace.parquet.glob("*/*/*.parquet") if path.is_file())


def _relative(workspace: Workspace, path: Path) -> str:
    return path.relative_to(workspace.out).as_posix()


def _recover_accounts(
    workspace: Workspace, cursor: duckdb.DuckDBPyConnection, entries: Sequence[Entry]
) -> None:
    """Make the accounts of each published part those that its file tells, and forget all others."""
    cursor.execute(_YEAR_FILES)
    seals = {
        (model, year): seal
        for model, year, seal in cursor.execute(
            "select model, year, seal from inventory.year_files"
        ).fetchall()
    }
    for entry in entries:
        year = (entry["model"], entry["year"])
        if entry.get("seal") == seals.get(year):
            continue
        if entry.get("seal") is None:
            # An older file was put back: what is known is of the one that it has replaced.
            _replace_accounts(cursor, *year, [], None)
            continue
        footer = read_footer(workspace.out / entry["path"])
        if footer is not None and footer.accounts is not None:
            _replace_accounts(cursor, *year, footer.accounts, entry["seal"])
    _forget_accounts(workspace, cursor, entries)
    _restore_accounts(workspace, cursor, entries)


def _replace_accounts(
    cursor: duckdb.DuckDBPyConnection,
    model: str,
    year: int,
    accounts: Sequence[Account],
    seal: str | None,
) -> None:
    """Let a year have these accounts, and say in the same transaction which file they belong to."""
    cursor.register("told", _table(accounts))
    with _transaction(cursor):
        cursor.execute(
            "delete from inventory.accounts where model = $1 and year(part) = $2", [model, year]
        )
        cursor.execute(
            """
            insert into inventory.accounts
            select $1, part::date, data_source, content_hash, term, reason, rows
            from told
            """,
            [model],
        )
        cursor.execute(
            "delete from inventory.year_files where model = $1 and year = $2", [model, year]
        )
        if seal is not None:
            cursor.execute(
                "insert into inventory.year_files values ($1, $2, $3)", [model, year, seal]
            )
    cursor.unregister("told")


def _table(accounts: Sequence[Account]) -> pa.Table:
    kinds = [pa.string()] * 5 + [pa.uint64()]
    return pa.Table.from_pylist(
        [account._asdict() for account in accounts],
        schema=pa.schema(list(zip(Account._fields, kinds, strict=True))),
    )


@contextmanager
def _transaction(cursor: duckdb.DuckDBPyConnection) -> Iterator[None]:
    cursor.begin()
    try:
        yield
    except BaseException:
        cursor.rollback()
        raise
    cursor.commit()


def _forget_accounts(
    workspace: Workspace, cursor: duckdb.DuckDBPyConnection, entries: Sequence[Entry]
) -> None:
    """Forget the accounts of parts that no published file has.

    A file that is there and can't be read keeps what is known of it: its rows are in no part any
    more, and without its accounts they would be made anew without those of vanished raw files.
    """
    readable = {entry["path"] for entry in entries}
    unreadable = [
        _model_and_year(path)
        for path in _files_in_place(workspace)
        if _relative(workspace, path) not in readable
    ]
    kept = [f"{model} {year}" for model, year in unreadable]
    cursor.execute(
        """
        delete from inventory.accounts as accounts
        where (accounts.model, accounts.part) not in (
            select (parts.model, parts.part) from inventory.parts as parts
        )
        and not list_contains($1::varchar[], accounts.model || ' ' || year(accounts.part))
        """,
        [kept],
    )
    cursor.execute(
        """
        delete from inventory.year_files as files
        where (files.model, files.year) not in (
            select (parts.model, parts.year) from inventory.parts as parts
        )
        """
    )


def _model_and_year(path: Path) -> tuple[str, str]:
    """Tell from its place what a year file is of."""
    return f"{path.parent.parent.name}_{path.parent.name}", path.stem.rpartition("_")[2]


def _restore_accounts(
    workspace: Workspace, cursor: duckdb.DuckDBPyConnection, entries: Sequence[Entry]
) -> None:
    """Learn from the rows of files which raw files they hold, where their footers don't tell.

    Without it a lost working database would let a rebuild drop the rows of vanished raw files.
    """
    unknown = set(
        cursor.execute(
            "select distinct model, year from inventory.parts"
            " anti join inventory.accounts using (model, part)"
        ).fetchall()
    )
    for entry in entries:
        if (entry["model"], entry["year"]) not in unknown:
            continue
        cursor.execute(
            """
            insert into inventory.accounts
            with unknown as (
                select model, part, first_interval, last_interval
                from inventory.parts as parts
                where model = $1
                    and year = $2
                    and part not in (select part from inventory.accounts where model = $1)
            ),

            held as (
                select unknown.model, unknown.part, files.data_source, count(*) as rows
                from read_parquet($3, hive_partitioning = false) as files
                inner join unknown
                    on files.datetime_utc between unknown.first_interval and unknown.last_interval
                group by all
            )

            select
                model,
                part,
                data_source,
                'unknown',
                unnest(['parsed', 'published']),
                'as found in the published file',
                rows
            from held
            """,
            [entry["model"], entry["year"], str(workspace.out / entry["path"])],
        )


def discard_candidates(workspace: Workspace, cursor: duckdb.DuckDBPyConnection) -> None:
    """Forget everything that was built and not published."""
    shutil.rmtree(workspace.candidates, ignore_errors=True)
    workspace.candidates.mkdir(parents=True)
    cursor.execute(
        """
        create or replace table inventory.new_parts as
        select *, null::varchar as path from inventory.parts where false;
        create or replace table inventory.dropped_parts as
        select model, part, year from inventory.parts where false;
        create or replace table inventory.new_accounts as
        select * from inventory.accounts where false;
        create or replace table inventory.component_breaks (
            model varchar, datetime_utc timestamptz, settlement_location varchar,
            lmp_total double, sum_of_components double, data_source varchar
        );
        create or replace table inventory.blocked (
            model varchar, year usmallint, message varchar
        );
        create or replace table inventory.candidates (
            model varchar, year usmallint, path varchar, target varchar, entry varchar
        );
        """
    )


def join_year(
    workspace: Workspace,
    cursor: duckdb.DuckDBPyConnection,
    *,
    model: str,
    iso: str,
    dataset: str,
    family: str,
    year: int,
    step_minutes: int,
    fingerprint: str,
    may_lack_ids: bool,
    unchecked_reports: Sequence[str],
) -> None:
    """Write the candidate of one year from its new parts and the published row groups of the rest.

    A year that has no part left gets a candidate without a file: publishing removes the old one.
    """
    target = workspace.year_file(iso, dataset, year)
    parts = _parts_of_year(cursor, model, year, target)
    if not parts:
        _add_candidate(cursor, model, year, None, target, {})
        return
    entry: Entry = {
        "iso": iso,
        "dataset": dataset,
        "model": model,
        "family": family,
        "year": year,
        "schema_version": SCHEMA_VERSION,
        "fingerprint": fingerprint,
        "engine": f"duckdb {duckdb.__version__}",
        "step_minutes": step_minutes,
        "may_lack_ids": may_lack_ids,
        "unchecked_reports": list(unchecked_reports),
        "first_interval": parts[0][0]["first_interval"],
        "last_interval": parts[-1][0]["last_interval"],
        "input_digest": _digest(part["digest"] for part, _ in parts),
        "parts": [part for part, _ in parts],
    }
    candidate = workspace.candidates / model / target.name
    try:
        with _machine_named(workspace.candidates):
            _join_parts(workspace, cursor, entry, parts, candidate, target)
    except (ValueError, FileNotFoundError) as error:
        candidate.unlink(missing_ok=True)
        advice = (
            f"build the year anew with --full-refresh --year {year} "
            f"(dbt build: --full-refresh --vars '{{year: {year}}}')"
        )
        _block_year(cursor, model, year, f"{error}: {advice}")


def _join_parts(
    workspace: Workspace,
    cursor: duckdb.DuckDBPyConnection,
    entry: Entry,
    parts: Sequence[tuple[Entry, Part]],
    candidate: Path,
    target: Path,
) -> None:
    model, year = entry["model"], entry["year"]
    candidate.parent.mkdir(parents=True, exist_ok=True)
    path = _relative(workspace, target)
    try:
        # Publishing syncs the file; until then the system writes it out beside the tests.
        joined = join_row_groups(
            [source for _, source in parts],
            candidate,
            footer_texts(entry, _accounts_of_year(cursor, model, year)),
            sync=False,
            sealed=True,
            checked=_files_to_check(workspace, parts, target),
        )
    except OtherBytes as error:
        raise OtherBytes(
            f"{path} has other bytes than were published, so nothing is built on it"
        ) from error
    _require_all_rows(path, parts, joined)
    entry |= {
        "path": path,
        "bytes": joined.bytes,
        "sha256": joined.sha256,
        "seal": joined.seal,
    }
    entry |= _summary(cursor, candidate, entry)
    _require_rows_read_back(cursor, path, parts, candidate, entry["rows"])
    for part, source in parts:
        if source.path.parent == candidate.parent:
            source.path.unlink()
        cursor.execute(
            "update inventory.new_parts set path = null where model = $1 and part = $2",
            [model, part["part"]],
        )
    _add_candidate(cursor, model, year, candidate, target, entry)


def _accounts_of_year(cursor: duckdb.DuckDBPyConnection, model: str, year: int) -> list[Account]:
    """Return the accounts of the parts that a year will have: those just written, and those kept.

    A row that came from no known raw file has no hash to be known by.
    """
    rows = cursor.execute(
        """
        with written as (
            select part from inventory.new_parts where model = $1 and year = $2
        ),

        kept as (
            select part from inventory.parts where model = $1 and year = $2
            except
            select part from written
            except
            select part from inventory.dropped_parts where model = $1
        ),

        accounts as (
            select * from inventory.new_accounts
            where model = $1 and part in (select part from written)
            union all
            select * from inventory.accounts
            where model = $1 and part in (select part from kept)
        )

        select
            part::varchar,
            data_source,
            coalesce(content_hash, 'unknown') as content_hash,
            term,
            reason,
            rows
        from accounts
        order by part, data_source, content_hash, term, reason nulls first, rows
        """,
        [model, year],
    ).fetchall()
    return [Account(*row) for row in rows]


def _files_to_check(
    workspace: Workspace, parts: Sequence[tuple[Entry, Part]], target: Path
) -> dict[Path, str | None]:
    """Return the published file if parts of it are kept, with its checksum if it has no seal."""
    if all(source.path != target for _, source in parts):
        return {}
    if read_seal(target) is not None:
        return {target: None}
    path = _relative(workspace, target)
    known = (entry for entry in read_manifest(workspace)["files"] if entry["path"] == path)
    return {target: next((entry["sha256"] for entry in known), None)}


def _require_all_rows(path: str, parts: Sequence[tuple[Entry, Part]], joined: JoinResult) -> None:
    expected = {part["part"]: part["rows"] for part, _ in parts}
    if len(joined.rows_of_part) != len(expected):
        raise LostRows(
            f"{path} was joined from {len(joined.rows_of_part)} parts instead of {len(expected)}: "
            f"{_total(parts)} rows were expected and {joined.rows} found"
        )
    for (part, rows), found in zip(expected.items(), joined.rows_of_part, strict=True):
        if rows != found:
            raise LostRows(
                f"{path}: {rows} rows were expected and {found} found in its part of {part}"
            )


def _require_rows_read_back(
    cursor: duckdb.DuckDBPyConnection,
    path: str,
    parts: Sequence[tuple[Entry, Part]],
    candidate: Path,
    counted: int,
) -> None:
    """Compare what the parts should have with what the footer says and with what can be read."""
    expected = _total(parts)
    [(stated,)] = cursor.execute(
        "select num_rows from parquet_file_metadata($1)", [str(candidate)]
    ).fetchall()
    for found in (stated, counted):
        if found != expected:
            raise LostRows(f"{path}: {expected} rows were expected and {found} found")


def _total(parts: Sequence[tuple[Entry, Part]]) -> int:
    return sum(part["rows"] for part, _ in parts)


def _block_year(cursor: duckdb.DuckDBPyConnection, model: str, year: int, message: str) -> None:
    """Leave a year as it is published, and say why; other years and datasets go on."""
    cursor.execute("insert into inventory.blocked values ($1, $2, $3)", [model, year, message])
    for table in ("new_parts", "dropped_parts", "candidates"):
        cursor.execute(
            f"delete from inventory.{table} where model = $1 and year = $2", [model, year]
        )
    cursor.execute(
        "delete from inventory.new_accounts where model = $1 and year(part) = $2", [model, year]
    )


@contextmanager
def _machine_named(folder: Path) -> Iterator[None]:
    """Turn an error of the machine into one that says where it came up and what to do.

    Raises:
        MachineError: in place of what tells of a full disk and the like.
    """
    try:
        yield
    except MachineError:
        raise
    except (OSError, MemoryError, duckdb.Error) as error:
        if not is_of_machine(error):
            raise
        raise MachineError(_advice(error, folder)) from error


def _advice(error: BaseException, folder: Path) -> str:
    reason = error.strerror if isinstance(error, OSError) else str(error).splitlines()[0]
    return (
        f"{reason} in {folder}: what is published is whole; see to the space and the disk of that "
        "folder, then build again"
    )


def _parts_of_year(
    cursor: duckdb.DuckDBPyConnection, model: str, year: int, published: Path
) -> list[tuple[Entry, Part]]:
    rows = cursor.execute(
        """
        with kept as (
            select
                *,
                coalesce(
                    sum(row_groups) over (
                        order by part rows between unbounded preceding and 1 preceding
                    ),
                    0
                ) as first_row_group
            from inventory.parts
            where model = $1 and year = $2
        ),

        parts as (
            select part, digest, rows, row_groups, first_interval, last_interval, path, 0 as first
            from inventory.new_parts
            where model = $1 and year = $2
            union all
            select
                part, digest, rows, row_groups, first_interval, last_interval, null, first_row_group
            from kept
            anti join inventory.new_parts as new on kept.model = new.model and kept.part = new.part
            anti join inventory.dropped_parts as dropped
                on kept.model = dropped.model and kept.part = dropped.part
        )

        select
            part::varchar,
            digest,
            rows,
            row_groups,
            strftime(first_interval, '%Y-%m-%dT%H:%M:%SZ'),
            strftime(last_interval, '%Y-%m-%dT%H:%M:%SZ'),
            path,
            first
        from parts
        order by part
        """,
        [model, year],
    ).fetchall()
    names = ("part", "digest", "rows", "row_groups", "first_interval", "last_interval")
    return [
        (
            dict(zip(names, row[:6], strict=True)),
            Part(Path(row[6]) if row[6] else published, int(row[7]), row[3]),
        )
        for row in rows
    ]


def _summary(cursor: duckdb.DuckDBPyConnection, year_file: Path, entry: Entry) -> Entry:
    """Count rows, locations, locations known by name only, and missing intervals of a year file.

    An interval is missing for a location where it lies between the location's first and last. Names
    are not read where none stands for an id.
    """
    name = "settlement_location" if entry["may_lack_ids"] else "null"
    rows, locations, without_id, missing = cursor.execute(
        f"""
        with per_location as (
            select
                settlement_location_id,
                bool_or(settlement_location_id = {name}) as has_name_only,
                count(*) as rows,
                date_diff('minute', min(datetime_utc), max(datetime_utc)) // $2 + 1 as expected
            from read_parquet($1, hive_partitioning = false)
            group by all
        )

        select
            coalesce(sum(rows), 0)::bigint,
            count(*),
            count(*) filter (where has_name_only),
            coalesce(sum(greatest(expected - rows, 0)), 0)::bigint
        from per_location
        """,
        [str(year_file), entry["step_minutes"]],
    ).fetchall()[0]
    return {
        "rows": rows,
        "locations": locations,
        "locations_without_id": without_id,
        "missing_intervals": missing,
    }


def _digest(texts: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()


def _add_candidate(
    cursor: duckdb.DuckDBPyConnection,
    model: str,
    year: int,
    path: Path | None,
    target: Path,
    entry: Entry,
) -> None:
    cursor.execute(
        "insert into inventory.candidates values ($1, $2, $3, $4, $5)",
        [model, year, str(path) if path else None, str(target), json.dumps(entry, sort_keys=True)],
    )


def publish(
    workspace: Workspace,
    cursor: duckdb.DuckDBPyConnection,
    models: Sequence[str],
    families: Mapping[str, Sequence[str]] | None = None,
    year: int | None = None,
) -> None:
    """Move the candidates of `models` into place, one rename each, then write manifest and catalog.

    The file of a year that has no row left goes last, when nothing points at it any more. For
    `families` see `write_catalog`. What the manifest says of years that were not published stays
    until their dataset is built again: `year` is the only one that was built now, if so.

    Raises:
        PublishError: some could not be moved; the others are published all the same.
        MachineError: the same, because of a full disk or the like.
    """
    failed: list[tuple[str, OSError]] = []
    emptied: list[tuple[str, int, Path]] = []
    manifest = read_manifest(workspace)
    files = {entry["path"]: entry for entry in manifest["files"]}
    for model, built, path, target, entry in cursor.execute(
        "select * from inventory.candidates where list_contains($1, model)"
        " and (model, year) not in (select (model, year) from inventory.blocked) order by target",
        [list(models)],
    ).fetchall():
        relative = _relative(workspace, Path(target))
        if path is None:
            files.pop(relative, None)
            emptied.append((model, built, Path(target)))
            continue
        try:
            _move(Path(path), Path(target))
        except OSError as error:
            failed.append((relative, error))
            continue
        files[relative] = json.loads(entry)
        with _machine_named(workspace.state):
            _keep_accounts(cursor, model, built, files[relative]["seal"])
    manifest["files"] = [files[path] for path in sorted(files)]
    manifest["refused"] = _refused(cursor)
    manifest["rejected"] = _rejected(cursor)
    manifest["unpublished"] = [
        entry
        for entry in manifest["unpublished"]
        if entry["model"] not in models or (year and entry["year"] != year)
    ] + _unpublished(cursor)
    manifest["no_dataset"] = _no_dataset(cursor)
    manifest["left_out"] = _left_out(cursor)
    manifest["warnings"] = _warnings(cursor)
    write_manifest(workspace, manifest)
    write_catalog(workspace, families or {})
    for model, emptied_year, target in emptied:
        try:
            target.unlink(missing_ok=True)
        except OSError as error:
            failed.append((_relative(workspace, target), error))
            continue
        with _machine_named(workspace.state):
            _keep_accounts(cursor, model, emptied_year, None)
    with _machine_named(workspace.state):
        _fill_parts(cursor, manifest["files"])
    if failed:
        _raise_failed(workspace, failed)


def _raise_failed(workspace: Workspace, failed: Sequence[tuple[str, OSError]]) -> None:
    names = ", ".join(path for path, _ in failed)
    for _, error in failed:
        if is_of_machine(error):
            advice = _advice(error, workspace.parquet)
            raise MachineError(f"could not publish {names}: {advice}") from error
    reasons = ", ".join(dict.fromkeys(str(error.strerror or error) for _, error in failed))
    raise PublishError(
        f"could not publish {names} ({reasons}): see to the rights of their folders in "
        f"{workspace.parquet} and close what holds the files, then build again"
    ) from failed[0][1]


def _move(candidate: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    _sync(candidate, os.O_RDWR)
    try:
        candidate.replace(target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        _move_across(candidate, target)
    if os.name != "nt":
        _sync(target.parent, os.O_RDONLY)


def _move_across(candidate: Path, target: Path) -> None:
    """Move a file to another file system: a rename there is still what publishes it."""
    staged = target.with_name(f".{target.name}.staged")
    try:
        shutil.copyfile(candidate, staged)
        _sync(staged, os.O_RDWR)
        staged.replace(target)
    except BaseException:
        staged.unlink(missing_ok=True)
        raise
    candidate.unlink()


def _sync(path: Path, mode: int) -> None:
    descriptor = os.open(path, mode)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _keep_accounts(
    cursor: duckdb.DuckDBPyConnection, model: str, year: int, seal: str | None
) -> None:
    """Take over the accounts that the footer of a year's file has; None: the file is gone."""
    _replace_accounts(cursor, model, year, _accounts_of_year(cursor, model, year), seal)


def _refused(cursor: duckdb.DuckDBPyConnection) -> list[Entry]:
    return [
        {"file": data_source, "reason": refusal}
        for data_source, refusal in cursor.execute(
            """
            select data_source, refusal from inventory.raw_files
            where is_present and refusal is not null and behind is null
            order by data_source
            """
        ).fetchall()
    ]


def _rejected(cursor: duckdb.DuckDBPyConnection) -> list[Entry]:
    """List the files with rejected rows, each with its first one and how many there are."""
    names = ("file", "line", "reason", "rows")
    return [
        dict(zip(names, row, strict=True))
        for row in cursor.execute(
            """
            select
                rejected.data_source,
                min(rejected.line),
                arg_min(rejected.message, coalesce(rejected.line, 0)),
                count(distinct coalesce(rejected.line, 0))
            from inventory.rejected_rows as rejected
            inner join inventory.raw_files as files using (file_id)
            where files.is_present
            group by rejected.data_source
            order by rejected.data_source
            """
        ).fetchall()
    ]


def _unpublished(cursor: duckdb.DuckDBPyConnection) -> list[Entry]:
    return [
        {"model": model, "year": year, "reason": message}
        for model, year, message in cursor.execute(
            "select model, year, message from inventory.blocked order by all"
        ).fetchall()
    ]


# How `with_other_markets_filtered` begins what it says of rows that no dataset takes.
NO_DATASET = "filtered: belongs to no dataset yet: "
# Rows of a report that is joined to the prices of others are used, though they give no row.
_JOINED = "filtered: joined "


def _no_dataset(cursor: duckdb.DuckDBPyConnection) -> list[Entry]:
    """List by file how many rows of which market and resolution belong to no dataset.

    Each dataset of the operator has met the same rows.
    """
    return _entries(
        cursor,
        ("file", "of", "rows"),
        """
        select files.data_source, substr(kept.set_aside, length($1) + 1) as market, max(kept.rows)
        from inventory.file_rows as kept
        inner join inventory.raw_files as files using (file_id)
        where files.is_present and files.refusal is null and starts_with(kept.set_aside, $1)
        group by all
        order by all
        """,
        [NO_DATASET],
    )


def _left_out(cursor: duckdb.DuckDBPyConnection) -> list[Entry]:
    """List the other files that were read and of which no dataset takes a row, and why.

    A file with a rejected row is told of elsewhere.
    """
    return _entries(
        cursor,
        ("file", "rows", "reason"),
        """
        select
            files.data_source,
            max(kept.rows),
            arg_max(regexp_replace(kept.set_aside, '^[a-z]+: ', ''), kept.rows)
        from inventory.file_rows as kept
        inner join inventory.raw_files as files using (file_id)
        where files.is_present and files.refusal is null
        group by files.file_id, files.data_source
        having bool_and(
            coalesce(starts_with(kept.set_aside, 'filtered: '), false)
            and not starts_with(kept.set_aside, $1)
            and not starts_with(kept.set_aside, $2)
        )
        order by all
        """,
        [NO_DATASET, _JOINED],
    )


def _warnings(cursor: duckdb.DuckDBPyConnection) -> list[Entry]:
    return _entries(
        cursor,
        ("file", "message"),
        """
        select distinct files.data_source, warnings.message
        from inventory.file_warnings as warnings
        inner join inventory.raw_files as files using (file_id)
        where files.is_present and files.refusal is null
        order by all
        """,
        [],
    )


def _entries(
    cursor: duckdb.DuckDBPyConnection, names: Sequence[str], sql: str, parameters: Sequence[object]
) -> list[Entry]:
    rows = cursor.execute(sql, list(parameters)).fetchall()
    return [dict(zip(names, row, strict=True)) for row in rows]


_LISTED = {
    "refused": ("file", "reason"),
    "rejected": ("file", "line", "reason", "rows"),
    "unpublished": ("model", "year", "reason"),
    "no_dataset": ("file", "of", "rows"),
    "left_out": ("file", "rows", "reason"),
    "warnings": ("file", "message"),
}


def read_manifest(workspace: Workspace) -> dict[str, Any]:
    """Return the manifest, empty where there is none yet or it is damaged.

    Entries that lack what is read of them are left out: their files are described anew.
    """
    try:
        manifest = json.loads(workspace.manifest.read_bytes())
    except (FileNotFoundError, ValueError, RecursionError):
        manifest = None
    if not isinstance(manifest, dict):
        manifest = {}
    files = [entry for entry in _list(manifest, "files") if is_file_entry(entry)]
    return manifest | {
        "schema_version": SCHEMA_VERSION,
        "files": [entry for entry in files if _is_in_place(workspace, entry)],
        **{
            name: [
                entry
                for entry in _list(manifest, name)
                if isinstance(entry, dict) and entry.keys() >= set(keys)
            ]
            for name, keys in _LISTED.items()
        },
    }


def _list(manifest: Mapping[str, Any], name: str) -> list[Any]:
    found = manifest.get(name)
    return found if isinstance(found, list) else []


def _is_in_place(workspace: Workspace, entry: Entry) -> bool:
    return workspace.out / entry["path"] == _place_of(workspace, entry)


def _place_of(workspace: Workspace, entry: Entry) -> Path:
    return workspace.year_file(entry["iso"], entry["dataset"], entry["year"])


def write_manifest(workspace: Workspace, manifest: Mapping[str, Any]) -> None:
    """Replace the manifest by one rename, if it says something new.

    Raises:
        MachineError: the disk is full, or the like.
    """
    text = json.dumps(manifest, indent=1, sort_keys=True).encode()
    if workspace.manifest.is_file() and workspace.manifest.read_bytes() == text:
        return
    beside = _beside(workspace.manifest)
    with _machine_named(workspace.manifest.parent):
        with beside.open("wb") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        beside.replace(workspace.manifest)


def _described(
    workspace: Workspace,
    connection: duckdb.DuckDBPyConnection,
    path: Path,
    known: Entry | None,
) -> Entry | None:
    """Return what is known of a year file if it is of this file, else what its footer says.

    A file that has lost its seal's agreement keeps its place, its accounts and its parts: `verify`
    tells of it, and nothing is built on it.
    """
    size = path.stat().st_size
    try:
        seal = read_seal(path)
        if known is not None and known["bytes"] == size and known.get("seal") == seal:
            return known
        footer = read_footer(path)
        if footer is None or path != _place_of(workspace, footer.entry):
            return None
        sha256 = digest_of(path).sha256
    except NotParquet:
        return None
    entry = footer.entry | {
        "path": _relative(workspace, path),
        "bytes": size,
        "sha256": sha256,
        "seal": seal,
    }
    return entry | _summary_of_any(connection, path, entry)


def _summary_of_any(connection: duckdb.DuckDBPyConnection, path: Path, entry: Entry) -> Entry:
    """Summarise a file that may be damaged: what can't be counted is told by the entry, or zero."""
    try:
        return _summary(connection, path, entry)
    except duckdb.Error as error:
        if is_of_machine(error):
            raise
        rows = sum(part["rows"] for part in entry["parts"])
        return {"rows": rows, "locations": 0, "locations_without_id": 0, "missing_intervals": 0}


def _fill_parts(cursor: duckdb.DuckDBPyConnection, entries: Sequence[Entry]) -> None:
    cursor.register("listed", _parts_table(entries))
    with _transaction(cursor):
        cursor.execute("delete from inventory.parts")
        cursor.execute(
            """
            insert into inventory.parts
            select
                model,
                part::date,
                year,
                digest,
                fingerprint,
                rows,
                row_groups,
                first_interval::timestamptz,
                last_interval::timestamptz
            from listed
            """
        )
    cursor.unregister("listed")


def _parts_table(entries: Sequence[Entry]) -> pa.Table:
    fields = [
        *((name, pa.string()) for name in ("model", "part", "digest", "fingerprint")),
        *((name, pa.int64()) for name in ("year", "rows", "row_groups")),
        *((name, pa.string()) for name in ("first_interval", "last_interval")),
    ]
    rows = [
        part | {name: entry[name] for name in ("model", "year", "fingerprint")}
        for entry in entries
        for part in entry["parts"]
    ]
    return pa.Table.from_pylist(rows, schema=pa.schema(fields))


def write_catalog(workspace: Workspace, families: Mapping[str, Sequence[str]]) -> None:
    """Replace `catalog.duckdb`: a view per published dataset and one per family of datasets.

    `families` maps the name of a view over many datasets to the models it unites. Readers of the
    old catalog keep it until they open the new one.
    """
    files: dict[str, list[str]] = {}
    for entry in read_manifest(workspace)["files"]:
        files.setdefault(entry["model"], []).append(str(workspace.out / entry["path"]))
    beside = _beside(workspace.catalog)
    for leftover in (beside, _log_of(beside)):
        leftover.unlink(missing_ok=True)
    with _machine_named(workspace.out):
        with duckdb.connect(str(beside)) as catalog:
            for model, paths in sorted(files.items()):
                listed = ", ".join(_quoted(path) for path in sorted(paths))
                rows = f"read_parquet([{listed}], hive_partitioning = false)"
                catalog.execute(f'create view "{model}" as select * from {rows}')
            for name, models in sorted(families.items()):
                union = " union all ".join(f'select * from "{m}"' for m in models if m in files)
                if union:
                    catalog.execute(f'create view "{name}" as {union}')
        # The log of a session that died belongs to the catalog that goes: beside the new one it
        # would keep everybody from opening it. Without its log the old one still can be opened.
        _log_of(workspace.catalog).unlink(missing_ok=True)
        beside.replace(workspace.catalog)


def _quoted(path: str) -> str:
    return "'" + path.replace("'", "''") + "'"
