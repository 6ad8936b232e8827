{#- Files into which those of several days or markets were merged: an instant of a place comes again with another price, and
    nothing tells which is which. -#}
{% macro merged_files(rows, key, prices, example, where) %}
    select
        raw_file,
        any_value(example order by raw_row) as example
    from (
        select
            raw_file,
            min(raw_row) as raw_row,
            {{ example }} as example
        from {{ rows }}
        where {{ where }}
        group by
            raw_file,
            {{ key | join(',\n            ') }}
        having
            {%- for price in prices %}
            {{ 'or ' if not loop.first }}min({{ price }}) <> max({{ price }})
            {%- endfor %}
    ) as conflicts
    group by raw_file
{% endmacro %}
