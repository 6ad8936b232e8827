-- ISO-NE day-ahead prices, report WW_DALMP_ISO. One row per location and hour.
-- Quirks: hour labels are text, Eastern prevailing time, clock hour at the start plus one; the fall
-- day's second 02 is 02X, the spring day has no 03; names are of fixed width and end in blanks.
with source as (

    select * from {{ source('isone', 'ww_dalmp_iso') }}

),

typed as (

    select
        raw_file,
        raw_row,
        date + to_hours({{ isone_hour_ending('"Hour Ending"') }} - 1) as local_start,
        coalesce({{ trimmed('"Hour Ending"') }} like '%X', false) as second_pass,
        {{ published_id('"Location ID"') }} as settlement_location_id,
        {{ trimmed('"Location Name"') }} as settlement_location,
        {{ trimmed('"Location Type"') }} as published_type,
        "Locational Marginal Price" as lmp_total,
        "Energy Component" as lmp_energy,
        "Congestion Component" as lmp_congestion,
        "Marginal Loss Component" as lmp_loss
    from source

),

clocked as (

    {{ with_utc('typed', iso='isone', column='Date and Hour Ending') }}

),

located as (

    {{ with_location_type('clocked', iso='isone', published_type='published_type') }}

),

listed as (

    select
        located.*,
        locations.published_type as known_type
    from located
    left join {{ ref('locations') }} as locations
        on
            locations.iso = 'isone'
            and located.settlement_location_id = locations.settlement_location_id

),

final as (

    select
        raw_file,
        raw_row,
        1::utinyint as raw_lines,
        interval_start_utc,
        settlement_location,
        settlement_location_type,
        settlement_location_id,
        null::varchar as zone,
        null::double as voltage_kv,
        lmp_total,
        lmp_energy,
        lmp_congestion,
        lmp_loss,
        1::uinteger as version,
        case
            when clock_error is not null then clock_error
            when interval_start_utc is null then 'rejected: no Date, or no Hour Ending from 01 to 24'
            when settlement_location_id is null then 'rejected: no Location ID'
            when settlement_location is null then 'rejected: no Location Name'
            when published_type <> known_type
                then
                    'rejected: Location Type "' || published_type || '" of location '
                    || settlement_location_id || ', which is a ' || known_type
            {{- price_faults({
                'Locational Marginal Price': 'lmp_total',
                'Energy Component': 'lmp_energy',
                'Congestion Component': 'lmp_congestion',
                'Marginal Loss Component': 'lmp_loss',
            }) }}
        end as set_aside
    from listed

)

select * from final
