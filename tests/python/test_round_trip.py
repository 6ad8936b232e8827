"""Raw files in, published Parquet out: row by row what the generator's model says.

Few builds serve many tests. One raw folder holds a case per delivery year, so that one build treats
them all and a case that fails takes no other with it.
"""

import csv
import gzip
import io
import itertools
import random
import shutil
import zipfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

import duckdb
import pyarrow.dataset as ds
import pytest

from building import ENERGY_COLUMNS, OPERATORS, Ran, build, published, status
from unified_iso.sample import SampleOptions, write_sample

pytestmark = pytest.mark.builds

NEW_YORK = ZoneInfo("America/New_York")
DATASETS = (
    ("pjm", "da_energy_hourly_nodal"),
    ("pjm", "da_energy_hourly_hub"),
    ("nyiso", "da_energy_hourly"),
)
REPORTS = ("pjm/da_hrl_lmps", "nyiso/damlbmp_zone", "nyiso/damlbmp_gen")

# The second is also a pattern, which the third matches: nothing may be read from there.
PLAIN_ROOT = "raw"
ODD_ROOT = "it's {raw} [1] 電力"
DECOY_ROOT = "it's {raw} 1 電力"

Texts = dict[str, str]
Winners = dict[tuple[str, datetime, str], tuple[int, str]]


# Comparing what is published with the truth.


def connect() -> duckdb.DuckDBPyConnection:
    """A database that shows instants in UTC and reads files in their order."""
    con = duckdb.connect(config={"threads": 1})
    con.execute("set TimeZone = 'UTC'")
    return con


def rows_of(path: Path) -> str:
    return f"(select {', '.join(ENERGY_COLUMNS)} from read_parquet({sql_text(path)}))"


def sql_text(value: object) -> str:
    return "'" + str(value).replace("'", "''") + "'"


def assert_equals_truth(year_file: Path, truth: Path, winners: Winners | None = None) -> None:
    """Every row and column, and the order in the file.

    Where `winners` is given, it says which file a row stands in instead of the truth.
    """
    assert year_file.exists(), f"{year_file} is not published"
    with connect() as con:
        con.execute(f"create table expected as from {rows_of(truth)}")
        if winners is not None:
            put_winners(con, winners)
        con.execute(f"create table found as from {rows_of(year_file)}")
        for name, left, right in (("lacks", "expected", "found"), ("adds", "found", "expected")):
            rows = con.execute(f"""
                select columns(*)::varchar from (from {left} except all from {right}) limit 3
            """).fetchall()
            assert not rows, f"{year_file.name} {name} {rows}"
        in_order = f"""
            select datetime_utc, settlement_location, settlement_location_id, file_row_number
            from read_parquet({sql_text(year_file)}, file_row_number = true)
            order by datetime_utc, settlement_location, settlement_location_id
        """
        assert con.execute(f"""
            select count(*), count(*) filter (where place <> file_row_number)
            from (select *, row_number() over () - 1 as place from ({in_order}))
        """).fetchone() == (con.execute("select count(*) from expected").fetchall()[0][0], 0)
        prices = ("lmp_total", "lmp_energy", "lmp_congestion", "lmp_loss", "system_lambda")
        negative_zero = " or ".join(f"({name} = 0 and signbit({name}))" for name in prices)
        assert not con.execute(f"from found where {negative_zero} limit 1").fetchall()


def put_winners(con: duckdb.DuckDBPyConnection, winners: Winners) -> None:
    """Set data_source and version of the expected rows to what the raw text resolves to."""
    columns = [
        [iso.upper() for iso, _, _ in winners],
        [utc for _, utc, _ in winners],
        [location for _, _, location in winners],
        [version for version, _ in winners.values()],
        [source for _, source in winners.values()],
    ]
    names = "unnest(?) as iso, unnest(?) as utc, unnest(?) as id, unnest(?) as v, unnest(?) as s"
    con.execute(f"create table winners as select {names}", columns)
    con.execute("""
        update expected
        set data_source = winners.s, version = winners.v
        from winners
        where expected.iso = winners.iso
            and expected.datetime_utc = winners.utc
            and expected.settlement_location_id = winners.id::varchar
    """)
    assert con.execute("""
        select count(*) from expected
        anti join winners
            on expected.iso = winners.iso
            and datetime_utc = utc
            and settlement_location_id = id::varchar
    """).fetchone() == (0,)


# What the raw text says: which line stands for an hour of a location, by the csv module alone.


def texts_of(raw: Path, folder: str) -> Texts:
    """Every csv below a folder of the raw folder, under the name data_source must have for it."""
    found: Texts = {}
    for path in sorted((raw / folder).rglob("*")):
        if path.is_file():
            found |= unpacked(path.relative_to(raw).as_posix(), path.read_bytes())
    return found


def unpacked(source: str, content: bytes) -> Texts:
    if source.lower().endswith(".zip"):
        found: Texts = {}
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for name in archive.namelist():
                found |= unpacked(f"{source}!{name}", archive.read(name))
        return found
    if source.endswith(".gz"):
        content = gzip.decompress(content)
    if source.lower().endswith((".csv", ".gz")):
        return {source: content.decode("utf-8-sig")}
    return {}


@cache
def winners_of(raw: Path, subfolder: str) -> Winners:
    """The highest version, then the greatest path, of every hour and location of a case."""
    best: Winners = {}
    for report in REPORTS:
        iso = report.partition("/")[0]
        for source, text in texts_of(raw, f"{report}/{subfolder}").items():
            for line in csv.DictReader(io.StringIO(text, newline="")):
                row = {(name or "").upper(): cell for name, cell in line.items()}
                utc, location, version = (pjm_line if iso == "pjm" else nyiso_line)(row)
                key = (iso, utc, location)
                best[key] = max(best.get(key, (0, "")), (version, source))
    return best


def pjm_line(row: dict[str, str]) -> tuple[datetime, str, int]:
    stamp = datetime.strptime(row["DATETIME_BEGINNING_UTC"], "%m/%d/%Y %I:%M:%S %p")
    return stamp.replace(tzinfo=UTC), row["PNODE_ID"], int(row["VERSION_NBR"])


def nyiso_line(row: dict[str, str]) -> tuple[datetime, str, int]:
    # No case of one file per day holds the fall day, so a local stamp is one instant.
    stamp = datetime.strptime(row["TIME STAMP"], "%m/%d/%Y %H:%M").replace(tzinfo=NEW_YORK)
    return stamp.astimezone(UTC), row["PTID"], 1


# The cases: each takes a plain sample and lays it into the raw folder in another way.


PLAIN = SampleOptions()


@dataclass(frozen=True)
class Case:
    """A few days of both operators in a year of their own, changed in one way."""

    name: str
    start: date
    days: int
    arrange: Callable[[Path, Path, str], None]
    options: SampleOptions = PLAIN

    @property
    def year(self) -> int:
        return self.start.year


def move(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    source.rename(target)


def files_of(plain: Path, report: str) -> list[Path]:
    return sorted(path for path in (plain / report).iterdir() if path.is_file())


def as_it_is(plain: Path, raw: Path, case: str) -> None:
    for report in REPORTS:
        for path in files_of(plain, report):
            move(path, raw / report / case / path.name)


def named_backwards(plain: Path, raw: Path, case: str) -> None:
    for report in REPORTS:
        files = files_of(plain, report)
        for number, path in enumerate(files):
            move(path, raw / report / case / f"{len(files) - number:02}.csv")


def shuffled_into_folders(plain: Path, raw: Path, case: str) -> None:
    names = random.Random(case)
    for report in REPORTS:
        for path in files_of(plain, report):
            folder = names.choice(["b", "a", "a/c"])
            move(path, raw / report / case / folder / f"{names.getrandbits(64):x}.csv")


def cut_anywhere(plain: Path, raw: Path, case: str) -> None:
    """Cut each day into pieces, each with the header.

    Day by day: an empty first piece, an empty last one, one line alone, and anywhere.
    """
    draw = random.Random(case)
    for report in REPORTS:
        for number, path in enumerate(files_of(plain, report)):
            header, *lines = path.read_bytes().splitlines(keepends=True)
            anywhere = [draw.randrange(len(lines) + 1) for _ in range(draw.randrange(1, 5))]
            cuts = sorted(([0], [len(lines)], [1, len(lines) - 1], anywhere)[min(number, 3)])
            order = draw.sample(range(len(cuts) + 1), len(cuts) + 1)
            bounds = [0, *cuts, len(lines)]
            for piece, (first, last) in enumerate(pairwise(bounds)):
                target = raw / report / case / f"{path.stem}-{order[piece]}.csv"
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(header + b"".join(lines[first:last]))


def zipped_twice(plain: Path, raw: Path, case: str) -> None:
    for report in REPORTS:
        target = raw / report / case / "all of it.zip"
        target.parent.mkdir(parents=True)
        with zipfile.ZipFile(target, "w") as outer:
            outer.writestr("read me.txt", "no report")
            for path in files_of(plain, report):
                outer.write(path, f"months/{path.name}")


Rows = list[list[str]]


def columns_turned_around(rows: Rows) -> Rows:
    return [row[::-1] for row in rows]


def header_in_capitals(rows: Rows) -> Rows:
    return [[cell.upper() for cell in rows[0]], *rows[1:]]


def with_an_unknown_column(rows: Rows) -> Rows:
    return [
        [*row[:2], "remark" if number == 0 else 'seen, "checked"', *row[2:]]
        for number, row in enumerate(rows)
    ]


def unchanged(rows: Rows) -> Rows:
    return rows


@dataclass(frozen=True)
class Form:
    """Another way to print the same table."""

    change: Callable[[Rows], Rows] = unchanged
    line_end: str = "\n"
    quoting: Literal[0, 1, 2, 3] = csv.QUOTE_MINIMAL
    before: str = ""
    after: str = ""
    mixes_line_ends: bool = False


FORMS = (
    Form(columns_turned_around),
    Form(header_in_capitals, line_end="\r\n"),
    Form(with_an_unknown_column),
    Form(quoting=csv.QUOTE_ALL, line_end="\r\n"),
    Form(before="\ufeff"),
    Form(after="\n\n"),
    Form(line_end="\r\n", after="\r\n\r\n\r\n"),
    Form(
        lambda rows: columns_turned_around(header_in_capitals(with_an_unknown_column(rows))),
        line_end="\r\n",
        quoting=csv.QUOTE_ALL,
        before="\ufeff",
        after="\r\n",
    ),
    Form(mixes_line_ends=True),
)


def printed_differently(plain: Path, raw: Path, case: str) -> None:
    """A form per day; the last day's last line has no end."""
    for report in REPORTS:
        files = files_of(plain, report)
        for path, form in zip(files, (*FORMS, Form()), strict=True):
            rows = list(csv.reader(io.StringIO(path.read_text(), newline="")))
            text = io.StringIO(newline="")
            writer = csv.writer(text, lineterminator=form.line_end, quoting=form.quoting)
            writer.writerows(form.change(rows))
            content = form.before + text.getvalue() + form.after
            if form.mixes_line_ends:
                ends = itertools.cycle(("\n", "\r\n"))
                lines = zip(content.splitlines(), ends, strict=False)
                content = "".join(line + end for line, end in lines)
            if path == files[-1]:
                content = content.rstrip()
            target = raw / report / case / path.name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content.encode())


ODD_NAMES = (
    "a1.csv",
    "a[1].csv",
    "*.csv",
    "a?.csv",
    "it's 'quoted'.csv",
    'say "so", twice.csv',
    "back\\slash.csv",
    "{braces}.csv",
    "{{ target.name }}.csv",
    "{% raw %}.csv",
    "ünïcödé 電力 ⚡.csv",
    "a!b.csv",
    "$1 %s %20 -- x; #.csv",
    "CAPITALS.CSV",
    "year=1999/a1.csv",
    "[ab]/{x}/a1.csv",
)


def named_oddly(plain: Path, raw: Path, case: str) -> None:
    for report in REPORTS:
        for path, name in zip(files_of(plain, report), ODD_NAMES, strict=True):
            move(path, raw / report / case / name)


CASES = (
    Case("reversed", date(2011, 6, 1), 4, named_backwards),
    Case("shuffled", date(2012, 6, 1), 4, shuffled_into_folders),
    Case("split", date(2013, 6, 1), 8, cut_anywhere),
    Case("zip", date(2014, 5, 30), 4, as_it_is, SampleOptions(packaging="zip")),
    Case("zip of zips", date(2015, 5, 30), 4, zipped_twice, SampleOptions(packaging="zip")),
    Case("gz", date(2016, 6, 1), 3, as_it_is, SampleOptions(packaging="csv.gz")),
    Case("printed", date(2017, 6, 1), len(FORMS) + 1, printed_differently),
    Case("names", date(2018, 6, 1), len(ODD_NAMES), named_oddly),
)
NODES = 8
# Days of a year: those around the turn of each month, and around both changes of clocks.
YEAR = 2024
SPANS = (
    (date(YEAR, 1, 1), 1),
    *((date(YEAR, month, 1) - timedelta(1), 2) for month in range(2, 11)),
    (date(YEAR, 3, 9), 3),
    (date(YEAR, 10, 31), 5),
    (date(YEAR, 11, 30), 2),
    (date(YEAR, 12, 31), 1),
)
# More rows in a month than a row group has, so that threads can get in each other's way.
LARGE = date(2010, 7, 1)


@dataclass(frozen=True)
class Round:
    """A raw folder, the truth of each case and where it was published."""

    raw: Path
    truths: Path
    out: Path

    def published(self, iso: str, dataset: str, year: int) -> Path:
        return self.out / "parquet" / iso / dataset / f"{dataset}_{year}.parquet"

    def truth(self, case: str, iso: str, dataset: str) -> Path:
        return self.truths / case / "truth" / iso / f"{dataset}.parquet"


@dataclass(frozen=True)
class Rounds:
    """The builds of this module: the cases, and the cases again under other conditions."""

    cases: Round
    again: Round
    runs: tuple[Ran, ...]


def write_year(cases: Round) -> None:
    """Write the days of the year among the cases, and their truth as that of one."""
    truths: dict[tuple[str, str], list[Path]] = {dataset: [] for dataset in DATASETS}
    for number, (start, days) in enumerate(SPANS):
        plain = cases.truths / f"{YEAR}-{number}"
        write_sample(plain, isos=OPERATORS, start=start, days=days, nodes=NODES)
        for report in REPORTS:
            for path in files_of(plain, report):
                move(path, cases.raw / report / path.name)
        for iso, dataset in DATASETS:
            truths[iso, dataset].append(plain / "truth" / iso / f"{dataset}.parquet")
    for (iso, dataset), paths in truths.items():
        target = cases.truth(str(YEAR), iso, dataset)
        target.parent.mkdir(parents=True, exist_ok=True)
        with connect() as con:
            con.execute(f"copy (from read_parquet({[str(path) for path in paths]})) to '{target}'")


def write_decoy(source: str, target: str) -> None:
    Path(target).write_text(f"nothing of {Path(source).name}\n")


@pytest.fixture(scope="module")
def rounds(tmp_path_factory: pytest.TempPathFactory) -> Rounds:
    folder = tmp_path_factory.mktemp("rounds")
    cases = Round(folder / PLAIN_ROOT, folder / "plain", folder / "out")
    for case in CASES:
        plain = cases.truths / case.name
        write_sample(plain, start=case.start, days=case.days, nodes=NODES, options=case.options)
        case.arrange(plain, cases.raw, case.name)
    write_year(cases)
    write_sample(cases.raw, isos=["pjm"], start=LARGE, days=31, nodes=180)
    again = Round(folder / ODD_ROOT, cases.truths, folder / f"{ODD_ROOT} out")
    shutil.copytree(cases.raw, again.raw)
    shutil.copytree(cases.raw, folder / DECOY_ROOT, copy_function=write_decoy)
    # A failed case must not hide the others, so a test looks at the exit codes.
    runs = (
        build(cases.raw, cases.out, *OPERATORS, "--threads", "2", check=None),
        build(again.raw, again.out, *OPERATORS, "--threads", "1", check=None),
    )
    return Rounds(cases, again, runs)


@pytest.fixture(scope="module")
def cases(rounds: Rounds) -> Round:
    return rounds.cases


# The tests.


def test_builds_say_that_everything_is_published(rounds: Rounds) -> None:
    """Nothing is held back; pieces that were cut with a header and no line are told of."""
    pieces = [path for path in rounds.cases.raw.rglob("*.csv") if "split" in path.parts]
    empty = [path for path in pieces if len(path.read_bytes().splitlines()) == 1]
    expected = {
        f"refused {path.relative_to(rounds.cases.raw)}: has a header and no rows: download it"
        " again, or remove it if there are none"
        for path in empty
    }
    assert expected
    for run in rounds.runs:
        assert run.exit_code == 3, run.output
        held_back = ("refused", "rejected", "failed", "not published", "stopped")
        assert {line for line in run.says if line.startswith(held_back)} == expected


@pytest.mark.parametrize(("iso", "dataset"), DATASETS)
def test_a_year_of_both_operators_is_published_as_the_truth(
    cases: Round, iso: str, dataset: str
) -> None:
    found = cases.published(iso, dataset, YEAR)
    assert_equals_truth(found, cases.truth(str(YEAR), iso, dataset))


@pytest.mark.parametrize(("iso", "dataset"), DATASETS)
def test_each_location_has_the_hours_of_each_day(cases: Round, iso: str, dataset: str) -> None:
    with connect() as con:
        counted = con.execute(f"""
            select delivery_date, settlement_location_id, count(*), count(distinct datetime_utc)
            from {rows_of(cases.published(iso, dataset, YEAR))}
            group by all
        """).fetchall()
    hours = {date(2024, 3, 10): 23, date(2024, 11, 3): 25}
    assert {day for day, *_ in counted} >= hours.keys()
    assert not [row for row in counted if set(row[2:]) != {hours.get(row[0], 24)}]
    days = {start + timedelta(number) for start, count in SPANS for number in range(count)}
    assert {day for day, *_ in counted} == days
    assert len(counted) == len(days) * len({location for _, location, *_ in counted})


@pytest.mark.parametrize(("iso", "dataset"), DATASETS)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_way_files_come_changes_no_row(
    cases: Round, case: Case, iso: str, dataset: str
) -> None:
    winners = {key: won for key, won in winners_of(cases.raw, case.name).items() if key[0] == iso}
    assert_equals_truth(
        cases.published(iso, dataset, case.year), cases.truth(case.name, iso, dataset), winners
    )


@pytest.mark.parametrize("case", ["zip", "gz"])
@pytest.mark.parametrize(("iso", "dataset"), DATASETS)
def test_the_source_of_packed_rows_is_the_file_and_its_member(
    cases: Round, case: str, iso: str, dataset: str
) -> None:
    """The generator names sources without the case's folder; all else is its own claim."""
    year = {"zip": 2014, "gz": 2016}[case]
    with connect() as con:
        found, expected = (
            con.execute(f"select distinct data_source from {rows_of(path)} order by all").fetchall()
            for path in (
                cases.published(iso, dataset, year),
                cases.truth(case, iso, dataset),
            )
        )
    assert [source.replace(f"/{case}/", "/") for (source,) in found] == [s for (s,) in expected]


def test_members_of_nested_zips_are_named_all_the_way(cases: Round) -> None:
    path = cases.published("pjm", "da_energy_hourly_nodal", 2015)
    with connect() as con:
        sources = con.execute(f"select distinct data_source from {rows_of(path)}").fetchall()
    folder = "pjm/da_hrl_lmps/zip of zips/all of it.zip!months"
    days = ("20150530", "20150531", "20150601", "20150602")
    assert sorted(source for (source,) in sources) == [
        f"{folder}/da_hrl_lmps_{day}.zip!da_hrl_lmps_{day}.csv" for day in days
    ]


def test_same_input_gives_the_same_bytes(rounds: Rounds) -> None:
    """In another folder, whose name is a pattern, and with another number of threads."""
    first, second = (
        {
            path.relative_to(one.out).as_posix(): path.read_bytes()
            for path in sorted((one.out / "parquet").rglob("*.parquet"))
        }
        for one in (rounds.cases, rounds.again)
    )
    assert list(first) == list(second)
    assert len(first) == 3 * (len(CASES) + 1) + 2
    assert [path for path, content in first.items() if content != second[path]] == []
    with connect() as con:
        groups = con.execute(
            "select num_row_groups from parquet_file_metadata(?)",
            [str(rounds.cases.published("pjm", "da_energy_hourly_nodal", LARGE.year))],
        ).fetchone()
    assert groups is not None and groups[0] > 1


def test_a_month_of_several_row_groups_is_published_as_the_truth(cases: Round) -> None:
    for dataset in ("da_energy_hourly_nodal", "da_energy_hourly_hub"):
        truth = cases.raw / "truth" / "pjm" / f"{dataset}.parquet"
        assert_equals_truth(cases.published("pjm", dataset, LARGE.year), truth)


def year_files(rounds: Rounds) -> list[Path]:
    return sorted((rounds.cases.out / "parquet").rglob("*.parquet"))


def test_all_years_have_the_24_columns_in_order(rounds: Rounds) -> None:
    with connect() as con:
        for path in year_files(rounds):
            described = con.execute(f"describe from read_parquet({sql_text(path)})").fetchall()
            assert [(name, kind) for name, kind, *_ in described] == list(ENERGY_COLUMNS.items())


def test_all_years_have_one_schema_down_to_nullability(rounds: Rounds) -> None:
    with connect() as con:
        schemas = {
            tuple(
                con.execute(f"""
                    select name, type, repetition_type, converted_type, logical_type::varchar
                    from parquet_schema({sql_text(path)})
                """).fetchall()
            )
            for path in year_files(rounds)
        }
    assert len(schemas) == 1


def open_catalog(out: Path) -> duckdb.DuckDBPyConnection:
    return duckdb.connect(str(out / "catalog.duckdb"), read_only=True)


def counts(con: duckdb.DuckDBPyConnection, names: Iterable[str]) -> dict[str, int]:
    return {name: con.execute(f'select count(*) from "{name}"').fetchall()[0][0] for name in names}


@pytest.mark.parametrize("name", ["cases", "again"])
def test_the_catalog_has_a_view_per_dataset_and_one_over_all(rounds: Rounds, name: str) -> None:
    """Also where the path of the output folder is a pattern."""
    with open_catalog(getattr(rounds, name).out) as con:
        views = {
            name
            for (name,) in con.execute(
                "select view_name from duckdb_views() where not internal and schema_name = 'main'"
            ).fetchall()
        }
        rows = counts(con, views)
    of_datasets = {f"{iso}_{dataset}" for iso, dataset in DATASETS}
    assert views == of_datasets | {"energy_prices", "price_panel", "locations"}
    parts = (rows["pjm_da_energy_hourly_nodal"], rows["nyiso_da_energy_hourly"])
    assert rows["energy_prices"] == sum(parts)
    assert rows["pjm_da_energy_hourly_hub"] > 0


def test_hub_rows_come_once_in_energy_prices(cases: Round) -> None:
    with open_catalog(cases.out) as con:
        repeated = con.execute("""
            select iso, datetime_utc::varchar, settlement_location_id
            from energy_prices
            group by all
            having count(*) > 1
            limit 3
        """).fetchall()
        hubs = con.execute("""
            select count(*) from energy_prices
            where iso = 'PJM' and settlement_location_type = 'HUB'
        """).fetchone()
        assert hubs == con.execute("select count(*) from pjm_da_energy_hourly_hub").fetchone()
    assert repeated == []


def test_pyarrow_reads_all_years_as_one_dataset(cases: Round) -> None:
    for iso, dataset in DATASETS:
        table = ds.dataset(str(cases.out / "parquet" / iso / dataset), format="parquet").to_table()
        assert table.column_names == list(ENERGY_COLUMNS)
        assert {str(table.schema.field(name).type) for name in ("datetime_utc", "lmp_total")} == {
            "timestamp[us, tz=UTC]",
            "double",
        }
        with open_catalog(cases.out) as con:
            assert counts(con, [f"{iso}_{dataset}"]) == {f"{iso}_{dataset}": table.num_rows}


def test_status_tells_of_every_year_file(cases: Round) -> None:
    told = {row["path"] for row in status(cases.out)["datasets"] if row["state"] == "published"}
    assert told == set(published(cases.out))
