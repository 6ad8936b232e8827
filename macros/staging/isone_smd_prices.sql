{#- Rows of the workbook with their sheet and their hour; its readers differ in the values that they want. -#}
{% macro isone_smd_hours(source, values, price) %}
    with typed as (

        select
            raw_file,
            raw_row,
            raw_fault,
            raw_lacks,
            file_name,
            date as operating_day,
            date + to_hours({{ isone_hour_ending('hr_end') }}) as local_end,
            coalesce({{ trimmed('hr_end') }} like '%X', false) as second_pass,
            {{ values }}
        from {{ source }}

    ),

    named as (

        select
            file_name,
            replace(replace(translate(upper(file_name), '_-./!', '     '), ' GZ', ''), ' CSV', '') as words
        from typed
        group by file_name

    ),

    sheets as (

        select
            named.file_name,
            codes.sheet,
            locations.settlement_location_id,
            locations.settlement_location,
            locations.published_type
        from named
        inner join {{ ref('smd_sheets') }} as codes on named.words like '% ' || codes.sheet
        inner join {{ ref('locations') }} as locations
            on
                locations.iso = 'isone'
                and codes.settlement_location_id = locations.settlement_location_id

    ),

    labelled as (

        select
            typed.*,
            sheets.sheet,
            sheets.settlement_location_id,
            sheets.settlement_location,
            sheets.published_type,
            case
                when {{ is_missing_hour('typed.local_end - interval 1 hour', 'markets.time_zone') }}
                    then typed.local_end - interval 2 hours
                else typed.local_end - interval 1 hour
            end as local_start,
            {{ is_missing_hour('typed.local_end', 'markets.time_zone') }} as has_impossible_end,
            year(typed.operating_day) < 2024
            and (
                {{ is_missing_hour('typed.operating_day + interval 2 hours', 'markets.time_zone') }}
                or {{ is_repeated_hour('typed.operating_day + interval 1 hour', 'markets.time_zone') }}
            ) as is_forced
        from typed
        inner join {{ ref('markets') }} as markets on markets.iso = 'isone'
        left join sheets on typed.file_name = sheets.file_name

    ),

    clocked as (

        {{ with_utc('labelled', iso='isone', column='Date and Hr_End') }}

    )

    {{ with_lost_marks('clocked', price=price, series='sheet') }}
{% endmacro %}


{#- What is wrong with a row of the workbook before its values are looked at. -#}
{% macro isone_smd_faults() %}
            when settlement_location_id is null
                then 'rejected: neither sheet nor file is named after the hub or a load zone'
            when local_end is null then 'rejected: no Date, or no Hr_End from 1 to 24'
            when interval_start_utc is null then clock_error
            when operating_day <> date_trunc('day', operating_day)
                then 'rejected: Date ' || operating_day || ' is not the start of a day'
            when is_forced then 'filtered: the workbook of this year forces clock-change days into 24 rows'
            when has_impossible_end then 'rejected: this hour does not exist on the spring clock-change day'
            when clock_error is not null then clock_error
{%- endmacro %}


{#- Prices of one market, DA or RT, which stand beside each other in a row of the workbook. -#}
{% macro isone_smd_prices(source, market) %}
    {%- set total, energy = market ~ '_LMP', market ~ '_EC' -%}
    {%- set congestion, loss = market ~ '_CC', market ~ '_MLC' -%}
    {%- set values -%}
round({{ total }}, 2) as lmp_total,
        round({{ part_or_rest(energy, energy, total, [congestion, loss], 2) }}, 2) as lmp_energy,
        round({{ part_or_rest(congestion, congestion, total, [energy, loss], 2) }}, 2) as lmp_congestion,
        round({{ part_or_rest(loss, loss, total, [energy, congestion], 2) }}, 2) as lmp_loss
    {%- endset %}
    with clocked as (

        {{ isone_smd_hours(source, values, price='lmp_total') }}

    ),

    located as (

        {{ with_location_type('clocked', iso='isone', published_type='published_type') }}

    )

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
            {{- isone_smd_faults() }}
            when not {{ has_column(total) }}
                then 'filtered: the file has no {{ total }}'
            {{- price_faults({total: 'lmp_total'}) }}
            {{- price_faults(
                {energy: 'lmp_energy', congestion: 'lmp_congestion', loss: 'lmp_loss'},
                wanted={energy: energy, congestion: congestion, loss: loss}
            ) }}
        end as set_aside
    from located
{% endmacro %}
