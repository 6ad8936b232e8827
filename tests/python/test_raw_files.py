"""Raw files one by one: archives, headers, lines and hashes, and the inventory that keeps them."""

from __future__ import annotations

import gzip
import io
import os
import shutil
import struct
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from dbt_common.exceptions import DbtRuntimeError
from hypothesis import given
from hypothesis import strategies as st

from unified_iso import inventory
from unified_iso.inventory import SCHEMA, update_inventory
from unified_iso.limits import duckdb_memory_limit
from unified_iso.plugin import Plugin
from unified_iso.raw_files.archives import DEEPEST_NESTING, BadArchive, unpack
from unified_iso.raw_files.days import LONGEST_HINT_DAYS, hinted_days
from unified_iso.raw_files.inspection import inspect
from unified_iso.raw_files.layouts import AS_TEXT, find_layout
from unified_iso.raw_files.lines import BLOCK, count_records
from unified_iso.raw_files.listing import list_raw_files
from unified_iso.raw_files.records import Column, Inspected, Layout, Report
from unified_iso.raw_files.refusals import Refused

PJM = Report(
    iso="pjm",
    name="da_hrl_lmps",
    columns=(
        Column("datetime_beginning_utc", "timestamp"),
        Column("pnode_id", "ubigint"),
        Column("total_lmp_da", "double", aliases=("Total LMP (DA)",)),
        Column("row_is_current", "varchar", optional=True),
    ),
    timestamp_formats=("%-m/%-d/%Y %-I:%M:%S %p", "%Y-%m-%dT%H:%M:%S"),
)
NYISO = Report(
    iso="nyiso",
    name="damlbmp_zone",
    columns=(
        Column("Time Stamp", "timestamp"),
        Column("PTID", "varchar"),
        Column("LBMP ($/MWHr)", "double"),
    ),
    timestamp_formats=("%-m/%-d/%Y %-H:%M",),
)
REPORTS = (PJM, NYISO)
PJM_CSV = b"datetime_beginning_utc,pnode_id,total_lmp_da\n3/8/2024 5:00:00 AM,51217,25.14\n"


# --- Archives -------------------------------------------------------------------------------------


def _zip(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def _written(path: Path, content: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def _nested(depth: int) -> bytes:
    content = _zip({"day.csv": PJM_CSV})
    for level in range(depth - 1):
        content = _zip({f"level{level}.zip": content})
    return content


def test_a_zip_gives_its_csv_members_in_order(tmp_path: Path) -> None:
    archive = _written(
        tmp_path / "a.zip",
        _zip({"folder/": b"", "folder/b.csv": b"b", "a.CSV": b"a", "c.csv.gz": b"c", "x.pdf": b""}),
    )
    members = unpack(archive, tmp_path / "cache" / "a")
    assert [member.name for member in members] == ["folder/b.csv", "a.CSV", "c.csv.gz"]
    assert [member.cached.read_bytes() for member in members] == [b"b", b"a", b"c"]
    assert members[2].cached.name.endswith(".csv.gz")


def test_zips_in_a_zip_are_unpacked_and_named_by_their_way(tmp_path: Path) -> None:
    month = _zip({"1.zip": _zip({"day.csv": b"one"}), "2.ZIP": _zip({"day.csv": b"two"})})
    members = unpack(_written(tmp_path / "year.zip", month), tmp_path / "cache")
    assert [member.name for member in members] == ["1.zip!day.csv", "2.ZIP!day.csv"]
    assert [member.cached.read_bytes() for member in members] == [b"one", b"two"]
    assert sorted(path.name for path in (tmp_path / "cache").iterdir()) == sorted(
        member.cached.name for member in members
    )


def test_zips_nest_so_deep_and_no_deeper(tmp_path: Path) -> None:
    archive = _written(tmp_path / "deep.zip", _nested(DEEPEST_NESTING))
    assert len(unpack(archive, tmp_path / "cache")) == 1
    _written(archive, _nested(DEEPEST_NESTING + 1))
    with pytest.raises(BadArchive, match="deeper than"):
        unpack(archive, tmp_path / "deeper")


def _encrypted() -> bytes:
    """A zip whose member says it is encrypted: bit 0 of the flags, in both headers."""
    content = bytearray(_zip({"day.csv": PJM_CSV}))
    content[6] |= 1
    content[content.index(b"PK\x01\x02") + 8] |= 1
    return bytes(content)


def _damaged_member() -> bytes:
    content = bytearray(_zip({"day.csv": PJM_CSV}))
    content[content.index(b"51217")] ^= 1
    return bytes(content)


def _unknown_compression() -> bytes:
    content = bytearray(_zip({"day.csv": PJM_CSV}))
    content[8:10] = content[(at := content.index(b"PK\x01\x02") + 10) : at + 2] = struct.pack(
        "<H", 97
    )
    return bytes(content)


def _damaged_deflate() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("day.csv", PJM_CSV * 200)
    content = bytearray(buffer.getvalue())
    start = 30 + len("day.csv")
    content[start : start + 8] = b"\xff" * 8
    return bytes(content)


BAD_ARCHIVES = {
    "goes up": (_zip({"../day.csv": PJM_CSV}), "leaves the folder"),
    "goes up in the middle": (_zip({"a/../../day.csv": PJM_CSV}), "leaves the folder"),
    "goes up with backslashes": (_zip({"..\\day.csv": PJM_CSV}), "leaves the folder"),
    "absolute": (_zip({"/etc/day.csv": PJM_CSV}), "leaves the folder"),
    "drive letter": (_zip({"C:\\day.csv": PJM_CSV}), "leaves the folder"),
    "drive letter without slash": (_zip({"C:day.csv": PJM_CSV}), "leaves the folder"),
    "goes up in an inner zip": (_zip({"a.zip": _zip({"../x.csv": b"x"})}), "leaves the folder"),
    "encrypted": (_encrypted(), "can't be unpacked"),
    "unknown compression": (_unknown_compression(), "can't be unpacked"),
    "empty archive": (_zip({}), "holds no csv file .it is empty"),
    "no csv in it": (_zip({"readme.txt": b"hello"}), "holds no csv file .it holds readme.txt"),
    "empty file": (b"", "not a sound zip"),
    "truncated": (_zip({"day.csv": PJM_CSV})[:60], "not a sound zip"),
    "a web page": (
        b"<html>Service unavailable</html>",
        "not a sound zip file: it is a web page, not a report .'Service unavailable'",
    ),
    "damaged member": (_damaged_member(), "not a sound zip"),
    "damaged deflate stream": (_damaged_deflate(), "not a sound zip|can't be unpacked"),
}


@pytest.mark.parametrize("fault", BAD_ARCHIVES)
def test_a_bad_archive_is_refused_and_leaves_nothing(tmp_path: Path, fault: str) -> None:
    content, message = BAD_ARCHIVES[fault]
    archive = _written(tmp_path / "raw" / "bad.zip", content)
    with pytest.raises(BadArchive, match=message):
        unpack(archive, tmp_path / "cache" / "bad")
    assert not list((tmp_path / "cache").iterdir())
    assert not list(tmp_path.glob("*.csv"))


@pytest.mark.parametrize("fault", BAD_ARCHIVES)
def test_a_bad_archive_does_not_stop_the_inventory(tmp_path: Path, fault: str) -> None:
    """Whatever is wrong with one file, `inspect` says so and does not raise."""
    (result,) = _inspected(tmp_path, "pjm/da_hrl_lmps/bad.zip", BAD_ARCHIVES[fault][0])
    assert result.refusal


def test_a_partial_folder_of_a_killed_run_is_replaced(tmp_path: Path) -> None:
    _written(tmp_path / "cache.partial" / "00000.csv", b"left behind")
    members = unpack(_written(tmp_path / "a.zip", _zip({"a.csv": b"a"})), tmp_path / "cache")
    assert [member.cached.read_bytes() for member in members] == [b"a"]
    assert not (tmp_path / "cache.partial").exists()


# --- Headers --------------------------------------------------------------------------------------


def _layout(text: str | bytes, report: Report = PJM) -> Layout:
    return find_layout(text.encode() if isinstance(text, str) else text, report, REPORTS)


SOUND_HEADERS = {
    "as published": "datetime_beginning_utc,pnode_id,total_lmp_da",
    "in upper case": "DATETIME_BEGINNING_UTC,PNODE_ID,TOTAL_LMP_DA",
    "quoted": '"datetime_beginning_utc","pnode_id","total_lmp_da"',
    "blanks for underscores": "datetime beginning utc,pnode id,total lmp da",
    "blanks around": " datetime_beginning_utc , pnode_id , total_lmp_da ",
    "an alias": "datetime_beginning_utc,pnode_id,total lmp (DA)",
    "an alias that R has read": "datetime_beginning_utc,pnode_id,total.lmp..DA.",
}


@pytest.mark.parametrize("spelling", SOUND_HEADERS)
def test_a_header_is_known_however_it_is_spelled(spelling: str) -> None:
    layout = _layout(SOUND_HEADERS[spelling] + "\n3/8/2024 5:00:00 AM,1,2\n")
    assert layout.names == ("datetime_beginning_utc", "pnode_id", "total_lmp_da")
    assert layout.header_line == 0
    assert layout.timestamp_format == PJM.timestamp_formats[0]


@pytest.mark.parametrize(
    "line_end", ["\n", "\r\n", "\r\n\r\n"], ids=["lf", "crlf", "blank lines between"]
)
def test_line_ends_do_not_matter_to_a_header(line_end: str) -> None:
    layout = _layout(PJM_CSV.decode().replace("\n", line_end))
    assert layout.names == ("datetime_beginning_utc", "pnode_id", "total_lmp_da")


def test_a_byte_order_mark_does_not_matter() -> None:
    assert _layout(b"\xef\xbb\xbf" + PJM_CSV) == _layout(PJM_CSV)


def test_columns_may_stand_in_any_order() -> None:
    layout = _layout("total_lmp_da,datetime_beginning_utc,pnode_id\n")
    assert layout.names == ("total_lmp_da", "datetime_beginning_utc", "pnode_id")


def test_extra_columns_are_read_past_and_optional_ones_known() -> None:
    layout = _layout("datetime_beginning_utc,note,pnode_id,total_lmp_da,row_is_current,\n")
    assert layout.names == (
        "datetime_beginning_utc",
        "unknown_2",
        "pnode_id",
        "total_lmp_da",
        "row_is_current",
        "unknown_6",
    )


LIBRARY = tuple(
    Report(
        iso=iso,
        name="library",
        columns=(
            Column("Time", "varchar", any_of="start"),
            Column("Interval Start", "varchar", any_of="start"),
            Column("Market", "varchar"),
            Column(price, "double"),
        ),
    )
    for iso, price in (("ercot", "SPP"), ("nyiso", "LMP"), ("pjm", "LMP"))
)


def test_one_column_of_a_group_is_enough() -> None:
    nyiso = LIBRARY[1]
    for header in (
        b"Time,Market,LMP\n",
        b"interval_start,market,lmp\n",
        b"Time,Market,LMP,Time 2\n",
    ):
        assert find_layout(header, nyiso, LIBRARY).header_line == 0
    with pytest.raises(
        Refused, match=r"library lacks Time or Interval Start \(found Market, LMP\)"
    ):
        find_layout(b"Market,LMP\n", nyiso, LIBRARY)


LAYOUTS = Report(
    iso="nyiso",
    name="reserves",
    columns=(
        Column("Time", "varchar"),
        Column("Zone", "varchar", layouts=("by_zone",)),
        Column("Price", "double", layouts=("by_zone", "of_area")),
        *(
            Column(name, "double", layouts=("by_region",))
            for name in ("North", "East", "South", "West")
        ),
        Column("Regulation", "double", layouts=("of_area",)),
    ),
)


def test_the_columns_of_one_layout_are_enough() -> None:
    for header in (
        "Zone,Time,Price",
        "Time,North,East,South,West",
        "Time,Regulation,Price",
        "Time,Zone,Price,North,East,West",
    ):
        assert find_layout(f"{header}\n".encode(), LAYOUTS, ()).header_line == 0


@pytest.mark.parametrize(
    ("header", "lacking"),
    [
        ("Time,Price", "Zone"),
        ("Time,North,East,West", "South"),
        ("East,West", "Time, North, South"),
        ("East", "Time, North, South, West"),
        ("Time,Zone,East", "Price"),
    ],
)
def test_a_header_is_compared_with_the_layout_that_it_is_nearest_to(
    header: str, lacking: str
) -> None:
    with pytest.raises(Refused, match=rf"the header of reserves lacks {lacking} \(found"):
        find_layout(f"{header}\n".encode(), LAYOUTS, ())


def test_a_report_that_several_operators_have_tells_no_operator() -> None:
    with pytest.raises(Refused, match=r"^is another report \(it has SPP and no LMP in line 1\): "):
        find_layout(b"Time,Market,SPP\n", LIBRARY[1], LIBRARY)


def test_a_report_of_the_same_operator_is_the_likelier_one() -> None:
    with pytest.raises(Refused, match="line 1 is the header of nyiso/library"):
        find_layout(b"Time,Market,LMP\n", NYISO, (*reversed(LIBRARY), NYISO))


def test_lines_before_the_header_are_skipped() -> None:
    layout = _layout("Report of 3/8/2024\n\n" + PJM_CSV.decode())
    assert layout.header_line == 2
    assert layout.timestamp_format == PJM.timestamp_formats[0]


def test_the_stamp_format_is_the_one_that_fits() -> None:
    header = "datetime_beginning_utc,pnode_id,total_lmp_da\n"
    assert _layout(header + "2024-03-08T05:00:00,1,2\n").timestamp_format == "%Y-%m-%dT%H:%M:%S"
    assert _layout(header + "2024-03-08 05:00:00,1,2\n").timestamp_format == "%Y-%m-%d %H:%M:%S"
    assert _layout(header + "3/8/24 5:00,1,2\n").timestamp_format == AS_TEXT
    assert _layout(header + "yesterday,1,2\n").timestamp_format == AS_TEXT
    mixed = header + "2024-03-08T05:00:00,1,2\n3/8/2024 6:00,1,2\n"
    assert _layout(mixed).timestamp_format == AS_TEXT


def test_an_hour_is_not_told_by_a_date() -> None:
    header = "datetime_beginning_utc,pnode_id,total_lmp_da\n"
    assert _layout(header + "2024-03-08,1,2\n").timestamp_format == AS_TEXT


PRODUCTS = Report(
    "iso",
    "gridstatus_as",
    tuple(
        Column(name, kind, any_of=group)
        for name, kind, group in (
            ("Time", "varchar", None),
            ("Zone", "varchar", None),
            ("Regulation", "double", "price"),
            ("Spin", "double", "price"),
            ("Regulation Mileage Up", "double", "price"),
        )
    ),
)


@pytest.mark.parametrize(
    ("header", "told"),
    [
        ("Time,Zone,Regulation_x,Spin,Regulation_y", "Regulation_x, Regulation_y"),
        ("Time,Zone,Regulation_x,Spin_x,Regulation_y,Spin_y", "Regulation_x, Spin_x, Regulation_y"),
        ("Time,Zone,Regulation,Spin,Regulation_right", "Regulation, Regulation_right"),
        ("Time,Zone,Regulation_left,Spin,Regulation_right", "Regulation_left, Regulation_right"),
        ("Time,Zone,regulation_mileage_up_y,spin", "regulation_mileage_up_y"),
        ("Time,Zone,Regulation.Mileage.Up.x,Regulation.Mileage.Up.y", "Regulation.Mileage.Up.x"),
        ("Time,Zone,Spin,Regulation,Regulation.1", "Regulation, Regulation.1"),
    ],
)
def test_columns_that_a_join_has_renamed_are_refused(header: str, told: str) -> None:
    """Of two columns of one product nothing tells which is right, be one of them left or both."""
    with pytest.raises(Refused) as refused:
        _layout(f"{header}\n", PRODUCTS)
    said = str(refused.value)
    assert said.startswith(f"line 1 has {told}"), said
    assert said.endswith(
        "which a join of two tables makes of columns that both have, so that nothing tells which is"
        " right: keep one of each, by its published name"
    )


def test_columns_that_only_end_as_those_of_a_join_are_read_past() -> None:
    assert _layout("Time,Zone,Spin,Zone_x,note_y,Regulation MW_x\n", PRODUCTS)


@pytest.mark.parametrize(
    "header",
    [
        "datetime_beginning_utc,pnode_id,pnode_id,total_lmp_da",
        "datetime_beginning_utc,pnode_id,Pnode ID,total_lmp_da",
        "datetime_beginning_utc,pnode_id,total_lmp_da,Total LMP (DA)",
    ],
    ids=["equal", "spelled otherwise", "an alias"],
)
def test_a_column_that_comes_twice_is_refused(header: str) -> None:
    with pytest.raises(Refused, match=r"da_hrl_lmps has (pnode_id|total_lmp_da) more than once "):
        _layout(header + "\n3/8/2024 5:00:00 AM,1,2,3\n")


def test_a_missing_column_is_named_with_its_line() -> None:
    with pytest.raises(Refused, match=r"^line 2: the header of da_hrl_lmps lacks total_lmp_da "):
        _layout("exported today\ndatetime_beginning_utc,pnode_id,row_is_current\n1,2,3\n")


def test_the_header_of_another_report_tells_where_the_file_belongs() -> None:
    with pytest.raises(Refused, match=r"header of nyiso/damlbmp_zone: move it to that folder"):
        _layout("Time Stamp,Name,PTID,LBMP ($/MWHr)\n")


NO_REPORTS = {
    "html": (b"<html><body>Please retry</body></html>", "is a web page"),
    "html with doctype": (b'  <!DOCTYPE html>\n<html lang="en">', "is a web page"),
    "html after a mark": (b"\xef\xbb\xbf<html>", "is a web page"),
    "xml": (b'<?xml version="1.0"?>\n<m:OASISReport/>', "is an XML reply"),
    "bare xml error": (b"<m:ERR_CODE>1015</m:ERR_CODE>\n", "is an XML reply"),
    "latin-1": ("datetime_beginning_utc,Städte\n".encode("latin-1"), "is not UTF-8 text"),
    "utf-16 without its mark": (
        PJM_CSV.decode().encode("utf-16-le"),
        "is UTF-16 text without its mark: save it as UTF-8 csv",
    ),
    "utf-16 the other way round": (PJM_CSV.decode().encode("utf-16-be"), "is UTF-16 text without"),
    "lines in quotes": (
        b'"' + PJM_CSV.strip().replace(b"\n", b'"\n"') + b'"\n',
        "has each line in quotes, as one cell: save it with quotes around no more than a cell",
    ),
    "quoted lines in quotes": (
        b'"""datetime_beginning_utc"",""pnode_id"",""total_lmp_da"""\n',
        "has each line in quotes",
    ),
    "words": (b"no data found for your request\n", "line 1 is no header of da_hrl_lmps"),
    "header only of another kind": (b"a,b,c\n", "line 1 is no header of da_hrl_lmps"),
    "blank lines": (b"\n\n\n", "da_hrl_lmps"),
    "zero bytes": (b"\x00" * 64, "da_hrl_lmps"),
    "very long line": (b"x" * (1 << 18) + b"\n", "line 1 is no header of da_hrl_lmps"),
}


@pytest.mark.parametrize("kind", NO_REPORTS)
def test_what_is_no_report_is_refused_as_what_it_is(tmp_path: Path, kind: str) -> None:
    content, message = NO_REPORTS[kind]
    (result,) = _inspected(tmp_path, "pjm/da_hrl_lmps/x.csv", content)
    assert result.refusal is not None
    assert message in result.refusal
    assert len(result.refusal) < 600
    assert result.layout is None


# --- Files ----------------------------------------------------------------------------------------


def _inspected(
    tmp_path: Path, path: str, content: bytes | None, report: Report | None = None
) -> list[Inspected]:
    """Put a file in the raw folder, unless it is there, list it and open it as of this report."""
    raw = tmp_path / "raw"
    if content is not None:
        _written(raw / path, content)
    (listed,) = list_raw_files(raw, ["pjm", "nyiso"])
    assert listed.path == path
    known = next((r for r in REPORTS if (r.iso, r.name) == (listed.iso, listed.report)), None)
    return inspect(raw, tmp_path / "cache", listed, report or known, REPORTS)


def test_a_sound_file_is_read_where_it_lies(tmp_path: Path) -> None:
    (result,) = _inspected(tmp_path, "pjm/da_hrl_lmps/2024/da_20240308.csv", PJM_CSV)
    assert result.refusal is None
    assert result.data_source == "pjm/da_hrl_lmps/2024/da_20240308.csv"
    assert result.read_path == str(tmp_path / "raw" / result.data_source)
    assert result.lines == 1
    assert result.hinted == [date(2024, 3, 7), date(2024, 3, 8), date(2024, 3, 9)]


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_file_that_ends_within_a_line_is_read_with_a_warning(
    tmp_path: Path, line_end: str, encoding: str
) -> None:
    whole = PJM_CSV.decode().replace("\n", line_end)
    (result,) = _inspected(tmp_path, "pjm/da_hrl_lmps/x.csv", whole.encode(encoding))
    assert (result.refusal, result.warning) == (None, None)
    cut = whole.removesuffix(line_end)[:-1]
    (result,) = _inspected(tmp_path, "pjm/da_hrl_lmps/x.csv", cut.encode(encoding))
    assert result.refusal is None
    assert result.warning and result.warning.startswith("does not end its last line, so that ")


def test_each_member_of_a_zip_is_a_file_of_its_own(tmp_path: Path) -> None:
    content = _zip({"day.csv": PJM_CSV, "error.csv": b"<html>"})
    first, second = _inspected(tmp_path, "pjm/da_hrl_lmps/month.zip", content)
    assert first.data_source == "pjm/da_hrl_lmps/month.zip!day.csv"
    assert (first.refusal, first.lines) == (None, 1)
    assert second.data_source == "pjm/da_hrl_lmps/month.zip!error.csv"
    assert second.refusal is not None


def test_equal_zips_are_read_through_copies_of_their_own(tmp_path: Path) -> None:
    paths = set()
    for folder in ("first", "second"):
        name = f"pjm/da_hrl_lmps/{folder}/a.zip"
        (result,) = _inspected(tmp_path, name, _zip({"day.csv": PJM_CSV}))
        paths.add(result.read_path)
        (tmp_path / "raw" / name).unlink()
    assert len(paths) == 2
    assert all(path and Path(path).read_bytes() == PJM_CSV for path in paths)


@pytest.mark.parametrize(
    ("content", "lines"),
    [
        (PJM_CSV, 1),
        (PJM_CSV[:-1], 1),
        (PJM_CSV + b"a,b,c\n", 2),
        (PJM_CSV + b"a,b,c", 2),
        (PJM_CSV.replace(b"\n", b"\r\n"), 1),
    ],
    ids=["ended", "not ended", "two", "two, not ended", "crlf"],
)
@pytest.mark.parametrize("packed", [False, True], ids=["csv", "gz"])
def test_lines_are_counted_below_the_header(
    tmp_path: Path, content: bytes, lines: int, packed: bool
) -> None:
    name = "x.csv.gz" if packed else "x.csv"
    stored = gzip.compress(content) if packed else content
    (result,) = _inspected(tmp_path, f"pjm/da_hrl_lmps/{name}", stored)
    assert result.refusal is None
    assert result.lines == lines


@pytest.mark.parametrize("line_end", [b"", b"\n", b"\r\n"], ids=["none", "lf", "crlf"])
@pytest.mark.parametrize("packed", [False, True], ids=["csv", "gz"])
def test_a_header_without_rows_is_told(tmp_path: Path, line_end: bytes, packed: bool) -> None:
    content = PJM_CSV.split(b"\n")[0] + line_end
    name = "x.csv.gz" if packed else "x.csv"
    stored = gzip.compress(content) if packed else content
    (result,) = _inspected(tmp_path, f"pjm/da_hrl_lmps/{name}", stored)
    assert result.refusal is not None
    assert result.refusal.startswith("has a header and no rows: ")
    assert result.lines == 0


@pytest.mark.parametrize(
    "content",
    [
        PJM_CSV.replace(b"\n", b"\r\n") + b"a,b,c\n",
        PJM_CSV.replace(b"\n", b"\r\n", 1) + b"a,b,c",
        b"title\n" + PJM_CSV.replace(b"\n", b"\r\n"),
    ],
    ids=["last line", "header", "title"],
)
@pytest.mark.parametrize("packed", [False, True], ids=["csv", "gz"])
def test_a_file_whose_line_ends_differ_is_read_through_a_copy(
    tmp_path: Path, content: bytes, packed: bool
) -> None:
    stored = gzip.compress(content) if packed else content
    name = "x.csv.gz" if packed else "x.csv"
    (result,) = _inspected(tmp_path, f"pjm/da_hrl_lmps/{name}", stored)
    assert result.refusal is None
    assert result.read_path and result.read_path.endswith(".csv")
    assert Path(result.read_path).read_bytes() == content.replace(b"\r\n", b"\n")


def test_a_carriage_return_inside_a_line_is_refused(tmp_path: Path) -> None:
    content = PJM_CSV + b"a,b\rc,d\n"
    (result,) = _inspected(tmp_path, "pjm/da_hrl_lmps/x.csv", content)
    assert result.refusal and "has a carriage return inside line 3: " in result.refusal


ROW = b"3/8/2024 5:00:00 AM,51217,25.14"


@pytest.mark.parametrize("number", ["1_000", "19_25", "-1_0.5", "1_000_000"])
@pytest.mark.parametrize("end", ["\n", "\r\n", ""])
def test_digits_in_groups_are_no_number(tmp_path: Path, number: str, end: str) -> None:
    line = f"3/8/2024 6:00:00 AM,51217,{number}{end}"
    (result,) = _inspected(tmp_path, "pjm/da_hrl_lmps/x.csv", PJM_CSV + line.encode())
    assert result.refusal and f"line 3 has '{number}' for total_lmp_da: " in result.refusal


@pytest.mark.parametrize("before", range(8))
def test_digits_in_groups_are_seen_over_blocks(tmp_path: Path, before: int) -> None:
    """The first block ends after so many bytes of the cell and of the comma before it."""
    rows = PJM_CSV + (ROW + b"\n") * ((BLOCK - len(PJM_CSV)) // (len(ROW) + 1) - 2)
    grouped = ROW.replace(b"25.14", b"1_000")
    start_of_cell = grouped.index(b",1_000")
    padding = b"0" * (BLOCK - before - start_of_cell - len(rows) - len(ROW) - 1)
    content = rows + ROW.replace(b",51217", b"," + padding + b"51217") + b"\n" + grouped + b"\n"
    assert content[BLOCK - before :].startswith(b",1_000\n")
    (result,) = _inspected(tmp_path, "pjm/da_hrl_lmps/x.csv", content + (ROW + b"\n") * 3)
    assert result.refusal and "has '1_000' for total_lmp_da" in result.refusal


def test_digits_in_groups_may_be_a_name(tmp_path: Path) -> None:
    content = PJM_CSV.replace(b"\n", b",equipment\n", 1).replace(b"25.14\n", b"25.14,138_2\n")
    (result,) = _inspected(tmp_path, "pjm/da_hrl_lmps/x.csv", content)
    assert result.refusal is None


@pytest.mark.parametrize(
    "header",
    [
        b'"datetime_beginning_utc","pnode_id","total_lmp_da',
        b'datetime_beginning_utc,pnode_id,total_lmp_da"',
        b'"datetime_beginning_utc","pnode_id","total_lmp_da""',
    ],
    ids=["not closed", "not opened", "closed twice"],
)
@pytest.mark.parametrize("rows", [ROW, ROW.replace(b"51217", b'"51217"')], ids=["plain", "quoted"])
def test_a_quote_of_the_header_opens_no_line_below(
    tmp_path: Path, header: bytes, rows: bytes
) -> None:
    content = header + b"\n" + rows + b"\n" + rows + b"\n"
    (result,) = _inspected(tmp_path, "pjm/da_hrl_lmps/x.csv", content)
    assert (result.refusal, result.lines) == (None, 2)
    assert result.read_path is not None
    read = Path(result.read_path).read_bytes()
    assert read == content.replace(header, header.replace(b'"', b""))


@pytest.mark.parametrize("name", ["x.csv", "x.csv.gz"])
@pytest.mark.parametrize("end", [b"\n\x1a", b"\r\n\x1a", b"\x1a"])
def test_a_text_may_end_with_the_mark_of_windows(tmp_path: Path, end: bytes, name: str) -> None:
    content = PJM_CSV + ROW + b"\n" + ROW + end
    packed = gzip.compress(content) if name.endswith(".gz") else content
    (result,) = _inspected(tmp_path, f"pjm/da_hrl_lmps/{name}", packed)
    assert (result.refusal, result.lines) == (None, 3)
    assert result.read_path is not None
    assert Path(result.read_path).read_bytes().rstrip(b"\r\n") == content.rstrip(b"\r\n\x1a")


def test_the_mark_of_windows_may_stand_alone_in_its_block(tmp_path: Path) -> None:
    rows = PJM_CSV + (ROW + b"\n") * ((BLOCK - len(PJM_CSV)) // (len(ROW) + 1))
    content = rows + b"\n" * (BLOCK - len(rows))
    (result,) = _inspected(tmp_path, "pjm/da_hrl_lmps/x.csv", content + b"\x1a")
    assert result.refusal is None
    assert result.read_path is not None
    assert Path(result.read_path).read_bytes() == content


GROUPED = replace(PJM, grouped_numbers=True)


@pytest.mark.parametrize("name", ["x.csv", "x.csv.gz"])
def test_commas_in_thousands_are_taken_out_where_a_report_has_them(
    tmp_path: Path, name: str
) -> None:
    rows = (
        b'3/8/2024 6:00:00 AM,"51,217","1,025.14"\n'
        b'3/8/2024 7:00:00 AM,51217,"-12,345,678.5"\n'
        b'3/8/2024 8:00:00 AM,51217," 1,025.14 "\n'
        b'3/8/2024 9:00:00 AM,"A,123.4 B","1,025"\n'
    )
    content = PJM_CSV + rows
    packed = gzip.compress(content) if name.endswith(".gz") else content
    (result,) = _inspected(tmp_path, f"pjm/da_hrl_lmps/{name}", packed, GROUPED)
    assert (result.refusal, result.lines) == (None, 5)
    assert result.read_path is not None
    assert Path(result.read_path).read_bytes() == PJM_CSV + (
        b'3/8/2024 6:00:00 AM,"51,217",1025.14\n'
        b"3/8/2024 7:00:00 AM,51217,-12345678.5\n"
        b"3/8/2024 8:00:00 AM,51217,1025.14\n"
        b'3/8/2024 9:00:00 AM,"A,123.4 B","1,025"\n'
    )


def test_a_file_without_commas_in_thousands_is_read_where_it_lies(tmp_path: Path) -> None:
    content = PJM_CSV.replace(b"51217", b'"51217"')
    (result,) = _inspected(tmp_path, "pjm/da_hrl_lmps/x.csv", content, GROUPED)
    assert result.read_path == str(tmp_path / "raw/pjm/da_hrl_lmps/x.csv")


def test_commas_in_thousands_stay_where_a_report_has_none(tmp_path: Path) -> None:
    content = PJM_CSV.replace(b"25.14", b'"1,025.14"')
    (result,) = _inspected(tmp_path, "pjm/da_hrl_lmps/x.csv", content)
    assert result.read_path == str(tmp_path / "raw/pjm/da_hrl_lmps/x.csv")


@pytest.mark.parametrize("byte", [0, 7, 11, 26, 27, 31])
def test_a_byte_that_no_text_has_is_named_with_its_line(tmp_path: Path, byte: int) -> None:
    content = PJM_CSV + ROW.replace(b"51217", b"512" + bytes([byte]) + b"17") + b"\n"
    (result,) = _inspected(tmp_path, "pjm/da_hrl_lmps/x.csv", content)
    assert result.refusal and f"line 3 holds the byte {byte:#04x}" in result.refusal


@pytest.mark.parametrize("cell", [b'51217"', b'"51217', b'51"217'])
def test_a_quote_that_stands_alone_is_named_with_its_line(tmp_path: Path, cell: bytes) -> None:
    content = PJM_CSV + ROW.replace(b"51217", cell) + b"\n" + ROW + b"\n"
    (result,) = _inspected(tmp_path, "pjm/da_hrl_lmps/x.csv", content)
    assert result.refusal and "line 3 has a quote that is not closed" in result.refusal


def test_lines_that_begin_no_record_are_told(tmp_path: Path) -> None:
    content = b'a,b\n1,2\n\n3,"x\ny"\n  \n5,6\n'
    found = count_records(_written(tmp_path / "x.csv", content), after=1)
    assert (found.records, found.skipped_lines) == (3, (3, 5, 6))


def test_blank_lines_are_not_counted_when_counted_one_by_one(tmp_path: Path) -> None:
    content = b"title\n\nheader\n1\n\n2\r\n\r\n   \n3\n\n"
    assert count_records(_written(tmp_path / "x.csv", content), after=3).records == 3
    assert (
        count_records(_written(tmp_path / "x.csv.gz", gzip.compress(content)), after=3).records == 3
    )


@pytest.mark.parametrize("rows", [0, 1, 40_000])
def test_lines_are_counted_over_blocks(tmp_path: Path, rows: int) -> None:
    """Forty thousand lines are more than one block of reading."""
    header, line = PJM_CSV.splitlines(keepends=True)
    (result,) = _inspected(tmp_path, "pjm/da_hrl_lmps/x.csv", header + line * rows)
    assert result.lines == rows


def test_equal_bytes_have_equal_hashes_wherever_they_lie(tmp_path: Path) -> None:
    (first,) = _inspected(tmp_path / "a", "pjm/da_hrl_lmps/a.csv", PJM_CSV)
    (second,) = _inspected(tmp_path / "b", "pjm/da_hrl_lmps/deeper/b.csv", PJM_CSV)
    (third,) = _inspected(tmp_path / "c", "pjm/da_hrl_lmps/a.csv", PJM_CSV.replace(b"14", b"15"))
    assert first.content_hash == second.content_hash != third.content_hash


def test_a_gzip_of_several_members_is_one_text(tmp_path: Path) -> None:
    """Tools that append, and parallel ones, write such files; every reader takes them as one."""
    content = gzip.compress(PJM_CSV) + gzip.compress(b"1,2,3\n4,5,6") + gzip.compress(b"7\n8,9,0\n")
    (result,) = _inspected(tmp_path, "pjm/da_hrl_lmps/x.csv.gz", content)
    assert result.refusal is None
    assert result.lines == 4


GZIP = gzip.compress(PJM_CSV * 50)


@pytest.mark.parametrize(
    "content",
    [
        GZIP[: len(GZIP) // 2],
        GZIP[:-4],
        GZIP[:5],
        GZIP[:-8] + b"\x00" * 8,
        b"\x00" + GZIP,
        GZIP + b"and something else",
        b"",
        gzip.compress(b""),
    ],
    ids=["half", "no length", "head", "wrong sum", "not packed", "rubbish behind", "empty", "void"],
)
def test_a_damaged_gzip_is_refused(tmp_path: Path, content: bytes) -> None:
    (result,) = _inspected(tmp_path, "pjm/da_hrl_lmps/x.csv.gz", content)
    assert result.refusal


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    (result,) = _inspected(tmp_path, "pjm/da_hrl_lmps/x.csv", b"")
    assert result.refusal == "is empty: download it again"


def test_a_broken_link_is_refused_by_name(tmp_path: Path) -> None:
    folder = tmp_path / "raw" / "pjm" / "da_hrl_lmps"
    folder.mkdir(parents=True)
    (folder / "x.csv").symlink_to("nowhere.csv")
    (result,) = _inspected(tmp_path, "pjm/da_hrl_lmps/x.csv", None)
    assert result.refusal is not None
    assert "No such file" in result.refusal


def test_a_link_to_a_file_is_the_file(tmp_path: Path) -> None:
    _written(tmp_path / "elsewhere.csv", PJM_CSV)
    folder = tmp_path / "raw" / "pjm" / "da_hrl_lmps"
    folder.mkdir(parents=True)
    (folder / "x.csv").symlink_to(tmp_path / "elsewhere.csv")
    (result,) = _inspected(tmp_path, "pjm/da_hrl_lmps/x.csv", None)
    assert (result.refusal, result.lines) == (None, 1)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_read_rights_is_refused(tmp_path: Path) -> None:
    path = _written(tmp_path / "raw" / "pjm" / "da_hrl_lmps" / "x.csv", PJM_CSV)
    path.chmod(0)
    (result,) = _inspected(tmp_path, "pjm/da_hrl_lmps/x.csv", None)
    assert result.refusal is not None
    assert "rights" in result.refusal


def test_a_folder_named_like_a_file_is_a_folder(tmp_path: Path) -> None:
    (result,) = _inspected(tmp_path, "pjm/da_hrl_lmps/x.csv/day.csv", PJM_CSV)
    assert result.refusal is None


def test_a_link_that_leads_back_up_does_not_hang_the_listing(tmp_path: Path) -> None:
    folder = tmp_path / "raw" / "pjm" / "da_hrl_lmps"
    _written(folder / "x.csv", PJM_CSV)
    (folder / "loop").symlink_to(folder, target_is_directory=True)
    found = list_raw_files(tmp_path / "raw", ["pjm"])
    assert [file.path for file in found] == ["pjm/da_hrl_lmps/x.csv"]


@pytest.mark.skipif(sys.platform != "linux", reason="the file system refuses such names")
def test_a_name_that_is_not_utf8_is_refused_and_can_be_printed(tmp_path: Path) -> None:
    folder = tmp_path / "raw" / "pjm" / "da_hrl_lmps"
    folder.mkdir(parents=True)
    Path(os.fsdecode(os.fsencode(folder) + b"/d\xe9j\xe0.csv")).write_bytes(PJM_CSV)
    (listed,) = list_raw_files(tmp_path / "raw", ["pjm"])
    (result,) = inspect(tmp_path / "raw", tmp_path / "cache", listed, PJM, REPORTS)
    assert result.refusal == "its name is not valid UTF-8: rename it"
    with _database() as connection:
        _update(connection, tmp_path / "raw")
        ((name, refusal),) = connection.execute(
            "select data_source, refusal from inventory.raw_files"
        ).fetchall()
    assert name == r"pjm/da_hrl_lmps/d\udce9j\udce0.csv"
    assert refusal == result.refusal


@pytest.mark.parametrize(
    ("name", "match"),
    [
        ("a*b.csv", "axb.csv"),
        ("a?b.csv", "axb.csv"),
        ("a[1].csv", "a1.csv"),
        ("[ab].csv.gz", "a.csv.gz"),
        ("a{1}'b.csv", "a1b.csv"),
    ],
)
def test_a_name_that_looks_like_a_pattern_is_read_as_it_is(
    tmp_path: Path, name: str, match: str
) -> None:
    """What matches the name as a pattern lies beside it, and is another file."""
    pack = gzip.compress if name.endswith(".gz") else bytes
    (result,) = _inspected(tmp_path, f"pjm/da_hrl_lmps/{name}", pack(PJM_CSV))
    _written(tmp_path / "raw/pjm/da_hrl_lmps" / match, pack(PJM_CSV.replace(b"51217", b"1")))
    assert result.refusal is None
    assert result.read_path is not None
    assert duckdb.execute(
        "select count(*), any_value(pnode_id) from read_csv($1)", [result.read_path]
    ).fetchall() == [(1, 51217)]


def test_unknown_folders_tell_the_known_ones(tmp_path: Path) -> None:
    (result,) = _inspected(tmp_path, "pjm/da_lmps/x.csv", PJM_CSV)
    assert result.refusal == (
        "lies in pjm/da_lmps, which is no report folder: rename the folder to da_hrl_lmps if that "
        "is meant, or move it to one of da_hrl_lmps"
    )
    shutil.rmtree(tmp_path / "raw")
    (result,) = _inspected(tmp_path, "pjm/x.csv", PJM_CSV)
    assert result.refusal is not None
    assert result.refusal.startswith("lies in pjm, which is no report folder")


def test_prices_of_a_sibling_tell_another_report() -> None:
    """A feed with the prices of both markets has all columns that each of them needs."""
    columns = (*PJM.columns[:2], Column("total_lmp_rt", "double"))
    real_time = Report("pjm", "rt_hrl_lmps", columns)
    both = b"datetime_beginning_utc,pnode_id,total_lmp_rt,total_lmp_da\n"
    said = r"is another report \(it has total_lmp_rt, as pjm/rt_hrl_lmps has\): move it out"
    with pytest.raises(Refused, match=said):
        find_layout(both, PJM, (*REPORTS, real_time))
    shape = Report("pjm", "rows", columns)
    anywhere = (*REPORTS, shape, Report("nyiso", "rows", columns))
    assert find_layout(both, PJM, anywhere).names[2] == "unknown_3"


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("x.xlsx", _zip({"xl/workbook.xml": b""}), "is not read for this report: save it as csv"),
        ("x.gz", gzip.compress(b"PAR1", mtime=0), "is a Parquet file"),
        (
            "x.tar.gz",
            gzip.compress(b"x.csv".ljust(257, b"\0") + b"ustar\x0000", mtime=0),
            "is a tar archive",
        ),
    ],
)
def test_a_file_of_another_kind_is_refused(
    tmp_path: Path, name: str, content: bytes, said: str
) -> None:
    (result,) = _inspected(tmp_path, f"pjm/da_hrl_lmps/{name}", content)
    assert result.refusal is not None
    assert said in result.refusal


def test_only_raw_files_are_listed(tmp_path: Path) -> None:
    folder = tmp_path / "raw" / "pjm" / "da_hrl_lmps"
    for name in ("a.csv", "B.CSV", "c.zip", "notes.txt", "d.csv.part", ".DS_Store", "e.csv.gz"):
        _written(folder / name, PJM_CSV)
    found = list_raw_files(tmp_path / "raw", ["pjm", "nowhere"])
    assert [Path(file.path).name for file in found] == ["B.CSV", "a.csv", "c.zip", "e.csv.gz"]


ATTRIBUTES = b"\x00\x05\x16\x07\x00\x02\x00\x00Mac OS X        "


def test_what_systems_leave_beside_raw_files_does_not_count(tmp_path: Path) -> None:
    """What has such a name and rows of its own is a raw file all the same."""
    folder = tmp_path / "raw" / "pjm" / "da_hrl_lmps"
    _written(folder / "a.csv", PJM_CSV)
    _written(folder / "._a.csv", ATTRIBUTES)
    _written(folder / "~$book.xlsx", b"\x05Owner".ljust(165, b"\x00"))
    _written(folder / "~$kept.xlsx", _zip({"xl/workbook.xml": b""}))
    _written(folder / "._kept.csv", PJM_CSV)
    found = list_raw_files(tmp_path / "raw", ["pjm"])
    assert [Path(file.path).name for file in found] == ["._kept.csv", "a.csv", "~$kept.xlsx"]


def test_what_macos_adds_to_a_zip_is_left_out(tmp_path: Path) -> None:
    members = {"a.csv": PJM_CSV, "__MACOSX/._a.csv": ATTRIBUTES, "__MACOSX/._b.zip": ATTRIBUTES}
    archive = _written(tmp_path / "mac.zip", _zip(members))
    assert [member.name for member in unpack(archive, tmp_path / "cache")] == ["a.csv"]


# --- Days in names --------------------------------------------------------------------------------


@given(st.text())
def test_no_name_makes_the_hint_fail(name: str) -> None:
    days = hinted_days(name)
    assert days == sorted(set(days))
    assert len(days) <= LONGEST_HINT_DAYS + 3


@given(st.text(alphabet="0123456789-_.", max_size=40))
def test_no_digits_make_the_hint_fail(name: str) -> None:
    assert len(hinted_days(name)) <= LONGEST_HINT_DAYS + 3


@given(
    st.dates(min_value=date(1990, 1, 1), max_value=date(2099, 12, 31)),
    st.sampled_from(["%Y%m%d", "%Y-%m-%d", "%Y_%m_%d"]),
    st.sampled_from(["", "da_", "x1-"]),
)
def test_one_date_stands_for_itself_and_the_days_around_it(
    day: date, shape: str, before: str
) -> None:
    if before == "x1-" and shape != "%Y%m%d":
        before = ""
    around = [day + timedelta(days=offset) for offset in (-1, 0, 1)]
    assert hinted_days(f"{before}{day.strftime(shape)}_lmp.csv") == around


@pytest.mark.parametrize(
    "name",
    [
        "RTBM-LMP-SL-202405020000.csv",
        "prices 2024-05-02T00:00:00.csv",
        "cdr.00012301.0000000000000000.20240502.000224.SPPHLZNP6905_20240502_0000.csv",
    ],
)
def test_midnight_ends_one_day_and_begins_another(name: str) -> None:
    first = date(2024, 4, 30)
    assert hinted_days(name) == [first + timedelta(days=offset) for offset in range(4)]


@pytest.mark.parametrize(
    "name",
    [
        "RTBM-LMP-SL-202405020005.csv",
        "cdr.00012301.0000000000000000.20240502.000012.SPPHLZNP6905_20240502_0015.csv",
        "20240502-0000012.csv",
        "20240502_20240502_PRC_LMP_DAM_20240610_00_00_00_v1.csv",
    ],
)
def test_no_other_time_of_a_day_says_anything_of_the_day_before(name: str) -> None:
    assert hinted_days(name) == [date(2024, 5, day) for day in (1, 2, 3)]


@given(
    st.dates(min_value=date(1990, 1, 1), max_value=date(2090, 12, 31)),
    st.integers(min_value=0, max_value=2 * LONGEST_HINT_DAYS),
)
def test_two_dates_stand_for_the_days_between_unless_too_many(first: date, length: int) -> None:
    last = first + timedelta(days=length)
    days = hinted_days(f"{first:%Y%m%d}_{last:%Y%m%d}_prc_lmp.csv")
    expected = length if length <= LONGEST_HINT_DAYS else 0
    assert days[0] == first - timedelta(days=1)
    assert days[-1] == first + timedelta(days=expected + 1)
    assert len(days) == expected + 3


@pytest.mark.parametrize("name", ["20240231.csv", "20241301.csv", "18991231.csv", "120240308.csv"])
def test_digits_that_are_no_date_hint_nothing(name: str) -> None:
    assert hinted_days(name) == []


# --- Inventory ------------------------------------------------------------------------------------


def _database() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute(SCHEMA)
    return connection


@pytest.fixture
def database() -> Iterator[duckdb.DuckDBPyConnection]:
    with _database() as connection:
        yield connection


def _update(connection: duckdb.DuckDBPyConnection, raw: Path, **changed: Any) -> dict[str, int]:
    arguments: dict[str, Any] = {
        "cache": raw.parent / "cache",
        "isos": ["pjm", "nyiso"],
        "reports": REPORTS,
        "known_folders": [("pjm", "da_hrl_lmps"), ("pjm", "pnode"), ("nyiso", "damlbmp_zone")],
        "progress": lambda label, done, total: None,
    }
    return update_inventory(connection, raw, **arguments | changed)


def _files(connection: duckdb.DuckDBPyConnection) -> dict[str, dict[str, Any]]:
    cursor = connection.execute("select * from inventory.raw_files")
    names = [column[0] for column in cursor.description or []]
    rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    assert len({row["data_source"] for row in rows}) == len(rows)
    return {row["data_source"]: row for row in rows}


def _coverage(connection: duckdb.DuckDBPyConnection) -> list[tuple[Any, ...]]:
    return connection.execute("select * from inventory.coverage order by all").fetchall()


def _touch(path: Path) -> None:
    status = path.stat()
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + 5_000_000_000))


def _fail_when_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    def inspect_nothing(raw: Path, cache: Path, listed: Any, *_: Any) -> list[Inspected]:
        raise AssertionError(f"{listed.path} was opened again")

    monkeypatch.setattr(inventory, "inspect", inspect_nothing)


DAY = "pjm/da_hrl_lmps/da_20240308.csv"


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    """A raw folder with a sound csv and a zip of two."""
    folder = tmp_path / "raw"
    _written(folder / DAY, PJM_CSV)
    members = {"20240309.csv": PJM_CSV + b"x,1,2\n", "20240310.csv": PJM_CSV}
    _written(folder / "pjm/da_hrl_lmps/march.zip", _zip(members))
    return folder


def test_the_inventory_holds_each_csv_and_its_hinted_days(
    database: duckdb.DuckDBPyConnection, raw: Path
) -> None:
    _update(database, raw)
    files = _files(database)
    assert set(files) == {
        DAY,
        "pjm/da_hrl_lmps/march.zip!20240309.csv",
        "pjm/da_hrl_lmps/march.zip!20240310.csv",
    }
    assert all(file["is_present"] and file["refusal"] is None for file in files.values())
    assert [row[1:] for row in _coverage(database) if row[0] == files[DAY]["file_id"]] == [
        (date(2024, 3, day), None, True) for day in (7, 8, 9)
    ]


def test_unchanged_files_are_not_opened_again(
    database: duckdb.DuckDBPyConnection, raw: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _update(database, raw)
    before = _files(database), _coverage(database)
    _fail_when_opened(monkeypatch)
    _update(database, raw)
    assert (_files(database), _coverage(database)) == before


def test_a_touched_file_of_equal_content_keeps_what_is_known_of_it(
    database: duckdb.DuckDBPyConnection, raw: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _update(database, raw)
    database.execute("update inventory.raw_files set lines_used = lines")
    database.execute("update inventory.coverage set rows = 7, is_hint = false")
    before, coverage = _files(database), _coverage(database)
    for name in (DAY, "pjm/da_hrl_lmps/march.zip"):
        _touch(raw / name)
    _update(database, raw)
    after = _files(database)
    for source, file in before.items():
        changed = {key for key, value in file.items() if after[source][key] != value}
        assert changed == {"mtime_ns", "ctime_ns"}
    assert _coverage(database) == coverage
    # The new time is kept: the next run does not open them once more.
    _fail_when_opened(monkeypatch)
    _update(database, raw)


def test_a_changed_file_replaces_the_old_one_with_all_that_was_known(
    database: duckdb.DuckDBPyConnection, raw: Path
) -> None:
    _update(database, raw)
    database.execute(
        "insert into inventory.rejected_lines select file_id, 2, 'a', 'b' from inventory.raw_files"
    )
    database.execute("update inventory.raw_files set lines_used = lines")
    before = _files(database)
    _written(raw / DAY, PJM_CSV + b"3/8/2024 6:00:00 AM,1,2\n")
    _touch(raw / DAY)
    _update(database, raw)
    after = _files(database)
    assert after[DAY]["file_id"] != before[DAY]["file_id"]
    assert after[DAY]["content_hash"] != before[DAY]["content_hash"]
    assert (after[DAY]["lines"], after[DAY]["lines_used"]) == (2, None)
    others = set(after) - {DAY}
    assert {source: after[source] for source in others} == {s: before[s] for s in others}
    ids = {file["file_id"] for file in after.values()}
    assert {row[0] for row in _coverage(database)} == ids
    rejected = database.execute("select file_id from inventory.rejected_lines").fetchall()
    assert {row[0] for row in rejected} == ids - {after[DAY]["file_id"]}


def test_a_change_that_keeps_the_size_is_seen(
    database: duckdb.DuckDBPyConnection, raw: Path
) -> None:
    _update(database, raw)
    before = _files(database)[DAY]
    _written(raw / DAY, PJM_CSV.replace(b"25.14", b"25.15"))
    _touch(raw / DAY)
    _update(database, raw)
    assert _files(database)[DAY]["content_hash"] != before["content_hash"]


def test_a_member_that_left_a_zip_leaves_the_inventory(
    database: duckdb.DuckDBPyConnection, raw: Path
) -> None:
    """The zip is there and no longer holds it: that is a change, not a file that vanished."""
    _update(database, raw)
    _written(raw / "pjm/da_hrl_lmps/march.zip", _zip({"20240310.csv": PJM_CSV}))
    _touch(raw / "pjm/da_hrl_lmps/march.zip")
    _update(database, raw)
    assert set(_files(database)) == {DAY, "pjm/da_hrl_lmps/march.zip!20240310.csv"}


def test_a_vanished_file_is_marked_and_comes_back(
    database: duckdb.DuckDBPyConnection, raw: Path
) -> None:
    _update(database, raw)
    before = _files(database)
    away = (raw / DAY).rename(raw.parent / "away.csv")
    _update(database, raw)
    assert _files(database)[DAY] == before[DAY] | {"is_present": False}
    away.rename(raw / DAY)
    _update(database, raw)
    after = _files(database)
    after[DAY]["ctime_ns"] = before[DAY]["ctime_ns"]
    assert after == before


def test_a_folder_of_an_operator_that_vanished_marks_its_files(
    database: duckdb.DuckDBPyConnection, raw: Path
) -> None:
    _update(database, raw)
    shutil.rmtree(raw / "pjm")
    _update(database, raw)
    assert not any(file["is_present"] for file in _files(database).values())


def test_operators_that_were_not_asked_for_are_left_alone(
    database: duckdb.DuckDBPyConnection, raw: Path
) -> None:
    _update(database, raw)
    before = _files(database)
    shutil.rmtree(raw / "pjm")
    _update(database, raw, isos=["nyiso"])
    assert _files(database) == before


def test_a_refused_file_is_looked_at_again(
    database: duckdb.DuckDBPyConnection, raw: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = "pjm/da_hrl_lmps/bad.csv"
    _written(raw / bad, b"<html>")
    _update(database, raw)
    assert _files(database)[bad]["refusal"] is not None
    opened: list[str] = []

    def watched(folder: Path, cache: Path, listed: Any, *rest: Any) -> list[Inspected]:
        opened.append(listed.path)
        return inspect(folder, cache, listed, *rest)

    monkeypatch.setattr(inventory, "inspect", watched)
    _update(database, raw)
    assert opened == [bad]
    _written(raw / bad, PJM_CSV)
    _update(database, raw)
    assert _files(database)[bad]["refusal"] is None
    assert (raw / bad).exists()


def test_a_sound_file_that_turns_bad_is_refused_and_covers_nothing(
    database: duckdb.DuckDBPyConnection, raw: Path
) -> None:
    _update(database, raw)
    _written(raw / DAY, b"<html>")
    _update(database, raw)
    file = _files(database)[DAY]
    assert file["refusal"] is not None
    assert file["file_id"] not in {row[0] for row in _coverage(database)}


def test_a_changed_description_of_a_report_opens_its_files_again(
    database: duckdb.DuckDBPyConnection, raw: Path
) -> None:
    _update(database, raw)
    other = Report(PJM.iso, PJM.name, PJM.columns[:2], PJM.timestamp_formats)
    _update(database, raw, reports=[other, NYISO])
    assert _files(database)[DAY]["column_names"][2] == "unknown_3"


def test_a_raw_folder_that_was_moved_is_read_at_its_new_place(
    database: duckdb.DuckDBPyConnection, raw: Path
) -> None:
    """Size and time stay what they were when a folder is moved; where it is to be read does not."""
    _update(database, raw)
    moved = raw.rename(raw.parent / "moved")
    _update(database, moved)
    for file in _files(database).values():
        assert Path(file["read_path"]).exists(), file["read_path"]


def test_members_that_vanished_from_the_cache_are_unpacked_again(
    database: duckdb.DuckDBPyConnection, raw: Path
) -> None:
    """A cache is what can be deleted at any time."""
    _update(database, raw)
    shutil.rmtree(raw.parent / "cache")
    _update(database, raw)
    for file in _files(database).values():
        assert Path(file["read_path"]).exists(), file["read_path"]


def test_folders_that_no_dataset_reads_are_counted_not_opened(
    database: duckdb.DuckDBPyConnection, raw: Path
) -> None:
    for number in range(3):
        _written(raw / "pjm" / "pnode" / f"{number}.csv", b"whatever")
    assert _update(database, raw) == {"pjm/pnode": 3}
    assert not [source for source in _files(database) if "pnode/" in source]


def test_a_failure_leaves_the_inventory_as_it_was(
    database: duckdb.DuckDBPyConnection, raw: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _update(database, raw)
    before = _files(database)
    (raw / DAY).unlink()
    _written(raw / "pjm/da_hrl_lmps/new.csv", PJM_CSV)

    def broken(*_: Any) -> None:
        raise RuntimeError("disk on fire")

    monkeypatch.setattr(inventory, "_replace", broken)
    with pytest.raises(RuntimeError, match="disk on fire"):
        _update(database, raw)
    assert _files(database) == before


def test_two_thousand_files_are_inventoried_and_found_again(
    database: duckdb.DuckDBPyConnection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = tmp_path / "raw"
    for number in range(2000):
        folder = raw / "pjm" / "da_hrl_lmps" / f"{number % 7}"
        folder.mkdir(parents=True, exist_ok=True)
        day = date(2018, 1, 1) + timedelta(days=number)
        (folder / f"{day:%Y%m%d}.csv").write_bytes(PJM_CSV + b"x,%d,1\n" % number)
    reported: list[tuple[int, int]] = []
    _update(database, raw, progress=lambda label, done, total: reported.append((done, total)))
    files = _files(database)
    assert len(files) == 2000
    assert len({file["content_hash"] for file in files.values()}) == 2000
    assert len(_coverage(database)) == 6000
    assert reported[-1][0] == reported[-1][1]
    _fail_when_opened(monkeypatch)
    _update(database, raw)
    assert _files(database) == files


# --- Memory limit ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("limit", "expected"),
    [
        ("2GB", "1500MB"),
        ("2 gb", "1500MB"),
        ("2g", "1500MB"),
        ("2048MiB", "1647MB"),
        ("1.5GB", "1000MB"),
        ("800MB", "400MB"),
        ("500MB", "250MB"),
        ("1TB", "999500MB"),
        ("2000000000", "1500MB"),
        ("2000000000B", "1500MB"),
    ],
)
def test_a_memory_limit_leaves_python_its_share(limit: str, expected: str) -> None:
    assert duckdb_memory_limit(limit) == expected


@pytest.mark.parametrize(
    "limit", ["", "lots", "2 apples", "-2GB", "2GBB", "GB", "1.2.3GB", ".", "80%", "0", "0GB"]
)
def test_a_memory_limit_that_is_no_size_is_refused(limit: str) -> None:
    with pytest.raises(ValueError, match="is no size: write it like 2GB"):
        duckdb_memory_limit(limit)


def test_dbt_is_told_which_setting_is_no_size(tmp_path: Path) -> None:
    plugin = Plugin("unified_iso", {"raw": str(tmp_path / "raw"), "out": str(tmp_path / "out")})
    told = "^Runtime Error\\n  memory limit 'lots' is no size: write it like 2GB$"
    with pytest.raises(DbtRuntimeError, match=told):
        plugin.update_connection_config(None, {"memory_limit": "lots"})
