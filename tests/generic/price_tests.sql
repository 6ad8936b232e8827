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


{#- Where there is a greenhouse gas part, which is not published, the sums were checked on loading. -#}
{% test components_add_up(model) %}
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
    {%- set node = tested_dataset(model) %}
    {%- set prices = ['lmp_total', 'lmp_energy', 'lmp_congestion', 'lmp_loss', 'system_lambda'] %}
select
    delivery_year,
    datetime_utc,
    settlement_location,
    settlement_location_id,
    lmp_total,
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
    {% if not (execute and has_own_lambda(node)) %}
    or system_lambda is distinct from lmp_energy
    {% endif %}
{% endtest %}
