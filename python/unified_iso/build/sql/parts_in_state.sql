-- Parts in one state with their bounds in UTC, those of blocked years left out.
select
    planned.part,
    planned.year,
    planned.digest,
    strftime(timezone(markets.time_zone, planned.part::timestamp), '%Y-%m-%d %H:%M:%S+00') as first_instant,
    strftime(
        timezone(
            markets.time_zone,
            planned.part::timestamp
            + case when $length = 'month' then interval 1 month else interval 1 day end
        ),
        '%Y-%m-%d %H:%M:%S+00'
    ) as end_instant
from temp.parts_now as planned
inner join inventory.markets as markets on markets.iso = $iso
where
    planned.state = $state
    and planned.year not in (
        select blocked.year
        from inventory.blocked_years as blocked
        where blocked.model = $model
    )
order by planned.part
