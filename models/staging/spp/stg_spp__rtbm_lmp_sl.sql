-- SPP real-time balancing market LMPs, report RTBM-LMP-SL. One row per settlement location and five minutes.
-- Quirks: those of the day-ahead report, whose header it has, with the balancing area last; a file is one
-- interval and named by its local end, with a `d` behind it in the repeated hour; a file of several stamps
-- that are all on the hour is a day-ahead one.
with source as (

    select * from {{ source('spp', 'rtbm_lmp_sl') }}

),

typed as (

    {{ spp_lmp_rows('source', minutes=5, utc_end='GMTIntervalEnd', location='Settlement Location') }}

),

located as (

    {{ spp_located('typed') }}

),

hourly_files as (

    {{ files_on_the_hour('typed', stamp='utc_end') }}

),

final as (

    {{ spp_sound_lmps(
        'located',
        minutes=5,
        utc_end='GMTIntervalEnd',
        location='Settlement Location',
        other_report='spp/da-lmp-sl',
        hourly_files='hourly_files'
    ) }}

)

select * from final
