-- How many series go by several labels, so that the order of the file does not prove their grain.
with labels_seen as (
    select distinct
        series_key,
        labels
    from year_rows
),

relabelled as (
    select series_key
    from labels_seen
    group by series_key
    having count(*) > 1
)

select count(*) as series
from relabelled
