-- Every raw file that the last run has seen, with what became of it: one row per file on disk, which may
-- hold several. It is kept in a file of its own, because nobody else can open the database while a run writes
-- to it.
with published as (
    select distinct data_source
    from inventory.accounts
),

rejected as (
    select distinct data_source
    from inventory.rejected_rows
),

read_in_vain as (
    select distinct file_id
    from inventory.file_rows
),

-- Rows of the other reports tell names, zones or parts of prices that come from these.
priced as (
    select distinct
        iso,
        report
    from inventory.dataset_reports
    where gives_rows
),

judged as (
    select
        files.path,
        files.size,
        files.mtime_ns,
        files.ctime_ns,
        case
            when files.refusal is not null then 'refused'
            when rejected.data_source is not null then 'rejected'
            when published.data_source is not null then 'published'
            when read_in_vain.file_id is not null then 'left out'
            when priced.report is null or files.lines = 0 then 'left out'
            else 'waiting'
        end as state,
        files.refusal as why
    from inventory.raw_files as files
    left join published on files.data_source = published.data_source
    left join rejected on files.data_source = rejected.data_source
    left join read_in_vain on files.file_id = read_in_vain.file_id
    left join priced on files.iso = priced.iso and files.report = priced.report
    where files.is_present and files.iso <> ''
)

select
    path,
    max(size) as size,
    max(mtime_ns) as mtime_ns,
    max(ctime_ns) as ctime_ns,
    -- What keeps a part of an archive from being published is told of the archive.
    case
        when bool_or(state = 'refused') then 'refused'
        when bool_or(state = 'rejected') then 'rejected'
        when bool_or(state = 'waiting') then 'waiting'
        when bool_or(state = 'published') then 'published'
        else 'left out'
    end as state,
    min(why) as why
from judged
group by path
union all
select
    path,
    null as size,
    null as mtime_ns,
    null as ctime_ns,
    'alongside' as state,
    null as why
from inventory.files_alongside
order by path
