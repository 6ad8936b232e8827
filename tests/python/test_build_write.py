"""Writing a part: the SQL of the dataset over loaded rows, of which nobody else sees anything."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from small_project import DATASET_SQL, FAMILY, MODEL, Small
from unified_iso.build import write
from unified_iso.build.plan import Part

STAGED = "select count(*) from staging.stg_xiso__prices"
PART = Part(date(2024, 3, 4), 2024, "digest", "2024-03-04 06:00:00+00", "2024-03-05 06:00:00+00")
LINES = [
    *("2024-03-04 00:00:00,HUB,1.5,1", "2024-03-04 00:00:00,ZONE,2.5,1"),
    *("2024-03-04 01:00:00,HUB,3.5,1", "2024-03-05 00:00:00,HUB,4.5,1"),
]


@pytest.fixture
def small(tmp_path: Path) -> Small:
    small = Small(tmp_path)
    small.write("a.csv", LINES)
    assert small.load()
    return small


def _definitions(cursor: duckdb.DuckDBPyConnection) -> list[tuple[Any, ...]]:
    return cursor.execute(
        "select view_name, sql from duckdb_views() where not internal order by all"
    ).fetchall()


def test_staging_views_stand_for_loaded_rows_of_the_part_within_the_block(small: Small) -> None:
    before = _definitions(small.cursor)
    with write.loaded_rows(small.cursor, small.dataset):
        assert small.rows(STAGED) == [(4,)]
        assert small.rows("select * from inventory.open_files") == [(1, "xiso/da-prices/a.csv")]
    with write.loaded_rows(small.cursor, small.dataset, PART.within):
        assert small.rows(STAGED) == [(3,)]
    assert small.rows(STAGED) == [(0,)]
    assert _definitions(small.cursor) == before


def test_another_session_sees_nothing_of_it(small: Small) -> None:
    before = _definitions(small.cursor)
    with small.cursor.cursor() as other:
        assert other.execute(STAGED).fetchall() == [(0,)]
        with write.loaded_rows(small.cursor, small.dataset):
            assert small.rows(STAGED) == [(4,)]
            assert other.execute(STAGED).fetchall() == [(0,)]
            assert _definitions(other) == before
        assert other.execute(STAGED).fetchall() == [(0,)]
        assert _definitions(other) == before


@pytest.mark.parametrize("fault", [KeyError("mine"), KeyboardInterrupt()], ids=repr)
def test_an_exception_in_the_block_leaves_nothing_of_it(small: Small, fault: BaseException) -> None:
    before = _definitions(small.cursor)
    with pytest.raises(type(fault)), write.loaded_rows(small.cursor, small.dataset):
        raise fault
    assert _definitions(small.cursor) == before
    assert small.rows(STAGED) == [(0,)]


def test_a_query_that_fails_in_the_block_leaves_nothing_of_it(small: Small) -> None:
    before = _definitions(small.cursor)
    with (
        pytest.raises(duckdb.ConversionException),
        write.loaded_rows(small.cursor, small.dataset),
    ):
        small.rows(f"select point::integer from ({DATASET_SQL})")
    assert _definitions(small.cursor) == before
    assert small.rows(STAGED) == [(0,)]


def test_a_dataset_stands_for_rows_of_its_files_within_the_block(
    small: Small, tmp_path: Path
) -> None:
    file = tmp_path / "year=1999" / "file.parquet"
    file.parent.mkdir()
    small.cursor.execute(f"copy (select unnest([1, 2, 3]) as price) to '{file}' (format parquet)")
    small.cursor.execute("create view main.xiso_prices as select 7 as price")
    with write.rows_of_files(small.cursor, "main.xiso_prices", [str(file)], "price > 1"):
        assert small.rows("select * from main.xiso_prices") == [(2,), (3,)]
    assert small.rows("select * from main.xiso_prices") == [(7,)]


def _written(small: Small, texts: list[str], name: str = "part.parquet", **options: Any) -> Path:
    small.tell(**options)
    file = small.root / "candidates" / name
    with write.loaded_rows(small.cursor, small.dataset, PART.within, texts):
        write.write_part(small.cursor, small.dataset, DATASET_SQL, file, small.options)
    return file


def test_a_part_is_the_sql_of_the_dataset_over_its_rows(small: Small) -> None:
    file = _written(small, [])
    assert small.rows(
        f"select * replace (datetime_utc::varchar as datetime_utc) from '{file}'"
    ) == [
        ("2024-03-04 06:00:00+00", "XISO", "DA", "HUB", 1.5, "xiso/da-prices/a.csv"),
        ("2024-03-04 06:00:00+00", "XISO", "DA", "ZONE", 2.5, "xiso/da-prices/a.csv"),
        ("2024-03-04 07:00:00+00", "XISO", "DA", "HUB", 3.5, "xiso/da-prices/a.csv"),
    ]
    kinds = small.rows(f"select column_type from (describe from '{file}')")
    assert kinds == [
        ("TIMESTAMP WITH TIME ZONE",),
        *([("VARCHAR",)] * 3),
        ("DOUBLE",),
        ("VARCHAR",),
    ]


def test_a_part_is_noted_with_its_rows_and_bounds(small: Small) -> None:
    file = _written(small, [])
    for _ in range(2):
        assert write.note_part(small.cursor, small.dataset, PART, file, "sql") == 3
    assert small.rows(
        "select * replace (first_interval::varchar as first_interval,"
        " last_interval::varchar as last_interval) from inventory.new_parts"
    ) == [
        (
            *(MODEL, PART.part, 2024, "digest", "sql", 3, 1),
            *("2024-03-04 06:00:00+00", "2024-03-04 07:00:00+00", str(file)),
        )
    ]


def test_the_form_of_a_file_is_that_of_the_options(small: Small) -> None:
    metadata = "select distinct compression from parquet_metadata('{}')"
    assert small.rows(metadata.format(_written(small, []))) == [("ZSTD",)]
    snappy = _written(small, [], "snappy.parquet", compression="snappy")
    assert small.rows(metadata.format(snappy)) == [("SNAPPY",)]


def _short(small: Small) -> list[str]:
    return write.shorten_texts(small.cursor, small.dataset, FAMILY, PART, small.options)


def test_texts_are_numbers_where_the_first_interval_has_the_first_and_the_last(
    small: Small,
) -> None:
    assert _short(small) == ["point"]
    plain, short = _written(small, []), _written(small, ["point"], "short.parquet")
    assert small.rows(f"from '{plain}'") == small.rows(f"from '{short}'")


@pytest.mark.parametrize(
    "line",
    [
        "2024-03-04 02:00:00,AREA,1.5,1",
        "2024-03-04 02:00:00,ZZZ,1.5,1",
        "2024-03-04 00:00:00,HUB,9.5,1",
    ],
    ids=["one before the first", "one after the last", "a repeat in the first interval"],
)
def test_texts_stay_texts_where_a_row_group_could_lack_the_bounds(small: Small, line: str) -> None:
    small.write("b.csv", [line])
    assert small.load()
    assert _short(small) == []


def test_texts_stay_texts_where_the_first_interval_fills_more_than_a_row_group(
    small: Small,
) -> None:
    small.tell(row_group_size=1)
    assert _short(small) == []
