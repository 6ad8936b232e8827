-- Lines are those of the files that a part stands on; a file counts in each of its parts.
insert into inventory.plan
with days as (
    select distinct
        model,
        part,
        file_id,
        lines
    from inventory.file_days
)

select
    planned.model,
    planned.part,
    planned.year,
    planned.state,
    planned.why,
    count(distinct days.file_id) as files,
    coalesce(sum(days.lines), 0)::ubigint as lines,
    (coalesce(sum(days.lines), 0) * $bytes_per_line)::ubigint as memory_bytes
from inventory.planned_parts as planned
left join days
    on
        planned.model = days.model
        and planned.part = days.part
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
