-- PJM real-time prices of ancillary services, Data Miner feed ancillary_services. One row per service,
-- hour and version. Quirks: a name tells the service and its region; rows of unit Ratio are no prices;
-- the stamps of a file tell whether its prices are of an hour or of five minutes, and a single stamp is
-- taken for an hour; names of day-ahead services show the file to be of the day-ahead feed; a revised
-- hour comes again with a higher version, which decides.
with source as (

    select * from {{ source('pjm', 'ancillary_services') }}

),

final as (

    {{ pjm_real_time_services('source', lone_minutes=60) }}

)

select * from final
