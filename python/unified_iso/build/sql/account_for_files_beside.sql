-- A file that the part was read beside has none of its rows, and stands here so that the part is known to
-- depend on it.
insert into inventory.new_accounts
select distinct
    $model as model,
    $part as part,
    opened.data_source,
    opened.content_hash,
    'parsed' as term,
    null as reason,
    0 as rows
from opened_files as opened
inner join inventory.part_files as files
    on
        opened.file_id = files.file_id
        and files.model = $model
        and files.part = $part
where files.is_beside
