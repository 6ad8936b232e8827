{% macro utc(timestamp) %}
    {{- return(adapter.dispatch('utc', 'unified_iso')(timestamp)) -}}
{% endmacro %}


{% macro duckdb__utc(timestamp) %}
    {#- A plain cast of a csv column is pushed into the reader, which then forgets its stamp format. -#}
    make_timestamptz(epoch_us({{ timestamp }}))
{%- endmacro %}


{% macro plus_minutes(instant, minutes) %}
    {{- return(adapter.dispatch('plus_minutes', 'unified_iso')(instant, minutes)) -}}
{% endmacro %}


{% macro duckdb__plus_minutes(instant, minutes) %}
    {#- Adding an interval to an instant asks the calendar, for ten times the cost. -#}
    make_timestamptz(epoch_us({{ instant }}) + ({{ minutes }})::bigint * 60000000)
{%- endmacro %}


{% macro to_local(instant, time_zone) %}
    {{- return(adapter.dispatch('to_local', 'unified_iso')(instant, time_zone)) -}}
{% endmacro %}


{% macro duckdb__to_local(instant, time_zone) %}
    timezone({{ time_zone }}, {{ instant }})
{%- endmacro %}


{% macro second_pass_to_utc(local, time_zone) %}
    {{- return(adapter.dispatch('second_pass_to_utc', 'unified_iso')(local, time_zone)) -}}
{% endmacro %}


{% macro duckdb__second_pass_to_utc(local, time_zone) %}
    {#- DuckDB gives the second pass of a repeated hour and moves a missing hour on, in silence. -#}
    timezone({{ time_zone }}, {{ local }})
{%- endmacro %}


{% macro is_repeated_hour(local, time_zone) %}
    ({{ to_local(second_pass_to_utc(local, time_zone) ~ " - interval 1 hour", time_zone) }} = {{ local }})
{%- endmacro %}


{% macro is_missing_hour(local, time_zone) %}
    ({{ to_local(second_pass_to_utc(local, time_zone), time_zone) }} <> {{ local }})
{%- endmacro %}


{% macro with_utc(rows, iso, column, minutes=60, local='local_start', second_pass='second_pass') %}
    {%- set length = {60: 'an hour', 1440: 'a day'}[minutes] %}
    select
        stamped.*,
        clock.interval_start_utc,
        clock.clock_error
    from {{ rows }} as stamped
    left join (
        select
            instants.local_stamp,
            instants.is_second_pass,
            {{ believable('instants.instant', iso) }} as interval_start_utc,
            case
                when {{ believable('instants.instant', iso) }} is null
                    then {{ no_believable_time(column, 'instants.local_stamp') }}
                when {{ off_grid('instants.local_stamp', minutes) }}
                    then 'rejected: {{ column }} ' || instants.local_stamp || ' is not the start of {{ length }}'
                when instants.is_missing
                    then 'rejected: this hour does not exist on the spring clock-change day'
                when instants.is_second_pass and not instants.is_repeated
                    then 'rejected: marked as repeated, but this hour is not repeated'
            end as clock_error
        from (
            select
                stamps.*,
                {{ is_missing_hour('stamps.local_stamp', 'markets.time_zone') }} as is_missing,
                {{ is_repeated_hour('stamps.local_stamp', 'markets.time_zone') }} as is_repeated,
                case
                    when not stamps.is_second_pass
                        and {{ is_repeated_hour('stamps.local_stamp', 'markets.time_zone') }}
                        then {{ second_pass_to_utc('stamps.local_stamp', 'markets.time_zone') }} - interval 1 hour
                    else {{ second_pass_to_utc('stamps.local_stamp', 'markets.time_zone') }}
                end as instant
            from (
                select distinct
                    {{ local }} as local_stamp,
                    {{ second_pass }} as is_second_pass
                from {{ rows }}
            ) as stamps
            inner join {{ ref('markets') }} as markets on markets.iso = '{{ iso }}'
        ) as instants
    ) as clock
        on stamped.{{ local }} = clock.local_stamp
        and stamped.{{ second_pass }} = clock.is_second_pass
{% endmacro %}


{% macro with_pass_by_order(rows, iso, location, local='local_start') %}
    select
        stamped.*,
        coalesce(stamped.told_pass, passes.steps_back, false) as second_pass
    from {{ rows }} as stamped
    left join (
        select
            long_day.raw_file,
            long_day.raw_row,
            {{ is_repeated_hour('long_day.' ~ local, 'markets.time_zone') }}
            and long_day.{{ local }} <= lag(long_day.{{ local }}) over (
                partition by long_day.raw_file, long_day.{{ location }}
                order by long_day.raw_row
            ) as steps_back
        from {{ rows }} as long_day
        inner join {{ ref('markets') }} as markets on markets.iso = '{{ iso }}'
        where long_day.{{ local }}::date in (
            select days.local_date
            from (select distinct {{ local }}::date as local_date from {{ rows }}) as days
            inner join {{ ref('markets') }} as zones on zones.iso = '{{ iso }}'
            where {{ is_repeated_hour("days.local_date + interval 1 hour", 'zones.time_zone') }}
        )
    ) as passes
        on stamped.raw_file = passes.raw_file
        and stamped.raw_row = passes.raw_row
{% endmacro %}
