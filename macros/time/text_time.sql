{% macro text_to_utc(text) %}
    {{- return(adapter.dispatch('text_to_utc', 'unified_iso')(text)) -}}
{% endmacro %}


{% macro duckdb__text_to_utc(text) %}
    {#- Without an offset a cast to timestamptz would take the session's zone. -#}
    case
        when {{ has_utc_offset(text) }} then try_cast({{ text }} as timestamptz)
        else make_timestamptz(epoch_us(try_cast({{ text }} as timestamp)))
    end
{%- endmacro %}


{% macro has_utc_offset(text) %}
    {{- return(adapter.dispatch('has_utc_offset', 'unified_iso')(text)) -}}
{% endmacro %}


{% macro duckdb__has_utc_offset(text) %}
    {#- A clock stands before the offset, so that the end of a bare date is not taken for one. -#}
    regexp_matches({{ text }}, ':[0-9]{2}([.][0-9]+)?(Z| ?UTC|[+-][0-9]{2}(:?[0-9]{2})?)$')
{%- endmacro %}
