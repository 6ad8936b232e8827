{#- An hour label is a number from 1 to 24, with or without zero, and X for the repeated hour. -#}
{% macro isone_hour_ending(label) %}
    case
        when try_cast(replace({{ label }}, 'X', '') as integer) between 1 and 24
            then try_cast(replace({{ label }}, 'X', '') as integer)
    end
{%- endmacro %}
