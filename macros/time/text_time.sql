{#- The stamp as it is printed, in any form of which only one reading is right; null for others. Years of two digits
    are those of this century, because no market is older. -#}
{% macro stamp_of(text) %}
    {{- return(adapter.dispatch('stamp_of', 'unified_iso')(text)) -}}
{% endmacro %}


{#- A text in ISO's form is cast, because the list of forms takes ten times as long. Oracle prints `06-MAR-24
    12.05.00.000000000 AM`: the month has a name, and only a clock of twelve hours is written so, so that nothing can be
    meant but one. A date of numbers alone between points, `06.03.2024`, does not tell day from month. -#}
{% macro duckdb__stamp_of(text) %}
    {%- set printed = "try_strptime(" ~ text ~ ", " ~ stamp_forms() ~ ")" %}
    {%- set by_oracle = "try_strptime(regexp_replace(" ~ text
        ~ ", '[.]([0-9]{2})[.]([0-9]{2})([.]0+)? ', ':\\1:\\2 '), '%d-%b-%Y %I:%M:%S %p')" %}
    case
        when regexp_full_match(
            {{ text }}, '[0-9]{4}-[0-9]{2}-[0-9]{2}([ T][0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]+)?)?)?'
        )
            then try_cast({{ text }} as timestamp)
        -- Years up to 1900 are left out, because strptime reads words such as `epoch` as the first day of 1900.
        when year({{ printed }}) > 1900 then {{ printed }}
        when year({{ printed }}) < 100 and not regexp_matches({{ text }}, '^ *[0-9]+-[0-9]')
            then {{ printed }} + to_years(2000)
        when regexp_full_match(
            {{ text }}, ' *[0-9]{1,2}-[A-Za-z]{3}-([0-9]{2}){1,2} [0-9]{1,2}[.][0-9]{2}[.][0-9]{2}([.]0+)? [AaPp][Mm] *'
        )
            then {{ by_oracle }} + to_years(case when year({{ by_oracle }}) < 100 then 2000 else 0 end)
    end
{%- endmacro %}


{% macro stamp_forms() %}
    {%- set forms = [] -%}
    {%- for time in [' %H:%M', ' %H:%M:%S', ' %I:%M:%S %p', ' %I:%M %p', '', ' %H:%M:%S.%f', 'T%H:%M', 'T%H:%M:%S'] -%}
        {%- for date in ['%m/%d/%Y', '%Y-%m-%d', '%Y/%m/%d', '%d-%b-%Y'] -%}
            {%- do forms.append(date ~ time) -%}
        {%- endfor -%}
    {%- endfor -%}
    {#- The quotes are put around all forms at once, because each stamp column of each report has the list. -#}
    {{- return("['" ~ forms | join("', '") ~ "']") -}}
{% endmacro %}


{% macro has_utc_offset(text) %}
    {{- return(adapter.dispatch('has_utc_offset', 'unified_iso')(text)) -}}
{% endmacro %}


{% macro duckdb__has_utc_offset(text) %}
    {#- The pattern wants a clock before the offset, because the end of the bare date 2024-01-02 looks like one. -#}
    regexp_matches({{ text }}, '(:|[.][0-9]{2}[.])[0-9]{2}([.][0-9]+)?( ?[AaPp][Mm])? ?(Z|UTC|GMT|[+-][0-9]{2}(:?[0-9]{2})?) *$')
{%- endmacro %}


{% macro instant_of(text) %}
    {{- return(adapter.dispatch('instant_of', 'unified_iso')(text)) -}}
{% endmacro %}


{% macro duckdb__instant_of(text) %}
    {%- set offset = "regexp_extract(" ~ text ~ ", '([+-])([0-9]{2}):?([0-9]{2})? *$', " %}
    make_timestamptz(
        epoch_us({{ stamp_of("regexp_replace(" ~ text ~ ", ' ?(Z|UTC|GMT|[+-][0-9]{2}(:?[0-9]{2})?) *$', '')") }})
        - case when {{ offset }}1) = '-' then -60000000 else 60000000 end * (
            60 * coalesce(try_cast({{ offset }}2) as bigint), 0) + coalesce(try_cast({{ offset }}3) as bigint), 0)
        )
    )
{%- endmacro %}


{% macro text_to_utc(text) %}
    {#- A text without an offset is not cast to timestamptz, because the cast would take the session's zone. -#}
    case
        when {{ has_utc_offset(text) }} then {{ instant_of(text) }}
        else {{ utc(stamp_of(text)) }}
    end
{%- endmacro %}


{% macro text_to_local(text, time_zone) %}
    case
        when {{ has_utc_offset(text) }} then {{ to_local(instant_of(text), time_zone) }}
        else {{ stamp_of(text) }}
    end
{%- endmacro %}


{#- A file that prints the day before the month shows it only in days past the twelfth, so that one such stamp refuses
    the whole file: its other dates may have been read as months. -#}
{% macro stamp_fault(column, text, stamp, is_day) %}
    case
        when regexp_matches({{ text }}, '^ *(1[3-9]|2[0-9]|3[01])[/.-][0-9]{1,2}[/.-][0-9]{2}')
            then 'refused: has dates with the day first ({{ column }} "' || left({{ text }}, 40)
                || '"), and days up to the twelfth can''t be told from months: write dates as 2024-12-31'
        when {{ stamp }} is null and {{ trimmed(text) }} is not null
            then 'rejected: {{ column }} "' || left({{ text }}, 40) || '" is no {{ "day" if is_day else "time" }}: write it as '
                || '{{ "2024-12-31 or 12/31/2024" if is_day else "2024-12-31 13:00:00 or 12/31/2024 13:00" }}'
        {% if is_day %}
        when {{ stamp }} <> date_trunc('day', {{ stamp }})
            then 'rejected: {{ column }} "' || left({{ text }}, 40) || '" is a time, where a day belongs'
        {% else %}
        when {{ stamp }} is not null and not contains({{ text }}, ':') and not regexp_matches({{ text }}, '[0-9][.][0-9]')
            then 'rejected: {{ column }} "' || left({{ text }}, 40) || '" has no time of day'
        {% endif %}
    end
{%- endmacro %}
