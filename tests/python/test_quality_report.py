"""The quality report: a page that opens without network and says what the files say."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import duckdb
import pytest
from typer.testing import CliRunner

from building import Built, build, query, work_database
from unified_iso.build import builder
from unified_iso.cli import app
from unified_iso.quality import figures, page
from unified_iso.quality.page import render
from unified_iso.sample import SampleOptions, write_sample

BROWSER = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), ""
)
needs_browser = pytest.mark.skipif(not BROWSER, reason="no Chromium here to open the page with")
NODAL, HUB = "pjm da_energy_hourly_nodal", "pjm da_energy_hourly_hub"
SERVICES = "pjm as_hourly"
ODD_FILE = "pjm/da_hrl_lmps/<img src=x onerror=document.documentElement.dataset.owned=1>.csv"
MOST_BYTES = 2_000_000


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """Three days around each change of clocks, with a gap in one series and a file that is none."""
    folder = tmp_path_factory.mktemp("quality")
    built = Built(folder / "raw", folder / "out")
    write_raw(built.raw)
    build(built.raw, built.out, "pjm", check=3)
    return built


def write_raw(raw: Path) -> None:
    options = SampleOptions(
        truth=False, overlap=False, reports=("da_hrl_lmps", "ancillary_services")
    )
    for start in (date(2024, 3, 9), date(2024, 11, 2)):
        write_sample(raw, isos=["pjm"], start=start, days=3, nodes=4, options=options)
    file = next((raw / "pjm" / "da_hrl_lmps").rglob("*20241104*.csv"))
    head, first, *rest = file.read_text().splitlines(keepends=True)
    # The first line of a revised interval is superseded, so that all lines of its place go.
    place, hour = first.split(",")[2], first.split(",")[0]
    kept = [line for line in rest if not (f",{place}," in line and line.startswith(hour))]
    file.write_text("".join([head, *kept]))
    (raw / ODD_FILE).write_text("colour\nred\n")


# --- The page in a browser ------------------------------------------------------------------------


@dataclass
class Dom:
    """What a browser made of a page: attributes of its root, drawings by id, cells of tables."""

    root: dict[str, str]
    drawings: dict[str, str]
    tables: dict[str, list[list[str]]]
    text: str


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.root: dict[str, str] = {}
        self.tables: dict[str, list[list[str]]] = {}
        self.ids: list[str] = []
        self.rows: list[list[str]] | None = None
        self.in_cell = False
        self.text: list[str] = []
        self.is_code = False

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attributes}
        self.is_code = tag in ("script", "style")
        if tag == "html":
            self.root = found
        name = found.get("id") or next(
            (f"{key} {found[key]}" for key in ("data-months", "data-hour-table") if key in found),
            "",
        )
        if name:
            self.ids.append(name)
        if tag == "table":
            self.rows = self.tables.setdefault(self.ids[-1], [])
        if tag == "tr" and self.rows is not None:
            self.rows.append([])
        if tag in ("td", "th") and self.rows is not None:
            self.rows[-1].append("")
            self.in_cell = True

    def handle_endtag(self, tag: str) -> None:
        self.is_code = False
        if tag == "table":
            self.rows = None
        if tag in ("td", "th"):
            self.in_cell = False

    def handle_data(self, data: str) -> None:
        if self.in_cell and self.rows:
            self.rows[-1][-1] += data.strip()
        if not self.is_code:
            self.text.append(data)


# Counts what the page asks the network for, and what it may not ask for.
PROBE = """<script>
document.documentElement.dataset.blocked = 0;
addEventListener("securitypolicyviolation", () => document.documentElement.dataset.blocked++);
addEventListener("load", () => setInterval(() => {
  const asked = performance.getEntriesByType("resource").map((entry) => entry.name);
  document.documentElement.dataset.asked = asked.join(" ");
}, 50));
</script>"""


def in_browser(file: Path, folder: Path, *options: str) -> Dom:
    """Open a copy of a page that also tells what it asked the network for."""
    probed = folder / "probed.html"
    text = file.read_text(encoding="utf-8")
    probed.write_text(text.replace("<head>", f"<head>{PROBE}", 1), encoding="utf-8")
    ran = subprocess.run(
        [
            *(BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--window-size=1280,900"),
            *(f"--user-data-dir={folder / 'profile'}", "--virtual-time-budget=20000"),
            *("--host-resolver-rules=MAP * ~NOTFOUND", *options),
            *("--dump-dom", probed.as_uri()),
        ],
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
        check=True,
    )
    reader = _Reader()
    reader.feed(ran.stdout)
    drawings = re.findall(
        r'<div class="chart[^>]*?(id="[^"]*"|data-\w+="[^"]*")[^>]*>(.*?)</div>', ran.stdout, re.S
    )
    return Dom(reader.root, dict(drawings), reader.tables, "".join(reader.text))


@pytest.fixture(scope="module")
def dom(built: Built, tmp_path_factory: pytest.TempPathFactory) -> Dom:
    return in_browser(built.out / "report.html", tmp_path_factory.mktemp("browser"))


def rows_of(table: list[list[str]]) -> list[list[str]]:
    return [row for row in table[1:] if row]


def path_of(built: Built, dataset: str) -> str:
    iso, name = dataset.split(" ")
    return f"{built.out}/parquet/{iso}/{name}/{name}_2024.parquet"


@pytest.mark.builds
@needs_browser
def test_every_chart_is_drawn_without_faults_and_without_network(dom: Dom) -> None:
    assert dom.root["lang"] == "en"
    assert dom.root["data-drawn"] == "yes"
    assert "data-faults" not in dom.root
    assert dom.root["data-blocked"] == "0"
    assert dom.root["data-asked"] == ""
    assert "data-owned" not in dom.root
    # Two datasets in $/MWh, and day-ahead and real-time services in one unit or two.
    assert {'id="c-completeness"', 'id="c-accounts"'} < set(dom.drawings)
    panels = [name for name in dom.drawings if name.startswith("data-panel")]
    hours = [name for name in dom.drawings if name.startswith("data-hours")]
    assert len(panels) >= 3
    assert len(hours) == 2
    for name, drawing in dom.drawings.items():
        assert "<svg" in drawing, name
        assert re.search(r"<path[^>]* d=\"M", drawing), name


@pytest.mark.builds
@needs_browser
def test_names_of_datasets_are_drawn_whole(dom: Dom) -> None:
    for chart in ('id="c-completeness"', 'id="c-accounts"'):
        texts = re.findall(r"<text[^>]*>([^<]*)</text>", dom.drawings[chart])
        assert {NODAL, HUB, SERVICES} <= set(texts)
        assert not any("…" in text for text in texts)


@pytest.mark.builds
@needs_browser
def test_prices_of_the_page_are_those_of_the_files(built: Built, dom: Dom) -> None:
    shown = {
        (row[0], row[1]): row[2:]
        for name, table in dom.tables.items()
        if name.startswith("data-months")
        for row in rows_of(table)
    }
    for dataset in (NODAL, HUB):
        for month, low, p5, median, p95, high, negative in query(
            "select strftime(delivery_date, '%Y-%m'), min(lmp_total),"
            " quantile_disc(lmp_total, 0.05), quantile_disc(lmp_total, 0.5),"
            " quantile_disc(lmp_total, 0.95), max(lmp_total), avg((lmp_total < 0)::int)"
            f" from '{path_of(built, dataset)}' group by 1 order by 1"
        ):
            found = shown.pop((dataset, month))
            assert found[0] == f"{low:,.2f}"
            assert found[4] == f"{high:,.2f}"
            for text, price in zip(found[1:4], (p5, median, p95), strict=True):
                assert float(text.replace(",", "")) == pytest.approx(price, abs=0.051)
            assert found[5] == f"{negative * 100:.2f} %"
    assert {dataset for dataset, _ in shown} == {SERVICES}


@pytest.mark.builds
@needs_browser
def test_means_by_hour_are_those_of_the_files(built: Built, dom: Dom) -> None:
    shown = {
        (row[0], row[1]): row[2]
        for name, table in dom.tables.items()
        if name.startswith("data-hour-table")
        for row in rows_of(table)
    }
    means = query(
        "select hour(datetime_local), avg(lmp_total)"
        f" from '{path_of(built, NODAL)}' group by 1 order by 1"
    )
    assert len(means) == 24
    for hour, mean in means:
        assert shown[(NODAL, str(hour))] == f"{mean:,.2f}"


@pytest.mark.builds
@needs_browser
def test_counts_of_the_page_are_those_of_the_files(built: Built, dom: Dom) -> None:
    files = {row[0]: row for row in rows_of(dom.tables["t-files"])}
    for dataset in (NODAL, HUB, SERVICES):
        [(rows,)] = query(f"select count(*) from '{path_of(built, dataset)}'")
        assert files[dataset][2] == f"{rows:,}"
        published = sum(
            int(row[2].replace(",", ""))
            for row in rows_of(dom.tables["t-accounts"])
            if row[:2] == [dataset, "published"]
        )
        assert published == rows
    with work_database(built.out) as connection:
        [(parsed,)] = connection.execute(
            "select sum(rows) from inventory.accounts where term = 'parsed'"
        ).fetchall()
    accounted = sum(int(row[2].replace(",", "")) for row in rows_of(dom.tables["t-accounts"]))
    assert accounted == parsed


@pytest.mark.builds
@needs_browser
def test_days_of_the_page_know_the_changes_of_clocks(dom: Dom) -> None:
    weeks = {
        (row[0], row[1]): row[2:] for row in rows_of(dom.tables["t-completeness"]) if row[0] == HUB
    }
    # Saturday and Sunday, on which clocks change, and the Monday after them.
    assert weeks[(HUB, "2024-03-04")] == ["100.00 %", "2", "2", "0", "0"]
    assert weeks[(HUB, "2024-10-28")] == ["28.57 %", "7", "2", "0", "5"]


@pytest.mark.builds
@needs_browser
def test_a_refused_file_is_named_as_it_is(dom: Dom) -> None:
    [[name, reason]] = rows_of(dom.tables["t-refused"])
    assert name == ODD_FILE
    assert "is no header" in reason


@pytest.mark.builds
@needs_browser
def test_a_phone_sees_no_column_beyond_its_screen(built: Built, tmp_path: Path) -> None:
    frame = tmp_path / "frame.html"
    frame.write_text(
        "<!doctype html><head></head>"
        f"<iframe width=390 height=900 src='{(built.out / 'report.html').as_uri()}'></iframe>"
        "<script>addEventListener('load', () => setTimeout(() => { const page ="
        " frames[0].document.documentElement; document.documentElement.dataset.width ="
        " page.scrollWidth; document.documentElement.dataset.drawn = page.dataset.drawn; },"
        " 8000));</script>"
    )
    dom = in_browser(frame, tmp_path, "--allow-file-access-from-files", "--disable-web-security")
    assert dom.root["data-drawn"] == "yes"
    assert int(dom.root["data-width"]) <= 390


# --- The page as text -----------------------------------------------------------------------------


@pytest.mark.builds
def test_views_tell_days_of_23_and_25_hours_and_the_gap(built: Built) -> None:
    with work_database(built.out) as connection:
        days = connection.execute(
            "select delivery_date::varchar, hours_of_day, rows, series, state"
            " from main_quality.quality_days"
            f" where dataset = '{NODAL}' and state <> 'missing' order by 1"
        ).fetchall()
        gaps = connection.execute(
            "select dataset, state, first_day::varchar, last_day::varchar, days"
            " from main_quality.quality_gaps where dataset in ($1, $2) order by all",
            [NODAL, HUB],
        ).fetchall()
    series = days[0][3]
    assert days == [
        ("2024-03-09", 24, 24 * series, series, "complete"),
        ("2024-03-10", 23, 23 * series, series, "complete"),
        ("2024-03-11", 24, 24 * series, series, "complete"),
        ("2024-11-02", 24, 24 * series, series, "complete"),
        ("2024-11-03", 25, 25 * series, series, "complete"),
        ("2024-11-04", 24, 24 * series - 1, series, "incomplete"),
    ]
    missing = ("missing", "2024-03-12", "2024-11-01", 235)
    assert (NODAL, *missing) in gaps
    assert (HUB, *missing) in gaps
    assert (NODAL, "incomplete", "2024-11-04", "2024-11-04", 1) in gaps


@pytest.mark.builds
def test_tests_are_counted_by_dataset(built: Built) -> None:
    with work_database(built.out) as connection:
        found = connection.execute(
            "select test, rows_found, failed, warned from main_quality.quality_tests"
            f" where dataset = '{NODAL}' and (warned > 0 or failed > 0 or test = 'grain_is_unique')"
            " order by test"
        ).fetchall()
    names = {name: counts for name, *counts in found}
    assert names["grain_is_unique"] == [0, 0, 0]
    # One hole in the middle of the year, and the one between spring and fall, of each series.
    assert names["on_calendar"][0] > 0
    assert names["on_calendar"][1:] == [0, 1]


@pytest.mark.builds
def test_the_page_names_no_path_of_the_machine_and_no_address(built: Built) -> None:
    text = (built.out / "report.html").read_text(encoding="utf-8")
    assert str(built.out.parent) not in text
    own = text.partition("<script>")[0]
    assert not re.findall(r"""(?:src|href)=["'](?!#)""", own)
    for name in ("vega", "vega-lite", "vega-embed"):
        licence = Path(page.__file__).parent / "vendor" / f"{name}.LICENSE"
        assert licence.read_text(encoding="utf-8").strip() in text


@pytest.mark.builds
def test_equal_builds_have_equal_pages_whenever_their_months_are_read(
    built: Built, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_raw(tmp_path / "raw")
    monkeypatch.setattr(builder, "FEWEST_ROWS_ALONE", 1)
    read, compute = [], figures._compute

    def noting(cursor: Any, entry: Any, file: Path, *arguments: Any) -> None:
        read.append((entry["dataset"], file.name))
        compute(cursor, entry, file, *arguments)

    monkeypatch.setattr(figures, "_compute", noting)
    build(tmp_path / "raw", tmp_path / "elsewhere", "pjm", check=3)
    name = NODAL.removeprefix("pjm ")
    # The months of its parts alone, and nothing of it when it is published.
    of_nodal = {file for dataset, file in read if dataset == name}
    assert of_nodal == {"2024-03-01.parquet", "2024-11-01.parquet"}
    first = (built.out / "report.html").read_bytes()
    assert (tmp_path / "elsewhere" / "report.html").read_bytes() == first


# --- When it is written ---------------------------------------------------------------------------


FIGURES = (
    *("figured_manifest", "published_files", "findings"),
    *("figured_months", "day_figures", "price_figures", "hour_figures"),
)


@contextmanager
def own_copy(built: Built) -> Iterator[Path]:
    """Put the output folder back afterwards: raw files are known by their path."""
    kept = built.out.with_name("kept")
    shutil.copytree(built.out, kept, symlinks=True)
    try:
        yield built.out
    finally:
        shutil.rmtree(built.out)
        kept.rename(built.out)


@pytest.mark.builds
def test_a_build_without_news_reads_nothing_and_leaves_the_page(
    built: Built, monkeypatch: pytest.MonkeyPatch
) -> None:
    html_file = built.out / "report.html"
    before = html_file.stat().st_mtime_ns
    for module, name in ((figures, "_compute"), (page, "render")):
        monkeypatch.setattr(module, name, lambda *arguments: pytest.fail("was called"))
    ran = build(built.raw, built.out, "pjm", check=3)
    assert html_file.stat().st_mtime_ns == before
    assert "not up to date" not in ran.stderr


@pytest.mark.builds
def test_a_lost_page_comes_back_and_lost_figures_are_computed_again(built: Built) -> None:
    with own_copy(built) as out:
        first = (out / "report.html").read_bytes()
        with duckdb.connect(str(out / ".unified-iso" / "work.duckdb")) as connection:
            for table in FIGURES:
                connection.execute(f"delete from inventory.{table}")
        (out / "report.html").unlink()
        build(built.raw, out, "pjm", check=3)
        assert (out / "report.html").read_bytes() == first


@pytest.mark.builds
def test_a_page_that_cannot_be_written_is_said_and_fails_nothing(built: Built) -> None:
    with own_copy(built) as out:
        (out / "report.html").unlink()
        (out / "report.html").mkdir()
        ran = build(built.raw, out, "pjm", check=3)
        assert "warning report.html is not up to date: " in ran.stderr
        assert not list(out.glob("*.partial"))


@pytest.mark.builds
def test_the_command_writes_the_same_page_anywhere(built: Built, tmp_path: Path) -> None:
    target = tmp_path / "new" / "page.html"
    ran = CliRunner().invoke(app, ["report", "--out", str(built.out), "--html", str(target)])
    assert ran.exit_code == 0
    assert ran.stdout.strip() == str(target)
    assert target.read_bytes() == (built.out / "report.html").read_bytes()


HOLD = """
import sys, duckdb
connection = duckdb.connect(sys.argv[1])
print("held", flush=True)
sys.stdin.read()
"""


@pytest.mark.builds
def test_the_command_says_that_a_build_is_running(built: Built, tmp_path: Path) -> None:
    database = built.out / ".unified-iso" / "work.duckdb"
    command = [sys.executable, "-c", HOLD, str(database)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        target = tmp_path / "page.html"
        ran = CliRunner().invoke(app, ["report", "--out", str(built.out), "--html", str(target)])
        holder.communicate()
    assert ran.exit_code == 1
    assert "it writes the report when it ends" in " ".join(ran.stderr.split())
    assert not target.exists()


def test_the_command_says_what_to_do_where_nothing_was_built(tmp_path: Path) -> None:
    ran = CliRunner().invoke(app, ["report", "--out", str(tmp_path)])
    assert ran.exit_code == 1
    assert "no working database: build first" in " ".join(ran.stderr.split())
    assert list(tmp_path.iterdir()) == []


# --- Pages of hand-made figures -------------------------------------------------------------------


def no_views() -> dict[str, list[dict[str, Any]]]:
    names = ("datasets", "files", "completeness", "gaps", "accounts")
    return {name: [] for name in (*names, "months", "hours", "tests", "findings")}


def dataset_row(name: str, **more: Any) -> dict[str, Any]:
    counts = ("missing_intervals", "incomplete_days", "missing_days", "rejected_rows")
    tests = ("tests", "failed_tests", "warned_tests", "unpublished_years")
    return {
        "dataset": name,
        "files": 10,
        "rows": 55_000_000,
        "series": 13_000,
        "first_interval": "2015-01-01 05:00",
        "last_interval": "2025-01-01 04:00",
        "days": 3653,
        **dict.fromkeys((*counts, *tests), 0),
        **more,
    }


def ten_years(datasets: int = 38) -> dict[str, list[dict[str, Any]]]:
    """Views of 38 datasets and ten years, in which no two prices are alike and no day is whole."""
    views = no_views()
    months = [date(2015 + n // 12, n % 12 + 1, 1) for n in range(120)]
    for n in range(datasets):
        name = f"isone rt_energy_15min_no_{n:02}"
        is_service = n >= 22
        panels = (
            [(m, u) for m in ("DA", "RT") for u in ("$/MW", "$/MW-mile")]
            if is_service and n % 4 == 0
            else [("RT", "$/MW" if is_service else "$/MWh")]
        )
        views["datasets"].append(dataset_row(name))
        views["files"] += [
            {
                "dataset": name,
                "delivery_year": year,
                "rows": 55_123_456,
                "series": 13_000,
                "first_interval": f"{year}-01-01 05:00",
                "last_interval": f"{year + 1}-01-01 04:00",
                "missing_intervals": 123_456,
                "bytes": 1_390_123_456,
                "unchecked_reports": ["rtbm-lmp-daily-sl"],
            }
            for year in range(2015, 2025)
        ]
        views["completeness"] += [
            {
                "dataset": name,
                "market_type": market,
                "period": "month",
                "first_day": month.isoformat(),
                "days": 31,
                "complete_days": 12,
                "incomplete_days": 10,
                "missing_days": 9,
                "share_covered": 0.9123,
                "state": "less than 90 %",
            }
            for market in sorted({market for market, _ in panels})
            for month in months
        ]
        views["accounts"] += [
            {"dataset": name, "term": term, "reason": "of another market", "rows": 5_123_456_789}
            for term in ("published", "merged", "superseded", "filtered", "rejected")
        ]
        for market, unit in panels:
            key = {"dataset": name, "market_type": market, "unit": unit}
            views["months"] += [
                key
                | {
                    "month": month.isoformat()[:7],
                    "low": -1234.56 - i,
                    "p5": -12.3 - i,
                    "median": 34.5 + i,
                    "p95": 123.4 + i,
                    "high": 12345.67 + i,
                    "share_negative": 0.01234 + i / 1000,
                }
                for i, month in enumerate(months)
            ]
            views["hours"] += [
                key | {"local_hour": hour, "mean_price": 34.567 + hour, "share_negative": 0.0123}
                for hour in range(24)
            ]
        views["tests"] += [
            {"dataset": name, "test": f"a_test_of_{t}", "tests": 1, "rows_found": 0, "failed": 0}
            | {"warned": 0}
            for t in range(25)
        ]
        views["gaps"] += [
            {
                "dataset": name,
                "market_type": "RT",
                "state": "missing",
                "first_day": f"20{year}-02-01",
                "last_day": f"20{year}-02-02",
                "days": 2,
                "lowest_share_covered": 0.0,
                "gaps": 5000,
            }
            for year in range(15, 20)
        ]
    views["findings"] = [finding(kind, f"{kind}/{n:090}.csv") for kind in KINDS for n in range(100)]
    return views


KINDS = ("refused", "rejected", "warnings", "left_out", "no_dataset")


def finding(kind: str, subject: str, reason: str = "why" * 30) -> dict[str, Any]:
    told = {"kind": kind, "subject": subject, "year": None, "line": 3, "reason": reason}
    return told | {"rows": 5, "found": 12_345}


def test_ten_years_of_all_datasets_fit_into_two_megabytes() -> None:
    text = render(ten_years(), "0" * 64)
    assert len(text.encode()) <= MOST_BYTES


@pytest.mark.builds
@needs_browser
def test_ten_years_of_all_datasets_are_drawn(tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    file.write_text(render(ten_years(), "0" * 64), encoding="utf-8")
    dom = in_browser(file, tmp_path)
    assert dom.root["data-drawn"] == "yes"
    assert "data-faults" not in dom.root
    assert all("<svg" in drawing for drawing in dom.drawings.values())
    assert len(dom.drawings) == 2 + 22 + 12 + 4 * 4 + 3


def test_nothing_published_is_a_page_too() -> None:
    text = render(no_views() | {"datasets": [dataset_row("pjm none", files=0)]}, "0" * 64)
    assert "Nothing is published yet." in text


@pytest.mark.builds
@needs_browser
def test_a_page_without_anything_has_no_faults(tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    file.write_text(render(no_views(), "0" * 64), encoding="utf-8")
    dom = in_browser(file, tmp_path)
    assert (dom.root["data-drawn"], dom.root.get("data-faults")) == ("yes", None)


EVIL = "</script><script>document.documentElement.dataset.owned=1</script>\u2028<b>&amp;\x1b[31m"


def evil_views() -> dict[str, list[dict[str, Any]]]:
    views = ten_years(datasets=2)
    views["findings"] = [finding(kind, EVIL, EVIL) for kind in KINDS]
    views["accounts"][0]["reason"] = EVIL
    views["months"][0]["unit"] = views["hours"][0]["unit"] = EVIL
    return views


def test_nothing_from_outside_becomes_markup() -> None:
    evil, sound = render(evil_views(), "0" * 64), render(ten_years(datasets=2), "0" * 64)
    assert evil.count("<script") == sound.count("<script")
    assert evil.count("</script") == sound.count("</script")
    assert "\x1b" not in evil
    [data] = re.findall(r'<script type="application/json" id="data">(.*?)</script>', evil, re.S)
    assert json.loads(data)["accounts"]["rows"][0][2] == EVIL


@pytest.mark.builds
@needs_browser
def test_nothing_from_outside_runs(tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    file.write_text(render(evil_views(), "0" * 64), encoding="utf-8")
    dom = in_browser(file, tmp_path)
    assert dom.root["data-drawn"] == "yes"
    assert "data-owned" not in dom.root
    [[name, *_]] = rows_of(dom.tables["t-refused"])
    assert name.startswith("</script><script>document")


def verdict(views: Mapping[str, list[dict[str, Any]]]) -> str:
    [found] = re.findall(r'<p class="verdict (\w+)"><strong>', render(views, "0" * 64))[:1]
    return str(found)


def test_the_first_line_says_whether_the_data_are_fine() -> None:
    sound = no_views() | {"datasets": [dataset_row("pjm one")]}
    assert verdict(sound) == "good"
    assert verdict(sound | {"findings": [finding("refused", "a.csv")]}) == "odd"
    assert verdict(sound | {"datasets": [dataset_row("pjm one", missing_days=1)]}) == "odd"
    test = {"dataset": "pjm one", "test": "t", "tests": 1, "rows_found": 3, "warned": 0}
    assert verdict(sound | {"tests": [test | {"failed": 1}]}) == "bad"
    assert verdict(sound | {"findings": [finding("unpublished", "pjm_one")]}) == "bad"
