-- Rows of a file by the market and resolution that belong to no dataset. Each dataset of the operator has met
-- the same rows.
select
    files.data_source as file,
    substr(kept.set_aside, length($no_dataset) + 1) as of,
    max(kept.rows) as rows
from inventory.file_rows as kept
inner join inventory.raw_files as files on kept.file_id = files.file_id
where files.is_present and files.refusal is null and starts_with(kept.set_aside, $no_dataset)
group by all
order by all
