-- ERCOT day-ahead settlement point prices, report NP4-190-CD. One row per settlement point and hour.
-- Quirks: hours are told by their end, and 24:00 belongs to the date beside it; DSTFlag marks the second
-- pass of the repeated hour, not daylight time, as Y or true; a price is not split into components; the
-- zone of a resource node stands in the settlement points list.
with source as (

    select * from {{ source('ercot', 'np4_190_cd') }}

),

settlement_points as (

    {{ ercot_zones_of_nodes(source('ercot', 'np4_160_sg')) }}

),

typed as (

    select
        raw_file,
        raw_row,
        raw_fault,
        delivery_date,
        hour_ending,
        dst_flag as repeated_hour_flag,
        {{ trimmed('settlement_point') }} as settlement_location,
        settlement_point_price as price
    from source

),

labels as (

    {{ ercot_labels('typed') }}

),

hours as (

    {{ with_utc('labels', iso='ercot', column='delivery date and hour ending') }}

),

clocked as (

    {{ ercot_with_labels('typed', 'hours', series='settlement_location') }}

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

    {{ ercot_spp_prices('zoned') }}

)

select * from final
