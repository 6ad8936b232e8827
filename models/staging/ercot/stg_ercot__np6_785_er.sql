-- ERCOT real-time prices of hubs and load zones by year, report NP6-785-ER. One row per settlement point,
-- type and quarter of an hour, of all sheets and of sheets saved as csv.
-- Quirks: those of NP6-905-CD under other headings, without DC ties; until some year load zones came once;
-- sheets of months to come have a header only; a book may have a blank row, or one below its data with a
-- day, a count and a time, after which tools show 1 as 1.0; a sheet that was saved as csv has commas in its
-- thousands.
with source as (

    select * from {{ source('ercot', 'np6_785_er') }}

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
        source.delivery_hour as hour_ending,
        source.delivery_interval,
        source.repeated_hour_flag,
        {{ trimmed('source.settlement_point_name') }} as published_name,
        {{ trimmed('source.settlement_point_type') }} as published_type,
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
        coalesce({{ trimmed('hour_ending') }}, {{ trimmed('delivery_interval') }}) is null
        and (printed_price is null or published_name is null) as is_blank,
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

final as (

    {{ ercot_spp_prices('kinds', printed_price='printed_price', with_types=true, may_be_blank=true) }}

)

select * from final
