{#- Every row that was parsed is somewhere: published, merged, superseded, filtered or rejected; every line
    that was counted was used or rejected; and every row that was counted as published stands in the file of
    its year. The whole file is counted anew, because parts that stay may have been lost as well as new ones;
    and the new parts are counted as the other tests see them, which see no row outside its part. -#}
{% test accounts_balance(model) %}
with dataset as (

    select
        datasets.part_length,
        datasets.parent is not null as is_subset,
        options.tests_everything
    from inventory.datasets as datasets
    cross join inventory.run_options as options
    where datasets.model = '{{ model.identifier }}'

),

accounts as (

    select
        year::integer as delivery_year,
        part,
        data_source,
        term,
        rows
    from inventory.current_accounts
    where model = '{{ model.identifier }}'
        and (is_new or (select dataset.tests_everything from dataset))

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
    cross join dataset
    where (not dataset.tests_everything and not dataset.is_subset)
        -- A file that was changed and refused since is not the one that was published.
        or (files.lines_used is not null and files.refusal is null)

),

-- Parts that stay as they were published are in the file too.
to_be_published as (

    select
        year::integer as delivery_year,
        data_source,
        sum(rows) as rows
    from inventory.current_accounts
    where model = '{{ model.identifier }}'
        and term = 'published'
        and (
            (select dataset.tests_everything from dataset)
            or year in (
                select candidates.year
                from inventory.candidates as candidates
                where candidates.model = '{{ model.identifier }}'
                    and candidates.path is not null
            )
        )
    group by
        year,
        data_source

),

in_file as (

    select
        delivery_year,
        data_source,
        count(*) filter (where year(delivery_date) = delivery_year) as rows,
        count(*) as rows_of_any_year
    from {{ audit_relation(model, 'files') }}
    group by
        delivery_year,
        data_source

),

in_parts as (

    select
        delivery_year,
        case
            when (select dataset.part_length from dataset) = 'month' then date_trunc('month', delivery_date)::date
            else delivery_date
        end as part,
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
    year as delivery_year,
    part,
    data_source,
    reason,
    rows
from inventory.current_accounts
where model = '{{ model.identifier }}'
    and term = 'superseded'
    and reason like 'unequal%'
    and (is_new or (select options.tests_everything from inventory.run_options as options))
{% endtest %}


{#- A system lambda is joined to the prices of its interval, so what gave way to it was looked for on
    loading, perhaps in several loads. -#}
{% test lambdas_agree(model) %}
{%- set node = tested_dataset(model) %}
select distinct
    year({{ to_local('conflicts.datetime_utc', 'markets.time_zone') }}) as delivery_year,
    conflicts.* exclude (model)
from inventory.lambda_conflicts as conflicts
inner join {{ ref('markets') }} as markets on markets.iso = '{{ node.config.iso }}'
where conflicts.model = '{{ model.identifier }}'
order by conflicts.datetime_utc
{% endtest %}
