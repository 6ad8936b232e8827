-- ERCOT day-ahead clearing prices for capacity, report NP4-188-CD. One row per product and hour.
-- Quirks: hours are told by their end, and 24:00 belongs to the date beside it; DSTFlag marks the second
-- pass of the repeated hour, as Y or true; products of an hour come in any order; prices hold for the whole
-- system.
with source as (

    select * from {{ source('ercot', 'np4_188_cd') }}

),

typed as (

    select
        raw_file,
        raw_row,
        raw_fault,
        delivery_date,
        hour_ending,
        dst_flag as repeated_hour_flag,
        {{ trimmed('ancillary_type') }} as published_product,
        mcpc as price
    from source

),

labels as (

    {{ ercot_labels('typed') }}

),

hours as (

    {{ with_utc('labels', iso='ercot', column='delivery date and hour ending') }}

),

clocked as (

    select
        *,
        'ERCOT' as as_region,
        null::double as cleared_quantity_mw,
        1::uinteger as version,
        1::utinyint as raw_lines,
        label_error as fault
    from ({{ ercot_with_labels('typed', 'hours', series='published_product') }}) as labelled

),

named as (

    {{ with_product_name('clocked', iso='ercot') }}

),

final as (

    {{ ancillary_prices('named', market_type="'DA' as market_type") }}

)

select * from final
