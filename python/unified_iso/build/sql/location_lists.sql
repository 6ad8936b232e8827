-- Location lists that are read beside prices, with their contents.
select data_source || ' ' || content_hash as file
from inventory.raw_files
where
    is_present
    and refusal is null
    and list_contains($location_lists, iso || '/' || report)
order by data_source
