"""Tables that fit a terminal: columns go before a name or a date is cut, and last rows stack."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table

Row = dict[Any, Any]
_BESIDE = 2


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table.

    text: what it shows of a row, fit for a terminal; it may have several lines.
    worth: columns of the least worth go first where a table is too wide; those of None never go.
    """

    name: str
    text: Callable[[Row], str]
    worth: int | None = None
    is_number: bool = False


def fitting(columns: Sequence[Column], rows: Sequence[Row], width: int) -> list[Column]:
    """Return the columns of a table that is no wider than `width`, in their order, not empty."""
    kept = [c for c in columns if c.worth is None or any(c.text(row) for row in rows)]
    widths = {column.name: _width(column, rows) for column in columns}
    while sum(widths[c.name] + _BESIDE for c in kept) > width:
        loose = [column for column in kept if column.worth is not None]
        if not loose:
            break
        kept.remove(min(loose, key=lambda column: column.worth or 0))
    return kept


def _width(column: Column, rows: Sequence[Row]) -> int:
    lines = [line for row in rows for line in column.text(row).splitlines()]
    return max(map(cell_len, [column.name, *lines]))


def print_rows(
    console: Console, columns: Sequence[Column], rows: Sequence[Row], markup: Callable[[str], str]
) -> list[Column]:
    """Print rows as a table, or one below the other where the columns that must stay are too wide.

    markup: turns text into markup that shows it as it is.

    Returns the columns that were printed.
    """
    kept = fitting(columns, rows, console.width)
    if sum(_width(column, rows) + _BESIDE for column in kept) <= console.width:
        console.print(_table(kept, rows, markup))
        return kept
    for row in rows:
        for text in _stacked(kept, row):
            console.print(markup(text), highlight=False, soft_wrap=True)
    return kept


def _stacked(columns: Sequence[Column], row: Row) -> Iterator[str]:
    first, *others = columns
    yield f" {first.text(row)}"
    for column in others:
        yield f"   {column.name}: {column.text(row)}"


def _table(columns: Sequence[Column], rows: Sequence[Row], markup: Callable[[str], str]) -> Table:
    table = Table(box=None)
    for column in columns:
        justify: Any = "right" if column.is_number else "left"
        table.add_column(markup(column.name), justify=justify, no_wrap=True)
    for row in rows:
        cells = ("\n".join(map(markup, column.text(row).splitlines())) for column in columns)
        table.add_row(*cells)
    return table
