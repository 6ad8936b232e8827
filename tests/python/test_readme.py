"""The commands of the README, word for word, with the package installed from its wheel.

`make` and `pip` of the README are stood for by what they install: the unpacked wheel, in a folder
of its own. `duckdb` is the Python module, since the command line is no package.
"""

from __future__ import annotations

import compileall
import hashlib
import json
import os
import re
import runpy
import shutil
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb
import pytest

from building import (
    REPOSITORY,
    Ran,
    environment,
    query,
    read_rows,
    run_command,
)
from unified_iso import root
from unified_iso.project import dataset_models, operators
from unified_iso.root import NoProject, clone, in_project

README = (REPOSITORY / "README.md").read_text()
PROJECT = ("models", "macros", "seeds", "tests/generic", "dbt_project.yml", "profiles.yml")
DUCKDB = """
import sys, duckdb
connection = duckdb.connect(sys.argv[2], read_only=sys.argv[1] == "-readonly")
print(connection.sql(sys.stdin.read()))
"""
COMMAND = """
import sys
from typer.main import get_command
from unified_iso.cli import app
# A command that this version lacks is no fault of the README's other lines.
if sys.argv[1] in get_command(app).commands:
    from unified_iso.__main__ import main
    main()
"""


def blocks(language: str) -> list[str]:
    """Return the blocks of code of the README in a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def test_the_readme_is_short() -> None:
    assert len(README.splitlines()) < 190


def test_each_block_of_the_readme_is_run_by_a_test() -> None:
    languages = set(re.findall(r"^```(\w+)$", README, re.MULTILINE))
    assert languages == {"sh", "sql", "python", "mermaid"}


def test_the_table_has_every_dataset_once_with_its_state() -> None:
    lines = re.findall(r"^\| (\w+) \| (.+?) \| (.+?) \| (all|some|none) \|$", README, re.MULTILINE)
    named = [(iso, name) for iso, cell, _, _ in lines for name in re.findall(r"\w+_\w+", cell)]
    assert sorted(named) == sorted(dataset_models().values())
    seeds = read_rows(REPOSITORY / "seeds" / "reports.csv")
    seen = {(row["iso"], row["report"]): row["seen"] == "true" for row in seeds}
    for iso, dataset, reports, state in lines:
        states = {seen[iso, report] for report in reports.split(", ")}
        expected = {(True,): "all", (False,): "none", (False, True): "some"}
        assert state == expected[tuple(sorted(states))], (iso, dataset)


def test_the_picture_names_what_there_is() -> None:
    [picture] = blocks("mermaid")
    models = {path.stem for path in (REPOSITORY / "models").rglob("*.sql")}
    named = set(re.findall(r"\b((?:stg_)?nyiso_\w+|energy_prices|price_panel)\b", picture))
    assert named >= {"stg_nyiso__damlbmp_zone", "nyiso_da_energy_hourly", "price_panel"}
    assert named <= models
    for report in re.findall(r"RAW/nyiso/(\w+)", picture):
        assert f"stg_nyiso__{report}" in models


def test_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (REPOSITORY / target).exists(), target


def test_a_folder_without_a_project_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(root, "ROOT", tmp_path)
    with pytest.raises(NoProject, match=f"no dbt project in {tmp_path}, because it lacks seeds/"):
        operators()
    (tmp_path / "seeds").mkdir()
    (tmp_path / "seeds" / "markets.csv").write_text("iso\npjm\n")
    assert operators() == ["pjm"]
    with pytest.raises(NoProject, match="lacks models/unified"):
        dataset_models()
    assert in_project("seeds") == tmp_path / "seeds"


def test_an_installed_project_is_not_to_be_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert clone() == root.ROOT
    monkeypatch.setattr(root, "INSTALLED", root.ROOT)
    with pytest.raises(NoProject, match="clone the repository"):
        clone()


@pytest.mark.builds
def test_no_command_ends_in_a_traceback_without_a_project(tmp_path: Path) -> None:
    nowhere = tmp_path / "nowhere"
    for arguments in (["build", "--raw", str(tmp_path)], ["sample", str(tmp_path / "raw")]):
        command = [sys.executable, "-m", "unified_iso", *arguments]
        ran = run_command(command, environment(nowhere) | {"UNIFIED_ISO_OUT": str(tmp_path)}, 1)
        assert "Traceback" not in ran.output
        assert str(nowhere) in ran.stderr


@pytest.fixture
def panel() -> Iterator[duckdb.DuckDBPyConnection]:
    """A catalog with a few prices, typed by hand."""
    with duckdb.connect() as connection:
        connection.execute(
            """
            create table price_panel as
            select * from (values
                ('PJM', 'WEST', '51288', 'HUB', date '2024-03-08', 1, 10.0, 12.0, 8.0, 20.0, true),
                ('PJM', 'WEST', '51288', 'HUB', date '2024-03-09', 1, 20.0, 10.0, 5.0, 30.0, true),
                ('PJM', 'WEST', '51288', 'HUB', date '2024-03-09', 2, 21.0, 11.0, 6.0, 31.0, false),
                ('PJM', 'A', '1', 'PNODE', date '2024-03-08', 1, 7.0, 7.5, 1.0, 2.0, true),
                ('NYISO', 'N', '61761', 'ZONE', date '2024-03-08', 1, 9.0, null, null, null, false)
            ) as prices (
                iso, settlement_location, settlement_location_id, settlement_location_type,
                delivery_date, delivery_hour, lmp_da, lmp_rt_mean, lmp_rt_min, lmp_rt_max,
                has_whole_rt_hour
            )
            """
        )
        connection.execute(
            "alter table price_panel add column lmp_da_minus_rt double;"
            "update price_panel set lmp_da_minus_rt = lmp_da - lmp_rt_mean"
        )
        connection.execute(
            """
            create table energy_prices as
            select
                *,
                timestamptz '2024-03-08 05:00:00+00' as interval_start_utc,
                interval_start_utc + to_minutes(interval_minutes) as interval_end_utc,
                date '2024-03-08' as delivery_date
            from (values
                ('PJM', 'DA', 60, '1', 'A', -2.5),
                ('PJM', 'DA', 60, '1', 'A', -3.5),
                ('PJM', 'DA', 60, '1', 'A', 4.0),
                ('PJM', 'RT', 5, '1', 'A', -9.0),
                ('PJM', 'RT', 5, '2', 'A', 1.0)
            ) as prices (
                iso, market_type, interval_minutes, settlement_location_id, settlement_location,
                lmp_total
            )
            """
        )
        yield connection


def test_the_shape_of_hub_prices(panel: duckdb.DuckDBPyConnection) -> None:
    sql = (REPOSITORY / "examples" / "hub_price_shape.sql").read_text()
    march = date(2024, 3, 1)
    assert panel.execute(sql).fetchall() == [
        ("PJM", "WEST", "51288", march, 1, 15.0, 11.0, 5.0, 30.0, 2),
        ("PJM", "WEST", "51288", march, 2, 21.0, 11.0, 6.0, 31.0, 1),
    ]


def test_negative_hours_by_node(panel: duckdb.DuckDBPyConnection) -> None:
    sql = (REPOSITORY / "examples" / "negative_hours_by_node.sql").read_text()
    assert panel.execute(sql).fetchall() == [
        ("PJM", "DA", 60, "1", "A", 2024, 2.0, 3.0, -3.5),
        ("PJM", "RT", 5, "1", "A", 2024, 0.08, 0.08, -9.0),
    ]


def test_day_ahead_against_real_time(panel: duckdb.DuckDBPyConnection) -> None:
    """The hub is 2 $/MWh below and 10 above real time; an hour that is not whole does not count."""
    script = runpy.run_path(str(REPOSITORY / "examples" / "day_ahead_against_real_time.py"))
    assert panel.execute(script["QUERY"], {"iso": None}).fetchall() == [
        ("PJM", "51288", "WEST", 2, 4.0, 6.0, 50.0),
        ("PJM", "1", "A", 1, -0.5, 0.0, 100.0),
    ]
    assert panel.execute(script["QUERY"], {"iso": "NYISO"}).fetchall() == []


@dataclass(frozen=True)
class Place:
    """A folder with a clone's project and examples, and commands that run the installed package."""

    folder: Path
    site: Path
    variables: dict[str, str]

    def sh(self, script: str) -> Ran:
        command = ["bash", "-e", "-o", "pipefail", "-c", f"cd {self.folder}\n{script}"]
        return run_command(command, self.variables, 0)


def written(folder: Path) -> dict[str, str]:
    """Return the hash of every file below a folder."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def write_command(path: Path, code: str, options: str = "") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    script = path.with_name(f".{path.name}.py")
    script.write_text(code)
    path.write_text(f'#!/bin/sh\nexec "{sys.executable}" {options} "{script}" "$@"\n')
    path.chmod(0o755)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel of the checkout, as `pip install` does, and return it."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    for name in (*PROJECT, "python", "pyproject.toml", "setup.py", "MANIFEST.in", "README.md"):
        target = source / name
        target.parent.mkdir(parents=True, exist_ok=True)
        own = REPOSITORY / name
        shutil.copytree(own, target) if own.is_dir() else shutil.copy(own, target)
    options = ("--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder))
    run_command([sys.executable, "-m", "pip", "wheel", *options, str(source)], environment(), 0)
    [built] = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, wheel: Path) -> Place:
    folder = tmp_path_factory.mktemp("readme")
    site, commands, here = folder / "site", folder / "bin", folder / "clone"
    zipfile.ZipFile(wheel).extractall(site)
    # As pip does: each command would compile the package anew.
    assert compileall.compile_dir(site, quiet=1)
    for name in (*PROJECT, "examples"):
        target = here / name
        target.parent.mkdir(parents=True, exist_ok=True)
        own = REPOSITORY / name
        ignored = shutil.ignore_patterns("dbt_packages", "target", "logs")
        shutil.copytree(own, target, ignore=ignored) if own.is_dir() else shutil.copy(own, target)
    for name in ("make", "pip"):
        write_command(commands / name, "")
    write_command(commands / "unified-iso", COMMAND)
    write_command(here / ".venv" / "bin" / "unified-iso", COMMAND)
    write_command(commands / "duckdb", DUCKDB)
    write_command(
        commands / "python",
        "import runpy, sys; sys.argv = sys.argv[1:]; "
        "runpy.run_path(sys.argv[0], run_name='__main__')",
    )
    write_command(commands / "dbt", "from dbt.cli.main import cli; cli()")
    inherited = environment()
    del inherited["UNIFIED_ISO_PROJECT"]
    place = Place(
        folder=here,
        site=site,
        variables=inherited
        | {
            "PATH": f"{commands}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(site),
            "PYTHONDONTWRITEBYTECODE": "1",
            # Nothing reads what dbt would write down of its runs, which takes seconds of each.
            "DBT_WRITE_JSON": "false",
            "UNIFIED_ISO_RAW": str(here / "RAW"),
            "UNIFIED_ISO_OUT": str(here / "OUT"),
        },
    )
    # What the README's own sample is, so that its later lines find nothing new.
    place.sh("unified-iso sample RAW --iso nyiso --days 2 --real-time")
    return place


@pytest.fixture(scope="module")
def ran(place: Place) -> Ran:
    """Run the blocks of shell of the README, one after the other, but for that of dbt."""
    before = written(place.site)
    scripts = [block for block in blocks("sh") if "dbt deps" not in block]
    result = place.sh("\n".join(scripts))
    assert written(place.site) == before, "an installed package is nothing to write into"
    return result


@pytest.mark.builds
def test_the_wheel_holds_the_project(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    for part in PROJECT:
        own = REPOSITORY / part
        for path in own.rglob("*") if own.is_dir() else [own]:
            if path.is_file():
                name = f"unified_iso/dbt_project/{path.relative_to(REPOSITORY).as_posix()}"
                assert name in names
    package = REPOSITORY / "python" / "unified_iso"
    for path in package.rglob("*"):
        if path.is_file() and "__pycache__" not in path.parts and not path.name.startswith("."):
            assert path.relative_to(package.parent).as_posix() in names
    assert not [name for name in names if "__pycache__" in name]


@pytest.mark.builds
def test_the_commands_publish_what_they_say(place: Place, ran: Ran) -> None:
    assert "hours" in ran.stdout
    files = {path.name for path in (place.folder / "OUT" / "parquet").rglob("*.parquet")}
    assert files == {
        "da_energy_hourly_2024.parquet",
        "rt_energy_5min_2024.parquet",
        "rt_energy_hourly_2024.parquet",
    }
    manifest = json.loads((place.folder / "OUT" / "metadata" / "manifest.json").read_text())
    assert manifest["unpublished"] == []
    path = place.folder / "OUT" / "parquet" / "nyiso" / "da_energy_hourly" / "*.parquet"
    assert query(f"select count(*) from '{path}' where settlement_location_id = '61761'") == [(48,)]


@pytest.mark.builds
def test_the_sql_has_rows(place: Place, ran: Ran, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(place.folder)
    for block in blocks("sql"):
        with duckdb.connect("OUT/catalog.duckdb", read_only=True) as catalog:
            rows = catalog.execute(block).fetchall()
        assert rows != []
    assert (place.folder / "hourly_prices.csv").stat().st_size > 1000


@pytest.mark.builds
def test_the_examples_tell_what_the_files_hold(place: Place, ran: Ran) -> None:
    with duckdb.connect(str(place.folder / "OUT" / "catalog.duckdb"), read_only=True) as catalog:
        negative = (place.folder / "examples" / "negative_hours_by_node.sql").read_text()
        found = catalog.execute(negative).fetchall()
        counted = catalog.execute(
            "select settlement_location_id, count(*) from nyiso_da_energy_hourly"
            " where lmp_total < 0 group by all"
        ).fetchall()
    day_ahead = {row[3]: row[6] for row in found if (row[1], row[2]) == ("DA", 60)}
    assert counted
    assert {i: float(hours) for i, hours in counted if i in day_ahead} == day_ahead
    told = place.sh("python examples/day_ahead_against_real_time.py OUT/catalog.duckdb nyiso")
    assert "61761" in told.stdout


@pytest.mark.builds
def test_the_python_runs(place: Place, ran: Ran) -> None:
    [block] = blocks("python")
    if not (place.site / "unified_iso" / "access.py").exists():
        pytest.skip("this version has no `open`")
    (place.folder / "block.py").write_text(block)
    assert "2024" in place.sh("python block.py").stdout


@pytest.mark.builds
def test_a_project_of_ones_own_stands_on_this_one(place: Place, ran: Ran) -> None:
    [block] = [block for block in blocks("sh") if "dbt deps" in block]
    done = place.sh(block)
    assert "Completed successfully" in done.stdout
    work = place.folder / "OUT" / ".unified-iso" / "work.duckdb"
    with duckdb.connect(str(work), read_only=True) as connection:
        [row] = connection.execute(
            "select hours, spread from main.daily_spread"
            " where settlement_location_id = '61761' and delivery_date = '2024-03-08'"
        ).fetchall()
    prices = [
        price
        for (price,) in query(
            f"select lmp_total from '{place.folder}/OUT/parquet/nyiso/da_energy_hourly/*.parquet'"
            " where settlement_location_id = '61761' and delivery_date = '2024-03-08'"
            " order by lmp_total"
        )
    ]
    assert row == (24, pytest.approx(sum(prices[-4:]) / 4 - sum(prices[:4]) / 4))
