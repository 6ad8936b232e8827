"""Where long work says how far it is: the command line shows it, plain dbt runs stay silent."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

# Of label, done, total and unit.
Listener = Callable[[str, int, int, str], None]

SECONDS_BETWEEN_LINES = 10.0
_SIZES = ((1000**3, "GB"), (1000**2, "MB"), (1000, "kB"), (1, "bytes"))


def _silent(label: str, done: int, total: int, unit: str) -> None:
    pass


_listener: Listener = _silent


def listen(listener: Listener | None) -> None:
    """Send every later report to `listener(label, done, total, unit)`, to nobody if it is None."""
    global _listener
    _listener = listener or _silent


def report(label: str, done: int, total: int, unit: str = "") -> None:
    """Tell how much of `total` is done.

    Work of one label is over when all is done; the next report of that label begins anew.

    Args:
        label: what is worked on, such as the dataset; it has one bar, or one line in ten seconds.
        done: how much is done so far.
        total: how much there is to do.
        unit: of what, `rows` or another plural; `bytes` are shown as a size.
    """
    _listener(label, done, total, unit)


class Tested:
    """Holds back the end of work that is tested afterwards, until its tests have ended too."""

    TESTING = 0.1

    def __init__(self, listener: Listener, tests: Iterable[str]) -> None:
        """Begin with nothing told; `tests` are labels of work, each as often as it is tested."""
        self._listener = listener
        self._tests = Counter(tests)
        self._left = Counter(self._tests)
        self._untested: dict[str, tuple[int, str]] = {}

    def __call__(self, label: str, done: int, total: int, unit: str) -> None:
        """Pass a report on; of work that will be tested not all is done when it says so."""
        if not self._tests[label]:
            self._listener(label, done, total, unit)
            return
        if done >= total:
            self._untested[label] = (total, unit)
        self._listener(label, round(done * (1 - self.TESTING)), total, unit)

    def test_ended(self, label: str) -> None:
        """Tell that one more test of some work has ended."""
        self._left[label] -= 1
        if label not in self._untested:
            return
        total, unit = self._untested[label]
        done = round(total * (1 - self.TESTING * self._left[label] / self._tests[label]))
        if done < total:
            self._listener(label, done, total, unit)
        else:
            self._end(label)

    def all_ended(self) -> None:
        """Tell the end of all that was waited for, because some tests may not have been run."""
        for label in tuple(self._untested):
            self._end(label)

    def _end(self, label: str) -> None:
        total, unit = self._untested.pop(label)
        self._listener(label, total, total, unit)


@contextmanager
def tested(tests: Iterable[str]) -> Iterator[Callable[[str], None]]:
    """Count tests as a part of the work they are of, while the block runs.

    Args:
        tests: the labels of work, each as often as it is tested.

    Yields:
        what is to be called with the label of each test that has ended.
    """
    untested = _listener
    waiting = Tested(untested, tests)
    listen(waiting)
    try:
        yield waiting.test_ended
        waiting.all_ended()
    finally:
        listen(untested)


@dataclass
class _Work:
    """Work that is under way: when it began, when it was last told of, how far it was (seconds)."""

    began: float
    told: float
    done: int


class Teller:
    """Turns reports into lines, few enough for a log: now and then, and one at the end."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin with nothing under way; `clock` tells seconds."""
        self._clock = clock
        self._under_way: dict[str, _Work] = {}

    def line(self, label: str, done: int, total: int, unit: str) -> str | None:
        """Return the line to print for a report, None where it is too early for another."""
        now = self._clock()
        if done >= total:
            self._under_way.pop(label, None)
            return f"{label}: {amount(total, unit)} done"
        work = self._under_way.get(label)
        if work is None or done < work.done:
            self._under_way[label] = _Work(now, now, done)
            return None
        work.done = done
        if now - work.told < SECONDS_BETWEEN_LINES:
            return None
        work.told = now
        return f"{label}: {_share(done, total, unit)}{_left(now - work.began, done, total)}"


def amount(count: int, unit: str) -> str:
    """Return a count with its unit, such as `1,200 rows` or `6.9 GB`; one without a unit as it is.

    Bytes are in powers of 1000.
    """
    if unit == "bytes":
        size, name = next(((s, n) for s, n in _SIZES if count >= s), _SIZES[-1])
        return f"{count / size:,.1f} {name}" if size > 1 else f"{count} bytes"
    return f"{count:,} {unit}".strip()


def _share(done: int, total: int, unit: str) -> str:
    return f"{amount(done, unit)} of {amount(total, unit)} ({100 * done // total} %)"


def _left(seconds: float, done: int, total: int) -> str:
    """Say how long the rest takes at the pace so far; nothing can be said where nothing is done."""
    if not done:
        return ""
    left = round(seconds * (total - done) / done)
    return f", {left // 3600}:{left // 60 % 60:02}:{left % 60:02} left"
