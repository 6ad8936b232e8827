-- ERCOT real-time settlement point prices, report NP6-905-CD. One row per settlement point, type and
-- quarter of an hour.
-- Quirks: an hour is told by its end, 1 to 24, and a quarter by its number; DSTFlag marks the second pass of
-- the repeated hour, as Y or true; load zones and DC ties come twice, and the price weighted by energy
-- gets the name <name>_EW; a price is not split into components; the zone of a resource node stands in
-- the settlement points list.
with source as (

    select * from {{ source('ercot', 'np6_905_cd') }}

),

settlement_points as (

    {{ ercot_zones_of_nodes(source('ercot', 'np4_160_sg')) }}

),

named as (

    select
        raw_file,
        raw_row,
        raw_fault,
        delivery_date,
        delivery_hour as hour_ending,
        delivery_interval,
        dst_flag as repeated_hour_flag,
        {{ trimmed('settlement_point_name') }} as published_name,
        {{ trimmed('settlement_point_type') }} as published_type,
        settlement_point_price as price
    from source

),

typed as (

    select
        *,
        {{ ercot_location('published_name', 'published_type') }} as settlement_location
    from named

),

labels as (

    {{ ercot_labels('typed', quarters=true) }}

),

quarters as (

    {{ with_utc('labels', iso='ercot', column='delivery date, hour and interval', minutes=15) }}

),

clocked as (

    {{ ercot_with_labels('typed', 'quarters', series='settlement_location', quarters=true) }}

),

kinds as (

    {{ with_location_type('clocked', iso='ercot') }}

),

zoned as (

    select
        kinds.*,
        settlement_points.zone
    from kinds
    left join settlement_points on kinds.settlement_location = settlement_points.resource_node

),

final as (

    {{ ercot_spp_prices('zoned', with_types=true) }}

)

select * from final
