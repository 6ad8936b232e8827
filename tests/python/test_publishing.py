"""Joining and publishing year files, wherever it is interrupted and whatever was damaged before."""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from typer.testing import CliRunner

from building import REPOSITORY, Built, Ran, build, build_command, environment, query
from unified_iso import database, year_files
from unified_iso.build import join as joining
from unified_iso.build import recover as recovering
from unified_iso.build.join import YearOf, join_year
from unified_iso.build.publish import PublishError, publish
from unified_iso.build.recover import discard_candidates, recover
from unified_iso.catalog import write_catalog
from unified_iso.cli import app
from unified_iso.database import set_aside_if_damaged
from unified_iso.families import families
from unified_iso.footers import FOOTER_KEY, Account, read_footer
from unified_iso.inventory import SCHEMA
from unified_iso.machine import MachineError
from unified_iso.manifest import read_manifest
from unified_iso.row_groups.join import Part, join_row_groups
from unified_iso.row_groups.seal import digest_of, read_seal
from unified_iso.sample import SampleOptions, write_sample
from unified_iso.status_table import entries_in_place, status_rows
from unified_iso.workspace import Workspace, WorkspaceError

NODAL, HUB = "pjm_da_energy_hourly_nodal", "pjm_da_energy_hourly_hub"
UNIONS = {"energy_prices": [NODAL, HUB]}
ENERGY = families(REPOSITORY)["energy_prices"]
JANUARY, FEBRUARY, MARCH = (f"2024-0{month}-01" for month in (1, 2, 3))
LOCATIONS = 3
ROWS = 24 * LOCATIONS

Cursor = duckdb.DuckDBPyConnection


# --- A workspace without dbt ----------------------------------------------------------------------


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    found = Workspace(raw=tmp_path / "raw", out=tmp_path / "out")
    found.raw.mkdir()
    found.prepare()
    return found


@pytest.fixture
def cursor(workspace: Workspace) -> Iterator[Cursor]:
    with opened(workspace) as connection:
        recover(workspace, connection)
        yield connection


def opened(workspace: Workspace) -> Cursor:
    """Open the working database as a run does."""
    connection = duckdb.connect(str(workspace.database), config={"threads": 1})
    connection.execute("set TimeZone = 'UTC'")
    connection.execute(SCHEMA)
    return connection


def write_part(
    workspace: Workspace, cursor: Cursor, part: str, model: str = NODAL, price: float = 1.0
) -> None:
    """Write what the macros write of a part: its rows, its entry and its accounts."""
    file = workspace.candidates / model / f"{part}.parquet"
    file.parent.mkdir(parents=True, exist_ok=True)
    source = f"pjm/da_hrl_lmps/{part}.csv"
    cursor.execute(
        f"""
        copy (
            select
                (timestamp '{part}' + to_hours(hour)) at time zone 'UTC' as datetime_utc,
                'P' || location as settlement_location,
                location::varchar as settlement_location_id,
                {price} + random() as lmp_total,
                '{source}' as data_source
            from range(24) as hours(hour), range({LOCATIONS}) as locations(location)
            order by all
        ) to '{file}' (format parquet)
        """
    )
    cursor.execute(
        """
        insert into inventory.new_parts
        select
            $1, $2::date, year($2::date), md5($2 || $3), 'made so', $4, 1,
            ($2::timestamp at time zone 'UTC'),
            ($2::timestamp + interval 23 hours) at time zone 'UTC',
            $5
        """,
        [model, part, str(price), ROWS, str(file)],
    )
    for term, reason, rows in (
        ("parsed", None, ROWS + 2),
        ("published", None, ROWS),
        ("rejected", "no price", 2),
    ):
        cursor.execute(
            "insert into inventory.new_accounts values ($1, $2::date, $3, $4, $5, $6, $7)",
            [model, part, source, f"hash {price}", term, reason, rows],
        )


def join(workspace: Workspace, cursor: Cursor, year: int = 2024, model: str = NODAL) -> None:
    iso, _, dataset = model.partition("_")
    year_of = YearOf(
        model=model,
        iso=iso,
        dataset=dataset,
        year=year,
        family=ENERGY,
        step_minutes=60,
        fingerprint="made so",
    )
    join_year(workspace, cursor, year_of)


def publish_parts(
    workspace: Workspace, cursor: Cursor, *parts: str, model: str = NODAL, price: float = 1.0
) -> Path:
    """Publish parts of one year as a run does; return the year file."""
    for part in parts:
        write_part(workspace, cursor, part, model, price)
    year = int(parts[0][:4])
    join(workspace, cursor, year, model)
    assert blocked(cursor) == []
    publish(workspace, cursor, [model], UNIONS)
    discard_candidates(workspace, cursor)
    return year_file(workspace, year, model)


def year_file(workspace: Workspace, year: int = 2024, model: str = NODAL) -> Path:
    iso, _, dataset = model.partition("_")
    return workspace.year_file(iso, dataset, year)


def blocked(cursor: Cursor) -> list[tuple[Any, ...]]:
    return cursor.execute("select * from inventory.blocked order by all").fetchall()


def candidates(cursor: Cursor) -> list[tuple[Any, ...]]:
    return cursor.execute("select model, year from inventory.candidates order by all").fetchall()


def kept_accounts(cursor: Cursor, model: str = NODAL) -> list[Account]:
    rows = cursor.execute(
        "select part::varchar, data_source, content_hash, term, reason, rows"
        " from inventory.accounts where model = $1 order by all",
        [model],
    ).fetchall()
    return [Account(*row) for row in rows]


def told_accounts(workspace: Workspace, model: str = NODAL) -> list[Account]:
    """Return what the footers in place say."""
    told = []
    iso, _, dataset = model.partition("_")
    for path in sorted((workspace.parquet / iso / dataset).glob("*.parquet")):
        footer = read_footer(path)
        assert footer is not None
        assert footer.accounts is not None
        told += footer.accounts
    return sorted(told, key=lambda account: tuple(map(str, account)))


def flip_a_price(path: Path) -> None:
    """Flip one bit of a price, and leave size and time of the file as they were."""
    [(at,)] = query(
        "select data_page_offset + total_compressed_size - 9 from parquet_metadata($1)"
        " where path_in_schema = 'lmp_total' order by row_group_id limit 1",
        str(path),
    )
    times = path.stat()
    content = bytearray(path.read_bytes())
    content[at] ^= 0x40
    path.write_bytes(content)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


def verified(workspace: Workspace) -> int:
    return CliRunner().invoke(app, ["verify", "--quick", "--out", str(workspace.out)]).exit_code


# --- What a part was made of stands in its file ---------------------------------------------------


def test_the_footer_tells_what_each_part_was_made_of(workspace: Workspace, cursor: Cursor) -> None:
    path = publish_parts(workspace, cursor, JANUARY, FEBRUARY)
    footer = read_footer(path)
    assert footer is not None
    assert footer.accounts is not None
    assert len(footer.accounts) == 6
    assert footer.accounts[0] == Account(
        JANUARY, f"pjm/da_hrl_lmps/{JANUARY}.csv", "hash 1.0", "parsed", None, ROWS + 2
    )
    assert kept_accounts(cursor) == told_accounts(workspace)


def test_parts_that_are_kept_keep_their_accounts(workspace: Workspace, cursor: Cursor) -> None:
    publish_parts(workspace, cursor, JANUARY, FEBRUARY)
    publish_parts(workspace, cursor, FEBRUARY, MARCH, price=2.0)
    hashes = {account.part: account.content_hash for account in told_accounts(workspace)}
    assert hashes == {JANUARY: "hash 1.0", FEBRUARY: "hash 2.0", MARCH: "hash 2.0"}
    assert kept_accounts(cursor) == told_accounts(workspace)


def test_a_lost_database_learns_all_accounts_from_the_files(
    workspace: Workspace, cursor: Cursor
) -> None:
    publish_parts(workspace, cursor, JANUARY, FEBRUARY)
    publish_parts(workspace, cursor, JANUARY, model=HUB)
    known = {model: kept_accounts(cursor, model) for model in (NODAL, HUB)}
    with duckdb.connect() as fresh:
        fresh.execute("set TimeZone = 'UTC'")
        fresh.execute(SCHEMA)
        recover(workspace, fresh)
        assert {model: kept_accounts(fresh, model) for model in (NODAL, HUB)} == known
        assert all(known.values())


def test_footers_of_files_that_have_not_changed_are_not_read_again(
    workspace: Workspace, cursor: Cursor, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish_parts(workspace, cursor, JANUARY)
    for module in (recovering, year_files):
        monkeypatch.setattr(module, "read_footer", lambda path: pytest.fail(f"{path} was read"))
    monkeypatch.setattr(year_files, "digest_of", lambda path: pytest.fail(f"{path} was hashed"))
    before = kept_accounts(cursor)
    recover(workspace, cursor)
    assert kept_accounts(cursor) == before


def test_accounts_without_a_published_part_go(workspace: Workspace, cursor: Cursor) -> None:
    path = publish_parts(workspace, cursor, JANUARY)
    publish_parts(workspace, cursor, JANUARY, model=HUB)
    cursor.execute(
        "insert into inventory.accounts select * replace (date '2023-05-01' as part)"
        " from inventory.accounts"
    )
    recover(workspace, cursor)
    assert {account.part for account in kept_accounts(cursor)} == {JANUARY}
    path.unlink()
    recover(workspace, cursor)
    assert kept_accounts(cursor) == []
    assert kept_accounts(cursor, HUB) == told_accounts(workspace, HUB) != []


def test_a_file_that_can_not_be_read_keeps_its_accounts(
    workspace: Workspace, cursor: Cursor
) -> None:
    """Its parts are built anew, and must not be without the rows of raw files that are gone."""
    path = publish_parts(workspace, cursor, JANUARY)
    known = kept_accounts(cursor)
    path.write_bytes(path.read_bytes()[:-30])
    recover(workspace, cursor)
    assert cursor.execute("select count(*) from inventory.parts").fetchall() == [(0,)]
    assert kept_accounts(cursor) == known
    publish_parts(workspace, cursor, JANUARY, model=HUB)
    assert verified(workspace) == 1


def test_the_same_parts_give_the_same_bytes(workspace: Workspace, cursor: Cursor) -> None:
    """Whether they were all new or some of them were kept."""
    for part in (JANUARY, FEBRUARY):
        write_part(workspace, cursor, part)
    again = workspace.out.parent / "again"
    shutil.copytree(workspace.candidates, again)
    join(workspace, cursor)
    publish(workspace, cursor, [NODAL], UNIONS)
    whole = year_file(workspace).read_bytes()
    discard_candidates(workspace, cursor)
    write_part(workspace, cursor, FEBRUARY)
    shutil.copy(again / NODAL / f"{FEBRUARY}.parquet", workspace.candidates / NODAL)
    join(workspace, cursor)
    publish(workspace, cursor, [NODAL], UNIONS)
    assert year_file(workspace).read_bytes() == whole


# --- Kills ----------------------------------------------------------------------------------------

KILLED = 77
# Every line would take a minute; each step of publishing is more lines than these.
LINES_BETWEEN_KILLS = 9
# The functions that change files or the database while publishing.
CHANGING = frozenset(
    (
        *("publish", "_move_candidates", "_move", "_remove_emptied"),
        *("_keep_accounts", "replace_accounts", "transaction"),
        *("write_manifest", "write_catalog", "keep_parts"),
    )
)


def _kill_after(lines: int) -> Callable[..., Any]:
    """A trace function that ends the process at the nth line that changes something."""
    left = [lines]

    def trace(frame: Any, event: str, argument: Any) -> Any:
        if frame.f_code.co_name not in CHANGING:
            return None
        if event == "line":
            left[0] -= 1
            if left[0] == 0:
                os._exit(KILLED)
        return trace

    return trace


def _published_in_a_child(workspace: Workspace, lines: int) -> int:
    """Publish what is in the workspace in a process that dies at the nth line."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            with opened(workspace) as connection:
                sys.settrace(_kill_after(lines))
                publish(workspace, connection, [NODAL, HUB], UNIONS)
                sys.settrace(None)
            code = 0
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _assert_readers_see_whole_files(workspace: Workspace) -> None:
    assert verified(workspace) == 0
    assert {row["state"] for row in status_rows(workspace)} == {"published"}
    with duckdb.connect(str(workspace.catalog), read_only=True) as catalog:
        for schema, view in catalog.execute(
            "select schema_name, view_name from duckdb_views() where not internal"
        ).fetchall():
            catalog.execute(f'select max(lmp_total) from "{schema}"."{view}"').fetchall()


@pytest.mark.builds
def test_a_kill_at_any_line_of_publishing_leaves_whole_files_and_true_accounts(
    workspace: Workspace,
) -> None:
    """One year grows, one of another dataset comes, one goes."""
    with opened(workspace) as cursor:
        recover(workspace, cursor)
        publish_parts(workspace, cursor, "2023-01-01")
        publish_parts(workspace, cursor, JANUARY)
        write_part(workspace, cursor, FEBRUARY)
        write_part(workspace, cursor, JANUARY, HUB)
        cursor.execute(
            "insert into inventory.dropped_parts values ($1, '2023-01-01', 2023)", [NODAL]
        )
        join(workspace, cursor)
        join(workspace, cursor, 2023)
        join(workspace, cursor, 2024, HUB)
        assert blocked(cursor) == []
    kept = workspace.out.with_name("kept")
    shutil.copytree(workspace.out, kept)
    seen, lines = set(), 1
    while True:
        shutil.rmtree(workspace.out)
        shutil.copytree(kept, workspace.out)
        code = _published_in_a_child(workspace, lines)
        if code == 0:
            break
        assert code == KILLED
        _assert_readers_see_whole_files(workspace)
        with opened(workspace) as cursor:
            recover(workspace, cursor)
            for model in (NODAL, HUB):
                assert kept_accounts(cursor, model) == told_accounts(workspace, model), lines
        assert verified(workspace) == 0
        files = workspace.parquet.rglob("*.parquet")
        seen.add(tuple(sorted((path.stem, path.stat().st_size) for path in files)))
        lines += LINES_BETWEEN_KILLS
    assert lines > 150, "the trace function no longer sees what publishing does"
    assert len(seen) == 4, "the old state, one file more, two, and one less"


# --- Rows that get lost while joining -------------------------------------------------------------


def _join_otherwise(
    monkeypatch: pytest.MonkeyPatch, change: Callable[[Sequence[Part]], Sequence[Part]]
) -> None:
    monkeypatch.setattr(
        joining,
        "join_row_groups",
        lambda parts, *rest, **options: join_row_groups(change(parts), *rest, **options),
    )


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda parts: parts[:-1], f"2 parts instead of 3: {3 * ROWS} rows were expected"),
        (lambda parts: [*parts, parts[-1]], "4 parts instead of 3"),
        (
            lambda parts: [*parts[:-1], Part(parts[-1].path, 0, 0)],
            f"{ROWS} rows were expected and 0 found in its part of {MARCH}",
        ),
        (lambda parts: [Part(part.path, 0, 0) for part in parts], f"{ROWS} rows were expected"),
    ],
    ids=["a part is lost", "a part comes twice", "a row group is lost", "all rows are lost"],
)
def test_a_join_that_loses_rows_blocks_its_year_alone(
    workspace: Workspace,
    cursor: Cursor,
    monkeypatch: pytest.MonkeyPatch,
    change: Callable[[Sequence[Part]], Sequence[Part]],
    told: str,
) -> None:
    write_part(workspace, cursor, "2023-01-01")
    for part in (JANUARY, FEBRUARY, MARCH):
        write_part(workspace, cursor, part)
    join(workspace, cursor, 2023)
    _join_otherwise(monkeypatch, change)
    join(workspace, cursor, 2024)
    [(model, year, message)] = blocked(cursor)
    assert (model, year) == (NODAL, 2024)
    assert "parquet/pjm/da_energy_hourly_nodal/da_energy_hourly_nodal_2024.parquet" in message
    assert told in message
    assert candidates(cursor) == [(NODAL, 2023)]
    for table in ("new_parts", "new_accounts"):
        left = cursor.execute(f"select distinct part::varchar from inventory.{table}").fetchall()
        assert left == [("2023-01-01",)], table
    publish(workspace, cursor, [NODAL], UNIONS)
    assert year_file(workspace, 2023).exists()
    assert not year_file(workspace, 2024).exists()
    assert read_manifest(workspace)["unpublished"][0]["reason"] == message


def test_a_part_with_other_rows_than_its_entry_blocks_its_year(
    workspace: Workspace, cursor: Cursor
) -> None:
    write_part(workspace, cursor, JANUARY)
    cursor.execute("update inventory.new_parts set rows = rows + 1")
    join(workspace, cursor)
    [(_, _, message)] = blocked(cursor)
    assert f"{ROWS + 1} rows were expected and {ROWS} found" in message
    assert candidates(cursor) == []


def test_rows_that_can_not_be_read_back_block_their_year(
    workspace: Workspace, cursor: Cursor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        joining, "summary_of", lambda *given: year_files.summary_of(*given) | {"rows": ROWS - 1}
    )
    write_part(workspace, cursor, JANUARY)
    join(workspace, cursor)
    [(_, _, message)] = blocked(cursor)
    assert f"{ROWS} rows were expected and {ROWS - 1} found" in message


# --- Bit rot --------------------------------------------------------------------------------------


def _unsealed(workspace: Workspace, cursor: Cursor, path: Path) -> None:
    """Leave all as it was before files had seals: the file, its entry and the database."""
    cursor.execute("drop table inventory.year_files")
    # The next run opens the database of an earlier version so.
    cursor.execute(SCHEMA)
    footer = read_footer(path)
    assert footer is not None
    entry = footer.entry | {"schema_version": 1}
    old = path.with_name("old")
    joined = join_row_groups([Part(path)], old, {FOOTER_KEY: json.dumps(entry, sort_keys=True)})
    old.replace(path)
    manifest = read_manifest(workspace)
    [known] = manifest["files"]
    known |= {"schema_version": 1, "bytes": joined.bytes, "sha256": joined.sha256}
    del known["seal"]
    workspace.manifest.write_text(json.dumps(manifest))


@pytest.mark.parametrize("sealed", [True, False])
def test_nothing_is_built_on_a_file_with_a_flipped_bit(
    workspace: Workspace, cursor: Cursor, sealed: bool
) -> None:
    publish_parts(workspace, cursor, "2023-01-01", model=HUB)
    path = publish_parts(workspace, cursor, JANUARY, FEBRUARY)
    if not sealed:
        year_file(workspace, 2023, HUB).unlink()
        recover(workspace, cursor)
        _unsealed(workspace, cursor, path)
    flip_a_price(path)
    rotten = path.read_bytes()
    recover(workspace, cursor)
    assert verified(workspace) == 1

    write_part(workspace, cursor, MARCH)
    write_part(workspace, cursor, "2023-02-01", HUB)
    join(workspace, cursor)
    join(workspace, cursor, 2023, HUB)
    [(model, year, message)] = blocked(cursor)
    assert (model, year) == (NODAL, 2024)
    assert "da_energy_hourly_nodal_2024.parquet has other bytes than were published" in message
    assert "--full-refresh --year 2024" in message
    assert candidates(cursor) == [(HUB, 2023)]
    publish(workspace, cursor, [NODAL, HUB], UNIONS)
    assert path.read_bytes() == rotten
    assert verified(workspace) == 1

    recover(workspace, cursor)
    publish_parts(workspace, cursor, JANUARY, FEBRUARY, MARCH)
    assert verified(workspace) == 0


def test_a_flipped_bit_is_told_though_the_manifest_is_lost(
    workspace: Workspace, cursor: Cursor
) -> None:
    path = publish_parts(workspace, cursor, JANUARY)
    flip_a_price(path)
    workspace.manifest.unlink()
    recover(workspace, cursor)
    assert [entry["path"] for entry in read_manifest(workspace)["files"]]
    assert verified(workspace) == 1


def test_files_of_the_old_version_go_on_being_read(workspace: Workspace, cursor: Cursor) -> None:
    path = publish_parts(workspace, cursor, JANUARY, FEBRUARY)
    known = kept_accounts(cursor)
    _unsealed(workspace, cursor, path)
    recover(workspace, cursor)
    assert kept_accounts(cursor) == known
    assert verified(workspace) == 0
    with duckdb.connect() as fresh:
        fresh.execute("set TimeZone = 'UTC'")
        fresh.execute(SCHEMA)
        recover(workspace, fresh)
        found = {(a.part, a.term, a.rows) for a in kept_accounts(fresh)}
    assert found == {(p, t, ROWS) for p in (JANUARY, FEBRUARY) for t in ("parsed", "published")}
    old = path.read_bytes()
    publish_parts(workspace, cursor, MARCH)
    assert read_seal(path) is not None
    assert kept_accounts(cursor) == told_accounts(workspace)
    assert {account.part for account in told_accounts(workspace)} == {JANUARY, FEBRUARY, MARCH}

    path.write_bytes(old)
    recover(workspace, cursor)
    found = {(a.part, a.content_hash, a.rows) for a in kept_accounts(cursor)}
    assert found == {(part, "unknown", ROWS) for part in (JANUARY, FEBRUARY)}


# --- Before the manifest is written ---------------------------------------------------------------


def test_a_whole_file_that_the_manifest_does_not_describe_is_as_published(
    workspace: Workspace, cursor: Cursor
) -> None:
    publish_parts(workspace, cursor, JANUARY)
    old = workspace.manifest.read_bytes()
    path = publish_parts(workspace, cursor, FEBRUARY)
    publish_parts(workspace, cursor, JANUARY, model=HUB)
    new = read_manifest(workspace)["files"]
    workspace.manifest.write_bytes(old)
    assert entries_in_place(workspace) == new
    assert {row["state"] for row in status_rows(workspace)} == {"published"}
    assert verified(workspace) == 0
    flip_a_price(path)
    assert verified(workspace) == 1


def test_a_file_whose_footer_was_changed_is_not_as_published(
    workspace: Workspace, cursor: Cursor
) -> None:
    path = publish_parts(workspace, cursor, JANUARY)
    content = path.read_bytes()
    for place in (content.rindex(b"hash 1.0"), content.rindex(b"unified_iso_seal") + 30):
        changed = bytearray(content)
        changed[place] ^= 1
        path.write_bytes(changed)
        assert verified(workspace) == 1
        recover(workspace, cursor)
        assert verified(workspace) == 1, place
        path.write_bytes(content)
        recover(workspace, cursor)
        assert verified(workspace) == 0


def test_no_view_of_the_catalog_loses_its_file(
    workspace: Workspace, cursor: Cursor, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish_parts(workspace, cursor, "2023-01-01")
    path = publish_parts(workspace, cursor, JANUARY)
    cursor.execute("insert into inventory.dropped_parts values ($1, $2, 2024)", [NODAL, JANUARY])
    join(workspace, cursor)
    unlink = Path.unlink

    def watched(self: Path, missing_ok: bool = False) -> None:
        if self == path:
            with duckdb.connect(str(workspace.catalog), read_only=True) as catalog:
                years = catalog.execute(f"select distinct year(datetime_utc) from {NODAL}")
                assert years.fetchall() == [(2023,)]
        unlink(self, missing_ok)

    monkeypatch.setattr(Path, "unlink", watched)
    publish(workspace, cursor, [NODAL], UNIONS)
    assert not path.exists()
    with duckdb.connect(str(workspace.catalog), read_only=True) as catalog:
        years = catalog.execute(f"select distinct year(datetime_utc) from {NODAL}")
        assert years.fetchall() == [(2023,)]
        [(sql,)] = catalog.execute(
            "select sql from duckdb_views() where view_name = $1 and schema_name = 'main'", [NODAL]
        ).fetchall()
        assert "nodal_[0-9][0-9][0-9][0-9].parquet" in sql
    assert {account.part for account in kept_accounts(cursor)} == {"2023-01-01"}


def test_the_twin_of_a_year_goes_before_its_file_changes(
    workspace: Workspace, cursor: Cursor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that ends in between leaves no twin that tells of other rows."""
    path = publish_parts(workspace, cursor, JANUARY)
    twin = workspace.by_location / path.relative_to(workspace.parquet)
    twin.parent.mkdir(parents=True)
    twin.write_bytes(b"rows of January")
    replace = Path.replace

    def watched(self: Path, target: Path) -> Path:
        assert target != path or not twin.exists()
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", watched)
    assert publish_parts(workspace, cursor, FEBRUARY) == path
    assert not twin.exists()


# --- The catalog ----------------------------------------------------------------------------------


def _leave_a_log(catalog: Path) -> None:
    """Change the catalog in a session that dies."""
    child = os.fork()
    if child == 0:
        connection = duckdb.connect(str(catalog))
        connection.execute("create view mine as select 1 as x")
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
    assert catalog.with_name("catalog.duckdb.wal").exists()


@pytest.mark.builds
def test_the_log_of_a_dead_session_does_not_close_the_catalog(
    workspace: Workspace, cursor: Cursor
) -> None:
    publish_parts(workspace, cursor, JANUARY)
    _leave_a_log(workspace.catalog)
    write_catalog(workspace, UNIONS)
    with duckdb.connect(str(workspace.catalog)) as catalog:
        assert catalog.execute("select count(*) from energy_prices").fetchall() == [(ROWS,)]


@pytest.mark.builds
@pytest.mark.parametrize("is_replaced", [False, True])
def test_the_catalog_can_be_read_on_either_side_of_its_replacement(
    workspace: Workspace, cursor: Cursor, monkeypatch: pytest.MonkeyPatch, is_replaced: bool
) -> None:
    publish_parts(workspace, cursor, JANUARY)
    _leave_a_log(workspace.catalog)
    replace = Path.replace

    def stop(self: Path, target: Path) -> None:
        if is_replaced:
            replace(self, target)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", stop)
        with pytest.raises(KeyboardInterrupt):
            write_catalog(workspace, UNIONS)
    with duckdb.connect(str(workspace.catalog), read_only=True) as catalog:
        assert catalog.execute("select count(*) from energy_prices").fetchall() == [(ROWS,)]


# --- Files of the user ----------------------------------------------------------------------------


def test_recovery_removes_names_of_its_own_only(tmp_path: Path) -> None:
    workspace = Workspace(raw=tmp_path / "raw", out=tmp_path)
    workspace.prepare()
    folder = workspace.parquet / "pjm" / "da_energy_hourly_nodal"
    mine = [
        workspace.raw / "nyiso" / "damlbmp_zone" / "20240401.csv.partial",
        workspace.raw / "keep.partial" / "notes.txt",
        tmp_path / "x.partial" / "y",
        folder / "mine.partial",
        folder / ".mine.staged",
        folder / ".mine_2024.parquet.staged.bak",
        folder / ".da_energy_hourly_hub_2024.parquet.staged",
        folder / "below" / ".da_energy_hourly_nodal_2024.parquet.staged",
        workspace.cache / "x.partial",
        workspace.state / "y.partial",
    ]
    its_own = [
        workspace.manifest.with_name("manifest.json.partial"),
        tmp_path / "catalog.duckdb.partial",
        tmp_path / "catalog.duckdb.partial.wal",
        workspace.cache / "members" / "abc.partial" / "00000.csv",
        workspace.candidates / NODAL / "tmp_2024-01-01.parquet",
        folder / ".da_energy_hourly_nodal_2024.parquet.staged",
    ]
    for path in (*mine, *its_own):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("something")
    dangling = tmp_path / "dangling.partial"
    dangling.symlink_to("/nowhere")
    with opened(workspace) as cursor:
        recover(workspace, cursor)
    assert [path for path in mine if not path.exists()] == []
    assert [path for path in its_own if path.exists()] == []
    assert dangling.is_symlink()


@pytest.mark.parametrize("below", ["", ".unified-iso/cache", "parquet", "metadata/raw", "logs"])
def test_raw_files_in_a_folder_of_the_program_are_turned_away(tmp_path: Path, below: str) -> None:
    """A raw folder that holds the output folder, or lies in it otherwise, is fine."""
    out = tmp_path / "out"
    workspace = Workspace(raw=out / (below or "raw"), out=out)
    workspace.raw.mkdir(parents=True)
    if not below:
        workspace.require_apart(["pjm"])
        Workspace(raw=tmp_path, out=out).require_apart(["pjm"])
        return
    with pytest.raises(WorkspaceError, match="is the program's own"):
        workspace.require_apart(["pjm"])
    ran = CliRunner().invoke(app, ["build", "--raw", str(workspace.raw), "--out", str(out)])
    assert ran.exit_code == 1
    assert "is the program's own" in " ".join(ran.output.split())
    link = tmp_path / "link"
    link.symlink_to(workspace.raw)
    with pytest.raises(WorkspaceError, match="is the program's own"):
        Workspace(raw=link, out=out).require_apart(["pjm"])


@pytest.mark.parametrize("below", ["pjm", "pjm/da_hrl_lmps/out"])
def test_an_output_folder_among_raw_files_is_turned_away(tmp_path: Path, below: str) -> None:
    with pytest.raises(WorkspaceError, match="lies among the raw files of pjm"):
        Workspace(raw=tmp_path, out=tmp_path / below).require_apart(["nyiso", "pjm"])


def test_plain_dbt_turns_the_same_folders_away(tmp_path: Path) -> None:
    # dbt's part of the package is imported by this test alone.
    from dbt_common.exceptions import DbtRuntimeError

    from unified_iso.plugin import Plugin

    folders = {"raw": str(tmp_path / "out" / "parquet"), "out": str(tmp_path / "out")}
    plugin = Plugin("unified_iso", folders)
    with pytest.raises(DbtRuntimeError, match="is the program's own"):
        plugin.update_connection_config(None, {"memory_limit": "1GB"})


# --- Damaged state --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b"[]",
        b"{",
        b"\xff\xfe{}",
        b"[" * 100_000,
        b'{"files": [{"path": "parquet/x"}]}',
        b'{"files": {"a": 1}, "refused": 7, "rejected": [3], "unpublished": [{}]}',
        "other place",
        "other kinds",
    ],
    ids=lambda damage: str(damage[:20]),
)
def test_a_damaged_manifest_is_made_anew(
    workspace: Workspace, cursor: Cursor, damage: bytes | str
) -> None:
    publish_parts(workspace, cursor, JANUARY)
    known = workspace.manifest.read_text()
    if damage == "other place":
        damage = known.replace("parquet/pjm", "../../pjm").encode()
    elif damage == "other kinds":
        damage = known.replace(f'"rows": {ROWS}', '"rows": "many"').encode()
    assert isinstance(damage, bytes)
    workspace.manifest.write_bytes(damage)
    assert verified(workspace) == 0
    shown = CliRunner().invoke(app, ["status", "--out", str(workspace.out)])
    assert shown.exit_code == 0, shown.output
    recover(workspace, cursor)
    assert workspace.manifest.read_text() == known


def test_a_file_out_of_its_place_is_none_of_ours(workspace: Workspace, cursor: Cursor) -> None:
    """A copy beside the year file would have its rows come twice."""
    path = publish_parts(workspace, cursor, JANUARY)
    shutil.copy(path, path.with_name("backup_2024.parquet"))
    shutil.copy(path, path.with_name("da_energy_hourly_nodal_2023.parquet"))
    path.with_name("da_energy_hourly_nodal_2022.parquet").mkdir()
    path.with_name("da_energy_hourly_nodal_2021.parquet").symlink_to("/nowhere")
    recover(workspace, cursor)
    assert [entry["path"] for entry in read_manifest(workspace)["files"]] == [
        path.relative_to(workspace.out).as_posix()
    ]
    assert cursor.execute("select count(*) from inventory.parts").fetchall() == [(1,)]


def _flipped(content: bytes, place: int) -> bytes:
    return content[:place] + bytes([content[place] ^ 0xFF]) + content[place + 1 :]


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: content[:5000],
        lambda content: content[: len(content) // 2],
        lambda content: b"x" * 100_000,
        lambda content: b"",
        lambda content: _flipped(content, 20_000),
    ],
    ids=["cut", "halved", "garbage", "empty", "a flipped byte"],
)
def test_a_damaged_database_is_set_aside(
    workspace: Workspace, damage: Callable[[bytes], bytes]
) -> None:
    with opened(workspace) as cursor:
        recover(workspace, cursor)
        publish_parts(workspace, cursor, JANUARY)
        known = kept_accounts(cursor)
    assert set_aside_if_damaged(workspace.database) is None
    damaged = damage(workspace.database.read_bytes())
    workspace.database.write_bytes(damaged)
    assert set_aside_if_damaged(workspace.database)
    assert workspace.database.with_name("work.duckdb.damaged").read_bytes() == damaged
    assert not workspace.database.exists()
    with opened(workspace) as cursor:
        recover(workspace, cursor)
        assert kept_accounts(cursor) == known


def test_a_database_is_read_whole_once_and_again_if_somebody_else_has_written(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(workspace) as cursor:
        recover(workspace, cursor)
    read: list[Path] = []

    def fail(path: Path) -> None:
        read.append(path)
        raise duckdb.SerializationException("corrupt")

    monkeypatch.setattr(database, "_read_inventory", read.append)
    assert set_aside_if_damaged(workspace.database) is None
    monkeypatch.setattr(database, "_read_inventory", fail)
    assert set_aside_if_damaged(workspace.database) is None
    with database.working_database(workspace, "1GB", "1") as connection:
        connection.execute("create table inventory.more as select 1 as a")
    assert set_aside_if_damaged(workspace.database) is None
    assert len(read) == 1
    with duckdb.connect(str(workspace.database)) as connection:
        connection.execute("create table inventory.others as select 1 as a")
    assert set_aside_if_damaged(workspace.database) == "corrupt"


@pytest.mark.builds
def test_a_log_that_can_not_be_replayed_is_set_aside_with_its_database(
    workspace: Workspace,
) -> None:
    with opened(workspace) as cursor:
        recover(workspace, cursor)
    child = os.fork()
    if child == 0:
        connection = duckdb.connect(str(workspace.database))
        connection.execute("create table inventory.more as select range as a from range(1000)")
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
    log = workspace.database.with_name("work.duckdb.wal")
    log.write_bytes(_flipped(log.read_bytes(), log.stat().st_size // 2))
    assert "WAL" in (set_aside_if_damaged(workspace.database) or "")
    assert sorted(path.name for path in workspace.state.glob("work*")) == [
        "work.duckdb.damaged",
        "work.duckdb.damaged.wal",
    ]


@pytest.mark.builds
def test_a_database_that_somebody_holds_or_nobody_has_stays(workspace: Workspace) -> None:
    assert set_aside_if_damaged(workspace.database) is None
    with opened(workspace):
        assert set_aside_if_damaged(workspace.database) is None
    hold = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print(1, flush=True); input()"
    command = [sys.executable, "-c", hold, str(workspace.database)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        assert set_aside_if_damaged(workspace.database) is None
        holder.kill()
    assert workspace.database.exists()


# --- Errors of the machine ------------------------------------------------------------------------


def _fail_with(monkeypatch: pytest.MonkeyPatch, number: int, name: str = "fsync") -> None:
    def fail(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, name, fail)


def test_a_full_disk_while_publishing_says_where_and_publishes_nothing(
    workspace: Workspace, cursor: Cursor, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = publish_parts(workspace, cursor, JANUARY)
    before = path.read_bytes()
    write_part(workspace, cursor, FEBRUARY)
    join(workspace, cursor)
    with monkeypatch.context() as patched:
        _fail_with(patched, errno.ENOSPC)
        with pytest.raises(MachineError, match=f"No space left on device in {workspace.out}"):
            publish(workspace, cursor, [NODAL], UNIONS)
    assert path.read_bytes() == before
    recover(workspace, cursor)
    assert verified(workspace) == 0


def test_a_full_disk_while_joining_says_where_and_judges_no_year(
    workspace: Workspace, cursor: Cursor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(joining, "join_row_groups", fail)
    write_part(workspace, cursor, JANUARY)
    with pytest.raises(MachineError, match=f"No space left on device in {workspace.candidates}"):
        join(workspace, cursor)
    assert blocked(cursor) == candidates(cursor) == []


def test_a_file_that_may_not_be_replaced_is_named_with_its_folder(
    workspace: Workspace, cursor: Cursor, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_part(workspace, cursor, JANUARY)
    write_part(workspace, cursor, JANUARY, HUB)
    join(workspace, cursor)
    join(workspace, cursor, 2024, HUB)
    replace = Path.replace

    def fail(self: Path, target: Path) -> Path:
        if "nodal_2024" in Path(target).name:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(PublishError) as failed:
        publish(workspace, cursor, [NODAL, HUB], UNIONS)
    for told in (
        "da_energy_hourly_nodal_2024.parquet",
        "Permission denied",
        str(workspace.parquet),
    ):
        assert told in str(failed.value)
    assert "hub" not in str(failed.value)
    assert [entry["model"] for entry in read_manifest(workspace)["files"]] == [HUB]
    assert verified(workspace) == 0


# --- Other file systems ---------------------------------------------------------------------------


def test_a_candidate_on_another_file_system_is_staged_beside_its_target(
    workspace: Workspace, cursor: Cursor, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish_parts(workspace, cursor, JANUARY)
    replace, renamed = Path.replace, []

    def across(self: Path, target: Path) -> Path:
        if workspace.candidates in self.parents:
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))
        renamed.append((self.name, Path(target).name))
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", across)
    path = publish_parts(workspace, cursor, FEBRUARY)
    assert (f".{path.name}.staged", path.name) in renamed
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]
    assert digest_of(path).agrees_with_seal
    assert verified(workspace) == 0


def test_a_full_disk_there_leaves_what_was_published(
    workspace: Workspace, cursor: Cursor, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = publish_parts(workspace, cursor, JANUARY)
    before = path.read_bytes()
    write_part(workspace, cursor, FEBRUARY)
    join(workspace, cursor)

    def fail(source: Path, target: Path) -> None:
        target.write_bytes(b"half")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(shutil, "copyfile", fail)
    monkeypatch.setattr(Path, "replace", _cross_device(workspace))
    with pytest.raises(MachineError, match="No space left"):
        publish(workspace, cursor, [NODAL], UNIONS)
    assert path.read_bytes() == before
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


def _cross_device(workspace: Workspace) -> Callable[[Path, Path], Path]:
    replace = Path.replace

    def across(self: Path, target: Path) -> Path:
        if workspace.candidates in self.parents:
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))
        return replace(self, target)

    return across


@pytest.mark.builds
@pytest.mark.parametrize("elsewhere", [".unified-iso", "parquet"])
def test_state_or_year_files_may_lie_on_another_file_system(tmp_path: Path, elsewhere: str) -> None:
    mounted = tmp_path / "mounted"
    mounted.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=50m", "tmpfs", str(mounted)]
    if shutil.which("mount") is None or subprocess.run(command, check=False).returncode:
        pytest.skip("no file system may be mounted here")
    try:
        workspace = Workspace(raw=tmp_path / "raw", out=tmp_path / "out")
        workspace.out.mkdir()
        (mounted / "there").mkdir()
        (workspace.out / elsewhere).symlink_to(mounted / "there")
        workspace.prepare()
        with opened(workspace) as cursor:
            recover(workspace, cursor)
            publish_parts(workspace, cursor, JANUARY)
            path = publish_parts(workspace, cursor, FEBRUARY)
            recover(workspace, cursor)
            assert kept_accounts(cursor) == told_accounts(workspace) != []
        assert [entry.name for entry in path.parent.iterdir()] == [path.name]
        assert verified(workspace) == 0
    finally:
        subprocess.run(["umount", str(mounted)], check=True)


# --- The whole command ----------------------------------------------------------------------------

DAY = date(2024, 3, 8)
DIES = """
import os, sys
from unified_iso.build import publish
publish._keep_accounts = lambda *given: os._exit(9)
from unified_iso.cli import main
sys.argv = ["unified-iso", *sys.argv[1:]]
main()
"""


def _add_day(raw: Path, day: date) -> list[Path]:
    options = SampleOptions(truth=False, overlap=False, revisions=False)
    return write_sample(raw, isos=["nyiso"], start=day, days=1, nodes=2, options=options)


def _rows_by_day(out: Path) -> dict[date, int]:
    rows = query(
        "select delivery_date, count(*) from read_parquet($1, hive_partitioning = false)"
        " group by all",
        f"{out}/parquet/nyiso/*/*.parquet",
    )
    return dict(rows)


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Built, list[Path]]:
    """Publish a day, and die right after the rename that publishes another one."""
    folder = tmp_path_factory.mktemp("killed")
    built = Built(folder / "raw", folder / "out")
    _add_day(built.raw, DAY)
    build(built.raw, built.out, "nyiso")
    second = _add_day(built.raw, DAY + timedelta(days=1))
    command = build_command(built.raw, built.out, "nyiso")
    dying = [sys.executable, "-c", DIES, *command[3:]]
    ended = subprocess.run(dying, env=environment(), capture_output=True, check=False)
    assert ended.returncode == 9, ended.stderr
    return built, second


@pytest.fixture(scope="module")
def vanished(killed: tuple[Built, list[Path]]) -> tuple[Built, list[Ran]]:
    """Build again, then take the day's raw files away, add a third day, and build."""
    built, second = killed
    idle = build(built.raw, built.out, "nyiso")
    assert len(_rows_by_day(built.out)) == 2
    kept = built.raw.with_name("second")
    kept.mkdir()
    for path in second:
        path.rename(kept / path.name)
    _add_day(built.raw, DAY + timedelta(days=2))
    refused = build(built.raw, built.out, "nyiso", check=None)
    for path in second:
        (kept / path.name).rename(path)
    return built, [idle, refused]


@pytest.fixture(scope="module")
def rotten(vanished: tuple[Built, list[Ran]]) -> tuple[Built, Ran, int]:
    """Flip a bit of the year file, cut the working database, and build with a further month."""
    built, _ = vanished
    path = next(built.out.glob("parquet/nyiso/*/*.parquet"))
    flip_a_price(path)
    database = built.out / ".unified-iso" / "work.duckdb"
    database.write_bytes(database.read_bytes()[:5000])
    _add_day(built.raw, date(2024, 4, 2))
    # Only a part that is kept is copied: the days of March come back as they were.
    for name in (DAY + timedelta(days=2),):
        for raw in built.raw.rglob(f"{name:%Y%m%d}*"):
            raw.unlink()
    ran = build(built.raw, built.out, "nyiso", check=None)
    return built, ran, verified(Workspace(raw=built.raw, out=built.out))


@pytest.mark.builds
def test_rows_of_a_run_that_was_killed_do_not_vanish_with_their_raw_files(
    vanished: tuple[Built, list[Ran]],
) -> None:
    built, (_, refused) = vanished
    assert refused.exit_code == 1
    assert f"{DAY + timedelta(days=1):%Y%m%d}damlbmp" in refused.stderr
    assert "--prune" in refused.stderr
    assert set(_rows_by_day(built.out)) >= {DAY, DAY + timedelta(days=1)}


@pytest.mark.builds
def test_a_rotten_year_is_named_and_built_anew_when_told_to(
    rotten: tuple[Built, Ran, int],
) -> None:
    built, ran, verify = rotten
    assert (ran.exit_code, verify) == (1, 1), ran.stderr
    assert "da_energy_hourly_2024.parquet has other bytes than were published" in ran.stderr
    assert "--full-refresh --year 2024" in ran.stderr
    log = (built.out / "logs" / "dbt.log").read_text()
    assert "the working database was damaged (IO Error: Could not read enough bytes" in log
    build(built.raw, built.out, "nyiso", "--full-refresh", "--year", "2024")
    assert verified(Workspace(raw=built.raw, out=built.out)) == 0
    assert set(_rows_by_day(built.out)) == {DAY, DAY + timedelta(days=1), date(2024, 4, 2)}
