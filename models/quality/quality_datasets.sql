-- The state of every dataset of the project, one row per dataset, published or not.
with files as (

    select
        model,
        count(*) as files,
        sum(rows) as rows,
        sum(bytes) as bytes,
        max_by(series, delivery_year) as series,
        min(first_interval) as first_interval,
        max(last_interval) as last_interval,
        sum(missing_intervals) as missing_intervals
    from {{ ref('quality_files') }}
    group by model

),

days as (

    select
        model,
        count(*) as days,
        count(*) filter (where state = 'incomplete') as incomplete_days,
        count(*) filter (where state = 'missing') as missing_days
    from {{ ref('quality_days') }}
    group by model

),

accounts as (

    select
        model,
        sum(rows) filter (where term = 'rejected') as rejected_rows
    from {{ ref('quality_accounts') }}
    group by model

),

tests as (

    select
        model,
        sum(tests) as tests,
        sum(failed) as failed_tests,
        sum(warned) as warned_tests
    from {{ ref('quality_tests') }}
    group by model

),

unpublished as (

    select
        subject as model,
        count(*) as unpublished_years
    from {{ ref('quality_findings') }}
    where kind = 'unpublished'
    group by subject

)

select
    datasets.iso || ' ' || substr(datasets.model, length(datasets.iso) + 2) as dataset,
    datasets.model,
    datasets.iso,
    coalesce(files.files, 0) as files,
    coalesce(files.rows, 0) as rows,
    coalesce(files.bytes, 0) as bytes,
    coalesce(files.series, 0) as series,
    files.first_interval,
    files.last_interval,
    coalesce(files.missing_intervals, 0) as missing_intervals,
    coalesce(days.days, 0) as days,
    coalesce(days.incomplete_days, 0) as incomplete_days,
    coalesce(days.missing_days, 0) as missing_days,
    coalesce(accounts.rejected_rows, 0) as rejected_rows,
    coalesce(tests.tests, 0) as tests,
    coalesce(tests.failed_tests, 0) as failed_tests,
    coalesce(tests.warned_tests, 0) as warned_tests,
    coalesce(unpublished.unpublished_years, 0) as unpublished_years
from {{ source('inventory', 'datasets') }} as datasets
left join files on datasets.model = files.model
left join days on datasets.model = days.model
left join accounts on datasets.model = accounts.model
left join tests on datasets.model = tests.model
left join unpublished on datasets.model = unpublished.model
