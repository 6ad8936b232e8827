{% macro list_of(columns) %}
    {{- return(adapter.dispatch('list_of', 'unified_iso')(columns)) -}}
{% endmacro %}


{% macro duckdb__list_of(columns) %}
    [{{ columns | join(', ') }}]
{%- endmacro %}


{% macro with_each_hour(rows, lists) %}
    {{- return(adapter.dispatch('with_each_hour', 'unified_iso')(rows, lists)) -}}
{% endmacro %}


{#- The numbers of the hours are unnested too, because a row whose lists are all null must still give 24 rows. -#}
{% macro duckdb__with_each_hour(rows, lists) %}
    select
        * exclude ({{ lists | join(', ') }}),
        unnest(range(24)) as hour_index,
        {% for name in lists %}
        unnest({{ name }}) as {{ name }}{{ ',' if not loop.last }}
        {% endfor %}
    from {{ rows }}
{%- endmacro %}
