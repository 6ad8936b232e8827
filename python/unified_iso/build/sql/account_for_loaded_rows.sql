-- A row without a time belongs to no part; it is counted in the first one of its file.
insert into inventory.new_accounts
with first_parts as (
    select
        files.number as raw_file,
        case
            when $length = 'month' then date_trunc('month', min(days.delivery_date))::date
            else min(days.delivery_date)
        end as part
    from load_files as files
    inner join inventory.coverage as days on files.file_id = days.file_id
    group by files.number
),

of_part as (
    select counts.*
    from load_counts as counts
    left join first_parts on counts.raw_file = first_parts.raw_file
    where case
        when counts.interval_start_utc is null then first_parts.part = $part
        else
            counts.interval_start_utc >= $first_instant::timestamptz
            and counts.interval_start_utc < $end_instant::timestamptz
    end
),

terms as (
    select
        raw_file,
        'parsed' as term,
        null as reason,
        rows
    from of_part
    union all
    select
        raw_file,
        split_part(set_aside, ': ', 1) as term,
        substr(set_aside, strpos(set_aside, ': ') + 2) as reason,
        rows
    from of_part
    where set_aside is not null
)

select
    $model as model,
    $part as part,
    files.data_source,
    files.content_hash,
    terms.term,
    terms.reason,
    sum(terms.rows) as rows
from terms
inner join load_files as files on terms.raw_file = files.number
group by all
