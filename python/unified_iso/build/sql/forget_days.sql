delete from inventory.coverage
where file_id in (select load_files.file_id from load_files)
