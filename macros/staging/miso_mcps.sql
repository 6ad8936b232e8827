{#- Prices of a report of two tables: all of MISO, and nodes, whose lines are merged into their zones. -#}
{% macro miso_hourly_mcps(rows, market_type, version) %}
    with lines as (

        select
            raw_file,
            raw_row,
            raw_fault,
            delivery_day::timestamp as local_start,
            {{ trimmed('"Pnode"') }} as node,
            -- Real-time reports write `Miso-Wide`.
            case
                when upper(replace({{ trimmed('"Pnode"') }}, '-', ' ')) = 'MISO WIDE' then 'MISO Wide'
                else {{ trimmed('"Zone"') }}
            end as as_region,
            {{ trimmed('"MCP Type"') }} as published_product,
            {{ miso_hours() }} as prices
        from {{ rows }}

    ),

    -- Lines of a zone and product have equal prices in all hours, or there are several of these.
    variants as (

        select
            raw_file,
            raw_fault,
            local_start,
            as_region,
            published_product,
            prices,
            min(raw_row) as raw_row,
            arg_min(node, raw_row) as node,
            count(*) as raw_lines
        from lines
        group by
            raw_file,
            raw_fault,
            local_start,
            as_region,
            published_product,
            prices

    ),

    -- Where lines disagree, the row is told by the line that has prices of its own last.
    regions as (

        select
            raw_file,
            raw_fault,
            local_start,
            false as second_pass,
            as_region,
            published_product,
            max(raw_row) as raw_row,
            sum(raw_lines) as raw_lines,
            arg_min(node, raw_row) as node,
            arg_min(prices, raw_row) as price,
            case
                when count(*) > 1
                    then concat(
                        'rejected: lines of ',
                        as_region,
                        ' have unequal prices of ',
                        published_product,
                        ': those of ',
                        arg_min(node, raw_row),
                        ' and ',
                        arg_max(node, raw_row)
                    )
            end as disagreement
        from variants
        group by
            raw_file,
            raw_fault,
            local_start,
            as_region,
            published_product

    ),

    clocked as (

        {{ with_utc('regions', iso='miso', column='day', minutes=1440) }}

    ),

    hourly as (

        {{ with_each_hour('clocked', lists=['price']) }}

    ),

    priced as (

        select
            *,
            min(case when price is not null then hour_index end) over (partition by raw_file, raw_row) as first_priced
        from hourly

    ),

    -- An empty cell is no row, but a region without any price keeps one, so that its lines are counted.
    typed as (

        select
            raw_file,
            raw_row,
            raw_fault,
            case when hour_index = coalesce(first_priced, 0) then raw_lines else 0 end::uinteger as raw_lines,
            {{ plus_minutes('interval_start_utc', '60 * hour_index') }} as interval_start_utc,
            as_region,
            published_product,
            price,
            null::double as cleared_quantity_mw,
            {{ version }}::uinteger as version,
            case
                when clock_error is not null then clock_error
                when interval_start_utc is null then 'rejected: no day'
                when node is null then 'rejected: no Pnode'
                when as_region is null then 'rejected: no Zone'
                when as_region <> 'MISO Wide' and as_region not like 'Zone %'
                    then 'rejected: unknown Zone "' || as_region || '"'
                when published_product is null then 'rejected: no MCP Type'
                when disagreement is not null then disagreement
                when first_priced is null then 'filtered: no hour has a price in this line'
            end as fault
        from priced
        where price is not null
            or (first_priced is null and hour_index = 0)

    ),

    named as (

        {{ with_product_name('typed', iso='miso') }}

    )

    {{ ancillary_prices('named', market_type="'" ~ market_type ~ "' as market_type") }}
{% endmacro %}
