"""One table of files that are not what their names promise, and what must become of each.

Each is met twice: alone by the inventory, in a child with little memory and little time; and all
together by a build, in which the sound files of every operator must be published beside them.
"""

from __future__ import annotations

import encodings.latin_1
import encodings.utf_8_sig  # noqa: F401
import gzip
import io
import json
import os
import resource
import socket
import tempfile
import warnings
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from pathlib import Path

import duckdb
from openpyxl import Workbook

from fuzz import Judgement, Original, Subject, original_of, put, readings_of
from harness import Attack, Ran, build, run_child
from oracle import SHAPES, Shape
from unified_iso.inventory import SCHEMA, update_inventory
from unified_iso.raw_files.records import Column, Report

READ, REFUSED, EITHER = "read", "refused", "read or refused"
MEMORY = 3 << 30
SECONDS = 30
NOBODY = 65534
HEADER_CELLS = (
    *("Time Stamp", "Name", "PTID", "LBMP ($/MWHr)", "Marginal Cost Losses ($/MWHr)"),
    "Marginal Cost Congestion ($/MWHr)",
)
BOOK_CELLS = (
    *("Delivery Date", "Hour Ending", "Repeated Hour Flag", "Settlement Point"),
    "Settlement Point Price",
)
ZONE_REPORT = Report(
    iso="nyiso",
    name="damlbmp_zone",
    columns=tuple(
        Column(name, kind)
        for name, kind in zip(
            HEADER_CELLS, ("timestamp", "varchar", "varchar", *["double"] * 3), strict=True
        )
    ),
    timestamp_formats=("%m/%d/%Y %H:%M",),
)
PJM_CELLS = (
    *("datetime_beginning_utc", "datetime_beginning_ept", "pnode_id", "pnode_name"),
    *("system_energy_price_da", "total_lmp_da", "congestion_price_da", "marginal_loss_price_da"),
)
PJM_REPORT = Report(
    iso="pjm",
    name="da_hrl_lmps",
    columns=tuple(
        Column(name, kind)
        for name, kind in zip(
            PJM_CELLS,
            (*["timestamp"] * 2, "ubigint", "varchar", *["double"] * 4),
            strict=True,
        )
    ),
    timestamp_formats=("%-m/%-d/%Y %-I:%M:%S %p",),
)
BOOK_REPORT = Report(
    iso="ercot",
    name="np4-180-er",
    columns=tuple(
        Column(name, kind)
        for name, kind in zip(BOOK_CELLS, ("date", *["varchar"] * 3, "double"), strict=True)
    ),
    books=True,
)
PJM, ZONE = SHAPES[0], SHAPES[1]
Texts = Mapping[str, bytes]


@dataclass(frozen=True)
class Oddity:
    """One odd file.

    make: puts it where it belongs; given its path and a sound text of its report.
    becomes: what the inventory says of it; what of a read file is published, the oracle judges.
    words: one of them stands in the reason of a refusal, where there are any.
    is_text: whether the oracle can read it in a moment.
    """

    name: str
    ending: str
    make: Callable[[Path, bytes], object]
    becomes: str = REFUSED
    words: tuple[str, ...] = ()
    shape: Shape = ZONE
    is_text: bool = True
    as_nobody: bool = False
    # Whether making it and meeting it takes more than a few seconds.
    is_large: bool = False


def _text(
    name: str,
    change: Callable[[bytes], bytes],
    becomes: str = EITHER,
    shape: Shape = ZONE,
    ending: str = ".csv",
    words: tuple[str, ...] = (),
    is_text: bool = True,
    is_large: bool = False,
) -> Oddity:
    def make(path: Path, sound: bytes) -> None:
        path.write_bytes(change(sound))

    return Oddity(name, ending, make, becomes, words, shape, is_text=is_text, is_large=is_large)


def _in_line(number: int, old: bytes, new: bytes) -> Callable[[bytes], bytes]:
    def change(text: bytes) -> bytes:
        lines = text.split(b"\n")
        lines[number] = lines[number].replace(old, new, 1)
        return b"\n".join(lines)

    return change


def _crlf(text: bytes) -> bytes:
    return text.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def _lost_and_found(text: bytes) -> bytes:
    lines = _crlf(text).split(b"\r\n")
    lines[9] = lines[9][:20] + b"\r" + lines[9][20:]
    return b"\r\n".join(lines[:5]) + b"\n" + b"\r\n".join(lines[5:])


def _long_line(text: bytes) -> bytes:
    lines = text.split(b"\n")
    lines.insert(7, b"x" * 100_000_000)
    return b"\n".join(lines)


def _zipped(*members: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as opened:
        for name, content in members:
            info = zipfile.ZipInfo("member")
            info.filename = name
            info.compress_type = method
            with warnings.catch_warnings():
                # A name that comes twice is what some of them are about.
                warnings.simplefilter("ignore", UserWarning)
                opened.writestr(info, content)
    return file.getvalue()


def _halves(text: bytes) -> tuple[bytes, bytes]:
    lines = text.split(b"\n")
    return b"\n".join(lines[:100]) + b"\n", b"\n".join([lines[0], *lines[100:]])


def _nested(text: bytes, depth: int) -> bytes:
    name, content = "a.csv", text
    for level in range(depth):
        content, name = _zipped((name, content)), f"level{level}.zip"
    return content


def _flagged(archive: bytes) -> bytes:
    """Set the bit that says a member is encrypted, in both headers."""
    changed = bytearray(archive)
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        changed[changed.index(mark) + offset] |= 1
    return bytes(changed)


def _flipped(content: bytes, place: int) -> bytes:
    changed = bytearray(content)
    changed[place] ^= 0xFF
    return bytes(changed)


def _bomb(text: bytes, megabytes: int = 2000) -> bytes:
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb") as stream:
        stream.write(text)
        for _ in range(megabytes):
            stream.write(b"\n" * (1 << 20))
    return packed.getvalue()


def _zip_bomb(text: bytes) -> bytes:
    packed = io.BytesIO()
    with (
        zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as opened,
        opened.open("a.csv", "w", force_zip64=True) as stream,
    ):
        stream.write(text)
        for _ in range(2000):
            stream.write(b"\n" * (1 << 20))
    return packed.getvalue()


_ALREADY_CSV = (
    _text("stray quote", _in_line(7, b",", b',"')),
    _text("stray quote in the last line", _in_line(-2, b",", b',"')),
    _text("line break within quotes", _in_line(7, b",,,", b',,"up\ndown",'), READ, shape=PJM),
    _text("one return lost", lambda t: _crlf(t).replace(b"\r\n", b"\n", 1)),
    _text("one return lost and one inside", _lost_and_found),
    _text("return inside", _in_line(7, b",", b"\r,")),
    _text("NUL in a price", _in_line(7, b".", b"\0.")),
    _text("NULs at the end", lambda t: t + b"\0" * 4096),
    _text("line of 100 MB", _long_line),
    _text("no line end at the end", lambda t: t.rstrip(b"\r\n"), READ),
    _text("blank lines", lambda t: t.replace(b"\n", b"\n\n", 3) + b"\n\n", READ),
    _text("latin-1 letter", _in_line(7, b",", b"\xc9,")),
    _text("UTF-16", lambda t: t.decode().encode("utf-16"), READ),
    _text("byte order mark", lambda t: b"\xef\xbb\xbf" + t, READ),
    _text("nothing", lambda t: b"", REFUSED, words=("empty",)),
    _text("heading only", lambda t: t.split(b"\n")[0] + b"\n", EITHER),
    _text("not a number", _in_line(7, b".", b"NaN.")),
    _text("infinite price", _in_line(7, b",61", b",1e309,61")),
)
_ZIPS = (
    _text("member named .", lambda t: _zipped(("a.csv", t), (".", b"x")), EITHER, ending=".zip"),
    _text(
        "member without a name", lambda t: _zipped(("a.csv", t), ("", b"x")), EITHER, ending=".zip"
    ),
    _text(
        "member name not UTF-8",
        lambda t: _zipped(("a\u00e9.csv", t)).replace("a\u00e9".encode(), b"a\xff\xfe"),
        EITHER,
        ending=".zip",
    ),
    _text(
        "member twice",
        lambda t: _zipped(("a.csv", t), ("a.csv", t)),
        EITHER,
        ending=".zip",
        is_text=False,
    ),
    _text(
        "two halves of one name",
        lambda t: _zipped(*(("a.csv", h) for h in _halves(t))),
        EITHER,
        ending=".zip",
        is_text=False,
    ),
    _text(
        "nested too deep",
        lambda t: _nested(t, 6),
        REFUSED,
        ending=".zip",
        is_text=False,
        words=("deep",),
    ),
    _text("encrypted", lambda t: _flagged(_zipped(("a.csv", t))), REFUSED, ending=".zip"),
    _text(
        "LZMA damaged",
        lambda t: _flipped(_zipped(("a.csv", t), method=zipfile.ZIP_LZMA), 44),
        REFUSED,
        ending=".zip",
    ),
    _text(
        "deflate damaged", lambda t: _flipped(_zipped(("a.csv", t)), 300), REFUSED, ending=".zip"
    ),
    _text("cut zip", lambda t: _zipped(("a.csv", t))[:-100], REFUSED, ending=".zip"),
    _text(
        "member that leaves the folder",
        lambda t: _zipped(("../../a.csv", t)),
        REFUSED,
        ending=".zip",
        words=("leaves",),
    ),
    _text(
        "zip without a csv",
        lambda t: _zipped(("a.txt", t)),
        REFUSED,
        ending=".zip",
        words=("no csv",),
    ),
    _text("zip bomb", _zip_bomb, EITHER, ending=".zip", is_text=False, is_large=True),
)
_GZIPS = (
    _text("gz bomb", _bomb, EITHER, ending=".csv.gz", is_text=False, is_large=True),
    _text(
        "gz of several members",
        lambda t: gzip.compress(t[:5000]) + gzip.compress(t[5000:]),
        READ,
        ending=".csv.gz",
    ),
    _text("cut gz", lambda t: gzip.compress(t)[:-300], REFUSED, ending=".csv.gz"),
    _text(
        "gz with another checksum",
        lambda t: _flipped(gzip.compress(t), -6),
        REFUSED,
        ending=".csv.gz",
    ),
    _text("gz that is a csv", lambda t: t, READ, ending=".csv.gz"),
)


# --- Workbooks ------------------------------------------------------------------------------------

SHEET = "xl/worksheets/sheet1.xml"


def _book(change: Callable[[str, bytes], bytes] | None = None) -> bytes:
    """A sound workbook, whose parts go through `change`."""
    book = Workbook()
    sheet = book.worksheets[0]
    sheet.append(BOOK_CELLS)
    sheet.append(["03/08/2024", "01:00", "N", "HB_BUSAVG", 18.97])
    written = io.BytesIO()
    book.save(written)
    if change is None:
        return written.getvalue()
    changed = io.BytesIO()
    with (
        zipfile.ZipFile(written) as source,
        zipfile.ZipFile(changed, "w", zipfile.ZIP_DEFLATED) as target,
    ):
        for name in source.namelist():
            target.writestr(name, change(name, source.read(name)))
    return changed.getvalue()


def _broken(part: str) -> bytes:
    return _book(lambda name, content: b"<x" if name == part else content)


def _chart_only() -> bytes:
    book = Workbook()
    book.create_chartsheet()
    book.remove(book.worksheets[0])
    written = io.BytesIO()
    book.save(written)
    return written.getvalue()


def _many_rows(name: str, content: bytes) -> bytes:
    row = b'<row r="9"><c r="A9"><v>1</v></c></row>'
    return (
        content.replace(b"</sheetData>", row * 8_000_000 + b"</sheetData>")
        if name == SHEET
        else content
    )


def _workbook(
    name: str, content: Callable[[], bytes], becomes: str, is_large: bool = False
) -> Oddity:
    return Oddity(
        name,
        ".xlsx",
        lambda path, _: path.write_bytes(content()),
        becomes,
        is_text=False,
        shape=BOOK,
        is_large=is_large,
    )


BOOK = Shape("ercot", "np4-180-er", ())
_PARTS = (
    *(SHEET, "xl/workbook.xml", "xl/sharedStrings.xml", "xl/styles.xml", "[Content_Types].xml"),
    "xl/_rels/workbook.xml.rels",
)
_BOOKS = (
    _workbook("sound workbook", _book, READ),
    *(_workbook(f"broken {part}", partial(_broken, part), EITHER) for part in _PARTS),
    _workbook("chart sheet only", _chart_only, REFUSED),
    _workbook("workbook bomb", lambda: _book(_many_rows), EITHER, is_large=True),
    _workbook("workbook of another kind", lambda: b"\xd0\xcf\x11\xe0" + b"\0" * 5000, REFUSED),
)


# --- What is no file ------------------------------------------------------------------------------


def _socket(path: Path, sound: bytes) -> None:
    # The address of a socket is short, so it is bound from within its folder.
    here = Path.cwd()
    os.chdir(path.parent)
    try:
        with socket.socket(socket.AF_UNIX) as opened:
            opened.bind(path.name)
    finally:
        os.chdir(here)


def _closed_folder(path: Path, sound: bytes) -> None:
    path.mkdir()
    (path / "20240101damlbmp_zone.csv").write_bytes(sound)
    path.chmod(0)


_PLACES = (
    Oddity("FIFO csv", ".csv", lambda path, _: os.mkfifo(path), is_text=False),
    Oddity("FIFO zip", ".zip", lambda path, _: os.mkfifo(path), is_text=False),
    Oddity("FIFO html", ".html", lambda path, _: os.mkfifo(path), EITHER, is_text=False),
    Oddity("socket", ".csv", _socket, is_text=False),
    Oddity("link to nothing", ".csv", lambda path, _: path.symlink_to("gone"), is_text=False),
    Oddity("link to itself", ".csv", lambda path, _: path.symlink_to(path.name), is_text=False),
    Oddity("link to zeros", ".csv", lambda path, _: path.symlink_to("/dev/zero"), is_text=False),
    Oddity("link to the root", "", lambda path, _: path.symlink_to("/"), is_text=False),
    Oddity(
        "link to the raw folder",
        "",
        lambda path, _: path.symlink_to(path.parents[2]),
        EITHER,
        is_text=False,
    ),
    Oddity("closed folder", "", _closed_folder, is_text=False, as_nobody=True),
)
ODDITIES = (*_ALREADY_CSV, *_ZIPS, *_GZIPS, *_BOOKS, *_PLACES)


# --- Met by the inventory -------------------------------------------------------------------------


def path_of(raw: Path, oddity: Oddity, day: date = date(2024, 5, 1)) -> Path:
    """Where an oddity lies in a raw folder."""
    told = oddity.name.replace(" ", "-").replace("/", "-").replace(".", "dot")
    return raw / oddity.shape.folder / f"{day:%Y%m%d}-{told}{oddity.ending}"


def sound_texts(folder: Path) -> Texts:
    """Generate a sound text of each report that the table has odd ones of."""
    day = date(2024, 5, 1)
    return {
        shape.folder: original_of(folder / shape.report, shape, day).text for shape in (PJM, ZONE)
    } | {BOOK.folder: b""}


def meet(oddity: Oddity, sound: Texts, seconds: float = SECONDS) -> str | None:
    """Let the inventory meet an oddity beside a sound file; return what is wrong, if anything."""
    with tempfile.TemporaryDirectory() as folder:
        # Whoever looks at it must be able to get there.
        Path(folder).chmod(0o755)
        return _meet(oddity, Path(folder), sound, seconds)


def _meet(oddity: Oddity, work: Path, sound: Texts, seconds: float) -> str | None:
    raw, told = work / "raw", work / "told.json"
    path = path_of(raw, oddity)
    path.parent.mkdir(parents=True)
    beside = raw / ZONE.folder / "20240308damlbmp_zone.csv"
    beside.parent.mkdir(parents=True, exist_ok=True)
    beside.write_bytes(sound[ZONE.folder])
    oddity.make(path, sound[oddity.shape.folder])
    as_nobody = oddity.as_nobody and os.getuid() == 0
    if as_nobody:
        os.chown(work, NOBODY, NOBODY)
    task = partial(_look, raw, work, told, as_nobody)
    ran = run_child(task, log=work / "log", timeout=seconds)
    if oddity.as_nobody:
        path.chmod(0o755)
    if ran.exit_code:
        return _how_it_failed(ran, seconds)
    refused: dict[str, str] = json.loads(told.read_text())
    mine = {file: reason for file, reason in refused.items() if path.name in file}
    if set(refused) - set(mine):
        return f"another file is refused: {sorted(set(refused.items()) - set(mine.items()))[0]}"
    if oddity.becomes == REFUSED and not mine:
        return "it is not refused by name"
    if oddity.becomes == READ and mine:
        return f"it is refused: {mine}"
    said = " ".join(mine.values()).lower()
    if mine and oddity.words and not any(word in said for word in oddity.words):
        return f"the reason says nothing of {oddity.words}: {mine}"
    return None


def _how_it_failed(ran: Ran, seconds: float) -> str:
    if ran.exit_code == -9:
        return f"it is not done within {seconds:.0f} s"
    words = ran.output.strip().splitlines() or [f"exit code {ran.exit_code}"]
    return f"it stops everything: {words[-1][:200]}"


def _look(raw: Path, work: Path, told: Path, as_nobody: bool) -> int:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    # Nobody may not be allowed to read the modules that Python loads when they are first needed.
    datetime.strptime("2024", "%Y")
    if as_nobody:
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)
    told.write_text(json.dumps(refusals(raw, work / "cache")))
    return 0


def refusals(raw: Path, cache: Path) -> dict[str, str]:
    """Take an inventory of a raw folder; return the reason of each refused file."""
    cache.mkdir()
    reports = [PJM_REPORT, ZONE_REPORT, BOOK_REPORT]
    isos = [report.iso for report in reports]
    with duckdb.connect(config={"memory_limit": "500MB", "threads": 1}) as connection:
        connection.execute(SCHEMA)
        update_inventory(connection, raw, cache, isos, reports, [], lambda *_: None)
        return dict(
            connection.execute(
                "select data_source, refusal from inventory.raw_files where refusal is not null"
            ).fetchall()
        )


# --- Met by a build -------------------------------------------------------------------------------


def attack(report: Attack, work: Path, quick: bool, seed: int) -> None:
    """Let the inventory meet each alone, then a build all of them."""
    sound = sound_texts(work / "text")
    for oddity in ODDITIES:
        report.cases += 1
        if fault := meet(oddity, sound):
            report.found(f"{oddity.name}: {fault}")
    report.figures["in the table"] = str(len(ODDITIES))
    _build_with_all(report, work, seed)


def _build_with_all(report: Attack, work: Path, seed: int) -> None:
    raw, out = work / "raw", work / "out"
    last = {shape: shape.first_year for shape in SHAPES}
    beside = [original_of(work / "beside" / s.report, s, date(last[s] + 1, 5, 9)) for s in SHAPES]
    subjects = [Subject(o, f"{o.shape.folder}/{o.name}", o.text, "") for o in beside]
    put(subjects, raw)
    odd: list[tuple[Oddity, Subject]] = []
    for number, oddity in enumerate(ODDITIES):
        if oddity.as_nobody:
            continue
        year = 2004 + number % 20
        given = _given(work / "odd" / str(number), oddity, date(year, 6, 1 + number // 20))
        path = path_of(raw, oddity, date(year, 6, 1 + number // 20))
        path.parent.mkdir(parents=True, exist_ok=True)
        oddity.make(path, given.text)
        content = path.read_bytes() if oddity.is_text else b""
        subject = Subject(given, path.relative_to(raw).as_posix(), content, oddity.name)
        odd.append((oddity, subject))
    for subject in subjects:
        subject.readings = readings_of(subject)
    for oddity, subject in odd:
        subject.readings = readings_of(subject) if oddity.is_text else None
    everything = [*subjects, *(subject for _, subject in odd)]
    ran = build(raw, out, "--allow-rejects")
    report.says(f"a build with all of them: exit code {ran.exit_code}, {ran.seconds:.0f} s")
    report.cases += 1
    if ran.has_traceback or ran.exit_code != 3:
        report.found(f"a build with all of them: {ran.end}")
    if not (out / "metadata" / "manifest.json").exists():
        report.found("a build with all of them: nothing is written")
        return
    judgement = Judgement(everything, out, ran)
    for fault in judgement.of_sound_years():
        report.found(f"a build with all of them: {fault}")
    for subject in subjects:
        for fault in judgement.of(subject):
            report.found(f"sound file {subject.path}: {fault}")
    for oddity, subject in odd:
        if oddity.is_text and oddity.shape is not BOOK:
            for fault in list(judgement.of(subject))[:2]:
                report.found(f"{oddity.name}, in a build: {fault}")
        elif oddity.becomes == REFUSED and not subject.refused:
            report.found(f"{oddity.name}, in a build: it is not refused by name")


def _given(folder: Path, oddity: Oddity, day: date) -> Original:
    if oddity.shape is BOOK:
        return Original(BOOK, day.year, oddity.name, b"", {})
    return original_of(folder, oddity.shape, day)
