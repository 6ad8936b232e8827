"""A market of a made-up family goes from its records to files and truth, typed here by hand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import pytest
from openpyxl import load_workbook

from unified_iso.families import FamilyError
from unified_iso.sample import Packaging, SampleOptions, _plan
from unified_iso.sample._common import Interval, Request
from unified_iso.sample._market import (
    CLOCK_COLUMNS,
    CRLF,
    SOURCE_COLUMNS,
    Book,
    Curve,
    Dataset,
    FamilyModel,
    File,
    Line,
    Market,
    Places,
    Report,
    Span,
    Version,
)
from unified_iso.sample._output import database, decimal_sql, run_tasks

RECORD = """
vars:
  families:
    fuel_prices:
      key: [interval_start_utc, market_type, fuel]
      order: [datetime_utc, fuel]
      compared: [price]
      price: price
      parts: []
      texts: [fuel]
      series: [fuel]
      beside: []
      line_key: [datetime_utc]
      required: []
      words: []
"""
FAMILY = FamilyModel(
    name="fuel_prices",
    formulas={"ticks_paid": "base + extra"},
    columns={**CLOCK_COLUMNS, "fuel": "", "price": "ticks_paid / {ticks}", **SOURCE_COLUMNS},
)


def _base(interval: Interval, revised: bool) -> tuple[int]:
    return (interval.local.hour * 100 + (50 if revised else 0),)


CURVE = Curve(family=FAMILY, columns="base bigint", values=_base)
# Neither in the order of the file nor in that of the truth.
FUELS = Places(
    columns="name varchar, extra bigint, is_solid boolean",
    rows=lambda number: [("oil", 7, False), ("coal", 10, True), ("gas", 25, False)][:number],
    published={"fuel": "name"},
    table="fuels",
    least=3,
)
SELECT = f"""
    select
        hour as "Hour",
        name as "Fuel",
        {decimal_sql("ticks_paid", 2)} as "Price"
    from prices
    order by
        start_us,
        name desc
"""
HOURLY = Dataset(name="hourly")
FINAL = Version(2, True, False)
FIRST = Version(1, True, True)


def _hours(span: Span, *hours: int, version: Version = FINAL) -> list[Line]:
    lines = [span.lines()[hour] for hour in hours]
    return [replace(line, version=version) for line in lines]


def _file(name: str, lines: list[Line], where: str = "true", stamp: str = "") -> File:
    return File(
        name=f"{name}.csv",
        archive=f"{name}.zip",
        select=SELECT,
        lines=lines,
        where=where,
        stamp=stamp,
    )


def _two_hours(span: Span) -> Iterator[File]:
    yield _file("day", _hours(span, 0, 1))


SPOT = Report(
    name="spot",
    files=_two_hours,
    places=FUELS,
    curve=CURVE,
    datasets=(HOURLY,),
    cells={"hour varchar": lambda line: f"{line.interval.local:%H}h"},
    line_end=CRLF,
)


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project whose only family is the made-up one."""
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "dbt_project.yml").write_text(RECORD)
    monkeypatch.setattr(_plan, "ROOT", folder)
    return folder


def written(out: Path, *reports: Report, packaging: Packaging = "csv") -> Path:
    """What a market with these reports writes of the first of January 2025."""
    market = Market(iso="XISO", zone=ZoneInfo("Etc/GMT+5"), ticks=100, reports=reports)
    options = SampleOptions(packaging=packaging)
    with database(options) as con:
        tasks = _plan.plan(con, market, Request(out, date(2025, 1, 1), 1, None, options))
        run_tasks(con, tasks, 1, lambda done, of: None)
    return out


def truth(
    out: Path, columns: str = "hour(datetime_local), fuel, price, data_source"
) -> list[tuple[Any, ...]]:
    path = out / "truth" / "xiso" / "hourly.parquet"
    with duckdb.connect() as con:
        con.execute("set TimeZone = 'UTC'")
        return con.execute(f"select {columns} from '{path}'").fetchall()


def test_a_report_is_a_record(tmp_path: Path) -> None:
    out = written(tmp_path, SPOT)

    assert (out / "xiso" / "spot" / "day.csv").read_bytes() == (
        b"Hour,Fuel,Price\r\n"
        b"00h,oil,0.07\r\n00h,gas,0.25\r\n00h,coal,0.10\r\n"
        b"01h,oil,1.07\r\n01h,gas,1.25\r\n01h,coal,1.10\r\n"
    )
    assert truth(out) == [
        (0, "coal", 0.10, "xiso/spot/day.csv"),
        (0, "gas", 0.25, "xiso/spot/day.csv"),
        (0, "oil", 0.07, "xiso/spot/day.csv"),
        (1, "coal", 1.10, "xiso/spot/day.csv"),
        (1, "gas", 1.25, "xiso/spot/day.csv"),
        (1, "oil", 1.07, "xiso/spot/day.csv"),
    ]


def test_the_truth_has_the_columns_of_its_family_in_order(tmp_path: Path) -> None:
    out = written(tmp_path, SPOT)

    with duckdb.connect() as con:
        described = con.execute(f"describe from '{out}/truth/xiso/hourly.parquet'").fetchall()
    assert [name for name, *_ in described] == [
        *("datetime_utc", "datetime_local", "interval_start_utc", "interval_end_utc"),
        *("delivery_date", "delivery_hour", "delivery_interval", "interval_minutes", "iso"),
        *("market_type", "fuel", "price", "dst_flag", "data_source", "version", "is_current"),
    ]
    columns = "datetime_utc::varchar, interval_end_utc::varchar, delivery_hour, interval_minutes"
    assert truth(out, f"{columns}, iso, market_type")[-1] == (
        *("2025-01-01 06:00:00+00", "2025-01-01 07:00:00+00", 2, 60),
        *("XISO", "DA"),
    )


def test_rows_are_sorted_as_the_record_says(tmp_path: Path, project: Path) -> None:
    by_price = RECORD.replace("order: [datetime_utc, fuel]", "order: [datetime_utc, extra, fuel]")
    (project / "dbt_project.yml").write_text(by_price)
    by_extra = replace(FUELS, published={"fuel": "name", "extra": "extra"})

    out = written(tmp_path, replace(SPOT, places=by_extra))

    assert [fuel for (fuel,) in truth(out, "fuel")] == ["oil", "coal", "gas"] * 2


def test_only_places_of_a_file_are_in_the_truth(tmp_path: Path) -> None:
    def files(span: Span) -> Iterator[File]:
        yield _file("solid", _hours(span, 0, 1), where="is_solid")
        yield _file("late", _hours(span, 1), where="name = 'oil'")

    out = written(tmp_path, replace(SPOT, files=files))

    assert (out / "xiso/spot/late.csv").read_text().split() == ["Hour,Fuel,Price", "01h,oil,1.07"]
    assert truth(out) == [
        (0, "coal", 0.10, "xiso/spot/solid.csv"),
        (1, "coal", 1.10, "xiso/spot/solid.csv"),
        (1, "oil", 1.07, "xiso/spot/late.csv"),
    ]


def test_a_dataset_may_have_some_of_the_places(tmp_path: Path) -> None:
    out = written(tmp_path, replace(SPOT, datasets=(replace(HOURLY, where="is_solid"),)))

    assert [row[:2] for row in truth(out)] == [(0, "coal"), (1, "coal")]


@pytest.mark.parametrize(
    ("earlier", "later", "counts"),
    [
        (("b", FINAL, "1"), ("a", FINAL, "2"), "a"),
        (("a", FINAL, ""), ("b", FINAL, ""), "b"),
        (("z", FINAL, ""), ("a", FINAL, "1"), "a"),
        (("b", FIRST, "2"), ("a", FINAL, "1"), "a"),
    ],
    ids=["a later stamp", "a greater path", "a stamp at all", "a higher version"],
)
def test_of_files_with_the_same_row_one_counts(
    tmp_path: Path,
    earlier: tuple[str, Version, str],
    later: tuple[str, Version, str],
    counts: str,
) -> None:
    def files(span: Span) -> Iterator[File]:
        for name, version, stamp in (earlier, later):
            yield _file(name, _hours(span, 1, version=version), stamp=stamp)

    out = written(tmp_path, replace(SPOT, files=files))

    source = f"xiso/spot/{counts}.csv"
    rows = [
        (fuel, price, source, 2) for fuel, price in (("coal", 1.1), ("gas", 1.25), ("oil", 1.07))
    ]
    assert truth(out, "fuel, price, data_source, version") == rows


def test_a_superseded_version_has_prices_of_its_own(tmp_path: Path) -> None:
    def files(span: Span) -> Iterator[File]:
        yield _file("first", _hours(span, 1, version=FIRST))

    out = written(tmp_path, replace(SPOT, files=files))

    assert (out / "xiso/spot/first.csv").read_text().split()[1] == "01h,oil,1.57"
    assert truth(out, "price, version") == [(1.6, 1), (1.75, 1), (1.57, 1)]


def test_another_report_goes_before_one_that_gives_way(tmp_path: Path) -> None:
    def all_hours(span: Span) -> Iterator[File]:
        yield _file("all", _hours(span, 0, 1), stamp="9")

    library = replace(SPOT, name="zlibrary", files=all_hours, gives_way=True)

    def some(span: Span) -> Iterator[File]:
        yield _file("solid", _hours(span, 1), where="is_solid")

    out = written(tmp_path, library, replace(SPOT, files=some))

    assert [(hour, fuel, source) for hour, fuel, _, source in truth(out)] == [
        (0, "coal", "xiso/zlibrary/all.csv"),
        (0, "gas", "xiso/zlibrary/all.csv"),
        (0, "oil", "xiso/zlibrary/all.csv"),
        (1, "coal", "xiso/spot/solid.csv"),
        (1, "gas", "xiso/zlibrary/all.csv"),
        (1, "oil", "xiso/zlibrary/all.csv"),
    ]


def test_lines_that_do_not_count_are_written_and_make_no_truth(tmp_path: Path) -> None:
    def files(span: Span) -> Iterator[File]:
        first, second = _hours(span, 0, 1)
        yield _file("day", [replace(first, counts=False), second])

    out = written(tmp_path, replace(SPOT, files=files))

    assert len((out / "xiso/spot/day.csv").read_text().split()) == 1 + 2 * 3
    assert {hour for hour, *_ in truth(out)} == {1}


def test_columns_may_be_told_by_a_report_beside(tmp_path: Path) -> None:
    told = replace(HOURLY, columns={"price": "null"}, beside={"fees": {"price": "extra / 100"}})
    spot = replace(SPOT, datasets=(told,))
    fees = Report(
        name="fees",
        files=lambda span: [File(name="fees.csv", select="select name, extra from places")],
        places=FUELS,
    )

    alone, both = written(tmp_path / "alone", spot), written(tmp_path / "both", spot, fees)

    assert {price for _, _, price, _ in truth(alone)} == {None}
    assert [price for _, _, price, _ in truth(both)] == [0.1, 0.25, 0.07] * 2
    assert (both / "xiso/fees/fees.csv").read_text().split() == [
        *("name,extra", "oil,7", "coal,10", "gas,25"),
    ]


@pytest.mark.parametrize(
    ("packaging", "name", "source"),
    [
        ("csv", "prices.xlsx", "xiso/spot/prices.xlsx!Jan"),
        ("zip", "prices.zip", "xiso/spot/prices.zip!prices.xlsx!Jan"),
    ],
)
def test_files_may_be_sheets_of_a_workbook(
    tmp_path: Path, packaging: Packaging, name: str, source: str
) -> None:
    def files(span: Span) -> Iterator[File]:
        select = 'select name as "Fuel", ticks_paid / 100 as "Price" from prices order by name'
        book = Book("prices", notes="Invented", number_format="0.00")
        yield File(name="Jan", select=select, book=book, lines=_hours(span, 1))
        yield File(name="Feb", select=select, book=book)

    out = written(tmp_path, replace(SPOT, files=files), packaging=packaging)

    assert [path.name for path in (out / "xiso/spot").iterdir()] == [name]
    assert {row[-1] for row in truth(out)} == {source}
    if packaging == "csv":
        book = load_workbook(out / "xiso/spot" / name)
        assert {sheet.title: list(sheet.values) for sheet in book} == {
            "Notes": [("Invented",)],
            "Jan": [("Fuel", "Price"), ("coal", 1.1), ("gas", 1.25), ("oil", 1.07)],
            "Feb": [("Fuel", "Price")],
        }
        assert book["Jan"]["B2"].number_format == "0.00"


def test_versions_that_differ_between_places_are_no_truth(tmp_path: Path) -> None:
    def files(span: Span) -> Iterator[File]:
        yield _file("solid", _hours(span, 1, version=FIRST), where="is_solid")
        yield _file("oil", _hours(span, 1), where="name = 'oil'")

    with pytest.raises(ValueError, match=r"2025-01-01 06:00:00.* several versions"):
        written(tmp_path, replace(SPOT, files=files))


@pytest.mark.parametrize(
    ("differing", "why"),
    [
        ({"curve": replace(CURVE, market_type="RT")}, "the reports of hourly don't share"),
        ({"places": replace(FUELS, table="others")}, "the reports of hourly don't share"),
        ({"datasets": (replace(HOURLY, where="is_solid"),)}, "say of hourly different things"),
    ],
)
def test_reports_of_a_dataset_agree(tmp_path: Path, differing: dict[str, Any], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        written(tmp_path, SPOT, replace(SPOT, name="late", **differing))


@pytest.mark.parametrize("lacking", ["key", "compared", "series"])
def test_a_model_that_lacks_a_column_of_its_family_is_refused(
    tmp_path: Path, project: Path, lacking: str
) -> None:
    (project / "dbt_project.yml").write_text(
        RECORD.replace(f"{lacking}: [", f"{lacking}: [grade, ")
    )

    with pytest.raises(ValueError, match="the model of fuel_prices lacks grade"):
        written(tmp_path, SPOT)


def test_rows_of_an_interval_are_sorted_by_what_tells_the_place(
    tmp_path: Path, project: Path
) -> None:
    by_price = RECORD.replace("order: [datetime_utc, fuel]", "order: [datetime_utc, price]")
    (project / "dbt_project.yml").write_text(by_price)

    with pytest.raises(ValueError, match=r"the model of fuel_prices lacks price$"):
        written(tmp_path, SPOT)


def test_a_family_without_a_record_is_refused(tmp_path: Path, project: Path) -> None:
    (project / "dbt_project.yml").write_text(RECORD.replace("fuel_prices", "oil_prices"))

    with pytest.raises(FamilyError, match="no family fuel_prices"):
        written(tmp_path, SPOT)


def test_a_dataset_may_have_several_markets(tmp_path: Path, project: Path) -> None:
    """Rows stand as the family's record says, whichever market they are of."""
    with_market = RECORD.replace(
        "order: [datetime_utc, fuel]", "order: [datetime_utc, market_type, fuel]"
    )
    (project / "dbt_project.yml").write_text(with_market)
    some = replace(FUELS, rows=lambda _: [("gas", 50, False), ("coal", 60, True)], table="others")
    real_time = replace(SPOT, name="real_time", curve=replace(CURVE, market_type="RT"), places=some)

    out = written(tmp_path, real_time, SPOT)

    assert truth(out, "hour(datetime_local), market_type, fuel, price, data_source")[:6] == [
        (0, "DA", "coal", 0.10, "xiso/spot/day.csv"),
        (0, "DA", "gas", 0.25, "xiso/spot/day.csv"),
        (0, "DA", "oil", 0.07, "xiso/spot/day.csv"),
        (0, "RT", "coal", 0.60, "xiso/real_time/day.csv"),
        (0, "RT", "gas", 0.50, "xiso/real_time/day.csv"),
        (1, "DA", "coal", 1.10, "xiso/spot/day.csv"),
    ]


def test_a_place_without_a_price_has_no_row(tmp_path: Path) -> None:
    dear = replace(FAMILY, has_row="ticks_paid <> 10")

    out = written(tmp_path, replace(SPOT, curve=replace(CURVE, family=dear)))

    assert [row[:2] for row in truth(out)] == [
        *((0, "gas"), (0, "oil")),
        *((1, "coal"), (1, "gas"), (1, "oil")),
    ]
