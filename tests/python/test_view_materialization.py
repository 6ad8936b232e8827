"""A view is replaced by one statement, whatever stood in its place, and keeps its contract."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import duckdb
import pytest
from dbt.cli.main import dbtRunner

from building import REPOSITORY
from test_dbt_inside import arguments, run
from unified_iso import dbt_inside

__all__ = ["arguments"]

pytestmark = pytest.mark.builds

CONTRACT = (
    "{models: [{name: tiny, config: {contract: {enforced: true}},"
    " columns: [{name: models, data_type: integer}]}]}"
)


def made(folder: Path) -> tuple[list[tuple[str, str]], list[tuple[object, ...]]]:
    """Return the relations that there are, with their types, and the rows of the model."""
    with duckdb.connect(str(folder / "work.duckdb"), read_only=True) as connection:
        relations = connection.execute(
            "select table_name, table_type from information_schema.tables order by all"
        ).fetchall()
        return relations, connection.execute("select * from tiny").fetchall()


def test_a_view_replaces_a_view_and_a_table(arguments: list[str], tmp_path: Path) -> None:
    (tmp_path / "macros").mkdir()
    shutil.copy(REPOSITORY / "macros" / "run" / "view.sql", tmp_path / "macros")
    model = tmp_path / "models" / "tiny.sql"
    for sql, kind, rows in (
        ("select 1 as models", "VIEW", [(1,)]),
        ("select 2 as models, 'b' as more", "VIEW", [(2, "b")]),
        ("{{ config(materialized='table') }} select 3 as models", "BASE TABLE", [(3,)]),
        ("select 4 as models", "VIEW", [(4,)]),
    ):
        model.write_text(sql)
        run(["run", *arguments])
        dbt_inside.close_database()
        assert made(tmp_path) == ([("tiny", kind)], rows)
    (tmp_path / "models" / "tiny.yml").write_text(CONTRACT)
    model.write_text("select 'five' as models")
    failed: Any = dbtRunner().invoke(["run", *arguments]).result
    dbt_inside.close_database()
    assert "enforced contract that failed" in failed.results[0].message
    assert made(tmp_path) == ([("tiny", "VIEW")], [(4,)])
