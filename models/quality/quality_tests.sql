-- What came of tests when they ran last, one row per dataset and generic test. Tests of the project as a
-- whole and those of seeds, of which passed ones are left out, have the dataset `seeds and project`.
with results as (

    select
        *,
        coalesce(failures, 0) as found
    from {{ source('inventory', 'test_results') }}

)

select
    coalesce(
        datasets.iso || ' ' || substr(datasets.model, length(datasets.iso) + 2), 'seeds and project'
    ) as dataset,
    datasets.model,
    results.name as test,
    count(*) as tests,
    sum(results.found) as rows_found,
    count(*) filter (where results.status in ('fail', 'error')) as failed,
    count(*) filter (where results.status = 'warn') as warned,
    max(results.severity = 'error') as is_guard
from results
left join {{ source('inventory', 'datasets') }} as datasets on results.node = datasets.model
group by
    datasets.iso,
    datasets.model,
    results.name
