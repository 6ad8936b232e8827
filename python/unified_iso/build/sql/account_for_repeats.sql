insert into inventory.new_accounts
select
    $model as model,
    $part as part,
    files.data_source,
    files.content_hash,
    found.term,
    found.reason,
    found.rows
from repeats_found as found
inner join load_files as files on found.raw_file = files.number
