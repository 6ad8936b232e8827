{#- Each different name is looked up once and not once per row, because a file has few names and many rows. -#}
{% macro with_location_type(rows, iso, name='settlement_location', published_type='null::varchar') %}
    select
        untyped.*,
        types.settlement_location_type
    from {{ rows }} as untyped
    left join (
        select
            named.location_name,
            named.location_type,
            arg_min(patterns.settlement_location_type, patterns.priority) as settlement_location_type
        from (
            select distinct
                {{ name }} as location_name,
                {{ published_type }} as location_type
            from {{ rows }}
        ) as named
        inner join {{ ref('location_types') }} as patterns
            on patterns.iso = '{{ iso }}'
            and (patterns.published_type = '*' or named.location_type = patterns.published_type)
            and named.location_name like patterns.name_pattern escape '\'
        group by all
    ) as types
        on untyped.{{ name }} = types.location_name
        and {{ published_type }} is not distinct from types.location_type
{% endmacro %}
