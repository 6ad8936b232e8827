"""Raw files as tools leave them: joined, padded, renamed, of other bytes than their name says."""

from __future__ import annotations

import csv
import gzip
import io
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest

from test_raw_shapes import refusal, workbook, zipped
from unified_iso import inventory
from unified_iso.inventory import SCHEMA, update_inventory
from unified_iso.raw_files.inspection import inspect
from unified_iso.raw_files.lines import BLOCK
from unified_iso.raw_files.listing import list_raw_files
from unified_iso.raw_files.records import Column, Inspected, Report
from unified_iso.raw_files.shapes import name_in_r

HOURLY = Report(
    iso="pjm",
    name="hourly",
    columns=(
        Column("begin_utc", "timestamp"),
        Column("pnode_id", "varchar"),
        Column("total_lmp_da", "double"),
        Column("zone", "varchar", optional=True),
    ),
    timestamp_formats=("%-m/%-d/%Y %-H:%M",),
    other_columns=("row_is_current",),
)
Cells = tuple[str | None, ...]
BOOK = replace(HOURLY, name="book", books=True)
WIDE = Report(
    iso="miso",
    name="wide",
    columns=(
        Column("market_day", "timestamp", optional=True),
        Column("Node", "varchar"),
        Column("HE 1", "double"),
    ),
    title="ExPost",
    dated=True,
)
FRAMED = Report(
    iso="isone",
    name="framed",
    columns=(
        Column("Date", "timestamp", is_day=True),
        Column("Hour", "varchar"),
        Column("Price", "double"),
    ),
    timestamp_formats=("%-m/%-d/%Y",),
    title="Day-Ahead",
    rows_below_header=1,
    trailer=r'^"?T"?,"?(\d+) lines?"?$',
)
HEADER = "begin_utc,pnode_id,total_lmp_da"
FIRST = "1/1/2022 5:00,51288,20.57"
SECOND = "1/2/2022 5:00,51288,18.25"
TEXT = f"{HEADER}\n{FIRST}\n{SECOND}\n"
DAY = (
    '"C","Day-Ahead prices"\n"H","Date","Hour","Price"\n"H","Date","HE","Number"\n'
    '"D","01/04/2019","01",30.19\n"D","01/04/2019","02",31.19\n"T","2 lines"\n'
)
NEXT_DAY = DAY.replace("01/04", "01/05").replace("30.19", "40.19").replace("31.19", "41.19")


def opened(
    tmp_path: Path,
    name: str,
    content: str | bytes,
    report: Report = HOURLY,
    others: tuple[Report, ...] = (),
) -> list[Inspected]:
    path = tmp_path / "raw" / report.folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    (listed,) = list_raw_files(tmp_path / "raw", [report.iso])
    return inspect(tmp_path / "raw", tmp_path / "cache", listed, report, (report, *others))


def read(result: Inspected) -> list[Cells]:
    """Rows of the known columns, read as a build reads them, in order of the columns."""
    assert result.refusal is None
    assert result.layout and result.read_path
    columns = {name: "varchar" for name in result.layout.names}
    known = sorted(name for name in columns if not name.startswith("unknown_"))
    selected = ", ".join('"' + name + '"' for name in known)
    with duckdb.connect() as connection:
        rows = connection.execute(
            f"select {selected} from read_csv($1, columns = $2, auto_detect = false, header = true,"
            " skip = $3, delim = ',', quote = '\"', escape = '\"')",
            [result.read_path, columns, result.layout.header_line],
        ).fetchall()
    assert result.lines == len(rows)
    return rows


def rows_of(tmp_path: Path, content: str | bytes, name: str = "all.csv") -> list[Cells]:
    (result,) = opened(tmp_path, name, content)
    return read(result)


ROWS = [("1/1/2022 5:00", "51288", "20.57"), ("1/2/2022 5:00", "51288", "18.25")]


# --- The first bytes tell --------------------------------------------------------------------


@pytest.mark.parametrize("name", ["x.csv", "x.csv.gz", "x.zip", "x.xlsx", "x.gz"])
@pytest.mark.parametrize("kind", ["text", "gzip", "zip", "book"])
def test_the_first_bytes_tell_what_a_file_is(tmp_path: Path, name: str, kind: str) -> None:
    cells = [line.split(",") for line in TEXT.splitlines()]
    content = {
        "text": TEXT.encode(),
        "gzip": gzip.compress(TEXT.encode()),
        "zip": zipped({"day.csv": TEXT.encode()}),
        "book": workbook({"Jan": [*cells]}),
    }[kind]
    (result,) = opened(tmp_path, name, content, BOOK)
    inside = {"zip": "!day.csv", "book": "!Jan"}.get(kind, "")
    assert result.data_source == f"pjm/book/{name}{inside}"
    assert read(result) == ROWS


def test_a_book_is_told_where_no_books_are_read(tmp_path: Path) -> None:
    (result,) = opened(tmp_path, "x.csv", workbook({"Jan": [["a"]]}))
    assert result.refusal == (
        "is an Excel workbook (.xlsx), which is not read for this report: save it as csv"
    )


def test_a_member_is_told_by_its_first_bytes_too(tmp_path: Path) -> None:
    cells = [line.split(",") for line in TEXT.splitlines()]
    content = zipped(
        {
            "book.csv": workbook({"Jan": [*cells]}),
            "old.csv": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600),
            "sound.csv": TEXT.encode(),
        }
    )
    book, old, sound = opened(tmp_path, "x.zip", content, BOOK)
    assert (book.data_source, read(book)) == ("pjm/book/x.zip!book.csv!Jan", ROWS)
    assert old.refusal is not None and "old Excel workbook" in old.refusal
    assert read(sound) == ROWS


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "is an old Excel workbook (.xls)"),
        (b"PAR1\x15\x04\x15\x10", "is a Parquet file: save it as csv"),
        (b"%PDF-1.7\n%\xe2\xe3", "is a PDF document"),
        (b"7z\xbc\xaf\x27\x1c\x00\x04", "is a 7z archive: unpack it"),
        (b"SQLite format 3\x00", "is an SQLite database"),
        (b"a" * 257 + b"ustar\x0000", "is a tar archive: unpack it"),
        (gzip.compress(b"a" * 257 + b"ustar\x0000", mtime=0), "is a tar archive: unpack it"),
        (gzip.compress(b"PAR1\x15\x04", mtime=0), "is a Parquet file"),
        (b"  <!DOCTYPE html><p>Busy", "is a web page"),
        (b'<?xml version="1.0"?><a/>', "is an XML reply"),
        (b'{"totalRows": 0, "items": []}', "is JSON, not a csv report"),
        (b'[{"begin_utc": "2022-01-01"}]', "is JSON, not a csv report"),
    ],
)
@pytest.mark.parametrize("name", ["x.csv", "x.xlsx"])
def test_what_no_reader_opens_is_refused_by_its_first_bytes(
    tmp_path: Path, name: str, content: bytes, said: str
) -> None:
    assert said in refusal(tmp_path, BOOK, name, content)


@pytest.mark.parametrize("coding", ["utf-16-le", "utf-16-be"])
def test_utf16_is_read_where_commas_separate(tmp_path: Path, coding: str) -> None:
    content = ("\ufeff" + TEXT).encode(coding)
    assert rows_of(tmp_path / "a", content) == ROWS
    assert rows_of(tmp_path / "b", gzip.compress(content), "all.csv.gz") == ROWS
    by_tabs = ("\ufeff" + TEXT.replace(",", "\t")).encode(coding)
    assert "separates its cells by tabs" in refusal(tmp_path / "c", HOURLY, "a.csv", by_tabs)
    cut = content[: len(content) // 4 * 2 - 1]
    assert "UTF-16" in refusal(tmp_path / "d", HOURLY, "a.csv", cut)


@pytest.mark.parametrize(("separator", "said"), [(";", "semicolons"), ("\t", "tabs")])
def test_other_separators_are_told(tmp_path: Path, separator: str, said: str) -> None:
    content = TEXT.replace(",", separator)
    assert refusal(tmp_path, HOURLY, "a.csv", content) == (
        f"separates its cells by {said}: save it with commas between them"
    )


@pytest.mark.parametrize("ends", ["\r", "\r\r\n"])
@pytest.mark.parametrize("last", ["", "\n"])
def test_line_ends_of_old_and_odd_kinds_are_read(tmp_path: Path, ends: str, last: str) -> None:
    content = (TEXT if last else TEXT[:-1]).replace("\n", ends)
    assert rows_of(tmp_path / "a", content) == ROWS
    assert rows_of(tmp_path / "b", gzip.compress(content.encode()), "all.csv.gz") == ROWS


# --- Headings in the middle --------------------------------------------------------------------


@pytest.mark.parametrize(
    "heading",
    [
        HEADER,
        HEADER.upper(),
        '"begin_utc","pnode_id","total_lmp_da"',
        "Begin UTC,Pnode ID,Total LMP DA",
        "\ufeff" + HEADER,
        HEADER + ",,",
    ],
    ids=["equal", "upper case", "quoted", "blanks", "byte order mark", "padded"],
)
def test_a_second_heading_is_no_line_of_data(tmp_path: Path, heading: str) -> None:
    content = f"{HEADER}\n{FIRST}\n{heading}\n{SECOND}\n"
    (result,) = opened(tmp_path, "all.csv", content)
    if heading == "Begin UTC,Pnode ID,Total LMP DA":
        # It is spelled too freely to be looked for; the reader can't take it for data either.
        assert (result.lines, result.read_path) == (3, str(tmp_path / "raw/pjm/hourly/all.csv"))
        return
    assert (result.lines, result.skipped_lines) == (2, (3,))
    assert read(result) == ROWS
    assert Path(result.read_path or "").read_text() == f"{HEADER}\n{FIRST}\n\n{SECOND}\n"


def test_many_headings_in_packed_files_are_blanked(tmp_path: Path) -> None:
    content = gzip.compress(TEXT.encode()) * 3
    (result,) = opened(tmp_path, "all.csv.gz", content)
    assert (result.lines, result.skipped_lines) == (6, (4, 7))
    assert read(result) == ROWS * 3


def test_a_file_with_one_heading_is_read_where_it_lies(tmp_path: Path) -> None:
    content = TEXT + "1/3/2022 5:00,begin_utc,1.5\n"
    (result,) = opened(tmp_path, "all.csv", content)
    assert result.read_path == str(tmp_path / "raw/pjm/hourly/all.csv")
    assert (result.lines, result.skipped_lines) == (3, ())


@pytest.mark.parametrize("shift", range(-34, -16))
def test_a_heading_is_seen_over_blocks(tmp_path: Path, shift: int) -> None:
    start = f"{HEADER}\n{FIRST}"
    rows = f"\n{FIRST}" * ((BLOCK - len(start)) // (len(FIRST) + 1) - 1)
    padding = "0" * (BLOCK + shift - len(start) - len(rows))
    (result,) = opened(tmp_path, "all.csv", f"{start}{rows}{padding}\n{TEXT}")
    assert result.lines == rows.count("\n") + 3


def test_blank_lines_and_breaks_in_quotes_keep_their_numbers(tmp_path: Path) -> None:
    content = f'{HEADER}\n{FIRST}\n\n1/1/2022 6:00,"512\n88",1\n{HEADER}\n{SECOND}\n'
    (result,) = opened(tmp_path, "all.csv", content)
    assert (result.lines, result.skipped_lines) == (3, (3, 5, 6))
    assert read(result) == [ROWS[0], ("1/1/2022 6:00", "512\n88", "1"), ROWS[1]]


def test_lines_above_the_first_heading_go_with_the_others(tmp_path: Path) -> None:
    first = f"Exported 1/1/2022\n{HEADER}\n{FIRST}\n"
    second = f"Exported 1/2/2022\n{HEADER}\n{SECOND}\n"
    (result,) = opened(tmp_path, "all.csv", first + second)
    assert (read(result), result.skipped_lines) == (ROWS, (4, 5))
    # What only looks like a line above is a broken line of data, which the reader rejects.
    (result,) = opened(tmp_path, "all.csv", first + "1/1/20\n" + second)
    assert (result.lines, result.skipped_lines) == (4, (6,))


def test_a_heading_behind_a_line_without_end_is_cut(tmp_path: Path) -> None:
    """`cat` of files that end without a line feed."""
    content = TEXT[:-1] + TEXT[:-1] + TEXT
    (result,) = opened(tmp_path, "all.csv", content)
    assert (result.lines, result.skipped_lines) == (6, ())
    assert read(result) == ROWS * 3


def test_a_heading_that_a_tool_gave_a_number_is_a_heading(tmp_path: Path) -> None:
    content = f",{HEADER}\n0,{FIRST}\n1,{HEADER}\n2,{SECOND}\n"
    (result,) = opened(tmp_path, "all.csv", content)
    assert (read(result), result.skipped_lines) == (ROWS, (3,))


@pytest.mark.parametrize(
    ("heading", "why"),
    [
        ("pnode_id,begin_utc,total_lmp_da", "names its columns in another order"),
        ('"total_lmp_da","BEGIN_UTC","pnode_id"', "names its columns in another order"),
        ("begin_utc,zone,pnode_id,total_lmp_da", "names its columns in another order"),
        ("begin_utc,congestion,total_lmp_da", "has other columns"),
    ],
)
def test_a_second_heading_of_other_columns_is_refused(
    tmp_path: Path, heading: str, why: str
) -> None:
    said = refusal(tmp_path, HOURLY, "all.csv", f"{TEXT}{heading}\n1,2,3\n")
    assert said.startswith(f"line 4 is a second heading that {why} (found ")
    assert said.endswith("the file is several reports in one: split it at that line")


def test_a_second_day_under_one_day_is_refused(tmp_path: Path) -> None:
    day = "Day Ahead ExPost LMPs\n01/02/2023\n\nNode,HE 1\nA,1\n"
    said = refusal(tmp_path, WIDE, "all.csv", day + day.replace("01/02", "01/03"))
    assert said == (
        "line 9 is a second heading, so the file is several reports in one, and nothing tells the "
        "day of each line: split it at its headings"
    )
    named = tmp_path / "named"
    bare = "Node,HE 1\nA,1\nNODE,HE 1\nA,2\n"
    assert "line 3 is a second heading" in refusal(named, WIDE, "20230102_hubs.csv", bare)


def test_a_column_that_tells_the_day_allows_headings(tmp_path: Path) -> None:
    table = "market_day,Node,HE 1\n01/02/2023,A,1\n"
    (result,) = opened(tmp_path, "20230102_all.csv", table * 2, WIDE)
    assert (result.refusal, result.lines, result.skipped_lines) == (None, 2, (3,))


# --- Empty cells at the ends of lines ----------------------------------------------------------


@pytest.mark.parametrize(
    "content",
    [
        f"{HEADER},,\n{FIRST},,\n{SECOND},,\n",
        f"{HEADER},,\n{FIRST}\n{SECOND},,\n",
        f"{HEADER}\n{FIRST},,\n{SECOND},,\n",
        f"{HEADER}\n{FIRST}\n{SECOND},,,,,,\n",
        f"{HEADER},\n{FIRST},\n{SECOND},,,\n,,,\n,,,\n",
        f"{HEADER}\r\n{FIRST},,\r\n{SECOND}\r\n,,,,\r\n",
        f'"begin_utc","pnode_id","total_lmp_da","",""\n{FIRST},"",""\n{SECOND},,\n',
    ],
    ids=["all", "not all", "data only", "last only", "empty rows", "returns", "quoted"],
)
def test_empty_cells_beyond_the_header_are_cut(tmp_path: Path, content: str) -> None:
    assert rows_of(tmp_path, content) == ROWS


def test_a_value_beyond_the_header_is_left_for_the_reader_to_reject(tmp_path: Path) -> None:
    content = f"{HEADER}\n{FIRST},,\n{SECOND},,7\n"
    (result,) = opened(tmp_path, "all.csv", content)
    assert Path(result.read_path or "").read_text() == f"{HEADER}\n{FIRST}\n{SECOND},,7\n"


def test_empty_cells_of_named_columns_stay(tmp_path: Path) -> None:
    content = f"{HEADER},zone\n{FIRST},\n{SECOND},\n"
    (result,) = opened(tmp_path, "all.csv", content)
    assert result.read_path == str(tmp_path / "raw/pjm/hourly/all.csv")
    assert [row[1:] for row in read(result)] == [("51288", "20.57", None), ("51288", "18.25", None)]


def test_an_unnamed_column_with_values_is_read_past(tmp_path: Path) -> None:
    assert rows_of(tmp_path, f"{HEADER},\n{FIRST},x\n{SECOND}\n") == ROWS


@pytest.mark.parametrize("header", ["", '""', "Unnamed: 0"])
def test_a_leading_index_column_is_read_past(tmp_path: Path, header: str) -> None:
    content = f"{header},{HEADER}\n0,{FIRST}\n1,{SECOND}\n"
    assert rows_of(tmp_path, content) == ROWS


def test_row_names_without_a_name_are_told(tmp_path: Path) -> None:
    content = f'"begin_utc","pnode_id","total_lmp_da"\n"1",{FIRST}\n"2",{SECOND}\n'
    assert refusal(tmp_path, HOURLY, "all.csv", content) == (
        "line 1 names 3 columns, but the lines below have 4 cells: save it with a name for each "
        "column (in R: write.csv with row.names = FALSE)"
    )


# --- Reports with comments, types and trailer ----------------------------------------------------


def framed(tmp_path: Path, content: str) -> Inspected:
    (result,) = opened(tmp_path, "all.csv", content, FRAMED)
    return result


def resaved(content: str, width: int) -> str:
    """The same cells as Excel writes them: as wide as the widest line, without quotes."""
    rows = [row + [""] * (width - len(row)) for row in csv.reader(io.StringIO(content))]
    return "".join(",".join(row) + "\n" for row in rows)


PRICES = [("01/04/2019", "01", "30.19"), ("01/04/2019", "02", "31.19")]
NEXT_PRICES = [("01/05/2019", "01", "40.19"), ("01/05/2019", "02", "41.19")]


@pytest.mark.parametrize("width", [4, 7])
def test_a_report_that_excel_saved_again_is_complete(tmp_path: Path, width: int) -> None:
    result = framed(tmp_path, resaved(DAY, width))
    assert (read(result), result.warning) == (PRICES, None)
    said = framed(tmp_path, resaved(DAY.replace("2 lines", "3 lines"), width)).refusal
    assert said and "its trailer speaks of 3 lines, but 2 are there" in said


def test_reports_one_after_the_other_are_each_checked(tmp_path: Path) -> None:
    result = framed(tmp_path, DAY + NEXT_DAY)
    assert (read(result), result.warning) == (PRICES + NEXT_PRICES, None)
    assert result.skipped_lines == (6, 7, 8, 9, 12)
    said = framed(tmp_path, DAY.replace('"D","01/04/2019","02",31.19\n', "") + NEXT_DAY).refusal
    assert said and "its trailer speaks of 2 lines, but 1 are there (line 5)" in said
    said = framed(tmp_path, DAY.replace('"T","2 lines"\n', "") + NEXT_DAY).refusal
    assert said and "line 7 begins another report before the trailer of the one above" in said
    said = framed(tmp_path, DAY + NEXT_DAY.replace('"T","2 lines"\n', "")).refusal
    assert said and "is incomplete: its last line is" in said
    other = NEXT_DAY.replace("Day-Ahead prices", "Real-Time prices")
    said = framed(tmp_path, DAY + other).refusal
    assert said and "line 7 begins another report" in said and "Real-Time prices" in said
    swapped = NEXT_DAY.replace('"Hour","Price"', '"Price","Hour"')
    said = framed(tmp_path, DAY + swapped).refusal
    assert said and "line 8 is a second heading that names its columns in another order" in said
    said = framed(tmp_path, DAY + '"D","01/04/2019","03",1\n').refusal
    assert said and "line 7 stands below the trailer in line 6" in said


@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_a_title_may_follow_a_trailer_that_ends_no_line(tmp_path: Path, mark: str) -> None:
    """So it is where reports that end without a line end are joined."""
    result = framed(tmp_path, DAY.rstrip("\n") + mark + NEXT_DAY)
    assert (read(result), result.warning) == (PRICES + NEXT_PRICES, None)
    assert result.skipped_lines == (6, 7, 8, 11)
    short = DAY.replace('"D","01/04/2019","02",31.19\n', "").rstrip("\n")
    said = framed(tmp_path, short + mark + NEXT_DAY).refusal
    assert said and "its trailer speaks of 2 lines, but 1 are there (line 5)" in said


def test_what_pandas_leaves_of_a_report_is_read_with_a_warning(tmp_path: Path) -> None:
    table = "H,Date,Hour,Price\nD,01/04/2019,01,30.19\nD,01/04/2019,02,31.19\n"
    result = framed(tmp_path, table)
    assert read(result) == PRICES
    assert result.layout and result.layout.header_line == 0
    assert result.layout.timestamp_format == "%-m/%-d/%Y"
    assert result.read_path == str(tmp_path / "raw/isone/framed/all.csv")
    assert result.warning == (
        "has lost its comments and its trailer, which tells the number of lines, so that nobody "
        "knows whether it is complete"
    )


def test_what_is_left_of_the_frame_is_no_data(tmp_path: Path) -> None:
    rows = "D,01/04/2019,01,30.19\nD,01/04/2019,02,31.19\n"
    table = f"H,Date,Hour,Price\nH,Date,HE,Number\n{rows}T,2 lines,,\n"
    result = framed(tmp_path, table)
    assert (read(result), result.warning) == (PRICES, None)
    index = "".join(
        f"{'' if number == 0 else number - 1},{line}\n"
        for number, line in enumerate(table.splitlines())
    )
    result = framed(tmp_path, index)
    assert (read(result), result.warning) == (PRICES, None)
    result = framed(tmp_path, f"H,Date,Hour,Price\n{rows}T,2 lines\n")
    assert (read(result), result.warning) == (PRICES, None)


@pytest.mark.parametrize(
    "lost", ['"T","2 lines"\n', '"D","01/04/2019","02",31.19\n"T","2 lines"\n']
)
@pytest.mark.parametrize("kept", [DAY, DAY.partition("\n")[2]], ids=["comments", "types"])
def test_a_report_in_its_frame_without_trailer_is_incomplete(
    tmp_path: Path, kept: str, lost: str
) -> None:
    said = framed(tmp_path, kept.replace(lost, "")).refusal
    assert said and "is incomplete: its last line is" in said


def test_blank_lines_do_not_count_against_a_trailer(tmp_path: Path) -> None:
    result = framed(tmp_path, DAY.replace('"T"', '\n"T"') + "\n")
    assert read(result) == PRICES


# --- Sheets of notes -----------------------------------------------------------------------------


def test_sheets_that_explain_columns_are_left_out(tmp_path: Path) -> None:
    cells: list[list[object]] = [list(line.split(",")) for line in TEXT.splitlines()]
    notes: list[list[object]] = [["Column", "Meaning"], ["begin_utc", "start"], ["zone", "area"]]
    content = workbook({"Notes": notes, "Jan": cells, "Sheet3": [], "Feb": cells})
    results = opened(tmp_path, "x.xlsx", content, BOOK)
    assert [result.data_source.partition("!")[2] for result in results] == ["Jan", "Feb"]
    assert [read(result) for result in results] == [ROWS, ROWS]


def test_a_sheet_with_most_of_the_header_is_told(tmp_path: Path) -> None:
    cells: list[list[object]] = [list(line.split(",")) for line in TEXT.splitlines()]
    damaged: list[list[object]] = [["begin_utc", "pnode_id"], ["1/1/2022 5:00", 51288]]
    _, february = opened(tmp_path, "x.xlsx", workbook({"Jan": cells, "Feb": damaged}), BOOK)
    assert february.refusal is not None
    assert february.refusal.startswith("line 1: the header of book lacks total_lmp_da")


# --- Names -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "in_r"),
    [
        ("LBMP ($/MWHr)", "LBMP....MWHr."),
        ("10 Min Spinning", "X10.Min.Spinning"),
        ("_id", "X_id"),
        (".5 hours", "X.5.hours"),
        (".z", ".z"),
        ("pnode_id", "pnode_id"),
        ("", "X"),
    ],
)
def test_names_are_made_as_r_makes_them(name: str, in_r: str) -> None:
    assert name_in_r(name) == in_r


# --- Words ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "said"),
    [
        (
            "begin_utc,pnode_id,nomogram,cause",
            "is another report (it has nomogram, cause and no total_lmp_da in line 1): move it out "
            "of this folder",
        ),
        (
            "begin_utc,a,b,c,d,e",
            "is another report (it has a, b, c, d, ... and no pnode_id, total_lmp_da in line 1): "
            "move it out of this folder",
        ),
        (
            "begin_utc,total_lmp_da,row_is_current",
            "line 1: the header of hourly lacks pnode_id (found begin_utc, total_lmp_da, "
            "row_is_current): restore the published header",
        ),
    ],
)
def test_a_sibling_is_told_from_a_damaged_header(tmp_path: Path, header: str, said: str) -> None:
    assert refusal(tmp_path, HOURLY, "x.csv", f"{header}\n1,2,3,4\n") == said


# --- What the operator calls its files -----------------------------------------------------------


NAMED = replace(
    HOURLY,
    file_names="damlbmp_zone",
    siblings=(("pjm/real_time", "rtlbmp_zone"), ("pjm/other", "(?<!x)rsv")),
)


@pytest.mark.parametrize(
    ("name", "is_refused"),
    [
        ("20220718rtlbmp_zone.csv", True),
        ("RTLBMP_ZONE_west.csv", True),
        ("20220718damlbmp_zone.csv", False),
        ("rtlbmp_zone and damlbmp_zone.csv", False),
        ("all.csv", False),
        ("rtlbmp_zone/all.csv", False),
        ("2024.csv", False),
        ("da_and_rt.csv", False),
    ],
)
def test_a_file_called_like_a_sibling_is_refused(
    tmp_path: Path, name: str, is_refused: bool
) -> None:
    (result,) = opened(tmp_path, name, TEXT, NAMED)
    assert result.refusal == (
        "is called as files of pjm/real_time are: move it to that folder (rename it if it is what "
        "this folder is for)"
        if is_refused
        else None
    )


def test_a_member_tells_before_its_archive(tmp_path: Path) -> None:
    content = zipped(
        {
            "20220701damlbmp_zone.csv": TEXT.encode(),
            "20220701rtlbmp_zone.csv": TEXT.encode(),
            "day.csv": TEXT.encode(),
        }
    )
    results = opened(tmp_path, "20220701rtlbmp_zone_csv.zip", content, NAMED)
    assert [result.refusal is None for result in results] == [True, False, False]


def test_a_name_counts_only_where_the_columns_may_be_of_that_report(tmp_path: Path) -> None:
    real_time = replace(HOURLY, name="real_time")
    (result,) = opened(tmp_path, "rtlbmp_zone.csv", TEXT, NAMED, (real_time,))
    assert result.refusal is not None
    other = replace(real_time, columns=(Column("begin_utc", "timestamp"), Column("mw", "double")))
    (result,) = opened(tmp_path, "rtlbmp_zone.csv", TEXT, NAMED, (other,))
    assert result.refusal is None


REAL_TIME = replace(FRAMED, name="real_time", title="Real-Time", file_names="lmp_rt")
PRELIMINARY = replace(
    FRAMED,
    name="preliminary",
    columns=(*FRAMED.columns[:2], Column("Prelim Price", "double")),
    title="Real-Time",
    siblings=((REAL_TIME.folder, "lmp_rt"), (FRAMED.folder, "lmp_da")),
)


@pytest.mark.parametrize(
    ("name", "title", "folder"),
    [
        ("all.csv", '"C","Real-Time Report"\n', REAL_TIME.folder),
        ("all.csv", '"C","Day-Ahead Report"\n', FRAMED.folder),
        ("lmp_rt.csv", "", REAL_TIME.folder),
        ("lmp_da.csv", "", FRAMED.folder),
        ("lmp_da.csv", '"C","Real-Time Report"\n', REAL_TIME.folder),
    ],
)
def test_title_and_name_tell_reports_apart_that_share_a_header(
    tmp_path: Path, name: str, title: str, folder: str
) -> None:
    """Sent to the folder of day-ahead prices, real-time ones would be published as such."""
    content = f'{title}"H","Date","Hour","Price"\n"D","06/02/2026","01",34.49\n"T","1 lines"\n'
    (result,) = opened(tmp_path, name, content, PRELIMINARY, (FRAMED, REAL_TIME))
    assert result.refusal == f"line 1 is the header of {folder}: move it to that folder"


def test_columns_that_a_report_may_have_had_are_no_reason_to_move_its_files(tmp_path: Path) -> None:
    """Files of real time that have the columns of another report would be sent to and fro."""
    columns = (*HOURLY.columns, Column("mileage", "double"))
    real_time = replace(HOURLY, name="real_time", columns=columns, older_columns_of="hourly")
    (result,) = opened(tmp_path, "rtlbmp_zone.csv", TEXT, real_time, (HOURLY,))
    assert result.refusal == (
        "line 1 is the header of pjm/hourly: move it to that folder if it is of that report; older "
        "files of pjm/real_time may have the same columns, and are not read"
    )
    (result,) = opened(tmp_path / "again", "rtlbmp_zone.csv", TEXT, NAMED, (real_time,))
    assert "is called as files of pjm/real_time are" in str(result.refusal)


def test_a_sibling_of_other_columns_is_told_by_its_name(tmp_path: Path) -> None:
    content = TEXT.replace("total_lmp_da", "mw")
    assert "files of pjm/real_time are" in refusal(tmp_path, NAMED, "rtlbmp_zone.csv", content)


# --- The inventory -------------------------------------------------------------------------------


def test_the_inventory_keeps_the_lines_that_are_blanked(tmp_path: Path) -> None:
    path = tmp_path / "raw/pjm/hourly/all.csv"
    path.parent.mkdir(parents=True)
    path.write_text(TEXT * 2)
    with duckdb.connect() as connection:
        connection.execute(SCHEMA)

        def update(report: Report) -> tuple[object, ...]:
            update_inventory(
                connection, tmp_path / "raw", tmp_path / "cache", ["pjm"], [report], [], _silent
            )
            return connection.execute(
                "select lines, refusal, list(skipped.line) from inventory.raw_files"
                " left join inventory.skipped_lines as skipped using (file_id) group by all"
            ).fetchall()[0]

        assert update(HOURLY) == (4, None, [4])
        assert update(HOURLY) == (4, None, [4])
        copies = list((tmp_path / "cache/links").iterdir())
        assert len(copies) == 1
        copies[0].unlink()
        assert update(HOURLY) == (4, None, [4])
        assert [path.name for path in (tmp_path / "cache/links").iterdir()] == [copies[0].name]
        # Facts about names are part of what an entry depends on.
        named = replace(HOURLY, siblings=(("pjm/other", "all"),))
        assert update(named)[1] is not None
    assert inventory._definition(named, tmp_path) != inventory._definition(HOURLY, tmp_path)


def _silent(label: str, done: int, total: int) -> None:
    pass
