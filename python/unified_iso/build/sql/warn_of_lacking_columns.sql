insert into inventory.file_warnings
select
    $model as model,
    file_id,
    'has no column ' || list_aggregate(lacking, 'string_agg', ', ') || ': its prices are published without'
        as message
from (
    select
        file_id,
        list_filter($wanted::varchar[], lambda name: not list_contains(column_names, name)) as lacking
    from load_files
    where iso || '/' || report = $folder
) as files
where len(lacking) > 0
