{% macro pjm_lmp_rows(source, market) %}
    {%- set energy, congestion, loss = ('system_energy_price_' ~ market), ('congestion_price_' ~ market), ('marginal_loss_price_' ~ market) %}
    select
        lmps.raw_file,
        lmps.raw_row,
        lmps.raw_fault,
        lmps.raw_lacks,
        {{ believable(utc('lmps.datetime_beginning_utc'), 'pjm') }} as interval_start_utc,
        lmps.datetime_beginning_utc as utc_stamp,
        lmps.datetime_beginning_ept as local_stamp,
        hours.behind_utc_us,
        case
            when {{ has_column('pnode_name') }} then {{ trimmed('lmps.pnode_name') }}
            else {{ trimmed('lmps.pnode_id') }}
        end as settlement_location,
        coalesce(
            named_type.settlement_location_type,
            other_type.settlement_location_type
        ) as settlement_location_type,
        {{ published_id('lmps.pnode_id') }} as settlement_location_id,
        {{ unless_missing('lmps.zone') }} as zone,
        {{ pjm_voltage(unless_missing('lmps.voltage')) }} as voltage_kv,
        lmps.total_lmp_{{ market }} as lmp_total,
        {% if market == 'da' %}
        {% set total = 'lmps.total_lmp_da' %}
        {{ part_or_rest(energy, energy, total, [congestion, loss], 6) }} as lmp_energy,
        {{ part_or_rest(congestion, congestion, total, [energy, loss], 6) }} as lmp_congestion,
        {{ part_or_rest(loss, loss, total, [energy, congestion], 6) }} as lmp_loss,
        {% else %}
        lmps.{{ energy }} as lmp_energy,
        lmps.{{ congestion }} as lmp_congestion,
        lmps.{{ loss }} as lmp_loss,
        {% endif %}
        case when {{ has_column('version_nbr') }} then lmps.version_nbr else 1 end::uinteger as version
    from {{ source }} as lmps
    left join {{ ref('location_types') }} as named_type
        on named_type.iso = 'pjm' and {{ trimmed('lmps.type') }} = named_type.published_type
    left join {{ ref('location_types') }} as other_type
        on other_type.iso = 'pjm' and other_type.published_type = '*'
    left join ({{ market_hours('pjm') }}) as hours
        on epoch_us(lmps.datetime_beginning_utc) // 3600000000 = hours.hour_number
{% endmacro %}


{% macro pjm_voltage(text) %}
    try_cast(replace({{ text }}, 'KV', '') as double)
{%- endmacro %}


{#- The hourly and the five-minute real-time feed have one header. A stamp off the hour refuses the whole file as one of
    the feed named as `five_minute_report`, because its other stamps may well be on the hour. A relation with raw_file as
    `hourly_files` names those without such a stamp, which are refused as files of the feed named as `hourly_report`. -#}
{% macro pjm_sound_lmps(rows, market, minutes, five_minute_report=none, hourly_report=none, hourly_files=none) %}
    select
        raw_file,
        raw_row,
        1::utinyint as raw_lines,
        interval_start_utc,
        settlement_location,
        settlement_location_type,
        settlement_location_id,
        zone,
        voltage_kv,
        lmp_total,
        lmp_energy,
        lmp_congestion,
        lmp_loss,
        version,
        case
            when raw_fault is not null then raw_fault
            when interval_start_utc is null then {{ no_believable_time('datetime_beginning_utc', 'utc_stamp') }}
            {%- if five_minute_report %}
            {{- pjm_off_hour_fault(five_minute_report) }}
            {%- elif hourly_report %}
            when raw_file in (select raw_file from {{ hourly_files }})
                then {{ is_another_report(
                    "'all of its stamps are on the hour (datetime_beginning_utc ' || utc_stamp || ')'",
                    'pjm/' ~ hourly_report
                ) }}
            {%- endif %}
            when {{ off_grid('utc_stamp', minutes) }}
                then 'rejected: datetime_beginning_utc ' || utc_stamp || ' is not the start of {{ minutes }} minutes'
            {{- pjm_local_stamp_fault() }}
            when settlement_location_id is null then 'rejected: no pnode_id'
            {{- id_fault('pnode_id', 'settlement_location_id') }}
            when settlement_location is null then 'rejected: no pnode_name'
            {%- set parts = {
                'system_energy_price_' ~ market: 'lmp_energy',
                'congestion_price_' ~ market: 'lmp_congestion',
                'marginal_loss_price_' ~ market: 'lmp_loss',
            } %}
            {{- price_faults({'total_lmp_' ~ market: 'lmp_total'}) }}
            {%- set wanted = {} %}
            {%- for name in parts %}{% do wanted.update({name: name}) %}{% endfor %}
            {{- price_faults(parts, wanted=wanted) }}
            when not isfinite(voltage_kv) then 'rejected: voltage ' || voltage_kv || ' is no number'
            when version is null then 'rejected: no version_nbr'
        end as set_aside
    from {{ rows }}
{% endmacro %}


{% macro pjm_local_stamp_fault() %}
            when epoch_us(utc_stamp) - epoch_us(local_stamp) <> behind_utc_us
                then 'rejected: datetime_beginning_ept ' || local_stamp
                || ' is not the local time of datetime_beginning_utc ' || utc_stamp
{%- endmacro %}


{% macro pjm_off_hour_fault(five_minute_report) %}
            when {{ off_grid('utc_stamp', 60) }}
                then {{ is_another_report(
                    "'it has stamps off the hour (datetime_beginning_utc ' || utc_stamp || ')'",
                    'pjm/' ~ five_minute_report
                ) }}
{%- endmacro %}
