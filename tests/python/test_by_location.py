"""Twins of year files, sorted by location: their rows, whose they are, and when they go."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

import unified_iso as ui
from building import REPOSITORY, build, edit_rows, status
from unified_iso.build import by_location, plan
from unified_iso.build.by_location import (
    TwinError,
    Twins,
    drop_stale_twins,
    lacking_twins,
    make_twin,
)
from unified_iso.families import families
from unified_iso.footers import CONTRACT_KEY, footer_texts
from unified_iso.options import Options
from unified_iso.row_groups.footer import read_footer_metadata
from unified_iso.row_groups.join import Part, join_row_groups
from unified_iso.row_groups.seal import digest_of
from unified_iso.sample import SampleOptions, write_sample
from unified_iso.sql import quoted_text
from unified_iso.twins import TWIN_KEY, is_twin, twin_of
from unified_iso.workspace import Workspace

FAMILIES = families(REPOSITORY)
# Four locations of 1,000 hours each; a price tells the hour and the location.
ROWS = """
    select
        timestamptz '2024-01-01 05:00:00Z' + to_hours((i // 4)::int) as datetime_utc,
        (date '2024-01-01' + (i // 96)::int)::date as delivery_date,
        'NAME ' || 3 - i % 4 as settlement_location,
        'L' || i % 4 as settlement_location_id,
        i::double as lmp_total,
        case when i % 7 > 0 then 0.5 end as lmp_loss
    from range(4000) as numbers(i)
    order by 1, 3
"""


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    made = Workspace(raw=tmp_path / "raw", out=tmp_path / "it's out")
    made.prepare()
    return made


@pytest.fixture
def cursor() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        yield connection


def publish_rows(workspace: Workspace, cursor: Any, rows: str = ROWS) -> dict[str, Any]:
    """Put a sealed year file in its place, and return its entry."""
    entry = {"iso": "x", "dataset": "prices", "model": "x_prices", "year": 2024}
    place = workspace.place_of(entry)
    place.parent.mkdir(parents=True, exist_ok=True)
    part = workspace.candidates / "part.parquet"
    cursor.execute(f"copy ({rows}) to {quoted_text(part)} (format parquet, row_group_size 2048)")
    told = entry | {"family": "energy_prices"}
    joined = join_row_groups([Part(part)], place, footer_texts(told, [], {}), sealed=True)
    return told | {
        "path": workspace.name_of(place),
        "rows": joined.rows,
        "seal": joined.seal,
        "sha256": joined.sha256,
        "bytes": joined.bytes,
    }


def twin_in_place(workspace: Workspace, cursor: Any, entry: dict[str, Any], **options: Any) -> Path:
    place = twin_of(workspace, entry)
    place.parent.mkdir(parents=True, exist_ok=True)
    twins = Twins(FAMILIES, options=Options(**options))
    make_twin(workspace, cursor, entry, twins).replace(place)
    return place


def rows_of(path: Path, order: str = "all") -> list[Any]:
    return duckdb.execute(f"from read_parquet({quoted_text(path)}) order by {order}").fetchall()


@pytest.mark.parametrize("rows_at_once", [10_000_000, 1500, 1])
def test_a_twin_has_the_same_rows_by_location_and_time(
    workspace: Workspace, cursor: Any, monkeypatch: pytest.MonkeyPatch, rows_at_once: int
) -> None:
    """Also where not all of them fit into memory at once."""
    monkeypatch.setattr(plan, "rows_at_once", lambda *_: rows_at_once)
    entry = publish_rows(workspace, cursor)
    twin = twin_in_place(workspace, cursor, entry)
    year_file = workspace.place_of(entry)
    assert rows_of(twin) == rows_of(year_file)
    in_file_order = cursor.execute(
        f"select settlement_location_id, lmp_total from read_parquet({quoted_text(twin)})"
    ).fetchall()
    assert in_file_order == [
        (f"L{place}", float(4 * hour + place)) for place in range(4) for hour in range(1000)
    ]
    schemas = [
        cursor.execute(
            "select name, type, repetition_type, converted_type"
            f" from parquet_schema({quoted_text(path)})"
        ).fetchall()
        for path in (twin, year_file)
    ]
    assert [row[0] for row in schemas[0]] == [row[0] for row in schemas[1]]
    assert [row[1] for row in schemas[0]] == [row[1] for row in schemas[1]]
    assert list(workspace.candidates.glob("by_location__x_prices/*")) == []


def test_a_twin_says_whose_it_is_and_is_sealed_itself(workspace: Workspace, cursor: Any) -> None:
    entry = publish_rows(workspace, cursor)
    twin = twin_in_place(workspace, cursor, entry)
    texts = read_footer_metadata(twin).key_value_metadata
    assert texts[TWIN_KEY] == entry["seal"]
    assert json.loads(texts[CONTRACT_KEY])["sort_order"] == [
        *("settlement_location_id", "datetime_utc", "settlement_location"),
    ]
    assert digest_of(twin).agrees_with_seal is True
    assert is_twin(twin, workspace.place_of(entry))
    again = twin.read_bytes()
    assert twin_in_place(workspace, cursor, entry).read_bytes() == again


def test_row_groups_are_a_small_part_of_the_file() -> None:
    options = Options()
    assert by_location._rows_per_group(55_000_000, options) == 122_880
    # 8.8 M rows, of a thousand locations: a three-hundredth of the file.
    assert by_location._rows_per_group(8_784_000, options) == 28_672
    assert by_location._rows_per_group(4000, options) == 2048
    assert by_location._rows_per_group(55_000_000, Options(row_group_size=4096)) == 4096


def test_a_location_is_read_from_its_own_row_groups(workspace: Workspace, cursor: Any) -> None:
    entry = publish_rows(workspace, cursor)
    twin_in_place(workspace, cursor, entry)
    rows = ui.open(workspace.out).energy("x", "prices", locations="L3")
    assert "Row Groups Scanned: 1 / 2" in rows.explain("analyze")
    assert rows.aggregate("count(*), min(lmp_total), sum(lmp_total)").fetchall() == [
        (1000, 3.0, 2_001_000.0)
    ]


def test_a_twin_of_other_rows_is_not_read(workspace: Workspace, cursor: Any) -> None:
    twin_in_place(workspace, cursor, publish_rows(workspace, cursor))
    changed = publish_rows(workspace, cursor, ROWS.replace("i::double", "(i + 1)::double"))
    assert not is_twin(twin_of(workspace, changed), workspace.place_of(changed))
    rows = ui.open(workspace.out).energy("x", "prices", locations="L3")
    assert rows.aggregate("min(lmp_total)").fetchall() == [(4.0,)]
    assert "by_location" not in rows.sql_query()
    everything = ui.open(workspace.out).energy("x", "prices")
    assert "by_location" not in everything.sql_query()


@pytest.mark.parametrize(
    "spoil",
    [
        "where not (settlement_location_id = 'L2' and lmp_total = 2)",
        "where lmp_loss is not null or settlement_location_id <> 'L1'",
    ],
)
def test_lost_rows_are_found(
    workspace: Workspace, cursor: Any, monkeypatch: pytest.MonkeyPatch, spoil: str
) -> None:
    entry = publish_rows(workspace, cursor)
    write = by_location._write_sorted

    def spoilt(cursor: Any, rows: str, *rest: Any) -> None:
        write(cursor, f"select * from ({rows}) {spoil}", *rest)

    monkeypatch.setattr(by_location, "_write_sorted", spoilt)
    with pytest.raises(TwinError, match="sorted by location are not those of parquet/x/prices"):
        make_twin(workspace, cursor, entry, Twins(FAMILIES))


def test_a_changed_value_and_a_wrong_order_are_found(
    workspace: Workspace, cursor: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = publish_rows(workspace, cursor)
    write = by_location._write_sorted

    def spoilt(cursor: Any, rows: str, order: Any, *rest: Any) -> None:
        change = "lmp_total + (lmp_total = 17)::int as lmp_total"
        write(cursor, f"select * replace ({change}) from ({rows})", order, *rest)

    def unsorted(cursor: Any, rows: str, order: Any, *rest: Any) -> None:
        write(cursor, rows, ("datetime_utc",), *rest)

    monkeypatch.setattr(by_location, "_write_sorted", spoilt)
    with pytest.raises(TwinError, match="are not those of"):
        make_twin(workspace, cursor, entry, Twins(FAMILIES))
    monkeypatch.setattr(by_location, "_write_sorted", unsorted)
    with pytest.raises(TwinError, match="rows are out of order"):
        make_twin(workspace, cursor, entry, Twins(FAMILIES))


def test_no_twin_is_made_of_a_damaged_file(workspace: Workspace, cursor: Any) -> None:
    entry = publish_rows(workspace, cursor)
    place = workspace.place_of(entry)
    content = bytearray(place.read_bytes())
    content[1000] ^= 1
    place.write_bytes(content)
    with pytest.raises(TwinError, match="doesn't agree with its seal: build its year anew"):
        make_twin(workspace, cursor, entry, Twins(FAMILIES))


def test_twins_go_with_their_files(workspace: Workspace, cursor: Any) -> None:
    entry = publish_rows(workspace, cursor)
    twin = twin_in_place(workspace, cursor, entry)
    drop_stale_twins(workspace, [entry])
    assert twin.exists()
    stranger = twin.with_name("prices_2023.parquet")
    shutil.copy(twin, stranger)
    drop_stale_twins(workspace, [entry])
    assert twin.exists() and not stranger.exists()
    assert lacking_twins(workspace, [entry], ["x_prices"], []) == []
    drop_stale_twins(workspace, [publish_rows(workspace, cursor, ROWS + " desc")])
    assert not twin.exists()
    assert lacking_twins(workspace, [entry], ["x_prices"], []) == [entry]
    assert lacking_twins(workspace, [entry], ["x_prices"], [2023]) == []
    assert lacking_twins(workspace, [entry], ["y_prices"], []) == []
    services = entry | {"series_columns": ["as_product", "as_region"]}
    assert lacking_twins(workspace, [services], ["x_prices"], []) == []


# --- Whole builds ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class State:
    """What is published after a build: inodes of twins by path, states by year, rows by year."""

    twins: dict[str, int]
    status: dict[int, Any]
    rows: list[tuple[int, int]]


def state_of(out: Path) -> State:
    folder = out / "parquet_by_location"
    twins = {
        path.relative_to(folder).as_posix(): path.stat().st_ino
        for path in sorted(folder.rglob("*.parquet"))
    }
    told = {row["year"]: row for row in status(out)["datasets"]}
    with duckdb.connect(str(out / "catalog.duckdb"), read_only=True) as catalog:
        views = catalog.execute(
            "select view_name from duckdb_views() where schema_name = 'by_location'"
        ).fetchall()
        rows = []
        for (view,) in views:
            rows = catalog.execute(
                "select year(delivery_date), count(*)"
                f" from by_location.{view} group by all order by all"
            ).fetchall()
    return State(twins, told, rows)


@pytest.fixture(scope="module")
def states(tmp_path_factory: pytest.TempPathFactory) -> dict[str, State]:
    """Two years of NYISO, built again and again: what is published each time."""
    folder = tmp_path_factory.mktemp("by_location")
    raw, out = folder / "raw", folder / "out"
    files = write_sample(
        raw,
        isos=["nyiso"],
        start=date(2023, 12, 31),
        days=2,
        nodes=2,
        options=SampleOptions(truth=False, overlap=False, revisions=False),
    )
    [of_2024] = [path for path in files if path.name == "20240101damlbmp_zone.csv"]
    found = {}

    def build_and_look(name: str, *options: str) -> None:
        build(raw, out, "--dataset", "nyiso_da_energy_hourly", *options)
        found[name] = state_of(out)

    def raise_a_price() -> None:
        """Let losses rise with it, because energy is what is left and one for all zones."""

        def edit(rows: list[dict[str, str]]) -> None:
            for column in ("LBMP ($/MWHr)", "Marginal Cost Losses ($/MWHr)"):
                rows[0][column] = f"{float(rows[0][column]) + 1:.2f}"

        edit_rows(of_2024, edit)

    build_and_look("plain")
    build_and_look("with twins", "--by-location")
    build_and_look("nothing new", "--by-location")
    raise_a_price()
    build_and_look("a price of 2024", "--by-location")
    raise_a_price()
    build_and_look("another without twins")
    return found


TWIN_2023, TWIN_2024 = (
    f"nyiso/da_energy_hourly/da_energy_hourly_{year}.parquet" for year in (2023, 2024)
)


@pytest.mark.builds
def test_twins_are_made_when_they_are_asked_for(states: dict[str, State]) -> None:
    assert states["plain"].twins == {}
    assert states["plain"].rows == []
    assert list(states["with twins"].twins) == [TWIN_2023, TWIN_2024]


@pytest.mark.builds
def test_a_build_with_nothing_new_makes_no_twin(states: dict[str, State]) -> None:
    assert states["nothing new"].twins == states["with twins"].twins


@pytest.mark.builds
def test_only_the_twin_of_a_changed_year_is_made_anew(states: dict[str, State]) -> None:
    before, after = states["nothing new"].twins, states["a price of 2024"].twins
    assert after[TWIN_2023] == before[TWIN_2023]
    assert after[TWIN_2024] != before[TWIN_2024]


@pytest.mark.builds
def test_the_twin_of_a_changed_year_goes_where_none_is_asked_for(states: dict[str, State]) -> None:
    assert list(states["another without twins"].twins) == [TWIN_2023]


@pytest.mark.builds
def test_status_tells_which_files_have_a_twin(states: dict[str, State]) -> None:
    told = states["with twins"].status
    assert [told[year]["by_location"]["is_twin"] for year in (2023, 2024)] == [True, True]
    assert told[2023]["by_location"]["path"] == f"parquet_by_location/{TWIN_2023}"
    assert "by_location" not in states["plain"].status[2023]
    assert "by_location" not in states["another without twins"].status[2024]


@pytest.mark.builds
def test_the_catalog_has_twins_of_whole_datasets_alone(states: dict[str, State]) -> None:
    """Fewer years under the name of a dataset would be fewer rows, in silence."""
    rows = [(year, states["plain"].status[year]["rows"]) for year in (2023, 2024)]
    assert states["with twins"].rows == states["a price of 2024"].rows == rows
    assert states["another without twins"].rows == []
