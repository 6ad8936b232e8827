{#- Seeds are small, and each test reads one whole. -#}

{#- A key with a null in it identifies nothing, so it counts as a fault as well. -#}
{% test is_keyed_by(model, columns) %}
select
    {{ columns | join(',\n    ') }},
    count(*) as rows
from {{ model }}
group by all
having count(*) > 1
    or {{ columns | join(' is null or ') }} is null
{% endtest %}


{% test filled(model, columns) %}
select *
from {{ model }}
where {{ columns | join(' is null or ') }} is null
{% endtest %}


{#- A condition that is null does not hold. -#}
{% test every_row(model, condition) %}
select *
from {{ model }}
where ({{ condition }}) is not true
{% endtest %}


{#- The column is one of the unified columns whose values the seed `domains` lists. -#}
{% test in_domain(model, column_name) %}
select *
from {{ model }}
where {{ column_name }} is null
    or {{ column_name }} not in ({{ domain_of(column_name) }})
{% endtest %}
