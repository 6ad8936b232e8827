"""Raw relations: what a source shows of the files of a load, of all present ones, and of none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pytest

from small_project import POINTS, PRICES, Small
from unified_iso.build import raw

SELECT = (
    "select raw_file, starts::varchar, point, price, version, raw_fault, raw_lacks, raw_row"
    ' from "memory"."xiso"."prices" order by raw_file, raw_row, starts'
)
KINDS = "select column_name, column_type from (describe from memory.xiso.prices)"


@pytest.fixture
def small(tmp_path: Path) -> Small:
    return Small(tmp_path)


def shown(small: Small, with_numbers: bool = True) -> list[tuple[Any, ...]]:
    small.look()
    small.choose()
    opened = raw.open_load(small.cursor, small.project, small.project.sources(), with_numbers)
    assert opened == {PRICES}
    return small.rows(SELECT)


def test_without_files_a_source_has_its_columns_and_no_row(small: Small) -> None:
    kinds = dict(small.rows(KINDS))
    assert small.rows(SELECT) == []
    assert kinds == {
        **{"starts": "TIMESTAMP", "point": "VARCHAR", "price": "DOUBLE", "version": "INTEGER"},
        **{"raw_fault": "VARCHAR", "raw_lacks": "VARCHAR"},
        **{"raw_instant": "TIMESTAMP WITH TIME ZONE", "raw_file": "UINTEGER", "raw_row": "BIGINT"},
    }
    small.write("a.csv", ["2024-03-04 00:00:00,HUB,1.5,1"])
    assert len(shown(small)) == 1
    assert dict(small.rows(KINDS)) == kinds
    raw.empty_relations(small.cursor, small.project.sources())
    assert small.rows(SELECT) == []


def test_rows_know_their_file_and_their_line(small: Small) -> None:
    small.write("b.csv", ["2024-03-05 00:00:00,HUB,3.5,1"])
    small.write("a.csv", ["2024-03-04 01:00:00,HUB,1.5,1", "2024-03-04 00:00:00,ZONE,2.5,2"])
    assert shown(small) == [
        (1, "2024-03-04 01:00:00", "HUB", 1.5, 1, None, None, 0),
        (1, "2024-03-04 00:00:00", "ZONE", 2.5, 2, None, None, 1),
        (2, "2024-03-05 00:00:00", "HUB", 3.5, 1, None, None, 0),
    ]
    assert {row[-1] for row in shown(small, with_numbers=False)} == {None}


def test_a_layout_of_text_stamps_tells_what_is_no_time(small: Small) -> None:
    small.write("a.csv", ["2024-03-04 00:00:00,HUB,1.5,1"])
    # Two forms in one file: all of its stamps are read as text.
    small.write(
        "b.csv",
        [
            *("2024-03-05 00:00:00,HUB,2.5,1", "03/05/2024 01:00,HUB,3.5,1"),
            *("soon,HUB,4.5,1", "2204-03-05 00:00:00,HUB,5.5,1"),
        ],
    )
    small.look()
    small.cursor.execute(
        "update inventory.raw_files set timestamp_format = 'text', layout = 'as text'"
        " where data_source like '%b.csv'"
    )
    small.choose()
    raw.open_load(small.cursor, small.project, small.project.sources(), True)
    assert small.rows(SELECT) == [
        (1, "2024-03-04 00:00:00", "HUB", 1.5, 1, None, None, 0),
        (2, "2024-03-05 00:00:00", "HUB", 2.5, 1, None, None, 0),
        (2, "2024-03-05 01:00:00", "HUB", 3.5, 1, None, None, 1),
        (2, None, "HUB", 4.5, 1, "soon is no time", None, 2),
        (2, None, "HUB", 5.5, 1, "2204-03-05 00:00:00 is to come", None, 3),
    ]


def test_a_wanted_column_that_a_file_lacks_is_null_and_told(small: Small) -> None:
    small.write("a.csv", ["2024-03-04 00:00:00,HUB,1.5,7"])
    small.write("b.csv", ["2.5,HUB,2024-03-05 00:00:00"], header="price,point,starts")
    assert shown(small) == [
        (1, "2024-03-04 00:00:00", "HUB", 1.5, 7, None, None, 0),
        (2, "2024-03-05 00:00:00", "HUB", 2.5, None, None, "|version|", 0),
    ]


def test_a_location_list_is_read_whole_beside_the_files_of_a_load(small: Small) -> None:
    small.write("a.csv", ["2024-03-04 00:00:00,HUB,1.5,1"])
    small.write("b.csv", ["2024-03-05 00:00:00,HUB,2.5,1"])
    points = small.raw / "xiso" / "points" / "points.csv"
    points.parent.mkdir()
    points.write_text("point,zone\nHUB,NORTH\n")
    small.look()
    small.choose("b.csv")
    opened = raw.open_load(small.cursor, small.project, small.project.sources(), True)
    assert opened == {PRICES, POINTS}
    assert small.rows(SELECT) == [(1, "2024-03-05 00:00:00", "HUB", 2.5, 1, None, None, 0)]
    assert small.rows("select point, zone, raw_file from memory.xiso.points") == [
        ("HUB", "NORTH", 0)
    ]


def test_between_runs_all_present_files_are_there_by_precedence(small: Small) -> None:
    small.write("a.csv", ["2024-03-04 00:00:00,HUB,1.5,1"])
    small.write("b.csv", ["2024-03-05 00:00:00,HUB,2.5,1"])
    small.look()
    raw.open_present(small.cursor, small.project, small.project.sources(), [])
    places = small.rows(
        "select files.data_source, price from memory.xiso.prices"
        " inner join inventory.open_files as files using (raw_file) order by all"
    )
    assert places == [("xiso/da-prices/a.csv", 1.5), ("xiso/da-prices/b.csv", 2.5)]
    small.cursor.execute(
        "update inventory.raw_files set is_present = false where path like '%b.csv'"
    )
    raw.open_present(small.cursor, small.project, small.project.sources(), [])
    assert [row[3] for row in small.rows(SELECT)] == [1.5]


def test_an_operator_that_nobody_has_looked_for_raises_when_it_is_read(small: Small) -> None:
    raw.open_present(small.cursor, small.project, small.project.sources(), [])
    with pytest.raises(duckdb.Error, match="no build has looked for raw files of this operator"):
        small.rows(SELECT)
    raw.open_present(small.cursor, small.project, small.project.sources(), [PRICES])
    assert small.rows(SELECT) == []


def test_a_file_that_has_gone_raises_when_it_is_read(small: Small) -> None:
    path = small.write("a.csv", ["2024-03-04 00:00:00,HUB,1.5,1"])
    small.look()
    path.unlink()
    raw.open_present(small.cursor, small.project, small.project.sources(), [])
    with pytest.raises(duckdb.Error, match=r"a\.csv"):
        small.rows(SELECT)


def test_names_and_texts_of_sql_are_quoted(small: Small) -> None:
    """A file's name is nobody's SQL."""
    small.write("it's [odd] {0}.csv", ["2024-03-04 00:00:00,O'HUB,1.5,1"])
    assert [row[2] for row in shown(small)] == ["O'HUB"]
