-- Lines of the raw files that a run reads for a dataset, be they read already or not.
select coalesce(sum(needs.lines), 0) as lines
from (
    select
        files.file_id,
        any_value(files.lines) as lines
    from temp.files_now as files
    inner join temp.parts_now as parts on files.part = parts.part
    where parts.state in ('built', 'stale')
    group by files.file_id
) as needs
