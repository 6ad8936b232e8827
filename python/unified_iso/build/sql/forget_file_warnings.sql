delete from inventory.file_warnings
where
    model = $model
    and file_id in (select load_files.file_id from load_files)
