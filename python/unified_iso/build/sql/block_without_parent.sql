insert into inventory.blocked
select
    $model as model,
    coalesce($year::usmallint, year(max(days.delivery_date))) as year,
    count(distinct files.file_id) || ' raw files are new, and ' || $parent
    || ' that reads them was not built: select +' || $model as message
from inventory.dataset_files as files
left join inventory.coverage as days on files.file_id = days.file_id
where
    files.model = $parent
    and files.lines_used is null
having count(distinct files.file_id) > 0
