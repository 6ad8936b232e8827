"""ISO-NE's generated sample: frames, labels and numbers as published, truth as the text says."""

import csv
import gzip
import io
import re
import zipfile
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from openpyxl import load_workbook

from test_sample import Row, expected_common, order, raw_texts, truth_rows
from unified_iso.sample import Packaging, SampleOptions, write_sample

NEW_YORK = ZoneInfo("America/New_York")
FALL = date(2025, 11, 2)
SPRING = date(2025, 3, 9)
BOTH = ("ww_dalmp_iso", "smd_hourly")
TRUTH = "isone/da_energy_hourly"
HEAD = """\
"C","Day-Ahead Energy Market Hourly LMP Report"
"C","Filename: WW_DALMP_ISO_20251102.csv"
"C","Report for: 11/02/2025 - 11/02/2025"
"C","Report generated: 11/01/2025 12:57:12 EDT"
"H","Date","Hour Ending","Location ID","Location Name","Location Type",\
"Locational Marginal Price","Energy Component","Congestion Component","Marginal Loss Component"
"H","Date","HE","String","String","String","Number","Number","Number","Number"
"""
PRICE = r"-?(0|[1-9]\d*)\.\d{1,2}"
LINE = re.compile(
    r'"D","11/0[1-4]/2025","(0[1-9]|1\d|2[0-4]|02X)","\d+","[A-Za-z0-9_. ]+","[A-Z. ]+",'
    rf"{PRICE},{PRICE},{PRICE},{PRICE}"
)
TYPES = {"HUB": "HUB", "LOAD ZONE": "ZONE", "EXT. NODE": "INTERFACE", "DRRAZ": "AGGREGATE"}
SHEETS = {
    "ISO NE CA": ("4000", ".H.INTERNAL_HUB", "HUB"),
    "ME": ("4001", ".Z.MAINE", "ZONE"),
    "NH": ("4002", ".Z.NEWHAMPSHIRE", "ZONE"),
    "VT": ("4003", ".Z.VERMONT", "ZONE"),
    "CT": ("4004", ".Z.CONNECTICUT", "ZONE"),
    "RI": ("4005", ".Z.RHODEISLAND", "ZONE"),
    "SEMA": ("4006", ".Z.SEMASS", "ZONE"),
    "WCMA": ("4007", ".Z.WCMASS", "ZONE"),
    "NEMA": ("4008", ".Z.NEMASSBOST", "ZONE"),
}


@pytest.fixture(scope="module")
def fall(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three days around the end of daylight time, both reports."""
    out = tmp_path_factory.mktemp("fall")
    options = SampleOptions(reports=BOTH)
    write_sample(out, isos=["isone"], start=FALL - timedelta(1), days=3, options=options)
    return out


def data_lines(out: Path) -> Iterator[tuple[str, list[str]]]:
    for source, text in raw_texts(out, "isone/ww_dalmp_iso"):
        yield from ((source, cells) for cells in csv.reader(io.StringIO(text)) if cells[0] == "D")


def sheets(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    book = load_workbook(path, read_only=True)
    found = {page.title: list(page.iter_rows(values_only=True)) for page in book}
    book.close()
    return found


# The daily report


def test_a_daily_file_is_framed_as_published(fall: Path) -> None:
    path = fall / "isone/ww_dalmp_iso/WW_DALMP_ISO_20251102.csv"
    text = path.read_bytes().decode("ascii")
    assert text.startswith(HEAD)
    *lines, trailer = text.removeprefix(HEAD).split("\n")
    assert len(lines) == 25 * 40
    assert trailer == '"T","1000 lines"'
    assert all(LINE.fullmatch(line) for line in lines)
    assert not re.search(r"-0\.0[,\n]|\d\.\d0[,\n]", text)


def test_a_day_is_printed_hour_by_hour_in_order_of_id(fall: Path) -> None:
    labels = {}
    for source, group in groupby(data_lines(fall), key=lambda line: line[0]):
        cells = [cells for _, cells in group]
        blocks = [(hour, list(block)) for hour, block in groupby(cells, key=lambda line: line[2])]
        labels[source[-12:-4]] = [hour for hour, _ in blocks]
        assert all(int(a[3]) < int(b[3]) for _, block in blocks for a, b in pairwise(block))
    plain = [f"{hour:02}" for hour in range(1, 25)]
    assert labels["20251101"] == labels["20251103"] == plain
    assert labels["20251102"] == [*plain[:2], "02X", *plain[2:]]


def test_the_spring_day_lacks_hour_ending_three(tmp_path: Path) -> None:
    write_sample(tmp_path, isos=["isone"], start=SPRING, days=1, nodes=1)
    assert not (tmp_path / "isone/smd_hourly").exists()
    lines = [cells for _, cells in data_lines(tmp_path)]
    labels = list(dict.fromkeys(cells[2] for cells in lines))
    assert labels == [f"{hour:02}" for hour in range(1, 25) if hour != 3]
    assert len(lines) == 23 * 16


def test_prices_add_up_to_the_cent_and_energy_is_one_number(fall: Path) -> None:
    energies = defaultdict(set)
    totals = []
    for _, cells in data_lines(fall):
        total, energy, congestion, loss = map(Decimal, cells[6:])
        assert total == energy + congestion + loss
        energies[cells[1], cells[2]].add(energy)
        totals.append(total)
    assert len(energies) == 24 + 25 + 24
    assert {len(found) for found in energies.values()} == {1}
    assert min(totals) < 0 < max(totals)


def test_the_market_s_locations(tmp_path: Path) -> None:
    options = SampleOptions(truth=False)
    write_sample(tmp_path, isos=["isone"], start=FALL, days=1, nodes=1210, options=options)
    places = {cells[3]: tuple(cells[4:6]) for _, cells in data_lines(tmp_path)}
    assert Counter(kind for _, kind in places.values()) == {
        **{"HUB": 1, "LOAD ZONE": 8, "EXT. NODE": 7, "DRRAZ": 20, "HUB NODE": 32},
        "NETWORK NODE": 1142,
    }
    names = [name for name, _ in places.values()]
    assert len({name.strip() for name in names}) == 1210
    assert any(name.endswith(" ") for name in names)
    assert {places[id_][0] for id_, *_ in SHEETS.values()} == {
        name for _, name, _ in SHEETS.values()
    }


# The workbook


def test_a_workbook_has_a_sheet_for_the_hub_and_each_zone(fall: Path) -> None:
    found = sheets(fall / "isone/smd_hourly/2025_smd_hourly.xlsx")
    assert list(found) == ["Notes", *SHEETS]
    parts = ("LMP", "EC", "CC", "MLC")
    header: tuple[str, ...] = ("Date", "Hr_End", "DA_Demand", "RT_Demand")
    header += tuple(f"{market}_{part}" for market in ("DA", "RT") for part in parts)
    assert found["ME"][0] == (*header, "Dry_Bulb", "Dew_Point")
    assert found["ISO NE CA"][0][14:17] == (
        "System_Load",
        "Reg_Service_Price",
        "Reg_Capacity_Price",
    )
    rows = found["ME"][1:]
    assert [row[:2] for row in rows[23:28]] == [
        (datetime(2025, 11, 1), "24"),
        (datetime(2025, 11, 2), "01"),
        (datetime(2025, 11, 2), "02"),
        (datetime(2025, 11, 2), "02X"),
        (datetime(2025, 11, 2), "03"),
    ]
    assert len(rows) == 24 + 25 + 24


def test_a_saved_sheet_prints_the_noise_of_floats(fall: Path) -> None:
    text = (fall / "isone/smd_hourly/2025_smd_hourly_ISO_NE_CA.csv").read_text()
    header, first, *_ = text.splitlines()
    assert header.startswith("Date,Hr_End,DA_Demand,RT_Demand,DA_LMP,DA_EC,DA_CC,DA_MLC,RT_LMP")
    assert first.startswith("2025-11-01,01,")
    assert re.search(r",-?\d+\.\d{14,},", text)


def test_the_spring_day_is_labelled_by_the_clock_at_the_end(tmp_path: Path) -> None:
    options = SampleOptions(reports=("smd_hourly",))
    write_sample(tmp_path, isos=["isone"], start=SPRING, days=1, options=options)
    rows = sheets(tmp_path / "isone/smd_hourly/2025_smd_hourly.xlsx")["VT"][1:]
    assert [row[1] for row in rows] == [f"{hour:02}" for hour in range(1, 25) if hour != 2]


@pytest.mark.parametrize("day", [date(2023, 3, 12), date(2023, 11, 5)])
def test_until_2023_days_of_a_clock_change_have_24_numbered_rows(tmp_path: Path, day: date) -> None:
    options = SampleOptions(reports=("smd_hourly",))
    write_sample(tmp_path, isos=["isone"], start=day, days=2, options=options)
    rows = sheets(tmp_path / "isone/smd_hourly/2023_smd_hourly.xlsx")["VT"][1:]
    assert [row[1] for row in rows] == [*range(1, 25), *range(1, 25)]
    assert {row["delivery_date"] for row in truth_rows(tmp_path, TRUTH)} == {day + timedelta(1)}


def test_nothing_is_expected_of_a_forced_day_alone(tmp_path: Path) -> None:
    options = SampleOptions(reports=("smd_hourly",))
    write_sample(tmp_path, isos=["isone"], start=date(2023, 11, 5), days=1, options=options)
    assert not (tmp_path / "truth").exists()


@pytest.mark.parametrize("packaging", ["csv", "csv.gz", "zip"])
def test_the_same_sample_has_the_same_bytes(
    fall: Path, tmp_path: Path, packaging: Packaging
) -> None:
    options = SampleOptions(reports=BOTH, packaging=packaging)
    runs = [
        [
            path.read_bytes()
            for path in write_sample(out, isos=["isone"], start=FALL, days=1, options=options)
        ]
        for out in (tmp_path / "1", tmp_path / "2")
    ]
    assert runs[0] == runs[1]
    # Two runs within a second would hide the time of saving.
    with zipfile.ZipFile(fall / "isone/smd_hourly/2025_smd_hourly.xlsx") as book:
        assert {info.date_time[0] for info in book.infolist()} == {1980}
        assert b">2000-01-01T00:00:00Z<" in book.read("docProps/core.xml")
        assert str(datetime.now(UTC).year).encode() not in book.read("docProps/core.xml")


# The truth


def row_of(utc: datetime, source: str, place: tuple[str, str, str], prices: list[Decimal]) -> Row:
    id_, name, kind = place
    total, energy, congestion, loss = map(float, prices)
    return expected_common(utc, source, 1) | {
        "iso": "ISONE",
        "settlement_location": name,
        "settlement_location_type": kind,
        "settlement_location_id": id_,
        "zone": None,
        "voltage_kv": None,
        "lmp_total": total,
        "lmp_energy": energy,
        "lmp_congestion": congestion,
        "lmp_loss": loss,
        "system_lambda": energy,
    }


def begin_of(day: date, label: str) -> datetime:
    local = datetime(day.year, day.month, day.day, int(label.removesuffix("X")) - 1)
    return local.replace(tzinfo=NEW_YORK, fold=label.endswith("X")).astimezone(UTC)


def expected_daily(out: Path) -> list[Row]:
    rows = [
        row_of(
            begin_of(datetime.strptime(day, "%m/%d/%Y").date(), label),
            source,
            (id_, name.strip(), TYPES.get(kind, "NODE")),
            [Decimal(price) for price in prices],
        )
        for source, (_, day, label, id_, name, kind, *prices) in data_lines(out)
    ]
    return sorted(rows, key=order)


@pytest.mark.parametrize("packaging", ["csv", "csv.gz", "zip"])
@pytest.mark.parametrize("day", [FALL, SPRING])
def test_truth_is_what_the_daily_files_say(tmp_path: Path, day: date, packaging: Packaging) -> None:
    options = SampleOptions(packaging=packaging, reports=BOTH)
    write_sample(
        tmp_path, isos=["isone"], start=day - timedelta(1), days=3, nodes=60, options=options
    )
    rows = truth_rows(tmp_path, TRUTH)
    assert rows == expected_daily(tmp_path)
    assert all(order(a) < order(b) for a, b in pairwise(rows))
    hours = Counter(row["delivery_date"] for row in rows)
    assert list(hours.values()) == [24 * 60, (25 if day == FALL else 23) * 60, 24 * 60]


def sheet_rows(out: Path) -> Iterator[tuple[str, str, dict[str, object]]]:
    """Each row of each sheet with its data_source and its sheet, saved sheets before workbooks."""
    for path in sorted((out / "isone/smd_hourly").iterdir(), reverse=True):
        source = path.relative_to(out).as_posix()
        if ".csv" in path.name:
            data = path.read_bytes()
            text = (gzip.decompress(data) if path.suffix == ".gz" else data).decode()
            sheet = source.split("smd_hourly_")[1].split(".")[0].replace("_", " ")
            yield from ((source, sheet, row) for row in csv.DictReader(io.StringIO(text)))
            continue
        if path.suffix == ".zip":
            source += f"!{path.stem}.xlsx"
            with zipfile.ZipFile(path) as archive:
                archive.extractall(out / "unpacked")
            path = out / "unpacked" / f"{path.stem}.xlsx"
        for sheet, (header, *rows) in sheets(path).items():
            for row in rows:
                yield f"{source}!{sheet}", sheet, dict(zip(header, row, strict=True))


@pytest.mark.parametrize("packaging", ["csv", "csv.gz", "zip"])
def test_truth_without_daily_files_is_what_the_workbook_says(
    tmp_path: Path, packaging: Packaging
) -> None:
    options = SampleOptions(packaging=packaging, reports=("smd_hourly",))
    write_sample(tmp_path, isos=["isone"], start=date(2023, 12, 31), days=2, options=options)
    rows: dict[tuple[datetime, str], Row] = {}
    for source, sheet, row in sheet_rows(tmp_path):
        day = date.fromisoformat(str(row["Date"])[:10])
        utc = begin_of(day, str(row["Hr_End"]))
        prices = [
            Decimal(f"{float(str(row[f'DA_{part}'])):.2f}") for part in ("LMP", "EC", "CC", "MLC")
        ]
        rows.setdefault((utc, sheet), row_of(utc, source, SHEETS[sheet], prices))
    assert truth_rows(tmp_path, TRUTH) == sorted(rows.values(), key=order)
    assert len(rows) == 48 * 9
