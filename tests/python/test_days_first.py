"""Dates with the day first: up to the twelfth only the name of a file can tell them."""

from __future__ import annotations

from pathlib import Path

import pytest

from unified_iso.raw_files.inspection import inspect
from unified_iso.raw_files.records import Column, Inspected, Listed, Report

NYISO = Report(
    "nyiso",
    "damlbmp_zone",
    (
        Column("Time Stamp", "timestamp"),
        Column("PTID", "varchar"),
        Column("LBMP ($/MWHr)", "double"),
    ),
)
CAISO = Report("caiso", "prc_lmp", (Column("OPR_DT", "date"), Column("MW", "double")))


def _inspected(folder: Path, name: str, stamps: list[str], report: Report = NYISO) -> Inspected:
    path = folder / "raw" / report.folder / name
    path.parent.mkdir(parents=True)
    lines = [",".join(column.name for column in report.columns)]
    lines += [",".join([stamp, *["61752"] * (len(report.columns) - 1)]) for stamp in stamps]
    path.write_text("\n".join(lines) + "\n")
    listed = Listed(report.iso, report.name, f"{report.folder}/{name}", path.stat().st_size, 0)
    (result,) = inspect(folder / "raw", folder / "cache", listed, report, [])
    return result


@pytest.mark.parametrize(
    ("name", "stamps"),
    [
        ("20240605damlbmp_zone.csv", ["05/06/2024 00:00", "05/06/2024 01:00"]),
        ("20240605damlbmp_zone.csv", ["5.6.24 0:00"]),
        ("WW_2024-06-05.csv", ["5/6/2024 12:00:00 AM"]),
        # The day before the delivery day is that of the posting.
        ("cdr.00012331.0000000000000000.20240604.123241.csv", ["05/06/2024 00:00"]),
        ("20240601_20240607.csv", ["01/06/2024 00:00", "02/06/2024 00:00"]),
        # pandas with dayfirst=True has taken 06/05/2024 for the sixth of May.
        ("20240605damlbmp_zone.csv", ["2024-05-06 00:00:00", "2024-05-06 01:00:00"]),
        ("20240605damlbmp_zone.csv", ["2024-05-06T00:00:00"]),
    ],
)
def test_a_file_whose_name_tells_that_the_day_comes_first_is_refused(
    tmp_path: Path, name: str, stamps: list[str]
) -> None:
    refusal = _inspected(tmp_path, name, stamps).refusal
    assert refusal is not None
    assert refusal.startswith(f"has dates with the day first ('{stamps[0]}')")
    assert "2024-06-0" in refusal


@pytest.mark.parametrize(
    ("name", "stamps"),
    [
        ("20240605damlbmp_zone.csv", ["06/05/2024 00:00", "06/05/2024 01:00"]),
        ("20240606damlbmp_zone.csv", ["06/06/2024 00:00"]),
        ("20240605damlbmp_zone.csv", ["2024-06-05 00:00:00"]),
        ("20240601_20240607.csv", ["2024-06-06 00:00:00", "2024-06-07 00:00:00"]),
        ("saved_20241231.csv", ["2024-05-06 00:00:00"]),
        # The name of a month's file tells its first day, and that of a download another one.
        ("20240601damlbmp_zone.csv", ["06/01/2024 00:00", "06/02/2024 00:00"]),
        ("saved_20241231.csv", ["05/06/2024 00:00"]),
        ("saved.csv", ["05/06/2024 00:00"]),
    ],
)
def test_no_other_file_is_refused_for_its_name(
    tmp_path: Path, name: str, stamps: list[str]
) -> None:
    assert _inspected(tmp_path, name, stamps).refusal is None


def test_days_of_a_check_count_as_stamps_do(tmp_path: Path) -> None:
    result = _inspected(tmp_path, "20240605_20240606.csv", ["05/06/2024"], CAISO)
    assert result.refusal is not None
