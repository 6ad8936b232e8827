"""Rows that can't be right are rejected by line, in a build of the operators' own reports."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest

from building import Ran, Row, build, edit_rows, query, read_rows, sample_day, work_database
from unified_iso.sample import SampleOptions, write_sample

pytestmark = pytest.mark.builds

BAD_DAY, ZERO_DAY = date(2023, 6, 1), date(2024, 6, 1)
ISOS = ("pjm", "nyiso", "caiso", "miso")
LBMP = "LBMP ($/MWHr)"
NO_TIME = "is before the first day of this market or more than 60 days ahead"
NOT_A_TIME = "is no time: write it as 2024-12-31 13:00:00 or 12/31/2024 13:00"
NO_PRICE = "is no price within 50,000 $/MWh"

# Operator: index of the row, column, what is written there, and what is told of its line.
FAULTS: dict[str, list[tuple[int, str, str, str]]] = {
    "pjm": [
        (
            3,
            "datetime_beginning_utc",
            "6/11/2023 4:00:00 AM",
            "datetime_beginning_ept 2023-06-01 00:00:00 is not the local time of"
            " datetime_beginning_utc 2023-06-11 04:00:00",
        ),
        (
            5,
            "datetime_beginning_utc",
            "6/1/2023 4:30:00 AM",
            "datetime_beginning_utc 2023-06-01 04:30:00 is not the start of 60 minutes",
        ),
        (6, "datetime_beginning_utc", "epoch", f'datetime_beginning_utc "epoch" {NOT_A_TIME}'),
        (
            7,
            "datetime_beginning_utc",
            "infinity",
            f'datetime_beginning_utc "infinity" {NOT_A_TIME}',
        ),
        (
            8,
            "datetime_beginning_utc",
            "6/1/223 4:00",
            f'datetime_beginning_utc "6/1/223 4:00" {NOT_A_TIME}',
        ),
        (9, "total_lmp_da", "1e309", f"total_lmp_da inf {NO_PRICE}"),
        (10, "pnode_name", "\u00a0", "no pnode_name"),
    ],
    "nyiso": [
        (4, "Time Stamp", "06/01/223 00:00", f'Time Stamp "06/01/223 00:00" {NOT_A_TIME}'),
        (5, "Time Stamp", "06/01/9999 00:00", f"Time Stamp 9999-06-01 00:00:00 {NO_TIME}"),
        (6, "Time Stamp", "epoch", f'Time Stamp "epoch" {NOT_A_TIME}'),
        (7, LBMP, "nan", f"LBMP nan {NO_PRICE}"),
        (8, LBMP, "19,25", "column LBMP ($/MWHr): "),
    ],
    "caiso": [
        (
            3,
            "INTERVALENDTIME_GMT",
            "2023-06-11T08:00:00-00:00",
            "INTERVALENDTIME_GMT 2023-06-11 08:00:00 is not an hour after INTERVALSTARTTIME_GMT",
        ),
        (5, "OPR_HR", "77", "OPR_DT 2023-06-01 and OPR_HR 77 are not the local time of"),
        (7, "MW", "nan", f"MW nan {NO_PRICE}"),
        (
            9,
            "INTERVALSTARTTIME_GMT",
            "epoch",
            f'INTERVALSTARTTIME_GMT "epoch" {NOT_A_TIME}',
        ),
    ],
}
MISO_LINE, MISO_CELL = 9, "nan"


@dataclass(frozen=True)
class Published:
    """A raw folder, the folder it was published in, and what the build said."""

    raw: Path
    out: Path
    ran: Ran

    def file(self, iso: str) -> str:
        return _file(self.raw, iso, BAD_DAY).relative_to(self.raw).as_posix()

    def rejected(self, iso: str) -> list[tuple[int, str]]:
        with work_database(self.out) as connection:
            return connection.execute(
                "select line, message from inventory.rejected_rows"
                " where data_source = $1 order by line",
                [self.file(iso)],
            ).fetchall()


def _file(raw: Path, iso: str, day: date) -> Path:
    pattern = {
        "pjm": f"pjm/da_hrl_lmps/*{day:%Y%m%d}*",
        "nyiso": f"nyiso/damlbmp_zone/{day:%Y%m%d}*",
        "caiso": f"caiso/prc_lmp/{day:%Y%m%d}*",
        "miso": f"miso/da_expost_lmp/{day:%Y%m%d}*",
    }[iso]
    (path,) = raw.glob(pattern)
    return path


def _spoil(raw: Path) -> None:
    for iso, faults in FAULTS.items():

        def write(rows: list[Row], faults: list[tuple[int, str, str, str]] = faults) -> None:
            for index, column, text, _ in faults:
                rows[index][column] = text

        edit_rows(_file(raw, iso, BAD_DAY), write)
    path = _file(raw, "miso", BAD_DAY)
    lines = path.read_text().splitlines()
    # The MLC line of the node whose LMP line stands at MISO_LINE: a cell of it.
    node = lines[MISO_LINE - 1].split(",")[0]
    number = next(
        n for n, line in enumerate(lines) if line.startswith(f"{node},") and ",MLC," in line
    )
    cells = lines[number].split(",")
    cells[5] = MISO_CELL
    lines[number] = ",".join(cells)
    path.write_text("\n".join(lines) + "\n")


def _zero(raw: Path) -> None:
    """An hour of each of two reports whose prices are all printed as negative zeros."""

    def pjm(rows: list[Row]) -> None:
        for row in rows:
            if row["datetime_beginning_utc"] == rows[0]["datetime_beginning_utc"]:
                row |= {
                    column: "-0.000000" for column in row if "price" in column or "lmp" in column
                }

    def nyiso(rows: list[Row]) -> None:
        for row in rows:
            if row["Time Stamp"] == rows[0]["Time Stamp"]:
                row |= {column: "-0.00" for column in row if "$" in column}

    edit_rows(_file(raw, "pjm", ZERO_DAY), pjm)
    for report in ("damlbmp_zone", "damlbmp_gen"):
        (path,) = raw.glob(f"nyiso/{report}/{ZERO_DAY:%Y%m%d}*")
        edit_rows(path, nyiso)


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Published:
    folder = tmp_path_factory.mktemp("rejected")
    raw, out = folder / "raw", folder / "out"
    for day in (BAD_DAY, ZERO_DAY):
        sample_day(raw, day)
    write_sample(
        raw,
        isos=["caiso", "miso"],
        start=BAD_DAY,
        days=1,
        nodes=2,
        options=SampleOptions(truth=False),
    )
    _spoil(raw)
    _zero(raw)
    return Published(raw, out, build(raw, out, *ISOS, check=1))


@pytest.mark.parametrize("iso", FAULTS)
def test_each_row_is_rejected_by_its_line(published: Published, iso: str) -> None:
    # At CAISO the other components of an hour are told after its LMP line, at their own lines.
    rejected = [row for row in published.rejected(iso) if row[1] != "no line with the LMP"]
    assert [line for line, _ in rejected] == [index + 2 for index, *_ in FAULTS[iso]]
    for (_, message), (*_, expected) in zip(rejected, FAULTS[iso], strict=True):
        assert message.startswith(expected)


def test_an_hour_of_a_miso_line_is_rejected_by_the_line_of_its_cell(published: Published) -> None:
    lines = (published.raw / published.file("miso")).read_text().splitlines()
    line = next(n for n, text in enumerate(lines, 1) if f",{MISO_CELL}," in text)
    assert line > MISO_LINE
    assert published.rejected("miso") == [(line, f"MLC nan {NO_PRICE}")]


@pytest.mark.parametrize("iso", ISOS)
def test_the_first_rejected_line_stops_the_year(published: Published, iso: str) -> None:
    (first, *_) = published.rejected(iso)
    start = f"{published.file(iso)} line {first[0]}: {first[1]}"
    stopped = [line for line in published.ran.says if line.startswith("not published ")]
    assert [line for line in stopped if f" 2023: {start}" in line]
    assert [line for line in published.ran.says if line.startswith(f"rejected {start}")]


def test_no_other_year_is_stopped_or_made(published: Published) -> None:
    years = {path.stem[-5:] for path in (published.out / "parquet").rglob("*.parquet")}
    assert years == {f"_{ZERO_DAY.year}"}
    assert not [line for line in published.ran.says if line.startswith("failed ")]


def test_no_negative_zero_is_published(published: Published) -> None:
    rows = read_rows(_file(published.raw, "pjm", ZERO_DAY))
    assert rows[0]["total_lmp_da"] == "-0.000000"
    columns = ("lmp_total", "lmp_energy", "lmp_congestion", "lmp_loss", "system_lambda")
    for files in (published.out / "parquet").glob("*/*"):
        assert query(
            f"""
            select count(*) > 0, {", ".join(f"count(*) filter (signbit({c}))" for c in columns)}
            from read_parquet($1, hive_partitioning = false)
            where lmp_total = 0
            """,
            f"{files}/*.parquet",
        ) == [(True, 0, 0, 0, 0, 0)]
