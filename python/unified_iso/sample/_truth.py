"""The published rows that the files of a sample must become, from the model and not from the files.

What a row says comes from the curve and the place; the files only tell which rows there are, and
which of several files that have a row it names as its source.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter

import duckdb

from unified_iso.families import Family, FamilyError

from ._common import INTERVAL_COLUMNS, Interval, Packaging
from ._market import EVERYWHERE, Curve, Dataset, File, Line, Market, Means, Places, Report
from ._output import load_table


@dataclass(frozen=True, slots=True)
class Planned:
    """A report with its files."""

    report: Report
    files: Sequence[File]


@dataclass(frozen=True, slots=True)
class Model:
    """What a dataset's rows of one market are made of, and the reports that have them."""

    curve: Curve
    places: Places
    planned: list[Planned]


@dataclass(frozen=True, slots=True, order=True)
class Claim:
    """What decides which of several files that have a row counts: the greatest claim does."""

    version: int
    goes_first: bool
    stamp: str
    source: str


_VERSION_DIGITS = 2

# By the places that a file has: the best claim to each interval, with the line it is for.
Claims = Mapping[str, Mapping[Interval, tuple[Claim, Line]]]


def truth_sql(
    con: duckdb.DuckDBPyConnection,
    market: Market,
    dataset: Dataset,
    planned: Sequence[Planned],
    families: Mapping[str, Family],
    packaging: Packaging,
) -> str | None:
    """Load the intervals of a dataset, and return SQL of its rows in order; None if it has none.

    planned: all reports of the sample. families: the records of the project file.

    Raises FamilyError where the family has no record, ValueError where the model lacks a column of
    it, reports of one market have not the same prices and places, the family's order does not tell
    several markets apart or files of several places have an interval in versions of other prices.
    """
    written = [each.report.name for each in planned]
    models = _models(dataset, planned)
    order = _record(families, models[0].curve.family.name).order
    if len(models) > 1 and "market_type" not in order:
        raise ValueError(f"the reports of {dataset.name} don't share their prices and places")
    found = [
        sql
        for model in models
        if (sql := _model_sql(con, market, dataset, model, written, families, packaging))
    ]
    if len(found) < 2:
        return found[0] if found else None
    in_order = ", ".join(f'"{name}"' for name in order)
    return f"from ({' union all '.join(f'({sql})' for sql in found)}) order by {in_order}"


def _models(dataset: Dataset, planned: Sequence[Planned]) -> list[Model]:
    """The models of a dataset, one for each market it has.

    Raises ValueError where reports of one market have not the same prices and places.
    """
    found: dict[str, Model] = {}
    for each in planned:
        report = each.report
        if dataset not in report.datasets:
            continue
        if report.curve is None:
            raise ValueError(f"{report.name} has no prices for {dataset.name}")
        of_market = Model(report.curve, report.places, [])
        model = found.setdefault(report.curve.market_type, of_market)
        if report.curve is not model.curve or report.places is not model.places:
            raise ValueError(f"the reports of {dataset.name} don't share their prices and places")
        model.planned.append(each)
    return list(found.values())


def _model_sql(
    con: duckdb.DuckDBPyConnection,
    market: Market,
    dataset: Dataset,
    model: Model,
    written: Sequence[str],
    families: Mapping[str, Family],
    packaging: Packaging,
) -> str | None:
    """Load the intervals of a model, and return SQL of its rows in order; None if it has none."""
    curve, places = model.curve, model.places
    claims = _claims(market, model.planned, packaging)
    table = f"{dataset.name}_{curve.market_type}_truth".lower()
    if not _load_intervals(con, table, curve, claims):
        return None
    columns = _columns(market, dataset, curve, places, written)
    order = _order_of_places(families, curve.family.name, columns, places)
    in_any_file = " or ".join(f"({where})" for where in claims)
    held = f"({dataset.where}) and ({in_any_file})"
    return f"""
        select {", ".join(f"{sql} as {name}" for name, sql in columns.items())}
        from (
            select
                * {_version_sql(claims)},
                {_source_sql(claims)} as data_source,
                {curve.formulas_sql}
            from ({_crossed_sql(table, places.table, held, order)})
            where {_is_in_a_file_sql(claims)}
        )
        where {curve.family.has_row}
    """


def _claims(market: Market, planned: Sequence[Planned], packaging: Packaging) -> Claims:
    found: dict[str, dict[Interval, tuple[Claim, Line]]] = {}
    for each in planned:
        folder = f"{market.iso.lower()}/{each.report.name}"
        for file in each.files:
            best = found.setdefault(file.where, {})
            source = f"{folder}/{file.source(packaging)}"
            for line in file.lines:
                claim = Claim(line.version.number, not each.report.gives_way, file.stamp, source)
                known = best.get(line.interval)
                if line.counts and (known is None or known[0] < claim):
                    best[line.interval] = (claim, line)
    return _without_beaten(found)


def _without_beaten(claims: Claims) -> Claims:
    """Drop claims to intervals that a file of all places has, and has a better claim to."""
    whole = claims.get(EVERYWHERE, {})
    left = {
        where: {
            interval: claimed
            for interval, claimed in best.items()
            if where == EVERYWHERE or interval not in whole or whole[interval][0] < claimed[0]
        }
        for where, best in claims.items()
    }
    return {where: best for where, best in left.items() if best}


def _load_intervals(
    con: duckdb.DuckDBPyConnection, table: str, curve: Curve, claims: Claims
) -> bool:
    """Load the intervals that have a claim, in order of time; return whether there are any."""
    found = {interval for best in claims.values() for interval in best}
    sources = ", ".join(f"source_{number} varchar" for number in range(len(claims)))
    columns = f"{INTERVAL_COLUMNS}, version uinteger, {curve.table}, {sources}"
    in_order = sorted(found, key=lambda interval: interval.utc)
    if in_order:
        rows = (_interval_row(curve, claims, interval) for interval in in_order)
        load_table(con, table, columns, rows)
    return bool(in_order)


def _interval_row(curve: Curve, claims: Claims, interval: Interval) -> tuple[object, ...]:
    found = [best.get(interval) for best in claims.values()]
    versions = sorted({line.version for _, line in filter(None, found)}, key=attrgetter("number"))
    version = versions[-1]
    if any(other.revised != version.revised for other in versions):
        raise ValueError(f"{interval.utc} has several versions, one for some of the places")
    sources = (claim and _preference(claim[0], len(claims)) for claim in found)
    return (*interval.row, version.number, *curve.row(interval, version.revised), *sources)


def _preference(claim: Claim, claims: int) -> str:
    """Text of a claim, first its version and last its source; texts compare as claims do."""
    if claims == 1:
        return claim.source
    return f"{claim.version:0{_VERSION_DIGITS}}{int(claim.goes_first)}{claim.stamp}\n{claim.source}"


def _is_in_a_file_sql(claims: Claims) -> str:
    found = (f"({where} and source_{number} is not null)" for number, where in enumerate(claims))
    return " or ".join(found)


def _source_sql(claims: Claims) -> str:
    """SQL of the source of a row that is in a file."""
    return "source_0" if len(claims) == 1 else f"split_part({_best_sql(claims)}, chr(10), 2)"


def _version_sql(claims: Claims) -> str:
    """SQL that makes the version of an interval that of the file a row is in.

    A feed without versions stands beside one that has them, with the same prices.
    """
    if len(claims) == 1:
        return ""
    return f"replace (left({_best_sql(claims)}, {_VERSION_DIGITS})::uinteger as version)"


def _best_sql(claims: Claims) -> str:
    """SQL of the best of the preferences of the files that a row is in."""
    own = (f"if({where}, source_{number}, null)" for number, where in enumerate(claims))
    return f"greatest({', '.join(own)})"


def _record(families: Mapping[str, Family], name: str) -> Family:
    family = families.get(name)
    if family is None:
        raise FamilyError(f"no family {name}: there are {', '.join(families)}")
    return family


def _columns(
    market: Market, dataset: Dataset, curve: Curve, places: Places, written: Sequence[str]
) -> dict[str, str]:
    """SQL of the published columns, the special before the general."""
    facts = {
        "iso": market.iso,
        "market_type": curve.market_type,
        "ticks": market.ticks,
        "minutes": curve.minutes,
        "delivery_interval": "0"
        if curve.minutes == 60
        else f"minute(local_start) // {curve.minutes} + 1",
    }
    columns = {name: sql.format(**facts) for name, sql in curve.family.columns.items()}
    beside = [dataset.beside.get(report, {}) for report in written]
    for more in (places.published, dataset.columns, *beside):
        columns |= more
    return columns


def _order_of_places(
    families: Mapping[str, Family], name: str, columns: Mapping[str, str], places: Places
) -> list[str]:
    """SQL of what rows are sorted by within an interval, from the record of the family."""
    family = _record(families, name)
    named = (*family.key, *family.order, *family.compared, family.price, *family.parts)
    all_of_them = dict.fromkeys((*columns, *named, *family.texts, *family.series))
    lacking = [column for column in all_of_them if not columns.get(column)]
    # Rows stand by time first, and what sorts them within it is the same for every interval; all
    # are of one market.
    order = [column for column in family.order[1:] if column != "market_type"]
    lacking += [column for column in order if column not in places.published]
    if lacking:
        raise ValueError(f"the model of {name} lacks {', '.join(dict.fromkeys(lacking))}")
    return [places.published[column] for column in order]


def _crossed_sql(intervals: str, places: str, where: str, order: Sequence[str]) -> str:
    # Intervals are stored in order and the list of places is sorted once, so unnesting it row by
    # row streams rows in their final order: a year of all PJM locations is too much to sort.
    return f"""
        select
            period.*,
            unnest(every.place, max_depth := 2)
        from {intervals} as period
        cross join (
            select list(place order by {", ".join(order)}) as place
            from {places} as place
            where {where}
        ) as every
    """


def curve_of(dataset: Dataset, planned: Sequence[Planned]) -> Curve:
    """The curve of a dataset of one market, which all its reports share.

    Raises ValueError where they don't.
    """
    first, *others = _models(dataset, planned)
    if others:
        raise ValueError(f"{dataset.name} has several markets")
    return first.curve


def means_sql(means: Means, intervals: str, curve: Curve, families: Mapping[str, Family]) -> str:
    """SQL of the rows of hours in order, from that of the rows of their intervals.

    Only hours with all their intervals have a row.
    """
    family, columns = families[curve.family.name], curve.family.columns
    length = means.intervals * curve.minutes
    differing = {
        **dict.fromkeys(("datetime_utc", "datetime_local", "interval_start_utc"), "min({name})"),
        "delivery_interval": "0::utinyint",
        "interval_minutes": f"{length}::utinyint",
        "version": "max({name})",
        **dict.fromkeys(means.averaged, f"round(sum({{name}}) / {means.intervals}, 10)"),
    }
    items = (
        f"{differing.get(name, 'last({name} order by start_us)').format(name=name)} as {name}"
        for name in columns
    )
    return f"""
        select {", ".join(items)}
        from (select *, epoch_us(datetime_utc) as start_us from ({intervals}))
        group by start_us // {length * 60_000_000}, {", ".join(family.series)}
        having count(*) = {means.intervals}
        order by {", ".join(f'"{name}"' for name in family.order)}
    """
