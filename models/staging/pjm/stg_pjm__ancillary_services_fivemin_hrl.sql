-- PJM real-time five-minute prices of ancillary services, Data Miner feed
-- ancillary_services_fivemin_hrl. One row per service, interval and version. Quirks: those of the hourly
-- feed, whose columns it has in another order; a single stamp is taken for five minutes.
with source as (

    select * from {{ source('pjm', 'ancillary_services_fivemin_hrl') }}

),

typed as (

    {{ pjm_services('source') }}

),

clocked as (

    {{ pjm_with_clock('typed') }}

),

measured as (

    {{ pjm_with_length('clocked', lone_minutes=5) }}

),

judged as (

    select
        *,
        'RT' as market,
        'RT' as market_type,
        case
            {{- pjm_length_faults() }}
            {{- pjm_service_faults(['PJM RTO', 'Mid-Atlantic/Dominion'], elsewhere='da_ancillary_services') }}
        end as fault
    from measured

),

named as (

    {{ with_product_name('judged', iso='pjm') }}

),

final as (

    {{ ancillary_prices('named', of_several_markets=true) }}

)

select * from final
