-- PJM real-time prices of ancillary services, Data Miner feed ancillary_services. One row per service,
-- hour and version. Quirks: a name tells the service and its region; rows of unit Ratio are no prices;
-- the stamps of a file tell whether its prices are of an hour or of five minutes, and a single stamp is
-- taken for an hour; names of day-ahead services show the file to be of the day-ahead feed; a revised
-- hour comes again with a higher version, which decides.
with source as (

    select * from {{ source('pjm', 'ancillary_services') }}

),

typed as (

    {{ pjm_services('source') }}

),

clocked as (

    {{ pjm_with_clock('typed') }}

),

measured as (

    {{ pjm_with_length('clocked', lone_minutes=60) }}

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
