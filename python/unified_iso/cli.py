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
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from functools import wraps
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from unified_iso import endings, progress
from unified_iso.console import console_of_command, say, shown_progress
from unified_iso.dbt_run import run_build
from unified_iso.footers import Entry
from unified_iso.limits import bytes_of
from unified_iso.lock import Locked, take_lock
from unified_iso.machine import in_words, is_of_machine
from unified_iso.manifest import read_manifest
from unified_iso.options import Options, read_years
from unified_iso.outcome import failures_of, gather, note_absent
from unified_iso.outcome_text import UNTOUCHED, build_summary, say_stopped, show
from unified_iso.plan_table import read_plan, show_plan
from unified_iso.project import (
    choose,
    dataset_models,
    operator_named,
    operators,
    report_folders,
)
from unified_iso.root import clone
from unified_iso.skeleton import left_to_do, write_report
from unified_iso.status import keep_last_run
from unified_iso.status_table import show_status, status_rows
from unified_iso.words import visible
from unified_iso.workspace import Workspace, WorkspaceError

app = typer.Typer(
    help="US electricity market prices as one tested Parquet dataset.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

_OPERATORS, _DATASETS = "those of its markets seed", "those of its models"
# Where the project can't be read, help is given all the same, and the commands say what is wrong.
with suppress(OSError, WorkspaceError):
    _OPERATORS = ", ".join(operators())
    _DATASETS = ", ".join(sorted({dataset for _, dataset in dataset_models().values()}))

Raw = Annotated[Path, typer.Option("--raw", envvar="UNIFIED_ISO_RAW", help="Folder of raw files.")]
Out = Annotated[Path, typer.Option("--out", envvar="UNIFIED_ISO_OUT", help="Folder to publish in.")]


def _size(text: str) -> str:
    try:
        bytes_of(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    return text


MemoryLimit = Annotated[
    str,
    typer.Option(
        envvar="UNIFIED_ISO_MEMORY_LIMIT", callback=_size, help="Memory of the whole process."
    ),
]
Threads = Annotated[
    int | None,
    typer.Option(min=1, envvar="UNIFIED_ISO_THREADS", help="Threads; all cores without."),
]


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
    console = console_of_command(stderr=True)
    if is_of_machine(error):
        lack = in_words(error, folder)
        say_stopped(console, lack) if is_build else say_stopped(console, lack, "try again")
    elif isinstance(error, WorkspaceError):
        say(console, "[red]stopped[/red]", str(error))
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
    memory_limit: MemoryLimit = "2GB",
    threads: Threads = None,
    allow_rejects: Annotated[
        bool, typer.Option("--allow-rejects", help="Publish what is sound, list the rest.")
    ] = False,
    prune: Annotated[
        bool, typer.Option("--prune", help="Let rows of vanished or overwritten files go.")
    ] = False,
    full_refresh: Annotated[
        bool, typer.Option("--full-refresh", help="Build anew what is there already.")
    ] = False,
    by_location: Annotated[
        bool,
        typer.Option("--by-location", help="Also write files sorted by location, for few of many."),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print what would be built and why; build nothing.")
    ] = False,
    max_unpacked: Annotated[
        str,
        typer.Option(
            envvar="UNIFIED_ISO_MAX_UNPACKED",
            callback=_size,
            help="Most that one raw file may unpack to.",
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
    wait: Annotated[
        float,
        typer.Option(min=0, metavar="SECONDS", help="Wait so long for another run to end."),
    ] = 0,
) -> None:
    """Turn new and changed raw files into published year files.

    Exit codes: 0 everything asked for is published, 1 something is not, 2 the command line is
    wrong, 3 it is published but files were refused or rows rejected.
    """
    console, began = console_of_command(stderr=True), datetime.now(UTC)
    try:
        options = Options(
            years=_years(year, years or [], all_years),
            prune=prune,
            allow_rejects=allow_rejects,
            full_refresh=full_refresh,
            dry_run=dry_run,
            by_location=by_location,
        )
        choice = choose(isos or [], dataset or [])
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    workspace = Workspace(raw=raw.absolute(), out=out.absolute())
    endings.promise(f"{UNTOUCHED}; the next build goes on from there")
    _stop_if_unusable(console, workspace, wait)
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
    before = read_manifest(workspace)["files"]
    try:
        with shown_progress(console):
            result = run_build(workspace, choice, options)
    except WorkspaceError as error:
        say(console, "[red]stopped[/red]", str(error))
        raise typer.Exit(1) from error
    if dry_run and result.success:
        show_plan(console_of_command(), read_plan(workspace))
        return
    from unified_iso.quality.report import not_written

    outcome = gather(workspace, result, choice.isos, options.years)
    nothing: list[Entry] = []
    published = outcome.read(lambda: status_rows(workspace), nothing)
    there = {row["path"] for row in published}
    outcome.removed = [entry for entry in before if prune and entry["path"] not in there]
    note_absent(outcome, workspace, choice, options.years, published)
    show(console, workspace, outcome)
    for text in not_written:
        say(console, "[yellow]warning[/yellow]", text)
    rows = [row for row in published if row["model"] in choice.models]
    seconds = (datetime.now(UTC) - began).total_seconds()
    if rows or outcome.unpublished:
        show_status(console_of_command(), rows, outcome.unpublished)
        say(console, "", build_summary(outcome, rows, seconds))
    else:
        console_of_command().print("nothing is published")
    keep_last_run(
        workspace,
        at=began,
        seconds=seconds,
        exit_code=outcome.exit_code,
        asked={"datasets": list(choice.models), "years": list(options.years)},
        failures=failures_of(outcome),
    )
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


def _stop_if_unusable(console: Console, workspace: Workspace, wait: float) -> None:
    try:
        if not workspace.raw.is_dir():
            raise WorkspaceError(
                f"the raw folder {workspace.raw} does not exist: name it with --raw"
            )
        workspace.require_apart(operators())
        workspace.prepare()
        take_lock(workspace.lock_file, wait)
    except (WorkspaceError, Locked) as error:
        if is_of_machine(error):
            say_stopped(console, in_words(error, workspace.out))
        else:
            say(console, "[red]stopped[/red]", str(error))
        raise typer.Exit(1) from error


@app.command()
@_ends_in_words
def status(
    isos: Annotated[
        list[str] | None,
        typer.Argument(help="Operators, in any case; all without any."),
    ] = None,
    dataset: Annotated[
        list[str] | None,
        typer.Option(help="A dataset, the operator in front or not. May be repeated."),
    ] = None,
    year: Annotated[
        list[str] | None, typer.Option(help="Delivery years, like 2023,2024 or 2020-2024.")
    ] = None,
    raw: Annotated[
        Path | None,
        typer.Option(
            envvar="UNIFIED_ISO_RAW", help="Folder of raw files; the last build's without."
        ),
    ] = None,
    out: Out = Path("out"),
    as_json: Annotated[bool, typer.Option("--json", help="Machine-readable.")] = False,
) -> None:
    """Show what is published, what is not and why, from metadata alone.

    Raw files are compared by size and time of change, and not opened. The exit code is 0 whatever
    is told, and 2 where the command line is wrong.
    """
    from unified_iso.status import Filter, status_of
    from unified_iso.status_text import show_all

    workspace = Workspace(raw=Path(), out=out.absolute())
    asked = Filter()
    try:
        if isos or dataset:
            choice = choose(isos or [], dataset or [])
            asked = Filter(isos=choice.isos, models=choice.models)
        asked = replace(asked, years=read_years("--year", year or []))
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    found = status_of(workspace, raw.absolute() if raw else None, asked)
    if as_json:
        typer.echo(json.dumps(found.as_json(), indent=1))
    else:
        show_all(console_of_command(), found)


@app.command()
@_ends_in_words
def verify(
    out: Out = Path("out"),
    as_json: Annotated[bool, typer.Option("--json", help="Machine-readable.")] = False,
    quick: Annotated[
        bool, typer.Option("--quick", help="Compare checksums and footers; read no rows.")
    ] = False,
    memory_limit: MemoryLimit = "2GB",
    threads: Threads = None,
) -> None:
    """Check a published folder from its files alone, as somebody does who has received it.

    Exit codes: 0 all is as it was published and sound, 1 something is not or nothing is there, 2
    the command line is wrong.
    """
    from unified_iso.verify import verify_tree
    from unified_iso.verify.text import verified_lines, verified_summary

    workspace = Workspace(raw=Path(), out=out.absolute())
    console = console_of_command(stderr=True)
    with shown_progress(console):
        found = verify_tree(
            workspace,
            memory_limit=memory_limit,
            threads=threads,
            quick=quick,
            progress=progress.report,
        )
    if as_json:
        typer.echo(json.dumps(found.as_json(str(workspace.out)), indent=1))
    else:
        for line in verified_lines(found):
            typer.echo(visible(line))
        say(console, "", verified_summary(found, workspace))
    raise typer.Exit(0 if found.is_sound else 1)


@app.command()
@_ends_in_words
def report(
    out: Out = Path("out"),
    html: Annotated[
        Path | None, typer.Option(help="Where the page goes; report.html in --out without.")
    ] = None,
) -> None:
    """Write the quality report, one HTML file that opens without network."""
    from unified_iso.quality.report import NoFigures, report_of

    workspace = Workspace(raw=Path(), out=out.absolute())
    page = html.absolute() if html else workspace.report
    try:
        report_of(workspace, page)
    except NoFigures as error:
        say(console_of_command(stderr=True), "[red]stopped[/red]", str(error))
        raise typer.Exit(1) from error
    typer.echo(visible(str(page)))


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
        bool,
        typer.Option(
            "--real-time",
            help="Write the real-time reports of energy too; of gridstatus_lmp, where it is named.",
        ),
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
    from unified_iso.sample import SampleOptions, write_sample

    console = console_of_command(stderr=True)
    options = SampleOptions(
        truth=truth,
        overlap=overlap,
        revisions=revisions,
        reports=tuple(report) if report else None,
        real_time=real_time,
        ancillary_services=ancillary_services,
    )
    with shown_progress(console):
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


@app.command("new-report")
def new_report(
    iso: Annotated[str, typer.Argument(help=f"Operator: {_OPERATORS}.")],
    report: Annotated[str, typer.Argument(help="Folder of its raw files, such as np4-190-cd.")],
) -> None:
    """Write the first files of a report that is not read yet, and say what is left to do.

    For a clone of the repository: nothing is written into an installed package.
    """
    try:
        operator = operator_named(iso)
        known = [name for of, name in report_folders() if of == operator]
        written = write_report(clone(), operator, report, known)
    except (ValueError, WorkspaceError, OSError) as error:
        say(console_of_command(stderr=True), "[red]stopped[/red]", str(error))
        raise typer.Exit(1) from error
    for path in written:
        typer.echo(f"written: {path}")
    for line in left_to_do(operator, report):
        typer.echo(f"to do: {line}")


def _say_version(is_asked: bool) -> None:
    if is_asked:
        typer.echo(f"unified-iso {version('unified-iso')}")
        raise typer.Exit


@app.callback()
def _of_all_commands(
    is_version: Annotated[
        bool,
        typer.Option("--version", callback=_say_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """US electricity market prices as one tested Parquet dataset."""


def main() -> None:
    """Run the command line."""
    endings.end_in_words()
    app()
