-- Lines of the raw files that a run reads for a dataset, be they read already or not.
select coalesce(sum(needs.lines), 0) as lines
from (
    select
        days.file_id,
        any_value(days.lines) as lines
    from inventory.file_days as days
    inner join inventory.planned_parts as planned
        on
            days.model = planned.model
            and days.part = planned.part
    where
        days.model = $model
        and planned.state in ('built', 'stale')
    group by days.file_id
) as needs
