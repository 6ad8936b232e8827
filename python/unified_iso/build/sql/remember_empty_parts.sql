-- The next run must not load the same files again to find no row.
insert or replace into inventory.empty_parts
select
    model,
    part,
    digest,
    fingerprint
from inventory.new_parts
where
    rows = 0
    and model = $model
    and year not in (
        select blocked.year
        from inventory.blocked_years as blocked
        where blocked.model = $model
    )
