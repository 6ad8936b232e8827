insert into inventory.plan
select
    $model as model,
    planned.part,
    planned.year,
    planned.state,
    'its dataset has changed' as why,
    planned.files,
    planned.lines,
    planned.memory_bytes
from inventory.plan as planned
where
    planned.model = $parent
    and planned.part not in (
        select known.part
        from inventory.plan as known
        where known.model = $model
    )
