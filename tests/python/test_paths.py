"""Folders whose names look like a Hive partition: no reader takes `key=value` for a column."""

from __future__ import annotations

import re
from datetime import date

import pytest

from building import REPOSITORY, Built, build, query
from unified_iso.sample import SampleOptions, write_sample

DAY = date(2024, 3, 9)
REPORTS = ("da_hrl_lmps", "damlbmp_zone", "np4-190-cd", "ww_dalmp_iso")
# Each names a column that one of the reports has, or that is published.
FOLDERS = ("date=2024-03-01", "PTID=7", "settlement_point=X", "Zone=ALL", "lmp_total=1")
READER = re.compile(r"(?<![.\w])read_(?:csv|parquet|json\w*|text|blob)\(")
OPTION = "hive_partitioning = false"


@pytest.fixture(scope="module")
def plain_and_odd(tmp_path_factory: pytest.TempPathFactory) -> tuple[Built, Built]:
    """The same raw files published from plain folders and from oddly named ones into such a one."""
    folder = tmp_path_factory.mktemp("paths")
    isos = ["pjm", "nyiso", "ercot", "isone"]
    plain = Built(folder / "raw", folder / "out")
    odd = Built(folder / "iso=X" / "raw", folder / "x=1" / "market_type=RT" / "out")
    options = SampleOptions(truth=False, reports=REPORTS)
    write_sample(plain.raw, isos=isos, start=DAY, days=1, nodes=2, options=options)
    for file in plain.raw.rglob("*.*"):
        iso, report, name = file.relative_to(plain.raw).parts
        copy = odd.raw.joinpath(iso, report, *FOLDERS, name)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(file.read_bytes())
    for built in (plain, odd):
        build(built.raw, built.out, *isos)
    return plain, odd


def _rows(built: Built) -> list[tuple[object, ...]]:
    return query(
        "select * exclude (data_source) from read_parquet($1, hive_partitioning = false)"
        " order by all",
        f"{built.out}/parquet/*/*/*.parquet",
    )


@pytest.mark.builds
def test_no_folder_replaces_a_cell(plain_and_odd: tuple[Built, Built]) -> None:
    plain, odd = plain_and_odd
    assert _rows(odd) == _rows(plain)
    assert len(_rows(plain)) > 100


@pytest.mark.builds
def test_no_folder_becomes_a_column_of_the_catalog(plain_and_odd: tuple[Built, Built]) -> None:
    plain, odd = plain_and_odd
    columns = {
        built.out: query(
            f"attach '{built.out}/catalog.duckdb' as published (read_only);"
            f" set variable unified_iso_tree = '{built.out}';"
            " select column_name from (describe published.energy_prices)"
        )
        for built in plain_and_odd
    }
    assert columns[odd.out] == columns[plain.out]


@pytest.mark.parametrize("folder", ["macros", "models", "seeds", "tests/generic", "python"])
def test_every_reader_says_that_it_takes_no_folder_for_a_column(folder: str) -> None:
    silent = []
    for path in sorted((REPOSITORY / folder).rglob("*")):
        if path.suffix not in (".sql", ".py", ".yml"):
            continue
        text = path.read_text()
        silent += [
            f"{path.relative_to(REPOSITORY)}: {text[found.start() :][:60]}"
            for found in READER.finditer(text)
            if OPTION not in _call(text, found.end())
        ]
    assert not silent


def _call(text: str, start: int) -> str:
    """The arguments of a call, up to its closing bracket."""
    depth = 1
    for position in range(start, len(text)):
        depth += {"(": 1, ")": -1}.get(text[position], 0)
        if depth == 0:
            return text[start:position]
    return text[start:]
