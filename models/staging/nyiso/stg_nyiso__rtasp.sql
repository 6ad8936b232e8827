-- NYISO real-time prices of ancillary services from each dispatch run, report rtasp. One row per product,
-- zone or region and stamp. Quirks: those of the day-ahead report, but a stamp is the end of an interval, and
-- dispatch runs come off the five-minute grid too, so that intervals differ in length and the first of a file
-- starts where the file of the day before ends; a file of a day that is not over ends with advisory prices.
{%- set of_zones = [
    '10 Min Spinning Reserve ($/MWHr)',
    '10 Min Non-Synchronous Reserve ($/MWHr)',
    '30 Min Operating Reserve ($/MWHr)',
    'NYCA Regulation Capacity ($/MWHr)',
] %}
with source as (

    select * from {{ source('nyiso', 'rtasp') }}

),

typed as (

    {{ nyiso_asp_rows('source', of_zones=of_zones) }}

),

passes as (

    {{ with_pass_by_order(
        'typed',
        iso='nyiso',
        location='as_region',
        listed_by='as_region',
        column='Time Stamp',
        minutes=5,
        local='local_stamp'
    ) }}

),

clocked as (

    {{ with_utc(
        'passes',
        iso='nyiso',
        column='Time Stamp',
        minutes=1/60,
        local='local_stamp',
        instant='interval_end_utc'
    ) }}

),

marked as (

    {{ nyiso_asp_marked('clocked', instant='interval_end_utc') }}

),

stamps as (

    {{ nyiso_stamps_of_files('marked', location='as_region') }}

),

runs as (

    {{ nyiso_dispatch_intervals('marked', 'stamps', hourly_report='nyiso/damasp', location='as_region') }}

),

judged as (

    select
        *,
        case
            when clock_error is not null then clock_error
            when report_error is not null then report_error
            when is_advisory then 'filtered: advisory price ahead of dispatch'
            when interval_end_utc is null then 'rejected: no Time Stamp'
            when place_error is not null then place_error
            else pass_error
        end as fault
    from runs

),

products as (

    {{ nyiso_asp_products('judged', prices=of_zones + ['NYCA Regulation Movement ($/MW)']) }}

),

named as (

    {{ with_product_name('products', iso='nyiso') }}

),

prices as (

    {{ ancillary_prices('named', market_type="'RT' as market_type", wide=true, own_ends=true) }}

),

final as (

    {{ nyiso_settled_prices(
        'prices',
        'runs',
        series=['as_product', 'as_region'],
        values=['market_clearing_price']
    ) }}

)

select * from final
