"""Writes one part: the SQL of the dataset, unaltered, over the rows that were loaded."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import duckdb

from unified_iso.build.plan import Part
from unified_iso.build.spec import Dataset, Staging
from unified_iso.catalog import year_files_sql
from unified_iso.families import Family
from unified_iso.options import Options
from unified_iso.sql import quoted_name, quoted_text, sql_text


@contextmanager
def loaded_rows(
    cursor: duckdb.DuckDBPyConnection,
    dataset: Dataset,
    where: str = "true",
    short_texts: Sequence[str] = (),
) -> Iterator[None]:
    """Let staging models stand for the loaded rows, on this session and until the block ends.

    The views are replaced in a transaction that is rolled back: other sessions never see it, and
    the SQL of the dataset, which names the views, is run as dbt has compiled it.

    short_texts: columns that are numbers with a dictionary, see `shorten_texts`.
    """
    with _rolled_back(cursor):
        for staging in dataset.staging:
            # Texts are short only where no name or id is to be completed, so nobody asks for these
            # rows, and some of their texts are not in the dictionary.
            is_asked = staging.name not in dataset.names_from or not short_texts
            rows = _rows_of(staging, where if is_asked else "false", short_texts)
            cursor.execute(f"create or replace view {staging.relation} as {rows}")
        cursor.execute(
            "create or replace view inventory.open_files as"
            " select number as raw_file, data_source from temp.opened_files"
        )
        yield


@contextmanager
def rows_of_files(
    cursor: duckdb.DuckDBPyConnection, relation: str, files: Sequence[str], where: str
) -> Iterator[None]:
    """Let a dataset stand for rows of these year files, in the same way."""
    with _rolled_back(cursor):
        cursor.execute(
            f"create or replace view {relation} as"
            f" select * from {year_files_sql(files)} where {where}"
        )
        yield


@contextmanager
def _rolled_back(cursor: duckdb.DuckDBPyConnection) -> Iterator[None]:
    cursor.begin()
    try:
        yield
    finally:
        cursor.rollback()


def _rows_of(staging: Staging, where: str, short_texts: Sequence[str]) -> str:
    short = [f"{name}::{_enum_of(name)} as {quoted_name(name)}" for name in short_texts]
    replaced = f" replace ({', '.join(short)})" if short else ""
    numbered = "" if staging.is_numbered else ", rowid as raw_row"
    return f"select *{replaced}{numbered} from temp.{staging.load_table} where {where}"


def shorten_texts(
    cursor: duckdb.DuckDBPyConnection,
    dataset: Dataset,
    family: Family,
    part: Part,
    options: Options,
) -> list[str]:
    """Make a dictionary of each text of a part that can be held as numbers; return those columns.

    Rows are sorted and encoded for half the cost then. Parquet's writer ends a row group's
    dictionary at the last value that any of its threads has met, and writes the first and the last
    of those as the group's bounds, so that the same rows could give other bytes. Only where the
    first row group, which is written before all others, is sure to hold the first and the last
    value of all are they the same in each group. Repeated rows make nothing sure, because not all
    of them are written, and neither do rows whose name or id is still to be completed.
    """
    if not family.texts:
        return []
    rows = _sound_rows(dataset, (*_key_of_load(dataset, family), *family.texts), part)
    cursor.execute(
        f"create or replace temp table part_texts as select {_listed(family.texts)},"
        f" min(interval_start_utc) as first_interval from ({rows}) group by all"
    )
    if _has_incomplete_rows(cursor, dataset, family, part):
        return []
    bounded = " union all ".join(
        f"select {quoted_text(name)} from sure_rows"
        f" having row(min({quoted_name(name)}), max({quoted_name(name)}))"
        f" = (select row(min({quoted_name(name)}), max({quoted_name(name)})) from part_texts)"
        for name in family.texts
    )
    short = [
        name
        for (name,) in cursor.execute(
            f"""
            with first_rows as (
                select * from ({rows})
                where interval_start_utc = (select min(first_interval) from part_texts)
            ),
            sure_rows as (
                select * from first_rows
                where (select count(*) from first_rows) <= {options.row_group_size}
                qualify count(*) over (partition by {_listed(_key_of_load(dataset, family))}) = 1
            )
            {bounded}
            """
        ).fetchall()
    ]
    for name in short:
        cursor.execute(
            f"create or replace temp type {_enum_of(name)} as enum ("
            f"select distinct {quoted_name(name)} from part_texts"
            f" where {quoted_name(name)} is not null order by all)"
        )
    return short


def _key_of_load(dataset: Dataset, family: Family) -> list[str]:
    """Return the columns of the key that all staging models have; a model may say the market."""
    return [name for name in family.key if all(name in s.columns for s in dataset.staging)]


def _sound_rows(dataset: Dataset, columns: Iterable[str], part: Part) -> str:
    selected = _listed(dict.fromkeys(columns))
    return " union all ".join(
        f"select {selected} from temp.{staging.load_table}"
        f" where set_aside is null and {part.within}"
        for staging in dataset.staging
    )


def _has_incomplete_rows(
    cursor: duckdb.DuckDBPyConnection, dataset: Dataset, family: Family, part: Part
) -> bool:
    incomplete = " union all ".join(
        f"select 1 from temp.{staging.load_table} where set_aside is null"
        f" and {quoted_name(id_)} = {quoted_name(name)} and {part.within}"
        for staging in dataset.staging
        if staging.name in dataset.without_ids
        for id_, name in family.names.items()
    )
    return bool(incomplete) and bool(cursor.execute(f"{incomplete} limit 1").fetchall())


def _enum_of(column: str) -> str:
    return quoted_name(f"load__{column}")


def _listed(columns: Iterable[str]) -> str:
    return ", ".join(map(quoted_name, columns))


def write_part(
    cursor: duckdb.DuckDBPyConnection,
    dataset: Dataset,
    sql: str,
    file: Path,
    options: Options,
) -> None:
    """Write the rows that a dataset's SQL gives now to one Parquet file."""
    file.parent.mkdir(parents=True, exist_ok=True)
    cursor.execute(
        f"copy (select *{_as_words(dataset.words)} from (\n{sql}\n) as dataset) "
        f"to {quoted_text(file)} {options.parquet(options.row_group_size)}"
    )


def _as_words(words: Mapping[str, Sequence[str]]) -> str:
    """Hold columns of a few words as numbers; they are encoded for half the cost."""
    held = ", ".join(
        f"{quoted_name(column)}::enum({', '.join(map(quoted_text, texts))})"
        f" as {quoted_name(column)}"
        for column, texts in words.items()
    )
    return f" replace ({held})" if held else ""


def note_part(
    cursor: duckdb.DuckDBPyConnection, dataset: Dataset, part: Part, file: Path, fingerprint: str
) -> int:
    """Tell the database of a part that was written and when it begins and ends; return its rows."""
    for table in ("new_accounts", "new_parts"):
        cursor.execute(
            f"delete from inventory.{table} where model = $1 and part = $2",
            [dataset.model, part.part],
        )
    [(rows,)] = cursor.execute(
        sql_text("note_part"),
        {
            "model": dataset.model,
            "part": part.part,
            "year": part.year,
            "digest": part.digest,
            "fingerprint": fingerprint,
            "first_instant": part.first_instant,
            "file": str(file),
        },
    ).fetchall()
    return int(rows)
