-- Lines are those of the files that a part stands on; a file counts in each of its parts.
insert into inventory.plan
select
    planned.model,
    planned.part,
    planned.year,
    planned.state,
    planned.why,
    count(distinct files.file_id) as files,
    coalesce(sum(files.lines), 0)::ubigint as lines,
    (coalesce(sum(files.lines), 0) * $bytes_per_line)::ubigint as memory_bytes
from inventory.planned_parts as planned
left join inventory.part_files as files
    on
        planned.model = files.model
        and planned.part = files.part
where
    planned.model = $model
    and planned.state in ('stale', 'dropped')
group by
    planned.model,
    planned.part,
    planned.year,
    planned.state,
    planned.why
order by planned.part
