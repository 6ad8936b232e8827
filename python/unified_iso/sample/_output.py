"""From DuckDB tables to raw files in their packaging, and to the truth beside them."""

import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import duckdb

from ._common import CONGESTION_SQL, LOSS_SQL, TOTAL_SQL, Packaging, SampleOptions

CRLF = r"\r\n"
LF = r"\n"

UNIX = 3

Task = Callable[[duckdb.DuckDBPyConnection], Path]


@dataclass(frozen=True, slots=True)
class Member:
    """One CSV of a report: folder and name, the archive it belongs in, its rows and line end.

    `select` is SQL whose column names are the header; text with a comma or quote is written as it
    is, so a report that quotes its cells has the quotes in them.
    above, below: text around the rows of a report that frames them, in place of the header line and
    of the line end of the last row; both or neither.
    """

    folder: str
    name: str
    archive: str
    select: str
    line_end: str
    above: str = ""
    below: str = ""

    def container(self, packaging: Packaging) -> str:
        """Path of the file on disk that holds this CSV, relative to the raw folder."""
        name = {"csv": self.name, "csv.gz": f"{self.name}.gz", "zip": self.archive}[packaging]
        return f"{self.folder}/{name}"

    def source(self, packaging: Packaging) -> str:
        """What data_source says of a row of this CSV: the container, `!member` added for a zip."""
        container = self.container(packaging)
        return f"{container}!{self.name}" if packaging == "zip" else container


@contextmanager
def database(options: SampleOptions) -> Iterator[duckdb.DuckDBPyConnection]:
    """An in-memory database within `options.memory_limit`, spilling to the temporary folder.

    Each query runs on the thread that asks for it alone: files are written in parallel instead,
    which scales better and keeps the order of rows, and so the bytes, free of scheduling.
    """
    with TemporaryDirectory() as spill:
        config = {
            "memory_limit": options.memory_limit,
            "temp_directory": spill,
            "threads": 1,
            "preserve_insertion_order": True,
        }
        with duckdb.connect(config=config) as con:
            yield con


def load_table(
    con: duckdb.DuckDBPyConnection, name: str, columns: str, rows: Iterable[tuple[object, ...]]
) -> None:
    """Create table `name` with `columns` (SQL) and fill it with `rows`, one or more."""
    values = [list(column) for column in zip(*rows, strict=True)]
    con.execute(f"create table {name} ({columns})")
    con.execute(f"insert into {name} select {', '.join(['unnest(?)'] * len(values))}", values)


def decimal_sql(expression: str, places: int) -> str:
    """SQL that prints an integer expression of at most 17 - `places` digits with `places` decimals.

    A product of decimals, because printf takes several times as long.
    """
    one = f"0.{'1'.zfill(places)}::decimal({places + 1}, {places})"
    return f"({expression})::decimal({17 - places}, 0) * {one}"


def raw_tasks(out: Path, members: Sequence[Member], packaging: Packaging) -> list[Task]:
    """One task per file on disk; members of one archive must stand next to each other."""
    return [
        partial(_write_container, out / container, tuple(group), packaging)
        for container, group in groupby(members, key=lambda member: member.container(packaging))
    ]


def _write_container(
    path: Path, members: Sequence[Member], packaging: Packaging, con: duckdb.DuckDBPyConnection
) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    if packaging == "zip":
        _write_zip(con, path, members)
    else:
        _copy_csv(con, path, members[0], "gzip" if packaging == "csv.gz" else "none")
    return path


def _copy_csv(con: duckdb.DuckDBPyConnection, path: Path, member: Member, compression: str) -> None:
    frame = f"prefix {_text(member.above)}, suffix {_text(member.below)}," if member.above else ""
    con.execute(f"""
        copy ({member.select}) to {_literal(path)} (
            format csv,
            header {not member.above},
            {frame}
            quote '',
            escape '',
            new_line '{member.line_end}',
            compression {compression}
        )
    """)


def _write_zip(con: duckdb.DuckDBPyConnection, path: Path, members: Sequence[Member]) -> None:
    with TemporaryDirectory() as folder, ZipFile(path, "w") as archive:
        for member in members:
            unpacked = Path(folder, member.name)
            _copy_csv(con, unpacked, member, "none")
            _add_member(archive, unpacked)
            unpacked.unlink()


def undated(name: str) -> ZipInfo:
    """An archive's entry with a fixed date: the same sample has the same bytes."""
    info = ZipInfo(name)
    info.compress_type = ZIP_DEFLATED
    info.create_system = UNIX
    return info


def _add_member(archive: ZipFile, unpacked: Path) -> None:
    info = undated(unpacked.name)
    info.file_size = unpacked.stat().st_size
    with unpacked.open("rb") as source, archive.open(info, "w") as target:
        shutil.copyfileobj(source, target, 1 << 20)


@dataclass(frozen=True, slots=True)
class EnergyTruth:
    """One dataset, or a stretch of time of it, in the 24-column energy schema.

    intervals: table, or query in brackets, with INTERVAL_COLUMNS, PRICE_COLUMNS and version, in
        time order.
    locations: SQL giving settlement_location, settlement_location_id, settlement_location_type,
        zone, voltage_kv and SENSITIVITY_COLUMNS.
    ticks: ticks to the dollar. minutes: length of an interval.
    total: SQL of the total price in ticks, over the columns of both, congestion and loss.
    energy: SQL of the energy price in ticks, over the columns of both.
    has_components: whether the market publishes the parts of a price.
    system_lambda: SQL of the system's price in dollars; None for the energy price.
    data_source: SQL over the columns of both.
    """

    iso: str
    intervals: str
    locations: str
    ticks: int
    market_type: Literal["DA", "RT"] = "DA"
    minutes: int = 60
    total: str = TOTAL_SQL
    energy: str = "energy"
    has_components: bool = True
    system_lambda: str | None = None
    data_source: str = "data_source"

    @property
    def delivery_interval(self) -> str:
        """SQL of the interval's number within its clock hour, 0 if it is the hour."""
        return "0" if self.minutes == 60 else f"minute(local_start) // {self.minutes} + 1"

    def component(self, ticks: str) -> str:
        """SQL of a part of the price, in dollars; `ticks` is SQL of it in ticks."""
        return f"({ticks}) / {self.ticks}" if self.has_components else "null::double"


def locations_by_name_sql(
    table: str,
    *more: str,
    location_type: str = "location_type",
    zone: str = "null::varchar",
    where: str = "true",
) -> str:
    """SQL of the `locations` of a truth, with `more` columns, where a name is also the id."""
    columns = "".join(f"{column}, " for column in more)
    return f"""
        select
            name as settlement_location,
            name as settlement_location_id,
            {location_type} as settlement_location_type,
            {zone} as zone,
            null::double as voltage_kv,
            {columns}
            shift_1,
            shift_2,
            shift_3,
            loss_ppm
        from {table}
        where {where}
    """


def energy_truth_task(path: Path, *truths: EnergyTruth) -> Task:
    """A task that writes `truths`, which follow each other in time, to `path`."""
    return partial(_write_truth, path, " union all ".join(map(_energy_truth_sql, truths)))


def _energy_truth_sql(truth: EnergyTruth) -> str:
    return f"""
        select
            make_timestamptz(start_us) as datetime_utc,
            local_start as datetime_local,
            make_timestamptz(start_us) as interval_start_utc,
            make_timestamptz(start_us + {truth.minutes * 60_000_000}) as interval_end_utc,
            delivery_date,
            delivery_hour,
            ({truth.delivery_interval})::utinyint as delivery_interval,
            {truth.minutes}::utinyint as interval_minutes,
            '{truth.iso}' as iso,
            '{truth.market_type}' as market_type,
            settlement_location,
            settlement_location_type,
            settlement_location_id,
            zone,
            voltage_kv,
            ({truth.total}) / {truth.ticks} as lmp_total,
            {truth.component(truth.energy)} as lmp_energy,
            {truth.component("congestion")} as lmp_congestion,
            {truth.component("loss")} as lmp_loss,
            {truth.system_lambda or f"({truth.energy}) / {truth.ticks}"} as system_lambda,
            dst_flag,
            {truth.data_source} as data_source,
            version,
            true as is_current
        from (
            select
                *,
                {CONGESTION_SQL} as congestion,
                {LOSS_SQL} as loss
            from ({_every_location_sql(truth.intervals, truth.locations)})
        )
    """


def _every_location_sql(intervals: str, locations: str) -> str:
    # Intervals are stored in order and the list of locations is sorted once, so unnesting it row by
    # row streams rows in their final order: a year of all PJM locations is too much to sort.
    return f"""
        select
            period.*,
            unnest(every.location, max_depth := 2)
        from {intervals} as period
        cross join (
            select list(
                place order by settlement_location, settlement_location_id
            ) as location
            from ({locations}) as place
        ) as every
    """


def _write_truth(path: Path, select: str, con: duckdb.DuckDBPyConnection) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    con.execute(f"copy ({select}) to {_literal(path)} (format parquet, compression zstd)")
    return path


def _literal(path: Path) -> str:
    return _text(str(path))


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def run_tasks(
    con: duckdb.DuckDBPyConnection,
    tasks: Sequence[Task],
    threads: int,
    progress: Callable[[int, int], None],
) -> list[Path]:
    """Run `tasks` on `threads` threads and return their paths in the order of the tasks.

    `progress` is called in the caller's thread with tasks done and tasks in all. The first error
    is raised after the tasks already running have ended; no further ones are begun.
    """
    pool = ThreadPoolExecutor(max_workers=threads)
    try:
        futures = [pool.submit(_run_task, con, task) for task in tasks]
        for done, future in enumerate(as_completed(futures), start=1):
            future.result()
            progress(done, len(tasks))
        return [future.result() for future in futures]
    finally:
        pool.shutdown(cancel_futures=True)


def _run_task(con: duckdb.DuckDBPyConnection, task: Task) -> Path:
    with con.cursor() as cursor:
        return task(cursor)
