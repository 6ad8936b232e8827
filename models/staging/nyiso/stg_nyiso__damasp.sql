-- NYISO day-ahead prices of ancillary services, report damasp. One row per product, zone and hour.
-- Quirks: hour beginning in Eastern prevailing time, with EST or EDT beside it, which tells the second 01:00
-- of the fall day; a column for each product, named with its unit; regulation is one price for the whole
-- control area, repeated in each zone; the five-minute report has the same columns and one more.
with source as (

    select * from {{ source('nyiso', 'damasp') }}

),

typed as (

    {{ nyiso_asp_rows('source') }}

),

clocked as (

    {{ with_utc(
        'typed',
        iso='nyiso',
        column='Time Stamp',
        local='local_stamp',
        five_minute_report='rtasp'
    ) }}

),

marked as (

    {{ nyiso_asp_marked('clocked', instant='interval_start_utc') }}

),

judged as (

    select
        *,
        case
            when clock_error is not null then clock_error
            when interval_start_utc is null then 'rejected: no Time Stamp'
            when as_region is null then 'rejected: no Name'
            else pass_error
        end as fault
    from marked

),

products as (

    {{ nyiso_asp_products('judged', prices=[
        '10 Min Spinning Reserve ($/MWHr)',
        '10 Min Non-Synchronous Reserve ($/MWHr)',
        '30 Min Operating Reserve ($/MWHr)',
        'NYCA Regulation Capacity ($/MWHr)',
    ]) }}

),

named as (

    {{ with_product_name('products', iso='nyiso') }}

),

final as (

    {{ ancillary_prices('named', market_type="'DA' as market_type", wide=true) }}

)

select * from final
