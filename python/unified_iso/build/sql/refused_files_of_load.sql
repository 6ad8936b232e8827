select file_id
from inventory.raw_files
where
    refusal is not null
    and file_id in (select load_files.file_id from load_files)
