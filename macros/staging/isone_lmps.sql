{#- Rows of a daily report. The preliminary one has no numbers, and no column is known to be missing there. -#}
{% macro isone_daily_rows(
    source,
    location_id='"Location ID"',
    location_name='"Location Name"',
    location_type='"Location Type"'
) %}
    select
        raw_file,
        raw_row,
        raw_fault,
        raw_lacks,
        date as operating_day,
        date + to_hours({{ isone_hour_ending('"Hour Ending"') }} - 1) as local_start,
        coalesce({{ trimmed('"Hour Ending"') }} like '%X', false) as second_pass,
        case
            when {{ has_column('Location ID') }} then {{ published_id(location_id) }}
            else {{ trimmed(location_name) }}
        end as settlement_location_id,
        case
            when {{ has_column('Location Name') }} then {{ trimmed(location_name) }}
            else {{ published_id(location_id) }}
        end as settlement_location,
        {{ trimmed(location_type) }} as published_type,
        "Locational Marginal Price" as lmp_total,
        {{ isone_parts('"Locational Marginal Price"') }}
    from {{ source }}
{% endmacro %}


{% macro isone_parts(total) %}
        {%- set energy, congestion = '"Energy Component"', '"Congestion Component"' -%}
        {%- set loss = '"Marginal Loss Component"' -%}
        {{ part_or_rest(energy, 'Energy Component', total, [congestion, loss], 2) }} as lmp_energy,
        {{ part_or_rest(congestion, 'Congestion Component', total, [energy, loss], 2) }} as lmp_congestion,
        {{ part_or_rest(loss, 'Marginal Loss Component', total, [energy, congestion], 2) }} as lmp_loss
{%- endmacro %}


{#- Without its number a location is known by its name. -#}
{% macro with_isone_location(rows, has_id, unknown_type='null::varchar') %}
    select
        unlisted.* replace (
            coalesce(
                unlisted.published_type, locations.published_type, named.published_type, {{ unknown_type }}
            ) as published_type,
            coalesce(named.settlement_location_id, unlisted.settlement_location_id) as settlement_location_id,
            case
                when {{ has_column('Location Name') }} then unlisted.settlement_location
                else coalesce(locations.settlement_location, unlisted.settlement_location)
            end as settlement_location
        ),
        locations.published_type as known_type
    from {{ rows }} as unlisted
    left join {{ ref('locations') }} as locations
        on locations.iso = 'isone'
        and unlisted.settlement_location_id = locations.settlement_location_id
    left join {{ ref('locations') }} as named
        on named.iso = 'isone'
        and not {{ has_id }}
        and unlisted.settlement_location_id = named.settlement_location
{% endmacro %}


{% macro isone_daily_prices(rows, version, id_column='Location ID', name_column='Location Name') %}
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
        {{ version }}::uinteger as version,
        case
            when raw_fault is not null then raw_fault
            when operating_day <> date_trunc('day', operating_day)
                then 'rejected: Date ' || operating_day || ' is not the start of a day'
            when clock_error is not null then clock_error
            when interval_start_utc is null then 'rejected: no Date, or no Hour Ending from 01 to 24'
            when settlement_location_id is null then 'rejected: no {{ id_column }}'
            {{- id_fault(id_column, 'settlement_location_id') }}
            when settlement_location is null then 'rejected: no {{ name_column }}'
            when published_type <> known_type
                then 'rejected: Location Type "' || published_type || '" of location '
                    || settlement_location_id || ', which is a ' || known_type
            {{- price_faults({'Locational Marginal Price': 'lmp_total'}) }}
            {{- isone_part_faults() }}
        end as set_aside
    from {{ rows }}
{% endmacro %}


{% macro isone_part_faults() %}
    {{- price_faults({
        'Energy Component': 'lmp_energy',
        'Congestion Component': 'lmp_congestion',
        'Marginal Loss Component': 'lmp_loss',
    }, wanted={
        'Energy Component': 'Energy Component',
        'Congestion Component': 'Congestion Component',
        'Marginal Loss Component': 'Marginal Loss Component',
    }) }}
{%- endmacro %}
