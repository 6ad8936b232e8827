"""The rows of one year file: schema, order, grain, values and calendar, as streaming SQL."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from unified_iso.contracts import Clock
from unified_iso.families import Family
from unified_iso.footers import Entry
from unified_iso.machine import is_of_machine
from unified_iso.sql import quoted_name, quoted_text, sql_text
from unified_iso.verify.faults import Fault
from unified_iso.year_files import gaps_of, summary_of

# Column and type: what the calendar is judged by. A family may lack some.
_CLOCKS = {
    "datetime_local": "timestamp",
    "interval_start_utc": "timestamptz",
    "interval_end_utc": "timestamptz",
    "delivery_date": "date",
    "delivery_hour": "utinyint",
    "delivery_interval": "utinyint",
    "interval_minutes": "utinyint",
    "dst_flag": "varchar",
    "iso": "varchar",
}
_TIME = ("datetime_utc", "interval_start_utc")
# What stands beside the columns of a file in `year_rows`.
_OWN = ("price", "sort_key", "grain_key", "series_key", "labels")


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """What the rows of one dataset have to be; None where nobody can tell.

    columns: name and DuckDB type in their order.
    """

    columns: Sequence[tuple[str, str]] | None
    family: Family | None
    clock: Clock | None


def schema_of(cursor: duckdb.DuckDBPyConnection, path: Path) -> list[tuple[str, str, str]]:
    """Return name, type and nullability of the columns of a Parquet file, in their order.

    Raises:
        duckdb.Error: the file can't be read.
    """
    return cursor.execute(
        "select name, duckdb_type, repetition_type from parquet_schema($1)"
        " where num_children is null order by column_id",
        [str(path)],
    ).fetchall()


def faults_of_schema(
    entry: Entry, found: Sequence[tuple[str, str, str]], promise: Promise
) -> Iterator[Fault]:
    """Compare the columns of a file with the contract."""
    if promise.columns is None:
        return
    columns = [(name, kind) for name, kind, _ in found]
    if columns == list(promise.columns):
        return
    names, promised = dict(columns), dict(promise.columns)
    lacking = [name for name in promised if name not in names]
    unknown = [name for name in names if name not in promised]
    typed = [
        f"{name} is {names[name]}, not {kind}"
        for name, kind in promised.items()
        if name in names and names[name] != kind
    ]
    told = [f"lacks {', '.join(lacking)}"] if lacking else []
    told += [f"has {', '.join(unknown)} beside"] if unknown else []
    told += typed
    if not told:
        told = ["columns stand in another order: " + ", ".join(name for name, _ in columns)]
    yield Fault(entry["path"], "schema", f"its columns are not those of the contract: {told[0]}")
    for more in told[1:]:
        yield Fault(entry["path"], "schema", more)


def faults_of_rows(
    cursor: duckdb.DuckDBPyConnection,
    path: Path,
    entry: Entry,
    columns: Sequence[str],
    promise: Promise,
) -> list[Fault]:
    """Read all rows of a year file, and return what is wrong with them.

    It is for a file with the columns of its contract. Memory does not grow with its rows.

    Raises:
        duckdb.Error: the machine has failed; a file that can't be read is a fault.
    """
    try:
        return list(_faults(cursor, path, entry, columns, promise))
    except duckdb.Error as error:
        if is_of_machine(error):
            raise
        first = str(error).splitlines()[0]
        return [Fault(entry["path"], "values", f"its rows can't be read: {first}")]


def _faults(
    cursor: duckdb.DuckDBPyConnection,
    path: Path,
    entry: Entry,
    columns: Sequence[str],
    promise: Promise,
) -> Iterator[Fault]:
    family = promise.family
    _show_rows(cursor, path, columns, family)
    yield from _faults_of_values(cursor, entry, columns, family)
    if family:
        yield from _faults_of_order(cursor, entry, columns, family)
    cursor.execute(sql_text("verify_clocks"))
    if promise.clock:
        yield from _faults_of_calendar(cursor, entry, promise.clock)
    yield from _faults_of_counts(cursor, path, entry)
    cursor.execute("drop table clocks")


def _show_rows(
    cursor: duckdb.DuckDBPyConnection, path: Path, columns: Sequence[str], family: Family | None
) -> None:
    """Make the view `year_rows`, in which every family calls its keys alike."""
    known = set(columns)
    own = {
        "price": quoted_name(family.price) if family and family.price in known else "0.0",
        "sort_key": _row([c for c in family.order if c in known] if family else []),
        "grain_key": _row([c for c in family.key if c in known] if family else []),
        "series_key": _row([c for c in family.key if c in known - set(_TIME)] if family else []),
        "labels": _row(_labels(family) if family else []),
    }
    lacking = {name: f"null::{kind}" for name, kind in _CLOCKS.items() if name not in known}
    added = ", ".join(f"{sql} as {quoted_name(name)}" for name, sql in (own | lacking).items())
    cursor.execute(
        f"create or replace temp view year_rows as select *, {added}"
        f" from read_parquet({quoted_text(path)}, hive_partitioning = false)"
    )


def _row(columns: Sequence[str]) -> str:
    return f"row({', '.join(map(quoted_name, columns))})" if columns else "row(0)"


def _labels(family: Family) -> list[str]:
    """Return the columns that order rows and tell none apart, such as the name beside the id."""
    return [column for column in family.order if column not in (*family.key, *_TIME)]


def _faults_of_values(
    cursor: duckdb.DuckDBPyConnection,
    entry: Entry,
    columns: Sequence[str],
    family: Family | None,
) -> Iterator[Fault]:
    ran = cursor.execute(sql_text("verify_values"))
    names = [column[0] for column in ran.description]
    counted = dict(zip(names, ran.fetchall()[0], strict=True))
    rows, odd = counted["count_of_rows"], counted["count_of_odd_prices"]
    for column in family.required if family else ():
        if column in columns and (nulls := rows - counted[column]):
            yield Fault(entry["path"], "nulls", f"{column} is null in {_rows(nulls)}")
    if odd:
        price = family.price if family else "price"
        yield Fault(entry["path"], "values", f"{price} is no finite number in {_rows(odd)}")


def _faults_of_order(
    cursor: duckdb.DuckDBPyConnection, entry: Entry, columns: Sequence[str], family: Family
) -> Iterator[Fault]:
    path, order = entry["path"], ", ".join(family.order)
    [(backward, at, repeated, again, key, same)] = cursor.execute(
        sql_text("verify_order")
    ).fetchall()
    if backward:
        yield Fault(
            path,
            "sort",
            f"{_rows(backward)} stand before the row that they follow, in order of {order}: "
            f"first row {at:,} {_plain(key)}",
        )
    if repeated:
        yield Fault(
            path,
            "grain",
            f"{_rows(repeated)} repeat the key of the row before: first row {again:,} "
            f"{_plain(same)}",
        )
    # An order without equal neighbours proves the grain, but for series with several names.
    is_proven = not backward and not repeated
    if is_proven and (not _labels(family) or not _count(cursor, "verify_labels", {})):
        return
    [(keys, first)] = cursor.execute(
        sql_text("verify_grain"), {"only_relabelled": is_proven}
    ).fetchall()
    if keys and not repeated:
        what = ", ".join(family.key)
        yield Fault(
            path, "grain", f"{keys:,} keys have several rows, by {what}: first {_plain(first)}"
        )


def _count(cursor: duckdb.DuckDBPyConnection, query: str, parameters: Mapping[str, Any]) -> int:
    [(count,)] = cursor.execute(sql_text(query), parameters).fetchall()
    return int(count)


def _faults_of_calendar(
    cursor: duckdb.DuckDBPyConnection, entry: Entry, clock: Clock
) -> Iterator[Fault]:
    asked = {"time_zone": clock.time_zone, "step_minutes": entry["step_minutes"]}
    of_rows = asked | {
        "year": entry["year"],
        "iso": entry["iso"],
        "offset_hours": clock.standard_offset_hours,
        "own_ends": bool(entry.get("own_ends")),
    }
    for wrong, rows, first in cursor.execute(sql_text("verify_calendar"), of_rows).fetchall():
        yield Fault(entry["path"], "calendar", f"{wrong} in {_rows(rows)}: first at {first}")
    if entry.get("own_ends"):
        return
    days = cursor.execute(sql_text("verify_days"), asked).fetchall()
    if days:
        day, intervals, expected = days[0]
        yield Fault(
            entry["path"],
            "calendar",
            f"{len(days):,} days have more intervals than hours: "
            f"first {day} with {intervals} instead of {expected}",
        )


def _faults_of_counts(
    cursor: duckdb.DuckDBPyConnection, path: Path, entry: Entry
) -> Iterator[Fault]:
    found = summary_of(cursor, path, entry)
    if "gaps" in entry:
        found["gaps"] = gaps_of(cursor, path, entry)
    wrong = [name for name, value in found.items() if name in entry and entry[name] != value]
    for name in wrong:
        said, has = entry[name], found[name]
        if name == "gaps":
            said, has = f"{said.get('runs')} runs", f"{has['runs']} runs"
        yield Fault(entry["path"], "counts", f"{name}: the manifest says {said}, there are {has}")


def _rows(count: int) -> str:
    return f"{count:,} rows" if count != 1 else "1 row"


def _plain(key: str | None) -> str:
    return str(key).strip("()").replace("'", "")
