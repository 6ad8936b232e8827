"""A test that starts a process or dbt carries the mark by which `make check` leaves it out."""

import os
import subprocess
import sys

import pytest
from dbt.cli.main import dbtRunner

COMMAND = [sys.executable, "--version"]


def test_without_the_mark_no_process_starts() -> None:
    with pytest.raises(pytest.fail.Exception, match="mark this test"):
        subprocess.run(COMMAND, check=True)


def test_without_the_mark_no_child_is_forked() -> None:
    with pytest.raises(pytest.fail.Exception, match="mark this test"):
        # Where it is forked all the same, the child ends here.
        os.fork() or os._exit(0)


def test_without_the_mark_no_dbt_runs_in_this_process() -> None:
    with pytest.raises(pytest.fail.Exception, match="mark this test"):
        dbtRunner().invoke(["--version"])


@pytest.mark.builds
def test_with_the_mark_all_do() -> None:
    subprocess.run(COMMAND, check=True, capture_output=True)
    assert dbtRunner().invoke(["--version"]).success
