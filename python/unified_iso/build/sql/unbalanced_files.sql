-- Files of the load of whose lines the reader saw another number than was counted.
with rejected as (
    select
        file_id,
        count(distinct line) as lines
    from inventory.rejected_lines
    group by file_id
)

select
    files.file_id,
    files.lines_used + coalesce(rejected.lines, 0) as lines_seen
from inventory.raw_files as files
left join rejected
    on files.file_id = rejected.file_id
where
    files.file_id in (select load_files.file_id from load_files)
    and files.refusal is null
    and files.lines <> files.lines_used + coalesce(rejected.lines, 0)
