-- Parts of a year of which nothing is known get accounts of what their rows say that they came from.
insert into inventory.accounts
with unknown as (
    select
        parts.model,
        parts.part,
        parts.first_interval,
        parts.last_interval
    from inventory.parts
    anti join inventory.accounts
        on parts.model = accounts.model and parts.part = accounts.part
    where parts.model = $model and parts.year = $year
),

held as (
    select
        unknown.model,
        unknown.part,
        files.data_source,
        count(*) as rows
    from read_parquet($path, hive_partitioning = false) as files
    inner join unknown
        on files.datetime_utc between unknown.first_interval and unknown.last_interval
    group by all
)

select
    model,
    part,
    data_source,
    'unknown' as content_hash,
    unnest(['parsed', 'published']) as term,
    'as found in the published file' as reason,
    rows
from held
