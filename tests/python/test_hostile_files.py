"""Raw files that are broken, hostile or out of reach: refused by name, they stop no other."""

from __future__ import annotations

import errno
import gzip
import io
import json
import os
import shutil
import socket
import struct
import subprocess
import sys
import time
import warnings
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest
from dbt_common.exceptions import DbtRuntimeError
from openpyxl import Workbook

from building import build
from small_project import START_OF_NOTHING
from unified_iso import inventory
from unified_iso.inventory import SCHEMA, update_inventory
from unified_iso.limits import DEFAULT, Budget, Exceeded, Limits, bytes_of, read_limits
from unified_iso.machine import MachineError
from unified_iso.plugin import Plugin
from unified_iso.raw_files import archives, copies, csv_files, inspection, lines, listing
from unified_iso.raw_files.archives import unpack
from unified_iso.raw_files.inspection import inspect
from unified_iso.raw_files.lines import Records, count_records
from unified_iso.raw_files.listing import list_raw_files, list_strays
from unified_iso.raw_files.records import Column, Inspected, Listed, Report
from unified_iso.sample import SampleOptions, write_sample

PRICES = Report(
    iso="pjm",
    name="prices",
    columns=(Column("stamp", "varchar"), Column("node", "varchar"), Column("price", "double")),
    books=True,
)
OTHER = replace(PRICES, iso="nyiso")
REPORTS = (PRICES, OTHER)
TEXT = b"stamp,node,price\n2024-03-08 00:00,HUB,25.14\n2024-03-08 01:00,HUB,26.00\n"
FOLDER = "pjm/prices"
SHEET = "xl/worksheets/sheet1.xml"


def written(path: Path, content: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def zipped(*members: tuple[str, bytes], packing: int = zipfile.ZIP_DEFLATED) -> bytes:
    stream = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(stream, "w", packing) as archive:
        warnings.simplefilter("ignore")
        for name, content in members:
            archive.writestr(zipfile.ZipInfo(name), content, compress_type=packing)
    return stream.getvalue()


def flipped(content: bytes, at: int) -> bytes:
    return content[:at] + bytes([content[at] ^ 0xFF]) + content[at + 1 :]


def workbook(
    change: Callable[[str, bytes], bytes | None] = lambda name, part: part,
    rows: int = 2,
    extra: dict[str, bytes] | None = None,
) -> bytes:
    """A workbook of one sheet whose parts are changed as told; None leaves a part out."""
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["stamp", "node", "price"])
    for hour in range(rows):
        sheet.append([f"2024-03-08 {hour:02}:00", "HUB", 25.5])
    sound = io.BytesIO()
    book.save(sound)
    changed = io.BytesIO()
    with zipfile.ZipFile(sound) as old, zipfile.ZipFile(changed, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            part = change(name, old.read(name))
            if part is not None:
                new.writestr(name, part)
        for name, part in (extra or {}).items():
            new.writestr(name, part)
    return changed.getvalue()


def opened(tmp_path: Path, name: str, content: bytes, limits: Limits = DEFAULT) -> list[Inspected]:
    """Put a file into the report's folder, list it and open it."""
    written(tmp_path / "raw" / FOLDER / name, content)
    (listed,) = list_raw_files(tmp_path / "raw", ["pjm"])
    return inspect(tmp_path / "raw", tmp_path / "cache", listed, PRICES, REPORTS, limits)


def refusal(tmp_path: Path, name: str, content: bytes, limits: Limits = DEFAULT) -> str:
    (result,) = opened(tmp_path, name, content, limits)
    assert result.data_source == f"{FOLDER}/{name}"
    assert result.refusal is not None
    assert len(result.refusal) < 400
    return result.refusal


def left_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


# --- What one file contains -----------------------------------------------------------------------


def bad_name() -> bytes:
    return zipped(("\u00e9.csv", TEXT)).replace("\u00e9".encode(), b"\xff\xfe")


def greedy_lzma() -> bytes:
    """An LZMA member that asks for a dictionary of 4 GB."""
    content = zipped(("a.csv", TEXT), packing=zipfile.ZIP_LZMA)
    at = content.index(b"\x09\x04\x05\x00") + 5
    return content[:at] + b"\xff" * 4 + content[at + 4 :]


def encrypted() -> bytes:
    content = bytearray(zipped(("a.csv", TEXT)))
    content[6] |= 1
    content[content.index(b"PK\x01\x02") + 8] |= 1
    return bytes(content)


def long_directory() -> bytes:
    """An archive that says its list of members is longer than any may be."""
    content = bytearray(zipped(("a.csv", TEXT)))
    struct.pack_into("<L", content, content.rindex(b"PK\x05\x06") + 12, 0xF0000000)
    return bytes(content)


BAD_ZIPS = {
    "no name": (zipped(("a.csv", TEXT), ("", b"x")), "has a member without a name ('')"),
    "dot": (zipped(("a.csv", TEXT), (".", b"x")), "has a member without a name ('.')"),
    "two dots": (zipped(("a.csv", TEXT), ("..", b"x")), "leaves the folder ('..')"),
    "name no UTF-8": (bad_name(), "whose name is not valid UTF-8"),
    "encrypted": (encrypted(), "can't be unpacked (a.csv is encrypted)"),
    "bzip2 damaged": (
        flipped(zipped(("a.csv", TEXT), packing=zipfile.ZIP_BZIP2), 60),
        "is not a sound zip file (OSError: Invalid data stream)",
    ),
    "lzma damaged": (
        flipped(zipped(("a.csv", TEXT), packing=zipfile.ZIP_LZMA), 60),
        "is not a sound zip file (LZMAError",
    ),
    "lzma with damaged head": (
        flipped(zipped(("a.csv", TEXT), packing=zipfile.ZIP_LZMA), 38),
        "can't be unpacked (LZMA)",
    ),
    "lzma that wants much memory": (greedy_lzma(), "can't be unpacked (LZMA)"),
    "inner zip damaged": (
        zipped(("a.csv", TEXT), ("b.zip", b"PK\x03\x04junk")),
        "holds b.zip, which is not a sound zip file",
    ),
    "endless directory": (long_directory(), "holds more than 100,000 members"),
}


@pytest.mark.parametrize("fault", BAD_ZIPS)
def test_a_bad_zip_is_refused_by_what_is_wrong_with_it(tmp_path: Path, fault: str) -> None:
    content, said = BAD_ZIPS[fault]
    assert said in refusal(tmp_path, "a.zip", content)
    assert not left_in(tmp_path / "cache")


@pytest.mark.parametrize(
    "packing", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]
)
def test_every_way_of_packing_is_read(tmp_path: Path, packing: int) -> None:
    content = b"prefix" + zipped(("a.csv", TEXT * 3000), ("b.csv", TEXT), packing=packing)
    archive = written(tmp_path / "a.zip", content)
    first, second = unpack(archive, tmp_path / "cache")
    assert first.cached.read_bytes() == TEXT * 3000
    assert second.cached.read_bytes() == TEXT


LAUGHS = (
    b'<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "aaaaaaaaaa">'
    + b"".join(b'<!ENTITY %c "%s">' % (98 + i, b"&%c;" % (97 + i) * 10) for i in range(9))
    + b"]><worksheet><sheetData><row r='1'><c r='A1'><v>&j;</v></c></row></sheetData></worksheet>"
)
BAD_BOOKS: dict[str, tuple[Callable[[str, bytes], bytes | None], str]] = {
    "sheet cut": (lambda n, p: p[: len(p) // 2] if n == SHEET else p, "is not a sound workbook"),
    "sheet of rubbish": (lambda n, p: b"<<&&" if n == SHEET else p, "is not a sound workbook"),
    "sheet empty": (lambda n, p: b"" if n == SHEET else p, "is not a sound workbook"),
    "sheet gone": (lambda n, p: None if n == SHEET else p, "without a sheet of cells"),
    "workbook broken": (lambda n, p: b"<x" if n == "xl/workbook.xml" else p, "is not a sound"),
    "styles broken": (lambda n, p: b"<x" if n == "xl/styles.xml" else p, "is not a sound"),
    "theme no XML": (lambda n, p: b"\x00" if n == "[Content_Types].xml" else p, "is not a sound"),
    "relations gone": (lambda n, p: None if n.endswith("workbook.xml.rels") else p, "not a sound"),
    "price of letters": (lambda n, p: p.replace(b"25.5", b"abc"), "is not a sound workbook"),
    "cell nowhere": (lambda n, p: p.replace(b'"C2"', b'"??"'), "is not a sound workbook"),
    "entities": (lambda n, p: LAUGHS if n == SHEET else p, f"declares entities in {SHEET}"),
    "a row twice": (lambda n, p: p.replace(b'r="3"', b'r="2"'), "has rows out of order"),
    "row without end": (lambda n, p: p.replace(b'r="3"', b'r="999999999"'), "1,048,576 rows"),
}


@pytest.mark.parametrize("fault", BAD_BOOKS)
def test_a_bad_workbook_is_refused_by_what_is_wrong_with_it(tmp_path: Path, fault: str) -> None:
    change, said = BAD_BOOKS[fault]
    assert said in refusal(tmp_path, "a.xlsx", workbook(change))
    assert not left_in(tmp_path / "cache")


def test_a_workbook_of_charts_only_is_refused(tmp_path: Path) -> None:
    book = Workbook()
    book.create_chartsheet()
    book.remove(book.worksheets[0])
    stream = io.BytesIO()
    book.save(stream)
    assert "without a sheet of cells" in refusal(tmp_path, "a.xlsx", stream.getvalue())


def test_no_byte_of_an_archive_can_stop_a_run(tmp_path: Path) -> None:
    """Whatever byte is damaged, the file is read, or refused; nothing is raised."""
    path = tmp_path / "raw" / FOLDER / "a"
    for ending, content in ((".zip", zipped(("a.csv", TEXT))), (".xlsx", workbook())):
        file = path.with_suffix(ending)
        for at in range(0, len(content), max(len(content) // 150, 1)):
            written(file, flipped(content, at))
            (listed,) = list_raw_files(tmp_path / "raw", ["pjm"])
            assert inspect(tmp_path / "raw", tmp_path / "cache", listed, PRICES, REPORTS)
        file.unlink()


def test_an_error_nobody_thought_of_is_the_refusal_of_that_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise LookupError("what\n a surprise " + "x" * 1000)

    monkeypatch.setattr(csv_files, "find_layout", fail)
    said = refusal(tmp_path, "a.csv", TEXT)
    assert said.startswith("can't be read (LookupError: what a surprise xxx")


def test_equal_names_in_a_zip_are_numbered(tmp_path: Path) -> None:
    inner = zipped(("a.csv", TEXT))
    content = zipped(
        ("a.csv", TEXT),
        ("a.csv", TEXT.replace(b"25", b"99")),
        ("./a.csv", TEXT),
        ("m.zip", inner),
        ("m.zip", inner),
    )
    for _ in range(2):
        results = opened(tmp_path, "x.zip", content)
        assert [result.data_source.partition("!")[2] for result in results] == [
            "a.csv",
            "a.csv#2",
            "a.csv#3",
            "m.zip!a.csv",
            "m.zip#2!a.csv",
        ]
        assert not any(result.refusal for result in results)
        assert len({result.read_path for result in results}) == 5
        assert results[0].content_hash != results[1].content_hash


def test_a_number_is_no_part_of_a_name(tmp_path: Path) -> None:
    """Patterns of names are for the names that the operator gave."""
    report = replace(PRICES, side_files=r"^Notes\.csv$", publication_stamp=r"_(\d+)\.csv$")
    content = zipped(*[("Notes.csv", b"x\n")] * 2, *[("a_7.csv", TEXT)] * 2)
    written(tmp_path / "raw" / FOLDER / "x.zip", content)
    (listed,) = list_raw_files(tmp_path / "raw", ["pjm"])
    results = inspect(tmp_path / "raw", tmp_path / "cache", listed, report, REPORTS)
    assert [result.publication_stamp for result in results] == ["7", "7"]


def test_a_file_named_like_a_member_of_an_archive_is_refused(tmp_path: Path) -> None:
    written(tmp_path / "raw" / FOLDER / "x.zip", zipped(("a.csv", TEXT)))
    written(tmp_path / "raw" / FOLDER / "x.zip!a.csv", TEXT)
    written(tmp_path / "raw" / FOLDER / "y!a.csv", TEXT)
    found = list_raw_files(tmp_path / "raw", ["pjm"])
    assert [file.refusal for file in found] == [
        None,
        "is named like a member of an archive: rename it",
        None,
    ]


def test_sheets_to_come_may_be_without_rows(tmp_path: Path) -> None:
    header = TEXT.split(b"\n")[0] + b"\n"
    march, april = opened(tmp_path, "x.zip", zipped(("march.csv", TEXT), ("april.csv", header)))
    assert (march.refusal, april.refusal, april.lines) == (None, None, 0)
    for result in opened(tmp_path, "x.zip", zipped(("march.csv", header), ("april.csv", header))):
        assert "has a header and no rows" in (result.refusal or "")


LINES = TEXT.splitlines()
LINE_ENDS = {
    "balanced": (b"\r\n".join(LINES[:2]).replace(b"HUB", b"H\rUB") + b"\n", "inside line 2"),
    "balanced further down": (
        b"\r\n".join([*LINES, *LINES[1:]]).replace(b"\r\n", b"\n", 1)
        + b"\r\n2024-03-08 02:00,H\rUB,1\r\n",
        "inside line 6",
    ),
    "returns but for one feed": (TEXT[:-1].replace(b"\n", b"\r") + b"\n", "inside line 1"),
}


@pytest.mark.parametrize("kind", LINE_ENDS)
def test_line_ends_that_differ_are_told_with_their_line(tmp_path: Path, kind: str) -> None:
    content, said = LINE_ENDS[kind]
    assert said in refusal(tmp_path, "a.csv", content)


@pytest.mark.parametrize("offset", [-1, 0, 1, 2])
def test_a_pair_of_return_and_feed_is_seen_over_blocks(tmp_path: Path, offset: int) -> None:
    head = TEXT.replace(b"\n", b"\r\n")
    line = b"2024-03-08 02:00,HUB,1\r\n"
    size = lines.BLOCK + offset - len(head) - 21
    node = b"x" * (size % len(line))
    content = head + line * (size // len(line)) + b"2024-03-08 02:00,%s,1\r\n" % node + line
    assert content.index(b"\r\n", lines.BLOCK - 4) == lines.BLOCK + offset - 2
    (result,) = opened(tmp_path, "a.csv", content)
    assert result.refusal is None
    assert result.read_path == str(tmp_path / "raw" / FOLDER / "a.csv")


# --- What one file is -----------------------------------------------------------------------------


def make_pipe(path: Path) -> None:
    os.mkfifo(path)


def make_socket(path: Path) -> None:
    here = Path.cwd()
    os.chdir(path.parent)
    try:
        socket.socket(socket.AF_UNIX).bind(path.name)
    finally:
        os.chdir(here)


IRREGULAR: dict[str, tuple[Callable[[Path], object], str]] = {
    "pipe.csv": (make_pipe, "is a pipe"),
    "pipe.zip": (make_pipe, "is a pipe"),
    "pipe.xlsx": (make_pipe, "is a pipe"),
    "pipe.html": (make_pipe, "is a pipe"),
    "pipe.xml": (make_pipe, "is a pipe"),
    "socket.csv": (make_socket, "is a socket"),
    "zero.csv": (lambda path: path.symlink_to("/dev/zero"), "is a device"),
    "null.csv.gz": (lambda path: path.symlink_to("/dev/null"), "is a device"),
    "loop.csv": (lambda path: path.symlink_to("loop.csv"), "symbolic links"),
    "gone.csv": (lambda path: path.symlink_to("nowhere"), "No such file"),
}


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such files")
@pytest.mark.parametrize("name", IRREGULAR)
def test_what_is_no_regular_file_is_refused_without_being_opened(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    make, said = IRREGULAR[name]
    path = tmp_path / "raw" / FOLDER / name
    path.parent.mkdir(parents=True)
    make(path)

    def never(*_: Any, **__: Any) -> None:
        raise AssertionError("it was opened")

    monkeypatch.setattr(Path, "open", never)
    (listed,) = list_raw_files(tmp_path / "raw", ["pjm"])
    (result,) = inspect(tmp_path / "raw", tmp_path / "cache", listed, PRICES, REPORTS)
    assert said in (result.refusal or "")
    # A file may become something else between its listing and its opening.
    bare = Listed("pjm", "prices", listed.path, 0, 0)
    (result,) = inspect(tmp_path / "raw", tmp_path / "cache", bare, PRICES, REPORTS)
    assert said in (result.refusal or "")


def test_a_folder_that_vanishes_during_the_walk_is_refused_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = tmp_path / "raw"
    written(raw / FOLDER / "a" / "a.csv", TEXT)
    written(raw / FOLDER / "b" / "b.csv", TEXT)
    scan = os.scandir

    def scan_late(folder: Path) -> Any:
        if Path(folder).name == "b":
            (Path(folder) / "b.csv").unlink()
            Path(folder).rmdir()
        return scan(folder)

    monkeypatch.setattr(os, "scandir", scan_late)
    first, second = list_raw_files(raw, ["pjm"])
    assert (first.path, first.refusal) == (f"{FOLDER}/a/a.csv", None)
    assert (second.path, second.is_folder) == (f"{FOLDER}/b", True)
    assert "No such file or directory" in (second.refusal or "")


def test_a_link_that_may_not_be_followed_stops_nothing(
    database: duckdb.DuckDBPyConnection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its target may not even be looked at, so nobody knows whether it is a folder."""
    raw = tmp_path / "raw"
    disk = written(tmp_path / "disk" / "a.csv", TEXT).parent
    (raw / FOLDER).mkdir(parents=True)
    (raw / FOLDER / "more").symlink_to(disk)
    (raw / "more").symlink_to(disk)
    update(database, raw)
    told = states(database)
    assert told[f"{FOLDER}/more/a.csv"] == SOUND
    look = os.stat

    def denied(path: Any, *rest: Any, **more: Any) -> os.stat_result:
        if os.fspath(path).endswith("more") and more.get("follow_symlinks", True):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return look(path, *rest, **more)

    with monkeypatch.context() as patched:
        patched.setattr(os, "stat", denied)
        patched.setattr(listing, "_is_folder", lambda path: stat_says_folder(Path(path)))
        update(database, raw)
        is_present, said, _ = states(database)[f"{FOLDER}/more/a.csv"]
        assert is_present
        assert "is a link to nothing that can be read" in (said or "")


def stat_says_folder(path: Path) -> bool:
    """A directory entry asks the system by itself; this asks what a test has put in its place."""
    try:
        return path.is_dir()
    except OSError:
        return False


def test_links_that_lead_back_are_not_followed(tmp_path: Path) -> None:
    raw = tmp_path / "above" / "raw"
    written(raw / FOLDER / "a.csv", TEXT)
    elsewhere = written(tmp_path / "elsewhere" / "b.csv", TEXT).parent
    (elsewhere / "back").symlink_to(tmp_path / "above")
    for name, target in (("all", "/"), ("raw", raw), ("up", ".."), ("other", elsewhere)):
        (raw / FOLDER / name).symlink_to(target)
    found = {file.path: file.refusal for file in list_raw_files(raw, ["pjm"])}
    back = "is a link to a folder that holds the raw folder, and is not followed: remove it"
    assert found == {
        f"{FOLDER}/a.csv": None,
        f"{FOLDER}/all": back,
        f"{FOLDER}/other/b.csv": None,
        f"{FOLDER}/other/back": back,
        f"{FOLDER}/raw": back,
    }


def test_a_folder_of_two_names_is_listed_under_its_own(tmp_path: Path) -> None:
    written(tmp_path / "raw/pjm/prices/a.csv", TEXT)
    for name in ("a_link", "z_link"):
        (tmp_path / "raw/pjm" / name).symlink_to("prices")
    assert [file.path for file in list_raw_files(tmp_path / "raw", ["pjm"])] == [f"{FOLDER}/a.csv"]


KNOWN = {("pjm", "prices"), ("nyiso", "prices")}


def test_a_file_in_the_place_of_a_folder_is_refused_by_name(tmp_path: Path) -> None:
    raw = tmp_path / "raw"
    written(raw / "nyiso", b"x")
    written(raw / "pjm/prices", b"x")
    found = list_raw_files(raw, ["nyiso", "pjm"], KNOWN)
    assert [(file.path, file.refusal) for file in found] == [
        ("nyiso", "is no folder: the operator's raw files belong there"),
        ("pjm/prices", "is no folder: the report's raw files belong there"),
    ]


def test_what_belongs_to_no_operator_is_told(tmp_path: Path) -> None:
    raw = tmp_path / "raw"
    for name in (
        *("pjm/prices/a.csv", "NYISO/prices/a.csv", "misc/deep/er/a.zip", "a.csv"),
        *("truth/a.parquet", "README.md", ".git/a.csv", "out/.unified-iso/cache/a.csv"),
    ):
        written(raw / name, TEXT)
    (raw / "back").symlink_to("/")
    told = {file.path: file.refusal or "" for file in list_strays(raw, ["pjm", "nyiso"])}
    assert sorted(told) == ["NYISO", "a.csv", "back", "misc"]
    assert "rename it to nyiso" in told["NYISO"]
    assert "move it to a report folder of one of nyiso, pjm" in told["a.csv"]
    assert "it holds deep/er/a.zip" in told["misc"]
    assert "is not followed" in told["back"]


# --- The machine ----------------------------------------------------------------------------------

ERRORS = [OSError(number, os.strerror(number)) for number in (errno.ENOSPC, errno.EIO)] + [
    OSError(errno.EMFILE, os.strerror(errno.EMFILE)),
    MemoryError(),
]


def raised(error: BaseException) -> Callable[..., Any]:
    def fail(*_: Any, **__: Any) -> Any:
        raise error

    return fail


def wrapped(error: BaseException) -> Callable[..., Any]:
    """What libraries do: an error of their own, with the one of the system as its cause."""

    def fail(*_: Any, **__: Any) -> Any:
        raise ValueError("could not read the workbook") from error

    return fail


PLACES: dict[str, tuple[str, bytes, Any, str]] = {
    "hashing": ("a.zip", zipped(("a.csv", TEXT)), inspection, "hash_file"),
    "reading": ("a.csv", TEXT, csv_files, "read_through"),
    "unpacking": ("a.zip", zipped(("a.csv", TEXT)), archives, "_pieces"),
    "copying": ("a.csv", TEXT + b"x,y,1\r\n", copies, "_with_line_feed"),
    "linking": ("a[1].csv", TEXT, copies, "unused_link"),
    "reading a workbook": ("a.xlsx", workbook(), archives, "load_workbook"),
    "reading a reply": ("a.html", b"<html>", inspection, "beginning_of"),
    "listing": ("a.csv", TEXT, os, "scandir"),
}


@pytest.mark.parametrize("error", ERRORS, ids=["ENOSPC", "EIO", "EMFILE", "memory"])
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("way", [raised, wrapped])
def test_an_error_of_the_machine_judges_no_file(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    place: str,
    error: BaseException,
    way: Callable[[BaseException], Callable[..., Any]],
) -> None:
    name, content, module, function = PLACES[place]
    if place == "listing" and way is wrapped:
        pytest.skip("nothing stands between")
    if isinstance(error, MemoryError) and place in ("listing", "reading a reply"):
        pytest.skip("an error of the system's calls is enough here")
    written(tmp_path / "raw" / FOLDER / name, content)
    with monkeypatch.context() as patched, pytest.raises(MachineError) as stopped:
        if place in ("listing", "reading a reply") and way is raised:
            patched.setattr(module, function, way(error))
        (listed,) = list_raw_files(tmp_path / "raw", ["pjm"])
        patched.setattr(module, function, way(error))
        inspect(tmp_path / "raw", tmp_path / "cache", listed, PRICES, REPORTS)
    assert str(tmp_path / "raw" / "pjm") in str(stopped.value)
    assert place == "listing" or name in str(stopped.value)
    assert "could not be read" in str(stopped.value)
    assert not left_in(tmp_path / "cache")


def test_a_cache_that_can_not_be_written_judges_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that may not be read is refused; a cache that may not be written stops the run."""
    mkdir = Path.mkdir

    def denied(path: Path, *rest: Any, **more: Any) -> None:
        if "cache" in path.parts:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        mkdir(path, *rest, **more)

    monkeypatch.setattr(Path, "mkdir", denied)
    with pytest.raises(MachineError, match=r"a\.zip could not be read: the cache .* can't be writ"):
        opened(tmp_path, "a.zip", zipped(("a.csv", TEXT)))
    (tmp_path / "raw" / FOLDER / "a.zip").unlink()
    monkeypatch.setattr(
        csv_files, "read_through", raised(PermissionError(errno.EACCES, "Permission denied"))
    )
    assert refusal(tmp_path, "a.csv", TEXT) == (
        "can't be read (Permission denied): check the file and its rights"
    )


@pytest.mark.skipif(sys.platform != "linux", reason="the size of a file is limited by the kernel")
@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.zip", zipped(("a.csv", TEXT * 5000))),
        ("b.zip", zipped(("b.zip", zipped(("a.csv", TEXT * 5000), packing=zipfile.ZIP_STORED)))),
        ("c.xlsx", workbook(rows=5000)),
        ("d.csv", TEXT * 5000 + b"x,y,1\r\n"),
    ],
    ids=["member", "inner zip", "sheet", "copy with line feeds"],
)
def test_a_cache_that_is_full_judges_no_file(tmp_path: Path, name: str, content: bytes) -> None:
    import resource

    written(tmp_path / "raw" / FOLDER / name, content)
    (listed,) = list_raw_files(tmp_path / "raw", ["pjm"])
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, before[1]))
    try:
        with pytest.raises(MachineError, match=rf"{name} could not be read: the cache .* writ"):
            inspect(tmp_path / "raw", tmp_path / "cache", listed, PRICES, REPORTS)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert not left_in(tmp_path / "cache")


def test_an_error_of_the_machine_is_told_by_the_plugin(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plugin = Plugin("unified_iso", {"raw": str(tmp_path), "out": str(tmp_path)})
    plugin._connection = duckdb.connect()
    monkeypatch.setattr(
        "unified_iso.plugin.start", raised(MachineError("no space left for /raw/a.zip"))
    )
    target: Any = type("Target", (), {"config": START_OF_NOTHING})()
    with pytest.raises(DbtRuntimeError, match=r"no space left for /raw/a\.zip"):
        plugin.store(target)


# --- Limits ---------------------------------------------------------------------------------------

SMALL = Limits(unpacked=1_000_000, ratio=50, small=10_000, members=20, seconds=600)
ZEROS = TEXT + b"0" * 400_000


def many(count: int) -> bytes:
    return zipped(*((f"{number}.csv", b"x") for number in range(count)))


def lying(content: bytes) -> bytes:
    """The same archive, whose member says it is small."""
    return content.replace(struct.pack("<L", len(ZEROS)), struct.pack("<L", 100))


BOMBS = {
    "gz, ratio": (
        "a.csv.gz",
        gzip.compress(ZEROS),
        "50 times its size: check it, or raise --max-r",
    ),
    "gz, size": ("a.csv.gz", gzip.compress(os.urandom(1_000_100)), "more than 1 MB: check it, or"),
    "zip, ratio": ("a.zip", zipped(("a.csv", ZEROS)), "--max-ratio"),
    "zip, size": ("a.zip", zipped(*(2 * [("a.csv", os.urandom(600_000))])), "--max-unpacked"),
    "gz in zip": ("a.zip", zipped(("a.csv.gz", gzip.compress(ZEROS))), "--max-ratio"),
    "zip in zip": ("a.zip", zipped(("a.zip", zipped(("a.csv", ZEROS)))), "--max-ratio"),
    "bzip2": ("a.zip", zipped(("a.csv", ZEROS), packing=zipfile.ZIP_BZIP2), "--max-ratio"),
    "lzma": ("a.zip", zipped(("a.csv", ZEROS), packing=zipfile.ZIP_LZMA), "--max-ratio"),
    "members": ("a.zip", many(21), "more than 20 members: check it, or raise --max-members"),
    "members within": ("a.zip", zipped(("a.zip", many(12)), ("b.zip", many(12))), "--max-members"),
    "sheet": (
        "a.xlsx",
        workbook(lambda n, p: p.replace(b"</row>", b" " * 400_000 + b"</row>", 1)),
        "--max-ratio",
    ),
    "shared strings": (
        "a.xlsx",
        workbook(extra={"xl/sharedStrings.xml": b"<sst>" + b" " * 400_000 + b"</sst>"}),
        "--max-ratio",
    ),
}


@pytest.mark.parametrize("kind", BOMBS)
def test_a_bomb_is_refused_by_the_limit_it_breaks_and_leaves_nothing(
    tmp_path: Path, kind: str
) -> None:
    name, content, said = BOMBS[kind]
    (result,) = opened(tmp_path, name, content, SMALL)
    assert said in (result.refusal or "")
    if not name.endswith(".gz") and kind != "gz in zip":
        assert not left_in(tmp_path / "cache")


@pytest.mark.parametrize("packing", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_the_size_an_archive_declares_is_not_trusted(tmp_path: Path, packing: int) -> None:
    content = lying(zipped(("a.csv", ZEROS), packing=packing))
    assert "is not a sound zip file" in refusal(tmp_path, "a.zip", content, SMALL)
    assert not left_in(tmp_path / "cache")


def test_small_files_may_unpack_to_many_times_their_size(tmp_path: Path) -> None:
    limits = replace(SMALL, small=500_000)
    (result,) = opened(tmp_path, "a.csv.gz", gzip.compress(ZEROS), limits)
    assert result.refusal is None


def test_a_part_that_is_held_in_memory_has_a_limit_of_its_own(tmp_path: Path) -> None:
    book = workbook(extra={"xl/sharedStrings.xml": b"<sst>" + b" " * 400_000 + b"</sst>"})
    said = refusal(tmp_path, "a.xlsx", book, Limits(in_memory=300_000))
    assert "too large to be held in memory (xl/sharedStrings.xml)" in said


def test_a_workbook_that_takes_too_long_is_refused(tmp_path: Path) -> None:
    said = refusal(tmp_path, "a.xlsx", workbook(rows=20), Limits(seconds=0))
    assert "takes longer than 0 seconds" in said
    assert "--max-file-seconds" in said


def test_four_thousand_members_take_linear_time(tmp_path: Path) -> None:
    """A member costs the same however many came before it."""
    seconds = []
    for count in (1000, 4000):
        archive = written(tmp_path / f"{count}.zip", many(count))
        began = time.process_time()
        assert len(unpack(archive, tmp_path / "cache")) == count
        seconds.append(time.process_time() - began)
    assert seconds[1] < 8 * seconds[0] + 0.5


BOMB_SCRIPT = """
import resource, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from test_hostile_files import PRICES, REPORTS, Limits, inspect, list_raw_files
raw = Path(sys.argv[2])
(listed,) = list_raw_files(raw, ["pjm"])
used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + (64 << 20),) * 2)
limits = Limits(ratio=float(sys.argv[3]))
found = inspect(raw, raw.parent / "cache", listed, PRICES, REPORTS, limits)
print([result.refusal or result.lines for result in found])
"""


def with_64_megabytes(tmp_path: Path, name: str, content: bytes, ratio: float) -> str:
    """What comes of opening a file in a process that may take 64 MB more than it has."""
    written(tmp_path / "raw" / FOLDER / name, content)
    command = [sys.executable, "-c", BOMB_SCRIPT, str(Path(__file__).parent)]
    ran = subprocess.run(
        [*command, str(tmp_path / "raw"), str(ratio)], capture_output=True, text=True, check=False
    )
    assert not ran.stderr
    return ran.stdout


@pytest.mark.builds
@pytest.mark.skipif(sys.platform != "linux", reason="memory is limited by the kernel")
def test_a_gzip_bomb_of_two_gigabytes_needs_little_memory(tmp_path: Path) -> None:
    content = gzip.compress(TEXT) + 35 * gzip.compress(b"\n" * (64 << 20))
    assert len(content) < 2_500_000
    said = with_64_megabytes(tmp_path, "a.csv.gz", content, ratio=150)
    assert "150 times its size" in said


@pytest.mark.builds
@pytest.mark.skipif(sys.platform != "linux", reason="memory is limited by the kernel")
@pytest.mark.parametrize("packing", [zipfile.ZIP_BZIP2, zipfile.ZIP_DEFLATED])
def test_a_member_is_unpacked_in_pieces(tmp_path: Path, packing: int) -> None:
    """One block of bzip2, a few bytes, can hold 45 MB, and several are read at once."""
    content = zipped(("a.csv", TEXT + b"0" * 160_000_000), packing=packing)
    assert with_64_megabytes(tmp_path, "a.zip", content, ratio=1e9).strip() == "[3]"


def test_a_file_of_an_operator_s_size_passes() -> None:
    """A year of PJM: 6 GB from a zip of 600 MB, in 365 members."""
    budget = Budget(DEFAULT, 600_000_000)
    budget.add_members(365)
    for _ in range(365):
        budget.expect(6_000_000_000 // 365)
        budget.add_bytes(6_000_000_000 // 365)
    with pytest.raises(Exceeded, match="64 GB"):
        budget.expect(60_000_000_000)


def test_limits_are_read_from_text() -> None:
    assert read_limits({}) == DEFAULT
    assert read_limits({"unpacked": "", "ratio": ""}) == DEFAULT
    texts = {"unpacked": "1.5 GB", "ratio": "20", "members": 7, "seconds": "9", "nesting": "2"}
    assert read_limits(texts) == Limits(unpacked=1.5e9, ratio=20, members=7, seconds=9, depth=2)
    assert bytes_of("2GiB") == 2 * 1024**3
    for bad in (
        {"unpacked": "much"},
        {"ratio": "0"},
        {"members": "-1"},
        {"seconds": "1.5"},
        {"depth": "3"},
    ):
        with pytest.raises(ValueError, match=r"write|there are"):
            read_limits(bad)
    with pytest.raises(DbtRuntimeError, match="the limit of ratio is 'x'"):
        Plugin("unified_iso", {"raw": ".", "out": ".", "limits": {"ratio": "x"}})


# --- Inventory ------------------------------------------------------------------------------------


@pytest.fixture
def database() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute(SCHEMA)
        yield connection


def update(connection: duckdb.DuckDBPyConnection, raw: Path, **changed: Any) -> None:
    arguments: dict[str, Any] = {
        "cache": raw.parent / "cache",
        "isos": ["pjm", "nyiso"],
        "reports": REPORTS,
        "known_folders": KNOWN,
        "progress": lambda label, done, total: None,
    }
    update_inventory(connection, raw, **arguments | changed)


def states(connection: duckdb.DuckDBPyConnection) -> dict[str, tuple[bool, str | None, str | None]]:
    """Presence, refusal and what hides it, of each known file."""
    rows = connection.execute(
        "select data_source, is_present, refusal, behind from inventory.raw_files"
    ).fetchall()
    assert len({row[0] for row in rows}) == len(rows)
    return {source: (is_present, said, behind) for source, is_present, said, behind in rows}


SOUND = (True, None, None)


def knowledge(connection: duckdb.DuckDBPyConnection) -> list[tuple[Any, ...]]:
    return (
        connection.execute(
            "select * exclude (ctime_ns, mtime_ns) from inventory.raw_files"
            " where content_hash is not null order by data_source"
        ).fetchall()
        + connection.execute("from inventory.coverage order by all").fetchall()
    )


def close(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the rights to a folder away; the tests may run as root, who has them all."""
    scan = os.scandir

    def denied(path: Any) -> Any:
        if Path(path) == folder:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", denied)


@pytest.mark.parametrize("closed", ["pjm/prices/2024", "pjm/prices", "pjm"])
def test_files_below_a_folder_that_can_not_be_listed_are_not_absent(
    database: duckdb.DuckDBPyConnection,
    tmp_path: Path,
    closed: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    raw = tmp_path / "raw"
    written(raw / FOLDER / "2024/20240308.csv", TEXT)
    written(raw / FOLDER / "2024/20240309.zip", zipped(("20240309.csv", TEXT)))
    written(raw / "nyiso/prices/a.csv", TEXT)
    update(database, raw)
    database.execute("update inventory.raw_files set lines_used = lines")
    before, told = knowledge(database), states(database)
    with monkeypatch.context() as patched:
        close(raw / closed, patched)
        for _ in range(2):
            update(database, raw)
            found = states(database)
            assert found.pop("nyiso/prices/a.csv") == SOUND
            is_present, said, behind = found.pop(closed)
            assert (is_present, behind) == (True, None)
            assert said == "can't be listed (Permission denied): check the folder and its rights"
            assert len(found) == 2
            for state in found.values():
                assert state == (True, f"lies in {closed}, which {said}", closed)
    update(database, raw)
    found = states(database)
    assert found.pop(closed)[0] is False
    assert found == told
    assert knowledge(database) == before


def test_a_file_that_vanished_from_a_folder_is_absent_once_the_folder_is_listed(
    database: duckdb.DuckDBPyConnection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = tmp_path / "raw"
    path = written(raw / FOLDER / "2024/a.csv", TEXT)
    update(database, raw)
    path.unlink()
    with monkeypatch.context() as patched:
        close(path.parent, patched)
        update(database, raw)
        assert states(database)[f"{FOLDER}/2024/a.csv"][0] is True
    update(database, raw)
    assert states(database)[f"{FOLDER}/2024/a.csv"][0] is False


def test_files_behind_a_link_to_nothing_are_not_absent(
    database: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    """So it looks when the disk with a part of the raw files is not there."""
    raw = tmp_path / "raw"
    disk = written(tmp_path / "disk" / "a.csv", TEXT).parent
    (raw / FOLDER).mkdir(parents=True)
    (raw / FOLDER / "more").symlink_to(disk)
    (raw / FOLDER / "idle").symlink_to(tmp_path / "nowhere")
    update(database, raw)
    assert states(database) == {f"{FOLDER}/more/a.csv": SOUND}
    disk.rename(tmp_path / "unplugged")
    update(database, raw)
    found = states(database)
    assert found[f"{FOLDER}/more/a.csv"][0] is True
    assert "is a link to nothing" in (found[f"{FOLDER}/more/a.csv"][1] or "")
    assert f"{FOLDER}/idle" not in found


def test_members_of_an_archive_that_can_not_be_opened_are_not_absent(
    database: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    raw = tmp_path / "raw"
    sound = zipped(("20240308.csv", TEXT), ("20240309.csv", TEXT))
    path = written(raw / FOLDER / "a.zip", sound)
    update(database, raw)
    database.execute("update inventory.raw_files set lines_used = lines")
    before, told = knowledge(database), states(database)
    written(path, sound[:-40])
    for _ in range(2):
        update(database, raw)
        found = states(database)
        is_present, said, behind = found.pop(f"{FOLDER}/a.zip")
        assert is_present and said and said.startswith("is not a sound zip file")
        assert behind is None
        assert set(found) == set(told)
        for state in found.values():
            assert state == (True, f"lies in {FOLDER}/a.zip, which {said}", f"{FOLDER}/a.zip")
    written(path, sound)
    update(database, raw)
    assert states(database) == told
    assert [row[:5] for row in knowledge(database)] == [row[:5] for row in before]
    written(path, sound[:-40])
    update(database, raw)
    path.unlink()
    update(database, raw)
    assert not any(state[0] for state in states(database).values())


def test_a_refusal_of_its_own_outlasts_a_closed_folder(
    database: duckdb.DuckDBPyConnection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was found later about a file is not forgotten when its folder opens again."""
    raw = tmp_path / "raw"
    path = written(raw / FOLDER / "2024/a.csv", TEXT)
    update(database, raw)
    database.execute("update inventory.raw_files set refusal = 'tells no time', lines_used = 2")
    with monkeypatch.context() as patched:
        close(path.parent, patched)
        update(database, raw)
        assert states(database)[f"{FOLDER}/2024/a.csv"] == (True, "tells no time", None)
    update(database, raw)
    ((lines_used,),) = database.execute(
        "select lines_used from inventory.raw_files where is_present"
    ).fetchall()
    assert lines_used is None


def test_an_error_of_the_machine_leaves_the_inventory_as_it_was(
    database: duckdb.DuckDBPyConnection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = tmp_path / "raw"
    written(raw / FOLDER / "a.zip", zipped(("a.csv", TEXT)))
    written(raw / FOLDER / "b.csv", TEXT)
    update(database, raw)
    before = states(database)
    shutil.rmtree(tmp_path / "cache")
    (raw / FOLDER / "b.csv").unlink()
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    with monkeypatch.context() as patched, pytest.raises(MachineError, match=r"a\.zip could not"):
        patched.setattr(archives, "_pieces", raised(full))
        update(database, raw)
    assert states(database) == before


def test_strays_are_told_whatever_operators_are_built(
    database: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    raw = tmp_path / "raw"
    written(raw / "pjm/prices/a.csv", TEXT)
    written(raw / "nyiso/prices/bad.csv", b"<html>")
    written(raw / "NYISO/prices/a.csv", TEXT)
    update(database, raw, isos=["pjm"])
    found = states(database)
    assert set(found) == {"pjm/prices/a.csv", "NYISO"}
    assert "rename it to nyiso" in (found["NYISO"][1] or "")
    (raw / "NYISO").rename(raw / "nyiso2")
    update(database, raw, isos=["pjm"])
    found = states(database)
    assert found["NYISO"][0] is False
    assert found["nyiso2"][0] is True


def test_a_change_under_the_same_size_and_time_is_seen(
    database: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    raw = tmp_path / "raw"
    path = written(raw / FOLDER / "a.csv", TEXT)
    update(database, raw)
    (before,) = knowledge(database)
    status = path.stat()
    path.write_bytes(TEXT.replace(b"25.14", b"35.14"))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert path.stat().st_size == status.st_size
    update(database, raw)
    (after,) = knowledge(database)
    assert before != after


def test_everything_is_hashed_again_when_asked(
    database: duckdb.DuckDBPyConnection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = tmp_path / "raw"
    for name in ("a.csv", "b.csv"):
        written(raw / FOLDER / name, TEXT)
    update(database, raw)
    before = knowledge(database)
    opened_again: list[str] = []

    def watched(folder: Path, cache: Path, listed: Listed, *rest: Any) -> list[Inspected]:
        opened_again.append(listed.path)
        return inspect(folder, cache, listed, *rest)

    monkeypatch.setattr(inventory, "inspect", watched)
    update(database, raw)
    assert opened_again == []
    update(database, raw, rehash=True)
    assert sorted(opened_again) == [f"{FOLDER}/a.csv", f"{FOLDER}/b.csv"]
    assert knowledge(database) == before


def test_a_database_of_an_earlier_version_opens(tmp_path: Path) -> None:
    raw = tmp_path / "raw"
    written(raw / FOLDER / "a.csv", TEXT)
    with duckdb.connect(tmp_path / "work.duckdb") as connection:
        connection.execute(SCHEMA)
        update(connection, raw)
        before = knowledge(connection)
        for column in ("ctime_ns", "behind"):
            connection.execute(f"alter table inventory.raw_files drop column {column}")
    with duckdb.connect(tmp_path / "work.duckdb") as connection:
        connection.execute(SCHEMA)
        update(connection, raw)
        assert knowledge(connection) == before
        assert states(connection) == {f"{FOLDER}/a.csv": SOUND}


@pytest.mark.skipif(sys.platform != "linux", reason="the file system refuses such names")
def test_a_folder_whose_name_is_no_utf8_stops_nothing(
    database: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    raw = tmp_path / "raw"
    written(raw / FOLDER / "a.csv", TEXT)
    written(Path(os.fsdecode(os.fsencode(raw) + b"/pjm/d\xe9/b.csv")), TEXT)
    written(Path(os.fsdecode(os.fsencode(raw) + b"/p\xe9/c.csv")), TEXT)
    update(database, raw)
    found = states(database)
    assert found.pop(f"{FOLDER}/a.csv") == SOUND
    assert sorted(found) == ["p\\udce9", "pjm/d\\udce9/b.csv"]
    assert all(said for _, said, _ in found.values())


# --- Records --------------------------------------------------------------------------------------

RECORDS: dict[str, tuple[bytes, int, int | None]] = {
    "plain": (b"a,b\n1,2\n3,4\n", 2, None),
    "not ended": (b"a,b\n1,2\n3,4", 2, None),
    "crlf": (b"a,b\r\n1,2\r\n\r\n3,4\r\n", 2, None),
    "blank lines": (b"a,b\n\n1,2\n   \n3,4\n\n", 2, None),
    "nothing": (b"a,b\n", 0, None),
    "all quoted": (b'"a","b"\n"1","2"\n"3","4"\n', 2, None),
    "a comma in quotes": (b'a,b\n"1,5",2\n3,4\n', 2, None),
    "a quote doubled": (b'a,b\n"1""5",2\n3,"""4"""\n', 2, None),
    "an empty field in quotes": (b'a,b\n"",2\n3,""\n"",""\n', 3, None),
    "blanks around quotes": (b'a,b\n1, "2"\n"3" ,4\n', 2, None),
    "quoted, crlf": (b'a,b\r\n1,"2"\r\n"3",4\r\n', 2, None),
    "a line break in quotes": (b'a,b\n"1\nx",2\n3,4\n', 2, None),
    "two line breaks in quotes": (b'a,b\n"1\n\nx",2\n3,"4\n,"\n', 2, None),
    "a doubled quote at a line's end": (b'a,b\n1,"2""\n""x"\n3,4\n', 2, None),
    "never closed": (b'a,b\n1,2\n"3,4\n5,6\n\n7,8\n', 4, 3),
    "never closed in the last line": (b'a,b\n1,2\n3,"4\n', 2, 3),
    "closed too early": (b'a,b\n1,2\n"3"x,4\n5,6\n', 3, 3),
    "closed too early, and once more": (b'a,b\n"3"x,4\n5",6\n7,8\n', 3, 2),
    "inside a field": (b'a,b\n1,2\n3x"y,4\n5,6\n', 3, 3),
    "a pair inside a field": (b'a,b\nx"y"z,2\n3,4\n', 2, 2),
    "closed in a later line by another": (b'a,b\n1,"2\n3,"4"\n5,6\n', 3, 2),
    "a stray pair over lines": (b'a,b\n"1,2\n3,4\n5",6\n7,8\n', 2, None),
    "an odd quote before sound ones": (b'a,b\n"1,2\n"3","4"\n"5","6"\n', 3, 2),
}


@pytest.mark.parametrize("kind", RECORDS)
@pytest.mark.parametrize("packed", [False, True], ids=["csv", "gz"])
def test_records_are_counted_and_quotes_out_of_place_found(
    tmp_path: Path, kind: str, packed: bool
) -> None:
    content, records, line = RECORDS[kind]
    name, stored = ("x.csv.gz", gzip.compress(content)) if packed else ("x.csv", content)
    path = written(tmp_path / name, stored)
    assert count_records(path, after=1) == Records(records, line)


def test_lines_above_the_data_are_not_judged(tmp_path: Path) -> None:
    path = written(tmp_path / "x.csv", b'the "title\na,b\n1,2\n"3,4\n')
    assert count_records(path, after=2) == Records(2, 4)


def test_a_line_without_end_is_counted_in_bounded_pieces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lines, "LONGEST_LINE", 16)
    path = written(tmp_path / "x.csv", b"a\n" + b"1" * 100 + b"\n2\n")
    assert count_records(path, after=1).records >= 2


# --- A build --------------------------------------------------------------------------------------


@pytest.mark.builds
@pytest.mark.skipif(sys.platform == "win32", reason="there are no pipes among files")
def test_files_out_of_order_stop_no_sound_operator(tmp_path: Path) -> None:
    """Every bad file is named once, and what is sound is published."""
    raw, out = tmp_path / "raw", tmp_path / "out"
    options = SampleOptions(truth=False, overlap=False, revisions=False)
    write_sample(raw, isos=["spp"], start=date(2024, 3, 8), days=1, nodes=3, options=options)
    folder = raw / "nyiso/damlbmp_zone"
    written(folder / "nameless.zip", zipped(("a.csv", TEXT), ("", b"x")))
    written(folder / "crowded.zip", many(6))
    written(folder / "bomb.csv.gz", gzip.compress(b"\n" * 70_000_000))
    written(raw / "NYISO/damlbmp_zone/a.csv", TEXT)
    os.mkfifo(folder / "pipe.csv")
    (folder / "all").symlink_to("/")
    said = {
        "NYISO": "is no operator's folder and is not read: rename it to nyiso",
        "nyiso/damlbmp_zone/all": "is a link to a folder that holds the raw folder",
        "nyiso/damlbmp_zone/bomb.csv.gz": "unpacks to more than 900 times its size",
        "nyiso/damlbmp_zone/crowded.zip": "holds more than 5 members",
        "nyiso/damlbmp_zone/nameless.zip": "has a member without a name",
        "nyiso/damlbmp_zone/pipe.csv": "is a pipe, and no file",
    }
    limits = ("--max-members", "5", "--max-ratio", "900", "--max-unpacked", "1GB")
    chosen = ("spp", "nyiso", "--dataset", "da_energy_hourly", "--max-file-seconds", "60")
    ran = build(raw, out, *chosen, *limits, check=3)
    for file, words in said.items():
        (line,) = [line for line in ran.says if line.startswith(f"refused {file}: ")]
        assert words in line
    assert [path.name for path in (out / "parquet").rglob("*.parquet")] == [
        "da_energy_hourly_2024.parquet"
    ]
    refused = json.loads((out / "metadata/manifest.json").read_text())["refused"]
    assert {entry["file"] for entry in refused} == set(said)
