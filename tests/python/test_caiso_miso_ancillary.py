"""Ancillary services of CAISO and MISO: real files and spoilt ones in, what they say published."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from building import SAMPLES, build, query, work_database

pytestmark = pytest.mark.builds

MISO, CAISO = "miso/asm_expost_damcp", "caiso/prc_as"
HOURS = ",".join(f"HE {hour}" for hour in range(1, 25))
CAISO_HEADER = (
    "INTERVALSTARTTIME_GMT,INTERVALENDTIME_GMT,OPR_DT,OPR_HR,OPR_INTERVAL,OPR_TYPE,"
    "ANC_TYPE,ANC_REGION,MARKET_RUN_ID,XML_DATA_ITEM,MW,GROUP\n"
)


def line(node: str, zone: str, product: str, *prices: float) -> str:
    """A line whose hours have these prices, the last one until the end of the day."""
    day = [*prices, *[prices[-1]] * (24 - len(prices))]
    return ",".join([node, zone, product, *map(str, day)])


def mcps(title: str, day: str, *nodes: str, end: str = "\n", wide: float = 9.0) -> str:
    note = f"{day},,All Hours-Ending are Eastern Standard Time (EST)"
    of_all = [line("MISO Wide", "-", "GENREGMCP", wide)]
    if title.startswith("Real"):
        products = ("GENREGMCP", "REGMILEAGEMCP")
        of_all = [line("Miso-Wide", "-", product, wide) for product in products]
    above = [title, "", note, "", f",,MCP Type, {HOURS}", *of_all, ""]
    return end.join([*above, f"Pnode,Zone,MCP Type, {HOURS}", *nodes, ""])


def write(raw: Path, name: str, text: str) -> None:
    path = raw / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode())


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ancillary")
    raw = folder / "raw"
    for report in (MISO, CAISO):
        if (SAMPLES / report).is_dir():
            shutil.copytree(SAMPLES / report, raw / report / "real")
    agree = [line("A", "Zone 1", "GENREGMCP", 8.0), line("B", "Zone 1", "GENREGMCP", 8.0)]
    differ = [line("A", "Zone 2", "GENREGMCP", 7.0), line("B", "Zone 2", "GENREGMCP", 7.0, 7.5)]
    write(
        raw,
        f"{MISO}/20250601_asm_expost_damcp.csv",
        mcps("Dayahead Market MCPs.", "06/01/2025", *agree, *differ),
    )
    one_day = mcps("Dayahead Market MCPs.", "06/02/2025", *agree)
    write(raw, f"{MISO}/20250602_asm_expost_damcp.csv", one_day + one_day)
    write(raw, f"{MISO}/20140602_asm_damcp.csv", one_day.replace("2025", "2014"))
    write(raw, f"{MISO}/20250603_asm_exante_damcp.csv", one_day.replace("06/02", "06/03"))
    real_time = "Real Time Market MCPs.,Not settlement quality data."
    for report, price in (("asm_rtmcp_prelim", 5.0), ("asm_rtmcp_final", 6.0)):
        text = mcps(real_time, "6/1/2024", *agree, end="\r\n", wide=price)
        write(raw, f"miso/{report}/20240601_{report}.csv", text)
    for day in ("01", "02"):
        text = mcps("Dayahead Market MCPs.", f"06/{day}/2021", *agree)
        write(raw, f"{MISO}/202106{day}_asm_expost_damcp.csv", text)
    text = mcps(real_time, "6/1/2021", *agree, end="\r\n")
    write(raw, "miso/asm_rtmcp_final/20210601_asm_rtmcp_final.csv", text)
    start = "2022-06-01T07:00:00-00:00,2022-06-01T08:00:00-00:00,2022-06-01,1,0,Hourly"
    write(
        raw,
        f"{CAISO}/some.csv",
        CAISO_HEADER
        + f"{start},RU,AS_CAISO_EXP,DAM,RU_CLR_PRC,1.5,1\n"
        + f"{start},RU,AS_CAISO_EXP,HASP,RU_CLR_PRC,2.5,1\n"
        + f"{start},XX,AS_CAISO_EXP,DAM,XX_CLR_PRC,3.5,1\n",
    )
    datasets = ("--dataset", "miso_as_hourly", "--dataset", "caiso_as_hourly")
    ran = build(raw, folder / "out", *datasets, "--allow-rejects", check=None)
    assert ran.exit_code == 3, ran.output
    return folder / "out"


def rows(out: Path, dataset: str, year: int, where: str) -> list[tuple[Any, ...]]:
    path = out / f"parquet/{dataset}/as_hourly/as_hourly_{year}.parquet"
    return query(
        f"select market_type, as_product, as_region, count(*), min(market_clearing_price),"
        f" max(market_clearing_price), max(version) from read_parquet($1) where {where}"
        " group by all order by all",
        str(path),
    )


def set_aside(out: Path, source: str) -> dict[str, int]:
    with work_database(out) as connection:
        found = connection.execute(
            "select reason, sum(rows)::bigint from inventory.accounts"
            " where data_source like '%' || $1 and term in ('rejected', 'filtered') group by all",
            [source],
        ).fetchall()
    return dict(found)


def test_nodes_are_merged_into_zones_that_agree(out: Path) -> None:
    assert rows(out, "miso", 2025, "true") == [
        ("DA", "GENREGMCP", "MISO Wide", 24, 9.0, 9.0, 1),
        ("DA", "GENREGMCP", "Zone 1", 24, 8.0, 8.0, 1),
    ]
    assert set_aside(out, "20250601_asm_expost_damcp.csv") == {
        "lines of Zone 2 have unequal prices of GENREGMCP: those of A and B": 24
    }


def test_the_one_day_ahead_price_of_before_march_2015_is_read(out: Path) -> None:
    assert rows(out, "miso", 2014, "as_region = 'MISO Wide'") == [
        ("DA", "GENREGMCP", "MISO Wide", 24, 9.0, 9.0, 1)
    ]


def test_final_prices_replace_preliminary_ones(out: Path) -> None:
    assert rows(out, "miso", 2024, "as_region = 'MISO Wide'") == [
        ("RT", "GENREGMCP", "MISO Wide", 24, 6.0, 6.0, 2),
        ("RT", "REGMILEAGEMCP", "MISO Wide", 24, 6.0, 6.0, 2),
    ]


def test_a_market_that_ends_before_another_is_no_product_that_vanishes(out: Path) -> None:
    """Final real-time prices come days after those of the day ahead."""
    where = "as_region = 'MISO Wide' and as_product = 'GENREGMCP'"
    days = [(row[0], row[3]) for row in rows(out, "miso", 2021, where)]
    assert days == [("DA", 48), ("RT", 24)]
    found = json.loads((out / "metadata/manifest.json").read_text())["findings"]
    assert [f for f in found if (f["model"], f["year"]) == ("miso_as_hourly", 2021)] == []


def test_two_days_in_a_file_and_other_reports_are_refused(out: Path) -> None:
    with work_database(out) as connection:
        refused = dict(
            connection.execute(
                "select data_source, refusal from inventory.raw_files where refusal is not null"
            ).fetchall()
        )
    assert sorted(refused) == [
        f"{MISO}/20250602_asm_expost_damcp.csv",
        f"{MISO}/20250603_asm_exante_damcp.csv",
    ]
    glued, exante = (refused[name] for name in sorted(refused))
    assert "is a second heading, so the file is several reports in one" in glued
    assert "is called as files of miso/asm_exante_damcp are" in exante


def test_other_runs_and_unknown_products_are_counted(out: Path) -> None:
    assert rows(out, "caiso", 2022, "true") == [("DA", "RU", "AS_CAISO_EXP", 1, 1.5, 1.5, 1)]
    assert set_aside(out, "some.csv") == {
        "prices of the hour-ahead run HASP": 1,
        "the product XX is unknown: add it to the seeds as_product_names and as_products": 1,
    }


@pytest.mark.skipif(not (SAMPLES / MISO).is_dir(), reason="the real file is not here")
def test_a_real_day_of_miso(out: Path) -> None:
    """Zone 6 has no node of demand: seven products of all MISO, and 45 of zones."""
    found = rows(out, "miso", 2023, "true")
    assert sum(row[3] for row in found) == 7 * 24 + 45 * 24
    assert sum(row[2] == "Zone 6" for row in found) == 3
    first = query(
        "select list(market_clearing_price order by datetime_utc)[:6] from read_parquet($1)"
        " where as_product = 'DEMREGMCP' and as_region = 'MISO Wide'",
        str(out / "parquet/miso/as_hourly/as_hourly_2023.parquet"),
    )
    assert first == [([8.9, 8.14, 7.84, 8.11, 9.14, 7.91],)]
    assert set_aside(out, "20230101_asm_expost_damcp.csv") == {}


@pytest.mark.skipif(not (SAMPLES / CAISO).is_dir(), reason="the real files are not here")
def test_real_days_of_caiso(out: Path) -> None:
    assert [row[2:4] for row in rows(out, "caiso", 2024, "as_product = 'NR'")] == [
        (region, 25)
        for region in (
            *("AS_CAISO", "AS_CAISO_EXP", "AS_NP26"),
            *("AS_NP26_EXP", "AS_SP26", "AS_SP26_EXP"),
        )
    ]
    assert len(rows(out, "caiso", 2021, "true")) == 12


@pytest.mark.skipif(not (SAMPLES / CAISO).is_dir(), reason="the real files are not here")
def test_the_catalog_adds_up_what_a_resource_receives(out: Path) -> None:
    with duckdb.connect(str(out / "catalog.duckdb"), read_only=True) as catalog:
        found = catalog.execute(
            "select resource_region, resource_price from caiso_as_resource_prices"
            " where datetime_utc = $1 and as_product = 'NR' order by all",
            [datetime(2024, 11, 3, 16, tzinfo=UTC)],
        ).fetchall()
        lacking = catalog.execute(
            "select distinct missing_regions from caiso_as_resource_prices"
            " where as_product = 'RMU' and resource_region = 'AS_CAISO'"
        ).fetchall()
    # By hand: 0.24352 + 0.05648.
    assert dict(found) == {
        **dict.fromkeys(("AS_CAISO", "AS_CAISO_EXP", "AS_SP26", "AS_SP26_EXP"), 0.24352),
        **dict.fromkeys(("AS_NP26", "AS_NP26_EXP"), 0.3),
    }
    assert lacking == [("AS_CAISO",)]
