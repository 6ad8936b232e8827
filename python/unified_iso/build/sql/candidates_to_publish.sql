select
    model,
    year,
    path,
    target,
    entry
from inventory.candidates
where
    list_contains($models, model)
    and not exists (
        select 1
        from inventory.blocked_years as blocked
        where blocked.model = candidates.model and blocked.year = candidates.year
    )
order by target
