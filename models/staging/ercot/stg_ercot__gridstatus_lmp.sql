-- ERCOT settlement point prices in the shape the gridstatus library prints. One row per settlement point
-- and interval. Quirks: the price column is SPP, and there are no components; energy-weighted load zones
-- come as <name>_EW; the type is told by the name; the zone of a resource node stands in the settlement
-- points list.
with source as (

    select * from {{ source('ercot', 'gridstatus_lmp') }}

),

settlement_points as (

    {{ ercot_zones_of_nodes(source('ercot', 'np4_160_sg')) }}

),

typed as (

    {{ gridstatus_lmp_rows(
        'source',
        iso='ercot',
        price='"SPP"',
        energy='null::double',
        congestion='null::double',
        loss='null::double'
    ) }}

),

stepped as (

    {{ with_time_step('typed') }}

),

located as (

    {{ with_location_type('stepped', iso='ercot') }}

),

zoned as (

    select located.* replace (settlement_points.zone as zone)
    from located
    left join settlement_points on located.settlement_location = settlement_points.resource_node

),

final as (

    {{ gridstatus_lmp_prices('zoned', price='SPP') }}

)

select * from final
