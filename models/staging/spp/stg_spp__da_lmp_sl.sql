-- SPP day-ahead LMPs, report DA-LMP-SL. One row per settlement location and hour.
-- Quirks: stamps are interval ends, and the UTC one is the clock, as the local one is no wall clock on the
-- fall day; the balancing area is published since April 2026; no types are, so hubs and interfaces are
-- known by name; the real-time report has the same header, but its stamps are not on the hour.
with source as (

    select * from {{ source('spp', 'da_lmp_sl') }}

),

typed as (

    select
        raw_file,
        raw_row,
        {{ plus_minutes(utc('gmtintervalend'), -60) }} as interval_start_utc,
        date_trunc('hour', gmtintervalend) <> gmtintervalend as is_off_hour,
        {{ trimmed('"Settlement Location"') }} as settlement_location,
        {{ trimmed('baa') }} as zone,
        lmp as lmp_total,
        mec as lmp_energy,
        mcc as lmp_congestion,
        mlc as lmp_loss
    from source

),

-- The name is the key, so one name in two balancing areas would be two prices for one key.
names_in_two_areas as (

    select settlement_location
    from typed
    group by settlement_location
    having min(zone) <> max(zone)

),

keys_in_two_areas as (

    select
        typed.interval_start_utc,
        typed.settlement_location,
        true as is_in_two_areas
    from typed
    inner join names_in_two_areas on typed.settlement_location = names_in_two_areas.settlement_location
    group by all
    having min(typed.zone) <> max(typed.zone)

),

published_types as (

    select
        settlement_location,
        published_type
    from {{ ref('locations') }}
    where iso = 'spp'

),

listed as (

    select
        typed.*,
        keys_in_two_areas.is_in_two_areas,
        published_types.published_type
    from typed
    left join keys_in_two_areas
        on
            typed.interval_start_utc = keys_in_two_areas.interval_start_utc
            and typed.settlement_location = keys_in_two_areas.settlement_location
    left join published_types on typed.settlement_location = published_types.settlement_location

),

located as (

    {{ with_location_type('listed', iso='spp', published_type='published_type') }}

),

final as (

    select
        raw_file,
        raw_row,
        1::utinyint as raw_lines,
        interval_start_utc,
        settlement_location,
        settlement_location_type,
        settlement_location as settlement_location_id,
        zone,
        null::double as voltage_kv,
        lmp_total,
        lmp_energy,
        lmp_congestion,
        lmp_loss,
        1::uinteger as version,
        case
            when interval_start_utc is null then 'rejected: no GMTIntervalEnd'
            when is_off_hour then 'rejected: GMTIntervalEnd is not on the hour, as in the real-time report'
            when settlement_location is null then 'rejected: no Settlement Location'
            when is_in_two_areas then 'rejected: Settlement Location in two balancing areas in this hour'
            when lmp_total is null then 'rejected: no LMP'
            when lmp_energy is null then 'rejected: no MEC'
            when lmp_congestion is null then 'rejected: no MCC'
            when lmp_loss is null then 'rejected: no MLC'
        end as set_aside
    from located

)

select * from final
