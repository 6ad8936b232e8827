"""What a run knows from its first step to its last."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Event, Thread

import duckdb

from unified_iso.build import views
from unified_iso.build.by_location import Twins
from unified_iso.build.metadata import Metadata
from unified_iso.build.publish import Companions
from unified_iso.build.spec import Dataset, Project, Source, is_dataset
from unified_iso.database import transaction
from unified_iso.families import Family
from unified_iso.footers import Entry
from unified_iso.limits import Limits
from unified_iso.options import Options
from unified_iso.quality.tables import current_figures
from unified_iso.workspace import Workspace

PUBLISHING = ("build", "run")
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
    opened: sources whose relations are emptied by the first step, and opened again by the last one.
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
    opened: list[Source] = field(default_factory=list)
    _sessions: list[duckdb.DuckDBPyConnection] = field(default_factory=list)
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

    def make_views(
        self, cursor: duckdb.DuckDBPyConnection, datasets: Sequence[Dataset] | None = None
    ) -> None:
        """Let datasets, all of them unless some are given, be their year files.

        Tests read what they should of them then.
        """
        places = views.years_in_place(cursor)
        everything = self.command == "test"
        with transaction(cursor):
            for dataset in self.project.datasets() if datasets is None else datasets:
                views.make_dataset_view(cursor, self.workspace, dataset, places, self._views_made)
                views.make_audit_views(
                    cursor,
                    self.workspace,
                    dataset,
                    places,
                    self.audit_schema,
                    everything,
                    self._views_made,
                )
