"""Components of a price in files of unlike days: a day is built anew without those of others."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from building import build, query, work_database

pytestmark = pytest.mark.builds

HEADER = (
    "INTERVALSTARTTIME_GMT,INTERVALENDTIME_GMT,OPR_DT,OPR_HR,NODE,MARKET_RUN_ID,LMP_TYPE,PRC,"
    "OPR_INTERVAL"
)
FIRST, SECOND = "2023-06-01", "2023-06-02"


def line(day: str, component: str, price: str) -> str:
    """The first quarter-hour of a day of Pacific daylight time."""
    return f"{day}T07:00:00-00:00,{day}T07:15:00-00:00,{day},01,A_1_N001,RTPD,{component},{price},1"


def test_a_new_file_of_one_component_leaves_the_days_of_the_others_alone(tmp_path: Path) -> None:
    raw, out = tmp_path / "raw", tmp_path / "out"
    folder = raw / "caiso/prc_rtpd_lmp"
    folder.mkdir(parents=True)
    files = {
        "first.csv": [line(FIRST, "LMP", "20.5")],
        "second.csv": [line(SECOND, "LMP", "30.5")],
        "rest.csv": [
            line(day, component, price)
            for day, energy in ((FIRST, "19"), (SECOND, "29"))
            for component, price in (("MCE", energy), ("MCC", "1"), ("MCL", "0.5"), ("MGHG", "0"))
        ],
    }
    for name, lines in files.items():
        (folder / name).write_text("\n".join([HEADER, *lines, ""]))
    build(raw, out, "caiso")
    (folder / "first again.csv").write_text("\n".join([HEADER, line(FIRST, "LMP", "20.5"), ""]))
    ran = build(raw, out, "caiso", check=0)
    assert [said for said in ran.says if said.endswith(" lines done")] == [
        "caiso_rt_energy_15min_nodal: 10 lines done"
    ]
    assert query(
        "select datetime_utc, lmp_total, lmp_energy, lmp_congestion, lmp_loss, data_source"
        " from read_parquet($1)",
        str(out / "parquet/caiso/rt_energy_15min_nodal/rt_energy_15min_nodal_2023.parquet"),
    ) == [
        (datetime(2023, 6, day, 7, tzinfo=UTC), total, energy, 1, 0.5, f"caiso/prc_rtpd_lmp/{name}")
        for day, total, energy, name in ((1, 20.5, 19, "first.csv"), (2, 30.5, 29, "second.csv"))
    ]
    with work_database(out) as connection:
        assert connection.execute(
            "select day(part), term, reason, rows from inventory.accounts"
            " where data_source like '%/rest.csv' order by all"
        ).fetchall() == [
            (day, term, reason, 1)
            for day in (1, 2)
            for term, reason in (
                ("merged", "its components stand in the row with the LMP"),
                ("parsed", None),
            )
        ]
