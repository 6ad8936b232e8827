-- Which files of published parts are there and were read whole, and have no row of the part any more. A part
-- of a dataset that is made of another one is covered where that of the other one is.
insert into inventory.overwritten
select
    held.model,
    held.part,
    held.data_source
from inventory.held_files as held
inner join inventory.datasets as datasets on held.model = datasets.model
cross join inventory.run_options as options
anti join inventory.wanted_parts as wanted
    on
        coalesce(datasets.parent, held.model) = wanted.model
        and held.part = wanted.part
where
    list_contains($models, held.model)
    and held.is_usable
    and held.is_certain
    and (len(options.years) = 0 or list_contains(options.years, year(held.part)))
