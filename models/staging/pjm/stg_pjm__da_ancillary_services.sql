-- PJM day-ahead prices of ancillary services, Data Miner feed da_ancillary_services. One row per
-- service, hour and version. Quirks: a name tells the service and its region; the unit is spelled price
-- or Price; the header is that of the real-time feeds, so names of their services, or a stamp off the
-- hour, show the file to be of those; no regulation is cleared day-ahead.
with source as (

    select * from {{ source('pjm', 'da_ancillary_services') }}

),

typed as (

    {{ pjm_services('source') }}

),

clocked as (

    {{ pjm_with_clock('typed') }}

),

judged as (

    select
        *,
        case
            {{- pjm_hour_faults(five_minute_report='ancillary_services_fivemin_hrl') }}
            {{- pjm_service_faults(['RTO', 'MAD'], elsewhere='ancillary_services') }}
        end as fault
    from clocked

),

named as (

    {{ with_product_name('judged', iso='pjm') }}

),

final as (

    {{ ancillary_prices('named', market_type="'DA' as market_type") }}

)

select * from final
