{#- The dataset that a relation belongs to; at parse time there is no graph to find it in. -#}
{% macro tested_dataset(model) %}
    {% for node in (graph.nodes.values() if execute else []) if node.resource_type == 'model' and node.alias == model.identifier %}
        {{ return(node) }}
    {% endfor %}
    {{ return({'config': {}}) }}
{% endmacro %}


{#- Files that the tests are about, by delivery year: the candidates of a build, all that is published in
    `dbt test`. A year that is to lose its file has none. -#}
{% macro audited_files(node) %}
    {% if not execute or flags.WHICH in ['generate', 'compile'] %}
        {{ return([]) }}
    {% elif flags.WHICH == 'test' %}
        {{ return(current_year_files(node)) }}
    {% endif %}
    {% set files = [] %}
    {% for row in run_query(
        "select year, path from inventory.candidates where model = " ~ sql_text(node.name) ~ " order by year"
    ).rows %}
        {% do files.append({'year': row[0] | int, 'path': row[1]}) %}
    {% endfor %}
    {{ return(files) }}
{% endmacro %}


{#- Whether a report gives the dataset its system lambda, which is the energy price elsewhere. -#}
{% macro has_own_lambda(node) %}
    {% for staging in staging_models_of(node) if 'system_lambda' in staging.columns %}{{ return(true) }}{% endfor %}
    {{ return(false) }}
{% endmacro %}


{#- Condition that a price is further from the sum of its components than the publisher's rounding takes it.
    Beyond 50,000 $/MWh, where nothing is sane, no part makes the tolerance wider: one that is no number least. -#}
{% macro do_not_add_up(price, sum_of_components, components, tolerances, node) %}
    {%- set of_market -%}
        from {{ tolerances }}
        where iso = {{ sql_text(node.config.iso or '') }} and market_type = {{ sql_text(node.config.market or '') }}
    {%- endset -%}
    abs({{ price }} - ({{ sum_of_components }})) > (
        select coalesce(max(tolerance), 0) + 1e-9
        {{ of_market }}
    ) + (
        select coalesce(max(relative_tolerance), 0)
        {{ of_market }}
    ) * least(greatest(abs({{ components | join('), abs(') }})), 50000)
{%- endmacro %}
