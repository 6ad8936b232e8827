"""What the linter's Jinja needs of dbt's adapter: dispatch without a database."""

from __future__ import annotations

from collections.abc import Callable

ENGINE_SQL = {
    "utc": "{0}::timestamptz",
    "to_local": "timezone({1}, {0})",
    "second_pass_to_utc": "timezone({1}, {0})",
    "data_source_of": "{0}::varchar",
    "intervals_seen": "count(distinct interval_start_utc)",
    "never": "random() < 0",
    "plus_minutes": "{0} + to_minutes({1})",
    "seconds_from": "date_diff('second', {0}, {1})",
    "start_of_step": "date_trunc('minute', {0} - to_minutes({1}))",
    "off_grid": "extract(minute from {0}) % {1} <> 0",
    "end_of_believable_time": "current_date",
    "market_hours": "select 0 as hour_number, 0 as behind_utc_us",
    "blank_characters": "' '",
    "without_decimals": "replace({0}, '.0', '')",
    "is_misprinted_number": "{0} is not null",
    "number_of": "case when {1} then {0}::double end",
    "stamp_of": "{0}::timestamp",
    "instant_of": "{0}::timestamptz",
    "has_utc_offset": "regexp_matches({0}, '.')",
    "list_of": "{0}",
    "with_each_hour": "select *, 0 as hour_index from {0}",
    "with_each_product": "select *, '' as published_product from {0}",
}


def dispatch(name: str, package: str) -> Callable[..., str]:
    """Return a stand-in for the engine's macro of that name."""
    return ENGINE_SQL[name].format


def quote(name: str) -> str:
    """Quote an identifier."""
    return f'"{name}"'
