"""One bad file stops only itself: what csv readers stumble over, beside sound files."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from building import Ran, build, query, status, work_database
from unified_iso.build import start
from unified_iso.inventory import update_inventory
from unified_iso.sample import SampleOptions, write_sample

pytestmark = pytest.mark.builds

PJM, ZONE = "pjm/da_hrl_lmps", "nyiso/damlbmp_zone"
FIRST = date(2024, 3, 4)
SOUND, NO_ROWS = FIRST.replace(year=2021), FIRST.replace(year=2022)
DAYS = 6
PLAIN = SampleOptions(truth=False, overlap=False, revisions=False)


@dataclass(frozen=True)
class Step:
    """A build on raw files of six days, some of them spoiled, and what it published."""

    raw: Path
    out: Path
    ran: Ran

    def days(self, iso: str = "pjm", dataset: str = "da_energy_hourly_nodal") -> set[date]:
        """Delivery days that are published."""
        rows = query(
            "select distinct delivery_date from read_parquet($1, hive_partitioning = false)",
            f"{self.out}/parquet/{iso}/{dataset}/*.parquet",
        )
        return {day for (day,) in rows}

    def refusal(self, name: str) -> str:
        """Why a file of this name was refused."""
        refused = status(self.out)["refused"]
        reason: str = next(e["reason"] for e in refused if e["file"].endswith(name))
        return reason


def _day(number: int) -> date:
    return FIRST + timedelta(days=number)


def _file(raw: Path, number: int) -> Path:
    return raw / PJM / f"da_hrl_lmps_{_day(number):%Y%m%d}.csv"


def _edit(path: Path, line: int, old: str, new: str) -> None:
    lines = path.read_bytes().split(b"\n")
    assert old.encode() in lines[line - 1]
    lines[line - 1] = lines[line - 1].replace(old.encode(), new.encode(), 1)
    path.write_bytes(b"\n".join(lines))


def _spoil(raw: Path) -> None:
    # A quote that opens and is never closed swallows the lines behind it.
    _edit(_file(raw, 1), 9, ",AEP GEN HUB", ',"AEP GEN HUB')
    # A line break inside quotes is a legal one.
    _edit(_file(raw, 2), 5, ",,,HUB,", ',,"a\nb",HUB,')
    # The last line ends inside quotes.
    path = _file(raw, 3)
    path.write_bytes(path.read_bytes().rstrip(b"\r\n") + b',"\n')


@pytest.fixture(scope="module")
def spoiled(tmp_path_factory: pytest.TempPathFactory) -> Step:
    """Two files with quotes that are not closed, and one with a legal line break."""
    folder = tmp_path_factory.mktemp("one_bad_file")
    raw, out = folder / "raw", folder / "out"
    write_sample(raw, isos=["pjm", "nyiso"], start=FIRST, days=DAYS, nodes=2, options=PLAIN)
    _spoil(raw)
    return Step(raw, out, build(raw, out, "pjm", "nyiso", check=None))


@pytest.fixture(scope="module")
def pruned(spoiled: Step) -> Step:
    """A published file that can't be used any more, and another one that is gone."""
    _edit(_file(spoiled.raw, 0), 9, ",AEP GEN HUB", ',"AEP GEN HUB')
    _file(spoiled.raw, 5).unlink()
    ran = build(spoiled.raw, spoiled.out, "pjm", "--prune", check=None)
    return Step(spoiled.raw, spoiled.out, ran)


def test_the_files_beside_a_bad_one_are_published(spoiled: Step) -> None:
    assert spoiled.ran.exit_code == 3, spoiled.ran.output
    assert spoiled.days() == {_day(0), _day(2), _day(4), _day(5)}
    assert spoiled.days("nyiso", "da_energy_hourly") == {_day(n) for n in range(DAYS)}


def test_a_file_whose_lines_are_lost_in_a_quote_is_refused_with_its_line(spoiled: Step) -> None:
    assert "line 9 has a quote" in spoiled.refusal(_file(spoiled.raw, 1).name)
    last = len(_file(spoiled.raw, 3).read_bytes().splitlines())
    assert f"line {last} has a quote" in spoiled.refusal(_file(spoiled.raw, 3).name)


def test_a_legal_line_break_loses_no_row(spoiled: Step) -> None:
    rows = query(
        "select count(*) from read_parquet($1, hive_partitioning = false)"
        " group by delivery_date order by delivery_date",
        f"{spoiled.out}/parquet/pjm/da_energy_hourly_nodal/*.parquet",
    )
    assert len({count for (count,) in rows}) == 1


def test_pruning_keeps_the_rows_of_a_file_that_is_only_unusable(pruned: Step) -> None:
    assert pruned.days() == {_day(0), _day(2), _day(4), _day(5)}
    assert pruned.ran.exit_code == 3, pruned.ran.output
    assert "line 9 has a quote" in pruned.refusal(_file(pruned.raw, 0).name)


def test_pruning_lets_the_rows_go_once_the_file_is_gone(pruned: Step) -> None:
    _file(pruned.raw, 0).unlink()
    build(pruned.raw, pruned.out, "pjm", "--prune", check=3)
    assert pruned.days() == {_day(2), _day(4)}


def test_a_file_that_the_reader_gives_up_on_is_refused_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw, out = tmp_path / "raw", tmp_path / "out"
    write_sample(raw, isos=["pjm"], start=FIRST, days=3, nodes=2, options=PLAIN)

    def look_and_lose(*arguments: Any, **options: Any) -> Any:
        """Lose a file after it was inspected, so that the reader is the first to find out."""
        found = update_inventory(*arguments, **options)
        _file(raw, 1).unlink(missing_ok=True)
        return found

    monkeypatch.setattr(start, "update_inventory", look_and_lose)
    step = Step(raw, out, build(raw, out, "pjm", check=3))
    assert step.days() == {_day(0), _day(2)}
    assert "can't be read as csv" in step.refusal(_file(raw, 1).name)


@pytest.fixture(scope="module")
def rejected(tmp_path_factory: pytest.TempPathFactory) -> Step:
    """A year with a wrong time, one with lines that are no rows, and a sound one."""
    folder = tmp_path_factory.mktemp("rejected")
    raw, out = folder / "raw", folder / "out"
    for day in (FIRST, NO_ROWS, SOUND):
        write_sample(raw, isos=["pjm"], start=day, days=1, nodes=2, options=PLAIN)
    _edit(_file(raw, 0), 9, "3/4/2024 5:00:00 AM", "3/4/2021 5:00:00 AM")
    path = raw / PJM / f"da_hrl_lmps_{NO_ROWS:%Y%m%d}.csv"
    lines = path.read_bytes().split(b"\r\n")
    lines[3] = b"no line at all"
    cells = lines[9].split(b",")
    cells[9] = b""
    lines[9] = b",".join(cells)
    lines.insert(6, b"")
    path.write_bytes(b"\r\n".join(lines))
    return Step(raw, out, build(raw, out, "pjm", check=1))


def test_lines_behind_those_that_are_no_rows_are_told_right(rejected: Step) -> None:
    with work_database(rejected.out) as database:
        told = database.execute(
            "select distinct line from inventory.rejected_rows"
            " where model = $1 and data_source like $2 order by all",
            ["pjm_da_energy_hourly_nodal", f"%{NO_ROWS:%Y%m%d}%"],
        ).fetchall()
    assert told == [(4,), (11,)]


def test_a_wrong_time_holds_no_other_year_back(rejected: Step) -> None:
    assert rejected.days() == {SOUND}
    said = "datetime_beginning_ept 2024-03-04 00:00:00 is not the local time"
    assert said in rejected.ran.stderr
