update inventory.raw_files
set refusal = 'has ' || lines || ' data lines, but none tells a time: check its time columns'
where
    file_id in (select load_files.file_id from load_files)
    and file_id not in (select days.file_id from inventory.coverage as days)
    and lines > 0
