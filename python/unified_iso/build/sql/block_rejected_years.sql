-- A file that covers no day stops the year of the first part of the load, because no one knows which it is
-- of.
insert into inventory.blocked
with first_rejects as (
    select
        file_id,
        data_source || coalesce(' line ' || min(line), '') || ': ' || arg_min(message, coalesce(line, 0))
        || case
            when count(distinct coalesce(line, 0)) > 1
                then ' (and ' || count(distinct coalesce(line, 0)) - 1 || ' more)'
            else ''
        end
        || ': mend the file, or publish the rest with --allow-rejects '
        || '(dbt: --vars ''{allow_rejects: true}'')' as message
    from rejected
    group by
        file_id,
        data_source
),

years as (
    select distinct
        file_id,
        year(delivery_date) as year
    from inventory.coverage
)

select distinct
    $model as model,
    coalesce(years.year, (select min(group_parts.year) from group_parts)) as year,
    first_rejects.message
from first_rejects
left join years on first_rejects.file_id = years.file_id
