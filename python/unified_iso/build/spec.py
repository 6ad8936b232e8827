"""What a dataset is: its operator, its reports and its staging models, read from dbt's nodes.

Nodes are the mappings that dbt's graph and its manifest.json have alike, so that this needs no dbt.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from unified_iso.descriptions import Description, descriptions_of
from unified_iso.sql import quoted_name

Node = Mapping[str, Any]
HOURLY_PART, OTHER_PART = "month", "day"
INVENTORY = "inventory"


class NoDataset(LookupError):
    """A node is no dataset of the project; the message names it."""


@dataclass(frozen=True)
class Column:
    """A column of a source: its type and what its `meta` says of it."""

    name: str
    data_type: str
    meta: Mapping[str, Any]

    @property
    def of_file(self) -> str | None:
        """What of the file itself the column tells, `date` or `name`; no cell has it."""
        return self.meta.get("of_file")


@dataclass(frozen=True)
class Source:
    """A report, or a list of locations that is read whole beside the prices.

    relation: its name in SQL.
    """

    unique_id: str
    iso: str
    name: str
    report: str
    relation: str
    schema: str
    columns: tuple[Column, ...]
    raw: Mapping[str, Any]
    is_location_list: bool

    @property
    def report_key(self) -> str:
        """Folder of its files in the raw folder."""
        return f"{self.iso}/{self.report}"

    @property
    def in_file(self) -> tuple[Column, ...]:
        """Columns that a file itself has cells for."""
        return tuple(column for column in self.columns if not column.of_file)

    @property
    def wanted(self) -> tuple[str, ...]:
        """Columns that a file can do without, but that are told where they are missing."""
        return tuple(column.name for column in self.in_file if column.meta.get("wanted"))

    @property
    def lacking_told(self) -> tuple[str, ...]:
        """Columns of which each row says that its file lacks them: wanted ones, and of layouts."""
        return tuple(c.name for c in self.in_file if c.meta.get("wanted") or c.meta.get("layouts"))

    @property
    def stamps(self) -> tuple[str, ...]:
        """Columns of days and times."""
        found = (c.name for c in self.in_file if c.data_type in ("timestamp", "date"))
        return tuple(found)

    @property
    def is_numbered(self) -> bool:
        """Whether the order of its lines matters."""
        return bool(self.raw.get("row_numbers"))

    @property
    def is_cumulative(self) -> bool:
        """Whether each of its books holds all that the one before it held."""
        return bool(self.raw.get("cumulative"))


@dataclass(frozen=True)
class Staging:
    """A staging model: a view whose rows are in the vocabulary of its family.

    relation: its name in SQL.
    columns: type of each column, by its name.
    """

    name: str
    relation: str
    columns: Mapping[str, str]
    sources: tuple[Source, ...]

    @property
    def load_table(self) -> str:
        """Table that its rows are parsed into."""
        return quoted_name(f"load__{self.name}")

    @property
    def is_numbered(self) -> bool:
        """Whether lines of a report are numbered; else the place in the load orders them."""
        return any(source.is_numbered for source in self.sources)

    @property
    def line_order(self) -> str:
        """Column of the load that orders the lines of a file."""
        return "raw_row" if self.is_numbered else "rowid"

    @property
    def is_cumulative(self) -> bool:
        """Whether one of its reports comes in cumulative books."""
        return any(source.is_cumulative for source in self.sources)

    @property
    def is_of_several_markets(self) -> bool:
        """Whether its rows may be of a market that its dataset does not take, and tell which."""
        return {"market", "market_type", "interval_minutes"} <= set(self.columns)


@dataclass(frozen=True)
class Dataset:
    """A dataset of raw files, or one that is made of another: a subset of it, or means of it.

    `parent` is then the unique id of that dataset, and its parts are made of the same parts of it.

    markets: words of `market_type` in its rows; none in a family without that column.
    minutes: length of an interval.
    part: what is rebuilt at once and must fit into memory sorted, `month` or `day`.
    columns: name and type of each.
    own_ends: whether intervals differ in length, so that rows tell their ends.
    reads_day_before: whether rows of a day depend on the last ones of the day before.
    without_ids: staging models whose rows may have a name without an id, or an id without a name.
    names_from: staging models read for names and ids of locations alone; none of their rows is
        published.
    has_components: whether a price without a component is worth a warning.
    subset_where: condition of a subset's rows.
    depends_on: unique ids of all that its SQL reads.
    """

    unique_id: str
    model: str
    iso: str
    name: str
    family: str
    markets: tuple[str, ...]
    minutes: int
    part: str
    relation: str
    columns: tuple[tuple[str, str], ...]
    staging: tuple[Staging, ...]
    own_ends: bool
    reads_day_before: bool
    without_ids: tuple[str, ...]
    names_from: tuple[str, ...]
    has_components: bool
    parent: str | None
    subset_where: str | None
    depends_on: tuple[str, ...]

    @property
    def sources(self) -> tuple[Source, ...]:
        """Every source of its staging models, each once."""
        found = {source.unique_id: source for s in self.staging for source in s.sources}
        return tuple(found.values())

    @property
    def price_sources(self) -> tuple[Source, ...]:
        """Sources that give rows; a location list is read whole beside them."""
        return tuple(source for source in self.sources if not source.is_location_list)

    @property
    def own_sources(self) -> tuple[Source, ...]:
        """Sources that may give published rows, not names of locations alone."""
        own = [s for s in self.staging if s.name not in self.names_from]
        ids = {source.unique_id for staging in own for source in staging.sources}
        return tuple(source for source in self.price_sources if source.unique_id in ids)

    @property
    def rows_per_line(self) -> int:
        """Most rows that a line of one of its reports makes."""
        return max([1, *(int(s.raw.get("rows_per_line") or 1) for s in self.price_sources)])

    @property
    def words(self) -> dict[str, tuple[str, ...]]:
        """Columns that have the same few words in all rows.

        A subset has none, because as words they would be optional, and they are required in the
        files that it is cut out of.
        """
        if self.subset_where:
            return {}
        words = {"iso": (self.iso.upper(),), "market_type": self.markets}
        return {name: words[name] for name, _ in self.columns if words.get(name)}


@dataclass(frozen=True)
class Project:
    """The nodes of a dbt project.

    stamps: by source and column how a printed stamp is read, see macros/raw/stamps.sql.
    """

    nodes: Mapping[str, Node]
    source_nodes: Mapping[str, Node]
    stamps: Mapping[str, Mapping[str, Mapping[str, str | None]]]

    @classmethod
    def of_graph(cls, graph: Mapping[str, Any], stamps: Mapping[str, Any] | None = None) -> Project:
        """Read dbt's `graph`, or the content of its manifest.json."""
        return cls(graph["nodes"], graph["sources"], stamps or {})

    def sources(self) -> list[Source]:
        """Every report that raw files are read of, in a steady order."""
        return [
            _source(node) for _, node in sorted(self.source_nodes.items()) if _is_of_files(node)
        ]

    def datasets(self) -> list[Dataset]:
        """Every dataset by name, datasets before those that are made of them."""
        return list(self._datasets)

    @cached_property
    def _datasets(self) -> tuple[Dataset, ...]:
        found = [
            self.dataset(unique_id) for unique_id, node in self.nodes.items() if is_dataset(node)
        ]
        return tuple(sorted(found, key=lambda dataset: (dataset.parent is not None, dataset.model)))

    def dataset(self, unique_id: str) -> Dataset:
        """Return the dataset of a node.

        Raises:
            NoDataset: it is none.
        """
        node = self.nodes.get(unique_id)
        if node is None or not is_dataset(node):
            raise NoDataset(f"{unique_id} is no dataset of this project")
        config, above = node["config"], self._parents(node)
        iso, minutes = config["iso"], int(config["minutes"])
        return Dataset(
            unique_id=unique_id,
            model=node["name"],
            iso=iso,
            name=node["name"].removeprefix(f"{iso}_"),
            family=config["family"],
            markets=_listed(config.get("market")),
            minutes=minutes,
            part=config.get("part") or (HOURLY_PART if config.get("hourly") else OTHER_PART),
            relation=relation_of(node),
            columns=tuple((c["name"], c["data_type"]) for c in node["columns"].values()),
            staging=tuple(self._staging(n) for n in above if is_view(n)),
            own_ends=bool(config.get("own_ends")),
            reads_day_before=bool(config.get("reads_day_before")),
            without_ids=tuple(config.get("without_ids") or ()),
            names_from=tuple(config.get("names_from") or ()),
            has_components=bool(config.get("components", True)),
            parent=next((n["unique_id"] for n in above if is_dataset(n)), None),
            subset_where=config.get("subset_where"),
            depends_on=tuple(node["depends_on"]["nodes"]),
        )

    def staging_models(self) -> list[Staging]:
        """Every staging model that a dataset reads, by name."""
        found = {
            staging.name: staging for dataset in self.datasets() for staging in dataset.staging
        }
        return [found[name] for name in sorted(found)]

    def views_for(self, datasets: Collection[Dataset]) -> list[str]:
        """Return the views that are read for these datasets alone, by name.

        A test of a dataset reads for it, and so does a view that is itself read for nothing else.
        One that nothing reads is not among them, because somebody may look at it.
        """
        models = {dataset.unique_id for dataset in datasets}
        served = {i for i, node in self.nodes.items() if {i, node.get("attached_node")} & models}
        readers: dict[str, set[str]] = {}
        for unique_id, node in self.nodes.items():
            for above in node.get("depends_on", {}).get("nodes", []):
                readers.setdefault(above, set()).add(unique_id)
        views = [i for i, node in self.nodes.items() if is_view(node) and i in readers]
        while found := [i for i in views if i not in served and readers[i] <= served]:
            served.update(found)
        return [self.nodes[i]["name"] for i in views if i in served]

    def siblings(self, dataset: Dataset) -> list[Dataset]:
        """Return the datasets of raw files of the operator and family of one, itself among them."""
        of_one = (dataset.iso, dataset.family)
        return [
            found
            for found in self.datasets()
            if (found.iso, found.family) == of_one and not found.parent
        ]

    def descent(self, dataset: Dataset) -> list[Dataset]:
        """Return a dataset, the one that it is made of, and so on to the one of raw files."""
        found = [dataset]
        while found[-1].parent:
            found.append(self.dataset(found[-1].parent))
        return found

    def seed_file(self, name: str) -> Path:
        """Path of a seed of the project.

        Raises:
            LookupError: there is no such seed.
        """
        for node in self.nodes.values():
            if node["resource_type"] == "seed" and node["name"] == name:
                return Path(str(node["root_path"]), str(node["original_file_path"]))
        raise LookupError(f"the project has no seed {name}")

    def unions(self) -> dict[str, list[str]]:
        """Views that unite the datasets of a family, with the datasets that each unites."""
        return {
            node["name"]: [above["name"] for above in self._parents(node) if is_dataset(above)]
            for node in self.nodes.values()
            if node["resource_type"] == "model" and _meta_of(node).get("family_union")
        }

    def catalog_views(self) -> dict[str, tuple[str, str]]:
        """Views over families that stand in the catalog too, with their schema and name in dbt's.

        They read nothing else but seeds, because the catalog has nothing else.
        """
        return {
            node["name"]: (node["schema"], node.get("alias") or node["name"])
            for node in self.nodes.values()
            if node["resource_type"] == "model" and _meta_of(node).get("catalog_view")
        }

    def descriptions(self) -> dict[str, Description]:
        """Return what the project says of each model and seed, by its name."""
        return descriptions_of(self.nodes)

    def description(self, unique_id: str) -> Description:
        """Return what the project says of a model or seed."""
        return next(iter(descriptions_of({unique_id: self.nodes[unique_id]}).values()))

    def above(self, dataset: Dataset) -> list[Node]:
        """Return every seed and view that decides the rows of a dataset, in a steady order.

        Datasets among them are left out, because their rows are known by their own digests.
        """
        found: dict[str, Node] = {}
        frontier = list(dataset.depends_on)
        while frontier:
            unique_id = frontier.pop()
            node = self.nodes.get(unique_id) or self.source_nodes.get(unique_id)
            if node is None or unique_id in found or is_dataset(node):
                continue
            found[unique_id] = node
            frontier += node.get("depends_on", {}).get("nodes", [])
        return [found[unique_id] for unique_id in sorted(found)]

    def _parents(self, node: Node) -> list[Node]:
        return [self.nodes[i] for i in node["depends_on"]["nodes"] if i in self.nodes]

    def _staging(self, node: Node) -> Staging:
        parents = [
            self.source_nodes[i] for i in node["depends_on"]["nodes"] if i in self.source_nodes
        ]
        return Staging(
            name=node["name"],
            relation=relation_of(node),
            columns={c["name"]: c["data_type"] for c in node["columns"].values()},
            sources=tuple(_source(parent) for parent in parents if _is_of_files(parent)),
        )


def _listed(words: str | Sequence[str] | None) -> tuple[str, ...]:
    """Return what a config says, which may be a word, several or nothing."""
    if not words:
        return ()
    return (words,) if isinstance(words, str) else tuple(words)


def is_dataset(node: Node) -> bool:
    """Whether a node is a dataset, be it of raw files or of another dataset."""
    return node.get("resource_type") == "model" and node["config"]["materialized"] == "year_files"


def is_view(node: Node) -> bool:
    """Whether a node is a view: staging, or over datasets."""
    return node.get("resource_type") == "model" and node["config"]["materialized"] == "view"


def relation_of(node: Node) -> str:
    """Return the name of a node's relation in SQL."""
    identifier = node.get("alias") or node.get("identifier") or node["name"]
    return ".".join(map(quoted_name, (node["database"], node["schema"], identifier)))


def _is_of_files(node: Node) -> bool:
    """Whether a source is a report, and not what the program itself knows."""
    return bool(node["source_name"] != INVENTORY)


def _source(node: Node) -> Source:
    meta = _meta_of(node)
    return Source(
        unique_id=node["unique_id"],
        iso=node["source_name"],
        name=node["name"],
        report=node["identifier"],
        relation=relation_of(node),
        schema=".".join(map(quoted_name, (node["database"], node["schema"]))),
        columns=tuple(
            Column(
                c["name"],
                c["data_type"],
                _meta_of(c),
            )
            for c in node["columns"].values()
        ),
        raw=meta.get("raw") or {},
        is_location_list=bool(meta.get("location_list")),
    )


def _meta_of(node: Node) -> Mapping[str, Any]:
    """Return the `meta` of a node or a column, which dbt keeps in its config or beside it."""
    return (node.get("config") or {}).get("meta") or node.get("meta") or {}
