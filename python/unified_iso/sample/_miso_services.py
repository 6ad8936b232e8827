"""MISO's clearing prices of ancillary services: products by zone, and the files of both markets.

Shapes a reader must get right: two tables stand in a file, one of all of MISO, whose first two
columns have no names, and one of nodes, all of which have the prices of their zone; the 24 hours of
a day, which all days have, are columns; the preliminary and the final real-time report have one
title, name all of MISO otherwise than the day-ahead one and have the price of mileage for it. The
pricing API has other products, and its files as the gridstatus library prints them tell their
market by their names alone.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date

from ._ancillary import Service, service_curve, service_places, wide_sql
from ._market import Dataset, File, Line, Span, Version
from ._output import decimal_sql, short_sql

ISO = "MISO"
DAY_AHEAD_REPORT = "asm_expost_damcp"
FINAL_REPORT = "asm_rtmcp_final"
PRELIMINARY_REPORT = "asm_rtmcp_prelim"
PRELIMINARY, FINAL = Version(1, False, True), Version(2, True, False)

WIDE, REAL_TIME_WIDE = "MISO Wide", "Miso-Wide"
MILEAGE = "REGMILEAGEMCP"
CLOCK_NOTE = "All Hours-Ending are Eastern Standard Time (EST)"
# The zone without nodes of demand, as in the one file seen.
WITHOUT_DEMAND = "Zone 6"
ZONES = tuple(f"Zone {number}" for number in range(1, 9))
# In the order of the first table: product with its unified name and its highest price in cents.
PRODUCTS = (
    ("DEMREGMCP", "REG", 4000),
    ("GENREGMCP", "REG", 4000),
    ("DEMSPINMCP", "SPIN", 2500),
    ("GENSPINMCP", "SPIN", 2500),
    ("DEMSUPPMCP", "NON_SPIN", 600),
    ("GENSUPPMCP", "NON_SPIN", 600),
    ("SERREGMCP", "REG", 4000),
    (MILEAGE, "REG_MILEAGE", 100),
)


def _is_traded(product: str, region: str) -> bool:
    """Stored energy and mileage are priced in the first table alone, demand not in all zones."""
    if region == WIDE:
        return True
    of_first_table, is_demand = product in ("SERREGMCP", MILEAGE), product.startswith("DEM")
    return not of_first_table and not (is_demand and region == WITHOUT_DEMAND)


# In the order of the columns of gridstatus, with the highest price in cents.
PRODUCTS_OF_API = (
    ("Ramp Down", "RAMP_DOWN", 200),
    ("Ramp Up", "RAMP_UP", 300),
    ("Regulation", "REG", 4000),
    ("STR", "SUPP", 100),
    ("Spin", "SPIN", 2500),
    ("Supplemental", "NON_SPIN", 600),
)
SERVICES_OF_API = tuple(
    Service(product=product, standard=standard, region=zone, highest=highest)
    for zone in ZONES
    for product, standard, highest in PRODUCTS_OF_API
)
SERVICES = tuple(
    Service(
        product=product,
        standard=standard,
        region=region,
        highest=highest,
        unit="$/MW-mile" if product == MILEAGE else "$/MW",
    )
    for region in (WIDE, *ZONES)
    for product, standard, highest in PRODUCTS
    if _is_traded(product, region)
)
# A node is of generation or of demand; there are more of the former.
NODES = tuple(
    (f"{area}.{name}", zone, kind)
    for zone, area in zip(
        ZONES, ("ALDR", "BIRC", "CYPR", "DOGW", "ELMS", "FIRS", "GUMT", "HAZL"), strict=True
    )
    for name, kind in (("ASHBN1", "GEN"), ("FOXCR_2", "GEN"), ("OAKLK", "GEN"), ("LMR1", "DEM"))
    if kind == "GEN" or zone != WITHOUT_DEMAND
)

_ALL_SERVICES = (*SERVICES, *SERVICES_OF_API)
PLACES = service_places(
    "services",
    _ALL_SERVICES,
    {"is_of_api boolean": lambda service: service in SERVICES_OF_API},
)
_IN_REPORTS, _IN_API = "not is_of_api", "is_of_api"
_DAY_AHEAD = f"{_IN_REPORTS} and product <> '{MILEAGE}'"
DAY_AHEAD = service_curve(ISO, _ALL_SERVICES, cent=1)
REAL_TIME = service_curve(ISO, _ALL_SERVICES, cent=1, market_type="RT")
HOURLY = Dataset(name="as_hourly")

_HOURS = ",".join(f" HE {hour}" if hour == 1 else f"HE {hour}" for hour in range(1, 25))
# A price goes without a zero before the point.
_SHORTEST = rf"regexp_replace({short_sql('price', 2)}, '^0\.', '.')"
_WITH_CENTS = f"({decimal_sql('price', 2)})::varchar"


def day_ahead_files(span: Span) -> Iterator[File]:
    """A day each whatever days_per_file says, as the operator has them."""
    for day, lines in span.by_day():
        above = ("Dayahead Market MCPs.", "", f"{day:%m/%d/%Y},,{CLOCK_NOTE}", "")
        select = _select(above, 2, _SHORTEST, "\n", WIDE)
        yield _file(DAY_AHEAD_REPORT, day, lines, select, _DAY_AHEAD)


def final_files(span: Span) -> Iterator[File]:
    """A day each but the last one, whose prices are preliminary yet."""
    for day, lines in span.by_day()[:-1]:
        yield _real_time_file(FINAL_REPORT, day, lines, FINAL)


def preliminary_files(span: Span) -> Iterator[File]:
    """A day each; nothing has replaced the prices of the last one."""
    *days, last = span.by_day()
    for day, lines in days:
        yield _real_time_file(PRELIMINARY_REPORT, day, lines, PRELIMINARY)
    yield _real_time_file(PRELIMINARY_REPORT, *last, replace(PRELIMINARY, is_current=True))


def _real_time_file(name: str, day: date, lines: list[Line], version: Version) -> File:
    title = "Real Time Market MCPs.,Not settlement quality data."
    above = (title, "", f"{day:%m/%d/%Y},,{CLOCK_NOTE}", "")
    stands = [replace(line, version=version) for line in lines]
    select = _select(above, 1, _WITH_CENTS, "\r\n", REAL_TIME_WIDE)
    return _file(name, day, stands, select, _IN_REPORTS)


def _file(name: str, day: date, lines: list[Line], select: str, where: str) -> File:
    stem = f"{day:%Y%m%d}_{name}"
    return File(
        name=f"{stem}.csv",
        archive=f"{stem}_csv.zip",
        select=select,
        lines=lines,
        where=where,
    )


def day_ahead_files_of_api(span: Span) -> Iterator[File]:
    """One of all days."""
    yield _file_of_api("day_ahead_ex_post", span, span.lines())


def real_time_files_of_api(span: Span) -> Iterator[File]:
    """One of all days, and one of the days that have final prices."""
    lines = span.lines()
    (*_, last) = lines
    final = [line for line in lines if line.interval.day < last.interval.day]
    name = "real_time_hourly_ex_post"
    stands = [
        replace(line, version=replace(PRELIMINARY, is_current=line not in final)) for line in lines
    ]
    yield _file_of_api(f"{name}_prelim", span, stands)
    if final:
        stands = [replace(line, version=FINAL) for line in final]
        yield _file_of_api(f"{name}_final", span, stands)


def _file_of_api(method: str, span: Span, lines: list[Line]) -> File:
    stem = f"miso_as_mcp_{method}_{span.request.start:%Y%m%d}"
    prices = wide_sql("price / 100", {name: f"product = '{name}'" for name, *_ in PRODUCTS_OF_API})
    select = f"""
        select
            gridstatus_start as "Interval Start",
            gridstatus_end as "Interval End",
            region as "Zone",
            {prices}
        from prices
        group by
            start_us,
            gridstatus_start,
            gridstatus_end,
            region
        order by
            start_us,
            region
    """
    return File(
        name=f"{stem}.csv",
        archive=f"{stem}.zip",
        select=select,
        lines=lines,
        where=_IN_API,
    )


def _select(
    above: tuple[str, ...], blank_lines: int, printed: str, line_end: str, wide: str
) -> str:
    """SQL of both tables; a column is a whole line, because one table has other headings."""
    # Nothing is quoted, so the heading is all lines above the first table, and the first line of
    # the second table begins with those between them.
    heading = line_end.join((*above, f",,MCP Type,{_HOURS}"))
    between = line_end * blank_lines + f"Pnode,Zone,MCP Type,{_HOURS}{line_end}"
    products = ", ".join(f"'{product}'" for product, *_ in PRODUCTS)
    nodes = ", ".join(f"('{node}', '{zone}', '{kind}')" for node, zone, kind in NODES)
    return f"""
        select if(place = 1 and is_of_node, '{between}', '') || line as "{heading}"
        from (
            select
                is_of_node,
                concat_ws(',', label, zone_label, product, hours) as line,
                row_number() over (
                    partition by is_of_node
                    order by kind_place, label, product_place
                ) as place
            from (
                select
                    node is not null as is_of_node,
                    coalesce(node, '{wide}') as label,
                    if(node is null, '-', region) as zone_label,
                    product,
                    hours,
                    -- Products of nodes stand apart, those of all of MISO in an order of their own.
                    if(node is null, '', product[4:]) as kind_place,
                    list_position([{products}], product) as product_place
                from (
                    select
                        region,
                        product,
                        string_agg({printed}, ',' order by start_us) as hours
                    from prices
                    group by
                        region,
                        product
                ) as priced
                left join (values {nodes}) as nodes (node, zone, kind)
                    on priced.region = nodes.zone
                    and starts_with(priced.product, nodes.kind)
            )
        )
        order by
            is_of_node,
            place
    """
