"""What the project promises of its datasets: columns from the models' yml, clocks from the seeds.

It is read from the project's own files, without dbt, which takes seconds to import.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml


@dataclass(frozen=True, slots=True)
class Clock:
    """The time zone of a market, and its offset from UTC without daylight time, in hours."""

    time_zone: str
    standard_offset_hours: int


def contracts(project_root: Path) -> dict[str, list[tuple[str, str]]]:
    """Return name and type of the columns of every dataset, in their order, by model.

    Types are as the contract writes them, such as `timestamptz`. Without a project there are none.
    """
    found: dict[str, list[tuple[str, str]]] = {}
    for path in sorted((project_root / "models").rglob("*.yml")):
        for model in _models(path):
            if columns := model.get("columns"):
                found[model["name"]] = [(c["name"], str(c.get("data_type", ""))) for c in columns]
    return found


def _models(path: Path) -> list[dict[str, Any]]:
    # The parser that is written in C takes a tenth of the time, and is not in every build of yaml.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    text = path.read_text(encoding="utf-8")
    if "\nmodels:" not in text:
        return []
    content = yaml.load(text, Loader=loader)
    return [model for model in content.get("models") or [] if _is_under_contract(model)]


def _is_under_contract(model: dict[str, Any]) -> bool:
    contract = (model.get("config") or {}).get("contract") or {}
    return bool(contract.get("enforced"))


def clocks(project_root: Path) -> dict[str, Clock]:
    """Return the clock of every market, by operator. Without a project there are none."""
    path = project_root / "seeds" / "markets.csv"
    if not path.is_file():
        return {}
    with path.open(newline="", encoding="utf-8") as stream:
        return {
            row["iso"]: Clock(row["time_zone"], int(row["standard_utc_offset_hours"]))
            for row in csv.DictReader(stream)
        }
