insert into inventory.new_accounts
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
left join load_files as files on written.data_source = files.data_source
