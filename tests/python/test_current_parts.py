"""What will stand once a run has published: parts, accounts and blocked years, told by views."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from unified_iso.build.join import accounts_of_year, block_year
from unified_iso.build.recover import discard_candidates
from unified_iso.footers import Account
from unified_iso.inventory import SCHEMA
from unified_iso.workspace import Workspace

Cursor = duckdb.DuckDBPyConnection
VIEWS = ("blocked_years", "current_accounts", "current_parts")


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    made = Workspace(raw=tmp_path / "raw", out=tmp_path / "out")
    made.prepare()
    return made


@pytest.fixture
def cursor(workspace: Workspace) -> Iterator[Cursor]:
    """Four published parts of a, one of b; a run replaces one, drops one and adds two."""
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        connection.execute(SCHEMA)
        discard_candidates(workspace, connection)
        for model, month, row_groups in (
            *(("a", 1, 3), ("a", 2, 5), ("a", 3, 7), ("a", 4, 2)),
            ("b", 2, 1),
        ):
            _publish(connection, model, month, row_groups)
        _write(connection, "a", 2)
        _write(connection, "a", 5)
        _write(connection, "b", 1)
        connection.execute("insert into inventory.dropped_parts values ('a', '2024-03-01', 2024)")
        yield connection


def _publish(cursor: Cursor, model: str, month: int, row_groups: int) -> None:
    cursor.execute(
        """
        insert into inventory.parts
        values (
            $model, make_date(2024, $month, 1), 2024, 'old digest', 'old print', 100, $row_groups,
            make_timestamptz(2024, $month, 1, 5, 0, 0), make_timestamptz(2024, $month, 20, 4, 0, 0)
        )
        """,
        {"model": model, "month": month, "row_groups": row_groups},
    )
    _account(cursor, "accounts", model, month, "old.csv")


def _write(cursor: Cursor, model: str, month: int) -> None:
    cursor.execute(
        """
        insert into inventory.new_parts
        values (
            $model, make_date(2024, $month, 1), 2024, 'new digest', 'new print', 50, 1,
            make_timestamptz(2024, $month, 2, 5, 0, 0), make_timestamptz(2024, $month, 3, 4, 0, 0),
            $month || '.parquet'
        )
        """,
        {"model": model, "month": month},
    )
    _account(cursor, "new_accounts", model, month, "new.csv")


def _account(cursor: Cursor, table: str, model: str, month: int, source: str) -> None:
    cursor.execute(
        f"""
        insert into inventory.{table}
        values ($1, make_date(2024, $2, 1), $3, 'hash', 'published', null, 50)
        """,
        [model, month, source],
    )


def _rows(cursor: Cursor, sql: str) -> list[tuple[Any, ...]]:
    return cursor.execute(sql).fetchall()


def test_parts_as_they_will_stand_are_the_new_and_those_that_stay(cursor: Cursor) -> None:
    found = _rows(
        cursor,
        "select model, month(part), digest, fingerprint, rows, row_groups, path, is_new"
        " from inventory.current_parts order by model, part",
    )
    assert found == [
        ("a", 1, "old digest", "old print", 100, 3, None, False),
        ("a", 2, "new digest", "new print", 50, 1, "2.parquet", True),
        ("a", 4, "old digest", "old print", 100, 2, None, False),
        ("a", 5, "new digest", "new print", 50, 1, "5.parquet", True),
        ("b", 1, "new digest", "new print", 50, 1, "1.parquet", True),
        ("b", 2, "old digest", "old print", 100, 1, None, False),
    ]


def test_a_part_is_told_with_its_year_and_its_first_and_last_interval(cursor: Cursor) -> None:
    assert _rows(
        cursor,
        "select part, year, first_interval, last_interval from inventory.current_parts"
        " where model = 'a' and month(part) in (1, 2) order by part",
    ) == [
        (
            date(2024, 1, 1),
            2024,
            datetime(2024, 1, 1, 5, tzinfo=UTC),
            datetime(2024, 1, 20, 4, tzinfo=UTC),
        ),
        (
            date(2024, 2, 1),
            2024,
            datetime(2024, 2, 2, 5, tzinfo=UTC),
            datetime(2024, 2, 3, 4, tzinfo=UTC),
        ),
    ]


def test_row_groups_of_a_part_that_stays_are_where_the_published_file_has_them(
    cursor: Cursor,
) -> None:
    """Parts that will not stay have row groups in it all the same."""
    assert _rows(
        cursor,
        "select model, month(part), first_row_group from inventory.current_parts"
        " where not is_new order by all",
    ) == [("a", 1, 0), ("a", 4, 3 + 5 + 7), ("b", 2, 0)]


def test_accounts_are_those_of_the_parts_that_will_stand(cursor: Cursor) -> None:
    _account(cursor, "new_accounts", "a", 4, "written of a part that was not.csv")
    _account(cursor, "accounts", "a", 6, "of a file that can not be read.csv")
    assert _rows(
        cursor,
        "select model, month(part), year, data_source from inventory.current_accounts order by all",
    ) == [
        ("a", 1, 2024, "old.csv"),
        ("a", 2, 2024, "new.csv"),
        ("a", 4, 2024, "old.csv"),
        ("a", 5, 2024, "new.csv"),
        ("b", 1, 2024, "new.csv"),
        ("b", 2, 2024, "old.csv"),
    ]


def test_accounts_of_a_year_come_in_the_order_of_its_footer(cursor: Cursor) -> None:
    cursor.execute("delete from inventory.accounts; delete from inventory.new_accounts")
    for source, content_hash, term, reason, rows in (
        ("y.csv", None, "published", None, 9),
        ("x.csv", "h", "rejected", "no price", 2),
        ("x.csv", "h", "rejected", None, 4),
        ("x.csv", "h", "rejected", None, 3),
        ("x.csv", "h", "parsed", None, 7),
    ):
        cursor.execute(
            "insert into inventory.new_accounts values ('b', '2024-01-01', $1, $2, $3, $4, $5)",
            [source, content_hash, term, reason, rows],
        )
    assert accounts_of_year(cursor, "b", 2024) == [
        Account("2024-01-01", "x.csv", "h", "parsed", None, 7),
        Account("2024-01-01", "x.csv", "h", "rejected", None, 3),
        Account("2024-01-01", "x.csv", "h", "rejected", None, 4),
        Account("2024-01-01", "x.csv", "h", "rejected", "no price", 2),
        Account("2024-01-01", "y.csv", "unknown", "published", None, 9),
    ]
    assert accounts_of_year(cursor, "b", 2023) == []


def test_a_blocked_year_stays_as_it_is_published(cursor: Cursor) -> None:
    block_year(cursor, "a", 2024, "its file is damaged")
    assert _rows(
        cursor, "select month(part) from inventory.current_parts where model = 'a' order by all"
    ) == [(1,), (2,), (3,), (4,)]
    assert {account.data_source for account in accounts_of_year(cursor, "a", 2024)} == {"old.csv"}
    assert len(accounts_of_year(cursor, "b", 2024)) == 2


def test_blocked_years_come_once_and_with_a_year(cursor: Cursor) -> None:
    cursor.execute(
        "insert into inventory.blocked values"
        " ('a', 2024, 'x'), ('a', 2024, 'y'), ('a', null, 'no year is known'), ('b', 2023, 'x')"
    )
    assert _rows(cursor, "select model, year from inventory.blocked_years order by all") == [
        ("a", 2024),
        ("b", 2023),
    ]
    assert _rows(
        cursor,
        "select 2022 not in (select year from inventory.blocked_years where model = 'a')",
    ) == [(True,)]


def test_the_views_outlive_the_tables_that_a_run_makes_anew(
    workspace: Workspace, cursor: Cursor
) -> None:
    discard_candidates(workspace, cursor)
    assert _rows(
        cursor,
        "select view_name from duckdb_views() where schema_name = 'inventory' order by all",
    ) == [(name,) for name in VIEWS]
    assert _rows(cursor, "select count(*), bool_or(is_new) from inventory.current_parts") == [
        (5, False)
    ]
    _write(cursor, "a", 2)
    assert _rows(cursor, "select count(*) from inventory.current_parts where is_new") == [(1,)]


def test_a_database_of_an_earlier_version_gets_the_views(workspace: Workspace) -> None:
    """Its tables may lack columns that the views have not been made for."""
    with duckdb.connect() as connection:
        connection.execute(SCHEMA)
        connection.execute("create table inventory.new_parts (model varchar, part date)")
        discard_candidates(workspace, connection)
        for name in VIEWS:
            assert _rows(connection, f"select * from inventory.{name}") == []
