{#- `is not true` also catches NaN, infinity and null, because no comparison with them is true. -#}
{% macro no_price(value) %}
    ({{ value }} between -50000 and 50000) is not true
{%- endmacro %}


{#- A price that no market has is rejected here, with its line, because in a published row it would fail the test of
    its whole year. -#}
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


{#- Where parts add up exactly, one that the file has no column for is what the others leave of the total. -#}
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


{#- The comma of `21,520` may stand between thousands or before decimals. It is taken for the former only if the number
    itself, or another one of its file, has a decimal point; otherwise the text is no number. -#}
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


{#- An id such as 2.15611E+09 is rejected, because a tool that shortens or groups long numbers makes one text of several
    ids. Only ids with such a character are matched against a pattern, because few have one. -#}
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
