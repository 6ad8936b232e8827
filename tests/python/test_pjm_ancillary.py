"""PJM's ancillary services from raw file to year file: lengths, versions, reports, faults."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from building import BAD_SAMPLES, SAMPLES, Built, Ran, build, query, status, work_database

pytestmark = pytest.mark.builds

EASTERN = ZoneInfo("America/New_York")
SERVICES = (
    "datetime_beginning_utc,datetime_beginning_ept,ancillary_service,unit,value,"
    "row_is_current,version_nbr"
)
RESULTS = (
    "datetime_beginning_utc,datetime_beginning_ept,locale,service,mcp,mcp_capped,reg_ccp,reg_pcp,"
    "as_req_mw,total_mw,as_mw,ss_mw,tier1_mw,ircmwt2,dsr_as_mw,nsr_mw,regd_mw"
)
DAY_AHEAD_RESULTS = (
    "datetime_beginning_utc,datetime_beginning_ept,locale,service,mcp,mcp_capped,as_req_mw,"
    "total_mw,as_mw,ss_mw,ircmwt2,dsr_as_mw,nsr_mw"
)
OLD_REGULATION = (
    "datetime_beginning_utc,datetime_beginning_ept,area,reserve_quantity,reserve_requirement,"
    "market_clearing_price,market_capped_clearing_price,capability_clearing_price,"
    "performance_clearing_price"
)
NEW_REGULATION = (
    "datetime_beginning_utc,datetime_beginning_ept,area,regulation_quantity,"
    "regulation_requirement,market_clearing_price,market_capped_clearing_price,"
    "capability_clearing_price,mileage_clearing_price"
)

Row = tuple[object, ...]


def printed(moment: datetime) -> str:
    """A stamp as Data Miner prints it."""
    half = "AM" if moment.hour < 12 else "PM"
    day = f"{moment.month}/{moment.day}/{moment.year}"
    return f"{day} {moment.hour % 12 or 12}:{moment:%M:%S} {half}"


def line(moment: datetime, *cells: object) -> str:
    """A line with both stamps of an instant."""
    return ",".join([printed(moment), printed(moment.astimezone(EASTERN)), *map(str, cells)])


def at(year: int, month: int, day: int, hour: int, minute: int = 0) -> datetime:
    """An instant in UTC."""
    return datetime(year, month, day, hour, minute, tzinfo=UTC)


def regulation(moment: datetime, price: float, capability: float, performance: float) -> str:
    """A line of reserve_market_results with 700 MW of regulation."""
    cells = ("PJM_RTO", "REG", price, price, capability, performance)
    return line(moment, *cells, 800, 700, 700, 300, 0, 0, 20, "", 200)


def reserve(moment: datetime, service: str, price: object, locale: str = "PJM_RTO") -> str:
    """A line of reserve_market_results with 1,700 MW of a reserve; the cap is a lesser price."""
    return line(moment, locale, service, price, 1, "", "", 1600, 1700, 1700, 0, 0, 0, 10, "", "")


def service(
    moment: datetime, name: str, value: object, version: int = 1, unit: str = "Price"
) -> str:
    """A line of a feed with long names."""
    return line(moment, name, unit, value, version == 1, version)


def day_ahead(moment: datetime, name: str, price: float) -> str:
    """A line of da_reserve_market_results with 1,500 MW."""
    return line(moment, "PJM RTO Reserve Zone", name, price, price, 1400, 1500, 1500, 0, 0, 0, "")


def hours(start: datetime, count: int, minutes: int = 60) -> list[datetime]:
    """Starts of intervals."""
    return [start + number * timedelta(minutes=minutes) for number in range(count)]


def write(raw: Path, name: str, header: str, lines: Iterable[str]) -> None:
    path = raw / "pjm" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{text}\r\n" for text in (header, *lines)))


def write_files(raw: Path) -> None:
    """Write each story into a year of its own, so that a fault stops no other."""
    june = at(2021, 6, 1, 4)
    write(
        raw,
        "reserve_market_results/2021.csv",
        RESULTS,
        [regulation(m, 20.5, 18.25, 2.25) for m in hours(june, 3)]
        + [reserve(m, "SR", 3.5) for m in hours(june, 3)]
        + [reserve(june, "PR", "")],
    )
    write(
        raw,
        "ancillary_services/2021.csv",
        SERVICES,
        [
            service(june, "RTO Synchronized Reserve", "3.500000"),
            service(june, "RTO Regulation Capability", "18.250000"),
            service(june, "RTO Mileage Ratio", "2.900000", unit="Ratio"),
            # Another price than the one of reserve_market_results.
            service(june + timedelta(hours=1), "RTO Synchronized Reserve", "3.750000"),
            service(june + timedelta(hours=2), "RTO Synchronized Reserve", "3.500000"),
            service(june + timedelta(hours=2), "RTO Synchronized Reserve", "4.000000", version=2),
        ],
    )
    change = at(2022, 9, 1, 4)
    write(
        raw,
        "reserve_market_results/2022.csv",
        RESULTS,
        [reserve(m, "SR", 5) for m in hours(change - timedelta(hours=2), 2)]
        + [reserve(m, "SR", 6) for m in hours(change, 13, minutes=5)],
    )
    write(raw, "reserve_market_results/lone.csv", RESULTS, [reserve(at(2022, 9, 5, 4), "SR", 7)])
    for start, count in ((at(2024, 3, 10, 5), 23), (at(2024, 11, 3, 4), 25)):
        moments = hours(start, count)
        write(
            raw,
            f"da_ancillary_services/{start:%Y%m%d}.csv",
            SERVICES,
            [service(m, "PJM RTO Synchronized Reserve", m.hour + 0.5) for m in moments]
            + [
                service(m, "Mid-Atlantic/Dominion Primary Reserve", 1, unit="price")
                for m in moments
            ],
        )
        write(
            raw,
            f"da_reserve_market_results/{start:%Y%m%d}.csv",
            DAY_AHEAD_RESULTS,
            [day_ahead(m, "Synchronized Reserve", m.hour + 0.5) for m in moments],
        )
        write(
            raw,
            f"ancillary_services_fivemin_hrl/{start:%Y%m%d}.csv",
            SERVICES,
            [service(m, "RTO Secondary Reserve", 0) for m in hours(start, 12 * count, minutes=5)],
        )
    old, new = at(2025, 6, 2, 4), at(2026, 1, 2, 5)
    price = ("PJM_RTO", 700, 800, 20.5, 20.5, 18.25, 2.25)
    write(
        raw,
        "reg_prices/old.csv",
        OLD_REGULATION,
        [line(m, *price) for m in hours(old, 3, minutes=5)],
    )
    write(
        raw,
        "reg_prices/new.csv",
        NEW_REGULATION,
        [line(m, *price) for m in hours(new, 2, minutes=5)],
    )
    write(
        raw,
        "reserve_market_results/2025.csv",
        RESULTS,
        [
            regulation(old, 20.5, 18.25, 2.25),
            # The price is another one, the parts are the same.
            regulation(old + timedelta(minutes=5), 21, 18.25, 2.25),
        ],
    )
    unknown = service(at(2019, 6, 1, 4), "RTO Black Start", 1)
    write(
        raw,
        "ancillary_services/2019.csv",
        SERVICES,
        [service(m, "RTO Synchronized Reserve", 1) for m in hours(at(2019, 6, 1, 4), 2)]
        + [unknown],
    )
    malformed = reserve(at(2018, 6, 1, 6), "SR", "dear")
    write(
        raw,
        "reserve_market_results/2018.csv",
        RESULTS,
        [*(reserve(m, "SR", 1) for m in hours(at(2018, 6, 1, 4), 2)), malformed],
    )
    write(
        raw,
        "reserve_market_results/lacking.csv",
        RESULTS.replace(",mcp,", ",clearing,"),
        [reserve(m, "SR", 1) for m in hours(at(2017, 6, 1, 4), 2)],
    )
    write(
        raw,
        "da_ancillary_services/real_time.csv",
        SERVICES,
        [service(m, "RTO Synchronized Reserve", 1) for m in hours(at(2017, 6, 1, 4), 2)],
    )


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Built, Ran]:
    folder = tmp_path_factory.mktemp("pjm_ancillary")
    raw, out = folder / "raw", folder / "out"
    write_files(raw)
    for report in ("reserve_market_results", "ancillary_services"):
        if (source := SAMPLES / "pjm" / report).is_dir():
            shutil.copytree(source, raw / "pjm" / report, dirs_exist_ok=True)
    headless = BAD_SAMPLES / "pjm_reserve_market_results_no_header.csv"
    if headless.is_file():
        shutil.copy(headless, raw / "pjm" / "reserve_market_results")
    # Two years have faults, so not all is published.
    ran = build(raw, out, "pjm", "--dataset", "as_hourly", "--dataset", "as_5min", check=1)
    return Built(raw, out), ran


@pytest.fixture
def built(run: tuple[Built, Ran]) -> Built:
    return run[0]


def rows(built: Built, dataset: str, columns: str, where: str = "true") -> list[Row]:
    """Published rows of all years."""
    files = built.out / "parquet" / "pjm" / dataset / "*.parquet"
    return query(
        f"select {columns} from read_parquet($1) where {where}"
        " order by datetime_utc, market_type, as_product, as_region",
        str(files),
    )


def accounts(built: Built, name: str, term: str) -> Sequence[Row]:
    """Why rows of a file have a term, by dataset."""
    with work_database(built.out) as con:
        return con.execute(
            "select model, reason, sum(rows)::integer from inventory.accounts"
            " where parse_filename(data_source) = $1 and term = $2 group by all order by all",
            [name, term],
        ).fetchall()


def refusals(built: Built) -> dict[str, str]:
    """Refused files by name, with why."""
    with work_database(built.out) as con:
        return dict(
            con.execute(
                "select parse_filename(data_source), refusal from inventory.raw_files"
                " where refusal is not null"
            ).fetchall()
        )


PRICE = "datetime_utc, market_type, as_product, as_region, market_clearing_price"


def test_one_price_of_two_reports_is_one_row(built: Built) -> None:
    found = rows(
        built,
        "as_hourly",
        "hour(datetime_utc), as_product, market_clearing_price, cleared_quantity_mw, version,"
        " parse_filename(data_source), split_part(data_source, '/', 2)",
        "year(delivery_date) = 2021 and as_product <> 'REG_PCP'",
    )
    results, services = "reserve_market_results", "ancillary_services"
    assert found == [
        (4, "REG", 20.5, 700, 1, "2021.csv", results),
        # Both reports have it, and neither tells megawatts of a part.
        (4, "REG_CCP", 18.25, None, 1, "2021.csv", results),
        (4, "SR", 3.5, 1700, 1, "2021.csv", results),
        (5, "REG", 20.5, 700, 1, "2021.csv", results),
        (5, "REG_CCP", 18.25, None, 1, "2021.csv", results),
        (5, "SR", 3.5, 1700, 1, "2021.csv", results),
        (6, "REG", 20.5, 700, 1, "2021.csv", results),
        (6, "REG_CCP", 18.25, None, 1, "2021.csv", results),
        # The second version stands, though it has no megawatts.
        (6, "SR", 4, None, 2, "2021.csv", services),
    ]


def test_ratios_and_lines_without_a_price_are_counted(built: Built) -> None:
    hourly = [
        ("pjm_as_hourly", "a ratio is no price", 1),
        ("pjm_as_hourly", "no product has a price in this line", 1),
    ]
    found = [row for row in accounts(built, "2021.csv", "filtered") if row[0] == "pjm_as_hourly"]
    assert found == hourly


def test_unequal_prices_of_two_reports_are_a_warning(run: tuple[Built, Ran]) -> None:
    built, ran = run
    found = [
        row[2] for row in accounts(built, "2021.csv", "superseded") if "no version" in str(row)
    ]
    assert found == [1]
    assert "no version tells which is right" in ran.output


def test_the_day_of_the_change_has_hours_and_five_minutes(built: Built) -> None:
    change = at(2022, 9, 1, 4)
    assert rows(built, "as_hourly", PRICE, "year(delivery_date) = 2022") == [
        (m, "RT", "SR", "RTO", 5) for m in hours(change - timedelta(hours=2), 2)
    ]
    # The last stamp is on the hour.
    assert rows(built, "as_5min", PRICE, "year(delivery_date) = 2022") == [
        (m, "RT", "SR", "RTO", 6) for m in hours(change, 13, minutes=5)
    ]


@pytest.mark.parametrize(("day", "count"), [("2024-03-10", 23), ("2024-11-03", 25)])
def test_clock_change_days_have_their_hours(built: Built, day: str, count: int) -> None:
    start = at(2024, 3, 10, 5) if count == 23 else at(2024, 11, 3, 4)
    found = rows(
        built,
        "as_hourly",
        f"{PRICE}, cleared_quantity_mw",
        f"delivery_date = date '{day}' and market_type = 'DA'",
    )
    expected: list[Row] = []
    for moment in hours(start, count):
        expected.append((moment, "DA", "PR", "MAD", 1, None))
        expected.append((moment, "DA", "SR", "RTO", moment.hour + 0.5, 1500))
    assert found == expected
    local = rows(
        built, "as_hourly", "delivery_hour", f"delivery_date = date '{day}' and as_product = 'SR'"
    )
    spring, fall = [1, 2, *range(4, 25)], [1, 2, *range(2, 25)]
    assert [hour for (hour,) in local] == (spring if count == 23 else fall)
    five_minutes = rows(
        built,
        "as_5min",
        PRICE,
        f"delivery_date = date '{day}' and as_product = 'Secondary Reserve'",
    )
    assert five_minutes == [
        (m, "RT", "Secondary Reserve", "RTO", 0) for m in hours(start, 12 * count, minutes=5)
    ]


def test_old_and_new_columns_of_regulation_are_one_series(built: Built) -> None:
    columns = "datetime_utc, as_product, market_clearing_price, cleared_quantity_mw"
    where = "year(delivery_date) = 2026 or datetime_utc = timestamptz '2025-06-02 04:10:00+00'"
    expected: list[Row] = []
    for moment in (at(2025, 6, 2, 4, 10), at(2026, 1, 2, 5), at(2026, 1, 2, 5, 5)):
        expected.append((moment, "REG", 20.5, 700))
        expected.append((moment, "REG_CCP", 18.25, None))
        expected.append((moment, "REG_PCP", 2.25, None))
    assert rows(built, "as_5min", columns, where) == expected


def test_regulation_of_two_reports_is_one_row_and_a_conflict_is_told(built: Built) -> None:
    found = rows(built, "as_5min", "minute(datetime_utc), as_product", "year(delivery_date) = 2025")
    assert found == [(m, p) for m in (0, 5, 10) for p in ("REG", "REG_CCP", "REG_PCP")]
    (conflicts,) = [
        count
        for _, reason, count in (
            *accounts(built, "2025.csv", "superseded"),
            *accounts(built, "old.csv", "superseded"),
        )
        if reason == "unequal, no version tells which is right"
    ]
    assert conflicts == 1


def test_faults_stop_their_years_alone(run: tuple[Built, Ran]) -> None:
    built, ran = run
    years = {
        (each["dataset"], each["year"])
        for each in status(built.out)["datasets"]
        if each["state"] == "published"
    }
    assert {("as_hourly", year) for year in (2021, 2022, 2024)} <= years
    assert not {("as_hourly", year) for year in (2017, 2018, 2019)} & years
    assert "the product RTO Black Start is unknown" in ran.output
    assert "dear" in ran.output


def test_files_of_another_kind_are_refused(built: Built) -> None:
    found = refusals(built)
    assert "mcp" in found["lacking.csv"]
    assert "move it to pjm/ancillary_services" in found["real_time.csv"]
    assert "does not tell whether prices are of an hour or of five minutes" in found["lone.csv"]


def test_a_real_file_without_its_header_is_refused(built: Built) -> None:
    if not BAD_SAMPLES.is_dir():
        pytest.skip("no real files beside the repository (shared/samples_bad)")
    assert "is no header" in refusals(built)["pjm_reserve_market_results_no_header.csv"]


def test_real_rows_are_those_of_the_lines(built: Built) -> None:
    if not (SAMPLES / "pjm" / "reserve_market_results").is_dir():
        pytest.skip("no real files beside the repository (shared/samples)")
    expected: list[Row] = []
    for path in sorted((SAMPLES / "pjm" / "reserve_market_results").rglob("*.csv")):
        for cells in csv.DictReader(path.open(newline="")):
            moment = datetime.strptime(cells["datetime_beginning_utc"], "%m/%d/%Y %I:%M:%S %p")
            start = moment.replace(tzinfo=UTC)
            expected.append((start, "REG", float(cells["mcp"]), float(cells["total_mw"])))
            expected.append((start, "REG_CCP", float(cells["reg_ccp"]), None))
            expected.append((start, "REG_PCP", float(cells["reg_pcp"]), None))
    found = rows(
        built,
        "as_5min",
        "datetime_utc, as_product, market_clearing_price, cleared_quantity_mw",
        "data_source like '%/Maggiexmqdd/%' and as_region = 'RTO' and market_type = 'RT'",
    )
    assert found == expected
    # First and last line, typed by hand.
    assert found[0] == (at(2024, 8, 1, 4), "REG", 22.28, 698)
    assert found[-1] == (at(2024, 9, 1, 3, 55), "REG_PCP", 0.19, None)
    hourly = rows(built, "as_hourly", PRICE, "data_source like '%/Maggiexmqdd/%'")
    assert len(hourly) == 720
    assert hourly[0] == (at(2024, 9, 1, 4), "RT", "SR", "RTO", 0.03)
    assert hourly[-1] == (at(2024, 10, 1, 3), "RT", "SR", "RTO", 22.15)
