{#- The only place where dbt is asked for what is not in a model's SQL: the graph, the selected nodes, the flags and the
    results. The Python package does the rest, see unified_iso/plugin.py. -#}

{#- dbt-duckdb hands a relation to a plugin to store it; the configuration that goes along names a step of the build. -#}
{% macro engine(step, arguments) %}
    {% set relation = api.Relation.create(database=target.database, schema=target.schema, identifier='unified_iso') %}
    {% do adapter.store_relation('unified_iso', relation, [], '', 'parquet', dict(arguments, step=step)) %}
{% endmacro %}


{#- Nothing is looked at by commands that only render SQL. -#}
{% macro start_run() %}
    {% if execute and flags.WHICH not in ['generate', 'compile'] %}
        {% do engine('start', {
            'graph': graph,
            'selected': selected_resources,
            'command': flags.WHICH,
            'is_empty': flags.EMPTY,
            'full_refresh': flags.FULL_REFRESH,
            'variables': options_of_project(),
            'audit_schema': generate_schema_name('audit', none),
            'stamps': stamp_expressions(graph.sources.values()),
        }) %}
    {% endif %}
{% endmacro %}


{% macro finish_run(results) %}
    {% if execute and flags.WHICH not in ['generate', 'compile'] %}
        {% do engine('finish', {'results': results}) %}
        {#- A statement that fails leaves the results of the run to be shown; an exception would not. -#}
        {{ return('select error(failure) from inventory.verdict') }}
    {% endif %}
{% endmacro %}


{% macro options_of_project() %}
    {% set options = {} %}
    {% set names = ['year', 'years', 'prune', 'allow_rejects', 'compression', 'compression_level', 'row_group_size', 'by_location'] %}
    {% for name in names %}
        {% do options.update({name: var(name)}) %}
    {% endfor %}
    {{ return(options) }}
{% endmacro %}


{#- The dataset that a relation belongs to; at parse time there is no graph to find it in. -#}
{% macro tested_dataset(model) %}
    {% for node in (graph.nodes.values() if execute else []) if node.resource_type == 'model' and node.alias == model.identifier %}
        {{ return(node) }}
    {% endfor %}
    {{ return({'config': {}, 'columns': {}}) }}
{% endmacro %}


{#- Staging models of a dataset. -#}
{% macro staging_models_of(node) %}
    {% set found = [] %}
    {% for unique_id in (node.depends_on.nodes if execute and node.depends_on else []) %}
        {% set parent = graph.nodes.get(unique_id) %}
        {% if parent and parent.resource_type == 'model' and parent.config.materialized == 'view' %}
            {% do found.append(parent) %}
        {% endif %}
    {% endfor %}
    {{ return(found) }}
{% endmacro %}


{#- The dataset that a dataset is made of. -#}
{% macro dataset_above(node) %}
    {% for unique_id in node.depends_on.nodes %}
        {% set parent = graph.nodes.get(unique_id) %}
        {% if parent and parent.config.materialized == 'year_files' %}{{ return(parent) }}{% endif %}
    {% endfor %}
{% endmacro %}


{#- Whether any report of a dataset has a column, such as a part of its price that is not published. -#}
{% macro has_staging_column(node, column) %}
    {% for staging in staging_models_of(node) if column in staging.columns %}{{ return(true) }}{% endfor %}
    {{ return(false) }}
{% endmacro %}


{#- What the tests of a dataset read, made by the engine: `rows` are those that are new, with the published intervals
    on either side, and `files` the whole year files. Both tell the delivery year of the file of each row. -#}
{% macro audit_relation(model, what='rows') %}
    {{ return(api.Relation.create(
        database=model.database,
        schema=generate_schema_name('audit', none),
        identifier={'rows': 'new__', 'files': 'files__'}[what] ~ model.identifier
    )) }}
{% endmacro %}
