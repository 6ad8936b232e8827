-- Coverage of delivery days, one row per dataset, market and day from the first to the last that has any row.
with files as (

    select
        path,
        dataset,
        model,
        iso
    from {{ ref('quality_files') }}

),

figures as (

    select
        files.dataset,
        files.model,
        files.iso,
        days.market_type,
        days.delivery_date,
        days.rows,
        days.series,
        days.seconds_of_day,
        days.seconds_covered,
        days.seconds_expected
    from {{ source('inventory', 'day_figures') }} as days
    inner join files on days.path = files.path

),

spans as (

    select
        dataset,
        model,
        iso,
        market_type,
        min(delivery_date) as first_day,
        max(delivery_date) as last_day
    from figures
    group by
        dataset,
        model,
        iso,
        market_type

),

calendar as (

    select
        dataset,
        model,
        iso,
        market_type,
        unnest(generate_series(first_day, last_day, interval 1 day))::date as delivery_date
    from spans

)

select
    calendar.dataset,
    calendar.model,
    calendar.iso,
    calendar.market_type,
    calendar.delivery_date,
    figures.seconds_of_day // 3600 as hours_of_day,
    coalesce(figures.rows, 0) as rows,
    coalesce(figures.series, 0) as series,
    -- Rounded down, so that a day that lacks anything is not 1.
    coalesce(figures.seconds_covered * 10000 // figures.seconds_expected, 0) / 10000 as share_covered,
    case
        when figures.delivery_date is null then 'missing'
        when figures.seconds_covered = figures.seconds_expected then 'complete'
        else 'incomplete'
    end as state
from calendar
left join figures
    on
        calendar.model = figures.model
        and calendar.market_type is not distinct from figures.market_type
        and calendar.delivery_date = figures.delivery_date
