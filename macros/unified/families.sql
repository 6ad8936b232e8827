{#- The family of a dataset. At parse time no dataset is known, and the SQL that comes of an empty record is not run. -#}
{% macro family_of(node) %}
    {% if node.config.family %}{{ return(family(node.config.family)) }}{% endif %}
    {{ return({
        'key': [], 'order': [], 'compared': [], 'price': 'null', 'parts': [], 'texts': [], 'series': [], 'beside': [],
        'line_key': [], 'required': [], 'words': [],
    }) }}
{% endmacro %}


{#- A dataset says its market as one word or as several. -#}
{% macro markets_of(node) %}
    {% set market = node.config.market or [] %}
    {{ return([market] if market is string else market) }}
{% endmacro %}


{#- Columns that tell a dataset's rows of one interval apart: its market does only where it has several. -#}
{% macro tells_apart(node) %}
    {% set same = ['interval_start_utc'] + (['market_type'] if (markets_of(node) | length) < 2 else []) %}
    {{ return(family_of(node).key | reject('in', same) | list) }}
{% endmacro %}


{#- Conditions by column, without those of columns that a dataset does not have. -#}
{% macro conditions_on_columns(node, conditions) %}
    {% set found = {} %}
    {% for column, condition in conditions.items() if column in node.columns %}
        {% do found.update({column: condition}) %}
    {% endfor %}
    {{ return(found) }}
{% endmacro %}


{% macro texts_listed(texts) %}
    {%- for text in texts %}{{ sql_text(text) }}{{ ', ' if not loop.last }}{% endfor -%}
{% endmacro %}


{#- Condition that a row stands behind the one before it, whose columns end in `_before`. -#}
{% macro comes_after(order) %}
    {%- set later = namespace(condition='') -%}
    {%- for column in order | reverse -%}
        {%- set later.condition = column ~ ' > ' ~ column ~ '_before'
            ~ (' or (' ~ column ~ ' = ' ~ column ~ '_before and (' ~ later.condition ~ '))' if later.condition) -%}
    {%- endfor -%}
    {{ later.condition }}
{%- endmacro %}


{#- Condition that a text is empty or has blanks around it. -#}
{% macro is_odd_text(text) %}
    ({{ text }} in ('', ' ') or {{ text }} <> {{ trimmed(text) }})
{%- endmacro %}


{#- Further columns of a select list or a group, which may be none. -#}
{% macro also(columns) %}
    {%- for column in columns -%}, {{ column }}{%- endfor -%}
{% endmacro %}


{% macro also_any(columns) %}
    {%- for column in columns -%}, any_value({{ column }}) as {{ column }}{%- endfor -%}
{% endmacro %}
