insert into inventory.file_rows
select
    $model as model,
    files.file_id,
    counts.set_aside,
    sum(counts.rows) as rows
from load_counts as counts
inner join load_files as files on counts.raw_file = files.number
group by all
