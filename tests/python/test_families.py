"""A family of datasets is a record of the project file."""

from __future__ import annotations

from pathlib import Path

import pytest

from unified_iso.families import Family, FamilyError, families
from unified_iso.root import ROOT

RECORD = """
vars:
  families:
    fuel_prices:
      key: [day, fuel]
      order: [day, fuel]
      compared: [price]
      price: price
      parts: []
      texts: [fuel]
      series: [fuel]
      beside: []
      line_key: [day]
      required: [day, fuel, price]
      words: []
"""


def project(folder: Path, text: str) -> Path:
    (folder / "dbt_project.yml").write_text(text)
    return folder


def test_the_project_has_energy_prices() -> None:
    assert families(ROOT)["energy_prices"] == Family(
        name="energy_prices",
        key=("interval_start_utc", "market_type", "settlement_location_id"),
        order=("datetime_utc", "settlement_location", "settlement_location_id"),
        compared=("version", "lmp_total", "lmp_energy", "lmp_congestion", "lmp_loss"),
        line_key=("interval_start_utc", "settlement_location_id"),
        price="lmp_total",
        unit="$/MWh",
        parts=("lmp_energy", "lmp_congestion", "lmp_loss"),
        texts=("settlement_location", "settlement_location_id"),
        series=("settlement_location_id",),
        required=(
            *("datetime_utc", "datetime_local", "interval_start_utc", "interval_end_utc"),
            *("delivery_date", "delivery_hour", "delivery_interval", "interval_minutes"),
            *("iso", "market_type", "settlement_location", "settlement_location_type"),
            *("settlement_location_id", "lmp_total", "dst_flag", "data_source", "version"),
            "is_current",
        ),
        names={"settlement_location_id": "settlement_location"},
        words=("dst_flag",),
        questions={
            "component_breaks": {
                "datetime_utc": "timestamptz",
                "settlement_location": "varchar",
                "lmp_total": "double",
                "sum_of_components": "double",
                "data_source": "varchar",
            },
            "lambda_conflicts": {
                "datetime_utc": "timestamptz",
                "system_lambda_used": "double",
                "system_lambda": "double",
                "data_source": "varchar",
            },
        },
    )


def test_the_project_has_ancillary_services() -> None:
    family = families(ROOT)["ancillary_services"]

    assert family.key == ("interval_start_utc", "market_type", "as_product", "as_region")
    assert family.order == ("datetime_utc", "market_type", "as_product", "as_region")
    assert family.beside == ("cleared_quantity_mw",)
    assert family.line_key == ("interval_start_utc", "as_product")
    # All columns but the quantity, which few reports tell.
    assert len(family.required) == 17


def test_a_price_may_have_no_parts(tmp_path: Path) -> None:
    (family,) = families(project(tmp_path, RECORD)).values()

    assert family.name == "fuel_prices"
    assert family.key == ("day", "fuel")
    assert family.parts == ()
    assert family.line_key == ("day",)
    assert family.names == {}
    assert family.questions == {}


@pytest.mark.parametrize(
    ("before", "after", "why"),
    [
        ("      compared: [price]\n", "", "fuel_prices: lacks or doesn't know compared"),
        ("      parts: []", "      part: []", "fuel_prices: lacks or doesn't know part, parts"),
        ("key: [day, fuel]", "key: day", "fuel_prices: key is no list of columns"),
        ("      required: [day, fuel, price]\n", "", "fuel_prices: lacks or doesn't know required"),
        (
            "series: [fuel]",
            "series: [fuel]\n      names: [fuel]",
            "fuel_prices: names does not say something of columns by name",
        ),
        ("families:", "markets:", "no vars.families"),
    ],
)
def test_a_record_that_is_not_whole_is_refused(
    tmp_path: Path, before: str, after: str, why: str
) -> None:
    with pytest.raises(FamilyError, match=why):
        families(project(tmp_path, RECORD.replace(before, after, 1)))
