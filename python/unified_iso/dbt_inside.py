"""What is used of dbt that it doesn't promise to keep, each with the reason why.

`tests/python/test_dbt_inside.py` fails in words where a new dbt has changed one of them.
"""

# dbt has left some of these functions without types.
# mypy: disable-error-code="no-untyped-call"

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from pathlib import Path
from typing import Any

from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.adapters.duckdb.environments.local import LocalEnvironment
from dbt.adapters.factory import reset_adapters
from dbt.artifacts.schemas.results import RunStatus
from dbt.artifacts.schemas.run import RunExecutionResult
from dbt.cli.main import dbtRunnerResult
from dbt.contracts.graph.manifest import Manifest
from dbt.contracts.graph.nodes import GenericTestNode
from dbt.events.types import JinjaLogInfo
from dbt.flags import get_flags
from dbt.parser.manifest import extended_mashumaro_encoder, extended_mashumuro_decoder
from dbt_common.events.event_manager_client import cleanup_event_logger
from dbt_common.events.functions import fire_event

_CANCEL: Any = vars(LocalEnvironment)["cancel"].__func__


def close_database() -> None:
    """Close the working database, which dbt-duckdb keeps open for the life of the process.

    The report reads it after the run, and a later run may be on another one.
    """
    reset_adapters()
    DuckDBConnectionManager.close_all_connections()


def close_logs() -> None:
    """Close the log file and forget the console, to which later events would be written."""
    cleanup_event_logger()


def manifest_to_bytes(manifest: Manifest) -> bytes:
    """Write what builds need of a parsed project, as dbt writes its own partial_parse.msgpack.

    dbt offers to run with a manifest that is given, but no way to keep one. Unit tests, the text of
    the project's files and the graph, which is made anew, would be two thirds of what each build
    reads, and no build uses them.
    """
    kept = replace(manifest, unit_tests={}, files={}, flat_graph={})
    return bytes(kept.to_msgpack(extended_mashumaro_encoder))


def manifest_from_bytes(content: bytes, without: Collection[str] = ()) -> Manifest:
    """Read what `manifest_to_bytes` wrote, with `graph`, the variable of macros.

    without: models and seeds whose tests are left out, because dbt's `--exclude` of one keeps those
        of its tests that read anything else beside it.
    """
    manifest = Manifest.from_msgpack(content, decoder=extended_mashumuro_decoder)
    if without:
        for unique_id, model in tests_of(manifest).items():
            if model in without:
                del manifest.nodes[unique_id]
    manifest.build_flat_graph()
    return manifest


def variables_of(manifest: Manifest) -> set[str]:
    """Return the environment variables that dbt read while it parsed."""
    return set(manifest.env_vars)


def tell(line: str) -> None:
    """Say a line in dbt's log and on its console, as `log(..., info=true)` of a macro does."""
    fire_event(JinjaLogInfo(msg=line, node_info={}))


def call_when_cancelled(action: Callable[[], None]) -> None:
    """Call `action` when dbt cancels what runs, as it does on SIGINT.

    It interrupts its own sessions only, and would wait for others.
    """

    def cancel(environment: type[LocalEnvironment], connection: Any) -> None:
        action()
        _CANCEL(environment, connection)

    LocalEnvironment.cancel = classmethod(cancel)  # type: ignore[assignment]


def tests_of(manifest: Manifest) -> dict[str, str]:
    """Return the name of the model that each test is written under, by the test's unique id."""
    return {
        node.unique_id: node.attached_node.rpartition(".")[2]
        for node in manifest.nodes.values()
        if isinstance(node, GenericTestNode) and node.attached_node
    }


def statuses_of(ended: dbtRunnerResult) -> dict[str, str]:
    """Return what came of each node of a run, by unique id; of a command that ran none, nothing."""
    ran = ended.result.results if isinstance(ended.result, RunExecutionResult) else ()
    return {result.node.unique_id: result.status.value for result in ran}


def when_a_node_has_run(action: Callable[[str], None]) -> Callable[[Any], None]:
    """Return a callback of dbt's runner that calls `action` with the unique id of each node.

    Nodes that were skipped have not run.
    """

    def callback(event: Any) -> None:
        if event.info.name == "NodeFinished" and event.data.run_result.status != "skipped":
            action(event.data.node_info.unique_id)

    return callback


def fail(result: Any, message: str) -> None:
    """Turn a result into an error after its node has run.

    Only what is published counts, and otherwise `dbt retry` would find nothing to do.
    """
    result.status = RunStatus.Error
    result.message = message


def log_file() -> Path:
    """Return the log of this run, which an error message names."""
    return Path(getattr(get_flags(), "LOG_PATH", "logs")) / "dbt.log"
