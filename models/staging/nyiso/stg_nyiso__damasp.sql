-- NYISO day-ahead prices of ancillary services, report damasp. One row per product, zone or region and hour.
-- Quirks: hour beginning in Eastern prevailing time, with EST or EDT beside it, which tells the second 01:00
-- of the fall day; a column for each product, named with its unit; regulation is one price for the whole
-- control area, repeated in each zone; the five-minute report has the same columns and one more. Until
-- 22 June 2016 a line has neither zone nor mark, but columns for each reserve region, until October 2001 one
-- for each product alone.
{%- set of_zones = [
    '10 Min Spinning Reserve ($/MWHr)',
    '10 Min Non-Synchronous Reserve ($/MWHr)',
    '30 Min Operating Reserve ($/MWHr)',
    'NYCA Regulation Capacity ($/MWHr)',
] %}
with source as (

    select * from {{ source('nyiso', 'damasp') }}

),

typed as (

    {{ nyiso_asp_rows('source', of_zones=of_zones, of_area='Regulation ($/MWHr)') }}

),

passes as (

    {{ with_pass_by_order(
        'typed',
        iso='nyiso',
        location='as_region',
        listed_by='as_region',
        column='Time Stamp',
        local='local_stamp'
    ) }}

),

clocked as (

    {{ with_utc(
        'passes',
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
            when place_error is not null then place_error
            else pass_error
        end as fault
    from marked

),

products as (

    {{ nyiso_asp_products('judged', prices=of_zones + ['Regulation ($/MWHr)']) }}

),

named as (

    {{ with_product_name('products', iso='nyiso') }}

),

final as (

    {{ ancillary_prices('named', market_type="'DA' as market_type", wide=true) }}

)

select * from final
