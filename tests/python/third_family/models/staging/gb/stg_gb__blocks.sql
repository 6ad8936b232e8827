-- Carbon intensities of blocks of half-hours, a made-up report. One row per zone and block.
with source as (

    select * from {{ source('gb', 'blocks') }}

),

final as (

    select
        raw_file,
        raw_row,
        1::utinyint as raw_lines,
        {{ believable(utc('beginning'), 'gb') }} as interval_start_utc,
        {{ utc('"End"') }} as interval_end_utc,
        'RT' as market_type,
        {{ trimmed('zone') }} as zone_name,
        intensity,
        1::uinteger as version,
        case
            when raw_fault is not null then raw_fault
            when {{ believable(utc('beginning'), 'gb') }} is null
                then {{ no_believable_time('Beginning', 'beginning') }}
        end as set_aside
    from source

)

select * from final
