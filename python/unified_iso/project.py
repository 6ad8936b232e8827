"""What the dbt project of this package has: operators, reports, datasets, and a choice of them."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from unified_iso.families import families
from unified_iso.root import ROOT, in_project


class UnknownName(ValueError):
    """An operator or dataset that the project doesn't have; the message lists those it has."""


@dataclass(frozen=True)
class Choice:
    """What a build was asked for: models by name; `everything` where nothing was left out.

    named: the operators that were asked for by name, all or none of `isos`.
    datasets: the datasets that were asked for by name, without their operator.
    """

    models: tuple[str, ...]
    isos: tuple[str, ...]
    everything: bool
    named: tuple[str, ...] = ()
    datasets: tuple[str, ...] = ()

    def named_for(self, dataset: str | None) -> tuple[str, ...]:
        """Return the operators that were asked for by name and were to have this dataset."""
        if dataset is None:
            return self.named
        return tuple(iso for iso in self.named if f"{iso}_{dataset}" in self.models)


def operators() -> list[str]:
    """Return the operators of the project, in the order of its markets seed."""
    with in_project("seeds", "markets.csv").open(newline="") as stream:
        return [row["iso"] for row in csv.DictReader(stream)]


def report_folders() -> list[tuple[str, str]]:
    """Return operator and name of every report that the project knows, read or not."""
    with in_project("seeds", "reports.csv").open(newline="") as stream:
        return [(row["iso"], row["report"]) for row in csv.DictReader(stream)]


def dataset_models() -> dict[str, tuple[str, str]]:
    """Return every dataset model with its operator and dataset name.

    A view may be named after an operator, too, as a mart of its prices is.
    """
    found = {}
    known = operators()
    for path in sorted(in_project("models", "unified").glob("*.sql")):
        iso, _, dataset = path.stem.partition("_")
        if iso in known and "materialized='year_files'" in path.read_text():
            found[path.stem] = (iso, dataset)
    return found


def choose(isos: Sequence[str], datasets: Sequence[str] = ()) -> Choice:
    """Turn the operators and the datasets asked for, in any case, into models.

    The operator may also stand in front of a dataset, as in the name of the model.

    Raises:
        UnknownName: no such operator or dataset.
    """
    models = dataset_models()
    isos = [operator_named(iso) for iso in isos]
    asked = [_split_model(isos, dataset.casefold(), models) for dataset in datasets]
    wanted: list[tuple[Sequence[str], str | None]] = [*asked] or [(isos, None)]
    if all(of for of, _ in asked):
        isos = isos or [iso for of, _ in asked for iso in of]
    chosen: dict[str, tuple[str, str]] = {}
    for of, dataset in wanted:
        found = {
            model: name
            for model, name in models.items()
            if (not of or name[0] in of) and (dataset is None or name[1] == dataset)
        }
        if not found:
            raise _half_made(dataset, of) or _no_dataset([dataset], of, models)
        chosen |= found
    lacking = [iso for iso in isos if iso not in {iso for iso, _ in chosen.values()}]
    if lacking:
        raise _no_dataset([dataset for _, dataset in asked], lacking, models)
    return Choice(
        models=tuple(model for model in models if model in chosen),
        isos=tuple(dict.fromkeys(iso for iso, _ in chosen.values())),
        everything=len(chosen) == len(models),
        named=tuple(dict.fromkeys(isos)),
        datasets=tuple(dict.fromkeys(dataset for _, dataset in asked)),
    )


def _half_made(dataset: str | None, isos: Sequence[str]) -> UnknownName | None:
    """Say of a model that was to be a dataset why it is none."""
    from unified_iso.build.complete import meant_as_dataset

    for name in [f"{iso}_{dataset}" for iso in isos or operators()] + [f"{dataset}"]:
        path = in_project("models", "unified") / f"{name}.sql"
        if path.is_file() and meant_as_dataset(path.read_text(), families(ROOT)):
            return UnknownName(
                f"models/unified/{path.name} is no dataset, because its config lacks "
                "materialized='year_files': add it"
            )
    return None


def _no_dataset(
    datasets: Sequence[str | None], isos: Sequence[str], models: Mapping[str, tuple[str, str]]
) -> UnknownName:
    available = sorted({name for iso, name in models.values() if not isos or iso in isos})
    return UnknownName(
        f"no dataset {' or '.join(filter(None, datasets))} for "
        f"{', '.join(isos) or 'any operator'}: there are {', '.join(available) or 'none'}"
    )


def operator_named(name: str) -> str:
    """Return an operator of the project by its name in any case.

    Raises:
        UnknownName: there is none of this name.
    """
    known = operators()
    if name.casefold() not in known:
        nearest = get_close_matches(name.casefold(), known, n=1)
        meant = f" (is {nearest[0]} meant?)" if nearest else ""
        raise UnknownName(f"no operator {name!r}{meant}: there are {', '.join(known)}")
    return name.casefold()


def _split_model(
    isos: Sequence[str], dataset: str, models: Mapping[str, tuple[str, str]]
) -> tuple[Sequence[str], str]:
    """Take a model's name apart; any other name means that dataset of all `isos`."""
    if dataset not in models:
        return isos, dataset
    iso, name = models[dataset]
    if isos and iso not in isos:
        raise UnknownName(f"{dataset} is a dataset of {iso}, not of {', '.join(isos)}")
    return [iso], name
