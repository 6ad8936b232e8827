{#- Empty: a load points them at its own files, and what a dataset is made by must not hang on files. -#}
{% macro create_raw_relations(sources) %}
    {% set statements = [] %}
    {% for schema in sources | map(attribute='schema') | unique %}
        {% do statements.append('create schema if not exists ' ~ adapter.quote(schema)) %}
    {% endfor %}
    {% for source in sources %}
        {% do statements.extend(raw_relation_statements(source, [])) %}
    {% endfor %}
    {% do run_statements(statements) %}
{% endmacro %}


{#- The order of lines never moves a row to another day: who only looks for days needs no numbers, and without
    them reads only the columns that days are told by. -#}
{% macro raw_relation_statements(source, layouts, with_numbers=true) %}
    {% set rows = read_raw_files(source, layouts) %}
    {% set statements = [] %}
    {% if layouts and with_numbers and is_numbered(source) %}
        {% set numbered = numbered_rows(raw_table(source), rows) %}
        {% do statements.append(numbered.statement) %}
        {% set rows = numbered.rows %}
    {% endif %}
    {% do statements.append(raw_view(source, rows)) %}
    {{ return(statements) }}
{% endmacro %}


{% macro raw_view(source, rows) %}
    {% set view = api.Relation.create(database=source.database, schema=source.schema, identifier=source.identifier) %}
    {{ return('create or replace view ' ~ view ~ ' as ' ~ rows) }}
{% endmacro %}


{% macro is_numbered(source) %}
    {{ return(source.config.meta.get('raw', {}).get('row_numbers', false)) }}
{% endmacro %}


{% macro raw_table(source) %}
    {{ return('raw__' ~ source.source_name ~ '__' ~ source.name) }}
{% endmacro %}


{% macro numbered_rows(table, rows) %}
    {{ return(adapter.dispatch('numbered_rows', 'unified_iso')(table, rows)) }}
{% endmacro %}


{#- Counting while reading would leave all but one thread idle; a table knows the places of its rows. The first row
    of a file is number 0. -#}
{% macro duckdb__numbered_rows(table, rows) %}
    {% set first_rows = adapter.quote(table ~ '__first_rows') %}
    {{ return({
        'statement': "create or replace temp table " ~ adapter.quote(table)
            ~ " as select * exclude (raw_row) from (" ~ rows ~ ");
            set variable " ~ first_rows ~ " = (
                select list(starts.first_row order by files.number)
                from load_files as files
                left join (
                    select raw_file, min(rowid) as first_row from temp." ~ adapter.quote(table) ~ " group by raw_file
                ) as starts on files.number = starts.raw_file
            )",
        'rows': "select *, rowid - getvariable(" ~ sql_text(table ~ '__first_rows') ~ ")[raw_file] as raw_row from temp."
            ~ adapter.quote(table),
    }) }}
{% endmacro %}


{% macro drop_raw_tables(sources) %}
    {% set statements = [] %}
    {% for source in sources if is_numbered(source) %}
        {% do statements.append("drop table if exists temp." ~ adapter.quote(raw_table(source))) %}
    {% endfor %}
    {% do run_statements(statements) %}
{% endmacro %}


{% macro meta_of(column) %}
    {{ return(column.config.meta if column.config else column.meta) }}
{% endmacro %}


{#- Columns that a file itself has no cell for: its delivery day, its name. -#}
{% macro columns_of_file(source, what=none) %}
    {% set found = [] %}
    {% for column in source.columns.values() %}
        {% set of_file = meta_of(column).get('of_file') %}
        {% if of_file and (what is none or of_file == what) %}{% do found.append(column) %}{% endif %}
    {% endfor %}
    {{ return(found) }}
{% endmacro %}


{% macro columns_in_file(source) %}
    {% set found = [] %}
    {% for column in source.columns.values() if not meta_of(column).get('of_file') %}
        {% do found.append(column) %}
    {% endfor %}
    {{ return(found) }}
{% endmacro %}


{% macro read_raw_files(source, layouts) %}
    {{ return(adapter.dispatch('read_raw_files', 'unified_iso')(source, layouts)) }}
{% endmacro %}


{#- The reader's index counts the paths given to it, as each is one file: a path with wildcards in it is read
    through a link without. -#}
{% macro duckdb__read_raw_files(source, layouts) %}
    {% set columns = source.columns.values() | list %}
    select
        {% for column in columns %}
        {{ adapter.quote(column.name) }},
        {% endfor %}
        raw_fault,
        raw_lacks,
        raw_instant,
        raw_file,
        null::bigint as raw_row
    from (
        select
            {% for column in columns %}
            null::{{ column.data_type }} as {{ adapter.quote(column.name) }},
            {% endfor %}
            null::varchar as raw_fault,
            null::varchar as raw_lacks,
            null::timestamptz as raw_instant,
            null::uinteger as raw_file
        where false
        {% for layout in layouts %}
        union all by name
        {{ _read_layout(source, layout) }}
        {% endfor %}
    )
{% endmacro %}


{% macro _read_layout(source, layout) %}
    {% set stamps = [] %}
    {% if layout.timestamp_format == 'text' %}
        {% set stamps = stamp_columns_of(source) | selectattr('name', 'in', layout.column_names) | list %}
    {% endif %}
    {#- A line with a stamp that can't be read has no time, whoever asks. -#}
    {% if stamps %}
    select
        * replace (
            {% for column in stamps %}
            case when raw_fault is null then {{ adapter.quote(column.name) }} end
                as {{ adapter.quote(column.name) }}{{ ',' if not loop.last }}
            {% endfor %}
        )
    from (
    {% endif %}
    select
        *
        {%- if stamps %} replace (
            {% for column in stamps %}
            {{ text_to_local(adapter.quote(column.name), time_zone_of(source, column)) }}::{{ column.data_type }}
                as {{ adapter.quote(column.name) }}{{ ',' if not loop.last }}
            {% endfor %}
        )
        {%- endif %},
        {% for column in stamps %}
        {{ 'coalesce(' if loop.first }}
            {{ stamp_fault(
                column.name,
                adapter.quote(column.name),
                text_to_local(adapter.quote(column.name), time_zone_of(source, column)),
                meta_of(column).get('is_day') or column.data_type == 'date'
            ) }}{{ ',' if not loop.last else ')' }}
        {% else %}
        null::varchar
        {% endfor %} as raw_fault,
        {{ lacking_columns(source, layout) }} as raw_lacks,
        {% for column in stamps if meta_of(column).get('tells_instant') %}
        case when {{ has_utc_offset(adapter.quote(column.name)) }} then {{ instant_of(adapter.quote(column.name)) }} end
        {% else %}
        null::timestamptz
        {% endfor %} as raw_instant,
        {{ layout.numbers }}[file_index::bigint + 1] as raw_file
        {% for column in columns_of_file(source) %},
        {{ layout[meta_of(column).of_file] }}[file_index::bigint + 1]
            as {{ adapter.quote(column.name) }}
        {% endfor %}
    from read_csv(
        {{ layout.paths }},
        columns = {
            {%- for name in layout.column_names -%}
            {{ sql_text(name) }}: {{ sql_text(_type_in_file(source, stamps, name)) }}{{ ', ' if not loop.last }}
            {%- endfor -%}
        },
        auto_detect = false,
        header = true,
        skip = {{ layout.header_line }},
        delim = ',',
        quote = '"',
        escape = '"',
        {% if layout.timestamp_format and not stamps %}
        timestampformat = {{ sql_text(layout.timestamp_format) }},
        {% endif %}
        store_rejects = true,
        hive_partitioning = false
    )
    {% if stamps %}
    )
    {% endif %}
{% endmacro %}


{% macro stamp_columns_of(source) %}
    {{ return(columns_in_file(source) | selectattr('data_type', 'in', ['timestamp', 'date']) | list) }}
{% endmacro %}


{% macro _type_in_file(source, stamps, name) %}
    {% for column in source.columns.values() if column.name == name and column not in stamps %}
        {{ return(column.data_type) }}
    {% endfor %}
    {{ return('varchar') }}
{% endmacro %}


{#- What a stamp with an offset becomes: the clock of the column, as if it were printed without. -#}
{% macro time_zone_of(source, column) %}
    {% if meta_of(column).get('time_zone') %}{{ return(sql_text(meta_of(column).time_zone)) }}{% endif %}
    {{ return("(select time_zone from " ~ fact('markets') ~ " where iso = " ~ sql_text(source.source_name) ~ ")") }}
{% endmacro %}


{#- Columns that a file can do without, but that are told where they are missing. -#}
{% macro wanted_columns(source) %}
    {% set found = [] %}
    {% for column in columns_in_file(source) if meta_of(column).get('wanted') %}{% do found.append(column.name) %}{% endfor %}
    {{ return(found) }}
{% endmacro %}


{% macro lacking_columns(source, layout) %}
    {%- set lacking = wanted_columns(source) | reject('in', layout.column_names) | list -%}
    {{ return(sql_text('|' ~ lacking | join('|') ~ '|') if lacking else 'null::varchar') }}
{% endmacro %}


{% macro sql_text(value) %}
    {{- return("'" ~ (value | string).replace("'", "''") ~ "'") -}}
{% endmacro %}
