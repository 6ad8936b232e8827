"""Parses the files of a load once, into a table per staging model, and accounts for each line."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from unified_iso.build import raw
from unified_iso.build.plan import choose_files
from unified_iso.build.spec import Dataset, Node, Project, Staging, is_view
from unified_iso.database import transaction
from unified_iso.families import Family
from unified_iso.machine import is_of_machine
from unified_iso.manifest import NO_DATASET
from unified_iso.options import Options
from unified_iso.raw_files.lines import count_records, open_quote_at
from unified_iso.sql import quoted_name, quoted_text, sql_text

# How `set_aside` begins: the row is at fault, its file is, or it is left out on purpose.
REJECTED, REFUSED, FILTERED = "rejected: ", "refused: ", "filtered: "
# It is at fault unless a file beside it has its rest.
LACKING = "lacking: "
# Of rows of a report that tells names of locations alone; the family's macro knows it too.
READ_FOR_NAMES = f"{FILTERED}joined to the prices for names and ids of locations"


class CantLoad(ValueError):
    """A load fails and no file of it does so alone; the message names the dataset."""


@dataclass(frozen=True)
class Loader:
    """Loads raw files for one dataset on one session, whose temporary tables it fills.

    siblings: all datasets of the operator and the family that read raw files, because rows that
        none of them takes are told of.
    """

    cursor: duckdb.DuckDBPyConnection
    project: Project
    dataset: Dataset
    siblings: Sequence[Dataset]
    family: Family
    options: Options

    def retry_refused_files(self) -> None:
        """Let files that their rows have refused be read again, if what reads them has changed."""
        self.list_readings()
        self.cursor.execute(
            sql_text("retry_refused_files"), {"full_refresh": self.options.full_refresh}
        )

    def find_days(self) -> None:
        """Read nothing but the stamps of the files in `load_files`, and keep which days they cover.

        A file that no day is known of would belong to no part and be left out without a word, so
        it is refused.
        """
        if self._read(look_only=True) is not None:
            self._record_days()
            self.cursor.execute(sql_text("refuse_files_without_time"))
        self._note_what_refused()
        raw.empty_relations(self.cursor, self.dataset.sources)

    def parse(self) -> bool:
        """Parse the files in `load_files`; return whether that can be used.

        It can't if a file had to be refused or has to be read another way: files have to be chosen
        anew then.
        """
        usable = self._parse()
        if not usable:
            self._note_what_refused()
        raw.empty_relations(self.cursor, self.dataset.sources)
        return usable

    def _parse(self) -> bool:
        opened = self._read(look_only=False)
        if opened is None:
            return False
        self._keep_rejected_lines(opened)
        raw.drop_raw_tables(self.cursor, self.dataset.sources)
        self._count([staging.load_table for staging in self.dataset.staging], _COUNTED)
        self._put_lone_rejects_aside()
        if self._read_as_text_instead() or self._changed("refuse_files_by_rows"):
            return False
        self._record_days()
        self._keep_file_rows()
        if self._refuse_unbalanced_files():
            return False
        self._warn_of_lacking_parts()
        self._block_rejected_years()
        return True

    def drop_load(self) -> None:
        """Free the memory of what was loaded."""
        for staging in self.dataset.staging:
            self.cursor.execute(f"drop table if exists temp.{staging.load_table}")

    # Reading

    def _read(self, look_only: bool) -> set[str] | None:
        """Read files; where the reader gives up on one, refuse it and return None."""
        try:
            return self._try_to_read(look_only)
        except _FAULTS_OF_FILES as error:
            if is_of_machine(error):
                raise
            self._refuse_unreadable_files(look_only, str(error))
            return None

    def _try_to_read(self, look_only: bool) -> set[str]:
        for table in ("reject_errors", "reject_scans"):
            self.cursor.execute(f"drop table if exists temp.{table}")
        sources = self.dataset.sources
        opened = raw.open_load(self.cursor, self.project, sources, with_numbers=not look_only)
        if look_only:
            self._look_for_days()
        else:
            for staging in self.dataset.staging:
                self.cursor.execute(self._parsed(staging, opened))
                self._settle_what_lacks(staging)
        return opened

    def _parsed(self, staging: Staging, opened: set[str]) -> str:
        """Return the statement that parses a report.

        A staging model without a file in this load is skipped, because DuckDB spends longer
        planning an empty read than doing the rest. Columns that only words are made of are left.
        """
        left = [] if staging.is_numbered else ["raw_row"]
        left += ["market"] if "market" in staging.columns else []
        columns = f"* exclude ({', '.join(left)})" if left else "*"
        if staging.name in self.dataset.names_from:
            columns += f" replace (coalesce(set_aside, {quoted_text(READ_FOR_NAMES)}) as set_aside)"
        elif staging.is_of_several_markets:
            columns += f" replace ({self._set_aside_of_other_markets()} as set_aside)"
        is_open = any(source.unique_id in opened for source in staging.sources)
        return (
            f"create or replace temp table {staging.load_table} as "
            f"select {columns} from {staging.relation}{'' if is_open else ' limit 0'}"
        )

    def _set_aside_of_other_markets(self) -> str:
        """Return why a row of a report of several markets is not in this dataset, if it is not.

        The model leaves these rows out by itself; here they are counted.
        """
        other = f"{FILTERED}of another market or resolution than this dataset"
        return f"""
            case
                when set_aside like {quoted_text(REFUSED + "%")} then set_aside
                when not ({_is_of_market(self.siblings)})
                    then {quoted_text(NO_DATASET)} || market || ' ('
                        || coalesce(interval_minutes || ' minutes', 'of unknown length') || ')'
                when not ({_is_of_market([self.dataset])}) then {quoted_text(other)}
                else set_aside
            end"""

    def _settle_what_lacks(self, staging: Staging) -> None:
        """Say what becomes of rows whose rest may stand in a file that is not loaded, if any do.

        A file brings rows of parts that are written from another load, with all their files.
        """
        lacks = f"set_aside like {quoted_text(LACKING + '%')}"
        table = f"temp.{staging.load_table}"
        if not self.cursor.execute(f"select 1 from {table} where {lacks} limit 1").fetchall():
            return
        self.cursor.execute(sql_text("days_elsewhere"), {"model": self.dataset.model})
        iso = quoted_text(self.dataset.iso)
        zone = f"(select time_zone from inventory.markets where iso = {iso})"
        self.cursor.execute(
            f"""
            update {table}
            set set_aside = case
                when timezone({zone}, interval_start_utc)::date
                    in (select delivery_date from days_elsewhere)
                    then 'merged: its rest may stand in a file of another load'
                else replace(set_aside, {quoted_text(LACKING)}, {quoted_text(REJECTED)})
            end
            where {lacks}"""
        )

    def _look_for_days(self) -> None:
        """Count rows by nothing but their stamps, except of cumulative books.

        A wrong day of a row that is rejected must not be the last of its book.
        """
        stamps = "raw_file, interval_start_utc, null::varchar as set_aside, raw_lines"
        books = [staging.relation for staging in self.dataset.staging if staging.is_cumulative]
        others = [
            f"(select {stamps} from {staging.relation})"
            for staging in self.dataset.staging
            if not staging.is_cumulative
        ]
        self._count(others + books, _COUNTED)
        if books:
            self._put_lone_rejects_aside()

    def _refuse_unreadable_files(self, look_only: bool, said: str) -> None:
        """Find which files can't be read by reading each alone, and refuse those."""
        execute = self.cursor.execute
        tried = execute("select file_id from opened_files order by number").fetchall()
        refused = False
        for (file_id,) in tried:
            choose_files(self.cursor, [file_id], None)
            try:
                self._try_to_read(look_only)
            except _FAULTS_OF_FILES as error:
                if is_of_machine(error):
                    raise
                fault = str(error).strip().partition("\n")[0]
                refusal = f"can't be read as csv ({fault}): mend it, or download it again"
                execute("insert into files_refused values ($1)", [file_id])
                execute(
                    "update inventory.raw_files set refusal = $2 where file_id = $1",
                    [file_id, refusal],
                )
                refused = True
        if not refused:
            raise CantLoad(f"{self.dataset.model} can't be loaded: {said.strip()}")

    def _count(self, relations: Iterable[str], columns: str) -> None:
        counts = "\nunion all\n".join(
            f"select {columns}, count(*) as rows, sum(raw_lines) as raw_lines"
            f" from {relation} group by all"
            for relation in relations
        )
        self.cursor.execute(f"create or replace temp table load_counts as {counts}")

    # What was found

    def _put_lone_rejects_aside(self) -> None:
        self.cursor.execute(sql_text("lone_rejects_without_time"), {"iso": self.dataset.iso})

    def _keep_rejected_lines(self, opened: set[str]) -> None:
        """Keep the lines that the reader threw out, in tables that it makes when it first reads."""
        self.cursor.execute(
            "delete from inventory.rejected_lines where file_id in (select file_id from load_files)"
        )
        if opened:
            self.cursor.execute(sql_text("keep_rejected_lines"))

    def _changed(self, query: str, **parameters: object) -> bool:
        """Run a query that finds or updates files, and return whether there are any."""
        return bool(self.cursor.execute(sql_text(query), parameters or None).fetchall())

    def _read_as_text_instead(self) -> bool:
        """Let files be read as text whose later stamps don't have the form of the first ones.

        All forms are read then, and the misfit can be told. Returns whether there is such a file.
        """
        stamps = sorted({name for source in self.dataset.sources for name in source.stamps})
        return bool(stamps) and self._changed("read_as_text_instead", stamps=stamps)

    def _record_days(self) -> None:
        """Keep which days the files cover.

        It is one transaction, because the other worker may be writing a part of the same files: it
        counts a row without a time in the first part that its file covers.
        """
        self.cursor.execute(sql_text("observed_days"), {"iso": self.dataset.iso})
        with transaction(self.cursor):
            for query in ("forget_days", "keep_days", "keep_lines_used"):
                self.cursor.execute(sql_text(query))

    def _keep_file_rows(self) -> None:
        """Keep what became of the rows of each file, to be told until the file changes."""
        for query in ("forget_file_rows", "keep_file_rows"):
            self.cursor.execute(sql_text(query), {"model": self.dataset.model})

    def _refuse_unbalanced_files(self) -> bool:
        """Refuse files with lines that no one has read; return whether there are any.

        The inventory counts line ends. Where the reader saw another number, lines are counted one
        by one, because blank lines and line breaks within quotes may be why.
        """
        rows = self.cursor.execute(sql_text("unbalanced_files")).fetchall()
        for file_id, lines_seen in rows:
            recount_lines(self.cursor, file_id, lines_seen)
        return bool(rows) and self._changed("refused_files_of_load")

    def _warn_of_lacking_parts(self) -> None:
        """Keep what each file lacks that its rows are published without, once for each file."""
        model = self.dataset.model
        for query in ("forget_file_warnings", "keep_file_warnings"):
            self.cursor.execute(sql_text(query), {"model": model})
        for source in self.dataset.own_sources:
            if source.wanted:
                self.cursor.execute(
                    sql_text("warn_of_lacking_columns"),
                    {"model": model, "folder": source.report_key, "wanted": list(source.wanted)},
                )
        if self.dataset.has_components and self.family.parts:
            for staging in self.dataset.staging:
                self.cursor.execute(self._warning_of_components(staging), {"model": model})

    def _warning_of_components(self, staging: Staging) -> str:
        """Return the statement that warns of files with rows without a part of their price.

        A column that a file lacks is told already.
        """
        parts = {quoted_name(part): part.rpartition("_")[2] for part in sorted(self.family.parts)}
        counts = ", ".join(f"count(*) filter (where {part} is null) as {part}" for part in parts)
        words = ", ".join(f"case when load.{p} > 0 then '{name}' end" for p, name in parts.items())
        return f"""
            insert into inventory.file_warnings
            select
                $model,
                files.file_id,
                'has ' || greatest({", ".join(f"load.{part}" for part in parts)})
                || ' rows without ' || concat_ws(' or ', {words}) || ': they are published without'
            from (
                select raw_file, {counts}
                from {staging.load_table}
                where set_aside is null and ({" or ".join(f"{part} is null" for part in parts)})
                group by raw_file
            ) as load
            inner join load_files as files on load.raw_file = files.number
            anti join inventory.file_warnings as told
                on files.file_id = told.file_id and told.model = $model"""

    def _block_rejected_years(self) -> None:
        """Keep malformed lines and rows; block the years of their files, if none are allowed."""
        model = {"model": self.dataset.model}
        own = self.dataset.own_sources
        self.cursor.execute(
            sql_text("rejecting_files"),
            {"names_from": [s.report_key for s in self.dataset.price_sources if s not in own]},
        )
        self.cursor.execute(sql_text("forget_rejected_rows"), model)
        if not self.cursor.execute("select 1 from rejecting_files limit 1").fetchall():
            return
        self.cursor.execute(self._rejected_rows())
        self.cursor.execute(sql_text("keep_rejected_rows"), model)
        if not self.options.allow_rejects:
            self.cursor.execute(sql_text("block_rejected_years"), model)

    def _rejected_rows(self) -> str:
        placed = " union all ".join(_placed_rejects(staging) for staging in self.dataset.staging)
        return (
            f"create or replace temp table placed_rejects as {placed};\n{sql_text('list_rejects')}"
        )

    def list_readings(self) -> None:
        """List by report the definitions of the staging views that may refuse its files."""
        views = [node for node in self.project.nodes.values() if is_view(node)]
        readings = [
            f"select {quoted_text(source.iso)} as iso, {quoted_text(source.report)} as report,"
            f" unnest([{', '.join(quoted_text(_plain_name(v)) for v in of_source)}]) as view_name"
            for source in self.dataset.price_sources
            if (of_source := [v for v in views if source.unique_id in v["depends_on"]["nodes"]])
        ]
        self.cursor.execute(
            f"create or replace temp table views_of_reports as {' union all '.join(readings)};"
            + sql_text("readings")
        )
        self.cursor.execute("create or replace temp table files_refused (file_id ubigint)")

    def _note_what_refused(self) -> None:
        """Remember what has refused a file, which is not read again before that or it changes."""
        self.cursor.execute(sql_text("note_what_refused"))


_COUNTED = "raw_file, interval_start_utc, set_aside"
_FAULTS_OF_FILES = (duckdb.DataError, duckdb.InvalidInputException, duckdb.IOException)


def recount_lines(cursor: duckdb.DuckDBPyConnection, file_id: int, lines_seen: int) -> None:
    """Count the lines of a file one by one; refuse it where the reader saw another number."""
    path, header_line, trailer_line = cursor.execute(
        "select read_path, header_line, trailer_line from inventory.raw_files where file_id = $1",
        [file_id],
    ).fetchall()[0]
    found = count_records(Path(path), after=header_line + 1, before=trailer_line)
    lines = found.records
    refusal = None
    if found.unbalanced_line is not None:
        refusal = open_quote_at(found.unbalanced_line)
    elif lines != lines_seen:
        counted = f"has {lines} data lines, but {lines_seen} could be told apart"
        refusal = f"{counted}: mend it, or download it again"
    cursor.execute(
        "update inventory.raw_files set lines = $2, refusal = $3 where file_id = $1",
        [file_id, lines, refusal],
    )
    cursor.execute("delete from inventory.skipped_lines where file_id = $1", [file_id])
    cursor.execute(
        "insert into inventory.skipped_lines select $1, unnest($2::ubigint[])",
        [file_id, list(found.skipped_lines)],
    )


def _is_of_market(datasets: Iterable[Dataset]) -> str:
    """Return the condition that a row is of one of the datasets; unknown where the market is."""
    return " or ".join(
        f"market_type = {quoted_text(market)} and interval_minutes = {dataset.minutes}"
        for dataset in datasets
        for market in dataset.markets
    )


def _placed_rejects(staging: Staging) -> str:
    """Return the rejected rows of a load with their place in the lines of their file."""
    table = staging.load_table
    first = "0" if staging.is_numbered else "first_rows.first_row"
    starts = (
        ""
        if staging.is_numbered
        else f"""
        inner join (
            select raw_file, min(rowid) as first_row
            from {table}
            where raw_file in (select number from rejecting_files)
            group by all
        ) as first_rows on load.raw_file = first_rows.raw_file"""
    )
    return f"""
        select
            files.file_id,
            files.data_source,
            load.{staging.line_order} - {first} + files.header_line + 2 as place,
            replace(load.set_aside, {quoted_text(REJECTED)}, '') as message
        from {table} as load{starts}
        inner join rejecting_files as files on load.raw_file = files.number
        where load.set_aside like {quoted_text(REJECTED + "%")}"""


def _plain_name(node: Node) -> str:
    return ".".join((node["database"], node["schema"], node["alias"]))
