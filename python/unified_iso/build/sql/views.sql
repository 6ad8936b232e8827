-- Questions about what is known of raw files and parts. Each dataset has its own answer, by `model`.

-- Last day of the cumulative book that a file belongs to. A sheet belongs to its workbook.
create or replace view inventory.book_reach as
select
    files.file_id,
    files.iso,
    files.report,
    max(max(days.delivery_date)) over (
        partition by
            files.iso,
            files.report,
            case
                when regexp_matches(files.data_source, '(?i)[.](csv|gz)(#[0-9]+)?$') then files.data_source
                else regexp_replace(files.data_source, '![^!]*$', '')
            end
    ) as reach
from inventory.raw_files as files
inner join inventory.coverage as days on files.file_id = days.file_id
where
    files.is_present
    and files.refusal is null
    and not days.is_hint
    and (files.iso, files.report) in (
        select (reports.iso, reports.report)
        from inventory.dataset_reports as reports
        where reports.is_cumulative
    )
group by
    files.file_id,
    files.iso,
    files.report,
    files.data_source;

-- Usable files of each dataset.
create or replace view inventory.dataset_files as
select
    reports.model,
    reports.is_cumulative,
    reports.gives_rows,
    files.*
from inventory.dataset_reports as reports
inner join inventory.raw_files as files on reports.iso = files.iso and reports.report = files.report
where files.is_present and files.refusal is null;

-- Days that files have, or have by their names. The days around those of a name are not among them: a part
-- that waited for its neighbours' files would have each file read twice. If a file turns out to cover
-- another part beside them, that part is stale again.
create or replace view inventory.likely_days as
with days as (
    select
        *,
        min(delivery_date) over (partition by file_id) as first_day,
        max(delivery_date) over (partition by file_id) as last_day
    from inventory.coverage
)

select
    file_id,
    delivery_date
from days
where
    not is_hint
    or (delivery_date > first_day and delivery_date < last_day);

-- The same, by the datasets that read the files.
create or replace view inventory.file_days as
select
    files.model,
    files.file_id,
    files.data_source,
    files.content_hash,
    files.lines,
    files.gives_rows,
    days.delivery_date,
    case
        when datasets.part_length = 'month' then date_trunc('month', days.delivery_date)::date
        else days.delivery_date
    end as part,
    case when files.is_cumulative then books.reach end as reach
from inventory.dataset_files as files
inner join inventory.datasets as datasets on files.model = datasets.model
inner join inventory.likely_days as days on files.file_id = days.file_id
left join inventory.book_reach as books on files.file_id = books.file_id;

-- The files that each part is made of: those that cover it, and beside them those of the day before, where
-- rows of a day depend on its last ones.
create or replace view inventory.part_files as
with covering as (
    select distinct
        model,
        part,
        file_id,
        data_source,
        content_hash,
        lines,
        gives_rows,
        reach
    from inventory.file_days
),

covered_days as (
    select distinct
        model,
        delivery_date,
        file_id,
        data_source,
        content_hash,
        lines,
        reach
    from inventory.file_days
)

select
    model,
    part,
    file_id,
    data_source,
    content_hash,
    lines,
    gives_rows,
    reach,
    false as is_beside
from covering
union all
select
    parts.model,
    parts.part,
    earlier.file_id,
    earlier.data_source,
    earlier.content_hash,
    earlier.lines,
    false as gives_rows,
    earlier.reach,
    true as is_beside
from (
    select distinct
        covering.model,
        covering.part
    from covering
    inner join inventory.datasets as datasets
        on
            covering.model = datasets.model
            and datasets.reads_day_before
) as parts
inner join covered_days as earlier
    on
        parts.model = earlier.model
        and parts.part = earlier.delivery_date + 1
anti join covering as itself
    on
        parts.model = itself.model
        and parts.part = itself.part
        and earlier.file_id = itself.file_id;

-- Files by precedence: of two rows of one key and version the one of the later file is published. An
-- operator's own report goes before others, then the later publication stamp, then the greater path.
-- Cumulative books of one report and year have the same places, but in order of their reach.
create or replace view inventory.files_in_order as
with placed as (
    select
        files.*,
        books.reach,
        row_number() over (
            order by reports.rank, files.publication_stamp nulls first, files.data_source
        )::uinteger as place
    from inventory.raw_files as files
    inner join inventory.reports as reports on files.iso = reports.iso and files.report = reports.report
    left join inventory.book_reach as books on files.file_id = books.file_id
    where files.is_present and files.refusal is null
),

books as (
    select
        file_id,
        place,
        iso,
        report,
        year(reach) as year,
        row_number() over (of_year order by place) as nth,
        row_number() over (of_year order by reach, publication_stamp nulls first, data_source) as nth_by_reach
    from placed
    where reach is not null
    window of_year as (partition by iso, report, year(reach))
),

swapped as (
    select
        books.file_id,
        places.place
    from books
    inner join books as places
        on
            books.iso = places.iso
            and books.report = places.report
            and books.year = places.year
            and books.nth_by_reach = places.nth
)

select
    placed.* exclude (place),
    coalesce(swapped.place, placed.place) as place
from placed
left join swapped on placed.file_id = swapped.file_id;

-- The files that published parts were made of, as they are now. Which days one has is certain once it was
-- read whole and no row of it was rejected: a rejected row may be one of a day that it seems to lack.
create or replace view inventory.held_files as
select distinct
    held.model,
    held.part,
    held.data_source,
    held.content_hash,
    coalesce(files.is_present, false) as is_present,
    coalesce(files.is_present and files.refusal is null, false) as is_usable,
    coalesce(files.content_hash = held.content_hash, false) as is_same,
    files.lines_used is not null
    and (
        options.allow_rejects
        or (
            files.file_id not in (select lines.file_id from inventory.rejected_lines as lines)
            and files.file_id not in (select rejected.file_id from inventory.rejected_rows as rejected)
        )
    ) as is_certain
from inventory.accounts as held
cross join inventory.run_options as options
left join inventory.raw_files as files on held.data_source = files.data_source;

-- The files that a part was made of, and those that it can't be made of again.
create or replace view inventory.part_inputs as
select
    accounts.model,
    accounts.part,
    md5(
        string_agg(
            accounts.data_source || ' ' || accounts.content_hash,
            chr(10)
            order by accounts.data_source || ' ' || accounts.content_hash
        ) filter (where accounts.is_usable)
    ) as present_digest,
    string_agg(accounts.data_source, ', ' order by accounts.data_source) filter (
        where not accounts.is_usable
    ) as lost,
    -- Only absent files may be let go: one that can't be used now may be the machine's or a moment's fault.
    not bool_or(accounts.is_present and not accounts.is_usable) as may_be_pruned,
    bool_and(not accounts.is_usable or accounts.is_certain) as is_certain,
    bool_and(accounts.is_usable and accounts.is_certain and accounts.is_same) as is_same
from inventory.held_files as accounts
group by
    accounts.model,
    accounts.part;

-- What each part should be made of now. A part of a dataset that is made of another one is made of
-- the same part of that. Files that tell names of locations alone belong to the parts of other files and
-- make none.
create or replace view inventory.wanted_parts as
with inputs as (
    select distinct
        model,
        part,
        data_source,
        content_hash,
        reach,
        gives_rows
    from inventory.part_files
)

select
    model,
    part,
    -- A sheet of a later month may change which of two books stands in this part.
    md5(string_agg(data_source || ' ' || content_hash, chr(10) order by reach nulls first, data_source))
        as digest,
    md5(
        string_agg(data_source || ' ' || content_hash, chr(10) order by data_source || ' ' || content_hash)
    ) as present_digest
from inputs
group by
    model,
    part
having bool_or(gives_rows)
union all
select
    subsets.model,
    parts.part,
    md5(parts.digest || ' ' || parts.fingerprint || ' ' || coalesce(fingerprints.fingerprint, '')) as digest,
    null as present_digest
from inventory.datasets as subsets
inner join inventory.current_parts as parts on subsets.parent = parts.model
left join inventory.fingerprints as fingerprints on subsets.model = fingerprints.model;

-- Every part that there is or should be, with what is to be done with it: `stale` and `dropped` wait for
-- it, `built` is done in this run, `kept` needs nothing. A part is stale where the files that cover it are
-- not those it was made of; a file that has only vanished, or can't be used any more, makes nothing stale.
-- A part that no file covers any more goes by itself where all of its files are as they were, because they
-- are read otherwise now and nothing is lost with it; where one is gone or was written over, it goes with
-- `prune`.
create or replace view inventory.planned_parts as
with wanted as materialized (
    select *
    from inventory.wanted_parts
),

known as (
    select
        coalesce(wanted.model, parts.model) as model,
        coalesce(wanted.part, parts.part) as part,
        wanted.digest,
        wanted.present_digest,
        parts.digest as published_digest,
        parts.fingerprint as published_fingerprint
    from wanted
    full join inventory.parts as parts on wanted.model = parts.model and wanted.part = parts.part
),

judged as (
    select
        known.model,
        known.part,
        year(known.part)::usmallint as year,
        known.digest,
        inputs.may_be_pruned,
        case when datasets.parent is null then inputs.lost end as lost,
        case
            when new_parts.digest = known.digest then 'built'
            when known.digest is null and datasets.parent is not null
                then
                    case
                        when options.prune or (inputs.is_same and parent_parts.part is null) then 'dropped'
                        else 'kept'
                    end
            when known.digest is null
                then
                    case
                        when inputs.is_same then 'dropped'
                        when options.prune and inputs.may_be_pruned and inputs.is_certain then 'dropped'
                        else 'kept'
                    end
            when options.full_refresh then 'asked for anew'
            when empty_parts.digest = known.digest and known.published_digest is null then 'kept'
            when known.published_digest is null then 'not built yet'
            when known.published_fingerprint <> fingerprints.fingerprint then 'its SQL or a fact has changed'
            when known.published_digest = known.digest then 'kept'
            when inputs.lost is not null and inputs.present_digest = known.present_digest
                then case when options.prune and inputs.may_be_pruned then 'files are gone' else 'kept' end
            when datasets.parent is not null then 'its dataset has changed'
            else 'files are new'
        end as finding
    from known
    inner join inventory.datasets as datasets on known.model = datasets.model
    cross join inventory.run_options as options
    left join inventory.fingerprints as fingerprints on known.model = fingerprints.model
    left join
        inventory.new_parts as new_parts
        on known.model = new_parts.model and known.part = new_parts.part
    left join inventory.empty_parts as empty_parts
        on
            known.model = empty_parts.model
            and known.part = empty_parts.part
            and fingerprints.fingerprint = empty_parts.fingerprint
    left join inventory.part_inputs as inputs
        on
            known.model = inputs.model
            and known.part = inputs.part
    left join
        wanted as parent_parts
        on
            datasets.parent = parent_parts.model
            and known.part = parent_parts.part
    where len(options.years) = 0 or list_contains(options.years, year(known.part))
)

select
    model,
    part,
    year,
    digest,
    lost,
    may_be_pruned,
    case when finding in ('built', 'dropped', 'kept') then finding else 'stale' end as state,
    case when finding not in ('built', 'dropped', 'kept') then finding end as why
from judged;

-- Parts that the next build makes anew, and why; `news` names some of the files that are new to a part.
create or replace view inventory.stale_parts as
select
    planned.model,
    planned.part,
    planned.year,
    planned.digest,
    planned.why,
    planned.lost,
    planned.may_be_pruned,
    (
        select string_agg(news.data_source, ', ' order by news.data_source)
        from (
            select distinct files.data_source
            from inventory.part_files as files
            anti join inventory.accounts as held
                on
                    files.model = held.model
                    and files.part = held.part
                    and files.data_source = held.data_source
                    and files.content_hash = held.content_hash
            where files.model = planned.model and files.part = planned.part
            order by files.data_source
            limit 3
        ) as news
    ) as news
from inventory.planned_parts as planned
where planned.state = 'stale';

-- The files that the raw relations stand on between runs. While a part is written those of its load stand
-- here.
create or replace view inventory.open_files as
select
    place as raw_file,
    data_source
from inventory.files_in_order;
