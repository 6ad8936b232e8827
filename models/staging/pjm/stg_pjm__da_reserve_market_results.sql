-- PJM day-ahead results of the reserve markets, Data Miner feed da_reserve_market_results. One row per
-- locale, service and hour. Quirks: locales and services have long names; the columns are those of the
-- real-time feed less some, so a service named by its code, or a stamp off the hour, shows the file to
-- be of that; mcp is the price, before a cap (mcp_capped); total_mw is what cleared.
with source as (

    select * from {{ source('pjm', 'da_reserve_market_results') }}

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
        total_mw,
        1::uinteger as version
    from source

),

products as (

    {{ pjm_reserves('typed') }}

),

clocked as (

    {{ pjm_with_clock('products') }}

),

judged as (

    select
        *,
        case
            when service_word not like '% %'
                then {{ is_another_report(
                    "'it has the service ' || service_word",
                    'pjm/reserve_market_results'
                ) }}
            {{- pjm_hour_faults(five_minute_report='reserve_market_results') }}
            {{- pjm_region_faults('locale') }}
        end as fault
    from clocked

),

named as (

    {{ with_product_name('judged', iso='pjm') }}

),

final as (

    {{ ancillary_prices('named', market_type="'DA' as market_type", wide=true) }}

)

select * from final
