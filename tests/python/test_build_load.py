"""Loads: each line of a file is used or told of, and a bad file stops itself only."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import duckdb
import pytest

from small_project import MODEL, Small
from unified_iso.build import load
from unified_iso.build.load import CantLoad, Loader
from unified_iso.sql import sql_text

MONDAY, TUESDAY = date(2024, 3, 4), date(2024, 3, 5)
SOUND = ["2024-03-04 00:00:00,HUB,1.5,1", "2024-03-04 01:00:00,HUB,2.5,1"]


@pytest.fixture
def small(tmp_path: Path) -> Small:
    small = Small(tmp_path)
    small.cursor.execute("create temp table group_parts as select 2024::usmallint as year")
    return small


def rejects(small: Small) -> list[tuple[str, int | None, str]]:
    rows = small.rows(
        "select data_source, line, message from inventory.rejected_rows"
        " where model = $1 order by all",
        MODEL,
    )
    return [(source.removeprefix("xiso/da-prices/"), *rest) for source, *rest in rows]


def blocked(small: Small) -> list[tuple[int, str]]:
    return small.rows("select year, message from inventory.blocked order by all")


def refused(small: Small) -> dict[str, str]:
    rows = small.rows(
        "select data_source, refusal from inventory.raw_files where refusal is not null"
    )
    return {source.removeprefix("xiso/da-prices/"): reason for source, reason in rows}


def days(small: Small) -> list[tuple[str, date, int]]:
    return small.rows(
        "select split_part(data_source, '/', 3), delivery_date, rows from inventory.coverage"
        " inner join inventory.raw_files using (file_id) where not is_hint order by all"
    )


def test_a_sound_load_is_parsed_once_and_its_days_are_known(small: Small) -> None:
    small.write("a.csv", [*SOUND, "2024-03-05 00:00:00,HUB,3.5,1"])
    assert small.load()
    assert small.rows("select price, raw_row from load__stg_xiso__prices order by raw_row") == [
        *((1.5, 0), (2.5, 1), (3.5, 2)),
    ]
    assert days(small) == [("a.csv", MONDAY, 2), ("a.csv", TUESDAY, 1)]
    assert small.rows("select lines, lines_used from inventory.raw_files") == [(3, 3)]
    assert (rejects(small), blocked(small), refused(small)) == ([], [], {})
    # Its relation is empty again: the definition of a dataset depends on no file.
    assert small.rows("select * from memory.xiso.prices") == []
    small.loader.drop_load()
    with pytest.raises(duckdb.CatalogException):
        small.rows("select * from load__stg_xiso__prices")


def test_a_line_that_the_reader_throws_out_is_told_with_its_line(small: Small) -> None:
    small.write("a.csv", [SOUND[0], "2024-03-04 02:00:00,HUB,much,1", SOUND[1]])
    assert small.load()
    [(file, line, message)] = rejects(small)
    assert (file, line) == ("a.csv", 3)
    assert message.startswith("column price: Error when converting column")
    [(year, why)] = blocked(small)
    assert year == 2024
    assert why.startswith("xiso/da-prices/a.csv line 3: column price: ")
    assert small.rows("select lines, lines_used from inventory.raw_files") == [(3, 2)]


def test_a_rejected_row_behind_lines_that_are_no_rows_is_told_with_its_line(small: Small) -> None:
    small.write(
        "a.csv",
        ["2024-03-04 05:00:00,HUB,1.5", SOUND[0], "", SOUND[1], "2024-03-04 02:00:00,HUB,,1"],
    )
    assert small.load()
    assert [(line, message) for _, line, message in rejects(small)][1:] == [(6, "has no price")]
    assert [line for _, line, _ in rejects(small)] == [2, 6]


def test_a_rejected_row_stops_the_year_of_its_file_unless_rejects_are_allowed(
    small: Small,
) -> None:
    small.write("a.csv", [*SOUND, "2024-03-04 02:00:00,HUB,,1"])
    small.write("b.csv", ["2023-03-04 02:00:00,HUB,1.5,1"])
    assert small.load()
    assert rejects(small) == [("a.csv", 4, "has no price")]
    [(year, message)] = blocked(small)
    assert year == 2024
    assert message.startswith("xiso/da-prices/a.csv line 4: has no price: mend the file, or")
    small.cursor.execute("delete from inventory.blocked")
    small.tell(allow_rejects=True)
    assert small.load()
    assert rejects(small) == [("a.csv", 4, "has no price")]
    assert blocked(small) == []


def test_the_wrong_year_of_a_rejected_row_is_nobodys_year(small: Small) -> None:
    small.write("a.csv", [*SOUND, "2021-03-04 02:00:00,HUB,,1"])
    assert small.load()
    assert days(small) == [("a.csv", MONDAY, 2)]
    assert [year for year, _ in blocked(small)] == [2024]


def test_a_file_of_rejected_rows_only_stops_the_first_year_of_the_load(small: Small) -> None:
    small.write("a.csv", ["2024-03-04 02:00:00,TIMELESS,,1"])
    assert small.load()
    assert days(small) == []
    assert [year for year, _ in blocked(small)] == [2024]


def test_a_file_of_which_no_line_can_be_used_is_told_of(small: Small) -> None:
    small.write("a.csv", ["2024-03-04 02:00:00,HUB,much,1"])
    assert small.load()
    assert (
        "a.csv",
        None,
        "has 1 data lines, but none could be used",
    ) in rejects(small)


def test_a_file_that_the_reader_gives_up_on_is_refused_beside_two_sound_ones(
    small: Small,
) -> None:
    for name in ("a.csv", "b.csv", "c.csv"):
        path = small.write(name, SOUND)
        if name == "b.csv":
            bad = path
    small.look()
    small.choose()
    bad.unlink()
    assert not small.loader.parse()
    assert list(refused(small)) == ["b.csv"]
    assert refused(small)["b.csv"].startswith("can't be read as csv (IO Error: No files found")
    small.choose()
    assert small.loader.parse()
    assert days(small) == [("a.csv", MONDAY, 2), ("c.csv", MONDAY, 2)]


def test_a_load_that_fails_for_no_one_file_fails(
    small: Small, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a.csv", "b.csv"):
        small.write(name, SOUND)
    small.look()
    small.choose()
    read = Loader._try_to_read

    def fails_with_several(self: Loader, look_only: bool) -> set[str]:
        if len(small.rows("select * from load_files")) > 1:
            raise duckdb.InvalidInputException("too much at once")
        return read(self, look_only)

    monkeypatch.setattr(Loader, "_try_to_read", fails_with_several)
    with pytest.raises(CantLoad, match="xiso_prices can't be loaded: too much at once"):
        small.loader.parse()
    assert refused(small) == {}


def test_lines_that_the_inventory_has_not_counted_are_counted_anew(small: Small) -> None:
    small.write("a.csv", SOUND)
    small.write("b.csv", SOUND)
    small.look()
    (small.raw / "xiso" / "da-prices" / "b.csv").write_text(
        "starts,point,price,version\n" + "\n".join([*SOUND, "2024-03-04 02:00:00,HUB,1,1"]) + "\n"
    )
    # The inventory has counted two lines, and the reader, who comes later, uses three.
    small.choose()
    assert small.loader.parse(), "a recount finds the third line"
    assert small.rows("select lines from inventory.raw_files order by data_source") == [(2,), (3,)]


def test_a_line_that_is_nowhere_refuses_its_file(
    small: Small, monkeypatch: pytest.MonkeyPatch
) -> None:
    small.write("a.csv", SOUND)
    small.write("b.csv", SOUND)
    small.look()
    small.choose()
    parsed = Loader._parsed
    lost = " where not (raw_file = 2 and raw_row = 1)"
    monkeypatch.setattr(Loader, "_parsed", lambda *given: parsed(*given) + lost)
    assert not small.loader.parse()
    assert refused(small) == {
        "b.csv": "has 2 data lines, but 1 could be told apart: mend it, or download it again"
    }


def test_a_row_may_refuse_its_file_and_what_refused_is_remembered(small: Small) -> None:
    small.write("a.csv", [SOUND[0], "2024-03-04 01:00:00,ODD,2.5,1"])
    assert not small.load()
    assert refused(small) == {"a.csv": "is another report"}
    small.look()
    small.loader.retry_refused_files()
    assert refused(small) == {"a.csv": "is another report"}
    small.cursor.execute(
        "create or replace view staging.stg_xiso__prices as"
        " select *, null::varchar as set_aside from memory.xiso.prices"
    )
    small.loader.retry_refused_files()
    assert refused(small) == {}


def test_a_refused_file_is_tried_again_by_a_full_refresh(small: Small) -> None:
    small.write("a.csv", ["2024-03-04 01:00:00,ODD,2.5,1"])
    assert not small.load()
    small.tell(full_refresh=True)
    small.loader.retry_refused_files()
    assert refused(small) == {}


def test_stamps_of_a_later_form_are_read_as_text(small: Small) -> None:
    many = [f"2024-03-04 {n % 24:02d}:00:00,P{n},1.5,1" for n in range(5000)]
    small.write("a.csv", [*many, "03/05/2024 01:00,HUB,3.5,1"])
    small.look()
    small.cursor.execute("update inventory.raw_files set timestamp_format = '%Y-%m-%d %H:%M:%S'")
    small.choose()
    assert not small.loader.parse()
    assert small.rows("select timestamp_format from inventory.raw_files") == [("text",)]
    small.choose()
    assert small.loader.parse()
    assert days(small) == [("a.csv", MONDAY, 5000), ("a.csv", TUESDAY, 1)]
    assert rejects(small) == []


def test_a_look_for_days_loads_nothing_and_refuses_what_tells_no_time(small: Small) -> None:
    small.write("a.csv", [*SOUND, "2024-03-05 00:00:00,TOTAL,9.5,1"])
    small.write("b.csv", ["2024-03-05 00:00:00,TIMELESS,9.5,1"])
    small.look()
    small.choose()
    small.loader.find_days()
    assert days(small) == [("a.csv", MONDAY, 2), ("a.csv", TUESDAY, 1)]
    assert refused(small) == {
        "b.csv": "has 1 data lines, but none tells a time: check its time columns"
    }
    with pytest.raises(duckdb.CatalogException):
        small.rows("select * from load__stg_xiso__prices")


def test_nobody_sees_a_file_without_days_while_they_are_replaced(
    small: Small, monkeypatch: pytest.MonkeyPatch
) -> None:
    small.write("a.csv", SOUND)
    assert small.load()
    seen = []

    def looked(name: str) -> str:
        with small.cursor.cursor() as other:
            seen.append(other.execute("select count(*) from inventory.coverage").fetchall()[0][0])
        return sql_text(name)

    monkeypatch.setattr(load, "sql_text", looked)
    assert small.loader.parse()
    assert set(seen) == {1}


def test_a_lacking_column_is_told_once_for_its_file(small: Small) -> None:
    small.write("a.csv", SOUND)
    small.write("b.csv", ["2024-03-05 00:00:00,HUB,1.5"], header="starts,point,price")
    assert small.load()
    assert small.load()
    assert small.rows(
        "select data_source, message from inventory.file_warnings"
        " inner join inventory.raw_files using (file_id)"
    ) == [("xiso/da-prices/b.csv", "has no column version: its prices are published without")]


def test_what_became_of_rows_is_kept_by_file(small: Small) -> None:
    small.write("a.csv", [*SOUND, "2024-03-04 02:00:00,TOTAL,9.5,1", "2024-03-04 03:00:00,HUB,,1"])
    assert small.load()
    assert small.rows("select set_aside, rows from inventory.file_rows order by all") == [
        ("filtered: a total of points", 1),
        ("rejected: has no price", 1),
        (None, 2),
    ]


# Rows that another file may complete


def load_after_looking_at_all(small: Small, *names: str) -> bool:
    """Find the days of all files, then load some of them."""
    small.look()
    small.choose()
    small.loader.find_days()
    small.choose(*names)
    return small.loader.parse()


HALVES = [*SOUND, "2024-03-04 00:00:00,HALF,1.5,1", "2024-03-05 00:00:00,HALF,3.5,1"]


def test_a_row_that_lacks_its_rest_is_rejected_where_all_files_of_its_day_are_loaded(
    small: Small,
) -> None:
    small.write("a.csv", HALVES)
    small.write("b.csv", ["2024-03-05 01:00:00,HUB,4.5,1"])
    assert small.load()
    assert rejects(small) == [("a.csv", 4, "has no other half"), ("a.csv", 5, "has no other half")]
    assert [year for year, _ in blocked(small)] == [2024]


def test_a_row_whose_rest_may_be_in_a_file_of_another_load_is_left_to_that(small: Small) -> None:
    """Its day stays known, so that the part of that day is made of its file, too."""
    small.write("a.csv", [*HALVES[:2], HALVES[3]])
    small.write("b.csv", ["2024-03-05 01:00:00,HUB,4.5,1"])
    assert load_after_looking_at_all(small, "a.csv")
    assert rejects(small) == []
    assert blocked(small) == []
    assert days(small) == [
        *(("a.csv", MONDAY, 2), ("a.csv", TUESDAY, 1), ("b.csv", TUESDAY, 1)),
    ]


def test_a_row_that_lacks_its_rest_is_rejected_where_no_other_file_has_its_day(
    small: Small,
) -> None:
    small.write("a.csv", HALVES)
    small.write("b.csv", ["2024-03-05 01:00:00,HUB,4.5,1"])
    assert load_after_looking_at_all(small, "a.csv")
    assert rejects(small) == [("a.csv", 4, "has no other half")]
