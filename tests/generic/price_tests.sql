-- The linter does not know the columns of a family, without which lines seem to be set askew.
-- sqlfluff:exclude_rules:structure.column_order,ambiguous.column_count,layout.indent
{#- A dataset of several markets has bounds for each. -#}
{% test prices_within_bounds(model) %}
    {%- set node = tested_dataset(model) %}
    {%- set record = family_of(node) %}
    {%- set markets = markets_of(node) %}
with bounds as (

    select
        market_type,
        from_date,
        coalesce(
            lead(from_date) over (
                partition by market_type
                order by from_date
            ),
            date '9999-12-31'
        ) as to_date,
        low,
        high
    from {{ ref('price_bounds') }}
    where iso = '{{ node.config.iso }}'
        and family = '{{ node.config.family }}'
        {% if markets %}
        and market_type in ({{ texts_listed(markets) }})
        {% endif %}

)

select
    prices.delivery_year,
    prices.datetime_utc,
    {% for text in record.texts %}
    prices.{{ text }},
    {% endfor %}
    prices.{{ record.price }},
    prices.data_source
from {{ audit_relation(model) }} as prices
where prices.{{ record.price }} not between (select min(low) from bounds) and (select max(high) from bounds)
    or exists (
        select 1
        from bounds
        where prices.delivery_date >= bounds.from_date
            and prices.delivery_date < bounds.to_date
            {% if (markets | length) > 1 %}
            and prices.market_type = bounds.market_type
            {% endif %}
            and prices.{{ record.price }} not between bounds.low and bounds.high
    )
{% endtest %}


{#- Where there is a greenhouse gas part, which is not published, the sums were checked on loading. -#}
{% test components_add_up(model) %}
    {%- set node = tested_dataset(model) %}
    {%- set record = family_of(node) %}
with breaks as (

    select
        delivery_year,
        datetime_utc,
        settlement_location,
        {{ record.price }},
        {{ record.parts | join(' + ') }} as sum_of_components,
        data_source
    from {{ audit_relation(model) }}
    where {{ 'false' if node.config.greenhouse_gas else 'true' }}
        and {{ do_not_add_up(
            record.price,
            record.parts | join(' + '),
            record.parts,
            ref('component_tolerances'),
            node.config.iso,
            node.config.market
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


{#- Files in the shape of gridstatus each have prices of the day on which they were made, and the files of a
    report are made alike. -#}
{% test energy_is_uniform(model, tolerance, within=none, by_report=false) %}
    {%- set apart = (([within] if within else []) + (['printed_in'] if by_report else [])) | join(', ') %}
select
    delivery_year,
    datetime_utc,
    {% if within %}
    {{ within }},
    {% endif %}
    {% if by_report %}
    case
        when split_part(data_source, '/', 2) like 'gridstatus%' then data_source
        else split_part(data_source, '/', 2)
    end as printed_in,
    {% endif %}
    min(lmp_energy) as lowest,
    max(lmp_energy) as highest,
    arg_min(settlement_location, lmp_energy) as location_of_lowest,
    arg_max(settlement_location, lmp_energy) as location_of_highest
from {{ audit_relation(model) }}
group by
    delivery_year,
    datetime_utc{{ ', ' ~ apart if apart }}
having max(lmp_energy) - min(lmp_energy) > {{ tolerance }} + 1e-9
{% endtest %}


{#- NaN is greater than every number. The system lambda is the energy price where no report tells another. -#}
{% test prices_are_sane(model) %}
    {%- set node = tested_dataset(model) %}
    {%- set record = family_of(node) %}
    {%- set has_lambda = 'system_lambda' in node.columns %}
    {%- set prices = [record.price] + record.parts + (['system_lambda'] if has_lambda else []) %}
select
    delivery_year,
    datetime_utc,
    {% for text in record.texts %}
    {{ text }},
    {% endfor %}
    {{ record.price }},
    case
        {% for price in prices %}
        when abs({{ price }}) > 50000 or ({{ price }} = 0 and signbit({{ price }})) then '{{ price }}'
        {% endfor %}
        else 'system_lambda'
    end as odd,
    data_source
from {{ audit_relation(model) }}
where {% for price in prices %}
    abs({{ price }}) > 50000
    or ({{ price }} = 0 and signbit({{ price }}))
    {{ 'or' if not loop.last }}
    {% endfor %}
    {% if has_lambda and not node.config.lambda_from %}
    or system_lambda is distinct from lmp_energy
    {% endif %}
{% endtest %}
