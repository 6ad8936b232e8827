"""Files that people's tools saved again are read right, or left out by name: never wrong.

One build publishes them all. Each file, saved again in its way or ways, has delivery days of its
own, so that what is published of these days tells what became of the file. Hypothesis draws
combinations of ways; UNIFIED_ISO_RESAVED_EXAMPLES is how many of them for each report.
"""

from __future__ import annotations

import gzip
import os
import random
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from building import Ran, build, status
from resaving import NEW_YORK, REPORTS, WAYS, Report, Sheet, Way, read_sheet, save_again
from unified_iso.sample import SampleOptions, write_sample

pytestmark = pytest.mark.builds

EXAMPLES = int(os.environ.get("UNIFIED_ISO_RESAVED_EXAMPLES", "8"))
# Years of ordinary days. They are apart from those of clock changes, because a year is published
# whole or not at all; reports of one dataset must not meet, and each market must have been open.
ORDINARY_YEAR = dict.fromkeys(REPORTS, 2012) | {
    "caiso/gridstatus_lmp": 2014,
    "ercot/np4-180-er": 2014,
    "spp/da-lmp-sl": 2016,
}
# A difference that is no other price: sums of binary fractions.
TOLERANCE = 1e-6
PRICES = ("lmp_total", "lmp_energy", "lmp_congestion", "lmp_loss")
# What a file has to say for itself only if its columns do.
OPTIONAL = (*PRICES[1:], "settlement_location_type", "zone", "voltage_kv")
ALWAYS = (
    *("interval_end_utc", "delivery_date", "delivery_hour", "interval_minutes", "dst_flag"),
    *("settlement_location", "market_type", "is_current"),
)
# Ways that leave cells or columns out.
LACKING = ("without_optional_columns", "some_prices_missing")

FALL_WAYS = (
    *("newest_first", "shuffled_rows", "with_offsets", "two_digit_years", "cut_in_two", "merged"),
)
# More for the report whose repeated hour only the order of rows tells.
ORDER_WAYS = (
    *("iso_stamps", "in_utc_with_z", "am_and_pm", "by_location", "by_price", "each_row_twice"),
    *("saved_twice", "header_in_the_middle", "concatenated", "cut_in_the_repeated_hour"),
    *("last_of_equal_stamps", "excel_stamps by_stamp_as_text", "newest_first merged"),
    *("newest_first am_and_pm", "newest_first header_in_the_middle"),
    *("newest_stamp_first", "sorted_unstably"),
)
SPRING_WAYS = ("am_and_pm_without_seconds", "in_utc_with_offset", "newest_first")


# --- What is saved again, and when ----------------------------------------------------------------


@dataclass(frozen=True)
class Slot:
    """Consecutive delivery days of a report and the ways in which their files are saved."""

    number: int
    report: Report
    start: date
    ways: tuple[Way, ...]

    @property
    def days(self) -> list[date]:
        """The delivery days, which no other slot of the dataset has."""
        return [self.start + timedelta(day) for day in range(_days(self.ways))]

    @property
    def folder(self) -> str:
        """Where its files lie, below the raw folder."""
        return f"{self.report.folder}/{self.number:04}"

    @property
    def name(self) -> str:
        """Ways and day, as a failure tells them."""
        ways = " + ".join(way.name for way in self.ways)
        return f"{self.report.folder} {self.start}: {ways}"

    @property
    def is_read(self) -> bool:
        """Whether every row must be published."""
        is_fall = _change(self.start.year, "fall") in self.days
        # Files of several days, each in an order of its own, have none as a whole.
        if is_fall and {"order", "files"} <= {way.aspect for way in self.ways}:
            return False
        return all(way.is_read_in(self.report, is_fall) for way in self.ways)


def _days(ways: Sequence[Way]) -> int:
    return max((way.days for way in ways), default=1)


def _changes(report: Report, season: str) -> dict[int, date]:
    """Days of clock changes by year, for this report alone."""
    years: Sequence[int] = range(2020, 2026)
    if report.folder == "nyiso/damlbmp_zone":
        years = [*range(2000, 2011), *range(2013, 2026)]
    if report.folder in ("caiso/gridstatus_lmp", "ercot/np4-180-er"):
        years = range(2015, 2020)
    return {year: _change(year, season) for year in years}


@cache
def _change(year: int, season: str) -> date:
    """The day of 23 or 25 hours in most of the country."""
    hours = {"spring": timedelta(hours=23), "fall": timedelta(hours=25)}[season]
    for day in (date(year, 1, 1) + timedelta(number) for number in range(365)):
        start, end = (datetime.combine(one, time(), NEW_YORK) for one in (day, day + timedelta(1)))
        if end.astimezone(UTC) - start.astimezone(UTC) == hours:
            return day
    raise ValueError(f"no clock changes in {season} {year}")


def combinations() -> st.SearchStrategy[tuple[Way, ...]]:
    """Two to four ways of different aspects."""
    drawn = [way for way in WAYS.values() if way.is_drawn]
    return st.lists(
        st.sampled_from(drawn), min_size=2, max_size=4, unique_by=lambda way: way.aspect
    ).map(tuple)


@cache
def drawn_combinations(number: int) -> list[tuple[Way, ...]]:
    """Draw combinations, the same ones each time."""
    found: list[tuple[Way, ...]] = []

    @settings(
        derandomize=True,
        max_examples=number,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(combinations())
    def keep(ways: tuple[Way, ...]) -> None:
        found.append(ways)

    keep()
    return found


def plan_slots() -> list[Slot]:
    """Give each way of each report, and each combination, days of its own."""
    numbers = count()
    return [
        Slot(next(numbers), report, start, ways)
        for place, report in enumerate(REPORTS.values())
        for start, ways in _planned(report, place)
    ]


def _planned(report: Report, place: int) -> Iterator[tuple[date, tuple[Way, ...]]]:
    singles = [(way,) for way in WAYS.values() if _is_tried(report, way)]
    drawn = drawn_combinations(EXAMPLES * len(REPORTS))[place :: len(REPORTS)]
    yield from _on_ordinary_days(ORDINARY_YEAR[report.folder], [*singles, *drawn])
    fall_ways: tuple[str, ...] = FALL_WAYS
    if report.folder == "nyiso/damlbmp_zone":
        fall_ways += ORDER_WAYS
    for season, names in (("fall", fall_ways), ("spring", SPRING_WAYS)):
        days = reversed(_changes(report, season).values())
        # Where there are fewer years than ways, the last ways are left out.
        all_ways = [tuple(WAYS[name] for name in together.split()) for together in names]
        yield from zip(days, all_ways, strict=False)


def _is_tried(report: Report, way: Way) -> bool:
    return report.aspects is None or way.aspect in report.aspects


def _on_ordinary_days(
    year: int, all_ways: Sequence[tuple[Way, ...]]
) -> Iterator[tuple[date, tuple[Way, ...]]]:
    """Consecutive days from June on; a way that needs a later day of a month gets its own month."""
    months = count(1)
    free = date(year, 6, 1)
    for ways in all_ways:
        from_day = max(way.from_day for way in ways)
        if from_day > 1:
            yield date(year - 1, next(months), from_day), ways
            continue
        yield free, ways
        free += timedelta(_days(ways))


# --- The build ------------------------------------------------------------------------------------


@dataclass
class Fate:
    """What became of the files of a slot."""

    slot: Slot
    is_changed: bool = False
    rows: int = 0
    lost: int = 0
    wrong: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    rejected: int = 0
    said: str | None = None
    unpublished: str | None = None

    @property
    def complaint(self) -> str | None:
        """What is not as it has to be, if anything is."""
        if self.wrong:
            return f"{self.slot.name} publishes {'; '.join(self.wrong[:3])}"
        if any(way.drops for way in self.slot.ways):
            return None
        if self.lost and not (self.refused or self.unpublished or self.rejected >= self.lost):
            told = f"{self.rejected} rejected ({self.said})" if self.rejected else "not a word"
            return f"{self.slot.name} loses {self.lost} of {self.rows} rows with {told}"
        if self.lost and self.slot.is_read:
            why = self.refused[0] if self.refused else self.said or self.unpublished
            return f"{self.slot.name} leaves {self.lost} of {self.rows} rows out: {why}"
        return None


@dataclass(frozen=True)
class Published:
    """What became of all slots, and what the build said."""

    fates: list[Fate]
    ran: Ran


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Published:
    """Save everything again, and publish it."""
    folder = tmp_path_factory.mktemp("resaved")
    slots = [slot for slot in plan_slots()]
    fates = {slot.number: Fate(slot) for slot in slots}
    with duckdb.connect() as con:
        con.execute("set TimeZone = 'UTC'")
        for number, group in enumerate(_runs(slots)):
            _write_group(folder, number, [fates[slot.number] for slot in group], con)
        raw, out = folder / "raw", folder / "out"
        datasets = sorted({f"{report.iso}_{report.dataset}" for report in REPORTS.values()})
        chosen = [word for dataset in datasets for word in ("--dataset", dataset)]
        ran = build(raw, out, *chosen, "--allow-rejects", check=None)
        _judge_rows(con, out, fates)
    _hear_excuses(out, fates)
    return Published(list(fates.values()), ran)


def _runs(slots: Sequence[Slot]) -> list[list[Slot]]:
    """Slots of one report on days that follow each other, which are generated together."""
    groups: list[list[Slot]] = []
    for slot in slots:
        last = groups[-1][-1] if groups else None
        follows = last and last.report is slot.report and last.days[-1] + timedelta(1) == slot.start
        if follows:
            groups[-1].append(slot)
        else:
            groups.append([slot])
    return groups


def _write_group(
    folder: Path, number: int, fates: Sequence[Fate], con: duckdb.DuckDBPyConnection
) -> None:
    slots = [fate.slot for fate in fates]
    report, start = slots[0].report, slots[0].start
    plain = folder / "plain" / str(number)
    days = (slots[-1].days[-1] - start).days + 1
    options = SampleOptions(
        overlap=False,
        revisions=False,
        reports=(Path(report.folder).name,),
        # Only so packed come the sheets of a workbook as csv.
        packaging="csv.gz",
    )
    write_sample(plain, isos=[report.iso], start=start, days=days, nodes=2, options=options)
    sheets = _sheets_by_day(report, plain, start, days)
    for fate in fates:
        plainly = [sheets[day] for day in fate.slot.days]
        files = save_again(plainly, fate.slot.ways, random.Random(fate.slot.name))
        fate.is_changed = files != save_again(plainly, (), random.Random())
        for name, content in files:
            path = folder / "raw" / fate.slot.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    truth = plain / "truth" / report.iso / f"{report.dataset}.parquet"
    _add_truth(con, truth, slots)


def _sheets_by_day(report: Report, plain: Path, start: date, days: int) -> dict[date, Sheet]:
    sheets = [
        read_sheet(report, path.stem, gzip.decompress(path.read_bytes()).decode())
        for path in sorted((plain / report.folder).glob("*.csv.gz"))
    ]
    if len(sheets) < days:
        sheets = [of_day for sheet in sheets for of_day in _split_by_day(sheet)]
    assert len(sheets) == days, (report.folder, len(sheets), days)
    return {start + timedelta(day): sheet for day, sheet in enumerate(sheets)}


def _split_by_day(sheet: Sheet) -> Iterator[Sheet]:
    """The tables of single days that one file of many days holds."""
    place = sheet.header.index(next(iter(sheet.report.stamps)))
    rows: dict[str, list[list[str]]] = defaultdict(list)
    for row in sheet.rows:
        rows[row[place][:10]].append(row)
    for number, kept in enumerate(rows.values()):
        yield Sheet(sheet.report, f"{number:02}_{sheet.name}", (), sheet.header, (), kept)


def _add_truth(con: duckdb.DuckDBPyConnection, truth: Path, slots: Sequence[Slot]) -> None:
    days = [(slot.number, day, _is_dear(slot)) for slot in slots for day in slot.days]
    values = ", ".join(f"({number}, date '{day}', {dear})" for number, day, dear in days)
    dear = ", ".join(f"{price} + if(dear, 1000, 0) as {price}" for price in PRICES[:2])
    con.execute(f"""
        create table if not exists truth as
            select 0 as slot, '' as dataset, * from read_parquet('{truth}') limit 0;
        insert into truth by name
        select
            slot, '{slots[0].report.dataset}' as dataset, truth.* replace ({dear})
        from read_parquet('{truth}') as truth
        join (values {values}) as days (slot, day, dear) on delivery_date = day
    """)


def _is_dear(slot: Slot) -> bool:
    return any(way.name == "thousands_in_groups" for way in slot.ways)


# --- The judgement --------------------------------------------------------------------------------


def _judge_rows(con: duckdb.DuckDBPyConnection, out: Path, fates: dict[int, Fate]) -> None:
    files = [str(path) for path in (out / "parquet").rglob("*.parquet")]
    datasets = {(report.iso.upper(), report.dataset) for report in REPORTS.values()}
    values = ", ".join(f"('{iso}', '{dataset}')" for iso, dataset in sorted(datasets))
    con.execute(
        f"""
        create table found as
        select
            *,
            parse_path(filename)[-2] as dataset,
            regexp_extract(data_source, '^[^/]+/[^/]+/(\\d+)/', 1)::integer as slot
        from read_parquet($1, filename = true, union_by_name = true)
        where (iso, parse_path(filename)[-2]) in ({values})
        """,
        [files],
    )
    for number, rows in con.execute("select slot, count(*) from truth group by all").fetchall():
        fates[number].rows = rows
    for number, text in con.execute(_wrong_sql()).fetchall():
        fates[number].wrong.append(text)
    lost = """
        select slot, count(*) from truth
        anti join found using (iso, dataset, slot, datetime_utc, settlement_location_id)
        group by all
    """
    for number, rows in con.execute(lost).fetchall():
        fates[number].lost = rows


def _wrong_sql() -> str:
    """SQL of what is published and not true: its slot, and what it says."""
    differs = [f"found.{name} is distinct from truth.{name}" for name in ALWAYS]
    differs += [f"not coalesce(abs(found.{PRICES[0]} - truth.{PRICES[0]}) < {TOLERANCE}, false)"]
    prices = [
        f"not coalesce(abs(found.{name} - truth.{name}) < {TOLERANCE}, found.{name} is null)"
        for name in PRICES[1:]
    ]
    others = [
        f"found.{name} is not null and found.{name} is distinct from truth.{name}"
        for name in OPTIONAL
        if name not in PRICES
    ]
    told = ", ".join(f"'{name} ', found.{name}, ' '" for name in ("lmp_total", *OPTIONAL))
    return f"""
        select
            found.slot,
            concat(
                found.datetime_utc, ' ', found.settlement_location_id, ': ', {told},
                case when truth.slot is null then 'for no row of it'
                    else concat('for ', truth.lmp_total) end
            )
        from found
        left join truth using (iso, dataset, slot, datetime_utc, settlement_location_id)
        where truth.slot is null or {" or ".join([*differs, *prices, *others])}
        order by all
    """


def _hear_excuses(out: Path, fates: dict[int, Fate]) -> None:
    told = status(out)
    for entry in told["refused"]:
        if (fate := _fate(fates, entry["file"])) is not None:
            fate.refused.append(f"refused: {entry['reason']}")
    for data_source, lines, message in _rejects(out):
        if (fate := _fate(fates, data_source)) is not None:
            hours = 24 if fate.slot.report.iso == "miso" else 1
            fate.rejected += lines * hours
            fate.said = fate.said or f"rejected: {message}"
    held = {(entry["model"], entry["year"]): entry["reason"] for entry in told["unpublished"]}
    for fate in fates.values():
        report = fate.slot.report
        for day in fate.slot.days:
            reason = held.get((f"{report.iso}_{report.dataset}", day.year))
            fate.unpublished = fate.unpublished or reason


def _fate(fates: dict[int, Fate], file: str) -> Fate | None:
    found = re.match(r"[^/]+/[^/]+/(\d+)/", file)
    return fates[int(found[1])] if found else None


def _rejects(out: Path) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(out / ".unified-iso" / "work.duckdb"), read_only=True) as con:
        return con.execute("""
            select data_source, count(distinct line), min(message)
            from (
                select data_source, line, message from inventory.rejected_rows
                union all
                select data_source, line, message
                from inventory.rejected_lines join inventory.raw_files using (file_id)
            )
            group by all
        """).fetchall()


def _complaints(fates: Sequence[Fate]) -> str:
    return "\n".join(fate.complaint for fate in fates if fate.complaint)


def test_the_build_ends_as_one_with_files_left_out(published: Published) -> None:
    assert published.ran.exit_code in (1, 3), published.ran.output


@pytest.mark.parametrize("name", WAYS)
def test_a_way_of_saving_gives_the_truth_or_a_reason(published: Published, name: str) -> None:
    fates = [fate for fate in published.fates if fate.slot.ways == (WAYS[name],)]
    assert len(fates) >= sum(_is_tried(report, WAYS[name]) for report in REPORTS.values())
    assert not _complaints(fates), _complaints(fates)


def test_each_way_changes_files(published: Published) -> None:
    changed = {fate.slot.ways for fate in published.fates if fate.is_changed}
    assert {name for name, way in WAYS.items() if (way,) not in changed} == set()


@pytest.mark.parametrize("folder", REPORTS)
def test_drawn_combinations_give_the_truth_or_a_reason(published: Published, folder: str) -> None:
    fates = [
        fate
        for fate in published.fates
        if fate.slot.report.folder == folder and len(fate.slot.ways) > 1
    ]
    assert len(fates) >= EXAMPLES
    assert not _complaints(fates), _complaints(fates)
