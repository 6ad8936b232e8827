-- The files that cover the parts of a dataset, as far as is known now.
create or replace temp table files_now as
select distinct
    part,
    file_id,
    lines
from inventory.file_days
where model = $model
