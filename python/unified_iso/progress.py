"""Where long work says how far it is: the command line shows it, plain dbt runs stay silent."""

from __future__ import annotations

from collections.abc import Callable

Listener = Callable[[str, int, int], None]


def _silent(label: str, done: int, total: int) -> None:
    pass


_listener: Listener = _silent


def listen(listener: Listener) -> None:
    """Send every later report to `listener(label, done, total)`; bytes or rows, as labelled."""
    global _listener
    _listener = listener


def report(label: str, done: int, total: int) -> None:
    """Tell how much of `total` is done."""
    _listener(label, done, total)
