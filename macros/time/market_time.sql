{#- This holds in UTC as well as on a local clock, because American markets are whole hours from UTC. -#}
{% macro off_grid(instant, minutes) %}
    {{- return(adapter.dispatch('off_grid', 'unified_iso')(instant, minutes)) -}}
{% endmacro %}


{% macro duckdb__off_grid(instant, minutes) %}
    (epoch_us({{ instant }}) % (({{ minutes }})::double * 60000000)::bigint <> 0)
{%- endmacro %}


{% macro length_in_words(minutes) %}
    {{- return({1/60: 'a second', 60: 'an hour', 1440: 'a day'}.get(minutes, minutes ~ ' minutes')) -}}
{% endmacro %}


{#- Files of several stamps all of which are on the hour. A file of one stamp may be one interval of a shorter market. -#}
{% macro files_on_the_hour(rows, stamp) %}
    select
        raw_file,
        min({{ stamp }}) as first_stamp
    from {{ rows }}
    where {{ stamp }} is not null
    group by raw_file
    having min({{ stamp }}) <> max({{ stamp }}) and not bool_or({{ off_grid(stamp, 60) }})
{% endmacro %}


{% macro start_of_step(instant, minutes) %}
    {{- return(adapter.dispatch('start_of_step', 'unified_iso')(instant, minutes)) -}}
{% endmacro %}


{% macro duckdb__start_of_step(instant, minutes) %}
    make_timestamptz(epoch_us({{ instant }}) // {{ minutes * 60000000 }} * {{ minutes * 60000000 }})
{%- endmacro %}


{#- The instant, or null where no price of the market can be: before its first day, or too far ahead. -#}
{% macro believable(instant, iso) %}
    case
        when {{ instant }} >= (
            select {{ second_pass_to_utc('facts.first_delivery_date::timestamp', 'facts.time_zone') }}
            from {{ ref('markets') }} as facts
            where facts.iso = '{{ iso }}'
        ) and {{ instant }} < {{ end_of_believable_time() }}
            then {{ instant }}
    end
{%- endmacro %}


{% macro end_of_believable_time() %}
    {{- return(adapter.dispatch('end_of_believable_time', 'unified_iso')()) -}}
{% endmacro %}


{#- Prices come for tomorrow at most. Sixty days more are allowed, because the machine's clock may be wrong. -#}
{% macro duckdb__end_of_believable_time() %}
    make_timestamptz(epoch_us(current_date + interval 62 days))
{%- endmacro %}


{% macro no_believable_time(column, printed) %}
    coalesce(
        'rejected: {{ column }} ' || {{ printed }}
        || ' is before the first day of this market or more than 60 days ahead',
        'rejected: no {{ column }}'
    )
{%- endmacro %}


{#- Wall clock at the start of each hour in which the market can have prices. Rows are joined to it, because asking the
    calendar for each of them would take longer than reading it. -#}
{% macro market_hours(iso) %}
    {{- return(adapter.dispatch('market_hours', 'unified_iso')(iso)) -}}
{% endmacro %}


{% macro duckdb__market_hours(iso) %}
    select
        epoch_us(hours.hour_start) // 3600000000 as hour_number,
        epoch_us(hours.hour_start)
        - epoch_us({{ to_local('hours.hour_start', 'hours.time_zone') }}) as behind_utc_us
    from (
        select
            facts.time_zone,
            unnest(generate_series(
                {{ utc('facts.first_delivery_date::timestamp') }},
                {{ end_of_believable_time() }},
                interval 1 hour
            )) as hour_start
        from {{ ref('markets') }} as facts
        where facts.iso = '{{ iso }}'
    ) as hours
{%- endmacro %}


{% macro seconds_from(earlier, later) %}
    {{- return(adapter.dispatch('seconds_from', 'unified_iso')(earlier, later)) -}}
{% endmacro %}


{% macro duckdb__seconds_from(earlier, later) %}
    ((epoch_us({{ later }}) - epoch_us({{ earlier }})) / 1000000)
{%- endmacro %}
