-- What the manifest lists beside files: refused, rejected, unpublished and the like, one row per entry.
select
    kind,
    subject,
    year,
    line,
    reason,
    rows
from {{ source('inventory', 'findings') }}
union all
select
    'unread' as kind,
    files.path as subject,
    files.year,
    null as line,
    months.fault as reason,
    null as rows
from {{ source('inventory', 'published_files') }} as files
inner join {{ source('inventory', 'figured_months') }} as months on files.path = months.path
where months.fault is not null
group by
    files.path,
    files.year,
    months.fault
