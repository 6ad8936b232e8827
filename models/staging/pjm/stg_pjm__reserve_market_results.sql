-- PJM real-time results of the reserve and regulation markets, Data Miner feed reserve_market_results.
-- One row per locale, service and interval, and for regulation one more for each part of its price.
-- Quirks: prices were hourly until the autumn of 2022, which the stamps of a file tell, and a single stamp
-- on the hour does not; from October on, when the reserve markets changed, all are of five minutes, and a
-- series of hours refuses its file; services are codes, and a long name shows the
-- file to be of the day-ahead feed; the feed has no versions; mcp is the price, before a cap
-- (mcp_capped); total_mw is what cleared.
with source as (

    select * from {{ source('pjm', 'reserve_market_results') }}

),

typed as (

    select
        raw_file,
        raw_row,
        raw_fault,
        datetime_beginning_utc,
        datetime_beginning_ept,
        {{ trimmed('locale') }} as region_word,
        {{ trimmed('service') }} as service_word,
        null::varchar as as_region,
        mcp,
        case when {{ trimmed('service') }} = 'REG' then reg_ccp end as capability_price,
        case when {{ trimmed('service') }} = 'REG' then reg_pcp end as performance_price,
        total_mw,
        1::uinteger as version
    from source

),

products as (

    {{ pjm_reserves('typed', capability='capability_price', performance='performance_price') }}

),

clocked as (

    {{ pjm_with_clock('products') }}

),

measured as (

    {{ pjm_with_length('clocked', shortened_at="timestamptz '2022-10-01 04:00:00+00'") }}

),

judged as (

    select
        *,
        'RT' as market,
        'RT' as market_type,
        case
            when service_word like '% %'
                then {{ is_another_report(
                    "'it has the service ' || service_word",
                    'pjm/da_reserve_market_results'
                ) }}
            {{- pjm_length_faults() }}
            {{- pjm_region_faults('locale') }}
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
