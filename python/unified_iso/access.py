"""A published folder in Python: its rows as DuckDB relations, from the files alone.

    import unified_iso as ui

    tree = ui.open("out")
    prices = tree.energy("pjm", "da_energy_hourly_nodal", year=2024, locations=["51288"])
    prices.df()  # or .pl(), .arrow(), .fetchall()

Nothing is read before a relation is asked for its rows, and of the files only the row groups that
may have some.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
from duckdb import DuckDBPyRelation

from unified_iso.catalog import year_files_sql
from unified_iso.footers import FOOTER_KEY
from unified_iso.sql import quoted_name, quoted_text, sql_text
from unified_iso.twins import is_twin, twin_of
from unified_iso.workspace import Workspace

Words = str | Iterable[str]
Moment = datetime | date | str

_ENERGY, _ANCILLARY = "energy_prices", "ancillary_services"
_YEAR_FILE = re.compile(r"(?P<dataset>.+)_(?P<year>\d{4})\.parquet")
_SHOWN = 12


class NotInTree(LookupError):
    """Something that was asked for is not in the folder; the message names what there is."""


class AmbiguousLocation(LookupError):
    """Several locations have the name that was asked for; the message names their ids."""


class NaiveTime(ValueError):
    """A time has no offset, so that it may be any of several instants; the message says which."""


class _YearFile(NamedTuple):
    iso: str
    dataset: str
    year: int
    path: Path


def open(out: str | Path) -> Tree:
    """Open a published folder, be it one's own or one that was received.

    Raises:
        NotInTree: it has no published file.
    """
    return Tree(out)


class Tree:
    """A published folder.

    Operators and datasets are named as their folders are, in any case. A dataset may have its
    operator in front. What is returned is a DuckDB relation: `.df()`, `.pl()` and `.arrow()` give
    its rows, `.filter()`, `.aggregate()` and `.order()` go on from there. Its columns are those of
    the dataset, its times are in UTC. Rows come as they lie in the files, by time, or by location
    where twins sorted by location are read; who needs an order says `.order()`.
    """

    def __init__(self, out: str | Path) -> None:
        """Find the files of the folder `out`.

        Raises:
            NotInTree: it has no published file.
        """
        self._workspace = Workspace(raw=Path(), out=Path(out).expanduser().absolute())
        self._connection = duckdb.connect()
        self._connection.execute("set global TimeZone = 'UTC'")
        if not self._files():
            raise NotInTree(f"{self._workspace.out} has no published file below parquet/")

    @property
    def out(self) -> Path:
        """The folder."""
        return self._workspace.out

    def __repr__(self) -> str:
        """Say which folder it is."""
        return f"Tree({str(self.out)!r})"

    def datasets(self) -> dict[str, list[int]]:
        """Return the years of each dataset, by operator and dataset with a blank between them."""
        found: dict[str, list[int]] = {}
        for file in self._files():
            found.setdefault(f"{file.iso} {file.dataset}", []).append(file.year)
        return found

    def energy(
        self,
        iso: str,
        dataset: str,
        *,
        year: int | Iterable[int] | None = None,
        locations: Words | None = None,
        start: Moment | None = None,
        end: Moment | None = None,
        columns: Sequence[str] | None = None,
    ) -> DuckDBPyRelation:
        """Return energy prices, in $/MWh.

        year: delivery years; all that are published without.
        locations: ids, or names that one location alone has. Twins sorted by location are read
            where they are there and belong to the year files as these are now.
        start, end: from `start` on and before `end`. A time needs an offset, be it a datetime or a
            text such as `2024-03-10T06:00:00Z`. A date, or a text such as `2024-03-10`, is a
            delivery day of the market, so that clock changes need no thought.
        columns: those wanted; all without.

        Raises:
            NotInTree: there is no such operator, dataset, year, location or column.
            AmbiguousLocation: several locations have a name that was asked for.
            NaiveTime: a time has no offset.
            ValueError: a text is no time, or `start` is not before `end`.
        """
        span = _span(start, end)
        files = self._chosen(_ENERGY, iso, dataset, year, span)
        where = list(span.conditions)
        if locations is not None:
            ids = self._ids(files, _words(locations))
            where.append(f"settlement_location_id in ({_texts(ids)})")
            return self._rows([self._twin_or(file) for file in files], where, columns)
        return self._rows([file.path for file in files], where, columns)

    def ancillary(
        self,
        iso: str,
        dataset: str,
        *,
        year: int | Iterable[int] | None = None,
        products: Words | None = None,
        regions: Words | None = None,
        start: Moment | None = None,
        end: Moment | None = None,
        columns: Sequence[str] | None = None,
    ) -> DuckDBPyRelation:
        """Return prices of ancillary services, in the unit of the column `unit`.

        products: names as published, or standard ones such as `REG_UP`.
        regions: names as published.
        year, start, end, columns: as `energy` has them.

        Raises:
            NotInTree: there is no such operator, dataset, year, product, region or column.
            NaiveTime: a time has no offset.
            ValueError: a text is no time, or `start` is not before `end`.
        """
        span = _span(start, end)
        files = self._chosen(_ANCILLARY, iso, dataset, year, span)
        where = list(span.conditions)
        named = ((("as_product", "as_product_standard"), products), (("as_region",), regions))
        for names, asked in named:
            if asked is not None:
                words = _words(asked)
                self._require(files, names, words)
                either = (f"{quoted_name(name)} in ({_texts(words)})" for name in names)
                where.append(f"({' or '.join(either)})")
        return self._rows([file.path for file in files], where, columns)

    def locations(self, iso: str | None = None, dataset: str | None = None) -> DuckDBPyRelation:
        """Return the locations of energy prices, one row per operator, dataset and location id.

        They are those of `metadata/locations.parquet` where that is there; else they are found in
        the year files, which takes seconds where these are large.

        Raises:
            NotInTree: there is no such operator or dataset.
        """
        if iso is None and dataset is not None:
            raise ValueError("name the operator of the dataset too")
        files = self._of(iso, dataset) if iso is not None else self._files()
        listed = {(file.iso, file.dataset) for file in files}
        if self._workspace.locations.is_file():
            known = self._sql(f"select * from {year_files_sql([self._workspace.locations])}")
            if iso is None:
                return known
            pairs = ", ".join(f"({quoted_text(i)}, {quoted_text(d)})" for i, d in sorted(listed))
            return known.filter(f"(lower(iso), dataset) in ({pairs})")
        energy = [pair for pair in sorted(listed) if self._family_of(*pair) == _ENERGY]
        if not energy:
            raise NotInTree(f"{iso or self.out} has no dataset of locations")
        return self._sql(
            " union all ".join(
                _locations_sql(i, d, [f.path for f in files if (f.iso, f.dataset) == (i, d)])
                for i, d in energy
            )
        )

    def metadata(self, name: str = "manifest") -> Any:
        """Return one of the JSON files below `metadata/`, such as `market_info`.

        name: its path there, without the ending.

        Raises:
            NotInTree: there is no such file.
        """
        folder = self.out / "metadata"
        known = {
            path.relative_to(folder).with_suffix("").as_posix(): path
            for path in sorted(folder.rglob("*.json"))
        }
        if name not in known:
            raise NotInTree(f"no metadata {name!r}: there are {_listed(known)}")
        return json.loads(known[name].read_bytes())

    def _sql(self, query: str) -> DuckDBPyRelation:
        """Return a relation in a session of its own: one that is half read blocks no other."""
        return self._connection.cursor().sql(query)

    def _files(self) -> list[_YearFile]:
        return list(_year_files(self._workspace))

    def _of(self, iso: str, dataset: str | None) -> list[_YearFile]:
        """Return the files of an operator, or of a dataset of it."""
        files = self._files()
        isos = dict.fromkeys(file.iso for file in files)
        if iso.casefold() not in isos:
            raise NotInTree(f"no operator {iso!r} in {self.out}: there are {_listed(isos)}")
        files = [file for file in files if file.iso == iso.casefold()]
        if dataset is None:
            return files
        names = dict.fromkeys(file.dataset for file in files)
        name = dataset.casefold()
        name = name if name in names else name.removeprefix(f"{iso.casefold()}_")
        if name not in names:
            raise NotInTree(f"no dataset {dataset!r} of {iso}: there are {_listed(names)}")
        return [file for file in files if file.dataset == name]

    def _chosen(
        self,
        family: str,
        iso: str,
        dataset: str,
        year: int | Iterable[int] | None,
        span: _Span,
    ) -> list[_YearFile]:
        files = self._of(iso, dataset)
        found = self._family_of(files[0].iso, files[0].dataset)
        if found != family:
            raise NotInTree(f"{files[0].iso} {files[0].dataset} is a dataset of {found}")
        published = [file.year for file in files]
        years = published if year is None else [year] if isinstance(year, int) else list(year)
        lacking = [asked for asked in years if asked not in published]
        if lacking:
            raise NotInTree(f"no {_listed(lacking)} of {iso} {dataset}: there are {published}")
        chosen = [file for file in files if file.year in years and span.may_have(file.year)]
        if not chosen:
            raise NotInTree(f"{iso} {dataset} has no such days: there are the years {published}")
        return chosen

    def _family_of(self, iso: str, dataset: str) -> str:
        """Return what its newest file says that a dataset is; before families all were prices."""
        file = [file for file in self._files() if (file.iso, file.dataset) == (iso, dataset)][-1]
        with self._connection.cursor() as cursor:
            told = cursor.execute(
                sql_text("footer_text"), {"path": str(file.path), "key": FOOTER_KEY}
            ).fetchall()
        if not told:
            raise NotInTree(f"{file.path} is no file of unified-iso")
        entry: Mapping[str, Any] = json.loads(told[0][0])
        return str(entry.get("family", _ENERGY))

    def _twin_or(self, file: _YearFile) -> Path:
        twin = twin_of(self._workspace, file._asdict())
        return twin if is_twin(twin, file.path) else file.path

    def _ids(self, files: Sequence[_YearFile], asked: Sequence[str]) -> list[str]:
        """Return the ids of locations that were asked for by id or by name."""
        found = self._named(files, asked)
        ids: list[str] = []
        for word in asked:
            named = sorted({i for i, name in found if name == word})
            if any(i == word for i, _ in found):
                ids.append(word)
            elif len(named) > 1:
                raise AmbiguousLocation(f"{word!r} is the name of the ids {_listed(named)}")
            elif named:
                ids += named
            else:
                raise NotInTree(
                    f"no location {word!r} in {files[0].iso} {files[0].dataset}:"
                    f" there are {self._some_locations(files)}"
                )
        return list(dict.fromkeys(ids))

    def _named(self, files: Sequence[_YearFile], asked: Sequence[str]) -> list[tuple[str, str]]:
        """Return id and name of the locations that have one of these words for either."""
        words = _texts(asked)
        either = f"settlement_location_id in ({words}) or settlement_location in ({words})"
        columns = "settlement_location_id, settlement_location"
        with suppress(duckdb.Error, NotInTree):
            if self._workspace.locations.is_file():
                known = self.locations(files[0].iso, files[0].dataset)
                found = known.filter(either).project(columns).distinct().fetchall()
                if {word for row in found for word in row} >= set(asked):
                    return found
        # The list is made at the end of a build, so that files may have locations that it lacks.
        return (
            self._rows([self._twin_or(file) for file in files], [either], None)
            .project(columns)
            .distinct()
            .fetchall()
        )

    def _some_locations(self, files: Sequence[_YearFile]) -> str:
        rows = self._rows([files[-1].path], [], ["settlement_location_id", "settlement_location"])
        found = rows.distinct().order("all").limit(_SHOWN + 1).fetchall()
        return _listed([i if i == name else f"{i} ({name})" for i, name in found])

    def _require(
        self, files: Sequence[_YearFile], names: Sequence[str], asked: Sequence[str]
    ) -> None:
        rows = self._rows([file.path for file in files], [], names).distinct().fetchall()
        known = sorted({word for row in rows for word in row if word is not None})
        for word in asked:
            if word not in known:
                what = f"{names[0]} {word!r} in {files[0].iso} {files[0].dataset}"
                raise NotInTree(f"no {what}: there are {', '.join(known)}")

    def _rows(
        self, paths: Sequence[Path], where: Sequence[str], columns: Sequence[str] | None
    ) -> DuckDBPyRelation:
        rows = self._sql(
            f"select * from {year_files_sql(paths)} where {' and '.join(where) or 'true'}"
        )
        if columns is None:
            return rows
        for column in columns:
            if column not in rows.columns:
                raise NotInTree(f"no column {column!r}: there are {', '.join(rows.columns)}")
        return rows.project(", ".join(map(quoted_name, columns)))


class _Span(NamedTuple):
    """Conditions on the rows of a stretch of time, and the delivery years that may have some."""

    conditions: tuple[str, ...]
    first_year: int
    last_year: int

    def may_have(self, year: int) -> bool:
        return self.first_year <= year <= self.last_year


def _span(start: Moment | None, end: Moment | None) -> _Span:
    first, last = _moment("start", start), _moment("end", end)
    if type(first) is type(last) and first is not None and last is not None and first >= last:
        raise ValueError(f"start {start} is not before end {end}")
    conditions = [
        f"{'datetime_utc' if isinstance(moment, datetime) else 'delivery_date'} {sign}"
        f" {quoted_text(moment.isoformat())}::"
        f"{'timestamptz' if isinstance(moment, datetime) else 'date'}"
        for moment, sign in ((first, ">="), (last, "<"))
        if moment is not None
    ]
    # A delivery day begins within a day of its date in UTC.
    first_year = (first - timedelta(days=1)).year if first is not None else date.min.year
    last_year = (last + timedelta(days=1)).year if last is not None else date.max.year
    return _Span(tuple(conditions), first_year, last_year)


def _moment(name: str, given: Moment | None) -> datetime | date | None:
    """Read a time or a delivery day."""
    if isinstance(given, str):
        try:
            is_day = re.fullmatch(r"\d{4}-\d{2}-\d{2}", given.strip()) is not None
            given = date.fromisoformat(given.strip()) if is_day else datetime.fromisoformat(given)
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from error
    if isinstance(given, datetime) and given.utcoffset() is None:
        raise NaiveTime(
            f"{name} {given} has no offset: write {given.isoformat()}Z for UTC, or give a date for"
            " a delivery day of the market"
        )
    return given


def _year_files(workspace: Workspace) -> Iterator[_YearFile]:
    for path in workspace.year_files():
        iso, dataset = path.parent.parent.name, path.parent.name
        match = _YEAR_FILE.fullmatch(path.name)
        if match and match["dataset"] == dataset:
            yield _YearFile(iso, dataset, int(match["year"]), path)


def _locations_sql(iso: str, dataset: str, paths: Sequence[Path]) -> str:
    return (
        f"select {quoted_text(iso)} as iso, {quoted_text(dataset)} as dataset,"
        " settlement_location_id,"
        " max_by(settlement_location, datetime_utc) as settlement_location,"
        " max_by(settlement_location_type, datetime_utc) as settlement_location_type,"
        " max_by(zone, datetime_utc) as zone,"
        " min(datetime_utc) as first_interval, max(datetime_utc) as last_interval"
        f" from {year_files_sql(paths)} group by settlement_location_id"
    )


def _words(given: Words) -> list[str]:
    return [given] if isinstance(given, str) else list(given)


def _texts(words: Iterable[str]) -> str:
    return ", ".join(map(quoted_text, words)) or "null"


def _listed(names: Iterable[Any]) -> str:
    """Name things, of many the first."""
    words = list(map(str, names))
    more = f" and {len(words) - _SHOWN} more" if len(words) > _SHOWN else ""
    return (", ".join(words[:_SHOWN]) or "none") + more
