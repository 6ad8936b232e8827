"""Verifying a tree that somebody received: each fault is found, under its name and no other."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import jsonschema
import pytest
from typer.testing import CliRunner

from building import REPOSITORY
from published_tree import NODAL, SERVICES, make_tree, tell_anew, told
from unified_iso import cli
from unified_iso.row_groups.footer import read_footer_metadata
from unified_iso.row_groups.join import Part, join_row_groups
from unified_iso.row_groups.seal import read_seal
from unified_iso.twins import TWIN_KEY
from unified_iso.verify import CHECKS, Fault, verify_tree
from unified_iso.workspace import Workspace

YEAR = "parquet/pjm/da_energy_hourly_nodal/da_energy_hourly_nodal_2024.parquet"
YEAR_BEFORE = YEAR.replace("2024", "2023")
OF_SERVICES = "parquet/ercot/as_hourly/as_hourly_2024.parquet"
IN_MARCH = (NODAL, "2024-03-01")
IN_NOVEMBER = (NODAL, "2024-11-01")


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A tree with nothing wrong, which no test changes."""
    return make_tree(tmp_path_factory.mktemp("sound") / "out")


@pytest.fixture
def tree(sound: Workspace, tmp_path: Path) -> Workspace:
    """A copy of the sound tree, as it is received: with neither working database nor raw files."""
    out = tmp_path / "received"
    shutil.copytree(sound.out, out, ignore=shutil.ignore_patterns(".unified-iso"))
    return Workspace(raw=tmp_path / "no raw", out=out)


def found(workspace: Workspace, **options: Any) -> list[tuple[str, str]]:
    """Return where faults are, and which checks have found them."""
    faults = verify_tree(workspace, **options).faults
    return [(fault.path, fault.check) for fault in faults]


def texts(workspace: Workspace) -> str:
    return "\n".join(fault.text for fault in verify_tree(workspace).faults)


def test_nothing_is_wrong_with_a_sound_tree(tree: Workspace) -> None:
    verified = verify_tree(tree)
    assert (verified.faults, verified.notes, verified.is_sound) == ([], [], True)
    # Two locations in 24 hours; in 71 + 73; two products in 24.
    rows = {entry["path"]: entry["rows"] for entry in verified.files}
    assert rows == {YEAR_BEFORE: 48, YEAR: 288, OF_SERVICES: 48}
    assert found(tree, quick=True) == []


# --- Twins that are sorted by location ------------------------------------------------------------


def add_twin(tree: Workspace) -> Path:
    """Write what has the place, the seal and the name of a twin, with the rows of the year file."""
    year_file = tree.out / YEAR
    twin = tree.by_location / year_file.relative_to(tree.parquet)
    twin.parent.mkdir(parents=True)
    texts = {TWIN_KEY: str(read_seal(year_file))}
    join_row_groups([Part(year_file)], twin, texts, sealed=True)
    return twin


def test_a_twin_is_held_to_its_seal_and_to_its_year_file(tree: Workspace) -> None:
    twin = add_twin(tree)
    name = tree.name_of(twin)
    assert found(tree) == []
    content = bytearray(twin.read_bytes())
    content[100] ^= 1
    twin.write_bytes(content)
    assert found(tree) == [(name, "bytes")]
    shutil.copy(tree.out / YEAR_BEFORE, twin)
    assert found(tree) == [(name, "twin")]
    twin.rename(twin.with_name("da_energy_hourly_nodal_1999.parquet"))
    assert found(tree) == [(name.replace("2024", "1999"), "twin")]


# --- Files that are not those that were published -------------------------------------------------


def flip(tree: Workspace) -> None:
    """Flip a bit of a price."""
    path = tree.out / YEAR
    [(at,)] = duckdb.execute(
        "select data_page_offset + total_compressed_size - 9 from parquet_metadata($1)"
        " where path_in_schema = 'lmp_total' order by row_group_id limit 1",
        [str(path)],
    ).fetchall()
    content = bytearray(path.read_bytes())
    content[at] ^= 0x40
    path.write_bytes(content)


def cut(tree: Workspace) -> None:
    path = tree.out / YEAR
    path.write_bytes(path.read_bytes()[:-20])


def remove(tree: Workspace) -> None:
    (tree.out / YEAR).unlink()


def add_a_copy(tree: Workspace) -> None:
    shutil.copy(tree.out / YEAR, tree.out / YEAR.replace(".parquet", "_copy.parquet"))


def add_what_is_no_year_file(tree: Workspace) -> None:
    path = tree.out / YEAR.replace("2024", "2025")
    duckdb.sql(f"copy (select 1 as one) to '{path}' (format parquet)")


def add_what_is_out_of_place(tree: Workspace) -> None:
    (tree.out / "parquet" / "pjm" / "notes.txt").write_text("mine")


def leave_out_of_the_manifest(tree: Workspace) -> None:
    manifest = told(tree)
    manifest["files"] = [entry for entry in manifest["files"] if entry["path"] != OF_SERVICES]
    tree.manifest.write_text(json.dumps(manifest))


def let_a_file_be_another_year(tree: Workspace) -> None:
    shutil.copy(tree.out / YEAR_BEFORE, tree.out / YEAR)
    tell_anew(tree, tree.out / YEAR)


def let_the_manifest_say_another_fingerprint(tree: Workspace) -> None:
    manifest = told(tree)
    for entry in manifest["files"]:
        entry["fingerprint"] = "another" if entry["path"] == YEAR else entry["fingerprint"]
    tree.manifest.write_text(json.dumps(manifest))


def let_the_manifest_say_other_counts(tree: Workspace) -> None:
    manifest = told(tree)
    for entry in manifest["files"]:
        entry["missing_intervals"] += entry["path"] == YEAR
    tree.manifest.write_text(json.dumps(manifest))


def remove_the_manifest(tree: Workspace) -> None:
    tree.manifest.unlink()


def remove_the_catalog(tree: Workspace) -> None:
    tree.catalog.unlink()


def spoil_the_catalog(tree: Workspace) -> None:
    tree.catalog.write_bytes(b"no database" * 2000)


def drop_a_view(tree: Workspace) -> None:
    with duckdb.connect(str(tree.catalog)) as catalog:
        catalog.execute(f"drop view {SERVICES}")


def leave_a_year_out_of_a_view(tree: Workspace) -> None:
    with duckdb.connect(str(tree.catalog)) as catalog:
        file = tree.out / YEAR
        catalog.execute(f"create or replace view {NODAL} as select * from read_parquet('{file}')")


def swap_row_groups(tree: Workspace) -> None:
    """Write the row groups of November before those of March, sealed and told of as if so."""
    path = tree.out / YEAR
    kept = path.with_suffix(".kept")
    path.rename(kept)
    words = read_footer_metadata(kept).key_value_metadata
    texts = {key: text for key, text in words.items() if key != "unified_iso_seal"}
    groups = read_footer_metadata(kept).row_group_count
    parts = [Part(kept, group, 1) for group in reversed(range(groups))]
    join_row_groups(parts, path, texts, sealed=True)
    kept.unlink()
    tell_anew(tree, path)


@pytest.mark.parametrize(
    ("spoil", "faults"),
    [
        (flip, [(YEAR, "bytes")]),
        (cut, [(YEAR, "bytes")]),
        (remove, [(YEAR, "missing")]),
        (add_a_copy, [(YEAR.replace(".parquet", "_copy.parquet"), "place")]),
        (add_what_is_no_year_file, [(YEAR.replace("2024", "2025"), "added")]),
        (add_what_is_out_of_place, [("parquet/pjm/notes.txt", "added")]),
        (leave_out_of_the_manifest, [(OF_SERVICES, "added")]),
        (let_a_file_be_another_year, [(YEAR, "place")]),
        (let_the_manifest_say_another_fingerprint, [(YEAR, "footer")]),
        (let_the_manifest_say_other_counts, [(YEAR, "counts")]),
        (remove_the_catalog, [("catalog.duckdb", "catalog")]),
        (spoil_the_catalog, [("catalog.duckdb", "catalog")]),
        (drop_a_view, [("catalog.duckdb", "catalog")]),
        (leave_a_year_out_of_a_view, [("catalog.duckdb", "catalog")]),
        (swap_row_groups, [(YEAR, "sort")]),
    ],
)
def test_a_tree_that_was_changed_is_told_by_what_was_changed(
    tree: Workspace, spoil: Callable[[Workspace], None], faults: list[tuple[str, str]]
) -> None:
    spoil(tree)
    assert sorted(set(found(tree))) == sorted(faults)


def test_a_build_that_was_ended_early_is_no_fault_for_a_quick_look(tree: Workspace) -> None:
    leave_out_of_the_manifest(tree)
    assert found(tree, quick=True) == []


def test_without_its_manifest_a_tree_is_held_to_what_the_files_say(tree: Workspace) -> None:
    remove_the_manifest(tree)
    assert set(found(tree, quick=True)) == {("metadata/manifest.json", "manifest")}
    flip(tree)
    assert (YEAR, "bytes") in found(tree, quick=True)


# --- Rows that were never right, though every checksum agrees -------------------------------------


@pytest.mark.parametrize(
    ("part", "spoil", "check", "says"),
    [
        (
            IN_MARCH,
            "insert into part_rows select * from part_rows where n = 7",
            "grain",
            "1 row repeat the key of the row before: first row 8 2024-03-09 08:00:00",
        ),
        (
            # AEP goes by another name in one hour, beside itself.
            IN_MARCH,
            "update part_rows set settlement_location = 'AEP2', settlement_location_id = '51288'"
            " where n = 7",
            "grain",
            "1 keys have several rows, by interval_start_utc, market_type",
        ),
        (
            IN_MARCH,
            "update part_rows set n = case n when 10 then 11 when 11 then 10 else n end",
            "sort",
            "1 row stand before the row that they follow, in order of datetime_utc, "
            "settlement_location, settlement_location_id: first row 11 2024-03-09 09:00:00",
        ),
        (
            IN_MARCH,
            "update part_rows set dst_flag = null where n in (3, 4)",
            "nulls",
            "dst_flag is null in 2 rows",
        ),
        (
            IN_MARCH,
            "update part_rows set lmp_total = 'nan' where n = 3",
            "values",
            "lmp_total is no finite number in 1 row",
        ),
        (
            IN_MARCH,
            "update part_rows set delivery_date = '2023-03-09' where n = 3",
            "calendar",
            "the delivery day is of another year in 1 row",
        ),
        (
            # The hour after the missing one, told as if the clock had not gone forward.
            IN_MARCH,
            "update part_rows set datetime_local = datetime_local - interval 1 hour"
            " where datetime_utc = '2024-03-10 07:00:00+00'",
            "calendar",
            "local time and UTC do not agree in 2 rows: first at 2024-03-10 07:00:00+00",
        ),
        (
            # The second pass of 01:00, told as the first.
            IN_NOVEMBER,
            "update part_rows set dst_flag = 'Y' where datetime_utc = '2024-11-03 06:00:00+00'",
            "calendar",
            "the daylight flag is not that of the local clock in 2 rows",
        ),
        (
            IN_NOVEMBER,
            "update part_rows set interval_end_utc = interval_start_utc where n = 9",
            "calendar",
            "the interval ends before it begins in 1 row",
        ),
        (
            IN_NOVEMBER,
            "update part_rows set delivery_hour = 2 where n = 5",
            "calendar",
            "the delivery hour is not that of the local clock in 1 row",
        ),
        (
            IN_NOVEMBER,
            "update part_rows set iso = 'SPP' where n = 5",
            "calendar",
            "the operator is another one in 1 row",
        ),
        (
            (SERVICES, "2024-04-01"),
            "update part_rows set as_region = null where n = 5",
            "nulls",
            "as_region is null in 1 row",
        ),
        (
            (SERVICES, "2024-04-01"),
            "alter table part_rows drop column unit",
            "schema",
            "its columns are not those of the contract: lacks unit",
        ),
        (
            (SERVICES, "2024-04-01"),
            "alter table part_rows alter version type integer",
            "schema",
            "version is INTEGER, not UINTEGER",
        ),
        (
            (SERVICES, "2024-04-01"),
            "create or replace temp table part_rows as select iso, * exclude (iso) from part_rows",
            "schema",
            "columns stand in another order: iso, datetime_utc",
        ),
    ],
)
def test_rows_that_are_not_right_are_told_with_the_first(
    part: tuple[str, str], spoil: str, check: str, says: str, tmp_path: Path
) -> None:
    tree = make_tree(tmp_path / "out", {part: spoil})
    path = OF_SERVICES if part[0] == SERVICES else YEAR
    verified = verify_tree(tree)
    assert [(fault.path, fault.check) for fault in verified.faults] == [(path, check)]
    assert says in verified.faults[0].text


def test_a_day_has_no_more_intervals_than_hours(tmp_path: Path) -> None:
    """On 10 March 2024 the clock has 23 hours; half an hour too much stands among them."""
    spoil = """
        insert into part_rows
        select * replace (
            datetime_utc + interval 30 minute as datetime_utc,
            datetime_local + interval 30 minute as datetime_local,
            interval_start_utc + interval 30 minute as interval_start_utc,
            interval_end_utc + interval 30 minute as interval_end_utc,
            n + 1 as n
        )
        from part_rows where datetime_utc = '2024-03-10 09:00:00+00'
    """
    tree = make_tree(tmp_path / "out", {IN_MARCH: spoil})
    said = texts(tree)
    assert "the interval starts off the grid in 2 rows: first at 2024-03-10 09:30:00+00" in said
    assert "1 days have more intervals than hours: first 2024-03-10 with 24 instead of 23" in said


def test_columns_that_may_be_null_in_one_year_only_are_told(tmp_path: Path) -> None:
    """A reader of all years stumbles over it, or takes the first year's word for all."""
    tree = make_tree(tmp_path / "out")
    path = tree.out / YEAR_BEFORE
    words = read_footer_metadata(path).key_value_metadata
    kept = path.with_suffix(".kept")
    with duckdb.connect() as connection:
        # A constant is written as what is never null, all others as what may be.
        connection.execute(f"create table year_rows as from read_parquet('{path}')")
        nulls = "select nullif(columns(*), columns(*)) from year_rows where random() > 2"
        connection.execute(
            "copy (select * replace ('N' as dst_flag)"
            f" from (from year_rows union all {nulls})) to '{kept}' (format parquet)"
        )
    texts_of = {key: text for key, text in words.items() if key != "unified_iso_seal"}
    path.unlink()
    join_row_groups([Part(kept)], path, texts_of, sealed=True)
    kept.unlink()
    tell_anew(tree, path)
    assert found(tree) == [(YEAR, "schema")]
    assert texts(tree) == f"whether dst_flag may be null is not as in {YEAR_BEFORE}"


def test_a_dataset_that_the_project_does_not_know_is_judged_by_what_it_says(
    tree: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("unified_iso.verify.tree.contracts", lambda root: {})
    verified = verify_tree(tree)
    assert verified.faults == []
    assert verified.notes == [
        f"{model}: this project has no contract of it, so that its rows are judged without"
        for model in (SERVICES, NODAL)
    ]


# --- The command ----------------------------------------------------------------------------------


def verify(out: Path, *options: str) -> Any:
    return CliRunner().invoke(cli.app, ["verify", "--out", str(out), *options])


def test_the_command_says_of_each_file_what_is_wrong(tree: Workspace) -> None:
    ran = verify(tree.out)
    assert ran.exit_code == 0
    assert ran.stdout.splitlines() == [
        f"{path}: as published" for path in (OF_SERVICES, YEAR_BEFORE, YEAR)
    ]
    assert re.search(r"^3 files, 384 rows, [\d.]+ kB in [\d.]+ s: sound$", ran.stderr, re.M)
    flip(tree)
    ran = verify(tree.out, "--threads", "1", "--memory-limit", "600MB")
    assert ran.exit_code == 1
    assert f"{YEAR}: has other bytes than were published" in ran.stdout.splitlines()
    assert re.search(r"^3 files, .*: 1 fault in 1 of them$", ran.stderr, re.M)


@pytest.mark.parametrize("is_made", [True, False])
def test_a_folder_with_nothing_published_is_told_and_no_success(
    is_made: bool, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    if is_made:
        out.mkdir()
    ran = verify(out)
    assert (ran.exit_code, ran.stdout) == (1, "")
    assert f"nothing is published in {out}" in ran.stderr
    assert out.exists() == is_made


def test_the_json_is_as_its_schema_says(tree: Workspace) -> None:
    schema = json.loads((REPOSITORY / "docs" / "verify.schema.json").read_text())
    assert set(schema["$defs"]["check"]["enum"]) == set(CHECKS)
    for spoil, faults in ((None, 0), (flip, 1)):
        if spoil:
            spoil(tree)
        ran = verify(tree.out, "--json")
        told_of = json.loads(ran.stdout)
        jsonschema.validate(told_of, schema)
        assert (ran.exit_code, len(told_of["faults"])) == (faults, faults)
        assert told_of["is_sound"] == (not faults)
        assert [file["path"] for file in told_of["files"]] == [OF_SERVICES, YEAR_BEFORE, YEAR]


def test_faults_stand_in_order_of_files() -> None:
    first, second = Fault("a", "sort", "x"), Fault("b", "bytes", "x")
    assert sorted([second, first]) == [first, second]
