"""Ancillary prices in the shape the gridstatus library prints: layouts, markets and lengths."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from building import Built, Ran, build, query, status, work_database

pytestmark = pytest.mark.builds

DATASETS = (
    *("ercot_as_hourly", "ercot_as_15min", "caiso_as_hourly", "caiso_as_15min"),
    *(
        "nyiso_as_hourly",
        "nyiso_as_5min",
        "spp_as_hourly",
        "spp_as_5min",
        "isone_as_hourly",
        "isone_as_5min",
    ),
    *("pjm_as_hourly", "pjm_as_5min", "miso_as_hourly"),
)
FILES = {
    # The own report has another price in the first hour, and none of non-spinning reserve.
    "ercot/np4-188-cd/cdr.00012329.0000000000000000.20240531.130000000.DAMCPCNP4188.csv": """
DeliveryDate,HourEnding,AncillaryType,MCPC,DSTFlag
06/01/2024,01:00,REGUP,1.5,N
""",
    "ercot/gridstatus_as/wide.csv": """
Time,Interval Start,Interval End,Market,Non-Spinning Reserves,Regulation Up,Responsive Reserves
2024-06-01 00:00:00-05:00,2024-06-01 00:00:00-05:00,2024-06-01 01:00:00-05:00,DAM,3.0,9.0,
2024-06-01 01:00:00-05:00,2024-06-01 01:00:00-05:00,2024-06-01 02:00:00-05:00,DAM,4.0,2.5,0.0
""",
    "ercot/gridstatus_as/quarters.csv": """
interval_start_utc,interval_end_utc,as_type,mcpc
2025-12-06 06:00:00+00:00,2025-12-06 06:15:00+00:00,Regulation Up,5.0
2025-12-06 06:15:00+00:00,2025-12-06 06:30:00+00:00,Regulation Up,6.0
""",
    "ercot/gridstatus_as/prices.csv": """
Interval Start,Interval End,Market,Location,Location Type,SPP
2024-06-01 00:00:00-05:00,2024-06-01 01:00:00-05:00,DAM,HB_NORTH,Trading Hub,20.0
""",
    "caiso/gridstatus_as/hosted.csv": """
interval_start_utc,interval_end_utc,region,market,non_spinning_reserves,regulation_mileage_up
2024-11-03 08:00:00+00:00,2024-11-03 09:00:00+00:00,AS_SP26,DAM,1.0,0.0
2024-11-03 09:00:00+00:00,2024-11-03 10:00:00+00:00,AS_SP26,DAM,2.0,0.5
2024-11-03 09:00:00+00:00,2024-11-03 10:00:00+00:00,AS_SP26,HASP,7.0,0.5
""",
    "caiso/gridstatus_as/quarters.csv": """
Time,Interval Start,Interval End,Region,Market,Regulation Up
2024-06-01 00:00:00-07:00,2024-06-01 00:00:00-07:00,2024-06-01 00:15:00-07:00,AS_SP26,RTM,1.0
2024-06-01 00:15:00-07:00,2024-06-01 00:15:00-07:00,2024-06-01 00:30:00-07:00,AS_SP26,RTM,2.0
""",
    "caiso/gridstatus_as/quarters_of_2026.csv": """
Interval Start,Interval End,Region,Regulation Up
2024-06-01 00:30:00-07:00,2024-06-01 00:45:00-07:00,AS_SP26,3.0
2024-06-01 00:45:00-07:00,2024-06-01 01:00:00-07:00,AS_SP26,4.0
""",
    "caiso/gridstatus_as/hours_of_no_market.csv": """
Interval Start,Interval End,Region,Regulation Up
2024-06-01 00:00:00-07:00,2024-06-01 01:00:00-07:00,AS_SP26,3.0
2024-06-01 01:00:00-07:00,2024-06-01 02:00:00-07:00,AS_SP26,4.0
""",
    "nyiso/gridstatus_as/day.csv": """
Interval Start,Interval End,Zone,10 Min Spin Reserves,10 Min Non-Spin Reserves,Regulation Capacity
2025-03-09 01:00:00-05:00,2025-03-09 03:00:00-04:00,WEST,5.0,4.0,8.0
2025-03-09 03:00:00-04:00,2025-03-09 04:00:00-04:00,WEST,6.0,,9.0
""",
    "nyiso/gridstatus_as/five.csv": """
interval_start_utc,interval_end_utc,zone,10_min_spin_reserves,10_min_non_spin_reserves
2025-06-01 04:00:00+00:00,2025-06-01 04:05:00+00:00,WEST,1.0,0.5
2025-06-01 04:02:30+00:00,2025-06-01 04:07:30+00:00,WEST,2.0,0.5
2025-06-01 04:05:00+00:00,2025-06-01 04:10:00+00:00,WEST,3.0,0.5
""",
    "spp/gridstatus_as/day.csv": """
Interval Start,Interval End,Reserve Zone,Reg_Up,Reg_Dn,Unc_Up
2025-11-02 01:00:00-05:00,2025-11-02 01:00:00-06:00,1,5.0,4.0,
2025-11-02 01:00:00-06:00,2025-11-02 02:00:00-06:00,1,6.0,3.0,0.0
""",
    "spp/gridstatus_as/five.csv": """
Interval Start,Interval End,Reserve Zone,Reg Up Service,Reg DN Mile
2025-06-01 00:00:00-05:00,2025-06-01 00:05:00-05:00,SPP,5.0,0.25
2025-06-01 00:05:00-05:00,2025-06-01 00:10:00-05:00,SPP,6.0,0.5
""",
    "isone/gridstatus_as/five.csv": """
Interval Start,Interval End,Reserve Zone Id,Reserve Zone Name,TMSR Clearing Price,TMSR Designated MW
2025-06-01 00:00:00-04:00,2025-06-01 00:05:00-04:00,7000,ROS,5.0,900.5
2025-06-01 00:05:00-04:00,2025-06-01 00:10:00-04:00,7000,ROS,6.0,901.5
""",
    "isone/gridstatus_as/hours.csv": """
Interval Start,Interval End,Reserve Zone Id,Reserve Zone Name,TMNSR Clearing Price
2025-06-01 00:00:00-04:00,2025-06-01 01:00:00-04:00,7000,ROS,7.0
2025-06-01 01:00:00-04:00,2025-06-01 02:00:00-04:00,7000,ROS,8.0
""",
    "isone/gridstatus_as/day_ahead.csv": """
Interval Start,Interval End,FER Clearing Price,TMSR Clearing Price,TMSR Designation MW
2025-06-02 00:00:00-04:00,2025-06-02 01:00:00-04:00,2.0,5.0,800.5
2025-06-02 01:00:00-04:00,2025-06-02 02:00:00-04:00,0.0,6.0,800.5
""",
    "isone/gridstatus_as/regulation.csv": """
interval_start_utc,interval_end_utc,reg_service_clearing_price,reg_capacity_clearing_price
2025-06-01 04:00:00+00:00,2025-06-01 04:05:00+00:00,0.25,12.5
2025-06-01 04:05:00+00:00,2025-06-01 04:10:00+00:00,0.5,13.5
""",
    "pjm/gridstatus_as/day.csv": """
Interval Start,Interval End,Ancillary Service,Locale,Service Type,Market Clearing Price,Total MW
2024-06-01 00:00:00-04:00,2024-06-01 01:00:00-04:00,a,PJM RTO Reserve Zone,Primary Reserve,5.0,9.5
2024-06-01 01:00:00-04:00,2024-06-01 02:00:00-04:00,a,PJM RTO Reserve Zone,Primary Reserve,6.0,9.5
""",
    "pjm/gridstatus_as/five.csv": """
interval_start_utc,interval_end_utc,locale,service_type,market_clearing_price
2024-06-01 04:00:00+00:00,2024-06-01 04:05:00+00:00,PJM_RTO,SR,1.0
2024-06-01 04:05:00+00:00,2024-06-01 04:10:00+00:00,PJM_RTO,SR,2.0
""",
    "miso/gridstatus_as/day_ahead_ex_post.csv": """
Interval Start,Interval End,Zone,Regulation,Spin
2024-06-01 00:00:00-05:00,2024-06-01 01:00:00-05:00,Zone 1,5.0,4.0
""",
    "miso/gridstatus_as/real_time_hourly_ex_post_final.csv": """
Interval Start,Interval End,Zone,Spin
2024-06-01 00:00:00-05:00,2024-06-01 01:00:00-05:00,Zone 1,3.0
""",
    # MISO's prices of five minutes are in no dataset.
    "miso/gridstatus_as/real_time_5_min_ex_post_final.csv": """
Interval Start,Interval End,Zone,Spin
2024-06-01 00:05:00-05:00,2024-06-01 00:10:00-05:00,Zone 1,9.0
""",
}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Built, Ran]:
    folder = tmp_path_factory.mktemp("gridstatus_ancillary")
    raw = folder / "raw"
    for name, text in FILES.items():
        path = raw / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.lstrip())
    datasets = [word for name in DATASETS for word in ("--dataset", name)]
    ran = build(raw, folder / "out", *datasets, check=3)
    return Built(raw, folder / "out"), ran


def published(built: tuple[Built, Ran], model: str) -> list[tuple[Any, ...]]:
    iso, dataset = model.split("_", 1)
    path: Path = built[0].out / f"parquet/{iso}/{dataset}/{dataset}_*.parquet"
    return query(
        f"""
        select
            strftime(datetime_utc, '%m-%d %H:%M:%S'), market_type, as_product, as_region,
            market_clearing_price
        from '{path}'
        order by all
        """
    )


@pytest.mark.parametrize(
    ("model", "rows"),
    [
        (
            "ercot_as_hourly",
            [
                ("06-01 05:00:00", "DA", "NSPIN", "ERCOT", 3.0),
                ("06-01 05:00:00", "DA", "REGUP", "ERCOT", 1.5),
                ("06-01 06:00:00", "DA", "NSPIN", "ERCOT", 4.0),
                ("06-01 06:00:00", "DA", "REGUP", "ERCOT", 2.5),
                ("06-01 06:00:00", "DA", "RRS", "ERCOT", 0.0),
            ],
        ),
        (
            "ercot_as_15min",
            [
                ("12-06 06:00:00", "RT", "REGUP", "ERCOT", 5.0),
                ("12-06 06:15:00", "RT", "REGUP", "ERCOT", 6.0),
            ],
        ),
        (
            "caiso_as_hourly",
            [
                ("11-03 08:00:00", "DA", "NR", "AS_SP26", 1.0),
                ("11-03 08:00:00", "DA", "RMU", "AS_SP26", 0.0),
                ("11-03 09:00:00", "DA", "NR", "AS_SP26", 2.0),
                ("11-03 09:00:00", "DA", "RMU", "AS_SP26", 0.5),
            ],
        ),
        (
            "caiso_as_15min",
            [
                ("06-01 07:00:00", "RT", "RU", "AS_SP26", 1.0),
                ("06-01 07:15:00", "RT", "RU", "AS_SP26", 2.0),
                ("06-01 07:30:00", "RT", "RU", "AS_SP26", 3.0),
                ("06-01 07:45:00", "RT", "RU", "AS_SP26", 4.0),
            ],
        ),
        (
            "nyiso_as_hourly",
            [
                ("03-09 06:00:00", "DA", "10 Min Non-Synchronous Reserve", "WEST", 4.0),
                ("03-09 06:00:00", "DA", "10 Min Spinning Reserve", "WEST", 5.0),
                ("03-09 06:00:00", "DA", "NYCA Regulation Capacity", "WEST", 8.0),
                ("03-09 07:00:00", "DA", "10 Min Spinning Reserve", "WEST", 6.0),
                ("03-09 07:00:00", "DA", "NYCA Regulation Capacity", "WEST", 9.0),
            ],
        ),
        (
            "nyiso_as_5min",
            [
                ("06-01 04:00:00", "RT", "10 Min Non-Synchronous Reserve", "WEST", 0.5),
                ("06-01 04:00:00", "RT", "10 Min Spinning Reserve", "WEST", 1.0),
                ("06-01 04:05:00", "RT", "10 Min Non-Synchronous Reserve", "WEST", 0.5),
                ("06-01 04:05:00", "RT", "10 Min Spinning Reserve", "WEST", 2.0),
                ("06-01 04:07:30", "RT", "10 Min Non-Synchronous Reserve", "WEST", 0.5),
                ("06-01 04:07:30", "RT", "10 Min Spinning Reserve", "WEST", 3.0),
            ],
        ),
        (
            "spp_as_hourly",
            [
                ("11-02 06:00:00", "DA", "RegDN", "1", 4.0),
                ("11-02 06:00:00", "DA", "RegUP", "1", 5.0),
                ("11-02 07:00:00", "DA", "RegDN", "1", 3.0),
                ("11-02 07:00:00", "DA", "RegUP", "1", 6.0),
                ("11-02 07:00:00", "DA", "UncUP", "1", 0.0),
            ],
        ),
        (
            "spp_as_5min",
            [
                ("06-01 05:00:00", "RT", "RegDNMile", "SPP", 0.25),
                ("06-01 05:00:00", "RT", "RegUPService", "SPP", 5.0),
                ("06-01 05:05:00", "RT", "RegDNMile", "SPP", 0.5),
                ("06-01 05:05:00", "RT", "RegUPService", "SPP", 6.0),
            ],
        ),
        (
            "isone_as_hourly",
            [
                ("06-01 04:00:00", "RT", "Ten Minute Reserve", "ROS", 7.0),
                ("06-01 05:00:00", "RT", "Ten Minute Reserve", "ROS", 8.0),
                ("06-02 04:00:00", "DA", "FER", "7000", 2.0),
                ("06-02 04:00:00", "DA", "Ten Minute Spinning Reserve", "7000", 5.0),
                ("06-02 05:00:00", "DA", "FER", "7000", 0.0),
                ("06-02 05:00:00", "DA", "Ten Minute Spinning Reserve", "7000", 6.0),
            ],
        ),
        (
            "isone_as_5min",
            [
                ("06-01 04:00:00", "RT", "Reg_Capacity_Price", "ISO NE CA", 12.5),
                ("06-01 04:00:00", "RT", "Reg_Service_Price", "ISO NE CA", 0.25),
                ("06-01 04:00:00", "RT", "Ten Minute Spinning Reserve", "ROS", 5.0),
                ("06-01 04:05:00", "RT", "Reg_Capacity_Price", "ISO NE CA", 13.5),
                ("06-01 04:05:00", "RT", "Reg_Service_Price", "ISO NE CA", 0.5),
                ("06-01 04:05:00", "RT", "Ten Minute Spinning Reserve", "ROS", 6.0),
            ],
        ),
        (
            "pjm_as_hourly",
            [
                ("06-01 04:00:00", "DA", "PR", "RTO", 5.0),
                ("06-01 05:00:00", "DA", "PR", "RTO", 6.0),
            ],
        ),
        (
            "pjm_as_5min",
            [
                ("06-01 04:00:00", "RT", "SR", "RTO", 1.0),
                ("06-01 04:05:00", "RT", "SR", "RTO", 2.0),
            ],
        ),
        (
            "miso_as_hourly",
            [
                ("06-01 05:00:00", "DA", "Regulation", "Zone 1", 5.0),
                ("06-01 05:00:00", "DA", "Spin", "Zone 1", 4.0),
                ("06-01 05:00:00", "RT", "Spin", "Zone 1", 3.0),
            ],
        ),
    ],
)
def test_prices_stand_in_the_dataset_of_their_market_and_length(
    built: tuple[Built, Ran], model: str, rows: list[tuple[Any, ...]]
) -> None:
    assert published(built, model) == rows


def counted(built: tuple[Built, Ran], name: str) -> dict[tuple[str, str], int]:
    with work_database(built[0].out) as connection:
        found = connection.execute(
            """
            select model, term || coalesce(': ' || reason, ''), sum(rows)::bigint
            from inventory.accounts
            where term <> 'parsed' and data_source = $1
            group by all
            """,
            [name],
        ).fetchall()
    return {(model, term): number for model, term, number in found}


def test_an_own_report_goes_first_and_the_rest_is_counted(built: tuple[Built, Ran]) -> None:
    assert counted(built, "ercot/gridstatus_as/wide.csv") == {
        ("ercot_as_hourly", "published"): 4,
        ("ercot_as_hourly", "superseded: unequal, no version tells which is right"): 1,
    }
    hosted = counted(built, "caiso/gridstatus_as/hosted.csv")
    assert hosted["caiso_as_hourly", "published"] == 4
    assert hosted["caiso_as_hourly", "filtered: the hour-ahead run is another market"] == 2


def test_files_of_energy_prices_and_of_no_market_are_refused(built: tuple[Built, Ran]) -> None:
    refused = [entry["file"] for entry in status(built[0].out)["refused"]]
    assert refused == [
        "caiso/gridstatus_as/hours_of_no_market.csv",
        "ercot/gridstatus_as/prices.csv",
    ]
