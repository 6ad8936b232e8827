-- Every malformed line and row of the load with its line. Lines that the reader threw out or passed over
-- are missing among the loaded rows, by whose places lines are told.
create or replace temp table rejected as
with reader_lines as (
    select
        file_id,
        line
    from inventory.rejected_lines
    where line is not null
    union
    select
        file_id,
        line
    from inventory.skipped_lines
),

reader_rejects as (
    select
        file_id,
        line,
        row_number() over (partition by file_id order by line) as place
    from reader_lines
)

select
    files.file_id,
    files.data_source,
    lines.line,
    coalesce('column ' || lines.column_name || ': ', '') || lines.message as message
from inventory.rejected_lines as lines
inner join rejecting_files as files on lines.file_id = files.file_id
union all
select
    placed.file_id,
    placed.data_source,
    placed.place + (
        select count(*)
        from reader_rejects
        where
            reader_rejects.file_id = placed.file_id
            and reader_rejects.line - reader_rejects.place < placed.place
    ) as line,
    placed.message
from placed_rejects as placed
union all
select
    file_id,
    data_source,
    null as line,
    'has ' || lines || ' data lines, but none could be used' as message
from rejecting_files
where is_unused
