"""Small inputs of kinds that people hold, published as a user would, against typed right values.

The inputs lie beside the repository, a folder a case. Those that can't disturb each other, by their
delivery days, are laid into one raw folder, so that one build publishes them all.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from building import SAMPLES, Ran, build, query, status

CASES = SAMPLES.with_name("cases")

pytestmark = [
    pytest.mark.builds,
    pytest.mark.skipif(not CASES.is_dir(), reason="no cases beside the repository (shared/cases)"),
]

# UTC, total.
Prices = list[tuple[str, float]]


@dataclass(frozen=True)
class Published:
    """What was published of some cases, and what the build and `status` said."""

    out: Path
    ran: Ran
    told: dict[str, Any]

    def prices(self, dataset: str, year: int, location: str) -> Prices:
        """Start and total of each row of a location, in order."""
        rows = self.rows(dataset, year, location, "lmp_total")
        return [(f"{start.astimezone(UTC):%Y-%m-%dT%H:%MZ}", total) for start, total in rows]

    def rows(self, dataset: str, year: int, location: str, columns: str) -> list[tuple[Any, ...]]:
        """Start and the given columns of each row of a location, by name or id, in order."""
        folder = self.out / "parquet" / dataset
        path = folder / f"{folder.name}_{year}.parquet"
        assert path.exists(), f"{path.name} of {dataset} is not published:\n{self.ran.stderr}"
        return query(
            f"select datetime_utc, {columns} from read_parquet($1)"
            " where $2 in (settlement_location, settlement_location_id)"
            " order by datetime_utc, settlement_location_id",
            str(path),
            location,
        )

    def count(self, dataset: str, year: int) -> int:
        """Rows of a year file, 0 where there is none."""
        folder = self.out / "parquet" / dataset
        path = folder / f"{folder.name}_{year}.parquet"
        if not path.exists():
            return 0
        rows: int = query("select count(*) from read_parquet($1)", str(path))[0][0]
        return rows

    def refused(self, file: str) -> str:
        """Why a file was refused, given by its name."""
        found: list[str] = [
            entry["reason"] for entry in self.told["refused"] if Path(entry["file"]).name == file
        ]
        assert found, f"{file} is not refused: {self.told['refused']}"
        return found[0]

    @property
    def years(self) -> set[int]:
        """The delivery years of all files."""
        return {entry["year"] for entry in self.told["datasets"]}


def _publish(folder: Path, *cases: str) -> Published:
    """Lay the inputs of cases into one raw folder and publish it."""
    raw = folder / "raw"
    for case in cases:
        for source in sorted((CASES / case).glob("*/*/**/*")):
            if source.is_file():
                path = source.relative_to(CASES / case)
                target = raw / path.parts[0] / path.parts[1] / case / Path(*path.parts[2:])
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source, target)
                target.chmod(0o644)
    isos = sorted(path.name for path in raw.iterdir())
    ran = build(raw, folder / "out", *isos, check=None)
    return Published(folder / "out", ran, status(folder / "out"))


def hours(first: str, totals: list[float]) -> Prices:
    """Prices of consecutive hours from an instant on."""
    start = datetime.fromisoformat(first)
    return [
        (f"{start + timedelta(hours=hour):%Y-%m-%dT%H:%MZ}", total)
        for hour, total in enumerate(totals)
    ]


def rising(first: float) -> list[float]:
    """The 24 prices of the MISO files, a cent more each hour."""
    return [round(first + hour / 100, 2) for hour in range(24)]


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Published:
    """Cases of which every row is published."""
    return _publish(
        tmp_path_factory.mktemp("sound"),
        *("ids-as-floats", "isone-daily-resaved", "isone-smd-notes-sheet", "miso-lmp-lines-only"),
        *("miso-quarterly", "nyiso-newest-first", "pandas-timestamps", "book-under-csv-name"),
    )


@pytest.fixture(scope="module")
def also_sound(tmp_path_factory: pytest.TempPathFactory) -> Published:
    """More of them, whose days and places some of the others have too."""
    return _publish(
        tmp_path_factory.mktemp("also-sound"),
        *("pjm-fewer-columns", "two-digit-years", "miso-merged-with-date-column"),
    )


@pytest.fixture(scope="module")
def partly(tmp_path_factory: pytest.TempPathFactory) -> Published:
    """Cases with files or rows that are left out, beside one with the same day as others."""
    return _publish(
        tmp_path_factory.mktemp("partly"),
        *("repeated-headers", "nyiso-realtime-in-day-ahead", "sibling-reports"),
        "real-time-rows-without-a-dataset",
    )


def test_sound_cases_are_published_without_a_complaint(
    sound: Published, also_sound: Published
) -> None:
    for published in (sound, also_sound):
        assert published.ran.exit_code == 0, published.ran.stderr
        left_out = [published.told[name] for name in ("refused", "rejected", "unpublished")]
        assert left_out == [[], [], []]


def test_ids_printed_as_decimals_are_the_same_locations(sound: Published) -> None:
    nodal = "pjm/da_energy_hourly_nodal"
    assert sound.prices(nodal, 2022, "51288") == [("2022-01-01T05:00Z", 20.572708)]
    assert sound.count(nodal, 2022) == sound.count("pjm/da_energy_hourly_hub", 2022) == 1


def test_daily_isone_reports_are_read_as_excel_and_pandas_save_them(sound: Published) -> None:
    dataset = "isone/da_energy_hourly"
    excel = hours("2019-01-04T05:00", [30.19, 31.19, 32.19])
    assert sound.prices(dataset, 2019, "4000") == excel
    assert sound.prices(dataset, 2020, "4000") == hours("2020-01-04T05:00", [30.19, 31.19])
    assert (sound.count(dataset, 2019), sound.count(dataset, 2020)) == (3, 2)


def test_a_sheet_of_notes_is_left_out_without_a_word(sound: Published) -> None:
    dataset = "isone/da_energy_hourly"
    assert sound.prices(dataset, 2023, "4000")[0] == ("2023-01-01T05:00Z", 31.27)
    assert sound.count(dataset, 2023) == 4
    assert "Notes" not in sound.ran.output


def test_lmp_lines_alone_are_published_with_one_warning(sound: Published) -> None:
    dataset = "miso/da_energy_hourly_nodal"
    expected = hours("2025-11-02T05:00", rising(30.01))
    assert sound.prices(dataset, 2025, "MINN.HUB") == expected
    components = sound.rows(dataset, 2025, "MINN.HUB", "lmp_energy, lmp_congestion, lmp_loss")
    assert {row[1:] for row in components} == {(None, None, None)}
    assert sound.ran.output.count("20251102_hubs.csv") == 1, sound.ran.output


def test_quarterly_files_have_a_day_in_each_line(sound: Published) -> None:
    first = hours("2017-01-01T05:00", rising(30.01))
    second = hours("2017-01-02T05:00", rising(40.01))
    found = sound.prices("miso/da_energy_hourly_nodal", 2017, "MINN.HUB")
    assert found == first + second


def test_a_file_with_the_newest_hour_first_is_read_backwards(sound: Published) -> None:
    found = sound.prices("nyiso/da_energy_hourly", 2017, "61752")
    assert found == hours("2017-11-05T04:00", [10, 11, 12, 13, 14])
    assert sound.count("nyiso/da_energy_hourly", 2017) == 5


def test_stamps_of_pandas_are_read_and_an_offset_makes_an_instant(sound: Published) -> None:
    pjm = sound.prices("pjm/da_energy_hourly_nodal", 2025, "51288")
    assert pjm == [("2025-01-01T05:00Z", 21.768124)]
    nyiso = sound.prices("nyiso/da_energy_hourly", 2015, "61761")
    assert nyiso == hours("2015-01-01T05:00", [31.45, 26.49])
    assert sound.count("nyiso/da_energy_hourly", 2015) == 2


def test_first_bytes_and_not_the_name_tell_a_book(sound: Published) -> None:
    january, august = ("2014-01-01T06:00Z", 30.60), hours("2014-08-01T05:00", [30.60, 29.10])
    found = sound.prices("ercot/da_energy_hourly", 2014, "HB_BUSAVG")
    assert found == [january, *august]


def test_an_answer_with_chosen_fields_is_read(also_sound: Published) -> None:
    nodal = "pjm/da_energy_hourly_nodal"
    assert also_sound.prices(nodal, 2022, "51288") == [("2022-01-01T05:00Z", 20.572708)]
    ((*_, version, zone),) = also_sound.rows(nodal, 2022, "51288", "version, zone")
    assert (version, zone) == (1, None)


def test_two_digits_of_a_year_are_of_this_century(also_sound: Published) -> None:
    nyiso = also_sound.prices("nyiso/da_energy_hourly", 2024, "61761")
    assert nyiso == hours("2024-06-01T04:00", [22.21, 20.66])
    ercot = "ercot/da_energy_hourly"
    daily = also_sound.prices(ercot, 2016, "HB_HOUSTON")
    assert daily == hours("2016-04-11T05:00", [31.61, 30.02])
    yearly = also_sound.prices(ercot, 2014, "HB_BUSAVG")
    assert yearly == hours("2014-08-01T05:00", [30.60, 29.10])
    assert min(also_sound.years) == 2014


def test_days_merged_into_one_file_keep_their_prices(also_sound: Published) -> None:
    found = also_sound.prices("miso/da_energy_hourly_nodal", 2018, "MINN.HUB")
    assert found == [
        *hours("2018-01-01T05:00", rising(30.01)),
        *hours("2018-01-02T05:00", rising(40.01)),
        *hours("2018-01-03T05:00", rising(50.01)),
    ]


def test_a_header_in_the_middle_is_a_heading(partly: Published) -> None:
    nodal = "pjm/da_energy_hourly_nodal"
    found = partly.prices(nodal, 2022, "51288")
    assert found == [("2022-01-01T05:00Z", 20.572708), ("2022-01-02T05:00Z", 20.572708)]
    assert partly.told["rejected"] == partly.told["unpublished"] == []


def test_a_real_time_file_is_refused_beside_the_day_ahead_one(partly: Published) -> None:
    dataset = "nyiso/da_energy_hourly"
    assert partly.prices(dataset, 2022, "61757") == hours("2022-07-18T04:00", [72.06, 66.40])
    assert partly.count(dataset, 2022) == 2
    assert "realtime_zone" in partly.refused("20220718rt.csv")


def test_a_sibling_report_is_refused_as_what_it_is(partly: Published) -> None:
    reason = partly.refused("prc_nomogram.csv")
    assert "is another report" in reason
    assert "NOMOGRAM_ID" in reason
    assert "move it out of this folder" in reason
    assert "restore" not in reason


def test_rows_of_a_real_time_market_are_published(partly: Published) -> None:
    """Once no dataset took them."""
    found = partly.prices("caiso/rt_energy_15min_nodal", 2024, "AIRPROD_1_N001")
    assert found == [("2024-12-06T13:00Z", 47.5022), ("2024-12-06T13:15Z", 47.5022)]
    assert "hosted.csv" not in str(partly.told)


def test_files_left_out_beside_published_data_give_their_exit_code(partly: Published) -> None:
    assert partly.ran.exit_code == 3, partly.ran.stderr
    assert len(partly.told["refused"]) == 2
