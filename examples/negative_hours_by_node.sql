-- Hours with a negative price, by node and year: where energy is given away.
-- One row per operator, market, length of interval, location and delivery year, the most hours first.
-- An operator may publish real time in several lengths, so these are counted apart. Names repeat: the id
-- tells locations apart.
-- duckdb -readonly OUT/catalog.duckdb < examples/negative_hours_by_node.sql
with prices as (

    select
        *,
        epoch(interval_end_utc - interval_start_utc) / 3600 as length_hours
    from energy_prices

)

select
    iso,
    market_type,
    interval_minutes,
    settlement_location_id,
    any_value(settlement_location) as settlement_location,
    year(delivery_date) as delivery_year,
    round(sum(length_hours) filter (where lmp_total < 0), 2) as negative_hours,
    round(sum(length_hours), 2) as hours,
    min(lmp_total) as lmp_lowest
from prices
group by
    iso,
    market_type,
    interval_minutes,
    settlement_location_id,
    year(delivery_date)
having negative_hours > 0
order by
    negative_hours desc,
    iso asc,
    market_type asc,
    interval_minutes asc,
    settlement_location_id asc
limit 50;
