-- Runs of time that no interval of a year file covers, between its first and its last, where intervals differ
-- in length: the next one is to begin where those before it have ended.
with intervals as (
    select
        datetime_utc,
        max(interval_end_utc) as interval_end
    from read_parquet($path, hive_partitioning = false)
    group by datetime_utc
),

steps as (
    select
        max(interval_end) over (
            order by datetime_utc
            rows between unbounded preceding and 1 preceding
        ) as missing_from,
        datetime_utc as missing_to
    from intervals
)

select
    strftime(timezone('UTC', missing_from), '%Y-%m-%dT%H:%M:%SZ') as missing_from,
    strftime(timezone('UTC', missing_to), '%Y-%m-%dT%H:%M:%SZ') as missing_to,
    ceil(date_diff('second', missing_from, missing_to) / (60 * $step_minutes))::bigint as missing_intervals
from steps
where missing_to > missing_from
order by missing_from
