-- The parts of a dataset as they stand now. A run asks for them several times for each load, and to work them
-- out takes a look at all files.
create or replace temp table parts_now as
select
    part,
    year,
    digest,
    lost,
    may_be_pruned,
    state
from inventory.planned_parts
where model = $model
