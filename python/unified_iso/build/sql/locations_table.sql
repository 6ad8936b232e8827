-- The table of locations that is published: one row per operator, dataset and location.
select
    upper(iso) as iso,
    dataset,
    settlement_location_id,
    settlement_location,
    settlement_location_type,
    zone,
    voltage_kv,
    first_interval,
    last_interval,
    rows,
    is_active,
    list_filter(names, lambda name: name <> settlement_location) as other_names
from locations_by_dataset
order by
    iso,
    dataset,
    settlement_location_id
