"""A made-up operator in a few nodes as dbt's manifest has them, on a plain session of DuckDB.

XISO, on Chicago time, publishes `da-prices` (a local time, a point, a price, a version). Its
staging view and its dataset are typed here in plain SQL, so that each step of a build is seen by
itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from unified_iso.build import raw
from unified_iso.build.facts import tell_facts
from unified_iso.build.load import Loader
from unified_iso.build.plan import choose_files
from unified_iso.build.reports import known_reports, reports_of
from unified_iso.build.spec import Dataset, Project
from unified_iso.families import Family
from unified_iso.inventory import update_inventory
from unified_iso.options import Options
from unified_iso.sql import sql_text

# What the macro `engine` hands over when a run of an empty project begins.
START_OF_NOTHING: dict[str, Any] = {
    "step": "start",
    "graph": {"nodes": {}, "sources": {}},
    "stamps": {},
    "variables": {},
    "full_refresh": False,
    "selected": [],
    "command": "build",
    "is_empty": False,
    "audit_schema": "audit",
}

DATASET, SUBSET = "model.small.xiso_prices", "model.small.xiso_prices_hub"
STAGING, PRICES, POINTS = (
    "model.small.stg_xiso__prices",
    "source.small.xiso.prices",
    "source.small.xiso.points",
)
MODEL, HUB = "xiso_prices", "xiso_prices_hub"
FAMILY = Family(
    name="tiny_prices",
    key=("interval_start_utc", "point"),
    order=("datetime_utc", "point"),
    compared=("version", "price"),
    price="price",
    parts=(),
    texts=("point",),
    series=("point",),
)
HEADER = "starts,point,price,version"
# A rejected row, a filtered one, one without a time, and one that another file may complete;
# everything else is sound.
STAGING_SQL = """
select
    raw_file,
    raw_row,
    case when point <> 'TIMELESS' then timezone('America/Chicago', starts) end
        as interval_start_utc,
    point,
    price,
    version,
    case
        when point = 'ODD' then 'refused: is another report'
        when price is null then 'rejected: has no price'
        when point = 'TIMELESS' then 'rejected: tells no time'
        when point = 'HALF' then 'lacking: has no other half'
        when point = 'TOTAL' then 'filtered: a total of points'
    end as set_aside,
    1 as raw_lines
from {source}
"""
# Of rows of one interval and point the one of the highest version stands, then the last one.
DATASET_SQL = """
select
    interval_start_utc as datetime_utc,
    'XISO' as iso,
    'DA' as market_type,
    point,
    price,
    (select list(data_source order by raw_file) from "memory"."inventory"."open_files")[raw_file]
        as data_source
from "memory"."staging"."stg_xiso__prices"
where set_aside is null
qualify row_number() over (
    partition by interval_start_utc, point
    order by version desc, raw_file desc, raw_row desc
) = 1
order by all
"""
# What the macro left_out_of_subset asks.
NOT_IN_SUBSET_SQL = """
select
    data_source,
    'filtered' as term,
    'not in this subset: point = ''HUB''' as reason,
    count(*) as rows
from "memory"."main"."xiso_prices"
where not coalesce(point = 'HUB', false)
group by all
"""
REPEATS_SQL = """
select
    raw_file,
    case when price = stands then 'merged' else 'superseded' end as term,
    case when price = stands then 'equal' else 'lower version' end as reason,
    count(*) as rows
from (
    select
        *,
        first_value(price) over latest as stands,
        row_number() over latest as place
    from "memory"."staging"."stg_xiso__prices"
    where set_aside is null
    window latest as (
        partition by interval_start_utc, point
        order by version desc, raw_file desc, raw_row desc
    )
)
where place > 1
group by all
"""


def _columns(**kinds: Any) -> dict[str, Any]:
    return {
        name: {"name": name, "data_type": kind, "config": {"meta": meta}}
        for name, (kind, meta) in kinds.items()
    }


def _node(unique_id: str, kind: str, schema: str, **rest: Any) -> dict[str, Any]:
    name = unique_id.rpartition(".")[2]
    return {
        "unique_id": unique_id,
        "resource_type": kind,
        "name": name,
        "alias": name,
        "database": "memory",
        "schema": schema,
        "checksum": {"checksum": f"sum of {name}"},
        "original_file_path": f"models/{name}.sql",
        "columns": {},
        "depends_on": {"nodes": []},
        "tags": [],
        **rest,
    }


def _dataset(unique_id: str, above: list[str], **config: Any) -> dict[str, Any]:
    columns = _columns(
        datetime_utc=("timestamp with time zone", {}),
        iso=("varchar", {}),
        market_type=("varchar", {}),
        point=("varchar", {}),
        price=("double", {}),
        data_source=("varchar", {}),
    )
    described = {
        **{"materialized": "year_files", "family": FAMILY.name, "iso": "xiso", "market": "DA"},
        **{"minutes": 60, "hourly": True},
        **config,
    }
    return _node(
        unique_id,
        "model",
        "main",
        columns=columns,
        config=described,
        depends_on={"nodes": ["seed.small.markets", *above]},
    )


def _source(unique_id: str, report: str, columns: dict[str, Any], meta: Any) -> dict[str, Any]:
    return _node(
        unique_id,
        "source",
        "xiso",
        source_name="xiso",
        identifier=report,
        alias=unique_id.rpartition(".")[2],
        columns=columns,
        config={"meta": meta},
    )


def graph(root: Path, part: str = "day", **prices: Any) -> dict[str, Any]:
    """Return the nodes of the project, whose seeds lie in `root`.

    prices: what `meta.raw` says of the report.
    """
    seeds = [
        _node(
            f"seed.small.{name}",
            "seed",
            "facts",
            root_path=str(root),
            original_file_path=f"{name}.csv",
            config={"materialized": "seed"},
        )
        for name in ("markets", "reports")
    ]
    nodes = [
        *seeds,
        _node(
            STAGING,
            "model",
            "staging",
            columns=_columns(
                interval_start_utc=("timestamptz", {}), point=("varchar", {}), price=("double", {})
            ),
            config={"materialized": "view"},
            depends_on={"nodes": [PRICES]},
        ),
        _dataset(DATASET, [STAGING], part=part),
        _dataset(SUBSET, [DATASET], part=part, subset_where="point = 'HUB'"),
    ]
    sources = [
        _source(
            PRICES,
            "da-prices",
            _columns(
                starts=("timestamp", {}),
                point=("varchar", {}),
                price=("double", {}),
                version=("integer", {"wanted": True}),
            ),
            {"raw": {"row_numbers": True, **prices}},
        ),
        _source(
            POINTS,
            "points",
            _columns(point=("varchar", {}), zone=("varchar", {})),
            {"location_list": True},
        ),
    ]
    return {
        "nodes": {node["unique_id"]: node for node in nodes},
        "sources": {node["unique_id"]: node for node in sources},
    }


_STARTS = "try_strptime(starts, ['%Y-%m-%d %H:%M:%S', '%m/%d/%Y %H:%M'])"
STAMPS: Mapping[str, Any] = {
    PRICES: {
        "starts": {
            "value": _STARTS,
            "fault": f"case when {_STARTS} is null then starts || ' is no time'"
            f" when year({_STARTS}) > 2100 then starts || ' is to come' end",
            "instant": None,
        }
    }
}


class Small:
    """The project on a session, with its raw folder; a year of the inventory is typed or read."""

    def __init__(self, root: Path, part: str = "day", **prices: Any) -> None:
        self.root, self.raw = root, root / "raw"
        (root / "markets.csv").write_text("iso,time_zone\nxiso,America/Chicago\n")
        (root / "reports.csv").write_text(
            "iso,report,rank,seen,file_names\nxiso,da-prices,2,true,\nxiso,points,3,true,\n"
        )
        self.graph = graph(root, part, **prices)
        self.project = Project.of_graph(self.graph, STAMPS)
        self.cursor = duckdb.connect()
        self.cursor.execute("set global TimeZone = 'UTC'")
        for name in ("schema", "candidates"):
            self.cursor.execute(sql_text(name))
        self.tell()
        raw.empty_relations(self.cursor, self.project.sources())
        self.cursor.execute("create schema staging")
        source = '"memory"."xiso"."prices"'
        self.cursor.execute(
            f'create view "staging"."stg_xiso__prices" as {STAGING_SQL.format(source=source)}'
        )

    def tell(self, **options: Any) -> None:
        """Let the run have these options."""
        self.options = replace(Options(), **options)
        tell_facts(self.cursor, self.project, self.options)

    def let_days_follow(self) -> None:
        """Let rows of a day depend on the last ones of the day before."""
        self.graph["nodes"][DATASET]["config"]["reads_day_before"] = True
        self.project = Project.of_graph(self.graph, STAMPS)
        self.tell()

    @property
    def dataset(self) -> Dataset:
        return self.project.dataset(DATASET)

    @property
    def subset(self) -> Dataset:
        return self.project.dataset(SUBSET)

    @property
    def loader(self) -> Loader:
        datasets = [self.dataset, self.subset]
        found = Loader(self.cursor, self.project, self.dataset, datasets, FAMILY, self.options)
        found.list_readings()
        return found

    def rows(self, sql: str, *parameters: object) -> list[tuple[Any, ...]]:
        """Return the rows of a query."""
        return self.cursor.execute(sql, parameters).fetchall()

    # Typed by hand

    def file(
        self,
        file_id: int,
        name: str,
        *days: date,
        content: str = "a",
        lines: int = 24,
        is_hint: bool = False,
        **more: Any,
    ) -> None:
        """Type a raw file of the inventory, with the days that it covers."""
        row = {
            **{"file_id": file_id, "iso": "xiso", "report": "da-prices", "path": name},
            **{"data_source": f"xiso/da-prices/{name}", "size": 1, "mtime_ns": 1, "lines": lines},
            **{"content_hash": content, "lines_used": None if is_hint else lines},
            **{"is_present": True, "layout": "one", **more},
        }
        self.cursor.execute(
            f"insert or replace into inventory.raw_files ({', '.join(row)})"
            f" values ({', '.join('?' for _ in row)})",
            list(row.values()),
        )
        self.cursor.execute("delete from inventory.coverage where file_id = $1", [file_id])
        for day in days:
            self.cursor.execute(
                "insert into inventory.coverage values ($1, $2, 24, $3)", [file_id, day, is_hint]
            )

    def change_file(self, file_id: int, **columns: Any) -> None:
        """Change what is known of a raw file."""
        for name, value in columns.items():
            self.cursor.execute(
                f"update inventory.raw_files set {name} = $1 where file_id = $2", [value, file_id]
            )

    def fingerprint(
        self, text: str, model: str = MODEL, digest: str | None = None, lists: str = ""
    ) -> None:
        """Let a dataset have this fingerprint, told by a project and location lists as they were.

        digest: of the project.
        lists: files of location lists with their contents.
        """
        self.cursor.execute(
            "insert or replace into inventory.fingerprints values ($1, $2, $3, $4)",
            [model, text, digest, lists],
        )

    def published(self, *days: date, model: str = MODEL) -> None:
        """Take the parts of these days, as they are wanted now, for published."""
        for day in days:
            self.cursor.execute(
                "insert into inventory.parts select wanted.model, part, year(part), digest,"
                " fingerprint, 24, 1, part, part + interval 23 hour from inventory.wanted_parts as"
                " wanted inner join inventory.fingerprints as told on wanted.model = told.model"
                " where wanted.model = $1 and part = $2",
                [model, day],
            )
            self.cursor.execute(
                "insert into inventory.accounts select distinct model, part, data_source,"
                " content_hash, 'published', null, 24 from inventory.file_days"
                " where model = $1 and part = $2",
                [model, day],
            )

    # Read from files

    def write(self, name: str, lines: Sequence[str], header: str = HEADER) -> Path:
        """Write a raw file of prices."""
        path = self.raw / "xiso" / "da-prices" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join([header, *lines]) + "\n")
        return path

    def look(self) -> None:
        """Take the inventory of the raw folder."""
        known = known_reports(self.cursor)
        reports = reports_of(self.project, known)
        update_inventory(
            self.cursor, self.raw, self.root / "cache", ["xiso"], reports, known, lambda *_: None
        )

    def choose(self, *names: str) -> None:
        """Put files in `load_files`, all of them if none is named."""
        ids = [
            file_id
            for file_id, source in self.rows("select file_id, data_source from inventory.raw_files")
            if not names or source.rpartition("/")[2] in names
        ]
        choose_files(self.cursor, ids, None)

    def load(self) -> bool:
        """Look, choose everything and parse it; return whether it can be used."""
        self.look()
        self.choose()
        loader = self.loader
        return loader.parse()
