-- ERCOT day-ahead prices of hubs and load zones by year, report NP4-180-ER. One row per settlement point and
-- hour, of all sheets and of sheets saved as csv.
-- Quirks: those of NP4-190-CD under other headings; sheets of months to come have a header only; a book may
-- have a blank row, or one below its data that names no hour and no point, as that of real time has; a
-- sheet that was saved as csv has commas in its thousands.
with source as (

    select * from {{ source('ercot', 'np4_180_er') }}

),

-- Prices have cents, so that a point stands in some price of a file unless its decimals follow a comma.
pointed as (

    select
        raw_file,
        true as has_points
    from source
    where settlement_point_price like '%.%'
    group by raw_file

),

named as (

    select
        source.raw_file,
        source.raw_row,
        source.raw_fault,
        source.delivery_date,
        source.hour_ending,
        source.repeated_hour_flag,
        {{ trimmed('source.settlement_point') }} as settlement_location,
        {{ number_of(trimmed('source.settlement_point_price'), 'coalesce(pointed.has_points, false)') }}
            as price,
        {{ trimmed('source.settlement_point_price') }} as printed_price,
        null::varchar as zone
    from source
    left join pointed on source.raw_file = pointed.raw_file

),

typed as (

    select
        *,
        {{ trimmed('hour_ending') }} is null
        and (printed_price is null or settlement_location is null) as is_blank
    from named

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

final as (

    {{ ercot_spp_prices('kinds', printed_price='printed_price', may_be_blank=true) }}

)

select * from final
