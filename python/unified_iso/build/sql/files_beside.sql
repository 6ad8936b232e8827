-- Files of the day before each part of a file of the load, because rows of its first day depend on theirs.
with files as (
    select unnest($file_ids::ubigint[]) as file_id
)

select distinct earlier.file_id
from inventory.file_days as earlier
inner join inventory.datasets as datasets
    on
        earlier.model = datasets.model
        and datasets.reads_day_before
inner join inventory.file_days as days
    on
        earlier.model = days.model
        and earlier.delivery_date + 1 = days.part
where
    earlier.model = $model
    and days.file_id in (select files.file_id from files)
    and earlier.file_id not in (select files.file_id from files)
