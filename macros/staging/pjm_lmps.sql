{% macro pjm_lmp_rows(source, market) %}
    select
        lmps.raw_file,
        lmps.raw_row,
        {{ utc('lmps.datetime_beginning_utc') }} as interval_start_utc,
        {{ trimmed('lmps.pnode_name') }} as settlement_location,
        coalesce(
            named_type.settlement_location_type,
            other_type.settlement_location_type
        ) as settlement_location_type,
        lmps.pnode_id as settlement_location_id,
        lmps.zone,
        try_cast(replace(lmps.voltage, 'KV', '') as double) as voltage_kv,
        lmps.total_lmp_{{ market }} as lmp_total,
        lmps.system_energy_price_{{ market }} as lmp_energy,
        lmps.congestion_price_{{ market }} as lmp_congestion,
        lmps.marginal_loss_price_{{ market }} as lmp_loss,
        lmps.version_nbr as version
    from {{ source }} as lmps
    left join {{ ref('location_types') }} as named_type
        on named_type.iso = 'pjm' and lmps.type = named_type.published_type
    left join {{ ref('location_types') }} as other_type
        on other_type.iso = 'pjm' and other_type.published_type = '*'
{% endmacro %}


{% macro pjm_sound_lmps(rows, market) %}
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
            when interval_start_utc is null then 'rejected: no datetime_beginning_utc'
            when settlement_location_id is null then 'rejected: no pnode_id'
            when settlement_location is null then 'rejected: no pnode_name'
            when lmp_total is null then 'rejected: no total_lmp_{{ market }}'
            when lmp_energy is null then 'rejected: no system_energy_price_{{ market }}'
            when lmp_congestion is null then 'rejected: no congestion_price_{{ market }}'
            when lmp_loss is null then 'rejected: no marginal_loss_price_{{ market }}'
            when version is null then 'rejected: no version_nbr'
        end as set_aside
    from {{ rows }}
{% endmacro %}
