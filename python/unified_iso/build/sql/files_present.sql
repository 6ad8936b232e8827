-- All usable files that are present, numbered by precedence.
create or replace temp table files_to_open as
select
    *,
    place as number
from inventory.files_in_order
