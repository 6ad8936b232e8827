-- Files with rejected rows, each with its first one, how many lines there are and the delivery years that the
-- file covers; none where nobody knows.
with years as (
    select
        file_id,
        list_sort(list(distinct year(delivery_date))) as years
    from inventory.coverage
    group by file_id
)

select
    rejected.data_source as file,
    min(rejected.line) as line,
    arg_min(rejected.message, coalesce(rejected.line, 0)) as reason,
    count(distinct coalesce(rejected.line, 0)) as rows,
    coalesce(any_value(years.years), []) as years
from inventory.rejected_rows as rejected
inner join inventory.raw_files as files on rejected.file_id = files.file_id
left join years on rejected.file_id = years.file_id
where files.is_present
group by rejected.data_source
order by rejected.data_source
