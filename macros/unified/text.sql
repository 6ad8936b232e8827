{#- Trimming costs more than looking whether there is anything to trim. -#}
{% macro trimmed(text) %}
    case when {{ text }} like '% ' or {{ text }} like ' %' then trim({{ text }}) else {{ text }} end
{%- endmacro %}
