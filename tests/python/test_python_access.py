"""A published folder in Python, from hand-made files alone."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import duckdb
import pytest

import unified_iso as ui
from building import environment
from unified_iso.sql import quoted_text
from unified_iso.workspace import Workspace

ENERGY = """
    select
        col0::timestamptz as datetime_utc,
        col1::date as delivery_date,
        col2 as settlement_location,
        col3 as settlement_location_id,
        'NODE' as settlement_location_type,
        null::varchar as zone,
        col4::double as lmp_total
    from (values {rows})
"""
SERVICES = """
    select
        col0::timestamptz as datetime_utc,
        col0::date as delivery_date,
        col1 as as_product,
        col2 as as_product_standard,
        col3 as as_region,
        col4::double as market_clearing_price
    from (values {rows})
"""


def write(out: Path, iso: str, dataset: str, year: int, family: str, query: str) -> Path:
    path = Workspace(raw=Path(), out=out).year_file(iso, dataset, year)
    path.parent.mkdir(parents=True, exist_ok=True)
    told = json.dumps({"iso": iso, "dataset": dataset, "year": year, "family": family})
    with duckdb.connect() as session:
        session.execute("set TimeZone = 'UTC'")
        session.execute(
            f"copy ({query}) to {quoted_text(path)}"
            f" (format parquet, kv_metadata {{unified_iso: {quoted_text(told)}}})"
        )
    return path


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """Two days of two years in Eastern time; two locations have the name TWIN."""
    out = tmp_path / "it's out"
    days = {
        2023: [
            ("2023-12-31 05:00:00Z", "2023-12-31", 10.0),
            ("2024-01-01 04:00Z", "2023-12-31", 11),
        ],
        2024: [
            ("2024-01-01 05:00:00Z", "2024-01-01", 20.0),
            ("2024-01-02 05:00Z", "2024-01-02", 21),
        ],
    }
    places = (("HUB", "1"), ("TWIN", "2"), ("TWIN", "3"))
    for year, hours in days.items():
        rows = [
            (instant, day, name, number, price + int(number) / 10)
            for instant, day, price in hours
            for name, number in places
        ]
        query = ENERGY.format(rows=", ".join(map(str, rows)))
        write(out, "pjm", "da_energy_hourly_nodal", year, "energy_prices", query)
    services = [
        ("2024-01-01 05:00:00Z", "REG", "REG", "RTO", 5.0),
        ("2024-01-01 05:00:00Z", "SR", "SPIN", "MAD", 6.0),
    ]
    query = SERVICES.format(rows=", ".join(map(str, services)))
    write(out, "pjm", "as_hourly", 2024, "ancillary_services", query)
    query = ENERGY.format(rows="('2024-01-01 06:00:00Z', '2024-01-01', 'N', 'N', 1.0)")
    write(out, "spp", "da_energy_hourly", 2024, "energy_prices", query)
    return out


def prices(relation: duckdb.DuckDBPyRelation) -> list[float]:
    return sorted(price for (price,) in relation.project("lmp_total").fetchall())


def nodal(out: Path, **asked: Any) -> list[float]:
    return prices(ui.open(out).energy("pjm", "da_energy_hourly_nodal", **asked))


@pytest.mark.builds
def test_importing_the_package_imports_nothing_else() -> None:
    program = (
        "import sys, unified_iso\n"
        "print([m for m in ('duckdb', 'dbt', 'pyarrow', 'typer', 'pandas') if m in sys.modules])\n"
        "unified_iso.open\n"
        "print([m for m in ('dbt', 'typer', 'pandas', 'polars') if m in sys.modules])"
    )
    told = subprocess.run(
        [sys.executable, "-c", program], env=environment(), capture_output=True, text=True
    )
    assert told.stdout == "[]\n[]\n", told.stderr


def test_the_package_has_nothing_else() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'close'"):
        _ = ui.close


def test_a_folder_is_opened_from_its_files_alone(out: Path, tmp_path: Path) -> None:
    moved = tmp_path / "elsewhere [1]"
    out.rename(moved)
    tree = ui.open(str(moved))
    assert tree.datasets() == {
        "pjm as_hourly": [2024],
        "pjm da_energy_hourly_nodal": [2023, 2024],
        "spp da_energy_hourly": [2024],
    }
    assert prices(tree.energy("pjm", "da_energy_hourly_nodal", year=2023)) == [
        *(10.1, 10.2, 10.3, 11.1, 11.2, 11.3),
    ]
    assert repr(tree) == f"Tree({str(moved)!r})"


def test_an_empty_folder_is_no_tree(tmp_path: Path) -> None:
    with pytest.raises(ui.NotInTree, match="has no published file"):
        ui.open(tmp_path)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"locations": "1"}, [10.1, 11.1, 20.1, 21.1]),
        ({"locations": ["3", "HUB"], "year": 2024}, [20.1, 20.3, 21.1, 21.3]),
        ({"locations": ["HUB", "1"], "year": [2023]}, [10.1, 11.1]),
        ({"locations": [], "year": 2024}, []),
        ({"year": (2023, 2024), "locations": ("2",)}, [10.2, 11.2, 20.2, 21.2]),
    ],
)
def test_locations_and_years_are_chosen(
    out: Path, asked: dict[str, Any], expected: list[float]
) -> None:
    assert nodal(out, **asked) == expected


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        # Delivery days of the market: New Year's Eve ends at 05:00 UTC.
        (date(2023, 12, 31), date(2024, 1, 1), [10.1, 11.1]),
        ("2024-01-01", None, [20.1, 21.1]),
        (None, "2024-01-02", [10.1, 11.1, 20.1]),
        # Instants.
        ("2024-01-01T04:00:00Z", "2024-01-01T05:00:00+00:00", [11.1]),
        (datetime(2024, 1, 1, 0, tzinfo=timezone(timedelta(hours=-5))), None, [20.1, 21.1]),
        (datetime(2023, 12, 31, 5, 0, 1, tzinfo=UTC), "2024-01-02T05:00:00Z", [11.1, 20.1]),
        (datetime(2023, 12, 31, 6, tzinfo=UTC), date(2024, 1, 2), [11.1, 20.1]),
    ],
)
def test_a_stretch_of_time_has_its_start_and_not_its_end(
    out: Path, start: Any, end: Any, expected: list[float]
) -> None:
    assert nodal(out, locations="1", start=start, end=end) == expected


@pytest.mark.parametrize("moment", [datetime(2024, 1, 1), "2024-01-01T00:00", "2024-01-01 05:00"])
@pytest.mark.parametrize("name", ["start", "end"])
def test_a_time_without_offset_is_refused(out: Path, name: str, moment: Any) -> None:
    with pytest.raises(ui.NaiveTime, match=rf"^{name} 2024-01-01 0\d:00:00 has no offset: write"):
        nodal(out, **{name: moment})


def test_a_stretch_that_is_none_is_refused(out: Path) -> None:
    with pytest.raises(ValueError, match="start 2024-01-02 is not before end 2024-01-01"):
        nodal(out, start="2024-01-02", end="2024-01-01")
    with pytest.raises(ValueError, match=r"^start: "):
        nodal(out, start="New Year")


@pytest.mark.parametrize(
    ("arguments", "asked", "message"),
    [
        (("ercot", "x"), {}, "no operator 'ercot' in .*: there are pjm, spp"),
        (("pjm", "rt"), {}, "no dataset 'rt' of pjm: there are as_hourly, da_energy_hourly_nodal"),
        (("pjm", "as_hourly"), {}, "pjm as_hourly is a dataset of ancillary_services"),
        (
            ("pjm", "da_energy_hourly_nodal"),
            {"year": 2022},
            r"no 2022 of pjm da_energy_hourly_nodal: there are \[2023, 2024\]",
        ),
        (
            ("pjm", "da_energy_hourly_nodal"),
            {"locations": ["1", "HUBBLE"]},
            r"no location 'HUBBLE' in pjm da_energy_hourly_nodal:"
            r" there are 1 \(HUB\), 2 \(TWIN\), 3 \(TWIN\)",
        ),
        (
            ("pjm", "da_energy_hourly_nodal"),
            {"columns": ["lmp"]},
            "no column 'lmp': there are datetime_utc, delivery_date, .*lmp_total",
        ),
        (("pjm", "da_energy_hourly_nodal"), {"start": "2030-01-01"}, "has no such days"),
    ],
)
def test_what_is_not_there_is_named_with_what_is(
    out: Path, arguments: tuple[str, str], asked: dict[str, Any], message: str
) -> None:
    with pytest.raises(ui.NotInTree, match=message):
        ui.open(out).energy(*arguments, **asked)


def test_a_name_of_several_locations_is_refused(out: Path) -> None:
    with pytest.raises(ui.AmbiguousLocation, match="'TWIN' is the name of the ids 2, 3"):
        nodal(out, locations="TWIN")


def test_operators_and_models_are_named_in_any_case(out: Path) -> None:
    tree = ui.open(out)
    assert prices(tree.energy("PJM", "PJM_da_energy_hourly_nodal", locations="1")) == [
        *(10.1, 11.1, 20.1, 21.1),
    ]


def test_ancillary_services_are_chosen_by_product_and_region(out: Path) -> None:
    tree = ui.open(out)

    def found(**asked: Any) -> list[Any]:
        rows = tree.ancillary("pjm", "as_hourly", **asked)
        return rows.project("as_product, market_clearing_price").order("all").fetchall()

    assert found() == [("REG", 5.0), ("SR", 6.0)]
    assert found(products="SPIN") == [("SR", 6.0)]
    assert found(products=["SR", "REG"], regions="RTO") == [("REG", 5.0)]
    assert found(start="2024-01-02", year=2024) == []
    with pytest.raises(ui.NotInTree, match=r"no as_product 'NSR' .*: there are REG, SPIN, SR"):
        found(products="NSR")
    with pytest.raises(ui.NotInTree, match=r"no as_region 'PJM' .*: there are MAD, RTO"):
        found(regions=["RTO", "PJM"])
    with pytest.raises(ui.NotInTree, match="is a dataset of energy_prices"):
        tree.ancillary("pjm", "da_energy_hourly_nodal")


def test_locations_come_from_the_files_where_nothing_lists_them(out: Path) -> None:
    rows = ui.open(out).locations("pjm").order("all")
    assert rows.project("iso, dataset, settlement_location_id, settlement_location").fetchall() == [
        ("pjm", "da_energy_hourly_nodal", "1", "HUB"),
        ("pjm", "da_energy_hourly_nodal", "2", "TWIN"),
        ("pjm", "da_energy_hourly_nodal", "3", "TWIN"),
    ]
    assert ui.open(out).locations().aggregate("count(*)").fetchall() == [(4,)]
    with pytest.raises(ui.NotInTree, match="pjm has no dataset of locations"):
        ui.open(out).locations("pjm", "as_hourly")
    with pytest.raises(ValueError, match="name the operator"):
        ui.open(out).locations(dataset="as_hourly")


def test_locations_are_those_listed_where_they_are(out: Path) -> None:
    listed = out / "metadata" / "locations.parquet"
    listed.parent.mkdir()
    duckdb.execute(
        "copy (select 'PJM' as iso, 'da_energy_hourly_nodal' as dataset,"
        " '1' as settlement_location_id, 'OLD NAME' as settlement_location)"
        f" to {quoted_text(listed)} (format parquet)"
    )
    tree = ui.open(out)
    assert tree.locations("pjm", "da_energy_hourly_nodal").fetchall() == [
        ("PJM", "da_energy_hourly_nodal", "1", "OLD NAME")
    ]
    assert tree.locations().fetchall() == tree.locations("pjm").fetchall()
    assert nodal(out, locations="OLD NAME", year=2024) == [20.1, 21.1]
    # The list may lack what the files have.
    assert nodal(out, locations=["1", "3"], year=2024) == [20.1, 20.3, 21.1, 21.3]


def test_metadata_are_the_json_files(out: Path) -> None:
    folder = out / "metadata" / "hubs"
    folder.mkdir(parents=True)
    (out / "metadata" / "manifest.json").write_text('{"files": []}')
    (folder / "pjm_hubs.json").write_text('[{"id": "1"}]')
    tree = ui.open(out)
    assert tree.metadata() == {"files": []}
    assert tree.metadata("hubs/pjm_hubs") == [{"id": "1"}]
    with pytest.raises(ui.NotInTree, match="no metadata 'x': there are hubs/pjm_hubs, manifest"):
        tree.metadata("x")


def test_a_relation_that_is_half_read_blocks_no_other(out: Path) -> None:
    tree = ui.open(out)
    half_read = tree.energy("pjm", "da_energy_hourly_nodal").arrow(1)
    assert half_read.read_next_batch().num_rows > 0
    assert prices(tree.energy("spp", "da_energy_hourly")) == [1.0]


@pytest.mark.parametrize("how", ["df", "pl", "arrow"])
def test_rows_go_to_pandas_polars_and_arrow(out: Path, how: str) -> None:
    pytest.importorskip({"df": "pandas", "pl": "polars", "arrow": "pyarrow"}[how])
    rows = ui.open(out).energy(
        "pjm",
        "da_energy_hourly_nodal",
        year=2024,
        locations="1",
        columns=["datetime_utc", "lmp_total"],
    )
    instants = [datetime(2024, 1, 1, 5, tzinfo=UTC), datetime(2024, 1, 2, 5, tzinfo=UTC)]
    if how == "df":
        frame = rows.df()
        assert list(frame.columns) == ["datetime_utc", "lmp_total"]
        assert str(frame.datetime_utc.dtype) == "datetime64[us, UTC]"
        assert frame.datetime_utc.tolist() == instants
        assert frame.lmp_total.tolist() == [20.1, 21.1]
    else:
        table = rows.pl() if how == "pl" else rows.arrow().read_all()
        columns = table.to_dict(as_series=False) if how == "pl" else table.to_pydict()
        assert columns == {"datetime_utc": instants, "lmp_total": [20.1, 21.1]}


def test_only_row_groups_that_may_have_rows_are_read(out: Path) -> None:
    query = (
        "select timestamptz '2025-01-01 05:00:00Z' + to_hours((i // 40)::int) as datetime_utc,"
        " (date '2025-01-01' + (i // 960)::int)::date as delivery_date,"
        " 'L' || i % 40 as settlement_location, 'L' || i % 40 as settlement_location_id,"
        " 'NODE' as settlement_location_type, null::varchar as zone, i::double as lmp_total"
        " from range(122880) as numbers(i)"
    )
    path = write(out, "pjm", "da_energy_hourly_nodal", 2025, "energy_prices", query)
    shutil.copy(path, path.with_suffix(".bak"))
    duckdb.execute(
        f"copy (from read_parquet({quoted_text(path.with_suffix('.bak'))})) to {quoted_text(path)}"
        f" (format parquet, row_group_size 2048,"
        f' kv_metadata {{unified_iso: \'{{"family": "energy_prices"}}\'}})'
    )
    rows = ui.open(out).energy(
        "pjm",
        "da_energy_hourly_nodal",
        year=2025,
        start="2025-03-01T05:00:00Z",
        end="2025-03-01T07:00:00Z",
    )
    # Two hours of forty locations, from hour 59 * 24 on.
    assert prices(rows) == [float(i) for i in range(59 * 24 * 40, (59 * 24 + 2) * 40)]
    assert "Row Groups Scanned: 1 / 60" in rows.explain("analyze")
