{#- A dataset: its SQL is written to one Parquet file for each delivery year by the engine. -#}
{% materialization year_files, adapter='duckdb' %}
    {% set relation = this.incorporate(type='view') %}
    {{ run_hooks(pre_hooks) }}
    {% if config.get('contract').enforced %}
        {% do get_assert_columns_equivalent(sql) %}
    {% endif %}
    {% if not flags.EMPTY %}
        {% do engine('build', {'model': model, 'sql': sql, 'questions': questions_about(model)}) %}
    {% endif %}
    {% call statement('main') %}select 1{% endcall %}
    {{ run_hooks(post_hooks) }}
    {% do adapter.commit() %}
    {{ return({'relations': [relation]}) }}
{% endmaterialization %}


{#- Each family has a macro `<family>_questions`. A dataset that is made of another one has no loaded rows to ask of;
    it is asked which rows of that it leaves out. -#}
{% macro questions_about(node) %}
    {% set config = node.config %}
    {% if config.subset_where %}
        {{ return({'left_out': left_out_of_subset(ref(dataset_above(node).name), config.subset_where)}) }}
    {% endif %}
    {% if config.means_of %}
        {{ return({'left_out': left_out_of_means(ref(config.means_of), config.intervals)}) }}
    {% endif %}
    {{ return(context[node.config.family ~ '_questions'](node.config)) }}
{% endmacro %}
