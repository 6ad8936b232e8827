"""What a build does with bad raw files: it names them, publishes the rest, and keeps what was."""

from __future__ import annotations

import re
import shutil
import zipfile
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from building import (
    OPERATORS,
    Ran,
    Row,
    build,
    edit_rows,
    published,
    query,
    read_rows,
    sample_day,
    status,
    work_database,
    write_rows,
)
from unified_iso.cli import app

pytestmark = pytest.mark.builds

PJM, ZONE = "pjm/da_hrl_lmps", "nyiso/damlbmp_zone"
LBMP = "LBMP ($/MWHr)"
LOSSES = "Marginal Cost Losses ($/MWHr)"
CONGESTION = "Marginal Cost Congestion ($/MWHr)"
NODAL = "pjm_da_energy_hourly_nodal"
NYISO = "nyiso_da_energy_hourly"
WESTERN_HUB, WEST = "51288", "61752"
SPRING_DAY = date(2024, 3, 10)
PUBLISHED_FIRST = (date(2023, 6, 1), date(2024, 3, 8))
INSANE_DAY = date(2023, 6, 2)
INSANE_PRICES = ("60000", "inf", "nan")


@dataclass(frozen=True)
class Step:
    """A build of the story below: what it said, and the published files around it."""

    raw: Path
    out: Path
    ran: Ran
    before: dict[str, str]
    after: dict[str, str]
    status: dict[str, Any]
    insane_lines: tuple[int, ...] = ()


def _step(raw: Path, out: Path, *options: str) -> Step:
    before = published(out)
    ran = build(raw, out, *OPERATORS, *options, check=None)
    return Step(raw, out, ran, before, published(out), status(out))


def _year_file(iso: str, dataset: str, year: int) -> str:
    return f"parquet/{iso}/{dataset}/{dataset}_{year}.parquet"


def _pjm(day: date) -> str:
    return f"{PJM}/da_hrl_lmps_{day:%Y%m%d}.csv"


def _zone(day: date) -> str:
    return f"{ZONE}/{day:%Y%m%d}damlbmp_zone.csv"


def _add(row: Row, column: str, amount: float) -> None:
    row[column] = f"{float(row[column]) + amount:.6f}"


def _number(rows: list[Row], column: str, value: str, nth: int = 0) -> int:
    """Index of the nth row with that value; its line in the file is two more."""
    return [number for number, row in enumerate(rows) if row[column] == value][nth]


# One story, told by module fixtures that follow each other on one output folder, because a build
# takes seconds: a sound build, one that fails its audit, one with bad files, and one that is told
# to publish what is sound in them.


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Step:
    """Publish two years, one price out of bounds and one NYISO zone file with an unequal copy."""
    folder = tmp_path_factory.mktemp("faults")
    raw = folder / "raw"
    for day in PUBLISHED_FIRST:
        sample_day(raw, day)

    def spike(rows: list[Row]) -> None:
        row = rows[_number(rows, "pnode_id", WESTERN_HUB)]
        amount = 20_000 - float(row["total_lmp_da"])
        _add(row, "total_lmp_da", amount)
        _add(row, "congestion_price_da", amount)

    edit_rows(raw / _pjm(PUBLISHED_FIRST[1]), spike)
    zone = raw / _zone(PUBLISHED_FIRST[1])
    copy = read_rows(zone)
    # Price and losses move together: energy stays one number, only the copies disagree.
    row = copy[_number(copy, "PTID", WEST)]
    _add(row, LBMP, 3)
    _add(row, LOSSES, 3)
    write_rows(raw / ZONE / "zz" / zone.name, copy)
    return _step(raw, folder / "out")


@pytest.fixture(scope="module")
def audited(sound: Step) -> Step:
    """Build with prices that no market has and prices that don't add up, then take them away."""
    added = [*sample_day(sound.raw, date(2024, 3, 9)), *sample_day(sound.raw, INSANE_DAY)]

    def no_prices(rows: list[Row]) -> None:
        for hour, price in enumerate(INSANE_PRICES):
            row = rows[_number(rows, "pnode_id", WESTERN_HUB, hour)]
            if price == "60000":
                amount = 60_000 - float(row["total_lmp_da"])
                _add(row, "congestion_price_da", amount)
            row["total_lmp_da"] = price

    edit_rows(sound.raw / _pjm(INSANE_DAY), no_prices)
    edit_rows(
        sound.raw / _pjm(date(2024, 3, 9)),
        lambda rows: _add(rows[_number(rows, "pnode_id", "51217", 7)], "total_lmp_da", 1),
    )
    edit_rows(
        sound.raw / _zone(date(2024, 3, 9)),
        lambda rows: _add(rows[_number(rows, "PTID", WEST, 5)], LBMP, 1),
    )
    step = _step(sound.raw, sound.out)
    rows = read_rows(sound.raw / _pjm(INSANE_DAY))
    lines = tuple(_number(rows, "total_lmp_da", price) + 2 for price in INSANE_PRICES)
    for path in added:
        path.unlink()
    return replace(step, insane_lines=lines)


MALFORMED = {
    # What is wrong: operator's model, year, file and what the message must tell.
    "text for a number": (NODAL, 2024, _pjm(SPRING_DAY)),
    "cut inside a field": (NODAL, 2022, _pjm(date(2022, 6, 1))),
    "cut before a field": (NODAL, 2021, _pjm(date(2021, 6, 1))),
    "missing hour": (NYISO, 2024, _zone(SPRING_DAY)),
    "NYISO cut inside a field": (NYISO, 2022, _zone(date(2022, 6, 1))),
    "NYISO cut before a field": (NYISO, 2021, _zone(date(2021, 6, 1))),
    "no line usable": (NYISO, 2019, _zone(date(2019, 6, 1))),
    "text in the first line": (NODAL, 2018, _pjm(date(2018, 3, 9))),
}
TEXT_LINE = 12
# A year with a day missing between two, which has no bad line.
GAP = (date(2017, 3, 9), date(2017, 3, 11))
REFUSED = {
    f"{PJM}/other_header.csv": "no header of da_hrl_lmps",
    f"{PJM}/nyiso_day.csv": f"is the header of {ZONE}: move it",
    f"{ZONE}/pjm_day.csv": f"is the header of {PJM}: move it",
    f"{PJM}/empty.csv": "is empty",
    f"{PJM}/not_a_zip.zip": "is a web page, not a report ('504 Gateway Time-out')",
    f"{PJM}/leaves.zip": "leaves the folder ('../../outside.csv')",
    f"{PJM}/dangling.csv": "No such file",
    f"{PJM}/cut.csv.gz": "can't be read",
    "pjm/da_hrl_lmp/typo.csv": "lies in pjm/da_hrl_lmp, which is no report folder",
    "nyiso/loose.csv": "lies in nyiso, which is no report folder",
}


def _cut(path: Path, end: int) -> None:
    """Leave the last line of a file with `end` fewer bytes, its line end counted."""
    text = path.read_bytes().rstrip(b"\r\n")
    path.write_bytes(text[:-end])


def _cut_before_last_field(path: Path) -> None:
    text = path.read_bytes().rstrip(b"\r\n")
    path.write_bytes(text[: text.rindex(b",") + 1])


def _write_malformed(raw: Path) -> None:
    for year in (2019, 2020, 2021, 2022):
        sample_day(raw, date(year, 6, 1))
    for day in (SPRING_DAY, date(2018, 3, 9), *GAP):
        sample_day(raw, day)

    def text_for_a_number(rows: list[Row]) -> None:
        rows[TEXT_LINE - 2]["total_lmp_da"] = "n/a"

    def text_in_the_first_line(rows: list[Row]) -> None:
        rows[0]["total_lmp_da"] = "n/a"

    def missing_hour(rows: list[Row]) -> None:
        two = _number(rows, "Time Stamp", "03/10/2024 03:00")
        rows.insert(two, rows[two - 1] | {"Time Stamp": "03/10/2024 02:00"})

    def no_line_usable(rows: list[Row]) -> None:
        for row in rows:
            row[LBMP] = "-"

    edit_rows(raw / MALFORMED["text for a number"][2], text_for_a_number)
    edit_rows(raw / MALFORMED["text in the first line"][2], text_in_the_first_line)
    edit_rows(raw / MALFORMED["missing hour"][2], missing_hour)
    edit_rows(raw / MALFORMED["no line usable"][2], no_line_usable)
    # The end of a PJM line is `...,-0.776219,True,1`, of a NYISO line `...,-0.77,-0.04`.
    _cut(raw / MALFORMED["cut inside a field"][2], len("19,True,1"))
    _cut_before_last_field(raw / MALFORMED["cut before a field"][2])
    nyiso = raw / MALFORMED["NYISO cut inside a field"][2]
    _cut_before_last_field(nyiso)
    _cut(nyiso, 1)
    _cut_before_last_field(raw / MALFORMED["NYISO cut before a field"][2])


def _write_refused(raw: Path) -> None:
    for file in REFUSED:
        (raw / file).parent.mkdir(parents=True, exist_ok=True)
    sound_pjm, sound_zone = raw / _pjm(PUBLISHED_FIRST[0]), raw / _zone(PUBLISHED_FIRST[0])
    (raw / PJM / "other_header.csv").write_text("hour,node,price\n1,2,3\n")
    shutil.copy(sound_zone, raw / PJM / "nyiso_day.csv")
    shutil.copy(sound_pjm, raw / ZONE / "pjm_day.csv")
    (raw / PJM / "empty.csv").touch()
    (raw / PJM / "not_a_zip.zip").write_text("<html>504 Gateway Time-out</html>")
    with zipfile.ZipFile(raw / PJM / "leaves.zip", "w") as archive:
        archive.writestr("../../outside.csv", sound_pjm.read_text())
    (raw / PJM / "dangling.csv").symlink_to("nowhere.csv")
    (raw / PJM / "cut.csv.gz").write_bytes(b"\x1f\x8b\x08\x00")
    shutil.copy(sound_pjm, raw / "pjm/da_hrl_lmp/typo.csv")
    shutil.copy(sound_zone, raw / "nyiso/loose.csv")


@pytest.fixture(scope="module")
def faulty(audited: Step) -> Step:
    """Build with bad files of every kind beside sound ones, in years old and new."""
    _write_malformed(audited.raw)
    _write_refused(audited.raw)
    return _step(audited.raw, audited.out)


@pytest.fixture(scope="module")
def allowed(faulty: Step) -> Step:
    """Build the same files, told to publish what is sound in them."""
    return _step(faulty.raw, faulty.out, "--allow-rejects")


def _line_of_fault(step: Step, fault: str) -> int:
    """Line of the malformed row: the text and the missing hour know theirs, a cut is the end."""
    path = step.raw / MALFORMED[fault][2]
    if fault == "text for a number":
        return TEXT_LINE
    if fault == "text in the first line":
        return 2
    lines = path.read_bytes().splitlines()
    if fault == "missing hour":
        return next(n for n, line in enumerate(lines, 1) if line.startswith(b"03/10/2024 02:00"))
    return len(lines)


def test_a_price_beyond_bounds_is_published_with_a_warning(sound: Step) -> None:
    assert sound.ran.exit_code == 0, sound.ran.stderr
    warnings = [line for line in sound.ran.says if line.startswith("warning")]
    assert any(NODAL in line and "beyond the bounds" in line for line in warnings)
    assert "20000.0" in sound.ran.stderr
    assert query(
        "select max(lmp_total) from read_parquet($1)",
        str(sound.out / _year_file("pjm", "da_energy_hourly_nodal", 2024)),
    ) == [(20_000.0,)]


def test_of_unequal_rows_the_one_of_the_greatest_path_is_published(sound: Step) -> None:
    warnings = [line for line in sound.ran.says if line.startswith("warning")]
    assert any(NYISO in line and "unequal rows" in line for line in warnings)
    copy = read_rows(sound.raw / ZONE / "zz" / "20240308damlbmp_zone.csv")
    expected = float(copy[_number(copy, "PTID", WEST)][LBMP])
    rows = query(
        """
        select lmp_total, data_source
        from read_parquet($1)
        where settlement_location_id = $2 and datetime_local = timestamp '2024-03-08'
        """,
        str(sound.out / _year_file("nyiso", "da_energy_hourly", 2024)),
        WEST,
    )
    assert rows == [(expected, f"{ZONE}/zz/20240308damlbmp_zone.csv")]


def test_a_sound_build_publishes_each_dataset_and_year(sound: Step) -> None:
    expected = {
        _year_file(iso, dataset, year)
        for year in (2023, 2024)
        for iso, dataset in (
            ("pjm", "da_energy_hourly_nodal"),
            ("pjm", "da_energy_hourly_hub"),
            ("nyiso", "da_energy_hourly"),
        )
    }
    assert set(sound.after) == expected
    assert sound.status["refused"] == sound.status["unpublished"] == []


def _shown_after(step: Step, start: str) -> str:
    """Lines of standard error from the finding that starts so, up to the next one."""
    at = next((n for n, line in enumerate(step.ran.says) if line.startswith(start)), None)
    assert at is not None, step.ran.stderr
    block = [step.ran.says[at]]
    for line in step.ran.says[at + 1 :]:
        if line.startswith(("failed", "warning", "rejected", "refused", "not published")):
            break
        block.append(line)
    return "\n".join(block)


def test_an_insane_price_is_named_by_its_line_and_stops_its_year_alone(audited: Step) -> None:
    """It never reaches the audit, which would not say where it stands."""
    assert audited.ran.exit_code == 1
    file = _pjm(INSANE_DAY)
    (line,) = [
        line for line in audited.ran.says if line.startswith(f"not published {NODAL} 2023: ")
    ]
    assert re.search(
        rf"{re.escape(file)} line \d+: total_lmp_da 60000.0 is no price within 50,000 \$/MWh"
        r" \(and 2 more\)",
        line,
    )
    assert "Prices are not finite" not in audited.ran.stderr


def test_each_insane_price_is_kept_with_its_line(audited: Step) -> None:
    with work_database(audited.out) as connection:
        rows = connection.execute(
            "select line, message from inventory.rejected_rows"
            " where model = $1 and data_source = $2 order by line",
            [NODAL, _pjm(INSANE_DAY)],
        ).fetchall()
    assert rows == [
        (line, f"total_lmp_da {price} is no price within 50,000 $/MWh")
        for line, price in zip(audited.insane_lines, ("60000.0", "inf", "nan"), strict=True)
    ]


def test_components_that_do_not_add_up_are_named_and_not_published(audited: Step) -> None:
    shown = _shown_after(audited, f"failed {NODAL}: Energy, congestion and loss do not add up")
    assert "EASTERN HUB" in shown
    assert "2024-03-09 12:00:00" in shown


def test_energy_that_is_not_uniform_is_named_and_not_published(audited: Step) -> None:
    shown = _shown_after(audited, f"failed {NYISO}: Energy, one number for all locations")
    assert "2024-03-09 10:00:00" in shown
    assert "WEST" in shown


def test_a_failed_audit_leaves_what_was_published(audited: Step) -> None:
    """Of the two years of NYISO's new days one is sound: it is published, the other is not."""
    sound = _year_file("nyiso", "da_energy_hourly", 2023)
    assert {path for path in audited.after if audited.after[path] != audited.before[path]} == {
        sound
    }
    assert audited.after.keys() == audited.before.keys() != set()
    assert all(entry["state"] == "published" for entry in audited.status["datasets"])


def test_bad_files_and_lines_are_a_failure(faulty: Step) -> None:
    assert faulty.ran.exit_code == 1


@pytest.mark.parametrize("file", REFUSED)
def test_a_file_that_is_no_report_is_refused_by_name(faulty: Step, file: str) -> None:
    lines = [line for line in faulty.ran.says if line.startswith(f"refused {file}: ")]
    assert len(lines) == 1, faulty.ran.stderr
    assert REFUSED[file] in lines[0]
    reasons = [entry["reason"] for entry in faulty.status["refused"] if entry["file"] == file]
    assert len(reasons) == 1
    assert REFUSED[file] in reasons[0]


def test_nothing_else_is_refused(faulty: Step) -> None:
    assert {entry["file"] for entry in faulty.status["refused"]} == set(REFUSED)


def test_no_member_leaves_the_cache(faulty: Step) -> None:
    assert not list(faulty.out.parent.rglob("outside.csv"))


@pytest.mark.parametrize("fault", MALFORMED)
def test_a_malformed_line_stops_its_year_and_is_named(faulty: Step, fault: str) -> None:
    model, year, file = MALFORMED[fault]
    reasons = [
        entry["reason"]
        for entry in faulty.status["unpublished"]
        if (entry["model"], entry["year"]) == (model, year)
    ]
    assert reasons, f"{year} was published"
    assert any(reason.startswith(file) for reason in reasons)
    assert any(line.startswith(f"not published {model} {year}: {file}") for line in faulty.ran.says)
    if fault != "no line usable":
        assert any(f"{file} line {_line_of_fault(faulty, fault)}: " in line for line in reasons)


def test_a_text_for_a_number_is_named_with_its_column(faulty: Step) -> None:
    _, year, file = MALFORMED["text for a number"]
    (reason,) = [
        entry["reason"]
        for entry in faulty.status["unpublished"]
        if entry["year"] == year and entry["model"] == NODAL
    ]
    assert f"{file} line {TEXT_LINE}: column total_lmp_da: " in reason
    assert "n/a" in reason


def test_only_the_years_of_the_bad_lines_stay_behind(faulty: Step) -> None:
    stopped = {(entry["model"], entry["year"]) for entry in faulty.status["unpublished"]}
    assert stopped == {(model, year) for model, year, _ in MALFORMED.values()}
    new = set(faulty.after) - set(faulty.before)
    assert _year_file("pjm", "da_energy_hourly_nodal", 2020) in new
    assert _year_file("pjm", "da_energy_hourly_nodal", 2019) in new
    assert _year_file("pjm", "da_energy_hourly_hub", 2020) in new
    assert _year_file("nyiso", "da_energy_hourly", 2020) in new
    assert not [path for path in new if path.endswith(("2021.parquet", "2022.parquet"))]


def test_what_was_published_is_untouched_by_bad_files(faulty: Step) -> None:
    assert {path: faulty.after.get(path) for path in faulty.before} == faulty.before


def test_allowed_rejects_are_listed_and_the_rest_is_published(allowed: Step) -> None:
    assert allowed.ran.exit_code == 3, allowed.ran.stderr
    assert allowed.status["unpublished"] == []
    for path in (
        _year_file("pjm", "da_energy_hourly_nodal", 2021),
        _year_file("pjm", "da_energy_hourly_nodal", 2022),
        _year_file("nyiso", "da_energy_hourly", 2021),
        _year_file("nyiso", "da_energy_hourly", 2022),
    ):
        assert path in allowed.after


@pytest.mark.parametrize("fault", MALFORMED)
def test_an_allowed_reject_is_named_on_standard_error(allowed: Step, fault: str) -> None:
    """However many rows are rejected, each file with one is named."""
    start = f"rejected {MALFORMED[fault][2]}"
    listed = [line for line in allowed.ran.says if line.startswith("rejected")]
    assert any(line.startswith(start) for line in listed), listed


@pytest.mark.parametrize("fault", [fault for fault in MALFORMED if fault != "no line usable"])
def test_an_allowed_reject_is_kept_with_its_line(allowed: Step, fault: str) -> None:
    model, _, file = MALFORMED[fault]
    with work_database(allowed.out) as connection:
        rows = connection.execute(
            "select distinct line from inventory.rejected_rows"
            " where model = $1 and data_source = $2",
            [model, file],
        ).fetchall()
    assert rows == [(_line_of_fault(allowed, fault),)]


def test_no_price_without_its_parts_is_published(allowed: Step) -> None:
    """A line cut before its last field still has a price: its parts must not become nulls."""
    files = [str(allowed.out / path) for path in allowed.after]
    assert (
        query(
            """
            select data_source, datetime_utc, settlement_location
            from read_parquet($1)
            where lmp_energy is null or lmp_congestion is null or lmp_loss is null
            """,
            files,
        )
        == []
    )


def test_only_the_rejected_rows_are_missing(allowed: Step) -> None:
    zone = read_rows(allowed.raw / MALFORMED["missing hour"][2])
    year_file = allowed.out / _year_file("nyiso", "da_energy_hourly", 2024)
    assert query(
        "select count(*) from read_parquet($1) where data_source = $2",
        str(year_file),
        MALFORMED["missing hour"][2],
    ) == [(len(zone) - 1,)]
    gen = f"nyiso/damlbmp_gen/{SPRING_DAY:%Y%m%d}damlbmp_gen.csv"
    assert query(
        "select count(*) > 0 from read_parquet($1) where data_source = $2", str(year_file), gen
    ) == [(True,)]


def test_a_year_that_stays_behind_hides_no_warning_about_the_others(faulty: Step) -> None:
    assert f"not published {NODAL} 2018: " in faulty.ran.stderr
    day_between = str(GAP[0] + timedelta(1))
    assert day_between in _shown_after(faulty, f"warning {NODAL}: Locations lack intervals")
    assert not [line for line in faulty.ran.says if line.startswith("failed ")]


def test_an_output_folder_that_cannot_be_made_stops_with_a_clear_message(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    raw = tmp_path / "raw"
    raw.mkdir()
    ran = CliRunner().invoke(
        app, ["build", "--raw", str(raw), "--out", str(tmp_path / "file" / "out")]
    )
    assert ran.exit_code == 1
    assert "can't be written" in ran.output
    assert str(tmp_path / "file" / "out") in ran.output.replace("\n", "")
    assert "Traceback" not in ran.output


def test_a_raw_folder_that_is_not_there_stops_with_a_clear_message(tmp_path: Path) -> None:
    ran = CliRunner().invoke(
        app, ["build", "--raw", str(tmp_path / "nowhere"), "--out", str(tmp_path / "out")]
    )
    assert ran.exit_code == 1
    assert "does not exist" in ran.output
    assert str(tmp_path / "nowhere") in ran.output.replace("\n", "")
    assert not (tmp_path / "out").exists()
