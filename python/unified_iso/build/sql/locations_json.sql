-- Locations as the metadata files have them: one row per operator and location, in the order of the files.
with located as (
    select
        iso,
        settlement_location_id,
        arg_max(settlement_location, row(last_interval, first_interval, dataset)) as settlement_location,
        arg_max(settlement_location_type, row(last_interval, first_interval, dataset))
            as settlement_location_type,
        arg_max(zone, row(last_interval, first_interval, dataset)) as zone,
        arg_max(voltage_kv, row(last_interval, first_interval, dataset)) as voltage_kv,
        min(first_interval) as first_interval,
        max(last_interval) as last_interval,
        bool_or(is_active) as is_active,
        list_sort(list(dataset)) as datasets
    from locations_by_dataset
    group by all
),

changed as (
    select
        iso,
        settlement_location_id,
        list(
            {
                field: field,
                value: told,
                first_interval: strftime(first_interval, '%Y-%m-%dT%H:%M:%SZ'),
                last_interval: strftime(last_interval, '%Y-%m-%dT%H:%M:%SZ'),
                datasets: datasets
            }
            order by first_interval, field, told
        ) as changes
    from location_changes
    group by all
),

listed as (
    select
        iso,
        settlement_location_id,
        list(
            {
                report: report,
                name: listed_name,
                type: listed_type,
                zone: listed_zone,
                voltage_kv: voltage_kv,
                effective_date: effective_date,
                retirement_date: retirement_date,
                latitude: latitude,
                longitude: longitude,
                details: details
            }
            order by
                report,
                effective_date nulls first,
                details::varchar,
                listed_name,
                voltage_kv,
                listed_zone,
                listed_type,
                latitude
        ) as location_lists
    from listed_locations
    group by all
)

select
    located.iso,
    coalesce(places.file, 'nodes') as file,
    to_json({
        settlement_location_id: located.settlement_location_id,
        settlement_location: located.settlement_location,
        settlement_location_type: located.settlement_location_type,
        zone: located.zone,
        voltage_kv: located.voltage_kv,
        first_interval: strftime(located.first_interval, '%Y-%m-%dT%H:%M:%SZ'),
        last_interval: strftime(located.last_interval, '%Y-%m-%dT%H:%M:%SZ'),
        active: located.is_active,
        datasets: located.datasets,
        changes: coalesce(changed.changes, []),
        location_lists: coalesce(listed.location_lists, [])
    })::varchar as line
from located
left join seed_location_files as places on located.settlement_location_type = places.settlement_location_type
left join changed
    on located.iso = changed.iso and located.settlement_location_id = changed.settlement_location_id
left join listed
    on located.iso = listed.iso and located.settlement_location_id = listed.settlement_location_id
order by
    located.iso,
    file,
    located.settlement_location_id
