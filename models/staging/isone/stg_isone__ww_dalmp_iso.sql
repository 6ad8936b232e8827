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
        raw_fault,
        raw_lacks,
        date as operating_day,
        date + to_hours({{ isone_hour_ending('"Hour Ending"') }} - 1) as local_start,
        coalesce({{ trimmed('"Hour Ending"') }} like '%X', false) as second_pass,
        case
            when {{ has_column('Location ID') }} then {{ published_id('"Location ID"') }}
            else {{ trimmed('"Location Name"') }}
        end as settlement_location_id,
        case
            when {{ has_column('Location Name') }} then {{ trimmed('"Location Name"') }}
            else {{ published_id('"Location ID"') }}
        end as settlement_location,
        {{ trimmed('"Location Type"') }} as published_type,
        "Locational Marginal Price" as lmp_total,
        {% set total = '"Locational Marginal Price"' %}
        {% set energy, congestion = '"Energy Component"', '"Congestion Component"' %}
        {% set loss = '"Marginal Loss Component"' %}
        {{ part_or_rest(energy, 'Energy Component', total, [congestion, loss], 2) }} as lmp_energy,
        {{ part_or_rest(congestion, 'Congestion Component', total, [energy, loss], 2) }}
            as lmp_congestion,
        {{ part_or_rest(loss, 'Marginal Loss Component', total, [energy, congestion], 2) }} as lmp_loss
    from source

),

clocked as (

    {{ with_utc('typed', iso='isone', column='Date and Hour Ending') }}

),

listed as (

    select
        clocked.* replace (
            coalesce(clocked.published_type, locations.published_type, named.published_type)
                as published_type,
            coalesce(named.settlement_location_id, clocked.settlement_location_id) as settlement_location_id,
            case
                when {{ has_column('Location Name') }} then clocked.settlement_location
                else coalesce(locations.settlement_location, clocked.settlement_location)
            end as settlement_location
        ),
        locations.published_type as known_type
    from clocked
    left join {{ ref('locations') }} as locations
        on
            locations.iso = 'isone'
            and clocked.settlement_location_id = locations.settlement_location_id
    -- Without its number a location is known by its name.
    left join {{ ref('locations') }} as named
        on
            named.iso = 'isone'
            and not {{ has_column('Location ID') }}
            and clocked.settlement_location_id = named.settlement_location

),

located as (

    {{ with_location_type('listed', iso='isone', published_type='published_type') }}

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
            when raw_fault is not null then raw_fault
            when operating_day <> date_trunc('day', operating_day)
                then 'rejected: Date ' || operating_day || ' is not the start of a day'
            when clock_error is not null then clock_error
            when interval_start_utc is null then 'rejected: no Date, or no Hour Ending from 01 to 24'
            when settlement_location_id is null then 'rejected: no Location ID'
            {{- id_fault('Location ID', 'settlement_location_id') }}
            when settlement_location is null then 'rejected: no Location Name'
            when published_type <> known_type
                then
                    'rejected: Location Type "' || published_type || '" of location '
                    || settlement_location_id || ', which is a ' || known_type
            {{- price_faults({'Locational Marginal Price': 'lmp_total'}) }}
            {{- price_faults({
                'Energy Component': 'lmp_energy',
                'Congestion Component': 'lmp_congestion',
                'Marginal Loss Component': 'lmp_loss',
            }, wanted={
                'Energy Component': 'Energy Component',
                'Congestion Component': 'Congestion Component',
                'Marginal Loss Component': 'Marginal Loss Component',
            }) }}
        end as set_aside
    from located

)

select * from final
