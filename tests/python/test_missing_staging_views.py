"""Staging models that no run has made yet: unit tests find their columns, and nobody reads them."""

from __future__ import annotations

import duckdb
import pytest

from unified_iso.build.spec import Staging
from unified_iso.build.views import make_missing_staging_views

STAGING = Staging(
    name="stg_x__prices",
    relation='"memory"."staging"."stg_x__prices"',
    columns={"interval_start_utc": "timestamptz", "lmp_total": "double"},
    sources=(),
)


def test_a_missing_model_has_its_columns_and_no_reader() -> None:
    with duckdb.connect() as connection:
        make_missing_staging_views(connection, [STAGING])
        columns = connection.execute(f"describe {STAGING.relation}").fetchall()
        assert [(name, kind) for name, kind, *_ in columns] == [
            ("interval_start_utc", "TIMESTAMP WITH TIME ZONE"),
            ("lmp_total", "DOUBLE"),
        ]
        with pytest.raises(duckdb.Error, match="no build has made stg_x__prices yet"):
            connection.execute(f"select lmp_total from {STAGING.relation}").fetchall()


def test_a_model_that_was_made_stays() -> None:
    with duckdb.connect() as connection:
        connection.execute("create schema staging")
        connection.execute("create view staging.stg_x__prices as select 21.5 as lmp_total")
        make_missing_staging_views(connection, [STAGING])
        rows = connection.execute(f"select * from {STAGING.relation}").fetchall()
        assert [float(price) for (price,) in rows] == [21.5]
