"""What samples print of ancillary services of PJM, CAISO and MISO, beside what they become."""

from __future__ import annotations

import csv
from datetime import date
from pathlib import Path

import pytest

from unified_iso.sample import SampleOptions, write_sample

FALL = date(2023, 11, 5)
SERVICE_HEADER = (
    "datetime_beginning_utc,datetime_beginning_ept,ancillary_service,unit,value,"
    "row_is_current,version_nbr"
)
PRC_AS_HEADER = (
    "INTERVALSTARTTIME_GMT,INTERVALENDTIME_GMT,OPR_DT,OPR_HR,OPR_INTERVAL,OPR_TYPE,ANC_TYPE,"
    "ANC_REGION,MARKET_RUN_ID,XML_DATA_ITEM,MW,GROUP"
)
HEADERS = {
    "pjm/ancillary_services": SERVICE_HEADER,
    "pjm/da_ancillary_services": SERVICE_HEADER,
    "pjm/reserve_market_results": (
        "datetime_beginning_utc,datetime_beginning_ept,locale,service,mcp,mcp_capped,reg_ccp,"
        "reg_pcp,as_req_mw,total_mw,as_mw,ss_mw,tier1_mw,ircmwt2,dsr_as_mw,nsr_mw,regd_mw"
    ),
    "pjm/reg_prices": (
        "datetime_beginning_utc,datetime_beginning_ept,area,reserve_quantity,reserve_requirement,"
        "market_clearing_price,market_capped_clearing_price,capability_clearing_price,"
        "performance_clearing_price"
    ),
    "caiso/prc_as": PRC_AS_HEADER,
    "caiso/prc_intvl_as": (
        "INTERVALSTARTTIME_GMT,INTERVALENDTIME_GMT,OPR_DT,OPR_HR,OPR_TYPE,ANC_TYPE,XML_DATA_ITEM,"
        "MARKET_RUN_ID,MW,ANC_REGION,OPR_INTERVAL,GROUP"
    ),
    "miso/asm_expost_damcp": "Dayahead Market MCPs.",
    "miso/asm_rtmcp_prelim": "Real Time Market MCPs.,Not settlement quality data.",
}


@pytest.fixture(scope="module")
def fall(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fall")
    names = tuple(name.partition("/")[2] for name in (*HEADERS, "miso/asm_rtmcp_final"))
    options = SampleOptions(reports=(*names, "ancillary_services_fivemin_hrl"))
    write_sample(folder, isos=["pjm", "caiso", "miso"], start=FALL, days=2, options=options)
    return folder


def rows(folder: Path, report: str, first_line: int = 0) -> list[dict[str, str]]:
    """Lines of all files of a report, below their header in line number `first_line`."""
    found: list[dict[str, str]] = []
    for path in sorted((folder / report).glob("*.csv")):
        found += csv.DictReader(path.read_text().splitlines()[first_line:])
    return found


@pytest.mark.parametrize("report", HEADERS)
def test_files_begin_as_those_of_the_operator(fall: Path, report: str) -> None:
    firsts = {path.read_text().splitlines()[0] for path in (fall / report).glob("*.csv")}
    assert firsts == {HEADERS[report]}


def test_pjm_prints_a_price_in_two_feeds_alike(fall: Path) -> None:
    """Each interval of synchronized reserve of the whole market stands in both."""
    by_name = {
        row["datetime_beginning_utc"]: float(row["value"])
        for row in rows(fall, "pjm/ancillary_services_fivemin_hrl")
        if row["ancillary_service"] == "RTO Synchronized Reserve"
    }
    by_code = {
        row["datetime_beginning_utc"]: float(row["mcp"])
        for row in rows(fall, "pjm/reserve_market_results")
        if (row["locale"], row["service"]) == ("PJM_RTO", "SR")
    }
    assert len(by_name) == 49 * 12
    assert by_name == by_code


def test_pjm_price_of_regulation_is_its_parts_but_for_a_cent(fall: Path) -> None:
    misses = {
        round(float(row["mcp"]) - float(row["reg_ccp"]) - float(row["reg_pcp"]), 2)
        for row in rows(fall, "pjm/reserve_market_results")
        if row["service"] == "REG"
    }
    assert misses == {0, 0.01}


def test_pjm_calls_columns_of_regulation_by_other_names_since_its_market_is_new(
    tmp_path: Path,
) -> None:
    options = SampleOptions(reports=("reg_prices",), truth=False)
    write_sample(tmp_path, isos=["pjm"], start=date(2025, 9, 29), days=2, options=options)
    old, new = (
        set((tmp_path / f"pjm/reg_prices/reg_prices_{day}.csv").read_text().split()[0].split(","))
        for day in ("20250929", "20250930")
    )
    assert old - new == {"reserve_quantity", "reserve_requirement", "performance_clearing_price"}
    assert new - old == {"regulation_quantity", "regulation_requirement", "mileage_clearing_price"}


def test_pjm_results_are_hourly_before_they_are_of_five_minutes(tmp_path: Path) -> None:
    options = SampleOptions(reports=("reserve_market_results",), truth=False)
    write_sample(tmp_path, isos=["pjm"], start=date(2022, 9, 30), days=2, options=options)
    stamps = [
        row["datetime_beginning_ept"]
        for row in rows(tmp_path, "pjm/reserve_market_results")
        if (row["locale"], row["service"]) == ("PJM_RTO", "REG")
    ]
    assert len(stamps) == 24 + 288
    assert stamps[22:26] == [
        "9/30/2022 10:00:00 PM",
        "9/30/2022 11:00:00 PM",
        "10/1/2022 12:00:00 AM",
        "10/1/2022 12:05:00 AM",
    ]


def test_caiso_cuts_days_of_a_product_at_midnight_of_standard_time(fall: Path) -> None:
    """The first window has the hour before the first cut, too."""
    windows = {}
    for path in sorted((fall / "caiso/prc_as").glob("*.csv")):
        lines = list(csv.DictReader(path.read_text().splitlines()))
        stamps = sorted({line["INTERVALSTARTTIME_GMT"] for line in lines})
        (product,) = {line["ANC_TYPE"] for line in lines}
        assert len({line["ANC_REGION"] for line in lines}) == 6
        windows[product, stamps[0][:13]] = (stamps[-1][:13], len(lines))
    assert windows == {
        (product, first): held
        for product in ("RU", "RD", "SR", "NR", "RMU", "RMD")
        for first, held in {
            "2023-11-05T07": ("2023-11-06T07", 150),
            "2023-11-06T08": ("2023-11-07T07", 144),
        }.items()
    }


def test_caiso_calls_the_third_hour_of_the_fall_day_25(fall: Path) -> None:
    labels = {
        (row["INTERVALSTARTTIME_GMT"], row["OPR_HR"])
        for row in rows(fall, "caiso/prc_as")
        if row["OPR_DT"] == "2023-11-05"
    }
    assert [label for _, label in sorted(labels)][:4] == ["1", "2", "25", "3"]


def test_miso_nodes_of_a_zone_have_its_prices(fall: Path) -> None:
    path = fall / "miso/asm_expost_damcp/20231105_asm_expost_damcp.csv"
    lines = path.read_text().split("\n")
    assert lines[12:14] == ["", ""]
    nodes = [line.split(",") for line in lines[15:] if line]
    assert {len(cells) for cells in nodes} == {27}
    assert {zone for _, zone, *_ in nodes} == {f"Zone {number}" for number in range(1, 9)}
    prices = {(cells[1], cells[2], *cells[3:]) for cells in nodes}
    # Six products in a zone, and three where no demand is.
    assert len(prices) == 7 * 6 + 3
    assert len(nodes) == 7 * 12 + 9


def test_miso_final_report_follows_the_preliminary_one_with_other_prices(fall: Path) -> None:
    names = {
        report: sorted(path.name[:8] for path in (fall / "miso" / report).iterdir())
        for report in ("asm_rtmcp_final", "asm_rtmcp_prelim")
    }
    assert names == {
        "asm_rtmcp_final": ["20231105"],
        "asm_rtmcp_prelim": ["20231105", "20231106"],
    }
    final, prelim = (
        (fall / f"miso/{report}/20231105_{report}.csv").read_text().splitlines()
        for report in ("asm_rtmcp_final", "asm_rtmcp_prelim")
    )
    assert final[0] == prelim[0]
    assert final[5].startswith("Miso-Wide,-,DEMREGMCP,")
    assert final[12].startswith("Miso-Wide,-,REGMILEAGEMCP,")
    assert final[5] != prelim[5]
