-- Files to read, numbered by precedence without gaps, so that a list of them can be looked up by number.
create or replace temp table load_files as
with files as (
    select
        * exclude (place),
        row_number() over (order by place)::uinteger as number
    from inventory.files_in_order
    where list_contains($file_ids::ubigint[], file_id)
)

select *
from files
qualify $lines::bigint is null or sum(lines) over (order by number) - lines < $lines::bigint
order by number
