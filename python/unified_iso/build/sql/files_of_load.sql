-- The files of a load, and all location lists, whose rows have no number.
create or replace temp table files_to_open as
select * exclude (reach, is_beside)
from opened_files
union all by name
select
    *,
    0::uinteger as number
from inventory.raw_files
where
    list_contains($location_lists, iso || '/' || report)
    and refusal is null
    and is_present
