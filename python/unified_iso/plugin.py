"""The dbt-duckdb plugin: hands the steps of a run from dbt to the engine in `unified_iso.build`.

The macro `engine` calls `store` with the name of a step and what dbt knows of it.
"""

from __future__ import annotations

import logging
import os
import traceback
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
from dbt.adapters.duckdb.plugins import BasePlugin
from dbt.adapters.duckdb.utils import TargetConfig
from dbt.adapters.events.logging import AdapterLogger
from dbt_common.exceptions import DbtRuntimeError

from unified_iso import dbt_inside
from unified_iso.build.builder import build
from unified_iso.build.complete import require_complete
from unified_iso.build.finish import finish
from unified_iso.build.judge import Result
from unified_iso.build.run import PUBLISHING, Run
from unified_iso.build.spec import Project
from unified_iso.build.start import start
from unified_iso.database import set_aside_if_damaged
from unified_iso.dbt_run import DIGEST, PROVEN_SEEDS
from unified_iso.families import families
from unified_iso.limits import duckdb_memory_limit, read_limits
from unified_iso.lock import Locked, take_lock
from unified_iso.machine import in_words, is_of_machine
from unified_iso.options import Options
from unified_iso.project import operators, report_folders
from unified_iso.root import ROOT
from unified_iso.sql import sql_text
from unified_iso.words import visible
from unified_iso.workspace import Workspace, WorkspaceError

# DuckDB's words for a signal that came during a query, as one does to plain dbt.
_STOPPED_BY_HAND = ("Query interrupted", "Interrupted!")
_LOG = AdapterLogger("unified_iso")


class Plugin(BasePlugin):
    """Opens the working database for dbt, and runs the engine on it."""

    def initialize(self, plugin_config: dict[str, Any]) -> None:
        """Take the raw and output folders and the limits of a raw file from the profile.

        Raises:
            DbtRuntimeError: a limit is no number, or no size.
        """
        self._workspace = Workspace(
            raw=Path(plugin_config["raw"]).absolute(), out=Path(plugin_config["out"]).absolute()
        )
        try:
            self._limits = read_limits(plugin_config.get("limits") or {})
        except ValueError as error:
            raise DbtRuntimeError(str(error)) from error
        self._connection: duckdb.DuckDBPyConnection | None = None
        self._run: Run | None = None
        # On a full disk dbt's log can't be written, and Python would print how, line by line.
        logging.raiseExceptions = False

    def update_connection_config(self, creds: object, config: dict[str, Any]) -> None:
        """Prepare the output folder, take its lock and leave Python its share of the memory.

        Raises:
            DbtRuntimeError: the folder can't be written, or another run holds it.
        """
        try:
            self._workspace.require_apart(operators())
            self._workspace.prepare()
            take_lock(self._workspace.lock_file)
            self._workspace.clear_spill()
            damage = set_aside_if_damaged(self._workspace.database)
        except (WorkspaceError, Locked, OSError) as error:
            raise DbtRuntimeError(self._in_words("opening", error)) from error
        if damage:
            _LOG.warning(
                f"the working database was damaged ({damage}): it is kept beside the new one as "
                f"{self._workspace.database}.damaged, and nothing that is published depends on it"
            )
        try:
            config["memory_limit"] = duckdb_memory_limit(str(config["memory_limit"]))
        except ValueError as error:
            raise DbtRuntimeError(f"memory limit {error}") from error
        if not config.get("threads"):
            config.pop("threads", None)

    def configure_connection(self, conn: duckdb.DuckDBPyConnection) -> None:
        """Create the inventory's tables."""
        self._connection = conn
        conn.execute("set global TimeZone = 'UTC'")
        conn.execute(sql_text("schema"))

    def store(self, target_config: TargetConfig) -> None:
        """Run one step for the macro `engine`: `config` holds its name and what it needs.

        Raises:
            DbtRuntimeError: the step failed; the message is for the user.
        """
        arguments = dict(target_config.config)
        name = arguments.pop("step")
        steps: dict[str, Callable[..., None]] = {
            "start": self._start,
            "build": self._build,
            "finish": self._finish,
        }
        _LOG.debug(f"{name} begins")
        try:
            steps[name](**arguments)
        except Exception as error:
            raise DbtRuntimeError(self._in_words(name, error)) from error
        _LOG.debug(f"{name} ends")

    def _start(
        self,
        graph: dict[str, Any],
        stamps: dict[str, Any],
        variables: dict[str, Any],
        full_refresh: bool,
        **facts: Any,
    ) -> None:
        assert self._connection is not None
        options = Options.from_environment(os.environ, variables)
        project, known = Project.of_graph(graph, stamps), families(ROOT)
        if facts["command"] in PUBLISHING:
            selected = facts["selected"]
            require_complete(project, known, operators(), report_folders(), selected)
        self._run = Run(
            connection=self._connection,
            workspace=self._workspace,
            limits=self._limits,
            project=project,
            families=known,
            options=replace(options, full_refresh=options.full_refresh or full_refresh),
            tell=lambda line: dbt_inside.tell(visible(line)),
            digest=os.environ.get(DIGEST),
            proven_seeds=os.environ.get(PROVEN_SEEDS, "").split(),
            note=lambda line: _LOG.debug(visible(line)),
            **facts,
        )
        dbt_inside.call_when_cancelled(self._run.interrupt)
        start(self._run)

    def _build(self, model: dict[str, Any], sql: str, questions: dict[str, str]) -> None:
        assert self._run is not None
        build(self._run, model["unique_id"], sql, questions)

    def _finish(self, results: list[Any]) -> None:
        """Publish, and keep what the hook is to fail of, which a macro can't be told otherwise."""
        assert self._run is not None and self._connection is not None
        by_model = {r.node.name: r for r in results if r.node.resource_type == "model"}

        def fail(models: Any, message: str) -> None:
            for model in models:
                if model in by_model:
                    dbt_inside.fail(by_model[model], message)

        failure = finish(self._run, {r.node.unique_id: _result(r) for r in results}, fail)
        with self._connection.cursor() as cursor:
            cursor.execute("create or replace table inventory.verdict (failure varchar)")
            if failure:
                cursor.execute("insert into inventory.verdict values ($1)", [failure])

    def _in_words(self, name: str, error: Exception) -> str:
        if is_of_machine(error):
            return in_words(error, self._workspace.out)
        if isinstance(error, WorkspaceError | OSError | ValueError):
            return str(error)
        if str(error).endswith(_STOPPED_BY_HAND):
            return "interrupted: what was published is untouched"
        _LOG.debug(traceback.format_exc())
        fault = f"a fault of the program in {name}; see {dbt_inside.log_file()}"
        return f"{type(error).__name__}: {error} ({fault})"


def _result(result: Any) -> Result:
    return Result(
        unique_id=result.node.unique_id,
        status=str(result.status),
        failures=result.failures,
        relation=result.node.relation_name if result.node.resource_type == "test" else None,
    )
