-- PJM real-time regulation prices, Data Miner feed reg_prices. One row per area and interval for the
-- price, and one for each of its parts. Quirks: columns were renamed at the end of September 2025, and
-- both names are read; all prices are of five minutes, and stamps of hours alone refuse the file; prices
-- are those of service REG in reserve_market_results; the feed has no versions;
-- market_clearing_price is the price, before a cap.
with source as (

    select * from {{ source('pjm', 'reg_prices') }}

),

typed as (

    select
        raw_file,
        raw_row,
        raw_fault,
        datetime_beginning_utc,
        datetime_beginning_ept,
        {{ trimmed('area') }} as region_word,
        'REG' as service_word,
        null::varchar as as_region,
        market_clearing_price as mcp,
        capability_clearing_price,
        performance_clearing_price,
        reserve_quantity,
        1::uinteger as version
    from source

),

products as (

    {{ pjm_reserves(
        'typed',
        capability='capability_clearing_price',
        performance='performance_clearing_price',
        megawatts='reserve_quantity'
    ) }}

),

clocked as (

    {{ pjm_with_clock('products') }}

),

measured as (

    {{ pjm_with_length('clocked', lone_minutes=5, shortened_at="timestamptz '2012-10-01 04:00:00+00'") }}

),

judged as (

    select
        *,
        'RT' as market,
        'RT' as market_type,
        case
            {{- pjm_length_faults() }}
            {{- pjm_region_faults('area') }}
        end as fault
    from measured

),

named as (

    {{ with_product_name('judged', iso='pjm') }}

),

final as (

    {{ ancillary_prices('named', wide=true, of_several_markets=true) }}

)

select * from final
