"""What the quality report reads of year files: which months, and what comes of hand-made rows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from unified_iso.families import Family
from unified_iso.quality import figures
from unified_iso.quality.figures import keep_figures, keep_figures_of_part
from unified_iso.sql import sql_text
from unified_iso.workspace import Workspace

PATH = "parquet/xiso/prices/prices_2024.parquet"
FAMILY = Family(
    name="tiny_prices",
    key=("interval_start_utc", "point"),
    order=("datetime_utc", "point"),
    compared=("price",),
    price="price",
    parts=(),
    texts=("point",),
    series=("point",),
    unit="$/MWh",
)
# Two points on the day of 23 hours in Chicago, one of which lacks its last hour; a price of minus
# five, one of 300, and 44 from 1 to 44.
SPRING = """
select
    (timestamptz '2024-03-10 06:00:00+00' + to_hours(n // 2)) as datetime_utc,
    date '2024-03-10' as delivery_date,
    (hour(timezone('America/Chicago', datetime_utc)) + 1)::utinyint as delivery_hour,
    'DA' as market_type,
    case n % 2 when 0 then 'A' else 'B' end as point,
    (case n when 0 then -5 when 44 then 300 else n end)::double as price
from range(45) as hours(n)
"""


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "raw", tmp_path / "out")


@pytest.fixture
def session() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute("set TimeZone = 'UTC'")
    connection.execute(sql_text("schema"))
    connection.execute(sql_text("facts"))
    connection.execute("insert into inventory.markets values ('xiso', 'America/Chicago')")
    return connection


def entry(parts: Sequence[tuple[str, str, int]], **more: Any) -> dict[str, Any]:
    told = [{"part": part, "digest": digest, "rows": rows} for part, digest, rows in parts]
    return {
        "path": PATH,
        "iso": "xiso",
        "family": "tiny_prices",
        "fingerprint": "f",
        "step_minutes": 60,
        "series_columns": ["point"],
        "parts": told,
        **more,
    }


def publish(workspace: Workspace, sql: str) -> None:
    file = workspace.out / PATH
    file.parent.mkdir(parents=True, exist_ok=True)
    duckdb.execute(f"copy ({sql}) to '{file}' (format parquet)")


def keep(
    workspace: Workspace, session: duckdb.DuckDBPyConnection, *entries: dict[str, Any]
) -> None:
    keep_figures(workspace, session, entries, {"tiny_prices": FAMILY})


def days(session: duckdb.DuckDBPyConnection) -> list[tuple[Any, ...]]:
    return session.execute(
        "select delivery_date, market_type, rows, series, seconds_covered, seconds_expected,"
        " seconds_of_day from inventory.day_figures order by all"
    ).fetchall()


def test_a_day_of_23_hours_lacks_what_one_series_lacks(
    workspace: Workspace, session: duckdb.DuckDBPyConnection
) -> None:
    publish(workspace, SPRING)
    keep(workspace, session, entry([("2024-03-01", "d", 45)]))
    assert days(session) == [
        (date(2024, 3, 10), "DA", 45, 2, 45 * 3600, 46 * 3600, 23 * 3600),
    ]


def test_prices_by_month_and_hour(workspace: Workspace, session: duckdb.DuckDBPyConnection) -> None:
    publish(workspace, SPRING)
    keep(workspace, session, entry([("2024-03-01", "d", 45)]))
    found = session.execute("select * exclude (path) from inventory.price_figures").fetchall()
    # Sorted, the prices are -5, 1 to 43 and 300: the 3rd, the 23rd and the 43rd.
    assert found == [(date(2024, 3, 1), "DA", "$/MWh", 45, 1, -5.0, 2.0, 22.0, 42.0, 300.0)]
    hours = session.execute(
        "select local_hour, rows, negative_rows, total::double from inventory.hour_figures"
        " where local_hour in (0, 2, 3, 23) order by all"
    ).fetchall()
    assert hours == [(0, 2, 1, -4.0), (3, 2, 0, 9.0), (23, 1, 0, 300.0)]


def test_months_and_days_keep_their_own_figures_to_the_ends_of_a_year(
    workspace: Workspace, session: duckdb.DuckDBPyConnection
) -> None:
    rows = """
    select
        timezone('America/Chicago', day::timestamp) as datetime_utc,
        day as delivery_date,
        1::utinyint as delivery_hour,
        'DA' as market_type,
        'A' as point,
        price::double as price
    from (
        values
            (date '2024-01-01', 0.1), (date '2024-01-31', 0.2), (date '2024-02-29', -1.5),
            (date '2024-12-01', 7.25), (date '2024-12-31', 8.000001)
    ) as priced (day, price)
    """
    publish(workspace, rows)
    parts = [(f"2024-{month:02}-01", "d", 1) for month in (1, 2, 12)]
    keep(workspace, session, entry(parts))
    found = session.execute("select delivery_date::varchar from inventory.day_figures order by all")
    assert [day for (day,) in found.fetchall()] == [
        *("2024-01-01", "2024-01-31", "2024-02-29", "2024-12-01", "2024-12-31"),
    ]
    totals = session.execute(
        "select month::varchar, rows, negative_rows, total::varchar from inventory.hour_figures"
        " order by all"
    ).fetchall()
    assert totals == [
        ("2024-01-01", 2, 0, "0.300000"),
        ("2024-02-01", 1, 1, "-1.500000"),
        ("2024-12-01", 2, 0, "15.250001"),
    ]
    prices = session.execute(
        "select month::varchar, low, high from inventory.price_figures order by all"
    ).fetchall()
    assert prices == [
        ("2024-01-01", 0.1, 0.2),
        ("2024-02-01", -1.5, -1.5),
        ("2024-12-01", 7.25, 8.000001),
    ]


def test_quantiles_lie_within_the_prices(
    workspace: Workspace, session: duckdb.DuckDBPyConnection
) -> None:
    price = "(case n when 0 then -5 when 44 then 300 else n end)"
    publish(workspace, SPRING.replace(price, "50.49"))
    keep(workspace, session, entry([("2024-03-01", "d", 45)]))
    found = session.execute(
        "select low, p5, median, p95, high from inventory.price_figures"
    ).fetchall()
    assert found == [(50.49,) * 5]


def test_a_family_may_lack_market_unit_and_hour(
    workspace: Workspace, session: duckdb.DuckDBPyConnection
) -> None:
    publish(workspace, f"select * exclude (market_type, delivery_hour) from ({SPRING})")
    bare = {"tiny_prices": Family(**{name: getattr(FAMILY, name) for name in BARE})}
    keep_figures(workspace, session, [entry([("2024-03-01", "d", 45)])], bare)
    [(_, market, rows, *_)] = days(session)
    assert (market, rows) == (None, 45)
    assert session.execute(
        "select market_type, unit, rows from inventory.price_figures"
    ).fetchall() == [(None, None, 45)]
    assert session.execute("select count(*) from inventory.hour_figures").fetchall() == [(0,)]


BARE = ("name", "key", "order", "compared", "price", "parts", "texts", "series")


def test_a_family_without_a_record_has_days_and_no_prices(
    workspace: Workspace, session: duckdb.DuckDBPyConnection
) -> None:
    publish(workspace, SPRING)
    keep_figures(workspace, session, [entry([("2024-03-01", "d", 45)])], {})
    assert len(days(session)) == 1
    assert session.execute("select count(*) from inventory.price_figures").fetchall() == [(0,)]


def test_overlaps_of_one_series_make_up_for_no_gap_of_another(
    workspace: Workspace, session: duckdb.DuckDBPyConnection
) -> None:
    # A begins anew half an hour early each time, B lacks all but two hours of the day.
    publish(
        workspace,
        "select datetime_utc, datetime_utc + to_minutes(case point when 'A' then 90 else 60 end)"
        " as interval_end_utc, delivery_date, point, price"
        f" from ({SPRING}) where point = 'A' or hour(datetime_utc) in (6, 7)",
    )
    keep(workspace, session, entry([("2024-03-01", "d", 25)], own_ends=True))
    [(*_, covered, expected, _)] = days(session)
    assert (covered, expected) == (25 * 3600, 46 * 3600)


def read_months(monkeypatch: pytest.MonkeyPatch) -> list[date]:
    read: list[date] = []
    compute = figures._compute

    def noting(*arguments: Any) -> None:
        read.extend(arguments[-1])
        compute(*arguments)

    monkeypatch.setattr(figures, "_compute", noting)
    return read


def test_only_months_that_are_made_of_something_new_are_read(
    workspace: Workspace, session: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(workspace, SPRING)
    read = read_months(monkeypatch)
    parts = [("2024-02-28", "a", 5), ("2024-03-09", "b", 5), ("2024-03-10", "c", 45)]
    keep(workspace, session, entry(parts))
    assert read == [date(2024, 2, 1), date(2024, 3, 1)]
    read.clear()
    keep(workspace, session, entry(parts))
    assert read == []
    keep(workspace, session, entry([*parts[:2], ("2024-03-10", "other", 45)]))
    assert read == [date(2024, 3, 1)]
    assert len(days(session)) == 1
    keep(workspace, session)
    assert days(session) == []


def test_months_are_read_together_as_long_as_they_are_small(
    workspace: Workspace, session: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(workspace, SPRING)
    monkeypatch.setattr(figures, "ROWS_AT_ONCE", 100)
    groups: list[Sequence[date]] = []
    monkeypatch.setattr(figures, "_compute", lambda *arguments: groups.append(arguments[-1]))
    parts = [(f"2024-{month:02}-01", "d", rows) for month, rows in ((1, 60), (2, 40), (3, 500))]
    keep(workspace, session, entry(parts))
    assert groups == [[date(2024, 1, 1), date(2024, 2, 1)], [date(2024, 3, 1)]]


def test_a_month_that_is_known_is_not_read_again_between_two_others(
    workspace: Workspace, session: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(workspace, SPRING)
    groups: list[Sequence[date]] = []
    monkeypatch.setattr(figures, "_compute", lambda *arguments: groups.append(arguments[-1]))
    march = ("2024-03-01", "b", 5)
    keep(workspace, session, entry([march]))
    keep(workspace, session, entry([("2024-02-01", "a", 5), march, ("2024-04-01", "c", 5)]))
    assert groups == [[date(2024, 3, 1)], [date(2024, 2, 1)], [date(2024, 4, 1)]]


def test_a_file_that_cannot_be_read_says_why_and_others_have_figures(
    workspace: Workspace, session: duckdb.DuckDBPyConnection
) -> None:
    publish(workspace, SPRING)
    damaged = workspace.out / "parquet/xiso/prices/prices_2023.parquet"
    damaged.write_bytes(b"PAR1 is not enough PAR1")
    broken = entry([("2023-03-01", "d", 45)]) | {"path": "parquet/xiso/prices/prices_2023.parquet"}
    keep(workspace, session, broken, entry([("2024-03-01", "d", 45)]))
    assert len(days(session)) == 1
    [(path, fault)] = session.execute(
        "select path, fault from inventory.figured_months where fault is not null"
    ).fetchall()
    assert path.endswith("prices_2023.parquet")
    assert fault
    assert str(workspace.out) not in fault


def keep_part(
    workspace: Workspace, session: duckdb.DuckDBPyConnection, told: dict[str, Any], sql: str
) -> None:
    """Compute the figures of a part before it is published."""
    part = workspace.out / "part.parquet"
    part.parent.mkdir(parents=True, exist_ok=True)
    duckdb.execute(f"copy ({sql}) to '{part}' (format parquet)")
    keep_figures_of_part(session, told, part, {"tiny_prices": FAMILY})


def all_figures(session: duckdb.DuckDBPyConnection) -> list[list[tuple[Any, ...]]]:
    return [
        session.execute(f"select * from inventory.{table} order by all").fetchall()
        for table in figures._TABLES
    ]


def test_figures_of_a_part_are_taken_over_when_it_is_published(
    workspace: Workspace, session: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    of_march = entry([("2024-03-01", "d", 45)])
    publish(workspace, SPRING)
    keep(workspace, session, of_march)
    expected = all_figures(session)
    keep(workspace, session)
    keep_part(workspace, session, of_march, SPRING)
    named = session.execute("select distinct path from inventory.day_figures").fetchall()
    assert named == [(f"unpublished:{PATH}",)]
    read = read_months(monkeypatch)
    keep(workspace, session, of_march)
    assert all_figures(session) == expected
    assert read == []


def test_figures_of_a_part_that_is_not_published_are_those_of_no_file(
    workspace: Workspace, session: duckdb.DuckDBPyConnection
) -> None:
    publish(workspace, SPRING)
    newer = entry([("2024-03-01", "e", 22)])
    keep_part(workspace, session, newer, f"select * from ({SPRING}) limit 22")
    keep(workspace, session, entry([("2024-03-01", "d", 45)]))
    assert [rows for _, _, rows, *_ in days(session)] == [45]


def test_figures_of_a_part_replace_those_of_its_month(
    workspace: Workspace, session: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(workspace, SPRING)
    keep(workspace, session, entry([("2024-03-01", "d", 45)]))
    fewer = f"select * from ({SPRING}) limit 22"
    read = read_months(monkeypatch)
    # The run that wrote it first has not come to its end.
    for _ in range(2):
        keep_part(workspace, session, entry([("2024-03-01", "e", 22)]), fewer)
    publish(workspace, fewer)
    keep(workspace, session, entry([("2024-03-01", "e", 22)]))
    assert [rows for _, _, rows, *_ in days(session)] == [22]
    assert read == [date(2024, 3, 1)] * 2


def test_a_part_that_cannot_be_read_is_told_of_when_it_is_published(
    workspace: Workspace, session: duckdb.DuckDBPyConnection
) -> None:
    of_march = entry([("2024-03-01", "d", 45)])
    keep_figures_of_part(session, of_march, workspace.out / "none", {"tiny_prices": FAMILY})
    assert all_figures(session) == [[], [], [], []]
    keep(workspace, session, of_march)
    assert session.execute("select fault is null from inventory.figured_months").fetchall() == [
        (False,)
    ]
