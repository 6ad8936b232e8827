-- SPP real-time balancing market LMPs of a day, report RTBM-LMP-DAILY-SL. One row per settlement location
-- and five minutes. Quirks: those of the report by interval, under other column names with blanks around
-- them; it comes about five days later.
with source as (

    select * from {{ source('spp', 'rtbm_lmp_daily_sl') }}

),

typed as (

    {{ spp_lmp_rows('source', minutes=5, utc_end='GMT Interval', location='Settlement Location Name') }}

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
        utc_end='GMT Interval',
        location='Settlement Location Name',
        other_report='spp/da-lmp-sl',
        hourly_files='hourly_files'
    ) }}

)

select * from final
