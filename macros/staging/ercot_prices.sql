{#- Each different label is read once and not once per row, because all points of an interval have the same. -#}
{% macro ercot_labels(rows, quarters=false) %}
    select
        labels.*,
        labels.delivery_date + to_hours(labels.hour_number - 1)
        {%- if quarters %} + to_minutes(15 * (labels.interval_number - 1)){% endif %} as local_start,
        coalesce(labels.flag in ('Y', 'TRUE'), false) as second_pass,
        case
            when labels.raw_fault is not null then labels.raw_fault
            when labels.delivery_date is null then 'rejected: no delivery date'
            when labels.delivery_date <> date_trunc('day', labels.delivery_date)
                then 'rejected: delivery date ' || labels.delivery_date || ' is not the start of a day'
            {%- if quarters %}
            when labels.hour_number is null then 'rejected: delivery hour is none of 1 to 24'
            when labels.interval_number is null then 'rejected: delivery interval is none of 1 to 4'
            {%- else %}
            when labels.hour_number is null then 'rejected: hour ending is none of 01:00 to 24:00'
            {%- endif %}
            when labels.flag is null or labels.flag not in ('Y', 'N', 'TRUE', 'FALSE')
                then 'rejected: the flag of the repeated hour is neither Y nor N'
        end as label_error
    from (
        select
            *,
            {%- if quarters %}
            -- A tool that has met a blank row shows 1 as 1.0.
            try_cast(
                regexp_extract(hour_ending, '^ *(0?[1-9]|1[0-9]|2[0-4])([.]0+)? *$', 1) as integer
            ) as hour_number,
            try_cast(
                regexp_extract(delivery_interval, '^ *0?([1-4])([.]0+)? *$', 1) as integer
            ) as interval_number,
            {%- else %}
            -- A workbook that was saved again shows 1:00 and 24:00:00.
            try_cast(
                regexp_extract(hour_ending, '^ *(0?[1-9]|1[0-9]|2[0-4])(:00)+ *$', 1) as integer
            ) as hour_number,
            {%- endif %}
            upper({{ trimmed('repeated_hour_flag') }}) as flag
        from (
            select distinct
                raw_fault,
                delivery_date,
                hour_ending,
                {%- if quarters %}
                delivery_interval,
                {%- endif %}
                repeated_hour_flag
            from {{ rows }}
        ) as printed
    ) as labels
{% endmacro %}


{% macro ercot_with_labels(rows, labels, price='price', series=none, quarters=false) %}
    with labelled as (

        select
            printed.*,
            told.local_start,
            told.second_pass,
            told.is_repeated,
            told.interval_start_utc,
            coalesce(told.label_error, told.clock_error) as label_error
        from {{ rows }} as printed
        left join {{ labels }} as told
            on printed.raw_fault is not distinct from told.raw_fault
            and printed.delivery_date is not distinct from told.delivery_date
            and printed.hour_ending is not distinct from told.hour_ending
            {%- if quarters %}
            and printed.delivery_interval is not distinct from told.delivery_interval
            {%- endif %}
            and printed.repeated_hour_flag is not distinct from told.repeated_hour_flag

    )

    {{ with_lost_marks('labelled', price=price, series=series, error='label_error') }}
{% endmacro %}


{#- A load zone and a DC tie have two prices in real time, and the one weighted by energy gets a name of its own. -#}
{% macro ercot_location(name, type) %}
    case
        when {{ type }} in ('LZEW', 'LZ_DCEW') then {{ name }} || '_EW'
        else {{ name }}
    end
{%- endmacro %}


{% macro ercot_zones_of_nodes(points) %}
    {#- The last list counts, because lists of several dates may lie side by side and a node may have moved. -#}
    select
        listed.resource_node,
        arg_max(listed.zone, listed.posted || ' ' || listed.file_name || ' ' || listed.zone) as zone
    from (
        select
            {{ trimmed('resource_node') }} as resource_node,
            {{ trimmed('settlement_load_zone') }} as zone,
            file_name,
            {% set stamp = "'_([0-9]{4})([0-9]{4})_([0-9]{6})'" %}
            regexp_extract(file_name, {{ stamp }}, 2)
            || regexp_extract(file_name, {{ stamp }}, 1)
            || regexp_extract(file_name, {{ stamp }}, 3) as posted
        from {{ points }}
    ) as listed
    where listed.resource_node is not null
        and listed.zone is not null
    group by listed.resource_node
{% endmacro %}


{% macro ercot_spp_prices(rows, printed_price='price', with_types=false, may_be_blank=false) %}
    select
        raw_file,
        raw_row,
        1::utinyint as raw_lines,
        interval_start_utc,
        settlement_location,
        settlement_location_type,
        settlement_location as settlement_location_id,
        zone,
        null::double as voltage_kv,
        -- A price printed as -0 is 0.
        price + 0.0 as lmp_total,
        null::double as lmp_energy,
        null::double as lmp_congestion,
        null::double as lmp_loss,
        1::uinteger as version,
        case
            {%- if may_be_blank %}
            when is_blank then 'filtered: blank row of a yearly book'
            {%- endif %}
            when label_error is not null then label_error
            when settlement_location is null then 'rejected: no settlement point'
            {%- if with_types %}
            when published_type is null then 'rejected: no settlement point type'
            -- One of another type would stand for one of the two prices of its zone.
            when settlement_location_type in ('ZONE', 'DC_TIE')
                and published_type not in ('LZ', 'LZEW', 'LZ_DC', 'LZ_DCEW')
                then 'rejected: unknown settlement point type "' || published_type || '" of a load zone or DC tie'
            {%- endif %}
            when price is null and {{ printed_price }} is not null
                then 'rejected: "' || {{ printed_price }} || '" is no settlement point price'
            {{- price_faults({'settlement point price': 'price'}) }}
        end as set_aside
    from {{ rows }}
{% endmacro %}
