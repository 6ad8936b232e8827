{#- One row per raw file and term for a part of a base dataset. Each term is counted on its own. -#}
{% macro account_for_part(node, part, part_file) %}
    {% set model = sql_text(node.name) %}
    {% set within = within_part(part) %}
    {% do run_query("
        insert into inventory.new_accounts
        select " ~ model ~ ", date '" ~ part.part ~ "', files.data_source, files.content_hash, counts.term, counts.reason, sum(counts.rows)
        from (
            " ~ _load_counts(node, _within_or_without_time(node, part, within)) ~ "
        ) as counts
        inner join load_files as files on counts.raw_file = files.number
        group by all
    ") %}
    {% do run_query("
        insert into inventory.new_accounts
        select " ~ model ~ ", date '" ~ part.part ~ "', written.data_source, files.content_hash, 'published', null, written.rows
        from (
            select data_source, count(*) as rows
            from read_parquet(" ~ sql_text(part_file) ~ ")
            group by all
        ) as written
        left join load_files as files using (data_source)
    ") %}
    {% set repeats = run_query("
        select coalesce(sum(case when term = 'parsed' then rows end), 0)
            - coalesce(sum(case when term <> 'parsed' then rows end), 0)
        from inventory.new_accounts
        where model = " ~ model ~ " and part = date '" ~ part.part ~ "'
    ").rows[0][0] %}
    {% if repeats != 0 %}
        {% do run_query("
            insert into inventory.new_accounts
            select " ~ model ~ ", date '" ~ part.part ~ "', files.data_source, files.content_hash, counts.term, counts.reason, counts.rows
            from (
                " ~ _repeat_counts(node, within) ~ "
            ) as counts
            inner join load_files as files on counts.raw_file = files.number
        ") %}
    {% endif %}
{% endmacro %}


{#- A row without a time belongs to no part; it is counted in the first one of its file. -#}
{% macro _within_or_without_time(node, part, within) %}
    (
        ({{ within }})
        or (
            interval_start_utc is null
            and raw_file in (
                select files.number
                from load_files as files
                inner join inventory.coverage as days using (file_id)
                group by files.number
                having {{ part_of(node, 'min(days.delivery_date)') }} = date '{{ part.part }}'
            )
        )
    )
{% endmacro %}


{% macro _load_counts(node, within) %}
    {%- for staging in staging_models_of(node) %}
            select raw_file, 'parsed' as term, null as reason, count(*) as rows
            from {{ load_name(staging) }}
            where {{ within }}
            group by all
            union all
            select
                raw_file,
                split_part(set_aside, ': ', 1) as term,
                substr(set_aside, strpos(set_aside, ': ') + 2) as reason,
                count(*) as rows
            from {{ load_name(staging) }}
            where set_aside is not null and {{ within }}
            group by all
            {{ 'union all' if not loop.last }}
    {%- endfor -%}
{% endmacro %}


{% macro _repeat_counts(node, within) %}
    with loaded as (
        {%- for staging in staging_models_of(node) %}
        select {{ (['raw_file', raw_row_of(staging) ~ ' as raw_row'] + energy_key() + energy_values()) | join(', ') }}
        from {{ load_name(staging) }}
        where set_aside is null and {{ within }}
        {{ 'union all' if not loop.last }}
        {%- endfor %}
    ),
    repeated_locations as (
        {{ locations_that_may_repeat('loaded', node.config.minutes) }}
    ),
    repeated_keys as (
        select {{ energy_key() | join(', ') }}
        from loaded
        semi join repeated_locations using (settlement_location_id)
        group by all
        having count(*) > 1
    ),
    ranked as (
        {{ ranked_repeats('loaded', 'repeated_keys', energy_key(), energy_values()) }}
    )
    select
        raw_file,
        case when row({{ energy_values() | join(', ') }}) is not distinct from winner then 'merged' else 'superseded' end as term,
        case
            when row({{ energy_values() | join(', ') }}) is not distinct from winner then 'equal to the published row'
            when version < winner[1] then 'lower version'
            else 'unequal, no version tells which is right'
        end as reason,
        count(*) as rows
    from ranked
    where place > 1
    group by all
{% endmacro %}


{#- A subset takes its parent's accounts: what the parent published and the subset leaves out is filtered. -#}
{% macro account_for_subset_part(node, parent, part, part_file, parent_rows) %}
    {% set model = sql_text(node.name) %}
    {% set files = "
        select distinct data_source, content_hash
        from all_accounts
        where model = " ~ sql_text(parent.name) ~ " and part = date '" ~ part.part ~ "'" %}
    {% do run_query("
        insert into inventory.new_accounts
        with all_accounts as (
            select * from inventory.new_accounts
            union all
            select accounts.* from inventory.accounts as accounts
            anti join inventory.new_parts as new
                on accounts.model = new.model and accounts.part = new.part
        ),
        files as (" ~ files ~ ")
        select " ~ model ~ ", part, data_source, content_hash, term, reason, rows
        from all_accounts
        where model = " ~ sql_text(parent.name) ~ " and part = date '" ~ part.part ~ "' and term <> 'published'
        union all
        select " ~ model ~ ", date '" ~ part.part ~ "', left_out.data_source, files.content_hash,
            'filtered', " ~ sql_text('not in this subset: ' ~ node.config.keep) ~ ", left_out.rows
        from (
            select data_source, count(*) as rows
            from " ~ parent_rows ~ "
            where not coalesce(" ~ node.config.keep ~ ", false)
                and datetime_utc >= timestamptz '" ~ part.first_instant ~ "'
                and datetime_utc < timestamptz '" ~ part.end_instant ~ "'
            group by all
        ) as left_out
        left join files using (data_source)
        union all
        select " ~ model ~ ", date '" ~ part.part ~ "', written.data_source, files.content_hash,
            'published', null, written.rows
        from (
            select data_source, count(*) as rows from read_parquet(" ~ sql_text(part_file) ~ ") group by all
        ) as written
        left join files using (data_source)
    ") %}
{% endmacro %}
