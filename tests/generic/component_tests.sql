{#- A component may come in a file of its own, which may be missing: the price stands without it, but
    somebody should know. The greenhouse gas part, which is not published, was looked for on loading. -#}
{% test components_are_complete(model) %}
{%- set node = tested_dataset(model) %}
with lacking as (

    select
        delivery_year,
        data_source,
        (lmp_energy is null)::integer as energy,
        (lmp_congestion is null)::integer as congestion,
        (lmp_loss is null)::integer as loss,
        0 as greenhouse_gas
    from {{ audit_relation(model) }}
    where lmp_energy is null
        or lmp_congestion is null
        or lmp_loss is null
    union all
    select
        year({{ to_local('breaks.datetime_utc', 'markets.time_zone') }}) as delivery_year,
        breaks.data_source,
        0 as energy,
        0 as congestion,
        0 as loss,
        1 as greenhouse_gas
    from inventory.component_breaks as breaks
    inner join {{ ref('markets') }} as markets on markets.iso = '{{ node.config.iso }}'
    where breaks.model = '{{ model.identifier }}'
        and breaks.sum_of_components is null

)

select
    delivery_year,
    data_source,
    count(*) as rows,
    sum(energy) as rows_without_energy,
    sum(congestion) as rows_without_congestion,
    sum(loss) as rows_without_loss,
    sum(greenhouse_gas) as rows_without_greenhouse_gas
from lacking
group by
    delivery_year,
    data_source
{% endtest %}
