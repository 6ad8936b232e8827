"""No row is lost in silence: accounts against an own count, and faults that must unbalance them."""

from __future__ import annotations

import shutil
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from building import (
    OPERATORS,
    REPOSITORY,
    Ran,
    Row,
    build,
    edit_rows,
    published,
    read_rows,
    run_dbt,
    sample_day,
    work_database,
    write_rows,
)
from unified_iso import dbt_run

pytestmark = pytest.mark.builds

NEW_YORK = ZoneInfo("America/New_York")
NODAL, HUB, NYISO = (
    "pjm_da_energy_hourly_nodal",
    "pjm_da_energy_hourly_hub",
    "nyiso_da_energy_hourly",
)
LBMP = "LBMP ($/MWHr)"
LOSSES = "Marginal Cost Losses ($/MWHr)"
CONGESTION = "Marginal Cost Congestion ($/MWHr)"
SPRING_DAY, FALL_DAY = date(2024, 3, 10), date(2024, 11, 3)
PJM_TEXT = "pjm/da_hrl_lmps/da_hrl_lmps_20240309.csv"
PJM_NO_ID = "pjm/da_hrl_lmps/da_hrl_lmps_20240308.csv"
NYISO_TEXT = "nyiso/damlbmp_gen/20240309damlbmp_gen.csv"
NYISO_NO_NAME = "nyiso/damlbmp_zone/20240308damlbmp_zone.csv"
NYISO_NO_HOUR = f"nyiso/damlbmp_zone/{SPRING_DAY:%Y%m%d}damlbmp_zone.csv"
TERMS = ("parsed", "published", "merged", "superseded", "filtered", "rejected")

# Model, first day of the month, raw file.
Account = tuple[str, date, str]
# Model, raw file (none where those of a part are counted together), what was counted.
Listed = tuple[str, str | None, str]


@dataclass(frozen=True)
class Published:
    """A raw folder, the output folder made of it, and what the build said."""

    raw: Path
    out: Path
    ran: Ran


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Published:
    """Publish what has every term: overlap, revisions, copies, rejected rows and lines."""
    folder = tmp_path_factory.mktemp("accounts")
    raw = folder / "raw"
    # More locations than there are hubs, so that the hub dataset leaves some out.
    sample_day(raw, date(2024, 3, 8), days=3, nodes=16)
    sample_day(raw, FALL_DAY, nodes=16)

    def unequal(rows: list[Row]) -> None:
        for number in (0, 20):
            for column in (LBMP, LOSSES):
                rows[number][column] = str(Decimal(rows[number][column]) + 3)

    zone = "nyiso/damlbmp_zone/20240309damlbmp_zone.csv"
    (raw / "nyiso/damlbmp_zone/again").mkdir()
    copy = raw / "nyiso/damlbmp_zone/again" / Path(zone).name
    shutil.copy(raw / zone, copy)
    edit_rows(copy, unequal)

    edit_rows(raw / PJM_TEXT, lambda rows: rows[5].update(total_lmp_da="n/a"))
    edit_rows(raw / PJM_NO_ID, lambda rows: rows[7].update(pnode_id=""))
    edit_rows(raw / NYISO_TEXT, lambda rows: rows[9].update({LBMP: "-"}))
    edit_rows(raw / NYISO_NO_NAME, lambda rows: rows[11].update(PTID=""))
    rows = read_rows(raw / NYISO_NO_HOUR)
    rows.insert(40, rows[40] | {"Time Stamp": "03/10/2024 02:00"})
    write_rows(raw / NYISO_NO_HOUR, rows)
    out = folder / "out"
    return Published(raw, out, build(raw, out, *OPERATORS, "--allow-rejects", check=None))


# --- The own count --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Line:
    """A well-formed row of a raw file, as much of it as the rules of precedence look at."""

    source: str
    number: int
    part: date
    utc: datetime | None
    location: str
    values: tuple[Decimal, ...]
    version: int
    is_hub: bool

    @property
    def is_sound(self) -> bool:
        return self.utc is not None and self.location != ""


def _numbers(row: Row, *columns: str) -> tuple[Decimal, ...] | None:
    try:
        return tuple(Decimal(row[column]) for column in columns)
    except InvalidOperation:
        return None


def _pjm_lines(source: str, rows: list[Row]) -> Iterator[Line | None]:
    for number, row in enumerate(rows):
        values = _numbers(
            row,
            "total_lmp_da",
            "system_energy_price_da",
            "congestion_price_da",
            "marginal_loss_price_da",
        )
        if values is None:
            yield None
            continue
        stamp = datetime.strptime(row["datetime_beginning_utc"], "%m/%d/%Y %I:%M:%S %p")
        utc = stamp.replace(tzinfo=UTC)
        part = utc.astimezone(NEW_YORK).date().replace(day=1)
        version, is_hub = int(row["version_nbr"]), row["type"] == "HUB"
        yield Line(source, number, part, utc, row["pnode_id"], values, version, is_hub)


def _nyiso_lines(source: str, rows: list[Row]) -> Iterator[Line | None]:
    passes: Counter[tuple[str, str]] = Counter()
    for number, row in enumerate(rows):
        values = _numbers(row, LBMP, LOSSES, CONGESTION)
        if values is None:
            yield None
            continue
        seen = passes[row["Time Stamp"], row["PTID"]]
        passes[row["Time Stamp"], row["PTID"]] += 1
        local = datetime.strptime(row["Time Stamp"], "%m/%d/%Y %H:%M").replace(tzinfo=NEW_YORK)
        utc = local.replace(fold=min(seen, 1)).astimezone(UTC)
        exists = utc.astimezone(NEW_YORK).replace(tzinfo=None) == local.replace(tzinfo=None)
        part = local.date().replace(day=1)
        yield Line(
            source, number, part, utc if exists else None, row["PTID"], values, 1, is_hub=False
        )


def _lines(raw: Path) -> dict[str, list[Line | None]]:
    """Every data line of every raw file; None for a malformed one."""
    found = {}
    for path in sorted(raw.rglob("*.csv")):
        source = path.relative_to(raw).as_posix()
        read = _pjm_lines if source.startswith("pjm") else _nyiso_lines
        found[source] = list(read(source, read_rows(path)))
    return found


def _expected(raw: Path) -> dict[Account, Counter[str]]:
    """Count, by the rules of precedence, what becomes of each row."""
    accounts: dict[Account, Counter[str]] = defaultdict(Counter)
    rivals: dict[tuple[str, datetime | None, str], list[Line]] = defaultdict(list)
    for source, lines in _lines(raw).items():
        for line in lines:
            if line is None:
                continue
            models = (NODAL, HUB) if source.startswith("pjm") else (NYISO,)
            for model in models:
                account = accounts[model, line.part, source]
                account["parsed"] += 1
                account["rejected"] += not line.is_sound
            if line.is_sound:
                rivals[models[0], line.utc, line.location].append(line)
    for (model, _, _), claims in rivals.items():
        *others, winner = sorted(claims, key=lambda line: (line.version, line.source, line.number))
        accounts[model, winner.part, winner.source]["published"] += 1
        if model == NODAL:
            term = "published" if winner.is_hub else "filtered"
            accounts[HUB, winner.part, winner.source][term] += 1
        for line in others:
            equal = (line.version, line.values) == (winner.version, winner.values)
            for name in (NODAL, HUB) if model == NODAL else (NYISO,):
                accounts[name, line.part, line.source]["merged" if equal else "superseded"] += 1
    return {account: +counts for account, counts in accounts.items()}


def _kept(out: Path) -> dict[Account, Counter[str]]:
    found: dict[Account, Counter[str]] = defaultdict(Counter)
    with work_database(out) as connection:
        for model, part, source, term, rows in connection.execute(
            "select model, part, data_source, term, sum(rows)::bigint from inventory.accounts"
            " group by all"
        ).fetchall():
            found[model, part, source][term] += rows
    return dict(found)


def test_the_sample_has_every_term(built: Published) -> None:
    """Otherwise the comparison below would prove little."""
    assert built.ran.exit_code == 3, built.ran.stderr
    expected = _expected(built.raw).values()
    for term in TERMS:
        assert sum(counts[term] for counts in expected) > 0, term


def test_each_account_is_what_the_raw_text_says(built: Published) -> None:
    expected, kept = _expected(built.raw), _kept(built.out)
    differing = {
        account: (expected.get(account), kept.get(account))
        for account in expected.keys() | kept.keys()
        if expected.get(account) != kept.get(account) and account[2] != NYISO_NO_HOUR
    }
    assert differing == {}


def test_a_rejected_row_without_a_time_has_an_account(built: Published) -> None:
    """A row at an hour that does not exist was parsed and rejected like any other."""
    account = (NYISO, SPRING_DAY.replace(day=1), NYISO_NO_HOUR)
    expected = _expected(built.raw)[account]
    assert expected["rejected"] == 1
    assert _kept(built.out)[account] == expected


def test_each_line_of_the_raw_text_is_used_or_rejected(built: Published) -> None:
    expected = {
        source: (len(lines), len(lines) - lines.count(None), lines.count(None))
        for source, lines in _lines(built.raw).items()
    }
    with work_database(built.out) as connection:
        kept = connection.execute(
            """
            select
                data_source,
                lines,
                lines_used,
                (
                    select count(distinct line)
                    from inventory.rejected_lines as rejected
                    where rejected.file_id = files.file_id
                )
            from inventory.raw_files as files
            """
        ).fetchall()
    assert {source: tuple(counts) for source, *counts in kept} == expected


# --- Faults in the counts -------------------------------------------------------------------------

OTHER_FAULTS = {
    # Each on a raw file of its own, so that each must be listed by itself.
    (NYISO, "nyiso/damlbmp_gen/20241103damlbmp_gen.csv"): (
        "update inventory.raw_files set lines = lines + 1 where data_source = $1"
    ),
    (NYISO, "nyiso/damlbmp_gen/20240308damlbmp_gen.csv"): (
        "update inventory.raw_files set lines_used = lines_used - 1 where data_source = $1"
    ),
    (NYISO, NYISO_TEXT): (
        "delete from inventory.rejected_lines where file_id = ("
        "select file_id from inventory.raw_files where data_source = $1)"
    ),
}
TERM_FAULTS = {
    # Raw files that have the term, one fault each; one row too many, then one too few.
    (NYISO, "nyiso/damlbmp_zone/again/20240309damlbmp_zone.csv"): ("parsed", 1),
    (NYISO, "nyiso/damlbmp_zone/20241103damlbmp_zone.csv"): ("published", -1),
    (NYISO, "nyiso/damlbmp_zone/20240309damlbmp_zone.csv"): ("merged", -1),
    (NYISO, NYISO_NO_NAME): ("rejected", -1),
    (NODAL, PJM_TEXT): ("superseded", -1),
    (NODAL, "pjm/da_hrl_lmps/da_hrl_lmps_20241103.csv"): ("parsed", -1),
    (HUB, "pjm/da_hrl_lmps/da_hrl_lmps_20240310.csv"): ("filtered", -1),
    (HUB, "pjm/da_hrl_lmps/da_hrl_lmps_20241103.csv"): ("published", 1),
}


@pytest.fixture(scope="module")
def unbalanced(built: Published, tmp_path_factory: pytest.TempPathFactory) -> set[Listed]:
    """Put every fault into one database and return the rows that the dbt test lists."""
    folder = tmp_path_factory.mktemp("unbalanced")
    out = folder / "out"
    shutil.copytree(built.out, out)
    with work_database(out) as connection:
        for (_, source), fault in OTHER_FAULTS.items():
            connection.execute(fault, [source])
        for (model, source), (term, change) in TERM_FAULTS.items():
            (changed,) = connection.execute(
                """
                update inventory.accounts
                set rows = rows + $4
                where (model, part, data_source, term) in (
                    select (model, min(part), data_source, term)
                    from inventory.accounts
                    where model = $1 and data_source = $2 and term = $3
                    group by model, data_source, term
                )
                """,
                [model, source, term, change],
            ).fetchall()
            assert changed == (1,), f"{source} has no single count of {term} to change"
    tests = (f"test_name:accounts_balance,{model}" for model in (NODAL, HUB, NYISO))
    run_dbt(built.raw, out, "test", "--select", *tests, check=1)
    listed: set[Listed] = set()
    with work_database(out) as connection:
        for model in (NODAL, HUB, NYISO):
            (table,) = connection.execute(
                "select table_name from duckdb_tables()"
                " where schema_name = 'main_audit' and table_name like $1",
                [f"accounts_balance_{model}%"],
            ).fetchone() or (None,)
            assert table, f"the accounts of {model} were not tested"
            listed |= {
                (model, source, counted)
                for source, counted in connection.execute(
                    f'select data_source, counted from main_audit."{table}"'
                ).fetchall()
            }
    return listed


@pytest.mark.parametrize("fault", TERM_FAULTS, ids=lambda fault: f"{fault[0]} {fault[1]}")
def test_a_wrong_count_of_any_term_unbalances(
    unbalanced: set[Listed], fault: tuple[str, str]
) -> None:
    assert (*fault, "rows") in unbalanced, TERM_FAULTS[fault]


@pytest.mark.parametrize("fault", OTHER_FAULTS, ids=lambda fault: f"{fault[0]} {fault[1]}")
def test_a_wrong_count_of_lines_unbalances(unbalanced: set[Listed], fault: tuple[str, str]) -> None:
    assert (*fault, "lines") in unbalanced


def test_nothing_else_is_listed_as_unbalanced(unbalanced: set[Listed]) -> None:
    faults: set[Listed] = {(*fault, "rows") for fault in TERM_FAULTS}
    faults |= {(*fault, "lines") for fault in OTHER_FAULTS}
    # What is counted as published is also compared with the rows that are there.
    published = [fault for fault, (term, _) in TERM_FAULTS.items() if term == "published"]
    faults |= {(*fault, "rows in the file") for fault in published}
    faults |= {(model, None, "rows in the part") for model, _ in published}
    assert unbalanced == faults


def test_every_term_has_a_fault() -> None:
    assert {term for term, _ in TERM_FAULTS.values()} == set(TERMS)


# --- Faults in the pipeline -----------------------------------------------------------------------

PROJECT = ("models", "macros", "seeds", "tests/generic", "dbt_project.yml", "profiles.yml")
PIPELINE_FAULTS = {
    # A row that the reader saw and the writer loses; one operator each, so that each is seen alone.
    "macros/unified/energy_prices.sql": (
        "    true as is_current\nfrom sorted\n",
        "    true as is_current\nfrom sorted\n"
        "where not (settlement_location_id = '61752' and hour(interval_start_utc) = 12)\n",
    ),
    # Where a key comes more than once, no row is kept.
    "macros/unified/unified_rows.sql": (
        "        where place > 1\n    ) as superseded",
        "        where place > {{ 0 if model.name.startswith('pjm') else 1 }}\n    ) as superseded",
    ),
}


def _broken_project(folder: Path) -> Path:
    for name in PROJECT:
        source, target = REPOSITORY / name, folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(source, target) if source.is_dir() else shutil.copy(source, target)
    for name, (sound, broken) in PIPELINE_FAULTS.items():
        text = (folder / name).read_text()
        assert text.count(sound) == 1, f"{name} changed: the fault has to be put in anew"
        (folder / name).write_text(text.replace(sound, broken))
    return folder


@pytest.fixture(scope="module")
def lossy(built: Published, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Build anew, with a pipeline that loses rows, where a sound one has published before."""
    folder = tmp_path_factory.mktemp("lossy")
    out = folder / "out"
    shutil.copytree(built.out, out)
    datasets = (option for model in (NODAL, HUB, NYISO) for option in ("--dataset", model))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dbt_run, "ROOT", _broken_project(folder / "project"))
        options = (*datasets, "--allow-rejects", "--full-refresh")
        ran = build(built.raw, out, *options, check=None)
    return {"ran": ran, "before": published(built.out), "after": published(out)}


@pytest.mark.parametrize("model", [NYISO, NODAL], ids=["COPY loses a row", "repeats are dropped"])
def test_a_pipeline_that_loses_rows_fails_its_accounting(lossy: dict[str, Any], model: str) -> None:
    ran: Ran = lossy["ran"]
    assert ran.exit_code == 1
    start = f"failed {model}: Rows or lines of a raw file are neither published nor accounted"
    assert any(line.startswith(start) for line in ran.says), ran.stderr


def test_a_pipeline_that_loses_rows_publishes_nothing(lossy: dict[str, Any]) -> None:
    assert lossy["after"] == lossy["before"]
    assert len(lossy["after"]) == len(OPERATORS) + 1
