"""The dbt project beside this package: which operators and datasets it has, and running it."""

from __future__ import annotations

import csv
import json
import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.cli.main import dbtRunner, dbtRunnerResult

from unified_iso.workspace import Workspace

ROOT = Path(os.environ.get("UNIFIED_ISO_PROJECT", Path(__file__).parents[2]))
FAMILY_VIEWS = "path:models/unified,config.materialized:view"


class UnknownName(ValueError):
    """An operator or dataset that the project doesn't have; the message lists those it has."""


@dataclass(frozen=True)
class Choice:
    """What a build was asked for: models by name; `everything` where nothing was left out."""

    models: tuple[str, ...]
    isos: tuple[str, ...]
    everything: bool


def operators() -> list[str]:
    """Return the operators of the project, in the order of its markets seed."""
    with (ROOT / "seeds" / "markets.csv").open(newline="") as stream:
        return [row["iso"] for row in csv.DictReader(stream)]


def dataset_models() -> dict[str, tuple[str, str]]:
    """Return every dataset model with its operator and dataset name."""
    found = {}
    for path in sorted((ROOT / "models" / "unified").glob("*.sql")):
        iso, _, dataset = path.stem.partition("_")
        if iso in operators():
            found[path.stem] = (iso, dataset)
    return found


def choose(isos: Sequence[str], dataset: str | None) -> Choice:
    """Turn the operators and the dataset asked for into models.

    Raises:
        UnknownName: no such operator or dataset.
    """
    models = dataset_models()
    for iso in isos:
        if iso not in operators():
            raise UnknownName(f"no operator {iso!r}: there are {', '.join(operators())}")
    chosen = {
        model: name
        for model, name in models.items()
        if (not isos or name[0] in isos) and (dataset is None or name[1] == dataset)
    }
    if not chosen:
        available = sorted({name[1] for name in models.values() if not isos or name[0] in isos})
        raise UnknownName(
            f"no dataset {dataset or ''} for {', '.join(isos) or 'any operator'}: "
            f"there are {', '.join(available) or 'none'}"
        )
    return Choice(
        models=tuple(chosen),
        isos=tuple(dict.fromkeys(name[0] for name in chosen.values())),
        everything=len(chosen) == len(models),
    )


def run_build(
    workspace: Workspace, choice: Choice, variables: dict[str, Any], full_refresh: bool
) -> dbtRunnerResult:
    """Run `dbt build` in this process on what was chosen."""
    arguments = [
        "build",
        *("--project-dir", str(ROOT), "--profiles-dir", str(ROOT)),
        *(
            "--target-path",
            str(workspace.state / "target"),
            "--log-path",
            str(workspace.out / "logs"),
        ),
        *("--vars", json.dumps(variables)),
        *("--exclude-resource-type", "unit_test"),
        *("--indirect-selection", "cautious"),
        *("--log-level", "none", "--log-level-file", "debug"),
        "--no-use-colors",
    ]
    if full_refresh:
        arguments.append("--full-refresh")
    if not choice.everything:
        arguments += ["--select", *(f"+{model}" for model in choice.models), FAMILY_VIEWS]
    # On a full disk dbt's log can't be written, and Python would print how, line by line.
    logging.raiseExceptions = False
    result = dbtRunner().invoke(arguments)
    # dbt keeps the database open for the life of the process; the report reads it after the run.
    DuckDBConnectionManager.close_all_connections()
    return result
