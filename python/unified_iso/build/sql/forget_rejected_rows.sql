delete from inventory.rejected_rows
where
    model = $model
    and file_id in (select load_files.file_id from load_files)
