"""Parts of a month whose first day depends on the last one of the month before."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from small_project import MODEL, Small
from unified_iso.build import plan

JANUARY, FEBRUARY = date(2024, 1, 1), date(2024, 2, 1)


@pytest.fixture
def months(tmp_path: Path) -> Small:
    """A file each of the last days of January and of the first ones of February."""
    small = Small(tmp_path, part="month")
    small.fingerprint("sql")
    small.let_days_follow()
    for number, day in enumerate(
        (date(2024, 1, 30), date(2024, 1, 31), date(2024, 2, 1), date(2024, 2, 2)), start=1
    ):
        small.file(number, f"{day:%m%d}.csv", day)
    return small


def test_a_month_depends_on_the_last_day_of_the_month_before(months: Small) -> None:
    assert months.rows(
        "select part, data_source from inventory.part_files where model = $1 and is_beside", MODEL
    ) == [(FEBRUARY, "xiso/da-prices/0131.csv")]


def test_the_last_day_of_the_month_before_is_opened_and_not_loaded(months: Small) -> None:
    files = [3, 4]
    beside = plan.files_beside(months.cursor, months.dataset, files)
    assert beside == [2]
    plan.choose_files(months.cursor, files, None, beside)
    assert months.rows("select file_id, is_beside from opened_files order by number") == [
        (2, True),
        (3, False),
        (4, False),
    ]


def test_a_month_is_stale_if_the_day_before_has_another_file(months: Small) -> None:
    months.published(JANUARY, FEBRUARY)
    months.cursor.execute(
        "insert into inventory.accounts select model, part, data_source, content_hash, 'parsed',"
        " null, 0 from inventory.part_files where is_beside"
    )
    state = "select part, state from inventory.planned_parts where model = $1 order by part"
    assert months.rows(state, MODEL) == [(JANUARY, "kept"), (FEBRUARY, "kept")]
    months.change_file(1, content_hash="b")
    assert months.rows(state, MODEL) == [(JANUARY, "stale"), (FEBRUARY, "kept")]
    months.change_file(2, content_hash="b")
    assert months.rows(state, MODEL) == [(JANUARY, "stale"), (FEBRUARY, "stale")]
