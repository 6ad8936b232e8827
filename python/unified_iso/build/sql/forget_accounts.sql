-- Accounts of parts that no published file has, but for years of which `$unreadable` says: `model year`.
delete from inventory.accounts
where
    (accounts.model, accounts.part) not in (
        select (parts.model, parts.part) from inventory.parts
    )
    and not list_contains($unreadable::varchar[], accounts.model || ' ' || year(accounts.part))
