-- Delivery days with more intervals than they have: 23, 24 or 25 hours, by the clock of the market.
with days as (
    select
        delivery_date,
        count(distinct datetime_utc) as intervals,
        date_diff(
            'minute',
            timezone($time_zone, delivery_date::timestamp),
            timezone($time_zone, (delivery_date + 1)::timestamp)
        ) as minutes
    from clocks
    group by delivery_date
)

select
    delivery_date::varchar as delivery_date,
    intervals,
    minutes // $step_minutes as expected
from days
where intervals > minutes // $step_minutes
order by delivery_date
