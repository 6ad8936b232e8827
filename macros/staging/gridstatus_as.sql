{#- Each operator has columns of its own for products; these are carried on as they are. -#}
{% macro gridstatus_as_rows(source, iso, region, columns, market='null::varchar') %}
    select
        prices.raw_file,
        prices.raw_row,
        prices.raw_fault,
        prices.raw_lacks,
        times.interval_start_utc,
        times.interval_end_utc,
        times.end_text,
        times.start_text,
        times.start_column,
        times.time_error,
        coalesce(prices.market_word, 'none') as market,
        words.market_type,
        words.longest_minutes,
        nullif(words.left_out, '') as left_out,
        prices.as_region,
        {% for column in columns %}
        prices.{{ adapter.quote(column) }},
        {% endfor %}
        coalesce(words.version, 1)::uinteger as version
    from (
        select
            *,
            {{ region }} as as_region,
            upper({{ trimmed(market) }}) as market_word
        from {{ source }}
    ) as prices
    {{ gridstatus_times_and_words(source, iso) }}
{% endmacro %}


{#- Where no column tells the market, the length of the interval does: `hourly` says what an hour is of. A column of
    `words` has prices of the product that another column names. `faults` are cases of what else is wrong with a row.
    The ends of intervals tell hours from shorter intervals of which somebody has kept those on the hour, where
    `may_be_shorter`, a condition, says that there are such prices. -#}
{% macro gridstatus_as_prices(
    rows, iso, products, quantities={}, hourly="'DA'", words={}, own_ends=false, faults='', may_be_shorter='true'
) %}
    with judged as (

        select
            * replace (
                case
                    when market <> 'none' then market_type
                    when interval_minutes = 60 then {{ hourly }}
                    when interval_minutes < 60 then 'RT'
                end as market_type
            ),
            case
                when left_out is not null then 'filtered: ' || left_out
                when time_error is not null then time_error
                when market_type is null and market <> 'none' then 'rejected: the Market ' || market || ' is unknown'
                when interval_minutes is null
                    then 'rejected: neither the time step nor an Interval End tells the length of the interval'
                {{- faults }}
                when market = 'none'
                    and interval_minutes = 60
                    and ({{ may_be_shorter }})
                    and count(end_text) over (partition by raw_file) = 0
                    then 'refused: has neither a Market nor an Interval End, so that nothing tells its hours from prices of '
                    || 'shorter intervals of which somebody has kept some: download it again with all columns'
            end as fault
        from {{ rows }}

    ),

    products as (

        {{ with_each_product('judged', prices=products, quantities=quantities) }}

    ),

    {% if words %}
    worded as (

        select
            * replace (
                case published_product
                    {% for column, word in words.items() %}
                    when '{{ column }}' then {{ word }}
                    {% endfor %}
                    else published_product
                end as published_product
            )
        from products

    ),

    {% endif %}
    named as (

        {{ with_product_name('worded' if words else 'products', iso=iso) }}

    )

    {{ ancillary_prices('named', wide=true, own_ends=own_ends, of_several_markets=true) }}
{% endmacro %}
