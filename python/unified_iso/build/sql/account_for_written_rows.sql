-- Rows that were parsed have been counted before, so the files of the part are known by their accounts.
insert into inventory.new_accounts
with files as (
    select distinct
        data_source,
        content_hash
    from inventory.new_accounts
    where
        model = $model
        and part = $part
)

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
