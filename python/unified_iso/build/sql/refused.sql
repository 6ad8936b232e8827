select
    data_source as file,
    refusal as reason
from inventory.raw_files
where is_present and refusal is not null and behind is null
order by file
