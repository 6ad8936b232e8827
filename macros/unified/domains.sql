{% macro domain_of(column_name) %}
    select value
    from {{ ref('domains') }}
    where column_name = '{{ column_name }}'
{%- endmacro %}
