{#- Each reads the audit relation of its dataset: the new rows of a build and the intervals beside them,
    or everything published in `dbt test`. What it finds has the delivery year of the file it stands in: a
    build stops the years that were found, and no others. -#}

{#- `components` tells what the operator publishes: `required` all three with each price (a file may lack
    them, which is told when it is read), `optional` as many as there are, `none` none, and then there must be
    none. -#}
{% test required_columns_filled(model, components='required') %}
{%- set node, required = tested_dataset(model), [
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
    or data_source in (
        select files.data_source
        from inventory.raw_files as files
        anti join inventory.file_warnings as told on files.file_id = told.file_id
        where files.lines_used is not null
    )
{% endif %}
{% endtest %}


{#- What the location lists say of a type is looked up once for each location. A published type that no list
    has may be any that the operator uses. -#}
{% test values_in_domain(model) %}
{%- set node = tested_dataset(model) %}
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
    where iso <> '{{ (node.config.iso or '') | upper }}'
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
        on known.iso = '{{ node.config.iso }}'
        and locations.settlement_location_id = known.settlement_location_id

),

kinds as (

    select *
    from {{ ref('location_types') }}
    where iso = '{{ node.config.iso }}'

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
