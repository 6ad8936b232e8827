{% materialization year_files, adapter='duckdb' %}
    {% set target_relation = this.incorporate(type='view') %}
    {% set parent = parent_dataset_of(model) %}
    {{ run_hooks(pre_hooks) }}
    {% if config.get('contract').enforced %}
        {% do get_assert_columns_equivalent(sql) %}
    {% endif %}

    {% if not flags.EMPTY %}
        {#- A run that reads raw files directly has opened them; else they are empty since its start. -#}
        {% if sources_read_directly() %}{% do create_raw_relations(sources_of(model)) %}{% endif %}
        {% if parent %}
            {% set fingerprint = subset_fingerprint(model) %}
            {% do build_subset_parts(model, parent, sql, fingerprint) %}
        {% else %}
            {% set fingerprint = fingerprint_of(model, sql) %}
            {% do build_parts(model, sql, fingerprint) %}
        {% endif %}
        {% do drop_blocked_years(model) %}
        {% do join_years(model, fingerprint) %}
    {% endif %}

    {% call statement('main') %}
        {{ create_dataset_view(model, target_relation) }}
    {% endcall %}
    {% do create_audit_view(model) %}

    {{ run_hooks(post_hooks) }}
    {% do adapter.commit() %}
    {{ return({'relations': [target_relation]}) }}
{% endmaterialization %}


{% macro build_parts(node, sql, fingerprint) %}
    {% set budget = budget_lines(node) %}
    {% do retry_refused_files(node) %}
    {% do find_coverage(node, budget) %}
    {% do run_query(plan_parts(node, fingerprint)) %}
    {% do build_groups(node, sql, fingerprint, budget) %}
    {% do note_dropped_parts(node) %}
    {% do close_files(node) %}
{% endmacro %}


{#- A macro of its own: Jinja leaves a loop by returning only. -#}
{% macro build_groups(node, sql, fingerprint, budget) %}
    {% for _ in range(100000) %}
        {% if not run_query("select 1 from plan where state = 'stale' limit 1").rows %}
            {{ return(none) }}
        {% endif %}
        {% do block_vanished(node) %}
        {% do run_query(next_group(budget, node)) %}
        {% if not run_query("select 1 from load_group limit 1").rows %}
            {{ return(none) }}
        {% endif %}
        {% do run_query(files_to_load(node, files_of_group(), none)) %}
        {% set days_are_new = load_rows(node) %}
        {% if days_are_new is none %}{% do note_what_refused(node) %}{% endif %}
        {% if days_are_new is not none %}{% do block_rejected_years(node) %}{% endif %}
        {% if days_are_new is none or days_are_new %}
            {% do run_statements([list_likely_days(node), plan_parts(node, fingerprint)]) %}
        {% endif %}
        {% for part in (parts_of_group(node) if days_are_new is not none else []) %}
            {% do complete_identities(node, part) %}
            {% do find_repeats(node, part) %}
            {% set short_text = shorten_text(node, part) %}
            {% set file = write_part(
                node, part, read_load_instead(node, sql, within_part(part), short_text), fingerprint
            ) %}
            {% do account_for_part(node, part, file) %}
            {% do build_subsets_beside(node, part, file, sql, fingerprint) %}
        {% endfor %}
        {% do drop_load(node) %}
        {% do run_query(mark_built(node)) %}
        {% do show_progress(node) %}
    {% endfor %}
{% endmacro %}


{% macro build_subset_parts(node, parent, sql, fingerprint) %}
    {% do run_query(plan_subset_parts(node, parent, fingerprint)) %}
    {% do run_query("create or replace temp table load_group as select part, year, digest from plan where state = 'stale' order by part") %}
    {% for part in parts_of_group(node) %}
        {% set file = write_part(node, part, sql, fingerprint) %}
        {% do account_for_subset_part(node, parent, part, file, parent.relation_name) %}
    {% endfor %}
    {#- What was built beside a part of the parent that did not stay. -#}
    {% do run_query("
        delete from inventory.new_parts
        where model = " ~ sql_text(node.name) ~ " and part not in (select part from plan where state in ('built', 'stale'))
    ") %}
    {% do note_dropped_parts(node) %}
{% endmacro %}


{#- Subsets of a dataset are written while its rows are loaded: reading them back would cost a scan. -#}
{% macro build_subsets_beside(node, part, part_file, sql, fingerprint) %}
    {% for subset in datasets() if subset.unique_id in selected_resources and node.unique_id in subset.depends_on.nodes %}
        {% set subset_part = {} %}
        {% do subset_part.update(part) %}
        {% do subset_part.update({'digest': subset_digest(part.digest, fingerprint)}) %}
        {% set file = write_part(
            subset, subset_part,
            read_load_instead(node, sql, "(" ~ subset.config.keep ~ ") and " ~ within_part(part)),
            subset_fingerprint(subset)
        ) %}
        {% do account_for_subset_part(subset, node, part, file, parquet_rows([part_file])) %}
    {% endfor %}
{% endmacro %}


{% macro subset_digest(digest, fingerprint) %}
    {{- return(local_md5(digest ~ ' ' ~ fingerprint)) -}}
{% endmacro %}


{% macro subset_fingerprint(node) %}
    {{- return(local_md5([
        node.config.keep, node.checksum.checksum, var('compression'), var('compression_level'), var('row_group_size')
    ] | join(' '))) -}}
{% endmacro %}


{% macro files_of_group() %}
    select file_id
    from likely_days
    where part in (select load_group.part from load_group)
{% endmacro %}


{#- Parts of the group that are still wanted once their files have been read, with their UTC bounds. -#}
{% macro parts_of_group(node) %}
    {% set length = "interval 1 " ~ part_length(node) %}
    {% set rows = run_query("
        select
            plan.part::varchar,
            plan.year,
            plan.digest,
            strftime(" ~ second_pass_to_utc("plan.part::timestamp", "markets.time_zone") ~ ", '%Y-%m-%d %H:%M:%S+00'),
            strftime(" ~ second_pass_to_utc("plan.part::timestamp + " ~ length, "markets.time_zone") ~ ", '%Y-%m-%d %H:%M:%S+00')
        from plan
        inner join load_group on plan.part = load_group.part
        inner join " ~ fact('markets') ~ " as markets on markets.iso = " ~ sql_text(node.config.iso) ~ "
        where plan.state = 'stale'
            and plan.year not in (select year from inventory.blocked where model = " ~ sql_text(node.name) ~ ")
        order by plan.part
    ").rows %}
    {% set parts = [] %}
    {% for row in rows %}
        {% do parts.append({'part': row[0], 'year': row[1] | int, 'digest': row[2], 'first_instant': row[3], 'end_instant': row[4]}) %}
    {% endfor %}
    {{ return(parts) }}
{% endmacro %}


{% macro write_part(node, part, sql, fingerprint) %}
    {% set file = out_folder() ~ '/.unified-iso/candidates/' ~ node.name ~ '/' ~ part.part ~ '.parquet' %}
    {% do in_python('make_folder', {'path': file.rpartition('/')[0]}) %}
    {% set of_part = "where model = " ~ sql_text(node.name) ~ " and part = date '" ~ part.part ~ "'" %}
    {% do run_statements([
        "delete from inventory.new_accounts " ~ of_part,
        "delete from inventory.new_parts " ~ of_part,
        write_parquet(node, sql, part, file),
        "
        insert into inventory.new_parts
        select
            " ~ sql_text(node.name) ~ ",
            date '" ~ part.part ~ "',
            " ~ part.year ~ ",
            " ~ sql_text(part.digest) ~ ",
            " ~ sql_text(fingerprint) ~ ",
            (select num_rows from parquet_file_metadata(" ~ sql_text(file) ~ ")),
            (select num_row_groups from parquet_file_metadata(" ~ sql_text(file) ~ ")),
            coalesce(min(datetime_utc), timestamptz '" ~ part.first_instant ~ "'),
            coalesce(max(datetime_utc), timestamptz '" ~ part.first_instant ~ "'),
            " ~ sql_text(file) ~ "
        from " ~ parquet_rows([file]) ~ "
        ",
    ]) %}
    {{ return(file) }}
{% endmacro %}


{% macro write_parquet(node, sql, part, file) %}
    {{ return(adapter.dispatch('write_parquet', 'unified_iso')(node, sql, part, file)) }}
{% endmacro %}


{% macro duckdb__write_parquet(node, sql, part, file) %}
    {#- Columns of one word, as numbers: see shorten_text. -#}
    {% set words = {'iso': node.config.iso | upper, 'market_type': node.config.market} %}
    copy (
        select * replace (
            {% for column in node.columns if column in words %}
            {{ column }}::enum('{{ words[column] }}') as {{ column }}{{ ',' if not loop.last }}
            {% endfor %}
        )
        from (
            {{ sql }}
        ) as dataset
        where datetime_utc >= timestamptz '{{ part.first_instant }}'
            and datetime_utc < timestamptz '{{ part.end_instant }}'
    ) to {{ sql_text(file) }} (
        format parquet,
        compression {{ var('compression') }},
        {% if var('compression') == 'zstd' %}
        compression_level {{ var('compression_level') }},
        {% endif %}
        row_group_size {{ var('row_group_size') }}
    )
{% endmacro %}


{% macro block_vanished(node) %}
    {% do run_query("
        insert into inventory.blocked
        select
            " ~ sql_text(node.name) ~ ",
            year,
            'rebuilding ' || strftime(part, '%Y-%m-%d') || ' would lose the rows of ' || lost
            || case
                when may_be_pruned
                    then ', which is gone: put the file back, or let its rows go with --prune ' || " ~ in_dbt('prune: true') ~ "
                else ', of which some can''t be used now: mend or put back the file; its rows are kept until it is removed'
            end
        from plan
        where state = 'stale' and lost is not null
            and not (may_be_pruned and " ~ ('true' if var('prune') else 'false') ~ ")
            and year not in (select year from inventory.blocked where model = " ~ sql_text(node.name) ~ ")
        qualify row_number() over (partition by year order by part) = 1
    ") %}
{% endmacro %}


{#- No rows, no part: what a part loses its last row with is dropped, and an empty part, whose files have
    no row for this dataset, is remembered, so that it is not looked for again. -#}
{% macro note_dropped_parts(node) %}
    {% set model = sql_text(node.name) %}
    {% do run_statements(["
        insert into inventory.dropped_parts
        select " ~ model ~ ", part, year from plan where state = 'dropped'
        union all
        select new.model, new.part, new.year
        from inventory.new_parts as new
        inner join inventory.parts as published using (model, part)
        where new.model = " ~ model ~ " and new.rows = 0
    ", "
        insert or replace into inventory.empty_parts
        select model, part, digest, fingerprint
        from inventory.new_parts
        where rows = 0 and model = " ~ model ~ "
            and year not in (select year from inventory.blocked where model = " ~ model ~ ")
    ", "
        delete from inventory.new_parts where rows = 0 and model = " ~ model
    ]) %}
{% endmacro %}


{% macro drop_blocked_years(node) %}
    {% set model = sql_text(node.name) %}
    {% set statements = [] %}
    {% for table in ['new_parts', 'dropped_parts'] %}
        {% do statements.append(
            "delete from inventory." ~ table ~ " where model = " ~ model
            ~ " and year in (select year from inventory.blocked where model = " ~ model ~ ")"
        ) %}
    {% endfor %}
    {% do run_statements(statements) %}
{% endmacro %}


{% macro join_years(node, fingerprint) %}
    {% set model = sql_text(node.name) %}
    {% set years = run_query("
        select distinct year from (
            select year from inventory.new_parts where model = " ~ model ~ "
            union all
            select year from inventory.dropped_parts where model = " ~ model ~ "
        ) order by year
    ").rows %}
    {% for row in years %}
        {% set reports = published_reports(node, row[0] | int) %}
        {% do in_python('join_year', {
            'model': node.name,
            'iso': node.config.iso,
            'dataset': dataset_name(node),
            'family': node.config.get('family', 'energy_prices'),
            'year': row[0] | int,
            'step_minutes': node.config.minutes,
            'fingerprint': fingerprint,
            'may_lack_ids': reports | selectattr('lacks_ids') | list | length > 0,
            'unchecked_reports': reports | rejectattr('seen') | map(attribute='name') | list,
        }) %}
    {% endfor %}
{% endmacro %}


{#- Reports that rows of a year come from, and whether a real file of them was ever seen. -#}
{% macro published_reports(node, year) %}
    {% set model = sql_text(node.name) %}
    {% set without_ids = [] %}
    {% for staging in staging_without_ids(node) %}
        {% for unique_id in staging.depends_on.nodes if unique_id in graph.sources %}
            {% do without_ids.append(graph.sources[unique_id].identifier) %}
        {% endfor %}
    {% endfor %}
    {% set rows = run_query("
        with held as (
            select part, data_source
            from inventory.new_accounts
            where model = " ~ model ~ " and term = 'published' and rows > 0
            union all
            select part, data_source
            from inventory.accounts
            where model = " ~ model ~ " and term = 'published' and rows > 0 and part not in (
                select part from inventory.new_parts where model = " ~ model ~ "
                union all
                select part from inventory.dropped_parts where model = " ~ model ~ "
            )
        )
        select distinct reports.report, reports.seen
        from held
        inner join " ~ fact('reports') ~ " as reports
            on reports.iso = " ~ sql_text(node.config.iso) ~ " and reports.report = split_part(held.data_source, '/', 2)
        where year(held.part) = " ~ year ~ "
        order by reports.report
    ").rows %}
    {% set reports = [] %}
    {% for row in rows %}
        {% do reports.append({'name': row[0], 'seen': row[1], 'lacks_ids': row[0] in without_ids}) %}
    {% endfor %}
    {{ return(reports) }}
{% endmacro %}


{#- In lines of raw files, of those that this run has read and those that it will read. -#}
{% macro show_progress(node) %}
    {% set counts = run_query("
        with needs as (
            select
                days.file_id,
                any_value(days.lines) as lines,
                bool_and(plan.state = 'built') as is_read
            from likely_days as days
            inner join plan using (part)
            where plan.state in ('built', 'stale')
            group by days.file_id
        )
        select
            coalesce(sum(lines) filter (where is_read), 0),
            coalesce(sum(lines), 0)
        from needs
    ").rows[0] %}
    {% do in_python('progress', {'label': node.name ~ ', lines', 'done': counts[0] | int, 'total': counts[1] | int}) %}
{% endmacro %}


{#- Year files a dataset consists of now: candidates first, published ones for the years without. -#}
{% macro current_year_files(node) %}
    {% set model = sql_text(node.name) %}
    {% set folder = out_folder() ~ '/parquet/' ~ node.config.iso ~ '/' ~ dataset_name(node) ~ '/' ~ dataset_name(node) ~ '_' %}
    {% set rows = run_query("
        select year, path from (
            select year, path from inventory.candidates where model = " ~ model ~ " and path is not null
            union all
            select distinct year, " ~ sql_text(folder) ~ " || year || '.parquet'
            from inventory.parts
            where model = " ~ model ~ "
                and year not in (select year from inventory.candidates where model = " ~ model ~ ")
        ) order by year
    ").rows %}
    {% set files = [] %}
    {% for row in rows %}{% do files.append({'year': row[0] | int, 'path': row[1]}) %}{% endfor %}
    {{ return(files) }}
{% endmacro %}


{% macro current_files(node) %}
    {{ return(current_year_files(node) | map(attribute='path') | list) }}
{% endmacro %}


{% macro create_dataset_view(node, relation) %}
    create or replace view {{ relation }} as
    {{ read_year_files(node, current_files(node)) }}
{% endmacro %}


{#- DuckDB takes a folder named key=value, anywhere in a path, for a column that replaces the file's own. -#}
{% macro parquet_rows(files) %}
    {%- set listed = [] -%}
    {%- for file in files %}{% do listed.append(sql_text(file)) %}{% endfor -%}
    {{- return("read_parquet([" ~ listed | join(', ') ~ "], hive_partitioning = false)") -}}
{% endmacro %}


{% macro read_year_files(node, files, where='true') %}
    {% if files %}
        select *
        from {{ parquet_rows(files) }}
        where {{ where }}
    {% else %}
        select
            {% for column in node.columns.values() %}
            null::{{ column.data_type }} as {{ adapter.quote(column.name) }}{{ ',' if not loop.last }}
            {% endfor %}
        where false
    {% endif %}
{% endmacro %}


{#- What the tests read: the new parts as they stand in the candidates, and the published interval
    on either side of them, each row with the year of the file it stands in. With no candidate: nothing in a
    build, everything published in `dbt test`. -#}
{% macro create_audit_view(node) %}
    {% set model = sql_text(node.name) %}
    {% set relation = audit_relation(this if this is defined and this else node) %}
    {% do run_query('create schema if not exists ' ~ adapter.quote(relation.schema)) %}
    {% set ranges = run_query("
        with parts as (
            select part, year, first_interval, last_interval, true as is_new
            from inventory.new_parts where model = " ~ model ~ "
            union all
            select part, year, first_interval, last_interval, false
            from inventory.parts
            where model = " ~ model ~ " and part not in (
                select part from inventory.new_parts where model = " ~ model ~ "
                union all
                select part from inventory.dropped_parts where model = " ~ model ~ "
            )
        ),
        bordered as (
            select
                *,
                lag(last_interval) over by_year as before,
                lead(first_interval) over by_year as after,
                count(*) filter (where not is_new) over by_year as run
            from parts
            window by_year as (partition by year order by part)
        )
        select
            candidates.path,
            strftime(coalesce(first(bordered.before order by part), min(first_interval)), '%Y-%m-%d %H:%M:%S+00'),
            strftime(coalesce(last(bordered.after order by part), max(last_interval)), '%Y-%m-%d %H:%M:%S+00'),
            candidates.year
        from bordered
        inner join inventory.candidates as candidates
            on candidates.model = " ~ model ~ " and bordered.year = candidates.year
        where bordered.is_new and candidates.path is not null
        group by candidates.year, candidates.path, bordered.run
        order by min(bordered.part)
    ").rows %}
    {% do run_query('create or replace view ' ~ relation ~ ' as ' ~ _audited_rows(node, ranges)) %}
{% endmacro %}


{% macro _audited_rows(node, ranges) %}
    {% set selects = [] %}
    {% for row in ranges %}
        {% do selects.append(_rows_of_year(row[3], read_year_files(
            node,
            [row[0]],
            "datetime_utc >= timestamptz '" ~ row[1] ~ "' and datetime_utc <= timestamptz '" ~ row[2] ~ "'"
        ))) %}
    {% endfor %}
    {% if flags.WHICH == 'test' and not ranges %}
        {% for file in current_year_files(node) %}
            {% do selects.append(_rows_of_year(file.year, read_year_files(node, [file.path]))) %}
        {% endfor %}
    {% endif %}
    {{ return(selects | join(' union all ') or _rows_of_year('null', read_year_files(node, []))) }}
{% endmacro %}


{% macro _rows_of_year(year, rows) %}
    {{ return('select *, ' ~ year ~ '::integer as delivery_year from (' ~ rows ~ ')') }}
{% endmacro %}


{% macro audit_relation(relation) %}
    {{ return(api.Relation.create(
        database=relation.database,
        schema=target.schema ~ '_audit',
        identifier='new__' ~ (relation.identifier or relation.name)
    )) }}
{% endmacro %}
