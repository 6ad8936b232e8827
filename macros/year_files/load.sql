{#- Point the raw relations of a dataset at the files of `load_files`, one branch per layout. -#}
{% macro open_files(node) %}
    {% do run_query("set variable raw_file_names = (select list(data_source order by number) from load_files)") %}
    {% for source in sources_of(node) %}
        {% set is_list = source.config.meta.get('location_list', false) %}
        {% set files = 'inventory.raw_files' if is_list else 'load_files' %}
        {% set where %}
            iso = {{ sql_text(source.source_name) }} and report = {{ sql_text(source.name) }}
            and refusal is null and is_present
        {% endset %}
        {% set found = run_query(
            "select layout, any_value(column_names), any_value(header_line), any_value(timestamp_format) from "
            ~ files ~ " where " ~ where ~ " group by layout order by layout"
        ) %}
        {% set layouts = [] %}
        {% for row in found.rows %}
            {% set variable = 'raw__' ~ source.source_name ~ '__' ~ source.name ~ '__' ~ loop.index %}
            {% set layout = {
                'paths': variable ~ '__paths',
                'numbers': variable ~ '__numbers',
                'column_names': fromjson(run_query("select to_json(column_names) from " ~ files ~ " where layout = " ~ sql_text(row[0]) ~ " limit 1").rows[0][0]),
                'header_line': row[2],
                'timestamp_format': row[3],
            } %}
            {% for name, column in [('paths', 'read_path'), ('numbers', '0::uinteger' if is_list else 'number')] %}
                {% do run_query(
                    'set variable "' ~ layout[name] ~ '" = (select list(' ~ column ~ ' order by data_source) from '
                    ~ files ~ ' where ' ~ where ~ ' and layout = ' ~ sql_text(row[0]) ~ ')'
                ) %}
            {% endfor %}
            {% do layouts.append(layout) %}
        {% endfor %}
        {% do create_raw_relation(source, layouts) %}
    {% endfor %}
    {% do run_query("drop table if exists temp.reject_errors; drop table if exists temp.reject_scans") %}
{% endmacro %}


{% macro close_files(node) %}
    {% do create_raw_relations(sources_of(node)) %}
{% endmacro %}


{% macro load_name(staging) %}
    {{ return('load__' ~ staging.name) }}
{% endmacro %}


{#- Parse the files of the group once, into one narrow table per staging model. -#}
{% macro load_rows(node) %}
    {% for staging in staging_models_of(node) %}
        {% do run_query(
            "create or replace temp table " ~ load_name(staging)
            ~ " as select * exclude (raw_row) from " ~ staging.relation_name
        ) %}
    {% endfor %}
    {% do keep_rejected_lines() %}
    {% set loads = [] %}
    {% for staging in staging_models_of(node) %}{% do loads.append(load_name(staging)) %}{% endfor %}
    {% do record_coverage(node, loads) %}
    {% do recount_lines() %}
    {% do shorten_text(node) %}
{% endmacro %}


{% macro drop_load(node) %}
    {% for staging in staging_models_of(node) %}
        {% do run_query("drop table if exists " ~ load_name(staging)) %}
    {% endfor %}
{% endmacro %}


{#- The dataset's own SQL, with each staging view replaced by the table it was parsed into. -#}
{% macro read_load_instead(node, sql, keep='true') %}
    {% set result = namespace(sql=with_short_file_names(sql)) %}
    {% for staging in staging_models_of(node) %}
        {% set result.sql = result.sql.replace(
            staging.relation_name,
            "(select * " ~ with_short_text(load_name(staging)) ~ ", rowid as raw_row from "
            ~ load_name(staging) ~ " where " ~ keep ~ ")"
        ) %}
    {% endfor %}
    {{ return(result.sql) }}
{% endmacro %}


{#- Text of a load comes from few values. Where the engine can hold it as numbers, rows are sorted and
    encoded for half the cost; the file is the same. -#}
{% macro shorten_text(node) %}
    {{ return(adapter.dispatch('shorten_text', 'unified_iso')(node)) }}
{% endmacro %}


{% macro default__shorten_text(node) %}
{% endmacro %}


{% macro duckdb__shorten_text(node) %}
    {% set loads = [] %}
    {% for staging in staging_models_of(node) %}{% do loads.append(load_name(staging)) %}{% endfor %}
    {% for column in _text_columns(loads) | unique %}
        {% do run_query(
            "create or replace temp type " ~ adapter.quote('load__' ~ column) ~ " as enum ("
            ~ _distinct_text(loads, column) ~ " order by 1)"
        ) %}
    {% endfor %}
    {% do run_query(
        "create or replace temp type load__data_source as enum (select data_source from load_files order by 1)"
    ) %}
    {% do run_query(
        "set variable short_raw_file_names = "
        ~ "(select list(data_source::load__data_source order by number) from load_files)"
    ) %}
{% endmacro %}


{% macro _text_columns(loads) %}
    {% set names = [] %}
    {% for row in run_query(
        "select column_name from duckdb_columns() where data_type = 'VARCHAR' and column_name <> 'set_aside' "
        ~ "and table_name in ('" ~ loads | join("', '") ~ "') order by all"
    ).rows %}
        {% do names.append(row[0]) %}
    {% endfor %}
    {{ return(names) }}
{% endmacro %}


{% macro _distinct_text(loads, column) %}
    {%- for load in loads if column in _text_columns([load]) -%}
        {{ 'union ' if not loop.first }}select distinct {{ column }} from {{ load }} where {{ column }} is not null
    {%- endfor -%}
{% endmacro %}


{% macro with_short_text(load) %}
    {{ return(adapter.dispatch('with_short_text', 'unified_iso')(load)) }}
{% endmacro %}


{% macro default__with_short_text(load) %}
{% endmacro %}


{% macro duckdb__with_short_text(load) %}
    {%- set columns = _text_columns([load]) -%}
    {%- if columns -%}
    replace (
        {%- for column in columns -%}
        {{ column }}::{{ adapter.quote('load__' ~ column) }} as {{ column }}{{ ', ' if not loop.last }}
        {%- endfor -%}
    )
    {%- endif -%}
{% endmacro %}


{% macro with_short_file_names(sql) %}
    {{ return(adapter.dispatch('with_short_file_names', 'unified_iso')(sql)) }}
{% endmacro %}


{% macro default__with_short_file_names(sql) %}
    {{ return(sql) }}
{% endmacro %}


{% macro duckdb__with_short_file_names(sql) %}
    {{ return(sql.replace("getvariable('raw_file_names')", "getvariable('short_raw_file_names')")) }}
{% endmacro %}


{% macro keep_rejected_lines() %}
    {% do run_query("delete from inventory.rejected_lines where file_id in (select file_id from load_files)") %}
    {% set has_rejects = run_query(
        "select count(*) from duckdb_tables() where table_name = 'reject_errors'"
    ).rows[0][0] %}
    {% if has_rejects %}
        {% do run_query("
            insert into inventory.rejected_lines
            select files.file_id, errors.line, errors.column_name, any_value(errors.error_message)
            from reject_errors as errors
            inner join reject_scans as scans using (scan_id, file_id)
            inner join load_files as files on scans.file_path = files.read_path
            group by all
        ") %}
    {% endif %}
{% endmacro %}


{#- What the files of the load hold, by delivery day, and how many lines were used: from now on exact. -#}
{% macro record_coverage(node, relations) %}
    {% do run_query("
        create or replace temp table observed as
        with counted as (
            " ~ _count_rows(relations) ~ "
        )
        select
            files.file_id,
            " ~ to_local('counted.interval_start_utc', 'markets.time_zone') ~ "::date as delivery_date,
            sum(counted.rows)::ubigint as rows,
            sum(counted.raw_lines)::ubigint as raw_lines
        from counted
        inner join load_files as files on counted.raw_file = files.number
        inner join " ~ fact('markets') ~ " as markets on markets.iso = " ~ sql_text(node.config.iso) ~ "
        group by all
    ") %}
    {% do run_query("delete from inventory.coverage where file_id in (select file_id from load_files)") %}
    {% do run_query("
        insert into inventory.coverage
        select file_id, delivery_date, rows, false from observed where delivery_date is not null
    ") %}
    {% do run_query("
        update inventory.raw_files as files
        set lines_used = coalesce((
            select sum(observed.raw_lines) from observed where observed.file_id = files.file_id
        ), 0)
        where files.file_id in (select file_id from load_files)
    ") %}
{% endmacro %}


{% macro _count_rows(relations) %}
    {%- for relation in relations %}
            select raw_file, interval_start_utc, count(*) as rows, sum(raw_lines) as raw_lines
            from {{ relation }}
            group by all
            {{ 'union all' if not loop.last }}
    {%- endfor -%}
{% endmacro %}


{% macro fact(seed) %}
    {{- api.Relation.create(database=target.database, schema=target.schema ~ '_facts', identifier=seed) -}}
{% endmacro %}


{#- The inventory counts line ends; where that is not what the reader saw, blank lines may be why. -#}
{% macro recount_lines() %}
    {% set rows = run_query("
        select files.file_id
        from inventory.raw_files as files
        left join (
            select file_id, count(distinct line) as lines from inventory.rejected_lines group by all
        ) as rejected using (file_id)
        where files.file_id in (select file_id from load_files)
            and files.lines <> files.lines_used + coalesce(rejected.lines, 0)
    ").rows %}
    {% if rows %}
        {% set file_ids = [] %}
        {% for row in rows %}{% do file_ids.append(row[0] | int) %}{% endfor %}
        {% do in_python('recount_lines', {'file_ids': file_ids}) %}
    {% endif %}
{% endmacro %}


{#- A file with a malformed line or row stops the years it touches, unless rejects are allowed. -#}
{% macro block_rejected_years(node) %}
    {% set rejected %}
        select
            files.file_id,
            files.data_source,
            lines.line,
            coalesce('column ' || lines.column_name || ': ', '') || lines.message as message
        from inventory.rejected_lines as lines
        inner join load_files as files using (file_id)
        {% for staging in staging_models_of(node) %}
        union all
        select
            files.file_id,
            files.data_source,
            load.rowid - first_rows.first_row + files.header_line + 2 as line,
            replace(load.set_aside, 'rejected: ', '') as message
        from {{ load_name(staging) }} as load
        inner join (
            select raw_file, min(rowid) as first_row from {{ load_name(staging) }} group by all
        ) as first_rows on load.raw_file = first_rows.raw_file
        inner join load_files as files on load.raw_file = files.number
        where load.set_aside like 'rejected: %'
        {% endfor %}
        union all
        select
            files.file_id,
            files.data_source,
            null as line,
            'has ' || files.lines || ' data lines, but none could be used' as message
        from load_files as files
        inner join inventory.raw_files as known using (file_id)
        where files.lines > 0 and known.lines_used = 0
    {% endset %}
    {% do run_query("create or replace temp table rejected as " ~ rejected) %}
    {% do run_query("
        delete from inventory.rejected_rows
        where model = " ~ sql_text(node.name) ~ " and file_id in (select file_id from load_files)
    ") %}
    {% do run_query("insert into inventory.rejected_rows select " ~ sql_text(node.name) ~ ", * from rejected") %}
    {% if not var('allow_rejects') %}
        {% do run_query("
            insert into inventory.blocked
            select distinct
                " ~ sql_text(node.name) ~ ",
                coalesce(years.year, (select any_value(year) from load_group)),
                first_rejects.message
            from (
                select
                    file_id,
                    data_source || coalesce(' line ' || min(line), '') || ': '
                    || arg_min(message, coalesce(line, 0))
                    || case when count(*) > 1 then ' (and ' || count(*) - 1 || ' more)' else '' end
                    || ': mend the file, or publish the rest with --allow-rejects' as message
                from rejected
                group by file_id, data_source
            ) as first_rejects
            left join (
                select distinct file_id, year(delivery_date) as year from inventory.coverage
            ) as years using (file_id)
        ") %}
    {% endif %}
{% endmacro %}
