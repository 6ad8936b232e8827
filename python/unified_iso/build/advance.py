"""Tells how far the building of a dataset is while its statements run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Lock, Thread
from types import TracebackType

import duckdb

from unified_iso import progress

LOADING, WRITING, JOINING = 0.45, 0.45, 0.1
SECONDS_BETWEEN_REPORTS = 1.0
_TELLS_PROGRESS = (
    "set enable_progress_bar = true;"
    "set enable_progress_bar_print = false;"
    "set progress_bar_time = 0;"
)


class Advance:
    """How far one dataset is, in lines of raw files; it is told every second in the block.

    A line is done in three shares: when it is loaded, written and joined.
    """

    def __init__(self, label: str) -> None:
        """Begin with nothing to do; `label` names the work to the user."""
        self._label = label
        self._total = 0
        self._done = 0.0
        self._running: dict[duckdb.DuckDBPyConnection, float] = {}
        self._lock = Lock()
        self._ended = Event()
        self._teller = Thread(target=self._tell, daemon=True)

    def __enter__(self) -> Advance:
        """Begin to tell."""
        self._teller.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Tell for the last time that all is done, if it is."""
        self._ended.set()
        self._teller.join()
        if error is None and self._total:
            progress.report(self._label, self._total, self._total, "lines")

    @property
    def total(self) -> int:
        """How many lines there are in all."""
        return self._total

    def expect(self, total: int) -> None:
        """Let there be so many lines in all; files that cover more days than thought raise them."""
        self._total = total

    @contextmanager
    def step(self, cursor: duckdb.DuckDBPyConnection, lines: float) -> Iterator[None]:
        """Count so many lines while the statements of the block run on a session."""
        cursor.execute(_TELLS_PROGRESS)
        with self._lock:
            self._running[cursor] = lines
        try:
            yield
        finally:
            with self._lock:
                del self._running[cursor]
                self._done += lines

    def _tell(self) -> None:
        while not self._ended.wait(SECONDS_BETWEEN_REPORTS):
            with self._lock:
                running = sum(lines * _share(cursor) for cursor, lines in self._running.items())
            if self._total:
                done = min(round(self._done + running), self._total - 1)
                progress.report(self._label, done, self._total, "lines")


def _share(cursor: duckdb.DuckDBPyConnection) -> float:
    """Return which share of its statement a session has done; DuckDB may not know."""
    try:
        return max(cursor.query_progress(), 0) / 100
    except duckdb.Error:
        return 0
