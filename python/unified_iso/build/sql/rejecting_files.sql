-- Files of the load with a malformed line or row, or of which no line could be used. Those that tell names
-- of locations alone are left out, because a fault of theirs takes no price of this dataset.
create or replace temp table rejecting_files as
select
    files.file_id,
    files.number,
    files.data_source,
    files.header_line,
    files.lines,
    files.lines > 0 and known.lines_used = 0 as is_unused
from load_files as files
inner join inventory.raw_files as known on files.file_id = known.file_id
where
    (
        files.file_id in (select lines.file_id from inventory.rejected_lines as lines)
        or files.number in (
            select counts.raw_file from load_counts as counts
            where counts.set_aside like 'rejected: %'
        )
        or (files.lines > 0 and known.lines_used = 0)
    )
    and not list_contains($names_from::varchar[], files.iso || '/' || files.report)
