insert into inventory.blocked
select
    $model as model,
    year,
    'rebuilding ' || strftime(part, '%Y-%m-%d') || ' would lose the rows of ' || lost
    || case
        when may_be_pruned
            then
                ', which is gone: put the file back, or let its rows go with --prune '
                || '(dbt: --vars ''{prune: true}'')'
        else
            ', of which some can''t be used now: mend or put back the file; '
            || 'its rows are kept until it is removed'
    end as message
from temp.parts_now
where
    state = 'stale'
    and lost is not null
    and not (may_be_pruned and $prune)
    and year not in (
        select blocked.year
        from inventory.blocked_years as blocked
        where blocked.model = $model
    )
qualify row_number() over (partition by year order by part) = 1
