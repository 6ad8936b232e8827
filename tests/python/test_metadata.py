"""What the metadata files say of two operators of two days, typed by hand.

PJM's pnode 48589 is called ADAMS on the first day and ADAMS EAST on the second; pnode 48588 has
prices on the first day alone. A pnode list tells of both, and ERCOT's list of its resource nodes.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest
from jsonschema import Draft202012Validator
from referencing import Registry, Resource

from building import SAMPLES, Built, build, edit_rows, query, work_database, write_rows
from unified_iso.sample import SampleOptions, write_sample

pytestmark = pytest.mark.builds

DAYS = "20240301", "20240302"
PNODES = [
    {
        "pnode_id": "48589",
        "pnode_name": "ADAMS",
        "pnode_type": "BUS",
        "pnode_subtype": "LOAD",
        "zone": "PSEG",
        "voltage_level": "230 KV",
        "effective_date": "6/1/2007 12:00:00 AM",
        "termination_date": "2/29/2024 12:00:00 AM",
    },
    {
        "pnode_id": "48589",
        "pnode_name": "ADAMS EAST",
        "pnode_type": "BUS",
        "pnode_subtype": "LOAD",
        "zone": "PSEG",
        "voltage_level": "138 KV",
        "effective_date": "2024-03-01T00:00:00",
        "termination_date": "12/31/9999 12:00:00 AM",
    },
    {
        "pnode_id": "1234567",
        "pnode_name": "WITHOUT PRICES",
        "pnode_type": "BUS",
        "pnode_subtype": "GEN",
        "zone": "PSEG",
        "voltage_level": "13.8 KV",
        "effective_date": "",
        "termination_date": "",
    },
]
POINTS = [
    {"RESOURCE_NODE": "7BRANCH_RN", "SETTLEMENT_LOAD_ZONE": "LZ_SOUTH", "VOLTAGE_LEVEL": "13.8"},
    {"RESOURCE_NODE": "", "SETTLEMENT_LOAD_ZONE": "LZ_SOUTH", "VOLTAGE_LEVEL": "138"},
]

# Instants stand in JSON as the schemas say, which is not how DuckDB prints them.
ROWS_AS_JSON = """
    select to_json(r)::varchar
    from (
        select * replace (
            strftime(datetime_utc, '%Y-%m-%dT%H:%M:%SZ') as datetime_utc,
            strftime(interval_start_utc, '%Y-%m-%dT%H:%M:%SZ') as interval_start_utc,
            strftime(interval_end_utc, '%Y-%m-%dT%H:%M:%SZ') as interval_end_utc
        )
        from read_parquet($1)
        limit 20
    ) as r
"""


def sample(raw: Path) -> None:
    reports = ("da_hrl_lmps", "da_reserve_market_results", "np4-190-cd")
    options = SampleOptions(truth=False, overlap=False, revisions=False, reports=reports)
    write_sample(
        raw, isos=("pjm", "ercot"), start=date(2024, 3, 1), days=2, nodes=40, options=options
    )
    write_rows(raw / "pjm" / "pnode" / "pnode.csv", PNODES)
    listed = raw / "ercot" / "np4-160-sg"
    shutil.rmtree(listed, ignore_errors=True)
    write_rows(listed / "Settlement_Points_02272024_144918.csv", POINTS)
    edit_rows(raw / "pjm" / "da_hrl_lmps" / f"da_hrl_lmps_{DAYS[1]}.csv", second_day)


def second_day(rows: list[dict[str, str]]) -> None:
    rows[:] = [row for row in rows if row["pnode_id"] != "48588"]
    for row in rows:
        if row["pnode_id"] == "48589":
            row["pnode_name"] = "ADAMS EAST"


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Built:
    folder = tmp_path_factory.mktemp("metadata")
    built = Built(folder / "raw", folder / "out")
    sample(built.raw)
    build(built.raw, built.out)
    return built


@pytest.fixture
def own(shared: Built, tmp_path: Path) -> Built:
    """A copy that a test may change; files keep their times, by which a build knows them."""
    shutil.copytree(shared.raw, tmp_path / "raw")
    shutil.copytree(shared.out, tmp_path / "out")
    return Built(tmp_path / "raw", tmp_path / "out")


def told(built: Built, name: str) -> Any:
    return json.loads((built.out / "metadata" / name).read_text())


def location(built: Built, name: str, location_id: str) -> dict[str, Any]:
    [found] = [
        entry
        for entry in told(built, name)["locations"]
        if entry["settlement_location_id"] == location_id
    ]
    return dict(found)


@dataclass(frozen=True)
class State:
    """What a file is: its place on the disk, its time of change and its content."""

    inode: int
    mtime_ns: int
    content: bytes


def states(out: Path) -> dict[str, State]:
    folder = out / "metadata"
    return {
        path.relative_to(folder).as_posix(): State(
            path.stat().st_ino, path.stat().st_mtime_ns, path.read_bytes()
        )
        for path in folder.rglob("*")
        if path.is_file()
    }


def contents(out: Path) -> dict[str, bytes]:
    return {name: state.content for name, state in states(out).items()}


def validators(out: Path) -> dict[str, Draft202012Validator]:
    schemas = {p.name: json.loads(p.read_text()) for p in (out / "metadata/schemas").iterdir()}
    registry: Registry[Any] = Registry().with_resources(
        [(name, Resource.from_contents(schema)) for name, schema in schemas.items()]
    )
    for schema in schemas.values():
        Draft202012Validator.check_schema(schema)
    return {
        name: Draft202012Validator(
            schema, registry=registry, format_checker=Draft202012Validator.FORMAT_CHECKER
        )
        for name, schema in schemas.items()
    }


def documents(out: Path) -> Iterator[tuple[str, Any, str]]:
    """Yield name, content and schema of every JSON file that is no schema."""
    for name, content in contents(out).items():
        if name.endswith(".json") and not name.startswith("schemas/"):
            document = json.loads(content)
            yield name, document, document.get("schema", "manifest.schema.json")


def test_the_tree_has_the_files_of_the_design(shared: Built) -> None:
    names = set(contents(shared.out))
    marks = {name for name in names if name.startswith("tree_of_catalog_")}
    assert len(marks) == 1
    assert names - marks == {
        *("manifest.json", "market_info.json", "locations.parquet"),
        *("hubs/pjm_hubs.json", "nodes/pjm_nodes.json", "zones/pjm_zones.json"),
        *("hubs/ercot_hubs.json", "nodes/ercot_nodes.json", "zones/ercot_zones.json"),
        "ancillary_services/pjm_as_products.json",
        *("inputs/pjm/da_energy_hourly_nodal_2024.json", "inputs/pjm/as_hourly_2024.json"),
        *("inputs/pjm/da_energy_hourly_hub_2024.json", "inputs/ercot/da_energy_hourly_2024.json"),
        *("schemas/energy_prices_schema.json", "schemas/ancillary_services_schema.json"),
        *("schemas/manifest.schema.json", "schemas/locations.schema.json"),
        *("schemas/as_products.schema.json", "schemas/market_info.schema.json"),
        "schemas/inputs.schema.json",
    }


def test_every_json_file_is_as_the_schema_beside_it_says(shared: Built) -> None:
    known = validators(shared.out)
    seen = set()
    for name, document, schema in documents(shared.out):
        errors = [error.message for error in known[schema].iter_errors(document)]
        assert errors == [], name
        seen.add(schema)
    assert seen == {name for name in known if name.endswith(".schema.json")}


def test_a_schema_refuses_what_it_does_not_know(shared: Built) -> None:
    known = validators(shared.out)
    for _, document, schema in documents(shared.out):
        if schema != "manifest.schema.json":
            assert not known[schema].is_valid(document | {"colour": "red"})
    manifest = told(shared, "manifest.json")
    del manifest["files"][0]["sha256"]
    assert not known["manifest.schema.json"].is_valid(manifest)


def test_a_hub_is_told_with_its_datasets(shared: Built) -> None:
    assert location(shared, "hubs/pjm_hubs.json", "51288") == {
        "settlement_location_id": "51288",
        "settlement_location": "WESTERN HUB",
        "settlement_location_type": "HUB",
        "zone": None,
        "voltage_kv": None,
        "first_interval": "2024-03-01T05:00:00Z",
        "last_interval": "2024-03-03T04:00:00Z",
        "active": True,
        "datasets": ["da_energy_hourly_hub", "da_energy_hourly_nodal"],
        "changes": [],
        "location_lists": [],
    }


def test_a_rename_is_dated(shared: Built) -> None:
    found = location(shared, "nodes/pjm_nodes.json", "48589")
    assert found["settlement_location"] == "ADAMS EAST"
    assert found["voltage_kv"] == 230.0
    assert found["changes"] == [
        {
            "field": "settlement_location",
            "value": "ADAMS",
            "first_interval": "2024-03-01T05:00:00Z",
            "last_interval": "2024-03-02T04:00:00Z",
            "datasets": ["da_energy_hourly_nodal"],
        },
        {
            "field": "settlement_location",
            "value": "ADAMS EAST",
            "first_interval": "2024-03-02T05:00:00Z",
            "last_interval": "2024-03-03T04:00:00Z",
            "datasets": ["da_energy_hourly_nodal"],
        },
    ]


def test_a_location_without_a_price_on_the_last_day_is_not_active(shared: Built) -> None:
    found = location(shared, "nodes/pjm_nodes.json", "48588")
    assert found["active"] is False
    assert found["last_interval"] == "2024-03-02T04:00:00Z"
    assert location(shared, "nodes/pjm_nodes.json", "48589")["active"] is True


def test_zones_are_zones(shared: Built) -> None:
    assert location(shared, "zones/pjm_zones.json", "1")["settlement_location"] == "PJM-RTO"
    types = {
        (kind, entry["settlement_location_type"])
        for kind in ("hubs", "nodes", "zones")
        for entry in told(shared, f"{kind}/ercot_{kind}.json")["locations"]
    }
    assert ("hubs", "HUB") in types and ("nodes", "RESOURCE_NODE") in types
    assert types <= {
        *(("hubs", "HUB"), ("zones", "ZONE"), ("zones", "DC_TIE"), ("nodes", "RESOURCE_NODE")),
    }


def test_a_pnode_list_tells_the_days_of_its_entries(shared: Built) -> None:
    listed = location(shared, "nodes/pjm_nodes.json", "48589")["location_lists"]
    told_alike = {"report": "pnode", "type": "LOAD", "zone": "PSEG"}
    assert listed == [
        {
            **told_alike,
            "name": "ADAMS",
            "voltage_kv": 230.0,
            "effective_date": "2007-06-01",
            "retirement_date": "2024-02-29",
            "latitude": None,
            "longitude": None,
            "details": {"pnode_type": "BUS"},
        },
        {
            **told_alike,
            "name": "ADAMS EAST",
            "voltage_kv": 138.0,
            "effective_date": "2024-03-01",
            "retirement_date": None,
            "latitude": None,
            "longitude": None,
            "details": {"pnode_type": "BUS"},
        },
    ]
    ids = [e["settlement_location_id"] for e in told(shared, "nodes/pjm_nodes.json")["locations"]]
    assert "1234567" not in ids and ids == sorted(ids)


def test_ercots_list_tells_the_bus_of_a_resource_node(shared: Built) -> None:
    found = location(shared, "nodes/ercot_nodes.json", "7BRANCH_RN")
    assert (found["zone"], found["voltage_kv"]) == ("LZ_SOUTH", None)
    [listed] = found["location_lists"]
    assert (listed["report"], listed["zone"], listed["voltage_kv"]) == (
        *("np4-160-sg", "LZ_SOUTH", 13.8),
    )


def test_a_product_is_told_with_its_series(shared: Built) -> None:
    products = told(shared, "ancillary_services/pjm_as_products.json")["products"]
    [found] = [product for product in products if product["as_product"] == "SR"]
    intervals = {
        "first_interval": "2024-03-01T05:00:00Z",
        "last_interval": "2024-03-03T04:00:00Z",
    }
    assert found == {
        "as_product": "SR",
        "as_product_standard": "SPIN",
        "description": "synchronized reserve",
        "type": "reserve",
        "direction": "up",
        "required_duration_hours": None,
        "units": ["$/MW"],
        "market_types": ["DA"],
        "regions": ["MAD", "RTO"],
        "datasets": ["as_hourly"],
        **intervals,
        "first_date": None,
        "last_date": None,
        "source": "seen in ancillary_services",
        "series": [
            {"dataset": "as_hourly", "market_type": "DA", "as_region": region, **intervals}
            | {"rows": 48}
            for region in ("MAD", "RTO")
        ],
    }


def test_market_info_tells_of_operators_without_data_too(shared: Built) -> None:
    markets = {market["iso"]: market for market in told(shared, "market_info.json")["markets"]}
    assert sorted(markets) == ["CAISO", "ERCOT", "ISONE", "MISO", "NYISO", "PJM", "SPP"]
    miso = markets["MISO"]
    assert miso["full_name"] == "Midcontinent Independent System Operator, Inc."
    assert (miso["time_zone"], miso["standard_utc_offset_hours"]) == ("Etc/GMT+5", -5)
    assert miso["offset_rule"] == "Eastern Standard Time: UTC-5 all year, 24 hours on each day"
    assert (miso["interval_minutes"], miso["market_types"]) == ([5, 60], ["DA", "RT"])
    assert miso["location_types"] == ["AGGREGATE", "HUB", "INTERFACE", "NODE", "ZONE"]
    assert (miso["currency"], miso["first_market_day"]) == ("USD", "2005-04-01")
    assert miso["terms_of_use"].startswith("Materials of the site may not be modified, published")
    assert miso["terms_of_use_link"] == "https://www.misoenergy.org/meet-miso/legal-and-privacy/"
    assert {"AR", "WI"} < set(miso["states_served"]) and len(miso["states_served"]) == 15
    [ny] = markets["NYISO"]["states_served"]
    assert ny == "NY"
    bounds = markets["PJM"]["price_bounds"]
    assert {(b["family"], b["market_type"], b["low"], b["high"]) for b in bounds} >= {
        *(("energy_prices", "DA", -1000.0, 10000.0), ("energy_prices", "RT", -1000.0, 10000.0)),
    }
    assert [d["dataset"] for d in markets["SPP"]["datasets"]] == [
        *("as_5min", "as_hourly", "da_energy_hourly", "rt_energy_5min", "rt_energy_hourly"),
    ]


def test_the_manifest_accounts_for_the_rows_of_each_file(shared: Built) -> None:
    entries = {entry["path"]: entry for entry in told(shared, "manifest.json")["files"]}
    [nodal] = [e for path, e in entries.items() if "/da_energy_hourly_nodal/" in path]
    assert nodal["accounts"] == {"parsed": nodal["rows"], "published": nodal["rows"]}
    listed = json.loads((shared.out / nodal["inputs"]["listed_in"]).read_text())
    names = [f"pjm/da_hrl_lmps/da_hrl_lmps_{day}.csv" for day in DAYS]
    assert [entry["file"] for entry in listed["inputs"]] == names
    assert sum(entry["accounts"]["published"] for entry in listed["inputs"]) == nodal["rows"]
    lines = [f"{entry['file']} {entry['content_hash']}" for entry in listed["inputs"]]
    assert nodal["inputs"]["raw_files"] == 2
    assert nodal["inputs"]["sha256"] == hashlib.sha256("\n".join(lines).encode()).hexdigest()
    for path, entry in entries.items():
        assert entry["sha256"] == hashlib.sha256((shared.out / path).read_bytes()).hexdigest()
        assert entry["bytes"] == (shared.out / path).stat().st_size


def test_the_schema_of_a_table_is_its_contract(shared: Built) -> None:
    known = validators(shared.out)
    for family, pattern in (("energy_prices", "*energy*"), ("ancillary_services", "*as_*")):
        schema = told(shared, f"schemas/{family}_schema.json")
        for path in shared.out.glob(f"parquet/*/{pattern}/*.parquet"):
            described = [row[:2] for row in query("describe from read_parquet($1)", str(path))]
            types = {"TIMESTAMP WITH TIME ZONE": "timestamptz"}
            assert {
                column: schema["properties"][column]["x-duckdb-type"]
                for column in schema["x-column-order"]
            } == {name: types.get(kind, kind.lower()) for name, kind in described}
            for (row,) in query(ROWS_AS_JSON, str(path)):
                errors = known[f"{family}_schema.json"].iter_errors(json.loads(row))
                assert [error.message for error in errors] == []
    energy = told(shared, "schemas/energy_prices_schema.json")
    assert energy["x-sort-order"] == [
        *("datetime_utc", "settlement_location", "settlement_location_id"),
    ]
    assert energy["x-grain"] == ["interval_start_utc", "market_type", "settlement_location_id"]
    assert energy["properties"]["lmp_total"]["type"] == "number"
    assert energy["properties"]["lmp_loss"]["type"] == ["number", "null"]
    assert energy["properties"]["dst_flag"]["enum"] == ["Y", "N"]
    assert energy["properties"]["iso"]["enum"] == [
        *("PJM", "NYISO", "ISONE", "ERCOT", "SPP", "CAISO", "MISO"),
    ]


def test_the_table_of_locations_has_a_row_per_dataset(shared: Built) -> None:
    path = str(shared.out / "metadata" / "locations.parquet")
    rows = query(
        "select dataset, settlement_location, first_interval::varchar, rows, is_active, other_names"
        " from read_parquet($1) where iso = 'PJM' and settlement_location_id in ('48589', '51288')",
        path,
    )
    first = "2024-03-01 05:00:00+00"
    assert rows == [
        ("da_energy_hourly_hub", "WESTERN HUB", first, 48, True, []),
        ("da_energy_hourly_nodal", "ADAMS EAST", first, 48, True, ["ADAMS"]),
        ("da_energy_hourly_nodal", "WESTERN HUB", first, 48, True, []),
    ]
    [(rows_in_all, locations)] = query(
        "select sum(rows), count(*) from read_parquet($1) where dataset = 'da_energy_hourly_nodal'",
        path,
    )
    [nodal] = [
        entry
        for entry in told(shared, "manifest.json")["files"]
        if entry["dataset"] == "da_energy_hourly_nodal"
    ]
    assert (rows_in_all, locations) == (nodal["rows"], nodal["locations"])


def test_a_build_without_news_touches_no_file_and_reads_no_data(own: Built) -> None:
    build(own.raw, own.out)
    before = states(own.out)
    # Only its data are spoilt: the footer, which every build reads, stays.
    for path in own.out.glob("parquet/*/*/*.parquet"):
        stat = path.stat()
        content = bytearray(path.read_bytes())
        content[4:40] = bytes(36)
        path.write_bytes(content)
        assert path.stat().st_size == stat.st_size
    build(own.raw, own.out)
    assert states(own.out) == before


def test_what_somebody_changed_or_removed_is_written_again(own: Built) -> None:
    before = contents(own.out)
    (own.out / "metadata/hubs/pjm_hubs.json").write_text("{}")
    (own.out / "metadata/locations.parquet").unlink()
    (own.out / "metadata/inputs/pjm/as_hourly_2024.json").unlink()
    (own.out / "metadata/nodes/spp_nodes.json").write_text("{}")
    (own.out / "metadata/market_info.json.partial").write_text("half")
    build(own.raw, own.out)
    assert contents(own.out) == before


def test_what_is_learnt_anew_gives_the_same_bytes(own: Built) -> None:
    """As in a tree received from elsewhere; its manifest may be one of an earlier version."""
    before = contents(own.out)
    manifest = own.out / "metadata" / "manifest.json"
    text = json.loads(manifest.read_text())
    for entry in text["files"]:
        del entry["accounts"], entry["inputs"]
    manifest.write_text(json.dumps(text))
    with duckdb.connect(str(own.out / ".unified-iso" / "work.duckdb")) as connection:
        for table in ("asked_files", "seen_locations", "seen_products", "metadata_state"):
            connection.execute(f"delete from inventory.{table}")
    for path in (own.out / "metadata").rglob("*"):
        # The mark of the tree is made by chance, and not learnt.
        if path.is_file() and path != manifest and not path.name.startswith("tree_of_catalog_"):
            path.unlink()
    build(own.raw, own.out)
    assert contents(own.out) == before


def test_a_location_list_that_changes_is_told_anew(own: Built) -> None:
    listed = own.raw / "ercot" / "np4-160-sg" / "Settlement_Points_03022024_144918.csv"
    write_rows(listed, [POINTS[0] | {"VOLTAGE_LEVEL": "69"}])
    build(own.raw, own.out, "ercot")
    found = location(own, "nodes/ercot_nodes.json", "7BRANCH_RN")
    assert [entry["voltage_kv"] for entry in found["location_lists"]] == [69.0]
    assert location(own, "hubs/pjm_hubs.json", "51288")["active"] is True


def test_a_year_file_that_is_gone_is_told_no_more(own: Built) -> None:
    before = states(own.out)
    shutil.rmtree(own.out / "parquet" / "ercot")
    shutil.rmtree(own.out / "parquet" / "pjm" / "da_energy_hourly_hub")
    build(own.raw, own.out, "--dataset", "pjm_as_hourly")
    after = states(own.out)
    gone = {name for name in before if "ercot" in name} | {
        "inputs/pjm/da_energy_hourly_hub_2024.json"
    }
    assert set(after) == set(before) - gone
    assert location(own, "hubs/pjm_hubs.json", "51288")["datasets"] == ["da_energy_hourly_nodal"]
    same = ("market_info.json", "ancillary_services/pjm_as_products.json")
    assert [after[name] for name in same] == [before[name] for name in same]
    with work_database(own.out) as connection:
        paths = connection.execute("select path from inventory.asked_files order by path")
        assert [path.split("/")[2] for (path,) in paths.fetchall()] == [
            *("as_hourly", "da_energy_hourly_nodal"),
        ]


@pytest.mark.skipif(
    not (SAMPLES / "caiso" / "atl_pnode").is_dir(),
    reason="no real files beside the repository (shared/samples)",
)
def test_caisos_real_lists_tell_of_its_nodes(tmp_path: Path) -> None:
    for report in ("prc_rtpd_lmp", "atl_pnode", "atl_pnode_map", "atl_tac_area_map"):
        shutil.copytree(SAMPLES / "caiso" / report, tmp_path / "raw" / "caiso" / report)
    built = Built(tmp_path / "raw", tmp_path / "out")
    build(built.raw, built.out, "--dataset", "caiso_rt_energy_15min_nodal", check=None)
    found = location(built, "nodes/caiso_nodes.json", "CAS_PP_GNODE7")
    listed = [(e["report"], e["effective_date"], e["details"]) for e in found["location_lists"]]
    assert listed == [
        ("atl_pnode", "2022-11-16", {}),
        ("atl_tac_area_map", "2023-03-09", {"tac_area_id": "TAC_LADWP"}),
    ]
    assert {entry["retirement_date"] for entry in found["location_lists"]} == {None}
