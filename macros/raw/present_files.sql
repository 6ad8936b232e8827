{#- Sources above the selected tables and data tests; not looked for behind datasets, which read their own. -#}
{% macro sources_read_directly() %}
    {% set above = [] %}
    {% for unique_id in selected_resources %}
        {% set node = graph.nodes.get(unique_id) %}
        {% if node and node.resource_type in ['model', 'test', 'snapshot']
            and node.config.materialized not in ['year_files', 'view', 'ephemeral'] %}
            {% do above.append(unique_id) %}
        {% endif %}
    {% endfor %}
    {% set found = [] %}
    {% for unique_id in above %}
        {% set node = graph.nodes.get(unique_id) %}
        {% if unique_id in graph.sources %}
            {% do found.append(graph.sources[unique_id]) %}
        {% elif node and node.resource_type != 'seed' and node.config.materialized != 'year_files' %}
            {% for parent in node.depends_on.nodes if parent not in above %}{% do above.append(parent) %}{% endfor %}
        {% endif %}
    {% endfor %}
    {{ return(found) }}
{% endmacro %}


{#- `dbt retry` selects nothing: it takes its nodes from the results of the run before. -#}
{% macro operators_of_run() %}
    {% set isos = [] %}
    {% for node in datasets() if node.unique_id in selected_resources or not selected_resources %}
        {% do isos.append(node.config.iso) %}
    {% endfor %}
    {% for source in sources_read_directly() %}{% do isos.append(source.source_name) %}{% endfor %}
    {{ return(isos | unique | list) }}
{% endmacro %}


{#- Point the raw relations at all usable files that are present: for tables of one's own while a run lasts, and for
    whoever looks at staging rows between runs, as `dbt show` does, which calls no hooks. The lists stand in the views
    themselves, because variables are known to the session alone that has set them. -#}
{% macro open_present_files(sources) %}
    {% if not sources %}{{ return(none) }}{% endif %}
    {% set layouts = present_layouts() %}
    {% set known = [] %}
    {% for row in run_query("select distinct iso from inventory.raw_files").rows %}{% do known.append(row[0]) %}{% endfor %}
    {% set views = {} %}
    {% for source in sources %}
        {% set rows = read_raw_files(source, layouts.get(source.source_name ~ '/' ~ source.identifier, [])) %}
        {% if source.source_name in known or source in sources_read_directly() %}
            {% do views.update({source.unique_id: raw_view(source, rows_in_order(rows) if is_numbered(source) else rows)}) %}
        {% else %}
            {% do views.update({source.unique_id: view_of_nothing(
                source, 'no build has looked for raw files of this operator, or it found none'
            )}) %}
        {% endif %}
    {% endfor %}
    {#- To ask one by one which of them can't be opened takes longer, and hardly ever there is any. -#}
    {% if attempt(views.values() | list) is not none %}
        {% for source in sources %}
            {% set fault = attempt([views[source.unique_id]]) %}
            {% if fault is not none %}{% do run_query(view_of_nothing(source, fault)) %}{% endif %}
        {% endfor %}
    {% endif %}
{% endmacro %}


{#- Without a row the error would be planned away. -#}
{% macro view_of_nothing(source, fault) %}
    {{ return(raw_view(source, "
        select rows.*
        from (select 1) as once
        left join (" ~ read_raw_files(source, []) ~ ") as rows on true
        where error(" ~ sql_text(
            source.source_name ~ '/' ~ source.identifier ~ " can't be read (" ~ fault
            ~ "): build it, so that its files are looked at"
        ) ~ ")"
    )) }}
{% endmacro %}


{% macro rows_in_order(rows) %}
    {{ return(adapter.dispatch('rows_in_order', 'unified_iso')(rows)) }}
{% endmacro %}


{#- To count takes the reader to a single thread, which a build can't afford. -#}
{% macro duckdb__rows_in_order(rows) %}
    {{ return("select * replace (row_number() over () - 1 as raw_row) from (" ~ rows ~ ")") }}
{% endmacro %}


{#- By the folder of the report. Files of one layout are one layout of raw_relation_statements; they are numbered as
    in the inventory. -#}
{% macro present_layouts() %}
    {% set layouts = {} %}
    {% for row in run_query("
        select
            iso || '/' || report,
            to_json(any_value(column_names)),
            any_value(header_line),
            any_value(timestamp_format),
            to_json(list(read_path order by data_source)),
            to_json(list(file_id order by data_source)),
            to_json(list(report_date order by data_source)),
            to_json(list(data_source order by data_source))
        from inventory.raw_files
        where refusal is null and is_present
        group by iso, report, layout
        order by iso, report, layout
    ").rows %}
        {% do layouts.setdefault(row[0], []).append({
            'column_names': fromjson(row[1]),
            'header_line': row[2],
            'timestamp_format': row[3],
            'paths': list_literal(fromjson(row[4]), 'varchar'),
            'numbers': list_literal(fromjson(row[5]), 'uinteger'),
            'date': list_literal(fromjson(row[6]), 'date'),
            'name': list_literal(fromjson(row[7]), 'varchar'),
        }) %}
    {% endfor %}
    {{ return(layouts) }}
{% endmacro %}


{% macro list_literal(values, data_type) %}
    {% set texts = [] %}
    {% for value in values %}{% do texts.append('null' if value is none else sql_text(value)) %}{% endfor %}
    {{ return('([' ~ texts | join(', ') ~ ']::' ~ data_type ~ '[])') }}
{% endmacro %}
