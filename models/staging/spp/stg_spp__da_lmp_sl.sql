-- SPP day-ahead LMPs, report DA-LMP-SL. One row per settlement location and hour.
-- Quirks: stamps are interval ends, and the UTC one is the clock, as the local one is no wall clock on the
-- fall day; the balancing area is published since April 2026; no types are, so hubs and interfaces are
-- known by name; the real-time report has the same header, but stamps off the hour: one of these, which no
-- day-ahead file can have, tells that the whole file is of that report, its stamps on the hour included.
with source as (

    select * from {{ source('spp', 'da_lmp_sl') }}

),

typed as (

    {{ spp_lmp_rows('source', minutes=60, utc_end='GMTIntervalEnd', location='Settlement Location') }}

),

located as (

    {{ spp_located('typed') }}

),

final as (

    {{ spp_sound_lmps(
        'located',
        minutes=60,
        utc_end='GMTIntervalEnd',
        location='Settlement Location',
        other_report='spp/rtbm-lmp-sl'
    ) }}

)

select * from final
