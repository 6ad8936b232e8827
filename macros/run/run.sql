{% macro in_python(action, arguments={}) %}
    {% set config = {'action': action} %}
    {% do config.update(arguments) %}
    {% do adapter.store_relation('unified_iso', none, [], '', 'parquet', config) %}
{% endmacro %}


{#- In one go: sending and logging a statement takes longer than most of them. -#}
{% macro run_statements(statements) %}
    {% if statements %}{% do run_query(statements | join('\n;\n')) %}{% endif %}
{% endmacro %}


{% macro out_folder() %}
    {{ return(run_query("select getvariable('unified_iso_out')").rows[0][0]) }}
{% endmacro %}


{% macro datasets() %}
    {{ return(graph.nodes.values() | selectattr('resource_type', 'equalto', 'model')
        | selectattr('config.materialized', 'equalto', 'year_files') | sort(attribute='name') | list) }}
{% endmacro %}


{#- Before anything else: recover from a killed run, bring the inventory up to date, and give every
    relation a shape, so that each command works in any state of the output folder. -#}
{% macro start_run() %}
    {% if execute and flags.WHICH not in ['generate', 'compile'] %}
        {% set sources = graph.sources.values() | list %}
        {% do in_python('recover') %}
        {% do create_raw_relations(sources) %}
        {% if flags.WHICH in ['build', 'run'] and not flags.EMPTY %}
            {% do take_inventory(sources) %}
        {% endif %}
        {% do create_dataset_views() %}
    {% endif %}
{% endmacro %}


{% macro create_dataset_views() %}
    {% for node in datasets() %}
        {% do run_query('create schema if not exists ' ~ adapter.quote(node.schema)) %}
        {% set relation = api.Relation.create(database=node.database, schema=node.schema, identifier=node.alias, type='view') %}
        {% do run_query(create_dataset_view(node, relation)) %}
        {% do create_audit_view(node) %}
    {% endfor %}
{% endmacro %}


{% macro take_inventory(sources) %}
    {% set isos = [] %}
    {% for node in datasets() if node.unique_id in selected_resources %}
        {% if node.config.iso not in isos %}{% do isos.append(node.config.iso) %}{% endif %}
    {% endfor %}
    {% set reports = [] %}
    {% for source in sources %}
        {% set columns = [] %}
        {% for column in columns_in_file(source) %}
            {% do columns.append({
                'name': column.name,
                'data_type': column.data_type,
                'aliases': meta_of(column).get('aliases', []),
                'optional': meta_of(column).get('optional', false),
                'any_of': meta_of(column).get('any_of'),
            }) %}
        {% endfor %}
        {% do reports.append({
            'iso': source.source_name,
            'name': source.identifier,
            'columns': columns,
            'dated': columns_of_file(source, 'date') | length > 0,
            'raw': source.config.meta.get('raw', {}),
        }) %}
    {% endfor %}
    {% set known_folders = [] %}
    {% for row in run_query(known_report_folders()).rows %}
        {% do known_folders.append([row[0], row[1]]) %}
    {% endfor %}
    {% do in_python('update_inventory', {'isos': isos, 'reports': reports, 'known_folders': known_folders}) %}
    {% for row in run_query("select data_source, refusal from inventory.raw_files where is_present and refusal is not null order by all").rows %}
        {% do in_python('tell', {'line': 'refused ' ~ row[0] ~ ': ' ~ row[1]}) %}
    {% endfor %}
{% endmacro %}


{#- The seed itself may not be loaded yet when a run starts. -#}
{% macro known_report_folders() %}
    {% for node in graph.nodes.values() if node.resource_type == 'seed' and node.name == 'reports' %}
        {{ return("select iso, report from read_csv(" ~ sql_text(adapter.get_seed_file_path(node)) ~ ", header = true, all_varchar = true, hive_partitioning = false)") }}
    {% endfor %}
{% endmacro %}


{#- Publish the candidates of every dataset whose error-level tests all ran and passed, then leave
    only views of published files behind. -#}
{% macro finish_run(results) %}
    {% if execute and flags.WHICH not in ['generate', 'compile'] %}
        {% set blocked = run_query("select model, year, message from inventory.blocked order by all").rows %}
        {% set models = [] %}
        {% for result in results if result.node.resource_type == 'model' and result.node.config.materialized == 'year_files' and result.status == 'success' %}
            {% set missing = tests_not_passed(result.node, results) %}
            {% if not missing %}
                {% do models.append(result.node.name) %}
            {% else %}
                {% do run_query("
                    insert into inventory.blocked
                    select model, year, " ~ sql_text('tests: ' ~ missing | join(', ')) ~ "
                    from inventory.candidates where model = " ~ sql_text(result.node.name)
                ) %}
            {% endif %}
        {% endfor %}
        {% for row in run_query("select model, year, message from inventory.blocked order by all").rows %}
            {% do in_python('tell', {'line': 'not published: ' ~ row[0] ~ ' ' ~ row[1] ~ ': ' ~ row[2]}) %}
        {% endfor %}
        {% if flags.WHICH in ['build', 'run'] and not flags.EMPTY %}
            {% do in_python('publish', {'models': models}) %}
            {% do in_python('write_catalog', {'families': families()}) %}
        {% endif %}
        {% do in_python('discard_candidates') %}
        {% do create_dataset_views() %}
        {#- A statement that fails leaves the results of the run to be shown; raising an error would not. -#}
        {% if blocked %}
            {{ return("select error(" ~ sql_text(blocked | length ~ " dataset-years were not published, see above") ~ ")") }}
        {% endif %}
    {% endif %}
{% endmacro %}


{% macro tests_not_passed(node, results) %}
    {% set outcome = {} %}
    {% for result in results %}{% do outcome.update({result.node.unique_id: result.status | string}) %}{% endfor %}
    {% set missing = [] %}
    {% for test in graph.nodes.values() if test.resource_type == 'test' and node.unique_id in test.depends_on.nodes %}
        {% if (test.config.severity | lower) == 'error' and test.attached_node in [node.unique_id, none] and outcome.get(test.unique_id) not in ['pass', 'warn'] %}
            {% do missing.append(test.name ~ ' ' ~ ('did not run' if test.unique_id not in outcome else 'did not pass')) %}
        {% endif %}
    {% endfor %}
    {{ return(missing) }}
{% endmacro %}


{#- Views over many datasets: a plain model that stands on several datasets unites them. -#}
{% macro families() %}
    {% set found = {} %}
    {% for node in graph.nodes.values() if node.resource_type == 'model' and node.config.materialized == 'view' %}
        {% set members = [] %}
        {% for dataset in datasets() if dataset.unique_id in node.depends_on.nodes %}
            {% do members.append(dataset.name) %}
        {% endfor %}
        {% if members %}{% do found.update({node.name: members}) %}{% endif %}
    {% endfor %}
    {{ return(found) }}
{% endmacro %}
