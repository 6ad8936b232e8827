"""Files of another market, whose columns are those of the report, are refused whole and by name."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from zipfile import ZipFile

import pytest

from building import Ran, build, query, status, work_database

pytestmark = pytest.mark.builds

LBMP = (
    "Time Stamp,Name,PTID,LBMP ($/MWHr),Marginal Cost Losses ($/MWHr),"
    "Marginal Cost Congestion ($/MWHr)"
)
SPP = "Interval,GMTIntervalEnd,Settlement Location,Pnode,LMP,MLC,MCC,MEC"
CAISO = (
    "INTERVALSTARTTIME_GMT,INTERVALENDTIME_GMT,OPR_DT,OPR_HR,OPR_INTERVAL,NODE,MARKET_RUN_ID,"
    "LMP_TYPE,MW"
)
PJM = (
    "datetime_beginning_utc,datetime_beginning_ept,pnode_id,pnode_name,voltage,equipment,type,zone,"
    "system_energy_price_rt,total_lmp_rt,congestion_price_rt,marginal_loss_price_rt,"
    "row_is_current,version_nbr"
)
# As real-time files beside day-ahead ones are kept, each after them by its path; quoted or not.
FILES = {
    "nyiso/damlbmp_zone/a.csv": (
        LBMP,
        "07/18/2022 00:00,CAPITL,61757,72.06,5.27,0.75",
        "07/18/2022 01:00,CAPITL,61757,66.40,4.80,0.50",
    ),
    "nyiso/damlbmp_zone/b.csv": (
        ",".join(f'"{name}"' for name in LBMP.split(",")),
        '"07/18/2022 00:00:00","CAPITL",61757,70.00,5.00,0.00',
        '"07/18/2022 00:05:00","CAPITL",61757,77.34,6.43,1.32',
        '"07/18/2022 01:00:00","CAPITL",61757,71.25,5.10,0.00',
    ),
    "nyiso/damlbmp_gen/a.csv": (LBMP, "07/18/2022 00:00,A GEN,23512,72.54,5.00,0.00"),
    "nyiso/damlbmp_gen/b.csv": (
        LBMP,
        "07/18/2022 00:00,A GEN,23512,90.00,5.00,1.00",
        "07/18/2022 00:04:02,A GEN,23512,91.00,5.00,1.00",
    ),
    "spp/da-lmp-sl/a.csv": (SPP, "03/19/2025 02:00:00,03/19/2025 07:00:00,A,A_PN,9.5,0.5,1,8"),
    "spp/da-lmp-sl/b.csv": (
        SPP,
        "03/19/2025 02:00:00,03/19/2025 07:00:00,A,A_PN,8.5,0.5,1,7",
        "03/19/2025 02:05:00,03/19/2025 07:05:00,A,A_PN,7.5,0.5,1,6",
    ),
    "pjm/rt_hrl_lmps/a.csv": (
        PJM,
        "6/1/2023 4:00:00 AM,6/1/2023 12:00:00 AM,1,PJM-RTO,,,ZONE,,20.0,21.0,0.6,0.4,True,1",
    ),
    "pjm/rt_hrl_lmps/b.csv": (
        PJM,
        "6/1/2023 4:00:00 AM,6/1/2023 12:00:00 AM,1,PJM-RTO,,,ZONE,,30.0,31.0,0.6,0.4,True,1",
        "6/1/2023 4:05:00 AM,6/1/2023 12:05:00 AM,1,PJM-RTO,,,ZONE,,32.0,33.0,0.6,0.4,True,1",
    ),
    "pjm/rt_fivemin_hrl_lmps/a.csv": (
        PJM,
        "6/1/2024 4:00:00 AM,6/1/2024 12:00:00 AM,1,PJM-RTO,,,ZONE,,25.0,26.0,0.6,0.4,True,1",
        "6/1/2024 4:05:00 AM,6/1/2024 12:05:00 AM,1,PJM-RTO,,,ZONE,,27.0,28.0,0.6,0.4,True,1",
    ),
    "pjm/rt_fivemin_hrl_lmps/b.csv": (
        PJM,
        "6/1/2024 4:00:00 AM,6/1/2024 12:00:00 AM,1,PJM-RTO,,,ZONE,,35.0,36.0,0.6,0.4,True,1",
        "6/1/2024 5:00:00 AM,6/1/2024 1:00:00 AM,1,PJM-RTO,,,ZONE,,37.0,38.0,0.6,0.4,True,1",
    ),
    "caiso/prc_lmp/a.csv": (
        CAISO,
        "2022-06-01T07:00:00-00:00,2022-06-01T08:00:00-00:00,2022-06-01,1,0,A,DAM,LMP,24.5",
    ),
    "caiso/prc_lmp/b.csv": (
        CAISO,
        "2022-06-01T07:00:00-00:00,2022-06-01T07:15:00-00:00,2022-06-01,1,1,A,RTPD,LMP,17.0",
        "2022-06-01T07:15:00-00:00,2022-06-01T07:30:00-00:00,2022-06-01,1,2,A,RTPD,LMP,18.0",
    ),
}
# Files of reports that no dataset reads have the columns of their siblings: names alone tell them.
UNREAD = {
    "nyiso/damlbmp_zone/20220719hamlbmp_zone.csv": "nyiso/hamlbmp_zone",
    "nyiso/damlbmp_gen/20220719hamlbmp_gen.csv": "nyiso/hamlbmp_gen",
    "caiso/prc_lmp/20220602_20220603_PRC_HASP_LMP_HASP_v3.csv": "caiso/prc_hasp_lmp",
    "caiso/prc_lmp/20220602_20220603_PRC_SPTIE_LMP_DAM_v5.csv": "caiso/prc_sptie_lmp",
    "caiso/prc_lmp/20220602_20220603_PRC_CD_INTVL_LMP_RTM_v1.csv": "caiso/prc_cd_intvl_lmp",
    "caiso/prc_lmp/20220602_20220603_PRC_CD_SPTIE_LMP_RTM_v3.csv": "caiso/prc_cd_sptie_lmp",
    "caiso/prc_lmp/20220602_20220603_PRC_RTM_LAP_RTM_v6.csv": "caiso/prc_rtm_lap",
    "caiso/prc_lmp/20220602_20220603_PRC_MPM_LMP_DAM_v1.csv": "caiso/prc_mpm_lmp",
    "caiso/prc_lmp/20220602_20220603_PRC_MPM_RTM_LMP_HASP_v1.csv": "caiso/prc_mpm_rtm_lmp",
    "pjm/rt_hrl_lmps/rt_unverified_hrl_lmps (1).csv": "pjm/rt_unverified_hrl_lmps",
    "pjm/rt_hrl_lmps/rt_unverified_fivemin_lmps.csv": "pjm/rt_unverified_fivemin_lmps",
}
FILES |= {
    name: {
        "nyiso": (LBMP, "07/19/2022 00:00,CAPITL,61757,72.06,5.27,0.75"),
        "caiso": (
            CAISO,
            "2022-06-02T07:00:00-00:00,2022-06-02T08:00:00-00:00,2022-06-02,1,0,A,DAM,LMP,24.5",
        ),
        "pjm": (
            "datetime_beginning_utc,pnode_id,pnode_name,type,total_lmp_rt",
            "6/2/2023 4:00:00 AM,1,PJM-RTO,ZONE,21.0",
            "6/2/2023 5:00:00 AM,1,PJM-RTO,ZONE,22.0",
        ),
    }[name.partition("/")[0]]
    for name in UNREAD
}
MEMBERS = {
    "20230718da.csv": (LBMP, "07/18/2023 00:00,CAPITL,61757,62.06,5.27,0.75"),
    "20230718rt.csv": (LBMP, "07/18/2023 00:05:00,CAPITL,61757,67.34,6.43,1.32"),
}
OFF_THE_HOUR = "is another report: it has stamps off the hour"
REFUSED = {
    "nyiso/damlbmp_zone/b.csv": f"{OFF_THE_HOUR} (Time Stamp 2022-07-18 00:05:00): move it to"
    " nyiso/realtime_zone",
    "nyiso/damlbmp_gen/b.csv": f"{OFF_THE_HOUR} (Time Stamp 2022-07-18 00:04:02): move it to"
    " nyiso/realtime_gen",
    "nyiso/damlbmp_zone/july.zip!20230718rt.csv": f"{OFF_THE_HOUR} (Time Stamp 2023-07-18"
    " 00:05:00): move it to nyiso/realtime_zone",
    "spp/da-lmp-sl/b.csv": f"{OFF_THE_HOUR} (GMTIntervalEnd 2025-03-19 07:05:00): move it to"
    " spp/rtbm-lmp-sl",
    "pjm/rt_hrl_lmps/b.csv": f"{OFF_THE_HOUR} (datetime_beginning_utc 2023-06-01 04:05:00): move it"
    " to pjm/rt_fivemin_hrl_lmps",
    "pjm/rt_fivemin_hrl_lmps/b.csv": "is another report: all of its stamps are on the hour",
    "caiso/prc_lmp/b.csv": "is another report: MARKET_RUN_ID is RTPD and DAM in no line: move it to"
    " caiso/prc_rtpd_lmp if that is RTPD, or to caiso/prc_intvl_lmp if RTM",
    **{name: f"is called as files of {report} are" for name, report in UNREAD.items()},
}
PUBLISHED = [
    (datetime(2022, 6, 1, 7, tzinfo=UTC), "CAISO", "A", 24.5),
    (datetime(2022, 7, 18, 4, tzinfo=UTC), "NYISO", "A GEN", 72.54),
    (datetime(2022, 7, 18, 4, tzinfo=UTC), "NYISO", "CAPITL", 72.06),
    (datetime(2022, 7, 18, 5, tzinfo=UTC), "NYISO", "CAPITL", 66.4),
    (datetime(2023, 6, 1, 4, tzinfo=UTC), "PJM", "PJM-RTO", 21.0),
    (datetime(2023, 7, 18, 4, tzinfo=UTC), "NYISO", "CAPITL", 62.06),
    (datetime(2024, 6, 1, 4, tzinfo=UTC), "PJM", "PJM-RTO", 26.0),
    (datetime(2024, 6, 1, 4, 5, tzinfo=UTC), "PJM", "PJM-RTO", 28.0),
    (datetime(2025, 3, 19, 6, tzinfo=UTC), "SPP", "A", 9.5),
]


@dataclass(frozen=True)
class Published:
    """The folders of one build, and what it said."""

    raw: Path
    out: Path
    ran: Ran


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Published:
    folder = tmp_path_factory.mktemp("other_markets")
    raw = folder / "raw"
    for name, lines in FILES.items():
        path = raw / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(f"{line}\n" for line in lines))
    with ZipFile(raw / "nyiso/damlbmp_zone/july.zip", "w") as archive:
        for name, lines in MEMBERS.items():
            archive.writestr(name, "".join(f"{line}\n" for line in lines))
    ran = build(raw, folder / "out", "nyiso", "spp", "caiso", "pjm", check=3)
    return Published(raw, folder / "out", ran)


def test_no_price_of_another_market_is_published(published: Published) -> None:
    assert (
        query(
            "select datetime_utc, iso, settlement_location, lmp_total"
            " from read_parquet($1) order by all",
            f"{published.out}/parquet/*/*/*.parquet",
        )
        == PUBLISHED
    )


def test_files_of_another_market_are_refused_and_told_where_they_belong(
    published: Published,
) -> None:
    reasons = {entry["file"]: entry["reason"] for entry in status(published.out)["refused"]}
    assert reasons.keys() == REFUSED.keys()
    for name, reason in REFUSED.items():
        assert reason in reasons[name]


def spoil(published: Published, iso: str, **columns: str) -> None:
    """Change what is kept of files that their rows have refused; their dataset becomes busy.

    Only a file that is read again gets its reason and its reader anew.
    """
    with work_database(published.out) as connection:
        for name, value in columns.items():
            connection.execute(
                f"update inventory.raw_files set {name} = $1"
                " where iso = $2 and refused_under is not null",
                [value, iso],
            )
        connection.execute(
            "update inventory.fingerprints set project = 'another' where starts_with(model, $1)",
            [iso],
        )


def kept_of_refused(published: Published, iso: str) -> list[tuple[str, str]]:
    """Return the reason and the reader of each file that an operator's rows have refused."""
    with work_database(published.out) as connection:
        return connection.execute(
            "select refusal, refused_under from inventory.raw_files"
            " where iso = $1 and refused_under is not null order by data_source",
            [iso],
        ).fetchall()


Kept = dict[str, list[tuple[str, str]]]


@pytest.fixture(scope="module")
def again(published: Published) -> tuple[Kept, Ran, Kept]:
    """Build again, for one operator as if its files had been refused by other staging models.

    What was kept of the refused files before and after stands beside what the build said.
    """

    def kept() -> Kept:
        return {iso: kept_of_refused(published, iso) for iso in ("nyiso", "spp")}

    before = kept()
    spoil(published, "nyiso", refusal="as it was")
    spoil(published, "spp", refusal="as it was", refused_under="another")
    return before, build(published.raw, published.out, "nyiso", "spp", check=3), kept()


def read_again(ran: Ran, iso: str) -> list[str]:
    """Return the lines which say that lines of an operator's files were read."""
    return [line for line in ran.says if line.startswith(iso) and line.endswith(" lines done")]


def test_files_refused_by_their_rows_are_not_read_again_for_nothing(
    again: tuple[Kept, Ran, Kept],
) -> None:
    before, ran, after = again
    assert read_again(ran, "nyiso") == []
    assert len([line for line in ran.says if line.startswith("refused nyiso/")]) == 5
    assert after["nyiso"] == [("as it was", reader) for _, reader in before["nyiso"]]


def test_files_refused_by_their_rows_are_read_again_by_another_reader(
    again: tuple[Kept, Ran, Kept],
) -> None:
    before, ran, after = again
    assert read_again(ran, "spp") != []
    assert len(after["spp"]) == 1
    assert after["spp"] == before["spp"]
    assert [line for line in ran.says if line.startswith("refused spp/da-lmp-sl/b.csv: is another")]
