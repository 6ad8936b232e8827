-- `told` are the accounts that the footer of a file has, or that are about to stand in it.
insert into inventory.accounts
select
    $model as model,
    part::date,
    data_source,
    content_hash,
    term,
    reason,
    rows
from told
