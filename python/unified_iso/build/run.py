"""A run from its first step to its last: what is there, each dataset in turn, what is published."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from threading import Event, Lock, Thread

import duckdb
import pyarrow as pa

from unified_iso import progress
from unified_iso.build import account, judge, plan, raw, views, write
from unified_iso.build.advance import JOINING, LOADING, WRITING, Advance
from unified_iso.build.by_location import Twins
from unified_iso.build.facts import empty_answers, keep_told_by_dbt, tell_facts
from unified_iso.build.findings import findings_now
from unified_iso.build.join import YearOf, entry_of_part, join_year
from unified_iso.build.judge import NOT_PUBLISHED, NOTHING
from unified_iso.build.load import Loader
from unified_iso.build.metadata import Metadata
from unified_iso.build.plan import Part
from unified_iso.build.publish import Companions, publish
from unified_iso.build.recover import discard_candidates, recover
from unified_iso.build.reports import known_reports, reports_of
from unified_iso.build.spec import HOURLY_PART, Dataset, Project, Source, is_dataset, is_view
from unified_iso.database import transaction
from unified_iso.families import Family
from unified_iso.footers import Entry
from unified_iso.inventory import update_inventory
from unified_iso.limits import Limits
from unified_iso.manifest import read_manifest
from unified_iso.options import Options
from unified_iso.quality.figures import FEWEST_ROWS_ALONE, keep_figures_of_part
from unified_iso.quality.report import keep_results, update_report
from unified_iso.quality.tables import current_figures
from unified_iso.raw_files.listing import why_no_operator
from unified_iso.sql import quoted_name, sql_text
from unified_iso.workspace import Workspace, WorkspaceError

PUBLISHING = ("build", "run")
# While a part is sorted and written, which leaves a core idle at times, the next files are parsed.
WORKERS = 2
SECONDS_BETWEEN_INTERRUPTIONS = 0.2


@dataclass(frozen=True)
class Run:
    """One run of the engine on one working database.

    command: dbt's command.
    selected: unique ids of the nodes that were selected; `dbt retry` selects none.
    is_empty: no rows are wanted.
    audit_schema: schema of what tests read.
    tell: says a line to the user.
    note: writes a line to the log.
    digest: of the project, where whoever started the run knows it.
    proven_seeds: names of seeds whose tests are left out, because all have passed on this project.
    """

    connection: duckdb.DuckDBPyConnection
    workspace: Workspace
    limits: Limits
    project: Project
    families: Mapping[str, Family]
    options: Options
    command: str
    selected: Sequence[str]
    is_empty: bool
    audit_schema: str
    tell: Callable[[str], None]
    note: Callable[[str], None]
    digest: str | None = None
    proven_seeds: Collection[str] = ()
    _sessions: list[duckdb.DuckDBPyConnection] = field(default_factory=list)
    _sources: list[Source] = field(default_factory=list)
    _views_made: views.Made = field(default_factory=dict)
    _is_interrupted: Event = field(default_factory=Event)

    @contextmanager
    def session(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Open a session of the working database that `interrupt` reaches."""
        with self.connection.cursor() as cursor:
            self._sessions.append(cursor)
            try:
                yield cursor
            finally:
                self._sessions.remove(cursor)

    def interrupt(self) -> None:
        """Stop what runs, and let nothing begin any more. It is for another thread to call.

        DuckDB forgets an interruption when the next statement begins, so it is repeated.
        """
        self._is_interrupted.set()
        Thread(target=self._interrupt_sessions, daemon=True).start()

    def _interrupt_sessions(self) -> None:
        while sessions := tuple(self._sessions):
            for cursor in sessions:
                cursor.interrupt()
            time.sleep(SECONDS_BETWEEN_INTERRUPTIONS)

    def require_going_on(self) -> None:
        """Let a step of a long loop begin.

        Raises:
            InterruptException: the run was interrupted.
        """
        if self._is_interrupted.is_set():
            raise duckdb.InterruptException("Interrupted!")

    @property
    def is_publishing(self) -> bool:
        """Whether what is built is published at the end."""
        return self.command in PUBLISHING and not self.is_empty and not self.options.dry_run

    def companions(self, findings: Sequence[Entry] | None = None) -> Companions:
        """What is published beside the year files; twins sorted by location where asked for."""
        texts = self.project.descriptions()
        return Companions(
            views=self.project.catalog_views(),
            descriptions=texts,
            metadata=Metadata(self.workspace, self.project, self.families),
            twins=Twins(self.families, texts, self.options) if self.options.by_location else None,
            findings=findings,
            figures=lambda cursor: current_figures(
                self.workspace, cursor, self.families, self.require_going_on
            ),
        )

    def sources_read_directly(self) -> list[str]:
        """Return the sources above selected tables and tests; datasets read their own."""
        above = [
            unique_id
            for unique_id in self.selected
            if (node := self.project.nodes.get(unique_id))
            and node["resource_type"] in ("model", "test", "snapshot")
            and node["config"]["materialized"] not in ("year_files", "view", "ephemeral")
        ]
        found = []
        for unique_id in above:
            node = self.project.nodes.get(unique_id)
            if unique_id in self.project.source_nodes:
                found.append(unique_id)
            elif node and node["resource_type"] != "seed" and not is_dataset(node):
                above += [i for i in node["depends_on"]["nodes"] if i not in above]
        return found


def start(run: Run) -> None:
    """Recover from a killed run, take the inventory, and give every relation a shape.

    Each command works in any state of the output folder then.

    Raises:
        WorkspaceError: the raw folder is missing, or has no operator's folder.
    """
    with run.session() as cursor:
        recover(run.workspace, cursor)
        empty_answers(cursor, run.families.values())
        tell_facts(cursor, run.project, run.options, run.command == "test")
        keep_told_by_dbt(cursor, run.project, run.audit_schema)
        judge.forget_changed_seeds(cursor, run.project)
        _forget_views_of_others(run, cursor)
        run._sources.extend(_sources_to_open(run, cursor))
        cursor.execute("delete from inventory.left_open")
        raw.empty_relations(cursor, run._sources)
        directly = run.sources_read_directly()
        if not run.is_empty and (run.command in PUBLISHING or directly):
            take_inventory(run, cursor)
            read = [source for source in run._sources if source.unique_id in directly]
            raw.open_present(cursor, run.project, read, directly)
        if run.command == "test":
            views.make_missing_staging_views(cursor, run.project.staging_models())
        make_views(run, cursor)


def _sources_to_open(run: Run, cursor: duckdb.DuckDBPyConnection) -> list[Source]:
    """Return the sources whose relations this run empties at its begin and opens at its end.

    Those of operators that it doesn't look at are as a run of the same project has left them.
    """
    left = cursor.execute("select project from inventory.left_open").fetchall()
    looked_at = _operators_of(run)
    return [
        source
        for source in run.project.sources()
        if not run.digest or left != [(run.digest,)] or source.iso in looked_at
    ]


def take_inventory(run: Run, cursor: duckdb.DuckDBPyConnection) -> None:
    """Bring the inventory of the operators of a run up to date with the raw folder.

    Raises:
        WorkspaceError: the raw folder is missing, or has no operator's folder.
    """
    raw_folder = run.workspace.raw
    if not raw_folder.is_dir():
        raise WorkspaceError(
            f"the raw folder {raw_folder} does not exist: name it with --raw or UNIFIED_ISO_RAW"
        )
    known = known_reports(cursor)
    if why := why_no_operator(raw_folder, list(known)):
        raise WorkspaceError(why)
    unread = update_inventory(
        cursor,
        raw_folder,
        run.workspace.cache,
        _operators_of(run),
        reports_of(run.project, known),
        list(known),
        lambda label, done, total: progress.report(label, done, total, "bytes"),
        limits=run.limits,
        rehash=run.options.full_refresh,
    )
    # What is known of operators that this run does not look at stays.
    cursor.execute(
        "delete from inventory.unread where list_contains($1, split_part(folder, '/', 1))",
        [_operators_of(run)],
    )
    for folder, files in sorted(unread.items()):
        cursor.execute("insert into inventory.unread values ($1, $2)", [folder, files])


def _operators_of(run: Run) -> list[str]:
    isos = [
        dataset.iso
        for dataset in run.project.datasets()
        if dataset.unique_id in run.selected or not run.selected
    ]
    isos += [run.project.source_nodes[i]["source_name"] for i in run.sources_read_directly()]
    return list(dict.fromkeys(isos))


def _forget_views_of_others(run: Run, cursor: duckdb.DuckDBPyConnection) -> None:
    """Forget views that dbt has made of another project, because this run may make some anew.

    Plain dbt doesn't tell which project it runs.
    """
    cursor.execute(
        "delete from inventory.views where project is distinct from $1", [run.digest or None]
    )


def _keep_views_made(
    run: Run, cursor: duckdb.DuckDBPyConnection, results: Mapping[str, judge.Result]
) -> None:
    made = [
        unique_id
        for unique_id, result in results.items()
        if is_view(run.project.nodes.get(unique_id, {})) and result.status == "success"
    ]
    if run.digest:
        cursor.execute(
            "insert or replace into inventory.views select unnest($1::varchar[]), $2",
            [made, run.digest],
        )


def make_views(run: Run, cursor: duckdb.DuckDBPyConnection) -> None:
    """Let every dataset be its year files, and its tests read what they should."""
    _make_views_of(run, cursor, run.project.datasets())


def _make_views_of(
    run: Run, cursor: duckdb.DuckDBPyConnection, datasets: Sequence[Dataset]
) -> None:
    places = views.years_in_place(cursor)
    everything = run.command == "test"
    with transaction(cursor):
        for dataset in datasets:
            views.make_dataset_view(cursor, run.workspace, dataset, places, run._views_made)
            views.make_audit_views(
                cursor,
                run.workspace,
                dataset,
                places,
                run.audit_schema,
                everything,
                run._views_made,
            )


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
                _settle_parts(cursor, dataset)
                _join_years(run, cursor, dataset, fingerprint, advance)
        _make_views_of(run, cursor, [dataset])
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
        with ThreadPoolExecutor(max_workers=WORKERS) as workers:
            tasks = [workers.submit(self._build_until_done, lines) for _ in range(WORKERS)]
            for task in tasks:
                task.result()

    def _build_until_done(self, lines: int) -> None:
        """Build groups; if that fails, as on a full disk, let the other worker begin no more."""
        try:
            self._build_groups(lines)
        except BaseException:
            self.has_failed.set()
            raise

    def _build_groups(self, lines: int) -> None:
        """Load and write groups until none is left; one worker loads while the other writes."""
        with self.run.session() as cursor:
            loader = self._loader(cursor)
            loader.list_readings()
            while not self.has_failed.is_set():
                self.run.require_going_on()
                with self.loading:
                    # What the other worker writes now is left to it, though it may be done
                    # before the look has ended.
                    busy = set(self.busy)
                    plan.look(cursor, self.dataset)
                    plan.block_vanished(cursor, self.dataset, self.run.options)
                    group = plan.next_group(cursor, self.dataset, lines, busy)
                    if not group:
                        return
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


Fail = Callable[[Sequence[str], str], None]


def finish(run: Run, results: Mapping[str, judge.Result], fail: Fail) -> str | None:
    """Publish the candidates of the years that all error-level tests have passed.

    Then only views of published files are left behind.

    fail: lets dbt know that what it has built of some datasets is not published, with why;
        otherwise `dbt retry` would find nothing to do, and call that a success.

    Returns what the run as a whole has failed of, if it has.

    Raises:
        PublishError: some files could not be moved into place; the others are published.
    """
    failure = None
    with run.session() as cursor:
        built = judge.block_years(cursor, run.project, results, run.options, run.proven_seeds)
        stopped = cursor.execute("select distinct model, year from inventory.blocked").fetchall()
        _tell_what_is_left_out(run, cursor)
        keep_results(cursor, run.project.nodes, results)
        _keep_views_made(run, cursor, results)
        if run.is_publishing:
            models = [dataset.model for dataset in built]
            is_dropped = _has_dropped_parts(cursor, models)
            known = read_manifest(run.workspace)["findings"]
            findings = findings_now(cursor, run.project, built, results, known)
            _publish(run, cursor, models, fail, findings)
            update_report(run.workspace, cursor, run.families, run.tell, run.require_going_on)
            # Where vanished files were let go, nothing may be left on purpose.
            is_emptied = run.options.prune and is_dropped
            if models and not is_emptied and not _is_any_published(run, cursor, models):
                failure = NOTHING
                fail(models, failure)
        discard_candidates(run.workspace, cursor)
        empty_answers(cursor, run.families.values())
        make_views(run, cursor)
        raw.open_present(cursor, run.project, run._sources, run.sources_read_directly())
        if run.digest:
            cursor.execute("insert into inventory.left_open values ($1)", [run.digest])
    if stopped or any(_has_failed_unsaid(run, result) for result in results.values()):
        failure = f"{len(stopped)} {NOT_PUBLISHED}"
    return failure


def _publish(
    run: Run,
    cursor: duckdb.DuckDBPyConnection,
    models: Sequence[str],
    fail: Fail,
    findings: Sequence[Entry],
) -> None:
    try:
        unions, years = run.project.unions(), run.options.years
        publish(run.workspace, cursor, models, unions, years, run.companions(findings))
    except BaseException:
        fail(models, "could not be published")
        raise
    blocked = cursor.execute("select distinct model from inventory.blocked").fetchall()
    fail([model for (model,) in blocked], NOT_PUBLISHED)


def _has_failed_unsaid(run: Run, result: judge.Result) -> bool:
    node = run.project.nodes.get(result.unique_id)
    return node is not None and judge.has_failed_unsaid(node, result)


def _has_dropped_parts(cursor: duckdb.DuckDBPyConnection, models: Sequence[str]) -> bool:
    """Whether published parts of datasets go because no raw file has rows of them any more."""
    rows = cursor.execute(
        "select 1 from inventory.dropped_parts where list_contains($1, model) limit 1",
        [list(models)],
    ).fetchall()
    return bool(rows)


def _is_any_published(run: Run, cursor: duckdb.DuckDBPyConnection, models: Sequence[str]) -> bool:
    rows = cursor.execute(
        "select 1 from inventory.parts where list_contains($models, model)"
        " and (len($years::usmallint[]) = 0 or list_contains($years::usmallint[], year)) limit 1",
        {"models": list(models), "years": list(run.options.years)},
    ).fetchall()
    return bool(rows)


def _tell_what_is_left_out(run: Run, cursor: duckdb.DuckDBPyConnection) -> None:
    """Say at the end of a run which files are refused, because some are only when they are read."""
    if run.is_publishing:
        for file, refusal in cursor.execute(sql_text("refused")).fetchall():
            run.tell(f"refused {file}: {refusal}")
    for model, year, message in cursor.execute(sql_text("unpublished")).fetchall():
        run.tell(f"not published: {model}{f' {year}' if year else ''}: {message}")
