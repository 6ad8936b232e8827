insert into inventory.new_accounts
with of_parent as (
    select
        data_source,
        content_hash,
        term,
        reason,
        rows
    from inventory.current_accounts
    where
        model = $parent
        and part = $part
),

files as (
    select distinct
        data_source,
        content_hash
    from of_parent
)

select
    $model as model,
    $part as part,
    data_source,
    content_hash,
    term,
    reason,
    rows
from of_parent
where term <> 'published'
union all
select
    $model as model,
    $part as part,
    left_out.data_source,
    files.content_hash,
    left_out.term,
    left_out.reason,
    left_out.rows
from rows_left_out as left_out
left join files on left_out.data_source = files.data_source
