{#- A sound price lies in range; so says no comparison with NaN, infinity or null. -#}
{% macro no_price(value) %}
    ({{ value }} between -50000 and 50000) is not true
{%- endmacro %}


{#- Conditions of a `case` that tells why a row is rejected. A price that no market has would stop the test of
    its whole year; told by its line, it stops no more than its file. -#}
{% macro price_faults(prices, nullable=false, wanted={}) %}
    {%- for label, column in prices.items() %}
            when {{ no_price(column) }}
                {%- if nullable %} and {{ column }} is not null{% endif %}
                {%- if label in wanted %} and ({{ column }} is not null or {{ has_column(wanted[label]) }}){% endif %}
                then {{ price_fault(label, column) }}
    {%- endfor %}
{%- endmacro %}


{#- Whether the file of a row has a column that it could do without. -#}
{% macro has_column(name) %}
    coalesce(raw_lacks not like '%|{{ name }}|%', true)
{%- endmacro %}


{#- Where the parts of a price add up exactly, one of three that a file lacks is what is left of the total. -#}
{% macro part_or_rest(column, name, total, others, decimals) %}
    case
        when {{ has_column(name) }} then {{ column }}
        else round({{ total }} - {{ others | join(' - ') }}, {{ decimals }})
    end
{%- endmacro %}


{% macro price_fault(label, column) %}
    coalesce(
        'rejected: {{ label }} ' || {{ column }} || ' is no price within 50,000 $/MWh',
        'rejected: no {{ label }}'
    )
{%- endmacro %}


{#- A comma between thousands is left out where a point shows that it is none for decimals, as it may be in `21,520`:
    in the number itself, or in others of its file. Any other would make another number of the text. -#}
{% macro number_of(text, file_has_points) %}
    {{- return(adapter.dispatch('number_of', 'unified_iso')(text, file_has_points)) -}}
{% endmacro %}


{% macro duckdb__number_of(text, file_has_points) %}
    case
        when regexp_full_match({{ text }}, '-?[0-9]{1,3}(,[0-9]{3})+[.][0-9]+')
            or (regexp_full_match({{ text }}, '-?[0-9]{1,3}(,[0-9]{3})+') and {{ file_has_points }})
            then try_cast(replace({{ text }}, ',', '') as double)
        else try_cast({{ text }} as double)
    end
{%- endmacro %}


{#- Condition of a `case` that tells why a row is rejected: a tool that shortens or groups long numbers makes one id of
    several, or another id. Few ids have such a character, and only they are looked at twice. -#}
{% macro id_fault(label, id) %}
            when ({{ id }} like '%,%' or {{ id }} like '%.%' or {{ id }} like '%E%') and {{ is_misprinted_number(id) }}
                then 'rejected: {{ label }} "' || {{ id }} || '" is no whole number: print it in full, without commas'
{%- endmacro %}


{% macro is_misprinted_number(text) %}
    {{- return(adapter.dispatch('is_misprinted_number', 'unified_iso')(text)) -}}
{% endmacro %}


{% macro duckdb__is_misprinted_number(text) %}
    regexp_full_match({{ text }}, '[0-9][0-9,]*([.][0-9]*)?(E[+-]?[0-9]+)?')
{%- endmacro %}
