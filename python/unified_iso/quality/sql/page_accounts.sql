select
    dataset,
    term,
    reason,
    rows::bigint as rows
from quality_accounts
where term not in ('parsed', 'read')
order by
    dataset,
    array_position(['published', 'merged', 'superseded', 'filtered', 'rejected'], term),
    term,
    reason
