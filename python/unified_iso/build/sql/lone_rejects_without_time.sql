-- A rejected row may have the wrong time, and must not make its file one of a day, or a year, that no other
-- row of the file is of. It is counted as a row without a time, unless the file has rejected rows only.
create or replace temp table load_counts as
with counted as (
    select
        counts.*,
        coalesce(counts.set_aside like 'rejected: %', false) as is_rejected,
        timezone(markets.time_zone, counts.interval_start_utc)::date as delivery_date
    from load_counts as counts
    inner join inventory.markets as markets on markets.iso = $iso
),

judged as (
    select
        *,
        bool_or(not is_rejected) over (partition by raw_file) as has_sound_rows,
        bool_or(not is_rejected) over (partition by raw_file, delivery_date) as is_sound_day
    from counted
)

select
    raw_file,
    case when is_rejected and has_sound_rows and not is_sound_day then null else interval_start_utc end
        as interval_start_utc,
    set_aside,
    sum(rows)::bigint as rows,
    sum(raw_lines) as raw_lines
from judged
group by all
