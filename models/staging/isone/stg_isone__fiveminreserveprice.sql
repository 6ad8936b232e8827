-- ISO-NE real-time five-minute reserve prices, report fiveminreserveprice. One row per product, reserve zone
-- and interval. Quirks: names of columns have stray blanks and quotes, and hyphens where the day-ahead
-- report has none; stamps are those of the interval's start, and the second pass of the repeated hour is
-- told by the order of lines, per zone. Of the designated megawatts only those of spinning reserve are the
-- quantity of a price, as in the day-ahead report.
with source as (

    select * from {{ source('isone', 'fiveminreserveprice') }}

),

typed as (

    select
        *,
        "Local Time" as local_start,
        {{ trimmed('"Reserve Zone Name"') }} as as_region,
        try_cast({{ published_id('"Reserve Zone ID"') }} as bigint) as zone_number,
        null::boolean as told_pass,
        1::uinteger as version
    from source

),

passes as (

    {{ with_pass_by_order(
        'typed',
        iso='isone',
        location='as_region',
        listed_by='zone_number',
        column='Local Time',
        minutes=5
    ) }}

),

clocked as (

    {{ with_utc('passes', iso='isone', column='Local Time', minutes=5) }}

),

checked as (

    select
        *,
        case
            when clock_error is not null then clock_error
            when interval_start_utc is null then 'rejected: no Local Time'
            when pass_error is not null then pass_error
        end as fault
    from clocked

),

products as (

    {{ with_each_product('checked', prices={
        'Ten-Minute Spinning Reserve Clearing Price': '"Ten-Minute Spinning Reserve Clearing Price"',
        'Ten-Minute Reserve Clearing Price': '"Ten-Minute Reserve Clearing Price"',
        'Total Reserve Clearing Price': '"Total Reserve Clearing Price"',
    }, quantities={
        'Ten-Minute Spinning Reserve Clearing Price': '"Ten Minute Spinning Reserve Designated MW"',
    }) }}

),

named as (

    {{ with_product_name('products', iso='isone') }}

),

final as (

    {{ ancillary_prices('named', market_type="'RT' as market_type", wide=true) }}

)

select * from final
