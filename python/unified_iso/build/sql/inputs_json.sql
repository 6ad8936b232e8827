-- Raw files that a year file is made of: one row per file and content, with what became of its rows.
with accounts as (
    select
        data_source,
        content_hash,
        term,
        sum(rows)::bigint as rows
    from inventory.accounts
    where model = $model and year(part) = $year
    group by all
)

select
    to_json({
        file: data_source,
        content_hash: content_hash,
        accounts: map_from_entries(list(row(term, rows) order by term))
    })::varchar as line
from accounts
group by
    data_source,
    content_hash
order by
    data_source,
    content_hash
