-- An interval is missing for a series where it lies between the first and the last one that the series has.
with per_series as (
    select
        columns($series),
        count(*) as rows,
        date_diff('minute', min(datetime_utc), max(datetime_utc)) // $step_minutes + 1 as expected
    from read_parquet($path, hive_partitioning = false)
    group by all
)

select
    coalesce(sum(rows), 0)::bigint as rows,
    count(*) as series,
    coalesce(sum(greatest(expected - rows, 0)), 0)::bigint as missing_intervals
from per_series
