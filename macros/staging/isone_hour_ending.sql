{#- An hour label is a number from 1 to 24, with or without zero, and X for the repeated hour. -#}
{% macro isone_hour_ending(label) %}
    try_cast(
        regexp_extract({{ trimmed(label) }}, '^(0?[1-9]|1[0-9]|2[0-4])([.]0)?X?$', 1) as integer
    )
{%- endmacro %}
