"""Metadata: what is published, in JSON files and a table that need no program to be read.

They are written from what the year files have said of themselves, from the operators' location
lists, the seeds and the contracts of the datasets, and only where one of these has changed.
"""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from unified_iso.build.learn import identity_of, learn
from unified_iso.build.location_lists import read_lists, tells_locations
from unified_iso.build.plan import location_lists
from unified_iso.build.spec import Project, Source
from unified_iso.database import transaction
from unified_iso.families import Family
from unified_iso.footers import Entry
from unified_iso.inputs import inputs_name
from unified_iso.machine import machine_named
from unified_iso.replacing import replace_if_changed
from unified_iso.sql import quoted_text, sql_text
from unified_iso.table_schemas import table_schemas
from unified_iso.workspace import Workspace, beside

SCHEMA_VERSION = 1
KINDS = ("hubs", "nodes", "zones")
_SEEDS = (
    *("markets", "market_info", "location_types", "location_files"),
    *("price_bounds", "as_products", "domains"),
)
_QUERIES = (
    *("seen_locations", "seen_products", "seen_in_files"),
    *("locations_by_dataset", "location_changes"),
    *("listed_locations", "locations_json", "products_json", "markets_json", "locations_table"),
    "inputs_json",
)


@dataclass(frozen=True)
class Metadata:
    """What the metadata of a workspace are written from, beside its year files."""

    workspace: Workspace
    project: Project
    families: Mapping[str, Family]

    @property
    def folder(self) -> Path:
        """Folder of all that is written."""
        return self.workspace.manifest.parent

    @property
    def locations(self) -> Path:
        """The published table of locations."""
        return self.folder / "locations.parquet"

    def write(self, cursor: duckdb.DuckDBPyConnection, entries: Sequence[Entry]) -> None:
        """Let the metadata tell of the year files of these entries.

        A project without the seeds that they are made of has none. Nothing is read or written if
        all is as it was when they were written last.

        Raises:
            MachineError: the disk is full, or the like.
        """
        seeds = self._seeds()
        if seeds is None:
            return
        lists = [source for source in self.project.sources() if tells_locations(source)]
        made_of = self._made_of(cursor, entries, seeds, lists)
        then = _State.of_last_run(cursor)
        now = _stats(self.folder)
        if (made_of, now) == (then.made_of, then.files):
            return
        with machine_named(self.workspace.state):
            learn(self.workspace, cursor, entries)
        has_all = self._prepare(cursor, seeds, lists)
        inputs = {_inputs_name(entry): identity_of(entry) for entry in entries}
        standing = {name for name in inputs if then.has(name, inputs[name], now)}
        texts = dict(self._texts(cursor, entries, standing))
        for name, text in texts.items():
            replace_if_changed(self.folder / name, text.encode())
        self._write_locations(cursor)
        for path in _own_files(self.folder):
            name = path.relative_to(self.folder).as_posix()
            if name not in texts and name not in standing and path != self.locations:
                path.unlink()
        with machine_named(self.workspace.state):
            _State(made_of if has_all else "", _stats(self.folder), inputs).keep(cursor)

    def _seeds(self) -> dict[str, Path] | None:
        try:
            return {name: self.project.seed_file(name) for name in _SEEDS}
        except LookupError:
            return None

    def _made_of(
        self,
        cursor: duckdb.DuckDBPyConnection,
        entries: Sequence[Entry],
        seeds: Mapping[str, Path],
        lists: Sequence[Source],
    ) -> str:
        """Return a digest of all that decides what is written."""
        digest = hashlib.sha256(str(SCHEMA_VERSION).encode())
        for entry in entries:
            digest.update(f"{entry['path']} {identity_of(entry)}\n".encode())
        for path in seeds.values():
            digest.update(path.read_bytes())
        digest.update(location_lists(cursor, [source.report_key for source in lists]).encode())
        for query in _QUERIES:
            digest.update(sql_text(query).encode())
        for _, text in self._schemas(seeds):
            digest.update(text.encode())
        digest.update(json.dumps(self._datasets(), sort_keys=True).encode())
        return digest.hexdigest()

    def _prepare(
        self,
        cursor: duckdb.DuckDBPyConnection,
        seeds: Mapping[str, Path],
        lists: Sequence[Source],
    ) -> bool:
        """Make the tables that the queries ask; return whether every location list was read."""
        for name, path in seeds.items():
            cursor.execute(
                f"create or replace temp table seed_{name} as select * from read_csv($1,"
                " header = true, all_varchar = true, hive_partitioning = false)",
                [str(path)],
            )
        cursor.register("told_datasets_now", pa.Table.from_pylist(self._datasets(), _DATASETS))
        cursor.execute(
            "create or replace temp table told_datasets as select * from told_datasets_now"
        )
        cursor.unregister("told_datasets_now")
        has_all = read_lists(cursor, self.project, lists)
        for query in ("seen_in_files", "locations_by_dataset", "location_changes"):
            cursor.execute(sql_text(query))
        return has_all

    def _texts(
        self,
        cursor: duckdb.DuckDBPyConnection,
        entries: Sequence[Entry],
        standing: Collection[str],
    ) -> Iterator[tuple[str, str]]:
        """Yield the files of text with their names, but for those that are `standing`."""
        yield from ((f"schemas/{name}", text) for name, text in self._schemas())
        yield (
            "market_info.json",
            _document("market_info", {}, "markets", _column(cursor, "markets_json")),
        )
        yield from self._texts_of_locations(cursor)
        yield from self._texts_of_products(cursor)
        for entry in entries:
            if (name := _inputs_name(entry)) not in standing:
                head = {key: entry[key] for key in ("iso", "dataset", "year", "path")}
                yield name, _document("inputs", head, "inputs", _inputs_lines(cursor, entry))

    def _texts_of_locations(self, cursor: duckdb.DuckDBPyConnection) -> Iterator[tuple[str, str]]:
        """Yield hubs, nodes and zones of each operator with locations, even where one has none."""
        lines: dict[tuple[str, str], list[str]] = {}
        for iso, kind, line in cursor.execute(sql_text("locations_json")).fetchall():
            lines.setdefault((iso, kind), []).append(line)
        for iso in sorted({iso for iso, _ in lines}):
            for kind in KINDS:
                head = {"iso": iso.upper(), "kind": kind}
                yield (
                    f"{kind}/{iso}_{kind}.json",
                    _document("locations", head, "locations", lines.get((iso, kind), [])),
                )

    def _texts_of_products(self, cursor: duckdb.DuckDBPyConnection) -> Iterator[tuple[str, str]]:
        lines: dict[str, list[str]] = {}
        for iso, line in cursor.execute(sql_text("products_json")).fetchall():
            lines.setdefault(iso, []).append(line)
        for iso, found in lines.items():
            yield (
                f"ancillary_services/{iso}_as_products.json",
                _document("as_products", {"iso": iso.upper()}, "products", found),
            )

    def _schemas(self, seeds: Mapping[str, Path] | None = None) -> Iterator[tuple[str, str]]:
        """Yield the JSON Schemas of tables and of metadata files."""
        domains = _domains(seeds or self._seeds() or {})
        for name, schema in table_schemas(self.project, self.families, domains).items():
            yield f"{name}_schema.json", json.dumps(schema, indent=1) + "\n"
        for file in sorted(
            files("unified_iso").joinpath("schemas").iterdir(), key=lambda f: f.name
        ):
            if file.name.endswith(".schema.json"):
                yield file.name, file.read_text(encoding="utf-8")

    def _datasets(self) -> list[dict[str, Any]]:
        """Return what the project says of each dataset."""
        return [
            {
                "iso": dataset.iso,
                "dataset": dataset.name,
                "family": dataset.family,
                "market_types": list(dataset.markets),
                "interval_minutes": dataset.minutes,
                "description": " ".join(
                    str(self.project.nodes[dataset.unique_id].get("description") or "").split()
                ),
            }
            for dataset in self.project.datasets()
        ]

    def _write_locations(self, cursor: duckdb.DuckDBPyConnection) -> None:
        """Replace the table of locations, if it says something new."""
        new = beside(self.locations)
        with machine_named(self.folder):
            cursor.execute(
                f"copy ({sql_text('locations_table')}) to {quoted_text(new)}"
                " (format parquet, compression zstd)"
            )
            content = new.read_bytes()
            new.unlink()
        replace_if_changed(self.locations, content)


_DATASETS = pa.schema(
    [
        *((name, pa.string()) for name in ("iso", "dataset", "family")),
        ("market_types", pa.list_(pa.string())),
        ("interval_minutes", pa.int64()),
        ("description", pa.string()),
    ]
)


def _document(schema: str, head: Mapping[str, Any], name: str, lines: Sequence[str]) -> str:
    """Return a JSON text with a line for each entry of its list, so that texts can be compared."""
    told = {"schema": f"{schema}.schema.json", "schema_version": SCHEMA_VERSION, **head}
    inner = json.dumps(told)[1:-1]
    entries = ",\n".join(lines)
    return f"{{{inner}, {json.dumps(name)}: [\n{entries}\n]}}\n"


def _column(cursor: duckdb.DuckDBPyConnection, query: str) -> list[str]:
    return [line for (line,) in cursor.execute(sql_text(query)).fetchall()]


def _inputs_name(entry: Entry) -> str:
    return inputs_name(entry).removeprefix("metadata/")


def _inputs_lines(cursor: duckdb.DuckDBPyConnection, entry: Entry) -> list[str]:
    """Return the raw files of a year file, each as a JSON text."""
    parameters = {name: entry[name] for name in ("model", "year")}
    return [line for (line,) in cursor.execute(sql_text("inputs_json"), parameters).fetchall()]


def _domains(seeds: Mapping[str, Path]) -> dict[str, list[str]]:
    """Return by column the words that seeds list for it."""
    found: dict[str, list[str]] = {}
    for row in _rows(seeds["domains"]):
        found.setdefault(row["column_name"], []).append(row["value"])
    return found | {"iso": [row["iso"].upper() for row in _rows(seeds["markets"])]}


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def _own_files(folder: Path) -> list[Path]:
    """Return every file that a run may have written here, but the manifest."""
    patterns = (
        *(f"{kind}/*_{kind}.json" for kind in KINDS),
        *("ancillary_services/*_as_products.json", "inputs/*/*.json"),
        *("schemas/*_schema.json", "schemas/*.schema.json"),
        *("market_info.json", "locations.parquet"),
    )
    return sorted(path for pattern in patterns for path in folder.glob(pattern))


def _stats(folder: Path) -> dict[str, list[int]]:
    """Return size and time of change of every file, which tell whether somebody else touched it."""
    found = {}
    for path in _own_files(folder):
        stat = path.stat()
        found[path.relative_to(folder).as_posix()] = [stat.st_size, stat.st_mtime_ns]
    return found


@dataclass(frozen=True)
class _State:
    """What the metadata were made of when they were written last.

    files: size and time of change of each file by its name.
    inputs: by name of a file of inputs what tells the year file that it is of.
    """

    made_of: str
    files: Mapping[str, list[int]]
    inputs: Mapping[str, str]

    @classmethod
    def of_last_run(cls, cursor: duckdb.DuckDBPyConnection) -> _State:
        """Return what the last run has kept."""
        rows = cursor.execute("select made_of, files, inputs from inventory.metadata_state")
        for made_of, files_then, inputs in rows.fetchall():
            return cls(made_of, json.loads(files_then), json.loads(inputs))
        return cls("", {}, {})

    def has(self, name: str, identity: str, now: Mapping[str, list[int]]) -> bool:
        """Whether a file of inputs is as it was written, and of this year file."""
        stats = self.files.get(name)
        return stats is not None and stats == now.get(name) and self.inputs.get(name) == identity

    def keep(self, cursor: duckdb.DuckDBPyConnection) -> None:
        """Let the next run know."""
        with transaction(cursor):
            cursor.execute("delete from inventory.metadata_state")
            cursor.execute(
                "insert into inventory.metadata_state values ($1, $2, $3)",
                [self.made_of, json.dumps(self.files), json.dumps(self.inputs)],
            )
