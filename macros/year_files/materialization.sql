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


{#- Each family has a macro `<family>_questions`. A subset has no rows of its own to ask of. -#}
{% macro questions_about(node) %}
    {% if node.config.subset_where %}{{ return({}) }}{% endif %}
    {{ return(context[node.config.family ~ '_questions'](node.config)) }}
{% endmacro %}
