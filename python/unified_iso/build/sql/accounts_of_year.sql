-- A row that came from no known raw file has no hash to be known by.
select
    part::varchar as part,
    data_source,
    coalesce(content_hash, 'unknown') as content_hash,
    term,
    reason,
    rows
from inventory.current_accounts
where model = $model and year = $year
order by
    part,
    data_source,
    content_hash,
    term,
    reason nulls first,
    "rows"
