"""Prices in the shape the gridstatus library prints: layouts, precedence, identities, what is told.

One raw folder holds a case per delivery year. But for the one that the generator writes, files are
typed from the published layouts, so that no reader is checked against its own writer.
"""

from __future__ import annotations

import math
import re
import shutil
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from building import SAMPLES, Ran, build, query, read_rows, status, work_database
from unified_iso.cli import app
from unified_iso.sample import SampleOptions, write_sample

pytestmark = pytest.mark.builds

FALL, SPRING = date(2024, 11, 2), date(2025, 3, 8)
SEEN = SAMPLES / "caiso" / "gridstatus_lmp"
CURRENT = (
    "Time,Interval Start,Interval End,Market,Location,Location Type,LMP,Energy,Congestion,Loss"
)
GENERATORS = 3
NODES = {"nyiso": GENERATORS, "caiso": 12}
NYISO_DAY_AHEAD = "nyiso_da_energy_hourly"
# The dataset of the file that was seen.
QUARTER_HOURS = "caiso_rt_energy_15min_nodal"
# The datasets that rows of the cases go to.
DATASETS = (
    *("pjm_da_energy_hourly_nodal", "pjm_da_energy_hourly_hub", "pjm_rt_energy_5min_nodal"),
    *(NYISO_DAY_AHEAD, "nyiso_rt_energy_5min", "caiso_da_energy_hourly_nodal"),
    *("ercot_da_energy_hourly", "ercot_rt_energy_15min", "isone_da_energy_hourly"),
    *("spp_da_energy_hourly", "miso_da_energy_hourly_nodal"),
)

NYISO = {
    # Releases of 2022: a bare Time, the published sign, energy with the noise of a subtraction.
    "gridstatus_lmp/older.csv": """
Time,Market,Location,Location Type,LMP,Energy,Congestion,Loss
2022-06-01 00:00:00-04:00,DAY_AHEAD_HOURLY,CAPITL,Zone,42.06,12.330000000000002,-29.05,0.68
2022-06-01 01:00:00-04:00,DAY_AHEAD_HOURLY,CAPITL,Zone,20.5,20.25,0.0,0.25
""",
    # The hosted API, saved from R: text quoted, local and UTC times side by side.
    "gridstatus_lmp/hosted.csv": """
"interval_start_local","interval_start_utc","interval_end_local","interval_end_utc","market",\
"location","location_type","lmp","energy","congestion","loss"
"2021-06-01T00:00:00","2021-06-01 04:00:00","2021-06-01T01:00:00","2021-06-01 05:00:00",\
"DAY_AHEAD_HOURLY","WEST","Zone",25.02,24.24,0,0.78
"2021-06-01T01:00:00","2021-06-01 05:00:00+00:00","2021-06-01T02:00:00",\
"2021-06-01 06:00:00+00:00","DAY_AHEAD_HOURLY","WEST","Zone",25.03,24.25,-0.0,0.78
""",
    # Own report and gridstatus disagree in the first hour and have one hour each to themselves.
    "damlbmp_zone/20200601damlbmp_zone.csv": """
Time Stamp,Name,PTID,LBMP ($/MWHr),Marginal Cost Losses ($/MWHr),Marginal Cost Congestion ($/MWHr)
06/01/2020 00:00,WEST,61752,20.00,1.00,-2.00
06/01/2020 01:00,WEST,61752,21.00,1.00,-2.00
06/01/2020 02:00,WEST,61752,22.00,1.00,-2.00
""",
    "gridstatus_lmp/zz later than the own report.csv": f"""
{CURRENT}
2020-06-01 00:00:00-04:00,2020-06-01 00:00:00-04:00,2020-06-01 01:00:00-04:00,DAY_AHEAD_HOURLY,\
WEST,Zone,99.0,96.0,2.0,1.0
2020-06-01 01:00:00-04:00,2020-06-01 01:00:00-04:00,2020-06-01 02:00:00-04:00,DAY_AHEAD_HOURLY,\
WEST,Zone,21.0,18.0,2.0,1.0
2020-06-01 03:00:00-04:00,2020-06-01 03:00:00-04:00,2020-06-01 04:00:00-04:00,DAY_AHEAD_HOURLY,\
WEST,Zone,23.0,20.0,2.0,1.0
""",
    # Of a market and a resolution that no day-ahead dataset has.
    "gridstatus_lmp/real time.csv": f"""
{CURRENT}
2023-06-01 00:00:00-04:00,2023-06-01 00:00:00-04:00,2023-06-01 00:05:00-04:00,REAL_TIME_5_MIN,\
WEST,Zone,25.02,24.24,0.0,0.78
2023-06-01 00:05:00-04:00,2023-06-01 00:05:00-04:00,2023-06-01 00:10:00-04:00,REAL_TIME_5_MIN,\
WEST,Zone,25.02,24.24,0.0,0.78
""",
    "gridstatus_lmp/no market.csv": """
Interval Start,Interval End,Location,Location Type,LMP,Energy,Congestion,Loss
2018-06-01 00:00:00-04:00,2018-06-01 01:00:00-04:00,WEST,Zone,25.02,24.24,0.0,0.78
""",
    "gridstatus_lmp/no time.csv": """
Interval End,Market,Location,Location Type,LMP,Energy,Congestion,Loss
2018-06-01 01:00:00-04:00,DAY_AHEAD_HOURLY,WEST,Zone,25.02,24.24,0.0,0.78
""",
    "gridstatus_lmp/ercot.csv": """
Time,Interval Start,Interval End,Location,Location Type,Market,SPP
2018-06-01 00:00:00-05:00,2018-06-01 00:00:00-05:00,2018-06-01 01:00:00-05:00,HB_HOUSTON,\
Trading Hub,DAY_AHEAD_HOURLY,20.5
""",
}
PJM = {
    "gridstatus_lmp/day ahead.csv": """
Time,Interval Start,Interval End,Market,Location Id,Location Name,Location Short Name,\
Location Type,LMP,Energy,Congestion,Loss
2023-11-05 01:00:00-04:00,2023-11-05 01:00:00-04:00,2023-11-05 01:00:00-05:00,DAY_AHEAD_HOURLY,\
51217,EASTERN HUB,EASTERN,HUB,24.966949,30.98,-6.094939,0.081888
2023-11-05 01:00:00-05:00,2023-11-05 01:00:00-05:00,2023-11-05 02:00:00-05:00,DAY_AHEAD_HOURLY,\
51217,EASTERN HUB,EASTERN,HUB,25.966949,31.98,-6.094939,0.081888
""",
    "gridstatus_lmp/real time.csv": """
Interval Start,Interval End,Market,Location Id,Location Name,Location Short Name,Location Type,\
LMP,Energy,Congestion,Loss
2023-11-05 01:55:00-04:00,2023-11-05 01:00:00-05:00,REAL_TIME_5_MIN,1,PJM-RTO,PJM-RTO,ZONE,\
18.68613,18.67,0.009298,0.006832
2023-11-05 01:00:00-05:00,2023-11-05 01:05:00-05:00,REAL_TIME_5_MIN,1,PJM-RTO,PJM-RTO,ZONE,\
19.68613,19.67,0.009298,0.006832
""",
    "gridstatus_lmp/older.csv": """
Time,Market,Location,Location Name,Location Type,LMP,Energy,Congestion,Loss
2022-03-13 01:00:00-05:00,DAY_AHEAD_HOURLY,48592,ELMDALE,LOAD,14.37,19.28,-4.39,-0.52
2022-03-13 03:00:00-04:00,DAY_AHEAD_HOURLY,48592,ELMDALE,LOAD,15.37,20.28,-4.39,-0.52
""",
    "gridstatus_lmp/names only.csv": """
Time,Interval Start,Interval End,Market,Location,Location Type,LMP,Energy,Congestion,Loss
2021-06-01 00:00:00-04:00,2021-06-01 00:00:00-04:00,2021-06-01 01:00:00-04:00,DAY_AHEAD_HOURLY,\
WESTERN HUB,HUB,31.14,31.0,0.1,0.04
2021-06-01 00:00:00-04:00,2021-06-01 00:00:00-04:00,2021-06-01 01:00:00-04:00,DAY_AHEAD_HOURLY,\
OAKDALE,LOAD,31.14,31.0,0.1,0.04
""",
    "gridstatus_lmp/no offset.csv": f"""
{CURRENT}
2019-06-01 00:00:00-04:00,2019-06-01 00:00:00-04:00,2019-06-01 01:00:00-04:00,DAY_AHEAD_HOURLY,\
WESTERN HUB,HUB,3.5,3.0,0.5,0.0
2019-06-01 01:00:00,2019-06-01 01:00:00,2019-06-01 02:00:00,DAY_AHEAD_HOURLY,\
WESTERN HUB,HUB,3.5,3.0,0.5,0.0
""",
    "pnode/pnode.csv": """
pnode_id,pnode_name,pnode_type,pnode_subtype,zone,voltage_level,effective_date,termination_date
51288,WESTERN HUB,AGGREGATE,HUB,,,1/1/1998 12:00:00 AM,12/31/9999 12:00:00 AM
48588,OAKDALE,BUS,LOAD,PSEG,230 KV,1/1/1998 12:00:00 AM,12/31/9999 12:00:00 AM
48589,OAKDALE,BUS,LOAD,PSEG,138 KV,1/1/1998 12:00:00 AM,12/31/9999 12:00:00 AM
""",
}
OTHERS = {
    # No components; of an energy-weighted zone the name says so; LMPs by bus are another report.
    "ercot/gridstatus_lmp/prices.csv": """
Time,Interval Start,Interval End,Location,Location Type,Market,SPP
2023-11-05 01:00:00-05:00,2023-11-05 01:00:00-05:00,2023-11-05 01:00:00-06:00,HB_HOUSTON,\
Trading Hub,DAY_AHEAD_HOURLY,20.5
2023-11-05 01:00:00-06:00,2023-11-05 01:00:00-06:00,2023-11-05 02:00:00-06:00,LZ_AEN,\
Load Zone,DAY_AHEAD_HOURLY,21.5
2023-11-05 01:00:00-06:00,2023-11-05 01:00:00-06:00,2023-11-05 01:15:00-06:00,LZ_AEN_EW,\
Load Zone Energy Weighted,REAL_TIME_15_MIN,22.5
""",
    "ercot/gridstatus_lmp/buses.csv": """
Interval Start,Interval End,Market,Location,Location Type,LMP
2023-11-05 01:00:00-05:00,2023-11-05 01:00:00-06:00,DAY_AHEAD_HOURLY,0001,Electrical Bus,20.5
""",
    "isone/gridstatus_lmp/prices.csv": f"""
{CURRENT}
2023-03-12 01:00:00-05:00,2023-03-12 01:00:00-05:00,2023-03-12 03:00:00-04:00,DAY_AHEAD_HOURLY,\
.H.INTERNAL_HUB,HUB,47.19,47.56,0.0,-0.37
2023-03-12 03:00:00-04:00,2023-03-12 03:00:00-04:00,2023-03-12 04:00:00-04:00,DAY_AHEAD_HOURLY,\
UN.OAKVILLE 13.8OAK  ,NETWORK NODE,47.19,47.56,0.0,-0.37
""",
    "isone/gridstatus_lmp/spreadsheet.csv": f"""
{CURRENT}
6/1/2018 0:00,6/1/2018 0:00,6/1/2018 1:00,DAY_AHEAD_HOURLY,.Z.MAINE,LOAD ZONE,25.02,24.24,0,0.78
""",
    # Fixed -05:00; energy with the noise of a subtraction; ex-ante prices are other ones.
    "miso/gridstatus_lmp/prices.csv": f"""
{CURRENT}
2023-07-01 00:00:00-05:00,2023-07-01 00:00:00-05:00,2023-07-01 01:00:00-05:00,DAY_AHEAD_HOURLY,\
INDIANA.HUB,Hub,25.35,26.240000000000002,-1.1,0.21
2023-07-01 00:00:00-05:00,2023-07-01 00:00:00-05:00,2023-07-01 01:00:00-05:00,DAY_AHEAD_HOURLY,\
OAK.AZ,Hub,25.35,,-1.1,0.21
2023-07-01 00:00:00-05:00,2023-07-01 00:00:00-05:00,2023-07-01 01:00:00-05:00,\
DAY_AHEAD_HOURLY_EX_ANTE,OAK.AZ,Hub,99.0,99.0,0.0,0.0
""",
    # Fields that were chosen: what places a price, and some of its parts or none.
    "caiso/gridstatus_lmp/no parts.csv": """
interval_start_utc,market,location,lmp
2018-06-01 07:00:00,DAY_AHEAD_HOURLY,TH_SP15_GEN-APND,24.5
2018-06-01 08:00:00,DAY_AHEAD_HOURLY,TH_SP15_GEN-APND,25.5
""",
    "caiso/gridstatus_lmp/no loss.csv": """
interval_start_utc,market,location,lmp,energy,congestion
2019-06-01 07:00:00,DAY_AHEAD_HOURLY,TH_SP15_GEN-APND,24.5,20.25,4.0
2019-06-01 08:00:00,DAY_AHEAD_HOURLY,TH_SP15_GEN-APND,25.5,21.25,4.0
""",
    # The western area beside a pnode that is not the key; a bus is no settlement location.
    "spp/gridstatus_lmp/prices.csv": """
Time,Interval Start,Interval End,Market,BAA,Location,Location Type,PNode,LMP,Energy,Congestion,Loss
2023-06-01 00:00:00-05:00,2023-06-01 00:00:00-05:00,2023-06-01 01:00:00-05:00,DAY_AHEAD_HOURLY,\
SPP,AEC,Settlement Location,SOUC,27.3629,27.0081,0.0509,0.3039
2023-06-01 00:00:00-05:00,2023-06-01 00:00:00-05:00,2023-06-01 01:00:00-05:00,DAY_AHEAD_HOURLY,\
SPP,SPPNORTH_HUB,Hub,SPPNORTH_H,27.3629,27.0081,0.0509,0.3039
""",
    "spp/gridstatus_lmp/buses.csv": f"""
{CURRENT}
2023-06-01 00:00:00-05:00,2023-06-01 00:00:00-05:00,2023-06-01 01:00:00-05:00,DAY_AHEAD_HOURLY,\
SOUC,Bus,27.3629,27.0081,0.0509,0.3039
""",
}


# The hosted API names its columns in snake case, with local times beside those in UTC or without.
HOSTED = {
    "pjm": """
interval_start_local,interval_start_utc,interval_end_local,interval_end_utc,market,location,\
location_id,location_short_name,location_type,lmp,energy,congestion,loss
2020-03-08T01:00:00-05:00,2020-03-08 06:00:00+00:00,2020-03-08T03:00:00-04:00,\
2020-03-08 07:00:00+00:00,DAY_AHEAD_HOURLY,EASTERN HUB,51217,EASTERN,HUB,24.5,20.25,4.0,0.25
2020-03-08T03:00:00-04:00,2020-03-08 07:00:00+00:00,2020-03-08T04:00:00-04:00,\
2020-03-08 08:00:00+00:00,DAY_AHEAD_HOURLY,EASTERN HUB,51217.0,EASTERN,HUB,25.5,21.25,4.0,0.25
""",
    "nyiso": """
interval_start_local,interval_start_utc,interval_end_local,interval_end_utc,market,location,\
location_type,lmp,energy,congestion,loss
2019-11-03T01:00:00-04:00,2019-11-03 05:00:00+00:00,2019-11-03T01:00:00-05:00,\
2019-11-03 06:00:00+00:00,DAY_AHEAD_HOURLY,WEST,Zone,24.5,20.25,4.0,0.25
2019-11-03T01:00:00-05:00,2019-11-03 06:00:00+00:00,2019-11-03T02:00:00-05:00,\
2019-11-03 07:00:00+00:00,DAY_AHEAD_HOURLY,WEST,Zone,25.5,21.25,4.0,0.25
""",
    "caiso": """
interval_start_utc,interval_end_utc,market,location,location_type,lmp,energy,congestion,loss,ghg
2020-03-08 09:00:00+00:00,2020-03-08 10:00:00+00:00,DAY_AHEAD_HOURLY,TH_SP15_GEN-APND,\
Trading Hub,24.5,20.0,4.0,0.25,0.25
2020-03-08 10:00:00+00:00,2020-03-08 11:00:00+00:00,DAY_AHEAD_HOURLY,TH_SP15_GEN-APND,\
Trading Hub,25.5,21.25,4.0,0.25,
""",
    "ercot": """
interval_start_utc,interval_end_utc,location,location_type,market,spp
2020-03-08 07:00:00+00:00,2020-03-08 08:00:00+00:00,HB_NORTH,Trading Hub,DAY_AHEAD_HOURLY,24.5
2020-03-08 08:00:00+00:00,2020-03-08 09:00:00+00:00,HB_NORTH,Trading Hub,DAY_AHEAD_HOURLY,25.5
""",
    "isone": """
interval_start_local,interval_start_utc,interval_end_local,interval_end_utc,market,location,\
location_type,lmp,energy,congestion,loss
2020-03-08T01:00:00-05:00,2020-03-08 06:00:00+00:00,2020-03-08T03:00:00-04:00,\
2020-03-08 07:00:00+00:00,DAY_AHEAD_HOURLY,.Z.MAINE,LOAD ZONE,24.5,20.25,4.0,0.25
2020-03-08T03:00:00-04:00,2020-03-08 07:00:00+00:00,2020-03-08T04:00:00-04:00,\
2020-03-08 08:00:00+00:00,DAY_AHEAD_HOURLY,.Z.MAINE,LOAD ZONE,25.5,21.25,4.0,0.25
""",
    "spp": """
interval_start_local,interval_start_utc,interval_end_local,interval_end_utc,market,baa,location,\
location_type,pnode,lmp,energy,congestion,loss
2020-03-08T01:00:00-06:00,2020-03-08 07:00:00+00:00,2020-03-08T03:00:00-05:00,\
2020-03-08 08:00:00+00:00,DAY_AHEAD_HOURLY,SPP,SPPNORTH_HUB,Hub,SPPNORTH_H,24.5,20.25,4.0,0.25
2020-03-08T03:00:00-05:00,2020-03-08 08:00:00+00:00,2020-03-08T04:00:00-05:00,\
2020-03-08 09:00:00+00:00,DAY_AHEAD_HOURLY,SPP,SPPNORTH_HUB,Hub,SPPNORTH_H,25.5,21.25,4.0,0.25
""",
    "miso": """
interval_start_utc,interval_end_utc,market,location,location_type,lmp,energy,congestion,loss
2020-03-08 07:00:00,2020-03-08 08:00:00,DAY_AHEAD_HOURLY,INDIANA.HUB,Hub,24.5,20.25,4.0,0.25
2020-03-08 08:00:00,2020-03-08 09:00:00,DAY_AHEAD_HOURLY,INDIANA.HUB,Hub,25.5,21.25,4.0,0.25
""",
}


def _utc(year: int, month: int, day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=UTC)


@dataclass(frozen=True)
class Built:
    """A raw folder and what came of it, run after run."""

    raw: Path
    out: Path
    first: Ran
    again: Ran
    told: dict[str, Any]

    def rows(self, dataset: str, year: int, columns: str) -> list[tuple[Any, ...]]:
        """Rows of a year file in their order."""
        iso, _, name = dataset.partition("_")
        path = self.out / "parquet" / iso / name / f"{name}_{year}.parquet"
        return query(f"select {columns} from read_parquet($1)", str(path))

    def entry(self, dataset: str, year: int) -> dict[str, Any]:
        """What `status --json` tells of a year file."""
        iso, _, name = dataset.partition("_")
        found: list[dict[str, Any]] = [
            entry
            for entry in self.told["datasets"]
            if (entry["iso"], entry["dataset"], entry["year"]) == (iso, name, year)
        ]
        (entry,) = found
        return entry


def _write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.lstrip("\n"))


def _build(raw: Path, out: Path, *datasets: str) -> Ran:
    chosen = (word for dataset in datasets for word in ("--dataset", dataset))
    return build(raw, out, *chosen, check=None)


def _sample(out: Path, iso: str, start: date, *reports: str) -> list[Path]:
    options = SampleOptions(reports=reports)
    return write_sample(out, isos=[iso], start=start, days=3, nodes=NODES[iso], options=options)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """Publish every case, and build again with nothing new."""
    folder = tmp_path_factory.mktemp("gridstatus")
    raw, out = folder / "raw", folder / "out"
    _write(raw / "nyiso", NYISO)
    _write(raw / "pjm", PJM)
    _write(raw, OTHERS)
    _write(raw, {f"{iso}/gridstatus_lmp/api.csv": text for iso, text in HOSTED.items()})
    for iso, start, *reports in (
        ("nyiso", FALL, "damlbmp_zone", "damlbmp_gen", "gridstatus_lmp"),
        ("nyiso", SPRING, "gridstatus_lmp"),
        ("caiso", FALL, "prc_lmp", "gridstatus_lmp"),
        ("caiso", SPRING, "gridstatus_lmp"),
    ):
        _sample(folder / f"{start}", iso, start, *reports)
        shutil.copytree(folder / f"{start}" / iso, raw / iso, dirs_exist_ok=True)
    first = _build(raw, out, *DATASETS)
    told = status(out)
    return Built(raw, out, first, _build(raw, out, *DATASETS), told)


def _accounts(built: Built, model: str, year: int, where: str) -> dict[str, int]:
    with work_database(built.out) as connection:
        return dict(
            connection.execute(
                "select term, sum(rows)::bigint from inventory.accounts"
                " where model = $1 and year(part) = $2 and data_source like $3 group by term",
                [model, year, where],
            ).fetchall()
        )


# Layouts


def test_the_older_layout_has_its_sign_turned_and_its_energy_rounded(built: Built) -> None:
    columns = "datetime_utc, settlement_location_id, lmp_energy, lmp_congestion, lmp_loss"
    assert built.rows("nyiso_da_energy_hourly", 2022, columns) == [
        (_utc(2022, 6, 1, 4), "61757", 12.33, 29.05, 0.68),
        (_utc(2022, 6, 1, 5), "61757", 20.25, 0.0, 0.25),
    ]


def test_hosted_files_are_read_by_their_utc_columns(built: Built) -> None:
    columns = "datetime_utc, lmp_total, lmp_congestion, interval_minutes, data_source"
    rows = built.rows("nyiso_da_energy_hourly", 2021, columns)
    assert rows == [
        (_utc(2021, 6, 1, 4), 25.02, 0.0, 60, "nyiso/gridstatus_lmp/hosted.csv"),
        (_utc(2021, 6, 1, 5), 25.03, 0.0, 60, "nyiso/gridstatus_lmp/hosted.csv"),
    ]
    assert [math.copysign(1, row[2]) for row in rows] == [1, 1]


@pytest.mark.parametrize(
    ("dataset", "first", "location"),
    [
        ("pjm_da_energy_hourly_nodal", _utc(2020, 3, 8, 6), ("EASTERN HUB", "51217", "HUB", None)),
        ("nyiso_da_energy_hourly", _utc(2019, 11, 3, 5), ("WEST", "61752", "ZONE", None)),
        ("isone_da_energy_hourly", _utc(2020, 3, 8, 6), (".Z.MAINE", "4001", "ZONE", None)),
        (
            "spp_da_energy_hourly",
            _utc(2020, 3, 8, 7),
            ("SPPNORTH_HUB", "SPPNORTH_HUB", "HUB", "SPP"),
        ),
        (
            "miso_da_energy_hourly_nodal",
            _utc(2020, 3, 8, 7),
            ("INDIANA.HUB", "INDIANA.HUB", "HUB", None),
        ),
    ],
)
def test_the_hosted_api_names_its_columns_alike_for_every_operator(
    built: Built, dataset: str, first: datetime, location: tuple[str | None, ...]
) -> None:
    columns = (
        "settlement_location, settlement_location_id, settlement_location_type, zone,"
        " interval_start_utc, interval_minutes, lmp_total, lmp_energy, lmp_congestion, lmp_loss"
    )
    assert built.rows(dataset, first.year, columns) == [
        (*location, first, 60, 24.5, 20.25, 4.0, 0.25),
        (*location, first + timedelta(hours=1), 60, 25.5, 21.25, 4.0, 0.25),
    ]


def test_the_hosted_api_has_what_only_some_operators_have(built: Built) -> None:
    """ERCOT's price is an SPP without components, and CAISO's may hold a greenhouse-gas part."""
    columns = "interval_start_utc, lmp_total, lmp_energy, lmp_congestion, lmp_loss"
    assert built.rows("ercot_da_energy_hourly", 2020, f"{columns}, settlement_location_type") == [
        (_utc(2020, 3, 8, 7), 24.5, None, None, None, "HUB"),
        (_utc(2020, 3, 8, 8), 25.5, None, None, None, "HUB"),
    ]
    assert built.rows("caiso_da_energy_hourly_nodal", 2020, columns) == [
        (_utc(2020, 3, 8, 9), 24.5, 20.0, 4.0, 0.25),
        (_utc(2020, 3, 8, 10), 25.5, 21.25, 4.0, 0.25),
    ]


def test_prices_without_some_of_their_parts_are_published_with_a_warning(built: Built) -> None:
    columns = "interval_start_utc, lmp_total, lmp_energy, lmp_congestion, lmp_loss"
    assert built.rows("caiso_da_energy_hourly_nodal", 2018, columns) == [
        (_utc(2018, 6, 1, 7), 24.5, None, None, None),
        (_utc(2018, 6, 1, 8), 25.5, None, None, None),
    ]
    assert built.rows("caiso_da_energy_hourly_nodal", 2019, columns) == [
        (_utc(2019, 6, 1, 7), 24.5, 20.25, 4.0, None),
        (_utc(2019, 6, 1, 8), 25.5, 21.25, 4.0, None),
    ]
    with work_database(built.out) as connection:
        warned = connection.execute(
            "select distinct data_source from inventory.file_warnings"
            " inner join inventory.raw_files using (file_id) where data_source like 'caiso/%'"
        ).fetchall()
    assert sorted(warned) == [
        ("caiso/gridstatus_lmp/no loss.csv",),
        ("caiso/gridstatus_lmp/no parts.csv",),
    ]


def test_pjm_nodes_are_known_by_id_by_location_or_by_name(built: Built) -> None:
    columns = (
        "datetime_utc, settlement_location, settlement_location_id, settlement_location_type,"
        " lmp_total"
    )
    nodal = "pjm_da_energy_hourly_nodal"
    assert built.rows(nodal, 2023, columns) == [
        (_utc(2023, 11, 5, 5), "EASTERN HUB", "51217", "HUB", 24.966949),
        (_utc(2023, 11, 5, 6), "EASTERN HUB", "51217", "HUB", 25.966949),
    ]
    assert built.rows(nodal, 2022, columns) == [
        (_utc(2022, 3, 13, 6), "ELMDALE", "48592", "PNODE", 14.37),
        (_utc(2022, 3, 13, 7), "ELMDALE", "48592", "PNODE", 15.37),
    ]
    assert built.rows(nodal, 2021, columns) == [
        (_utc(2021, 6, 1, 4), "OAKDALE", "OAKDALE", "PNODE", 31.14),
        (_utc(2021, 6, 1, 4), "WESTERN HUB", "51288", "HUB", 31.14),
    ]
    assert built.rows("pjm_da_energy_hourly_hub", 2021, "settlement_location") == [("WESTERN HUB",)]


def test_other_operators_prices_keep_their_quirks(built: Built) -> None:
    columns = (
        "datetime_utc, settlement_location_id, settlement_location_type, zone, lmp_total,"
        " lmp_energy, lmp_congestion, lmp_loss"
    )
    assert built.rows("ercot_da_energy_hourly", 2023, columns) == [
        (_utc(2023, 11, 5, 6), "HB_HOUSTON", "HUB", None, 20.5, None, None, None),
        (_utc(2023, 11, 5, 7), "LZ_AEN", "ZONE", None, 21.5, None, None, None),
    ]
    assert built.rows("isone_da_energy_hourly", 2023, columns) == [
        (_utc(2023, 3, 12, 6), "4000", "HUB", None, 47.19, 47.56, 0.0, -0.37),
        (_utc(2023, 3, 12, 7), "UN.OAKVILLE 13.8OAK", "NODE", None, 47.19, 47.56, 0.0, -0.37),
    ]
    assert built.rows("spp_da_energy_hourly", 2023, columns) == [
        (_utc(2023, 6, 1, 5), "AEC", "NODE", "SPP", 27.3629, 27.0081, 0.0509, 0.3039),
        (_utc(2023, 6, 1, 5), "SPPNORTH_HUB", "HUB", "SPP", 27.3629, 27.0081, 0.0509, 0.3039),
    ]
    assert built.rows("miso_da_energy_hourly_nodal", 2023, columns) == [
        (_utc(2023, 7, 1, 5), "INDIANA.HUB", "HUB", None, 25.35, 26.24, -1.1, 0.21),
        (_utc(2023, 7, 1, 5), "OAK.AZ", "AGGREGATE", None, 25.35, 26.24, -1.1, 0.21),
    ]
    for dataset in (
        "ercot_da_energy_hourly",
        "spp_da_energy_hourly",
        "miso_da_energy_hourly_nodal",
    ):
        counted = _accounts(built, dataset, 2023, "%")
        assert counted == {"parsed": 3, "published": 2, "filtered": 1}


def test_each_dataset_takes_its_own_market_and_resolution(built: Built) -> None:
    columns = "datetime_utc, interval_end_utc, lmp_total, interval_minutes, market_type"
    five_minutes = timedelta(minutes=5)
    starts = (_utc(2023, 11, 5, 5, 55), _utc(2023, 11, 5, 6, 0))
    assert built.rows("pjm_rt_energy_5min_nodal", 2023, columns) == [
        (start, start + five_minutes, price, 5, "RT")
        for start, price in zip(starts, (18.68613, 19.68613), strict=True)
    ]
    counted = _accounts(built, "pjm_da_energy_hourly_nodal", 2023, "%/real time.csv")
    assert counted == {"parsed": 2, "filtered": 2}


# The years that the generator writes


def test_the_generator_prints_what_the_library_prints(built: Built) -> None:
    zones = built.raw / f"nyiso/gridstatus_lmp/nyiso_day_ahead_hourly_zone_{FALL:%Y%m%d}.csv"
    header, *lines = zones.read_text().splitlines()
    assert header == CURRENT
    assert len(lines) == (24 + 25 + 24) * 15
    west = [line.split(",") for line in lines if ",WEST," in line]
    around_the_change = [cells[:3] for cells in west if cells[0].startswith("2024-11-03 01")]
    first, second = "2024-11-03 01:00:00-04:00", "2024-11-03 01:00:00-05:00"
    assert around_the_change == [
        [first, first, second],
        [second, second, "2024-11-03 02:00:00-05:00"],
    ]
    assert {tuple(cells[3:6]) for cells in west} == {("DAY_AHEAD_HOURLY", "WEST", "Zone")}
    # The library turns the sign of zeros too.
    congestion = {line.split(",")[8] for line in lines}
    assert "-0.0" in congestion and "0.0" not in congestion


@pytest.mark.parametrize("start", [FALL, SPRING], ids=str)
@pytest.mark.parametrize("dataset", ["nyiso/da_energy_hourly", "caiso/da_energy_hourly_nodal"])
def test_all_columns_are_the_truth_over_both_clock_changes(
    built: Built, dataset: str, start: date
) -> None:
    """Beside the own report in the fall, without it in spring: there names stand for PTIDs."""
    truth = built.raw.parent / f"{start}/truth/{dataset}.parquet"
    name = dataset.rpartition("/")[2]
    found = built.out / f"parquet/{dataset}/{name}_{start.year}.parquet"
    for left, right in ((truth, found), (found, truth)):
        assert (
            query(
                f"select columns(*)::varchar from"
                f" (from read_parquet('{left}') except all from read_parquet('{right}')) limit 3"
            )
            == []
        )


def test_equal_rows_of_an_own_report_are_the_ones_published(built: Built) -> None:
    hours, locations = 24 + 25 + 24, 16 + GENERATORS
    counted = _accounts(built, "nyiso_da_energy_hourly", 2024, "nyiso/gridstatus_lmp/%")
    # One proxy stands in the files of zones and of generators.
    assert counted == {"parsed": hours * (locations + 1), "merged": hours * (locations + 1)}
    counted = _accounts(built, "caiso_da_energy_hourly_nodal", 2024, "caiso/gridstatus_lmp/%")
    assert counted == {"parsed": hours * NODES["caiso"], "merged": hours * NODES["caiso"]}


# Precedence


def test_an_own_report_goes_before_gridstatus_whatever_the_path(built: Built) -> None:
    """Congestion has one sign, from either."""
    columns = "hour(datetime_local), lmp_total, lmp_congestion, data_source"
    own = "nyiso/damlbmp_zone/20200601damlbmp_zone.csv"
    gridstatus = "nyiso/gridstatus_lmp/zz later than the own report.csv"
    assert built.rows("nyiso_da_energy_hourly", 2020, columns) == [
        (0, 20.0, 2.0, own),
        (1, 21.0, 2.0, own),
        (2, 22.0, 2.0, own),
        (3, 23.0, 2.0, gridstatus),
    ]
    counted = _accounts(built, "nyiso_da_energy_hourly", 2020, gridstatus)
    assert counted == {"parsed": 3, "published": 1, "merged": 1, "superseded": 1}


# What is told


def test_a_time_without_offset_stops_its_year_by_name(built: Built) -> None:
    assert built.first.exit_code == 1
    (unpublished,) = built.told["unpublished"]
    assert (unpublished["model"], unpublished["year"]) == ("pjm_da_energy_hourly_nodal", 2019)
    assert unpublished["reason"].startswith(
        "pjm/gridstatus_lmp/no offset.csv line 3: Interval Start has no UTC offset: "
    )


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("ercot/gridstatus_lmp/buses", "is another report (it has LMP and no SPP in line 1)"),
        (
            "nyiso/gridstatus_lmp/no market",
            "lacks Market (nothing else tells which dataset a row is of) (found ",
        ),
        ("nyiso/gridstatus_lmp/no market", "Congestion, Loss): add that column"),
        ("nyiso/gridstatus_lmp/no time", "lacks Time or Interval Start or interval_start_utc"),
        (
            "isone/gridstatus_lmp/spreadsheet",
            'has times without their offset from UTC (Interval Start "6/1/2018 0:00")',
        ),
        ("nyiso/gridstatus_lmp/ercot", "is another report (it has SPP and no LMP in line 1)"),
    ],
)
def test_other_tables_are_refused_as_what_they_are(built: Built, name: str, words: str) -> None:
    refused = {entry["file"]: entry["reason"] for entry in built.told["refused"]}
    assert len(refused) == 5
    assert words in refused[f"{name}.csv"]


def test_status_names_the_reports_that_no_real_file_was_seen_of(built: Built) -> None:
    for dataset, year in (("nyiso_da_energy_hourly", 2025), ("pjm_da_energy_hourly_hub", 2023)):
        assert built.entry(dataset, year)["unchecked_reports"] == ["gridstatus_lmp"]
    # Of what the own report has too nothing came from gridstatus.
    assert built.entry("nyiso_da_energy_hourly", 2024)["unchecked_reports"] == []
    # A file of CAISO was seen.
    assert built.entry("caiso_da_energy_hourly_nodal", 2025)["unchecked_reports"] == []
    printed = CliRunner().invoke(app, ["status", "--out", str(built.out)]).output
    assert "never checked against a real file: gridstatus_lmp" in " ".join(printed.split())


def test_status_counts_the_locations_whose_id_is_their_name(built: Built) -> None:
    counted = {
        (entry["iso"], entry["year"]): entry["locations_without_id"]
        for entry in built.told["datasets"]
        if entry["dataset"] != "da_energy_hourly_hub"
    }
    assert counted[("nyiso", 2025)] == GENERATORS
    assert counted[("pjm", 2021)] == 1
    assert counted[("isone", 2023)] == 1
    # Elsewhere the name is the id.
    assert sum(counted.values()) == GENERATORS + 2


def test_a_part_without_a_row_for_the_dataset_is_not_read_again(built: Built) -> None:
    """A year of real-time rows only gives the day-ahead dataset no file, and no work either."""
    dataset = "nyiso_da_energy_hourly"
    assert [
        entry["year"]
        for entry in built.told["datasets"]
        if f"{entry['iso']}_{entry['dataset']}" == dataset
    ] == [2019, 2020, 2021, 2022, 2024, 2025]
    read = re.compile(f"{dataset}: .* lines done")
    assert any(read.fullmatch(line) for line in built.first.says)
    assert not any(line.startswith(f"{dataset}: ") for line in built.again.says)


@pytest.fixture(scope="module")
def later(built: Built) -> Ran:
    """Build once more with a list of generators, and with the file that was seen."""
    (generators,) = _sample(built.raw, "nyiso", SPRING, "generator")
    if SEEN.is_dir():
        target = built.raw / "caiso/gridstatus_lmp"
        shutil.copytree(SEEN, target, dirs_exist_ok=True, copy_function=shutil.copyfile)
    ran = _build(built.raw, built.out, NYISO_DAY_AHEAD, QUARTER_HOURS)
    generators.unlink()
    return ran


def test_a_list_that_comes_later_gives_names_their_ids(built: Built, later: Ran) -> None:
    columns = "distinct settlement_location_id, zone is not null"
    locations = built.rows(NYISO_DAY_AHEAD, 2025, columns)
    assert len(locations) == 16 + GENERATORS
    assert all(location.isdigit() for location, _ in locations)
    assert sum(has_zone for _, has_zone in locations) == GENERATORS
    told = status(built.out)["datasets"]
    assert {
        entry["locations_without_id"]
        for entry in told
        if f"{entry['iso']}_{entry['dataset']}" == NYISO_DAY_AHEAD
    } == {0}


@pytest.mark.skipif(not SEEN.is_dir(), reason="no real files beside the repository")
def test_the_file_seen_is_published_as_quarter_hours(built: Built, later: Ran) -> None:
    """It has no types, no ends of intervals, and calls its quarter-hours REAL_TIME_HOURLY."""
    (seen,) = (
        path
        for path in (built.raw / "caiso/gridstatus_lmp").rglob("*.csv")
        if "REAL_TIME_HOURLY" in path.read_text()
    )
    # Others are refused, and nothing more is left out.
    assert later.exit_code == 3, later.stderr
    left_out = ("refused", "rejected", "not published", "failed")
    assert not [line for line in later.says if line.startswith(left_out) and seen.name in line]
    printed = [
        (
            datetime.fromisoformat(row["Time"]),
            row["Location"],
            *(float(row[name]) for name in ("LMP", "Energy", "Congestion", "Loss")),
        )
        for row in read_rows(seen)
    ]
    assert printed[0] == (
        *(_utc(2021, 1, 1, 8), "EUREKAA_6_N001", 42.40946, 37.61479, 0.02888, 4.76579),
    )
    columns = (
        "datetime_utc, settlement_location_id, lmp_total, lmp_energy, lmp_congestion, lmp_loss"
    )
    (path,) = (built.out / "parquet/caiso/rt_energy_15min_nodal").iterdir()
    assert query(f"select {columns} from read_parquet($1)", str(path)) == printed
    told = "select distinct interval_minutes, settlement_location_type from read_parquet($1)"
    assert query(told, str(path)) == [(15, "PNODE")]
