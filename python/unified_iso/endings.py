"""How a command ends when a signal ends it: in one line, at once, with the exit code of the signal.

Nothing is wound up, because a run may be killed at any moment and the next one recovers from it.
"""

from __future__ import annotations

import os
import signal
import socket
import threading
from collections.abc import Callable
from contextlib import suppress

PATIENCE_SECONDS = 2
_SIGNALS = (signal.SIGINT, signal.SIGTERM)
# Locks that dbt made are removed by a helper process of Python, which would print that it did.
_SILENT_HELPER = "ignore::UserWarning:multiprocessing.resource_tracker"

_promise = ""
_first: list[Callable[[], None]] = []
_sockets: list[socket.socket] = []


def end_in_words() -> None:
    """Let SIGINT and SIGTERM end this process with a line, 130 or 143, and the second one without.

    It is for the main thread. A thread of its own waits for the signals, because the main thread
    may be inside a query for minutes. A signal that the caller ignores stays ignored.
    """
    if _sockets:
        return
    warnings = os.environ.get("PYTHONWARNINGS")
    os.environ["PYTHONWARNINGS"] = f"{warnings},{_SILENT_HELPER}" if warnings else _SILENT_HELPER
    reader, writer = socket.socketpair()
    _sockets.extend((reader, writer))
    writer.setblocking(False)
    signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
    for number in _SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _leave_it_to_the_thread)
    threading.Thread(target=_wait, args=(reader,), daemon=True).start()


def promise(text: str) -> None:
    """Say `text` behind the word "interrupted" when a signal ends the process."""
    global _promise
    _promise = f": {text}"


def do_first(action: Callable[[], None]) -> None:
    """Call `action` before the words, so that they begin on a line of their own."""
    _first.append(action)


def _leave_it_to_the_thread(number: int, frame: object) -> None:
    pass


def _wait(reader: socket.socket) -> None:
    number = _next_signal(reader)
    threading.Thread(target=_end, args=(number,), daemon=True).start()
    # The words wait where the terminal does not take them.
    reader.settimeout(PATIENCE_SECONDS)
    with suppress(TimeoutError):
        number = _next_signal(reader)
    os._exit(128 + number)


def _next_signal(reader: socket.socket) -> int:
    while (number := reader.recv(1)[0]) not in _SIGNALS:
        pass
    return number


def _end(number: int) -> None:
    for action in _first:
        with suppress(Exception):
            action()
    with suppress(Exception):
        # sys.stderr is left alone, because another thread may be in the middle of writing to it.
        os.write(2, f"interrupted{_promise}\n".encode())
    os._exit(128 + number)
