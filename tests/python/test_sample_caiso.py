"""CAISO's generated sample: lines, labels and numbers as published, truth as the text says."""

import csv
import io
import re
import zipfile
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import combinations, groupby, islice, pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from test_sample import Row, lines_of, order, raw_texts, truth_rows
from unified_iso.sample import Packaging, SampleOptions, write_sample
from unified_iso.sample._caiso_locations import HUBS, locations

PACIFIC = ZoneInfo("America/Los_Angeles")
FALL = date(2025, 11, 2)
SPRING = date(2025, 3, 9)
REPORT = "caiso/prc_lmp"
TRUTH = "caiso/da_energy_hourly_nodal"
HEADER = (
    "INTERVALSTARTTIME_GMT,INTERVALENDTIME_GMT,OPR_DT,OPR_HR,OPR_INTERVAL,NODE_ID_XML,NODE_ID,NODE,"
    "MARKET_RUN_ID,LMP_TYPE,XML_DATA_ITEM,PNODE_RESMRID,GRP_TYPE,POS,MW,GROUP"
)
STAMP = r"\d{4}-\d\d-\d\dT\d\d:00:00-00:00"
LINE = re.compile(
    rf"{STAMP},{STAMP},\d{{4}}-\d\d-\d\d,([1-9]|1\d|2[0-5]),0,([A-Z0-9_]+(?:-APND)?),\2,\2,DAM,"
    r"(LMP,LMP_PRC|MCC,LMP_CONG_PRC|MCE,LMP_ENE_PRC|MCL,LMP_LOSS_PRC|MGHG,LMP_GHG_PRC),\2,"
    r"(ALL,1|ALL_APNODES,0),(0|-?\d+|-?\d+\.\d{0,4}[1-9]),[1-9]\d*"
)
COMPONENTS = ("LMP", "MCC", "MCE", "MCL", "MGHG")
TYPES = {"TH": "HUB", "DLAP": "ZONE", "SLAP": "ZONE", "ELAP": "ZONE"}


@pytest.fixture(scope="module")
def fall(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three days around the end of daylight time, with every default."""
    out = tmp_path_factory.mktemp("fall")
    write_sample(out, isos=["caiso"], start=FALL - timedelta(1), days=3)
    return out


def raw_lines(out: Path, report: str = REPORT) -> Iterator[tuple[str, Row]]:
    for source, text in raw_texts(out, report):
        yield from ((source, row) for row in csv.DictReader(io.StringIO(text)))


def instant(stamp: object) -> datetime:
    return datetime.strptime(str(stamp), "%Y-%m-%dT%H:%M:%S-00:00").replace(tzinfo=UTC)


def expected(
    out: Path, report: str = REPORT, price_column: str = "MW", minutes: int = 60
) -> list[Row]:
    """Components by interval and location; the greater path with the LMP is the source."""
    prices: dict[tuple[datetime, str], dict[str, Decimal]] = defaultdict(dict)
    sources: dict[tuple[datetime, str], str] = {}
    for source, line in raw_lines(out, report):
        key = (instant(line["INTERVALSTARTTIME_GMT"]), str(line["NODE"]))
        component, price = str(line["LMP_TYPE"]), Decimal(str(line[price_column]))
        assert prices[key].setdefault(component, price) == price
        if component == "LMP":
            sources[key] = max(source, sources.get(key, ""))
    rows = (row_of(*key, sources[key], prices[key], minutes) for key in prices)
    return sorted(rows, key=order)


def row_of(utc: datetime, node: str, source: str, prices: dict[str, Decimal], minutes: int) -> Row:
    local = utc.astimezone(PACIFIC)
    end = "AGGREGATE" if node.endswith("-APND") else "PNODE"
    microseconds = int(utc.timestamp()) * 1_000_000
    return {
        "datetime_utc": microseconds,
        "datetime_local": local.replace(tzinfo=None, fold=0),
        "interval_start_utc": microseconds,
        "interval_end_utc": microseconds + minutes * 60_000_000,
        "delivery_date": local.date(),
        "delivery_hour": local.hour + 1,
        "delivery_interval": 0 if minutes == 60 else local.minute // minutes + 1,
        "interval_minutes": minutes,
        "iso": "CAISO",
        "market_type": "DA" if minutes == 60 else "RT",
        "settlement_location": node,
        "settlement_location_type": TYPES.get(node.split("_")[0], end),
        "settlement_location_id": node,
        "zone": None,
        "voltage_kv": None,
        "lmp_total": float(prices["LMP"]),
        "lmp_energy": float(prices["MCE"]),
        "lmp_congestion": float(prices["MCC"]),
        "lmp_loss": float(prices["MCL"]),
        "system_lambda": float(prices["MCE"]),
        "dst_flag": "Y" if local.dst() else "N",
        "data_source": source,
        "version": 1,
        "is_current": True,
    }


# Lines


def test_lines_have_the_published_form(fall: Path) -> None:
    for path in (fall / REPORT).iterdir():
        header, *lines = lines_of(path, b"\n")
        assert header == HEADER
        assert [line for line in lines if not LINE.fullmatch(line)] == []


def test_groups_are_numbered_by_trade_date_node_and_component(fall: Path) -> None:
    lines = [line for source, line in raw_lines(fall) if "/20251102_20251104_" in source]
    names = ("GROUP", "OPR_DT", "NODE", "LMP_TYPE")
    groups = [key for key, _ in groupby(lines, key=lambda line: [line[name] for name in names])]
    assert [group[0] for group in groups] == [str(number + 1) for number in range(len(groups))]
    assert [group[1:] for group in groups] == sorted(group[1:] for group in groups)
    assert len(groups) == 2 * 40 * len(COMPONENTS)


def test_hours_of_a_group_are_in_no_order(fall: Path) -> None:
    stamps = defaultdict(list)
    for source, line in raw_lines(fall):
        stamps[source, line["GROUP"]].append(line["INTERVALSTARTTIME_GMT"])
    assert all(found != sorted(found) for found in stamps.values() if len(found) > 2)


@pytest.mark.parametrize(
    ("day", "labels"),
    [(FALL, [1, 2, 25, *range(3, 25)]), (SPRING, [1, 2, *range(4, 25)])],
)
def test_labels_of_the_days_on_which_clocks_change(
    tmp_path: Path, day: date, labels: list[int]
) -> None:
    write_sample(tmp_path, isos=["caiso"], start=day, days=1, nodes=3)
    hours = sorted(
        {
            (str(line["INTERVALSTARTTIME_GMT"]), line["OPR_HR"], line["OPR_DT"])
            for _, line in raw_lines(tmp_path)
        }
    )
    assert [(label, of_day) for _, label, of_day in hours] == [(str(n), str(day)) for n in labels]
    starts = [instant(stamp) for stamp, *_ in hours]
    assert all(b - a == timedelta(hours=1) for a, b in pairwise(starts))
    assert starts[0].astimezone(PACIFIC).hour == 0


def test_totals_are_the_sum_of_their_parts_but_for_the_last_digit(fall: Path) -> None:
    parts: dict[tuple[object, ...], Decimal] = defaultdict(Decimal)
    gas: Counter[str] = Counter()
    for source, line in raw_lines(fall):
        price = Decimal(str(line["MW"]))
        sign = -1 if line["LMP_TYPE"] == "LMP" else 1
        parts[source, line["INTERVALSTARTTIME_GMT"], line["NODE"]] += sign * price
        if line["LMP_TYPE"] == "MGHG":
            gas[str(line["NODE"])] += price != 0
    assert set(parts.values()) == {Decimal(0), Decimal("-0.00001")}
    assert {node for node, hours in gas.items() if hours} >= {"SAGE_7_GNODE1", "ELAP_SAGE-APND"}
    assert not gas["TH_NP15_GEN-APND"]


def test_no_greenhouse_gas_lines_before_they_were_published(tmp_path: Path) -> None:
    write_sample(tmp_path, isos=["caiso"], start=date(2020, 12, 31), days=2, nodes=12)
    found = defaultdict(set)
    for _, line in raw_lines(tmp_path):
        found[line["OPR_DT"]].add(line["LMP_TYPE"])
    assert found == {"2020-12-31": set(COMPONENTS[:4]), "2021-01-01": set(COMPONENTS)}
    assert truth_rows(tmp_path, TRUTH) == expected(tmp_path)


def test_names_are_unique_and_hubs_indispensable(tmp_path: Path) -> None:
    names = [location.name for location in islice(locations(), 20_000)]
    assert len(set(names)) == 20_000
    write_sample(tmp_path, isos=["caiso"], start=FALL, days=1, nodes=1)
    assert {line["NODE"] for _, line in raw_lines(tmp_path)} == set(HUBS)


# Files


def test_overlapping_windows_begin_at_midnight_of_utc_and_share_an_hour(fall: Path) -> None:
    windows = defaultdict(set)
    for source, line in raw_lines(fall):
        windows[Path(source).name.split("_PRC")[0]].add(str(line["INTERVALSTARTTIME_GMT"])[5:13])
    assert {name: (min(stamps), max(stamps)) for name, stamps in windows.items()} == {
        "20251101_20251101": ("11-01T07", "11-02T00"),
        "20251101_20251102": ("11-02T00", "11-03T00"),
        "20251102_20251104": ("11-03T00", "11-04T07"),
    }


def test_windows_without_overlap_are_trade_dates(tmp_path: Path) -> None:
    options = SampleOptions(overlap=False, days_per_file=2)
    write_sample(tmp_path, isos=["caiso"], start=FALL, days=3, nodes=3, options=options)
    days: dict[str, Counter[str]] = defaultdict(Counter)
    for source, line in raw_lines(tmp_path):
        days[Path(source).name.split("_PRC")[0]][line["OPR_DT"]] += 1
    assert days == {
        "20251102_20251104": {"2025-11-02": 25 * 15, "2025-11-03": 24 * 15},
        "20251104_20251105": {"2025-11-04": 24 * 15},
    }


def test_a_zip_of_a_day_has_a_member_per_component(tmp_path: Path) -> None:
    options = SampleOptions(packaging="zip")
    write_sample(tmp_path, isos=["caiso"], start=FALL, days=2, nodes=3, options=options)
    path = tmp_path / REPORT / "20251102_20251102_DAM_LMP_GRP_N_N_v12_csv.zip"
    with zipfile.ZipFile(path) as archive:
        assert archive.namelist() == [
            f"20251102_20251102_PRC_LMP_DAM_{name}_v12.csv" for name in COMPONENTS
        ]
        for name in archive.namelist():
            lines = archive.read(name).decode().splitlines()
            assert lines[0] == HEADER
            assert {line.split(",")[9] for line in lines[1:]} == {name.split("_")[5]}
            assert len(lines) == 1 + 25 * 3


def test_a_zip_of_days_has_one_member_named_like_it(tmp_path: Path) -> None:
    options = SampleOptions(packaging="zip", days_per_file=3)
    write_sample(tmp_path, isos=["caiso"], start=FALL, days=3, nodes=3, options=options)
    (path,) = (tmp_path / REPORT).iterdir()
    assert re.fullmatch(r"20251102_20251105_PRC_LMP_DAM_20251106(_\d\d){3}_v1\.zip", path.name)
    with zipfile.ZipFile(path) as archive:
        assert archive.namelist() == [f"{path.stem}.csv"]


# Truth


@pytest.mark.parametrize("packaging", ["csv", "csv.gz", "zip"])
@pytest.mark.parametrize("days_per_file", [1, 2])
@pytest.mark.parametrize("start", [FALL - timedelta(1), SPRING - timedelta(1)])
def test_truth_is_what_the_raw_text_resolves_to(
    tmp_path: Path, packaging: Packaging, days_per_file: int, start: date
) -> None:
    options = SampleOptions(packaging=packaging, days_per_file=days_per_file)
    write_sample(tmp_path, isos=["caiso"], start=start, days=3, nodes=25, options=options)
    truth = truth_rows(tmp_path, TRUTH)
    assert truth == expected(tmp_path)
    hours = Counter(row["delivery_date"] for row in truth)
    assert [hours[day] // 25 for day in sorted(hours)] == [24, 25 if start.month > 6 else 23, 24]


def test_same_arguments_same_bytes_on_any_number_of_threads(fall: Path, tmp_path: Path) -> None:
    options = SampleOptions(threads=1)
    write_sample(tmp_path, isos=["caiso"], start=FALL - timedelta(1), days=3, options=options)
    names = [path.relative_to(fall) for path in fall.rglob("*") if path.is_file()]
    assert len(names) == 3 + 1
    assert all((fall / name).read_bytes() == (tmp_path / name).read_bytes() for name in names)


# Real time


@dataclass(frozen=True)
class RealTime:
    """A real-time report: its folder, what it prints, and the dataset it is published as."""

    report: str
    query: str
    market_run: str
    price_column: str
    price: str
    minutes: int
    version: int

    @property
    def truth(self) -> str:
        return f"caiso/rt_energy_{self.minutes}min_nodal"

    @property
    def header(self) -> str:
        return (
            "INTERVALSTARTTIME_GMT,INTERVALENDTIME_GMT,OPR_DT,OPR_HR,NODE_ID_XML,NODE_ID,NODE,"
            "MARKET_RUN_ID,LMP_TYPE,XML_DATA_ITEM,PNODE_RESMRID,GRP_TYPE,POS,"
            f"{self.price_column},OPR_INTERVAL,GROUP"
        )

    @property
    def line(self) -> re.Pattern[str]:
        stamp = r"\d{4}-\d\d-\d\dT\d\d:\d[05]:00-00:00"
        return re.compile(
            rf"{stamp},{stamp},\d{{4}}-\d\d-\d\d,(0[1-9]|1\d|2[0-5]),([A-Z0-9_]+(?:-APND)?),\2,\2,"
            rf"{self.market_run},"
            r"(LMP,LMP_PRC|MCC,LMP_CONG_PRC|MCE,LMP_ENE_PRC|MCL,LMP_LOSS_PRC|MGHG,LMP_GHG_PRC),\2,"
            rf"(ALL,1|ALL_APNODES,0),({self.price}),([1-9]|1[0-2]),[1-9]\d*"
        )

    def write(self, out: Path, start: date, days: int, **options: Any) -> None:
        chosen = SampleOptions(reports=(self.report,), **options)
        write_sample(out, isos=["caiso"], start=start, days=days, nodes=4, options=chosen)


QUARTERS = RealTime(
    report="prc_rtpd_lmp",
    query="PRC_RTPD_LMP",
    market_run="RTPD",
    price_column="PRC",
    price=r"0|-?\d+|-?\d+\.\d{0,4}[1-9]",
    minutes=15,
    version=2,
)
FIVES = RealTime(
    report="prc_intvl_lmp",
    query="PRC_INTVL_LMP",
    market_run="RTM",
    price_column="VALUE",
    price=r"-?\d+\.\d{5}",
    minutes=5,
    version=3,
)
real_time = pytest.mark.parametrize("form", [QUARTERS, FIVES], ids=lambda form: form.report)


@real_time
def test_real_time_lines_have_the_published_form(tmp_path: Path, form: RealTime) -> None:
    form.write(tmp_path, FALL, 2)
    paths = sorted((tmp_path / "caiso" / form.report).iterdir())
    assert [re.sub(r"_\d{8}(_\d\d){3}_", "_*_", path.name) for path in paths] == [
        f"20251102_20251102_{form.query}_{form.market_run}_*_v{form.version}.csv",
        f"20251102_20251104_{form.query}_{form.market_run}_*_v{form.version}.csv",
    ]
    for path in paths:
        header, *lines = lines_of(path, b"\n")
        assert header == form.header
        assert [line for line in lines if not form.line.fullmatch(line)] == []


@real_time
@pytest.mark.parametrize(
    ("day", "labels"),
    [(FALL, [1, 2, 25, *range(3, 25)]), (SPRING, [1, 2, *range(4, 25)])],
)
def test_each_interval_of_an_hour_has_its_label(
    tmp_path: Path, form: RealTime, day: date, labels: list[int]
) -> None:
    """The label of the hour by its third place in the day, and the place in the hour from 1."""
    form.write(tmp_path, day, 1)
    found = sorted(
        {
            tuple(
                line[name]
                for name in (
                    *("INTERVALSTARTTIME_GMT", "INTERVALENDTIME_GMT"),
                    *("OPR_DT", "OPR_HR", "OPR_INTERVAL"),
                )
            )
            for _, line in raw_lines(tmp_path, f"caiso/{form.report}")
        }
    )
    places = range(1, 60 // form.minutes + 1)
    assert [row[2:] for row in found] == [
        (str(day), f"{label:02}", str(place)) for label in labels for place in places
    ]
    starts = [instant(row[0]) for row in found]
    assert starts[0].astimezone(PACIFIC).replace(tzinfo=None) == datetime(
        day.year, day.month, day.day
    )
    assert all(b - a == timedelta(minutes=form.minutes) for a, b in pairwise(starts))
    assert [instant(row[1]) for row in found] == [
        start + timedelta(minutes=form.minutes) for start in starts
    ]


@real_time
def test_times_of_real_time_lines_are_in_no_order(tmp_path: Path, form: RealTime) -> None:
    form.write(tmp_path, FALL, 1, packaging="zip")
    stamps = defaultdict(list)
    for source, line in raw_lines(tmp_path, f"caiso/{form.report}"):
        stamps[source, line["GROUP"]].append(line["INTERVALSTARTTIME_GMT"])
    assert len(stamps) == 25 * 5 * 4
    # Among so many orders of so few times there are sorted ones.
    assert sum(found == sorted(found) for found in stamps.values()) < len(stamps) / 2


@real_time
def test_a_real_time_zip_has_an_operating_hour_with_a_member_per_component(
    tmp_path: Path, form: RealTime
) -> None:
    form.write(tmp_path, FALL, 1, packaging="zip")
    folder = tmp_path / "caiso" / form.report
    labels = [*range(1, 25), 25]
    assert sorted(path.name for path in folder.iterdir()) == [
        f"20251102_20251102_{form.market_run}_LMP_GRP_{label:02}_N_v3_csv.zip" for label in labels
    ]
    path = folder / f"20251102_20251102_{form.market_run}_LMP_GRP_25_N_v3_csv.zip"
    with zipfile.ZipFile(path) as archive:
        assert archive.namelist() == [
            f"20251102_20251102_{form.query}_{form.market_run}_25_{name}_v3.csv"
            for name in COMPONENTS
        ]
        for name in archive.namelist():
            header, *lines = archive.read(name).decode().splitlines()
            assert header == form.header
            assert {line.split(",")[8] for line in lines} == {name.split("_")[-2]}
            assert {line[:13] for line in lines} == {"2025-11-02T09"}
            assert len(lines) == 4 * 60 // form.minutes


@real_time
@pytest.mark.parametrize(
    ("packaging", "days_per_file"), [("csv", 1), ("csv.gz", 2), ("zip", 1), ("zip", 2)]
)
@pytest.mark.parametrize("start", [FALL - timedelta(1), SPRING - timedelta(1)])
def test_real_time_truth_is_what_the_raw_text_resolves_to(
    tmp_path: Path, form: RealTime, packaging: str, days_per_file: int, start: date
) -> None:
    form.write(tmp_path, start, 3, packaging=packaging, days_per_file=days_per_file)
    truth = truth_rows(tmp_path, form.truth)
    assert truth == expected(tmp_path, f"caiso/{form.report}", form.price_column, form.minutes)
    intervals = Counter(row["delivery_date"] for row in truth)
    hours = [24, 25 if start.month > 6 else 23, 24]
    assert [intervals[day] for day in sorted(intervals)] == [
        count * 60 // form.minutes * 4 for count in hours
    ]


def test_reports_of_one_interval_have_prices_of_their_own(tmp_path: Path) -> None:
    options = SampleOptions(real_time=True)
    write_sample(tmp_path, isos=["caiso"], start=FALL, days=1, nodes=3, options=options)
    found = [
        {
            (row["datetime_utc"], row["settlement_location"]): row["lmp_energy"]
            for row in truth_rows(tmp_path, truth)
        }
        for truth in (TRUTH, QUARTERS.truth, FIVES.truth)
    ]
    shared = set.intersection(*map(set, found))
    assert len(shared) == 25 * 3
    prices = [[prices[key] for key in sorted(shared)] for prices in found]
    alike = [sum(a == b for a, b in zip(*pair, strict=True)) for pair in combinations(prices, 2)]
    assert all(count <= 3 for count in alike)
