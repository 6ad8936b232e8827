update inventory.raw_files as files
set
    lines_used = coalesce((
        select sum(observed.raw_lines)
        from observed
        where observed.file_id = files.file_id
    ), 0)
where files.file_id in (select load_files.file_id from load_files)
