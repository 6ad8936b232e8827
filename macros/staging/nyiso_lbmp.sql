{% macro nyiso_lbmp_rows(source) %}
    {%- set zone = "select time_zone from " ~ ref('markets') ~ " where iso = 'nyiso'" %}
    select
        raw_file,
        raw_row,
        raw_fault,
        raw_lacks,
        -- A stamp with an offset says which pass it is of, so that the order of rows need not.
        case
            when raw_instant is not null
                then
                    {{ is_repeated_hour('"Time Stamp"', "(" ~ zone ~ ")") }}
                    and raw_instant = {{ second_pass_to_utc('"Time Stamp"', "(" ~ zone ~ ")") }}
        end as told_pass,
        "Time Stamp" as local_start,
        case
            when {{ has_column('Name') }} then {{ trimmed('"Name"') }}
            else {{ published_id('"PTID"') }}
        end as settlement_location,
        case
            when {{ has_column('PTID') }} then {{ published_id('"PTID"') }}
            else {{ trimmed('"Name"') }}
        end as settlement_location_id,
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
        case
            when {{ has_column('Name') }} then lbmp_rows.settlement_location
            else coalesce(locations.settlement_location, lbmp_rows.settlement_location)
        end as settlement_location,
        types.settlement_location_type,
        coalesce(named.settlement_location_id, lbmp_rows.settlement_location_id) as settlement_location_id,
        null::varchar as zone,
        null::double as voltage_kv,
        lbmp_rows.lbmp as lmp_total,
        round(lbmp_rows.lbmp - lbmp_rows.losses + lbmp_rows.published_congestion, 2) as lmp_energy,
        0.0 - lbmp_rows.published_congestion as lmp_congestion,
        lbmp_rows.losses as lmp_loss,
        1::uinteger as version,
        case
            when lbmp_rows.raw_fault is not null then lbmp_rows.raw_fault
            when lbmp_rows.clock_error is not null then lbmp_rows.clock_error
            when lbmp_rows.interval_start_utc is null then 'rejected: no Time Stamp'
            when lbmp_rows.settlement_location_id is null then 'rejected: no PTID'
            {{- id_fault('PTID', 'lbmp_rows.settlement_location_id') }}
            when lbmp_rows.settlement_location is null then 'rejected: no Name'
            when lbmp_rows.pass_error is not null then lbmp_rows.pass_error
            {{- price_faults({'LBMP': 'lbmp_rows.lbmp'}) }}
            {{- price_faults({
                'Marginal Cost Losses': 'lbmp_rows.losses',
                'Marginal Cost Congestion': 'lbmp_rows.published_congestion',
            }, wanted={
                'Marginal Cost Losses': 'Marginal Cost Losses ($/MWHr)',
                'Marginal Cost Congestion': 'Marginal Cost Congestion ($/MWHr)',
            }) }}
            {{- price_faults({
                'LBMP less its losses and congestion': 'lbmp_rows.lbmp - lbmp_rows.losses + lbmp_rows.published_congestion',
            }, nullable=true) }}
        end as set_aside
    from {{ rows }} as lbmp_rows
    left join {{ ref('locations') }} as locations
        on locations.iso = 'nyiso'
        and lbmp_rows.settlement_location_id = locations.settlement_location_id
    -- Where the file has no numbers, the location is looked up by its name.
    left join {{ ref('locations') }} as named
        on named.iso = 'nyiso'
        and not {{ has_column('PTID') }}
        and lbmp_rows.settlement_location_id = named.settlement_location
    left join {{ ref('location_types') }} as types
        on types.iso = 'nyiso'
        and types.published_type = coalesce(locations.published_type, named.published_type, '*')
{% endmacro %}
