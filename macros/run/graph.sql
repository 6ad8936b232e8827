{#- The dataset that a relation belongs to; at parse time there is no graph to find it in. -#}
{% macro tested_dataset(model) %}
    {% for node in (graph.nodes.values() if execute else []) if node.resource_type == 'model' and node.alias == model.identifier %}
        {{ return(node) }}
    {% endfor %}
    {{ return({'config': {}}) }}
{% endmacro %}
