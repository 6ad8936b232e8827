-- Carbon intensities, a made-up report. One row per zone, hour and kind.
with source as (

    select * from {{ source('gb', 'carbon') }}

),

typed as (

    select
        raw_file,
        raw_row,
        raw_fault,
        {{ believable(utc('"Hour Beginning"'), 'gb') }} as interval_start_utc,
        "Hour Beginning" as stamp,
        kind,
        case kind when 'Forecast' then 'DA' when 'Actual' then 'RT' end as market_type,
        {{ trimmed('zone') }} as zone_name,
        intensity
    from source

),

final as (

    select
        raw_file,
        raw_row,
        1::utinyint as raw_lines,
        interval_start_utc,
        market_type,
        zone_name,
        intensity,
        1::uinteger as version,
        case
            when raw_fault is not null then raw_fault
            when interval_start_utc is null then {{ no_believable_time('Hour Beginning', 'stamp') }}
            when market_type is null then 'rejected: unknown Kind ' || coalesce(kind, '')
            when zone_name is null then 'rejected: no Zone'
            when intensity is null then 'rejected: no Intensity'
        end as set_aside
    from typed

)

select * from final
