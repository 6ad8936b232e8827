{#- Each different label is read once and not once per row, because all points of an hour have the same. -#}
{% macro ercot_hour_labels(rows) %}
    select
        labels.*,
        labels.delivery_date + to_hours(labels.hour_number - 1) as local_start,
        coalesce(labels.flag in ('Y', 'TRUE'), false) as second_pass,
        case
            when labels.raw_fault is not null then labels.raw_fault
            when labels.delivery_date is null then 'rejected: no delivery date'
            when labels.delivery_date <> date_trunc('day', labels.delivery_date)
                then 'rejected: delivery date ' || labels.delivery_date || ' is not the start of a day'
            when labels.hour_number is null then 'rejected: hour ending is none of 01:00 to 24:00'
            when labels.flag is null or labels.flag not in ('Y', 'N', 'TRUE', 'FALSE')
                then 'rejected: the flag of the repeated hour is neither Y nor N'
        end as label_error
    from (
        select
            *,
            -- A workbook that was saved again shows 1:00 and 24:00:00.
            try_cast(
                regexp_extract(hour_ending, '^ *(0?[1-9]|1[0-9]|2[0-4])(:00)+ *$', 1) as integer
            ) as hour_number,
            upper({{ trimmed('repeated_hour_flag') }}) as flag
        from (
            select distinct
                raw_fault,
                delivery_date,
                hour_ending,
                repeated_hour_flag
            from {{ rows }}
        ) as printed
    ) as labels
{% endmacro %}


{% macro ercot_with_hours(rows, hours) %}
    select
        labelled.*,
        hours.interval_start_utc,
        coalesce(hours.label_error, hours.clock_error) as hour_error
    from {{ rows }} as labelled
    left join {{ hours }} as hours
        on labelled.raw_fault is not distinct from hours.raw_fault
        and labelled.delivery_date is not distinct from hours.delivery_date
        and labelled.hour_ending is not distinct from hours.hour_ending
        and labelled.repeated_hour_flag is not distinct from hours.repeated_hour_flag
{% endmacro %}


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


{% macro ercot_spp_prices(rows, printed_price='price') %}
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
            when hour_error is not null then hour_error
            when settlement_location is null then 'rejected: no settlement point'
            when price is null and {{ printed_price }} is not null
                then 'rejected: "' || {{ printed_price }} || '" is no settlement point price'
            {{- price_faults({'settlement point price': 'price'}) }}
        end as set_aside
    from {{ rows }}
{% endmacro %}
