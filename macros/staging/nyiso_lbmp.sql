{% macro nyiso_lbmp_rows(source) %}
    select
        raw_file,
        raw_row,
        "Time Stamp" as local_start,
        {{ trimmed('"Name"') }} as settlement_location,
        {{ published_id('"PTID"') }} as settlement_location_id,
        "LBMP ($/MWHr)" as lbmp,
        "Marginal Cost Losses ($/MWHr)" as losses,
        "Marginal Cost Congestion ($/MWHr)" as published_congestion
    from {{ source }}
{% endmacro %}


{% macro nyiso_lbmp_prices(rows) %}
    select
        lbmp_rows.raw_file,
        lbmp_rows.raw_row,
        1::utinyint as raw_lines,
        lbmp_rows.interval_start_utc,
        lbmp_rows.settlement_location,
        types.settlement_location_type,
        lbmp_rows.settlement_location_id,
        null::varchar as zone,
        null::double as voltage_kv,
        lbmp_rows.lbmp as lmp_total,
        round(lbmp_rows.lbmp - lbmp_rows.losses + lbmp_rows.published_congestion, 2) as lmp_energy,
        0.0 - lbmp_rows.published_congestion as lmp_congestion,
        lbmp_rows.losses as lmp_loss,
        1::uinteger as version,
        case
            when lbmp_rows.clock_error is not null then lbmp_rows.clock_error
            when lbmp_rows.interval_start_utc is null then 'rejected: no Time Stamp'
            when lbmp_rows.settlement_location_id is null then 'rejected: no PTID'
            when lbmp_rows.settlement_location is null then 'rejected: no Name'
            when lbmp_rows.pass_error is not null then lbmp_rows.pass_error
            {{- price_faults({
                'LBMP': 'lbmp_rows.lbmp',
                'Marginal Cost Losses': 'lbmp_rows.losses',
                'Marginal Cost Congestion': 'lbmp_rows.published_congestion',
                'LBMP less its losses and congestion': 'lbmp_rows.lbmp - lbmp_rows.losses + lbmp_rows.published_congestion',
            }) }}
        end as set_aside
    from {{ rows }} as lbmp_rows
    left join {{ ref('locations') }} as locations
        on locations.iso = 'nyiso'
        and lbmp_rows.settlement_location_id = locations.settlement_location_id
    left join {{ ref('location_types') }} as types
        on types.iso = 'nyiso'
        and types.published_type = coalesce(locations.published_type, '*')
{% endmacro %}
