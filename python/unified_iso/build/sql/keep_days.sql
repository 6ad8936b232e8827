insert into inventory.coverage
select
    file_id,
    delivery_date,
    rows,
    false as is_hint
from observed
where delivery_date is not null
