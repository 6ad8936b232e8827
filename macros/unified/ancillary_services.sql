{#- Staging models are given by name: in `of_several_markets` those whose rows tell interval length. With `own_ends`
    rows tell their end, because the intervals of the market differ in length. -#}
{% macro ancillary_services_from(
    iso, market, minutes, staging, hourly=false, of_several_markets=[], own_ends=false
) %}
{{ facts_of_every_dataset() }}
-- Not materialized, because a build has parsed these rows into a table already.
with loaded as not materialized (

    {{ ancillary_rows(staging, market, minutes, of_several_markets, iso if own_ends else none) }}

),

repeats as (

    {{ ranked_repeats(family('ancillary_services'), 'loaded', 1 if own_ends else 60 * minutes) }}

),

kept as (

    {{ without_repeats(family('ancillary_services'), 'loaded', 'repeats') }}

),

clock as (

    {{ clock_of('loaded', iso) }}

),

-- Rows are sorted last, and only plain projections stand above, because a join there would lose the order.
sorted as (

    select
        kept.*,
        products.as_product_standard,
        products.unit,
        clock.datetime_local
    from kept
    left join {{ ref('as_products') }} as products
        on products.iso = '{{ iso }}'
        and kept.as_product = products.as_product
    left join clock on kept.interval_start_utc = clock.interval_start_utc
    order by
        kept.interval_start_utc,
        kept.market_type,
        kept.as_product,
        kept.as_region

)

select
    interval_start_utc as datetime_utc,
    datetime_local,
    interval_start_utc,
    {{ 'interval_end_utc' if own_ends else plus_minutes('interval_start_utc', minutes) ~ ' as interval_end_utc' }},
    datetime_local::date as delivery_date,
    (hour(datetime_local) + 1)::utinyint as delivery_hour,
    {{ minutes }}::utinyint as interval_minutes,
    '{{ iso | upper }}' as iso,
    market_type,
    as_product,
    as_product_standard,
    as_region,
    market_clearing_price,
    cleared_quantity_mw,
    unit,
    {{ data_source_of('raw_file') }} as data_source,
    version,
    true as is_current
from sorted
{% endmacro %}


{#- Rows of staging relations that belong to a dataset, before repeats are told apart. Runs of the dispatch have the
    operator as `runs_of`. -#}
{% macro ancillary_rows(staging, market, minutes, of_several_markets=[], runs_of=none) %}
    {%- set rows = _prices_of_reports(staging, market, minutes, of_several_markets, runs_of) %}
    {{- runs_of_several_reports(rows, 'as_region', runs_of) if runs_of else rows }}
{% endmacro %}


{% macro _prices_of_reports(staging, market, minutes, of_several_markets, own_ends) %}
    {%- for name in staging %}
    select
        raw_file,
        raw_row,
        interval_start_utc,
        {%- if own_ends %}
        interval_end_utc,
        {%- endif %}
        market_type,
        as_product,
        as_region,
        -- A price printed, rounded or turned to -0.0 is published as 0.0.
        market_clearing_price + 0.0 as market_clearing_price,
        cleared_quantity_mw + 0.0 as cleared_quantity_mw,
        version
    from {{ ref(name) }}
    where set_aside is null
        {%- if name in of_several_markets %}
        and market_type in ({{ texts_listed([market] if market is string else market) }})
        and interval_minutes = {{ minutes }}
        {%- endif %}
    {{- '\n    union all' if not loop.last }}
    {%- endfor %}
{% endmacro %}


{#- What the engine asks of loaded rows beside the SQL of a dataset, by the question's name. -#}
{% macro ancillary_services_questions(dataset) %}
    {% set rows = ancillary_rows(
        dataset.staging,
        dataset.market,
        dataset.minutes,
        dataset.of_several_markets or [],
        dataset.iso if dataset.own_ends else none
    ) %}
    {{ return({'repeats': repeat_counts(
        family('ancillary_services'), rows, 1 if dataset.own_ends else 60 * dataset.minutes
    )}) }}
{% endmacro %}
