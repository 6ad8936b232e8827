"""What a raw text says, read line by line with the standard library alone.

It shares no code with the program under test. For every line it tells which published rows the
line may become; a line without such a row is broken and has to be rejected or to be refused with
its file. Read on a sound file it gives the generator's truth, which each run checks first.
"""

from __future__ import annotations

import csv
import gzip
import io
import itertools
import lzma
import math
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

EASTERN = ZoneInfo("America/New_York")
PACIFIC = ZoneInfo("America/Los_Angeles")
CENTRAL = ZoneInfo("America/Chicago")
HEADER_WITHIN = 12
LONGEST_QUOTE = 4
HOUR = timedelta(hours=1)
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_GROUPED = re.compile(r"-?\d{1,3}(,\d{3})+(\.\d+)?", re.ASCII)
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f]")

# An instant and a location's id; its name, total, energy, congestion and loss.
Key = tuple[datetime, str]
Value = tuple[str, float, float | None, float | None, float | None]
Cells = dict[str, str]


class Broken(Exception):
    """The line gives no row."""


@dataclass
class Line:
    """One line of data: the rows it belongs to, and what ties it to other lines of these rows."""

    number: int
    text: bytes
    keys: tuple[Key, ...] = ()
    token: str | None = None
    # Whether some of its rows are sound and others are not.
    is_partly_broken: bool = False


@dataclass
class Reading:
    """What a text says: its lines of data, and for each key every row they can make."""

    lines: list[Line] = field(default_factory=list)
    rows: dict[Key, set[Value]] = field(default_factory=dict)


def number(text: str) -> float:
    """Read a price as people write it: no decimal comma, nothing that is not finite."""
    cell = text.strip(" \t\u00a0")
    if _GROUPED.fullmatch(cell):
        cell = cell.replace(",", "")
    if not _NUMBER.fullmatch(cell) or not math.isfinite(float(cell)):
        raise Broken(f"{text!r} is no number")
    return float(cell) + 0.0


def instant(text: str, *formats: str) -> datetime:
    """Read a clock without a zone."""
    for form in formats:
        try:
            found = datetime.strptime(text.strip(), form)
        except ValueError:
            continue
        if 1995 <= found.year <= 2100 and found.minute == found.second == 0:
            return found
    raise Broken(f"{text!r} is no full hour")


def from_local(clock: datetime, zone: ZoneInfo) -> tuple[datetime, ...]:
    """Return the instants at which a clock shows a time: one, two in autumn, none in spring."""
    found = (clock.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    return tuple(
        dict.fromkeys(i for i in found if i.astimezone(zone).replace(tzinfo=None) == clock)
    )


def named(text: str) -> str:
    """Read a name or an id."""
    cell = text.strip(" \t\u00a0")
    if not cell or _CONTROL.search(cell):
        raise Broken(f"{text!r} is no name")
    return cell


def _fold(name: str) -> str:
    return re.sub(r"[\s_]+", "", name).casefold()


def _row(line: bytes) -> list[str]:
    """Cells of one line; it is broken where it can't stand alone."""
    try:
        text = line.decode()
        if text.count('"') % 2 or "\r" in text or "\0" in text:
            raise Broken("is not one line of text")
        return next(csv.reader(io.StringIO(text, newline=""), strict=True), [])
    except (UnicodeDecodeError, csv.Error) as error:
        raise Broken(str(error)) from error


Rows = Iterator[tuple[Key, Value]]
# Key, name, component and price; no price where that one cell is broken.
Piece = tuple[Key, str, str, float | None]


@dataclass(frozen=True)
class Shape:
    """A report: where its files lie, its columns, and what a line or its parts become.

    whole: turns the cells of a line into its rows.
    part: turns the cells of a line into (key, name, component, price) for reports that spread the
        prices of a row over lines; `finish` makes the row of them.
    """

    iso: str
    report: str
    columns: tuple[str, ...]
    dataset: str = "da_energy_hourly"
    whole: Callable[[Cells], Rows] | None = None
    part: Callable[[Cells], Iterator[Piece]] | None = None
    finish: Callable[[dict[str, float]], tuple[float, float | None, float | None, float | None]] = (
        lambda parts: (parts["LMP"], None, None, None)
    )
    tie: Callable[[Cells], str] | None = None
    data_mark: str | None = None
    day_above: bool = False
    first_year: int = 2000
    helpers: tuple[str, ...] = ()

    @property
    def folder(self) -> str:
        """Its folder within the raw folder."""
        return f"{self.iso}/{self.report}"

    @property
    def model(self) -> str:
        """The dataset its rows are published in."""
        return f"{self.iso}_{self.dataset}"


def _pjm(cells: Cells) -> Rows:
    form = "%m/%d/%Y %I:%M:%S %p"
    start = instant(cells["datetimebeginningutc"], form).replace(tzinfo=UTC)
    local = instant(cells["datetimebeginningept"], form)
    if start.astimezone(EASTERN).replace(tzinfo=None) != local:
        raise Broken("the two clocks contradict each other")
    total, energy, congestion, loss = (
        number(cells[f"{name}priceda" if name != "totallmp" else "totallmpda"])
        for name in ("totallmp", "systemenergy", "congestion", "marginalloss")
    )
    name = named(cells["pnodename"])
    yield (start, named(cells["pnodeid"])), (name, total, energy, congestion, loss)


def _nyiso(cells: Cells) -> Rows:
    total, loss, congestion = (
        number(cells[f"{name}($/mwhr)"])
        for name in ("lbmp", "marginalcostlosses", "marginalcostcongestion")
    )
    clock = instant(cells["timestamp"], "%m/%d/%Y %H:%M", "%m/%d/%Y %H:%M:%S")
    name, location = named(cells["name"]), named(cells["ptid"])
    # The report gives congestion with the opposite sign.
    energy = round(total - loss + congestion, 2) + 0.0
    for start in from_local(clock, EASTERN):
        yield (start, location), (name, total, energy, -congestion + 0.0, loss)


def _ercot(cells: Cells) -> Rows:
    day = instant(cells["deliverydate"], "%m/%d/%Y")
    ending = re.fullmatch(r"(\d{1,2}):00", cells["hourending"].strip())
    if not ending or not 1 <= int(ending[1]) <= 24 or cells["dstflag"].strip() != "N":
        raise Broken("no such hour")
    name = named(cells["settlementpoint"])
    price = number(cells["settlementpointprice"])
    for start in from_local(day + (int(ending[1]) - 1) * HOUR, CENTRAL):
        yield (start, name), (name, price, None, None, None)


def _isone(cells: Cells) -> Rows:
    day = instant(cells["date"], "%m/%d/%Y")
    ending = cells["hourending"].strip()
    if not re.fullmatch(r"\d{1,2}", ending) or not 1 <= int(ending) <= 24:
        raise Broken("no such hour")
    total, energy, congestion, loss = (
        number(cells[name])
        for name in (
            "locationalmarginalprice",
            "energycomponent",
            "congestioncomponent",
            "marginallosscomponent",
        )
    )
    location, name = named(cells["locationid"]), named(cells["locationname"])
    for start in from_local(day + (int(ending) - 1) * HOUR, EASTERN):
        yield (start, location), (name, total, energy, congestion, loss)


def _spp(cells: Cells) -> Rows:
    # Early files leave the seconds out.
    forms = ("%m/%d/%Y %H:%M:%S", "%m/%d/%Y %H:%M")
    ending = instant(cells["gmtintervalend"], *forms).replace(tzinfo=UTC)
    local = instant(cells["interval"], *forms)
    if ending.astimezone(CENTRAL).replace(tzinfo=None) != local:
        raise Broken("the two clocks contradict each other")
    name = named(cells["settlementlocation"])
    total, energy, congestion, loss = (
        number(cells[column]) for column in ("lmp", "mec", "mcc", "mlc")
    )
    yield (ending - HOUR, name), (name, total, energy, congestion, loss)


def _gridstatus(cells: Cells) -> Rows:
    try:
        start = datetime.fromisoformat(cells["intervalstart"].strip())
        end = datetime.fromisoformat(cells["intervalend"].strip())
    except ValueError as error:
        raise Broken(str(error)) from error
    is_hour = start.tzinfo is not None and end.tzinfo is not None and end - start == HOUR
    if not is_hour or start.minute or start.second or not 1995 <= start.year <= 2100:
        raise Broken("no hour")
    if cells["market"].strip() != "DAY_AHEAD_HOURLY":
        raise Broken("another market")
    name = named(cells["location"])
    # A blank part is none, as in files that were asked for without parts.
    energy, congestion, loss = (
        number(cells[column]) if cells.get(column, "").strip() else None
        for column in ("energy", "congestion", "loss")
    )
    total = number(cells["lmp"])
    yield (start.astimezone(UTC), name), (name, total, energy, congestion, loss)


def _caiso(cells: Cells) -> Iterator[Piece]:
    start, end = (
        instant(cells[f"interval{edge}time_gmt".replace("_", "")], "%Y-%m-%dT%H:%M:%S-00:00")
        for edge in ("start", "end")
    )
    if end - start != HOUR or cells["marketrunid"].strip() != "DAM":
        raise Broken("no hour of the day-ahead market")
    local = start.replace(tzinfo=UTC).astimezone(PACIFIC)
    for column, told in (("oprdt", f"{local:%Y-%m-%d}"), ("oprhr", str(local.hour + 1))):
        if cells.get(column, "").strip() not in ("", told):
            raise Broken("its clocks contradict each other")
    if cells["lmptype"].strip() not in ("LMP", "MCE", "MCC", "MCL", "MGHG"):
        raise Broken("no component")
    name = named(cells["node"])
    key = (start.replace(tzinfo=UTC), name)
    yield key, name, cells["lmptype"].strip(), number(cells["mw"])


def _miso(cells: Cells) -> Iterator[Piece]:
    day = instant(cells["day"], "%m/%d/%Y")
    if cells["type"].strip() not in ("Hub", "Loadzone", "Interface", "Gennode"):
        raise Broken("no such type")
    if cells["value"].strip() not in ("LMP", "MCC", "MLC"):
        raise Broken("no component")
    name = named(cells["node"])
    start = day.replace(tzinfo=UTC) + 5 * HOUR
    for hour in range(24):
        try:
            price = number(cells[f"he{hour + 1}"])
        except Broken:
            price = None
        yield (start + hour * HOUR, name), name, cells["value"].strip(), price


def _caiso_row(parts: dict[str, float]) -> tuple[float, float | None, float | None, float | None]:
    return parts["LMP"], parts.get("MCE"), parts.get("MCC"), parts.get("MCL")


def _miso_row(parts: dict[str, float]) -> tuple[float, float | None, float | None, float | None]:
    energy = round(parts["LMP"] - parts["MCC"] - parts["MLC"], 2) + 0.0
    return parts["LMP"], energy, parts["MCC"], parts["MLC"]


_LBMP = (
    *("timestamp", "name", "ptid", "lbmp($/mwhr)", "marginalcostlosses($/mwhr)"),
    "marginalcostcongestion($/mwhr)",
)
_GRIDSTATUS = ("intervalstart", "intervalend", "market", "location", "lmp")
SHAPES = (
    Shape(
        "pjm",
        "da_hrl_lmps",
        (
            *("datetimebeginningutc", "datetimebeginningept", "pnodeid", "pnodename"),
            *("systemenergypriceda", "totallmpda", "congestionpriceda", "marginallosspriceda"),
        ),
        dataset="da_energy_hourly_nodal",
        whole=_pjm,
        first_year=2001,
    ),
    Shape("nyiso", "damlbmp_zone", _LBMP, whole=_nyiso, first_year=2000),
    Shape("nyiso", "damlbmp_gen", _LBMP, whole=_nyiso, first_year=2000),
    Shape(
        "ercot",
        "np4-190-cd",
        ("deliverydate", "hourending", "settlementpoint", "settlementpointprice", "dstflag"),
        whole=_ercot,
        first_year=2011,
        helpers=("np4-523-cd", "np4-160-sg"),
    ),
    Shape(
        "isone",
        "ww_dalmp_iso",
        (
            *("date", "hourending", "locationid", "locationname", "locationalmarginalprice"),
            *("energycomponent", "congestioncomponent", "marginallosscomponent"),
        ),
        whole=_isone,
        data_mark="D",
        first_year=2004,
    ),
    Shape(
        "spp",
        "da-lmp-sl",
        ("interval", "gmtintervalend", "settlementlocation", "lmp", "mlc", "mcc", "mec"),
        whole=_spp,
        first_year=2015,
    ),
    Shape(
        "caiso",
        "prc_lmp",
        ("intervalstarttimegmt", "intervalendtimegmt", "node", "marketrunid", "lmptype", "mw"),
        dataset="da_energy_hourly_nodal",
        part=_caiso,
        finish=_caiso_row,
        tie=lambda cells: f"{cells['node'].strip()} {cells['intervalstarttimegmt']}",
        first_year=2010,
    ),
    Shape(
        "miso",
        "da_expost_lmp",
        ("node", "type", "value", *(f"he{hour}" for hour in range(1, 25))),
        dataset="da_energy_hourly_nodal",
        part=_miso,
        finish=_miso_row,
        tie=lambda cells: cells["node"].strip(),
        day_above=True,
        first_year=2006,
    ),
)
SHARED_SHAPES = (
    Shape(
        "caiso",
        "gridstatus_lmp",
        _GRIDSTATUS,
        dataset="da_energy_hourly_nodal",
        whole=_gridstatus,
        first_year=2010,
    ),
    # It names no ids: the program learns them from the operator's own reports, which lie beside.
    Shape("nyiso", "gridstatus_lmp", _GRIDSTATUS, whole=_gridstatus, first_year=2000),
)


def read(shape: Shape, content: bytes, file_name: str = "") -> Reading:
    """Read a text: empty where it holds no header of the report."""
    lines = content.lstrip(b"\xef\xbb\xbf").split(b"\n")
    if lines[-1] == b"":
        lines.pop()
    lines = [line.removesuffix(b"\r") for line in lines]
    header, names = _find_header(shape, lines)
    if names is None:
        # The first line counts as a heading that this reader doesn't know.
        return Reading([Line(n, text) for n, text in enumerate(lines[1:], 2) if text.strip()])
    day = _day(lines[:header], file_name) if shape.day_above else ""
    reading = Reading()
    parts: dict[Key, dict[str, set[float]]] = {}
    titles: dict[Key, set[str]] = {}
    for position, text in _records(lines, header + 1):
        if not text.strip() or _is_frame(shape, text):
            continue
        line = Line(position, text)
        reading.lines.append(line)
        try:
            row = _row(text)
            cells = dict(zip(names, row, strict=False)) | {"day": day}
            if any(cells[name] != cell for name, cell in zip(names, row, strict=False)):
                raise Broken("says two things under one name")
            line.token = shape.tie(cells) if shape.tie and len(row) >= len(names) else None
            if len(row) != len(names) or (shape.data_mark and row[0] != shape.data_mark):
                raise Broken("has another number of cells, or is no line of data")
            if shape.whole:
                found = list(shape.whole(cells))
                for key, value in found:
                    reading.rows.setdefault(key, set()).add(value)
                line.keys = tuple(key for key, _ in found)
            else:
                assert shape.part is not None
                pieces = list(shape.part(cells))
                line.is_partly_broken = any(price is None for *_, price in pieces)
                for key, title, component, price in pieces:
                    if price is None:
                        continue
                    parts.setdefault(key, {}).setdefault(component, set()).add(price)
                    titles.setdefault(key, set()).add(title)
                line.keys = tuple(key for key, *_, price in pieces if price is not None)
        except Broken:
            continue
    for key, found_parts in parts.items():
        reading.rows[key] = set(_assembled(shape, titles[key], found_parts))
    return reading


def _records(lines: Sequence[bytes], start: int) -> Iterator[tuple[int, bytes]]:
    """Lines with their numbers; those that a quoted line break holds together come as one."""
    position = start
    while position < len(lines):
        text, length = lines[position], 1
        while text.count(b'"') % 2 and length < LONGEST_QUOTE and position + length < len(lines):
            text += b"\n" + lines[position + length]
            length += 1
        if text.count(b'"') % 2 or not _closes(text):
            text, length = lines[position], 1
        yield position + 1, text
        position += length


def _closes(text: bytes) -> bool:
    """Whether quotes stand where they may: round whole cells."""
    try:
        next(csv.reader(io.StringIO(text.decode(), newline=""), strict=True), [])
    except (UnicodeDecodeError, csv.Error):
        return False
    return True


def _is_frame(shape: Shape, text: bytes) -> bool:
    """Lines of an ISO-NE report that frame its data."""
    return shape.data_mark is not None and text.startswith((b'"H"', b'"T"', b'"C"'))


def _assembled(shape: Shape, titles: set[str], parts: dict[str, set[float]]) -> Iterator[Value]:
    for title in titles:
        for prices in itertools.product(*parts.values()):
            try:
                yield (title, *shape.finish(dict(zip(parts, prices, strict=True))))
            except KeyError:
                continue


def _find_header(shape: Shape, lines: Sequence[bytes]) -> tuple[int, list[str] | None]:
    for position, line in enumerate(lines[:HEADER_WITHIN]):
        try:
            names = [_fold(cell) for cell in _row(line)]
        except Broken:
            continue
        if all(column in names for column in shape.columns):
            return position, names
    return 0, None


def _day(above: Sequence[bytes], file_name: str) -> str:
    for line in above:
        if found := re.search(rb"(?<!\d)(\d{1,2})/(\d{1,2})/(\d{4})(?!\d)", line):
            try:
                return f"{datetime(int(found[3]), int(found[1]), int(found[2])):%m/%d/%Y}"
            except ValueError:
                continue
    found_name = re.search(r"(\d{4})(\d\d)(\d\d)", file_name)
    return f"{found_name[2]}/{found_name[3]}/{found_name[1]}" if found_name else ""


def unwrapped(name: str, content: bytes) -> list[tuple[str, bytes]] | None:
    """Return the texts in a file, by member (empty for the file); None where it can't be opened."""
    try:
        if name.endswith(".gz"):
            return [("", gzip.decompress(content))]
        if name.endswith(".zip"):
            with zipfile.ZipFile(io.BytesIO(content)) as opened:
                members = [
                    info for info in opened.infolist() if info.filename[-1:] not in ("", "/")
                ]
                return [(info.filename, opened.read(info)) for info in members]
    except (
        *(OSError, EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, RuntimeError),
        *(NotImplementedError, ValueError, UnicodeDecodeError, OverflowError),
    ):
        return None
    return [("", content)]
