-- The last of the parts that can be loaded together, by the files that each part brings and their lines.
with wanted as (
    select unnest($parts::date[]) as part
),

first_needs as (
    select
        file_id,
        min(part) as part,
        any_value(lines) as lines
    from temp.files_now
    where part in (select wanted.part from wanted)
    group by file_id
),

needs as (
    select
        part,
        count(*) as files,
        sum(lines) as lines
    from first_needs
    group by part
),

sizes as (
    select
        wanted.part,
        sum(coalesce(needs.files, 0)) over (order by wanted.part) as files_so_far,
        sum(coalesce(needs.lines, 0)) over (order by wanted.part) as lines_so_far
    from wanted
    left join needs on wanted.part = needs.part
)

select max(part) as part
from sizes
where
    lines_so_far <= greatest($lines, (select min(least_size.lines_so_far) from sizes as least_size))
    and files_so_far <= greatest($files, (select min(least_size.files_so_far) from sizes as least_size))
