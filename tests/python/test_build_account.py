"""Accounts: every row that was parsed is published, merged, superseded, filtered or rejected."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from small_project import DATASET_SQL, HUB, MODEL, NOT_IN_SUBSET_SQL, REPEATS_SQL, Small
from unified_iso.build import account, write
from unified_iso.build.plan import Part

MONDAY = Part(date(2024, 3, 4), 2024, "1", "2024-03-04 06:00:00+00", "2024-03-05 06:00:00+00")
TUESDAY = Part(date(2024, 3, 5), 2024, "2", "2024-03-05 06:00:00+00", "2024-03-06 06:00:00+00")
FIRST = [
    "2024-03-04 00:00:00,HUB,1.5,1",
    "2024-03-04 00:00:00,ZONE,2.5,1",
    "2024-03-04 01:00:00,HUB,3.5,1",
    "2024-03-04 01:00:00,TOTAL,9.5,1",
    "2024-03-04 02:00:00,HUB,,1",
    "2024-03-04 00:00:00,TIMELESS,1.0,1",
    "2024-03-05 00:00:00,HUB,4.5,1",
]
# The first row repeats one of the first file, and the second one has a higher version.
SECOND = ["2024-03-04 00:00:00,HUB,1.5,1", "2024-03-04 01:00:00,HUB,7.5,2"]


@pytest.fixture
def small(tmp_path: Path) -> Small:
    small = Small(tmp_path)
    small.cursor.execute("create temp table group_parts as select 2024::usmallint as year")
    small.write("a.csv", FIRST)
    small.write("b.csv", SECOND)
    small.tell(allow_rejects=True)
    assert small.load()
    return small


def _build(small: Small, part: Part, sql: str = DATASET_SQL) -> tuple[Path, list[int]]:
    """Write a part and account for it; return its file, and how often repeats were counted."""
    file = small.root / f"{part.part}.parquet"
    asked = []

    def count_repeats() -> pa.Table:
        asked.append(1)
        with write.loaded_rows(small.cursor, small.dataset, part.within):
            return small.cursor.sql(REPEATS_SQL).to_arrow_table()

    with write.loaded_rows(small.cursor, small.dataset, part.within):
        write.write_part(small.cursor, small.dataset, sql, file, small.options)
    write.note_part(small.cursor, small.dataset, part, file, "sql")
    account.account_for_part(small.cursor, small.dataset, part, file, count_repeats)
    return file, asked


def accounts(small: Small, part: Part, model: str = MODEL) -> set[tuple[Any, ...]]:
    rows = small.rows(
        "select split_part(data_source, '/', 3), term, reason, rows from inventory.new_accounts"
        " where model = $1 and part = $2",
        *(model, part.part),
    )
    assert len(set(rows)) == len(rows)
    return set(rows)


def unbalanced(small: Small, part: Part) -> list[tuple[str]]:
    return small.cursor.execute(
        "select data_source from inventory.new_accounts where model = $1 and part = $2"
        " group by all having sum(case when term = 'parsed' then rows::bigint else -rows::bigint"
        " end) <> 0",
        [MODEL, part.part],
    ).fetchall()


def test_every_row_of_a_part_has_its_term(small: Small) -> None:
    _, asked = _build(small, MONDAY)
    assert asked == [1]
    assert accounts(small, MONDAY) == {
        ("a.csv", "parsed", None, 6),
        ("a.csv", "published", None, 1),
        ("a.csv", "merged", "equal", 1),
        ("a.csv", "superseded", "lower version", 1),
        ("a.csv", "filtered", "a total of points", 1),
        ("a.csv", "rejected", "has no price", 1),
        ("a.csv", "rejected", "tells no time", 1),
        ("b.csv", "parsed", None, 2),
        ("b.csv", "published", None, 2),
    }
    assert unbalanced(small, MONDAY) == []


def test_a_row_without_a_time_counts_in_the_first_part_of_its_file_only(small: Small) -> None:
    _, asked = _build(small, TUESDAY)
    assert asked == []
    assert accounts(small, TUESDAY) == {
        ("a.csv", "parsed", None, 1),
        ("a.csv", "published", None, 1),
    }


def test_a_row_that_the_sql_loses_leaves_the_account_open(small: Small) -> None:
    _build(small, MONDAY, f"select * from ({DATASET_SQL}) where point <> 'ZONE'")
    assert unbalanced(small, MONDAY) == [("xiso/da-prices/a.csv",)]


def test_a_row_that_the_sql_doubles_leaves_the_account_open(small: Small) -> None:
    _build(small, TUESDAY, f"({DATASET_SQL}) union all ({DATASET_SQL})")
    assert unbalanced(small, TUESDAY) == [("xiso/da-prices/a.csv",)]


def test_accounts_know_the_content_of_their_files(small: Small) -> None:
    _build(small, MONDAY)
    hashes = small.rows(
        "select distinct data_source, content_hash from inventory.new_accounts order by all"
    )
    assert hashes == small.rows(
        "select data_source, content_hash from inventory.raw_files order by all"
    )
    assert None not in {found for _, found in hashes}


def _left_out(small: Small, part: Part, file: Path, sql: str) -> pa.Table:
    """Ask which rows of a part of the dataset are not in what is made of it."""
    relation, bounds = small.dataset.relation, part.bounds("datetime_utc")
    with write.rows_of_files(small.cursor, relation, [str(file)], bounds):
        return small.cursor.sql(sql).to_arrow_table()


def test_a_subset_takes_over_the_accounts_and_filters_what_it_leaves_out(small: Small) -> None:
    parent_file, _ = _build(small, MONDAY)
    file = small.root / "hub.parquet"
    small.cursor.execute(
        f"copy (select * from '{parent_file}' where point = 'HUB') to '{file}' (format parquet)"
    )
    left_out = _left_out(small, MONDAY, parent_file, NOT_IN_SUBSET_SQL)
    account.account_for_derived_part(
        small.cursor, small.subset, small.dataset, MONDAY, file, left_out
    )
    assert accounts(small, MONDAY, HUB) == {
        ("a.csv", "parsed", None, 6),
        ("a.csv", "merged", "equal", 1),
        ("a.csv", "superseded", "lower version", 1),
        ("a.csv", "filtered", "a total of points", 1),
        ("a.csv", "filtered", "not in this subset: point = 'HUB'", 1),
        ("a.csv", "rejected", "has no price", 1),
        ("a.csv", "rejected", "tells no time", 1),
        ("b.csv", "parsed", None, 2),
        ("b.csv", "published", None, 2),
    }


def test_a_subset_counts_only_rows_of_its_part(small: Small) -> None:
    _build(small, MONDAY)
    tuesday, _ = _build(small, TUESDAY)
    year = small.root / "year.parquet"
    small.cursor.execute(
        f"copy (from read_parquet(['{small.root}/2024-03-04.parquet', '{tuesday}'])) to '{year}'"
        " (format parquet)"
    )
    file = small.root / "hub.parquet"
    small.cursor.execute(f"copy (from '{tuesday}') to '{file}' (format parquet)")
    left_out = _left_out(small, TUESDAY, year, NOT_IN_SUBSET_SQL)
    account.account_for_derived_part(
        small.cursor, small.subset, small.dataset, TUESDAY, file, left_out
    )
    assert accounts(small, TUESDAY, HUB) == {
        ("a.csv", "parsed", None, 1),
        ("a.csv", "published", None, 1),
    }


def test_means_count_one_row_as_published_and_say_what_became_of_the_others(small: Small) -> None:
    """The hub's two hours make a mean, named by the file of the later one; the zone lacks one."""
    parent_file, _ = _build(small, MONDAY)
    file = small.root / "means.parquet"
    small.cursor.execute(
        "copy (select min(datetime_utc) as datetime_utc, point, avg(price) as price,"
        f" arg_max(data_source, datetime_utc) as data_source from '{parent_file}' group by point"
        f" having count(*) = 2) to '{file}' (format parquet)"
    )
    sql = """
        select
            data_source, if(hours = 2, 'merged', 'filtered') as term,
            if(hours = 2, 'averaged', 'lacks hours') as reason, count(*) as rows
        from (
            select
                *, count(*) over of_point as hours, max(datetime_utc) over of_point as last_hour
            from "memory"."main"."xiso_prices" window of_point as (partition by point)
        )
        where hours <> 2 or datetime_utc <> last_hour
        group by all
    """
    left_out = _left_out(small, MONDAY, parent_file, sql)
    account.account_for_derived_part(
        small.cursor, small.subset, small.dataset, MONDAY, file, left_out
    )
    assert accounts(small, MONDAY, HUB) == {
        ("a.csv", "parsed", None, 6),
        ("a.csv", "merged", "equal", 1),
        ("a.csv", "superseded", "lower version", 1),
        ("a.csv", "filtered", "a total of points", 1),
        ("a.csv", "filtered", "lacks hours", 1),
        ("a.csv", "rejected", "has no price", 1),
        ("a.csv", "rejected", "tells no time", 1),
        ("b.csv", "parsed", None, 2),
        ("b.csv", "merged", "averaged", 1),
        ("b.csv", "published", None, 1),
    }
