"""When ERCOT posted a file, as its name tells it: with a dot before the time, or without."""

from __future__ import annotations

from pathlib import Path
from zipfile import ZipFile

import pytest
import yaml

from unified_iso.raw_files.inspection import inspect
from unified_iso.raw_files.listing import list_raw_files
from unified_iso.raw_files.records import Column, Report
from unified_iso.root import ROOT

SOURCES = yaml.safe_load((ROOT / "models/staging/ercot/_ercot__sources.yml").read_text())
STAMPS = {
    table["name"]: table.get("config", {}).get("meta", {}).get("raw", {}).get("publication_stamp")
    for source in SOURCES["sources"]
    for table in source["tables"]
}
POSTED = "0000000000000000.20160101"


@pytest.mark.parametrize(
    ("archive", "member", "stamp"),
    [
        ("DAMASMCPC_2015.zip", f"rpt.00013091.{POSTED}080005.DAMASMCPC_2015.csv", "20160101080005"),
        ("a.zip", f"rpt.00013091.{POSTED}.080005.DAMASMCPC_2015.csv", "20160101080005"),
        (f"rpt.00013091.{POSTED}080005123.DAMASMCPC_2015.zip", "2015.csv", "20160101080005"),
        (f"rpt.00013091.{POSTED}.080005123.DAMASMCPC_2015.zip", "2015.csv", "20160101080005"),
        # The zeros before it and a day alone are no stamps.
        ("a.zip", f"rpt.00013091.{POSTED}.DAMASMCPC_2015.csv", None),
    ],
)
def test_a_stamp_of_both_forms_is_one(
    tmp_path: Path, archive: str, member: str, stamp: str | None
) -> None:
    report = Report(
        iso="ercot",
        name="np4-181-er",
        columns=(Column("regdn", "double"),),
        publication_stamp=STAMPS["np4_181_er"],
    )
    folder = tmp_path / "raw/ercot/np4-181-er"
    folder.mkdir(parents=True)
    with ZipFile(folder / archive, "w") as file:
        file.writestr(member, "REGDN\n1\n2\n")

    (listed,) = list_raw_files(tmp_path / "raw", ["ercot"])
    (found,) = inspect(tmp_path / "raw", tmp_path / "cache", listed, report, [report])

    assert found.publication_stamp == stamp


def test_reports_that_are_posted_again_tell_when() -> None:
    """A form that one of them has, all of them read."""
    assert {name for name, pattern in STAMPS.items() if pattern != STAMPS["np4_181_er"]} == {
        "np4_160_sg"
    }
