-- Files to read, numbered by precedence without gaps, so that a list of them can be looked up by number.
-- Those beside a load are read for what rows of others depend on, and nothing is kept of them.
create or replace temp table opened_files as
with chosen as (
    select
        unnest($file_ids::ubigint[]) as file_id,
        false as is_beside
    union all
    select
        unnest($beside_ids::ubigint[]) as file_id,
        true as is_beside
),

placed as (
    select
        *,
        row_number() over (order by place)::uinteger as number
    from inventory.files_in_order
    where file_id in (select chosen.file_id from chosen)
),

files as (
    select
        placed.*,
        chosen.is_beside
    from placed
    inner join chosen on placed.file_id = chosen.file_id
)

select * exclude (place)
from files
qualify
    $lines::bigint is null
    or (number <= $files and sum(lines) over (order by number) - lines < $lines::bigint)
order by number
