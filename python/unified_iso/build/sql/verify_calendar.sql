-- Rows whose times do not agree with each other, by what is wrong with them.
with clocks_with_local as (
    select
        *,
        timezone($time_zone, datetime_utc) as wall_clock,
        timezone('UTC', datetime_utc) as utc_clock,
        datetime_utc + to_minutes($step_minutes::bigint) as nominal_end
    from clocks
),

judged as (
    select
        datetime_utc,
        rows,
        unnest([
            case
                when year(delivery_date) <> $year then 'the delivery day is of another year'
                when delivery_date <> wall_clock::date then 'the delivery day is not that of the local clock'
            end,
            case when datetime_local <> wall_clock then 'local time and UTC do not agree' end,
            case
                when delivery_hour <> hour(wall_clock) + 1
                    then 'the delivery hour is not that of the local clock'
            end,
            case
                when
                    delivery_interval <> case
                        when $step_minutes >= 60 then 0
                        else minute(wall_clock) // $step_minutes + 1
                    end
                    then 'the delivery interval is not that of the local clock'
            end,
            case
                when
                    dst_flag <> case
                        when wall_clock - utc_clock > to_hours($offset_hours::bigint) then 'Y'
                        else 'N'
                    end
                    then 'the daylight flag is not that of the local clock'
            end,
            case when interval_start_utc <> datetime_utc then 'the interval starts at another time' end,
            case
                when interval_end_utc <= interval_start_utc then 'the interval ends before it begins'
                when not $own_ends and interval_end_utc <> nominal_end then 'the interval has another length'
            end,
            case when interval_minutes <> $step_minutes then 'the interval has another nominal length' end,
            case
                when not $own_ends and epoch(datetime_utc)::bigint % (60 * $step_minutes) <> 0
                    then 'the interval starts off the grid'
            end,
            case when lower(iso) <> $iso then 'the operator is another one' end
        ]) as wrong
    from clocks_with_local
)

select
    wrong,
    sum(rows)::bigint as wrong_rows,
    min(datetime_utc)::varchar as first_interval
from judged
where wrong is not null
group by wrong
order by
    wrong_rows desc,
    wrong asc
