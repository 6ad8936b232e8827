-- The linter does not know the columns of a family, without which lines seem to be set askew.
-- sqlfluff:exclude_rules:structure.column_order,ambiguous.column_count,layout.indent
{% test locations_continue(model) %}
    {%- set record = family_of(tested_dataset(model)) %}
    {%- set labels = record.texts | reject('in', record.series) | list %}
    {%- set markets = record.series | select('equalto', 'market_type') | list %}
with series as (

    select
        {{ record.series | join(',\n        ') }},
        delivery_year,
        min(datetime_utc) as first_seen,
        max(datetime_utc) as last_seen
        {{- also_any(labels) }}
    from {{ audit_relation(model) }}
    group by all

),

spans as (

    select
        *,
        min(first_seen) over (partition by delivery_year{{ also(markets) }}) as first_interval,
        max(last_seen) over (partition by delivery_year{{ also(markets) }}) as last_interval
    from series

)

select
    {{ (record.series + labels) | join(',\n    ') }},
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


{#- In UTC every day is a run of equal steps, so 23 and 25 hours need no calendar: a series lacks intervals
    where it has fewer than lie between its first and its last of a year. Where intervals differ in length and rows
    tell their ends, it lacks some where together they are shorter than the time from its first to its last. -#}
{% test on_calendar(model) %}
    {%- set node = tested_dataset(model) %}
    {%- set record = family_of(node) %}
    {%- set labels = record.texts | reject('in', record.series) | list %}
    {%- set minutes = node.config.minutes or 1 %}
    {%- set end_of_interval = 'interval_end_utc' if node.config.own_ends
        else 'datetime_utc + to_minutes(' ~ minutes ~ ')' %}
with deficient as (

    select
        {{ record.series | join(',\n        ') }},
        delivery_year
    from {{ audit_relation(model) }}
    group by all
    {% if node.config.own_ends %}
    having sum(date_diff('second', datetime_utc, interval_end_utc))
        < date_diff('second', min(datetime_utc), max(interval_end_utc))
    {% else %}
    having count(*) < date_diff('minute', min(datetime_utc), max(datetime_utc)) // {{ minutes }} + 1
    {% endif %}

),

steps as (

    select
        delivery_year,
        {{ (record.series + labels) | join(',\n        ') }},
        datetime_utc,
        lag({{ end_of_interval }}) over (
            partition by {{ (record.series + ['delivery_year']) | join(', ') }}
            order by datetime_utc
        ) as missing_from
    from {{ audit_relation(model) }}
    semi join deficient using ({{ (record.series + ['delivery_year']) | join(', ') }})

)

select
    delivery_year,
    {{ (record.series + labels) | join(',\n    ') }},
    missing_from,
    datetime_utc as missing_to,
    ceil(date_diff('second', missing_from, datetime_utc) / {{ 60 * minutes }})::bigint as missing_intervals
from steps
where datetime_utc > missing_from
{% endtest %}


{#- Where intervals differ in length, nothing else keeps one from reaching into the next. -#}
{% test intervals_do_not_overlap(model) %}
    {%- set record = family_of(tested_dataset(model)) %}
    {%- set labels = record.texts | reject('in', record.series) | list %}
with neighbours as (

    select
        delivery_year,
        {{ (record.series + labels) | join(',\n        ') }},
        datetime_utc,
        lag(interval_end_utc) over (
            partition by {{ (record.series + ['delivery_year']) | join(', ') }}
            order by datetime_utc
        ) as ended_before
    from {{ audit_relation(model) }}

)

select *
from neighbours
where datetime_utc < ended_before
{% endtest %}


{#- All rows share few clocks: what needs a calendar is asked of those. -#}
{% test local_time_agrees_with_utc(model) %}
    {%- set node = tested_dataset(model) %}
    {%- set minutes = node.config.minutes or 1 %}
    {%- set conditions = {
        'datetime_local': 'datetime_local <> wall_clock',
        'interval_start_utc': 'interval_start_utc <> datetime_utc',
        'interval_end_utc': 'interval_end_utc <= datetime_utc' if node.config.own_ends
            else 'interval_end_utc <> datetime_utc + to_minutes(' ~ minutes ~ ')',
        'delivery_date': 'delivery_date <> wall_clock::date or year(delivery_date) <> delivery_year',
        'delivery_hour': 'delivery_hour <> hour(wall_clock) + 1',
        'delivery_interval': 'delivery_interval <> '
            ~ ('0' if node.config.hourly else 'minute(wall_clock) // ' ~ minutes ~ ' + 1'),
        'interval_minutes': 'interval_minutes <> ' ~ minutes,
        'dst_flag': "dst_flag <> case when is_daylight_time then 'Y' else 'N' end",
    } %}
    {%- set wrong = conditions_on_columns(node, conditions) %}
with clocks as (

    select distinct
        delivery_year,
        datetime_utc
        {{- also(wrong) }}
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
where {{ wrong.values() | join('\n    or ') }}
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
