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
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from building import (
    OPERATORS,
    Built,
    FileStates,
    Ran,
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
DAY = timedelta(days=1)
OLD_YEAR, GONE, CHANGED, LAST = (
    *(date(2023, 12, 31), date(2024, 1, 10), date(2024, 1, 20), date(2024, 2, 4)),
)
# By the day of a file: the name that a location has in it, which no other one has.
LATE = {"20240314": "0 LATE", "20240318": "ZZ LATE"}
SMALL_GROUP = 8192
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


# --- One tree, build by build ---------------------------------------------------------------------

SAMPLE = SampleOptions(truth=False)


@dataclass(frozen=True)
class Step:
    """What a build said and how much it converted, and what was published after it.

    price: of a location at noon UTC of the day whose file changes, in $/MWh.
    """

    ran: Ran
    conversions: int
    files: FileStates
    months: dict[str, dict[str, list[str]]]
    price: list[float]
    days: set[date]


def step(raw: Path, out: Path, *options: str, check: int | None = 0) -> Step:
    log = LogOfRun(out)
    ran = build(raw, out, *options, check=check)
    files = file_states(out)
    months = {
        name: row_groups_by_month(out / name) for name in files if name.endswith("2024.parquet")
    }
    price = prices_of(out, "48588", "2024-01-20 12:00:00+00")
    days = {day for name in files if "nyiso" in name for day in days_in(out / name)}
    return Step(ran, log.conversions(), files, months, price, days)


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> tuple[Built, Step]:
    """Some days of two operators, in two years and three months; nobody changes them."""
    folder = tmp_path_factory.mktemp("first")
    raw, out = folder / "raw", folder / "out"
    for start, days in ((OLD_YEAR, 1), (GONE - DAY, 3), (CHANGED, 1), (date(2024, 2, 2), 2)):
        write_sample(raw, isos=["pjm"], start=start, days=days, nodes=40, options=SAMPLE)
        write_sample(raw, isos=["nyiso"], start=start, days=days, nodes=2, options=SAMPLE)
    # By name, because a first build of everything makes the staging views of every report.
    return Built(raw, out), step(raw, out, *OPERATORS)


def copied(built: Built, folder: Path) -> Built:
    """Copy a tree; files keep their times, by which a build knows them."""
    shutil.copytree(built.raw, folder / "raw")
    shutil.copytree(built.out, folder / "out")
    return Built(folder / "raw", folder / "out")


@pytest.fixture
def own(first: tuple[Built, Step], tmp_path: Path) -> Built:
    """The first tree for a test to change."""
    return copied(first[0], tmp_path)


@pytest.fixture(scope="module")
def updated(
    first: tuple[Built, Step], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Built, Step]:
    """Then a price changes, in a copy of the tree, so that all raw files lie in another folder."""
    built = copied(first[0], tmp_path_factory.mktemp("updated"))
    raise_a_price(pjm_file(built.raw, CHANGED), "12:00:00 PM")
    return built, step(built.raw, built.out)


@pytest.fixture(scope="module")
def extended(updated: tuple[Built, Step]) -> tuple[Built, Step]:
    """Then a day is added; the raw files are kept in a folder `extended` as they are now."""
    raw, out = updated[0].raw, updated[0].out
    write_sample(raw, isos=["pjm"], start=LAST, days=1, nodes=40, options=SAMPLE)
    write_sample(raw, isos=["nyiso"], start=LAST, days=1, nodes=2, options=SAMPLE)
    shutil.copytree(raw, raw.with_name("extended"))
    return Built(raw.with_name("extended"), out), step(raw, out)


@pytest.fixture(scope="module")
def vanished(updated: tuple[Built, Step], extended: tuple[Built, Step]) -> tuple[Built, list[Step]]:
    """Then raw files go: with nothing else new, with another price, and with leave to go.

    Nothing is left of NYISO's 2023 and of its February.
    """
    raw, out = updated[0].raw, updated[0].out
    pjm_file(raw, GONE).unlink()
    for pattern in ("damlbmp_*/2023*.csv", "damlbmp_*/202402*.csv"):
        for path in (raw / "nyiso").glob(pattern):
            path.unlink()
    steps = [step(raw, out)]
    raise_a_price(pjm_file(raw, CHANGED), "12:00:00 PM")
    steps += [step(raw, out, check=1), step(raw, out, "--prune")]
    return updated[0], steps


@pytest.mark.builds
def test_a_second_build_converts_nothing(first: tuple[Built, Step]) -> None:
    built, whole = first
    assert sorted(whole.files) == ALL_FILES
    assert whole.conversions > len(ALL_FILES)
    second = step(built.raw, built.out)
    assert (changed(whole.files, second.files), second.conversions) == ([], 0)
    assert leftovers(built.out) == []


@pytest.mark.builds
def test_a_touch_and_a_lost_manifest_convert_nothing(own: Built) -> None:
    """Content decides what is new, and the footers know what the manifest said."""
    before = file_states(own.out)
    manifest = own.out / "metadata" / "manifest.json"
    kept = json.loads(manifest.read_text())
    manifest.unlink()
    for path in own.raw.rglob("*.csv"):
        os.utime(path)
    again = step(own.raw, own.out)
    assert (changed(before, again.files), again.conversions) == ([], 0)
    assert json.loads(manifest.read_text()) == kept


@pytest.mark.builds
def test_only_what_a_changed_file_touches_is_built(
    first: tuple[Built, Step], updated: tuple[Built, Step]
) -> None:
    """Content decides what is new: the same files elsewhere are the same, and can be read there."""
    (_, before), (_, after) = first, updated
    assert changed(before.files, after.files) == sorted(n.format(2024) for n in (NODAL, HUB))
    assert after.price == [pytest.approx(before.price[0] + 1)]
    months, new_months = (run.months[NODAL.format(2024)] for run in (before, after))
    assert list(new_months) == list(months) == ["2024-01", "2024-02"]
    assert new_months["2024-02"] == months["2024-02"]
    assert new_months["2024-01"] != months["2024-01"]


@pytest.mark.builds
def test_only_what_a_new_file_touches_is_built(
    updated: tuple[Built, Step], extended: tuple[Built, Step]
) -> None:
    """That the end is what one build of it all gives is shown by builds that are killed, below."""
    (_, before), (_, after) = updated, extended
    assert changed(before.files, after.files) == sorted(
        name.format(2024) for name in (NODAL, HUB, NYISO)
    )
    months, new_months = (run.months[NODAL.format(2024)] for run in (before, after))
    assert new_months["2024-01"] == months["2024-01"]
    assert new_months["2024-02"] != months["2024-02"]
    assert after.days - before.days == {LAST}


@pytest.mark.builds
def test_vanished_files_take_rows_with_them_only_when_told_to(
    extended: tuple[Built, Step], vanished: tuple[Built, list[Step]]
) -> None:
    (_, before), (built, [idle, refused, pruned]) = extended, vanished
    assert changed(before.files, idle.files) == []

    assert f"pjm/da_hrl_lmps/{pjm_file(built.raw, GONE).name}" in refused.ran.output
    assert "--prune" in refused.ran.output
    assert changed(before.files, refused.files) == []

    assert changed(before.files, pruned.files) == sorted(
        [NODAL.format(2024), HUB.format(2024), NYISO.format(2023), NYISO.format(2024)]
    )
    assert NYISO.format(2023) not in pruned.files
    assert set(pruned.months[NYISO.format(2024)]) == {"2024-01"}
    # The file of the day before ends with the first hour of the day that is gone.
    assert query(
        "select distinct delivery_hour from read_parquet($1) where delivery_date = $2",
        str(built.out / NODAL.format(2024)),
        GONE,
    ) == [(1,)]


@pytest.mark.builds
def test_a_file_that_was_written_over_with_another_year_takes_its_rows_with_it_only_when_told_to(
    tmp_path: Path,
) -> None:
    raw, only = tmp_path / "raw", ("--dataset", "pjm_da_energy_hourly_nodal")
    file = raw / "pjm" / "da_hrl_lmps" / "download.csv"
    file.parent.mkdir(parents=True)

    def ran(out: str, year: int, *options: str) -> tuple[list[int], list[str], Ran]:
        file.write_text(
            "datetime_beginning_utc,pnode_id,pnode_name,type,total_lmp_da,system_energy_price_da,"
            "congestion_price_da,marginal_loss_price_da\n"
            f"{year}-03-05 06:00:00,1,A,HUB,30.5,30.5,0,0\n"
        )
        built = build(raw, tmp_path / out, *only, *options)
        files = str(tmp_path / out / NODAL.format("*"))
        years = query("select year(delivery_date) from read_parquet($1) order by all", files)
        told = [entry["file"] for entry in status(tmp_path / out)["vanished"]]
        return [year for (year,) in years], told, built

    name = "pjm/da_hrl_lmps/download.csv"
    assert ran("out", 2022)[:2] == ([2022], [])
    assert ran("out", 2023, "--years", "2023")[:2] == ([2022, 2023], []), "2022 was not looked at"
    years, told, built = ran("out", 2023)
    assert (years, told) == ([2022, 2023], [name])
    assert f"{name}: gone from the raw folder, or written over" in " ".join(built.output.split())
    assert ran("out", 2023, "--prune")[:2] == ([2023], [])
    assert ran("fresh", 2023)[:2] == ([2023], [])
    of_year = NODAL.format(2023)
    assert published(tmp_path / "out")[of_year] == published(tmp_path / "fresh")[of_year]


# --- Row groups -----------------------------------------------------------------------------------


@pytest.mark.builds
def test_a_row_group_knows_no_text_but_its_own(tmp_path: Path) -> None:
    """Or its bytes would tell how far another thread was when it was written."""
    raw, out = tmp_path / "raw", tmp_path / "out"
    options = SampleOptions(truth=False, reports=("da_hrl_lmps",))
    write_sample(raw, isos=["pjm"], start=date(2024, 3, 9), days=14, nodes=100, options=options)
    for day, late in LATE.items():
        (file,) = raw.rglob(f"da_hrl_lmps_{day}*.csv")
        name = read_rows(file)[-1]["pnode_name"].encode()
        file.write_bytes(file.read_bytes().replace(b",%s," % name, b",%s," % late.encode()))
    only = ("--exclude-resource-type", "unit_test", "--select", "+pjm_da_energy_hourly_nodal")
    run_dbt(raw, out, "build", *only, "--vars", f"{{row_group_size: {SMALL_GROUP}}}")
    year_file = str(out / NODAL.format(2024))
    told = {
        column: query(
            """
            select stats_min_value, stats_max_value from parquet_metadata($1)
            where path_in_schema = $2 order by row_group_id
            """,
            year_file,
            column,
        )
        for column in TEXT_COLUMNS
    }
    written = {
        column: query(
            f"""
            select min({column}), max({column}) from read_parquet($1)
            group by file_row_number // {SMALL_GROUP} order by file_row_number // {SMALL_GROUP}
            """,
            year_file,
        )
        for column in TEXT_COLUMNS
    }
    assert len(written["iso"]) > 3
    for late in LATE.values():
        assert [late in bounds for bounds in written["settlement_location"]].count(True) == 1
    assert set(written["dst_flag"]) == {("N", "Y"), ("Y", "Y")}
    assert told == written


# --- Lost state -----------------------------------------------------------------------------------


@pytest.mark.builds
def test_a_lost_working_database_is_made_anew_and_lets_no_row_of_a_vanished_file_go(
    own: Built,
) -> None:
    before = file_states(own.out)
    pjm_file(own.raw, GONE).unlink()
    shutil.rmtree(own.out / ".unified-iso")
    asked = ("--dataset", "pjm_da_energy_hourly_hub", "--dataset", "nyiso_da_energy_hourly")
    build(own.raw, own.out, *asked)
    assert published(own.out) == checksums(before)


# --- What was asked for ---------------------------------------------------------------------------


@pytest.mark.builds
def test_a_build_does_no_more_than_it_was_asked_for(
    first: tuple[Built, Step], tmp_path: Path
) -> None:
    raw, out = first[0].raw, tmp_path / "out"
    whole = checksums(first[1].files)
    build(raw, out, "--dataset", "da_energy_hourly", "--year", "2024")
    one = file_states(out)
    assert checksums(one) == {NYISO.format(2024): whole[NYISO.format(2024)]}
    build(raw, out, "pjm", "--year", "2023")
    two = file_states(out)
    assert changed(one, two) == sorted(name.format(2023) for name in (NODAL, HUB))
    assert checksums(two).items() <= whole.items()


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


# --- Kills and rivals -----------------------------------------------------------------------------


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
def test_a_first_build_may_be_killed_at_any_moment_and_gives_what_updates_give(
    extended: tuple[Built, Step], tmp_path: Path, start_build: Start
) -> None:
    raw, out = extended[0].raw, tmp_path / "out"
    whole = checksums(extended[1].files)
    for moment in (
        first_part_is_written,
        first_year_is_joined,
        first_file_is_published,
    ):
        shutil.rmtree(out / ".unified-iso" / "candidates", ignore_errors=True)
        process = start_build(raw, out, *OPERATORS)
        wait_until(partial(moment, out), process)
        kill(process)
        found = published(out)
        assert found.items() <= whole.items()
        if moment is not first_file_is_published:
            assert found == {}
    build(raw, out)
    assert published(out) == whole
    assert leftovers(out) == []
    with duckdb.connect(str(out / "catalog.duckdb"), read_only=True) as con:
        assert con.execute("select count(*) from energy_prices").fetchone() != (0,)


@pytest.mark.builds
def test_a_rival_is_turned_away_and_a_killed_update_leaves_what_was_published(
    own: Built,
    start_build: Start,
) -> None:
    raw, out = own.raw, own.out
    build(raw, out)
    before = file_states(out)
    shown = status(out)
    raise_a_price(pjm_file(raw, CHANGED), "12:00:00 PM")
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


# --- Plain dbt ------------------------------------------------------------------------------------


@pytest.mark.builds
def test_plain_dbt_describes_an_output_folder_that_is_empty(
    first: tuple[Built, Step], tmp_path: Path
) -> None:
    raw, out = first[0].raw, tmp_path / "out"
    run_dbt(raw, out, "docs", "generate", with_json=True)
    assert (out / "target" / "catalog.json").exists()
    # Other datasets have the same tests, and all of those run on empty datasets in the test below.
    all_models = ("--indirect-selection", "empty", "--select", "resource_type:model")
    its_tests = ("fqn:*_nyiso_da_energy_hourly_*", "fqn:*_ercot_as_hourly_*")
    ran = run_dbt(raw, out, "build", "--empty", *all_models, "resource_type:seed", *its_tests)
    for test in ("accounts_balance_nyiso_da_energy", "physically_sorted_ercot_as_hourly"):
        assert f"PASS {test}" in ran.output, ran.output
    assert file_states(out) == {}


@pytest.mark.builds
def test_plain_dbt_publishes_only_what_all_tests_have_passed(
    first: tuple[Built, Step], tmp_path: Path
) -> None:
    raw, out = first[0].raw, tmp_path / "out"
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
    assert checksums(states) == checksums(first[1].files)
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
