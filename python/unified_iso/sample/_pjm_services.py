"""PJM's prices of regulation and reserves: its services, and the lines of the feeds that have them.

Shapes a reader must get right: an hour that was revised stands there in two versions; rows of unit
Ratio are no prices; a line of regulation has the parts of its price beside it; a price stands in
several feeds by other names, and not all of them have the megawatts; results were hourly before
they were of five minutes; columns of a feed were renamed.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, timedelta
from functools import partial

from ._ancillary import Service, service_curve, service_places
from ._common import FIVE_MINUTES, HOUR
from ._market import EVERYWHERE, Curve, Dataset, File, Places, Span
from ._output import decimal_sql

ISO = "PJM"
CENT = 10_000
TENTH = 10
HOURLY_FEED = "ancillary_services"
FIVE_MINUTE_FEED = "ancillary_services_fivemin_hrl"
DAY_AHEAD_FEED = "da_ancillary_services"
RESULTS = "reserve_market_results"
DAY_AHEAD_RESULTS = "da_reserve_market_results"
REGULATION_FEED = "reg_prices"

# The reserve markets were made anew then.
RESERVES_SINCE = date(2022, 10, 1)
# The regulation market was, and columns of its feed have other names since.
REGULATION_SINCE = date(2025, 9, 30)

REGULATION = (
    Service(product="REG_CCP", standard="REG", region="RTO"),
    Service(product="REG_PCP", standard="REG_MILEAGE", region="RTO", highest=900),
)
WHOLE_REGULATION = Service(product="REG", standard="REG", region="RTO")
RESERVES = tuple(
    Service(product=product, standard=standard, region=region, highest=highest)
    for region in ("RTO", "MAD")
    for product, standard, highest in (("SR", "SPIN", 3000), ("NSR", "NON_SPIN", 500))
)
SECONDARY = tuple(
    Service(
        product="Secondary Reserve",
        standard="SUPP",
        region=region,
        highest=200,
        first_day=RESERVES_SINCE,
    )
    for region in ("RTO", "MAD")
)
CLEARED = tuple(
    Service(
        product=product,
        standard=standard,
        region=region,
        highest=highest,
        first_day=RESERVES_SINCE,
    )
    for region in ("RTO", "MAD")
    for product, standard, highest in (("PR", "PRIMARY", 1200), ("30MIN", "SUPP", 300))
)

_NAMES_IN_REAL_TIME = {
    "REG_CCP": "Regulation Capability",
    "REG_PCP": "Regulation Mileage",
    "SR": "Synchronized Reserve",
    "NSR": "Non-Synchronized Reserve",
    "Secondary Reserve": "Secondary Reserve",
}
_NAMES_DAY_AHEAD = {
    "SR": "Synchronized Reserve",
    "PR": "Primary Reserve",
    "30MIN": "Thirty Minutes Reserve",
}
_AREAS_DAY_AHEAD = {"RTO": "PJM RTO", "MAD": "Mid-Atlantic/Dominion"}
_LOCALES_DAY_AHEAD = {
    "RTO": "PJM RTO Reserve Zone",
    "MAD": "Mid-Atlantic/Dominion Reserve Subzone",
}


def _name_in_real_time(service: Service) -> str | None:
    name = _NAMES_IN_REAL_TIME.get(service.product)
    return name and f"{service.region} {name}"


def _name_day_ahead(service: Service) -> str:
    return f"{_AREAS_DAY_AHEAD[service.region]} {_NAMES_DAY_AHEAD[service.product]}"


_HOURLY_SERVICES = (*REGULATION, *RESERVES, *SECONDARY, WHOLE_REGULATION)
_FIVE_MINUTE_SERVICES = (*_HOURLY_SERVICES, *CLEARED)
_DAY_AHEAD_SERVICES = tuple(
    replace(service, first_day=RESERVES_SINCE)
    for service in (*RESERVES, *CLEARED)
    if service.product in _NAMES_DAY_AHEAD
)


def _places(table: str, services: Sequence[Service]) -> Places:
    return service_places(
        table,
        services,
        {
            "long_name varchar": _name_in_real_time,
            "locale varchar": lambda service: {"RTO": "PJM_RTO"}.get(
                service.region, service.region
            ),
        },
    )


PLACES = _places("hourly_services", _HOURLY_SERVICES)
FIVE_MINUTE_PLACES = _places("five_minute_services", _FIVE_MINUTE_SERVICES)
DAY_AHEAD_PLACES = service_places(
    "day_ahead_services",
    _DAY_AHEAD_SERVICES,
    {
        "long_name varchar": _name_day_ahead,
        "locale varchar": lambda service: _LOCALES_DAY_AHEAD[service.region],
        "service varchar": lambda service: _NAMES_DAY_AHEAD[service.product],
    },
)

_CAPABILITY, _PERFORMANCE = (f"prices[{number}]" for number, _ in enumerate(REGULATION, start=1))
# A fifth of the prices of regulation miss the sum of their parts by a cent.
_REGULATION_PRICE = f"{_CAPABILITY} + {_PERFORMANCE} + if(start_us // 300000000 % 5 = 0, {CENT}, 0)"


def _real_time(services: Sequence[Service], length: timedelta) -> Curve:
    curve = service_curve(
        ISO,
        services,
        cent=CENT,
        market_type="RT",
        length=length,
        has_quantities=True,
    )
    price = f"if(product = 'REG', {_REGULATION_PRICE}, prices[service_number])"
    return replace(curve, formulas={"price": price})


REAL_TIME = _real_time(_HOURLY_SERVICES, HOUR)
FIVE_MINUTE = _real_time(_FIVE_MINUTE_SERVICES, FIVE_MINUTES)
DAY_AHEAD = service_curve(ISO, _DAY_AHEAD_SERVICES, cent=CENT, has_quantities=True)


def _megawatts(*reports: str) -> dict[str, str]:
    """The column of megawatts: these reports alone have them, for services and not for parts."""
    in_them = " or ".join(f"data_source like '%/{report}/%'" for report in reports)
    has_them = f"({in_them}) and product not in ('REG_CCP', 'REG_PCP')"
    return {"cleared_quantity_mw": f"if({has_them}, quantity / {TENTH}, null)"}


HOURLY = Dataset(
    name="as_hourly",
    columns=_megawatts(RESULTS, DAY_AHEAD_RESULTS),
)
FIVE_MINUTES_DATASET = Dataset(name="as_5min", columns=_megawatts(RESULTS, REGULATION_FEED))

HAS_LONG_NAME = "long_name is not null"
_IN_RESULTS = "product <> 'Secondary Reserve'"
_IS_REGULATION = "product in ('REG', 'REG_CCP', 'REG_PCP')"


def feed_sql(unit: str, last_columns: Sequence[str], has_ratio: bool) -> str:
    """SQL of a feed of long names, one after the other; of the same stamp the first version first.

    has_ratio: it has the ratio of mileage too.
    """
    last = ", ".join(last_columns)
    ratio = f"""
        union all
        select
            datetime_beginning_utc,
            datetime_beginning_ept,
            'RTO Mileage Ratio',
            'Ratio',
            {decimal_sql("1000000 + price // 10", 6)},
            row_is_current,
            version,
            start_us
        from prices
        where product = 'REG_PCP'
    """
    return f"""
        select
            datetime_beginning_utc,
            datetime_beginning_ept,
            ancillary_service,
            unit,
            value,
            {last}
        from (
            select
                datetime_beginning_utc,
                datetime_beginning_ept,
                long_name as ancillary_service,
                '{unit}' as unit,
                {decimal_sql("price", 6)} as value,
                row_is_current,
                version as version_nbr,
                start_us
            from prices
            where {HAS_LONG_NAME} and price is not null
            {ratio if has_ratio else ""}
        )
        order by
            ancillary_service,
            start_us,
            version_nbr
    """


IN_ORDER = ("row_is_current", "version_nbr")

_PRICE = decimal_sql(f"price // {CENT}", 2)
_CLEARED = f"{decimal_sql('quantity * 10', 2)}"
_RESULTS_SQL = f"""
    select
        datetime_beginning_utc,
        datetime_beginning_ept,
        locale,
        product as service,
        {_PRICE} as mcp,
        {_PRICE} as mcp_capped,
        if(product = 'REG', {decimal_sql(f"{_CAPABILITY} // {CENT}", 2)}, null) as reg_ccp,
        if(product = 'REG', {decimal_sql(f"{_PERFORMANCE} // {CENT}", 2)}, null) as reg_pcp,
        if(product = 'REG', '800.00', '1650.00') as as_req_mw,
        {_CLEARED} as total_mw,
        {_CLEARED} as as_mw,
        '475.20' as ss_mw,
        '0.00' as tier1_mw,
        '0.00' as ircmwt2,
        '77.10' as dsr_as_mw,
        if(product = 'NSR', {_CLEARED}, null) as nsr_mw,
        if(product = 'REG', '220.80', null) as regd_mw
    from prices
    where product not in ('REG_CCP', 'REG_PCP') and price is not null
    order by
        locale,
        service,
        start_us
"""


def _regulation_sql(megawatts: str, performance: str) -> str:
    """SQL of a file of regulation prices, by the words in which its columns differ."""
    return f"""
        select
            datetime_beginning_utc,
            datetime_beginning_ept,
            'PJM RTO' as area,
            {_CLEARED} as {megawatts}_quantity,
            '800.00' as {megawatts}_requirement,
            {_PRICE} as market_clearing_price,
            {_PRICE} as market_capped_clearing_price,
            {decimal_sql(f"{_CAPABILITY} // {CENT}", 2)} as capability_clearing_price,
            {decimal_sql(f"{_PERFORMANCE} // {CENT}", 2)} as {performance}_clearing_price
        from prices
        where product = 'REG'
        order by start_us
    """


_DAY_AHEAD_RESULTS_SQL = f"""
    select
        datetime_beginning_utc,
        datetime_beginning_ept,
        locale,
        service,
        {_PRICE} as mcp,
        {_PRICE} as mcp_capped,
        '1650.00' as as_req_mw,
        {_CLEARED} as total_mw,
        {_CLEARED} as as_mw
    from prices
    where price is not null
    order by
        start_us,
        locale,
        service
"""


def five_minute_files(span: Span) -> Iterator[File]:
    """A day each of the feed of long names, whose last two columns have changed places."""
    select = feed_sql("Price", tuple(reversed(IN_ORDER)), has_ratio=True)
    return _daily(FIVE_MINUTE_FEED, FIVE_MINUTES, select, HAS_LONG_NAME, date.min, span)


def results_files(span: Span) -> Iterator[File]:
    """A day each since the results are of five minutes."""
    return _daily(RESULTS, FIVE_MINUTES, _RESULTS_SQL, _IN_RESULTS, RESERVES_SINCE, span)


def hourly_results_files(span: Span) -> Iterator[File]:
    """A day each while the results were hourly."""
    return _daily(RESULTS, HOUR, _RESULTS_SQL, _IN_RESULTS, date.min, span, RESERVES_SINCE)


def regulation_files(span: Span) -> Iterator[File]:
    """A day each, with the names that columns had on it."""
    old = _regulation_sql("reserve", "performance")
    new = _regulation_sql("regulation", "mileage")
    daily = partial(_daily, REGULATION_FEED, FIVE_MINUTES)
    yield from daily(old, _IS_REGULATION, date.min, span, REGULATION_SINCE)
    yield from daily(new, _IS_REGULATION, REGULATION_SINCE, span)


def day_ahead_files(span: Span) -> Iterator[File]:
    """A day each of the feed of long names since it exists."""
    select = feed_sql("price", IN_ORDER, has_ratio=False)
    return _daily(DAY_AHEAD_FEED, HOUR, select, EVERYWHERE, RESERVES_SINCE, span)


def day_ahead_results_files(span: Span) -> Iterator[File]:
    """A day each since there are results."""
    return _daily(DAY_AHEAD_RESULTS, HOUR, _DAY_AHEAD_RESULTS_SQL, EVERYWHERE, RESERVES_SINCE, span)


def _daily(
    name: str,
    length: timedelta,
    select: str,
    where: str,
    since: date,
    span: Span,
    until: date = date.max,
) -> Iterator[File]:
    """Files of the days from `since` to the one before `until`."""
    for day, lines in span.by_day(length):
        if since <= day < until:
            stem = f"{name}_{day:%Y%m%d}"
            yield File(
                name=f"{stem}.csv",
                archive=f"{stem}.zip",
                select=select,
                lines=lines,
                where=where,
            )
