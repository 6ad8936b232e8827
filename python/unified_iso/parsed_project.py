"""The dbt project as dbt parsed it, kept between runs, because parsing takes longer than most runs.

Folders, limits and years of a run are not in what dbt parses, so that one kept file serves every
output folder. It is read only where the digest of all that decides it is the same.
"""

from __future__ import annotations

import hashlib
import platform
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

# Neither package ships types.
import msgpack  # type: ignore[import-untyped,unused-ignore]
import yaml  # type: ignore[import-untyped,unused-ignore]

from unified_iso.options import PREFIX

NAME = "parsed_project.bin"
# Names of the seeds of this very project whose tests have all passed, one in a line.
SOUND_SEEDS = "sound_seeds.bin"
_MAGIC = b"unified-iso parsed project 1\n"
_DISTRIBUTIONS = (
    *("unified-iso", "dbt-core", "dbt-duckdb", "dbt-adapters", "dbt-common"),
    *("duckdb", "jinja2", "mashumaro", "msgpack"),
)
_SETTINGS = (
    *("dbt_project.yml", "profiles.yml", "packages.yml", "dependencies.yml"),
    *("package-lock.yml", "selectors.yml", ".dbtignore"),
)
_PROFILE = "profiles.yml"
_FOLDERS = ("analyses", "functions", "macros", "models", "seeds", "snapshots", "tests")
_SUFFIXES = (".sql", ".yml", ".yaml", ".md", ".csv", ".py")
_ENV_VAR = re.compile(r"env_var\(\s*['\"](\w+)['\"]")
# Of these the parser reads no Python.
_TESTS = "test-paths"


@dataclass(frozen=True)
class Ingredients:
    """What decides the parsed project.

    digest: of all of it.
    variables: the environment variables that are in the digest.
    """

    digest: bytes
    variables: frozenset[str]


def ingredients_of(root: Path, environ: Mapping[str, str]) -> Ingredients | None:
    """Return what decides how the project in `root` is parsed, None where it can't be told.

    Of the environment these are dbt's own variables and those that a file of the project names. The
    profile is an exception: what it takes from variables of this program differs from run to run,
    and nothing that is parsed depends on it.
    """
    try:
        files = {path: path.read_bytes() for path in _files(root)}
    except (OSError, ValueError, yaml.YAMLError):
        return None
    variables = frozenset(_variables(root, files)) | {n for n in environ if n.startswith("DBT_")}
    digest = hashlib.sha256(_MAGIC)
    facts = [str(root.absolute()), platform.python_version(), *map(_version, _DISTRIBUTIONS)]
    facts += [f"{name}={environ.get(name)!r}" for name in sorted(variables)]
    for fact in facts:
        _add(digest, fact.encode())
    for path, content in files.items():
        _add(digest, path.relative_to(root).as_posix().encode())
        _add(digest, content)
    return Ingredients(digest.digest(), variables)


def places(root: Path | None, state: Path, name: str = NAME) -> tuple[Path, ...]:
    """Where it is kept: with the project for all outputs, or with one where that is read-only.

    Without a `root` it is kept with the output alone.

    name: of the file, `NAME` or `SOUND_SEEDS`.
    """
    of_output = state / name
    return (root / "target" / name, of_output) if root else (of_output,)


def read_kept(where: Sequence[Path], wanted: Ingredients) -> bytes | None:
    """Return what the first place keeps of the project that is wanted, undamaged."""
    for path in where:
        with suppress(OSError):
            head, payload = _take_apart(path.read_bytes())
            if head == _head(wanted, payload):
                return payload
    return None


def keep(where: Sequence[Path], made_of: Ingredients, payload: bytes) -> None:
    """Replace what is kept at once, in the first place that can be written.

    Without any the next run parses anew, which is no reason to end this one.
    """
    for path in where:
        with suppress(OSError):
            _replace(path, _head(made_of, payload) + payload)
            return


def nodes_of(payload: bytes) -> dict[str, Any]:
    """Return the parsed project as dbt's manifest.json has it (`nodes`, `sources`, ...)."""
    nodes: dict[str, Any] = msgpack.unpackb(payload, raw=False, strict_map_key=False)
    return nodes


def _files(root: Path) -> Iterator[Path]:
    """The files that dbt reads of a project, in a fixed order.

    Raises:
        ValueError: a folder of the project is named by an expression, or there are no settings.
    """
    yield from (root / name for name in _SETTINGS if (root / name).is_file())
    project = yaml.safe_load((root / "dbt_project.yml").read_text())
    if not isinstance(project, dict):
        raise ValueError("dbt_project.yml holds no settings")
    settings = {key: value for key, value in project.items() if str(key).endswith("-paths")}
    packages = str(project.get("packages-install-path") or "dbt_packages")
    of_tests = set(settings.pop(_TESTS, ["tests"]))
    folders = {*_FOLDERS, packages, *of_tests}
    for listed in settings.values():
        folders |= set(listed)
    if any("{" in folder for folder in folders):
        raise ValueError("a folder of the project is named by an expression")
    for folder in sorted(folders):
        for path in sorted((root / folder).rglob("*")):
            is_read = path.suffix in _SUFFIXES and not (path.suffix == ".py" and folder in of_tests)
            if is_read and path.is_file():
                yield path


def _variables(root: Path, files: Mapping[Path, bytes]) -> Iterator[str]:
    for path, content in files.items():
        names = _ENV_VAR.findall(content.decode(errors="replace"))
        is_profile = path == root / _PROFILE
        yield from (name for name in names if not (is_profile and name.startswith(PREFIX)))


def _version(distribution: str) -> str:
    try:
        return f"{distribution} {version(distribution)}"
    except PackageNotFoundError:
        return distribution


def _add(digest: Any, part: bytes) -> None:
    """Add a part with its length, so that no two lists of parts have one digest."""
    digest.update(len(part).to_bytes(8, "big"))
    digest.update(part)


def _head(made_of: Ingredients, payload: bytes) -> bytes:
    return _MAGIC + made_of.digest + hashlib.sha256(payload).digest()


def _take_apart(content: bytes) -> tuple[bytes, bytes]:
    length = len(_MAGIC) + 2 * hashlib.sha256().digest_size
    return content[:length], content[length:]


def _replace(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f"{NAME}.", delete=False) as file:
        written = Path(file.name)
        try:
            file.write(content)
            file.close()
            written.replace(path)
        except BaseException:
            written.unlink(missing_ok=True)
            raise
