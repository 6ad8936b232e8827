-- Coverage as the report draws it, one row per dataset, market and period. A period is a day where all that
-- is published lies within two months, a week up to two years, else a month, so that a picture can show it.
with days as (

    select * from {{ ref('quality_days') }}

),

resolution as (

    select
        case
            when max(delivery_date) - min(delivery_date) <= 62 then 'day'
            when max(delivery_date) - min(delivery_date) <= 731 then 'week'
            else 'month'
        end as period
    from days

)

select
    days.dataset,
    days.model,
    days.market_type,
    resolution.period,
    date_trunc(resolution.period, days.delivery_date)::date as first_day,
    count(*) as days,
    count(*) filter (where days.state = 'complete') as complete_days,
    count(*) filter (where days.state = 'incomplete') as incomplete_days,
    count(*) filter (where days.state = 'missing') as missing_days,
    sum((days.share_covered * 10000)::bigint) // count(*) / 10000 as share_covered,
    case
        when count(*) = count(*) filter (where days.state = 'complete') then 'complete'
        when count(*) = count(*) filter (where days.state = 'missing') then 'no data'
        when sum((days.share_covered * 10000)::bigint) >= 9900 * count(*) then '99 % or more'
        when sum((days.share_covered * 10000)::bigint) >= 9000 * count(*) then '90 % or more'
        else 'less than 90 %'
    end as state
from days
cross join resolution
group by
    days.dataset,
    days.model,
    days.market_type,
    resolution.period,
    date_trunc(resolution.period, days.delivery_date)
