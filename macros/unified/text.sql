{#- A text is looked at before it is trimmed, because trimming takes longer. One that begins with a printed character,
    is of ASCII alone and ends neither in a blank nor in a tab has nothing to trim. -#}
{% macro trimmed(text) %}
    case
        when {{ text }} not between '!' and '~'
            or {{ text }} like '% '
            or {{ text }} like '%	'
            or strlen({{ text }}) <> length({{ text }})
            then nullif(trim({{ text }}, {{ blank_characters() }}), '')
        else {{ text }}
    end
{%- endmacro %}


{#- R, pandas and databases write a word where a text is missing. -#}
{% macro unless_missing(text) %}
    case
        when {{ text }} in ('NA', 'N/A', 'NaN', 'nan', 'None', 'NULL', 'null', 'Null', '\N') then null
        else {{ trimmed(text) }}
    end
{%- endmacro %}


{% macro blank_characters() %}
    {{- return(adapter.dispatch('blank_characters', 'unified_iso')()) -}}
{% endmacro %}


{#- These are what Unicode calls white space, and the marks without width that people paste along with names. -#}
{% macro duckdb__blank_characters() %}
    {%- set codes = [9, 10, 11, 12, 13, 32, 133, 160, 5760] + range(8192, 8206) | list
        + [8232, 8233, 8239, 8287, 8288, 12288, 65279] -%}
    {%- for code in codes -%}
    chr({{ code }}){{ ' || ' if not loop.last }}
    {%- endfor -%}
{%- endmacro %}


{#- A set_aside that begins with `refused:` has the load refuse the whole file of its row. -#}
{% macro is_another_report(why, folder) %}
    'refused: is another report: ' || {{ why }} || ': move it to {{ folder }}'
{%- endmacro %}


{#- Tools print a column of numbers as decimals if it had a gap, which would make another id of each. Only texts with a
    point are matched against a pattern, because few have one. -#}
{% macro published_id(text) %}
    case
        when {{ text }} like '%.%' then {{ without_decimals(trimmed(text)) }}
        else {{ trimmed(text) }}
    end
{%- endmacro %}


{% macro without_decimals(text) %}
    {{- return(adapter.dispatch('without_decimals', 'unified_iso')(text)) -}}
{% endmacro %}


{% macro duckdb__without_decimals(text) %}
    regexp_replace({{ text }}, '^([0-9]+)[.]0*$', '\1')
{%- endmacro %}
