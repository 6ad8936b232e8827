-- Parts of a year as they will stand, each with the file and the place in it that its row groups come from.
select
    part::varchar as part,
    digest,
    rows,
    row_groups,
    strftime(first_interval, '%Y-%m-%dT%H:%M:%SZ') as first_interval,
    strftime(last_interval, '%Y-%m-%dT%H:%M:%SZ') as last_interval,
    path,
    first_row_group
from inventory.current_parts
where model = $model and year = $year
order by part
