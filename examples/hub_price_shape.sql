-- Shape of hub prices over the local day, by month: what a battery at a hub buys and sells at.
-- One row per operator, hub, month and hour ending. Real-time prices are means of the hour.
-- duckdb -readonly OUT/catalog.duckdb < examples/hub_price_shape.sql
select
    iso,
    settlement_location,
    settlement_location_id,
    date_trunc('month', delivery_date)::date as delivery_month,
    delivery_hour,
    round(avg(lmp_da), 2) as lmp_da_mean,
    round(avg(lmp_rt_mean), 2) as lmp_rt_mean,
    round(min(lmp_rt_min), 2) as lmp_rt_lowest,
    round(max(lmp_rt_max), 2) as lmp_rt_highest,
    count(*) as hours
from price_panel
where settlement_location_type = 'HUB'
group by all
order by all;
