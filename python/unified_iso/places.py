"""Where the views of the catalog find the published files: beside the catalog, wherever that is."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from unified_iso.sql import quoted_text

# Tells a session where the tree of an attached catalog lies, which DuckDB doesn't.
VARIABLE = "unified_iso_tree"

_HOW_TO_SAY = (
    f"this catalog is attached to another database: say SET VARIABLE {VARIABLE} = "
    "'the folder or address that it lies in' first"
)
# DuckDB spills beside the database that a session was opened with, in a folder named after it, and
# this setting is the only one that tells the place of a database while a view is bound. One that is
# in memory only has a folder without a name of its own.
_SPILL = "current_setting('temp_directory')"
_TREE = (
    f"case when getvariable('{VARIABLE}') <> ''"
    f" then rtrim(getvariable('{VARIABLE}')::varchar, '/\\') || '/'"
    f" when regexp_matches({_SPILL}, '[^/\\\\][.]tmp$')"
    f" then regexp_extract({_SPILL}, '^(.*[/\\\\])[^/\\\\]*$', 1)"
    f" else error({quoted_text(_HOW_TO_SAY)}) end"
)
YEAR = "[0-9][0-9][0-9][0-9]"


def files_sql(pattern: str | None, names: Sequence[str]) -> str:
    """Return the first argument of a `read_parquet` that reads files of the tree of a view.

    The files are those that match `pattern` now, so that one that has come or gone since the view
    was made breaks nothing. No pattern can be matched over HTTP: there they are `names`, and
    everywhere where there is no pattern. Both are paths below the folder of the tree.
    """
    listed = ", ".join(f"({_TREE}) || {quoted_text(name)}" for name in names)
    if pattern is None:
        return f"[{listed}]"
    # A folder above may have a name with letters that a pattern has a meaning for.
    tree = f"regexp_replace({_TREE}, '([*?[])', '[\\1]', 'g')"
    return (
        f"case when ({_TREE}) like 'http%://%' then [{listed}]"
        f" else [{tree} || {quoted_text(pattern)}] end"
    )


def only_in_tree(files: str, mark: str) -> str:
    """Return a `from` clause over files that can't be bound in any tree but the one with `mark`.

    `files` is the `from` clause without it. Nothing is joined, which DuckDB sees when it plans a
    query, so that it is planned as if nothing stood here; but the mark has to be opened before.
    """
    marks = files_sql(mark, [mark])
    nothing = f"select 1 from read_parquet({marks}, hive_partitioning = false) where false"
    return f"{files} as files anti join ({nothing}) as another_tree on true"


def year_files_pattern(iso: str, dataset: str, folder: str = "parquet") -> str:
    """Return the pattern of the year files of a dataset, below the folder of its tree."""
    return f"{folder}/{iso}/{dataset}/{dataset}_{YEAR}.parquet"


def pattern_of_family(datasets: Collection[str], others: Collection[str]) -> str | None:
    """Return the narrowest name pattern that all of `datasets` match and none of `others` does.

    None: their names have too little in common.
    """
    first, *rest = sorted(datasets, key=len)
    pieces = sorted(
        {first[i:j] for i in range(len(first) + 1) for j in range(i, len(first) + 1)},
        key=lambda piece: (-len(piece), piece),
    )
    for piece in pieces:
        if all(piece in name for name in rest) and not any(piece in name for name in others):
            return f"*{piece}*" if piece else "*"
    return None
