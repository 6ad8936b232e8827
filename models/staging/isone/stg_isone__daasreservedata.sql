-- ISO-NE day-ahead ancillary service prices, report daasreservedata. One row per product, location and hour.
-- Quirks: the hour labels of the daily reports, but the fall day has 02 twice without an X, so that the
-- order of lines tells the second pass; the price of the energy imbalance reserve is not published, only its
-- megawatts. Of the designated megawatts only those of spinning reserve are the quantity of a price: the
-- others are of one kind of reserve each, and the prices hold for all ten-minute and thirty-minute reserve.
with source as (

    select * from {{ source('isone', 'daasreservedata') }}

),

typed as (

    select
        *,
        "Local Date" + to_hours({{ isone_hour_ending('"Hour Ending"') }} - 1) as local_start,
        {{ published_id('"Location ID"') }} as as_region,
        try_cast({{ published_id('"Location ID"') }} as bigint) as location_number,
        case when {{ trimmed('"Hour Ending"') }} like '%X' then true end as told_pass,
        1::uinteger as version
    from source

),

passes as (

    {{ with_pass_by_order(
        'typed',
        iso='isone',
        location='as_region',
        listed_by='location_number',
        column='Hour Ending'
    ) }}

),

clocked as (

    {{ with_utc('passes', iso='isone', column='Local Date and Hour Ending') }}

),

checked as (

    select
        *,
        case
            when "Local Date" <> date_trunc('day', "Local Date")
                then 'rejected: Local Date ' || "Local Date" || ' is not the start of a day'
            when clock_error is not null then clock_error
            when interval_start_utc is null then 'rejected: no Local Date, or no Hour Ending from 01 to 24'
            when pass_error is not null then pass_error
        end as fault
    from clocked

),

products as (

    {{ with_each_product('checked', prices={
        'Ten Minute Spinning Reserve Clearing Price': '"Ten Minute Spinning Reserve Clearing Price"',
        'Ten Minute Reserve Clearing Price': '"Ten Minute Reserve Clearing Price"',
        'Total Thirty Reserve Clearing Price': '"Total Thirty Reserve Clearing Price"',
        'FER Price': '"FER Price"',
    }, quantities={
        'Ten Minute Spinning Reserve Clearing Price': '"TMSR Designated MW"',
    }) }}

),

named as (

    {{ with_product_name('products', iso='isone') }}

),

final as (

    {{ ancillary_prices('named', market_type="'DA' as market_type", wide=true) }}

)

select * from final
