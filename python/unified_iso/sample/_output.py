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
from zipfile import ZipFile

import duckdb

from ._books import undated, write_book, write_resaved
from ._common import Packaging, SampleOptions
from ._market import File

Task = Callable[[duckdb.DuckDBPyConnection], Path]


@dataclass(frozen=True, slots=True)
class Selected:
    """A file of a report, with the SQL of its rows and its line end."""

    file: File
    sql: str
    line_end: str


@contextmanager
def database(options: SampleOptions) -> Iterator[duckdb.DuckDBPyConnection]:
    """An in-memory database within `options.memory_limit`, spilling to the temporary folder.

    Each query runs on the thread that asks for it alone: files are written in parallel instead,
    which scales better and keeps the order of rows, and so the bytes, free of scheduling.
    """
    with TemporaryDirectory() as spill:
        config: dict[str, str | bool | int | float | list[str]] = {
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
    """Create table `name` with `columns` (SQL) and fill it with `rows`, which may be none."""
    values = [list(column) for column in zip(*rows, strict=True)]
    con.execute(f"create table {name} ({columns})")
    if values:
        places = ", ".join(["unnest(?)"] * len(values))
        con.execute(f"insert into {name} select {places}", values)


def decimal_sql(expression: str, places: int) -> str:
    """SQL that prints an integer expression of at most 17 - `places` digits with `places` decimals.

    A product of decimals, because printf takes several times as long.
    """
    one = f"0.{'1'.zfill(places)}::decimal({places + 1}, {places})"
    return f"({expression})::decimal({17 - places}, 0) * {one}"


def short_sql(expression: str, places: int) -> str:
    """SQL that prints like `decimal_sql` without zeros at the end, nor a point before them."""
    return f"rtrim(rtrim(({decimal_sql(expression, places)})::varchar, '0'), '.')"


def raw_tasks(folder: Path, found: Sequence[Selected], packaging: Packaging) -> list[Task]:
    """One task per file on disk; what one container holds must stand next to each other."""
    return [
        partial(_write_container, folder / container, tuple(group), packaging)
        for container, group in groupby(found, key=lambda each: each.file.container(packaging))
    ]


def _write_container(
    path: Path, found: Sequence[Selected], packaging: Packaging, con: duckdb.DuckDBPyConnection
) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    first = found[0]
    if first.file.book:
        sheets = ((each.file.name, con.execute(each.sql)) for each in found)
        write_book(path, first.file.book, sheets)
    elif first.file.resaved:
        write_resaved(path, con.execute(first.sql))
    elif packaging == "zip":
        _write_zip(con, path, found)
    else:
        _copy_csv(con, path, first, "gzip" if packaging == "csv.gz" else "none")
    return path


def _copy_csv(con: duckdb.DuckDBPyConnection, path: Path, each: Selected, compression: str) -> None:
    above, below = each.file.above, each.file.below
    frame = f"prefix {_text(above)}, suffix {_text(below)}," if above else ""
    con.execute(f"""
        copy ({each.sql}) to {_literal(path)} (
            format csv,
            header {not above},
            {frame}
            quote '',
            escape '',
            new_line '{each.line_end}',
            compression {compression}
        )
    """)


def _write_zip(con: duckdb.DuckDBPyConnection, path: Path, found: Sequence[Selected]) -> None:
    with TemporaryDirectory() as folder, ZipFile(path, "w") as archive:
        for each in found:
            unpacked = Path(folder, each.file.name)
            _copy_csv(con, unpacked, each, "none")
            _add_member(archive, unpacked)
            unpacked.unlink()


def _add_member(archive: ZipFile, unpacked: Path) -> None:
    info = undated(unpacked.name)
    info.file_size = unpacked.stat().st_size
    with unpacked.open("rb") as source, archive.open(info, "w") as target:
        shutil.copyfileobj(source, target, 1 << 20)


def truth_task(path: Path, select: str) -> Task:
    """A task that writes the rows of `select` to `path`."""
    return partial(_write_truth, path, select)


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
