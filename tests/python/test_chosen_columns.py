"""Files with fewer columns than the report has, and with stamps of several forms."""

from __future__ import annotations

import pytest

from building import Built, Ran, build, query, work_database

pytestmark = pytest.mark.builds

FILES = {
    # What five public clients ask of the API, or less.
    "pjm/da_hrl_lmps/noversion.csv": """
datetime_beginning_utc,datetime_beginning_ept,pnode_id,pnode_name,voltage,equipment,type,zone,system_energy_price_da,total_lmp_da,congestion_price_da,marginal_loss_price_da
1/1/2022 5:00:00 AM,1/1/2022 12:00:00 AM,51288,WESTERN HUB,,,HUB,,21.02,20.572708,-0.066875,-0.38041
""",
    "pjm/da_hrl_lmps/noenergy.csv": """
datetime_beginning_utc,pnode_id,pnode_name,type,total_lmp_da,congestion_price_da,marginal_loss_price_da
1/1/2022 6:00:00 AM,51288,WESTERN HUB,HUB,18.014166,-0.01,-0.405834
""",
    "pjm/da_hrl_lmps/blank.csv": """
datetime_beginning_utc,pnode_id,pnode_name,type,total_lmp_da,congestion_price_da,marginal_loss_price_da
1/1/2023 6:00:00 AM,51288,WESTERN HUB,HUB,18.014166,-0.01,-0.405834
1/1/2023 7:00:00 AM,51288,WESTERN HUB,HUB,18.014166,,-0.405834
""",
    "pjm/da_hrl_lmps/total.csv": """
datetime_beginning_utc,pnode_id,total_lmp_da
2022-01-02 05:00:00,1,30.5
""",
    "pjm/gridstatus_lmp/notype.csv": """
Interval Start,Interval End,Market,Location Id,Location Name,LMP
2022-01-03 00:00:00-05:00,2022-01-03 01:00:00-05:00,DAY_AHEAD_HOURLY,1,AECO,30.5
""",
    "nyiso/damlbmp_zone/names.csv": """
Time Stamp,Name,LBMP ($/MWHr)
01/01/2022 00:00,WEST,30.5
01/01/2022 00:00,NOWHERE,31.5
""",
    "nyiso/damlbmp_gen/numbers.csv": """
Time Stamp,PTID,LBMP ($/MWHr),Marginal Cost Losses ($/MWHr)
01/01/2022 00:00,23512,32.5,1.5
""",
    "isone/ww_dalmp_iso/names.csv": """
Date,Hour Ending,Location Name,Locational Marginal Price,Energy Component,Congestion Component
01/01/2022,01,.H.INTERNAL_HUB,30.19,30.56,0
""",
    "spp/da-lmp-sl/noparts.csv": """
GMTIntervalEnd,Settlement Location,LMP
01/01/2022 07:00:00,SPPNORTH_HUB,20.1234
""",
    "spp/da-lmp-sl/nomec.csv": """
GMTIntervalEnd,Settlement Location,LMP,MLC,MCC
01/01/2022 08:00:00,SPPNORTH_HUB,20.1234,0.1,-1.0766
""",
    # Each line is sound; the first ones tell a form that the later ones don't have.
    "ercot/np4-190-cd/mixed.csv": """
DeliveryDate,HourEnding,SettlementPoint,SettlementPointPrice,DSTFlag
"""
    + "".join(f"01/01/2022,{hour:02}:00,HB_NORTH,{hour}.5,N\n" for hour in range(1, 25))
    + "1/2/22,01:00,HB_NORTH,40.5,N\n2022-01-03,01:00,HB_NORTH,41.5,N\n",
    # The reader itself takes the short years, for those of the first century.
    "spp/da-lmp-sl/short.csv": "GMTIntervalEnd,Settlement Location,LMP\n"
    + "".join(f"02/{day:02}/2022 07:00:00,A_LOAD,{day}.5\n" for day in range(1, 21))
    + "2/21/22 07:00:00,A_LOAD,21.5\n",
    "caiso/prc_lmp/dayfirst.csv": """
INTERVALSTARTTIME_GMT,NODE,MARKET_RUN_ID,LMP_TYPE,MW
"""
    + "".join(f"{day:02}/01/2022 08:00,TH_NP15_GEN-APND,DAM,LMP,{day}.5\n" for day in range(1, 20)),
    "caiso/prc_lmp/sound.csv": """
INTERVALSTARTTIME_GMT,NODE,MARKET_RUN_ID,LMP_TYPE,MW
2022-02-01T08:00:00-00:00,TH_NP15_GEN-APND,DAM,LMP,50.5
""",
    "miso/da_expost_lmp/20220101_broken.csv": f"""
Market Day,Node,Type,Value,{",".join(f"HE {hour}" for hour in range(1, 25))}
yesterday,MINN.HUB,Hub,LMP{",1" * 24}
""",
}
COLUMNS = """
    settlement_location_id, settlement_location, settlement_location_type,
    lmp_total, lmp_energy, lmp_congestion, lmp_loss, version
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    folder = tmp_path_factory.mktemp("chosen")
    for name, text in FILES.items():
        path = folder / "raw" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.lstrip("\n"))
    return Built(folder / "raw", folder / "out")


@pytest.fixture(scope="module")
def ran(built: Built) -> Ran:
    # By name, because a first build of everything makes the staging views of every report.
    operators = sorted({name.partition("/")[0] for name in FILES})
    return build(built.raw, built.out, *operators, check=1)


def rows_at(built: Built, iso: str, time: str) -> list[tuple[object, ...]]:
    return query(
        f"select {COLUMNS} from read_parquet($1) where datetime_utc = $2::timestamptz order by all",
        str(built.out / f"parquet/{iso}/da_*/*.parquet"),
        time,
    )


def file_warnings(built: Built) -> dict[str, str]:
    with work_database(built.out) as connection:
        return dict(
            connection.execute(
                "select data_source, message from inventory.file_warnings"
                " inner join inventory.raw_files using (file_id)"
            ).fetchall()
        )


HUB = ("51288", "WESTERN HUB", "HUB")


def test_without_a_version_a_row_is_of_the_first(built: Built, ran: Ran) -> None:
    assert (*HUB, 20.572708, 21.02, -0.066875, -0.38041, 1) in rows_at(
        built, "pjm", "2022-01-01 05:00+00"
    )


def test_one_part_that_is_missing_is_what_the_others_leave(built: Built, ran: Ran) -> None:
    assert (*HUB, 18.014166, 18.43, -0.01, -0.405834, 1) in rows_at(
        built, "pjm", "2022-01-01 06:00+00"
    )
    assert rows_at(built, "isone", "2022-01-01 05:00+00") == [
        ("4000", ".H.INTERNAL_HUB", "HUB", 30.19, 30.56, 0.0, -0.37, 1)
    ]
    assert rows_at(built, "spp", "2022-01-01 07:00+00") == [
        ("SPPNORTH_HUB", "SPPNORTH_HUB", "HUB", 20.1234, 21.1, -1.0766, 0.1, 1)
    ]


def test_a_name_stands_for_what_no_list_knows(built: Built, ran: Ran) -> None:
    assert rows_at(built, "pjm", "2022-01-02 05:00+00") == [
        ("1", "1", "PNODE", 30.5, None, None, None, 1)
    ]


def test_of_several_missing_parts_none_is_made_up(built: Built, ran: Ran) -> None:
    assert rows_at(built, "spp", "2022-01-01 06:00+00") == [
        ("SPPNORTH_HUB", "SPPNORTH_HUB", "HUB", 20.1234, None, None, None, 1)
    ]
    assert rows_at(built, "nyiso", "2022-01-01 05:00+00") == [
        ("23512", "23512", "NODE", 32.5, None, None, 1.5, 1),
        ("61752", "WEST", "ZONE", 30.5, None, None, None, 1),
        ("NOWHERE", "NOWHERE", "NODE", 31.5, None, None, None, 1),
    ]


def test_what_a_file_lacks_is_told_once_for_each(built: Built, ran: Ran) -> None:
    warnings = file_warnings(built)
    assert warnings["pjm/da_hrl_lmps/noversion.csv"] == (
        "has no column version_nbr: its prices are published without"
    )
    assert warnings["pjm/gridstatus_lmp/notype.csv"] == (
        "has no column Location Type: its prices are published without"
    )
    assert warnings["nyiso/damlbmp_gen/numbers.csv"] == (
        "has no column Name, Marginal Cost Congestion ($/MWHr): its prices are published without"
    )
    assert warnings["caiso/prc_lmp/sound.csv"] == (
        "has 1 rows without congestion or energy or loss: they are published without"
    )
    assert "ercot/np4-190-cd/mixed.csv" not in warnings


def test_a_blank_cell_is_not_a_missing_column(built: Built, ran: Ran) -> None:
    """The year is stopped by the line, whose sound neighbours wait for it."""
    assert any("blank.csv line 3: no congestion_price_da" in line for line in ran.says)


def test_stamps_of_several_forms_in_one_file_are_all_read(built: Built, ran: Ran) -> None:
    prices = query(
        "select datetime_utc::varchar, lmp_total from read_parquet($1)"
        " where lmp_total > 24 order by all",
        str(built.out / "parquet/ercot/da_energy_hourly/*.parquet"),
    )
    assert [price for _, price in prices] == [24.5, 40.5, 41.5]
    assert [time[:13] for time, _ in prices] == ["2022-01-02 05", "2022-01-02 06", "2022-01-03 06"]


def test_short_years_behind_long_ones_are_of_this_century(built: Built, ran: Ran) -> None:
    assert [row[3] for row in rows_at(built, "spp", "2022-02-21 06:00+00")] == [21.5]


def test_a_day_that_comes_first_refuses_the_file_and_no_other(built: Built, ran: Ran) -> None:
    refused = [line for line in ran.says if line.startswith("refused caiso/prc_lmp/dayfirst.csv")]
    assert len(refused) == 1
    assert 'has dates with the day first (INTERVALSTARTTIME_GMT "1' in refused[0]
    assert query(
        "select lmp_total from read_parquet($1)",
        str(built.out / "parquet/caiso/da_energy_hourly_nodal/*.parquet"),
    ) == [(50.5,)]
