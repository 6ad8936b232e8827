with placed as (
    select
        *,
        count(*) over (partition by kind) as found,
        row_number() over (
            partition by kind
            order by subject, year, line, reason
        ) as place
    from quality_findings
)

select
    kind,
    subject,
    year,
    line,
    reason,
    rows,
    found
from placed
where place <= $most
order by
    kind,
    subject,
    year,
    line,
    reason
