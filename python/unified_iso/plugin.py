"""The dbt-duckdb plugin: what the macros ask for that SQL can't do.

Macros call an action with `in_python(action, arguments)`; results come back as rows of the
`inventory` schema of the working database.
"""

from __future__ import annotations

import logging
import traceback
from dataclasses import fields, replace
from pathlib import Path
from threading import get_ident
from typing import Any

import duckdb
from dbt.adapters.duckdb.plugins import BasePlugin
from dbt.adapters.duckdb.utils import TargetConfig
from dbt.adapters.events.logging import AdapterLogger
from dbt.events.types import JinjaLogInfo
from dbt.flags import get_flags
from dbt_common.events.functions import fire_event
from dbt_common.exceptions import DbtRuntimeError

from unified_iso import progress
from unified_iso.database import set_aside_if_damaged
from unified_iso.inventory import SCHEMA, update_inventory
from unified_iso.limits import bytes_of, read_limits
from unified_iso.lock import Locked, take_lock
from unified_iso.machine import in_words, is_of_machine
from unified_iso.project import operators
from unified_iso.publish import (
    discard_candidates,
    join_year,
    publish,
    recover,
)
from unified_iso.raw_files import Column, Report, count_records, open_quote_at
from unified_iso.words import visible
from unified_iso.workspace import Workspace, WorkspaceError

PYTHON_SHARE_MB = 400
# DuckDB's words for a signal that came during a query, as one does to plain dbt.
_STOPPED_BY_HAND = ("Query interrupted", "Interrupted!")
_LOG = AdapterLogger("unified_iso")


class Plugin(BasePlugin):
    """Gives the macros the file system: inventory, joining of parts, publishing."""

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
        # dbt gives each of its threads a session, and macros call the plugin from their own thread.
        self._sessions: dict[int, duckdb.DuckDBPyConnection] = {}
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
        config["memory_limit"] = duckdb_memory_limit(str(config["memory_limit"]))
        if not config.get("threads"):
            config.pop("threads", None)

    def configure_connection(self, conn: duckdb.DuckDBPyConnection) -> None:
        """Create the inventory's tables."""
        self._connection = conn
        conn.execute("set global TimeZone = 'UTC'")
        conn.execute(SCHEMA)

    def configure_cursor(self, cursor: duckdb.DuckDBPyConnection) -> None:
        """Tell the macros where the output folder is, and know their session."""
        cursor.execute("set variable unified_iso_out = $1", [str(self._workspace.out)])
        self._sessions[get_ident()] = cursor

    def store(self, target_config: TargetConfig) -> None:
        """Run one action for a macro: `config` holds its name and its arguments.

        Raises:
            DbtRuntimeError: the action failed; the message is for the user.
        """
        arguments = dict(target_config.config)
        name = arguments.pop("action")
        action = getattr(self, "_" + name)
        assert self._connection is not None
        _LOG.debug(f"{name} begins")
        try:
            with self._connection.cursor() as cursor:
                action(cursor, **arguments)
        except Exception as error:
            raise DbtRuntimeError(self._in_words(name, error)) from error
        _LOG.debug(f"{name} ends")

    def _in_words(self, name: str, error: Exception) -> str:
        if is_of_machine(error):
            return in_words(error, self._workspace.out)
        if isinstance(error, WorkspaceError | OSError | ValueError):
            return str(error)
        if str(error).endswith(_STOPPED_BY_HAND):
            return "interrupted: what was published is untouched"
        _LOG.debug(traceback.format_exc())
        log = Path(getattr(get_flags(), "LOG_PATH", "logs")) / "dbt.log"
        return f"{type(error).__name__}: {error} (a fault of the program in {name}; see {log})"

    def _tell(self, cursor: duckdb.DuckDBPyConnection, line: str) -> None:
        fire_event(JinjaLogInfo(msg=visible(line), node_info={}))

    def _recover(self, cursor: duckdb.DuckDBPyConnection) -> None:
        recover(self._workspace, cursor)

    def _update_inventory(
        self,
        cursor: duckdb.DuckDBPyConnection,
        isos: list[str],
        reports: list[dict[str, Any]],
        known_folders: list[list[Any]],
        rehash: bool = False,
    ) -> None:
        if not self._workspace.raw.is_dir():
            raise WorkspaceError(
                f"the raw folder {self._workspace.raw} does not exist: "
                "name it with --raw or UNIFIED_ISO_RAW"
            )
        unread = update_inventory(
            cursor,
            self._workspace.raw,
            self._workspace.cache,
            isos,
            [_with_file_names(_report(report), known_folders) for report in reports],
            [(iso, name) for iso, name, _ in known_folders],
            progress.report,
            limits=self._limits,
            rehash=rehash,
        )
        cursor.execute("create or replace table inventory.unread (folder varchar, files ubigint)")
        for folder, files in sorted(unread.items()):
            cursor.execute("insert into inventory.unread values ($1, $2)", [folder, files])

    def _attempt(self, cursor: duckdb.DuckDBPyConnection, statements: list[str]) -> None:
        """Run statements that read raw files in the macros' session; note what the reader says.

        Only what the content of a file can cause is noted: the machine's errors, an interruption
        and faults of the statements themselves are raised.
        """
        failed: list[list[str]] = []
        try:
            self._sessions[get_ident()].execute(";\n".join(statements))
        except (duckdb.DataError, duckdb.InvalidInputException, duckdb.IOException) as error:
            if is_of_machine(error):
                raise
            failed.append([str(error).strip().partition("\n")[0]])
        cursor.execute("create or replace table inventory.failed_attempts (message varchar)")
        if failed:
            cursor.executemany("insert into inventory.failed_attempts values ($1)", failed)

    def _recount_lines(
        self, cursor: duckdb.DuckDBPyConnection, file_id: int, lines_seen: int
    ) -> None:
        """Count the lines of a file one by one; refuse it where the reader saw another number."""
        path, header_line, trailer_line = cursor.execute(
            "select read_path, header_line, trailer_line"
            " from inventory.raw_files where file_id = $1",
            [file_id],
        ).fetchall()[0]
        found = count_records(Path(path), after=header_line + 1)
        lines = found.records - (trailer_line is not None)
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

    def _progress(
        self, cursor: duckdb.DuckDBPyConnection, label: str, done: int, total: int
    ) -> None:
        progress.report(label, done, total)

    def _join_year(self, cursor: duckdb.DuckDBPyConnection, **arguments: Any) -> None:
        join_year(self._workspace, cursor, **arguments)

    def _publish(
        self,
        cursor: duckdb.DuckDBPyConnection,
        models: list[str],
        families: dict[str, list[str]],
    ) -> None:
        publish(self._workspace, cursor, models, families)

    def _discard_candidates(self, cursor: duckdb.DuckDBPyConnection) -> None:
        discard_candidates(self._workspace, cursor)

    def _make_folder(self, cursor: duckdb.DuckDBPyConnection, path: str) -> None:
        Path(path).mkdir(parents=True, exist_ok=True)


def duckdb_memory_limit(limit: str) -> str:
    """Return DuckDB's part of the user's memory limit: what Python and dbt leave of it.

    Raises:
        DbtRuntimeError: the limit is no size such as `2GB`.
    """
    try:
        megabytes = bytes_of(limit) / 1000**2
    except ValueError as error:
        raise DbtRuntimeError(f"memory limit {error}") from error
    return f"{max(megabytes - PYTHON_SHARE_MB, megabytes / 2):.0f}MB"


def _report(source: dict[str, Any]) -> Report:
    return Report(
        iso=source["iso"],
        name=source["name"],
        columns=tuple(
            Column(
                name=column["name"],
                data_type=column["data_type"],
                aliases=tuple(column["aliases"]),
                optional=column["optional"],
                any_of=column["any_of"],
                tells=column["tells"],
                is_day=column["is_day"],
            )
            for column in source["columns"]
        ),
        dated=source["dated"],
        **_options(source["raw"]),
    )


def _with_file_names(report: Report, known_folders: list[list[Any]]) -> Report:
    """The report with the patterns of what its operator calls its files and those of others."""
    names = {f"{iso}/{name}": found for iso, name, found in known_folders if iso == report.iso}
    return replace(
        report,
        file_names=names.get(report.folder),
        siblings=tuple(
            (folder, found)
            for folder, found in sorted(names.items())
            if found and folder != report.folder
        ),
    )


def _options(raw: dict[str, Any]) -> dict[str, Any]:
    """Options of a report that only its raw files are about, as the source's yml has them."""
    names = {field.name for field in fields(Report)} & set(raw)
    return {n: tuple(raw[n]) if isinstance(raw[n], list) else raw[n] for n in sorted(names)}
