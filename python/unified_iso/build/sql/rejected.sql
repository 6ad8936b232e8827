-- Files with rejected rows, each with its first one and how many there are.
select
    rejected.data_source as file,
    min(rejected.line) as line,
    arg_min(rejected.message, coalesce(rejected.line, 0)) as reason,
    count(distinct coalesce(rejected.line, 0)) as rows
from inventory.rejected_rows as rejected
inner join inventory.raw_files as files on rejected.file_id = files.file_id
where files.is_present
group by rejected.data_source
order by rejected.data_source
