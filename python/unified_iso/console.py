"""The console of the commands: lines of a mark and a text that is shown as it is, and progress."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)

from unified_iso import endings, progress
from unified_iso.words import visible

WIDTH = 160


class _Console(Console):
    """A console whose reader may go away, as `head` does; that is no reason to end a build."""

    def on_broken_pipe(self) -> None:
        """Print into the void from now on."""
        self.quiet = True
        os.dup2(os.open(os.devnull, os.O_WRONLY), self.file.fileno())


def console_of_command(stderr: bool = False) -> Console:
    """Return a console as wide as the terminal; where there is none, tables have to fit."""
    console = _Console(stderr=stderr)
    return console if console.is_terminal else _Console(stderr=stderr, width=WIDTH)


def say(console: Console, mark: str, text: str) -> None:
    """Print a line: `mark` is markup, `text` is data (file names hold brackets, and worse)."""
    console.print(f"{mark} {shown(text)}".strip(), highlight=False, soft_wrap=True)


def shown(value: object) -> str:
    """Return data as markup that shows it as it is, and in one line."""
    return escape(visible(str(value)))


@contextmanager
def shown_progress(console: Console) -> Iterator[None]:
    """Show progress reports as bars on a terminal, and as a line now and then elsewhere."""
    try:
        if console.is_terminal:
            with _bars(console) as bars:
                progress.listen(bars)
                yield
        else:
            progress.listen(_lines(console))
            yield
    finally:
        progress.listen(None)


def _lines(console: Console) -> progress.Listener:
    teller = progress.Teller()

    def listener(label: str, done: int, total: int, unit: str) -> None:
        if line := teller.line(label, done, total, unit):
            # Where this can't be written, the work it tells of goes on.
            with suppress(OSError):
                say(console, "", line)

    return listener


@contextmanager
def _bars(console: Console) -> Iterator[progress.Listener]:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[amount]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as bars:
        endings.do_first(bars.stop)
        tasks: dict[str, TaskID] = {}

        def listener(label: str, done: int, total: int, unit: str) -> None:
            amount = f"{progress.amount(done, unit)}/{progress.amount(total, unit)}"
            if label not in tasks:
                tasks[label] = bars.add_task(shown(label), total=total, amount=amount)
            bars.update(tasks[label], completed=done, total=total, amount=amount)

        yield listener
