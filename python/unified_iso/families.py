"""The families of datasets: what identifies, orders and prices the rows that datasets share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml


class FamilyError(ValueError):
    """The families of the project file can't be used; the message says which and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """The columns that mean something in every dataset of a family.

    name: name of the view over all datasets of the family.
    key: tell one row from another.
    order: the rows of a file are sorted by these.
    compared: values in which two rows of one key must agree to be repeats.
    price: the column that users come for.
    parts: add up to the price; empty where a price has no parts.
    texts: texts that repeat from interval to interval.
    series: tell what has a row in every interval, as a location has.
    beside: values that some reports tell beside the price and others don't.
    line_key: tell the rows of one raw line apart, which may hold several.
    required: have a value in every row, beside the parts of the price.
    words: have no other words than those that the seed `domains` lists for them.
    names: by column of an id, the column of the name that may stand for it.
    questions: what is asked of loaded rows beside their repeats, with the columns of the answer and
        their types; the SQL is that of the macro `<name>_questions`.
    unit: of the price, where no column `unit` tells it; may be left out.
    """

    name: str
    key: tuple[str, ...]
    order: tuple[str, ...]
    compared: tuple[str, ...]
    price: str
    parts: tuple[str, ...]
    texts: tuple[str, ...]
    series: tuple[str, ...]
    beside: tuple[str, ...] = ()
    line_key: tuple[str, ...] = ("interval_start_utc",)
    required: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    names: Mapping[str, str] = field(default_factory=dict)
    questions: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    unit: str | None = None


def families(project_root: Path) -> dict[str, Family]:
    """Read the families from `vars.families` of the project file, by name.

    Raises:
        FamilyError: there are none, or one lacks an entry or has one that is unknown or misshaped.
        OSError: the project file can't be read.
    """
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    text = (project_root / "dbt_project.yml").read_text(encoding="utf-8")
    project = yaml.load(text, Loader=loader)
    records = (project.get("vars") or {}).get("families")
    if not records:
        raise FamilyError("dbt_project.yml has no vars.families")
    return {name: _family(name, record) for name, record in records.items()}


def _family(name: str, record: dict[str, Any]) -> Family:
    given = set(record) - {*_MAPPINGS, "unit"}
    if given != {"price", *_LISTS}:
        wrong = ", ".join(sorted(given ^ {"price", *_LISTS}))
        raise FamilyError(f"family {name}: lacks or doesn't know {wrong}")
    for entry in _LISTS:
        if not isinstance(record[entry], list):
            raise FamilyError(f"family {name}: {entry} is no list of columns")
    for entry in _MAPPINGS:
        if not isinstance(record.get(entry, {}), dict):
            raise FamilyError(f"family {name}: {entry} does not say something of columns by name")
    return Family(
        name=name,
        price=record["price"],
        names=record.get("names", {}),
        questions=record.get("questions", {}),
        unit=record.get("unit"),
        **{entry: tuple(record[entry]) for entry in _LISTS},
    )


_LISTS = (
    *("key", "order", "compared", "parts", "texts", "series"),
    *("beside", "line_key", "required", "words"),
)
# What a family may do without.
_MAPPINGS = ("names", "questions")
