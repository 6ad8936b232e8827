-- The linter does not know the columns of a family, without which lines seem to be set askew.
-- sqlfluff:exclude_rules:structure.column_order,ambiguous.column_count,layout.indent
{#- Each reads the audit relation of its dataset: the new rows of a build and the intervals beside them,
    or everything published in `dbt test`. What it finds has the delivery year of the file it stands in: a
    build stops the years that were found, and no others. Which columns it looks at is said by the record of
    the dataset's family. -#}

{#- `components` tells what the operator publishes: `required` all parts with each price (a file may lack
    them, which is told when it is read), `optional` as many as there are, `none` none, and then there must be
    none. -#}
{% test required_columns_filled(model, components='required') %}
    {%- set record = family_of(tested_dataset(model)) %}
    {%- set is_unfilled = record.required | join(' is null or ') ~ ' is null' %}
    {%- set parts = record.parts if components in ['required', 'none'] else [] %}
    {%- set is_odd = ' is not null' if components == 'none' else ' is null' %}
with suspects as (

    select *
    from {{ audit_relation(model) }}
    where {{ is_unfilled }}{% for part in parts %} or {{ part ~ is_odd }}{% endfor %}

)

select *
from suspects
{% if components == 'required' %}
where {{ is_unfilled }}
    or data_source in (
        select files.data_source
        from inventory.raw_files as files
        anti join inventory.file_warnings as told on files.file_id = told.file_id
        where files.lines_used is not null
    )
{% endif %}
{% endtest %}


{#- What any family has is asked of each row, and of each text once. What the location lists say of a type is
    looked up once for each location. A published type that no list has may be any that the operator uses. -#}
{% test values_in_domain(model) %}
    {%- set node = tested_dataset(model) %}
    {%- set record = family_of(node) %}
    {%- set has_locations = not execute or 'settlement_location_type' in node.columns %}
    {%- set names = record.texts + (['settlement_location_type'] if has_locations else []) %}
    {%- set conditions = {
        'iso': "iso <> '" ~ ((node.config.iso or '') | upper) ~ "'",
        'market_type': 'market_type not in (' ~ texts_listed(markets_of(node)) ~ ')',
        'version': 'version < 1',
        'is_current': 'not is_current',
        'zone': "zone = ''",
        'voltage_kv': 'voltage_kv not between 0 and 2000',
    } %}
    {%- for column in record.words %}
        {%- do conditions.update({column: column ~ ' not in (' ~ domain_of(column) ~ ')'}) %}
    {%- endfor %}
    {%- set odd = conditions_on_columns(node, conditions) %}
with odd_rows as (

    select
        delivery_year,
        'row' as fault_of,
        count(*) as rows
        {{- also_any(names) }}
        {{- also(odd) }}
    from {{ audit_relation(model) }}
    where {{ odd.values() | join('\n        or ') }}
    group by delivery_year{{ also(odd) }}

),

named as (

    select
        delivery_year,
        count(*) as rows
        {{- also(names) }}
    from {{ audit_relation(model) }}
    group by delivery_year{{ also(names) }}

),

{% if has_locations %}
listed as (

    select
        named.*,
        known.published_type
    from named
    left join {{ ref('locations') }} as known
        on known.iso = '{{ node.config.iso }}'
        and named.settlement_location_id = known.settlement_location_id

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
            locations.settlement_location,
            locations.published_type as listed_type,
            published.published_type,
            arg_min(kinds.settlement_location_type, kinds.priority) as settlement_location_type
        from (
            select distinct
                settlement_location,
                published_type
            from listed
        ) as locations
        inner join (select distinct published_type from kinds) as published
            on coalesce(locations.published_type, published.published_type) = published.published_type
        inner join kinds
            on kinds.published_type in ('*', published.published_type)
            and locations.settlement_location like kinds.name_pattern escape '\'
        group by all
    )

),

odd_names as (

    select listed.* exclude (published_type)
    from listed
    left join possible_types
        on listed.settlement_location = possible_types.settlement_location
        and listed.settlement_location_type = possible_types.settlement_location_type
        and listed.published_type is not distinct from possible_types.listed_type
    where possible_types.settlement_location is null
        or listed.settlement_location_type not in ({{ domain_of('settlement_location_type') }})
        {% for text in record.texts %}
        or {{ is_odd_text('listed.' ~ text) }}
        {% endfor %}

)
{% else %}
odd_names as (

    select *
    from named
    where false
        {% for text in record.texts %}
        or {{ is_odd_text(text) }}
        {% endfor %}

)
{% endif %}

select * from odd_rows
union all by name
select
    '{{ 'location' if has_locations else 'text' }}' as fault_of,
    *
from odd_names
{% endtest %}


{#- The order is that of each file. -#}
{% test physically_sorted(model) %}
    {%- set order = family_of(tested_dataset(model)).order %}
with neighbours as (

    select
        delivery_year,
        {% for column in order %}
        {{ column }},
        lag({{ column }}) over () as {{ column }}_before,
        {% endfor %}
        lag(delivery_year) over () as year_before
    from {{ audit_relation(model) }}

)

select *
from neighbours
where delivery_year = year_before
    and ({{ comes_after(order) }}) is not true
{% endtest %}


{#- Rows of one key stand side by side in a sorted file unless what the key tells apart has two names in the
    order, as a location may have; those few are grouped. -#}
{% test grain_is_unique(model) %}
    {%- set node = tested_dataset(model) %}
    {%- set apart = tells_apart(node) %}
    {%- set key = ['interval_start_utc'] + apart %}
    {%- set names = family_of(node).order | reject('in', key + ['datetime_utc']) | list %}
with neighbours as (

    select
        delivery_year,
        {% for column in key %}
        {{ column }},
        lag({{ column }}) over () as {{ column }}_before{{ ',' if not loop.last }}
        {% endfor %}
    from {{ audit_relation(model) }}

)

{%- if apart and names %},

renamed as (

    select {{ apart | join(', ') }}
    from (
        select distinct {{ (apart + names) | join(', ') }}
        from {{ audit_relation(model) }}
    )
    group by {{ apart | join(', ') }}
    having count(*) > 1

)
{%- endif %}

select
    delivery_year,
    {{ key | join(',\n    ') }}
from neighbours
where {% for column in key %}{{ column }} = {{ column }}_before{{ ' and ' if not loop.last }}{% endfor %}
{% if apart and names %}
union all
select
    delivery_year,
    {{ key | join(',\n    ') }}
from {{ audit_relation(model) }}
semi join renamed using ({{ apart | join(', ') }})
group by all
having count(*) > 1
{% endif %}
{% endtest %}
