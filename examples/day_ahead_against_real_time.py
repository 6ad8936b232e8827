"""Day-ahead against real-time prices by location: bias, spread, and how often real time was higher.

Needs nothing but the `duckdb` package. Only hours count that have a day-ahead price and real-time
prices of the whole hour.

    python examples/day_ahead_against_real_time.py OUT/catalog.duckdb [ISO]
"""

import sys

import duckdb

QUERY = """
    select
        iso,
        settlement_location_id as id,
        any_value(settlement_location) as location,
        count(*) as hours,
        round(avg(lmp_da_minus_rt), 2) as da_minus_rt,
        round(stddev_pop(lmp_da_minus_rt), 2) as deviation,
        round(100 * avg((lmp_rt_mean > lmp_da)::integer), 1) as rt_above_percent
    from price_panel
    where lmp_da_minus_rt is not null and has_whole_rt_hour and iso = coalesce($iso, iso)
    group by iso, settlement_location_id
    order by abs(avg(lmp_da_minus_rt)) desc, iso, settlement_location_id
    limit 40
"""


def main(catalog: str, iso: str | None = None) -> None:
    """Print a table for the published folder that the catalog belongs to."""
    with duckdb.connect(catalog, read_only=True) as connection:
        print(connection.sql(QUERY, params={"iso": iso and iso.upper()}))


if __name__ == "__main__":
    main(*sys.argv[1:])
