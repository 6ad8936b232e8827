{#- One row per raw file and term for a part of a base dataset. Each term is counted on its own. -#}
{% macro account_for_part(node, part, part_file) %}
    {% set model = sql_text(node.name) %}
    {% do run_statements(["
        insert into inventory.new_accounts
        select " ~ model ~ ", date '" ~ part.part ~ "', files.data_source, files.content_hash, counts.term, counts.reason, sum(counts.rows)
        from (
            " ~ _load_counts(node, part) ~ "
        ) as counts
        inner join load_files as files on counts.raw_file = files.number
        group by all
    ", "
        insert into inventory.new_accounts
        select " ~ model ~ ", date '" ~ part.part ~ "', written.data_source, files.content_hash, 'published', null, written.rows
        from (
            select data_source, count(*) as rows
            from " ~ parquet_rows([part_file]) ~ "
            group by all
        ) as written
        left join load_files as files using (data_source)
    ", "
        insert into inventory.new_accounts
        select " ~ model ~ ", date '" ~ part.part ~ "', files.data_source, files.content_hash, counts.term, counts.reason, counts.rows
        from (
            " ~ _repeat_counts() ~ "
        ) as counts
        inner join load_files as files on counts.raw_file = files.number
    "]) %}
{% endmacro %}


{#- A row without a time belongs to no part; it is counted in the first one of its file. -#}
{% macro _load_counts(node, part) %}
    with first_parts as (
        select files.number as raw_file, {{ part_of(node, 'min(days.delivery_date)') }} as part
        from load_files as files
        inner join inventory.coverage as days using (file_id)
        group by files.number
    ),
    of_part as (
        select load_counts.*
        from load_counts
        left join first_parts using (raw_file)
        where coalesce({{ within_part(part) }}, first_parts.part = date '{{ part.part }}')
    )
    select raw_file, 'parsed' as term, null as reason, rows
    from of_part
    union all
    select
        raw_file,
        split_part(set_aside, ': ', 1) as term,
        substr(set_aside, strpos(set_aside, ': ') + 2) as reason,
        rows
    from of_part
    where set_aside is not null
{% endmacro %}


{% macro _repeat_counts() %}
    select
        raw_file,
        case when {{ agrees_with_winner() }} then 'merged' else 'superseded' end as term,
        case
            when {{ agrees_with_winner() }} then 'equal to the published row'
            when version < winner[1] then 'lower version'
            else 'unequal, no version tells which is right'
        end as reason,
        count(*) as rows
    from part_repeats
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
            select data_source, count(*) as rows from " ~ parquet_rows([part_file]) ~ " group by all
        ) as written
        left join files using (data_source)
    ") %}
{% endmacro %}
