-- Locations as each dataset has them: one row per operator, dataset and location. A location is active in a
-- dataset if it has a price on the last market day of that dataset.
create or replace temp table locations_by_dataset as
with located as (
    select
        iso,
        dataset,
        settlement_location_id,
        arg_max(settlement_location, row(last_interval, first_interval, settlement_location))
            as settlement_location,
        arg_max(settlement_location_type, row(last_interval, first_interval, settlement_location_type))
            as settlement_location_type,
        arg_max(zone, row(last_interval, first_interval, zone)) as zone,
        arg_max(voltage_kv, row(last_interval, first_interval, voltage_kv)) as voltage_kv,
        min(first_interval) as first_interval,
        max(last_interval) as last_interval,
        sum(rows)::bigint as rows,
        list_sort(list(distinct settlement_location)) as names
    from locations_in_files
    group by all
),

dated as (
    select
        located.*,
        timezone(markets.time_zone, located.last_interval)::date as last_day
    from located
    inner join seed_markets as markets on located.iso = markets.iso
)

select
    * exclude (last_day),
    last_day = max(last_day) over (partition by iso, dataset) as is_active
from dated
