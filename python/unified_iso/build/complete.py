"""What a dataset must have before it is built, so that a half-made one is refused by name.

Without these a dataset would be a view that publishes nothing, publish columns of no type, or
publish rows that no test has seen.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from unified_iso.build.spec import Node, Project, is_dataset
from unified_iso.families import Family

# Severity stands in the project; without these tests nothing tells that rows can be published.
GUARANTEES = (
    *("required_columns_filled", "prices_are_sane", "values_in_domain", "physically_sorted"),
    *("grain_is_unique", "local_time_agrees_with_utc", "intervals_on_grid"),
    *("within_market_time", "accounts_balance"),
)
_OF_PARTS = "components_add_up"


class Incomplete(ValueError):
    """Datasets lack something; the message says for each of them what to add, and where."""


def require_complete(
    project: Project,
    families: Mapping[str, Family],
    operators: Collection[str],
    reports: Collection[tuple[str, str]],
    selected: Collection[str],
) -> None:
    """Check every model that is a dataset or was meant to be one.

    operators, reports: those of the seeds `markets` and `reports`.
    selected: unique ids of what is built; a dataset that is not may have been left out with its
        tests.

    Raises:
        Incomplete: a dataset lacks something.
    """
    tests = _tests_by_model(project)
    faults = [
        f"{node['original_file_path']}: {fault}"
        for node in project.nodes.values()
        if node["resource_type"] == "model"
        for fault in _faults(
            node,
            families,
            operators,
            tests.get(node["unique_id"], set()) if node["unique_id"] in selected else None,
        )
    ]
    if not faults:
        faults = [*_not_united(project), *_not_listed(project, reports)]
    if faults:
        raise Incomplete("; ".join(faults))


def _tests_by_model(project: Project) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for node in project.nodes.values():
        if node["resource_type"] == "test" and node.get("test_metadata"):
            named = node["test_metadata"]["name"]
            found.setdefault(node.get("attached_node") or "", set()).add(named)
    return found


def _faults(
    node: Node,
    families: Mapping[str, Family],
    operators: Collection[str],
    tests: Collection[str] | None,
) -> Iterator[str]:
    if not is_dataset(node):
        if _is_meant_as_dataset(node, families):
            yield "is no dataset, because its config lacks materialized='year_files': add it"
        return
    config = node["config"]
    lacking = [key for key in ("family", "iso", "minutes") if not config.get(key)]
    if lacking:
        yield f"its config lacks {', '.join(lacking)}: add {'it' if len(lacking) == 1 else 'them'}"
        return
    if config["family"] not in families:
        yield (
            f"there is no family {config['family']}: name one of {', '.join(sorted(families))}, or "
            "add its record to vars.families of dbt_project.yml"
        )
        return
    if config["iso"] not in operators:
        yield f"there is no operator {config['iso']}: add its row to seeds/markets.csv"
    elif not node["name"].startswith(f"{config['iso']}_"):
        yield f"its name does not begin with its operator: name the file {config['iso']}_*.sql"
    yield from _faults_of_entry(node, families[config["family"]], tests)


def _faults_of_entry(node: Node, family: Family, tests: Collection[str] | None) -> Iterator[str]:
    """What its entry in the yml of its family lacks."""
    where = f"its entry in the yml of {family.name}, beside those of other datasets"
    if not node["columns"]:
        yield f"has no columns: add them and `config: {{contract: {{enforced: true}}}}` to {where}"
    elif not (node["config"].get("contract") or {}).get("enforced"):
        yield (
            "nothing holds its columns to their types: add `config: {contract: {enforced: true}}` "
            f"to {where}"
        )
    if tests is None:
        return
    required = [*GUARANTEES, *([_OF_PARTS] if family.parts else [])]
    if lacking := [name for name in required if name not in tests]:
        yield f"lacks the tests {', '.join(lacking)}: add the data_tests of its family to {where}"


def _is_meant_as_dataset(node: Node, families: Mapping[str, Family]) -> bool:
    called = {macro.rpartition(".")[2] for macro in node.get("depends_on", {}).get("macros", [])}
    return bool(node["config"].get("family") or called & {f"{name}_from" for name in families})


def _not_united(project: Project) -> Iterator[str]:
    """Datasets that the view over their family leaves out, all rows of them."""
    united = project.unions()
    for dataset in project.datasets():
        if dataset.subset_where or dataset.family not in united:
            continue
        if dataset.model not in united[dataset.family]:
            yield f"the view {dataset.family} lacks {dataset.model}: add `union all` and its select"


def _not_listed(project: Project, reports: Collection[tuple[str, str]]) -> Iterator[str]:
    """Reports of datasets that have no rank."""
    read = {
        (source.iso, source.report): None
        for dataset in project.datasets()
        for source in dataset.sources
    }
    for iso, report in read:
        if (iso, report) not in reports:
            yield f"seeds/reports.csv has no row for {iso},{report}: add it with rank and seen"


def meant_as_dataset(text: str, families: Collection[str]) -> bool:
    """Whether the text of a model says that it is to be a dataset, which its config may not."""
    words = ["family=", *(f"{name}_from(" for name in families)]
    return any(word in text for word in words)
