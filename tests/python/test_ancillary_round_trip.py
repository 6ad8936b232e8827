"""Ancillary services from raw files to year files: row by row what the generator's model says.

One build treats the spring and the fall day of all operators.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest

from building import build, query, rows_as_text
from unified_iso.sample import SampleOptions, write_sample

pytestmark = pytest.mark.builds


@dataclass(frozen=True)
class Case:
    """Days of a dataset, from reports of its operator; the years of the cases of one differ.

    hours: in all days together, which tell that the clock changes.
    """

    iso: str
    dataset: str
    reports: tuple[str, ...]
    start: date
    days: int
    hours: int

    @property
    def name(self) -> str:
        """What the case is called in the list of tests."""
        return f"{self.iso}_{self.dataset}_{self.start.year}"


def spring_and_fall(
    iso: str, dataset: str, *reports: str, spring: date = date(2024, 3, 9), days: int = 3
) -> tuple[Case, Case]:
    """The days around the change of clocks in March 2024, and those in November 2023."""
    return (
        Case(iso, dataset, reports, spring, days, 24 * days - 1),
        Case(iso, dataset, reports, date(2023, 11, 4), days, 24 * days + 1),
    )


PJM_FIVE_MINUTES = ("ancillary_services_fivemin_hrl", "reserve_market_results", "reg_prices")
PJM_HOURLY_RESULTS = ("ancillary_services", "reserve_market_results")
PJM_REGULATION = ("ancillary_services_fivemin_hrl", "reg_prices")
MISO_HOURLY = ("asm_expost_damcp", "asm_rtmcp_final", "asm_rtmcp_prelim", "gridstatus_as")
CASES = (
    *spring_and_fall("ercot", "as_hourly", "np4-188-cd", "np4-181-er"),
    Case("ercot", "as_15min", ("np6-331-cd",), date(2026, 3, 8), 1, 23),
    # A year whose file has no column of ECRS.
    Case("ercot", "as_hourly", ("np4-181-er",), date(2022, 12, 31), 1, 24),
    *spring_and_fall(
        "pjm",
        "as_hourly",
        "ancillary_services",
        "da_ancillary_services",
        "da_reserve_market_results",
    ),
    Case("pjm", "as_5min", PJM_FIVE_MINUTES, date(2024, 3, 10), 1, 23),
    Case("pjm", "as_5min", PJM_FIVE_MINUTES, date(2023, 11, 5), 1, 25),
    # Hourly results, without versions, beside a feed that has them.
    Case("pjm", "as_hourly", PJM_HOURLY_RESULTS, date(2021, 3, 13), 3, 71),
    Case("pjm", "as_hourly", PJM_HOURLY_RESULTS, date(2020, 10, 31), 3, 73),
    # The last day of hourly results, and the first one of five minutes.
    Case("pjm", "as_hourly", ("reserve_market_results",), date(2022, 9, 30), 2, 24),
    Case("pjm", "as_5min", ("reserve_market_results",), date(2022, 9, 30), 2, 24),
    # Old names of columns, both by turns, and new ones.
    Case("pjm", "as_5min", ("reg_prices",), date(2021, 11, 7), 1, 25),
    Case("pjm", "as_5min", PJM_REGULATION, date(2025, 9, 29), 2, 48),
    Case("pjm", "as_5min", ("reg_prices",), date(2026, 3, 8), 1, 23),
    *spring_and_fall("caiso", "as_hourly", "prc_as"),
    Case("caiso", "as_15min", ("prc_intvl_as",), date(2024, 3, 10), 1, 23),
    Case("caiso", "as_15min", ("prc_intvl_as",), date(2023, 11, 5), 1, 25),
    # The clock of this market never changes.
    Case("miso", "as_hourly", MISO_HOURLY, date(2024, 3, 9), 3, 72),
    Case("miso", "as_hourly", MISO_HOURLY, date(2023, 11, 4), 3, 72),
    Case("miso", "as_hourly", ("gridstatus_as",), date(2022, 11, 6), 1, 24),
    *spring_and_fall("spp", "as_hourly", "da-mcp", days=2),
    # Columns of ramp come, and then their prices.
    Case("spp", "as_hourly", ("da-mcp",), date(2022, 2, 24), 6, 144),
    Case("spp", "as_5min", ("rtbm-mcp-daily",), date(2024, 3, 10), 1, 23),
    # A day by interval and by day, and another one by day only.
    Case("spp", "as_5min", ("rtbm-mcp", "rtbm-mcp-daily"), date(2023, 11, 5), 2, 49),
    *spring_and_fall("nyiso", "as_hourly", "damasp", days=2),
    *spring_and_fall("nyiso", "as_5min", "rtasp", days=2),
    Case("isone", "as_hourly", ("daasreservedata", "smd_hourly"), date(2026, 3, 8), 1, 23),
    Case("isone", "as_hourly", ("daasreservedata", "smd_hourly"), date(2025, 11, 1), 2, 49),
    *spring_and_fall("isone", "as_5min", "fiveminreserveprice", spring=date(2024, 3, 10), days=2),
)


@dataclass(frozen=True)
class Made:
    """The output folder of the build, and the truth of each case."""

    out: Path
    truth: dict[str, Path]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("services")
    raw, truth = folder / "raw", {}
    for case in CASES:
        options = SampleOptions(reports=case.reports)
        write_sample(raw, isos=[case.iso], start=case.start, days=case.days, options=options)
        truth[case.name] = folder / f"{case.name}.parquet"
        (raw / "truth" / case.iso / f"{case.dataset}.parquet").rename(truth[case.name])
    shutil.rmtree(raw / "truth")
    datasets = {f"{case.iso}_{case.dataset}" for case in CASES}
    chosen = [word for name in sorted(datasets) for word in ("--dataset", name)]
    build(raw, folder / "out", *chosen)
    return Made(folder / "out", truth)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_what_is_published_is_the_truth(made: Made, case: Case) -> None:
    """Rows in their order with all columns, the file that a row stands in among them."""
    name = f"{case.dataset}_{case.start.year}.parquet"
    year_file = made.out / "parquet" / case.iso / case.dataset / name
    expected, found = (rows_as_text(path, 18) for path in (made.truth[case.name], year_file))

    assert found == expected
    (hours,) = query(
        "select count(distinct date_trunc('hour', datetime_utc)) from read_parquet($1)",
        str(year_file),
    )
    assert hours == (case.hours,)


def test_truth_has_no_rows_of_a_workbook_that_is_not_written(tmp_path: Path) -> None:
    """The switch of the family writes no workbook, so prices of regulation are in no file."""
    options = SampleOptions(ancillary_services=True)
    write_sample(tmp_path, isos=["isone"], start=date(2025, 3, 9), days=1, options=options)

    assert not (tmp_path / "isone" / "smd_hourly").exists()
    assert query(
        "select market_type, count(*) from read_parquet($1) group by all",
        str(tmp_path / "truth" / "isone" / "as_hourly.parquet"),
    ) == [("DA", 92)]
