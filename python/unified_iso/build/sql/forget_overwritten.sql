delete from inventory.overwritten
where
    list_contains($models, model)
    and (
        (select len(options.years) = 0 from inventory.run_options as options)
        or list_contains((select options.years from inventory.run_options as options), year(part))
    )
