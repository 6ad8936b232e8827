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
    {% set relation = api.Relation.create(
        database=source.database, schema=source.schema, identifier=source.identifier
    ) %}
    {% set rows = read_raw_files(source, layouts) %}
    {% set statements = [] %}
    {% if layouts and with_numbers and is_numbered(source) %}
        {% set numbered = numbered_rows(raw_table(source), rows) %}
        {% do statements.append(numbered.statement) %}
        {% set rows = numbered.rows %}
    {% endif %}
    {% do statements.append('create or replace view ' ~ relation ~ ' as ' ~ rows) %}
    {{ return(statements) }}
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
    {% set types = {} %}
    {% for column in columns %}{% do types.update({column.name: column.data_type}) %}{% endfor %}
    select
        {% for column in columns %}
        {{ adapter.quote(column.name) }},
        {% endfor %}
        raw_file,
        null::bigint as raw_row
    from (
        select
            {% for column in columns %}
            null::{{ column.data_type }} as {{ adapter.quote(column.name) }},
            {% endfor %}
            null::uinteger as raw_file
        where false
        {% for layout in layouts %}
        union all by name
        select
            *,
            getvariable('{{ layout.numbers }}')[file_index::bigint + 1] as raw_file
            {% for column in columns_of_file(source) %},
            getvariable('{{ layout[meta_of(column).of_file] }}')[file_index::bigint + 1]
                as {{ adapter.quote(column.name) }}
            {% endfor %}
        from read_csv(
            getvariable('{{ layout.paths }}'),
            columns = {
                {%- for name in layout.column_names -%}
                {{ sql_text(name) }}: {{ sql_text(types.get(name, 'varchar')) }}{{ ', ' if not loop.last }}
                {%- endfor -%}
            },
            auto_detect = false,
            header = true,
            skip = {{ layout.header_line }},
            delim = ',',
            quote = '"',
            escape = '"',
            {% if layout.timestamp_format %}
            timestampformat = {{ sql_text(layout.timestamp_format) }},
            {% endif %}
            store_rejects = true,
            hive_partitioning = false
        )
        {% endfor %}
    )
{% endmacro %}


{% macro sql_text(value) %}
    {{- return("'" ~ (value | string).replace("'", "''") ~ "'") -}}
{% endmacro %}
