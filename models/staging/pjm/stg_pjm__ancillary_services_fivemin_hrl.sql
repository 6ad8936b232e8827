-- PJM real-time five-minute prices of ancillary services, Data Miner feed
-- ancillary_services_fivemin_hrl. One row per service, interval and version. Quirks: those of the hourly
-- feed, whose columns it has in another order; a single stamp is taken for five minutes.
with source as (

    select * from {{ source('pjm', 'ancillary_services_fivemin_hrl') }}

),

final as (

    {{ pjm_real_time_services('source', lone_minutes=5) }}

)

select * from final
