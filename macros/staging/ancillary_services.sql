{#- A series has one name, whatever report it came in; some names tell the region, too. -#}
{% macro with_product_name(rows, iso) %}
    select
        published.* replace (coalesce(published.as_region, nullif(names.as_region, '')) as as_region),
        names.as_product
    from {{ rows }} as published
    left join {{ ref('as_product_names') }} as names
        on names.iso = '{{ iso }}'
        and published.published_product = names.published_product
{% endmacro %}


{#- A line with a column for each product becomes a row for each that has a price: an empty cell is no row. -#}
{% macro with_each_product(rows, prices, quantities={}) %}
    {{- return(adapter.dispatch('with_each_product', 'unified_iso')(rows, prices, quantities)) -}}
{% endmacro %}


{#- A line without any price keeps one row, so that it is counted. -#}
{% macro duckdb__with_each_product(rows, prices, quantities) %}
    {%- set amounts = [] %}
    {%- for product in prices %}
        {%- do amounts.append(quantities.get(product, 'null::double')) %}
    {%- endfor %}
    select
        * exclude (product_number, first_priced),
        first_priced is null as is_without_price,
        (product_number = coalesce(first_priced, 0))::utinyint as raw_lines
    from (
        select
            *,
            unnest(range({{ prices | length }})) as product_number,
            unnest([{{ texts_listed(prices.keys()) }}]) as published_product,
            unnest([{{ prices.values() | join(', ') }}]) as price,
            unnest([{{ amounts | join(', ') }}]) as cleared_quantity_mw,
            case
                {% for price in prices.values() %}
                when {{ price }} is not null then {{ loop.index0 }}
                {% endfor %}
            end as first_priced
        from {{ rows }}
    )
    where price is not null
        or (first_priced is null and product_number = 0)
{%- endmacro %}


{#- The model tells what is wrong with a row in `fault`, beside what is asked of every price here. -#}
{% macro ancillary_prices(rows, market_type='market_type', wide=false, own_ends=false, of_several_markets=false) %}
    select
        raw_file,
        raw_row,
        raw_lines,
        interval_start_utc,
        {%- if own_ends %}
        interval_end_utc,
        {%- endif %}
        {%- if of_several_markets %}
        market,
        interval_minutes,
        {%- endif %}
        {{ market_type }},
        as_product,
        as_region,
        price + 0.0 as market_clearing_price,
        cleared_quantity_mw + 0.0 as cleared_quantity_mw,
        version,
        case
            when raw_fault is not null then raw_fault
            when fault is not null then fault
            {%- if wide %}
            when is_without_price then 'filtered: no product has a price in this line'
            {%- endif %}
            when published_product is null then 'rejected: no product'
            when as_product is null
                then 'rejected: the product ' || published_product
                || ' is unknown: add it to the seeds as_product_names and as_products'
            when as_region is null then 'rejected: no region'
            when {{ no_price('price') }}
                then coalesce('rejected: price ' || price || ' is no price within 50,000 $/MW', 'rejected: no price')
            when cleared_quantity_mw not between -1000000 and 1000000
                then 'rejected: ' || cleared_quantity_mw || ' MW is no cleared quantity'
        end as set_aside
    from {{ rows }}
{% endmacro %}
