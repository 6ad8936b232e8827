{#- Each reads the audit relation of its dataset: the new rows of a build and the intervals beside them,
    or everything published in `dbt test`. What it finds has the delivery year of the file it stands in: a
    build stops the years that were found, and no others. -#}

{#- `components` tells what the operator publishes: `required` all three with each price (reports in the shape
    of gridstatus may lack them), `optional` as many as there are, `none` none, and then there must be none. -#}
{% test required_columns_filled(model, components='required') %}
{{ judged_by_year() }}
{%- set node = tested_dataset(model) %}
{%- set required = [
    'datetime_utc', 'datetime_local', 'interval_start_utc', 'interval_end_utc', 'delivery_date', 'delivery_hour',
    'delivery_interval', 'interval_minutes', 'iso', 'market_type', 'settlement_location',
    'settlement_location_type', 'settlement_location_id', 'lmp_total', 'dst_flag', 'data_source', 'version',
    'is_current',
] %}
with suspects as (

    select *
    from {{ audit_relation(model) }}
    where {{ required | join(' is null or ') }} is null
        {% if components == 'required' %}
        or lmp_energy is null
        or lmp_congestion is null
        or lmp_loss is null
        {% elif components == 'none' %}
        or lmp_energy is not null
        or lmp_congestion is not null
        or lmp_loss is not null
        {% endif %}

)

select *
from suspects
{% if components == 'required' %}
where {{ required | join(' is null or ') }} is null
    or split_part(data_source, '/', 2) not in (
        select report
        from {{ ref('reports') }}
        where iso = '{{ node.config.iso }}' and rank = 1
    )
{% endif %}
{% endtest %}


{#- What the location lists say of a type is looked up once for each location. A published type that no list
    has may be any that the operator uses. -#}
{% test values_in_domain(model) %}
{{ judged_by_year() }}
{%- set node = tested_dataset(model) %}
{%- set iso = node.config.iso or '' %}
with odd_rows as (

    select
        delivery_year,
        'row' as fault_of,
        any_value(settlement_location) as settlement_location,
        any_value(settlement_location_type) as settlement_location_type,
        any_value(settlement_location_id) as settlement_location_id,
        zone,
        voltage_kv,
        iso,
        market_type,
        dst_flag,
        version,
        is_current,
        count(*) as rows
    from {{ audit_relation(model) }}
    where iso <> '{{ iso | upper }}'
        or market_type <> '{{ node.config.market }}'
        or dst_flag not in ('Y', 'N')
        or version < 1
        or not is_current
        or zone = ''
        or voltage_kv not between 0 and 2000
    group by
        delivery_year,
        zone,
        voltage_kv,
        iso,
        market_type,
        dst_flag,
        version,
        is_current

),

locations as (

    select
        delivery_year,
        settlement_location,
        settlement_location_type,
        settlement_location_id,
        count(*) as rows
    from {{ audit_relation(model) }}
    group by
        delivery_year,
        settlement_location,
        settlement_location_type,
        settlement_location_id

),

listed as (

    select
        locations.*,
        known.published_type
    from locations
    left join {{ ref('locations') }} as known
        on known.iso = '{{ iso }}'
        and locations.settlement_location_id = known.settlement_location_id

),

kinds as (

    select *
    from {{ ref('location_types') }}
    where iso = '{{ iso }}'

),

possible_types as (

    select distinct
        settlement_location,
        listed_type,
        settlement_location_type
    from (
        select
            named.settlement_location,
            named.published_type as listed_type,
            published.published_type,
            arg_min(kinds.settlement_location_type, kinds.priority) as settlement_location_type
        from (
            select distinct
                settlement_location,
                published_type
            from listed
        ) as named
        inner join (select distinct published_type from kinds) as published
            on coalesce(named.published_type, published.published_type) = published.published_type
        inner join kinds
            on kinds.published_type in ('*', published.published_type)
            and named.settlement_location like kinds.name_pattern escape '\'
        group by all
    )

),

odd_locations as (

    select listed.*
    from listed
    left join possible_types
        on listed.settlement_location = possible_types.settlement_location
        and listed.settlement_location_type = possible_types.settlement_location_type
        and listed.published_type is not distinct from possible_types.listed_type
    where possible_types.settlement_location is null
        or listed.settlement_location_type not in (
            'HUB', 'ZONE', 'INTERFACE', 'AGGREGATE', 'DC_TIE', 'RESOURCE_NODE', 'PNODE', 'NODE'
        )
        or listed.settlement_location in ('', ' ')
        or listed.settlement_location_id in ('', ' ')
        or listed.settlement_location <> {{ trimmed('listed.settlement_location') }}
        or listed.settlement_location_id <> {{ trimmed('listed.settlement_location_id') }}

)

select * from odd_rows
union all by name
select
    delivery_year,
    'location' as fault_of,
    settlement_location,
    settlement_location_type,
    settlement_location_id,
    rows
from odd_locations
{% endtest %}


{#- The order is that of each file. -#}
{% test physically_sorted(model) %}
{{ judged_by_year() }}
with neighbours as (

    select
        delivery_year,
        datetime_utc,
        settlement_location,
        settlement_location_id,
        lag(delivery_year) over () as year_before,
        lag(datetime_utc) over () as datetime_before,
        lag(settlement_location) over () as location_before,
        lag(settlement_location_id) over () as id_before
    from {{ audit_relation(model) }}

)

select *
from neighbours
where delivery_year = year_before
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
{{ judged_by_year() }}
with neighbours as (

    select
        delivery_year,
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
    delivery_year,
    datetime_utc,
    settlement_location_id
from neighbours
where datetime_utc = datetime_before
    and settlement_location_id = location_before
union all
select
    delivery_year,
    datetime_utc,
    settlement_location_id
from {{ audit_relation(model) }}
semi join renamed using (settlement_location_id)
group by all
having count(*) > 1
{% endtest %}


{#- Few clocks are shared by all rows, so that what needs a calendar is asked of them. `off_grid` is for reports
    whose intervals start at odd minutes. -#}
{% test local_time_agrees_with_utc(model, off_grid=false) %}
{{ judged_by_year() }}
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
        markets.first_delivery_date,
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
    or delivery_date < first_delivery_date
    -- Markets publish a day ahead; two months more are for a clock that is wrong.
    or delivery_date > current_date + interval 61 day
    {% if not off_grid %}
    or datetime_utc <> date_trunc('minute', datetime_utc)
    or minute(datetime_utc) % {{ node.config.minutes or 1 }} <> 0
    {% endif %}
{% endtest %}


{#- Where there is a greenhouse gas part, which is not published, the sums were checked on loading. -#}
{% test components_add_up(model) %}
{{ judged_by_year() }}
{%- set node = tested_dataset(model) %}
with breaks as (

    select
        delivery_year,
        datetime_utc,
        settlement_location,
        lmp_total,
        lmp_energy + lmp_congestion + lmp_loss as sum_of_components,
        data_source
    from {{ audit_relation(model) }}
    where {{ 'false' if execute and has_greenhouse_gas(node) else 'true' }}
        and {{ do_not_add_up(
            'lmp_total',
            'lmp_energy + lmp_congestion + lmp_loss',
            ['lmp_energy', 'lmp_congestion', 'lmp_loss'],
            ref('component_tolerances'),
            node
        ) }}

)

select * from breaks
union all
select
    year({{ to_local('breaks.datetime_utc', 'markets.time_zone') }}) as delivery_year,
    breaks.* exclude (model)
from inventory.component_breaks as breaks
inner join {{ ref('markets') }} as markets on markets.iso = '{{ node.config.iso }}'
where breaks.model = '{{ model.identifier }}'
    and breaks.sum_of_components is not null
{% endtest %}


{% test energy_is_uniform(model, tolerance, within=none) %}
{{ judged_by_year() }}
select
    delivery_year,
    datetime_utc,
    {% if within %}
    {{ within }},
    {% endif %}
    min(lmp_energy) as lowest,
    max(lmp_energy) as highest,
    arg_min(settlement_location, lmp_energy) as location_of_lowest,
    arg_max(settlement_location, lmp_energy) as location_of_highest
from {{ audit_relation(model) }}
group by
    delivery_year,
    datetime_utc{{ ', ' ~ within if within }}
having max(lmp_energy) - min(lmp_energy) > {{ tolerance }} + 1e-9
{% endtest %}


{#- NaN is greater than every number. -#}
{% test prices_are_sane(model) %}
{{ judged_by_year() }}
{%- set node = tested_dataset(model) %}
select
    delivery_year,
    datetime_utc,
    settlement_location,
    settlement_location_id,
    lmp_total,
    lmp_energy,
    lmp_congestion,
    lmp_loss,
    system_lambda,
    data_source
from {{ audit_relation(model) }}
where abs(lmp_total) > 50000
    {% for price in ['lmp_energy', 'lmp_congestion', 'lmp_loss', 'system_lambda'] %}
    or abs({{ price }}) > 50000
    {% endfor %}
    {% for price in ['lmp_total', 'lmp_energy', 'lmp_congestion', 'lmp_loss', 'system_lambda'] %}
    or ({{ price }} = 0 and signbit({{ price }}))
    {% endfor %}
    {% if not (execute and has_own_lambda(node)) %}
    or system_lambda is distinct from lmp_energy
    {% endif %}
{% endtest %}


{% test prices_within_bounds(model) %}
{{ judged_by_year() }}
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
    prices.delivery_year,
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
{{ judged_by_year() }}
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


{% test locations_continue(model) %}
{{ judged_by_year() }}
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
