update inventory.raw_files as files
set
    timestamp_format = 'text',
    layout = replace(files.layout, chr(31) || files.timestamp_format || chr(31), chr(31) || 'text' || chr(31))
where
    files.timestamp_format <> 'text'
    and files.file_id in (
        select lines.file_id
        from inventory.rejected_lines as lines
        where
            lines.file_id in (select opened_files.file_id from opened_files)
            and list_contains($stamps, lines.column_name)
            and lines.message like 'Error when converting%'
        union all
        -- The reader takes a year of two digits for one of the first century.
        select opened_files.file_id
        from load_counts
        inner join opened_files on load_counts.raw_file = opened_files.number
        where load_counts.set_aside like '% is before the first day of this market %'
    )
returning files.file_id
