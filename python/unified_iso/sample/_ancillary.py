"""Prices of ancillary services: the model they are made from, and the rows of the family.

The places of this family are products in regions. Prices are integers in the market's own tick.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from typing import Literal

from ._common import HOUR, Interval, noise
from ._market import CLOCK_COLUMNS, SERVICES, SOURCE_COLUMNS, Curve, FamilyModel, Places

ANCILLARY = FamilyModel(
    name=SERVICES,
    formulas={
        "price": "prices[service_number]",
        "quantity": "quantities[service_number]",
    },
    columns={
        **{name: sql for name, sql in CLOCK_COLUMNS.items() if name != "delivery_interval"},
        "as_product": "",
        "as_product_standard": "",
        "as_region": "",
        "market_clearing_price": "price / {ticks}",
        "cleared_quantity_mw": "quantity / 10",
        "unit": "",
        **{name: sql for name, sql in SOURCE_COLUMNS.items() if name != "dst_flag"},
    },
    has_row="price is not null",
)
_PLACE_COLUMNS = "service_number integer, product varchar, standard varchar, region varchar"


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A product in a region, by its published names, which has a price in some intervals.

    lowest, highest: bounds of its price, in cents; some prices are 0 if that lies between them.
    first_day, last_day: delivery days of its first and last price.
    priced_percent: share of the intervals in which it has a price.
    priced_in: the region whose price of the product it has, where that is not its own.
    """

    product: str
    standard: str
    region: str
    unit: str = "$/MW"
    lowest: int = 0
    highest: int = 4000
    first_day: date = date.min
    last_day: date = date.max
    priced_percent: int = 100
    priced_in: str = ""

    def has_price(self, key: tuple[object, ...], interval: Interval) -> bool:
        """Whether it has a price in an interval of the market that `key` tells."""
        return (
            self.first_day <= interval.day <= self.last_day
            and noise(1, 100, "priced", *key) <= self.priced_percent
        )


def service_places(
    table: str,
    services: Sequence[Service],
    more: Mapping[str, Callable[[Service], object]] | None = None,
) -> Places:
    """Places of these services, whatever number of nodes is asked for.

    Their columns are product, standard, region and unit.

    more: further columns, name and type, with their values, such as other names of a product.
    """
    values = more or {}
    rows = [
        (
            *(number, service.product, service.standard, service.region, service.unit),
            *(value(service) for value in values.values()),
        )
        for number, service in enumerate(services, start=1)
    ]
    return Places(
        columns=", ".join((_PLACE_COLUMNS, "unit varchar", *values)),
        rows=lambda number: rows,
        published={
            "as_product": "product",
            "as_product_standard": "standard",
            "as_region": "region",
            "unit": "unit",
        },
        table=table,
    )


def service_curve(
    iso: str,
    services: Sequence[Service],
    *,
    cent: int,
    market_type: Literal["DA", "RT"] = "DA",
    length: timedelta = HOUR,
    has_quantities: bool = False,
) -> Curve:
    """The prices of services, `cent` ticks to the cent, in whole cents.

    A price depends on market, interval, product and region alone, so samples of overlapping ranges
    agree, and so do reports that have other services beside it.

    has_quantities: there are cleared quantities too, in tenths of a megawatt.
    """
    market = (iso, market_type, length)
    return Curve(
        family=ANCILLARY,
        columns="prices bigint[], quantities bigint[]",
        values=partial(_values, market, services, cent, has_quantities),
        market_type=market_type,
        length=length,
    )


def _values(
    market: tuple[object, ...],
    services: Sequence[Service],
    cent: int,
    has_quantities: bool,
    interval: Interval,
    revised: bool,
) -> tuple[object, ...]:
    priced = [(service, _key(market, service, interval)) for service in services]
    prices = [_price(service, key, interval, revised, cent) for service, key in priced]
    quantities = [
        noise(0, 9_000, "quantity", *key) if has_quantities and price is not None else None
        for (_, key), price in zip(priced, prices, strict=True)
    ]
    return prices, quantities


def _key(market: tuple[object, ...], service: Service, interval: Interval) -> tuple[object, ...]:
    return (*market, service.product, service.priced_in or service.region, interval.utc)


def _price(
    service: Service, key: tuple[object, ...], interval: Interval, revised: bool, cent: int
) -> int | None:
    if not service.has_price(key, interval):
        return None
    correction = noise(1, 200, "revision", *key) if revised else 0
    is_zero = service.lowest <= 0 <= service.highest and noise(0, 9, "zero", *key) == 0
    level = 0 if is_zero else noise(service.lowest, service.highest, "price", *key)
    return (level + correction) * cent


def wide_sql(printed: str, headings: Mapping[str, str]) -> str:
    """SQL of select items over `prices`, grouped by what a line stands for: a column for each.

    printed: SQL of a cell; that of a service without a price is null, and so printed empty.
    headings: SQL of the services of a column, by its heading.
    """
    return ", ".join(
        f'max({printed}) filter (where {where}) as "{heading}"'
        for heading, where in headings.items()
    )
