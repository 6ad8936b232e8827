{#- How the stamps of each source are read where a file is read as text: by column the clock that is printed, what is
    wrong with it, and the instant where the stamp has an offset. The engine puts them into the raw relations. -#}
{% macro stamp_expressions(sources) %}
    {% set found = {} %}
    {% for source in sources %}
        {% set stamps = {} %}
        {% for column in source.columns.values() if column.data_type in ['timestamp', 'date'] %}
            {% set meta = column.config.meta if column.config else column.meta %}
            {% set text = adapter.quote(column.name) %}
            {% set local = text_to_local(text, _clock_of(source, meta)) %}
            {% do stamps.update({column.name: {
                'value': local ~ '::' ~ column.data_type,
                'fault': stamp_fault(column.name, text, local, meta.get('is_day') or column.data_type == 'date'),
                'instant': _instant_with_offset(text) if meta.get('tells_instant') else none,
            }}) %}
        {% endfor %}
        {% do found.update({source.unique_id: stamps}) %}
    {% endfor %}
    {{ return(found) }}
{% endmacro %}


{#- A stamp with an offset becomes the clock of its column, as if it were printed without. -#}
{% macro _clock_of(source, meta) %}
    {% if meta.get('time_zone') %}{{ return(sql_text(meta.time_zone)) }}{% endif %}
    {{ return('(select time_zone from inventory.markets where iso = ' ~ sql_text(source.source_name) ~ ')') }}
{% endmacro %}


{% macro _instant_with_offset(text) %}
    {{ return('case when ' ~ has_utc_offset(text) ~ ' then ' ~ instant_of(text) ~ ' end') }}
{% endmacro %}


{% macro sql_text(value) %}
    {{- return("'" ~ (value | string).replace("'", "''") ~ "'") -}}
{% endmacro %}
