"""Ids that a tool printed as decimals: one location, in every report that has numbers for ids."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from building import build, query, work_database

pytestmark = pytest.mark.builds

# Each report as it was published, and again as it comes out of frames that were joined.
REPORTS = {
    "pjm/da_hrl_lmps": """
datetime_beginning_utc,datetime_beginning_ept,pnode_id,pnode_name,voltage,equipment,type,zone,\
system_energy_price_da,total_lmp_da,congestion_price_da,marginal_loss_price_da,row_is_current,\
version_nbr
6/1/2022 4:00:00 AM,6/1/2022 12:00:00 AM,{0},EASTERN HUB,,,HUB,,30.5,31.25,0.5,0.25,True,1
""",
    "nyiso/damlbmp_zone": """
Time Stamp,Name,PTID,LBMP ($/MWHr),Marginal Cost Losses ($/MWHr),Marginal Cost Congestion ($/MWHr)
06/01/2022 00:00,NORTH,{0},31.25,0.25,-0.50
""",
    "isone/gridstatus_lmp": """
Interval Start,Interval End,Market,Location,Location Id,Location Type,LMP,Energy,Congestion,Loss
2022-06-01 00:00:00-04:00,2022-06-01 01:00:00-04:00,DAY_AHEAD_HOURLY,.Z.MAINE,{0},LOAD ZONE,\
31.25,30.5,0.5,0.25
""",
}
LOCATIONS = {
    "pjm_da_energy_hourly_nodal": ("pjm/da_hrl_lmps", "51217", "HUB"),
    "nyiso_da_energy_hourly": ("nyiso/damlbmp_zone", "61755", "ZONE"),
    "isone_da_energy_hourly": ("isone/gridstatus_lmp", "4001", "ZONE"),
}


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("published_ids")
    for report, published, _ in LOCATIONS.values():
        path = folder / "raw" / report
        path.mkdir(parents=True)
        for name, printed in {"joined": f"{published}.0", "published": published}.items():
            (path / f"{name}.csv").write_text(REPORTS[report].lstrip("\n").format(printed))
    build(folder / "raw", folder / "out", "pjm", "nyiso", "isone")
    return folder / "out"


@pytest.mark.parametrize("dataset", LOCATIONS)
def test_an_id_printed_as_a_decimal_is_the_same_location(out: Path, dataset: str) -> None:
    _, published, kind = LOCATIONS[dataset]
    iso, _, name = dataset.partition("_")
    rows: list[tuple[Any, ...]] = query(
        "select settlement_location_id, settlement_location_type, lmp_total, lmp_energy"
        f" from read_parquet('{out}/parquet/{iso}/{name}/*.parquet')"
    )
    assert rows == [(published, kind, 31.25, 30.5)]


@pytest.mark.parametrize("dataset", LOCATIONS)
def test_the_second_of_two_equal_rows_is_merged(out: Path, dataset: str) -> None:
    with work_database(out) as connection:
        counted = connection.execute(
            "select term, sum(rows)::bigint from inventory.accounts where model = $1 group by term",
            [dataset],
        ).fetchall()
    assert dict(counted) == {"parsed": 2, "published": 1, "merged": 1}
