"""SPP's prices of operating reserve: files written by hand, and real ones of the day before."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest

from building import SAMPLES, Built, Ran, build, query, status, work_database

pytestmark = pytest.mark.builds

DAY_AHEAD, BY_INTERVAL, BY_DAY = "da-mcp", "rtbm-mcp", "rtbm-mcp-daily"
DA_HEADER = "Interval,GMTIntervalEnd,Reserve Zone,RegUP,RegDN,Spin,Supp"
# A blank before RegDNMile, and ramp before spin.
RT_HEADER = (
    "Interval,GMTIntervalEnd,Reserve Zone,RegUPService,RegDNService,RegUpMile, RegDNMile,"
    "RampUP,RampDN,Spin,Supp,UncUP"
)
CAPITALS = (
    "INTERVAL,GMTINTERVALEND,RESERVE ZONE,REGUPSERVICE,REGDNSERVICE,REGUPMILE,REGDNMILE,"
    "SPIN,SUPP,RAMPUP,RAMPDN"
)
# Values in the order of RT_HEADER, and of its columns without the last one.
PRICES = "1.0,2.0,3.0,4.0,5.0,6.0,7.0,8.0,9.0"
needs_samples = pytest.mark.skipif(
    not (SAMPLES / "spp" / DAY_AHEAD).is_dir(), reason="real files are not at hand"
)


def write(raw: Path, report: str, name: str, header: str, lines: Iterable[str]) -> Path:
    path = raw / "spp" / report / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([header, *lines, ""]))
    return path


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Built, Ran]:
    folder = tmp_path_factory.mktemp("spp_ancillary")
    raw = folder / "raw"
    # A year in capitals, with stamps as a spreadsheet prints them and zones that are numbers.
    book = write(
        raw,
        BY_INTERVAL,
        "RTBM_MCP_2022.csv",
        CAPITALS,
        [
            "1/1/2022 0:05,1/1/2022 6:05,1,11,12,13,14,17,18,,",
            "6/1/2022 0:05,6/1/2022 5:05,1,21,22,23,24,27,28,25,26",
        ],
    )
    with ZipFile(book.with_suffix(".csv.zip"), "w") as archive:
        archive.write(book, book.name)
    book.unlink()
    day = [
        f"01/23/2026 00:05:00,01/23/2026 06:05:00,SWPW,{PRICES}",
        f"01/24/2026 00:00:00,01/24/2026 06:00:00,SWPW,{PRICES}",
    ]
    write(raw, BY_DAY, "RTBM-MCP-DAILY-20260123.csv", RT_HEADER, day)
    write(raw, f"{BY_INTERVAL}/By_Day", "RTBM-MCP-DAILY-20260123.csv", RT_HEADER, day)
    interval = f"01/23/2026 00:05:00,01/23/2026 06:05:00,SWPW,{PRICES},SWPW"
    write(raw, BY_INTERVAL, "RTBM-MCP-202601230005.csv", f"{RT_HEADER},BAA", [interval])
    # The two passes of 01:55 of the fall day.
    for suffix, end, price in (("", "06:55", 31), ("d", "07:55", 32)):
        line = f"11/02/2025 01:55:00,11/02/2025 {end}:00,1,{price},,,,,,,,"
        write(raw, BY_INTERVAL, f"RTBM-MCP-202511020155{suffix}.csv", RT_HEADER, [line])
    da_line = "03/09/2025 01:00:00,03/09/2025 07:00:00,1,1,1,1,1"
    write(raw, BY_INTERVAL, "DA-MCP-202503090100.csv", DA_HEADER, [da_line])
    write(raw, DAY_AHEAD, "DA-MCP-202401010100.csv", DA_HEADER[:-5], [da_line[:-2]])
    bad = "01/02/2023 01:00:00,01/02/2023 07:00:00,1,one,1,1,1"
    write(raw, DAY_AHEAD, "DA-MCP-202301020100.csv", DA_HEADER, [bad])
    if (SAMPLES / "spp" / DAY_AHEAD).is_dir():
        shutil.copytree(SAMPLES / "spp" / DAY_AHEAD, raw / "spp" / DAY_AHEAD, dirs_exist_ok=True)
    datasets = ("--dataset", "as_hourly", "--dataset", "as_5min")
    ran = build(raw, folder / "out", "spp", *datasets, check=1)
    return Built(raw, folder / "out"), ran


def rows(built: tuple[Built, Ran], dataset: str, select: str, where: str) -> list[tuple[Any, ...]]:
    path = built[0].out / f"parquet/spp/{dataset}/{dataset}_*.parquet"
    return query(f"select {select} from '{path}' where {where} order by all")


def test_an_interval_in_several_files_has_one_row(built: tuple[Built, Ran]) -> None:
    found = rows(
        built,
        "as_5min",
        "as_product, as_product_standard, unit, market_clearing_price",
        "datetime_utc = '2026-01-23 06:00:00+00'",
    )
    assert found == [
        ("RampDN", "RAMP_DOWN", "$/MW", 6.0),
        ("RampUP", "RAMP_UP", "$/MW", 5.0),
        ("RegDNMile", "REG_MILEAGE_DOWN", "$/MW-mile", 4.0),
        ("RegDNService", "REG_DOWN", "$/MW", 2.0),
        ("RegUPService", "REG_UP", "$/MW", 1.0),
        ("RegUpMile", "REG_MILEAGE_UP", "$/MW-mile", 3.0),
        ("Spin", "SPIN", "$/MW", 7.0),
        ("Supp", "NON_SPIN", "$/MW", 8.0),
        ("UncUP", "UNCERTAINTY_UP", "$/MW", 9.0),
    ]
    with work_database(built[0].out) as con:
        accounts = con.execute(
            "select term, sum(rows)::int from inventory.accounts where model = 'spp_as_5min'"
            " and data_source like '%0123%' group by all order by all"
        ).fetchall()
    # 18 + 18 + 9 rows for two intervals of nine products.
    assert accounts == [("merged", 27), ("parsed", 45), ("published", 18)]


def test_a_year_in_capitals_is_the_same_report(built: tuple[Built, Ran]) -> None:
    select = "datetime_utc::varchar, as_product, market_clearing_price"
    found = rows(built, "as_5min", select, "year(delivery_date) = 2022 and as_region = '1'")
    january, june = "2022-01-01 06:00:00+00", "2022-06-01 05:00:00+00"
    # Ramp has no price yet in January.
    assert found == [
        (january, "RegDNMile", 14.0),
        (january, "RegDNService", 12.0),
        (january, "RegUPService", 11.0),
        (january, "RegUpMile", 13.0),
        (january, "Spin", 17.0),
        (january, "Supp", 18.0),
        (june, "RampDN", 26.0),
        (june, "RampUP", 25.0),
        (june, "RegDNMile", 24.0),
        (june, "RegDNService", 22.0),
        (june, "RegUPService", 21.0),
        (june, "RegUpMile", 23.0),
        (june, "Spin", 27.0),
        (june, "Supp", 28.0),
    ]


def test_both_passes_of_the_repeated_hour_stand(built: tuple[Built, Ran]) -> None:
    select = "datetime_utc::varchar, datetime_local::varchar, market_clearing_price"
    assert rows(built, "as_5min", select, "delivery_date = '2025-11-02'") == [
        ("2025-11-02 06:50:00+00", "2025-11-02 01:50:00", 31.0),
        ("2025-11-02 07:50:00+00", "2025-11-02 01:50:00", 32.0),
    ]


def test_a_bad_line_stops_its_year_alone(built: tuple[Built, Ran]) -> None:
    assert "DA-MCP-202301020100.csv" in built[1].output
    assert not (built[0].out / "parquet/spp/as_hourly/as_hourly_2023.parquet").exists()


def test_other_reports_are_refused_by_name(built: tuple[Built, Ran]) -> None:
    reasons = {entry["file"]: entry["reason"] for entry in status(built[0].out)["refused"]}
    assert reasons.keys() == {
        "spp/rtbm-mcp/DA-MCP-202503090100.csv",
        "spp/da-mcp/DA-MCP-202401010100.csv",
    }
    assert "spp/da-mcp" in reasons["spp/rtbm-mcp/DA-MCP-202503090100.csv"]
    assert "Supp" in reasons["spp/da-mcp/DA-MCP-202401010100.csv"]


@needs_samples
def test_real_days_have_the_hours_of_their_clock(built: tuple[Built, Ran]) -> None:
    select = "delivery_date::varchar, count(distinct datetime_utc), count(*)"
    # Six zones; four products in February, six in March 2022, seven in 2025.
    assert rows(built, "as_hourly", select, "true group by all") == [
        ("2022-02-01", 24, 24 * 6 * 4),
        ("2022-02-28", 24, 24 * 6 * 4),
        ("2022-03-01", 24, 24 * 6 * 6),
        ("2025-03-09", 23, 23 * 6 * 7),
        ("2025-11-02", 25, 25 * 6 * 7),
    ]
    regions = rows(built, "as_hourly", "distinct as_region", "true")
    assert regions == [("1",), ("2",), ("3",), ("4",), ("5",), ("SPP",)]


@needs_samples
def test_real_rows_compared_by_hand(built: tuple[Built, Ran]) -> None:
    select = "datetime_utc::varchar, as_product, market_clearing_price"
    first = "datetime_utc = '2025-03-09 06:00:00+00' and as_region = '1'"
    assert rows(built, "as_hourly", select, first) == [
        ("2025-03-09 06:00:00+00", "RampDN", 0.0),
        ("2025-03-09 06:00:00+00", "RampUP", 0.8565),
        ("2025-03-09 06:00:00+00", "RegDN", 2.0001),
        ("2025-03-09 06:00:00+00", "RegUP", 14.1143),
        ("2025-03-09 06:00:00+00", "Spin", 6.8565),
        ("2025-03-09 06:00:00+00", "Supp", 0.6701),
        ("2025-03-09 06:00:00+00", "UncUP", 0.0),
    ]
    fall = "as_region = 'SPP' and as_product = 'RegUP' and delivery_date = '2025-11-02'"
    found = rows(built, "as_hourly", f"{select}, delivery_hour", fall)
    assert [found[1], found[2], found[-1]] == [
        ("2025-11-02 06:00:00+00", "RegUP", 8.0098, 2),
        ("2025-11-02 07:00:00+00", "RegUP", 14.9753, 2),
        ("2025-11-03 05:00:00+00", "RegUP", 8.0156, 24),
    ]
    last = "datetime_utc = '2022-03-01 05:00:00+00' and as_region = '5'"
    assert rows(built, "as_hourly", select, last) == [
        ("2022-03-01 05:00:00+00", "RegDN", 14.4778),
        ("2022-03-01 05:00:00+00", "RegUP", 8.0001),
        ("2022-03-01 05:00:00+00", "Spin", 1.0497),
        ("2022-03-01 05:00:00+00", "Supp", 0.148),
    ]
