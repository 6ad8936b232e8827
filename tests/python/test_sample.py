"""The generated sample: raw bytes as published, truth as the rules of revision and time demand."""

import csv
import gzip
import io
import math
import re
import sys
import zipfile
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import groupby, islice, pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from building import ENERGY_COLUMNS
from unified_iso import sample
from unified_iso.sample import (
    Packaging,
    SampleOptions,
    _pjm_locations,
    available_isos,
    nyiso,
    pjm,
    write_sample,
)
from unified_iso.sample._common import market_hours, noise
from unified_iso.sample._nyiso_services import ZONES

NEW_YORK = ZoneInfo("America/New_York")
ISOS = ("nyiso", "pjm")
FALL = date(2025, 11, 2)
SPRING = date(2025, 3, 9)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

PJM_HEADER = (
    "datetime_beginning_utc,datetime_beginning_ept,pnode_id,pnode_name,voltage,equipment,type,zone,"
    "system_energy_price_da,total_lmp_da,congestion_price_da,marginal_loss_price_da,"
    "row_is_current,version_nbr"
)
PJM_DATE = r"([1-9]|1[0-2])/([1-9]|[12]\d|3[01])/\d{4}"
PJM_CLOCK = rf"{PJM_DATE} ([1-9]|1[0-2]):00:00 (AM|PM)"
PJM_5MIN_CLOCK = rf"{PJM_DATE} ([1-9]|1[0-2]):[0-5][05]:00 (AM|PM)"
PJM_PLACE = r"\d+,[A-Z0-9][-_A-Z0-9 ]*[A-Z0-9],(\d+ KV,[^,\"]+|,),[A-Z_]+,[A-Z]*"
PJM_PRICE = r"-?\d+\.\d{6}"
PJM_LINE = re.compile(
    rf"{PJM_CLOCK},{PJM_CLOCK},{PJM_PLACE},"
    rf"-?\d+\.\d\d,{PJM_PRICE},{PJM_PRICE},{PJM_PRICE},(True|False),[12]"
)
PJM_5MIN = "rt_fivemin_hrl_lmps"
PJM_5MIN_HEADER = PJM_HEADER.replace("_da", "_rt")
PJM_5MIN_LINE = re.compile(
    rf"{PJM_5MIN_CLOCK},{PJM_5MIN_CLOCK},{PJM_PLACE},"
    rf"{PJM_PRICE},{PJM_PRICE},{PJM_PRICE},{PJM_PRICE},(True|False),[12]"
)
NYISO_HEADER = (
    "Time Stamp,Name,PTID,LBMP ($/MWHr),Marginal Cost Losses ($/MWHr),"
    "Marginal Cost Congestion ($/MWHr)"
)
NYISO_PRICE = r"-?\d+\.\d\d"
NYISO_LINE = re.compile(
    rf"\d\d/\d\d/\d{{4}} \d\d:00,[A-Z][A-Z0-9_. ]*,\d+,{NYISO_PRICE},{NYISO_PRICE},{NYISO_PRICE}"
)

DATASETS = {
    "pjm/da_energy_hourly_nodal": 40,
    "pjm/da_energy_hourly_hub": 12,
    "nyiso/da_energy_hourly": 15 + 1 + 40,
}

Row = dict[str, Any]
# By file, hour and id: the prices of each revision.
Revisions = dict[tuple[str, str, str], dict[tuple[str, str], list[str]]]


@pytest.fixture(scope="module")
def fall(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four days around the end of daylight time, with every default."""
    out = tmp_path_factory.mktemp("fall")
    write_sample(out, isos=ISOS, start=FALL - timedelta(1), days=4)
    return out


@pytest.fixture(scope="module")
def spring(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three days around the start of daylight time, without overlap and revisions."""
    out = tmp_path_factory.mktemp("spring")
    options = SampleOptions(overlap=False, revisions=False)
    write_sample(out, isos=ISOS, start=SPRING - timedelta(1), days=3, options=options)
    return out


@pytest.fixture(scope="module")
def five_minutes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three days of PJM's 5-minute report around the end of daylight time, the rest default."""
    out = tmp_path_factory.mktemp("five_minutes")
    options = SampleOptions(reports=(PJM_5MIN,))
    write_sample(out, start=FALL - timedelta(1), days=3, options=options)
    return out


# Reading back: raw text by the csv module, truth by DuckDB.


def raw_texts(out: Path, report: str) -> Iterator[tuple[str, str]]:
    """Each CSV of a report under the name data_source should have for it, in order of name."""
    for path in sorted(out.glob(f"{report}/*")):
        source = path.relative_to(out).as_posix()
        if path.suffix == ".zip":
            with zipfile.ZipFile(path) as archive:
                for name in archive.namelist():
                    yield f"{source}!{name}", archive.read(name).decode()
        elif path.suffix == ".gz":
            yield source, gzip.decompress(path.read_bytes()).decode()
        else:
            yield source, path.read_bytes().decode()


def raw_rows(out: Path, report: str) -> Iterator[tuple[str, dict[str, str]]]:
    for source, text in raw_texts(out, report):
        for row in csv.DictReader(io.StringIO(text, newline="")):
            yield source, row


def lines_of(path: Path, line_end: bytes) -> list[str]:
    data = path.read_bytes()
    assert data.endswith(line_end)
    lines = data.removesuffix(line_end).split(line_end)
    assert not any(b"\r" in line or b"\n" in line or b'"' in line for line in lines)
    return [line.decode("ascii") for line in lines]


def truth_rows(out: Path, dataset: str) -> list[Row]:
    """Rows in file order, instants as microseconds since 1970."""
    instants = ", ".join(
        f"epoch_us({name}) as {name}"
        for name in ("datetime_utc", "interval_start_utc", "interval_end_utc")
    )
    with duckdb.connect() as con:
        result = con.execute(f"select * replace ({instants}) from '{truth_path(out, dataset)}'")
        names = [column[0] for column in result.description]
        return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def truth_path(out: Path, dataset: str) -> Path:
    return out / "truth" / f"{dataset}.parquet"


def pjm_instant(text: str) -> datetime:
    return datetime.strptime(text, "%m/%d/%Y %I:%M:%S %p")


def microseconds(utc: datetime) -> int:
    return (utc - EPOCH) // timedelta(microseconds=1)


# What the truth must be, worked out from the raw text by rules of its own.


def expected_common(utc: datetime, source: str, version: int) -> Row:
    local = utc.astimezone(NEW_YORK)
    return {
        "datetime_utc": microseconds(utc),
        "datetime_local": local.replace(tzinfo=None, fold=0),
        "interval_start_utc": microseconds(utc),
        "interval_end_utc": microseconds(utc + timedelta(hours=1)),
        "delivery_date": local.date(),
        "delivery_hour": local.hour + 1,
        "delivery_interval": 0,
        "interval_minutes": 60,
        "market_type": "DA",
        "dst_flag": "Y" if local.utcoffset() == timedelta(hours=-4) else "N",
        "data_source": source,
        "version": version,
        "is_current": True,
    }


def expected_pjm(out: Path, report: str = "da_hrl_lmps") -> list[Row]:
    best: dict[tuple[datetime, str], tuple[int, str, dict[str, str]]] = {}
    for source, raw in raw_rows(out, f"pjm/{report}"):
        utc = pjm_instant(raw["datetime_beginning_utc"]).replace(tzinfo=UTC)
        candidate = (int(raw["version_nbr"]), source, raw)
        key = (utc, raw["pnode_id"])
        if key not in best or candidate[:2] > best[key][:2]:
            best[key] = candidate
    rows = [pjm_row(utc, *candidate) for (utc, _), candidate in best.items()]
    return sorted(rows, key=order)


def expected_pjm_5min(out: Path) -> list[Row]:
    rows = expected_pjm(out, PJM_5MIN)
    for row in rows:
        minute = row["datetime_local"].minute
        row["interval_end_utc"] = row["interval_start_utc"] + 300_000_000
        row |= {"market_type": "RT", "interval_minutes": 5, "delivery_interval": minute // 5 + 1}
    return rows


def pjm_row(utc: datetime, version: int, source: str, raw: dict[str, str]) -> Row:
    kinds = {"RESIDUAL_METERED_EDC": "AGGREGATE"}
    kept = ("HUB", "ZONE", "INTERFACE", "AGGREGATE")
    kind = kinds.get(raw["type"], raw["type"] if raw["type"] in kept else "PNODE")
    energy, total, congestion, loss = (float(text) for text in list(raw.values())[8:12])
    return expected_common(utc, source, version) | {
        "iso": "PJM",
        "settlement_location": raw["pnode_name"],
        "settlement_location_type": kind,
        "settlement_location_id": raw["pnode_id"],
        "zone": raw["zone"] or None,
        "voltage_kv": float(raw["voltage"].removesuffix(" KV")) if raw["voltage"] else None,
        "lmp_total": total,
        "lmp_energy": energy,
        "lmp_congestion": congestion,
        "lmp_loss": loss,
        "system_lambda": energy,
    }


def expected_nyiso(out: Path) -> list[Row]:
    """The second run of a stamp for a location is standard time; the greater path wins."""
    best: dict[tuple[datetime, str], Row] = {}
    zones = {raw["PTID"]: raw["Zone"] for _, raw in raw_rows(out, "nyiso/generator")}
    for report in ("damlbmp_gen", "damlbmp_zone"):
        seen: Counter[tuple[str, str]] = Counter()
        for source, raw in raw_rows(out, f"nyiso/{report}"):
            place = (raw["Time Stamp"], raw["PTID"])
            local = datetime.strptime(raw["Time Stamp"], "%m/%d/%Y %H:%M")
            utc = local.replace(tzinfo=NEW_YORK, fold=seen[place]).astimezone(UTC)
            seen[place] += 1
            row = nyiso_row(utc, source, raw) | {"zone": zones.get(raw["PTID"])}
            best[utc, raw["PTID"]] = max(
                row, best.get((utc, raw["PTID"]), row), key=lambda row: str(row["data_source"])
            )
    return sorted(best.values(), key=order)


def nyiso_row(utc: datetime, source: str, raw: dict[str, str]) -> Row:
    total, loss, congestion = (Decimal(raw[name]) for name in list(raw)[3:])
    energy = float(total - loss + congestion)
    ptid = int(raw["PTID"])
    kind = "ZONE" if ptid in ZONES else "INTERFACE" if ptid in nyiso.PROXIES else "NODE"
    return expected_common(utc, source, 1) | {
        "iso": "NYISO",
        "settlement_location": raw["Name"],
        "settlement_location_type": kind,
        "settlement_location_id": raw["PTID"],
        "voltage_kv": None,
        "lmp_total": float(total),
        "lmp_energy": energy,
        "lmp_congestion": float(-congestion) if congestion else 0.0,
        "lmp_loss": float(loss),
        "system_lambda": energy,
    }


def order(row: Row) -> tuple[object, ...]:
    return (row["datetime_utc"], row["settlement_location"], row["settlement_location_id"])


# The public functions


def test_markets_are_found_by_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "xiso.py").write_text(
        "from zoneinfo import ZoneInfo\n"
        "from unified_iso.sample._market import Market\n"
        "MARKET = Market(iso='XISO', zone=ZoneInfo('UTC'), ticks=100, reports=())\n"
    )
    monkeypatch.setattr(sample, "__path__", [*sample.__path__, str(tmp_path)])
    monkeypatch.setitem(sys.modules, "unified_iso.sample.xiso", None)
    monkeypatch.delitem(sys.modules, "unified_iso.sample.xiso")
    assert {"pjm", "nyiso", "xiso"} <= set(available_isos())
    assert not any(name.startswith("_") for name in available_isos())
    assert write_sample(tmp_path, isos=["XISO"], start=FALL, days=1) == []


def test_returned_paths_are_all_files_and_progress_counts_them(tmp_path: Path) -> None:
    calls: list[tuple[str, int, int]] = []
    paths = write_sample(
        tmp_path, isos=["PJM"], start=FALL, days=2, progress=lambda *call: calls.append(call)
    )
    assert sorted(paths) == sorted(path for path in tmp_path.rglob("*") if path.is_file())
    assert calls == [("pjm", done, 4) for done in (1, 2, 3, 4)]


def test_truth_can_be_left_out(tmp_path: Path) -> None:
    write_sample(tmp_path, isos=ISOS, start=FALL, days=1, options=SampleOptions(truth=False))
    assert {path.name for path in tmp_path.iterdir()} == {"nyiso", "pjm"}


def test_bad_arguments_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"no sample for zzz; available: .*nyiso"):
        write_sample(tmp_path, isos=["pjm", "zzz"], start=FALL, days=1)
    for days, nodes in ((0, None), (1, 0)):
        with pytest.raises(ValueError, match="at least 1"):
            write_sample(tmp_path, isos=ISOS, start=FALL, days=days, nodes=nodes)
    with pytest.raises(ValueError, match="at least 1"):
        SampleOptions(days_per_file=0)
    with pytest.raises(ValueError, match="packaging 'rar'"):
        SampleOptions(packaging="rar")  # type: ignore[arg-type]
    assert not list(tmp_path.iterdir())


def test_a_file_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    occupied = tmp_path / "out"
    occupied.write_text("a file where the folder should be")
    with pytest.raises(OSError, match="out"):
        write_sample(occupied, isos=["nyiso"], start=FALL, days=1)


def test_same_arguments_same_bytes_on_any_number_of_threads(fall: Path, tmp_path: Path) -> None:
    write_sample(
        tmp_path, isos=ISOS, start=FALL - timedelta(1), days=4, options=SampleOptions(threads=1)
    )
    names = [path.relative_to(fall) for path in fall.rglob("*") if path.is_file()]
    assert len(names) == 4 + 8 + len(DATASETS)
    assert all((fall / name).read_bytes() == (tmp_path / name).read_bytes() for name in names)


def test_packed_files_have_the_same_bytes_too(tmp_path: Path) -> None:
    for packaging in ("csv.gz", "zip"):
        options = SampleOptions(packaging=packaging)
        runs = [
            [
                path.read_bytes()
                for path in write_sample(out, isos=ISOS, start=FALL, days=1, options=options)
            ]
            for out in (tmp_path / f"{packaging}1", tmp_path / f"{packaging}2")
        ]
        assert runs[0] == runs[1]


def test_a_day_is_the_same_in_every_sample_that_has_it(fall: Path, tmp_path: Path) -> None:
    write_sample(tmp_path, isos=ISOS, start=FALL, days=1, nodes=90)
    name = "nyiso/damlbmp_zone/20251102damlbmp_zone.csv"
    assert (tmp_path / name).read_bytes() == (fall / name).read_bytes()


# The choice of reports


def folders(out: Path) -> set[str]:
    paths = (path.relative_to(out) for path in out.rglob("*") if path.is_file())
    return {(path if path.parts[0] == "truth" else path.parent).as_posix() for path in paths}


def test_without_a_choice_the_day_ahead_reports_are_written(fall: Path) -> None:
    raw = {"pjm/da_hrl_lmps", "nyiso/damlbmp_zone", "nyiso/damlbmp_gen"}
    assert folders(fall) == raw | {f"truth/{dataset}.parquet" for dataset in DATASETS}


def test_markets_without_a_chosen_report_write_nothing(five_minutes: Path, tmp_path: Path) -> None:
    assert folders(five_minutes) == {f"pjm/{PJM_5MIN}", "truth/pjm/rt_energy_5min_nodal.parquet"}
    options = SampleOptions(reports=("damlbmp_gen",))
    assert write_sample(tmp_path, isos=["pjm"], start=FALL, days=1, options=options) == []


def test_a_report_has_the_same_bytes_beside_any_others(
    fall: Path, five_minutes: Path, tmp_path: Path
) -> None:
    options = SampleOptions(reports=(PJM_5MIN, "damlbmp_gen", "da_hrl_lmps"))
    write_sample(tmp_path, isos=ISOS, start=FALL - timedelta(1), days=3, options=options)
    assert {f"pjm/{PJM_5MIN}", "pjm/da_hrl_lmps", "nyiso/damlbmp_gen"} < folders(tmp_path)
    for out, name in (
        (five_minutes, "pjm/rt_fivemin_hrl_lmps/rt_fivemin_hrl_lmps_20251103.csv"),
        (five_minutes, "truth/pjm/rt_energy_5min_nodal.parquet"),
        (fall, "pjm/da_hrl_lmps/da_hrl_lmps_20251102.csv"),
        (fall, "nyiso/damlbmp_gen/20251103damlbmp_gen.csv"),
    ):
        assert (tmp_path / name).read_bytes() == (out / name).read_bytes()


@pytest.mark.parametrize(("report", "locations"), [("zone", 15), ("gen", 42)])
def test_nyiso_truth_has_the_locations_of_the_chosen_report(
    tmp_path: Path, report: str, locations: int
) -> None:
    options = SampleOptions(reports=(f"damlbmp_{report}",))
    write_sample(tmp_path, isos=["nyiso"], start=FALL, days=1, options=options)
    assert folders(tmp_path) == {f"nyiso/damlbmp_{report}", "truth/nyiso/da_energy_hourly.parquet"}
    truth = truth_rows(tmp_path, "nyiso/da_energy_hourly")
    assert len(truth) == 25 * locations
    assert truth == expected_nyiso(tmp_path)


@pytest.mark.parametrize(("report", "locations"), [("zone", 15), ("gen", 42)])
def test_nyiso_list_beside_a_report_adds_no_rows_to_the_truth(
    tmp_path: Path, report: str, locations: int
) -> None:
    options = SampleOptions(reports=(f"damlbmp_{report}", "generator"))
    write_sample(tmp_path, isos=["nyiso"], start=FALL, days=1, options=options)
    truth = truth_rows(tmp_path, "nyiso/da_energy_hourly")
    assert len(truth) == 25 * locations
    assert truth == expected_nyiso(tmp_path)


def test_an_unknown_report_is_refused_by_name(tmp_path: Path) -> None:
    options = SampleOptions(reports=(PJM_5MIN, "rt_lmps"))
    with pytest.raises(ValueError, match="no sample of rt_lmps; available: ") as raised:
        write_sample(tmp_path, isos=["nyiso"], start=FALL, days=1, options=options)
    available = str(raised.value).partition("available: ")[2].split(", ")
    assert available == sorted(available)
    named = {report.name for market in (pjm, nyiso) for report in market.MARKET.reports}
    assert set(available) >= named >= {PJM_5MIN, "da_hrl_lmps", "damlbmp_gen", "generator"}
    assert not list(tmp_path.iterdir())


# PJM


def test_pjm_files_have_the_published_form(fall: Path) -> None:
    files = sorted((fall / "pjm" / "da_hrl_lmps").iterdir())
    assert [path.name for path in files] == [
        f"da_hrl_lmps_202511{day:02}.csv" for day in (1, 2, 3, 4)
    ]
    for path in files:
        header, *lines = lines_of(path, b"\r\n")
        assert header == PJM_HEADER
        assert all(PJM_LINE.fullmatch(line) for line in lines)
        keys = [
            (pjm_instant(cells[0]), int(cells[2]), int(cells[13]))
            for cells in (line.split(",") for line in lines)
        ]
        assert all(a < b for a, b in pairwise(keys))


def test_pjm_line_length_is_that_of_real_exports(fall: Path) -> None:
    lines = lines_of(fall / "pjm" / "da_hrl_lmps" / "da_hrl_lmps_20251104.csv", b"\r\n")
    assert 100 < sum(map(len, lines)) / len(lines) < 140


def test_pjm_prices_add_up_to_the_micro_dollar_and_some_are_negative(fall: Path) -> None:
    totals = []
    for _, row in raw_rows(fall, "pjm/da_hrl_lmps"):
        energy, total, congestion, loss = (Decimal(row[name]) for name in list(row)[8:12])
        assert total == energy + congestion + loss
        totals.append(total)
    assert min(totals) < 0 < max(totals)


def test_pjm_hours_have_one_energy_price_per_version(fall: Path) -> None:
    prices = defaultdict(set)
    for source, row in raw_rows(fall, "pjm/da_hrl_lmps"):
        key = (source, row["datetime_beginning_utc"], row["version_nbr"])
        prices[key].add(row["system_energy_price_da"])
    assert all(len(found) == 1 for found in prices.values())


@pytest.mark.parametrize(("start", "hours"), [(FALL, 25), (SPRING, 23), (date(2024, 2, 29), 24)])
def test_pjm_day_file_has_the_hours_of_its_day(tmp_path: Path, start: date, hours: int) -> None:
    write_sample(
        tmp_path, isos=["pjm"], start=start, days=1, options=SampleOptions(revisions=False)
    )
    rows = [row for _, row in raw_rows(tmp_path, "pjm/da_hrl_lmps")]
    assert len(rows) == hours * 40
    clocks = {
        (pjm_instant(row["datetime_beginning_utc"]), pjm_instant(row["datetime_beginning_ept"]))
        for row in rows
    }
    offsets = [local - utc for utc, local in sorted(clocks)]
    assert len(offsets) == hours
    assert len(set(offsets)) == (1 if hours == 24 else 2)
    assert {local.date() for _, local in clocks} == {start}


def test_pjm_locations(fall: Path) -> None:
    by_hour = defaultdict(set)
    places: dict[str, tuple[str, ...]] = {}
    for _, row in raw_rows(fall, "pjm/da_hrl_lmps"):
        by_hour[row["datetime_beginning_utc"]].add(row["pnode_id"])
        place = tuple(row[name] for name in ("pnode_name", "voltage", "equipment", "type", "zone"))
        assert places.setdefault(row["pnode_id"], place) == place
    assert {len(ids) for ids in by_hour.values()} == {40}
    hubs = {id_: place[0] for id_, place in places.items() if place[3] == "HUB"}
    assert hubs == {str(id_): name for id_, name in _pjm_locations.HUBS.items()}
    assert [places[id_][0] for id_ in ("48588", "48589")] == ["ADAMS", "ADAMS"]
    assert max(map(int, places)) > 2**31
    assert places["1"] == ("PJM-RTO", "", "", "ZONE", "")
    buses = [place for place in places.values() if place[1]]
    assert buses
    assert all(equipment and zone for _, _, equipment, _, zone in buses)


@pytest.mark.parametrize(("nodes", "written"), [(1, 12), (12, 12), (500, 500)])
def test_pjm_nodes_counts_locations_but_keeps_the_hubs(
    tmp_path: Path, nodes: int, written: int
) -> None:
    options = SampleOptions(revisions=False, truth=False)
    write_sample(tmp_path, isos=["pjm"], start=FALL, days=1, nodes=nodes, options=options)
    rows = [row for _, row in raw_rows(tmp_path, "pjm/da_hrl_lmps")]
    assert len(rows) == 25 * written
    assert len({row["pnode_name"] for row in rows if row["type"] == "HUB"}) == 12


def test_pjm_can_name_all_its_locations() -> None:
    locations = list(islice(_pjm_locations.locations(), 15_000))
    assert len({location.pnode_id for location in locations}) == 15_000
    assert len({location.pnode_name for location in locations}) < 15_000
    name = re.compile(r"[A-Z0-9][-_A-Z0-9 ]*[A-Z0-9]")
    assert all(name.fullmatch(location.pnode_name) for location in locations)
    assert {location.type for location in locations} == {
        *("HUB", "ZONE", "INTERFACE", "AGGREGATE", "RESIDUAL_METERED_EDC"),
        *("GEN", "LOAD", "EHV", "TIE"),
    }


def hours_by_file(out: Path, report: str = "da_hrl_lmps") -> list[set[str]]:
    files = defaultdict(set)
    for source, row in raw_rows(out, f"pjm/{report}"):
        files[source].add(row["datetime_beginning_utc"])
    return [files[source] for source in sorted(files)]


def test_pjm_neighbouring_files_share_midnight(fall: Path, spring: Path) -> None:
    files = hours_by_file(fall)
    assert [sorted(a & b) for a, b in pairwise(files)] == [
        ["11/2/2025 4:00:00 AM"],
        ["11/3/2025 5:00:00 AM"],
        ["11/4/2025 5:00:00 AM"],
    ]
    assert [len(hours) for hours in files] == [25, 26, 25, 24]
    assert [len(hours) for hours in hours_by_file(spring)] == [24, 23, 24]


def test_pjm_revisions_within_a_file(fall: Path, spring: Path) -> None:
    versions: Revisions = defaultdict(dict)
    for source, row in raw_rows(fall, "pjm/da_hrl_lmps"):
        key = (source, row["datetime_beginning_utc"], row["pnode_id"])
        versions[key][row["row_is_current"], row["version_nbr"]] = list(row.values())[8:12]
    revised = [found for found in versions.values() if len(found) > 1]
    assert all(set(found) == {("False", "1"), ("True", "2")} for found in revised)
    same = [found for found in revised if found["False", "1"] == found["True", "2"]]
    assert 0 < len(same) < len(revised)
    plain = [row["version_nbr"] for _, row in raw_rows(spring, "pjm/da_hrl_lmps")]
    assert set(plain) == {"1"}


def test_pjm_revision_may_be_known_to_either_file_of_a_border(fall: Path) -> None:
    borders: dict[str, dict[str, dict[str, str]]] = defaultdict(dict)
    for source, row in raw_rows(fall, "pjm/da_hrl_lmps"):
        if row["pnode_id"] == "51288":
            prices = borders[row["datetime_beginning_utc"]].setdefault(source, {})
            prices[row["version_nbr"]] = row["total_lmp_da"]
    shared = [list(files.values()) for files in borders.values() if len(files) == 2]
    assert [[list(file) for file in files] for files in shared] == [
        [["1"], ["1", "2"]],
        [["1", "2"], ["1"]],
        [["1"], ["1"]],
    ]
    assert all(earlier["1"] == later["1"] for earlier, later in shared)
    assert all(file["1"] != file["2"] for files in shared for file in files if "2" in file)


def test_pjm_files_can_hold_several_days(tmp_path: Path) -> None:
    options = SampleOptions(days_per_file=2)
    write_sample(tmp_path, isos=["pjm"], start=FALL, days=3, options=options)
    assert [path.name for path in sorted((tmp_path / "pjm/da_hrl_lmps").iterdir())] == [
        "da_hrl_lmps_20251102.csv",
        "da_hrl_lmps_20251104.csv",
    ]
    assert [len(hours) for hours in hours_by_file(tmp_path)] == [25 + 24 + 1, 24]


# PJM's 5-minute report


def test_pjm_5min_files_have_the_published_form(five_minutes: Path) -> None:
    files = sorted((five_minutes / "pjm" / PJM_5MIN).iterdir())
    assert [path.name for path in files] == [f"{PJM_5MIN}_202511{day:02}.csv" for day in (1, 2, 3)]
    for path in files:
        header, *lines = lines_of(path, b"\r\n")
        assert header == PJM_5MIN_HEADER
        assert all(PJM_5MIN_LINE.fullmatch(line) for line in lines)
        keys = [
            (pjm_instant(cells[0]), int(cells[2]), int(cells[13]))
            for cells in (line.split(",") for line in lines)
        ]
        assert all(a < b for a, b in pairwise(keys))


@pytest.mark.parametrize(
    ("start", "intervals"), [(FALL, 300), (SPRING, 276), (date(2024, 2, 29), 288)]
)
def test_pjm_5min_day_file_has_the_intervals_of_its_day(
    tmp_path: Path, start: date, intervals: int
) -> None:
    options = SampleOptions(revisions=False, reports=(PJM_5MIN,))
    write_sample(tmp_path, isos=["pjm"], start=start, days=1, nodes=12, options=options)
    rows = [row for _, row in raw_rows(tmp_path, f"pjm/{PJM_5MIN}")]
    assert len(rows) == intervals * 12
    clocks = sorted(
        {
            (pjm_instant(row["datetime_beginning_utc"]), pjm_instant(row["datetime_beginning_ept"]))
            for row in rows
        }
    )
    assert len(clocks) == intervals
    assert all(b - a == timedelta(minutes=5) for (a, _), (b, _) in pairwise(clocks))
    assert clocks[0][1] == datetime(start.year, start.month, start.day)
    assert clocks[-1][1] == datetime(start.year, start.month, start.day, 23, 55)
    truth = truth_rows(tmp_path, "pjm/rt_energy_5min_nodal")
    assert Counter(row["delivery_interval"] for row in truth) == dict.fromkeys(
        range(1, 13), intervals
    )
    assert truth == expected_pjm_5min(tmp_path)


def test_pjm_5min_totals_may_miss_the_sum_of_their_parts_by_half_a_cent(five_minutes: Path) -> None:
    misses = []
    energies = defaultdict(set)
    for source, row in raw_rows(five_minutes, f"pjm/{PJM_5MIN}"):
        energy, total, congestion, loss = (Decimal(row[name]) for name in list(row)[8:12])
        misses.append(total - energy - congestion - loss)
        energies[source, row["datetime_beginning_utc"], row["version_nbr"]].add(energy)
    assert all(len(found) == 1 for found in energies.values())
    assert {abs(miss) <= Decimal("0.005") for miss in misses} == {True}
    assert min(misses) < Decimal("-0.0049")
    assert max(misses) > Decimal("0.0049")
    assert 0.2 < sum(miss != 0 for miss in misses) / len(misses) < 0.3


def test_pjm_5min_prices_differ_within_the_hour(five_minutes: Path) -> None:
    hours = defaultdict(set)
    for _, row in raw_rows(five_minutes, f"pjm/{PJM_5MIN}"):
        if row["pnode_id"] == "51288" and row["row_is_current"] == "True":
            instant = pjm_instant(row["datetime_beginning_utc"])
            hours[instant.replace(minute=0)].add(row["total_lmp_rt"])
    assert min(map(len, hours.values())) > 1


def test_pjm_5min_neighbouring_files_share_one_interval(five_minutes: Path) -> None:
    files = hours_by_file(five_minutes, PJM_5MIN)
    assert [sorted(a & b) for a, b in pairwise(files)] == [
        ["11/2/2025 4:00:00 AM"],
        ["11/3/2025 5:00:00 AM"],
    ]
    assert [len(intervals) for intervals in files] == [289, 301, 288]


def test_pjm_5min_revisions(five_minutes: Path) -> None:
    versions: Revisions = defaultdict(dict)
    for source, row in raw_rows(five_minutes, f"pjm/{PJM_5MIN}"):
        key = (source, row["datetime_beginning_utc"], row["pnode_id"])
        versions[key][row["row_is_current"], row["version_nbr"]] = list(row.values())[8:12]
    revised = [found for found in versions.values() if len(found) > 1]
    assert all(set(found) == {("False", "1"), ("True", "2")} for found in revised)
    same = [found for found in revised if found["False", "1"] == found["True", "2"]]
    assert len(same) == 3 * 12 * 40
    assert len(revised) == 2 * len(same) + 2 * 40


def test_pjm_5min_truth_is_what_the_raw_text_resolves_to(five_minutes: Path) -> None:
    truth = truth_rows(five_minutes, "pjm/rt_energy_5min_nodal")
    assert len(truth) == (288 + 300 + 288) * 40
    assert truth == expected_pjm_5min(five_minutes)
    assert all(order(a) < order(b) for a, b in pairwise(truth))
    with duckdb.connect() as con:
        path = truth_path(five_minutes, "pjm/rt_energy_5min_nodal")
        described = con.execute(f"describe from '{path}'").fetchall()
    assert [(name, kind) for name, kind, *_ in described] == list(ENERGY_COLUMNS.items())


@pytest.fixture
def small_exports(monkeypatch: pytest.MonkeyPatch) -> None:
    """Exports of 300 lines at 12 locations: the intervals of a spring day and its 24 revisions."""
    assert pjm.EXPORT_ROWS == 1_000_000
    monkeypatch.setattr(pjm, "EXPORT_ROWS", 300 * 12)


@pytest.mark.usefixtures("small_exports")
def test_pjm_5min_day_beyond_one_export_is_several_files(tmp_path: Path) -> None:
    options = SampleOptions(reports=(PJM_5MIN,), overlap=False, days_per_file=9)
    write_sample(tmp_path, isos=["pjm"], start=SPRING, days=2, nodes=12, options=options)
    sources = (Path(source).name for source, _ in raw_rows(tmp_path, f"pjm/{PJM_5MIN}"))
    assert Counter(sources) == {
        f"{PJM_5MIN}_20250309.csv": 300 * 12,
        f"{PJM_5MIN}_20250310_01.csv": 300 * 12,
        f"{PJM_5MIN}_20250310_02.csv": 12 * 12,
    }


@pytest.mark.usefixtures("small_exports")
def test_pjm_5min_truth_spans_the_files_of_a_day(tmp_path: Path) -> None:
    options = SampleOptions(reports=(PJM_5MIN,), packaging="zip")
    write_sample(tmp_path, isos=["pjm"], start=SPRING, days=5, nodes=12, options=options)
    truth = truth_rows(tmp_path, "pjm/rt_energy_5min_nodal")
    assert truth == expected_pjm_5min(tmp_path)
    second = f"pjm/{PJM_5MIN}/{PJM_5MIN}_20250312_02.zip!{PJM_5MIN}_20250312_02.csv"
    assert second in {row["data_source"] for row in truth}


# NYISO


@pytest.mark.parametrize(("report", "line_end"), [("zone", b"\r\n"), ("gen", b"\n")])
def test_nyiso_files_have_the_published_form(fall: Path, report: str, line_end: bytes) -> None:
    files = sorted((fall / "nyiso" / f"damlbmp_{report}").iterdir())
    assert [path.name for path in files] == [
        f"202511{day:02}damlbmp_{report}.csv" for day in (1, 2, 3, 4)
    ]
    for path in files:
        header, *lines = lines_of(path, line_end)
        assert header == NYISO_HEADER
        assert all(NYISO_LINE.fullmatch(line) for line in lines)
        assert not any(",-0.00" in line for line in lines)


@pytest.mark.parametrize(("report", "locations"), [("zone", 15), ("gen", 42)])
def test_nyiso_fall_day_prints_one_pass_after_the_other(
    fall: Path, report: str, locations: int
) -> None:
    path = fall / "nyiso" / f"damlbmp_{report}" / f"20251102damlbmp_{report}.csv"
    rows = list(csv.DictReader(io.StringIO(path.read_text())))
    blocks = [rows[first : first + locations] for first in range(0, len(rows), locations)]
    stamps = [{row["Time Stamp"] for row in block} for block in blocks]
    hours = [0, 1, *range(1, 24)]
    assert stamps == [{f"11/02/2025 {hour:02}:00"} for hour in hours]
    names = sorted(row["Name"] for row in blocks[0])
    assert all([row["Name"] for row in block] == names for block in blocks)
    first, second = ([row["LBMP ($/MWHr)"] for row in block] for block in blocks[1:3])
    assert first != second


def test_nyiso_spring_day_has_no_two_o_clock(spring: Path) -> None:
    path = spring / "nyiso" / "damlbmp_zone" / "20250309damlbmp_zone.csv"
    _, *lines = lines_of(path, b"\r\n")
    stamps = [stamp for stamp, _ in groupby(line.split(",")[0] for line in lines)]
    assert stamps == [f"03/09/2025 {hour:02}:00" for hour in range(24) if hour != 2]
    assert len(lines) == 23 * 15


def test_nyiso_hours_have_one_energy_price_to_the_cent(fall: Path) -> None:
    prices = defaultdict(set)
    passes: Counter[tuple[str, str, str]] = Counter()
    reference = {}
    for report in ("zone", "gen"):
        for _, row in raw_rows(fall, f"nyiso/damlbmp_{report}"):
            total, loss, congestion = (Decimal(row[name]) for name in list(row)[3:])
            place = (report, row["Time Stamp"], row["PTID"])
            hour = (row["Time Stamp"], passes[place])
            passes[place] += 1
            prices[hour].add(total - loss + congestion)
            if row["PTID"] == "24008":
                assert row["Name"] == "NYISO_LBMP_REFERENCE"
                assert loss == congestion == 0
                reference[hour] = total
    assert len(prices) == 24 + 25 + 24 + 24
    assert prices == {hour: {price} for hour, price in reference.items()}


def test_nyiso_location_in_both_reports_is_one_row_of_truth(fall: Path) -> None:
    ptid = str(nyiso.IN_BOTH_REPORTS)
    reports = [
        [row for _, row in raw_rows(fall, f"nyiso/damlbmp_{report}") if row["PTID"] == ptid]
        for report in ("zone", "gen")
    ]
    assert reports[0] == reports[1]
    truth = [
        row
        for row in truth_rows(fall, "nyiso/da_energy_hourly")
        if row["settlement_location_id"] == ptid
    ]
    assert len(truth) == len(reports[0]) == 97
    assert all("/damlbmp_zone/" in str(row["data_source"]) for row in truth)
    all_ids = {
        report: {row["PTID"] for _, row in raw_rows(fall, f"nyiso/damlbmp_{report}")}
        for report in ("zone", "gen")
    }
    assert all_ids["zone"] & all_ids["gen"] == {ptid}
    assert all_ids["zone"] == {str(id_) for id_ in (*ZONES, *nyiso.PROXIES)}


# Packaging


def test_zip_packaging(tmp_path: Path) -> None:
    options = SampleOptions(packaging="zip")
    write_sample(tmp_path, isos=ISOS, start=date(2024, 11, 29), days=3, nodes=12, options=options)
    members = {}
    for path in sorted(tmp_path.rglob("*.zip")):
        with zipfile.ZipFile(path) as archive:
            assert archive.testzip() is None
            assert {info.date_time[:3] for info in archive.infolist()} == {(1980, 1, 1)}
            members[path.relative_to(tmp_path).as_posix()] = archive.namelist()
    pjm_members = {
        f"pjm/da_hrl_lmps/da_hrl_lmps_{day}.zip": [f"da_hrl_lmps_{day}.csv"]
        for day in ("20241129", "20241130", "20241201")
    }
    nyiso_members = {
        f"nyiso/damlbmp_{report}/{month}damlbmp_{report}_csv.zip": [
            f"{day}damlbmp_{report}.csv" for day in days
        ]
        for report in ("zone", "gen")
        for month, days in {"20241101": ("20241129", "20241130"), "20241201": ("20241201",)}.items()
    }
    assert members == pjm_members | nyiso_members


@pytest.mark.parametrize("packaging", ["csv.gz", "zip"])
def test_packaging_changes_no_csv(fall: Path, tmp_path: Path, packaging: Packaging) -> None:
    options = SampleOptions(packaging=packaging)
    write_sample(tmp_path, isos=ISOS, start=FALL - timedelta(1), days=4, options=options)
    for report in ("pjm/da_hrl_lmps", "nyiso/damlbmp_zone", "nyiso/damlbmp_gen"):
        plain = [text for _, text in raw_texts(fall, report)]
        assert [text for _, text in raw_texts(tmp_path, report)] == plain
    assert not list(tmp_path.rglob("*.csv"))


# Truth


@pytest.mark.parametrize("dataset", DATASETS)
def test_truth_has_the_energy_schema(fall: Path, dataset: str) -> None:
    with duckdb.connect() as con:
        described = con.execute(f"describe from '{truth_path(fall, dataset)}'").fetchall()
    assert {name: kind for name, kind, *_ in described} == ENERGY_COLUMNS
    assert [name for name, *_ in described] == list(ENERGY_COLUMNS)


@pytest.mark.parametrize("dataset", DATASETS)
def test_truth_is_sorted_unique_and_adds_up(fall: Path, dataset: str) -> None:
    rows = truth_rows(fall, dataset)
    assert all(order(a) < order(b) for a, b in pairwise(rows))
    for row in rows:
        parts = [row[name] for name in ("lmp_energy", "lmp_congestion", "lmp_loss")]
        assert row["lmp_total"] == pytest.approx(sum(parts), abs=1e-9)
        assert not any(part == 0 and math.copysign(1, part) < 0 for part in parts)


@pytest.mark.parametrize(("dataset", "locations"), DATASETS.items())
def test_truth_days_follow_the_clock_change(
    fall: Path, spring: Path, dataset: str, locations: int
) -> None:
    for out, hours in ((fall, [24, 25, 24, 24]), (spring, [24, 23, 24])):
        counts = Counter(row["delivery_date"] for row in truth_rows(out, dataset))
        assert [counts[day] for day in sorted(counts)] == [hour * locations for hour in hours]


@pytest.mark.parametrize("packaging", ["csv", "csv.gz", "zip"])
@pytest.mark.parametrize("days_per_file", [1, 3])
def test_truth_is_what_the_raw_text_resolves_to(
    tmp_path: Path, packaging: Packaging, days_per_file: int
) -> None:
    options = SampleOptions(packaging=packaging, days_per_file=days_per_file)
    write_sample(tmp_path, isos=ISOS, start=FALL - timedelta(1), days=5, nodes=60, options=options)
    nodal = expected_pjm(tmp_path)
    assert truth_rows(tmp_path, "pjm/da_energy_hourly_nodal") == nodal
    hubs = [row for row in nodal if row["settlement_location_type"] == "HUB"]
    assert truth_rows(tmp_path, "pjm/da_energy_hourly_hub") == hubs
    assert truth_rows(tmp_path, "nyiso/da_energy_hourly") == expected_nyiso(tmp_path)


def test_truth_of_the_spring_day_is_what_the_raw_text_resolves_to(spring: Path) -> None:
    assert truth_rows(spring, "pjm/da_energy_hourly_nodal") == expected_pjm(spring)
    assert truth_rows(spring, "nyiso/da_energy_hourly") == expected_nyiso(spring)


def test_truth_takes_revisions_from_either_file_of_a_border(fall: Path) -> None:
    sources = {
        row["datetime_local"].day: (Path(str(row["data_source"])).stem[-2:], row["version"])
        for row in truth_rows(fall, "pjm/da_energy_hourly_hub")
        if row["datetime_local"].hour == 0
    }
    assert sources == {1: ("01", 1), 2: ("02", 2), 3: ("02", 2), 4: ("04", 1)}


# The calendar


@settings(max_examples=60)
@given(
    start=st.dates(date(2000, 1, 1), date(2037, 12, 1)),
    days=st.integers(1, 9),
    zone=st.sampled_from(["America/New_York", "America/Chicago", "America/Los_Angeles", "EST"]),
)
def test_hours_of_any_days_are_gapless_and_on_the_local_clock(
    start: date, days: int, zone: str
) -> None:
    market = ZoneInfo(zone)
    hours = list(market_hours(market, start, days))
    assert all(b.utc - a.utc == timedelta(hours=1) for a, b in pairwise(hours))
    assert {hour.day for hour in hours} == {start + timedelta(day) for day in range(days)}
    assert hours[0].local == datetime(start.year, start.month, start.day)
    assert all(hour.utc.astimezone(market).replace(tzinfo=None) == hour.local for hour in hours)
    assert len({(hour.local, hour.dst_flag) for hour in hours}) == len(hours)
    counts = Counter(hour.day for hour in hours)
    assert set(counts.values()) <= ({24} if zone == "EST" else {23, 24, 25})


def test_noise_is_fixed_and_reaches_both_ends() -> None:
    drawn = [noise(-1, 1, "key", number) for number in range(60)]
    assert set(drawn) == {-1, 0, 1}
    assert drawn == [noise(-1, 1, "key", number) for number in range(60)]
