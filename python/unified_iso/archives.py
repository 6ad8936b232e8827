"""Zip archives: their csv members are streamed once to a cache, where DuckDB can read them."""

from __future__ import annotations

import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

READABLE = (".csv", ".csv.gz")
DEEPEST_NESTING = 4


class BadArchive(Exception):
    """The archive can't be used; the message says why and what to do."""


@dataclass(frozen=True)
class Member:
    """One csv of an archive: its name inside (nested zips joined by `!`) and its cached copy."""

    name: str
    cached: Path


def unpack(archive: Path, folder: Path) -> list[Member]:
    """Stream every csv member of `archive`, also of zips inside it, into `folder`.

    The folder appears complete or not at all: members are written beside it first.

    Raises:
        BadArchive: not a zip, damaged, encrypted, without a csv, or a member name that would
            leave the folder.
    """
    beside = folder.with_name(folder.name + ".partial")
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir(parents=True)
    try:
        names = [
            (member.name, member.cached.relative_to(beside))
            for member in _unpack_into(archive, beside, prefix="", depth=1)
        ]
        if not names:
            raise BadArchive(f"holds no csv file ({_contents(archive)}): download the report again")
        shutil.rmtree(folder, ignore_errors=True)
        beside.rename(folder)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return [Member(name, folder / relative) for name, relative in names]


def _unpack_into(
    archive: Path | IO[bytes], folder: Path, prefix: str, depth: int
) -> Iterator[Member]:
    try:
        with zipfile.ZipFile(archive) as opened:
            for info in opened.infolist():
                if info.is_dir():
                    continue
                name = _safe_name(info.filename)
                suffix = name.lower()
                if suffix.endswith(".zip"):
                    if depth == DEEPEST_NESTING:
                        raise BadArchive(f"nests zips deeper than {DEEPEST_NESTING}: unpack {name}")
                    with tempfile.TemporaryFile(dir=folder) as inner, opened.open(info) as stream:
                        shutil.copyfileobj(stream, inner, 1 << 20)
                        inner.seek(0)
                        yield from _unpack_into(inner, folder, f"{prefix}{name}!", depth + 1)
                elif suffix.endswith(READABLE):
                    ending = next(end for end in READABLE if suffix.endswith(end))
                    cached = folder / f"{len(list(folder.iterdir())):05d}{ending}"
                    with opened.open(info) as stream, cached.open("xb") as copy:
                        shutil.copyfileobj(stream, copy, 1 << 20)
                    yield Member(prefix + name, cached)
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise BadArchive(f"is not a sound zip file ({error}): download it again") from error
    except RuntimeError as error:
        raise BadArchive(f"can't be unpacked ({error}): unpack it by hand") from error


def _safe_name(name: str) -> str:
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or ":" in path.parts[0]:
        raise BadArchive(
            f"has a member whose name leaves the folder ({name!r}): remove it from the archive"
        )
    return str(path)


def _contents(archive: Path) -> str:
    with zipfile.ZipFile(archive) as opened:
        names = opened.namelist()
    return "it is empty" if not names else "it holds " + ", ".join(sorted(names)[:3])
