insert into inventory.file_warnings
select
    $model as model,
    file_id,
    warning as message
from load_files
where warning is not null
