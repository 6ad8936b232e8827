-- A part without rows gets no file. If it was published, it is dropped.
insert into inventory.dropped_parts
select
    model,
    part,
    year
from inventory.planned_parts
where
    model = $model
    and state = 'dropped'
union all
select
    new_parts.model,
    new_parts.part,
    new_parts.year
from inventory.new_parts as new_parts
inner join inventory.parts as published
    on
        new_parts.model = published.model
        and new_parts.part = published.part
where
    new_parts.model = $model
    and new_parts.rows = 0
