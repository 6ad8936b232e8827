"""Lists what lies in the raw folder, and what lies there in a wrong place."""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from difflib import get_close_matches
from functools import partial
from pathlib import Path, PurePosixPath

from unified_iso.raw_files.archives import is_left_behind
from unified_iso.raw_files.faults import reason_of, stop_if_of_machine, unreadable
from unified_iso.raw_files.lines import BLOCK
from unified_iso.raw_files.records import Listed
from unified_iso.raw_files.replies import is_reply
from unified_iso.raw_files.shapes import FIRST_BYTES

RAW_ENDINGS = (".csv", ".gz", ".zip", ".xlsx")
# A failed download may leave a reply of the server in such a file. It is refused if it holds one,
# and passed over otherwise.
REPLY_ENDINGS = (".xml", ".html", ".htm")
CONTAINER_ENDINGS = (".zip", ".xlsx")
STRAYS_SHOWN = 5
# Least likeness of a misspelt name, as difflib measures it: pjn is near enough to pjm, nyiso is not
# to miso.
LIKENESS = 0.66


def list_raw_files(
    raw: Path, isos: Iterable[str], known_folders: Collection[tuple[str, str]] = ()
) -> list[Listed]:
    """List the raw files below `raw/<iso>` for the given operators, without opening them.

    Files of other kinds are left out: only .csv, .gz, .zip and .xlsx count. What has such an ending
    and is no regular file is listed with a refusal, as is a folder that can't be listed.

    known_folders: operator and name of every report, to tell a file that stands in a folder's
        place.

    Raises:
        MachineError: the machine failed, not the file system's content.
    """
    found = [
        file
        for iso in isos
        for file in _walk(raw, iso, {name for known, name in known_folders if known == iso})
    ]
    containers = {file.path for file in found if file.path.lower().endswith(CONTAINER_ENDINGS)}
    return sorted(
        (_not_like_a_member(file, containers) for file in found), key=lambda file: file.path
    )


def list_strays(raw: Path, operators: Collection[str]) -> list[Listed]:
    """List what lies at the top of the raw folder, looks like raw files and has no operator.

    A folder is listed once, whatever is in it; hidden ones don't count.
    """
    found = []
    for name in sorted(path.name for path in raw.iterdir()):
        refusal = None if name in operators else _why_stray(raw, name, operators)
        if refusal:
            found.append(Listed("", "", name, 0, 0, refusal=refusal))
    return found


def _why_stray(raw: Path, name: str, operators: Collection[str]) -> str | None:
    path = raw / name
    named = name.casefold()
    if not _is_folder(path):
        if not named.endswith(RAW_ENDINGS):
            return None
        return f"belongs to no operator: move it to a report folder of {_one_of(operators)}"
    # On a file system where case doesn't count this is the operator's own folder, which is read.
    if name.startswith(".") or (named in operators and _is_same(path, raw / named)):
        return None
    if path.is_symlink() and _holds(path, raw):
        return _LEADS_BACK
    first = _first_raw_file(path)
    if first is None:
        return None
    if named in operators:
        return f"is no operator's folder and is not read: rename it to {named}"
    nearest = nearest_of(named, operators)
    advice = f"rename it to {nearest} if that is meant, or " if nearest else ""
    return (
        f"is no operator's folder and is not read (it holds {first}): {advice}move its files to "
        f"the report folders of {_one_of(operators)}"
    )


def why_no_operator(raw: Path, known_folders: Collection[tuple[str, str]]) -> str | None:
    """Tell why nothing can be read where the raw folder has no operator's folder.

    Folders one level off are recognised by their names.

    known_folders: operator and name of every report.
    """
    operators = {iso for iso, _ in known_folders}
    if any(os.path.lexists(raw / iso) for iso in operators):
        return None
    if whole := _raw_folder_above(raw, known_folders):
        of = "one operator" if whole == raw.parent else "one report"
        return f"{raw} looks like the folder of {of}: name {whole} with --raw or UNIFIED_ISO_RAW"
    expected = f"raw files lie in <operator>/<report>/ of it, the operator {_one_of(operators)}"
    for folder in _folders_in(raw):
        if any(_is_folder(folder / iso) for iso in operators):
            return (
                f"the raw folder {raw} has no operator's folder, but {folder} has: "
                "name that with --raw or UNIFIED_ISO_RAW"
            )
    strays = [f"{stray.path} {stray.refusal}" for stray in list_strays(raw, operators)]
    if strays:
        return f"the raw folder {raw} has no operator's folder; {'; '.join(strays[:STRAYS_SHOWN])}"
    what = "has no operator's folder" if any(raw.iterdir()) else "is empty"
    return f"the raw folder {raw} {what}: {expected}"


def _raw_folder_above(raw: Path, known_folders: Collection[tuple[str, str]]) -> Path | None:
    """The folder that was meant if this is an operator's or a report's folder below it."""
    operators = {iso for iso, _ in known_folders}
    reports = {name for _, name in known_folders}
    if raw.parent.name.casefold() in operators and raw.name in reports:
        return raw.parent.parent
    if any(folder.name in reports for folder in _folders_in(raw)):
        return raw.parent
    return None


def _folders_in(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if _is_folder(path))


def _one_of(operators: Collection[str]) -> str:
    return "one of " + ", ".join(sorted(operators))


def nearest_of(name: str, names: Collection[str]) -> str | None:
    """The one of `names` that was probably meant."""
    return next(iter(get_close_matches(name, sorted(names), n=1, cutoff=LIKENESS)), None)


def _is_same(path: Path, other: Path) -> bool:
    try:
        return path.samefile(other)
    except OSError:
        return False


def _first_raw_file(folder: Path) -> str | None:
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if name.lower().endswith(RAW_ENDINGS):
                return (Path(parent) / name).relative_to(folder).as_posix()
    return None


_LEADS_BACK = "is a link to a folder that holds the raw folder, and is not followed: remove it"
LINK_TO_NOTHING = "is a link to nothing that can be read: bring it back, or remove the link"


def _walk(raw: Path, iso: str, reports: Collection[str]) -> Iterator[Listed]:
    top = raw / iso
    if not os.path.lexists(top):
        return
    if not _is_folder(top):
        refusal = "is no folder: the operator's raw files belong there"
        yield _listed_as_folder(raw, iso, top, refusal)
        return
    # Links are followed last, so that a folder is listed under its own name if it has one here.
    folders, links = [top], list[Path]()
    seen: set[Path] = set()
    while folders or links:
        folder = folders.pop() if folders else links.pop(0)
        try:
            real = folder.resolve(strict=True)
            if _holds(folder, raw):
                yield _listed_as_folder(raw, iso, folder, _LEADS_BACK)
                continue
            # A link that leads back up would be followed without end.
            if real in seen:
                continue
            seen.add(real)
            with os.scandir(folder) as scanned:
                entries = sorted(scanned, key=lambda entry: entry.name)
        except (OSError, RuntimeError) as error:
            stop_if_of_machine(error, folder)
            refusal = f"can't be listed ({reason_of(error)}): check the folder and its rights"
            yield _listed_as_folder(raw, iso, folder, refusal)
            continue
        # A folder may have 100,000 files, so that no path is taken apart for each of them.
        below = folder.relative_to(raw).as_posix()
        for entry in entries:
            if _is_folder(entry):
                (links if entry.is_symlink() else folders).append(Path(entry.path))
            elif folder == top and entry.name in reports:
                refusal = "is no folder: the report's raw files belong there"
                yield _listed_as_folder(raw, iso, Path(entry.path), refusal)
            else:
                yield from _raw_file(raw, iso, below, entry)


def _holds(folder: Path, raw: Path) -> bool:
    """Whether a folder is the raw folder or lies above it."""
    return raw.resolve().is_relative_to(folder.resolve())


def _is_folder(entry: os.DirEntry[str] | Path) -> bool:
    try:
        return entry.is_dir()
    except OSError as error:
        stop_if_of_machine(error, os.fspath(entry))
        return False


def _is_reachable(entry: os.DirEntry[str]) -> bool:
    try:
        Path(entry.path).stat()
    except OSError as error:
        stop_if_of_machine(error, entry.path)
        return False
    return True


def _raw_file(raw: Path, iso: str, below: str, entry: os.DirEntry[str]) -> Iterator[Listed]:
    """The file as it is listed, if it is of a kind that counts; it lies in the folder `below`."""
    name = entry.name.lower()
    if name.endswith(RAW_ENDINGS):
        listed = _listed(iso, below, entry)
        if listed.refusal or not is_left_behind(name, partial(_first_bytes, Path(entry.path))):
            yield listed
    elif entry.is_symlink() and not _is_reachable(entry):
        yield _listed_as_folder(raw, iso, Path(entry.path), LINK_TO_NOTHING)
    elif name.endswith(REPLY_ENDINGS):
        listed = _listed(iso, below, entry)
        if listed.refusal or _is_saved_reply(Path(entry.path)):
            yield listed


def _is_saved_reply(path: Path) -> bool:
    """Whether this is a web page or an error message that was saved in place of a report."""
    try:
        return is_reply(beginning_of(path))
    except OSError as error:
        stop_if_of_machine(error, path)
        return False


def beginning_of(path: Path) -> str:
    """Return the text of the first `BLOCK` bytes of a file."""
    with path.open("rb") as stream:
        return stream.read(BLOCK).decode("utf-8-sig", "replace")


def _first_bytes(path: Path) -> bytes:
    """The first bytes of a file, none where it can't be read, which opening it will tell."""
    try:
        with path.open("rb") as stream:
            return stream.read(FIRST_BYTES)
    except OSError as error:
        stop_if_of_machine(error, path)
        return b""


def _listed(iso: str, below: str, entry: os.DirEntry[str]) -> Listed:
    relative = f"{below}/{entry.name}"
    report = below.split("/", 2)[1] if "/" in below else ""
    try:
        status = entry.stat()
    except OSError as error:
        stop_if_of_machine(error, entry.path)
        return Listed(iso, report, relative, 0, 0, refusal=unreadable(error))
    return Listed(
        iso,
        report,
        relative,
        status.st_size,
        status.st_mtime_ns,
        status.st_ctime_ns,
        refusal=why_irregular(status.st_mode),
    )


def _listed_as_folder(raw: Path, iso: str, path: Path, refusal: str) -> Listed:
    relative = path.relative_to(raw).as_posix()
    below = PurePosixPath(relative).parts
    report = below[1] if len(below) > 1 else ""
    return Listed(iso, report, relative, 0, 0, refusal=refusal, is_folder=True)


_KINDS = {stat.S_IFIFO: "pipe", stat.S_IFSOCK: "socket", stat.S_IFDIR: "folder"}


def why_irregular(mode: int) -> str | None:
    """Why something is not opened that is no regular file: reading it might never end."""
    if stat.S_ISREG(mode):
        return None
    kind = _KINDS.get(stat.S_IFMT(mode), "device")
    return f"is a {kind}, and no file: put the file itself there"


def _not_like_a_member(file: Listed, containers: Collection[str]) -> Listed:
    """Refuse a file whose name is what a member of an archive beside it is called."""
    if "!" not in file.path:
        return file
    parts = file.path.split("!")
    for end in range(1, len(parts)):
        if "!".join(parts[:end]) in containers:
            return replace(file, refusal="is named like a member of an archive: rename it")
    return file
