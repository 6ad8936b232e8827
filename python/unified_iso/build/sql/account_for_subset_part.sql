insert into inventory.new_accounts
with of_dataset as (
    select
        data_source,
        content_hash,
        term,
        reason,
        rows
    from inventory.current_accounts
    where
        model = $parent
        and part = $part
),

files as (
    select distinct
        data_source,
        content_hash
    from of_dataset
)

select
    $model as model,
    $part as part,
    data_source,
    content_hash,
    term,
    reason,
    rows
from of_dataset
where term <> 'published'
union all
select
    $model as model,
    $part as part,
    left_out.data_source,
    files.content_hash,
    'filtered' as term,
    $why as reason,
    left_out.rows
from left_out
left join files on left_out.data_source = files.data_source
union all
select
    $model as model,
    $part as part,
    written.data_source,
    files.content_hash,
    'published' as term,
    null as reason,
    written.rows
from (
    select
        data_source,
        count(*) as rows
    from read_parquet($file, hive_partitioning = false)
    group by data_source
) as written
left join files on written.data_source = files.data_source
