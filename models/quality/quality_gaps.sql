-- Delivery days that lack something, one row per dataset, market and run of days in one state: `incomplete`
-- or `missing`.
with days as (

    select
        *,
        delivery_date - (row_number() over (
            partition by model, market_type, state
            order by delivery_date
        ))::integer as run
    from {{ ref('quality_days') }}
    where state <> 'complete'

)

select
    dataset,
    model,
    market_type,
    state,
    min(delivery_date) as first_day,
    max(delivery_date) as last_day,
    count(*) as days,
    min(share_covered) as lowest_share_covered
from days
group by
    dataset,
    model,
    market_type,
    state,
    run
