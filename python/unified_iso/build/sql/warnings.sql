select distinct
    files.data_source as file,
    warnings.message
from inventory.file_warnings as warnings
inner join inventory.raw_files as files on warnings.file_id = files.file_id
where files.is_present and files.refusal is null
order by all
