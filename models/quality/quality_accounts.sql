-- Where the raw rows went, one row per dataset, term and reason, of the parts that are published.
select
    datasets.iso || ' ' || substr(datasets.model, length(datasets.iso) + 2) as dataset,
    accounts.model,
    accounts.term,
    accounts.reason,
    sum(accounts.rows) as rows
from {{ source('inventory', 'accounts') }} as accounts
inner join {{ source('inventory', 'datasets') }} as datasets on accounts.model = datasets.model
group by
    datasets.iso,
    datasets.model,
    accounts.model,
    accounts.term,
    accounts.reason
