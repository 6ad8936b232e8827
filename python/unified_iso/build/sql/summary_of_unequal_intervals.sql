-- A series lacks intervals where those that it has are together shorter than the time from its first to its
-- last.
with per_series as (
    select
        columns($series),
        count(*) as rows,
        date_diff('second', min(datetime_utc), max(interval_end_utc))
        - sum(date_diff('second', datetime_utc, interval_end_utc)) as missing_seconds
    from read_parquet($path, hive_partitioning = false)
    group by all
)

select
    coalesce(sum(rows), 0)::bigint as rows,
    count(*) as series,
    coalesce(sum(ceil(greatest(missing_seconds, 0) / (60 * $step_minutes))), 0)::bigint as missing_intervals
from per_series
