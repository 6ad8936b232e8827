"""What a dry run prints: for each dataset the parts that a build would write, and why."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby

from rich.console import Console
from rich.table import Table

from unified_iso.console import shown
from unified_iso.workspace import Workspace

_READ = """
    select
        model,
        part,
        state,
        why,
        files,
        lines,
        memory_bytes
    from inventory.plan
    order by
        model,
        part
"""


@dataclass(frozen=True)
class PlannedPart:
    """One part of a dataset as the plan has it; without a `why` it stays as it is.

    files, lines: of the raw files that it is made of.
    memory_bytes: what building it is estimated to take.
    """

    model: str
    part: date
    state: str
    why: str | None
    files: int
    lines: int
    memory_bytes: int


def read_plan(workspace: Workspace) -> list[PlannedPart]:
    """Return the plan that the run has left in the working database, ordered by model and part.

    Raises:
        duckdb.Error: the run has left none.
    """
    import duckdb

    with duckdb.connect(str(workspace.database), read_only=True) as connection:
        rows = connection.execute(_READ).fetchall()
    return [
        PlannedPart(model, part, state, why, files or 0, lines or 0, memory or 0)
        for model, part, state, why, files, lines, memory in rows
    ]


def show_plan(console: Console, parts: Sequence[PlannedPart]) -> None:
    """Print a table for each dataset of which something would be built, and name the others."""
    unchanged = []
    for model, of_model in groupby(parts, key=lambda part: part.model):
        planned = list(of_model)
        stale = [part for part in planned if part.why is not None]
        if stale:
            # This is no title of the table, because a title is folded to the table's width.
            title = _title(model, stale, kept=len(planned) - len(stale))
            console.print(shown(title), highlight=False, soft_wrap=True)
            console.print(_table(stale))
        else:
            unchanged.append(model)
    console.print("\n".join(_closing(parts, unchanged)), highlight=False, soft_wrap=True)


def _table(stale: Sequence[PlannedPart]) -> Table:
    table = Table(box=None)
    table.add_column("part")
    table.add_column("state")
    table.add_column("why", overflow="fold")
    for name in ("files", "lines", "memory"):
        table.add_column(name, justify="right")
    for part in stale:
        table.add_row(
            part.part.isoformat(),
            shown(part.state),
            shown(part.why),
            f"{part.files:,}",
            f"{part.lines:,}",
            _megabytes(part.memory_bytes),
        )
    return table


def _title(model: str, stale: Sequence[PlannedPart], kept: int) -> str:
    lines = sum(part.lines for part in stale)
    most = max(part.memory_bytes for part in stale)
    stays = f", {_parts(kept)} as before" if kept else ""
    return f"{model}: {_parts(len(stale))}, {lines:,} lines, up to {_megabytes(most)}{stays}"


def _closing(parts: Sequence[PlannedPart], unchanged: Sequence[str]) -> Iterator[str]:
    if not parts:
        yield "no raw file has rows of what was asked for"
    elif unchanged:
        yield f"nothing to build: {shown(', '.join(unchanged))}"
    yield "dry run: nothing was built"


def _parts(count: int) -> str:
    return f"{count:,} part{'' if count == 1 else 's'}"


def _megabytes(size: int) -> str:
    return f"{size / 1000**2:,.0f} MB"
