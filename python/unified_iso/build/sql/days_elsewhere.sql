-- Days that files beside those of this load have rows of. All files of a part are loaded together, so that
-- none of these days is of a part which is written now.
create or replace temp table days_elsewhere as
select distinct delivery_date
from inventory.file_days
where
    model = $model
    and file_id not in (select load_files.file_id from load_files)
