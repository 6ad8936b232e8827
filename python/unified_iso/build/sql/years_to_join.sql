-- Years of which a part was written or dropped.
select year
from inventory.new_parts
where model = $model
union
select year
from inventory.dropped_parts
where model = $model
order by year
