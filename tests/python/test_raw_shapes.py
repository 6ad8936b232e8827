"""Raw files that are more than a table: titles, dates, trailers, workbooks, replies of a server."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path

import duckdb
import pytest
from openpyxl import Workbook

from unified_iso.inventory import SCHEMA, update_inventory
from unified_iso.raw_files.inspection import inspect
from unified_iso.raw_files.lines import count_records
from unified_iso.raw_files.listing import list_raw_files
from unified_iso.raw_files.records import Column, Inspected, Report

WIDE = Report(
    iso="miso",
    name="wide",
    columns=(Column("Node", "varchar"), Column("HE 1", "double")),
    title="ExPost",
    dated=True,
)
FRAMED = Report(
    iso="isone",
    name="framed",
    columns=(Column("Date", "varchar"), Column("LMP", "double")),
    title="Day-Ahead",
    rows_below_header=1,
    trailer=r'^"T","(\d+) lines"$',
)
BOOK = Report(
    iso="ercot",
    name="book",
    columns=(Column("Delivery Date", "timestamp"), Column("Price", "double")),
    timestamp_formats=("%m/%d/%Y", "%Y-%m-%d"),
    books=True,
    side_files="^(Notes|Mapping)_",
)
FRAME = (
    '"C","Day-Ahead prices"\n"C","Report for: 06/04/2026"\n"H","Date","LMP"\n"H","Date","Number"\n'
    '"D","06/04/2026",1.5\n"D","06/04/2026",2.5\n"T","2 lines"'
)
ERROR = (
    '<?xml version="1.0"?><m:R><m:ERR_CODE>1000</m:ERR_CODE>'
    "<m:ERR_DESC>No data returned</m:ERR_DESC></m:R>"
)


def opened(tmp_path: Path, report: Report, name: str, content: bytes | str) -> list[Inspected]:
    path = tmp_path / "raw" / report.iso / report.name / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    (listed,) = list_raw_files(tmp_path / "raw", [report.iso])
    return inspect(tmp_path / "raw", tmp_path / "cache", listed, report, [report])


def refusal(tmp_path: Path, report: Report, name: str, content: bytes | str) -> str:
    (result,) = opened(tmp_path, report, name, content)
    assert result.refusal is not None
    return result.refusal


def workbook(sheets: Mapping[str, Sequence[Sequence[object]]]) -> bytes:
    book = Workbook()
    book.remove(book.worksheets[0])
    for title, rows in sheets.items():
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(row)
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def zipped(members: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return stream.getvalue()


@pytest.mark.parametrize("day", ["01/02/2023", "1/2/2023"])
def test_a_delivery_day_stands_above_the_header(tmp_path: Path, day: str) -> None:
    text = f"Day Ahead ExPost LMPs\r\n{day}\r\n\r\n,,EST\r\nNode,HE 1\r\nA,.21\r\n"
    (result,) = opened(tmp_path, WIDE, "20240101_x.csv", text)
    assert (result.refusal, result.report_date, result.lines) == (None, date(2023, 1, 2), 1)


def test_without_lines_above_the_header_the_name_tells_the_day(tmp_path: Path) -> None:
    (result,) = opened(tmp_path, WIDE, "20240101_hubs_only.csv", "Node,HE 1\nA,1\n")
    assert (result.refusal, result.report_date) == (None, date(2024, 1, 1))


def test_a_file_without_a_day_is_refused(tmp_path: Path) -> None:
    assert "no delivery date" in refusal(tmp_path, WIDE, "hubs_only.csv", "Node,HE 1\nA,1\n")


def test_another_title_is_refused_by_its_words(tmp_path: Path) -> None:
    text = "Day Ahead ExAnte LMPs\n01/02/2023\nNode,HE 1\nA,1\n"
    said = refusal(tmp_path, WIDE, "a.csv", text)
    assert "'Day Ahead ExAnte LMPs'" in said
    assert "not wide" in said


def test_heading_and_trailer_are_no_data(tmp_path: Path) -> None:
    (result,) = opened(tmp_path, FRAMED, "a.csv", FRAME)
    assert result.layout is not None
    assert (result.refusal, result.lines, result.trailer_line) == (None, 2, 7)
    assert (result.layout.header_line, result.layout.names[1:]) == (3, ("Date", "LMP"))


@pytest.mark.parametrize("kinds", ['"H","HH24:MI","Number"', '1,"H","HH24:MI","Number"'])
def test_a_line_of_types_may_have_digits(tmp_path: Path, kinds: str) -> None:
    numbered = kinds.startswith("1")
    text = FRAME.replace('"H","Date","Number"', kinds)
    if numbered:
        lines = text.split("\n")
        lines[2] = f'"",{lines[2]}'
        lines[4:] = [f"{number},{line}" for number, line in enumerate(lines[4:], start=2)]
        text = "\n".join(lines)
    (result,) = opened(tmp_path, FRAMED, "a.csv", text)
    assert (result.refusal, result.lines) == (None, 2)


def test_a_report_may_have_no_rows(tmp_path: Path) -> None:
    lines = FRAME.splitlines()
    (result,) = opened(tmp_path, FRAMED, "a.csv", "\n".join([*lines[:4], '"T","0 lines"\n']))
    assert (result.refusal, result.lines) == (None, 0)


FOOTED = Report(
    iso="miso",
    name="footed",
    columns=(Column("Stamp", "timestamp"), Column("LMP", "double")),
    footer=r'^"?[^0-9"]',
)
FOOTED_LINES = "title\n\nStamp,LMP\n06/03/2024 00:05,1\n06/03/2024 00:10,2\n"


@pytest.mark.parametrize(
    ("below", "trailer_line"),
    [
        ("", None),
        ("*END*\n", 6),
        ("*END*", 6),
        ('\n*END*\n"as is, without warranty"\n\n', 6),
        ("\n\n", 6),
    ],
)
def test_lines_below_the_data_are_no_data(
    tmp_path: Path, below: str, trailer_line: int | None
) -> None:
    (result,) = opened(tmp_path, FOOTED, "a.csv", FOOTED_LINES + below)
    assert (result.refusal, result.lines, result.trailer_line) == (None, 2, trailer_line)
    counted = count_records(Path(str(result.read_path)), after=3, before=trailer_line)
    assert counted.records == 2


def test_a_last_line_that_was_cut_off_is_no_footer(tmp_path: Path) -> None:
    (result,) = opened(tmp_path, FOOTED, "a.csv", FOOTED_LINES + "06/03/20")
    assert (result.lines, result.trailer_line) == (3, None)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (FRAME.rpartition("\n")[0] + "\n", "not the trailer"),
        (FRAME.replace("2 lines", "3 lines"), "speaks of 3 lines, but 2"),
        (FRAME[: FRAME.index("2.5") + 1], "is incomplete"),
    ],
)
def test_a_file_that_its_trailer_denies_is_incomplete(tmp_path: Path, text: str, said: str) -> None:
    assert said in refusal(tmp_path, FRAMED, "a.csv", text)


def test_a_title_tells_a_report_whose_columns_differ_too(tmp_path: Path) -> None:
    offers = FRAME.replace("Day-Ahead prices", "Energy offers").replace('"LMP"', '"MW"')
    assert "Energy offers" in refusal(tmp_path, FRAMED, "a.csv", offers)


def test_a_workbook_gives_its_sheets(tmp_path: Path) -> None:
    header: list[object] = ["Delivery Date", "Price"]
    sheets: dict[str, list[list[object]]] = {
        "Notes": [["what this is"]],
        "Jan": [header, ["01/31/2023", 25.0], ["01/31/2023", 0.1], [None, None]],
        "Feb": [header, [datetime(2023, 2, 1), 7]],
        "Mar": [header],
    }
    results = opened(tmp_path, BOOK, "a.xlsx", workbook(sheets))
    assert [r.data_source.rpartition("/")[2] for r in results] == [
        "a.xlsx!Jan",
        "a.xlsx!Feb",
        "a.xlsx!Mar",
    ]
    assert [r.lines for r in results] == [2, 1, 0]
    assert [Path(r.read_path or "").read_text() for r in results] == [
        "Delivery Date,Price\n01/31/2023,25\n01/31/2023,0.1\n",
        "Delivery Date,Price\n2023-02-01,7\n",
        "Delivery Date,Price\n",
    ]


def test_a_sheet_with_a_damaged_header_is_not_left_out_in_silence(tmp_path: Path) -> None:
    sheets: dict[str, list[list[object]]] = {
        "Jan": [["Delivery Date", "Price"], ["01/31/2023", 1.5]],
        "Feb": [["Delivery Date", "Prise"], ["02/28/2023", 1.5]],
    }
    _, february = opened(tmp_path, BOOK, "a.xlsx", workbook(sheets))
    assert "it has Prise and no Price in line 1" in (february.refusal or "")


def test_what_is_not_utf8_is_told_by_its_header_first(tmp_path: Path) -> None:
    foreign = "Noeud,Pr\u00e9fixe\nA,1\n".encode("latin-1")
    assert "no header of wide" in refusal(tmp_path, WIDE, "20240101.csv", foreign)
    resaved = "Node,HE 1\nMontr\u00e9al,1\n".encode("latin-1")
    assert "not UTF-8" in refusal(tmp_path, WIDE, "20240101.csv", resaved)


def test_a_workbook_in_a_zip(tmp_path: Path) -> None:
    book = workbook({"Jan": [["Delivery Date", "Price"], ["01/31/2023", 1.5]]})
    (result,) = opened(tmp_path, BOOK, "a.zip", zipped({"book.xlsx": book}))
    assert result.data_source == "ercot/book/a.zip!book.xlsx!Jan"


def test_a_workbook_of_something_else_is_refused(tmp_path: Path) -> None:
    results = opened(tmp_path, BOOK, "a.xlsx", workbook({"A": [["x"]], "B": [["y"]]}))
    assert all("no header of book" in (result.refusal or "") for result in results)
    assert len(results) == 2


def test_a_workbook_that_is_none_is_refused(tmp_path: Path) -> None:
    assert "not a sound workbook" in refusal(tmp_path, BOOK, "a.xlsx", b"\x00Delivery Date,Price\n")


def test_a_workbook_for_a_report_without_books_is_refused(tmp_path: Path) -> None:
    report = replace(BOOK, books=False)
    assert "save it as csv" in refusal(tmp_path, report, "a.xlsx", workbook({"A": [["x"]]}))


def test_side_files_are_neither_read_nor_refused(tmp_path: Path) -> None:
    table = b"Delivery Date,Price\n01/31/2023,1.5\n"
    (result,) = opened(
        tmp_path, BOOK, "a.zip", zipped({"Mapping_1.csv": b"x,y\n", "prices.csv": table})
    )
    assert result.data_source.endswith("!prices.csv")


def test_rollups_in_another_layout_are_left_out_of_an_archive_that_has_the_report(
    tmp_path: Path,
) -> None:
    report = replace(BOOK, rollups="(?i)-MONTHLY-")
    day = b"Delivery Date,Price\n01/31/2023,1.5\n"
    wide = b"Date, Node, Price Type, HE01, HE02\n2023/01/31, A, LMP, 1.5, 1.75\n"
    month, other = "2023/01/P-MONTHLY-202301.csv", "2023/01/P-202301.csv"

    def found(name: str, members: dict[str, bytes]) -> dict[str, bool]:
        results = opened(tmp_path / name, report, name, zipped(members))
        return {r.data_source.rpartition("!")[2]: r.refusal is not None for r in results}

    assert found("a.zip", {"d.csv": day, month: wide}) == {"d.csv": False}
    # What can be read is read, whatever it is called.
    assert found("b.zip", {"d.csv": day, month: day}) == {"d.csv": False, month: False}
    # Where there is nothing else, and where the name says nothing, it has to be told.
    assert found("c.zip", {month: wide}) == {month: True}
    assert found("d.zip", {"d.csv": day, other: wide}) == {"d.csv": False, other: True}
    assert refusal(tmp_path / "e", report, "P-MONTHLY-202301.csv", wide)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("reply.csv", ERROR, "1000: No data returned"),
        ("long reply.csv", ERROR.replace("><", ">" + 20 * "\n" + "<"), "1000: No data returned"),
        ("reply.xml", ERROR, "1000: No data returned"),
        ("reply.zip", zipped({"reply.xml": ERROR.encode()}), "reply.xml, which is an error reply"),
        ("empty.zip", zipped({}), "it is empty"),
        ("page.html", "<html><body>Wait 5 seconds</body></html>", "web page, not a report ('Wait"),
        ("page.csv", "<!DOCTYPE html>\n<p>Wait</p>", "is a web page"),
        ("text.csv", "No data exists for this period.", "no header of wide"),
    ],
)
def test_replies_saved_in_place_of_a_report_are_refused_by_what_they_say(
    tmp_path: Path, name: str, content: bytes | str, said: str
) -> None:
    assert said in refusal(tmp_path, WIDE, name, content)


def test_other_files_are_no_concern(tmp_path: Path) -> None:
    folder = tmp_path / "raw/miso/wide"
    folder.mkdir(parents=True)
    (folder / "notes.xml").write_text("notes: none")
    (folder / "README.md").write_text("<html>")
    assert list_raw_files(tmp_path / "raw", ["miso"]) == []


def test_the_inventory_leaves_side_files_out(tmp_path: Path) -> None:
    folder = tmp_path / "raw/ercot/book"
    folder.mkdir(parents=True)
    (folder / "Notes_1.csv").write_text("x\n")
    (folder / "prices.csv").write_text("Delivery Date,Price\n01/31/2023,1.5\n")
    with duckdb.connect() as connection:
        connection.execute(SCHEMA)
        update_inventory(
            connection, tmp_path / "raw", tmp_path / "cache", ["ercot"], [BOOK], [], _silent
        )
        found = connection.execute("select path, refusal from inventory.raw_files").fetchall()
    assert found == [("ercot/book/prices.csv", None)]


def _silent(label: str, done: int, total: int) -> None:
    pass
