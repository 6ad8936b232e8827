"""Real files as people have them; they may not be redistributed and lie beside the repository."""

from __future__ import annotations

import shutil
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from building import (
    BAD_SAMPLES,
    DAY_AHEAD,
    OPERATORS,
    SAMPLES,
    Ran,
    Row,
    build,
    file_states,
    query,
    read_rows,
    status,
)

NEW_YORK = ZoneInfo("America/New_York")
LBMP = "LBMP ($/MWHr)"
LOSSES = "Marginal Cost Losses ($/MWHr)"
CONGESTION = "Marginal Cost Congestion ($/MWHr)"
FALL_DAY = date(2025, 11, 2)

pytestmark = [
    pytest.mark.builds,
    pytest.mark.skipif(
        not all((SAMPLES / report).is_dir() for report in DAY_AHEAD),
        reason="no real files beside the repository (shared/samples)",
    ),
]


@dataclass(frozen=True)
class Published:
    """A copy of the real files and what was published of it."""

    raw: Path
    out: Path
    ran: Ran

    def files(self, iso: str, dataset: str) -> list[str]:
        """Year files of a dataset."""
        return [str(path) for path in (self.out / "parquet" / iso / dataset).glob("*.parquet")]


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Published:
    """Publish the real files."""
    folder = tmp_path_factory.mktemp("real")
    raw = folder / "raw"
    for report in DAY_AHEAD:
        shutil.copytree(SAMPLES / report, raw / report, copy_function=shutil.copyfile)
    # The samples are read-only; what is copied of them must not be.
    for path in [raw, *raw.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)
    out = folder / "out"
    return Published(raw, out, build(raw, out, *OPERATORS, check=None))


def _raw_rows(raw: Path, report: str) -> list[tuple[str, Row]]:
    return [
        (path.relative_to(raw).as_posix(), row)
        for path in sorted((raw / report).rglob("*.csv"))
        for row in read_rows(path)
    ]


def _pjm_utc(row: Row) -> datetime:
    stamp = datetime.strptime(row["datetime_beginning_utc"], "%m/%d/%Y %I:%M:%S %p")
    return stamp.replace(tzinfo=UTC)


def _nyiso_local(row: Row) -> datetime:
    return datetime.strptime(row["Time Stamp"], "%m/%d/%Y %H:%M")


def test_real_files_are_published_without_a_complaint(real: Published) -> None:
    assert real.ran.exit_code == 0, real.ran.stderr
    told = status(real.out)
    assert told["refused"] == told["unpublished"] == []


def test_each_year_there_is_is_published(real: Published) -> None:
    pjm = {
        _pjm_utc(row).astimezone(NEW_YORK).year for _, row in _raw_rows(real.raw, "pjm/da_hrl_lmps")
    }
    nyiso = {
        _nyiso_local(row).year
        for report in ("nyiso/damlbmp_zone", "nyiso/damlbmp_gen")
        for _, row in _raw_rows(real.raw, report)
    }
    expected = {("nyiso", "da_energy_hourly", year) for year in nyiso}
    expected |= {("pjm", "da_energy_hourly_nodal", year) for year in pjm}
    told = status(real.out)["datasets"]
    found = {(entry["iso"], entry["dataset"], entry["year"]) for entry in told}
    assert {entry for entry in found if entry[1] != "da_energy_hourly_hub"} == expected
    assert all(entry["state"] == "published" for entry in told)


def test_each_key_of_the_raw_text_is_one_row(real: Published) -> None:
    pjm = {(_pjm_utc(row), row["pnode_id"]) for _, row in _raw_rows(real.raw, "pjm/da_hrl_lmps")}
    assert query(
        "select count(*) from read_parquet($1)", real.files("pjm", "da_energy_hourly_nodal")
    ) == [(len(pjm),)]
    lines = Counter(
        (row["Time Stamp"], row["PTID"])
        for report in ("nyiso/damlbmp_zone", "nyiso/damlbmp_gen")
        for _, row in _raw_rows(real.raw, report)
    )
    # The samples overlap in no day: a stamp that comes twice is an hour that comes twice.
    assert query(
        "select count(*) from read_parquet($1)", real.files("nyiso", "da_energy_hourly")
    ) == [(lines.total(),)]


@pytest.mark.parametrize(
    ("day", "hours"), [(FALL_DAY, 25), (date(2017, 3, 12), 23), (date(2017, 1, 1), 24)]
)
def test_a_day_has_the_hours_that_its_clock_shows(real: Published, day: date, hours: int) -> None:
    (path,) = (real.raw / "nyiso/damlbmp_zone").rglob(f"{day:%Y%m%d}damlbmp_zone.csv")
    locations = {row["PTID"] for row in read_rows(path)}
    assert locations
    rows = query(
        """
        select settlement_location_id, count(*), count(distinct datetime_utc)
        from read_parquet($1)
        where delivery_date = $2
        group by all
        """,
        real.files("nyiso", "da_energy_hourly"),
        day,
    )
    assert sorted(rows) == sorted((location, hours, hours) for location in locations)


def test_the_repeated_hour_keeps_the_order_of_the_file(real: Published) -> None:
    (path,) = (real.raw / "nyiso/damlbmp_zone").rglob(f"{FALL_DAY:%Y%m%d}damlbmp_zone.csv")
    printed = [
        float(row[LBMP])
        for row in read_rows(path)
        if row["Name"] == "WEST" and row["Time Stamp"] == "11/02/2025 01:00"
    ]
    assert len(printed) == 2
    rows = query(
        """
        select lmp_total, dst_flag, datetime_utc
        from read_parquet($1)
        where settlement_location = 'WEST' and datetime_local = timestamp '2025-11-02 01:00'
        order by datetime_utc
        """,
        real.files("nyiso", "da_energy_hourly"),
    )
    assert [row[:2] for row in rows] == list(zip(printed, "YN", strict=True))
    assert rows[0][2].astimezone(UTC).hour == 5
    assert rows[1][2] - rows[0][2] == timedelta(hours=1)


def test_nyiso_energy_is_one_number_an_hour(real: Published) -> None:
    hours: set[tuple[str, int]] = set()
    for path in (real.raw / "nyiso").rglob("*damlbmp_*.csv"):
        seen = Counter((row["Time Stamp"], row["PTID"]) for row in read_rows(path))
        hours |= {(stamp, nth) for (stamp, _), times in seen.items() for nth in range(times)}
    assert query(
        """
        select count(*), max(highest - lowest) <= 0.02 + 1e-9
        from (
            select datetime_utc, min(lmp_energy) as lowest, max(lmp_energy) as highest
            from read_parquet($1)
            group by datetime_utc
        )
        """,
        real.files("nyiso", "da_energy_hourly"),
    ) == [(len(hours), True)]


def test_nyiso_prices_are_those_of_the_files(real: Published) -> None:
    for report in ("nyiso/damlbmp_zone", "nyiso/damlbmp_gen"):
        # One row per local hour: the hour that comes twice has a test of its own.
        rows = [item for item in _raw_rows(real.raw, report) if "01:00" not in str(item[1])]
        for source, row in rows[:: len(rows) // 4]:
            local = _nyiso_local(row)
            ((total, loss, congestion, energy, utc, name),) = query(
                """
                select
                    lmp_total, lmp_loss, lmp_congestion, lmp_energy, datetime_utc,
                    settlement_location
                from read_parquet($1)
                where data_source = $2 and datetime_local = $3 and settlement_location_id = $4
                """,
                real.files("nyiso", "da_energy_hourly"),
                source,
                local,
                row["PTID"],
            )
            assert (total, loss) == (float(row[LBMP]), float(row[LOSSES]))
            assert congestion == -float(row[CONGESTION])
            assert energy == pytest.approx(total - loss - congestion, abs=1e-9)
            assert utc == local.replace(tzinfo=NEW_YORK)
            assert name == row["Name"]


def test_pjm_prices_are_those_of_the_files(real: Published) -> None:
    rows = _raw_rows(real.raw, "pjm/da_hrl_lmps")
    for _, row in rows[:: len(rows) // 8]:
        found = query(
            """
            select
                lmp_total, lmp_energy, lmp_congestion, lmp_loss, settlement_location,
                voltage_kv, zone
            from read_parquet($1)
            where datetime_utc = $2 and settlement_location_id = $3
            """,
            real.files("pjm", "da_energy_hourly_nodal"),
            _pjm_utc(row),
            row["pnode_id"],
        )
        voltage = float(row["voltage"].removesuffix(" KV")) if row["voltage"] else None
        assert found == [
            (
                float(row["total_lmp_da"]),
                float(row["system_energy_price_da"]),
                float(row["congestion_price_da"]),
                float(row["marginal_loss_price_da"]),
                row["pnode_name"],
                voltage,
                row["zone"] or None,
            )
        ]


RENAMED = "pjm_rt_hrl_lmps_renamed_header.csv"


@dataclass(frozen=True)
class Spoiled:
    """A build with bad files added: what it said, what it refused, what there was around it."""

    ran: Ran
    refused: dict[str, str]
    before: dict[str, object]
    after: dict[str, object]


def _state(out: Path) -> dict[str, object]:
    return {"files": file_states(out), "datasets": status(out)["datasets"]}


@pytest.fixture(scope="module")
def spoiled(real: Published) -> Spoiled:
    """Put what people find among their downloads beside the real files, and build again."""
    before = _state(real.out)
    # Files of other kinds than csv are no raw files at all: these come as people save them.
    for path in sorted(BAD_SAMPLES.iterdir()):
        folder = "pjm/da_hrl_lmps" if path.name == RENAMED else "nyiso/damlbmp_zone"
        name = path.name if path.suffix == ".csv" else f"{path.name}.csv"
        shutil.copyfile(path, real.raw / folder / name)
    ran = build(real.raw, real.out, *OPERATORS, check=None)
    refused = {entry["file"]: entry["reason"] for entry in status(real.out)["refused"]}
    return Spoiled(ran, refused, before, _state(real.out))


needs_bad_samples = pytest.mark.skipif(
    not BAD_SAMPLES.is_dir(), reason="no bad files beside the repository (shared/samples_bad)"
)


@needs_bad_samples
def test_a_second_run_converts_nothing_whatever_is_refused(spoiled: Spoiled) -> None:
    assert spoiled.after == spoiled.before
    assert not [line for line in spoiled.ran.says if line.endswith(" lines done")]


@needs_bad_samples
def test_a_report_of_another_market_is_refused_as_what_it_is(spoiled: Spoiled) -> None:
    reason = spoiled.refused[f"pjm/da_hrl_lmps/{RENAMED}"]
    assert reason.startswith("is called as files of pjm/rt_hrl_lmps are: move it to that folder")


@needs_bad_samples
def test_each_bad_file_is_refused_by_name(spoiled: Spoiled) -> None:
    assert spoiled.ran.exit_code == 3, spoiled.ran.stderr
    assert len(spoiled.refused) == len(list(BAD_SAMPLES.iterdir()))
    for file, reason in spoiled.refused.items():
        assert reason
        assert any(line.startswith(f"refused {file}: ") for line in spoiled.ran.says)
    kinds = {Path(file).name: reason for file, reason in spoiled.refused.items()}
    assert "web page" in kinds["caiso_throttle.html.csv"]
    assert "XML" in kinds["caiso_no_data.xml.csv"]
    assert "XML" in kinds["caiso_groupzip_queued.xml.csv"]
