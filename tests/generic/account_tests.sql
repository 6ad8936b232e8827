{#- Every row that was parsed is somewhere: published, merged, superseded, filtered or rejected; every line
    that was counted was used or rejected; and every row that was counted as published stands in the file of
    its year. The whole file is counted anew, because parts that stay may have been lost as well as new ones;
    and the new parts are counted as the other tests see them, which see no row outside its part. -#}
{% test accounts_balance(model) %}
{%- set node = tested_dataset(model) %}
with accounts as (

    select
        year(part)::integer as delivery_year,
        part,
        data_source,
        term,
        rows
    from inventory.{{ 'accounts' if flags.WHICH == 'test' else 'new_accounts' }}
    where model = '{{ model.identifier }}'
        {% if flags.WHICH == 'test' %}
        and part in (select parts.part from inventory.parts as parts where parts.model = '{{ model.identifier }}')
        {% else %}
        and year(part) in (select year from inventory.candidates where model = '{{ model.identifier }}')
        {% endif %}

),

sums as (

    select
        delivery_year,
        part,
        data_source,
        coalesce(sum(rows) filter (where term = 'parsed'), 0) as parsed,
        coalesce(sum(rows) filter (where term = 'published'), 0) as published,
        coalesce(sum(rows) filter (where term = 'merged'), 0) as merged,
        coalesce(sum(rows) filter (where term = 'superseded'), 0) as superseded,
        coalesce(sum(rows) filter (where term = 'filtered'), 0) as filtered,
        coalesce(sum(rows) filter (where term = 'rejected'), 0) as rejected
    from accounts
    group by
        delivery_year,
        part,
        data_source

),

-- A subset is cut from its parent's rows: their lines were read for the parent, perhaps long ago.
lines as (

    select
        accounted.delivery_year,
        files.data_source,
        files.lines,
        files.lines_used,
        (
            select count(distinct rejects.line)
            from inventory.rejected_lines as rejects
            where rejects.file_id = files.file_id
        ) as lines_rejected
    from inventory.raw_files as files
    inner join (
        select distinct
            delivery_year,
            data_source
        from accounts
    ) as accounted
        on files.data_source = accounted.data_source
    {% if flags.WHICH == 'test' or (execute and parent_dataset_of(node)) %}
    where files.lines_used is not null
        -- A file that was changed and refused since is not the one that was published.
        and files.refusal is null
    {% endif %}

),

-- Parts that stay as they were published are in the file too.
to_be_published as (

    select
        delivery_year,
        data_source,
        sum(rows) as rows
    from (
        select
            delivery_year,
            data_source,
            rows
        from accounts
        where term = 'published'
        {% if flags.WHICH != 'test' %}
        union all
        select
            kept.year as delivery_year,
            old.data_source,
            old.rows
        from inventory.accounts as old
        inner join inventory.parts as kept
            on old.model = kept.model
            and old.part = kept.part
        inner join inventory.candidates as candidates
            on kept.model = candidates.model
            and kept.year = candidates.year
        anti join inventory.new_parts as new
            on old.model = new.model
            and old.part = new.part
        anti join inventory.dropped_parts as dropped
            on old.model = dropped.model
            and old.part = dropped.part
        where old.model = '{{ model.identifier }}'
            and old.term = 'published'
        {% endif %}
    )
    group by
        delivery_year,
        data_source

),

in_file as (

    {% for file in audited_files(node) if file.path %}
    select
        {{ file.year }} as delivery_year,
        data_source,
        count(*) filter (
            where delivery_date >= date '{{ file.year }}-01-01'
                and delivery_date <= date '{{ file.year }}-12-31'
        ) as rows,
        count(*) as rows_of_any_year
    from {{ parquet_rows([file.path]) }}
    group by data_source
    union all
    {% endfor %}
    select
        null::integer as delivery_year,
        null as data_source,
        0 as rows,
        0 as rows_of_any_year
    where false

),

in_parts as (

    select
        delivery_year,
        {{ part_of(node, 'delivery_date') }} as part,
        sum(rows) as rows
    from (
        select
            delivery_year,
            delivery_date,
            count(*) as rows
        from {{ audit_relation(model) }}
        group by
            delivery_year,
            delivery_date
    )
    group by all

),

of_parts as (

    select
        delivery_year,
        part,
        sum(published) as rows
    from sums
    group by
        delivery_year,
        part

)

select
    delivery_year,
    part::varchar as part,
    data_source,
    'rows' as counted,
    parsed as read,
    published,
    merged,
    superseded,
    filtered,
    rejected
from sums
where parsed <> published + merged + superseded + filtered + rejected
union all
select
    delivery_year,
    null as part,
    data_source,
    'lines' as counted,
    lines as read,
    lines_used as published,
    null as merged,
    null as superseded,
    null as filtered,
    lines_rejected as rejected
from lines
where lines is distinct from lines_used + lines_rejected
union all
select
    coalesce(to_be_published.delivery_year, in_file.delivery_year) as delivery_year,
    null as part,
    coalesce(to_be_published.data_source, in_file.data_source) as data_source,
    'rows in the file' as counted,
    to_be_published.rows as read,
    in_file.rows as published,
    null as merged,
    null as superseded,
    null as filtered,
    null as rejected
from to_be_published
full join in_file
    on to_be_published.delivery_year = in_file.delivery_year
    and to_be_published.data_source = in_file.data_source
where to_be_published.rows is distinct from in_file.rows
    or in_file.rows < in_file.rows_of_any_year
union all
select
    of_parts.delivery_year,
    of_parts.part::varchar as part,
    null as data_source,
    'rows in the part' as counted,
    of_parts.rows as read,
    in_parts.rows as published,
    null as merged,
    null as superseded,
    null as filtered,
    null as rejected
from of_parts
left join in_parts
    on of_parts.delivery_year = in_parts.delivery_year
    and of_parts.part = in_parts.part
where of_parts.rows <> coalesce(in_parts.rows, 0)
{% endtest %}


{% test no_conflicting_rows(model) %}
select
    year(part) as delivery_year,
    part,
    data_source,
    reason,
    rows
from inventory.{{ 'accounts' if flags.WHICH == 'test' else 'new_accounts' }}
where model = '{{ model.identifier }}'
    and term = 'superseded'
    and reason like 'unequal%'
{% endtest %}
