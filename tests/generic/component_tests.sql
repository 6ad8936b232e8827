{#- A component may come in a file of its own, which may be missing: the price stands without it, but
    somebody should know. -#}
{% test components_are_complete(model) %}
select
    data_source,
    count(*) as rows,
    count(*) - count(lmp_energy) as rows_without_energy,
    count(*) - count(lmp_congestion) as rows_without_congestion,
    count(*) - count(lmp_loss) as rows_without_loss
from {{ audit_relation(model) }}
where lmp_energy is null
    or lmp_congestion is null
    or lmp_loss is null
group by data_source
{% endtest %}
