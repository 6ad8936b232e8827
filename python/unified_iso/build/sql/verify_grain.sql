-- Keys with more than one row, where the order of the file does not prove that there are none. With
-- `$only_relabelled` those of series that go by several labels are looked at, because it proves the others.
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
),

repeated as (
    select
        of_file.grain_key,
        count(*) as rows_of_key
    from year_rows as of_file
    where not $only_relabelled or of_file.series_key in (select relabelled.series_key from relabelled)
    group by of_file.grain_key
    having count(*) > 1
)

select
    count(*) as repeated_keys,
    min(grain_key::varchar) as first_key
from repeated
