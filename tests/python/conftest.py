"""What the suites share: the real command line, and a look at what it published."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest
from typer.testing import CliRunner

from unified_iso.cli import app
from unified_iso.sample import write_sample

REPOSITORY = Path(__file__).parents[2]
LONGEST_RUN_SECONDS = 600

FileStates = dict[str, tuple[int, str]]


@dataclass(frozen=True)
class BuildRun:
    """How a command ended and what it said."""

    returncode: int
    stdout: str
    stderr: str

    @property
    def output(self) -> str:
        return f"{self.stdout}\n{self.stderr}"


@dataclass(frozen=True)
class Built:
    """A raw folder, with the truth beside it, and the folder it was published in."""

    raw: Path
    out: Path


def environment(**variables: str) -> dict[str, str]:
    """The environment without what a Makefile or a shell says of folders and limits."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("UNIFIED_ISO_") or name == "UNIFIED_ISO_PROJECT"
    }
    return kept | {"COLUMNS": "300"} | variables


def run_command(
    arguments: list[str], check: int | None = 0, env: dict[str, str] | None = None
) -> BuildRun:
    done = subprocess.run(
        arguments,
        capture_output=True,
        text=True,
        timeout=LONGEST_RUN_SECONDS,
        env=env or environment(),
        check=False,
    )
    run = BuildRun(done.returncode, done.stdout, done.stderr)
    assert check is None or run.returncode == check, (
        f"exit code {run.returncode} instead of {check}: {' '.join(arguments)}\n{run.output}"
    )
    return run


def build_command(raw: Path, out: Path, *arguments: str) -> list[str]:
    folders = ("--raw", str(raw), "--out", str(out))
    return [sys.executable, "-m", "unified_iso", "build", *folders, *arguments]


@pytest.fixture(scope="session")
def run_build() -> Callable[..., BuildRun]:
    """Run `unified-iso build` in a process of its own; `check` is the exit code it must have."""

    def run(raw: Path, out: Path, *arguments: str, check: int | None = 0) -> BuildRun:
        return run_command(build_command(raw, out, *arguments), check)

    return run


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


@pytest.fixture(scope="session")
def run_dbt() -> Callable[..., BuildRun]:
    """Run plain dbt on the project, with its own files kept below `out`."""
    project = os.environ.get("UNIFIED_ISO_PROJECT", str(REPOSITORY))

    def run(raw: Path, out: Path, *arguments: str, check: int | None = 0) -> BuildRun:
        command = [
            *(sys.executable, "-c", "from dbt.cli.main import cli; cli()"),
            *arguments,
            *("--project-dir", project, "--profiles-dir", project),
            *("--target-path", str(out / "target"), "--log-path", str(out / "dbt-logs")),
        ]
        folders = environment(UNIFIED_ISO_RAW=str(raw), UNIFIED_ISO_OUT=str(out))
        return run_command(command, check, folders)

    return run


@pytest.fixture(scope="session")
def status() -> Callable[[Path], dict]:
    """What `unified-iso status --json` prints. In this process: it starts no dbt."""

    def read(out: Path) -> dict:
        result = CliRunner().invoke(app, ["status", "--json", "--out", str(out)])
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    return read


@pytest.fixture(scope="session")
def published() -> Callable[[Path, str, str], list[Path]]:
    """The year files of a dataset, in order of the year."""

    def find(out: Path, iso: str, dataset: str) -> list[Path]:
        return sorted((out / "parquet" / iso / dataset).glob("*"))

    return find


@pytest.fixture(scope="session")
def file_states() -> Callable[[Path], FileStates]:
    """Modification time and checksum of every file below `<out>/parquet`, by relative path."""

    def read(out: Path) -> FileStates:
        return {
            path.relative_to(out).as_posix(): (
                path.stat().st_mtime_ns,
                hashlib.sha256(path.read_bytes()).hexdigest(),
            )
            for path in sorted((out / "parquet").rglob("*"))
            if path.is_file()
        }

    return read


@pytest.fixture(scope="session")
def real_samples() -> Path:
    """Real raw files; their owners restrict redistribution, so few checkouts have them."""
    return _folder_beside_the_repository("samples")


@pytest.fixture(scope="session")
def bad_samples() -> Path:
    """Real files that are no reports, kept beside the real samples."""
    return _folder_beside_the_repository("samples_bad")


def _folder_beside_the_repository(name: str) -> Path:
    folder = REPOSITORY.parent / "shared" / name
    if not folder.is_dir():
        pytest.skip(f"{folder} is not there: real files can't be part of the repository")
    return folder


@pytest.fixture(scope="session")
def small_build(
    tmp_path_factory: pytest.TempPathFactory, run_build: Callable[..., BuildRun]
) -> Built:
    """Two operators from 2023-12-30 to 2024-02-03, published: two years, three months.

    Tests share it, so they leave it as it is; `own_build` is there for changing it.
    """
    folder = tmp_path_factory.mktemp("small")
    built = Built(folder / "raw", folder / "out")
    write_sample(built.raw, isos=["pjm"], start=date(2023, 12, 30), days=36, nodes=40)
    write_sample(built.raw, isos=["nyiso"], start=date(2023, 12, 30), days=36, nodes=5)
    run_build(built.raw, built.out)
    return built


@pytest.fixture
def own_build(small_build: Built) -> Iterator[Built]:
    """The small build for a test to change; it is put back afterwards.

    It stays in its place, because the working database knows raw files by their path.
    """
    kept = small_build.raw.parent / "kept"
    shutil.copytree(small_build.raw, kept / "raw", symlinks=True)
    shutil.copytree(small_build.out, kept / "out", symlinks=True)
    yield small_build
    for folder in (small_build.raw, small_build.out):
        shutil.rmtree(folder)
        (kept / folder.name).rename(folder)
    shutil.rmtree(kept)
