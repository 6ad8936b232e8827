-- Values that a location has had of one field, where it has had several: one row per operator, location,
-- field and value. Intervals overlap where datasets disagree, or where a value came back.
create or replace temp table location_changes as
with told_values as (
    select
        iso,
        dataset,
        settlement_location_id,
        first_interval,
        last_interval,
        unnest(['settlement_location', 'settlement_location_type', 'zone', 'voltage_kv']) as field,
        unnest([settlement_location, settlement_location_type, zone, voltage_kv::varchar]) as told
    from locations_in_files
),

valued as (
    select
        iso,
        settlement_location_id,
        field,
        told,
        min(first_interval) as first_interval,
        max(last_interval) as last_interval,
        list_sort(list(distinct dataset)) as datasets
    from told_values
    where told is not null
    group by all
)

select *
from valued
qualify count(*) over (partition by iso, settlement_location_id, field) > 1
