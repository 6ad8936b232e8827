"""A family of datasets that the package has never heard of, made of files and seed rows only.

Carbon intensities of a made-up operator: no location, no parts of a price, a key of its own. One
dataset is hourly and holds two markets, the other has intervals that differ in length. The project
files are those in `third_family`. This file is run as a script in place of the command where faults
are to be put into year files.
"""

from __future__ import annotations

import shutil
import sys
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from building import (
    REPOSITORY,
    FileStates,
    Ran,
    build,
    environment,
    file_states,
    kept_nodes,
    query,
    run_command,
    status,
    work_database,
)
from spoiling import build_spoilt
from unified_iso.manifest import read_manifest
from unified_iso.workspace import Workspace

pytestmark = pytest.mark.builds

FILES = Path(__file__).parent / "third_family"
PROJECT = ("models", "macros", "seeds", "tests/generic", "dbt_project.yml", "profiles.yml")
MODEL, BLOCKS, FAMILY = "gb_carbon_hourly", "gb_carbon_blocks", "carbon_intensities"
HEADERS = {
    "carbon": "Hour Beginning,Kind,Zone,Intensity\n",
    "blocks": "Beginning,End,Zone,Intensity\n",
}
TYPED, MENDED, GAPS = 2023, 2024, 2022
# Two hours of a summer night: midnight in London lies between them.
NIGHT = """\
{year}-07-01 22:00:00,Actual,North,41.5
{year}-07-01 22:00:00,Forecast,North,43
{year}-07-01 22:00:00,Actual,London,187
{year}-07-01 23:00:00,Actual,North,40
{year}-07-01 23:00:00,Actual,London,181.25
{year}-07-01 23:00:00,Forecast,North,43.75
"""
# The first line repeats one of the night, the second is another value for one of it.
AGAIN = """\
2023-07-01 22:00:00,Actual,London,187
2023-07-01 23:00:00,Actual,London,179
"""
SPOILT = """\
2024-01-01 00:00:00,Actual,London,60000
2024-01-01 01:00:00,Actual,London,151
"""
# London lacks two hours, and North ends before London does.
WITH_GAPS = """\
2022-01-01 00:00:00,Actual,London,150
2022-01-01 03:00:00,Actual,London,151
2022-01-01 00:00:00,Actual,North,35
2022-01-01 01:00:00,Actual,North,36
"""
# Nothing is missing in the first of these years; half an hour is in the second.
WHOLE_BLOCKS = """\
2021-03-01 00:00:00,2021-03-01 00:30:00,London,160
2021-03-01 00:30:00,2021-03-01 01:30:00,London,161
2021-03-01 01:30:00,2021-03-01 02:00:00,London,162
"""
BLOCKS_WITH_GAP = """\
2019-03-01 00:00:00,2019-03-01 01:00:00,London,160
2019-03-01 01:30:00,2019-03-01 02:00:00,London,161
"""
# The end of a block of this year is put where it begins.
NO_LENGTH = 2020

_HALF_AN_HOUR_EARLIER = ", ".join(
    f"{clock} = {clock} - interval 30 minute"
    for clock in ("datetime_utc", "interval_start_utc", "interval_end_utc", "datetime_local")
)
# A guard, and what is done to the rows of a year that it must see.
FAULTS = (
    ("required_columns_filled", "update year_rows set zone_name = null where n = 2"),
    ("required_columns_filled", "update year_rows set intensity = null where n = 2"),
    ("values_in_domain", "update year_rows set market_type = 'XX' where n = 1"),
    ("values_in_domain", "update year_rows set iso = 'FR' where n = 1"),
    ("values_in_domain", "update year_rows set zone_name = 'North ' where n = 6"),
    ("physically_sorted", "update year_rows set n = case n when 2 then 3 when 3 then 2 else n end"),
    ("grain_is_unique", "insert into year_rows select * from year_rows where n = 2"),
    ("local_time_agrees_with_utc", "update year_rows set delivery_hour = 24 where n = 4"),
    (
        "intervals_on_grid",
        f"update year_rows set {_HALF_AN_HOUR_EARLIER} where n > 3",
    ),
    ("within_market_time", "update year_rows set delivery_date = '1969-12-31' where n = 1"),
    ("accounts_balance", "delete from year_rows where n = 5"),
)
FAULTY_YEARS = {2006 + number: fault for number, fault in enumerate(FAULTS)}


def _sql_of(model: str, year: int) -> str | None:
    if (model, year) == (BLOCKS, NO_LENGTH):
        return "update year_rows set interval_end_utc = datetime_utc where n = 2"
    return FAULTY_YEARS[year][1] if model == MODEL and year in FAULTY_YEARS else None


# --- The project and the raw files ----------------------------------------------------------------


def _project(folder: Path) -> Path:
    """Copy the project and add the files, seed rows and record of the family.

    An analyst's own view is among them, whose rows are not all those of the dataset.
    """
    for name in PROJECT:
        source, target = REPOSITORY / name, folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(source, target) if source.is_dir() else shutil.copy(source, target)
    for name in ("models", "macros"):
        assert not _shared(FILES / name, folder / name)
        shutil.copytree(FILES / name, folder / name, dirs_exist_ok=True)
    for rows in (FILES / "rows" / "seeds").iterdir():
        with (folder / "seeds" / rows.name).open("a") as seed:
            seed.write(rows.read_text())
    file = folder / "dbt_project.yml"
    settings, families = file.read_text(), "  families:\n"
    assert settings.count(families) == 1
    record = (FILES / "family.yml").read_text()
    file.write_text(settings.replace(families, families + record))
    return folder


def _shared(added: Path, project: Path) -> list[Path]:
    """Files that would be replaced."""
    names = (path.relative_to(added) for path in added.rglob("*.*"))
    return [name for name in names if (project / name).exists()]


def _write(raw: Path, name: str, lines: str) -> None:
    report = name.partition("_")[0]
    file = raw / "gb" / report / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(HEADERS[report] + lines)


@dataclass(frozen=True)
class Builds:
    """What three builds said, the files after each, and what was told after the first."""

    project: Path
    raw: Path
    out: Path
    ran: tuple[Ran, Ran, Ran]
    files: tuple[FileStates, FileStates, FileStates]
    first: dict[str, Any]


@pytest.fixture(scope="module")
def builds(tmp_path_factory: pytest.TempPathFactory) -> Builds:
    """Build with faults, then with the spoilt file mended, then with nothing new."""
    folder = tmp_path_factory.mktemp("third")
    project, raw, out = _project(folder / "project"), folder / "raw", folder / "out"
    for year in (*FAULTY_YEARS, TYPED):
        _write(raw, f"carbon_{year}0701.csv", NIGHT.format(year=year))
    _write(raw, "carbon_20230701_again.csv", AGAIN)
    _write(raw, "carbon_20240101.csv", SPOILT)
    _write(raw, "carbon_20220101.csv", WITH_GAPS)
    _write(raw, "blocks_20210301.csv", WHOLE_BLOCKS)
    _write(raw, "blocks_20200301.csv", WHOLE_BLOCKS.replace("2021", "2020"))
    _write(raw, "blocks_20190301.csv", BLOCKS_WITH_GAP)
    command = ["build", "gb", "--raw", str(raw), "--out", str(out)]
    spoilt = run_command([sys.executable, __file__, *command], environment(project), None)
    first = {
        "status": [row for row in status(out)["datasets"] if row["dataset"] == "carbon_hourly"],
        "unpublished": _unpublished(Workspace(raw, out), MODEL),
        "unpublished blocks": _unpublished(Workspace(raw, out), BLOCKS),
        "found": _found(project, out, MODEL),
        "found in blocks": _found(project, out, BLOCKS),
        "accounts": _accounts(out),
    }
    files = [file_states(out)]
    _write(raw, "carbon_20240101.csv", SPOILT.replace("60000", "152.5"))
    mended = build(raw, out, "gb", project=project, check=None)
    files.append(file_states(out))
    again = build(raw, out, "gb", project=project, check=None)
    return Builds(
        project, raw, out, (spoilt, mended, again), (files[0], files[1], file_states(out)), first
    )


def _unpublished(workspace: Workspace, model: str) -> list[dict[str, Any]]:
    return [e for e in read_manifest(workspace)["unpublished"] if e["model"] == model]


def _found(project: Path, out: Path, model: str) -> set[tuple[str, int]]:
    """Guards with the years that they have found rows of; year 0 where they have found none."""
    found: set[tuple[str, int]] = set()
    with duckdb.connect(str(out / ".unified-iso/work.duckdb"), read_only=True) as connection:
        for test in kept_nodes(project).values():
            if not str(test.get("attached_node")).endswith(f".{model}"):
                continue
            years = connection.execute(
                f"select distinct delivery_year from {test['relation_name']}"
            ).fetchall()
            guard = test["test_metadata"]["name"]
            found |= {(guard, year) for (year,) in years or [(0,)]}
    return found


def _accounts(out: Path) -> list[tuple[Any, ...]]:
    with work_database(out) as connection:
        return connection.execute(
            "select data_source, term, reason, rows from inventory.accounts"
            " where model = $1 and year(part) = $2 order by all",
            [MODEL, TYPED],
        ).fetchall()


# --- What came of it ------------------------------------------------------------------------------


def _utc(year: int, month: int, day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=UTC)


def test_rows_are_published_by_the_key_of_the_family(builds: Builds) -> None:
    rows = query(
        "select datetime_utc, datetime_local, interval_end_utc, delivery_date, delivery_hour,"
        " interval_minutes, iso, market_type, zone_name, intensity, data_source, version,"
        " is_current"
        f" from '{builds.out}/parquet/gb/carbon_hourly/carbon_hourly_{TYPED}.parquet'"
    )
    ten, eleven, twelve = _utc(2023, 7, 1, 22), _utc(2023, 7, 1, 23), _utc(2023, 7, 2, 0)
    before = (datetime(2023, 7, 1, 23), eleven, date(2023, 7, 1), 24, 60, "GB")
    after = (datetime(2023, 7, 2, 0), twelve, date(2023, 7, 2), 1, 60, "GB")
    file, again = "gb/carbon/carbon_20230701.csv", "gb/carbon/carbon_20230701_again.csv"
    assert rows == [
        (ten, *before, "DA", "North", 43.0, file, 1, True),
        (ten, *before, "RT", "London", 187.0, again, 1, True),
        (ten, *before, "RT", "North", 41.5, file, 1, True),
        (eleven, *after, "DA", "North", 43.75, file, 1, True),
        (eleven, *after, "RT", "London", 179.0, again, 1, True),
        (eleven, *after, "RT", "North", 40.0, file, 1, True),
    ]


def test_every_line_is_accounted_for(builds: Builds) -> None:
    file, again = "gb/carbon/carbon_20230701.csv", "gb/carbon/carbon_20230701_again.csv"
    assert builds.first["accounts"] == [
        (file, "merged", "equal to the published row", 1),
        (file, "parsed", None, 6),
        (file, "published", None, 4),
        (file, "superseded", "unequal, no version tells which is right", 1),
        (again, "parsed", None, 2),
        (again, "published", None, 2),
    ]


@pytest.mark.parametrize("year", FAULTY_YEARS)
def test_a_fault_stops_its_year(builds: Builds, year: int) -> None:
    guard = FAULTY_YEARS[year][0]
    told = [entry["reason"] for entry in builds.first["unpublished"] if entry["year"] == year]
    assert guard in [reason.split()[1] for reason in told], told
    assert (guard, year) in builds.first["found"]


def test_a_value_beyond_all_reason_stops_its_year_and_no_other(builds: Builds) -> None:
    [told] = [e["reason"] for e in builds.first["unpublished"] if e["year"] == MENDED]
    assert told == (
        "tests: prices_are_sane found 1 rows: Intensities are not finite or beyond all reason."
    )
    assert builds.ran[0].exit_code == 1
    stopped = {entry["year"] for entry in builds.first["unpublished"]}
    assert stopped == {*FAULTY_YEARS, MENDED}
    assert [row["year"] for row in builds.first["status"]] == [GAPS, TYPED]


def test_what_is_only_odd_is_told_and_published(builds: Builds) -> None:
    assert {
        ("on_calendar", GAPS),
        ("locations_continue", GAPS),
        ("no_conflicting_rows", TYPED),
        ("prices_within_bounds", MENDED),
    } <= builds.first["found"]


def test_bounds_are_those_of_the_market_and_the_family(builds: Builds) -> None:
    """Forecasts may not be above 100, and prices in money, which these are not, not above 1."""
    found = builds.first["found"]
    assert {year for guard, year in found if guard == "prices_within_bounds"} == {MENDED}


def test_each_guard_of_the_family_was_seen_to_fire(builds: Builds) -> None:
    assert [guard for guard, year in builds.first["found"] if year == 0] == []


def test_status_counts_series_and_no_locations(builds: Builds) -> None:
    [gaps, typed] = builds.first["status"]
    assert "locations" not in gaps | typed
    # North forecast, North and London actual; with gaps there are the latter two.
    assert [(row["series"], row["rows"], row["missing_intervals"]) for row in (gaps, typed)] == [
        (2, 4, 2),
        (3, 6, 0),
    ]


def test_a_mended_file_is_published_and_sound_years_stay(builds: Builds) -> None:
    assert builds.ran[1].exit_code == 0, builds.ran[1].output
    first, second, _ = builds.files
    assert first.items() < second.items()
    # Hourly ones of the faulty years and three more, and three of blocks.
    assert len(second) == len(FAULTY_YEARS) + 3 + 3
    path = f"{builds.out}/parquet/gb/carbon_hourly/carbon_hourly_{MENDED}.parquet"
    assert query(f"select intensity from '{path}'") == [(152.5,), (151.0,)]


def test_a_build_with_nothing_new_publishes_nothing(builds: Builds) -> None:
    assert builds.ran[2].exit_code == 0, builds.ran[2].output
    assert builds.files[2] == builds.files[1]


def test_the_catalog_has_the_dataset_and_the_view_over_the_family(builds: Builds) -> None:
    with duckdb.connect(str(builds.out / "catalog.duckdb"), read_only=True) as catalog:
        views = (
            "select view_name from duckdb_views() where not internal and schema_name = 'main'"
            " order by all"
        )
        assert catalog.execute(views).fetchall() == [(FAMILY,), (BLOCKS,), (MODEL,), ("locations",)]
        counts = (f"(select count(*) from {name})" for name in (MODEL, BLOCKS, FAMILY))
        [counted] = catalog.execute(f"select {', '.join(counts)}").fetchall()
    hourly, blocks = 6 * len(FAULTY_YEARS) + 6 + 2 + 4, 3 + 3 + 2
    assert counted == (hourly, blocks, hourly + blocks)


def test_intervals_end_where_their_rows_say(builds: Builds) -> None:
    rows = query(
        "select datetime_utc, interval_end_utc, market_type"
        f" from '{builds.out}/parquet/gb/carbon_blocks/carbon_blocks_2021.parquet'"
    )
    midnight, one, two, end = (_utc(2021, 3, 1, *at) for at in ((0,), (0, 30), (1, 30), (2,)))
    assert rows == [(midnight, one, "RT"), (one, two, "RT"), (two, end, "RT")]


def test_blocks_are_whole_where_one_begins_as_another_ends(builds: Builds) -> None:
    found = builds.first["found in blocks"]
    # The block without a length leaves the time until the next one empty.
    assert {year for guard, year in found if guard == "on_calendar"} == {2019, NO_LENGTH}
    [told] = builds.first["unpublished blocks"]
    assert told["year"] == NO_LENGTH
    assert told["reason"].startswith("tests: local_time_agrees_with_utc found 1 rows")


if __name__ == "__main__":
    build_spoilt(_sql_of)
