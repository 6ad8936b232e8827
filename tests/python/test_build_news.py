"""Which datasets have anything to do, and what is told of those that have nothing to do."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from small_project import (
    DATASET,
    DATASET_SQL,
    FAMILY,
    HUB,
    MODEL,
    NOT_IN_SUBSET_SQL,
    POINTS,
    PRICES,
    STAGING,
    SUBSET,
    Small,
)
from unified_iso.build import news
from unified_iso.build.builder import build
from unified_iso.build.finish import finish
from unified_iso.build.judge import Result
from unified_iso.build.run import Run
from unified_iso.build.spec import Project
from unified_iso.build.start import start
from unified_iso.limits import DEFAULT
from unified_iso.workspace import Workspace

SUBSET_SQL = 'select * from "memory"."main"."xiso_prices" where point = \'HUB\' order by all'
NO_REPEATS = "select 0 as raw_file, '' as term, '' as reason, 0 as rows where false"
MONDAY = ["2024-03-04 00:00:00,HUB,20.5,1", "2024-03-04 01:00:00,HUB,21.5,1"]
WEDNESDAY = ["2024-03-06 00:00:00,HUB,25.5,1"]
LAST_YEAR = ["2023-03-06 00:00:00,HUB,19.5,1"]


class Published:
    """The small project with a raw file of Monday and a list of points, built and published."""

    def __init__(self, root: Path) -> None:
        self.small = Small(root)
        self.small.graph["nodes"][STAGING]["depends_on"]["nodes"].append(POINTS)
        self.small.project = Project.of_graph(self.small.graph, self.small.project.stamps)
        self.workspace = Workspace(raw=self.small.raw, out=root / "out")
        self.workspace.prepare()
        self.small.write("monday.csv", MONDAY)
        self.points("HUB,WEST")
        self.build()

    def points(self, *lines: str) -> None:
        """Write the list of points."""
        path = self.small.raw / "xiso" / "points" / "points.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(["point,zone", *lines]) + "\n")

    def run(self, **options: Any) -> Run:
        """Return a run of both datasets, of the project whose digest is `as it was`."""
        self.small.tell(**options)
        return Run(
            connection=self.small.cursor,
            workspace=self.workspace,
            limits=DEFAULT,
            project=self.small.project,
            families={FAMILY.name: FAMILY},
            options=self.small.options,
            command="build",
            selected=[DATASET, SUBSET],
            is_empty=False,
            audit_schema="audit",
            tell=lambda line: None,
            note=lambda line: None,
            digest="as it was",
        )

    def build(self, digest: str | None = "as it was", **options: Any) -> None:
        """Build and publish both datasets."""
        run = replace(self.run(**options), digest=digest)
        start(run)
        build(run, DATASET, DATASET_SQL, {"repeats": NO_REPEATS})
        build(run, SUBSET, SUBSET_SQL, {"left_out": NOT_IN_SUBSET_SQL})
        results = {model: Result(model, "success") for model in (DATASET, SUBSET)}
        assert finish(run, results, lambda models, message: None) is None

    def busy(self, digest: str = "as it was", **options: Any) -> list[str]:
        """Return the datasets that have anything to do."""
        run = self.run(**options)
        return [dataset.model for dataset in news.busy_datasets(run, digest)]

    def manifest(self) -> dict[str, Any]:
        """Return what the manifest tells."""
        told: dict[str, Any] = json.loads(self.workspace.manifest.read_bytes())
        return told


@pytest.fixture
def published(tmp_path: Path) -> Published:
    return Published(tmp_path)


# Who is busy.


def test_a_dataset_without_news_has_nothing_to_do(published: Published) -> None:
    assert published.small.rows("select model, part::varchar from inventory.parts order by 1") == [
        (MODEL, "2024-03-04"),
        (HUB, "2024-03-04"),
    ]
    assert published.busy() == []


@pytest.mark.parametrize("name", ["wednesday.csv", "20240306.csv"])
def test_a_new_file_makes_its_dataset_and_what_is_cut_from_it_busy(
    published: Published, name: str
) -> None:
    published.small.write(name, WEDNESDAY)
    assert published.busy() == [MODEL, HUB]
    published.build()
    assert published.busy() == []


def test_a_changed_file_makes_its_dataset_busy(published: Published) -> None:
    published.small.write("monday.csv", [*MONDAY, "2024-03-04 02:00:00,HUB,22.5,1"])
    assert published.busy() == [MODEL, HUB]


def test_a_file_whose_days_are_unknown_makes_its_dataset_busy(published: Published) -> None:
    published.small.cursor.execute(
        "update inventory.raw_files set lines_used = null where path like '%monday.csv'"
    )
    published.small.cursor.execute("delete from inventory.coverage")
    assert published.busy() == [MODEL, HUB]
    assert published.small.rows(
        "select state from inventory.planned_parts where model = $1", MODEL
    ) == [("kept",)]


def test_another_project_makes_every_dataset_busy(published: Published) -> None:
    assert published.busy(digest="as it is now") == [MODEL, HUB]


def test_what_was_built_of_an_unknown_project_is_built_again(published: Published) -> None:
    published.build(digest=None)
    assert published.busy() == [MODEL, HUB]
    published.build()
    assert published.busy() == []


def test_a_changed_list_of_locations_makes_its_dataset_busy(published: Published) -> None:
    published.points("HUB,NORTH")
    assert published.busy() == [MODEL, HUB]
    published.points("HUB,WEST")
    assert published.busy() == []


def test_a_subset_whose_file_is_gone_is_busy_by_itself(published: Published) -> None:
    published.workspace.year_file("xiso", "prices_hub", 2024).unlink()
    assert published.busy() == [HUB]


def test_a_dataset_whose_file_is_gone_is_busy_with_its_subset(published: Published) -> None:
    published.workspace.year_file("xiso", "prices", 2024).unlink()
    assert published.busy() == [MODEL, HUB]


def test_only_what_was_selected_is_busy(published: Published) -> None:
    run = replace(published.run(full_refresh=True), selected=[SUBSET])
    assert [dataset.model for dataset in news.busy_datasets(run, "as it was")] == [HUB]


def test_a_full_refresh_makes_everything_busy(published: Published) -> None:
    assert published.busy(full_refresh=True) == [MODEL, HUB]


def test_news_of_a_year_that_is_not_asked_for_wait(published: Published) -> None:
    published.small.write("20230306.csv", LAST_YEAR)
    assert published.busy(years=(2024,)) == []
    assert published.busy(years=(2022, 2023)) == [MODEL, HUB]


def test_rows_of_a_vanished_file_are_news_only_where_they_may_go(published: Published) -> None:
    published.small.write("20240306.csv", WEDNESDAY)
    published.build()
    (published.small.raw / "xiso" / "da-prices" / "20240306.csv").unlink()
    assert published.busy() == []
    assert published.busy(prune=True) == [MODEL, HUB]


# What is told of the idle.


def leave(published: Published, **options: Any) -> None:
    run = published.run(**options)
    assert news.busy_datasets(run, "as it was") == []
    news.leave_in_place(run, [run.project.dataset(DATASET)])
    news.end_without_dbt(run)


def test_a_refused_file_is_told_and_keeps_nobody_busy(published: Published) -> None:
    before = published.manifest()
    published.small.write("odd.csv", ["1,2"], header="colour,size")
    leave(published)
    after = published.manifest()
    [refused] = after["refused"]
    assert refused["file"] == "xiso/da-prices/odd.csv"
    assert refused["reason"].startswith("line 1 is no header of da-prices")
    assert after | {"refused": []} == before


@pytest.mark.parametrize(
    ("years", "stay"),
    [
        ((), [("xiso_other", 2023), (HUB, 2023)]),
        ((2024,), [("xiso_other", 2023), (MODEL, 2023), (HUB, 2023)]),
    ],
)
def test_what_an_idle_dataset_lacked_is_told_no_more(
    published: Published, years: tuple[int, ...], stay: list[tuple[str, int]]
) -> None:
    reason = "line 3 has no price"
    told = [("xiso_other", 2023), (MODEL, 2023), (MODEL, 2024), (HUB, 2023)]
    manifest = published.manifest()
    manifest["unpublished"] = [
        {"model": model, "year": year, "reason": reason} for model, year in told
    ]
    published.workspace.manifest.write_text(json.dumps(manifest))
    leave(published, years=years)
    assert published.manifest()["unpublished"] == [
        {"model": model, "year": year, "reason": reason} for model, year in stay
    ]


def test_the_views_of_idle_datasets_are_their_published_files(published: Published) -> None:
    rows = 'select point, price from "memory"."main"."xiso_prices" order by price'
    published.small.cursor.execute('drop view "memory"."main"."xiso_prices"')
    leave(published)
    assert published.small.rows(rows) == [("HUB", 20.5), ("HUB", 21.5)]
    assert published.small.rows("from audit.new__xiso_prices") == []
    assert sorted(published.workspace.candidates.iterdir()) == []


# Seeds.


SEED = "seed.small.markets"


def guard_seed(published: Published) -> None:
    """Give the seed of markets a test."""
    published.small.graph["nodes"]["test.small.is_keyed_by"] = {
        **{"unique_id": "test.small.is_keyed_by", "resource_type": "test", "tags": []},
        **{"name": "is_keyed_by", "config": {"severity": "error", "materialized": "test"}},
        **{"attached_node": SEED, "depends_on": {"nodes": [SEED]}},
    }


def test_seeds_are_tested_again_only_where_one_has_changed(published: Published) -> None:
    guard_seed(published)
    run = published.run()
    datasets = run.project.datasets()
    assert not news.has_sound_seeds(run, datasets)
    published.small.cursor.execute(
        "insert into inventory.sound_seeds values ('markets', 'sum of markets')"
    )
    assert news.has_sound_seeds(run, datasets)
    published.small.graph["nodes"][SEED]["checksum"] = {"checksum": "another sum"}
    assert not news.has_sound_seeds(run, datasets)
    assert news.has_sound_seeds(run, [])


def test_a_run_that_may_load_a_changed_seed_forgets_that_it_was_sound(
    published: Published,
) -> None:
    guard_seed(published)
    published.small.cursor.execute(
        "insert into inventory.sound_seeds values ('markets', 'sum of markets')"
    )
    run = published.run()
    start(run)
    assert news.has_sound_seeds(run, run.project.datasets())
    published.small.graph["nodes"][SEED]["checksum"] = {"checksum": "another sum"}
    start(run)
    published.small.graph["nodes"][SEED]["checksum"] = {"checksum": "sum of markets"}
    assert not news.has_sound_seeds(run, run.project.datasets())


# Which views are made again.


def views(published: Published, digest: str = "as it was", *folders: str) -> list[str]:
    run = published.run()
    return news.views_to_make(run, run.project.datasets(), digest, folders)


def make_view(published: Published, digest: str | None, status: str = "success") -> None:
    """Let dbt make the staging view, or try to."""
    run = replace(published.run(), digest=digest)
    start(run)
    finish(run, {STAGING: Result(STAGING, status)}, lambda models, message: None)


def test_a_view_is_made_again_only_where_the_project_is_another_one(published: Published) -> None:
    name = STAGING.rpartition(".")[2]
    assert views(published) == [name]
    make_view(published, "as it was", status="error")
    assert views(published) == [name]
    make_view(published, "as it was")
    assert views(published) == []
    assert views(published, "another") == [name]


@pytest.mark.parametrize("digest", ["another", "", None])
def test_a_view_that_another_project_may_have_made_is_made_again(
    published: Published, digest: str | None
) -> None:
    """Plain dbt doesn't tell which project it runs, and may be stopped before it ends."""
    make_view(published, "as it was")
    start(replace(published.run(), digest=digest))
    assert views(published) == [STAGING.rpartition(".")[2]]
    make_view(published, digest)
    assert views(published) == [STAGING.rpartition(".")[2]]


def test_a_view_that_a_test_reads_is_always_made(published: Published) -> None:
    make_view(published, "as it was")
    test = {"unique_id": "test.small.own", "resource_type": "test", "name": "own", "tags": []}
    published.small.graph["nodes"]["test.small.own"] = {
        **test,
        **{"config": {"severity": "warn", "materialized": "test"}, "attached_node": STAGING},
        **{"depends_on": {"nodes": [STAGING]}},
    }
    assert views(published) == [STAGING.rpartition(".")[2]]


def test_views_of_a_folder_are_made_beside_those_that_datasets_read(published: Published) -> None:
    node = published.small.graph["nodes"][STAGING]
    own = {"unique_id": "model.small.own", "name": "own", "original_file_path": "models/own/x.sql"}
    published.small.graph["nodes"]["model.small.own"] = node | own
    assert views(published) == [node["name"]]
    assert views(published, "as it was", "models/own/") == [node["name"], "own"]


# Which raw relations are made again.

ELSEWHERE = '"memory"."yiso"."prices"'


@pytest.fixture
def beside(published: Published) -> Published:
    """The same, with a report of another operator that no dataset reads."""
    sources = published.small.graph["sources"]
    names = {"unique_id": "source.small.yiso.prices", "source_name": "yiso", "schema": "yiso"}
    sources["source.small.yiso.prices"] = sources[PRICES] | names
    published.small.project = Project.of_graph(
        published.small.graph, published.small.project.stamps
    )
    for digest in ("another", "as it was"):
        published.build(digest)
    published.small.cursor.execute(f"create or replace view {ELSEWHERE} as select 'as left'")
    return published


def is_as_left(published: Published) -> bool:
    [(sql,)] = published.small.rows("select sql from duckdb_views() where schema_name = 'yiso'")
    return "as left" in sql


def test_relations_of_an_operator_that_a_run_does_not_look_at_stay_as_they_are(
    beside: Published,
) -> None:
    beside.small.write("20240306.csv", WEDNESDAY)
    beside.build()
    assert is_as_left(beside)
    prices = 'select count(*) from "memory"."xiso"."prices"'
    assert beside.small.rows(prices) == [(3,)]


@pytest.mark.parametrize("digest", ["another", "", None])
def test_a_run_of_another_project_makes_all_relations_anew(
    beside: Published, digest: str | None
) -> None:
    beside.build(digest)
    assert not is_as_left(beside)


def test_a_run_after_one_that_did_not_end_makes_all_relations_anew(beside: Published) -> None:
    start(beside.run())
    assert is_as_left(beside)
    beside.build()
    assert not is_as_left(beside)


# What is told of raw files that were not published, or are gone.


def seen(published: Published) -> dict[str, tuple[str, str | None]]:
    """Return state and why of every raw file that the last run has seen, by its name."""
    rows = published.small.rows(
        f"select path, state, why from '{published.workspace.raw_files_seen}' order by path"
    )
    return {path.rpartition("/")[2]: (state, why) for path, state, why in rows}


def test_a_run_writes_down_what_became_of_every_raw_file(published: Published) -> None:
    published.small.write("empty.csv", [])
    published.small.write("last_year.csv", LAST_YEAR)
    published.build(years=(2024,))
    found = seen(published)
    assert found.pop("points.csv") == ("left out", None)
    state, why = found.pop("empty.csv")
    assert state == "refused" and why
    assert found == {"monday.csv": ("published", None), "last_year.csv": ("waiting", None)}


def test_rows_of_a_file_that_is_gone_are_told_of_until_they_go(published: Published) -> None:
    (published.small.raw / "xiso" / "da-prices" / "monday.csv").unlink()
    run = published.run()
    news.busy_datasets(run, "as it was")
    news.leave_in_place(run, run.project.datasets())
    # Both datasets have its two rows of the hub.
    told = {"file": "xiso/da-prices/monday.csv", "rows": 4}
    assert published.manifest()["vanished"] == [told]
    published.build(prune=True)
    assert published.manifest()["vanished"] == []


def test_letting_all_rows_go_is_no_failure(published: Published) -> None:
    """What was asked for is that they go; `build` fails where the run does."""
    (published.small.raw / "xiso" / "da-prices" / "monday.csv").unlink()
    published.build(prune=True)
    assert published.manifest()["files"] == []


def test_a_file_that_is_written_over_with_another_day_is_told_of_until_its_rows_go(
    published: Published,
) -> None:
    published.small.write("monday.csv", WEDNESDAY)
    published.build()
    told = {"file": "xiso/da-prices/monday.csv", "rows": 4}
    assert published.manifest()["vanished"] == [told]
    assert published.busy() == []
    leave(published)
    assert published.manifest()["vanished"] == [told]
    assert published.busy(prune=True) == [MODEL, HUB]
    published.build(prune=True)
    assert published.manifest()["vanished"] == []
    parts = "select model, part::varchar from inventory.parts order by all"
    assert published.small.rows(parts) == [(MODEL, "2024-03-06"), (HUB, "2024-03-06")]
