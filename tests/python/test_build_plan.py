"""What is to be done: states of parts and why, groups of parts, and the precedence of files."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from small_project import DATASET, HUB, MODEL, Small
from unified_iso.build import plan
from unified_iso.sql import sql_text

MONDAY, TUESDAY, WEDNESDAY = date(2024, 3, 4), date(2024, 3, 5), date(2024, 3, 6)
LAST_YEAR = date(2023, 3, 6)


@pytest.fixture
def small(tmp_path: Path) -> Small:
    """Files of Monday and Tuesday; both days are published as they are now."""
    small = Small(tmp_path)
    small.fingerprint("sql")
    small.file(1, "monday.csv", MONDAY)
    small.file(2, "tuesday.csv", TUESDAY)
    small.published(MONDAY, TUESDAY)
    return small


def states(small: Small, model: str = MODEL) -> dict[date, tuple[str, str | None]]:
    rows = small.rows(
        "select part, state, why from inventory.planned_parts where model = $1 order by part", model
    )
    return {part: (state, why) for part, state, why in rows}


def blocked(small: Small) -> list[tuple[int, str]]:
    return small.rows("select year, message from inventory.blocked order by all")


def write_as_new(small: Small, part: date) -> None:
    """Take a part, as it is wanted now, for written in this run."""
    small.cursor.execute(
        "insert into inventory.new_parts select model, part, year(part), digest, 'sql', 24, 1,"
        " part, part, 'file' from inventory.wanted_parts where model = $1 and part = $2",
        [MODEL, part],
    )


# States and why.


def test_a_part_is_kept_while_its_files_are_the_same(small: Small) -> None:
    assert states(small) == {MONDAY: ("kept", None), TUESDAY: ("kept", None)}


def test_a_new_day_is_not_built_yet(small: Small) -> None:
    small.file(3, "wednesday.csv", WEDNESDAY)
    assert states(small)[WEDNESDAY] == ("stale", "not built yet")
    assert small.rows(
        "select part, why, news from inventory.stale_parts where model = $1", MODEL
    ) == [(WEDNESDAY, "not built yet", "xiso/da-prices/wednesday.csv")]


def test_a_changed_file_and_a_further_one_make_only_their_days_stale(small: Small) -> None:
    small.change_file(1, content_hash="b")
    assert states(small) == {MONDAY: ("stale", "files are new"), TUESDAY: ("kept", None)}
    small.file(4, "tuesday_again.csv", TUESDAY)
    assert states(small)[TUESDAY] == ("stale", "files are new")


def test_other_sql_makes_every_part_stale(small: Small) -> None:
    small.fingerprint("other sql")
    stale = ("stale", "its SQL or a fact has changed")
    assert states(small) == {MONDAY: stale, TUESDAY: stale}


def test_a_full_refresh_makes_every_part_stale(small: Small) -> None:
    small.tell(full_refresh=True)
    asked = ("stale", "asked for anew")
    assert states(small) == {MONDAY: asked, TUESDAY: asked}


def test_only_years_that_are_asked_for_are_planned(small: Small) -> None:
    small.file(3, "last_year.csv", LAST_YEAR)
    small.tell(years=(2023,))
    assert states(small) == {LAST_YEAR: ("stale", "not built yet")}


def test_a_part_that_was_written_in_this_run_is_built(small: Small) -> None:
    small.change_file(1, content_hash="b")
    write_as_new(small, MONDAY)
    assert states(small)[MONDAY] == ("built", None)


def test_a_day_without_a_row_is_remembered_for_these_files_and_this_sql(small: Small) -> None:
    small.file(3, "wednesday.csv", WEDNESDAY)
    small.cursor.execute(
        "insert into inventory.empty_parts select model, part, digest, 'sql'"
        " from inventory.wanted_parts where model = $1 and part = $2",
        [MODEL, WEDNESDAY],
    )
    assert states(small)[WEDNESDAY] == ("kept", None)
    small.fingerprint("other sql")
    assert states(small)[WEDNESDAY] == ("stale", "not built yet")
    small.fingerprint("sql")
    small.change_file(3, content_hash="b")
    assert states(small)[WEDNESDAY] == ("stale", "not built yet")


# Files that vanish.


def test_rows_of_a_vanished_file_are_kept_until_they_may_go(small: Small) -> None:
    small.change_file(1, is_present=False)
    assert states(small)[MONDAY] == ("kept", None)
    small.tell(prune=True)
    assert states(small) == {MONDAY: ("dropped", None), TUESDAY: ("kept", None)}


def publish_subset(small: Small, *days: date) -> None:
    """Take the subset's parts of these days for published, with the accounts of its dataset."""
    small.fingerprint("hub sql", model=HUB)
    small.published(*days, model=HUB)
    small.cursor.execute(
        "insert into inventory.accounts select $1, * exclude (model) from inventory.accounts"
        " where model = $2 and list_contains($3, part)",
        [HUB, MODEL, list(days)],
    )


def told_as_vanished(small: Small) -> list[tuple[str, int]]:
    """Plan all datasets, and return the files that are told as gone or written over."""
    plan.keep_overwritten(small.cursor, [MODEL, HUB])
    return small.rows(sql_text("vanished"))


def test_rows_of_a_file_that_was_written_over_are_kept_and_told_until_they_may_go(
    small: Small,
) -> None:
    assert told_as_vanished(small) == []
    small.file(1, "monday.csv", WEDNESDAY, content="b")
    assert states(small)[MONDAY] == ("kept", None)
    assert told_as_vanished(small) == [("xiso/da-prices/monday.csv", 24)]
    small.tell(years=(2023,))
    assert told_as_vanished(small) == [("xiso/da-prices/monday.csv", 24)], "was not planned anew"
    small.tell(prune=True)
    assert states(small)[MONDAY] == ("dropped", None)
    small.file(1, "monday.csv", MONDAY, content="a")
    assert (states(small)[MONDAY], told_as_vanished(small)) == (("kept", None), [])


def test_rows_of_a_file_that_is_read_otherwise_go_by_themselves(small: Small) -> None:
    publish_subset(small, MONDAY, TUESDAY)
    small.file(1, "monday.csv", WEDNESDAY)
    assert states(small)[MONDAY] == ("dropped", None)
    small.cursor.execute(
        "insert into inventory.dropped_parts select model, part, year from inventory.parts"
        " where model = $1 and part = $2",
        [MODEL, MONDAY],
    )
    assert states(small, HUB) == {MONDAY: ("dropped", None), TUESDAY: ("kept", None)}


def test_a_subset_keeps_what_its_dataset_has_only_lost(small: Small) -> None:
    """The files of the part are as they were, and it is made of them again."""
    publish_subset(small, MONDAY)
    small.cursor.execute("delete from inventory.parts where model = $1", [MODEL])
    assert states(small, HUB) == {MONDAY: ("kept", None)}


@pytest.mark.parametrize(
    "doubt", ["gone", "refused", "not read", "rejected rows", "rejected lines", "lost account"]
)
@pytest.mark.parametrize("prune", [False, True])
def test_no_row_goes_where_it_is_in_doubt_what_a_file_has(
    small: Small, doubt: str, prune: bool
) -> None:
    """Only of a file that is gone, or not the one that was read, `--prune` tells otherwise."""
    small.tell(prune=prune)
    small.file(1, "monday.csv", WEDNESDAY)
    changes: dict[str, dict[str, object]] = {
        "gone": {"is_present": False},
        "refused": {"refusal": "can't be read"},
        "not read": {"lines_used": None},
    }
    small.change_file(1, **changes.get(doubt, {}))
    if doubt == "rejected rows":
        small.cursor.execute(
            "insert into inventory.rejected_rows values ($1, 1, 'monday.csv', 2, 'has no price')",
            [MODEL],
        )
    if doubt == "rejected lines":
        small.cursor.execute("insert into inventory.rejected_lines values (1, 2, 'price', 'odd')")
    if doubt == "lost account":
        small.cursor.execute("update inventory.accounts set content_hash = 'unknown'")
    may_go = prune and doubt in ("gone", "lost account")
    assert states(small)[MONDAY] == ("dropped" if may_go else "kept", None)
    told = doubt in ("gone", "lost account")
    assert told_as_vanished(small) == [("xiso/da-prices/monday.csv", 24)] * told


def test_rejected_rows_that_are_left_out_put_nothing_in_doubt(small: Small) -> None:
    small.tell(allow_rejects=True)
    small.file(1, "monday.csv", WEDNESDAY)
    small.cursor.execute("insert into inventory.rejected_lines values (1, 2, 'price', 'odd')")
    assert states(small)[MONDAY] == ("dropped", None)


def test_a_part_that_another_file_covers_is_made_anew_and_told_nowhere(small: Small) -> None:
    small.file(1, "monday.csv", WEDNESDAY, content="b")
    small.file(3, "moved.csv", MONDAY)
    assert states(small)[MONDAY] == ("stale", "files are new")
    assert told_as_vanished(small) == []


def test_rows_of_a_file_that_is_only_unusable_never_go(small: Small) -> None:
    small.change_file(1, refusal="can't be read")
    small.tell(prune=True)
    assert states(small)[MONDAY] == ("kept", None)


@pytest.mark.parametrize(("prune", "state"), [(False, "kept"), (True, "stale")])
def test_a_part_is_made_of_what_is_left_where_one_of_its_files_may_go(
    small: Small, prune: bool, state: str
) -> None:
    small.file(3, "wednesday.csv", WEDNESDAY)
    small.file(4, "wednesday_again.csv", WEDNESDAY)
    small.published(WEDNESDAY)
    small.change_file(4, is_present=False)
    small.tell(prune=prune)
    assert states(small)[WEDNESDAY] == (state, "files are gone" if prune else None)


def test_a_year_is_blocked_where_rebuilding_would_lose_rows_of_a_vanished_file(
    small: Small,
) -> None:
    small.change_file(1, is_present=False)
    small.file(3, "monday_again.csv", MONDAY)
    plan.look(small.cursor, small.dataset)
    plan.block_vanished(small.cursor, small.dataset, small.options)
    assert blocked(small) == [
        (
            2024,
            "rebuilding 2024-03-04 would lose the rows of xiso/da-prices/monday.csv, which is gone:"
            " put the file back, or let its rows go with --prune (dbt: --vars '{prune: true}')",
        )
    ]
    assert plan.planned(small.cursor, small.dataset, "stale") == []


def test_pruning_blocks_no_year_of_a_vanished_file_but_one_of_an_unusable_file(
    small: Small,
) -> None:
    small.tell(prune=True)
    small.change_file(1, is_present=False)
    small.file(3, "monday_again.csv", MONDAY)
    plan.look(small.cursor, small.dataset)
    plan.block_vanished(small.cursor, small.dataset, small.options)
    assert blocked(small) == []
    small.change_file(1, is_present=True, refusal="can't be read")
    plan.look(small.cursor, small.dataset)
    plan.block_vanished(small.cursor, small.dataset, small.options)
    [(year, message)] = blocked(small)
    assert year == 2024
    assert "can't be used now" in message


# Subsets.


def test_a_subset_follows_its_dataset(small: Small) -> None:
    small.fingerprint("hub sql", model=HUB)
    assert states(small, HUB)[MONDAY] == ("stale", "not built yet")
    small.published(MONDAY, TUESDAY, model=HUB)
    assert states(small, HUB) == {MONDAY: ("kept", None), TUESDAY: ("kept", None)}
    small.cursor.execute(
        "update inventory.parts set digest = 'other' where model = $1 and part = $2",
        [MODEL, MONDAY],
    )
    assert states(small, HUB) == {
        MONDAY: ("stale", "its dataset has changed"),
        TUESDAY: ("kept", None),
    }
    small.fingerprint("other hub sql", model=HUB)
    assert {why for _, why in states(small, HUB).values()} == {"its SQL or a fact has changed"}


@pytest.mark.parametrize(("prune", "state"), [(False, "kept"), (True, "dropped")])
def test_a_part_of_a_subset_goes_with_that_of_its_dataset(
    small: Small, prune: bool, state: str
) -> None:
    small.fingerprint("hub sql", model=HUB)
    small.published(MONDAY, model=HUB)
    small.cursor.execute("delete from inventory.parts where model = $1", [MODEL])
    small.tell(prune=prune)
    assert states(small, HUB) == {MONDAY: (state, None)}


# Bounds, groups and files.


def test_bounds_of_parts_follow_the_clock_change(small: Small) -> None:
    small.file(3, "march.csv", date(2024, 3, 10))
    plan.look(small.cursor, small.dataset)
    [part] = plan.planned(small.cursor, small.dataset, "stale")
    assert (part.first_instant, part.end_instant) == (
        "2024-03-10 06:00:00+00",
        "2024-03-11 05:00:00+00",
    )


def test_bounds_of_a_month(tmp_path: Path) -> None:
    small = Small(tmp_path, part="month")
    small.fingerprint("sql")
    small.file(1, "march.csv", MONDAY, TUESDAY)
    plan.look(small.cursor, small.dataset)
    [part] = plan.planned(small.cursor, small.dataset, "stale")
    assert part.part == date(2024, 3, 1)
    assert part.within == (
        "interval_start_utc >= timestamptz '2024-03-01 06:00:00+00'"
        " and interval_start_utc < timestamptz '2024-04-01 05:00:00+00'"
    )


def next_group(small: Small, lines: int, *busy: date) -> list[plan.Part]:
    stale = plan.stale_parts(small.cursor, small.dataset, busy)
    return plan.next_group(small.cursor, small.dataset, lines, stale)


def group_of(small: Small, lines: int, *busy: date) -> list[date]:
    plan.look(small.cursor, small.dataset)
    return [part.part for part in next_group(small, lines, *busy)]


def loaded(small: Small) -> list[str]:
    rows = small.rows("select data_source from load_files order by number")
    return [source.rpartition("/")[2] for (source,) in rows]


@pytest.fixture
def months(tmp_path: Path) -> Small:
    """One file for each of three months, of 100 lines each."""
    small = Small(tmp_path, part="month")
    small.fingerprint("sql")
    for month in (1, 2, 3):
        small.file(month, f"month_{month}.csv", date(2024, month, 9), lines=100)
    return small


def test_a_group_has_as_many_parts_as_fit(months: Small) -> None:
    assert group_of(months, 250) == [date(2024, 1, 1), date(2024, 2, 1)]
    assert loaded(months) == ["month_1.csv", "month_2.csv"]
    assert group_of(months, 300) == [date(2024, 1, 1), date(2024, 2, 1), date(2024, 3, 1)]


def test_a_part_that_is_too_large_comes_alone(months: Small) -> None:
    assert group_of(months, 10) == [date(2024, 1, 1)]


def test_a_group_opens_no_more_files_than_one_statement_may(
    months: Small, monkeypatch: pytest.MonkeyPatch
) -> None:
    months.file(4, "second_of_february.csv", date(2024, 2, 8), lines=1)
    monkeypatch.setattr(plan, "MOST_FILES", 3)
    assert group_of(months, 1000) == [date(2024, 1, 1), date(2024, 2, 1)]
    monkeypatch.setattr(plan, "MOST_FILES", 2)
    assert group_of(months, 1000) == [date(2024, 1, 1)]
    # A part is loaded whole, however many files it has.
    monkeypatch.setattr(plan, "MOST_FILES", 1)
    assert group_of(months, 1000, date(2024, 1, 1)) == [date(2024, 2, 1)]
    assert loaded(months) == ["month_2.csv", "second_of_february.csv"]


def test_parts_that_somebody_else_builds_are_left_to_him(months: Small) -> None:
    assert group_of(months, 100, date(2024, 1, 1)) == [date(2024, 2, 1)]
    assert group_of(months, 100, *(date(2024, month, 1) for month in (1, 2, 3))) == []


def test_a_yearly_file_brings_its_months_in_one_reading(months: Small) -> None:
    months.file(9, "year.csv", *(date(2024, month, 9) for month in range(1, 13)), lines=1000)
    every = [date(2024, month, 1) for month in range(1, 13)]
    assert group_of(months, 1300) == every
    assert group_of(months, 1200) == every[:2]
    # In the first month it is too large already; what costs nothing more comes along with it.
    assert group_of(months, 10) == every[:1]
    for month in (1, 2, 3):
        months.change_file(month, is_present=False)
    assert group_of(months, 10) == every
    assert loaded(months) == ["year.csv"]


def test_a_group_that_has_changed_with_its_files_loses_what_is_not_stale_any_more(
    months: Small,
) -> None:
    plan.look(months.cursor, months.dataset)
    group = next_group(months, 250)
    months.file(2, "month_2.csv", date(2024, 3, 9), lines=100)
    left = plan.still_wanted(months.cursor, months.dataset, group)
    assert [part.part for part in left] == [date(2024, 1, 1)]


def test_no_second_look_is_taken_where_files_cover_what_was_known(
    months: Small, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan.look(months.cursor, months.dataset)
    group = next_group(months, 250)
    months.file(2, "month_2.csv", date(2024, 2, 8), lines=100)
    monkeypatch.delattr(plan, "look")
    assert plan.still_wanted(months.cursor, months.dataset, group) == group


def test_files_with_a_likely_day_wait_unless_a_published_part_depends_on_them(
    small: Small,
) -> None:
    small.file(3, "nameless.csv", lines_used=None)
    small.file(5, "20240306.csv", TUESDAY, WEDNESDAY, date(2024, 3, 7), is_hint=True)
    assert plan.files_without_days(small.cursor, small.dataset, small.options, 1000)
    assert loaded(small) == ["nameless.csv"]
    small.file(5, "20240305.csv", MONDAY, TUESDAY, WEDNESDAY, is_hint=True)
    plan.files_without_days(small.cursor, small.dataset, small.options, 1000)
    assert loaded(small) == ["20240305.csv", "nameless.csv"]


def test_a_choice_of_files_has_at_most_so_many_lines_and_at_least_one_file(small: Small) -> None:
    plan.choose_files(small.cursor, [1, 2], 24)
    assert loaded(small) == ["monday.csv"]
    plan.choose_files(small.cursor, [1, 2], 25)
    assert loaded(small) == ["monday.csv", "tuesday.csv"]
    assert not plan.choose_files(small.cursor, [], 25)


def test_a_choice_of_files_opens_no_more_than_one_statement_may(
    small: Small, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan, "MOST_FILES", 1)
    assert plan.choose_files(small.cursor, [1, 2], 1000)
    assert loaded(small) == ["monday.csv"]
    plan.choose_files(small.cursor, [1, 2], None)
    assert loaded(small) == ["monday.csv", "tuesday.csv"]


def many_files(small: Small, files: int) -> None:
    """Type raw files of five minutes each, of which days are known."""
    small.cursor.execute(
        """
        insert into inventory.raw_files by name
        select
            1000 + range as file_id,
            'xiso' as iso,
            'da-prices' as report,
            format('xiso/da-prices/{:06d}.csv', range) as path,
            path as data_source,
            1 as size,
            1 as mtime_ns,
            'a' as content_hash,
            2 as lines,
            2 as lines_used,
            'one' as layout,
            true as is_present
        from range($1)
        """,
        [files],
    )
    small.cursor.execute(
        "insert into inventory.coverage"
        " select 1000 + range, date '2023-01-01' + (range // 288)::int,"
        " 2, false from range($1)",
        [files],
    )


def test_planning_of_many_files_needs_little_memory(small: Small) -> None:
    many_files(small, 30_000)
    small.fingerprint("sql")
    small.cursor.execute("set memory_limit = '300MB'; set max_temp_directory_size = '0KB'")
    plan.look(small.cursor, small.dataset)
    plan.block_vanished(small.cursor, small.dataset, small.options)
    group = next_group(small, 10_000_000)
    assert group[0].part == date(2023, 1, 1)
    assert len(loaded(small)) == 288 * len(group) == 288 * 6
    assert plan.still_wanted(small.cursor, small.dataset, group) == group


# Precedence.


def in_order(small: Small) -> list[str]:
    rows = small.rows("select data_source from inventory.files_in_order order by place")
    return [source.removeprefix("xiso/") for (source,) in rows]


def test_files_go_by_rank_then_stamp_then_path(small: Small) -> None:
    small.file(3, "a.csv", MONDAY, publication_stamp="20240309")
    small.file(4, "b.csv", MONDAY, publication_stamp="20240308")
    small.file(5, "z.csv", MONDAY, report="points", data_source="xiso/points/z.csv")
    small.file(6, "refused.csv", MONDAY, refusal="empty")
    small.file(7, "gone.csv", MONDAY, is_present=False)
    assert in_order(small) == [
        *("da-prices/monday.csv", "da-prices/tuesday.csv"),
        *("da-prices/b.csv", "da-prices/a.csv", "points/z.csv"),
    ]


def test_cumulative_books_go_by_how_far_they_reach(tmp_path: Path) -> None:
    small = Small(tmp_path, cumulative=True)
    small.file(1, "b.xlsx!1", MONDAY, publication_stamp="1")
    small.file(2, "a.xlsx!1", MONDAY, publication_stamp="2")
    small.file(3, "b.xlsx!2", date(2024, 4, 1), publication_stamp="1")
    small.file(4, "old.xlsx!1", LAST_YEAR, publication_stamp="9")
    # The sheet of March in b.xlsx stands above that in a.xlsx, because b.xlsx reaches into April.
    sheets = ("a.xlsx!1", "b.xlsx!1", "b.xlsx!2", "old.xlsx!1")
    assert in_order(small) == [f"da-prices/{sheet}" for sheet in sheets]


def test_a_later_sheet_of_a_cumulative_book_makes_earlier_days_stale(tmp_path: Path) -> None:
    small = Small(tmp_path, cumulative=True)
    small.fingerprint("sql")
    small.file(1, "b.xlsx!1", MONDAY, publication_stamp="1")
    small.file(2, "a.xlsx!1", MONDAY, publication_stamp="2")
    small.file(3, "a.xlsx!2", date(2024, 3, 7), publication_stamp="2")
    small.published(MONDAY)
    assert states(small)[MONDAY] == ("kept", None)
    small.file(4, "b.xlsx!2", date(2024, 4, 1), publication_stamp="1")
    assert states(small)[MONDAY] == ("stale", "files are new")


# Fingerprints.


def test_a_fingerprint_tells_sql_views_seeds_lists_and_the_form_of_files(small: Small) -> None:
    def found(sql: str = "select 1", digest: str = "as it is", **options: object) -> str:
        small.tell(**options)
        return plan.fingerprint(
            small.cursor, small.project, small.dataset, sql, small.options, digest
        )

    before = found()
    assert found(digest="another project with the same SQL") == before
    assert found() == before
    assert small.rows("from inventory.fingerprints where model = $1", MODEL) == [
        (MODEL, before, "as it is", "")
    ]
    seen = {before, found("select 2"), found(compression="snappy"), found(row_group_size=5)}
    small.cursor.execute('create or replace view "staging"."stg_xiso__prices" as select 1 as point')
    seen.add(found())
    small.graph["nodes"]["seed.small.markets"]["checksum"] = {"checksum": "other"}
    seen.add(found())
    assert len(seen) == 6
    assert DATASET in small.project.nodes


def test_rows_at_once_follow_the_memory_limit(small: Small) -> None:
    small.cursor.execute("set memory_limit = '1GiB'")
    assert plan.rows_at_once(small.cursor, 2) == 2**30 // 300 // 2
    small.cursor.execute("set memory_limit = '10MiB'")
    assert plan.rows_at_once(small.cursor, 2) == 100_000


def lines_to_read(small: Small) -> int:
    plan.look(small.cursor, small.dataset)
    return plan.lines_to_read(small.cursor)


def test_lines_to_read_count_each_file_once_and_stay_while_parts_are_built(months: Small) -> None:
    assert lines_to_read(months) == 300
    write_as_new(months, date(2024, 2, 1))
    assert lines_to_read(months) == 300
    months.file(9, "year.csv", *(date(2024, month, 9) for month in range(1, 13)), lines=1000)
    assert lines_to_read(months) == 1300


def test_lines_of_a_part_that_is_kept_are_not_read(months: Small) -> None:
    months.published(date(2024, 1, 1))
    assert lines_to_read(months) == 200


# Days that depend on the end of the day before.


@pytest.fixture
def following(small: Small) -> Small:
    """Both days are published beside the day before, and there is a file of Wednesday."""
    small.let_days_follow()
    small.cursor.execute("delete from inventory.parts")
    small.published(MONDAY, TUESDAY)
    small.cursor.execute(
        "insert into inventory.accounts select model, part, data_source, content_hash, 'parsed',"
        " null, 0 from inventory.part_files where is_beside"
    )
    return small


def test_a_day_is_stale_if_the_day_before_has_other_files(following: Small) -> None:
    assert states(following) == {MONDAY: ("kept", None), TUESDAY: ("kept", None)}
    following.change_file(1, content_hash="b")
    assert set(states(following).values()) == {("stale", "files are new")}
    assert following.rows(
        "select part, news from inventory.stale_parts where model = $1 order by part", MODEL
    ) == [(MONDAY, "xiso/da-prices/monday.csv"), (TUESDAY, "xiso/da-prices/monday.csv")]


def test_a_day_before_that_is_gone_is_not_let_go(following: Small) -> None:
    following.change_file(1, is_present=False)
    assert states(following) == {MONDAY: ("kept", None), TUESDAY: ("kept", None)}
    following.change_file(2, content_hash="b")
    plan.look(following.cursor, following.dataset)
    plan.block_vanished(following.cursor, following.dataset, following.options)
    [(_, message)] = blocked(following)
    assert "2024-03-05 would lose the rows of xiso/da-prices/monday.csv" in message


def test_files_of_the_day_before_are_opened_and_not_loaded(following: Small) -> None:
    following.file(3, "wednesday.csv", WEDNESDAY)
    assert group_of(following, 100) == [WEDNESDAY]
    assert loaded(following) == ["wednesday.csv"]
    assert following.rows("select file_id, is_beside from opened_files order by number") == [
        (2, True),
        (3, False),
    ]


def test_each_day_of_a_loaded_file_has_its_day_before(following: Small) -> None:
    """Else the file could be taken for one of other days than it is of."""
    following.file(3, "two_days.csv", TUESDAY, WEDNESDAY)
    following.published(TUESDAY)
    following.cursor.execute("delete from inventory.parts where part <> $1", [MONDAY])
    assert group_of(following, 100) == [TUESDAY, WEDNESDAY]
    assert loaded(following) == ["tuesday.csv", "two_days.csv"]
    assert following.rows("select file_id from opened_files where is_beside") == [(1,)]
