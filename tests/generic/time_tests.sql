{% test locations_continue(model) %}
with locations as (

    select
        settlement_location_id,
        delivery_year,
        any_value(settlement_location) as settlement_location,
        min(datetime_utc) as first_seen,
        max(datetime_utc) as last_seen
    from {{ audit_relation(model) }}
    group by all

),

spans as (

    select
        *,
        min(first_seen) over (partition by delivery_year) as first_interval,
        max(last_seen) over (partition by delivery_year) as last_interval
    from locations

)

select
    settlement_location_id,
    settlement_location,
    delivery_year,
    first_seen,
    last_seen,
    case
        when first_seen > first_interval and last_seen < last_interval then 'appears and vanishes'
        when first_seen > first_interval then 'appears'
        else 'vanishes'
    end as change
from spans
where first_seen > first_interval
    or last_seen < last_interval
{% endtest %}


{#- In UTC every day is a run of equal steps, so 23 and 25 hours need no calendar: a location lacks
    intervals where it has fewer than lie between its first and its last of a year. -#}
{% test on_calendar(model) %}
{%- set minutes = tested_dataset(model).config.minutes %}
with deficient as (

    select
        settlement_location_id,
        delivery_year
    from {{ audit_relation(model) }}
    group by all
    having count(*) < date_diff('minute', min(datetime_utc), max(datetime_utc)) // {{ minutes or 1 }} + 1

),

steps as (

    select
        deficient.delivery_year,
        prices.settlement_location_id,
        prices.settlement_location,
        prices.datetime_utc,
        lag(prices.datetime_utc) over (
            partition by prices.settlement_location_id, deficient.delivery_year
            order by prices.datetime_utc
        ) as datetime_before
    from {{ audit_relation(model) }} as prices
    inner join deficient
        on prices.settlement_location_id = deficient.settlement_location_id
        and prices.delivery_year = deficient.delivery_year

)

select
    delivery_year,
    settlement_location_id,
    settlement_location,
    datetime_before + to_minutes({{ minutes }}) as missing_from,
    datetime_utc as missing_to,
    date_diff('minute', datetime_before, datetime_utc) // {{ minutes or 1 }} - 1 as missing_intervals
from steps
where datetime_utc > datetime_before + to_minutes({{ minutes }})
{% endtest %}


{#- All rows share few clocks: what needs a calendar is asked of those. -#}
{% test local_time_agrees_with_utc(model) %}
{%- set node = tested_dataset(model) %}
with clocks as (

    select distinct
        delivery_year,
        datetime_utc,
        interval_start_utc,
        interval_end_utc,
        datetime_local,
        delivery_date,
        delivery_hour,
        delivery_interval,
        interval_minutes,
        dst_flag
    from {{ audit_relation(model) }}

),

expected as (

    select
        clocks.*,
        {{ to_local('clocks.datetime_utc', 'markets.time_zone') }} as wall_clock,
        {{ to_local('clocks.datetime_utc', 'markets.time_zone') }} - timezone('UTC', clocks.datetime_utc)
        > to_hours(markets.standard_utc_offset_hours) as is_daylight_time
    from clocks
    inner join {{ ref('markets') }} as markets on markets.iso = '{{ node.config.iso }}'

)

select *
from expected
where datetime_local <> wall_clock
    or interval_start_utc <> datetime_utc
    or interval_end_utc <> datetime_utc + to_minutes({{ node.config.minutes }})
    or delivery_date <> wall_clock::date
    or delivery_hour <> hour(wall_clock) + 1
    or delivery_interval
    <> {{ 0 if node.config.minutes == 60 else "minute(wall_clock) // " ~ node.config.minutes ~ " + 1" }}
    or interval_minutes <> {{ node.config.minutes }}
    or dst_flag <> case when is_daylight_time then 'Y' else 'N' end
    or year(delivery_date) <> delivery_year
{% endtest %}


{#- A market whose intervals start off the grid of their length by nature says how fine its own grid is. -#}
{% test intervals_on_grid(model, grid_seconds=none) %}
{%- set seconds = grid_seconds or 60 * (tested_dataset(model).config.minutes or 1) %}
select
    delivery_year,
    datetime_utc,
    data_source,
    count(*) as rows
from {{ audit_relation(model) }}
where {{ off_grid('datetime_utc', seconds / 60) }}
group by
    delivery_year,
    datetime_utc,
    data_source
{% endtest %}


{#- A file holds no prices of days long after it was saved. The time it says it was changed at may be any, but
    nobody sets the one at which it was put where it lies: the later of the two counts, of the newest file of
    the operator. Without files, as in an output folder that was moved, today does. -#}
{% test within_market_time(model) %}
{%- set node = tested_dataset(model) %}
with market as (

    select
        first_delivery_date,
        (
            select
                least(
                    current_date,
                    max(make_timestamp((greatest(files.mtime_ns, files.ctime_ns) // 1000)::bigint))::date
                )
            from inventory.raw_files as files
            where files.iso = '{{ node.config.iso }}'
                and files.is_present
        ) + 31 as last_delivery_date
    from {{ ref('markets') }}
    where iso = '{{ node.config.iso }}'

)

select
    delivery_year,
    delivery_date,
    data_source,
    count(*) as rows
from {{ audit_relation(model) }}
where delivery_date < (select first_delivery_date from market)
    or delivery_date > (select last_delivery_date from market)
group by
    delivery_year,
    delivery_date,
    data_source
{% endtest %}
