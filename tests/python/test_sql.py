"""SQL in files of its own, and values and names that are quoted to stand in SQL."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import duckdb
import pytest

from building import REPOSITORY
from unified_iso.sql import UnknownQuery, quoted_name, quoted_text, sql_text

QUERIES = REPOSITORY / "python" / "unified_iso" / "build" / "sql"


@pytest.mark.parametrize(
    ("value", "literal"),
    [
        ("plain", "'plain'"),
        ("N.Y.'s", "'N.Y.''s'"),
        ("'; drop table x; --", "'''; drop table x; --'"),
        (Path("/a b/it's.csv"), "'/a b/it''s.csv'"),
        ("", "''"),
    ],
)
def test_a_text_is_quoted_so_that_the_database_reads_it_back(
    value: str | Path, literal: str
) -> None:
    assert quoted_text(value) == literal
    assert duckdb.connect().sql(f"select {literal}").fetchall() == [(str(value),)]


@pytest.mark.parametrize("name", ["plain", "Mixed Case", 'with "quotes"', "select", "a.b"])
def test_a_name_is_quoted_so_that_the_database_keeps_it(name: str) -> None:
    assert duckdb.connect().sql(f"select 1 as {quoted_name(name)}").columns == [name]


def test_a_name_with_a_quote_is_written_with_two() -> None:
    assert quoted_name('a"b') == '"a""b"'


def test_a_query_is_the_text_of_its_file() -> None:
    assert sql_text("schema") == (QUERIES / "schema.sql").read_text()


@pytest.mark.parametrize("name", ["no_such_query", "schema.sql", "../sql/schema"])
def test_a_query_that_is_not_there_is_named_with_those_that_are(name: str) -> None:
    with pytest.raises(UnknownQuery, match=f"no query '{name}' in .*: there are .*schema"):
        sql_text(name)


def test_every_query_is_asked() -> None:
    package = REPOSITORY / "python" / "unified_iso"
    python = "\n".join(path.read_text() for path in package.rglob("*.py"))
    named = set(re.findall(r"""["'](\w+)["']""", python))
    assert {path.stem for path in QUERIES.glob("*.sql")} - named == set()


@pytest.mark.builds
def test_a_wheel_holds_every_query(tmp_path: Path) -> None:
    """An installation without its queries fails at its first build, and no import tells it."""
    source = tmp_path / "source"
    shutil.copytree(REPOSITORY / "python", source / "python")
    for name in ("pyproject.toml", "README.md"):
        shutil.copy(REPOSITORY / name, source)
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps"),
            *("--no-build-isolation", "--wheel-dir", str(tmp_path), str(source)),
        ],
        check=True,
    )
    [wheel] = tmp_path.glob("*.whl")
    with ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if name.endswith(".sql")}
    modules = REPOSITORY / "python"
    of_package = {path.relative_to(modules).as_posix() for path in modules.rglob("*.sql")}
    assert held == of_package
    assert {f"unified_iso/build/sql/{path.name}" for path in QUERIES.glob("*.sql")} <= held
