-- Runs of intervals in which no series of a year file has a row, between its first and its last. In UTC every
-- day is a run of equal steps, so that days of 23 and 25 hours need no calendar.
with intervals as (
    select distinct datetime_utc
    from read_parquet($path, hive_partitioning = false)
),

steps as (
    select
        lag(datetime_utc + to_minutes($step_minutes::bigint)) over (order by datetime_utc) as missing_from,
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
