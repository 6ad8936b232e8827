"""What the suites share: builds that run beside a test, and what all tests keep to.

A test that starts a process or dbt is marked with `builds`; without the mark it fails.
With `--numprocesses` modules are handed out to several processes.
"""

import gc
import os
import subprocess
import sys
from collections.abc import Callable, Generator, Iterator
from functools import cache, wraps
from pathlib import Path
from typing import Any

import pytest
from dbt.cli.main import dbtRunner
from filelock import FileLock

from building import REPOSITORY, build_command, environment, kept_manifest

# Of the modules that build these take longest, the longest first.
_LONGEST = (
    *("test_incremental", "test_nothing_new", "test_torture", "test_false_success"),
    *("test_resaved", "test_seeds", "test_guards", "test_isone", "test_ercot_real_time"),
    *("test_gridstatus", "test_round_trip", "test_faults", "test_nyiso", "test_spp_real_time"),
    *("test_cases", "test_third_family", "test_ercot", "test_publishing", "test_metadata"),
    *("test_accounts", "test_quality_report", "test_staging_views", "test_miso", "test_caiso"),
    *("test_ancillary_round_trip", "test_readme", "test_contributing", "test_own_model"),
)
_PROCESSES = ("subprocess.Popen", "os.fork")
_is_marked = True


def _require_mark() -> None:
    if not _is_marked:
        pytest.fail("mark this test with pytest.mark.builds: `make check` leaves those out")


def pytest_configure() -> None:
    """Ask for the mark whenever a process is started, and before dbt runs in this one."""
    # A process of tests holds dbt, its project and much else until it ends. Python would look
    # through it for garbage after every few hundred objects that a test makes.
    gc.set_threshold(50_000, 20, 10)
    sys.addaudithook(lambda event, _: _require_mark() if event in _PROCESSES else None)
    invoke = dbtRunner.invoke

    @wraps(invoke)
    def marked(*arguments: Any, **options: Any) -> Any:
        _require_mark()
        return invoke(*arguments, **options)

    dbtRunner.invoke = marked  # type: ignore[method-assign]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Let a test and the fixtures that are made for it start something only if it is marked."""
    global _is_marked
    _is_marked = item.get_closest_marker("builds") is not None
    if _is_marked:
        _parse_once()
    try:
        return (yield)
    finally:
        _is_marked = True


@cache
def _parse_once() -> None:
    """Let one of the processes that run tests parse the project, for all of them."""
    target = REPOSITORY / "target"
    target.mkdir(exist_ok=True)
    with FileLock(target / "tests.lock"):
        kept_manifest()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Begin with the longest modules where several processes share them, so that none comes last.

    The tests of a module stay in one process, because they look at the same builds.
    """
    if hasattr(config, "workerinput"):
        places = {name: place for place, name in enumerate(_LONGEST)}
        items.sort(key=lambda item: places.get(item.path.stem, len(places)))


@pytest.fixture(autouse=True)
def own_variables() -> Iterator[None]:
    """Let no test see the folders that a command of another one has put into the environment."""
    before = {name: text for name, text in os.environ.items() if name.startswith("UNIFIED_ISO_")}
    yield
    for name in [name for name in os.environ if name.startswith("UNIFIED_ISO_")]:
        del os.environ[name]
    os.environ.update(before)


@pytest.fixture(scope="session")
def start_build() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start `unified-iso build` and return at once; what still runs at the end is stopped."""
    started: list[subprocess.Popen[str]] = []

    def start(raw: Path, out: Path, *arguments: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            build_command(raw, out, *arguments),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            text=True,
            env=environment(),
        )
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
            process.wait()
