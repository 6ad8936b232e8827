"""SPP's generated sample: raw bytes as published, truth as its own reading of the raw text."""

import csv
import re
import zipfile
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import groupby, pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
import pytest

from building import ENERGY_COLUMNS
from test_sample import Row, lines_of, microseconds, order, raw_rows, truth_path, truth_rows
from unified_iso.sample import Packaging, SampleOptions, spp, write_sample

CHICAGO = ZoneInfo("America/Chicago")
REPORT = "spp/da-lmp-sl"
DATASET = "spp/da_energy_hourly"
FALL, SPRING = date(2025, 11, 2), date(2025, 3, 9)
LAST_DAYS_ALONE = date(2026, 3, 30)
HUB_NAMES = {"SPPNORTH_HUB", "SPPSOUTH_HUB", "SWPW_HUB", "CRSP_HUB", "LAP_HUB"}

PLAIN = "Interval,GMTIntervalEnd,Settlement Location,Pnode,LMP,MLC,MCC,MEC"
THIRD = "Interval,GMTIntervalEnd,BAA,Settlement Location,Pnode,LMP,MLC,MCC,MEC"
UPPER = "INTERVAL,GMTINTERVALEND,BAA,SETTLEMENT_LOCATION,PNODE,LMP,MLC,MCC,MEC"
LAST = "Interval,GMTIntervalEnd,Settlement Location,Pnode,LMP,MLC,MCC,MEC,BAA"
# Header of each day from LAST_DAYS_ALONE on, and whether stamps and prices are short.
FORMS = (
    *((PLAIN, False), (PLAIN, True), (THIRD, True), (THIRD, False), (LAST, False)),
    *((THIRD, False), (UPPER, True), (THIRD, True)),
)

PLACE = r"[A-Z0-9._]+,[A-Z0-9._]+"
LONG = (r"\d\d/\d\d/\d{4} \d\d:00:00", r"-?\d+\.\d{4}")
SHORT = (r"[1-9]\d?/[1-9]\d?/\d{4} (\d|1\d|2[0-3]):00", r"-?\d+(\.\d{0,3}[1-9])?")


def line_pattern(header: str, short: bool) -> re.Pattern[str]:
    stamp, price = SHORT if short else LONG
    place = f"(SPP|SWPW),{PLACE}" if header in (THIRD, UPPER) else PLACE
    end = ",(SPP|SWPW)" if header == LAST else ""
    return re.compile(f"{stamp},{stamp},{place},{price},{price},{price},{price}{end}")


@pytest.fixture(scope="module")
def border(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight days around the day the west joins, with every default."""
    out = tmp_path_factory.mktemp("border")
    write_sample(out, isos=["spp"], start=LAST_DAYS_ALONE, days=len(FORMS))
    return out


def stamp(text: str) -> datetime:
    return datetime.strptime(
        text, "%m/%d/%Y %H:%M:%S" if text.count(":") == 2 else "%m/%d/%Y %H:%M"
    )


def lines(out: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """Rows of the raw files by day under one spelling of their columns."""
    for source, row in raw_rows(out, REPORT):
        if "MONTHLY" not in source:
            yield source, {name.upper().replace(" ", "_"): cell for name, cell in row.items()}


def expected(out: Path) -> list[Row]:
    """What the truth must be, worked out from the raw text; the greatest path wins."""
    best: dict[tuple[object, ...], Row] = {}
    for source, raw in lines(out):
        end = stamp(raw["GMTINTERVALEND"]).replace(tzinfo=UTC)
        row = expected_row(end - timedelta(hours=1), source, raw)
        key = order(row)
        best[key] = max(row, best.get(key, row), key=lambda row: str(row["data_source"]))
    return [best[key] for key in sorted(best)]


def expected_row(utc: datetime, source: str, raw: dict[str, str]) -> Row:
    local = utc.astimezone(CHICAGO)
    name = raw["SETTLEMENT_LOCATION"]
    kind = "HUB" if name in HUB_NAMES else "INTERFACE" if name in spp.INTERFACES else "NODE"
    return {
        "datetime_utc": microseconds(utc),
        "datetime_local": local.replace(tzinfo=None, fold=0),
        "interval_start_utc": microseconds(utc),
        "interval_end_utc": microseconds(utc + timedelta(hours=1)),
        "delivery_date": local.date(),
        "delivery_hour": local.hour + 1,
        "delivery_interval": 0,
        "interval_minutes": 60,
        "iso": "SPP",
        "market_type": "DA",
        "settlement_location": name,
        "settlement_location_type": kind,
        "settlement_location_id": name,
        "zone": raw.get("BAA"),
        "voltage_kv": None,
        "lmp_total": float(raw["LMP"]),
        "lmp_energy": float(raw["MEC"]),
        "lmp_congestion": float(raw["MCC"]),
        "lmp_loss": float(raw["MLC"]),
        "system_lambda": float(raw["MEC"]),
        "dst_flag": "Y" if local.utcoffset() == timedelta(hours=-5) else "N",
        "data_source": source,
        "version": 1,
        "is_current": True,
    }


def test_each_day_is_a_file_in_the_form_of_its_turn(border: Path) -> None:
    files = sorted((border / REPORT).iterdir())
    days = [LAST_DAYS_ALONE + timedelta(day) for day in range(len(FORMS))]
    assert [path.name for path in files] == [f"DA-LMP-SL-{day:%Y%m%d}0100.csv" for day in days]
    for path, (header, short) in zip(files, FORMS, strict=True):
        found, *rows = lines_of(path, b"\n")
        assert found == header
        pattern = line_pattern(header, short)
        assert [row for row in rows if not pattern.fullmatch(row)] == []
        assert not any(re.search(r",-0(\.0*)?(,|$)", row) for row in rows)


def test_short_prices_lose_their_trailing_zeros(border: Path) -> None:
    """And only those: a whole number has no point, and ten stays ten."""
    prices = [cell for _, row in lines(border) for cell in list(row.values())[4:]]
    assert any(re.fullmatch(r"-?\d+\.\d\d?", cell) for cell in prices)
    assert any(re.fullmatch(r"-?\d+\.\d\d00", cell) for cell in prices)


@pytest.mark.parametrize("form", [spp.Form(spp.PLAIN, short=True), spp.Form(spp.PLAIN)])
def test_prices_are_printed_as_they_are(form: spp.Form) -> None:
    ticks = {100_000: "10", 70_000: "7", 17_940: "1.794", -5: "-0.0005", 0: "0", 4_530_000: "453"}
    with duckdb.connect() as con:
        for tick, short in ticks.items():
            ((printed,),) = con.execute(f"select ({form._price(str(tick))})::varchar").fetchall()
            assert printed == (short if form.short else f"{Decimal(tick) / 10_000:.4f}")


def test_rows_are_sorted_by_hour_and_name_and_every_hour_has_the_same_ones(border: Path) -> None:
    for _, rows in groupby(lines(border), key=lambda item: item[0]):
        keys = [(stamp(row["GMTINTERVALEND"]), row["SETTLEMENT_LOCATION"]) for _, row in rows]
        assert all(a < b for a, b in pairwise(keys))
        hours = Counter(end for end, _ in keys)
        assert len(hours) == 24
        assert len({name for _, name in keys}) * 24 == len(keys)


def test_the_west_joins_in_april_2026(border: Path) -> None:
    areas = defaultdict(set)
    for _, row in lines(border):
        hour = stamp(row["GMTINTERVALEND"]) - timedelta(hours=1)
        day = hour.replace(tzinfo=UTC).astimezone(CHICAGO).date()
        areas[day, row.get("BAA")].add(row["SETTLEMENT_LOCATION"])
    assert {baa for day, baa in areas if day < spp.WEST_JOINS} == {None}
    assert {baa for day, baa in areas if day >= spp.WEST_JOINS} == {"SPP", "SWPW"}
    assert {baa: len(names) for (_, baa), names in areas.items()} == {
        None: 40,
        "SPP": 40,
        "SWPW": 10,
    }
    assert not areas[spp.WEST_JOINS, "SPP"] & areas[spp.WEST_JOINS, "SWPW"]
    assert areas[LAST_DAYS_ALONE, None] == areas[spp.WEST_JOINS, "SPP"]


def test_energy_is_one_number_of_each_area_but_for_rounding(border: Path) -> None:
    """As in real files, where an hour has up to three values a ten-thousandth apart."""
    prices = defaultdict(set)
    for _, row in lines(border):
        total, loss, congestion, energy = (
            Decimal(row[name]) for name in ("LMP", "MLC", "MCC", "MEC")
        )
        assert total == energy + congestion + loss
        prices[row["GMTINTERVALEND"], row.get("BAA")].add(energy)
    spreads = Counter(max(found) - min(found) for found in prices.values())
    assert set(spreads) == {Decimal("0.0002")}
    apart = [
        min(prices[end, "SWPW"]) - max(prices[end, "SPP"]) for end, baa in prices if baa == "SPP"
    ]
    assert any(abs(difference) > 1 for difference in apart)


@pytest.mark.parametrize(
    ("day", "ends"),
    [
        (FALL, [*(1, 2, 2), *range(3, 24), 0]),
        (SPRING, [1, *range(3, 24), 0]),
        (date(2024, 2, 29), [*range(1, 24), 0]),
    ],
)
def test_the_local_column_is_no_wall_clock_on_the_fall_day(
    tmp_path: Path, day: date, ends: list[int]
) -> None:
    write_sample(tmp_path, isos=["spp"], start=day, days=1, nodes=2)
    clocks = [
        (stamp(row["INTERVAL"]), stamp(row["GMTINTERVALEND"]))
        for _, row in lines(tmp_path)
        if row["SETTLEMENT_LOCATION"] == "SPPNORTH_HUB"
    ]
    assert [local.hour for local, _ in clocks] == ends
    assert clocks[-1][0] == datetime(day.year, day.month, day.day) + timedelta(1)
    assert all(b - a == timedelta(hours=1) for (_, a), (_, b) in pairwise(clocks))
    assert truth_rows(tmp_path, DATASET) == expected(tmp_path)
    assert len(truth_rows(tmp_path, DATASET)) == len(ends) * 2


def test_locations(tmp_path: Path) -> None:
    """At real size: unique names, few shared pnodes, and hub names of participants are no hubs."""
    options = SampleOptions(truth=False)
    write_sample(tmp_path, isos=["spp"], start=spp.WEST_JOINS, days=1, nodes=1240, options=options)
    places = {row["SETTLEMENT_LOCATION"]: row["PNODE"] for _, row in lines(tmp_path)}
    rows = sum(1 for _ in lines(tmp_path))
    assert len(places) == 1240 + 310 == rows / 24
    assert 0 < len(places) - len(set(places.values())) < 100
    assert set(places) >= HUB_NAMES | set(spp.INTERFACES)
    assert sum("HUB" in name for name in places) > 35
    prices = [Decimal(row["LMP"]) for _, row in lines(tmp_path)]
    assert min(prices) < 0 < max(prices)


def test_truth_is_what_the_raw_text_resolves_to(border: Path) -> None:
    truth = truth_rows(border, DATASET)
    assert truth == expected(border)
    assert all(order(a) < order(b) for a, b in pairwise(truth))
    types = {row["settlement_location"]: row["settlement_location_type"] for row in truth}
    assert {"HUB", "INTERFACE", "NODE"} == set(types.values())
    assert any("HUB" in name and kind == "NODE" for name, kind in types.items())
    with duckdb.connect() as con:
        described = con.execute(f"describe from '{truth_path(border, DATASET)}'").fetchall()
    assert [(name, kind) for name, kind, *_ in described] == list(ENERGY_COLUMNS.items())


def hour_ends(day: str) -> list[datetime]:
    first = datetime.strptime(day, "%Y/%m/%d")
    return [first + timedelta(hours=hour) for hour in range(1, 25)]


def test_a_zip_holds_a_year_whose_hours_are_there_by_day_and_by_month(
    tmp_path: Path,
) -> None:
    options = SampleOptions(packaging="zip")
    write_sample(
        tmp_path, isos=["spp"], start=date(2023, 12, 31), days=33, nodes=2, options=options
    )
    with zipfile.ZipFile(tmp_path / REPORT / "2024.zip") as archive:
        names = archive.namelist()
        month = archive.read("DA-LMP-MONTHLY-SL-202401.csv").decode()
    header, *rows = csv.reader(month.splitlines())
    hours = [f" HE{hour:02}" for hour in range(1, 25)]
    assert header == ["Date", " Settlement Location Name", " PNODE Name", " Price Type", *hours]
    prices = {
        (hour_end, name, kind): Decimal(cell)
        for day, name, _, kind, *cells in rows
        for hour_end, cell in zip(hour_ends(day), cells, strict=True)
        if cell
    }
    assert prices == {
        (stamp(row["GMTINTERVALEND"]), row["SETTLEMENT_LOCATION"], kind): Decimal(row[kind])
        for source, row in lines(tmp_path)
        if "DA-LMP-SL-202401" in source
        for kind in ("LMP", "MCC", "MLC")
    }
    assert sorted(path.name for path in (tmp_path / REPORT).iterdir()) == ["2023.zip", "2024.zip"]
    assert names == [
        *(f"DA-LMP-SL-202401{day:02}0100.csv" for day in range(1, 32)),
        "DA-LMP-SL-202402010100.csv",
        "DA-LMP-MONTHLY-SL-202401.csv",
        "DA-LMP-MONTHLY-SL-202402.csv",
    ]
    assert truth_rows(tmp_path, DATASET) == expected(tmp_path)


@pytest.mark.parametrize("packaging", ["csv", "csv.gz", "zip"])
def test_same_arguments_same_bytes_on_any_number_of_threads(
    tmp_path: Path, packaging: Packaging
) -> None:
    runs = []
    for threads in (1, 2):
        out = tmp_path / str(threads)
        options = SampleOptions(packaging=packaging, threads=threads)
        paths = write_sample(out, isos=["SPP"], start=FALL, days=2, nodes=5, options=options)
        runs.append({path.relative_to(out): path.read_bytes() for path in paths})
    assert runs[0] == runs[1]


def test_nothing_is_written_where_other_reports_are_chosen(tmp_path: Path) -> None:
    options = SampleOptions(reports=("da_hrl_lmps",))
    assert write_sample(tmp_path, isos=["spp"], start=FALL, days=1, options=options) == []


# --- Real time ------------------------------------------------------------------------------------

BY_INTERVAL, BY_DAY = "rtbm-lmp-sl", "rtbm-lmp-daily-sl"
DAILY = "Interval, GMT Interval, Settlement Location Name, PNODE Name, LMP, MLC, MCC, MEC"


@pytest.fixture(scope="module")
def real_time(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four days with that of 25 hours, of which the first and the third come by interval too."""
    out = tmp_path_factory.mktemp("real_time")
    options = SampleOptions(reports=(BY_INTERVAL, BY_DAY))
    start = FALL - timedelta(2)
    write_sample(out, isos=["spp"], start=start, days=4, nodes=3, options=options)
    return out


def expected_prices(out: Path) -> list[Row]:
    """What the truth of five minutes must be, worked out from the raw text."""
    best = {}
    for report in (BY_DAY, BY_INTERVAL):
        for source, cells in raw_rows(out, f"spp/{report}"):
            raw = {name.strip(): cell for name, cell in cells.items()}
            name = raw.get("Settlement Location") or raw["Settlement Location Name"]
            end = stamp(raw.get("GMTIntervalEnd") or raw["GMT Interval"]).replace(tzinfo=UTC)
            utc = end - timedelta(minutes=5)
            row = expected_row(utc, source, raw | {"SETTLEMENT_LOCATION": name}) | {
                "interval_end_utc": microseconds(end),
                "delivery_interval": utc.minute // 5 + 1,
                "interval_minutes": 5,
                "market_type": "RT",
            }
            best[order(row)] = row
    return [best[key] for key in sorted(best)]


def test_real_time_files_are_in_the_form_of_their_report(real_time: Path) -> None:
    names = {path.name for path in (real_time / "spp" / BY_INTERVAL).iterdir()}
    assert len(names) == 288 + 300
    assert {"RTBM-LMP-SL-202510310005.csv", "RTBM-LMP-SL-202511010000.csv"} <= names
    repeated = {f"RTBM-LMP-SL-2025110201{minute:02}" for minute in range(5, 60, 5)}
    for stem in repeated | {"RTBM-LMP-SL-202511020200"}:
        assert {f"{stem}.csv", f"{stem}d.csv"} <= names
    header, *rows = lines_of(
        real_time / "spp" / BY_INTERVAL / "RTBM-LMP-SL-202511020105d.csv", b"\n"
    )
    assert header == PLAIN
    assert [row.split(",")[:2] for row in rows] == [
        ["11/02/2025 01:05:00", "11/02/2025 07:05:00"]
    ] * 3
    by_day = sorted((real_time / "spp" / BY_DAY).iterdir())
    assert [path.name for path in by_day] == [
        f"RTBM-LMP-DAILY-SL-{day}.csv" for day in (20251031, 20251101, 20251102, 20251103)
    ]
    for path, intervals in zip(by_day, (288, 288, 300, 288), strict=True):
        header, *rows = lines_of(path, b"\n")
        assert header == DAILY
        assert len(rows) == intervals * 3


def test_real_time_truth_is_what_the_raw_text_resolves_to(real_time: Path) -> None:
    truth = truth_rows(real_time, "spp/rt_energy_5min")
    assert truth == expected_prices(real_time)
    assert {row["data_source"].split("/")[1] for row in truth} == {BY_INTERVAL, BY_DAY}


def test_the_truth_of_an_hour_is_the_mean_of_its_prices(real_time: Path) -> None:
    hours = defaultdict(list)
    for row in expected_prices(real_time):
        hours[row["datetime_utc"] // 3_600_000_000, row["settlement_location"]].append(row)
    truth = truth_rows(real_time, "spp/rt_energy_hourly")
    assert len(truth) == len(hours) == (3 * 24 + 25) * 3
    for row in truth:
        of_hour = hours[row["datetime_utc"] // 3_600_000_000, row["settlement_location"]]
        assert len(of_hour) == 12
        first, last = of_hour[0], of_hour[-1]
        means = {
            name: float(
                round(sum((Decimal(str(row[name])) for row in of_hour), Decimal()) / 12, 10)
            )
            for name in ("lmp_total", "lmp_energy", "lmp_congestion", "lmp_loss", "system_lambda")
        }
        assert row == last | means | {
            "datetime_utc": first["datetime_utc"],
            "datetime_local": first["datetime_local"],
            "interval_start_utc": first["interval_start_utc"],
            "delivery_interval": 0,
            "interval_minutes": 60,
        }
