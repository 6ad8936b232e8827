-- SPP day-ahead LMPs, report DA-LMP-SL. One row per settlement location and hour.
-- Quirks: stamps are interval ends, and the UTC one is the clock, as the local one is no wall clock on the
-- fall day; the balancing area is published since April 2026; no types are, so hubs and interfaces are
-- known by name; the real-time report has the same header, but its stamps are not on the hour.
with source as (

    select * from {{ source('spp', 'da_lmp_sl') }}

),

typed as (

    select
        source.raw_file,
        source.raw_row,
        source.raw_fault,
        source.raw_lacks,
        {{ believable(plus_minutes(utc('source.gmtintervalend'), -60), 'spp') }} as interval_start_utc,
        source.gmtintervalend as utc_end,
        source.interval as local_end,
        {{ trimmed('source."Settlement Location"') }} as settlement_location,
        {{ trimmed('source.baa') }} as zone,
        source.lmp as lmp_total,
        {{ part_or_rest('source.mec', 'MEC', 'source.lmp', ['source.mcc', 'source.mlc'], 4) }} as lmp_energy,
        {{ part_or_rest('source.mcc', 'MCC', 'source.lmp', ['source.mec', 'source.mlc'], 4) }}
            as lmp_congestion,
        {{ part_or_rest('source.mlc', 'MLC', 'source.lmp', ['source.mec', 'source.mcc'], 4) }} as lmp_loss
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
            when raw_fault is not null then raw_fault
            when interval_start_utc is null then {{ no_believable_time('GMTIntervalEnd', 'utc_end') }}
            when {{ off_grid('interval_start_utc', 60) }}
                then 'rejected: GMTIntervalEnd is not on the hour, as in the real-time report'
            -- The local column is no wall clock on the fall day, but never another number of hours behind.
            when utc_end - local_end not in (interval 5 hours, interval 6 hours)
                then 'rejected: Interval ' || local_end || ' contradicts GMTIntervalEnd ' || utc_end
            when settlement_location is null then 'rejected: no Settlement Location'
            when is_in_two_areas then 'rejected: Settlement Location in two balancing areas in this hour'
            {{- price_faults({'LMP': 'lmp_total'}) }}
            {{- price_faults({
                'MEC': 'lmp_energy',
                'MCC': 'lmp_congestion',
                'MLC': 'lmp_loss',
            }, wanted={'MEC': 'MEC', 'MCC': 'MCC', 'MLC': 'MLC'}) }}
        end as set_aside
    from located

)

select * from final
