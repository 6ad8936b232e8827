"""The `unified-iso` command.

Exit codes of `build`: 0 everything asked for is published; 1 something is not; 2 the command line
is wrong; 3 published, but files were refused or rows rejected; 130 or 143 a signal ended it.
`verify` exits with 1 where a file is not what was published.
"""

from __future__ import annotations

import json
import os
import tempfile
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from functools import wraps
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)

from unified_iso import endings, progress
from unified_iso.footers import Entry
from unified_iso.limits import bytes_of
from unified_iso.lock import Locked, take_lock
from unified_iso.machine import in_words, is_of_machine
from unified_iso.manifest import read_manifest
from unified_iso.options import Options, read_years
from unified_iso.plan_table import read_plan, show_plan
from unified_iso.project import choose, dataset_models, operators, run_build
from unified_iso.report import (
    UNTOUCHED,
    entries_in_place,
    gather,
    note_absent,
    say,
    say_stopped,
    show,
    show_left_out,
    show_unused,
    shown,
    status_rows,
    status_table,
)
from unified_iso.sample import SampleOptions, write_sample
from unified_iso.words import visible
from unified_iso.workspace import Workspace, WorkspaceError
from unified_iso.year_files import fault_of, unreadable_files

WIDTH = 160
LEFT_OUT = ("refused", "rejected", "unpublished")
UNUSED = ("no_dataset", "left_out", "warnings")

app = typer.Typer(
    help="US electricity market prices as one tested Parquet dataset.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

_OPERATORS, _DATASETS = "those of its markets seed", "those of its models"
# Where the project can't be read, help is given all the same, and the commands say what is wrong.
with suppress(OSError):
    _OPERATORS = ", ".join(operators())
    _DATASETS = ", ".join(sorted({dataset for _, dataset in dataset_models().values()}))

Raw = Annotated[Path, typer.Option("--raw", envvar="UNIFIED_ISO_RAW", help="Folder of raw files.")]
Out = Annotated[Path, typer.Option("--out", envvar="UNIFIED_ISO_OUT", help="Folder to publish in.")]


class _Console(Console):
    """A console whose reader may go away, as `head` does; that is no reason to end a build."""

    def on_broken_pipe(self) -> None:
        """Print into the void from now on."""
        self.quiet = True
        os.dup2(os.open(os.devnull, os.O_WRONLY), self.file.fileno())


def _ends_in_words(command: Callable[..., None]) -> Callable[..., None]:
    """Let a command end in one line and with exit code 1 whatever goes wrong in it."""

    @wraps(command)
    def run(**arguments: Any) -> None:
        try:
            command(**arguments)
        except (typer.Exit, typer.Abort, typer.BadParameter, BrokenPipeError):
            raise
        except Exception as error:
            # Standard error may lie on the same full disk; the exit code tells all the same.
            with suppress(OSError):
                folder = arguments.get("out") or arguments["folder"]
                _say_why(error, folder.absolute(), is_build="raw" in arguments)
            raise typer.Exit(1) from error

    return run


def _say_why(error: Exception, folder: Path, is_build: bool) -> None:
    console = _console(stderr=True)
    if is_of_machine(error):
        lack = in_words(error, folder)
        say_stopped(console, lack) if is_build else say_stopped(console, lack, "try again")
    elif isinstance(error, OSError):
        say(console, "[red]stopped[/red]", f"{error}: check the path and its rights")
    else:
        place = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{Path(place.filename).name} line {place.lineno}"
        fault = f"{type(error).__name__}: {error} (a fault of the program, in {where})"
        say(console, "[red]stopped[/red]", f"{fault}; {_keep_traceback(error, folder)}")


def _keep_traceback(error: Exception, folder: Path) -> str:
    for kept in (folder / "logs" / "dbt.log", Path(tempfile.gettempdir()) / "unified-iso.log"):
        if kept.parent.is_dir():
            with suppress(OSError), kept.open("a") as log:
                log.writelines(traceback.format_exception(error))
                return f"its traceback is in {kept}"
    return "its traceback could not be written anywhere"


@app.command()
@_ends_in_words
def build(
    isos: Annotated[
        list[str] | None,
        typer.Argument(help=f"Operators, in any case: {_OPERATORS}. All without any."),
    ] = None,
    dataset: Annotated[
        list[str] | None,
        typer.Option(
            help=f"A dataset, the operator in front or not: {_DATASETS}. May be repeated."
        ),
    ] = None,
    year: Annotated[int | None, typer.Option(help="One delivery year.")] = None,
    years: Annotated[
        list[str] | None,
        typer.Option(help="Delivery years, like 2023,2024 or 2020-2024. May be repeated."),
    ] = None,
    all_years: Annotated[
        bool, typer.Option("--all", help="Every year there is (the default).")
    ] = False,
    raw: Raw = Path("sample"),
    out: Out = Path("out"),
    memory_limit: Annotated[
        str, typer.Option(envvar="UNIFIED_ISO_MEMORY_LIMIT", help="Memory of the whole process.")
    ] = "2GB",
    threads: Annotated[
        int | None, typer.Option(envvar="UNIFIED_ISO_THREADS", help="Threads; all cores without.")
    ] = None,
    allow_rejects: Annotated[
        bool, typer.Option("--allow-rejects", help="Publish what is sound, list the rest.")
    ] = False,
    prune: Annotated[
        bool, typer.Option("--prune", help="Let rows of vanished raw files go.")
    ] = False,
    full_refresh: Annotated[
        bool, typer.Option("--full-refresh", help="Build anew what is there already.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print what would be built and why; build nothing.")
    ] = False,
    max_unpacked: Annotated[
        str,
        typer.Option(
            envvar="UNIFIED_ISO_MAX_UNPACKED", help="Most that one raw file may unpack to."
        ),
    ] = "64GB",
    max_ratio: Annotated[
        int,
        typer.Option(
            min=1, envvar="UNIFIED_ISO_MAX_RATIO", help="Most times its size it may unpack to."
        ),
    ] = 250,
    max_members: Annotated[
        int,
        typer.Option(min=1, envvar="UNIFIED_ISO_MAX_MEMBERS", help="Most members of one raw file."),
    ] = 100_000,
    max_file_seconds: Annotated[
        int,
        typer.Option(
            min=1, envvar="UNIFIED_ISO_MAX_SECONDS", help="Longest time its workbooks may take."
        ),
    ] = 600,
    max_nesting: Annotated[
        int,
        typer.Option(min=1, envvar="UNIFIED_ISO_MAX_NESTING", help="Most zips within each other."),
    ] = 4,
) -> None:
    """Turn new and changed raw files into published year files.

    Exit codes: 0 everything asked for is published, 1 something is not, 2 the command line is
    wrong, 3 it is published but files were refused or rows rejected.
    """
    console = _console(stderr=True)
    try:
        options = Options(
            years=_years(year, years or [], all_years),
            prune=prune,
            allow_rejects=allow_rejects,
            full_refresh=full_refresh,
            dry_run=dry_run,
        )
        choice = choose(isos or [], dataset or [])
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    try:
        bytes_of(max_unpacked)
    except ValueError as error:
        raise typer.BadParameter(f"--max-unpacked: {error}") from error
    workspace = Workspace(raw=raw.absolute(), out=out.absolute())
    endings.promise(f"{UNTOUCHED}; the next build goes on from there")
    _stop_if_unusable(console, workspace)
    os.environ |= {
        "UNIFIED_ISO_RAW": str(workspace.raw),
        "UNIFIED_ISO_OUT": str(workspace.out),
        "UNIFIED_ISO_MEMORY_LIMIT": memory_limit,
        "UNIFIED_ISO_THREADS": str(threads or ""),
        "UNIFIED_ISO_MAX_UNPACKED": max_unpacked,
        "UNIFIED_ISO_MAX_RATIO": str(max_ratio),
        "UNIFIED_ISO_MAX_MEMBERS": str(max_members),
        "UNIFIED_ISO_MAX_SECONDS": str(max_file_seconds),
        "UNIFIED_ISO_MAX_NESTING": str(max_nesting),
    }
    try:
        with _shown_progress(console):
            result = run_build(workspace, choice, options)
    except WorkspaceError as error:
        say(console, "[red]stopped[/red]", str(error))
        raise typer.Exit(1) from error
    if dry_run and result.success:
        show_plan(_console(), read_plan(workspace))
        return
    outcome = gather(workspace, result, choice.isos, options.years)
    nothing: list[Entry] = []
    published = outcome.read(lambda: status_rows(workspace), nothing)
    note_absent(outcome, workspace, choice, options.years, published)
    show(console, workspace, outcome)
    rows = [row for row in published if row["iso"] in choice.isos]
    _console().print(status_table(rows) if rows else "nothing is published")
    raise typer.Exit(outcome.exit_code)


def _years(year: int | None, years: Sequence[str], all_years: bool) -> tuple[int, ...]:
    """Return the delivery years asked for, none where every one is.

    Raises:
        BadParameter: more than one of the options is given.
        ValueError: one of the words is no year.
    """
    given = {"--year": year is not None, "--years": bool(years), "--all": all_years}
    names = [name for name, is_given in given.items() if is_given]
    if len(names) > 1:
        raise typer.BadParameter(f"{' and '.join(names)} exclude each other")
    return read_years("--years", years) if year is None else (year,)


def _console(stderr: bool = False) -> Console:
    """A console as wide as the terminal, and wide enough for the tables where there is none."""
    console = _Console(stderr=stderr)
    return console if console.is_terminal else _Console(stderr=stderr, width=WIDTH)


def _stop_if_unusable(console: Console, workspace: Workspace) -> None:
    try:
        if not workspace.raw.is_dir():
            raise WorkspaceError(
                f"the raw folder {workspace.raw} does not exist: name it with --raw"
            )
        workspace.require_apart(operators())
        workspace.prepare()
        take_lock(workspace.lock_file)
    except (WorkspaceError, Locked) as error:
        if is_of_machine(error):
            say_stopped(console, in_words(error, workspace.out))
        else:
            say(console, "[red]stopped[/red]", str(error))
        raise typer.Exit(1) from error


@contextmanager
def _shown_progress(console: Console) -> Iterator[None]:
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


@app.command()
@_ends_in_words
def status(
    out: Out = Path("out"),
    as_json: Annotated[bool, typer.Option("--json", help="Machine-readable.")] = False,
) -> None:
    """Show what is published."""
    workspace = Workspace(raw=Path(), out=out.absolute())
    manifest = read_manifest(workspace)
    rows = status_rows(workspace)
    if as_json:
        kept = {name: manifest[name] for name in (*LEFT_OUT, *UNUSED)}
        typer.echo(json.dumps({"datasets": rows} | kept, indent=1))
        return
    console = _console()
    console.print(status_table(rows) if rows else shown(f"nothing is published in {out}"))
    show_unused(console, *(manifest[name] for name in UNUSED))
    show_left_out(console, *(manifest[name] for name in LEFT_OUT))


@app.command()
@_ends_in_words
def verify(out: Out = Path("out")) -> None:
    """Compare every published file with its checksum, its footer and the seal in it."""
    workspace = Workspace(raw=Path(), out=out.absolute())
    entries = entries_in_place(workspace)
    faults: dict[str, str | None] = dict(unreadable_files(workspace))
    faults |= {entry["path"]: fault_of(workspace, entry) for entry in entries}
    for path, fault in sorted(faults.items()):
        typer.echo(visible(f"{path}: {fault or 'as published'}"))
    raise typer.Exit(1 if any(faults.values()) or not entries else 0)


@app.command()
@_ends_in_words
def sample(
    folder: Annotated[Path, typer.Argument(help="Where the raw files and their truth go.")],
    iso: Annotated[list[str] | None, typer.Option(help="Operator; all without.")] = None,
    start: Annotated[
        datetime, typer.Option(formats=["%Y-%m-%d"], help="First delivery day.")
    ] = datetime(2024, 3, 8),
    days: Annotated[int, typer.Option(min=1, help="Delivery days.")] = 4,
    nodes: Annotated[int | None, typer.Option(min=1, help="Locations per operator.")] = None,
    report: Annotated[
        list[str] | None, typer.Option(help="Report; the hourly day-ahead ones without.")
    ] = None,
    real_time: Annotated[
        bool, typer.Option("--real-time", help="Write the real-time reports of energy too.")
    ] = False,
    ancillary_services: Annotated[
        bool,
        typer.Option("--ancillary-services", help="Write the reports of ancillary services too."),
    ] = False,
    truth: Annotated[bool, typer.Option(help="Write the unified rows too.")] = True,
    overlap: Annotated[bool, typer.Option(help="Let neighbouring files share rows.")] = True,
    revisions: Annotated[bool, typer.Option(help="Let some rows come in two versions.")] = True,
) -> None:
    """Write generated raw files in the published formats, with the rows they stand for."""
    console = _console(stderr=True)
    options = SampleOptions(
        truth=truth,
        overlap=overlap,
        revisions=revisions,
        reports=tuple(report) if report else None,
        real_time=real_time,
        ancillary_services=ancillary_services,
    )
    with _shown_progress(console):
        try:
            files = write_sample(
                folder,
                isos=iso,
                start=start.date(),
                days=days,
                nodes=nodes,
                options=options,
                progress=progress.report,
            )
        except ValueError as error:
            raise typer.BadParameter(str(error)) from error
    say(console, "", f"{len(files):,} files in {folder}")


def main() -> None:
    """Run the command line."""
    endings.end_in_words()
    app()
