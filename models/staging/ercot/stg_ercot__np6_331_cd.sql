-- ERCOT real-time clearing prices for capacity, report NP6-331-CD. One row per product and quarter of an
-- hour.
-- Quirks: an hour is told by its end, 1 to 24, and a quarter by its number; RepeatedHourFlag marks the
-- second pass of the repeated hour, as Y or true; real time has had prices of its own since 5 December
-- 2025, and rows before are of market trials.
with source as (

    select * from {{ source('ercot', 'np6_331_cd') }}

),

typed as (

    select
        raw_file,
        raw_row,
        raw_fault,
        delivery_date,
        delivery_hour as hour_ending,
        delivery_interval,
        repeated_hour_flag,
        {{ trimmed('as_type') }} as published_product,
        mcpc as price
    from source

),

labels as (

    {{ ercot_labels('typed', quarters=true) }}

),

quarters as (

    {{ with_utc('labels', iso='ercot', column='delivery date, hour and interval', minutes=15) }}

),

clocked as (

    select
        *,
        'ERCOT' as as_region,
        null::double as cleared_quantity_mw,
        1::uinteger as version,
        1::utinyint as raw_lines,
        case
            when label_error is not null then label_error
            when delivery_date < date '2025-12-05'
                then 'filtered: prices of market trials, before those of 5 December 2025'
        end as fault
    from ({{ ercot_with_labels('typed', 'quarters', series='published_product', quarters=true) }}) as labelled

),

named as (

    {{ with_product_name('clocked', iso='ercot') }}

),

final as (

    {{ ancillary_prices('named', market_type="'RT' as market_type") }}

)

select * from final
