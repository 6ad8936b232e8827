{#- Prices of a report whose lines are a product, region and interval. One row per line. -#}
{% macro caiso_ancillary_prices(prices, market_type, market_run, minutes, elsewhere) %}
    with lines as (

        select
            *,
            intervalstarttime_gmt as interval_start
        from {{ prices }}

    ),

    intervals as (

        {{ caiso_intervals('lines', minutes) }}

    ),

    typed as (

        select
            lines.raw_file,
            lines.raw_row,
            lines.raw_fault,
            1::utinyint as raw_lines,
            intervals.interval_start_utc,
            {{ trimmed('lines.anc_type') }} as published_product,
            {{ trimmed('lines.anc_region') }} as as_region,
            lines.mw as price,
            null::double as cleared_quantity_mw,
            1::uinteger as version,
            case
                -- Requirements (AS_REQ) have all columns of prices, and megawatts in MW; awards (AS_RESULTS) have
                -- megawatts there and dollars, the latter as RU_TOT_CST_PRC.
                when right(upper({{ trimmed('lines.xml_data_item') }}), 8) <> '_CLR_PRC'
                    then 'refused: is another report: XML_DATA_ITEM is ' || {{ trimmed('lines.xml_data_item') }}
                    || ', which is no price: move it out of this folder'
                when bool_and(coalesce(lines.market_run_id, '{{ market_run }}') not in ('{{ market_run }}', 'HASP'))
                    over (partition by lines.raw_file)
                    then {{ is_another_report(
                        "'MARKET_RUN_ID is ' || lines.market_run_id || ' and " ~ market_run ~ " in no line'", elsewhere
                    ) }}
                when lines.market_run_id = 'HASP' then 'filtered: prices of the hour-ahead run HASP'
                when coalesce(lines.market_run_id, 'blank') <> '{{ market_run }}'
                    then 'rejected: MARKET_RUN_ID ' || coalesce(lines.market_run_id, 'blank') || ' is not {{ market_run }}'
                when lines.intervalstarttime_gmt is null then 'rejected: no INTERVALSTARTTIME_GMT'
                {{- caiso_time_faults('lines', minutes) }}
            end as fault
        from lines
        left join intervals on lines.interval_start = intervals.interval_start

    ),

    named as (

        {{ with_product_name('typed', iso='caiso') }}

    )

    {{ ancillary_prices('named', market_type="'" ~ market_type ~ "' as market_type") }}
{% endmacro %}
