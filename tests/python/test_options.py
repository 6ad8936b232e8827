"""What a run was asked for is read from the environment, and from dbt's variables before it."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from building import environment
from unified_iso.options import Options


def test_without_anything_set_the_project_is_built_as_it_is_published() -> None:
    assert Options.from_environment({}) == Options(
        years=(),
        prune=False,
        allow_rejects=False,
        full_refresh=False,
        dry_run=False,
        compression="zstd",
        compression_level=1,
        row_group_size=122_880,
        by_location=False,
    )


def test_every_option_is_read_from_the_environment() -> None:
    read = Options.from_environment(
        {
            "UNIFIED_ISO_YEARS": "2024, 2023",
            "UNIFIED_ISO_PRUNE": "1",
            "UNIFIED_ISO_ALLOW_REJECTS": "true",
            "UNIFIED_ISO_FULL_REFRESH": "True",
            "UNIFIED_ISO_DRY_RUN": "1",
            "UNIFIED_ISO_COMPRESSION": "snappy",
            "UNIFIED_ISO_COMPRESSION_LEVEL": "9",
            "UNIFIED_ISO_ROW_GROUP_SIZE": "2048",
            "UNIFIED_ISO_BY_LOCATION": "yes",
            "UNIFIED_ISO_RAW": "elsewhere",
        }
    )
    assert read == Options((2023, 2024), True, True, True, True, "snappy", 9, 2048, True)


@pytest.mark.parametrize(
    ("text", "years"),
    [
        ("2023 2024", (2023, 2024)),
        ("2023,2024", (2023, 2024)),
        ("2024, 2023,2024", (2023, 2024)),
        ("2021-2023 2025", (2021, 2022, 2023, 2025)),
        ("2024", (2024,)),
        ("  ", ()),
    ],
)
def test_years_are_read_in_every_way_they_are_written(text: str, years: tuple[int, ...]) -> None:
    assert Options.from_environment({"UNIFIED_ISO_YEARS": text}).years == years


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"year": 2022}, Options(years=(2022,), prune=True)),
        ({"year": "2022"}, Options(years=(2022,), prune=True)),
        ({"years": [2021, 2022]}, Options(years=(2021, 2022), prune=True)),
        ({"years": "2021-2022"}, Options(years=(2021, 2022), prune=True)),
        ({"year": None, "prune": None}, Options(years=(2024,), prune=True)),
        ({"prune": False}, Options(years=(2024,))),
        ({"allow_rejects": True}, Options(years=(2024,), prune=True, allow_rejects=True)),
        ({"compression": "snappy"}, Options(years=(2024,), prune=True, compression="snappy")),
        ({"compression_level": 3}, Options(years=(2024,), prune=True, compression_level=3)),
        ({"row_group_size": "5000"}, Options(years=(2024,), prune=True, row_group_size=5000)),
        ({"somebody_elses": 1}, Options(years=(2024,), prune=True)),
    ],
)
def test_a_variable_that_is_set_goes_before_the_environment(
    variables: dict[str, Any], expected: Options
) -> None:
    environ = {"UNIFIED_ISO_YEARS": "2024", "UNIFIED_ISO_PRUNE": "1"}
    assert Options.from_environment(environ, variables) == expected


@pytest.mark.parametrize(
    ("environ", "variables", "message"),
    [
        (
            {"UNIFIED_ISO_YEARS": "20234"},
            {},
            "UNIFIED_ISO_YEARS: '20234' is no year: write them like 2023 or 2021-2024",
        ),
        (
            {"UNIFIED_ISO_YEARS": "2024-2021"},
            {},
            "UNIFIED_ISO_YEARS: '2024-2021' ends before it begins",
        ),
        (
            {},
            {"year": "next"},
            "the variable year: 'next' is no year: write them like 2023 or 2021-2024",
        ),
        ({}, {"year": 1, "years": [2]}, "the variables year and years exclude each other"),
        ({"UNIFIED_ISO_PRUNE": "maybe"}, {}, "UNIFIED_ISO_PRUNE is 'maybe': write 1 or 0"),
        ({}, {"allow_rejects": 2}, "the variable allow_rejects is 2: write 1 or 0"),
        ({}, {"compression": "zip"}, "the variable compression is 'zip': there are zstd, snappy"),
        (
            {"UNIFIED_ISO_COMPRESSION_LEVEL": "23"},
            {},
            "UNIFIED_ISO_COMPRESSION_LEVEL is '23': write a whole number from 1 to 22",
        ),
        (
            {},
            {"row_group_size": 0},
            "the variable row_group_size is 0: write a whole number from 1 to 2147483648",
        ),
        (
            {"UNIFIED_ISO_ROW_GROUP_SIZE": "1e5"},
            {},
            "UNIFIED_ISO_ROW_GROUP_SIZE is '1e5': write a whole number from 1 to 2147483648",
        ),
    ],
)
def test_what_is_no_value_is_named(
    environ: dict[str, str], variables: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError) as raised:
        Options.from_environment(environ, variables)
    assert str(raised.value) == message


@pytest.mark.parametrize(
    "options",
    [Options(), Options((2023, 2025), True, True, True, True, "snappy", 9, 2048)],
)
def test_options_come_back_from_the_environment_they_are_put_in(options: Options) -> None:
    outer = {f"UNIFIED_ISO_{name}": "1" for name in ("PRUNE", "DRY_RUN")}
    outer["UNIFIED_ISO_YEARS"] = "1999"
    assert Options.from_environment(outer | options.to_environment()) == options


@pytest.mark.builds
def test_reading_options_needs_no_dbt_and_no_database() -> None:
    code = "import sys, unified_iso.options; print(sorted({'dbt', 'duckdb'} & set(sys.modules)))"
    ran = subprocess.run(
        [sys.executable, "-c", code], env=environment(), capture_output=True, text=True, check=True
    )
    assert ran.stdout == "[]\n"
