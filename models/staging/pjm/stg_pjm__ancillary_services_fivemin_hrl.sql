-- PJM real-time five-minute prices of ancillary services, Data Miner feed
-- ancillary_services_fivemin_hrl. One row per service, interval and version. Quirks: those of the hourly
-- feed, whose columns it has in another order; a single stamp is taken for five minutes; stamps of hours
-- alone tell nothing, and refuse the file.
with source as (

    select * from {{ source('pjm', 'ancillary_services_fivemin_hrl') }}

),

final as (

    {{ pjm_real_time_services(
        'source',
        lone_minutes=5,
        shortened_at="timestamptz '2012-10-01 04:00:00+00'",
        hourly_report='pjm/ancillary_services'
    ) }}

)

select * from final
