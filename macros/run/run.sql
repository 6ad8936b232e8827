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
        {% if not flags.EMPTY and (flags.WHICH in ['build', 'run'] or sources_read_directly()) %}
            {% do take_inventory(sources) %}
            {% do open_present_files(sources_read_directly()) %}
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
    {% set isos = operators_of_run() %}
    {% set reports = [] %}
    {% for source in sources %}
        {% set columns = [] %}
        {% for column in columns_in_file(source) %}
            {% do columns.append({
                'name': column.name,
                'data_type': column.data_type,
                'aliases': meta_of(column).get('aliases', []),
                'optional': meta_of(column).get('optional', false)
                    or (meta_of(column).get('wanted', false) and not meta_of(column).get('any_of')),
                'any_of': meta_of(column).get('any_of'),
                'tells': meta_of(column).get('tells'),
                'is_day': meta_of(column).get('is_day', false),
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
        {% do known_folders.append([row[0], row[1], row[2]]) %}
    {% endfor %}
    {% do in_python('update_inventory', {'isos': isos, 'reports': reports, 'known_folders': known_folders, 'rehash': flags.FULL_REFRESH}) %}
{% endmacro %}


{#- At the end of a run, because some files are refused only when they are read. -#}
{% macro tell_refused() %}
    {% if flags.WHICH in ['build', 'run'] and not flags.EMPTY %}
        {% for row in run_query("
            select data_source, refusal
            from inventory.raw_files
            where is_present and refusal is not null and behind is null
            order by all
        ").rows %}
            {% do in_python('tell', {'line': 'refused ' ~ row[0] ~ ': ' ~ row[1]}) %}
        {% endfor %}
    {% endif %}
{% endmacro %}


{#- The seed itself may not be loaded yet when a run starts. -#}
{% macro known_report_folders() %}
    {% for node in graph.nodes.values() if node.resource_type == 'seed' and node.name == 'reports' %}
        {{ return("select iso, report, file_names from read_csv(" ~ sql_text(adapter.get_seed_file_path(node)) ~ ", header = true, all_varchar = true, hive_partitioning = false)") }}
    {% endfor %}
{% endmacro %}


{#- Publish the candidates of the years that all error-level tests have passed, then leave only views of
    published files behind. -#}
{% macro finish_run(results) %}
    {% if execute and flags.WHICH not in ['generate', 'compile'] %}
        {% set models = [] %}
        {% set outcomes = {} %}
        {% for result in results %}{% do outcomes.update({result.node.unique_id: result}) %}{% endfor %}
        {% for result in results if result.node.resource_type == 'model' and result.node.config.materialized == 'year_files' and result.status == 'success' %}
            {% do models.append(result.node) %}
            {% do block_years_found(result.node, outcomes) %}
        {% endfor %}
        {% set stopped = run_query("select distinct model, year from inventory.blocked").rows | length %}
        {#- Not a failure: whoever leaves tests out asks for no publishing. -#}
        {% for node in models %}{% do block_untested(node, outcomes) %}{% endfor %}
        {% do tell_refused() %}
        {% for row in run_query("select model, year, message from inventory.blocked order by all").rows %}
            {% do in_python('tell', {'line': 'not published: ' ~ row[0] ~ ' ' ~ row[1] ~ ': ' ~ row[2]}) %}
        {% endfor %}
        {% if flags.WHICH in ['build', 'run'] and not flags.EMPTY %}
            {% do in_python('publish', {'models': models | map(attribute='name') | list, 'families': families()}) %}
        {% endif %}
        {% do in_python('discard_candidates') %}
        {% do create_dataset_views() %}
        {% do open_present_files(graph.sources.values() | list) %}
        {#- A statement that fails leaves the results of the run to be shown; raising an error would not. -#}
        {% set failed = [] %}
        {% for result in results if has_failed_unsaid(result) %}{% do failed.append(result) %}{% endfor %}
        {% if stopped or failed %}
            {{ return("select error(" ~ sql_text(stopped ~ " dataset-years were not published, see above") ~ ")") }}
        {% endif %}
    {% endif %}
{% endmacro %}


{#- An error-level test of which dbt was told to warn, see dbt_project.yml. -#}
{% macro has_failed_unsaid(result) %}
    {{ return(
        result.node.resource_type == 'test' and result.status == 'warn' and 'judged_by_year' in result.node.tags
        and (result.node.config.severity | lower) == 'error'
    ) }}
{% endmacro %}


{#- Error-level tests that a dataset must pass: its own, and those that belong to no one dataset. -#}
{% macro guards_of(node) %}
    {% set guards = [] %}
    {% for test in graph.nodes.values() if test.resource_type == 'test' and node.unique_id in test.depends_on.nodes %}
        {% if (test.config.severity | lower) == 'error' and test.attached_node in [node.unique_id, none] %}
            {% do guards.append(test) %}
        {% endif %}
    {% endfor %}
    {{ return(guards) }}
{% endmacro %}


{#- Stop the years that failed tests have found rows of. A test that was itself at fault, or that tells no year
    the dataset has, stops all. -#}
{% macro block_years_found(node, outcomes) %}
    {% for test in guards_of(node) if test.unique_id in outcomes %}
        {% set outcome = outcomes[test.unique_id] %}
        {% set name = test.test_metadata.name if test.test_metadata else test.name %}
        {% if outcome.status == 'fail' or has_failed_unsaid(outcome) %}
            {% set message = ' rows: ' ~ (test.description or 'it has no description') | trim %}
            {% do run_query(_block_years(node, _found_by_year(test, outcome), 'tests: ' ~ name ~ ' found ', message)) %}
        {% elif outcome.status == 'error' %}
            {% do run_query(_block_years(
                node, "select null as delivery_year, null as rows", 'tests: ' ~ name ~ ' could not be run', ''
            )) %}
        {% endif %}
    {% endfor %}
{% endmacro %}


{#- Failures are stored with the columns that the test selects; a test of somebody else may not tell a year.
    adapter.get_columns_in_relation would leave a transaction open, in which publishing is not seen. -#}
{% macro _found_by_year(test, outcome) %}
    {% if outcome.node.relation_name and run_query("
        select 1
        from information_schema.columns
        where table_schema = " ~ sql_text(test.schema) ~ " and table_name = " ~ sql_text(test.alias) ~ "
            and column_name = 'delivery_year'
    ").rows %}
        {{ return("select delivery_year, count(*) as rows from " ~ outcome.node.relation_name ~ " group by delivery_year") }}
    {% endif %}
    {{ return("select null as delivery_year, " ~ outcome.failures ~ " as rows") }}
{% endmacro %}


{% macro _block_years(node, found, before_rows, after_rows) %}
    {% set model = sql_text(node.name) %}
    insert into inventory.blocked
    with found as (
        {{ found }}
    ),
    known as (
        select year from inventory.candidates where model = {{ model }}
        union
        select year from inventory.parts where model = {{ model }}
        union
        select year from inventory.blocked where model = {{ model }}
    )
    select
        {{ model }},
        candidates.year,
        {{ sql_text(before_rows) }} || coalesce(sum(found.rows)::bigint::varchar, '') || {{ sql_text(after_rows) }}
    from inventory.candidates as candidates
    inner join found
        on candidates.year = found.delivery_year
        or found.delivery_year is null
        or found.delivery_year not in (select known.year from known)
    where candidates.model = {{ model }}
    group by candidates.year
{% endmacro %}


{#- Rows that no test has looked at aren't published. -#}
{% macro block_untested(node, outcomes) %}
    {% set missing = [] %}
    {% for test in guards_of(node) if test.unique_id not in outcomes or outcomes[test.unique_id].status not in ['pass', 'warn', 'fail', 'error'] %}
        {% do missing.append((test.test_metadata.name if test.test_metadata else test.name) ~ ' did not run') %}
    {% endfor %}
    {% if missing %}
        {% do run_query("
            insert into inventory.blocked
            select model, year, " ~ sql_text('tests: ' ~ missing | join(', ')) ~ "
            from inventory.candidates where model = " ~ sql_text(node.name)
        ) %}
    {% endif %}
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
