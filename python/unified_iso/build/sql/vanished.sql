-- Files that are gone, or were written over with other days, and whose rows are still published. Of operators
-- that no run has looked for here nobody knows.
with looked_for as (
    select distinct iso
    from inventory.raw_files
)

select
    accounts.data_source as file,
    sum(accounts.rows)::bigint as rows
from inventory.accounts as accounts
semi join looked_for on split_part(accounts.data_source, '/', 1) = looked_for.iso
anti join inventory.raw_files as files
    on
        accounts.data_source = files.data_source
        and files.is_present
        and (
            files.refusal is not null
            or (accounts.model, accounts.part, accounts.data_source) not in (
                select (told.model, told.part, told.data_source)
                from inventory.overwritten as told
            )
        )
-- A year that loses its last row goes after this is told.
anti join inventory.candidates as emptied
    on
        accounts.model = emptied.model
        and year(accounts.part) = emptied.year
        and emptied.path is null
        and (emptied.model, emptied.year) not in (
            select (blocked.model, blocked.year)
            from inventory.blocked_years as blocked
        )
where accounts.term = 'published'
group by accounts.data_source
having sum(accounts.rows) > 0
order by accounts.data_source
