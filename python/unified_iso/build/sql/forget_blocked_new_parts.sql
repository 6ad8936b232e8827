delete from inventory.new_parts
where
    model = $model
    and year in (
        select blocked.year
        from inventory.blocked_years as blocked
        where blocked.model = $model
    )
