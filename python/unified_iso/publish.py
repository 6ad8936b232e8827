"""Year files: joining parts into a candidate, and publishing it by one rename.

Nothing in the output folder changes until a candidate has passed its tests. The footer of every
year file carries what the manifest says of it, so either can be rebuilt from the other.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb

from unified_iso.row_groups import NotParquet, Part, join_row_groups, read_footer_metadata
from unified_iso.workspace import Workspace

SCHEMA_VERSION = 1
FOOTER_KEY = "unified_iso"

Entry = dict[str, Any]


class PublishError(OSError):
    """Some candidates could not be moved into place; the message names them."""


def recover(workspace: Workspace, cursor: duckdb.DuckDBPyConnection) -> None:
    """Remove what a killed run left and tell the database what is published.

    A year file that the manifest doesn't describe (killed between the rename and the manifest, or
    put there by hand) is described anew from its footer; one that is gone is forgotten.
    """
    discard_candidates(workspace, cursor)
    for leftover in workspace.out.rglob("*.partial"):
        leftover.unlink() if leftover.is_file() else shutil.rmtree(leftover)
    manifest = read_manifest(workspace)
    known = {entry["path"]: entry for entry in manifest["files"]}
    entries = [
        _described(workspace, cursor, path, known.get(path.relative_to(workspace.out).as_posix()))
        for path in sorted(workspace.parquet.glob("*/*/*.parquet"))
    ]
    manifest["files"] = [entry for entry in entries if entry is not None]
    write_manifest(workspace, manifest)
    _fill_parts(cursor, manifest["files"])
    _restore_accounts(workspace, cursor, manifest["files"])


def _restore_accounts(
    workspace: Workspace, cursor: duckdb.DuckDBPyConnection, entries: Sequence[Entry]
) -> None:
    """Learn from the published files which raw files they hold, where the database doesn't know.

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
    candidate = workspace.candidates / model / target.name
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
    candidate.parent.mkdir(parents=True, exist_ok=True)
    # Publishing syncs the file; until then the system writes it out beside the tests.
    footer = {FOOTER_KEY: json.dumps(entry, sort_keys=True)}
    joined = join_row_groups([source for _, source in parts], candidate, footer, sync=False)
    entry |= {
        "path": target.relative_to(workspace.out).as_posix(),
        "bytes": joined.bytes,
        "sha256": joined.sha256,
    }
    entry |= _summary(cursor, candidate, entry)
    for part, source in parts:
        if source.path.parent == candidate.parent:
            source.path.unlink()
        cursor.execute(
            "update inventory.new_parts set path = null where model = $1 and part = $2",
            [model, part["part"]],
        )
    _add_candidate(cursor, model, year, candidate, target, entry)


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


def publish(workspace: Workspace, cursor: duckdb.DuckDBPyConnection, models: Sequence[str]) -> None:
    """Move the candidates of `models` into place, one rename each, then write the manifest.

    Raises:
        PublishError: some could not be moved; the others are published all the same.
    """
    failed: list[str] = []
    manifest = read_manifest(workspace)
    files = {entry["path"]: entry for entry in manifest["files"]}
    for model, year, path, target, entry in cursor.execute(
        "select * from inventory.candidates where list_contains($1, model)"
        " and (model, year) not in (select (model, year) from inventory.blocked) order by target",
        [list(models)],
    ).fetchall():
        relative = Path(target).relative_to(workspace.out).as_posix()
        try:
            _move(Path(path) if path else None, Path(target))
        except OSError as error:
            failed.append(f"{relative} ({error.strerror})")
            continue
        files.pop(relative, None)
        if path:
            files[relative] = json.loads(entry)
        _keep_accounts(cursor, model, year)
    manifest["files"] = [files[path] for path in sorted(files)]
    manifest["refused"] = _refused(cursor)
    manifest["rejected"] = _rejected(cursor)
    manifest["unpublished"] = _unpublished(cursor)
    write_manifest(workspace, manifest)
    _fill_parts(cursor, manifest["files"])
    if failed:
        raise PublishError(f"could not publish {', '.join(failed)}: free the files and build again")


def _move(candidate: Path | None, target: Path) -> None:
    if candidate is None:
        target.unlink(missing_ok=True)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    _sync(candidate, os.O_RDWR)
    candidate.replace(target)
    if os.name != "nt":
        _sync(target.parent, os.O_RDONLY)


def _sync(path: Path, mode: int) -> None:
    descriptor = os.open(path, mode)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _keep_accounts(cursor: duckdb.DuckDBPyConnection, model: str, year: int) -> None:
    cursor.begin()
    cursor.execute(
        """
        delete from inventory.accounts
        where model = $1 and part in (
            select part from inventory.new_parts where model = $1 and year = $2
            union all
            select part from inventory.dropped_parts where model = $1 and year = $2
        )
        """,
        [model, year],
    )
    cursor.execute(
        """
        insert into inventory.accounts
        select * from inventory.new_accounts where model = $1 and year(part) = $2
        """,
        [model, year],
    )
    cursor.commit()


def _refused(cursor: duckdb.DuckDBPyConnection) -> list[Entry]:
    return [
        {"file": data_source, "reason": refusal}
        for data_source, refusal in cursor.execute(
            """
            select data_source, refusal from inventory.raw_files
            where is_present and refusal is not null
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


def read_manifest(workspace: Workspace) -> dict[str, Any]:
    """Return the manifest, empty where there is none yet or it is damaged."""
    try:
        manifest = json.loads(workspace.manifest.read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        manifest = {}
    lists: dict[str, Any] = {name: [] for name in ("files", "refused", "rejected", "unpublished")}
    return {"schema_version": SCHEMA_VERSION} | lists | manifest


def write_manifest(workspace: Workspace, manifest: Mapping[str, Any]) -> None:
    """Replace the manifest by one rename."""
    beside = workspace.manifest.with_name("manifest.json.partial")
    with beside.open("w") as stream:
        json.dump(manifest, stream, indent=1, sort_keys=True)
        stream.flush()
        os.fsync(stream.fileno())
    beside.replace(workspace.manifest)


def _described(
    workspace: Workspace, cursor: duckdb.DuckDBPyConnection, path: Path, known: Entry | None
) -> Entry | None:
    size = path.stat().st_size
    if known is not None and known["bytes"] == size:
        return known
    try:
        footer = read_footer_metadata(path).key_value_metadata.get(FOOTER_KEY)
    except NotParquet:
        return None
    if footer is None:
        return None
    with path.open("rb") as stream:
        sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
    entry: Entry = json.loads(footer)
    entry |= {"path": path.relative_to(workspace.out).as_posix(), "bytes": size, "sha256": sha256}
    return entry | _summary(cursor, path, entry)


def _fill_parts(cursor: duckdb.DuckDBPyConnection, entries: Sequence[Entry]) -> None:
    rows = list(_part_rows(entries))
    cursor.begin()
    cursor.execute("delete from inventory.parts")
    if rows:
        cursor.executemany(
            "insert into inventory.parts values ($1, $2, $3, $4, $5, $6, $7, $8, $9)", rows
        )
    cursor.commit()


def _part_rows(entries: Sequence[Entry]) -> Iterator[list[Any]]:
    for entry in entries:
        for part in entry["parts"]:
            yield [
                entry["model"],
                part["part"],
                entry["year"],
                part["digest"],
                entry["fingerprint"],
                part["rows"],
                part["row_groups"],
                part["first_interval"],
                part["last_interval"],
            ]


def write_catalog(workspace: Workspace, families: Mapping[str, Sequence[str]]) -> None:
    """Replace `catalog.duckdb`: a view per published dataset and one per family of datasets.

    `families` maps the name of a view over many datasets to the models it unites. Readers of the
    old catalog keep it until they open the new one.
    """
    files: dict[str, list[str]] = {}
    for entry in read_manifest(workspace)["files"]:
        files.setdefault(entry["model"], []).append(str(workspace.out / entry["path"]))
    beside = workspace.catalog.with_name("catalog.duckdb.partial")
    beside.unlink(missing_ok=True)
    with duckdb.connect(str(beside)) as catalog:
        for model, paths in sorted(files.items()):
            listed = ", ".join(_quoted(path) for path in sorted(paths))
            rows = f"read_parquet([{listed}], hive_partitioning = false)"
            catalog.execute(f'create view "{model}" as select * from {rows}')
        for name, models in sorted(families.items()):
            union = " union all ".join(f'select * from "{m}"' for m in models if m in files)
            if union:
                catalog.execute(f'create view "{name}" as {union}')
    beside.replace(workspace.catalog)


def _quoted(path: str) -> str:
    return "'" + path.replace("'", "''") + "'"
