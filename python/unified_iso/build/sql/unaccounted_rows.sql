-- Files of a part with rows that are neither published nor set aside.
select data_source
from inventory.new_accounts
where
    model = $model
    and part = $part
group by data_source
having sum(case when term = 'parsed' then rows::bigint else -rows::bigint end) <> 0
