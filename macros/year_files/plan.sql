{#- What a dataset is made of, read from the graph: nothing here names an operator or a report. -#}

{% macro staging_models_of(node) %}
    {% set found = [] %}
    {% for unique_id in node.depends_on.nodes %}
        {% set parent = graph.nodes.get(unique_id) %}
        {% if parent and parent.resource_type == 'model' and parent.config.materialized == 'view' %}
            {% do found.append(parent) %}
        {% endif %}
    {% endfor %}
    {{ return(found) }}
{% endmacro %}


{% macro parent_dataset_of(node) %}
    {% for unique_id in node.depends_on.nodes %}
        {% set parent = graph.nodes.get(unique_id) %}
        {% if parent and parent.config.materialized == 'year_files' %}{{ return(parent) }}{% endif %}
    {% endfor %}
    {{ return(none) }}
{% endmacro %}


{% macro sources_of(node) %}
    {% set found = {} %}
    {% for staging in staging_models_of(node) %}
        {% for unique_id in staging.depends_on.nodes if unique_id in graph.sources %}
            {% do found.update({unique_id: graph.sources[unique_id]}) %}
        {% endfor %}
    {% endfor %}
    {{ return(found.values() | list) }}
{% endmacro %}


{#- Sources that give rows; a location list is read whole beside them. -#}
{% macro price_sources_of(node) %}
    {{ return(sources_of(node) | rejectattr('config.meta.location_list', 'true') | list) }}
{% endmacro %}


{#- Staging models whose reports have names without ids, or ids without names. -#}
{% macro staging_without_ids(node) %}
    {{ return(staging_models_of(node) | selectattr('config.meta.lacks_ids', 'defined') | list) }}
{% endmacro %}


{% macro dataset_name(node) %}
    {{ return(node.name[(node.config.iso | length) + 1:]) }}
{% endmacro %}


{#- A part is what is rebuilt at once and must fit into memory sorted. -#}
{% macro part_length(node) %}
    {{ return(node.config.get('part') or ('month' if node.config.minutes == 60 else 'day')) }}
{% endmacro %}


{% macro within_part(part) %}
    {{- return(
        "interval_start_utc >= timestamptz '" ~ part.first_instant ~ "' and interval_start_utc < timestamptz '"
        ~ part.end_instant ~ "'"
    ) -}}
{% endmacro %}


{% macro part_of(node, delivery_date) %}
    {%- if part_length(node) == 'month' -%}
        date_trunc('month', {{ delivery_date }})::date
    {%- else -%}
        {{ delivery_date }}
    {%- endif -%}
{% endmacro %}


{% macro is_price_file_of(node, files='files') %}
    (
        {% for source in price_sources_of(node) %}
        {{ 'or ' if not loop.first }}({{ files }}.iso = {{ sql_text(source.source_name) }}
            and {{ files }}.report = {{ sql_text(source.identifier) }})
        {% endfor %}
        {{ 'false' if not price_sources_of(node) }}
    )
    and {{ files }}.is_present
    and {{ files }}.refusal is null
{% endmacro %}


{#- Reports of which each book holds all that the one before it held. -#}
{% macro is_cumulative_of(node, files='files') %}
    {%- set books = price_sources_of(node) | selectattr('config.meta.raw.cumulative', 'true') | list -%}
    (
        {%- for source in books %}
        ({{ files }}.iso = {{ sql_text(source.source_name) }} and {{ files }}.report = {{ sql_text(source.identifier) }})
        {{ 'or' if not loop.last }}
        {%- endfor %}
        {{ 'false' if not books }}
    )
{% endmacro %}


{#- The last day of the book that each file of such a report belongs to. A sheet belongs to its workbook. -#}
{% macro reach_of_books(node) %}
    select
        files.file_id,
        max(max(days.delivery_date)) over (
            partition by
                files.iso,
                files.report,
                case
                    when regexp_matches(files.data_source, '(?i)[.](csv|gz)(#[0-9]+)?$') then files.data_source
                    else regexp_replace(files.data_source, '![^!]*$', '')
                end
        ) as reach
    from inventory.raw_files as files
    inner join inventory.coverage as days using (file_id)
    where {{ is_cumulative_of(node) }}
        and files.is_present
        and files.refusal is null
        and not days.is_hint
    group by
        files.file_id,
        files.iso,
        files.report,
        files.data_source
{% endmacro %}


{% macro fingerprint_of(node, sql) %}
    {% set ingredients = [sql, var('compression'), var('compression_level') | string, var('row_group_size') | string] %}
    {% set upstream = [node.unique_id] %}
    {% for unique_id in upstream %}
        {% set parent = graph.nodes.get(unique_id) %}
        {% for id in (parent.depends_on.nodes if parent and parent.depends_on.nodes else []) %}
            {% if id not in upstream %}{% do upstream.append(id) %}{% endif %}
        {% endfor %}
    {% endfor %}
    {% set relations = [] %}
    {% for unique_id in upstream | sort %}
        {% set parent = graph.nodes.get(unique_id) or graph.sources.get(unique_id) %}
        {% if parent.resource_type == 'seed' %}
            {% do ingredients.append(parent.checksum.checksum) %}
        {% elif parent.unique_id != node.unique_id and parent.config.materialized != 'year_files' %}
            {% do relations.append("(schema_name = '" ~ parent.schema ~ "' and view_name = '" ~ (parent.alias or parent.identifier) ~ "')") %}
        {% endif %}
    {% endfor %}
    {% if relations %}
        {% set definitions = run_query(
            "select sql from duckdb_views() where database_name = current_database() and ("
            ~ relations | join(' or ') ~ ") order by schema_name, view_name"
        ) %}
        {% for row in definitions %}{% do ingredients.append(row[0]) %}{% endfor %}
    {% endif %}
    {% for source in sources_of(node) if source.config.meta.get('location_list') %}
        {% set files = run_query(
            "select data_source, content_hash from inventory.raw_files where is_present and refusal is null and iso = "
            ~ sql_text(source.source_name) ~ " and report = " ~ sql_text(source.identifier) ~ " order by data_source"
        ) %}
        {% for row in files %}{% do ingredients.append(row[0] ~ ' ' ~ row[1]) %}{% endfor %}
    {% endfor %}
    {{ return(local_md5(ingredients | join('\n'))) }}
{% endmacro %}


{#- Days that files have, or have by their names. The days around those of a name are not among them: a
    part that waited for its neighbours' files would have each file read twice. A part that a file
    turns out to cover beside them is stale again. To be listed anew whenever the coverage has changed. -#}
{% macro list_likely_days(node) %}
    create or replace temp table likely_days as
    select
        files.file_id,
        files.data_source,
        files.content_hash,
        files.lines,
        days.delivery_date,
        {{ part_of(node, 'days.delivery_date') }} as part,
        books.reach
    from inventory.raw_files as files
    inner join (
        select
            *,
            min(delivery_date) over of_file as first_day,
            max(delivery_date) over of_file as last_day
        from inventory.coverage
        window of_file as (partition by file_id)
    ) as days using (file_id)
    left join ({{ reach_of_books(node) }}) as books using (file_id)
    where {{ is_price_file_of(node) }}
        and (not days.is_hint or (days.delivery_date > days.first_day and days.delivery_date < days.last_day))
{% endmacro %}


{#- Exact days of the files whose days no one knows yet, by reading nothing but their stamps. Files
    with a likely name wait until they are read anyway, unless a published part depends on them, they
    may reach into the year asked for and lie beside it, or their days tell which of two books stands. -#}
{% macro find_coverage(node, budget) %}
    {% set wanting %}
        select files.file_id
        from inventory.raw_files as files
        left join likely_days as likely using (file_id)
        left join inventory.parts as parts
            on parts.model = {{ sql_text(node.name) }}
            and likely.part = parts.part
        where {{ is_price_file_of(node) }}
            and files.lines_used is null
        group by files.file_id
        having count(likely.file_id) = 0
            or count(parts.part) > 0
            or bool_or({{ is_cumulative_of(node) }})
            {% if var('year') %}
            or (
                not bool_or(year(likely.delivery_date) = {{ var('year') }})
                and files.file_id in (
                    select days.file_id
                    from inventory.coverage as days
                    where year(days.delivery_date) = {{ var('year') }}
                )
            )
            {% endif %}
    {% endset %}
    {% for _ in range(100000) %}
        {% do run_statements([list_likely_days(node), files_to_load(node, wanting, budget)]) %}
        {% if not run_query("select 1 from load_files limit 1").rows %}
            {{ return(none) }}
        {% endif %}
        {% if read_files(node, look_only=true) is not none %}
            {% do record_coverage(node) %}
            {% do refuse_files_without_time() %}
        {% endif %}
        {% do note_what_refused(node) %}
    {% endfor %}
{% endmacro %}


{#- A file that no day is known of would belong to no part and be left out without a word. -#}
{% macro refuse_files_without_time() %}
    {% do run_query("
        update inventory.raw_files
        set refusal = 'has ' || lines || ' data lines, but none tells a time: check its time columns'
        where file_id in (select file_id from load_files)
            and file_id not in (select file_id from inventory.coverage)
            and lines > 0
    ") %}
{% endmacro %}


{#- The parts of a base dataset with what should be in them. A part is stale where the files that
    cover it are not those it was made of; a file that has only vanished, or can't be used any more,
    makes nothing stale. -#}
{% macro plan_parts(node, fingerprint) %}
    {% set year = var('year') %}
    {% set model = sql_text(node.name) %}
    create or replace temp table plan as
    with inputs as (
        select distinct
            part,
            data_source,
            content_hash,
            reach
        from likely_days
    ),
    digests as (
        select
            part,
            -- A sheet of a later month may change which of two books stands in this part.
            md5(string_agg(data_source || ' ' || content_hash, chr(10) order by reach nulls first, data_source))
                as digest,
            md5(string_agg(data_source || ' ' || content_hash, chr(10) order by data_source || ' ' || content_hash))
                as present_digest
        from inputs
        group by part
    ),
    made_of as (
        select
            part,
            md5(string_agg(data_source || ' ' || content_hash, chr(10) order by data_source || ' ' || content_hash)
                filter (where is_usable)) as present_digest,
            string_agg(data_source, ', ' order by data_source) filter (where not is_usable) as lost,
            -- Only absent files may be let go: one that can't be used now may be the machine's or a moment's fault.
            not bool_or(is_present and not is_usable) as may_be_pruned
        from (
            select distinct
                accounts.part,
                accounts.data_source,
                accounts.content_hash,
                coalesce(files.is_present, false) as is_present,
                coalesce(files.is_present and files.refusal is null, false) as is_usable
            from inventory.accounts as accounts
            left join inventory.raw_files as files using (data_source)
            where accounts.model = {{ model }}
        )
        group by part
    )
    select
        coalesce(digests.part, parts.part) as part,
        year(coalesce(digests.part, parts.part)) as year,
        digests.digest,
        made_of.lost,
        made_of.may_be_pruned,
        case
            when new_parts.digest = digests.digest then 'built'
            when digests.digest is null and made_of.lost is null then 'kept'
            when digests.digest is null then {{ "case when made_of.may_be_pruned then 'dropped' else 'kept' end" if var('prune') else "'kept'" }}
            when {{ 'true' if flags.FULL_REFRESH else 'false' }} then 'stale'
            when parts.part is null
                and empty_parts.fingerprint = {{ sql_text(fingerprint) }}
                and empty_parts.digest = digests.digest
                then 'kept'
            when parts.part is null then 'stale'
            when parts.fingerprint <> {{ sql_text(fingerprint) }} then 'stale'
            when parts.digest = digests.digest then 'kept'
            when made_of.lost is not null
                and made_of.present_digest = digests.present_digest
                then {{ "case when made_of.may_be_pruned then 'stale' else 'kept' end" if var('prune') else "'kept'" }}
            else 'stale'
        end as state
    from digests
    full join (
        select * from inventory.parts where model = {{ model }}
    ) as parts using (part)
    left join (
        select * from inventory.new_parts where model = {{ model }}
    ) as new_parts on digests.part = new_parts.part
    left join inventory.empty_parts as empty_parts
        on empty_parts.model = {{ model }} and digests.part = empty_parts.part
    left join made_of on coalesce(digests.part, parts.part) = made_of.part
    {% if year %}
    where year(coalesce(digests.part, parts.part)) = {{ year }}
    {% endif %}
{% endmacro %}


{#- Once a group is written. -#}
{% macro mark_built(node) %}
    update plan
    set state = 'built'
    from inventory.new_parts as new
    where new.model = {{ sql_text(node.name) }} and plan.part = new.part and plan.digest = new.digest
{% endmacro %}


{#- Parts of a subset follow the parts of the dataset it is taken from. -#}
{% macro plan_subset_parts(node, parent, fingerprint) %}
    {% set model = sql_text(node.name) %}
    create or replace temp table plan as
    with wanted as (
        select part, year, md5(digest || ' ' || fingerprint) as digest
        from inventory.new_parts
        where model = {{ sql_text(parent.name) }}
        union all
        select part, year, md5(digest || ' ' || fingerprint)
        from inventory.parts as parts
        where parts.model = {{ sql_text(parent.name) }}
            and parts.part not in (
                select new.part from inventory.new_parts as new where new.model = {{ sql_text(parent.name) }}
                union all
                select gone.part from inventory.dropped_parts as gone where gone.model = {{ sql_text(parent.name) }}
            )
    )
    select
        coalesce(wanted.part, parts.part) as part,
        year(coalesce(wanted.part, parts.part)) as year,
        wanted.digest,
        null::varchar as lost,
        null::boolean as may_be_pruned,
        case
            when new_parts.digest = wanted.digest then 'built'
            when wanted.part is null then {{ "'dropped'" if var('prune') else "'kept'" }}
            when {{ 'true' if flags.FULL_REFRESH else 'false' }} then 'stale'
            when parts.fingerprint = {{ sql_text(fingerprint) }} and parts.digest = wanted.digest then 'kept'
            when empty_parts.fingerprint = {{ sql_text(fingerprint) }} and empty_parts.digest = wanted.digest then 'kept'
            else 'stale'
        end as state
    from wanted
    full join (
        select * from inventory.parts where model = {{ model }}
    ) as parts using (part)
    left join (
        select * from inventory.new_parts where model = {{ model }}
    ) as new_parts on wanted.part = new_parts.part
    left join inventory.empty_parts as empty_parts
        on empty_parts.model = {{ model }} and wanted.part = empty_parts.part
    {% if var('year') %}
    where year(coalesce(wanted.part, parts.part)) = {{ var('year') }}
    {% endif %}
{% endmacro %}


{#- Rows that are loaded at once: what can be sorted in memory beside its load. -#}
{% macro budget_rows() %}
    {% set query = "select greatest(" ~
        "(select number * case unit when 'GiB' then 1073741824 when 'MiB' then 1048576 else 1024 end from (" ~
        "select regexp_extract(value, '[0-9.]+')::double as number, regexp_extract(value, '[A-Za-z]+') as unit " ~
        "from (select current_setting('memory_limit') as value))) / 300, 100000)::bigint" %}
    {{ return(run_query(query).rows[0][0]) }}
{% endmacro %}


{#- Lines that make as many rows: a line of a report with its hours as columns makes several. -#}
{% macro budget_lines(node) %}
    {% set rows_per_line = price_sources_of(node) | map(attribute='config.meta.raw.rows_per_line') | select | list %}
    {{ return(budget_rows() // (([1] + rows_per_line) | max)) }}
{% endmacro %}


{#- The first stale parts that fit the budget together, each raw file counted where it first comes:
    a yearly file brings its twelve months in one reading. -#}
{% macro next_group(budget, node) %}
    create or replace temp table load_group as
    with stale as (
        select plan.part, plan.year, plan.digest
        from plan
        where plan.state = 'stale'
            and plan.year not in (select year from inventory.blocked where model = {{ sql_text(node.name) }})
    ),
    first_needs as (
        select file_id, min(part) as part, any_value(lines) as lines
        from likely_days
        where part in (select stale.part from stale)
        group by file_id
    ),
    new_lines as (
        select part, sum(lines) as lines
        from first_needs
        group by part
    ),
    sizes as (
        select
            stale.*,
            sum(coalesce(new_lines.lines, 0)) over (order by stale.part) as lines_so_far
        from stale
        left join new_lines using (part)
    )
    select part, year, digest
    from sizes
    where lines_so_far <= greatest({{ budget }}, (select min(lines_so_far) from sizes))
    order by part
{% endmacro %}


{#- Files to read, numbered by precedence: of two rows for one key the one from the later number
    stands (own report over others, later publication stamp, greater path). Cumulative books of one report and
    year have the same numbers, but in order of their reach. -#}
{% macro files_to_load(node, file_ids, budget) %}
    create or replace temp table load_files as
    with placed as (
        select
            files.*,
            books.reach,
            row_number() over (
                order by reports.rank, files.publication_stamp nulls first, files.data_source
            )::uinteger as place
        from inventory.raw_files as files
        inner join {{ api.Relation.create(database=target.database, schema=target.schema ~ '_facts', identifier='reports') }} as reports
            on files.iso = reports.iso and files.report = reports.report
        left join ({{ reach_of_books(node) }}) as books using (file_id)
        where files.file_id in ({{ file_ids }})
    ),
    files as (
        select
            * exclude (place, reach),
            case
                when reach is null then place
                else list(place) over (
                    of_year order by place rows between unbounded preceding and unbounded following
                )[row_number() over (of_year order by reach, publication_stamp nulls first, data_source)]
            end as number
        from placed
        window of_year as (partition by iso, report, year(reach))
    )
    select *
    from files
    {% if budget %}
    qualify sum(lines) over (order by number) - lines < {{ budget }}
    {% endif %}
    order by number
{% endmacro %}
