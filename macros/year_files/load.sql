{#- Read the files of `load_files`: into tables, or with `look_only` for nothing but their days. Where the reader
    gives up on a file, that file is refused and none is returned: the files have to be chosen anew. Returns the
    ids of the sources that have any. -#}
{% macro read_files(node, look_only=false) %}
    {% set reading = statements_to_read(node, look_only) %}
    {% set message = attempt(reading.statements) %}
    {% if message is none %}{{ return(reading.opened) }}{% endif %}
    {% do refuse_unreadable_files(node, look_only, message) %}
    {{ return(none) }}
{% endmacro %}


{% macro statements_to_read(node, look_only) %}
    {% set reading = statements_to_open(node, with_numbers=not look_only) %}
    {% if look_only %}
        {% do reading.statements.extend(statements_to_look(node)) %}
    {% else %}
        {% do reading.statements.extend(statements_to_load(node, reading.opened)) %}
    {% endif %}
    {{ return(reading) }}
{% endmacro %}


{#- Nothing but stamps, except of cumulative books: a wrong day of a row that is rejected must not be the last of its
    book. -#}
{% macro statements_to_look(node) %}
    {% set relations = [] %}
    {% set books = [] %}
    {% for staging in staging_models_of(node) %}
        {% if has_cumulative_source(staging) %}
            {% do books.append(staging.relation_name) %}
        {% else %}
            {% do relations.append(
                "(select raw_file, interval_start_utc, null::varchar as set_aside, raw_lines from "
                ~ staging.relation_name ~ ")"
            ) %}
        {% endif %}
    {% endfor %}
    {% set counted = count_rows(relations + books, ['raw_file', 'interval_start_utc', 'set_aside']) %}
    {{ return([counted] + ([lone_rejects_without_time(node)] if books else [])) }}
{% endmacro %}


{% macro has_cumulative_source(staging) %}
    {% for unique_id in staging.depends_on.nodes if unique_id in graph.sources %}
        {% if graph.sources[unique_id].config.meta.get('raw', {}).get('cumulative') %}{{ return(true) }}{% endif %}
    {% endfor %}
    {{ return(false) }}
{% endmacro %}


{#- Returns the reader's message where it failed. -#}
{% macro attempt(statements) %}
    {% do in_python('attempt', {'statements': statements}) %}
    {% for row in run_query("select message from inventory.failed_attempts").rows %}{{ return(row[0]) }}{% endfor %}
    {{ return(none) }}
{% endmacro %}


{#- Which of the files it was is found by reading each alone. -#}
{% macro refuse_unreadable_files(node, look_only, message) %}
    {% do run_query("create or replace temp table files_to_try as select * from load_files") %}
    {% set refused = [] %}
    {% for row in run_query("select file_id from files_to_try order by number").rows %}
        {% do run_query("
            create or replace temp table load_files as
            select * replace (1::uinteger as number) from files_to_try where file_id = " ~ row[0]
        ) %}
        {% set fault = attempt(statements_to_read(node, look_only).statements) %}
        {% if fault is not none %}
            {% do refused.append(row[0]) %}
            {% do run_query("
                insert into files_refused select " ~ row[0]
            ) %}
            {% do run_query("
                update inventory.raw_files
                set refusal = " ~ sql_text("can't be read as csv (" ~ fault ~ "): mend it, or download it again") ~ "
                where file_id = " ~ row[0]
            ) %}
        {% endif %}
    {% endfor %}
    {% if not refused %}{% do exceptions.raise_compiler_error(node.name ~ " can't be loaded: " ~ message) %}{% endif %}
{% endmacro %}


{#- Statements that point the raw relations of a dataset at the files of `load_files`, one branch per layout, and
    the ids of the sources that have any. -#}
{% macro statements_to_open(node, with_numbers) %}
    {% set statements = [
        "drop table if exists temp.reject_errors",
        "drop table if exists temp.reject_scans",
        "set variable raw_file_names = (select list(data_source order by number) from load_files)",
    ] %}
    {% set found = run_query(
        "select iso, report, layout, to_json(any_value(column_names)), any_value(header_line), any_value(timestamp_format) from ("
        ~ _files_to_open(node) ~ ") group by all order by layout"
    ).rows %}
    {% set opened = [] %}
    {% for source in sources_of(node) %}
        {% set layouts = [] %}
        {% for row in found if row[0] == source.source_name and row[1] == source.identifier %}
            {% set variable = 'raw__' ~ source.source_name ~ '__' ~ source.name ~ '__' ~ loop.index %}
            {% set layout = {
                'paths': "getvariable('" ~ variable ~ "__paths')",
                'numbers': "getvariable('" ~ variable ~ "__numbers')",
                'date': "getvariable('" ~ variable ~ "__dates')",
                'name': "getvariable('" ~ variable ~ "__names')",
                'column_names': fromjson(row[3]),
                'header_line': row[4],
                'timestamp_format': row[5],
            } %}
            {% set lists = {'paths': 'read_path', 'numbers': 'number'} %}
            {% if columns_of_file(source, 'date') %}{% do lists.update({'dates': 'report_date'}) %}{% endif %}
            {% if columns_of_file(source, 'name') %}{% do lists.update({'names': 'data_source'}) %}{% endif %}
            {% for name, column in lists.items() %}
                {% do statements.append(
                    'set variable "' ~ variable ~ '__' ~ name ~ '" = (select list(' ~ column ~ ' order by data_source) from ('
                    ~ _files_to_open(node) ~ ') where iso = ' ~ sql_text(source.source_name)
                    ~ ' and report = ' ~ sql_text(source.identifier) ~ ' and layout = ' ~ sql_text(row[2]) ~ ')'
                ) %}
            {% endfor %}
            {% do layouts.append(layout) %}
        {% endfor %}
        {% do statements.extend(raw_relation_statements(source, layouts, with_numbers)) %}
        {% if layouts %}{% do opened.append(source.unique_id) %}{% endif %}
    {% endfor %}
    {{ return({'opened': opened, 'statements': statements}) }}
{% endmacro %}


{#- Those of the load, and all location lists, whose rows have no number. -#}
{% macro _files_to_open(node) %}
    select data_source, iso, report, layout, column_names, header_line, timestamp_format, read_path, report_date, number
    from load_files
    {%- for source in sources_of(node) if source.config.meta.get('location_list') %}
    union all
    select data_source, iso, report, layout, column_names, header_line, timestamp_format, read_path, report_date, 0::uinteger
    from inventory.raw_files
    where iso = {{ sql_text(source.source_name) }} and report = {{ sql_text(source.identifier) }}
        and refusal is null and is_present
    {%- endfor %}
{% endmacro %}


{% macro close_files(node) %}
    {% do create_raw_relations(sources_of(node)) %}
    {% do open_present_files(sources_read_directly()) %}
    {% do drop_raw_tables(sources_of(node)) %}
{% endmacro %}


{% macro load_name(staging) %}
    {{ return('load__' ~ staging.name) }}
{% endmacro %}


{#- To plan the reading of a report without files takes longer than all else that is done with it. -#}
{% macro statements_to_load(node, opened) %}
    {% set statements = [] %}
    {% for staging in staging_models_of(node) %}
        {% do statements.append(
            "create or replace temp table " ~ load_name(staging) ~ " as select * "
            ~ ("exclude (" ~ unloaded_columns(staging) | join(', ') ~ ") " if unloaded_columns(staging) else "")
            ~ with_other_markets_filtered(node, staging) ~ " from " ~ staging.relation_name
            ~ (" limit 0" if not staging.depends_on.nodes | select('in', opened) | list else "")
        ) %}
    {% endfor %}
    {{ return(statements) }}
{% endmacro %}


{#- Parse the files of the group once, into one narrow table per staging model. Returns what record_coverage does,
    or none where a file was refused and the group has to be chosen anew. -#}
{% macro load_rows(node) %}
    {% set opened = read_files(node) %}
    {% if opened is none %}{{ return(none) }}{% endif %}
    {% do keep_rejected_lines(opened) %}
    {% do drop_raw_tables(sources_of(node)) %}
    {% set loads = [] %}
    {% for staging in staging_models_of(node) %}{% do loads.append(load_name(staging)) %}{% endfor %}
    {% do run_statements([count_rows(loads, ['raw_file', 'interval_start_utc', 'set_aside']), lone_rejects_without_time(node)]) %}
    {% if read_as_text_instead(node) or refuse_files_by_rows() %}{{ return(none) }}{% endif %}
    {% set days_are_new = record_coverage(node) %}
    {% do keep_file_rows(node) %}
    {% if refuse_unbalanced_files() %}{{ return(none) }}{% endif %}
    {% do note_component_breaks(node) %}
    {% do warn_of_lacking_parts(node) %}
    {{ return(days_are_new) }}
{% endmacro %}


{#- The first lines of a file tell the form of its stamps. Where a later one has another, the file is read as text,
    for which all forms do and of which the misfit can be told. Returns whether any file is. -#}
{% macro read_as_text_instead(node) %}
    {% set stamps = [] %}
    {% for source in sources_of(node) %}
        {% for column in stamp_columns_of(source) %}{% do stamps.append(sql_text(column.name)) %}{% endfor %}
    {% endfor %}
    {% if not stamps %}{{ return(false) }}{% endif %}
    {{ return(run_query("
        update inventory.raw_files as files
        set
            timestamp_format = 'text',
            layout = replace(layout, chr(31) || timestamp_format || chr(31), chr(31) || 'text' || chr(31))
        where files.timestamp_format <> 'text'
            and files.file_id in (
                select file_id
                from inventory.rejected_lines
                where file_id in (select file_id from load_files)
                    and column_name in (" ~ stamps | join(', ') ~ ")
                    and message like 'Error when converting%'
                union all
                -- The reader takes a year of two digits for one of the first century.
                select load_files.file_id
                from load_counts
                inner join load_files on load_counts.raw_file = load_files.number
                where load_counts.set_aside like '% is before the first day of this market %'
            )
        returning files.file_id
    ").rows | length > 0) }}
{% endmacro %}


{#- A row may tell that its whole file is another report, or is to be read in two ways. Returns whether any does. -#}
{% macro refuse_files_by_rows() %}
    {{ return(run_query("
        update inventory.raw_files as files
        set refusal = telling.refusal
        from (
            select load_files.file_id, min(substr(load_counts.set_aside, length('refused: ') + 1)) as refusal
            from load_counts
            inner join load_files on load_counts.raw_file = load_files.number
            where load_counts.set_aside like 'refused: %'
            group by load_files.file_id
        ) as telling
        where files.file_id = telling.file_id
        returning files.file_id
    ").rows | length > 0) }}
{% endmacro %}


{#- By what the rows of each source are read: the views of its staging models say everything that may refuse a file. -#}
{% macro readings_of(node) %}
    {%- set staging = {} %}
    {%- for model in graph.nodes.values() if model.resource_type == 'model' and model.config.materialized == 'view' %}
        {%- for source in price_sources_of(node) if source.unique_id in model.depends_on.nodes %}
            {%- do staging.setdefault(source.unique_id, []).append(model) %}
        {%- endfor %}
    {%- endfor %}
    {%- for source in price_sources_of(node) %}
    select
        {{ sql_text(source.source_name) }} as iso,
        {{ sql_text(source.identifier) }} as report,
        md5(string_agg(sql, ' ' order by view_name)) as reading
    from duckdb_views()
    where database_name = current_database()
        and (
            {%- for model in staging[source.unique_id] %}
            (schema_name = {{ sql_text(model.schema) }} and view_name = {{ sql_text(model.alias) }})
            {{ 'or' if not loop.last }}
            {%- endfor %}
        )
    {{ 'union all' if not loop.last }}
    {%- endfor %}
{% endmacro %}


{#- A file that its rows have refused is not read again before it changes, or what reads it does. -#}
{% macro note_what_refused(node) %}
    {% do run_query("
        update inventory.raw_files as files
        set refused_under = readings.reading
        from (" ~ readings_of(node) ~ ") as readings
        where files.iso = readings.iso and files.report = readings.report
            and files.refusal is not null
            and files.refused_under is null
            and files.layout is not null
            and files.file_id in (
                select file_id from load_files
                union all
                select file_id from files_refused
            )
    ") %}
{% endmacro %}


{% macro retry_refused_files(node) %}
    {% do run_statements(["
        create or replace temp table files_refused as select file_id from inventory.raw_files where false
    ", "
        update inventory.raw_files as files
        set refusal = null, refused_under = null
        from (" ~ readings_of(node) ~ ") as readings
        where files.iso = readings.iso and files.report = readings.report
            and (files.refused_under <> readings.reading or " ~ ('true' if flags.FULL_REFRESH else 'false') ~ ")
            and files.refused_under is not null
    "]) %}
{% endmacro %}


{#- What a file lacks that its rows are published without, once for each file. -#}
{% macro warn_of_lacking_parts(node) %}
    {% set statements = ["
        delete from inventory.file_warnings
        where model = " ~ sql_text(node.name) ~ " and file_id in (select file_id from load_files)
    ", "
        insert into inventory.file_warnings
        select " ~ sql_text(node.name) ~ ", file_id, warning from load_files where warning is not null
    "] %}
    {% for source in price_sources_of(node) if wanted_columns(source) %}
        {% set wanted = [] %}
        {% for name in wanted_columns(source) %}{% do wanted.append(sql_text(name)) %}{% endfor %}
        {% do statements.append("
            insert into inventory.file_warnings
            select
                " ~ sql_text(node.name) ~ ",
                file_id,
                'has no column ' || list_aggregate(lacking, 'string_agg', ', ')
                || ': its prices are published without'
            from (
                select
                    file_id,
                    list_filter([" ~ wanted | join(', ') ~ "], lambda name: not list_contains(column_names, name)) as lacking
                from load_files
                where iso = " ~ sql_text(source.source_name) ~ " and report = " ~ sql_text(source.identifier) ~ "
            )
            where len(lacking) > 0
        ") %}
    {% endfor %}
    {% do run_statements(statements) %}
    {% if node.config.get('components', true) %}
        {% for staging in staging_models_of(node) %}
            {% do run_query(_warn_of_lacking_components(node, staging)) %}
        {% endfor %}
    {% endif %}
{% endmacro %}


{#- A column that a file lacks is told already. -#}
{% macro _warn_of_lacking_components(node, staging) %}
    insert into inventory.file_warnings
    select
        {{ sql_text(node.name) }},
        files.file_id,
        'has ' || greatest(load.congestion, load.energy, load.loss) || ' rows without ' || concat_ws(
            ' or ',
            {%- for part in ['congestion', 'energy', 'loss'] %}
            case when load.{{ part }} > 0 then '{{ part }}' end{{ ',' if not loop.last }}
            {%- endfor %}
        ) || ': they are published without'
    from (
        select
            raw_file,
            count(*) filter (where lmp_congestion is null) as congestion,
            count(*) filter (where lmp_energy is null) as energy,
            count(*) filter (where lmp_loss is null) as loss
        from {{ load_name(staging) }}
        where set_aside is null and (lmp_congestion is null or lmp_energy is null or lmp_loss is null)
        group by raw_file
    ) as load
    inner join load_files as files on load.raw_file = files.number
    anti join inventory.file_warnings as told
        on files.file_id = told.file_id and told.model = {{ sql_text(node.name) }}
{% endmacro %}


{#- A rejected row may have the wrong time, and must not make its file one of a day, or a year, that no other row of
    the file is of. It is counted as a row without a time, unless the file has rejected rows only. -#}
{% macro lone_rejects_without_time(node) %}
    {% set day = to_local('load_counts.interval_start_utc', 'markets.time_zone') ~ '::date' %}
    create or replace temp table load_counts as
    with counted as (
        select
            load_counts.*,
            coalesce(load_counts.set_aside like 'rejected: %', false) as is_rejected,
            {{ day }} as delivery_date
        from load_counts
        inner join {{ fact('markets') }} as markets on markets.iso = {{ sql_text(node.config.iso) }}
    ),
    judged as (
        select
            *,
            bool_or(not is_rejected) over (partition by raw_file) as has_sound_rows,
            bool_or(not is_rejected) over (partition by raw_file, delivery_date) as is_sound_day
        from counted
    )
    select
        raw_file,
        case when is_rejected and has_sound_rows and not is_sound_day then null else interval_start_utc end
            as interval_start_utc,
        set_aside,
        sum(rows)::bigint as rows,
        sum(raw_lines) as raw_lines
    from judged
    group by all
{% endmacro %}


{#- What tells the order of lines: the reader's count where a report needs it, else the place in the load. -#}
{% macro raw_row_of(staging) %}
    {% for unique_id in staging.depends_on.nodes if unique_id in graph.sources %}
        {% if is_numbered(graph.sources[unique_id]) %}{{ return('raw_row') }}{% endif %}
    {% endfor %}
    {{ return('rowid') }}
{% endmacro %}


{#- What is counted by a table's own row number is not kept, nor what only words are made of. -#}
{% macro unloaded_columns(staging) %}
    {{ return(
        (['raw_row'] if raw_row_of(staging) == 'rowid' else [])
        + (['market'] if 'market' in staging.columns else [])
    ) }}
{% endmacro %}


{#- A report of several markets or resolutions gives each dataset its own rows. Rows that none of the operator's
    datasets takes are told of by these words, see publish.py. -#}
{% macro with_other_markets_filtered(node, staging) %}
    {%- if 'market_type' in staging.columns -%}
        replace (
            case
                when set_aside like 'refused: %' then set_aside
                when not ({{ _is_of_market('market_type', 'interval_minutes', datasets_of(node.config.iso)) }})
                    then 'filtered: belongs to no dataset yet: ' || market || ' ('
                    || coalesce(interval_minutes || ' minutes', 'of unknown length') || ')'
                when not ({{ _is_of_market('market_type', 'interval_minutes', [node]) }})
                    then 'filtered: of another market or resolution than this dataset'
                else set_aside
            end as set_aside
        )
    {%- endif -%}
{% endmacro %}


{% macro datasets_of(iso) %}
    {{ return(datasets() | selectattr('config.iso', 'equalto', iso) | list) }}
{% endmacro %}


{#- Unknown where the market is unknown. -#}
{% macro _is_of_market(market, minutes, nodes) %}
    {%- for node in nodes -%}
        {{ market }} = {{ sql_text(node.config.market) }} and {{ minutes }} = {{ node.config.minutes }}
        {{- ' or ' if not loop.last }}
    {%- endfor -%}
{% endmacro %}


{#- What became of the rows of each file, to be told until the file changes. -#}
{% macro keep_file_rows(node) %}
    {% set model = sql_text(node.name) %}
    {% do run_statements(["
        delete from inventory.file_rows
        where model = " ~ model ~ " and file_id in (select file_id from load_files)
    ", "
        insert into inventory.file_rows
        select " ~ model ~ ", files.file_id, counts.set_aside, sum(counts.rows)
        from load_counts as counts
        inner join load_files as files on counts.raw_file = files.number
        group by all
    "]) %}
{% endmacro %}


{#- The published columns lack the greenhouse gas part, so a sum with it can be checked only here. Where other
    locations of an interval have that part, one without it lacks it: its sum is unknown. -#}
{% macro note_component_breaks(node) %}
    {% if has_greenhouse_gas(node) %}
        {% for staging in staging_models_of(node) %}
            {% set has_gas = 'lmp_ghg' in staging.columns %}
            {% set parts = ['lmp_energy', 'lmp_congestion', 'lmp_loss'] + (['lmp_ghg'] if has_gas else []) %}
            {% set total = "lmp_energy + lmp_congestion + lmp_loss" ~ (" + coalesce(lmp_ghg, 0)" if has_gas else "") %}
            {% set is_known = "lmp_ghg is not null or load.interval_start_utc not in (
                            select distinct gas.interval_start_utc
                            from " ~ load_name(staging) ~ " as gas
                            where gas.lmp_ghg is not null and gas.set_aside is null
                        )" if has_gas else "true" %}
            {% do run_query("
                insert into inventory.component_breaks
                select
                    " ~ sql_text(node.name) ~ ",
                    load.interval_start_utc,
                    load.settlement_location,
                    load.lmp_total,
                    case when " ~ is_known ~ " then " ~ total ~ " end,
                    files.data_source
                from " ~ load_name(staging) ~ " as load
                inner join load_files as files on load.raw_file = files.number
                where load.set_aside is null
                    and " ~ do_not_add_up('load.lmp_total', total, parts, fact('component_tolerances'), node) ~ "
            ") %}
        {% endfor %}
    {% endif %}
{% endmacro %}


{% macro has_greenhouse_gas(node) %}
    {% for staging in staging_models_of(node) if 'lmp_ghg' in staging.columns %}{{ return(true) }}{% endfor %}
    {{ return(false) }}
{% endmacro %}


{#- Some reports have names without ids, or ids without names, and one stands for the other: the rows that
    are published with them may have both. Only those of the same part are asked, so that a part does not
    depend on what is loaded beside it. -#}
{% macro complete_identities(node, part) %}
    {% set within = within_part(part) %}
    {% for staging in staging_without_ids(node) %}
        {% set is_incomplete = "incomplete.settlement_location_id = incomplete.settlement_location and incomplete." ~ within %}
        {% if run_query("select 1 from " ~ load_name(staging) ~ " as incomplete where " ~ is_incomplete ~ " limit 1").rows %}
            {% do run_query("
                update " ~ load_name(staging) ~ " as incomplete
                set
                    settlement_location = complete.settlement_location,
                    settlement_location_id = complete.settlement_location_id,
                    settlement_location_type = complete.settlement_location_type,
                    zone = coalesce(incomplete.zone, complete.zone),
                    voltage_kv = coalesce(incomplete.voltage_kv, complete.voltage_kv)
                from (" ~ _complete_locations(node, within) ~ ") as complete
                where " ~ is_incomplete ~ " and incomplete.settlement_location = complete.known_by
            ") %}
        {% endif %}
    {% endfor %}
{% endmacro %}


{#- By name where one location only has it, and by id. -#}
{% macro _complete_locations(node, within) %}
    with locations as (
        {%- for staging in staging_models_of(node) if 'settlement_location_id' in staging.columns %}
        select distinct
            settlement_location, settlement_location_id, settlement_location_type, zone, voltage_kv
        from {{ load_name(staging) }}
        where set_aside is null and settlement_location_id <> settlement_location and {{ within }}
        {{ 'union' if not loop.last }}
        {%- endfor %}
    )
    {%- for key in ['settlement_location', 'settlement_location_id'] %}
    select
        {{ key }} as known_by,
        max(settlement_location) as settlement_location,
        max(settlement_location_id) as settlement_location_id,
        max(settlement_location_type) as settlement_location_type,
        max(zone) as zone,
        max(voltage_kv) as voltage_kv
    from locations
    group by {{ key }}
    having count(distinct settlement_location_id) = 1
    {{ 'union all' if not loop.last }}
    {%- endfor %}
{% endmacro %}


{% macro drop_load(node) %}
    {% set statements = [] %}
    {% for staging in staging_models_of(node) %}
        {% do statements.append("drop table if exists " ~ load_name(staging)) %}
    {% endfor %}
    {% do run_statements(statements) %}
{% endmacro %}


{#- The dataset's own SQL, with each staging view replaced by the table it was parsed into, and the search
    for repeats by what it found. -#}
{% macro read_load_instead(node, sql, keep='true', short_text=[]) %}
    {% set search = ranked_repeats('loaded', suspects_of('loaded', node.config.minutes)) %}
    {% set result = namespace(sql=sql.replace(search, 'select * from part_repeats')) %}
    {% for staging in staging_models_of(node) %}
        {% set result.sql = result.sql.replace(
            staging.relation_name,
            "(select * " ~ with_short_text(short_text)
            ~ (", rowid as raw_row" if raw_row_of(staging) == 'rowid' else "")
            ~ " from " ~ load_name(staging) ~ " where " ~ keep ~ ")"
        ) %}
    {% endfor %}
    {{ return(result.sql) }}
{% endmacro %}


{#- Rows of a part whose key comes more than once. On the way each location is met, and what else is asked of
    them is asked of that table. -#}
{% macro find_repeats(node, part) %}
    {% set rows = _rows_of_part(node, part, ['raw_file', 'raw_row', 'settlement_location_id'] + energy_values()) %}
    {% set suspects = "
        select settlement_location_id
        from part_locations
        group by settlement_location_id
        having count(*) > 1 or sum(intervals) < sum(rows)" %}
    {% do run_statements(["
        create or replace temp table part_locations as
        select
            settlement_location,
            settlement_location_id,
            count(*) as rows,
            " ~ intervals_seen(node.config.minutes) ~ " as intervals,
            min(interval_start_utc) as first_interval
        from (
            " ~ _rows_of_part(node, part, ['settlement_location', 'settlement_location_id']) ~ "
        )
        group by all
    ", "
        create or replace temp table part_repeats as
        " ~ ranked_repeats('(' ~ rows ~ ')', suspects) ~ "
    "]) %}
{% endmacro %}


{% macro _rows_of_part(node, part, columns) %}
    {%- for staging in staging_models_of(node) %}
            select
                interval_start_utc
                {%- for column in columns -%}
                , {{ raw_row_of(staging) ~ ' as raw_row' if column == 'raw_row' else column }}
                {%- endfor %}
            from {{ load_name(staging) }}
            where set_aside is null and {{ within_part(part) }}
            {{ 'union all' if not loop.last }}
    {%- endfor -%}
{% endmacro %}


{#- Text of a part comes from few values. Where the engine can hold it as numbers, rows are sorted and
    encoded for half the cost. The values are those of the part alone: they stand in the file, which must
    not depend on what was loaded beside it. Returns the columns of which that is so. -#}
{% macro shorten_text(node, part) %}
    {{ return(adapter.dispatch('shorten_text', 'unified_iso')(node, part)) }}
{% endmacro %}


{% macro default__shorten_text(node, part) %}
    {{ return([]) }}
{% endmacro %}


{#- The writer ends a row group's dictionary at the last value that any of its threads has met, and tells the
    first and the last of those met as the group's bounds: the same rows could give other bytes. Only where the
    first row group, written before all others, is sure to hold the first and the last value of all are they the
    same in each group. Of repeated rows some are not written, and who tells which? -#}
{% macro duckdb__shorten_text(node, part) %}
    {% set columns = ['settlement_location', 'settlement_location_id'] %}
    {% set short = [] %}
    {% set statements = [] %}
    {% for row in run_query("
        with first_rows as (
            select *
            from (
                " ~ _rows_of_part(node, part, columns) ~ "
            )
            where interval_start_utc = (select min(first_interval) from part_locations)
        ),
        sure_rows as (
            select *
            from first_rows
            anti join part_repeats using (" ~ energy_key() | join(', ') ~ ")
            where (select count(*) from first_rows) <= " ~ var('row_group_size') ~ "
        )
        " ~ _bounded_columns(columns)
    ).rows %}
        {% do short.append(row[0]) %}
        {% do statements.append(
            "create or replace temp type " ~ short_text_of(row[0]) ~ " as enum ("
            ~ "select distinct " ~ row[0] ~ " from part_locations order by all)"
        ) %}
    {% endfor %}
    {% do run_statements(statements) %}
    {{ return(short) }}
{% endmacro %}


{% macro _bounded_columns(columns) %}
    {%- for column in columns %}
        select '{{ column }}' as column_name
        where (select row(min({{ column }}), max({{ column }})) from sure_rows)
            = (select row(min({{ column }}), max({{ column }})) from part_locations)
        {{ 'union all' if not loop.last }}
    {%- endfor -%}
{% endmacro %}


{% macro short_text_of(column) %}
    {{- adapter.quote('load__' ~ column) -}}
{% endmacro %}


{% macro with_short_text(columns) %}
    {{ return(adapter.dispatch('with_short_text', 'unified_iso')(columns)) }}
{% endmacro %}


{% macro default__with_short_text(columns) %}
{% endmacro %}


{% macro duckdb__with_short_text(columns) %}
    {%- if columns -%}
    replace (
        {%- for column in columns -%}
        {{ column }}::{{ short_text_of(column) }} as {{ column }}{{ ', ' if not loop.last }}
        {%- endfor -%}
    )
    {%- endif -%}
{% endmacro %}


{#- The reader makes its tables of rejects when it first reads. -#}
{% macro keep_rejected_lines(opened) %}
    {% set statements = ["delete from inventory.rejected_lines where file_id in (select file_id from load_files)"] %}
    {% if opened %}
        {% do statements.append("
            insert into inventory.rejected_lines
            select files.file_id, errors.line, errors.column_name, any_value(errors.error_message)
            from reject_errors as errors
            inner join reject_scans as scans using (scan_id, file_id)
            inner join load_files as files on scans.file_path = files.read_path
            where errors.line is distinct from files.trailer_line
            group by all
        ") %}
    {% endif %}
    {% do run_statements(statements) %}
{% endmacro %}


{#- What the files of the load hold, by delivery day, and how many lines were used: from now on exact. Returns
    whether the days are other than those thought likely. -#}
{% macro record_coverage(node) %}
    {% do run_query("
        create or replace temp table observed as
        select
            files.file_id,
            " ~ to_local('counted.interval_start_utc', 'markets.time_zone') ~ "::date as delivery_date,
            sum(counted.rows)::ubigint as rows,
            sum(counted.raw_lines)::ubigint as raw_lines
        from load_counts as counted
        inner join load_files as files on counted.raw_file = files.number
        inner join " ~ fact('markets') ~ " as markets on markets.iso = " ~ sql_text(node.config.iso) ~ "
        group by all
    ") %}
    {% set news = run_query("
        select 1
        from (select * from observed where delivery_date is not null) as seen
        full join (
            select file_id, delivery_date from likely_days where file_id in (select file_id from load_files)
        ) as likely using (file_id, delivery_date)
        where seen.file_id is null or likely.file_id is null
        limit 1
    ").rows %}
    {% do run_statements(["
        delete from inventory.coverage where file_id in (select file_id from load_files)
    ", "
        insert into inventory.coverage
        select file_id, delivery_date, rows, false from observed where delivery_date is not null
    ", "
        update inventory.raw_files as files
        set lines_used = coalesce((
            select sum(observed.raw_lines) from observed where observed.file_id = files.file_id
        ), 0)
        where files.file_id in (select file_id from load_files)
    "]) %}
    {{ return(news | length > 0) }}
{% endmacro %}


{% macro count_rows(relations, columns) %}
    create or replace temp table load_counts as
    {% for relation in relations %}
    select {{ columns | join(', ') }}, count(*) as rows, sum(raw_lines) as raw_lines
    from {{ relation }}
    group by all
    {{ 'union all' if not loop.last }}
    {% endfor %}
{% endmacro %}


{% macro fact(seed) %}
    {{- api.Relation.create(database=target.database, schema=target.schema ~ '_facts', identifier=seed) -}}
{% endmacro %}


{#- The inventory counts line ends, and blank lines or line breaks within quotes may be why the reader saw another
    number. A file whose lines don't balance when they are counted one by one has lines that no one has read: it is
    refused, so that it stops no other. Returns whether any was. -#}
{% macro refuse_unbalanced_files() %}
    {% set unbalanced %}
        select files.file_id, files.lines_used + coalesce(rejected.lines, 0) as lines_seen
        from inventory.raw_files as files
        left join (
            select file_id, count(distinct line) as lines from inventory.rejected_lines group by all
        ) as rejected using (file_id)
        where files.file_id in (select file_id from load_files)
            and files.refusal is null
            and files.lines <> lines_seen
    {% endset %}
    {% set rows = run_query(unbalanced).rows %}
    {% if not rows %}{{ return(false) }}{% endif %}
    {% for row in rows %}
        {% do in_python('recount_lines', {'file_id': row[0] | int, 'lines_seen': row[1] | int}) %}
    {% endfor %}
    {{ return(run_query(
        "select 1 from inventory.raw_files where refusal is not null and file_id in (select file_id from load_files) limit 1"
    ).rows | length > 0) }}
{% endmacro %}


{#- A file with a malformed line or row stops the years it touches, unless rejects are allowed. -#}
{% macro block_rejected_years(node) %}
    {% do run_statements(["
        create or replace temp table rejecting_files as
        select
            files.file_id,
            files.number,
            files.data_source,
            files.header_line,
            files.lines,
            files.lines > 0 and known.lines_used = 0 as is_unused
        from load_files as files
        inner join inventory.raw_files as known using (file_id)
        where files.file_id in (select file_id from inventory.rejected_lines)
            or files.number in (select raw_file from load_counts where set_aside like 'rejected: %')
            or is_unused
    ", "
        delete from inventory.rejected_rows
        where model = " ~ sql_text(node.name) ~ " and file_id in (select file_id from load_files)
    "]) %}
    {% if not run_query("select 1 from rejecting_files limit 1").rows %}
        {{ return(none) }}
    {% endif %}
    {% set rejected %}
        create or replace temp table rejected as
        -- Lines that the reader threw out or passed over are missing among the loaded rows, by whose places lines
        -- are told.
        with reader_rejects as (
            select file_id, line, row_number() over (partition by file_id order by line) as place
            from (
                select file_id, line from inventory.rejected_lines where line is not null
                union
                select file_id, line from inventory.skipped_lines
            )
        )
        select
            files.file_id,
            files.data_source,
            lines.line,
            coalesce('column ' || lines.column_name || ': ', '') || lines.message as message
        from inventory.rejected_lines as lines
        inner join rejecting_files as files using (file_id)
        {% for staging in staging_models_of(node) %}
        union all
        select
            placed.file_id,
            placed.data_source,
            placed.place + (
                select count(*) from reader_rejects
                where reader_rejects.file_id = placed.file_id
                    and reader_rejects.line - reader_rejects.place < placed.place
            ) as line,
            placed.message
        from (
            select
                files.file_id,
                files.data_source,
                {% if raw_row_of(staging) == 'rowid' %}
                load.rowid - first_rows.first_row + files.header_line + 2 as place,
                {% else %}
                load.raw_row + files.header_line + 2 as place,
                {% endif %}
                replace(load.set_aside, 'rejected: ', '') as message
            from {{ load_name(staging) }} as load
            {% if raw_row_of(staging) == 'rowid' %}
            inner join (
                select raw_file, min(rowid) as first_row
                from {{ load_name(staging) }}
                where raw_file in (select number from rejecting_files)
                group by all
            ) as first_rows on load.raw_file = first_rows.raw_file
            {% endif %}
            inner join rejecting_files as files on load.raw_file = files.number
            where load.set_aside like 'rejected: %'
        ) as placed
        {% endfor %}
        union all
        select
            file_id,
            data_source,
            null as line,
            'has ' || lines || ' data lines, but none could be used' as message
        from rejecting_files
        where is_unused
    {% endset %}
    {% do run_statements([
        rejected,
        "insert into inventory.rejected_rows select " ~ sql_text(node.name) ~ ", * from rejected",
    ]) %}
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
                    || ': mend the file, or publish the rest with --allow-rejects ' || " ~ in_dbt('allow_rejects: true') ~ " as message
                from rejected
                group by file_id, data_source
            ) as first_rejects
            left join (
                select distinct file_id, year(delivery_date) as year from inventory.coverage
            ) as years using (file_id)
        ") %}
    {% endif %}
{% endmacro %}
