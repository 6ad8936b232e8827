-- ERCOT day-ahead clearing prices for capacity of a year, report NP4-181-ER. One row per product and hour.
-- Quirks: those of NP4-188-CD under other headings, with a column for each product; ECRS has no column before
-- 2023 and empty cells until 10 June 2023, and a product without a price has no row.
with source as (

    select * from {{ source('ercot', 'np4_181_er') }}

),

labels as (

    {{ ercot_labels('source') }}

),

hours as (

    {{ with_utc('labels', iso='ercot', column='delivery date and hour ending') }}

),

clocked as (

    select
        *,
        'ERCOT' as as_region,
        1::uinteger as version,
        label_error as fault
    from ({{ ercot_with_labels('source', 'hours', price='row(regdn, regup, rrs, nspin, ecrs)') }}) as labelled

),

products as (

    {{ with_each_product('clocked', prices={
        'REGDN': 'regdn',
        'REGUP': 'regup',
        'RRS': 'rrs',
        'NSPIN': 'nspin',
        'ECRS': 'ecrs',
    }) }}

),

named as (

    {{ with_product_name('products', iso='ercot') }}

),

final as (

    {{ ancillary_prices('named', market_type="'DA' as market_type", wide=true) }}

)

select * from final
