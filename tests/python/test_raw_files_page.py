"""The page about raw files names each report with the columns that its source's yml asks for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import yaml

from building import REPOSITORY
from unified_iso.build.spec import INVENTORY

PAGE = REPOSITORY / "docs" / "raw_files.md"


@dataclass(frozen=True)
class Source:
    """A report as its yml describes it.

    needed: columns without which no price has a place; of a report with several layouts those of
    each stand in brackets. wanted: columns whose lack is told.
    optional: columns that are read where they are there.
    """

    folder: str
    needed: tuple[str, ...]
    wanted: tuple[str, ...]
    optional: tuple[str, ...]

    @property
    def line(self) -> str:
        """Its line of the page's table."""
        columns = (self.needed, self.wanted, self.optional)
        return f"| `{self.folder}` | {' | '.join(', '.join(names) or '-' for names in columns)} |"


def _sources() -> Iterator[Source]:
    for path in sorted((REPOSITORY / "models" / "staging").rglob("*.yml")):
        for source in yaml.safe_load(path.read_text()).get("sources", []):
            if source["name"] == INVENTORY:
                continue
            for table in source["tables"]:
                yield _source(source["name"], table)


def _source(iso: str, table: dict[str, Any]) -> Source:
    needed: dict[str, list[str]] = {}
    layouts: dict[str, dict[str, list[str]]] = {}
    wanted, optional = [], []
    for column in table["columns"]:
        name, meta = column["name"], column.get("config", {}).get("meta", {})
        if meta.get("of_file"):
            continue
        if meta.get("layouts"):
            for layout in meta["layouts"]:
                groups = layouts.setdefault(layout, {})
                groups.setdefault(meta.get("any_of", name), []).append(name)
        elif meta.get("any_of"):
            needed.setdefault(meta["any_of"], []).append(name)
        elif meta.get("wanted"):
            wanted.append(name)
        elif meta.get("optional"):
            optional.append(name)
        else:
            needed[name] = [name]
    return Source(
        folder=f"{iso}/{table.get('identifier', table['name'])}",
        needed=(
            *(" or ".join(names) for names in _hours_together(needed)),
            *([" or ".join(map(_in_brackets, layouts.values()))] if layouts else []),
        ),
        wanted=tuple(wanted),
        optional=tuple(optional),
    )


def _in_brackets(groups: dict[str, list[str]]) -> str:
    return f"({', '.join(' or '.join(names) for names in groups.values())})"


def _hours_together(groups: dict[str, list[str]]) -> Iterator[list[str]]:
    """The columns, those of the 24 hours as one."""
    hours = [name for name in groups if name.startswith("HE ")]
    for name, names in groups.items():
        if name not in hours:
            yield names
        elif name == hours[0]:
            yield [f"{hours[0]} to {hours[-1]}"]


SOURCES = {source.folder: source for source in _sources()}


def test_each_report_was_found() -> None:
    assert {"pjm/da_hrl_lmps", "ercot/np4-190-cd", "spp/gridstatus_lmp"} <= set(SOURCES)


@pytest.mark.parametrize("folder", SOURCES)
def test_the_page_tells_what_a_report_needs(folder: str) -> None:
    lines = PAGE.read_text().splitlines()
    assert SOURCES[folder].line in lines, f"write into {PAGE.name}:\n{SOURCES[folder].line}"


def test_the_page_names_no_report_that_is_none() -> None:
    named = {line.split("`")[1] for line in PAGE.read_text().splitlines() if line.startswith("| `")}
    assert named == set(SOURCES)


def test_the_page_is_found_from_the_first_one() -> None:
    assert "(docs/raw_files.md)" in (REPOSITORY / "README.md").read_text()
