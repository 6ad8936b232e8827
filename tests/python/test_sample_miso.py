"""The generated MISO report: its bytes as published, its truth as the text resolves to."""

import csv
import gzip
import io
import math
import re
import zipfile
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import duckdb
import pytest

from building import ENERGY_COLUMNS
from unified_iso.sample import Packaging, SampleOptions, miso, write_sample

FALL = date(2025, 11, 2)
SPRING = date(2025, 3, 9)
NODES = 90
REPORT = "miso/da_expost_lmp"
DATASET = "truth/miso/da_energy_hourly_nodal.parquet"
HEADER = "Node,Type,Value," + ",".join(f"HE {hour}" for hour in range(1, 25))
# No zero before the point, none at the end of the decimals, and no sign before a zero.
PRICE = re.compile(r"0|-?[1-9]\d*|-?([1-9]\d*)?\.(\d[1-9]|[1-9])")
TYPES = {"Gennode": "NODE", "Loadzone": "ZONE", "Interface": "INTERFACE"}

Row = dict[str, Any]


@pytest.fixture(scope="module")
def fall(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three days around the end of daylight time elsewhere."""
    out = tmp_path_factory.mktemp("fall")
    write_sample(out, isos=["miso"], start=FALL - timedelta(1), days=3, nodes=NODES)
    return out


def raw_texts(out: Path) -> Iterator[tuple[str, str]]:
    """Each CSV under the name data_source should have for it."""
    for path in sorted(out.glob(f"{REPORT}/*")):
        source = path.relative_to(out).as_posix()
        if path.suffix == ".zip":
            with zipfile.ZipFile(path) as archive:
                for name in archive.namelist():
                    yield f"{source}!{name}", archive.read(name).decode()
        elif path.suffix == ".gz":
            yield source, gzip.decompress(path.read_bytes()).decode()
        else:
            yield source, path.read_bytes().decode()


def raw_lines(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text.split("\n", 4)[4], newline="")))


def truth_rows(out: Path) -> list[Row]:
    """Rows in file order, instants as text in UTC."""
    with duckdb.connect() as con:
        con.execute("set TimeZone = 'UTC'")
        names = ("datetime_utc", "interval_start_utc", "interval_end_utc")
        instants = ", ".join(f"strftime({name}, '%Y-%m-%dT%H:%M') as {name}" for name in names)
        result = con.execute(f"select * replace ({instants}) from '{out / DATASET}'")
        columns = [column[0] for column in result.description]
        return [dict(zip(columns, row, strict=True)) for row in result.fetchall()]


def resolved(out: Path) -> list[Row]:
    """What the raw text says, by rules of its own."""
    rows = []
    for source, text in raw_texts(out):
        day = datetime.strptime(text.split("\n")[1], "%m/%d/%Y")
        nodes: dict[tuple[str, str], dict[str, list[Decimal]]] = defaultdict(dict)
        for line in raw_lines(text):
            node, kind, value, *prices = line.values()
            nodes[node, kind][value] = [Decimal(price) for price in prices]
        for (node, kind), values in nodes.items():
            for hour, parts in enumerate(zip(*(values[v] for v in miso_values), strict=True)):
                rows.append(row(source, day + timedelta(hours=hour), node, kind, *parts))
    return sorted(rows, key=lambda found: (found["datetime_utc"], found["settlement_location"]))


miso_values = ("LMP", "MCC", "MLC")


def row(
    source: str, local: datetime, node: str, kind: str, total: Decimal, mcc: Decimal, mlc: Decimal
) -> Row:
    utc = [f"{local + timedelta(hours=hours):%Y-%m-%dT%H:%M}" for hours in (5, 6)]
    hub = "HUB" if node.endswith(".HUB") else "AGGREGATE"
    values = {
        "datetime_utc": utc[0],
        "datetime_local": local,
        "interval_start_utc": utc[0],
        "interval_end_utc": utc[1],
        "delivery_date": local.date(),
        "delivery_hour": local.hour + 1,
        "delivery_interval": 0,
        "interval_minutes": 60,
        "iso": "MISO",
        "market_type": "DA",
        "settlement_location": node,
        "settlement_location_type": TYPES.get(kind, hub),
        "settlement_location_id": node,
        "zone": None,
        "voltage_kv": None,
        "lmp_total": float(total),
        "lmp_energy": float(total - mcc - mlc),
        "lmp_congestion": float(mcc),
        "lmp_loss": float(mlc),
        "system_lambda": float(total - mcc - mlc),
        "dst_flag": "N",
        "data_source": source,
        "version": 1,
        "is_current": True,
    }
    assert list(values) == list(ENERGY_COLUMNS)
    return values


def test_files_have_the_published_form(fall: Path) -> None:
    paths = sorted((fall / REPORT).iterdir())
    assert [path.name for path in paths] == [
        f"202511{day:02}_da_expost_lmp.csv" for day in (1, 2, 3)
    ]
    for path in paths:
        data = path.read_bytes()
        assert b"\r" not in data and b'"' not in data and data.endswith(b"\n")
        title, day, blank, note, header, *lines = data.decode("ascii").splitlines()
        assert title == "Day Ahead Market ExPost LMPs"
        assert day == f"11/{path.name[6:8]}/2025"
        assert blank == ""
        assert note == ",,,All Hours-Ending are Eastern Standard Time (EST)"
        assert header == HEADER
        assert len(lines) == 3 * NODES
        cells = [line.split(",") for line in lines]
        assert {len(row) for row in cells} == {27}
        keys = [(value, node) for node, _, value, *_ in cells]
        assert all(a < b for a, b in pairwise(keys))
        assert Counter(value for value, _ in keys) == dict.fromkeys(miso_values, NODES)
        assert all(PRICE.fullmatch(price) for row in cells for price in row[3:])


def test_all_ways_to_print_a_price_occur(fall: Path) -> None:
    prices = {
        re.sub(r"\d+", lambda digits: "9" * len(digits[0]), price)
        for _, text in raw_texts(fall)
        for line in raw_lines(text)
        for price in list(line.values())[3:]
    }
    assert {"9", "99", ".9", ".99", "-.9", "-.99", "9.9", "99.9", "99.99", "-9.99"} <= prices


@pytest.mark.parametrize("day", [FALL, SPRING, date(2024, 2, 29)])
def test_every_day_has_24_hours_five_hours_behind_utc(tmp_path: Path, day: date) -> None:
    write_sample(tmp_path, isos=["miso"], start=day, days=1, nodes=8)
    truth = truth_rows(tmp_path)
    midnight = datetime(day.year, day.month, day.day, 5, tzinfo=UTC)
    hours = [f"{midnight + timedelta(hours=hour):%Y-%m-%dT%H:%M}" for hour in range(24)]
    assert [found["datetime_utc"] for found in truth] == [hour for hour in hours for _ in range(8)]
    assert {found["delivery_date"] for found in truth} == {day}
    assert {found["dst_flag"] for found in truth} == {"N"}


def test_energy_is_one_price_per_hour_and_stands_nowhere(fall: Path) -> None:
    energies = defaultdict(set)
    for found in resolved(fall):
        energies[found["datetime_utc"]].add(found["lmp_energy"])
    assert len(energies) == 72
    assert {len(prices) for prices in energies.values()} == {1}


@pytest.mark.parametrize("packaging", ["csv", "csv.gz", "zip"])
def test_truth_is_what_the_raw_text_resolves_to(tmp_path: Path, packaging: Packaging) -> None:
    options = SampleOptions(packaging=packaging, days_per_file=5)
    write_sample(tmp_path, isos=["miso"], start=date(2025, 3, 30), days=3, options=options)
    truth = truth_rows(tmp_path)
    assert truth == resolved(tmp_path)
    prices = [found[name] for found in truth for name in ("lmp_energy", "lmp_congestion")]
    assert not any(price == 0 and math.copysign(1, price) < 0 for price in prices)
    with duckdb.connect() as con:
        described = con.execute(f"describe from '{tmp_path / DATASET}'").fetchall()
    assert {name: kind for name, kind, *_ in described} == ENERGY_COLUMNS


def test_zips_hold_a_month_of_the_same_files(tmp_path: Path) -> None:
    plain, zipped = tmp_path / "plain", tmp_path / "zipped"
    ways: dict[Path, Packaging] = {plain: "csv", zipped: "zip"}
    for out, packaging in ways.items():
        options = SampleOptions(packaging=packaging, truth=False)
        write_sample(out, isos=["miso"], start=date(2024, 11, 29), days=3, options=options)
    members = {}
    for path in sorted(zipped.rglob("*.zip")):
        with zipfile.ZipFile(path) as archive:
            members[path.name] = archive.namelist()
    assert members == {
        "202411_da_expost_lmp_csv.zip": [
            "20241129_da_expost_lmp.csv",
            "20241130_da_expost_lmp.csv",
        ],
        "202412_da_expost_lmp_csv.zip": ["20241201_da_expost_lmp.csv"],
    }
    texts = [[text for _, text in raw_texts(out)] for out in (plain, zipped)]
    assert texts[0] == texts[1]


def test_same_arguments_same_bytes(fall: Path, tmp_path: Path) -> None:
    again, other = tmp_path / "again", tmp_path / "other"
    options = SampleOptions(threads=1)
    start = FALL - timedelta(1)
    write_sample(again, isos=["miso"], start=start, days=3, nodes=NODES, options=options)
    names = [path.relative_to(fall) for path in fall.rglob("*") if path.is_file()]
    assert len(names) == 4
    assert all((fall / name).read_bytes() == (again / name).read_bytes() for name in names)
    write_sample(other, isos=["miso"], start=FALL, days=1, nodes=2 * NODES)
    lines = (other / REPORT / "20251102_da_expost_lmp.csv").read_text().splitlines()
    assert set((fall / REPORT / "20251102_da_expost_lmp.csv").read_text().splitlines()) < set(lines)


@pytest.mark.parametrize(("nodes", "written"), [(1, 8), (8, 8), (150, 150)])
def test_nodes_counts_locations_but_keeps_the_hubs(
    tmp_path: Path, nodes: int, written: int
) -> None:
    write_sample(tmp_path, isos=["miso"], start=FALL, days=1, nodes=nodes)
    [(_, text)] = raw_texts(tmp_path)
    found = {(line["Node"], line["Type"]) for line in raw_lines(text)}
    assert len(found) == written
    assert {name for name, _ in found if name.endswith(".HUB")} == set(miso.HUBS)
    truth = {
        (found["settlement_location"], found["settlement_location_type"])
        for found in truth_rows(tmp_path)
    }
    assert len(truth) == written


def test_there_are_names_for_all_locations() -> None:
    locations = list(islice(miso.locations(), 2_600))
    assert len({location.name for location in locations}) == 2_600
    assert {name for name in miso.INTERFACES} == {
        location.name for location in locations if location.published_type == "Interface"
    }
    assert all(re.fullmatch(r"[A-Z0-9_.]{2,17}", location.name) for location in locations)
    kinds = Counter(location.published_type for location in locations)
    assert kinds["Gennode"] > kinds["Hub"] + kinds["Loadzone"]
    assert Counter(location.settlement_location_type for location in locations)["HUB"] == 8


def test_only_the_chosen_reports_are_written(tmp_path: Path) -> None:
    options = SampleOptions(reports=("damlbmp_zone",))
    assert write_sample(tmp_path, isos=["miso"], start=FALL, days=1, options=options) == []
