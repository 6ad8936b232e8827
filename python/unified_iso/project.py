"""The dbt project beside this package: which operators and datasets it has, and running it."""

from __future__ import annotations

import csv
import json
import logging
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.cli.main import dbtRunner, dbtRunnerResult

from unified_iso.raw_files import why_no_operator
from unified_iso.workspace import Workspace, WorkspaceError

ROOT = Path(os.environ.get("UNIFIED_ISO_PROJECT", Path(__file__).parents[2]))
FAMILY_VIEWS = "path:models/unified,config.materialized:view"


class UnknownName(ValueError):
    """An operator or dataset that the project doesn't have; the message lists those it has."""


@dataclass(frozen=True)
class Choice:
    """What a build was asked for: models by name; `everything` where nothing was left out.

    named: the operators that were asked for by name, all or none of `isos`.
    dataset: the dataset that was asked for by name.
    """

    models: tuple[str, ...]
    isos: tuple[str, ...]
    everything: bool
    named: tuple[str, ...] = ()
    dataset: str | None = None


def operators() -> list[str]:
    """Return the operators of the project, in the order of its markets seed."""
    with (ROOT / "seeds" / "markets.csv").open(newline="") as stream:
        return [row["iso"] for row in csv.DictReader(stream)]


def report_folders() -> list[tuple[str, str]]:
    """Return operator and name of every report that the project knows, read or not."""
    with (ROOT / "seeds" / "reports.csv").open(newline="") as stream:
        return [(row["iso"], row["report"]) for row in csv.DictReader(stream)]


def dataset_models() -> dict[str, tuple[str, str]]:
    """Return every dataset model with its operator and dataset name."""
    found = {}
    known = operators()
    for path in sorted((ROOT / "models" / "unified").glob("*.sql")):
        iso, _, dataset = path.stem.partition("_")
        if iso in known:
            found[path.stem] = (iso, dataset)
    return found


def choose(isos: Sequence[str], dataset: str | None) -> Choice:
    """Turn the operators and the dataset asked for, in any case, into models.

    The operator may also stand in front of the dataset, as in the name of the model.

    Raises:
        UnknownName: no such operator or dataset.
    """
    models = dataset_models()
    isos = [_operator(iso) for iso in isos]
    if dataset is not None:
        isos, dataset = _split_model(isos, dataset.casefold(), models)
    chosen = {
        model: name
        for model, name in models.items()
        if (not isos or name[0] in isos) and (dataset is None or name[1] == dataset)
    }
    lacking = [iso for iso in isos if iso not in {name[0] for name in chosen.values()}]
    if lacking or not chosen:
        available = sorted(
            {name[1] for name in models.values() if not lacking or name[0] in lacking}
        )
        raise UnknownName(
            f"no dataset {dataset or ''} for {', '.join(lacking) or 'any operator'}: "
            f"there are {', '.join(available) or 'none'}"
        )
    return Choice(
        models=tuple(chosen),
        isos=tuple(dict.fromkeys(name[0] for name in chosen.values())),
        everything=len(chosen) == len(models),
        named=tuple(dict.fromkeys(isos)),
        dataset=dataset,
    )


def _operator(name: str) -> str:
    known = operators()
    if name.casefold() not in known:
        nearest = get_close_matches(name.casefold(), known, n=1)
        meant = f" (is {nearest[0]} meant?)" if nearest else ""
        raise UnknownName(f"no operator {name!r}{meant}: there are {', '.join(known)}")
    return name.casefold()


def _split_model(
    isos: list[str], dataset: str, models: Mapping[str, tuple[str, str]]
) -> tuple[list[str], str]:
    """Take a model's name apart, where no other operator was asked for."""
    if dataset not in models:
        return isos, dataset
    iso, name = models[dataset]
    if isos and isos != [iso]:
        raise UnknownName(f"{dataset} is a dataset of {iso}, not of {', '.join(isos)}")
    return [iso], name


def run_build(
    workspace: Workspace, choice: Choice, variables: dict[str, Any], full_refresh: bool
) -> dbtRunnerResult:
    """Run `dbt build` in this process on what was chosen.

    Raises:
        WorkspaceError: the raw folder has no operator's folder.
    """
    if why := why_no_operator(workspace.raw, report_folders()):
        raise WorkspaceError(why)
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
