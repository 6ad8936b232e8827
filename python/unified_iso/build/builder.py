"""One dataset of a run: its stale parts are loaded and written, and its years joined."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from threading import Event, Lock

import duckdb
import pyarrow as pa

from unified_iso.build import account, plan, raw, views, write
from unified_iso.build.advance import JOINING, LOADING, WRITING, Advance
from unified_iso.build.join import YearOf, entry_of_part, join_year
from unified_iso.build.load import Loader
from unified_iso.build.plan import Part
from unified_iso.build.run import Run
from unified_iso.build.spec import HOURLY_PART, Dataset
from unified_iso.quality.figures import FEWEST_ROWS_ALONE, keep_figures_of_part
from unified_iso.sql import quoted_name, sql_text

# While a part is sorted and written, which leaves a core idle at times, the next files are parsed.
WORKERS = 2


def build(run: Run, unique_id: str, sql: str, questions: Mapping[str, str]) -> None:
    """Write the stale parts of a dataset, and join those of each year into a candidate.

    sql: the model as dbt has compiled it.
    questions: what else is asked of loaded rows, `repeats` and, for some families, more; the name
        of a question that is not `repeats` is the table that its rows are kept in. A dataset that
        is made of another one is asked `left_out` alone.
    """
    dataset = run.project.dataset(unique_id)
    with run.session() as cursor:
        # A table of one's own that is built in the same run has all present files open.
        raw.empty_relations(cursor, dataset.sources)
        fingerprint = plan.fingerprint(cursor, run.project, dataset, sql, run.options, run.digest)
        with Advance(dataset.model) as advance:
            builder = _Builder(run, dataset, sql, questions, fingerprint, advance)
            if dataset.parent:
                builder.derive(cursor, run.project.dataset(dataset.parent))
            else:
                builder.build(cursor)
            if not run.options.dry_run:
                plan.keep_overwritten(cursor, [dataset.model])
                _settle_parts(cursor, dataset)
                _join_years(run, cursor, dataset, fingerprint, advance)
        run.make_views(cursor, [dataset])
        directly = run.sources_read_directly()
        read = [source for source in dataset.sources if source.unique_id in directly]
        raw.open_present(cursor, run.project, read, directly)


def _join_years(
    run: Run,
    cursor: duckdb.DuckDBPyConnection,
    dataset: Dataset,
    fingerprint: str,
    advance: Advance,
) -> None:
    years = _years_to_join(cursor, dataset)
    for year in years:
        with advance.step(cursor, advance.total * JOINING / len(years)):
            join_year(run.workspace, cursor, _year_of(run, cursor, dataset, year, fingerprint))


@dataclass
class _Builder:
    """Builds one dataset; `busy` are the parts that are being built."""

    run: Run
    dataset: Dataset
    sql: str
    questions: Mapping[str, str]
    fingerprint: str
    advance: Advance
    busy: set[date] = field(default_factory=set)
    loading: Lock = field(default_factory=Lock)
    writing: Lock = field(default_factory=Lock)
    has_failed: Event = field(default_factory=Event)

    def build(self, cursor: duckdb.DuckDBPyConnection) -> None:
        """Find what each file covers, then load and write one group of parts after another."""
        run, dataset = self.run, self.dataset
        loader = self._loader(cursor)
        lines = plan.rows_at_once(cursor, WORKERS) // dataset.rows_per_line
        loader.retry_refused_files()
        while plan.files_without_days(cursor, dataset, run.options, lines):
            loader.find_days()
        if run.options.dry_run:
            self._keep_plan(cursor)
            return
        with ThreadPoolExecutor(max_workers=WORKERS - 1) as workers:
            other: list[Future[None]] = []

            def begin_another() -> None:
                if not other:
                    other.append(workers.submit(self._build_beside, lines))

            self._build_until_done(loader, lines, begin_another)
        for task in other:
            task.result()

    def _build_beside(self, lines: int) -> None:
        """Build groups on a session of its own, beside the worker that began."""
        with self.run.session() as cursor:
            loader = self._loader(cursor)
            loader.list_readings()
            self._build_until_done(loader, lines)

    def _build_until_done(
        self, loader: Loader, lines: int, begin_another: Callable[[], None] | None = None
    ) -> None:
        """Build groups; if that fails, as on a full disk, let the other worker begin no more."""
        try:
            self._build_groups(loader, lines, begin_another)
        except BaseException:
            self.has_failed.set()
            raise

    def _build_groups(
        self, loader: Loader, lines: int, begin_another: Callable[[], None] | None
    ) -> None:
        """Load and write groups until none is left; one worker loads while the other writes.

        begin_another: what begins the other worker where there is more than one group. Most builds
            have one, and the look of a second worker, which finds nothing, would cost as much as
            to write a small part.
        """
        cursor = loader.cursor
        while not self.has_failed.is_set():
            self.run.require_going_on()
            with self.loading:
                # What the other worker writes now is left to it, though it may be done before the
                # look has ended.
                busy = set(self.busy)
                plan.look(cursor, self.dataset)
                plan.block_vanished(cursor, self.dataset, self.run.options)
                stale = plan.stale_parts(cursor, self.dataset, busy)
                group = plan.next_group(cursor, self.dataset, lines, stale)
                if not group:
                    return
                if begin_another and len(stale) > len(group):
                    begin_another()
                lines_of_group = self._expect(cursor)
                with self.advance.step(cursor, lines_of_group * LOADING):
                    loaded = loader.parse()
                parts = plan.still_wanted(cursor, self.dataset, group) if loaded else []
                self.busy.update(part.part for part in parts)
            written = []
            with self.writing:
                if loaded:
                    self._ask(cursor)
                for part in parts:
                    with self.advance.step(cursor, lines_of_group * WRITING / len(parts)):
                        written.append((part, self._write(cursor, part)))
                loader.drop_load()
            for part, rows in written:
                self._keep_figures(cursor, part, rows)
            self.busy.difference_update(part.part for part in parts)

    def _expect(self, cursor: duckdb.DuckDBPyConnection) -> int:
        """Say how many lines the dataset reads as far as is known; return those of the load."""
        self.advance.expect(plan.lines_to_read(cursor))
        [(lines,)] = cursor.execute("select coalesce(sum(lines), 0) from load_files").fetchall()
        return int(lines)

    def _keep_plan(self, cursor: duckdb.DuckDBPyConnection, parent: Dataset | None = None) -> None:
        """Keep what a dry run prints. Derived parts follow those that their dataset would get."""
        bytes_per_line = plan.BYTES_PER_ROW * self.dataset.rows_per_line
        model = {"model": self.dataset.model}
        cursor.execute(sql_text("keep_plan"), model | {"bytes_per_line": bytes_per_line})
        if parent:
            cursor.execute(sql_text("keep_plan_of_derived"), model | {"parent": parent.model})

    def _loader(self, cursor: duckdb.DuckDBPyConnection) -> Loader:
        run = self.run
        return Loader(
            cursor,
            run.project,
            self.dataset,
            run.project.siblings(self.dataset),
            run.families[self.dataset.family],
            run.options,
        )

    def _ask(self, cursor: duckdb.DuckDBPyConnection) -> None:
        """Keep the answers to what the family asks of all loaded rows."""
        asked = {table: sql for table, sql in self.questions.items() if table != "repeats"}
        if asked:
            with write.loaded_rows(cursor, self.dataset):
                answers = {table: cursor.sql(sql).to_arrow_table() for table, sql in asked.items()}
            for table, answer in answers.items():
                _keep(cursor, table, self.dataset, answer)

    def _write(self, cursor: duckdb.DuckDBPyConnection, part: Part) -> int:
        """Write a part and account for it; return its rows."""
        run, dataset = self.run, self.dataset
        run.require_going_on()
        file = self._file_of(part)
        texts = write.shorten_texts(
            cursor, dataset, run.families[dataset.family], part, run.options
        )
        with write.loaded_rows(cursor, dataset, part.within, texts):
            write.write_part(cursor, dataset, self.sql, file, run.options)
        rows = write.note_part(cursor, dataset, part, file, self.fingerprint)
        account.account_for_part(
            cursor, dataset, part, file, lambda: self._count_repeats(cursor, part)
        )
        self._note(part, rows)
        return rows

    def _file_of(self, part: Part) -> Path:
        return self.run.workspace.candidates / self.dataset.model / f"{part.part}.parquet"

    def _keep_figures(self, cursor: duckdb.DuckDBPyConnection, part: Part, rows: int) -> None:
        """Compute what the quality report says of a large month, while the other worker writes."""
        run, dataset = self.run, self.dataset
        if run.is_publishing and dataset.part == HOURLY_PART and rows >= FEWEST_ROWS_ALONE:
            run.require_going_on()
            year = _year_of(run, cursor, dataset, part.year, self.fingerprint)
            told = {"part": str(part.part), "digest": part.digest, "rows": rows}
            entry = entry_of_part(run.workspace, year, told)
            keep_figures_of_part(cursor, entry, self._file_of(part), run.families)

    def _note(self, part: Part, rows: int) -> None:
        self.run.note(f"wrote part {self.dataset.model} {part.part}: {rows} rows")

    def _count_repeats(self, cursor: duckdb.DuckDBPyConnection, part: Part) -> pa.Table:
        with write.loaded_rows(cursor, self.dataset, part.within):
            return cursor.sql(self.questions["repeats"]).to_arrow_table()

    def derive(self, cursor: duckdb.DuckDBPyConnection, parent: Dataset) -> None:
        """Make each stale part of the same part of another dataset, as a subset or by means."""
        run, dataset = self.run, self.dataset
        if run.options.dry_run:
            self._keep_plan(cursor, parent)
            return
        files = dict(views.year_files(cursor, run.workspace, parent))
        plan.look(cursor, dataset)
        for part in plan.planned(cursor, dataset, "stale"):
            file = self._file_of(part)
            of_year = [files[part.year]]
            with write.rows_of_files(cursor, parent.relation, of_year, part.bounds("datetime_utc")):
                write.write_part(cursor, dataset, self.sql, file, run.options)
                left_out = cursor.sql(self.questions["left_out"]).to_arrow_table()
            rows = write.note_part(cursor, dataset, part, file, self.fingerprint)
            account.account_for_derived_part(cursor, dataset, parent, part, file, left_out)
            self._note(part, rows)


def _keep(
    cursor: duckdb.DuckDBPyConnection, table: str, dataset: Dataset, answer: pa.Table
) -> None:
    cursor.register("answer", answer)
    cursor.execute(
        f"insert into inventory.{quoted_name(table)} by name select $1 as model, * from answer",
        [dataset.model],
    )
    cursor.unregister("answer")


def _settle_parts(cursor: duckdb.DuckDBPyConnection, dataset: Dataset) -> None:
    """Drop parts without rows, remember that they are empty, and forget those of blocked years."""
    model = {"model": dataset.model}
    for query in (
        "drop_parts",
        "remember_empty_parts",
        "forget_empty_parts",
        "forget_blocked_new_parts",
        "forget_blocked_dropped_parts",
    ):
        cursor.execute(sql_text(query), model)


def _years_to_join(cursor: duckdb.DuckDBPyConnection, dataset: Dataset) -> list[int]:
    rows = cursor.execute(sql_text("years_to_join"), {"model": dataset.model}).fetchall()
    return [year for (year,) in rows]


def _year_of(
    run: Run, cursor: duckdb.DuckDBPyConnection, dataset: Dataset, year: int, fingerprint: str
) -> YearOf:
    reports = cursor.execute(
        sql_text("reports_of_year"), {"model": dataset.model, "iso": dataset.iso, "year": year}
    ).fetchall()
    lacking = {
        source.report
        for staging in dataset.staging
        if staging.name in dataset.without_ids
        for source in staging.sources
    }
    return YearOf(
        model=dataset.model,
        iso=dataset.iso,
        dataset=dataset.name,
        year=year,
        family=run.families[dataset.family],
        step_minutes=dataset.minutes,
        fingerprint=fingerprint,
        may_lack_ids=any(report in lacking for report, _ in reports),
        own_ends=dataset.own_ends,
        unchecked_reports=[report for report, seen in reports if not seen],
        description=run.project.description(dataset.unique_id),
    )
