-- A file of which no day was found keeps those of its name, because every dataset that reads it has to tell
-- what is wrong with it.
with found as (
    select file_id
    from observed
    where delivery_date is not null
)

delete from inventory.coverage
where file_id in (select found.file_id from found)
