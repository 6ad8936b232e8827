"""What only the rows of a year file tell: coverage by day, prices by month and by local hour.

The rows of a month are read once, when they are new, however often the file around them is written
again: those of a large one while the next is loaded, all others when they are published. The
figures are kept in the working database; where that is lost, they are computed again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby
from pathlib import Path

import duckdb

from unified_iso.catalog import year_files_sql
from unified_iso.database import transaction
from unified_iso.families import Family
from unified_iso.footers import Entry, series_of
from unified_iso.machine import is_of_machine
from unified_iso.quality.queries import query
from unified_iso.sql import quoted_name, quoted_text
from unified_iso.workspace import Workspace

# Months are read together up to here; a month of five-minute prices of all nodes may have more.
ROWS_AT_ONCE = 10_000_000
# A part with fewer costs more read alone than with its neighbours.
FEWEST_ROWS_ALONE = 1_000_000
_TABLES = ("figured_months", "day_figures", "price_figures", "hour_figures")
_QUERIES = ("keep_day_figures", "group_prices", "keep_price_figures", "keep_hour_figures")
# In front of the path of figures that are of a file to be published, and of none that is.
_UNPUBLISHED = "unpublished:"
# Between the columns of a series that has several.
_SEPARATOR = "chr(31)"

# Months of one year file, and what each is made of.
Months = dict[date, str]


@dataclass(frozen=True)
class _Month:
    """A month of a year file whose figures are to be computed."""

    month: date
    made_of: str
    rows: int


def keep_figures(
    workspace: Workspace,
    cursor: duckdb.DuckDBPyConnection,
    files: Iterable[Entry],
    families: Mapping[str, Family],
    go_on: Callable[[], None] = lambda: None,
) -> None:
    """Let the working database have the figures of these year files, and of no others.

    files: entries of the manifest.
    go_on: is called before each piece of work; it raises where the run was interrupted.

    A file that can't be read has no figures: the table of months tells why.

    Raises:
        duckdb.Error: the machine lacks something, such as disk space.
    """
    known = {
        (path, month): made_of
        for path, month, made_of in cursor.execute(
            "select path, month, made_of from inventory.figured_months"
        ).fetchall()
    }
    wanted = {entry["path"]: list(_months_of(entry, families)) for entry in files}
    current = {(path, m.month): m.made_of for path, months in wanted.items() for m in months}
    known |= _take_over(cursor, current, known)
    _forget(cursor, [key for key, made_of in known.items() if current.get(key) != made_of])
    for entry in files:
        path = entry["path"]
        missing = {m for m in wanted[path] if known.get((path, m.month)) != m.made_of}
        for months in _groups(wanted[path], missing):
            go_on()
            _keep_months(workspace, cursor, entry, families, months)


def keep_figures_of_part(
    cursor: duckdb.DuckDBPyConnection,
    entry: Entry,
    file: Path,
    families: Mapping[str, Family],
) -> None:
    """Compute the figures of a month before it is published; `keep_figures` takes them over then.

    entry: what the manifest will say of the year file, with the part of this month alone.
    file: the part.

    Where the file can't be read nothing is kept, and `keep_figures` meets the same and says why.
    """
    [month] = _months_of(entry, families)
    path = f"{_UNPUBLISHED}{entry['path']}"
    _forget(cursor, [(path, month.month)])
    with suppress(duckdb.Error), transaction(cursor):
        _compute(cursor, entry | {"path": path}, file, families, [month.month])
        _add_months(cursor, path, [month], None)


def _take_over(
    cursor: duckdb.DuckDBPyConnection,
    current: Mapping[tuple[str, date], str],
    known: Mapping[tuple[str, date], str],
) -> dict[tuple[str, date], str]:
    """Let figures that were computed before their files were published be those of the files."""
    taken = {
        (path, month): made_of
        for (path, month), made_of in current.items()
        if known.get((path, month)) != made_of
        and known.get((f"{_UNPUBLISHED}{path}", month)) == made_of
    }
    _forget(cursor, [*taken])
    if taken:
        renamed = [[path, f"{_UNPUBLISHED}{path}", month] for path, month in taken]
        with transaction(cursor):
            for table in _TABLES:
                cursor.executemany(
                    f"update inventory.{table} set path = $1 where path = $2 and month = $3",
                    renamed,
                )
    return taken


def digest_of_manifest(workspace: Workspace, families: Mapping[str, Family]) -> str:
    """Return a digest of all that decides the figures: it is quicker than to look at each file."""
    told = f"{_questions()} {sorted((f.name, f.price, f.unit) for f in families.values())}"
    return hashlib.sha256(workspace.manifest.read_bytes() + told.encode()).hexdigest()


def _months_of(entry: Entry, families: Mapping[str, Family]) -> Iterator[_Month]:
    """Tell the months of a year file; equal parts and equal questions have equal figures."""
    family = families.get(entry.get("family", ""))
    asked = [family.price, family.unit] if family else []
    facts = [_questions(), entry["fingerprint"], entry["iso"], entry["step_minutes"], asked]
    for month, parts in groupby(entry["parts"], key=lambda part: str(part["part"])[:7]):
        of_month = list(parts)
        told = json.dumps([*facts, *([part["digest"], part["rows"]] for part in of_month)])
        yield _Month(
            date.fromisoformat(f"{month}-01"),
            hashlib.sha256(told.encode()).hexdigest(),
            sum(part["rows"] for part in of_month),
        )


def _questions() -> str:
    return hashlib.sha256("".join(map(query, _QUERIES)).encode()).hexdigest()


def _forget(cursor: duckdb.DuckDBPyConnection, months: Sequence[tuple[str, date]]) -> None:
    if not months:
        return
    with transaction(cursor):
        for table in _TABLES:
            cursor.executemany(
                f"delete from inventory.{table} where path = $1 and month = $2", months
            )


def _groups(months: Iterable[_Month], missing: Collection[_Month]) -> Iterator[list[_Month]]:
    """Take missing months together that are neighbours and have few rows.

    Each reading has a price of its own, and what lies between the months of one is read, too.
    """
    group: list[_Month] = []
    for month in months:
        is_full = sum(m.rows for m in group) + month.rows > ROWS_AT_ONCE
        if group and (is_full or month not in missing):
            yield group
            group = []
        if month in missing:
            group.append(month)
    if group:
        yield group


def _keep_months(
    workspace: Workspace,
    cursor: duckdb.DuckDBPyConnection,
    entry: Entry,
    families: Mapping[str, Family],
    months: Sequence[_Month],
) -> None:
    fault = None
    try:
        with transaction(cursor):
            file = workspace.out / entry["path"]
            _compute(cursor, entry, file, families, [m.month for m in months])
    except duckdb.Error as error:
        if is_of_machine(error) or isinstance(error, duckdb.InterruptException):
            raise
        fault = str(error).replace(str(workspace.out), "").splitlines()[0]
    with transaction(cursor):
        _add_months(cursor, entry["path"], months, fault)


def _add_months(
    cursor: duckdb.DuckDBPyConnection, path: str, months: Iterable[_Month], fault: str | None
) -> None:
    cursor.executemany(
        "insert into inventory.figured_months values ($1, $2, $3, $4)",
        [[path, m.month, m.made_of, fault] for m in months],
    )


def _compute(
    cursor: duckdb.DuckDBPyConnection,
    entry: Entry,
    file: Path,
    families: Mapping[str, Family],
    months: Sequence[date],
) -> None:
    family = families.get(entry.get("family", ""))
    rows = year_files_sql([file])
    cursor.execute(
        f"create or replace temp view year_rows as {_rows_sql(cursor, rows, entry, family)}"
    )
    days = {"first_day": months[0], "last_day": _last_day(months[-1])}
    path = {"path": entry["path"]}
    cursor.execute(query("keep_day_figures"), days | path | {"time_zone": _zone(cursor, entry)})
    if family is not None:
        cursor.execute(query("group_prices"), days)
        cursor.execute(query("keep_price_figures"), path)
        cursor.execute(query("keep_hour_figures"), path)
        cursor.execute("drop table price_groups")
    cursor.execute("drop view year_rows")


def _rows_sql(
    cursor: duckdb.DuckDBPyConnection, rows: str, entry: Entry, family: Family | None
) -> str:
    """Return the SQL of the columns that figures are made of; a family may lack some of them."""
    described = cursor.execute(f"describe select * from {rows}").fetchall()
    columns = {name for name, *_ in described}
    unit = quoted_text(family.unit) if family and family.unit else "null"
    series = ", ".join(quoted_name(column) for column in series_of(entry))
    seconds = f"{int(entry['step_minutes']) * 60}::bigint"
    if entry.get("own_ends"):
        seconds = "date_diff('second', datetime_utc, interval_end_utc)"
    items = (
        "delivery_date",
        f"{'market_type' if 'market_type' in columns else 'null'}::varchar as market_type",
        f"{'unit' if 'unit' in columns else unit}::varchar as unit",
        f"{'delivery_hour - 1' if 'delivery_hour' in columns else 'null'}::utinyint as local_hour",
        f"{quoted_name(family.price) if family else 'null'}::double as price",
        f"{seconds} as seconds",
        f"{series if ',' not in series else f'concat_ws({_SEPARATOR}, {series})'} as series",
    )
    return f"select {', '.join(items)} from {rows}"


def _zone(cursor: duckdb.DuckDBPyConnection, entry: Entry) -> str:
    """Return the time zone of the operator; without one days would have 24 hours of UTC."""
    found = cursor.execute(
        "select time_zone from inventory.markets where iso = $1", [entry["iso"]]
    ).fetchall()
    return str(found[0][0]) if found else "UTC"


def _last_day(month: date) -> date:
    following = (month + timedelta(days=31)).replace(day=1)
    return following - timedelta(days=1)
