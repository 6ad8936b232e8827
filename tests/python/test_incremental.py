"""What a second build does, and what kills, rivals and lost state must not undo."""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import date
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from building import (
    Built,
    FileStates,
    build,
    checksums,
    file_states,
    published,
    query,
    read_rows,
    run_dbt,
    status,
)
from unified_iso.cli import app
from unified_iso.sample import SampleOptions, write_sample

NODAL = "parquet/pjm/da_energy_hourly_nodal/da_energy_hourly_nodal_{}.parquet"
HUB = "parquet/pjm/da_energy_hourly_hub/da_energy_hourly_hub_{}.parquet"
NYISO = "parquet/nyiso/da_energy_hourly/da_energy_hourly_{}.parquet"
ALL_FILES = sorted(name.format(year) for name in (NODAL, HUB, NYISO) for year in (2023, 2024))
LONGEST_WAIT_SECONDS = 120
TEXT_COLUMNS = (
    "iso",
    "market_type",
    "settlement_location",
    "settlement_location_type",
    "settlement_location_id",
    "zone",
    "dst_flag",
    "data_source",
)
# What a build that converts says in its log for each part; found there by a test below.
CONVERSION = "wrote part "

Start = Callable[..., "subprocess.Popen[str]"]


class LogOfRun:
    """What is written to a build's log from now on."""

    def __init__(self, out: Path) -> None:
        self._path = out / "logs" / "dbt.log"
        self._start = self._path.stat().st_size if self._path.exists() else 0

    def conversions(self) -> int:
        with self._path.open("rb") as stream:
            stream.seek(self._start)
            return stream.read().decode().lower().count(CONVERSION)


def changed(before: FileStates, after: FileStates) -> list[str]:
    """Files that came, went, or were written again, be it with the same bytes."""
    return sorted(
        path for path in before.keys() | after.keys() if before.get(path) != after.get(path)
    )


def leftovers(out: Path) -> list[Path]:
    partial = [path for path in out.rglob("*") if ".partial" in path.name]
    return partial + list((out / ".unified-iso" / "candidates").rglob("*"))


def pjm_file(raw: Path, day: date) -> Path:
    return raw / "pjm" / "da_hrl_lmps" / f"da_hrl_lmps_{day:%Y%m%d}.csv"


def raise_a_price(path: Path, stamp: str, pnode_id: str = "48588") -> None:
    """Add a dollar of congestion to a location where the UTC stamp ends with `stamp`."""
    lines = path.read_bytes().split(b"\r\n")
    place = next(
        number
        for number, line in enumerate(lines)
        if line.split(b",")[0].endswith(stamp.encode()) and line.split(b",")[2] == pnode_id.encode()
    )
    cells = lines[place].decode().split(",")
    cells[9], cells[10] = (f"{float(cells[number]) + 1:.6f}" for number in (9, 10))
    lines[place] = ",".join(cells).encode()
    path.write_bytes(b"\r\n".join(lines))


def row_groups_by_month(path: Path) -> dict[str, list[str]]:
    """Checksums of the bytes of each row group, under the month of its first row."""
    content = path.read_bytes()
    with duckdb.connect() as con:
        groups = con.execute(
            """
            select
                any_value(stats_min) filter (where path_in_schema = 'delivery_date'),
                min(least(
                    data_page_offset,
                    case when dictionary_page_offset > 0 then dictionary_page_offset
                        else data_page_offset end
                )),
                sum(total_compressed_size)
            from parquet_metadata(?)
            group by row_group_id
            order by row_group_id
            """,
            [str(path)],
        ).fetchall()
    found: dict[str, list[str]] = {}
    for first_day, start, size in groups:
        checksum = hashlib.sha256(content[start : start + int(size)]).hexdigest()
        found.setdefault(first_day[:7], []).append(checksum)
    return found


def days_in(path: Path) -> set[date]:
    with duckdb.connect() as con:
        rows = con.execute("select distinct delivery_date from read_parquet(?)", [str(path)])
        return {day for (day,) in rows.fetchall()}


def prices_of(out: Path, pnode_id: str, stamp: str) -> list[float]:
    with duckdb.connect(str(out / "catalog.duckdb"), read_only=True) as con:
        return [
            price
            for (price,) in con.execute(
                """
                select lmp_total from pjm_da_energy_hourly_nodal
                where settlement_location_id = $1 and datetime_utc = $2::timestamptz
                """,
                [pnode_id, stamp],
            ).fetchall()
        ]


# What is new decides what is done.


@pytest.mark.builds
def test_a_second_build_converts_nothing(own_build: Built) -> None:
    before = file_states(own_build.out)
    assert sorted(before) == ALL_FILES
    with (own_build.out / "logs" / "dbt.log").open() as log:
        assert log.read().lower().count(CONVERSION) > len(ALL_FILES)
    second = LogOfRun(own_build.out)
    build(own_build.raw, own_build.out)
    assert (changed(before, file_states(own_build.out)), second.conversions()) == ([], 0)
    assert leftovers(own_build.out) == []


@pytest.mark.builds
@pytest.mark.parametrize("late", ["0 LATE", "ZZ LATE"])
def test_a_row_group_knows_no_text_but_its_own(tmp_path: Path, late: str) -> None:
    """Or its bytes would tell how far another thread was when it was written."""
    raw, out = tmp_path / "raw", tmp_path / "out"
    options = SampleOptions(truth=False, reports=("da_hrl_lmps",))
    write_sample(raw, isos=["pjm"], start=date(2024, 3, 1), days=31, nodes=500, options=options)
    (tenth,) = raw.rglob("da_hrl_lmps_20240310*.csv")
    name = read_rows(tenth)[-1]["pnode_name"].encode()
    tenth.write_bytes(tenth.read_bytes().replace(b",%s," % name, b",%s," % late.encode()))
    build(raw, out, "pjm", "--threads", "2")
    file = str(out / NODAL.format(2024))
    told = {
        column: query(
            """
            select stats_min_value, stats_max_value from parquet_metadata($1)
            where path_in_schema = $2 order by row_group_id
            """,
            file,
            column,
        )
        for column in TEXT_COLUMNS
    }
    written = {
        column: query(
            f"""
            select min({column}), max({column}) from read_parquet($1)
            group by file_row_number // 122880 order by file_row_number // 122880
            """,
            file,
        )
        for column in TEXT_COLUMNS
    }
    assert len(written["iso"]) > 3
    assert [late in bounds for bounds in written["settlement_location"]].count(True) == 1
    assert set(written["dst_flag"]) == {("N", "Y"), ("Y", "Y")}
    assert told == written


@pytest.mark.builds
def test_a_touch_and_a_lost_manifest_convert_nothing(own_build: Built) -> None:
    """Content decides what is new, and the footers know what the manifest said."""
    before = file_states(own_build.out)
    manifest = own_build.out / "metadata" / "manifest.json"
    kept = json.loads(manifest.read_text())
    manifest.unlink()
    for path in own_build.raw.rglob("*.csv"):
        os.utime(path)
    log = LogOfRun(own_build.out)
    build(own_build.raw, own_build.out)
    assert (changed(before, file_states(own_build.out)), log.conversions()) == ([], 0)
    assert json.loads(manifest.read_text()) == kept


@pytest.mark.builds
def test_only_what_a_changed_or_new_file_touches_is_built(own_build: Built) -> None:
    """First a changed price, then a new day; the end is what one build of it all gives."""
    raw, out = own_build.raw, own_build.out
    before = file_states(out)
    months = row_groups_by_month(out / NODAL.format(2024))
    [old_price] = prices_of(out, "48588", "2024-01-20 12:00:00+00")
    raise_a_price(pjm_file(raw, date(2024, 1, 20)), "12:00:00 PM")
    build(raw, out)
    after = file_states(out)
    assert changed(before, after) == sorted(name.format(2024) for name in (NODAL, HUB))
    [new_price] = prices_of(out, "48588", "2024-01-20 12:00:00+00")
    assert new_price == pytest.approx(old_price + 1)
    new_months = row_groups_by_month(out / NODAL.format(2024))
    assert list(new_months) == list(months) == ["2024-01", "2024-02"]
    assert new_months["2024-02"] == months["2024-02"]
    assert new_months["2024-01"] != months["2024-01"]

    days = SampleOptions(truth=False)
    write_sample(raw, isos=["pjm"], start=date(2024, 2, 4), days=1, nodes=40, options=days)
    write_sample(raw, isos=["nyiso"], start=date(2024, 2, 4), days=1, nodes=5, options=days)
    build(raw, out)
    at_last = file_states(out)
    assert changed(after, at_last) == sorted(name.format(2024) for name in (NODAL, HUB, NYISO))
    assert row_groups_by_month(out / NODAL.format(2024))["2024-01"] == new_months["2024-01"]
    assert max(days_in(out / NYISO.format(2024))) == date(2024, 2, 4)

    fresh = out.with_name("fresh")
    build(raw, fresh)
    assert published(fresh) == checksums(at_last)
    shutil.rmtree(fresh)


# Vanished files.


@pytest.mark.builds
def test_vanished_files_take_rows_with_them_only_when_told_to(own_build: Built) -> None:
    raw, out = own_build.raw, own_build.out
    before = file_states(out)
    gone = pjm_file(raw, date(2024, 1, 10))
    gone.unlink()
    # Nothing is left of NYISO's 2023 and of its February.
    for pattern in ("damlbmp_*/2023*.csv", "damlbmp_*/202402*.csv"):
        for path in (raw / "nyiso").glob(pattern):
            path.unlink()
    build(raw, out)
    assert changed(before, file_states(out)) == []

    raise_a_price(pjm_file(raw, date(2024, 1, 20)), "12:00:00 PM")
    refused = build(raw, out, check=1)
    assert f"pjm/da_hrl_lmps/{gone.name}" in refused.output
    assert "--prune" in refused.output
    assert changed(before, file_states(out)) == []

    build(raw, out, "--prune")
    after = file_states(out)
    assert changed(before, after) == sorted(
        [NODAL.format(2024), HUB.format(2024), NYISO.format(2023), NYISO.format(2024)]
    )
    assert NYISO.format(2023) not in after
    assert set(row_groups_by_month(out / NYISO.format(2024))) == {"2024-01"}
    with duckdb.connect() as con:
        # The file of the day before ends with the first hour of the day that is gone.
        hours = con.execute(
            """
            select distinct delivery_hour from read_parquet(?)
            where delivery_date = date '2024-01-10'
            """,
            [str(out / NODAL.format(2024))],
        ).fetchall()
    assert hours == [(1,)]


@pytest.mark.builds
def test_a_lost_working_database_does_not_let_rows_of_vanished_files_go(own_build: Built) -> None:
    before = file_states(own_build.out)
    pjm_file(own_build.raw, date(2024, 1, 10)).unlink()
    shutil.rmtree(own_build.out / ".unified-iso")
    build(own_build.raw, own_build.out, check=None)
    assert published(own_build.out) == checksums(before)


# Lost state.


@pytest.mark.builds
def test_a_lost_working_database_is_made_anew(own_build: Built) -> None:
    before = file_states(own_build.out)
    shutil.rmtree(own_build.out / ".unified-iso")
    build(own_build.raw, own_build.out)
    assert published(own_build.out) == checksums(before)


@pytest.mark.builds
def test_raw_files_may_move_to_another_folder(own_build: Built) -> None:
    """Content decides what is new: the same files elsewhere are the same, and can be read there."""
    before = file_states(own_build.out)
    moved = own_build.raw.rename(own_build.raw.with_name("moved"))
    try:
        raise_a_price(pjm_file(moved, date(2024, 1, 20)), "12:00:00 PM")
        build(moved, own_build.out)
        after = file_states(own_build.out)
    finally:
        moved.rename(own_build.raw)
    assert changed(before, after) == sorted(name.format(2024) for name in (NODAL, HUB))


# What was asked for.


@pytest.mark.builds
def test_a_build_does_no_more_than_it_was_asked_for(small_build: Built, tmp_path: Path) -> None:
    out = tmp_path / "out"
    whole = published(small_build.out)
    build(small_build.raw, out, "--dataset", "da_energy_hourly", "--year", "2024")
    first = file_states(out)
    assert checksums(first) == {NYISO.format(2024): whole[NYISO.format(2024)]}
    build(small_build.raw, out, "pjm", "--year", "2023")
    second = file_states(out)
    assert changed(first, second) == sorted(name.format(2023) for name in (NODAL, HUB))
    assert checksums(second).items() <= whole.items()


@pytest.mark.parametrize(
    ("arguments", "known"),
    [
        (["pjn"], ("'pjn'", "pjm", "nyiso")),
        (["--dataset", "da_energy"], ("da_energy_hourly", "da_energy_hourly_nodal")),
        (["nyiso", "--dataset", "da_energy_hourly_hub"], ("nyiso", "da_energy_hourly")),
        (["--year", "2024", "--all"], ("--year", "--all")),
        (["--year", "last"], ("--year", "integer")),
    ],
)
def test_a_wrong_command_line_is_told_what_there_is(
    arguments: list[str], known: tuple[str, ...], tmp_path: Path
) -> None:
    folders = ["--raw", str(tmp_path), "--out", str(tmp_path / "out")]
    result = CliRunner().invoke(app, ["build", *arguments, *folders], env={"COLUMNS": "300"})
    assert result.exit_code == 2, result.output
    assert [word for word in known if word not in result.output] == []
    assert not (tmp_path / "out").exists()


# Kills and rivals.


def wait_until(condition: Callable[[], bool], process: "subprocess.Popen[str]") -> None:
    """Until the condition holds; a process that has ended makes it hold no more."""
    deadline = time.monotonic() + LONGEST_WAIT_SECONDS
    while not condition():
        assert process.poll() is None, "the build ended before the moment came"
        assert time.monotonic() < deadline, "the moment did not come"
        time.sleep(0.002)


def kill(process: "subprocess.Popen[str]") -> None:
    process.send_signal(signal.SIGKILL)
    process.wait()


def is_there(folder: Path, pattern: str) -> bool:
    """Whether a folder, which may go while it is looked through, has such a file."""
    with suppress(FileNotFoundError):
        return any(folder.glob(pattern))
    return False


def first_part_is_written(out: Path) -> bool:
    return is_there(out / ".unified-iso" / "candidates", "*/*-*-*.parquet")


def first_year_is_joined(out: Path) -> bool:
    return is_there(out / ".unified-iso" / "candidates", "*/*_20??.parquet")


def first_file_is_published(out: Path) -> bool:
    return is_there(out / "parquet", "*/*/*.parquet")


@pytest.mark.builds
def test_a_first_build_may_be_killed_at_any_moment(
    small_build: Built,
    tmp_path: Path,
    start_build: Start,
) -> None:
    out = tmp_path / "out"
    whole = published(small_build.out)
    for moment in (
        first_part_is_written,
        first_year_is_joined,
        first_file_is_published,
    ):
        shutil.rmtree(out / ".unified-iso" / "candidates", ignore_errors=True)
        process = start_build(small_build.raw, out)
        wait_until(lambda moment=moment: moment(out), process)
        kill(process)
        found = published(out)
        assert found.items() <= whole.items()
        if moment is not first_file_is_published:
            assert found == {}
    build(small_build.raw, out)
    assert published(out) == whole
    assert leftovers(out) == []
    with duckdb.connect(str(out / "catalog.duckdb"), read_only=True) as con:
        assert con.execute("select count(*) from energy_prices").fetchone() != (0,)


@pytest.mark.builds
def test_a_rival_is_turned_away_and_a_killed_update_leaves_what_was_published(
    own_build: Built,
    start_build: Start,
) -> None:
    raw, out = own_build.raw, own_build.out
    before = file_states(out)
    shown = status(out)
    raise_a_price(pjm_file(raw, date(2024, 1, 20)), "12:00:00 PM")
    first = start_build(raw, out)
    owner = out / ".unified-iso" / "lock.owner"
    wait_until(lambda: owner.is_file() and owner.read_text() == str(first.pid), first)
    rival = build(raw, out, check=1)
    assert str(first.pid) in rival.output
    assert str(out) in rival.output
    assert first.poll() is None
    wait_until(lambda: first_part_is_written(out), first)
    # What is published is told as before, and that a build is running.
    assert status(out) == shown | {"is_running": True, "notes": status(out)["notes"]}
    assert len(prices_of(out, "48588", "2024-01-20 12:00:00+00")) == 1
    kill(first)
    assert changed(before, file_states(out)) == []

    second = start_build(raw, out)
    wait_until(lambda: owner.is_file() and owner.read_text() == str(second.pid), second)
    build(raw, out, check=1)
    assert second.wait(LONGEST_WAIT_SECONDS) == 0
    assert changed(before, file_states(out)) == sorted(n.format(2024) for n in (NODAL, HUB))
    assert leftovers(out) == []


# Plain dbt.


@pytest.mark.builds
def test_plain_dbt_describes_an_output_folder_that_is_empty(
    small_build: Built, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    run_dbt(small_build.raw, out, "docs", "generate")
    assert (out / "target" / "catalog.json").exists()
    # The unit tests are run elsewhere; they take longer than all else here.
    run_dbt(small_build.raw, out, "build", "--empty", "--exclude-resource-type", "unit_test")
    assert file_states(out) == {}


@pytest.mark.builds
def test_plain_dbt_publishes_only_what_all_tests_have_passed(
    small_build: Built, tmp_path: Path
) -> None:
    raw, out = small_build.raw, tmp_path / "out"
    one = ["--select", "+pjm_da_energy_hourly_nodal"]
    for unaudited in (
        ["build", "--exclude-resource-type", "test", "unit_test"],
        ["run"],
    ):
        ran = run_dbt(raw, out, *unaudited, *one, check=1)
        assert "did not run: publish with dbt build, which runs them" in ran.output
        assert file_states(out) == {}, f"dbt {' '.join(unaudited)} published"
    run_dbt(raw, out, "build", "--exclude-resource-type", "unit_test")
    states = file_states(out)
    assert checksums(states) == published(small_build.out)
    run_dbt(raw, out, "test", "--exclude-resource-type", "unit_test", *one)
    assert changed(states, file_states(out)) == []

    spoil(out / NODAL.format(2024))
    states = file_states(out)
    audit = run_dbt(raw, out, "test", "--select", "pjm_da_energy_hourly_nodal", check=1)
    assert "components_add_up" in audit.output
    assert changed(states, file_states(out)) == []


def spoil(year_file: Path) -> None:
    """Write a year file anew with totals that don't add up; its footer still says what it is."""
    table = pq.read_table(year_file)
    footer = pq.read_metadata(year_file).metadata
    total = table.schema.get_field_index("lmp_total")
    prices = table.set_column(total, "lmp_total", table["lmp_energy"])
    pq.write_table(prices.replace_schema_metadata(footer), year_file)
