"""Each guarantee has a guard: a fault put into a year file stops that year, and no other.

One build serves all tests: each fault lies in a delivery year of its own. Faults are put into the
candidates, joined and not yet tested, by this file run as a script in place of the command.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

import duckdb
import pytest

from building import (
    LONGEST_RUN_SECONDS,
    REPOSITORY,
    Row,
    edit_rows,
    environment,
    kept_nodes,
    read_rows,
    write_rows,
)
from spoiling import build_spoilt
from unified_iso.manifest import read_manifest
from unified_iso.sample import SampleOptions, write_sample
from unified_iso.workspace import Workspace

pytestmark = pytest.mark.builds

NYISO, ISONE = "nyiso_da_energy_hourly", "isone_da_energy_hourly"
NODAL, HUB = "pjm_da_energy_hourly_nodal", "pjm_da_energy_hourly_hub"
CAISO, ERCOT = "caiso_da_energy_hourly_nodal", "ercot_da_energy_hourly"
RUNS = "nyiso_rt_energy_5min"
RESERVES = "nyiso_as_hourly"
REPORTS = {
    NYISO: "damlbmp_zone",
    ISONE: "ww_dalmp_iso",
    NODAL: "da_hrl_lmps",
    CAISO: "prc_lmp",
    ERCOT: "np4-190-cd",
    RUNS: "realtime_zone",
    RESERVES: "damasp",
}
# The last year of each dataset is sound, but for that of ERCOT, which is LATE.
YEARS = {
    NYISO: range(2000, 2025),
    ISONE: range(2004, 2025),
    NODAL: range(2000, 2025),
    CAISO: range(2019, 2025),
    ERCOT: range(2020, 2026),
    RUNS: range(2023, 2025),
    RESERVES: range(2005, 2025),
}
LBMP = "LBMP ($/MWHr)"
LOSSES = "Marginal Cost Losses ($/MWHr)"
CONGESTION = "Marginal Cost Congestion ($/MWHr)"
CAPITAL = "61757"


@dataclass(frozen=True)
class Fault:
    """What is done to the rows of a year file, or to the database, and the guard that must see it.

    The rows are in `year_rows`, with their place in the file as `n`; `{model}`, `{year}` and
    `{file}`, a raw file of the year, are filled in.
    """

    guard: str
    sql: str


def _row(change: str, n: int = 50) -> str:
    return f"update year_rows set {change} where n = {n}"


def _swapped(first: str, second: str) -> str:
    return (
        f"update year_rows set n = case n when {first} then {second} when {second} then {first}"
        " else n end"
    )


def _moved(interval: str, where: str) -> str:
    clocks = ("datetime_utc", "interval_start_utc", "interval_end_utc", "datetime_local")
    moved = ", ".join(f"{clock} = {clock} + interval '{interval}'" for clock in clocks)
    local = f"(datetime_local + interval '{interval}')"
    return (
        f"update year_rows set {moved}, delivery_date = {local}::date,"
        f" delivery_hour = hour({local}) + 1 where {where}"
    )


LAST_HOUR = "datetime_utc = (select max(datetime_utc) from year_rows)"
OF_YEAR = "model = '{model}' and year(part) = {year}"
REQUIRED = (
    *("datetime_local", "interval_start_utc", "interval_end_utc", "delivery_date"),
    *("delivery_hour", "delivery_interval", "interval_minutes", "iso", "market_type"),
    *("settlement_location", "settlement_location_type", "settlement_location_id", "lmp_total"),
    *("dst_flag", "data_source", "version", "is_current"),
)
# A row without a time is in no range of new rows: it is missed where they are counted.
NULLS = {"null datetime_utc": Fault("accounts_balance", _row("datetime_utc = null"))}
NULLS |= {
    f"null {name}": Fault("required_columns_filled", _row(f"{name} = null")) for name in REQUIRED
}

FAULTS: dict[str, dict[str, Fault]] = {
    ISONE: NULLS,
    NYISO: {
        "null lmp_energy": Fault("required_columns_filled", _row("lmp_energy = null")),
        "null lmp_congestion": Fault("required_columns_filled", _row("lmp_congestion = null")),
        "null lmp_loss": Fault("required_columns_filled", _row("lmp_loss = null")),
        "null system_lambda": Fault("prices_are_sane", _row("system_lambda = null")),
        "energy and total + 1": Fault(
            "energy_is_uniform",
            _row(
                "lmp_energy = lmp_energy + 1, lmp_total = lmp_total + 1,"
                " system_lambda = lmp_energy + 1"
            ),
        ),
        "a zone is a NODE": Fault(
            "values_in_domain",
            "update year_rows set settlement_location_type = 'NODE'"
            f" where settlement_location_id = '{CAPITAL}'",
        ),
        "congestion with the other sign": Fault(
            "components_add_up", "update year_rows set lmp_congestion = -lmp_congestion"
        ),
        "total + 0.03": Fault("components_add_up", _row("lmp_total = lmp_total + 0.03")),
        "accounts: one more parsed": Fault(
            "accounts_balance",
            f"update inventory.new_accounts set rows = rows + 1 where {OF_YEAR} and term = 'parsed'"
            " and data_source = '{file}'",
        ),
        "accounts: one less published": Fault(
            "accounts_balance",
            f"update inventory.new_accounts set rows = rows - 1 where {OF_YEAR}"
            " and term = 'published' and data_source = '{file}'",
        ),
        "accounts: none": Fault(
            "accounts_balance", f"delete from inventory.new_accounts where {OF_YEAR}"
        ),
        "accounts: a file lacks": Fault(
            "accounts_balance",
            f"delete from inventory.new_accounts where {OF_YEAR} and data_source = '{{file}}'",
        ),
        "lines: one more in the file": Fault(
            "accounts_balance",
            "update inventory.raw_files set lines = lines + 1 where data_source = '{file}'",
        ),
        "lines: used unknown": Fault(
            "accounts_balance",
            "update inventory.raw_files set lines_used = null where data_source = '{file}'",
        ),
        "empty id": Fault("values_in_domain", _row("settlement_location_id = ''")),
        "type FOO": Fault("values_in_domain", _row("settlement_location_type = 'FOO'")),
        "operator PJM": Fault("values_in_domain", _row("iso = 'PJM'")),
        "key twice, under another name": Fault(
            "grain_is_unique",
            "insert into year_rows select * replace ('ZZZ' as settlement_location, n + 21 as n)"
            " from year_rows where n = 50",
        ),
    },
    NODAL: {
        "two rows swapped": Fault("physically_sorted", _swapped("50", "51")),
        "first two rows swapped": Fault("physically_sorted", _swapped("1", "2")),
        "last two rows swapped": Fault(
            "physically_sorted",
            _swapped("(select max(n) from year_rows)", "(select max(n) - 1 from year_rows)"),
        ),
        "row twice": Fault(
            "grain_is_unique", "insert into year_rows select * from year_rows where n = 50"
        ),
        "clock + 1 hour": Fault(
            "local_time_agrees_with_utc", _row("datetime_local = datetime_local + interval 1 hour")
        ),
        "delivery_hour + 1": Fault(
            "local_time_agrees_with_utc", _row("delivery_hour = delivery_hour + 1")
        ),
        "clocks moved out of the part, within the year": Fault(
            "accounts_balance", _moved("2400 hour", LAST_HOUR)
        ),
        "the other dst flag": Fault(
            "local_time_agrees_with_utc",
            _row("dst_flag = case dst_flag when 'Y' then 'N' else 'Y' end"),
        ),
        "delivery_interval 3": Fault("local_time_agrees_with_utc", _row("delivery_interval = 3")),
        "end + 1 minute": Fault(
            "local_time_agrees_with_utc",
            _row("interval_end_utc = interval_end_utc + interval 1 minute"),
        ),
        "interval_minutes 5": Fault("local_time_agrees_with_utc", _row("interval_minutes = 5")),
        "off the grid, all clocks alike": Fault(
            "intervals_on_grid", _moved("-30 minute", LAST_HOUR)
        ),
        "total + 1": Fault("components_add_up", _row("lmp_total = lmp_total + 1")),
        "loss no number": Fault("prices_are_sane", _row("lmp_loss = 'nan'")),
        "total no number": Fault("prices_are_sane", _row("lmp_total = 'nan'")),
        "total infinite": Fault("prices_are_sane", _row("lmp_total = 'inf'")),
        "components beyond 50,000 that cancel": Fault(
            "prices_are_sane",
            _row(
                "lmp_energy = lmp_energy - 1e6, system_lambda = lmp_energy - 1e6,"
                " lmp_congestion = lmp_congestion + 1e6"
            ),
        ),
        "negative zero": Fault(
            "prices_are_sane", _row("lmp_congestion = '-0.0', lmp_total = lmp_energy + lmp_loss")
        ),
        "system_lambda 1e9": Fault("prices_are_sane", _row("system_lambda = 1e9")),
        "one row lost": Fault("accounts_balance", "delete from year_rows where n = 50"),
        "an hour lost": Fault("accounts_balance", "delete from year_rows where delivery_hour = 6"),
        "last day lost": Fault(
            "accounts_balance",
            "delete from year_rows"
            " where delivery_date = (select max(delivery_date) from year_rows)",
        ),
        "all rows lost": Fault("accounts_balance", "delete from year_rows"),
        "rows of another year": Fault("accounts_balance", _moved("8784 hour", LAST_HOUR)),
        "empty data_source": Fault("accounts_balance", _row("data_source = ''")),
    },
    CAISO: {
        "market RT": Fault("values_in_domain", _row("market_type = 'RT'", 5)),
        "name with blanks": Fault(
            "values_in_domain", _row("settlement_location = settlement_location || '  '", 5)
        ),
    },
    ERCOT: {
        # Moved rows would leave their part: it is the market that opens on the second of two days.
        "before the market opened": Fault(
            "within_market_time",
            "update main_facts.markets set first_delivery_date = date '{year}-06-02'"
            " where iso = 'ercot'",
        ),
        "components that nobody publishes": Fault(
            "required_columns_filled",
            _row("lmp_energy = lmp_total, lmp_congestion = 0, lmp_loss = 0"),
        ),
        "version 0": Fault("values_in_domain", _row("version = 0")),
        "not current": Fault("values_in_domain", _row("is_current = false")),
    },
    RUNS: {
        "a run that ends after the next has begun": Fault(
            "intervals_do_not_overlap",
            _row("interval_end_utc = interval_end_utc + interval 2 minute"),
        ),
    },
}
FAULTS[RESERVES] = {
    f"null {name}": Fault("required_columns_filled", _row(f"{name} = null"))
    for name in ("as_product", "as_product_standard", "as_region", "market_clearing_price", "unit")
} | {
    "price no number": Fault("prices_are_sane", _row("market_clearing_price = 'nan'")),
    "price beyond 50,000": Fault("prices_are_sane", _row("market_clearing_price = 50001")),
    "negative zero": Fault("prices_are_sane", _row("market_clearing_price = '-0.0'")),
    "standard product FOO": Fault("values_in_domain", _row("as_product_standard = 'FOO'")),
    "unit of energy": Fault("values_in_domain", _row("unit = '$/MWh'")),
    "region with blanks": Fault("values_in_domain", _row("as_region = as_region || ' '")),
    "two rows swapped": Fault("physically_sorted", _swapped("50", "51")),
    "row twice": Fault(
        "grain_is_unique", "insert into year_rows select * from year_rows where n = 50"
    ),
    "delivery_hour + 1": Fault(
        "local_time_agrees_with_utc", _row("delivery_hour = delivery_hour + 1")
    ),
    "off the grid, all clocks alike": Fault("intervals_on_grid", _moved("-30 minute", LAST_HOUR)),
    "a day before the market": Fault(
        "within_market_time", _row("delivery_date = date '1969-12-31'")
    ),
    "one row lost": Fault("accounts_balance", "delete from year_rows where n = 50"),
    "accounts: none": Fault(
        "accounts_balance", f"delete from inventory.new_accounts where {OF_YEAR}"
    ),
}
FAULTS[ISONE]["a delivery date of the year before"] = Fault(
    "local_time_agrees_with_utc",
    "update year_rows set delivery_date = delivery_date - interval 1 year where n < 20",
)
FAULTS[ISONE]["a day before the market"] = Fault(
    "within_market_time",
    "update year_rows set delivery_date = date '1969-12-31' where n = 5",
)
# All clocks agree in these rows, so no other guard sees that they are wrong.
ALONE = ((NODAL, "off the grid, all clocks alike"), (ERCOT, "before the market opened"))
# The files came a month and more before the days they are of.
LATE = (ERCOT, 2025)
LATE_FAULT = Fault(
    "within_market_time",
    "update inventory.raw_files set mtime_ns = epoch_ns(timestamp '{year}-05-01 12:00'),"
    " ctime_ns = epoch_ns(timestamp '{year}-05-01 12:00') where iso = 'ercot'",
)


@cache
def _faults() -> dict[tuple[str, int], tuple[str, Fault]]:
    """Faults by model and the delivery year they are put into, each with its name."""
    return {
        (model, year): (name, fault)
        for model, faults in FAULTS.items()
        for year, (name, fault) in zip(YEARS[model], faults.items(), strict=False)
    } | {LATE: ("later than the newest file", LATE_FAULT)}


# --- Faults in raw files: what a guard only warns of, and what a tolerance lets pass --------------


def _one(rows: list[Row], **values: str) -> Row:
    return next(row for row in rows if all(row[name] == value for name, value in values.items()))


def _gap(files: list[Path]) -> None:
    edit_rows(files[0], lambda rows: rows.remove(_one(rows[200:], PTID=CAPITAL)))


def _vanishing(files: list[Path]) -> None:
    rows = read_rows(files[1])
    write_rows(files[1], [row for row in rows if row["PTID"] != CAPITAL])


def _dearer(row: Row, amount: float) -> None:
    """Raise price and losses together: energy stays one number for all locations."""
    for column in (LBMP, LOSSES):
        row[column] = f"{float(row[column]) + amount:.2f}"


def _unequal_copy(files: list[Path]) -> None:
    rows = read_rows(files[0])
    _dearer(_one(rows, PTID=CAPITAL), 3)
    write_rows(files[0].parent / "again" / files[0].name, rows)


def _unequal_lambdas(files: list[Path]) -> None:
    """Two postings of the first hour of a year's days, beside the files of their prices."""
    folder = files[0].parents[1] / "np4-523-cd"
    folder.mkdir(exist_ok=True)
    for name, price in (("first", "20.5"), ("second", "21.5")):
        (folder / f"{name}.csv").write_text(
            f"DeliveryDate,HourEnding,SystemLambda,DSTFlag\n06/01/2024,01:00,{price},N\n"
        )


def _out_of_bounds(files: list[Path]) -> None:
    edit_rows(files[0], lambda rows: _dearer(_one(rows, PTID=CAPITAL), 15_000))


def _no_loss(files: list[Path]) -> None:
    edit_rows(files[0], lambda rows: rows.remove(_one(rows, LMP_TYPE="MCL")))


def _off_by(amount: float) -> Callable[[list[Path]], None]:
    """Give a node prices as of September 2022, whose sum misses the LMP by so much."""
    parts = {"MCE": 1190.0, "MCC": 0.0, "MCL": 0.0, "MGHG": 0.0, "LMP": 1190.0 + amount}

    def change(rows: list[Row]) -> None:
        first = rows[0]
        for row in rows:
            if all(row[name] == first[name] for name in ("NODE", "INTERVALSTARTTIME_GMT")):
                row["MW"] = f"{parts[row['LMP_TYPE']]:.5f}"

    return lambda files: edit_rows(files[0], change)


RAW_FAULTS: dict[tuple[str, int], tuple[str, Callable[[list[Path]], None]]] = {
    (NYISO, 2020): ("on_calendar", _gap),
    (NYISO, 2021): ("locations_continue", _vanishing),
    (NYISO, 2022): ("no_conflicting_rows", _unequal_copy),
    (NYISO, 2023): ("prices_within_bounds", _out_of_bounds),
    (CAISO, 2021): ("components_are_complete", _no_loss),
    (ERCOT, 2024): ("lambdas_agree", _unequal_lambdas),
}
# A report of single-precision numbers may miss by 3e-7 of the largest part, and no more.
ROUNDED, TOO_FAR = (CAISO, 2022), (CAISO, 2023)


# --- The build ------------------------------------------------------------------------------------


def _sql_of(model: str, year: int) -> str | None:
    """What spoils the year file of a year, if anything does."""
    return _faults()[model, year][1].sql if (model, year) in _faults() else None


# --- What came of it ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Outcome:
    """What the build left out and why, what it published, and what each test found."""

    exit_code: int
    stderr: str
    unpublished: dict[tuple[str, int], list[str]]
    published: set[tuple[str, int]]
    found: set[tuple[str, int, str]]
    datasets: dict[str, set[str]]


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """Build two days in each year of each dataset, each fault in its year."""
    folder = tmp_path_factory.mktemp("guards")
    raw, out = folder / "raw", folder / "out"
    for model, years in YEARS.items():
        options = SampleOptions(
            truth=False, overlap=False, revisions=False, reports=(REPORTS[model],)
        )
        for year in years:
            iso = model.partition("_")[0]
            files = write_sample(
                raw, isos=[iso], start=date(year, 6, 1), days=2, nodes=3, options=options
            )
            if (model, year) in RAW_FAULTS:
                RAW_FAULTS[model, year][1](files)
            if (model, year) in (ROUNDED, TOO_FAR):
                _off_by(0.0002 if (model, year) == ROUNDED else 0.001)(files)
    isos = [model.partition("_")[0] for model in YEARS]
    ran = subprocess.run(
        [sys.executable, __file__, "build", *isos, "--raw", str(raw), "--out", str(out)],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=LONGEST_RUN_SECONDS,
        check=False,
    )
    manifest = read_manifest(Workspace(raw, out))
    unpublished: dict[tuple[str, int], list[str]] = {}
    for entry in manifest["unpublished"]:
        unpublished.setdefault((entry["model"], entry["year"]), []).append(entry["reason"])
    published = {(entry["model"], entry["year"]) for entry in manifest["files"]}
    datasets: dict[str, set[str]] = {model: set() for model in (*YEARS, HUB)}
    found: set[tuple[str, int, str]] = set()
    with duckdb.connect(str(out / ".unified-iso/work.duckdb"), read_only=True) as connection:
        for test in kept_nodes().values():
            model = str(test.get("attached_node")).rpartition(".")[2]
            if model not in datasets:
                continue
            guard = test["test_metadata"]["name"]
            datasets[model].add(guard)
            found |= {
                (model, year, guard)
                for (year,) in connection.execute(
                    f"select distinct delivery_year from {test['relation_name']}"
                ).fetchall()
            }
    return Outcome(ran.returncode, ran.stderr, unpublished, published, found, datasets)


def _told(outcome: Outcome, model: str, year: int) -> Iterator[str]:
    """Names of the guards that stopped a year."""
    for reason in outcome.unpublished.get((model, year), []):
        assert reason.startswith("tests: "), reason
        yield reason.split()[1]


@pytest.mark.parametrize(
    ("model", "name"), [(model, name) for model, faults in FAULTS.items() for name in faults]
)
def test_a_fault_stops_its_year(outcome: Outcome, model: str, name: str) -> None:
    years = [key[1] for key, (told, _) in _faults().items() if (key[0], told) == (model, name)]
    assert len(years) == 1, "no delivery year is left for this fault"
    guard = FAULTS[model][name].guard
    assert guard in _told(outcome, model, years[0])
    assert (model, years[0], guard) in outcome.found
    assert (model, years[0]) not in outcome.published


@pytest.mark.parametrize(("model", "name"), ALONE)
def test_a_fault_of_time_is_seen_by_its_own_guard_alone(
    outcome: Outcome, model: str, name: str
) -> None:
    [year] = [key[1] for key, (told, _) in _faults().items() if (key[0], told) == (model, name)]
    assert list(_told(outcome, model, year)) == [FAULTS[model][name].guard]


def test_days_a_month_after_the_newest_file_are_not_published(outcome: Outcome) -> None:
    assert list(_told(outcome, *LATE)) == [LATE_FAULT.guard]
    assert LATE not in outcome.published


def test_no_other_year_is_stopped(outcome: Outcome) -> None:
    stopped = {*_faults(), TOO_FAR}
    years = {(model, year) for model in YEARS for year in YEARS[model]}
    assert set(outcome.unpublished) == stopped
    assert {key for key in outcome.published if key[0] != HUB} == years - stopped
    assert len(years - stopped) > len(YEARS)


def test_a_subset_is_published_whatever_its_parent_holds_beside_it(outcome: Outcome) -> None:
    assert {year for model, year in outcome.published if model == HUB} == set(YEARS[NODAL])


@pytest.mark.parametrize(("model", "year"), RAW_FAULTS)
def test_what_is_only_odd_is_told_and_published(outcome: Outcome, model: str, year: int) -> None:
    assert (model, year, RAW_FAULTS[model, year][0]) in outcome.found
    assert (model, year) in outcome.published


def test_rounding_of_the_publisher_is_no_break(outcome: Outcome) -> None:
    assert ROUNDED in outcome.published
    assert "components_add_up" in _told(outcome, *TOO_FAR)


def test_each_guard_was_seen_to_fire(outcome: Outcome) -> None:
    """A guard that finds nothing, whatever there is, would guard nothing."""
    fired = {guard for _, _, guard in outcome.found}
    assert set.union(*outcome.datasets.values()) - fired == set()


def test_each_guard_of_the_project_has_a_fault() -> None:
    """A guard in `tests/generic` without a fault here could be emptied unseen."""
    files = (REPOSITORY / "tests" / "generic").glob("*.sql")
    # Tests of seeds have their faults in test_seeds.py.
    texts = [path.read_text() for path in files if path.name != "seed_tests.sql"]
    guards = {name for text in texts for name in re.findall(r"{% test (\w+)\(", text)}
    faulty = {fault.guard for faults in FAULTS.values() for fault in faults.values()}
    assert guards == faulty | {LATE_FAULT.guard} | {guard for guard, _ in RAW_FAULTS.values()}


def test_a_stopped_year_fails_the_build_and_is_named(outcome: Outcome) -> None:
    assert outcome.exit_code == 1
    lines = outcome.stderr.splitlines()
    for model, year in outcome.unpublished:
        assert any(line.startswith(f"not published {model} {year}: tests: ") for line in lines)
    assert any(
        line.startswith(f"failed {NODAL}: Energy, congestion and loss do not add up to the price.")
        and line.endswith("Only the years of these rows are not published.")
        for line in lines
    )
    assert not [line for line in lines if line.startswith(f"failed {HUB}")]


if __name__ == "__main__":
    build_spoilt(_sql_of)
