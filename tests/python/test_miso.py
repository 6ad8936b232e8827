"""MISO's day-ahead prices from raw file to year file, and what is said of bad files."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from building import (
    BAD_SAMPLES,
    ENERGY_COLUMNS,
    SAMPLES,
    Built,
    Ran,
    build,
    query,
    work_database,
)
from unified_iso import stamp_readings
from unified_iso.root import ROOT
from unified_iso.sample import SampleOptions, write_sample
from unified_iso.status_table import status_rows
from unified_iso.workspace import Workspace

pytestmark = pytest.mark.builds

MODEL = "miso_da_energy_hourly_nodal"
DATASET = "miso/da_energy_hourly_nodal"
REPORT = "miso/da_expost_lmp"
EXPOST = "Day Ahead Market ExPost LMPs"

Lines = Sequence[str]

# Hand-written reports: nodes of one price all day, but for the first and the last hour.
HUB = (
    "MINN.HUB,Hub,LMP,.21,20,20,20,20,20,20,20,20,20,20,20,20,20,20,20,20,20,20,20,20,20,20,32.8",
    "MINN.HUB,Hub,MCC,-.31,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,1.5",
    "MINN.HUB,Hub,MLC,-.02,.5,.5,.5,.5,.5,.5,.5,.5,.5,.5,.5,.5,.5,.5,.5,.5,.5,.5,.5,.5,.5,.5,-1",
)
ZONE = (
    "AMIL.IP,Loadzone,LMP,.25,19.7,19.7,19.7,19.7,19.7,19.7,19.7,19.7,19.7,19.7,19.7,19.7,"
    "19.7,19.7,19.7,19.7,19.7,19.7,19.7,19.7,19.7,19.7,32.3",
    "AMIL.IP,Loadzone,MCC,-.29,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0",
    "AMIL.IP,Loadzone,MLC,0,.2,.2,.2,.2,.2,.2,.2,.2,.2,.2,.2,.2,.2,.2,.2,.2,.2,.2,.2,.2,.2,.2,0",
)
BY_VALUE = tuple(line for lines in zip(HUB, ZONE, strict=True) for line in lines)
DEAR = (HUB[0].replace(".21", '"-1,000.21"').replace("32.8", '"1,032.80"'), *HUB[1:])
HEADER = "Node,Type,Value," + ",".join(f"HE {hour}" for hour in range(1, 25))
# Of one node: hour ending, total, energy, congestion, loss.
HUB_PRICES = {1: (0.21, 0.54, -0.31, -0.02), 12: (20, 19.5, 0, 0.5), 24: (32.8, 32.3, 1.5, -1)}
ZONE_PRICES = {1: (0.25, 0.54, -0.29, 0), 12: (19.7, 19.5, 0, 0.2), 24: (32.3, 32.3, 0, 0)}


def daily(day: str, lines: Lines, title: str = EXPOST, line_end: str = "\n") -> bytes:
    note = ",,,All Hours-Ending are Eastern Standard Time (EST)"
    return "".join(line + line_end for line in (title, day, "", note, HEADER, *lines)).encode()


def quarterly(days: Iterable[str], lines: Lines = (*HUB, *ZONE)) -> bytes:
    header = "MARKET_DAY," + HEADER.upper().replace("HE ", "HE")
    dated = [f"{day},{line}" for day in days for line in lines]
    return "".join(line + "\n" for line in (header, *dated)).encode()


def merged(heading: str, days: Sequence[str]) -> bytes:
    """Days put together by a tool, each line with its day, and dearer by 10 from day to day."""
    header = heading + "," + re.sub(r"HE (\d)\b", r"HE 0\1", HEADER)
    dated = [
        ",".join((day, *cells[:3], *(f"{float(cell) + 10 * number:.2f}" for cell in cells[3:])))
        for number, day in enumerate(days)
        for cells in [HUB[0].split(",")]
    ]
    return "".join(line + "\n" for line in (header, *dated)).encode()


GOOD = {
    "2017/20170605_da_expost_lmp_hubs_only.csv": "\n".join((HEADER, *HUB)).encode(),
    "2018/20180605_da_expost_lmp.csv": daily("6/5/2018", BY_VALUE, line_end="\r\n"),
    "2019/name without a day.csv": daily("06/05/2019", BY_VALUE),
    "2020/2020_Jan-Mar_DA_LMPs.csv": quarterly(("01/05/2020", "03/31/2020")),
    # All lines twice, then the MCC line of the hub once more with another price in HE 24.
    "2021/2021_Apr-Jun_DA_LMPs.csv": quarterly(
        ("06/05/2021",), (*BY_VALUE, *BY_VALUE, HUB[1].removesuffix("1.5") + "1.51")
    ),
    # Of the zone nothing but its price was kept.
    "2015/20150605_da_expost_lmp.csv": daily("06/05/2015", (*HUB, ZONE[0])),
    # The day in the name is that of the first lines, or another one.
    "2014/miso_20140605_20140607.csv": merged("Date", ("2014-06-05", "2014-06-06", "2014-06-07")),
    "2013/20131231 all.csv": merged("Market Day", ("6/5/2013", "6/6/2013")),
    # Of the years in which one day-ahead price was published.
    "2011/20110605_da_lmp.csv": daily("06/05/2011", BY_VALUE, "Day Ahead Market LMPs"),
    # Prices of 1,000 $/MWh and more, as bundles of the market's archive have them.
    "2010/2010-Jan_DA_LMPs.csv": b"\n" + quarterly(("01/05/2010",), DEAR),
    # Prices whole, and later in order the LMP line alone, twice, with another price in HE 24.
    "2012/a.csv": daily("06/05/2012", HUB),
    "2012/b.csv": daily("06/05/2012", (HUB[0].removesuffix("32.8") + "33",) * 2),
}
TWICE = "2021/2021_Apr-Jun_DA_LMPs.csv"
# Somebody keeps final prices of hubs alone; energy was another one when the others were posted.
RISEN = tuple(line.replace("19.7", "20.7") for line in ZONE)
# Bundles of quarters have one line above their header, and no reader tells which.
FINAL_OF_A_HUB = {
    "2023_Apr-Jun_RT_LMPs.csv": b"LMPs of a quarter\n" + quarterly(("06/05/2023",), HUB),
}
PRELIMINARY_OF_A_ZONE = {
    "20230605_rt_lmp_prelim.csv": daily("06/05/2023", RISEN, "Realtime Market LMPs")
}
BAD = {
    "20250104_da_exante_lmp.csv": daily("01/04/2025", BY_VALUE, "Day Ahead Market ExAnte LMPs"),
    "20250104_rt_lmp_final.csv": daily("1/4/2025", BY_VALUE, "Realtime Market LMPs", "\r\n"),
    "20250105_da_expost_lmp.csv": b'<?xml version="1.0"?><Error><Code>BlobNotFound</Code></Error>',
    "hubs_only.csv": "\n".join((HEADER, *HUB)).encode(),
    # Lines of two days under one, and no column that tells which is of which.
    "20190606_20190607.csv": daily(
        "06/06/2019", (*HUB, ZONE[0], HUB[0].replace("32.8", "42.8"), *HUB[1:])
    ),
    "20190608.csv": merged("downloaded", ("06/09/2019", "06/10/2019")),
}
REASONS = {
    "20250104_da_exante_lmp.csv": "'Day Ahead Market ExAnte LMPs', which is not da_expost_lmp",
    "20250104_rt_lmp_final.csv": "'Realtime Market LMPs', which is not da_expost_lmp",
    "20250105_da_expost_lmp.csv": "is an XML reply, not a csv report ('BlobNotFound')",
    "hubs_only.csv": "has no delivery date",
    "20190606_20190607.csv": "has several prices for MINN.HUB (LMP) and no column that",
    "20190608.csv": "has several prices for MINN.HUB (LMP) and no column that",
}
DAY_AHEAD_AS_FINAL = {"20230606.csv": daily("06/06/2023", HUB)}
# Years of their own: a file that is rejected stops its year.
REJECTED = {
    "2022/20220605_da_expost_lmp.csv": daily("06/05/2022", (*HUB, ZONE[0], ZONE[2])),
    "2023/20230605_da_expost_lmp.csv": daily("06/05/2023", (*HUB, HUB[1].replace("MCC", "MEC"))),
    "2016/20160605_da_expost_lmp.csv": daily("06/05/2016", (HUB[0].replace(".21", "n/a"), *ZONE)),
}
REJECTIONS = {
    2022: "20220605_da_expost_lmp.csv line 9: no MCC line: mend the file",
    2023: '20230605_da_expost_lmp.csv line 9: unknown Value "MEC": mend the file',
    2016: "20160605_da_expost_lmp.csv line 6: column HE 1: ",
}
SAMPLE_YEARS = (2024, 2025)


@dataclass(frozen=True)
class Published:
    """A raw folder, the truth of its generated files, and what two builds made of it.

    strict: what the first build said; the second one allowed rejects.
    """

    raw: Path
    truths: Path
    out: Path
    strict: Ran
    strict_years: list[int]

    def year_file(self, year: int) -> Path:
        return self.out / "parquet" / DATASET / f"da_energy_hourly_nodal_{year}.parquet"


def write_files(folder: Path, files: dict[str, bytes]) -> None:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


def write_real_time(folder: Path) -> None:
    """Write days of spring and of fall with real-time prices, and a status of each year."""
    for start in (date(2024, 3, 9), date(2025, 11, 1)):
        options = SampleOptions(reports=REAL_TIME, packaging="zip")
        write_sample(folder / "raw", isos=["miso"], start=start, days=3, nodes=24, options=options)
        (folder / f"truth_{start.year}").mkdir()
        for dataset in (HOURLY, FIVE_MINUTES):
            truth = folder / "raw" / "truth" / f"{dataset}.parquet"
            shutil.move(truth, folder / f"truth_{start.year}" / truth.name)


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Published:
    """Spring as daily files, fall as a monthly zip, and the hand-written files, built twice.

    Real-time prices are beside them, and no year of theirs is held back.
    """
    folder = tmp_path_factory.mktemp("miso")
    raw, out = folder / "raw", folder / "out"
    for start, options in (
        (date(2024, 3, 8), SampleOptions()),
        (date(2025, 11, 1), SampleOptions(packaging="zip")),
    ):
        write_sample(raw, isos=["miso"], start=start, days=4, nodes=30, options=options)
        shutil.move(raw / "truth" / f"{DATASET}.parquet", folder / f"{start.year}.parquet")
    write_real_time(folder)
    write_files(raw / "miso" / "rt_lmp_final", FINAL_OF_A_HUB | DAY_AHEAD_AS_FINAL)
    write_files(raw / "miso" / "rt_lmp_prelim", PRELIMINARY_OF_A_ZONE)
    write_files(raw / REPORT, GOOD | BAD | REJECTED)
    strict = build(raw, out, "miso", check=1)
    years = sorted(int(path.stem[-4:]) for path in (out / "parquet" / DATASET).iterdir())
    build(raw, out, "miso", "--allow-rejects", check=3)
    return Published(raw, folder, out, strict, years)


@pytest.mark.parametrize("year", SAMPLE_YEARS)
def test_published_is_the_truth(published: Published, year: int) -> None:
    columns = ", ".join(ENERGY_COLUMNS)
    expected, found = (
        query(f"select {columns} from read_parquet($1)", str(path))
        for path in (published.truths / f"{year}.parquet", published.year_file(year))
    )
    assert len(found) == 4 * 24 * 30
    assert found == expected
    signs = query(
        "select count(*) from read_parquet($1) where exists ("
        " select 1 from unnest([lmp_total, lmp_energy, lmp_congestion, lmp_loss]) as p(price)"
        " where price = 0 and signbit(price))",
        str(published.year_file(year)),
    )
    assert signs == [(0,)]


@pytest.mark.parametrize(
    ("year", "days", "nodes"),
    [
        (2011, [date(2011, 6, 5)], ["AMIL.IP", "MINN.HUB"]),
        (2017, [date(2017, 6, 5)], ["MINN.HUB"]),
        (2018, [date(2018, 6, 5)], ["AMIL.IP", "MINN.HUB"]),
        (2019, [date(2019, 6, 5)], ["AMIL.IP", "MINN.HUB"]),
        (2020, [date(2020, 1, 5), date(2020, 3, 31)], ["AMIL.IP", "MINN.HUB"]),
    ],
)
def test_hand_written_files_are_read(
    published: Published, year: int, days: list[date], nodes: list[str]
) -> None:
    found = rows(published, year)
    assert len(found) == 24 * len(days) * len(nodes)
    for day in days:
        for node in nodes:
            prices = HUB_PRICES if node == "MINN.HUB" else ZONE_PRICES
            kind = "HUB" if node == "MINN.HUB" else "ZONE"
            for hour, values in prices.items():
                # HE 1 is the hour from midnight, 05:00 UTC, also while clocks elsewhere are ahead.
                utc = datetime(day.year, day.month, day.day, 4, tzinfo=UTC) + timedelta(hours=hour)
                assert found[utc, node] == (day, hour, "N", kind, *values)


def test_commas_in_thousands_are_read(published: Published) -> None:
    found = rows(published, 2010)
    first = datetime(2010, 1, 5, 5, tzinfo=UTC)
    assert len(found) == 24
    assert found[first, "MINN.HUB"][4:] == (-1000.21, -999.88, -0.31, -0.02)
    assert found[first + timedelta(hours=23), "MINN.HUB"][4:] == (1032.8, 1032.3, 1.5, -1)


def rows(published: Published, year: int) -> dict[tuple[datetime, str], tuple[Any, ...]]:
    found = query(
        "select datetime_utc, settlement_location_id, delivery_date, delivery_hour, dst_flag,"
        " settlement_location_type, lmp_total, lmp_energy, lmp_congestion, lmp_loss"
        " from read_parquet($1)",
        str(published.year_file(year)),
    )
    return {(utc, node): tuple(values) for utc, node, *values in found}


def accounts(published: Published, file: str) -> dict[tuple[str, str | None], int]:
    with work_database(published.out) as con:
        return {
            (term, reason): count
            for term, reason, count in con.execute(
                "select term, reason, rows from inventory.accounts"
                " where model = $1 and data_source = $2",
                [MODEL, f"{REPORT}/{file}"],
            ).fetchall()
        }


def test_repeated_lines_are_merged_and_the_later_of_unequal_ones_stands(
    published: Published,
) -> None:
    assert accounts(published, TWICE) == {
        ("parsed", None): 24 * 5,
        ("published", None): 24 * 2,
        ("merged", "equal to the published row"): 24 + 23 * 2,
        ("superseded", "unequal, no version tells which is right"): 2,
    }
    utc = datetime(2021, 6, 6, 4, tzinfo=UTC)
    assert rows(published, 2021)[utc, "MINN.HUB"][-4:] == (32.8, 32.29, 1.51, -1)


@pytest.mark.parametrize("year", [2013, 2014])
def test_a_column_that_tells_the_day_is_the_clock(published: Published, year: int) -> None:
    days = [date(year, 6, 5 + number) for number in range(year - 2011)]
    assert {
        (values[0], values[1]): values[4]
        for values in rows(published, year).values()
        if values[1] in (1, 24)
    } == {
        (day, hour): price + 10 * number
        for number, day in enumerate(days)
        for hour, price in ((1, 0.21), (24, 32.8))
    }


def test_a_price_whose_components_were_not_kept_is_published(published: Published) -> None:
    found = rows(published, 2015)
    first = datetime(2015, 6, 5, 5, tzinfo=UTC)
    assert len(found) == 48
    assert found[first, "MINN.HUB"][4:] == HUB_PRICES[1]
    assert found[first, "AMIL.IP"][4:] == (0.25, None, None, None)
    with work_database(published.out) as con:
        told = con.execute(
            "select message from inventory.file_warnings"
            " inner join inventory.raw_files using (file_id) where data_source like '%/2015/%'"
        ).fetchall()
    assert told == [
        ("has 24 rows without congestion or energy or loss: they are published without",)
    ]


def test_a_row_with_components_stands_before_one_of_its_price_without(
    published: Published,
) -> None:
    found = rows(published, 2012)
    first = datetime(2012, 6, 5, 5, tzinfo=UTC)
    assert found[first, "MINN.HUB"][4:] == HUB_PRICES[1]
    # Another price is another matter: the later path has it.
    assert found[first + timedelta(hours=23), "MINN.HUB"][4:] == (33, None, None, None)
    assert accounts(published, "2012/a.csv") == {
        ("parsed", None): 24,
        ("published", None): 23,
        ("superseded", "unequal, no version tells which is right"): 1,
    }
    assert accounts(published, "2012/b.csv") == {
        ("parsed", None): 48,
        ("published", None): 1,
        ("merged", "equal to the published row"): 47,
    }


def test_bad_files_are_refused_by_what_they_are(published: Published) -> None:
    refused = [line for line in published.strict.says if line.startswith("refused ")]
    assert len(refused) == len(BAD) + len(DAY_AHEAD_AS_FINAL)
    for name, reason in REASONS.items():
        [said] = [line for line in refused if line.startswith(f"refused {REPORT}/{name}: ")]
        assert reason in said
    [said] = [line for line in refused if line.startswith("refused miso/rt_lmp_final/")]
    assert f"line 1 is titled '{EXPOST}', which is not rt_lmp_final" in said


def test_rejected_lines_stop_their_year_and_no_other(published: Published) -> None:
    blocked = [line for line in published.strict.says if line.startswith("not published ")]
    assert len(blocked) == len(REJECTIONS)
    for year, said in REJECTIONS.items():
        [line] = [s for s in blocked if s.startswith(f"not published {MODEL} {year}: ")]
        assert said in line
    assert published.strict_years == [
        2010,
        2011,
        2012,
        2013,
        2014,
        2015,
        2017,
        2018,
        2019,
        2020,
        2021,
        *SAMPLE_YEARS,
    ]


def test_sound_nodes_beside_rejected_lines_are_published_if_asked(published: Published) -> None:
    for year, nodes in {2022: {"MINN.HUB"}, 2023: {"MINN.HUB"}, 2016: {"AMIL.IP"}}.items():
        found = rows(published, year)
        assert len(found) == 24
        assert {node for _, node in found} == nodes
    assert accounts(published, "2022/20220605_da_expost_lmp.csv") == {
        ("parsed", None): 48,
        ("published", None): 24,
        ("rejected", "no MCC line"): 24,
    }


REAL_TIME = ("rt_lmp_final", "rt_lmp_prelim", "5min_lmp")


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> tuple[Ran, str]:
    """What was said and published of the real files, an ex-ante one beside them."""
    real_time = [f"miso/{report}" for report in REAL_TIME[:2]]
    if not all((SAMPLES / report).is_dir() for report in (REPORT, *real_time)):
        pytest.skip("no real files beside the repository (shared/samples)")
    folder = tmp_path_factory.mktemp("real")
    for report in real_time:
        shutil.copytree(SAMPLES / report, folder / "raw" / report)
    (folder / "raw" / REPORT).mkdir(parents=True)
    for path in (*(SAMPLES / REPORT).rglob("*.csv"), BAD_SAMPLES / "miso_exante_not_expost.csv"):
        shutil.copyfile(path, folder / "raw" / REPORT / path.name)
    ran = build(folder / "raw", folder / "out", "miso", check=3)
    [path] = (folder / "out" / "parquet" / DATASET).glob("*.parquet")
    return ran, str(path)


def test_real_file_is_published_whole(real: tuple[Ran, str]) -> None:
    ran, path = real
    assert [line for line in ran.says if line.startswith(("refused", "warning"))] == [
        f"refused {REPORT}/miso_exante_not_expost.csv: line 1 is titled "
        "'Day Ahead Market ExAnte LMPs', which is not da_expost_lmp: move it out of this folder"
    ]
    types = query(
        "select settlement_location_type, count(*), count(distinct settlement_location_id)"
        " from read_parquet($1) group by all order by all",
        path,
    )
    # 1507 Gennode, 419 Loadzone, 46 Interface, and of 403 Hub the eight that are trading hubs.
    nodes = {"AGGREGATE": 395, "HUB": 8, "INTERFACE": 46, "NODE": 1507, "ZONE": 419}
    assert types == [(kind, 24 * count, count) for kind, count in nodes.items()]
    spread = query(
        "select max(spread) from (select max(lmp_energy) - min(lmp_energy) as spread"
        " from read_parquet($1) group by datetime_utc)",
        path,
    )
    assert spread == [(0,)]


@pytest.mark.parametrize(
    ("node", "hour", "total", "congestion", "loss", "energy"),
    [
        ("INDIANA.HUB", 1, 29.05, 0.8, 1.02, 27.23),
        ("INDIANA.HUB", 14, 33.95, 0, 0.18, 33.77),
        ("INDIANA.HUB", 24, 36.09, 1.6, 0.56, 33.93),
        ("WR.THAYERLD", 1, 26.42, -0.61, -0.2, 27.23),
        ("WR.THAYERLD", 24, 32.07, -1.15, -0.71, 33.93),
        ("YAD", 18, 44.55, 0, -1, 45.55),
    ],
)
def test_real_prices_are_those_of_the_lines(
    real: tuple[Ran, str],
    node: str,
    hour: int,
    total: float,
    congestion: float,
    loss: float,
    energy: float,
) -> None:
    _, path = real
    found = query(
        "select datetime_utc, lmp_total, lmp_congestion, lmp_loss, lmp_energy"
        " from read_parquet($1) where settlement_location = $2 and delivery_hour = $3",
        path,
        node,
        hour,
    )
    utc = datetime(2023, 1, 1, 4, tzinfo=UTC) + timedelta(hours=hour)
    assert found == [(utc, total, congestion, loss, energy)]


HOURLY, FIVE_MINUTES = "miso/rt_energy_hourly_nodal", "miso/rt_energy_5min_nodal"


@pytest.fixture(scope="module")
def real_time(published: Published) -> Built:
    return Built(published.raw, published.out)


@pytest.mark.parametrize("year", [2024, 2025])
@pytest.mark.parametrize(("dataset", "rows"), [(HOURLY, 3 * 24 * 24), (FIVE_MINUTES, 3 * 288 * 24)])
def test_real_time_prices_are_the_truth(
    real_time: Built, dataset: str, rows: int, year: int
) -> None:
    name = dataset.removeprefix("miso/")
    columns = ", ".join(ENERGY_COLUMNS)
    expected, found = (
        query(f"select {columns} from read_parquet($1)", str(path))
        for path in (
            real_time.raw.parent / f"truth_{year}" / f"{name}.parquet",
            real_time.out / "parquet" / dataset / f"{name}_{year}.parquet",
        )
    )
    assert len(found) == rows
    assert found == expected


def test_final_prices_replace_preliminary_ones(real_time: Built) -> None:
    found = query(
        "select delivery_date, version, count(*), count(distinct data_source)"
        " from read_parquet($1) group by all order by all",
        str(real_time.out / "parquet" / HOURLY / "rt_energy_hourly_nodal_2025.parquet"),
    )
    # Of the last day no final prices were posted yet.
    assert found == [
        (date(2025, 11, 1), 2, 576, 1),
        (date(2025, 11, 2), 2, 576, 1),
        (date(2025, 11, 3), 1, 576, 1),
    ]
    with work_database(real_time.out) as con:
        told = con.execute(
            "select term, reason, sum(rows) from inventory.accounts"
            " where model = 'miso_rt_energy_hourly_nodal' and term = 'superseded' group by all"
        ).fetchall()
    assert told == [("superseded", "lower version", 4 * 576)]


def test_energy_of_final_and_of_preliminary_prices_may_differ(real_time: Built) -> None:
    found = query(
        "select settlement_location, version, lmp_energy from read_parquet($1)"
        " where delivery_hour = 12 order by all",
        str(real_time.out / "parquet" / HOURLY / "rt_energy_hourly_nodal_2023.parquet"),
    )
    assert found == [("AMIL.IP", 1, 20.5), ("MINN.HUB", 2, 19.5)]


def test_lines_below_five_minute_prices_are_no_data(real_time: Built) -> None:
    with work_database(real_time.out) as con:
        lines = con.execute(
            "select sum(lines), sum(lines_used), count(trailer_line) = count(*)"
            " from inventory.raw_files where report = '5min_lmp'"
        ).fetchall()
    assert lines == [(2 * 3 * 288 * 24, 2 * 3 * 288 * 24, True)]


def entries_compared() -> list[dict[str, Any]]:
    return [
        {
            "model": f"miso_{name}",
            "year": 2025,
            "path": f"parquet/miso/{name}/{name}_2025.parquet",
        }
        for name in ("rt_energy_5min_nodal", "rt_energy_hourly_nodal")
    ]


def test_a_reading_does_not_depend_on_the_order_of_rows(real_time: Built, tmp_path: Path) -> None:
    workspace = Workspace(raw=real_time.raw, out=real_time.out)
    told = stamp_readings.stamp_readings(workspace, entries_compared())
    for order in ("datetime_utc desc", "lmp_total", "hash(settlement_location, datetime_utc)"):
        entries = entries_compared()
        for entry in entries:
            ordered = tmp_path / Path(entry["path"]).name
            duckdb.execute(
                f"copy (from '{real_time.out / entry['path']}' order by {order}) to '{ordered}'"
            )
            entry["path"] = str(ordered)
        assert stamp_readings.stamp_readings(workspace, entries) == told


def test_status_says_which_reading_of_stamps_fits(real_time: Built) -> None:
    workspace = Workspace(raw=real_time.raw, out=real_time.out)
    readings = {
        (row["dataset"], row["year"]): row["stamp_reading"]
        for row in status_rows(workspace)
        if "stamp_reading" in row
    }
    assert list(readings) == [("rt_energy_5min_nodal", 2025)]
    reading = readings["rt_energy_5min_nodal", 2025]
    assert (reading["stamp"], reading["fits"], reading["hours"]) == ("end", "end", 3 * 24 * 8)
    assert reading["distance"] < 0.5 * reading["distance_of_other"]
    assert "read as interval end" in reading["said"] and reading["said"].endswith("end fits")


def test_status_says_that_the_other_reading_fits_better(
    real_time: Built, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "seeds").mkdir()
    setting = (ROOT / "seeds" / "interval_stamps.csv").read_text()
    # The published rows are those of ends, so that a setting of starts is the wrong one.
    (tmp_path / "seeds" / "interval_stamps.csv").write_text(setting.replace(",end,", ",start,"))
    monkeypatch.setattr(stamp_readings, "ROOT", tmp_path)
    entries = entries_compared()
    late = tmp_path / "late.parquet"
    duckdb.execute(
        "copy (select * replace (interval_start_utc + interval 5 minute as interval_start_utc)"
        f" from '{real_time.out / str(entries[0]['path'])}') to '{late}'"
    )
    entries[0]["path"] = str(late)
    workspace = Workspace(raw=real_time.raw, out=real_time.out)
    reading = stamp_readings.stamp_readings(workspace, entries)["miso_rt_energy_5min_nodal", 2025]
    assert (reading.stamp, reading.fits) == ("start", "end")
    assert reading.said.endswith("end fits better, set it in seeds/interval_stamps.csv")


def test_real_real_time_prices_are_those_of_the_lines(real: tuple[Ran, str]) -> None:
    folder = Path(real[1]).parents[3] / "parquet" / HOURLY
    found = query(
        "select settlement_location, delivery_hour, lmp_total, lmp_congestion, lmp_loss,"
        " lmp_energy, version from read_parquet($1)"
        " where (settlement_location, delivery_hour) in"
        " (('AECI', 1), ('AECI', 22), ('INDIANA.HUB', 1), ('INDIANA.HUB', 24)) order by all",
        str(folder / "rt_energy_hourly_nodal_2023.parquet"),
    )
    # Lines 6, 2381 and 4756 of the final report of 1 January 2023, and those of the hub.
    assert found == [
        ("AECI", 1, 21.13, 0, -0.99, 22.12, 2),
        ("AECI", 22, 26.18, -2.71, -1.48, 30.37, 2),
        ("INDIANA.HUB", 1, 22.82, 0.01, 0.69, 22.12, 2),
        ("INDIANA.HUB", 24, 26.23, 0, 0.34, 25.89, 2),
    ]
    [(rows, nodes, version)] = query(
        "select count(*), count(distinct settlement_location), any_value(version)"
        " from read_parquet($1)",
        str(folder / "rt_energy_hourly_nodal_2026.parquet"),
    )
    assert (rows, nodes, version) == (24 * 4, 4, 1)
