"""The one reader of stamps: every form that has a single reading, and no other."""

from __future__ import annotations

from datetime import UTC, datetime

import duckdb
import pytest

from building import run_dbt

pytestmark = pytest.mark.builds

PROBE = """
select
    {{ has_utc_offset('printed') }} as has_offset,
    {{ stamp_of('printed') }} as stamp,
    {{ text_to_utc('printed') }} as instant,
    {{ text_to_local('printed', "'America/New_York'") }} as local_stamp,
    {{ stamp_fault('Time Stamp', 'printed', stamp_of('printed'), false) }} as fault,
    {{ stamp_fault('Date', 'printed', stamp_of('printed'), true) }} as day_fault
from given
"""


@pytest.fixture(scope="module")
def probe(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The macros as a query of the table `given`, which has a printed stamp in each row."""
    folder = tmp_path_factory.mktemp("probe")
    ran = run_dbt(folder / "raw", folder, "compile", "--inline", PROBE, "--quiet")
    return ran.stdout


def read(probe: str, printed: str) -> dict[str, object]:
    connection = duckdb.connect()
    connection.execute("set timezone = 'UTC'")
    connection.execute("create table given as select $1::varchar as printed", [printed])
    cursor = connection.execute(probe)
    names = [column[0] for column in cursor.description]
    row = cursor.fetchone()
    assert row is not None
    return dict(zip(names, row, strict=True))


@pytest.mark.parametrize(
    ("printed", "stamp"),
    [
        ("2025-01-05 05:30:00", datetime(2025, 1, 5, 5, 30)),
        ("2025-01-05T05:30:00", datetime(2025, 1, 5, 5, 30)),
        ("2025-01-05T05:30", datetime(2025, 1, 5, 5, 30)),
        ("2025-01-05 5:30", datetime(2025, 1, 5, 5, 30)),
        ("2025-1-5 5:30:00", datetime(2025, 1, 5, 5, 30)),
        ("2025-01-05 05:30:00.000", datetime(2025, 1, 5, 5, 30)),
        ("2025-01-05 05:30:00.000000000", datetime(2025, 1, 5, 5, 30)),
        ("2025/1/5 5:30", datetime(2025, 1, 5, 5, 30)),
        ("1/5/2025 5:30", datetime(2025, 1, 5, 5, 30)),
        ("01/05/2025 05:30:00", datetime(2025, 1, 5, 5, 30)),
        ("1/5/25 5:30", datetime(2025, 1, 5, 5, 30)),
        ("01/05/25 17:30:00", datetime(2025, 1, 5, 17, 30)),
        ("2/29/24 0:00", datetime(2024, 2, 29)),
        ("1/5/2025 5:30:00 AM", datetime(2025, 1, 5, 5, 30)),
        ("1/5/2025 5:30 PM", datetime(2025, 1, 5, 17, 30)),
        ("1/5/25 12:00 AM", datetime(2025, 1, 5)),
        ("1/5/2025 12:00:00 PM", datetime(2025, 1, 5, 12)),
        ("5-Jan-25 5:30", datetime(2025, 1, 5, 5, 30)),
        ("05-JAN-2025 05:30:00", datetime(2025, 1, 5, 5, 30)),
        (" 1/5/2025 5:30 ", datetime(2025, 1, 5, 5, 30)),
        ("05-JAN-25 05.30.00.000000000 AM", datetime(2025, 1, 5, 5, 30)),
        ("05-JAN-25 12.30.00.000000 AM", datetime(2025, 1, 5, 0, 30)),
        ("05-JAN-2025 12.30.15 PM", datetime(2025, 1, 5, 12, 30, 15)),
        (" 5-Jan-25 5.30.00.000 pm ", datetime(2025, 1, 5, 17, 30)),
    ],
)
def test_a_form_with_one_reading_is_read(probe: str, printed: str, stamp: datetime) -> None:
    found = read(probe, printed)
    assert found["stamp"] == found["local_stamp"] == stamp
    assert found["instant"] == stamp.replace(tzinfo=UTC)
    assert found["fault"] is None


@pytest.mark.parametrize(
    "printed",
    [
        "yesterday",
        "05:30",
        "5:30 AM",
        "45662.229",
        "20250105",
        "05-01-25 05:30",
        "05-01-2025 05:30",
        "1/5/2025 13:30 PM",
        "1/5/2025 25:00",
        "1/32/2025 0:00",
        "2/29/25 0:00",
        "1/5/225 0:00",
        "1/5/2025 5:30 EST",
        "1/5/2025 5:30 and more",
        "06.03.2024 00:05:00",
        "05.JAN.25 05.30.00 AM",
        "05-JAN-25 05.30.00.000000000",
        "05-JAN-25 05.30.00.000000001 AM",
        "05-JAN-25 13.30.00.000000 PM",
        "05-01-25 05.30.00.000000 AM",
        "01/05/2025 05.30.00 AM",
    ],
)
def test_other_texts_are_no_times(probe: str, printed: str) -> None:
    found = read(probe, printed)
    assert found["stamp"] is None
    assert found["fault"] == (
        f'rejected: Time Stamp "{printed}" is no time: write it as 2024-12-31 13:00:00 or '
        "12/31/2024 13:00"
    )


@pytest.mark.parametrize("printed", ["13/1/2025 0:00", "31/12/2024", "13.01.2025", "25-12-2024"])
def test_a_day_that_comes_first_is_told_of_the_whole_file(probe: str, printed: str) -> None:
    assert str(read(probe, printed)["fault"]).startswith(
        f'refused: has dates with the day first (Time Stamp "{printed}")'
    )


@pytest.mark.parametrize(
    ("printed", "instant", "local"),
    [
        ("2015-01-01 05:00:00+00:00", datetime(2015, 1, 1, 5), datetime(2015, 1, 1)),
        ("2015-01-01T05:00:00Z", datetime(2015, 1, 1, 5), datetime(2015, 1, 1)),
        ("2015-01-01 05:00 UTC", datetime(2015, 1, 1, 5), datetime(2015, 1, 1)),
        ("2015-01-01T05:00:00.000Z", datetime(2015, 1, 1, 5), datetime(2015, 1, 1)),
        ("2015-01-01T00:00:00-05:00", datetime(2015, 1, 1, 5), datetime(2015, 1, 1)),
        ("2015-01-01 00:00:00-0500", datetime(2015, 1, 1, 5), datetime(2015, 1, 1)),
        ("2015-01-01 00:00:00-05", datetime(2015, 1, 1, 5), datetime(2015, 1, 1)),
        ("2015-01-01 10:30:00+05:30", datetime(2015, 1, 1, 5), datetime(2015, 1, 1)),
        ("1/1/15 5:00 AM +00:00", datetime(2015, 1, 1, 5), datetime(2015, 1, 1)),
        ("01-JAN-15 12.00.00.000000000 AM -05:00", datetime(2015, 1, 1, 5), datetime(2015, 1, 1)),
        ("2025-11-02 01:00:00-04:00", datetime(2025, 11, 2, 5), datetime(2025, 11, 2, 1)),
        ("2025-11-02 01:00:00-05:00", datetime(2025, 11, 2, 6), datetime(2025, 11, 2, 1)),
    ],
)
def test_an_offset_makes_an_instant(
    probe: str, printed: str, instant: datetime, local: datetime
) -> None:
    found = read(probe, printed)
    assert found["has_offset"] is True
    assert found["instant"] == instant.replace(tzinfo=UTC)
    assert found["local_stamp"] == local


def test_a_date_is_a_day_and_no_hour(probe: str) -> None:
    found = read(probe, "2025-01-05")
    assert found["stamp"] == datetime(2025, 1, 5)
    assert found["fault"] == 'rejected: Time Stamp "2025-01-05" has no time of day'
    assert found["day_fault"] is None
    assert found["has_offset"] is False


def test_an_hour_is_no_day(probe: str) -> None:
    assert read(probe, "2025-01-05 00:00:00")["day_fault"] is None
    assert read(probe, "2025-01-05 05:00:00")["day_fault"] == (
        'rejected: Date "2025-01-05 05:00:00" is a time, where a day belongs'
    )


def test_a_blank_is_no_fault(probe: str) -> None:
    assert read(probe, " ")["fault"] is None
