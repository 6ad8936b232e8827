-- A row may tell that its whole file is another report, or is to be read in two ways.
update inventory.raw_files as files
set refusal = telling.refusal
from (
    select
        opened_files.file_id,
        min(substr(load_counts.set_aside, length('refused: ') + 1)) as refusal
    from load_counts
    inner join opened_files on load_counts.raw_file = opened_files.number
    where load_counts.set_aside like 'refused: %'
    group by opened_files.file_id
) as telling
where files.file_id = telling.file_id
returning files.file_id
