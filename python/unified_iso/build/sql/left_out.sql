-- The other files that were read and of which no dataset takes a row, and why. A file with a rejected row is
-- told of elsewhere.
select
    files.data_source as file,
    max(kept.rows) as rows,
    arg_max(regexp_replace(kept.set_aside, '^[a-z]+: ', ''), kept.rows) as reason
from inventory.file_rows as kept
inner join inventory.raw_files as files on kept.file_id = files.file_id
where files.is_present and files.refusal is null
group by files.file_id, files.data_source
having
    bool_and(
        coalesce(starts_with(kept.set_aside, 'filtered: '), false)
        and not starts_with(kept.set_aside, $no_dataset)
        and not starts_with(kept.set_aside, $joined)
    )
order by all
