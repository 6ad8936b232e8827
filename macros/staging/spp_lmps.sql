{% macro spp_lmp_rows(source, minutes, utc_end, location) %}
    select
        lmps.raw_file,
        lmps.raw_row,
        lmps.raw_fault,
        lmps.raw_lacks,
        {{ believable(plus_minutes(utc('lmps.' ~ adapter.quote(utc_end)), -minutes), 'spp') }} as interval_start_utc,
        lmps.{{ adapter.quote(utc_end) }} as utc_end,
        lmps.interval as local_end,
        {{ trimmed('lmps.' ~ adapter.quote(location)) }} as settlement_location,
        {{ unless_missing('lmps.baa') }} as zone,
        lmps.lmp as lmp_total,
        {{ part_or_rest('lmps.mec', 'MEC', 'lmps.lmp', ['lmps.mcc', 'lmps.mlc'], 4) }} as lmp_energy,
        {{ part_or_rest('lmps.mcc', 'MCC', 'lmps.lmp', ['lmps.mec', 'lmps.mlc'], 4) }} as lmp_congestion,
        {{ part_or_rest('lmps.mlc', 'MLC', 'lmps.lmp', ['lmps.mec', 'lmps.mcc'], 4) }} as lmp_loss
    from {{ source }} as lmps
{% endmacro %}


{% macro spp_located(rows) %}
    -- The name is the key, so one name in two balancing areas would be two prices for one key.
    with names_in_two_areas as (

        select settlement_location
        from {{ rows }}
        group by settlement_location
        having min(zone) <> max(zone)

    ),

    keys_in_two_areas as (

        select
            areas.interval_start_utc,
            areas.settlement_location,
            true as is_in_two_areas
        from {{ rows }} as areas
        inner join names_in_two_areas on areas.settlement_location = names_in_two_areas.settlement_location
        group by all
        having min(areas.zone) <> max(areas.zone)

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
            lmps.*,
            keys_in_two_areas.is_in_two_areas,
            published_types.published_type
        from {{ rows }} as lmps
        left join keys_in_two_areas
            on
                lmps.interval_start_utc = keys_in_two_areas.interval_start_utc
                and lmps.settlement_location = keys_in_two_areas.settlement_location
        left join published_types on lmps.settlement_location = published_types.settlement_location

    )

    {{ with_location_type('listed', iso='spp', published_type='published_type') }}
{% endmacro %}


{% macro spp_sound_lmps(rows, minutes, utc_end, location, other_report, hourly_files=none) %}
    {%- set interval = 'hour' if minutes == 60 else 'interval' %}
    select
        lmps.raw_file,
        lmps.raw_row,
        1::utinyint as raw_lines,
        lmps.interval_start_utc,
        lmps.settlement_location,
        lmps.settlement_location_type,
        lmps.settlement_location as settlement_location_id,
        lmps.zone,
        null::double as voltage_kv,
        lmps.lmp_total,
        lmps.lmp_energy,
        lmps.lmp_congestion,
        lmps.lmp_loss,
        1::uinteger as version,
        case
            {%- if hourly_files %}
            when hourly_files.raw_file is not null
                then {{ is_another_report(
                    "'all its stamps are on the hour (" ~ utc_end ~ " ' || hourly_files.first_stamp || ' is the first)'",
                    other_report
                ) }}
            {%- endif %}
            when lmps.raw_fault is not null then lmps.raw_fault
            {{- spp_time_faults('lmps', minutes, utc_end, off_hour=is_another_report(
                "'it has stamps off the hour (" ~ utc_end ~ " ' || lmps.utc_end || ')'", other_report
            )) }}
            when lmps.settlement_location is null then 'rejected: no {{ location }}'
            when lmps.is_in_two_areas then 'rejected: {{ location }} in two balancing areas in this {{ interval }}'
            {{- price_faults({'LMP': 'lmps.lmp_total'}) }}
            {{- price_faults({
                'MEC': 'lmps.lmp_energy',
                'MCC': 'lmps.lmp_congestion',
                'MLC': 'lmps.lmp_loss',
            }, wanted={'MEC': 'MEC', 'MCC': 'MCC', 'MLC': 'MLC'}) }}
        end as set_aside
    from {{ rows }} as lmps
    {%- if hourly_files %}
    left join {{ hourly_files }} as hourly_files on lmps.raw_file = hourly_files.raw_file
    {%- endif %}
{% endmacro %}


{% macro spp_time_faults(rows, minutes, utc_end, off_hour) %}
            when {{ rows }}.interval_start_utc is null then {{ no_believable_time(utc_end, rows ~ '.utc_end') }}
            when {{ off_grid(rows ~ '.interval_start_utc', minutes) }}
                {%- if minutes == 60 %}
                then {{ off_hour }}
                {%- else %}
                then 'rejected: {{ utc_end }} ' || {{ rows }}.utc_end || ' is not the end of {{ minutes }} minutes'
                {%- endif %}
            -- The local column is no wall clock on the fall day, but never another number of hours behind.
            when {{ rows }}.utc_end - {{ rows }}.local_end not in (interval 5 hours, interval 6 hours)
                then 'rejected: Interval ' || {{ rows }}.local_end || ' contradicts {{ utc_end }} ' || {{ rows }}.utc_end
{%- endmacro %}
