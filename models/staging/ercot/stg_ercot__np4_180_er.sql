-- ERCOT day-ahead prices of hubs and load zones by year, report NP4-180-ER. One row per settlement point and
-- hour, of all sheets and of sheets saved as csv.
-- Quirks: those of NP4-190-CD under other headings; sheets of months to come have a header only; a sheet that
-- was saved as csv has commas in its thousands.
with source as (

    select * from {{ source('ercot', 'np4_180_er') }}

),

typed as (

    select
        raw_file,
        raw_row,
        raw_fault,
        delivery_date,
        hour_ending,
        repeated_hour_flag,
        {{ trimmed('settlement_point') }} as settlement_location,
        {{ number_of(trimmed('settlement_point_price')) }} as price,
        {{ trimmed('settlement_point_price') }} as printed_price,
        null::varchar as zone
    from source

),

labels as (

    {{ ercot_hour_labels('typed') }}

),

hours as (

    {{ with_utc('labels', iso='ercot', column='delivery date and hour ending') }}

),

clocked as (

    {{ ercot_with_hours('typed', 'hours') }}

),

kinds as (

    {{ with_location_type('clocked', iso='ercot') }}

),

final as (

    {{ ercot_spp_prices('kinds', printed_price='printed_price') }}

)

select * from final
