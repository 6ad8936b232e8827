"""What `status` prints: the table of year files, and below it in lines what keeps others away."""

from __future__ import annotations

from rich.console import Console

from unified_iso.console import say
from unified_iso.footers import Entry
from unified_iso.outcome_text import (
    show_findings,
    show_left_out,
    show_unread,
    show_unused,
    show_vanished,
)
from unified_iso.status import WAITING, Status
from unified_iso.status_table import short, show_status
from unified_iso.words import counted, listed


def show_all(console: Console, found: Status) -> None:
    """Print all of a status, worst last."""
    if found.datasets or found.told["unpublished"]:
        show_status(console, found.datasets, found.told["unpublished"])
    else:
        say(console, "", f"nothing is published in {found.out}")
    for note in found.notes:
        say(console, "[dim]note[/dim]", note)
    _show_last_run(console, found.last_run)
    _show_raw(console, found)
    show_unread(console, found.told["unread"])
    _show_gaps(console, found)
    show_findings(console, found.told["findings"])
    show_vanished(console, found.told["vanished"])
    show_unused(console, *(found.told[name] for name in ("no_dataset", "left_out", "warnings")))
    _show_superseded(console, found.datasets)
    show_left_out(console, *(found.told[name] for name in ("refused", "rejected", "unpublished")))


def _show_gaps(console: Console, found: Status) -> None:
    """Print a line for each dataset with gaps: the longest in UTC and by the market's clock."""
    by_model: dict[str, list[Entry]] = {}
    for gap in found.gaps:
        by_model.setdefault(gap["model"], []).append(gap)
    for model, gaps in by_model.items():
        longest = max(gaps, key=lambda gap: gap["intervals"])
        told = counted(sum(gap["intervals"] for gap in gaps), "interval")
        where = f"{short(longest['from_utc'])} to {short(longest['to_utc'])}"
        if longest["from_local"]:
            local = (longest["from_local"], longest["to_local"])
            where += " ({} to {})".format(*map(_short_local, local))
        runs = counted(len(gaps), "gap")
        the = "" if len(gaps) == 1 else "the longest "
        say(console, "[yellow]gaps[/yellow]", f"{model}: {runs}, {told}: {the}{where}")


def _short_local(instant: str) -> str:
    """Return a local time to the minute, with its offset."""
    return f"{instant[:10]} {instant[11:16]}{instant[19:]}"


def _show_superseded(console: Console, rows: list[Entry]) -> None:
    accounts = [row["accounts"] for row in rows if "accounts" in row]
    told = [
        counted(total, f"{term} row")
        for term in ("superseded", "merged", "filtered", "rejected")
        if (total := sum(account.get(term, 0) for account in accounts))
    ]
    if told:
        say(console, "[dim]accounts[/dim]", f"not published on purpose: {', '.join(told)}")


def _show_raw(console: Console, found: Status) -> None:
    if found.raw is None:
        return
    files = found.raw["unpublished"]
    for state in WAITING:
        names = [file["file"] for file in files if file["state"] == state]
        why = next((file["why"] for file in files if file["state"] == state), "")
        if names:
            text = f"{counted(len(names), 'raw file')} {why}: {listed(names)}"
            say(console, f"[yellow]{state}[/yellow]", text)
    known = {entry["file"] for entry in found.told["refused"]}
    for file in files:
        if file["state"] == "refused" and file["file"] not in known:
            say(console, "[red]refused[/red]", f"{file['file']}: {file['why']}")
    if not files:
        say(console, "", f"all {found.raw['files']:,} raw files in {found.raw['folder']} are known")


def _show_last_run(console: Console, last: Entry | None) -> None:
    if last is None:
        return
    what = (
        "everything asked for was published"
        if last.get("exit_code") == 0
        else (f"exit code {last.get('exit_code')}")
    )
    say(console, "", f"last build {last.get('at')}: {what}")
    for failure in last.get("failures") or []:
        say(console, "  failed", str(failure))
