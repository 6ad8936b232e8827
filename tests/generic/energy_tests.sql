{#- Each reads the audit relation of its dataset: the new rows of a build and the intervals beside them,
    or everything published in `dbt test`. -#}

{% test required_columns_filled(model) %}
select *
from {{ audit_relation(model) }}
where datetime_utc is null
    or datetime_local is null
    or interval_end_utc is null
    or delivery_date is null
    or delivery_hour is null
    or settlement_location is null
    or settlement_location_type is null
    or settlement_location_id is null
    or lmp_total is null
    or dst_flag is null
    or data_source is null
    or version is null
{% endtest %}


{% test physically_sorted(model) %}
with neighbours as (

    select
        datetime_utc,
        settlement_location,
        settlement_location_id,
        row_number() over () as position,
        lag(datetime_utc) over () as datetime_before,
        lag(settlement_location) over () as location_before,
        lag(settlement_location_id) over () as id_before
    from {{ audit_relation(model) }}

)

select *
from neighbours
where position > 1
    and (
        datetime_utc > datetime_before
        or (
            datetime_utc = datetime_before
            and (
                settlement_location > location_before
                or (settlement_location = location_before and settlement_location_id > id_before)
            )
        )
    ) is not true
{% endtest %}


{#- Rows of one key stand side by side in a sorted file unless their location has two names; those
    few locations are grouped. -#}
{% test grain_is_unique(model) %}
with neighbours as (

    select
        datetime_utc,
        settlement_location_id,
        lag(datetime_utc) over () as datetime_before,
        lag(settlement_location_id) over () as location_before
    from {{ audit_relation(model) }}

),

renamed as (

    select settlement_location_id
    from (
        select distinct
            settlement_location_id,
            settlement_location
        from {{ audit_relation(model) }}
    )
    group by settlement_location_id
    having count(*) > 1

)

select
    datetime_utc,
    settlement_location_id
from neighbours
where datetime_utc = datetime_before
    and settlement_location_id = location_before
union all
select
    datetime_utc,
    settlement_location_id
from {{ audit_relation(model) }}
semi join renamed using (settlement_location_id)
group by all
having count(*) > 1
{% endtest %}


{% test local_time_agrees_with_utc(model) %}
{%- set node = tested_dataset(model) %}
with clocks as (

    select distinct
        datetime_utc,
        interval_start_utc,
        interval_end_utc,
        datetime_local,
        delivery_date,
        delivery_hour,
        delivery_interval,
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
    or dst_flag <> case when is_daylight_time then 'Y' else 'N' end
{% endtest %}


{#- Where there is a greenhouse gas part, which is not published, the sums were checked on loading. -#}
{% test components_add_up(model) %}
{%- set node = tested_dataset(model) %}
with breaks as (

    select
        datetime_utc,
        settlement_location,
        lmp_total,
        lmp_energy + lmp_congestion + lmp_loss as sum_of_components,
        data_source
    from {{ audit_relation(model) }}
    where {{ 'false' if execute and has_greenhouse_gas(node) else 'true' }}
        and abs(lmp_total - (lmp_energy + lmp_congestion + lmp_loss)) > (
            select tolerance + 1e-9
            from {{ ref('component_tolerances') }}
            where iso = '{{ node.config.iso }}' and market_type = '{{ node.config.market }}'
        )

)

select * from breaks
union all
select * exclude (model)
from inventory.component_breaks
where model = '{{ model.identifier }}'
    and sum_of_components is not null
{% endtest %}


{% test energy_is_uniform(model, tolerance, within=none) %}
select
    datetime_utc,
    {% if within %}
    {{ within }},
    {% endif %}
    min(lmp_energy) as lowest,
    max(lmp_energy) as highest,
    arg_min(settlement_location, lmp_energy) as location_of_lowest,
    arg_max(settlement_location, lmp_energy) as location_of_highest
from {{ audit_relation(model) }}
group by datetime_utc{{ ', ' ~ within if within }}
having max(lmp_energy) - min(lmp_energy) > {{ tolerance }} + 1e-9
{% endtest %}


{% test prices_are_sane(model) %}
select
    datetime_utc,
    settlement_location,
    settlement_location_id,
    lmp_total,
    data_source
from {{ audit_relation(model) }}
where not isfinite(lmp_total)
    or abs(lmp_total) > 50000
{% endtest %}


{% test prices_within_bounds(model) %}
{%- set node = tested_dataset(model) %}
with bounds as (

    select
        from_date,
        coalesce(lead(from_date) over (order by from_date), date '9999-12-31') as to_date,
        low,
        high
    from {{ ref('price_bounds') }}
    where iso = '{{ node.config.iso }}' and market_type = '{{ node.config.market }}'

)

select
    prices.datetime_utc,
    prices.settlement_location,
    prices.settlement_location_id,
    prices.lmp_total,
    prices.data_source
from {{ audit_relation(model) }} as prices
where prices.lmp_total not between (select min(low) from bounds) and (select max(high) from bounds)
    or exists (
        select 1
        from bounds
        where prices.delivery_date >= bounds.from_date
            and prices.delivery_date < bounds.to_date
            and prices.lmp_total not between bounds.low and bounds.high
    )
{% endtest %}


{#- In UTC every day is a run of equal steps, so 23 and 25 hours need no calendar: a location lacks
    intervals where it has fewer than lie between its first and its last of a year. -#}
{% test on_calendar(model) %}
{%- set minutes = tested_dataset(model).config.minutes %}
with deficient as (

    select
        settlement_location_id,
        year(delivery_date) as delivery_year
    from {{ audit_relation(model) }}
    group by all
    having count(*) < date_diff('minute', min(datetime_utc), max(datetime_utc)) // {{ minutes or 1 }} + 1

),

steps as (

    select
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
        and year(prices.delivery_date) = deficient.delivery_year

)

select
    settlement_location_id,
    settlement_location,
    datetime_before + to_minutes({{ minutes }}) as missing_from,
    datetime_utc as missing_to,
    date_diff('minute', datetime_before, datetime_utc) // {{ minutes or 1 }} - 1 as missing_intervals
from steps
where datetime_utc > datetime_before + to_minutes({{ minutes }})
{% endtest %}


{% test locations_continue(model) %}
with locations as (

    select
        settlement_location_id,
        year(delivery_date) as delivery_year,
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


{#- Every row that was parsed is somewhere: published, merged, superseded, filtered or rejected; and
    every line that was counted was used or rejected. -#}
{% test accounts_balance(model) %}
{%- set node = tested_dataset(model) %}
with accounts as (

    select *
    from inventory.{{ 'accounts' if flags.WHICH == 'test' else 'new_accounts' }}
    where model = '{{ model.identifier }}'

),

sums as (

    select
        part,
        data_source,
        coalesce(sum(rows) filter (where term = 'parsed'), 0) as parsed,
        coalesce(sum(rows) filter (where term = 'published'), 0) as published,
        coalesce(sum(rows) filter (where term = 'merged'), 0) as merged,
        coalesce(sum(rows) filter (where term = 'superseded'), 0) as superseded,
        coalesce(sum(rows) filter (where term = 'filtered'), 0) as filtered,
        coalesce(sum(rows) filter (where term = 'rejected'), 0) as rejected
    from accounts
    group by all

),

lines as (

    select
        files.data_source,
        files.lines,
        files.lines_used,
        (
            select count(distinct rejects.line)
            from inventory.rejected_lines as rejects
            where rejects.file_id = files.file_id
        ) as lines_rejected
    from inventory.raw_files as files
    where files.lines_used is not null
        and files.data_source in (select accounts.data_source from accounts)

)

select
    part::varchar as part,
    data_source,
    'rows' as counted,
    parsed as read,
    published,
    merged,
    superseded,
    filtered,
    rejected
from sums
where parsed <> published + merged + superseded + filtered + rejected
union all
select
    null,
    data_source,
    'lines',
    lines,
    lines_used,
    null,
    null,
    null,
    lines_rejected
from lines
where lines <> lines_used + lines_rejected
{% endtest %}


{% test no_conflicting_rows(model) %}
select
    part,
    data_source,
    reason,
    rows
from inventory.{{ 'accounts' if flags.WHICH == 'test' else 'new_accounts' }}
where model = '{{ model.identifier }}'
    and term = 'superseded'
    and reason like 'unequal%'
{% endtest %}
