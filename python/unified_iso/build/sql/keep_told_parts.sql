-- `told` are the parts of all entries of the manifest.
insert into inventory.parts
select
    model,
    part::date,
    year,
    digest,
    fingerprint,
    rows,
    row_groups,
    first_interval::timestamptz,
    last_interval::timestamptz
from told
